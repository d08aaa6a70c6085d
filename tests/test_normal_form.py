"""The normal form: equal in value to what it came from, settled, and the same for what is equal."""

from __future__ import annotations

import pytest
import sympy
from expressions import (
    LABELS,
    SIZES,
    A,
    B,
    K,
    Maker,
    N,
    Seeded,
    W,
    X,
    differs,
    i,
    index_expressions,
    is_small,
    j,
    k,
    less_defined,
    m,
    n,
    somewhere_undefined,
)
from hypothesis import given, settings
from sympy import Add, Expr, Integer, Pow, Rational, exp, log, pi, sqrt, tanh

from derive.factoring import bezout, factors_of
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.normal_form import Normaliser
from derive.polynomials import (
    LARGEST,
    ONE,
    TooLargeError,
    add,
    common_factors,
    common_number,
    divide,
    expression,
    number,
    scale,
    single,
    split_content,
)
from derive.proof import is_zero
from derive.signs import absolute, is_nonnegative, is_positive
from derive.sums import IndexArgmax, IndexMax, IndexSum
from derive.vanishing import vanishes

x, y, z = (Tensor(name)() for name in "xyz")
MODES = {"prover": (True, True), "distributed": (False, True), "lazy": (False, False)}


def normal(expr: Expr, mode: str = "prover") -> Expr:
    generators, distribute = MODES[mode]
    result: Expr = Normaliser(generators=generators, distribute=distribute).expression(expr)
    return result


def sigmoid(u: Expr) -> Expr:
    return 1 / (1 + exp(-u))


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(expr=index_expressions())
def test_the_normal_form_has_the_expression_s_value(mode: str, expr: Expr) -> None:
    try:
        result = normal(expr, mode)
    except (TooLargeError, ZeroDivisionError):
        return
    assert differs(expr, result) == ""


@pytest.mark.parametrize("mode", ["distributed", "lazy"])
@settings(max_examples=200, deadline=None, derandomize=True)
@given(expr=index_expressions())
def test_the_printer_s_forms_are_defined_where_the_expression_is_everywhere(mode: str, expr: Expr) -> None:
    try:
        result = normal(expr, mode)
    except (TooLargeError, ZeroDivisionError):
        return
    assert somewhere_undefined(expr) or less_defined(expr, result) == ""


@pytest.mark.parametrize("mode", ["distributed", "lazy"])
@settings(max_examples=200, deadline=None, derandomize=True)
@given(expr=index_expressions())
def test_the_printer_s_forms_are_settled(mode: str, expr: Expr) -> None:
    try:
        once = normal(expr, mode)
    except (TooLargeError, ZeroDivisionError):
        return
    assert normal(once, mode) == once


@pytest.mark.parametrize("seed", range(80))
def test_the_prover_s_form_of_itself_is_equal_to_it(seed: int) -> None:
    expr = Maker(Seeded(f"settled {seed}")).expression(3)
    if not is_small(expr, 60):
        expr = X[n, k] / (1 + A[k] ** 2)
    once = normal(expr)
    assert is_zero(once - expr)


