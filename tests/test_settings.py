"""Inputs that may be left out: an epsilon, a slope. They are single numbers with a default, and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import codegen
import derive
from codegen.layers import LayerKind, LeakyReLU
from derive.catalogue import catalogue
from derive.errors import DefinitionError, InputError
from derive.operation import Operation
from derive.parsing import parse_operation
from derive.record import Record


def operation_of(definition: str, name: str = "own", **said: Any) -> Operation:
    return parse_operation(definition, lookup=catalogue().get, record=Record(name, definition, **said))


NORM = operation_of(
    "r[n] = sqrt(mean(x[n,j]**2, j) + eps); y[n,k] = x[n,k]/r[n]", inputs=("x", "eps"), defaults={"eps": "0.5"}
)
X = np.array([-2.0, 0.5, 3.0])


def test_a_setting_is_left_out_given_in_turn_or_given_by_name() -> None:
    run = codegen.forward("leaky-relu")
    assert_allclose(run(X), [-0.02, 0.5, 3.0])
    assert_allclose(run(X, 0.5), [-1.0, 0.5, 3.0])
    assert_allclose(run(X, a=0.5), [-1.0, 0.5, 3.0])


def test_the_backward_pass_knows_the_setting_of_the_forward_pass() -> None:
    _, pullback = codegen.vjp("leaky-relu", X, a=0.5)
    assert_allclose(pullback(np.ones(3))[0], [0.5, 1.0, 1.0])
    assert_allclose(codegen.backward("leaky-relu")(np.ones(3), x=X)[0], [0.01, 1.0, 1.0])
    assert pullback.wrt == ("x",)


def test_it_has_a_gradient_where_it_is_asked_for() -> None:
    assert codegen.backward("leaky-relu", wrt=["a"])(np.ones(3), x=X, a=0.5)[0] == -2.0
    assert derive.vjp(NORM, "eps").operation is NORM


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_emitted_functions_have_the_default_in_their_signature_and_keep_the_dtype(dtype: Any) -> None:
    namespace: dict[str, Any] = {}
    source = codegen.source(NORM, "leaky-relu")
    exec(source, namespace)
    assert "def own_forward(x, eps=0.5):" in source
    assert "def leaky_relu_backward(dy, x, a=0.01):" in source
    rows = np.array([[1.0, 2.0], [-3.0, 0.0]], dtype)
    y, r = namespace["own_forward"](rows)
    assert_allclose(r, np.sqrt((rows**2).mean(axis=1) + 0.5), rtol=1e-6)
    assert_allclose(namespace["own_forward"](rows, 0.0)[1], np.sqrt((rows**2).mean(axis=1)), rtol=1e-6)
    results = (y, r, namespace["leaky_relu_forward"](rows), namespace["leaky_relu_backward"](rows, rows))
    assert [result.dtype for result in results] == [dtype] * 4


def test_a_call_in_a_text_may_leave_it_out() -> None:
    inside = derive.find("y[n,k] = x[n,k] + leaky_relu(z[n,k])")
    whole = derive.find("z = dense(x, w, b); y = leaky_relu(z)")
    assert [tensor.name for tensor in inside.inputs] == ["x", "z"]
    assert [tensor.name for tensor in whole.inputs] == ["x", "w", "b"]
    assert_allclose(codegen.forward(inside)([[0.0]], [[-1.0]]), [[-0.01]])


@pytest.mark.parametrize(
    ("text", "equal"),
    [
        ("y = leaky_relu(x, 0.25); z = softmax(y)", "y[n,k] = where(x[n,k] > 0, x[n,k], x[n,k]/4); z = softmax(y)"),
        ("y = elu(x, -2)", "y = where(x > 0, x, -2*(exp(x) - 1))"),
        (
            "L = cce_temperature(z, t, 2)",
            "u[n,k] = z[n,k]/2; p[n,k] = exp(u[n,k])/sum(exp(u[n,j]), j); L = -sum(t[n,k]*log(p[n,k]), n, k)/N",
        ),
    ],
)
def test_a_call_in_a_text_may_give_a_number_for_it(text: str, equal: str) -> None:
    ours, written_out = derive.find(text), derive.find(equal)
    assert ours.record.defaults == {}
    assert [tensor.name for tensor in ours.inputs] == [tensor.name for tensor in written_out.inputs]
    inputs = [X[None, :] if tensor.rank else X for tensor in ours.inputs]
    assert_allclose(codegen.forward(ours)(*inputs), codegen.forward(written_out)(*inputs))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y = layer_norm(x, 1, b)", "g of layer_norm is an array, and a number is given for it"),
        ("L = softmax_cce_sparse(z, 3)", "t of softmax_cce_sparse is labels"),
        ("y = softmax(2*x)", "softmax takes whole tensors by their names, and this is a formula"),
        ("y = focal(z, t, 1, 2)", "focal takes 3 arguments, not 4"),
    ],
)
def test_a_number_where_an_array_is_wanted_is_refused(text: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        derive.find(text)


def test_what_a_text_passes_on_has_the_default_still() -> None:
    passed = derive.find("y = leaky_relu(x, slope); L = sum(y[n,k], n, k)")
    assert passed.record.defaults == {"slope": "0.01"}
    assert codegen.forward(passed)([[-1.0, 1.0]]) == 0.99


def test_a_chain_has_it_at_its_own_number() -> None:
    chain = derive.compose(derive.find("dense"), derive.find("leaky-relu"))
    assert [tensor.name for tensor in chain.inputs] == ["x", "w", "b"]
    assert_allclose(codegen.forward(chain)([[1.0]], [[-1.0]], [0.0]), [[-0.01]])


def test_a_layer_takes_it_by_name_and_keeps_it() -> None:
    layer = LeakyReLU(a=0.25)
    assert_allclose(layer.forward([-1.0, 1.0]), [-0.25, 1.0])
    assert_allclose(layer.backward([1.0, 1.0]), [0.25, 1.0])
    assert layer.parameters == {}
    with pytest.raises(InputError, match="slope"):
        LeakyReLU(slope=0.25)
    with pytest.raises(InputError, match="takes no sizes and was given 3"):
        LayerKind(("relu",))(3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: codegen.forward("leaky-relu")(X, slope=1), "leaky-relu has no setting slope; its settings are: a"),
        (lambda: codegen.vjp("conv2d", X, X, X, stride=1), "conv2d has no setting stride; its settings are: s, d, p"),
        (lambda: codegen.vjp("conv2d", X, X, X, stride=1), "whole numbers; give them by name: s=1, d=1, p=0"),
        (lambda: codegen.forward("leaky-relu").with_saved(X, slope=1), "leaky-relu has no setting slope"),
        (lambda: codegen.vjp("dense", X, X, X, wrt=["x"]), "dense has no setting wrt"),
        (lambda: codegen.forward("relu")(X, a=1), "relu has no setting a; its settings are: none"),
        (lambda: codegen.forward("leaky-relu")(X, 0.1, a=1), "leaky-relu takes x, a and was given 3 arguments"),
        (lambda: codegen.forward("leaky-relu")(a=1), "leaky-relu takes x, a and was given 1 arguments"),
        (lambda: codegen.forward(NORM)(np.ones((2, 2)), np.ones(2)), "eps has 1 axes"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        call()
    assert said in str(refused.value)


def test_only_a_number_may_have_a_default() -> None:
    with pytest.raises(InputError, match="w has a default, so it must be a real number without axes"):
        operation_of("y[n] = x[n]*w[n]", defaults={"w": "1"})
    with pytest.raises(InputError, match="defaults names q"):
        operation_of("y[n] = x[n]", defaults={"q": "1"})


def test_every_file_of_the_library_is_taken_up_and_no_name_is_there_twice() -> None:
    from derive.library import GROUPS

    names = [record.name for group in GROUPS for record in group]
    assert sorted(names) == sorted(catalogue())
    assert len(names) == len(set(names))
