r"""Affine index forms such as ``s*t + d*r - p``: where they lie, what they are solved for, and what is 0 outside.

An element that a form addresses outside of its axis is 0. So :math:`\sum_t f(t) \, \delta(m, t + r)` is
:math:`f(m - r)` where :math:`m - r` is a position of t, and 0 elsewhere: an element in f that stands at t says so by
itself, and else a bracket does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import gcd

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Symbol

from derive.canonical import structure_key
from derive.functions import Where
from derive.index_arithmetic import is_form, join_form, split_form
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, extent
from derive.matrices import Inverse, LogDeterminant
from derive.sums import IndexArgmax, IndexSum, free_indices, nodes


def is_never_negative(expr: Expr) -> bool:
    """Whether an expression of sizes and whole numbers is at least 0 whatever they are; a size is at least 1.

    Example:
        >>> from derive.indices import parameter, size
        >>> is_never_negative(parameter("d") * (size("R") - 1)), is_never_negative(size("R") - 2)
        (True, False)
    """
    shifted = expr.xreplace({symbol: 1 + _least_moved(symbol) for symbol in expr.free_symbols if symbol.is_positive})
    return bool(sympy.expand(shifted).is_nonnegative)


def _least_moved(symbol: Symbol) -> Symbol:
    return Symbol(f"{symbol.name}'", integer=True, nonnegative=True)


def bounds(expr: Expr) -> tuple[Expr, Expr] | None:
    """Return the least and the largest value that a form can take; None where a sign is not known.

    Example:
        >>> from derive.indices import parameter, size
        >>> t, r = Index("t", size("T")), Index("r", size("R"))
        >>> bounds(t - r + 1)
        (2 - R, T)
    """
    parts = split_form(expr)
    if parts is None:
        return None
    coefficients, low = parts
    high = low
    for node, coefficient in coefficients.items():
        count = _count(node)
        if count is None:
            return None
        if is_never_negative(coefficient):
            high += coefficient * (count - 1)
        elif is_never_negative(-coefficient):
            low += coefficient * (count - 1)
        else:
            return None
    return low, high


def _count(node: Expr) -> Expr | None:
    """How many values a node takes, counted from 0."""
    if isinstance(node, IndexArgmax):
        return node.bound[0].size if len(node.bound) == 1 else None
    return extent(node)


def is_position(where: Expr, size: Expr) -> bool:
    """Whether an index expression is known to be a position of an axis of that size.

    Example:
        >>> from derive.indices import size
        >>> I = size("I"); i = Index("i", I)
        >>> is_position(i, I), is_position(I - 1 - i, I), is_position(i - 1, I)
        (True, True, False)
    """
    if extent(where) == size or where == 0:
        return True
    if not is_form(where):
        return False
    found = bounds(where)
    return found is not None and is_never_negative(found[0]) and is_never_negative(size - 1 - found[1])


def is_outside(where: Expr, size: Expr) -> bool:
    """Whether a form is known to be no position of an axis of that size, whatever its indices are.

    Example:
        >>> from derive.indices import size
        >>> T = size("T"); t = Index("t", T)
        >>> is_outside(-t - 1, T), is_outside(T + t, T), is_outside(t - 1, T)
        (True, True, False)
    """
    found = bounds(where) if is_form(where) else None
    return found is not None and (is_never_negative(-1 - found[1]) or is_never_negative(found[0] - size))


def within(where: Expr, size: Expr) -> Expr:
    """Return the product of brackets that is 1 where a form is a position of an axis of that size, and 0 elsewhere.

    Example:
        >>> from derive.indices import size
        >>> T = size("T"); t = Index("t", T)
        >>> within(t - 1, T), within(t, T)
        ([t - 1 >= 0], 1)
    """
    if is_position(where, size):
        return Integer(1)
    low, high = bounds(where) or (None, None)
    result: Expr = Integer(1)
    if low is None or not is_never_negative(low):
        result *= Bracket(">=", where, 0)
    if high is None or not is_never_negative(size - 1 - high):
        result *= Bracket(">", size, where)
    return result


def is_whole(expr: Expr) -> bool:
    """Whether an expression is a whole number made of indices, whole numbers and sizes, with an index among them."""
    parts = split_form(expr)
    if parts is None or not parts[0]:
        return False
    nodes = all(extent(node) is not None or isinstance(node, IndexArgmax) for node in parts[0])
    return nodes and all(part.is_integer for part in (*parts[0].values(), parts[1]))


def positive_form(difference: Expr) -> tuple[int, Expr]:
    """Return the one form for ``[d > 0]`` of a whole number d: a sign and an e with [d > 0] = [e > 0], or 1 - [e > 0].

    Returns:
        (1, e) or (-1, e); of a form whose sign is known the number is 1 or 0.

    Example:
        >>> from derive.indices import size
        >>> t, r = Index("t", size("T")), Index("r", size("R"))
        >>> positive_form(2 * r - 2 * t + 1), positive_form(t + 1), positive_form(-t)
        ((1, r - t + 1), (1, 1), (1, 0))
    """
    coefficients, constant = split_form(difference) or ({}, difference)
    whole = [int(coefficient) for coefficient in coefficients.values() if coefficient.is_Integer]
    if len(whole) == len(coefficients) and constant.is_Integer:
        common = gcd(*whole)
        coefficients = {node: coefficient / common for node, coefficient in coefficients.items()}
        constant = sympy.ceiling(constant / common)
    form = join_form(coefficients, constant)
    low, high = bounds(form) or (None, None)
    if low is not None and is_never_negative(low - 1):
        return 1, Integer(1)
    if high is not None and is_never_negative(-high):
        return 1, Integer(0)
    first = min(coefficients, key=lambda node: (str(_count(node)), structure_key(node)))
    if coefficients[first].could_extract_minus_sign():
        return -1, sympy.expand(1 - form)
    return 1, sympy.expand(form)


@lru_cache(maxsize=50_000)
def implies(element: Element, bracket: Bracket) -> bool:
    """Whether a comparison ``[d > 0]`` or ``[d >= 0]`` holds wherever an element is on its axes and so may not be 0.

    Example:
        >>> from derive.indices import Tensor, size
        >>> T = size("T"); t, x = Index("t", T), Tensor("x", (T,))
        >>> implies(x[t - 2], Bracket(">=", t - 1, 0)), implies(x[t - 1], Bracket(">=", t - 2, 0))
        (True, False)
    """
    least = bracket.left - bracket.right - (1 if bracket.relation == ">" else 0)
    if bracket.relation not in (">", ">=") or not is_whole(least):
        return False
    for where, size in zip(element.indices, element.tensor.sizes, strict=True):
        for inside in (where, size - 1 - where):  # Both are at least 0 there.
            found = bounds(least - inside)
            if found is not None and is_never_negative(found[0]):
                return True
    return False


def solutions(delta: Delta) -> Iterator[tuple[Index, Expr]]:
    """Yield the indices that a delta can be solved for, each with what it equals: those with a coefficient of 1 or -1.

    Example:
        >>> from derive.indices import size
        >>> m, t, r = (Index(letter, size(letter.upper())) for letter in "mtr")
        >>> sorted(solutions(Delta(m, t + 2 * r)), key=str)
        [(m, 2*r + t), (t, m - 2*r)]
    """
    if not (is_form(delta.left) or is_form(delta.right)):
        for index, other in ((delta.left, delta.right), (delta.right, delta.left)):
            if isinstance(index, Index) and index not in free_indices(other):
                yield index, other
        return
    parts = split_form(delta.left - delta.right)
    if parts is None:
        return
    coefficients, constant = parts
    for index, coefficient in coefficients.items():
        rest = {node: -other / coefficient for node, other in coefficients.items() if node != index}
        is_alone = not any(index in free_indices(node) for node in rest)
        if isinstance(index, Index) and abs(coefficient) == 1 and is_alone:
            yield index, join_form(rest, -constant / coefficient)


def vanishes_outside(expr: Expr, index: Index) -> bool:
    """Whether an expression, put at a form in the index's place, is 0 where that is no position: by an element of it.

    Example:
        >>> from derive.indices import Tensor, size
        >>> n = Index("n", size("N")); x = Tensor("x", (size("N"),))
        >>> vanishes_outside(2 * x[n], n), vanishes_outside(x[n] + 1, n), vanishes_outside(1 / x[n], n)
        (True, False, False)
    """
    return is_total(expr, index) and _has_factor_at(expr, index)


def _has_factor_at(expr: Expr, index: Index) -> bool:
    if isinstance(expr, Element):
        return any(
            where == index and size == index.size for where, size in zip(expr.indices, expr.tensor.sizes, strict=True)
        )
    if isinstance(expr, Mul):
        return any(_has_factor_at(factor, index) for factor in expr.args)
    if isinstance(expr, Add):
        return all(_has_factor_at(term, index) for term in expr.args)
    if isinstance(expr, Pow):
        return bool(expr.exp.is_positive) and _has_factor_at(expr.base, index)
    return isinstance(expr, IndexSum) and index not in expr.bound and _has_factor_at(expr.body, index)


def is_total(expr: Expr, index: Index) -> bool:
    """Whether what depends on an index has a value wherever its elements have one.

    Quotients, roots, logarithms and inverses of matrices have not.
    """
    partial = [
        part
        for part in nodes(expr, Pow, sympy.log, Inverse, LogDeterminant)
        if index in free_indices(part) and not (isinstance(part, Pow) and part.exp.is_Integer and part.exp.is_positive)
    ]
    return not partial


def guarded(expr: Expr, places: dict[Index, Expr], value: Expr) -> Expr:
    """Return a definition's value at forms: 0 where one of them is no position of its index.

    Args:
        expr: the definition's body.
        places: by index, the form in its place.
        value: the body at these forms.
    """
    for index, where in places.items():
        if where.is_Integer and where.is_negative:
            return Integer(0)
        is_plain = not is_form(where) and not (isinstance(where, Index) and where.size != index.size)
        if is_plain or is_position(where, index.size) or vanishes_outside(expr, index):
            continue
        inside = within(where, index.size)
        if is_total(expr, index):
            factors = _factors(value)
            brackets = [each for each in Mul.make_args(inside) if isinstance(each, Bracket)]
            value *= Mul(*(each for each in brackets if not any(implies(factor, each) for factor in factors)))
        else:
            for bracket in Mul.make_args(inside):
                value = Where(bracket, value, 0) if isinstance(bracket, Bracket) else value
    return value


def _factors(expr: Expr) -> list[Element]:
    """The elements that an expression is a product with, under a sum or outside of one."""
    if isinstance(expr, IndexSum):
        return [each for each in _factors(expr.body) if not free_indices(each) & set(expr.bound)]
    if isinstance(expr, Mul):
        return [element for factor in expr.args for element in _factors(factor)]
    return [expr] if isinstance(expr, Element) else []


def lands_on_a_number(expr: Expr, index: Index, where: Expr) -> bool:
    """Whether a form of an index becomes a number above 0 where the index is that place: nothing tells that it is one.

    A number in an index's place is a position of its axis; a form may stand for none.
    """
    return any(
        is_form(place)
        and index in free_indices(place)
        and (moved := place.xreplace({index: where})).is_Integer
        and moved > 0
        for element in nodes(expr, Element)
        for place in element.indices
    )
