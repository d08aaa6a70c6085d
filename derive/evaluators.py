"""What evaluates an expression: a function made of it once, which is called with numbers often.

Every node becomes a function of the numbers at hand and of the places of the indices; a sum is a loop. Nothing is
simplified on the way. Values are high-precision numbers, or Python's integers where they are whole by their nature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

from sympy import Expr, Symbol

from derive.arithmetic import RULES, evaluated_number
from derive.budget import tick
from derive.environment import Env, Evaluator, Numbers, Position, identities, remembering, slot
from derive.errors import InputError
from derive.indices import Element, Index, Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.precision import STEP, Number, UndefinedError, compare, context, eliminate, slope, total
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial


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
    if expr.func in RULES:
        return RULES[expr.func](expr, evaluator)
    rule = _RULES.get(expr.func)
    if rule is not None:
        return rule(expr)
    return _size(expr) if isinstance(expr, Symbol) else evaluated_number(expr)


@lru_cache(maxsize=10_000)
def extent_of(index: Index) -> Callable[[Numbers], int]:
    """Return the function that gives the number of values an index takes.

    Example:
        >>> from derive.indices import size
        >>> K = size("K")
        >>> extent_of(Index("k", K))(Numbers({K: 2}, {}))
        2
    """
    value, identity = evaluator(index.size), next(identities)

    def extent(numbers: Numbers) -> int:
        if identity not in numbers.computed:
            numbers.computed[identity] = int(value(numbers, {}))
        return int(numbers.computed[identity])

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


# -- sizes, indices and elements --------------------------------------------------------------------------------------


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


def _element(expr: Element) -> Evaluator:
    position, tensor, identity = position_of(expr), expr.tensor, next(identities)

    def element(numbers: Numbers, env: Env) -> Number:
        known = numbers.known.get(identity)
        if known is None:
            known = numbers.known[identity] = numbers.own(tensor)
        where = position(numbers, env)
        return known[where] if where in known else _find(numbers, expr, where, env)

    return element


def _find(numbers: Numbers, element: Element, where: Position, env: Env) -> Number:
    """An element that is not known yet: it is computed, or it is looked up in what is held, or there is none."""
    tensor = element.tensor
    known = numbers.own(tensor)
    definition = numbers.definitions.get(tensor)
    if definition is None and numbers.held is not None:
        return evaluator(element)(numbers.held, env)
    outside = _outside(numbers, element, where)
    if outside and not any(own.is_Integer and own >= 0 for own in outside):
        return 0
    if outside or (definition is None and known):
        raise UndefinedError(f"{tensor.name} has no element at {where}")
    if definition is None:
        raise InputError(f"no number was given for {tensor.name} at {where}")
    tick()
    known[where] = evaluator(definition.body)(numbers, dict(zip(map(slot, definition.indices), where, strict=True)))
    return known[where]


def _outside(numbers: Numbers, element: Element, where: Position) -> list[Expr]:
    """The index expressions that stand for a place outside of their axis: there an element is 0, or is not."""
    axes = zip(element.indices, where, element.tensor.sizes, strict=True)
    return [own for own, place, size in axes if not 0 <= place < evaluator(size)(numbers, {})]


# -- sums and matrices -------------------------------------------------------------------------------------------------


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
    return remembering(expr, lambda numbers, env: total(list(values(numbers, env))))


def _max(expr: IndexMax) -> Evaluator:
    values = _bound(expr)
    return remembering(expr, lambda numbers, env: max(values(numbers, env)))


def _argmax(expr: IndexArgmax) -> Evaluator:
    values = _bound(expr)

    def first(numbers: Numbers, env: Env) -> Number:
        found = list(values(numbers, env))
        largest = max(found)
        return next(place for place, value in enumerate(found) if compare(value, largest) == 0)

    return remembering(expr, first)


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

    return remembering(expr, inverse)


def _determinant(expr: Determinant) -> Evaluator:
    matrix = _matrix(expr)
    return remembering(expr, lambda numbers, env: eliminate(matrix(numbers, env), None)[0])


def _log_determinant(expr: LogDeterminant) -> Evaluator:
    matrix = _matrix(expr)

    def logarithm(numbers: Numbers, env: Env) -> Number:
        determinant = eliminate(matrix(numbers, env), None)[0]
        if determinant == 0:
            raise UndefinedError("the logarithm of the determinant of a singular matrix")
        return context.log(abs(determinant))

    return remembering(expr, logarithm)


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
        if _outside(numbers, element, where):
            raise UndefinedError(f"{element.tensor.name} has no element at {where}")
        is_total = isinstance(inner, Element) and inner.tensor in numbers.definitions
        before, after = _beside(numbers, element.tensor, where, value(numbers, env), is_total)
        return slope(body(before, env), body(numbers, env), body(after, env))

    return remembering(expr, partial)


def _whole(numbers: Numbers, tensor: Tensor) -> dict[Position, Number]:
    """All the numbers of a tensor."""
    definition = numbers.definitions.get(tensor)
    if definition is None:
        elsewhere = numbers.held if tensor not in numbers.values else None
        return numbers.values[tensor] if elsewhere is None else _whole(elsewhere, tensor)
    value, slots = evaluator(definition.target), [slot(index) for index in definition.indices]
    for where in product(*(range(extent_of(index)(numbers)) for index in definition.indices)):
        value(numbers, dict(zip(slots, where, strict=True)))
    return numbers.values[tensor]


def _beside(numbers: Numbers, tensor: Tensor, where: Position, here: Number, is_total: bool) -> tuple[Numbers, Numbers]:
    """These numbers with one of them moved a step down and up; what is defined follows if the derivative is total."""
    key = tensor, where, is_total
    if key not in numbers.moved:
        definitions = {t: d for t, d in numbers.definitions.items() if t != tensor} if is_total else {}
        kept = {t: v for t, v in numbers.values.items() if t not in numbers.definitions}
        whole = _whole(numbers, tensor)
        below, above = (
            Numbers(
                numbers.sizes,
                {t: dict(v) for t, v in kept.items()} | {tensor: whole | {where: moved}},
                definitions,
                held=numbers,
            )
            for moved in (here - STEP, here + STEP)
        )
        numbers.moved[key] = below, above
    return numbers.moved[key]


_RULES: Mapping[Any, Callable[[Any], Evaluator]] = {
    Index: _index,
    Element: _element,
    IndexSum: _sum,
    IndexMax: _max,
    IndexArgmax: _argmax,
    Inverse: _inverse,
    Determinant: _determinant,
    LogDeterminant: _log_determinant,
    Partial: _partial,
}
