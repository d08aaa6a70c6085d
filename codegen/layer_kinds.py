"""Kinds of layers, as data: which operation, what a user calls its sizes and tensors, and how its parameters start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sympy import Expr, Integer

from codegen.layer import Layer
from derive.arguments import arguments_of, learned_inputs, read_arguments
from derive.catalogue import find
from derive.definitions import Definition
from derive.errors import InputError
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.sums import nodes

#: How many numbers a parameter may hold: an array of more would exhaust the memory before anything is computed.
MOST_NUMBERS = 10**8


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

    Which inputs the layer keeps, how these start, and what its sizes are called, the operation's record says; a row
    says what the layer calls its tensors.

    Attributes:
        operations: the operation and its other forms.
        names: by the operation's name of a tensor, the layer's.
        starts: by the operation's name, how a parameter starts, where not as the record says.
        backward_takes: as in ``Layer``.

    Example:
        >>> LayerKind(("max-pool1d",))(window=3).forward([[[1.0, 2.0, 0.0, 5.0, 4.0]]])
        array([[[2., 5.]]])
        >>> LayerKind(("bilinear",))(n_left=2, n_right=3, n_neurons=4)
        Layer(bilinear, w (4, 2, 3), b (4,))
    """

    operations: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
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
            sizes: in the order of the record's arguments; they may also be given by name, as settings are.
            seed: a generator that parameters are drawn from, or the seed of one.
            dtype: of the parameters.

        Raises:
            InputError: there is no argument of that name, or one is missing, or no whole number of at least 1; or a
                parameter would hold more than ``MOST_NUMBERS``.
        """
        operation = find(self.operations[0])
        numbers = read_arguments(operation, sizes, named)
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
        """By what an argument is called, the operation's sizes and settings that it stands for."""
        return arguments_of(find(self.operations[0]))

    def _start(
        self, operation: Operation, tensor: Tensor, numbers: Mapping[str, int], generator: np.random.Generator
    ) -> NDArray[Any]:
        """Return the values that a parameter starts with."""

        def extent(size: Expr) -> int:
            return int(size.xreplace({symbol: Integer(numbers[symbol.name]) for symbol in size.free_symbols}))

        start = self.starts.get(tensor.name, Start())
        shape = (*[1] * start.ones, *map(extent, tensor.sizes))
        if math.prod(shape) > MOST_NUMBERS:
            held = f"{tensor.name} of {operation.name} would hold {' x '.join(map(str, shape))} numbers"
            raise InputError(f"{held}; expected {MOST_NUMBERS} at most: give smaller sizes")
        number = operation.record.learned[tensor.name]
        if number != "normal":
            return np.full(shape, float(number))
        spread = start.spread
        if spread is None:
            spread = 1 / math.sqrt(math.prod(map(extent, summed_sizes(operation, tensor))))
        return np.asarray(spread * generator.standard_normal(shape))


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
