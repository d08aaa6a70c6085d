"""Lowered code against the slow reference evaluator: by hand, and for random index expressions."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lowering_cases import BY_NAME, CASES, SIZES, Case, D, K, N, V, body_of, d, dx, dy, j, k, load, m, n, t, x, y
from numpy.testing import assert_allclose, assert_array_equal
from random_definitions import REAL, SMALL, WHOLE, Maker
from reference import evaluate
from sympy import Expr, Rational

import codegen
from codegen.lowering import lower
from codegen.numpy_source import numpy_function
from codegen.program import InternalError
from codegen.program_checks import verify
from derive.definitions import Definition
from derive.errors import UnsupportedError
from derive.indices import Tensor, size
from derive.sums import IndexSum, Partial

pytestmark = pytest.mark.filterwarnings("error")


def results_of(case: Case, arrays: dict[Tensor, np.ndarray]) -> tuple[np.ndarray, ...]:
    found = load(case.source())(*(arrays[tensor] for tensor in case.arguments))
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("one", [None, *SIZES], ids=str)
@pytest.mark.parametrize("name", BY_NAME)
def test_code_equals_the_reference(name: str, one: Expr | None) -> None:
    case = BY_NAME[name]
    sizes = SIZES if one is None else {**SIZES, one: 1}
    arrays = case.draw(sizes)
    expected = evaluate(case.made, arrays, sizes)
    for tensor, found in zip(case.results, results_of(case, arrays), strict=True):
        assert np.shape(found) == expected[tensor].shape
        assert_allclose(found, expected[tensor], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_mutated_reference_is_seen(name: str) -> None:
    case = BY_NAME[name]
    arrays = case.draw(SIZES)
    target, body = case.definitions[-1]
    mutated = [*case.made[:-1], Definition(target, body + Rational(1, 2000))]
    expected = evaluate(mutated, arrays, SIZES)[target.tensor]
    found = results_of(case, arrays)[case.results.index(target.tensor)]
    with pytest.raises(AssertionError):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", BY_NAME)
def test_results_keep_float32_and_own_their_memory(name: str) -> None:
    case = BY_NAME[name]
    arrays = {
        tensor: array.astype(np.float32) if tensor.values is None else array
        for tensor, array in case.draw(SIZES).items()
    }
    before = {tensor: array.copy() for tensor, array in arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    results = results_of(case, arrays)
    for tensor, array in arrays.items():
        assert_array_equal(array, before[tensor])
    for place, found in enumerate(results):
        assert np.asarray(found).dtype == np.float32
        for other in (*arrays.values(), *results[:place]):
            assert not np.shares_memory(found, other)
        if np.ndim(found):
            assert found.flags.writeable


@pytest.mark.parametrize("name", BY_NAME)
def test_strided_and_foreign_arrays(name: str) -> None:
    case = BY_NAME[name]
    arrays = case.draw(SIZES)
    strided = {}
    for tensor, array in arrays.items():
        wide = np.repeat(np.asfortranarray(array), 2, axis=0) if array.ndim else array
        strided[tensor] = wide[::2] if array.ndim else array
    for mine, theirs in zip(results_of(case, strided), results_of(case, arrays), strict=True):
        assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13)


TEXTS = {
    "softmax": """\
row_max = x.max(axis=1, keepdims=True)
e = np.exp(x - row_max)
return np.divide(e, e.sum(axis=1, keepdims=True), out=e)""",
    "softmax_naive": """\
exp_x = np.exp(x)
return np.divide(exp_x, exp_x.sum(axis=1, keepdims=True), out=exp_x)""",
    "softmax_backward": "return y * (dy - np.vecdot(dy, y, keepdims=True))",
    "softmax_backward_by_its_jacobian": """\
t1 = dy * y
return np.subtract(t1, y * t1.sum(axis=1, keepdims=True), out=t1)""",
    "dense": "return x @ w + b",
    "dense_backward": """\
dx = dy @ w.T
dw = x.T @ dy
db = dy.sum(axis=0)
return dx, dw, db""",
    "cce": """\
N = p.shape[0]
return -np.vdot(t, np.log(p)) / N""",
    "cce_backward": """\
N = p.shape[0]
return t / p * (-dL / N)""",
    "cce_sparse": """\
N = p.shape[0]
return -np.log(p[np.arange(N), t]).mean()""",
    "cce_sparse_backward": """\
N = p.shape[0]
dp = np.zeros_like(p)
dp[np.arange(N), t] = -dL / N / p[np.arange(N), t]
return dp""",
    "softmax_cce_backward": """\
