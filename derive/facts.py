"""Facts: equations that are given, used as rewriting rules from left to right.

A fact ``sum(t[n,k], k) = 1`` holds for every value of its free indices, so it is a pattern: the free indices match any
index expression over the same size.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr, Mul, Rational

from derive.canonical import canonical
from derive.errors import InputError
from derive.indices import Element, Index, Tensor, extent
from derive.sums import Binder, IndexSum, free_indices, substitute

Factors = list[tuple[Expr, Rational]]


@dataclass(frozen=True)
class Requirement:
    """``left = right`` for every value of the free indices of both: what numbers have to satisfy."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Fact:
    """``left = right`` for every value of the free indices of ``left``.

    Raises:
        InputError: the left side is not a sum of a product, which is what the engine can look for.

    Example:
        >>> from derive.indices import size
        >>> N, K = size("N"), size("K"); n, k = Index("n", N), Index("k", K)
        >>> fact = Fact(IndexSum(Tensor("t", (N, K))[n, k], k), sympy.Integer(1), "sum(t[n,k], k) = 1")
        >>> fact.text
        'sum(t[n,k], k) = 1'
    """

    left: Expr
    right: Expr
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.left, IndexSum):
            raise InputError(f"the fact {self.text!r} must have a sum on its left side, such as sum(t[n,k], k) = 1")
        stray = free_indices(self.right) - free_indices(self.left)
        if stray:
            names = ", ".join(sorted(index.name for index in stray))
            raise InputError(f"the fact {self.text!r} has indices on its right that its left does not have: {names}")

    def match(self, factors: Factors, bound: frozenset[Index]) -> tuple[Expr, Factors, frozenset[Index]] | None:
        """Find the left side among the factors of a sum.

        Returns:
            (what it equals, the factors left, the bound indices left), or None.
        """
        pattern = Mul.make_args(self.left.body)
        rest = tuple(atom**exponent for atom, exponent in factors)
        for binding, unmatched in _assign(pattern, rest, {}):
            taken = [binding.get(index) for index in self.left.bound]
            if not all(isinstance(index, Index) and index in bound for index in taken):
                continue
            if len(set(taken)) != len(taken):
                continue
            free = {index: value for index, value in binding.items() if index not in self.left.bound}
            elsewhere = frozenset().union(*map(free_indices, unmatched), *map(free_indices, free.values()))
            if elsewhere & set(taken):
                continue
            value = substitute(self.right, free)
            left = [(a, e) for a, e in factors if a**e in unmatched]
            return value, left, bound - frozenset(index for index in taken if isinstance(index, Index))
        return None


def _assign(
    pattern: tuple[Expr, ...], parts: tuple[Expr, ...], binding: dict[Index, Expr]
) -> list[tuple[dict[Index, Expr], tuple[Expr, ...]]]:
    """Every way to find the pattern's factors among the parts."""
    if not pattern:
        return [(binding, parts)]
    found = []
    for place, part in enumerate(parts):
        grown = unify(pattern[0], part, binding)
        if grown is not None:
            found += _assign(pattern[1:], parts[:place] + parts[place + 1 :], grown)
    return found


def unify(pattern: sympy.Basic, expr: sympy.Basic, binding: dict[Index, Expr]) -> dict[Index, Expr] | None:
    """Match an expression against a pattern whose indices stand for any index expression over the same size.

    Example:
        >>> from derive.indices import size
        >>> K = size("K"); j, k = Index("j", K), Index("k", K); p = Tensor("p", (K,))
        >>> unify(p[k], p[j], {})
        {k: j}
    """
    if isinstance(pattern, Index):
        if pattern in binding:
            return binding if binding[pattern] == expr else None
        if isinstance(expr, Expr) and extent(expr) == pattern.size:
            return binding | {pattern: expr}
        return None
    if isinstance(pattern, Binder):
        return _unify_binder(pattern, expr, binding)
    if isinstance(pattern, Tensor) or not pattern.args:
        return binding if pattern == expr else None
    if pattern.func != expr.func or len(pattern.args) != len(expr.args):
        return None
    if isinstance(pattern, Element):
        return _unify_element(pattern, expr, binding)
    if isinstance(pattern, (sympy.Add, sympy.Mul)):
        ways = _assign(pattern.args, expr.args, binding)
        return ways[0][0] if ways else None
    for inner, part in zip(pattern.args, expr.args, strict=True):
        grown = unify(inner, part, binding)
        if grown is None:
            return None
        binding = grown
    return binding


def _unify_element(pattern: Element, expr: sympy.Basic, binding: dict[Index, Expr]) -> dict[Index, Expr] | None:
    """Elements of one tensor; a number in an index's place is a position of that axis."""
    if pattern.tensor != expr.tensor:
        return None
    for own, other, axis in zip(pattern.indices, expr.indices, pattern.tensor.sizes, strict=True):
        position = isinstance(own, Index) and own.size == axis and other.is_Integer
        grown = binding | {own: other} if position and own not in binding else unify(own, other, binding)
        if grown is None:
            return None
        binding = grown
    return binding


def _unify_binder(pattern: Binder, expr: sympy.Basic, binding: dict[Index, Expr]) -> dict[Index, Expr] | None:
    if type(pattern) is not type(expr) or len(pattern.bound) != len(expr.bound):
        return None
    grown = unify(pattern.body, expr.body, binding)
    if grown is None:
        return None
    instance = canonical(substitute(pattern, {i: v for i, v in grown.items() if i in free_indices(pattern)}))
    if instance != canonical(expr):
        return None
    return {index: value for index, value in grown.items() if index not in pattern.bound or index in binding}
