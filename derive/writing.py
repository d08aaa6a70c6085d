"""The one visitor of every printed style: a phrase's kind is looked up in a table, and precedence decides on brackets.

A style is a table of rows. A row says how tightly a kind binds, how it is written, and whether it is *open*: whether
it would swallow what follows, as a sum does. The place of a part says how tightly the part must bind and whether
something follows it; a part that does not fit its place is put in brackets, and nothing else ever is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sympy import Expr

from derive.indices import Index
from derive.notation import BAR, Notation
from derive.phrases import Phrase, reading_bound
from derive.reading import arrange
from derive.rephrasing import signs_outside
from derive.sums import Binder, all_indices, free_indices, fresh_index, parameters_in, substitute

# How tightly a kind binds; a part is put in brackets where its place asks for more.
LOWEST, ADDITION, NEGATION, TERM, PRODUCT, FACTOR, POWER, ATOM = range(0, 80, 10)


def never(writer: Writer, phrase: Phrase) -> bool:
    return False


class Row(NamedTuple):
    """How a kind is written, how tightly it binds, and whether it would swallow what follows it."""

    level: Any
    write: Callable[[Writer, Phrase], str]
    is_open: Callable[[Writer, Phrase], bool] = never


def swallows(writer: Writer, phrase: Phrase) -> bool:
    return True


def ends_with_last_part(writer: Writer, phrase: Phrase) -> bool:
    return writer.is_open(phrase.parts[-1])


@dataclass(frozen=True)
class Writer:
    """The visitor: looks a phrase's row up, writes it, and puts brackets where its place asks for a tighter phrase.

    Attributes:
        rows: the style's table, by kind.
        bracket: the style's brackets.
        notation: how a gradient is written.
        first: the number that the positions on an axis are counted from, where a range is written.
        adjust: the style's last word on a phrase, before its row is looked up.
        room: how wide an addition may be before it is set on several lines, in the style's own measure.
        inline: the table for exponents and subscripts, where the style writes a fraction with a slash.
    """

    rows: Mapping[str, Row]
    bracket: Callable[[str], str]
    notation: Notation = BAR
    first: int = 1
    adjust: Callable[[Phrase], Phrase] = lambda phrase: phrase
    room: float = math.inf
    inline: Mapping[str, Row] = field(default_factory=dict)

    def inlined(self) -> Writer:
        """Return the writer of exponents and subscripts."""
        return replace(self, rows=self.inline, adjust=signs_outside, room=math.inf)

    def phrase(self, part: Any) -> Phrase:
        return self.adjust(arrange(part))

    def level(self, part: Any) -> int:
        phrase = self.phrase(part)
        level = self.rows[phrase.kind].level
        return int(level(self, phrase)) if callable(level) else int(level)

    def is_open(self, part: Any) -> bool:
        phrase = self.phrase(part)
        return self.rows[phrase.kind].is_open(self, phrase)

    def write(self, part: Any, level: int = LOWEST, at_end: bool = True) -> str:
        """Write a part in a place that asks for ``level``; ``at_end`` says that nothing follows it."""
        phrase = self.phrase(part)
        text = self.rows[phrase.kind].write(self, phrase)
        return self.bracket(text) if self.level(phrase) < level or (self.is_open(phrase) and not at_end) else text

    def write_factors(self, phrase: Phrase) -> list[str]:
        *others, last = phrase.parts
        return [*(self.write(part, FACTOR, at_end=False) for part in others), self.write(last, FACTOR)]

    def write_terms(self, phrase: Phrase) -> list[tuple[str, str]]:
        """Return the terms of an addition, each with its sign."""
        return [("-" if sign else "+", self.write(term, TERM)) for sign, term in phrase.parts]


def signed_terms(writer: Writer, phrase: Phrase) -> list[str]:
    """Return the terms of an addition with their signs; the first one's plus is not written."""
    (sign, opening), *others = writer.write_terms(phrase)
    return [opening if sign == "+" else f"-{opening}", *(f"{sign} {term}" for sign, term in others)]


def write_addition(writer: Writer, phrase: Phrase) -> str:
    return " ".join(signed_terms(writer, phrase))


def write_negation(writer: Writer, phrase: Phrase) -> str:
    return f"-{writer.write(phrase.parts[0], TERM)}"


#: What every style writes alike.
COMMON_ROWS: Mapping[str, Row] = {
    "addition": Row(ADDITION, write_addition),
    "negation": Row(NEGATION, write_negation, ends_with_last_part),
    "number": Row(ATOM, lambda writer, phrase: phrase.word),
}


# ---- bound letters ----


def with_distinct_letters(expr: Expr, outer: Iterable[Index] = (), known: dict[str, Expr] | None = None) -> Expr:
    """Rename bound indices so that none hides an outer one and one letter runs over one size throughout.

    ``outer`` are indices of the surrounding text; ``known`` says over which size its letters run, and learns those met.

    Example:
        >>> from derive.indices import Tensor, size
        >>> from derive.sums import IndexSum
        >>> a, b = Tensor("a", (size("I"),)), Tensor("b", (size("K"),))
        >>> i, other = Index("i", size("I")), Index("i", size("K"))
        >>> with_distinct_letters(IndexSum(a[i], i) + IndexSum(b[other], other))
        sum(a[i], i) + sum(b[j], j)
    """
    known = {} if known is None else known
    free = {*outer, *free_indices(expr)}
    known.update({index.name: index.size for index in free})
    return _separated(expr, frozenset(index.name for index in free), known)


def _separated(expr: Expr, outer: frozenset[str], known: dict[str, Expr]) -> Expr:
    if not isinstance(expr, Expr) or isinstance(expr, Index) or not expr.args:
        return expr
    if isinstance(expr, Binder):
        renamed = {}
        taken = set(outer)
        for index in reading_bound(expr):
            inside = {i.name for i in all_indices(expr.body)} - {index.name} | parameters_in(expr.body)
            new = _free_letter(index, taken, known, inside)
            known[new.name] = new.size
            taken.add(new.name)
            renamed[index] = new
        body = substitute(expr.body, {old: new for old, new in renamed.items() if old != new})
        inner = _separated(body, outer | taken, known)
        bound = tuple(renamed[index] for index in expr.bound)
        return expr if inner is expr.body and bound == expr.bound else type(expr)(inner, *bound)
    arguments = [_separated(argument, outer, known) for argument in expr.args]
    same = all(new is old for new, old in zip(arguments, expr.args, strict=True))
    return expr if same else expr.func(*arguments)


def _free_letter(index: Index, outer: set[str], known: Mapping[str, Expr], inside: set[str]) -> Index:
    clashing = {name for name, extent in known.items() if extent != index.size} | outer
    if index.name not in clashing:
        return index
    for name, extent in known.items():
        if extent == index.size and name not in outer | inside:
            return index.renamed(name)
    return fresh_index(index, clashing | inside)
