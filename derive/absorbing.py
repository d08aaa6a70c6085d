"""Factors that say nothing beside others: a bracket beside the maximum it guards, a positive factor under a sign."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Expr, Mul

from derive.canonical import canonical
from derive.costs import cost
from derive.definitions import Definition, inline
from derive.functions import Maximum, Minimum
from derive.indicators import Bracket
from derive.signs import is_positive
from derive.sums import has, rewrite, tensors_in


def absorbed(node: Expr) -> Expr | None:
    """Return a product with a factor less, or None: x sign(x) is |x|, and [x > 0] max(x, 0) is max(x, 0).

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> absorbed(2 * Bracket(">", x, 0) * Maximum(x, 0)), absorbed(Bracket(">", x, 1) * Maximum(x, 0))
        (2*max(x, 0), None)
    """
    if not isinstance(node, Mul):
        return None
    for factor in node.args:
        others = [other for other in node.args if other is not factor]
        if isinstance(factor, sympy.sign):
            for turned in (1, -1):
                if turned * factor.args[0] in others:
                    others.remove(turned * factor.args[0])
                    return turned * Mul(*others) * sympy.Abs(factor.args[0])
        if isinstance(factor, Bracket) and any(_vanishes_without(other, factor) for other in others):
            return Mul(*others)
    return None


def _vanishes_without(factor: Expr, bracket: Bracket) -> bool:
    """Whether a factor is 0 wherever a comparison does not hold: max(x, 0) where not x > 0."""
    base, exponent = factor.as_base_exp()
    if bracket.relation not in (">", ">=") or not exponent.is_positive or not isinstance(base, (Maximum, Minimum)):
        return False
    if base.right != 0:
        return False
    ratio = (bracket.left - bracket.right) / base.left
    return is_positive(ratio if isinstance(base, Maximum) else -ratio)


def with_plain_signs(expr: Expr, definitions: Iterable[Definition] = ()) -> Expr:
    """Return an expression without positive factors under signs, and names there only where they are shorter.

    Args:
        definitions: of what stands in the expression by name: for y = x/s, the sign of s y is that of x.

    Example:
        >>> from derive.indices import Tensor
        >>> x, r = Tensor("x")(), Tensor("r")()
        >>> with_plain_signs(sympy.sign(sympy.sqrt(1 + r**2) * x)), with_plain_signs(sympy.sign(r * x))
        (sign(x), sign(r*x))
    """
    if not has(expr, sympy.sign):
        return expr
    known = tuple(definitions)

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, sympy.sign):
            return None
        here = node.args[0]
        names = tensors_in(here)
        named = [each for each in known if each.tensor in names and isinstance(here, Mul)]
        forms = [here, *(canonical(inline(here, (each,))) for each in named)]
        shortest = min(forms, key=cost)
        return sympy.sign(Mul(*(factor for factor in Mul.make_args(shortest) if not is_positive(factor))))

    plain: Expr = rewrite(expr, change)
    return plain
