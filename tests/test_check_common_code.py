"""Code as courses, books and frameworks have it: what is right there is found right, and its mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from check_sources import HEAD, RELU, targets_of

import codegen
from derive.__main__ import main

#: Right ones by what is particular about them: the text, and the gradients that are to be checked.
COMMON = {
    "labels first": (
        "def mse(y_true, y_pred):\n    return np.mean((y_true - y_pred) ** 2)\n\n"
        "def mse_prime(y_true, y_pred):\n    return 2 * (y_pred - y_true) / y_true.size\n",
        {"dy_pred"},
    ),
    "columns, and a bias beside a matrix": (
        "def linear_forward(A, W, b):\n    return W.dot(A) + b, (A, W, b)\n\n"
        "def linear_backward(dZ, cache):\n    A_prev, W, b = cache\n    dW = dZ @ A_prev.T\n"
        "    db = dZ.sum(axis=1, keepdims=True)\n    return W.T @ dZ, dW, db\n",
        {"dA", "dW", "db"},
    ),
    "a cache of another name": (
        "def scale_forward(x, gamma):\n    s = (x, gamma)\n    return gamma * x, s\n\n"
        "def scale_backward(dout, s):\n    x, gamma = s\n    return dout * gamma, (dout * x).sum(0)\n",
        {"dx", "dgamma"},
    ),
    "a string that chooses": (
        "def act_forward(x, kind):\n    y = np.tanh(x) if kind == 'tanh' else None\n    return y, y\n\n"
        "def act_backward(dout, cache, kind):\n    return dout * (1 - cache**2) if kind == 'tanh' else None\n",
        {"dx"},
    ),
    "words after forward and backward": (
        "def relu_forward_naive(x):\n    return np.maximum(x, 0), x\n\n"
        "def relu_backward_naive(dout, cache):\n    return dout * (cache > 0)\n",
        {"dx"},
    ),
    "two operands": (
        "class Mul:\n    def forward(self, x, y):\n        self.x, self.y = x, y\n        return x * y\n\n"
        "    def backward(self, dout):\n        return dout * self.y, dout * self.x\n",
        {"dx", "dy"},
    ),
    "parameters made at the first forward pass": (
        "class Lazy:\n    def __init__(self):\n        self.W = None\n\n    def forward(self, x):\n"
        "        if self.W is None:\n            self.W = np.random.randn(x.shape[1], 3)\n"
        "        self.x = x\n        return x @ self.W\n\n"
        "    def backward(self, dout):\n        self.dW = self.x.T @ dout\n        return dout @ self.W.T\n",
        {"dW", "dx"},
    ),
    "parameters with data and grad": (
        "class Value:\n    def __init__(self, data):\n        self.data, self.grad = data, np.zeros_like(data)\n\n\n"
        "class Scale:\n    def __init__(self, dim):\n        self.g = Value(np.ones(dim))\n\n"
        "    def forward(self, x):\n        self.x = x\n        return x * self.g.data\n\n"
        "    def backward(self, dout):\n        self.g.grad = (dout * self.x).sum(0)\n"
        "        return dout * self.g.data\n",
        {"g.grad", "dx"},
    ),
    "a filter's scale beside images": (
        "def scale_forward(x, gamma):\n    return x * gamma[None, :, None, None], (x, gamma)\n\n"
        "def scale_backward(dout, cache):\n    x, gamma = cache\n"
        "    return dout * gamma[None, :, None, None], (dout * x).sum((0, 2, 3))\n",
        {"dx", "dgamma"},
    ),
}  # fmt: skip

SOFTMAX_LOSS = """
class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.sum(np.log(self.y[np.arange(len(t)), t] + 1e-7)) / len(t)

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx * dout / len(self.t)
"""
BOTH_LABELS = """
class CrossEntropy:
    def forward(self, y_pred, y_true):
        if y_true.ndim == 1:
            right = y_pred[np.arange(len(y_pred)), y_true]
        else:
            right = np.sum(y_pred * y_true, axis=1)
        return np.mean(-np.log(right))

    def backward(self, y_pred, y_true):
        if y_true.ndim == 1:
            y_true = np.eye(y_pred.shape[1], dtype=y_pred.dtype)[y_true]
        return -y_true / y_pred / len(y_pred)
"""
ROWS = """
class Rows:
    def __init__(self, n_inputs, n_outputs):
        self.w = np.random.randn(n_inputs, n_outputs)
        self.b = np.zeros(n_outputs)

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, dout):
        self.dw = self.x.reshape(-1, self.x.shape[-1]).T @ dout.reshape(-1, dout.shape[-1])
        self.db = dout.reshape(-1, dout.shape[-1]).sum(0)
        return dout @ self.w.T
