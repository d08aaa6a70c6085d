"""How each kind of phrase is written in MathML: the rows for the visitor of ``derive.writing``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from html import escape
from typing import Any

from derive.indices import INCOMING, Element
from derive.latex import LATEX
from derive.layout import latex_width
from derive.markup import (
    APPLY,
    BAR_SIGN,
    DIFFERENTIAL,
    DOT,
    MINUS,
    TIMES,
    fenced,
    name_text,
    over,
    prefix,
    row,
    scripts,
    stacked,
    upright_word,
    word_text,
)
from derive.names import written_name
from derive.notation import OUT, Notation
from derive.phrases import Phrase
from derive.rephrasing import is_higher, named_matrix, unfolded
from derive.typesetting import inline_rows, is_bare, is_tall, raises_function, set_rows, stands_above_line
from derive.writing import ADDITION, ATOM, POWER, PRODUCT, TERM, Writer, signed_terms

RELATIONS = {">": "&gt;", ">=": "≥", "<": "&lt;", "<=": "≤", "=": "=", "!=": "≠"}
CONSTANTS = {"pi": "π", "E": "e"}
#: What opens with a digit.
DIGIT = re.compile(r"(<(msup|mrow)>)*<mn>")


def filled_lines(parts: Iterable[tuple[str, str]], room: float) -> list[str]:
    """Put as many terms into a line as fit; each is given as LaTeX, which is measured, and as MathML."""
    lines: list[str] = []
    total = 0.0
    for tex, term in parts:
        total += latex_width(tex)
        if lines and total <= room:
            lines[-1] += term
        else:
            lines.append(term)
            total = latex_width(tex)
    return lines


def subscripts(writer: Writer, parts: Iterable[Any]) -> list[str]:
    return list(map(writer.inlined().write, parts))


def signed(writer: Writer, phrase: Phrase) -> list[str]:
    """Return the terms of an addition with their signs; the first one's plus is not written."""
    (sign, opening), *others = writer.write_terms(phrase)
    signs = {"+": '<mo form="infix">+</mo>', "-": '<mo form="infix">−</mo>'}
    return [opening if sign == "+" else f"{MINUS}{opening}", *(f"{signs[sign]}{term}" for sign, term in others)]


def write_addition(writer: Writer, phrase: Phrase) -> str:
    """Write an addition, on several lines where there is no room for it on one."""
    terms = signed(writer, phrase)
    if writer.room == math.inf:
        return "".join(terms)
    measure = replace(LATEX, notation=writer.notation, first=writer.first)
    lines = filled_lines(zip(signed_terms(measure, phrase), terms, strict=True), writer.room)
    return lines[0] if len(lines) == 1 else stacked([[line] for line in lines])


def write_element(writer: Writer, phrase: Phrase) -> str:
    element = phrase.parts[0]
    places = subscripts(writer, element.indices)
    name = writer.notation.gradient_of(element.tensor)
    if name is not None:
        return gradient_text(writer.notation, name, places, element.tensor.role == INCOMING)
    return name_text(element.tensor.name, places)


def gradient_text(notation: Notation, name: str, places: Iterable[str], incoming: bool) -> str:
    """Write the gradient of a name; of what comes in through an output, with a raised ``out``."""
    if notation.kind == "word":
        return scripts(upright_word(notation.identifier(name, incoming)), places)
    raised = upright_word(OUT) if incoming else ""
    if notation.is_quotient:
        above, below = row(DIFFERENTIAL + name_text(notation.loss)), row(DIFFERENTIAL + name_text(name, places))
        quotient = f"<mfrac>{above}{below}</mfrac>"
        return scripts(fenced(quotient), above=raised) if incoming else quotient
    base, own = written_name(name)
    return scripts(over(word_text(base), BAR_SIGN, not base.is_single), (*map(word_text, own), *places), raised)


def write_number(writer: Writer, phrase: Phrase) -> str:
    if phrase.word == "inf":
        return "<mi>∞</mi>"
    mantissa, _, power = phrase.word.partition("e")
    if not power:
        return f"<mn>{mantissa}</mn>"
    sign, digits = (MINUS, power[1:]) if power.startswith("-") else ("", power)
    ten = scripts("<mn>10</mn>", above=f"{sign}<mn>{digits}</mn>")
    return ten if mantissa == "1" else f"<mn>{mantissa}</mn>{DOT}{ten}"


