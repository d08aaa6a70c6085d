r"""Factors of a polynomial in its atoms: :math:`x z + y z` is :math:`z (x + y)`, and so is what it came from expanded.

The prover needs them below a line, under a root and in a logarithm, where nothing can be multiplied out.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Rational, S

from derive.canonical import structure_key
from derive.polynomials import Monomial, Polynomial

#: Larger polynomials are left as they are: factoring them costs more than it is worth.
MOST_TERMS = 40
MOST_ATOMS = 8
LARGEST_DEGREE = 12


def factors_of(poly: Polynomial) -> list[tuple[Polynomial, int]]:
    """Return irreducible factors with how often each occurs, up to a number; the polynomial itself where it is one.

    Example:
        >>> from sympy import symbols
        >>> from derive.polynomials import add, single
        >>> x, y = symbols("x y")
        >>> square = {frozenset({(x, 2)}): 1, frozenset({(x, 1), (y, 1)}): 2, frozenset({(y, 2)}): 1}
        >>> factors_of(square) == [(add(single(x), single(y)), 2)]
        True
    """
    atoms = sorted({atom for monomial in poly for atom, _ in monomial}, key=structure_key)
    if _is_irreducible(poly) or not 1 < len(poly) <= MOST_TERMS or len(atoms) > MOST_ATOMS:
        return [(poly, 1)]
    grain = {atom: sympy.ilcm(1, *(dict(m)[atom].q for m in poly if atom in dict(m))) for atom in atoms}
    rows = {
        tuple(int(dict(monomial).get(atom, S.Zero) * grain[atom]) for atom in atoms): coefficient
        for monomial, coefficient in poly.items()
    }
    if any(exponent < 0 for row in rows for exponent in row) or max(map(sum, rows)) > LARGEST_DEGREE:
        return [(poly, 1)]
    names = [sympy.Dummy() for _ in atoms]
    _, factors = sympy.Poly.from_dict(rows, *names, domain="QQ").factor_list()
    if len(factors) == 1 and factors[0][1] == 1:
        return [(poly, 1)]
    return [(_read(factor, atoms, grain), times) for factor, times in factors]


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
        result[monomial] = Rational(coefficient)
    return result
