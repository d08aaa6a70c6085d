"""Every record of the catalogue is a layer: its parameters, both passes, and what it says of what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import codegen
import derive
from codegen import layers
from codegen.layer_kinds import LayerKind
from codegen.layers import Layer, kind_of
from codegen.verification import STEP, TOLERANCE, draw_inputs
from derive.arguments import learned_inputs
from derive.catalogue import catalogue
from derive.errors import InputError
from derive.operation import Operation
from derive.parsing import parse_operation
from derive.record import Record

Rng = np.random.Generator
NAMES = tuple(derive.catalogue())
KINDS = {name: kind for name, kind in vars(layers).items() if isinstance(kind, LayerKind)}
#: Operations whose layer has parameters.
WITH_PARAMETERS = [name for name in NAMES if derive.find(name).record.learned]


def drawn(name: str, seed: int = 7) -> tuple[Layer, list[np.ndarray]]:
    """A layer made of a record, and inputs that fit its sizes."""
    operation = derive.find(name)
    inputs = draw_inputs(operation, np.random.default_rng(seed), 0)
    extents = {
        symbol.name: extent
        for tensor, array in zip(operation.inputs, inputs, strict=True)
        for symbol, extent in zip(tensor.sizes, array.shape, strict=True)
        if symbol.is_Symbol
    }
    kind = kind_of(name)
    needed = {
        argument: tuple(extents[each] for each in letters)
        for argument, letters in kind.arguments.items()
        if not {*letters} <= operation.record.defaults.keys()
    }
    layer = kind(**needed, seed=seed)
    own = {*layer.parameters, *operation.record.defaults}
    taken = [array for tensor, array in zip(operation.inputs, inputs, strict=True) if tensor.name not in own]
    return layer, taken


def results(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)


def upstream_of(output: Any, seed: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(np.shape(each))) for each in results(output)]


def variables(name: str, layer: Layer, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    """What gradients are of: parameters and differentiable inputs, by the operation's names."""
    operation = derive.find(name)
    own = {*layer.parameters, *operation.record.defaults}
    taken = [tensor.name for tensor in operation.inputs if tensor.name not in own]
    values = {**dict(zip(taken, inputs, strict=True)), **layer.parameters}
    return {tensor.name: values[tensor.name] for tensor in operation.differentiable}


def slope(name: str, layer: Layer, inputs: list[np.ndarray], upstream: list[np.ndarray], moved: str, along: Any) -> Any:
    """The derivative of the outputs' product with ``upstream`` along a direction, by a central difference."""
    operation = derive.find(name)
    taken = [t.name for t in operation.inputs if t.name not in {*layer.parameters, *operation.record.defaults}]
    called = kind_of(name).names.get(moved, moved)
    kept = layer.parameters.get(moved)
    sides = []
    for step in (STEP, -STEP):
        arrays = [array + step * along if each == moved else array for each, array in zip(taken, inputs, strict=True)]
        if kept is not None:
            setattr(layer, called, kept + step * along)
        values = results(layer.forward(*arrays))
        sides.append(sum(np.sum(value * each) for value, each in zip(values, upstream, strict=True)))
    if kept is not None:
        setattr(layer, called, kept)
    return (sides[0] - sides[1]) / (2 * STEP)


# Every record.


@pytest.mark.parametrize("name", NAMES)
def test_every_record_is_a_layer_with_the_right_gradients(name: str) -> None:
    layer, inputs = drawn(name)
    upstream = upstream_of(layer.forward(*inputs))
    gradients = dict(zip(derive.find(name).differentiable, results(layer.backward(*upstream)), strict=True))
    rng, seen = np.random.default_rng(11), False
    for tensor, gradient in gradients.items():
        value = variables(name, layer, inputs)[tensor.name]
        assert np.shape(gradient) == np.shape(value), tensor
        along = rng.standard_normal(np.shape(value))
        ours, numeric = np.sum(gradient * along), slope(name, layer, inputs, upstream, tensor.name, along)
        assert_allclose(ours, numeric, rtol=TOLERANCE, atol=TOLERANCE, err_msg=tensor.name)
        if abs(numeric) > 0.01:
            seen = True
            with pytest.raises(AssertionError):
                assert_allclose(1.0005 * ours, numeric, rtol=TOLERANCE, atol=TOLERANCE)
    assert seen, "no gradient here could tell a wrong one from a right one"


