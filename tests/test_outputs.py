"""Operations with several outputs: the text form, the derivation, generated code, and the recurrent cells."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import codegen
import derive
from derive.errors import DefinitionError, InputError
from derive.printing import operation_text, plain_text

MOMENTS = "m[n] = mean(x[n,i], i); v[n] = mean((x[n,i] - m[n])**2, i); m, v"
PAIR = "s = a + b; d = a*b; s, d"
WEIGHTED = """
p = softmax(z)
y[n,d] = sum(p[n,k]*v[k,d], k)
y, p
"""
TWO_STEPS = """
h1, c1 = lstm_cell(x, h0, c0, w, u, b)
h2, c2 = lstm_cell(x2, h1, c1, w, u, b)
L = sum(h2[n,k]**2, n, k)/2
"""
TEXTS = {"moments": MOMENTS, "pair": PAIR, "weighted": WEIGHTED}


def numeric(op: Any, inputs: list[np.ndarray], upstream: list[np.ndarray], place: int) -> np.ndarray:
    """Central differences of the outputs' sum with weights, by one input."""
    found, step = np.zeros(np.shape(inputs[place])), 1e-6
    for where in np.ndindex(found.shape):
        for sign in (1, -1):
            moved = [np.array(array, float) for array in inputs]
            moved[place][where] += sign * step
            results = codegen.forward(op)(*moved)
            results = results if isinstance(results, tuple) else (results,)
            found[where] += sign * sum(np.sum(y * u) for y, u in zip(results, upstream, strict=True)) / (2 * step)
    return found


