"""Sums of products: which are a matrix product, which a product and a sum of rows, and in which order many are done.

No value is built that has more labels than the factors or the result need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from sympy import Integer

from codegen.arithmetic import build_product, with_sign
from codegen.building import Builder, sorted_labels
from codegen.ops import Contract, Invert, Labels, Operand, Solve
from codegen.program import MASK, REAL
from derive.indices import Index


@dataclass(eq=False)
class Factor:
    """A quotient of values: part of a product under a sum."""

    above: list[Operand] = field(default_factory=list)
    below: list[Operand] = field(default_factory=list)

    @property
    def labels(self) -> set[Index]:
        return set().union(*(operand.labels for operand in (*self.above, *self.below)))

    def build(self, builder: Builder, want: Labels) -> Operand:
        return with_sign(builder, build_product(builder, self.above, self.below, Integer(1), want))


def build_contraction(builder: Builder, factors: Sequence[Factor], over: Iterable[Index], want: Labels) -> Operand:
    """Return the sum over indices of a product; each index is in one of the factors at least."""
    bound = set(over)
    factors = _sum_early([Factor(list(factor.above), list(factor.below)) for factor in factors], bound, builder, want)
    factors = _without_lone_divisors(_merge_equal(factors))
    while len(factors) > 2:
        pair = _shrinking_pair(factors, bound) or _nested_pair(factors) or _chained_pair(builder, factors, bound)
        if pair is None:
            break
        factors = [factor for factor in factors if factor not in pair]
        within = bound - _labels(factors)
        if within:
            first, second = (factor.build(builder, want) for factor in pair)
            value = _build_pair(builder, first, second, within, want)
            factors, bound = [*factors, Factor([value])], bound & _labels([*factors, Factor([value])])
        else:
            factors.append(Factor(pair[0].above + pair[1].above, pair[0].below + pair[1].below))
        factors = _merge_equal(factors) if len(factors) > 2 else factors
    factors = _sum_early(factors, bound, builder, want)
    values = [factor.build(builder, want) for factor in factors]
    if len(values) == 1:
        return builder.reduce("sum", values[0], bound) if bound else values[0]
    if len(values) == 2:
        return _build_pair(builder, values[0], values[1], bound, want)
    return _emit(builder, values, bound, sorted_labels(_free(values, bound), want))


def _labels(factors: Iterable[Factor]) -> set[Index]:
    return set().union(*(factor.labels for factor in factors))


def _sum_early(factors: list[Factor], bound: set[Index], builder: Builder, want: Labels) -> list[Factor]:
    """Sum each factor over the indices that no other factor has."""
    if len(factors) == 1:
        return factors
    for factor in factors:
        own = factor.labels & bound - _labels(other for other in factors if other is not factor)
        if own:
            factor.above, factor.below = [builder.reduce("sum", factor.build(builder, want), own)], []
            bound -= own
    return factors


def _merge_equal(factors: list[Factor]) -> list[Factor]:
    """Multiply factors that have the same labels; two are left alone, for they may be an inner product."""
    if len(factors) == 2 and all(factor.above for factor in factors):
        return factors
    merged: list[Factor] = []
    for factor in factors:
        same = next((other for other in merged if other.labels == factor.labels), None)
        if same is None:
            merged.append(factor)
        else:
            same.above, same.below = same.above + factor.above, same.below + factor.below
    return merged


def _without_lone_divisors(factors: list[Factor]) -> list[Factor]:
    """Divide the smallest factor that has all of a divisor's labels by it."""
    for lone in [factor for factor in factors if not factor.above]:
        hosts = [factor for factor in factors if factor.above and lone.labels <= factor.labels]
        if hosts:
            host = min(hosts, key=lambda factor: len(factor.labels))
            host.below = host.below + lone.below
            factors = [factor for factor in factors if factor is not lone]
    return factors


def _shrinks(pair: tuple[Factor, Factor], within: set[Index]) -> bool:
    return len(_labels(pair) - within) < max(len(factor.labels) for factor in pair)


def _shrinking_pair(factors: list[Factor], bound: set[Index]) -> tuple[Factor, Factor] | None:
    """Return two of several factors whose contraction has fewer labels than one of them: it is always done first."""
    pairs = []
    for pair in combinations(factors, 2):
        rest = _labels(factor for factor in factors if factor not in pair)
        if _shrinks(pair, bound - rest):
            pairs.append((len(_labels(pair) - (bound - rest)), pair))
    return min(pairs, key=lambda found: found[0])[1] if pairs else None


def _chained_pair(builder: Builder, factors: list[Factor], bound: set[Index]) -> tuple[Factor, Factor] | None:
    """Return two factors whose contraction is no larger than they are, as in a product of matrices; inverses first."""
    pairs = []
    for pair in combinations(factors, 2):
        within = pair[0].labels & pair[1].labels & bound - _labels(factor for factor in factors if factor not in pair)
        if within and len(_labels(pair) - within) <= max(len(factor.labels) for factor in pair):
            statements = [builder.statement(operand) for factor in pair for operand in factor.above]
            solves = any(statement is not None and isinstance(statement.op, Invert) for statement in statements)
            pairs.append((not solves, pair))
    return min(pairs, key=lambda found: found[0])[1] if pairs else None


