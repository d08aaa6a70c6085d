"""How sums of products are written in NumPy where no array of the products is needed.

``(a * b).sum(axis=-1)`` writes an array of all products and reads it again; ``np.vecdot(a, b)`` does neither, nor does
``np.vdot(a, b)`` where all of them are summed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import sympy
from sympy import Expr, Pow

from codegen.leading import leads
from codegen.numpy_maps import build_map
from codegen.numpy_printer import Text, numpy_text
from codegen.numpy_windows import WindowTexts
from codegen.ops import Labels, Map, Operand, Reduce
from codegen.program import NUMBER, REAL, Statement
from derive.indices import Index


class SumTexts(WindowTexts):
    """The part of a renderer that has to do with sums of products.

    Attributes:
        inline: the statements that are written within those that use them.
    """

    inline: frozenset[str]

    def summed_products(self, statement: Statement, op: Reduce) -> Expr | None:
        """Return a sum or mean of products without an array of them, None where it is of something else."""
        (source,) = statement.operands
        sides = self._sides(source) if op.function in ("sum", "mean") else None
        total = self._summed(statement, op, source.labels, *sides) if sides is not None else None
        if total is None or op.function == "sum":
            return total
        terms = prod((label.size for label in op.over), start=sympy.Integer(1))
        if not self.program.tells(terms) and not all(map(self.program.tells, terms.free_symbols)):
            return None
        count = self.size(terms)
        below = Pow(count, -1, evaluate=False) if count.is_Atom else Pow(Text(f"({numpy_text(count)})"), -1)
        return sympy.Mul(total, below, evaluate=False)

    def _summed(self, statement: Statement, op: Reduce, labels: Labels, first: Expr, second: Expr) -> Expr | None:
        sides = f"{numpy_text(first)}, {numpy_text(second)}"
        if op.over == labels[-1:]:
            return Text(f"np.vecdot({sides}{', keepdims=True' if statement.kept is not None else ''})")
        if statement.kept is not None or (leads(labels, self.program.any_rank) and statement.labels):
            return None
        if not statement.labels:
            return Text(f"np.vdot({sides})")
        letters = index_letters(labels)
        inputs, result = ("".join(letters[label] for label in each) for each in (labels, statement.labels))
        return Text(f'np.einsum("{inputs},{inputs}->{result}", {sides})')

    def _sides(self, source: Operand) -> tuple[Expr, Expr] | None:
        """Return two arrays whose products are summed, both with all axes."""
        product = self.values[source.name]
        if not isinstance(product, Statement) or source.name not in self.inline or product.kept is not None:
            return None
        if not isinstance(product.op, Map) or product.op.function not in ("mul", "square"):
            return None
        names = dict(zip(product.labels, source.labels, strict=True))
        factors = [operand.relabelled(names) for operand in product.operands]
        if not all(self.values[factor.name].kind in (REAL, NUMBER) for factor in factors):
            return None
        whole = [factor for factor in factors if self._is_whole(factor, source.labels)]
        shown = {factor: self.operand(factor, source.labels) for factor in factors}
        if product.op.function == "square":
            is_name = bool(whole) and isinstance(shown[whole[0]], Text) and whole[0].name not in self.inline
            return (shown[whole[0]], shown[whole[0]]) if is_name else None
        if len(whole) < 2:
            return None
        others = list(factors)
        others.remove(whole[-1])
        return _product([shown[factor] for factor in others]), shown[whole[-1]]

    def _is_whole(self, factor: Operand, labels: Labels) -> bool:
        return self.axes(factor) == labels and self.values[factor.name].kind == REAL


def _product(factors: Sequence[Expr]) -> Expr:
    return factors[0] if len(factors) == 1 else build_map(Map("mul"), factors)


def index_letters(labels: Iterable[Index]) -> dict[Index, str]:
    """Return one letter for each index, its own where it can be.

    Example:
        >>> from derive.indices import size
        >>> i, i2 = Index("i", size("I")), Index("i2", size("I"))
        >>> list(index_letters([i, i2]).values())
        ['i', 'a']
    """
    letters: dict[Index, str] = {}
    labels = list(dict.fromkeys(labels))
    spare = [chr(code) for code in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1))]
    for label in labels:
        own = label.name if len(label.name) == 1 and label.name.isascii() and label.name.isalpha() else ""
        if own and own not in letters.values():
            letters[label] = own
    for label in labels:
        if label not in letters:
            letters[label] = next(letter for letter in spare if letter not in letters.values())
    return letters
