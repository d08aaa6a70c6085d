"""The straight-line program between index notation and text, and its verifier.

A program is a list of small equations in index notation, each with a name: ``total[n] = sum(e[n,k], k)``. The axes of
a value are named by indices, its *labels*; an operand says with which labels it is used, so that a transpose is another
order of labels and broadcasting a label that is missing. What a target does about them (keepdims, ``[:, None]``,
``.T``, a loop) is its own business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Expr, Symbol

from codegen.ops import (
    AddWindows,
    Arrange,
    Broadcast,
    Constant,
    Flip,
    Gather,
    Identity,
    Labels,
    Op,
    Operand,
    Position,
    Scatter,
    Shift,
    SumTo,
    Windows,
)
from derive.extents import Extent
from derive.indices import Index, Tensor

#: What the numbers of a value are: a Python number, which takes on the dtype of what it meets; a boolean mask;
#: integers or other numbers with a dtype of their own; numbers in the dtype of the inputs.
NUMBER, MASK, INTEGER, REAL = "number", "mask", "integer", "real"


class InternalError(RuntimeError):
    """A fault of this program and not of its caller."""


@dataclass(frozen=True)
class Argument:
    """A value that comes from outside; ``labels`` only name its axes.

    ``origins`` are names of the inputs that it was computed from before, and whose dtypes decided on its own.
    """

    name: str
    tensor: Tensor
    labels: Labels
    kind: str
    origins: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Statement:
    """``name[labels] = op(operands)``.

    Attributes:
        kind: what the numbers are.
        axes: how the value lies in memory: its labels, and None for an axis that was kept with size 1.
        tensor: the tensor of a definition that this is, if it is one.
        into: the operand whose memory the result takes.
    """

    name: str
    op: Op
    operands: tuple[Operand, ...]
    labels: Labels
    kind: str
    kept: tuple[Index | None, ...] | None = None
    tensor: Tensor | None = None
    into: str | None = None

    @property
    def axes(self) -> tuple[Index | None, ...]:
        return self.labels if self.kept is None else self.kept

    @property
    def is_view(self) -> bool:
        """Whether the value may lie in the memory of its first operand; a slice and a diagonal do in NumPy."""
        if isinstance(self.op, Gather):
            return not any(operand.labels for operand in self.operands[1:]) and bool(self.labels)
        return isinstance(self.op, Arrange | SumTo | Flip) or type(self.op) is Windows


@dataclass(frozen=True)
class Program:
    """Statements in order of computation; ``results`` are names of statements, in the order of ``result_tensors``.

    Attributes:
        leading: the size that stands for any number of leading axes.
        flattens: whether these are made one axis first, because a statement needs them to be one.
        parameters: whole numbers that are given beside the arguments.
        extents: sizes that follow from those of the arguments and from whole numbers.
    """

    arguments: tuple[Argument, ...]
    statements: tuple[Statement, ...]
    results: tuple[str, ...]
    result_tensors: tuple[Tensor, ...] = ()
    leading: Symbol | None = None
    flattens: bool = False
    parameters: tuple[Symbol, ...] = ()
    extents: tuple[Extent, ...] = ()

    @property
    def any_rank(self) -> Symbol | None:
        """The size of an axis in the place of which the arrays have any number of axes while the program runs."""
        return None if self.flattens else self.leading

    def leads(self, tensor: Tensor) -> bool:
        """Whether the first axis of a tensor stands for any number of axes."""
        return self.leading is not None and tensor.sizes[:1] == (self.leading,)

    @cached_property
    def values(self) -> Mapping[str, Argument | Statement]:
        """Arguments and statements by name."""
        values: tuple[Argument | Statement, ...] = (*self.arguments, *self.statements)
        return {value.name: value for value in values}

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """How often each value is used: by statements, and as a result."""
        counts = dict.fromkeys(self.values, 0)
        for statement in self.statements:
            for operand in statement.operands:
                counts[operand.name] += 1
        for name in self.results:
            counts[name] += 1
        return counts

    @property
    def reference(self) -> Argument | None:
        """The argument whose dtype the results have: the first real one with the most axes."""
        real = [argument for argument in self.arguments if argument.kind == REAL]
        return max(real, key=lambda argument: len(argument.labels)) if real else None

    def source_of(self, extent: Expr) -> tuple[Argument, int] | None:
        """Return the argument and axis that a size can be read from."""
        for argument in sorted(self.arguments, key=lambda argument: argument.kind != REAL):
            if extent in argument.tensor.sizes:
                return argument, argument.tensor.sizes.index(extent)
        return None

    def needs(self, symbol: Symbol) -> bool:
        """Whether a size or whole number stands in a statement, or in what the size of one follows from."""
        waiting = list(set().union(*map(sizes_of, self.statements)))
        derived = {each.size: each.span.free_symbols | each.step.free_symbols for each in self.extents}
        met: set[Symbol] = set()
        while waiting:
            size = waiting.pop()
            if size not in met:
                met.add(size)
                waiting += derived.get(size, ()) if self.source_of(size) is None else ()
        return symbol in met

    def tells(self, extent: Expr) -> bool:
        """Whether a size is an argument's, is given, or follows from such."""
        derived = {each.size: each.span.free_symbols | each.step.free_symbols for each in self.extents}
        return (
            self.source_of(extent) is not None
            or extent in self.parameters
            or (extent in derived and all(map(self.tells, derived[extent])))
        )

    def with_statements(self, statements: Iterable[Statement]) -> Program:
        return replace(self, statements=tuple(statements))


def sizes_of(statement: Statement) -> set[Symbol]:
    """Return the sizes that a statement's text needs: those that it can not read from its operands."""
    op = statement.op
    if isinstance(op, Constant):
        return set(op.value.free_symbols)
    extents: list[Expr] = []
    if isinstance(op, Windows):
        shape = op.at if isinstance(op, AddWindows) else ()
        return op.sizes.union(*(label.size.free_symbols for label in shape))
    if isinstance(op, Shift):
        return set(op.offset.free_symbols)
    if isinstance(op, Position | Identity | Broadcast) or (isinstance(op, Scatter) and not op.has_base):
        extents += [label.size for label in statement.labels]
    if isinstance(op, Scatter | Gather):
        extents += [place.size for place in op.where if isinstance(place, Index)]
    return set().union(*(extent.free_symbols for extent in extents))
