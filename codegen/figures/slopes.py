"""An elementwise operation and its derivative over a part of the line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from codegen.figures.picture import Picture
from codegen.figures.style import FAINT, line, new_figure, styled
from codegen.figures.texts import formula, number
from codegen.runtime import forward, vjp
from derive.catalogue import find
from derive.errors import InputError
from derive.functions import Maximum, Minimum
from derive.indices import Bracket, Tensor
from derive.printing import plain_text
from derive.pullback import jacobian
from derive.record import Definition, Derived, Operation, inline
from derive.sums import nodes, tensors_in

#: Where an operation is drawn whose record names no interval, and where kinks are looked for that belong in there.
LINE, WIDE = (-4.0, 4.0), (-8.0, 8.0)
#: How much of the line is seen beside a kink, and at how many places a curve is drawn.
BESIDE, PLACES = 2.0, 801
#: A kink is looked for until it is known to this part of the interval.
NEAR = 1e-9
Array = NDArray[Any]


def curve(op: str | Operation | Derived) -> Picture:
    """Draw an elementwise operation of one number and its derivative; at a kink the side that it is taken from.

    Args:
        op: a catalogue name, a definition's text, an operation, or what was derived of one.

    Raises:
        InputError: the operation is not elementwise, or has several inputs.

    Example:
        >>> print(curve("relu").alt)  # doctest: +NORMALIZE_WHITESPACE
        relu, y = max(x, 0), and its derivative dy/dx = [x > 0] for x from −4 to 4. y goes from 0 to 4, the
        derivative from 0 to 1. There is a kink at x = 0, where the derivative is taken as 0.
    """
    operation = find(op)
    tensor = only_input(operation)
    low, high = operation.record.domain.get(tensor.name, WIDE)
    bends = kinks(operation, tensor, low, high)
    if (low, high) == WIDE:
        low, high = (
            min([LINE[0], *(bend - BESIDE for bend in bends)]),
            max([LINE[1], *(bend + BESIDE for bend in bends)]),
        )
    x = np.linspace(low, high, PLACES)
    y, slope = values_and_slopes(operation, x)
    derivation = jacobian(operation, tensor.name)
    output = operation.output.tensor.name
    with styled():
        figure = new_figure(6.4, 4.0)
        axes = figure.subplots()
        lines = [f"{formula(each.target)} = {formula(each.body)}" for each in reversed(operation.definitions)]
        axes.plot(x, y, **line(0), label=",  ".join(lines))
        broken = slope.copy()
        for bend in bends:  # A jump is no line.
            broken[np.abs(x - bend) < (high - low) / PLACES] = np.nan
        quotient = rf"$\partial {output}/\partial {tensor.name}$"
        axes.plot(x, broken, **line(1), label=f"{quotient} = {formula(derivation.result)}")
        for bend, taken in zip(bends, values_and_slopes(operation, np.array(bends))[1], strict=True):
            axes.plot([bend], [taken], "o", color=line(1)["color"], markersize=6, zorder=3)
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
        axes.set_xlabel(formula(tensor()))
        axes.set_title(operation.record.title or operation.name)
        axes.margins(x=0)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=1)
    return Picture(figure, f"{operation.name} and its derivative", _said(operation, tensor, x, y, slope, bends))


def only_input(operation: Operation) -> Tensor:
    """Return the one input that an elementwise operation is a function of.

    Raises:
        InputError: it is not one.

    Example:
        >>> only_input(find("leaky-relu"))
        x
    """
    tensors = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    if not operation.is_elementwise or len(tensors) != 1 or len(operation.outputs) > 1:
        problem = "has several inputs" if operation.is_elementwise else "is not elementwise"
        raise InputError(f"{operation.name} {problem}; a curve is drawn of a function of one number, such as relu")
    return tensors[0]


def values_and_slopes(operation: Operation, x: Array) -> tuple[Array, Array]:
    """Return what the generated code says of an elementwise operation and its derivative.

    Example:
        >>> y, slope = values_and_slopes(find("square"), np.array([3.0]))
        >>> y.tolist(), slope.tolist()
        ([9.0], [6.0])
    """
    if not x.size:
        return x, x
    y, pullback = vjp(operation, x)
    return np.asarray(y), np.asarray(pullback(np.ones_like(y))[0])


def kinks(operation: Operation, tensor: Tensor, low: float, high: float) -> list[float]:
    """Return where an elementwise operation changes from one branch to another, between two bounds.

    Example:
        >>> operation = find("relu6")
        >>> kinks(operation, operation.inputs[0], -8.0, 8.0)
        [0.0, 6.0]
    """
    found: set[float] = set()
    for difference in _differences(inline(operation.output.body, operation.definitions[:-1])):
        target = Definition(Tensor("difference")(), difference)
        if tensor not in tensors_in(difference):
            continue
        sign = forward(replace(operation, definitions=(target,), listed=()))
        x = np.linspace(low, high, PLACES)
        values = np.broadcast_to(np.asarray(sign(x)), x.shape)
        found.update(x[values == 0].tolist())
        for place in np.flatnonzero(values[:-1] * values[1:] < 0):
            found.add(_root(sign, float(x[place]), float(x[place + 1])))
    return sorted({round(root, 9) + 0.0 for root in found})


def _differences(body: Expr) -> Iterator[Expr]:
    """What is 0 at the kinks of an expression."""
    for node in nodes(body, Maximum, Minimum, Bracket):
        yield node.left - node.right
    for node in nodes(body, sympy.Abs):
        yield node.args[0]


def _root(sign: Any, low: float, high: float) -> float:
    """Halve an interval at whose ends a function has different signs."""
    start = float(sign(np.array(low)))
    while high - low > NEAR:
        middle = (low + high) / 2
        value = float(sign(np.array(middle)))
        if value == 0:
            return middle
        low, high = (middle, high) if value * start > 0 else (low, middle)
    return (low + high) / 2


def _said(operation: Operation, tensor: Tensor, x: Array, y: Array, slope: Array, bends: list[float]) -> str:
    output = operation.output
    value = f"{plain_text(output.target)} = {plain_text(output.body)}"
    quotient = f"d{output.tensor.name}/d{tensor.name} = {plain_text(jacobian(operation, tensor.name).result)}"
    text = (
        f"{operation.name}, {value}, and its derivative {quotient} for {tensor.name} from {number(x[0])} to "
        f"{number(x[-1])}. {output.tensor.name} goes from {number(y.min())} to {number(y.max())}, the derivative from "
        f"{number(slope.min())} to {number(slope.max())}."
    )
    for bend, taken in zip(bends, values_and_slopes(operation, np.array(bends))[1], strict=True):
        text += f" There is a kink at {tensor.name} = {number(bend)}, where the derivative is taken as {number(taken)}."
    return text
