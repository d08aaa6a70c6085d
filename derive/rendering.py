r"""Derivations as pages: LaTeX, Markdown and terminal text from the same lines.

Steps that share their left side are one block, a chain of equalities with the rule's name beside each line. The result
closes the derivation, and what was given is said after it.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby

from sympy import Expr

from derive.derivation import Derivation, Step
from derive.latex import addition_terms, latex_text
from derive.layout import LATEX_LINE, broken_text, display_width, filled, latex_width, latex_words, padded
from derive.notation import BAR, Notation
from derive.operation import Operation
from derive.printing import plain_text
from derive.typesetting import counted_from

#: Columns of a terminal that text is laid out for.
TEXT_WIDTH = 100
#: A longer left side stands on a line of its own in a terminal, unless everything fits beside it.
LONGEST_LEFT = 12
#: Characters of a line of the column of rules in LaTeX.
REASON_COLUMNS = 34
#: Half ems that the factors, signs and brackets around a nested addition are given.
NESTED_ROOM = 16
#: ANSI codes of a title and of a rule's name.
BOLD, CYAN, RESET = "\x1b[1m", "\x1b[36m", "\x1b[0m"


@dataclass(frozen=True)
class Line:
    """One right side of a chain of equalities, the rule that gave it and what the rule used."""

    right: Expr
    rule: str = ""
    note: str = ""

    @property
    def reason(self) -> str:
        return f"{self.rule}: {self.note}" if self.rule and self.note else self.rule or self.note


@dataclass(frozen=True)
class Block:
    """A chain of equalities: one left side, a line for each right side."""

    left: Expr
    lines: tuple[Line, ...]


def blocks_of(derivation: Derivation, steps: bool = True) -> tuple[Block, ...]:
    """Return the chains of equalities of a derivation, the last of which ends with the result."""
    result = Block(derivation.target, (Line(derivation.result),))
    if not steps or not derivation.steps:
        return (*(Block(each.target, (Line(each.body),)) for each in derivation.named), result)
    blocks = [_block(left, list(chain)) for left, chain in groupby(derivation.steps, key=lambda step: step.left)]
    if blocks[-1].left != derivation.target or blocks[-1].lines[-1].right != derivation.result:
        blocks.append(Block(derivation.target, (Line(derivation.result, "result"),)))
    return tuple(blocks)


def count_of_lines(derivation: Derivation) -> int:
    """Return how many steps of a derivation a reader is shown, each on a line of its own.

    Example:
        >>> from derive.pullback import vjp
        >>> count_of_lines(vjp("sigmoid", "x")), len(vjp("sigmoid", "x").steps)
        (8, 8)
    """
    return sum(len(block.lines) for block in blocks_of(derivation))


def _block(left: Expr, chain: Sequence[Step]) -> Block:
    lines: list[Line] = []
    shown = left
    for step in chain:
        if step.before != shown:
            lines.append(Line(step.before))
        if lines and plain_text(step.before) == plain_text(step.after):
            lines[-1] = replace(lines[-1], right=step.after)  # Nobody sees what such a step changes.
        else:
            lines.append(Line(step.after, step.rule, step.note))
        shown = step.after
    return Block(left, tuple(lines))


def facts_written(derivation: Derivation, write: Callable[[Expr], str]) -> dict[str, str]:
    """Return the given facts as equations, by their texts."""
    return {fact.text: f"{write(fact.left)} = {write(fact.right)}" for fact in derivation.facts}


def given(derivation: Derivation, write: Callable[[Expr], str], quote: Callable[[str], str]) -> list[str]:
    """Return what was assumed, as equations where they are known and as quoted texts where they are not."""
    facts = facts_written(derivation, write)
    return [facts[text] if text in facts else quote(text) for text in derivation.assumptions]


# ---- LaTeX ----


def render_latex(derivation: Derivation, notation: Notation = BAR, steps: bool = True) -> str:
    r"""Return a derivation as one ``align*`` block, for LaTeX with amsmath and for KaTeX.

    The rules stand in a column at the right, and long additions are broken between their terms. Where a line is too
    long even so, the rules stand at the margin, and additions inside a fraction or brackets are broken too.
    """
    blocks = blocks_of(derivation, steps)
    start = counted_from(*(line.right for block in blocks for line in block.lines))

    def write(expr: Expr) -> str:
        return latex_text(expr, notation, start)

    chains = [
        (block.left, [(line.right, wrapped_reason(derivation, line, write)) for line in block.lines])
        for block in blocks
    ]
    return aligned(chains, notation, start, _given_latex([derivation], write))


def render_results(derivations: Sequence[Derivation], notation: Notation = BAR) -> str:
    """Return the results of several derivations under one another, as one ``align*`` block."""
    blocks = [block for derivation in derivations for block in blocks_of(derivation, steps=False)]
    start = counted_from(*(line.right for block in blocks for line in block.lines))
    notes = _given_latex(derivations, lambda expr: latex_text(expr, notation, start))
    return aligned(
        [(block.left, [(line.right, []) for line in block.lines]) for block in blocks], notation, start, notes
    )


def render_definitions(operation: Operation, notation: Notation = BAR) -> str:
    """Return an operation's definitions under one another, as one ``align*`` block."""
    start = counted_from(*(each.body for each in operation.definitions))
    return aligned([(each.target, [(each.body, [])]) for each in operation.definitions], notation, start)


