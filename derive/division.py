r"""Division by sums of terms, so that a quotient has one form inside of functions and sums, where none can be cleared.

With a divisor :math:`d = c\,t + r` one has :math:`t / d = 1/c - (r/c) / d`, and with two without a
common factor, :math:`s\,c + t\,d = 1`, one has :math:`1 / (c\,d) = s/d + t/c`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Protocol

from sympy import Add, Expr, Rational, S

from derive.budget import tick
from derive.canonical import structure_key
from derive.factoring import bezout
from derive.indicators import Bracket, Delta
from derive.polynomials import ONE, Monomial, Polynomial, add, divide, number, order, scale
from derive.signs import is_positive

Factors = dict[Expr, Rational]
#: What has a larger degree is not divided: a division takes a step for each.
LARGEST_DEGREE = 100


class Arithmetic(Protocol):
    """What division needs: see ``derive.algebra``."""

    def polynomial(self, expr: Any) -> Polynomial: ...
    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial: ...
    def settle(self, factors: Factors) -> Polynomial: ...


def carry_out_division(algebra: Arithmetic, factors: Factors) -> Polynomial | None:
    """Return a product with a division carried one step further; None where there is nothing to divide."""
    divisors = sorted((atom for atom, e in factors.items() if isinstance(atom, Add) and e < 0), key=structure_key)
    if not divisors or sum(map(abs, factors.values())) > LARGEST_DEGREE:
        return None
    tick()
    for first, second in combinations(divisors, 2):
        apart = _apart(algebra, factors, first, second)
        if apart is not None:
            return apart
    for divisor in divisors:
        terms = algebra.polynomial(divisor)
        for pivot in _pivots(terms, factors):
            quotient = divide(frozenset(factors.items()), dict(pivot))
            parts = [algebra.settle({**dict(quotient), divisor: factors[divisor] + 1})]
            for monomial, coefficient in terms.items():
                if monomial != pivot:
                    below = divide(quotient, {atom: -exponent for atom, exponent in monomial})
                    parts.append(scale(algebra.settle(dict(below)), -coefficient))
            return scale(add(*parts), 1 / terms[pivot])
    return None


def _apart(algebra: Arithmetic, factors: Factors, first: Expr, second: Expr) -> Polynomial | None:
    """1 / (c d) = s / d + t / c where s c + t d = 1."""
    one, other = algebra.polynomial(first), algebra.polynomial(second)
    cofactors = bezout(one, other) or _numbers(one, other)
    if cofactors is None:
        return None
    left = algebra.multiply(cofactors[0], algebra.settle({**factors, first: factors[first] + 1}))
    right = algebra.multiply(cofactors[1], algebra.settle({**factors, second: factors[second] + 1}))
    return add(left, right)


def _numbers(one: Polynomial, other: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """Numbers s and t with s c + t d = 1."""
    leading = max(one, key=order)
    if leading not in other:
        return None
    ratio = one[leading] / other[leading]
    difference = add(one, scale(other, -ratio))
    if set(difference) != {ONE}:
        return None
    return number(1 / difference[ONE]), number(-ratio / difference[ONE])


def _pivots(divisor: Polynomial, factors: Factors) -> Iterator[Monomial]:
    """The terms of a divisor that a product is to be divided by; so chosen that divisions come to an end.

    Where every atom is positive, as exponentials are, anything is a multiple of anything, and the exponent of the
    first atom is brought between 0 and the divisor's degree. Else a product is divided by the leading term if it is
    a multiple of that, and there are no indicators, whose powers have no degree.
    """
    atoms = sorted({atom for monomial in divisor for atom, _ in monomial}, key=structure_key)

    def place(monomial: Monomial) -> tuple[Rational, ...]:
        exponents = dict(monomial)
        return sum(exponents.values()), *(exponents.get(atom, S.Zero) for atom in atoms)

    if all(is_positive(atom) for atom in atoms):
        degrees = {monomial: dict(monomial).get(atoms[0], S.Zero) for monomial in divisor}
        highest, lowest = max(degrees.values()), min(degrees.values())
        own = factors.get(atoms[0], S.Zero)
        extreme = highest if own >= highest else lowest if own < lowest else None
        pivots = [monomial for monomial, degree in degrees.items() if degree == extreme]
        if len(pivots) == 1 and highest != lowest:
            yield pivots[0]
        return
    if any(isinstance(atom, (Bracket, Delta)) for atom in atoms) or any(e < 0 for m in divisor for _, e in m):
        return
    leading = max(divisor, key=place)
    if all(factors.get(atom, S.Zero) >= exponent > 0 for atom, exponent in leading):
        yield leading
