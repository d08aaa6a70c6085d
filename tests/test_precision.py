"""A gradient is not made of a difference that forgets it: what a large term hides is not asked back from the output."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import codegen
import derive


@pytest.mark.parametrize(
    ("text", "inputs", "place", "slope"),
    [
        ("y = a + exp(b)", (1e8, 1.0), 1, np.exp(1.0)),
        ("y = b + tanh(x)", (1e8, 1.0), 1, 1 - np.tanh(1.0) ** 2),
    ],
)
def test_a_large_term_does_not_hide_the_slope_of_another(
    text: str, inputs: tuple[float, ...], place: int, slope: float
) -> None:
    arrays = [np.float32(value) for value in inputs]
    _, pullback = codegen.vjp(text, *arrays)
    assert_allclose(pullback(np.float32(1.0))[place], slope, rtol=1e-5)


def test_layer_norm_is_centred_in_both_passes() -> None:
    text = "y[n,k] = (x[n,k] - mean(x[n,j], j)) / sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + 1/100000)"
    x = np.random.default_rng(0).standard_normal((3, 8))
    upstream = np.random.default_rng(1).standard_normal((3, 8))
    near, far = (codegen.vjp(text, x + offset)[1](upstream)[0] for offset in (0.0, 1e6))
    assert_allclose(far, near, rtol=1e-6, atol=1e-8)


def test_a_chain_of_layers_is_derived_in_time_that_grows_with_its_length() -> None:
    chain = derive.compose(*["dense", "relu"] * 6, "softmax", "cce")
    backward = codegen.backward(chain)
    assert len(backward.results) == 13
    assert backward.source.count("@") == 12


def test_a_value_that_has_vanished_is_not_multiplied_by_what_it_was_divided_by() -> None:
    pullback = derive.pull_back("y = x*sigmoid(beta*x)", "beta")
    assert "y" not in [tensor.name for tensor in pullback.saved]
    _, gradients = codegen.vjp("y = x*sigmoid(beta*x)", -800.0, np.array([-1.0, 0.5, 1.0]))
    assert_allclose(gradients(np.ones(3))[1], [0.0, 800.0**2 * np.exp(-400.0), 0.0], rtol=1e-13)
