"""The graph of a computation, as lecturers draw it: values above its lines, gradients below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from codegen.figures.circuits import names_operands, sources_of, step_label, with_steps
from codegen.figures.drawing import Part, drawn
from codegen.figures.picture import Picture
from codegen.figures.style import styled
from codegen.figures.texts import formula, numbers, set_or, shape
from codegen.figures.texts import name as name_of
from codegen.figures.traces import Trace, trace
from codegen.phrases import text_of
from derive.catalogue import find
from derive.definitions import Definition
from derive.indices import Tensor
from derive.networks import called
from derive.notation import BAR, Notation
from derive.operation import Derived, Operation
from derive.printing import plain_text

#: What stands below a graph.
CAPTION = "above a line: the value that goes forward; below it: the gradient that comes back"


def graph(
    op: str | Operation | Derived,
    values: Mapping[str, Any] | None = None,
    *,
    steps_back: int | None = None,
    notation: Notation = BAR,
    caption: str = CAPTION,
    language: str = "en",
) -> Picture:
    """Draw the graph of an operation's computation, its values above the lines and the gradients below.

    A definition of numbers is taken apart into single operations; of arrays each definition is a node. The gradients
    are those of the output, of all its entries together.

    Args:
        op: a catalogue name, a definition's text, an operation, or what was derived of one.
        values: by the names of the inputs, numbers or arrays; without them the lines have names, and no numbers.
        steps_back: how many steps of the backward pass have been made; all where it is left out.
        notation: how gradients are written.
        caption: what stands below the graph.
        language: of the title and the description.

    Raises:
        InputError: values that do not fit.

    Example:
        >>> picture = graph("y = max(w*x, 0)", {"w": 2.0, "x": 3.0})
        >>> print(picture.alt)  # doctest: +NORMALIZE_WHITESPACE
        Computation graph of y: from the inputs w, x to the output y. Going forward: w = 2; x = 3; y1 = x w = 6;
        y = max(y1, 0) = 6. Going backward, gradients: y: 1; y1: 1; w: 3; x: 2.
    """
    operation = with_steps(find(op))
    traced = None if values is None else trace(operation, values)
    order = _backward_order(operation)
    count = len(order) if steps_back is None else steps_back
    done = order[:count]
    known, at_last = _known(operation, done), _known(operation, order)
    whole = {tensor.name: _part(operation, tensor, traced, at_last, notation) for tensor in _tensors(operation)}
    shown = {tensor.name for tensor in known}
    parts = {name: part if name in shown else replace(part, below="") for name, part in whole.items()}
    active = done[-1].tensor.name if steps_back and done else None
    title = text_of("Computation graph of {name}", language, name=called(find(op)))
    with styled():
        below = "\n".join(filter(None, [caption, *(traced.remarks if traced else ())]))
        figure = drawn(operation, parts, active, below, whole)
    return Picture(figure, title, _said(operation, traced, known, title, language))


def backward_steps(
    op: str | Operation | Derived,
    values: Mapping[str, Any] | None = None,
    *,
    notation: Notation = BAR,
    caption: str = CAPTION,
) -> list[Picture]:
    """Draw the graph once before the backward pass and once after each of its steps.

    Args, raises: as ``graph``.

    Example:
        >>> [picture.alt.split("gradients: ")[1] for picture in backward_steps("y = max(w*x, 0)", {"w": 2, "x": 3})]
        ['y: 1.', 'y: 1; y1: 1.', 'y: 1; y1: 1; w: 3; x: 2.']
    """
    count = len(_backward_order(with_steps(find(op))))
    return [graph(op, values, steps_back=done, notation=notation, caption=caption) for done in range(count + 1)]


# ---- what there is ----


def _tensors(operation: Operation) -> list[Tensor]:
    used = set().union(*(sources_of(each) for each in operation.definitions))
    inputs = [tensor for tensor in operation.inputs if tensor in used]
    return [*inputs, *(definition.tensor for definition in operation.definitions)]


def _backward_order(operation: Operation) -> list[Definition]:
    """The definitions that a gradient goes back through, the output's first."""
    reached = set(operation.differentiable)
    on_the_way = []
    for definition in operation.definitions:
        if reached & set(sources_of(definition)):
            reached.add(definition.tensor)
            on_the_way.append(definition)
    return on_the_way[::-1]