def _given_latex(derivations: Sequence[Derivation], write: Callable[[Expr], str]) -> list[str]:
    """Return a row that says what was assumed, where something was."""
    every = (given(each, write, lambda text: rf"\text{{{latex_words(text)}}}") for each in derivations)
    assumptions = dict.fromkeys(text for each in every for text in each)
    return [r"& \text{given that } " + r" \text{ and } ".join(assumptions)] if assumptions else []


def aligned(
    chains: Sequence[tuple[Expr, Sequence[tuple[Expr, list[str]]]]],
    notation: Notation = BAR,
    start: int = 1,
    notes: Sequence[str] = (),
) -> str:
    r"""Return chains of equalities as one ``align*`` block; each right side comes with the lines of its reason as TeX.

    Example:
        >>> from derive.indices import Tensor
        >>> print(aligned([(Tensor("a")(), [(Tensor("b")(), ["given"])])]))
        \begin{align*}
        a &= b && \text{given}
        \end{align*}
    """
    lefts = [latex_text(left, notation, start) for left, _ in chains]
    reasons = [[words for _, words in rights] for _, rights in chains]
    room = LATEX_LINE - max(map(latex_width, lefts)) - 3
    label_room = max(_words_width(words) for chain in reasons for words in chain) + 4

    def broken(room: float, inside: float = math.inf) -> list[list[list[str]]]:
        def lines_of(expr: Expr) -> list[str]:
            lines = filled(addition_terms(expr, notation, start), room)
            if inside < math.inf and max(map(latex_width, lines)) > room:
                lines = filled(addition_terms(expr, notation, start, inside), room)
            return lines

        return [[lines_of(right) for right, _ in rights] for _, rights in chains]

    narrow = broken(room - label_room)
    if all(latex_width(part) <= room - label_room for chain in narrow for line in chain for part in line):
        rows = [_beside(*parts) for parts in zip(lefts, narrow, reasons, strict=True)]
    else:
        wide = broken(room, room - NESTED_ROOM)
        rows = [_tagged(*parts, room) for parts in zip(lefts, wide, reasons, strict=True)]
    body = " \\\\[1ex]\n".join([*(" \\\\\n".join(chain) for chain in rows), *notes])
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def wrapped_reason(derivation: Derivation, line: Line, write: Callable[[Expr], str]) -> list[str]:
    """Return the reason as lines of TeX text short enough for a column, given facts as formulas."""
    formulas = facts_written(derivation, lambda expr: write(expr).replace(r"\sum", r"\textstyle\sum"))
    rule = f"{line.rule}:" if line.rule and line.note else line.rule
    words = []
    together = f"{rule} {line.note}".strip()
    is_short = len(together) <= REASON_COLUMNS and not any(text in together for text in formulas)
    for part in (together,) if is_short else (rule, line.note):
        known = next((text for text in formulas if text in part), None)
        if known is not None:
            before, _, after = part.partition(known)
            words.append(f"{latex_words(before)}${formulas[known]}${latex_words(after)}")
        else:
            words += map(latex_words, textwrap.wrap(part, REASON_COLUMNS))
    return words


