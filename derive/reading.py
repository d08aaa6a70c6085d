"""Reading order: what a textbook would write for a SymPy expression, before any style is chosen.

SymPy's own order of arguments is a data structure's. Here a sum becomes its terms with signs, a product one fraction
with its factors from the plainest to the longest, and a negative power goes below the line. The result is a *phrase*,
a kind with parts; how a kind is written is the business of ``derive.writing`` and the tables of the styles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Number, Pow, Rational, Symbol

from derive.affine import is_whole
from derive.errors import UnsupportedError
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.names import natural_key
from derive.phrases import ONE, Phrase, Signed, digits, element_key, index_key, letter_key, reading_bound
from derive.polynomials import is_typed_decimal
from derive.sums import Binder, IndexArgmax, IndexMax, IndexSum, Partial

HALF = Rational(1, 2)
ONE_NUMBER = Integer(1)

#: Place among the factors of a product, by kind.
FACTOR_PLACES = {
    "number": 0, "constant": 1, "symbol": 2, "delta": 3, "element": 4, "index": 4, "bracket": 5,
    "function": 6, "exp": 6, "absolute": 6, "maximum": 6, "minimum": 6, "root": 6,
    "inverse": 6, "determinant": 6, "log_determinant": 6, "addition": 7, "where": 7,
    "fraction": 7, "negation": 7, "product": 7, "partial": 8, "index_max": 9, "index_argmax": 9, "index_sum": 10,
}  # fmt: skip
#: Place among the terms of an addition, by kind: what is long first, what is bare later.
TERM_PLACES = {"element": 2, "symbol": 2, "index": 2, "constant": 2, "number": 3, "function": 1, "exp": 1}
#: Letters that textbooks give to places in a window.
WINDOW_LETTERS = ("r", "q", "u", "v")


@lru_cache(maxsize=20_000)
def phrase_key(phrase: Phrase) -> tuple[Any, ...]:
    """Return a key by the elements that a phrase opens with; it never depends on SymPy's order."""
    if phrase.kind == "element":
        return (0, element_key(phrase.parts[0]))
    if phrase.kind in ("symbol", "index"):
        return (1, letter_key(phrase.word))
    inner = tuple(
        phrase_key(part.phrase if isinstance(part, Signed) else arrange(part))
        for part in phrase.parts
        if isinstance(part, (Phrase, Expr, Signed))
    )
    return (2, inner, natural_key(phrase.word))


def factor_place(phrase: Phrase) -> int:
    if phrase.kind == "root" and all(argument.is_number for argument in phrase.parts):
        return FACTOR_PLACES["constant"]
    if phrase.kind == "power":
        base = factor_place(arrange(phrase.parts[0]))
        return min(base, FACTOR_PLACES["addition"])
    return FACTOR_PLACES[phrase.kind]


def factor_key(factor: Expr) -> tuple[Any, ...]:
    phrase = arrange(factor)
    return factor_place(phrase), phrase_key(phrase)


def in_chain_order(factors: list[Expr]) -> list[Expr]:
    """Return the factors of a chain rule from the output inwards: what is below the line of one is above the next's."""
    partials = [factor for factor in factors if isinstance(factor, Partial)]
    chain: list[Expr] = []
    while partials:
        inner = {partial.element.tensor for partial in partials}
        start: Partial | None = next((p for p in partials if not _above_line(p) & inner), partials[0])
        while start is not None:
            chain.append(start)
            partials.remove(start)
            start = next((p for p in partials if chain[-1].element.tensor in _above_line(p)), None)
    places = iter(chain)
    return [next(places) if isinstance(factor, Partial) else factor for factor in factors]


def _above_line(partial: Partial) -> set[Any]:
    return {partial.body.tensor} if isinstance(partial.body, Element) else set()


# ---- arranging ----


def arrange(expr: Any) -> Phrase:
    """Return the phrase of an expression, its parts not yet arranged.

    Raises:
        UnsupportedError: a node that no table has a row for.
    """
    return expr if isinstance(expr, Phrase) else _arranged(expr)


@lru_cache(maxsize=20_000)
def _arranged(expr: Any) -> Phrase:
    for kind in type(expr).__mro__:
        if kind in ARRANGEMENTS:
            return ARRANGEMENTS[kind](expr)
    raise UnsupportedError(f"{type(expr).__name__} has no written form here; it is not a node of this project")


def flat_factors(expr: Expr) -> list[Expr]:
    return [inner for factor in expr.args for inner in flat_factors(factor)] if isinstance(expr, Mul) else [expr]


