"""Derivations over the whole catalogue: every step an equality, every result the expected one, every mutant refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sympy import Add, Expr, Integer
from thorough import sweep

import codegen
import derive
from derive.canonical import canonical
from derive.definitions import Definition
from derive.derivation import CheckFailedError, Derivation
from derive.indices import Element
from derive.printing import definition_text, plain_text
from derive.proof import PROVED, REFUTED, prove_equal
from derive.pullback import MOST_KEPT
from derive.rendering import blocks_of
from derive.verification import _proof, verify, whole_derivative

#: Of those with more, every part of the backward pass is checked, and not every mutant of everything put in.
MOST_DEFINITIONS, MOST_AXES = 3, 2
SMALL = [
    name
    for name, operation in derive.catalogue().items()
    if len(operation.definitions) <= MOST_DEFINITIONS
    and max(len(tensor.sizes) for tensor in (*operation.inputs, operation.outputs[0].tensor)) <= MOST_AXES
]
GRADIENTS = [(name, tensor.name) for name in SMALL for tensor in derive.catalogue()[name].differentiable]

#: The shortest forms, as a reader expects them.
VJPS = {
    ("add", "a"): "ā = ȳ",
    ("add", "b"): "b̄ = ȳ",
    ("mul", "a"): "ā = ȳ b",
    ("mul", "b"): "b̄ = ȳ a",
    ("sum", "a"): "ā[n,i] = ȳ[n]",
    ("mean", "a"): "ā[n,i] = ȳ[n]/I",
    ("relu", "x"): "x̄ = ȳ [x > 0]",
    ("sigmoid", "x"): "x̄ = ȳ y (1 - y)",
    ("tanh", "x"): "x̄ = ȳ (1 - y²)",
    ("softmax", "x"): "x̄[n,k] = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])",
    ("dense", "x"): "x̄[n,d] = sum_k ȳ[n,k] w[d,k]",
    ("dense", "w"): "w̄[d,k] = sum_n ȳ[n,k] x[n,d]",
    ("dense", "b"): "b̄[k] = sum_n ȳ[n,k]",
    ("cce", "p"): "p̄[n,k] = -L̄ t[n,k] / (N p[n,k])",
    ("cce-sparse", "p"): "p̄[n,k] = -δ[k,t[n]] L̄ / (N p[n,t[n]])",
    ("softmax-cce", "z"): "z̄[n,k] = L̄ (p[n,k] sum_j t[n,j] - t[n,k]) / N",
    ("softmax-cce-sparse", "z"): "z̄[n,k] = L̄ (p[n,k] - δ[k,t[n]]) / N",
    ("mse", "y"): "ȳ[n,k] = 2 L̄ (y[n,k] - t[n,k]) / (N K)",
    ("logsumexp", "a"): "ā[n,i] = ȳ[n] exp(a[n,i] - y[n])",
    ("identity", "x"): "x̄ = ȳ",
    ("leaky-relu", "x"): "x̄ = ȳ where(x > 0, 1, a)",
    ("exp", "x"): "x̄ = ȳ y",
    ("softplus", "x"): "x̄ = ȳ / (1 + exp(-x))",
    ("silu", "x"): "x̄ = ȳ (y (1 - s) + s)",
    ("gelu", "x"): "x̄ = ȳ (2 Phi + sqrt(2/π) x exp(-x²/2)) / 2",
    ("log-softmax", "x"): "x̄[n,k] = ȳ[n,k] - exp(y[n,k]) sum_j ȳ[n,j]",
    ("nll", "y"): "ȳ[n,k] = -L̄ t[n,k] / N",
    ("nll-sparse", "y"): "ȳ[n,k] = -δ[k,t[n]] L̄ / N",
    ("kl", "p"): "p̄[n,k] = -L̄ t[n,k] / (N p[n,k])",
    ("bce", "p"): "p̄[n,k] = -L̄ (t[n,k]/p[n,k] + (t[n,k] - 1) / (1 - p[n,k])) / (N K)",
    ("bce-logits", "z"): "z̄[n,k] = L̄ (p[n,k] - t[n,k]) / (N K)",
    ("poisson-nll", "r"): "r̄[n,k] = L̄ (1 - t[n,k]/r[n,k]) / (N K)",
    ("gaussian-nll", "mu"): "m̅u̅[n,k] = L̄ (mu[n,k] - t[n,k]) / (N K var[n,k])",
    ("gaussian-nll", "var"): "v̅a̅r̅[n,k] = L̄ (1 - (mu[n,k] - t[n,k])² / var[n,k]) / (2 N K var[n,k])",
    ("least-squares", "y"): "ȳ[n,k] = 2 L̄ (y[n,k] - t[n,k])",
    ("mae", "y"): "ȳ[n,k] = L̄ sign(y[n,k] - t[n,k]) / (N K)",
    ("inv", "a"): "ā[p,q] = -sum_i sum_j ȳ[j,i] y[q,i] y[j,p]",
    ("solve", "a"): "ā[p,q] = -x[q] sum_i x̄[i] (a⁻¹)[i,p]",
    ("solve", "b"): "b̄[j] = sum_i x̄[i] (a⁻¹)[i,j]",
    ("solve-columns", "a"): "ā[p,q] = -sum_i sum_k x̄[i,k] x[q,k] (a⁻¹)[i,p]",
    ("solve-columns", "b"): "b̄[j,k] = sum_i x̄[i,k] (a⁻¹)[i,j]",
    ("det", "a"): "ā[i,j] = ȳ y (a⁻¹)[j,i]",
    ("logdet", "a"): "ā[i,j] = ȳ (a⁻¹)[j,i]",
    ("trace", "a"): "ā[i,j] = δ[i,j] ȳ",
    ("quadratic-form", "x"): "x̄[i] = ȳ (sum_j a[i,j] x[j] + sum_j a[j,i] x[j])",
    ("quadratic-form", "a"): "ā[i,j] = ȳ x[i] x[j]",
    ("multivariate-normal-nll", "x"): "x̄[n,i] = L̄ (sum_j r[n,j] (c⁻¹)[j,i] + s[n,i]) / (2 N)",
    ("multivariate-normal-nll", "m"): "m̄[i] = -(L̄ / (2 N)) sum_n (sum_j r[n,j] (c⁻¹)[j,i] + s[n,i])",
    ("multivariate-normal-nll", "c"): "c̄[p,q] = L̄ ((c⁻¹)[q,p] - (1/N) sum_n sum_i r[n,i] s[n,q] (c⁻¹)[i,p]) / 2",
    ("conv1d", "x"): "x̄[n,c,m] = sum_t sum_o ȳ[n,o,t] sum_r δ[m,s t + d r - p] w[o,c,r]",
    ("conv1d", "w"): "w̄[o,c,r] = sum_n sum_t ȳ[n,o,t] x[n,c,s t + d r - p]",
    ("conv1d", "b"): "b̄[o] = sum_n sum_t ȳ[n,o,t]",
    ("conv2d", "x"): (
        "x̄[n,c,m,l] = sum_h sum_k sum_o ȳ[n,o,h,k] sum_r sum_q δ[m,s h + d r - p] δ[l,s k + d q - p] w[o,c,r,q]"
    ),
    ("conv2d", "w"): "w̄[o,c,r,q] = sum_n sum_h sum_k ȳ[n,o,h,k] x[n,c,s h + d r - p,s k + d q - p]",
    ("conv2d", "b"): "b̄[o] = sum_n sum_h sum_k ȳ[n,o,h,k]",
    ("depthwise-conv1d", "x"): "x̄[n,c,m] = sum_t ȳ[n,c,t] sum_r δ[m,s t + d r - p] w[c,r]",
    ("depthwise-conv1d", "w"): "w̄[c,r] = sum_n sum_t ȳ[n,c,t] x[n,c,s t + d r - p]",
    ("depthwise-conv1d", "b"): "b̄[c] = sum_n sum_t ȳ[n,c,t]",
    ("avg-pool1d", "x"): "x̄[n,c,m] = (1/R) sum_t ȳ[n,c,t] sum_r δ[m,s t + r]",
    ("avg-pool2d", "x"): "x̄[n,c,m,l] = (1 / (R Q)) sum_h sum_k ȳ[n,c,h,k] (sum_r δ[m,s h + r]) sum_q δ[l,s k + q]",
    ("max-pool1d", "x"): "x̄[n,c,m] = sum_t δ[m,s t + argmax_r x[n,c,s t + r]] ȳ[n,c,t]",
    ("max-pool2d", "x"): (
        "x̄[n,c,m,l] = sum_h sum_k δ[m,s h + argmax_r max_q x[n,c,s h + r,s k + q]]"
        " δ[l,s k + argmax_q x[n,c,s h + argmax_r max_q1 x[n,c,s h + r,s k + q1],s k + q]] ȳ[n,c,h,k]"
    ),
    ("linear-softmax-cce", "w"): "w̄[d,k] = (L̄/N) sum_n x[n,d] (p[n,k] - δ[k,t[n]])",
    ("linear-softmax-cce", "b"): "b̄[k] = (L̄/N) sum_n (p[n,k] - δ[k,t[n]])",
    ("shift", "x"): "x̄[n,t] = ȳ[n,t + 1]",
    ("difference", "x"): "x̄[n,t] = ȳ[n,t] - ȳ[n,t + 1]",
    ("reverse", "x"): "x̄[n,t] = ȳ[n,T - t - 1]",
    ("neg", "x"): "x̄ = -ȳ",
    ("sub", "a"): "ā = ȳ",
    ("sub", "b"): "b̄ = -ȳ",
    ("div", "a"): "ā = ȳ/b",
    ("div", "b"): "b̄ = -ȳ a / b²",
    ("pow", "a"): "ā = ȳ b a^(b - 1)",
    ("pow", "b"): "b̄ = ȳ y log(a)",
    ("square", "x"): "x̄ = 2 ȳ x",
    ("sqrt", "x"): "x̄ = ȳ / (2 y)",
    ("log", "x"): "x̄ = ȳ/x",
    ("abs", "x"): "x̄ = ȳ sign(x)",
    ("erf", "x"): "x̄ = 2 ȳ exp(-x²) / sqrt(π)",
    ("select", "a"): "ā = ȳ [c > 0]",
    ("select", "b"): "b̄ = ȳ where(c > 0, 0, 1)",
    ("dropout", "x"): "x̄ = ȳ m / (1 - p)",
    ("max", "a"): "ā[n,i] = δ[i,argmax_j a[n,j]] ȳ[n]",
    ("norm", "a"): "ā[n,i] = ȳ[n] a[n,i] / y[n]",
    ("prelu", "x"): "x̄[n,i] = ȳ[n,i] where(x[n,i] > 0, 1, a[i])",
    ("prelu", "a"): "ā[i] = sum_n ȳ[n,i] where(x[n,i] > 0, 0, x[n,i])",
    ("relu6", "x"): "x̄ = ȳ [x > 0] [x < 6]",
    ("hard-tanh", "x"): "x̄ = ȳ [x < 1] [x > -1]",
    ("hard-sigmoid", "x"): "x̄ = ȳ [x < 3] [x > -3] / 6",
    ("hardswish", "x"): "x̄ = ȳ (x [x < 3] [x > -3] + min(max(x + 3, 0), 6)) / 6",
    ("squared-relu", "x"): "x̄ = 2 ȳ max(x, 0)",
    ("elu", "x"): "x̄ = ȳ where(x > 0, 1, a exp(x))",
    ("selu", "x"): "x̄ = 1.0507009873554805 ȳ where(x > 0, 1, 1.6732632423543772 exp(x))",
    ("softsign", "x"): "x̄ = ȳ / (abs(x) + 1)²",
    ("swish", "x"): "x̄ = ȳ (beta y (1 - s) + s)",
    ("swish", "beta"): "b̅e̅t̅a̅ = ȳ x y (1 - s)",
    ("mish", "x"): "x̄ = ȳ (x (1 - u²) / (1 + exp(-x)) + u)",
    ("gelu-tanh", "x"): "x̄ = ȳ (sqrt(2/π) x (1 - u²) (0.134145 x² + 1) + u + 1) / 2",
    ("quick-gelu", "x"): "x̄ = ȳ (1.702 y (1 - s) + s)",
    ("huber", "y"): "ȳ[n,k] = L̄ where(abs(y[n,k] - t[n,k]) ≤ d, y[n,k] - t[n,k], d sign(y[n,k] - t[n,k])) / (N K)",
    ("log-cosh", "y"): "ȳ[n,k] = L̄ tanh(y[n,k] - t[n,k]) / (N K)",
    (
        "multiclass-hinge",
        "z",
    ): "z̄[n,k] = L̄ ([z[n,k] + 1 - z[n,t[n]] > 0] - δ[k,t[n]] sum_j [z[n,j] + 1 - z[n,t[n]] > 0]) / N",
    ("crammer-singer", "z"): "z̄[n,k] = L̄ (δ[k,argmax_j (z[n,j] - δ[j,t[n]])] - δ[k,t[n]]) / N",
    ("hinge", "z"): "z̄[n] = -L̄ t[n] [1 - t[n] z[n] > 0] / N",
    (
        "focal",
        "z",
    ): "z̄[n,k] = L̄ (p[n,k] - δ[k,t[n]]) ((1 - p[n,t[n]])^g - g p[n,t[n]] log(p[n,t[n]]) (1 - p[n,t[n]])^(g - 1)) / N",
    ("cce-smoothed", "z"): "z̄[n,k] = L̄ (δ[k,t[n]] (e - 1) + exp(y[n,k]) - e/K) / N",
    ("cce-weighted", "z"): "z̄[n,k] = L̄ w[t[n]] (p[n,k] - δ[k,t[n]]) / (sum_m w[t[m]])",
    ("cce-temperature", "z"): "z̄[n,k] = L̄ (p[n,k] sum_j t[n,j] - t[n,k]) / (N tau)",
    ("bce-weighted", "z"): "z̄[n,k] = L̄ (t[n,k] (w[k] (p[n,k] - 1) - p[n,k]) + p[n,k]) / (N K)",
    ("cosine-similarity", "a"): "ā[n,i] = L̄ (a[n,i] c[n] / ra[n] - b[n,i]/rb[n]) / (N ra[n])",
    ("cosine-similarity", "b"): "b̄[n,i] = L̄ (b[n,i] c[n] / rb[n] - a[n,i]/ra[n]) / (N rb[n])",
    ("triplet", "a"): "ā[n,i] = 2 L̄ [d[n] + m > 0] (q[n,i] - p[n,i]) / N",
    ("triplet", "p"): "p̄[n,i] = 2 L̄ [d[n] + m > 0] (p[n,i] - a[n,i]) / N",
    ("triplet", "q"): "q̄[n,i] = 2 L̄ [d[n] + m > 0] (a[n,i] - q[n,i]) / N",
    ("info-nce", "q"): "q̄[n,i] = L̄ (sum_m k[m,i] p[n,m] - k[n,i]) / (N tau)",
    ("info-nce", "k"): "k̄[m,i] = L̄ (sum_n q[n,i] p[n,m] - q[m,i]) / (N tau)",
}


def result_line(derivation: Derivation) -> str:
    return f"{plain_text(derivation.target)} = {plain_text(derivation.result)}"


@pytest.mark.parametrize(("name", "wrt"), VJPS)
def test_the_shortest_form_comes_out(name: str, wrt: str) -> None:
    assert result_line(derive.vjp(name, wrt)) == VJPS[name, wrt]


@pytest.mark.parametrize(("name", "wrt"), GRADIENTS)
@pytest.mark.parametrize("derivation", [derive.jacobian, derive.vjp])
def test_every_step_is_an_equality(name: str, wrt: str, derivation: Callable[[str, str], Derivation]) -> None:
    derived = derivation(name, wrt)
    assert derived.steps
    derived.check(seed=1)


@pytest.mark.parametrize("name", [name for name in derive.catalogue() if name not in SMALL])
def test_every_part_of_a_backward_pass_is_an_equality(name: str) -> None:
    """The first part, which is that of what the output is made of, and the last, that of an input."""
    parts = derive.by_parts(name)
    for part in {parts[0].title: parts[0], parts[-1].title: parts[-1]}.values():
        assert part.steps
        part.check(seed=1)
        with pytest.raises(CheckFailedError, match="does not hold"):
            replace(part, steps=(), result=part.result + Integer(1) / 2000).check(seed=1)


@pytest.mark.parametrize(("name", "wrt"), GRADIENTS)
def test_a_wrong_step_is_caught(name: str, wrt: str) -> None:
    derived = derive.vjp(name, wrt)
    last = len(derived.steps) - 1
    for place in {0, last // 2, last}:
        step = derived.steps[place]
        wrong = replace(step, after=step.after + Integer(1) / 2000)
        with pytest.raises(CheckFailedError, match="does not hold"):
            replace(derived, steps=(wrong,)).check(seed=1)


def test_a_wrong_step_is_caught_wherever_it_stands() -> None:
    derived = derive.vjp("softmax", "x")
    for place, step in enumerate(derived.steps):
        steps = list(derived.steps)
        steps[place] = replace(step, after=step.after + Integer(1) / 2000)
        with pytest.raises(CheckFailedError, match="does not hold"):
            replace(derived, steps=tuple(steps)).check(seed=1)


@pytest.mark.parametrize("name", SMALL)
def test_every_gradient_is_proved(name: str) -> None:
    checks = verify(name)
    assert [check.derivation.operation.name for check in checks] == [name] * len(checks)
    assert all(check.holds for check in checks)


@pytest.mark.parametrize("most", sweep([2, 100], lambda most: most == 2))
@pytest.mark.parametrize(("name", "wrt"), GRADIENTS)
def test_the_mutants_of_every_gradient_are_refuted(name: str, wrt: str, most: int) -> None:
    """Of its first mutant and its last, or of all."""
    derived = derive.vjp(name, wrt)
    definitions = derived.operation.definitions
    whole = whole_derivative(derived.operation, derived.target)
    assert prove_equal(derived.result, whole, definitions).verdict == PROVED
    made = mutants(derived)
    for mutant in made[:: max(1, len(made) - 1)] if most == 2 else made:
        assert prove_equal(mutant, whole, definitions).verdict == REFUTED


def mutants(derived: Derivation) -> list[object]:
    """The mistakes people make: sign, factor, a forgotten size, a forgotten term, a forgotten upstream gradient."""
    result = derived.result
    changed = [-result, 2 * result, result + derived.operation.output.tensor.gradient()(*_zeros(derived))]
    changed += [result * size for size in result.free_symbols & set(derived.operation.sizes) if result.has(1 / size)]
    changed += _with_terms_forgotten(result)
    return [mutant for mutant in changed if mutant != result]


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("reverse", "dy[n,-t - 1]"),
        ("reverse", "dy[n,t]"),
        ("reverse", "dy[n,T - t]"),
        ("reverse", "dy[n,T - 1]"),
        ("reverse", "0"),
        ("shift", "dy[n,t - 1]"),
        ("difference", "dy[n,t] - dy[n,t - 1]"),
    ],
)
def test_a_false_gradient_of_moved_places_is_refuted_with_numbers(name: str, claim: str) -> None:
    proof = derive.check_claim(name, "x", claim).proof
    assert proof.verdict == REFUTED
    assert proof.counterexample is not None


@pytest.mark.parametrize("claim", ["x[n,-t - 1] = 0*x[n,t]", "x[n,T + t] = 0*x[n,t]", "x[n,t - T] = 0*x[n,t]"])
def test_what_stands_outside_of_its_axis_everywhere_is_proved_to_be_0(claim: str) -> None:
    assert derive.prove(claim).verdict == PROVED


@pytest.mark.parametrize("claim", ["x[n,-t] = 0*x[n,t]", "x[n,T - 1 + t] = 0*x[n,t]", "x[n,t - T + 1] = 0*x[n,t]"])
def test_what_stands_on_its_axis_somewhere_is_refuted_to_be_0(claim: str) -> None:
    assert derive.prove(claim).verdict == REFUTED


def _zeros(derived: Derivation) -> list[Integer]:
    return [Integer(0) for _ in derived.operation.output.indices]


def _with_terms_forgotten(result: Expr) -> list[Expr]:
    """The expression without a term of a sum in it, or of a form at which an element of it stands."""
    sums = [argument for argument in result.args if isinstance(argument, Add)]
    return [
        result.func(*(argument - term if argument == whole else argument for argument in result.args))
        for whole in sums
        for term in whole.args
        if not isinstance(term, Element) and not term.is_number
    ]


def test_a_loss_collapses_to_probabilities_less_labels_under_the_fact_it_needs() -> None:
    (check,) = verify("softmax-cce")
    assert result_line(check.derivation) == "∂L/∂z[n,k] = (p[n,k] sum_j t[n,j] - t[n,k]) / N"
    (simplification,) = check.simplifications
    assert simplification.fact == "sum(t[n,k], k) = 1"
    assert result_line(simplification.derivation) == "∂L/∂z[n,k] = (p[n,k] - t[n,k]) / N"
    assert simplification.proof.verdict == PROVED
    assert simplification.proof.assumptions == ("sum(t[n,k], k) = 1",)
    assert simplification.without.verdict == REFUTED
    assert simplification.without.counterexample is not None


def test_a_wrong_fact_does_not_prove_it() -> None:
    derived = derive.jacobian("softmax-cce", "z", given=["sum(t[n,k], k) = 2"])
    assert result_line(derived) == "∂L/∂z[n,k] = (2 p[n,k] - t[n,k]) / N"
    with_one = derive.jacobian("softmax-cce", "z", given=["sum(t[n,k], k) = 1"])
    proof = prove_equal(with_one.result, derived.result, derived.operation.definitions, facts=derived.facts)
    assert proof.verdict == REFUTED


def test_layer_norm_typed_as_one_expression_has_its_three_terms() -> None:
    text = "y[n,k] = (x[n,k] - mean(x[n,j], j)) / sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + 1/100000)"
    derived = derive.vjp(text, "x")
    derived.check()
    expected = "x̄[n,i] = (ȳ[n,i] - (sum_j ȳ[n,j] + y[n,i] sum_j ȳ[n,j] y[n,j]) / K) / sigma[n]"
    assert result_line(derived) == expected


DEVIATIONS = "(x[n,k] - mean(x[n,j], j))/sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + eps)"
MULTIPLIED_OUT = "(x[n,k] - mean(x[n,j], j))/sqrt(mean(x[n,j]**2, j) - mean(x[n,j], j)**2 + eps)"


@pytest.mark.parametrize(("text", "keeps"), [(DEVIATIONS, True), (MULTIPLIED_OUT, False)])
def test_deviations_keep_their_digits_where_the_mean_is_large(text: str, keeps: bool) -> None:
    """The gradient is that of the rows less 1e8; not where somebody types the variance multiplied out."""
    operation = derive.operation(f"y[n,k] = g[k]*{text} + b[k]")
    place = [tensor.name for tensor in operation.differentiable].index("x")
    gradients = []
    for offset in (0.0, 1e8):
        arrays = {"g": np.ones(3), "x": np.array([[1.0, 2.0, 4.0]]) + offset, "eps": 1e-5, "b": np.zeros(3)}
        pull = codegen.vjp(operation, *(arrays[tensor.name] for tensor in operation.inputs))[1]
        gradients.append(pull(np.array([[0.0, 1.0, -2.0]]))[place])
    assert np.allclose(gradients[1], gradients[0], rtol=1e-6) == keeps


def test_means_spreads_and_deviations_of_what_is_typed_have_names() -> None:
    typed = derive.operation(f"y[n,k] = g[k]*{DEVIATIONS} + b[k]")
    assert [each.tensor.name for each in typed.definitions] == ["mu", "sigma", "xhat", "y"]
    given = derive.operation("y[n,k] = g[k]*(x[n,k] - mu[n])/sigma[n]")
    assert [each.tensor.name for each in given.definitions] == ["y"]  # These are inputs, and nothing is summed.
    twice = derive.operation(
        "s[k] = sqrt(mean((x[n,k] - mean(x[m,k], m))**2, n)); y[n,k] = (x[n,k] - mean(x[m,k], m))/s[k]"
    )
    assert [definition_text(each.body) for each in twice.definitions][-1] == "(x[n,k] - mu[k])/s[k]"


@pytest.mark.parametrize(
    "name", sweep(["lstm-cell", "multi-head-attention"], lambda name: name != "multi-head-attention")
)
def test_a_gradient_written_by_others_is_proved_part_by_part(name: str) -> None:
    checks = verify(name)
    assert any(check.derivation.named for check in checks)
    assert all(check.holds for check in checks)


def test_what_was_derived_is_kept() -> None:
    """The whole catalogue asked for in turn is derived once; what is asked for otherwise is not the same."""
    asked = [(name, each.name) for name, operation in derive.catalogue().items() for each in operation.differentiable]
    assert 2 * len(asked) < MOST_KEPT  # Jacobians beside vector-Jacobian products.
    kept = derive.vjp("softmax", "x")
    assert derive.vjp(derive.find("softmax"), "x", ()) is kept
    assert derive.vjp(derive.find("softmax").renamed("other"), "x") != kept
    assert derive.jacobian("softmax", "x") != kept
    loss = derive.jacobian("softmax-cce", "z", ["sum(t[n,k], k) = 1"])
    assert derive.jacobian("softmax-cce", "z", ["sum(t[n,k], k) = 1"]) is loss
    assert derive.jacobian("softmax-cce", "z").result != loss.result


def test_what_is_not_proved_by_parts_is_proved_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the gradients by name are put in like everything else."""
    monkeypatch.setattr("derive.pullback.FEW_DEFINITIONS", 0)
    monkeypatch.setattr("derive.pullback.LONGEST", 0.0)
    monkeypatch.setattr("derive.verification._part_proof", lambda *arguments: None)
    operation = derive.find("attention").renamed("put-in")  # What is derived of attention itself is kept.
    derivation = derive.vjp(operation, "q")
    assert derivation.named
    assert _proof(operation, derivation).verdict == PROVED


