"""The catalogue as Markdown pages: what an operation is, its gradients and their derivation, and its NumPy code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sympy import Expr

from codegen.docstrings import whole_number
from codegen.modules import source
from derive.catalogue import catalogue
from derive.derivation import Derivation
from derive.indices import INCOMING, Tensor
from derive.latex import counted_from
from derive.notation import BAR
from derive.printing import latex_text, leading_note, operation_text, shape_text
from derive.pullback import by_parts
from derive.record import Operation

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
    record = operation.record
    derivations = by_parts(operation)
    parts = [f"# {operation.name}", *([_sentence(record.title)] if record.title else [])]
    start = counted_from(*(each.body for each in operation.definitions))

    def shown(left: Expr, right: Expr) -> str:
        return f"$${latex_text(left, BAR, start)} = {latex_text(right, BAR, start)}$$"

    parts += [shown(each.target, each.body) for each in operation.definitions]
    parts.append(_inputs(operation))
    parts += _outputs(operation)
    parts += [f"Here {note}."] if (note := leading_note(operation)) else []
    parts += [f"Usually `{fact}`." for fact in record.facts]
    parts += ["## Gradients", *(shown(each.target, each.result) for each in derivations)]
    for fact in record.facts:
        used = [derivation for derivation in by_parts(operation, given=[fact]) if derivation.assumptions]
        parts += [f"Where `{fact}`:", *(shown(each.target, each.result) for each in used)] if used else []
    parts += ["## Derivation", *map(_steps, derivations)]
    parts += ["## NumPy", f"```python\n{_code(operation)}\n```"]
    if record.source:
        parts.append(f"Source of the definition: {record.source}.")
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _inputs(operation: Operation) -> str:
    rows = ["| input | shape | |", "|---|---|---|"]
    rows += [
        f"| `{tensor.name}` | {_shape(operation, tensor)} | {_role(operation, tensor)} |" for tensor in operation.inputs
    ]
    rows += [f"| `{symbol.name}` | a number | {whole_number(operation, symbol)} |" for symbol in operation.parameters]
    return "\n".join(rows)


def _outputs(operation: Operation) -> list[str]:
    """Return what there is to say of several outputs, and of the gradients that come in through them."""
    if len(operation.outputs) == 1:
        return []
    names = ", ".join(f"`{output.tensor.name}`" for output in operation.outputs)
    said = [f"Outputs: {names}."]
    for tensor in operation.upstreams:
        if tensor.role == INCOMING:
            part, whole = (
                latex_text(each(*operation.output_called(tensor.name).indices))
                for each in (tensor, Tensor(tensor.name, tensor.sizes).gradient())
            )
            said.append(f"${part}$ is what comes in through `{tensor.name}` alone, ${whole}$ its whole gradient.")
    return said


def _shape(operation: Operation, tensor: Tensor) -> str:
    if tensor in operation.settings:
        return "a number"
    if operation.is_elementwise:
        return "any"
    return shape_text(operation, tensor) if tensor.rank else "a number"


def _role(operation: Operation, tensor: Tensor) -> str:
    """Return what else there is to say of an input."""
    record = operation.record
    if tensor.name in record.defaults:
        return f"{record.defaults[tensor.name]} where it is left out"
    if tensor.values is not None:
        return f"whole numbers from 0 to {tensor.values} - 1"
    return "data: no gradient is derived" if tensor in operation.labels else ""


def _steps(derivation: Derivation) -> str:
    """Return the steps folded away under their title; the definitions stand at the head of the page."""
    parts = derivation.markdown().split("\n\n")[1 + len(derivation.operation.definitions) :]
    steps = "\n\n".join(parts)
    return f"<details>\n<summary>{derivation.title}</summary>\n\n{steps}\n\n</details>"


def _code(operation: Operation) -> str:
    """Return the module without its own docstring, which says what the page says already."""
    return source(operation).partition('\n"""\n')[2].strip()
