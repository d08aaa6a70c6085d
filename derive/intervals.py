"""Between which numbers a value lies, and what takes all the values there as something free takes all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy
from sympy import Expr, Rational

from derive.precision import context

#: A value computed with 60 digits that is nearer to an end than this is at the end.
CLOSE = 1e-25


def number(value: Rational) -> Any:
    """A rational number in the evaluation's arithmetic."""
    return context.mpf(value.p) / value.q


class End(NamedTuple):
    """The least or the largest value; a strict one is not taken."""

    value: Rational
    strict: bool


@dataclass(frozen=True)
class Interval:
    """Between which numbers a value lies.

    Example:
        >>> positive = Interval(low=End(sympy.Integer(0), strict=True))
        >>> positive.texts("x"), positive.holding(sympy.Symbol("u"))
        (('x > 0',), exp(u))
    """

    low: End | None = None
    high: End | None = None

    def narrowed(self, end: End, is_low: bool) -> Interval:
        """Take in one more end."""
        old = self.low if is_low else self.high
        if old is not None and old.value == end.value:
            end = End(end.value, old.strict or end.strict)
        elif old is not None and (old.value > end.value) == is_low:
            end = old
        return Interval(end, self.high) if is_low else Interval(self.low, end)

    @property
    def is_empty(self) -> bool:
        """Whether no value lies in it."""
        if self.low is None or self.high is None:
            return False
        touching = self.low.value == self.high.value
        return bool(self.low.value > self.high.value) or (touching and (self.low.strict or self.high.strict))

    def holding(self, free: Expr) -> Expr | None:
        """What takes all the values in the interval as something free takes all; None where there is no end.

        It takes no other, but where both ends are there and one is taken: then it is held by one of them alone.
        """
        low, high = self.low, self.high
        if low is not None and high is not None and low.strict and high.strict:
            return low.value + (high.value - low.value) / (1 + sympy.exp(-free))
        if low is not None and high is not None and low.value == high.value:
            return low.value
        one = low or high
        if one is None:
            return None
        distance = sympy.exp(free) if one.strict else free**2
        return one.value + distance if low else one.value - distance

    def contains(self, value: Any) -> bool:
        """Whether a number lies in it."""
        above = self.low is None or value - number(self.low.value) > (CLOSE if self.low.strict else -CLOSE)
        return bool(above) and (
            self.high is None or bool(number(self.high.value) - value > (CLOSE if self.high.strict else -CLOSE))
        )

    def part(self, line: tuple[float, float]) -> tuple[Any, Any]:
        """The ends of a part of it, as wide as a given line where there is room."""
        width = line[1] - line[0]
        if self.low is not None:
            low = number(self.low.value)
            return low, low + width if self.high is None else number(self.high.value)
        return (number(self.high.value) - width, number(self.high.value)) if self.high is not None else line

    def texts(self, name: str) -> tuple[str, ...]:
        """What it says of a name."""
        found = []
        for end, sign in ((self.low, ">"), (self.high, "<")):
            if end is not None:
                found.append(f"{name} {sign}{'' if end.strict else '='} {end.value}")
        return tuple(found)
