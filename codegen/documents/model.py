"""What a document is made of, whatever format it is written in.

A *line* is a sequence of pieces: words, formulas and words of code. Blocks stand under one another; a section and a
fold hold blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from sympy import Expr

from derive.latex import latex_text
from derive.mathml import mathml_text
from derive.notation import BAR, Notation
from derive.typesetting import counted_from


@dataclass(frozen=True)
class Words:
    """A piece of prose."""

    text: str


@dataclass(frozen=True)
class Verbatim:
    """A piece of code in a line."""

    text: str


@dataclass(frozen=True)
class Formula:
    """An expression, or several with equality signs between them.

    Attributes:
        first: the number that positions are counted from in the ranges of sums; None to let the expressions say.
    """

    sides: tuple[Expr, ...]
    notation: Notation = BAR
    first: int | None = None

    @property
    def start(self) -> int:
        """The number that positions are counted from."""
        return counted_from(*self.sides) if self.first is None else self.first

    @cached_property
    def latex(self) -> str:
        """The formula as LaTeX, on one line."""
        return " = ".join(latex_text(side, self.notation, self.start) for side in self.sides)

    @cached_property
    def mathml(self) -> str:
        """The formula as MathML, without the ``math`` element around it."""
        return "<mo>=</mo>".join(mathml_text(side, self.notation, self.start) for side in self.sides)


Piece: TypeAlias = Words | Verbatim | Formula
Line: TypeAlias = tuple[Piece, ...]


@dataclass(frozen=True)
class Paragraph:
    """A line that is broken where it must be."""

    line: Line


@dataclass(frozen=True)
class Display:
    """A formula on a line of its own."""

    formula: Formula


@dataclass(frozen=True)
class Chain:
    """A chain of equalities: one left side, and right sides, each with the reason why it is equal."""

    left: Expr
    rights: tuple[tuple[Expr, Line], ...]


@dataclass(frozen=True)
class Steps:
    """The chains of a derivation, in reading order.

    Attributes:
        first: the number that positions are counted from; None to let the chains say.
    """

    chains: tuple[Chain, ...]
    notation: Notation = BAR
    first: int | None = None

    @property
    def start(self) -> int:
        """The number that positions are counted from in all of the chains."""
        rights = (right for chain in self.chains for right, _ in chain.rights)
        return counted_from(*rights) if self.first is None else self.first


@dataclass(frozen=True)
class Listing:
    """Lines of code or of output."""

    text: str
    language: str = "python"


@dataclass(frozen=True)
class Table:
    """A table with a head."""

    head: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A picture that is drawn when a writer asks for it.

    Attributes:
        name: what a file that holds it is called, without an ending.
        alt: what is seen on it, in words.
        draw: returns its bytes in the format that it is given: ``svg`` or ``png``.
    """

    name: str
    alt: str
    draw: Callable[[str], bytes]


@dataclass(frozen=True)
class Fold:
    """Blocks folded away under a line, where the format can."""

    line: Line
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """Blocks under a heading."""

    heading: Line
    blocks: tuple[Block, ...]


Block: TypeAlias = Paragraph | Display | Steps | Listing | Table | Picture | Fold | Section


@dataclass(frozen=True)
class Document:
    """A document: its title, the language of its words, and its blocks."""

    title: str
    language: str
    blocks: tuple[Block, ...]


def words(text: str) -> Line:
    """Return a line of prose alone."""
    return (Words(text),)


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield blocks and all that they hold, in reading order.

    Example:
        >>> inner = Paragraph(words("inside"))
        >>> [type(block).__name__ for block in walk((Section(words("outside"), (inner,)),))]
        ['Section', 'Paragraph']
    """
    for block in blocks:
        yield block
        if isinstance(block, Fold | Section):
            yield from walk(block.blocks)


def unknown(part: Any) -> TypeError:
    """Return the error of a writer that has no row for a part of a document: a defect of it."""
    return TypeError(f"no writer knows {type(part).__name__}")
