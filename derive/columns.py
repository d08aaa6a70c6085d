"""Samples in columns: where a layer of a network has them there, so have all the others.

Most operations are written for samples in rows: ``...`` stands for the axes of the samples, and comes first. A layer
such as ``dense-columns`` has features in its rows and samples in its columns. In a network with such a layer what
``...`` stands for is the last axis of every tensor, so that softmax still goes over the classes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy

from derive.definitions import Definition
from derive.errors import InputError
from derive.indices import Element, Tensor
from derive.operation import Operation
from derive.parsing import parse_equation
from derive.printing import definition_text, operation_text


def in_one_convention(operations: Sequence[Operation], kept: Sequence[Collection[str]]) -> list[Operation]:
    """Return the layers of a network with samples in columns if one of them has them there, else as they are.

    Args:
        operations: the layers, the first to be computed first.
        kept: for each, its inputs that are parameters.

    Raises:
        InputError: one layer has samples in columns and another, which can not be turned, in rows.

    Example:
        >>> from derive.catalogue import find
        >>> chain = [find("dense-columns"), find("softmax")]
        >>> in_one_convention(chain, [["w", "b"], []])[1].record.definition
        'y[k,n] = exp(x[k,n])/sum(exp(x[j,n]), j)'
        >>> in_one_convention(chain[1:], [[]])[0].record.definition
        'y[...,k] = exp(x[...,k]) / sum(exp(x[...,j]), j)'
    """
    turned = [each for each, own in zip(operations, kept, strict=True) if _samples_axis(each, own) == 1]
    if not turned:
        return list(operations)
    for operation, own in zip(operations, kept, strict=True):
        if _samples_axis(operation, own) == 0:
            raise InputError(
                f"{turned[0].name} has samples in columns and {operation.name} in rows; "
                "give all layers of a network samples in rows, or all in columns"
            )
    return [in_columns(operation) for operation in operations]


def _samples_axis(operation: Operation, kept: Collection[str]) -> int | None:
    """Return which of the two axes of a layer's output the samples have, the one that is no axis of a parameter.

    None where samples are ``...``, the layer has no parameters, or there are not two axes of which just one is free.
    """
    if operation.leading is not None or len(operation.outputs) != 1:
        return None
    named = kept or [tensor.name for tensor in operation.inputs[1:]]  # A typed layer does not say what is learned.
    sizes = {size for tensor in operation.inputs if tensor.name in named for size in tensor.sizes}
    free = [axis for axis, size in enumerate(operation.output.tensor.sizes) if size not in sizes]
    return free[0] if operation.output.tensor.rank == 2 and len(free) == 1 and sizes else None


def in_columns(operation: Operation) -> Operation:
    """Return an operation with its leading axis, which is one, behind the others; one without is returned as it is.

    Example:
        >>> from derive.catalogue import find
        >>> turned = in_columns(find("cce"))
        >>> turned.record.definition, turned.record.facts
        ('L = -sum(t[k,n]*log(p[k,n]), n, k)/N', ('sum(t[k,n], k) = 1',))
    """
    if operation.leading is None:
        return operation
    every = (*operation.inputs, *(definition.tensor for definition in operation.definitions))
    tensors = {tensor: _turned(tensor) if operation.leads(tensor) else tensor for tensor in every}
    definitions = tuple(
        Definition(_with(tensors, each.target), _with(tensors, each.body)) for each in operation.definitions
    )
    inputs = tuple(tensors[tensor] for tensor in operation.inputs)
    facts = []
    for fact in operation.record.facts:
        sides = parse_equation(fact, {tensor.name: tensor for tensor in every})
        facts.append(" = ".join(definition_text(_with(tensors, side)) for side in sides))
    record = replace(operation.record, facts=tuple(facts))
    made = replace(operation, definitions=definitions, inputs=inputs, record=record, leading=None)
    return replace(made, record=replace(record, definition=operation_text(made)))


def _turned(tensor: Tensor) -> Tensor:
    first, *others = tensor.sizes
    return Tensor(tensor.name, (*others, first), tensor.values, tensor.role)


def _with(tensors: Mapping[Tensor, Tensor], expr: Any) -> Any:
    """Return an expression of other tensors; where a tensor was turned, so are the places of its elements."""
    if isinstance(expr, Element):
        tensor = tensors[expr.tensor]
        places = [_with(tensors, place) for place in expr.indices]
        return Element(tensor, *(places if tensor == expr.tensor else (*places[1:], places[0])))
    if not isinstance(expr, sympy.Basic) or not expr.args or isinstance(expr, Tensor):
        return expr
    return expr.func(*(_with(tensors, argument) for argument in expr.args))
