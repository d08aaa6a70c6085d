"""The symbolic core against the traps of index calculus, and equations of the field with their false twins."""

from __future__ import annotations

import pytest
import sympy
from sympy import exp, log, sqrt, tanh

import derive
from derive import (
    Delta,
    Index,
    IndexSum,
    Tensor,
    definition_text,
    differentiate,
    prove_equal,
    simplify,
    size,
    substitute,
)
from derive.canonical import canonical
from derive.functions import Maximum
from derive.indicators import Bracket
from derive.proof import PROVED, REFUTED
from derive.sums import IndexArgmax, IndexMax, Partial

N, K, D = size("N"), size("K"), size("D")
n, m = Index("n", N), Index("m", N)
i, j, k = (Index(name, K) for name in "ijk")
x, z = Tensor("x", (N, K)), Tensor("z", (K, K))
p, a, b, c = (Tensor(name, (K,)) for name in "pabc")
u, v = Tensor("u")(), Tensor("v")()


# -- capture ----------------------------------------------------------------------------------------------------------


def test_substitution_renames_what_it_would_capture() -> None:
    inner = IndexSum(z[i, k], k)
    for result in (substitute(inner, {i: k}), inner.subs(i, k), inner.xreplace({i: k})):
        assert definition_text(result) == "sum(z[k,j], j)"


def test_bound_indices_are_not_substituted() -> None:
    total = IndexSum(p[k], k)
    for result in (substitute(total, {k: j}), total.subs(k, j), total.xreplace({k: j}), total.doit()):
        assert result == total


def test_an_element_that_arrives_is_not_captured() -> None:
    total = IndexSum(a[k] * u, k)
    for result in (total.subs(u, b[k]), total.xreplace({u: b[k]})):
        assert canonical(result) == canonical(IndexSum(a[j] * b[k], j))


def test_sympy_s_derivative_is_refused() -> None:
    with pytest.raises((derive.InputError, ValueError)):
        sympy.diff(IndexSum(z[i, k] ** 2, k), z[i, k])


def test_a_bound_index_used_in_two_factors_does_not_give_the_size() -> None:
    softmax = exp(p[k]) / IndexSum(exp(p[j]), j)
    twice = softmax * IndexSum(Delta(k, j) * softmax.subs(k, j), j)
    assert prove_equal(twice, softmax**2).verdict == PROVED
    assert prove_equal(twice, K * softmax**2).verdict == REFUTED


def test_sums_of_sums_use_fresh_indices() -> None:
    total = IndexSum(a[k], k)
    assert prove_equal(total**2, IndexSum(a[i] * a[j], i, j)).verdict == PROVED
    assert prove_equal(total**2, IndexSum(a[i] ** 2, i)).verdict == REFUTED


# -- canonical names --------------------------------------------------------------------------------------------------


def test_names_of_bound_indices_do_not_matter() -> None:
    first = IndexSum(z[i, j] / IndexSum(z[j, k], k), i, j)
    second = IndexSum(z[j, i] / IndexSum(z[i, j], j), j, i)
    assert first != second
    assert canonical(first) == canonical(second)
    assert canonical(first) != canonical(IndexSum(z[i, j] / IndexSum(z[k, j], k), i, j))


def test_every_order_of_the_outer_indices_is_tried_with_the_inner_sums_named_anew() -> None:
    def cycle(first: Index, second: Index, third: Index) -> sympy.Expr:
        ring = exp(IndexSum(z[first, second] * z[second, third] * z[third, Index("q", K)], Index("q", K)))
        return IndexSum(ring * exp(z[second, first]), first, second, third)

    assert canonical(cycle(i, j, k)) == canonical(cycle(k, i, j)) == canonical(cycle(j, k, i))
    assert canonical(cycle(i, j, k)) != canonical(IndexSum(exp(z[i, j] + z[j, k] + z[k, i]), i, j, k))


