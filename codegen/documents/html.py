"""A document as one HTML file: formulas as MathML, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from itertools import count

from sympy import Expr

from codegen.documents.model import (
    Block,
    Chain,
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
from codegen.documents.style import PAGE_STYLE, PARTS_STYLE
from codegen.phrases import phrase
from derive.latex import latex_text
from derive.layout import LATEX_LINE, latex_width
from derive.markup import stacked
from derive.mathml import mathml_lines, mathml_text
from derive.notation import Notation
from derive.printing import plain_text

#: Half ems that the equality sign before a line takes.
EQUALS_ROOM = 5
#: A wider left side stands on a line of its own.
LONGEST_LEFT = 24
#: The deepest sections that the table of contents lists.
LISTED_DEPTH = 2


def write_html(document: Document) -> str:
    """Return a document as the text of an HTML file.

    Example:
        >>> from codegen.documents.model import words
        >>> "<p>a &lt; b</p>" in write_html(Document("title", "en", (Paragraph(words("a < b")),)))
        True
    """
    writer = _Writer(document)
    body = "\n".join(writer.blocks(document.blocks, 2))
    title = escape(document.title)
    return f"""<!DOCTYPE html>
<html lang="{document.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{PAGE_STYLE}{PARTS_STYLE}</style>
</head>
<body>
<main class="report">
<h1>{title}</h1>
{writer.contents()}{body}
</main>
</body>
</html>
"""


def html_fragment(document: Document) -> str:
    """Return a document as a piece of HTML with its style, as notebooks show it."""
    body = "\n".join(_Writer(document).blocks(document.blocks, 3))
    return f'<div class="report" lang="{document.language}">\n<style>\n{PARTS_STYLE}</style>\n{body}\n</div>'


def line_html(line: Line) -> str:
    """Return a line as HTML."""
    return "".join(map(_piece, line))


def line_text(line: Line) -> str:
    """Return a line as plain text, for an anchor or a title."""
    return "".join(
        " = ".join(plain_text(side, piece.notation) for side in piece.sides)
        if isinstance(piece, Formula)
        else piece.text
        for piece in line
    )


def _piece(piece: Words | Verbatim | Formula) -> str:
    match piece:
        case Words(text):
            return escape(text)
        case Verbatim(text):
            return f"<code>{escape(text)}</code>"
        case Formula():
            return f"<math>{piece.mathml}</math>"
    raise unknown(piece)


def math(content: str) -> str:
    """Return MathML as a formula in display style, in a box that scrolls where it is too wide."""
    return f'<div class="formula"><math displaystyle="true">{content}</math></div>'


class _Writer:
    """The writer of one document: it gives every section an anchor of its own."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.taken: set[str] = set()
        self.headings: list[tuple[int, str, str]] = []

    def blocks(self, blocks: tuple[Block, ...], level: int, parent: str = "") -> Iterator[str]:
        for block in blocks:
            yield self.block(block, level, parent)

    def block(self, block: Block, level: int, parent: str) -> str:
        match block:
            case Paragraph(line):
                return f"<p>{line_html(line)}</p>"
            case Display(formula):
                return display(formula)
            case Steps(chains):
                return "\n".join(chain_html(chain, block.notation, block.start) for chain in chains)
            case Listing(text, language):
                return f'<pre class="{language}" tabindex="0"><code>{escape(text.rstrip())}</code></pre>'
            case Table():
                return table(block)
            case Picture(name, alt, draw):
                return picture(draw("svg").decode(), self.anchor(name, ""), alt)
            case Fold(line, inner):
                folded = "\n".join(self.blocks(inner, level, parent))
                return f"<details>\n<summary>{line_html(line)}</summary>\n{folded}\n</details>"
            case Section():
                return self.section(block, level, parent)
        raise unknown(block)

    def section(self, section: Section, level: int, parent: str) -> str:
        anchor = self.anchor(line_text(section.heading), parent)
        heading = line_html(section.heading)
        self.headings.append((level, anchor, heading))
        body = "\n".join(self.blocks(section.blocks, level + 1, anchor))
        tag = f"h{min(level, 6)}"
        return f'<section>\n<{tag} id="{anchor}">{heading}</{tag}>\n{body}\n</section>'

    def anchor(self, text: str, parent: str) -> str:
        """Return a name for a section that no other has, made of its heading."""
        words = re.sub(r"\W+", "-", text).strip("-").lower() or "section"
        whole = f"{parent}-{words}" if parent else words
        free = next(
            name for number in count(1) if (name := whole if number == 1 else f"{whole}-{number}") not in self.taken
        )
        self.taken.add(free)
        return escape(free)

    def contents(self) -> str:
        """Return the table of contents, once the sections are written."""
        top = min((level for level, _, _ in self.headings), default=0)
        lines = [
            f'<li class="depth{level - top}"><a href="#{anchor}">{heading}</a></li>'
            for level, anchor, heading in self.headings
            if level - top < LISTED_DEPTH
        ]
        if len(lines) < 2:
            return ""
        title = escape(phrase("Contents", self.document.language))
        return f'<nav aria-label="{title}">\n<ul>\n{chr(10).join(lines)}\n</ul>\n</nav>\n'


def display(formula: Formula) -> str:
    """Return a formula on a line of its own; the right side of a wide one is broken."""
    *lefts, right = formula.sides
    left = " = ".join(latex_text(side, formula.notation, formula.start) for side in lefts)
    shown = replace(formula, sides=tuple(lefts)).mathml
    return math(equation(shown, latex_width(left), right, formula.notation, formula.start))


def equation(left: str, width: float, right: Expr, notation: Notation, start: int) -> str:
    """Return ``left = right``, the right side on several lines where there is no room for it on one."""
    lines = mathml_lines(right, notation, start, LATEX_LINE - width - EQUALS_ROOM)
    opening = f'{left}<mo form="infix">=</mo>'
    if len(lines) == 1:
        return opening + lines[0]
    return stacked([[opening, lines[0]], *(["", f'<mspace width="1em"/>{line}'] for line in lines[1:])])


def chain_html(chain: Chain, notation: Notation, start: int) -> str:
    """Return a chain of equalities: each right side with its reason beside it, or under it where it is narrow."""
    left, width = mathml_text(chain.left, notation, start), latex_width(latex_text(chain.left, notation, start))
    rows = []
    if width > LONGEST_LEFT:
        rows.append(f'<div class="step">{math(left)}</div>')
        left, width = "", 0.0
    for place, (right, why) in enumerate(chain.rights):
        formula = math(equation(left if place == 0 else "", width if place == 0 else 0.0, right, notation, start))
        reason = f'<div class="reason">{line_html(why)}</div>' if why else ""
        rows.append(f'<div class="step">{formula}{reason}</div>')
    return f'<div class="chain">\n{chr(10).join(rows)}\n</div>'


def table(block: Table) -> str:
    """Return a table, in a box that scrolls where it is too wide."""
    head = "".join(f'<th scope="col">{line_html(line)}</th>' for line in block.head)
    rows = ["".join(f"<td>{line_html(line)}</td>" for line in row) for row in block.rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def picture(svg: str, anchor: str, alt: str) -> str:
    """Return an SVG picture as a part of the page, with what is seen on it for those who do not.

    Names inside it get the picture's own before them, since two pictures on a page may have the same.
    """
    inner = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :].strip(), flags=re.DOTALL)
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{anchor}-", inner)
    return f'<figure id="{anchor}" role="img" aria-label="{escape(alt)}">\n{inner}\n</figure>'
