"""The programs of an operation's two passes, and their texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from codegen.docstrings import backward_docstring, forward_docstring
from codegen.fitting import named_positions
from codegen.lowering import lower
from codegen.naming import safe_identifier
from codegen.numpy_source import FunctionSource, numpy_function
from codegen.program import Program
from derive.definitions import needed_definitions
from derive.errors import InputError
from derive.indices import Tensor
from derive.notation import BAR, Notation
from derive.operation import Operation
from derive.pullback import Pullback
from derive.stability import stable_definitions


def forward_program(operation: Operation, kept: tuple[Tensor, ...]) -> Program:
    """Return the program of the stable forward pass; ``kept`` are intermediates that it returns too.

    Raises:
        InputError: the operation has no inputs, so that nothing tells a dtype.
    """
    if not operation.inputs:
        raise InputError(f"{operation.name} has no inputs: it is a number, and there is no function to make of it")
    results = (*(output.tensor for output in operation.outputs), *kept)
    definitions = needed_definitions(stable_definitions(operation), results)
    return lower(definitions, operation.inputs, results, **lowering_of(operation))


def backward_program(pullback: Pullback) -> Program:
    """Return the program of the backward pass: its arguments are the upstream gradients and the saved values."""
    operation = pullback.operation
    inputs = {operation.gradient_of(tensor): tensor for tensor in operation.inputs if operation.sums_to(tensor)}
    like = {result: inputs[result] for result in pullback.results if result in inputs}
    arguments = (*pullback.upstreams, *pullback.saved)
    origins = {tensor: _origins(operation, tensor) for tensor in pullback.saved}
    outputs = zip(operation.outputs, pullback.upstreams, strict=True)
    origins |= {upstream: _origins(operation, output.tensor) for output, upstream in outputs}
    return lower(
        pullback.definitions, arguments, pullback.results, like=like, origins=origins, **lowering_of(operation)
    )


def _origins(operation: Operation, tensor: Tensor) -> frozenset[str]:
    """Return the names of the real inputs that a tensor is computed from: their dtypes decide on its own."""
    real = [each for each in operation.inputs if each.values is None and each not in operation.settings]
    return frozenset(each.name for each in operation.feeding(tensor) if each in real)


def lowering_of(operation: Operation) -> dict[str, Any]:
    """Return what the lowering must know of an operation beside its definitions."""
    named = named_positions(each.body for each in operation.definitions)
    return {
        "numbers": operation.settings,
        "leading": operation.leading,
        "parameters": operation.parameters,
        "extents": operation.extents,
        "positions": {size: last for size, (last, _) in named.items()},
    }


def kept_tensors(operation: Operation, saved: Sequence[str]) -> tuple[Tensor, ...]:
    """Return the intermediates among the values that a backward pass needs."""
    return tuple(d.tensor for d in operation.intermediates if d.tensor.name in saved)


def function_name(operation: Operation, suffix: str) -> str:
    """Return what a generated function is called."""
    name = operation.name
    if not re.fullmatch(r"[\w-]{1,40}", name):
        name = operation.outputs[0].tensor.name
    return f"{safe_identifier(name)}_{suffix}"


def forward_source(operation: Operation, program: Program) -> FunctionSource:
    """Return the text of the forward pass."""
    docstring = forward_docstring(operation, operation.inputs, program.result_tensors, program.parameters)
    name = function_name(operation, "forward")
    return numpy_function(program, name, docstring, defaults=operation.record.defaults)


def backward_source(pullback: Pullback, program: Program, notation: Notation = BAR) -> FunctionSource:
    """Return the text of the backward pass."""
    arguments = [argument.tensor for argument in program.arguments]
    docstring = backward_docstring(
        pullback.operation,
        pullback.gradients,
        arguments,
        pullback.results,
        pullback.assumptions,
        program.parameters,
        notation,
    )
    name = function_name(pullback.operation, "backward")
    return numpy_function(program, name, docstring, pullback.operation.record.defaults, notation)
