"""The text form: what each text means, what each mistake is answered with, and that no text does any harm."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Rational, exp, log, pi, sqrt

import derive
from derive.errors import DefinitionError, DeriveError, InputError, UnsupportedError
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor, size
from derive.operation import Operation
from derive.parsing import parse_equation, parse_expression, parse_operation
from derive.printing import definition_text, operation_text
from derive.record import Record
from derive.sums import Binder, IndexArgmax, IndexMax, IndexSum, free_indices

N, K, J, D, INNER = map(size, ("N", "K", "J", "D", "I"))
n, k, j, d, m = Index("n", N), Index("k", K), Index("j", K), Index("d", D), Index("m", N)
x, t, b = Tensor("x", (N, K)), Tensor("t", (N,), values=K), Tensor("b", (K,))

TEXTS = {
    "sigmoid": "y = 1 / (1 + exp(-x))",
    "relu": "y = max(x, 0)",
    "leaky": "y = where(x > 0, x, a*x)",
    "sum": "y[n] = sum(a[n,i], i)",
    "pair": "y[n] = x[n,0] - x[n,1]",
    "softmax": "y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)",
    "dense": "y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]",
    "cce": "L = -1/N * sum(t[n,k] * log(p[n,k]), n, k)",
    "nll-sparse": "L = -sum(log(p[n,t[n]]), n)/N",
    "centred": "m[n] = mean(x[n,j], j); y[n,k] = x[n,k] - m[n]",
}
RECORDS = {
    "cce": Record(
        "cce",
        TEXTS["cce"],
        inputs=("p", "t"),
        labels=("t",),
        facts=("sum(t[n,k], k) = 1", "sum(p[n,k], k) = 1"),
        domain={"p": (0.1, 1.0), "t": (0.0, 1.0)},
        absent={"p": "t"},
    )
}


def look_up(name: str) -> Operation | None:
    return parse_operation(TEXTS[name], name, look_up, RECORDS.get(name)) if name in TEXTS else None


def parse(text: str) -> Operation:
    return parse_operation(text, None, look_up, known=TEXTS)


def refuse(text: str) -> str:
    """Return the message that a text is answered with; the caret is inside the text."""
    with pytest.raises(DefinitionError) as caught:
        parse(text)
    assert 0 <= caught.value.offset <= len(text)
    return str(caught.value)


def message(problem: str, line: str, carets: str, *expected: str) -> str:
    return "\n".join((problem, f"  {line}", f"  {carets}", *expected))


# ---- what texts mean ----


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)", exp(x[n, k]) / IndexSum(exp(x[n, j]), j)),
        ("y[n,k] = x[n,k]*b[k] - 2", x[n, k] * b[k] - 2),
        ("y[n,k] = 0.044715*x[n,k]**3", Rational("0.044715") * x[n, k] ** 3),
        ("y[n,k] = x[n,k] + 1e-5", x[n, k] + Rational(1, 100000)),
        ("y[n,k] = x[n,k] + .5 + 1. + 007", x[n, k] + Rational(17, 2)),
        ("y[n,k] = sqrt(2/pi)*x[n,k]", sqrt(2 / pi) * x[n, k]),
        ("y[n,k] = x[n,k] ** -1", 1 / x[n, k]),
        ("y[n,k] = -x[n,k]**2", -(x[n, k] ** 2)),
        ("y[n,k] = 2**-x[n,k]", 2 ** (-x[n, k])),
        ("y[n,k] = x[n,k]/(N*K)", x[n, k] / (N * K)),
        ("y[n,k] = x[n,k] - b[k] - 1 + N", x[n, k] - b[k] - 1 + N),
        ("y[n,k] = x[n,k]/b[k]/K*N", x[n, k] / b[k] / K * N),
        ("y[n,k] = 1/(2*(x[n,k] + 1))", Rational(1, 2) / (x[n, k] + 1)),
        ("y[n,k] = max(x[n,k], 0)", Maximum(x[n, k], 0)),
        ("y[n,k] = min(x[n,k], 6)", Minimum(x[n, k], 6)),
        ("y[n,k] = max(x[n,k], K)", Maximum(x[n, k], K)),
        ("y[n,k] = x[n,k] - max(x[n,j], j)", x[n, k] - IndexMax(x[n, j], j)),
        ("y[n,k] = x[n,k] + mean(x[n,j], j)*b[k]", x[n, k] + IndexSum(x[n, j], j) / K * b[k]),
        ("y[n,k] = x[n,k]*mean(b[j]*x[m,j], m, j)", x[n, k] * IndexSum(b[j] * x[m, j], m, j) / (N * K)),
        ("y[n,k] = x[n,k]*sum(1, j)*sum(b[j]/x[n,j], n, j)", x[n, k] * K * IndexSum(b[j] / x[m, j], m, j)),
        ("y[n,k] = x[n,k]*mean(2, k)", 2 * x[n, k]),
        ("y[n,k] = [x[n,k] > 0]", Bracket(">", x[n, k], 0)),
        ("y[n,k] = [x[n,k] < b[k]] + ([x[n,k] >= 1])", Bracket(">", b[k], x[n, k]) + Bracket(">=", x[n, k], 1)),
        ("y[n,k] = [x[n,k] = 1]*[b[k] == 2]", Bracket("=", x[n, k], 1) * Bracket("=", b[k], 2)),
        ("y[n,k] = [x[n,k] != b[k]]", Bracket("!=", x[n, k], b[k])),
        ("y[n,k] = where(x[n,k] > 0, x[n,k], b[k])", Where(Bracket(">", x[n, k], 0), x[n, k], b[k])),
        ("y[n,k] = where([x[n,k] = 0], 1, x[n,k])", Where(Bracket("=", x[n, k], 0), 1, x[n, k])),
        ("y[n,k] = where(1 > 0, x[n,k], 3)", x[n, k]),
        ("y[n,k] = [n <= 3]*x[n,k]", Bracket("<=", n, 3) * x[n, k]),
        ("y[n,k] = [n < k]*x[n,k]", Bracket("<", n, k) * x[n, k]),
        ("y[n,k] = [k = 2]*x[n,k]", Delta(k, 2) * x[n, k]),
        ("y[n,k] = [k != t[n]]*x[n,k]", (1 - Delta(k, t[n])) * x[n, k]),
        ("y[n,k] = where(k = t[n], x[n,k], 0)", Where(Bracket("=", k, t[n]), x[n, k], 0)),
        ("y[n,k] = delta(k, t[n])*x[n,k]", Delta(k, t[n]) * x[n, k]),
        ("y[n,k] = x[n,t[n]]*b[k]*x[n,k]", x[n, t[n]] * b[k] * x[n, k]),
        ("y[n,k] = x[n,0]*x[n,k] + b[1] - b[k]", x[n, 0] * x[n, k] + b[1] - b[k]),
        ("y[n,k] = b[argmax(x[n,j], j)]*x[n,k]", b[IndexArgmax(x[n, j], j)] * x[n, k]),
        ("y[n,k] = sigmoid(x[n,k])", 1 / (1 + exp(-x[n, k]))),
        ("y[n,k] = sigmoid(-x[n,k])", 1 / (1 + exp(x[n, k]))),
        ("y[n,k] = leaky(x[n,k], 0.01)", Where(Bracket(">", x[n, k], 0), x[n, k], x[n, k] / 100)),
        ("y[n,k] = abs(x[n,k])*sign(b[k])", sympy.Abs(x[n, k]) * sympy.sign(b[k])),
        ("y[n,k] = tanh(x[n,k]) + erf(b[k])", sympy.tanh(x[n, k]) + sympy.erf(b[k])),
        ("y[n,k] = + x[n,k]", x[n, k]),
        ("y[n,k] = exp(\n  x[n,k]\n  + b[k]\n)", exp(x[n, k] + b[k])),
        ("\n y[n,k] = x[n,k] +\n   b[k]\n   - 1\n\n", x[n, k] + b[k] - 1),
        ("y[n,k] =\r\n\tx[n,k] ;", x[n, k]),
    ],
)
def test_a_text_means_its_body(text: str, body: Expr) -> None:
    operation = parse(text)
    assert operation.output.target == Element(Tensor("y", (N, K)), n, k)
    assert operation.output.body == body


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("y[n,k] = x[n,k]", {"x": "NK"}),
        ("y = x0*w0 + x1*w1 + b", {"x0": "", "w0": "", "x1": "", "w1": "", "b": ""}),
        ("y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]", {"x": "ND", "w": "DK", "b": "K"}),
        ("L = sum(x[n,k]*x[k,n], n, k)", {"x": "NN"}),
        ("L = sum(delta(i,j)*x[i,j], i, j)", {"x": "II"}),
        ("L = sum([i = j]*x[i,j], i, j)", {"x": "II"}),
        ("L = sum([i <= j]*x[i,j], i, j)", {"x": "IJ"}),
        ("y[s,t] = [s <= t]*x[s,t]", {"x": "ST"}),
        ("y[n,d] = w[ids[n],d]", {"w": "KD", "ids": "N"}),
        ("y[n] = z[n,t[n]]", {"z": "NK", "t": "N"}),
        ("y[n] = z[n,t[n]] + max(z[n,c], c)", {"z": "NC", "t": "N"}),
        ("y[n] = a[n,0]*a[n,2]", {"a": "N3"}),
        ("y[n] = a[n,0]*sum(a[n,c], c)", {"a": "NC"}),
        ("m = sum(x[j], j); y[k] = x[k] - m", {"x": "K"}),
        ("y[row,col] = x[row,col]/ROW", {"x": "ROW COL"}),
        ("é[ä,ö] = 2*ü[ä,ö]", {"ü": "ÄÖ"}),
        ("p = softmax(z); L = cce(p, t)", {"z": "NK", "t": "NK"}),
        ("p = softmax(z); L = nll_sparse(p, t)", {"z": "NK", "t": "N"}),
        ("h = dense(x, w, b); y[m,c] = h[m,c]/M/C", {"x": "MD", "w": "DC", "b": "C"}),
        ("h = dense(x, w, b); y = dense(h, w2, b2)", {"x": "ND", "w": "DK", "b": "K", "w2": "KJ", "b2": "J"}),
        ("h = relu(x); y[n,k] = h[n,k]", {"x": "NK"}),
        ("h = relu(x); p = softmax(h)", {"x": "NK"}),
        ("y = relu(x)", {"x": ""}),
        ("h[n] = x[n]**2; y = tanh(h)", {"x": "N"}),
        ("h[n] = x[n]**2; y = max(h, c)", {"x": "N", "c": ""}),
        ("H[n] = x[n]**2; y = exp(H)", {"x": "N"}),
        ("h[n] = x[n]**2; y = leaky(h, a)", {"x": "N", "a": ""}),
        ("y = sum(x)", {"x": "NI"}),
        ("h = pair(x); y[n] = h[n]", {"x": "N2"}),
        ("c = log(N); y[n] = x[n]/c", {"x": "N"}),
    ],
)
def test_inputs_and_their_sizes(text: str, shapes: dict[str, str]) -> None:
    operation = parse(text)
    found = {}
    for tensor in operation.inputs:
        names = [str(extent) for extent in tensor.sizes]
        found[tensor.name] = (" " if any(len(name) > 1 for name in names) else "").join(names)
    assert found == shapes
    assert list(found) == list(shapes)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("y[n] = z[n,t[n]]", {"z": None, "t": K}),
        ("y[n,d] = w[ids[n],d]", {"w": None, "ids": K}),
        ("y[n,k] = delta(k, t[n])*w[k]", {"t": K, "w": None}),
        ("y[n,k] = [k = t[n]]*w[k]", {"t": K, "w": None}),
        ("y[n,k] = [s[n] = t[n]]*[k = t[n]]*w[k]", {"s": K, "t": K, "w": None}),
        ("y[n] = [n < lengths[n]]*w[n]", {"lengths": None, "w": None}),
        ("y[n] = z[n,t[s[n]]]", {"z": None, "t": K, "s": size("V")}),
        ("p = softmax(z); L = nll_sparse(p, t)", {"z": None, "t": K}),
    ],
)
def test_what_stands_in_an_index_is_a_label(text: str, values: dict[str, Expr | None]) -> None:
    assert {tensor.name: tensor.values for tensor in parse(text).inputs} == values


def test_a_shadowing_index_gets_another_letter() -> None:
    operation = parse("y[n,k] = exp(x[n,k]) / sum(exp(x[n,k]), k)")
    assert operation.output.body == exp(x[n, k]) / IndexSum(exp(x[n, j]), j)


@pytest.mark.parametrize(
    "text",
    [
        "y[n,k] = exp(x[n,k]) / sum(exp(x[n,k]), k) - max(x[n,k], k)",
        "y[n] = sum(sum(x[n,k], k)*x[n,k], k) + x[n,argmax(x[n,k]*max(x[n,k], k), k)]",
        "L = sum(sum(sum(x[i,j], i)*x[i,j], j)*x[i,j], i, j)",
        "y[n,k] = sum(x[n,k]*sum(x[n,k]*sum(x[n,k], n, k), n, k), n, k)*x[n,k]",
    ],
)
def test_no_binder_shares_a_letter_with_what_surrounds_it(text: str) -> None:
    operation = parse(text)

    def check(expr: Expr, around: frozenset[str]) -> int:
        if isinstance(expr, Binder):
            own = {index.name for index in expr.bound}
            assert not own & around
            assert len(own) == len(expr.bound)
            return 1 + check(expr.body, around | own)
        return sum(check(part, around) for part in expr.args if isinstance(part, sympy.Expr))

    names = frozenset(index.name for index in operation.output.indices)
    assert check(operation.output.body, names) >= 2
    assert free_indices(operation.output.body) <= set(operation.output.indices)


def test_one_letter_means_one_size_in_all_definitions() -> None:
    operation = parse("h = dense(x, w, b); u = relu(h); v = dense(u, w2, b2); p = softmax(v); L = cce(p, t)")
    sizes: dict[str, set[Expr]] = {}
    for definition in operation.definitions:
        for part in sympy.preorder_traversal(definition.body):
            if isinstance(part, Index):
                sizes.setdefault(part.name, set()).add(part.size)
    assert {letter for letter, found in sizes.items() if len(found) != 1} == set()
    assert [str(definition.target) for definition in operation.definitions] == [
        "h[n,k]", "u[n,k]", "v[n,j]", "p[n,j]", "L",
    ]  # fmt: skip


def test_intermediates_of_a_called_operation_come_along_under_free_names() -> None:
    operation = parse("m[n,k] = x[n,k]**2; y = centred(m)")
    assert operation_text(operation) == "m[n,k] = x[n,k]**2; m2[n] = sum(m[n,j], j)/K; y[n,k] = m[n,k] - m2[n]"


def test_an_elementwise_call_takes_the_letters_of_its_argument() -> None:
    operation = parse("h[a,c] = x[a,c]*2; y = leaky(h, s)")
    assert operation_text(operation) == "h[a,c] = 2*x[a,c]; y[a,c] = where(h[a,c] > 0, h[a,c], h[a,c]*s)"


def test_a_called_operation_takes_the_letters_of_the_text() -> None:
    operation = parse("h[a,c] = x[a,c]*2; p = softmax(h)")
    assert operation_text(operation) == "h[a,c] = 2*x[a,c]; p[a,c] = exp(h[a,c])/sum(exp(h[a,j]), j)"


def test_name_and_record() -> None:
    assert parse("h[n] = x[n]; loss = sum(h[n], n)").name == "loss"
    assert parse_operation("y = x", "identity").name == "identity"
    record = Record("swapped", "y = a - b", inputs=("b", "a"), labels=("a",), domain={"b": (1.0, 2.0)})
    operation = parse_operation("y = a - b", record=record)
    assert [tensor.name for tensor in operation.inputs] == ["b", "a"]
    assert [tensor.name for tensor in operation.labels] == ["a"]
    assert operation.record == record


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"inputs": ("a",)}, "r: inputs must name each of a, b once"),
        ({"inputs": ("a", "a", "b")}, "r: inputs must name each of a, b once"),
        ({"labels": ("t",)}, "r: labels names t, which is no input; the inputs are a, b"),
        ({"domain": {"c": (0.0, 1.0)}}, "r: domain names c, which is no input; the inputs are a, b"),
        ({"absent": {"a": "c"}}, "r: absent names c, which is no input; the inputs are a, b"),
    ],
)
def test_a_record_speaks_of_inputs(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_operation("y = a - b", record=Record("r", "y = a - b", **said))
    assert str(caught.value) == problem


def test_a_record_and_a_name_do_not_disagree() -> None:
    with pytest.raises(InputError, match="the record is called r, not s; give the name once"):
        parse_operation("y = x", "s", record=Record("r", "y = x"))


@pytest.mark.parametrize("text", [5, None, ["y = x"]])
def test_a_text_must_be_a_text(text: Any) -> None:
    with pytest.raises(InputError, match="a definition is a text"):
        parse_operation(text)


def test_what_a_called_operation_says_of_its_inputs_is_kept() -> None:
    operation = parse("q = softmax(z); L = cce(q, u)")
    assert operation.record.labels == ("u",)
    assert operation.record.facts == ("sum(u[n,k], k) = 1",)
    assert operation.record.domain == {"u": (0.0, 1.0)}
    assert operation.record.absent == {"q": "u"}


# ---- expressions and equations ----


def test_an_expression_over_known_tensors() -> None:
    tensors = {"x": x, "b": b, "dy": x.gradient()}
    assert parse_expression("dy[n,k]*x[n,k]/N", tensors) == x.gradient()[n, k] * x[n, k] / N
    i, c = Index("i", N), Index("c", K)
    assert parse_expression("sum(x[i,c], i, c)", tensors) == IndexSum(x[i, c], i, c)
    assert parse_expression("sigmoid(x[i,c])", tensors, look_up) == 1 / (1 + exp(-x[i, c]))
    assert parse_expression("b[t[i]]", {"b": b, "t": t}) == b[t[i]]


def test_a_bound_index_of_an_equation_is_kept_apart_from_its_free_ones() -> None:
    left, right = parse_equation("x[n,k]*sum(x[n,k], k) = 1", {"x": x})
    assert (left, right) == (x[n, k] * IndexSum(x[n, j], j), 1)
    left, right = parse_equation("sum(x[n,k], k) = b[k]", {"x": x, "b": b})
    assert (left, right) == (IndexSum(x[n, j], j), b[k])
    left, right = parse_equation("sum(x[n,k], k) = 1", {"x": x})
    assert (left, right) == (IndexSum(x[n, k], k), 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xx[n,k]", message("unknown name xx", "xx[n,k]", "^^", "did you mean x?")),
        (
            "x[k,k]",
            message(
                "index k is used with two sizes: axis 1 of x has size N, axis 2 of x has size K",
                "x[k,k]",
                "    ^",
                "write another index for one of them",
            ),
        ),
        (
            "b[i]/I",
            message("I is not a size here: index i runs over K", "b[i]/I", "     ^", "write K for I"),
        ),
        ("x[n]", message("x stands with 1 index here and with 2 indices elsewhere", "x[n]", "^^^^",
                         "expected one index for each of its axes everywhere")),
        ("b[k] = 1", message("this is not an expression", "b[k] = 1", "       ^",
                             "expected an expression, such as x[n]**2")),
        ("b[k]; x", message("this is a second expression", "b[k]; x", "      ^", "expected one expression")),
        ("", message("the text is empty", "", "^", "expected an expression, such as x[n]**2")),
        ("delta(i,j)", message("nothing tells the size of i: it stands on no axis of an input", "delta(i,j)",
                               "      ^", "expected an input with an axis of that size, such as x[i]")),
    ],
)  # fmt: skip
def test_mistakes_in_an_expression(text: str, expected: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_expression(text, {"x": x, "b": b})
    assert str(caught.value) == expected


@pytest.mark.parametrize("text", ["sum(x[n,k], k)", "x[n,k] = 1 = 2", "= 1"])
def test_an_equation_has_two_sides(text: str) -> None:
    with pytest.raises(DefinitionError):
        parse_equation(text, {"x": x})


# ---- mistakes ----

VALUE = "expected a number, a name or a call, such as x[n,k] or exp(x[n,k])"
MISTAKES = [
    # Text and brackets.
    ("", "the text is empty", "", "^", "expected a definition, such as y[n] = max(x[n], 0)"),
    (" ; \n", "the text is empty", " ; ", "^", "expected a definition, such as y[n] = max(x[n], 0)"),
    ("x[n]*2", "this is not a definition: it has no =", "x[n]*2", "^^^^^^",
     "write what is defined on its left, as in y[n,k] = ..., or list outputs last by bare names: h, c"),
    ("y = exp(x[n]", "( is not closed", "y = exp(x[n]", "       ^", "expected a ) after it"),
    ("y = exp(x[n]\nz = 2", "( is not closed", "y = exp(x[n]", "       ^", "expected a ) after it"),
    ("y = exp(x; z = 2)", "( is not closed", "y = exp(x; z = 2)", "       ^", "expected a ) after it"),
    ("y[n = x[n]", "[ is not closed", "y[n = x[n]", " ^", "expected a ] after it"),
    ("y = x)", ") closes nothing", "y = x)", "     ^", "there is no open bracket before it"),
    ("y = exp(x[n))", ") closes nothing: the [ before it is still open", "y = exp(x[n))", "           ^",
     "close [ with ] first"),
    ("= x", "nothing stands on the left of =", "= x", "^", "write what is defined, as in y[n,k] = ..."),
    ("y =", "nothing stands on the right of =", "y =", "  ^", "write what it is equal to"),
    ("y = a = b", "this is a second =", "y = a = b", "      ^",
     "write one definition a line, or a comparison in brackets: [a = b]"),
    ("y == x", "== has no place outside of brackets", "y == x", "  ^^", "write ="),
    ("y = x[n] > 0", "> has no place outside of brackets", "y = x[n] > 0", "         ^",
     "write a comparison in brackets: [x[n] > 0]"),
    ("y = x +", "a value is missing after +", "y = x +", "      ^", VALUE),
    ("y = * x", "a value is missing before *", "y = * x", "    ^", VALUE),
    ("y = x * / z", "a value is missing between * and /", "y = x * / z", "        ^", VALUE),
    ("y = exp()", "a value is missing between ( and )", "y = exp()", "        ^", VALUE),
    ("y = x[]", "a value is missing between [ and ]", "y = x[]", "      ^", VALUE),
    ("y = max(a,)", "a value is missing between , and )", "y = max(a,)", "          ^", VALUE),
    ("y = a b", "there is no operator between a and b", "y = a b", "      ^", "write a product with *, as in 2*x"),
    ("y = 2x", "there is no operator between 2 and what follows", "y = 2x", "    ^",
     "write a product with *, as in 2*x"),
    ("y = (a + b)(c)", "there is no operator between ) and (", "y = (a + b)(c)", "           ^",
     "write a product with *, as in 2*x"),
    ("y[n] = x[n][n]", "there is no operator between ] and [", "y[n] = x[n][n]", "           ^",
     "write all indices in one pair of brackets: x[n,k]"),
    ("y = (a, b)", "a comma has no place here", "y = (a, b)", "      ^",
     "commas stand between arguments and indices"),
    # Targets.
    ("y[n,n] = x[n]", "index n stands twice on the left", "y[n,n] = x[n]", "    ^",
     "write two indices, and delta(i,j) on the right for a diagonal"),
    ("y[0] = x", "only an index may stand in the brackets on the left", "y[0] = x", "  ^", "write y[n,k] = ..."),
    ("f(x) = x", "this can not be defined", "f(x) = x", "^^^^",
     "write a name, or a name with its indices, as in y[n,k] = ..."),
    ("exp = x", "exp is a function and can not name a tensor", "exp = x", "^^^", "give the tensor another name"),
    ("y = pi[n]", "pi is a number and can not name a tensor", "y = pi[n]", "    ^^", "give the tensor another name"),
    ("y[n] = y[n] + 1", "y is defined by itself", "y[n] = y[n] + 1", "       ^",
     "use inputs and earlier definitions only"),
    ("y = relu(y)", "y is defined by itself", "y = relu(y)", "         ^", "use inputs and earlier definitions only"),
    ("y = z; z = x; w = y*z", "z is used before it is defined", "y = z; z = x; w = y*z", "    ^",
     "put its definition first"),
    ("h = x; h = 2*x", "h is defined twice", "h = x; h = 2*x", "       ^", "give the second definition another name"),
    ("h = x\ny = 2*x", "h is defined and never used", "h = x", "^",
     "use it in a later definition, or take it out"),
    ("y = b + x - x", "x drops out of the definition", "y = b + x - x", "        ^",
     "nothing depends on it: take it out"),
    # Indices.
    ("y[n] = x[j]", "index j is neither on the left nor bound by a sum", "y[n] = x[j]", "         ^",
     "the indices known here are n"),
    ("y = x[n]", "index n is neither on the left nor bound by a sum", "y = x[n]", "      ^",
     "no index is known here"),
    ("y[n] = b[k] + sum(x[n,k], k)", "index k is neither on the left nor bound by a sum",
     "y[n] = b[k] + sum(x[n,k], k)", "         ^", "the indices known here are n"),
    ("y[n,k] = b[k]", "nothing tells the size of n: it stands on no axis of an input", "y[n,k] = b[k]", "  ^",
     "expected an input with an axis of that size, such as x[n]"),
    ("y[n,k] = delta(k, t[n])", "nothing tells the size of k: it stands on no axis of an input",
     "y[n,k] = delta(k, t[n])", "    ^", "expected an input with an axis of that size, such as x[k]"),
    ("y[n,k] = sum(x[n,k], k)", "index k is on the left, and on the right it is only bound here",
     "y[n,k] = sum(x[n,k], k)", "                     ^", "take k off the left, or let another letter be bound"),
    ("y[n] = x[n] + x[n,k]", "x stands with 2 indices here and with 1 index elsewhere", "y[n] = x[n] + x[n,k]",
     "              ^^^^^^", "expected one index for each of its axes everywhere"),
    ("y[n] = x + x[n]", "x stands with 1 index here and with no index elsewhere", "y[n] = x + x[n]",
     "           ^^^^", "expected one index for each of its axes everywhere"),
    ("y[n] = n*x[n]", "n is an index in this text, so it can not stand for a number too", "y[n] = n*x[n]",
     "       ^", "write an input with its values, such as at[n] for 0, 1, 2, ..., or name the number otherwise"),
    ("y[n] = x[n] + n[0]", "n is used as an index and as a tensor", "y[n] = x[n] + n[0]", "  ^",
     "write n[...] for its elements, or name one otherwise"),
    ("y[n] = x[N]", "N can not be an index", "y[n] = x[N]", "         ^",
     "an index is written in lower case, and its size in capitals"),
    ("y = x[pi]", "pi is taken and can not be an index", "y = x[pi]", "      ^^", "write another letter"),
    ("y = x[-1]", "an index is not negative", "y = x[-1]", "      ^^", "positions are counted from 0"),
    ("y = x[0.5]", "an index is a whole number", "y = x[0.5]", "      ^^^", "expected an index or an integer"),
    ("y = x[exp(z)]", "this can not stand in an index's place", "y = x[exp(z)]", "      ^^^^^^",
     "expected an index, an integer, a label such as t[n], or argmax(x[n,k], k)"),
    ("y[n] = z[n,t[n]] + t[n]", "t holds labels (it stands in an index), so it is no number to compute with",
     "y[n] = z[n,t[n]] + t[n]", "                   ^^^^", "give the labels and the numbers two names"),
    ("t[n] = x[n]; y[n] = z[n,t[n]]", "t stands in an index and is defined here as a real number",
     "t[n] = x[n]; y[n] = z[n,t[n]]", "                        ^^^^",
     "expected an input, or argmax(x[n,k], k) in the index itself"),
    ("h[n,j] = x[n,j]; y = pair(h)", "index j is used with two sizes: axis 2 of h has size 2, and j runs over J",
     "h[n,j] = x[n,j]; y = pair(h)", "    ^", "say so, J = 2, or write whole numbers on that axis"),
    ("y = pair(x); z[n] = y[n] + x[n,5]", "axis 2 of x has size 2, and 5 is not one of its positions",
     "y = pair(x); z[n] = y[n] + x[n,5]", "                               ^", "positions are counted from 0"),
    # Sizes.
    ("y[n] = x[n]/K", "K is not a size here: no index k stands in the text", "y[n] = x[n]/K", "            ^",
     "the sizes here are N; the name of a scalar begins with a small letter"),
    ("y = x/N", "N is not a size here: no index n stands in the text", "y = x/N", "      ^",
     "there are no sizes here; the name of a scalar begins with a small letter"),
    ("L = sum(x[n,n], n)/N + sum(x[n,k], n, k)/K",
     "K is not a size here: n and k stand on one axis of x, so both have size N",
     "L = sum(x[n,n], n)/N + sum(x[n,k], n, k)/K", "                                         ^", "write N for K"),
    ("L = sum(a[i]*b[i], i)/sum(b[j], j)*sum(a[k], k)/K",
     "K is not a size here: i and k stand on one axis of a, so both have size I",
     "L = sum(a[i]*b[i], i)/sum(b[j], j)*sum(a[k], k)/K",
     "                                                ^", "write I for K"),
    ("L = sum(a[i]*b[i], i)*sum(a[j]*c[j], j)*sum(c[k], k)/K", "K is not a size here: i and k have one size I",
     "L = sum(a[i]*b[i], i)*sum(a[j]*c[j], j)*sum(c[k], k)/K",
     "                                                     ^", "write I for K"),
    ("y[n,l] = L[n,l]", "L is the size of index l, so it can not name a tensor too", "y[n,l] = L[n,l]",
     "         ^^^^^^", "name the tensor or the index otherwise"),
    ("y = relu(X)", "X is a scalar with a capital name", "y = relu(X)", "         ^",
     "write it with a small letter, or tell its axes in another definition"),
    # Functions.
    ("y = sigmod(x)", "unknown function sigmod", "y = sigmod(x)", "    ^^^^^^", "did you mean sigmoid?"),
    ("y[n] = mu(x[n], n)", "unknown function mu", "y[n] = mu(x[n], n)", "       ^^",
     "the functions are exp, log, sqrt, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf, abs, sign, max, min, "
     "sum, mean, argmax, where, delta, diff, inv, det, logdet, and the operations of `derive list`"),
    ("y = asin(2)", "this is not a real number", "y = asin(2)", "    ^^^^^^^", "expected a finite real number"),
    ("y = ReLU(x)", "unknown function ReLU", "y = ReLU(x)", "    ^^^^", "did you mean relu?"),
    ("y[n] = x[n] == 0", "== has no place outside of brackets", "y[n] = x[n] == 0", "            ^^",
     "write a comparison in brackets: [x[n] > 0]"),
    ("y[n,k] = 2*softmax(z)", "softmax works on whole tensors, not inside a formula", "y[n,k] = 2*softmax(z)",
     "           ^^^^^^^", "give it a definition of its own, without indices: y = softmax(x)"),
    ("y = nll-sparse(z, t)", "the hyphen in an operation's name reads as a minus", "y = nll-sparse(z, t)",
     "    ^^^^^^^^^^", "write nll_sparse(...)"),
    ("y = exp + x", "exp is a function", "y = exp + x", "    ^^^", "write it with its arguments: exp(x[n])"),
    ("y = exp(a, b)", "exp has the wrong number of arguments", "y = exp(a, b)", "    ^^^^^^^^^", "write exp(x)"),
    ("y = sigmoid(a, 2*b)", "sigmoid takes 1 argument, not 2", "y = sigmoid(a, 2*b)", "    ^^^^^^^^^^^^^^^",
     "expected sigmoid(x)"),
    ("y = dense(a, b)", "dense takes 3 arguments, not 2", "y = dense(a, b)", "    ^^^^^^^^^^^",
     "expected dense(x, w, b)"),
    ("y[n] = sum(x[n,k])", "sum has the wrong number of arguments", "y[n] = sum(x[n,k])", "       ^^^^^^^^^^^",
     "write sum(x[n,k], k)"),
    ("y[n] = sum(x[n,k], j)", "j is not an index: it stands in no brackets", "y[n] = sum(x[n,k], j)",
     "                   ^", "expected one of k, n"),
    ("y[n] = sum(x[n,k], 2)", "sum runs over indices, and this is not an index", "y[n] = sum(x[n,k], 2)",
     "                   ^", "expected bare names, as in sum(x[n,k], k)"),
    ("y = sum(x[n], n, n)", "sum was given the index n twice", "y = sum(x[n], n, n)", "    ^^^^^^^^^^^^^^^",
     "name each index once"),
    ("y[k] = max(2, k)*x[k]", "max runs over index k, and its first argument does not depend on it",
     "y[k] = max(2, k)*x[k]", "       ^^^^^^^^^", "write k in it, or give the number another name"),
    ("y[n] = max(x[n], 1, 2)", "max has the wrong number of arguments", "y[n] = max(x[n], 1, 2)",
     "       ^^^^^^^^^^^^^^^", "write max(a, b), or max(x[n,k], k) over an index"),
    ("y[n] = max(x[n,k], k, n)", "index n is on the left, and on the right it is only bound here",
     "y[n] = max(x[n,k], k, n)", "                      ^",
     "take n off the left, or let another letter be bound"),
    ("y[n] = min(x[n,k], k)", "min takes two numbers", "y[n] = min(x[n,k], k)", "       ^^^^^^^^^^^^^^",
     "write -max(-x, k) for the minimum over k"),
    ("y = argmax(x[n], n)", "argmax is a position, not a number to compute with", "y = argmax(x[n], n)",
     "    ^^^^^^^^^^^^^^^", "it can stand in an index: x[n, argmax(x[n,k], k)]"),
    ("y = where(x, 1, 2)", "this is not a condition", "y = where(x, 1, 2)", "          ^",
     "expected a comparison, as in where(x[n] > 0, x[n], 0)"),
    ("y = [0 < x < 1]", "a comparison has two sides", "y = [0 < x < 1]", "    ^^^^^^^^^^^",
     "write [0 < x]*[x < 1] for [0 < x < 1]"),
    ("y = [x]", "this is not a comparison", "y = [x]", "    ^^^",
     "brackets on their own hold a comparison: [x[n] > 0]"),
    ("y = exp(x = 1)", "a comparison has no place here", "y = exp(x = 1)", "        ^^^^^",
     "write a comparison in brackets, [x[n] > 0], or as the condition of where"),
    # Whole-operation calls.
    ("y = cce(p, t); q[n] = y*t[n]", "t stands with 2 indices here and with 1 index elsewhere",
     "y = cce(p, t); q[n] = y*t[n]", "           ^", "expected one index for each of its axes everywhere"),
    ("p = softmax(z); L[n] = p[n]", "p stands with 2 indices here and with 1 index elsewhere",
     "p = softmax(z); L[n] = p[n]", "    ^^^^^^^^^^", "expected one index for each of its axes everywhere"),
    ("y = max(a, b); z[n] = a[n] + sum(b[n,k], k) + y[n]",
     "a has 1 axes, another argument of max 2", "y = max(a, b); z[n] = a[n] + sum(b[n,k], k) + y[n]",
     "        ^", "expected tensors of one shape, and scalars; write indices for anything else"),
    ("p = softmax(t); y[n,m] = p[n,t[n,m]]",
     "t holds labels, and softmax takes real numbers in its place", "p = softmax(t); y[n,m] = p[n,t[n,m]]",
     "            ^", "give the labels and the numbers two names"),
    # Numbers.
    ("y = x/0", "division by zero", "y = x/0", "      ^", "the part after / is 0 whatever the inputs are"),
    ("y = x /\n  (1-1)", "division by zero", "  (1-1)", "   ^^^", "the part after / is 0 whatever the inputs are"),
    ("y = x/(2*(3-x-3+x))", "division by zero", "y = x/(2*(3-x-3+x))", "          ^^^^^^^",
     "the part after / is 0 whatever the inputs are"),
    ("y = x/((1+sqrt(2))**2-3-2*sqrt(2))", "division by zero", "y = x/((1+sqrt(2))**2-3-2*sqrt(2))",
     "       ^^^^^^^^^^^^^^^^^^^^^^^^^^", "the part after / is 0 whatever the inputs are"),
    ("y = x + 0**-1", "division by zero", "y = x + 0**-1", "        ^^^^^", "a negative power of 0"),
    ("y = x + 1e999", "this number is too long, too large or too small", "y = x + 1e999", "        ^^^^^",
     "expected at most 309 digits and an exponent between -300 and 300"),
    ("y = x + 9**9**9**9", "this number is too large or too small", "y = x + 9**9**9**9", "           ^^^^^^^",
     "expected numbers up to 1e308 and powers up to 100"),
    ("y = x**101", "this number is too large or too small", "y = x**101", "    ^^^^^^",
     "expected numbers up to 1e308 and powers up to 100"),
    ("y = exp(exp(exp(100)))", "this number is too large or too small", "y = exp(exp(exp(100)))",
     "        ^^^^^^^^^^^^^", "expected numbers up to 1e308 and powers up to 100"),
    ("y = x*log(0)", "this is not a real number", "y = x*log(0)", "      ^^^^^^", "expected a finite real number"),
    ("y = x*sqrt(-1)", "this is not a real number", "y = x*sqrt(-1)", "      ^^^^^^^^",
     "expected a finite real number"),
    ("y = sqrt(-exp(x))", "this is not a real number", "y = sqrt(-exp(x))", "    ^^^^^^^^^^^^^",
     "expected a finite real number"),
    ("y = x*(-2)**0.3", "this is not a real number", "y = x*(-2)**0.3", "      ^^^^^^^^^",
     "expected a finite real number"),
    ("y = nan", "nan is not a number here", "y = nan", "    ^^^",
     "every number of a definition is finite and real"),
    ("y = -Infinity", "Infinity is not a number here", "y = -Infinity", "     ^^^^^^^^",
     "every number of a definition is finite and real"),
    ("y = 1j*x", "1j is not real", "y = 1j*x", "    ^^", "every number here is real"),
    # Python.
    ("y = __import__('os')", "the name __import__ begins with an underscore", "y = __import__('os')",
     "    ^^^^^^^^^^", "a name begins with a letter"),
    ("y = x.T", ". has no meaning in a definition", "y = x.T", "     ^",
     "a definition has no attributes or methods"),
    ("y = lambda x: x", "lambda is a word of Python, not a name", "y = lambda x: x", "    ^^^^^^",
     "name it otherwise: lam, for instance"),
    ("y = 'x'", "' has no meaning in a definition", "y = 'x'", "    ^", "a definition holds no strings"),
    ('y = f"{x}"', '" has no meaning in a definition', 'y = f"{x}"', "     ^", "a definition holds no strings"),
    ("y = max(*x)", "a value is missing between ( and *", "y = max(*x)", "        ^", VALUE),
    ("y = exp(x=1)", "a comparison has no place here", "y = exp(x=1)", "        ^^^",
     "write a comparison in brackets, [x[n] > 0], or as the condition of where"),
    ("y = (z := 2)", ":= has no meaning in a definition", "y = (z := 2)", "       ^^",
     "write a definition of its own: name = ..."),
    ("y = x[n:2]", ": has no meaning in a definition", "y = x[n:2]", "       ^",
     "write an index on each axis, as in x[n,k], not a slice"),
    ("y = [a for a in x]", "for is a word of Python, not a name", "y = [a for a in x]", "       ^^^"),
    ("y = a if b else c", "if is a word of Python, not a name", "y = a if b else c", "      ^^",
     "write where(a > b, chosen, other)"),
    ("y = True", "True is a word of Python, not a name", "y = True", "    ^^^^"),
    ("y = x ^ 2", "^ has no meaning in a definition", "y = x ^ 2", "      ^", "write a power as x**2"),
    ("y = x @ w", "@ has no meaning in a definition", "y = x @ w", "      ^",
     "write a matrix product as sum(a[i,k]*b[k,j], k)"),
    ("y = x // w", "// has no meaning in a definition", "y = x // w", "      ^^", "write a division as a/b"),
    ("y = 0x10", "there is no operator between 0 and what follows", "y = 0x10", "    ^",
     "write a product with *, as in 2*x"),
    ("y = x\0", "U+0000 has no meaning in a definition", "y = x\0", "     ^"),
    ("y = x₂", "x₂ is not a name", "y = x₂", "    ^^", "a name has letters, and digits after the first letter"),
    # Places in texts of several lines, with letters of several bytes.
    ("é[n] = 2*ö[n]\ny[n] =\n    é[n]*ü[m]", "index m is neither on the left nor bound by a sum", "    é[n]*ü[m]",
     "           ^", "the indices known here are n"),
    ("y[n] = [é[n] = 1]*[b[n] = 2]*sigmod(x[n])", "unknown function sigmod",
     "y[n] = [é[n] = 1]*[b[n] = 2]*sigmod(x[n])", "                             ^^^^^^", "did you mean sigmoid?"),
]  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES, ids=[case[0][:40] or "empty" for case in MISTAKES])
def test_a_mistake_is_shown_with_its_place(case: tuple[str, ...]) -> None:
    text, *shown = case
    assert refuse(text) == message(*shown)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y[n] = x[t[n]+1]", message("arithmetic on labels is not supported", "y[n] = x[t[n]+1]", "         ^^^^",
                                     "expected indices and whole numbers beside them")),
        ("y = abs(exp(sqrt(c)))", message("this is not known to be real, and SymPy makes atan2 of it",
                                          "y = abs(exp(sqrt(c)))", "    ^^^^^^^^^^^^^^^^^",
                                          "apply abs and sign to what is real for every input")),
    ],
)  # fmt: skip
def test_what_is_not_supported_yet_says_so(text: str, expected: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse(text)
    assert str(caught.value) == expected


# ---- safety ----

LONG = "y = " + "x + " * 900 + "x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("y = " + "(" * 3000 + "x" + ")" * 3000, "the text has 6003 words and signs; at most 2000 are read"),
        ("y = " + "(" * 900 + "x" + ")" * 900, None),
        ("y = " + "exp(" * 200 + "x" + ")" * 200, "this is nested more than 40 levels deep"),
        ("y = " + "-" * 1500 + "x", "this is nested more than 40 levels deep"),
        ("y = x" + "**x" * 500, "this is nested more than 40 levels deep"),
        ("y = " + "x + " * 5000 + "x", "the text has 20005 characters; at most 10000 are read"),
        ("y = " + "x*" * 900 + "0/0", "division by zero"),
        ("y = " + "9" * 400, "this number is too long, too large or too small"),
        ("y = " + "9" * 9000, "this number is too long, too large or too small"),
        ("y = " + "1e300*" * 300 + "x", "this number is too large or too small"),
        ("y = (1e300*x)**100", "this number is too large or too small"),
        ("y = ((x**100)**100)**100", "this number is too large or too small"),
        ("y = exp(387420489*log(9))*x", "this number is too large or too small"),
        ("y = (2**(1000*x))**(1000/x)", "this number is too large or too small"),
        ("y = 2**(1000000*x)*2**(1000000*(1-x))", "this number is too large or too small"),
        ("y = 10**(0-400)*x", "this number is too large or too small"),
        ("y = abs(tanh(exp(exp(exp(100)))))", "this number is too large or too small"),
        ("y = [exp(exp(exp(exp(10)))) > 1]*x", "this number is too large or too small"),
        ("y = tanh(log(x)**100)", "this number is too large or too small"),
        ("y = sigmoid(exp(exp(exp(100))))", "this number is too large or too small"),
    ],
)
def test_what_could_fill_the_memory_is_refused(text: str, problem: str | None) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(text)
    assert problem is None or caught.value.problem == problem


def test_long_flat_texts_are_read() -> None:
    assert parse(LONG).output.body == 901 * Tensor("x")()
    terms = " + ".join(f"x{i}*w{i}" for i in range(300))
    assert len(parse(f"y = exp({terms})").inputs) == 600


FRAGMENTS = (
    "x[n,k] x[n,j] t[n] x[n,t[n]] y[n,k] y = = z w[d,k] b[k] exp( log( sum( max( ,k) ,j) ) ( [ ] n k j + - * / ** 2 0 "
    "1e300 0.5 pi N K where( > < <= == , sigmoid( softmax( cce( relu( ; \n abs( sign( sqrt( tanh( delta(i,j) argmax( "
    "mean( min( 1000 9 x a _ é ' @ . ... ^ ! lambda x[0] [x>0]"
).split(" ")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["", "y = ", "y[n,k] = "]), st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_no_text_raises_anything_but_the_project_s_errors(start: str, fragments: list[str]) -> None:
    text = start + "".join(fragments)
    try:
        operation = parse(text)
    except DefinitionError as error:
        assert 0 <= error.offset <= len(text)
        assert len(str(error).splitlines()) >= 3
    except DeriveError as error:
        assert "not supported yet" in str(error) or "not known to be real" in str(error)
    else:
        assert operation.definitions


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_no_characters_raise_anything_but_the_project_s_errors(text: str) -> None:
    try:
        definitions = parse(text).definitions
    except DeriveError as error:
        definitions = ()
        assert str(error)
    assert not definitions or "=" in text


# ---- spelling does not matter ----

SPACED = [
    "y [ n , k ] = exp ( x [ n , k ] ) / sum ( exp ( x [ n , j ] ) , j )",
    "L = - 1 / N * sum ( [ k = t [ n ] ] * log ( p [ n , k ] ) , n , k )",
    "h [ n ] = max ( x [ n , k ] , k ) ; y [ n ] = where ( h [ n ] >= 0 , h [ n ] ** 2 , - 0.5 * h [ n ] )",
    "p = softmax ( z ) ; L = cce ( p , t )",
]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SPACED), st.data())
def test_spaces_do_not_matter(text: str, data: st.DataObject) -> None:
    words = text.split(" ")
    written, depth = words[0], 0
    for before, word in pairwise(words):
        depth += (before in ("(", "[")) - (before in (")", "]"))
        spaces = ["", " ", "  ", "\t", "\n", " \n "] if depth else ["", " ", "   "]
        written += data.draw(st.sampled_from(spaces)) + word
    assert parse(written).definitions == parse(text).definitions


@pytest.mark.parametrize("text", [*TEXTS.values(), *SPACED])
def test_a_printed_definition_parses_back(text: str) -> None:
    operation = parse(text)
    again = parse_operation(operation_text(operation))
    assert again.definitions == operation.definitions
    assert set(again.inputs) == set(operation.inputs)


LEAVES = st.sampled_from(["x[n,k]", "x[n,j]", "b[k]", "b[j]", "c", "2", "0.5", "N", "x[n,t[n]]", "pi"])


def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["exp", "tanh", "erf", "sigmoid", "relu"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})/(1 + ({p[1]})**2)"),
        inner.map(lambda p: f"where({p} > 1, {p}, 3)"),
        inner.map(lambda p: f"[{p} >= b[k]]*c"),
        inner.map(lambda p: f"(delta(k, t[n]) - {p})"),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(LEAVES, extend, max_leaves=8), st.sampled_from(["sum", "mean"]))
def test_random_formulas_parse_back(formula: str, binder: str) -> None:
    text = f"y[n,k] = x[n,k] + c*b[k]*x[n,t[n]] + {binder}({formula} + x[n,j], j)"
    try:
        operation = parse(text)
    except DefinitionError as error:
        assert "drops out" in error.problem or error.problem.startswith("this number")
        return
    assert parse_operation(operation_text(operation)).definitions == operation.definitions


@pytest.mark.parametrize("make", [definition_text, str])
def test_an_expression_s_text_parses_back(make: Callable[[Expr], str]) -> None:
    body = log(IndexSum(exp(x[n, j]), j)) - IndexMax(x[n, j], j) + Where(Bracket(">", x[n, k], 0), b[k], 2)
    assert parse_expression(make(body), {"x": x, "b": b}) == body


def test_a_name_where_a_definition_is_expected_is_told_from_one() -> None:
    with pytest.raises(InputError, match=r"takes a definition.*; derive.find\('sigmoid'\) gives the catalogue's"):
        derive.operation("sigmoid")
    with pytest.raises(InputError, match="did you mean 'sigmoid'"):
        derive.operation("sigmod")
    with pytest.raises(DefinitionError, match="the text is empty"):
        derive.operation("")
    with pytest.raises(DefinitionError, match=r"did you mean layer_norm\?"):
        derive.operation("y = layernorm(x, g, b)")
