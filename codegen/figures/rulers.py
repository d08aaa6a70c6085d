"""How wide and high texts are, in points, and where a line of words breaks."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Ruler:
    """Measures texts in points."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(1, 1), dpi=72)
        canvas: Any = FigureCanvasAgg(self.figure)
        self.renderer = canvas.get_renderer()

    def size(self, text: str, points: float) -> tuple[float, float]:
        """Return the width and height of a text in letters of a size; of an empty one both are 0.

        Example:
            >>> Ruler().size("", 11.0)
            (0.0, 0.0)
        """
        if not text:
            return 0.0, 0.0
        artist = self.figure.text(0, 0, text, fontsize=points)
        extent = artist.get_window_extent(self.renderer)
        artist.remove()
        return float(extent.width), float(extent.height)

    def wrapped(self, text: str, points: float, room: float) -> str:
        """Return a text with its lines broken between words, each no wider than there is room for.

        A word that is wider itself is broken, too.

        Example:
            >>> Ruler().wrapped("one two three", 10.0, 60.0), Ruler().wrapped("one two", 10.0, 60.0)
            ('one two\\nthree', 'one two')
        """
        for letters in range(len(text), 1, -1):
            lines = "\n".join(wrap(text, letters))
            if self.size(lines, points)[0] <= room:
                return lines
        return text
