r"""Whether an expression is zero wherever it is defined: the prover's last step, after the normal form.

A polynomial that is not empty may still vanish: over a common denominator, because the bodies of its sums do, or in
every case of its comparisons. The parts with different brackets are looked at one by one: clearing a denominator says
nothing of the places where the denominator is zero, and a bracket may stand for just these, as in
``where(x = 1, 5, 1/(x - 1))``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from types import MappingProxyType

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, S

from derive.algebra import in_range
from derive.canonical import structure_key
from derive.functions import Where
from derive.indices import Bracket, Delta, Element, Index
from derive.normal_form import Normaliser, only_atom
from derive.polynomials import Monomial, Polynomial, TooLargeError, accumulate, divide, order
from derive.sums import Binder, IndexSum, free_indices, rewrite, substitute

#: How many comparisons are taken case by case, one inside the cases of another.
SPLITS = 4
#: How many ways of naming the indices of sums are tried.
MOST_CHOICES = 24
NOTHING: Mapping[Expr, Expr] = MappingProxyType({})


def vanishes(normaliser: Normaliser, expr: Expr, splits: int = 0, known: Mapping[Expr, Expr] = NOTHING) -> bool:
    """Whether an expression is zero, by its normal form; False says only that it was not seen to be.

    Args:
        splits: how many comparisons and deltas may be taken case by case.
        known: what some of them are.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> vanishes(Normaliser(generators=True), 1 / (1 + x) - 1 + x / (1 + x))
        True
    """
    try:
        if known:
            expr = _with_known(normaliser, expr, known)
        poly = normaliser.polynomial(expr)
        if all(_part_vanishes(normaliser, part, splits, known) for part in _by_indicators(poly)):
            return True
        return splits > 0 and _vanishes_in_every_case(normaliser, normaliser.expression(expr), splits, known)
    except (TooLargeError, ZeroDivisionError):
        return False


def _by_indicators(poly: Polynomial) -> list[Polynomial]:
    """The cofactor of every product of brackets."""
    parts: dict[Monomial, Polynomial] = {}
    for monomial, coefficient in poly.items():
        brackets = frozenset((atom, exponent) for atom, exponent in monomial if isinstance(atom, Bracket))
        parts.setdefault(brackets, {})[monomial - brackets] = coefficient
    return list(parts.values())


def _part_vanishes(normaliser: Normaliser, poly: Polynomial, splits: int, known: Mapping[Expr, Expr]) -> bool:
    poly = clear_denominators(normaliser, poly)
    while poly:
        rest = _without_vanishing_sum(normaliser, poly, splits, known)
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


def _without_vanishing_sum(
    normaliser: Normaliser, poly: Polynomial, splits: int, known: Mapping[Expr, Expr]
) -> Polynomial | None:
    """Put sums with one cofactor under one sign; where what is summed vanishes, return the polynomial without them."""
    for monomial in sorted(poly, key=order):
        for total in sorted(_sums(monomial), key=structure_key):
            cofactor = divide(monomial, {total: S.One})
            sizes = sorted((index.size for index in total.bound), key=structure_key)
            members = dict(_members(poly, cofactor, sizes))
            choices = _summands(normaliser, poly, members, total) if len(members) > 1 else ()
            if any(vanishes(normaliser, Add(*summands), splits, known) for summands in choices):
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


# -- cases ------------------------------------------------------------------------------------------------------------


def _vanishes_in_every_case(normaliser: Normaliser, expr: Expr, splits: int, known: Mapping[Expr, Expr]) -> bool:
    indicators = sorted(_indicators(expr, frozenset()), key=structure_key)
    return bool(indicators) and all(
        vanishes(normaliser, case, splits - 1, {**known, **settled}) for case, settled in _cases(expr, indicators[0])
    )


def _with_known(normaliser: Normaliser, expr: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """Put in what is known, again where the normal form then shows more of it."""
    for _ in range(SPLITS):
        plain = put(normaliser.expression(expr), known)
        if plain == expr:
            break
        expr = plain
    return expr


def _indicators(expr: Expr, bound: frozenset[Index]) -> Iterator[Expr]:
    """The brackets and deltas that have no other inside and do not depend on an index bound around them."""
    inner = bound | frozenset(expr.bound) if isinstance(expr, Binder) else bound
    below = [found for part in expr.args if isinstance(part, Expr) for found in _indicators(part, inner)]
    yield from below
    alone = not (expr.atoms(Bracket, Delta) - {expr})
    if isinstance(expr, (Bracket, Delta)) and alone and not free_indices(expr) & bound:
        yield expr


def _cases(expr: Expr, indicator: Expr) -> Iterator[tuple[Expr, dict[Expr, Expr]]]:
    """An expression in each case of a comparison or a delta, and what is known there."""
    if isinstance(indicator, Delta):
        yield expr, {indicator: S.Zero}
        sides = [(indicator.left, indicator.right), (indicator.right, indicator.left)]
        same = [(old, new) for old, new in sides if isinstance(old, Index) and in_range(new, old.size)]
        yield substitute(expr, dict(same[:1])), {indicator: S.One}
        return
    body = indicator.left - indicator.right
    above, level = Bracket(">", indicator.left, indicator.right), Bracket("=", indicator.left, indicator.right)
    yield expr, {above: S.One, level: S.Zero}
    yield expr, {above: S.Zero, level: S.Zero}
    yield expr, {above: S.Zero, level: S.One, **({body: S.Zero} if isinstance(body, Element) else {})}


def put(expr: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Replace expressions by numbers; in a normal form, where no bound index has a typed name."""
    result: Expr = rewrite(expr, values.get)
    return result


def known_where_defined(normaliser: Normaliser, expr: Expr) -> dict[Expr, Expr]:
    """The comparisons that are settled wherever an expression is defined: a divisor is not zero."""
    known: dict[Expr, Expr] = {}
    for what, part in _demands(expr):
        try:
            turned, above, level = normaliser.compare(normaliser.polynomial(part))
        except (TooLargeError, ZeroDivisionError):
            continue
        for poly, value in ((level, 0), (above, 0 if turned else 1)):
            atom = only_atom(poly)
            if isinstance(atom, Bracket) and (poly is level or what == "positive"):
                known[atom] = Integer(value)
    return known


def _demands(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """What an expression needs for being defined, but for what is only needed at some indices or in some case."""
    if isinstance(expr, sympy.log):
        yield "positive", expr.args[0]
    if isinstance(expr, Pow) and expr.exp.is_negative:
        for factor in Mul.make_args(expr.base):
            yield "nonzero", factor.args[0] if isinstance(factor, sympy.Abs) else factor
    parts = (expr.condition,) if isinstance(expr, Where) else expr.args
    if not isinstance(expr, Binder):
        for part in parts:
            if isinstance(part, Expr):
                yield from _demands(part)
