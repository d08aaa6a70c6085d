"""How every picture looks: readable letters, lines told apart without colour, colours that stay in order in grey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

#: What differs from matplotlib's own settings; a person's own ones count for nothing, so that a picture is the same
#: everywhere.
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "mathtext.fontset": "dejavusans",
    "axes.titlesize": 13.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.facecolor": "white",
    # Letters as outlines: a picture needs no font where it is shown, and its widths are those that were measured.
    "svg.fonttype": "path",
    "svg.hashsalt": "derivegen",
    "path.simplify": False,
}
#: Ink, what is said beside it, and the two directions: values go forward, gradients come back. In grey the two are told
#: apart by their place and by slanted letters.
INK, FAINT, FORWARD, BACKWARD = "#1a1a1a", "#6b6b6b", "#0b4f8a", "#b03a00"
#: The filling of the node that a step is at.
CURRENT = "#f6d9a8"
#: Lines, by colour, dash and marker; each of the three is enough.
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#0b4f8a", "linestyle": "-", "marker": "o"},
    {"color": "#d55e00", "linestyle": "--", "marker": "s"},
    {"color": "#007a5a", "linestyle": "-.", "marker": "^"},
    {"color": "#9c4f8c", "linestyle": ":", "marker": "D"},
)

#: Classes, by colour and marker, and the hatching of their regions: no two are alike.
CLASSES: tuple[dict[str, Any], ...] = (
    {"color": "#0b4f8a", "marker": "o", "hatch": ""},
    {"color": "#d55e00", "marker": "s", "hatch": ""},
    {"color": "#007a5a", "marker": "^", "hatch": ""},
    {"color": "#9c4f8c", "marker": "D", "hatch": ""},
    {"color": "#1a1a1a", "marker": "v", "hatch": "//"},
    {"color": "#b8860b", "marker": "P", "hatch": "\\\\"},
    {"color": "#3aa0d8", "marker": "X", "hatch": ".."},
    {"color": "#7a1f1f", "marker": "<", "hatch": "--"},
    {"color": "#6b8e23", "marker": ">", "hatch": "||"},
    {"color": "#e377a2", "marker": "p", "hatch": "xx"},
)


@contextmanager
def styled() -> Iterator[None]:
    """Use the style for what is made and drawn inside; matplotlib's settings are as they were afterwards.

    Example:
        >>> import matplotlib
        >>> with styled():
        ...     inside = matplotlib.rcParams["svg.hashsalt"]
        >>> inside, matplotlib.rcParams["svg.hashsalt"]
        ('derivegen', None)
    """
    with matplotlib.style.context(["default", STYLE]):
        yield


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """Return an empty figure of a size in inches, to be filled inside ``styled``; it is not pyplot's."""
    return Figure(figsize=(width, height), layout=layout)


def line(place: int, markers: bool = False) -> dict[str, Any]:
    """Return how the line at a place of a list is drawn, with markers where its points are few.

    Example:
        >>> line(1), line(5) == line(1)
        ({'color': '#d55e00', 'linestyle': '--'}, True)
    """
    chosen = LINES[place % len(LINES)]
    return {key: value for key, value in chosen.items() if markers or key != "marker"}
