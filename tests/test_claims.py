"""Claims about gradients: true ones are proved in any spelling, false ones refuted, and what is wrong is named."""

from __future__ import annotations

import pytest

from derive import catalogue, check_claim, compose, find, prove, vjp
from derive.errors import DefinitionError, InputError
from derive.gradient_claims import ClaimCheck
from derive.gradients import read_gradient
from derive.operation import Operation
from derive.printing import definition_text
from derive.proof import PROVED, REFUTED, UNDECIDED, prove_equal

LAYER_NORM = (
    "c[n,d] = x[n,d] - mean(x[n,e], e); s[n] = sqrt(mean(c[n,d]**2, d) + eps); y[n,d] = c[n,d]/s[n]*gamma[d] + beta[d]"
)
CENTRE = "y[n,k] = x[n,k] - mean(x[n,j], j)"
UNIT = "y[n,d] = x[n,d] / sqrt(sum(x[n,e]**2, e))"
QUADRATIC = "L = sum(x[i]*a[i,j]*x[j], i, j)"
NEURON = "L = (w*x + b - t)**2"
ROWS = "sum(t[n,k], k) = 1"
#: Of how many inputs of a large block gradients are typed again.
MOST_INPUTS = 5

#: An operation, an input, and two spellings of its gradient.
TRUE: list[tuple[str, str, str, str]] = [
    (
        "softmax",
        "x",
        "y[n,k]*(dy[n,k] - sum(dy[n,j]*y[n,j], j))",
        "dx[a,b] = y[a,b]*dy[a,b] - y[a,b]*sum(y[a,c]*dy[a,c], c)",
    ),
    ("softmax", "x", "delta(n,m)*y[n,k]*(delta(k,j) - y[n,j])", "diff(y[n,k], x[n,j]) = y[n,k]*(delta(k,j) - y[n,j])"),
    ("softmax-cce", "z", "(p[n,k]*sum(t[n,j], j) - t[n,k])/N", "dL_dz[i,j] = p[i,j]*sum(t[i,k]/N, k) - t[i,j]/N"),
    ("softmax-cce-sparse", "z", "(p[n,k] - delta(k, t[n]))/N", "dz[n,k] = p[n,k]/N - [t[n] = k]/N"),
    ("dense", "x", "sum(dy[n,k]*w[d,k], k)", "sum(dy[i,j]*w[l,j], j)"),
    ("dense", "w", "sum(x[n,d]*dy[n,k], n)", "dw[i,j] = sum(dy[s,j]*x[s,i], s)"),
    ("dense", "b", "sum(dy[n,k], n)", "N*mean(dy[n,k], n)"),
    ("dense", "w", "delta(k,j)*x[n,d]", "diff(y[n,k], w[i,k]) = x[n,i]"),
    ("mse", "y", "2*(y[n,k] - t[n,k])/(N*K)", "(y[n,k]*2 - t[n,k] - t[n,k])/N/K"),
    ("sigmoid", "x", "y*(1 - y)", "sigmoid(x)*sigmoid(-x)"),
    ("sigmoid", "x", "dx = dy*y*(1 - y)", "dy*exp(-x)/(1 + exp(-x))**2"),
    ("tanh", "x", "1 - y**2", "4/(exp(x) + exp(-x))**2"),
    ("relu", "x", "dy*[x > 0]", "where(x > 0, dy, 0)"),
    ("relu", "x", "[y > 0]", "dy/dx = [x > 0]"),
    ("mul", "a", "b*dy", "diff(y, a) = b"),
    ("cce", "p", "-t[n,k]/(N*p[n,k])", "dL/dp[i,j] = -t[i,j]/p[i,j]/N"),
    (
        LAYER_NORM,
        "x",
        "(gamma[d]*dy[n,d] - sum(dy[n,e]*gamma[e], e)/D - c[n,d]*sum(dy[n,e]*c[n,e]*gamma[e], e)/(D*s[n]**2))/s[n]",
        "gamma[d]*dy[n,d]/s[n] - mean(dy[n,e]*gamma[e], e)/s[n] - c[n,d]*mean(dy[n,e]*c[n,e]*gamma[e], e)/s[n]**3",
    ),
    (LAYER_NORM, "gamma", "sum(dy[n,d]*c[n,d]/s[n], n)", "sum(dy[i,k]*(y[i,k] - beta[k])/gamma[k], i)"),
    (CENTRE, "x", "dy[n,k] - mean(dy[n,j], j)", "sum(dy[n,j]*(delta(j,k) - 1/K), j)"),
    ("y[t] = sum(x[t+d*r]*w[r], r)", "w", "sum(dy[t]*x[t+d*r], t)", "dw[i] = sum(x[j + i*d]*dy[j], j)"),
    (NEURON, "w", "2*x*(w*x + b - t)", "dL/dw = 2*z*x"),
    (NEURON, "w", "dL*2*x*(w*x + b - t)", "dw = 2*dL*z*x"),
]


