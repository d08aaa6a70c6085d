"""Networks: the figures of the lesson, gradients against differences, what is fused, and what does not fit."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_figures import column_parameters, spirals

import codegen
import derive
from codegen.datasets import spiral
from codegen.layer import Layer
from codegen.networks import Network
from codegen.optimisers import SGD, Adam
from codegen.training import train
from derive.__main__ import main
from derive.catalogue import operation
from derive.errors import DefinitionError, DeriveError, InputError
from derive.networks import is_network, name_tensors, read_stages

Array = np.ndarray
Figures = dict[str, Any]
SPIRAL = "dense(2,3) > relu > dense(3,3) > softmax > cce"
COLUMNS = "dense-columns(1,6) > " + "relu > dense-columns(6,6) > " * 4 + "relu > dense-columns(6,1) > least-squares"


# ---- the figures of the lesson ----


def spiral_network(dtype: type = np.float64) -> tuple[Network, Array, Array]:
    """The network of the lesson at its starting weights, its points and their classes."""
    points, labels, *weights = spirals()
    net = codegen.network(SPIRAL, dtype=dtype)
    for name, array in zip(("w1", "w2"), weights, strict=True):
        net.parameters[name][:] = array
    return net, points.astype(dtype), labels


def check_spiral(case: Figures, loss: Any, gradients: dict[str, Array]) -> None:
    assert_allclose(loss, case["loss"], rtol=0, atol=2e-7)  # Two steps of float32.
    for number in "12":
        assert_allclose(gradients[f"w{number}"], case[f"dense{number}_dweights"], rtol=0, atol=case["tol_weights"])
        assert_allclose(gradients[f"b{number}"], case[f"dense{number}_dbiases"][0], rtol=0, atol=case["tol_biases"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("labels", ["numbers", "rows"])
def test_spiral_figures(figures: Figures, dtype: type, labels: str) -> None:
    case = figures["spiral_net"]
    net, x, numbers = spiral_network(dtype)
    t = numbers if labels == "numbers" else np.eye(3, dtype=dtype)[numbers]
    loss = net.loss(x, t)
    assert_allclose(net.forward(x)[:5], case["output_first5"], rtol=0, atol=1e-7)
    gradients = net.backward()
    check_spiral(case, loss, gradients)
    assert gradients is net.gradients
    assert {each.dtype for each in gradients.values()} == {np.dtype(dtype)}
    expected = case["accuracy_float32"] if dtype is np.float32 else 0.31666666666666665
    assert net.accuracy(x, t) == expected


@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2"])
def test_a_spoilt_gradient_is_seen(figures: Figures, name: str) -> None:
    net, x, labels = spiral_network()
    loss = net.loss(x, labels)
    gradients = net.backward()
    check_spiral(figures["spiral_net"], loss, gradients)
    with pytest.raises(AssertionError):
        check_spiral(figures["spiral_net"], loss, {**gradients, name: 1.1 * gradients[name]})


def test_the_data_are_those_of_the_lesson() -> None:
    points, labels, *_ = spirals()
    x, t = spiral(100, 3, seed=np.random.RandomState(39))
    assert_array_equal(x, points)
    assert_array_equal(t, labels)


def column_network() -> tuple[Network, Array, Array]:
    """The deep network on column vectors of the lesson."""
    net = codegen.network(COLUMNS)
    for number, (omega, beta) in enumerate(zip(*column_parameters(), strict=True), 1):
        net.parameters[f"w{number}"], net.parameters[f"b{number}"] = omega, beta[:, 0]
    return net, np.array([[1.2]]), np.array([[20.0]])


def test_column_figures(figures: Figures) -> None:
    case = figures["deep_column_net"]
    net, x, y = column_network()
    assert_allclose(net.forward(x), case["output"], rtol=0, atol=case["tol"])
    assert_allclose(net.loss(x, y), case["loss"], rtol=0, atol=case["tol"])
    gradients = net.backward()
    for number in (0, 1):
        assert_allclose(gradients[f"b{number + 1}"], case["dl_dbeta"][str(number)], rtol=0, atol=case["tol"])
    for number in (2, 3, 4):  # The derivative by h is that by f where f is positive.
        positive = np.array(case["f"][number - 1]) > 0
        expected = np.array(case["dl_dh"][str(number)]) * positive
        assert_allclose(gradients[f"b{number}"], expected, rtol=0, atol=case["tol"])


# ---- gradients ----


def differences(net: Network, x: Array, *labels: Array, step: float = 1e-6) -> dict[str, Array]:
    """The gradients by central differences of the loss."""
    found = {}
    for name, array in net.parameters.items():
        found[name] = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            before = array[place]
            losses = []
            for sign in (1, -1):
                array[place] = before + sign * step
                losses.append(float(net.loss(x, *labels)))
            array[place] = before
            found[name][place] = (losses[0] - losses[1]) / (2 * step)
    return found


ROWS, CLASSES = (7, 2), 3
NETWORKS = {
    "dense(2,5) > relu > dense(5,3) > softmax > cce": "rows",
    "dense(2,5) > tanh > dense(5,3) > softmax > cce-sparse": "numbers",
    "dense(2,5) > layer-norm(5) > gelu > dense(5,3) > softmax-cce": "numbers",
    "dense(2,5) > leaky-relu(a=0.2) > dense(n_inputs=5, n_neurons=3) > mse": "reals",
    "dense(2,4) > silu > dense(4,4) > softplus > dense(4,3) > huber(d=0.5)": "reals",
    "dense(2,4) > y[n,k] = tanh(x[n,k])**2 > dense(4,3) > log-softmax > nll": "numbers",
    "linear-softmax-cce(2,3)": "numbers",
}


def labels_of(kind: str, rng: np.random.Generator) -> Array:
    if kind == "reals":
        return rng.normal(size=(ROWS[0], CLASSES))
    numbers = rng.integers(0, CLASSES, size=ROWS[0])
    return numbers if kind == "numbers" else np.eye(CLASSES)[numbers]


def sharp(net: Network, rng: np.random.Generator) -> None:
    """Give parameters sizes at which nothing is nearly linear."""
    for array in net.parameters.values():
        array[:] = rng.normal(size=array.shape)


@pytest.mark.parametrize("text", NETWORKS)
def test_gradients_are_those_of_differences(text: str) -> None:
    rng = np.random.default_rng(3)
    net = codegen.network(text, seed=rng)
    sharp(net, rng)
    x, t = rng.normal(size=ROWS), labels_of(NETWORKS[text], rng)
    net.loss(x, t)
    gradients = dict(net.backward())
    expected = differences(net, x, t)
    assert gradients.keys() == expected.keys() == net.parameters.keys()
    for name in gradients:
        assert_allclose(gradients[name], expected[name], rtol=1e-5, atol=1e-7, err_msg=name)
        assert np.abs(expected[name]).max() > 1e-3, "a gradient of zeros says nothing"
    with pytest.raises(AssertionError):
        assert_allclose(-gradients[name], expected[name], rtol=1e-5, atol=1e-7)


def test_column_gradients_are_those_of_differences(figures: Figures) -> None:
    case = figures["deep_column_net"]["finite_difference"]
    net, x, y = column_network()
    net.loss(x, y)
    gradients = dict(net.backward())
    for name, expected in differences(net, x, y, step=case["step"]).items():
        assert_allclose(gradients[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_convolution_in_a_network() -> None:
    rng = np.random.default_rng(0)
    net = codegen.network(
        "conv2d(2, 3, kernel=3, stride=2, padding=1) > relu > avg-pool2d(2, stride=1) > mse", seed=rng
    )
    sharp(net, rng)
    x = rng.normal(size=(2, 2, 7, 7))
    t = rng.normal(size=net.forward(x).shape)
    assert t.shape == (2, 3, 3, 3)
    net.loss(x, t)
    gradients = dict(net.backward())
    for name, expected in differences(net, x, t).items():
        assert_allclose(gradients[name], expected, rtol=1e-5, atol=1e-7, err_msg=name)


def test_class_numbers_and_rows_say_the_same() -> None:
    net, x, labels = spiral_network()
    losses, gradients = [], []
    for t in (labels, np.eye(3)[labels]):
        losses.append(net.loss(x, t))
        gradients.append(net.backward())
    assert_allclose(*losses, rtol=1e-14)
    for name in net.parameters:
        assert_allclose(gradients[0][name], gradients[1][name], rtol=1e-9, atol=1e-18, err_msg=name)


@pytest.mark.parametrize("total", [1.0, 0.5])
def test_labels_that_do_not_sum_to_one_get_the_general_formula(total: float) -> None:
    """The gradient is right with either kind of labels, and the short formula is used with one kind alone."""
    rng = np.random.default_rng(5)
    net = codegen.network("dense(2,3) > softmax > cce", seed=0)
    sharp(net, rng)
    x, t = rng.normal(size=ROWS), total * rng.dirichlet([1.0] * CLASSES, size=ROWS[0])
    net.loss(x, t)
    gradients = dict(net.backward())
    for name, expected in differences(net, x, t).items():
        assert_allclose(gradients[name], expected, rtol=1e-6, atol=1e-8, err_msg=name)
    trusting = codegen.network("dense(2,3) > softmax > cce", given=["sum(t[n,k], k) = 1"])
    trusting.parameters.update(net.parameters)
    trusting.loss(x, t)
    same = np.allclose(trusting.backward()["b1"], gradients["b1"])
    assert same == (total == 1.0)


def test_gradients_are_those_that_are_asked_for() -> None:
    x, t = np.ones((4, 2)), np.zeros((4, 3))
    net = codegen.network("dense(2,3) > mse", seed=0, wrt=["x", "w1"])
    net.loss(x, t)
    assert {name: gradient.shape for name, gradient in net.backward().items()} == {"x": (4, 2), "w1": (2, 3)}
    usual = codegen.network("dense(2,3) > mse", seed=0)
    usual.loss(x, t)
    assert usual.backward().keys() == {"w1", "b1"}
    assert "dx" not in usual.source()
    assert "dx" in net.source()
    with pytest.raises(InputError, match="no input 'w7'; its inputs are x, w1, b1, t"):
        codegen.network("dense(2,3) > mse", wrt=["w7"])


def test_a_network_without_a_loss() -> None:
    rng = np.random.default_rng(1)
    net = codegen.network("dense(2,4) > tanh > dense(4,3)", seed=rng)
    sharp(net, rng)
    x, dy = rng.normal(size=ROWS), rng.normal(size=(ROWS[0], 3))
    y = net.forward(x)
    w1, b1, w2, b2 = net.parameters.values()
    assert_allclose(y, np.tanh(x @ w1 + b1) @ w2 + b2, rtol=1e-13)
    assert_allclose(net.backward(dy)["w2"], np.tanh(x @ w1 + b1).T @ dy, rtol=1e-13)
    with pytest.raises(InputError, match="has no loss"):
        net.loss(x, y)


def test_parameters_are_live_and_data_are_left_alone() -> None:
    net, x, labels = spiral_network()
    kept = x.copy(), labels.copy()
    before = net.loss(x, labels)
    gradients = net.backward()
    for name, gradient in gradients.items():
        net.parameters[name] -= 100 * gradient
    assert net.loss(x, labels) < before
    assert_array_equal(x, kept[0])
    assert_array_equal(labels, kept[1])


def test_parameters_are_drawn_one_layer_after_the_other() -> None:
    first, same, other = (codegen.network(SPIRAL, seed=seed) for seed in (4, 4, 5))
    rng = np.random.default_rng(4)
    layers = [codegen.layers.Dense(2, 3, seed=rng), codegen.layers.Dense(3, 3, seed=rng)]
    assert_array_equal(first.parameters["w2"], same.parameters["w2"])
    assert_array_equal(first.parameters["w2"], layers[1].weights)
    assert not np.array_equal(first.parameters["w1"], other.parameters["w1"])
    assert first.parameters["b1"].shape == (3,)


def test_layers_in_the_place_of_texts() -> None:
    dense = codegen.layers.Dense(2, 3, seed=0)
    net = codegen.network([dense, "relu > dense(3,2)"], "softmax > cce", seed=1)
    assert list(net.parameters) == ["w1", "b1", "w2", "b2"]
    assert np.shares_memory(net.parameters["w1"], dense.weights)
    tanh = codegen.network(dense, derive.find("tanh"), "mse")
    assert_allclose(tanh.forward(np.ones((1, 2))), np.tanh(dense.forward(np.ones((1, 2)))))


# ---- names ----


@pytest.mark.parametrize(
    ("text", "inputs", "defined"),
    [
        (SPIRAL, "x w1 b1 w2 b2 t", "z1 h1 z2 p L"),
        ("dense-columns > sigmoid > dense-columns > least-squares", "x w1 b1 w2 b2 t", "z1 h1 y L"),
        ("dense > relu > dense", "x w1 b1 w2 b2", "z1 h1 y"),
        ("dense > layer-norm > relu > mse", "x w1 b1 g2 b2 t", "z1 mu sigma xhat z2 y L"),
        ("embedding > dense > softmax-cce-sparse", "w1 x w2 b2 t", "z1 z p L"),
        ("relu > dense > mse", "x w1 b1 t", "z0 y L"),
        ("dense(2,3)", "x w1 b1", "y"),
    ],
)
def test_tensors_are_named_as_people_name_them(text: str, inputs: str, defined: str) -> None:
    operation = derive.find(text)
    assert [tensor.name for tensor in operation.inputs] == inputs.split()
    assert [definition.tensor.name for definition in operation.definitions] == defined.split()
    assert "x" not in [tensor.name for tensor in operation.differentiable]


def test_names_do_not_collide() -> None:
    called = name_tensors([derive.find("dense")] * 2, [["w", "b"]] * 2)
    names = [name for each in called for name in each.values()]
    assert len(names) == len({*names})
    deep = derive.find(" > ".join(["dense"] + ["relu"] * 8 + ["mse"]))
    defined = [definition.tensor.name for definition in deep.definitions]
    assert len(defined) == len({*defined}) == 10


def test_settings_in_brackets_are_the_operations_own() -> None:
    slopes = [derive.find(f"dense > leaky-relu{arguments}").output.body for arguments in ("", "(a=0.3)")]
    assert "0.01" in str(slopes[0])
    assert "0.3" in str(slopes[1])
    strided = derive.find("conv2d(3, 8, kernel=3, stride=2) > relu")
    assert "2*h" in str(strided.definitions[0].body)
    assert strided.parameters == ()
    sizes = [derive.find(f"dense{arguments} > relu").definitions for arguments in ("", "(2,3)", "(20,30)")]
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize("text", ["y[n] = max(x[n], 0)", "y[n] = [x[n] > 0]", "relu", "y = where(x > 0, x, 0)"])
def test_what_is_no_network(text: str) -> None:
    assert not is_network(text)
    derive.find(text)


def test_a_definition_may_stand_between_layers() -> None:
    stages = read_stages("y[n,k] = where(x[n,k] > 0, x[n,k], 0) > z = tanh(x)")
    assert [stage.operation for stage in stages] == ["y[n,k] = where(x[n,k] > 0, x[n,k], 0)", "z = tanh(x)"]


# ---- what is fused ----


def fused(text: str) -> list[tuple[str, ...]]:
    return [fusion.layers for fusion in codegen.network(text).fusions]


def test_softmax_and_cross_entropy_are_fused_because_it_is_cheaper() -> None:
    net = codegen.network(SPIRAL)
    (first, *_) = net.fusions
    assert first.layers == ("softmax", "cce")
    assert first.insertion.together < first.insertion.separate
    assert net.log.splitlines()[0].startswith("softmax > cce: gradient of p put into that of z2: cost ")
    assert "dp" not in net.source()


def test_what_does_not_get_cheaper_is_not_fused() -> None:
    assert ("softmax", "mse") not in fused("dense(2,3) > softmax > mse")
    assert ("softmax", "cce") in fused("dense(2,3) > softmax > cce")
    assert ("sigmoid", "bce") in fused("dense(2,3) > sigmoid > bce")
    assert "dy = " in codegen.network("dense(2,3) > softmax > mse").source()


def test_every_fusion_that_is_told_is_in_the_code() -> None:
    net = codegen.network("dense(2,4) > tanh > dense(4,3) > softmax > cce")
    code = net.source().rpartition('"""')[2]
    for fusion in net.fusions:
        assert f"d{fusion.insertion.tensor.name} =" not in code
    for name in ("z1", "z2"):
        assert f"d{name} =" in code


