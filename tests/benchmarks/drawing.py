"""A plot of what ``speed.py`` measured: each column's time as a multiple of the expert's NumPy, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

#: By column, its colour and marker; the colours are told apart by those who do not tell red from green.
STYLES = {
    "NumPy": ("#0072b2", "o"),
    "file": ("#56b4e9", "D"),
    "C": ("#009e73", "s"),
    "notebooks": ("#999999", "x"),
    "torch": ("#d55e00", "^"),
    "JAX": ("#cc79a7", "v"),
}


def draw(every: Sequence[Sequence[Any]], path: Path) -> None:
    """Draw a panel for each size and dtype, one below the other, and write the figure to a file."""
    figure = Figure(figsize=(7.5, 3.9 * len(every)), layout="constrained")
    panels = figure.subplots(len(every), 1, squeeze=False, sharex=True)[:, 0]
    for axes, measured in zip(panels, every, strict=True):
        _panel(axes, measured)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    figure.savefig(path)


def _panel(axes: Any, measured: Sequence[Any]) -> None:
    rows = [each for each in measured if "expert" in each.seconds]
    for column, (colour, marker) in STYLES.items():
        places = [place for place, each in enumerate(rows) if column in each.seconds]
        ratios = [rows[place].seconds[column] / rows[place].seconds["expert"] for place in places]
        axes.plot(ratios, places, marker, color=colour, label=column, linestyle="none")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.set_yticks(range(len(rows)), [each.row.name for each in rows])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("time, as a multiple of the expert's NumPy")
    axes.set_title(f"{rows[0].size}, {rows[0].dtype}" if rows else "nothing measured")
