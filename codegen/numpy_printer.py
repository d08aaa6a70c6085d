"""Elementwise expressions as NumPy text: SymPy's printer for NumPy with a table of our own rows.

What SymPy prints as ``x**(-1.0)`` is ``1 / x`` here, spaces are those of the formatter ruff, and constants are Python
numbers, so that the dtype of the arrays is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow
from sympy.core.symbol import Str
from sympy.printing.numpy import NumPyPrinter

from codegen.arithmetic import is_short_decimal
from derive.indicators import Bracket
from derive.indices import Node

#: How tightly Python binds, as far as it matters here.
COMPARISON, SUM, PRODUCT, POWER, ATOM = 10, 20, 30, 40, 100

#: By the class of a node, the function that computes it.
ROWS: Mapping[str, str] = MappingProxyType(
    {
        "exp": "np.exp",
        "log": "np.log",
        "tanh": "np.tanh",
        "Abs": "np.abs",
        "sign": "np.sign",
        "sin": "np.sin",
        "cos": "np.cos",
        "tan": "np.tan",
        "sinh": "np.sinh",
        "cosh": "np.cosh",
        "atan": "np.arctan",
        "asin": "np.arcsin",
        "acos": "np.arccos",
        "floor": "np.floor",
        "ceiling": "np.ceil",
        "erf": "_erf",
        "Sigmoid": "_sigmoid",
        "LogAddExp": "np.logaddexp",
        "Expm1": "np.expm1",
        "Log1p": "np.log1p",
        "SoftplusTail": "_softplus_tail",
        "NormalCdf": "_normal_cdf",
        "Maximum": "np.maximum",
        "Minimum": "np.minimum",
        "Where": "np.where",
        "Square": "np.square",
        "SquareRoot": "np.sqrt",
        "FullLike": "np.full_like",
        "CopyOf": "np.copy",
        "SumToShape": "_sum_to",
    }
)
MIRRORED: Mapping[str, str] = MappingProxyType({">": "<", ">=": "<="})
RELATIONS: Mapping[str, str] = MappingProxyType({">": ">", ">=": ">=", "=": "==", "!=": "!="})


class Text(Expr):
    """A piece of text that is printed as it is, with how tightly it binds."""

    is_commutative = True

    def __new__(cls, text: str, level: int = ATOM) -> Text:
        return Expr.__new__(cls, Str(text), Integer(level))

    @property
    def text(self) -> str:
        return str(self.args[0].name)

    @property
    def level(self) -> int:
        return int(self.args[1])


class Square(sympy.Function):
    """The square of what is not worth a name."""


class SquareRoot(sympy.Function):
    """The square root of an array; that of a constant is a power, and so a Python number."""


class FullLike(sympy.Function):
    """An array of the shape of the first argument, filled with the second."""


class CopyOf(sympy.Function):
    """The argument in memory of its own."""


class SumToShape(sympy.Function):
    """The first argument summed to a shape."""


def level_of(expr: Expr) -> int:
    """Return how tightly the text of an expression binds."""
    if isinstance(expr, Text):
        return expr.level
    if isinstance(expr, Add):
        return SUM
    if isinstance(expr, Mul):
        return SUM if _is_negative(expr) else PRODUCT
    if isinstance(expr, Pow):
        return PRODUCT if _is_negative(expr.args[1]) else POWER
    if isinstance(expr, Bracket):
        return COMPARISON
    if expr.is_Number:
        return SUM if _is_negative(expr) else (ATOM if expr.is_Integer or is_decimal(expr) else PRODUCT)
    return ATOM


def is_decimal(number: Expr) -> bool:
    return bool(number.is_Float or not number.is_Rational or is_short_decimal(number))


def _is_negative(expr: Expr) -> bool:
    if isinstance(expr, Mul):
        return bool(expr.args) and _is_negative(expr.args[0])
    return bool(expr.is_Number and expr.is_negative)


def negated(expr: Expr) -> Expr:
    """Return the negative as it stands, without multiplying out.

    Example:
        >>> numpy_text(negated(Add(Text("a"), Text("b"))))
        '-(a + b)'
    """
    return Mul(Integer(-1), expr, evaluate=False)


def numpy_text(expr: Expr) -> str:
    """Return an expression as NumPy text.

    Example:
        >>> x, n = sympy.symbols("x N")
        >>> numpy_text(1 / x), numpy_text(sympy.sqrt(n) * 2), numpy_text((x - n) ** 2)
        ('1 / x', '2 * N**0.5', '(x - N) ** 2')
    """
    return str(NumpyText().doprint(expr))


class NumpyText(NumPyPrinter):
    """SymPy's printer for NumPy with the rows above; ``lambdify`` takes it too."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__({**(settings or {}), "allow_unknown_functions": True})

    def part(self, expr: Expr, above: int) -> str:
        """Return the text of a part, in brackets unless it binds more tightly than ``above``."""
        text = str(self._print(expr))
        return text if level_of(expr) > above else f"({text})"

    def _print_Text(self, expr: Text) -> str:
        return expr.text

    def _print_Add(self, expr: Expr, **_: Any) -> str:
        result = ""
        for place, term in enumerate(expr.args):
            sign, positive = split_sign(term)
            text = self.part(positive, SUM if place else SUM - 1)
            result += f" {'-' if sign < 0 else '+'} {text}" if place else f"{'-' if sign < 0 else ''}{text}"
        return result

    def _print_Mul(self, expr: Expr, **_: Any) -> str:
        sign, positive = split_sign(expr)
        if sign < 0:
            return f"-{self.part(positive, PRODUCT - 1)}"
        text, below = "", []
        for factor, divides in _in_turn(expr):
            if divides:
                below.append(factor)
                continue
            text += self._divisor(below)
            below = []
            text += f" * {self.part(factor, PRODUCT)}" if text else self.part(factor, PRODUCT - 1)
        return (text or "1") + self._divisor(below)

    def _divisor(self, factors: list[Expr]) -> str:
        if len(factors) < 2:
            return "".join(f" / {self.part(factor, PRODUCT)}" for factor in factors)
        shown = [self.part(factor, PRODUCT if place else PRODUCT - 1) for place, factor in enumerate(factors)]
        return f" / ({' * '.join(shown)})"

    def _print_Pow(self, expr: Expr, **_: Any) -> str:
        base, exponent = expr.args
        if _is_negative(exponent):
            return f"1 / {self.part(base if exponent == -1 else Pow(base, -exponent, evaluate=False), PRODUCT)}"
        left, right = self.part(base, POWER), self.part(exponent, POWER)
        simple = all(re.fullmatch(r"[\w.]+", side) for side in (left, right))
        return f"{left}**{right}" if simple else f"{left} ** {right}"

    def _print_Rational(self, expr: Expr) -> str:
        return number_text(expr)

    def _print_Integer(self, expr: Expr) -> str:
        number = int(expr)
        short = tidy_exponent(f"{float(number):g}")
        return short if "e" in short and float(short) == number else str(number)

    def _print_Pi(self, expr: Expr) -> str:
        return "np.pi"

    def _print_Exp1(self, expr: Expr) -> str:
        return "np.e"

    def _print_Infinity(self, expr: Expr) -> str:
        return "np.inf"

    def _print_NegativeInfinity(self, expr: Expr) -> str:
        return "-np.inf"

    def _print_NumberSymbol(self, expr: Expr) -> str:
        return repr(float(expr))

    def _print_Bracket(self, expr: Bracket) -> str:
        relation, left, right = RELATIONS[expr.relation], expr.args[1], expr.args[2]
        is_name = isinstance(left, Text) and left.text.isidentifier() and not isinstance(right, Text)
        if relation in MIRRORED and (is_name or left.is_number) and not right.is_number:
            # What is looked at stands first: x < 6, abs(x) <= d.
            relation, left, right = MIRRORED[relation], right, left
        return f"{self.part(left, SUM - 1)} {relation} {self.part(right, SUM - 1)}"

    def _print_LogAddExp(self, expr: Expr) -> str:
        """``log(1 + exp(x))`` has a helper: np.logaddexp goes from number to number, and takes ten times as long."""
        if expr.args[0] == 0:
            return f"_softplus({self._print(expr.args[1])})"
        return self._print_row(expr)

    def _print_row(self, expr: Expr) -> str:
        return f"{ROWS[type(expr).__name__]}({', '.join(str(self._print(part)) for part in expr.args)})"