@pytest.mark.parametrize(("op", "wrt", "first", "second"), TRUE, ids=[f"{op[:12]}-{wrt}" for op, wrt, _, _ in TRUE])
def test_the_true_gradient_is_proved_in_two_spellings(op: str, wrt: str, first: str, second: str) -> None:
    for claim in (first, second):
        check = check_claim(op, wrt, claim)
        assert (check.verdict, check.diagnosis, check.needed) == (PROVED, (), ())
        assert "proved" in check.text()


#: An operation, an input, a mistaken claim, and what is wrong with it.
FALSE: list[tuple[str, str, str, str]] = [
    ("softmax", "x", "y[n,k]*dy[n,k]", "the term -y[n,k]*sum(dy[n,j]*y[n,j], j) is missing"),
    (
        "softmax",
        "x",
        "y[n,k]*(dy[n,k] + sum(dy[n,j]*y[n,j], j))",
        "the sign of the term sum(dy[n,j]*y[n,j], j) is wrong",
    ),
    ("softmax", "x", "y[n,k]*(dy[n,k] - dy[n,k]*y[n,k])", "the sum over k is missing: sum(dy[n,j]*y[n,j], j) is meant"),
    (
        "softmax",
        "x",
        "y[n,k]*(dy[n,k] - y[n,k]*sum(dy[n,j], j))",
        "y[n,k] belongs inside the sum: sum(dy[n,j]*y[n,j], j) is meant",
    ),
    ("softmax", "x", "dy[n,k] - sum(dy[n,j]*y[n,j], j)", "the factor y[n,k] is missing"),
    ("softmax", "x", "x[n,k]*(dy[n,k] - sum(dy[n,j]*x[n,j], j))", "x is written where y is meant"),
    (
        "softmax",
        "x",
        "dy[n,k]*y[n,k]*(1 - y[n,k])",
        "it has the diagonal of the Jacobian alone: what dy[n,j] adds where j != k is missing",
    ),
    ("softmax", "x", "y[n,k]*(delta(k,j) - y[n,j])", "true only where m = n: the factor delta(n, m) is missing"),
    (
        "softmax",
        "x",
        "y[n,k]*(1 - y[n,k])",
        "true only where j = k and m = n: it is the diagonal, and the other entries are missing",
    ),
    ("softmax", "x", "diff(y[n,k], x[n,j]) = -y[n,k]*y[n,j]", "the term delta(k, j)*y[n,j] is missing"),
    ("softmax", "x", "diff(y[n,k], x[n,j]) = y[n,k]*(1 - y[n,j])", "the factor delta(k, j) is missing beside 1"),
    (
        "softmax",
        "x",
        "diff(y[n,k], x[n,j]) = y[n,k]*(delta(k,j) - y[n,k])",
        "an index is wrong: y[n,k] is written where y[n,j] is meant",
    ),
    ("attention", "q", "sum(ds[n,i,j]*k[n,j,d], j)", "the factor 1/sqrt(D) is missing"),
    ("dense", "w", "x[n,d]*dy[n,k]", "the sum over n is missing: sum(dy[n,k]*x[n,d], n) is meant"),
    ("dense", "w", "mean(x[n,d]*dy[n,k], n)", "the factor 1/N is too many"),
    ("dense", "w", "-sum(x[n,d]*dy[n,k], n)", "the sign is wrong"),
    ("dense", "w", "x[n,d]", "true only where j = k: the factor delta(k, j) is missing"),
    ("dense", "x", "dy[n,k]*w[d,k]", "the sum over k is missing: sum(dy[n,k]*w[d,k], k) is meant"),
    ("dense", "b", "dy[n,k]", "the sum over n is missing: sum(dy[n,k], n) is meant"),
    ("dense", "b", "sum(y[n,k]*dy[n,k], n)", "the factor y[n,k] is too many in dy[n,k]*y[n,k]"),
    ("mse", "y", "2*(y[n,k] - t[n,k])/N", "the factor 1/K is missing"),
    ("mse", "y", "(y[n,k] - t[n,k])/(N*K)", "the factor 2 is missing"),
    ("mse", "y", "2*(t[n,k] - y[n,k])/(N*K)", "the sign is wrong"),
    ("mse", "y", "t[n,k] - y[n,k]", "the sign is wrong and the factor 2/(N*K) is missing"),
    ("mse", "y", "2*(y[n,k] + t[n,k])/(N*K)", "the sign of the term t[n,k] is wrong"),
    ("mse", "y", "2*y[n,k]/(N*K)", "the term -2*t[n,k]/(N*K) is missing"),
    (
        "mse",
        "y",
        "2*(y[n,k] - t[n,k])**2/(N*K)",
        "an exponent is wrong: (y[n,k] - t[n,k])**2 is written where y[n,k] - t[n,k] is meant",
    ),
    ("sigmoid", "x", "dx = y*(1 - y)", "the factor dy is missing"),
    ("sigmoid", "x", "dx = dy", "the factor y*(1 - y) is missing: the derivative of y by x"),
    ("sigmoid", "x", "y*(1 + y)", "the sign of the term y is wrong"),
    ("sigmoid", "x", "x*(1 - x)", "x is written where y is meant"),
    ("sigmoid", "x", "y*(y - 1)", "the sign is wrong"),
    ("tanh", "x", "1 - y", "an exponent is wrong: y is written where y**2 is meant"),
    ("tanh", "x", "1 - x**2", "x is written where y is meant"),
    ("tanh", "x", "1 + y**2", "the sign of the term y**2 is wrong"),
    ("relu", "x", "dy*[x < 0]", "[x < 0] is written where [x > 0] is meant"),
    ("relu", "x", "dy*max(x, 0)", "max(x, 0) is written where its derivative [x > 0] is meant"),
    ("relu", "x", "dx = dy", "the factor [x > 0] is missing: the derivative of y by x"),
    ("mul", "a", "a*dy", "a is written where b is meant"),
    ("mul", "a", "-b*dy", "the sign is wrong"),
    ("mul", "a", "y*dy", "y is written where b is meant"),
    ("cce", "p", "-t[n,k]/p[n,k]", "the factor 1/N is missing"),
    ("cce", "p", "t[n,k]/(N*p[n,k])", "the sign is wrong"),
    (
        "cce",
        "p",
        "-p[n,k]/(N*t[n,k])",
        "a fraction is upside down: -p[n,k]/(N*t[n,k]) is written where -t[n,k]/(N*p[n,k]) is meant",
    ),
    ("cce", "p", "-t[n,k]*log(p[n,k])/N", "log(p[n,k]) is written where its derivative 1/p[n,k] is meant"),
    ("softmax-cce-sparse", "z", "p[n,k]/N", "the term -delta(k, t[n])/N is missing"),
    ("softmax-cce-sparse", "z", "p[n,k] - delta(k, t[n])", "the factor 1/N is missing"),
    ("softmax-cce", "z", "-t[n,k]/(N*p[n,k])", "this is the gradient of p, not of z"),
    (NEURON, "w", "2*(w*x + b - t)", "the factor x is missing"),
    (NEURON, "w", "dw = 2*x*(w*x + b - t)", "the factor dL is missing"),
    (CENTRE, "x", "dy[n,k]", "the term -sum(dy[n,j], j)/K is missing"),
    (CENTRE, "x", "dy[n,k] - sum(dy[n,j], j)", "the factor 1/K is missing in the term -sum(dy[n,j], j)"),
    (QUADRATIC, "x", "sum(a[i,j]*x[j], j)", "the term sum(a[j,i]*x[j], j) is missing"),
    (QUADRATIC, "x", "2*sum(a[i,j]*x[j], j)", "true when a is symmetric: a[i,j] = a[j,i]"),
    (
        LAYER_NORM,
        "x",
        "(gamma[d]*dy[n,d] - mean(dy[n,e]*gamma[e], e))/s[n]",
        "the term -c[n,d]*sum(dy[n,e]*c[n,e]*gamma[e], e)/(D*s[n]**3) is missing",
    ),
    (
        LAYER_NORM,
        "x",
        "(gamma[d]*dy[n,d] - mean(dy[n,e]*gamma[e], e) - c[n,d]*mean(dy[n,e]*c[n,e]*gamma[e], e)/s[n])/s[n]",
        "an exponent is wrong: 1/s[n] is written where 1/s[n]**2 is meant",
    ),
    (
        LAYER_NORM,
        "x",
        "(dy[n,d] - mean(dy[n,e], e) - c[n,d]*mean(dy[n,e]*c[n,e], e)/s[n]**2)/s[n]",
        "the factor gamma[d] is missing beside dy[n,d]",
    ),
    (LAYER_NORM, "gamma", "dy[n,d]*c[n,d]/s[n]", "the sum over n is missing: sum(dy[n,d]*c[n,d]/s[n], n) is meant"),
    (LAYER_NORM, "gamma", "sum(dy[n,d]*c[n,d], n)", "the division by s[n] is missing in dy[n,d]*c[n,d]"),
]