def _words_width(words: Iterable[str]) -> float:
    return max((latex_width(rf"\text{{{part}}}") for part in words), default=0.0)


def _beside(left: str, chain: Iterable[list[str]], reasons: Iterable[list[str]]) -> list[str]:
    """Return rows with the reasons in a column at the right."""
    rows = []
    for parts, words in zip(chain, reasons, strict=True):
        chained = [f"{left} &= {parts[0]}".strip(), *(rf"&\quad {part}" for part in parts[1:])]
        if words:
            text = r" \\ ".join(rf"& \text{{{part}}}" for part in words)
            label = rf"\begin{{aligned}}{text}\end{{aligned}}" if len(words) > 1 else text.removeprefix("& ")
            chained[-1] += f" && {label}"
        rows += chained
        left = ""
    return rows


def _tagged(left: str, chain: Iterable[list[str]], reasons: Iterable[list[str]], room: float) -> list[str]:
    """Return rows with the reasons at the margin; after a line that leaves no room, on a row of their own."""
    rows = []
    for parts, words in zip(chain, reasons, strict=True):
        rows += [f"{left} &= {parts[0]}".strip(), *(rf"&\quad {part}" for part in parts[1:])]
        if words:
            tag = rf"\tag*{{{' '.join(words)}}}"
            fits = latex_width(parts[-1]) + _words_width([" ".join(words)]) + 8 <= room
            rows[-1:] = [f"{rows[-1]} {tag}"] if fits else [rows[-1], f"& {tag}"]
        left = ""
    return rows


def latex_section(
    derivation: Derivation, notation: Notation = BAR, steps: bool = True, definitions: bool = True
) -> str:
    """Return a derivation with its title, a part of a document; before it the operation's definitions, if wanted."""
    operation = derivation.operation
    opening = [render_definitions(operation, notation)] if definitions and operation.definitions else []
    title = rf"\subsection*{{{latex_words(derivation.title)}}}"
    return "\n".join([title, *opening, render_latex(derivation, notation, steps)])


def definition_lines(operation: Operation, write: Callable[[Expr], str], equals: str = " = ") -> list[str]:
    return [f"{write(line.target)}{equals}{write(line.body)}" for line in operation.definitions]


def latex_document(parts: Sequence[str], title: str, preamble: Sequence[str] = ()) -> str:
    r"""Return a standalone LaTeX document of these parts; it needs amsmath, amssymb and geometry alone.

    What ``preamble`` says besides stands before the document begins.
    """
    more = "".join(f"{line}\n" for line in preamble)
    body = "\n\n".join(parts)
    return rf"""\documentclass[a4paper,10pt]{{article}}
\usepackage[margin=2cm]{{geometry}}
\usepackage{{amsmath,amssymb}}
\allowdisplaybreaks
\setlength{{\parindent}}{{0pt}}
\setlength{{\jot}}{{6pt}}
{more}\begin{{document}}
\section*{{{latex_words(title)}}}

{body}

\end{{document}}
"""


# ---- Markdown ----


