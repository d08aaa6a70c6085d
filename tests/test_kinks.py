"""Every kink of the catalogue, at the kink itself: the generated backward pass takes the side that is declared.

The side is declared by ``derive/functions.py`` and by the definition: of a maximum or minimum of two the second
argument's, of a maximum over an index the first of the largest, of a choice the branch that its condition chooses,
and 0 for the slope of the absolute value. ``tests/tape.py`` reads it off the definition. Operations with kinks, and
inputs that lie on them, are found: small whole numbers meet every kink that there is.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from tape import Found, Tape, UndefinedError, upstream

import codegen
import derive
from codegen.verification import draw_sizes
from derive.functions import Where
from derive.kinks import KINKED
from derive.operation import Operation
from derive.sums import tensors_in

#: How many whole numbers to try, and how many inputs on kinks will do.
TRIALS, ENOUGH = 400, 12
#: How far a twin stands from the kink.
STEP = 2.0**-30
#: How many of them.
TWINS = 40


class Sample(NamedTuple):
    """Inputs at a kink, and the gradients of the side that is declared and of the other one."""

    arrays: dict[str, np.ndarray]
    declared: Found
    other: Found


def has_kinks(operation: Operation) -> bool:
    """Whether a number that is differentiated by decides what another one's slope is."""
    moving = set(operation.differentiable)
    for definition in operation.definitions:
        if tensors_in(definition.body) & moving:
            moving.add(definition.tensor)
    deciding = tuple(kind for kind in KINKED if kind is not Where)  # It is its condition that decides.
    return any(tensors_in(node) & moving for each in operation.definitions for node in each.body.atoms(*deciding))


NAMES = tuple(name for name, operation in derive.catalogue().items() if has_kinks(operation))


def whole_numbers(operation: Operation) -> dict[str, int]:
    return {each.name: int(operation.record.defaults.get(each.name, "2")) for each in operation.parameters}


def draw(operation: Operation, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Small whole numbers, and the settings as they are."""
    sizes = draw_sizes(operation, 3)
    arrays: dict[str, np.ndarray] = {}
    for tensor in operation.inputs:
        shape = tuple(int(size.xreplace(sizes)) for size in tensor.sizes)
        if tensor in operation.settings:
            arrays[tensor.name] = np.array(float(operation.record.defaults[tensor.name]))
        elif tensor.values is not None:
            arrays[tensor.name] = rng.integers(0, int(tensor.values.xreplace(sizes)), shape)
        else:
            most = 6 if operation.is_elementwise else 1
            arrays[tensor.name] = rng.integers(-most, most, shape, endpoint=True).astype(float)
    return arrays


@cache
def samples(name: str) -> tuple[Sample, ...]:
    operation, rng, found = derive.find(name), np.random.default_rng(1), []
    whole = {symbol: whole_numbers(operation)[symbol.name] for symbol in operation.parameters}
    for _ in range(TRIALS):
        arrays = draw(operation, rng)
        tapes = [Tape(operation, arrays, whole, other_sides) for other_sides in (False, True)]
        try:
            gradients = [tape.gradients() for tape in tapes]
        except UndefinedError:
            continue
        if tapes[0].is_kink and not tapes[0].is_steep:
            found.append(Sample(arrays, *gradients))
        if len(found) == ENOUGH:
            return tuple(found)
    return tuple(found)


def gradients_of(op: str, arrays: dict[str, np.ndarray], whole: dict[str, int]) -> tuple[np.ndarray, ...]:
    """The gradients by the generated code."""
    output, pullback = codegen.vjp(op, *arrays.values(), **whole)
    incoming = np.zeros(np.shape(output))
    for place in np.ndindex(incoming.shape):
        incoming[place] = upstream(place)
    return pullback(incoming)


def is_right(found: tuple[np.ndarray, ...], wanted: Found, tolerance: float = 1e-13) -> bool:
    """Whether gradients are those that are wanted, to so many digits."""
    return all(
        bool(np.isclose(gradient[place], float(number), rtol=tolerance, atol=tolerance))
        for gradient, numbers in zip(found, wanted.values(), strict=True)
        for place, number in numbers.items()
    )


def differ(one: Found, two: Found) -> bool:
    return any(abs(number - two[name][place]) > 1e-3 for name in one for place, number in one[name].items())


@pytest.mark.parametrize("name", NAMES)
def test_the_side_of_a_kink_is_the_declared_one(name: str) -> None:
    assert samples(name), "no kink was found"
    for sample in samples(name):
        found = gradients_of(name, sample.arrays, whole_numbers(derive.find(name)))
        assert is_right(found, sample.declared), (sample, found)


@pytest.mark.parametrize("name", NAMES)
def test_the_other_side_of_a_kink_is_told(name: str) -> None:
    """The twins are the same code a step away from the kink: where the sides differ, one of them is not declared."""
    rng = np.random.default_rng(2)
    for sample in samples(name):
        twins = []
        for _ in range(TWINS):
            moved = {
                each: array + STEP * rng.choice([-1, 1], array.shape) if array.dtype.kind == "f" else array
                for each, array in sample.arrays.items()
            }
            twins.append(gradients_of(name, moved, whole_numbers(derive.find(name))))
        told = not all(is_right(twin, sample.declared, tolerance=1e-6) for twin in twins)
        assert told == differ(sample.declared, sample.other), sample


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("relu", "y = where(x >= 0, x, 0)"),
        ("abs", "y = where(x >= 0, x, -x)"),
        ("relu6", "y = where(x > 6, 6, max(x, 0))"),
        ("prelu", "y[n,i] = where(x[n,i] >= 0, x[n,i], a[i]*x[n,i])"),
        ("mae", "L = mean(where(y[n,k] > t[n,k], y[n,k] - t[n,k], t[n,k] - y[n,k]), n, k)"),
        ("hinge", "L = mean(where(1 - t[n]*z[n] >= 0, 1 - t[n]*z[n], 0), n)"),
    ],
)
def test_a_definition_with_another_side_is_told(name: str, text: str) -> None:
    operation = derive.operation(text)
    data = [tensor.name for tensor in derive.find(name).labels]
    wrt = [tensor.name for tensor in operation.inputs if tensor.name not in data]
    wrong = 0
    for sample in samples(name):
        arrays = {tensor.name: sample.arrays[tensor.name] for tensor in operation.inputs}
        found = dict(zip((t.name for t in operation.inputs), gradients_of(text, arrays, {}), strict=True))
        wrong += not is_right(tuple(found[each] for each in wrt), {each: sample.declared[each] for each in wrt})
    assert wrong


def test_the_first_of_equal_numbers_has_the_gradient_of_the_largest() -> None:
    for sample in samples("max"):
        for row, gradient in zip(sample.arrays["a"], *gradients_of("max", sample.arrays, {}), strict=True):
            first = row.tolist().index(max(row))
            assert np.flatnonzero(gradient).tolist() == [first]
