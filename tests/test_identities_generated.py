"""Two thousand generated equations, true ones and false ones: no verdict is wrong, and few are left open.

``FieldMaker`` makes expressions of softmaxes, norms, variances and logarithms, ``Disguise`` writes them in other words,
``Mutation`` changes one thing; every fourth equation is about their derivatives. A true equation must not be refuted.
A false one must not be proved: whether one with a mutation is false is found by ``reference``, with floating-point
numbers, which shares nothing with the prover. The numbers of every refutation are computed again in the same way.

All two thousand are asked for by ``--thorough``; every run has the first four hundred. A longer run, other seeds::

    LONG_IDENTITIES=20000 LONG_SEED=7000 python -m pytest -n 2 --thorough tests/test_identities_generated.py

``LONG_SEED``, the first seed, may be left out. No verdict may be wrong there either, and the same share may be open.
"""

from __future__ import annotations

import ast
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from expressions import LABELS, Disguise, FieldMaker, K, Maker, Mutation, N, Seeded, X, has_no_value, is_small, j, m
from reference import Reference
from sympy import Expr
from thorough import sweep

from derive.differentiation import differentiate
from derive.indices import Index, Tensor
from derive.proof import PROVED, REFUTED, UNDECIDED, Counterexample, prove_equal
from derive.sums import free_indices, tensors_in

#: How many equations; every second one has been changed in one place.
COUNT = int(os.environ.get("LONG_IDENTITIES", "2000"))
FIRST_SEED = int(os.environ.get("LONG_SEED", "0"))
#: So many are run every time.
ALWAYS = 200
#: Equations a test; pytest-xdist shares the tests among its processes.
SHARE = 100
#: Of these, at most so many stay open: of the true ones, and of those that are false by numbers.
MOST_OPEN = {"true": 1, "false": 1}
#: At most so many refutations have numbers that floating point is too coarse for.
MOST_UNCHECKED = 2
#: Numbers that differ by less than this share of their size are equal as far as floating point tells.
CLOSE = 1e-6
SECONDS = 10.0
LARGEST = 120


class Equation(NamedTuple):
    """Two sides, and whether they are equal by construction."""

    left: Expr
    right: Expr
    is_true: bool


@cache
def equation(seed: int) -> Equation:
    """The equation of a seed; what grows too large, or has no number anywhere, is made anew."""
    for attempt in range(1000):
        made = _made(f"{seed}.{attempt}", is_true=seed % 2 == 0, is_derivative=seed % 8 in (4, 5))
        if made is not None and all(is_small(side, LARGEST) and not has_no_value(side) for side in made[:2]):
            return made
    raise AssertionError("a thousand attempts are too few")


def _made(name: str, is_true: bool, is_derivative: bool) -> Equation | None:
    source = Seeded(name)
    kind = Maker if source.pick([True, False, False]) else FieldMaker
    expr = kind(source, smooth=is_derivative).expression(2 if is_derivative else 3)
    if not is_small(expr, LARGEST // 2):
        return None
    other = Disguise(source)(expr) if is_true else expr
    if is_derivative:
        expr, other = (differentiate(side, X[m, j]) for side in (expr, other))
    return Equation(expr, other if is_true else Mutation(source)(other), is_true)


# -- numbers that the prover has no part in ---------------------------------------------------------------------------


def number(expr: Expr, here: Reference, places: Mapping[Index, int]) -> float | None:
    """An expression's number; None where there is none, or none that floating point has."""
    try:
        value = here.value(expr, places)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):  # a root of a negative number is complex
        return None
    return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def differ(left: float, right: float) -> bool:
    return abs(left - right) > CLOSE * (1 + abs(left) + abs(right))


