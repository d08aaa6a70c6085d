"""Values to evaluate at: drawn at random, then changed until the facts that are given hold."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import sympy
from sympy import Expr, Rational, Symbol

from derive.evaluation import Assignment, Places
from derive.facts import Fact, Requirement
from derive.indices import Element, Index, Tensor
from derive.precision import Number, compare, context
from derive.sums import free_indices, nodes, tensors_in

#: Values are multiples of 1/8, or of an eighth of that and so on where an interval has too few.
GRAIN, FINEST = 8, 8**4
#: How often values are scaled in turn until several facts hold at once.
ROUNDS = 8
#: How many numbers Newton's method may have to find, times equations; its steps, and the step of a difference quotient.
LARGEST_SYSTEM, NEWTON_STEPS, SLOPE_STEP = 200, 12, context.mpf(10) ** -28
#: Where a step leaves so little of the distance, the next one goes by the same slopes.
SLOPES_HELD = 1e-4
#: What a round has to leave at most of the distance from facts that hold; else they do not come to hold.
MOST_LEFT = 0.6

#: A fact at one place.
Equation = tuple[Fact | Requirement, dict[Index, int]]


def sample(
    tensors: Iterable[Tensor],
    sizes: Mapping[Symbol, int],
    generator: random.Random,
    domain: Mapping[str, tuple[float, float]] | None = None,
    positive: bool = False,
    whole: bool = False,
    among: Sequence[Rational] = (),
) -> dict[Tensor, dict[tuple[int, ...], Number]]:
    """Draw rational values for tensors: in their domain's interval, labels among the positions they may take.

    Values are short fractions that a person can retype, those of one tensor different from each other where there are
    enough of them; ``positive`` draws all of them above 0, ``whole`` draws integers, so that many of them are equal,
    and ``among`` names the only values to draw, as far as they lie in the interval.
    """
    values: dict[Tensor, dict[tuple[int, ...], Number]] = {}
    for tensor in sorted(tensors, key=lambda each: (each.name, each.role)):
        line = (0.0, 2.0) if positive else (-2.0, 2.0)
        low, high = (domain or {}).get(tensor.name, line) if not tensor.role else line
        positions = list(product(*(range(_integer(extent, sizes)) for extent in tensor.sizes)))
        if tensor.values is not None:
            most = _integer(tensor.values, sizes)
            numbers: list[Number] = [generator.randrange(most) for _ in positions]
        elif allowed := [number for number in among if low <= number <= high]:
            chosen = generator.choices(allowed, k=len(positions))
            numbers = [context.mpf(number.p) / number.q for number in chosen]
        elif whole and math.ceil(low) <= math.floor(high):
            numbers = [context.mpf(generator.randint(math.ceil(low), math.floor(high))) for _ in positions]
        else:
            numbers = _fractions(low, high, len(positions), generator)
        values[tensor] = dict(zip(positions, numbers, strict=True))
    return values


def _fractions(low: Number, high: Number, count: int, generator: random.Random) -> list[Number]:
    """So many fractions between two bounds: the shortest that the interval has enough of."""
    if high <= low:
        return [context.mpf(low)] * count
    grain = GRAIN
    while True:
        between = range(int(context.floor(low * grain)) + 1, int(context.ceil(high * grain)))
        if len(between) >= count or (between and grain >= FINEST):
            break
        grain *= 8
    drawn = generator.sample(between, count) if len(between) >= count else generator.choices(between, k=count)
    return [context.mpf(number) / grain for number in drawn]


def impose(facts: Iterable[Fact | Requirement], assignment: Assignment) -> bool:
    """Change the values of an assignment until facts hold; return whether they do.

    Example:
        >>> from derive.indices import Index, size
        >>> from derive.sums import IndexSum
        >>> K = size("K"); k = Index("k", K); p = Tensor("p", (K,))
        >>> here = Assignment({K: 2}, {p: {(0,): 1, (1,): 3}})
        >>> impose([Fact(IndexSum(p[k], k), sympy.Integer(1), "sum(p[k], k) = 1")], here), float(here.value(p[1]))
        (True, 0.75)
    """
    equations = [
        (fact, places)
        for fact in facts
        for places in assignment.places(sorted(free_indices(fact.left) | free_indices(fact.right), key=str))
    ]
    drawn = {tensor: dict(numbers) for tensor, numbers in assignment.values.items()}
    if _scale(equations, assignment):
        return True
    assignment.values.update(drawn)
    assignment.forget()
    return _solve(equations, assignment)


def _distance(equation: Equation, assignment: Assignment) -> Number:
    fact, places = equation
    left, right = assignment.value(fact.left, places), assignment.value(fact.right, places)
    return left - right if compare(left, right) else context.mpf(0)


def _scale(equations: list[Equation], assignment: Assignment) -> bool:
    """Scale or shift values in turn, which leaves their signs where it can."""
    before: Number = context.inf
    for _ in range(ROUNDS):
        distances = [abs(_distance(equation, assignment)) for equation in equations]
        distance = max(distances, default=0)
        if distance == 0:
            return True
        if distance > before * MOST_LEFT:
            return False
        before = distance
        for (fact, places), away in zip(equations, distances, strict=True):
            if away and not _adjust(fact, places, assignment):
                return False
            assignment.forget()
    return False


def _solve(equations: list[Equation], assignment: Assignment) -> bool:
    """Change all values at once, as little as can be, by Newton's method."""
    tensors = frozenset().union(*(tensors_in(side) for fact, _ in equations for side in (fact.left, fact.right)))
    free = [
        (t, place) for t, numbers in assignment.values.items() if t in tensors and t.values is None for place in numbers
    ]
    if not free or len(free) * len(equations) > LARGEST_SYSTEM:
        return False
    before: Number = context.inf
    slopes = None
    for turn in range(NEWTON_STEPS):
        away = [_distance(equation, assignment) for equation in equations]
        distance = max(map(abs, away))
        if distance == 0:
            return True
        if turn > 2 and distance > before * MOST_LEFT:
            return False
        if slopes is None or distance > before * SLOPES_HELD:
            slopes = _slopes(equations, free, away, assignment)
        before = distance
        square = slopes * slopes.T
        for row in range(len(equations)):  # Equations may say the same twice.
            square[row, row] += SLOPE_STEP
        try:
            step = slopes.T * context.lu_solve(square, context.matrix(away))
        except ZeroDivisionError:
            return False
        for row, (tensor, place) in enumerate(free):
            assignment.values[tensor][place] -= step[row]
        assignment.forget()
    return False


