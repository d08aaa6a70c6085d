"""Calls that come again: what was found out about arguments holds for others of the same types and shapes.

Whether arguments fit an operation, and what is made of them, follows from their types, dtypes and shapes, from whole
numbers, and from labels, which have numbers to look at. A call that went well is therefore kept under what tells its
arguments from others, and one that is like it is a look into a dictionary in the place of all checks.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: From arrays that fit, whole numbers after them, to results.
Run = Callable[[Sequence[Any]], Any]
Signature = Callable[[Any], Hashable]
#: What tells arrays from others, for what is done with them wherever they lie.
FORM: Signature = operator.attrgetter("__class__", "dtype", "shape")
#: The same, for what depends on how they lie in memory too: whether in one piece, and aligned.
PLACED: Signature = operator.attrgetter("__class__", "dtype", "shape", "flags.c_contiguous", "flags.aligned")
#: Of so many labels Python finds the largest sooner than NumPy.
FEW = 32
#: How many calls are kept, those made first no longer.
KEPT = 32
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
_ARRAYS = (np.ndarray, np.generic)
#: The types of what an option may hold for the call to be kept: what is equal is then the same, now and later.
_OPTIONS = (str, bool, int, float, tuple)


class Repeating:
    """The calls of one function that went well, each with what does the same for arguments like its own.

    Args:
        signature: what tells arrays from others.
    """

    def __init__(self, signature: Signature = FORM) -> None:
        self._signature = signature
        self._found: dict[Hashable, Run] = {}

    def call(self, values: Sequence[Any], options: Mapping[str, Any] = NO_OPTIONS) -> Any:
        """Return what a call with such arguments gives, None where none was kept or where labels are no positions."""
        try:
            key: tuple[Hashable, ...] | None = tuple(map(self._signature, values))
        except AttributeError:  # There are numbers among them.
            key = self._mixed(values)
        try:
            run = self._found.get((key, *options.items(), *map(type, options.values())) if options else key)
        except TypeError:  # What can not be looked up was not kept.
            return None
        return None if run is None else run(values)

    def keep(self, values: Sequence[Any], options: Mapping[str, Any], make: Callable[[], Run]) -> None:
        """Keep what does the same as a call for arguments like its own, unless others may look the same and differ.

        It is made where it is kept, for that may take longer than the call.
        """
        types = set(map(type, values))
        if not all(map(_is_telling, options.values())) or not all(map(_is_told, types)):
            return
        key: Hashable = self._mixed(values) if types & {float, int} else tuple(map(self._signature, values))
        if options:  # 1, 1.0 and True are equal and not the same.
            key = (key, *options.items(), *map(type, options.values()))
        try:
            hash(key)
        except TypeError:  # A tuple of what may change.
            return
        run = make()
        last = list(self._found.items())[1 - KEPT :]  # Another thread may keep another call meanwhile.
        self._found = {**dict(last), key: run}

    def _mixed(self, values: Sequence[Any]) -> tuple[Hashable, ...] | None:
        """Return what tells arguments from others, None where nothing does: of a whole number what it is."""
        parts: list[Hashable] = []
        for value in values:
            if type(value) is float:
                parts.append(float)
            elif type(value) is int:
                parts.append(value)
            elif isinstance(value, _ARRAYS):
                parts.append(self._signature(value))
            else:
                return None
        return tuple(parts)


def _is_told(kind: type) -> bool:
    """Whether a signature, or being a number, says all of an argument of a type but what its numbers are."""
    return kind in (np.ndarray, float, int) or issubclass(kind, np.generic)


def _is_telling(option: Any) -> bool:
    """Whether what equals an option does the same: 0.0 equals -0.0, and an array may be changed."""
    return type(option) in _OPTIONS and not (type(option) is float and option == 0)


def repeated(
    values: Sequence[Any], given: Sequence[Any], arrays: Sequence[Any], bounds: Sequence[tuple[int, int]], run: Run
) -> Run:
    """Return a function of values like those of a call, which does with them what was done with these.

    Args:
        values: what the call was given.
        given: the same, and after it what was left out.
        arrays: what was made of that.
        bounds: the places of labels among them, and what they are below.
        run: what is done with arrays like those.

    Example:
        >>> call = repeated([1.0], [1.0], [np.array(1, "f")], [], list)
        >>> call([0.1])
        [array(0.1, dtype=float32)]
    """
    added = tuple(given[len(values) :])
    made = [
        (place, array.dtype)
        for place, (value, array) in enumerate(zip(given, arrays, strict=True))
        if array is not value and isinstance(array, np.ndarray)
    ]
    limits = [(place, _are_positions(arrays[place], extent)) for place, extent in bounds]
    if not (added or made or limits):
        return run

    def call(values: Sequence[Any]) -> Any:
        found = [*values, *added]
        for place, dtype in made:
            found[place] = np.asarray(found[place]).astype(dtype, order="C")
        for place, are_positions in limits:
            if not are_positions(found[place]):
                return None
        return run(found)

    return call


def with_kept(run: Run, count: int, kept: Sequence[tuple[str, int]]) -> Run:
    """Return what gives the output of arrays, of several a tuple, and by name what is kept.

    Args:
        run: gives results of arrays: the outputs, and more after them.
        count: how many outputs there are.
        kept: names, and where what they stand for is among the arrays and the results after them.

    Example:
        >>> with_kept(lambda arrays: (3.0, 4.0), 1, [("x", 0), ("s", 2)])([1.0])
        (3.0, {'x': 1.0, 's': 4.0})
    """

    def call(arrays: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
        results = run(arrays)
        every = (*arrays, *results)
        return results[0] if count == 1 else results[:count], {name: every[place] for name, place in kept}

    return call


def _are_positions(labels: Array, extent: int) -> Callable[[Array], bool]:
    """Return what tells whether labels like these, which are not empty, are positions on an axis of a size."""
    if labels.ndim == 1 and labels.size <= FEW:

        def are_few(labels: Array) -> bool:
            numbers = labels.tolist()
            return min(numbers) >= 0 and max(numbers) < extent

        return are_few
    unsigned = np.dtype(f"u{labels.dtype.itemsize}")
    # What is below 0 is at least this where it is read without a sign: one comparison does.
    limit = extent if labels.dtype == unsigned else min(extent, 1 << (8 * labels.dtype.itemsize - 1))
    return lambda labels: bool(np.maximum.reduce(labels.view(unsigned), None) < limit)