# ---- the module ----


def module_of(text: str) -> types.ModuleType:
    module = types.ModuleType("net")
    exec(compile(text, "<net>", "exec"), module.__dict__)
    return module


def test_the_module_stands_alone(figures: Figures, tmp_path: Path) -> None:
    net, x, labels = spiral_network()
    module = module_of(net.source())
    t = np.eye(3)[labels]
    loss, z1, h1, p = module.network_forward(x, *net.parameters.values(), t)
    saved = {"w2": net.parameters["w2"], "z1": z1, "h1": h1, "p": p, "x": x, "t": t}
    gradients = dict(zip(net.parameters, module.network_backward(1.0, **saved), strict=True))
    check_spiral(figures["spiral_net"], loss, gradients)
    assert "They hold where sum(t[n,j], j) = 1" in net.source()
    assert "They hold where" not in codegen.source(net, given=[])
    assert "(p - t) * (dL / N)" in net.source()
    assert "t.sum" in codegen.source(net, given=[])


def test_the_module_is_written_by_the_command(tmp_path: Path) -> None:
    target = tmp_path / "net.py"
    fact = "sum(t[n,j], j) = 1"
    text = "dense(2,64) > relu > dense(64,3) > softmax > cce"
    assert main(["code", text, "-o", str(target)]) == 0
    written = target.read_text("utf-8")
    assert written == codegen.network(text).source()
    assert (
        written == codegen.source(text) == codegen.source(codegen.network(text)) == codegen.source(text, given=[fact])
    )
    assert "import" in written
    assert {line for line in written.splitlines() if line.startswith(("import", "from"))} == {"import numpy as np"}


