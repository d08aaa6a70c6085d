"""Backward passes of normalisations and blocks as an expert writes them, of the values that the derived ones save."""

from __future__ import annotations

import numpy as np


def layer_norm(dy, g, sigma, xhat):
    dxhat = dy * g
    mean = dxhat.mean(axis=1, keepdims=True)
    projection = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = (dxhat - mean - xhat * projection) / sigma[:, None]
    return dx, (dy * xhat).sum(axis=0), dy.sum(axis=0)


def rms_norm(dy, g, sigma, xhat):
    dxhat = dy * g
    dx = (dxhat - xhat * (dxhat * xhat).mean(axis=1, keepdims=True)) / sigma[:, None]
    return dx, (dy * xhat).sum(axis=0)


def batch_norm(dy, g, sigma, xhat):
    dg, db = (dy * xhat).sum(axis=0), dy.sum(axis=0)
    dx = (g / sigma) * (dy - db / len(dy) - xhat * (dg / len(dy)))
    return dx, dg, db


def group_norm(dy, g, sigma, xhat):
    dxhat = dy * g[:, :, None]
    mean = dxhat.mean(axis=(2, 3), keepdims=True)
    projection = (dxhat * xhat).mean(axis=(2, 3), keepdims=True)
    dx = (dxhat - mean - xhat * projection) / sigma[:, :, None, None]
    return dx, (dy * xhat).sum(axis=(0, 3)), dy.sum(axis=(0, 3))


def attention(dy, q, k, v, p):
    scale = q.shape[-1] ** -0.5
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return ds @ k * scale, ds.swapaxes(-1, -2) @ q * scale, p.swapaxes(-1, -2) @ dy


def multi_head_attention(dy, x, wq, wk, wv, wo, q, k, v, p, a):
    da = np.einsum("ntc,hdc->nhtd", dy, wo)
    dq, dk, dv = attention(da, q, k, v, p)
    dx = sum(np.einsum("nhtd,chd->ntc", each, w) for each, w in ((dq, wq), (dk, wk), (dv, wv)))
    projections = [np.einsum("ntc,nhtd->chd", x, each) for each in (dq, dk, dv)]
    return dx, *projections, np.einsum("nhtd,ntc->hdc", a, dy)


def swiglu(dy, x, w, v, a, c, s, y):
    dc = dy * a * s
    da = dy * c * s * (1 + a * (1 - s))
    return da @ w.T + dc @ v.T, x.T @ da, x.T @ dc


def embedding(dy, w, ids):
    dw = np.zeros_like(w)
    np.add.at(dw, ids, dy)
    return (dw,)


def rotary(dy, cos, sin):
    dx = dy * cos[:, None]
    dx[:, :, :, 0] += dy[:, :, :, 1] * sin
    dx[:, :, :, 1] -= dy[:, :, :, 0] * sin
    return (dx,)