def _slopes(
    equations: list[Equation], free: list[tuple[Tensor, tuple[int, ...]]], away: list[Number], assignment: Assignment
) -> Any:
    """The derivatives of the distances, a row for each equation, by difference quotients."""
    slopes = context.matrix(len(equations), len(free))
    for column, (tensor, place) in enumerate(free):
        kept = assignment.values[tensor][place]
        assignment.values[tensor][place] = kept + SLOPE_STEP
        assignment.forget()
        for row, (fact, places) in enumerate(equations):
            moved = assignment.value(fact.left, places) - assignment.value(fact.right, places)
            slopes[row, column] = (moved - away[row]) / SLOPE_STEP
        assignment.values[tensor][place] = kept
    assignment.forget()
    return slopes


def _adjust(fact: Fact | Requirement, places: Places, assignment: Assignment) -> bool:
    """Scale one tensor's values, or shift them where that will not do, so that the fact holds at one place."""
    if not isinstance(fact, Fact):
        return False
    total, wanted = assignment.value(fact.left, places), assignment.value(fact.right, places)
    given = [t for t in assignment.values if t.values is None and t not in assignment.definitions]
    elements = [element for element in nodes(fact.left, Element) if element.tensor in given]
    known = {*fact.left.bound, *places}
    spanning = [element for element in elements if set(fact.left.bound) <= free_indices(element) <= known]
    if not spanning:
        return False
    element = min(spanning, key=lambda each: each.tensor.name)
    numbers = assignment.values[element.tensor]
    where = {assignment.position(element, {**places, **bound}) for bound in assignment.places(fact.left.bound)}
    where &= numbers.keys()  # What stands outside of an axis is 0, and stays so.
    if not where:
        return False
    before = dict(numbers)
    for place in where:
        numbers[place] = 2 * before[place]
    assignment.forget()
    doubled = assignment.value(fact.left, places)
    degree = context.log(doubled / total, 2) if compare(total, 0) != 0 and doubled / total > 0 else 0
    linear = compare(degree, 1) == 0
    ratio = wanted / total if degree else 0
    for place in where:
        if ratio > 0:
            numbers[place] = before[place] * ratio ** (1 / degree)
        elif ratio and linear:
            numbers[place] = before[place] * ratio
        else:
            numbers[place] = before[place] + (wanted - total) / len(where)
    return True


def _integer(extent: Expr, sizes: Mapping[Symbol, int]) -> int:
    return int(extent.xreplace({symbol: sympy.Integer(number) for symbol, number in sizes.items()}))
