"""What is seen of a subject in one case: its Jacobian, and the gradients that its backward pass gives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import SLACK, Case, Slopes, flat
from codegen.checking.gathering import Gathered, gather, held
from codegen.checking.plans import Plan, plans, upstream_values
from codegen.checking.subjects import Outcome

Array = NDArray[Any]
#: Ways in which a gradient without an upstream gradient may stand for many outputs.
PULLED, MEAN, SUM, DIAGONAL, JACOBIAN = "pulled", "mean", "sum", "diagonal", "jacobian"
#: How exact a gradient has to be, relative to its largest entry.
EXACT, SINGLE_EXACT = 1e-7, 2e-4


@dataclass
class Pass:
    """One run of a backward pass: the gradients, or the exception."""

    gathered: Gathered = field(default_factory=Gathered)
    error: Exception | None = None


@dataclass
class Observation:
    """What was seen in a case.

    Attributes:
        world: what is special about it.
        upstreams: two sets of upstream gradients.
        passes: by the way of calling, a pass for each of the two.
    """

    world: str
    case: Case
    outcome: Outcome
    slopes: dict[str, Slopes]
    upstreams: tuple[list[Any], list[Any]]
    passes: dict[Plan, tuple[Pass, Pass]]

    @property
    def outputs(self) -> list[Array]:
        return self.outcome.outputs

    def upstream(self, which: int = 0) -> Array:
        """Return an upstream gradient of all outputs as one vector."""
        return flat([np.asarray(each) for each in self.upstreams[which]])

    def truth(self, name: str, reduction: str, which: int = 0, takes: int | None = None) -> tuple[Array, Array]:
        """Return the right gradient by a value and a bound of its error, in the value's shape.

        Args:
            takes: how many upstream gradients the pass takes; the other outputs have none.
        """
        slopes, shape = self.slopes[name], np.shape(self.case.values[name])
        matrix, bound = slopes.matrix, slopes.bound
        if reduction == JACOBIAN:
            return matrix, bound
        if reduction == DIAGONAL:
            return np.diagonal(matrix).reshape(shape), np.diagonal(bound).reshape(shape)
        weights = self._weights(reduction, which, takes)
        with np.errstate(invalid="ignore"):
            return (weights @ matrix).reshape(shape), np.nan_to_num(np.abs(weights) @ bound, nan=np.inf).reshape(shape)

    def _weights(self, reduction: str, which: int, takes: int | None) -> Array:
        size = sum(each.size for each in self.outputs)
        if reduction == SUM:
            return np.ones(size)
        if reduction == MEAN:
            return np.full(size, 1 / size)
        weights = self.upstream(which)
        if takes is not None and takes < len(self.outputs):
            weights = weights.copy()
            weights[sum(each.size for each in self.outputs[:takes]) :] = 0
        return weights


def observe(
    world: str, case: Case, seed: int, seconds: float, least: float = 1.0, chosen: Sequence[Plan] = ()
) -> Observation:
    """Run a case; the user's exceptions in its forward pass are raised, those in its backward pass are kept."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        outcome = case.forward()
        names = case.differentiable
        slopes = {name: case.slopes(name, _share(case, name, names, seconds), least) for name in names}
        upstreams = (upstream_values(case, outcome, seed), upstream_values(case, outcome, seed + 1, 1.5))
        ways = list(chosen) or plans(case, outcome)
        passes = {plan: (run_pass(case, plan, upstreams[0]), run_pass(case, plan, upstreams[1])) for plan in ways}
    return Observation(world, case, outcome, slopes, upstreams, passes)


def _share(case: Case, name: str, names: Sequence[str], seconds: float) -> float:
    """The seconds for one value: by its entries, and not too few."""
    sizes = {each: np.size(case.values[each]) for each in names}
    return seconds * max(sizes[name] / max(sum(sizes.values()), 1), 0.1)


def run_pass(case: Case, plan: Plan, upstream: Sequence[Any], outcome: Outcome | None = None) -> Pass:
    """Run forward and then backward; the exceptions of the backward pass are kept."""
    if outcome is None:
        outcome = case.forward()
    before = held(outcome.holder)
    try:
        returned = case.subject.pull(outcome, plan.arguments(case, outcome, copies(upstream)))
        return Pass(gather(case, plan, outcome, before, returned))
    except Exception as error:  # Whatever the user's code raises is what is reported.
        return Pass(error=error)


def copies(upstream: Sequence[Any]) -> list[Any]:
    return [np.array(each) if isinstance(each, np.ndarray) else each for each in upstream]


@dataclass(frozen=True)
class Difference:
    """Where a gradient differs most from the right one."""

    place: tuple[int, ...]
    expected: float
    found: float


def compare(found: Array, truth: Array, bound: Array) -> Difference | None:
    """Return where a gradient differs by more than the bound allows; None where it does not.

    Example:
        >>> compare(np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.zeros(2))
        Difference(place=(1,), expected=3.0, found=2.0)
    """
    scale = float(np.max(np.abs(truth[np.isfinite(bound)]), initial=0.0))
    exact = SINGLE_EXACT if found.dtype.itemsize < 8 else EXACT
    allowed = SLACK * bound + exact * scale + 1e-10
    with np.errstate(invalid="ignore"):
        away = np.abs(found - truth)
        bad = np.isfinite(bound) & ~(away <= allowed)
    if not bad.any():
        return None
    worst = np.where(bad, np.nan_to_num(away / (np.abs(truth) + scale + 1e-12), nan=np.inf), -1.0)
    place = np.unravel_index(int(np.argmax(worst)), worst.shape)
    return Difference(tuple(int(each) for each in place), float(truth[place]), float(found[place]))


def is_known(bound: Array) -> bool:
    """Whether enough of a gradient is known to hold something against it."""
    return bool(np.isfinite(bound).any()) if bound.size else False


def taken(plan: Plan) -> int:
    """How many upstream gradients a way of calling takes."""
    return sum(fill.kind == "upstream" for _, fill in plan.fills)


def reductions(observation: Observation, plan: Plan, found: Mapping[str, Array]) -> list[str]:
    """Return what a gradient may stand for, the likeliest first."""
    if plan.takes_upstream:
        return [PULLED]
    if all(each.size == 1 for each in observation.outputs):
        return [SUM]
    for name, array in found.items():
        matrix = observation.slopes[name].matrix
        if array.size == matrix.size and array.size > max(matrix.shape):
            return [JACOBIAN]
    square = all(m.matrix.shape[0] == m.matrix.shape[1] for n, m in observation.slopes.items() if n in found)
    return [DIAGONAL, MEAN, SUM] if square and not observation.case.layout.labels else [MEAN, SUM]
