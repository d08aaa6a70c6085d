"""A document as Markdown with formulas between dollar signs, as GitHub and notebooks read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from codegen.documents.model import (
    Block,
    Display,
    Document,
    Fold,
    Formula,
    Line,
    Listing,
    Paragraph,
    Picture,
    Section,
    Steps,
    Table,
    Verbatim,
    Words,
    unknown,
)
from codegen.phrases import phrase
from derive.latex import latex_text
from derive.rendering import numbered

#: Signs that Markdown would take for its own.
_SIGNS = re.compile(r"[\\`*_<>$|]|\](?=\()")


def write_markdown(document: Document, prefix: str = "") -> str:
    """Return a document as Markdown; pictures are files beside it, whose names begin with ``prefix``.

    Example:
        >>> from codegen.documents.model import words
        >>> write_markdown(Document("title", "en", (Paragraph(words("a * b")),)))
        '# title\\n\\na \\\\* b\\n'
    """
    parts = [
        f"# {line_markdown((Words(document.title),))}",
        *blocks_markdown(document.blocks, document.language, prefix),
    ]
    return "\n\n".join(parts) + "\n"


def blocks_markdown(blocks: Sequence[Block], language: str, prefix: str = "", level: int = 2) -> Iterator[str]:
    """Yield the parts of a page, to be separated by empty lines; ``level`` is that of the sections' headings."""
    for block in blocks:
        match block:
            case Section(heading, inner):
                yield f"{'#' * min(level, 6)} {line_markdown(heading)}"
                yield from blocks_markdown(inner, language, prefix, level + 1)
            case Fold(line, inner):
                yield f"<details>\n<summary>{_summary(line)}</summary>"
                yield from blocks_markdown(inner, language, prefix, level)
                yield "</details>"
            case Steps():
                yield from _steps(block, language)
            case _:
                yield block_markdown(block, prefix)


def block_markdown(block: Block, prefix: str = "") -> str:
    """Return a block that holds no others."""
    match block:
        case Paragraph(line):
            return line_markdown(line)
        case Display(formula):
            return f"$${formula.latex}$$"
        case Listing(text, language):
            return f"```{language}\n{text.strip()}\n```"
        case Table(head, rows):
            heads = [f" {line_markdown(line)} " if line else " " for line in head]
            cells = [[f" {line_markdown(line)} ".replace("|", r"\|") for line in row] for row in rows]
            return "\n".join(f"|{'|'.join(row)}|" for row in (heads, ["---"] * len(head), *cells))
        case Picture(name, alt):
            return f"![{line_markdown((Words(alt),))}]({prefix}{name}.svg)"
    raise unknown(block)


def line_markdown(line: Line) -> str:
    """Return a line as Markdown."""
    return "".join(map(_piece, line))


def _piece(piece: Words | Verbatim | Formula) -> str:
    match piece:
        case Words(text):
            return _SIGNS.sub(r"\\\g<0>", text)
        case Verbatim(text):
            return f"`{text}`"
        case Formula():
            return f"${piece.latex}$"
    raise unknown(piece)


def _summary(line: Line) -> str:
    """Return the line of a fold, in which there is no Markdown."""
    return "".join(f"<code>{piece.text}</code>" if isinstance(piece, Verbatim) else _piece(piece) for piece in line)


def _steps(steps: Steps, language: str) -> list[str]:
    def write(expr: object) -> str:
        return latex_text(expr, steps.notation, steps.start)

    rows = [
        (line_markdown(why) or phrase("that is", language), write(chain.left), write(right))
        for chain in steps.chains
        for right, why in chain.rights
    ]
    return numbered(rows)
