"""Pieces of C: expressions with how tightly they bind, the bodies of loops, names that C has room for, broken lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from codegen.c_functions import FUNCTIONS, names_of_functions
from codegen.c_loops import Loop
from codegen.c_numbers import (
    ATOM,
    COMPARE,
    EQUAL,
    PRODUCT,
    SUM,
    UNARY,
)
from codegen.c_systems import Factors
from codegen.naming import Names
from codegen.program import Statement

INDENT = "    "
#: The longest line of code, and the longest part of an expression that is not given a name.
WIDTH, PART = 110, 72
KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while work threads "
    "ptrdiff_t size_t uint32_t uint64_t memcpy main bits number INFINITY NAN y0 y1 yn j0 j1 jn gamma exp log".split()
)
#: Whole numbers: positions, labels, sizes.
WHOLE = "ptrdiff_t"
OPERATORS = {
    "greater": (">", COMPARE),
    "greater_equal": (">=", COMPARE),
    "equal": ("==", EQUAL),
    "not_equal": ("!=", EQUAL),
}


class Text(NamedTuple):
    """A piece of an expression: how tightly it binds, and in how many loops it must stand.

    What may get a name, should it be needed in more loops than these, says of which element it is the text.
    """

    text: str
    level: int = ATOM
    depth: int = 0
    element: tuple[str, tuple[str, ...]] | None = None

    def part(self, level: int) -> str:
        """Return the text in brackets unless it binds as tightly as this."""
        return self.text if self.level >= level else f"({self.text})"


@dataclass(eq=False)
class Block:
    """The lines of a loop's body, the variables that they declare, and where elements of values are found."""

    loop: Loop | None = None
    lines: list[str] = field(default_factory=list)
    memo: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    variable: str = ""


class CNames(Names):
    """Identifiers that are none of C's words."""

    def _free(self, name: str, numbered: bool = False) -> str:
        name = re.sub(r"[^0-9A-Za-z_]", lambda found: f"u{ord(found[0]):x}", name)
        if name in KEYWORDS or name in FUNCTIONS or name in names_of_functions():
            name = f"{name}_"
        return super()._free(name, numbered)

    def _hint(self, statement: Statement) -> str:
        return "factors" if isinstance(statement.op, Factors) else super()._hint(statement)

    def new(self, name: str) -> str:
        """Return a name that nothing else has."""
        return self._free(name)


def sum_text(parts: Sequence[Text], signs: Sequence[int]) -> Text:
    """Return a sum with signs.

    Example:
        >>> sum_text([Text("a"), Text("b + c", SUM)], [1, -1]).text
        'a - (b + c)'
    """
    text = ""
    for sign, part in zip(signs, parts, strict=True):
        if text:
            text += f" {'-' if sign < 0 else '+'} {part.part(PRODUCT)}"
        else:
            text = part.part(SUM) if sign > 0 else f"-{part.part(UNARY)}"
    return Text(text, SUM)


def negated(part: Text) -> Text:
    """Return a text with a minus before it, without brackets around a product.

    Example:
        >>> [negated(part).text for part in (Text("a / b", PRODUCT), Text("a + b", SUM), Text("-a", UNARY))]
        ['-a / b', '-(a + b)', '-(-a)']
    """
    inner = part.part(PRODUCT)
    if inner.startswith("-"):
        return Text(f"-({inner})", UNARY)
    return Text(f"-{inner}", PRODUCT if part.level == PRODUCT else UNARY)


def assignment(cell: str, text: Text) -> str:
    """Return the statement that writes a value to a cell, ``y /= x`` where it is made of what is there by one operator.

    Example:
        >>> assignment("y[i]", Text("y[i] / (a + b)", PRODUCT)), assignment("y[i]", Text("y[i] / a / b", PRODUCT))
        ('y[i] /= a + b;', 'y[i] = y[i] / a / b;')
    """
    sign, rest = text.text[len(cell) + 1 : len(cell) + 2], text.text[len(cell) + 3 :]
    top = re.sub(r"\[[^][]*\]", "", rest)
    while top != (top := re.sub(r"\w*\([^()]*\)", "x", top)):
        pass
    binds = {SUM: "+-", PRODUCT: "*/"}.get(text.level, "")
    if text.text.startswith(f"{cell} ") and sign in binds and not re.search(rf" [{re.escape(binds)}] ", top):
        whole = rest.startswith("(") and top == "x"
        return f"{cell} {sign}= {rest[1:-1] if whole else rest};"
    return f"{cell} = {text.text};"


def broken(line: str) -> list[str]:
    """Break a line that is too long where few brackets are open, before the operator that binds least tightly.

    Example:
        >>> broken("    x = a + b;")
        ['    x = a + b;']
        >>> broken("    x = a * b + " + " * ".join(["product"] * 11) + ";")[0]
        '    x = a * b'
    """
    if len(line) <= WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    found: list[tuple[int, int, int]] = []
    depth = 0
    for place, character in enumerate(line[:WIDTH]):
        depth += (character in "([") - (character in ")]")
        operator = re.match(r" ([-+*/?:]|&&) ", line[place : place + 4])
        is_comma = line[place - 1 : place + 1] == ", "
        if (operator or is_comma) and place > len(indent) + (8 if operator else 16):
            found.append((depth, 0 if operator is None else 1 + (operator[1] in "*/"), -place))
    if not found:
        return [line]
    place = -min(found)[2]
    more = "" if line.lstrip().startswith(tuple("+-*/?:&")) else INDENT
    return [line[:place], *broken(indent + more + line[place + 1 :])]
