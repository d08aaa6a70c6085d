r"""Whether an expression is zero wherever it is defined: the prover's last step, after the normal form.

A polynomial that is not empty may still vanish: over a common denominator, because the bodies of its sums do, or in
every case of its comparisons. The parts with different brackets and deltas are looked at one by one: clearing a
denominator says nothing of the places where the denominator is zero, and a bracket or a delta may stand for just these,
as in ``where(x = 1, 5, 1/(x - 1))`` and in ``where(i = j, 5, 1/(a[i] - a[j]))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from sympy import Add, Expr, Rational, S

from derive.budget import tick
from derive.canonical import structure_key
from derive.cases import Case, split
from derive.indicators import Bracket, Delta
from derive.indices import Index
from derive.normal_form import Normaliser
from derive.polynomials import Monomial, Polynomial, TooLargeError, accumulate, divide, order
from derive.sums import IndexSum, substitute

#: How many ways of naming the indices of sums are tried.
MOST_CHOICES = 24
#: Nothing known, and nothing taken case by case.
ONE_CASE = Case(depth=0)


def vanishes(normaliser: Normaliser, expr: Expr, case: Case = ONE_CASE) -> bool:
    """Whether an expression is zero, by its normal form; False says only that it was not seen to be.

    Args:
        case: what is known, and how many comparisons and deltas may be taken case by case.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> vanishes(Normaliser(generators=True), 1 / (1 + x) - 1 + x / (1 + x))
        True
    """
    tick()
    try:
        if case.values:
            expr = case.put_in(normaliser, expr)
        poly = normaliser.polynomial(expr)
        if all(_part_vanishes(normaliser, part, case) for part in _by_indicators(poly)):
            return True
        cases = split(normaliser, normaliser.expression(expr), case)
        return cases is not None and all(vanishes(normaliser, each, known) for each, known in cases)
    except (TooLargeError, ZeroDivisionError):
        return False


def _by_indicators(poly: Polynomial) -> list[Polynomial]:
    """The cofactor of every product of brackets and deltas."""
    parts: dict[Monomial, Polynomial] = {}
    for monomial, coefficient in poly.items():
        indicators = frozenset((atom, exponent) for atom, exponent in monomial if isinstance(atom, (Bracket, Delta)))
        parts.setdefault(indicators, {})[monomial - indicators] = coefficient
    return list(parts.values())


def _part_vanishes(normaliser: Normaliser, poly: Polynomial, case: Case) -> bool:
    poly = clear_denominators(normaliser, poly)
    while poly:
        rest = _without_vanishing_sum(normaliser, poly, case)
        if rest is None:
            return False
        poly = rest
    return True


def clear_denominators(normaliser: Normaliser, poly: Polynomial) -> Polynomial:
    """Multiply by every denominator that is a sum of terms until none is left.

    The result vanishes exactly when ``poly`` does, wherever the denominators are not zero.
    """
    while True:
        lowest: dict[Expr, Rational] = {}
        for monomial in poly:
            for atom, exponent in monomial:
                if isinstance(atom, Add) and exponent < lowest.get(atom, S.Zero):
                    lowest[atom] = exponent
        if not lowest:
            return poly
        atom = min(lowest, key=structure_key)
        result: Polynomial = {}
        for monomial, coefficient in poly.items():
            factors = dict(monomial)
            factors[atom] = factors.get(atom, S.Zero) - lowest[atom]
            accumulate(result, normaliser.settle(factors), coefficient)
        poly = result


# -- sums -------------------------------------------------------------------------------------------------------------


def _without_vanishing_sum(normaliser: Normaliser, poly: Polynomial, case: Case) -> Polynomial | None:
    """Put sums with one cofactor under one sign; where what is summed vanishes, return the polynomial without them."""
    for monomial in sorted(poly, key=order):
        for total in sorted(_sums(monomial), key=structure_key):
            tick()
            cofactor = divide(monomial, {total: S.One})
            sizes = sorted((index.size for index in total.bound), key=structure_key)
            members = dict(_members(poly, cofactor, sizes))
            choices = _summands(normaliser, poly, members, total) if len(members) > 1 else ()
            if any(vanishes(normaliser, Add(*summands), case) for summands in choices):
                return {each: coefficient for each, coefficient in poly.items() if each not in members}
    return None


def _sums(monomial: Monomial) -> list[IndexSum]:
    return [atom for atom, exponent in monomial if isinstance(atom, IndexSum) and exponent == 1]


def _members(poly: Polynomial, cofactor: Monomial, sizes: list[Expr]) -> Iterator[tuple[Monomial, IndexSum | None]]:
    """The monomials that are the cofactor times a sum over these sizes; None for the sum of 1, the sizes' product."""
    count: dict[Expr, Rational] = {}
    for size in sizes:
        count[size] = count.get(size, S.Zero) + 1
    for monomial in poly:
        if divide(monomial, count) == cofactor:
            yield monomial, None
        for total in _sums(monomial):
            same = sorted((index.size for index in total.bound), key=structure_key) == sizes
            if same and divide(monomial, {total: S.One}) == cofactor:
                yield monomial, total


def _summands(
    normaliser: Normaliser, poly: Polynomial, members: dict[Monomial, IndexSum | None], first: IndexSum
) -> list[list[Expr]]:
    """What is summed, under every choice of names; the first sum keeps its own."""
    body, bound = normaliser.open(first)
    choices: list[list[Expr]] = [[]]
    for monomial, total in members.items():
        ways = [S.One] if total is None else [body] if total == first else list(_renamed(total, bound))
        choices = [[*chosen, poly[monomial] * way] for chosen in choices for way in ways][:MOST_CHOICES]
    return choices


def _renamed(total: IndexSum, bound: tuple[Index, ...]) -> Iterator[Expr]:
    for names in permutations(bound):
        if all(own.size == name.size for own, name in zip(total.bound, names, strict=True)):
            body: Expr = substitute(total.body, dict(zip(total.bound, names, strict=True)))
            yield body
