"""Memory of large results that nobody holds any more, kept for the results of the next call.

A fresh array of many megabytes costs more in the kernel, which clears page after page, than C takes to fill it. Code
that is called again and again, as in training, drops its last results just before it needs memory for the next.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The environment variable that says how many bytes are kept at most; 0 keeps none.
KEPT_BYTES = "DERIVEGEN_KEPT_BYTES"
DEFAULT_KEPT_BYTES = 1 << 29
#: Smaller arrays are taken from NumPy, whose allocator is quick with them.
SMALLEST = 1 << 20
#: Where arrays begin: at the start of a line of the cache, which is as wide as the widest registers.
ALIGNMENT = 64

Array = NDArray[Any]


class KeptMemory:
    """Blocks that arrays lay in, by their size, those freed last at the end."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._bytes = 0
        self._free: OrderedDict[int, Array] = OrderedDict()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How many bytes are kept and in no use."""
        return self._bytes

    def take(self, size: int) -> Array:
        """Return a block of so many bytes, one that was given back or a fresh one."""
        with self._lock:
            for key, block in reversed(self._free.items()):
                if block.nbytes == size:
                    del self._free[key]
                    self._bytes -= size
                    return block
        return np.empty(size, np.uint8)

    def give_back(self, block: Array) -> None:
        """Keep a block that no array lies in; those kept longest go where it is too much."""
        # An array may be freed anywhere, in the midst of this class too: what would wait for itself is let go.
        if block.nbytes > self.limit or not self._lock.acquire(blocking=False):
            return
        try:
            self._free[id(block)] = block
            self._bytes += block.nbytes
            while self._bytes > self.limit:
                self._bytes -= self._free.popitem(last=False)[1].nbytes
        finally:
            self._lock.release()

    def clear(self) -> None:
        with self._lock:
            self._free.clear()
            self._bytes = 0


class _Owner:
    """What an array in kept memory holds on to, and every view of it: when it goes, so do they all."""

    __slots__ = ("__array_interface__", "block", "kept")

    def __init__(self, kept: KeptMemory, block: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.kept, self.block = kept, block
        place = block.__array_interface__["data"][0]
        place += -place % ALIGNMENT
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": dtype.str, "data": (place, False)}

    def __del__(self) -> None:
        self.kept.give_back(self.block)


def _limit() -> int:
    text = os.environ.get(KEPT_BYTES, "")
    return int(text) if text.isdigit() else DEFAULT_KEPT_BYTES


#: What calls in C take their results from.
KEPT = KeptMemory(_limit())


def release_memory() -> None:
    """Give the memory that is kept for the results of the next call in C back to the system.

    Example:
        >>> release_memory()
        >>> KEPT.size
        0
    """
    KEPT.clear()


def is_large(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether an array is so large that its memory is kept for others.

    Example:
        >>> is_large((2, 3), np.dtype("f"))
        False
    """
    return math.prod(shape) * dtype.itemsize >= SMALLEST


def new_array(shape: tuple[int, ...], dtype: np.dtype[Any], kept: KeptMemory = KEPT) -> Array:
    """Return an array of any numbers, in memory that was freed before where it is large.

    No other array that anyone holds lies in it.

    Example:
        >>> new_array((2, 3), np.dtype("f")).shape
        (2, 3)
    """
    if kept.limit == 0 or not is_large(shape, dtype):
        return np.empty(shape, dtype)
    size = math.prod(shape) * dtype.itemsize
    return np.asarray(_Owner(kept, kept.take(size + ALIGNMENT), shape, dtype))
