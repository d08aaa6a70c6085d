"""What a function is given, made into arrays that fit its operation; what does not fit is refused with both sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import Expr, preorder_traversal

from derive.errors import InputError
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.printing import shape_text
from derive.sums import nodes

Given = Sequence[tuple[Tensor, Any]]


class Fitting:
    """The checks of one function's arguments: they know what the operation's indices are called."""

    def __init__(
        self,
        operation: Operation,
        tensors: Sequence[Tensor],
        extremes: Iterable[Expr] = (),
        taken: Mapping[Expr, int] = MappingProxyType({}),
    ) -> None:
        self.operation = operation
        self._is_elementwise = operation.is_elementwise
        self.tensors = tuple(tensors)
        self._extremes = tuple(extremes)
        self._leads = [operation.leads(tensor) for tensor in tensors]
        self._letters: dict[Expr, str] = {}
        self._last: dict[Expr, tuple[int, Element | None]] = {size: (last, None) for size, last in taken.items()}
        for size, named in named_positions(definition.body for definition in operation.definitions).items():
            if named[0] >= taken.get(size, -1):
                self._last[size] = named
        for definition in operation.definitions:
            for part in (definition.target, *preorder_traversal(definition.body)):
                if isinstance(part, Element):
                    for index in part.indices:
                        if isinstance(index, Index):
                            self._letters.setdefault(index.size, index.name)

    def fit(self, values: Sequence[Any]) -> list[np.ndarray]:
        """Return arrays of one dtype that fit the operation.

        Numbers that come without a dtype, whole numbers, and single numbers beside arrays take on the dtype of the
        arrays; so does what is not in the machine's byte order.

        Raises:
            InputError: no numbers, another number of axes, an index of two sizes, a label that is no position, an
                axis too short for a position that the operation names.
        """
        given = list(zip(self.tensors, values, strict=True))
        arrays = [self._array(tensor, value) for tensor, value in given]
        dtype = _common_dtype(given, arrays)
        fitted = []
        for (tensor, value), array in zip(given, arrays, strict=True):
            if tensor.values is None and array.dtype != dtype and _is_weak(array, value, arrays):
                array = array.astype(dtype)
            fitted.append(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))
        if self._is_elementwise:
            self._check_broadcast(self.tensors, fitted)
        else:
            self._check_sizes(self.tensors, fitted)
        return fitted

    def bounds(self, arrays: Sequence[np.ndarray]) -> list[tuple[int, int]]:
        """Return the places of labels among arrays that fit, and the sizes that they are below."""
        extents: dict[Expr, int] = {}
        if not self._is_elementwise:
            for tensor, array, leads in zip(self.tensors, arrays, self._leads, strict=True):
                first = array.ndim - tensor.rank + 1 if leads else 0
                if leads:
                    extents.setdefault(tensor.sizes[0], math.prod(array.shape[:first]))
                extents.update(zip(tensor.sizes[leads:], array.shape[first:], strict=True))
        return [(at, extents[each.values]) for at, each in enumerate(self.tensors) if each.values in extents]

    def shown(self, tensor: Tensor) -> str:
        return f"the upstream gradient {tensor.word}" if tensor.role else tensor.name

    def letter(self, size: Expr) -> str:
        return self._letters.get(size, str(size).lower())

    def _array(self, tensor: Tensor, value: Any) -> np.ndarray:
        name = f"{self.operation.name}: {self.shown(tensor)}"
        try:
            array = np.asarray(value)
        except ValueError:
            raise InputError(f"{name} is no array: its rows have different lengths") from None
        if tensor.values is not None:
            if array.dtype.kind not in "iu" and not (array.size == 0 and not isinstance(value, np.ndarray)):
                raise InputError(f"{name} holds labels, which are whole numbers, not {array.dtype}")
            return array if array.dtype.kind in "iu" else array.astype(np.intp)
        if array.dtype.kind not in "fiub":
            raise InputError(f"{name} holds real numbers, not {array.dtype}")
        return array

    def _check_broadcast(self, tensors: Sequence[Tensor], arrays: Sequence[np.ndarray]) -> None:
        known: dict[int, tuple[int, int, Tensor]] = {}
        for tensor, array in zip(tensors, arrays, strict=True):
            for axis, extent in enumerate(array.shape):
                back = array.ndim - axis
                if extent != 1:
                    other, place, first = known.setdefault(back, (extent, axis, tensor))
                    if other != extent:
                        raise InputError(
                            f"{self.operation.name}: sizes {other} (axis {place} of {self.shown(first)}) and {extent} "
                            f"(axis {axis} of {self.shown(tensor)}) do not broadcast"
                        )

    def _check_sizes(self, tensors: Sequence[Tensor], arrays: Sequence[np.ndarray]) -> None:
        name = self.operation.name
        known: dict[Expr, tuple[int, str]] = {}
        leading: tuple[Tensor, tuple[int, ...]] | None = None
        for tensor, array, leads in zip(tensors, arrays, self._leads, strict=True):
            first = array.ndim - tensor.rank + 1 if leads else 0
            if first < 0 or (array.ndim != tensor.rank and not leads):
                count = f"{tensor.rank - 1} or more" if leads else f"{tensor.rank or 'none'}"
                wanted = f"{count} {shape_text(self.operation, tensor)}" if tensor.rank else "none: one number"
                raise InputError(f"{name}: {self.shown(tensor)} has {array.ndim} axes; it takes {wanted}")
            if leads:
                leading = leading or (tensor, array.shape[:first])
                if leading[1] != array.shape[:first]:
                    raise InputError(
                        f"{name}: the leading axes of {self.shown(leading[0])} are {leading[1]} and those of "
                        f"{self.shown(tensor)} {array.shape[:first]}; they must be the same"
                    )
                known.setdefault(
                    tensor.sizes[0], (math.prod(array.shape[:first]), f"the leading axes of {tensor.name}")
                )
            own = zip(tensor.sizes[leads:], array.shape[first:], strict=True)
            for axis, (size, extent) in enumerate(own, first):
                here = f"axis {axis} of {self.shown(tensor)}"
                fixed = (int(size), "its definition") if size.is_Integer else (extent, here)
                other, there = known.setdefault(size, fixed)
                if other != extent and size.is_Integer and size not in self._letters:
                    raise InputError(f"{name}: {here} has size {extent}, and its definition says {size}")
                if other != extent:
                    index = f"index {self.letter(size)} has size"
                    raise InputError(f"{name}: {index} {other} ({there}) and {extent} ({here})")
        for tensor, array in zip(tensors, arrays, strict=True):
            if tensor.values is not None and tensor.values in known:
                self._check_labels(tensor, array, *known[tensor.values])
        for size, (last, element) in self._last.items():
            if size in known and known[size][0] <= last:
                index = f"index {self.letter(size)} has size {known[size][0]} ({known[size][1]})"
                what = f"{element} stands at" if element is not None else "the code takes"
                raise InputError(f"{name}: {what} position {last}, counted from 0, and {index}")
        for size in self._extremes:
            if known.get(size, (1, ""))[0] == 0:
                index = f"index {self.letter(size)} has size 0 ({known[size][1]})"
                raise InputError(f"{name}: {index}; a maximum needs one number at least")

    def _check_labels(self, tensor: Tensor, array: np.ndarray, extent: int, where: str) -> None:
        if array.size == 0 or (array.min() >= 0 and array.max() < extent):
            return
        place = tuple(int(axis[0]) for axis in np.nonzero((array < 0) | (array >= extent)))
        at = f"[{', '.join(map(str, place))}]" if place else ""
        assert tensor.values is not None
        index = f"index {self.letter(tensor.values)} has size {extent} ({where})"
        given = f"{tensor.name}{at} is {array[place]}"
        raise InputError(f"{self.operation.name}: {given}, and {index}: labels run from 0 to {extent - 1}")


def named_positions(bodies: Iterable[Expr]) -> dict[Expr, tuple[int, Element]]:
    """Return by size the last position at which an element stands in expressions, and that element.

    Example:
        >>> from derive.indices import size
        >>> x = Tensor("x", (size("N"), size("K")))
        >>> named_positions([x[0, 3] + x[1, 2]])
        {K: (3, x[0,3]), N: (1, x[1,2])}
    """
    found: dict[Expr, tuple[int, Element]] = {}
    for body in bodies:
        for element in sorted(nodes(body, Element), key=str):
            for where, size in zip(element.indices, element.tensor.sizes, strict=True):
                if where.is_Integer and int(where) > found.get(size, (-1, element))[0]:
                    found[size] = int(where), element
    return dict(sorted(found.items(), key=str))


def _is_strong(value: Any, array: np.ndarray) -> bool:
    """Whether a value has a floating dtype that its caller chose."""
    return isinstance(value, np.ndarray | np.generic) and array.dtype.kind == "f"


def _common_dtype(given: Given, arrays: Sequence[np.ndarray]) -> np.dtype[Any]:
    """Return the dtype for numbers that bring none."""
    real = [(value, array) for (tensor, value), array in zip(given, arrays, strict=True) if tensor.values is None]
    strong = [array for value, array in real if _is_strong(value, array)]
    leading = [array for array in strong if array.ndim] or strong
    weak = [array for value, array in real if array.dtype.kind == "f" and not _is_strong(value, array)]
    chosen = leading or weak
    return np.result_type(*(array.dtype for array in chosen)) if chosen else np.dtype(float)


def _is_weak(array: np.ndarray, value: Any, arrays: Sequence[np.ndarray]) -> bool:
    """Whether an array takes on the dtype of the others."""
    if not _is_strong(value, array):
        return True
    beside_arrays = any(other.ndim and other.dtype.kind == "f" for other in arrays)
    return array.ndim == 0 and array.dtype.kind == "f" and beside_arrays


def broadcast_shape(arrays: Iterable[np.ndarray]) -> tuple[int, ...]:
    """Return the shape that arrays broadcast to together."""
    return np.broadcast_shapes(*(array.shape for array in arrays))


def has_no_entries(arrays: Sequence[np.ndarray]) -> bool:
    """Whether one of the arrays is empty."""
    return any(array.size == 0 for array in arrays)
