"""Chains of operations: the output of each is the first input of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from derive.errors import DefinitionError, InputError
from derive.indices import Tensor
from derive.instantiation import describe, free_name, usual_indices
from derive.operation import Operation
from derive.parsing import parse_operation
from derive.printing import operation_text
from derive.vocabulary import RESERVED

#: What a result is called that goes on into the next operation, where that one's own name for it is taken.
INTERMEDIATE_NAMES = ("z", "h", "a", "u", "v")
#: So many chains are kept, those asked for last.
MOST_KEPT = 1000


def compose(*operations: Operation, name: str | None = None, names: Sequence[Mapping[str, str]] = ()) -> Operation:
    """Return the operation that feeds each operation's output to the next one's first input.

    The result between two operations has the name of the second one's input where that is free. The other inputs keep
    their names, with a number where two operations share one; settings are left out. What the records say of the
    remaining inputs is kept.

    Args:
        operations: the first to be computed first.
        name: what to call it.
        names: for each operation, by its own names of its inputs and outputs, what they are called here. The first
            input of all but the first operation is the output of the one before.

    Raises:
        InputError: an output does not fit the input it feeds, or there is nothing to compose.

    Example:
        >>> dense = parse_operation("y[n,k] = sum(x[n,d]*w[d,k], d) + b[k]", "dense")
        >>> relu = parse_operation("y = max(x, 0)", "relu")
        >>> compose(dense, relu).record.definition
        'z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; y[n,k] = max(z[n,k], 0)'
        >>> [tensor.name for tensor in compose(dense, relu, dense).inputs]
        ['x', 'w', 'b', 'w2', 'b2']
        >>> compose(dense, relu, names=[{"w": "w1", "b": "b1", "y": "z1"}, {"y": "h1"}]).record.definition
        'z1[n,k] = sum(x[n,d]*w1[d,k], d) + b1[k]; h1[n,k] = max(z1[n,k], 0)'
    """
    if not operations:
        raise InputError("there is nothing to compose; give the operations in the order in which they are computed")
    name = name or "-".join(operation.name for operation in operations)
    if len(operations) == 1 and not names:
        return operations[0].renamed(name)
    operations = tuple(each.called_with(len(each.inputs) - len(each.settings)) for each in operations)
    return _composed(operations, name, tuple(tuple(told.items()) for told in names or [{}] * len(operations)))


@lru_cache(maxsize=MOST_KEPT)
def _composed(
    operations: tuple[Operation, ...], name: str, names: tuple[tuple[tuple[str, str], ...], ...]
) -> Operation:
    """The chain of operations; what a text says of it is read several times, and the same chains come again."""
    _check_chain(operations)
    text, inputs = _write_calls(operations, [dict(told) for told in names])
    called = {f"op{number}": operation for number, operation in enumerate(operations)}
    try:
        composed = parse_operation(text, name, called.get)
    except DefinitionError as error:
        chain = ", ".join(operation.name for operation in operations)
        raise InputError(f"{chain} can not follow one another: {error.problem}") from None
    record = replace(
        composed.record,
        definition=operation_text(composed),
        title=", then ".join(operation.record.title or operation.name for operation in operations),
        source="; ".join(dict.fromkeys(operation.record.source for operation in operations if operation.record.source)),
        inputs=inputs,
    )
    try:
        named = parse_operation(record.definition, record=record, merged_sizes=True)
        definition = operation_text(named)
        if len(named.parameters) > len(composed.parameters):
            problem = "its windows have a size that no text can say; write the definitions out"
            raise InputError(f"{name} can not be put into one text: {problem}")
        return parse_operation(definition, record=replace(record, definition=definition))
    except DefinitionError as error:
        raise InputError(f"{name}: {record.definition} does not stand on its own: {error.problem}") from None


def _write_calls(operations: tuple[Operation, ...], names: Sequence[Mapping[str, str]]) -> tuple[str, tuple[str, ...]]:
    """Return the chain as whole-operation calls, and the names of its inputs."""
    taken = {*RESERVED, *(name for told in names for name in told.values())}

    def call(own: str, number: int) -> str:
        """Return what one of an operation's tensors is called: as was said, or by its own name where that is free."""
        told = names[number].get(own) or free_name(own, taken)
        taken.add(told)
        return told

    inputs = [call(tensor.name, 0) for tensor in operations[0].inputs]
    outputs = [call(definition.tensor.name, len(operations) - 1) for definition in operations[-1].outputs]
    statements: list[str] = []
    arguments, result = inputs, ""
    for number, operation in enumerate(operations):
        if number:
            arguments = [result, *(call(tensor.name, number) for tensor in operation.inputs[1:])]
            inputs = [*inputs, *arguments[1:]]
        if number == len(operations) - 1:
            result = ", ".join(outputs)
        else:
            told = names[number].get(operation.output.tensor.name)
            result = told or _name_result(operations, number + 1, taken)
            taken.add(result)
        statements.append(f"{result} = op{number}({', '.join(arguments)})")
    return "; ".join(statements), tuple(inputs)


