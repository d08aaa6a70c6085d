"""Which facts an equation needs: found from the equation itself, not from a list of usual ones.

The difference of the sides is factored: ``p[n,k]*(sum(t[n,j], j) - 1)/N`` vanishes where ``sum(t[n,k], k) = 1``, so
that is what the equation needs. Besides, the sums of every tensor over every set of its axes are tried with 1 and 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations

import sympy
from sympy import Expr, Integer, S

from derive.canonical import MARK, canonical, readable
from derive.definitions import Definition
from derive.differentiation import close
from derive.factoring import factors_of
from derive.facts import Fact
from derive.indices import Element, Index, Tensor
from derive.normal_form import Normaliser
from derive.polynomials import Polynomial, TooLargeError, divide, expression, order, single, split_content
from derive.printing import definition_text
from derive.sums import IndexSum, all_indices, free_indices, fresh_index, nodes, substitute, tensors_in
from derive.trials import FEW_PLACES as FEW_PLACES
from derive.trials import seems_zero
from derive.vanishing import clear_denominators, vanishes

#: The sums that are tried are these, simplest first.
TRIED = (Integer(1), Integer(0))
#: Tensors with more axes than this are not tried.
MOST_AXES = 4
#: A right side with more parts than this is no assumption that anybody makes.
MOST_PARTS = 12


def needed_facts(
    left: Expr, right: Expr, definitions: Iterable[Definition] = (), facts: Iterable[Fact] = ()
) -> tuple[Fact, ...]:
    """Return facts about inputs, each of which makes two sides equal together with the given ones; simplest first.

    None are returned where the sides are equal without, or where none was found.

    Example:
        >>> from derive.indices import size
        >>> N, K = size("N"), size("K"); n, j, k = Index("n", N), Index("j", K), Index("k", K)
        >>> p, t = Tensor("p", (N, K)), Tensor("t", (N, K))
        >>> [fact.text for fact in needed_facts(p[n, k] * IndexSum(t[n, j], j) - t[n, k], p[n, k] - t[n, k])]
        ['sum(t[n,k], k) = 1']
    """
    return _needed(left, right, tuple(definitions), tuple(facts))


@lru_cache(maxsize=64)
def _needed(left: Expr, right: Expr, definitions: tuple[Definition, ...], facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The needed facts; a claim is asked about by its proof and again by its diagnosis."""
    difference = close(left, definitions) - close(right, definitions)
    if follows(difference, facts):
        return ()
    names = Letters((*(definition.body for definition in definitions), sympy.Tuple(left, right)))
    inputs = _inputs(difference)
    said = frozenset().union(*(tensors_in(fact.left) for fact in facts))
    candidates = [*_from_factors(left - right, definitions, facts, inputs, names), *_sums_of(inputs - said, names)]
    found: dict[tuple[Expr, Expr], Fact] = {}
    for fact in candidates:
        key = canonical(fact.left), fact.right
        if key not in found and _suffices(difference, (*facts, fact)):
            found[key] = fact
    return tuple(sorted(found.values(), key=_simplicity))


def sums_to_one(expr: Expr, definitions: Iterable[Definition] = ()) -> tuple[Fact, ...]:
    """Return the facts that the sums of an input's elements in an expression are 1: what people tacitly assume.

    Example:
        >>> from derive.indices import size
        >>> K = size("K"); j, k = Index("j", K), Index("k", K); p, t = Tensor("p", (K,)), Tensor("t", (K,))
        >>> [fact.text for fact in sums_to_one(p[k] * IndexSum(t[j], j) - t[k])]
        ['sum(t[k], k) = 1']
    """
    definitions = tuple(definitions)
    names = Letters((*(definition.body for definition in definitions), expr))
    computed = {definition.tensor for definition in definitions}
    found: dict[Expr, Fact] = {}
    for total in sorted(nodes(expr, IndexSum), key=str):
        element = total.body
        plain = isinstance(element, Element) and all(isinstance(index, Index) for index in element.indices)
        if plain and element.tensor not in computed and not element.tensor.role:
            axes = [axis for axis, index in enumerate(element.indices) if index in total.bound]
            fact = names.sum_is(element.tensor, axes, S.One)
            found[fact.left] = fact
    return tuple(found.values())


