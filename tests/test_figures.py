"""Every figure that the source notebooks print, reproduced by generated code from its inputs.

The handwritten layers run through the same tests where they have the same interface, so that what the generated ones
are held against elsewhere is known to be right itself.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import handwritten.layers as by_hand
import numpy as np
import pytest
from handwritten.column_network import ColumnNetwork
from handwritten.neuron import Neuron
from numpy.testing import assert_allclose, assert_array_equal

import codegen
from codegen import layers

Figures = dict[str, Any]

NEURON = "y = max(x0*w0 + x1*w1 + x2*w2 + b, 0)"
COLUMN_DENSE = "f[k,n] = b[k] + sum(w[k,d]*h[d,n], d)"
LEAST_SQUARES = "L = sum((f[k,n] - y[k,n])**2, k, n)"


def generated_dense(weights: np.ndarray, biases: np.ndarray) -> layers.Layer:
    dense = layers.Dense(*weights.shape)
    dense.weights, dense.biases = weights, biases
    return dense


GENERATED = SimpleNamespace(
    Dense=generated_dense,
    ReLU=layers.ReLU,
    Softmax=layers.Softmax,
    CategoricalCrossEntropy=layers.CategoricalCrossEntropy,
    SoftmaxCategoricalCrossEntropy=layers.SoftmaxCategoricalCrossEntropy,
)


@pytest.fixture(params=[GENERATED, by_hand], ids=["generated", "handwritten"])
def kit(request: pytest.FixtureRequest) -> Any:
    """The layers of one make."""
    return request.param


def arrays(case: Figures, *names: str) -> list[np.ndarray]:
    return [np.array(case[name], dtype=float) for name in names]


def one_hot(labels: list[int], classes: int) -> np.ndarray:
    return np.eye(classes)[labels]


# The single neuron.


def neuron_gradients(case: Figures) -> tuple[float, tuple[np.ndarray, ...]]:
    """Return the neuron's output and its gradients in the order x0 w0 x1 w1 x2 w2 b."""
    interleaved = [float(value) for pair in zip(case["x"], case["w"], strict=True) for value in pair]
    output, pullback = codegen.vjp(NEURON, *interleaved, float(case["b"]))
    return output, pullback(float(case["dvalue"]))


def test_single_neuron(figures: Figures) -> None:
    case = figures["single_neuron"]
    output, gradients = neuron_gradients(case)
    assert_allclose(output, case["y"], rtol=0, atol=case["tol"])
    assert_allclose(gradients[0:6:2], case["dx"], rtol=0, atol=case["tol"])
    assert_allclose(gradients[1:6:2], case["dw"], rtol=0, atol=case["tol"])
    assert_allclose(gradients[6], case["db"], rtol=0, atol=case["tol"])


def test_single_neuron_factor_by_factor(figures: Figures) -> None:
    case = figures["single_neuron"]
    tolerance = {"rtol": 0, "atol": case["tol"]}
    pairs = zip(case["x"], case["w"], strict=True)
    products, products_back = zip(*(codegen.vjp("mul", float(x), float(w)) for x, w in pairs), strict=True)
    assert_allclose(products, case["xw"], **tolerance)
    z, add_back = codegen.vjp("z = a0 + a1 + a2 + b", *products, float(case["b"]))
    assert_allclose(z, case["z"], **tolerance)
    y, relu_back = codegen.vjp("relu", z)
    assert_allclose(y, case["y"], **tolerance)
    (drelu_dz,) = relu_back(float(case["dvalue"]))
    assert_allclose(drelu_dz, case["drelu_dz"], **tolerance)
    *drelu_dxw, drelu_db = add_back(drelu_dz)
    assert_allclose(drelu_dxw, case["drelu_dxw"], **tolerance)
    assert_allclose(drelu_db, case["drelu_db"], **tolerance)
    backs = zip(products_back, drelu_dxw, strict=True)
    dx, dw = zip(*(back(upstream) for back, upstream in backs), strict=True)
    assert_allclose(dx, case["dx"], **tolerance)
    assert_allclose(dw, case["dw"], **tolerance)