# -- sums and deltas --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (IndexSum(Delta(j, k) * A[j], j), A[k]),
        (IndexSum(Delta(j, LABELS[n]) * X[n, j], j), X[n, LABELS[n]]),
        (IndexSum(Delta(j, IndexArgmax(A[i], i)) * B[n], j), B[n]),
        (IndexSum(Delta(i, j) * W[i, j], i, j), IndexSum(W[i, i], i)),
        (IndexSum(Delta(i, j) * Delta(j, k) * A[i], i, j), A[k]),
        (IndexSum(1, k), K),
        (IndexSum(B[n], k), K * B[n]),
        (IndexSum(A[j] * B[n], j), B[n] * IndexSum(A[j], j)),
        (IndexSum(A[i] * A[j], i, j), IndexSum(A[i], i) ** 2),
        (IndexSum(Delta(j, 0) * A[j], j), A[0]),
        (IndexSum(Delta(j, 2) * A[j], j), A[2]),
        (Delta(j, 1) * Delta(j, 2), 0),
        (Delta(j, k) * A[j] - Delta(j, k) * A[k], 0),
        (Delta(n, m) * exp(Delta(n, m) * B[m]) - Delta(n, m) * exp(B[n]), 0),
    ],
)
def test_deltas_are_contracted_and_sums_taken_apart(expr: Expr, expected: Expr, mode: str) -> None:
    assert normal(expr, mode) == normal(sympy.sympify(expected), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "expr",
    [
        IndexSum(Delta(n, k), k),
        IndexSum(Delta(n, k) * A[k], k),
        IndexSum(Delta(k, 2), k),
        IndexSum(Delta(k, 2) * B[n], k),
    ],
)
def test_a_delta_that_may_be_out_of_range_stays(expr: Expr, mode: str) -> None:
    result = normal(expr, mode)
    assert result.atoms(Delta)
    for sizes in ({N: 2, K: 3}, {N: 3, K: 2}, {N: 3, K: 1}):
        assert differs(expr, result, sizes=sizes) == ""


@pytest.mark.parametrize("mode", MODES)
def test_an_element_is_not_moved_out_of_its_tensor(mode: str) -> None:
    """delta(n, k) a[k] is 0 where n is no position of a; a[n] there is nothing."""
    result = normal(Delta(n, k) * A[k], mode)
    assert result == Delta(n, k) * A[k]


@pytest.mark.parametrize("mode", MODES)
def test_an_index_that_stands_on_both_sides_of_a_delta_stays(mode: str) -> None:
    follow = Tensor("r", (K,), values=K)
    expr = Delta(k, follow[k]) * A[k]
    assert normal(expr, mode) == expr


def test_the_preferred_index_is_kept() -> None:
    expr = Delta(j, k) * A[j] * A[k]
    assert Normaliser(prefer=(j,)).expression(expr) == Delta(j, k) * A[j] ** 2
    assert Normaliser(prefer=(k,)).expression(expr) == Delta(j, k) * A[k] ** 2


def test_a_power_of_a_sum_opens_it_anew_each_time() -> None:
    expr = IndexSum(A[k] * IndexSum(W[k, j], j) ** 2, k)
    assert differs(expr, normal(expr)) == ""
    expected = IndexSum(A[k] * W[k, i] * W[k, j], i, j, k)
    assert normal(expr) == normal(expected)


def test_sums_of_one_keep_their_sizes_when_bodies_cancel() -> None:
    expr = IndexSum(A[k] * IndexSum(1 / A[k] * B[n], n), k)
    assert normal(expr) == K * IndexSum(B[Index("_1_0", N)], Index("_1_0", N))


# -- quotients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1 / (1 + 1 / (1 + exp(x))), (1 + exp(x)) / (2 + exp(x))),
        (exp((x**2 - y**2) / (x - y)), exp(x + y)),
        (log(1 + 1 / (1 + exp(x))), log(2 + exp(x)) - log(1 + exp(x))),
        (1 / (x * z - y * z), 1 / (z * (x - y))),
        (1 / (y - x), -1 / (x - y)),
        (tanh(1 / (x + 1) + 1 / (x - 1)), tanh(2 * x / (x**2 - 1))),
        (exp(tanh(6)), exp(1 - 2 / (1 + exp(12)))),
        (exp(sigmoid(x) + sigmoid(-x)), exp(1)),
        (1 / ((1 + exp(x)) * (2 + exp(x))), 1 / (1 + exp(x)) - 1 / (2 + exp(x))),
        (exp(exp(-x) / (1 + exp(x))), exp(exp(-x) - 1 / (1 + exp(x)))),
        (exp(exp(x - y) / (exp(x) + exp(y))), exp(exp(-y) - 1 / (exp(x) + exp(y)))),
        (sqrt(x**2 + 2 * x * y + y**2), sympy.Abs(x + y)),
        (sqrt(z**2 * x + z**2 * y), sympy.Abs(z) * sqrt(x + y)),
        (((1 + exp(x)) * y + 1 + exp(x)) ** Rational(1, 3), (1 + exp(x)) ** Rational(1, 3) * (1 + y) ** Rational(1, 3)),
        ((x + y) / sqrt(x + y), sqrt(x + y)),
        (sqrt(12), 2 * sqrt(3)),
        (sqrt(x * y) ** 3, x * y * sqrt(x * y)),
    ],
)
def test_a_quotient_or_root_has_one_form(left: Expr, right: Expr) -> None:
    assert normal(left) == normal(right)
    assert differs(left, right) == ""


