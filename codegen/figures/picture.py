"""A picture: a figure with a title and a description in words, that can be saved and shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from matplotlib.figure import Figure

from codegen.figures.style import styled
from derive.errors import InputError
from derive.files import write_whole

#: What a file's name may end in.
FORMATS = (".svg", ".png")
#: Dots of a PNG to an inch.
DOTS = 150


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawing with what it shows in words.

    Attributes:
        figure: matplotlib's figure, which may be changed before it is saved.
        title: what it is, in a line.
        alt: what it shows, with its numbers, for those who do not see it.

    Example:
        >>> from codegen.figures.style import new_figure
        >>> picture = Picture(new_figure(2, 1), "nothing", "An empty rectangle.")
        >>> picture
        <Picture nothing: An empty rectangle.>
        >>> "<desc>An empty rectangle.</desc>" in picture.svg()
        True
    """

    figure: Figure
    title: str
    alt: str

    def save(self, path: str | Path) -> None:
        """Write the picture as SVG or PNG, as the name ends; a whole file or none.

        Raises:
            InputError: the name ends in something else, or the file can not be written.
        """
        write_whole(path, self.svg() if check_format(path) == ".svg" else self.png())

    def svg(self) -> str:
        """Return the picture as SVG, the same text for the same picture, its title and description inside."""
        metadata = {"Date": None, "Creator": None}
        text = self._drawn("svg", metadata=metadata).decode("utf-8")
        start = text.index("<svg")
        end = text.index(">", start)
        words = f"\n <title>{escape(self.title)}</title>\n <desc>{escape(self.alt)}</desc>"
        return f'{text[:end]} role="img">{words}{text[end + 1 :]}'

    def png(self, dots: int = DOTS) -> bytes:
        """Return the picture as PNG of so many dots to an inch, its title and description in the metadata."""
        metadata = {"Title": self.title, "Description": self.alt, "Software": None}
        return self._drawn("png", dpi=dots, metadata=metadata)

    def _drawn(self, kind: str, **options: Any) -> bytes:
        drawn = io.BytesIO()
        with styled():
            self.figure.savefig(drawn, format=kind, **options)
        return drawn.getvalue()

    def __repr__(self) -> str:
        return f"<Picture {self.title}: {self.alt}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_png_(self) -> bytes:
        return self.png()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a notebook keeps: the drawing, and its description as the text that stands for it."""
        made: dict[str, Callable[[], Any]] = {
            "text/plain": lambda: f"{self.title}: {self.alt}",
            "image/svg+xml": self.svg,
            "image/png": self.png,
        }
        wanted = [kind for kind in made if (not include or kind in include) and kind not in (exclude or ())]
        told = {kind: {"alt": self.alt} for kind in wanted if kind.startswith("image/")}
        return {kind: made[kind]() for kind in wanted}, told


def check_format(path: str | Path) -> str:
    """Return what a file's name ends in.

    Raises:
        InputError: it is no format that pictures are written in.

    Example:
        >>> check_format("softmax.SVG")
        '.svg'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{str(path)!r} is no name for a picture: it ends in {' or '.join(FORMATS)}")
    return suffix
