"""What evaluates an expression: a function made of it once, which is called with numbers often.

Every node becomes a function of the numbers at hand and of the places of the indices; a sum is a loop. Nothing is
simplified on the way. Values are high-precision numbers, or Python's integers where they are whole by their nature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, product
from typing import Any

import sympy
from mpmath.libmp import mpf_mul, mpf_mul_int, mpf_pow_int
from sympy import Add, Expr, Mul, Pow, Symbol

from derive.budget import tick
from derive.errors import InputError, UnsupportedError
from derive.functions import HalfTangent, Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.precision import (
    COMPARISONS,
    LARGEST_EXPONENT,
    SCALAR_FUNCTIONS,
    STEP,
    Number,
    UndefinedError,
    compare,
    context,
    eliminate,
    power,
    power_of_zero,
    raw,
    rounded,
    slope,
    total,
)
from derive.record import Definition
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices, has, nodes

#: Integers of so many bits are computed with as they are.
SHORT = 64

#: What is computed with.
KINDS = (int, context.mpf)

#: Where indices stand, by their slots.
Env = dict[str, int]
Position = tuple[int, ...]


@dataclass
class Numbers:
    """What is known: numbers for sizes and tensors, and what was computed of them.

    Attributes:
        sizes: by size symbol.
        values: by tensor, by position.
        definitions: by tensor.
        held: where tensors not known here are looked up; what they were before something was moved.
    """

    sizes: dict[Symbol, int]
    values: dict[Tensor, dict[Position, Number]]
    definitions: dict[Tensor, Definition] = field(default_factory=dict)
    held: Numbers | None = None
    _computed: dict[Any, Number] = field(default_factory=dict, repr=False)
    _known: dict[int, dict[Position, Number]] = field(default_factory=dict, repr=False)
    _moved: dict[Any, tuple[Numbers, Numbers]] = field(default_factory=dict, repr=False)

    def forget(self) -> None:
        """Forget what was computed; needed after a change of ``values``."""
        self._computed.clear()
        self._known.clear()
        self._moved.clear()
        for tensor in self.definitions:
            self.values.pop(tensor, None)

    def _own(self, tensor: Tensor) -> dict[Position, Number]:
        """What is known of a tensor; NumPy's numbers and others are made into those that are computed with."""
        known = self.values.setdefault(tensor, {})
        if any(type(number) not in KINDS for number in known.values()):
            known = {where: _number(number) for where, number in known.items()}
            self.values[tensor] = known
        return known

    def _find(self, element: Element, where: Position, env: Env) -> Number:
        """An element that is not known yet: it is computed, or it is looked up in what is held, or there is none."""
        tensor = element.tensor
        known = self._own(tensor)
        definition = self.definitions.get(tensor)
        if definition is None and self.held is not None:
            return evaluator(element)(self.held, env)
        outside = self._outside(element, where)
        if outside and not any(own.is_Integer and own >= 0 for own in outside):
            return 0
        if outside or (definition is None and known):
            raise UndefinedError(f"{tensor.name} has no element at {where}")
        if definition is None:
            raise InputError(f"no number was given for {tensor.name} at {where}")
        tick()
        known[where] = evaluator(definition.body)(self, dict(zip(map(slot, definition.indices), where, strict=True)))
        return known[where]

    def _outside(self, element: Element, where: Position) -> list[Expr]:
        """The index expressions that stand for a place outside of their axis: there an element is 0, or is not."""
        axes = zip(element.indices, where, element.tensor.sizes, strict=True)
        return [own for own, place, size in axes if not 0 <= place < evaluator(size)(self, {})]

    def _whole(self, tensor: Tensor) -> dict[Position, Number]:
        """All the numbers of a tensor."""
        definition = self.definitions.get(tensor)
        if definition is None:
            return self.values[tensor] if tensor in self.values or self.held is None else self.held._whole(tensor)
        value, slots = evaluator(definition.target), [slot(index) for index in definition.indices]
        for where in product(*(range(extent_of(index)(self)) for index in definition.indices)):
            value(self, dict(zip(slots, where, strict=True)))
        return self.values[tensor]

    def _beside(self, tensor: Tensor, where: Position, here: Number, total: bool) -> tuple[Numbers, Numbers]:
        """These numbers with one of them moved a step down and up; what is defined follows if the change is total."""
        key = tensor, where, total
        if key not in self._moved:
            definitions = {t: d for t, d in self.definitions.items() if t != tensor} if total else {}
            kept = {t: v for t, v in self.values.items() if t not in self.definitions}
            whole = self._whole(tensor)
            below, above = (
                Numbers(
                    self.sizes,
                    {t: dict(v) for t, v in kept.items()} | {tensor: whole | {where: moved}},
                    definitions,
                    held=self,
                )
                for moved in (here - STEP, here + STEP)
            )
            self._moved[key] = below, above
        return self._moved[key]


