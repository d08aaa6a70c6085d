"""Calls of C functions with NumPy arrays: what follows from the arrays' shapes and dtypes is worked out once."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c_memory import new_array
from codegen.c_pointers import pointers

Array = NDArray[Any]
Shape = tuple[int, ...]
#: What decides on how an array is handed over, but for where it lies.
_SIGNATURE = operator.attrgetter("__class__", "dtype", "shape", "strides")
#: Single numbers of C's types as ctypes calls them.
NUMBERS = {"float": ctypes.c_float, "double": ctypes.c_double}
#: How an argument is handed over: as a pointer, or as a single number, whole or not.
ARRAY, WHOLE, SINGLE = "array", "whole", "number"


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
    """

    function: Any
    precision: str
    sizes: tuple[int, ...]
    arguments: tuple[tuple[int, str], ...]
    results: tuple[tuple[Shape, np.dtype[Any]], ...]
    work: tuple[tuple[Shape, np.dtype[Any]], ...]

    def __post_init__(self) -> None:
        self.function.restype = None

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the results; arrays that are handed over are contiguous, aligned and of the function's dtypes."""
        results = [new_array(*each) for each in self.results]
        work = [new_array(*each) for each in self.work]
        self.function(*self._sizes, *self._handed_over(arrays), *pointers(results), *pointers(work))
        return results

    @cached_property
    def _sizes(self) -> list[ctypes.c_ssize_t]:
        return [ctypes.c_ssize_t(size) for size in self.sizes]

    @cached_property
    def _numbers(self) -> list[tuple[int, int, Callable[[Any], Any]]]:
        """Where single numbers stand among what is handed over and among the arrays, and C's types of them."""
        types = {WHOLE: ctypes.c_ssize_t, SINGLE: NUMBERS[self.precision]}
        handed = enumerate(self.arguments)
        return [(at, place, types[kind]) for at, (place, kind) in handed if kind is not ARRAY]

    def _handed_over(self, arrays: Sequence[Array]) -> list[Any]:
        """Return what stands for arrays: ``ctypes``' own objects, which it hands over as they are."""
        found: list[Any] = pointers([arrays[place] for place, _ in self.arguments])
        for at, place, kind in self._numbers:
            found[at] = kind(arrays[place].item())
        return found


@dataclass(frozen=True)
class Ready:
    """A call that was made before, for arrays that are like those it was made with."""

    signature: list[tuple[Any, ...]]
    call: Call

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether arrays lie, but for their place, as those of the call before."""
        try:
            is_like = list(map(_SIGNATURE, arrays)) == self.signature
        except AttributeError:
            return False
        return is_like and all(array.flags.aligned for array in arrays)


def ready_for(arrays: Sequence[Any], call: Call) -> Ready | None:
    """Return a call for arrays like these, None where one of them is no array."""
    return Ready(list(map(_SIGNATURE, arrays)), call) if all(type(array) is np.ndarray for array in arrays) else None


def plain(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array of a dtype as C takes it: contiguous and aligned, a copy where it is not."""
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    return np.array(array, dtype=dtype, order="C")