def _known(operation: Operation, done: Sequence[Definition]) -> set[Tensor]:
    """The tensors whose gradients are known after some steps back."""
    reached = {output.tensor for output in operation.outputs}.union(*(sources_of(each) for each in done))
    missing = [each for each in _backward_order(operation) if each not in done]
    return reached.difference(*map(sources_of, missing))  # All that goes back to the others has arrived there.


def _part(operation: Operation, tensor: Tensor, traced: Trace | None, known: set[Tensor], notation: Notation) -> Part:
    definition = next((each for each in operation.definitions if each.tensor == tensor), None)
    name = name_of(tensor)
    is_input = definition is None
    label = name if definition is None else _node_label(definition)
    has_gradient = tensor in known and (not is_input or tensor in operation.differentiable)
    below = name_of(tensor.gradient(), notation) if has_gradient else ""
    if traced is None:
        above = f"{'' if is_input else name} {shape(tensor)}".strip()
    else:
        above = numbers(traced.values[tensor])
        gap = "\n" if "\n" in above else "  "
        is_named = not is_input and (traced.is_undefined(tensor) or _is_named(operation, tensor))
        above = f"{name}{gap}{above}" if is_named else above
        below = numbers(traced.gradients[tensor]) if below and tensor in traced.gradients else ""
    end = name_of(tensor) if any(tensor == output.tensor for output in operation.outputs) else ""
    return Part(tensor, label, is_input, above, below, end)


def _is_named(operation: Operation, tensor: Tensor) -> bool:
    """Whether the name of a tensor has to stand beside its numbers: a node that it comes to has it in its label."""
    users = [each for each in operation.definitions if tensor in sources_of(each)]
    return bool(tensor.sizes) or any(not _is_single(each) or names_operands(each) for each in users)


def _is_single(definition: Definition) -> bool:
    """Whether a definition is a step of numbers."""
    return not definition.tensor.sizes and all(not tensor.sizes for tensor in sources_of(definition))


def _node_label(definition: Definition) -> str:
    if _is_single(definition):
        return set_or(step_label(definition), plain_text(definition.body))
    return formula(definition.body)


def _said(operation: Operation, traced: Trace | None, known: set[Tensor], title: str, language: str) -> str:
    """The description of the picture in words."""
    inputs = [tensor for tensor in _tensors(operation) if tensor in operation.inputs]
    forward = []
    for tensor in _tensors(operation):
        definition = next((each for each in operation.definitions if each.tensor == tensor), None)
        said = tensor.name if definition is None else f"{tensor.name} = {plain_text(definition.body)}"
        if traced is not None:
            said += f" = {_in_a_line(traced.values[tensor])}"
        elif tensor.sizes:
            said += f" {shape(tensor)}"
        forward.append(said)
    outputs = ", ".join(output.tensor.name for output in operation.outputs)
    names = ", ".join(tensor.name for tensor in inputs)
    template = "{title}: from the inputs {inputs} to the output {outputs}. Going forward: {values}."
    text = text_of(template, language, title=title, inputs=names, outputs=outputs, values="; ".join(forward))
    order = [each.tensor for each in reversed(operation.definitions)] + inputs
    shown = [tensor for tensor in order if tensor in known and (traced is None or tensor in traced.gradients)]
    if traced is not None:
        told = [f"{tensor.name}: {_in_a_line(traced.gradients[tensor])}" for tensor in shown]
        back = text_of("Going backward, gradients: {gradients}.", language, gradients="; ".join(told))
        text = " ".join([text, back, *traced.remarks])
    return text


def _in_a_line(array: NDArray[Any]) -> str:
    return numbers(array).replace("\n", ", ")
