"""How a graph is drawn: its nodes, the lines between them, and what stands at these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, sqrt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from codegen.figures.circuits import sources_of
from codegen.figures.layout import SPACE, Layout, Node, Turn, lay_out
from codegen.figures.rows import in_rows
from codegen.figures.rulers import Ruler
from codegen.figures.style import BACKWARD, CURRENT, FAINT, FORWARD, INK, new_figure
from codegen.figures.texts import formula
from codegen.figures.texts import name as name_of
from derive.indices import Tensor
from derive.operation import Operation

#: Letters of names and formulas, and of numbers.
FORMULA, NUMBERS = 11.0, 9.5
#: The radius of a step's circle, the room around what a box holds, and between a line and what stands at it.
RADIUS, PADDING, CLEAR = 14.0, 8.0, 3.0
#: The shortest piece of line at a node's right side, and the margin around the graph.
STEM, MARGIN = 26.0, 14.0
#: A graph wider than this is drawn in rows; one of arrays has names in its nodes then, and their formulas below.
WIDEST = 720.0
#: How round the corners of a line are that turns into the row below.
CORNER = 5.0


@dataclass(frozen=True)
class Part:
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


def drawn(
    operation: Operation,
    parts: Mapping[str, Part],
    active: str | None,
    caption: str,
    whole: Mapping[str, Part],
) -> Figure:
    """The picture of some parts, in a frame that all of them have room in: steps stand where they stood before."""
    ruler = Ruler()
    boxes, layout = _arranged(ruler, operation, whole)
    formulas: list[str] = []
    if layout.width > WIDEST and any(part.tensor.sizes for part in parts.values()):
        parts, whole = (
            {name: replace(part, label=name_of(part.tensor)) for name, part in each.items()} for each in (parts, whole)
        )
        boxes, layout = _arranged(ruler, operation, whole)
        formulas = [f"{formula(each.target)} = {formula(each.body)}" for each in operation.definitions]
    ends = max(ruler.size(part.end, FORMULA)[0] for part in whole.values()) + CLEAR
    layout = in_rows(layout, WIDEST, ends)
    told = ruler.size(caption, NUMBERS)
    width = max(layout.width + (0.0 if layout.turns else ends), told[0])
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
    ruler: Ruler, texts: Sequence[str], width: float, top: float
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
    ruler: Ruler, operation: Operation, parts: Mapping[str, Part]
) -> tuple[dict[str, tuple[float, float]], Layout]:
    """The widths and heights of the nodes, and their places."""
    boxes = {name: _box(ruler, part) for name, part in parts.items()}
    sizes = {}
    for name, part in parts.items():
        (width, height), (above, below) = boxes[name], (ruler.size(each, NUMBERS) for each in (part.above, part.below))
        stem = max(STEM, above[0] + 2 * CLEAR, below[0] + 2 * CLEAR)
        up, down = (max(height / 2, each[1] + 2 * CLEAR) for each in (above, below))
        sizes[name] = (width + stem, up, down)
    before = {each.tensor.name: [tensor.name for tensor in sources_of(each)] for each in operation.definitions}
    return boxes, lay_out(sizes, before)


def _box(ruler: Ruler, part: Part) -> tuple[float, float]:
    """The width and height of a node."""
    width, height = ruler.size(part.label, FORMULA)
    if part.is_input:
        return width + 2 * CLEAR, height + 2 * CLEAR
    if width <= 2 * RADIUS - 6:
        return 2 * RADIUS, 2 * RADIUS
    return width + 2 * PADDING, max(height + 2 * PADDING, 2 * RADIUS)


def _draw_node(axes: Axes, node: Node, part: Part, box: tuple[float, float], is_active: bool) -> None:
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


def _draw_stem(axes: Axes, layout: Layout, node: Node, part: Part, box: tuple[float, float]) -> None:
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
    arriving: dict[str, list[tuple[str, tuple[Node, ...]]]] = {}
    for (source, target), way in layout.lines.items():
        arriving.setdefault(target, []).append((source, way))
    for target, ways in arriving.items():
        node, (width, height) = layout.nodes[target], boxes[target]
        ways.sort(key=lambda each: each[1][-2].y)
        room = min(height * 0.7, 9.0 * (len(ways) - 1)) if len(ways) > 1 else 0.0
        for place, (source, way) in enumerate(ways):
            away = -room / 2 + room * place / max(len(ways) - 1, 1)
            is_round = width == 2 * RADIUS
            inset = RADIUS - sqrt(max(RADIUS**2 - away**2, 0.0)) if is_round else 0.0
            turns = [layout.turns.get((source, target, piece)) for piece in range(len(way) - 1)]
            _draw_way(axes, layout, way, turns, (node.x + inset, node.y + away))


def _draw_way(
    axes: Axes, layout: Layout, way: Sequence[Node], turns: Sequence[Turn | None], arrival: tuple[float, float]
) -> None:
    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for place, ((left, right), turn) in enumerate(zip(pairwise(way), turns, strict=True)):
        start, width = layout.columns[left.column]
        begin = (start + width, left.y)
        is_end = place == len(way) - 2
        stop = arrival if is_end else (layout.columns[right.column][0], right.y)
        points.append(begin)
        codes.append(Path.LINETO if place else Path.MOVETO)
        if turn:
            points += _turning(begin, turn, stop)
            codes += [Path.LINETO, Path.CURVE3, Path.CURVE3] * 4 + [Path.LINETO]
        else:
            half = (begin[0] + stop[0]) / 2
            points += [(half, begin[1]), (half, stop[1]), stop]
            codes += [Path.CURVE4] * 3
    axes.add_patch(PathPatch(Path(points, codes), facecolor="none", edgecolor=INK, linewidth=1.1, zorder=1))
    _arrow(axes, *arrival)


def _turning(begin: tuple[float, float], turn: Turn, stop: tuple[float, float]) -> list[tuple[float, float]]:
    """Four corners, each with where its curve begins and ends, and the end."""
    corners = [
        (turn.right, begin[1]),
        (turn.right, turn.between),
        (turn.left, turn.between),
        (turn.left, stop[1]),
    ]
    stations = [begin, *corners, stop]
    points: list[tuple[float, float]] = []
    for before, corner, after in zip(stations, corners, stations[2:], strict=False):
        points += [_towards(corner, before), corner, _towards(corner, after)]
    return [*points, stop]


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A place near a corner on the way to another place, at most half of it away."""
    x, y = other[0] - corner[0], other[1] - corner[1]
    part = min(0.5, CORNER / max(abs(x), abs(y), CORNER))
    return corner[0] + part * x, corner[1] + part * y


def _arrow(axes: Axes, x: float, y: float) -> None:
    axes.add_patch(Polygon([(x, y), (x - 6, y - 2.6), (x - 6, y + 2.6)], closed=True, color=INK, linewidth=0, zorder=2))
