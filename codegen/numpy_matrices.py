"""How products of arrays and functions of matrices are written in NumPy: ``@``, ``np.tensordot``, ``np.linalg``."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from codegen.alignment import transpose_text
from codegen.contraction import matrix_product
from codegen.leading import keeps_leading, leads
from codegen.numpy_printer import PRODUCT, Text, numpy_text, postfix
from codegen.numpy_sums import SumTexts, index_letters
from codegen.ops import Contract, Determinant, Labels, Operand, Solve
from codegen.program import Statement


class MatrixTexts(SumTexts):
    """The part of a renderer that has to do with contractions and matrices."""

    def contract(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Contract)
        over, labels = statement.op.over, statement.labels
        if len(statement.operands) == 2:
            texts = []
            for pair in (statement.operands, statement.operands[::-1]):
                orders = matrix_product(pair[0].labels, pair[1].labels, over, labels)
                if orders is not None and self._keep_leading(pair, orders):
                    sides = (
                        postfix(self.operand(operand, operand.labels)) + transpose_text(operand.labels, order)
                        for operand, order in zip(pair, orders, strict=True)
                    )
                    texts.append(" @ ".join(sides))
            if texts:
                return Text(min(texts, key=len), PRODUCT)
        turned = self._tensordot(statement, over)
        if turned is not None:
            return turned
        letters = index_letters([label for operand in statement.operands for label in operand.labels])
        letters |= {label: "..." for label in letters if label.size == self.program.any_rank}
        inputs = ",".join("".join(letters[label] for label in operand.labels) for operand in statement.operands)
        pattern = f'"{inputs}->{"".join(letters[label] for label in labels)}"'
        shown = [numpy_text(self.operand(operand, operand.labels)) for operand in statement.operands]
        return Text(f"np.einsum({', '.join([pattern, *shown])}, optimize=True)")

    def _tensordot(self, statement: Statement, over: Labels) -> Expr | None:
        """Return a product of two arrays of which one has several axes that stay or are summed, None if it is none."""
        is_pair = len(statement.operands) == 2 and bool(statement.labels)
        for first, second in (statement.operands, statement.operands[::-1]) if is_pair else ():
            rest = tuple(label for operand in (first, second) for label in operand.labels if label not in over)
            summed = tuple(label for label in first.labels if label in over)
            is_shared = set(summed) == set(over) <= set(second.labels)
            if not is_shared or rest != statement.labels or leads(first.labels, self.program.any_rank):
                continue
            if leads(second.labels, self.program.any_rank):
                continue
            count, shown = len(summed), [numpy_text(self.operand(each, each.labels)) for each in (first, second)]
            if first.labels[-count:] == second.labels[:count]:
                return Text(f"np.tensordot({', '.join(shown)}, axes={count})")
            places = [[operand.labels.index(label) for label in summed] for operand in (first, second)]
            axes = f"({places[0][0]}, {places[1][0]})" if count == 1 else f"({places[0]}, {places[1]})"
            return Text(f"np.tensordot({', '.join(shown)}, axes={axes})")
        return None

    def _ordered(self, operand: Operand, order: Labels) -> str:
        """Return an operand with its axes in an order."""
        if transpose_text(operand.labels, order):
            return self._postfix(operand, order)
        return numpy_text(self.operand(operand, operand.labels))

    def _postfix(self, operand: Operand, order: Labels) -> str:
        """Return an operand with its axes in an order, in brackets unless something may follow it."""
        return postfix(self.operand(operand, operand.labels)) + transpose_text(operand.labels, order)

    def invert(self, statement: Statement) -> Expr:
        *batch, row, column = statement.labels
        return Text(f"np.linalg.inv({self._ordered(statement.operands[0], (*batch, column, row))})")

    def solve(self, statement: Statement) -> Expr:
        """NumPy takes a right side of one axis for a vector, any other for matrices."""
        assert isinstance(statement.op, Solve)
        matrix, right = statement.operands
        (equation,) = statement.op.over
        (unknown,) = statement.op.unknown
        batch = tuple(label for label in statement.labels if label in matrix.labels and label != unknown)
        shown = self._ordered(matrix, (*batch, equation, unknown))
        others = tuple(label for label in statement.labels if label not in matrix.labels)
        own = tuple(label for label in batch if label in right.labels)
        order = (*own, equation, *others)
        if batch and not others:
            column = f"{self._postfix(right, order)}{'[..., None]' if own else '[:, None]'}"
            return Text(f"np.linalg.solve({shown}, {column})[..., 0]")
        return Text(f"np.linalg.solve({shown}, {self._ordered(right, order)})")

    def determinant(self, statement: Statement) -> Expr:
        assert isinstance(statement.op, Determinant)
        shown = self._ordered(statement.operands[0], (*statement.labels, *statement.op.over))
        if statement.op.function == "logdet":
            return Text(f"np.linalg.slogdet({shown})[1]")
        return Text(f"np.linalg.det({shown})")

    def _keep_leading(self, pair: Sequence[Operand], orders: Sequence[Labels]) -> bool:
        """Whether no operand that has any number of axes is transposed in another way than its last two."""
        return all(
            keeps_leading(operand.labels, order)
            for operand, order in zip(pair, orders, strict=True)
            if leads(operand.labels, self.program.any_rank)
        )
