"""Reports: what is to be said of operations, as a document in four formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.documents.contents import document
from codegen.documents.html import html_fragment, write_html
from codegen.documents.latex import write_latex
from codegen.documents.markdown import write_markdown
from codegen.documents.model import Document, Picture, walk
from codegen.documents.notebook import write_notebook
from codegen.documents.wording import Told
from codegen.phrases import check_language
from derive.catalogue import find
from derive.errors import InputError
from derive.files import write_whole
from derive.notation import BAR, find_notation
from derive.operation import Derived, Operation

#: What writes each format, by the ending of a file, and the format of pictures beside it; none where they are in it.
_FORMATS: Mapping[str, tuple[Callable[[Document, str], str], str]] = {
    ".html": (lambda document, prefix: write_html(document), ""),
    ".md": (write_markdown, "svg"),
    ".tex": (write_latex, "png"),
    ".ipynb": (lambda document, prefix: write_notebook(document), ""),
}


@dataclass(frozen=True)
class Report:
    """A document on operations: their definitions, gradients with derivations, proofs, code and pictures.

    In a notebook it shows itself.
    """

    document: Document

    def html(self) -> str:
        """Return one HTML file that needs nothing else: no script, no font, no network."""
        return write_html(self.document)

    def markdown(self) -> str:
        """Return Markdown with formulas between dollars; its pictures are files, which ``save`` writes beside it."""
        return write_markdown(self.document)

    def latex(self) -> str:
        """Return LaTeX that compiles on its own; its pictures are files, which ``save`` writes beside it."""
        return write_latex(self.document)

    def notebook(self) -> str:
        """Return the JSON of a Jupyter notebook, whose cells of code run."""
        return write_notebook(self.document)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the report in the format of the file's ending; return the files that were written.

        Raises:
            InputError: there is no such format, or a file cannot be written.
        """
        target = Path(path)
        write, drawn = _FORMATS[check_format(path)]
        prefix = f"{target.stem}-"
        files: dict[Path, str | bytes] = {target: write(self.document, prefix)}
        for block in walk(self.document.blocks) if drawn else ():
            if isinstance(block, Picture):
                files[target.with_name(f"{prefix}{block.name}.{drawn}")] = block.draw(drawn)
        for each, content in files.items():
            write_whole(each, content)
        return tuple(files)

    def _repr_html_(self) -> str:
        return html_fragment(self.document)


def check_format(path: str | Path) -> str:
    """Return the ending of a file's name, by which a format is chosen.

    Raises:
        InputError: no format has this ending.

    Example:
        >>> check_format("softmax.tex")
        '.tex'
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        *others, last = _FORMATS
        raise InputError(f"{str(path)!r} names no format; a report's name ends in {', '.join(others)} or {last}")
    return ending


def report(
    *ops: str | Operation | Derived, language: str = "en", notation: str = BAR.name, told: Told | None = None
) -> Report:
    """Return a report on operations, in English, German (``de``), Chinese (``zh``) or French (``fr``).

    Args:
        ops: catalogue names, definitions' texts or operations.
        language: of the words between the formulas.
        notation: how gradients are written: ``"bar"``, ``"leibniz"`` or ``"notebook"``.
        told: is called, while the report is made, with a line on what is made next.

    Raises:
        InputError: no such operation, language or notation.

    Example:
        >>> text = report("softmax", language="de").markdown()
        >>> [line for line in text.splitlines() if line.startswith("## ")]
        ['## Definition', '## Abbildungen', '## Gradienten', '## Beweis', '## Code', '## Quelle']
    """
    check_language(language)
    find_notation(notation)
    if not ops:
        raise InputError("a report needs the name of one operation at least")
    return Report(document(list(map(find, ops)), language, notation, told))
