"""A witness that shares nothing with the engine but the meaning of its nodes.

It evaluates definitions number by number in many digits, and differentiates what it did backwards. At a kink it takes
the side that is declared: of a maximum or minimum of two the second argument's, of a maximum over an index the first
of the largest, of a choice the branch that the condition chooses; the slope of the absolute value at 0 is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy

from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.operation import Operation
from derive.stability import guard_absent
from derive.sums import IndexMax, IndexSum

#: Digits carried: what is left of 1 by the smallest number of float64 still has more than 50.
DIGITS = 450
context = mpmath.mp.clone()
context.dps = DIGITS


#: By name, by place.
Found = dict[str, dict[tuple[int, ...], Any]]
#: The gradients that come in, in turn.
UPSTREAM = (1.0, -2.0, 0.5)


def upstream(place: tuple[int, ...]) -> float:
    """What comes in at a place of the output."""
    return UPSTREAM[sum(place) % len(UPSTREAM)]


class UndefinedError(ArithmeticError):
    """The definition has no value here."""


class Number:
    """A value, and by which numbers it moves, each with its partial derivative."""

    __slots__ = ("grad", "moves", "parents", "value")

    def __init__(self, value: Any, *parents: tuple[Number, Any], moves: bool = False) -> None:
        self.value = value
        self.parents = tuple(parent for parent in parents if parent[0].moves)
        self.moves = moves or bool(self.parents)
        self.grad = context.zero


FUNCTIONS: dict[Any, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    sympy.exp: (context.exp, lambda x, y: y),
    sympy.log: (context.log, lambda x, y: 1 / x),
    sympy.sin: (context.sin, lambda x, y: context.cos(x)),
    sympy.cos: (context.cos, lambda x, y: -context.sin(x)),
    sympy.tan: (context.tan, lambda x, y: 1 / context.cos(x) ** 2),
    sympy.asin: (context.asin, lambda x, y: 1 / context.cos(y)),
    sympy.acos: (context.acos, lambda x, y: -1 / context.sin(y)),
    sympy.atan: (context.atan, lambda x, y: context.cos(y) ** 2),
    sympy.sinh: (context.sinh, lambda x, y: context.cosh(x)),
    sympy.cosh: (context.cosh, lambda x, y: context.sinh(x)),
    sympy.tanh: (context.tanh, lambda x, y: 4 / (context.exp(x) + context.exp(-x)) ** 2),
    sympy.erf: (context.erf, lambda x, y: 2 / context.sqrt(context.pi) * context.exp(-x * x)),
    sympy.Abs: (abs, lambda x, y: context.sign(x)),
}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class Tape:
    """The definitions at one sample of inputs, evaluated, with what is needed to go back.

    Attributes:
        other_sides: take the side of a kink that is not declared.
        is_kink: whether a kink was met.
        is_steep: whether a slope was met that is not finite.
    """

    def __init__(
        self,
        operation: Operation,
        arrays: Mapping[str, np.ndarray],
        whole: Mapping[Any, int] | None = None,
        other_sides: bool = False,
    ) -> None:
        self.operation = operation
        self.definitions = {d.tensor: d for d in guard_absent(operation.definitions, operation.record.absent)}
        self.sizes: dict[Any, int] = dict(whole or {})
        self.numbers: dict[Any, Number | int] = {}
        self.numbered: list[Number] = []
        self.other_sides = other_sides
        self.is_kink = self.is_steep = False
        for tensor in operation.inputs:
            array = arrays[tensor.name]
            self.sizes |= dict(zip(tensor.sizes, array.shape, strict=True))
            for place in np.ndindex(array.shape):
                number = array[place].item()
                moves = tensor in operation.differentiable
                whole = tensor.values is not None
                self.numbers[tensor, place] = int(number) if whole else Number(context.mpf(number), moves=moves)

        for extent in operation.extents:
            self.sizes[extent.size] = self.whole(extent.span, {}) // self.whole(extent.step, {}) + 1

    def new(self, value: Any, *parents: tuple[Number, Any]) -> Number:
        number = Number(value, *parents)
        self.numbered.append(number)
        return number

    def whole(self, expr: Any, places: Mapping[Index, int]) -> int:
        """A size or a position."""
        if isinstance(expr, Index):
            return places[expr]
        if isinstance(expr, Element):
            found = self.numbers[expr.tensor, tuple(self.whole(index, places) for index in expr.indices)]
            assert isinstance(found, int)
            return found
        return int(expr.xreplace({**self.sizes, **places}))

    def over(self, node: Any, places: Mapping[Index, int]) -> Iterator[Number]:
        for where in product(*(range(self.whole(index.size, {})) for index in node.bound)):
            yield self.at(node.body, {**places, **dict(zip(node.bound, where, strict=True))})

    def holds(self, bracket: Bracket, places: Mapping[Index, int]) -> bool:
        left, right = self.at(bracket.left, places), self.at(bracket.right, places)
        is_tie = left.value == right.value and (left.moves or right.moves)
        self.is_kink |= is_tie
        return RELATIONS[bracket.relation](left.value, right.value) != (is_tie and self.other_sides)

    def largest(self, numbers: list[Number]) -> Number:
        """The first of the largest numbers; the last where the other sides are taken."""
        value = max(number.value for number in numbers)
        equal = [number for number in numbers if number.value == value]
        self.is_kink |= len(equal) > 1 and any(number.moves for number in equal)
        return equal[-1 if self.other_sides else 0]

    def smallest(self, numbers: list[Number]) -> Number:
        value = min(number.value for number in numbers)
        equal = [number for number in numbers if number.value == value]
        self.is_kink |= len(equal) > 1 and any(number.moves for number in equal)
        return equal[-1 if self.other_sides else 0]

    def at(self, expr: Any, places: Mapping[Index, int]) -> Number:
        """The number that an expression stands for."""
        if isinstance(expr, Element):
            key = expr.tensor, tuple(self.whole(index, places) for index in expr.indices)
            if key not in self.numbers:
                definition = self.definitions[expr.tensor]
                self.numbers[key] = self.at(definition.body, dict(zip(definition.indices, key[1], strict=True)))
            found = self.numbers[key]
            assert isinstance(found, Number)
            return found
        if isinstance(expr, sympy.Rational):
            return Number(context.mpf(int(expr.p)) / int(expr.q))
        if isinstance(expr, sympy.Float | sympy.NumberSymbol):
            return Number(context.mpf(expr.evalf(DIGITS)))
        if isinstance(expr, sympy.Symbol):
            return Number(context.mpf(self.sizes[expr]))
        if isinstance(expr, Delta):
            return Number(context.mpf(self.whole(expr.left, places) == self.whole(expr.right, places)))
        if isinstance(expr, Bracket):
            return Number(context.mpf(self.holds(expr, places)))
        if isinstance(expr, Where):
            return self.at(expr.chosen if self.holds(expr.condition, places) else expr.other, places)
        if isinstance(expr, IndexSum):
            return self.total(list(self.over(expr, places)))
        if isinstance(expr, IndexMax):
            return self.largest(list(self.over(expr, places)))
        arguments = [self.at(argument, places) for argument in expr.args]
        if isinstance(expr, sympy.Add):
            return self.total(arguments)
        if isinstance(expr, Maximum | Minimum):
            second_first = arguments[::-1]
            return self.largest(second_first) if isinstance(expr, Maximum) else self.smallest(second_first)
        if isinstance(expr, sympy.Mul):
            result = arguments[0]
            for factor in arguments[1:]:
                result = self.new(result.value * factor.value, (result, factor.value), (factor, result.value))
            return result
        if isinstance(expr, sympy.Pow):
            return self.power(*arguments)
        (inner,), (function, slope) = arguments, FUNCTIONS[expr.func]
        if expr.func is sympy.log and inner.value <= 0:
            raise UndefinedError
        value = function(inner.value)
        partial = slope(inner.value, value)
        if expr.func is sympy.Abs and inner.value == 0 and inner.moves:
            self.is_kink, partial = True, int(self.other_sides)
        return self.new(value, (inner, partial))

    def total(self, terms: list[Number]) -> Number:
        return self.new(sum((term.value for term in terms), context.zero), *((term, 1) for term in terms))

    def power(self, base: Number, exponent: Number) -> Number:
        a, b = base.value, exponent.value
        whole = context.isint(b)
        if (a == 0 and b < 0) or (a < 0 and not whole) or (a <= 0 and exponent.moves):
            raise UndefinedError
        if a == 0 and b < 1 and b != 0 and base.moves:
            self.is_steep = True
            return Number(context.zero)
        power = (lambda e: a ** int(e)) if whole and abs(b) < 1000 else (lambda e: a**e)
        steps = [(base, b * power(b - 1))] if b != 0 and base.moves else []
        return self.new(power(b), *steps, *([(exponent, power(b) * context.log(a))] if exponent.moves else []))

    def outputs(self) -> dict[tuple[int, ...], Number]:
        """The only output's numbers by place.

        Raises:
            UndefinedError: the definition has no value here.
        """
        output = self.operation.output
        shape = tuple(self.whole(size, {}) for size in output.tensor.sizes)
        return {
            where: self.at(output.target, dict(zip(output.indices, where, strict=True))) for where in np.ndindex(shape)
        }

    def gradients(self) -> Found:
        """The gradients by input and place, where ``upstream`` comes in."""
        for place, number in self.outputs().items():
            number.grad += upstream(place)
        for number in reversed(self.numbered):
            for parent, partial in number.parents:
                parent.grad += number.grad * partial
        found: Found = {tensor.name: {} for tensor in self.operation.differentiable}
        for (tensor, place), number in self.numbers.items():
            if tensor in self.operation.differentiable:
                found[tensor.name][place] = number.grad
        return found


def exact(operation: Operation, arrays: Mapping[str, np.ndarray]) -> Found | None:
    """By name and place the output, called "", and the gradients where there is no kink; None where it is undefined."""
    tape = Tape(operation, arrays)
    try:
        found: Found = {"": {place: number.value for place, number in tape.outputs().items()}}
    except UndefinedError:
        return None
    return found if tape.is_kink or tape.is_steep else found | tape.gradients()
