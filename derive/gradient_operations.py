"""Operations that compute gradients: what a derivation found, made into an operation that can be derived again.

The inputs are those of the operation, and the gradient that comes in where it is mentioned; the named intermediates
stay, so that what is derived next is written by them again. The gradient of ``y`` is an ordinary tensor there, called
``dy``, and still written with a bar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr

from derive.definitions import Definition, needed_definitions
from derive.errors import InputError
from derive.extents import derived_extents
from derive.indices import GRADIENT, Element, Tensor
from derive.instantiation import free_name
from derive.leading import leading_of
from derive.operation import Operation
from derive.sums import Partial, all_indices, free_indices, nodes, rewrite, tensors_in


def gradient_operation(
    operation: Operation, gradients: Iterable[Definition], name: str, title: str = "", keep: bool = False
) -> Operation:
    """Return the operation that computes gradients of another one, the last of them as its output.

    Args:
        operation: the other one.
        gradients: the gradients, each by those before it.
        name, title: of the new operation.
        keep: keep the definitions that no gradient uses.

    Example:
        >>> from sympy import exp
        >>> from derive.record import Record
        >>> x, y = Tensor("x"), Tensor("y")
        >>> plain = Operation((Definition(y(), exp(x())),), (x,), Record("exp", "y = exp(x)"))
        >>> made = gradient_operation(plain, [Definition(x.gradient()(), y.gradient()() * y())], "exp-gradient")
        >>> made.inputs, made.output.target, made.output.body, made.gradients
        ((x, dy), dx, dy*y, {'dy': 'y', 'dx': 'x'})
    """
    gradients = tuple(gradients)
    mentioned = [each.tensor for each in gradients] + _sorted(*(each.body for each in gradients))
    names = _named(operation, mentioned)

    def change(node: Expr) -> Expr | None:
        return names[node.tensor](*node.indices) if isinstance(node, Element) and node.tensor in names else None

    made = tuple(Definition(rewrite(each.target, change), rewrite(each.body, change)) for each in gradients)
    kept = operation.definitions if keep else needed_definitions(operation.definitions, mentioned)
    if not _sizes_are_told(operation, (*kept, *made)):
        kept = operation.definitions
    known = {*operation.inputs, *(definition.tensor for definition in (*kept, *made))}
    coming = [tensor for tensor in _sorted(*(each.body for each in made)) if tensor not in known]
    inputs = dict.fromkeys((*(each for each in operation.inputs if each not in operation.settings), *coming))
    inputs |= dict.fromkeys(operation.settings)
    whole = [pair for pair in names.items() if pair[0].role == GRADIENT]
    bars = {new.name: old.name for old, new in sorted(whole, key=lambda pair: pair[1] in known)}
    record = replace(operation.record, name=name, title=title, inputs=tuple(tensor.name for tensor in inputs))
    return Operation(
        (*kept, *made),
        tuple(inputs),
        record,
        gradients={**operation.gradients, **bars},
        leading=leading_of(operation, (*kept, *made)),
    )


def _sizes_are_told(operation: Operation, definitions: tuple[Definition, ...]) -> bool:
    """Whether arrays and windows tell all sizes of what is defined that follow from windows of the operation."""
    inputs = {*operation.inputs, *(each for made in definitions for each in tensors_in(made.body))}
    inputs -= {made.tensor for made in definitions}
    told = {size for tensor in inputs for size in tensor.sizes}
    told |= {extent.size for extent in derived_extents(inputs, [(made.target, made.body) for made in definitions])}
    following = {extent.size for extent in operation.extents}
    return all(size in told for made in definitions for size in made.tensor.sizes if size in following)


def holds_under_facts(title: str, facts: Iterable[str]) -> InputError:
    """Return what is said to somebody who would differentiate what holds under facts alone."""
    return InputError(
        f"the {title} was derived given {' and '.join(facts)}: it can not be differentiated, as it holds there alone; "
        "derive it without, and give the fact to what is derived of it"
    )


def _named(operation: Operation, tensors: Iterable[Tensor]) -> dict[Tensor, Tensor]:
    """An ordinary tensor for each gradient among tensors, its name free in the operation."""
    taken = {tensor.name for tensor in (*operation.inputs, *(each.tensor for each in operation.definitions))}
    taken |= {str(size) for size in operation.sizes}
    taken |= {index.name for definition in operation.definitions for index in all_indices(definition.body)}
    names: dict[Tensor, Tensor] = {}
    for tensor in dict.fromkeys(tensors):
        if tensor.role:
            names[tensor] = Tensor(free_name(tensor.word, taken), tensor.sizes)
            taken.add(names[tensor].name)
    return names


def _sorted(*bodies: Expr) -> list[Tensor]:
    tensors: frozenset[Tensor] = frozenset().union(*map(tensors_in, bodies))
    return sorted(tensors, key=lambda tensor: (tensor.name, tensor.role))


def derived_element(operation: Operation, target: Expr) -> Element:
    r"""Return the element of a tensor that stands for what was derived: ``dx[n,k]`` for :math:`\bar x_{n,k}`.

    The derivative of a loss is its gradient; other derivatives, and their products with a direction, get names of
    their own: ``dy_dx`` and ``y_dot``.

    Example:
        >>> from derive.catalogue import find
        >>> from derive.indices import Index
        >>> softmax = find("softmax")
        >>> y, x = softmax.output.target, softmax.inputs[0]
        >>> derived_element(softmax, Partial(y, x(Index("m", x.sizes[0]), Index("j", x.sizes[1]))))
        dy_dx[n,k,m,j]
    """
    if isinstance(target, Element):
        return target
    partials = nodes(target, Partial)
    partial = next(each for each in partials if not any(each in nodes(other.body, Partial) for other in partials))
    elements = list(_elements(partial))
    if isinstance(target, Partial) and operation.is_loss and len(elements) == 2:
        return operation.gradient_of(elements[1].tensor)(*elements[1].indices)
    where = [index for each in elements for index in each.indices if index in free_indices(target)]
    names = [each.tensor.name for each in elements]
    name = f"d{'_d'.join(names)}" if isinstance(target, Partial) else f"{'d' * (len(names) - 2)}{names[-2]}_dot"
    return Tensor(name, tuple(index.size for index in where))(*where)


def _elements(partial: Partial) -> Iterable[Element]:
    """What is differentiated, and the elements by which, from the inside out."""
    if isinstance(partial.body, Partial):
        yield from _elements(partial.body)
    elif isinstance(partial.body, Element):
        yield partial.body
    yield partial.element
