"""Products under a sum, as lists of factors: what a delta does to them, and what falls apart into separate sums."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import sympy
from sympy import Add, Expr, Integer, Mul, Pow

from codegen.elementary import is_constant
from codegen.ops import Labels
from derive.affine import is_position, is_total, solutions, vanishes_outside
from derive.functions import Where
from derive.index_arithmetic import is_form
from derive.indicators import Delta
from derive.indices import Element, Index
from derive.sums import IndexArgmax, free_indices, has, substitute

#: A factor and whether it multiplies (1) or divides (-1).
Power = tuple[Expr, int]


#: By size, the largest position that something is known to stand at.
Positions = Mapping[Expr, int]


def is_there(place: Expr, size: Expr, known: Positions) -> bool:
    """Whether a literal position is one of an axis, by its size or by what is known."""
    last = size - 1 if size.is_Integer else known.get(size, -1)
    return bool(0 <= place <= last)


def split_product(expr: Expr) -> tuple[Expr, list[Power]]:
    """Return the constant of a product, and its other factors with whether they multiply or divide.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> split_product(3 / sympy.sqrt(x + 1))
        (3, [(sqrt(x + 1), -1)])
    """
    constant: Expr = Integer(1)
    powers: list[Power] = []
    for factor in Mul.make_args(expr):
        if is_constant(factor):
            constant *= factor
        elif isinstance(factor, Pow) and factor.args[1].is_number and factor.args[1].could_extract_minus_sign():
            powers.append((Pow(factor.args[0], -factor.args[1]), -1))
        else:
            powers.append((factor, 1))
    return constant, powers


def find_choice(powers: Sequence[Power]) -> Where | None:
    """Return a choice between 0 or 1 and something else that others are multiplied by, None if there is none.

    The others are better chosen themselves: ``where(c, 1, a) * b`` is ``where(c, b, a*b)``. What places numbers by
    deltas is not looked at.
    """
    if len(powers) < 2 or any(has(factor, Delta) for factor, _ in powers):
        return None
    for factor, power in powers:
        if isinstance(factor, Where) and power > 0 and {factor.chosen, factor.other} & {Integer(0), Integer(1)}:
            return factor
    return None


def is_index_expression(expr: Expr) -> bool:
    """Whether an expression is an integer that counts positions: an index, a label, arithmetic on these."""
    if isinstance(expr, Index | IndexArgmax) or expr.is_Integer or (isinstance(expr, sympy.Symbol)):
        return True
    if isinstance(expr, Element):
        return expr.tensor.values is not None
    return isinstance(expr, Add | Mul) and all(map(is_index_expression, expr.args))


def collapse_delta(powers: Sequence[Power], bound: Labels, known: Positions) -> tuple[Expr, list[Power], Labels] | None:
    """Return constant, factors and bound indices without a delta that has a bound index on one side, None if none has.

    ``sum(delta(k, i)*a[k], k) = a[i]``

    Args:
        known: positions that are there; where nothing tells that an axis has one, the sum over it may be 0.
    """
    for place, (factor, power) in enumerate(powers):
        if not isinstance(factor, Delta) or power < 0:
            continue
        for index, other in solutions(factor):
            if index in bound:
                if is_form(other) and not _may_stand_at(powers, index, other, bound):
                    continue
                if other.is_Integer and not is_there(other, index.size, known):
                    continue  # Nothing tells that the position is one of the axis.
                constant: Expr = Integer(1)
                rest: list[Power] = []
                for at, (each, sign) in enumerate(powers):
                    if at != place:
                        number, parts = split_product(substitute(each, {index: other}) ** sign)
                        constant *= number
                        rest += parts
                return constant, rest, tuple(each for each in bound if each != index)
    return None


def _may_stand_at(powers: Sequence[Power], index: Index, form: Expr, bound: Labels) -> bool:
    """Whether a form of free indices may stand in an index's place: what is there is 0 where it is no position."""
    if free_indices(form) & set(bound):
        return False  # Windows are added up in its place.
    moving = [Pow(factor, sign) for factor, sign in powers if index in free_indices(factor)]
    vanishes = any(vanishes_outside(factor, index) for factor in moving)
    return is_position(form, index.size) or (vanishes and all(is_total(factor, index) for factor in moving))