@pytest.mark.parametrize(
    ("op", "wrt", "claim", "words"), FALSE, ids=[f"{op[:12]}-{wrt}-{claim[:40]}" for op, wrt, claim, _ in FALSE]
)
def test_a_mistake_is_refuted_and_named(op: str, wrt: str, claim: str, words: str) -> None:
    check = check_claim(op, wrt, claim)
    assert check.verdict == REFUTED
    assert check.diagnosis[0] == words
    assert check.needed == ()
    assert check.proof is not None
    assert check.proof.counterexample is not None
    text = check.text()
    assert words in text
    assert "refuted" in text
    assert f"claimed = {check.proof.counterexample.left}" in text
    assert f"derived = {check.proof.counterexample.right}" in text


def holds_given(check: ClaimCheck, *facts: str) -> bool:
    return check.verdict == REFUTED and check.needed == facts


def test_an_assumption_is_found_and_said() -> None:
    check = check_claim("softmax-cce", "z", "(p[n,k] - t[n,k])/N")
    assert holds_given(check, ROWS)
    assert check.diagnosis == (f"true when every row of t sums to 1: {ROWS}",)
    lines = check.text().splitlines()
    assert f"true given {ROWS}; without it refuted:" in lines
    assert any("claimed = " in line for line in lines)


