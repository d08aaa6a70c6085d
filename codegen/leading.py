"""Whether a program can be written for any number of leading axes: by ``...``, ``axis=-1`` and ``@``, as people do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Symbol

from codegen.indexing import plan_indexing
from codegen.ops import (
    AddChosen,
    AddWindows,
    Arrange,
    Broadcast,
    Cast,
    Constant,
    Contract,
    Copy,
    Determinant,
    Flip,
    Gather,
    Identity,
    Invert,
    Labels,
    Map,
    Op,
    Operand,
    Position,
    Reduce,
    Scatter,
    Shift,
    Solve,
    Stack,
    SumTo,
    Windows,
)
from codegen.passes import Axes, renamed
from codegen.program import Argument, Program, Statement
from derive.indices import Index

Values = Mapping[str, Argument | Statement]


def fits_any_rank(program: Program, leading: Symbol) -> bool:
    """Whether every statement can be written without knowing how many axes stand in the place of the leading one.

    That axis must come first wherever it is, and be kept, or summed with all others; no position may be taken on it
    and no transposition move it.
    """
    check = _Check(program, leading)
    return all(check.fits(statement) for statement in program.statements)


def leads(axes: Axes, leading: Symbol | None) -> bool:
    """Whether the first of the axes stands for all leading ones."""
    return leading is not None and bool(axes) and axes[0] is not None and axes[0].size == leading


def keeps_leading(labels: Labels, wanted: Labels) -> bool:
    """Whether a transposition is none, or exchanges the last two axes behind another."""
    return labels == wanted or (len(labels) > 2 and labels[:-2] == wanted[:-2])


class _Check:
    """A rule for each kind of operation."""

    def __init__(self, program: Program, leading: Symbol) -> None:
        self.program, self.leading = program, leading
        self.values: Values = program.values
        self.rules: Mapping[type, Callable[[Any, Any], bool]] = {
            **dict.fromkeys((Constant, Map, Cast, Shift, Flip, Stack), self._all_align),
            **dict.fromkeys((Windows, AddWindows, AddChosen), self._have_no_leading),
            **dict.fromkeys((Invert, Solve, Determinant), self._have_no_leading),
            Position: self._names_no_leading,
            Identity: self._names_no_leading,
            Reduce: self._reduce,
            Contract: self._contract,
            Gather: self._gather,
            Scatter: self._scatter,
            Broadcast: self._broadcast,
            Arrange: self._arrange,
            Copy: self._arrange,
            SumTo: lambda statement, op: False,
        }

    def fits(self, statement: Statement) -> bool:
        operands = [self.axes(operand) for operand in statement.operands]
        if not all(self._stands_first(axes) for axes in (statement.axes, *operands)):
            return False
        return self.rules[type(statement.op)](statement, statement.op)

    def axes(self, operand: Operand) -> Axes:
        value = self.values[operand.name]
        return operand.labels if isinstance(value, Argument) else renamed(value.axes, value.labels, operand.labels)

    def leads(self, axes: Axes) -> bool:
        return leads(axes, self.leading)

    def _stands_first(self, axes: Axes) -> bool:
        return all(axis is None or axis.size != self.leading for axis in axes[1:])

    def _aligns(self, operand: Operand, target: Axes) -> bool:
        """Whether an operand is brought under the target's axes without moving its leading ones."""
        axes = self.axes(operand)
        own = [axis for axis in axes if axis is not None]
        wanted = [axis for axis in target if axis in own]
        return not self.leads(axes) or (own == wanted and self.leads(target))

    def _all_align(self, statement: Statement, op: Op) -> bool:
        return all(self._aligns(operand, statement.axes) for operand in statement.operands)

    def _have_no_leading(self, statement: Statement, op: Op) -> bool:
        """What is told the numbers of axes, not from the end."""
        return not any(self.leads(axes) for axes in (statement.axes, *map(self.axes, statement.operands)))

    def _names_no_leading(self, statement: Statement, op: Position | Identity) -> bool:
        return not self.leads(statement.axes)

    def _reduce(self, statement: Statement, op: Reduce) -> bool:
        is_over = any(label.size == self.leading for label in op.over)
        return not is_over or (not statement.labels and op.function != "argmax")

    def _contract(self, statement: Statement, op: Contract) -> bool:
        return all(label.size != self.leading for label in op.over)

    def _gather(self, statement: Statement, op: Gather) -> bool:
        source, *positions = statement.operands
        if op.along:
            return not self.leads(source.labels) or isinstance(op.where[0], Index)
        if self.leads(source.labels):
            return not positions and op.where.count(op.where[0]) == 1
        return self._is_plain(op.where, positions)

    def _is_plain(self, where: tuple[Index | int | None, ...], positions: list[Operand]) -> bool:
        """Whether arrays of positions have the same axes, along which nothing else runs."""
        if not any(self.leads(operand.labels) for operand in positions):
            return True
        together = plan_indexing(where, positions).together
        are_equal = all(operand.labels == together for operand in positions)
        return are_equal and not any(place in together for place in where if isinstance(place, Index))

    def _scatter(self, statement: Statement, op: Scatter) -> bool:
        if self.leads(statement.axes):
            return False
        value, *positions = statement.operands[op.has_base :]
        region = plan_indexing(op.where, positions).labels
        return self._is_plain(op.where, positions) and self._stands_first(region) and self._aligns(value, region)

    def _broadcast(self, statement: Statement, op: Broadcast) -> bool:
        sizes = tuple(label.size for label in statement.labels)
        is_known = any(argument.tensor.sizes == sizes for argument in self.program.arguments)
        return not self.leads(statement.axes) or (is_known and self._aligns(statement.operands[0], statement.axes))

    def _arrange(self, statement: Statement, op: Arrange | Copy) -> bool:
        labels = statement.operands[0].labels
        return not self.leads(labels) or keeps_leading(labels, statement.labels)
