"""Cases: what an expression is where a comparison holds and where it does not, a delta is 1 and where it is 0.

Comparisons are those of the prover's normal form, ``[d > 0]`` and ``[d = 0]``. A case remembers the signs chosen on the
way to it, so that cases which contradict themselves are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Integer, S

from derive.affine import is_position
from derive.canonical import structure_key
from derive.demands import demands
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.inequalities import contradict
from derive.normal_form import Normaliser, only_atom
from derive.polynomials import ONE, Polynomial, TooLargeError, expression
from derive.sums import Binder, free_indices, nodes, rewrite, substitute

#: How many comparisons are taken case by case, one inside the cases of another.
DEPTH = 5


@dataclass(frozen=True)
class Case:
    """What is known: values of comparisons, deltas and elements, and the signs of polynomials (1, 0 or -1).

    Attributes:
        depth: how many more comparisons may be taken case by case.
    """

    values: Mapping[Expr, Expr] = field(default_factory=dict)
    signs: tuple[tuple[Expr, int], ...] = ()
    depth: int = DEPTH

    def with_values(self, values: Mapping[Expr, Expr], *signs: tuple[Expr, int]) -> Case:
        """This case with more known, and one comparison less to go."""
        return Case({**self.values, **values}, (*self.signs, *signs), self.depth - 1)

    def is_possible(self, normaliser: Normaliser) -> bool:
        """Whether the signs do not contradict each other, as far as that is seen."""
        return not contradict((normaliser.polynomial(body), sign) for body, sign in self.signs)

    def put_in(self, normaliser: Normaliser, expr: Expr) -> Expr:
        """Put in what is known, again where the normal form then shows more of it."""
        for _ in range(DEPTH):
            plain = put(normaliser.expression(expr), self.values)
            if plain == expr:
                break
            expr = plain
        return expr


def put(expr: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Replace expressions by values; in a normal form, where no bound index has a typed name."""
    result: Expr = rewrite(expr, values.get)
    return result


def split(normaliser: Normaliser, expr: Expr, case: Case) -> Iterator[tuple[Expr, Case]] | None:
    """The possible cases of the first comparison or delta of a normal form; None where there is none to split by."""
    indicators = sorted(set(_indicators(expr, frozenset())), key=structure_key) if case.depth > 0 else []
    if not indicators:
        return None
    every = _delta_cases if isinstance(indicators[0], Delta) else _comparison_cases
    return (each for each in every(normaliser, expr, indicators[0], case) if each[1].is_possible(normaliser))


def _indicators(expr: Expr, bound: frozenset[Index]) -> Iterator[Expr]:
    """The brackets and deltas that have no other inside and do not depend on an index bound around them."""
    inner = bound | frozenset(expr.bound) if isinstance(expr, Binder) else bound
    for part in expr.args:
        if isinstance(part, Expr):
            yield from _indicators(part, inner)
    indicator = isinstance(expr, (Bracket, Delta)) and not free_indices(expr) & bound
    if indicator and not nodes(expr, Bracket, Delta) - {expr}:
        yield expr


def _delta_cases(normaliser: Normaliser, expr: Expr, delta: Expr, case: Case) -> Iterator[tuple[Expr, Case]]:
    yield expr, case.with_values({delta: S.Zero})
    sides = [(delta.left, delta.right), (delta.right, delta.left)]
    same = [(old, new) for old, new in sides if isinstance(old, Index) and is_position(new, old.size)]
    yield substitute(expr, dict(same[:1])), case.with_values({delta: S.One})


def _comparison_cases(normaliser: Normaliser, expr: Expr, bracket: Expr, case: Case) -> Iterator[tuple[Expr, Case]]:
    body = bracket.left - bracket.right
    above, level = Bracket(">", body, 0), Bracket("=", body, 0)
    yield expr, case.with_values({above: S.One, level: S.Zero}, (body, 1))
    yield expr, case.with_values({above: S.Zero, level: S.Zero}, (body, -1))
    solved = solved_for_an_element(normaliser.polynomial(body))
    yield expr, case.with_values({above: S.Zero, level: S.One, **solved}, (body, 0))


def solved_for_an_element(poly: Polynomial) -> dict[Expr, Expr]:
    """An element that a polynomial is linear in, and what it is where that is zero; empty if there is none."""
    for monomial in sorted(poly, key=lambda each: sorted(structure_key(atom) for atom, _ in each)):
        atom = next((atom for atom, exponent in monomial if exponent == 1 and len(monomial) == 1), None)
        others = expression({other: coefficient for other, coefficient in poly.items() if other != monomial})
        if isinstance(atom, Element) and monomial != ONE and not others.has(atom):
            return {atom: -others / poly[monomial]}
    return {}


# -- what is known beforehand -----------------------------------------------------------------------------------------


def where_defined(normaliser: Normaliser, *sides: Expr) -> Case:
    """What is settled wherever all sides are defined: a divisor is not zero, a logarithm's argument positive."""
    values: dict[Expr, Expr] = {}
    signs: list[tuple[Expr, int]] = []
    for relation, part, guards, _ in (each for side in sides for each in demands(side, through_binders=False)):
        if guards or relation == ">=":
            continue
        try:
            turned, above, level = normaliser.compare(normaliser.polynomial(part))
        except (TooLargeError, ZeroDivisionError):
            continue
        if isinstance(only_atom(level), Bracket):
            values[only_atom(level)] = S.Zero
        if relation == ">":
            signs.append((part, 1))
            if isinstance(only_atom(above), Bracket):
                values[only_atom(above)] = Integer(0 if turned else 1)
    return Case(values, tuple(signs))
