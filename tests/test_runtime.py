"""The public functions: what they take, return and refuse, and that the lambdified and the emitted code are one."""

from __future__ import annotations

import ast
import gc
import inspect
import linecache
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import codegen
import derive
from codegen.keeping import cached
from codegen.loading import load_function
from codegen.programs import backward_program, forward_program, function_name
from codegen.verification import draw_inputs
from derive.errors import InputError
from derive.matrices import MatrixFunction
from derive.pullback import pull_back

pytestmark = pytest.mark.filterwarnings("error")

MORE = {
    "column": "f[k,n] = b[k] + sum(w[k,d]*h[d,n], d)",
    "least-squares": "L = sum((f[k,n] - y[k,n])**2, k, n)",
    "neuron": "y = max(x0*w0 + x1*w1 + x2*w2 + b, 0)",
    "layer-norm": "mu[n] = mean(x[n,k], k); var[n] = mean((x[n,k] - mu[n])**2, k); "
    "xhat[n,k] = (x[n,k] - mu[n])/sqrt(var[n] + 1e-5); y[n,k] = g[k]*xhat[n,k] + b[k]",
    "attention": "s[t,u] = sum(q[t,d]*k[u,d], d)/sqrt(D); p = softmax(s); y[t,d] = sum(p[t,u]*v[u,d], u)",
    "gelu": "y = 0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    "gelu-erf": "y = 0.5*x*(1 + erf(x/sqrt(2)))",
    "silu": "y = x*sigmoid(x)",
    "softplus": "y = log(1 + exp(x))",
    "elu": "y = where(x > 0, x, a*(exp(x) - 1))",
    "prelu": "y[n,k] = where(x[n,k] > 0, x[n,k], a[k]*x[n,k])",
    "divide": "y = a/(2 + b**2)",
    "embedding": "y[n,t,d] = w[ids[n,t],d]",
    "bilinear": "y[n,k] = sum(a[n,i]*w[i,j,k]*b[n,j], i, j)",
    "quadratic": "y = sum(x[i]*A[i,j]*x[j], i, j)",
    "trace": "y = sum(a[i,i], i)",
    "largest": "y[n] = max(a[n,i], i)",
    "logsumexp": "y[n] = log(sum(exp(a[n,i]), i))",
    "hinge": "L = mean(max(0, 1 + z[n,k] - z[n,t[n]]), n, k)",
    "huber": "L = mean(where(abs(y[n] - t[n]) <= d, 0.5*(y[n] - t[n])**2, d*(abs(y[n] - t[n]) - 0.5*d)), n)",
}
#: Operations of several outputs have the same tests in test_catalogue.py and test_outputs.py.
OPERATIONS = {name: op for name, op in derive.catalogue().items() if len(op.outputs) == 1}
OPERATIONS |= {name: derive.operation(text, name) for name, text in MORE.items()}
ELEMENTWISE = [name for name, operation in OPERATIONS.items() if operation.is_elementwise]


def drawn(name: str, dtype: Any = np.float64, seed: int = 3) -> list[np.ndarray]:
    arrays = draw_inputs(OPERATIONS[name], np.random.default_rng(seed), 0)
    if OPERATIONS[name].is_elementwise:
        shapes = [(5, 3), (3,), (5, 1), ()]
        rng = np.random.default_rng(seed)
        domain = OPERATIONS[name].record.domain
        arrays = [
            rng.uniform(*domain[tensor.name], shapes[place % 4])
            if tensor.name in domain
            else rng.normal(size=shapes[place % 4])
            for place, tensor in enumerate(OPERATIONS[name].inputs)
        ]
    return [np.asarray(array, dtype if np.asarray(array).dtype.kind == "f" else None) for array in arrays]


def upstream_of(output: Any, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=np.shape(output)).astype(np.asarray(output).dtype)


