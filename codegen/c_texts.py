"""Pieces of C: expressions with how tightly they bind, the bodies of loops, names that C has room for, broken lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from codegen.c_functions import FUNCTIONS, names_of_functions
from codegen.c_loops import Loop
from codegen.c_numbers import (
    ATOM,
    COMPARE,
    EQUAL,
)
from codegen.naming import Names

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
    """A piece of an expression: how tightly it binds, and in how many loops it must stand."""

    text: str
    level: int = ATOM
    depth: int = 0

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

    def new(self, name: str) -> str:
        """Return a name that nothing else has."""
        return self._free(name)


def broken(line: str) -> list[str]:
    """Break a line that is too long before an operator that stands in as few brackets as one does.

    Example:
        >>> broken("    x = a + b;")
        ['    x = a + b;']
    """
    if len(line) <= WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    found: tuple[int, int] | None = None
    depth = 0
    for place, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        inside = len(indent) + 16 < place < WIDTH
        is_operator = re.match(r" (?:[-+*/?:]|&&) ", line[place : place + 4]) is not None
        if inside and (is_operator or line[place - 1 : place + 1] == ", "):
            found = (depth, place) if found is None or depth <= found[0] else found
    if found is None:
        return [line]
    place = found[1]
    more = "" if line.lstrip().startswith(tuple("+-*/?:&")) else INDENT
    return [line[:place], *broken(indent + more + line[place + 1 :])]
