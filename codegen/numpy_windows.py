"""How windows are written in NumPy: calls of the helpers that view an array through them, and that add them up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import sympy
from sympy import Expr, Mul, Pow

from codegen.alignment import align_text, subscript
from codegen.leading import leads
from codegen.numpy_printer import Text, numpy_text, postfix
from codegen.ops import AddChosen, AddWindows, Flip, Form, Labels, Operand, Reduce, Shift, Windows
from codegen.passes import Axes
from codegen.program import Argument, Program, Statement
from codegen.window_plans import has_few_places
from derive.indices import Index

#: The functions that fold windows, by the name of a reduction.
FOLDS = {"sum": "np.add", "mean": "np.add", "max": "np.maximum"}


class WindowTexts(ABC):
    """The part of a renderer that has to do with windows.

    Attributes:
        program: what is written.
        values: its arguments and statements by name.
    """

    program: Program
    values: Mapping[str, Argument | Statement]

    @abstractmethod
    def operand(self, operand: Operand, target: Axes) -> Expr:
        """Return an operand, brought under the target's axes."""

    @abstractmethod
    def axes(self, operand: Operand) -> Axes:
        """Return the axes of an operand's array, by the labels of its use."""

    @abstractmethod
    def value(self, value: Argument | Statement) -> Expr:
        """Return a value by its name, or what it is made of."""

    @abstractmethod
    def size(self, extent: Expr) -> Expr:
        """Return a size by the names of variables."""

    @abstractmethod
    def shape(self, labels: Labels) -> str:
        """Return the shape of an array of these labels."""

    def axis(self, labels: Labels, label: Index) -> int:
        """Return the number of an axis, from the end where the first one stands for any number of axes."""
        return labels.index(label) - (len(labels) if leads(labels, self.program.any_rank) else 0)

    def windows(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Windows)
        (source,) = statement.operands
        shown = numpy_text(self.operand(source, source.labels))
        return Text(f"_windows({', '.join([shown, *self._axes_of_windows(statement.op)])})")

    def add_windows(self, statement: Statement) -> Expr:
        op = statement.op
        assert isinstance(op, AddWindows)
        (source,) = statement.operands
        kept = tuple(label if label in source.labels else None for label in op.labels)
        axes = self.axes(source)
        value, suffix = self.value(self.values[source.name]), align_text(axes, kept, all_axes=True)
        shown = f"{postfix(value)}{suffix}" if suffix else numpy_text(value)
        return Text(f"_add_windows({', '.join([shown, self.shape(op.at), *self._axes_of_windows(op)])})")

    def add_chosen(self, statement: Statement) -> Expr:
        op = statement.op
        assert isinstance(op, AddChosen)
        along = tuple(label for label in op.labels if label not in op.picked)
        shown = [numpy_text(self.operand(operand, along)) for operand in statement.operands]
        picked = _tuple_text([op.labels.index(label) for label in op.picked])
        return Text(f"_add_chosen({', '.join([*shown, picked, self.shape(op.at), *self._axes_of_windows(op)])})")

    def _axes_of_windows(self, op: Windows) -> list[str]:
        """Return what the helpers are told of each axis: which it is, where it starts, how often it goes how far."""
        told = []
        for place, axis in enumerate(op.axes):
            if isinstance(axis, Form):
                runs = [f"({numpy_text(self.size(r.index.size))}, {numpy_text(self.size(r.step))})" for r in axis.runs]
                told.append(f"({', '.join([str(place), numpy_text(self.size(axis.start)), *runs])})")
        return told

    def shift(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Shift)
        (source,) = statement.operands
        shown = numpy_text(self.operand(source, source.labels))
        axis = self.axis(source.labels, statement.op.along)
        return Text(f"_shifted({shown}, {numpy_text(self.size(statement.op.offset))}, axis={axis})")

    def flip(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Flip)
        (source,) = statement.operands
        entries = ["::-1" if label == statement.op.along else ":" for label in source.labels]
        is_any = leads(source.labels, self.program.any_rank)
        return Text(postfix(self.operand(source, source.labels)) + subscript(entries, is_any))

    def folded(self, statement: Statement, op: Reduce, axes: Sequence[int]) -> Expr | None:
        """Return a reduction over the places of windows, of which there are few; None where it is none.

        NumPy would go along the windows, one short row after the other.
        """
        (source,) = statement.operands
        inner = self.values[source.name]
        if statement.kept is not None or not isinstance(inner, Statement):
            return None
        over = {own for own, label in zip(inner.labels, source.labels, strict=True) if label in op.over}
        if not has_few_places(inner.op, over, self.program.extents):
            return None
        shown = numpy_text(self.operand(source, source.labels))
        if op.function == "argmax":
            order = [source.labels.index(label) for label in op.over]
            return Text(f"_first_largest({shown}, {_tuple_text(order)})")
        if op.function not in FOLDS:
            return None
        text = f"_folded({FOLDS[op.function]}, {shown}, {_tuple_text(axes)})"
        if op.function != "mean":
            return Text(text)
        count = self.size(sympy.prod([label.size for label in op.over]))
        return Mul(Text(text), Pow(count, -1, evaluate=False), evaluate=False)


def _tuple_text(numbers: Sequence[int]) -> str:
    return f"({', '.join(map(str, numbers))}{',' * (len(numbers) == 1)})"
