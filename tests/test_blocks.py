"""Normalisations and blocks: the derived backward pass is the one that an expert writes, in numbers and in passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from handwritten import blocks as by_hand
from numpy.testing import assert_allclose

import codegen
import derive
from codegen.ops import Map, Reduce
from codegen.program import Program
from derive.printing import definition_text

SIZES = {"N": 3, "K": 5, "D": 7, "M": 2, "C": 4, "T": 6, "I": 6, "J": 8, "E": 4, "H": 2, "R": 2}

#: The operation, the handwritten backward pass, and how many passes over arrays of the output's size an expert's does:
#: each operation on numbers and each sum counts one, what a matrix product does none.
EXPERTS: dict[str, tuple[Callable[..., Any], int]] = {
    # g dy, mean, dxhat xhat, mean, xhat projection, two differences, / sigma; dy xhat and its sum, the sum of dy.
    "layer-norm": (by_hand.layer_norm, 11),
    # g dy, dxhat xhat, mean, xhat projection, difference, / sigma; dy xhat and its sum.
    "rms-norm": (by_hand.rms_norm, 8),
    # dy xhat, two sums, xhat dg, two differences, the factor g / sigma.
    "batch-norm": (by_hand.batch_norm, 7),
    "group-norm": (by_hand.group_norm, 11),
    # p dp, its sum, difference, the factor p; the two scales.
    "attention": (by_hand.attention, 6),
    "causal-attention": (by_hand.attention, 6),
    "multi-head-attention": (by_hand.multi_head_attention, 8),
    # dc: two; da: 1 - s, a, 1 +, s, c, dy; the sum of dx.
    "swiglu": (by_hand.swiglu, 9),
    "embedding": (by_hand.embedding, 0),
    # dy cos, and a product for each half.
    "rotary": (by_hand.rotary, 3),
}


def draw(operation: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Numbers for the inputs; settings are left out."""
    values = []
    for tensor in operation.inputs[: len(operation.inputs) - len(operation.settings)]:
        shape = [SIZES.get(str(size)) or int(size) for size in tensor.sizes]
        if tensor.values is not None:
            values.append(rng.integers(0, SIZES[str(tensor.values)], shape))
        else:
            values.append(rng.standard_normal(shape))
    return values


