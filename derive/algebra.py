r"""Products and powers of polynomials, with what is known of their atoms: indicators, roots, absolute values, deltas.

An indicator is idempotent; :math:`\sqrt{a^2} = |a|`; a delta makes two indices one in the factors beside it; a sum of
terms does not stay a power where it can be multiplied out. Every rule holds wherever its left side is defined.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, S

from derive.affine import implies, is_position, is_total, lands_on_a_number
from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.division import carry_out_division
from derive.factoring import factors_of
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.polynomials import (
    ONE,
    Monomial,
    Polynomial,
    accumulate,
    accumulate_term,
    add,
    check_size,
    expression,
    number_power,
    order,
    power_of_terms,
    rational_power,
    scale,
    single,
    split_content,
    split_shared,
)
from derive.signs import absolute, is_nonnegative, is_positive
from derive.sums import free_indices, has, nodes, substitute

#: After so many divisions quotients are left as they are: their form is no longer one, and still right.
MOST_DIVISIONS = 3_000


class Algebra(ABC):
    """Arithmetic of polynomials; what an expression's polynomial is, is the subclass's business.

    Args:
        generators: work for the prover: one form for a ratio, no absolute values but under roots.
        distribute: multiply every product out.
        prefer: indices to keep when a free delta makes two indices one, best first.
    """

    def __init__(self, generators: bool, distribute: bool, prefer: Iterable[Index]) -> None:
        self.generators = generators
        self.distribute = distribute or generators
        self.prefer = tuple(prefer)
        self._divisions = 0
        self._quotients: dict[Monomial, Polynomial] = {}
        self._merging: list[Monomial] = []

    @abstractmethod
    def polynomial(self, expr: Any) -> Polynomial:
        """Return the expression's polynomial."""

    # -- products -----------------------------------------------------------------------------------------------------

    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """Multiply two polynomials."""
        check_size(len(left) * len(right))
        result: Polynomial = {}
        plain = [(monomial, coefficient, is_plain(monomial)) for monomial, coefficient in right.items()]
        for first, a in left.items():
            tick()
            first_is_plain = is_plain(first)
            for second, b, second_is_plain in plain:
                coefficient = b if a == 1 else a * b
                if first_is_plain and second_is_plain:
                    accumulate_term(result, together(first, second), coefficient)
                elif not first or not second:
                    accumulate_term(result, first or second, coefficient)
                else:
                    accumulate(result, self.settle(collected((*first, *second))), coefficient)
        return result

    def settle(self, factors: dict[Expr, Rational]) -> Polynomial:
        """Turn factors into a polynomial, their powers reduced."""
        tick()
        if is_plain(factors.items()):
            return {frozenset((atom, exponent) for atom, exponent in factors.items() if exponent): S.One}
        coefficient: Rational = S.One
        kept: dict[Expr, Rational] = {}
        expanded: list[Polynomial] = []
        for atom, exponent in factors.items():
            if isinstance(atom, (Delta, Bracket)) and exponent != 0:
                exponent = S.One if exponent > 0 else S.NegativeOne
            elif atom.is_Rational and exponent >= 1:
                whole = sympy.floor(exponent)
                coefficient *= rational_power(atom, whole)
                exponent -= whole
            else:
                whole = self._whole_part(atom, exponent)
                power = self.power_of_indicators(self.polynomial(atom), exponent) if isinstance(atom, Add) else None
                if power is not None:
                    expanded.append(power)
                    exponent = S.Zero
                elif whole != 0:
                    expanded.append(self._whole_power(atom, whole))
                    exponent -= whole
            if exponent != 0:
                kept[atom] = exponent
        if self.generators and _vanishes(kept):
            return {}
        if self.generators:
            kept = _without_implied(kept)
        result = self._merge_free_deltas(kept)
        if result is None and self.generators:
            result = self._divided(kept)
        if result is None:
            result = {frozenset(kept.items()): S.One}
        for poly in expanded:
            result = self.multiply(result, poly)
        return result if coefficient == 1 else scale(result, coefficient)

    def _divided(self, factors: dict[Expr, Rational]) -> Polynomial | None:
        """The factors with a division carried out; long divisions come back to the same products again and again."""
        monomial = frozenset(factors.items())
        if monomial in self._quotients:
            return self._quotients[monomial]
        if self._divisions >= MOST_DIVISIONS:
            return None
        result = carry_out_division(self, factors)
        if result is not None:
            self._divisions += 1
            self._quotients[monomial] = result
        return result

    def _whole_part(self, atom: Expr, exponent: Rational) -> Rational:
        """How much of an atom's exponent is to be carried out."""
        if isinstance(atom, Add):
            out = exponent.p >= exponent.q and (self.distribute or has(atom, Delta))
            return Integer(exponent.p // exponent.q) if out else S.Zero
        toward_zero = Integer(exponent.p // exponent.q if exponent.p > 0 else -(-exponent.p // exponent.q))
        if isinstance(atom, Mul) or (isinstance(atom, Pow) and atom.exp.is_Rational):
            return Integer(exponent.p // exponent.q) if self.generators else toward_zero
        return toward_zero if isinstance(atom, sympy.Abs) and self.generators else S.Zero

    def _whole_power(self, atom: Expr, whole: Rational) -> Polynomial:
        if isinstance(atom, sympy.Abs):
            even = whole - whole % 2
            squares = self.power(self.polynomial(atom.args[0]), even)
            return self.multiply(squares, self.power(self.polynomial(atom), whole % 2))
        if isinstance(atom, Add):
            return self._multiplied_out(self.polynomial(atom), int(whole))
        return self.power(self.polynomial(atom), whole)

    def _multiplied_out(self, base: Polynomial, times: int) -> Polynomial:
        if all(map(is_plain, base)):
            return power_of_terms(base, times)
        result: Polynomial = {ONE: S.One}
        for _ in range(times):
            result = self.multiply(result, base)
        return result

    def power_of_indicators(self, base: Polynomial, exponent: Rational) -> Polynomial | None:
        """A power of a polynomial in comparisons alone, value by value; None where it is not one."""
        return None

    def _merge_free_deltas(self, factors: dict[Expr, Rational]) -> Polynomial | None:
        """Use delta(i, j) f(j) = delta(i, j) f(i) so that one of the two indices is left in the other factors.

        Deltas that are merged into one another in a circle are equal; the first of them in an order stays.
        """
        here = frozenset(factors.items())
        if here in self._merging:
            first = min(self._merging[self._merging.index(here) :], key=order)
            return None if first == here else {first: S.One}
        self._merging.append(here)
        try:
            return self._merged(factors)
        finally:
            self._merging.pop()

    def _merged(self, factors: dict[Expr, Rational]) -> Polynomial | None:
        for delta in sorted((a for a, e in factors.items() if isinstance(a, Delta) and e > 0), key=structure_key):
            kept, dropped = self._preferred(delta)
            if not isinstance(dropped, Index) or dropped in free_indices(kept):
                continue
            others = {
                atom: exponent
                for atom, exponent in factors.items()
                if atom != delta and dropped in free_indices(atom) and _may_move(atom, dropped, kept)
            }
            if not others:
                continue
            result: Polynomial = {frozenset((a, e) for a, e in factors.items() if a not in others): S.One}
            for other, exponent in others.items():
                moved = self.polynomial(substitute(other, {dropped: kept}))
                if not moved and exponent < 0:
                    return None
                result = self.multiply(result, self.power(moved, exponent))
            return result
        return None

    def _preferred(self, delta: Delta) -> tuple[Expr, Expr]:
        """The side to keep and the side to replace."""

        def rank(side: Expr) -> tuple[bool, int, str]:
            place = self.prefer.index(side) if side in self.prefer else len(self.prefer)
            return isinstance(side, Index), place, structure_key(side)

        kept, dropped = sorted((delta.left, delta.right), key=rank)
        return kept, dropped

    # -- powers -------------------------------------------------------------------------------------------------------

    def power(self, base: Polynomial, exponent: Rational) -> Polynomial:
        """Raise a polynomial to a rational power."""
        if exponent == 0:
            return {ONE: S.One}
        if exponent == 1:
            return base
        if not base:
            if exponent > 0:
                return {}
            raise ZeroDivisionError("a quotient by an expression that is zero")
        if len(base) == 1:
            return self._monomial_power(base, exponent)
        if exponent.is_Integer and exponent > 1 and self.distribute:
            return self._multiplied_out(base, int(exponent))
        return self.power_as_atom(base, exponent)

    def _monomial_power(self, base: Polynomial, exponent: Rational) -> Polynomial:
        ((monomial, coefficient),) = base.items()
        if exponent.is_Integer:
            return scale(self.settle({a: e * exponent for a, e in monomial}), rational_power(coefficient, exponent))
        outside: list[tuple[Expr, Rational]] = []
        inside: dict[Expr, Rational] = {}
        for atom, power in sorted(monomial, key=lambda pair: structure_key(pair[0])):
            if is_positive(atom):
                outside.append((atom, power * exponent))
            elif power.is_Integer and power % 2 == 0:
                outside.append((absolute(atom), power * exponent))
            else:
                inside[atom] = power
        if coefficient > 0 and all(is_nonnegative(atom) for atom in inside):
            outside += [(atom, power * exponent) for atom, power in inside.items()]
            inside = {}
        result = self.settle(collected(outside))
        if inside:
            sign = S.One if coefficient > 0 else S.NegativeOne
            body = sign * Mul(*(atom**power for atom, power in inside.items()))
            result = self.multiply(result, self.settle({body: exponent}))
        elif coefficient < 0:
            return self.multiply(result, single(coefficient, exponent))
        return self.multiply(result, number_power(abs(coefficient), exponent))

    def power_as_atom(self, base: Polynomial, exponent: Rational) -> Polynomial:
        """A power of a sum of terms, its content taken out: (2 a b + 2 a c)^e = 2^e a^e (b + c)^e."""
        root = not exponent.is_Integer
        coefficient, common, rest = self.content(base, positive=root, squares=root)
        outside = self._monomial_power({common: coefficient}, exponent)
        if len(rest) < 2:
            return self.multiply(outside, self.power(rest, exponent))
        return self.multiply(outside, self.settle({canonical(expression(rest)): exponent}))

    def content(self, poly: Polynomial, positive: bool, squares: bool = False) -> tuple[Rational, Monomial, Polynomial]:
        """Return (number, monomial, rest) with ``poly = number * monomial * rest``, the rest settled.

        Args:
            positive: take out only what is known to be positive, as a root must.
            squares: and even powers of anything, as powers of the absolute value.
        """
        coefficient, common, rest = (split_content if self.generators else split_shared)(poly, positive)
        plain = add(*(scale(self.settle(dict(monomial)), c) for monomial, c in rest.items()))
        if plain != rest:
            more, further, rest = self.content(plain, positive, squares)
            return coefficient * more, together(common, further), rest
        if not self.generators:
            return coefficient, common, rest
        ratio, taken, rest = self._factored(rest, positive, squares)
        return coefficient * ratio, together(common, taken), rest

    def _factored(self, poly: Polynomial, positive: bool, squares: bool) -> tuple[Rational, Monomial, Polynomial]:
        """Split by the factors of a polynomial."""
        taken: list[tuple[Expr, Rational]] = []
        left: Polynomial = {ONE: S.One}
        product: Polynomial = {ONE: S.One}
        for atom, plain, exponent in self._irreducible(poly):
            power = self.power(plain, exponent)
            product = self.multiply(product, power)
            if is_positive(atom) or not positive:
                taken.append((atom, exponent))
            elif squares and exponent % 2 == 0:
                taken.append((absolute(atom), exponent))
            else:
                left = self.multiply(left, power)
        ratio = poly[min(poly, key=order)] / product.get(min(poly, key=order), S.One) if poly else S.One
        if not taken or scale(product, ratio) != poly:
            return S.One, ONE, poly
        if positive and ratio < 0:
            left, ratio = scale(left, S.NegativeOne), -ratio
        return ratio, frozenset(collected(taken).items()), left

    def _irreducible(self, poly: Polynomial) -> Iterator[tuple[Expr, Polynomial, Rational]]:
        """The factors of a polynomial as atoms and as polynomials, and their exponents."""
        for factor, times in factors_of(poly):
            _, common, plain = split_content(factor, positive=False)
            for atom, exponent in common:
                yield atom, single(atom), exponent * times
            if plain != {ONE: S.One}:
                atom = canonical(expression(plain))
                turned = is_positive(-atom)
                yield -atom if turned else atom, scale(plain, S.NegativeOne) if turned else plain, Rational(times)


def collected(factors: Iterable[tuple[Expr, Rational]]) -> dict[Expr, Rational]:
    """Factors with the exponents of equal atoms added up."""
    result: dict[Expr, Rational] = {}
    for atom, exponent in factors:
        before = result.get(atom)
        result[atom] = exponent if before is None else before + exponent
    return result


def together(first: Monomial, second: Monomial) -> Monomial:
    """The product of two monomials, as it stands."""
    if not first or not second:
        return first or second
    factors = dict(first)
    for atom, exponent in second:
        before = factors.get(atom)
        total = exponent if before is None else before + exponent
        if total:
            factors[atom] = total
        else:
            del factors[atom]
    return frozenset(factors.items())


#: Atoms of whose powers, or of which beside others, something is known.
_SETTLED = (Delta, Bracket, Add, Mul, Pow, sympy.Abs, sympy.Number)


def is_plain(factors: Iterable[tuple[Expr, Rational]]) -> bool:
    """Whether nothing but the sum of exponents is known of powers and products of these factors."""
    return not any(isinstance(atom, _SETTLED) for atom, _ in factors)


def _may_move(atom: Expr, dropped: Index, kept: Expr) -> bool:
    """Whether the kept side may stand for the dropped one: elements must exist at it."""
    if lands_on_a_number(atom, dropped, kept):
        return False
    return is_position(kept, dropped.size) or not any(dropped in free_indices(e) for e in nodes(atom, Element))


def mentions_delta(poly: Polynomial) -> bool:
    """Whether a delta stands anywhere in a polynomial."""
    return any(has(atom, Delta) for monomial in poly for atom, _ in monomial)


def _without_implied(factors: dict[Expr, Rational]) -> dict[Expr, Rational]:
    """[t >= 1] x[t - 2] = x[t - 2]: what is outside of its axis is 0 anyway, and nothing else is undefined there."""
    elements = [atom for atom, exponent in factors.items() if isinstance(atom, Element) and exponent > 0]
    brackets = [atom for atom, exponent in factors.items() if isinstance(atom, Bracket) and exponent > 0]
    implied = {each for each in brackets if any(implies(element, each) for element in elements)}
    others = [atom**exponent for atom, exponent in factors.items() if implied and atom not in implied]
    implied = {each for each in implied if all(is_total(o, index) for index in free_indices(each) for o in others)}
    return {atom: exponent for atom, exponent in factors.items() if atom not in implied}


def _vanishes(factors: dict[Expr, Rational]) -> bool:
    """[d > 0] [d = 0] = 0, and d [d = 0] = 0 where d is one atom."""
    for atom in factors:
        if isinstance(atom, Bracket) and atom.relation == "=":
            if Bracket(">", atom.left, atom.right) in factors:
                return True
            body = atom.left - atom.right
            if factors.get(body, S.Zero) > 0:
                return True
    return False
