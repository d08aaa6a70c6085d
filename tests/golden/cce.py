"""Forward and backward passes in NumPy: cce.

cce: categorical cross-entropy of probabilities, one-hot or soft labels
    L = -sum(t[n,k]*log(p[n,k]), n, k)/N
    Source: Goodfellow, Bengio and Courville, Deep Learning, MIT Press 2016, section
        6.2.1
"""

import numpy as np


def cce_forward(p, t):
    """Forward pass of cce.

    Categorical cross-entropy of probabilities, one-hot or soft labels.

    L = -sum(t[n,k]*log(p[n,k]), n, k)/N

    n runs over all leading axes, N positions together.

    Args:
        p: (..., K)
        t: (..., K)

    Returns:
        L: ()
    """
    N = p[..., 0].size
    logs = np.where(t == 0, 1.0, p)
    np.log(logs, out=logs)
    return -np.vdot(t, logs) / N


def cce_backward(dL, p, t):
    """Backward pass of cce.

    Categorical cross-entropy of probabilities, one-hot or soft labels.

    L = -sum(t[n,k]*log(p[n,k]), n, k)/N

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dp[n,k] = -dL*t[n,k]/(N*p[n,k])

    Args:
        dL: (), the gradient of the loss with respect to L
        p: (..., K)
        t: (..., K)

    Returns:
        dp: (..., K)
    """
    N = p[..., 0].size
    dp = np.where(t == 0, 1.0, p)
    np.divide(t, dp, out=dp)
    dp *= -dL / N
    return dp
