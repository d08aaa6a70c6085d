"""The evaluator: the independent witness must itself be right, exact at ties, and say where there is no value."""

from __future__ import annotations

import random

import pytest
import sympy
from expressions import LABELS, A, B, K, N, S, W, X, assignment, i, j, k, n
from sympy import Expr, Integer, Rational, erf, exp, log, sqrt, tanh

from derive.definitions import Definition
from derive.errors import InputError, UnsupportedError
from derive.evaluation import Assignment
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Tensor
from derive.precision import UndefinedError, compare, context
from derive.sampling import sample
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial

u, v = Tensor("u")(), Tensor("v")()


def here(**values: object) -> Assignment:
    """Two rows, three columns, a = (1, 4, 2), b = (10, 20), t = (2, 0), x = 1..6, and scalars by name."""
    numbers = {
        A: {(0,): 1, (1,): 4, (2,): 2},
        B: {(0,): 10, (1,): 20},
        LABELS: {(0,): 2, (1,): 0},
        X: {(row, column): 1 + 3 * row + column for row in range(2) for column in range(3)},
    }
    scalars = {Tensor(name): {(): context.mpf(value)} for name, value in values.items()}
    return Assignment({N: 2, K: 3}, {**numbers, **scalars})


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (X[n, k], 6),
        (X[n, LABELS[n]], 4),
        (A[1] - A[0], 3),
        (n + 2 * k, 5),
        (N * K, 6),
        (IndexSum(A[j], j), 7),
        (IndexSum(X[n, j] * A[j], j), 4 + 20 + 12),
        (IndexSum(B[n] * A[j], j, n), 210),
        (IndexMax(A[j], j), 4),
        (X[n, IndexArgmax(A[j], j)], 5),
        (X[n, IndexArgmax(-A[j], j)], 4),
        (IndexArgmax(Integer(1), j), 0),
        (Delta(LABELS[n], 0), 1),
        (Delta(k, LABELS[n]), 0),
        (Bracket(">", A[0], 1), 0),
        (Bracket(">=", A[0], 1), 1),
        (Bracket("!=", A[0], A[1]), 1),
        (Maximum(A[0], A[1]), 4),
        (Minimum(A[0], A[1]), 1),
        (Where(Bracket(">", A[0], 2), 1 / (A[0] - 1), 7), 7),
        (sympy.Abs(A[0] - A[1]), 3),
        (sympy.sign(A[0] - A[1]), -1),
        (Rational(1, 3) * 3, 1),
        (Integer(0) ** Integer(0), 1),
        (A[1] ** Rational(1, 2), 2),
        ((-A[1]) ** 3, -64),
    ],
)
def test_values(expr: Expr, value: int) -> None:
    assert here().value(sympy.sympify(expr), {n: 1, k: 2}) == value


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (exp(u), "e"),
        (log(exp(1) * u), 1),
        (tanh(u), "tanh1"),
        (erf(u), "erf1"),
        (sympy.pi * u, "pi"),
        (2 ** sqrt(u), 2),
    ],
)
def test_functions_are_evaluated_with_sixty_digits(expr: Expr, value: object) -> None:
    known = {"e": context.e, "pi": context.pi, "tanh1": context.tanh(1), "erf1": context.erf(1)}
    expected = known.get(str(value), value)
    assert abs(here(u=1).value(expr) - expected) < context.mpf(10) ** -58


# -- no value ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expr",
    [
        1 / u,
        log(u),
        log(u - 1),
        sqrt(u - 1),
        (u - 1) ** Rational(1, 3),
        1 / (log(exp(v)) - v),
        1 / (sqrt(v) ** 2 - v),
        u**-v,
        A[5] * v,
        exp(exp(exp(exp(v + 1)))),
        v ** (10**7 * v),
        sympy.zoo * v,
        sympy.I * v,
        W[0, 0] ** 0 / Delta(0, LABELS[n]),
    ],
)
def test_what_has_no_value_says_so(expr: Expr) -> None:
    with pytest.raises(UndefinedError):
        here(u=0, v=3).value(expr, {n: 0, k: 0})


