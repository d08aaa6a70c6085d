"""Forward and backward passes in NumPy: rms-norm.

rms-norm: root mean square normalisation over the last index, with scale
    sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
    xhat[n,k] = x[n,k]/sigma[n]
    y[n,k] = g[k]*xhat[n,k]
    Source: Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019
"""

import numpy as np


def rms_norm_forward(x, g, eps=1e-5):
    """Forward pass of rms-norm.

    Root mean square normalisation over the last index, with scale.

    sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
    xhat[n,k] = x[n,k]/sigma[n]
    y[n,k] = g[k]*xhat[n,k]

    n runs over all leading axes, N positions together.

    Args:
        x: (..., K)
        g: (K,)
        eps: a number, 1e-5 where it is left out

    Returns:
        y: (..., K)
        sigma: (...)
        xhat: (..., K)
    """
    K = x.shape[-1]
    sigma = np.sqrt(np.vecdot(x, x) / K + eps)
    xhat = x / sigma[..., None]
    y = g * xhat
    return y, sigma, xhat


def rms_norm_backward(dy, g, sigma, xhat):
    """Backward pass of rms-norm.

    Root mean square normalisation over the last index, with scale.

    sigma[n] = sqrt(sum(x[n,k]**2, k)/K + eps)
    xhat[n,k] = x[n,k]/sigma[n]
    y[n,k] = g[k]*xhat[n,k]

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dxhat[n,k] = dy[n,k]*g[k]
    dx[n,k] = (dxhat[n,k] - xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j)/K)/sigma[n]
    dg[k] = sum(dy[n,k]*xhat[n,k], n)

    Args:
        dy: (..., K), the gradient of the loss with respect to y
        g: (K,)
        sigma: (...)
        xhat: (..., K)

    Returns:
        dx: (..., K)
        dg: (K,)
    """
    shape = dy.shape
    dy = dy.reshape(-1, dy.shape[-1])
    sigma = sigma.reshape(-1)
    xhat = xhat.reshape(-1, xhat.shape[-1])
    K = dy.shape[1]
    dxhat = dy * g
    scaled = xhat * (np.vecdot(xhat, dxhat, keepdims=True) / K)
    dx = np.subtract(dxhat, scaled, out=dxhat)
    dx /= sigma[:, None]
    dg = np.einsum("nk,nk->k", dy, xhat)
    return dx.reshape(shape), dg
