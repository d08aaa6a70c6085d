"""By operation, the gradients that the layers written by hand give: what ``derive verify`` compares with in a clone."""

from __future__ import annotations

from tests.handwritten.layers import (
    GELU,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Dense,
    LeakyReLU,
    LogSoftmax,
    MeanSquaredError,
    NegativeLogLikelihood,
    ReLU,
    Sigmoid,
    SigmoidBinaryCrossEntropy,
    SiLU,
    Softmax,
    SoftmaxCategoricalCrossEntropy,
    Softplus,
    Tanh,
)


def after_forward(layer, *names):
    """Gradients of a layer that is run forward and then given the upstream gradient."""

    def gradients(inputs, upstream):
        layer.forward(inputs[0])
        layer.backward(upstream)
        return tuple(getattr(layer, name) for name in names)

    return gradients


def dense(inputs, upstream):
    layer = Dense(inputs[1], inputs[2])
    return after_forward(layer, "dinputs", "dweights", "dbiases")(inputs, upstream)


def of_loss(layer):
    """The gradient of a layer whose backward pass takes what its forward pass took."""
    return lambda inputs, upstream: (upstream * layer.backward(*inputs),)


def of_logits(layer):
    """The gradient of a layer whose backward pass takes the probabilities that its forward pass computed."""

    def gradients(inputs, upstream):
        layer.forward(*inputs)
        return (upstream * layer.backward(layer.probabilities, inputs[1]),)

    return gradients


GRADIENTS = {
    "dense": dense,
    "relu": after_forward(ReLU(), "dinputs"),
    "leaky-relu": after_forward(LeakyReLU(), "dinputs"),
    "sigmoid": after_forward(Sigmoid(), "dinputs"),
    "tanh": after_forward(Tanh(), "dinputs"),
    "softplus": after_forward(Softplus(), "dinputs"),
    "silu": after_forward(SiLU(), "dinputs"),
    "gelu": after_forward(GELU(), "dinputs"),
    "softmax": after_forward(Softmax(), "dinputs"),
    "log-softmax": after_forward(LogSoftmax(), "dinputs"),
    "mse": of_loss(MeanSquaredError()),
    "nll": of_loss(NegativeLogLikelihood()),
    "nll-sparse": of_loss(NegativeLogLikelihood()),
    "bce": of_loss(BinaryCrossEntropy()),
    "bce-logits": of_logits(SigmoidBinaryCrossEntropy()),
    "cce": of_loss(CategoricalCrossEntropy()),
    "cce-sparse": of_loss(CategoricalCrossEntropy()),
    "softmax-cce": of_logits(SoftmaxCategoricalCrossEntropy()),
    "softmax-cce-sparse": of_logits(SoftmaxCategoricalCrossEntropy()),
}