def write_product(writer: Writer, phrase: Phrase) -> str:
    factors = writer.write_factors(phrase)
    return factors[0] + "".join(separator(factor) + factor for factor in factors[1:])


def separator(factor: str) -> str:
    """Return what stands before a factor: a dot before a digit."""
    return DOT if DIGIT.match(factor) else TIMES


def write_fraction(writer: Writer, phrase: Phrase) -> str:
    above, below = (row(writer.write(part)) for part in phrase.parts)
    return f"<mfrac>{above}{below}</mfrac>"


def write_slash(writer: Writer, phrase: Phrase) -> str:
    above, below = writer.write(phrase.parts[0], PRODUCT, at_end=False), writer.write(phrase.parts[1], POWER)
    return f'{above}<mo lspace="0" rspace="0">/</mo>{below}'


def write_power(writer: Writer, phrase: Phrase) -> str:
    base, exponent = writer.phrase(phrase.parts[0]), writer.inlined().write(phrase.parts[1])
    if raises_function(writer, phrase):
        return write_function(writer, base, exponent)
    return scripts(row(writer.write(base, ATOM, at_end=False)), above=exponent)


def write_function(writer: Writer, phrase: Phrase, power: str = "") -> str:
    arguments = "<mo>,</mo>".join(map(writer.write, phrase.parts))
    name = scripts(upright_word(phrase.word), above=power) + APPLY
    return f'{name}<mspace width="0.17em"/>{arguments}' if is_bare(writer, phrase) else name + fenced(arguments)


def write_exp(writer: Writer, phrase: Phrase) -> str:
    if is_tall(writer, phrase.parts[0]):
        return f"<mi>exp</mi>{APPLY}{fenced(writer.write(phrase.parts[0]))}"
    return scripts("<mi>e</mi>", above=writer.inlined().write(phrase.parts[0]))


def write_sum(writer: Writer, phrase: Phrase) -> str:
    body, *bound = phrase.parts
    inline = writer.inlined()
    signs = []
    for index in bound:
        last = inline.write(index.size if writer.first == 1 else index.size - 1)
        below = f"<mrow>{inline.write(index)}<mo>=</mo><mn>{writer.first}</mn></mrow>"
        signs.append(f"<munderover><mo>∑</mo>{below}{row(last)}</munderover>")
    return "".join(signs) + writer.write(body, TERM)


def write_extremum_over(name: str) -> Callable[[Writer, Phrase], str]:
    def write(writer: Writer, phrase: Phrase) -> str:
        body, *bound = phrase.parts
        below = row("<mo>,</mo>".join(map(writer.inlined().write, bound)))
        return f"<munder>{prefix(name)}{below}</munder>{writer.write(body, TERM)}"

    return write


def write_matrix(writer: Writer, phrase: Phrase) -> str:
    """Write a matrix by its name, or by its entry in brackets with the letters of its row and column."""
    named = named_matrix(phrase)
    if named is not None:
        return writer.write(named, ATOM)
    return scripts(fenced(writer.write(phrase.parts[0]), "[", "]"), subscripts(writer, phrase.parts[1:3]))


def write_inverse(writer: Writer, phrase: Phrase) -> str:
    power = scripts(row(write_matrix(writer, phrase)), above=f"{MINUS}<mn>1</mn>")
    return scripts(fenced(power), subscripts(writer, phrase.parts[3:]))


def write_determinant(writer: Writer, phrase: Phrase) -> str:
    return f"<mi>det</mi>{APPLY}{fenced(write_matrix(writer, phrase))}"


def write_log_determinant(writer: Writer, phrase: Phrase) -> str:
    return f"<mi>log</mi>{APPLY}{fenced(write_determinant(writer, phrase), '|', '|')}"


