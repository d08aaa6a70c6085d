"""Calls of C functions with NumPy arrays: what follows from the arrays' shapes and dtypes is worked out once."""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c_memory import is_large, new_array
from codegen.c_pointers import pointers
from codegen.repeating import Run

Array = NDArray[Any]
Shape = tuple[int, ...]
Formed = tuple[Shape, np.dtype[Any]]
#: Single numbers of C's types as ctypes calls them.
NUMBERS = {"float": ctypes.c_float, "double": ctypes.c_double}
#: How an argument is handed over: as a pointer, or as a single number, whole or not.
ARRAY, WHOLE, SINGLE = "array", "whole", "number"
#: So many bytes that a function works in are kept at most for its next call.
KEPT_WORK = 1 << 16


class Work:
    """Memory that a function works in: what is small is kept for its next call, for each thread that is in one."""

    def __init__(self, forms: Sequence[Formed]) -> None:
        self._forms = forms
        self._is_kept = sum(math.prod(shape) * dtype.itemsize for shape, dtype in forms) <= KEPT_WORK
        self._spare: list[tuple[list[Array], list[ctypes.c_void_p]]] = []

    def take(self) -> tuple[list[Array], list[ctypes.c_void_p]]:
        """Return arrays of any numbers that nobody else works in, and where they lie."""
        try:
            return self._spare.pop()
        except IndexError:
            arrays = [new_array(*each) for each in self._forms]
            return arrays, pointers(arrays)

    def give_back(self, taken: tuple[list[Array], list[ctypes.c_void_p]]) -> None:
        if self._is_kept:
            self._spare.append(taken)


@dataclass(frozen=True)
class Call:
    """A call of a C function.

    Attributes:
        function: the function, of a library that was loaded.
        precision: the name of its real numbers' type.
        sizes: the sizes that come first.
        arguments: the places of what is handed over among the arrays, and how it is.
        results: the shapes and dtypes of what it writes.
        work: the shapes and dtypes of the memory that it needs.
        may_fail: whether it returns if a matrix has no inverse.
    """

    function: Any
    precision: str
    sizes: tuple[int, ...]
    arguments: tuple[tuple[int, str], ...]
    results: tuple[Formed, ...]
    work: tuple[Formed, ...]
    may_fail: bool = False

    def run(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        """Return the results; arrays that are handed over are contiguous, aligned and of the function's dtypes.

        Raises:
            LinAlgError: a matrix has no inverse.
        """
        results: tuple[Array, ...] = self.repeated()(arrays)
        return results

    def repeated(self) -> Run:
        """Return the call as a function of arrays; it is quick, and may be made by several threads at once."""
        function = self.function
        function.restype = ctypes.c_int if self.may_fail else None
        sizes = [ctypes.c_ssize_t(size) for size in self.sizes]
        numbers, picked = self._numbers, _picked([place for place, _ in self.arguments])
        make = new_array if any(is_large(*each) for each in self.results) else np.empty
        work = Work(self.work) if self.work else None

        def call(arrays: Sequence[Array], results: tuple[Array, ...]) -> tuple[Array, ...]:
            given: list[Any] = pointers((*picked(arrays), *results))
            for at, place, kind in numbers:
                given[at] = kind(arrays[place].item())
            if work is None:
                has_failed = function(*sizes, *given)
            else:
                taken = work.take()
                has_failed = function(*sizes, *given, *taken[1])
                work.give_back(taken)
            if has_failed:
                raise np.linalg.LinAlgError("Singular matrix")
            return results

        if len(self.results) == 1:
            ((shape, dtype),) = self.results
            return lambda arrays: call(arrays, (make(shape, dtype),))
        shapes, dtypes = zip(*self.results, strict=True)
        return lambda arrays: call(arrays, tuple(map(make, shapes, dtypes)))

    @property
    def _numbers(self) -> list[tuple[int, int, Callable[[Any], Any]]]:
        """Where single numbers stand among what is handed over and among the arrays, and C's types of them."""
        types = {WHOLE: ctypes.c_ssize_t, SINGLE: NUMBERS[self.precision]}
        handed = enumerate(self.arguments)
        return [(at, place, types[kind]) for at, (place, kind) in handed if kind is not ARRAY]


def _picked(places: Sequence[int]) -> Callable[[Sequence[Array]], Iterable[Array]]:
    """Return a function that picks what stands at places."""
    if len(places) == 1:
        (place,) = places
        return lambda arrays: (arrays[place],)
    return operator.itemgetter(*places) if places else lambda _: ()


def plain(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array of a dtype as C takes it: contiguous and aligned, a copy where it is not."""
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.array(array, dtype=dtype, order="C")
