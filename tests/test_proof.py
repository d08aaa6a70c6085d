"""Proofs: what is true is proved, what is false is refuted with numbers, and nothing is ever the other way round."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from expressions import LABELS, A, B, Disguise, K, Maker, Mutation, Seeded, W, X, differs, i, is_small, j, k, m, n
from sympy import Expr, Integer, Rational, erf, exp, log, pi, sign, sqrt, sympify, tanh
from thorough import sweep

from derive.catalogue import find
from derive.definitions import Definition
from derive.differentiation import differentiate
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.precision import context
from derive.proof import PROVED, REFUTED, UNDECIDED, UnsoundError, is_zero, prove_equal
from derive.pullback import vjp
from derive.sums import IndexArgmax, IndexMax, IndexSum, substitute

u, v, w = (Tensor(name)() for name in ("u", "v", "w0"))
P, Q = Tensor("p", (K,)), Tensor("q", (K,))
ZERO, ONE = Integer(0), Integer(1)


def verdict(left: Expr | int, right: Expr | int) -> str:
    return prove_equal(sympify(left), sympify(right)).verdict


def sigmoid(e: Expr) -> Expr:
    return 1 / (1 + exp(-e))


def softmax(e: Expr, at: Index) -> Expr:
    """The softmax over ``at`` of an expression in it."""
    inner = Index("inner", at.size)
    return exp(e) / IndexSum(exp(substitute(e, {at: inner})), inner)


def mean(e: Expr, over: Index) -> Expr:
    return IndexSum(e, over) / over.size


#: A name, a true equation's two sides, and a right side that makes it false.
TWINS: list[tuple[str, Expr, Expr, Expr]] = [
    # softmax and its kin
    ("softmax is not moved by a shift", softmax(X[n, k] + B[n], k), softmax(X[n, k], k), softmax(2 * X[n, k], k)),
    ("nor by its row's maximum", softmax(X[n, k] - IndexMax(X[n, j], j), k), softmax(X[n, k], k), softmax(X[0, k], k)),
    ("a softmax sums to 1", IndexSum(softmax(X[n, k], k), k), ONE, K),
    (
        "softmax is exp of log-softmax",
        softmax(X[n, k], k),
        exp(X[n, k] - log(IndexSum(exp(X[n, j]), j))),
        exp(X[n, k] + log(IndexSum(exp(X[n, j]), j))),
    ),
    (
        "log-sum-exp moves with a shift",
        log(IndexSum(exp(X[n, k] + B[n]), k)),
        B[n] + log(IndexSum(exp(X[n, k]), k)),
        log(IndexSum(exp(X[n, k]), k)),
    ),
    (
        "log-sum-exp around its maximum",
        IndexMax(A[k], k) + log(IndexSum(exp(A[j] - IndexMax(A[k], k)), j)),
        log(IndexSum(exp(A[k]), k)),
        log(IndexSum(exp(A[k]), k)) - IndexMax(A[k], k),
    ),
    (
        "rows of the softmax Jacobian sum to 0",
        IndexSum(differentiate(softmax(A[k], k), A[j]), j),
        ZERO,
        softmax(A[k], k),
    ),
    (
        "and its columns",
        IndexSum(differentiate(softmax(A[k], k), A[j]), k),
        ZERO,
        softmax(A[j], j),
    ),
    (
        "the Jacobian is symmetric",
        differentiate(softmax(A[k], k), A[j]),
        differentiate(softmax(A[j], j), A[k]),
        -differentiate(softmax(A[j], j), A[k]),
    ),
    (
        "softmax as a gradient",
        differentiate(log(IndexSum(exp(A[j]), j)), A[k]),
        softmax(A[k], k),
        softmax(-A[k], k),
    ),
    # elementwise functions
    ("sigmoid mirrored", sigmoid(u), 1 - sigmoid(-u), sigmoid(-u)),
    ("tanh by sigmoid", tanh(u), 2 * sigmoid(2 * u) - 1, 2 * sigmoid(u) - 1),
    ("sigmoid by tanh", sigmoid(u), (1 + tanh(u / 2)) / 2, (1 + tanh(u)) / 2),
    ("sigmoid'", differentiate(sigmoid(u), u), sigmoid(u) * (1 - sigmoid(u)), sigmoid(u) * (1 + sigmoid(u))),
    ("tanh'", differentiate(tanh(u), u), 1 - tanh(u) ** 2, 1 + tanh(u) ** 2),
    ("softplus' is sigmoid", differentiate(log(1 + exp(u)), u), sigmoid(u), sigmoid(-u)),
    ("softplus mirrored", log(1 + exp(u)), u + log(1 + exp(-u)), log(1 + exp(-u)) - u),
    (
        "softplus without overflow",
        log(1 + exp(u)),
        Maximum(u, 0) + log(1 + exp(-sympy.Abs(u))),
        Maximum(u, 0) + log(1 + exp(sympy.Abs(u))),
    ),
    (
        "silu'",
        differentiate(u * sigmoid(u), u),
        sigmoid(u) * (1 + u * (1 - sigmoid(u))),
        sigmoid(u) * (1 - u * (1 - sigmoid(u))),
    ),
    (
        "gelu'",
        differentiate(u * (1 + erf(u / sqrt(2))) / 2, u),
        (1 + erf(u / sqrt(2))) / 2 + u * exp(-(u**2) / 2) / sqrt(2 * pi),
        (1 + erf(u / sqrt(2))) / 2 + u * exp(-(u**2)) / sqrt(2 * pi),
    ),
    (
        "mish'",
        differentiate(u * tanh(log(1 + exp(u))), u),
        tanh(log(1 + exp(u))) + u * sigmoid(u) * (1 - tanh(log(1 + exp(u))) ** 2),
        tanh(log(1 + exp(u))) + u * sigmoid(u),
    ),
    ("log-cosh'", differentiate(log((exp(u) + exp(-u)) / 2), u), tanh(u), tanh(2 * u)),
    ("relu by an absolute value", Maximum(u, 0), (u + sympy.Abs(u)) / 2, (u - sympy.Abs(u)) / 2),
    ("relu by a choice", Maximum(u, 0), Where(Bracket(">", u, 0), u, 0), Where(Bracket("<", u, 0), u, 0)),
    ("relu' by a comparison", differentiate(Maximum(u, 0), u), Bracket(">", u, 0), Bracket(">=", u, 0)),
    ("leaky relu", Maximum(u, u / 10), Maximum(u, 0) + Minimum(u, 0) / 10, Maximum(u, 0) - Minimum(u, 0) / 10),
    (
        "clip in two ways",
        Maximum(Minimum(u, 6), 0),
        Minimum(Maximum(u, 0), 6),
        Minimum(Maximum(u, 0), 5),
    ),
    (
        "huber in two ways",
        Where(Bracket("<=", sympy.Abs(u), 1), u**2 / 2, sympy.Abs(u) - Rational(1, 2)),
        Minimum(sympy.Abs(u), 1) * (sympy.Abs(u) - Minimum(sympy.Abs(u), 1) / 2),
        Minimum(sympy.Abs(u), 1) * (sympy.Abs(u) + Minimum(sympy.Abs(u), 1) / 2),
    ),
    (
        "binary cross-entropy of logits",
        -v * log(sigmoid(u)) - (1 - v) * log(1 - sigmoid(u)),
        log(1 + exp(u)) - u * v,
        log(1 + exp(u)) + u * v,
    ),
    # means and variances
    (
        "variance in two ways",
        mean((X[n, k] - mean(X[n, j], j)) ** 2, k),
        mean(X[n, k] ** 2, k) - mean(X[n, k], k) ** 2,
        mean(X[n, k] ** 2, k) - mean(X[n, k], k),
    ),
    ("deviations sum to 0", IndexSum(A[k] - mean(A[j], j), k), ZERO, ONE),
    (
        "variance by pairs",
        IndexSum((A[j] - A[k]) ** 2, j, k) / (2 * K**2),
        mean((A[k] - mean(A[j], j)) ** 2, k),
        mean((A[k] - mean(A[j], j)) ** 2, k) / 2,
    ),
    (
        "cauchy and lagrange",
        IndexSum(P[k] ** 2, k) * IndexSum(Q[k] ** 2, k) - IndexSum(P[k] * Q[k], k) ** 2,
        IndexSum((P[j] * Q[k] - P[k] * Q[j]) ** 2, j, k) / 2,
        IndexSum((P[j] * Q[k] - P[k] * Q[j]) ** 2, j, k),
    ),
    (
        "a normalised row has length 1",
        IndexSum((A[k] / sqrt(IndexSum(A[j] ** 2, j))) ** 2, k),
        ONE,
        IndexSum(A[k] / sqrt(IndexSum(A[j] ** 2, j)), k),
    ),
    (
        "the length of a multiple",
        sqrt(IndexSum((u * A[k]) ** 2, k)),
        sympy.Abs(u) * sqrt(IndexSum(A[k] ** 2, k)),
        u * sqrt(IndexSum(A[k] ** 2, k)),
    ),
    # sums
    (
        "the order of double sums",
        IndexSum(P[j] * IndexSum(W[j, k] * Q[k], k), j),
        IndexSum(Q[k] * IndexSum(W[j, k] * P[j], j), k),
        IndexSum(Q[k] * IndexSum(W[k, j] * P[j], j), k),
    ),
    (
        "a product of sums is a double sum",
        IndexSum(P[k], k) * IndexSum(Q[k], k),
        IndexSum(P[j] * Q[k], j, k),
        IndexSum(P[k] * Q[k], k),
    ),
    ("a square of a sum", IndexSum(P[k], k) ** 2, IndexSum(P[j] * P[k], j, k), K * IndexSum(P[k] ** 2, k)),
    (
        "a trace goes round",
        IndexSum(W[i, j] * W[j, k] * W[k, i], i, j, k),
        IndexSum(W[k, i] * W[i, j] * W[j, k], i, j, k),
        IndexSum(W[i, j] * W[j, k] * W[i, k], i, j, k),
    ),
    ("what is antisymmetric", IndexSum((W[i, j] - W[j, i]) * P[i] * P[j], i, j), ZERO, IndexSum(W[i, i], i)),
    ("a sum of ones", IndexSum(1, i, j), K**2, K),
    (
        "matrix products associate",
        IndexSum(IndexSum(W[i, j] * W[j, k], j) * P[k], k),
        IndexSum(W[i, j] * IndexSum(W[j, k] * P[k], k), j),
        IndexSum(W[j, i] * IndexSum(W[j, k] * P[k], k), j),
    ),
    (
        "a sum taken apart, its parts over one denominator",
        IndexSum(P[k] * sigmoid(A[k]), k),
        IndexSum(P[k], k) - IndexSum(P[j] * sigmoid(-A[j]), j),
        IndexSum(P[k], k) + IndexSum(P[j] * sigmoid(-A[j]), j),
    ),
    ("sigmoids and their mirrors", IndexSum(sigmoid(A[k]) + sigmoid(-A[k]), k), K, K / 2),
    (
        "partial fractions in a sum",
        IndexSum(1 / ((1 + A[k]) * (2 + A[k])), k),
        IndexSum(1 / (1 + A[k]), k) - IndexSum(1 / (2 + A[k]), k),
        IndexSum(1 / (1 + A[k]), k) + IndexSum(1 / (2 + A[k]), k),
    ),
    # deltas and labels
    ("a delta picks", IndexSum(Delta(j, k) * P[j], j), P[k], P[0]),
    ("a label picks", IndexSum(Delta(k, LABELS[n]) * X[n, k], k), X[n, LABELS[n]], X[n, k]),
    (
        "cross-entropy of one-hot labels",
        IndexSum(Delta(k, LABELS[n]) * log(softmax(X[n, k], k)), n, k),
        IndexSum(X[n, LABELS[n]] - log(IndexSum(exp(X[n, j]), j)), n),
        IndexSum(X[n, LABELS[n]] + log(IndexSum(exp(X[n, j]), j)), n),
    ),
    (
        "two labels meet",
        IndexSum(Delta(k, LABELS[n]) * Delta(k, LABELS[m]), k),
        Delta(LABELS[n], LABELS[m]),
        Delta(n, m),
    ),
    (
        "a delta is its own square",
        IndexSum(Delta(i, j) ** 2 * W[i, j], i, j),
        IndexSum(W[i, i], i),
        IndexSum(W[i, j], i, j),
    ),
    ("an exponential of a delta", exp(Delta(j, k) * u), 1 + Delta(j, k) * (exp(u) - 1), 1 + Delta(j, k) * exp(u)),
    ("a delta in an exponential", exp(IndexSum(Delta(j, k) * A[j], j)), exp(A[k]), exp(A[0])),
    # comparisons and maxima
    ("above, level or below", Bracket(">", u, v) + Bracket("=", u, v) + Bracket("<", u, v), ONE, ZERO),
    ("not below", Bracket(">=", u, v), 1 - Bracket("<", u, v), 1 - Bracket(">", u, v)),
    ("sign by comparisons", sign(u), Bracket(">", u, 0) - Bracket("<", u, 0), 2 * Bracket(">", u, 0) - 1),
    ("sign and size", sign(u) * sympy.Abs(u), u, sympy.Abs(u)),
    ("a number over its size", u / sympy.Abs(u), sign(u), 2 * sign(u)),
    ("maximum and minimum", Maximum(u, v) + Minimum(u, v), u + v, u - v),
    ("their product", Maximum(u, v) * Minimum(u, v), u * v, u**2),
    ("maximum by an absolute value", Maximum(u, v), (u + v + sympy.Abs(u - v)) / 2, (u + v - sympy.Abs(u - v)) / 2),
    ("maxima associate", Maximum(Maximum(u, v), w), Maximum(u, Maximum(v, w)), Maximum(u, Minimum(v, w))),
    ("a maximum's shift", IndexMax(A[j] + u, j), u + IndexMax(A[j], j), IndexMax(A[j], j)),
    ("a maximum's positive factor", IndexMax(exp(u) * A[j], j), exp(u) * IndexMax(A[j], j), u * IndexMax(A[j], j)),
    ("a maximum at its position", A[IndexArgmax(A[j], j)], IndexMax(A[j], j), A[0]),
    (
        "positions do not feel a shift",
        X[n, IndexArgmax(A[j] + u, j)],
        X[n, IndexArgmax(A[j], j)],
        X[n, IndexArgmax(-A[j], j)],
    ),
    # numbers, roots and logarithms
    ("a root of a square", sqrt(u**2), sympy.Abs(u), u),
    ("a logarithm of a square", log(u**2), 2 * log(sympy.Abs(u)), log(sympy.Abs(u))),
    ("numbers under roots", sqrt(6), sqrt(2) * sqrt(3), sqrt(5)),
    ("powers of numbers", 4**u, 2 ** (2 * u), 2**u),
    ("powers of powers", (1 + u**2) ** v * (1 + u**2) ** 2, (1 + u**2) ** (v + 2), (1 + u**2) ** (2 * v)),
    ("quotients cancel", (u**2 - v**2) / (u - v), u + v, u - v),
    ("and so in a function", tanh((u**2 - v**2) / (u - v)), tanh(u + v), tanh(u - v)),
    ("sizes", (K + 1) ** 2 - K**2, 2 * K + 1, 2 * K),
    ("error functions are odd", erf(u - v), -erf(v - u), erf(v - u)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), [row[1:3] for row in TWINS], ids=[row[0] for row in TWINS])
def test_what_is_true_is_proved(left: Expr, right: Expr) -> None:
    assert verdict(left, right) == PROVED
    assert verdict(right, left) == PROVED


@pytest.mark.parametrize(("left", "false"), [(row[1], row[3]) for row in TWINS], ids=[row[0] for row in TWINS])
def test_its_false_twin_is_refuted(left: Expr, false: Expr) -> None:
    proof = prove_equal(left, false)
    assert proof.verdict == REFUTED
    assert proof.counterexample is not None
    assert proof.counterexample.left != proof.counterexample.right


LAYER_NORM = "y[n,k] = (x[n,k] - mean(x[n,j], j)) / sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + e)"


@pytest.mark.parametrize(("turn", "expected"), [(-1, PROVED), (1, REFUTED)])
def test_layer_norm_s_gradient_is_the_three_term_form_of_textbooks(turn: int, expected: str) -> None:
    """x̄ = (ȳ - mean(ȳ) - y mean(ȳ y)) / s."""
    derivation = vjp(LAYER_NORM, "x")
    operation = derivation.operation
    row, column = operation.output.indices
    y, upstream, x = operation.output.tensor, operation.output.tensor.gradient(), operation.input("x")
    other, third = Index("q", column.size), Index("r", column.size)
    variance = mean((x[row, other] - mean(x[row, third], third)) ** 2, other)
    above = (
        upstream[row, column]
        - mean(upstream[row, other], other)
        + turn * y[row, column] * mean(upstream[row, other] * y[row, other], other)
    )
    textbook = above / sqrt(variance + operation.input("e")())
    result = substitute(derivation.result, dict(zip(derivation.target.indices, (row, column), strict=True)))
    assert prove_equal(result, textbook, operation.definitions).verdict == expected


# -- what holds for some values only ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (log(u * v), log(u) + log(v), PROVED),
        (log(u**2), 2 * log(u), PROVED),
        (log(u**2), 2 * log(sympy.Abs(u)), PROVED),
        (log(u**2), log(u), REFUTED),
        (sqrt(u * v), sqrt(u) * sqrt(v), PROVED),
        ((u**3) ** Rational(1, 3), u, PROVED),
        (sqrt(u**2), u, REFUTED),
        (sqrt(sqrt(u**4)), u, REFUTED),
        (sign(u) ** 2, ONE, REFUTED),
        (u / u, ONE, PROVED),
        (u**2 / u, u, PROVED),
        (Where(Bracket("=", u, 0), 5, 1 / u) * u, ONE, REFUTED),
        (Where(Bracket("=", u, 1), 5, 1), Where(Bracket("=", u, 1), 7, u / (u - 1) - 1 / (u - 1)), REFUTED),
        (
            Where(Bracket("=", u, 1), 5, sqrt(u - 1)),
            Where(Bracket("=", u, 1), 7, u / sqrt(u - 1) - 1 / sqrt(u - 1)),
            REFUTED,
        ),
        (IndexSum(Delta(n, k), k), ONE, REFUTED),
        (IndexSum(Delta(k, 1), k), ONE, REFUTED),
        (IndexSum(Delta(k, 0), k), ONE, PROVED),
        (IndexSum(Delta(k, 2) * A[k], k), A[2], PROVED),
        ((K - 1) * (K - 2), ZERO, REFUTED),
        (A[0], A[K - 1], REFUTED),
        (LABELS[n] ** 2, LABELS[n], REFUTED),
    ],
)  # fmt: skip
def test_singular_places_are_not_passed_over(left: Expr, right: Expr, expected: str) -> None:
    """Both sides agree wherever both are defined, or they are refuted; where neither is seen it is not decided."""
    assert verdict(left, right) == expected


def test_a_size_of_one_is_tried() -> None:
    proof = prove_equal(Integer(1) / (K - 1) * (K - 1) * A[0], A[0])
    assert proof.verdict == PROVED
    assert verdict(IndexSum(A[k], k) - A[0], A[1]) == REFUTED
    assert prove_equal(IndexMax(A[k], k), A[0]).verdict == REFUTED


def test_what_holds_for_the_sizes_that_are_tried_alone_is_not_proved() -> None:
    """True for K = 1 ... 5, but not for 6."""
    product = sympy.Mul(*(K - place for place in range(1, 6)))
    assert verdict(product, 0) == UNDECIDED


# -- generated --------------------------------------------------------------------------------------------------------


def disguised(seed: int) -> tuple[Expr, Expr, Expr] | None:
    """An expression, the same in other words, and a twin with one thing changed; None where that grew too large."""
    expr = Maker(Seeded(seed)).expression(3)
    other = Disguise(Seeded(f"{seed}d"))(expr)
    twin = Mutation(Seeded(f"{seed}m"))(expr)
    return (expr, other, twin) if is_small(expr, 100) and is_small(other, 200) else None


@pytest.mark.parametrize("start", sweep(range(0, 150, 10), lambda start: start < 50))
def test_rewriting_is_seen_through_and_mutation_found_out(start: int) -> None:
    for seed in range(start, start + 10):
        found = disguised(seed)
        if found is None or sympy.zoo in found[0].atoms(sympy.Number, type(sympy.zoo)):
            continue
        expr, other, twin = found
        assert prove_equal(expr, other).verdict == PROVED, f"{seed}: {expr} and {other}"
        if differs(expr, twin, seed):
            assert prove_equal(expr, twin).verdict == REFUTED, f"{seed}: {expr} and {twin}"


# -- the proof itself -------------------------------------------------------------------------------------------------


def test_a_counterexample_can_be_retyped() -> None:
    proof = prove_equal(IndexSum(A[k] * X[n, k], k), B[n])
    assert proof.counterexample is not None
    lines = proof.counterexample.text().splitlines()
    assert lines[0].startswith("at K = 2, N = 3, n = ")
    assert [line.split(" = ")[0].strip() for line in lines[1:]] == ["a", "b", "x", "left side", "right side"]


def test_the_counterexample_s_numbers_give_its_sides() -> None:
    left, right = IndexSum(A[k], k) ** 2, IndexSum(A[k] ** 2, k)
    found = prove_equal(left, right).counterexample
    assert found is not None
    numbers = [context.mpf(text) for text in found.values["a"].strip("[]").split(", ")]
    here = Assignment({K: found.sizes["K"]}, {A: {(place,): value for place, value in enumerate(numbers)}})
    assert context.nstr(here.value(left), 12) == found.left
    assert context.nstr(here.value(right), 12) == found.right


def test_definitions_are_put_in() -> None:
    y = Tensor("y", (K,))
    definition = Definition(y[k], softmax(A[k], k))
    assert prove_equal(IndexSum(y[k], k), ONE, (definition,)).verdict == PROVED
    assert prove_equal(IndexSum(y[k], k), ONE).verdict == REFUTED


def test_rounding_refutes_nothing() -> None:
    """Terms of the size of exp(exp(6)) cancel, and what is left is small."""
    large = exp(exp(3 * u))
    assert verdict((large + v) ** 2 - large**2 - 2 * v * large, v**2) == PROVED
    assert verdict((large + v) ** 2 - large**2 - 2 * v * large, v) == REFUTED


def test_an_engine_that_contradicts_itself_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derive.proof.vanishes", lambda *args: True)
    with pytest.raises(UnsoundError, match="the numbers do not"):
        prove_equal(u, v)


@pytest.mark.parametrize("side", ["u + 1", None, True, [1]])
def test_a_side_that_is_no_expression_is_refused(side: Any) -> None:
    with pytest.raises(InputError, match="a side of an equation is an expression"):
        prove_equal(side, u)


def test_the_verdict_does_not_depend_on_the_seed() -> None:
    for seed in range(5):
        assert prove_equal(sigmoid(u), 1 - sigmoid(-u), seed=seed).verdict == PROVED
        assert prove_equal(sigmoid(u), sigmoid(-u), seed=seed).verdict == REFUTED


def test_a_nested_quotient_is_not_worked_on_for_ever() -> None:
    deep = tanh(tanh(log(tanh(W[k, k]) ** 2 + 1)))
    assert verdict(deep, tanh(tanh(log(tanh(W[k, k]) ** 2 + 1)))) == PROVED
    assert verdict(deep * 2, tanh(tanh(log(tanh(W[k, k]) ** 2 + 2)))) == REFUTED


def test_is_zero_says_no_where_it_does_not_know() -> None:
    assert is_zero(u - u)
    assert not is_zero(u - v)
    assert not is_zero(1 / (u / (u + v) + v / (u + v) - 1))


@pytest.mark.parametrize("name", ["softmax", "softmax-cce", "softmax-cce-sparse", "dense", "sigmoid", "mse", "relu"])
def test_every_derived_gradient_is_proved_against_the_operation_as_one_expression(name: str) -> None:
    operation = find(name)
    for tensor in operation.differentiable:
        derivation = vjp(operation, tensor.name)
        element = tensor(*derivation.target.indices)
        assert isinstance(element, Element)
        where = tuple(index.renamed(f"o{place}") for place, index in enumerate(operation.output.indices))
        body = substitute(operation.body(), dict(zip(operation.output.indices, where, strict=True)))
        whole = operation.output.tensor.gradient()(*where) * differentiate(body, element)
        whole = IndexSum(whole, *where) if where else whole
        assert prove_equal(derivation.result, whole, operation.definitions).verdict == PROVED
        assert prove_equal(2 * derivation.result, whole, operation.definitions).verdict == REFUTED


def test_a_tensor_and_its_gradient_are_two_free_names() -> None:
    """Under logarithms both are exp of something free, and not of the same."""
    y = Tensor("y")
    assert prove_equal(log(y()), log(y.gradient()())).verdict == REFUTED
    assert prove_equal(log(y() * y.gradient()()), log(y()) + log(y.gradient()())).verdict == PROVED
