"""What a function is given, made into arrays that fit its operation; what does not fit is refused with both sizes."""

from __future__ import annotations

import math
import operator
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
_SIGNATURE = operator.attrgetter("__class__", "shape", "dtype")


class Fitting:
    """The checks of one function's arguments: they know what the operation's indices are called."""

    def __init__(
        self,
        operation: Operation,
        tensors: Sequence[Tensor],
        extremes: Iterable[Expr] = (),
        taken: Mapping[Expr, int] = MappingProxyType({}),
        remembers: bool = False,
    ) -> None:
        self.operation = operation
        self._is_elementwise = operation.is_elementwise
        self.tensors = tuple(tensors)
        self._extremes = tuple(extremes)
        sizes = list(dict.fromkeys(size for tensor in tensors for size in tensor.sizes))
        self._extents = [int(size) if size.is_Integer else -1 for size in sizes]
        self._leads = [operation.leads(tensor) for tensor in tensors]
        places = [tensor.sizes[leads:] for tensor, leads in zip(tensors, self._leads, strict=True)]
        self._slots = [tuple(sizes.index(size) for size in own) for own in places]
        self._remembers = remembers
        self._met: tuple[list[tuple[Any, ...]], list[tuple[int, int]]] | None = None
        self._rest: list[Any] = []
        self._is_label = [tensor.values is not None for tensor in tensors]
        self._bounds = [sizes.index(tensor.values) if tensor.values in sizes else None for tensor in tensors]
        self._counted = [sizes.index(size) for size in self._extremes if size in sizes]
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
        self._reached = [(sizes.index(size), last) for size, (last, _) in self._last.items() if size in sizes]

    def knows(self, values: Sequence[Any]) -> bool:
        """Whether the last arrays that needed nothing done had the same shapes and dtypes: these need nothing either.

        It is asked at each call. Labels have numbers to look at; what is empty is not remembered.
        """
        met = self._met  # Another thread may remember other arrays meanwhile.
        if met is None:
            return False
        try:
            if list(map(_SIGNATURE, values)) != met[0]:
                return False
        except AttributeError:
            return False
        return all(values[place].min() >= 0 and values[place].max() < extent for place, extent in met[1])

    def with_rest(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return values with those that were left out last time, too, and took on the same dtype then."""
        if not self._rest or len(values) + len(self._rest) != len(self.tensors):
            return values
        return [*values, *self._rest]

    def remember_rest(self, values: Sequence[Any], fitted: Sequence[Any]) -> None:
        """Remember what stood for the values that were left out, where those that were given needed nothing done."""
        count = len(values)
        self._rest = []
        are_kept = len(fitted) == len(self.tensors) and all(map(operator.is_, values, fitted))
        if are_kept and self._bounds_of(fitted) is not None:
            self._rest = list(fitted[count:])
            self.fit(fitted)

    def fit(self, values: Sequence[Any]) -> list[np.ndarray]:
        """Return arrays of one dtype that fit the operation.

        Numbers that come without a dtype, whole numbers, and single numbers beside arrays take on the dtype of the
        arrays; so does what is not in the machine's byte order.

        Raises:
            InputError: no numbers, another number of axes, an index of two sizes, a label that is no position, an
                axis too short for a position that the operation names.
        """
        bounds = self._bounds_of(values)
        if bounds is not None:
            if self._remembers and not has_no_entries(values):
                self._met = list(map(_SIGNATURE, values)), bounds
            return list(values)
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

    def _bounds_of(self, values: Sequence[Any]) -> list[tuple[int, int]] | None:
        """Return the places of labels and what they are below, None unless nothing needs to be done to the values.

        That is the usual case, told in a few microseconds.
        """
        dtype = None
        for value, is_label in zip(values, self._is_label, strict=True):
            if type(value) is not np.ndarray or not value.dtype.isnative:
                return None
            if is_label:
                if value.dtype.kind not in "iu":
                    return None
            elif value.dtype.kind != "f" or value.dtype is not (dtype := dtype or value.dtype):
                return None
        if self._is_elementwise:
            return [] if all(value.shape == values[0].shape for value in values) else None
        extents, leading = self._extents.copy(), None
        for value, slots, leads in zip(values, self._slots, self._leads, strict=True):
            shape = value.shape
            if leads:
                count = value.ndim - len(slots)
                if count < 0 or shape[:count] != (leading := shape[:count] if leading is None else leading):
                    return None
                shape = shape[count:]
            if len(shape) != len(slots):
                return None
            for extent, slot in zip(shape, slots, strict=True):
                if extents[slot] < 0:
                    extents[slot] = extent
                elif extents[slot] != extent:
                    return None
        if any(extents[slot] == 0 for slot in self._counted) or (leading and 0 in leading):
            return None
        if any(extents[slot] <= last for slot, last in self._reached):
            return None
        bounds = [(place, extents[bound]) for place, bound in enumerate(self._bounds) if bound is not None]
        labels = [(values[place], extent) for place, extent in bounds]
        fit = all(each.size == 0 or (each.min() >= 0 and each.max() < extent) for each, extent in labels)
        return bounds if fit else None

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
