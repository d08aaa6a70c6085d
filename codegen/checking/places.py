"""The places of a syntax tree at which something may be changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

#: Functions of numbers that are not linear.
CURVED = frozenset("exp expm1 log log1p sqrt tanh sinh cosh sin cos erf sigmoid square power".split())


@dataclass(frozen=True)
class Slot:
    """A place in a tree: a field of a node, or an entry of a list in it.

    Attributes:
        is_inside: whether it stands in the argument of a function that is not linear.
    """

    parent: ast.AST
    field: str
    entry: int | None
    is_inside: bool = False

    @property
    def is_factor(self) -> bool:
        """Whether it is a factor of a product."""
        return isinstance(self.parent, ast.BinOp) and isinstance(self.parent.op, ast.Mult | ast.Div)

    def get(self) -> ast.AST:
        value = getattr(self.parent, self.field)
        found: ast.AST = value if self.entry is None else value[self.entry]
        return found

    def set(self, node: ast.AST) -> None:
        if self.entry is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.entry] = node


def slots(tree: ast.Module) -> Iterator[Slot]:
    """Yield the places of a function's body, the outer ones first."""
    waiting: list[tuple[ast.AST, bool]] = [(tree.body[0], False)]
    for node, inside in waiting:
        for field, value in ast.iter_fields(node):
            if node is tree.body[0] and field != "body":
                continue
            entries = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for entry, each in entries:
                if isinstance(each, ast.expr | ast.stmt):
                    yield Slot(node, field, entry, inside)
                if isinstance(each, ast.AST):
                    waiting.append((each, inside or _is_curved(node)))


def _is_curved(node: ast.AST) -> bool:
    """Whether it is a power, or a call of a function of numbers that is not linear."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Pow)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CURVED
