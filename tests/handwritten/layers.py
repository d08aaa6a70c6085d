"""Layers as people write them by hand when they learn how a network is trained.

One row a sample. ``forward`` sets ``output``; ``backward`` takes the upstream gradient and sets ``dinputs`` and the
gradients of the parameters. A loss is averaged over the samples, and its ``backward`` takes what its ``forward`` took.
"""

from __future__ import annotations

import math

import numpy as np


class Dense:
    """``output = inputs @ weights + biases`` with weights of shape (inputs, neurons)."""

    def __init__(self, weights, biases):
        self.weights = weights
        self.biases = biases

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        return self.dinputs


class ReLU:
    """``output = max(inputs, 0)``; the derivative at 0 is 0."""

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0)
        return self.dinputs


class LeakyReLU:
    """As ReLU, with a hundredth of what is below 0; the derivative at 0 is 1/100."""

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.where(inputs > 0, inputs, 0.01 * inputs)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0.01 * dvalues)
        return self.dinputs


class Sigmoid:
    """``output = 1 / (1 + exp(-inputs))``."""

    def forward(self, inputs):
        self.output = 1 / (1 + np.exp(-inputs))
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * self.output * (1 - self.output)
        return self.dinputs


class Tanh:
    """``output = tanh(inputs)``."""

    def forward(self, inputs):
        self.output = np.tanh(inputs)
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * (1 - self.output**2)
        return self.dinputs


class Softplus:
    """``output = log(1 + exp(inputs))``; its derivative is the sigmoid."""

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.log1p(np.exp(inputs))
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues / (1 + np.exp(-self.inputs))
        return self.dinputs


class SiLU:
    """The inputs times their sigmoids."""

    def forward(self, inputs):
        self.inputs = inputs
        self.gates = 1 / (1 + np.exp(-inputs))
        self.output = inputs * self.gates
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * self.gates * (1 + self.inputs * (1 - self.gates))
        return self.dinputs


class GELU:
    """The inputs times the probability that a standard normal number is below them."""

    def forward(self, inputs):
        self.inputs = inputs
        self.below = np.vectorize(lambda number: 0.5 * (1 + math.erf(number / math.sqrt(2))))(inputs)
        self.output = inputs * self.below
        return self.output

    def backward(self, dvalues):
        density = np.exp(-(self.inputs**2) / 2) / np.sqrt(2 * np.pi)
        self.dinputs = dvalues * (self.below + self.inputs * density)
        return self.dinputs


class Softmax:
    """Each row's exponentials over their sum; the Jacobian of a sample is written out and multiplied, row by row."""

    def forward(self, inputs):
        exponentials = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exponentials / np.sum(exponentials, axis=1, keepdims=True)
        return self.output

    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        for sample, (probabilities, dvalue) in enumerate(zip(self.output, dvalues, strict=True)):
            column = probabilities.reshape(-1, 1)
            jacobian = np.diagflat(column) - column @ column.T
            self.dinputs[sample] = jacobian @ dvalue
        return self.dinputs


class LogSoftmax:
    """The logarithms of each row's softmax."""

    def forward(self, inputs):
        shifted = inputs - np.max(inputs, axis=1, keepdims=True)
        self.output = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues - np.exp(self.output) * np.sum(dvalues, axis=1, keepdims=True)
        return self.dinputs


def one_hot(labels, classes):
    """Return the labels as rows with a single one; rows are returned as they are."""
    return labels if labels.ndim == 2 else np.eye(classes)[labels]


class CategoricalCrossEntropy:
    """The mean over the samples of the negative logarithm of the probability of the right class."""

    def forward(self, predictions, labels):
        if labels.ndim == 1:
            right = predictions[np.arange(len(predictions)), labels]
            self.output = np.mean(-np.log(right))
        else:
            # A class that a row of labels gives no weight to is not looked at, though its probability be 0.
            logarithms = np.log(predictions, out=np.zeros_like(predictions), where=labels != 0)
            self.output = np.mean(-np.sum(labels * logarithms, axis=1))
        return self.output

    def backward(self, predictions, labels):
        samples, classes = predictions.shape
        labels = one_hot(labels, classes)
        self.dinputs = -np.divide(labels, predictions, out=np.zeros_like(predictions), where=labels != 0) / samples
        return self.dinputs


class NegativeLogLikelihood:
    """The mean over the samples of the negative logarithm, as given, of the probability of the right class."""

    def forward(self, predictions, labels):
        self.output = -np.mean(np.sum(one_hot(labels, predictions.shape[1]) * predictions, axis=1))
        return self.output

    def backward(self, predictions, labels):
        self.dinputs = -one_hot(labels, predictions.shape[1]) / len(predictions)
        return self.dinputs


class MeanSquaredError:
    """The mean of the squared differences."""

    def forward(self, predictions, targets):
        self.output = np.mean((predictions - targets) ** 2)
        return self.output

    def backward(self, predictions, targets):
        self.dinputs = 2 * (predictions - targets) / predictions.size
        return self.dinputs


class BinaryCrossEntropy:
    """The mean of the negative logarithms of the probabilities of what was the case."""

    def forward(self, predictions, labels):
        self.output = -np.mean(labels * np.log(predictions) + (1 - labels) * np.log(1 - predictions))
        return self.output

    def backward(self, predictions, labels):
        self.dinputs = (predictions - labels) / (predictions * (1 - predictions)) / predictions.size
        return self.dinputs


class SigmoidBinaryCrossEntropy:
    """Sigmoid, then binary cross-entropy, with the short gradient of the two together."""

    def forward(self, inputs, labels):
        self.probabilities = Sigmoid().forward(inputs)
        self.output = BinaryCrossEntropy().forward(self.probabilities, labels)
        return self.output

    def backward(self, probabilities, labels):
        self.dinputs = (probabilities - labels) / probabilities.size
        return self.dinputs


class SoftmaxCategoricalCrossEntropy:
    """Softmax, then cross-entropy, with the short gradient of the two together; rows of labels sum to 1."""

    def __init__(self):
        self.activation = Softmax()
        self.loss = CategoricalCrossEntropy()

    def forward(self, inputs, labels):
        self.probabilities = self.activation.forward(inputs)
        self.output = self.loss.forward(self.probabilities, labels)
        return self.output

    def backward(self, probabilities, labels):
        samples, classes = probabilities.shape
        self.dinputs = (probabilities - one_hot(labels, classes)) / samples
        return self.dinputs
