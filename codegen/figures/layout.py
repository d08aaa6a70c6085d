"""Where the nodes of a graph stand: in columns from its inputs to its outputs, so that no line crosses a node.

The order inside the columns is found by going through them, each node near the middle of those it is joined with; a
line over several columns has a place of its own in each. Lengths are in points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

#: Between two columns, and between two nodes of a column.
GAP, SPACE = 34.0, 12.0
#: How much of a column's height a line takes that passes through it.
LINE = 10.0
SWEEPS = 24
#: How much an input counts beside what is computed: it makes way, so that a chain of steps is straight.
LIGHT = 1e-3
#: How often the nodes are brought near their neighbours, column by column: a chain has to come straight.
PULLS = 150


@dataclass
class Node:
    """What has a place in a column.

    Attributes:
        name: what the graph calls it; None for a line that passes through.
        width: how much it takes of the column's.
        above, below: how far it reaches from its middle line.
        before: the nodes that its lines come from.
        weight: how much it counts where heights are chosen.
    """

    name: str | None
    width: float
    above: float
    below: float
    before: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)
    column: int = 0
    weight: float = 1.0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Turn:
    """How a piece of a line comes into the row below: down beside the one row, back between the two, down again.

    Attributes:
        right, left: where it goes down.
        between: where it goes back.
    """

    right: float
    between: float
    left: float


@dataclass(frozen=True)
class Layout:
    """Nodes with their places.

    Attributes:
        nodes: by name.
        lines: by the names of a line's ends, the nodes on its way, both ends with them.
        columns: where each column begins and how wide it is.
        turns: by the names of a line's ends and the number of a piece of it, how that comes into the row below.
    """

    nodes: Mapping[str, Node]
    lines: Mapping[tuple[str, str], tuple[Node, ...]]
    columns: Sequence[tuple[float, float]]
    width: float
    height: float
    turns: Mapping[tuple[str, str, int], Turn] = field(default_factory=dict)

    @property
    def everything(self) -> list[Node]:
        """All that has a place: the nodes and where lines pass."""
        return [*self.nodes.values(), *(node for way in self.lines.values() for node in way[1:-1])]


def lay_out(sizes: Mapping[str, tuple[float, float, float]], before: Mapping[str, Sequence[str]]) -> Layout:
    """Give each node of a graph without circles a place.

    Args:
        sizes: by name, in the order of computation: the width, and how far it reaches up and down from its line.
        before: by name, where its lines come from, in the order in which they arrive.

    Example:
        >>> found = lay_out({"a": (10, 5, 5), "b": (10, 5, 5), "c": (10, 5, 5)}, {"c": ["a", "b"]})
        >>> [(name, node.x, node.y) for name, node in found.nodes.items()]
        [('a', 0.0, 5.0), ('b', 0.0, 27.0), ('c', 44.0, 16.0)]
    """
    nodes = {name: Node(name, *size) for name, size in sizes.items()}
    _set_columns(nodes, before)
    lines = {
        (source, target): _joined(nodes[source], nodes[target])
        for target, sources in before.items()
        for source in dict.fromkeys(sources)
    }
    columns = _ordered(nodes, before, lines)
    _set_heights(columns)
    starts, right = [], 0.0
    for column in columns:
        width = max(node.width for node in column)
        starts.append((right, width))
        for node in column:
            node.x = right
        right += width + GAP
    everything = [node for column in columns for node in column]
    top = min(node.y - node.above for node in everything)
    for node in everything:
        node.y -= top
    return Layout(nodes, lines, starts, right - GAP, max(node.y + node.below for node in everything))


def _set_columns(nodes: Mapping[str, Node], before: Mapping[str, Sequence[str]]) -> None:
    """Nodes stand after those that they come from, inputs right before the first that uses them."""
    for name, node in nodes.items():
        node.column = max((nodes[source].column + 1 for source in before.get(name, ())), default=0)
    users: dict[str, list[int]] = {}
    for name, sources in before.items():
        for source in sources:
            users.setdefault(source, []).append(nodes[name].column)
    for name, node in nodes.items():
        if not before.get(name):
            node.weight = LIGHT
            node.column = min(users.get(name, [1])) - 1


def _joined(source: Node, target: Node) -> tuple[Node, ...]:
    """Join two nodes, with a place for the line in each column between them."""
    way = [source]
    for column in range(source.column + 1, target.column):
        way.append(Node(None, 0.0, LINE / 2, LINE / 2, column=column, weight=source.weight))
    way.append(target)
    for left, right in pairwise(way):
        left.after.append(right)
        right.before.append(left)
    return tuple(way)


def _ordered(
    nodes: Mapping[str, Node], before: Mapping[str, Sequence[str]], lines: Mapping[tuple[str, str], tuple[Node, ...]]
) -> list[list[Node]]:
    """The columns, in the order in which a walk back from the outputs meets their nodes, then with fewer crossings."""
    columns: list[list[Node]] = [[] for _ in range(1 + max(node.column for node in nodes.values()))]
    met: set[int] = set()

    def walk(node: Node) -> None:
        if id(node) not in met:
            met.add(id(node))
            for source in node.before:
                walk(source)
            columns[node.column].append(node)

    for node in reversed(list(nodes.values())):
        if not node.after:
            walk(node)
    for column in columns:
        for place, node in enumerate(column):
            node.y = place
    best, fewest = [list(column) for column in columns], _crossings(columns)
    for sweep in range(SWEEPS):
        back = sweep % 2 == 1
        for column in reversed(columns) if back else columns:
            joined = {id(node): node.after if back else node.before for node in column}
            column.sort(key=lambda node: _middle(joined[id(node)], node.y))
            for place, node in enumerate(column):
                node.y = place
        if (count := _crossings(columns)) < fewest:
            best, fewest = [list(column) for column in columns], count
    return best


def _middle(joined: Sequence[Node], own: float) -> float:
    return sum(node.y for node in joined) / len(joined) if joined else own


def _weighted_middle(joined: Sequence[Node], own: float) -> float:
    total = sum(node.weight for node in joined)
    return sum(node.weight * node.y for node in joined) / total if joined else own


def _crossings(columns: Sequence[Sequence[Node]]) -> int:
    count = 0
    for column in columns:
        ends = [(place, other.y) for place, node in enumerate(column) for other in node.after]
        count += sum(a[0] < b[0] and a[1] > b[1] for a in ends for b in ends)
    return count


def _set_heights(columns: Sequence[Sequence[Node]]) -> None:
    """Bring each node near the middle of those that it is joined with, in the order of its column."""
    for column in columns:
        _spread(column, [0.0] * len(column))
    for sweep in range(PULLS):
        for column in columns if sweep % 2 else reversed(columns):
            wanted = [_weighted_middle([*node.before, *node.after], node.y) for node in column]
            _spread(column, wanted)


def _spread(column: Sequence[Node], wanted: Sequence[float]) -> None:
    """Put the nodes of a column as near as can be to where they want to be, none on another.

    Those that meet make a block that stands where they want to be on average, each by its weight.
    """
    offsets = [0.0]
    for upper, lower in pairwise(column):
        offsets.append(offsets[-1] + upper.below + lower.above + SPACE)
    blocks: list[tuple[float, float, int]] = []  # What the nodes want less their offsets, their weight, their count.
    for node, want, offset in zip(column, wanted, offsets, strict=True):
        mean, weight, count = want - offset, node.weight, 1
        while blocks and blocks[-1][0] > mean:
            its_mean, its_weight, its_count = blocks.pop()
            mean = (mean * weight + its_mean * its_weight) / (weight + its_weight)
            weight, count = weight + its_weight, count + its_count
        blocks.append((mean, weight, count))
    places = [mean for mean, _, count in blocks for _ in range(count)]
    for node, place, offset in zip(column, places, offsets, strict=True):
        node.y = place + offset
