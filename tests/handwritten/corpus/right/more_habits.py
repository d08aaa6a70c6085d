"""More ways to write it down: dictionaries of gradients, loops over samples, one line for everything."""

import numpy as np


class TimeDistributedDense:
    """The same dense layer at every step of a sequence (batch, time, features)."""

    def __init__(self, input_dim, output_dim):
        self.kernel = np.random.randn(input_dim, output_dim) / np.sqrt(input_dim)
        self.bias = np.zeros(output_dim)

    def forward(self, x):
        self.x = x
        return np.tensordot(x, self.kernel, axes=1) + self.bias

    def backward(self, dy):
        flat_x = self.x.reshape(-1, self.x.shape[-1])
        flat_dy = dy.reshape(-1, dy.shape[-1])
        return {
            "x": dy @ self.kernel.T,
            "kernel": flat_x.T @ flat_dy,
            "bias": flat_dy.sum(0),
        }


class Softplus:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def backward(self, dy):
        return dy / (1 + np.exp(-self.x))


class Mish:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(np.logaddexp(0, x))
        return x * self.t

    def backward(self, dy):
        sigmoid = 1 / (1 + np.exp(-self.x))
        return dy * (self.t + self.x * (1 - self.t**2) * sigmoid)


class HingeLoss:
    """Class numbers as labels; every wrong class whose score is less than 1 below the right one's costs."""

    def forward(self, scores, labels):
        rows = np.arange(len(scores))
        margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
        margins[rows, labels] = 0
        self.margins = margins
        return margins.sum() / len(scores)

    def backward(self, scores, labels):
        n = len(scores)
        dscores = (self.margins > 0).astype(scores.dtype)
        dscores[np.arange(n), labels] = -dscores.sum(axis=1)
        return dscores / n


class CosineSimilarity:
    """Row by row, of two arrays (N, D)"""

    def forward(self, u, v):
        self.u, self.v = u, v
        self.nu = np.linalg.norm(u, axis=1)
        self.nv = np.linalg.norm(v, axis=1)
        self.cos = (u * v).sum(axis=1) / (self.nu * self.nv)
        return self.cos

    def backward(self, g):
        du, dv = np.zeros_like(self.u), np.zeros_like(self.v)
        for n in range(len(g)):
            u, v, a, b, c = self.u[n], self.v[n], self.nu[n], self.nv[n], self.cos[n]
            du[n] = g[n] * (v / (a * b) - c * u / a**2)
            dv[n] = g[n] * (u / (a * b) - c * v / b**2)
        return du, dv


class LabelSmoothedCrossEntropy:
    """Softmax and cross-entropy against one-hot rows that are mixed with the uniform distribution."""

    def __init__(self, smoothing=0.1):
        self.smoothing = smoothing

    def forward(self, logits, targets):
        k = logits.shape[1]
        self.q = (1 - self.smoothing) * targets + self.smoothing / k
        z = logits - logits.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p = np.exp(logp)
        return -(self.q * logp).sum(axis=1).mean()

    def backward(self):
        return (self.p - self.q.astype(self.p.dtype)) / len(self.p)


class Standardize:
    """Zero mean and unit variance over each row; no parameters."""

    def forward(self, x):
        self.sd = np.sqrt(((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=1, keepdims=True) + 1e-5)
        self.xn = (x - x.mean(axis=1, keepdims=True)) / self.sd
        return self.xn

    def backward(self, dxn):
        D = dxn.shape[1]
        dx = np.empty_like(dxn)
        for i, (row, y, sd) in enumerate(zip(dxn, self.xn, self.sd, strict=True)):
            J = (np.eye(D) - 1 / D - np.outer(y, y) / D) / sd
            dx[i] = J @ row
        return dx


def conv_forward(x, w, b, stride=1, pad=0):
    """x (N, C, H, W), w (F, C, HH, WW), b (F,)"""
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    Ho = 1 + (H + 2 * pad - HH) // stride
    Wo = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, Ho, Wo), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b, x_pad, stride, pad)


def conv_backward(dout, cache):
    x, w, b, x_pad, stride, pad = cache
    N, F, Ho, Wo = dout.shape
    H, W = x.shape[2:]
    HH, WW = w.shape[2:]
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.zeros_like(b)
    for n in range(N):
        for f in range(F):
            db[f] += dout[n, f].sum()
            for i in range(Ho):
                for j in range(Wo):
                    rows = slice(i * stride, i * stride + HH)
                    cols = slice(j * stride, j * stride + WW)
                    dw[f] += dout[n, f, i, j] * x_pad[n, :, rows, cols]
                    dx_pad[n, :, rows, cols] += dout[n, f, i, j] * w[f]
    dx = dx_pad[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db


def max_pool_forward(x, size=2):
    """Windows of size x size that do not overlap."""
    N, C, H, W = x.shape
    tiles = x.reshape(N, C, H // size, size, W // size, size).transpose(0, 1, 2, 4, 3, 5)
    tiles = tiles.reshape(N, C, H // size, W // size, size * size)
    return tiles.max(axis=-1), (x.shape, tiles.argmax(axis=-1), size)


def max_pool_backward(dout, cache):
    (N, C, H, W), winners, size = cache
    dtiles = np.zeros((*winners.shape, size * size), dtype=dout.dtype)
    np.put_along_axis(dtiles, winners[..., None], dout[..., None], axis=-1)
    dtiles = dtiles.reshape(N, C, H // size, W // size, size, size)
    return dtiles.transpose(0, 1, 2, 4, 3, 5).reshape(N, C, H, W)


def dropout_forward(x, p_drop=0.3):
    keep = 1 - p_drop
    mask = (np.random.rand(*x.shape) < keep) / keep
    mask = mask.astype(x.dtype)
    return x * mask, mask


def dropout_backward(dout, cache):
    mask = cache
    return dout * mask
