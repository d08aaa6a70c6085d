"""Functions and their derivatives, f and f_grad, element by element; the upstream gradient is multiplied elsewhere."""

import math

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_grad(x):
    s = sigmoid(x)
    return s * (1 - s)


def softplus(x):
    return np.logaddexp(0, x)


def softplus_grad(x):
    return 1.0 / (1.0 + np.exp(-x))


def elu(x, alpha=1.0):
    # expm1 of what is not above 0 only: no overflow
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_grad(x, alpha=1.0):
    return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


def gelu(x):
    """The approximation with tanh."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_grad(x):
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)


def swish(x):
    return x * sigmoid(x)


def swish_grad(x):
    y = swish(x)
    return y + sigmoid(x) * (1 - y)


def tanh(x):
    return np.tanh(x)


def tanh_grad(x):
    return 1 - np.tanh(x) ** 2


def mse(y_pred, y_true):
    return np.mean(np.square(y_pred - y_true))


def mse_grad(y_pred, y_true):
    return 2 * (y_pred - y_true) / y_pred.size
