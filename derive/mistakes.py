"""The mistakes that people make when they differentiate by hand, each undone in a formula: once, or everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

import sympy
from sympy import Expr, S, Symbol

from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.printing import definition_text
from derive.slips import BESIDE, INDEX, NAME, SUM, Mistake, Setting, Slope, others, slips
from derive.sums import (
    Binder,
    IndexSum,
    all_indices,
    free_indices,
    nodes,
    rename_tensors,
    rewrite,
    substitute,
    tensors_in,
)

Rebuild = Callable[[Expr], Expr]


def mistakes(
    claimed: Expr, free: Iterable[Index], tensors: Iterable[Tensor], slopes: Iterable[Slope] = ()
) -> Iterator[Mistake]:
    """Yield the formulas that one mistake may have turned into the claimed one, the outermost places first.

    Args:
        free: the indices that the formula may depend on.
        tensors: what may stand in the place of another tensor of its shape.
        slopes: the derivatives of what is computed elementwise.

    Example:
        >>> x = Tensor("x")()
        >>> [mistake.words for mistake in mistakes(1 + x, (), ())][:2]
        ['the sign of the term 1 is wrong', 'the sign of the term x is wrong']
    """
    free, slopes, tensors = tuple(free), tuple(slopes), tuple(sorted(tensors, key=lambda each: (each.name, each.role)))
    sizes = tuple(sorted({index.size for index in (*free, *all_indices(claimed))} - {S.One}, key=str))
    yield from _stray_letters(claimed, free)
    for part, scope, rebuild in _places(claimed, frozenset(free)):
        for slip in slips(part, Setting(scope, sizes, tensors, slopes, part is claimed)):
            mended = _rebuilt(rebuild, slip.mended)
            if mended is not None and mended != claimed:
                yield Mistake(slip.kind, slip.words, mended)
    yield from _wrong_letters(claimed, free)
    yield from _wrong_everywhere(claimed, tensors)


# -- places -----------------------------------------------------------------------------------------------------------


def _places(expr: Expr, scope: frozenset[Index]) -> Iterator[tuple[Expr, frozenset[Index], Rebuild]]:
    """Every part of a formula with the indices known there, and what makes the whole from the part in its place."""
    waiting: list[tuple[Expr, frozenset[Index], Rebuild]] = [(expr, scope, lambda new: new)]
    for part, known, rebuild in waiting:
        yield part, known, rebuild
        if isinstance(part, (Element, Delta, Bracket)):
            continue
        inner = known | frozenset(part.bound) if isinstance(part, Binder) else known
        for place, argument in enumerate(part.args):
            if isinstance(argument, Expr) and not isinstance(argument, (Index, sympy.Number, Symbol)):
                waiting.append((argument, inner, _rebuilder(part, place, rebuild)))


def _rebuilder(part: Expr, place: int, rebuild: Rebuild) -> Rebuild:
    return lambda new: rebuild(part.func(*part.args[:place], new, *part.args[place + 1 :]))


def _rebuilt(rebuild: Rebuild, part: Expr) -> Expr | None:
    """The whole formula; None where it makes no sense, as with a 0 below a line."""
    try:
        whole = rebuild(part)
    except (ZeroDivisionError, TypeError, ValueError):
        return None
    return None if whole.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) else whole


# -- everywhere at once -----------------------------------------------------------------------------------------------


def _stray_letters(claimed: Expr, free: tuple[Index, ...]) -> Iterator[Mistake]:
    """Indices that nothing binds: the sum over them is missing, or another letter is meant."""
    stray = sorted(free_indices(claimed) - set(free), key=lambda index: index.name)
    for count in range(len(stray), 0, -1):
        for chosen in combinations(stray, count):
            total = IndexSum(claimed, *chosen)
            names = " and ".join(index.name for index in chosen)
            yield Mistake(SUM, f"the sum over {names} is missing: {definition_text(total)} is meant", total)
    for index in stray:
        for other in others(index, index.size, free):
            if claimed.has(Delta(index, other)):
                continue
            words = f"an index is wrong: {index.name} is written where {other.name} is meant"
            yield Mistake(INDEX, words, substitute(claimed, {index: other}))


def _wrong_letters(claimed: Expr, free: tuple[Index, ...]) -> Iterator[Mistake]:
    for first, second in combinations(free, 2):
        if first.size == second.size:
            turned = substitute(claimed, {first: second, second: first})
            if turned != claimed:
                yield Mistake(INDEX, f"the indices {first.name} and {second.name} are exchanged", turned)


def _wrong_everywhere(claimed: Expr, tensors: tuple[Tensor, ...]) -> Iterator[Mistake]:
    for old in sorted(tensors_in(claimed), key=lambda tensor: (tensor.name, tensor.role)):
        for new in tensors:
            if new != old and (new.sizes, new.values) == (old.sizes, old.values):
                letters = tuple(Index(f"i{axis}", size) for axis, size in enumerate(old.sizes))
                names = [definition_text(tensor(*letters)).partition("[")[0] for tensor in (old, new)]
                words = f"{names[0]} is written where {names[1]} is meant"
                yield Mistake(NAME, words, rename_tensors(claimed, {old: new}))
        for beside in tensors if old.values is None else ():
            axes = [[axis for axis, own in enumerate(old.sizes) if own == size] for size in beside.sizes]
            if beside.values is None and beside != old and all(len(fitting) == 1 for fitting in axes):
                yield from _beside_everywhere(claimed, old, beside, tuple(fitting[0] for fitting in axes))


def _beside_everywhere(claimed: Expr, old: Tensor, beside: Tensor, axes: tuple[int, ...]) -> Iterator[Mistake]:
    """Every element of one tensor without the factor that another's element at its indices is."""
    elements = sorted((element for element in nodes(claimed, Element) if element.tensor == old), key=str)
    example = elements[0]
    for exponent, what in ((1, "factor"), (-1, "division by")):

        def change(node: Expr, exponent: int = exponent) -> Expr | None:
            if not isinstance(node, Element) or node.tensor != old:
                return None
            return node * beside(*(node.indices[axis] for axis in axes)) ** exponent

        other = beside(*(example.indices[axis] for axis in axes))
        words = f"the {what} {definition_text(other)} is missing beside {definition_text(example)}"
        yield Mistake(BESIDE, words, rewrite(claimed, change))
