"""The catalogue as Markdown pages: what an operation is, its gradients and their derivation, and its NumPy code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from codegen.documents.contents import Contents
from codegen.documents.markdown import write_markdown
from codegen.documents.model import Block, Document, Fold, Listing, Paragraph, Section, Verbatim, Words, words
from codegen.modules import source
from derive.catalogue import catalogue
from derive.derivation import Derivation
from derive.operation import Operation
from derive.printing import leading_note, operation_text
from derive.pullback import by_parts

#: The page that lists the others.
INDEX = "README"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page of the catalogue, the list of operations first.

    Example:
        >>> name, text = next(pages())
        >>> name, text.splitlines()[0]
        ('README', '# The catalogue')
    """
    yield INDEX, index_page(tuple(catalogue().values()))
    for operation in catalogue().values():
        yield operation.name, operation_page(operation)


def index_page(operations: Sequence[Operation]) -> str:
    """Return the page that lists operations by group, each with its formula.

    Example:
        >>> from derive.catalogue import find
        >>> print(index_page([find("mul")]).splitlines()[-1])
        | [mul](mul.md) | multiplication | `y = a*b` |
    """
    parts = ["# The catalogue", "Written by `derive pages docs/catalogue` from the records in `derive/library/`."]
    for group, members in groupby(operations, key=lambda operation: operation.record.group):
        rows = [f"## {group}\n", "| operation | | definition |", "|---|---|---|"]
        for operation in members:
            formula = operation_text(operation).replace("; ", "`<br>`")
            rows.append(f"| [{operation.name}]({operation.name}.md) | {operation.record.title} | `{formula}` |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def operation_page(operation: Operation) -> str:
    """Return an operation's page.

    Example:
        >>> from derive.catalogue import find
        >>> text = operation_page(find("softmax"))
        >>> "y_{n,k}\\\\left(\\\\bar{y}_{n,k}" in text, "def softmax_backward(dy, y):" in text
        (True, True)
    """
    return write_markdown(Document(operation.name, "en", tuple(_blocks(operation))))


def _blocks(operation: Operation) -> Iterator[Block]:
    contents, record, derivations = Contents(operation), operation.record, by_parts(operation)
    contents.derivations = derivations
    yield from contents.title()
    yield from contents.definitions()
    yield contents.inputs()
    yield from contents.outputs()
    if note := leading_note(operation):
        yield Paragraph(words(f"Here {note}."))
    for fact in record.facts:
        yield Paragraph(contents.say("Usually {fact}.", fact=Verbatim(fact)))
    yield Section(words("Gradients"), tuple(_gradients(operation, contents, derivations)))
    yield Section(words("Derivation"), tuple(_steps(each, contents) for each in derivations))
    yield Section(words("NumPy"), (Listing(_code(operation)),))
    if record.source:
        yield Paragraph(words(f"Source of the definition: {record.source}."))


def _gradients(operation: Operation, contents: Contents, derivations: Sequence[Derivation]) -> Iterator[Block]:
    """Yield the results, and what of them is shorter where the record's facts hold."""
    yield from map(contents.result, derivations)
    for fact in operation.record.facts:
        used = [derivation for derivation in by_parts(operation, given=[fact]) if derivation.assumptions]
        if used:
            yield Paragraph((Words("Where "), Verbatim(fact), Words(":")))
            yield from map(contents.result, used)


def _steps(derivation: Derivation, contents: Contents) -> Fold:
    """Return the steps folded away under their title, the result after them."""
    steps = contents.steps(derivation, Words)
    return Fold(words(derivation.title), (steps, Paragraph(words("The result:")), contents.result(derivation)))


def _code(operation: Operation) -> str:
    """Return the module without its own docstring, which says what the page says already."""
    return source(operation).partition('\n"""\n')[2].strip()
