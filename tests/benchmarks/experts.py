"""What an expert writes by hand in NumPy for one operation: in place where he may, few passes, safe in float32.

Each is a forward pass, which returns the output and what the backward pass needs, and a backward pass, which takes the
upstream gradient and that. They do what generated code does: nothing that a caller gave is written to, and samples may
lie on any number of axes. ``NOTEBOOKS`` has what teaching notebooks show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = Any
Passes = tuple[Callable[..., Any], Callable[..., Any]]
#: So many numbers are worked on at once where an expression takes many passes: they stay in the cache.
BLOCK = 1 << 14


def dense_forward(x: Array, w: Array, b: Array) -> Any:
    y = x @ w
    y += b
    return y, (x, w)


def dense_backward(dy: Array, x: Array, w: Array) -> Any:
    shape = x.shape
    dy, x = dy.reshape(-1, w.shape[1]), x.reshape(-1, w.shape[0])
    return (dy @ w.T).reshape(shape), x.T @ dy, dy.sum(axis=0)


def relu_forward(x: Array) -> Any:
    return np.maximum(x, 0), (x,)


def relu_backward(dy: Array, x: Array) -> Any:
    return (dy * (x > 0),)


def softmax_of(x: Array) -> tuple[Array, Array]:
    y = x - x.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    total = y.sum(axis=-1, keepdims=True)
    y /= total
    return y, total


def softmax_forward(x: Array) -> Any:
    y, _ = softmax_of(x)
    return y, (y,)


def softmax_backward(dy: Array, y: Array) -> Any:
    dx = dy - np.vecdot(dy, y)[..., None]
    dx *= y
    return (dx,)


def cce_forward(p: Array, t: Array) -> Any:
    logs = np.where(t == 0, 1, p)
    np.log(logs, out=logs)
    return -np.vecdot(t, logs).sum() / p[..., 0].size, (p, t)


def cce_backward(dl: Array, p: Array, t: Array) -> Any:
    dp = np.where(t == 0, 1, p)
    np.divide(t, dp, out=dp)
    dp *= -dl / p[..., 0].size
    return (dp,)


def softmax_cce_forward(z: Array, t: Array) -> Any:
    p = z - z.max(axis=-1, keepdims=True)
    chosen = np.vecdot(t, p).sum()
    np.exp(p, out=p)
    total = p.sum(axis=-1, keepdims=True)
    p /= total
    return (np.log(total).sum() - chosen) / total.size, (p, t)


def softmax_cce_backward(dl: Array, p: Array, t: Array) -> Any:
    dz = p - t
    dz *= dl / p[..., 0].size
    return (dz,)


def softmax_cce_sparse_forward(z: Array, t: Array) -> Any:
    shape, t = z.shape, t.reshape(-1)
    z = z.reshape(-1, shape[-1])
    p = z - z.max(axis=1, keepdims=True)
    chosen = p[np.arange(len(z)), t].sum()
    np.exp(p, out=p)
    total = p.sum(axis=1, keepdims=True)
    p /= total
    return (np.log(total).sum() - chosen) / len(z), (p.reshape(shape), t)


def softmax_cce_sparse_backward(dl: Array, p: Array, t: Array) -> Any:
    shape = p.shape
    p = p.reshape(-1, shape[-1])
    dz = p * (dl / len(p))
    dz[np.arange(len(p)), t] -= dl / len(p)
    return (dz.reshape(shape),)


def bce_forward(z: Array, t: Array) -> Any:
    """What rounding takes away from the logarithm's argument is put back: log1p takes ten times longer."""
    p = np.empty_like(z)
    loss = 0.0
    for at in blocks(z):
        own, label = z.reshape(-1)[at], t.reshape(-1)[at]
        decay = np.abs(own)
        np.negative(decay, out=decay)
        np.exp(decay, out=decay)
        total = decay + 1
        logs = np.log(total)
        rest = total - 1
        np.subtract(decay, rest, out=rest)
        rest /= total
        logs += rest
        logs += np.maximum(own, 0)
        loss += float(logs.sum()) - float(np.dot(own, label))
        np.divide(np.where(own >= 0, 1, decay), total, out=p.reshape(-1)[at])
    return z.dtype.type(loss / z.size), (p, t)


def bce_backward(dl: Array, p: Array, t: Array) -> Any:
    dz = p - t
    dz *= dl / p.size
    return (dz,)


#: erf(x)/x in u = x*x for |x| <= 4 as P(u)/Q(u), highest power first; right to a few units of float32.
ERF_ABOVE = (2.303811e-04, 3.58113273e-03, 5.14985715e-02, 1.89719061e-01, 1.12837914)
ERF_BELOW = (-1.12210337e-07, 2.31595276e-05, 1.05381377e-03, 1.44266244e-02, 1.12799712e-01, 5.01466568e-01, 1.0)


def blocks(x: Array) -> list[slice]:
    return [slice(at, at + BLOCK) for at in range(0, x.size, BLOCK)]


def polynomial(coefficients: tuple[float, ...], u: Array) -> Array:
    value = u * coefficients[0]
    for coefficient in coefficients[1:-1]:
        value += coefficient
        value *= u
    value += coefficients[-1]
    return value


