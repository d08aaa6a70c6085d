"""What formulas set in LaTeX and in MathML have in common: how tightly a kind binds, and what stands bare.

Here too is from which number a formula that is set counts positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Expr

from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.matrices import Inverse
from derive.phrases import Phrase
from derive.sums import Binder, IndexArgmax
from derive.writing import (
    ADDITION,
    ATOM,
    FACTOR,
    LOWEST,
    NEGATION,
    POWER,
    PRODUCT,
    Row,
    Writer,
    ends_with_last_part,
    never,
    swallows,
)

#: Functions that TeX has a name for; others are set as ``\operatorname``.
NAMED_FUNCTIONS = {name: name for name in ("log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "coth")}
NAMED_FUNCTIONS |= {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
#: Arguments that a named function needs no brackets around.
BARE_ARGUMENTS = ("element", "symbol", "index", "number", "constant")
#: Kinds that make an exponent so tall that ``\exp`` reads better.
TALL_KINDS = ("index_sum", "where", "partial", "exp", "root")


def counted_from(*exprs: Expr) -> int:
    """Return the number from which the expressions count positions: 0 where they compute with them, otherwise 1.

    Example:
        >>> from derive.indices import Tensor, size
        >>> i, x = Index("i", size("I")), Tensor("x", (size("I"),))
        >>> counted_from(x[i]), counted_from(x[i + 1]), counted_from(x[0])
        (1, 0, 0)
    """
    return 0 if any(map(_computes_with_positions, exprs)) else 1


def _computes_with_positions(expr: Any) -> bool:
    if not isinstance(expr, Expr) or isinstance(expr, Index):
        return False
    if isinstance(expr, (Element, Delta)):
        places = expr.indices if isinstance(expr, Element) else expr.args
        return any(not isinstance(place, (Index, Element, IndexArgmax)) for place in places) or any(
            map(_computes_with_positions, places)
        )
    if isinstance(expr, Bracket):
        sides = (expr.left, expr.right)
        one_position = sum(isinstance(side, Index) for side in sides) == 1
        return one_position or any(map(_computes_with_positions, sides))
    if isinstance(expr, Inverse) and all(isinstance(place, Index) for place in expr.args[1:]):
        return _computes_with_positions(expr.matrix)
    parts = expr.args[:1] if isinstance(expr, Binder) else expr.args
    return any(isinstance(part, Index) or _computes_with_positions(part) for part in parts)


def level_of_gradient(writer: Writer, phrase: Phrase) -> int:
    """How tightly an element binds: a gradient may be written as a quotient."""
    is_gradient = writer.notation.gradient_of(phrase.parts[0].tensor) is not None
    return FACTOR if is_gradient and writer.notation.is_quotient else ATOM


def level_of_number(writer: Writer, phrase: Phrase) -> int:
    """How tightly a number binds: one with an exponent is a power, or a product with one."""
    return ATOM if "e" not in phrase.word else POWER if phrase.word.startswith("1e") else FACTOR


def raises_function(writer: Writer, phrase: Phrase) -> bool:
    """Whether the exponent stands at a function's name: a whole number, as in tanh²(x)."""
    exponent = writer.phrase(phrase.parts[1])
    return writer.phrase(phrase.parts[0]).kind == "function" and exponent.kind == "number" and exponent.word.isdecimal()


def is_open_power(writer: Writer, phrase: Phrase) -> bool:
    """Whether a power ends with a bare argument, as in tanh² x."""
    return raises_function(writer, phrase) and is_bare(writer, writer.phrase(phrase.parts[0]))


def level_of_power(writer: Writer, phrase: Phrase) -> int:
    """How tightly a power binds; one that ends with a bare argument as a function does."""
    return FACTOR if is_open_power(writer, phrase) else POWER


def is_bare(writer: Writer, phrase: Phrase) -> bool:
    """Whether a function's argument stands without brackets, as in log p."""
    if phrase.word not in NAMED_FUNCTIONS or len(phrase.parts) != 1:
        return False
    return writer.phrase(phrase.parts[0]).kind in BARE_ARGUMENTS and writer.level(phrase.parts[0]) == ATOM


def is_tall(writer: Writer, part: Any) -> bool:
    """Whether an exponent is so tall that exp(...) reads better."""
    phrase = writer.phrase(part)
    if phrase.kind in ("element", "index_max", "index_argmax"):
        return False
    return phrase.kind in TALL_KINDS or any(
        is_tall(writer, getattr(inner, "phrase", inner))
        for inner in phrase.parts
        if not isinstance(inner, sympy.Basic) or isinstance(inner, Expr)
    )


def stands_above_line(writer: Writer, phrase: Phrase) -> bool:
    """Whether what is differentiated is short enough to stand beside the upper derivative sign."""
    short_exp = phrase.kind == "exp" and not is_tall(writer, phrase.parts[0])
    return short_exp or (phrase.kind == "element" and writer.level(phrase) == ATOM)


def level_of_partial(writer: Writer, phrase: Phrase) -> int:
    """How tightly a derivative binds: as a name, where the notation has one for it."""
    return ATOM if writer.notation.names_factor(*phrase.parts) else FACTOR


#: How tightly each kind binds where it is set, and whether it swallows what follows.
BINDINGS: Mapping[str, tuple[Any, Callable[[Writer, Phrase], bool]]] = {
    "addition": (ADDITION, never),
    "negation": (NEGATION, ends_with_last_part),
    "number": (level_of_number, never),
    "symbol": (ATOM, never),
    "index": (ATOM, never),
    "constant": (ATOM, never),
    "element": (level_of_gradient, never),
    "delta": (ATOM, never),
    "bracket": (ATOM, never),
    "product": (PRODUCT, ends_with_last_part),
    "fraction": (FACTOR, never),
    "power": (level_of_power, is_open_power),
    "root": (ATOM, never),
    "exp": (POWER, never),
    "function": (FACTOR, is_bare),
    "absolute": (ATOM, never),
    "index_sum": (FACTOR, swallows),
    "index_max": (FACTOR, swallows),
    "index_argmax": (FACTOR, swallows),
    "inverse": (ATOM, never),
    "determinant": (POWER, never),
    "log_determinant": (POWER, never),
    "partial": (level_of_partial, never),
    "maximum": (FACTOR, never),
    "minimum": (FACTOR, never),
    "where": (LOWEST, never),
}


def set_rows(written: Mapping[str, Callable[[Writer, Phrase], str]]) -> Mapping[str, Row]:
    """Return a style's table: how each kind binds, which is the same in all, and how it is written in this one."""
    return {kind: Row(level, written[kind], is_open) for kind, (level, is_open) in BINDINGS.items()}


def inline_rows(rows: Mapping[str, Row], write_slash: Callable[[Writer, Phrase], str]) -> Mapping[str, Row]:
    """Return the table for exponents and subscripts, where a fraction is written with a slash."""
    return {**rows, "fraction": Row(PRODUCT, write_slash, ends_with_last_part)}
