"""How wide a formula is and where a long one is broken: for a terminal, by characters, and for TeX, by an estimate.

A TeX width is counted in half ems, about a digit; a line of the documents made here holds ``LATEX_LINE`` of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from derive.names import GREEK_NAMES, latex_name, subscripted

#: Half ems of ten points in a line of A4 with margins of two centimetres.
LATEX_LINE = 96

BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


# ---- the terminal ----


def display_width(text: str) -> int:
    """Return the columns a text takes: a combining mark takes none, a wide character two.

    Example:
        >>> display_width("x̄[n,k]")
        6
    """
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def broken_text(text: str, width: int) -> list[str]:
    """Break a formula into lines of at most ``width`` columns where it can be: outside brackets, before + or -.

    Example:
        >>> broken_text("a b (c + d) - e f + g", 13)
        ['a b (c + d)', '- e f + g']
    """
    lines = []
    while display_width(text) > width:
        place = _best_break(text, width)
        if place is None:
            break
        lines.append(text[:place])
        text = text[place + 1 :]
    return [*lines, text]


def _best_break(text: str, width: int) -> int | None:
    """Return the space to break at: the fewest brackets open there, an operator after it, far to the right."""
    best: tuple[int, bool, int] | None = None
    depth = columns = 0
    for place, character in enumerate(text):
        depth += BRACKETS.get(character, 0)
        if columns > width:
            break
        if character == " " and columns > 1:
            # No break between a sign or a slash and what it belongs to.
            after_operator = text[place - 1] in "+-/=><≥≤≠" and text[place - 2] == " "
            before_operator = text[place + 1 : place + 3] in ("+ ", "- ", "/ ")
            key = (depth, not before_operator, -place)
            if not after_operator and (best is None or key < best):
                best = key
        columns += display_width(character)
    return None if best is None else -best[2]


# ---- TeX ----

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}]|[_^]|\s+|.", re.DOTALL)
_WIDE = {"+": 2.9, "-": 2.9, "=": 2.9, ">": 2.9, "<": 2.9, r"\geq": 2.9, r"\leq": 2.9, r"\neq": 2.9, r"\cdot": 1.7}
_NONE = (r"\left", r"\right", r"\displaystyle", r"\begin", r"\end", "&", r"\\")
_NARROW = {r"\,": 0.4, r"\ ": 0.6, r"\quad": 2.0, r"\qquad": 4.0, r"\sum": 2.9, r"\partial": 1.1, ",": 0.9}
_WORDS = (r"\text", r"\mathrm", r"\operatorname", r"\operatorname*")
_ACCENTS = (r"\bar", r"\hat", r"\tilde", r"\check", r"\overline", r"\sqrt", r"\boxed", r"\text", *_WORDS)
SCRIPT = 0.75


def latex_width(tex: str) -> float:
    r"""Estimate the width of a formula in half ems: a fraction is as wide as its wider half, a subscript is small.

    Example:
        >>> latex_width(r"\frac{a + b}{c}") < latex_width("a + b + c")
        True
    """
    tokens = [token for token in _TOKEN.findall(tex) if not token.isspace()]
    return _width(tokens, 0, len(tokens), 0)


def _width(tokens: list[str], start: int, end: int, depth: int) -> float:
    """Return the width of tokens that stand in ``depth`` fractions, in which sums have their limits at the side."""
    total, place, last, below = 0.0, start, 0.0, 0.0
    while place < end:
        token = tokens[place]
        if token == r"\frac":
            above_end = _group_end(tokens, place + 1)
            below_end = _group_end(tokens, above_end)
            halves = ((place + 1, above_end), (above_end, below_end))
            last = 0.8 + (SCRIPT if depth else 1) * max(_width(tokens, *half, depth + 1) for half in halves)
            place = below_end
        elif token in "_^" and len(token) == 1:
            below_end = _group_end(tokens, place + 1)
            script = SCRIPT * _width(tokens, place + 1, below_end, depth)
            if token == "_":
                under = depth == 0 and place > start and tokens[place - 1] in (r"\sum", r"\max")
                last = below = max(0.0, script - last) if under else script
            else:
                # A superscript stands over the subscript before it.
                last = max(0.0, script - below)
            place = below_end
        elif token == "{":
            group_end = _group_end(tokens, place)
            last, below = _width(tokens, place + 1, group_end - 1, depth), 0.0
            place = group_end
        else:
            last, below = _token_width(token), 0.0
            place += 1
        total += last
    return total


def _group_end(tokens: list[str], place: int) -> int:
    """Return the place after the group, or the single token, that stands at ``place``."""
    if place >= len(tokens) or tokens[place] != "{":
        return place + 1
    depth = 0
    for end in range(place, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[end], 0)
        if depth == 0:
            return end + 1
    return len(tokens)


def _token_width(token: str) -> float:
    if token in _NONE or token in "{}":
        return 0.0
    if token in _ACCENTS:
        return 1.6 if token == r"\sqrt" else 0.0
    if token in _WIDE or token in _NARROW:
        return {**_WIDE, **_NARROW}[token]
    if token.startswith("\\") and token not in GREEK_NAMES.values():
        return 0.9 * (len(token) - 1) + 0.5
    return 0.8 if token in "()[]|." else 1.15


def filled(terms: Iterable[str], width: float) -> list[str]:
    """Put as many signed terms into a line as fit.

    Example:
        >>> filled(["a", "+ b", "+ c"], 6)
        ['a + b', '+ c']
    """
    lines: list[str] = []
    for term in terms:
        if lines and latex_width(f"{lines[-1]} {term}") <= width:
            lines[-1] += f" {term}"
        else:
            lines.append(term)
    return lines


_ELEMENT = re.compile(r"\b([^\W\d]\w*)\[([\w, ]+)\]")
_ESCAPED = {
    "\\": r"\textbackslash ", "{": r"\{", "}": r"\}", "_": r"\_", "#": r"\#", "%": r"\%", "&": r"\&", "$": r"\$",
    "^": r"\textasciicircum ", "~": r"\textasciitilde ", "<": "$<$", ">": "$>$", "*": "$*$", "|": "$|$",
    "∂": r"$\partial$", "δ": r"$\delta$", "Σ": r"$\sum$", "≥": r"$\geq$", "≤": r"$\leq$", "≠": r"$\neq$",
    "·": r"$\cdot$", "×": r"$\times$", "→": r"$\to$", "²": "$^{2}$", "³": "$^{3}$",
    "ß": r"{\ss}", "œ": r"{\oe}", "æ": r"{\ae}",
    "–": "--", "—": "---", "’": "'", "…": "...", "\N{NO-BREAK SPACE}": " ", "\n": " ",
}  # fmt: skip
#: The accents of letters in words, by their combining marks.
_MARKS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


def latex_words(text: str) -> str:
    r"""Return prose as TeX text: special characters escaped, elements such as ``y[n,k]`` set as mathematics.

    Example:
        >>> print(latex_words("y[n,k] is 50% of x_0"))
        $y_{n,k}$ is 50\% of x\_0
    """
    pieces, place = [], 0
    for match in _ELEMENT.finditer(text):
        base, own = latex_name(match[1])
        indices = tuple(subscripted(*latex_name(part.strip())) for part in match[2].split(",") if part.strip())
        pieces += [_escaped(text[place : match.start()]), f"${subscripted(base, (*own, *indices))}$"]
        place = match.end()
    return "".join([*pieces, _escaped(text[place:])])


def _escaped(text: str) -> str:
    return "".join(map(_escaped_character, text))


def _escaped_character(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isascii():
        return character
    if character in GREEK_NAMES:
        return f"${GREEK_NAMES[character]}$"
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _MARKS:
        return rf"\{_MARKS[parts[1]]}{{{parts[0]}}}"
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii())
    return plain or f"U+{ord(character):04X}"
