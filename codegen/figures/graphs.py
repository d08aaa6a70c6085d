"""The graph of a computation, as lecturers draw it: values above its lines, gradients below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, sqrt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from codegen.figures.circuits import names_operands, step_label, with_steps
from codegen.figures.layout import SPACE, Layout, Node, lay_out
from codegen.figures.picture import Picture
from codegen.figures.style import BACKWARD, CURRENT, FAINT, FORWARD, INK, new_figure, styled
from codegen.figures.texts import formula, numbers, set_or, shape
from codegen.figures.texts import name as name_of
from codegen.figures.traces import Trace, trace
from derive.catalogue import find
from derive.indices import Tensor
from derive.notation import BAR, Notation
from derive.printing import plain_text
from derive.record import Definition, Derived, Operation

#: Letters of names and formulas, and of numbers.
FORMULA, NUMBERS = 11.0, 9.5
#: The radius of a step's circle, the room around what a box holds, and between a line and what stands at it.
RADIUS, PADDING, CLEAR = 14.0, 8.0, 3.0
#: The shortest piece of line at a node's right side, and the margin around the graph.
STEM, MARGIN = 26.0, 14.0
#: A graph of arrays wider than this has names in its nodes, and their formulas below.
WIDEST = 900.0
CAPTION = "above a line: the value that goes forward; below it: the gradient that comes back"


@dataclass(frozen=True)
class _Part:
    """What is drawn for a tensor: its node and what stands at its line.

    Attributes:
        label: what is in the node, or the name of an input.
        is_input: whether there is a name alone, with nothing around it.
        above, below: the value and the gradient, or their names.
        end: the name of an output, at the end of its arrow.
    """

    tensor: Tensor
    label: str
    is_input: bool
    above: str
    below: str
    end: str


def graph(
    op: str | Operation | Derived,
    values: Mapping[str, Any] | None = None,
    *,
    steps_back: int | None = None,
    notation: Notation = BAR,
    caption: str = CAPTION,
) -> Picture:
    """Draw the graph of an operation's computation, its values above the lines and the gradients below.

    A definition of numbers is taken apart into single operations; of arrays each definition is a node. The gradients
    are those of the output, of all its entries together.

    Args:
        op: a catalogue name, a definition's text, an operation, or what was derived of one.
        values: by the names of the inputs, numbers or arrays; without them the lines have names, and no numbers.
        steps_back: how many steps of the backward pass have been made; all where it is left out.
        notation: how gradients are written.
        caption: what stands below the graph.

    Raises:
        InputError: values that do not fit.

    Example:
        >>> picture = graph("y = max(w*x, 0)", {"w": 2.0, "x": 3.0})
        >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
        Computation graph of y: from the inputs w, x to the output y. Going forward: w = 2; x = 3; y1 = x w = 6;
        y = max(y1, 0) = 6. Going backward, gradients: y: 1; y1: 1; w: 3; x: 2.
    """
    operation = with_steps(find(op))
    traced = None if values is None else trace(operation, values)
    order = _backward_order(operation)
    count = len(order) if steps_back is None else steps_back
    done = order[:count]
    known, at_last = _known(operation, done), _known(operation, order)
    whole = {tensor.name: _part(operation, tensor, traced, at_last, notation) for tensor in _tensors(operation)}
    shown = {tensor.name for tensor in known}
    parts = {name: part if name in shown else replace(part, below="") for name, part in whole.items()}
    active = done[-1].tensor.name if steps_back and done else None
    title = f"Computation graph of {operation.name}"
    with styled():
        below = "\n".join(filter(None, [caption, *(traced.remarks if traced else ())]))
        figure = _drawn(operation, parts, active, below, whole)
    return Picture(figure, title, _said(operation, traced, known, title))


def backward_steps(
    op: str | Operation | Derived,
    values: Mapping[str, Any] | None = None,
    *,
    notation: Notation = BAR,
    caption: str = CAPTION,
) -> list[Picture]:
    """Draw the graph once before the backward pass and once after each of its steps.

    Args, raises: as ``graph``.

    Example:
        >>> [picture.alt.split("gradients: ")[1] for picture in backward_steps("y = max(w*x, 0)", {"w": 2, "x": 3})]
        ['y: 1.', 'y: 1; y1: 1.', 'y: 1; y1: 1; w: 3; x: 2.']
    """
    count = len(_backward_order(with_steps(find(op))))
    return [graph(op, values, steps_back=done, notation=notation, caption=caption) for done in range(count + 1)]


# ---- what there is ----


def _tensors(operation: Operation) -> list[Tensor]:
    used = set().union(*(_sources(each) for each in operation.definitions))
    inputs = [tensor for tensor in operation.inputs if tensor in used]
    return [*inputs, *(definition.tensor for definition in operation.definitions)]


def _sources(definition: Definition) -> list[Tensor]:
    """The tensors that a definition uses, in the order in which it names them."""
    found = definition.body.atoms(type(definition.target))
    by_name = {element.tensor.name: element.tensor for element in found}
    return [by_name[name] for name in sorted(by_name, key=_place_in(plain_text(definition.body)))]


def _place_in(text: str) -> Any:
    return lambda name: (text.find(name) if name in text else len(text), name)


def _backward_order(operation: Operation) -> list[Definition]:
    """The definitions that a gradient goes back through, the output's first."""
    reached = set(operation.differentiable)
    on_the_way = []
    for definition in operation.definitions:
        if reached & set(_sources(definition)):
            reached.add(definition.tensor)
            on_the_way.append(definition)
    return on_the_way[::-1]


