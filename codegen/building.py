"""Building a program one value at a time: what was built before is found again and not built twice.

Two values are the same when they are the same operation on the same values, whatever their indices are called: the
``exp(x[n,j])`` under a sum over j is the ``exp(x[n,k])`` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import sympy
from sympy import Expr

from codegen.elementary import FUNCTIONS
from codegen.ops import Cast, Constant, Labels, Map, Op, Operand, Reduce, Windows
from codegen.program import INTEGER, MASK, NUMBER, REAL, Argument, Program, Statement
from derive.indices import Index, Tensor

COMPARISONS = frozenset({"greater", "greater_equal", "equal", "not_equal"})

#: What Python does to numbers and leaves them Python's; NumPy's functions make numbers with a dtype of them.
ARITHMETIC = frozenset({"add", "mul", "div", "neg", "pow"})

#: Functions of numbers alone; sums and products of them are added up before.
_FOLDS: Mapping[str, Callable[..., Expr]] = {
    "square": lambda x: x**2,
    "sqrt": sympy.sqrt,
    "pow": lambda base, exponent: base**exponent,
    "div": lambda above, below: above / below,
    "mul": lambda *factors: sympy.prod(factors),
    "neg": lambda x: -x,
}


class Builder:
    """Statements in order of construction, found again by what they compute."""

    def __init__(self, arguments: Sequence[Argument]) -> None:
        self.arguments = tuple(arguments)
        self.values: dict[str, Argument | Statement] = {argument.name: argument for argument in arguments}
        self._places = {argument.name: place for place, argument in enumerate(arguments)}
        self._depths = dict.fromkeys(self.values, 0)
        self._known: dict[object, str] = {}
        self._has_reference = Program(self.arguments, (), ()).reference is not None

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(value for value in self.values.values() if isinstance(value, Statement))

    def emit(self, op: Op, operands: Iterable[Operand], labels: Labels, kind: str, *, is_new: bool = False) -> Operand:
        """Return the value of an operation, building it where it is not there yet, or where it must be a new one."""
        operands = tuple(operands)
        key = _description(op, operands, labels)
        name = None if is_new else self._known.get(key)
        if name is None:
            name = f"%{len(self.values)}"
            self.values[name] = Statement(name, op, operands, labels, kind)
            self._known[key] = name
            self._places[name] = len(self._places)
            self._depths[name] = 1 + max((self._depths[operand.name] for operand in operands), default=-1)
        return Operand(name, labels)

    def find(self, op: Op, operands: Sequence[Operand], labels: Labels) -> Operand | None:
        """Return a value that is there already, its axes in whatever order."""
        if len(labels) <= 4:
            for order in permutations(labels):
                name = self._known.get(_description(op, tuple(operands), order))
                if name is not None:
                    return Operand(name, order)
        return None

    def kind(self, operand: Operand) -> str:
        return self.values[operand.name].kind

    def statement(self, operand: Operand) -> Statement | None:
        """The statement behind an operand, None for an argument."""
        value = self.values[operand.name]
        return value if isinstance(value, Statement) else None

    def is_windows(self, operand: Operand) -> bool:
        """Whether a value is a view through windows, in which numbers stand more than once."""
        statement = self.statement(operand)
        return statement is not None and type(statement.op) is Windows

    def call(self, operand: Operand, tensor: Tensor) -> None:
        """Say that a value is a definition's tensor, unless it is an argument or another definition's."""
        value = self.values[operand.name]
        if isinstance(value, Statement) and value.tensor is None and not isinstance(value.op, Constant):
            self.values[operand.name] = replace(value, tensor=tensor)

    def release(self, operand: Operand, tensor: Tensor) -> None:
        """Take the tensor from a value that another will stand for."""
        value = self.values[operand.name]
        if isinstance(value, Statement) and value.tensor == tensor:
            self.values[operand.name] = replace(value, tensor=None)

    def age(self, operand: Operand, want: Labels = ()) -> tuple[int, ...]:
        """A key that sorts operands in the order in which they come to be, arguments first.

        It does not depend on the names of indices, so that the same product is found again under other names; ``want``
        decides between two uses of one value.
        """
        at = tuple(want.index(label) if label in want else len(want) for label in operand.labels)
        return (self._depths[operand.name], self._places[operand.name], *at)

    def factor_order(self, operands: Sequence[Operand], want: Labels = ()) -> list[Operand]:
        """Return factors as people write them: numbers first, small before large, masks last."""
        few = len(operands) == 2

        def key(operand: Operand) -> tuple[int, ...]:
            kind = self.kind(operand)
            rank = min(operand.rank, 1) if few else operand.rank
            return (kind != NUMBER, kind == MASK, rank, *self.age(operand, want))

        return sorted(operands, key=key)

    def term_order(self, sign: int, operand: Operand, want: Labels = ()) -> tuple[int, ...]:
        """A key for terms: what is added before what is subtracted, a bias last.

        What is subtracted stands in the order in which it comes to be: ``z - m - log(s)`` subtracts the maximum first.
        """
        statement = self.statement(operand)
        number = statement.op.value if statement is not None and isinstance(statement.op, Constant) else None
        place = 1 if number is None else 0 if number == 1 else 2
        size = -operand.rank if sign > 0 else 0
        return (-sign, place, self.kind(operand) == MASK, size, *self.age(operand, want))

    # ---- kinds of values ----

    def constant(self, value: Expr) -> Operand:
        return self.emit(Constant(value), (), (), NUMBER)

    def cast(self, operand: Operand) -> Operand:
        """Return the operand in the dtype of the inputs; a number has it anyway."""
        if self.kind(operand) in (REAL, NUMBER) or not self._has_reference:
            return operand
        return self.emit(Cast(), (operand,), operand.labels, REAL)

    def map(self, function: str, operands: Iterable[Operand], want: Labels = (), signs: Iterable[int] = ()) -> Operand:
        """Return an elementwise function of values, in a dtype that follows the inputs."""
        operands, signs = list(operands), tuple(signs)
        if function == "mul":
            operands = self.factor_order(operands, want)
        elif function in ("equal", "not_equal"):
            operands.sort(key=lambda operand: (self.kind(operand) == NUMBER, *self.age(operand, want)))
        folded = self._fold(function, operands)
        if folded is not None:
            return folded
        labels = union_labels(operands, want)
        if function in COMPARISONS:
            return self.emit(Map(function), operands, labels, MASK)
        if function == "where":
            operands[1:] = [self.cast(operand) for operand in operands[1:]]
            kind = REAL if any(self.kind(operand) == REAL for operand in operands[1:]) else INTEGER
            return self.cast(self.emit(Map(function), operands, labels, kind))
        if not self._may_keep_masks(function, operands):
            operands = [self.cast(operand) for operand in operands]
        operands = [self.cast(operand) if self.kind(operand) == INTEGER else operand for operand in operands]
        if function not in ARITHMETIC and all(self.kind(operand) == NUMBER for operand in operands):
            operands = [self.emit(Cast(), (operand,), operand.labels, REAL) for operand in operands]
        kind = NUMBER if all(self.kind(operand) == NUMBER for operand in operands) else REAL
        return self.emit(Map(function, signs), operands, labels, kind)

    def _fold(self, function: str, operands: Sequence[Operand]) -> Operand | None:
        """Return a function of numbers as a number."""
        fold = _FOLDS.get(function) or FUNCTIONS.get(function)
        statements = [self.statement(operand) for operand in operands]
        constants = [s.op.value for s in statements if s is not None and isinstance(s.op, Constant)]
        if fold is None or len(constants) < len(operands):
            return None
        return self.constant(fold(*constants))

    def integers(
        self, function: str, operands: Iterable[Operand], want: Labels = (), signs: tuple[int, ...] = ()
    ) -> Operand:
        """Return integer arithmetic on positions."""
        operands = list(operands)
        return self.emit(Map(function, signs), operands, union_labels(operands, want), INTEGER)

    def reduce(self, function: str, operand: Operand, over: Iterable[Index]) -> Operand:
        """Return the sum, mean, maximum or position of the maximum over indices of the operand."""
        over = tuple(label for label in operand.labels if label in set(over))
        if function in ("sum", "mean"):
            operand = self.cast(operand)
        labels = tuple(label for label in operand.labels if label not in over)
        kind = INTEGER if function == "argmax" else self.kind(operand)
        return self.emit(Reduce(function, over), (operand,), labels, kind)

    def _may_keep_masks(self, function: str, operands: list[Operand]) -> bool:
        """Whether NumPy's own promotion of booleans gives the dtype of the inputs."""
        kinds = [self.kind(operand) for operand in operands]
        if function == "mul":
            return REAL in kinds
        return function == "add" and sorted(kinds) == [MASK, REAL]


