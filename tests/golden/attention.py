"""Forward and backward passes in NumPy: attention.

attention: scaled dot-product attention
    s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
    p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
    y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)
    Source: Vaswani et al., Attention is all you need, NeurIPS 2017
"""

import numpy as np


def attention_forward(q, k, v):
    """Forward pass of attention.

    Scaled dot-product attention.

    s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
    p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
    y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)

    n runs over all leading axes, N positions together.

    Args:
        q: (..., I, D)
        k: (..., J, D)
        v: (..., J, E)

    Returns:
        y: (..., I, E)
        p: (..., I, J)
    """
    D = q.shape[-1]
    s = q @ k.swapaxes(-1, -2) / D**0.5
    row_max = s.max(axis=-1, keepdims=True)
    exps = np.subtract(s, row_max, out=s)
    np.exp(exps, out=exps)
    total = exps.sum(axis=-1, keepdims=True)
    p = np.divide(exps, total, out=exps)
    y = p @ v
    return y, p


def attention_backward(dy, q, k, v, p):
    """Backward pass of attention.

    Scaled dot-product attention.

    s[n,i,j] = sum(q[n,i,d]*k[n,j,d], d)/sqrt(D)
    p[n,i,j] = exp(s[n,i,j])/sum(exp(s[n,i,l]), l)
    y[n,i,e] = sum(p[n,i,j]*v[n,j,e], j)

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dp[n,i,j] = sum(dy[n,i,e]*v[n,j,e], e)
    ds[n,i,j] = p[n,i,j]*(dp[n,i,j] - sum(dp[n,i,l]*p[n,i,l], l))
    dq[n,i,d] = sum(ds[n,i,j]*k[n,j,d], j)/sqrt(D)
    dk[n,j,d] = sum(ds[n,i,j]*q[n,i,d], i)/sqrt(D)
    dv[n,j,e] = sum(dy[n,i,e]*p[n,i,j], i)

    Args:
        dy: (..., I, E), the gradient of the loss with respect to y
        q: (..., I, D)
        k: (..., J, D)
        v: (..., J, E)
        p: (..., I, J)

    Returns:
        dq: (..., I, D)
        dk: (..., J, D)
        dv: (..., J, E)
    """
    D = q.shape[-1]
    dp = dy @ v.swapaxes(-1, -2)
    ds = np.subtract(dp, np.vecdot(p, dp, keepdims=True), out=dp)
    ds *= p
    dq = ds @ k / D**0.5
    dk = ds.swapaxes(-1, -2) @ q / D**0.5
    dv = p.swapaxes(-1, -2) @ dy
    return dq, dk, dv
