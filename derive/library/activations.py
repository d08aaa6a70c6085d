"""Activations: elementwise functions, and softmax."""

from derive.record import Record

RECORDS = (
    Record(
        name="relu",
        group="activations",
        title="rectified linear unit",
        definition="y = max(x, 0)",
        source="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010",
    ),
    Record(
        name="sigmoid",
        group="activations",
        title="logistic sigmoid",
        definition="y = 1 / (1 + exp(-x))",
        source="Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 3.10",
    ),
    Record(
        name="tanh",
        group="activations",
        title="hyperbolic tangent",
        definition="y = tanh(x)",
        source="elementary",
    ),
    Record(
        name="softmax",
        group="activations",
        title="softmax over the last index",
        definition="y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)",
        source="Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
    ),
)
