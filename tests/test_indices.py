"""Sizes, indices, tensors, elements, and the two indicators."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest
import sympy
from expressions import LABELS, A, B, K, N, S, W, X, i, j, k, m, n
from sympy import Integer, sqrt

from derive.errors import InputError
from derive.indicators import Bracket, Delta
from derive.indices import GRADIENT, Element, Index, extent, size
from derive.sums import IndexArgmax


def test_a_size_is_a_positive_integer() -> None:
    assert size("N").is_integer
    assert size("N").is_positive
    assert size("N") == size("N")


def test_an_index_is_its_name_and_its_size() -> None:
    assert Index("k", K) == Index("k", K)
    assert Index("k", K) != Index("k", N)
    assert Index("k", K) != Index("j", K)
    assert (k.name, k.size) == ("k", K)
    assert k.renamed("q") == Index("q", K)


def test_an_index_counts_from_zero() -> None:
    assert k.is_integer
    assert k.is_nonnegative
    assert k.is_positive is None


def test_an_element_has_one_index_an_axis() -> None:
    assert X[n, k].indices == (n, k)
    assert S().indices == ()
    with pytest.raises(InputError, match="x has 2 axes and was given 1 indices"):
        X[n]
    with pytest.raises(InputError, match="s has 0 axes and was given 1 indices"):
        S(k)


def test_elements_are_real_and_labels_are_positions() -> None:
    assert X[n, k].is_real
    assert X[n, k].is_positive is None
    assert X[n, k].is_integer is None
    assert LABELS[n].is_integer
    assert LABELS[n].is_nonnegative


def test_a_gradient_is_a_tensor_of_the_same_name_and_shape() -> None:
    gradient = X.gradient()
    assert (gradient.name, gradient.sizes, gradient.role) == ("x", (N, K), GRADIENT)
    assert gradient != X
    assert gradient[n, k] != X[n, k]
    assert LABELS.gradient().values is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [(k, K), (n, N), (LABELS[n], K), (IndexArgmax(A[j], j), K), (Integer(3), None), (k + 1, None), (A[k], None)],
)
def test_extent_is_the_size_an_index_expression_runs_over(where: sympy.Expr, expected: sympy.Expr | None) -> None:
    assert extent(where) == expected


# -- delta ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "value"),
    [(n, n, 1), (n, n + 1, 0), (2, 2, 1), (0, 1, 0), (LABELS[n], LABELS[n], 1), (k + 1, k + 1, 1)],
)
def test_a_delta_of_known_difference_is_a_number(left: sympy.Expr, right: sympy.Expr, value: int) -> None:
    assert Delta(left, right) == value


@pytest.mark.parametrize(("left", "right"), [(n, m), (n, k), (LABELS[n], LABELS[m]), (k, 5), (k, LABELS[n])])
def test_a_delta_is_symmetric_and_its_own_square(left: sympy.Expr, right: sympy.Expr) -> None:
    delta = Delta(left, right)
    assert isinstance(delta, Delta)
    assert delta == Delta(right, left)
    assert delta**2 == delta
    assert sqrt(delta) == delta
    assert 1 / delta != delta
    assert delta.is_nonnegative


# -- brackets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "left", "right", "value"),
    [
        (">", 2, 1, 1),
        (">", 1, 1, 0),
        (">=", 1, 1, 1),
        ("<", 1, 2, 1),
        ("<=", 2, 1, 0),
        ("=", sympy.Rational(1, 2), sympy.Rational(2, 4), 1),
        ("!=", 3, 3, 0),
        (">", sympy.pi, 3, 1),
        ("=", sqrt(2) * sqrt(3), sqrt(6), 1),
        (">=", sqrt(2) + sqrt(3), sqrt(5 + 2 * sqrt(6)), 1),
        (">", sqrt(2) + sqrt(3), sqrt(5 + 2 * sqrt(6)), 0),
    ],
)
def test_a_comparison_of_numbers_is_a_number(relation: str, left: sympy.Expr, right: sympy.Expr, value: int) -> None:
    assert Bracket(relation, left, right) == value


def test_less_is_greater_turned_round() -> None:
    assert Bracket("<", S(), A[k]) == Bracket(">", A[k], S())
    assert Bracket("<=", S(), A[k]) == Bracket(">=", A[k], S())


@pytest.mark.parametrize("relation", ["=", "!="])
def test_equality_is_symmetric(relation: str) -> None:
    assert Bracket(relation, S(), A[k]) == Bracket(relation, A[k], S())


def test_a_bracket_is_its_own_square() -> None:
    bracket = Bracket(">", S(), 0)
    assert bracket**2 == bracket
    assert bracket**-1 != bracket


@pytest.mark.parametrize(("relation", "value"), [(">", 0), (">=", 1), ("=", 1), ("!=", 0)])
def test_a_number_compared_with_itself(relation: str, value: int) -> None:
    assert Bracket(relation, A[k], A[k]) == value


def test_what_is_not_a_real_number_is_not_compared() -> None:
    assert isinstance(Bracket(">", sympy.zoo, S()), Bracket)
    assert isinstance(Bracket(">", sympy.I, 0), Bracket)


def test_unknown_comparisons_are_refused() -> None:
    with pytest.raises(InputError, match="unknown comparison '~'"):
        Bracket("~", S(), 0)


# -- SymPy's habits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", [k, X[n, k], Delta(n, m), Bracket(">", S(), 0), W[i, i]])
def test_nodes_are_rebuilt_from_their_arguments(node: sympy.Expr) -> None:
    assert node.func(*node.args) == node
    assert hash(node.func(*node.args)) == hash(node)
    assert pickle.loads(pickle.dumps(node)) == node
    assert sympy.simplify(node) == node


@pytest.mark.parametrize("node", [k, X[n, k], Delta(n, m), Bracket(">", S(), 0)])
def test_sympy_s_derivative_is_refused_by_name(node: sympy.Expr) -> None:
    with pytest.raises(InputError, match=r"use derive\.differentiate or derive\.jacobian"):
        node._eval_derivative(S())


def test_numbers_that_python_calls_equal_stay_apart() -> None:
    first, second = X[0, k], X[sympy.Integer(1), k]
    assert first != second
    assert X[0, k] == X[sympy.Integer(0), k]
    assert B[0] != B[False + 1]


def test_a_large_expression_is_built_without_being_printed() -> None:
    tracemalloc.start()
    total = sympy.Add(*(X[place, k] * A[k] for place in range(2000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(total.args) == 2000
    assert peak < 30e6


def test_an_element_shows_itself() -> None:
    assert str(X[n, LABELS[n]]) == "x[n,t[n]]"
    assert repr(Element(S)) == "s"
