"""A deep ReLU network on column vectors with least squares, every layer's values kept for the backward pass."""

from __future__ import annotations

import numpy as np


class ColumnNetwork:
    """``f_0 = beta_0 + Omega_0 x``, then ``h_k = ReLU(f_(k-1))``, ``f_k = beta_k + Omega_k h_k``.

    The loss is ``sum (f_K - y)^2``.
    """

    def __init__(self, omegas, betas):
        self.omegas = omegas
        self.betas = betas

    def forward(self, x, y):
        self.y = y
        self.h = [x]
        self.f = [self.betas[0] + self.omegas[0] @ x]
        for omega, beta in zip(self.omegas[1:], self.betas[1:], strict=True):
            self.h.append(np.maximum(self.f[-1], 0))
            self.f.append(beta + omega @ self.h[-1])
        self.output = self.f[-1]
        self.loss = np.sum((self.output - y) ** 2)
        return self.loss

    def backward(self):
        layers = len(self.omegas)
        self.dl_dh = [None] * layers
        self.dl_domega = [None] * layers
        self.dl_dbeta = [None] * layers
        dl_df = 2 * (self.output - self.y)
        for k in reversed(range(layers)):
            self.dl_dbeta[k] = np.sum(dl_df, axis=1, keepdims=True)
            self.dl_domega[k] = dl_df @ self.h[k].T
            self.dl_dh[k] = self.omegas[k].T @ dl_df
            if k > 0:
                dl_df = self.dl_dh[k] * (self.f[k - 1] > 0)
        return self.dl_dh
