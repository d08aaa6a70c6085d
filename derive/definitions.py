"""Definitions: what stands for what, written in the place of its name, and which ones something rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr

from derive.affine import guarded
from derive.errors import InputError
from derive.functions import without_cotangents
from derive.indices import Element, Index, Tensor
from derive.sums import free_indices, rewrite, substitute, tensors_in


@dataclass(frozen=True)
class Definition:
    """``target = body``: an element with distinct free indices, and the expression it stands for.

    Example:
        >>> from derive.indices import size
        >>> N = size("N"); n, m = Index("n", N), Index("m", N); x, y = Tensor("x", (N,)), Tensor("y", (N,))
        >>> Definition(y[n], x[n] ** 2).at(m)
        x[m]**2
    """

    target: Element
    body: Expr

    @property
    def tensor(self) -> Tensor:
        return self.target.tensor

    @property
    def indices(self) -> tuple[Index, ...]:
        return self.target.indices

    def at(self, *where: Expr) -> Expr:
        """Return the body at other indices, capture-free; it is 0 where a form is no position of the axis."""
        places: dict[Index, Expr] = dict(zip(self.indices, where, strict=True))
        return guarded(self.body, places, substitute(self.body, places))


def inline(expr: Expr, definitions: tuple[Definition, ...]) -> Expr:
    """Replace elements of defined tensors by their definitions, the last definition first.

    Example:
        >>> x, y, z = Tensor("x"), Tensor("y"), Tensor("z")
        >>> inline(z(), (Definition(y(), x() ** 2), Definition(z(), 3 * y())))
        3*x**2
    """
    for definition in reversed(definitions):
        if definition.tensor in tensors_in(expr):
            expr = replace_elements(expr, definition)
    return expr


def replace_elements(expr: Expr, definition: Definition) -> Expr:
    """Replace every element of the definition's tensor by its body at the element's indices.

    Raises:
        InputError: the body has an index that neither stands on the left nor is bound.
    """

    def change(node: Expr) -> Expr | None:
        if isinstance(node, Element) and node.tensor == definition.tensor:
            return definition.at(*node.indices)
        return None

    stray = free_indices(definition.body) - set(definition.indices)
    if stray:
        names = ", ".join(sorted(index.name for index in stray))
        raise InputError(f"the definition of {definition.tensor.name} has undefined indices: {names}")
    return without_cotangents(rewrite(expr, change))


def needed_definitions(definitions: Iterable[Definition], tensors: Iterable[Tensor]) -> tuple[Definition, ...]:
    """Return the definitions that some tensors rest on, in their order.

    Example:
        >>> x, y, z = Tensor("x"), Tensor("y"), Tensor("z")
        >>> square, cube = Definition(y(), x() ** 2), Definition(z(), x() ** 3)
        >>> needed_definitions([square, cube], [z]) == (cube,)
        True
    """
    used, kept = set(tensors), []
    for definition in reversed(tuple(definitions)):
        if definition.tensor in used:
            used |= tensors_in(definition.body)
            kept.append(definition)
    return tuple(reversed(kept))