def delta_target(factor: Expr, bound: Labels) -> tuple[Index, Expr] | None:
    """Return a free index and the array of positions that it must equal, where the factor is such a delta."""
    if isinstance(factor, Delta):
        for index, other in ((factor.left, factor.right), (factor.right, factor.left)):
            is_free = isinstance(index, Index) and index not in bound and index not in free_indices(other)
            if is_free and not isinstance(other, Index) and not is_constant(other):
                return index, other
    return None


def find_scatter(powers: Sequence[Power], bound: Labels) -> dict[Expr, tuple[Index, Expr]]:
    """Return the deltas that pin a free index to an array of positions, with that index and those.

    What is pinned to single positions are rows of an array: see ``codegen.positions``.
    """
    found: dict[Expr, tuple[Index, Expr]] = {}
    for factor, power in powers:
        target = delta_target(factor, bound) if power > 0 else None
        if target is not None:
            pinned = {index for index, _ in found.values()} | {target[0]}
            running = set().union(*(free_indices(place) for _, place in (*found.values(), target)))
            if len(pinned) == len(found) + 1 and not running & pinned:
                found[factor] = target
    return found


def spread(term: Expr) -> list[Expr]:
    """Return a term as those that it is the sum of, where that saves work, else itself alone.

    It does if each of them stands at places of its own: ``s[d]*(delta(k, t[n])*a[d] - delta(k, u[n])*b[d])`` is
    written to two places. It does if a number goes into a factor with fewer indices: ``(m[n] + h[n,k]*s[n])/K``
    divides all of them, ``m[n]/K + h[n,k]*(s[n]/K)`` rows.
    """
    constant, powers = split_product(term)
    for factor, power in powers:
        if isinstance(factor, Add) and power > 0:
            at_places = all(find_scatter(split_product(part)[1], ()) for part in factor.args)
            alone = len(powers) == 1 and abs(constant) != 1
            if at_places or (alone and all(_has_less(part, free_indices(factor)) for part in factor.args)):
                return [term / factor * part for part in factor.args]
    return [term]


def _has_less(term: Expr, indices: Collection[Index]) -> bool:
    """Whether a factor of the term has fewer indices than these, so that a number costs little there."""
    return any(power > 0 and free_indices(factor) < set(indices) for factor, power in split_product(term)[1])


def find_sum_to_distribute(powers: Sequence[Power], bound: Labels) -> int | None:
    """Return the place of a sum that is better summed term by term, if there is one.

    It is where a delta in it collapses the outer sum, or where its terms together have more indices than any of them
    and than any other factor: the array of all of them would be larger than what it is made of.
    """
    for place, (factor, power) in enumerate(powers):
        if power < 0 or not isinstance(factor, Add) or not free_indices(factor) & set(bound):
            continue
        terms = [split_product(term)[1] for term in factor.args]
        if any(collapses(term, bound) or _has_form(term) for term in terms):
            return place
        indices = [free_indices(term) for term in factor.args]
        others = [free_indices(other) for at, (other, _) in enumerate(powers) if at != place]
        if not any(free_indices(factor) <= known for known in (*indices, *others)):
            return place
    return None


def collapses(powers: Iterable[Power], bound: Labels) -> bool:
    """Whether a term has a delta of two plain indices, one of them bound."""
    return any(
        power > 0
        and isinstance(factor, Delta)
        and all(isinstance(side, Index) for side in factor.args)
        and any(side in bound for side in factor.args)
        for factor, power in powers
    )


def _has_form(powers: Iterable[Power]) -> bool:
    """Whether a term has a delta that tells where windows are added up."""
    return any(isinstance(factor, Delta) and any(map(is_form, factor.args)) for factor, _ in powers)


def components(powers: Sequence[Power], bound: Labels) -> list[list[Power]]:
    """Return factors in groups that share no bound index: the sum of their product is the product of their sums."""
    groups: list[tuple[set[Index], list[Power]]] = []
    for power in powers:
        own = set(free_indices(power[0])) & set(bound)
        joined = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        groups.append((own.union(*(g[0] for g in joined)), [*(p for g in joined for p in g[1]), power]))
    return [group for _, group in groups]
