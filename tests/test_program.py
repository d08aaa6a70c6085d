"""The program's verifier: what it lets pass, and that it sees each kind of fault."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from lowering_cases import BY_NAME, CASES, Case
from sympy import Integer

from codegen.ops import Broadcast, Constant, Contract, Copy, Gather, Map, Operand, Position, Reduce, Scatter
from codegen.program import NUMBER, REAL, Argument, InternalError, Program, Statement
from codegen.program_checks import verify
from derive.indices import Index, Tensor, size

N, K = size("N"), size("K")
n, k, m = Index("n", N), Index("k", K), Index("m", N)
X = Argument("x", Tensor("x", (N, K)), (n, k), REAL)
V = Argument("v", Tensor("v", (N,)), (n,), REAL)
EXP = Statement("e", Map("exp"), (Operand("x", (n, k)),), (n, k), REAL)
TOTAL = Statement("s", Reduce("sum", (k,)), (Operand("e", (n, k)),), (n,), REAL, kept=(n, None))
SOFTMAX = Statement("y", Map("div"), (Operand("e", (n, k)), Operand("s", (n,))), (n, k), REAL)
GOOD = Program((X, V), (EXP, TOTAL, SOFTMAX), ("y",), (Tensor("y", (N, K)),))


def test_values_are_looked_up_once_and_a_copy_is_an_equal_program() -> None:
    """A line is written by looking up values many times; another program has its own."""
    program = replace(GOOD)
    assert program.values is program.values and program.uses is program.uses
    assert (program.values["x"], dict(program.uses)) == (X, dict(GOOD.uses))
    other = replace(program, statements=program.statements[:1], results=(EXP.name,))
    assert set(program.values) - set(other.values) == {TOTAL.name, SOFTMAX.name}
    assert deepcopy(program) == program != other


def test_a_good_program_passes_and_is_returned() -> None:
    assert verify(GOOD) is GOOD


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_lowering_makes_passes(case: Case) -> None:
    program = case.program()
    assert verify(program) is program


def with_last(statement: Statement, *before: Statement) -> Program:
    return replace(GOOD, statements=(*before, statement), results=(statement.name,))


FAULTS = {
    "used before it is there": (replace(GOOD, statements=(TOTAL, EXP, SOFTMAX)), "s uses e before it is there"),
    "defined twice": (replace(GOOD, statements=(EXP, EXP, TOTAL, SOFTMAX)), "e is there twice"),
    "argument twice": (replace(GOOD, arguments=(X, X)), "x is there twice"),
    "never used": (replace(GOOD, results=("s",)), "y is never used"),
    "a result that is not there": (replace(GOOD, results=("y", "z")), "z is a result and not there"),
    "too few labels": (with_last(replace(EXP, operands=(Operand("x", (n,)),))), "e uses x with 1 labels"),
    "a label twice": (with_last(replace(EXP, operands=(Operand("x", (n, n)),))), "e uses x with a label twice"),
    "sizes that do not agree": (with_last(replace(EXP, operands=(Operand("x", (k, n)),))), "e uses x with k for n"),
    "labels that nothing gives": (
        with_last(replace(EXP, labels=(n,))),
        "e has labels that its operation does not give",
    ),
    "labels of the result twice": (
        with_last(Statement("a", Position(), (), (n, n), REAL)),
        "a has a label twice",
    ),
    "kept axes of another": (
        with_last(replace(TOTAL, kept=(None, None)), EXP),
        "s keeps axes that are not its own",
    ),
    "a sum over nothing": (
        with_last(replace(TOTAL, op=Reduce("sum", ()), labels=(n, k), kept=None), EXP),
        "s is no proper Reduce",
    ),
    "a sum over a stranger": (
        with_last(replace(TOTAL, op=Reduce("sum", (m,)), labels=(n, k), kept=None), EXP),
        "s is no proper Reduce",
    ),
    "a contraction of one": (
        with_last(Statement("c", Contract((k,)), (Operand("x", (n, k)),), (n,), REAL)),
        "c is no proper Contract",
    ),
    "two axes counted": (with_last(Statement("a", Position(), (), (n, k), REAL)), "a is no proper Position"),
    "a constant with axes": (
        with_last(Statement("a", Constant(Integer(1)), (), (n,), NUMBER)),
        "a has labels that its operation does not give",
    ),
    "signs for others": (
        with_last(replace(EXP, op=Map("add", (1, -1)))),
        "e is no proper Map",
    ),
    "a broadcast that repeats nothing": (
        with_last(Statement("c", Broadcast(), (Operand("x", (n, k)),), (n, k), REAL)),
        "c is no proper Broadcast",
    ),
    "a copy of two": (
        with_last(Statement("c", Copy(), (Operand("v", (n,)), Operand("v", (n,))), (n,), REAL)),
        "c is no proper Copy",
    ),
    "places without positions": (
        with_last(Statement("g", Gather((n, None)), (Operand("x", (m, k)),), (n,), REAL)),
        "g is no proper Gather",
    ),
    "a base of other axes": (
        with_last(Statement("g", Scatter((n, k), True, False), (Operand("v", (n,)), Operand("v", (n,))), (n, k), REAL)),
        "g is no proper Scatter",
    ),
    "a size that nothing tells": (
        with_last(Statement("a", Position(), (), (Index("t", size("T")),), REAL)),
        "a needs the size T, which no argument has",
    ),
    "another's memory": (
        with_last(replace(SOFTMAX, into="x"), EXP, TOTAL),
        "y takes another's memory",
    ),
    "the memory of a result": (
        replace(GOOD, statements=(EXP, TOTAL, replace(SOFTMAX, into="e")), results=("y", "e")),
        "y takes the memory of a result",
    ),
    "memory that was taken": (
        replace(
            GOOD,
            statements=(
                EXP,
                TOTAL,
                replace(SOFTMAX, into="e"),
                Statement("z", Map("exp"), (Operand("e", (n, k)),), (n, k), REAL),
            ),
            results=("y", "z"),
        ),
        "z uses e after its memory was taken",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str) -> None:
    program, problem = FAULTS[fault]
    with pytest.raises(InternalError) as caught:
        verify(program)
    assert str(caught.value) == f"in the program, {problem}"


def test_the_reference_is_the_real_argument_with_most_axes() -> None:
    labels = Argument("t", Tensor("t", (N, K, N), values=K), (n, k, m), "integer")
    assert Program((labels, V, X), (), ()).reference == X
    assert Program((labels,), (), ()).reference is None


def test_uses_count_statements_and_results() -> None:
    assert GOOD.uses == {"x": 1, "v": 0, "e": 2, "s": 1, "y": 1}


def test_sizes_are_read_from_real_arguments_first() -> None:
    labels = Argument("t", Tensor("t", (N,), values=K), (n,), "integer")
    assert Program((labels, X), (), ()).source_of(N) == (X, 0)
    assert Program((labels, X), (), ()).source_of(size("T")) is None


def test_axes_are_kept_where_every_use_broadcasts_them_back() -> None:
    kept = {s.tensor.name: s.kept for s in BY_NAME["softmax"].program().statements if s.tensor}
    assert kept["row_max"] is not None
    kept = {s.tensor.name: s.kept for s in BY_NAME["layer_norm_keeping"].program().statements if s.tensor}
    assert kept["mu"] is not None
    assert kept["var"] is None
