"""Slips of the pen in one part of a formula, each undone: a sign, an index, a sum, a delta, a factor, a power, a name.

Nothing here knows what is true; which of the mended formulas is right is for numbers and the prover to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, S

from derive.differentiation import differentiate
from derive.functions import Maximum, Minimum
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.printing import definition_text
from derive.sums import IndexSum, all_indices, free_indices, fresh_index, substitute, tensors_in

#: The kinds of mistakes, what is said first standing first.
FACTOR, SIGN, INDEX, SUM, DELTA, TERM, POWER, NAME, INSIDE, DIVISION, BESIDE = KINDS = (
    "factor", "sign", "index", "sum", "delta", "term", "power", "name", "factor inside", "division", "beside",
)  # fmt: skip
#: Numbers that a term is multiplied by: what a power's derivative leaves, or what a half before a square takes away.
NUMBERS = (Integer(2), Rational(1, 2))
#: Exponents that something without one may have been meant to have: of a square, a root, a quotient.
EXPONENTS = (*NUMBERS, Integer(-1))
#: Products with more factors than this are not summed in part.
MOST_FACTORS = 5


@dataclass(frozen=True)
class Mistake:
    """What was done, in words, and the formula without it."""

    kind: str
    words: str
    mended: Expr


class Slope(NamedTuple):
    """The derivative of an element that is computed from another one at the same indices."""

    value: Element
    element: Element
    derivative: Expr


class Setting(NamedTuple):
    """What is known where a part stands.

    Attributes:
        scope: the indices that may be used.
        sizes: the sizes that may be factors.
        tensors: those that may be used, or stand in the place of another one of their shape.
        slopes: the derivatives of what is computed elementwise.
        is_whole: whether the part is the whole formula.
    """

    scope: frozenset[Index]
    sizes: tuple[Expr, ...]
    tensors: tuple[Tensor, ...]
    slopes: tuple[Slope, ...]
    is_whole: bool


def slips(part: Expr, setting: Setting) -> Iterator[Mistake]:
    """Yield what a part may have been meant to be.

    Example:
        >>> x = Tensor("x")()
        >>> [slip.words for slip in slips(1 + x, Setting(frozenset(), (), (), (), True))][:2]
        ['the sign of the term 1 is wrong', 'the sign of the term x is wrong']
    """
    scope, sizes, tensors, slopes, is_whole = setting
    yield from _wrong_signs(part)
    yield from _wrong_indices(part, scope)
    yield from _wrong_sums(part, scope)
    yield from _wrong_deltas(part, scope, is_whole)
    yield from _beside_sums(part)
    yield from _wrong_terms(part, sizes)
    yield from _wrong_factors(part, is_whole)
    yield from _wrong_powers(part)
    yield from _wrong_tensors(part, tensors)
    yield from _wrong_functions(part, slopes)
    yield from _without_factor(part, scope, tensors, slopes, is_whole)


def factor_words(factor: Expr, claimed: Expr, where: str = "") -> str:
    """Say that a formula lacks a constant factor, or has its inverse too many where that stands in it.

    Example:
        >>> x = Tensor("x")()
        >>> factor_words(Integer(-2), x), factor_words(Rational(1, 2), 2 * x)
        ('the sign is wrong and the factor 2 is missing', 'the factor 2 is too many')
    """
    sign, size = (-1, -factor) if factor.could_extract_minus_sign() else (1, factor)
    words = []
    if sign < 0:
        words.append("the sign is wrong")
    if size != 1:
        too_many = stands_in(1 / size, claimed) and not stands_in(size, claimed)
        text = definition_text(1 / size if too_many else size)
        words.append(f"the factor {text} is {'too many' if too_many else 'missing'}")
    return f"{' and '.join(words)}{where}"


def stands_in(factor: Expr, claimed: Expr) -> bool:
    """Whether every part of a constant factor is a factor of a formula."""
    number, rest = factor.as_coeff_Mul()
    own, others = claimed.as_coeff_Mul()
    if isinstance(others, Add):
        own *= others.primitive()[0]
    powers = others.as_powers_dict()
    above = number.p == 1 or own.p % number.p == 0
    below = number.q == 1 or own.q % number.q == 0
    return bool(above and below and all(powers.get(b, 0) * e > 0 for b, e in rest.as_powers_dict().items() if b != 1))


# -- what is wrong -----------------------------------------------------------------------------------------------------


def _wrong_signs(part: Expr) -> Iterator[Mistake]:
    if isinstance(part, Add):
        for term in part.args:
            yield Mistake(SIGN, f"the sign of the term {definition_text(term)} is wrong", part - 2 * term)
    elif isinstance(part, sympy.Function):
        turned = part.func(-part.args[0])
        yield Mistake(SIGN, f"the sign in {definition_text(part)} is wrong", turned)
    elif isinstance(part, Bracket) and part.relation in (">", ">="):
        turned = Bracket("<" if part.relation == ">" else "<=", part.left, part.right)
        yield Mistake(SIGN, f"{_instead(part, turned)}", turned)


def _instead(old: Expr, new: Expr) -> str:
    return f"{definition_text(old)} is written where {definition_text(new)} is meant"


def _wrong_indices(part: Expr, scope: frozenset[Index]) -> Iterator[Mistake]:
    if isinstance(part, Element):
        own = part.indices
        for first, second in combinations(range(len(own)), 2):
            if part.tensor.sizes[first] == part.tensor.sizes[second] and own[first] != own[second]:
                turned = list(own)
                turned[first], turned[second] = own[second], own[first]
                new = part.tensor(*turned)
                words = f"the indices of {definition_text(part)} are transposed: {definition_text(new)} is meant"
                yield Mistake(INDEX, words, new)
        for place, size in enumerate(part.tensor.sizes):
            for index in others(own[place], size, scope):
                new = part.tensor(*own[:place], index, *own[place + 1 :])
                yield Mistake(INDEX, f"an index is wrong: {_instead(part, new)}", new)
    elif isinstance(part, Delta):
        for old, kept in ((part.left, part.right), (part.right, part.left)):
            for index in others(old, getattr(old, "size", None), scope - {kept}):
                new = Delta(index, kept)
                yield Mistake(INDEX, f"an index is wrong: {_instead(part, new)}", new)


def others(old: Expr, size: Expr | None, scope: Iterable[Index]) -> list[Index]:
    """The indices of a size beside one of them."""
    return sorted((index for index in scope if index.size == size and index != old), key=lambda index: index.name)


def _wrong_sums(part: Expr, scope: frozenset[Index]) -> Iterator[Mistake]:
    if isinstance(part, IndexSum):
        for index in part.bound:
            rest = tuple(other for other in part.bound if other != index)
            for free in others(index, index.size, scope):
                body = substitute(part.body, {index: free})
                alone = IndexSum(body, *rest) if rest else body
                words = f"the sum over {index.name} is too many: {definition_text(alone)} is meant"
                yield Mistake(SUM, words, alone)
    elif isinstance(part, (Element, sympy.Function, Add)):
        yield from _summed(part, S.One, part, scope)
    elif isinstance(part, (Mul, Pow)):
        number, rest = part.as_coeff_Mul()
        yield from _summed(rest, number, part, scope)
        factors = _single_factors(rest)
        for count in range(len(factors) - 1, 0, -1) if len(factors) <= MOST_FACTORS else ():
            for chosen in combinations(range(len(factors)), count):
                inside, outside = (
                    [f for p, f in enumerate(factors) if (p in chosen) == here] for here in (True, False)
                )
                yield from _summed(Mul(*inside), number * Mul(*outside), part, scope)


def _single_factors(part: Expr) -> list[Expr]:
    """The factors, a square twice."""
    factors: list[Expr] = []
    for base, exponent in part.as_powers_dict().items():
        twice = exponent.is_Integer and 1 < exponent <= MOST_FACTORS
        factors += [base] * int(exponent) if twice else [base**exponent]
    return factors


def _summed(inside: Expr, outside: Expr, part: Expr, scope: frozenset[Index]) -> Iterator[Mistake]:
    """The part with some of its factors summed over each of their indices; a delta's sum is nothing forgotten."""
    collapsing = frozenset().union(*(free_indices(f) for f in Mul.make_args(inside) if isinstance(f, Delta)))
    for index in sorted(free_indices(inside) - collapsing, key=lambda each: each.name):
        stays = index in free_indices(outside) or index in scope
        bound = fresh_index(index, {*scope, *all_indices(part)} - (set() if stays else {index}))
        total = IndexSum(substitute(inside, {index: bound}), bound)
        words = f"the sum over {index.name} is missing: {definition_text(total)} is meant"
        yield Mistake(SUM, words, outside * total)


