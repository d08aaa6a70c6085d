"""A wide graph in rows: its columns are cut where few lines pass, and these turn into the row below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codegen.figures.layout import Layout, Node, Turn

#: Between two lines that turn, and between these and what is beside them.
LANE, BESIDE = 8.0, 14.0
#: The names of a line's ends, and the number of a piece of it.
Piece = tuple[str, str, int]
#: How many lines that turn are as bad as one more row.
ROW = 3.0


def in_rows(layout: Layout, widest: float, ends: float) -> Layout:
    """Put the columns of a layout into rows below each other, each as wide as said if any column is narrow enough.

    A line into the next row goes down beside the one row, back between the two, and down beside the other; those
    that keep their order do not cross.

    Args:
        layout: in one row; its nodes are moved.
        widest: in points, with the lines beside a row.
        ends: how wide the names of outputs are.

    Example:
        >>> from codegen.figures.layout import lay_out
        >>> found = lay_out({"a": (50, 5, 5), "b": (50, 5, 5)}, {"b": ["a"]})
        >>> in_rows(found, 200.0, 10.0) is found, sorted(in_rows(found, 100.0, 10.0).turns)
        (True, [('a', 'b', 0)])
    """
    if layout.width + ends <= widest:
        return layout
    passing = _passing(layout)
    rows = _cut(layout, [len(each) for each in passing], widest, ends)
    beside = BESIDE + LANE * max(len(passing[row.stop - 1]) for row in rows)
    columns, turns, top, right = list(layout.columns), {}, 0.0, 0.0
    for row in rows:
        first = layout.columns[row.start][0]
        own = [node for node in layout.everything if node.column in row]
        up = top - min(node.y - node.above for node in own)
        for node in own:
            node.x, node.y = node.x - first + beside, node.y + up
        for column in row:
            start, width = layout.columns[column]
            columns[column] = (start - first + beside, width)
        bottom, end = max(node.y + node.below for node in own), sum(columns[row.stop - 1])
        if any(not node.after for node in own if node.column == row.stop - 1):
            end += ends
        ways = passing[row.stop - 1]
        for place, pieces in enumerate(ways):
            back = len(ways) - 1 - place
            turn = Turn(end + LANE * (1 + back), bottom + BESIDE + LANE * back, beside - BESIDE - LANE * place)
            turns.update(dict.fromkeys(pieces, turn))
        top = bottom + 2 * BESIDE + LANE * len(ways)
        right = max(right, end + LANE * len(ways))
    return replace(layout, columns=columns, turns=turns, width=right, height=bottom)


def _passing(layout: Layout) -> list[list[list[Piece]]]:
    """By column, the pieces of lines that go on to the next one, from the uppermost to the lowest.

    Those that come from one node are together: they turn as one line.
    """
    found: list[dict[int, list[tuple[float, float, Piece]]]] = [{} for _ in layout.columns]
    for (source, target), way in layout.lines.items():
        for place, node in enumerate(way[:-1]):
            piece = (node.y, _arrival(way, place), (source, target, place))
            found[node.column].setdefault(id(node), []).append(piece)
    return [[[key for _, _, key in own] for own in sorted(each.values())] for each in found]


def _arrival(way: Sequence[Node], place: int) -> float:
    """How high a piece of a line arrives: at a node, in the order that its lines come from."""
    return way[place + 1].y + (way[place].y * 1e-6 if place == len(way) - 2 else 0.0)


def _cut(layout: Layout, passing: Sequence[int], widest: float, ends: float) -> list[range]:
    """The columns of each row: few rows, and few lines from one into the next."""
    count = len(layout.columns)
    best: list[tuple[float, list[range]]] = [(0.0, [])]
    for stop in range(1, count + 1):
        options = []
        for start in range(stop):
            width = sum(layout.columns[stop - 1]) - layout.columns[start][0]
            sides = BESIDE + LANE * ((passing[start - 1] if start else 0) + passing[stop - 1])
            if start == stop - 1 or width + sides + (ends if stop == count else 0.0) <= widest:
                cost, rows = best[start]
                options.append((cost + ROW + passing[stop - 1], [*rows, range(start, stop)]))
        best.append(min(options, key=lambda option: option[0]))
    return best[count][1]
