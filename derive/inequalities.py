"""Whether comparisons contradict each other: linear inequalities, solved by eliminating one unknown after another.

The unknowns are the monomials of the sides, each for itself; what is known of a monomial's sign is an inequality too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sympy import Mul, Rational, S

from derive.budget import tick
from derive.polynomials import ONE, Monomial, Polynomial, add, order, scale
from derive.signs import is_nonnegative, is_positive

#: With more inequalities than these the answer is not looked for.
MOST_ROWS = 200


class Inequality(NamedTuple):
    """``form > 0``, or ``form >= 0`` where it is not strict."""

    form: Polynomial
    strict: bool


def contradict(comparisons: Iterable[tuple[Polynomial, int]]) -> bool:
    """Whether no values have these signs: 1 above zero, 0 zero, -1 below.

    Example:
        >>> from sympy import symbols
        >>> from derive.polynomials import add, single
        >>> x, y, z = map(single, symbols("x y z", real=True))
        >>> minus = lambda one, other: add(one, scale(other, Rational(-1)))
        >>> contradict([(minus(x, y), 1), (minus(y, z), 1), (minus(x, z), -1)])
        True
        >>> contradict([(minus(x, y), 1), (minus(y, z), 1), (minus(x, z), 1)])
        False
    """
    rows = list(_inequalities(comparisons))
    unknowns = sorted({monomial for row in rows for monomial in row.form} - {ONE}, key=order)
    rows += [Inequality({unknown: S.One}, positive) for unknown, positive in _known_signs(unknowns)]
    for unknown in unknowns:
        rows = _eliminate(rows, unknown)
        if len(rows) > MOST_ROWS:
            return False
    return any(_is_false(row) for row in rows)


def _inequalities(comparisons: Iterable[tuple[Polynomial, int]]) -> Iterable[Inequality]:
    for form, sign in comparisons:
        if sign == 0:
            yield Inequality(form, strict=False)
            yield Inequality(scale(form, S.NegativeOne), strict=False)
        else:
            yield Inequality(scale(form, Rational(sign)), strict=True)


def _known_signs(unknowns: Iterable[Monomial]) -> Iterable[tuple[Monomial, bool]]:
    for unknown in unknowns:
        value = Mul(*(atom**exponent for atom, exponent in unknown))
        if is_nonnegative(value):
            yield unknown, is_positive(value)


def _eliminate(rows: list[Inequality], unknown: Monomial) -> list[Inequality]:
    """Add every lower bound of an unknown to every upper bound, so that it is gone."""
    kept = [row for row in rows if unknown not in row.form]
    lower = [row for row in rows if row.form.get(unknown, S.Zero) > 0]
    upper = [row for row in rows if row.form.get(unknown, S.Zero) < 0]
    for below in lower:
        tick()
        for above in upper:
            form = add(scale(below.form, 1 / below.form[unknown]), scale(above.form, -1 / above.form[unknown]))
            kept.append(Inequality(form, below.strict or above.strict))
    return kept


def _is_false(row: Inequality) -> bool:
    value = row.form.get(ONE, S.Zero)
    return bool(value < 0 or (row.strict and value == 0))
