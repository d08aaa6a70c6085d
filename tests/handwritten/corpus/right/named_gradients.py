"""Modules with their parameters in ``params`` and the gradients of the last backward pass in ``grads``."""

import numpy as np


class Affine:
    def __init__(self, fan_in, fan_out):
        self.params = {"W": np.random.randn(fan_in, fan_out), "b": np.zeros(fan_out)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["W"].T


class PReLU:
    """A slope below 0 for each feature."""

    def __init__(self, num_features):
        self.params = {"a": np.full(num_features, 0.25)}
        self.grads = {}

    def forward(self, x):
        self.x = x
        return np.maximum(x, 0) + self.params["a"] * np.minimum(x, 0)

    def backward(self, dy):
        self.grads["a"] = (dy * np.minimum(self.x, 0)).sum(axis=0)
        return np.where(self.x > 0, dy, self.params["a"] * dy)


class BatchNorm:
    """Normalises over the batch in training and by the running statistics otherwise."""

    def __init__(self, num_features, momentum=0.9, eps=1e-5):
        self.params = {"gamma": np.ones(num_features), "beta": np.zeros(num_features)}
        self.grads = {}
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.momentum = momentum
        self.eps = eps

    def forward(self, x, training=True):
        self.training = training
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.x_hat = (x - mean) / self.std
        return self.params["gamma"] * self.x_hat + self.params["beta"]

    def backward(self, dy):
        self.grads["gamma"] = np.sum(dy * self.x_hat, axis=0)
        self.grads["beta"] = np.sum(dy, axis=0)
        scaled = dy * self.params["gamma"]
        if not self.training:
            return scaled / self.std
        centred = scaled - scaled.mean(axis=0) - self.x_hat * np.mean(scaled * self.x_hat, axis=0)
        return centred / self.std


class SelfAttention:
    """Scaled dot products with a causal mask: a position looks at itself and at what came before it."""

    def __init__(self, dim):
        scale = dim**-0.5
        self.params = {name: scale * np.random.randn(dim, dim) for name in ("Wq", "Wk", "Wv")}
        self.grads = {}

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = (x @ self.params[name] for name in ("Wq", "Wk", "Wv"))
        scores = self.q @ self.k.transpose(0, 2, 1) / self.q.shape[-1] ** 0.5
        future = np.triu(np.ones(scores.shape[-2:], dtype=bool), k=1)
        scores = np.where(future, -np.inf, scores)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        self.p = e / e.sum(axis=-1, keepdims=True)
        return self.p @ self.v

    def backward(self, dy):
        dp = dy @ self.v.transpose(0, 2, 1)
        dv = self.p.transpose(0, 2, 1) @ dy
        ds = self.p * (dp - np.sum(dp * self.p, axis=-1, keepdims=True)) / self.q.shape[-1] ** 0.5
        dq = ds @ self.k
        dk = ds.transpose(0, 2, 1) @ self.q
        dx = 0
        for name, grad in (("Wq", dq), ("Wk", dk), ("Wv", dv)):
            self.grads[name] = np.einsum("ntd,nte->de", self.x, grad)
            dx = dx + grad @ self.params[name].T
        return dx
