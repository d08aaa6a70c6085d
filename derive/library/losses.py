"""Losses; each averages over the samples."""

from derive.record import Record

ROWS_SUM_TO_ONE = "sum(t[n,k], k) = 1"
CROSS_ENTROPY = "Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.1"

RECORDS = (
    Record(
        name="cce",
        group="losses",
        title="categorical cross-entropy of probabilities, one-hot or soft labels",
        definition="L = -1/N * sum(t[n,k] * log(p[n,k]), n, k)",
        inputs=("p", "t"),
        labels=("t",),
        facts=(ROWS_SUM_TO_ONE,),
        domain={"p": (0.05, 1.0), "t": (0.0, 1.0)},
        absent={"p": "t"},
        source=CROSS_ENTROPY,
    ),
    Record(
        name="cce-sparse",
        group="losses",
        title="categorical cross-entropy of probabilities, labels as class numbers",
        definition="L = -1/N * sum(log(p[n,t[n]]), n)",
        labels=("t",),
        domain={"p": (0.05, 1.0)},
        source=CROSS_ENTROPY,
    ),
    Record(
        name="softmax-cce",
        group="losses",
        title="categorical cross-entropy of logits, one-hot or soft labels",
        definition="p = softmax(z); L = cce(p, t)",
        source=CROSS_ENTROPY,
    ),
    Record(
        name="softmax-cce-sparse",
        group="losses",
        title="categorical cross-entropy of logits, labels as class numbers",
        definition="p = softmax(z); L = cce_sparse(p, t)",
        source=CROSS_ENTROPY,
    ),
    Record(
        name="mse",
        group="losses",
        title="mean squared error",
        definition="L = mean((y[n,k] - t[n,k])**2, n, k)",
        labels=("t",),
        source="elementary",
    ),
)