def test_single_neuron_step(figures: Figures) -> None:
    case = figures["single_neuron"]
    _, gradients = neuron_gradients(case)
    w = np.array(case["w"]) - case["step"] * np.array(gradients[1:6:2])
    b = case["b"] - case["step"] * gradients[6]
    assert_allclose(w, case["w_after"], rtol=0, atol=case["tol"])
    assert_allclose(b, case["b_after"], rtol=0, atol=case["tol"])
    output, _ = neuron_gradients({**case, "w": w, "b": b})
    assert_allclose(output, case["y_after"], rtol=0, atol=case["tol"])
    assert float(output) == pytest.approx(5.985, abs=1e-12)


def test_single_neuron_by_hand(figures: Figures) -> None:
    case = figures["single_neuron"]
    neuron = Neuron(case["w"], case["b"])
    assert neuron.forward(case["x"]) == case["y"]
    neuron.backward(case["dvalue"])
    for name in ("xw", "z", "drelu_dz", "drelu_dxw", "drelu_db", "dx", "dw", "db"):
        assert_allclose(getattr(neuron, name), case[name], rtol=0, atol=case["tol"], err_msg=name)
    neuron.step(case["step"])
    assert_allclose(neuron.forward(case["x"]), case["y_after"], rtol=0, atol=case["tol"])


# Dense and ReLU.


def test_dense_one_sample(figures: Figures, kit: Any) -> None:
    case = figures["dense_one_sample"]
    weights, dvalues, dinputs = arrays(case, "weights", "dvalues", "dinputs")
    dense = kit.Dense(weights.T, np.zeros((1, 3)))
    dense.forward(np.ones((1, 4)))
    dense.backward(dvalues)
    assert_allclose(dense.dinputs[0], dinputs, rtol=0, atol=case["tol"])


def test_dense_batch(figures: Figures, kit: Any) -> None:
    case = figures["dense_batch"]
    inputs, weights, biases, dvalues = arrays(case, "inputs", "weights", "biases", "dvalues")
    dense = kit.Dense(weights.T, biases)
    dense.forward(inputs)
    dense.backward(dvalues)
    assert_allclose(dense.output, inputs @ weights.T + biases, rtol=0, atol=case["tol"])
    for name in ("dinputs", "dweights", "dbiases"):
        assert_allclose(getattr(dense, name), case[name], rtol=0, atol=case["tol"], err_msg=name)


def test_dense_without_the_transpose_is_called_wrong(figures: Figures, kit: Any) -> None:
    case = figures["dense_batch"]
    inputs, weights, biases, dvalues, wrong = arrays(
        case, "inputs", "weights", "biases", "dvalues", "wrong_dinputs_without_transpose"
    )
    dense = kit.Dense(weights.T, biases)
    dense.forward(inputs)
    dense.backward(dvalues)
    assert_allclose(weights.T @ dvalues, wrong, rtol=0, atol=case["tol"], err_msg="the slip is the one described")
    assert wrong.T.shape == dense.dinputs.shape, "only because there are as many samples as neurons"
    for slip in (wrong, wrong.T):
        with pytest.raises(AssertionError):
            assert_allclose(dense.dinputs, slip, rtol=0, atol=case["tol"])


def test_relu_batch(figures: Figures, kit: Any) -> None:
    case = figures["relu_batch"]
    z, dvalues, mask = arrays(case, "z", "dvalues", "mask")
    relu = kit.ReLU()
    relu.forward(z)
    relu.backward(dvalues)
    assert_array_equal(relu.output, z * mask)
    assert_array_equal(relu.dinputs, case["dinputs"])
    relu.backward(np.ones_like(z))
    assert_array_equal(relu.dinputs, mask)


