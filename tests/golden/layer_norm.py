"""Forward and backward passes in NumPy: layer-norm.

layer-norm: layer normalisation over the last index, with scale and shift
    mu[n] = sum(x[n,k], k)/K
    sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
    xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
    y[n,k] = g[k]*xhat[n,k] + b[k]
    Source: Ba, Kiros and Hinton, Layer normalization, arXiv 1607.06450, 2016
"""

import numpy as np


def layer_norm_forward(x, g, b, eps=1e-5):
    """Forward pass of layer-norm.

    Layer normalisation over the last index, with scale and shift.

    mu[n] = sum(x[n,k], k)/K
    sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
    xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
    y[n,k] = g[k]*xhat[n,k] + b[k]

    n runs over all leading axes, N positions together.

    Args:
        x: (..., K)
        g: (K,)
        b: (K,)
        eps: a number, 1e-5 where it is left out

    Returns:
        y: (..., K)
        sigma: (...)
        xhat: (..., K)
    """
    K = x.shape[-1]
    mu = x.mean(axis=-1, keepdims=True)
    centered = x - mu
    sigma = np.sqrt(np.vecdot(centered, centered) / K + eps)
    xhat = np.divide(centered, sigma[..., None], out=centered)
    y = g * xhat + b
    return y, sigma, xhat


def layer_norm_backward(dy, g, sigma, xhat):
    """Backward pass of layer-norm.

    Layer normalisation over the last index, with scale and shift.

    mu[n] = sum(x[n,k], k)/K
    sigma[n] = sqrt(sum((x[n,k] - mu[n])**2, k)/K + eps)
    xhat[n,k] = (x[n,k] - mu[n])/sigma[n]
    y[n,k] = g[k]*xhat[n,k] + b[k]

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dxhat[n,k] = dy[n,k]*g[k]
    dx[n,k] = (dxhat[n,k] - (sum(dxhat[n,j], j)
        + xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j))/K)/sigma[n]
    dg[k] = sum(dy[n,k]*xhat[n,k], n)
    db[k] = sum(dy[n,k], n)

    Args:
        dy: (..., K), the gradient of the loss with respect to y
        g: (K,)
        sigma: (...)
        xhat: (..., K)

    Returns:
        dx: (..., K)
        dg: (K,)
        db: (K,)
    """
    shape = dy.shape
    dy = dy.reshape(-1, dy.shape[-1])
    sigma = sigma.reshape(-1)
    xhat = xhat.reshape(-1, xhat.shape[-1])
    K = dy.shape[1]
    dxhat = dy * g
    mean = np.vecdot(xhat, dxhat, keepdims=True) / K
    dx = np.subtract(dxhat, dxhat.mean(axis=1, keepdims=True), out=dxhat)
    dx -= xhat * mean
    dx /= sigma[:, None]
    dg = np.einsum("nk,nk->k", dy, xhat)
    db = dy.sum(axis=0)
    return dx.reshape(shape), dg, db
