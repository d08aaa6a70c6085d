"""Which operation of the catalogue a forward pass computes: found from its values, by the generated code."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import derive
from codegen.checking.hints import hinted, is_hinted
from codegen.checking.observing import Observation
from codegen.checking.readings import small_numbers
from codegen.checking.report import Finding
from codegen.runtime import backward, forward, vjp
from codegen.whole_numbers import default_numbers
from derive.catalogue import catalogue, find, records
from derive.errors import DeriveError
from derive.indices import Tensor
from derive.operation import Operation

Array = NDArray[Any]
#: How alike outputs have to be to be the same, and how alike to be nearly the same.
SAME, NEARLY = 1e-9, 0.05
#: More inputs than this are tried in the order of the subject's values alone.
MOST_INPUTS = 5
#: The largest number that is a guard, and how much more than it outputs may differ for it.
LARGEST_GUARD, GUARD = 1e-6, 100.0
#: Settings below this guard a quotient or a root, and may show in no output.
LARGEST_SMALL = 0.01
#: How many ways in which a subject may be nearly an operation are kept.
MOST_NEAR = 12
#: Small numbers that code adds below a line or under a root.
SMALL = (1e-5, 1e-8, 1e-6, 1e-7, 1e-12, 1e-3, 0.0)


@dataclass
class Match:
    """How an operation's inputs are a subject's values.

    Attributes:
        names: by input, the subject's name of it.
        turned: the inputs that are matrices which the subject has transposed.
        numbers: its settings and whole numbers.
        mean: whether the operation is the mean of what the subject returns.
    """

    operation: Operation
    names: Mapping[str, str]
    turned: frozenset[str] = frozenset()
    numbers: Mapping[str, float] = field(default_factory=dict)
    mean: bool = False

    def arrays(self, seen: Observation) -> list[Array]:
        """Return the operation's inputs in a world."""
        found = []
        for tensor in self.operation.inputs:
            if tensor.name not in self.names:
                continue
            array = np.asarray(seen.case.values[self.names[tensor.name]])
            array = array.T if tensor.name in self.turned else array
            found.append(fitted(array, self.operation, tensor))
        return found

    def output(self, seen: Observation) -> Array:
        """Return what the operation computes there."""
        with np.errstate(all="ignore"):
            return np.asarray(forward(self.operation)(*self.arrays(seen), **self.numbers))

    def difference(self, seen: Observation) -> float:
        """Return how far the subject's output is from the operation's, relative to that."""
        theirs = np.asarray(seen.outputs[0], dtype=float)
        ours = self.output(seen)
        theirs = np.asarray(theirs.mean()) if self.mean else theirs
        if ours.size != theirs.size or (ours.size > 1 and _squeezed(ours) != _squeezed(theirs)):
            return np.inf
        scale = float(np.abs(ours).max(initial=0.0))
        away = float(np.abs(ours.reshape(-1) - theirs.reshape(-1)).max(initial=0.0))
        return away / scale if scale else np.inf

    def input_of(self, name: str) -> str | None:
        """Return the operation's name of a value of the subject's."""
        return next((own for own, theirs in self.names.items() if theirs == name), None)

    def gradient(self, seen: Observation, name: str, pulled: bool = True) -> Array | None:
        """Return the derived gradient by a value of the subject's, in its shape; None where there is none."""
        wrt = self.input_of(name)
        if wrt is None or len(seen.outputs) != 1:
            return None
        try:
            output, pull = vjp(self.operation, *self.arrays(seen), **self.numbers)
            given = np.asarray(seen.upstreams[0][0]) if pulled else np.ones(np.shape(output))
            upstream = 1.0 if self.mean else given.reshape(np.shape(output))
            found = dict(zip(pull.wrt, pull(upstream), strict=True)).get(wrt)
        except (DeriveError, ValueError):
            return None
        if found is None:
            return None
        shape = np.shape(seen.case.values[name])
        turned = np.asarray(found).T if wrt in self.turned else np.asarray(found)
        return turned.reshape(shape) if turned.size == np.prod(shape) else None


