"""Activations: elementwise functions, softmax and its logarithm."""

from derive.record import Record

PLACE = 20
RECORDS = (
    Record(
        name="identity",
        group="activations",
        title="identity, the activation of a linear output",
        definition="y = x",
        source="elementary",
    ),
    Record(
        name="relu",
        group="activations",
        title="rectified linear unit",
        definition="y = max(x, 0)",
        source="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010",
    ),
    Record(
        name="leaky-relu",
        group="activations",
        title="leaky rectified linear unit, a slope a below 0",
        definition="y = where(x > 0, x, a*x)",
        defaults={"a": "0.01"},
        source="Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013",
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
        name="exp",
        group="activations",
        title="exponential, the mean of a log-linear model",
        definition="y = exp(x)",
        source="elementary",
    ),
    Record(
        name="softplus",
        group="activations",
        title="softplus, a smooth rectified linear unit",
        definition="y = log(1 + exp(x))",
        source="Dugas, Bengio, Belisle, Nadeau and Garcia, Incorporating second-order functional knowledge, NIPS 2000",
    ),
    Record(
        name="silu",
        group="activations",
        title="sigmoid linear unit (swish)",
        definition="s = sigmoid(x); y = x * s",
        source="Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, Neural Networks 107, 2018",
    ),
    Record(
        name="gelu",
        group="activations",
        title="Gaussian error linear unit",
        definition="Phi = (1 + erf(x/sqrt(2)))/2; y = x * Phi",
        source="Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016",
    ),
    Record(
        name="softmax",
        group="activations",
        title="softmax over the last index",
        definition="y[...,k] = exp(x[...,k]) / sum(exp(x[...,j]), j)",
        source="Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
    ),
    Record(
        name="log-softmax",
        group="activations",
        title="logarithm of softmax over the last index",
        definition="y[...,k] = x[...,k] - log(sum(exp(x[...,j]), j))",
        source="Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section 6.2.2.3",
    ),
)