# -- kinks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "slope"), [(Maximum(u, 0), 0), (Maximum(0, u), 0), (sympy.Abs(u), 0)])
def test_the_side_of_a_kink_is_the_flat_one(body: sympy.Expr, slope: int) -> None:
    from derive.evaluation import Assignment

    derivative = differentiate(body, u)
    assert Assignment({}, {u.tensor: {(): 0}}).value(derivative) == slope


def test_a_maximum_gives_its_gradient_to_the_first_position() -> None:
    from derive.evaluation import Assignment

    derivative = simplify(differentiate(IndexMax(p[k], k), p[j])).result
    assert derivative == Delta(j, canonical(IndexArgmax(p[k], k)))
    here = Assignment({K: 3}, {p: {(0,): 1, (1,): 2, (2,): 2}})
    assert [here.value(derivative, {j: place}) for place in range(3)] == [0, 1, 0]


def test_second_derivatives() -> None:
    entropy = log(IndexSum(exp(p[k]), k))
    hessian = differentiate(differentiate(entropy, p[i]), p[j])
    softmax = [exp(p[index]) / IndexSum(exp(p[k]), k) for index in (i, j)]
    assert prove_equal(hessian, softmax[0] * (Delta(i, j) - softmax[1])).verdict == PROVED
    assert prove_equal(hessian, softmax[0] * (Delta(i, j) + softmax[1])).verdict == REFUTED


# -- equations and their false twins ----------------------------------------------------------------------------------


def sigmoid(value: sympy.Expr) -> sympy.Expr:
    return 1 / (1 + exp(-value))


def soft(row: Tensor, shift: sympy.Expr | int = 0) -> sympy.Expr:
    return exp(row[k] + shift) / IndexSum(exp(row[j] + shift), j)


mean = IndexSum(p[j], j) / K
TWINS = {
    "softmax is unchanged by a shift": (soft(p), soft(p, u), soft(p) * exp(u)),
    "softmax is unchanged by its maximum": (soft(p), soft(p, -IndexMax(p[i], i)), soft(p) ** 2),
    "softmax sums to 1": (IndexSum(soft(p), k), sympy.Integer(1), K * soft(p)),
    "softmax is the exponential of log-softmax": (
        soft(p), exp(p[k] - log(IndexSum(exp(p[j]), j))), exp(p[k] - IndexSum(exp(p[j]), j)),
    ),
    "log-sum-exp shift": (
        log(IndexSum(exp(p[k] - u), k)) + u, log(IndexSum(exp(p[k]), k)), log(IndexSum(exp(p[k]), k)) + u,
    ),
    "sigmoid reflected": (sigmoid(u), 1 - sigmoid(-u), 1 + sigmoid(-u)),
    "sigmoid of two classes": (sigmoid(u - v), exp(u) / (exp(u) + exp(v)), exp(v) / (exp(u) + exp(v))),
    "tanh by sigmoid": (tanh(u), 2 * sigmoid(2 * u) - 1, 2 * sigmoid(u) - 1),
    "softplus reflected": (log(1 + exp(u)), u + log(1 + exp(-u)), log(1 + exp(-u)) - u),
    "variance two ways": (
        IndexSum((p[k] - mean) ** 2, k) / K, IndexSum(p[k] ** 2, k) / K - mean**2, IndexSum(p[k] ** 2, k) / K - mean,
    ),
    "centred values sum to 0": (IndexSum(p[k] - mean, k), sympy.Integer(0), p[k] - mean),
    "rows of the softmax Jacobian sum to 0": (
        IndexSum(soft(p) * (Delta(k, i) - soft(p).subs(k, i)), i), sympy.Integer(0), soft(p),
    ),
    "a delta picks": (IndexSum(Delta(k, i) * a[k] * b[k], k), a[i] * b[i], IndexSum(a[k] * b[k], k)),
    "sums may change places": (
        IndexSum(z[i, j] * a[i] * b[j], i, j), IndexSum(b[j] * IndexSum(z[i, j] * a[i], i), j),
        IndexSum(z[j, i] * a[i] * b[j], i, j),
    ),
    "a maximum by a bracket": (Maximum(u, v), v + (u - v) * Bracket(">", u, v), v + (u + v) * Bracket(">", u, v)),
    "the square of an absolute value": (sympy.Abs(u) ** 2, u**2, sympy.Abs(u) * u),
    "a root of a square": (sqrt(u**2), sympy.Abs(u), u),
    "partial fractions": (1 / (1 + u**2) - 1 / (2 + u**2), 1 / ((1 + u**2) * (2 + u**2)), 1 / (1 + u**2) ** 2),
}  # fmt: skip


