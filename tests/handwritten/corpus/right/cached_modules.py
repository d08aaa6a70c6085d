"""Modules whose forward stores a cache and whose backward returns the gradients."""

import math

import numpy as np


class Linear:
    def __init__(self, in_features, out_features):
        limit = math.sqrt(6 / (in_features + out_features))
        self.W = np.random.uniform(-limit, limit, (in_features, out_features))
        self.b = np.zeros(out_features)
        self.cache = None

    def forward(self, x):
        out = x @ self.W + self.b
        self.cache = x
        return out

    def backward(self, dout):
        x = self.cache
        dx = dout @ self.W.T
        dW = x.T @ dout
        db = dout.sum(axis=0)
        return dx, dW, db


class LayerNorm:
    def __init__(self, dim, eps=1e-5):
        self.gamma = np.ones(dim)
        self.beta = np.zeros(dim)
        self.eps = eps

    def forward(self, x):
        mean = x.mean(axis=-1, keepdims=True)
        var = x.var(axis=-1, keepdims=True)
        inv_std = 1 / np.sqrt(var + self.eps)
        x_hat = (x - mean) * inv_std
        self.cache = (x_hat, inv_std)
        return self.gamma * x_hat + self.beta

    def backward(self, dout):
        x_hat, inv_std = self.cache
        # over everything but the last axis
        axes = tuple(range(dout.ndim - 1))
        dgamma = (dout * x_hat).sum(axis=axes)
        dbeta = dout.sum(axis=axes)
        dx_hat = dout * self.gamma
        dx = inv_std * (
            dx_hat - dx_hat.mean(axis=-1, keepdims=True) - x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
        )
        return dx, dgamma, dbeta


class RMSNorm:
    def __init__(self, dim, eps=1e-6):
        self.weight = np.ones(dim)
        self.eps = eps

    def forward(self, x):
        rms = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + self.eps)
        self.cache = (x, rms)
        return x / rms * self.weight

    def backward(self, grad_output):
        x, rms = self.cache
        dim = x.shape[-1]
        grad_weight = np.sum(grad_output * x / rms, axis=tuple(range(x.ndim - 1)))
        g = grad_output * self.weight
        grad_x = g / rms - x * np.sum(g * x, axis=-1, keepdims=True) / (dim * rms**3)
        return grad_x, grad_weight


class Embedding:
    def __init__(self, vocab_size, dim):
        self.weight = np.random.randn(vocab_size, dim)

    def forward(self, ids):
        self.cache = ids
        return self.weight[ids]

    def backward(self, dout):
        ids = self.cache
        dweight = np.zeros_like(self.weight)
        # an id may come up more than once
        np.add.at(dweight, ids, dout)
        return dweight


class GELU:
    """The exact one, with the distribution function of the normal law."""

    def forward(self, x):
        cdf = 0.5 * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / math.sqrt(2)))
        self.cache = (x, cdf)
        return x * cdf

    def backward(self, dout):
        x, cdf = self.cache
        pdf = np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
        return dout * (cdf + x * pdf)


class SiLU:
    def forward(self, x):
        sig = 1 / (1 + np.exp(-x))
        self.cache = x, sig
        return x * sig

    def backward(self, dout):
        x, sig = self.cache
        return dout * (sig + x * sig * (1 - sig))


class LeakyReLU:
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, self.alpha * x)

    def backward(self, dout):
        return np.where(self.mask, dout, self.alpha * dout)
