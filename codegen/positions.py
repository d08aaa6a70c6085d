"""Arrays put together position by position: what a sum of terms with ``delta(q, 0)``, ``delta(q, 1)`` stands for.

The gradient of what was taken apart as ``z[n,0,k]`` and ``z[n,1,k]`` is such a sum. Every position is computed once and
put in its place; no indicator is multiplied with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sympy import Add, Expr, Integer, S

from codegen.building import Builder, sorted_labels
from codegen.ops import Broadcast, Labels, Operand, Scatter, Stack
from codegen.products import Positions, is_there
from codegen.program import REAL
from derive.indicators import Delta
from derive.indices import Index
from derive.sums import free_indices, has, nodes, rewrite, substitute


class Rows(NamedTuple):
    """An expression that is ``rows[p]`` where an index is p and 0 at all other positions."""

    index: Index
    rows: Mapping[int, Expr]

    @property
    def is_complete(self) -> bool:
        """Whether every position that there is has a row."""
        size = self.index.size
        return bool(size.is_Integer) and sorted(self.rows) == list(range(int(size)))


def find_rows(expr: Expr, known: Positions) -> Rows | None:
    """Return an expression as rows, None where it is not zero between the positions that its deltas name.

    Args:
        known: by size, the largest position that is known to be there; a delta of another may be 0 all along the axis.

    Example:
        >>> from derive.indices import Tensor, size
        >>> q, x = Index("q", size("Q")), Tensor("x")()
        >>> find_rows(Delta(q, 0) * x + Delta(q, 2) * (x + Delta(q, 1)), {size("Q"): 2}).rows
        {0: x, 2: x}
        >>> find_rows(Delta(q, 0) * x, {}) is None, find_rows(Delta(q, 0) * x + x, {size("Q"): 2}) is None
        (True, True)
    """
    found: dict[Index, set[int]] = {}
    for delta in nodes(expr, Delta):
        for index, place in ((delta.left, delta.right), (delta.right, delta.left)):
            if isinstance(index, Index) and place.is_Integer and index in free_indices(expr):
                found.setdefault(index, set()).add(int(place))
    for index in sorted(found, key=lambda each: each.name):
        if is_there(Integer(max(found[index])), index.size, known) and _elsewhere(expr, index) == 0:
            rows = {place: substitute(expr, {index: Integer(place)}) for place in sorted(found[index])}
            return Rows(index, {place: row for place, row in rows.items() if row != 0})
    return None


def _elsewhere(expr: Expr, index: Index) -> Expr:
    """Return the expression at a position that none of its deltas names."""

    def change(node: Expr) -> Expr | None:
        return S.Zero if isinstance(node, Delta) and index in node.args and _other(node, index).is_Integer else None

    result: Expr = rewrite(expr, change)
    return result


def _other(delta: Delta, index: Index) -> Expr:
    return delta.right if delta.left == index else delta.left


def split_rows(expr: Expr, known: Positions) -> tuple[Expr, Expr] | None:
    """Return the terms of a sum that are rows, and the others; None where there are not both."""
    terms = Add.make_args(expr)
    rows = [term for term in terms if has(term, Delta) and find_rows(term, known) is not None]
    if not rows or len(rows) == len(terms):
        return None
    rest = Add(*(term for term in terms if term not in rows))
    return (Add(*rows), rest) if find_rows(Add(*rows), known) is not None else None


def build_rows(
    builder: Builder, found: Rows, want: Labels, lower: Callable[[Expr, Labels], Operand], base: Operand | None = None
) -> Operand:
    """Return the array that has these rows, added to a base where there is one.

    Args:
        want: the order of the axes.
        lower: computes a row.
    """
    every = free_indices(Add(*found.rows.values())) | {found.index}
    every |= set() if base is None else set(base.labels)
    labels = sorted_labels(sorted(every, key=lambda index: index.name), want)
    others = tuple(label for label in labels if label != found.index)
    values = {place: _spread(builder, builder.cast(lower(row, others)), others) for place, row in found.rows.items()}
    if base is None and found.is_complete:
        return builder.emit(Stack(found.index), [values[place] for place in sorted(values)], labels, REAL)
    result = None if base is None else _spread(builder, builder.cast(base), labels)
    for place, value in values.items():
        where = tuple(place if label == found.index else label for label in labels)
        operands = (value,) if result is None else (result, value)
        result = builder.emit(Scatter(where, result is not None, False), operands, labels, REAL)
    assert result is not None, "rows that are all zero are no rows"
    return result


def _spread(builder: Builder, operand: Operand, labels: Labels) -> Operand:
    if set(operand.labels) == set(labels):
        return operand
    return builder.emit(Broadcast(), (operand,), labels, REAL)