def _beside_sums(part: Expr) -> Iterator[Mistake]:
    """A factor stands outside of a sum that is meant inside, or inside with the bound index and is meant outside."""
    for total in part.args if isinstance(part, Mul) else ():
        for bound in total.bound if isinstance(total, IndexSum) else ():
            for factor in part.args:
                for index in others(bound, bound.size, free_indices(factor) - free_indices(total)):
                    inside = IndexSum(total.body * substitute(factor, {index: bound}), *total.bound)
                    words = f"{definition_text(factor)} belongs inside the sum: {definition_text(inside)} is meant"
                    yield Mistake(SUM, words, part / (factor * total) * inside)


def _wrong_deltas(part: Expr, scope: frozenset[Index], is_whole: bool) -> Iterator[Mistake]:
    if isinstance(part, Delta):
        yield Mistake(DELTA, f"the factor {definition_text(part)} is too many", S.One)
        return
    for left, right in combinations(sorted(scope, key=lambda index: index.name), 2):
        delta = Delta(left, right)
        if left.size != right.size or part.has(delta):
            continue
        text = definition_text(delta)
        if is_whole:
            words = f"true only where {left.name} = {right.name}: the factor {text} is missing"
            yield Mistake(DELTA, words, part * delta)
        elif not isinstance(part, IndexSum):
            yield Mistake(DELTA, f"the factor {text} is missing beside {definition_text(part)}", part * delta)
        for term in part.args if isinstance(part, Add) else ():
            if isinstance(term, sympy.Number):
                yield Mistake(DELTA, f"the factor {text} is missing beside {term}", part - term + term * delta)