def union_labels(operands: Sequence[Operand], want: Labels = ()) -> Labels:
    """Return the labels of an elementwise result: in the order of an operand that has them all, if there is one."""
    every: dict[Index, None] = {}
    for operand in operands:
        every.update(dict.fromkeys(operand.labels))
    complete = [operand.labels for operand in operands if operand.rank == len(every)]
    wanted = sorted_labels(every, want)
    return wanted if wanted in complete or not complete else complete[0]


def sorted_labels(labels: Iterable[Index], want: Labels) -> Labels:
    """Return labels in the order of ``want``; those that are not in it come after, as they are."""
    labels = tuple(labels)
    return tuple(sorted(labels, key=lambda label: want.index(label) if label in want else len(want)))


def _description(op: Op, operands: tuple[Operand, ...], labels: Labels) -> object:
    """Return what an operation does, with numbers in the place of indices."""
    numbers: dict[Index, tuple[str, int]] = {}
    for label in (*labels, *(label for operand in operands for label in operand.labels), *op.indices()):
        numbers.setdefault(label, ("index", len(numbers)))
    uses = tuple((operand.name, tuple(numbers[label] for label in operand.labels)) for operand in operands)
    return op.relabelled(numbers), uses, tuple((numbers[label], label.size) for label in labels)