Evaluator = Callable[[Numbers, Env], Number]
_identities = count()


@lru_cache(maxsize=10_000)
def slot(index: Index) -> str:
    """Return under what the place of an index is kept: a text, which is looked up sooner than an expression.

    Example:
        >>> from derive.indices import size
        >>> slot(Index("k", size("K"))) == slot(Index("k", size("N")))
        False
    """
    return f"{index.name} {sympy.srepr(index.size)}"


@lru_cache(maxsize=20_000)
def evaluator(expr: Expr) -> Evaluator:
    """Return the function that evaluates an expression.

    Where there is no value, it is calling the function that raises: of a choice only one side is evaluated.

    Example:
        >>> from derive.indices import size
        >>> K = size("K"); k = Index("k", K); a = Tensor("a", (K,))
        >>> here = Numbers({K: 2}, {a: {(0,): 1, (1,): 5}})
        >>> int(evaluator(IndexSum(a[k] ** 2, k) * K)(here, {}))
        52
    """
    tick()
    rule = _RULES.get(expr.func)
    if rule is not None:
        return rule(expr)
    if isinstance(expr, sympy.Integer) and abs(expr.p).bit_length() <= SHORT:
        return _same(expr.p)
    if isinstance(expr, sympy.Rational):
        return _constant(lambda: rounded(expr.p) / rounded(expr.q))
    if isinstance(expr, sympy.Float):
        return _constant(lambda: context.make_mpf(expr._mpf_))
    if isinstance(expr, sympy.NumberSymbol):
        return _constant(lambda: context.mpf(expr.evalf(context.dps)))
    if isinstance(expr, Symbol):
        return _size(expr)
    if expr.is_number:
        return _raising(UndefinedError("a number that is not real and finite"))
    if has(expr, sympy.atan2):
        return _real_part(expr)
    return _raising(UnsupportedError(f"no rule to evaluate {type(expr).__name__}"))


@lru_cache(maxsize=10_000)
def extent_of(index: Index) -> Callable[[Numbers], int]:
    """Return the function that gives the number of values an index takes.

    Example:
        >>> from derive.indices import size
        >>> K = size("K")
        >>> extent_of(Index("k", K))(Numbers({K: 2}, {}))
        2
    """
    value, identity = evaluator(index.size), next(_identities)

    def extent(numbers: Numbers) -> int:
        if identity not in numbers._computed:
            numbers._computed[identity] = int(value(numbers, {}))
        return int(numbers._computed[identity])

    return extent


def position_of(element: Element) -> Callable[[Numbers, Env], Position]:
    """Return the function that gives the position an element stands at."""
    axes = tuple(map(evaluator, element.indices))
    name = element.tensor.name

    def position(numbers: Numbers, env: Env) -> Position:
        where = tuple([axis(numbers, env) for axis in axes])
        for place in where:
            if type(place) is not int:
                return _integers(name, where)
        return where

    return position


def _integers(name: str, where: tuple[Number, ...]) -> Position:
    if any(compare(place, context.nint(place)) for place in where):
        raise UndefinedError(f"a position of {name} that is not an integer")
    return tuple(int(context.nint(place)) for place in where)


# -- numbers ----------------------------------------------------------------------------------------------------------


def _same(number: int) -> Evaluator:
    return lambda numbers, env: number


def _constant(make: Callable[[], Number]) -> Evaluator:
    """A number that depends on how many digits are carried."""
    made: dict[int, Number] = {}

    def constant(numbers: Numbers, env: Env) -> Number:
        digits = context.prec
        if digits not in made:
            made[digits] = make()
        return made[digits]

    return constant


def _raising(error: Exception) -> Evaluator:
    def undefined(numbers: Numbers, env: Env) -> Number:
        raise type(error)(*error.args)

    return undefined


def _size(symbol: Symbol) -> Evaluator:
    def size(numbers: Numbers, env: Env) -> Number:
        if symbol not in numbers.sizes:
            raise InputError(f"no number was given for the size {symbol}")
        return numbers.sizes[symbol]

    return size


def _index(expr: Index) -> Evaluator:
    own, name = slot(expr), expr.name

    def index(numbers: Numbers, env: Env) -> Number:
        place = env.get(own)
        if place is None:
            raise InputError(f"no position was given for the index {name}")
        return place

    return index


def _number(number: Any) -> Number:
    return int(number) if hasattr(number, "__index__") else context.mpf(number)


