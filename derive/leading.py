"""Leading axes: one index stands for all of them, so a definition may do nothing that depends on how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy import Expr, Symbol

from derive.definitions import Definition
from derive.indices import Element, Index
from derive.operation import Operation
from derive.sums import Binder, IndexArgmax, free_indices, nodes

#: How the index over all leading axes is written.
ELLIPSIS = "..."


def find_misuse(definition: Definition, leading: Symbol) -> str | None:
    """Return what a definition does with the leading axes that can not be done with any number of them.

    Their index may stand first on tensors, and be bound; it may not be compared, counted, or stand behind another.
    """
    tensor = definition.tensor
    if leading in tensor.sizes[1:]:
        return f"the leading axes would stand behind another axis of {tensor.name}"
    return next(_misuses(definition.body, leading), None)


def _misuses(expr: Any, leading: Symbol) -> Iterator[str]:
    if isinstance(expr, Index):
        if expr.size == leading:
            yield "a position on the leading axes is no number when there are several"
        return
    parts = expr.args if isinstance(expr, sympy.Basic) else ()
    if isinstance(expr, Element):
        if expr.tensor.values == leading:
            yield f"{expr.tensor.name} would point into the leading axes"
        if leading in expr.tensor.sizes[1:]:
            yield f"the leading axes would stand behind another axis of {expr.tensor.name}"
        leads = expr.tensor.sizes[:1] == (leading,)
        if leads and not isinstance(expr.indices[0], Index):
            yield f"one position on the leading axes of {expr.tensor.name} is taken"
        parts = expr.indices[leads:]
    elif isinstance(expr, Binder):
        parts = (expr.body,)
        bound = {index for index in expr.bound if index.size == leading}
        if bound and isinstance(expr, IndexArgmax):
            yield "the position of a maximum over the leading axes is no number when there are several"
        if bound and len({index for index in free_indices(expr.body) if index.size == leading} | bound) > 1:
            yield "two different positions on the leading axes meet in one sum"
    for part in parts:
        yield from _misuses(part, leading)


def leading_of(operation: Operation, definitions: Iterable[Definition]) -> Symbol | None:
    """Return the size of an operation's leading axes, None where definitions depend on how many there are."""
    leading = operation.leading
    return leading if leading and not any(find_misuse(each, leading) for each in definitions) else None


def with_ellipsis(expr: Any, operation: Operation) -> Any:
    """Return an expression for printing, its indices over all leading axes called ``...``."""
    leading = operation.leading
    if leading is None or not isinstance(expr, sympy.Basic) or leading not in expr.free_symbols | _extents(expr):
        return expr
    return _renamed(expr, leading)


def _extents(expr: Expr) -> set[Expr]:
    return {index.size for index in nodes(expr, Index)}


def _renamed(expr: Any, leading: Symbol) -> Any:
    if isinstance(expr, Index):
        return expr.renamed(ELLIPSIS) if expr.size == leading else expr
    if isinstance(expr, Element):
        return Element(expr.tensor, *(_renamed(where, leading) for where in expr.indices))
    if not isinstance(expr, Expr) or not expr.args:
        return expr
    return expr.func(*(_renamed(part, leading) for part in expr.args))
