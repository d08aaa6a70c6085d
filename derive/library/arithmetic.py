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
    Record(
        name="logsumexp",
        group="arithmetic",
        title="logarithm of the sum of exponentials over an index",
        definition="y[n] = log(sum(exp(a[n,i]), i))",
        source="Boyd and Vandenberghe, Convex Optimization, Cambridge University Press 2004, section 3.1.5",
    ),
)