def test_a_wrong_part_is_not_proved() -> None:
    """One gradient by name doubled: neither is it proved by itself nor is what is written by it."""
    operation = derive.find("lstm-cell")
    derivation = derive.vjp(operation, "x")
    assert _proof(operation, derivation).verdict == PROVED
    (named,) = derivation.named
    wrong = replace(derivation, named=(Definition(named.target, 2 * named.body),))
    assert _proof(operation, wrong).verdict == REFUTED


def test_a_composition_names_each_factor() -> None:
    derived = derive.jacobian(derive.compose("dense", "relu"), "w")
    chain = [step for step in derived.steps if step.rule == "chain rule"]
    assert [plain_text(step.after) for step in chain] == ["sum_m sum_l ∂y[n,k]/∂z[m,l] ∂z[m,l]/∂w[d,j]"]
    assert result_line(derived) == "∂y[n,k]/∂w[d,j] = δ[k,j] x[n,d] [z[n,k] > 0]"


def test_an_intermediate_used_twice_adds_its_paths() -> None:
    derived = derive.vjp("h[n] = x[n]**2; y[n] = h[n] * x[n] + exp(h[n])", "x")
    derived.check()
    proof = prove_equal(
        derived.result, whole_derivative(derived.operation, derived.target), derived.operation.definitions
    )
    assert proof.verdict == PROVED


