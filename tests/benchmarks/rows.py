"""What ``speed.py`` compares: an operation, its inputs at a size, and the same function in torch and JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

try:
    import torch
    import torch.nn.functional as nn
except ImportError:
    torch = None
try:
    import jax
    import jax.numpy as jnp
except ImportError:
    jax = jnp = None

Array = Any
Draw = Callable[["Random", int, int], list[Array]]
#: The second size of products of matrices, of the LSTM's states and of attention's heads, and the length of a sequence.
INNER, LENGTH = 64, 128


class Random:
    """Numbers of one dtype, the same in every run."""

    def __init__(self, dtype: str, seed: int = 0) -> None:
        self.rng, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def normal(self, *shape: int) -> Array:
        return self.rng.standard_normal(shape, self.dtype)

    def labels(self, n: int, k: int) -> Array:
        return self.rng.integers(0, k, n)

    def one_hot(self, n: int, k: int) -> Array:
        found = np.zeros((n, k), self.dtype)
        found[np.arange(n), self.labels(n, k)] = 1
        return found

    def coins(self, n: int, k: int) -> Array:
        return (self.rng.random((n, k)) < 0.3).astype(self.dtype)

    def probabilities(self, n: int, k: int) -> Array:
        exps = np.exp(self.normal(n, k))
        return exps / exps.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Row:
    """One operation.

    Attributes:
        draw: makes the inputs of a size.
        moved: how many arrays of that size must be read or written, 0 where that is not what decides.
        differentiable: how many inputs have gradients, the first ones.
        is_elementwise: each number of the output comes from single numbers.
        given: facts that generated code may use.
    """

    name: str
    draw: Draw
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    moved: int = 5
    differentiable: int = 1
    is_elementwise: bool = False
    given: tuple[str, ...] = ()


def heads(random: Random, n: int, k: int) -> list[Array]:
    """Return three arrays of about n*k numbers: sequences of at most LENGTH places with INNER numbers each."""
    length, size = min(LENGTH, n), min(INNER, k)
    count = max(1, n * k // (length * size))
    return [random.normal(count, length, size) for _ in range(3)]


def cell(random: Random, n: int, k: int) -> list[Array]:
    size = min(INNER, k)
    weights = [random.normal(size, 4, size) / np.float32(size**0.5) for _ in range(2)]
    return [*(random.normal(n, size) for _ in range(3)), *weights, random.normal(4, size)]


def _jax_layer_norm(x: Any, g: Any, b: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return g * centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + b


def _jax_batch_norm(x: Any, g: Any, b: Any) -> Any:
    centred = x - x.mean(0)
    return g * centred * jax.lax.rsqrt((centred**2).mean(0) + 1e-5) + b


def _jax_rms_norm(x: Any, g: Any) -> Any:
    return g * x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-5)


def _jax_cell(x: Any, h0: Any, c0: Any, w: Any, u: Any, b: Any) -> Any:
    z = jnp.tensordot(x, w, 1) + jnp.tensordot(h0, u, 1) + b
    i, f, g, o = jax.nn.sigmoid(z[:, 0]), jax.nn.sigmoid(z[:, 1]), jnp.tanh(z[:, 2]), jax.nn.sigmoid(z[:, 3])
    c = f * c0 + i * g
    return o * jnp.tanh(c), c


def _torch_cell(x: Any, h0: Any, c0: Any, w: Any, u: Any, b: Any) -> Any:
    own, other, bias = (each.reshape(-1, b.numel()).t() for each in (w, u, b))
    return torch.lstm_cell(x, (h0, c0), own, other, bias.reshape(-1), torch.zeros_like(bias).reshape(-1))


ROWS = (
    Row(
        "dense",
        lambda r, n, k: [r.normal(n, k), r.normal(k, min(INNER, k)), r.normal(min(INNER, k))],
        lambda x, w, b: x @ w + b,
        lambda x, w, b: x @ w + b,
        0,
        3,
    ),
    Row("relu", lambda r, n, k: [r.normal(n, k)], lambda x: nn.relu(x), lambda x: jax.nn.relu(x), is_elementwise=True),
    Row("softmax", lambda r, n, k: [r.normal(n, k)], lambda x: nn.softmax(x, -1), lambda x: jax.nn.softmax(x)),
    Row(
        "cce",
        lambda r, n, k: [r.probabilities(n, k), r.one_hot(n, k)],
        lambda p, t: -(t * torch.log(torch.where(t == 0, 1, p))).sum() / len(p),
        lambda p, t: -(t * jnp.log(jnp.where(t == 0, 1, p))).sum() / len(p),
    ),
    Row(
        "softmax-cce",
        lambda r, n, k: [r.normal(n, k), r.one_hot(n, k)],
        lambda z, t: nn.cross_entropy(z, t),
        lambda z, t: -(t * jax.nn.log_softmax(z)).sum() / len(z),
        given=("sum(t[n,k], k) = 1",),
    ),
    Row(
        "softmax-cce-sparse",
        lambda r, n, k: [r.normal(n, k), r.labels(n, k)],
        lambda z, t: nn.cross_entropy(z, t),
        lambda z, t: -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean(),
        3,
    ),
    Row(
        "bce-logits",
        lambda r, n, k: [r.normal(n, k), r.coins(n, k)],
        lambda z, t: nn.binary_cross_entropy_with_logits(z, t),
        lambda z, t: (jax.nn.softplus(z) - z * t).mean(),
    ),
    Row(
        "gelu",
        lambda r, n, k: [r.normal(n, k)],
        lambda x: nn.gelu(x),
        lambda x: jax.nn.gelu(x, approximate=False),
        is_elementwise=True,
    ),
    Row("silu", lambda r, n, k: [r.normal(n, k)], lambda x: nn.silu(x), lambda x: jax.nn.silu(x), is_elementwise=True),
    Row(
        "layer-norm",
        lambda r, n, k: [r.normal(n, k), r.normal(k), r.normal(k)],
        lambda x, g, b: nn.layer_norm(x, x.shape[-1:], g, b, 1e-5),
        _jax_layer_norm,
        differentiable=3,
    ),
    Row(
        "rms-norm",
        lambda r, n, k: [r.normal(n, k), r.normal(k)],
        lambda x, g: nn.rms_norm(x, x.shape[-1:], g, 1e-5),
        _jax_rms_norm,
        differentiable=2,
    ),
    Row(
        "batch-norm",
        lambda r, n, k: [r.normal(n, k), r.normal(k), r.normal(k)],
        lambda x, g, b: nn.batch_norm(x, None, None, g, b, True, 0.0, 1e-5),
        _jax_batch_norm,
        differentiable=3,
    ),
    Row(
        "attention",
        heads,
        lambda q, k, v: nn.scaled_dot_product_attention(q, k, v),
        lambda q, k, v: jax.nn.softmax(q @ k.swapaxes(1, 2) / q.shape[2] ** 0.5) @ v,
        0,
        3,
    ),
    Row("lstm-cell", cell, _torch_cell, _jax_cell, 0, 6),
)