def draw(op: Any, sizes: dict[str, int], dtype: Any = float) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    shapes = [
        tuple(sizes[str(size)] if str(size) in sizes else int(size) for size in tensor.sizes) for tensor in op.inputs
    ]
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize(
    ("text", "problem", "caret", "expected"),
    [
        ("a = 2*x; b = 3*x; a, e", "e is not defined", "                     ^", "what is defined here is a, b"),
        ("a = 2*x; b = 3*x; a, a", "a is listed twice", "                     ^", "list each output once"),
        ("a = 2*x; b = 3*a; b, x", "x is an input, so it can not be an output", "                     ^",
         "list what is defined: a, b"),
        ("a = 2*x; b = 3*x; a", "nothing depends on b: it is no output, and none is computed from it", "         ^",
         "list it as an output too, or take it out; the outputs are a"),
        ("a, b = 2*x", "several names on the left take one operation with several outputs on the right", "^^^^",
         "write a definition for each, or call an operation on whole tensors: h, c = lstm_cell(...)"),
        ("a, b = tanh(x)", "tanh has one output, and 2 names stand on the left", "^^^^",
         "write one name for each: y = tanh(...)"),
        ("h = lstm_cell(x, h0, c0, w, u, b)", "lstm-cell has 2 outputs", "^", "write one name for each"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_list_is_shown_with_its_place(text: str, problem: str, caret: str, expected: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        derive.operation(text)
    said = str(refused.value).replace("lstm_cell has", "lstm-cell has").splitlines()
    assert said[0].startswith(problem)
    assert said[2] == f"  {caret}"
    assert said[3].startswith(expected)


def test_the_order_of_the_outputs_is_that_of_the_list_and_printing_keeps_it() -> None:
    op = derive.operation("c[n] = x[n]**2; h[n] = tanh(c[n]); h, c")
    assert [output.tensor.name for output in op.outputs] == ["h", "c"]
    assert op.intermediates == ()
    again = derive.operation(operation_text(derive.find("lstm-cell")))
    assert again.listed == ("h", "c")
    assert again.input("w").sizes[1] == 4


@pytest.mark.parametrize("name", TEXTS)
def test_every_step_is_an_equation_and_a_wrong_result_is_not(name: str) -> None:
    op = derive.operation(TEXTS[name], name)
    for tensor in op.differentiable:
        for derived in (
            derive.vjp(op, tensor.name),
            *(derive.jacobian(op, tensor.name, output=each.tensor.name) for each in op.outputs),
        ):
            derived.check()
            if derived.result != 0:
                wrong = derive.Derivation(derived.title, op, derived.target, (), 2 * derived.result)
                with pytest.raises(Exception, match="does not hold"):
                    wrong.check()


def test_what_comes_in_and_the_whole_gradient_have_two_names() -> None:
    op = derive.operation(MOMENTS, "moments")
    assert [plain_text(tensor(*op.outputs[0].indices)) for tensor in op.upstreams] == ["m̄_out[n]", "v̄[n]"]
    derived = derive.vjp(op, "x")
    assert "m̄_out[n]" in derived.text()
    assert r"\bar{m}^{\mathrm{out}}_{n}" in derived.latex()
    assert "(∂L/∂m[n])_out" in derived.text("leibniz")


def test_a_jacobian_of_several_outputs_needs_the_name_of_one() -> None:
    with pytest.raises(InputError, match="several outputs, m and v"):
        derive.jacobian(MOMENTS, "x")
    with pytest.raises(InputError, match="no output 'q'; its outputs are m and v"):
        derive.jacobian(MOMENTS, "x", output="q")


@pytest.mark.parametrize("name", TEXTS)
def test_gradients_agree_with_differences_and_a_slip_does_not(name: str) -> None:
    op = derive.operation(TEXTS[name], name)
    inputs = draw(op, {"N": 5, "K": 3, "D": 2, "I": 7})
    outputs, pullback = codegen.vjp(op, *inputs)
    rng = np.random.default_rng(1)
    upstream = [np.asarray(rng.standard_normal(np.shape(output))) for output in outputs]
    for place, gradient in enumerate(pullback(*upstream)):
        expected = numeric(op, inputs, upstream, place)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)
        with pytest.raises(AssertionError):
            assert_allclose(1.0005 * gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", TEXTS)
def test_none_stands_for_zeros(name: str) -> None:
    op = derive.operation(TEXTS[name], name)
    outputs, pullback = codegen.vjp(op, *draw(op, {"N": 5, "K": 3, "D": 2, "I": 7}))
    for kept in range(2):
        ones = [np.ones(np.shape(y)) if place == kept else None for place, y in enumerate(outputs)]
        zeros = [np.zeros(np.shape(y)) if u is None else u for u, y in zip(ones, outputs, strict=True)]
        for ours, exact, direct in zip(
            pullback(*ones), pullback(*zeros), codegen.backward(op)(*ones, **pullback.saved), strict=True
        ):
            assert_array_equal(ours, exact)
            assert_array_equal(direct, exact)


def test_wrong_counts_and_shapes_are_refused_by_the_name_of_the_output() -> None:
    _, pullback = codegen.vjp(MOMENTS, np.ones((4, 3)))
    with pytest.raises(InputError, match=r"2 upstream gradients .*dm_out, dv, and was given 1"):
        pullback(np.ones(4))
    with pytest.raises(InputError, match=r"dv has shape \(3,\) and the output v \(4,\)"):
        pullback(np.ones(4), np.ones(3))
    with pytest.raises(InputError, match="one of dm_out, dv at least"):
        pullback(None, None)


def test_a_layer_returns_and_takes_several() -> None:
    layer = codegen.layers.Layer(MOMENTS)
    mean, variance = layer.forward(np.array([[1.0, 3.0]]))
    assert (mean, variance) == (2.0, 1.0) and layer.output == (mean, variance)
    assert_allclose(layer.backward(None, np.ones(1)), [[-1.0, 1.0]])


@pytest.mark.parametrize("sizes", [(5, 7, 3), (1, 1, 1), (0, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_emitted_lstm_computes_what_the_function_computes(sizes: tuple[int, ...], dtype: Any) -> None:
    op = derive.find("lstm-cell")
    inputs = draw(op, {"N": sizes[0], "D": sizes[1], "J": sizes[2], "K": sizes[2]}, dtype)
    namespace: dict[str, Any] = {}
    exec(codegen.source(op), namespace)
    outputs, pullback = codegen.vjp(op, *inputs)
    h, c, *_ = namespace["lstm_cell_forward"](*inputs)
    assert_allclose(h, outputs[0], rtol=1e-6)
    assert_allclose(c, outputs[1], rtol=1e-6)
    upstream = [np.ones_like(h), np.full_like(c, 2)]
    names = codegen.backward(op).saved
    text = namespace["lstm_cell_backward"](*upstream, *(pullback.saved[name] for name in names))
    for ours, other in zip(pullback(*upstream), text, strict=True):
        assert ours.dtype == dtype
        assert_array_equal(ours, other)


def test_the_lstm_s_backward_pass_has_one_product_for_each_gradient() -> None:
    body = codegen.backward("lstm-cell").source.split('"""')[2]
    assert body.count("np.tensordot") == 4
    assert body.count("np.stack") == 1
    assert "arange" not in body


def test_a_size_that_the_text_states_is_held() -> None:
    op = derive.find("lstm-cell")
    inputs = draw(op, {"N": 5, "D": 2, "J": 3, "K": 3})
    inputs[3], inputs[4], inputs[5] = inputs[3][:, :3], inputs[4][:, :3], inputs[5][:3]
    with pytest.raises(InputError, match="index q has size 4"):
        codegen.forward(op)(*inputs)
    with pytest.raises(DefinitionError, match="this is no size"):
        derive.operation("Q = x; y[n] = sum(a[n,q], q)*x")


def test_two_steps_of_the_lstm_written_one_after_the_other() -> None:
    op = derive.operation(TWO_STEPS, "two-steps")
    inputs = draw(op, {"N": 2, "D": 3, "J": 2, "K": 2, "I": 3})
    _, pullback = codegen.vjp(op, *inputs)
    for place, gradient in enumerate(pullback()):
        expected = numeric(op, inputs, [np.ones(())], place)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)
        with pytest.raises(AssertionError):
            assert_allclose(1.0005 * gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "module"), [("rnn-cell", "RNNCell"), ("lstm-cell", "LSTMCell"), ("gru-cell", "GRUCell")]
)
def test_torch_has_the_same_cells(name: str, module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")
    op = derive.find(name)
    inputs = draw(op, {"N": 5, "D": 7, "J": 3, "K": 3})
    outputs, pullback = codegen.vjp(op, *inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    rng = np.random.default_rng(2)
    upstream = [rng.standard_normal(output.shape) for output in outputs]
    leaves = dict(zip((t.name for t in op.inputs), (torch.tensor(a, requires_grad=True) for a in inputs), strict=True))
    w, u = (leaves[key].reshape(leaves[key].shape[0], -1).T for key in ("w", "u"))
    b = leaves["b"].reshape(-1)
    b0 = leaves["b0"].reshape(-1) if "b0" in leaves else torch.zeros_like(b)
    state = (leaves["h0"], leaves["c0"]) if "c0" in leaves else leaves["h0"]
    cell = getattr(torch.nn, module)(7, 3, dtype=torch.float64)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    made = torch.func.functional_call(cell, dict(zip(names, (w, u, b, b0), strict=True)), (leaves["x"], state))
    made = made if isinstance(made, tuple) else (made,)
    for ours, theirs in zip(outputs, made, strict=True):
        assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-13)
    sum((y * torch.tensor(each)).sum() for y, each in zip(made, upstream, strict=True)).backward()
    for gradient, leaf in zip(pullback(*upstream), leaves.values(), strict=True):
        assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-11, atol=1e-13)
        with pytest.raises(AssertionError):
            assert_allclose(1.0005 * gradient, leaf.grad.numpy(), rtol=1e-11, atol=1e-13)