def test_a_quotient_by_nothing_is_an_error_and_never_a_value() -> None:
    with pytest.raises(ZeroDivisionError):
        normal(1 / (x / (x + y) + y / (x + y) - 1))


def test_a_distributed_form_has_a_largest_size() -> None:
    factors = [Add(*(Tensor(f"v{place}")() for place in range(start, start + 12))) for start in range(0, 60, 12)]
    with pytest.raises(TooLargeError, match=f"more than {LARGEST} terms"):
        Normaliser().polynomial(sympy.Mul(*factors))
    assert not vanishes(Normaliser(generators=True), sympy.Mul(*factors) - 1)


# -- functions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (exp(x + y), exp(x) * exp(y)),
        (exp(2 * log(1 + exp(x))), (1 + exp(x)) ** 2),
        (exp(-log(IndexSum(exp(A[j]), j))), 1 / IndexSum(exp(A[j]), j)),
        (log(6 * exp(x)), log(2) + log(3) + x),
        (log(x**2), 2 * log(sympy.Abs(x))),
        (log(x**3), 3 * log(x)),
        (log(sqrt(1 + x**2)), log(1 + x**2) / 2),
        (log(x**2 * y), 2 * log(sympy.Abs(x)) + log(y)),
        (log(sympy.Abs(x * y)), log(sympy.Abs(x)) + log(sympy.Abs(y))),
        (log(1 / x**2 + 1), log(1 + x**2) - 2 * log(sympy.Abs(x))),
        (2**x * 2**y, 2 ** (x + y)),
        (4**x, 2 ** (2 * x)),
        ((1 + x**2) ** pi, exp(pi * log(1 + x**2))),
        (sympy.erf(y - x), -sympy.erf(x - y)),
        (tanh(x), 2 * sigmoid(2 * x) - 1),
        (sympy.Abs(x), x * sympy.sign(x)),
        (Maximum(x, y), Maximum(y, x)),
        (Maximum(x, y) + Minimum(x, y), x + y),
        (Maximum(x, y) * Minimum(x, y), x * y),
        (Maximum(x, 0), (x + sympy.Abs(x)) / 2),
        (Where(Bracket(">", x, y), x, y), Maximum(x, y)),
        (sympy.Abs(x) ** 3, x**2 * sympy.Abs(x)),
        (sqrt(sympy.Abs(x)) * sqrt(sympy.Abs(x)), sympy.Abs(x)),
        (1 / sympy.Abs(x), sympy.Abs(x) / x**2),
    ],
)
def test_functions_are_expressed_by_their_generators(left: Expr, right: Expr) -> None:
    assert normal(left) == normal(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sqrt(x**2), x),
        (log(x * y), log(x) + log(y)),
        (log(x**2), 2 * log(x)),
        (sqrt(x * y), sqrt(x) * sqrt(y)),
        (sqrt(-x) * sqrt(-y), sqrt(x * y)),
        (sympy.sign(x) ** 2, Integer(1)),
        (Bracket(">=", x, 0), Bracket(">", x, 0)),
        (Bracket(">", x * y, 0), Bracket(">", x, 0)),
        (exp(x) ** y, exp(x * y + 1)),
        (Maximum(x, y), Minimum(x, y)),
        (IndexMax(x * A[j], j), x * IndexMax(A[j], j)),
        (X[n, IndexArgmax(x**2 * A[j], j)], X[n, IndexArgmax(A[j], j)]),
    ],
)
def test_what_holds_only_for_some_values_is_not_used(left: Expr, right: Expr) -> None:
    assert normal(left) != normal(right)


