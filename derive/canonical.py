"""One name for every bound index, so that expressions equal up to renaming are the same SymPy object.

The names of a binder's indices are chosen by trying every order that their surroundings do not already settle, naming
the inner binders anew under each: inner-first naming alone calls some equal expressions unequal. Surroundings are
refined as in the search for a graph's canonical form: what is told apart tells apart what it stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count, islice
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Rational

from derive.budget import tick
from derive.index_arithmetic import is_form
from derive.indicators import Bracket, Delta
from derive.indices import Index, Tensor
from derive.sums import Binder, free_indices, fresh_index, mapped, parameters_in, substitute

#: Canonical names begin with this; no typed index can.
MARK = "_"
#: Numbers of more bits are written with base 16, which takes no time.
DECIMAL_BITS = 10_000


@lru_cache(maxsize=200_000)
def structure_key(expr: sympy.Basic) -> str:
    """Return a text that two expressions share exactly when they are the same object; it orders them."""
    if isinstance(expr, Index):
        return f"{expr.name}:{structure_key(expr.size)}"
    if not expr.args:
        if isinstance(expr, Rational) and max(expr.p.bit_length(), expr.q.bit_length()) > DECIMAL_BITS:
            return f"{expr.p:x}/{expr.q:x}"
        return str(expr) if not hasattr(expr, "name") else str(expr.name)
    tick()
    parts = [structure_key(argument) for argument in expr.args]
    if isinstance(expr, (Add, Mul)):
        parts.sort()
    return f"{type(expr).__name__}({','.join(parts)})"


@lru_cache(maxsize=200_000)
def _height(expr: sympy.Basic) -> int:
    inner = max((_height(argument) for argument in expr.args), default=0)
    return inner + 1 if isinstance(expr, Binder) else inner


@lru_cache(maxsize=50_000)
def canonical(expr: Any) -> Any:
    """Return the expression with canonical names for its bound indices.

    Example:
        >>> from derive.indices import size
        >>> from derive.sums import IndexSum
        >>> K = size("K"); j, k = Index("j", K), Index("k", K); w = Tensor("w", (K, K))
        >>> canonical(IndexSum(w[j, k], j, k)) == canonical(IndexSum(w[k, j], j, k))
        True
    """
    if not isinstance(expr, sympy.Basic) or not expr.args or not _height(expr):
        return expr
    if not isinstance(expr, Binder):
        return mapped(expr, canonical)
    candidates: list[Expr] = []
    names = _names(expr)
    for order in _orders(expr):
        tick()
        renamed = {index: index.renamed(name) for index, name in zip(order, names, strict=True)}
        body = canonical(substitute(expr.body, renamed))
        candidates.append(type(expr)(body, *renamed.values()))
    return min(candidates, key=structure_key) if len(candidates) > 1 else candidates[0]


def _names(binder: Binder) -> list[str]:
    """Names for the bound indices, none of them that of a free index."""
    free = {index.name for index in free_indices(binder)}
    candidates = (f"{MARK}{_height(binder)}_{place}" for place in count())
    return list(islice((name for name in candidates if name not in free), len(binder.bound)))


def _orders(binder: Binder) -> list[tuple[Index, ...]]:
    """The orders of the bound indices that the invariants of their surroundings leave open."""
    if len(binder.bound) == 1:
        return [binder.bound]
    return list(_settled(binder, dict.fromkeys(binder.bound, 0)))


def _settled(binder: Binder, colours: dict[Index, int]) -> Iterator[tuple[Index, ...]]:
    """Refine the colours; while two indices share one, try each of them as the first of its colour."""
    tick()
    colours = _refined(binder, colours)
    shared = [colour for colour in sorted(set(colours.values())) if list(colours.values()).count(colour) > 1]
    if not shared:
        yield tuple(sorted(colours, key=colours.__getitem__))
        return
    tried: list[Index] = []
    for index in (index for index in binder.bound if colours[index] == shared[0]):
        if not any(_interchangeable(binder, index, other) for other in tried):
            tried.append(index)
            yield from _settled(binder, {each: 2 * colour - (each == index) for each, colour in colours.items()})


def _refined(binder: Binder, colours: dict[Index, int]) -> dict[Index, int]:
    """Tell indices apart by where they stand among the colours of the others, until no more are told apart."""
    while True:
        texts = {index: (colours[index], _surroundings(binder, index, colours)) for index in binder.bound}
        places = {text: place for place, text in enumerate(sorted(set(texts.values())))}
        refined = {index: places[text] for index, text in texts.items()}
        if len(places) == len(set(colours.values())):
            return refined
        colours = refined


def _interchangeable(binder: Binder, first: Index, second: Index) -> bool:
    """Whether exchanging two bound indices changes nothing, so that trying both would be trying one twice."""
    return bool(first.size == second.size and substitute(binder.body, {first: second, second: first}) == binder.body)


def _surroundings(binder: Binder, index: Index, colours: dict[Index, int]) -> str:
    """A text about where ``index`` stands that does not depend on any bound index's name."""
    marks = {other: "this" if other == index else f"other{colours[other]}" for other in binder.bound}
    return structure_key(index.size) + _outline(binder.body, marks)


def _outline(expr: sympy.Basic, marks: dict[Index, str]) -> str:
    """The structure with marks for the bound indices; arguments whose order a name could decide are sorted."""
    if isinstance(expr, Index):
        return marks.get(expr, expr.name) + structure_key(expr.size)
    if not expr.args:
        return structure_key(expr)
    if isinstance(expr, Binder):
        inner = marks | {index: "inner" for index in expr.bound}
        bound = sorted(structure_key(index.size) for index in expr.bound)
        return f"{type(expr).__name__}({_outline(expr.body, inner)},{','.join(bound)})"
    if isinstance(expr, Delta) and any(map(is_form, expr.args)):  # Which side a form stands on, a name decides.
        difference = expr.left - expr.right
        return f"Delta({min(_outline(difference, marks), _outline(-difference, marks))})"
    parts = [_outline(argument, marks) for argument in expr.args]
    if isinstance(expr, (Add, Mul, Delta, Bracket)):
        parts.sort()
    return f"{type(expr).__name__}({','.join(parts)})"


def readable(expr: Expr, letters: dict[Expr, tuple[str, ...]], taken: frozenset[str] = frozenset()) -> Expr:
    """Give bound indices the letters a reader expects: the first of their size's letters that is not in use.

    Args:
        letters: by size, the letters met in the definition.
        taken: names that mean something else here.
    """
    if not isinstance(expr, sympy.Basic) or not expr.args or not _height(expr):
        return expr
    if isinstance(expr, Binder):
        used = {*taken, *parameters_in(expr), *(index.name for index in free_indices(expr))}
        renamed: dict[Expr, Expr] = {}
        bound: list[Index] = []
        for index in expr.bound:
            name = next((letter for letter in letters.get(index.size, ()) if letter not in used), None)
            if name is None:
                usual = "k" if index.size.is_Integer else str(index.size).lower()
                first = next(iter(letters.get(index.size, ())), usual)
                name = fresh_index(index.renamed(first), used).name
            used.add(name)
            renamed[index] = index.renamed(name)
            bound.append(index.renamed(name))
        body = expr.body
        if bound != list(expr.bound):
            marked = {old: Index(f"{MARK}r{place}", old.size) for place, old in enumerate(renamed)}
            body = substitute(substitute(body, marked), {marked[old]: new for old, new in renamed.items()})
        return type(expr)(readable(body, letters, frozenset(used)), *bound)
    if isinstance(expr, (Index, Tensor)):
        return expr
    return mapped(expr, lambda argument: readable(argument, letters, taken))
