"""Samples are columns here: an input is (features, samples)."""

import numpy as np


class ColumnDense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in) * np.sqrt(2 / n_in)
        self.b = np.zeros((n_out, 1))

    def forward(self, A):
        self.A = A
        self.Z = self.W @ A + self.b
        return self.Z

    def backward(self, dZ):
        self.dW = dZ @ self.A.T
        self.db = dZ.sum(axis=1, keepdims=True)
        self.dA = self.W.T @ dZ
        return self.dA


class ColumnSoftmax:
    def forward(self, Z):
        E = np.exp(Z - Z.max(axis=0, keepdims=True))
        self.P = E / E.sum(axis=0, keepdims=True)
        return self.P

    def backward(self, dP):
        return self.P * (dP - np.sum(dP * self.P, axis=0, keepdims=True))


class ColumnLogisticLoss:
    """One probability a column, shape (1, m)."""

    def forward(self, A, Y):
        m = Y.shape[1]
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m

    def backward(self, A, Y):
        m = Y.shape[1]
        dA = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A)) / m
        return dA