def _known(operation: Operation, done: Sequence[Definition]) -> set[Tensor]:
    """The tensors whose gradients are known after some steps back."""
    reached = {output.tensor for output in operation.outputs}.union(*(_sources(each) for each in done))
    return {tensor for tensor in reached if _is_complete(operation, tensor, done)}


def _is_complete(operation: Operation, tensor: Tensor, done: Sequence[Definition]) -> bool:
    """Whether all that goes back to a tensor has arrived there."""
    return all(
        each in done for each in operation.definitions if tensor in _sources(each) and _goes_back(operation, each)
    )


def _goes_back(operation: Operation, definition: Definition) -> bool:
    return definition in _backward_order(operation)


def _part(operation: Operation, tensor: Tensor, traced: Trace | None, known: set[Tensor], notation: Notation) -> _Part:
    definition = next((each for each in operation.definitions if each.tensor == tensor), None)
    name = name_of(tensor)
    is_input = definition is None
    label = name if definition is None else _node_label(definition)
    has_gradient = tensor in known and (not is_input or tensor in operation.differentiable)
    below = name_of(tensor.gradient(), notation) if has_gradient else ""
    if traced is None:
        above = f"{'' if is_input else name} {shape(tensor)}".strip()
    else:
        above = numbers(traced.values[tensor])
        gap = "\n" if "\n" in above else "  "
        is_named = not is_input and (traced.is_undefined(tensor) or _is_named(operation, tensor))
        above = f"{name}{gap}{above}" if is_named else above
        below = numbers(traced.gradients[tensor]) if below and tensor in traced.gradients else ""
    end = name_of(tensor) if any(tensor == output.tensor for output in operation.outputs) else ""
    return _Part(tensor, label, is_input, above, below, end)


def _is_named(operation: Operation, tensor: Tensor) -> bool:
    """Whether the name of a tensor has to stand beside its numbers: a node that it comes to has it in its label."""
    users = [each for each in operation.definitions if tensor in _sources(each)]
    return bool(tensor.sizes) or any(not _is_single(each) or names_operands(each) for each in users)


def _is_single(definition: Definition) -> bool:
    """Whether a definition is a step of numbers."""
    return not definition.tensor.sizes and all(not tensor.sizes for tensor in _sources(definition))


def _node_label(definition: Definition) -> str:
    if _is_single(definition):
        return set_or(step_label(definition), plain_text(definition.body))
    return formula(definition.body)


def _said(operation: Operation, traced: Trace | None, known: set[Tensor], title: str) -> str:
    """The description of the picture in words."""
    inputs = [tensor for tensor in _tensors(operation) if tensor in operation.inputs]
    forward = []
    for tensor in _tensors(operation):
        definition = next((each for each in operation.definitions if each.tensor == tensor), None)
        said = tensor.name if definition is None else f"{tensor.name} = {plain_text(definition.body)}"
        if traced is not None:
            said += f" = {_in_a_line(traced.values[tensor])}"
        elif tensor.sizes:
            said += f" {shape(tensor)}"
        forward.append(said)
    outputs = ", ".join(output.tensor.name for output in operation.outputs)
    names = ", ".join(tensor.name for tensor in inputs)
    text = f"{title}: from the inputs {names} to the output {outputs}. Going forward: {'; '.join(forward)}."
    order = [each.tensor for each in reversed(operation.definitions)] + inputs
    shown = [tensor for tensor in order if tensor in known and (traced is None or tensor in traced.gradients)]
    if traced is not None:
        told = [f"{tensor.name}: {_in_a_line(traced.gradients[tensor])}" for tensor in shown]
        text += f" Going backward, gradients: {'; '.join(told)}."
        text = " ".join([text, *traced.remarks])
    return text


