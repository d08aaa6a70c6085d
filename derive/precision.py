"""Numbers of 60 digits: how they are rounded, compared, told apart, and solved for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import sympy
from mpmath.libmp import from_int, mpf_sum

Number = Any

#: Digits carried.
DIGITS = 60

context = mpmath.mp.clone()
context.dps = DIGITS

#: Computed numbers that differ in this many of the last digits alone are the same: what is left of an exact tie.
TIE_DIGITS = 20
#: How many times the bits that are carried are taken from a longer integer.
SPARE = 4
#: Bits in a decimal digit, rounded down: so many digits are at least so many bits.
BITS = 3.32

#: The step of a central difference: its error is about the step squared.
STEP_DIGITS = 15
STEP = context.mpf(10) ** -STEP_DIGITS
#: Slopes to both sides that differ by more than this, relative to their size, are those of a kink.
KINK = context.mpf(10) ** -6
#: Values to both sides that differ by more than this, relative to their size, have a jump between them.
JUMP = context.mpf(10) ** -7
#: Larger exponents are not evaluated: their results have more digits than can be carried.
LARGEST_EXPONENT = 10**6


class UndefinedError(ArithmeticError):
    """The expression has no value here: the logarithm of 0, a division by 0, a place outside of a tensor, a kink."""


def compare(left: Number, right: Number) -> int:
    """Return the sign of a difference, 0 where it is no more than rounding.

    Example:
        >>> compare(1, 2), compare(context.mpf(3), context.sqrt(3) ** 2)
        (-1, 0)
    """
    if isinstance(left, int) and isinstance(right, int):
        return (left > right) - (left < right)
    difference = left - right
    negative, mantissa, exponent, bits = difference._mpf_
    if mantissa:  # Mostly the leading bits tell, without another operation on long numbers.
        scale = max(1, _magnitude(left), _magnitude(right)) + 2
        if exponent + bits - 1 > scale - _tie_bits(context.dps):
            return -1 if negative else 1
    if abs(difference) <= _tie(context.dps) * (1 + abs(left) + abs(right)):
        if difference != 0 and context.dps > DIGITS:  # With so many digits it is asked for a sure answer.
            raise UndefinedError("numbers too close to be told apart")
        return 0
    return 1 if difference > 0 else -1


def _magnitude(number: Number) -> int:
    """The exponent of a power of two that is above a number's absolute value."""
    if isinstance(number, int):
        return number.bit_length()
    _, _, exponent, bits = number._mpf_
    return int(exponent + bits)


@lru_cache(maxsize=8)
def _tie(digits: int) -> Number:
    return context.mpf(10) ** (TIE_DIGITS - digits)


@lru_cache(maxsize=8)
def _tie_bits(digits: int) -> int:
    """Numbers that differ before so many bits of the larger one are no tie."""
    return int(BITS * (digits - TIE_DIGITS))


def agree(first: Number, second: Number, digits: int) -> bool:
    """Whether two numbers differ by nothing in so many digits; in so many places, where they are smaller than 1.

    Example:
        >>> agree(context.mpf(1) / 3, context.mpf("0.3333"), 3), agree(context.mpf(1) / 3, context.mpf("0.3333"), 5)
        (True, False)
    """
    return bool(abs(first - second) <= context.mpf(10) ** -digits * (1 + abs(first) + abs(second)))


def rounded(integer: int) -> Number:
    """Return an integer, of which no more bits are looked at than can matter.

    Example:
        >>> rounded(12)
        mpf('12.0')
    """
    excess = max(0, integer.bit_length() - SPARE * context.prec)
    return context.ldexp(context.mpf(integer >> excess), excess)


