r"""Matrix functions, the few primitives that are no index expressions: elements of an inverse, and determinants.

A matrix is an expression in two bound indices, :math:`M = (e_{ij})_{ij}`; other indices of the expression tell one
matrix of a batch from the next. Solving is no primitive: :math:`M^{-1} b` is a sum over elements of the inverse, and
the generated code solves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Expr

from derive.errors import InputError
from derive.indices import Index, Node, one_object
from derive.sums import Binder, free_indices, substitute


class IndexArray(Binder):
    """The array of a body's values over one index; one of arrays is a matrix. It is no number itself.

    Raises:
        InputError: there is more than one index.
    """

    def __new__(cls, body: Any, *bound: Index) -> Expr:
        if len(bound) != 1:
            raise InputError(f"an array runs over one index, not {len(bound)}; nest them")
        return super().__new__(cls, body, *bound)

    def _sympystr(self, printer: Any) -> str:
        return f"array({self.body}, {self.bound[0]})"

    _sympyrepr = _sympystr


def matrix(body: Any, row: Index, column: Index) -> Expr:
    """Return the matrix whose entry at two indices is the body.

    Raises:
        InputError: it is not square.
    """
    if row.size != column.size:
        raise InputError(f"a matrix function needs a square matrix, not one of {row.size} rows, {column.size} columns")
    return IndexArray(IndexArray(body, column), row)


class MatrixFunction(Node):
    """What is computed of a whole matrix; the first argument is the matrix."""

    is_real = True

    @property
    def matrix(self) -> IndexArray:
        return self.args[0]

    def opened(self, taken: Iterable[Index] = ()) -> tuple[Expr, Index, Index]:
        """Return an entry of the matrix with its row and column, whose letters are none of ``taken``."""
        taken = {*taken, *free_indices(self)}
        rows, (row,) = self.matrix.opened(taken)
        entry, (column,) = rows.opened({*taken, row})
        return entry, row, column

    def entry(self, row: Expr, column: Expr) -> Expr:
        """Return the entry of the matrix at a row and a column.

        Example:
            >>> from derive.indices import Tensor, size
            >>> I = size("I"); i, j, k = (Index(letter, I) for letter in "ijk"); a = Tensor("a", (I, I))
            >>> Determinant(matrix(a[i, j], i, j)).entry(k, k)
            a[k,k]
        """
        rows = self.matrix
        inner = substitute(rows.body, {rows.bound[0]: row})
        result: Expr = substitute(inner.body, {inner.bound[0]: column})
        return result


class Inverse(MatrixFunction):
    r"""An element of an inverse, :math:`(M^{-1})_{kl}` with :math:`\sum_j M_{ij} (M^{-1})_{jk} = \delta_{ik}`.

    Example:
        >>> from derive.indices import Tensor, size
        >>> I = size("I"); i, j, k, l = (Index(letter, I) for letter in "ijkl"); a = Tensor("a", (I, I))
        >>> Inverse(matrix(a[i, j], i, j), k, l)
        inv(a[i,j], i, j)[k,l]
    """

    def __new__(cls, of: Expr, row: Any, column: Any) -> Expr:
        return one_object(cls, of, sympy.sympify(row), sympy.sympify(column))

    @property
    def row(self) -> Expr:
        return self.args[1]

    @property
    def column(self) -> Expr:
        return self.args[2]


class Determinant(MatrixFunction):
    r"""The determinant :math:`\det M`."""


class LogDeterminant(MatrixFunction):
    r"""The logarithm of the determinant's absolute value, :math:`\log\lvert\det M\rvert`."""
