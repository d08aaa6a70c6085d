"""Inverses, solutions and determinants as C computes them: of a matrix that is factored into L U once.

NumPy calls LAPACK for each of them, which factors the matrix each time. Here the factors are a value of the program,
which solutions read, forwards or for the matrix transposed, and determinants too. An inverse is the solution whose
right sides are the columns of the identity, as it is in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen.ops import Determinant, Identity, Invert, Map, Op, Operand, Reduce, Solve
from codegen.program import REAL, Program, Statement
from derive.indices import Index


@dataclass(frozen=True)
class Factors(Op):
    """L and U of the operand over its last two labels, in one array: L, whose diagonal is 1, lies below that of U.

    Rows of the operand were swapped for them; which were is kept in an array of whole numbers beside the factors.
    """


#: What is done by one call for a whole matrix.
SYSTEMS = (Factors, Solve, Determinant)


def is_transposed(statement: Statement) -> bool:
    """Whether a solution is that of the transpose of the matrix that its first operand holds the factors of."""
    assert isinstance(statement.op, Solve)
    return statement.operands[0].labels[-2:] == (*statement.op.unknown, *statement.op.over)


def is_solved(program: Program, factors: str) -> bool:
    """Whether a value is the factors of a matrix that must have an inverse."""
    return any(isinstance(each.op, Solve) and each.operands[0].name == factors for each in program.statements)


def may_fail(program: Program) -> bool:
    """Whether a program has matrices that must have an inverse."""
    return any(isinstance(each.op, Solve) for each in program.statements)


class Systems:
    """The matrices of a program, each factored once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...], int, int], str] = {}

    def taken_apart(self, statement: Statement) -> Iterator[Statement]:
        """Go through the statements in the place of one: the factors before the first that needs them."""
        op = statement.op
        if isinstance(op, Invert):
            yield from self._inverse(statement)
        elif isinstance(op, Solve):
            yield from self._solution(statement, op)
        elif isinstance(op, Determinant):
            yield from self._determinant(statement, op)
        else:
            yield statement

    def _inverse(self, statement: Statement) -> Iterator[Statement]:
        column, row = statement.labels[-2:]
        equation = Index(f"{row.name}'", row.size)
        identity = Statement(f"{statement.name}#", Identity(), (), (equation, row), REAL)
        made, factors = self._factors(statement.name, statement.operands[0], row, column)
        operands = factors.relabelled({row: equation}), Operand(identity.name, identity.labels)
        yield from (*made, identity)
        yield replace(statement, op=Solve((equation,), (column,)), operands=operands)

    def _solution(self, statement: Statement, op: Solve) -> Iterator[Statement]:
        matrix, right = statement.operands
        made, factors = self._factors(statement.name, matrix, *op.over, *op.unknown)
        yield from made
        yield replace(statement, operands=(factors, right))

    def _determinant(self, statement: Statement, op: Determinant) -> Iterator[Statement]:
        """The logarithm is the sum of those of U's diagonal, of which no product is taken that may overflow."""
        made, factors = self._factors(statement.name, statement.operands[0], *op.over)
        yield from made
        if op.function != "logdet":
            yield replace(statement, operands=(factors,))
            return
        *batch, row, _ = factors.labels
        labels = (*batch, row)
        size = Statement(f"{statement.name}|", Map("abs"), (Operand(factors.name, (*labels, row)),), labels, REAL)
        log = Statement(f"{statement.name}log", Map("log"), (Operand(size.name, labels),), labels, REAL)
        yield size
        yield log
        yield replace(statement, op=Reduce("sum", (row,)), operands=(Operand(log.name, labels),))

    def _factors(self, name: str, matrix: Operand, *over: Index) -> tuple[list[Statement], Operand]:
        """Return the statement that factors a matrix, if none does yet, and its use in the place of the matrix.

        The rows are what lies further out in memory, whichever of the two indices that is.
        """
        first, second = sorted(over, key=matrix.labels.index)
        batch = tuple(dict.fromkeys(label for label in matrix.labels if label not in over))
        pattern = tuple(matrix.labels.index(label) for label in matrix.labels)
        key = (matrix.name, pattern, matrix.labels.index(first), matrix.labels.index(second))
        labels = (*batch, first, second)
        if key in self._known:
            return [], Operand(self._known[key], labels)
        self._known[key] = f"{name}="
        return [Statement(f"{name}=", Factors(), (matrix,), labels, REAL)], Operand(f"{name}=", labels)
