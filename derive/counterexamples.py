"""Numbers at which two sides differ: small sizes, short values, both sides, so that a person can check them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from sympy import Expr, Rational, S, Symbol

from derive.definitions import Definition
from derive.evaluation import Assignment
from derive.extents import least_sizes
from derive.facts import Fact, Requirement
from derive.index_arithmetic import split_form
from derive.indicators import Bracket, Delta
from derive.indices import Index, Tensor
from derive.intervals import Interval
from derive.precision import Number, UndefinedError, agree, context
from derive.sampling import impose, sample
from derive.sums import free_indices, nodes, tensors_in

#: An array whose text is longer is shown in part.
LONGEST_SHOWN = 600
#: Intervals from which values are drawn for a counterexample, fractions and, so that there are ties, integers.
LINES = ((-2.0, 2.0), (0.0, 2.0), (0.0, 1.0), (1.0, 2.0))
#: How many ways to draw values are tried at each choice of sizes when the answer is only held against numbers; fewer
#: where the values have to satisfy facts, which costs time.
WAYS, FEW_WAYS = 3, 2
#: How often values are drawn in every way where there is no size.
MOST_TURNS = 8
#: After so many draws in a row that facts could not be made true of, other sizes are taken.
MOST_FAILURES = 2
#: At how many positions of the free indices the sides are evaluated, when hunting and when only held against numbers.
MOST_PLACES, FEW_PLACES = 64, 12
#: Larger numbers in an equation do not widen the interval.
LARGEST_MENTIONED = 1000
#: Digits with which a difference is looked at again, so that rounding refutes nothing.
MORE_DIGITS = (400, 4000)
#: Digits in which both have to say the same: what is left of a cancellation does not.
SETTLED_DIGITS = 15
#: Two numbers computed with 60 digits that differ by less than this are the same.
TOLERANCE = context.mpf(10) ** -25


@dataclass(frozen=True)
class Counterexample:
    """Numbers at which two sides differ.

    Attributes:
        sizes, values: what was put in, as text.
        place: the free indices' positions.
        left, right: what came out, with as many digits as tell them apart.
    """

    sizes: dict[str, int]
    values: dict[str, str]
    place: dict[str, int]
    left: str
    right: str

    @property
    def numbers(self) -> dict[str, Any]:
        """The values as nested lists of floats, for NumPy: ``np.array(counterexample.numbers["x"])``."""
        return {name: json.loads(text) for name, text in self.values.items()}

    def text(self, left: str = "left side", right: str = "right side", at: str = "at") -> str:
        """Say it in lines, with names for the sides, and the word before the place."""
        where = [f"{name} = {number}" for name, number in (self.sizes | self.place).items()]
        lines = [f"{at} {', '.join(where)}"] if where else []
        lines += [f"  {name} = {_elided(numbers)}" for name, numbers in self.values.items()]
        width = max(len(left), len(right))
        return "\n".join([*lines, f"  {left:<{width}} = {self.left}", f"  {right:<{width}} = {self.right}"])


def _elided(numbers: str) -> str:
    """An array's text with the middle left out where nobody would read it all; ``values`` has it whole."""
    if len(numbers) <= LONGEST_SHOWN:
        return numbers
    first, last = numbers[: LONGEST_SHOWN // 2], numbers[-LONGEST_SHOWN // 8 :]
    return f"{first[: first.rindex(',')]}, ...{last[last.index(',') + 1 :]}"


@dataclass(frozen=True)
class Question:
    """Two sides, and what numbers have to satisfy at which they are compared.

    Attributes:
        facts, intervals: what holds of the numbers.
        definitions, bodies: what must have a value besides, though the sides may not mention it any more: what was
            defined, and what was differentiated.
    """

    left: Expr
    right: Expr
    facts: tuple[Fact | Requirement, ...] = ()
    intervals: Mapping[Tensor, Interval] = field(default_factory=dict)
    definitions: tuple[Definition, ...] = ()
    bodies: tuple[Expr, ...] = ()

    def compare(self, generator: random.Random, thorough: bool = True) -> Iterator[Counterexample | None]:
        """Yield for every set of numbers where the sides are defined a counterexample, or None where they agree.

        Args:
            thorough: draw from every interval at every choice of sizes; otherwise from some at each, in turn.
        """
        indices = sorted(free_indices(self.left) | free_indices(self.right), key=lambda index: index.name)
        most = MOST_PLACES if thorough else FEW_PLACES
        sides = (self.left, self.right, *self.bodies, *(definition.body for definition in self.definitions))
        defined = [definition.tensor for definition in self.definitions]
        telling = [int(number) for number in _mentioned(sides) if number.is_Integer and number >= 0]
        for assignment in assignments(sides, self.facts, generator, thorough, self.intervals, defined):
            by_tensor = {definition.tensor: definition for definition in self.definitions}
            here = Assignment(assignment.sizes, dict(assignment.values), by_tensor)
            if not self._has_definitions(here):
                continue
            agreed = False
            for place in assignment.some_places(indices, most, generator, telling):
                if not self._has_bodies(here, place):
                    continue
                values = _values(assignment, place, self.left, self.right)
                if values is None:
                    continue
                if not _differ(*values):
                    agreed = True
                    continue
                found = _confirmed(assignment, place, self.left, self.right)
                if found is not None:
                    yield found
                    break
            else:
                if agreed:
                    yield None

    def _has_definitions(self, here: Assignment) -> bool:
        """Whether every element of what is defined has a value."""
        try:
            for definition in self.definitions:
                for places in here.places(definition.indices):
                    here.value(definition.target, places)
        except (UndefinedError, ZeroDivisionError):
            return False
        return True

    def _has_bodies(self, here: Assignment, places: dict[Index, int]) -> bool:
        """Whether everything else has a value that must have one."""
        try:
            for body in self.bodies:
                bound = sorted(free_indices(body) - places.keys(), key=lambda index: index.name)
                for inner in here.places(bound):
                    here.value(body, {**places, **inner})
        except (UndefinedError, ZeroDivisionError):
            return False
        return True


def assignments(
    sides: Iterable[Expr],
    facts: tuple[Fact | Requirement, ...],
    generator: random.Random,
    thorough: bool,
    intervals: Mapping[Tensor, Interval] | None = None,
    defined: Collection[Tensor] = (),
) -> Iterator[Assignment]:
    """Yield numbers that satisfy the facts, for the tensors of some expressions but those that are defined."""
    sides = (*sides, *(side for fact in facts for side in (fact.left, fact.right)))
    tensors = frozenset().union(*map(tensors_in, sides)) - frozenset(defined)
    symbols = _sizes_of(sides, tensors)
    least, told = least_sizes(sides), _telling_sizes(sides)
    mentioned = _mentioned(sides)
    reach = math.ceil(2 * max((abs(float(number)) for number in mentioned), default=0.0) + 2)
    kinds: tuple[dict[str, Any], ...] = ({}, {"whole": True})
    ways = [*product((*LINES, (-reach, reach)), kinds), *[((-reach, reach), {"among": mentioned})] * WAYS]
    bounds = {tensor: interval for tensor, interval in (intervals or {}).items() if tensor in tensors}
    choices = [(numbers, least) for numbers in _size_choices(len(symbols))]
    zeros = [
        tuple(n if s.is_positive else 0 for n, s in zip(choice[0], symbols, strict=True)) for choice in choices[:2]
    ]
    choices[2:2] = [(numbers, least) for numbers in zeros if 0 in numbers]
    if told:
        larger = {size: max(least.get(size, 1), told.get(size, 1)) for size in least | told}
        choices += [(numbers, larger) for numbers, _ in choices[:2]]
    for turn, (numbers, needed) in enumerate(choices):
        smallest = {symbol: needed.get(symbol, 1 if symbol.is_positive else 0) for symbol in symbols}
        sizes = {symbol: max(number, smallest[symbol]) for symbol, number in zip(symbols, numbers, strict=True)}
        failures = 0
        few = FEW_WAYS if facts else WAYS
        for line, kind in ways if thorough else [ways[(few * turn + place) % len(ways)] for place in range(few)]:
            domain = {tensor.name: bounds[tensor].part(line) if tensor in bounds else line for tensor in tensors}
            if failures == MOST_FAILURES:
                break
            assignment = Assignment(sizes, sample(tensors, sizes, generator, domain, **kind))
            try:
                holds = impose(facts, assignment)
            except (UndefinedError, ZeroDivisionError):
                continue
            failures = 0 if holds else failures + 1
            if holds and _allowed(assignment, bounds):
                yield assignment


def _allowed(assignment: Assignment, bounds: Mapping[Tensor, Interval]) -> bool:
    return all(
        interval.contains(value) for tensor, interval in bounds.items() for value in assignment.values[tensor].values()
    )


def _sizes_of(sides: Iterable[Expr], tensors: Iterable[Tensor]) -> list[Symbol]:
    found: set[Symbol] = set()
    for mentioning in (*sides, *tensors):
        found |= mentioning.free_symbols
    return sorted(found, key=str)


def _mentioned(sides: Iterable[Expr]) -> list[Rational]:
    """The numbers that the sides mention, with their opposites, and those next to nothing."""
    numbers = {number for side in sides for number in nodes(side, Rational) if abs(number) < LARGEST_MENTIONED}
    return sorted({S.Zero, S.One, *numbers} | {-number for number in {S.One, *numbers}})


def _telling_sizes(sides: Iterable[Expr]) -> dict[Expr, int]:
    """How large a size must be for an index to pass the numbers that it is compared with."""
    told: dict[Expr, int] = {}
    for part in frozenset().union(*(nodes(side, Bracket, Delta) for side in sides)):
        split = split_form(part.left - part.right)
        if split is not None and len(split[0]) == 1 and split[1].is_Integer and abs(split[1]) < LARGEST_MENTIONED:
            ((node, coefficient),) = split[0].items()
            if isinstance(node, Index) and abs(coefficient) == 1:
                told[node.size] = max(told.get(node.size, 1), abs(int(split[1])) + 2)
    return told


def _size_choices(count: int) -> Iterator[tuple[int, ...]]:
    """Size choices: distinct ones first, then small ones, each of them 1 at least once, at last larger ones."""
    if count == 0:
        yield from [()] * MOST_TURNS
        return
    yield tuple((2, 3)[place % 2] for place in range(count))
    yield tuple((3, 2)[place % 2] for place in range(count))
    if count <= 2:
        yield from product((2, 1), repeat=count)
    else:
        yield (2,) * count
        yield from (tuple(1 if place == one else 2 for place in range(count)) for one in range(count))
        yield (1,) * count
    if count <= 3:
        yield (4, 5, 3)[:count]


def _values(assignment: Assignment, places: dict[Index, int], left: Expr, right: Expr) -> tuple[Number, Number] | None:
    """Both sides' numbers; None where one has none."""
    try:
        return assignment.value(left, places), assignment.value(right, places)
    except (UndefinedError, ZeroDivisionError):
        return None


def _confirmed(assignment: Assignment, places: dict[Index, int], left: Expr, right: Expr) -> Counterexample | None:
    """The counterexample, if more digits show the difference too."""
    values = []
    for digits in MORE_DIGITS:
        with context.workdps(digits):
            more = _values(Assignment(assignment.sizes, assignment.values), places, left, right)
            if more is None or not _differ(*more):
                return None
            values.append(more)
    settled = all(agree(first, second, SETTLED_DIGITS) for first, second in zip(*values, strict=True))
    return _counterexample(assignment, places, *values[-1]) if settled else None


def _differ(first: Number, second: Number) -> bool:
    return bool(abs(first - second) > TOLERANCE * (1 + abs(first) + abs(second)))


def _counterexample(assignment: Assignment, places: dict[Index, int], left: Number, right: Number) -> Counterexample:
    return Counterexample(
        {str(symbol): number for symbol, number in assignment.sizes.items()},
        {_name(tensor): _shown(tensor, assignment) for tensor in sorted(assignment.values, key=_name)},
        {index.name: place for index, place in places.items()},
        *_told_apart(left, right),
    )


def _told_apart(left: Number, right: Number) -> tuple[str, str]:
    """Both numbers with as many digits as show that they differ; rounding errors of 0 are 0."""
    scale = max(abs(left), abs(right))
    plain = [0 if abs(number) < scale * TOLERANCE else number for number in (left, right)]
    for digits in (12, 25, 50):
        texts = [context.nstr(number, digits).removesuffix(".0") for number in plain]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def _shown(tensor: Tensor, assignment: Assignment) -> str:
    numbers = assignment.values[tensor]

    def nested(prefix: tuple[int, ...], extents: list[int]) -> str:
        if not extents:
            return str(context.nstr(numbers[prefix], 12))
        return "[" + ", ".join(nested((*prefix, place), extents[1:]) for place in range(extents[0])) + "]"

    extents = [int(extent.xreplace(assignment.sizes)) for extent in tensor.sizes]
    return nested((), extents)


def _name(tensor: Tensor) -> str:
    return tensor.word
