"""The NumPy expression of one statement; its operands are names, or expressions themselves where they are used once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy
from sympy import Expr, Mul, Pow, Symbol

from codegen.alignment import align_text, subscript, transpose_text
from codegen.indexing import plan_indexing
from codegen.leading import leads
from codegen.naming import Names
from codegen.numpy_maps import build_map, filled_branch
from codegen.numpy_matrices import MatrixTexts
from codegen.numpy_printer import (
    PRODUCT,
    CopyOf,
    SumToShape,
    Text,
    numpy_text,
    ordered,
    postfix,
    radicand,
)
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
    Operand,
    Position,
    Reduce,
    Shift,
    Solve,
    Stack,
    SumTo,
    Windows,
)
from codegen.passes import Axes, renamed
from codegen.program import NUMBER, REAL, Argument, Program, Statement
from derive.indices import Index


class Renderer(MatrixTexts):
    """Expressions for the statements of a program, those in ``inline`` within the ones that use them."""

    def __init__(self, program: Program, names: Names, inline: frozenset[str] = frozenset()) -> None:
        self.program = program
        self.names = names
        self.inline = inline
        self.sizes: dict[Symbol, None] = {}
        self.values = program.values
        self._rules: Mapping[type, Callable[[Any], Expr]] = {
            Constant: self._constant,
            Position: self._position,
            Identity: self._identity,
            Map: self._map,
            Reduce: self._reduce,
            Contract: self.contract,
            Invert: self.invert,
            Solve: self.solve,
            Determinant: self.determinant,
            Gather: self._gather,
            Broadcast: self._broadcast,
            Stack: self._stack,
            Arrange: self._arrange,
            Copy: self._copy,
            Cast: self._cast,
            SumTo: self._sum_to,
            Windows: self.windows,
            AddWindows: self.add_windows,
            AddChosen: self.add_chosen,
            Shift: self.shift,
            Flip: self.flip,
        }

    def render(self, statement: Statement) -> Expr:
        """Return what a statement computes."""
        return self._rules[type(statement.op)](statement)

    def text(self, statement: Statement) -> str:
        return numpy_text(self.render(statement))

    def operand(self, operand: Operand, target: Axes) -> Expr:
        """Return an operand, brought under the target's axes."""
        value = self.values[operand.name]
        axes = self.axes(operand)
        shown = self.value(value)
        suffix = align_text(axes, target, any_rank=self.program.any_rank)
        return Text(f"{postfix(shown)}{suffix}") if suffix else shown

    def axes(self, operand: Operand) -> Axes:
        """The axes of an operand's array, by the labels of its use."""
        value = self.values[operand.name]
        return operand.labels if isinstance(value, Argument) else renamed(value.axes, value.labels, operand.labels)

    def value(self, value: Argument | Statement) -> Expr:
        if isinstance(value, Statement) and value.name in self.inline:
            return self.render(value)
        return Text(self.names.of(value.name))

    def size(self, extent: Expr) -> Expr:
        """Return a size, or an expression of sizes, by the names of the variables that hold them."""
        names = {}
        for symbol in sorted(extent.free_symbols, key=str):
            if symbol not in self.program.parameters:
                self.sizes[symbol] = None
            names[symbol] = Symbol(self.names.of_size(symbol))
        return ordered(extent.xreplace(names))

    def shape(self, labels: Labels) -> str:
        """Return the shape of an array of these labels: an argument's where one has it."""
        extents = tuple(label.size for label in labels)
        for argument in self.program.arguments:
            if extents and argument.tensor.sizes == extents:
                return f"{self.names.of(argument.name)}.shape"
        parts = [numpy_text(self.size(extent)) for extent in extents]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"

    def dtype(self) -> str:
        """Return the dtype of the results, an empty text where there is nothing to take it from."""
        reference = self.program.reference
        if reference is None:
            return ""
        name = self.names.of(reference.name)
        return f"{name}.dtype" if reference.labels else f"np.result_type({name})"

    def filled(self, labels: Labels, number: Expr) -> str:
        """Return an array full of one number."""
        extents = tuple(label.size for label in labels)
        kind = {0: "zeros", 1: "ones"}.get(number)
        for argument in self.program.arguments:
            if kind and argument.kind == REAL and argument.tensor.sizes == extents:
                return f"np.{kind}_like({self.names.of(argument.name)})"
        dtype = f", dtype={self.dtype()}" if self.dtype() else ""
        if kind:
            return f"np.{kind}({self.shape(labels)}{dtype})"
        return f"np.full({self.shape(labels)}, {numpy_text(self._number(number))}{dtype})"

    # ---- one rule for each kind of statement ----

    def _constant(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Constant)
        return self._number(statement.op.value)

    def _number(self, value: Expr) -> Expr:
        """Return a Python number: NumPy's own scalars would widen float32."""
        number, divisor = sympy.fraction(value)
        counted = self._count(divisor)
        if counted is not None:
            return Mul(self._number(number), Pow(counted, -1, evaluate=False), evaluate=False)
        counted = self._count(number)
        if counted is not None:
            inverse = Pow(self._number(divisor), -1, evaluate=False)
            return counted if divisor == 1 else Mul(counted, inverse, evaluate=False)
        under = radicand(value)
        if under is not None:
            rest = value / sympy.sqrt(under)
            root = Pow(Text(numpy_text(self.size(under)), PRODUCT), sympy.Rational(1, 2), evaluate=False)
            return root if rest == 1 else Mul(self.size(rest), root, evaluate=False)
        number = self.size(value)
        if value.has(sympy.Function):
            return Text(f"float({numpy_text(number)})")
        return number

    def _count(self, value: Expr) -> Expr | None:
        """Return the number of an argument's entries, with a factor, where a product of sizes is that."""
        factor, sizes = value.as_coeff_Mul()
        for argument in self.program.arguments:
            is_many = len(argument.labels) > 1 or leads(argument.labels, self.program.any_rank)
            if is_many and sizes == sympy.prod(argument.tensor.sizes):
                count = Text(f"{self.names.of(argument.name)}.size")
                return count if factor == 1 else Mul(factor, count, evaluate=False)
        return None

    def _position(self, statement: Statement) -> Expr:
        return Text(f"np.arange({numpy_text(self.size(statement.labels[0].size))})")

    def _identity(self, statement: Statement) -> Expr:
        dtype = f", dtype={self.dtype()}" if self.dtype() else ""
        return Text(f"np.eye({numpy_text(self.size(statement.labels[0].size))}{dtype})")

    def _map(self, statement: Statement) -> Expr:
        statement = self._with_array_first(statement)
        assert isinstance(statement.op, Map)
        operands = [self.operand(operand, statement.axes) for operand in statement.operands]
        filled = filled_branch(statement, self.values)
        if filled is not None:
            operands[filled] = Text(f"{numpy_text(operands[filled])}.0")
        if statement.op.function == "mul":
            # x * (m / N) divides the small array, x * m / N the large one.
            operands[1:] = [
                Text(f"({numpy_text(shown)})")
                if isinstance(shown, Mul) and operand.rank < len(statement.labels)
                else shown
                for operand, shown in zip(statement.operands[1:], operands[1:], strict=True)
            ]
        return build_map(statement.op, operands)

    def _with_array_first(self, statement: Statement) -> Statement:
        """Return a product of a scalar and a nameless array with that in front: NumPy takes the left side's memory.

        A number as it stands in the text stays where it is, as people write it.
        """
        *scalars, last = statement.operands
        value = self.values[last.name]
        is_array = bool(statement.labels) and last.labels == statement.labels
        if statement.op != Map("mul") or not is_array or any(each.labels for each in scalars):
            return statement
        if all(map(self._is_written_out, scalars)):
            return statement
        is_made = isinstance(value, Statement) and value.kind == REAL and isinstance(value.op, Map | Contract)
        return replace(statement, operands=(last, *scalars)) if is_made and last.name in self.inline else statement

    def _is_written_out(self, operand: Operand) -> bool:
        value = self.values[operand.name]
        return isinstance(value, Statement) and isinstance(value.op, Constant)

    def _reduce(self, statement: Statement) -> Expr:
        op = statement.op
        assert isinstance(op, Reduce)
        source = statement.operands[0]
        labels = self.axes(source)
        first = -len(labels) if leads(labels, self.program.any_rank) else 0
        axes = [first + axis for axis, label in enumerate(labels) if label in op.over]
        inner = self.values[source.name]
        is_sum = op.function == "sum" and not statement.labels and source.name in self.inline
        if is_sum and isinstance(inner, Statement) and isinstance(inner.op, Gather) and is_diagonal(inner.op):
            return Text(f"{postfix(self.operand(inner.operands[0], inner.operands[0].labels))}.trace()")
        folded = self.folded(statement, op, axes)
        if folded is not None:
            return folded
        products = self.summed_products(statement, op)
        if products is not None:
            return products
        settings = []
        if statement.labels:
            settings.append(f"axis={axes[0] if len(axes) == 1 else tuple(axes)}")
        if statement.kept is not None:
            settings.append("keepdims=True")
        is_flat = op.function == "argmax" and not statement.labels
        target = source.labels if is_flat or statement.labels else labels
        return Text(f"{postfix(self.operand(source, target))}.{op.function}({', '.join(settings)})")

    def _gather(self, statement: Statement) -> Expr:
        op = statement.op
        assert isinstance(op, Gather)
        source, *positions = statement.operands
        array = postfix(self.operand(source, source.labels))
        if op.along:
            kept = op.along_axes
            taken = postfix(self.value(self.values[positions[0].name]))
            any_rank = self.program.any_rank
            taken += align_text(self.axes(positions[0]), kept, all_axes=True, any_rank=any_rank)
            axis = kept.index(None) - (len(kept) if leads(kept, any_rank) else 0)
            found = f"np.take_along_axis({array}, {taken}, axis={axis})"
            return Text(found + (align_text(kept, statement.axes, any_rank=any_rank) if statement.kept is None else ""))
        if is_diagonal(op):
            return Text(f"np.diagonal({array})")
        return Text(f"{array}[{self.index_text(op.where, positions)}]")

    def index_text(self, where: Sequence[Index | int | None], positions: Sequence[Operand]) -> str:
        """Return what stands in the square brackets."""
        plan = plan_indexing(where, positions)
        entries = []
        for entry, operand in zip(plan.entries, plan.operands, strict=True):
            if operand is not None:
                entries.append(numpy_text(self.operand(operand, plan.together)))
            elif isinstance(entry, tuple):
                positions_text = f"np.arange({numpy_text(self.size(entry[0].size))})"
                entries.append(positions_text + align_text(entry, plan.together))
            else:
                entries.append(":" if entry is None else str(entry))
        first = where[0] if isinstance(where[0], Index) else None
        return subscript(entries, leads((first,), self.program.any_rank))[1:-1]

    @staticmethod
    def names_every_place(where: Sequence[Index | int | None], positions: Sequence[Operand]) -> bool:
        """Whether an index has a number or an array of positions for every axis, and no slice."""
        return None not in plan_indexing(where, positions).entries

    @staticmethod
    def region(where: Sequence[Index | int | None], positions: Sequence[Operand]) -> Labels:
        """Return the axes of what is at an index."""
        return plan_indexing(where, positions).labels

    def _stack(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Stack)
        along = statement.op.along
        others = tuple(label for label in statement.labels if label != along)
        parts = [numpy_text(self.operand(operand, others)) for operand in statement.operands]
        return Text(f"np.stack([{', '.join(parts)}], axis={self.axis(statement.labels, along)})")

    def _broadcast(self, statement: Statement) -> Expr:
        (source,) = statement.operands
        value = self.values[source.name]
        if isinstance(value, Statement) and isinstance(value.op, Constant):
            return Text(self.filled(statement.labels, value.op.value))
        shape = self.shape(statement.labels)
        if source.labels:
            shown = numpy_text(self.operand(source, statement.labels))
            return Text(f"np.broadcast_to({shown}, {shape}).copy()")
        scalars = self._scalar_arguments(source.name)
        reference = self.program.reference
        dtype = ""
        if scalars and reference is not None and reference.labels:
            dtype = f", dtype=np.result_type({', '.join([self.names.of(reference.name), *scalars])})"
        return Text(f"np.full({shape}, {numpy_text(self.operand(source, ()))}{dtype})")

    def _scalar_arguments(self, name: str) -> list[str]:
        """Return the scalars a value is made of, where it is made of nothing else: they may be Python numbers."""
        found: dict[str, None] = {}
        stack = [name]
        while stack:
            value = self.values[stack.pop()]
            if isinstance(value, Statement):
                stack += [operand.name for operand in value.operands]
            elif value.labels:
                return []
            elif value.kind == REAL:
                found[self.names.of(value.name)] = None
        return list(found)

    def _arrange(self, statement: Statement) -> Expr:
        (source,) = statement.operands
        shown = postfix(self.operand(source, source.labels))
        return Text(shown + transpose_text(source.labels, statement.labels))

    def _copy(self, statement: Statement) -> Expr:
        (source,) = statement.operands
        if not source.labels:
            return CopyOf(self.operand(source, ()), evaluate=False)
        return Text(f"{numpy_text(self._arrange(statement))}.copy()")

    def _cast(self, statement: Statement) -> Expr:
        (source,) = statement.operands
        value = self.values[source.name]
        dtype = self.dtype()
        if isinstance(value, Statement) and isinstance(value.op, Position) and value.name in self.inline:
            return Text(f"np.arange({numpy_text(self.size(value.labels[0].size))}, dtype={dtype})")
        shown = self.operand(source, source.labels)
        if not source.labels or statement.kind == NUMBER:
            return Text(f"np.asarray({numpy_text(shown)}, dtype={dtype})")
        return Text(f"{postfix(shown)}.astype({dtype})")

    def _sum_to(self, statement: Statement) -> Expr:
        gradient, argument = (self.operand(operand, ()) for operand in statement.operands)
        return SumToShape(gradient, Text(f"np.shape({numpy_text(argument)})"), evaluate=False)


def is_diagonal(op: Gather) -> bool:
    return len(op.where) == 2 and isinstance(op.where[0], Index) and op.where[0] == op.where[1]