def test_dense_relu_step(figures: Figures, kit: Any) -> None:
    case = figures["dense_relu_step"]
    inputs, weights, biases = arrays(case, "inputs", "weights", "biases")
    dense, relu = kit.Dense(weights.T, biases), kit.ReLU()
    relu.forward(dense.forward(inputs))
    dense.backward(relu.backward(relu.output))
    weights_after = dense.weights - case["step"] * dense.dweights
    biases_after = dense.biases - case["step"] * dense.dbiases
    assert_allclose(weights_after, case["weights_after"], rtol=0, atol=case["tol"])
    assert_allclose(biases_after, case["biases_after"], rtol=0, atol=case["tol"])


# Losses.


@pytest.mark.parametrize("kind", ["sparse", "one-hot"])
def test_cce(figures: Figures, kit: Any, kind: str) -> None:
    case = figures["cce"]
    (predictions,) = arrays(case, "y_pred")
    labels = np.array(case["labels"]) if kind == "sparse" else one_hot(case["labels"], 4)
    loss = kit.CategoricalCrossEntropy()
    loss.backward(predictions, labels)
    assert_allclose(loss.dinputs, case["dinputs"], rtol=0, atol=case["tol"])
    assert_allclose(loss.dinputs * len(predictions), case["dinputs_per_sample"], rtol=0, atol=case["tol"])


@pytest.mark.parametrize("kind", ["sparse", "one-hot"])
def test_cce_after_forward(figures: Figures, kind: str) -> None:
    case = figures["cce"]
    (predictions,) = arrays(case, "y_pred")
    labels = np.array(case["labels"]) if kind == "sparse" else one_hot(case["labels"], 4)
    loss = layers.CategoricalCrossEntropy()
    assert_allclose(loss.forward(predictions, labels), -np.log([0.5, 0.4, 0.4]).mean(), rtol=1e-15)
    assert_allclose(loss.backward(), case["dinputs"], rtol=0, atol=case["tol"])
    assert_allclose(loss.backward(3.0), case["dinputs_per_sample"], rtol=0, atol=case["tol"])


@pytest.mark.parametrize("kind", ["sparse", "one-hot"])
def test_softmax_cce(figures: Figures, kit: Any, kind: str) -> None:
    case = figures["softmax_cce"]
    (probabilities,) = arrays(case, "softmax_outputs")
    labels = np.array(case["labels"]) if kind == "sparse" else one_hot(case["labels"], 3)
    loss = kit.SoftmaxCategoricalCrossEntropy()
    loss.backward(probabilities, labels)
    assert_allclose(loss.dinputs, case["dinputs"], rtol=0, atol=case["tol"])


def test_softmax_cce_is_softmax_then_cce(figures: Figures, kit: Any) -> None:
    case = figures["softmax_cce"]
    (probabilities,) = arrays(case, "softmax_outputs")
    labels = np.array(case["labels"])
    combined, activation, loss = kit.SoftmaxCategoricalCrossEntropy(), kit.Softmax(), kit.CategoricalCrossEntropy()
    assert_allclose(activation.forward(np.log(probabilities)), probabilities, rtol=1e-14)
    separate = activation.backward(loss.backward(probabilities, labels))
    together = combined.backward(probabilities, labels)
    combined_dinputs, separate_dinputs = np.asarray(combined.dinputs), np.asarray(activation.dinputs)
    assert together is combined.dinputs
    assert separate is activation.dinputs
    # The notebook saw 3.5e-18; a few rounding errors of numbers below 0.2 is what can be promised.
    assert_allclose(combined_dinputs, separate_dinputs, rtol=0, atol=8 * np.finfo(float).eps * 0.2)


# The spiral network.


