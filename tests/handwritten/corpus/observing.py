"""What a run of an implementation shows: its values, and everything else it does; and the truth by differences.

Nothing here comes from the engine that is measured: numbers are NumPy's, gradients are central differences.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from handwritten.corpus.case import SIZES, Case, Passes, Values, values_of

STEP = 1e-5


@dataclass
class Observation:
    """One forward and two backward passes over the same values."""

    world: str
    error: BaseException | None = None
    out: Any = None
    grads: dict[str, Any] = field(default_factory=dict)
    again: dict[str, Any] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def differs(self, other: Observation) -> bool:
        """Whether anything a user could see differs."""
        if self.error or other.error:
            return type(self.error) is not type(other.error)
        return (
            self.written != other.written
            or not same(self.out, other.out)
            or any(not same(self.grads[name], other.grads[name]) for name in other.grads)
            or any(not same(self.again[name], other.again[name]) for name in other.again)
        )


def same(left: Any, right: Any) -> bool:
    if np.shape(left) != np.shape(right) or np.asarray(left).dtype != np.asarray(right).dtype:
        return False
    single = np.asarray(left).dtype == np.float32
    return close(left, right, 1e-4 if single else 1e-9)


def close(left: Any, right: Any, tolerance: float = 1e-9) -> bool:
    if np.shape(left) != np.shape(right) or np.asarray(left).dtype == object:
        return False
    size = max(1e-30, float(np.max(np.abs(right), initial=0)))
    return np.allclose(left, right, rtol=tolerance, atol=tolerance * min(size, 1.0), equal_nan=True)


def worlds(case: Case) -> Iterator[tuple[str, Case, Values]]:
    """Yield the values that an implementation is run on: of every variant, of one sample, with ties, large, single."""
    for number, varied in enumerate(case.varied()):
        yield f"variant {number}", varied, values_of(varied, number, SIZES)
    # Sizes are part of what some constructors take; the number of samples is not.
    yield "one sample", case, values_of(case, 50, SIZES | {"N": 1})
    numbers = values_of(case, 51, SIZES)
    first = next(iter(case.values))
    if "ties" in case.worlds:
        yield "ties", case, numbers | {first: np.round(numbers[first])}
    if "large" in case.worlds:
        yield "large", case, numbers | {first: 1000 * numbers[first]}
    yield "float32", case, {name: single(value) for name, value in numbers.items()}


def single(value: Any) -> Any:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def upstream_of(case: Case, out: Any, dtype: Any = np.float64) -> Any:
    if "u" not in case.backward and case.style != "derivative":
        return np.asarray(1.0, dtype)
    shape = np.shape(out)
    if case.style == "derivative" and shape == ():
        return np.asarray(1.0, dtype)
    return np.random.default_rng([case.seed, 999]).normal(size=shape).astype(dtype)[()]


def observe(case: Case, module: ModuleType, world: str, values: Values) -> Observation:
    """Run forward once and backward twice and note what happens."""
    seen = Observation(world)
    with np.errstate(all="ignore"):
        try:
            note(seen, case, module, copy.deepcopy(values))
        except Exception as error:
            seen.error = error
    return seen


def note(seen: Observation, case: Case, module: ModuleType, values: Values) -> None:
    before = copy.deepcopy(values)
    passes = Passes(case, module, values)
    out = passes.forward()
    seen.out = np.array(out)
    upstream = upstream_of(case, out, np.asarray(out).dtype)
    upstream_before, stored = copy.deepcopy(upstream), {at: value.copy() for at, value in passes.stored().items()}
    seen.grads = {name: np.array(value) for name, value in passes.backward(upstream).items()}
    after = passes.stored()
    if not np.array_equal(upstream, upstream_before, equal_nan=True):
        seen.written.add("upstream")
    given = [name for name in values if not np.array_equal(values[name], before[name], equal_nan=True)]
    if given:
        seen.written.add("input")
    if any(not np.array_equal(value, after.get(at), equal_nan=True) for at, value in stored.items()):
        seen.written.add("cache")
    seen.again = {name: np.array(value) for name, value in passes.backward(upstream_before).items()}


def observations(case: Case, module: ModuleType) -> list[Observation]:
    return [observe(varied, module, name, values) for name, varied, values in worlds(case)]


# -- the truth --------------------------------------------------------------------------------------------------------


def differences(case: Case, module: ModuleType, values: Values, upstream: Any, name: str) -> Any:
    """Return the gradient of the upstream gradient times the output, by a central difference for every number."""
    gradient = np.zeros_like(values[name])
    for place in np.ndindex(gradient.shape):
        sides = []
        for step in (STEP, -STEP):
            moved = values | {name: values[name].copy()}
            moved[name][place] += step
            sides.append(float(np.sum(upstream * Passes(case, module, copy.deepcopy(moved)).forward())))
        gradient[place] = (sides[0] - sides[1]) / (2 * STEP)
    return gradient


def true_gradients(case: Case, module: ModuleType, values: Values) -> dict[str, Any]:
    out = Passes(case, module, copy.deepcopy(values)).forward()
    upstream = upstream_of(case, out)
    return {name: differences(case, module, values, upstream, name) for name in case.grads}
