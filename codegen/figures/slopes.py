"""An elementwise operation and its derivative over a part of the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from codegen.figures.losses import of_one_prediction
from codegen.figures.picture import Picture
from codegen.figures.rulers import Ruler
from codegen.figures.style import FAINT, line, new_figure, styled
from codegen.figures.texts import formula, number
from codegen.phrases import text_of
from codegen.runtime import forward, vjp
from derive.catalogue import find
from derive.definitions import Definition, inline
from derive.errors import InputError
from derive.functions import Maximum, Minimum
from derive.indicators import Bracket
from derive.indices import Tensor
from derive.networks import called
from derive.operation import Derived, Operation
from derive.printing import plain_text
from derive.pullback import jacobian
from derive.sums import nodes, tensors_in

#: Where an operation is drawn whose record names no interval, and where kinks are looked for that belong in there.
LINE, WIDE = (-4.0, 4.0), (-8.0, 8.0)
#: How much of the line is seen beside a kink, and at how many places a curve is drawn.
BESIDE, PLACES = 2.0, 801
#: A kink is looked for until it is known to this part of the interval.
NEAR = 1e-9
#: How far from a place its two sides are looked at, and what differs by less does not jump there.
SIDE, JUMP = 1e-6, 1e-4
#: A curve that goes to infinity is cut off at so many times the height of its middle part.
TALLEST = 3.0
#: The width of a picture in inches, and in points what stands beside a formula below it.
WIDTH, KEY = 6.4, 60.0
#: The width of a title, in points.
TITLE = 400.0
Array = NDArray[Any]


def curve(op: str | Operation | Derived, *, language: str = "en") -> Picture:
    """Draw an elementwise operation of one number and its derivative; at a kink the side that it is taken from.

    A loss is drawn over one prediction, with its target fixed. Where there is no value the ground is hatched.

    Args:
        op: a catalogue name, a definition's text, an operation, or what was derived of one.
        language: of the title and the description; a record's own title is English, and its name stands for it.

    Raises:
        InputError: the operation is not elementwise and no loss of single predictions, or has several inputs.

    Example:
        >>> print(curve("relu").alt)  # doctest: +NORMALIZE_WHITESPACE
        relu, y = max(x, 0), and its derivative dy/dx = [x > 0] for x from −4 to 4. y goes from 0 to 4, the
        derivative from 0 to 1. There is a kink at x = 0, where the derivative goes from 0 to 1 and is taken as 0.
    """
    operation = find(op)
    loss, target = of_one_prediction(operation) or (operation, "")
    operation = loss
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
    if not np.isfinite(y).any():
        raise InputError(f"{operation.name} is not defined for {tensor.name} from {low:g} to {high:g}")
    derivation = jacobian(operation, tensor.name)
    output = operation.output.tensor.name
    with styled():
        figure = new_figure(WIDTH, 4.0)
        axes = figure.subplots()
        lines = [f"{formula(each.target)} = {formula(each.body)}" for each in reversed(operation.definitions)]
        sides = {bend: _sides(operation, bend) for bend in bends}
        axes.plot(x, _broken(x, y, {bend: own for bend, (own, _) in sides.items()}), **line(0), label=",  ".join(lines))
        quotient = rf"$\partial {output}/\partial {tensor.name}$"
        broken = _broken(x, slope, {bend: own for bend, (_, own) in sides.items()})
        axes.plot(x, broken, **line(1), label=f"{quotient} = {formula(derivation.result)}")
        look: dict[str, Any] = {"color": line(1)["color"], "linestyle": "none", "marker": "o", "markersize": 6}
        for bend, (_, (before, taken, after)) in sides.items():
            for side in {before, after}:  # An open circle: what is not taken.
                if abs(side - taken) > JUMP:
                    axes.plot([bend], [side], **look, markerfacecolor="white", zorder=3)
            axes.plot([bend], [taken], **look, zorder=3)
        gaps = _gaps(x, y)
        for start, end in gaps:
            if end > start:
                axes.axvspan(
                    start, end, facecolor="none", edgecolor=FAINT, hatch="//", linewidth=0.0, alpha=0.5, zorder=0
                )
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
        axes.set_xlabel(formula(tensor()))
        settings = _settings(operation)
        words = operation.record.title if language == "en" else ""  # The records' titles are English.
        title = ", ".join([words or operation.record.definition, *settings])
        points = float(axes.title.get_fontsize())
        axes.set_title(Ruler().wrapped(title, points, TITLE))
        axes.margins(x=0)
        axes.set_ylim(*_limits(np.concatenate([y, slope])))
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=1)
        widest = max(Ruler().size(label, matplotlib.rcParams["font.size"])[0] for label in labels)
        figure.set_figwidth(max(WIDTH, (widest + KEY) / 72))  # A long formula is not cut off.
    told = [*_said(operation, tensor, x, y, slope, bends, language)]
    if gaps:
        places = ", ".join(
            text_of("at {place}", language, place=number(a))
            if a == b
            else text_of("from {low} to {high}", language, low=number(a), high=number(b))
            for a, b in gaps
        )
        undefined = "It or its derivative is not defined for {variable} {places}."
        told.append(text_of(undefined, language, variable=tensor.name, places=places))
    if settings:
        told.append(text_of("Drawn with {settings}.", language, settings=", ".join(settings)))
    if target:
        told.append(text_of("It is the loss of one prediction, with {target}.", language, target=target))
    title = text_of("{name} and its derivative", language, name=called(operation))
    return Picture(figure, title, " ".join(told))


def _settings(operation: Operation) -> list[str]:
    """What the settings are that a curve is drawn with: those of the record."""
    numbers = operation.record.defaults
    return [f"{each.name} = {numbers[each.name]}".replace("-", "\N{MINUS SIGN}") for each in operation.settings]


def _gaps(x: Array, y: Array) -> list[tuple[float, float]]:
    """The parts of the line where there is no value, by their ends."""
    holes = np.flatnonzero(~np.isfinite(y))
    runs = np.split(holes, np.flatnonzero(np.diff(holes) > 1) + 1) if holes.size else []
    return [(float(x[run[0]]), float(x[run[-1]])) for run in runs]


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
    with np.errstate(all="ignore"):  # What is not defined is no part of the curve.
        y, pullback = vjp(operation, x)
        slope = np.asarray(pullback(np.ones_like(y))[0])
    undefined = ~np.isfinite(y) | ~np.isfinite(slope)
    return np.where(undefined, np.nan, y), np.where(undefined, np.nan, slope)


def kinks(operation: Operation, tensor: Tensor, low: float, high: float) -> list[float]:
    """Return where an elementwise operation or its slope jumps, between two bounds.

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
    return [place for place in sorted({round(root, 9) + 0.0 for root in found}) if _jumps(operation, place)]


