"""The tour: six operations from formula to checked backward pass, and a step of training with the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import codegen
from codegen.layers import CategoricalCrossEntropy, Dense, ReLU, Softmax, SoftmaxCategoricalCrossEntropy
from derive import find, vjp
from derive.printing import plain_text

STOPS = ("mul", "sum", "relu", "softmax", "cce", "dense")
Style = Callable[[str], str]


def tour_lines(bold: Style) -> Iterator[str]:
    """Yield the tour's lines.

    Args:
        bold: how a heading is shown.
    """
    yield bold("Six operations: definition, vector-Jacobian products as text and as LaTeX, NumPy code")
    for name in STOPS:
        yield from _operation(name, bold)
    yield ""
    yield bold("Layers made of them: one step of gradient descent on dense > relu > dense > softmax + cce")
    yield from _training_step()


def _operation(name: str, bold: Style) -> Iterator[str]:
    operation = find(name)
    yield ""
    yield bold(f"{name}: {operation.record.title}")
    for definition in operation.definitions:
        yield f"  {plain_text(definition.target)} = {plain_text(definition.body)}"
    for tensor in operation.differentiable:
        derivation = vjp(operation, tensor.name)
        derivation.check()
        yield f"  {plain_text(derivation.target)} = {plain_text(derivation.result)}"
        yield from (f"    {line}" for line in derivation.latex(steps=False).splitlines())
    yield from (f"  {line}".rstrip() for line in without_docstring(codegen.backward(operation).source).splitlines())


def without_docstring(source: str) -> str:
    """Return a function's source without its docstring."""
    head, _, rest = source.partition('    """')
    _, _, body = rest.partition('"""\n')
    return head + body


def _training_step() -> Iterator[str]:
    generator = np.random.default_rng(0)
    inputs, labels = generator.standard_normal((30, 2)), generator.integers(0, 3, 30)
    first, relu, second = Dense(2, 16, seed=1), ReLU(), Dense(16, 3, seed=2)
    loss = SoftmaxCategoricalCrossEntropy()
    for layer in (first, second):
        layer.weights = layer.weights * 30

    def value() -> float:
        return float(loss.forward(second.forward(relu.forward(first.forward(inputs))), labels))

    before = value()
    separate_softmax, separate_loss = Softmax(), CategoricalCrossEntropy()
    separate_loss.forward(separate_softmax.forward(second.output), labels)
    dinputs = loss.backward()
    difference = np.max(np.abs(dinputs - separate_softmax.backward(separate_loss.backward())))
    first.backward(relu.backward(second.backward(dinputs)[0]))
    for layer in (first, second):
        layer.weights = layer.weights - 0.5 * layer.dweights
        layer.biases = layer.biases - 0.5 * layer.dbiases
    yield f"  loss before {before:.6f}, after {value():.6f}"
    yield f"  softmax + cce combined against one after the other: largest difference {difference:.1e}"
