"""Telling the atoms of a definition from its value: softmax's y = e/S gives e = y S, sigmoid's gives e^-x = 1/y - 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Rational, S

from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.indices import Index, Tensor
from derive.normal_form import Normaliser
from derive.polynomials import Monomial, Polynomial, divide, expression, order, split_shared
from derive.signs import is_nonnegative
from derive.sums import free_indices, tensors_in


@dataclass(frozen=True)
class Generator:
    """An atom told from a definition's value: ``atom ** exponent = value``.

    Attributes:
        subtracts: the value has a term with other inputs taken away, which costs precision unless it cancels.
    """

    atom: Expr
    exponent: Rational
    value: Expr
    subtracts: bool = False


@dataclass(frozen=True)
class Scope:
    """Which atoms are worth telling: those with the needed indices, and with a tensor that is present, if with any.

    Attributes:
        most_others: so many other terms, taken away from the definition's value, can still cancel.
    """

    needed: frozenset[Index]
    present: frozenset[Tensor]
    most_others: int | None

    def admits(self, atom: Expr) -> bool:
        tensors = tensors_in(atom)
        known = not tensors or bool(tensors & self.present)
        return known and self.needed <= free_indices(atom) and not atom.is_number


def solve(
    normaliser: Normaliser, poly: Polynomial, value: Expr, scope: Scope, subtracts: bool = False
) -> Iterator[Generator]:
    """Solve ``poly = value`` for each atom that can be told from it: sigmoid's e^-x is 1/y - 1."""
    if not poly:
        return
    if len(poly) == 1:
        ((monomial, coefficient),) = poly.items()
        yield from _solve_term(normaliser, monomial, coefficient, monomial, value, scope, subtracts)
        return
    number, common, rest = split_shared(poly, positive=False)
    inner = value / (number * expression({common: S.One}))
    if all(tensors_in(atom) <= scope.present for monomial in rest for atom, _ in monomial):
        whole = canonical(expression(rest))
        if scope.needed <= free_indices(whole):
            yield Generator(whole, S.One, inner, subtracts)
    if scope.most_others is not None and len(rest) - 1 > scope.most_others:
        return
    highest = _highest_powers(rest)
    for monomial, coefficient in sorted(rest.items(), key=lambda item: order(item[0])):
        told = frozenset(pair for pair in monomial if pair in highest and scope.admits(pair[0]))
        if told:
            others = expression({m: c for m, c in rest.items() if m != monomial})
            taken_away = subtracts or bool(tensors_in(others))
            yield from _solve_term(normaliser, monomial, coefficient, told, inner - others, scope, taken_away)


def _highest_powers(poly: Polynomial) -> set[tuple[Expr, Rational]]:
    """The powers than which no other term has a higher one: to solve for a lower one would leave its atom there."""
    powers: dict[tuple[Expr, bool], list[Rational]] = {}
    for monomial in poly:
        for atom, exponent in monomial:
            powers.setdefault((atom, exponent.p > 0), []).append(exponent)
    highest = {atom: max(found, key=abs) for atom, found in powers.items()}
    return {(atom[0], power) for atom, power in highest.items() if powers[atom].count(power) == 1}


def _solve_term(
    normaliser: Normaliser,
    monomial: Monomial,
    coefficient: Rational,
    told: Monomial,
    value: Expr,
    scope: Scope,
    subtracts: bool,
) -> Iterator[Generator]:
    """Solve ``coefficient * monomial = value`` for the powers in it that are to be told."""
    for atom, exponent in sorted(told, key=lambda pair: structure_key(pair[0])):
        if scope.admits(atom):
            tick()
            rest = expression({divide(monomial, {atom: exponent}): coefficient})
            yield from _solve_atom(normaliser, Generator(atom, exponent, value / rest, subtracts), scope)


def _solve_atom(normaliser: Normaliser, generator: Generator, scope: Scope) -> Iterator[Generator]:
    yield generator
    root = 1 / generator.exponent
    if not (root.is_Integer or is_nonnegative(generator.atom)):
        return
    inner = generator.value**root
    if isinstance(generator.atom, Add):
        yield from solve(normaliser, normaliser.polynomial(generator.atom), inner, scope, generator.subtracts)
    elif isinstance(generator.atom, sympy.log):
        argument = normaliser.polynomial(generator.atom.args[0])
        yield from solve(normaliser, argument, sympy.exp(inner), scope, generator.subtracts)