@pytest.mark.parametrize(
    "claim", ["(p[n,k] - t[n,k])/N", "dz[i,j] = (p[i,j] - t[i,j])/N", "dL/dz[i,j] = p[i,j]/N - t[i,j]/N"]
)
def test_a_given_fact_proves_it(claim: str) -> None:
    check = check_claim("softmax-cce", "z", claim, given=[ROWS])
    assert check.holds
    assert check.proof is not None
    assert check.proof.assumptions == (ROWS,)
    assert check.diagnosis == ()


def test_a_fact_that_does_not_help_proves_nothing() -> None:
    check = check_claim("softmax-cce", "z", "(p[n,k] - t[n,k])/N", given=["sum(z[n,k], k) = 0"])
    assert holds_given(check, ROWS)
    check = check_claim("softmax-cce", "z", "(p[n,k] - t[n,k])/N", given=["sum(t[n,k], n) = 1"])
    assert (check.verdict, check.needed) == (REFUTED, ()), "rows and columns can not both sum to 1 for all sizes"
    assert check_claim("softmax-cce", "z", "(p[n,k] + t[n,k])/N", given=[ROWS]).verdict == REFUTED


#: What is wrong beside the assumption.
BESIDE = [
    ("p[n,k] - t[n,k]", "the factor 1/N is missing"),
    ("(t[n,k] - p[n,k])/N", "the sign is wrong"),
    ("2*(t[n,k] - p[n,k])/N", "the sign is wrong and the factor 2 is too many"),
    ("p[n,k] - t[n,k]/N", "the factor 1/N is missing in the term p[n,k]"),
    ("(p[n,k] + t[n,k])/N", "the sign of the term t[n,k] is wrong"),
    ("(z[n,k] - t[n,k])/N", "z[n,k] is written where p[n,k] is meant"),
    ("p[n,k]/N", "the term -t[n,k]/N is missing"),
]


