"""What an expression costs to read and to compute: by it the shortest of several equal forms is chosen."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow

from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.matrices import IndexArray
from derive.sums import IndexArgmax, IndexMax, IndexSum

FUNCTION_COST = 4.0
SUM_COST = 2.0
NUMBER_COST = 0.25
#: Next to nothing: what a sum costs all of whose terms are subtracted, so that the minus stands before it.
SIGN_COST = 0.01


def cost(expr: Expr) -> float:
    """What an expression costs to read and to compute, roughly: operations, functions more, sums by index.

    Example:
        >>> from derive.indices import Tensor
        >>> from sympy import exp
        >>> x = Tensor("x")()
        >>> cost(x * (1 - x)) < cost(exp(x) / (1 + exp(x)) ** 2)
        True
    """
    if isinstance(expr, (Element, Index)) or not expr.args:
        return NUMBER_COST if expr.is_Integer else 1.0
    inner = sum(cost(argument) for argument in expr.args if isinstance(argument, Expr))
    if isinstance(expr, (Add, Mul)):
        if isinstance(expr, Add) and all(term.as_coeff_Mul()[0].is_negative for term in expr.args):
            inner += SIGN_COST
        negative = isinstance(expr, Mul) and expr.args[0] == -1
        return inner + len(expr.args) - (2 + NUMBER_COST if negative else 1)  # A sign costs nothing.
    if isinstance(expr, Pow):
        return inner + (0.5 if expr.exp.is_Integer else FUNCTION_COST)
    if isinstance(expr, (IndexSum, IndexMax, IndexArgmax)):
        return inner + (SUM_COST - 1) * (len(expr.args) - 1)
    if isinstance(expr, (Delta, Bracket)):
        return inner
    if isinstance(expr, IndexArray):
        return inner - 1
    return inner + FUNCTION_COST