N = p.shape[0]
return (p * t.sum(axis=1, keepdims=True) - t) * (dL / N)""",
    "softmax_cce_sparse_backward": """\
N = p.shape[0]
scale = dL / N
dz = p * scale
dz[np.arange(N), t] -= scale
return dz""",
    "layer_norm": """\
K = x.shape[1]
mu = x.mean(axis=1, keepdims=True)
centered = x - mu
var = np.vecdot(centered, centered, keepdims=True) / K
xhat = np.divide(centered, np.sqrt(var + 1e-5), out=centered)
return gamma * xhat + beta""",
    "attention": """\
D = q.shape[2]
s = q @ k.swapaxes(-1, -2) / D**0.5
peak = s.max(axis=2, keepdims=True)
exps = np.subtract(s, peak, out=s)
np.exp(exps, out=exps)
p = np.divide(exps, exps.sum(axis=2, keepdims=True), out=exps)
y = p @ v
return y, p""",
    "embedding": "return w[ids]",
    "embedding_backward": """\
dw = np.zeros_like(w)
np.add.at(dw, ids, dy)
return dw""",
    "one_hot": """\
K = x.shape[1]
return (t[:, None] == np.arange(K)).astype(x.dtype)""",
    "trace": "return a.trace()",
    "trace_backward": """\
N = a.shape[0]
return dy * np.eye(N, dtype=a.dtype)""",
    "transpose": "return x.T.copy()",
    "symmetric": "return a + a.T",
    "outer": "return mu[:, None] * b",
    "relu": "return np.maximum(x, 0)",
    "relu_backward": "return dy * (x > 0)",
    "sum_backward": "return np.broadcast_to(dmu[:, None], x.shape).copy()",
    "column_sum_backward": "return np.broadcast_to(db, x.shape).copy()",
    "mean_backward": "return np.full(x.shape, dL / x.size, dtype=np.result_type(x, dL))",
    "zero_gradient": "return np.zeros_like(x)",
    "passed_on": """\
dx = dy.copy()
dz = dy.copy()
return dx, dz""",
    "shared": """\
dx = 2 * dy
dz = dx.copy()
return dx, dz""",
    "maximum_backward": """\
N = dmu.shape[0]
dx = np.zeros_like(x)
dx[np.arange(N), x.argmax(axis=1)] = dmu
return dx""",
    "at_maximum": "return np.take_along_axis(z, x.argmax(axis=1, keepdims=True), axis=1)[:, 0]",
    "dense_over_time_backward": "return np.tensordot(x, dy, axes=([0, 1], [0, 1]))",
    "triple": "return (x * mu[:, None]).T @ x_2",
    "two_products": "return (x - z) @ w.T",
    "growing": "return beta.sum() * picked + gamma @ beta",
    "apart": "return gamma.sum() * picked.sum()",
    "gelu": "return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x)))",
    "mul_backward": """\