def _wrong_terms(part: Expr, sizes: Iterable[Expr]) -> Iterator[Mistake]:
    if not isinstance(part, Add):
        return
    for term in part.args:
        rest = part - term
        text = definition_text(term)
        for factor in (*NUMBERS, *(size**exponent for size in sizes for exponent in (-1, 1))):
            yield Mistake(FACTOR, factor_words(factor, term, f" in the term {text}"), rest + factor * term)
        yield Mistake(TERM, f"the term {text} is too many", rest)


def _wrong_factors(part: Expr, is_whole: bool) -> Iterator[Mistake]:
    if not isinstance(part, Mul):
        return
    where = "" if is_whole else f" in {definition_text(part)}"
    for factor in part.args:
        if not isinstance(factor, sympy.Number) and not isinstance(factor, Delta):
            below = isinstance(factor, Pow) and factor.exp.could_extract_minus_sign()
            text = (
                f"the division by {definition_text(1 / factor)}" if below else f"the factor {definition_text(factor)}"
            )
            yield Mistake(FACTOR, f"{text} is too many{where}", part / factor)


def _wrong_powers(part: Expr) -> Iterator[Mistake]:
    if isinstance(part, Pow) and part.exp.is_Rational:
        one_off, doubled, turned = (part.exp + 1, part.exp - 1), (2 * part.exp, part.exp / 2), (-part.exp,)
        for exponent in dict.fromkeys((*one_off, *doubled, *turned)):
            if exponent != part.exp:
                new = part.base**exponent
                words = "an exponent is wrong: " if exponent else ""
                yield Mistake(POWER, f"{words}{_instead(part, new)}", new)
    elif isinstance(part, Mul):
        turned = Mul(*(1 / factor if tensors_in(factor) else factor for factor in part.args))
        yield Mistake(POWER, f"a fraction is upside down: {_instead(part, turned)}", turned)
    elif isinstance(part, (Element, sympy.Function, IndexSum, Add)):
        yield Mistake(POWER, _instead(part, S.One), S.One)
        for exponent in EXPONENTS:
            new = part**exponent
            yield Mistake(POWER, f"an exponent is wrong: {_instead(part, new)}", new)


