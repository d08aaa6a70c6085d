"""Where an equation that holds almost everywhere fails: at the kinks of its sides, where two values are equal."""

from __future__ import annotations

import sympy
from sympy import Expr, Integer

from derive.canonical import structure_key
from derive.cases import Case, solved_for_an_element
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket
from derive.normal_form import Normaliser
from derive.polynomials import TooLargeError
from derive.printing import definition_text
from derive.sums import IndexArgmax, IndexMax
from derive.vanishing import vanishes

#: What has kinks or jumps.
KINKED = (sympy.Abs, sympy.sign, Maximum, Minimum, Where, Bracket, IndexMax, IndexArgmax)


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
    level = [bracket for bracket in plain.atoms(Bracket) if bracket.relation == "="]
    if not level or not vanishes(normaliser, difference, Case(values={bracket: Integer(0) for bracket in level})):
        return ()
    needed = sorted(level, key=structure_key)
    for bracket in tuple(needed):
        fewer = [each for each in needed if each != bracket]
        if fewer and vanishes(normaliser, difference, Case(values={each: Integer(0) for each in fewer})):
            needed = fewer
    return tuple(dict.fromkeys(_text(normaliser, bracket) for bracket in needed))


def _text(normaliser: Normaliser, bracket: Bracket) -> str:
    solved = solved_for_an_element(normaliser.polynomial(bracket.left - bracket.right))
    left, right = next(iter(solved.items()), (bracket.left, bracket.right))
    return f"{definition_text(left)} = {definition_text(right)}"
