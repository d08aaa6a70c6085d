"""A single neuron, every factor of its chain rule by name."""

from __future__ import annotations


class Neuron:
    """``y = ReLU(x0 w0 + x1 w1 + x2 w2 + b)``."""

    def __init__(self, w, b):
        self.w = list(w)
        self.b = b

    def forward(self, x):
        self.x = list(x)
        self.xw = [xi * wi for xi, wi in zip(self.x, self.w, strict=True)]
        self.z = sum(self.xw) + self.b
        self.y = max(self.z, 0)
        return self.y

    def backward(self, dvalue=1.0):
        self.drelu_dz = dvalue * (1.0 if self.z > 0 else 0.0)
        self.drelu_dxw = [self.drelu_dz * 1.0 for _ in self.xw]
        self.drelu_db = self.drelu_dz * 1.0
        self.dx = [d * wi for d, wi in zip(self.drelu_dxw, self.w, strict=True)]
        self.dw = [d * xi for d, xi in zip(self.drelu_dxw, self.x, strict=True)]
        self.db = self.drelu_db
        return self.dx

    def step(self, rate):
        self.w = [wi - rate * di for wi, di in zip(self.w, self.dw, strict=True)]
        self.b -= rate * self.db