def eliminate(entries: list[list[Number]], right: list[list[Number]] | None) -> tuple[Number, list[list[Number]]]:
    """Return a determinant and, for a right side, the solution: Gauss and Jordan's way, with the largest pivots.

    Raises:
        UndefinedError: there is a right side and the matrix is singular.

    Example:
        >>> determinant, solution = eliminate([[0, 2], [1, 1]], [[4], [5]])
        >>> int(determinant), [int(number) for number, in solution]
        (-2, [3, 2])
    """
    rows = [
        [*map(context.mpf, row), *map(context.mpf, right[place] if right else ())] for place, row in enumerate(entries)
    ]
    scale = 1 + max((abs(number) for row in entries for number in row), default=0)
    determinant = context.mpf(1)
    for column in range(len(rows)):
        pivot = max(range(column, len(rows)), key=lambda place: abs(rows[place][column]))
        if compare(rows[pivot][column] / scale, 0) == 0:
            if right is not None:
                raise UndefinedError("the inverse of a singular matrix")
            return context.mpf(0), []
        if pivot != column:
            rows[column], rows[pivot], determinant = rows[pivot], rows[column], -determinant
        determinant *= rows[column][column]
        rows[column] = [number / rows[column][column] for number in rows[column]]
        for place, row in enumerate(rows):
            if place != column:
                rows[place] = [a - row[column] * b for a, b in zip(row, rows[column], strict=True)]
    return determinant, [row[len(rows) :] for row in rows]


def raw(number: Number) -> Any:
    """The four integers a number is made of."""
    return from_int(number) if isinstance(number, int) else number._mpf_


def total(parts: list[Number]) -> Number:
    """The sum of numbers, rounded once."""
    whole, others = 0, []
    for part in parts:
        if type(part) is int:
            whole += part
        else:
            others.append(part._mpf_)
    if not others:
        return whole
    if whole:
        others.append(from_int(whole))
    return context.make_mpf(mpf_sum(others, *context._prec_rounding))


def power(base: Number, exponent: Number) -> Number:
    """Return a power.

    Raises:
        UndefinedError: there is none, or it is too large to evaluate.

    Example:
        >>> int(power(context.mpf(9), context.mpf(1) / 2))
        3
    """
    if abs(exponent) > LARGEST_EXPONENT:
        raise UndefinedError("a power too large to evaluate")
    nearest = int(context.nint(exponent))
    whole = compare(exponent, nearest) == 0
    if compare(base, 0) == 0:
        return power_of_zero(nearest if whole else exponent)
    if base < 0 and not whole:
        raise UndefinedError("a root of a negative number")
    return context.mpf(base) ** (nearest if whole else exponent)


def power_of_zero(exponent: Number) -> Number:
    """Return a power of 0: 1, 0, or none."""
    if exponent < 0:
        raise UndefinedError("a division by zero")
    return int(exponent == 0)


def slope(before: Number, here: Number, after: Number) -> Number:
    """Return the derivative that three values a step apart show.

    Raises:
        UndefinedError: the slopes to both sides differ, or the values do.
    """
    below, above = (here - before) / STEP, (after - here) / STEP
    if abs(above - below) > KINK * (1 + abs(above) + abs(below)):
        raise UndefinedError("no derivative at a kink")
    if abs(after - before) > JUMP * (1 + abs(here)):
        raise UndefinedError("no derivative at a kink: a jump")
    return (above + below) / 2


COMPARISONS: dict[str, Callable[[int], bool]] = {
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
    "=": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
}
SCALAR_FUNCTIONS: dict[Any, Callable[[Number], Number]] = {
    sympy.exp: context.exp,
    sympy.log: context.log,
    sympy.sin: context.sin,
    sympy.cos: context.cos,
    sympy.tan: context.tan,
    sympy.asin: context.asin,
    sympy.acos: context.acos,
    sympy.atan: context.atan,
    sympy.sinh: context.sinh,
    sympy.cosh: context.cosh,
    sympy.tanh: context.tanh,
    sympy.erf: context.erf,
    sympy.Abs: abs,
    sympy.sign: lambda number: compare(number, 0),
}