def test_what_is_taken_for_granted_can_be_refused(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dense(2,3) > softmax > cce"
    general = codegen.source(text, given=[])
    assert "They hold where" not in general and "They hold where" in codegen.source(text)
    assert "They hold where sum(t[n,k], k) = 1" in codegen.source(text, target="c").replace("j", "k")
    net = codegen.network(text, given=[])
    assert net.source() == codegen.source(net) == general
    assert main(["code", text, "--general"]) == 0
    assert capsys.readouterr().out == general
    assert main(["code", text, "--general", "--given", "sum(t[n,k], k) = 1"]) == 2
    assert "use one of them" in capsys.readouterr().err
    assert "They hold where" not in codegen.source("softmax-cce")  # A loss by itself has no usual labels.
    assert "They hold where" not in codegen.source("dense(2,3) > mse")


def test_notations_and_targets() -> None:
    net = codegen.network(SPIRAL)
    source = net.source(notation="leibniz")
    assert "* (dL_dL / N)" in source
    assert "dJ" not in source
    assert "void network_backward" in net.source(target="c")


def test_a_network_stands_where_an_operation_does() -> None:
    net = codegen.network(SPIRAL)
    parts = derive.by_parts(net, given=net.operation.record.facts)
    assert parts[0].text(steps=False).splitlines()[0] == "z̄2[n,j] = L̄ (p[n,j] - t[n,j]) / N"
    assert [part.title.split()[2] for part in parts] == ["z2", "z1", "w1", "b1", "w2", "b2"]


# ---- training ----


def test_training_learns_the_spirals() -> None:
    x, t = spiral(seed=0)
    net = codegen.network("dense(2,256) > relu > dense(256,3) > softmax > cce", seed=0)
    told: list[int] = []
    history = train(
        net, x, t, optimiser=Adam(0.05, 1e-3), epochs=700, report=lambda epoch, loss, accuracy: told.append(epoch)
    )
    assert history.accuracies[-1] >= 0.95
    assert history.accuracies[-1] == net.accuracy(x, t)
    assert history.steps == told
    assert (history.steps[0], history.steps[-1]) == (0, 700)
    assert history.losses[0] == pytest.approx(np.log(3), abs=1e-3)
    shuffled = np.random.default_rng(0).permutation(t)
    other = codegen.network("dense(2,256) > relu > dense(256,3) > softmax > cce", seed=0)
    assert train(other, x, shuffled, optimiser=Adam(0.05, 1e-3), epochs=300).accuracies[-1] < 0.95


def test_training_that_diverges_says_so() -> None:
    net = codegen.network("dense(1,1) > least-squares", seed=0)
    with pytest.raises(InputError, match="no longer a number"):
        train(net, np.ones((3, 1)), np.ones((3, 1)), optimiser=SGD(1e200), epochs=10)


# ---- what a person sees ----


def test_a_network_is_shown_as_a_table_of_its_layers() -> None:
    net = codegen.network("dense(2,4) > softmax > cce")
    title, heads, *rows = str(net).splitlines()
    assert title == "dense > softmax > cce: 12 parameters"
    columns = [heads.index(word) for word in ("computes", "parameters")]
    assert [row[: columns[0]].strip() for row in rows] == ["dense", "softmax", "cce"]
    assert rows[0][columns[0] :].startswith("z1[n,k] = sum_d x[n,d] w1[d,k] + b1[k]")
    assert [row[columns[1] :] for row in rows] == ["w1 (2, 4), b1 (4,)", "", ""]
    shown = net._repr_markdown_().splitlines()
    assert shown[4] == r"| dense | $z_{1,n,k} = \sum_{d=1}^{D} x_{n,d}\, w_{1,d,k} + b_{1,k}$ | w1 (2, 4), b1 (4,) |"
    assert len(shown) == 7 and all(row.count("|") == 4 for row in shown[2:])


@pytest.mark.parametrize("loss", ["L = -sum(t[n,k]*log(p[n,k]), n, k)/N", "L = -sum(y[n,k]*log(x[n,k]), n, k)/N"])
def test_a_typed_loss_is_fed_its_prediction(loss: str, rng: Any) -> None:
    """Labels are told by their name wherever they stand; where no name tells, the first array is the prediction."""
    typed, known = (codegen.network(f"dense(2,3) > softmax > {each}", seed=0) for each in (loss, "cce"))
    sharp(typed, np.random.default_rng(1))
    sharp(known, np.random.default_rng(1))
    x, t = rng.normal(size=(5, 2)), rng.dirichlet(np.ones(3), 5)
    if "t[" in loss:
        assert typed.loss(x, t) == pytest.approx(known.loss(x, t))
        assert_allclose(typed.backward()["w1"], known.backward()["w1"], rtol=1e-9)
    else:  # Read as -sum(p log x): the first array is y.
        p = typed.forward(x)
        assert typed.loss(x, t) == pytest.approx(-(p * np.log(t)).sum() / 5)


# ---- samples in columns ----

ROWS_AND_COLUMNS = [
    (
        "dense(2,8) > relu > dense(8,3) > softmax > cce",
        "dense-columns(2,8) > relu > dense-columns(8,3) > softmax > cce",
    ),
    (
        "dense(2,8) > tanh > dense(8,3) > log-softmax > nll",
        "dense-columns(2,8) > tanh > dense(8,3) > log-softmax > nll",
    ),
    ("dense(2,4) > layer-norm(4) > dense(4,3) > mse", "dense-columns(2,4) > layer-norm(4) > dense-columns(4,3) > mse"),
    ("dense(2,3) > softmax > kl", "y[k,n] = sum(w[k,d]*x[d,n], d) + b[k] > softmax > kl"),
]


@pytest.mark.parametrize(("rows", "columns"), ROWS_AND_COLUMNS)
def test_a_network_with_samples_in_columns_is_that_with_samples_in_rows(rows: str, columns: str, rng: Any) -> None:
    """Whatever a layer in rows is written with: the loss, its gradients and the accuracy are the same."""
    in_rows = codegen.network(rows, seed=1)
    parts = columns.split(" > ")
    if "=" in parts[0]:
        parts[0] = Layer(operation(parts[0]), parameters={"w": np.ones((3, 2)), "b": np.ones(3)})
    in_columns = codegen.network(*parts, seed=2)
    turned = {}
    for name, array in in_rows.parameters.items():
        mine = in_columns.parameters[name]
        turned[name] = mine.shape != array.shape or (mine.ndim == 2 and "dense(8,3)" not in columns)
        array[...] = rng.normal(size=array.shape)
        mine[...] = array.T if turned[name] else array
    x, t = rng.normal(size=(5, 2)), rng.dirichlet(np.ones(3), 5)
    assert in_columns.loss(x.T, t.T) == pytest.approx(in_rows.loss(x, t), rel=1e-12)
    expected = in_rows.backward()
    for name, gradient in in_columns.backward().items():
        np.testing.assert_allclose(gradient.T if turned[name] else gradient, expected[name], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(in_columns.forward(x.T), in_rows.forward(x).T, rtol=1e-12)
    if in_rows.has_classes:
        assert in_columns.accuracy(x.T, t.T) == in_rows.accuracy(x, t)


def test_softmax_goes_over_the_classes_and_not_over_the_samples(rng: Any) -> None:
    net = codegen.network("dense-columns(2,3) > softmax", seed=0)
    p = net.forward(rng.normal(size=(2, 7)))
    np.testing.assert_allclose(p.sum(axis=0), 1)
    assert not np.allclose(p.sum(axis=1), 1)
    assert derive.find("dense-columns > softmax > cce").record.facts == ("sum(t[k,n], k) = 1",)
    assert derive.find("dense > softmax > cce").record.facts == ("sum(t[n,k], k) = 1",)


def test_rows_and_columns_in_one_network_are_refused() -> None:
    for text in ("dense-columns(2,3) > batch-norm(3) > mse", "y[n,k] = sum(x[n,d]*w[d,k], d) > dense-columns > mse"):
        with pytest.raises(InputError, match=r"samples in columns and .* in rows") as caught:
            derive.find(text)
        assert "\n" not in str(caught.value)


# ---- what does not fit ----

MISTAKES = {
    "dense > > relu": "nothing stands between two >",
    "> relu": "nothing stands before the first >",
    "dense(2,3) > ": "nothing stands after the last >",
    "dense(2,64 > relu": "is no layer",
    "dens(2,3) > relu": "did you mean 'dense'",
    "dense(2,x) > relu": "in the brackets stand sizes and settings, which are numbers",
    "dense(2, __import__('os')) > relu": "in the brackets stand sizes",
    "relu(True) > relu": "in the brackets stand sizes",
    "dense(**{}) > relu": "in the brackets stand sizes",
    "dense(2) > relu": "the layer takes n_inputs, n_neurons and was given 2",
    "dense(2,3,4) > relu": "the layer takes n_inputs, n_neurons and was given 2, 3, 4",
    "dense(2,-3) > relu": "n_neurons is a whole number of at least 1, not -3",
    "dense(2,3) > cce > relu": "cce makes one number of everything that comes in, so it stands last",
    "dense-columns(2,3) > conv2d(3,4,3)": "dense-columns can not feed conv2d",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_a_text_is_said_in_a_line(text: str) -> None:
    for call in (derive.find, codegen.network):
        with pytest.raises(InputError) as caught:
            call(text)
        assert MISTAKES[text] in str(caught.value)
        assert "\n" not in str(caught.value)


LAYERS_THAT_DO_NOT_FIT = {
    "dense(2,64) > relu > dense(32,3) > mse": "w1 has shape (2, 64) and w2 (32, 3)",
    "dense > relu": "the layer takes n_inputs, n_neurons and was given none",
    "dense(2,4) > attention": "nothing in a network gives k, v",
    "attention > mse": "nothing in a network gives k, v",
}


@pytest.mark.parametrize("text", LAYERS_THAT_DO_NOT_FIT)
def test_layers_that_do_not_fit_one_another(text: str) -> None:
    with pytest.raises(InputError) as caught:
        codegen.network(text)
    assert LAYERS_THAT_DO_NOT_FIT[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sizes_that_do_not_fit_are_refused_where_the_text_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    text = "dense(2,64) > relu > dense(32,3) > mse"
    for command in (["show", text], ["code", text], ["latex", text], ["report", text, "-o", "r.md"]):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "w1 has shape (2, 64) and w2 (32, 3)" in error and error.count("\n") == 1
    assert main(["show", text.replace("32", "64")]) == 0


def test_comparisons_outside_of_brackets_are_still_refused() -> None:
    for text in ("y[n] = x[n] > 0", "y[n] = x[n] >= b[n]"):
        with pytest.raises(DefinitionError, match="no place outside of brackets"):
            derive.find(text)


SQUARE = codegen.layers.Dense(2, 2)


@pytest.mark.parametrize("change", [lambda own: own.pop("w1"), lambda own: own.update(w9=np.ones(2))])
def test_parameters_have_their_names(change: Any) -> None:
    net = codegen.network("dense(2,3) > mse", seed=0)
    change(net.parameters)
    for call in (lambda: net.loss(np.ones((4, 2)), np.ones((4, 3))), lambda: net.forward(np.ones((4, 2)))):
        with pytest.raises(InputError, match="its parameters are w1, b1, and there are"):
            call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_computes_in_the_dtype_of_its_parameters(dtype: type) -> None:
    """Whatever the dtype of the data, one-hot labels and upstream gradients; class numbers stay whole."""
    other = np.float32 if dtype is np.float64 else np.float64
    x, t = np.ones((4, 2), other), np.array([0, 2, 1, 1])
    net = codegen.network("dense(2,3) > softmax > cce", seed=0, dtype=dtype)
    for labels in (t, np.eye(3, dtype=other)[t], np.eye(3, dtype=int)[t]):
        assert net.loss(x, labels).dtype == dtype
        assert {gradient.dtype for gradient in net.backward().values()} == {np.dtype(dtype)}
    assert net.forward(x).dtype == dtype and net.forward([[1, 2]]).dtype == dtype
    plain = codegen.network("dense(2,3) > relu", seed=0, dtype=dtype)
    plain.forward(x)
    assert plain.backward(np.ones((4, 3), other))["w1"].dtype == dtype
    assert x.dtype == other  # Nothing of the user's is changed.


def test_calls_in_the_wrong_order_or_with_wrong_arrays() -> None:
    net = codegen.network("dense(2,3) > softmax > cce")
    for call in (
        lambda: net.backward(),
        lambda: net.loss(np.ones((4, 2))),
        lambda: net.loss(np.ones((4, 5)), np.zeros(4, int)),
        lambda: net.loss(np.ones((4, 2)), np.full(4, 3)),
        lambda: net.loss(np.ones((4, 2)), np.zeros((4, 3, 2))),
        lambda: codegen.network(),
        lambda: codegen.network(3),
        lambda: codegen.network("dense(2,3) > mse", dtype=int),
        lambda: codegen.network("dense(2,3) > softmax > cce", given="sum(t[n,k], k) = 1"),
        lambda: net.accuracy(np.ones((4, 2)), np.zeros(3, int)),
        lambda: net.accuracy(np.ones((4, 2)), np.full(4, 3)),
        lambda: net.loss(np.ones((4, 2)), [["a", "b", "c"]] * 4),
        lambda: codegen.network("dense(2,3) > mse").accuracy(np.ones((4, 2)), np.ones((4, 3))),
        lambda: codegen.network("linear-softmax-cce(2,3)").forward(np.ones((4, 2))),
        lambda: net.loss(np.ones((0, 2)), np.zeros(0, int)),
        lambda: codegen.network("dense(2,3) > mse", dtype="foo"),
        lambda: codegen.network("dense(2,3) > mse", seed="a"),
        lambda: codegen.network("dense(2,3) > mse", seed=-1),
        lambda: codegen.network("dense(2,3) > mse", wrt=3),
        lambda: codegen.network(SQUARE, "relu", SQUARE, "mse"),
        lambda: train(net, np.ones((4, 2)), np.zeros(4, int), optimiser="adam", epochs=2),
        lambda: train(net, np.ones((4, 2)), np.zeros(4, int), optimiser=SGD(0.1), epochs=1.5),
    ):
        with pytest.raises(DeriveError) as caught:
            call()
        assert "\n" not in str(caught.value)
