"""Forward and backward passes in NumPy: softmax-cce.

softmax-cce: categorical cross-entropy of logits, one-hot or soft labels
    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(t[n,k]*log(p[n,k]), n, k)/N
    Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section
        6.2.1
"""

import numpy as np


def softmax_cce_forward(z, t):
    """Forward pass of softmax-cce.

    Categorical cross-entropy of logits, one-hot or soft labels.

    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(t[n,k]*log(p[n,k]), n, k)/N

    n runs over all leading axes, N positions together.

    Args:
        z: (..., K)
        t: (..., K)

    Returns:
        L: ()
        p: (..., K)
    """
    N = z[..., 0].size
    row_max = z.max(axis=-1, keepdims=True)
    shifted = z - row_max
    exps = np.exp(shifted)
    total = exps.sum(axis=-1, keepdims=True)
    p = np.divide(exps, total, out=exps)
    dot = (t.sum(axis=-1, keepdims=True) * np.log(total)).sum()
    L = (dot - np.vdot(t, shifted)) / N
    return L, p


def softmax_cce_backward(dL, p, t):
    """Backward pass of softmax-cce.

    Categorical cross-entropy of logits, one-hot or soft labels.

    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(t[n,k]*log(p[n,k]), n, k)/N

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dz[n,k] = dL*(p[n,k]*sum(t[n,j], j) - t[n,k])/N

    Args:
        dL: (), the gradient of the loss with respect to L
        p: (..., K)
        t: (..., K)

    Returns:
        dz: (..., K)
    """
    N = p[..., 0].size
    return (p * t.sum(axis=-1, keepdims=True) - t) * (dL / N)
