"""Small right implementations for the tests of the checker, in several styles, and how a text becomes targets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from codegen.checking.child import MODULE, load
from codegen.checking.examining import Options, examine
from codegen.checking.report import Target
from codegen.checking.styles import subjects_in

HEAD = "import numpy as np\n\n"

DENSE = """
class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T
"""
RELU = """
class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0
"""
SIGMOID = """
class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dy):
        return dy * self.y * (1 - self.y)
"""
SOFTMAX = """
def softmax_forward(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y, y


def softmax_backward(dout, cache):
    y = cache
    return y * (dout - (dout * y).sum(axis=1, keepdims=True))
"""
MSE = """
class MeanSquaredError:
    def forward(self, predictions, targets):
        return np.mean((predictions - targets) ** 2)

    def backward(self, predictions, targets):
        return 2 * (predictions - targets) / predictions.size
"""
CROSS_ENTROPY = """
class CrossEntropy:
    def forward(self, probs, targets):
        clipped = np.clip(probs, 1e-7, 1 - 1e-7)
        return -np.mean(np.sum(targets * np.log(clipped), axis=1))

    def backward(self, probs, targets):
        inside = (probs > 1e-7) & (probs < 1 - 1e-7)
        return np.where(inside, -targets / probs, 0) / len(probs)
"""
EMBEDDING = """
class Embedding:
    def __init__(self, vocab_size, dim):
        self.weight = np.random.randn(vocab_size, dim)

    def forward(self, ids):
        self.ids = ids
        return self.weight[ids]

    def backward(self, dout):
        dweight = np.zeros_like(self.weight)
        np.add.at(dweight, self.ids, dout)
        return dweight
"""
ROW_MAX = """
class RowMax:
    def forward(self, x):
        self.x = x
        return x.max(axis=1)

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        dx[np.arange(len(self.x)), self.x.argmax(axis=1)] = dy
        return dx
"""
GRADIENT = """
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu_grad(x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)
"""
COMBINED = """
class SoftmaxCrossEntropy:
    def forward(self, inputs, y_true):
        shifted = inputs - inputs.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.output = np.exp(logs)
        return -logs[np.arange(len(inputs)), y_true].mean()

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(dvalues)), y_true] -= 1
        self.dinputs /= len(dvalues)
        return self.dinputs
"""
DICTIONARIES = """
class Affine:
    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["W"].T
"""
STEPPING = """
class Layer:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, output_gradient, learning_rate):
        dx = output_gradient @ self.W.T
        self.W = self.W - learning_rate * (self.x.T @ output_gradient)
        return dx
"""
LOSS_WITH_GRADIENT = """
def square_loss(x, y):
    loss = np.sum((x - y) ** 2) / len(x)
    dx = 2 * (x - y) / len(x)
    return loss, dx
"""
RIGHT = {
    "Dense": (DENSE, "dense", {"dweights", "dbiases", "dinputs"}),
    "ReLU": (RELU, "relu", {"dinputs"}),
    "Sigmoid": (SIGMOID, "sigmoid", {"dx"}),
    "softmax": (SOFTMAX, "softmax", {"dx"}),
    "MeanSquaredError": (MSE, "mse", {"dpredictions"}),
    "CrossEntropy": (CROSS_ENTROPY, "cce", {"dprobs"}),
    "Embedding": (EMBEDDING, "embedding", {"dweight"}),
    "RowMax": (ROW_MAX, "max", {"dx"}),
    "gelu": (GRADIENT, "gelu-tanh", {"dx"}),
    "SoftmaxCrossEntropy": (COMBINED, "softmax-cce-sparse", {"dinputs"}),
    "Affine": (DICTIONARIES, "dense", {"grads.W", "grads.b", "dx"}),
    "Layer": (STEPPING, "matmul", {"the step of W", "dx"}),
    "square_loss": (LOSS_WITH_GRADIENT, None, {"dx"}),
}


def targets_of(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Target]:
    """Return what is found of a text, in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    path = folder / "given.py"
    path.write_text(HEAD + text, "utf-8")
    module = load(path)
    monkeypatch.delitem(sys.modules, MODULE)
    return [examine(each, Options(**options)) for each in subjects_in(vars(module), MODULE)]
