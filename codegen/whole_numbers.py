"""What a function is given beside arrays: strides, dilations, paddings and windows; and whether windows fit at all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from numbers import Integral
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from codegen.fitting import named_positions
from codegen.program import Program
from derive.errors import InputError
from derive.extents import multipliers
from derive.operation import Operation

#: Of how many shapes it is remembered that windows fit into them.
REMEMBERED = 100


class WholeNumbers:
    """The checks of one function's whole numbers, and of the sizes that follow from them."""

    def __init__(self, operation: Operation, program: Program) -> None:
        self.operation, self.parameters = operation, program.parameters
        tensors = [argument.tensor for argument in program.arguments]
        #: No window lies on leading axes, of which there is any number.
        self._sizes = tuple(tensor.sizes[1:] if program.leads(tensor) else tensor.sizes for tensor in tensors)
        moving = multipliers(definition.body for definition in operation.definitions)
        self._least = [int(bool(symbol.is_positive) or symbol in moving) for symbol in program.parameters]
        self._last = named_positions(definition.body for definition in operation.definitions)
        self._counted = lru_cache(maxsize=REMEMBERED)(self._count)
        self._letters = {index.size: index.name for definition in operation.definitions for index in definition.indices}

    def fit(self, values: Sequence[Any], arrays: Sequence[np.ndarray]) -> list[int]:
        """Return the whole numbers, checked, and with them the sizes of the arrays.

        Raises:
            InputError: one is no whole number, or too small; windows do not fit into an axis, or into another number
                of places than an array has, or have fewer places than the operation names.
        """
        numbers = []
        for symbol, value, least in zip(self.parameters, values, self._least, strict=True):
            numbers.append(self._whole(symbol, value, least))
        self._counted(tuple(numbers), tuple(array.shape for array in arrays))
        return numbers

    def _count(self, numbers: tuple[int, ...], shapes: tuple[tuple[int, ...], ...]) -> None:
        """Check that windows fit into arrays of these shapes."""
        known: dict[Expr, int] = dict(zip(self.parameters, numbers, strict=True))
        for sizes, shape in zip(self._sizes, shapes, strict=True):
            known |= dict(zip(sizes, shape[len(shape) - len(sizes) :], strict=True))
        for extent in self.operation.extents:
            if extent.span.free_symbols | extent.step.free_symbols <= known.keys():
                self._check_extent(extent.size, _value(extent.span, known), _value(extent.step, known), known)

    def _whole(self, symbol: Symbol, value: Any, least: int) -> int:
        name = f"{self.operation.name}: {symbol.name}"
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise InputError(f"{name} is a whole number, not {value!r}")
        if value < least:
            raise InputError(f"{name} is at least {least}, and was given as {value}")
        return int(value)

    def _check_extent(self, size: Symbol, span: int, step: int, known: dict[Expr, int]) -> None:
        letter = self._letters[size]
        told = ", ".join(f"{symbol} = {known[symbol]}" for symbol in self._symbols(size))
        if span < 0:
            raise InputError(
                f"{self.operation.name}: there is no place for index {letter}: the windows are larger than what they "
                f"lie on ({told})"
            )
        count = span // step + 1
        last, element = self._last.get(size, (-1, None))
        if count <= last:
            raise InputError(
                f"{self.operation.name}: {element} stands at position {last}, counted from 0, and index {letter} has "
                f"{count} places ({told})"
            )
        if known.setdefault(size, count) != count:
            raise InputError(
                f"{self.operation.name}: index {letter} has {count} places ({told}), and an array has {known[size]}"
            )

    def _symbols(self, size: Symbol) -> list[Symbol]:
        (extent,) = (each for each in self.operation.extents if each.size == size)
        return sorted(extent.span.free_symbols | extent.step.free_symbols, key=str)


def _value(expr: Expr, known: dict[Expr, int]) -> int:
    return int(expr.xreplace({symbol: Integer(known[symbol]) for symbol in expr.free_symbols}))


def default_numbers(operation: Operation) -> dict[str, float | int]:
    """Return the numbers that settings have where they are left out, by name."""
    whole = {symbol.name for symbol in operation.parameters}
    return {name: int(n) if name in whole else float(n) for name, n in operation.record.defaults.items()}
