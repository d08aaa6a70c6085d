"""The two indicators: Kronecker delta and Iverson bracket."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer
from sympy.core.symbol import Str

from derive.errors import InputError
from derive.index_arithmetic import balanced, is_form
from derive.indices import Node, one_object

#: The comparisons that are turned round, and the signs of a difference for which each of the others holds.
TURNED = {"<": ">", "<=": ">="}
SIGNS = {">": (1,), ">=": (0, 1), "=": (0,), "!=": (-1, 1)}


class _Indicator(Node):
    """What is 0 or 1, and so its own powers."""

    is_integer = True
    is_nonnegative = True

    def _eval_power(self, exponent: Expr) -> Expr | None:
        return self if exponent.is_positive else None


class Delta(_Indicator):
    r"""The Kronecker delta :math:`\delta_{ij} = [i = j]` of two index expressions.

    Example:
        >>> from derive.indices import Index, size
        >>> n, k = Index("n", size("N")), Index("k", size("N"))
        >>> Delta(n, n), Delta(n, n + 1), Delta(k, n) == Delta(n, k)
        (1, 0, True)
        >>> Delta(n - 1, k) == Delta(n, k + 1), Delta(2 * n, 2 * k + 1)
        (True, 0)
    """

    def __new__(cls, left: Any, right: Any) -> Expr:
        left, right = sympy.sympify(left), sympy.sympify(right)
        difference = left - right
        if difference.is_Integer:
            return Integer(1) if difference == 0 else Integer(0)
        if is_form(left) or is_form(right):
            sides = balanced(left, right)
            if sides is None:
                return Integer(0)
            left, right = sides
        first, second = sorted((left, right), key=sympy.default_sort_key)
        return one_object(cls, first, second)

    @property
    def left(self) -> Expr:
        return self.args[0]

    @property
    def right(self) -> Expr:
        return self.args[1]


def _sign_of_number(number: Expr) -> int | None:
    """The sign of a real number; None for what is not one."""
    if not number.is_comparable:
        return 0 if number.is_zero else None
    return int(sympy.sign(number)) if not number.is_zero else 0


class Bracket(_Indicator):
    r"""The Iverson bracket: :math:`[a > b]` is 1 where the comparison holds and 0 where it does not.

    ``relation`` is one of ``>``, ``>=``, ``=``, ``!=``; ``<`` and ``<=`` are turned round.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> Bracket("<", 0, x), Bracket(">", 2, 1)
        ([x > 0], 1)
    """

    def __new__(cls, relation: str | Str, left: Any, right: Any) -> Expr:
        name = relation.name if isinstance(relation, Str) else relation
        left, right = sympy.sympify(left), sympy.sympify(right)
        if name in TURNED:
            name, left, right = TURNED[name], right, left
        if name not in SIGNS:
            raise InputError(f"unknown comparison {name!r}; expected one of > >= < <= = !=")
        difference = left - right
        sign = _sign_of_number(difference)
        if sign is not None:
            return Integer(1 if sign in SIGNS[name] else 0)
        if name in ("=", "!="):
            left, right = sorted((left, right), key=sympy.default_sort_key, reverse=True)
        return one_object(cls, Str(name), left, right)

    @property
    def relation(self) -> str:
        return str(self.args[0].name)

    @property
    def left(self) -> Expr:
        return self.args[1]

    @property
    def right(self) -> Expr:
        return self.args[2]