def spirals() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return points, labels and the two layers' starting weights, from the random numbers in the figures' order."""
    random = np.random.RandomState(39)
    points = []
    for arm in range(3):
        t = np.linspace(4 * arm, 4 * (arm + 1), 100) + 0.2 * random.randn(100)
        r = np.linspace(0, 1, 100)
        points.append(np.column_stack([r * np.sin(2.5 * t), r * np.cos(2.5 * t)]))
    weights1, weights2 = 0.01 * random.randn(2, 3), 0.01 * random.randn(3, 3)
    return np.concatenate(points), np.repeat(np.arange(3), 100), weights1, weights2


class SpiralNetwork:
    """Dense, ReLU, dense, then softmax and cross-entropy, combined or in turn; forward and backward have run."""

    def __init__(self, kit: Any, dtype: type, combined: bool) -> None:
        points, self.labels, *weights = spirals()
        biases = np.zeros((1, 3), dtype)
        self.dense1, self.dense2 = (kit.Dense(w.astype(dtype), biases) for w in weights)
        relu = kit.ReLU()
        logits = self.dense2.forward(relu.forward(self.dense1.forward(points.astype(dtype))))
        if combined:
            end = kit.SoftmaxCategoricalCrossEntropy()
            self.loss = end.forward(logits, self.labels)
            self.output = end.probabilities
            end.backward(end.probabilities, self.labels)
            dlogits = end.dinputs
        else:
            activation, end = kit.Softmax(), kit.CategoricalCrossEntropy()
            self.output = activation.forward(logits)
            self.loss = end.forward(self.output, self.labels)
            end.backward(self.output, self.labels)
            activation.backward(end.dinputs)
            dlogits = activation.dinputs
        self.dense2.backward(dlogits)
        relu.backward(self.dense2.dinputs)
        self.dense1.backward(relu.dinputs)

    def accuracy(self) -> float:
        return float(np.mean(np.argmax(self.output, axis=1) == self.labels))


@pytest.mark.parametrize("combined", [True, False], ids=["combined", "separate"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_spiral_network(figures: Figures, kit: Any, dtype: type, combined: bool) -> None:
    case = figures["spiral_net"]
    network = SpiralNetwork(kit, dtype, combined)
    assert_allclose(network.output[:5], case["output_first5"], rtol=0, atol=1e-7)
    assert_allclose(network.loss, case["loss"], rtol=0, atol=1e-7)
    for number, dense in ((1, network.dense1), (2, network.dense2)):
        assert_allclose(dense.dweights, case[f"dense{number}_dweights"], rtol=0, atol=case["tol_weights"])
        assert_allclose(dense.dbiases, case[f"dense{number}_dbiases"], rtol=0, atol=case["tol_biases"])


def test_spiral_network_accuracy(figures: Figures, kit: Any) -> None:
    assert SpiralNetwork(kit, np.float32, combined=False).accuracy() == figures["spiral_net"]["accuracy_float32"]
    assert SpiralNetwork(kit, np.float64, combined=False).accuracy() == 0.31666666666666665


# The deep network on column vectors.


def column_parameters() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the matrices and vectors of the deep network, from the random numbers in the figures' order."""
    normal = np.random.RandomState(0).normal
    first, last = normal(size=(6, 1)), normal(size=(1, 6))
    beta_first, beta_last = normal(size=(6, 1)), normal(size=(1, 1))
    omegas, betas = [first], [beta_first]
    for _ in range(4):
        omegas.append(normal(size=(6, 6)))
        betas.append(normal(size=(6, 1)))
    return [*omegas, last], [*betas, beta_last]