def render_markdown(
    derivation: Derivation, notation: Notation = BAR, steps: bool = True, *, result: bool = True
) -> str:
    """Return a derivation as Markdown: numbered steps with display formulas, then the result where it is wanted."""
    blocks = blocks_of(derivation, steps)
    start = counted_from(*(line.right for block in blocks for line in block.lines))

    def write(expr: Expr) -> str:
        return latex_text(expr, notation, start)

    definitions = [f"$${line}$$" for line in definition_lines(derivation.operation, write)]
    parts = [f"## {derivation.title}", *definitions] if steps else []
    lines = [(write(block.left), line) for block in blocks for line in block.lines if steps]
    parts += numbered((line.reason or "that is", left, write(line.right)) for left, line in lines)
    if not result:
        return "\n\n".join(parts)
    parts += ["The result:"] if steps else []
    parts += [f"$${write(each.target)} = {write(each.body)}$$" for each in derivation.named]
    parts.append(f"$${write(derivation.target)} = {write(derivation.result)}$$")
    assumptions = given(derivation, write, lambda text: rf"\text{{{latex_words(text)}}}")
    parts += ["given that " + " and ".join(f"${fact}$" for fact in assumptions)] if assumptions else []
    return "\n\n".join(parts)


def numbered(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return equations as the items of a numbered list in Markdown: each with its reason, left and right side.

    Example:
        >>> numbered([("definition", "a", "b")])
        ['1. definition\\n\\n   $$a = b$$']
    """
    return [
        f"{number}. {reason}\n\n{' ' * len(f'{number}. ')}$${left} = {right}$$"
        for number, (reason, left, right) in enumerate(rows, 1)
    ]


# ---- the terminal ----


def render_text(
    derivation: Derivation,
    notation: Notation = BAR,
    steps: bool = True,
    *,
    colour: bool = False,
    width: int = TEXT_WIDTH,
) -> str:
    """Return a derivation for a terminal: the equations under one another, the rules in a column at the right."""

    def write(expr: Expr) -> str:
        return plain_text(expr, notation)

    def reason_of(line: Line) -> str:
        return reduce(lambda text, fact: text.replace(*fact), facts_written(derivation, write).items(), line.reason)

    title = f"{BOLD}{derivation.title}{RESET}" if colour else derivation.title
    chains = [
        _laid_out(write(block.left), [(write(line.right), reason_of(line)) for line in block.lines], width)
        for block in blocks_of(derivation, steps)
    ]
    rows = [row for chain in chains for row in chain]
    column = width - max((display_width(reason) for _, reason in rows), default=0)
    fitting = [display_width(text) + 3 for text, reason in rows if reason and display_width(text) + 3 <= column]
    column = min(column, max(fitting, default=column))
    definitions = "\n".join(f"  {line}" for line in definition_lines(derivation.operation, write))
    opening = [title, definitions] if definitions else [title]
    parts = opening if steps else []
    parts += ["\n".join(_with_reason(*row, column, width, colour) for row in chain) for chain in chains]
    assumptions = given(derivation, write, str)
    parts += [f"  given that {' and '.join(assumptions)}"] if assumptions else []
    return "\n\n".join(parts) if steps else textwrap.dedent("\n".join(parts))


def _laid_out(left: str, chain: Iterable[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Return lines of text, with the reason beside the last line of each right side."""
    rows: list[tuple[str, str]] = []
    opening = f"  {left} "
    chain = tuple(chain)
    widest = max(display_width(right) for right, _ in chain)
    if display_width(left) > LONGEST_LEFT and display_width(opening) + 2 + widest > width - LONGEST_LEFT:
        rows, opening = [(opening.rstrip(), "")], "    "
    indent = display_width(opening)
    for right, reason in chain:
        lines = broken_text(right, width - indent - 4)
        for place, line in enumerate(lines):
            text = f"{opening}= {line}" if place == 0 else f"{' ' * indent}    {line}"
            rows.append((text, reason if place == len(lines) - 1 else ""))
        opening = " " * indent
    return rows


def _with_reason(text: str, reason: str, column: int, width: int, colour: bool) -> str:
    if not reason:
        return text
    shown = f"{CYAN}{reason}{RESET}" if colour else reason
    if display_width(text) + 3 <= column:
        return padded(text, column) + shown
    if display_width(text) + 3 + display_width(reason) <= width:
        return f"{text}   {shown}"
    return f"{text}\n{' ' * column}{shown}"
