"""Where an equation that holds almost everywhere fails: at the kinks of its sides, where two values are equal."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr, Integer

from derive.canonical import MARK, readable, structure_key
from derive.cases import Case, solved_for_an_element
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket
from derive.normal_form import Normaliser
from derive.polynomials import TooLargeError
from derive.printing import definition_text
from derive.sums import IndexArgmax, IndexMax, free_indices, fresh_index, has, nodes, substitute
from derive.vanishing import vanishes

#: What has kinks or jumps.
KINKED = (sympy.Abs, sympy.sign, Maximum, Minimum, Where, Bracket, IndexMax, IndexArgmax)


def jumps(expr: Expr) -> Iterator[Expr]:
    """Yield expressions at whose zeros a comparison or a sign jumps, so that no rule tells the derivative there.

    Those of a maximum and an absolute value, which have a bend there and no jump, have a declared side.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> [*jumps(x * Bracket(">", x, 1) + sympy.Abs(x))], [*jumps(sympy.sign(x))]
        ([x - 1], [x])
    """
    yield from (each.left - each.right for each in nodes(expr, Bracket))
    yield from (each.args[0] for each in nodes(expr, sympy.sign))


def kinks(normaliser: Normaliser, difference: Expr) -> tuple[str, ...]:
    """Return equations, such as ``x[n] = 0``, outside of which an expression vanishes; none where that was not seen.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> kinks(Normaliser(generators=True), Bracket(">", x, 0) - Bracket(">=", x, 0))
        ('x = 0',)
    """
    try:
        plain = normaliser.expression(difference)
    except (TooLargeError, ZeroDivisionError):
        return ()
    level = [each for each in nodes(plain, Bracket) if each.relation == "=" and not has(each.left, *KINKED)]
    if not level or not vanishes(normaliser, difference, Case(values={bracket: Integer(0) for bracket in level})):
        return ()
    needed = sorted(level, key=structure_key)
    for bracket in tuple(needed):
        fewer = [each for each in needed if each != bracket]
        if fewer and vanishes(normaliser, difference, Case(values={each: Integer(0) for each in fewer})):
            needed = fewer
    return tuple(dict.fromkeys(_text(normaliser, bracket) for bracket in needed))


def _text(normaliser: Normaliser, bracket: Bracket) -> str:
    poly = normaliser.polynomial(bracket.left - bracket.right)
    left, right = next(iter(solved_for_an_element(poly).items()), (bracket.left, bracket.right))
    sizes = [atom for monomial in poly for atom, _ in monomial if isinstance(atom, sympy.Symbol)]
    if len(poly) == 2 and len(sizes) == 1:
        left, right = sizes[0], sympy.solve(bracket.left - bracket.right, sizes[0])[0]
    return f"{definition_text(_with_letters(left))} = {definition_text(_with_letters(right))}"


def _with_letters(expr: Expr) -> Expr:
    """The expression with letters for the indices that are bound around it."""
    marked = sorted((index for index in free_indices(expr) if index.name.startswith(MARK)), key=lambda i: i.name)
    taken = {index.name for index in free_indices(expr)}
    letters = {index: fresh_index(index.renamed(str(index.size).lower()), taken) for index in marked}
    return readable(substitute(expr, letters), {}, frozenset(letter.name for letter in letters.values()))
