"""Forward and backward passes in NumPy: silu.

silu: sigmoid linear unit (swish)
    s = 1/(1 + exp(-x))
    y = s*x
    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, Neural Networks
        107, 2018
"""

import numpy as np


def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); where exp(-x) is larger than any number, that is 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def silu_forward(x):
    """Forward pass of silu.

    Sigmoid linear unit (swish).

    s = 1/(1 + exp(-x))
    y = s*x

    Args:
        x: any shape

    Returns:
        y: any shape
        s: any shape
    """
    s = _sigmoid(x)
    y = x * s
    return y, s


def silu_backward(dy, s, y):
    """Backward pass of silu.

    Sigmoid linear unit (swish).

    s = 1/(1 + exp(-x))
    y = s*x

    Gradients of a loss, given that of the output:

    dx = dy*(y*(1 - s) + s)

    Args:
        dy: any shape, the gradient of the loss with respect to y
        s: any shape
        y: any shape, the output

    Returns:
        dx: the shape of x
    """
    return dy * (s + y * (1 - s))
