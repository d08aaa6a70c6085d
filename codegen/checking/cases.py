"""One case: a subject with values for all that it takes; and how the forward pass changes with each of them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.state import Path, arrays_in, duplicate, path_text, put
from codegen.checking.subjects import Outcome, Subject
from codegen.checking.values import Spec, real_values

Array = NDArray[Any]
#: The step of a difference quotient, relative to a value's size where that is above 1.
STEP = 2.0**-10
#: How much more than the bound a difference has to be before it counts.
SLACK = 8.0


@dataclass(frozen=True)
class Layout:
    """What each argument is: of the constructor and of the forward pass.

    Attributes:
        fixed: the paths of arrays that the forward pass does not depend on, which are left as they are.
    """

    constructor: Mapping[str, Spec]
    forward: Mapping[str, Spec]
    fixed: frozenset[Path] = frozenset()

    @property
    def differentiable(self) -> list[str]:
        return [name for name, spec in self.forward.items() if spec.is_differentiable]

    @property
    def labels(self) -> list[str]:
        return [name for name, spec in self.forward.items() if spec.axes and not spec.is_differentiable]

    def with_spec(self, name: str, spec: Spec) -> Layout:
        """Return the layout with one argument of the forward pass changed."""
        return replace(self, forward={**self.forward, name: spec})


@dataclass
class Slopes:
    """The Jacobian by one value: a row for each entry of the outputs, a column for each entry of the value.

    Attributes:
        matrix: the derivatives.
        bound: how far they may be from the exact ones.
        known: which columns were computed.
    """

    matrix: Array
    bound: Array
    known: NDArray[np.bool_]


@dataclass
class Case:
    """A subject, a layout and drawn values."""

    subject: Subject
    layout: Layout
    thing: Any
    arguments: dict[str, Any]
    parameters: dict[str, Array] = field(default_factory=dict)
    paths: dict[str, list[Path]] = field(default_factory=dict)

    def forward(self, changed: Mapping[str, Any] | None = None) -> Outcome:
        """Run the forward pass from the beginning, with some values changed."""
        changed = changed or {}
        thing = self.fresh(changed)
        self.subject.replay.start()
        return self.subject.run(thing, self.passed(changed))

    def fresh(self, changed: Mapping[str, Any] | None = None) -> Any:
        """Return a copy of the object with some parameters changed."""
        thing = duplicate(self.thing)
        for name, value in (changed or {}).items():
            own = np.array(value)
            for path in self.paths.get(name, ()):
                put(thing, path, own)
        return thing

    def passed(self, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the arguments to pass: copies, so that nothing that code does to them is kept."""
        values = {**self.arguments, **{k: v for k, v in (changed or {}).items() if k in self.arguments}}
        return {name: as_passed(value) for name, value in values.items()}

    @property
    def values(self) -> dict[str, Any]:
        """All arrays by name: the arguments' and the parameters'."""
        return {**self.arguments, **self.parameters}

    @property
    def differentiable(self) -> list[str]:
        return [*self.layout.differentiable, *self.parameters]

    def output(self, changed: Mapping[str, Any] | None = None) -> Array:
        """Return all outputs as one vector."""
        return flat(self.forward(changed).outputs)

    def slopes(self, name: str, seconds: float, least: float = 1.0) -> Slopes:
        """Return the Jacobian by one value, by central differences with two steps.

        The difference of the two, and what rounding does to them, bound the error. Where the time does not suffice,
        only some entries are computed.
        """
        value = np.asarray(self.values[name], dtype=float)
        base = self.output()
        count, size = value.size, base.size
        found = Slopes(np.zeros((size, count)), np.full((size, count), np.inf), np.zeros(count, dtype=bool))
        stop = time.monotonic() + seconds
        order = np.random.default_rng(count).permutation(count)
        for entry in order:
            if time.monotonic() > stop:
                break
            found.known[entry] = True
            step = STEP * max(abs(value.flat[entry]), least)
            wide, narrow = (self._quotient(name, value, entry, width, base.size) for width in (step, step / 2))
            finest = (4 * narrow - wide) / 3
            rounding = 4 * np.finfo(float).eps * np.maximum(np.abs(base), 1) / step
            found.matrix[:, entry] = finest
            found.bound[:, entry] = np.abs(narrow - wide) + rounding
        return found

    def _quotient(self, name: str, value: Array, entry: int, step: float, size: int) -> Array:
        above, below = (self.output({name: moved(value, entry, way)}) for way in (step, -step))
        if above.size != size or below.size != size:
            return np.full(size, np.nan)
        return (above - below) / (2 * step)

    def one_sided(self, name: str, entry: int, upstream: Array) -> tuple[float, float]:
        """Return the derivatives of the outputs' contraction with an upstream gradient to the left and the right."""
        value = np.asarray(self.values[name], dtype=float)
        step = STEP / 64
        here, above, below = (
            self.output(None if not way else {name: moved(value, entry, way)}) for way in (0.0, step, -step)
        )
        return float(upstream @ (here - below)) / step, float(upstream @ (above - here)) / step

    def along(self, directions: Mapping[str, Array], upstream: Array) -> tuple[float, float]:
        """Return the derivative of the outputs' contraction along a direction, and a bound of its error.

        Where there is a kink along the direction the derivatives of its two sides differ, and the bound is as large.
        """
        ends, sides = [], []
        here = self.output()
        for step in (STEP, STEP / 2):
            above, below = (
                self.output({name: np.asarray(self.values[name]) + way * d for name, d in directions.items()})
                for way in (step, -step)
            )
            ends.append(float(upstream @ (above - below)) / (2 * step))
            sides.append(float(upstream @ (above - 2 * here + below)) / step)
        bend = abs(2 * sides[1] - sides[0])
        return (4 * ends[1] - ends[0]) / 3, abs(ends[1] - ends[0]) + bend + 1e-9


