"""Assumptions are found from an equation: those that make it provable, and no others."""

from __future__ import annotations

import pytest
from sympy import Expr, Integer, sqrt

from derive.assumptions import needed_facts, sums_to_one
from derive.catalogue import catalogue, find, parse_fact
from derive.indicators import Delta
from derive.indices import Index, Tensor, size
from derive.operation import Operation
from derive.parsing import parse_equation
from derive.proof import PROVED, REFUTED, prove_equal
from derive.sums import IndexSum, Partial

N, K, D = size("N"), size("K"), size("D")
n, m, j, k, d, e = (
    Index("n", N),
    Index("m", N),
    Index("j", K),
    Index("k", K),
    Index("d", D),
    Index("e", D),
)
P, T, X, A, B = Tensor("p", (N, K)), Tensor("t", (N, K)), Tensor("x", (N, D)), Tensor("a", (K,)), Tensor("b", (N,))
G, LABELS = Tensor("g", (N, K)), Tensor("c", (N,), values=K)
ONE = Integer(1)

#: A left side, a right side, and the facts that are needed.
NEEDED: list[tuple[str, Expr, Expr, list[str]]] = [
    ("a row", P[n, k] * IndexSum(T[n, j], j) - T[n, k], P[n, k] - T[n, k], ["sum(t[n,k], k) = 1"]),
    ("a column", IndexSum(T[m, k], m) * A[k], A[k], ["sum(t[m,k], m) = 1"]),
    ("all", IndexSum(T[n, k], n, k) * B[m], B[m], ["sum(t[n,k], k, n) = 1"]),
    ("another number", IndexSum(A[k], k), Integer(3), ["sum(a[k], k) = 3"]),
    ("another number in another way", 2 * IndexSum(A[k], k), ONE, ["sum(a[k], k) = 1/2"]),
    ("the size", IndexSum(A[k], k), K, ["sum(a[k], k) = K"]),
    ("what an element is", IndexSum(T[n, k], k), B[n], ["sum(t[n,k], k) = b[n]"]),
    ("unit length", sqrt(IndexSum(A[k] ** 2, k)), ONE, ["sum(a[k]**2, k) = 1"]),
    ("below a line", A[j] / IndexSum(A[k], k), A[j], ["sum(a[j], j) = 1"]),
    ("a square", IndexSum(A[k], k) ** 2, IndexSum(A[k], k), ["sum(a[k], k) = 1", "sum(a[k], k) = 0"]),
    ("centred", X[n, d] - IndexSum(X[n, e], e) / D, X[n, d], ["sum(x[n,d], d) = 0"]),
    ("nothing is needed", IndexSum(A[k] + A[j], k), IndexSum(A[k], k) + K * A[j], []),
    ("nothing helps", P[n, k] + T[n, k], P[n, k] - T[n, k], []),
    ("a factor too many", 2 * P[n, k] * IndexSum(T[n, j], j), P[n, k] - T[n, k], []),
    ("a product's sum is nobody's assumption", IndexSum(A[k] * T[n, k], k) + B[n], B[n], []),
    ("a missing index", IndexSum(T[n, k], k) * B[m], B[n], []),
    ("an element", A[k], ONE, []),
]


def texts(left: Expr, right: Expr) -> list[str]:
    return [fact.text.replace("n, k)", "k, n)") for fact in needed_facts(left, right)]


@pytest.mark.parametrize(("left", "right", "facts"), [row[1:] for row in NEEDED], ids=[row[0] for row in NEEDED])
def test_what_is_needed_is_found(left: Expr, right: Expr, facts: list[str]) -> None:
    assert sorted(texts(left, right)) == sorted(facts)
    assert texts(right, left) == texts(left, right)