def _remembered(expr: Expr, compute: Evaluator) -> Evaluator:
    """The function with its results kept, by the places of the free indices."""
    identity, slots = next(_identities), tuple(sorted(map(slot, free_indices(expr))))

    def remembered(numbers: Numbers, env: Env) -> Number:
        key = (identity, *[env.get(each) for each in slots]) if slots else identity
        found = numbers._computed.get(key)
        if found is None:
            found = numbers._computed[key] = compute(numbers, env)
        return found

    return remembered


# -- arithmetic -------------------------------------------------------------------------------------------------------


def _add(expr: Add) -> Evaluator:
    terms = tuple(map(evaluator, expr.args))
    return lambda numbers, env: total([term(numbers, env) for term in terms])


def _mul(expr: Mul) -> Evaluator:
    factors = tuple(map(evaluator, expr.args))

    def multiply(numbers: Numbers, env: Env) -> Number:
        precision = context._prec_rounding
        whole, others = 1, None
        for factor in factors:
            value = factor(numbers, env)
            if type(value) is int:
                whole *= value
            else:
                others = value._mpf_ if others is None else mpf_mul(others, value._mpf_, *precision)
        if others is None:
            return whole
        return context.make_mpf(others if whole == 1 else mpf_mul_int(others, whole, *precision))

    return multiply


def _pow(expr: Pow) -> Evaluator:
    base, exponent = map(evaluator, expr.args)
    if not isinstance(expr.exp, sympy.Integer) or abs(expr.exp) > LARGEST_EXPONENT:
        return _remembered(expr, lambda numbers, env: power(base(numbers, env), exponent(numbers, env)))
    whole = int(expr.exp)

    def whole_power(numbers: Numbers, env: Env) -> Number:
        value = base(numbers, env)
        if compare(value, 0) == 0:
            return power_of_zero(whole)
        return context.make_mpf(mpf_pow_int(raw(value), whole, *context._prec_rounding))

    return whole_power if isinstance(expr.base, (Element, Symbol, Index)) else _remembered(expr, whole_power)


FUNCTIONS: dict[Any, Callable[[Number], Number]] = {
    **SCALAR_FUNCTIONS,
    HalfTangent: lambda angle: context.tan(angle / 2),
}


def _function(expr: Expr) -> Evaluator:
    kind, argument = expr.func, evaluator(expr.args[0])
    apply = FUNCTIONS[kind]

    def function(numbers: Numbers, env: Env) -> Number:
        value = argument(numbers, env)
        if kind is sympy.log and compare(value, 0) <= 0:
            raise UndefinedError("the logarithm of a number that is not positive")
        if kind in (sympy.asin, sympy.acos) and compare(abs(value), 1) > 0:
            raise UndefinedError("an arcsine or arccosine of a number outside of -1 and 1")
        if kind is sympy.exp and abs(value) > LARGEST_EXPONENT:
            raise UndefinedError("an exponential too large to evaluate")
        return apply(value)

    return _remembered(expr, function)


def _real_part(expr: Expr) -> Evaluator:
    """What SymPy makes of the real part of a root: cos(e atan2(0, a)) |a|^e, with an angle of 0 where a > 0."""
    angles = nodes(expr, sympy.atan2)
    bases = [evaluator(angle.args[1]) if angle.args[0] == 0 else None for angle in angles]
    plain = expr.xreplace(dict.fromkeys(angles, sympy.Integer(0)))

    def real_part(numbers: Numbers, env: Env) -> Number:
        if any(base is None or compare(base(numbers, env), 0) <= 0 for base in bases):
            raise UndefinedError("a root of a negative number")
        return evaluator(plain)(numbers, env)

    return real_part


# -- indicators and choices -------------------------------------------------------------------------------------------


def _compared(expr: Delta | Bracket, holds: Callable[[int], bool]) -> Evaluator:
    left, right = evaluator(expr.left), evaluator(expr.right)
    return lambda numbers, env: int(holds(compare(left(numbers, env), right(numbers, env))))


def _where(expr: Where) -> Evaluator:
    condition, chosen, other = evaluator(expr.condition), evaluator(expr.chosen), evaluator(expr.other)
    return lambda numbers, env: (chosen if condition(numbers, env) else other)(numbers, env)


def _extreme(expr: Maximum | Minimum, choose: Callable[[Number, Number], Number]) -> Evaluator:
    left, right = evaluator(expr.left), evaluator(expr.right)
    return lambda numbers, env: choose(left(numbers, env), right(numbers, env))


# -- tensors, sums and matrices ---------------------------------------------------------------------------------------


def _element(expr: Element) -> Evaluator:
    position, tensor, identity = position_of(expr), expr.tensor, next(_identities)

    def element(numbers: Numbers, env: Env) -> Number:
        known = numbers._known.get(identity)
        if known is None:
            known = numbers._known[identity] = numbers._own(tensor)
        where = position(numbers, env)
        return known[where] if where in known else numbers._find(expr, where, env)

    return element


