"""A document as a Jupyter notebook: prose and formulas in Markdown cells, code in cells that run."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from codegen.documents.markdown import blocks_markdown, line_markdown
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
    cells = list(_cells(document))
    for place, cell in enumerate(cells):
        cell["id"] = hashlib.sha256(f"{place}{cell['source']}".encode()).hexdigest()[:8]
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, **_FORMAT}, ensure_ascii=False, indent=1) + "\n"


def _cells(document: Document) -> Iterator[dict[str, Any]]:
    """Yield cells: code and pictures have one each, prose has one from heading to heading."""
    prose = [f"# {line_markdown((Words(document.title),))}"]
    for level, block in _flat(document.blocks, 2):
        is_code = isinstance(block, Listing) and block.language == "python"
        if prose and (is_code or isinstance(block, Section | Picture)):
            yield _markdown(prose)
            prose = []
        match block:
            case Section(heading):
                prose = [f"{'#' * min(level, 6)} {line_markdown(heading)}"]
            case Listing(text) if is_code:
                code: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
                yield {**code, "source": text.strip()}
            case Picture(name, alt, draw):
                data = base64.b64encode(draw("png")).decode()
                shown = _markdown([f"![{line_markdown((Words(alt),))}](attachment:{name}.png)"])
                yield {**shown, "attachments": {f"{name}.png": {"image/png": data}}}
            case _:
                prose += blocks_markdown([block], document.language)
    if prose:
        yield _markdown(prose)


def _flat(blocks: Sequence[Block], level: int) -> Iterator[tuple[int, Block]]:
    """Yield blocks with the level of their headings, those of sections after them."""
    for block in blocks:
        yield level, block
        if isinstance(block, Section):
            yield from _flat(block.blocks, level + 1)


def _markdown(parts: Sequence[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n\n".join(parts)}
