"""Layers as people write them by hand when they learn how a network is trained.

One row a sample. ``forward`` sets ``output``; ``backward`` takes the upstream gradient and sets ``dinputs`` and the
gradients of the parameters. A loss is averaged over the samples, and its ``backward`` takes what its ``forward`` took.
"""

from __future__ import annotations

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
