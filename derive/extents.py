r"""Sizes that no axis of an input has: how far an index on the left runs that stands in an affine form alone.

In ``y[t] = sum(x[s*t + d*r - p]*w[r], r)`` the index t takes all values from 0 at which, for every r, the form stays
within the axis of x as it is padded: as far as the form reaches below 0 at t = 0, it may reach beyond the end. So
t runs over :math:`\lfloor (M + 2p - d(R - 1) - 1) / s \rfloor + 1` positions. Derivations and proofs know nothing of
that: they hold whatever the size is. What is neither told by an axis nor derived is given: strides, dilations,
paddings and windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sympy import Expr, Integer, Symbol

from derive.affine import bounds, is_never_negative
from derive.index_arithmetic import is_form, join_form, split_form
from derive.indices import Element, Index, Tensor
from derive.sums import all_indices, nodes

#: A definition's target and body.
Equation = tuple[Element, Expr]


class Extent(NamedTuple):
    """``size = span // step + 1``: the size of an index on the left, told by the form that it stands in."""

    size: Symbol
    span: Expr
    step: Expr


def derived_extents(inputs: Iterable[Tensor], equations: Sequence[Equation]) -> tuple[Extent, ...]:
    """Return how the sizes follow that no axis of an input has, in the order of the equations.

    Example:
        >>> from derive.indices import parameter, size
        >>> M, t, s = size("M"), Index("t", size("T")), parameter("s")
        >>> x, y = Tensor("x", (M,)), Tensor("y", (size("T"),))
        >>> derived_extents([x], [(y[t], x[s * t])])
        (Extent(size=T, span=M - 1, step=s),)
    """
    told = set().union(*(_symbols_of(tensor) for tensor in inputs))
    found: list[Extent] = []
    for target, body in equations:
        for index in target.indices:
            if not isinstance(index, Index) or not isinstance(index.size, Symbol) or index.size in told:
                continue
            told.add(index.size)
            extent = _extent(index, body, told - {index.size})
            if extent is not None:
                found.append(extent)
    return tuple(found)


def _symbols_of(tensor: Tensor) -> set[Symbol]:
    return {size for size in (*tensor.sizes, tensor.values) if isinstance(size, Symbol)}


def _extent(index: Index, body: Expr, told: set[Symbol]) -> Extent | None:
    """The size of an index by the forms that it stands in; None where they do not tell it, or say different things."""
    found: list[Extent] = []
    for form, size in sorted(set(_forms_of(index, body)), key=str):
        if size.free_symbols <= told:
            extent = _by_form(index, form, size)
            if extent is None:
                return None
            found.append(extent)
    if len({extent.step for extent in found}) != 1:
        return None
    least = found[0]
    for extent in found[1:]:
        if is_never_negative(least.span - extent.span):
            least = extent
        elif not is_never_negative(extent.span - least.span):
            return None
    return least


def _forms_of(index: Index, body: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The forms with an index, each with the size of the axis on which it stands.

    An index that is in a form's position of a maximum alone moves what is looked for, and not the form.
    """
    for element in nodes(body, Element):
        for where, size in zip(element.indices, element.tensor.sizes, strict=True):
            if is_form(where) and index in nodes(where, Index):
                parts = split_form(where)
                if parts is None or index in parts[0]:
                    yield where, size


def _by_form(index: Index, form: Expr, size: Expr) -> Extent | None:
    parts = split_form(form)
    if parts is None:
        return None
    coefficients, constant = parts
    step = coefficients.pop(index, None)
    reach = bounds(join_form(coefficients, constant))
    if step is None or reach is None or not is_never_negative(step):
        return None
    low, high = reach
    if is_never_negative(-low):
        padding = -low
    elif is_never_negative(low):
        padding = Integer(0)
    else:
        return None
    return Extent(index.size, size - 1 + padding - high, step)


def free_parameters(
    inputs: Iterable[Tensor], equations: Sequence[Equation], text: str = "", first: Iterable[str] = ()
) -> tuple[Symbol, ...]:
    """Return the whole numbers that must be given: those of index arithmetic, and sizes that no tensor has.

    Args:
        text: in the order of which they stand.
        first: the names of those that come before the others.
    """
    tensors = (*inputs, *(target.tensor for target, _ in equations))
    told = set().union(*(_symbols_of(tensor) for tensor in tensors))
    mentioned: set[Symbol] = set()
    for _, body in equations:
        mentioned |= {symbol for symbol in body.free_symbols if isinstance(symbol, Symbol)}
        mentioned |= {symbol for index in all_indices(body) for symbol in index.size.free_symbols}
    names = list(first)

    def key(symbol: Symbol) -> tuple[int, int, str]:
        order = names.index(symbol.name) if symbol.name in names else len(names)
        return order, _place(symbol.name, text), symbol.name

    return tuple(sorted(mentioned - told, key=key))


def _place(name: str, text: str) -> int:
    """Where a name stands first in a text; a window's size stands where its letter does."""
    found = re.search(rf"\b({re.escape(name)}|{re.escape(name.lower())})\b", text)
    return found.start() if found else len(text)


def multipliers(exprs: Iterable[Expr]) -> set[Symbol]:
    """Return the whole numbers that multiply an index, or a size, in a form: strides and dilations, which are not 0.

    Example:
        >>> from derive.indices import parameter, size
        >>> t, s, p = Index("t", size("T")), parameter("s"), parameter("p")
        >>> multipliers([Tensor("x", (size("M"),))[s * t - p]])
        {s}
    """
    found: set[Symbol] = set()
    for expr in exprs:
        for element in nodes(expr, Element):
            for where in element.indices:
                parts = split_form(where) if is_form(where) else None
                for coefficient in parts[0].values() if parts else ():
                    found |= coefficient.free_symbols
    return found


def least_sizes(exprs: Iterable[Expr]) -> dict[Expr, int]:
    """How large a size must be for the numbers that stand in indices to be positions.

    Example:
        >>> from derive.indices import size
        >>> x = Tensor("x", (size("N"), size("K")))
        >>> least_sizes([x[Index("n", size("N")), 3] + x[0, 1]]) == {size("K"): 4, size("N"): 1}
        True
    """
    least: dict[Expr, int] = {}
    for element in (each for expr in exprs for each in nodes(expr, Element)):
        for where, size in zip(element.indices, element.tensor.sizes, strict=True):
            if where.is_Integer and not size.is_Integer:
                least[size] = max(least.get(size, 1), int(where) + 1)
    return least