"""
AXIS = """
class Softmax:
    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        e = np.exp(x - x.max(axis=self.axis, keepdims=True))
        self.y = e / e.sum(axis=self.axis, keepdims=True)
        return self.y

    def backward(self, d):
        return self.y * (d - (d * self.y).sum(axis=self.axis, keepdims=True))
"""
LOSS = """
class SquaredError:
    def __init__(self, reduction="mean", weight=1.0):
        self.reduction, self.weight = reduction, weight

    def forward(self, pred, target):
        self.d = pred - target
        total = self.weight * np.sum(self.d**2)
        return total / self.d.size if self.reduction == "mean" else total

    def backward(self):
        scale = 2 * self.weight
        if self.reduction == "mean":
            scale = scale / self.d.size
        return scale * self.d
"""
STEPS = """
class Dense:
    def __init__(self, n_in, n_out, lr=0.1):
        self.W, self.lr = np.random.randn(n_in, n_out), lr

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        dx = d @ self.W.T
        self.W -= self.lr * self.x.T @ d
        return dx
"""
GATES = """
class Gates:
    def __init__(self, n_in, n_out):
        self.Wa, self.Wb = np.random.randn(n_in, n_out), np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x, self.a, self.b = x, np.tanh(x @ self.Wa), np.tanh(x @ self.Wb)
        return self.a * self.b

    def backward(self, d):
        da = d * self.b * (1 - self.a**2)
        db = d * self.a * (1 - self.b**2)
        self.dWa, self.dWb = self.x.T @ da, self.x.T @ db
        return da @ self.Wa.T + db @ self.Wb.T
"""
DROPOUT = """
class Dropout:
    def __init__(self, dropout_ratio=0.25):
        self.dropout_ratio, self.mask = dropout_ratio, None

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        return x * (1.0 - self.dropout_ratio)

    def backward(self, dout):
        return dout * self.mask
