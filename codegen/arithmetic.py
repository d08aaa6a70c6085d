"""Sums and products of values in the order in which they cost least: numbers first, then small arrays, then large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

import sympy
from sympy import Expr, Integer

from codegen.building import Builder
from codegen.ops import Constant, Labels, Map, Operand, Reduce
from codegen.program import NUMBER
from derive.indices import Index
from derive.polynomials import is_typed_decimal

Term = tuple[int, Operand]


def build_sum(builder: Builder, terms: Iterable[Term], want: Labels = ()) -> Operand:
    """Return the sum of values with signs; what is added comes before what is subtracted."""
    terms = _with_one_constant(builder, terms)
    ordered = sorted(terms, key=lambda term: builder.term_order(term[0], term[1], want))
    if len(ordered) == 1:
        return with_sign(builder, ordered[0])
    places = permutations(range(len(ordered)), 2)  # A term may be there twice.
    first = next((pair for pair in places if _is_shift(builder, *(ordered[place] for place in pair))), ())
    rest = (place for place in range(len(ordered)) if place not in first)
    ordered = [ordered[place] for place in (*first, *rest)]
    return builder.map("add", [operand for _, operand in ordered], want, [sign for sign, _ in ordered])


def _is_shift(builder: Builder, first: Term, second: Term) -> bool:
    """Whether the second term takes the largest of the first away: what is left is small, and may meet others."""
    statement = builder.statement(second[1])
    if first[0] < 0 or second[0] > 0 or statement is None or not isinstance(statement.op, Reduce):
        return False
    return statement.op.function == "max" and statement.operands[0].name == first[1].name


def _with_one_constant(builder: Builder, terms: Iterable[Term]) -> list[Term]:
    """Return the terms with the numbers among them added up."""
    rest: list[Term] = []
    total: Expr = Integer(0)
    for sign, operand in terms:
        statement = builder.statement(operand)
        if statement is not None and isinstance(statement.op, Constant):
            total += sign * statement.op.value
        else:
            rest.append((sign, operand))
    if total == 0 and rest:
        return rest
    sign = -1 if total.could_extract_minus_sign() else 1
    return [*rest, (sign, builder.constant(sign * total))]


def with_sign(builder: Builder, term: Term) -> Operand:
    """Return a value with its sign; the smallest factor of a product takes it."""
    sign, operand = term
    if sign > 0:
        return operand
    statement = builder.statement(operand)
    if statement is not None and isinstance(statement.op, Constant):
        return builder.constant(-statement.op.value)
    if statement is not None and isinstance(statement.op, Map) and statement.op.function in ("mul", "div"):
        names = dict(zip(statement.labels, operand.labels, strict=True))
        first, *others = (factor.relabelled(names) for factor in statement.operands)
        if first.rank < operand.rank or builder.kind(first) == NUMBER:
            return builder.map(statement.op.function, [with_sign(builder, (-1, first)), *others], operand.labels)
    return builder.map("neg", [operand])


def build_product(
    builder: Builder, above: Sequence[Operand], below: Sequence[Operand], constant: Expr, want: Labels = ()
) -> Term:
    """Return the sign and value of ``constant * above / below``.

    Factors with the same labels are multiplied and divided first, the smaller sets of labels before the larger, so
    that the fewest passes are made over the largest array. A divisor waits for the smallest array that it fits into.
    """
    above, times = _fold(builder, above)
    below, divided = _fold(builder, below)
    constant *= times / divided
    if constant == 0:
        return 1, builder.constant(Integer(0))
    sign = -1 if constant.could_extract_minus_sign() else 1
    above, constant = _means(builder, above, sign * constant)
    number, divisor = split_constant(constant)
    if number != 1 and divisor != 1 and (divisor.is_number or all(operand.labels for operand in above)):
        number, divisor = constant, Integer(1)
    above = [*([builder.constant(number)] if number != 1 else []), *above]
    below = [*([builder.constant(divisor)] if divisor != 1 else []), *below]
    waiting = sorted(below, key=lambda operand: (operand.rank, *builder.age(operand, want)))
    values: list[Operand] = []
    for labels in _label_sets([*above, *below]):
        factors = [operand for operand in above if set(operand.labels) == labels]
        if not factors:
            continue
        fitting = [operand for operand in waiting if set(operand.labels) <= labels]
        waiting = [operand for operand in waiting if operand not in fitting]
        values.append(_quotient(builder, factors, fitting, want))
    if not values:
        values, sign = ([builder.constant(Integer(sign))], 1) if waiting else ([builder.constant(Integer(1))], sign)
    return sign, _quotient(builder, values, waiting, want)


def _fold(builder: Builder, operands: Sequence[Operand]) -> tuple[list[Operand], Expr]:
    """Return the operands that are no numbers, and the product of those that are."""
    rest: list[Operand] = []
    number: Expr = Integer(1)
    for operand in operands:
        statement = builder.statement(operand)
        if statement is not None and isinstance(statement.op, Constant):
            number *= statement.op.value
        else:
            rest.append(operand)
    return rest, number


def _quotient(builder: Builder, above: Sequence[Operand], below: Sequence[Operand], want: Labels) -> Operand:
    value = _multiplied(builder, above, want)
    rest = list(below)
    while rest:  # What divides more than once does so in turn.
        once = list(dict.fromkeys(rest))
        value = builder.map("div", [value, _multiplied(builder, once, want)], want)
        for operand in once:
            rest.remove(operand)
    return value


def _multiplied(builder: Builder, factors: Sequence[Operand], want: Labels) -> Operand:
    if len(factors) == 2 and factors[0] == factors[1]:
        return builder.map("square", factors[:1], want)
    return factors[0] if len(factors) == 1 else builder.map("mul", factors, want)


def _label_sets(operands: Sequence[Operand]) -> list[set[Index]]:
    sets: list[set[Index]] = []
    for operand in operands:
        if set(operand.labels) not in sets:
            sets.append(set(operand.labels))
    return sorted(sets, key=len)


def _means(builder: Builder, above: Sequence[Operand], constant: Expr) -> tuple[list[Operand], Expr]:
    """Return the factors with sums that are divided by their number of terms replaced by means."""
    found = []
    for operand in above:
        statement = builder.statement(operand)
        if statement is not None and isinstance(statement.op, Reduce) and statement.op.function == "sum":
            terms = sympy.prod([label.size for label in statement.op.over])
            rest = constant * terms
            if not rest.free_symbols & terms.free_symbols and constant.free_symbols:
                (inner,) = statement.operands
                mean = builder.reduce("mean", inner, statement.op.over)
                operand, constant = Operand(mean.name, operand.labels), rest
        found.append(operand)
    return found, constant


def split_constant(constant: Expr) -> tuple[Expr, Expr]:
    """Return what to multiply by and what to divide by.

    Example:
        >>> from sympy import Rational, Symbol
        >>> split_constant(Rational(1, 2)), split_constant(Rational(1, 3)), split_constant(2 / Symbol("N"))
        ((1/2, 1), (1, 3), (2, N))
        >>> split_constant(sympy.sqrt(2) / 2)
        (1, sqrt(2))
    """
    if is_short_decimal(constant):
        return constant, Integer(1)
    number, divisor = sympy.fraction(constant)
    inverse, one = sympy.fraction(1 / constant)
    return (Integer(1), inverse) if one == 1 else (number, divisor)


def is_short_decimal(number: Expr) -> bool:
    """Whether a fraction is a decimal of a few digits, such as 1/2 or 8943/200000 = 0.044715."""
    if not number.is_Rational:
        return False
    divisor = int(number.q)
    for prime in (2, 5):
        while divisor % prime == 0:
            divisor //= prime
    text = repr(abs(float(number)))
    return divisor == 1 and (len(text) <= 12 or is_typed_decimal(number))
