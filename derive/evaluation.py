"""Numbers for expressions: every index a loop, every value a high-precision number, nothing clever.

It is the independent witness of the engine: steps are checked with it, claims are refuted with it. A derivative is
evaluated by a central difference, not by the engine's own rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import sympy
from sympy import Add, Expr, Mul, Pow, Symbol

from derive.errors import InputError, UnsupportedError
from derive.facts import Fact
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.record import Definition
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices

Number = Any
Places = Mapping[Index, int]

#: Digits carried, and the step of a central difference: its error is about the step squared.
DIGITS = 60
STEP_DIGITS = 15

context = mpmath.mp.clone()
context.dps = DIGITS
STEP = context.mpf(10) ** -STEP_DIGITS

COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
SCALAR_FUNCTIONS: dict[Any, Callable[[Number], Number]] = {
    sympy.exp: context.exp,
    sympy.log: context.log,
    sympy.tanh: context.tanh,
    sympy.erf: context.erf,
    sympy.Abs: abs,
    sympy.sign: context.sign,
}


class UndefinedError(ArithmeticError):
    """The expression has no real value here: a logarithm of a number that is not positive, a division by zero."""


@dataclass
class Assignment:
    """Numbers for sizes and tensors; defined tensors are computed when asked for.

    Attributes:
        sizes: by size symbol.
        values: by tensor, by position.
        definitions: by tensor.
        held: where tensors not known here are looked up; what they were before something was moved.

    Example:
        >>> from derive.indices import size
        >>> from derive.sums import IndexSum
        >>> K = size("K"); k = Index("k", K); p = Tensor("p", (K,))
        >>> here = Assignment({K: 2}, {p: {(0,): 1, (1,): 5}})
        >>> int(here.value(IndexSum(p[k] ** 2, k)))
        26
    """

    sizes: dict[Symbol, int]
    values: dict[Tensor, dict[tuple[int, ...], Number]]
    definitions: dict[Tensor, Definition] = field(default_factory=dict)
    held: Assignment | None = None

    def value(self, expr: Any, places: Places | None = None) -> Number:
        """Return the number an expression stands for, its free indices at the given places.

        Raises:
            UndefinedError: there is no real number.
        """
        return self._value(expr, places or {})

    def extent(self, index: Index) -> int:
        """The number of values an index takes."""
        return int(self._value(index.size, {}))

    def places(self, indices: Iterable[Index]) -> Iterable[dict[Index, int]]:
        """Every assignment of positions to the indices."""
        indices = tuple(indices)
        for where in product(*(range(self.extent(index)) for index in indices)):
            yield dict(zip(indices, where, strict=True))

    def _value(self, expr: Any, places: Places) -> Number:
        rule = _RULES.get(type(expr))
        if rule is not None:
            return rule(self, expr, places)
        if isinstance(expr, sympy.Rational):
            return context.mpf(expr.p) / expr.q
        if isinstance(expr, sympy.NumberSymbol):
            return context.mpf(expr.evalf(DIGITS))
        if isinstance(expr, Symbol):
            if expr not in self.sizes:
                raise InputError(f"no number was given for the size {expr}")
            return self.sizes[expr]
        if expr.func in SCALAR_FUNCTIONS:
            return self._function(expr, places)
        raise UnsupportedError(f"no rule to evaluate {type(expr).__name__}")

    def _function(self, expr: Expr, places: Places) -> Number:
        argument = self._value(expr.args[0], places)
        if expr.func is sympy.log and argument <= 0:
            raise UndefinedError("the logarithm of a number that is not positive")
        return SCALAR_FUNCTIONS[expr.func](argument)

    def _add(self, expr: Add, places: Places) -> Number:
        return context.fsum(self._value(term, places) for term in expr.args)

    def _mul(self, expr: Mul, places: Places) -> Number:
        result = context.mpf(1)
        for factor in expr.args:
            result *= self._value(factor, places)
        return result

    def _pow(self, expr: Pow, places: Places) -> Number:
        base, exponent = self._value(expr.args[0], places), self._value(expr.args[1], places)
        if base == 0 and exponent < 0:
            raise UndefinedError("a division by zero")
        if base < 0 and exponent != int(exponent):
            raise UndefinedError("a root of a negative number")
        return context.mpf(base) ** (int(exponent) if exponent == int(exponent) else exponent)

    def _index(self, expr: Index, places: Places) -> Number:
        if expr not in places:
            raise InputError(f"no position was given for the index {expr.name}")
        return places[expr]

    def _element(self, expr: Element, places: Places) -> Number:
        where = tuple(int(self._value(index, places)) for index in expr.indices)
        known = self.values.setdefault(expr.tensor, {})
        if where not in known:
            definition = self.definitions.get(expr.tensor)
            if definition is None and self.held is not None:
                return self.held._element(expr, places)
            if definition is None:
                raise InputError(f"no number was given for {expr.tensor.name} at {where}")
            known[where] = self._value(definition.body, dict(zip(definition.indices, where, strict=True)))
        return known[where]

    def _delta(self, expr: Delta, places: Places) -> Number:
        return int(self._value(expr.left, places) == self._value(expr.right, places))

    def _bracket(self, expr: Bracket, places: Places) -> Number:
        return int(COMPARISONS[expr.relation](self._value(expr.left, places), self._value(expr.right, places)))

    def _where(self, expr: Where, places: Places) -> Number:
        return self._value(expr.chosen if self._value(expr.condition, places) else expr.other, places)

    def _maximum(self, expr: Maximum, places: Places) -> Number:
        return max(self._value(expr.left, places), self._value(expr.right, places))

    def _minimum(self, expr: Minimum, places: Places) -> Number:
        return min(self._value(expr.left, places), self._value(expr.right, places))

    def _sum(self, expr: IndexSum, places: Places) -> Number:
        return context.fsum(self._value(expr.body, {**places, **bound}) for bound in self.places(expr.bound))

    def _max(self, expr: IndexMax, places: Places) -> Number:
        return max(self._value(expr.body, {**places, **bound}) for bound in self.places(expr.bound))

    def _argmax(self, expr: IndexArgmax, places: Places) -> Number:
        values = [self._value(expr.body, {**places, **bound}) for bound in self.places(expr.bound)]
        return values.index(max(values))

    def _partial(self, expr: Partial, places: Places) -> Number:
        """A central difference: of a defined tensor the total derivative, of an expression with other names held."""
        element = expr.element
        where = tuple(int(self._value(index, places)) for index in element.indices)
        here = self._value(element, places)
        total = isinstance(expr.body, Element) and expr.body.tensor in self.definitions
        definitions = {t: d for t, d in self.definitions.items() if t != element.tensor} if total else {}
        sides = []
        for moved in (here + STEP, here - STEP):
            numbers = dict(_whole(self, element.tensor)) | {where: moved}
            values = {t: dict(v) for t, v in self.values.items() if t not in self.definitions}
            changed = Assignment(self.sizes, values | {element.tensor: numbers}, definitions, held=self)
            sides.append(changed._value(expr.body, places))
        return (sides[0] - sides[1]) / (2 * STEP)


def _whole(assignment: Assignment, tensor: Tensor) -> dict[tuple[int, ...], Number]:
    """All the numbers of a defined tensor."""
    definition = assignment.definitions.get(tensor)
    if definition is None:
        return assignment.values[tensor] if tensor in assignment.values or not assignment.held else _whole(
            assignment.held, tensor
        )
    for places in assignment.places(definition.indices):
        assignment.value(tensor[definition.indices] if definition.indices else tensor(), places)
    return dict(assignment.values[tensor])


_RULES: dict[Any, Callable[[Assignment, Any, Places], Number]] = {
    Add: Assignment._add,
    Mul: Assignment._mul,
    Pow: Assignment._pow,
    Index: Assignment._index,
    Element: Assignment._element,
    Delta: Assignment._delta,
    Bracket: Assignment._bracket,
    Where: Assignment._where,
    Maximum: Assignment._maximum,
    Minimum: Assignment._minimum,
    IndexSum: Assignment._sum,
    IndexMax: Assignment._max,
    IndexArgmax: Assignment._argmax,
    Partial: Assignment._partial,
}


def sample(
    tensors: Iterable[Tensor],
    sizes: Mapping[Symbol, int],
    generator: random.Random,
    domain: Mapping[str, tuple[float, float]] | None = None,
    positive: bool = False,
) -> dict[Tensor, dict[tuple[int, ...], Number]]:
    """Draw rational values for tensors: in their domain's interval, labels among the positions they may take.

    Values are small fractions that a person can retype; ``positive`` draws all of them above 0.
    """
    values: dict[Tensor, dict[tuple[int, ...], Number]] = {}
    for tensor in sorted(tensors, key=lambda each: (each.name, each.role)):
        line = (0.0, 2.0) if positive else (-2.0, 2.0)
        low, high = (domain or {}).get(tensor.name, line) if not tensor.role else line
        positions = product(*(range(_integer(extent, sizes)) for extent in tensor.sizes))
        values[tensor] = {}
        for where in positions:
            if tensor.values is not None:
                values[tensor][where] = generator.randrange(_integer(tensor.values, sizes))
            else:
                grain = 64 if high - low >= 0.5 else 4096
                drawn = generator.randint(int(low * grain) + 1, int(high * grain) - 1)
                values[tensor][where] = context.mpf(drawn) / grain
    return values


def impose(fact: Fact, assignment: Assignment) -> None:
    """Scale the values so that a fact of the form sum of elements = right holds."""
    for places in assignment.places(sorted(free_indices(fact.left), key=lambda index: index.name)):
        total = assignment.value(fact.left, places)
        wanted = assignment.value(fact.right, places)
        for element in fact.left.atoms(Element):
            for bound in assignment.places(fact.left.bound):
                where = tuple(int(assignment.value(i, {**places, **bound})) for i in element.indices)
                numbers = assignment.values[element.tensor]
                if total != 0:
                    numbers[where] = numbers[where] * wanted / total


def _integer(extent: Expr, sizes: Mapping[Symbol, int]) -> int:
    return int(extent.xreplace({symbol: sympy.Integer(number) for symbol, number in sizes.items()}))