@pytest.mark.parametrize(("claim", "words"), BESIDE)
def test_a_mistake_beside_an_assumption(claim: str, words: str) -> None:
    check = check_claim("softmax-cce", "z", claim)
    assert check.needed == ()
    assert check.diagnosis == (f"{words}; then it is true when every row of t sums to 1: {ROWS}",)
    assert check_claim("softmax-cce", "z", claim, given=[ROWS]).diagnosis == (words,)


def test_facts_of_typed_definitions_are_found_too() -> None:
    typed = "p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j); L = -sum(t[n,k]*log(p[n,k]), n, k)/N"
    assert holds_given(check_claim(typed, "z", "(p[n,k] - t[n,k])/N"), ROWS)
    assert holds_given(check_claim(UNIT, "x", "dy[n,d] - x[n,d]*sum(x[n,e]*dy[n,e], e)"), "sum(x[n,d]**2, d) = 1")
    assert check_claim("L = sum((x[n] - mean(x[m], m))**2, n)", "x", "2*x[m]").diagnosis == (
        "the term -2*sum(x[n], n)/N is missing",
        "true when x sums to 0: sum(x[m], m) = 0",
    )


def test_compositions() -> None:
    network = compose("dense", "softmax-cce")
    assert holds_given(check_claim(network, "w", "sum(x[n,d]*(p[n,k] - t[n,k]), n)/N"), ROWS)
    assert check_claim(network, "b", "sum(p[n,k] - t[n,k], n)/N", given=[ROWS]).holds
    assert check_claim(network, "w", "sum(x[n,d]*dz[n,k], n)").holds
    layer = compose("dense", "relu")
    assert check_claim(layer, "w", "sum(x[n,d]*dz[n,k], n)").holds
    assert check_claim(layer, "w", "sum(x[n,d]*dy[n,k]*[z[n,k] > 0], n)").holds
    (words,) = check_claim(layer, "w", "sum(x[n,d]*dy[n,k], n)").diagnosis
    assert words == "the factor [z[n,k] > 0] is missing in dy[n,k]*x[n,d]: the derivative of y[n,k] by z[n,k]"


def test_a_wrong_claim_with_a_sign_is_refuted() -> None:
    check = check_claim("y[n,i] = x[n,i]/sum(abs(x[n,j]), j)", "x", "dy[n,i]*sign(x[n,i])")
    assert check.verdict == REFUTED


def test_a_kink_is_no_mistake_to_be_diagnosed() -> None:
    check = check_claim("relu", "x", "dy*[x >= 0]")
    assert check.proof is not None
    assert check.proof.kinks == ("x = 0",)
    assert check.diagnosis == ()
    assert check.text().splitlines()[2].startswith("refuted, but only ")


