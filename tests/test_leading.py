"""Leading axes of any number, written ``...``: in texts, in the algebra, in calls, in code, in layers."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import codegen
import derive
from codegen.layers import Dense, LayerKind, MeanSquaredError, Softmax, SoftmaxCategoricalCrossEntropy
from codegen.programs import backward_program, forward_program
from codegen.verification import draw_inputs
from derive.catalogue import catalogue
from derive.definitions import Definition
from derive.errors import DefinitionError, InputError
from derive.indices import Index
from derive.leading import find_misuse
from derive.operation import Operation
from derive.parsing import parse_operation
from derive.printing import operation_text
from derive.pullback import pull_back
from derive.sums import IndexSum

Array = np.ndarray

#: Leading axes: none, one, several with distinct primes, with 1, and none of anything.
LEADING = [(), (5,), (2, 3), (2, 1, 3), (1,), (0,), (2, 0)]
WITH_LEADING = [name for name, operation in catalogue().items() if operation.leading is not None]

#: Definitions whose code is written for any rank as it stands, and such as need one leading axis somewhere.
TEXTS = {
    "embedding": "y[...,d] = w[ids[...],d]",
    "inner": "y[...] = sum(a[...,k]*b[...,k], k)",
    "scores": "y[...,i,j] = sum(q[...,i,d]*k[...,j,d], d)",
    "attention": (
        "s[...,i,j] = sum(q[...,i,d]*k[...,j,d], d); p = softmax(s); y[...,i,d] = sum(p[...,i,j]*v[...,j,d], j)"
    ),
    "centred": "m[k] = mean(x[...,k], ...); y[...,k] = x[...,k] - m[k]",
    "weighted": "y[...,k] = x[...,k]*b[...]*w[k]",
    "maximum": "y[...,i] = max(x[...,i,j], j)",
    "transposed": "y[...,j,i] = x[...,i,j]*w[i,j]",
    "at the maximum": "y[...] = x[..., argmax(x[...,k],k)]",
    "over all": "y[...,k] = x[...,k]/sum(x[...,j]**2, ..., j)",
    "three": "y[...,k,l] = x[...,k]*w[k,l]*b[...]",
    "total": "y = sum(x[...]*z[...], ...)",
    "matrix": "y[...,i] = sum(A[i,j]*x[...,j], j)",
    "diagonal": "y[...,i] = x[...,i,i]",
    "outer": "y[...,i,j] = x[...,i]*z[...,j]",
    "picked": "y[...,k] = delta(k, t[...])*x[...,k]",
    "mean": "L = mean(log(sum(exp(x[...,k]), k)), ...)",
    "shifted": "y[...,t] = x[...,t]*x[...,t - 1]",
    "reversed": "y[...,t,k] = x[...,T - 1 - t,k]*w[k]",
    "chosen by the one before": "y[...,t] = where(x[...,t - 1] > 0, x[...,t], 0)",
    "convolved": "y[...,c,t] = sum(x[...,d,t + r]*w[c,d,r], d, r)",
    "pooled": "y[...,t] = max(x[...,2*t + r], r); R = 2",
    "stacked": "R = 2; y[...,r,d] = 2*x[...,r,d] + delta(r, 1)*x[...,0,d]",
}


def made(name: str) -> Operation:
    return derive.find(name) if name in WITH_LEADING else derive.operation(TEXTS[name])


def flat(operation: Operation, arrays: list[Array], leading: tuple[int, ...]) -> list[Array]:
    """The arrays with one axis in the place of the leading ones."""
    count = math.prod(leading)
    return [
        array.reshape(count, *array.shape[len(leading) :]) if operation.leads(tensor) else array
        for tensor, array in zip(operation.inputs, arrays, strict=True)
    ]


def run(operation: Operation, arrays: list[Array], upstream: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """The output and the gradients; None where there is no value at a size 0."""
    try:
        output, pullback = codegen.vjp(operation, *arrays)
        return output, pullback(np.reshape(upstream, np.shape(output)).astype(np.asarray(output).dtype))
    except InputError as error:
        assert "size" in str(error)
        return None


# ---- numbers ----


@pytest.mark.parametrize("leading", LEADING, ids=str)
@pytest.mark.parametrize("name", [*WITH_LEADING, *TEXTS])
def test_any_leading_axes_are_one_axis_reshaped(name: str, leading: tuple[int, ...]) -> None:
    """The code of the same definition at a fixed rank tells what is right."""
    operation, generator = made(name), np.random.default_rng(1)
    fixed = replace(operation, leading=None)
    arrays = draw_inputs(operation, generator, 0, leading=leading)
    kept = [array.copy() for array in arrays]
    rows = flat(operation, arrays, leading)
    upstream = numbers_like_output(fixed, rows, generator)
    expected, found = run(fixed, rows, upstream), run(operation, arrays, upstream)
    assert (found is None) == (expected is None)
    if found is None or expected is None:
        assert 0 in leading
        return
    output, gradients = found
    if operation.leads(operation.output.tensor):
        assert np.shape(output)[: len(leading)] == leading
    assert_allclose(np.ravel(output), np.ravel(expected[0]), rtol=1e-12)
    for tensor, gradient, other in zip(operation.differentiable, gradients, expected[1], strict=True):
        array = arrays[operation.inputs.index(tensor)]
        assert np.shape(gradient) == array.shape
        assert not np.shares_memory(gradient, array)
        assert_allclose(np.ravel(gradient), np.ravel(other), rtol=1e-11, atol=1e-14)
    for array, before in zip(arrays, kept, strict=True):
        assert_allclose(array, before, rtol=0)


def numbers_like_output(operation: Operation, arrays: list[Array], generator: np.random.Generator) -> Any:
    """An upstream gradient; 0 where the output has no value."""
    try:
        return np.asarray(generator.standard_normal(np.shape(codegen.forward(operation)(*arrays))))
    except InputError:
        return 0.0


@pytest.mark.parametrize("name", ["softmax", "dense", "logsumexp"])
def test_each_position_is_worked_on_for_itself(name: str) -> None:
    """A loop over the positions, one call with no leading axes at each, gives the same; another order does not."""
    operation, generator = derive.find(name), np.random.default_rng(2)
    arrays = draw_inputs(operation, generator, 0, leading=(3, 5))
    output = codegen.forward(operation)(*arrays)
    looped = np.empty_like(output)
    for where in np.ndindex(3, 5):
        own = [a[where] if operation.leads(t) else a for t, a in zip(operation.inputs, arrays, strict=True)]
        looped[where] = codegen.forward(operation)(*own)
    assert_allclose(output, looped, rtol=1e-12)
    assert not np.allclose(output, looped[:, ::-1])


@pytest.mark.parametrize("name", [*WITH_LEADING, *TEXTS])
def test_what_is_emitted_runs_alone_and_keeps_float32(name: str) -> None:
    operation, generator = made(name), np.random.default_rng(3)
    wide = draw_inputs(operation, generator, 0, leading=(2, 3))
    arrays = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in wide]
    namespace: dict[str, Any] = {}
    exec(codegen.source(operation), namespace)
    stem = next(key.removesuffix("_forward") for key in namespace if key.endswith("_forward"))
    output, saved = codegen.forward(operation).with_saved(*arrays)
    emitted = namespace[f"{stem}_forward"](*arrays)
    emitted = emitted[0] if isinstance(emitted, tuple) else emitted
    assert np.asarray(emitted).dtype == np.float32
    assert_allclose(emitted, output, rtol=1e-6)
    upstream = np.asarray(generator.standard_normal(np.shape(output)), dtype=np.float32)
    ours = codegen.backward(operation)(upstream, **saved)
    theirs = namespace[f"{stem}_backward"](upstream, *saved.values())
    for first, second in zip(ours, theirs if isinstance(theirs, tuple) else (theirs,), strict=True):
        assert second.dtype == np.float32
        assert_allclose(first, second, rtol=1e-6)


@pytest.mark.parametrize("name", ["softmax", "dense", "softmax-cce-sparse", "weighted"])
def test_arrays_may_lie_in_memory_as_they_will(name: str) -> None:
    operation, generator = made(name), np.random.default_rng(4)
    arrays = draw_inputs(operation, generator, 0, leading=(2, 3))
    scattered = [np.asfortranarray(np.repeat(array, 2, axis=0))[::2] if array.ndim else array for array in arrays]
    upstream = np.asarray(generator.standard_normal(np.shape(codegen.forward(operation)(*arrays))))
    first, second = run(operation, arrays, upstream), run(operation, scattered, upstream)
    assert first is not None and second is not None
    assert_allclose(first[0], second[0], rtol=1e-12)
    for one, other in zip(first[1], second[1], strict=True):
        assert_allclose(one, other, rtol=1e-12)


def test_a_trailing_size_of_0_is_right_though_numpy_can_not_find_a_leading_one() -> None:
    x, w, b = np.ones((2, 5, 0)), np.ones((0, 3)), np.arange(3.0)
    output, pullback = codegen.vjp("dense", x, w, b)
    assert_allclose(output, np.broadcast_to(b, (2, 5, 3)))
    dx, dw, db = pullback(np.ones((2, 5, 3)))
    assert dx.shape == (2, 5, 0) and dw.shape == (0, 3)
    assert_allclose(db, [10.0, 10.0, 10.0])


# ---- code ----


CODE = {
    "softmax": ("x.max(axis=-1, keepdims=True)", "return y * (dy - np.vecdot(dy, y, keepdims=True))"),
    "logsumexp": ("np.exp(a - row_max[..., None])", "da = np.exp(a - y[..., None])"),
    "mse": ("return np.square(y - t).mean()", "return (y - t) * (2 * dL / y.size)"),
    "cce": ("N = p[..., 0].size", "dp = np.where(t == 0, 1.0, p)", "np.divide(t, dp, out=dp)", "dp *= -dL / N"),
    "cce-sparse": ("t = t.reshape(-1)", "return -np.log(p[np.arange(N), t]).mean()"),
    "embedding": ("return w[ids]", "np.add.at(dw, ids, dy)"),
    "scores": ("return q @ k.swapaxes(-1, -2)", "dk = dy.swapaxes(-1, -2) @ q"),
}  # fmt: skip


@pytest.mark.parametrize("name", CODE)
def test_code_is_what_people_write(name: str) -> None:
    text = codegen.source(made(name))
    for line in CODE[name]:
        assert line in text


def test_dense_makes_one_axis_of_the_leading_ones_before_it_sums_over_them() -> None:
    text = re.sub(r' *"""(?:.|\n)*?"""\n', "", codegen.source("dense").partition("def dense_backward")[2])
    assert text.splitlines() == [
        "(dy, x, w):",
        "    shape = x.shape",
        "    dy = dy.reshape(-1, dy.shape[-1])",
        "    x = x.reshape(-1, x.shape[-1])",
        "    dx = dy @ w.T",
        "    dw = x.T @ dy",
        "    db = dy.sum(axis=0)",
        "    return dx.reshape(shape), dw, db",
    ]
    assert "return x @ w + b" in codegen.source("dense")


@pytest.mark.parametrize(
    ("name", "forward_flattens", "backward_flattens"),
    [("softmax", False, False), ("dense", False, True), ("cce", False, False), ("softmax-cce-sparse", True, True),
     ("centred", True, True), ("attention", False, False), ("embedding", False, False), ("diagonal", False, False)],
)  # fmt: skip
def test_a_function_flattens_only_where_a_statement_needs_it(
    name: str, forward_flattens: bool, backward_flattens: bool
) -> None:
    operation = made(name)
    assert forward_program(operation, ()).flattens == forward_flattens
    assert backward_program(pull_back(operation)).flattens == backward_flattens


def test_a_definition_without_leading_axes_has_code_of_a_fixed_rank() -> None:
    text = codegen.source("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)")
    assert "x.max(axis=1, keepdims=True)" in text
    assert "x: (N, K)" in text
    with pytest.raises(InputError, match=re.escape("x has 3 axes; it takes 2 (N, K)")):
        codegen.forward("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)")(np.ones((2, 3, 4)))


def test_docstrings_say_what_the_index_stands_for() -> None:
    text = codegen.source("cce-sparse")
    assert "n runs over all leading axes, N positions together." in text
    assert "p: (..., K)" in text and "t: (...), integers from 0 to K - 1" in text
    assert "leading axes" not in codegen.source("y[n] = sum(x[n,k], k)")


# ---- what does not fit ----


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("cce", [(2, 3, 4), (2, 4)], "the leading axes of p are (2, 3) and those of t (2,); they must be the same"),
        (
            "cce",
            [(2, 3, 4), (3, 2, 4)],
            "the leading axes of p are (2, 3) and those of t (3, 2); they must be the same",
        ),
        (
            "cce",
            [(2, 1, 4), (2, 3, 4)],
            "the leading axes of p are (2, 1) and those of t (2, 3); they must be the same",
        ),
        ("softmax", [()], "x has 0 axes; it takes 1 or more (..., K)"),
        ("dense", [(2, 3, 4), (5, 6), (6,)], "index d has size 4 (axis 2 of x) and 5 (axis 0 of w)"),
        ("dense", [(2, 3, 4), (4, 6, 1), (6,)], "w has 3 axes; it takes 2 (D, K)"),
        ("softmax", [(2, 3, 0)], "index j has size 0 (axis 2 of x); a maximum needs one number at least"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(name: str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        codegen.forward(name)(*(np.ones(shape) for shape in shapes))
    assert message.replace("index j", "index k") == str(caught.value).removeprefix(f"{name}: ")


def test_an_upstream_gradient_of_other_leading_axes_is_refused() -> None:
    _, pullback = codegen.vjp("softmax", np.ones((2, 3, 4)))
    with pytest.raises(InputError, match="upstream gradient"):
        pullback(np.ones((6, 4)))
    with pytest.raises(InputError, match=re.escape("the leading axes of the upstream gradient dy are (6,)")):
        codegen.backward("softmax")(np.ones((6, 4)), y=np.ones((2, 3, 4)))


@pytest.mark.parametrize(
    ("text", "at", "problem"),
    [
        ("y[...,k] = x[k,...]", 15, "... stands behind another index"),
        ("y[...,k] = x[...,...,k]", 17, "... stands behind another index"),
        ("y[k] = ...*x[k]", 7, "... has no place here"),
        ("y[...] = delta(..., ...)*x[...]", 15, "... has no place here"),
        ("y[...] = x[...+1]", 11, "... has no place here"),
        ("L = sum(..., x[...])", 8, "... has no place here"),
        ("y[...] = exp(x[...], ...)", 21, "... has no place here"),
        ("y[...,k] = x[n,k]", 13, "index n is neither on the left nor bound by a sum"),
        ("y[k] = x[...,k]", 9, "index ... is neither on the left nor bound by a sum"),
        ("y[...,k] = w[k]", 2, "nothing tells the size of ...: it stands on no axis of an input"),
        ("y[...,k] = sum(x[...,k]*w[k], ...)", 30, "index ... is on the left, and on the right it is only bound here"),
        ("y[...,k] = x[...,k]*x[0,k]", 22, "x has leading axes, on which no one position can be taken"),
        ("y[...,k] = x[...,k] + sum(x[m,k], m)", 28, "index m runs over the leading axes, and these are written ..."),
        ("y[...] = x[...] + sum(x[t[i]], i)", 24, "t would point into the leading axes, which may be several"),
        ("y[...,...] = x[...]", 6, "... stands behind another index"),
    ],
)  # fmt: skip
def test_mistakes_are_shown_with_their_place(text: str, at: int, problem: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        derive.operation(text)
    assert caught.value.problem == problem
    assert str(caught.value).splitlines()[2].index("^") - 2 == at


CALLED = {
    "turned": "y[j,i] = x[i,j]",
    "running": "y[i,k] = x[i,k]*sum([i >= j]*x[j,k], j)",
}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("turned", "the leading axes would stand behind another axis of y"),
        ("running", "two different positions on the leading axes meet in one sum"),
    ],
)
def test_a_call_that_depends_on_the_number_of_leading_axes_is_refused(name: str, problem: str) -> None:
    called = {name: parse_operation(CALLED[name], name)}
    with pytest.raises(DefinitionError) as caught:
        parse_operation(f"h[...,k] = 2*x[...,k]; y = {name}(h)", lookup=called.get)
    assert caught.value.problem == problem
    parse_operation(f"h[n,k] = 2*x[n,k]; y = {name}(h)", lookup=called.get)


def test_two_positions_in_one_sum_are_a_misuse_and_one_is_none() -> None:
    operation = derive.operation("y[...] = sum(x[...,k], k)")
    (x,), n, leading = operation.inputs, operation.output.indices[0], operation.leading
    assert leading is not None
    m, k = n.renamed("m"), Index("k", x.sizes[1])
    one = Definition(operation.output.target, IndexSum(x[m, k], m, k))
    two = Definition(operation.output.target, IndexSum(x[n, k] * x[m, k], m, k))
    assert find_misuse(one, leading) is None
    assert find_misuse(two, leading) == "two different positions on the leading axes meet in one sum"


# ---- texts, calls, chains ----


@pytest.mark.parametrize("name", [*WITH_LEADING, *TEXTS])
def test_what_is_printed_reads_back(name: str) -> None:
    operation = made(name)
    again = parse_operation(operation_text(operation))
    assert "..." in operation_text(operation)
    assert (again.definitions, again.leading) == (operation.definitions, operation.leading)


def test_the_index_takes_a_letter_that_the_text_leaves_free() -> None:
    operation = derive.operation("y[...,n] = sum(x[...,k]*b[k,n], k)")
    assert operation.leading is not None
    assert str(operation.leading) == "M"
    assert [definition.target for definition in operation.definitions] == [
        operation.output.tensor(*operation.output.indices)
    ]
    assert [index.name for index in operation.output.indices] == ["m", "n"]


EXPANDED = {
    "s[b,h,i,j] = sum(q[b,h,i,d]*k[b,h,j,d], d); p = softmax(s)":
        "s[b,h,i,j] = sum(q[b,h,i,d]*k[b,h,j,d], d); p[b,h,i,j] = exp(s[b,h,i,j])/sum(exp(s[b,h,i,l]), l)",
    "s[b,i,j] = 2*x[b,i,j]; L = mse(s, t)":
        "s[b,i,j] = 2*x[b,i,j]; L = sum((s[b,i,j] - t[b,i,j])**2, b, i, j)/(B*I*J)",
    "s[k] = 2*x[k]; p = softmax(s)": "s[k] = 2*x[k]; p[k] = exp(s[k])/sum(exp(s[j]), j)",
    "z = dense(x, w, b); L = mse(z, t)":
        "z[...,k] = sum(x[...,d]*w[d,k], d) + b[k]; L = sum((z[...,k] - t[...,k])**2, ..., k)/(N*K)",
    "z = dense(x, w, b); p = softmax(z); L = cce_sparse(p, t)":
        "z[...,k] = sum(x[...,d]*w[d,k], d) + b[k]; p[...,k] = exp(z[...,k])/sum(exp(z[...,j]), j); "
        "L = -sum(log(p[...,t[...]]), ...)/N",
    "z = dense(x, w, b); L = sum(z[n,k]**2, n, k)":
        "z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; L = sum(z[n,k]**2, n, k)",
    "s[...,i,j] = 2*x[...,i,j]; p = softmax(s)":
        "s[...,i,j] = 2*x[...,i,j]; p[...,i,j] = exp(s[...,i,j])/sum(exp(s[...,i,k]), k)",
}  # fmt: skip


@pytest.mark.parametrize("text", EXPANDED)
def test_a_call_puts_the_axes_that_it_is_given_in_the_place_of_leading_ones(text: str) -> None:
    operation = derive.operation(text)
    assert operation_text(operation) == EXPANDED[text]
    assert (operation.leading is not None) == ("..." in EXPANDED[text])


def test_bound_leading_indices_are_expanded_without_capture() -> None:
    """A mean over the leading axes beside an outer position on them becomes a mean over each of the given axes."""
    called = {"centre": parse_operation("m = mean(x[...]**2, ...); y[...] = x[...]*m", "centre")}
    operation = parse_operation("s[m,n] = 3*x[m,n]; y = centre(s)", lookup=called.get)
    x = np.random.default_rng(5).standard_normal((3, 5))
    assert_allclose(codegen.forward(operation)(x), 3 * x * np.mean(9 * x * x), rtol=1e-12)
    _, pullback = codegen.vjp(operation, x)
    upstream = np.random.default_rng(6).standard_normal((3, 5))
    step = 1e-6
    moved = [codegen.forward(operation)(x + sign * step * np.eye(3, 5)) for sign in (1, -1)]
    difference = ((moved[0] - moved[1]) * upstream).sum() / (2 * step)
    assert_allclose(np.trace(pullback(upstream)[0]), difference, rtol=1e-6)


def test_attention_with_many_heads_calls_softmax() -> None:
    operation = derive.operation(
        "s[b,h,i,j] = sum(q[b,h,i,d]*k[b,h,j,d], d)/sqrt(D); p = softmax(s); y[b,h,i,e] = sum(p[b,h,i,j]*v[b,h,j,e], j)"
    )
    generator = np.random.default_rng(7)
    q, k, v = (generator.standard_normal(shape) for shape in ((2, 3, 5, 7), (2, 3, 4, 7), (2, 3, 4, 11)))
    s = np.einsum("bhid,bhjd->bhij", q, k) / np.sqrt(7)
    p = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    assert_allclose(codegen.forward(operation)(q, k, v), p @ v, rtol=1e-12)
    for tensor in ("q", "k", "v"):
        derive.vjp(operation, tensor).check()


def test_chains_keep_leading_axes_and_fixed_ranks_end_them() -> None:
    chain = derive.compose("dense", "relu", "softmax", "cce-sparse")
    assert chain.leading is not None
    x = np.random.default_rng(8).standard_normal((2, 3, 5))
    w, b, t = np.ones((5, 4)), np.zeros(4), np.ones((2, 3), dtype=int)
    assert_allclose(codegen.forward(chain)(x, w, b, t), np.log(4), rtol=1e-12)
    rows = parse_operation("y[n,k] = x[n,k]*2", "rows")
    assert derive.compose("dense", rows).leading is None
    with pytest.raises(InputError, match="can not feed"):
        derive.compose(parse_operation("L = sum(x[n]**2, n)", "one"), "softmax")


def test_ranks_that_do_not_fit_a_call_are_refused() -> None:
    with pytest.raises(DefinitionError, match="u stands with 3 indices here and with 2 indices elsewhere"):
        derive.operation("p[i,j,k] = 2*x[i,j,k]; u[i,j] = 2*z[i,j]; L = cce(p, u)")


def test_claims_speak_of_the_index_as_n() -> None:
    right, wrong = (f"y[n,k]*(dy[n,k] {sign} sum(dy[n,j]*y[n,j], j))" for sign in "-+")
    assert derive.check_claim("softmax", "x", right).verdict == "proved"
    assert derive.check_claim("softmax", "x", wrong).verdict == "refuted"
    assert derive.prove("sum(p[...,k], k) = 1", ["p = softmax(z)"]).verdict == "proved"
    assert derive.prove("sum(p[...,k], ...) = 1", ["p = softmax(z)"]).verdict == "refuted"


# ---- layers ----


def test_layers_take_arrays_of_any_rank() -> None:
    generator = np.random.default_rng(9)
    inputs = generator.standard_normal((2, 3, 5))
    layer, softmax = Dense(5, 4, seed=0), Softmax()
    output = softmax.forward(layer.forward(inputs))
    assert output.shape == (2, 3, 4)
    dvalues = generator.standard_normal(output.shape)
    dinputs = layer.backward(softmax.backward(dvalues))[0]
    assert dinputs.shape == inputs.shape
    assert layer.dweights.shape == (5, 4) and layer.dbiases.shape == (1, 4)
    other, rows = Dense(5, 4, seed=0), Softmax()
    rows.forward(other.forward(inputs.reshape(6, 5)))
    other.backward(rows.backward(dvalues.reshape(6, 4)))
    assert_allclose(layer.dweights, other.dweights, rtol=1e-12)


@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 3, 2)], ids=str)
def test_a_loss_tells_one_hot_from_sparse_labels_at_any_rank(leading: tuple[int, ...]) -> None:
    generator = np.random.default_rng(10)
    z, t = generator.standard_normal((*leading, 4)), generator.integers(0, 4, leading)
    sparse, one_hot = SoftmaxCategoricalCrossEntropy(), SoftmaxCategoricalCrossEntropy()
    assert_allclose(sparse.forward(z, t), one_hot.forward(z, np.eye(4)[t]), rtol=1e-12)
    assert_allclose(sparse.backward(), one_hot.backward(), rtol=1e-11, atol=1e-15)
    restated = SoftmaxCategoricalCrossEntropy()
    assert_allclose(restated.backward(sparse.probabilities, t), sparse.dinputs, rtol=1e-12)
    with pytest.raises(InputError, match="axes"):
        sparse.forward(z, np.ones((*leading, 4, 1)))


def test_squares_are_averaged_over_arrays_of_any_rank() -> None:
    for shape in ((7,), (2, 3), (2, 3, 5)):
        y, t = np.full(shape, 3.0), np.ones(shape)
        loss = MeanSquaredError()
        assert_allclose(loss.forward(y, t), 4.0)
        assert_allclose(loss.backward(), np.full(shape, 4.0 / y.size))


def test_a_kind_of_ones_own_has_leading_axes() -> None:
    layer = LayerKind(("y[...,k] = x[...,k]*2",))()
    assert_allclose(layer.forward(np.ones((2, 3, 4))), 2.0)
    assert_allclose(layer.backward(np.ones((2, 3, 4))), 2.0)


# ---- other libraries ----


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["dense", "softmax", "log-softmax", "softmax-cce-sparse", "mse"])
def test_torch_agrees_on_three_axes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracles]'")
    functional = torch.nn.functional
    theirs = {
        "dense": lambda x, w, b: functional.linear(x, w.T, b),
        "softmax": lambda x: torch.softmax(x, -1),
        "log-softmax": lambda x: torch.log_softmax(x, -1),
        "softmax-cce-sparse": lambda z, t: functional.cross_entropy(z.flatten(0, 1), t.flatten()),
        "mse": functional.mse_loss,
    }[name]
    operation = derive.find(name)
    arrays = draw_inputs(operation, np.random.default_rng(11), 0, leading=(2, 3))
    tensors = [torch.tensor(array) for array in arrays]
    leaves = [tensors[operation.inputs.index(t)].requires_grad_() for t in operation.differentiable]
    expected = theirs(*tensors)
    output, pullback = codegen.vjp(operation, *arrays)
    upstream = np.asarray(np.random.default_rng(12).standard_normal(np.shape(output)))
    gradients = torch.autograd.grad(expected, leaves, torch.tensor(upstream))
    assert_allclose(output, expected.detach().numpy(), rtol=1e-12)
    for ours, other in zip(pullback(upstream), gradients, strict=True):
        assert_allclose(ours, other.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["dense", "softmax", "logsumexp"])
def test_jax_agrees_on_three_axes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[oracles]'")
        jax.config.update("jax_enable_x64", True)
    theirs = {
        "dense": lambda x, w, b: x @ w + b,
        "softmax": lambda x: jax.nn.softmax(x, -1),
        "logsumexp": lambda a: jax.scipy.special.logsumexp(a, -1),
    }[name]
    operation = derive.find(name)
    arrays = draw_inputs(operation, np.random.default_rng(13), 0, leading=(2, 3))
    output, pullback = codegen.vjp(operation, *arrays)
    upstream = np.random.default_rng(14).standard_normal(np.shape(output))
    expected, pull = jax.vjp(theirs, *arrays)
    assert_allclose(output, expected, rtol=1e-12)
    for ours, other in zip(pullback(upstream), pull(upstream), strict=True):
        assert_allclose(ours, other, rtol=1e-11, atol=1e-14)