def _in_a_line(array: NDArray[Any]) -> str:
    return numbers(array).replace("\n", ", ")


# ---- drawing ----


class _Ruler:
    """Measures texts in points."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(1, 1), dpi=72)
        canvas: Any = FigureCanvasAgg(self.figure)
        self.renderer = canvas.get_renderer()

    def size(self, text: str, points: float) -> tuple[float, float]:
        if not text:
            return 0.0, 0.0
        artist = self.figure.text(0, 0, text, fontsize=points)
        extent = artist.get_window_extent(self.renderer)
        artist.remove()
        return float(extent.width), float(extent.height)


def _drawn(
    operation: Operation,
    parts: Mapping[str, _Part],
    active: str | None,
    caption: str,
    whole: Mapping[str, _Part],
) -> Figure:
    """The picture of some parts, in a frame that all of them have room in: steps stand where they stood before."""
    ruler = _Ruler()
    boxes, layout = _arranged(ruler, operation, whole)
    formulas: list[str] = []
    if layout.width > WIDEST and any(part.tensor.sizes for part in parts.values()):
        parts, whole = (
            {name: replace(part, label=name_of(part.tensor)) for name, part in each.items()} for each in (parts, whole)
        )
        boxes, layout = _arranged(ruler, operation, whole)
        formulas = [f"{formula(each.target)} = {formula(each.body)}" for each in operation.definitions]
    ends = max(ruler.size(part.end, FORMULA)[0] for part in parts.values()) + CLEAR
    told = ruler.size(caption, NUMBERS)
    width = max(layout.width + ends, told[0])
    placed, bottom = _in_columns(ruler, formulas, width, layout.height + SPACE + told[1] + SPACE)
    figure = new_figure((width + 2 * MARGIN) / 72, (bottom + 2 * MARGIN) / 72, layout=None)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, width + MARGIN)
    axes.set_ylim(bottom + MARGIN, -MARGIN)
    axes.text(0, layout.height + SPACE, caption, fontsize=NUMBERS, color=FAINT, va="top")
    for text, x, y in placed:
        axes.text(x, y, text, fontsize=FORMULA, color=INK, va="center")
    _draw_lines(axes, layout, boxes)
    for name, part in parts.items():
        _draw_node(axes, layout.nodes[name], part, boxes[name], name == active)
        _draw_stem(axes, layout, layout.nodes[name], part, boxes[name])
    return figure


def _in_columns(
    ruler: _Ruler, texts: Sequence[str], width: float, top: float
) -> tuple[list[tuple[str, float, float]], float]:
    """Texts with the places of their left ends, in as many columns as there is room for, and where they end below."""
    if not texts:
        return [], top
    sizes = [ruler.size(text, FORMULA) for text in texts]
    wide = max(size[0] for size in sizes) + 2 * SPACE
    rows = ceil(len(texts) / max(1, int((width + 2 * SPACE) / wide)))
    placed, y = [], top
    for row in range(rows):
        own = range(row, len(texts), rows)
        height = max(sizes[place][1] for place in own)
        placed += [(texts[place], wide * number, y + height / 2) for number, place in enumerate(own)]
        y += height + SPACE
    return placed, y - SPACE


def _arranged(
    ruler: _Ruler, operation: Operation, parts: Mapping[str, _Part]
) -> tuple[dict[str, tuple[float, float]], Layout]:
    """The widths and heights of the nodes, and their places."""
    boxes = {name: _box(ruler, part) for name, part in parts.items()}
    sizes = {}
    for name, part in parts.items():
        (width, height), (above, below) = boxes[name], (ruler.size(each, NUMBERS) for each in (part.above, part.below))
        stem = max(STEM, above[0] + 2 * CLEAR, below[0] + 2 * CLEAR)
        up, down = (max(height / 2, each[1] + 2 * CLEAR) for each in (above, below))
        sizes[name] = (width + stem, up, down)
    before = {each.tensor.name: [tensor.name for tensor in _sources(each)] for each in operation.definitions}
    return boxes, lay_out(sizes, before)


def _box(ruler: _Ruler, part: _Part) -> tuple[float, float]:
    """The width and height of a node."""
    width, height = ruler.size(part.label, FORMULA)
    if part.is_input:
        return width + 2 * CLEAR, height + 2 * CLEAR
    if width <= 2 * RADIUS - 6:
        return 2 * RADIUS, 2 * RADIUS
    return width + 2 * PADDING, max(height + 2 * PADDING, 2 * RADIUS)


def _draw_node(axes: Axes, node: Node, part: _Part, box: tuple[float, float], is_active: bool) -> None:
    width, height = box
    middle = node.x + width / 2
    if not part.is_input:
        line = 2.4 if is_active else 1.1
        look: dict[str, Any] = {
            "facecolor": CURRENT if is_active else "white",
            "edgecolor": INK,
            "linewidth": line,
            "zorder": 2,
        }
        if width == 2 * RADIUS:
            axes.add_patch(Circle((middle, node.y), RADIUS, **look))
        else:
            corner = (node.x, node.y - height / 2)
            axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=7", **look))
    axes.text(middle, node.y, part.label, fontsize=FORMULA, ha="center", va="center", color=INK, zorder=3)


def _draw_stem(axes: Axes, layout: Layout, node: Node, part: _Part, box: tuple[float, float]) -> None:
    """The line at a node's right side, to the end of its column, with what stands above and below it."""
    start, width = layout.columns[node.column]
    left, right = node.x + box[0], start + width
    is_last = not node.after
    end = left + max(STEM, right - left) if is_last else right
    axes.plot([left, end], [node.y, node.y], color=INK, linewidth=1.1, solid_capstyle="butt", zorder=1)
    if is_last:
        _arrow(axes, end, node.y)
        axes.text(end + CLEAR, node.y, part.end, fontsize=FORMULA, ha="left", va="center", color=INK)
    centre = (left + end) / 2
    axes.text(centre, node.y - CLEAR, part.above, fontsize=NUMBERS, ha="center", va="bottom", color=FORWARD)
    axes.text(
        centre, node.y + CLEAR, part.below, fontsize=NUMBERS, ha="center", va="top", color=BACKWARD, style="italic"
    )


