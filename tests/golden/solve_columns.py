"""Forward and backward passes in NumPy: solve-columns.

solve-columns: solution of linear equations, a right side a column
    x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)
    Source: Giles, Collected matrix derivative results for forward and reverse mode
        algorithmic differentiation, 2008, section 2.3.1
"""

import numpy as np


def solve_columns_forward(a, b):
    """Forward pass of solve-columns.

    Solution of linear equations, a right side a column.

    x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)

    Args:
        a: (I, I)
        b: (I, K)

    Returns:
        x: (I, K)
    """
    return np.linalg.solve(a, b)


def solve_columns_backward(dx, a, x):
    """Backward pass of solve-columns.

    Solution of linear equations, a right side a column.

    x[i,k] = sum(b[j,k]*inv(a[p,q], p, q)[i,j], j)

    Gradients of a loss, given that of the output:

    da[p,q] = -sum(dx[i,k]*x[q,k]*inv(a[j,l], j, l)[i,p], i, k)
    db[j,k] = sum(dx[i,k]*inv(a[p,q], p, q)[i,j], i)

    Args:
        dx: (I, K), the gradient of the loss with respect to x
        a: (I, I)
        x: (I, K), the output

    Returns:
        da: (I, I)
        db: (I, K)
    """
    db = np.linalg.solve(a.T, dx)
    da = -db @ x.T
    return da, db
