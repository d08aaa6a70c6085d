"""Convolutions and pools of images (N, C, H, W) and of signals (N, C, T)."""

import numpy as np


class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=0):
        self.stride = stride
        self.padding = padding
        self.kernel_size = kernel_size
        self.weight = 0.1 * np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.bias = np.zeros(out_channels)

    def forward(self, x):
        p, s, k = self.padding, self.stride, self.kernel_size
        self.x_padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        n, _, h, w = self.x_padded.shape
        h_out, w_out = (h - k) // s + 1, (w - k) // s + 1
        out = np.zeros((n, len(self.weight), h_out, w_out), dtype=x.dtype)
        for i in range(h_out):
            for j in range(w_out):
                patch = self.x_padded[:, :, i * s : i * s + k, j * s : j * s + k]
                out[:, :, i, j] = np.tensordot(patch, self.weight, axes=([1, 2, 3], [1, 2, 3])) + self.bias
        return out

    def backward(self, dout):
        p, s, k = self.padding, self.stride, self.kernel_size
        dx_padded = np.zeros_like(self.x_padded)
        self.dweight = np.zeros_like(self.weight)
        self.dbias = dout.sum(axis=(0, 2, 3))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                rows, columns = slice(i * s, i * s + k), slice(j * s, j * s + k)
                grad = dout[:, :, i, j]
                self.dweight += np.tensordot(grad, self.x_padded[:, :, rows, columns], axes=([0], [0]))
                dx_padded[:, :, rows, columns] += np.tensordot(grad, self.weight, axes=([1], [0]))
        h, w = dx_padded.shape[2:]
        return dx_padded[:, :, p : h - p, p : w - p]


class Conv1D:
    """No padding, stride 1."""

    def __init__(self, in_channels, out_channels, kernel_size):
        self.W = np.random.randn(out_channels, in_channels, kernel_size) / np.sqrt(in_channels * kernel_size)
        self.b = np.zeros(out_channels)

    def forward(self, X):
        self.X = X
        K = self.W.shape[2]
        T = X.shape[2] - K + 1
        out = sum(np.einsum("nct,oc->not", X[:, :, r : r + T], self.W[:, :, r]) for r in range(K))
        return out + self.b[None, :, None]

    def backward(self, dY):
        K, T = self.W.shape[2], dY.shape[2]
        dX = np.zeros_like(self.X)
        dW = np.zeros_like(self.W)
        for r in range(K):
            dX[:, :, r : r + T] += np.einsum("not,oc->nct", dY, self.W[:, :, r])
            dW[:, :, r] = np.einsum("not,nct->oc", dY, self.X[:, :, r : r + T])
        db = dY.sum(axis=(0, 2))
        return dX, dW, db


class MaxPool2D:
    """The first of equal values has the gradient."""

    def __init__(self, pool_size=2, stride=2):
        self.pool_size = pool_size
        self.stride = stride

    def forward(self, inputs):
        self.inputs = inputs
        n, c, h, w = inputs.shape
        k, s = self.pool_size, self.stride
        self.output = np.zeros((n, c, (h - k) // s + 1, (w - k) // s + 1), dtype=inputs.dtype)
        for i in range(self.output.shape[2]):
            for j in range(self.output.shape[3]):
                window = inputs[:, :, i * s : i * s + k, j * s : j * s + k]
                self.output[:, :, i, j] = window.max(axis=(2, 3))
        return self.output

    def backward(self, dvalues):
        k, s = self.pool_size, self.stride
        n, c = self.inputs.shape[:2]
        batch, channel = np.ogrid[:n, :c]
        self.dinputs = np.zeros_like(self.inputs)
        for i in range(dvalues.shape[2]):
            for j in range(dvalues.shape[3]):
                window = self.inputs[:, :, i * s : i * s + k, j * s : j * s + k]
                best = window.reshape(n, c, -1).argmax(axis=2)
                self.dinputs[batch, channel, i * s + best // k, j * s + best % k] += dvalues[:, :, i, j]
        return self.dinputs


class AvgPool2D:
    def __init__(self, pool_size=2, stride=2):
        self.k = pool_size
        self.s = stride

    def forward(self, inputs):
        self.input_shape = inputs.shape
        n, c, h, w = inputs.shape
        rows, columns = (h - self.k) // self.s + 1, (w - self.k) // self.s + 1
        out = np.zeros((n, c, rows, columns), dtype=inputs.dtype)
        for i in range(rows):
            for j in range(columns):
                top, left = i * self.s, j * self.s
                out[:, :, i, j] = inputs[:, :, top : top + self.k, left : left + self.k].mean(axis=(2, 3))
        return out

    def backward(self, dvalues):
        dinputs = np.zeros(self.input_shape, dtype=dvalues.dtype)
        share = dvalues / (self.k * self.k)
        for i in range(dvalues.shape[2]):
            for j in range(dvalues.shape[3]):
                top, left = i * self.s, j * self.s
                dinputs[:, :, top : top + self.k, left : left + self.k] += share[:, :, i : i + 1, j : j + 1]
        return dinputs
