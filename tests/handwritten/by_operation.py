"""By operation, the gradients that the layers written by hand give: what ``derive verify`` compares with in a clone."""

from __future__ import annotations

from tests.handwritten.layers import CategoricalCrossEntropy, Dense, ReLU, Softmax, SoftmaxCategoricalCrossEntropy


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


def cross_entropy(inputs, upstream):
    return (upstream * CategoricalCrossEntropy().backward(*inputs),)


def softmax_cross_entropy(inputs, upstream):
    layer = SoftmaxCategoricalCrossEntropy()
    layer.forward(*inputs)
    return (upstream * layer.backward(layer.probabilities, inputs[1]),)


GRADIENTS = {
    "dense": dense,
    "relu": after_forward(ReLU(), "dinputs"),
    "softmax": after_forward(Softmax(), "dinputs"),
    "cce": cross_entropy,
    "cce-sparse": cross_entropy,
    "softmax-cce": softmax_cross_entropy,
    "softmax-cce-sparse": softmax_cross_entropy,
}
