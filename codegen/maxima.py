"""Positions of maxima over several indices: one search for the largest number tells all of them."""

from __future__ import annotations

from typing import NamedTuple

import sympy
from sympy import Expr

from codegen.ops import Labels
from derive.canonical import canonical
from derive.indices import Index
from derive.sums import IndexArgmax, IndexMax, all_indices, fresh_index, nodes, rewrite


class Search(NamedTuple):
    """Where the first of the largest numbers of a body stands, as its number in the order of several indices.

    Attributes:
        body: what is searched.
        bound: the indices, the first of them the slowest.
        at: the place among them of the index whose position is asked for.
    """

    body: Expr
    bound: Labels
    at: int

    @property
    def below(self) -> Expr:
        """How many numbers there are for each position of the index and of those before it."""
        return sympy.prod([index.size for index in self.bound[self.at + 1 :]])


def search_of(expr: IndexArgmax, taken: Labels = ()) -> Search:
    """Return the search over as many indices as it can be made over that tells the position of a maximum.

    The first r at which the largest of f over q is largest is the row of the first of the largest numbers of f, and
    the first q at which f is largest in that row is its column.

    Args:
        taken: indices whose names it shall not use.

    Example:
        >>> from derive.indices import Tensor, size
        >>> r, q = Index("r", size("R")), Index("q", size("Q"))
        >>> f = Tensor("f", (r.size, q.size))
        >>> row = IndexArgmax(IndexMax(f[r, q], q), r)
        >>> search_of(row)
        Search(body=f[r,q], bound=(r, q), at=0)
        >>> search_of(IndexArgmax(f[row, q], q))
        Search(body=f[r1,q], bound=(r1, q), at=1)
    """
    body, bound = expr.opened(taken)
    if isinstance(body, IndexMax):
        body, others = body.opened((*taken, *bound))
        bound = (*bound, *others)
    at = 0
    while (found := _outer(body, bound, taken)) is not None:
        body, index = found
        bound, at = (index, *bound), at + 1
    return Search(body, bound, at)


def _outer(body: Expr, bound: Labels, taken: Labels) -> tuple[Expr, Index] | None:
    """Return the body with an index in the place of a position of the maximum over that index, of this very body."""
    names = {index.name for index in (*all_indices(body), *bound, *taken)}
    for row in sorted(nodes(body, IndexArgmax), key=str):
        index = fresh_index(row.bound[0], names)
        searched = _replaced(body, row, index)
        if canonical(IndexArgmax(IndexMax(searched, *bound), index)) == canonical(row):
            return searched, index
    return None


def _replaced(body: Expr, row: Expr, index: Index) -> Expr:
    result: Expr = rewrite(body, lambda node: index if node == row else None)
    return result
