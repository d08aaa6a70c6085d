"""Optimisers: by formula, against torch, and what they refuse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from codegen.optimisers import SGD, Adam, Momentum, Optimiser
from derive.errors import InputError

Array = np.ndarray
STEPS = 7


def gradients_of(seed: int = 0) -> Iterator[dict[str, Array]]:
    """Gradients of two parameters for some steps."""
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        yield {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=3)}


def start() -> dict[str, Array]:
    rng = np.random.default_rng(1)
    return {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=3)}


def run(optimiser: Optimiser) -> dict[str, Array]:
    parameters = start()
    for gradients in gradients_of():
        optimiser.step(parameters, gradients)
    return parameters


# ---- by formula ----


def sgd(w: Array, gradients: list[Array], rate: float, decay: float) -> Array:
    return w - sum(rate / (1 + decay * s) * g for s, g in enumerate(gradients))


def momentum(w: Array, gradients: list[Array], rate: float, decay: float) -> Array:
    for s in range(len(gradients)):
        velocity = sum(0.8 ** (s - earlier) * gradients[earlier] for earlier in range(s + 1))
        w = w - rate / (1 + decay * s) * velocity
    return w


def adam(w: Array, gradients: list[Array], rate: float, decay: float) -> Array:
    for s in range(len(gradients)):
        weights1 = [(1 - 0.9) * 0.9 ** (s - earlier) for earlier in range(s + 1)]
        weights2 = [(1 - 0.99) * 0.99 ** (s - earlier) for earlier in range(s + 1)]
        first = sum(each * g for each, g in zip(weights1, gradients, strict=False)) / sum(weights1)
        second = sum(each * g * g for each, g in zip(weights2, gradients, strict=False)) / sum(weights2)
        w = w - rate / (1 + decay * s) * first / (np.sqrt(second) + 1e-3)
    return w


FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., Array]]] = {
    "sgd": (SGD, sgd),
    "momentum": (lambda rate, decay: Momentum(rate, decay, momentum=0.8), momentum),
    "adam": (lambda rate, decay: Adam(rate, decay, beta2=0.99, eps=1e-3), adam),
}


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("name", FORMULAS)
def test_steps_are_those_of_the_formula(name: str, decay: float) -> None:
    make, formula = FORMULAS[name]
    found, before = run(make(0.1, decay)), start()
    for key in found:
        gradients = [each[key] for each in gradients_of()]
        assert_allclose(found[key], formula(before[key], gradients, 0.1, decay), rtol=1e-12, err_msg=key)
        for other, (_, wrong) in FORMULAS.items():
            if other != name:
                assert not np.allclose(found[key], wrong(before[key], gradients, 0.1, decay), rtol=1e-3)


# ---- against torch ----


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_steps_are_those_of_torch(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracles]'")
    mine, make = {
        "sgd": (SGD(0.1), lambda leaves: torch.optim.SGD(leaves, lr=0.1)),
        "momentum": (Momentum(0.1, momentum=0.9), lambda leaves: torch.optim.SGD(leaves, lr=0.1, momentum=0.9)),
        "adam": (Adam(0.1), lambda leaves: torch.optim.Adam(leaves, lr=0.1)),
    }[name]
    leaves = {key: torch.tensor(value, requires_grad=True) for key, value in start().items()}
    theirs = make(list(leaves.values()))
    for gradients in gradients_of():
        for key, leaf in leaves.items():
            leaf.grad = torch.tensor(gradients[key])
        theirs.step()
    for key, array in run(mine).items():
        assert_allclose(array, leaves[key].detach().numpy(), rtol=1e-12, err_msg=key)


# ---- what they promise ----


@pytest.mark.parametrize("make", [SGD, Momentum, Adam])
def test_a_step_is_in_place_and_keeps_the_dtype(make: Callable[..., Optimiser]) -> None:
    w, g = np.ones(3, np.float32), np.ones(3, np.float32)
    parameters = {"w": w, "fixed": np.ones(2)}
    optimiser = make(0.1)
    optimiser.step(parameters, {"w": g})
    assert parameters["w"] is w
    assert w.dtype == np.float32
    assert (w < 1).all()
    assert_array_equal(g, np.ones(3))
    assert_array_equal(parameters["fixed"], np.ones(2))


def test_state_is_kept_by_name() -> None:
    optimiser = Adam(0.1)
    run(optimiser)
    assert {name: sorted(state) for name, state in optimiser.state.items()} == {
        "w": ["first", "second"],
        "b": ["first", "second"],
    }
    assert optimiser.steps == STEPS
    assert repr(Momentum(0.5)) == "Momentum(rate=0.5, decay=0, momentum=0.9)"


def read_only() -> Array:
    array = np.ones(3)
    array.flags.writeable = False
    return array


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a gradient of nothing": ({"w": np.ones(3)}, {"v": np.ones(3)}, "a gradient of v, but the parameters are good, w"),
    "another shape": ({"w": np.ones(3)}, {"w": np.ones((1, 3))}, r"w has shape \(3,\) and its gradient \(1, 3\)"),
    "whole numbers": ({"w": np.ones(3, int)}, {"w": np.ones(3)}, "w is changed in place"),
    "a list": ({"w": [1.0]}, {"w": np.ones(1)}, "w is changed in place"),
    "read only": ({"w": read_only()}, {"w": np.ones(3)}, "w is changed in place"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_changes_nothing(case: str) -> None:
    parameters, gradients, message = REFUSED[case]
    optimiser, good = SGD(0.1), np.ones(2)
    with pytest.raises(InputError, match=message):
        optimiser.step({"good": good, **parameters}, {"good": np.ones(2), **gradients})
    assert_array_equal(good, np.ones(2))
    assert optimiser.steps == 0


@pytest.mark.parametrize(
    "make",
    [lambda: SGD(-1.0), lambda: SGD(float("nan")), lambda: SGD(1.0, -0.1), lambda: Momentum(momentum=1.0),
     lambda: Adam(beta2=-0.1), lambda: Adam(eps=-1.0), lambda: SGD("fast")],
)  # fmt: skip
def test_numbers_out_of_range(make: Callable[[], Optimiser]) -> None:
    with pytest.raises(InputError, match="is a number of at least 0"):
        make()