def erf(x: Array) -> Array:
    """The error function of a block in float32."""
    clipped = np.clip(x, -4, 4)
    u = clipped * clipped
    value = polynomial(ERF_ABOVE, u)
    value *= clipped
    value /= polynomial(ERF_BELOW, u)
    np.clip(value, -1, 1, out=value)
    return value


def gelu_forward(x: Array) -> Any:
    y, cdf = np.empty_like(x), np.empty_like(x)
    for at in blocks(x):
        own, value = x.reshape(-1)[at], cdf.reshape(-1)[at]
        np.add(erf(own * 0.5**0.5), 1, out=value)
        value *= 0.5
        np.multiply(own, value, out=y.reshape(-1)[at])
    return y, (x, cdf)


def gelu_backward(dy: Array, x: Array, cdf: Array) -> Any:
    dx = np.empty_like(x)
    for at in blocks(x):
        own, value = x.reshape(-1)[at], dx.reshape(-1)[at]
        np.multiply(own, own, out=value)
        value *= -0.5
        np.exp(value, out=value)
        value *= own
        value *= (0.5 / np.pi) ** 0.5
        value += cdf.reshape(-1)[at]
        value *= dy.reshape(-1)[at]
    return (dx,)


def silu_forward(x: Array) -> Any:
    s = np.negative(x)
    with np.errstate(over="ignore"):
        np.exp(s, out=s)
    s += 1
    np.reciprocal(s, out=s)
    return x * s, (x, s)


def silu_backward(dy: Array, x: Array, s: Array) -> Any:
    dx = 1 - s
    dx *= x
    dx += 1
    dx *= s
    dx *= dy
    return (dx,)


def layer_norm_forward(x: Array, g: Array, b: Array) -> Any:
    xhat = x - x.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(np.vecdot(xhat, xhat) / x.shape[-1] + 1e-5)[..., None]
    xhat *= inverse
    y = xhat * g
    y += b
    return y, (xhat, inverse, g)


def layer_norm_backward(dy: Array, xhat: Array, inverse: Array, g: Array) -> Any:
    count, shape = len(g), dy.shape
    dy, xhat, inverse = dy.reshape(-1, count), xhat.reshape(-1, count), inverse.reshape(-1, 1)
    dx = dy * xhat
    dg, dot = dx.sum(axis=0), dx @ (g / count)
    np.multiply(xhat, -dot[:, None], out=dx)
    dx -= (dy @ (g / count))[:, None]
    dx += dy * g
    dx *= inverse
    return dx.reshape(shape), dg, dy.sum(axis=0)


def rms_norm_forward(x: Array, g: Array) -> Any:
    inverse = 1 / np.sqrt(np.vecdot(x, x) / x.shape[-1] + 1e-5)[..., None]
    xhat = x * inverse
    return xhat * g, (xhat, inverse, g)


def rms_norm_backward(dy: Array, xhat: Array, inverse: Array, g: Array) -> Any:
    shape = dy.shape
    dy, xhat, inverse = dy.reshape(-1, len(g)), xhat.reshape(-1, len(g)), inverse.reshape(-1, 1)
    dx = dy * xhat
    dg, dot = dx.sum(axis=0), dx @ (g / len(g))
    np.multiply(xhat, -dot[:, None], out=dx)
    dx += dy * g
    dx *= inverse
    return dx.reshape(shape), dg


def batch_norm_forward(x: Array, g: Array, b: Array) -> Any:
    xhat = x - x.mean(axis=0)
    inverse = 1 / np.sqrt((xhat * xhat).mean(axis=0) + 1e-5)
    xhat *= inverse
    y = xhat * g
    y += b
    return y, (xhat, inverse, g)


def batch_norm_backward(dy: Array, xhat: Array, inverse: Array, g: Array) -> Any:
    dx = dy * xhat
    dg, db = dx.sum(axis=0), dy.sum(axis=0)
    np.multiply(xhat, dg / -len(dy), out=dx)
    dx += dy
    dx -= db / len(dy)
    dx *= g * inverse
    return dx, dg, db


def attention_forward(q: Array, k: Array, v: Array) -> Any:
    p = q @ k.swapaxes(-1, -2)
    p *= q.shape[-1] ** -0.5
    p -= p.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p @ v, (q, k, v, p)


def attention_backward(dy: Array, q: Array, k: Array, v: Array, p: Array) -> Any:
    ds = dy @ v.swapaxes(-1, -2)
    ds -= np.vecdot(ds, p)[..., None]
    ds *= p
    ds *= q.shape[-1] ** -0.5
    return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def lstm_cell_forward(x: Array, h0: Array, c0: Array, w: Array, u: Array, b: Array) -> Any:
    size = h0.shape[1]
    z = x @ w.reshape(len(w), -1)
    z += h0 @ u.reshape(size, -1)
    z += b.reshape(-1)
    for gate in (z[:, : 2 * size], z[:, 3 * size :]):  # 1/(1 + exp(-z)) = (1 + tanh(z/2))/2
        gate *= 0.5
    np.tanh(z, out=z)
    for gate in (z[:, : 2 * size], z[:, 3 * size :]):
        gate *= 0.5
        gate += 0.5
    i, f, g, o = np.split(z, 4, axis=1)
    c = f * c0
    c += i * g
    s = np.tanh(c)
    return (o * s, c), (x, h0, c0, w, u, z, s)


