"""The verifier of programs: what a program must be, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    Map,
    Operand,
    Position,
    Reduce,
    Scatter,
    Shift,
    Solve,
    Stack,
    Windows,
)
from codegen.program import Argument, InternalError, Program, Statement, sizes_of
from derive.indices import Index


def verify(program: Program) -> Program:
    """Return the program, having checked it.

    Names are defined once and before use; an operand has as many labels as its value has axes, of the same sizes; the
    labels of a result are those its operation gives; every statement is used; every size can be read from an argument;
    no value is used after its memory was taken.

    Raises:
        InternalError: it is not so.
    """
    known: dict[str, Argument | Statement] = {}
    taken: set[str] = set()
    for argument in program.arguments:
        _expect(argument.name not in known, argument.name, "is there twice")
        known[argument.name] = argument
    for statement in program.statements:
        _expect(statement.name not in known, statement.name, "is there twice")
        for operand in statement.operands:
            _check_operand(operand, statement, known, taken)
        _check_labels(statement)
        for extent in sizes_of(statement):
            _expect(program.tells(extent), statement.name, f"needs the size {extent}, which no argument has")
        if statement.into is not None:
            _expect(statement.into in {o.name for o in statement.operands}, statement.name, "takes another's memory")
            _expect(statement.into not in program.results, statement.name, "takes the memory of a result")
            taken.add(statement.into)
        known[statement.name] = statement
    for name in program.results:
        _expect(name in known and name not in taken, name, "is a result and not there")
    uses = program.uses
    for statement in program.statements:
        _expect(uses[statement.name] > 0, statement.name, "is never used")
    return program


def _expect(condition: bool, name: str, problem: str) -> None:
    if not condition:
        raise InternalError(f"in the program, {name} {problem}")


def _check_operand(
    operand: Operand, statement: Statement, known: Mapping[str, Argument | Statement], taken: set[str]
) -> None:
    _expect(operand.name in known, statement.name, f"uses {operand.name} before it is there")
    _expect(operand.name not in taken, statement.name, f"uses {operand.name} after its memory was taken")
    value = known[operand.name]
    _expect(operand.rank == len(value.labels), statement.name, f"uses {operand.name} with {operand.rank} labels")
    _expect(len(set(operand.labels)) == operand.rank, statement.name, f"uses {operand.name} with a label twice")
    for label, axis in zip(operand.labels, value.labels, strict=True):
        _expect(label.size == axis.size, statement.name, f"uses {operand.name} with {label.name} for {axis.name}")


def _check_labels(statement: Statement) -> None:
    labels, axes = set(statement.labels), [axis for axis in statement.axes if axis is not None]
    _expect(len(labels) == len(statement.labels), statement.name, "has a label twice")
    _expect(axes == list(statement.labels), statement.name, "keeps axes that are not its own")
    expected = statement.op.result_labels(statement.operands)
    _expect(expected is None or expected == labels, statement.name, "has labels that its operation does not give")
    for check, types in _CHECKS:
        if isinstance(statement.op, types):
            _expect(check(statement), statement.name, f"is no proper {type(statement.op).__name__}")


def _reduces_its_operands(statement: Statement) -> bool:
    assert isinstance(statement.op, Reduce | Contract)
    over = set(statement.op.over)
    return bool(over) and all(any(label in operand.labels for operand in statement.operands) for label in over)


def _has_a_sign_for_each(statement: Statement) -> bool:
    assert isinstance(statement.op, Map)
    return len(statement.op.signs) in (0, len(statement.operands))


def _has_its_axes(statement: Statement) -> bool:
    return len(statement.labels) == {Constant: 0, Position: 1, Identity: 2}[type(statement.op)]


def _fills_its_places(statement: Statement) -> bool:
    op = statement.op
    if isinstance(op, Gather):
        return len(op.where) == statement.operands[0].rank and op.where.count(None) == len(statement.operands) - 1
    assert isinstance(op, Scatter)
    positions = len(statement.operands) - 1 - op.has_base
    base_fits = not op.has_base or set(statement.operands[0].labels) == set(statement.labels)
    return base_fits and len(op.where) == len(statement.labels) and op.where.count(None) == positions


def _fits_its_windows(statement: Statement) -> bool:
    op, labels = statement.op, set().union(*(operand.labels for operand in statement.operands))
    assert isinstance(op, Windows)
    own = op.labels
    if isinstance(op, AddChosen) and (labels & set(op.picked) or not set(op.picked) <= set(own)):
        return False
    if isinstance(op, AddWindows):
        plain = all(axis in (index, None) for axis, index in zip(_plain_axes(op), op.at, strict=True))
        return len(set(own)) == len(own) and labels <= set(own) and plain and statement.labels == op.at
    return len(op.axes) == len(labels) and statement.labels == own


def _plain_axes(op: Windows) -> tuple[Index | None, ...]:
    return tuple(axis if isinstance(axis, Index) else None for axis in op.axes)


def _moves_an_axis(statement: Statement) -> bool:
    assert isinstance(statement.op, Shift | Flip)
    return statement.op.along in statement.operands[0].labels and statement.labels == statement.operands[0].labels


def _covers_its_operand(statement: Statement) -> bool:
    return set(statement.operands[0].labels) < set(statement.labels)


def _fills_its_axis(statement: Statement) -> bool:
    assert isinstance(statement.op, Stack)
    own = set(statement.labels) - {statement.op.along}
    is_whole = all(set(operand.labels) == own for operand in statement.operands)
    return is_whole and statement.op.along.size == len(statement.operands)


_CHECKS: tuple[tuple[Callable[[Statement], bool], Any], ...] = (
    (_reduces_its_operands, (Reduce, Contract)),
    (_has_its_axes, (Constant, Position, Identity)),
    (_fills_its_places, (Gather, Scatter)),
    (_covers_its_operand, Broadcast),
    (_fills_its_axis, Stack),
    (_fits_its_windows, Windows),
    (_moves_an_axis, (Shift, Flip)),
    (lambda statement: len(statement.operands) == 1, (Reduce, Invert, Determinant, Broadcast, Arrange, Copy, Cast)),
    (lambda statement: len(statement.operands) == 1 + isinstance(statement.op, AddChosen), (Windows, Shift, Flip)),
    (lambda statement: len(statement.operands) == 2, Solve),
    (lambda statement: len(statement.operands) >= 2, Contract),
    (_has_a_sign_for_each, Map),
)


def extremes(program: Program) -> list[Any]:
    """Return the sizes of the indices over which a maximum is taken."""
    return [
        label.size
        for statement in program.statements
        if isinstance(statement.op, Reduce) and statement.op.function in ("max", "argmax")
        for label in statement.op.over
    ]


def positions_taken(program: Program) -> dict[Any, int]:
    """Return by size the last literal position at which a program reads or writes an axis."""
    found: dict[Any, int] = {}
    for statement in program.statements:
        if isinstance(statement.op, Gather | Scatter):
            is_read = isinstance(statement.op, Gather)
            sizes = [label.size for label in (statement.operands[0].labels if is_read else statement.labels)]
            for place, size in zip(statement.op.where, sizes, strict=True):
                if isinstance(place, int):
                    found[size] = max(place, found.get(size, -1))
    return found
