r"""Factors of a polynomial in its atoms: :math:`x z + y z` is :math:`z (x + y)`, and so is what it came from expanded.

The prover needs them below a line, under a root and in a logarithm, where nothing can be multiplied out.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Rational, S

from derive.budget import tick
from derive.canonical import structure_key
from derive.polynomials import Monomial, Polynomial

#: Larger polynomials are left as they are: factoring them costs more than it is worth.
MOST_TERMS = 40
MOST_ATOMS = 8
LARGEST_PRODUCT = 240
LARGEST_DEGREE = 16


def factors_of(poly: Polynomial) -> list[tuple[Polynomial, int]]:
    """Return irreducible factors with how often each occurs, up to a number; the polynomial itself where it is one.

    Example:
        >>> from sympy import symbols
        >>> from derive.polynomials import add, scale, single
        >>> x, y = symbols("x y")
        >>> difference = add(single(x, Rational(2)), scale(single(y, Rational(2)), Rational(-1)))
        >>> [times for _, times in factors_of(difference)]
        [1, 1]
    """
    atoms = sorted({atom for monomial in poly for atom, _ in monomial}, key=structure_key)
    large = len(poly) > MOST_TERMS or len(atoms) > MOST_ATOMS or len(poly) * len(atoms) > LARGEST_PRODUCT
    if large or len(poly) < 2 or _is_irreducible(poly):
        return [(poly, 1)]
    grain = _grain([poly], atoms)
    whole = _whole(poly, atoms, grain)
    if whole is None:
        return [(poly, 1)]
    _, factors = whole.factor_list()
    if len(factors) == 1 and factors[0][1] == 1:
        return [(poly, 1)]
    return [(_read(factor, atoms, grain), times) for factor, times in factors]


def bezout(one: Polynomial, other: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """Return (s, t) with ``s * one + t * other = 1`` for polynomials in the same one atom, where there is such a pair.

    Example:
        >>> from sympy import symbols
        >>> from derive.polynomials import ONE, add, number, single
        >>> x = symbols("x")
        >>> bezout(add(single(x), number(2)), single(x)) == ({ONE: 1 / sympy.Integer(2)}, {ONE: -1 / sympy.Integer(2)})
        True
    """
    atoms = sorted({atom for poly in (one, other) for monomial in poly for atom, _ in monomial}, key=structure_key)
    if len(atoms) != 1:
        return None
    grain = _grain([one, other], atoms)
    first, second = _whole(one, atoms, grain), _whole(other, atoms, grain)
    if first is None or second is None:
        return None
    left, right, common = first.gcdex(second)
    if common.degree() > 0:
        return None
    return _read(left, atoms, grain), _read(right, atoms, grain)


def _grain(polys: list[Polynomial], atoms: list[Expr]) -> dict[Expr, int]:
    """By what to multiply the exponents of each atom to have integers."""
    exponents: dict[Expr, list[int]] = {atom: [] for atom in atoms}
    for poly in polys:
        for monomial in poly:
            for atom, exponent in monomial:
                exponents[atom].append(exponent.q)
    return {atom: int(sympy.ilcm(1, *found)) for atom, found in exponents.items()}


def _whole(poly: Polynomial, atoms: list[Expr], grain: dict[Expr, int]) -> sympy.Poly | None:
    """SymPy's polynomial in roots of the atoms; None where it has negative exponents or too large ones."""
    tick()
    rows = {}
    for monomial, coefficient in poly.items():
        exponents = dict(monomial)
        rows[tuple(int(exponents.get(atom, S.Zero) * grain[atom]) for atom in atoms)] = coefficient
    if any(exponent < 0 for row in rows for exponent in row) or max(map(sum, rows)) > LARGEST_DEGREE:
        return None
    return sympy.Poly.from_dict(rows, *(sympy.Symbol(f"a{place}") for place in range(len(atoms))), domain="QQ")


def _is_irreducible(poly: Polynomial) -> bool:
    """Whether some atom stands alone in one term and nowhere else: such a polynomial has no factors but numbers."""
    seen: dict[Expr, int] = {}
    for monomial in poly:
        for atom, _ in monomial:
            seen[atom] = seen.get(atom, 0) + 1
    return any(len(monomial) == 1 and all(e == 1 and seen[atom] == 1 for atom, e in monomial) for monomial in poly)


def _read(factor: sympy.Poly, atoms: list[Expr], grain: dict[Expr, int]) -> Polynomial:
    result: Polynomial = {}
    for row, coefficient in factor.terms():
        pairs = zip(atoms, row, strict=True)
        monomial: Monomial = frozenset((atom, Rational(power, grain[atom])) for atom, power in pairs if power)
        if coefficient != 0:
            result[monomial] = Rational(coefficient)
    return result