@dataclass
class Recognised:
    """What a subject computes, exactly or nearly.

    Attributes:
        near: what it may be meant to be, the nearest first; where it is not matched exactly.
    """

    match: Match
    matched: bool
    findings: list[Finding] = field(default_factory=list)
    near: list[Match] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.match.operation.name

    def input_of(self, name: str) -> str | None:
        """Return the operation's name of a value of the subject's."""
        return next((own for own, theirs in self.match.names.items() if theirs == name), None)

    def formula(self, name: str) -> tuple[str, str]:
        """Return the derived gradient by a value, and the generated lines that compute it."""
        wrt = self.input_of(name)
        if wrt is None or wrt not in {tensor.name for tensor in self.match.operation.differentiable}:
            return "", ""
        try:
            text = derive.vjp(self.match.operation, wrt).text(steps=False)
            source = backward(self.match.operation, wrt=[wrt]).source
        except DeriveError:
            return "", ""
        body = textwrap.dedent(source.split('"""')[-1].strip("\n"))
        return " ".join(text.split()), body.strip()

    @property
    def nearest(self) -> list[Match]:
        """What it may be meant to be, the nearest match of each operation."""
        first: dict[str, Match] = {}
        for match in self.near:
            first.setdefault(match.operation.name, match)
        return list(first.values())

    def gradient_of(self, name: str, seen: Sequence[tuple[Observation, Array, bool]]) -> str:
        """Return what it may be meant to be, with some numbers, that has these gradients by a value; "" if nothing.

        Args:
            seen: the worlds, the gradients in them, and whether an upstream gradient is passed there.
        """

        def agrees(match: Match) -> bool:
            for world, found, pulled in seen:
                derived = match.gradient(world, name, pulled)
                if derived is None or derived.shape != found.shape or not np.allclose(derived, found, rtol=1e-6):
                    return False
            return True

        return next((match.operation.name for match in self.near or [self.match] if agrees(match)), "")

    def is_scaled(self, worlds: Sequence[Observation]) -> bool:
        """Whether the outputs are the operation's but for a factor and a shift, or cannot be held beside them."""
        if self.match.mean:
            return True
        ours = np.concatenate([self.match.output(seen).reshape(-1) for seen in worlds])
        theirs = np.concatenate([np.asarray(seen.outputs[0], dtype=float).reshape(-1) for seen in worlds])
        if ours.shape != theirs.shape or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            return True
        columns = np.stack([ours, np.ones_like(ours)], axis=1)
        rest = theirs - columns @ np.linalg.lstsq(columns, theirs, rcond=None)[0]
        return len(ours) < 3 or bool(np.abs(rest).max() <= 1e-8 * max(np.abs(theirs).max(), 1e-12))


def recognise(worlds: Sequence[Observation], wanted: str | None, name: str) -> Recognised | None:
    """Return the operation that a subject computes in all worlds; one that is nearly it where its name says so.

    Args:
        wanted: the name of an operation that it is said to be, or a network's text.

    Raises:
        InputError: there is no operation of that name.
    """
    meant = find(wanted) if wanted else None
    hints = [meant.name] if meant else hinted(name)
    if len(worlds[0].outputs) != 1:
        return None
    near: list[tuple[float, Match]] = []
    candidates = _candidates(worlds[0], hints, wanted is not None)
    for operation in candidates if meant is None or meant.name in records() else [meant]:
        is_meant = operation.name == hints[0] if wanted else is_hinted(operation.name, hints)
        for match in matches(operation, worlds[0]):
            try:
                away = match.difference(worlds[0])
                if away <= SAME and _is_in_all(match, worlds[1:]) and (is_meant or _shows_its_settings(match, worlds)):
                    return Recognised(match, True)
            except (DeriveError, ValueError, ArithmeticError, TypeError):
                continue
            if np.isfinite(away) and is_meant:
                near.append((away, match))
    ordered = [match for _, match in sorted(near, key=lambda each: each[0])][:MOST_NEAR]
    return _nearly(worlds, ordered, wanted)


def fitting(recognised: Recognised | None, worlds: Sequence[Observation]) -> Recognised | None:
    """Return a recognised operation with the numbers that it has in other worlds; None where it is not that there."""
    if recognised is None or not recognised.matched:
        return None
    if _is_in_all(recognised.match, worlds):
        return recognised
    others = (match for match in matches(recognised.match.operation, worlds[0]) if _is_in_all(match, worlds))
    match = next(others, None)
    return Recognised(match, True) if match is not None else None


