"""Forward and backward passes in NumPy: bce-logits.

bce-logits: binary cross-entropy of logits
    p[n,k] = 1/(1 + exp(-z[n,k]))
    L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)
    Source: Bishop, Pattern Recognition and Machine Learning, Springer 2006, section
        4.3.2
"""

import numpy as np


def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); where exp(-x) is larger than any number, that is 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def _by_blocks(function, x):
    """Apply a function of arrays of floats to a block of numbers after the other.

    What it computes on the way stays in the cache.
    """
    x = np.asarray(x)
    flat = x.reshape(-1) if x.dtype.kind == "f" else x.reshape(-1).astype(float)
    if flat.size <= 16384:
        return function(flat).reshape(x.shape)[()]
    result = np.empty_like(flat)
    for start in range(0, flat.size, 16384):
        block = slice(start, start + 16384)
        result[block] = function(flat[block])
    return result.reshape(x.shape)


def _tail_of_block(x):
    """Return the tail of a block; what rounding takes from 1 + decay is put back."""
    decay = np.exp(-np.abs(x))
    total = 1 + decay
    decay -= total - 1
    decay /= total
    return np.log(total) + decay


def _softplus_tail(x):
    """Return log(1 + exp(-abs(x))), what log(1 + exp(x)) is beyond max(x, 0).

    np.log1p would take several times as long as np.log.
    """
    return _by_blocks(_tail_of_block, x)


def bce_logits_forward(z, t):
    """Forward pass of bce-logits.

    Binary cross-entropy of logits.

    p[n,k] = 1/(1 + exp(-z[n,k]))
    L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)

    n runs over all leading axes, N positions together.

    Args:
        z: (..., K)
        t: (..., K)

    Returns:
        L: ()
        p: (..., K)
    """
    L = (np.maximum(z, 0) - z * t + _softplus_tail(z)).mean()
    p = _sigmoid(z)
    return L, p


def bce_logits_backward(dL, p, t):
    """Backward pass of bce-logits.

    Binary cross-entropy of logits.

    p[n,k] = 1/(1 + exp(-z[n,k]))
    L = -sum(t[n,k]*log(p[n,k]) + log(1 - p[n,k])*(1 - t[n,k]), n, k)/(N*K)

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dz[n,k] = dL*(p[n,k] - t[n,k])/(N*K)

    Args:
        dL: (), the gradient of the loss with respect to L
        p: (..., K)
        t: (..., K)

    Returns:
        dz: (..., K)
    """
    return (p - t) * (dL / p.size)