def test_facts_of_every_kind_may_be_given() -> None:
    assert check_claim("y = sqrt(x**2)", "x", "dy", given=["x > 0"]).holds
    assert check_claim("y = sqrt(x**2)", "x", "dy").verdict == REFUTED
    check = check_claim("y = log(x)", "x", "dy/abs(x)")
    assert check.holds
    assert check.proof is not None
    assert check.proof.conditions == ("x > 0",)
    assert check_claim("mul", "a", "2*a*dy", given=["b = 2*a"]).holds


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "claim", "name", "verdict"),
    [
        ("dense", "dx[s,i] = sum(dy[s,j]*w[i,j], j)", "dx[s,i]", PROVED),
        ("dense", "sum(dy[s,j]*w[i,j], j)", "dx[n,d]", PROVED),
        ("dense", "sum(dy[d,j]*w[n,j], j)", "dx[n,d]", REFUTED),
        ("softmax", "diff(y[n,k], x[n,j]) = y[n,k]*(delta(k,j) - y[n,j])", "diff(y[n,k], x[n,j])", PROVED),
        ("softmax", "diff(y[a,b], x[a,b]) = y[a,b]*(1 - y[a,b])", "diff(y[a,b], x[a,b])", PROVED),
        ("softmax", "diff(y[a,b], x[a,0]) = -y[a,b]*y[a,0]", "diff(y[a,b], x[a,0])", REFUTED),
        ("softmax", "dy[n,k]/dx[n,j] = y[n,k]*(delta(k,j) - y[n,j])", "diff(y[n,k], x[n,j])", PROVED),
        ("softmax-cce-sparse", "dL_dz[i,j] = (p[i,j] - delta(j, t[i]))/N", "dz[i,j]", PROVED),
        ("softmax-cce-sparse", "dL*(p[i,j] - delta(j, t[i]))/N", "dz[n,k]", PROVED),
        ("sigmoid", "dy[n,k]*y[n,k]*(1 - y[n,k])", "dx", PROVED),
        ("relu", "dx[n] = dy[n]*[x[n] > 0]", "dx", PROVED),
        ("softmax", "sum(dy[n,i]*diff(y[n,i], x[n,k]), i)", "dx[n,k]", PROVED),
        ("softmax", "sum(dy[n,i]*diff(y[n,k], x[n,i]), i)", "dx[n,k]", PROVED),
    ],
)
def test_the_left_side_may_be_spelt_out(op: str, claim: str, name: str, verdict: str) -> None:
    check = check_claim(op, "z" if "cce" in op else "x", claim)
    assert (check.name, check.verdict) == (name, verdict)


def test_the_input_may_be_told_by_the_claim_alone() -> None:
    assert check_claim("dense", None, "db[k] = sum(dy[n,k], n)").holds
    assert check_claim("softmax", None, "y[n,k]*(dy[n,k] - sum(dy[n,j]*y[n,j], j))").holds
    with pytest.raises(InputError, match="several inputs; say by which to differentiate: x, w, b"):
        check_claim("dense", None, "sum(dy[n,k], n)")


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("sum(dy[n,k]*w[k,d], k)", "the indices of w[k,d] are transposed: w[d,k] is meant"),
        ("sum(dy[n,k]*w[d,n], k)", "an index is wrong: w[d,n] is written where w[d,k] is meant"),
        ("sum(dy[k,n]*w[d,k], k)", "the indices of dy[k,n] are transposed: dy[n,k] is meant"),
    ],
)
def test_indices_that_do_not_fit_are_explained(claim: str, words: str) -> None:
    check = check_claim("dense", "x", claim)
    assert (check.verdict, check.claimed, check.proof) == (REFUTED, None, None)
    assert check.diagnosis == (words,)
    assert "two sizes" in check.problem
    assert "makes no sense" in check.text()


def test_indices_that_do_not_fit_beside_an_assumption() -> None:
    check = check_claim("softmax-cce", "z", "(p[n,k] - t[k,n])/N")
    assert check.diagnosis == (f"the indices of t[k,n] are transposed: t[n,k] is meant; then it is true given {ROWS}",)