def moved(value: Array, entry: int, step: float) -> Array:
    """Return a copy with one entry moved."""
    copy = np.array(value, dtype=float)
    copy.flat[entry] += step
    return copy


def flat(arrays: list[Array]) -> Array:
    """Return arrays as one vector of float64."""
    return np.concatenate([np.asarray(each, dtype=float).reshape(-1) for each in arrays]) if arrays else np.zeros(0)


def as_passed(value: Any) -> Any:
    """Return what is passed for a value: a copy of an array, a float for a single number."""
    if not isinstance(value, np.ndarray):
        return duplicate(value)
    return float(value) if value.ndim == 0 and value.dtype.kind == "f" else value.copy()


def make_case(
    subject: Subject, layout: Layout, sizes: Mapping[str, int], seed: int, keep: Mapping[str, Any] | None = None
) -> Case:
    """Return a case with values drawn for a layout; raises what the user's code raises.

    Args:
        keep: values by name that are not drawn.
    """
    generator = np.random.default_rng(seed)
    settings = {name: spec.draw(sizes, generator) for name, spec in layout.constructor.items()}
    arguments = {name: spec.draw(sizes, generator) for name, spec in layout.forward.items()}
    arguments |= {name: value for name, value in (keep or {}).items() if name in arguments}
    case = Case(subject, layout, subject.make(settings), arguments)
    if re.search(r"\bis None\b|\bhasattr\(|\bif not self\.", subject.forward_source):
        _begin(case)
    _randomise(case, generator)
    return case


def _begin(case: Case) -> None:
    """Run the forward pass first where it makes parameters that a second run leaves as they are."""
    thing = duplicate(case.thing)
    before = {path for path, _ in arrays_in(thing)}
    for _ in range(2):
        passed = case.passed()
        case.subject.replay.start()
        held = {path: array for path, array in arrays_in(thing) if path not in before}
        case.subject.run(thing, passed)
    kept = {path for path, array in arrays_in(thing) if held.get(path) is array and array.dtype.kind == "f"}
    if kept:
        case.thing = thing


def _randomise(case: Case, generator: np.random.Generator) -> None:
    """Give every parameter values off its default, of the sign that it has."""
    groups: dict[int, tuple[list[Path], Array]] = {}
    for path, array in case.subject.parameters(case.thing).items():
        if path in case.layout.fixed:
            continue
        groups.setdefault(id(array), ([], array))[0].append(path)
    for paths, array in groups.values():
        name = path_text(paths[0])
        name = f"self.{name}" if name in case.arguments else name
        if array.size and array.min() > 0:
            value = generator.uniform(0.6, 1.7, array.shape)
        else:
            value = real_values(array.shape, generator) * (0.6 if array.ndim > 1 else 1.0)
        case.paths[name], case.parameters[name] = paths, value
        own = value.copy()
        for path in paths:
            put(case.thing, path, own)
