"""What is known of the sign of an expression, wherever it is defined.

SymPy does not know that a square root is real, since to it the root of a negative number is a number too.
"""

from __future__ import annotations

from functools import lru_cache

import sympy
from sympy import Add, Expr, Mul, Pow

from derive.functions import Maximum, Minimum, Where
from derive.sums import IndexMax, IndexSum

#: Sums of more terms are told by the signs of the terms alone.
LONG = 100


@lru_cache(maxsize=50_000)
def is_positive(expr: Expr) -> bool:
    """Whether an expression is known to be positive where it is defined.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> is_positive(1 + sympy.sqrt(x)), is_positive(sympy.exp(sympy.sqrt(x))), is_positive(x**2)
        (True, True, False)
    """
    if isinstance(expr, sympy.exp) or (not _is_long(expr) and expr.is_positive):
        return True
    if isinstance(expr, Add):
        return all(map(is_nonnegative, expr.args)) and any(map(is_positive, expr.args))
    if isinstance(expr, (Mul, Minimum)):
        return all(map(is_positive, expr.args))
    if isinstance(expr, Maximum):
        return any(map(is_positive, expr.args))
    if isinstance(expr, Where):
        return is_positive(expr.chosen) and is_positive(expr.other)
    if isinstance(expr, Pow):
        return is_positive(expr.base)
    return isinstance(expr, (IndexSum, IndexMax)) and is_positive(expr.body)


@lru_cache(maxsize=50_000)
def is_nonnegative(expr: Expr) -> bool:
    """Whether an expression is known to be zero or positive where it is defined.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> is_nonnegative(sympy.sqrt(x)), is_nonnegative(x**2), is_nonnegative(x)
        (True, True, False)
    """
    if isinstance(expr, sympy.Abs) or is_positive(expr) or (not _is_long(expr) and expr.is_nonnegative):
        return True
    if isinstance(expr, (Add, Mul, Minimum)):
        return all(map(is_nonnegative, expr.args))
    if isinstance(expr, Maximum):
        return any(map(is_nonnegative, expr.args))
    if isinstance(expr, Where):
        return is_nonnegative(expr.chosen) and is_nonnegative(expr.other)
    if isinstance(expr, Pow):
        base, exponent = expr.args
        return bool(exponent.is_Rational and (not exponent.is_Integer or exponent.is_even)) or is_nonnegative(base)
    return isinstance(expr, (IndexSum, IndexMax)) and is_nonnegative(expr.body)


def _is_long(expr: Expr) -> bool:
    """Whether SymPy takes long to tell the sign of a sum; it looks for more than the signs of the terms."""
    return isinstance(expr, Add) and len(expr.args) > LONG


def absolute(expr: Expr) -> Expr:
    """The absolute value, as SymPy has it only where the sign is not known."""
    return expr if is_nonnegative(expr) else sympy.Abs(expr)
