"""Worlds where mistakes hide: one sample, kinks and ties, values that are clipped, large values, soft labels, ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codegen.checking import precisions
from codegen.checking.axes import Diagnosis
from codegen.checking.cases import Layout, make_case
from codegen.checking.evidence import Evidence
from codegen.checking.observing import PULLED, SUM, Observation, compare, observe, run_pass, taken
from codegen.checking.readings import first_line, small_numbers
from codegen.checking.report import Finding
from codegen.checking.roles import is_mode
from codegen.checking.values import BINARY, FIRST, FLAG, GIVEN, IDS, ONE_HOT, PROBABILITIES, REAL, SINGLE, Spec

#: Names of small numbers that keep a logarithm or a quotient from 0.
GUARD = re.compile(r"\b(eps\w*|tiny|epsilon)\b", re.IGNORECASE)

Array = NDArray[Any]


class Examining(Protocol):
    """What this module needs of an examination."""

    subject: Any
    options: Any
    recognised: Any
    softened: bool

    def observe(
        self, world: str, layout: Layout, sizes: Any, seed: int, chosen: Any = (), least: float = 1.0
    ) -> Observation:
        """Return what is seen in a world."""
        ...


def layout_words(layout: Layout, other: Layout) -> str:
    """Return what is special about another layout's labels or inputs, in words."""
    words = {
        IDS: "class numbers as labels",
        ONE_HOT: "one-hot labels",
        BINARY: "labels 0 and 1",
        REAL: "inputs of any sign",
    }
    return next((words[kind] for kind in _changed(layout, other) if kind in words), "other labels")


def is_strict(layout: Layout, other: Layout) -> bool:
    """Whether what is wrong in another layout is a mistake, and not the use of what was not meant."""
    return any(kind in (IDS, ONE_HOT) for kind in _changed(layout, other))


def _changed(layout: Layout, other: Layout) -> list[str]:
    """The kinds of the arrays that are others."""
    return [spec.kind for name, spec in other.forward.items() if spec.axes and spec != layout.forward[name]]


def unexplained(evidence: Sequence[Evidence]) -> Diagnosis:
    """Return what is said where no mistake explains a gradient."""
    count = sum(int(np.sum(~np.isclose(e.found, e.truth))) for e in evidence if e.found.shape == e.truth.shape)
    total = sum(e.truth.size for e in evidence)
    if any(not np.isfinite(each.found).all() for each in evidence):
        return Diagnosis("not-finite", "it is not finite where the derivative is")
    return Diagnosis("value", f"it differs from the derivative of the forward pass in {count} of {total} entries")