@pytest.mark.parametrize(
    ("left", "right"), [row[1:3] for row in NEEDED if row[3]], ids=[row[0] for row in NEEDED if row[3]]
)
def test_each_of_them_proves_the_equation_and_nothing_less_does(left: Expr, right: Expr) -> None:
    assert prove_equal(left, right).verdict == REFUTED
    for fact in needed_facts(left, right):
        assert prove_equal(left, right, facts=[fact]).verdict == PROVED


def test_gradients_and_labels_are_not_assumed_anything_of() -> None:
    upstream = P.gradient()
    assert needed_facts(upstream[n, k] - IndexSum(upstream[n, j], j) / K, upstream[n, k]) == ()
    assert needed_facts(IndexSum(P[n, LABELS[n]], n), IndexSum(P[n, LABELS[n]], n) + LABELS[m]) == ()


def test_given_facts_count() -> None:
    rows = needed_facts(IndexSum(T[n, k], k), ONE)
    both = IndexSum(T[n, k], k) * IndexSum(A[k], k), ONE
    assert needed_facts(*both) == ()
    assert [fact.text for fact in needed_facts(*both, facts=rows)] == ["sum(a[k], k) = 1"]
    assert needed_facts(IndexSum(T[n, k], k), ONE, facts=rows) == ()


def test_what_contradicts_the_given_facts_is_not_needed() -> None:
    rows = needed_facts(IndexSum(T[n, k], k), ONE)
    assert needed_facts(A[k] * IndexSum(T[n, j], j), 2 * A[k], facts=rows) == ()


@pytest.mark.parametrize(("op", "claim"), [("softmax-cce", "p[n,k]*dL - t[n,k]*dL"), ("cce", "p[n,k] = 2*p[n,k]")])
def test_nothing_is_found_where_the_equation_is_wrong_besides(op: str, claim: str) -> None:
    operation = find(op)
    left, right = sides(claim if "=" in claim else f"{claim} = {claim} + t[n,k]", operation)
    assert needed_facts(left, right, operation.definitions) == ()


def sides(text: str, operation: Operation) -> tuple[Expr, Expr]:
    tensors = {tensor.name: tensor for tensor in (*operation.inputs, *(d.tensor for d in operation.definitions))}
    tensors |= {f"d{tensor.name}": tensor.gradient() for tensor in list(tensors.values())}
    return parse_equation(text, tensors, catalogue().get)


@pytest.mark.parametrize("letters", ["nk", "ij", "ab"])
def test_the_letters_are_those_of_the_definitions(letters: str) -> None:
    operation = find("softmax-cce")
    row, column = letters
    claim = f"p[{row},{column}]*sum(t[{row},c], c) = p[{row},{column}]"
    (fact,) = needed_facts(*sides(claim, operation), operation.definitions)
    assert fact.text == "sum(t[n,k], k) = 1"
    assert parse_fact(fact.text, operation).left == fact.left


def test_derivatives_go_through_the_definitions() -> None:
    operation = find("softmax-cce")
    z, p, t = (operation.input("z"), operation.definitions[0].tensor, operation.input("t"))
    row, column = Index("n", z.sizes[0]), Index("k", z.sizes[1])
    derivative = Partial(operation.output.target, z[row, column])
    claimed = (p[row, column] - t[row, column]) / z.sizes[0]
    (fact,) = needed_facts(derivative, claimed, operation.definitions)
    assert fact.text == "sum(t[n,k], k) = 1"


def test_what_is_tacitly_assumed_are_the_sums_of_inputs() -> None:
    softmax = find("softmax-cce").definitions
    p = softmax[0].tensor
    assert [fact.text for fact in sums_to_one(P[n, k] * IndexSum(T[n, j], j))] == ["sum(t[n,j], j) = 1"]
    assert sums_to_one(IndexSum(T[n, k] * A[k], k) + IndexSum(P.gradient()[n, k], k) + Delta(j, k)) == ()
    assert sums_to_one(IndexSum(p(Index("n", N), Index("k", K)), Index("k", K)), softmax) == ()
