"""Bounds on the numbers of a text, so that no text can ask for a number that fills the memory or takes a day.

SymPy computes with numbers of any length as soon as it sees them: ``9**9**9**9`` must be refused before it is made.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Float, Rational, log

from derive.errors import DefinitionError
from derive.tokens import Text
from derive.trees import Tree

LARGEST_EXPONENT = 100
#: A number in an exponent that is not a number itself, as in 2**(3*x).
LARGEST_NUMBER_IN_EXPONENT = 1000
#: The largest exponent of a base such as log(x), not real for every x: SymPy expands its powers to find that out.
LARGEST_EXPONENT_OF_UNCERTAIN = 20
#: Constants stay below the largest floating-point number, and so do the parts of fractions.
MOST_DIGITS = 308
MOST_BITS = 1024
#: A constant that a formula leads to, such as exp(-1000), may be smaller than the smallest floating-point number.
LEAST_DIGITS = -10_000
#: What may be in an expression, by SymPy's names.
KNOWN_FUNCTIONS = set("exp log sin cos tan asin acos atan sinh cosh tanh erf Abs sign Max Min".split())


class Limits:
    """The checks, and the text to complain about."""

    def __init__(self, source: Text) -> None:
        self.source = source

    def too_large(self, tree: Tree, largest: int = LARGEST_EXPONENT) -> DefinitionError:
        expected = f"expected numbers up to 1e{MOST_DIGITS} and powers up to {largest}"
        return self.source.mistake(tree.at, "this number is too large or too small", expected)

    def check_constant(self, value: Expr, tree: Tree) -> None:
        """Refuse a constant that is not real or not in the range of floating-point numbers.

        Raises:
            DefinitionError: it is not.
        """
        self.check_real(value, tree)
        self.check_growth(value, tree)
        if not isinstance(value, Rational):
            approximate = value.evalf(15)
            if not isinstance(approximate, Float):
                raise self.source.mistake(tree.at, "this is not a real number", "expected a finite real number")
            self._check_magnitude(approximate, tree)

    def check_real(self, value: Expr, tree: Tree) -> None:
        """Refuse an expression that is infinite, undefined or complex whatever its inputs are.

        Raises:
            DefinitionError: it is.
        """
        if value.has(sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            raise self.source.mistake(tree.at, "this is not a real number", "expected a finite real number")
        strange = {type(part).__name__ for part in value.atoms(sympy.Function)} - KNOWN_FUNCTIONS
        if strange:
            problem = f"this is not known to be real, and SymPy makes {', '.join(sorted(strange))} of it"
            raise self.source.unsupported(tree.at, problem, "apply abs and sign to what is real for every input")

    def check_power(self, base: Expr, exponent: Expr, tree: Tree) -> None:
        """Refuse a power that would be too large a number, before it is made.

        Raises:
            DefinitionError: it would.
        """
        self.check_growth(base, tree)
        largest = LARGEST_NUMBER_IN_EXPONENT
        if exponent.is_number:
            largest = LARGEST_EXPONENT if base.is_real else LARGEST_EXPONENT_OF_UNCERTAIN
        if any(abs(number) > largest for number in exponent.atoms(Rational)):
            raise self.too_large(tree, largest)
        if base.is_number and exponent.is_number and base != 0:
            digits = float(sympy.log(abs(base.evalf(15)), 10).evalf(15)) * float(exponent.evalf(15))
            if abs(digits) > MOST_DIGITS:
                raise self.too_large(tree)

    def check_argument(self, name: str, value: Expr, tree: Tree) -> None:
        """Refuse an exponential of a large multiple of a number's logarithm: SymPy would make a power of it.

        Raises:
            DefinitionError: it is one.
        """
        has_logarithm = name == "exp" and any(part.args[0].is_number for part in value.atoms(log))
        if has_logarithm and any(abs(number) > LARGEST_NUMBER_IN_EXPONENT for number in value.atoms(Rational)):
            raise self.too_large(tree)

    def check_growth(self, value: Expr, tree: Tree) -> None:
        """Refuse numbers of very many digits and very high powers anywhere in an expression.

        Raises:
            DefinitionError: there is one.
        """
        if any(max(abs(number.p).bit_length(), number.q.bit_length()) > MOST_BITS for number in value.atoms(Rational)):
            raise self.too_large(tree)
        for power in value.atoms(sympy.Pow, sympy.exp):
            is_power = isinstance(power, sympy.Pow)
            if is_power and any(abs(number) > LARGEST_NUMBER_IN_EXPONENT for number in power.exp.atoms(Rational)):
                raise self.too_large(tree)
            if power.is_number:
                self._check_magnitude(power.evalf(15), tree)

    def _check_magnitude(self, value: Float, tree: Tree) -> None:
        if value != 0 and not LEAST_DIGITS < sympy.log(abs(value), 10).evalf(15) < MOST_DIGITS:
            raise self.too_large(tree)

    def is_zero(self, value: Expr) -> bool:
        """Whether a value is 0 whatever the inputs are, as far as that shows without work."""
        if value.is_zero or not value.is_number or isinstance(value, Rational):
            return bool(value.is_zero)
        return abs(value.evalf(15)) < Float("1e-100") and bool(value.equals(0))
