"""Generated layers against their handwritten twins, and what layers promise beside the right numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import handwritten.layers as by_hand
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import derive
from codegen import layers
from codegen.layers import (
    CategoricalCrossEntropy,
    Dense,
    Layer,
    ReLU,
    Softmax,
    SoftmaxCategoricalCrossEntropy,
)
from derive.errors import InputError

Rng = np.random.Generator
#: Samples, inputs, neurons or classes: distinct primes, and each of them 1 in turn.
SIZES = [(5, 3, 7), (1, 3, 7), (5, 1, 7), (5, 3, 1), (1, 1, 1)]


# What a twin is fed, and how the two are run.


@dataclass(frozen=True)
class Run:
    """What a layer made of one input: everything that is compared."""

    output: Any
    gradients: dict[str, Any]


def run_dense(make: Callable[..., Any], sizes: tuple[int, int, int], rng: Rng) -> Run:
    samples, n_inputs, n_neurons = sizes
    weights, biases = rng.normal(size=(n_inputs, n_neurons)), rng.normal(size=(1, n_neurons))
    layer = make(weights, biases)
    output = layer.forward(rng.normal(size=(samples, n_inputs)))
    layer.backward(rng.normal(size=(samples, n_neurons)))
    return Run(output, {name: getattr(layer, name) for name in ("dinputs", "dweights", "dbiases")})


def run_activation(make: Callable[..., Any], sizes: tuple[int, int, int], rng: Rng) -> Run:
    shape = (sizes[0], sizes[2])
    inputs = rng.normal(size=shape)
    inputs[rng.random(size=shape) < 0.3] = 0.0  # the kink of ReLU
    layer = make()
    output = layer.forward(inputs)
    layer.backward(rng.normal(size=shape))
    return Run(output, {"dinputs": layer.dinputs})


def run_loss(make: Callable[..., Any], sizes: tuple[int, int, int], rng: Rng, labels: str, logits: bool) -> Run:
    samples, _, classes = sizes
    inputs = rng.normal(size=(samples, classes))
    probabilities = np.exp(inputs) / np.exp(inputs).sum(axis=1, keepdims=True)
    wanted = rng.integers(0, classes, samples)
    targets = {
        "sparse": lambda: wanted,
        "one-hot": lambda: np.eye(classes)[wanted],
        "soft": lambda: rng.dirichlet(np.ones(classes), samples),
    }[labels]()
    layer = make()
    output = layer.forward(inputs if logits else probabilities, targets)
    layer.backward(layer.probabilities if logits else probabilities, targets)
    return Run(output, {"dinputs": layer.dinputs})


def run_elementwise_loss(make: Callable[..., Any], sizes: tuple[int, int, int], rng: Rng, logits: bool) -> Run:
    shape = (sizes[0], sizes[2])
    inputs = rng.normal(size=shape) if logits else rng.uniform(0.05, 0.95, size=shape)
    targets = rng.uniform(size=shape).round(1)
    layer = make()
    output = layer.forward(inputs, targets)
    layer.backward(layer.probabilities if logits else inputs, targets)
    return Run(output, {"dinputs": layer.dinputs})


def generated_dense(weights: np.ndarray, biases: np.ndarray) -> Layer:
    dense = Dense(*weights.shape)
    dense.weights, dense.biases = weights, biases
    return dense


LABELS = ("sparse", "one-hot", "soft")


@dataclass(frozen=True)
class Twins:
    """A generated layer, the one written by hand, and how both are run."""

    generated: Callable[..., Any]
    handwritten: Callable[..., Any]
    run: Callable[..., Run]
    options: dict[str, Any]


TWINS = {
    "dense": Twins(generated_dense, by_hand.Dense, run_dense, {}),
    "relu": Twins(ReLU, by_hand.ReLU, run_activation, {}),
    **{
        name: Twins(getattr(layers, kind), getattr(by_hand, kind), run_activation, {})
        for name, kind in {
            "leaky-relu": "LeakyReLU",
            "sigmoid": "Sigmoid",
            "tanh": "Tanh",
            "softplus": "Softplus",
            "silu": "SiLU",
            "gelu": "GELU",
            "softmax": "Softmax",
            "log-softmax": "LogSoftmax",
        }.items()
    },
    "mse": Twins(layers.MeanSquaredError, by_hand.MeanSquaredError, run_elementwise_loss, {"logits": False}),
    "bce": Twins(layers.BinaryCrossEntropy, by_hand.BinaryCrossEntropy, run_elementwise_loss, {"logits": False}),
    "bce-logits": Twins(
        layers.SigmoidBinaryCrossEntropy, by_hand.SigmoidBinaryCrossEntropy, run_elementwise_loss, {"logits": True}
    ),
    **{
        f"nll {labels}": Twins(
            layers.NegativeLogLikelihood, by_hand.NegativeLogLikelihood, run_loss, {"labels": labels, "logits": False}
        )
        for labels in LABELS
    },
    **{
        f"cce {labels}": Twins(
            CategoricalCrossEntropy,
            by_hand.CategoricalCrossEntropy,
            run_loss,
            {"labels": labels, "logits": False},
        )
        for labels in LABELS
    },
    **{
        f"softmax-cce {labels}": Twins(
            SoftmaxCategoricalCrossEntropy,
            by_hand.SoftmaxCategoricalCrossEntropy,
            run_loss,
            {"labels": labels, "logits": True},
        )
        for labels in LABELS
    },
}


def hold_against(twins: Twins, handwritten: Callable[..., Any], sizes: tuple[int, int, int]) -> None:
    """Run the generated layer and a handwritten one on the same numbers and compare to 1e-12."""
    mine = twins.run(twins.generated, sizes, np.random.default_rng(7), **twins.options)
    other = twins.run(handwritten, sizes, np.random.default_rng(7), **twins.options)
    assert_allclose(mine.output, other.output, rtol=1e-12, atol=1e-12)
    assert mine.gradients.keys() == other.gradients.keys()
    for name, gradient in mine.gradients.items():
        assert gradient.shape == other.gradients[name].shape, name
        assert gradient.dtype == np.float64, name
        assert_allclose(gradient, other.gradients[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", TWINS)
def test_generated_layer_is_its_handwritten_twin(name: str, sizes: tuple[int, int, int]) -> None:
    hold_against(TWINS[name], TWINS[name].handwritten, sizes)


# Twins with one deliberate mistake each: the comparison above must see it.


class DenseWithMeanOfBiases(by_hand.Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = dvalues.mean(axis=0, keepdims=True)


class DenseWithDweightsPerSample(by_hand.Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dweights = self.dweights / len(dvalues)


class DenseSlightlyOff(by_hand.Dense):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dinputs = self.dinputs * 1.0005


class DenseWithoutBiases(by_hand.Dense):
    def forward(self, inputs):
        super().forward(inputs)
        self.output = inputs @ self.weights
        return self.output


class ReLUWithTheOtherSide(by_hand.ReLU):
    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs >= 0, dvalues, 0)


class ReLUThatLeaks(by_hand.ReLU):
    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0.01 * dvalues)


class SigmoidWithoutItsComplement(by_hand.Sigmoid):
    def backward(self, dvalues):
        self.dinputs = dvalues * self.output


class TanhWithoutTheSquare(by_hand.Tanh):
    def backward(self, dvalues):
        self.dinputs = dvalues * (1 - self.output)


class LeakyReLUThatLeaksMore(by_hand.LeakyReLU):
    def backward(self, dvalues):
        self.dinputs = np.where(self.inputs > 0, dvalues, 0.02 * dvalues)


class SoftplusByTheOtherSigmoid(by_hand.Softplus):
    def backward(self, dvalues):
        self.dinputs = dvalues / (1 + np.exp(self.inputs))


class SiLUAsIfTheGateWereGiven(by_hand.SiLU):
    def backward(self, dvalues):
        self.dinputs = dvalues * self.gates


class GELUWithoutTheDensity(by_hand.GELU):
    def backward(self, dvalues):
        self.dinputs = dvalues * self.below


class LogSoftmaxWithTheMean(by_hand.LogSoftmax):
    def backward(self, dvalues):
        self.dinputs = dvalues - np.exp(self.output) * np.mean(dvalues, axis=1, keepdims=True)


class MeanSquaredErrorPerSample(by_hand.MeanSquaredError):
    def backward(self, predictions, targets):
        self.dinputs = 2 * (predictions - targets) / len(predictions)


class BinaryCrossEntropyOfLogits(by_hand.BinaryCrossEntropy):
    def backward(self, predictions, labels):
        self.dinputs = (predictions - labels) / predictions.size


class SigmoidBinaryCrossEntropyAsIfAlone(by_hand.SigmoidBinaryCrossEntropy):
    def backward(self, probabilities, labels):
        self.dinputs = by_hand.BinaryCrossEntropy().backward(probabilities, labels)


class LikelihoodOfProbabilities(by_hand.NegativeLogLikelihood):
    def backward(self, predictions, labels):
        super().backward(predictions, labels)
        self.dinputs = self.dinputs / predictions


class SoftmaxByItsDiagonal(by_hand.Softmax):
    def backward(self, dvalues):
        self.dinputs = self.output * (1 - self.output) * dvalues


class SoftmaxOverSamples(by_hand.Softmax):
    def forward(self, inputs):
        self.output = super().forward(inputs.T).T
        return self.output


class CrossEntropyNotAveraged(by_hand.CategoricalCrossEntropy):
    def backward(self, predictions, labels):
        super().backward(predictions, labels)
        self.dinputs = self.dinputs * len(predictions)


class CrossEntropyOfTheWrongSign(by_hand.CategoricalCrossEntropy):
    def backward(self, predictions, labels):
        super().backward(predictions, labels)
        self.dinputs = -self.dinputs


class CombinedAsIfAlone(by_hand.SoftmaxCategoricalCrossEntropy):
    def backward(self, probabilities, labels):
        self.dinputs = self.loss.backward(probabilities, labels)


class CombinedNotAveraged(by_hand.SoftmaxCategoricalCrossEntropy):
    def backward(self, probabilities, labels):
        super().backward(probabilities, labels)
        self.dinputs = self.dinputs * len(probabilities)


MUTANTS = [
    *(("dense", m) for m in (DenseWithMeanOfBiases, DenseWithDweightsPerSample, DenseSlightlyOff, DenseWithoutBiases)),
    *(("relu", m) for m in (ReLUWithTheOtherSide, ReLUThatLeaks)),
    ("sigmoid", SigmoidWithoutItsComplement),
    ("tanh", TanhWithoutTheSquare),
    ("leaky-relu", LeakyReLUThatLeaksMore),
    ("softplus", SoftplusByTheOtherSigmoid),
    ("silu", SiLUAsIfTheGateWereGiven),
    ("gelu", GELUWithoutTheDensity),
    ("log-softmax", LogSoftmaxWithTheMean),
    ("mse", MeanSquaredErrorPerSample),
    ("bce", BinaryCrossEntropyOfLogits),
    ("bce-logits", SigmoidBinaryCrossEntropyAsIfAlone),
    *((f"nll {labels}", LikelihoodOfProbabilities) for labels in LABELS),
    *(("softmax", m) for m in (SoftmaxByItsDiagonal, SoftmaxOverSamples)),
    *((f"cce {labels}", m) for labels in LABELS for m in (CrossEntropyNotAveraged, CrossEntropyOfTheWrongSign)),
    *((f"softmax-cce {labels}", m) for labels in LABELS for m in (CombinedAsIfAlone, CombinedNotAveraged)),
]


@pytest.mark.parametrize(("name", "mutant"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_mutated_twin_is_caught(name: str, mutant: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError):
        hold_against(TWINS[name], mutant, SIZES[0])


# What is set and what is returned.


def test_dense_sets_and_returns(rng: Rng) -> None:
    dense = Dense(3, 7, seed=1)
    inputs = rng.normal(size=(5, 3))
    output = dense.forward(inputs)
    assert output is dense.output
    assert dense.inputs is inputs
    returned = dense.backward(rng.normal(size=(5, 7)))
    assert len(returned) == 3
    for value, name in zip(returned, ("dinputs", "dweights", "dbiases"), strict=True):
        assert value is getattr(dense, name)
    assert [value.shape for value in returned] == [(5, 3), (3, 7), (1, 7)]


def test_activation_returns_its_only_gradient(rng: Rng) -> None:
    for layer in (ReLU(), Softmax()):
        layer.forward(rng.normal(size=(5, 3)))
        returned = layer.backward(rng.normal(size=(5, 3)))
        assert returned is layer.dinputs
        assert isinstance(returned, np.ndarray)


def test_loss_backward_in_its_four_ways(rng: Rng) -> None:
    logits, labels = rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    loss = SoftmaxCategoricalCrossEntropy()
    value = loss.forward(logits, labels)
    assert np.ndim(value) == 0
    assert value == loss.output
    assert loss.probabilities.shape == (5, 3)
    assert_allclose(loss.probabilities.sum(axis=1), 1.0, rtol=1e-15)
    default = loss.backward()
    assert_array_equal(loss.backward(1.0), default)
    assert_array_equal(loss.backward(np.float64(1)), default)
    assert_allclose(loss.backward(2), 2 * default, rtol=1e-15)
    assert_array_equal(SoftmaxCategoricalCrossEntropy().backward(loss.probabilities, labels), default)
    alone = CategoricalCrossEntropy()
    alone.forward(loss.probabilities, labels)
    assert_array_equal(CategoricalCrossEntropy().backward(loss.probabilities, labels), alone.backward())


def test_forward_twice_then_backward_uses_the_last(rng: Rng) -> None:
    first, last, upstream = rng.normal(size=(5, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    for make in (ReLU, Softmax):
        once, twice = make(), make()
        twice.forward(first)
        twice.forward(last)
        once.forward(last)
        assert_array_equal(twice.backward(upstream), once.backward(upstream))


def test_labels_may_change_their_form_between_calls(rng: Rng) -> None:
    logits, labels = rng.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    loss = SoftmaxCategoricalCrossEntropy()
    sparse = loss.forward(logits, labels), loss.backward()
    one_hot = loss.forward(logits, np.eye(3)[labels]), loss.backward()
    assert_allclose(sparse[0], one_hot[0], rtol=1e-14)
    assert_allclose(sparse[1], one_hot[1], rtol=1e-13, atol=1e-16)


# Parameters.


def test_dense_starts_from_its_seed() -> None:
    dense = Dense(40, 50, seed=3)
    assert dense.weights.shape == (40, 50)
    assert_array_equal(dense.biases, np.zeros((1, 50)))
    assert dense.weights.std() == pytest.approx(0.01, rel=0.05)
    assert_array_equal(dense.weights, Dense(40, 50, seed=3).weights)
    assert_array_equal(dense.weights, Dense(n_inputs=40, n_neurons=50, seed=np.random.default_rng(3)).weights)
    assert not np.array_equal(dense.weights, Dense(40, 50, seed=4).weights)


@pytest.mark.parametrize("shape", [(7,), (1, 7)])
def test_biases_of_either_shape(rng: Rng, shape: tuple[int, ...]) -> None:
    dense = Dense(3, 7, seed=1)
    dense.biases = rng.normal(size=shape)
    inputs, upstream = rng.normal(size=(5, 3)), rng.normal(size=(5, 7))
    assert_allclose(dense.forward(inputs), inputs @ dense.weights + dense.biases, rtol=1e-13)
    dense.backward(upstream)
    assert dense.dbiases.shape == shape
    assert_allclose(dense.dbiases.ravel(), upstream.sum(axis=0), rtol=1e-13)


def test_a_step_in_place_trains(rng: Rng) -> None:
    dense, loss = Dense(2, 3, seed=5), SoftmaxCategoricalCrossEntropy()
    points, labels = rng.normal(size=(60, 2)), rng.integers(0, 3, 60)
    points[np.arange(60), labels % 2] += 2.0 * labels
    losses = []
    for _ in range(50):
        losses.append(float(loss.forward(dense.forward(points), labels)))
        dense.backward(loss.backward())
        dense.weights -= 0.5 * dense.dweights
        dense.biases -= 0.5 * dense.dbiases
    assert losses[-1] < 0.6 * losses[0]


# Any operation is a layer.


def test_layer_of_a_typed_definition(rng: Rng) -> None:
    omega, beta = rng.normal(size=(7, 3)), rng.normal(size=7)
    layer = Layer("f[k,n] = b[k] + sum(w[k,d]*h[d,n], d)", parameters={"w": omega, "b": beta})
    h, upstream = rng.normal(size=(3, 5)), rng.normal(size=(7, 5))
    assert_allclose(layer.forward(h), beta[:, None] + omega @ h, rtol=1e-13)
    assert layer.inputs is h
    db, dw, dinputs = layer.backward(upstream)
    assert (db is layer.db, dw is layer.dw, dinputs is layer.dinputs) == (True, True, True)
    assert_allclose(db, upstream.sum(axis=1), rtol=1e-13)
    assert_allclose(dw, upstream @ h.T, rtol=1e-13)
    assert_allclose(dinputs, omega.T @ upstream, rtol=1e-13)


def test_layer_of_two_inputs(rng: Rng) -> None:
    a, b, upstream = (rng.normal(size=(5, 3)) for _ in range(3))
    layer = Layer("mul")
    assert_array_equal(layer.forward(a, b), a * b)
    da, db = layer.backward(upstream)
    assert_array_equal(da, upstream * b)
    assert_array_equal(db, upstream * a)
    assert (layer.da is da, layer.db is db) == (True, True)


def test_names_of_a_layer_s_own(rng: Rng) -> None:
    output, upstream = rng.normal(size=3), rng.normal(size=3)
    layer = Layer("y = output**2", names={"output": "before"})
    assert_allclose(layer.forward(output), output**2, rtol=1e-15)
    assert layer.before is output
    assert_allclose(layer.backward(upstream), 2 * upstream * output, rtol=1e-15)
    assert layer.dbefore.shape == (3,)


def test_loss_of_a_typed_definition(rng: Rng) -> None:
    f, y = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    layer = Layer("L = sum((f[k,n] - y[k,n])**2, k, n)")
    assert_allclose(layer.forward(f, y), np.sum((f - y) ** 2), rtol=1e-13)
    df, dy = layer.backward()
    assert_allclose(df, 2 * (f - y), rtol=1e-13)
    assert_allclose(dy, -2 * (f - y), rtol=1e-13)
    restated = Layer("L = sum((f[k,n] - y[k,n])**2, k, n)").backward(f, y)
    assert_array_equal(restated[0], df)


def test_layers_are_data() -> None:
    rows = [value for value in vars(layers).values() if isinstance(value, layers.LayerKind)]
    assert len(rows) >= 5
    for row in rows:
        arguments = derive.find(row.operations[0]).record.arguments
        assert type(row(*range(2, 2 + len(arguments)))) is Layer


def test_repr() -> None:
    assert repr(Dense(2, 3)) == "Layer(dense, weights (2, 3), biases (1, 3))"
    assert repr(CategoricalCrossEntropy()) == "Layer(cce or cce-sparse)"


# Dtypes and the caller's arrays.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(rng: Rng, dtype: type) -> None:
    inputs = rng.normal(size=(5, 3)).astype(dtype)
    dense, relu, softmax = Dense(3, 7, dtype=dtype), ReLU(), Softmax()
    output = softmax.forward(relu.forward(dense.forward(inputs)))
    dense.backward(relu.backward(softmax.backward(np.ones_like(output))))
    for layer in (dense, relu, softmax):
        assert layer.output.dtype == dtype
        assert layer.dinputs.dtype == dtype
    assert dense.dweights.dtype == dtype
    assert dense.dbiases.dtype == dtype
    for labels in (np.array([0, 1, 2, 1, 0]), np.eye(7, dtype=int)[:5], np.eye(7, dtype=bool)[:5]):
        for loss in (CategoricalCrossEntropy(), SoftmaxCategoricalCrossEntropy()):
            assert loss.forward(output, labels).dtype == dtype
            assert loss.backward().dtype == dtype
            assert loss.backward(0.5).dtype == dtype
            assert loss.backward(output, labels).dtype == dtype


def test_whole_numbers_and_lists_are_taken() -> None:
    relu = ReLU()
    assert_array_equal(relu.forward([[1, -2], [3, 0]]), [[1.0, 0.0], [3.0, 0.0]])
    assert relu.output.dtype == np.float64
    assert_array_equal(relu.backward([[5, 6], [7, 8]]), [[5.0, 0.0], [7.0, 0.0]])
    loss = CategoricalCrossEntropy()
    assert loss.forward([[0.25, 0.75]], [1]) == pytest.approx(-np.log(0.75))


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def test_arguments_are_not_written_to(rng: Rng) -> None:
    def draw(*shape: int) -> np.ndarray:
        return frozen(rng.normal(size=shape))

    dense = Dense(3, 7)
    dense.weights, dense.biases = draw(3, 7), draw(1, 7)
    labels, rows = frozen(np.array([0, 1, 2, 1, 0])), frozen(np.eye(7)[:5])
    kept = {name: value.copy() for name, value in dense.parameters.items()}
    for layer in (dense, ReLU(), Softmax()):
        inputs, upstream = draw(5, 3), draw(5, 7 if layer is dense else 3)
        before = inputs.copy(), upstream.copy()
        layer.forward(inputs)
        layer.output.flags.writeable = False
        layer.backward(upstream)
        assert_array_equal(inputs, before[0])
        assert_array_equal(upstream, before[1])
    for name, value in kept.items():
        assert_array_equal(dense.parameters[name], value)
    probabilities = frozen(np.full((5, 7), 1 / 7))
    for loss in (CategoricalCrossEntropy(), SoftmaxCategoricalCrossEntropy()):
        for targets in (labels, rows):
            loss.forward(probabilities, targets)
            loss.backward()
            loss.backward(probabilities, targets)
    assert_array_equal(labels, [0, 1, 2, 1, 0])
    assert_array_equal(rows, np.eye(7)[:5])
    assert_array_equal(probabilities, np.full((5, 7), 1 / 7))


# Extreme logits.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", ["sparse", "one-hot"])
def test_extreme_logits(dtype: type, labels: str) -> None:
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]], dtype)
    wanted = np.array([1, 0, 0])
    loss = SoftmaxCategoricalCrossEntropy()
    value = loss.forward(logits, wanted if labels == "sparse" else np.eye(3, dtype=dtype)[wanted])
    expected = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1 / 2, 1 / 2, 0]])
    eps = float(np.finfo(dtype).eps)
    assert_allclose(loss.probabilities, expected, rtol=8 * eps, atol=0)
    assert_allclose(value, (2e4 + np.log(3) + np.log(2)) / 3, rtol=8 * eps)
    assert_allclose(loss.backward(), (expected - np.eye(3)[wanted]) / 3, rtol=8 * eps, atol=8 * eps)
    assert_allclose(Softmax().forward(logits), expected, rtol=8 * eps, atol=0)


# Errors.

BAD_CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "inputs of another width": (
        lambda: Dense(3, 7).forward(np.ones((5, 4))),
        "dense: index d has size 4 (axis 1 of x) and 3 (axis 0 of w)",
    ),
    "too few axes": (
        lambda: Dense(3, 7).forward(np.float64(3.0)),
        "dense: x has 0 axes; it takes 1 or more (..., D)",
    ),
    "biases of another width": (
        lambda: set_and_run(Dense(3, 7), biases=np.ones((1, 6))),
        "dense: index k has size 7 (axis 1 of w) and 6 (axis 0 of b)",
    ),
    "upstream of another width": (
        lambda: run_then_back(Dense(3, 7), (np.ones((5, 3)),), np.ones((5, 6))),
        "dense: the upstream gradient has shape (5, 6) and the output (5, 7)",
    ),
    "upstream of another rank": (
        lambda: run_then_back(ReLU(), (np.ones((5, 3)),), np.ones(5)),
        "relu: the upstream gradient has shape (5,) and the output (5, 3)",
    ),
    "no upstream": (
        lambda: run_then_back(Dense(3, 7), (np.ones((5, 3)),)),
        "dense: the output has shape (5, 7); the pullback needs an upstream gradient of it",
    ),
    "several upstreams": (
        lambda: run_then_back(Dense(3, 7), (np.ones((5, 3)),), np.ones((5, 7)), np.ones((5, 7))),
        "dense: backward takes one upstream gradient and was given 2 arrays",
    ),
    "backward before forward": (
        lambda: Dense(3, 7).backward(np.ones((5, 7))),
        "dense: backward needs what forward keeps; call forward first",
    ),
    "loss backward before forward": (
        lambda: CategoricalCrossEntropy().backward(),
        "cce: backward needs what forward keeps; call forward first",
    ),
    "label too large": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25), np.array([0, 1, 4])),
        "cce-sparse: t[2] is 4, and index k has size 4 (axis 1 of p): labels run from 0 to 3",
    ),
    "label negative": (
        lambda: SoftmaxCategoricalCrossEntropy().forward(np.zeros((3, 4)), np.array([0, -1, 1])),
        "softmax-cce-sparse: t[1] is -1, and index k has size 4 (axis 1 of z): labels run from 0 to 3",
    ),
    "label too large, backward alone": (
        lambda: SoftmaxCategoricalCrossEntropy().backward(np.full((3, 4), 0.25), np.array([0, 1, 4])),
        "softmax-cce-sparse: t[2] is 4, and index k has size 4 (axis 1 of p): labels run from 0 to 3",
    ),
    "labels for other samples": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25), np.array([0, 1])),
        "cce-sparse: the leading axes of p are (3,) and those of t (2,); they must be the same",
    ),
    "one-hot rows for other classes": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25), np.eye(3)),
        "cce: index k has size 4 (axis 1 of p) and 3 (axis 1 of t)",
    ),
    "labels of neither form": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25), np.ones((3, 4, 1))),
        "cce: p has 2 axes and t has 3 axes; cce takes p (..., K), t (..., K) or cce-sparse takes p (..., K), t (...)",
    ),
    "labels that are not whole numbers": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25), np.array([0.0, 1.0, 2.0])),
        "cce-sparse: t holds labels, which are whole numbers, not float64",
    ),
    "rows of different lengths": (
        lambda: CategoricalCrossEntropy().forward([[0.5, 0.5], [1.0]], [0, 0]),
        "cce: p is no array: its rows have different lengths",
    ),
    "words": (
        lambda: ReLU().forward(np.array(["a"])),
        "relu: x holds real numbers, not <U1",
    ),
    "predictions without labels": (
        lambda: CategoricalCrossEntropy().forward(np.full((3, 4), 0.25)),
        "cce: forward takes p, t and was given 1 arguments",
    ),
    "shapes that do not broadcast": (
        lambda: Layer("mul").forward(np.ones((5, 3)), np.ones(4)),
        "mul: sizes 3 (axis 1 of a) and 4 (axis 0 of b) do not broadcast",
    ),
    "no such parameter": (
        lambda: Layer("dense", parameters={"u": np.ones(3)}),
        "dense has no input 'u'; its inputs are x, w, b",
    ),
    "no such tensor for backward": (
        lambda: Layer("cce", backward_takes=("q", "t")),
        "cce has no 'q' that its backward pass could take",
    ),
    "a name that the layer needs": (
        lambda: Layer("y = forward * output"),
        "y: a layer has a use of its own for 'forward'; give it another name in names",
    ),
    "backward from what can not give what it needs": (
        lambda: Layer("u[n] = sum(x[n,d]**2, d); L = sum(u[n]**2, n)", backward_takes=("u", "L")).backward([1.0], 1.0),
        "L: backward takes x, u, and has no x to compute them from",
    ),
    "too many sizes": (
        lambda: Dense(3, 7, 2),
        "dense: the layer takes n_inputs, n_neurons and was given 3, 7, 2",
    ),
    "an unknown size": (
        lambda: Dense(3, neurons=7),
        "dense: the layer takes n_inputs, n_neurons and was given 3, neurons=7",
    ),
    "sizes for a layer that has none": (
        lambda: ReLU(3),
        "relu: the layer takes no sizes and was given 3",
    ),
}


def set_and_run(layer: Layer, **values: np.ndarray) -> Any:
    for name, value in values.items():
        setattr(layer, name, value)
    return layer.forward(np.ones((5, 3)))


def run_then_back(layer: Layer, arguments: tuple[Any, ...], *upstream: Any) -> Any:
    layer.forward(*arguments)
    return layer.backward(*upstream)


@pytest.mark.parametrize("case", BAD_CALLS)
def test_errors_say_what_and_where(case: str) -> None:
    call, text = BAD_CALLS[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("make", "name", "text"),
    [
        (lambda: Dense(3, 7), "dweights", "dense has no dweights yet: backward sets it"),
        (lambda: Dense(3, 7), "output", "dense has no output yet: forward sets it"),
        (SoftmaxCategoricalCrossEntropy, "probabilities", "softmax-cce has no probabilities yet: forward sets it"),
        (ReLU, "weights", "relu has no weights"),
    ],
)
def test_a_value_that_is_not_there(make: Callable[[], Layer], name: str, text: str) -> None:
    layer = make()
    with pytest.raises(AttributeError) as caught:
        getattr(layer, name)
    assert str(caught.value) == text
    assert not hasattr(layer, name)
