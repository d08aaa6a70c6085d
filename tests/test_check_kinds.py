"""Right implementations are found right, and each with one mistake is found wrong, by the mistake's name."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_sources import (
    COMBINED,
    CROSS_ENTROPY,
    DENSE,
    DICTIONARIES,
    EMBEDDING,
    GRADIENT,
    MSE,
    RELU,
    RIGHT,
    ROW_MAX,
    SIGMOID,
    SOFTMAX,
    targets_of,
)  # fmt: skip

from codegen.checking import KINDS

#: The text, what is replaced, the replacement, the kind that is to be found first.
MISTAKES = [
    (MSE, "predictions.size", "len(predictions)", "factor"),
    (MSE, "2 * (", "-2 * (", "sign"),
    (DENSE, "self.inputs.T @ dvalues", "(self.inputs.T @ dvalues).T", "transpose"),
    (DENSE, "dvalues @ self.weights.T", "self.weights.T @ dvalues", "transpose"),
    (DENSE, "np.sum(dvalues, axis=0, keepdims=True)", "dvalues", "missing-sum"),
    (RELU, "self.dinputs[self.inputs <= 0] = 0", "pass", "missing-mask"),
    (SOFTMAX, "y * (dout - (dout * y).sum(axis=1, keepdims=True))", "dout * y * (1 - y)", "diagonal"),
    (SIGMOID, "dy * self.y * (1 - self.y)", "dy * self.y", "missing-term"),
    (GRADIENT, " + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)", "", "missing-term"),
    (CROSS_ENTROPY, "np.where(inside, -targets / probs, 0)", "-targets / probs", "clip"),
    (DENSE, "self.inputs.T @ dvalues", "self.inputs.T @ np.ones_like(dvalues)", "upstream-ignored"),
    (DICTIONARIES, "dy.sum(axis=0)", "dy.sum()", "reduction"),
    (DICTIONARIES, "dy.sum(axis=0)", "dy.sum(axis=1)", "axis"),
    (SOFTMAX, "(dout * y).sum(axis=1", "(dout * y).sum(axis=0", "axis"),
    (EMBEDDING, "np.add.at(dweight, self.ids, dout)", "dweight[self.ids] += dout", "repeated-ids"),
    (ROW_MAX, "dx[np.arange(len(self.x)), self.x.argmax(axis=1)] = dy",
     "dx = (self.x == self.x.max(axis=1, keepdims=True)) * dy[:, None]", "tie"),
    (RELU, "self.dinputs[self.inputs <= 0] = 0", "self.dinputs *= (self.inputs > 0) + 2 * (self.inputs == 0)", "kink"),
    (RELU, "dvalues.copy()", "dvalues", "mutates-upstream"),
    (RELU, "self.inputs = inputs", "inputs *= 1.5; self.inputs = inputs", "mutates-input"),
    (SOFTMAX, "return y * (dout -", "y *= (dout -", "mutates-cache"),
    (DENSE, "self.inputs = inputs\n", "pass\n", "not-stored"),
    (DENSE, "self.dinputs = dvalues @", "m = batch_size; self.dinputs = dvalues @", "not-stored"),
    (DICTIONARIES, 'self.grads["b"] = dy.sum(axis=0)', 'self.grads["b"] = dy.sum(axis=0, keepdims=True)', "shape"),
    (EMBEDDING, "np.zeros_like(self.weight)", "np.zeros(self.weight.shape)", "dtype"),
    (DICTIONARIES, 'self.grads["b"] = dy.sum(axis=0)',
     'self.grads["b"] = self.grads.get("b", 0) + dy.sum(axis=0)', "accumulates"),
    (SOFTMAX, "np.exp(x - x.max(axis=1, keepdims=True))", "np.exp(x)", "not-finite"),
    (DENSE, "def forward(self, inputs)", "def forward(slef, inputs)", "crash"),
    (SIGMOID, "return dy * self.y", "return dy * self.y * undefined_thing", "crash"),
    (GRADIENT, "(1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715", "(1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.44715",
     "forward-differs"),
    (SIGMOID, "dy * self.y * (1 - self.y)", "np.cos(dy) + self.y", "value"),
    (COMBINED, "self.dinputs /= len(dvalues)", "pass", "factor"),
]  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_is_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, operation, checked = RIGHT[name]
    (target,) = targets_of(text, tmp_path, monkeypatch)
    assert (target.name, target.verdict, target.findings) == (name, "right", ())
    assert target.operation == operation
    assert set(target.checked) == checked


@pytest.mark.parametrize(("text", "old", "new", "kind"), MISTAKES)
def test_a_mistake_is_named(
    text: str, old: str, new: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert text.count(old) == 1
    changed = text.replace(old, new)
    if kind == "mutates-cache":
        changed = changed.rstrip() + "\n    return y\n"
    (target,) = targets_of(changed, tmp_path, monkeypatch)
    assert target.verdict == "wrong"
    assert target.findings[0].kind == kind
    assert all(finding.message for finding in target.findings)


def test_every_kind_has_a_mistake() -> None:
    assert {kind for *_, kind in MISTAKES} == set(KINDS)


def test_another_side_of_a_kink_is_a_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target,) = targets_of(RELU.replace("<= 0", "< 0"), tmp_path, monkeypatch)
    (finding,) = target.findings
    assert (target.verdict, finding.kind, finding.convention) == ("right", "kink", True)
    assert "the derivative of the right side" in finding.message


def test_a_method_that_resets_makes_adding_up_a_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DICTIONARIES.replace('["b"] = dy', '["b"] = self.grads.get("b", 0) + dy')
    (target,) = targets_of(text + "\n    def zero_grad(self):\n        self.grads = {}\n", tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert [(each.kind, each.convention) for each in target.findings] == [("accumulates", True)]


def test_the_gradient_of_the_sum_of_losses_is_a_convention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MSE.replace("np.mean((predictions - targets) ** 2)", "((predictions - targets) ** 2).sum(axis=1)")
    (target,) = targets_of(text.replace(" / predictions.size", ""), tmp_path, monkeypatch)
    assert target.verdict == "right"
    assert {(each.kind, each.convention) for each in target.findings} == {("reduction", True)}


def test_a_wrong_gradient_comes_with_formula_line_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = SIGMOID.replace("(1 - self.y)", "(1 + self.y)")
    (target,) = targets_of(changed, tmp_path, monkeypatch)
    (finding,) = target.findings
    assert finding.kind == "sign"
    assert "`1 + self.y` has to be `1 - self.y`" in finding.message
    assert finding.formula == "x̄ = ȳ y (1 - y)"
    assert finding.line.startswith("return ")
    expected, found = float(finding.expected.split()[0]), float(finding.found)
    assert expected != pytest.approx(found)


def test_the_repaired_line_is_counted_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target,) = targets_of(SIGMOID.replace("(1 - self.y)", "(1 + self.y)"), tmp_path, monkeypatch)
    number = int(target.findings[0].message.split(":")[0].removeprefix("line "))
    assert "1 + self.y" in (tmp_path / "given.py").read_text("utf-8").splitlines()[number - 1]