def test_a_choice_does_not_look_at_what_it_does_not_choose() -> None:
    expr = Where(Bracket(">", u, 0), log(u), 1 / v)
    assert here(u=0, v=2).value(expr) == context.mpf(1) / 2
    with pytest.raises(UndefinedError):
        here(u=0, v=0).value(expr)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (W[0, 0], "no number was given for w"),
        (Tensor("o", (sympy.Symbol("M"),))[0] + sympy.Symbol("M"), "no number was given for"),
        (X[n, k], "no position was given for the index n"),
    ],
)
def test_what_was_not_given_is_the_caller_s_mistake(expr: Expr, message: str) -> None:
    with pytest.raises(InputError, match=message):
        here().value(expr, {k: 0})


@pytest.mark.parametrize("exponent", [Rational(1, 3), Rational(3, 2)])
def test_the_real_part_of_a_root_is_undefined_where_the_root_is(exponent: Rational) -> None:
    part = sympy.Abs(exp(u**exponent))
    assert part.atoms(sympy.atan2), "SymPy writes it without complex numbers now, and the rule for it may go"
    assert abs(here(u=4).value(part) - here(u=4).value(exp(u**exponent))) < context.mpf(10) ** -50
    with pytest.raises(UndefinedError, match="a root of a negative number"):
        here(u=-4).value(part)


def test_long_numbers_are_rounded() -> None:
    large, small = Integer(3) ** 200_000, Rational(1, 7**200_000)
    assert here(u=2).value(large * u / (large * 2)) == 1
    ratio = here(u=1).value(sympy.Mul(large, small * u, evaluate=False))
    assert abs(context.log(ratio) - 200_000 * context.log(context.mpf(3) / 7)) < context.mpf(10) ** -40


def test_an_unknown_function_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="gamma"):
        here(u=1).value(sympy.gamma(u))


# -- ties -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0.1", "2", "3.7", "-1.3"])
def test_a_tie_that_was_computed_is_a_tie(value: str) -> None:
    at = here(u=value, v=value)
    same = log(exp(u))
    cubed = ((u + 1) ** 3 - 1) / 3
    assert at.value(Bracket("=", sympy.Add(same, cubed, evaluate=False), cubed + v)) == 1
    assert at.value(Bracket(">", exp(u) * exp(v) / exp(v), exp(v))) == 0
    assert at.value(Bracket(">=", 2 * tanh(u) / 2, 1 - 2 / (1 + exp(2 * v)))) == 1
    assert at.value(sympy.sign(tanh(u) - 1 + 2 / (1 + exp(2 * v)))) == 0


def test_positions_are_rounded_and_not_cut() -> None:
    unit = IndexSum(exp(A[i]) / IndexSum(exp(A[j]), j), i)
    assert here().value(A[LABELS[n] * unit], {n: 0}) == 2
    assert here().value(Delta(LABELS[n] * unit, 2), {n: 0}) == 1


def test_a_position_between_two_is_none() -> None:
    with pytest.raises(UndefinedError):
        here(u=1).value(A[u / 2])


def test_the_first_of_computed_maxima_is_taken() -> None:
    at = here(u="0.1")
    at.values[A] = {(0,): 1, (1,): context.mpf("0.1"), (2,): 3}
    computed = Where(Bracket(">", A[j], 2), exp(u), Where(Bracket(">", A[j], 0.5), 0, exp(3 * u) / exp(2 * A[j])))
    assert at.value(IndexArgmax(computed, j)) == 1


@pytest.mark.parametrize(("left", "right", "sign"), [(1, 2, -1), (2, 1, 1), ("1e-50", 0, 0), ("1e30", "1.1e30", -1)])
def test_comparison(left: object, right: object, sign: int) -> None:
    assert compare(context.mpf(left), context.mpf(right)) == sign


# -- derivatives ------------------------------------------------------------------------------------------------------


