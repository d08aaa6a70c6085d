"""Arithmetic on indices: affine forms such as ``s*t + r - p``, taken apart, put together, and equated in one way."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

import sympy
from sympy import Add, Expr, Integer, Mul, Symbol

from derive.indices import Index, Node


def split_form(expr: Expr) -> tuple[dict[Expr, Expr], Expr] | None:
    """Return what an affine form multiplies by which node, and its constant; None where it is no such form.

    Example:
        >>> from derive.indices import parameter, size
        >>> t, s = Index("t", size("T")), parameter("s")
        >>> split_form(s * (t + 1) - 2)
        ({t: s}, s - 2)
    """
    if isinstance(expr, Node):
        return {expr: Integer(1)}, Integer(0)
    if not expr.has(Node):
        return {}, expr
    coefficients: dict[Expr, Expr] = {}
    constant: Expr = Integer(0)
    if isinstance(expr, Add):
        parts: list[tuple[Expr, Expr]] = [(Integer(1), term) for term in expr.args]
    elif isinstance(expr, Mul):
        moving = [factor for factor in expr.args if factor.has(Node)]
        if len(moving) != 1:
            return None
        parts = [(Mul(*(factor for factor in expr.args if factor is not moving[0])), moving[0])]
    else:
        return None
    for times, part in parts:
        inner = split_form(part)
        if inner is None:
            return None
        constant += times * inner[1]
        for node, coefficient in inner[0].items():
            coefficients[node] = coefficients.get(node, Integer(0)) + times * coefficient
    kept = {node: sympy.expand(coefficient) for node, coefficient in coefficients.items()}
    return {node: coefficient for node, coefficient in kept.items() if coefficient != 0}, sympy.expand(constant)


def is_form(expr: Expr) -> bool:
    """Whether an index expression is arithmetic, so that it may stand for a place outside of the axis."""
    return isinstance(expr, (Add, Mul, Symbol)) and not isinstance(expr, Node)


def join_form(coefficients: Mapping[Expr, Expr], constant: Expr) -> Expr:
    """Return the affine form with these coefficients and this constant."""
    return Add(*(coefficient * node for node, coefficient in coefficients.items()), constant)


def balanced(left: Expr, right: Expr) -> tuple[Expr, Expr] | None:
    """The one way to write an equation of two forms, so that equal deltas are one object; None where none solves it.

    An index that stands alone on its side is solved for: ``m = s*t + r`` for m.

    Example:
        >>> from derive.indices import size
        >>> m, t = Index("m", size("M")), Index("t", size("T"))
        >>> balanced(2 * t, m - 1), balanced(2 * t, 2 * m + 1)
        ((m, 2*t + 1), None)
    """
    parts = split_form(left - right)
    if parts is None:
        return left, right
    coefficients, constant = parts
    if not coefficients:
        return left, right
    whole = [int(coefficient) for coefficient in coefficients.values() if coefficient.is_Integer]
    if len(whole) == len(coefficients) and constant.is_Integer:
        common = gcd(*whole)
        if int(constant) % common:
            return None
        coefficients = {node: coefficient / common for node, coefficient in coefficients.items()}
        constant /= common
    positive = [node for node, coefficient in coefficients.items() if not coefficient.could_extract_minus_sign()]
    negative = [node for node in coefficients if node not in positive]
    leads = [node for node, coefficient in coefficients.items() if isinstance(node, Index) and abs(coefficient) == 1]
    if leads:

        def key(node: Expr) -> tuple[int, str]:
            return len(positive if node in positive else negative), str(node.args[0])

        lead = min(leads, key=key)
        rest = {node: -coefficient / coefficients[lead] for node, coefficient in coefficients.items() if node != lead}
        return lead, join_form(rest, -constant / coefficients[lead])
    first = min(coefficients, key=sympy.default_sort_key)
    sign = 1 if first in positive else -1
    side = positive if first in positive else negative
    above = {node: sign * coefficients[node] for node in side}
    below = {node: -sign * coefficients[node] for node in coefficients if node not in above}
    return join_form(above, Integer(0)), join_form(below, -sign * constant)