def test_labels_have_no_derivative() -> None:
    with pytest.raises(derive.ImpossibleError, match="t holds integers"):
        derive.vjp("cce-sparse", "t")
    with pytest.raises(derive.InputError, match="softmax has no input 'w'; its inputs are x"):
        derive.vjp("softmax", "w")


# -- what a step shows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrt"), [("layer-norm", "x"), ("cosine-similarity", "a"), ("least-squares", "y"), ("group-norm", "x")]
)
def test_no_line_is_printed_twice(name: str, wrt: str) -> None:
    derivation = derive.vjp(name, wrt)
    assert not [step for step in derivation.steps if canonical(step.before) == canonical(step.after)]
    for block in blocks_of(derivation):
        shown = [plain_text(block.left), *(plain_text(line.right) for line in block.lines)]
        assert not [one for one, two in pairwise(shown) if one == two]
    derivation.check()


def test_a_step_that_shows_something_is_printed() -> None:
    for name in ("softmax", "least-squares"):
        wrt = derive.find(name).inputs[0].name
        assert derive.vjp(name, wrt).steps[0].rule == "definition"


@pytest.mark.parametrize(
    ("text", "short", "false"),
    [
        ("y = max(x, 0)**2", "x̄ = 2 ȳ max(x, 0)", "2*dy*max(x, 1)"),
        ("y = min(x, 0)**3", "x̄ = 3 ȳ min(x, 0)²", "3*dy*x**2"),
        ("s = sum(abs(x[i]), i); y[i] = x[i]/s", "x̄[i] = (ȳ[i] - sign(x[i]) sum_j ȳ[j] y[j]) / s",
         "(dy[i] + sign(x[i])*sum(dy[j]*y[j], j))/s"),
        ("y[n,i] = x[n,i] / sum(abs(x[n,j]), j)",
         "x̄[n,i] = (ȳ[n,i] - sign(x[n,i]) sum_j ȳ[n,j] y[n,j]) / (sum_j abs(x[n,j]))",
         "(dy[n,i] - sum(dy[n,j]*y[n,j], j))/sum(abs(x[n,j]), j)"),
    ],
)  # fmt: skip
def test_what_a_factor_says_already_is_not_said_twice(text: str, short: str, false: str) -> None:
    derivation = derive.vjp(text, "x")
    assert derivation.text(steps=False) == short
    derivation.check()
    true = definition_text(derivation.result)
    assert derive.check_claim(text, "x", true).verdict == PROVED
    assert derive.check_claim(text, "x", false).verdict == REFUTED


def test_what_is_derived_again_speaks_of_the_operation_that_it_was_asked_for() -> None:
    relu = derive.find("relu")
    other = replace(relu, record=replace(relu.record, title="another", domain={"x": (1.0, 2.0)}))
    first, second, again = (derive.pull_back(each) for each in (relu, other, derive.find("relu")))
    assert first.operation.record.title != "another" and second.operation.record.title == "another"
    assert again is first