@pytest.mark.parametrize("name", NAMES)
def test_the_layer_computes_what_the_function_does(name: str) -> None:
    layer, inputs = drawn(name)
    operation = derive.find(name)
    given = iter(inputs)
    values = [
        layer.parameters.get(t.name) if t.name in layer.parameters else next(given)
        for t in operation.inputs
        if t not in operation.settings
    ]
    values = [
        value.reshape(value.shape[value.ndim - tensor.rank :]) if tensor.name in layer.parameters else value
        for tensor, value in zip(operation.inputs, values, strict=False)
    ]
    expected = codegen.forward(operation)(*values)
    for ours, theirs in zip(results(layer.forward(*inputs)), results(expected), strict=True):
        assert_allclose(ours, theirs, rtol=1e-14)  # What is kept has a name, and may be added up in another order.


@pytest.mark.parametrize("name", NAMES)
def test_two_forwards_before_a_backward(name: str) -> None:
    """The backward pass is that of the last forward pass, whatever went before it."""
    (once, inputs), (twice, others) = drawn(name), drawn(name, seed=8)
    for kept, value in once.parameters.items():
        setattr(twice, kind_of(name).names.get(kept, kept), value)
    upstream = upstream_of(once.forward(*inputs))
    twice.forward(*others)
    twice.forward(*inputs)
    for ours, expected in zip(results(twice.backward(*upstream)), results(once.backward(*upstream)), strict=True):
        assert_array_equal(ours, expected)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_refused(name: str) -> None:
    """Neither too few inputs, nor inputs of another number of axes or of other sizes than the parameters'."""
    layer, inputs = drawn(name)
    operation = derive.find(name)
    with pytest.raises(InputError, match="forward takes"):
        layer.forward(*inputs, np.ones(1))
    upstream = upstream_of(layer.forward(*inputs))
    for place, each in enumerate(upstream):
        wrong = [np.ones((*each.shape, 2)) if at == place else other for at, other in enumerate(upstream)]
        with pytest.raises(InputError, match="upstream"):
            layer.backward(*wrong)
    own = {*layer.parameters, *operation.record.defaults}
    taken = [tensor for tensor in operation.inputs if tensor.name not in own]
    leading = [tensor for tensor in taken if operation.leads(tensor)]
    for place, (tensor, array) in enumerate(zip(taken, inputs, strict=True)):
        if operation.is_elementwise or leading == [tensor]:
            continue  # It takes any number of axes.
        beyond = [array[..., None, None] if at == place else other for at, other in enumerate(inputs)]
        with pytest.raises(InputError, match=r"ax[ei]s"):
            layer.forward(*beyond)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_of_other_sizes_are_refused(name: str) -> None:
    layer, inputs = drawn(name)
    for kept, value in layer.parameters.items():
        if value.ndim:
            setattr(layer, kind_of(name).names.get(kept, kept), np.ones((*value.shape, 2)))
            with pytest.raises(InputError, match=rf"{kept} has {value.ndim + 1} axes|shape|axis|axes"):
                layer.forward(*inputs)
            setattr(layer, kind_of(name).names.get(kept, kept), value)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_have_their_dtype_and_come_from_the_seed(name: str) -> None:
    kind, operation = kind_of(name), derive.find(name)
    needed = [arg for arg, own in kind.arguments.items() if not set(own) <= operation.record.defaults.keys()]
    sizes = dict(zip(needed, range(2, 20), strict=False))
    layer, same = kind(**sizes, seed=5, dtype=np.float32), kind(**sizes, seed=np.random.default_rng(5))
    other = kind(**sizes, seed=6)
    assert list(layer.parameters) == [tensor.name for tensor in learned_inputs(operation)]
    for kept, value in layer.parameters.items():
        assert value.dtype == np.float32
        assert_array_equal(value, same.parameters[kept].astype(np.float32))
        start = operation.record.learned[kept]
        if start == "normal":
            assert not np.array_equal(value, other.parameters[kept].astype(np.float32))
        else:
            assert_array_equal(value, np.full(value.shape, float(start), np.float32))


def test_a_new_record_is_a_layer_at_once() -> None:
    text = "y[n,k] = g[k]*relu(sum(x[n,d]*w[d,k], d))"
    record = Record("own", text, inputs=("x", "w", "g"), learned={"w": "normal", "g": "1"})
    operation = parse_operation(text, lookup=catalogue().get, record=record)
    assert [tensor.name for tensor in learned_inputs(operation)] == ["w", "g"]
    inherited = derive.find("u = dense(x, w, b); y = relu(u)")
    assert inherited.record.learned == {"w": "normal", "b": "0"}