"""
#: The text, what is replaced, the replacement, the kind, and words of the message.
MISTAKES = [
    (BOTH_LABELS, "if y_true.ndim == 1:\n            right", "if y_pred.ndim == 2:\n            right", "crash",
     "one-hot"),
    (BOTH_LABELS, "y_true, axis=1", "y_true, axis=0", "forward-differs", "one-hot rows"),
    (ROWS, "dout.reshape(-1, dout.shape[-1]).sum(0)", "dout.sum(0)", "missing-sum", "one more axis"),
    (ROWS, "self.db = dout.reshape(", "self.db = 2 * dout.reshape(", "factor", "2"),
    (AXIS, "self.y).sum(axis=self.axis", "self.y).sum(axis=-1", "axis", "with axis=0"),
    (LOSS, 'if self.reduction == "mean":', "if self.reduction:", "factor", "with reduction='sum'"),
    (LOSS, "2 * self.weight", "2", "factor", "with weight=0.8"),
    (STEPS, "self.lr * self.x.T @ d", "self.lr * self.x.T @ d / len(d)", "factor", "the number of samples"),
    (GATES, "d * self.b * (1", "d * (1", "missing-term", "self.b"),
    (DROPOUT, "dropout_ratio, None", "dropout_ratio, 1.0", "value", "with train_flg=False"),
]  # fmt: skip


@pytest.mark.parametrize("name", COMMON)
def test_common_code_is_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, checked = COMMON[name]
    target = targets_of(text, tmp_path, monkeypatch)[-1]
    assert (target.verdict, [each.message for each in target.findings]) == ("right", [])
    assert {each.replace("dA_prev", "dA") for each in target.checked} == checked


@pytest.mark.parametrize("text", [BOTH_LABELS, ROWS, AXIS, LOSS, STEPS, GATES, DROPOUT])
def test_what_the_mistakes_are_made_in_is_right(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert (target.verdict, target.findings) == ("right", ())


@pytest.mark.parametrize(("text", "old", "new", "kind", "words"), MISTAKES)
def test_a_mistake_off_the_beaten_track_is_named(
    text: str, old: str, new: str, kind: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert text.count(old) == 1
    (target,) = targets_of(text.replace(old, new), tmp_path, monkeypatch)
    assert target.verdict == "wrong"
    assert target.findings[0].kind == kind
    assert words in target.findings[0].message


def test_one_change_is_named_for_all_gradients_that_it_mends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target,) = targets_of(GATES.replace("d * self.b * (1", "d * (1"), tmp_path, monkeypatch)
    assert len({each.message for each in target.findings}) == 1
    assert {each.gradient for each in target.findings} == {"dWa", "dx"}
    (line,) = [line for line in target.text().splitlines() if "has to be" in line]
    assert line.startswith("  missing-term: dWa, dx: line ")


def test_a_small_number_that_is_left_out_is_a_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target,) = targets_of(SOFTMAX_LOSS, tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert all(each.convention and "1e-07" in each.message for each in target.findings)
    assert target.findings
    (wrong,) = targets_of(SOFTMAX_LOSS.replace("dx * dout", "1.00001 * dx * dout"), tmp_path, monkeypatch)
    assert wrong.verdict == "wrong"


def test_a_smaller_number_is_a_guard_and_no_other_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SOFTMAX_LOSS.replace("1e-7", "1e-9")
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert (target.verdict, target.findings, target.operation) == ("right", (), "softmax-cce-sparse")
    (wrong,) = targets_of(text.replace("-np.sum(np.log", "-1.001 * np.sum(np.log"), tmp_path, monkeypatch)
    assert wrong.verdict == "wrong"


def test_half_a_squared_error_is_no_huber_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = LOSS.replace("self.weight * np.sum(self.d**2)", "0.5 * np.sum(self.d**2)").replace("2 * self.weight", "1")
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert (target.verdict, target.operation) == ("right", None)
    named = text.replace("SquaredError", "HuberLoss").replace("self.d**2)", "self.d**2 / 3) * 3")
    (target,) = targets_of(named, tmp_path, monkeypatch)
    assert (target.verdict, target.operation) == ("right", "huber")  # Its name says so, and nothing that it is not.
    text = text.replace("weight=1.0", "weight=0.3").replace(
        "scale * self.d", "scale * np.clip(self.d, -self.weight, self.weight)"
    )
    bounded = "np.where(abs(self.d) < self.weight, self.d**2, 2 * self.weight * abs(self.d) - self.weight**2))"
    (target,) = targets_of(text.replace("self.d**2)", bounded), tmp_path, monkeypatch)
    assert (target.verdict, target.operation) == ("right", "huber")


def test_probabilities_are_wanted_where_logarithms_are_guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "class CrossEntropy:\n    def loss(self, y, p):\n        p = np.clip(p, 1e-15, 1 - 1e-15)\n"
        "        return -y * np.log(p) - (1 - y) * np.log(1 - p)\n\n"
        "    def gradient(self, y, p):\n        p = np.clip(p, 1e-15, 1 - 1e-15)\n"
        "        return -(y / p) + (1 - y) / (1 - p)\n"
    )
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert not any("one-hot" in each.message for each in target.findings)
    (wrong,) = targets_of(text.replace("-(y / p)", "-y"), tmp_path, monkeypatch)
    assert wrong.verdict == "wrong"


def test_a_derivative_of_the_output_is_a_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n\ndef sigmoid_prime(x):\n    return x * (1 - x)\n"
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert [(each.convention, "sigmoid_prime(sigmoid(x))" in each.message) for each in target.findings] == [
        (True, True)
    ]
    (wrong,) = targets_of(text.replace("x * (1 - x)", "x * (1 + x)"), tmp_path, monkeypatch)
    assert wrong.verdict == "wrong"


def test_a_layer_of_one_column_says_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "class Dense:\n    def __init__(self, input_size, output_size):\n"
        "        self.weights = np.random.randn(output_size, input_size)\n"
        "        self.bias = np.random.randn(output_size, 1)\n\n"
        "    def forward(self, input):\n        self.input = input\n        return self.weights @ input + self.bias\n\n"
        "    def backward(self, output_gradient, learning_rate):\n"
        "        input_gradient = self.weights.T @ output_gradient\n"
        "        self.weights -= learning_rate * output_gradient @ self.input.T\n"
        "        self.bias -= learning_rate * output_gradient\n        return input_gradient\n"
    )
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert [each.convention for each in target.findings] == [True]
    assert "one sample, a column" in target.findings[0].message


def test_layers_that_are_not_there_cannot_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "class Network:\n    def __init__(self):\n        self.layers = []\n\n    def forward(self, x):\n"
        "        for layer in self.layers:\n            x = layer.forward(x)\n        return x\n\n"
        "    def backward(self, d):\n        for layer in self.layers:\n            d = layer.backward(d)\n"
        "        return d\n"
    )
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert target.verdict == "cannot"
    assert "there is nothing in it" in target.needs


def test_a_global_that_divides_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "BATCH = 32\n" + ROWS.replace("shape[-1]).sum(0)", "shape[-1]).sum(0) / BATCH")
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert [(each.kind, "the global BATCH" in each.message) for each in target.findings] == [("factor", True)]


def test_no_gradient_that_is_not_given_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = ROWS.replace("        self.db = dout.reshape(-1, dout.shape[-1]).sum(0)\n", "")
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert target.unchecked == ("b",)
    assert "not checked: b" in target.text()


# -- files that do more than to define ---------------------------------------------------------------------------------


def test_a_target_that_does_not_end_leaves_time_for_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endless = RELU.replace("ReLU", "Endless").replace("self.inputs = inputs", "while True: pass")
    path = tmp_path / "layers.py"
    path.write_text(HEAD + endless + RELU, "utf-8")
    assert main(["check", str(path), "--seconds", "8"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line[0] != " "] == [["cannot", "Endless"], ["right", "ReLU"]]


def test_an_option_for_what_there_is_not_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layers.py"
    path.write_text(HEAD + RELU, "utf-8")
    assert main(["check", str(path), "--shapes", "iputs=3x4"]) == 2
    assert "--shapes gives iputs, and nothing that is checked takes it; there are inputs" in capsys.readouterr().err


def test_a_file_sees_its_own_name_and_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "layers.py"
    waits = "import sys, threading, time\nassert sys.argv == [__file__]\n"
    waits += "threading.Thread(target=time.sleep, args=(99,)).start()\n"
    path.write_text(waits + HEAD + RELU, "utf-8")
    assert main(["check", str(path), "--seconds", "30"]) == 0
    assert "right   ReLU" in capsys.readouterr().out


# -- arrays that are given ---------------------------------------------------------------------------------------------


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z)
    return np.asarray(e / e.sum(axis=1, keepdims=True))


SCORES = np.array([[0.3, -0.7], [1.1, 0.2], [0.4, 0.9]])


def test_labels_that_are_given_are_left_as_they_are() -> None:
    for labels in (np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 1, 1]].astype(int)):
        for factor, verdict in ((1 / 3, "right"), (1.0, "wrong")):
            (target,) = codegen.check(
                forward=lambda z, t: -np.mean(np.sum(t * np.log(_softmax(z)), axis=1)),
                backward=lambda upstream, z, t, factor=factor: {"z": upstream * (_softmax(z) - t) * factor},
                inputs={"z": SCORES, "t": labels},
            ).targets
            assert target.verdict == verdict
            assert [each.kind for each in target.findings] == ["factor"] * (verdict == "wrong")


def test_class_numbers_that_are_given_are_labels() -> None:
    (target,) = codegen.check(
        forward=lambda z, t: -np.mean(np.log(_softmax(z))[np.arange(3), t]),
        backward=lambda upstream, z, t: {"z": upstream * (_softmax(z) - np.eye(2)[t]) / 3},
        inputs={"z": SCORES, "t": np.array([0, 1, 1])},
    ).targets
    assert (target.verdict, target.findings, target.operation) == ("right", (), "softmax-cce-sparse")


def test_whole_numbers_that_are_given_are_numbers() -> None:
    (target,) = codegen.check(
        forward=lambda x, w: x @ w,
        backward=lambda upstream, x, w: {"x": upstream @ w.T, "w": x.T @ upstream},
        inputs={"x": np.array([[1, 2], [3, 4], [5, 6]])},
        parameters={"w": SCORES.T.copy()},
    ).targets
    assert (target.verdict, target.checked) == ("right", ("x", "w"))


def test_the_reason_why_given_arrays_do_not_do_is_told() -> None:
    (target,) = codegen.check(
        forward=lambda x: np.log(-np.abs(x)), backward=lambda upstream, x: {"x": upstream / x}, inputs={"x": SCORES}
    ).targets
    assert target.verdict == "cannot"
    assert "not finite" in target.needs
    assert "--shapes" not in target.needs


def test_an_object_is_checked_and_the_random_numbers_are_as_before() -> None:
    class Scale:
        def __init__(self, start: Callable[[int], np.ndarray]) -> None:
            self.w = start(4)

        def forward(self, x: np.ndarray) -> np.ndarray:
            self.x = x
            return x * self.w

        def backward(self, dout: np.ndarray) -> np.ndarray:
            self.dw = (dout * self.x).sum(axis=1)
            return dout * self.w

    np.random.seed(5)
    first = np.random.rand()
    np.random.seed(5)
    (target,) = codegen.check(Scale(np.ones)).targets
    assert np.random.rand() == first
    assert [(each.gradient, each.kind) for each in target.findings] == [("dw", "axis")]


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "right"), (2.0, "wrong")])
def test_an_object_of_static_methods_is_checked(factor: float, verdict: str) -> None:
    class Square:
        @staticmethod
        def forward(x: np.ndarray) -> np.ndarray:
            return x**2

        @staticmethod
        def backward(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
            return factor * 2 * x * dout

    (target,) = codegen.check(Square()).targets
    assert target.verdict == verdict