@pytest.mark.parametrize(
    ("op", "wrt", "claim", "error", "message"),
    [
        ("softmax", "x", "q[n,k]", DefinitionError, "unknown name q"),
        ("softmax", "x", "y[n,k]*(dy[n,k]", DefinitionError, "\\("),
        ("softmax", "x", "", DefinitionError, "empty"),
        ("softmax", "x", "y[n,k] = 1", InputError, "the claim's left side is y\\[n,k\\]"),
        ("softmax", "x", "dy[n,k] = 1", InputError, "about the gradient of y, not of x"),
        ("softmax", "w", "y[n,k]", InputError, "has no input 'w'"),
        ("softmax", "x", "dx[n,k]", InputError, "by means of that gradient itself"),
        ("softmax-cce", "z", "dt[n,k] = p[n,k]", InputError, "about the gradient of t, not of z"),
        ("softmax-cce", "z", "diff(p[n,k], z[n,j]) = 0", InputError, "not of the output L"),
        ("softmax", "x", 1, InputError, "a claim is a text"),
        ("nothing", "x", "y", InputError, "no operation called"),
        (compose("dense", "relu"), "w", "diff(y[n,k], w[d,k]) = dz[n,k]", InputError, "has no gradient in it"),
    ],
)
def test_what_is_no_claim_is_refused(
    op: str | Operation, wrt: str, claim: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_claim(op, wrt, claim)


def test_given_is_a_list() -> None:
    with pytest.raises(InputError, match="given takes a list"):
        check_claim("softmax-cce", "z", "p[n,k]", given=ROWS)


def test_the_same_claim_is_answered_the_same() -> None:
    first, second = (check_claim("softmax-cce", "z", "(p[n,k] - t[n,k])/N") for _ in range(2))
    assert first.text() == second.text()
    assert find("softmax-cce") is first.derivation.operation


@pytest.mark.parametrize("name", catalogue())
def test_a_printed_gradient_that_is_typed_again_is_proved(name: str) -> None:
    """With the names and whole numbers that it is printed with; twice as much is not proved."""
    operation = find(name)
    for tensor in operation.differentiable[-MOST_INPUTS:]:
        derived = vjp(operation, tensor.name)
        claim = f"{definition_text(derived.target)} = {definition_text(derived.result)}"
        assert check_claim(operation, tensor.name, claim).holds, claim
        read = read_gradient(operation, tensor.name, claim)
        twice = prove_equal(2 * read.claimed, read.derived, read.definitions, seconds=1)
        assert twice.verdict != PROVED or read.derived == 0, claim


# -- functions of angles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "false", "conditions"),
    [
        ("sin(x)**2 + cos(x)**2 = 1", "sin(x)**2 - cos(x)**2 = 1", ()),
        ("sum(sin(x[n])**2, n) = sum(1 - cos(x[n])**2, n)", "sum(sin(x[n])**2, n) = sum(1 - cos(x[n]), n)", ()),
        ("tan(x)*cos(x) = sin(x)", "tan(x)*sin(x) = cos(x)", ("cos(x) != 0",)),
        ("diff(tan(x), x) = 1/cos(x)**2", "diff(tan(x), x) = 1/sin(x)**2", ("cos(x) != 0",)),
        ("diff(sin(2*x), x) = 2*cos(2*x)", "diff(sin(2*x), x) = cos(2*x)", ()),
        ("asin(x) + acos(x) = pi/2", "asin(x) - acos(x) = pi/2", ("1 - x**2 >= 0",)),
        ("diff(asin(x), x) = -diff(acos(x), x)", "diff(asin(x), x) = diff(acos(x), x)", ("x > -1", "x < 1")),
        ("sin(asin(x)) = x", "asin(sin(x)) = x", None),
    ],
)
def test_functions_of_angles(claim: str, false: str, conditions: tuple[str, ...] | None) -> None:
    proof = prove(claim)
    assert proof.verdict == PROVED
    assert conditions is None or proof.conditions == conditions
    assert prove(false).verdict == REFUTED


def test_of_several_angles_nothing_wrong_is_said() -> None:
    """No rule knows what the angles have to do with each other: a truth is undecided, its twin refuted by numbers."""
    assert prove("sin(2*x) = 2*sin(x)*cos(x)", seconds=2).verdict == UNDECIDED
    assert prove("sin(2*x) = 3*sin(x)*cos(x)", seconds=2).verdict == REFUTED