def lstm_cell_backward(
    dh: Array, dc_out: Array, x: Array, h0: Array, c0: Array, w: Array, u: Array, z: Array, s: Array
) -> Any:
    size = h0.shape[1]
    i, f, g, o = np.split(z, 4, axis=1)
    dz = np.empty_like(z)
    di, df, dg, do = np.split(dz, 4, axis=1)
    dc = s * s
    np.subtract(1, dc, out=dc)
    dc *= o
    dc *= dh
    dc += dc_out
    for own, gate, factor, outer in ((di, i, g, dc), (df, f, c0, dc), (do, o, s, dh)):
        np.subtract(1, gate, out=own)
        own *= gate
        own *= factor
        own *= outer
    np.multiply(g, g, out=dg)
    np.subtract(1, dg, out=dg)
    dg *= i
    dg *= dc
    dx, dh0 = dz @ w.reshape(len(w), -1).T, dz @ u.reshape(size, -1).T
    dw, du = (x.T @ dz).reshape(w.shape), (h0.T @ dz).reshape(u.shape)
    dc *= f
    return dx, dh0, dc, dw, du, dz.sum(axis=0).reshape(4, size)


#: By the name in the catalogue.
EXPERTS: Mapping[str, Passes] = {
    "dense": (dense_forward, dense_backward),
    "relu": (relu_forward, relu_backward),
    "softmax": (softmax_forward, softmax_backward),
    "cce": (cce_forward, cce_backward),
    "softmax-cce": (softmax_cce_forward, softmax_cce_backward),
    "softmax-cce-sparse": (softmax_cce_sparse_forward, softmax_cce_sparse_backward),
    "bce-logits": (bce_forward, bce_backward),
    "gelu": (gelu_forward, gelu_backward),
    "silu": (silu_forward, silu_backward),
    "layer-norm": (layer_norm_forward, layer_norm_backward),
    "rms-norm": (rms_norm_forward, rms_norm_backward),
    "batch-norm": (batch_norm_forward, batch_norm_backward),
    "attention": (attention_forward, attention_backward),
    "lstm-cell": (lstm_cell_forward, lstm_cell_backward),
}


# ---- teaching notebooks ----


def relu_backward_in_notebooks(dy: Array, x: Array) -> Any:
    dx = dy.copy()
    dx[x <= 0] = 0
    return (dx,)


def softmax_backward_in_notebooks(dy: Array, y: Array) -> Any:
    dx = np.empty_like(dy)
    for place, (row, upstream) in enumerate(zip(y, dy, strict=True)):
        single = row.reshape(-1, 1)
        dx[place] = np.dot(np.diagflat(single) - np.dot(single, single.T), upstream)
    return (dx,)


def cce_forward_in_notebooks(p: Array, t: Array) -> Any:
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    return np.mean(-np.log(np.sum(clipped * t, axis=1))), (p, t)


def cce_backward_in_notebooks(dl: Array, p: Array, t: Array) -> Any:
    return (dl * (-t / p) / len(p),)


def softmax_cce_forward_in_notebooks(z: Array, t: Array) -> Any:
    exps = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = exps / np.sum(exps, axis=1, keepdims=True)
    return cce_forward_in_notebooks(p, t)


def softmax_cce_backward_in_notebooks(dl: Array, p: Array, t: Array) -> Any:
    """Loss and activation in turn."""
    return softmax_backward_in_notebooks(*cce_backward_in_notebooks(dl, p, t), p)


def bce_forward_in_notebooks(z: Array, t: Array) -> Any:
    p = 1 / (1 + np.exp(-z))
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    losses = -(t * np.log(clipped) + (1 - t) * np.log(1 - clipped))
    return np.mean(np.mean(losses, axis=-1)), (p, t)


def bce_backward_in_notebooks(dl: Array, p: Array, t: Array) -> Any:
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    dp = dl * -(t / clipped - (1 - t) / (1 - clipped)) / p.shape[1] / len(p)
    return (dp * (1 - p) * p,)


#: Only rows in which notebooks have a manner of their own; those with a loop over samples are not run at large sizes.
NOTEBOOKS: Mapping[str, Passes] = {
    "dense": (lambda x, w, b: (np.dot(x, w) + b, (x, w)), dense_backward),
    "relu": (relu_forward, relu_backward_in_notebooks),
    "softmax": (softmax_forward, softmax_backward_in_notebooks),
    "cce": (cce_forward_in_notebooks, cce_backward_in_notebooks),
    "softmax-cce": (softmax_cce_forward_in_notebooks, softmax_cce_backward_in_notebooks),
    "bce-logits": (bce_forward_in_notebooks, bce_backward_in_notebooks),
}
LOOPS = ("softmax", "softmax-cce")
