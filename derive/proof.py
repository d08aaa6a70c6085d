"""Is an equation true for all sizes and values? Proved by the normal form, or refuted with numbers.

Both sides are brought to the prover's normal form; if the difference vanishes they are equal wherever both are defined.
Otherwise values are looked for at which the sides differ. Neither found is "undecided". Before "proved" is said, both
sides are evaluated at random values; a disagreement there is a defect of the engine and an error, never a verdict.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from sympy import Expr, Rational, Symbol, sympify

from derive.cases import where_defined
from derive.errors import DeriveError, InputError
from derive.evaluation import Assignment, Number, UndefinedError, context, impose, sample
from derive.facts import Fact
from derive.indices import Element, Index, Tensor
from derive.normal_form import Normaliser
from derive.record import Definition, inline
from derive.sums import free_indices, tensors_in
from derive.vanishing import ONE_CASE, vanishes

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
#: Intervals from which values are drawn for a counterexample, fractions and, so that there are ties, integers.
LINES = ((-2.0, 2.0), (0.0, 2.0), (0.0, 1.0), (1.0, 2.0))
#: How many ways to draw values are tried at each choice of sizes when the answer is only held against numbers.
WAYS = 3
#: Larger numbers in an equation do not widen the interval.
LARGEST_REACH = 1000
#: Digits with which a difference is looked at again, so that rounding refutes nothing.
MORE_DIGITS = 400
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
    left, right = _checked(left), _checked(right)
    facts = tuple(facts)
    full_left, full_right = inline(left, definitions), inline(right, definitions)
    difference = full_left - full_right
    used = _prove_zero(difference, facts)
    counterexample = find_counterexample(full_left, full_right, facts, random.Random(seed), thorough=used is None)
    if used is None and counterexample is None:
        used = _prove_zero(difference, facts, by_cases=True)
    if used is None:
        return Proof(left, right, UNDECIDED if counterexample is None else REFUTED, (), counterexample)
    if counterexample is not None:
        raise UnsoundError(f"the normal forms agree and the numbers do not:\n{counterexample.text()}")
    return Proof(left, right, PROVED, tuple(fact.text for fact in used))


def _prove_zero(expr: Expr, facts: tuple[Fact, ...], by_cases: bool = False) -> tuple[Fact, ...] | None:
    """The facts that were needed to see that an expression vanishes; None where that was not seen."""
    for given in ((), facts) if facts else ((),):
        normaliser = Normaliser(generators=True, facts=given)
        if vanishes(normaliser, expr, where_defined(normaliser, expr) if by_cases else ONE_CASE):
            return tuple(normaliser.used_facts)
    return None


def _checked(side: Any) -> Expr:
    """A side as an expression.

    Raises:
        InputError: it is none; a text is not read here.
    """
    if isinstance(side, (Expr, int)) and not isinstance(side, bool):
        return sympify(side)
    raise InputError(
        f"a side of an equation is an expression made of the project's nodes, not {type(side).__name__}; "
        "derive.parsing.parse_expression reads one from a text"
    )


def is_zero(expr: Expr) -> bool:
    """Whether the normal form of an expression vanishes.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> is_zero((x + 1) ** 2 - x**2 - 2 * x - 1), is_zero(x - 1)
        (True, False)
    """
    return vanishes(Normaliser(generators=True), expr)


def find_counterexample(
    left: Expr, right: Expr, facts: tuple[Fact, ...], generator: random.Random, thorough: bool = True
) -> Counterexample | None:
    """Look for sizes and values at which the sides differ.

    Args:
        thorough: draw from every interval at every choice of sizes; otherwise from some at each, in turn.
    """
    sides = (left, right, *(side for fact in facts for side in (fact.left, fact.right)))
    tensors = frozenset().union(*map(tensors_in, sides))
    symbols = _sizes_of(sides, tensors)
    indices = sorted(free_indices(left) | free_indices(right), key=lambda index: index.name)
    least = _least_sizes(sides)
    reach = _reach(sides)
    ways = list(product((*LINES, (-reach, reach)), (False, True)))
    for turn, numbers in enumerate(_size_choices(len(symbols))):
        sizes = {symbol: max(number, least.get(symbol, 1)) for symbol, number in zip(symbols, numbers, strict=True)}
        for line, whole in ways if thorough else [ways[(WAYS * turn + place) % len(ways)] for place in range(WAYS)]:
            domain = {tensor.name: line for tensor in tensors}
            assignment = Assignment(sizes, sample(tensors, sizes, generator, domain, whole=whole))
            try:
                if not impose(facts, assignment):
                    continue
            except UndefinedError:
                continue
            found = _differs_at(assignment, left, right, indices)
            if found is not None:
                return found
    return None


def _sizes_of(sides: Iterable[Expr], tensors: Iterable[Tensor]) -> list[Symbol]:
    found: set[Symbol] = set()
    for mentioning in (*sides, *tensors):
        found |= mentioning.free_symbols
    return sorted(found, key=str)


def _reach(sides: Iterable[Expr]) -> float:
    """An extent in which values lie on both sides of the numbers that the sides mention."""
    numbers = frozenset().union(*(side.atoms(Rational) for side in sides))
    largest = max((abs(float(number)) for number in numbers), default=0.0)
    return math.ceil(2 * largest + 2) if largest < LARGEST_REACH else LINES[0][1]


def _least_sizes(sides: Iterable[Expr]) -> dict[Expr, int]:
    """How large a size must be for the numbers that stand in indices to be positions."""
    least: dict[Expr, int] = {}
    for element in frozenset().union(*(side.atoms(Element) for side in sides)):
        for where, size in zip(element.indices, element.tensor.sizes, strict=True):
            if where.is_Integer:
                least[size] = max(least.get(size, 1), int(where) + 1)
    return least


def _size_choices(count: int) -> Iterator[tuple[int, ...]]:
    """Size choices: distinct ones first, then small ones with 1, at last larger ones."""
    yield tuple((2, 3)[place % 2] for place in range(count))
    if count:
        yield tuple((3, 2)[place % 2] for place in range(count))
    yield from list(product((2, 1), repeat=count))[:6]
    if 0 < count <= 3:
        yield (4, 5, 3)[:count]


def _differs_at(assignment: Assignment, left: Expr, right: Expr, indices: list[Index]) -> Counterexample | None:
    for places in assignment.places(indices):
        try:
            values = _values(assignment, places, left, right)
            if _differ(*values):
                with context.workdps(MORE_DIGITS):
                    values = _values(Assignment(assignment.sizes, assignment.values), places, left, right)
                    if _differ(*values):
                        return _counterexample(assignment, places, *values)
        except (UndefinedError, ZeroDivisionError):
            continue
    return None


def _values(assignment: Assignment, places: dict[Index, int], left: Expr, right: Expr) -> tuple[Number, Number]:
    return assignment.value(left, places), assignment.value(right, places)


def _differ(first: Number, second: Number) -> bool:
    return bool(abs(first - second) > TOLERANCE * (1 + abs(first) + abs(second)))


def _counterexample(assignment: Assignment, places: dict[Index, int], left: Number, right: Number) -> Counterexample:
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
