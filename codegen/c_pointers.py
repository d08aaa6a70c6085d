"""Where arrays lie, as ``ctypes`` hands it to C.

``array.ctypes.data`` makes three Python objects for one address, which takes longer than C takes to fill a small array.
The address stands in the array's own object: NumPy's C interface fixes that it comes right after what every Python
object begins with (``PyArrayObject_fields.data``), and extensions that were compiled long ago read it there. Where it
is not found there, NumPy is asked.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pointers = Callable[[Iterable[Array]], list[ctypes.c_void_p]]
#: How many bytes every Python object begins with.
_HEAD = object.__basicsize__
_at = ctypes.c_void_p.from_address


def read_pointers(arrays: Iterable[Array]) -> list[ctypes.c_void_p]:
    """Return where arrays lie, read from the arrays' own objects; they are to be held for as long as it is used."""
    return [_at(id(array) + _HEAD) for array in arrays]


def asked_pointers(arrays: Iterable[Array]) -> list[ctypes.c_void_p]:
    """Return where arrays lie, as NumPy says it."""
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def are_readable() -> bool:
    """Whether objects lie where ``id`` says and arrays say in theirs where their numbers lie, as in CPython."""
    if sys.implementation.name != "cpython" or np.ndarray.__basicsize__ < _HEAD + ctypes.sizeof(ctypes.c_void_p):
        return False
    array = np.arange(6.0).reshape(2, 3)
    like = [array, array[1:, ::-1], array[0, 2:], np.zeros(()), np.zeros((0, 2), np.int8), np.frombuffer(b"12", "u1")]
    return [each.value for each in read_pointers(like)] == [each.value for each in asked_pointers(like)]


#: Where arrays lie: one address each.
pointers: Pointers = read_pointers if are_readable() else asked_pointers