def arrange_term(expr: Expr) -> Phrase:
    """Arrange a product, a power or a number: a sign, and one fraction of ordered factors."""
    coefficient: Rational = Integer(1)
    above: list[Expr] = []
    below: list[Expr] = []
    negative = False
    for factor in flat_factors(expr):
        shared = shared_number(factor, of_numbers=True) if isinstance(factor, Add) else ONE_NUMBER
        if shared != 1:
            coefficient *= shared
            above.append(Add(*(term / shared for term in factor.args)))
        elif factor.is_Rational:
            coefficient *= factor
        elif isinstance(factor, Number) and factor.is_extended_negative:
            negative = not negative
            above.append(-factor)
        elif isinstance(factor, Pow) and is_negative_exponent(factor.exp):
            exponent = -factor.exp
            below.append(factor.base if exponent == 1 else Pow(factor.base, exponent, evaluate=False))
        else:
            above.append(factor)
    if coefficient < 0:
        negative, coefficient = not negative, -coefficient
    numerator, denominator = coefficient.p, coefficient.q
    if is_typed_decimal(coefficient):
        above, numerator, denominator = [coefficient, *above], 1, 1
    for factor in [factor for factor in above if isinstance(factor, Pow) and factor.exp == HALF]:
        # SymPy keeps 1/sqrt(2) as sqrt(2)/2.
        if factor.base.is_Integer and denominator % factor.base.p == 0:
            denominator //= factor.base.p
            above.remove(factor)
            below.append(factor)
    above, below = with_one_root(above, below)
    if numerator != 1:
        above.append(Integer(numerator))
    if denominator != 1:
        below.append(Integer(denominator))
    phrase = as_product(above)
    if below:
        phrase = Phrase("fraction", (phrase, as_product(below)))
    return Phrase("negation", (phrase,)) if negative else phrase


