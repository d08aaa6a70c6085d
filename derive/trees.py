"""The syntax tree of a definition's text: what was written and where.

What the names mean is found out by ``derive.meanings``. Long sums and products are flat, so that a tree is only as deep
as its brackets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Rational

from derive.tokens import Span


@dataclass(frozen=True)
class Tree:
    """A part of the text."""

    at: Span

    def children(self) -> tuple[Tree, ...]:
        return ()

    def walk(self) -> Iterator[Tree]:
        """Yield this tree and all parts of it in reading order."""
        yield self
        for child in self.children():
            yield from child.walk()


@dataclass(frozen=True)
class Literal(Tree):
    value: Rational


@dataclass(frozen=True)
class Name(Tree):
    name: str


@dataclass(frozen=True)
class Access(Tree):
    """``x[n,k]``: a tensor's name and what stands in its brackets."""

    name: str
    entries: tuple[Tree, ...]

    def children(self) -> tuple[Tree, ...]:
        return self.entries


@dataclass(frozen=True)
class Terms(Tree):
    """A sum of terms, each with its sign."""

    parts: tuple[tuple[int, Tree], ...]

    def children(self) -> tuple[Tree, ...]:
        return tuple(part for _, part in self.parts)


@dataclass(frozen=True)
class Factors(Tree):
    """A product of factors, each multiplied (1) or divided by (-1)."""

    parts: tuple[tuple[int, Tree], ...]

    def children(self) -> tuple[Tree, ...]:
        return tuple(part for _, part in self.parts)


@dataclass(frozen=True)
class Power(Tree):
    base: Tree
    exponent: Tree

    def children(self) -> tuple[Tree, ...]:
        return (self.base, self.exponent)


@dataclass(frozen=True)
class Call(Tree):
    """``exp(x[n])``; of a matrix function that is a matrix itself, an element: ``inv(a[i,j], i, j)[k,l]``."""

    name: str
    arguments: tuple[Tree, ...]
    entries: tuple[Tree, ...] = ()

    @property
    def name_at(self) -> Span:
        return Span(self.at.offset, len(self.name))

    def children(self) -> tuple[Tree, ...]:
        return (*self.arguments, *self.entries)


@dataclass(frozen=True)
class Comparison(Tree):
    """``[left > right]``, or the condition of a ``where``."""

    relation: str
    left: Tree
    right: Tree

    def children(self) -> tuple[Tree, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Statement:
    """``name[i,j] = right``; ``indices`` is empty where the target is a bare name.

    ``also`` are the names after the first in a list of targets: ``h, c = lstm_cell(...)``.
    """

    name: str
    indices: tuple[Name, ...]
    is_bare: bool
    right: Tree
    at: Span
    also: tuple[Name, ...] = ()

    @property
    def name_at(self) -> Span:
        return Span(self.at.offset, len(self.name))

    @property
    def left_at(self) -> Span:
        """Where the targets stand."""
        last = self.targets[-1].at
        return Span(self.at.offset, last.offset + last.length - self.at.offset)

    @property
    def targets(self) -> tuple[Name, ...]:
        """All that is defined, in the order of the text."""
        return (Name(self.name_at, self.name), *self.also)


@dataclass(frozen=True)
class Relation:
    """``left = right``, or another relation, outside of all brackets."""

    sign: str
    left: Tree
    right: Tree
    at: Span
