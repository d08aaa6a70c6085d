"""A program as the C target takes it: what is computed number by number, and what needs a loop of its own.

C has no arrays to broadcast and none to hold what is in between. A value that is a function of single numbers of other
values, a *pointwise* one, is therefore an expression that is written where it is needed; only sums, maxima, results and
what is too expensive to compute again are computed by a statement in loops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import sympy

from codegen.c_systems import SYSTEMS, Factors, Systems
from codegen.indexing import plan_indexing
from codegen.ops import (
    MATRIX_OPERATIONS,
    AddWindows,
    Constant,
    Contract,
    Determinant,
    Flip,
    Gather,
    Labels,
    Map,
    Operand,
    Reduce,
    Scatter,
    Shift,
    Stack,
    Windows,
)
from codegen.program import NUMBER, Program, Statement
from derive.indices import Index, size

#: An element of a value: by axis, the index that runs along it, or None for a place that is computed.
Places = tuple[Index | None, ...]
#: The index over the entries of arrays of any shape.
ENTRY = Index("i", size("n"))
#: Roughly what a function costs beside an addition; what is not here costs 1.
COSTS = {"div": 4, "sqrt": 4, "sigmoid": 30, "logaddexp": 60, "pow": 60, "log1p": 30, "expm1": 20, "erf": 30}
COSTS |= {"softplus_tail": 50, "normal_cdf": 30}
EXPENSIVE = 20
#: What a value may cost, with all that is written out in it, to be computed again in each step of a loop over another.
LONG = 4
CHEAP = frozenset(
    {"add", "mul", "neg", "square", "abs", "sign", "maximum", "minimum", "where", "clip", "full_like", "floor", "ceil"}
    | {"greater", "greater_equal", "equal", "not_equal"}
)


class Access(NamedTuple):
    """The reading of an element of a value."""

    name: str
    places: Places


def simplify(program: Program, is_elementwise: bool) -> Program:
    """Return the program with sums in the place of means, and for entries in the place of arrays of any shape.

    Matrices are factored, once each, and what is done to whole matrices is done with their factors.
    """
    statements: list[Statement] = []
    systems = Systems()
    for statement in program.statements:
        statement = replace(statement, kept=None, into=None)
        if isinstance(statement.op, Reduce) and statement.op.function == "mean":
            statements += _mean(statement, statement.op)
        else:
            statements += systems.taken_apart(statement)
    program = replace(program, statements=tuple(statements))
    return _for_entries(program) if is_elementwise else program


def _mean(statement: Statement, op: Reduce) -> list[Statement]:
    count = sympy.prod([label.size for label in op.over])
    total = replace(statement, name=f"{statement.name}+", op=Reduce("sum", op.over), tensor=None)
    number = Statement(f"{statement.name}#", Constant(count), (), (), NUMBER)
    operands = (Operand(total.name, total.labels), Operand(number.name))
    return [total, number, replace(statement, op=Map("div"), operands=operands)]


def _for_entries(program: Program) -> Program:
    """Give arrays of any shape one index over their entries; settings stay numbers."""
    arguments = tuple(
        replace(argument, labels=() if argument.kind == NUMBER else (ENTRY,)) for argument in program.arguments
    )
    runs = {argument.name for argument in arguments if argument.labels}
    statements = []
    for statement in program.statements:
        operands = tuple(Operand(o.name, (ENTRY,) if o.name in runs else ()) for o in statement.operands)
        labels = (ENTRY,) if any(operand.labels for operand in operands) else ()
        if labels:
            runs.add(statement.name)
        statements.append(replace(statement, operands=operands, labels=labels))
    return replace(program, arguments=arguments, statements=tuple(statements))


def is_pointwise(statement: Statement) -> bool:
    """Whether an element of the result is a function of single elements of the operands."""
    op = statement.op
    if isinstance(op, Scatter):
        own = {place for place in op.where if isinstance(place, Index)}
        used = {label for operand in statement.operands[op.has_base :] for label in operand.labels}
        return not op.repeats and used <= own and own <= set(statement.labels) and len(own) > 0
    return not isinstance(op, (Reduce, Contract, AddWindows, *MATRIX_OPERATIONS, *SYSTEMS))


def cost(statement: Statement) -> int:
    """Roughly what an element costs."""
    op = statement.op
    if isinstance(op, Map):
        return 1 if op.function in CHEAP else COSTS.get(op.function, EXPENSIVE)
    return 1


def reads(statement: Statement) -> Iterator[Access]:
    """Return the elements of operands that an element of a statement is made of."""
    op, operands = statement.op, statement.operands
    if isinstance(op, Gather):
        yield Access(operands[0].name, tuple(place if isinstance(place, Index) else None for place in op.where))
        operands = operands[1:]
    elif isinstance(op, Shift | Flip):
        labels = operands[0].labels
        yield Access(operands[0].name, tuple(None if label == op.along else label for label in labels))
        return
    elif type(op) is Windows:
        yield Access(operands[0].name, tuple(axis if isinstance(axis, Index) else None for axis in op.axes))
        return
    for operand in operands:
        yield Access(operand.name, operand.labels)


def domain(statement: Statement) -> Labels:
    """Return the indices over which a statement that is not pointwise loops, the outermost first."""
    op = statement.op
    if isinstance(op, Reduce):
        return statement.operands[0].labels
    if isinstance(op, Contract):
        return _contraction_order(statement, op)
    if isinstance(op, AddWindows):
        return op.labels
    if isinstance(op, Scatter) and not is_pointwise(statement):
        positions = statement.operands[1 + op.has_base :]
        return plan_indexing(op.where, positions).labels
    if isinstance(op, SYSTEMS):
        return batch_of(statement)
    if isinstance(op, Stack):
        return (*(label for label in statement.labels if label != op.along), op.along)
    return statement.labels


def batch_of(statement: Statement) -> Labels:
    """Return the indices for each place of which a whole matrix is factored or solved for, or its determinant taken."""
    if isinstance(statement.op, Determinant):
        return statement.labels
    return (statement if isinstance(statement.op, Factors) else statement.operands[0]).labels[:-2]


def _contraction_order(statement: Statement, op: Contract) -> Labels:
    """Put that index innermost along which most of the arrays are contiguous."""
    every = (*statement.labels, *op.over)
    arrays = [*(operand.labels for operand in statement.operands), statement.labels]

    def score(label: Index) -> int:
        last = sum(1 for labels in arrays if labels and labels[-1] == label)
        return last - 2 * sum(1 for labels in arrays if label in labels[:-1])

    inner = max(every, key=lambda label: (score(label), label in op.over))
    return (*(label for label in every if label != inner), inner)


def summed(statement: Statement) -> Labels:
    """Return the indices that a statement sums over or takes the maximum over."""
    return statement.op.over if isinstance(statement.op, Reduce | Contract) else ()


def is_alone(statement: Statement) -> bool:
    """Whether a statement adds to places that are computed, so that its loops are its own."""
    return isinstance(statement.op, Scatter | AddWindows) and not is_pointwise(statement)


class Reading:
    """What the statements of a program read, pointwise values taken apart unless they are stored."""

    def __init__(self, program: Program, stored: frozenset[str]) -> None:
        self.program = program
        self.values = program.values
        self.stored = stored

    def is_written_out(self, name: str) -> bool:
        """Whether a value is an expression that is written where it is needed."""
        value = self.values[name]
        return isinstance(value, Statement) and name not in self.stored and is_pointwise(value)

    def accesses(self, statement: Statement) -> list[Access]:
        """Return what a statement reads: elements of arguments and of values that statements compute."""
        found: dict[Access, None] = {}
        for access in reads(statement):
            self._expand(access, found)
        return list(found)

    def written_out(self, statement: Statement) -> set[Access]:
        """Return the elements of pointwise values that a statement's text is made of."""
        met: set[Access] = set()
        waiting = list(reads(statement))
        while waiting:
            access = waiting.pop()
            if access not in met and self.is_written_out(access.name):
                met.add(access)
                waiting += self._inside(access)
        return met

    def whole_cost(self, name: str) -> int:
        """Return roughly what an element of a value costs with what is written out in it."""
        value = self.values[name]
        assert isinstance(value, Statement)
        inside = {operand.name for operand in value.operands if self.is_written_out(operand.name)}
        return cost(value) * (not isinstance(value.op, Constant)) + sum(map(self.whole_cost, inside))

    def _inside(self, access: Access) -> list[Access]:
        value = self.values[access.name]
        assert isinstance(value, Statement)
        at = dict(zip(value.labels, access.places, strict=True))
        return [
            Access(each.name, tuple(None if place is None else at.get(place) for place in each.places))
            for each in reads(value)
        ]

    def _expand(self, access: Access, found: dict[Access, None]) -> None:
        if not self.is_written_out(access.name):
            found[access] = None
            return
        for each in self._inside(access):
            self._expand(each, found)


def positions_of(where: Sequence[Index | int | None], positions: Sequence[Operand]) -> list[Index | int | Operand]:
    """Return for each axis the index, number or operand that tells the place."""
    given = iter(positions)
    return [next(given) if place is None else place for place in where]
