"""The straight-line program between index notation and text, and its verifier.

A program is a list of small equations in index notation, each with a name: ``total[n] = sum(e[n,k], k)``. The axes of
a value are named by indices, its *labels*; an operand says with which labels it is used, so that a transpose is another
order of labels and broadcasting a label that is missing. What a target does about them (keepdims, ``[:, None]``,
``.T``, a loop) is its own business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from sympy import Expr, Symbol

from derive.extents import Extent
from derive.indices import Index, Tensor

Labels = tuple[Index, ...]

#: What the numbers of a value are: a Python number, which takes on the dtype of what it meets; a boolean mask;
#: integers or other numbers with a dtype of their own; numbers in the dtype of the inputs.
NUMBER, MASK, INTEGER, REAL = "number", "mask", "integer", "real"


class InternalError(RuntimeError):
    """A fault of this program and not of its caller."""


@dataclass(frozen=True)
class Operand:
    """The use of a value: its name, and one index for each of its axes."""

    name: str
    labels: Labels = ()

    @property
    def rank(self) -> int:
        return len(self.labels)

    def relabelled(self, new: Mapping[Index, Index]) -> Operand:
        return Operand(self.name, tuple(new.get(label, label) for label in self.labels))


@dataclass(frozen=True)
class Op:
    """What a statement does with its operands."""

    def indices(self) -> Iterator[Index]:
        """The indices that the operation itself names."""
        for value in vars(self).values():
            if isinstance(value, tuple):
                yield from (part for part in value if isinstance(part, Index))

    def relabelled(self, new: Mapping[Index, Any]) -> tuple[Any, ...]:
        """Return a hashable description in which indices are replaced."""

        def change(part: Any) -> Any:
            if isinstance(part, tuple):
                return tuple(map(change, part))
            return new.get(part, part) if isinstance(part, Index) else part

        return (type(self).__name__, *map(change, vars(self).values()))

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index] | None:
        """The labels that the result must have, in whatever order; None where the operation adds some of its own."""
        return set().union(*(operand.labels for operand in operands))


@dataclass(frozen=True)
class Constant(Op):
    """A number made of numbers and sizes: ``2``, ``N``, ``D**0.5``."""

    value: Expr


@dataclass(frozen=True)
class Position(Op):
    """``0, 1, 2, ...`` along the result's only axis."""

    def result_labels(self, operands: tuple[Operand, ...]) -> None:
        return None


@dataclass(frozen=True)
class Identity(Op):
    """1 where the result's two indices are equal and 0 elsewhere, in the dtype of the inputs."""

    def result_labels(self, operands: tuple[Operand, ...]) -> None:
        return None


@dataclass(frozen=True)
class Map(Op):
    """An elementwise function; operands are aligned by their labels. ``signs`` belong to the terms of a sum."""

    function: str
    signs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reduce(Op):
    """``sum``, ``mean``, ``max`` or ``argmax`` of one operand over indices of it."""

    function: str
    over: Labels

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set(operands[0].labels) - set(self.over)


@dataclass(frozen=True)
class Contract(Op):
    """The sum over indices of the product of two or more operands."""

    over: Labels

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set().union(*(operand.labels for operand in operands)) - set(self.over)


@dataclass(frozen=True)
class Invert(Op):
    """The inverse of the operand: an element at (j, i) of the result for an operand at (i, j), its last two labels."""


@dataclass(frozen=True)
class Solve(Op):
    """``x`` with ``sum_j a[i,j] x[j] = b[i]``, without the inverse: the operands are a and b, ``over`` is i.

    ``unknown`` is j, and the labels of the result that are not the matrix's are those of the right sides.
    """

    over: Labels
    unknown: Labels

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set().union(*(operand.labels for operand in operands)) - set(self.over)


@dataclass(frozen=True)
class Determinant(Op):
    """The determinant of the operand over its row and column, or ``logdet``, the logarithm of its absolute value."""

    function: str
    over: Labels

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set(operands[0].labels) - set(self.over)


#: What is done to whole matrices, by LAPACK.
MATRIX_OPERATIONS = (Invert, Solve, Determinant)