# -- comparisons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Bracket(">", x, y), Bracket("<", y, x)),
        (Bracket(">", -x, 0), 1 - Bracket(">=", x, 0)),
        (Bracket(">", 2 * x, 2 * y), Bracket(">", x, y)),
        (Bracket(">", x * exp(y), 0), Bracket(">", x, 0)),
        (Bracket(">", x / y, 0), Bracket(">", x * y, 0)),
        (Bracket(">", x**3, 0), Bracket(">", x, 0)),
        (Bracket(">", x**2, 0), Bracket("!=", x, 0)),
        (Bracket("=", x**2 * y, 0), Bracket("=", x * y, 0)),
        (Bracket(">", exp(x), 0), Integer(1)),
        (Bracket(">", K, 0), Integer(1)),
        (Bracket(">", -1 - x**2, 0), Integer(0)),
        (Bracket(">=", sympy.Abs(x), 0), Integer(1)),
        (Bracket(">", sympy.Abs(x), 0), Bracket("!=", x, 0)),
        (Bracket(">", x, 0) * Bracket("=", x, 0), Integer(0)),
        (Bracket(">", x, 0) * Bracket("<", x, 0), Integer(0)),
        (x * Bracket("=", x, 0), Integer(0)),
        (Bracket(">", x, y) + Bracket("=", x, y) + Bracket("<", x, y), Integer(1)),
        (Bracket("!=", x, y), 1 - Bracket("=", x, y)),
        (Bracket(">", (x**2 - y**2) / (x - y), 0), Bracket(">", x + y, 0)),
    ],
)
def test_all_comparisons_are_with_zero_and_their_sign_is_chosen_once(left: Expr, right: Expr) -> None:
    assert normal(left) == normal(right)


# -- maxima -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (IndexMax(A[j] + x, j), x + IndexMax(A[j], j)),
        (IndexMax(3 * A[j], j), 3 * IndexMax(A[j], j)),
        (IndexMax(exp(x) * A[j], j), exp(x) * IndexMax(A[j], j)),
        (IndexMax(x, j), x),
        (IndexMax(IndexMax(W[i, j], j), i), IndexMax(IndexMax(W[i, j], i), j)),
        (X[n, IndexArgmax(2 * A[j] + x, j)], X[n, IndexArgmax(A[j], j)]),
        (X[n, IndexArgmax(x, j)], X[n, 0]),
        (A[IndexArgmax(A[j], j)], IndexMax(A[j], j)),
        (X[n, IndexArgmax(X[n, j], j)], IndexMax(X[n, j], j)),
    ],
)
def test_shifts_and_positive_factors_leave_a_maximum(left: Expr, right: Expr) -> None:
    assert normal(left) == normal(right)
    assert differs(left, right) == ""


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (IndexMax(-A[j], j), -IndexMax(A[j], j)),
        (X[n, IndexArgmax(-A[j], j)], X[n, IndexArgmax(A[j], j)]),
        (X[n, IndexArgmax(X[m, j], j)], IndexMax(X[n, j], j)),
        (IndexMax(W[i, i], i), IndexMax(IndexMax(W[i, j], j), i)),
    ],
)
def test_other_factors_do_not(left: Expr, right: Expr) -> None:
    assert normal(left) != normal(right)


# -- polynomials ------------------------------------------------------------------------------------------------------