#: SymPy's printers have methods of their own for these; ours stand for the class above them.
_SPECIAL = {
    "Float": NumpyText._print_Rational,
    "Half": NumpyText._print_Rational,
    "Zero": NumpyText._print_Integer,
    "One": NumpyText._print_Integer,
    "NegativeOne": NumpyText._print_Integer,
    "GoldenRatio": NumpyText._print_NumberSymbol,
    "EulerGamma": NumpyText._print_NumberSymbol,
    "Catalan": NumpyText._print_NumberSymbol,
    **dict.fromkeys(ROWS.keys() - {"LogAddExp"}, NumpyText._print_row),
}
for _name, _method in _SPECIAL.items():
    setattr(NumpyText, f"_print_{_name}", _method)


def split_sign(expr: Expr) -> tuple[int, Expr]:
    """Return 1 or -1 and the expression without its sign."""
    if isinstance(expr, Mul) and expr.args[0] == -1:
        rest = expr.args[1:]
        return -1, rest[0] if len(rest) == 1 else Mul(*rest, evaluate=False)
    if isinstance(expr, Mul) and _is_negative(expr):
        return -1, Mul(split_sign(expr.args[0])[1], *expr.args[1:], evaluate=False)
    return (-1, -expr) if _is_negative(expr) else (1, expr)