def _draw_lines(axes: Axes, layout: Layout, boxes: Mapping[str, tuple[float, float]]) -> None:
    """The lines between columns; those that arrive at one node end beside each other."""
    arriving: dict[str, list[tuple[Node, ...]]] = {}
    for (_, target), way in layout.lines.items():
        arriving.setdefault(target, []).append(way)
    for target, ways in arriving.items():
        node, (width, height) = layout.nodes[target], boxes[target]
        ways.sort(key=lambda way: way[-2].y)
        room = min(height * 0.7, 9.0 * (len(ways) - 1)) if len(ways) > 1 else 0.0
        for place, way in enumerate(ways):
            away = -room / 2 + room * place / max(len(ways) - 1, 1)
            is_round = width == 2 * RADIUS
            inset = RADIUS - sqrt(max(RADIUS**2 - away**2, 0.0)) if is_round else 0.0
            _draw_way(axes, layout, way, node.x + inset, node.y + away)


def _draw_way(axes: Axes, layout: Layout, way: Sequence[Node], x: float, y: float) -> None:
    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for place, (left, right) in enumerate(pairwise(way)):
        start, width = layout.columns[left.column]
        begin = (start + width, left.y)
        is_end = place == len(way) - 2
        stop = (x, y) if is_end else (layout.columns[right.column][0], right.y)
        half = (begin[0] + stop[0]) / 2
        if place == 0:
            points.append(begin)
            codes.append(Path.MOVETO)
        else:
            points.append(begin)
            codes.append(Path.LINETO)
        points += [(half, begin[1]), (half, stop[1]), stop]
        codes += [Path.CURVE4] * 3
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", edgecolor=INK, linewidth=1.1, zorder=1))
    _arrow(axes, x, y)


def _arrow(axes: Axes, x: float, y: float) -> None:
    axes.add_patch(Polygon([(x, y), (x - 6, y - 2.6), (x - 6, y + 2.6)], closed=True, color=INK, linewidth=0, zorder=2))
