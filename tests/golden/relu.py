"""Forward and backward passes in NumPy: relu.

relu: rectified linear unit
    y = max(x, 0)
    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann
        machines, ICML 2010
"""

import numpy as np


def relu_forward(x):
    """Forward pass of relu.

    Rectified linear unit.

    y = max(x, 0)

    Args:
        x: any shape

    Returns:
        y: any shape
    """
    return np.maximum(x, 0)


def relu_backward(dy, x):
    """Backward pass of relu.

    Rectified linear unit.

    y = max(x, 0)

    Gradients of a loss, given that of the output:

    dx = dy*[x > 0]

    Args:
        dy: any shape, the gradient of the loss with respect to y
        x: any shape

    Returns:
        dx: the shape of x
    """
    return dy * (x > 0)