def test_a_partial_derivative_is_a_difference_quotient() -> None:
    assert abs(here(u=3).value(Partial(u**3, u)) - 27) < 1e-20
    assert abs(here(u=3).value(Partial(Partial(u**3, u), u)) - 18) < 1e-10
    assert abs(here().value(Partial(IndexSum(A[j] ** 2, j), A[k]), {k: 1}) - 8) < 1e-20


@pytest.mark.parametrize("expr", [Maximum(u, 0), sympy.Abs(u), sympy.sign(u), Bracket(">", u, 0), Minimum(u, u / 2)])
def test_there_is_no_derivative_at_a_kink(expr: Expr) -> None:
    with pytest.raises(UndefinedError, match="kink"):
        here(u=0).value(Partial(expr, u))
    here(u="0.5").value(Partial(expr, u))


def test_other_names_are_held_in_the_derivative_of_an_expression_and_not_in_that_of_a_name() -> None:
    square, cube = Tensor("square"), Tensor("cube")
    definitions = {square: Definition(square(), u**2), cube: Definition(cube(), u * square())}
    at = Assignment({}, {Tensor("u"): {(): context.mpf(2)}}, definitions)
    assert abs(at.value(Partial(u * square(), u)) - 4) < 1e-20
    assert abs(at.value(Partial(cube(), u)) - 12) < 1e-20
    assert abs(at.value(Partial(cube(), square())) - 2) < 1e-20


def test_defined_tensors_are_computed_when_asked_for_and_forgotten_when_told() -> None:
    double = Tensor("double", (K,))
    at = here()
    at.definitions[double] = Definition(double[k], 2 * A[k])
    assert at.value(IndexSum(double[j], j)) == 14
    at.values[A] = {(0,): 0, (1,): 0, (2,): 1}
    at.forget()
    assert at.value(IndexSum(double[j], j)) == 2


# -- drawing values ---------------------------------------------------------------------------------------------------


def test_values_are_drawn_in_their_interval_and_labels_among_their_positions() -> None:
    drawn = sample([X, A, LABELS], {N: 4, K: 7}, random.Random(1), {"x": (0.25, 0.75)})
    assert set(drawn[X]) == {(row, column) for row in range(4) for column in range(7)}
    assert all(0.25 < value < 0.75 for value in drawn[X].values())
    assert all(-2 < value < 2 for value in drawn[A].values())
    assert set(drawn[LABELS].values()) <= set(range(7))
    assert all(value * 64 == int(value * 64) for value in drawn[X].values())


def test_values_are_as_short_as_the_interval_allows_and_different_from_each_other() -> None:
    bounds = {"x": (-2.0, 2.0), "a": (0.0, 1.0), "b": (0.25, 0.75), "w": (0.1, 0.2)}
    drawn = sample([X, A, B, W], {N: 3, K: 4}, random.Random(1), bounds)
    for tensor, grain in ((X, 8), (A, 8), (B, 64), (W, 4096)):
        numbers = list(drawn[tensor].values())
        assert all(value * grain == int(value * grain) for value in numbers), tensor.name
        assert len(set(numbers)) == len(numbers), tensor.name
    assert any(value * 64 != int(value * 64) for value in drawn[W].values())
    many = sample([X], {N: 3, K: 4}, random.Random(1), {"x": (0.0, 1.0)})[X].values()
    assert len(set(many)) == 12
    assert any(value * 8 != int(value * 8) for value in many)
    assert len(sample([X], {N: 60, K: 60}, random.Random(1), {"x": (0.0, 0.5)})[X]) == 3600


def test_whole_values_have_ties() -> None:
    drawn = sample([X], {N: 5, K: 7}, random.Random(1), whole=True)
    assert set(drawn[X].values()) <= {-2, -1, 0, 1, 2}
    assert len(set(drawn[X].values())) > 1


def test_positive_values_are_positive() -> None:
    drawn = sample([X, S], {N: 5, K: 7}, random.Random(1), positive=True)
    assert all(value > 0 for tensor in drawn.values() for value in tensor.values())


def test_drawing_is_the_same_for_the_same_seed() -> None:
    assert assignment(5).values == assignment(5).values
    assert assignment(5).values != assignment(6).values
