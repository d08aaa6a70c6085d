"""Results of a program: all their axes in order, in the dtype of the inputs, in memory of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.building import Builder
from codegen.ops import Arrange, Broadcast, Cast, Copy, Labels, Map, Operand, SumTo, Windows
from codegen.program import NUMBER, REAL, Statement
from derive.indices import Tensor


@dataclass(frozen=True)
class Binding:
    """The value of a tensor, its labels among the indices that stand for the tensor's axes."""

    operand: Operand
    indices: Labels


def finish(
    builder: Builder, tensor: Tensor, binding: Binding, others: Sequence[str], like: Binding | None = None
) -> Operand:
    """Return a tensor as a result.

    Args:
        builder: where its value was built.
        tensor, binding: what it is called, and that value.
        others: the results before it, which it may not share memory with.
        like: the argument to whose shape it is summed.
    """
    operand, labels = binding.operand, binding.indices
    taken = {_memory(builder, name) for name in others}
    builder.release(operand, tensor)
    if not labels and builder.kind(operand) == NUMBER:
        operand = _filled(builder, operand, like)
    else:
        if tensor.values is None:
            operand = builder.cast(operand)
        memory = _memory(builder, operand.name)
        if set(operand.labels) != set(labels):
            operand = builder.emit(Broadcast(), (operand,), labels, REAL, is_new=True)
        elif memory is None or memory in taken:
            operand = builder.emit(Copy(), (operand,), labels, builder.kind(operand), is_new=True)
        elif operand.labels != labels:
            operand = builder.emit(Arrange(), (operand,), labels, builder.kind(operand))
        if like is not None:
            operand = builder.emit(SumTo(), (operand, like.operand), (), REAL)
    builder.call(operand, tensor)
    return operand


def _filled(builder: Builder, number: Operand, like: Binding | None) -> Operand:
    """Return a number as an array of no axes, or of the shape of an argument where all may be arrays."""
    arguments = builder.arguments
    if not arguments or any(argument.labels for argument in arguments):
        return builder.emit(Cast(), (number,), (), REAL)
    shaped = Operand(arguments[0].name) if like is None else like.operand
    return builder.emit(Map("full_like"), [shaped, number], (), REAL, is_new=True)


def _memory(builder: Builder, name: str) -> str | None:
    """Return the statement whose memory a value lies in, None for an argument's."""
    value = builder.values[name]
    while isinstance(value, Statement) and value.is_view:
        if isinstance(value.op, Windows):  # Its places overlap, and none may be written to.
            return None
        value = builder.values[value.operands[0].name]
    return value.name if isinstance(value, Statement) else None
