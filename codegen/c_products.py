"""Products of matrices: which contractions are one, whatever the order of their axes, and what they are called with.

Of a contraction's indices those that are summed over are the depth, and those of the result that only one factor has
are its rows or its columns. Several indices are one axis where they lie one after the other, in the same order,
wherever they stand. All other indices of the result are looped over, and each step is a product of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr, Integer, prod

from codegen.c_program import Reading
from codegen.ops import AddWindows, Constant, Contract, Identity, Labels, Operand, Position, Windows
from codegen.program import REAL, Statement


@dataclass(frozen=True)
class Product:
    """``c[rows, columns] += a[rows, depth] * b[depth, columns]``, in each step of the loops over the outer indices."""

    outer: Labels
    rows: Labels
    columns: Labels
    depth: Labels
    left: Operand
    right: Operand


def product_of(statement: Statement, reading: Reading) -> Product | None:
    """Return what a statement is as a product of matrices, None where it is none.

    It is none where a factor or the result is better not written to memory: the windows of an image take many times its
    memory, and numbers that are all the same, or follow from their place, none at all.
    """
    op, operands = statement.op, statement.operands
    if not isinstance(op, Contract) or len(operands) != 2 or not _is_plain(statement, reading):
        return None
    depth = _depth(op.over, *operands)
    ends = statement.labels[-1:]
    first, second = operands
    left, right = (first, second) if set(ends) <= set(second.labels) else (second, first)
    columns = _run(statement.labels, len(statement.labels) - 1, right, left)
    rows = next(
        (run for at in range(len(statement.labels) - 1, -1, -1) if (run := _run(statement.labels, at, left, right))), ()
    )
    if not (depth and rows and columns):
        return None
    outer = tuple(label for label in statement.labels if label not in (*rows, *columns))
    return Product(outer, rows, columns, depth, left, right)


def _is_plain(statement: Statement, reading: Reading) -> bool:
    """Whether the factors and the result are real numbers in memory, or such as may be written there."""
    added = {each.operands[0].name for each in reading.program.statements if isinstance(each.op, AddWindows)}
    if statement.kind != REAL or statement.name in added:
        return False
    for operand in statement.operands:
        value = reading.values[operand.name]
        if value.kind != REAL or len(set(operand.labels)) < len(operand.labels):
            return False
        parts = list(_written_out(operand, reading))
        if any(isinstance(part.op, Windows) for part in parts):
            return False
        if parts and isinstance(parts[0].op, Constant | Identity | Position):
            return False
    return True


def _written_out(operand: Operand, reading: Reading) -> Iterator[Statement]:
    """Go through the pointwise values that the text of an operand is made of, itself first."""
    value = reading.values[operand.name]
    if isinstance(value, Statement) and reading.is_written_out(value.name):
        yield value
        for each in value.operands:
            yield from _written_out(each, reading)


def _depth(over: Labels, first: Operand, second: Operand) -> Labels:
    """Return what is summed over in the order in which it is one axis of both factors; nothing where it is none."""
    order = tuple(label for label in first.labels if label in over)
    is_one = len(order) == len(over) and all(_is_run(order, operand.labels) for operand in (first, second))
    return order if is_one else ()


def _is_run(part: Labels, labels: Labels) -> bool:
    start = labels.index(part[0]) if part and part[0] in labels else 0
    return labels[start : start + len(part)] == part


def _run(labels: Labels, end: int, own: Operand, other: Operand) -> Labels:
    """Return the longest run up to a place that only one factor has, as one axis of it too."""
    start = end + 1
    while start > 0 and labels[start - 1] not in other.labels and _is_run(labels[start - 1 : end + 1], own.labels):
        start -= 1
    run = labels[start : end + 1]
    return run if run and run[0] in own.labels else ()


def extent_of(labels: Labels) -> Expr:
    """Return how many places axes have together."""
    return prod([label.size for label in labels], Integer(1))


def step(run: Labels, labels: Labels) -> Expr:
    """Return how many numbers lie from one step along a run to the next in an array with these labels."""
    return extent_of(labels[labels.index(run[-1]) + 1 :])


def factors_to_store(product: Product, reading: Reading) -> set[str]:
    """Return the factors that are written out now and must be stored."""
    return {each.name for each in (product.left, product.right) if reading.is_written_out(each.name)}
