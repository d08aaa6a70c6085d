"""A lesson on the chain rule: every gradient is named for the derivative it is."""

import numpy as np


class Neurons:
    """z = x W + b"""

    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return self.z

    def backward(self, dL_dz):
        self.dL_dW = self.x.T @ dL_dz
        self.dL_db = dL_dz.sum(axis=0)
        self.dL_dx = dL_dz @ self.W.T
        return self.dL_dx


class ReLU:
    def forward(self, z):
        self.z = z
        return np.maximum(z, 0.0)

    def backward(self, dL_da):
        da_dz = (self.z > 0).astype(dL_da.dtype)
        self.dL_dz = dL_da * da_dz
        return self.dL_dz


class Softmax:
    def forward(self, z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        self.a = e / e.sum(axis=-1, keepdims=True)
        return self.a

    def backward(self, dL_da):
        # da_i/dz_j = a_i (delta_ij - a_j), contracted with dL/da_i
        da_dz = np.einsum("ni,ij->nij", self.a, np.eye(self.a.shape[1], dtype=self.a.dtype))
        da_dz = da_dz - np.einsum("ni,nj->nij", self.a, self.a)
        self.dL_dz = np.einsum("ni,nij->nj", dL_da, da_dz)
        return self.dL_dz


class SquaredError:
    """L = sum (a - t)^2 / N over the N samples"""

    def forward(self, a, t):
        self.a, self.t = a, t
        return np.sum((a - t) ** 2) / len(a)

    def backward(self):
        self.dL_da = 2 * (self.a - self.t) / len(self.a)
        return self.dL_da


class Recurrent:
    """h_t = tanh(x_t Wx + h_(t-1) Wh + b), unrolled over the whole sequence x (N, T, D); returns every h (N, T, H)."""

    def __init__(self, Wx, Wh, b):
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, x):
        N, T, _ = x.shape
        self.x = x
        self.h = np.zeros((N, T + 1, self.Wh.shape[0]), dtype=x.dtype)
        for t in range(T):
            self.h[:, t + 1] = np.tanh(x[:, t] @ self.Wx + self.h[:, t] @ self.Wh + self.b)
        return self.h[:, 1:].copy()

    def backward(self, dL_dh):
        self.dL_dWx, self.dL_dWh, self.dL_db = (np.zeros_like(p) for p in (self.Wx, self.Wh, self.b))
        self.dL_dx = np.zeros_like(self.x)
        dh_next = np.zeros_like(dL_dh[:, 0])
        for t in reversed(range(self.x.shape[1])):
            dh = dL_dh[:, t] + dh_next
            da = dh * (1 - self.h[:, t + 1] ** 2)
            self.dL_dWx += self.x[:, t].T @ da
            self.dL_dWh += self.h[:, t].T @ da
            self.dL_db += da.sum(axis=0)
            self.dL_dx[:, t] = da @ self.Wx.T
            dh_next = da @ self.Wh.T
        return self.dL_dx
