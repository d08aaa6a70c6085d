"""A slow and independent evaluator: every index a Python loop, every tensor a NumPy array, nothing rewritten.

Generated code is held against it. It knows the meaning of each node and nothing of the code generator.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy import Expr

from derive.definitions import Definition
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.matrices import Inverse, LogDeterminant, MatrixFunction
from derive.sums import IndexArgmax, IndexMax, IndexSum

Places = Mapping[Index, int]

FUNCTIONS: dict[Any, Callable[..., float]] = {
    sympy.exp: math.exp,
    sympy.log: math.log,
    sympy.tanh: math.tanh,
    sympy.erf: math.erf,
    sympy.Abs: abs,
    sympy.sign: lambda x: float((x > 0) - (x < 0)),
    sympy.sin: math.sin,
    sympy.cos: math.cos,
    Maximum: max,
    Minimum: min,
}
RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def determinant(rows: Sequence[Sequence[float]]) -> float:
    """Return the sum over all permutations of the products of one number a row, with their signs."""
    terms = []
    for order in itertools.permutations(range(len(rows))):
        turned = sum(1 for i, j in itertools.combinations(order, 2) if i > j)
        terms.append((-1) ** turned * math.prod(row[at] for row, at in zip(rows, order, strict=True)))
    return math.fsum(terms)


class Reference:
    """Values of tensors and sizes; ``define`` adds a tensor from its definition, one number at a time."""

    def __init__(self, arrays: Mapping[Tensor, Any], sizes: Mapping[Expr, int] | None = None) -> None:
        self.arrays: dict[Tensor, Any] = {}
        self.sizes: dict[Expr, int] = dict(sizes or {})
        for tensor, array in arrays.items():
            self.arrays[tensor] = np.asarray(array)
            self.sizes.update(zip(tensor.sizes, self.arrays[tensor].shape, strict=True))

    def define(self, definition: Definition) -> np.ndarray:
        shape = [self.extent(index) for index in definition.indices]
        result = np.zeros(shape)
        for where in itertools.product(*map(range, shape)):
            result[where] = self.value(definition.body, dict(zip(definition.indices, where, strict=True)))
        self.arrays[definition.tensor] = result
        return result

    def extent(self, index: Index) -> int:
        return int(self.value(index.size, {}))

    def value(self, expr: Expr, places: Places) -> float:
        if isinstance(expr, Index):
            return places[expr]
        if isinstance(expr, Element):
            where = tuple(int(self.value(index, places)) for index in expr.indices)
            return self.arrays[expr.tensor][where].item()
        if isinstance(expr, IndexSum):
            return math.fsum(self._over(expr, places))
        if isinstance(expr, IndexMax):
            return max(self._over(expr, places))
        if isinstance(expr, IndexArgmax):
            values = self._over(expr, places)
            return values.index(max(values))
        if isinstance(expr, Delta):
            return float(self.value(expr.left, places) == self.value(expr.right, places))
        if isinstance(expr, Bracket):
            return float(RELATIONS[expr.relation](self.value(expr.left, places), self.value(expr.right, places)))
        if isinstance(expr, Where):
            return self.value(expr.chosen if self.value(expr.condition, places) else expr.other, places)
        if isinstance(expr, MatrixFunction):
            return self._of_matrix(expr, places)
        if expr in self.sizes:
            return self.sizes[expr]
        if isinstance(expr, sympy.Add):
            return math.fsum(self.value(term, places) for term in expr.args)
        if isinstance(expr, sympy.Mul):
            return math.prod(self.value(factor, places) for factor in expr.args)
        if isinstance(expr, sympy.Pow):
            return self.value(expr.args[0], places) ** self.value(expr.args[1], places)
        if expr.is_Integer:
            return int(expr)
        if expr.is_number and not expr.args:
            return float(expr)
        return FUNCTIONS[expr.func](*(self.value(argument, places) for argument in expr.args))

    def _of_matrix(self, expr: MatrixFunction, places: Places) -> float:
        """Inverses by Cramer's rule, and determinants by that of Leibniz."""
        rows = expr.matrix
        (row,), (column,), entry = rows.bound, rows.body.bound, rows.body.body
        extents = range(self.extent(row)), range(self.extent(column))
        numbers = [[self.value(entry, {**places, row: i, column: j}) for j in extents[1]] for i in extents[0]]
        whole = determinant(numbers)
        if isinstance(expr, Inverse):
            i, j = int(self.value(expr.row, places)), int(self.value(expr.column, places))
            rest = [[*line[:i], *line[i + 1 :]] for at, line in enumerate(numbers) if at != j]
            return (-1) ** (i + j) * determinant(rest) / whole
        return math.log(abs(whole)) if isinstance(expr, LogDeterminant) else whole

    def _over(self, expr: Any, places: Places) -> list[float]:
        ranges = [range(self.extent(index)) for index in expr.bound]
        return [
            self.value(expr.body, {**places, **dict(zip(expr.bound, where, strict=True))})
            for where in itertools.product(*ranges)
        ]


def evaluate(
    definitions: Sequence[Definition], arrays: Mapping[Tensor, Any], sizes: Mapping[Expr, int] | None = None
) -> dict[Tensor, np.ndarray]:
    """Return every defined tensor's values."""
    reference = Reference(arrays, sizes)
    return {definition.tensor: reference.define(definition) for definition in definitions}