class GeneratedColumnNetwork:
    """The twin of the handwritten network: its layers and its loss are generated from definitions that were typed."""

    def __init__(self, omegas: list[np.ndarray], betas: list[np.ndarray]) -> None:
        self.omegas, self.betas = omegas, betas

    def forward(self, x: np.ndarray, y: np.ndarray) -> Any:
        self.h, self.f, self.pullbacks = [x], [], []
        for k, (omega, beta) in enumerate(zip(self.omegas, self.betas, strict=True)):
            if k > 0:
                h, relu_back = codegen.vjp("relu", self.f[-1])
                self.h.append(h)
                self.pullbacks.append(relu_back)
            f, dense_back = codegen.vjp(COLUMN_DENSE, beta[:, 0], omega, self.h[-1])
            self.f.append(f)
            self.pullbacks.append(dense_back)
        self.output = self.f[-1]
        self.loss, self.loss_back = codegen.vjp(LEAST_SQUARES, self.output, y)
        return self.loss

    def backward(self) -> None:
        layers_count = len(self.omegas)
        self.dl_dh: list[Any] = [None] * layers_count
        self.dl_domega: list[Any] = [None] * layers_count
        self.dl_dbeta: list[Any] = [None] * layers_count
        pullbacks = list(self.pullbacks)
        dl_df, _ = self.loss_back(1.0)
        for k in reversed(range(layers_count)):
            dbeta, self.dl_domega[k], self.dl_dh[k] = pullbacks.pop()(dl_df)
            self.dl_dbeta[k] = dbeta[:, None]
            if k > 0:
                (dl_df,) = pullbacks.pop()(self.dl_dh[k])


@pytest.fixture(params=[GeneratedColumnNetwork, ColumnNetwork], ids=["generated", "handwritten"])
def make_column_network(request: pytest.FixtureRequest) -> Callable[..., Any]:
    maker: Callable[..., Any] = request.param
    return maker


def run_column_network(make: Callable[..., Any], case: Figures) -> Any:
    network = make(*column_parameters())
    network.forward(np.array([[case["net_input"]]]), np.array([[case["y"]]]))
    network.backward()
    return network


def test_deep_column_network(figures: Figures, make_column_network: Callable[..., Any]) -> None:
    case = figures["deep_column_net"]
    network = run_column_network(make_column_network, case)
    tolerance = {"rtol": 0, "atol": case["tol"]}
    assert_allclose(network.output[0, 0], case["output"], **tolerance)
    assert_allclose(network.loss, case["loss"], **tolerance)
    for computed, printed in zip(network.f, case["f"], strict=True):
        assert_allclose(computed[:, 0], printed, **tolerance)
    for k, printed in case["dl_dh"].items():
        assert_allclose(network.dl_dh[int(k)][:, 0], printed, **tolerance)
    for k, printed in case["dl_dbeta"].items():
        assert_allclose(network.dl_dbeta[int(k)][:, 0], printed, **tolerance)


def test_deep_column_network_finite_differences(figures: Figures, make_column_network: Callable[..., Any]) -> None:
    make = make_column_network
    case = figures["deep_column_net"]
    network = run_column_network(make, case)
    x, y = np.array([[case["net_input"]]]), np.array([[case["y"]]])
    step, rtol, atol = (case["finite_difference"][name] for name in ("step", "rtol", "atol"))

    def loss_at(kind: str, k: int, place: tuple[int, ...], change: float) -> float:
        parameters = dict(zip(("omega", "beta"), column_parameters(), strict=True))
        parameters[kind][k][place] += change
        return float(make(parameters["omega"], parameters["beta"]).forward(x, y))

    checked = 0
    for kind, gradients in (("omega", network.dl_domega), ("beta", network.dl_dbeta)):
        for k, gradient in enumerate(gradients):
            for place in np.ndindex(gradient.shape):
                difference = (loss_at(kind, k, place, step) - loss_at(kind, k, place, -step)) / (2 * step)
                assert_allclose(gradient[place], difference, rtol=rtol, atol=atol, err_msg=f"{kind}[{k}]{place}")
                checked += 1
    assert checked == 6 + 4 * 36 + 6 + 6 + 4 * 6 + 1


def test_deep_column_network_is_its_handwritten_twin(figures: Figures) -> None:
    case = figures["deep_column_net"]
    generated, twin = (run_column_network(make, case) for make in (GeneratedColumnNetwork, ColumnNetwork))
    for name in ("f", "h", "dl_dh", "dl_domega", "dl_dbeta"):
        for mine, other in zip(getattr(generated, name), getattr(twin, name), strict=True):
            assert_allclose(mine, other, rtol=1e-12, atol=1e-12, err_msg=name)
