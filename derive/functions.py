"""Scalar functions that SymPy has, but with ideas of their own about kinks: maximum, minimum and choice.

The side of a kink is declared here once: at a tie the derivative is that of the *second* argument, and a constant is
always put second, so that the flat side is taken: the derivative of max(x, 0) at 0 is 0. The derivative of the
absolute value is ``sign``, with ``sign(0) = 0``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sympy
from sympy import Expr, Integer

from derive.errors import InputError
from derive.indicators import Bracket
from derive.indices import Node, one_object
from derive.sums import has, rewrite, tensors_in


class HalfTangent(sympy.Function):
    """``tan(u/2)``, which every function of the angle u is a fraction of: the prover's, and never typed."""

    is_real = True


class _Extremum(Node):
    is_real = True
    #: SymPy's own, for two numbers.
    of_numbers: ClassVar[type[Expr]]

    def __new__(cls, left: Any, right: Any) -> Expr:
        left, right = sympy.sympify(left), sympy.sympify(right)
        if left == right:
            return left
        if left.is_number and right.is_number:
            return cls.of_numbers(left, right)
        if not tensors_in(left) and tensors_in(right):
            left, right = right, left
        return one_object(cls, left, right)

    @property
    def left(self) -> Expr:
        return self.args[0]

    @property
    def right(self) -> Expr:
        return self.args[1]


class Maximum(_Extremum):
    """The larger of two numbers; at a tie its derivative is that of the second, a constant being put second.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> Maximum(0, x), Maximum(2, 3)
        (max(x, 0), 3)
    """

    of_numbers = sympy.Max

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.left.is_nonnegative or self.right.is_nonnegative else None


class Minimum(_Extremum):
    """The smaller of two numbers; at a tie its derivative is that of the second, a constant being put second."""

    of_numbers = sympy.Min


def without_numbers(expr: Expr) -> Expr:
    """Return a comparison with a number with no number on the other side, nor a maximum or minimum of one and a number.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> without_numbers(Bracket(">", x + 3, 0)), without_numbers(Bracket("<", Maximum(x, 0), 6))
        ([x > -3], [x < 6])
    """
    if not isinstance(expr, Bracket) or expr.relation not in (">", ">="):
        return expr
    for left, right in ((expr.left, expr.right), (expr.right, expr.left)):
        if not right.is_Rational:
            continue
        is_left = left == expr.left
        constant, rest = left.as_coeff_Add()
        if constant != 0 and constant.is_Rational and not isinstance(rest, sympy.Add) and rest.as_coeff_Mul()[0] > 0:
            sides = (rest, right - constant) if is_left else (right - constant, rest)
            return without_numbers(Bracket(expr.relation, *sides))
        if isinstance(left, _Extremum) and left.right.is_Rational:
            # One of the two decides where the comparison of the number is what leaves it open.
            alone = Bracket(expr.relation, *((left.right, right) if is_left else (right, left.right)))
            decided = Integer(1 if is_left == isinstance(left, Maximum) else 0)
            if alone == decided:
                return decided
            return without_numbers(Bracket(expr.relation, *((left.left, right) if is_left else (right, left.left))))
    return expr


class Where(Node):
    """``a`` where the condition holds and ``b`` where it does not; the value not chosen may be infinite or undefined.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> Where(Bracket(">", x, 0), x, 0)
        where(x > 0, x, 0)
    """

    is_real = True

    def __new__(cls, condition: Any, chosen: Any, other: Any) -> Expr:
        condition, chosen, other = map(sympy.sympify, (condition, chosen, other))
        if condition == 1 or chosen == other:
            return chosen
        if condition == 0:
            return other
        if not isinstance(condition, Bracket):
            raise InputError(f"where needs a comparison as its condition, not {condition}")
        return one_object(cls, condition, chosen, other)

    @property
    def condition(self) -> Bracket:
        return self.args[0]

    @property
    def chosen(self) -> Expr:
        return self.args[1]

    @property
    def other(self) -> Expr:
        return self.args[2]


def without_cotangents(expr: Expr) -> Expr:
    """Write the cotangents that SymPy makes, as of the tangent of ``x + pi/2``, as cos / sin.

    Example:
        >>> x = sympy.Symbol("x", real=True)
        >>> sympy.tan(x + sympy.pi / 2), without_cotangents(sympy.tan(x + sympy.pi / 2))
        (-cot(x), -cos(x)/sin(x))
    """

    def change(node: Expr) -> Expr | None:
        return sympy.cos(node.args[0]) / sympy.sin(node.args[0]) if isinstance(node, sympy.cot) else None

    written: Expr = rewrite(expr, change) if has(expr, sympy.cot) else expr
    return written
