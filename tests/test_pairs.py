"""The canonical pairs: the list comes out right, each entry is proved, and pairs that only look like one do not."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from sympy import Expr

import derive
from derive.evaluation import Assignment
from derive.pairs import Pair, pairs, pairs_lines
from derive.precision import context
from derive.printing import plain_text
from derive.proof import prove_equal
from derive.sampling import impose, sample
from derive.sums import Partial

SOURCE = Path(derive.__file__).parent / "pairs.py"

ROWS = "sum(t[n,k], k) = 1"
#: activation, loss, prediction, gradient, factor, assumption
EXPECTED = [
    ("neg", "mse", "neg", "-2 (y[n,k] - t[n,k]) / (N K)", "-2/K", ""),
    ("neg", "least-squares", "neg", "2 (t[n,k] - y[n,k])", "-2 N", ""),
    ("identity", "softmax-cce", "softmax", "(p[n,k] - t[n,k]) / N", "1", ROWS),
    ("identity", "softmax-cce-sparse", "softmax", "(p[n,k] - δ[k,t[n]]) / N", "1", ""),
    ("identity", "bce-logits", "sigmoid", "(p[n,k] - t[n,k]) / (N K)", "1/K", ""),
    ("identity", "mse", "identity", "2 (y[n,k] - t[n,k]) / (N K)", "2/K", ""),
    ("identity", "least-squares", "identity", "2 (y[n,k] - t[n,k])", "2 N", ""),
    ("sigmoid", "bce", "sigmoid", "(p[n,k] - t[n,k]) / (N K)", "1/K", ""),
    ("exp", "poisson-nll", "exp", "(r[n,k] - t[n,k]) / (N K)", "1/K", ""),
    ("softmax", "cce", "softmax", "(p[n,k] - t[n,k]) / N", "1", ROWS),
    ("softmax", "cce-sparse", "softmax", "(p[n,k] - δ[k,t[n]]) / N", "1", ""),
    ("softmax", "kl", "softmax", "(p[n,k] - t[n,k]) / N", "1", ROWS),
    ("softmax", "poisson-nll", "softmax", "(r[n,k] - t[n,k]) / (N K)", "1/K", ROWS),
    ("log-softmax", "softmax-cce", "softmax", "(p[n,k] - t[n,k]) / N", "1", ROWS),
    ("log-softmax", "softmax-cce-sparse", "softmax", "(p[n,k] - δ[k,t[n]]) / N", "1", ""),
    ("log-softmax", "nll", "softmax", "(exp(y[n,k]) - t[n,k]) / N", "1", ROWS),
    ("log-softmax", "nll-sparse", "softmax", "(exp(y[n,k]) - δ[k,t[n]]) / N", "1", ""),
]
BCE = "L = -mean(t[n,k]*log(p[n,k]) + {}*(1 - t[n,k])*log(1 - p[n,k]), n, k)"
CCE = "L = -1/N*sum(t[n,k]*log(p[n,k]), n, k)"
POISSON = "L = mean({}*r[n,k] - {}*t[n,k]*log(r[n,k]), n, k)"


def row(pair: Pair) -> tuple[str, ...]:
    gradient, factor = plain_text(pair.gradient), plain_text(pair.factor)
    return pair.activation, pair.loss, pair.predictor, gradient, factor, pair.assumption


def found_among(activation: str, loss: str) -> list[tuple[str, ...]]:
    """The pairs of an activation and a loss, which may be typed: its second input is the label then."""
    if "=" not in loss:
        return [
            row(pair)
            for pair in pairs(activation, "identity", "sigmoid", "softmax", loss)
            if pair.activation == activation
        ]
    written = derive.operation(loss)
    names = tuple(tensor.name for tensor in written.inputs)
    label = "t" if "t" in names else names[0]
    inputs = tuple(sorted(written.inputs, key=lambda tensor: tensor.name == label))
    typed = derive.Operation(written.definitions, inputs, derive.Record("loss", loss, labels=(label,)))
    return [row(pair) for pair in pairs(activation, typed)]


def test_the_list_of_the_catalogue() -> None:
    assert [row(pair) for pair in pairs()] == EXPECTED


def test_the_search_names_no_operation() -> None:
    tree = ast.parse(SOURCE.read_text("utf-8"))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        if isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]
    names = {name for operation in derive.catalogue() for name in (operation, operation.replace("-", "_"))}
    assert "activation" in texts
    assert not names & set(texts)


@pytest.fixture(params=range(len(EXPECTED)), ids=["/".join(names[:2]) for names in EXPECTED])
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = pairs()[request.param]
    return found


def facts_of(pair: Pair) -> list[derive.Fact]:
    return [derive.parse_fact(pair.assumption, pair.operation)] if pair.assumption else []


def claim(pair: Pair) -> Expr:
    result: Expr = pair.factor * (pair.prediction - pair.target) / pair.operation.inputs[0].sizes[0]
    return result


def test_a_pair_is_proved_and_says_what_it_uses(pair: Pair) -> None:
    names = pair.operation.intermediates
    assert pair.proof.verdict == "proved"
    assert pair.proof.assumptions == ((pair.assumption,) if pair.assumption else ())
    assert pair.proof.right == claim(pair)
    assert prove_equal(pair.gradient, claim(pair), names).verdict == "proved"
    without = prove_equal(pair.proof.left, claim(pair), names)
    assert without.verdict == ("refuted" if pair.assumption else "proved")
    assert prove_equal(pair.proof.left, 2 * claim(pair), names, facts_of(pair)).verdict == "refuted"


def test_the_gradient_is_that_of_the_composite_in_numbers(pair: Pair) -> None:
    """The witness is a central difference of the loss, with nothing that was derived."""
    operation = pair.operation
    sizes = dict(zip(operation.sizes, (3, 2), strict=True))
    values = sample(operation.inputs, sizes, random.Random(5), operation.record.domain)
    here = Assignment(sizes, values, {definition.tensor: definition for definition in operation.definitions})
    assert impose(facts_of(pair), here)
    slope = Partial(operation.output.target, pair.element)
    everywhere = list(here.places(pair.element.indices))
    for places in everywhere:
        numeric = here.value(slope, places)
        for ours in (pair.gradient, claim(pair)):
            assert abs(here.value(ours, places) - numeric) < context.mpf(10) ** -15
    assert sum(abs(here.value(slope, places)) > 0.01 for places in everywhere) > 3


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("sigmoid", BCE.format(2)),
        ("exp", POISSON.format(1, 2)),
        ("exp", POISSON.format(2, 1)),
        ("softmax", "L = -1/N*sum(t[n,k]*log(p[n,k])**2, n, k)"),
        ("softmax", "L = -1/N*sum(t[n,k]**2*log(p[n,k]), n, k)"),
        ("identity", "L = mean((y[n,k] - 2*t[n,k])**2, n, k)"),
        ("identity", "L = mean((y[n,k] - t[n,k])**2, n, k) + mean(y[n,k]**2, n, k)"),
        ("identity", "L = mean((y[n,k] - t[n,k])**4, n, k)"),
        ("identity", "L = sum(c[n,k]*y[n,k], n, k)"),
        ("tanh", "mse"),
        ("sigmoid", "mse"),
        ("softmax", "mse"),
        ("relu", "mse"),
        ("leaky-relu", "mse"),
        ("tanh", "bce"),
        ("sigmoid", "cce"),
        ("sigmoid", "bce-logits"),
        ("softmax", "softmax-cce"),
        ("softmax", "nll"),
        ("identity", "nll"),
        ("exp", "cce"),
        ("y[n,k] = exp(2*x[n,k]) / sum(exp(2*x[n,j]), j)", "cce-sparse"),
        ("y[n,k] = exp(x[n,k]) / sum(exp(x[m,k]), m)", "cce"),
    ],
)
def test_what_is_not_a_pair_is_not_found(activation: str, loss: str) -> None:
    assert not found_among(activation, loss)


@pytest.mark.parametrize(
    ("activation", "loss", "factor", "assumption"),
    [
        ("sigmoid", BCE.format(1), "1/K", ""),
        ("exp", POISSON.format(1, 1), "1/K", ""),
        ("exp", POISSON.format(3, 3), "3/K", ""),
        ("identity", "L = 3/7*sum((y[n,k] - t[n,k])**2, n, k)", "6 N / 7", ""),
        ("identity", "L = sum((y[n] - t[n])**2, n)/(2*N)", "1", ""),
        ("softmax", CCE, "1", ROWS),
        ("softmax", "L = -sum(t[n,k]*log(p[n,k]), n, k)", "N", ROWS),
        (
            "y[k,n] = exp(x[k,n]) / sum(exp(x[j,n]), j)",
            "L = -1/N*sum(t[k,n]*log(p[k,n]), n, k)",
            "K/N",
            "sum(t[k,n], k) = 1",
        ),
    ],
)
def test_typed_operations_are_searched_too_and_what_they_need_is_found(
    activation: str, loss: str, factor: str, assumption: str
) -> None:
    ((_, name, _, _, its_factor, needs),) = found_among(activation, loss)
    assert (name, its_factor, needs) == ("loss", factor, assumption)


def test_an_operation_that_is_unknown_is_refused() -> None:
    with pytest.raises(derive.InputError, match="sofmax"):
        pairs("sofmax", "cce")


def test_without_an_activation_that_predicts_it_there_is_no_pair() -> None:
    assert not pairs("identity", "bce-logits")
    assert [row(pair)[:3] for pair in pairs("identity", "sigmoid", "bce-logits")] == [
        ("identity", "bce-logits", "sigmoid")
    ]


def test_the_table() -> None:
    heading, *lines = pairs_lines(lambda text: f"<{text}>", pairs("softmax", "sigmoid", "cce", "bce"))
    assert heading == "<activation  loss  prediction  gradient                   factor  needs>"
    assert lines == [
        "softmax     cce   softmax     (p[n,k] - t[n,k]) / N      1       sum(t[n,k], k) = 1",
        "sigmoid     bce   sigmoid     (p[n,k] - t[n,k]) / (N K)  1/K     nothing",
    ]
    assert len(list(pairs_lines())) == 1 + len(EXPECTED)
