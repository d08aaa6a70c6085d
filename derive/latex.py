r"""Expressions as LaTeX that pdflatex with amsmath and KaTeX in its strict mode both accept.

Example:
    >>> from derive.indices import Index, Tensor, size
    >>> from derive.sums import IndexSum
    >>> n, k, z = Index("n", size("N")), Index("k", size("K")), Tensor("z", (size("N"), size("K")))
    >>> print(latex_text(IndexSum(z[n, k] ** 2, k) / size("N")))
    \frac{1}{N} \sum_{k=1}^{K} z_{n,k}^{2}
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from sympy import Expr

from derive.indices import INCOMING, Element
from derive.layout import filled, latex_width
from derive.names import latex_name, subscripted, upright
from derive.notation import BAR, Notation
from derive.phrases import Phrase
from derive.rephrasing import is_higher, named_matrix, split_fraction, unfolded
from derive.typesetting import (
    NAMED_FUNCTIONS,
    counted_from,
    inline_rows,
    is_bare,
    is_tall,
    raises_function,
    set_rows,
    stands_above_line,
)
from derive.writing import (
    ADDITION,
    ATOM,
    POWER,
    PRODUCT,
    TERM,
    Writer,
    signed_terms,
    with_distinct_letters,
    write_negation,
)

RELATIONS = {">": ">", ">=": r"\geq", "<": "<", "<=": r"\leq", "=": "=", "!=": r"\neq"}
CONSTANTS = {"pi": r"\pi", "E": "e"}


def latex_text(expr: Expr, notation: Notation = BAR, first: int | None = None) -> str:
    r"""Return an expression as LaTeX.

    ``first`` is the number that positions are counted from in the ranges of sums; left out, it is 1 as in textbooks, or
    0 where the expression computes with positions, which the definitions count from 0.

    Raises:
        UnsupportedError: the expression has a node that is not one of the project's.

    Example:
        >>> from sympy import exp
        >>> from derive.indices import Tensor
        >>> x, s = Tensor("x")(), Tensor("s")()
        >>> print(latex_text(1 / (1 + exp(-x))), latex_text(s * (1 - s)))
        \frac{1}{1 + e^{-x}} s\left(1 - s\right)
    """
    start = counted_from(expr) if first is None else first
    return replace(LATEX, notation=notation, first=start).write(with_distinct_letters(expr))


def addition_terms(expr: Expr, notation: Notation = BAR, first: int = 1, room: float = math.inf) -> list[str]:
    r"""Return the terms of an expression, each with its sign, so that a long line can be broken between them.

    Inside a term, an addition wider than ``room`` is set on several lines.

    Example:
        >>> from derive.indices import Tensor
        >>> addition_terms(Tensor("a")() - Tensor("b")())
        ['a', '- b']
    """
    writer = replace(LATEX, notation=notation, first=first, room=room)
    phrase = writer.phrase(with_distinct_letters(expr))
    return signed_terms(writer, phrase) if phrase.kind == "addition" else [writer.write(phrase)]


# ---- rows ----


def bracketed(text: str) -> str:
    return rf"\left({text}\right)"


def write_addition(writer: Writer, phrase: Phrase) -> str:
    """Write an addition, on several lines where there is no room for it on one."""
    terms = signed_terms(writer, phrase)
    text = " ".join(terms)
    if latex_width(text) <= writer.room:
        return text
    rows = r" \\ & ".join(filled(terms, writer.room))
    return rf"\begin{{aligned}} & {rows} \end{{aligned}}"


def write_element(writer: Writer, phrase: Phrase) -> str:
    element = phrase.parts[0]
    places = subscripts(writer, element.indices)
    name = writer.notation.gradient_of(element.tensor)
    if name is not None:
        return writer.notation.latex_gradient(name, places, element.tensor.role == INCOMING)
    base, own = latex_name(element.tensor.name)
    return subscripted(base, (*own, *places))


def subscripts(writer: Writer, parts: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(writer.inlined().write, parts))


def write_name(writer: Writer, phrase: Phrase) -> str:
    return subscripted(*latex_name(phrase.word))


def write_number(writer: Writer, phrase: Phrase) -> str:
    if phrase.word == "inf":
        return r"\infty"
    mantissa, _, power = phrase.word.partition("e")
    if not power:
        return mantissa
    return f"10^{{{power}}}" if mantissa == "1" else rf"{mantissa} \cdot 10^{{{power}}}"


def write_product(writer: Writer, phrase: Phrase) -> str:
    factors = writer.write_factors(phrase)
    text = factors[0]
    for before, factor in pairwise(factors):
        text += separator(before, factor) + factor
    return text


def separator(before: str, factor: str) -> str:
    """Return what stands between two factors: a dot before a digit, no space where TeX makes one."""
    if factor[0].isdigit():
        return r" \cdot "
    if factor.startswith(r"\left("):
        return ""
    open_spaced = factor.startswith((r"\sum", r"\max", r"\log", r"\det", r"\tanh", r"\left", r"\operatorname"))
    return " " if open_spaced or before.isdecimal() or before.endswith((r"\right)", r"\right]")) else r"\, "


def write_fraction(writer: Writer, phrase: Phrase) -> str:
    above, below = map(writer.write, phrase.parts)
    return rf"\frac{{{above}}}{{{below}}}"


def write_slash(writer: Writer, phrase: Phrase) -> str:
    above, below = writer.write(phrase.parts[0], PRODUCT, at_end=False), writer.write(phrase.parts[1], POWER)
    return f"{above}/{below}"


def write_power(writer: Writer, phrase: Phrase) -> str:
    base, exponent = writer.phrase(phrase.parts[0]), writer.inlined().write(phrase.parts[1])
    if raises_function(writer, phrase):
        return write_function(writer, base, f"^{{{exponent}}}")
    return f"{writer.write(base, ATOM, at_end=False)}^{{{exponent}}}"


def write_function(writer: Writer, phrase: Phrase, power: str = "") -> str:
    known = NAMED_FUNCTIONS.get(phrase.word)
    name = (rf"\operatorname{{{phrase.word}}}" if known is None else rf"\{known}") + power
    arguments = ", ".join(map(writer.write, phrase.parts))
    return f"{name} {arguments}" if is_bare(writer, phrase) else name + bracketed(arguments)


def write_exp(writer: Writer, phrase: Phrase) -> str:
    if is_tall(writer, phrase.parts[0]):
        return rf"\exp{bracketed(writer.write(phrase.parts[0]))}"
    return f"e^{{{writer.inlined().write(phrase.parts[0])}}}"


def write_sum(writer: Writer, phrase: Phrase) -> str:
    body, *bound = phrase.parts
    inline = writer.inlined()
    signs = []
    for index in bound:
        last = inline.write(index.size if writer.first == 1 else index.size - 1)
        signs.append(rf"\sum_{{{inline.write(index)}={writer.first}}}^{{{last}}} ")
    return "".join(signs) + writer.write(body, TERM)


def write_extremum_over(name: str) -> Callable[[Writer, Phrase], str]:
    def write(writer: Writer, phrase: Phrase) -> str:
        body, *bound = phrase.parts
        text = writer.write(body, TERM)
        space = "" if text.startswith(r"\left(") else " "
        return f"{name}_{{{','.join(map(writer.inlined().write, bound))}}}{space}{text}"

    return write


def write_matrix(writer: Writer, phrase: Phrase) -> str:
    """Write a matrix by its name, or by its entry in brackets with the letters of its row and column."""
    named = named_matrix(phrase)
    if named is not None:
        return writer.write(named, ATOM)
    return subscripted(rf"\left[{writer.write(phrase.parts[0])}\right]", subscripts(writer, phrase.parts[1:3]))


def write_inverse(writer: Writer, phrase: Phrase) -> str:
    power = f"{write_matrix(writer, phrase)}^{{-1}}"
    return subscripted(bracketed(power), subscripts(writer, phrase.parts[3:]))


def write_determinant(writer: Writer, phrase: Phrase) -> str:
    return rf"\det{bracketed(write_matrix(writer, phrase))}"


def write_log_determinant(writer: Writer, phrase: Phrase) -> str:
    return rf"\log\left|{write_determinant(writer, phrase)}\right|"


def write_partial(writer: Writer, phrase: Phrase) -> str:
    body, element = phrase.parts
    if writer.notation.names_factor(body, element):
        return upright(writer.notation.factor(body.tensor.name, element.tensor.name))
    if is_higher(phrase, writer.notation):
        return write_higher(writer, phrase)
    below = rf"\partial {writer.write(element)}"
    if stands_above_line(writer, writer.phrase(body)):
        return rf"\frac{{\partial {writer.write(body)}}}{{{below}}}"
    return rf"\frac{{\partial}}{{{below}}}{bracketed(writer.write(body))}"


def write_higher(writer: Writer, phrase: Phrase) -> str:
    """Write a derivative of a derivative: the order above the line, all elements below it."""
    body, *elements = unfolded(*phrase.parts)
    below = [writer.write(each) for each in elements]
    above = writer.write(body)
    name = writer.notation.gradient_of(body.tensor) if isinstance(body, Element) else None
    if name is not None and writer.notation.is_quotient:
        base, own = latex_name(name)
        below.insert(0, subscripted(base, (*own, *subscripts(writer, body.indices))))
        above = subscripted(*latex_name(writer.notation.loss))
    order, denominator = rf"\partial^{{{len(below)}}}", r"\, ".join(rf"\partial {each}" for each in below)
    if name is not None or stands_above_line(writer, writer.phrase(body)):
        return rf"\frac{{{order} {above}}}{{{denominator}}}"
    return rf"\frac{{{order}}}{{{denominator}}}{bracketed(above)}"


def compare(writer: Writer, phrase: Phrase) -> str:
    left, right = (writer.write(part, ADDITION) for part in phrase.parts)
    return f"{left} {RELATIONS[phrase.word]} {right}"


def write_where(writer: Writer, phrase: Phrase) -> str:
    condition = compare(writer, writer.phrase(phrase.parts[0]))
    chosen, other = map(writer.write, phrase.parts[1:])
    if_, otherwise = writer.notation.choice
    rows = rf"{chosen} & \text{{{if_} }} {condition} \\ {other} & \text{{{otherwise}}}"
    return rf"\begin{{cases}} {rows} \end{{cases}}"


def write_arguments(name: str) -> Callable[[Writer, Phrase], str]:
    return lambda writer, phrase: name + bracketed(", ".join(map(writer.write, phrase.parts)))


LATEX_ROWS = set_rows(
    {
        "addition": write_addition,
        "negation": write_negation,
        "number": write_number,
        "symbol": write_name,
        "index": write_name,
        "constant": lambda writer, phrase: CONSTANTS.get(phrase.word, upright(phrase.word)),
        "element": write_element,
        "delta": lambda writer, phrase: subscripted(r"\delta", subscripts(writer, phrase.parts)),
        "bracket": lambda writer, phrase: rf"\left[{compare(writer, phrase)}\right]",
        "product": write_product,
        "fraction": write_fraction,
        "power": write_power,
        "root": lambda writer, phrase: rf"\sqrt{{{writer.write(phrase.parts[0])}}}",
        "exp": write_exp,
        "function": write_function,
        "absolute": lambda writer, phrase: rf"\left|{writer.write(phrase.parts[0])}\right|",
        "index_sum": write_sum,
        "index_max": write_extremum_over(r"\max"),
        "index_argmax": write_extremum_over(r"\operatorname*{arg\,max}"),
        "inverse": write_inverse,
        "determinant": write_determinant,
        "log_determinant": write_log_determinant,
        "partial": write_partial,
        "maximum": write_arguments(r"\max"),
        "minimum": write_arguments(r"\min"),
        "where": write_where,
    }
)
LATEX = Writer(
    LATEX_ROWS,
    bracketed,
    adjust=split_fraction(frozenset({"index_sum", "index_max"}), additions=True),
    inline=inline_rows(LATEX_ROWS, write_slash),
)
