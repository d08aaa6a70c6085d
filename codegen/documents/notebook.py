"""A document as a Jupyter notebook: prose and formulas in Markdown cells, code in cells that run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from codegen.documents.markdown import block_markdown, blocks_markdown, line_markdown
from codegen.documents.model import Block, Document, Listing, Picture, Section, Words

#: The format's version, the first with names for cells.
_FORMAT = {"nbformat": 4, "nbformat_minor": 5}
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def write_notebook(document: Document) -> str:
    """Return a document as the JSON of a notebook.

    Example:
        >>> text = write_notebook(Document("title", "en", (Listing("x = 1"),)))
        >>> [cell["cell_type"] for cell in json.loads(text)["cells"]]
        ['markdown', 'code']
    """
    cells = [
        _markdown([f"# {line_markdown((Words(document.title),))}"]),
        *_cells(document.blocks, document.language, 2),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = hashlib.sha256(f"{place}{cell['source']}".encode()).hexdigest()[:8]
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, **_FORMAT}, ensure_ascii=False, indent=1) + "\n"


def _cells(blocks: Sequence[Block], language: str, level: int) -> Iterator[dict[str, Any]]:
    """Yield cells; prose that stands together is in one."""
    prose: list[str] = []
    for block in blocks:
        if (
            isinstance(block, Section)
            or (isinstance(block, Listing) and block.language == "python")
            or isinstance(block, Picture)
        ):
            if prose:
                yield _markdown(prose)
            prose = []
        match block:
            case Section(heading, inner):
                prose.append(f"{'#' * min(level, 6)} {line_markdown(heading)}")
                first, *others = _cells(inner, language, level + 1)
                if first["cell_type"] == "markdown":
                    first["source"] = "\n\n".join([*prose, first["source"]])
                else:
                    yield _markdown(prose)
                prose = []
                yield from (first, *others)
            case Listing(text, "python"):
                yield {
                    "cell_type": "code",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": text.strip(),
                }
            case Picture(name):
                cell = _markdown([block_markdown(block, "attachment:")])
                data = base64.b64encode(block.draw("png")).decode()
                cell["source"] = cell["source"].replace(f"{name}.svg", f"{name}.png")
                yield {**cell, "attachments": {f"{name}.png": {"image/png": data}}}
            case _:
                prose += blocks_markdown([block], language)
    if prose:
        yield _markdown(prose)


def _markdown(parts: Sequence[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n\n".join(parts)}