def _is_in_all(match: Match, worlds: Sequence[Observation]) -> bool:
    try:
        return all(match.difference(seen) <= SAME for seen in worlds)
    except (DeriveError, ValueError, ArithmeticError, TypeError):
        return False


def _shows_its_settings(match: Match, worlds: Sequence[Observation]) -> bool:
    """Whether the worlds tell a setting from another: half a squared error is Huber's loss as far as its threshold."""
    for tensor in match.operation.settings:
        number = match.numbers.get(tensor.name, 0.0)
        changed = replace(match, numbers={**match.numbers, tensor.name: 1.5 * number})
        if number >= LARGEST_SMALL and _is_in_all(changed, worlds):
            return False
    return True


def _nearly(worlds: Sequence[Observation], near: list[Match], wanted: str | None) -> Recognised | None:
    if not near:
        return None
    match = near[0]
    away = [match.difference(seen) for seen in worlds]
    if max(away) <= GUARD * max(_guards(worlds[0]), default=0.0):
        return Recognised(match, True)
    recognised = Recognised(match, False, near=near)
    small = max([0.0, *(20 * number for number in match.numbers.values() if 0 < number < LARGEST_SMALL)])
    is_close = max(away) < NEARLY and min(away) > max(1e-6, small)
    if is_close or wanted:
        what = "nearly" if is_close else "another function than"
        told = f"the forward pass computes {what} {match.operation.name}: outputs differ by up to {max(away):.2g}"
        definition = match.operation.record.definition
        text = f"{told} of the largest; its definition is {' '.join(definition.split())}"
        theirs, ours = _example(worlds[0], match)
        recognised.findings.append(Finding("", "forward-differs", text, ours, theirs))
    elif swapped := _swapped(worlds, match):
        recognised.findings.append(Finding("", "forward-differs", swapped))
    return recognised


def _guards(seen: Observation) -> list[float]:
    """Numbers of the forward pass's that keep logarithms and quotients from what they are not defined for."""
    subject = seen.case.subject
    numbers = (*small_numbers(subject.forward_source), *subject.settings(seen.case.thing).values())
    return [number for number in numbers if 0 < number <= LARGEST_GUARD]


def _example(seen: Observation, match: Match) -> tuple[str, str]:
    theirs, ours = np.asarray(seen.outputs[0]).reshape(-1), match.output(seen).reshape(-1)
    if ours.size != theirs.size:
        return f"{theirs.size} numbers", f"{ours.size} numbers"
    place = int(np.argmax(np.abs(ours - theirs)))
    return f"{theirs[place]:.6g}", f"{ours[place]:.6g}"


def _swapped(worlds: Sequence[Observation], match: Match) -> str | None:
    """Whether a loss is divided by the size of another axis."""
    if not match.operation.is_loss:
        return None
    for first, second in itertools.permutations(range(max(a.ndim for a in match.arrays(worlds[0]))), 2):
        ratios = []
        for seen in worlds:
            shape = max((a.shape for a in match.arrays(seen)), key=len)
            theirs = float(np.asarray(seen.outputs[0]).mean())
            ratios.append(theirs / float(match.output(seen)) * shape[second] / shape[first])
        if np.allclose(ratios, 1.0, rtol=1e-8):
            known = f"where {match.operation.name} divides by that of axis {first}"
            return f"the loss is divided by the size of axis {second}, {known}"
    return None


def _candidates(seen: Observation, hints: Sequence[str], only: bool) -> Iterator[Operation]:
    count = sum(isinstance(value, np.ndarray) for value in seen.case.values.values())
    names = list(records())
    if hints:
        first = [name for name in names if is_hinted(name, hints)]
        names = first if only else [*first, *(name for name in names if name not in first)]
    for name in names:
        operation = catalogue()[name]
        needed = len(operation.inputs) - len(operation.settings)
        if needed <= min(count, MOST_INPUTS) and len(operation.outputs) == 1 and count - needed <= 1:
            yield operation


