"""What evaluates numbers, arithmetic, functions, indicators and choices: what is computed of its parts' numbers alone.

A rule is given the expression and the function that makes the evaluator of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from mpmath.libmp import mpf_mul, mpf_mul_int, mpf_pow_int
from sympy import Add, Expr, Mul, Pow, Symbol

from derive.environment import Env, Evaluator, Numbers, remembering
from derive.errors import UnsupportedError
from derive.functions import HalfTangent, Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.precision import (
    COMPARISONS,
    LARGEST_EXPONENT,
    SCALAR_FUNCTIONS,
    Number,
    UndefinedError,
    compare,
    context,
    power,
    power_of_zero,
    raw,
    rounded,
    total,
)

#: Integers of so many bits are computed with as they are.
SHORT = 64

#: What makes the evaluator of a part.
Make = Callable[[Expr], Evaluator]


def evaluated_number(expr: Expr) -> Evaluator:
    """Return the evaluator of a number; of what is no number, or no real one, the evaluator raises.

    Example:
        >>> nowhere = Numbers({}, {})
        >>> evaluated_number(sympy.Integer(3))(nowhere, {}), int(evaluated_number(sympy.E)(nowhere, {}))
        (3, 2)
    """
    if isinstance(expr, sympy.Integer) and abs(expr.p).bit_length() <= SHORT:
        return _same(expr.p)
    if isinstance(expr, sympy.Rational):
        return _constant(lambda: rounded(expr.p) / rounded(expr.q))
    if isinstance(expr, sympy.Float):
        return _constant(lambda: context.make_mpf(expr._mpf_))
    if isinstance(expr, sympy.NumberSymbol):
        return _constant(lambda: context.mpf(expr.evalf(context.dps)))
    if expr.is_number:
        return _raising(UndefinedError("a number that is not real and finite"))
    return _raising(UnsupportedError(f"no rule to evaluate {type(expr).__name__}"))


def _same(number: int) -> Evaluator:
    return lambda numbers, env: number


def _constant(make: Callable[[], Number]) -> Evaluator:
    """A number that depends on how many digits are carried."""
    made: dict[int, Number] = {}

    def constant(numbers: Numbers, env: Env) -> Number:
        digits = context.prec
        if digits not in made:
            made[digits] = make()
        return made[digits]

    return constant


def _raising(error: Exception) -> Evaluator:
    def undefined(numbers: Numbers, env: Env) -> Number:
        raise type(error)(*error.args)

    return undefined


# -- arithmetic -------------------------------------------------------------------------------------------------------


def _add(expr: Add, make: Make) -> Evaluator:
    terms = tuple(map(make, expr.args))
    return lambda numbers, env: total([term(numbers, env) for term in terms])


def _mul(expr: Mul, make: Make) -> Evaluator:
    factors = tuple(map(make, expr.args))

    def multiply(numbers: Numbers, env: Env) -> Number:
        precision = context._prec_rounding
        whole, others = 1, None
        for factor in factors:
            value = factor(numbers, env)
            if type(value) is int:
                whole *= value
            else:
                others = value._mpf_ if others is None else mpf_mul(others, value._mpf_, *precision)
        if others is None:
            return whole
        return context.make_mpf(others if whole == 1 else mpf_mul_int(others, whole, *precision))

    return multiply


def _pow(expr: Pow, make: Make) -> Evaluator:
    base, exponent = map(make, expr.args)
    if not isinstance(expr.exp, sympy.Integer) or abs(expr.exp) > LARGEST_EXPONENT:
        return remembering(expr, lambda numbers, env: power(base(numbers, env), exponent(numbers, env)))
    whole = int(expr.exp)

    def whole_power(numbers: Numbers, env: Env) -> Number:
        value = base(numbers, env)
        if compare(value, 0) == 0:
            return power_of_zero(whole)
        return context.make_mpf(mpf_pow_int(raw(value), whole, *context._prec_rounding))

    return whole_power if isinstance(expr.base, (Element, Symbol, Index)) else remembering(expr, whole_power)


FUNCTIONS: dict[Any, Callable[[Number], Number]] = {
    **SCALAR_FUNCTIONS,
    HalfTangent: lambda angle: context.tan(angle / 2),
}


def _function(expr: Expr, make: Make) -> Evaluator:
    kind, argument = expr.func, make(expr.args[0])
    apply = FUNCTIONS[kind]

    def function(numbers: Numbers, env: Env) -> Number:
        value = argument(numbers, env)
        if kind is sympy.log and compare(value, 0) <= 0:
            raise UndefinedError("the logarithm of a number that is not positive")
        if kind in (sympy.asin, sympy.acos) and compare(abs(value), 1) > 0:
            raise UndefinedError("an arcsine or arccosine of a number outside of -1 and 1")
        if kind is sympy.exp and abs(value) > LARGEST_EXPONENT:
            raise UndefinedError("an exponential too large to evaluate")
        return apply(value)

    return remembering(expr, function)


def _angle(expr: sympy.atan2, make: Make) -> Evaluator:
    """What SymPy leaves of the real part of a root, cos(e atan2(0, a)) |a|^e: an angle of 0 where a > 0."""
    opposite, base = expr.args
    adjacent = make(base)

    def angle(numbers: Numbers, env: Env) -> Number:
        if opposite != 0 or compare(adjacent(numbers, env), 0) <= 0:
            raise UndefinedError("a root of a negative number")
        return 0

    return angle


# -- indicators and choices -------------------------------------------------------------------------------------------


def _compared(expr: Delta | Bracket, make: Make, holds: Callable[[int], bool]) -> Evaluator:
    left, right = make(expr.left), make(expr.right)
    return lambda numbers, env: int(holds(compare(left(numbers, env), right(numbers, env))))


def _where(expr: Where, make: Make) -> Evaluator:
    condition, chosen, other = make(expr.condition), make(expr.chosen), make(expr.other)
    return lambda numbers, env: (chosen if condition(numbers, env) else other)(numbers, env)


def _extreme(expr: Maximum | Minimum, make: Make, choose: Callable[[Number, Number], Number]) -> Evaluator:
    left, right = make(expr.left), make(expr.right)
    return lambda numbers, env: choose(left(numbers, env), right(numbers, env))


RULES: Mapping[Any, Callable[[Any, Make], Evaluator]] = {
    Add: _add,
    Mul: _mul,
    Pow: _pow,
    **dict.fromkeys(FUNCTIONS, _function),
    sympy.atan2: _angle,
    Delta: lambda expr, make: _compared(expr, make, COMPARISONS["="]),
    Bracket: lambda expr, make: _compared(expr, make, COMPARISONS[expr.relation]),
    Where: _where,
    Maximum: lambda expr, make: _extreme(expr, make, max),
    Minimum: lambda expr, make: _extreme(expr, make, min),
}