# ---- right numbers ----


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_are_central_differences(name: str) -> None:
    inputs = drawn(name)
    output, pullback = codegen.vjp(OPERATIONS[name], *inputs)
    upstream = upstream_of(output)
    forward = codegen.forward(OPERATIONS[name])
    gradients = pullback(upstream)
    assert len(gradients) == len(pullback.wrt)
    for wrt, gradient in zip(pullback.wrt, gradients, strict=True):
        place = [tensor.name for tensor in OPERATIONS[name].inputs].index(wrt)
        assert np.shape(gradient) == np.shape(inputs[place])
        numeric = np.zeros(np.shape(inputs[place]))
        for where in np.ndindex(numeric.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = [array.copy() for array in inputs]
                moved[place][where] += step
                sides.append(np.sum(forward(*moved) * upstream))
            numeric[where] = (sides[0] - sides[1]) / 2e-6
        assert_allclose(gradient, numeric, rtol=2e-6, atol=2e-7)
        with pytest.raises(AssertionError):
            assert_allclose(gradient + 1e-4, numeric, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", OPERATIONS)
def test_numbers_of_every_kind_of_array(name: str) -> None:
    inputs = drawn(name)
    output, pullback = codegen.vjp(OPERATIONS[name], *inputs)
    gradients = pullback(upstream_of(output))
    others: dict[str, Callable[[np.ndarray], Any]] = {
        "read-only": frozen,
        "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array,
        "fortran": lambda array: np.array(array, order="F"),
        "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
        "list": lambda array: array.tolist(),
    }
    for kind, change in others.items():
        changed, other_pullback = codegen.vjp(OPERATIONS[name], *map(change, inputs))
        assert_allclose(changed, output, rtol=1e-13, atol=1e-14, err_msg=kind)
        assert np.asarray(changed).dtype == np.float64
        for mine, theirs in zip(other_pullback(change(upstream_of(output))), gradients, strict=True):
            assert_allclose(mine, theirs, rtol=1e-12, atol=1e-13, err_msg=kind)


def frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATIONS)
def test_dtype_in_is_dtype_out(name: str, dtype: Any) -> None:
    inputs = drawn(name, dtype)
    if dtype == np.float16 and any(each.body.atoms(MatrixFunction) for each in OPERATIONS[name].definitions):
        with pytest.raises(InputError, match="NumPy has no linear algebra of float16"):
            codegen.vjp(OPERATIONS[name], *inputs)
        return
    output, pullback = codegen.vjp(OPERATIONS[name], *inputs)
    assert np.asarray(output).dtype == dtype
    for gradient in pullback(upstream_of(output)):
        assert np.asarray(gradient).dtype == dtype


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_written_to_and_nothing_shared(name: str) -> None:
    inputs = drawn(name)
    before = [array.copy() for array in inputs]
    output, saved = codegen.forward(OPERATIONS[name]).with_saved(*inputs)
    upstream = upstream_of(output)
    kept = {key: np.copy(value) for key, value in saved.items()}, upstream.copy()
    gradients = codegen.backward(OPERATIONS[name])(upstream, **saved)
    again = codegen.backward(OPERATIONS[name])(upstream, **saved)
    for array, copy in zip(inputs, before, strict=True):
        assert_array_equal(array, copy)
        assert not np.shares_memory(output, array)
    for key, value in saved.items():
        assert_array_equal(value, kept[0][key])
    assert_array_equal(upstream, kept[1])
    for place, gradient in enumerate(gradients):
        assert_array_equal(gradient, again[place])
        for other in (*inputs, upstream, output, *saved.values(), *gradients[:place]):
            assert not np.shares_memory(gradient, other)


# ---- the lambdified function and its emitted twin ----


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_function_is_its_emitted_twin(name: str) -> None:
    operation, inputs = OPERATIONS[name], drawn(name)
    emitted: dict[str, Any] = {}
    exec(codegen.source(operation), emitted)
    output, saved = codegen.forward(operation).with_saved(*inputs)
    stem = function_name(operation, "")
    found = emitted[f"{stem}forward"](*inputs)
    intermediates = [t.name for t in (d.tensor for d in operation.intermediates) if t.name in saved]
    first, *others = found if isinstance(found, tuple) else (found,)
    assert_array_equal(first, output)
    assert len(others) == len(intermediates)
    for key, value in zip(intermediates, others, strict=True):
        assert_array_equal(value, saved[key])
    upstream = upstream_of(output)
    mine = codegen.backward(operation)
    theirs = emitted[f"{stem}backward"](upstream, *(saved[key] for key in mine.saved))
    for one, other in zip(mine(upstream, **saved), theirs if isinstance(theirs, tuple) else (theirs,), strict=True):
        assert_allclose(one, other, rtol=1e-14)
        assert np.shape(one) == np.shape(other)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_functions_are_lambdified(name: str) -> None:
    for made in (codegen.forward(OPERATIONS[name]), codegen.backward(OPERATIONS[name])):
        assert made._run.__name__ == "_lambdifygenerated"
        assert made._run is not load_function(made.text)


def test_lambdify_computes_nothing_twice() -> None:
    written = inspect.getsource(codegen.forward("y = tanh(x)**3 + tanh(x)")._run)
    assert written.count("np.tanh") == 1


# ---- shapes of elementwise operations ----


@pytest.mark.parametrize(
    ("left", "right"), [((3, 1), (4,)), ((), (5, 3)), ((5, 3), (5, 3)), ((1, 3), (5, 1)), ((), ()), ((2, 1, 4), (3, 1))]
)
def test_gradients_are_summed_back_to_the_shape_of_each_input(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=left), rng.normal(size=right)
    for name, partials in (("mul", (b, a)), ("add", (np.ones_like(b), np.ones_like(a)))):
        output, pullback = codegen.vjp(name, a, b)
        upstream = rng.normal(size=np.shape(output))
        for gradient, array, partial in zip(pullback(upstream), (a, b), partials, strict=True):
            assert np.shape(gradient) == array.shape
            full = np.broadcast_to(upstream * partial, np.shape(output))
            assert_allclose(np.sum(gradient), np.sum(full), rtol=1e-12)
            direction = rng.normal(size=array.shape)
            assert_allclose(np.sum(gradient * direction), np.sum(full * direction), rtol=1e-11)


def test_one_input_needs_no_helper() -> None:
    assert "_sum_to" not in codegen.source("relu")
    assert "_sum_to" in codegen.source("mul")
    assert codegen.source("mul", "add").count("def _sum_to") == 1


# ---- interfaces ----


def test_saved_results_and_names() -> None:
    made = codegen.backward("softmax-cce-sparse")
    assert made.saved == ("p", "t")
    assert made.results == ("z",)
    assert made.__name__ == "softmax_cce_sparse_backward"
    assert made.__doc__ is not None
    assert "dz[n,k] = dL*(p[n,k] - delta(k, t[n]))/N" in made.__doc__
    assert made.source.startswith("def softmax_cce_sparse_backward(dL, p, t):")
    assert codegen.forward("softmax").__name__ == "softmax_forward"
    assert "x: (..., K)" in (codegen.forward("softmax").__doc__ or "")
    assert repr(made) == "<NumPy function softmax_cce_sparse_backward(the upstream gradient dL, p, t)>"


def test_a_definition_without_a_name_is_called_after_its_output() -> None:
    assert codegen.forward("z[n] = sum(a[n,i], i)").__name__ == "z_forward"


def test_forward_returns_the_output_alone_and_the_emitted_one_what_is_needed_too() -> None:
    logits, labels = np.zeros((2, 3)), np.array([0, 2])
    assert np.ndim(codegen.forward("softmax-cce-sparse")(logits, labels)) == 0
    assert "return L, p" in codegen.source("softmax-cce-sparse")
    assert "return L, p" not in codegen.forward("softmax-cce-sparse").source
    output, saved = codegen.forward("softmax-cce-sparse").with_saved(logits, labels)
    assert_allclose(output, np.log(3))
    assert list(saved) == ["p", "t"]


def test_wrt_and_given() -> None:
    made = codegen.backward("dense", wrt=["w"])
    assert made.results == ("w",)
    (gradient,) = made(
        np.ones((5, 7)), **{key: {"x": np.ones((5, 3)), "w": np.ones((3, 7))}[key] for key in made.saved}
    )
    assert_array_equal(gradient, np.full((3, 7), 5.0))
    given = codegen.backward("softmax-cce", given=["sum(t[n,k], k) = 1"])
    assert given.assumptions == ("sum(t[n,k], k) = 1",)
    assert "t.sum" not in given.source
    assert "They hold where sum(t[n,k], k) = 1." in (given.__doc__ or "")
    assert "t.sum" in codegen.backward("softmax-cce").source


def test_pullback_of_a_loss_needs_no_upstream() -> None:
    output, pullback = codegen.vjp("softmax-cce-sparse", np.zeros((2, 3), np.float32), [0, 2])
    assert pullback.wrt == ("z",)
    (default,), (doubled,) = pullback(), pullback(2.0)
    assert default.dtype == doubled.dtype == output.dtype == np.float32
    assert_allclose(doubled, 2 * default)
    assert_array_equal(pullback(np.float64(1))[0], default)
    assert pullback(np.float64(1))[0].dtype == np.float32


def test_functions_are_made_once() -> None:
    assert codegen.forward("softmax") is codegen.forward("softmax")
    assert codegen.backward("softmax") is codegen.backward(derive.find("softmax"))
    assert codegen.backward("dense", wrt=["w"]) is not codegen.backward("dense")


def test_an_operation_of_another_name_is_not_taken_for_it() -> None:
    operation = derive.find("softmax")
    assert codegen.forward(operation.renamed("other")).__name__ == "other_forward"


def test_the_emitted_module_is_parsed_and_imports_numpy_alone() -> None:
    tree = ast.parse(codegen.source(*derive.catalogue()))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(functions) == len(set(functions))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.While)]
    assert all(ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef))


