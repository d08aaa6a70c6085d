r"""Division by sums of terms, so that a quotient has one form inside of functions and sums, where none can be cleared.

With a divisor :math:`d = c\,t + r` one has :math:`t / d = 1/c - (r/c) / d`, and with two whose difference is a number,
:math:`1 / (c\,d) = (1/d - 1/c) / (c - d)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Protocol

from sympy import Add, Expr, Rational, S

from derive.canonical import structure_key
from derive.polynomials import ONE, Monomial, Polynomial, add, divide, order, scale

Factors = dict[Expr, Rational]


class Arithmetic(Protocol):
    """What division needs: see ``derive.algebra``."""

    def polynomial(self, expr: Any) -> Polynomial: ...
    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial: ...
    def settle(self, factors: Factors) -> Polynomial: ...


def carry_out_division(algebra: Arithmetic, factors: Factors) -> Polynomial | None:
    """Return a product with a division carried one step further; None where there is nothing to divide."""
    divisors = sorted((atom for atom, e in factors.items() if isinstance(atom, Add) and e < 0), key=structure_key)
    for first, second in combinations(divisors, 2):
        apart = _apart(algebra, factors, first, second)
        if apart is not None:
            return apart
    for divisor in divisors:
        terms = algebra.polynomial(divisor)
        for pivot in _pivots(terms, factors):
            quotient = divide(frozenset(factors.items()), dict(pivot))
            whole = algebra.settle({**dict(quotient), divisor: factors[divisor] + 1})
            rest = {monomial: -coefficient for monomial, coefficient in terms.items() if monomial != pivot}
            return scale(add(whole, algebra.multiply({quotient: S.One}, rest)), 1 / terms[pivot])
    return None


def _apart(algebra: Arithmetic, factors: Factors, first: Expr, second: Expr) -> Polynomial | None:
    """1 / (c d) = (1/d - 1/c) / r where c - d is the number r."""
    one, other = algebra.polynomial(first), algebra.polynomial(second)
    leading = max(one, key=order)
    ratio = one[leading] / other[leading] if leading in other else S.Zero
    difference = add(one, scale(other, -ratio))
    if ratio == 0 or set(difference) != {ONE}:
        return None
    left = algebra.settle({**factors, first: factors[first] + 1})
    right = algebra.settle({**factors, second: factors[second] + 1})
    return scale(add(left, scale(right, -ratio)), 1 / difference[ONE])


def _pivots(divisor: Polynomial, factors: Factors) -> Iterator[Monomial]:
    """The terms of a divisor that a product is to be divided by; so chosen that divisions come to an end.

    Where every atom is positive, as exponentials are, anything is a multiple of anything, and the exponent of the
    first atom is brought between 0 and the divisor's degree. Else a product is divided by the leading term if it is
    a multiple of that.
    """
    atoms = sorted({atom for monomial in divisor for atom, _ in monomial}, key=structure_key)

    def place(monomial: Monomial) -> tuple[Rational, ...]:
        exponents = dict(monomial)
        return sum(exponents.values()), *(exponents.get(atom, S.Zero) for atom in atoms)

    if all(atom.is_positive for atom in atoms):
        degrees = {monomial: dict(monomial).get(atoms[0], S.Zero) for monomial in divisor}
        highest, lowest = max(degrees.values()), min(degrees.values())
        own = factors.get(atoms[0], S.Zero)
        extreme = highest if own >= highest else lowest if own < lowest else None
        pivots = [monomial for monomial, degree in degrees.items() if degree == extreme]
        if len(pivots) == 1 and highest != lowest:
            yield pivots[0]
        return
    leading = max(divisor, key=place)
    if all(factors.get(atom, S.Zero) >= exponent > 0 for atom, exponent in leading):
        yield leading
