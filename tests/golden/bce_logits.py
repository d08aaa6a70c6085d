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
    p = _sigmoid(z)
    tail = np.log1p(np.exp(-np.abs(z)))
    L = ((1 - t) * (tail + np.maximum(z, 0)) + t * (tail + np.maximum(-z, 0))).mean()
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
    return dL / p.size * (p - t)