def _in_turn(expr: Expr) -> list[tuple[Expr, bool]]:
    """Return the factors and whether they divide, in the order of the expression, a factor that multiplies first."""
    parts: list[tuple[Expr, bool]] = []
    for factor in expr.args:
        if isinstance(factor, Pow) and _is_negative(factor.args[1]):
            exponent = -factor.args[1]
            parts.append((factor.args[0] if exponent == 1 else Pow(factor.args[0], exponent, evaluate=False), True))
        elif factor.is_Rational and not factor.is_Integer and not is_short_decimal(factor):
            parts += [(Integer(factor.p), False)] if factor.p != 1 else []
            parts.append((Integer(factor.q), True))
        else:
            parts.append((factor, False))
    first = next((place for place, (_, divides) in enumerate(parts) if not divides), None)
    return parts if first is None else [parts[first], *parts[:first], *parts[first + 1 :]]


def number_text(number: Expr) -> str:
    """Return a number as Python writes it: a short decimal, a fraction, an integer.

    Example:
        >>> from sympy import Rational
        >>> number_text(Rational(1, 2)), number_text(Rational(-2, 3)), number_text(sympy.Float("1e-5"))
        ('0.5', '-2 / 3', '1e-5')
    """
    if number.is_Rational and not is_short_decimal(number):
        return f"{number.p} / {number.q}"
    return tidy_exponent(repr(float(number)))


def tidy_exponent(text: str) -> str:
    """Return a number's text without a plus or zeros in front of its exponent."""
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", text).replace("e+", "e")


def ordered(expr: Expr) -> Expr:
    """Return an expression of sizes as people write it: ``M - R + 1``, but ``1 - N``.

    Example:
        >>> N, R = sympy.symbols("N R")
        >>> numpy_text(ordered(1 + N - 2 * (R - 1))), numpy_text(ordered(1 - N))
        ('N - 2 * R + 3', '1 - N')
    """
    if not isinstance(expr, Add | Mul):
        return expr
    parts = [ordered(part) for part in expr.args]
    if isinstance(expr, Mul):
        return Mul(*parts, evaluate=False) if any(isinstance(part, Add) for part in parts) else expr
    opens = not any(part.is_Symbol or not (part.is_number or part.could_extract_minus_sign()) for part in parts)
    return Add(
        *sorted(parts, key=lambda part: (part.is_number != opens, part.could_extract_minus_sign())), evaluate=False
    )


def radicand(value: Expr) -> Expr | None:
    """Return what stands under one square root where a number has several, None where it has not.

    Example:
        >>> radicand(sympy.sqrt(2 / sympy.pi)), radicand(sympy.sqrt(2))
        (2/pi, None)
    """
    under = []
    for factor in Mul.make_args(value):
        base, exponent = factor.as_base_exp()
        if abs(exponent) == sympy.Rational(1, 2):
            under.append(base if exponent > 0 else 1 / base)
    return Mul(*under) if len(under) > 1 else None


def postfix(expr: Expr) -> str:
    """Return text that a method or an index may follow."""
    text = numpy_text(expr)
    if level_of(expr) >= ATOM and not (expr.is_Number and not isinstance(expr, Node)):
        return text
    return f"({text})"
