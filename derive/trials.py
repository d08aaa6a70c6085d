"""A few assignments of numbers at which expressions are compared, before anything is proved.

They tell in a millisecond that two expressions differ, so that hundreds of candidates can be looked through and only
those that agree everywhere are worth a proof. The sizes are distinct, so that no two axes are mistaken for each other.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from sympy import Expr, Mul, Rational, S, Symbol

from derive.definitions import Definition
from derive.errors import UnsupportedError
from derive.evaluation import Assignment
from derive.extents import least_sizes
from derive.facts import Fact
from derive.indices import Index, Tensor
from derive.precision import DIGITS, Number, UndefinedError, agree, context
from derive.sampling import impose, sample
from derive.sums import free_indices, tensors_in

#: Sizes of the axes, in turn: distinct in each trial, and in no fixed ratio to each other.
SIZES = ((3, 2, 4, 5), (2, 5, 3, 4))
#: Intervals to draw from until the reference is defined: the last is inside the domain of any logarithm or root.
LINES = ((-2.0, 2.0), (0.0, 2.0), (0.05, 0.95))
#: How often values are drawn from each interval.
ATTEMPTS = 3
#: At how many places of the free indices expressions are compared; at how many, where a difference is told at once.
MOST_PLACES, FEW_PLACES = 60, 6
#: Of the 60 digits that are carried, those to which two numbers that are the same agree.
SAME_DIGITS = 25
#: What a constant factor may be made of: a fraction of denominator up to this, and sizes with exponents up to this,
#: which together are no more than this. Constants of formulas are simpler; a number with 60 digits is no such fraction
#: by chance.
LARGEST_DENOMINATOR, LARGEST_EXPONENT, MOST_EXPONENTS = 1000, 2, 3


@dataclass(frozen=True)
class Trial:
    """An assignment, places for the free indices, and what the reference is at each."""

    assignment: Assignment
    places: tuple[dict[Index, int], ...]
    values: tuple[Number, ...]


class Trials:
    """Compares expressions with a reference by numbers.

    Args:
        reference: what the others are compared with.
        others: expressions whose tensors and indices must have values too.
        definitions: of names that are computed.
        facts: equations that the values satisfy.
        count: how many assignments are made, each with sizes of its own.
        most: at how many places of the free indices the sides are evaluated.
        lines: by tensor, the interval in which its values lie.

    Attributes:
        trials: none where no values were found at which all of them are defined and the facts hold.

    Example:
        >>> x = Tensor("x")()
        >>> trials = Trials(x**2 - 1, [x])
        >>> trials.agree((x - 1) * (x + 1)), trials.agree(x - 1)
        (True, False)
    """

    def __init__(
        self,
        reference: Expr,
        others: Iterable[Expr] = (),
        definitions: Iterable[Definition] = (),
        facts: Iterable[Fact] = (),
        seed: int = 0,
        count: int = len(SIZES),
        most: int = MOST_PLACES,
        lines: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self.lines, self.most = dict(lines or {}), most
        self.reference, self.facts = reference, tuple(facts)
        self.definitions = {definition.tensor: definition for definition in definitions}
        self.sides = (reference, *others)
        mentioned = (*self.sides, *(definition.body for definition in self.definitions.values()))
        mentioned += tuple(side for fact in self.facts for side in (fact.left, fact.right))
        self.tensors = frozenset().union(*map(tensors_in, mentioned)) - self.definitions.keys()
        self.symbols = sorted(_sizes_of([*mentioned, *self.tensors, *self.definitions]), key=str)
        self.least = least_sizes(mentioned)
        self.indices = sorted(frozenset().union(*map(free_indices, self.sides)), key=lambda index: index.name)
        generator = random.Random(seed)
        self.trials = [t for sizes in SIZES[:count] if (t := self._trial(sizes, generator)) is not None]

    def _trial(self, extents: tuple[int, ...], generator: random.Random) -> Trial | None:
        sizes = {
            symbol: max(self.least.get(symbol, 1), extents[place % len(extents)] + place // len(extents))
            for place, symbol in enumerate(self.symbols)
        }
        zero: Trial | None = None  # Where the reference is 0 everywhere little is told; then values are drawn again.
        for line in LINES:
            for _ in range(ATTEMPTS):
                values = sample(self.tensors, sizes, generator, _everywhere(self.tensors, line) | self.lines)
                assignment = Assignment(sizes, values, dict(self.definitions))
                if not self._impose(assignment):
                    break
                trial = self._at(assignment, generator)
                if trial is not None and (self.reference == 0 or trial.values[0] != 0):
                    return trial
                zero = zero or trial
        return zero

    def _impose(self, assignment: Assignment) -> bool:
        try:
            return impose(self.facts, assignment)
        except (UndefinedError, ZeroDivisionError):
            return False

    def _at(self, assignment: Assignment, generator: random.Random) -> Trial | None:
        """The trial at these numbers; None where the sides are defined nowhere."""
        chosen = assignment.some_places(self.indices, self.most, generator)
        generator.shuffle(chosen)
        known = [([value_at(assignment, side, places) for side in self.sides], places) for places in chosen]
        defined = [(values[0], places) for values, places in known if all(value is not None for value in values)]
        if not defined:
            return None
        defined.sort(key=lambda pair: pair[0] == 0)  # Where the reference is 0 little is told: these come last.
        return Trial(assignment, tuple(places for _, places in defined), tuple(value for value, _ in defined))

    def agree(self, expr: Expr) -> bool:
        """Whether an expression has the reference's value wherever that was looked at; False where nothing was."""
        return bool(self.trials) and all(
            (own := value_at(trial.assignment, expr, places)) is not None and agree(own, value, SAME_DIGITS)
            for trial in self.trials
            for places, value in zip(trial.places, trial.values, strict=True)
        )

    def is_constant(self, expr: Expr) -> bool:
        """Whether an expression may have one value at all places of its free indices: nothing was seen that differs.

        Example:
            >>> from derive.indices import size
            >>> N = size("N"); n = Index("n", N); x = Tensor("x", (N,))
            >>> Trials(x[n]).is_constant(x[n] ** 2 - (x[n] - 1) * (x[n] + 1)), Trials(x[n]).is_constant(x[n])
            (True, False)
        """
        for trial in self.trials:
            places = trial.assignment.some_places(sorted(free_indices(expr), key=str), FEW_PLACES, random.Random(0))
            values = [number for each in places if (number := value_at(trial.assignment, expr, each)) is not None]
            if any(not agree(values[0], number, SAME_DIGITS) for number in values):
                return False
        return True

    def ratios(self, expr: Expr) -> list[Number] | None:
        """The ratio of the reference to an expression, by trial; None where it is not the same at every place."""
        ratios: list[Number] = []
        for trial in self.trials:
            ratio: Number | None = None
            for places, value in zip(trial.places, trial.values, strict=True):
                own = value_at(trial.assignment, expr, places)
                if own is None or (own == 0) != (value == 0):
                    return None
                if own == 0:
                    continue
                if ratio is None:
                    ratio = value / own
                elif not agree(ratio * own, value, SAME_DIGITS):
                    return None
            if ratio is None:
                return None
            ratios.append(ratio)
        return ratios or None

    def constant(self, expr: Expr) -> Expr | None:
        """The number times powers of sizes that an expression has to be multiplied by to be the reference.

        Of several that the numbers allow, that of the simplest fraction; None where there is none.

        Example:
            >>> from derive.indices import size
            >>> N = size("N"); n = Index("n", N); x = Tensor("x", (N,))
            >>> Trials(-2 * x[n] / N, [x[n]]).constant(3 * x[n]), Trials(x[n] ** 2, [x[n]]).constant(x[n])
            (-2/(3*N), None)
        """
        ratios = self.ratios(expr)
        if ratios is None:
            return None
        found: list[tuple[int, Expr]] = []
        for monomial, scales in self._monomials:
            first, *others = (ratio / scale for ratio, scale in zip(ratios, scales, strict=True))
            number = _rational(first) if all(agree(first, other, SAME_DIGITS) for other in others) else None
            if number is not None:
                found.append((abs(number.p) + number.q, number * monomial))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    @cached_property
    def _monomials(self) -> list[tuple[Expr, list[Number]]]:
        """The products of powers of the sizes, the simplest first, each with its value by trial."""
        found = []
        for exponents in _exponents(len(self.symbols)):
            powers = list(zip(self.symbols, exponents, strict=True))
            scales = [_product(trial.assignment.sizes, powers) for trial in self.trials]
            found.append((Mul(*(symbol**exponent for symbol, exponent in powers)), scales))
        return found


