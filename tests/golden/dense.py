"""Forward and backward passes in NumPy: dense.

dense: dense layer, samples in rows
    y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]
    Source: Rumelhart, Hinton and Williams, Learning representations by back-propagating
        errors, Nature 1986
"""


def dense_forward(x, w, b):
    """Forward pass of dense.

    Dense layer, samples in rows.

    y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]

    n runs over all leading axes, N positions together.

    Args:
        x: (..., D)
        w: (D, K)
        b: (K,)

    Returns:
        y: (..., K)
    """
    return x @ w + b


def dense_backward(dy, x, w):
    """Backward pass of dense.

    Dense layer, samples in rows.

    y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]

    n runs over all leading axes, N positions together.

    Gradients of a loss, given that of the output:

    dx[n,d] = sum(dy[n,k]*w[d,k], k)
    dw[d,k] = sum(dy[n,k]*x[n,d], n)
    db[k] = sum(dy[n,k], n)

    Args:
        dy: (..., K), the gradient of the loss with respect to y
        x: (..., D)
        w: (D, K)

    Returns:
        dx: (..., D)
        dw: (D, K)
        db: (K,)
    """
    shape = x.shape
    dy = dy.reshape(-1, dy.shape[-1])
    x = x.reshape(-1, x.shape[-1])
    dx = dy @ w.T
    dw = x.T @ dy
    db = dy.sum(axis=0)
    return dx.reshape(shape), dw, db
