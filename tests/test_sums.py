"""Binders, and substitution that never captures."""

from __future__ import annotations

import pytest
import sympy
from expressions import (
    LABELS,
    A,
    K,
    Maker,
    N,
    S,
    Seeded,
    W,
    X,
    assignment,
    differs,
    i,
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

from derive.canonical import canonical
from derive.errors import InputError
from derive.indicators import Delta
from derive.indices import Index, Tensor, size
from derive.sums import (
    Binder,
    IndexArgmax,
    IndexMax,
    IndexSum,
    Partial,
    all_indices,
    free_indices,
    fresh_index,
    rename_tensors,
    rewrite,
    substitute,
    tensors_in,
)

BINDERS = [IndexSum, IndexMax, IndexArgmax]


# -- construction -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binder", BINDERS)
def test_a_binder_needs_an_index(binder: type[Binder]) -> None:
    with pytest.raises(InputError):
        binder(A[k])


@pytest.mark.parametrize("binder", BINDERS)
def test_a_binder_binds_indices_only(binder: type[Binder]) -> None:
    with pytest.raises(InputError, match="binds indices, not 3"):
        binder(A[k], sympy.Integer(3))


@pytest.mark.parametrize("binder", [IndexSum, IndexMax])
def test_a_binder_does_not_take_an_index_twice(binder: type[Binder]) -> None:
    with pytest.raises(InputError, match="was given the index k twice"):
        binder(A[k], k, k)


def test_the_position_of_a_maximum_is_over_one_index() -> None:
    with pytest.raises(InputError, match="over one index, not 2"):
        IndexArgmax(W[i, j], i, j)


def test_a_sum_of_nothing_is_nothing_and_of_one_is_not_one() -> None:
    assert IndexSum(0, k) == 0
    assert IndexSum(1, k) != 1


def test_the_order_of_a_sum_s_indices_carries_no_meaning() -> None:
    assert IndexSum(W[i, j], i, j) == IndexSum(W[i, j], j, i)


def test_a_sum_of_a_sum_is_one_sum() -> None:
    assert IndexSum(IndexSum(W[i, j], j), i) == IndexSum(W[i, j], i, j)


def test_a_sum_of_a_sum_over_the_same_letter_keeps_both_sums() -> None:
    both = IndexSum(IndexSum(A[k], k), k)
    assert len(both.bound) == 2
    assert not differs(both, K * IndexSum(A[k], k))


def test_indices_of_one_name_over_two_sizes_are_two() -> None:
    first, second = Index("q", N), Index("q", K)
    total = IndexSum(X[first, second], first, second)
    assert not differs(total, IndexSum(X[m, l], m, l))
    assert canonical(total) == canonical(IndexSum(X[m, l], l, m))
    body, bound = total.opened(())
    assert len({index.name for index in bound}) == 2
    assert not differs(IndexSum(body, *bound), total)


@pytest.mark.parametrize(
    ("body", "positive", "nonnegative"),
    [(sympy.exp(A[k]), True, True), (A[k] ** 2, None, True), (A[k], None, None), (Delta(j, k), None, True)],
)
def test_what_is_said_of_the_sign_of_a_sum_and_a_maximum(
    body: sympy.Expr, positive: bool | None, nonnegative: bool | None
) -> None:
    for binder in (IndexSum, IndexMax):
        assert binder(body, k).is_positive == positive
        assert binder(body, k).is_nonnegative == nonnegative


def test_free_and_bound_indices() -> None:
    nested = IndexSum(X[n, k] * IndexMax(W[j, k] * A[LABELS[m]], j), k)
    assert free_indices(nested) == {n, m}
    assert all_indices(nested) == {n, m, j, k}
    assert tensors_in(nested) == {X, W, A, LABELS}
    assert free_indices(A[k] + IndexSum(A[k], k)) == {k}


def test_a_partial_binds_nothing() -> None:
    assert free_indices(Partial(IndexSum(A[k], k), A[j])) == {j}
    with pytest.raises(InputError, match="with respect to an element"):
        Partial(A[k], A[k] + 1)


# -- fresh names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [("k", "", "k"), ("k", "k", "j"), ("k", "kj", "l"), ("n", "n", "m"), ("q", "q", "q1"), ("q1", ["q1"], "q2")],
)
def test_fresh_names_are_those_of_textbooks(name: str, taken: str | list[str], expected: str) -> None:
    assert fresh_index(Index(name, K), list(taken)).name == expected