def seems_zero(expr: Expr, facts: Iterable[Fact] = (), lines: Mapping[str, tuple[float, float]] | None = None) -> bool:
    """Whether an expression is 0 at a few places, so that a proof is worth trying; mostly one place tells.

    Args:
        facts, lines: what holds of the values.

    Example:
        >>> x = Tensor("x")()
        >>> seems_zero((x - 1) * (x + 1) - x**2 + 1), seems_zero(x - 1), seems_zero(abs(x) - x, lines={"x": (0.0, 1.0)})
        (True, False, True)
    """
    facts = tuple(facts)
    for most in (1, FEW_PLACES):
        trials = Trials(S.Zero, [expr], (), facts, count=1, most=most, lines=lines)
        if trials.trials and not trials.agree(expr):
            return False
    return bool(trials.trials)


def value_at(assignment: Assignment, expr: Expr, places: dict[Index, int]) -> Number | None:
    """The number an expression stands for; None where it has none."""
    try:
        return assignment.value(expr, places)
    except (UndefinedError, ZeroDivisionError, UnsupportedError):
        return None


def _rational(number: Number) -> Rational | None:
    """The fraction of small denominator that a number is; 0 is no factor."""
    exact = Fraction(int(context.nint(number * 10**DIGITS)), 10**DIGITS).limit_denominator(LARGEST_DENOMINATOR)
    found = Rational(exact.numerator, exact.denominator)
    return found if found and agree(number * found.q, found.p, SAME_DIGITS) else None


@lru_cache(maxsize=16)
def _exponents(count: int) -> tuple[tuple[int, ...], ...]:
    """The exponents that sizes may have, the smallest first."""

    def chosen(count: int, most: int) -> Iterator[tuple[int, ...]]:
        if not count:
            yield ()
            return
        reach = min(most, LARGEST_EXPONENT)
        for exponent in range(-reach, reach + 1):
            yield from ((exponent, *others) for others in chosen(count - 1, most - abs(exponent)))

    return tuple(sorted(chosen(count, MOST_EXPONENTS), key=lambda row: sum(map(abs, row))))


def _product(sizes: Mapping[Symbol, int], powers: Iterable[tuple[Symbol, int]]) -> Number:
    result = context.mpf(1)
    for symbol, exponent in powers:
        result *= context.mpf(sizes[symbol]) ** exponent
    return result


def _everywhere(tensors: Iterable[Tensor], line: tuple[float, float]) -> dict[str, tuple[float, float]]:
    return {tensor.name: line for tensor in tensors}


def _sizes_of(mentioning: Iterable[Expr | Tensor]) -> set[Symbol]:
    found: set[Symbol] = set()
    for each in mentioning:
        found |= each.free_symbols
    return found