da = _sum_to(dy * b, np.shape(a))
db = _sum_to(dy * a, np.shape(b))
return da, db""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    assert body_of(BY_NAME[name]) == TEXTS[name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_grows(case: Case) -> None:
    """No statement has more axes than what goes in and comes out."""
    largest = max(tensor.rank for tensor in (*case.arguments, *case.results))
    assert all(len(statement.labels) <= largest for statement in case.program().statements)


# ---- sharing ----


def test_equal_expressions_are_computed_once_whatever_their_indices_are_called() -> None:
    body = sympy.exp(x[n, k]) / IndexSum(sympy.exp(x[n, j]), j) + IndexSum(sympy.exp(x[m, j]), m, j)
    text = numpy_function(lower([Definition(y[n, k], body)], [x], [y]), "f", ["Do it."]).text
    assert text.count("np.exp") == 1


def test_a_definition_is_found_again_in_a_later_one() -> None:
    first = Definition(y[n, k], sympy.tanh(x[n, k]))
    second = Definition(dx[m, j], 1 - sympy.tanh(x[m, j]) ** 2)
    text = numpy_function(lower([first, second], [x], [y, dx]), "f", ["Do it."]).text
    assert text.count("np.tanh") == 1


def test_a_product_is_found_again_in_another_order_of_axes() -> None:
    w, v = Tensor("w", (N, K)), Tensor("v", (K, N))
    product = IndexSum(x[n, j] * w[m, j], j)
    first = Definition(Tensor("a", (N, N))[n, m], product)
    second = Definition(Tensor("b", (N, N))[m, n], sympy.tanh(product))
    text = numpy_function(lower([first, second], [x, w, v], [first.tensor, second.tensor]), "f", ["Do it."]).text
    assert text.count("@") == 1


def test_two_different_things_are_not_taken_for_one() -> None:
    square = Tensor("a", (N, N))
    body = IndexSum(square[n, n] * square[n, 0], n) + IndexSum(square[n, m] * square[m, n], n, m)
    definition = Definition(Tensor("y")(), body)
    arrays = {square: np.arange(9.0).reshape(3, 3)}
    program = lower([definition], [square], [definition.tensor])
    found = load(numpy_function(program, "f", ["Do it."]))(arrays[square])
    assert_allclose(found, evaluate([definition], arrays)[definition.tensor])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R = 2; y[r] = sum(delta(r,0)*x[n] + delta(r,1)*x[n]**2, n)", "return np.stack([x.sum(), x @ x], axis=0)"),
        ("R = 3; y[n,r] = x[n]*delta(r,1)", "y = np.zeros((N, 3), dtype=x.dtype)\n    y[:, 1] = x\n    return y"),
        ("y[n,k] = z[n,k] + delta(k,1)*z[n,0]*z[n,2]", "y = z.copy()\n    y[:, 1] += z[:, 0] * z[:, 2]\n    return y"),
    ],
)
def test_literal_places_are_rows_under_sums_too(text: str, expected: str) -> None:
    assert codegen.forward(text).source.rstrip().endswith(expected)


# ---- what is refused ----


def test_a_derivative_that_was_not_carried_out_is_a_fault_of_the_program() -> None:
    with pytest.raises(InternalError, match="derivative"):
        lower([Definition(dx[n, k], Partial(y[n, k], x[n, k]))], [x, y], [dx])


def test_a_tensor_that_is_not_there_is_a_fault_of_the_program() -> None:
    with pytest.raises(InternalError, match="z is neither an argument nor defined"):
        lower([Definition(dx[n, k], Tensor("z", (N, K))[n, k])], [x], [dx])


def test_index_arithmetic_that_is_not_affine_is_not_served() -> None:
    with pytest.raises(UnsupportedError, match=r"index arithmetic in x\[\.\.\.\]"):
        lower([Definition(dx[n, k], x[n, k * k])], [x], [dx])


def test_a_size_that_no_argument_has_is_a_fault_of_the_program() -> None:
    with pytest.raises(InternalError, match="needs the size K"):
        lower([Definition(dx[n, k], Tensor("s", (N,))[n])], [Tensor("s", (N,))], [dx])


# ---- random index expressions ----


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**48))
def test_random_expressions(seed: int) -> None:
    definitions = Maker(seed).definitions()
    result = definitions[-1].tensor
    rng = np.random.default_rng(seed)
    arrays = {tensor: np.asarray(rng.uniform(-1, 1, [SMALL[extent] for extent in tensor.sizes])) for tensor in REAL}
    for tensor in WHOLE:
        shape = [SMALL[extent] for extent in tensor.sizes]
        arrays[tensor] = np.asarray(rng.integers(0, SMALL[tensor.values], shape))
    expected = evaluate(definitions, arrays, SMALL)[result]
    program = lower(definitions, list(arrays), [result])
    assert verify(program) is program
    run = load(numpy_function(program, "f", ["Do it."]))
    found = run(*arrays.values())
    assert np.shape(found) == expected.shape
    assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    narrow = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in arrays.values()]
    assert np.asarray(run(*narrow)).dtype == np.float32


def test_sizes_of_the_cases_are_distinct() -> None:
    assert len(set(SIZES.values())) == len(SIZES)
    assert {size("V"), size("D")} == {V, D}
    assert len({d, t, dy}) == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("y = a/b**2", "    return a / b / b"),
        ("y = 1/b**2", "    return 1 / (b * b)"),
        ("y[n,k] = a[n,k]/b[k]**2", "    return a / (b * b)"),
        ("y = x*(1 - u**2)*(1 + 3*x**2)", "    return t1 + 3 * t1 * x * x"),
        ("y = x*(1 + u**2)*(1 + 3*x**2)", "    return x * (1 + u * u) * (1 + 3 * x * x)"),
    ],
)
def test_what_vanishes_or_overflows_alone_is_multiplied_and_divided_in_turn(text: str, line: str) -> None:
    assert codegen.forward(text).source.splitlines()[-1] == line
