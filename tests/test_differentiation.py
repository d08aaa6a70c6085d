"""Differentiation: against central differences, once and twice, and rule by rule."""

from __future__ import annotations

import pytest
import sympy
from expressions import (
    LABELS,
    A,
    B,
    Drawn,
    K,
    Maker,
    N,
    S,
    Seeded,
    Source,
    W,
    X,
    Y,
    assignment,
    choices,
    differs,
    i,
    index_expressions,
    is_small,
    j,
    k,
    l,
    m,
    n,
    value_at,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Integer, erf, exp, log, sign, sqrt, tanh

from derive.differentiation import CONSTANTS_RULE, ELEMENT_RULE, RULES, advance, differentiate
from derive.errors import ImpossibleError, UnsupportedError
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant, matrix
from derive.proof import is_zero
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices

u, v = Tensor("u")(), Tensor("v")()
MATRIX = matrix(W[i, j], i, j)
WITH_RESPECT_TO = [X[m, j], X[n, k], X[n, j], A[j], A[k], B[n], B[m], S(), W[i, j], W[k, l], X[0, j]]


def assert_derivative(expr: Expr, element: Element, derivative: Expr, seed: int = 0) -> None:
    """Compare with the difference quotient that the evaluator computes by itself."""
    quotient = Partial(expr, element)
    here = assignment(seed)
    everywhere = list(here.places(sorted(free_indices(quotient), key=lambda index: index.name)))
    for places in everywhere[:: max(1, len(everywhere) // 8)]:
        expected, actual = value_at(quotient, here, places), value_at(derivative, here, places)
        if expected is not None and actual is not None:
            assert abs(expected - actual) <= 1e-8 * (1 + abs(expected)), f"{expr} by {element} at {places}"


# -- against differences ----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, derandomize=True)
@given(index_expressions(), choices(), st.integers(0, 1000))
def test_a_derivative_is_the_limit_of_differences(expr: Expr, source: Source, seed: int) -> None:
    element = source.pick(WITH_RESPECT_TO)
    assert_derivative(expr, element, differentiate(expr, element), seed)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(index_expressions(depth=2, smooth=True), choices(), st.integers(0, 1000))
def test_a_second_derivative_is_the_limit_of_differences_of_the_first(expr: Expr, source: Source, seed: int) -> None:
    first, second = source.pick(WITH_RESPECT_TO), source.pick([X[n, l], A[i], S(), W[k, l]])
    once = differentiate(expr, first)
    if is_small(once, 300):
        assert_derivative(once, second, differentiate(once, second), seed)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(index_expressions(depth=2, smooth=True))
def test_second_derivatives_commute(expr: Expr) -> None:
    one, two = X[m, j], A[i]
    assert is_zero(differentiate(differentiate(expr, one), two) - differentiate(differentiate(expr, two), one))


def test_a_wrong_derivative_is_told() -> None:
    with pytest.raises(AssertionError):
        assert_derivative(A[k] ** 2, A[j], 3 * A[k] * Delta(j, k))


# -- rule by rule -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "element", "expected"),
    [
        (X[n, k], X[m, j], Delta(n, m) * Delta(j, k)),
        (X[n, k], Y[n, k], 0),
        (X[n, LABELS[n]], X[m, j], Delta(n, m) * Delta(j, LABELS[n])),
        (X[0, k], X[n, j], Delta(0, n) * Delta(j, k)),
        (u, u, 1),
        (u * v, u, v),
        (3 * u, u, 3),
        (N * u + K, u, N),
        (u / v, u, 1 / v),
        (u / v, v, -u / v**2),
        (u**3, u, 3 * u**2),
        (sqrt(u), u, 1 / (2 * sqrt(u))),
        (2**u, u, 2**u * log(2)),
        (u**v, v, u**v * log(u)),
        (exp(2 * u), u, 2 * exp(2 * u)),
        (log(u), u, 1 / u),
        (tanh(u), u, 1 - tanh(u) ** 2),
        (sympy.sin(2 * u), u, 2 * sympy.cos(2 * u)),
        (sympy.cos(u), u, -sympy.sin(u)),
        (sympy.tan(u), u, 1 / sympy.cos(u) ** 2),
        (sympy.asin(u), u, 1 / sqrt(1 - u**2)),
        (sympy.acos(u), u, -1 / sqrt(1 - u**2)),
        (sympy.atan(u), u, 1 / (1 + u**2)),
        (sympy.sinh(u), u, sympy.cosh(u)),
        (sympy.cosh(u), u, sympy.sinh(u)),
        (erf(u), u, 2 * exp(-(u**2)) / sqrt(sympy.pi)),
        (sympy.Abs(u), u, sign(u)),
        (sign(u), u, 0),
        (Maximum(u, v), u, Bracket(">", u, v)),
        (Maximum(u, v), v, Bracket("<=", u, v)),
        (Minimum(u, v), u, Bracket("<", u, v)),
        (Minimum(u, v), v, Bracket(">=", u, v)),
        (Where(Bracket(">", u, v), u**2, v), u, Where(Bracket(">", u, v), 2 * u, 0)),
        (Where(Bracket(">", u, 0), 1, v), u, 0),
        (Bracket(">", u, 0), u, 0),
        (Delta(n, m) * u, u, Delta(n, m)),
        (IndexSum(A[k] ** 2, k), A[k], 2 * A[k]),
        (IndexSum(A[k] * A[j], j, k), A[k], 2 * IndexSum(A[j], j)),
        (IndexMax(A[k], k), A[j], Delta(j, IndexArgmax(A[k], k))),
        (IndexMax(A[k] ** 2, k), A[j], 2 * A[IndexArgmax(A[k] ** 2, k)] * Delta(j, IndexArgmax(A[k] ** 2, k))),
        (Inverse(MATRIX, j, k), W[l, i], -Inverse(MATRIX, j, l) * Inverse(MATRIX, i, k)),
        (LogDeterminant(MATRIX), W[l, i], Inverse(MATRIX, i, l)),
        (Determinant(MATRIX), W[l, i], Determinant(MATRIX) * Inverse(MATRIX, i, l)),
        (Inverse(MATRIX, j, k), A[l], 0),
        (X[n, IndexArgmax(A[k], k)], A[j], 0),
        (X[n, IndexArgmax(A[k], k)], X[m, j], Delta(n, m) * Delta(j, IndexArgmax(A[k], k))),
    ],
)
def test_rules(expr: Expr, element: Element, expected: Expr) -> None:
    assert is_zero(differentiate(expr, element) - expected)


def test_every_rule_is_tested_with_a_derivative_that_is_not_zero_or_is_one_of_the_constants() -> None:
    """The rows above go through every kind of node that has a rule."""
    kinds = {
        sympy.Pow,
        exp,
        log,
        *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan),
        *(sympy.sinh, sympy.cosh, tanh),
        erf,
        sympy.Abs,
        Maximum,
        Minimum,
        Where,
        IndexMax,
        sign,
        Delta,
        Bracket,
    }
    assert set(RULES) == kinds | {IndexArgmax, Inverse, Determinant, LogDeterminant}


def test_a_maximum_over_two_indices_takes_the_first_position_of_each() -> None:
    expr = IndexMax(W[i, j], i, j)
    derivative = differentiate(expr, W[k, l])
    assert_derivative(expr, W[k, l], derivative)
    assert differs(IndexSum(derivative, k, l), Integer(1)) == ""


def test_the_gradient_of_tied_maxima_goes_to_the_first() -> None:
    derivative = differentiate(IndexMax(A[k], k), A[j])
    here = assignment(0)
    here.values[A] = {(0,): 1, (1,): 2, (2,): 2}
    assert [here.value(derivative, {j: place}) for place in range(3)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("expr", "at_zero"),
    [
        (Maximum(u, 0), 0),
        (Maximum(0, u), 0),
        (Minimum(u, 0), 0),
        (sympy.Abs(u), 0),
        (Maximum(u, u / 10), sympy.Rational(1, 10)),
        (Where(Bracket(">", u, 0), u, 0), 0),
        (Where(Bracket(">=", u, 0), u, 0), 1),
        (Maximum(Minimum(u, 6), 0), 0),
    ],
)
def test_the_side_of_a_kink_is_the_declared_one(expr: Expr, at_zero: Expr) -> None:
    here = assignment(0)
    here.values[Tensor("u")] = {(): 0}
    assert here.value(differentiate(expr, u)) == here.value(sympy.sympify(at_zero))


# -- what can not be differentiated -----------------------------------------------------------------------------------


def test_there_is_no_derivative_by_a_label() -> None:
    with pytest.raises(ImpossibleError, match="t holds integers"):
        differentiate(X[n, LABELS[n]], LABELS[m])


def test_a_node_without_a_rule_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="no rule to differentiate gamma"):
        differentiate(sympy.gamma(u), u)