def write_partial(writer: Writer, phrase: Phrase) -> str:
    body, element = phrase.parts
    if writer.notation.names_factor(body, element):
        return upright_word(writer.notation.factor(body.tensor.name, element.tensor.name))
    if is_higher(phrase, writer.notation):
        return write_higher(writer, phrase)
    below = [DIFFERENTIAL + writer.write(element)]
    return differentiated(writer.write(body), stands_above_line(writer, writer.phrase(body)), DIFFERENTIAL, below)


def write_higher(writer: Writer, phrase: Phrase) -> str:
    """Write a derivative of a derivative: the order above the line, all elements below it."""
    body, *elements = unfolded(*phrase.parts)
    below = [DIFFERENTIAL + writer.write(each) for each in elements]
    above = writer.write(body)
    name = writer.notation.gradient_of(body.tensor) if isinstance(body, Element) else None
    if name is not None and writer.notation.is_quotient:
        below.insert(0, DIFFERENTIAL + name_text(name, subscripts(writer, body.indices)))
        above = name_text(writer.notation.loss)
    order = scripts(DIFFERENTIAL, above=f"<mn>{len(below)}</mn>")
    return differentiated(above, name is not None or stands_above_line(writer, writer.phrase(body)), order, below)


def differentiated(body: str, is_above: bool, sign: str, below: Iterable[str]) -> str:
    """Return a derivative, with what is differentiated above the line or in brackets beside it."""
    line = row('<mspace width="0.17em"/>'.join(below))
    return f"<mfrac>{row(sign + body)}{line}</mfrac>" if is_above else f"<mfrac>{sign}{line}</mfrac>{fenced(body)}"


def compare(writer: Writer, phrase: Phrase) -> str:
    left, right = (writer.write(part, ADDITION) for part in phrase.parts)
    return f"{left}<mo>{RELATIONS[phrase.word]}</mo>{right}"


def write_where(writer: Writer, phrase: Phrase) -> str:
    condition = compare(writer, writer.phrase(phrase.parts[0]))
    chosen, other = map(writer.write, phrase.parts[1:])
    if_, otherwise = map(escape, writer.notation.choice)
    rows = [[chosen, f"<mtext>{if_}\u00a0</mtext>{condition}"], [other, f"<mtext>{otherwise}</mtext>"]]
    return f'<mrow><mo stretchy="true" form="prefix">{{</mo>{stacked(rows)}</mrow>'


def write_arguments(name: str) -> Callable[[Writer, Phrase], str]:
    return lambda writer, phrase: f"<mi>{name}</mi>{APPLY}" + fenced("<mo>,</mo>".join(map(writer.write, phrase.parts)))


MATHML_ROWS = set_rows(
    {
        "addition": write_addition,
        "negation": lambda writer, phrase: MINUS + writer.write(phrase.parts[0], TERM),
        "number": write_number,
        "symbol": lambda writer, phrase: name_text(phrase.word),
        "index": lambda writer, phrase: name_text(phrase.word),
        "constant": lambda writer, phrase: f"<mi>{CONSTANTS.get(phrase.word, escape(phrase.word))}</mi>",
        "element": write_element,
        "delta": lambda writer, phrase: scripts("<mi>δ</mi>", subscripts(writer, phrase.parts)),
        "bracket": lambda writer, phrase: fenced(compare(writer, phrase), "[", "]"),
        "product": write_product,
        "fraction": write_fraction,
        "power": write_power,
        "root": lambda writer, phrase: f"<msqrt>{writer.write(phrase.parts[0])}</msqrt>",
        "exp": write_exp,
        "function": write_function,
        "absolute": lambda writer, phrase: fenced(writer.write(phrase.parts[0]), "|", "|"),
        "index_sum": write_sum,
        "index_max": write_extremum_over("max"),
        "index_argmax": write_extremum_over("arg\u2009max"),
        "inverse": write_inverse,
        "determinant": write_determinant,
        "log_determinant": write_log_determinant,
        "partial": write_partial,
        "maximum": write_arguments("max"),
        "minimum": write_arguments("min"),
        "where": write_where,
    }
)
MATHML = Writer(MATHML_ROWS, fenced, adjust=LATEX.adjust, inline=inline_rows(MATHML_ROWS, write_slash))
