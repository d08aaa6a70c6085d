"""Forward and backward passes in NumPy: softmax.

softmax: softmax over the last index
    y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)
    Source: Bridle, Probabilistic interpretation of feedforward classification network
        outputs, 1990
"""

import numpy as np


def softmax_forward(x):
    """Forward pass of softmax.

    Softmax over the last index.

    y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)

    n runs over all leading axes, N positions together.

    Args:
        x: (..., K)

    Returns:
        y: (..., K)
    """
    row_max = x.max(axis=-1, keepdims=True)
    exps = np.exp(x - row_max)
    total = exps.sum(axis=-1, keepdims=True)
    return np.divide(exps, total, out=exps)


def softmax_backward(dy, y):
    """Backward pass of softmax.

    Softmax over the last index.

    y[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j)

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dx[n,k] = y[n,k]*(dy[n,k] - sum(dy[n,j]*y[n,j], j))

    Args:
        dy: (..., K), the gradient of the loss with respect to y
        y: (..., K), the output

    Returns:
        dx: (..., K)
    """
    return y * (dy - np.vecdot(dy, y, keepdims=True))
