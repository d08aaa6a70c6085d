"""A document as LaTeX that compiles on its own, in one or two columns of formulas as ``derive latex`` sets them."""

from __future__ import annotations

import re
import unicodedata
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
from derive.layout import latex_words
from derive.names import GREEK_NAMES
from derive.rendering import aligned, latex_document

#: Chinese letters and signs, which latex_words would write as numbers.
_CHINESE = re.compile(r"([\u2e80-\u9fff\uff00-\uffef]+)")
_LEVELS = ("section", "subsection", "subsubsection", "paragraph")


def write_latex(document: Document, prefix: str = "") -> str:
    r"""Return a document as LaTeX; pictures are files beside it, whose names begin with ``prefix``.

    Example:
        >>> from codegen.documents.model import words
        >>> r'Gr\"{o}{\ss}e' in write_latex(Document("title", "de", (Paragraph(words("Größe")),)))
        True
    """
    parts = list(_blocks(document.blocks, prefix, 0))
    preamble = [r"\usepackage{graphicx}"]
    if _CHINESE.search("".join(parts)) or document.language == "zh":
        preamble.append(r"\usepackage[UTF8,scheme=plain]{ctex}")
    else:
        preamble.append(r"\usepackage[T1]{fontenc}")
    return latex_document(parts, document.title, preamble)


def _blocks(blocks: Sequence[Block], prefix: str, level: int) -> Iterator[str]:
    for block in blocks:
        match block:
            case Section(heading, inner):
                yield rf"\{_LEVELS[min(level, len(_LEVELS) - 1)]}*{{{line_latex(heading)}}}"
                yield from _blocks(inner, prefix, level + 1)
            case Fold(line, inner):
                yield rf"\textit{{{line_latex(line)}}}"
                yield from _blocks(inner, prefix, level)
            case _:
                yield _block(block, prefix)


def _block(block: Block, prefix: str) -> str:
    match block:
        case Paragraph(line):
            return line_latex(line)
        case Display(formula):
            *lefts, right = formula.sides
            return aligned([(lefts[0], [(right, [])])], formula.notation, formula.start)
        case Steps(chains):
            rows = [(chain.left, [(right, _reason(why)) for right, why in chain.rights]) for chain in chains]
            return aligned(rows, block.notation, block.start)
        case Listing(text):
            return f"{{\\footnotesize\n\\begin{{verbatim}}\n{plain_letters(text.strip())}\n\\end{{verbatim}}\n}}"
        case Table():
            return _table(block)
        case Picture(name):
            return rf"\begin{{center}}\includegraphics[width=0.8\linewidth]{{{prefix}{name}}}\end{{center}}"
    raise unknown(block)


def _table(table: Table) -> str:
    rows = [" & ".join(map(line_latex, row)) for row in table.rows]
    head = " & ".join(rf"\textbf{{{line_latex(line)}}}" for line in table.head)
    body = " \\\\\n".join(rows)
    columns = "l" * len(table.head)
    return (
        f"\\begin{{center}}\\small\n\\renewcommand{{\\arraystretch}}{{1.4}}\n\\begin{{tabular}}{{{columns}}}\n"
        f"{head} \\\\ \\hline\n{body}\n\\end{{tabular}}\n\\end{{center}}"
    )


def _reason(line: Line) -> list[str]:
    """Return a reason as lines of text in a formula: the rule, and under it what it used where both are long."""
    text = line_latex(line)
    return [text] if text else []


def line_latex(line: Line) -> str:
    """Return a line as LaTeX."""
    return "".join(map(_piece, line))


def _piece(piece: Words | Verbatim | Formula) -> str:
    match piece:
        case Words(text):
            return prose(text)
        case Verbatim(text):
            return rf"\texttt{{{prose(text)}}}"
        case Formula():
            return f"${piece.latex}$"
    raise unknown(piece)


def prose(text: str) -> str:
    r"""Return prose as LaTeX, Chinese as it is.

    Example:
        >>> print(prose("50 % 的梯度"))
        50 \% 的梯度
    """
    return "".join(part if place % 2 else latex_words(part) for place, part in enumerate(_CHINESE.split(text)))


def plain_letters(text: str) -> str:
    """Return code in the letters that every TeX has: a Greek letter by its name.

    Example:
        >>> plain_letters("λ = é")
        'lambda = e'
    """
    return "".join(letter if letter.isascii() else _spelt(letter) for letter in text)


def _spelt(letter: str) -> str:
    if letter in GREEK_NAMES:
        return GREEK_NAMES[letter].removeprefix("\\")
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if part.isascii())
    return plain or (letter if _CHINESE.match(letter) else "?")
