"""The docstrings of generated functions: the formula, and the shape of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Symbol

from codegen.naming import safe_identifier
from derive.definitions import Definition
from derive.indices import GRADIENT, INCOMING, Tensor
from derive.notation import BAR, Notation
from derive.operation import Operation
from derive.printing import definition_text, leading_note, shape_text

INDENT = "    "


def forward_docstring(
    operation: Operation, arguments: Sequence[Tensor], results: Sequence[Tensor], parameters: Sequence[Symbol] = ()
) -> list[str]:
    """Return the lines of a forward function's docstring; ``parameters`` are whole numbers that it is given."""
    lines = [f"Forward pass of {_name(operation)}.", *_title(operation), ""]
    lines += [formula(definition) for definition in operation.definitions]
    return [*lines, *_leading(operation), *_shapes(operation, arguments, results, parameters)]


def backward_docstring(
    operation: Operation,
    definitions: Sequence[Definition],
    arguments: Sequence[Tensor],
    results: Sequence[Tensor],
    assumptions: Sequence[str],
    parameters: Sequence[Symbol] = (),
    notation: Notation = BAR,
) -> list[str]:
    """Return the lines of a backward function's docstring."""
    lines = [f"Backward pass of {_name(operation)}.", *_title(operation), ""]
    lines += [formula(definition) for definition in operation.definitions]
    lines += [*_leading(operation), "", f"Gradients of a loss, given {_given(operation, notation)}:", ""]
    lines += [formula(definition, notation) for definition in definitions]
    if assumptions:
        lines += ["", "They hold where " + ", ".join(assumptions) + "."]
    return [*lines, *_shapes(operation, arguments, results, parameters, notation)]


def hvp_docstring(
    operation: Operation,
    products: Sequence[Definition],
    directions: Sequence[Tensor],
    arguments: Sequence[Tensor],
    results: Sequence[Tensor],
    assumptions: Sequence[str],
    parameters: Sequence[Symbol] = (),
) -> list[str]:
    """Return the lines of the docstring of a Hessian-vector product."""
    lines = [f"Hessian-vector product of {_name(operation)}.", *_title(operation), ""]
    lines += [formula(definition) for definition in operation.definitions]
    names = " and ".join(tensor.name for tensor in directions)
    lines += [*_leading(operation), "", f"How the gradient changes along {names}, the Hessian never built:", ""]
    lines += [formula(definition) for definition in products]
    if assumptions:
        lines += ["", "It holds where " + ", ".join(assumptions) + "."]
    return [*lines, *_shapes(operation, arguments, results, parameters)]


def hessian_docstring(
    operation: Operation, made: Definition, assumptions: Sequence[str], parameters: Sequence[Symbol] = ()
) -> list[str]:
    """Return the lines of a Hessian's docstring."""
    lines = [f"Hessian of {_name(operation)}.", *_title(operation), ""]
    lines += [formula(definition) for definition in operation.definitions]
    lines += [*_leading(operation), "", "Its second derivatives:", "", formula(made)]
    if assumptions:
        lines += ["", "They hold where " + ", ".join(assumptions) + "."]
    return [*lines, *_shapes(operation, operation.inputs, (made.tensor,), parameters)]


def wrapped(line: str, width: int) -> list[str]:
    """Break a line of prose or of a formula at a space that stands in as few brackets as one does, before an operator.

    Example:
        >>> wrapped("    y[n] = sum(a[n,k]*(b[n,k] - c[n,k]), k) + d[n]", 46)
        ['    y[n] = sum(a[n,k]*(b[n,k] - c[n,k]), k)', '        + d[n]']
    """
    indent, lines = line[: len(line) - len(line.lstrip())] + INDENT, []
    while len(line) > width and (place := _break(line, width)):
        lines.append(line[:place].rstrip())
        line = indent + line[place:].lstrip()
    return [*lines, line]