class Corners:
    """The special worlds of one target."""

    def __init__(self, examination: Examining, base: Observation, layout: Layout, choice: Any) -> None:
        self.examination, self.base, self.layout, self.choice = examination, base, layout, choice
        self.seed = examination.options.seed

    def findings(self) -> Iterator[Finding]:
        """Yield what is found in each world."""
        far = () if self.examination.softened else (self._edges, self._wide)
        for world in (self._single, self._kinks, *far, self._precisions, self._soft, self._modes):
            try:
                yield from world()
            except Exception:  # The forward pass does not take these values: nothing is said of them.
                continue

    def _wrong(self, seen: Observation) -> Iterator[tuple[str, str, Evidence]]:
        """Yield the gradients that are wrong in a world: names, labels, evidence."""
        passed = seen.passes[self.choice.plan][0]
        for name, given in passed.gathered.gradients.items():
            if name not in seen.slopes:
                continue
            truth, bound = seen.truth(name, self.choice.reduction, 0, taken(self.choice.plan) or None)
            evidence = Evidence(seen, name, given.value, truth, bound, self.choice.reduction)
            if np.isfinite(truth).all() and evidence.is_wrong:
                yield name, given.label, evidence

    def _finding(self, label: str, kind: str, message: str, evidence: Evidence, convention: bool = False) -> Finding:
        formula, line = self.examination.recognised.formula(evidence.name) if self.examination.recognised else ("", "")
        if evidence.found.shape != evidence.truth.shape:
            return Finding(
                label, kind, message, f"shape {evidence.truth.shape}", f"shape {evidence.found.shape}", convention
            )
        at = compare(evidence.found, evidence.truth, evidence.bound)
        expected, found = (f"{at.expected:.6g} at {list(at.place)}", f"{at.found:.6g}") if at else ("", "")
        return Finding(label, kind, message, expected, found, convention, formula, line)

    # -- worlds -------------------------------------------------------------------------------------------------------

    def _single(self) -> Iterator[Finding]:
        """One sample."""
        seen = self.examination.observe("one sample", self.layout, SINGLE, self.seed + 3, (self.choice.plan,))
        error = seen.passes[self.choice.plan][0].error
        if error is not None:
            yield Finding(
                "",
                "crash",
                f"with one sample the backward pass raises {type(error).__name__}: {first_line(str(error))}",
            )
            return
        for _, label, evidence in self._wrong(seen):
            kind = "shape" if evidence.found.shape != evidence.truth.shape else "value"
            yield self._finding(label, kind, "it is wrong where there is one sample", evidence)

    def _kinks(self) -> Iterator[Finding]:
        """Whole numbers, many of them equal and many 0: kinks and ties."""
        case = make_case(self.examination.subject, self.layout, FIRST, self.seed + 61)
        names = [name for name in self.layout.differentiable if self.layout.forward[name].kind == REAL]
        generator = np.random.default_rng(self.seed + 67)
        for name in names:
            case.arguments[name] = generator.integers(-1, 2, np.shape(case.arguments[name])).astype(float)
        outcome = case.forward()
        upstream = self._upstream(outcome.outputs)
        passed = run_pass(case, self.choice.plan, upstream)
        if passed.error is not None or self.choice.reduction not in (PULLED, SUM):
            return
        weights = np.concatenate([np.asarray(each, dtype=float).reshape(-1) for each in upstream])
        if not self.choice.plan.takes_upstream:
            weights = np.ones_like(weights)
        yield from self._at_kinks(case, passed.gathered, names, weights)

    def _at_kinks(self, case: Any, gathered: Any, names: list[str], weights: Array) -> Iterator[Finding]:
        for name in names:
            given = gathered.gradients.get(name)
            value = np.asarray(case.values[name])
            if given is None or given.value.shape != value.shape:
                continue
            kinks = []
            for entry in range(value.size):
                left, right = case.one_sided(name, entry, weights)
                if abs(left - right) > 1e-3 * max(1.0, abs(left), abs(right)):
                    kinks.append((entry, left, right))
            if not kinks:
                continue
            smooth = (value**3 + 0.7 * value) * 0.6 + value * (value > 0) * 0.3
            slope, bound = case.along({name: smooth}, weights)
            own = float((given.value * smooth).sum())
            outside = [each for each in kinks if not _between(float(given.value.flat[each[0]]), each[1], each[2])]
            if abs(own - slope) > 50 * bound + 1e-6 * max(1.0, abs(slope)) or outside:
                at = outside[0] if outside else kinks[0]
                where = list(map(int, np.unravel_index(at[0], value.shape)))
                is_tie = not outside or bool(value.flat[at[0]] != 0)
                kind = "tie" if is_tie and len(kinks) > 1 and not self._is_local(case, name) else "kink"
                message = (
                    "where several values are the largest, their parts of the gradient do not add up to the whole"
                    if kind == "tie"
                    else "at a kink it lies between neither side's derivative"
                )
                sides = f"between {at[1]:.6g} and {at[2]:.6g} at {where}", f"{given.value.flat[at[0]]:.6g}"
                yield Finding(given.label, kind, message, *(sides if outside else ("", "")))
            else:
                yield from self._side(given, name, case, kinks)

    def _is_local(self, case: Any, name: str) -> bool:
        """Whether each output depends on one entry alone."""
        matrix = self.base.slopes[name].matrix
        return matrix.shape[0] == matrix.shape[1] and np.allclose(matrix, np.diag(np.diagonal(matrix)), atol=1e-8)

    def _side(self, given: Any, name: str, case: Any, kinks: list[tuple[int, float, float]]) -> Iterator[Finding]:
        """Which side's derivative is taken at a kink, where the catalogue has another one."""
        recognised = self.examination.recognised
        if (
            recognised is None
            or not recognised.matched
            or not self._is_local(case, name)
            or not self.choice.plan.takes_upstream
        ):
            return
        outcome = case.forward()
        upstream = self._upstream(outcome.outputs)
        seen = Observation("kinks", case, outcome, {}, (upstream, upstream), {})
        derived = recognised.match.gradient(seen, name)
        if derived is None:
            return
        for entry, left, right in kinks:
            own, other = float(given.value.flat[entry]), float(derived.flat[entry])
            if abs(own - other) > 1e-6 * max(1.0, abs(left), abs(right)):
                value = float(np.asarray(case.values[name]).flat[entry])
                side = "right" if abs(own - right) < abs(own - left) else "left"
                told = f"at {value:g} it takes the derivative of the {side} side"
                message = f"{told}; {recognised.name} of the catalogue takes another"
                yield Finding(given.label, "kink", message, f"{other:.6g}", f"{own:.6g}", convention=True)
                return

    def _upstream(self, outputs: list[Array]) -> list[Any]:
        generator = np.random.default_rng(self.seed + 71)
        drawn = [generator.uniform(0.4, 1.8, each.shape) for each in outputs]
        return [float(each) if each.ndim == 0 else each for each in drawn]

    def _edges(self) -> Iterator[Finding]:
        """Probabilities that are nearly 0: what is clipped there."""
        names = [name for name in self.layout.differentiable if self.layout.forward[name].kind == PROBABILITIES]
        if not names:
            return
        case = make_case(self.examination.subject, self.layout, FIRST, self.seed + 73)
        for name in names:
            value = case.arguments[name]
            count = value.size // 2
            value.flat[:count] = 1e-9 * (1 + np.arange(count) % 3)
        seen = observe("probabilities near 0", case, self.seed + 79, 0.5, 0.0, (self.choice.plan,))
        for _, label, evidence in self._wrong(seen):
            same = evidence.found.shape == evidence.truth.shape
            at = compare(evidence.found, evidence.truth, evidence.bound) if same else None
            message = "where a probability is nearly 0 the backward pass is cut off, and the forward pass is not"
            if at is not None and abs(at.expected) < 1e-9:
                message = (
                    "where a probability is nearly 0 the forward pass is cut off, so that the derivative is 0 there, "
                    "and the gradient is not: multiply it by a mask of what lies within the limits"
                )
            found = self._finding(label, "clip", message, evidence)
            yield replace(found, formula="", line="")

    def _wide(self) -> Iterator[Finding]:
        """Values up to 12 and beyond: what is cut off or has another branch there."""
        names = [name for name in self.layout.differentiable if self.layout.forward[name].kind == REAL]
        case = make_case(self.examination.subject, self.layout, FIRST, self.seed + 83)
        for name in names:
            case.arguments[name] = case.arguments[name] * 7.3
        seen = observe("wide values", case, self.seed + 89, 0.4, 1.0, (self.choice.plan,))
        for name, label, evidence in self._wrong(seen):
            if self._is_kept_off(name, evidence):
                continue
            same = evidence.found.shape == evidence.truth.shape
            at = compare(evidence.found, evidence.truth, evidence.bound) if same else None
            clipped = at is not None and abs(at.expected) < 1e-9
            kind = "clip" if clipped else "value" if np.isfinite(evidence.found).all() else "not-finite"
            told = "the forward pass is cut off for values of this size, and the gradient is not 0 there"
            yield self._finding(label, kind, told if clipped else "it is wrong for values far from 0", evidence)

    def _is_kept_off(self, name: str, evidence: Evidence) -> bool:
        """Whether a gradient is the operation's where the forward pass keeps a logarithm or a quotient from 0."""
        source = self.examination.subject.forward_source
        return bool(small_numbers(source) or GUARD.search(source)) and self._is_derived(name, evidence)

    def _is_derived(self, name: str, evidence: Evidence) -> bool:
        """Whether a gradient is the derived one of the operation that the forward pass computes where it is not cut."""
        recognised = self.examination.recognised
        if recognised is None or not recognised.matched:
            return False
        derived = recognised.match.gradient(evidence.observation, name, evidence.reduction == PULLED)
        return derived is not None and derived.shape == evidence.found.shape and np.allclose(derived, evidence.found)

    def _precisions(self) -> Iterator[Finding]:
        """Single precision, and values in the hundreds."""
        case = self.base.case
        if all(spec.kind != GIVEN for spec in self.layout.forward.values()):
            yield from precisions.single(case, self.choice.plan, self.base.upstreams[0])
        recognised = self.examination.recognised
        formula = recognised.formula if recognised is not None else lambda name: ("", "")
        yield from precisions.large(case, self.choice.plan, self.seed + 97, formula)

    def _modes(self) -> Iterator[Finding]:
        """The other mode, where there is one: evaluation for training."""
        case = make_case(self.examination.subject, self.layout, FIRST, self.seed + 109)
        held = getattr(case.thing, "__dict__", {})
        flags = [name for name, value in held.items() if isinstance(value, bool) and is_mode(name)]
        own = self.examination.subject.forward
        passed = {each.name: True for each in own if self.layout.forward.get(each.name, Spec(REAL)).kind == FLAG}
        passed |= {each.name: each.default for each in own if is_mode(each.name) and isinstance(each.default, bool)}
        if not flags and not passed:
            return
        for name in flags:
            setattr(case.thing, name, not getattr(case.thing, name))
        case.arguments |= {name: not value for name, value in passed.items()}
        case.forward()
        seen = observe("the other mode", case, self.seed + 113, 0.4, 1.0, (self.choice.plan,))
        for _, label, evidence in self._wrong(seen):
            told = ", ".join(f"{name}={getattr(case.thing, name)}" for name in flags) or ", ".join(
                f"{name}={not value}" for name, value in passed.items()
            )
            yield self._finding(label, "value", f"it is wrong with {told}", evidence)

    def _soft(self) -> Iterator[Finding]:
        """Soft labels in the place of one-hot ones, and ids of which none is repeated in the place of any."""
        names = [name for name, spec in self.layout.forward.items() if spec.kind in (ONE_HOT, BINARY) and spec.axes]
        if not names:
            return
        case = make_case(self.examination.subject, self.layout, FIRST, self.seed + 101)
        generator = np.random.default_rng(self.seed + 103)
        for name in names:
            drawn = generator.uniform(0.05, 0.95, np.shape(case.arguments[name]))
            axis = self.layout.forward[name].axes.index("K") if "K" in self.layout.forward[name].axes else -1
            if self.layout.forward[name].kind == ONE_HOT:
                drawn = drawn / drawn.sum(axis=axis, keepdims=True)
            case.arguments[name] = drawn
        seen = observe("soft labels", case, self.seed + 107, 0.4, 1.0, (self.choice.plan,))
        for _, label, evidence in self._wrong(seen):
            yield self._finding(
                label, "value", "it is right for labels 0 and 1, and not for soft labels", evidence, convention=True
            )


def _between(value: float, left: float, right: float) -> bool:
    slack = 1e-5 * max(1.0, abs(left), abs(right))
    return min(left, right) - slack <= value <= max(left, right) + slack
