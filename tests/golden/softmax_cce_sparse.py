"""Forward and backward passes in NumPy: softmax-cce-sparse.

softmax-cce-sparse: categorical cross-entropy of logits, labels as class numbers
    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(log(p[n,t[n]]), n)/N
    Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section
        6.2.1
"""

import numpy as np


def softmax_cce_sparse_forward(z, t):
    """Forward pass of softmax-cce-sparse.

    Categorical cross-entropy of logits, labels as class numbers.

    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(log(p[n,t[n]]), n)/N

    n runs over all leading axes, N positions together.

    Args:
        z: (..., K)
        t: (...), integers from 0 to K - 1

    Returns:
        L: ()
        p: (..., K)
    """
    shape = z.shape
    z = z.reshape(-1, z.shape[-1])
    t = t.reshape(-1)
    N = z.shape[0]
    row_max = z.max(axis=1)
    exps = np.exp(z - row_max[:, None])
    total = exps.sum(axis=1)
    p = np.divide(exps, total[:, None], out=exps)
    L = -(z[np.arange(N), t] - row_max - np.log(total)).mean()
    return L, p.reshape(shape)


def softmax_cce_sparse_backward(dL, p, t):
    """Backward pass of softmax-cce-sparse.

    Categorical cross-entropy of logits, labels as class numbers.

    p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)
    L = -sum(log(p[n,t[n]]), n)/N

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dz[n,k] = dL*(p[n,k] - delta(k, t[n]))/N

    Args:
        dL: (), the gradient of the loss with respect to L
        p: (..., K)
        t: (...), integers from 0 to K - 1

    Returns:
        dz: (..., K)
    """
    shape = p.shape
    p = p.reshape(-1, p.shape[-1])
    t = t.reshape(-1)
    N = p.shape[0]
    scale = dL / N
    dz = p * scale
    dz[np.arange(N), t] -= scale
    return dz.reshape(shape)
