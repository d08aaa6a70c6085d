"""Numbers for expressions: every index a loop, every value a high-precision number, nothing clever.

It is the independent witness of the engine: steps are checked with it, claims are refuted with it. A derivative is
evaluated by a central difference, not by the engine's own rules.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import mpmath
import sympy
from sympy import Add, Expr, Mul, Pow, Symbol

from derive.budget import tick
from derive.errors import InputError, UnsupportedError
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.record import Definition
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices, has, nodes

Number = Any
Places = Mapping[Index, int]

#: Digits carried, and the step of a central difference: its error is about the step squared.
DIGITS = 60
STEP_DIGITS = 15

context = mpmath.mp.clone()
context.dps = DIGITS
STEP = context.mpf(10) ** -STEP_DIGITS
#: Slopes to both sides that differ by more than this, relative to their size, are those of a kink.
KINK = context.mpf(10) ** -6
#: Values to both sides that differ by more than this, relative to their size, have a jump between them.
JUMP = context.mpf(10) ** -7

#: Computed numbers that differ in this many of the last digits alone are the same: what is left of an exact tie.
TIE_DIGITS = 20
#: How many times the bits that are carried are taken from a longer integer.
SPARE = 4
#: Larger exponents are not evaluated: their results have more digits than can be carried.
LARGEST_EXPONENT = 10**6

COMPARISONS: dict[str, Callable[[int], bool]] = {
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
    "=": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
}
SCALAR_FUNCTIONS: dict[Any, Callable[[Number], Number]] = {
    sympy.exp: context.exp,
    sympy.log: context.log,
    sympy.sinh: context.sinh,
    sympy.cosh: context.cosh,
    sympy.tanh: context.tanh,
    sympy.erf: context.erf,
    sympy.Abs: abs,
    sympy.sign: context.sign,
}


class UndefinedError(ArithmeticError):
    """The expression has no value here: the logarithm of 0, a division by 0, a place outside of a tensor, a kink."""


def compare(left: Number, right: Number) -> int:
    """Return the sign of a difference, 0 where it is no more than rounding.

    Example:
        >>> compare(1, 2), compare(context.mpf(3), context.sqrt(3) ** 2)
        (-1, 0)
    """
    if isinstance(left, int) and isinstance(right, int):
        return (left > right) - (left < right)
    difference = left - right
    if abs(difference) <= _tie(context.dps) * (1 + abs(left) + abs(right)):
        if difference != 0 and context.dps > DIGITS:  # With so many digits it is asked for a sure answer.
            raise UndefinedError("numbers too close to be told apart")
        return 0
    return 1 if difference > 0 else -1


@lru_cache(maxsize=8)
def _tie(digits: int) -> Number:
    return context.mpf(10) ** (TIE_DIGITS - digits)


def agree(first: Number, second: Number, digits: int) -> bool:
    """Whether two numbers differ by nothing in so many digits; in so many places, where they are smaller than 1.

    Example:
        >>> agree(context.mpf(1) / 3, context.mpf("0.3333"), 3), agree(context.mpf(1) / 3, context.mpf("0.3333"), 5)
        (True, False)
    """
    return bool(abs(first - second) <= context.mpf(10) ** -digits * (1 + abs(first) + abs(second)))


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
    _computed: dict[tuple[Expr, tuple[int | None, ...]], Number] = field(default_factory=dict, repr=False)
    _moved: dict[tuple[Tensor, tuple[int, ...], bool], list[Assignment]] = field(default_factory=dict, repr=False)

    def value(self, expr: Any, places: Places | None = None) -> Number:
        """Return the number an expression stands for, its free indices at the given places.

        Raises:
            UndefinedError: there is no real number.
        """
        return self._value(expr, places or {})

    def forget(self) -> None:
        """Forget what was computed; needed after a change of ``values``."""
        self._computed.clear()
        self._moved.clear()
        for tensor in self.definitions:
            self.values.pop(tensor, None)

    def extent(self, index: Index) -> int:
        """The number of values an index takes."""
        return int(self._value(index.size, {}))

    def places(self, indices: Iterable[Index]) -> Iterable[dict[Index, int]]:
        """Every assignment of positions to the indices."""
        indices = tuple(indices)
        for where in product(*(range(self.extent(index)) for index in indices)):
            tick()
            yield dict(zip(indices, where, strict=True))

    def some_places(
        self, indices: Iterable[Index], most: int, generator: random.Random, telling: Iterable[int] = ()
    ) -> list[dict[Index, int]]:
        """At most so many assignments of positions: all of them in order, or some that are drawn.

        Every second one is drawn from the first positions, the last and the telling ones, where indices meet.

        Example:
            >>> from derive.indices import size
            >>> K = size("K"); j, k = Index("j", K), Index("k", K)
            >>> len(Assignment({K: 100_000}, {}).some_places([j, k], 3, random.Random(0)))
            3
        """
        indices = tuple(indices)
        extents = [self.extent(index) for index in indices]
        count = math.prod(extents)
        if count <= most:
            return list(self.places(indices))
        axes: list[list[Sequence[int]]] = [[range(extent) for extent in extents]]
        axes.append([sorted({0, 1, extent - 1, *telling} & set(range(extent))) for extent in extents])
        found: dict[tuple[int, ...], None] = {}
        for turn in range(2 * most):
            found[tuple(generator.choice(axis) for axis in axes[turn % 2])] = None
        return [dict(zip(indices, where, strict=True)) for where in list(found)[:most]]

    def _value(self, expr: Any, places: Places) -> Number:
        tick()
        rule = _RULES.get(type(expr))
        if rule is not None and rule not in _REMEMBERED:
            return rule(self, expr, places)
        if rule is not None or expr.func in SCALAR_FUNCTIONS:
            key = (expr, tuple(places.get(index) for index in _free(expr)))
            if key not in self._computed:
                self._computed[key] = (rule or Assignment._function)(self, expr, places)
            return self._computed[key]
        if isinstance(expr, sympy.Rational):
            return _rounded(expr.p) / _rounded(expr.q)
        if isinstance(expr, sympy.Float):
            return context.make_mpf(expr._mpf_)
        if isinstance(expr, sympy.NumberSymbol):
            return context.mpf(expr.evalf(context.dps))
        if isinstance(expr, Symbol):
            if expr not in self.sizes:
                raise InputError(f"no number was given for the size {expr}")
            return self.sizes[expr]
        if expr.is_number:
            raise UndefinedError("a number that is not real and finite")
        if has(expr, sympy.atan2):
            return self._real_part(expr, places)
        raise UnsupportedError(f"no rule to evaluate {type(expr).__name__}")

    def _real_part(self, expr: Expr, places: Places) -> Number:
        """What SymPy makes of the real part of a root: cos(e atan2(0, a)) |a|^e, with an angle of 0 where a > 0."""
        angles = nodes(expr, sympy.atan2)
        for angle in angles:
            if angle.args[0] != 0 or compare(self._value(angle.args[1], places), 0) <= 0:
                raise UndefinedError("a root of a negative number")
        return self._value(expr.xreplace(dict.fromkeys(angles, sympy.Integer(0))), places)

    def _function(self, expr: Expr, places: Places) -> Number:
        argument = self._value(expr.args[0], places)
        if expr.func is sympy.log and compare(argument, 0) <= 0:
            raise UndefinedError("the logarithm of a number that is not positive")
        if expr.func is sympy.exp and abs(argument) > LARGEST_EXPONENT:
            raise UndefinedError("an exponential too large to evaluate")
        if expr.func is sympy.sign:
            return compare(argument, 0)
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
        if abs(exponent) > LARGEST_EXPONENT:
            raise UndefinedError("a power too large to evaluate")
        nearest = int(context.nint(exponent))
        whole = compare(exponent, nearest) == 0
        if compare(base, 0) == 0:
            if exponent < 0:
                raise UndefinedError("a division by zero")
            return context.mpf(int(whole and nearest == 0))
        if base < 0 and not whole:
            raise UndefinedError("a root of a negative number")
        return context.mpf(base) ** (nearest if whole else exponent)

    def _index(self, expr: Index, places: Places) -> Number:
        place = places.get(expr)
        if place is None:
            raise InputError(f"no position was given for the index {expr.name}")
        return place

    def _element(self, expr: Element, places: Places) -> Number:
        where = self.position(expr, places)
        known = self.values.setdefault(expr.tensor, {})
        if where not in known:
            definition = self.definitions.get(expr.tensor)
            if definition is None and self.held is not None:
                return self.held._element(expr, places)
            outside = self._outside(expr, where)
            if outside and not any(own.is_Integer and own >= 0 for own in outside):
                return 0
            if outside or (definition is None and known):
                raise UndefinedError(f"{expr.tensor.name} has no element at {where}")
            if definition is None:
                raise InputError(f"no number was given for {expr.tensor.name} at {where}")
            known[where] = self._value(definition.body, dict(zip(definition.indices, where, strict=True)))
        return known[where]

    def _outside(self, element: Element, where: tuple[int, ...]) -> list[Expr]:
        """The index expressions that stand for a place outside of their axis: there an element is 0, or is not."""
        axes = zip(element.indices, where, element.tensor.sizes, strict=True)
        return [own for own, place, size in axes if not 0 <= place < self._value(size, {})]

    def position(self, element: Element, places: Places) -> tuple[int, ...]:
        """The position of an element."""
        values = tuple(self._value(index, places) for index in element.indices)
        if all(isinstance(value, int) for value in values):
            return values
        if any(compare(value, context.nint(value)) for value in values):
            raise UndefinedError(f"a position of {element.tensor.name} that is not an integer")
        return tuple(int(context.nint(value)) for value in values)

    def _delta(self, expr: Delta, places: Places) -> Number:
        return int(compare(self._value(expr.left, places), self._value(expr.right, places)) == 0)

    def _bracket(self, expr: Bracket, places: Places) -> Number:
        return int(COMPARISONS[expr.relation](compare(self._value(expr.left, places), self._value(expr.right, places))))

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
        largest = max(values)
        return next(place for place, value in enumerate(values) if compare(value, largest) == 0)

    def _matrix(self, expr: MatrixFunction, places: Places) -> list[list[Number]]:
        entry, row, column = expr.opened(places)
        rows = range(self.extent(row))
        return [[context.mpf(self._value(entry, {**places, row: i, column: j})) for j in rows] for i in rows]

    def _inverse(self, expr: Inverse, places: Places) -> Number:
        """An element of the solution of M X = 1."""
        where = self._value(expr.row, places), self._value(expr.column, places)
        entries = self._matrix(expr, places)
        if not all(isinstance(place, int) and 0 <= place < len(entries) for place in where):
            raise UndefinedError("an inverse has no element there")
        unit = [[context.mpf(i == where[1])] for i in range(len(entries))]
        _, solution = eliminate(entries, unit)
        return solution[where[0]][0]

    def _determinant(self, expr: Determinant, places: Places) -> Number:
        return eliminate(self._matrix(expr, places), None)[0]

    def _log_determinant(self, expr: LogDeterminant, places: Places) -> Number:
        determinant = eliminate(self._matrix(expr, places), None)[0]
        if determinant == 0:
            raise UndefinedError("the logarithm of the determinant of a singular matrix")
        return context.log(abs(determinant))

    def _partial(self, expr: Partial, places: Places) -> Number:
        """A central difference: of a defined tensor the total derivative, of an expression with other names held."""
        element = expr.element
        where = self.position(element, places)
        if self._outside(element, where):
            raise UndefinedError(f"{element.tensor.name} has no element at {where}")
        here = self._value(element, places)
        inner = expr.body
        while isinstance(inner, Partial):
            inner = inner.body
        total = isinstance(inner, Element) and inner.tensor in self.definitions
        key = element.tensor, where, total
        if key not in self._moved:
            self._moved[key] = [self._with(element.tensor, where, moved, total) for moved in (here - STEP, here + STEP)]
        before, after = self._moved[key]
        sides = [before._value(expr.body, places), self._value(expr.body, places), after._value(expr.body, places)]
        below, above = (sides[1] - sides[0]) / STEP, (sides[2] - sides[1]) / STEP
        if abs(above - below) > KINK * (1 + abs(above) + abs(below)):
            raise UndefinedError("no derivative at a kink")
        if abs(sides[2] - sides[0]) > JUMP * (1 + abs(sides[1])):
            raise UndefinedError("no derivative at a kink: a jump")
        return (above + below) / 2

    def _with(self, tensor: Tensor, where: tuple[int, ...], number: Number, total: bool) -> Assignment:
        """This assignment with another number at one place; what is defined follows it if the change is total."""
        definitions = {t: d for t, d in self.definitions.items() if t != tensor} if total else {}
        numbers = dict(_whole(self, tensor)) | {where: number}
        values = {t: dict(v) for t, v in self.values.items() if t not in self.definitions}
        return Assignment(self.sizes, values | {tensor: numbers}, definitions, held=self)


def eliminate(entries: list[list[Number]], right: list[list[Number]] | None) -> tuple[Number, list[list[Number]]]:
    """Return a determinant and, for a right side, the solution: Gauss and Jordan's way, with the largest pivots.

    Raises:
        UndefinedError: there is a right side and the matrix is singular.

    Example:
        >>> determinant, solution = eliminate([[0, 2], [1, 1]], [[4], [5]])
        >>> int(determinant), [int(number) for number, in solution]
        (-2, [3, 2])
    """
    rows = [
        [*map(context.mpf, row), *map(context.mpf, right[place] if right else ())] for place, row in enumerate(entries)
    ]
    scale = 1 + max((abs(number) for row in entries for number in row), default=0)
    determinant = context.mpf(1)
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda place: abs(rows[place][column]))
        if compare(rows[pivot][column] / scale, 0) == 0:
            if right is not None:
                raise UndefinedError("the inverse of a singular matrix")
            return context.mpf(0), []
        if pivot != column:
            rows[column], rows[pivot], determinant = rows[pivot], rows[column], -determinant
        determinant *= rows[column][column]
        rows[column] = [number / rows[column][column] for number in rows[column]]
        for place, row in enumerate(rows):
            if place != column:
                rows[place] = [a - row[column] * b for a, b in zip(row, rows[column], strict=True)]
    return determinant, [row[len(rows) :] for row in rows]


def _rounded(integer: int) -> Number:
    """An integer, of which no more bits are looked at than can matter."""
    excess = max(0, integer.bit_length() - SPARE * context.prec)
    return context.ldexp(context.mpf(integer >> excess), excess)


def _whole(assignment: Assignment, tensor: Tensor) -> dict[tuple[int, ...], Number]:
    """All the numbers of a defined tensor."""
    definition = assignment.definitions.get(tensor)
    if definition is None:
        return (
            assignment.values[tensor]
            if tensor in assignment.values or not assignment.held
            else _whole(assignment.held, tensor)
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
    Inverse: Assignment._inverse,
    Determinant: Assignment._determinant,
    LogDeterminant: Assignment._log_determinant,
    Partial: Assignment._partial,
}


#: Rules whose results are kept, by the places of the free indices.
_REMEMBERED = frozenset(
    _RULES[kind] for kind in (Pow, IndexSum, IndexMax, IndexArgmax, Inverse, Determinant, LogDeterminant, Partial)
)


@lru_cache(maxsize=10_000)
def _free(expr: Expr) -> tuple[Index, ...]:
    return tuple(free_indices(expr))
