"""Arithmetic: products and sums."""

from derive.record import Record

RECORDS = (
    Record(
        name="add",
        group="arithmetic",
        title="addition",
        definition="y = a + b",
        source="elementary",
    ),
    Record(
        name="mul",
        group="arithmetic",
        title="multiplication",
        definition="y = a * b",
        source="elementary",
    ),
    Record(
        name="sum",
        group="arithmetic",
        title="sum over an index",
        definition="y[n] = sum(a[n,i], i)",
        source="elementary",
    ),
    Record(
        name="mean",
        group="arithmetic",
        title="mean over an index",
        definition="y[n] = mean(a[n,i], i)",
        source="elementary",
    ),
)