def _jumps(operation: Operation, place: float) -> bool:
    """Whether the operation or its slope is another one at the two sides of a place."""
    sides = np.array([place - SIDE, place + SIDE])
    return any(abs(after - before) > JUMP for before, after in values_and_slopes(operation, sides))


def _sides(operation: Operation, bend: float) -> tuple[Array, Array]:
    """The values before a kink, at it and after it, and the slopes."""
    return values_and_slopes(operation, np.array([bend - SIDE, bend, bend + SIDE]))


def _broken(x: Array, y: Array, jumps: Mapping[float, Array]) -> Array:
    """A curve with a gap where its values to both sides of a place differ: a jump is no line."""
    broken = y.copy()
    for place, (before, _, after) in jumps.items():
        if abs(after - before) > JUMP:
            broken[np.abs(x - place) < x[1] - x[0]] = np.nan
    return broken


def _limits(drawn: Array) -> tuple[float, float]:
    """The lower and the upper end of what is shown: all of it, unless it goes far beyond its middle part."""
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.percentile(drawn, [5, 95])
    room = TALLEST * max(high - low, 1.0)
    bottom, top = max(float(drawn.min()), low - room), min(float(drawn.max()), high + room)
    margin = 0.05 * max(top - bottom, 0.1)
    return bottom - margin, top + margin


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


def _said(
    operation: Operation, tensor: Tensor, x: Array, y: Array, slope: Array, bends: list[float], language: str
) -> Iterator[str]:
    """The sentences of the description."""
    output = operation.output

    def say(text: str, **places: Any) -> str:
        shown = {name: each if isinstance(each, str) else number(each) for name, each in places.items()}
        return text_of(text, language, **shown)

    yield say(
        "{name}, {value}, and its derivative {quotient} for {variable} from {low} to {high}.",
        name=called(operation),
        value=f"{plain_text(output.target)} = {plain_text(output.body)}",
        quotient=f"d{output.tensor.name}/d{tensor.name} = {plain_text(jacobian(operation, tensor.name).result)}",
        variable=tensor.name,
        low=x[0],
        high=x[-1],
    )
    yield say(
        "{output} goes from {low} to {high}, the derivative from {least} to {most}.",
        output=output.tensor.name,
        low=np.nanmin(y),
        high=np.nanmax(y),
        least=np.nanmin(slope),
        most=np.nanmax(slope),
    )
    for bend in bends:
        (low, _, high), (before, taken, after) = _sides(operation, bend)
        kind = "jump" if abs(high - low) > JUMP else "kink"
        told = f"There is a {kind} at {{place}}, where the derivative goes from {{before}} to {{after}} and is taken as"
        place = f"{tensor.name} = {number(bend)}"
        yield say(f"{told} {{taken}}.", place=place, before=before, after=after, taken=taken)
