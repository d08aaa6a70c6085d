"""Pairs of functions: f_forward returns the result and a cache, f_backward takes the gradient and the cache."""

import numpy as np


def affine_forward(x, w, b):
    """x: (N, d_1, ..., d_k), w: (D, M), b: (M,)"""
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    N = x.shape[0]
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    x = cache
    dx = dout * (x > 0)
    return dx


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    std = np.sqrt(var + eps)
    xhat = (x - mu) / std
    out = gamma * xhat + beta
    cache = (xhat, gamma, std)
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = (N * dxhat - dxhat.sum(axis=0) - xhat * (dxhat * xhat).sum(axis=0)) / (N * std)
    return dx, dgamma, dbeta


def softmax_forward(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    return probs, probs


def softmax_backward(dout, cache):
    probs = cache
    dot = (dout * probs).sum(axis=1, keepdims=True)
    return probs * (dout - dot)


def avg_pool_forward(x, pool=2):
    """x: (N, C, H, W), windows of pool x pool, not overlapping."""
    N, C, H, W = x.shape
    windows = x.reshape(N, C, H // pool, pool, W // pool, pool)
    return windows.mean(axis=(3, 5)), (x.shape, pool)


def avg_pool_backward(dout, cache):
    shape, pool = cache
    dx = np.repeat(np.repeat(dout, pool, axis=2), pool, axis=3)
    return (dx / pool**2).reshape(shape)


def scaled_tanh_forward(x, scale):
    t = np.tanh(x)
    return scale * t, (t, scale)


def scaled_tanh_backward(dout, cache):
    t, scale = cache
    dx = dout * scale * (1 - t * t)
    dscale = np.sum(dout * t, axis=0)
    return dx, dscale
