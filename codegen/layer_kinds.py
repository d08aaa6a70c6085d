"""Kinds of layers, as data: which operation, what a user calls its sizes and tensors, and how its parameters start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sympy import Expr, Integer

from codegen.layer import Layer
from derive.catalogue import find
from derive.errors import InputError
from derive.indices import Element, Index, Tensor
from derive.record import Definition, Operation
from derive.sums import nodes


@dataclass(frozen=True)
class Start:
    """How a parameter starts, where not as the record says.

    Attributes:
        spread: the standard deviation of the normal numbers that it is drawn from.
        ones: how many axes of size 1 it has before its own.
    """

    spread: float | None = None
    ones: int = 0


@dataclass(frozen=True)
class LayerKind:
    """A row of the table of layers; called with its sizes it makes a layer.

    Which inputs the layer keeps, and how these start, the operation's record says; a row says what they are called.

    Attributes:
        operations: the operation and its other forms.
        names: by the operation's name of a tensor, the layer's.
        sizes: by what an argument of the maker is called, in their order, the sizes or settings that it stands for:
            ``{"kernel": "R Q"}`` takes one number for both, or two. Those of the parameters by their own names where
            it is not said.
        starts: by the operation's name, how a parameter starts, where not as the record says.
        backward_takes: as in ``Layer``.

    Example:
        >>> pool = LayerKind(("max-pool1d",), sizes={"window": "R", "stride": "s"})
        >>> pool(window=3).forward([[[1.0, 2.0, 0.0, 5.0, 4.0]]])
        array([[[2., 5.]]])
        >>> LayerKind(("bilinear",))(I=2, J=3, K=4)
        Layer(bilinear, w (4, 2, 3), b (4,))
    """

    operations: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, Start] = field(default_factory=dict)
    backward_takes: tuple[str, ...] = ()

    def __call__(
        self,
        *sizes: int | tuple[int, ...],
        seed: int | np.random.Generator | None = None,
        dtype: DTypeLike = np.float64,
        **named: Any,
    ) -> Layer:
        """Make a layer of these sizes and settings.

        Parameters start as the operation's record says: as a number, such as 0 or 1, or drawn from the normal
        distribution of mean 0 whose variance is 1 over the number of terms that are summed with them.

        Args:
            sizes: in the order of the row's sizes; they may also be given by name, as settings are.
            seed: a generator that parameters are drawn from, or the seed of one.
            dtype: of the parameters.

        Raises:
            InputError: there is no argument of that name, or one is missing, or no whole number of at least 1.
        """
        operation = find(self.operations[0])
        numbers = self._numbers(operation, sizes, named)
        generator = np.random.default_rng(seed)
        parameters = {
            tensor.name: self._start(operation, tensor, numbers, generator).astype(dtype)
            for tensor in learned_inputs(operation)
        }
        known = {*operation.record.defaults, *(symbol.name for symbol in operation.parameters)}
        return Layer(
            *self.operations,
            parameters=parameters,
            names=self.names,
            backward_takes=self.backward_takes,
            settings={name: number for name, number in numbers.items() if name in known},
        )

    @cached_property
    def arguments(self) -> Mapping[str, tuple[str, ...]]:
        """By what an argument is called, the operation's sizes and settings that it stands for, in the order of both.

        Those that must be given come first, as long as the row has no other order.
        """
        operation = find(self.operations[0])
        own = {name: tuple(letters.split()) for name, letters in self.sizes.items()}
        told = {letter for letters in own.values() for letter in letters}
        needed = [size.name for size in sizes_of_parameters(operation)]
        needed += [symbol.name for symbol in operation.parameters if symbol.name not in operation.record.defaults]
        rest = [name for name in (*needed, *operation.record.defaults) if name not in told]
        return {**own, **{name: (name,) for name in rest}}

    def _numbers(self, operation: Operation, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sizes and settings that are given, by the operation's names."""
        known, settings = self.arguments, operation.record.defaults
        needed = [name for name, letters in known.items() if not settings.keys() >= set(letters)]
        in_order = [*self.sizes] or needed
        values = {**dict(zip(in_order, given, strict=False)), **named}
        fits = len(given) <= len(in_order) and not named.keys() & set(in_order[: len(given)])
        if not fits or not known.keys() >= values.keys() or not values.keys() >= set(needed):
            expected = ", ".join(needed) or "no sizes"
            may = ", ".join(name for name in known if name not in needed)
            told = ", ".join([*map(str, given), *(f"{name}={value}" for name, value in named.items())]) or "none"
            raise InputError(
                f"{operation.name}: the layer takes {expected}{f', and as settings {may},' if may else ''} and was "
                f"given {told}"
            )
        numbers: dict[str, Any] = {}
        for name, value in values.items():
            letters = known[name]
            each = value if isinstance(value, tuple | list) else (value,) * len(letters)
            if len(each) != len(letters):
                expected = "one number" if len(letters) == 1 else f"one number or {len(letters)}"
                raise InputError(f"{operation.name}: {name} is {expected}, not {value!r}")
            numbers |= dict(zip(letters, each, strict=True))
            for letter, number in zip(letters, each, strict=True):
                if letter not in settings and (not isinstance(number, Integral) or number < 1):
                    raise InputError(f"{operation.name}: {name} is a whole number of at least 1, not {number!r}")
        return numbers

    def _start(
        self, operation: Operation, tensor: Tensor, numbers: Mapping[str, int], generator: np.random.Generator
    ) -> NDArray[Any]:
        """Return the values that a parameter starts with."""

        def extent(size: Expr) -> int:
            return int(size.xreplace({symbol: Integer(numbers[symbol.name]) for symbol in size.free_symbols}))

        start = self.starts.get(tensor.name, Start())
        shape = (*[1] * start.ones, *map(extent, tensor.sizes))
        number = operation.record.learned[tensor.name]
        if number != "normal":
            return np.full(shape, float(number))
        spread = start.spread
        if spread is None:
            spread = 1 / math.sqrt(math.prod(map(extent, summed_sizes(operation, tensor))))
        return np.asarray(spread * generator.standard_normal(shape))


def learned_inputs(operation: Operation) -> list[Tensor]:
    """Return the inputs that a layer of an operation keeps, in their order."""
    return [tensor for tensor in operation.differentiable if tensor.name in operation.record.learned]


def sizes_of_parameters(operation: Operation) -> list[Expr]:
    """Return the sizes that the parameters of an operation's layer have, in the operation's order."""
    symbols = {symbol for tensor in learned_inputs(operation) for size in tensor.sizes for symbol in size.free_symbols}
    return [size for size in operation.sizes if size in symbols]


def summed_sizes(operation: Operation, tensor: Tensor) -> list[Expr]:
    """Return the sizes of the indices of an input that are summed over where it is used.

    Example:
        >>> conv = find("conv2d")
        >>> summed_sizes(conv, conv.input("w")), summed_sizes(conv, conv.input("b"))
        ([C, R, Q], [])
    """
    for definition in operation.definitions:
        for element in sorted(nodes(definition.body, Element), key=str):
            if element.tensor == tensor:
                return [each.size for each in element.indices if _is_summed(each, definition)]
    return []


def _is_summed(place: Expr, definition: Definition) -> bool:
    return isinstance(place, Index) and place not in definition.indices
