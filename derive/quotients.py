r"""Denominators that a factor takes away: :math:`a\,(b/a + c) = b + a\,c`.

The logistic function has the derivative :math:`p\,(1 - p)`, the logarithms of its cross-entropy have
:math:`1/p` and :math:`1/(1 - p)`: what is left of them is seen only when the factor is multiplied in.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Add, Expr, Mul, Pow, S

from derive.sums import rewrite


def multiply_in(expr: Expr) -> Expr:
    """Return an equal expression whose factors are multiplied into the sums that have them below a line.

    A sum is divided term by term where a term has the divisor, itself a sum, as a factor.

    Example:
        >>> from derive.indices import Tensor
        >>> p, t = Tensor("p")(), Tensor("t")()
        >>> multiply_in(p * (t / p + 1)), multiply_in(p * (1 + t * (p + t / p)))
        (p + t, (p**2 + t)*t + p)
        >>> multiply_in((p - t * (1 + p)) / (1 + p))
        -t + p/(p + 1)
    """
    result: Expr = rewrite(expr, _multiplied)
    return result


def _multiplied(node: Expr) -> Expr | None:
    """A product with such factors multiplied into one of its sums; None where there are none."""
    if not isinstance(node, Mul):
        return None
    for total in (factor for factor in node.args if isinstance(factor, Add)):
        others = [factor for factor in node.args if factor is not total]
        taken = [factor for factor in others if _goes_into(factor, total)]
        if taken:
            return Mul(*(factor for factor in others if factor not in taken), _into(total, taken))
    return None


def _goes_into(factor: Expr, total: Add) -> bool:
    """Whether a factor is below a line in a sum, or the sum that it is divided by a factor of some of its terms."""
    base, exponent = _power(factor)
    if exponent > 0:
        return _monic(base) in _inner_divisors(total)
    return isinstance(base, Add) and any(base in Mul.make_args(term) for term in total.args)


def _inner_divisors(expr: Expr) -> set[Expr]:
    """What stands below a line in the terms of a sum, and in the terms of sums that are factors of these."""
    if isinstance(expr, Add):
        return set().union(*map(_inner_divisors, expr.args))
    return _divisors(expr).union(*(_inner_divisors(part) for part in Mul.make_args(expr) if isinstance(part, Add)))


def _into(expr: Expr, factors: Sequence[Expr]) -> Expr:
    """The expression times factors, each of which goes to where it is divided by."""
    if isinstance(expr, Add):
        return Add(*(_into(term, factors) for term in expr.args))
    parts, here = list(Mul.make_args(expr)), []
    for factor in factors:
        base, exponent = _power(factor)
        deeper = [part for part in parts if isinstance(part, Add) and _monic(base) in _inner_divisors(part)]
        if deeper and exponent > 0 and _monic(base) not in _divisors(expr):
            parts[parts.index(deeper[0])] = _into(deeper[0], [factor])
        else:
            here.append(factor)
    return _cancelled(Mul(*here, *parts))


def over_one_line(expr: Expr) -> Expr:
    """Return an equal expression in which a sum with a quotient is one quotient where that leaves fewer terms.

    Example:
        >>> from derive.indices import Tensor
        >>> p, t = Tensor("p")(), Tensor("t")()
        >>> over_one_line(1 - p / (p + t))
        t/(p + t)
    """
    result: Expr = rewrite(expr, _over_one_line)
    return result


def _over_one_line(node: Expr) -> Expr | None:
    if not isinstance(node, Add):
        return None
    for divisor in set().union(*map(_divisors, node.args)):
        if isinstance(divisor, Add):
            above = sympy.expand_mul(Add(*(_cancelled(divisor * term) for term in node.args)), deep=False)
            if len(Add.make_args(above)) < len(node.args):
                return above / divisor
    return None


def _divisors(term: Expr) -> set[Expr]:
    return {_monic(base) for base, exponent in map(_power, Mul.make_args(term)) if exponent < 0}


def _power(factor: Expr) -> tuple[Expr, Expr]:
    """The base and the exponent; 1 where that is no number."""
    if isinstance(factor, Pow) and factor.exp.is_Rational:
        return factor.base, factor.exp
    return factor, S.One


def _monic(base: Expr) -> Expr:
    """The base or its negative, the same for both."""
    return -base if base.could_extract_minus_sign() else base


def _cancelled(product: Expr) -> Expr:
    """A product in which a - b above a line and b - a below it are taken away."""
    sign, factors = S.One, []
    for factor in Mul.make_args(product):
        base, exponent = _power(factor)
        turned = exponent.is_Integer and isinstance(base, Add) and base.could_extract_minus_sign()
        sign *= (-1) ** exponent if turned else 1
        factors.append(Pow(-base, exponent) if turned else factor)
    return sign * Mul(*factors)