def test_when_the_letters_run_out_names_are_numbered() -> None:
    assert fresh_index(k, list("kjli")).name == "k1"
    assert fresh_index(k, [*"kjli", "k1", "k2"]).name == "k3"


# -- substitution -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binder", BINDERS)
def test_an_index_that_arrives_is_not_captured(binder: type[Binder]) -> None:
    for result in (substitute(binder(W[i, k], k), {i: k}), binder(W[i, k], k).subs(i, k)):
        assert canonical(result) == canonical(binder(W[k, j], j))
        assert free_indices(result) == {k}


@pytest.mark.parametrize("binder", BINDERS)
def test_a_bound_index_is_not_replaced(binder: type[Binder]) -> None:
    node = binder(A[k], k)
    for result in (substitute(node, {k: j}), node.subs(k, j), node.xreplace({k: j}), node.subs(A[k], S())):
        assert result == node


def test_substitution_is_at_once() -> None:
    swapped = substitute(W[i, j] * IndexSum(W[i, k] * W[k, j], k), {i: j, j: i})
    assert canonical(swapped) == canonical(W[j, i] * IndexSum(W[j, k] * W[k, i], k))
    total = IndexSum(A[k] * X[n, k] - X[m, k], k)
    assert canonical(total.xreplace({n: m, m: n})) == canonical(IndexSum(A[k] * X[m, k] - X[n, k], k))


def test_a_chain_of_captures() -> None:
    """sum_j sum_k w[j,k] w[i,j]: i becomes j, which becomes another letter, which must not be k."""
    result = substitute(IndexSum(W[i, j] * IndexMax(W[j, k] * W[i, k], k), j), {i: j})
    assert canonical(result) == canonical(IndexSum(W[j, l] * IndexMax(W[l, k] * W[j, k], k), l))


def test_an_index_expression_may_arrive() -> None:
    result = substitute(IndexSum(X[n, k] * Delta(k, j), n), {k: LABELS[n]})
    assert canonical(result) == canonical(IndexSum(X[m, LABELS[n]] * Delta(LABELS[n], j), m))


def test_a_size_is_replaced_in_the_body_and_in_the_bound_index() -> None:
    halved = IndexSum(A[k], k).subs(K, 3)
    assert free_indices(halved) == frozenset()
    assert halved.bound[0].size == 3


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_substitution_renames_and_evaluates_alike(seed: int) -> None:
    """The value at n = m of an expression is the value of the expression with m for n."""
    source = Seeded(seed)
    expr = Maker(source).expression(3)
    if not is_small(expr, 80):
        expr = IndexSum(X[n, k] * X[m, k], k)
    mapping = {n: source.pick([m, n]), k: source.pick([j, i, LABELS[m], sympy.Integer(0), IndexArgmax(X[m, k], k)])}
    result = substitute(expr, mapping)
    here = assignment(seed)
    for places in list(here.places((m, j, i, n)))[::5]:
        moved = {old: int(here.value(new, places)) for old, new in mapping.items()}
        expected, actual = value_at(expr, here, {**places, **moved}), value_at(result, here, places)
        assert (expected is None) == (actual is None)
        if expected is not None:
            assert abs(expected - actual) < 1e-20 * (1 + abs(expected))


# -- SymPy's methods --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["doit", "expand", "simplify", "as_dummy", "canonical_variables"])
def test_sympy_s_methods_leave_a_sum_what_it_is(method: str) -> None:
    total = IndexSum(W[i, k] * (A[k] + S()), k)
    found = getattr(total, method)
    result = found() if callable(found) else total
    assert not differs(result, total)
    assert free_indices(result) == {i}


def test_rewrite_goes_from_the_leaves_up() -> None:
    seen: list[str] = []
    rewrite(IndexSum(A[k] * S(), k), lambda node: seen.append(type(node).__name__))
    assert seen[-1] == "IndexSum"
    assert set(seen) == {"Element", "Mul", "IndexSum"}


def test_tensors_are_renamed_everywhere() -> None:
    other = Tensor("other", (K,))
    assert rename_tensors(IndexSum(A[k] * X[n, k], k), {A: other}) == IndexSum(other[k] * X[n, k], k)


def test_sizes_have_no_hidden_assumptions() -> None:
    assert size("K") is not sympy.Symbol("K")
    assert size("K") != sympy.Symbol("K")
