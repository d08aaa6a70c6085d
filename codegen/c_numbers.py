"""Numbers and sizes as C text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy
from sympy import Add, Expr, Mul, Pow, Symbol

from codegen.c_precisions import Precision

#: How tightly C binds, as far as it matters here.
TERNARY, AND, EQUAL, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(1, 9)


def number_text(value: Expr, precision: Precision, name_of: Callable[[Symbol], str]) -> tuple[str, int]:
    """Return a number made of numbers and sizes in a precision, and how tightly its text binds.

    Example:
        >>> from codegen.c_precisions import FLOAT
        >>> N, K = sympy.symbols("N K", integer=True, positive=True)
        >>> [number_text(value, FLOAT, str)[0] for value in (sympy.Rational(1, 2), N * K, 1 / N, sympy.oo)]
        ['0.5f', '(float)(K * N)', '(float)(1.0 / N)', 'INFINITY']
    """
    if value in (sympy.oo, -sympy.oo):
        return ("INFINITY", ATOM) if value > 0 else ("-INFINITY", UNARY)
    if value.is_number:
        text = (short_text(float(value)) if precision.literal else decimal_text(float(value))) + precision.literal
        return text, UNARY if text.startswith("-") else ATOM
    if is_whole(value):
        text, level = whole_text(value, name_of)
        return f"({precision.name}){text if level >= UNARY else f'({text})'}", UNARY
    text, level = _double_text(value, name_of)
    return f"({precision.name}){text if level >= UNARY else f'({text})'}", UNARY


def decimal_text(number: float, text: str = "") -> str:
    """Return a number as a constant of type double.

    Example:
        >>> decimal_text(1e-5), decimal_text(2.0), decimal_text(1e22)
        ('1e-5', '2.0', '1e22')
    """
    text = text or repr(number)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return text


def short_text(number: float) -> str:
    """Return a number as a constant of type float, with as few digits as tell it from its neighbours.

    Example:
        >>> short_text(2**-0.5), short_text(1e-5), short_text(1e60)
        ('0.70710677', '1e-5', '1e60')
    """
    single = np.float32(number) if abs(number) < 1e38 else np.float32(0)
    return decimal_text(number) if single == 0 else decimal_text(number, str(single))


def is_whole(value: Expr) -> bool:
    """Whether a number is made of whole numbers by sums and products."""
    if isinstance(value, Add | Mul):
        return all(map(is_whole, value.args))
    if isinstance(value, Pow):
        return is_whole(value.args[0]) and value.args[1].is_Integer and 0 < value.args[1] <= 4
    return bool(value.is_Integer or value.is_Symbol)


def whole_text(value: Expr, name_of: Callable[[Symbol], str]) -> tuple[str, int]:
    """Return a whole number made of sizes, and how tightly its text binds.

    Example:
        >>> M, R = sympy.symbols("M R", integer=True)
        >>> whole_text(M - R + 1, str)[0], whole_text(1 - 2 * M, str)[0]
        ('M - R + 1', '1 - 2 * M')
    """
    if value.is_Integer:
        return str(value), UNARY if value < 0 else ATOM
    if isinstance(value, Symbol):
        return name_of(value), ATOM
    if isinstance(value, Add):
        opens = not any(not (term.is_number or term.could_extract_minus_sign()) for term in value.args)
        terms = sorted(
            value.args, key=lambda term: (term.is_number != opens, term.could_extract_minus_sign(), str(term))
        )
        text = ""
        for term in terms:
            negative = term.could_extract_minus_sign()
            part, level = whole_text(-term if negative else term, name_of)
            part = part if level >= (PRODUCT if text or negative else SUM) else f"({part})"
            text += f" {'-' if negative else '+'} {part}" if text else ("-" if negative else "") + part
        return text, SUM
    if isinstance(value, Mul):
        parts = [whole_text(factor, name_of) for factor in value.args]
        return " * ".join(part if level >= UNARY else f"({part})" for part, level in parts), PRODUCT
    assert isinstance(value, Pow)
    return whole_text(Mul(*[value.args[0]] * int(value.args[1]), evaluate=False), name_of)


def _double_text(value: Expr, name_of: Callable[[Symbol], str]) -> tuple[str, int]:
    """Return an expression in double; sizes are turned into double by what they meet."""
    if value.is_number:
        text = decimal_text(float(value))
        return text, UNARY if text.startswith("-") else ATOM
    if is_whole(value):
        text, level = whole_text(value, name_of)
        return (text, level) if level == ATOM else (f"(double)({text})", UNARY)
    if isinstance(value, Add):
        parts = [_double_text(term, name_of) for term in value.args]
        return " + ".join(part if level >= SUM else f"({part})" for part, level in parts), SUM
    if isinstance(value, Pow) and value.args[1] == sympy.Rational(1, 2):
        return f"sqrt({_double_text(value.args[0], name_of)[0]})", ATOM
    if isinstance(value, Pow) and not value.args[1].could_extract_minus_sign():
        base, exponent = (_double_text(part, name_of)[0] for part in value.args)
        return f"pow({base}, {exponent})", ATOM
    above, below = sympy.fraction(value)
    if below != 1:
        over, level = _double_text(above * 1.0 if is_whole(above) and above.is_number else above, name_of)
        over = f"(double){over}" if is_whole(above) and not above.is_number and level == ATOM else over
        under, under_level = _double_text(below, name_of)
        over = over if level >= PRODUCT else f"({over})"
        return f"{over} / {under if under_level >= UNARY else f'({under})'}", PRODUCT
    if isinstance(value, Mul):
        parts = [_double_text(factor, name_of) for factor in value.args]
        return " * ".join(part if level >= UNARY else f"({part})" for part, level in parts), PRODUCT
    function = {sympy.log: "log", sympy.exp: "exp"}[value.func]
    return f"{function}({_double_text(value.args[0], name_of)[0]})", ATOM