@dataclass(frozen=True)
class Gather(Op):
    """The first operand's elements at the places given for its axes: an index, a number, or None for the next operand.

    ``along``: the one axis that is given by an operand runs along all the others.
    """

    where: tuple[Index | int | None, ...]
    along: bool = False

    @property
    def along_axes(self) -> tuple[Index | None, ...]:
        """The axes with the one that is given by an operand kept with size 1."""
        return tuple(place if isinstance(place, Index) else None for place in self.where)

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        plain = {place for place in self.where if isinstance(place, Index)}
        return plain.union(*(operand.labels for operand in operands[1:]))


@dataclass(frozen=True)
class Scatter(Op):
    """Numbers added at places of a base: the operands are the base if ``has_base``, the numbers, and the positions.

    A base that is not there is zero. ``where`` names for every axis of the result an index, a number, or None for the
    next array of positions. With ``repeats`` a place may occur more than once, and what is added there adds up.
    """

    where: tuple[Index | int | None, ...]
    has_base: bool
    repeats: bool

    def result_labels(self, operands: tuple[Operand, ...]) -> None:
        return None


class Run(NamedTuple):
    """An axis of windows: along its index one goes ``step`` further on the axis that they lie on."""

    index: Index
    step: Expr


class Form(NamedTuple):
    """An axis in windows: at indices i, j, ... stands the position ``start + i*step + j*step + ...`` of it."""

    start: Expr
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Windows(Op):
    """The operand through windows, 0 where they reach beyond an axis; a form's axis is replaced by those of its runs.

    ``axes`` has for each axis of the operand its index, or a form.
    """

    axes: tuple[Index | Form, ...]

    def indices(self) -> Iterator[Index]:
        return iter(self.labels)

    @property
    def labels(self) -> Labels:
        """The labels in the order in which the windows lie."""
        return tuple(label for axis in self.axes for label in run_labels(axis))

    @property
    def sizes(self) -> set[Symbol]:
        """The sizes and whole numbers that the windows are made with."""
        forms = [axis for axis in self.axes if isinstance(axis, Form)]
        parts = [part for form in forms for part in (form.start, *(run.step for run in form.runs))]
        parts += [run.index.size for form in forms for run in form.runs]
        return set().union(*(part.free_symbols for part in parts))

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set(self.labels)


@dataclass(frozen=True)
class AddWindows(Windows):
    """The adjoint of ``Windows``: the operand, which may lack labels of it, added up where the windows were.

    ``at`` names the result's axes.
    """

    at: Labels

    def indices(self) -> Iterator[Index]:
        return iter((*self.labels, *self.at))

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return set(self.at)


@dataclass(frozen=True)
class AddChosen(AddWindows):
    """Values added up where windows lie, each at one place of its window alone, whose number the second operand holds.

    ``picked`` are the labels that the places of a window have, in the order in which they are numbered.
    """

    picked: Labels


def run_labels(axis: Index | Form) -> Labels:
    """Return the labels that stand for an axis."""
    return (axis,) if isinstance(axis, Index) else tuple(run.index for run in axis.runs)


@dataclass(frozen=True)
class Shift(Op):
    """The operand ``offset`` places further on along one axis, 0 where that is outside of it."""

    along: Index
    offset: Expr


@dataclass(frozen=True)
class Flip(Op):
    """The operand with one axis turned round."""

    along: Index


@dataclass(frozen=True)
class Stack(Op):
    """The operands side by side along an index of the result, the first at position 0."""

    along: Index

    def result_labels(self, operands: tuple[Operand, ...]) -> set[Index]:
        return {self.along}.union(*(operand.labels for operand in operands))


@dataclass(frozen=True)
class Broadcast(Op):
    """The operand repeated along the labels that it has not."""

    def result_labels(self, operands: tuple[Operand, ...]) -> None:
        return None


@dataclass(frozen=True)
class Arrange(Op):
    """The operand with its axes in another order."""


@dataclass(frozen=True)
class Copy(Op):
    """The operand in memory of its own, its axes in the order of the result's labels."""


@dataclass(frozen=True)
class Cast(Op):
    """The operand in the dtype of the inputs."""


@dataclass(frozen=True)
class SumTo(Op):
    """The first operand summed over the axes along which the second, an argument, was broadcast."""


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

    dims: ClassVar[None] = None


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

    @property
    def values(self) -> dict[str, Argument | Statement]:
        """Arguments and statements by name."""
        values: tuple[Argument | Statement, ...] = (*self.arguments, *self.statements)
        return {value.name: value for value in values}

    @property
    def uses(self) -> dict[str, int]:
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