def matches(operation: Operation, seen: Observation) -> Iterator[Match]:
    """Yield the ways in which an operation's inputs may be a subject's values, by their shapes."""
    arrays = {name: value for name, value in seen.case.values.items() if isinstance(value, np.ndarray)}
    inputs = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    output = np.asarray(seen.outputs[0])
    rank = operation.outputs[0].tensor.rank
    is_mean = operation.is_loss and output.size > 1
    if (
        not operation.is_elementwise
        and not operation.is_loss
        and operation.leading is None
        and len(_squeezed(output)) > rank
    ):
        return
    orders = itertools.permutations if len(inputs) <= MOST_INPUTS else itertools.combinations
    for chosen in orders(arrays, len(inputs)):
        for turned in _turnings([arrays[name] for name in chosen], inputs, operation):
            if _fit([arrays[name] for name in chosen], inputs, turned, operation):
                names = dict(zip((tensor.name for tensor in inputs), chosen, strict=True))
                for numbers in _settings(operation, seen):
                    yield Match(operation, names, turned, numbers, is_mean)


def _turnings(arrays: list[Array], inputs: Sequence[Tensor], operation: Operation) -> Iterator[frozenset[str]]:
    """Which matrices may be transposed: none, and each one alone."""
    yield frozenset()
    if not operation.is_elementwise and len(inputs) > 1:
        for array, tensor in zip(arrays, inputs, strict=True):
            if array.ndim == 2 and tensor.rank == 2 and tensor.name in operation.record.learned:
                yield frozenset({tensor.name})


def _fit(arrays: list[Array], inputs: Sequence[Tensor], turned: frozenset[str], operation: Operation) -> bool:
    """Whether the shapes fit the sizes."""
    if operation.is_elementwise:
        return all((array.dtype.kind == "f") for array in arrays)
    known: dict[Any, Any] = {}
    for array, tensor in zip(arrays, inputs, strict=True):
        if (array.dtype.kind in "iu") != (tensor.values is not None):
            return False
        shape = fitted(array.T if tensor.name in turned else array, operation, tensor).shape
        sizes: list[Any] = list(tensor.sizes)
        extents: list[Any] = list(shape)
        if operation.leads(tensor):
            if len(shape) < tensor.rank - 1:
                return False
            lead = shape[: len(shape) - tensor.rank + 1]
            sizes, extents = sizes[1:], extents[len(lead) :]
            if known.setdefault("leading", lead) != lead:
                return False
        if len(sizes) != len(extents):
            return False
        for size, extent in zip(sizes, extents, strict=True):
            if known.setdefault(size, extent) != extent:
                return False
    return True


def fitted(array: Array, operation: Operation, tensor: Tensor) -> Array:
    """Return an array without axes of size 1 that the operation has not."""
    if operation.is_elementwise or operation.leads(tensor) or array.ndim <= tensor.rank:
        return array
    ones = [axis for axis, size in enumerate(array.shape) if size == 1][: array.ndim - tensor.rank]
    return array.reshape([size for axis, size in enumerate(array.shape) if axis not in ones])


def _squeezed(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def _settings(operation: Operation, seen: Observation) -> Iterator[dict[str, float]]:
    """Values of settings and whole numbers to try: those that the subject holds, and usual ones."""
    case = seen.case
    passed = {k: v for k, v in case.arguments.items() if isinstance(v, float | int) and not isinstance(v, bool)}
    held = list(dict.fromkeys([*case.subject.settings(case.thing).values(), *passed.values()]))
    defaults = default_numbers(operation)
    choices: list[list[tuple[str, float]]] = []
    for symbol in operation.parameters:
        whole = [int(number) for number in held if number == int(number) and 0 <= number < 8] if held else []
        counts = dict.fromkeys([int(defaults.get(symbol.name, 1)), *whole, 1, 2, 0])
        choices.append([(symbol.name, count) for count in counts])
    for tensor in operation.settings:
        default = defaults[tensor.name]
        usual = SMALL if 0 < default < LARGEST_SMALL else (1.0,)
        options = dict.fromkeys([*held, default, *usual])
        choices.append([(tensor.name, number) for number in options])
    for chosen in itertools.islice(itertools.product(*choices), 200):
        yield dict(chosen)
