"""What an expression needs for being defined: no division by zero, no logarithm of what is not positive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import sympy
from sympy import Expr, Mul, Pow, Rational

from derive.functions import Where
from derive.indicators import Bracket
from derive.matrices import Determinant, Inverse, LogDeterminant
from derive.sums import Binder


class Demand(NamedTuple):
    """``body relation 0`` wherever all guards hold.

    Attributes:
        relation: ``">"``, ``">="`` or ``"!="``.
        guards: conditions of choices, each with whether it holds, under which alone the body is looked at.
        exponent: a letter's power is asked for; where the exponent happens to be whole, less will do.
    """

    relation: str
    body: Expr
    guards: tuple[tuple[Bracket, bool], ...] = ()
    exponent: Expr | None = None

    def expression(self) -> Expr:
        """What has a value exactly where the demand holds."""
        wanted = {">": sympy.log, ">=": lambda body: Pow(body, Rational(1, 2)), "!=": lambda body: Pow(body, -1)}
        result: Expr = wanted[self.relation](self.body) if self.exponent is None else Pow(self.body, self.exponent)
        for condition, holds in reversed(self.guards):
            result = Where(condition, result, 0) if holds else Where(condition, 0, result)
        return result


def demands(expr: Expr, through_binders: bool = True) -> Iterator[Demand]:
    """Yield what an expression needs, part by part.

    Args:
        through_binders: look into sums and maxima too; what is found there holds for every value of their indices.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> list(demands(sympy.log(x)))
        [Demand(relation='>', body=x, guards=(), exponent=None)]
    """
    if isinstance(expr, Binder) and not through_binders:
        return
    if isinstance(expr, sympy.log):
        yield Demand(">", expr.args[0])
    if isinstance(expr, sympy.tan):
        yield Demand("!=", sympy.cos(expr.args[0]))
    if isinstance(expr, (sympy.asin, sympy.acos)):
        yield Demand(">=", 1 - expr.args[0] ** 2)
    if isinstance(expr, Pow):
        yield from demands_of_power(*expr.args)
    if isinstance(expr, (Inverse, LogDeterminant)):
        yield Demand("!=", Determinant(expr.matrix))
    if isinstance(expr, Where):
        yield from demands(expr.condition, through_binders)
        for part, holds in ((expr.chosen, True), (expr.other, False)):
            for demand in demands(part, through_binders):
                yield demand._replace(guards=((expr.condition, holds), *demand.guards))
        return
    for argument in expr.args:
        if isinstance(argument, Expr):
            yield from demands(argument, through_binders)


def demands_of_power(base: Expr, exponent: Expr) -> Iterator[Demand]:
    """Yield what a power needs: no division by zero, no root of a negative number."""
    if exponent.is_integer:
        if not exponent.is_nonnegative:
            for factor in Mul.make_args(base):
                yield Demand("!=", factor.args[0] if isinstance(factor, sympy.Abs) else factor)
    elif exponent.is_number:
        yield Demand(">" if exponent.is_negative else ">=", base)
    else:
        yield Demand(">=", base, exponent=exponent)