def test_one_operation_twice_is_there_once() -> None:
    assert codegen.source("relu", "relu") == codegen.source("relu")


def test_no_name_is_one_that_a_reader_takes_for_a_number() -> None:
    assert "n_i = a.shape[-1]" in codegen.source("mean")


def test_names_of_python_and_of_the_module_are_left_alone() -> None:
    run = codegen.forward("y = np*a")
    assert run(2.0, 3.0) == 6.0
    assert "def y_forward(np_2, a):" in run.source


def test_tracebacks_show_the_emitted_line() -> None:
    run = load_function(codegen.backward("softmax").text)
    with pytest.raises(ValueError) as caught:
        run(np.ones((2, 3)), None)
    shown = "".join(traceback.format_exception(caught.value))
    assert "return y * (dy - np.vecdot(dy, y, keepdims=True))" in shown


def test_programs_are_the_ones_of_the_passes() -> None:
    operation = derive.find("softmax-cce")
    kept = (operation.intermediates[0].tensor,)
    assert [tensor.name for tensor in forward_program(operation, kept).result_tensors] == ["L", "p"]
    assert [argument.tensor.name for argument in backward_program(pull_back(operation)).arguments] == ["L", "p", "t"]


# ---- sizes 0 and 1 ----


WITH_SAMPLES = OPERATIONS.keys() - {"column", "attention", "trace", "quadratic", "embedding", "bilinear"}