def _wrong_tensors(part: Expr, tensors: Iterable[Tensor]) -> Iterator[Mistake]:
    if isinstance(part, Element):
        for tensor in tensors:
            if tensor != part.tensor and (tensor.sizes, tensor.values) == (part.tensor.sizes, part.tensor.values):
                new = tensor(*part.indices)
                yield Mistake(NAME, _instead(part, new), new)


def _wrong_functions(part: Expr, slopes: Iterable[Slope]) -> Iterator[Mistake]:
    """A function stands where its derivative is meant."""
    if isinstance(part, (Maximum, Minimum)):
        new = Bracket(">" if isinstance(part, Maximum) else "<", part.left, part.right)
        yield Mistake(
            NAME, f"{definition_text(part)} is written where its derivative {definition_text(new)} is meant", new
        )
    elif isinstance(part, sympy.Function) and len(part.args) == 1:
        argument = Tensor("argument")()
        new = differentiate(part.func(argument), argument).xreplace({argument: part.args[0]})
        if new != 0:
            yield Mistake(
                NAME, f"{definition_text(part)} is written where its derivative {definition_text(new)} is meant", new
            )
    elif isinstance(part, Element):
        for slope in slopes:
            if part.tensor in (slope.value.tensor, slope.element.tensor):
                own = slope.value if part.tensor == slope.value.tensor else slope.element
                here = dict(zip(own.indices, part.indices, strict=True))
                value, element, derivative = (substitute(each, here) for each in slope)
                texts = [definition_text(each) for each in (part, derivative, value, element)]
                what = "{1}, the derivative of {2} by {3}, is meant".format(*texts)
                yield Mistake(NAME, f"{texts[0]} is written where {what}", derivative)


def _without_factor(
    part: Expr, scope: frozenset[Index], tensors: tuple[Tensor, ...], slopes: tuple[Slope, ...], is_whole: bool
) -> Iterator[Mistake]:
    """The whole, a term or what is summed without an element as a factor or below the line, or without a slope."""
    real = [tensor for tensor in tensors if tensor.values is None]
    if is_whole:
        for element in (element for tensor in real for element in _elements(tensor, scope)):
            yield Mistake(FACTOR, f"the factor {definition_text(element)} is missing", part * element)
            yield Mistake(DIVISION, f"the division by {definition_text(element)} is missing", part / element)
    terms = part.args if isinstance(part, Add) else (part.body,) if isinstance(part, IndexSum) else ()
    known = scope | frozenset(part.bound) if isinstance(part, IndexSum) else scope
    for term in terms:
        for new, what in _with_factor(term, known, real, slopes):
            mended = part - term + new if isinstance(part, Add) else IndexSum(new, *part.bound)
            yield Mistake(INSIDE, what, mended)


def _with_factor(
    term: Expr, scope: frozenset[Index], tensors: Iterable[Tensor], slopes: Iterable[Slope]
) -> Iterator[tuple[Expr, str]]:
    text = definition_text(term)
    for element in (element for tensor in tensors for element in _elements(tensor, scope)):
        if element not in term.as_powers_dict():
            yield term * element, f"the factor {definition_text(element)} is missing in {text}"
            yield term / element, f"the division by {definition_text(element)} is missing in {text}"
    for slope in slopes:
        for value in _elements(slope.value.tensor, scope):
            here = dict(zip(slope.value.indices, value.indices, strict=True))
            element, derivative = substitute(slope.element, here), substitute(slope.derivative, here)
            why = f"the derivative of {definition_text(value)} by {definition_text(element)}"
            yield term * derivative, f"the factor {definition_text(derivative)} is missing in {text}: {why}"


def _elements(tensor: Tensor, scope: Iterable[Index]) -> Iterator[Element]:
    """The elements of a tensor at indices that are known."""
    choices = [sorted((i for i in scope if i.size == size), key=lambda i: i.name) for size in tensor.sizes]
    for indices in product(*choices):
        if len(set(indices)) == tensor.rank:
            yield tensor(*indices)
