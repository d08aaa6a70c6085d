"""Calls of C functions with NumPy arrays: what follows from the arrays' shapes and dtypes is worked out once."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c_memory import new_array

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
        may_fail: whether it returns if a matrix has no inverse.
    """

    function: Any
    precision: str
    sizes: tuple[int, ...]
    arguments: tuple[tuple[int, str], ...]
    results: tuple[tuple[Shape, np.dtype[Any]], ...]
    work: tuple[tuple[Shape, np.dtype[Any]], ...]
    may_fail: bool = False

    def __post_init__(self) -> None:
        single = {ARRAY: ctypes.c_void_p, WHOLE: ctypes.c_ssize_t, SINGLE: NUMBERS[self.precision]}
        pointers = [ctypes.c_void_p] * (len(self.results) + len(self.work))
        given = [single[kind] for _, kind in self.arguments]
        self.function.argtypes = [*[ctypes.c_ssize_t] * len(self.sizes), *given, *pointers]
        self.function.restype = ctypes.c_int if self.may_fail else None

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the results; arrays that are handed over are contiguous, aligned and of the function's dtypes.

        Raises:
            LinAlgError: a matrix has no inverse.
        """
        results = [new_array(*each) for each in self.results]
        work = [new_array(*each) for each in self.work]
        given = [_handed_over(arrays[place], kind) for place, kind in self.arguments]
        if self.function(*self.sizes, *given, *[each.ctypes.data for each in (*results, *work)]):
            raise np.linalg.LinAlgError("Singular matrix")
        return results


def _handed_over(array: Array, kind: str) -> Any:
    if kind is ARRAY:
        return array.ctypes.data
    return int(array) if kind is WHOLE else float(array)


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