@pytest.mark.parametrize("name", sorted(WITH_SAMPLES))
def test_no_samples_give_no_gradients(name: str) -> None:
    operation = OPERATIONS[name]
    if operation.is_elementwise:
        inputs = [np.zeros((0, 3)) for _ in operation.inputs]
    else:
        sizes = {symbol: 3 for symbol in operation.sizes} | {operation.inputs[0].sizes[0]: 0}
        inputs = []
        for tensor in operation.inputs:
            kind = float if tensor.values is None else int
            numbers = np.full([int(extent.xreplace(sizes)) for extent in tensor.sizes], 0.5)
            if tensor.rank == 2 and len(set(numbers.shape)) == 1:
                numbers += np.eye(len(numbers))  # so that it has an inverse
            inputs.append(numbers.astype(kind))
    try:
        output, pullback = codegen.vjp(operation, *inputs)
    except InputError as refused:
        assert "a maximum needs one number at least" in str(refused)  # It is taken over the samples themselves.
        return
    for wrt, gradient in zip(pullback.wrt, pullback(np.ones(np.shape(output))), strict=True):
        assert np.shape(gradient) == np.shape(inputs[[t.name for t in operation.inputs].index(wrt)])


def test_a_maximum_over_nothing_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        codegen.forward("softmax")(np.ones((5, 0)))
    assert str(caught.value) == "softmax: index k has size 0 (axis 1 of x); a maximum needs one number at least"


