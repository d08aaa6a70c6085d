"""Facts: given equations, used for every value of their free indices and for nothing else."""

from __future__ import annotations

from itertools import product

import pytest
from expressions import LABELS, A, B, K, N, S, W, assignment, i, j, k, m, n
from sympy import Expr, Integer, exp, log, sqrt, sympify

from derive.errors import InputError
from derive.facts import Fact, unify
from derive.indicators import Bracket, Delta
from derive.indices import Tensor
from derive.precision import compare, context
from derive.proof import PROVED, REFUTED, UNDECIDED, prove_equal
from derive.rewriting import simplify
from derive.sampling import impose
from derive.sums import IndexMax, IndexSum, free_indices

T, P = Tensor("t_soft", (N, K)), Tensor("p", (N, K))
C = Tensor("c", (K,))
ONE = Integer(1)

ROWS = Fact(IndexSum(T[n, k], k), ONE, "rows sum to 1")
COLUMNS = Fact(IndexSum(T[n, k], n), ONE, "columns sum to 1")
TOTAL = Fact(IndexSum(T[n, k], n, k), N, "all sum to N")
WEIGHTED = Fact(IndexSum(T[n, k] * P[n, k], k), ONE, "products sum to 1")
UNIT = Fact(IndexSum(A[k] ** 2, k), ONE, "unit length")
CENTRED = Fact(IndexSum(A[k], k), Integer(0), "centred")
GIVEN = Fact(IndexSum(T[n, k], k), B[n], "rows sum to b")
TWO = Fact(IndexSum(A[k] + C[k], k), ONE, "two sums")
NORMAL = Fact(IndexSum(exp(A[k] + S()), k), ONE, "normalised")
STOCHASTIC = Fact(IndexSum(W[i, j], j), ONE, "rows of w")


TRUE = [
    ("as it stands", IndexSum(T[n, k], k), 1, ROWS),
    ("other letters", IndexSum(T[m, j], j), 1, ROWS),
    ("a position", IndexSum(T[0, j], j), 1, ROWS),
    ("a label in an index", IndexSum(W[LABELS[n], j], j), 1, STOCHASTIC),
    ("inside another sum", IndexSum(T[m, j] * B[m], m, j), IndexSum(B[n], n), ROWS),
    ("two instances", IndexSum(T[n, k] * T[m, j], k, j), 1, ROWS),
    ("one after the other", IndexSum(W[i, j] * W[j, k], j, k), 1, STOCHASTIC),
    ("implied", IndexSum(T[n, k], n, k), N, ROWS),
    ("over two indices", IndexSum(T[n, k], n, k) / N, 1, TOTAL),
    ("of a product", IndexSum(T[n, k] * P[n, k] * B[n], n, k), IndexSum(B[n], n), WEIGHTED),
    ("under a root", sqrt(IndexSum(A[j] ** 2, j)), 1, UNIT),
    ("in a function", exp(IndexSum(A[j] * S(), j)), 1, CENTRED),
    ("below a line", 1 / IndexSum(T[n, k], k), 1, ROWS),
    ("variance", IndexSum((A[j] - IndexSum(A[k], k) / K) ** 2, j), IndexSum(A[j] ** 2, j), CENTRED),
    ("right side with an index", IndexSum(T[m, j], j) * B[m], B[m] ** 2, GIVEN),
    ("of two sums", IndexSum(A[j], j) + IndexSum(C[j], j), 1, TWO),
    ("of two sums, solved", IndexSum(A[j], j), 1 - IndexSum(C[j], j), TWO),
    ("with a factor to divide by", IndexSum(exp(A[k]), k), exp(-S()), NORMAL),
    ("a logarithm", log(IndexSum(exp(A[k]), k)), -S(), NORMAL),
]


@pytest.mark.parametrize(("left", "right", "fact"), [row[1:] for row in TRUE], ids=[row[0] for row in TRUE])
def test_a_fact_proves_what_follows_from_it(left: Expr, right: Expr, fact: Fact) -> None:
    proof = prove_equal(left, sympify(right), facts=[fact])
    assert proof.verdict == PROVED
    assert proof.assumptions == (fact.text,)
    assert prove_equal(left, sympify(right)).verdict == REFUTED


FALSE = [
    ("squares", IndexSum(T[n, k] ** 2, k), 1, ROWS),
    ("one row twice", IndexSum(T[n, k] * T[n, k], k), 1, ROWS),
    ("two rows beside each other", IndexSum(T[n, k] * T[m, k], k), 1, ROWS),
    ("the bound index elsewhere", IndexSum(T[n, k] * A[k], k), A[0], ROWS),
    ("the other axis", IndexSum(T[n, k], n), 1, ROWS),
    ("a row of a total", IndexSum(T[n, k], k), 1, TOTAL),
    ("the wrong partner", IndexSum(T[n, k] * P[m, k], k), 1, WEIGHTED),
    ("the sum of a unit vector", IndexSum(A[j], j), 1, UNIT),
    ("cubes of a unit vector", IndexSum(A[j] ** 3, j), 1, UNIT),
    ("squares of what is centred", IndexSum(A[j] ** 2, j), 0, CENTRED),
    ("another row's right side", IndexSum(T[m, j], j) * B[n], B[m] ** 2, GIVEN),
    ("a diagonal", IndexSum(W[i, i], i), 1, STOCHASTIC),
    ("a diagonal beside a weight", IndexSum(W[j, j] * A[j], j), IndexSum(A[j], j), STOCHASTIC),
    ("another tensor", IndexSum(P[n, k], k), 1, ROWS),
    ("a gradient of that name", IndexSum(T.gradient()[n, k], k), 1, ROWS),
    ("a maximum", IndexMax(T[n, k], k), 1, ROWS),
]