def polynomial(expr: Expr) -> dict[frozenset[tuple[Expr, Rational]], Rational]:
    return Normaliser().polynomial(expr)


def test_content_is_taken_out_and_the_sign_depends_on_the_rest_alone() -> None:
    for multiple in (Integer(1), Integer(-6), x, x * y / 3, exp(z) / y):
        _, _, rest = split_content(polynomial(sympy.expand(multiple * (x * y - 2 * z))), positive=False)
        assert rest == split_content(polynomial(x * y - 2 * z), positive=False)[2]


def test_a_root_takes_out_what_is_positive_alone() -> None:
    content, common, rest = split_content(polynomial(4 * x * exp(y) + 6 * x * z * exp(y)), positive=True)
    assert content == 2
    assert common == frozenset({(exp(y), 1)})
    assert expression(rest) == 2 * x + 3 * x * z


def test_arithmetic_of_polynomials() -> None:
    poly = polynomial(x + y)
    assert add(poly, scale(poly, Integer(-1))) == {}
    assert scale(poly, Integer(0)) == {}
    assert number(Integer(0)) == {}
    assert expression({}) == 0
    assert common_factors(polynomial(x**2 * y + x * z)) == {x: 1}
    assert common_factors({}) == {}
    assert common_number(polynomial(4 * x / 3 + 2 * y)) == Rational(2, 3)
    assert divide(frozenset({(x, Integer(2))}), {x: Integer(2)}) == ONE


def test_factors_and_cofactors() -> None:
    factors = factors_of(polynomial(x**2 * z - y**2 * z + x - y))
    assert sorted(len(factor) for factor, _ in factors) == [2, 3]
    assert factors_of(polynomial(1 + exp(x))) == [(polynomial(1 + exp(x)), 1)]
    assert factors_of(polynomial(1 / x + y)) == [(polynomial(1 / x + y), 1)]
    assert bezout(polynomial(x + 1), polynomial(x**2 - 1)) is None
    assert bezout(polynomial(x + 1), polynomial(y)) is None
    first, second = bezout(polynomial(x + 2), polynomial(x**2)) or ({}, {})
    product = expression(first) * (x + 2) + expression(second) * x**2
    assert sympy.expand(product.subs(x, Integer(7))) == 1


# -- signs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "positive", "nonnegative"),
    [
        (exp(sqrt(x)), True, True),
        (1 + sqrt(x), True, True),
        (sqrt(x), False, True),
        (x**2, False, True),
        (x**3, False, False),
        (Pow(x, Rational(1, 3)), False, True),
        (Pow(x, y), False, False),
        (Maximum(x, 0), False, True),
        (Maximum(x, 1), True, True),
        (Minimum(exp(x), 1 + y**2), True, True),
        (Minimum(x, 1), False, False),
        (Where(Bracket(">", x, 0), exp(y), 2), True, True),
        (Where(Bracket(">", x, 0), exp(y), 0), False, True),
        (IndexSum(exp(sqrt(A[j])), j), True, True),
        (IndexMax(A[j] ** 2, j), False, True),
        (sympy.Abs(x), False, True),
        (K, True, True),
        (LABELS[n], False, True),
        (x * y, False, False),
        (exp(x) * K, True, True),
    ],
)
def test_signs_are_known_where_an_expression_is_defined(expr: Expr, positive: bool, nonnegative: bool) -> None:
    assert is_positive(expr) == positive
    assert is_nonnegative(expr) == nonnegative


def test_the_absolute_value_of_what_has_a_sign_is_itself() -> None:
    assert absolute(exp(sqrt(x))) == exp(sqrt(x))
    assert absolute(x) == sympy.Abs(x)


def test_single_atoms_and_sizes() -> None:
    assert single(x) == {frozenset({(x, Integer(1))}): 1}
    assert set(SIZES) == {N, K}
    assert isinstance(X[n, k], Element)