# ---- large numbers ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["softmax-cce", "softmax-cce-sparse"])
def test_loss_at_large_logits(form: str, dtype: Any) -> None:
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [5.0, 5.0, 1e4]], dtype)
    labels = np.array([1, 0, 2])
    given = labels if form.endswith("sparse") else np.eye(3, dtype=dtype)[labels]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output, pullback = codegen.vjp(form, logits, given)
        (gradient,) = pullback()
    assert_allclose(output, (2e4 + np.log(3) + 0.0) / 3, rtol=2 * np.finfo(dtype).eps * 10)
    expected = (np.array([[1.0, -1.0, 0.0], [1 / 3 - 1, 1 / 3, 1 / 3], [0.0, 0.0, 0.0]])) / 3
    assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)
    assert gradient.dtype == dtype


def test_zero_labels_make_a_probability_of_zero_irrelevant() -> None:
    probabilities, labels = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    output, pullback = codegen.vjp("cce", probabilities, labels)
    assert_allclose(output, np.log(2) / 2)
    assert_allclose(pullback()[0], [[-0.5, 0.0], [0.0, -1.0]])


def test_the_order_of_whole_numbers_is_part_of_a_function() -> None:
    """Two texts with one meaning whose strides are given in another order are two functions."""
    first = derive.operation("y[t] = sum(x[s*t + d*r]*w[r], r)", name="c")
    second = derive.operation("y[t] = sum(x[d*r + s*t]*w[r], r)", name="c")
    assert [number.name for number in first.parameters] == ["s", "d"]
    assert [number.name for number in second.parameters] == ["d", "s"]
    x, w = np.arange(12.0), np.array([1.0, 10.0])
    expected = np.array([x[3 * t] + 10 * x[3 * t + 2] for t in range(4) if 3 * t + 2 < 12])
    assert_allclose(codegen.forward(first)(x, w, 3, 2), expected)
    assert_allclose(codegen.forward(second)(x, w, 2, 3), expected)


def test_functions_asked_for_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegen.keeping.MOST_KEPT", 2)
    monkeypatch.setattr("codegen.keeping._CACHE", OrderedDict())
    made = [cached(key, object) for key in ("a", "b")]
    assert cached("a", object) is made[0]
    cached("c", object)  # b is the one asked for longest ago.
    assert cached("a", object) is made[0]
    assert cached("b", object) is not made[1]


def test_the_text_of_a_forgotten_function_is_forgotten_at_the_next_load() -> None:
    text = codegen.backward("mul").text
    before = {*linecache.cache}
    function = load_function(text)
    (own,) = {*linecache.cache} - before
    del function
    gc.collect()
    assert own in linecache.cache  # A collection may come while linecache goes through its entries.
    load_function(text)
    assert own not in linecache.cache
