"""The elements of MathML Core that formulas are made of: names, scripts, brackets and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from html import escape

from derive.names import GREEK_NAMES, Word, written_name

#: What a reader sees of an accent; a bar is long, since the short one is that of gradients.
BAR_SIGN = "¯"
ACCENT_SIGNS = {"hat": "^", "tilde": "~", "bar": BAR_SIGN, "check": "ˇ", "dot": "˙"}
#: The letter of a Greek letter's LaTeX command.
GREEK_LETTERS = {
    **{tex: name for name, tex in GREEK_NAMES.items() if len(name) == 1},
    r"\varepsilon": "ε", r"\epsilon": "ϵ", r"\vartheta": "ϑ", r"\varphi": "φ", r"\phi": "ϕ", r"\varrho": "ϱ",
    r"\varsigma": "ς", r"\omicron": "ο",
}  # fmt: skip
#: A product's sign, which nobody sees, with the space of a thin one; a function's, without space.
TIMES, APPLY = '<mo lspace="0" rspace="0.17em">\u2062</mo>', "<mo>\u2061</mo>"
DOT = '<mo lspace="0.17em" rspace="0.17em">·</mo>'
DIFFERENTIAL = '<mi mathvariant="normal">∂</mi>'
#: A minus that nothing stands before.
MINUS = '<mo form="prefix">−</mo>'


def row(content: str) -> str:
    """Return content as one element: what is one already stays as it is."""
    return content if is_element(content) else f"<mrow>{content}</mrow>"


def is_element(content: str) -> bool:
    """Whether MathML text is one element.

    Example:
        >>> is_element("<mi>x</mi>"), is_element("<mi>x</mi><mi>y</mi>")
        (True, False)
    """
    depth = 0
    for tag in re.finditer(r"<(/?)\w[^>]*?(/?)>", content):
        depth += -1 if tag[1] else not tag[2]
        if depth == 0:
            return tag.end() == len(content)
    return False


def word_text(word: Word) -> str:
    """Return a word of a name: letters slanted, words and letters of other alphabets upright, accents above."""
    letter = GREEK_LETTERS.get(GREEK_NAMES.get(word.text, ""), word.text)
    if word.is_number:
        text = f"<mn>{letter}</mn>"
    else:
        upright = ' mathvariant="normal"' if len(letter) == 1 and not replace(word, accents=()).is_single else ""
        text = f"<mi{upright}>{escape(letter)}</mi>"
    for accent in word.accents:
        text = over(text, ACCENT_SIGNS[accent], is_long=accent == "bar")
    return text


def over(base: str, sign: str, is_long: bool = False) -> str:
    """Return a base with a sign over it: an accent, or a bar, to which browsers leave a gap as no accent has one."""
    stretchy = "true" if is_long else "false"
    if sign == BAR_SIGN:
        return f'<mover>{base}<mo stretchy="{stretchy}" scriptlevel="0">{sign}</mo></mover>'
    return f'<mover accent="true">{base}<mo stretchy="{stretchy}">{sign}</mo></mover>'


def scripts(base: str, below: Iterable[str] = (), above: str = "") -> str:
    """Return a base with what stands below it, separated by commas, and above it."""
    subscript = '<mo rspace="0">,</mo>'.join(below)
    if above and base.startswith("<msub>") and is_element(base):
        return f"<msubsup>{base.removeprefix('<msub>').removesuffix('</msub>')}{row(above)}</msubsup>"
    parts = [base, *(row(script) for script in (subscript, above) if script)]
    tag = {(True, True): "msubsup", (True, False): "msub", (False, True): "msup"}.get((bool(subscript), bool(above)))
    return f"<{tag}>{''.join(parts)}</{tag}>" if tag else base


def fenced(content: str, opening: str = "(", closing: str = ")") -> str:
    return (
        f'<mrow><mo stretchy="true" form="prefix">{opening}</mo>{content}'
        f'<mo stretchy="true" form="postfix">{closing}</mo></mrow>'
    )


def upright_word(word: str) -> str:
    return f'<mi mathvariant="normal">{escape(word)}</mi>' if len(word) == 1 else f"<mi>{escape(word)}</mi>"


def prefix(word: str) -> str:
    """Return a word such as max that stands before what it is of."""
    return f'<mo lspace="0.17em" rspace="0.17em" form="prefix">{word}</mo>'


def stacked(rows: Iterable[Iterable[str]]) -> str:
    """Return rows of cells under one another, their beginnings aligned."""
    cells = ["".join(f'<mtd style="text-align:left">{cell}</mtd>' for cell in each) for each in rows]
    return f'<mtable columnalign="left">{"".join(f"<mtr>{each}</mtr>" for each in cells)}</mtable>'


def name_text(name: str, places: Iterable[str] = ()) -> str:
    base, own = written_name(name)
    return scripts(word_text(base), (*map(word_text, own), *places))