def drawn(tensors: frozenset[Tensor], sizes: dict[Expr, int], seed: int, line: tuple[float, float]) -> Reference:
    generator = np.random.default_rng(seed)
    arrays: dict[Tensor, Any] = {}
    for tensor in sorted(tensors, key=lambda tensor: tensor.name):
        shape = [sizes[size] for size in tensor.sizes]
        if tensor == LABELS:
            arrays[tensor] = generator.integers(0, sizes[K], shape)
        else:
            arrays[tensor] = generator.uniform(*line, shape)
    return Reference(arrays, sizes)


def is_false_by_numbers(made: Equation) -> bool:
    tensors = tensors_in(made.left) | tensors_in(made.right)
    indices = sorted(free_indices(made.left) | free_indices(made.right), key=lambda index: index.name)
    for seed, line in enumerate(((-1.5, 1.5), (0.2, 1.2), (0.5, 2.5))):
        here = drawn(tensors, {N: 2, K: 3}, seed, line)
        for place in np.ndindex(*(here.extent(index) for index in indices)):
            places = dict(zip(indices, place, strict=True))
            left, right = number(made.left, here, places), number(made.right, here, places)
            if left is not None and right is not None and differ(left, right):
                return True
    return False


def confirmed(made: Equation, found: Counterexample) -> bool | None:
    """Whether a counterexample's numbers give the sides that it names; None where floating point has none."""
    tensors = {tensor.name: tensor for tensor in tensors_in(made.left) | tensors_in(made.right)}
    arrays = {}
    for name, text in found.values.items():
        numbers = np.array(ast.literal_eval(re.sub(r"[^][, ]+", lambda each: each[0], text)), dtype=float)
        arrays[tensors[name]] = numbers.astype(int) if tensors[name] == LABELS else numbers
    here = Reference(arrays, {size: found.sizes[str(size)] for size in (N, K) if str(size) in found.sizes})
    by_name = {index.name: index for index in free_indices(made.left) | free_indices(made.right)}
    places = {by_name[name]: place for name, place in found.place.items()}
    values = number(made.left, here, places), number(made.right, here, places)
    if values[0] is None or values[1] is None or not differ(float(found.left), float(found.right)):
        return None
    return not differ(values[0], float(found.left)) and not differ(values[1], float(found.right))


# -- the run ----------------------------------------------------------------------------------------------------------


STARTS = range(FIRST_SEED, FIRST_SEED + COUNT, SHARE)


@pytest.mark.parametrize("start", sweep(STARTS, lambda start: start < FIRST_SEED + ALWAYS))
def test_no_verdict_is_wrong_and_few_are_open(start: int) -> None:
    left_open: Counter[str] = Counter()
    unchecked = 0
    for seed in range(start, min(start + SHARE, FIRST_SEED + COUNT)):
        made = equation(seed)
        shown = f"seed {seed}: {made.left} = {made.right}"
        proof = prove_equal(made.left, made.right, seconds=SECONDS)
        if proof.verdict == REFUTED:
            assert not made.is_true, f"refuted, and true: {shown}"
            assert proof.counterexample is not None
            check = confirmed(made, proof.counterexample)
            assert check is not False, f"other numbers come out of {proof.counterexample.text()}: {shown}"
            unchecked += check is None
        elif proof.verdict == PROVED:
            assert made.is_true or not is_false_by_numbers(made), f"proved, and false: {shown}"
        else:
            assert proof.verdict == UNDECIDED
            left_open["true"] += made.is_true
            left_open["false"] += not made.is_true and is_false_by_numbers(made)
    assert all(left_open[kind] <= most for kind, most in MOST_OPEN.items()), left_open
    assert unchecked <= MOST_UNCHECKED


def test_half_of_the_equations_are_true_and_most_of_the_others_false() -> None:
    some = [equation(seed) for seed in range(FIRST_SEED, FIRST_SEED + SHARE)]
    assert sum(made.is_true for made in some) == SHARE // 2
    assert not any(is_false_by_numbers(made) for made in some if made.is_true)
    assert sum(is_false_by_numbers(made) for made in some if not made.is_true) > SHARE // 3
