"""The operations of a program's statements, and how they use values: by labels, an index for each axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sympy import Expr, Symbol

from derive.indices import Index

Labels = tuple[Index, ...]


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
