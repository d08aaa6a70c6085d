r"""Identities of inverses and determinants, by which what is computed of a matrix is computed of simpler ones.

With square matrices, a number :math:`c` and diagonal matrices :math:`R` and :math:`S`: :math:`\det M^T = \det M`,
:math:`\det(c M) = c^I \det M`, :math:`\det(A B) = \det A \det B`, :math:`\det M^{-1} = 1/\det M`,
:math:`(M^T)^{-1} = (M^{-1})^T`, :math:`(R M S)^{-1} = S^{-1} M^{-1} R^{-1}`, :math:`(A B)^{-1} = B^{-1} A^{-1}`,
:math:`(M^{-1})^{-1} = M`. Both sides of each are defined for the same matrices, or the right one for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Expr, Mul

from derive.indicators import Delta
from derive.indices import Index
from derive.matrices import Determinant, Inverse, MatrixFunction, matrix
from derive.sums import IndexSum, all_indices, free_indices, fresh_index, substitute


def of_simpler_matrices(expr: Inverse | Determinant) -> Expr | None:
    """Return an equal expression made by one of the identities; None where none applies.

    Example:
        >>> from derive.indices import Tensor, size
        >>> I = size("I"); i, j = Index("i", I), Index("j", I); a = Tensor("a", (I, I))
        >>> of_simpler_matrices(Determinant(matrix(3 * a[i, j], i, j)))
        3**I*det(a[i,j], i, j)
        >>> of_simpler_matrices(Determinant(matrix(a[i, i] + a[j, j], i, j))) is None
        True
    """
    entry, row, column = expr.opened()
    factors = Mul.make_args(entry)
    if Delta(row, column) in factors:
        return _of_a_diagonal(expr, entry, row, column)
    outside = [factor for factor in factors if not free_indices(factor) & {row, column}]
    by_row = [factor for factor in factors if free_indices(factor) & {row, column} == {row}]
    by_column = [factor for factor in factors if free_indices(factor) & {row, column} == {column}]
    both = [factor for factor in factors if free_indices(factor) >= {row, column}]
    if both and (outside or (isinstance(expr, Inverse) and (by_row or by_column))):
        if isinstance(expr, Determinant):
            rest = Determinant(matrix(Mul(*by_row, *by_column, *both), row, column))
            return Mul(*outside) ** row.size * rest
        rest = Inverse(matrix(Mul(*both), row, column), expr.row, expr.column)
        scales = (substitute(Mul(*by_column), {column: expr.row}), substitute(Mul(*by_row), {row: expr.column}))
        return rest / Mul(*outside, *scales)
    if len(factors) == 1:
        found = _of_an_inverse(expr, entry, row, column) or _of_a_product(expr, entry, row, column)
        if found is not None:
            return found
    return None


def _of_a_diagonal(expr: Inverse | Determinant, entry: Expr, row: Index, column: Index) -> Expr | None:
    """The same of a diagonal matrix; for a product of entries that are not alike there is no expression."""
    value = substitute(entry / Delta(row, column), {column: row})
    if isinstance(expr, Inverse):
        return Delta(expr.row, expr.column) / substitute(value, {row: expr.row})
    return None if row in free_indices(value) else value**row.size


def transposed(expr: Inverse | Determinant) -> Expr:
    """Return the same of the transposed matrix.

    Example:
        >>> from derive.indices import Tensor, size
        >>> I = size("I"); i, j = Index("i", I), Index("j", I); a = Tensor("a", (I, I))
        >>> transposed(Inverse(matrix(a[i, j], i, j), 0, 1))
        inv(a[i,j], j, i)[1,0]
    """
    entry, row, column = expr.opened()
    other = matrix(entry, column, row)
    return Inverse(other, expr.column, expr.row) if isinstance(expr, Inverse) else Determinant(other)


def _of_an_inverse(expr: MatrixFunction, entry: Expr, row: Index, column: Index) -> Expr | None:
    if not isinstance(entry, Inverse) or free_indices(entry.matrix) & {row, column}:
        return None
    if (entry.row, entry.column) not in ((row, column), (column, row)):
        return None
    if isinstance(expr, Inverse):
        places = (expr.row, expr.column) if entry.row == row else (expr.column, expr.row)
        return entry.entry(*places)
    return 1 / Determinant(entry.matrix)


def _of_a_product(expr: MatrixFunction, entry: Expr, row: Index, column: Index) -> Expr | None:
    """The product of two square matrices, summed over an index without which row and column have nothing in common."""
    if not isinstance(entry, IndexSum):
        return None
    body, bound = entry.opened((row, column, *free_indices(expr)))
    for middle in bound:
        others = [index for index in bound if index != middle]
        left = _linked(Mul.make_args(body), row, {row, column, *others})
        right = [factor for factor in Mul.make_args(body) if factor not in left]
        if middle.size != row.size or any(column in free_indices(factor) for factor in left) or not left:
            continue
        first = matrix(_summed(left, others), row, middle)
        second = matrix(_summed(right, others), middle, column)
        if isinstance(expr, Determinant):
            return Determinant(first) * Determinant(second)
        between = fresh_index(middle, {index.name for index in (*all_indices(expr), *all_indices(entry))})
        return IndexSum(Inverse(second, expr.row, between) * Inverse(first, between, expr.column), between)
    return None


def _linked(factors: Sequence[Expr], start: Index, among: Iterable[Index]) -> list[Expr]:
    """The factors that are linked to an index by indices, of those ``among`` which links count."""
    counting, reached = frozenset(among), {start}
    found: list[Expr] = []
    while True:
        more = [each for each in factors if each not in found and free_indices(each) & reached]
        if not more:
            return found
        found += more
        reached |= frozenset().union(*(free_indices(each) & counting for each in more))


def _summed(factors: Sequence[Expr], bound: Sequence[Index]) -> Expr:
    product = Mul(*factors)
    mine = [index for index in bound if index in free_indices(product)]
    return IndexSum(product, *mine) if mine else product