def _nested_pair(factors: list[Factor]) -> tuple[Factor, Factor] | None:
    """Return a factor and a larger one that has all its labels, the smallest such two: their product is no larger."""
    pairs = [(a, b) for a in factors for b in factors if a is not b and a.labels <= b.labels]
    return min(pairs, key=lambda pair: (len(pair[0].labels), len(pair[1].labels))) if pairs else None


def _free(values: Iterable[Operand], bound: set[Index]) -> list[Index]:
    return list(dict.fromkeys(label for value in values for label in value.labels if label not in bound))


def _build_pair(builder: Builder, first: Operand, second: Operand, bound: set[Index], want: Labels) -> Operand:
    first, second = sorted((first, second), key=lambda operand: builder.age(operand, want)[1:])
    own, others = set(first.labels), set(second.labels)
    over = (own | others) & bound
    batch = (own & others) - bound
    through_windows = any(builder.is_windows(operand) for operand in (first, second))
    spans = (own <= others or others <= own) and not through_windows
    solution = _solve(builder, first, second, over, want)
    if solution is not None:
        return solution
    is_vector_product = not batch and len(over) == 1
    is_einsum = own != others and max(len(own), len(others)) > 2  # One pass, and no array of all the products.
    if (spans and not (is_vector_product or is_einsum)) or not over & own & others:
        product = with_sign(builder, build_product(builder, (first, second), (), Integer(1), want))
        return builder.reduce("sum", product, over) if over else product
    labels = pair_labels(first.labels, second.labels, over, want)
    summed = tuple(over)
    pairs = ((first.labels, second.labels), (second.labels, first.labels))
    if all(matrix_product(*pair, summed, labels) is None for pair in pairs):
        labels = sorted_labels(labels, want)  # An einsum has the axes in whatever order they are wanted.
    return _emit(builder, [first, second], over, labels)


def _solve(builder: Builder, first: Operand, second: Operand, over: set[Index], want: Labels) -> Operand | None:
    """Return the product of an inverse with something else as a solution; None where there is no inverse.

    Of right sides there is one for each matrix, or one axis of them.
    """
    for inverse, right in ((first, second), (second, first)):
        statement = builder.statement(inverse)
        if statement is None or not isinstance(statement.op, Invert) or len(over) != 1:
            continue
        source = statement.operands[0].relabelled(dict(zip(statement.labels, inverse.labels, strict=True)))
        *batch, row, column = inverse.labels
        (equation,) = over
        unknown = column if equation == row else row
        others = [label for label in right.labels if label not in inverse.labels]
        missing = [label for label in batch if label not in right.labels]
        if equation not in (row, column) or equation not in right.labels or unknown in right.labels:
            continue
        if len(others) > 1 or (missing and len(missing) < len(batch)):
            continue
        labels = (*batch, unknown, *others)
        return builder.emit(Solve((equation,), (unknown,)), (source, builder.cast(right)), labels, REAL)
    return None


def pair_labels(first: Labels, second: Labels, over: Iterable[Index], want: Labels) -> Labels:
    """Return the labels of a product of two in the order that a matrix product gives, as near as can be to ``want``."""
    batch = tuple(label for label in first if label in second and label not in set(over))
    left = tuple(label for label in first if label not in second)
    right = tuple(label for label in second if label not in first)
    choices = [(*batch, *left, *right), (*batch, *right, *left)]
    preferred = sorted_labels(choices[0], want)
    return preferred if preferred in choices else choices[0]


def _emit(builder: Builder, values: Sequence[Operand], bound: set[Index], labels: Labels) -> Operand:
    real = any(builder.kind(value) == REAL for value in values)
    values = [value if real and builder.kind(value) == MASK else builder.cast(value) for value in values]
    over = tuple(dict.fromkeys(label for value in values for label in value.labels if label in bound))
    for order in (values, values[::-1]):
        found = builder.find(Contract(over), order, labels)
        if found is not None:
            return found
    if matrix_product(values[0].labels, values[-1].labels, over, labels) is None:
        values.sort(key=lambda value: [at for at, label in enumerate(labels) if label in value.labels])
    return builder.emit(Contract(over), values, labels, REAL)


def matrix_product(first: Labels, second: Labels, over: Labels, result: Labels) -> tuple[Labels, Labels] | None:
    """Return the orders of labels in which ``first @ second`` is the contraction, None where it is none.

    Example:
        >>> from derive.indices import size
        >>> n, d, k = (Index(letter, size(letter.upper())) for letter in "ndk")
        >>> matrix_product((n, d), (n, k), (n,), (d, k))
        ((d, n), (n, k))
    """
    if len(over) != 1 or over[0] not in first or over[0] not in second:
        return None
    batch = tuple(label for label in result if label in first and label in second)
    left = tuple(label for label in result if label in first and label not in second)
    right = tuple(label for label in result if label in second and label not in first)
    if result != (*batch, *left, *right) or len(right) > 1:
        return None
    if batch and not (len(left) == len(right) == 1):
        return None
    return (*batch, *left, *over), (*batch, *over, *right)
