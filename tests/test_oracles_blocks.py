"""Normalisations and blocks against torch's own functions, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_blocks import draw
from test_oracles import Oracle, torch_oracle

import codegen
import derive

pytestmark = pytest.mark.oracle


def forwards() -> dict[str, Callable[..., Any]]:
    """What torch has of the catalogue's normalisations, linear operations and blocks."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracles]'")
    functional = torch.nn.functional

    def group_norm(x: Any, g: Any, b: Any) -> Any:
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        return functional.group_norm(flat, x.shape[1], g.reshape(-1), b.reshape(-1)).reshape(x.shape)

    attend = functional.scaled_dot_product_attention
    return {
        "layer-norm": lambda x, g, b: functional.layer_norm(x, x.shape[-1:], g, b),
        "rms-norm": lambda x, g: functional.rms_norm(x, x.shape[-1:], g, 1e-5),
        "batch-norm": lambda x, g, b: functional.batch_norm(x, None, None, g, b, training=True),
        "group-norm": group_norm,
        "instance-norm": lambda x, g, b: functional.instance_norm(x, weight=g, bias=b),
        "residual-layer-norm": lambda x, r, g, b: functional.layer_norm(x + r, x.shape[-1:], g, b),
        "attention": attend,
        "causal-attention": lambda q, k, v: attend(q, k, v, is_causal=True),
        "masked-attention": attend,
        "bilinear": functional.bilinear,
        "embedding": lambda w, ids: functional.embedding(ids, w),
        "batched-matmul": torch.bmm,
        "outer": torch.outer,
        "dense-columns": lambda h, w, b: functional.linear(h.T, w, b).T,
        "swiglu": lambda x, w, v: functional.silu(x @ w) * (x @ v),
        "geglu": lambda x, w, v: functional.gelu(x @ w) * (x @ v),
        "linear-softmax-cce": lambda x, w, b, t: functional.cross_entropy(x @ w + b, t),
        "linear-mse": lambda x, w, b, t: functional.mse_loss(x @ w + b, t),
    }


#: Of the groups that are compared here, those for which torch has no function of its own.
WITHOUT = {"dense", "l2-normalise", "matmul", "multi-head-attention", "rotary", "transformer-block"}
NAMES = tuple(
    operation.name
    for operation in derive.catalogue().values()
    if operation.record.group in ("normalisation", "linear", "blocks") and operation.name not in WITHOUT
)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    torch = torch_oracle()
    return Oracle(forwards(), torch.vjp, torch.hvp)


def compare(oracle: Oracle, name: str, inputs: list[np.ndarray], slip: float = 1.0) -> None:
    output, pullback = codegen.vjp(name, *inputs)
    upstream = np.random.default_rng(11).uniform(0.5, 2.0, np.shape(output))
    operation = derive.find(name)
    wanted = [tensor in operation.differentiable for tensor in operation.inputs[: len(inputs)]]
    value, expected = oracle.vjp(oracle.forward[name], inputs, wanted, upstream)
    np.testing.assert_allclose(output, value, rtol=1e-11, atol=1e-12)
    for ours, other in zip(pullback(upstream), expected, strict=True):
        np.testing.assert_allclose(ours * slip, other, rtol=1e-11, atol=1e-12)


def test_torch_has_a_function_for_all_but_a_few(oracle: Oracle) -> None:
    assert set(NAMES) <= oracle.forward.keys()
    assert not WITHOUT & oracle.forward.keys()


@pytest.mark.parametrize("name", NAMES)
def test_gradients(oracle: Oracle, name: str, rng: np.random.Generator) -> None:
    inputs = draw(derive.find(name), rng)
    compare(oracle, name, inputs)
    with pytest.raises(AssertionError):
        compare(oracle, name, inputs, slip=1.0005)