def _name_result(operations: tuple[Operation, ...], following: int, taken: set[str]) -> str:
    """Choose the name of the result that goes into the operation of number ``following``."""
    first, *others = operations[following].inputs
    used = taken | {tensor.name for tensor in others}
    used |= {tensor.name for operation in operations[following + 1 :] for tensor in operation.inputs[1:]}
    for candidate in (first.name, *INTERMEDIATE_NAMES):
        if candidate not in used:
            return candidate
    return free_name(INTERMEDIATE_NAMES[0], used)


def _check_chain(operations: tuple[Operation, ...]) -> None:
    """Check that each has one output, of as many axes as the input it feeds; an elementwise operation takes any.

    The last one may have several outputs.
    """
    rank, shown = None, ""
    for number, operation in enumerate(operations):
        if not operation.inputs:
            raise InputError(f"{operation.name} has no input, so it can not stand in a chain")
        first, output = operation.inputs[0], operation.outputs[0]
        before = operations[number - 1]
        if len(operation.outputs) > 1 and number < len(operations) - 1:
            following = operations[number + 1].name
            example = f"{', '.join(each.tensor.name for each in operation.outputs)} = {operation.name}(...)"
            raise InputError(
                f"{operation.name} can not feed {following}: it has several outputs, {operation.output_names}; "
                f"type which is used: {example.replace('-', '_')}; ..."
            )
        if number and first.values is not None:
            problem = f"the first input {_written(operation, first)} holds labels"
            raise InputError(f"{before.name} can not feed {operation.name}: {problem}")
        if not operation.is_elementwise:
            any_before, any_here = before.leads(before.output.tensor), operation.leads(first)
            if number and rank is not None and not _fits(rank, first.rank, any_before, any_here):
                raise InputError(
                    f"{before.name} can not feed {operation.name}: the output {shown} has {_axes(rank)}, "
                    f"the input {_written(operation, first)} has {_axes(first.rank)}"
                )
            rank = output.tensor.rank
            shown = _written(operation, output.tensor)


def _fits(output: int, taken: int, any_before: bool, any_here: bool) -> bool:
    """Whether an output of so many axes can be taken by an input; leading axes may be any number on either side."""
    if any_before and any_here:
        return True
    return (output == taken) or (any_here and output >= taken - 1) or (any_before and taken >= output - 1)


def _written(operation: Operation, tensor: Tensor) -> str:
    indices = usual_indices(reversed(operation.definitions), tensor)
    letters = ",".join(index.name for index in indices)
    return f"{tensor.name}[{letters}] of {operation.name}" if letters else f"{describe(tensor)} of {operation.name}"


def _axes(rank: int) -> str:
    return f"{rank or 'no'} {'axis' if rank == 1 else 'axes'}"
