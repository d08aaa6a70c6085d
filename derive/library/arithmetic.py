"""Arithmetic: products, sums and what is said over an index."""

from derive.record import Record

PLACE = 10
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
        title="sum over the last index",
        definition="y[...] = sum(a[...,i], i)",
        source="elementary",
    ),
    Record(
        name="mean",
        group="arithmetic",
        title="mean over the last index",
        definition="y[...] = mean(a[...,i], i)",
        source="elementary",
    ),
    Record(
        name="logsumexp",
        group="arithmetic",
        title="logarithm of the sum of exponentials over the last index",
        definition="y[...] = log(sum(exp(a[...,i]), i))",
        source="Boyd and Vandenberghe, Convex Optimization, Cambridge University Press 2004, section 3.1.5",
    ),
)