def compare(name: str, rng: np.random.Generator, slip: float = 0.0) -> None:
    """Hold the generated gradients against the handwritten ones of numbers that are off by ``slip`` in one place."""
    expert, _ = EXPERTS[name]
    operation = derive.find(name)
    output, pullback = codegen.vjp(operation, *draw(operation, rng))
    dy = rng.standard_normal(output.shape)
    saved = dict(pullback.saved)
    wrong = dy.copy()
    wrong.flat[0] += slip
    for own, other in zip(pullback(dy), expert(wrong, **saved), strict=True):
        assert_allclose(own, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", list(EXPERTS))
def test_the_derived_gradients_are_the_experts(name: str, rng: np.random.Generator) -> None:
    compare(name, rng)


@pytest.mark.parametrize("name", list(EXPERTS))
def test_an_experts_slip_is_seen(name: str, rng: np.random.Generator) -> None:
    with pytest.raises(AssertionError):
        compare(name, rng, slip=1e-6)


def passes(program: Program, rank: int) -> int:
    """How often a program's elementwise operations and sums go over an array of as many axes as the output."""
    count = 0
    for statement in program.statements:
        largest = max((operand.rank for operand in statement.operands), default=0)
        if isinstance(statement.op, Map) and len(statement.labels) >= rank:
            count += 1 if statement.op.function not in ("mul", "add") else len(statement.operands) - 1
            absorbed = statement.op.function == "neg"  # What is subtracted in a place is not negated first.
            count -= absorbed
        elif isinstance(statement.op, Reduce) and largest >= rank:
            count += 1
    return count


@pytest.mark.parametrize("name", list(EXPERTS))
def test_no_more_passes_than_an_expert(name: str) -> None:
    operation = derive.find(name)
    program = codegen.backward(operation).program
    assert passes(program, operation.output.tensor.rank) <= EXPERTS[name][1]


@pytest.mark.parametrize(
    ("name", "wrt", "expected"),
    [
        ("layer-norm", "x", "(dxhat[n,k] - (sum(dxhat[n,j], j) + xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j))/K)/sigma[n]"),
        ("rms-norm", "x", "(dxhat[n,k] - xhat[n,k]*sum(dxhat[n,j]*xhat[n,j], j)/K)/sigma[n]"),
        ("batch-norm", "x", "g[k]*(dy[n,k] - (sum(dy[m,k], m) + xhat[n,k]*sum(dy[m,k]*xhat[m,k], m))/N)/sigma[k]"),
        ("attention", "q", "sum(ds[n,i,j]*k[n,j,d], j)/sqrt(D)"),
        ("l2-normalise", "x", "(dy[n,k] - y[n,k]*sum(dy[n,j]*y[n,j], j))/r[n]"),
    ],
)
def test_the_shortest_form(name: str, wrt: str, expected: str) -> None:
    gradients = {each.tensor.name: definition_text(each.body) for each in derive.pull_back(name).gradients}
    assert gradients[wrt] == expected


def test_attention_has_its_row_sum() -> None:
    gradients = {each.tensor.name: definition_text(each.body) for each in derive.pull_back("attention").gradients}
    assert gradients["s"] == "p[n,i,j]*(dp[n,i,j] - sum(dp[n,i,l]*p[n,i,l], l))"


@pytest.mark.parametrize("scale", [1e3, 1e-3])
def test_causal_attention_of_huge_logits(scale: float) -> None:
    """The largest logit of a row is one that the row must not see."""
    q = np.full((1, 3, 1), scale)
    k = np.array([[[0.0], [1.0], [1e3]]])
    v = np.array([[[1.0], [2.0], [3.0]]])
    output, pullback = codegen.vjp("causal-attention", q, k, v)
    assert output[0, 0, 0] == 1.0
    assert all(np.isfinite(gradient).all() for gradient in pullback(np.ones_like(output)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["layer-norm", "rms-norm", "batch-norm", "l2-normalise"])
def test_rows_of_equal_numbers(name: str, dtype: type) -> None:
    operation = derive.find(name)
    inputs = [np.full([SIZES.get(str(s)) or int(s) for s in t.sizes], 0.0, dtype) for t in operation.inputs if t.rank]
    output, pullback = codegen.vjp(operation, *inputs)
    gradients = pullback(np.ones_like(output))
    assert all(np.isfinite(gradient).all() and gradient.dtype == dtype for gradient in (output, *gradients))


#: A decoder's block, normalised before each sublayer: causal self-attention, then two dense layers.
TRANSFORMER_BLOCK = """
mu[n,t] = mean(x[n,t,c], c)
sigma[n,t] = sqrt(mean((x[n,t,c] - mu[n,t])**2, c) + 0.00001)
xhat[n,t,c] = (x[n,t,c] - mu[n,t]) / sigma[n,t]
u[n,t,c] = g[c] * xhat[n,t,c] + b[c]
q[n,h,t,d] = sum(u[n,t,c] * wq[c,h,d], c)
k[n,h,t,d] = sum(u[n,t,c] * wk[c,h,d], c)
v[n,h,t,d] = sum(u[n,t,c] * wv[c,h,d], c)
s[n,h,i,j] = sum(q[n,h,i,d] * k[n,h,j,d], d) / sqrt(D)
p[n,h,i,j] = [i >= j] * exp(s[n,h,i,j]) / sum([i >= l] * exp(s[n,h,i,l]), l)
a[n,h,t,d] = sum(p[n,h,t,j] * v[n,h,j,d], j)
z[n,t,c] = x[n,t,c] + sum(a[n,h,t,d] * wo[h,d,c], h, d)
mu2[n,t] = mean(z[n,t,c], c)
sigma2[n,t] = sqrt(mean((z[n,t,c] - mu2[n,t])**2, c) + 0.00001)
zhat[n,t,c] = (z[n,t,c] - mu2[n,t]) / sigma2[n,t]
r[n,t,c] = g2[c] * zhat[n,t,c] + b2[c]
f[n,t,m] = sum(r[n,t,c] * w1[c,m], c) + c1[m]
e = gelu(f)
y[n,t,c] = z[n,t,c] + sum(e[n,t,m] * w2[m,c], m) + c2[c]
"""


def test_a_transformer_block_is_derived() -> None:
    pullback = derive.pull_back(TRANSFORMER_BLOCK)
    gradients = {each.tensor.name: definition_text(each.body) for each in pullback.gradients}
    assert gradients["x"].endswith("/sigma[n,t] + dz[n,t,c]")
    assert not {"x", "z", "mu", "mu2"} & {tensor.name for tensor in pullback.saved}