class Letters:
    """The letters that facts are written with: those with which a tensor is met first, free ones if there are."""

    def __init__(self, sides: Iterable[sympy.Basic]) -> None:
        self.sides = tuple(sides)
        self.by_size: dict[Expr, tuple[str, ...]] = {}
        for side in self.sides:
            for index in sorted(all_indices(side), key=lambda each: each.name):
                known = self.by_size.get(index.size, ())
                if not index.name.startswith(MARK) and index.name not in known:
                    self.by_size[index.size] = (*known, index.name)

    def element(self, tensor: Tensor) -> Element:
        """The element of a tensor as it is written first."""
        for side in self.sides:
            free = free_indices(side)
            met = sorted(nodes(side, Element), key=lambda each: (-len(free & set(each.indices)), str(each)))
            for element in met:
                plain = all(isinstance(i, Index) and not i.name.startswith(MARK) for i in element.indices)
                if element.tensor == tensor and plain and len(set(element.indices)) == tensor.rank:
                    return element
        taken: list[Index] = []
        for extent in tensor.sizes:
            letter = self.by_size.get(extent, ("k" if extent.is_Integer else str(extent).lower(),))[0]
            taken.append(fresh_index(Index(letter, extent), taken))
        return tensor(*taken)

    def sum_is(self, tensor: Tensor, axes: Iterable[int], value: Expr) -> Fact:
        """The fact that the sum of a tensor over some of its axes is a number."""
        element = self.element(tensor)
        return stated(IndexSum(element, *(element.indices[axis] for axis in axes)), value)

    def fact(self, total: IndexSum, value: Expr) -> Fact:
        """The fact that a sum has a value, the free indices and the bound ones with letters met before."""
        if isinstance(total.body, Element) and all(isinstance(index, Index) for index in total.body.indices):
            own = self.element(total.body.tensor)
            renamed = dict(zip(total.body.indices, own.indices, strict=True))
            if len(renamed) == total.body.tensor.rank:
                return stated(IndexSum(own, *(renamed[index] for index in total.bound)), substitute(value, renamed))
        taken = frozenset(index.name for index in free_indices(total) | free_indices(value))
        return stated(readable(total, self.by_size, taken), readable(value, self.by_size, taken))


def stated(left: Expr, right: Expr) -> Fact:
    """The fact with its text."""
    return Fact(left, right, f"{definition_text(left)} = {definition_text(right)}")


def follows(difference: Expr, facts: tuple[Fact, ...]) -> bool:
    """Whether a difference without defined names vanishes under facts."""
    return vanishes(Normaliser(generators=True, facts=facts), difference)


def _suffices(difference: Expr, facts: tuple[Fact, ...]) -> bool:
    """Whether facts, which can hold together, make a difference vanish - in numbers and by the normal form."""
    return seems_zero(difference, facts) and follows(difference, facts)


def _inputs(difference: Expr) -> frozenset[Tensor]:
    """The tensors of real numbers that an assumption can be about; nobody assumes anything of a gradient."""
    return frozenset(t for t in tensors_in(difference) if t.values is None and not t.role)


def _sums_of(inputs: Iterable[Tensor], names: Letters) -> Iterator[Fact]:
    for tensor in sorted(inputs, key=lambda each: each.name):
        axes = range(tensor.rank) if tensor.rank <= MOST_AXES else ()
        for value in TRIED:
            for count in range(1, len(axes) + 1):
                for chosen in combinations(axes, count):
                    yield names.sum_is(tensor, chosen, value)


def _from_factors(
    difference: Expr,
    definitions: tuple[Definition, ...],
    facts: tuple[Fact, ...],
    inputs: frozenset[Tensor],
    names: Letters,
) -> Iterator[Fact]:
    """What makes a factor of the difference vanish; with the defined names, where it is shorter, and without."""
    for expr in dict.fromkeys((difference, close(difference, definitions))):
        normaliser = Normaliser(generators=True, facts=facts)
        try:
            poly = clear_denominators(normaliser, normaliser.polynomial(expr))
        except (TooLargeError, ZeroDivisionError):
            continue
        _, common, rest = split_content(poly, positive=False)
        for factor in (*(single(atom) for atom, _ in common), *(factor for factor, _ in factors_of(rest))):
            yield from _solved(factor, inputs, names)


def _solved(factor: Polynomial, inputs: frozenset[Tensor], names: Letters) -> Iterator[Fact]:
    """A factor ``c total**e + rest`` vanishes where ``total**e = -rest/c``; that a product sums to 0 nobody assumes."""
    for monomial in sorted(factor, key=order):
        for total, exponent in monomial:
            beside = expression({divide(monomial, {total: exponent}): factor[monomial]})
            rest = expression({other: c for other, c in factor.items() if other != monomial})
            value = -rest / beside
            if not isinstance(total, IndexSum) or tensors_in(beside):
                continue
            if exponent != 1:
                if not (value.is_Rational and value > 0):
                    continue
                value = value ** (1 / exponent)
            about_inputs = tensors_in(total) <= inputs and tensors_in(value) <= inputs
            independent = not tensors_in(value) & tensors_in(total) and free_indices(value) <= free_indices(total)
            is_short = len(list(_parts(value))) <= MOST_PARTS and (value != 0 or isinstance(total.body, Element))
            if about_inputs and independent and is_short:
                yield names.fact(total, value)


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    for part in expr.args:
        if isinstance(part, Expr) and not isinstance(part, Index):
            yield from _parts(part)


def _simplicity(fact: Fact) -> tuple[bool, int, str]:
    """Simplest first; that a sum is 0 is assumed less often than that it is 1."""
    return fact.right == 0, len(list(_parts(fact.left))) + len(list(_parts(fact.right))), fact.text
