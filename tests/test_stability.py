"""The forward pass without overflow: which forms are found, that they are equal, and that mutants are refused."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

import codegen
import derive
from codegen.c_compiler import find_compiler
from derive.printing import definition_text
from derive.stability import guard_absent, stable_definitions


def texts(op: str) -> list[str]:
    return [
        f"{definition_text(definition.target)} = {definition_text(definition.body)}"
        for definition in stable_definitions(derive.find(op))
    ]


def test_softmax_subtracts_the_largest() -> None:
    assert texts("softmax") == [
        "row_max[n] = max(x[n,k], k)",
        "exps[n,k] = exp(x[n,k] - row_max[n])",
        "total[n] = sum(exps[n,k], k)",
        "y[n,k] = exps[n,k]/total[n]",
    ]


def test_a_logarithm_of_softmax_is_never_taken_of_a_number_that_underflowed() -> None:
    *_, loss = texts("softmax-cce")
    assert loss == "L = -sum(t[n,k]*(z[n,k] - log(total[n]) - row_max[n]), n, k)/N"
    *_, sparse = texts("softmax-cce-sparse")
    assert sparse == "L = -sum(z[n,t[n]] - log(total[n]) - row_max[n], n)/N"


@pytest.mark.parametrize(
    "text",
    [
        "y[n] = log(sum(exp(x[n,k]), k))",
        "y[n,k] = x[n,k] - log(sum(exp(x[n,j]), j))",
        "y[n,k] = exp(x[n,k]/2) / sum(exp(x[n,j]/2), j)",
        "y[h,n,k] = exp(x[h,n,k]) / sum(exp(x[h,n,j]), j)",
        "y[k,n] = exp(x[k,n]) / sum(exp(x[j,n]), j)",
        "y[k] = exp(x[k]) / sum(exp(x[j]), j)",
        "y = log(sum(exp(x[n,k]), n, k))",
        "y[n,i,j] = exp(x[n,i,j]) / sum(exp(x[n,k,l]), k, l)",
        "s[n,t] = sum(q[n,d]*k[t,d], d); p[n,t] = exp(s[n,t]) / sum(exp(s[n,u]), u); y[n,d] = sum(p[n,t]*v[t,d], t)",
        "y[n] = log(sum(w[k]*exp(x[n,k]), k))",
        "y[n] = sum(v[k]*exp(x[n,k]), k) / sum(w[k]*exp(x[n,k]), k)",
    ],
)
def test_every_softmax_like_form_is_shifted(text: str) -> None:
    assert any("max(" in line for line in texts(text))


DISTILLED = "p = softmax(z); q = softmax(s); L = sum(p[n,k]*(log(p[n,k]) - log(q[n,k])), n, k)"


@pytest.mark.parametrize(
    ("text", "moved"), [(DISTILLED, "zs"), ("y[n] = log(sum(w[k]*exp(x[n,k]), k))", "x")], ids=["two", "weighted"]
)
def test_every_sum_of_exponentials_of_a_definition_is_shifted(text: str, moved: str) -> None:
    """Gradients do not change when 1000, of which the exponential overflows, is added to all of a row."""
    operation, generator = derive.operation(text), np.random.default_rng(2)
    arrays = [generator.uniform(0.5, 2.0, (2, 3)[-tensor.rank :]) for tensor in operation.inputs]
    far = [array + 1000.0 * (t.name in moved) for t, array in zip(operation.inputs, arrays, strict=True)]
    (output, near), (larger, away) = (codegen.vjp(operation, *given) for given in (arrays, far))
    np.testing.assert_allclose(larger, output + (1000.0 if moved == "x" else 0.0), rtol=1e-12, atol=1e-12)
    for one, other in zip(near(np.ones_like(output)), away(np.ones_like(output)), strict=True):
        assert np.any(one)
        np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-12)


BESIDE = {
    "y[k] = exp(x[k])/(1 + sum(exp(x[j]), j))": lambda x: [mp.exp(a) / (1 + mp.fsum(map(mp.exp, x))) for a in x],
    "y = 1/(2 + 3*sum(exp(x[j]), j))": lambda x: [1 / (2 + 3 * mp.fsum(map(mp.exp, x)))],
    "y = log(1 + sum(exp(x[j]), j))": lambda x: [mp.log(1 + mp.fsum(map(mp.exp, x)))],
    "y[k] = exp(x[k])/(exp(3) + sum(exp(x[j]), j))": lambda x: [
        mp.exp(a) / (mp.exp(3) + mp.fsum(map(mp.exp, x))) for a in x
    ],
}


@pytest.mark.parametrize("target", ["numpy", "c"])
@pytest.mark.parametrize("text", BESIDE)
def test_a_sum_of_exponentials_with_another_term_is_shifted(text: str, target: str) -> None:
    """Against the definition in numbers of any size, whose gradient is by differences."""
    if target == "c" and find_compiler() is None:
        pytest.skip("no C compiler")
    generator = np.random.default_rng(4)
    for place in (0.0, 1000.0, -1000.0):
        x = place + generator.uniform(-2.0, 2.0, 3)
        output, saved = codegen.forward(text, target=target).with_saved(x)
        upstream = generator.uniform(0.5, 2.0, np.shape(output))
        with mp.workdps(1200):
            exact, step = [mp.mpf(float(a)) for a in x], mp.mpf(10) ** -300
            value = BESIDE[text](exact)
            moved = [BESIDE[text]([b + step * (a == k) for a, b in enumerate(exact)]) for k in range(3)]
            weights = [mp.mpf(float(a)) for a in np.ravel(upstream)]
            changes = [[(b - a) / step for a, b in zip(value, each, strict=True)] for each in moved]
            slopes = [float(mp.fdot(weights, each)) for each in changes]
            values = [float(a) for a in value]
        np.testing.assert_allclose(np.ravel(output), values, rtol=1e-12)
        gradient = codegen.backward(text, target=target)(upstream, **saved)
        np.testing.assert_allclose(np.ravel(gradient), slopes, rtol=1e-9, atol=1e-300)


def test_a_term_beside_a_sum_of_exponentials_is_shifted_with_it() -> None:
    assert texts("y[n,k] = exp(x[n,k])/(2 + sum(exp(x[n,j]), j))") == [
        "row_max[n] = max(max(x[n,k], k), 0)",
        "exps[n,k] = exp(x[n,k] - row_max[n])",
        "total[n] = sum(exps[n,k], k) + 2*exp(-row_max[n])",
        "y[n,k] = exps[n,k]/total[n]",
    ]
    *_, total, y = texts("y[n] = log(sum(exp(x[n,j]), j) + sum(exp(z[n,j]), j))")
    assert total == "total[n] = sum(exps[n,j], j) + sum(exp(z[n,j] - row_max[n]), j)"
    assert y == "y[n] = log(total[n]) + row_max[n]"
    text = "y[n,k] = exp(x[n,k])/(exp(b[n]) + sum(exp(x[n,j]), j))"
    gradient = definition_text(derive.pull_back(text, "b").definitions[-1].body)
    assert gradient == "-exp(b[n] - row_max[n])*sum(dy[n,k]*y[n,k], k)/total[n]"


def test_a_logarithm_of_a_quotient_in_one_definition_is_taken_apart() -> None:
    *_, loss = texts("L = -sum(t[n,k]*log(exp(z[n,k])/sum(exp(z[n,j]), j)), n, k)/N")
    assert loss == "L = -sum(t[n,j]*(z[n,j] - log(total[n]) - row_max[n]), n, j)/N"


def test_the_logarithm_of_a_sigmoid_and_of_its_complement_are_not_taken_of_what_underflowed() -> None:
    assert texts("bce-logits") == [
        "p[n,k] = 1/(1 + exp(-z[n,k]))",
        "L = sum(t[n,k]*log(1 + exp(-z[n,k])) + log(1 + exp(z[n,k]))*(1 - t[n,k]), n, k)/(N*K)",
    ]
    assert texts("p = sigmoid(z); y = log(p)")[1] == "y = -log(1 + exp(-z))"
    assert texts("p = sigmoid(z); y = log(1 - p)")[1] == "y = -log(1 + exp(z))"
    assert texts("y = log(1 - 1/(1 + exp(-z)))") == ["y = -log(1 + exp(z))"]


@pytest.mark.parametrize(
    "text",
    [
        "p = 1/(1 + exp(-z)); y = log(1 - 2*p)",
        "p[n,k] = exp(z[n,k])/2; y[n,k] = log(1 - p[n,k])",
        "y = log(x + exp(z))",
        "p = sigmoid(z); y = log(x + p)",
    ],
)
def test_a_logarithm_of_what_may_be_negative_stays_as_it_is(text: str) -> None:
    assert texts(text)[-1] == definition_of(text)


def definition_of(text: str) -> str:
    last = derive.operation(text).definitions[-1]
    return f"{definition_text(last.target)} = {definition_text(last.body)}"


def test_gradients_are_stable_too() -> None:
    pullback = derive.pull_back("y[n,k] = x[n,k] - log(sum(exp(x[n,j]), j))*x[n,k]")
    bodies = [definition_text(definition.body) for definition in pullback.definitions]
    assert any("max(" in body for body in bodies)
    assert not any("exp(x[n,k])" in body for body in bodies)


@pytest.mark.parametrize("text", ["y = tanh(a)*sigmoid(b)", "y[n] = tanh(sum(x[n,d]*a[d], d))*sigmoid(b[n])"])
def test_a_value_that_vanished_is_not_multiplied_by_what_it_was_divided_by(text: str) -> None:
    inputs = {"b": np.array([-800.0, 800.0]), "a": np.array([0.3, 0.4]), "x": np.array([[0.1, 0.2], [0.3, 0.4]])}
    operation = derive.find(derive.operation(text))
    output, pull = codegen.vjp(operation, *(inputs[tensor.name] for tensor in operation.inputs))
    assert all(np.isfinite(gradient).all() for gradient in pull(np.ones_like(output)))


@pytest.mark.parametrize(
    "text",
    [
        "y[n] = sum(exp(x[n,k]), k)",
        "y[n] = sum(exp(x[n,k]), k) + 1",
        "y[n,k] = exp(x[n,k])",
        "y[n] = sum(x[n,k], k)",
        "y = 1/(1 + exp(-x))",
    ],
)
def test_what_no_shift_can_help_stays_as_it_is(text: str) -> None:
    assert stable_definitions(derive.operation(text)) == derive.operation(text).definitions


def test_a_form_that_is_not_proved_equal_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import derive.shifting as shifting

    operation = derive.operation("y[n] = log(sum(exp(x[n,k]), k)) + 1")
    assert stable_definitions(operation) != operation.definitions
    right = shifting.split_logarithm
    monkeypatch.setattr(shifting, "split_logarithm", lambda node: 2 * (right(node) or 0) or None)
    assert stable_definitions(operation) == operation.definitions


def test_a_probability_whose_label_is_0_is_not_looked_at() -> None:
    assert texts("cce") == ["L = -sum(t[n,k]*log(where(t[n,k] == 0, 1, p[n,k])), n, k)/N"]
    (gradient,) = derive.pull_back("cce").definitions
    assert definition_text(gradient.body) == "-dL*t[n,k]/(N*where(t[n,k] == 0, 1, p[n,k]))"


def test_only_logarithms_and_denominators_under_a_label_are_guarded() -> None:
    (fused,) = derive.pull_back("softmax-cce").definitions
    assert "where" not in definition_text(fused.body)
    text = "L = -sum(t[n,k]*log(p[n,k]) + p[n,k]*log(p[n,k]), n, k)"
    (loss,) = guard_absent(derive.operation(text).definitions, {"p": "t"})
    assert definition_text(loss.body).count("where") == 1


@pytest.mark.parametrize(
    "body", ["t[n,j]*t[n,k]*log(p[n,k])", "t[n,k]**2*log(p[n,k])", "t[n,k]*log(p[n,k])**2", "t[n,k]/p[n,k]**2"]
)
def test_every_way_to_multiply_by_a_label_guards(body: str) -> None:
    (loss,) = guard_absent(derive.operation(f"L = sum({body} + t[n,j], n, k, j)").definitions, {"p": "t"})
    assert "where(t[n,k] == 0, 1, p[n,k])" in definition_text(loss.body)


def test_a_label_that_is_1_takes_away_the_complement() -> None:
    assert texts("bce") == [
        "L = -sum(t[n,k]*log(where(t[n,k] == 0, 1, p[n,k]))"
        " + log(1 - where(t[n,k] == 1, 0, p[n,k]))*(1 - t[n,k]), n, k)/(N*K)"
    ]
    (gradient,) = derive.pull_back("bce").definitions
    assert "(1 - where(t[n,k] == 1, 0, p[n,k]))" in definition_text(gradient.body)


def test_what_stands_in_a_sum_that_a_label_multiplies_is_guarded_too() -> None:
    assert texts("kl") == [
        "L = sum(t[n,k]*(log(where(t[n,k] == 0, 1, t[n,k])) - log(where(t[n,k] == 0, 1, p[n,k]))), n, k)/N"
    ]


@pytest.mark.parametrize("body", ["t[n,k]*log(p[n,k]**2)", "t[n,k]*log(1 - p[k,n])", "(q[n,k] - t[n,k])*log(p[n,k])"])
def test_what_a_label_does_not_make_irrelevant_is_not_guarded(body: str) -> None:
    text = f"L = sum({body} + a[n,m]*b[m,k] + c[k,n], n, m, k)"
    (loss,) = guard_absent(derive.operation(text).definitions, {"p": "t"})
    assert "where" not in definition_text(loss.body)


@pytest.mark.parametrize(
    "text",
    [
        "focal",
        "p = softmax(z); H[n] = -sum(p[n,k]*log(p[n,k]), k)",
        "p = sigmoid(z); L = -mean(t[n]*(1 - p[n])**2*log(p[n]) + (1 - t[n])*p[n]**2*log(1 - p[n]), n)",
    ],
)
def test_a_gradient_takes_no_logarithm_of_a_forward_value_that_underflowed(text: str) -> None:
    pullback = derive.pull_back(text, "z")
    derived, computed = ([definition_text(each.body) for each in d] for d in (pullback.gradients, pullback.definitions))
    assert any("log(p" in body for body in derived)
    assert not any("log(p" in body or "log(1 - p" in body for body in computed)