def _break(line: str, width: int) -> int | None:
    """Return the space to break a line at, in its second half where there is one, None where there is none."""
    depth, start = 0, len(line) - len(line.lstrip())
    spaces: list[tuple[bool, bool, int, int]] = []
    for place, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        after_operator = line[place - 2 : place] in (" +", " -", " =") or line[place + 1 : place + 3] == "= "
        if character == " " and place > start and not after_operator:
            is_out = place > width
            spaces.append((is_out, place <= width // 2, 0 if is_out else depth, place if is_out else -place))
    return abs(min(spaces)[-1]) if spaces else None


def module_docstring(operations: Sequence[Operation]) -> list[str]:
    """Return the lines of a module's docstring: what is in it and where it comes from."""
    lines = [f"Forward and backward passes in NumPy: {', '.join(map(_name, operations))}."]
    for operation in operations:
        title, record = operation.record.title, operation.record
        lines += ["", f"{_name(operation)}{f': {title}' if title else ''}"]
        lines += [INDENT + formula(definition) for definition in operation.definitions]
        if record.source and record.source != "elementary":
            lines.append(f"{INDENT}Source: {record.source}")
    return lines


def formula(definition: Definition, notation: Notation = BAR) -> str:
    """Return a definition as a line of text.

    Example:
        >>> from derive.catalogue import find
        >>> formula(find("relu").output)
        'y = max(x, 0)'
    """
    sides = (definition_text(side, notation=notation) for side in (definition.target, definition.body))
    return " = ".join(sides)


def _name(operation: Operation) -> str:
    """Return what an operation is called; a definition without a name is called after its output."""
    return operation.name if len(operation.name) <= 40 else operation.outputs[0].tensor.name


def _given(operation: Operation, notation: Notation) -> str:
    """Return what a backward pass starts from, in words."""
    incoming = [tensor for tensor in operation.upstreams if tensor.role == INCOMING]
    words = "that of the output" if len(operation.outputs) == 1 else "those of the outputs"
    if not incoming:
        return words
    names = " and ".join(notation.word(tensor) for tensor in incoming)
    through = " and ".join(tensor.name for tensor in incoming)
    return f"{words}, of which {names} is what comes in through {through} and not through other outputs"


def _title(operation: Operation) -> list[str]:
    title = operation.record.title
    return ["", f"{title[0].upper()}{title[1:]}."] if title else []


def _leading(operation: Operation) -> list[str]:
    note = leading_note(operation)
    return ["", f"{note}."] if note else []


def _shapes(
    operation: Operation,
    arguments: Sequence[Tensor],
    results: Sequence[Tensor],
    parameters: Sequence[Symbol] = (),
    notation: Notation = BAR,
) -> list[str]:
    lines = ["", "Args:"]
    lines += [
        f"{INDENT}{_shown(each, notation)}: {_shape(operation, each)}{_role(operation, each)}" for each in arguments
    ]
    lines += [f"{INDENT}{safe_identifier(each.name)}: {whole_number(operation, each)}" for each in parameters]
    lines += ["", "Returns:"]
    return [*lines, *(f"{INDENT}{_shown(tensor, notation)}: {_shape(operation, tensor)}" for tensor in results)]


def whole_number(operation: Operation, symbol: Symbol) -> str:
    """Return what is said of a whole number that an operation is given."""
    default = operation.record.defaults.get(symbol.name)
    return "a whole number" + (f", {default} where it is left out" if default else "")


def _shown(tensor: Tensor, notation: Notation) -> str:
    return safe_identifier(notation.word(tensor))


def _shape(operation: Operation, tensor: Tensor) -> str:
    if tensor in operation.settings:
        return f"a number, {operation.record.defaults[tensor.name]} where it is left out"
    if operation.is_elementwise:
        name = Tensor(tensor.name)
        is_output = any(tensor.name == output.tensor.name for output in operation.outputs)
        many = operation.broadcasts
        if tensor.role and not is_output:
            return f"the shape of {name.name}"
        if is_output and many:
            return "the shape that the inputs broadcast to"
        return "any shape" + (" that broadcasts with the others" if many else "")
    return shape_text(operation, tensor)


def _role(operation: Operation, tensor: Tensor) -> str:
    if tensor.role == GRADIENT:
        return f", the gradient of the loss with respect to {tensor.name}"
    if tensor.role == INCOMING:
        return f", the gradient of the loss with respect to {tensor.name} where the other outputs are held"
    if tensor.values is not None:
        return f", integers from 0 to {tensor.values} - 1"
    is_output = any(tensor == output.tensor for output in operation.outputs)
    return (", the output" if len(operation.outputs) == 1 else ", an output") if is_output else ""
