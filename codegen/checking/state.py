"""The arrays that an object holds, by path; copies of objects; random numbers that are drawn again."""

from __future__ import annotations

import copy
import random
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Path = tuple[str | int, ...]
#: How deep objects inside of objects are looked into.
DEEPEST = 3
#: The seed of what the code itself draws.
SEED = 20240229


def arrays_in(thing: Any, depth: int = 0) -> Iterator[tuple[Path, Array]]:
    """Yield the arrays that an object, a dictionary or a sequence holds, with their paths.

    Example:
        >>> [(path, array.size) for path, array in arrays_in({"w": np.zeros(2), "more": [np.zeros(3), "text"]})]
        [(('w',), 2), (('more', 0), 3)]
    """
    if depth > DEEPEST:
        return
    for key, value in _members(thing):
        if isinstance(value, np.ndarray | np.floating):
            yield (key,), np.asarray(value)
        elif is_tensor(value):
            yield (key,), value.detach().numpy()
        elif _may_hold(value):
            yield from (((key, *path), array) for path, array in arrays_in(value, depth + 1))


def numbers_in(thing: Any, depth: int = 0) -> Iterator[tuple[Path, float]]:
    """Yield the numbers that an object holds, with their paths."""
    if depth > DEEPEST:
        return
    for key, value in _members(thing):
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            yield (key,), float(value)
        elif _may_hold(value):
            yield from (((key, *path), number) for path, number in numbers_in(value, depth + 1))


def _members(thing: Any) -> list[tuple[str | int, Any]]:
    if isinstance(thing, Mapping):
        return [(key, value) for key, value in thing.items() if isinstance(key, str | int)]
    if isinstance(thing, list | tuple):
        return list(enumerate(thing))
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    own = [(name, getattr(thing, name)) for name in slots if isinstance(name, str) and hasattr(thing, name)]
    return own + list(getattr(thing, "__dict__", {}).items())


def _may_hold(value: Any) -> bool:
    if isinstance(value, Mapping | list | tuple):
        return True
    if isinstance(value, type | types.ModuleType | np.generic | np.random.Generator | np.random.RandomState):
        return False
    return hasattr(value, "__dict__") and not callable(value)


def is_tensor(value: Any) -> bool:
    """Whether something is a tensor of torch, which need not be there."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def put(thing: Any, path: Path, value: Any) -> None:
    """Set what stands at a path."""
    for key in path[:-1]:
        thing = _member(thing, key)
    last = path[-1]
    if isinstance(thing, dict | list):
        holder: Any = thing
        holder[last] = value
    else:
        setattr(thing, str(last), value)


def can_put(thing: Any, path: Path) -> bool:
    """Whether what stands at a path can be set: what a tuple holds can not."""
    for key in path:
        if isinstance(thing, tuple):
            return False
        thing = _member(thing, key)
    return True


def _member(thing: Any, key: str | int) -> Any:
    if isinstance(thing, Mapping):
        return thing[key]
    if isinstance(thing, list | tuple) and isinstance(key, int):
        return thing[key]
    return getattr(thing, str(key))


def path_text(path: Path) -> str:
    """Return a path as a name: ``params.W``."""
    return ".".join(map(str, path))


def duplicate(thing: Any) -> Any:
    """Return a copy of an object that shares no array with it."""
    return copy.deepcopy(thing)


class Replay:
    """Sets all sources of random numbers that code draws from, so that a second run draws the same ones."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._own = [value for value in namespace.values() if isinstance(value, np.random.Generator)]
        self._states = [each.bit_generator.state for each in self._own]

    def start(self, seed: int = SEED) -> None:
        """Begin again."""
        np.random.seed(seed)
        random.seed(seed)
        for each, state in zip(self._own, self._states, strict=True):
            each.bit_generator.state = copy.deepcopy(state)