# What people type.


def test_a_convolution(rng: Rng) -> None:
    conv = codegen.Conv2d(3, 16, kernel=(3, 2), stride=2, padding=1, seed=0)
    x = rng.normal(size=(2, 3, 8, 8))
    y = conv.forward(x)
    assert y.shape == (2, 16, 4, 5)
    assert_array_equal(y, codegen.forward("conv2d")(x, conv.weights, conv.biases, s=2, p=1))
    conv.backward(np.ones_like(y))
    assert (conv.dinputs.shape, conv.dweights.shape, conv.dbiases.shape) == (x.shape, (16, 3, 3, 2), (16,))
    assert conv.weights.std() == pytest.approx(1 / np.sqrt(3 * 3 * 2), rel=0.05)
    assert_array_equal(conv.biases, np.zeros(16))


def test_normalisations(rng: Rng) -> None:
    norm = codegen.LayerNorm(64, eps=1e-3)
    x = rng.normal(size=(5, 64))
    centred = x - x.mean(axis=1, keepdims=True)
    assert_allclose(norm.forward(x), centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-3), rtol=1e-12)
    assert_array_equal(norm.gamma, np.ones(64))
    assert_array_equal(norm.beta, np.zeros(64))
    upstream = rng.normal(size=(5, 64))
    norm.backward(upstream)
    assert_allclose(norm.dbeta, upstream.sum(axis=0), rtol=1e-12)
    assert norm.dgamma.shape == (64,)
    assert codegen.GroupNorm(2, 3).gamma.shape == (2, 3)


def test_an_embedding() -> None:
    embedding = codegen.Embedding(1000, 8, seed=1)
    assert embedding.table.std() == pytest.approx(1, rel=0.05)
    ids = np.array([[3, 999, 3]])
    assert_array_equal(embedding.forward(ids), embedding.table[ids])
    embedding.backward(np.ones((1, 3, 8)))
    assert_array_equal(embedding.dtable[[3, 999, 4]], np.outer([2, 1, 0], np.ones(8)))


def test_a_recurrent_cell_over_several_steps(rng: Rng) -> None:
    """A cell a step, of the same parameters, is what unrolling in time is."""
    cells = [codegen.LSTMCell(3, 5, seed=2) for _ in range(3)]
    h, c = np.zeros((2, 5)), np.zeros((2, 5))
    for cell in cells:
        h, c = cell.forward(rng.normal(size=(2, 3)), h, c)
    dh, dc = np.ones((2, 5)), np.zeros((2, 5))
    for cell in reversed(cells):
        cell.backward(dh, dc)
        dh, dc = cell.dh0, cell.dc0
        assert cell.dweights.shape == (3, 4, 5)
    assert codegen.GRUCell(3, 5).recurrent_weights.shape == (5, 3, 5)
    assert codegen.RNNCell(3, 5).recurrent_weights.std() == pytest.approx(1 / np.sqrt(5), rel=0.5)


def test_pools_and_attention(rng: Rng) -> None:
    x = rng.normal(size=(2, 3, 9, 8))
    assert codegen.MaxPool2d((3, 2), stride=3).forward(x).shape == (2, 3, 3, 3)
    assert codegen.AvgPool2d(4, 4).forward(x).shape == (2, 3, 2, 2)
    attention = codegen.MultiHeadAttention(6, n_heads=2, head_size=3)
    assert attention.forward(rng.normal(size=(2, 4, 6))).shape == (2, 4, 6)
    assert attention.wo.std() == pytest.approx(1 / np.sqrt(6), rel=0.5)
    block = codegen.TransformerBlock(6, n_heads=2, head_size=3, n_hidden=12)
    assert block.forward(rng.normal(size=(2, 4, 6))).shape == (2, 4, 6)


def test_names() -> None:
    assert codegen.ReLU is layers.ReLU is kind_of("relu")
    assert layers.CCE is layers.CategoricalCrossEntropy
    assert layers.ReLU6().forward([7.0]) == 6.0
    assert layers.Huber(d=2.0).forward([[3.0]], [[0.0]]) == 4.0
    assert {"Huber", "LogCosh", "Conv2d"} <= {*dir(layers)}
    for name in ("relu6", "NoSuch", "Codegen"):
        with pytest.raises(AttributeError, match=name):
            getattr(layers, name)
    with pytest.raises(AttributeError, match="NoSuch"):
        _ = codegen.NoSuch