@pytest.mark.parametrize("name", TWINS)
def test_the_true_one_is_proved_and_the_false_one_refuted(name: str) -> None:
    left, right, false = TWINS[name]
    assert prove_equal(left, right).verdict == PROVED
    assert prove_equal(right, left).verdict == PROVED
    refuted = prove_equal(left, false)
    assert refuted.verdict == REFUTED
    assert refuted.counterexample is not None
    assert refuted.counterexample.left != refuted.counterexample.right


@pytest.mark.parametrize(
    ("left", "right", "conditions"),
    [
        (log(u * v), log(u) + log(v), ("u > 0", "v > 0")),
        (sqrt(u * v), sqrt(u) * sqrt(v), ("u >= 0", "v >= 0")),
        (log(u), log(2 * u) - log(2), ()),
    ],
)
def test_what_holds_for_positive_numbers_alone_says_so(
    left: sympy.Expr, right: sympy.Expr, conditions: tuple[str, ...]
) -> None:
    proof = prove_equal(left, right)
    assert (proof.verdict, proof.conditions) == (PROVED, conditions)


def test_what_one_side_alone_asks_for_is_no_condition_of_elements_that_it_does_not_ask() -> None:
    """The logarithm asks a[0] to be positive, and says nothing of the other elements."""
    a = Tensor("a", (K,))
    k = Index("k", K)
    assert prove_equal(log(a[0]) + sympy.Abs(a[0]), log(a[0]) + a[0]).verdict == PROVED
    assert prove_equal(log(a[0]) + sympy.Abs(a[k]), log(a[0]) + a[k]).verdict == REFUTED
    assert prove_equal(log(a[k]) + sympy.Abs(a[k]), log(a[k]) + a[k]).verdict == PROVED
    everywhere, sizes, values = (derive.IndexSum(body, k) for body in (log(a[k]), sympy.Abs(a[k]), a[k]))
    assert prove_equal(everywhere + sizes, everywhere + values).verdict == PROVED
    assert prove_equal(log(a[k]) + sizes, log(a[k]) + values).verdict == REFUTED


def test_a_root_of_a_cube_has_no_value_below_zero() -> None:
    assert prove_equal((u**3) ** sympy.Rational(1, 3), u).verdict == PROVED
    assert derive.prove("(u**3)**(1/3) = u").conditions == ("u >= 0",)
    assert prove_equal((u**2) ** sympy.Rational(1, 2), u).verdict == REFUTED


def test_a_fact_is_used_where_its_bound_index_stands_alone() -> None:
    t = Tensor("t", (N, K))
    operation = derive.find("softmax-cce")
    fact = derive.parse_fact("sum(t[n,k], k) = 1", operation)
    rows = IndexSum(t[n, k] * exp(x[n, j]), k)
    assert prove_equal(rows, exp(x[n, j]), facts=[fact]).verdict == PROVED
    assert prove_equal(rows, exp(x[n, j])).verdict == REFUTED
    assert prove_equal(IndexSum(t[n, k] * exp(x[n, k]), k), exp(x[n, k]), facts=[fact]).verdict == REFUTED


def test_printing_a_large_expression_is_cheap() -> None:
    expr = sum((exp(IndexSum(z[i, k] * a[k], k)) * p[i] for _ in range(1)), sympy.Integer(0))
    for _ in range(6):
        expr = expr * (1 + expr)
    assert len(definition_text(expr)) < 20_000
    assert Partial(expr, p[j]).element == p[j]
