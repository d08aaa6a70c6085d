"""Which gradients a backward pass gave: what it returned and what it left in attributes, by what they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import Case
from codegen.checking.plans import Plan, step_rate
from codegen.checking.roles import canonical, gradient_names
from codegen.checking.state import Path, arrays_in, is_tensor, path_text
from codegen.checking.styles import returned_names
from codegen.checking.subjects import Outcome

Array = NDArray[Any]
CONTAINERS = re.compile(r"^(d_?params?|grads?|gradients?|gradient|dparams|derivatives)$", re.I)
INPUT_WORDS = {"x", "y", "values", "inputs", "in", "prev", "a_prev", "out", "a", "z", "loss", "l", "output", "preds"}


@dataclass
class Given:
    """A gradient that a backward pass gave.

    Attributes:
        label: the name that the code has for it.
        value: the array.
        kept: whether it is an attribute, which a second pass may add to.
    """

    label: str
    value: Array
    kept: bool = False


@dataclass
class Gathered:
    """All gradients by the names of what they are gradients of, and the order in which they were returned."""

    gradients: dict[str, Given] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    unknown: int = 0


def gather(
    case: Case, plan: Plan, outcome: Outcome, before: Mapping[Path, tuple[int, Array]], returned: Any
) -> Gathered:
    """Return the gradients that a pass gave.

    Args:
        before: by path, the identity and a copy of every array that the object held before the pass.
        returned: what the pass returned.
    """
    found = Gathered()
    _take_attributes(case, outcome, before, found)
    _take_returned(case, returned, found)
    rate = step_rate(case, plan)
    if rate:
        _take_steps(case, outcome, before, found, rate)
    return found


def held(holder: Any) -> dict[Path, tuple[int, Array]]:
    """Return the identity and a copy of every array that an object holds, by path."""
    return {path: (id(array), np.array(array)) for path, array in arrays_in(holder)} if holder is not None else {}


def _take_attributes(case: Case, outcome: Outcome, before: Mapping[Path, tuple[int, Array]], found: Gathered) -> None:
    if outcome.holder is None:
        return
    for path, array in arrays_in(outcome.holder):
        old = before.get(path)
        if old is not None and old[0] == id(array) and np.array_equal(old[1], array, equal_nan=True):
            continue
        for name in _meant(case, path):
            if name not in found.gradients:
                found.gradients[name] = Given(path_text(path), np.array(array), kept=True)
                break


def _meant(case: Case, path: Path) -> Iterator[str]:
    """What the array at a path may be the gradient of."""
    *outer, last = path
    in_container = any(isinstance(each, str) and CONTAINERS.match(each) for each in outer)
    if outer and str(last).lower() in ("grad", "gradient", "g", "d"):
        yield from (name for name, paths in case.paths.items() if any(each[:-1] == path[:-1] for each in paths))
    words = [str(last), *gradient_names(str(last))] if in_container else gradient_names(str(last))
    for word in words:
        yield from _named(case, word, tuple(outer), in_container)


def _named(case: Case, word: str, outer: Path, in_container: bool) -> Iterator[str]:
    if word in case.arguments and word not in case.layout.differentiable:
        return
    for name, paths in case.paths.items():
        for path in paths:
            alike = canonical(str(path[-1])) == canonical(word)
            if alike and (path[:-1] == outer or (in_container and len(path) == len(outer) + 1)):
                yield name
    for name, paths in case.paths.items():
        if any(canonical(str(path[-1])) == canonical(word) for path in paths):
            yield name
    for name in case.layout.differentiable:
        if canonical(name) == canonical(word):
            yield name
    first = next(iter(case.layout.differentiable), None)
    if first is not None and (canonical(word) in INPUT_WORDS or word.lower() in INPUT_WORDS):
        yield first


def _take_returned(case: Case, returned: Any, found: Gathered) -> None:
    if isinstance(returned, Mapping):
        for key, value in returned.items():
            if _is_array(value):
                word = str(key)
                meant = (name for each in (*gradient_names(word), word) for name in _named(case, each, (), True))
                _assign(next(meant, None), word, value, found)
        return
    parts = list(returned) if isinstance(returned, tuple | list) else [returned]
    if not isinstance(returned, tuple) and not any(_is_array(each) for each in parts):
        return
    labels = returned_names(case.subject.source) if not case.subject.name.startswith("<") else []
    labels = labels[-len(parts) :] if case.subject.backward == [] else labels
    labels = labels if len(labels) == len(parts) else [""] * len(parts)
    names: list[str | None] = _by_labels(case, labels) if len(parts) > 1 else [None]
    if any(name is None for name in names) or len(set(names)) < len(names):
        names = _in_order(case, parts, found, labels)
    for name, label, value in zip(names, labels, parts, strict=True):
        if _is_array(value):
            _assign(name, label or (f"d{name}" if name else ""), value, found)
            found.order.extend([name] if name else [])
            found.unknown += name is None


def _by_labels(case: Case, labels: list[str]) -> list[str | None]:
    return [
        next((name for word in gradient_names(label) for name in _named(case, word, (), False)), None)
        for label in labels
    ]


def _in_order(case: Case, parts: list[Any], found: Gathered, labels: list[str]) -> list[str | None]:
    """By place: the arguments in their order, then the parameters; by shape where that fits better."""
    names = case.differentiable
    if len(parts) == 1:
        named = _by_labels(case, labels)[0]
        inputs = case.layout.differentiable
        return [inputs[0] if inputs else named or next(iter(names), None)]
    everything = [*case.arguments, *case.parameters]
    if len(parts) == len(everything) and len(everything) != len(names):
        return [name if name in names else None for name in everything]
    ordered: list[str | None] = [*names, *[None] * len(parts)][: len(parts)]
    if not case.parameters and len(parts) == len(names):
        return ordered  # Arguments have an order; gradients of them are returned in it.
    fits = all(
        _is_array(p) and n and np.shape(p) == np.shape(case.values[n]) for p, n in zip(parts, ordered, strict=True)
    )
    if fits:
        return ordered
    shapes = [np.shape(case.values[name]) for name in names]
    given = [np.shape(each) if _is_array(each) else () for each in parts]
    if len(set(shapes)) == len(shapes) and sorted(given) == sorted(shapes):
        return [names[shapes.index(each)] for each in given]
    return ordered


def _assign(name: str | None, label: str, value: Any, found: Gathered) -> None:
    if name is not None and name not in found.gradients:
        array = value.detach().numpy() if is_tensor(value) else np.array(value)
        found.gradients[name] = Given(label or f"d{name}", array)


def _take_steps(
    case: Case, outcome: Outcome, before: Mapping[Path, tuple[int, Array]], found: Gathered, rate: float
) -> None:
    """Gradients that were subtracted from the parameters, times a learning rate."""
    now = dict(arrays_in(outcome.holder)) if outcome.holder is not None else {}
    for name, paths in case.paths.items():
        path = paths[0]
        if path in now and path in before and name not in found.gradients:
            step = (before[path][1] - now[path]) / rate
            if step.any():
                found.gradients[name] = Given(f"the step of {name}", step)


def _is_array(value: Any) -> bool:
    if is_tensor(value):
        return True
    return isinstance(value, np.ndarray | np.number | float | int) and not isinstance(value, bool)