@pytest.mark.parametrize("name", KINDS)
def test_a_row_names_what_there_is(name: str) -> None:
    """A row of the table speaks of its operation's own tensors, sizes and settings, of each once."""
    kind = KINDS[name]
    operation: Operation = derive.find(kind.operations[0])
    tensors = {*layers_shapes(operation)}
    assert {*kind.names} & tensors or not kind.names
    assert {*kind.starts} <= {*operation.record.learned}
    letters = [letter for own in kind.arguments.values() for letter in own]
    known = {*map(str, operation.sizes), *operation.record.defaults, *map(str, operation.parameters)}
    assert len({*letters}) == len(letters)
    assert {*letters} <= known


def layers_shapes(operation: Operation) -> list[str]:
    return [*(tensor.name for tensor in operation.inputs), *(each.tensor.name for each in operation.definitions)]


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "a size is missing": (
        lambda: codegen.Conv2d(3),
        "conv2d: the layer takes n_channels, n_filters, kernel, and as settings stride, dilation, padding, and was "
        "given 3",
    ),
    "a size twice": (
        lambda: codegen.Dense(3, 7, n_inputs=3),
        "dense: the layer takes n_inputs, n_neurons and was given 3, 7, n_inputs=3",
    ),
    "no such setting": (
        lambda: codegen.LayerNorm(3, epsilon=1),
        "layer-norm: the layer takes n_features, and as settings eps, and was given 3, epsilon=1",
    ),
    "three numbers for two": (
        lambda: codegen.Conv2d(3, 4, (1, 2, 3)),
        "conv2d: kernel is one number or 2, not (1, 2, 3)",
    ),
    "two numbers for one": (
        lambda: codegen.Conv2d(3, 4, 2, stride=(1, 2)),
        "conv2d: stride is one number, not (1, 2)",
    ),
    "half a channel": (
        lambda: codegen.Conv1d(2.5, 4, 2),
        "conv1d: n_channels is a whole number of at least 1, not 2.5",
    ),
    "no rows": (lambda: codegen.Embedding(0, 4), "embedding: n_rows is a whole number of at least 1, not 0"),
    "a stride of none": (
        lambda: codegen.MaxPool2d(2, 0).forward(np.ones((1, 1, 4, 4))),
        "max-pool2d: s is at least 1, and was given as 0",
    ),
    "other channels": (
        lambda: codegen.Conv1d(2, 4, 2).forward(np.ones((1, 3, 5))),
        "conv1d: index c has size 3 (axis 1 of x) and 2 (axis 1 of w)",
    ),
    "a row that is not there": (
        lambda: codegen.Embedding(3, 4).forward([[3]]),
        "embedding: ids[0, 0] is 3, and index k has size 3 (axis 0 of w): labels run from 0 to 2",
    ),
    "another hidden size": (
        lambda: codegen.GRUCell(3, 5).forward(np.ones((2, 3)), np.ones((2, 4))),
        "gru-cell: index k has size 4 (axis 1 of h0) and 5 (axis 2 of w)",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_said(case: str) -> None:
    call, text = MISTAKES[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        ({"q": "0"}, "own: learned names q, which is no input; the inputs are x, w"),
        ({"w": "uniform"}, "own: w starts as a number or as 'normal', not as 'uniform'"),
        ({"w": "nan"}, "own: w starts as a number or as 'normal', not as 'nan'"),
    ],
)
def test_a_record_s_mistakes_are_said(learned: dict[str, str], said: str) -> None:
    text = "y[n] = sum(x[n,d]*w[d], d)"
    with pytest.raises(InputError) as caught:
        parse_operation(text, record=Record("own", text, learned=learned))
    assert str(caught.value) == said


def test_data_is_not_learned() -> None:
    text = "y[n] = sum(x[n,d]*w[d], d)"
    with pytest.raises(InputError, match="own: w is data, so it can not be learned"):
        parse_operation(text, record=Record("own", text, labels=("w",), learned={"w": "0"}))


def test_a_parameter_that_memory_could_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "^w of dense would hold 2 x 999999999 numbers; expected 100000000 at most: give smaller sizes$"
    with pytest.raises(InputError, match=said):
        codegen.network("dense(2,999999999)")
    monkeypatch.setattr("codegen.layer_kinds.MOST_NUMBERS", 6)
    assert (2, 3) in [array.shape for array in codegen.network("dense(2,3)").parameters.values()]
    with pytest.raises(InputError, match="w of dense would hold 2 x 4 numbers"):
        codegen.network("dense(2,4)")
