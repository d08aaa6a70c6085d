"""Bounds on the numbers of a text, so that no text can ask for a number that fills the memory or takes a day.

SymPy computes with numbers of any length as soon as it sees them: ``9**9**9**9`` must be refused before it is made.
"""

from __future__ import annotations

import math

import sympy
from sympy import Expr, Float, Rational, log

from derive.errors import DefinitionError
from derive.syntax import Tree
from derive.tokens import Text

LARGEST_EXPONENT = 1000
#: Constants lie between ten to the minus this power and ten to this power, as floating-point numbers must.
MOST_DIGITS = 300
MOST_BITS = 4096


class Limits:
    """The checks, and the text to complain about."""

    def __init__(self, source: Text) -> None:
        self.source = source

    def too_large(self, tree: Tree) -> DefinitionError:
        expected = f"expected numbers between 1e-{MOST_DIGITS} and 1e{MOST_DIGITS}, and powers up to {LARGEST_EXPONENT}"
        return self.source.mistake(tree.at, "this number is too large or too small", expected)

    def check_constant(self, value: Expr, tree: Tree) -> None:
        """Refuse a constant that is not real or not in the range of floating-point numbers.

        Raises:
            DefinitionError: it is not.
        """
        self.check_real(value, tree)
        if isinstance(value, Rational):
            magnitude = 0.0 if value == 0 else _decimal_digits(value)
        else:
            approximate = value.evalf(15)
            if not isinstance(approximate, Float):
                raise self.source.mistake(tree.at, "this is not a real number", "expected a finite real number")
            magnitude = 0.0 if approximate == 0 else float(sympy.log(abs(approximate), 10).evalf(15))
        if abs(magnitude) > MOST_DIGITS + 1:
            raise self.too_large(tree)

    def check_real(self, value: Expr, tree: Tree) -> None:
        """Refuse an expression that is infinite, undefined or complex whatever its inputs are.

        Raises:
            DefinitionError: it is.
        """
        if value.has(sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            raise self.source.mistake(tree.at, "this is not a real number", "expected a finite real number")

    def check_power(self, base: Expr, exponent: Expr, tree: Tree) -> None:
        """Refuse a power that would be too large a number, before it is made.

        Raises:
            DefinitionError: it would.
        """
        self.check_growth(base, tree)
        if any(abs(number) > LARGEST_EXPONENT for number in exponent.atoms(Rational)):
            raise self.too_large(tree)
        if base.is_number and exponent.is_number and base != 0:
            digits = float(sympy.log(abs(base.evalf(15)), 10).evalf(15)) * float(exponent.evalf(15))
            if abs(digits) > MOST_DIGITS:
                raise self.too_large(tree)

    def check_argument(self, name: str, value: Expr, tree: Tree) -> None:
        """Refuse an exponential of a large multiple of a number's logarithm: SymPy would make a power of it.

        Raises:
            DefinitionError: it is one.
        """
        if name == "exp" and any(part.args[0].is_number for part in value.atoms(log)):
            if any(abs(number) > LARGEST_EXPONENT for number in value.atoms(Rational)):
                raise self.too_large(tree)

    def check_growth(self, value: Expr, tree: Tree) -> None:
        """Refuse numbers of very many digits and very high powers anywhere in an expression.

        Raises:
            DefinitionError: there is one.
        """
        if any(max(abs(number.p).bit_length(), number.q.bit_length()) > MOST_BITS for number in value.atoms(Rational)):
            raise self.too_large(tree)
        for power in value.atoms(sympy.Pow):
            if any(abs(number) > LARGEST_EXPONENT for number in power.exp.atoms(Rational)):
                raise self.too_large(tree)

    def is_zero(self, value: Expr) -> bool:
        """Whether a value is 0 whatever the inputs are, as far as that shows without work."""
        if value.is_zero or not value.is_number or isinstance(value, Rational):
            return bool(value.is_zero)
        return abs(value.evalf(15)) < Float("1e-100") and bool(value.equals(0))


def _decimal_digits(value: Rational) -> float:
    return (abs(value.p).bit_length() - value.q.bit_length()) * math.log10(2)
