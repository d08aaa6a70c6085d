"""A picture: a matplotlib figure with a title and a text that says what is to be seen in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from derive.errors import InputError
from derive.files import write_whole

#: What a picture can be written as, by the end of a file's name.
FORMATS = {".svg": "svg", ".png": "png"}
#: Dots an inch of a PNG.
DOTS = 160
#: What all pictures share: letters of one kind as formulas have them, thin frames, colours that differ in grey, too.
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "svg.hashsalt": "derivegen",
    "svg.fonttype": "path",
    "image.cmap": "cividis",
}
#: Lines are told from each other by their dashes, classes by their markers, so that a print in grey is enough.
INK, BLUE, ORANGE, GREY = "#1a1a1a", "#0b4f9e", "#d1670a", "#8a8a8a"
LINES = ((BLUE, "-"), (ORANGE, "--"), (INK, ":"), (GREY, "-."))


@contextmanager
def style() -> Iterator[None]:
    """Draw in the pictures' own style, whatever the user's settings are; these are left as they were."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches that has a canvas of its own: no window, nothing of pyplot's."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


@dataclass(frozen=True)
class Picture:
    """A figure, what it is called, and its description for who does not see it.

    Attributes:
        figure: matplotlib's figure.
        title: a short name.
        alt: what is to be seen, with the numbers.
    """

    figure: Figure
    title: str
    alt: str

    def svg(self) -> str:
        """Return the picture as SVG: the same text each time, with title and description."""
        text = self._drawn("svg", metadata={"Date": None, "Creator": None}).decode()
        start = text.index("<svg")
        head, tail = text[start:].split(">", 1)
        said = f"<title>{escape(self.title)}</title>\n<desc>{escape(self.alt)}</desc>"
        head = re.sub(r"^<svg", '<svg role="img"', head)
        return f"{text[:start]}{head}>\n{said}{tail}"

    def png(self) -> bytes:
        """Return the picture as PNG, with its title and description in the file."""
        said = {"Title": self.title, "Description": self.alt, "Software": None}
        return self._drawn("png", dpi=DOTS, metadata=said)

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, as SVG or PNG by the end of its name, and return the path.

        Raises:
            InputError: the name has another end, or the file can not be written.
        """
        path = Path(path)
        check_name(path)
        write_whole(path, self.svg() if FORMATS[path.suffix.lower()] == "svg" else self.png())
        return path

    def _drawn(self, kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        with style():
            self.figure.savefig(buffer, format=kind, **options)
        return buffer.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": self.alt}


def check_name(path: str | Path) -> None:
    """Check that a file's name says what a picture is to be written as.

    Raises:
        InputError: it does not.

    Example:
        >>> check_name("softmax.gif")
        Traceback (most recent call last):
        derive.errors.InputError: softmax.gif: a picture is written as .svg or .png; end the name with one of them
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a picture is written as .svg or .png; end the name with one of them")