@pytest.mark.parametrize(("left", "right", "fact"), [row[1:] for row in FALSE], ids=[row[0] for row in FALSE])
def test_a_fact_is_not_misused(left: Expr, right: Expr, fact: Fact) -> None:
    proof = prove_equal(left, sympify(right), facts=[fact])
    assert proof.verdict == REFUTED
    assert proof.counterexample is not None


def test_a_fact_that_is_not_needed_is_not_named() -> None:
    assert prove_equal(IndexSum(T[n, k], k), IndexSum(T[n, j], j), facts=[ROWS]).assumptions == ()
    proof = prove_equal(IndexSum(T[n, k], k) * A[j], A[j], facts=[UNIT, ROWS])
    assert proof.assumptions == (ROWS.text,)


def test_facts_that_contradict_each_other_prove_and_refute_nothing_beside_them() -> None:
    other = Fact(ROWS.left, Integer(2), "rows sum to 2")
    proof = prove_equal(S(), S() + 1, facts=[ROWS, other])
    assert proof.verdict == UNDECIDED


def test_a_fact_of_other_sizes_can_stand_beside_a_claim_without_any() -> None:
    assert prove_equal(S(), 2 * S(), facts=[ROWS]).verdict == REFUTED


# -- the fact itself --------------------------------------------------------------------------------------------------


def test_a_fact_is_about_a_sum() -> None:
    with pytest.raises(InputError, match="must have a sum on its left side"):
        Fact(A[k], ONE, "a[k] = 1")


def test_a_fact_s_right_side_has_no_index_of_its_own() -> None:
    with pytest.raises(InputError, match="indices on its right that its left does not have: m"):
        Fact(IndexSum(T[n, k], k), B[m], "sum(t[n,k], k) = b[m]")


@pytest.mark.parametrize("fact", [ROWS, COLUMNS, TOTAL, UNIT, CENTRED, GIVEN, TWO, STOCHASTIC, WEIGHTED])
def test_values_are_changed_until_a_fact_holds(fact: Fact) -> None:
    here = assignment(3)
    for tensor in (T, P, C):
        extents = [here.sizes[size] for size in tensor.sizes]
        everywhere = product(*map(range, extents))
        here.values[tensor] = {where: context.mpf(1 + place) / 8 for place, where in enumerate(everywhere)}
    assert impose([fact], here)
    for places in here.places(free_indices(fact.left)):
        assert compare(here.value(fact.left, places), here.value(fact.right, places)) == 0


def test_facts_that_can_not_hold_are_said_not_to() -> None:
    here = assignment(3)
    assert not impose([UNIT, Fact(UNIT.left, Integer(2), "another length")], here)
    assert not impose([Fact(IndexSum(exp(A[k]), k), Integer(-1), "negative")], assignment(4))


# -- matching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expr", "matches"),
    [
        (A[k], A[j], True),
        (A[k], A[0], True),
        (A[k], A[LABELS[n]], True),
        (A[k], B[n], False),
        (W[i, i], W[k, k], True),
        (W[i, i], W[k, j], False),
        (W[i, j], W[k, k], True),
        (Delta(i, j), Delta(k, 0), False),
        (exp(A[k]) + B[n], B[m] + exp(A[j]), True),
        (A[k] ** 2, A[j] ** 3, False),
        (Bracket(">", A[k], 0), Bracket(">", A[j], 0), True),
        (Bracket(">", A[k], 0), Bracket("=", A[j], 0), False),
        (IndexSum(W[i, k], k), IndexSum(W[j, i], i), True),
        (IndexSum(W[i, k], k), IndexSum(W[i, j], i), False),
        (IndexSum(W[i, k], k), IndexSum(W[k, k], k), False),
        (IndexSum(A[k], k), IndexMax(A[k], k), False),
    ],
)
def test_a_pattern_matches_what_it_becomes_by_naming_its_indices(pattern: Expr, expr: Expr, matches: bool) -> None:
    assert (unify(pattern, expr, {}) is not None) == matches


def test_a_match_says_what_the_indices_stand_for() -> None:
    assert unify(T[n, k] * A[k], A[j] * T[0, j], {}) == {n: 0, k: j}


# -- simplifying ------------------------------------------------------------------------------------------------------


def test_simplify_uses_a_fact_and_names_it() -> None:
    gradient = P[n, k] * IndexSum(T[n, j], j) - T[n, k]
    assert simplify(gradient, facts=[ROWS]).result == P[n, k] - T[n, k]
    assert simplify(gradient, facts=[ROWS]).facts == (ROWS,)
    assert simplify(gradient).facts == ()
