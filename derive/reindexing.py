r"""Another index to sum over: :math:`\sum_t y_t w_{m-t} = \sum_r y_{m-r} w_r`, for what is outside of an axis is 0.

Both sides sum over the pairs with t + r = m. Of all such forms of a sum one is taken: with the fewest minus signs,
with the forms in gradients, as textbooks write the adjoint of a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import Expr, Mul, Rational

from derive.affine import is_total, vanishes_outside
from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.index_arithmetic import is_form, join_form, split_form
from derive.indices import Element, Index
from derive.sums import IndexSum, free_indices, has, nodes, substitute

Factors = list[tuple[Expr, Rational]]

#: So many forms of one sum are looked at.
MOST_FORMS = 24


def best_form(factors: Factors, bound: frozenset[Index], fresh: Callable[[Index], Index]) -> IndexSum:
    """Return the sum of a product over indices in the form that is taken of all those reached by new indices.

    Args:
        fresh: gives an index a name that occurs nowhere else.
    """
    first = _sum_of(factors, bound)
    if not any(is_form(where) for atom, _ in factors for e in nodes(atom, Element) for where in e.indices):
        return first
    known = {first: _key(first)}
    waiting = [(factors, bound)]
    while waiting and len(known) < MOST_FORMS:
        state = waiting.pop(0)
        for other in _others(*state, fresh):
            tick()
            total = _sum_of(*other)
            if total not in known:
                known[total] = _key(total)
                waiting.append(other)
    return min(known, key=known.__getitem__)


def _sum_of(factors: Factors, bound: frozenset[Index]) -> IndexSum:
    body = Mul(*(atom**exponent for atom, exponent in factors))
    total: IndexSum = canonical(IndexSum(body, *sorted(bound, key=lambda index: index.name)))
    return total


def _key(total: IndexSum) -> tuple[int, int, int, str]:
    minus = others = terms = 0
    for element in nodes(total, Element):
        for where in element.indices:
            parts = split_form(where) if is_form(where) else None
            if parts is not None:
                minus += sum(coefficient.could_extract_minus_sign() for coefficient in parts[0].values())
                others += not element.tensor.role
                terms += len(parts[0])
    return minus, others, terms, structure_key(total)


def _others(
    factors: Factors, bound: frozenset[Index], fresh: Callable[[Index], Index]
) -> Iterator[tuple[Factors, frozenset[Index]]]:
    """The forms in which the sum runs over the axis of another element, in the place of an index that stands there."""
    elements = [atom for atom, exponent in factors if isinstance(atom, Element) and exponent > 0]
    for index in sorted(bound, key=lambda index: index.name):
        moving = [(atom, exponent) for atom, exponent in factors if index in free_indices(atom)]
        if not all(is_total(atom**exponent, index) for atom, exponent in moving):
            continue
        if not any(exponent > 0 and vanishes_outside(atom, index) for atom, exponent in moving):
            continue
        for element in elements:
            for where, size in zip(element.indices, element.tensor.sizes, strict=True):
                parts = split_form(where) if is_form(where) else None
                if parts is None or abs(parts[0].get(index, 0)) != 1:
                    continue
                coefficients, constant = parts
                sign = coefficients.pop(index)
                if any(index in free_indices(node) for node in coefficients):
                    continue
                new = fresh(Index(index.name, size))
                rest = {node: -sign * coefficient for node, coefficient in coefficients.items()}
                value = join_form({**rest, new: sign}, -sign * constant)
                moved = [(_settled(substitute(atom, {index: value})), exponent) for atom, exponent in factors]
                yield moved, bound - {index} | {new}


def _settled(expr: Expr) -> Expr:
    """An expression with the forms in its elements multiplied out."""
    if isinstance(expr, Element):
        return Element(expr.tensor, *(_joined(where) for where in expr.indices))
    if not expr.args or not has(expr, Element):
        return expr
    return expr.func(*(_settled(part) if isinstance(part, Expr) else part for part in expr.args))


def _joined(where: Expr) -> Expr:
    parts = split_form(where) if is_form(where) else None
    return where if parts is None else join_form(*parts)
