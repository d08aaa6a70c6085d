r"""Sums over indices as polynomials: deltas contracted, independent factors taken apart, facts used.

:math:`\sum_i \delta_{ij} a_i b = a_j b`, and :math:`\sum_{i,j} a_i b_j` is a product of two sums, each with bound
indices that are canonical.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from itertools import count, permutations

from sympy import Expr, Mul, Rational, S

from derive.affine import is_position, is_total, lands_on_a_number, solutions, vanishes_outside, within
from derive.canonical import structure_key
from derive.facts import Fact
from derive.generators import Generators
from derive.index_arithmetic import is_form
from derive.indicators import Delta
from derive.indices import Element, Index
from derive.matrices import Inverse
from derive.polynomials import ONE, Monomial, Polynomial, add, scale, single
from derive.reindexing import best_form
from derive.sums import Binder, IndexSum, free_indices, nodes, substitute


class Contractions(Generators):
    """The rule for sums; remembers which facts it used, and which numbers it took for positions."""

    facts: dict[Fact, Fact]

    def __init__(self, generators: bool, distribute: bool, prefer: Iterable[Index]) -> None:
        super().__init__(generators, distribute, prefer)
        self.used_facts: dict[Fact, None] = {}
        self.used_positions: set[tuple[Expr, Expr]] = set()
        self._fresh = count()

    @abstractmethod
    def factor(self, expr: Expr) -> Polynomial:
        """Return the polynomial of a factor of a product."""

    def open(self, binder: Binder) -> tuple[Expr, tuple[Index, ...]]:
        """The body with bound indices that occur nowhere else."""
        fresh = [self._renamed(index) for index in binder.bound]
        return substitute(binder.body, dict(zip(binder.bound, fresh, strict=True))), tuple(fresh)

    def _renamed(self, index: Index) -> Index:
        return index.renamed(f"_u{next(self._fresh)}")

    def read_index_sum(self, expr: IndexSum) -> Polynomial:
        body, bound = self.open(expr)
        poly = self.factor(body)
        return add(*(scale(self._sum_monomial(m, frozenset(bound)), c) for m, c in poly.items()))

    def _sum_monomial(self, monomial: Monomial, live: frozenset[Index]) -> Polynomial:
        """Sum one monomial over the live indices: contract deltas, take constants out, split independent factors."""
        for atom, power in sorted(monomial, key=lambda pair: structure_key(pair[0])):
            if isinstance(atom, Delta) and power > 0:
                for index, other in sorted(solutions(atom), key=lambda pair: self._contraction_key(monomial, *pair)):
                    if index in live:
                        contracted = self._contract(monomial, atom, index, other, live)
                        if contracted is not None:
                            return contracted
        opened, extra = self._open_inner_sums(monomial, live)
        if extra:
            return add(*(scale(self._sum_monomial(m, live | extra), c) for m, c in opened.items()))
        factors, result = self._split(monomial, live)
        for component, bound in factors:
            result = self.multiply(result, self._component(component, bound))
        return result

    def _contraction_key(self, monomial: Monomial, index: Index, other: Expr) -> tuple[bool, bool, str]:
        """First what no bracket is needed for, and of that what a gradient stands at: the other indices stay."""
        beside = [atom for atom, exponent in monomial if exponent > 0 and isinstance(atom, Element)]
        at_it = [atom for atom in beside if vanishes_outside(atom, index)]
        plain = is_position(other, index.size) or bool(at_it)
        return not plain, not any(atom.tensor.role for atom in at_it), index.name

    def _contract(
        self, monomial: Monomial, delta: Delta, index: Index, other: Expr, live: frozenset[Index]
    ) -> Polynomial | None:
        """sum_i delta(i, e) f(i) = f(e), where e is a position of i or f(e) is 0 where it is none; else None."""
        moving = [(atom, exponent) for atom, exponent in monomial if atom != delta]
        if any(lands_on_a_number(atom, index, other) for atom, _ in moving):
            return None
        inside: Expr = S.One
        moved = [(substitute(atom, {index: other}), exponent) for atom, exponent in moving]
        if is_form(other) and not is_position(other, index.size):
            if not all(is_total(atom**exponent, index) for atom, exponent in moving):
                return None
            if not any(exponent > 0 and vanishes_outside(atom, index) for atom, exponent in moving):
                if not self.generators:
                    return None  # A delta says it shorter than brackets do.
                inside = within(other, index.size)
        elif not is_position(other, index.size):
            if not any(stands_at(atom, other, index.size) for atom, _ in moved):
                return None
            self.used_positions.add((other, index.size))
        result: Polynomial = self.polynomial(inside)
        for atom, exponent in moved:
            result = self.multiply(result, self.power(self.polynomial(atom), exponent))
        rest = live - {index}
        if not rest:
            return result
        return add(*(scale(self._sum_monomial(m, rest), c) for m, c in result.items()))

    def _open_inner_sums(self, monomial: Monomial, live: frozenset[Index]) -> tuple[Polynomial, frozenset[Index]]:
        """Sums that depend on a live index, as a factor, join the outer sum with fresh indices.

        In a derivation that is done where it lets a delta be contracted: the sum of v_m times the sum of
        delta(m, t + r) w_r is that of v_{t + r} w_r.
        """
        result: Polynomial = {ONE: S.One}
        extra: set[Index] = set()
        for atom, exponent in monomial:
            dependent = isinstance(atom, IndexSum) and bool(free_indices(atom) & live)
            opens = dependent and (self.generators or _tells_a_place(atom, monomial, live))
            if opens and exponent.is_Integer and exponent > 0:
                for _ in range(int(exponent)):
                    body, bound = self.open(atom)
                    extra |= set(bound)
                    result = self.multiply(result, self.factor(body))
            else:
                result = self.multiply(result, {frozenset(((atom, exponent),)): S.One})
        return result, frozenset(extra)

    def _split(
        self, monomial: Monomial, live: frozenset[Index]
    ) -> tuple[list[tuple[list[tuple[Expr, Rational]], frozenset[Index]]], Polynomial]:
        """The independent sums of a monomial, and what stands outside of them all."""
        components: list[tuple[list[tuple[Expr, Rational]], frozenset[Index]]] = []
        outside: Polynomial = {ONE: S.One}
        unused = set(live)
        for atom, exponent in monomial:
            touched = free_indices(atom) & live
            if not touched:
                outside = self.multiply(outside, {frozenset(((atom, exponent),)): S.One})
                continue
            unused -= touched
            joined = [(atom, exponent)]
            apart = []
            for factors, bound in components:
                if bound & touched:
                    joined += factors
                    touched |= bound
                else:
                    apart.append((factors, bound))
            components = [*apart, (joined, touched)]
        for index in unused:
            outside = self.multiply(outside, self.polynomial(index.size))
        return components, outside

    def _component(self, factors: list[tuple[Expr, Rational]], bound: frozenset[Index]) -> Polynomial:
        for solved, fact in self.facts.items():
            found = solved.match(factors, bound)
            if found is not None:
                self.used_facts[fact] = None
                value, rest, left = found
                inner = self.multiply(self.polynomial(value), {frozenset(rest): S.One})
                return add(*(scale(self._sum_monomial(m, left), c) for m, c in inner.items())) if left else inner
        unit = self._product_with_inverse(factors, bound)
        if unit is not None:
            return unit
        return single(best_form(factors, bound, self._renamed))

    def _product_with_inverse(self, factors: list[tuple[Expr, Rational]], bound: frozenset[Index]) -> Polynomial | None:
        """sum_j M_ij (M^-1)_jk = delta(i, k), and the same from the other side; None where there is no such product."""
        for inverse, entry in permutations([atom for atom, exponent in factors if exponent == 1], 2):
            if not isinstance(inverse, Inverse):
                continue
            for is_left, (index, other) in enumerate(((inverse.row, inverse.column), (inverse.column, inverse.row))):
                rest = [(atom, power) for atom, power in factors if atom not in (inverse, entry)]
                used = any(index in free_indices(atom) for atom, _ in rest) or index in free_indices(other)
                if index not in bound or used or index in free_indices(inverse.matrix):
                    continue
                for place in sorted(free_indices(entry) - {index}, key=structure_key):
                    at = (index, place) if is_left else (place, index)
                    if place.size == index.size and self.polynomial(inverse.entry(*at)) == single(entry):
                        result = self.multiply(self.polynomial(Delta(place, other)), {frozenset(rest): S.One})
                        left = bound - {index}
                        return (
                            add(*(scale(self._sum_monomial(m, left), c) for m, c in result.items())) if left else result
                        )
        return None


def _tells_a_place(total: IndexSum, monomial: Monomial, live: frozenset[Index]) -> bool:
    """Whether a sum has a delta that tells a live index, at which another factor stands, by the sum's own indices."""
    for delta in (factor for factor in Mul.make_args(total.body) if isinstance(factor, Delta)):
        for index, other in solutions(delta):
            if index in live and free_indices(other) & set(total.bound):
                others = [atom for atom, exponent in monomial if exponent > 0 and isinstance(atom, Element)]
                if any(vanishes_outside(atom, index) for atom in others):
                    return True
    return False


def stands_at(expr: Expr, where: Expr, size: Expr) -> bool:
    """Whether an expression has an element whose axis of that size is addressed at that number."""
    return where.is_Integer and any(
        own == where and axis == size
        for element in nodes(expr, Element)
        for own, axis in zip(element.indices, element.tensor.sizes, strict=True)
    )