def _bound(expr: IndexSum | IndexMax | IndexArgmax) -> Callable[[Numbers, Env], Iterator[Number]]:
    """The body's values at all places of the bound indices."""
    body = evaluator(expr.body)
    slots, extents = tuple(map(slot, expr.bound)), tuple(map(extent_of, expr.bound))

    def values(numbers: Numbers, env: Env) -> Iterator[Number]:
        inner = dict(env)
        for where in product(*(range(extent(numbers)) for extent in extents)):
            tick()
            inner.update(zip(slots, where, strict=True))
            yield body(numbers, inner)

    return values


def _sum(expr: IndexSum) -> Evaluator:
    values = _bound(expr)
    return _remembered(expr, lambda numbers, env: total(list(values(numbers, env))))


def _max(expr: IndexMax) -> Evaluator:
    values = _bound(expr)
    return _remembered(expr, lambda numbers, env: max(values(numbers, env)))


def _argmax(expr: IndexArgmax) -> Evaluator:
    values = _bound(expr)

    def first(numbers: Numbers, env: Env) -> Number:
        found = list(values(numbers, env))
        largest = max(found)
        return next(place for place, value in enumerate(found) if compare(value, largest) == 0)

    return _remembered(expr, first)


def _matrix(expr: MatrixFunction) -> Callable[[Numbers, Env], list[list[Number]]]:
    opened, row, column = expr.opened()
    entry, extent, slots = evaluator(opened), extent_of(row), (slot(row), slot(column))

    def matrix(numbers: Numbers, env: Env) -> list[list[Number]]:
        rows = range(extent(numbers))
        return [[context.mpf(entry(numbers, env | dict(zip(slots, (i, j), strict=True)))) for j in rows] for i in rows]

    return matrix


def _inverse(expr: Inverse) -> Evaluator:
    """An element of the solution of M X = 1."""
    matrix, row, column = _matrix(expr), evaluator(expr.row), evaluator(expr.column)

    def inverse(numbers: Numbers, env: Env) -> Number:
        where = row(numbers, env), column(numbers, env)
        entries = matrix(numbers, env)
        if not all(isinstance(place, int) and 0 <= place < len(entries) for place in where):
            raise UndefinedError("an inverse has no element there")
        unit = [[context.mpf(i == where[1])] for i in range(len(entries))]
        _, solution = eliminate(entries, unit)
        return solution[where[0]][0]

    return _remembered(expr, inverse)


def _determinant(expr: Determinant) -> Evaluator:
    matrix = _matrix(expr)
    return _remembered(expr, lambda numbers, env: eliminate(matrix(numbers, env), None)[0])


def _log_determinant(expr: LogDeterminant) -> Evaluator:
    matrix = _matrix(expr)

    def logarithm(numbers: Numbers, env: Env) -> Number:
        determinant = eliminate(matrix(numbers, env), None)[0]
        if determinant == 0:
            raise UndefinedError("the logarithm of the determinant of a singular matrix")
        return context.log(abs(determinant))

    return _remembered(expr, logarithm)


# -- derivatives ------------------------------------------------------------------------------------------------------


def _partial(expr: Partial) -> Evaluator:
    """A central difference: of a defined tensor the total derivative, of an expression with other names held."""
    element: Element = expr.element
    body, position, value = evaluator(expr.body), position_of(element), evaluator(element)
    inner = expr.body
    while isinstance(inner, Partial):
        inner = inner.body

    def partial(numbers: Numbers, env: Env) -> Number:
        where = position(numbers, env)
        if numbers._outside(element, where):
            raise UndefinedError(f"{element.tensor.name} has no element at {where}")
        is_total = isinstance(inner, Element) and inner.tensor in numbers.definitions
        before, after = numbers._beside(element.tensor, where, value(numbers, env), is_total)
        return slope(body(before, env), body(numbers, env), body(after, env))

    return _remembered(expr, partial)


_RULES: Mapping[Any, Callable[[Any], Evaluator]] = {
    Add: _add,
    Mul: _mul,
    Pow: _pow,
    **dict.fromkeys(FUNCTIONS, _function),
    Index: _index,
    Element: _element,
    Delta: lambda expr: _compared(expr, COMPARISONS["="]),
    Bracket: lambda expr: _compared(expr, COMPARISONS[expr.relation]),
    Where: _where,
    Maximum: lambda expr: _extreme(expr, max),
    Minimum: lambda expr: _extreme(expr, min),
    IndexSum: _sum,
    IndexMax: _max,
    IndexArgmax: _argmax,
    Inverse: _inverse,
    Determinant: _determinant,
    LogDeterminant: _log_determinant,
    Partial: _partial,
}