def with_one_root(above: list[Expr], below: list[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Gather square roots of constants, which SymPy keeps apart: sqrt(2)/sqrt(pi) is the root of 2/pi."""
    up, down = ([factor for factor in factors if _is_constant_root(factor)] for factors in (above, below))
    if len(up) + len(down) < 2:
        return above, below
    root = Pow(Mul(*(f.base for f in up)) / Mul(*(f.base for f in down)), HALF, evaluate=False)
    if not up:
        root = Pow(1 / root.base, HALF, evaluate=False)
    rest = ([f for f in factors if f not in roots] for factors, roots in ((above, up), (below, down)))
    kept_above, kept_below = rest
    return ([root, *kept_above], kept_below) if up else (kept_above, [root, *kept_below])


def _is_constant_root(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp == HALF and bool(factor.base.is_number)


def is_negative_exponent(exponent: Expr) -> bool:
    leading = exponent.args[0] if isinstance(exponent, Mul) else exponent
    return bool(leading.is_Number and leading.is_extended_negative)


def as_product(factors: list[Expr]) -> Phrase:
    """Return the product of factors in reading order; a number 1 where there are none."""
    if len(factors) < 2:
        return arrange_factor(factors[0]) if factors else ONE
    return Phrase("product", tuple(arrange_factor(f) for f in in_chain_order(sorted(factors, key=factor_key))))


def arrange_factor(factor: Expr) -> Phrase:
    """Arrange one factor that has no sign and no denominator of its own."""
    if isinstance(factor, Pow):
        if factor.exp == HALF:
            return Phrase("root", (factor.base,))
        return Phrase("power", (factor.base, factor.exp))
    if isinstance(factor, Number):
        return Phrase("number", word=digits(factor))
    return arrange(factor)


def arrange_power(expr: Pow) -> Phrase:
    return arrange_term(expr) if is_negative_exponent(expr.exp) else arrange_factor(expr)


def arrange_number(expr: Number) -> Phrase:
    if expr.is_extended_negative or (expr.is_Rational and not expr.is_Integer):
        return arrange_term(expr)
    return Phrase("number", word=digits(expr))


def arrange_addition(expr: Add) -> Phrase:
    number = shared_number(expr)
    if number != 1:
        # SymPy multiplies a number into a sum: 2 (a - b) becomes 2 a - 2 b.
        return Phrase("product", (arrange_factor(number), arrange_addition(Add(*(arg / number for arg in expr.args)))))
    terms = []
    for argument in expr.args:
        phrase = arrange(argument)
        negative = phrase.kind == "negation"
        terms.append(Signed(negative, phrase.parts[0] if negative else phrase))
    ordered = ordered_terms(terms)
    if is_whole(expr):  # The place of a window, s t, is written before the place in it, d r.
        ordered = tuple(sorted(ordered, key=lambda term: (term.negative, _window_place(term.phrase))))
    return Phrase("addition", ordered)


def _window_place(phrase: Phrase) -> int:
    last = arrange(phrase.parts[-1]) if phrase.kind == "product" else phrase
    is_inside = last.kind == "index_argmax" or last.word in WINDOW_LETTERS
    return 2 if last.kind in ("number", "symbol") else int(is_inside)


def shared_number(expr: Add, of_numbers: bool = False) -> Rational:
    """Return the whole number that every term of a sum has, as it is or with a minus; 1 where there is none.

    Of a sum that has a number as a term it is taken where that is asked for: 2 x - 2 stands as it is, and 2 (x - 1) y.
    """
    numbers = {abs(term.as_coeff_Mul()[0]) for term in expr.args}
    number = numbers.pop()
    is_shared = not numbers and number.is_Integer and (of_numbers or not any(term.is_Number for term in expr.args))
    return number if is_shared else ONE_NUMBER


def ordered_terms(terms: Iterable[Signed]) -> tuple[Signed, ...]:
    """Return terms in reading order: what is added first, sums and products before bare names."""
    terms = tuple(terms)
    # 1 - y and 1 + exp(-x) open with the number, x + 1 closes with it.
    others = [term.phrase.kind for term in terms if not term.negative and term.phrase.kind != "number"]
    number_opens = all(kind in ("exp", "function") for kind in others)

    def key(term: Signed) -> tuple[Any, ...]:
        opens = number_opens and term.phrase.kind == "number"
        place = -1 if opens else TERM_PLACES.get(term.phrase.kind, 0)
        return term.negative, place, phrase_key(term.phrase)

    return tuple(sorted(terms, key=key))


def arrange_bracket(expr: Bracket) -> Phrase:
    relation, left, right = expr.relation, expr.left, expr.right
    is_last = left.is_number and not right.is_number
    if isinstance(left, Element) and isinstance(right, (sympy.Abs, Maximum, Minimum)):
        is_last = True  # What is looked at stands first: abs(x) <= d.
    if is_last and relation in MIRRORED:
        relation, left, right = MIRRORED[relation], right, left
    return Phrase("bracket", (left, right), relation)


MIRRORED = {">": "<", ">=": "<=", "=": "=", "!=": "!="}


def arrange_delta(expr: Delta) -> Phrase:
    return Phrase("delta", tuple(sorted(expr.args, key=index_key)))


def binder_of(kind: str) -> Callable[[Binder], Phrase]:
    return lambda expr: Phrase(kind, (expr.body, *reading_bound(expr)))


def matrix_function_of(kind: str) -> Callable[[MatrixFunction], Phrase]:
    """The parts are the entry, the row and column that it is written with, and what addresses an element."""

    def arrange_matrix_function(expr: MatrixFunction) -> Phrase:
        rows = expr.matrix
        return Phrase(kind, (rows.body.body, *rows.bound, *rows.body.bound, *expr.args[1:]))

    return arrange_matrix_function


def node_of(kind: str) -> Callable[[Expr], Phrase]:
    return lambda expr: Phrase(kind, tuple(expr.args))


#: The phrase of every node, by class; a class without a row takes its base class's.
ARRANGEMENTS: Mapping[type, Callable[[Any], Phrase]] = {
    Add: arrange_addition,
    Mul: arrange_term,
    Pow: arrange_power,
    Number: arrange_number,
    sympy.core.numbers.NumberSymbol: lambda expr: Phrase("constant", word=str(expr)),
    Symbol: lambda expr: Phrase("symbol", word=expr.name),
    Index: lambda expr: Phrase("index", word=expr.name),
    Element: lambda expr: Phrase("element", (expr,)),
    Delta: arrange_delta,
    Bracket: arrange_bracket,
    IndexSum: binder_of("index_sum"),
    IndexMax: binder_of("index_max"),
    IndexArgmax: binder_of("index_argmax"),
    Inverse: matrix_function_of("inverse"),
    Determinant: matrix_function_of("determinant"),
    LogDeterminant: matrix_function_of("log_determinant"),
    Partial: node_of("partial"),
    Maximum: node_of("maximum"),
    Minimum: node_of("minimum"),
    Where: node_of("where"),
    sympy.exp: node_of("exp"),
    sympy.Abs: node_of("absolute"),
    sympy.Function: lambda expr: Phrase("function", tuple(expr.args), type(expr).__name__),
}
