"""A mistake: the text of a file with one thing in it changed, and the diagnoses that are right for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from handwritten.corpus.case import Case, right_text
from handwritten.corpus.cases import BY_TARGET
from handwritten.corpus.mistakes import CONVENTIONS, TABLES

Rows = tuple[tuple[str, ...], ...]
#: What a diagnosis may be called.
KINDS = frozenset(
    """
    factor sign transpose missing-sum missing-mask diagonal missing-term clip upstream-ignored reduction axis
    repeated-ids tie kink mutates-upstream mutates-input mutates-cache not-stored shape dtype accumulates not-finite
    crash forward-differs value
    """.split()
)


@dataclass(frozen=True)
class Mistake:
    """One wrong implementation."""

    case: Case
    #: The diagnoses that are right for it, the most telling first.
    kinds: tuple[str, ...]
    text: str
    change: str
    origin: str = "table"

    @property
    def name(self) -> str:
        return f"{self.case.target}: {self.change}"


@cache
def parsed(file: str) -> tuple[str, ast.Module]:
    text = right_text(file)
    if not text.isascii():
        raise ValueError(f"{file}: the places of the changes are counted in letters, so that it has to be plain ASCII")
    return text, ast.parse(text)


def place(text: str, line: int, column: int) -> int:
    """Return the position in the text of a line, counted from 1, and a column, counted from 0."""
    return sum(len(each) for each in text.splitlines(keepends=True)[: line - 1]) + column


def span(text: str, node: ast.expr | ast.stmt) -> tuple[int, int]:
    if node.end_lineno is None or node.end_col_offset is None:
        raise ValueError("the node does not say where it ends")
    return place(text, node.lineno, node.col_offset), place(text, node.end_lineno, node.end_col_offset)


def definitions(case: Case) -> list[ast.ClassDef | ast.FunctionDef]:
    """Return the class of a case, or its two functions."""
    names = {case.name, f"{case.name}_forward", f"{case.name}_backward", f"{case.name}_grad"}
    kinds = ast.ClassDef | ast.FunctionDef
    return [node for node in parsed(case.file)[1].body if isinstance(node, kinds) and node.name in names]


def replaced_once(case: Case, text: str, old: str, new: str) -> str:
    """Replace a text that occurs exactly once in what is the case's own; anything else is an error."""
    own = [text[slice(*span(text, node))] for node in definitions_in(text, case)]
    found = sum(part.count(old) for part in own)
    if found != 1:
        raise ValueError(f"{case.target}: {old!r} occurs {found} times; a mistake replaces what occurs once")
    part = next(part for part in own if old in part)
    if text.count(part) != 1:
        raise ValueError(f"{case.target}: the definition itself occurs more than once")
    return text.replace(part, part.replace(old, new))


def definitions_in(text: str, case: Case) -> list[ast.stmt]:
    names = {node.name for node in definitions(case)}
    return [node for node in tree_of(text).body if getattr(node, "name", None) in names]


@lru_cache(maxsize=100)
def tree_of(text: str) -> ast.Module:
    """Return a text's tree: most mistakes are made in a few files' texts as they are."""
    return ast.parse(text)


def mistake_of(target: str, row: tuple[str, ...], origin: str = "table") -> Mistake:
    """Make a mistake from a row of a table."""
    case = BY_TARGET[target]
    kinds, *edits = row
    if unknown := set(kinds.split()) - KINDS:
        raise ValueError(f"{target}: no diagnosis is called {', '.join(sorted(unknown))}")
    if not edits or len(edits) % 2:
        raise ValueError(f"{target}: a row has its kinds and then texts in pairs, not {len(edits)} texts")
    text = right_text(case.file)
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        text = replaced_once(case, text, old, new)
    change = "; ".join(f"{old.strip()} -> {new.strip()}" for old, new in zip(edits[::2], edits[1::2], strict=True))
    return Mistake(case, tuple(kinds.split()), text, " ".join(change.split()), origin)


def from_tables() -> Iterator[Mistake]:
    for table in TABLES:
        for target, rows in table.items():
            yield from (mistake_of(target, row) for row in rows)


def conventions() -> Iterator[Mistake]:
    """Yield what is no mistake but another convention."""
    for target, rows in CONVENTIONS.items():
        yield from (mistake_of(target, row, "convention") for row in rows)
