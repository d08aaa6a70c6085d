"""Is an equation true for all sizes and values? Proved by the normal form, or refuted with numbers.

Both sides are brought to the prover's normal form; if the difference vanishes they are equal wherever both are defined.
Otherwise values are looked for at which the sides differ. Neither found is "undecided". Before "proved" is said, both
sides are evaluated at random values; a disagreement there is a defect of the engine and an error, never a verdict.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from sympy import Expr, Symbol

from derive.errors import DeriveError
from derive.evaluation import Assignment, UndefinedError, context, impose, sample
from derive.facts import Fact
from derive.indices import Index, Tensor
from derive.normal_form import Normaliser, TooLargeError, clear_denominators
from derive.record import Definition, inline
from derive.sums import free_indices, tensors_in

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
#: Sizes tried for a counterexample, and how many random values at each.
TRIED_SIZES = (2, 1, 3)
TRIES = 4
#: Two numbers computed with 60 digits that differ by less than this are the same.
TOLERANCE = context.mpf(10) ** -25


class UnsoundError(DeriveError):
    """The normal form says equal and numbers say different: a defect of the engine."""


@dataclass(frozen=True)
class Counterexample:
    """Numbers at which two sides differ.

    Attributes:
        sizes, values: what was put in, as text.
        place: the free indices' positions.
        left, right: what came out.
    """

    sizes: dict[str, int]
    values: dict[str, str]
    place: dict[str, int]
    left: str
    right: str

    def text(self) -> str:
        """Say it in lines."""
        where = "".join(f", {name} = {number}" for name, number in self.place.items())
        lines = ["at " + ", ".join(f"{name} = {number}" for name, number in self.sizes.items()) + where]
        lines += [f"  {name} = {numbers}" for name, numbers in self.values.items()]
        return "\n".join([*lines, f"  left side  = {self.left}", f"  right side = {self.right}"])


@dataclass(frozen=True)
class Proof:
    """A verdict on ``left = right``.

    Attributes:
        verdict: ``"proved"``, ``"refuted"`` or ``"undecided"``.
        assumptions: the given facts that the proof used, as texts.
        counterexample: the numbers of a refutation.
    """

    left: Expr
    right: Expr
    verdict: str
    assumptions: tuple[str, ...] = ()
    counterexample: Counterexample | None = None


def prove_equal(
    left: Expr,
    right: Expr,
    definitions: tuple[Definition, ...] = (),
    facts: Iterable[Fact] = (),
    seed: int = 0,
) -> Proof:
    """Decide whether two expressions are equal for all sizes, free indices and values that satisfy the facts.

    Raises:
        UnsoundError: the engine contradicts itself.

    Example:
        >>> from derive.indices import Tensor
        >>> from sympy import exp
        >>> x = Tensor("x")()
        >>> prove_equal(1 / (1 + exp(-x)), 1 - 1 / (1 + exp(x))).verdict
        'proved'
    """
    facts = tuple(facts)
    full_left, full_right = inline(left, definitions), inline(right, definitions)
    used: tuple[Fact, ...] = ()
    proved = _difference_vanishes(full_left - full_right, ())
    if not proved and facts:
        normaliser = Normaliser(generators=True, facts=facts)
        proved = _difference_vanishes(full_left - full_right, facts, normaliser)
        used = tuple(normaliser.used_facts) if proved else ()
    counterexample = find_counterexample(full_left, full_right, facts, random.Random(seed))
    if proved and counterexample is not None:
        raise UnsoundError(f"the normal forms agree and the numbers do not:\n{counterexample.text()}")
    if proved:
        return Proof(left, right, PROVED, tuple(fact.text for fact in used))
    return Proof(left, right, UNDECIDED if counterexample is None else REFUTED, (), counterexample)


def is_zero(expr: Expr) -> bool:
    """Whether the normal form of an expression vanishes.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> is_zero((x + 1) ** 2 - x**2 - 2 * x - 1), is_zero(x - 1)
        (True, False)
    """
    return _difference_vanishes(expr, ())


def _difference_vanishes(expr: Expr, facts: tuple[Fact, ...], normaliser: Normaliser | None = None) -> bool:
    normaliser = normaliser or Normaliser(generators=True, facts=facts)
    try:
        return not clear_denominators(normaliser, normaliser.polynomial(expr))
    except (TooLargeError, ZeroDivisionError):
        return False


def find_counterexample(
    left: Expr, right: Expr, facts: tuple[Fact, ...], generator: random.Random
) -> Counterexample | None:
    """Look for sizes and values at which the sides differ."""
    tensors = tensors_in(left) | tensors_in(right)
    symbols = _sizes_of(left, right, tensors)
    indices = sorted(free_indices(left) | free_indices(right), key=lambda index: index.name)
    for numbers in _size_choices(len(symbols)):
        sizes = dict(zip(symbols, numbers, strict=True))
        for _ in range(TRIES):
            values = sample(tensors, sizes, generator, positive=generator.random() < 0.5)
            assignment = Assignment(sizes, values)
            found = _differs_at(assignment, left, right, indices, facts)
            if found is not None:
                return found
    return None


def _sizes_of(left: Expr, right: Expr, tensors: frozenset[Tensor]) -> list[Symbol]:
    found: set[Symbol] = left.free_symbols | right.free_symbols
    for tensor in tensors:
        found |= tensor.free_symbols
    return sorted(found, key=str)


def _size_choices(count: int) -> Iterator[tuple[int, ...]]:
    """Size choices, distinct ones first, then small ones with 1."""
    yield tuple((2, 3, 2, 3)[place % 4] for place in range(count))
    yield from list(product(TRIED_SIZES[:2], repeat=count))[:6]


def _differs_at(
    assignment: Assignment, left: Expr, right: Expr, indices: list[Index], facts: tuple[Fact, ...]
) -> Counterexample | None:
    try:
        for fact in facts:
            impose(fact, assignment)
        for places in assignment.places(indices):
            first, second = assignment.value(left, places), assignment.value(right, places)
            if abs(first - second) > TOLERANCE * (1 + abs(first) + abs(second)):
                return _counterexample(assignment, places, first, second)
    except (UndefinedError, ZeroDivisionError):
        return None
    return None


def _counterexample(assignment: Assignment, places: dict[Index, int], left: object, right: object) -> Counterexample:
    return Counterexample(
        {str(symbol): number for symbol, number in assignment.sizes.items()},
        {tensor.name: _shown(tensor, assignment) for tensor in sorted(assignment.values, key=lambda t: t.name)},
        {index.name: place for index, place in places.items()},
        context.nstr(left, 12),
        context.nstr(right, 12),
    )


def _shown(tensor: Tensor, assignment: Assignment) -> str:
    numbers = assignment.values[tensor]

    def nested(prefix: tuple[int, ...], extents: list[int]) -> str:
        if not extents:
            return str(context.nstr(numbers[prefix], 12))
        return "[" + ", ".join(nested((*prefix, place), extents[1:]) for place in range(extents[0])) + "]"

    extents = [int(extent.xreplace(assignment.sizes)) for extent in tensor.sizes]
    return nested((), extents)
