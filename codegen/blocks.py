"""Functions of single numbers, applied to large arrays in blocks: what is computed on the way stays in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.ops import Constant
from codegen.program import Program

Array = NDArray[Any]
#: So many numbers are worked on at once, and in so many steps at least: for fewer, blocks cost more than they save.
BLOCK, STEPS = 1 << 14, 5


def takes_many_steps(program: Program) -> bool:
    """Whether a function of single numbers has so many operations that their results had better stay in the cache."""
    return sum(not isinstance(statement.op, Constant) for statement in program.statements) >= STEPS


class Blockwise:
    """A function of single numbers that returns a tuple; each result comes from single numbers of the arguments."""

    def __init__(self, function: Callable[..., tuple[Any, ...]]) -> None:
        self.function = function
        self.__name__ = function.__name__

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """Return the results; large arrays of one shape are taken block after block, others as they are."""
        found = self._in_blocks(arrays)
        return self.function(*arrays) if found is None else found

    def _in_blocks(self, arrays: Sequence[Any]) -> tuple[Array, ...] | None:
        are_arrays = [isinstance(array, np.ndarray) and array.ndim > 0 for array in arrays]
        large = [array for array, is_array in zip(arrays, are_arrays, strict=True) if is_array]
        if not large or large[0].size < 2 * BLOCK:
            return None
        shape, size = large[0].shape, large[0].size
        if any(array.shape != shape or not array.flags.c_contiguous for array in large):
            return None
        flat = [array.reshape(-1) if is_array else array for array, is_array in zip(arrays, are_arrays, strict=True)]
        results: list[Array] = []
        for start in range(0, size, BLOCK):
            block = slice(start, min(start + BLOCK, size))
            parts = (each[block] if is_array else each for each, is_array in zip(flat, are_arrays, strict=True))
            found = self.function(*parts)
            if not results:
                if any(np.shape(each) != (BLOCK,) for each in found):
                    return None  # A setting's gradient is a sum over all numbers.
                results = [np.empty(size, each.dtype) for each in found]
            for result, each in zip(results, found, strict=True):
                result[block] = each
        return tuple(result.reshape(shape) for result in results)
