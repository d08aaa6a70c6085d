"""Forward and backward passes in NumPy: lstm-cell.

lstm-cell: a step of the long short-term memory, gates in the order i, f, g, o
    z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
    i[n,k] = 1/(1 + exp(-z[n,0,k]))
    f[n,k] = 1/(1 + exp(-z[n,1,k]))
    g[n,k] = tanh(z[n,2,k])
    o[n,k] = 1/(1 + exp(-z[n,3,k]))
    c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
    s[n,k] = tanh(c[n,k])
    h[n,k] = o[n,k]*s[n,k]
    Source: Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation
        9:1735-1780; the forget gate: Gers, Schmidhuber and Cummins 2000, Learning to
        forget, Neural Computation 12:2451-2471
"""

import numpy as np


def _sigmoid(x):
    """Return 1 / (1 + exp(-x)); where exp(-x) is larger than any number, that is 0."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def lstm_cell_forward(x, h0, c0, w, u, b):
    """Forward pass of lstm-cell.

    A step of the long short-term memory, gates in the order i, f, g, o.

    z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
    i[n,k] = 1/(1 + exp(-z[n,0,k]))
    f[n,k] = 1/(1 + exp(-z[n,1,k]))
    g[n,k] = tanh(z[n,2,k])
    o[n,k] = 1/(1 + exp(-z[n,3,k]))
    c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
    s[n,k] = tanh(c[n,k])
    h[n,k] = o[n,k]*s[n,k]

    Args:
        x: (N, D)
        h0: (N, J)
        c0: (N, K)
        w: (D, 4, K)
        u: (J, 4, K)
        b: (4, K)

    Returns:
        h: (N, K)
        c: (N, K)
        i: (N, K)
        f: (N, K)
        g: (N, K)
        o: (N, K)
        s: (N, K)
    """
    z = np.tensordot(h0, u, axes=1) + np.tensordot(x, w, axes=1) + b
    i = _sigmoid(z[:, 0])
    f = _sigmoid(z[:, 1])
    g = np.tanh(z[:, 2])
    o = _sigmoid(z[:, 3])
    c = c0 * f + i * g
    s = np.tanh(c)
    h = o * s
    return h, c, i, f, g, o, s


def lstm_cell_backward(dh, dc_out, x, h0, c0, w, u, i, f, g, o, s, h):
    """Backward pass of lstm-cell.

    A step of the long short-term memory, gates in the order i, f, g, o.

    z[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + sum(x[n,d]*w[d,q,k], d) + b[q,k]
    i[n,k] = 1/(1 + exp(-z[n,0,k]))
    f[n,k] = 1/(1 + exp(-z[n,1,k]))
    g[n,k] = tanh(z[n,2,k])
    o[n,k] = 1/(1 + exp(-z[n,3,k]))
    c[n,k] = c0[n,k]*f[n,k] + g[n,k]*i[n,k]
    s[n,k] = tanh(c[n,k])
    h[n,k] = o[n,k]*s[n,k]

    Gradients of a loss, given those of the outputs, of which dc_out is what comes in
        through c and not through other outputs:

    dc[n,k] = dh[n,k]*o[n,k]*(1 - s[n,k]**2) + dc_out[n,k]
    dz[n,q,k] = dc[n,k]*(i[n,k]*(delta(q, 0)*g[n,k]*(1 - i[n,k])
        + delta(q, 2)*(1 - g[n,k]**2)) + delta(q, 1)*c0[n,k]*f[n,k]*(1 - f[n,k]))
        + delta(q, 3)*dh[n,k]*h[n,k]*(1 - o[n,k])
    dx[n,d] = sum(dz[n,q,k]*w[d,q,k], q, k)
    dh0[n,j] = sum(dz[n,q,k]*u[j,q,k], q, k)
    dc0[n,k] = dc[n,k]*f[n,k]
    dw[d,q,k] = sum(dz[n,q,k]*x[n,d], n)
    du[j,q,k] = sum(dz[n,q,k]*h0[n,j], n)
    db[q,k] = sum(dz[n,q,k], n)

    Args:
        dh: (N, K), the gradient of the loss with respect to h
        dc_out: (N, K), the gradient of the loss with respect to c where the other
            outputs are held
        x: (N, D)
        h0: (N, J)
        c0: (N, K)
        w: (D, 4, K)
        u: (J, 4, K)
        i: (N, K)
        f: (N, K)
        g: (N, K)
        o: (N, K)
        s: (N, K)
        h: (N, K), an output

    Returns:
        dx: (N, D)
        dh0: (N, J)
        dc0: (N, K)
        dw: (D, 4, K)
        du: (J, 4, K)
        db: (4, K)
    """
    dc = dc_out + dh * o * (1 - s * s)
    t1 = c0 * f * (1 - f) * dc
    t2 = i * (1 - g * g) * dc
    dz = np.stack([i * g * (1 - i) * dc, t1, t2, dh * h * (1 - o)], axis=1)
    dx = np.tensordot(dz, w, axes=([1, 2], [1, 2]))
    dh0 = np.tensordot(dz, u, axes=([1, 2], [1, 2]))
    dc0 = np.multiply(dc, f, out=dc)
    dw = np.tensordot(x, dz, axes=(0, 0))
    du = np.tensordot(h0, dz, axes=(0, 0))
    db = dz.sum(axis=0)
    return dx, dh0, dc0, dw, du, db