# -- step by step -----------------------------------------------------------------------------------------------------


def test_derivatives_advance_one_rule_at_a_time_and_elements_come_last() -> None:
    expr: Expr = Partial(exp(A[k]) / IndexSum(exp(A[j]), j), A[i])
    rules = []
    while expr.atoms(Partial):
        expr, names = advance(expr)
        rules.append(names)
    assert rules[0] == ("quotient rule",)
    assert rules[-1] == (ELEMENT_RULE,)
    assert differs(expr, differentiate(exp(A[k]) / IndexSum(exp(A[j]), j), A[i])) == ""


def test_a_sum_with_one_term_that_varies_is_told_from_the_sum_rule() -> None:
    assert advance(Partial(2 * A[k] + B[k], A[i]))[1] == (CONSTANTS_RULE,)
    assert advance(Partial(1 + exp(A[k]), A[i]))[1] == (CONSTANTS_RULE, "derivative of exp")
    assert advance(Partial(IndexSum(A[k] * B[k], k) + B[j], A[i]))[1] == (CONSTANTS_RULE, "sum rule")
    assert advance(Partial(A[k] + exp(A[k]) + B[k], A[i]))[1] == ("sum rule", "derivative of exp")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(index_expressions(depth=2), st.data())
def test_every_step_on_the_way_has_the_value_of_the_first(expr: Expr, data: st.DataObject) -> None:
    element = Drawn(data.draw).pick(WITH_RESPECT_TO)
    current: Expr = Partial(expr, element)
    while current.atoms(Partial):
        current, _ = advance(current)
        assert_derivative(expr, element, current)


def test_the_element_s_index_is_not_captured() -> None:
    """The derivative of sum_k a[k] by a[k] is 1, not K."""
    assert is_zero(differentiate(IndexSum(A[k], k), A[k]) - 1)
    assert is_zero(differentiate(IndexSum(W[i, k] * A[k], k), A[k]) - W[i, k])


def test_generated_expressions_have_kinks_and_binders() -> None:
    """The generator must reach every node, or the tests above say little."""
    met: set[type] = set()
    for seed in range(400):
        met |= {type(node) for node in sympy.preorder_traversal(Maker(Seeded(seed)).expression(3))}
    assert {IndexSum, IndexMax, IndexArgmax, Maximum, Minimum, Where, Bracket, Delta, Index, sign, sympy.Abs} <= met
