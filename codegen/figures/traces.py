"""The values of all steps of an operation at one place, and the gradients of a loss by each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.figures.samples import read_values
from codegen.numpy_function import NumpyFunction
from codegen.programs import backward_program, backward_source, forward_program, forward_source
from derive.indices import Tensor
from derive.pullback import pull_back
from derive.record import Operation

Array = NDArray[Any]


@dataclass(frozen=True)
class Trace:
    """Numbers of an operation's tensors.

    Attributes:
        values: of inputs and of what is defined.
        gradients: of those that can be differentiated by.
    """

    values: Mapping[Tensor, Array]
    gradients: Mapping[Tensor, Array]


def trace(operation: Operation, values: Mapping[str, Any]) -> Trace:
    """Compute every step of an operation forward and backward; the upstream gradients are ones.

    Args:
        operation: with a definition for each step.
        values: by the names of inputs, settings and whole numbers; what has a default may be left out.

    Raises:
        InputError: a name too many or too few, or arrays that do not fit.

    Example:
        >>> from derive.catalogue import find
        >>> found = trace(find("z = w*x; y = max(z, 0)"), {"w": 2.0, "x": 3.0})
        >>> [(tensor.name, float(number)) for tensor, number in found.gradients.items()]
        [('y', 1.0), ('z', 1.0), ('w', 3.0), ('x', 2.0)]
    """
    kept = tuple(definition.tensor for definition in operation.intermediates)
    program = forward_program(operation, kept)
    run = NumpyFunction(operation, program, forward_source(operation, program))
    given, settings = read_values(operation, values)
    complete = run.complete(given, settings)
    inputs = dict(zip(operation.inputs, complete, strict=False))
    found = {**inputs, **dict(zip(program.result_tensors, run.run(run.fit(complete)), strict=True))}
    return Trace({tensor: np.asarray(value) for tensor, value in found.items()}, _gradients(operation, found, complete))


def _gradients(operation: Operation, values: Mapping[Tensor, Any], given: Any) -> dict[Tensor, Array]:
    pullback = pull_back(operation, fuse=False)
    tensors = (*operation.inputs, *(definition.tensor for definition in operation.definitions))
    whole = {operation.gradient_of(tensor): tensor for tensor in tensors}
    everything = replace(pullback, results=tuple(each.tensor for each in pullback.gradients))
    program = backward_program(everything)
    run = NumpyFunction(operation, program, backward_source(everything, program))
    upstream = [np.ones(np.shape(values[output.tensor])) for output in operation.outputs]
    saved = [values[tensor] for tensor in pullback.saved]
    numbers = given[len(operation.inputs) :]
    results = run.run(run.fit([*upstream, *saved, *numbers]))
    found = {output.tensor: np.asarray(one) for output, one in zip(operation.outputs, upstream, strict=True)}
    found |= {whole[tensor]: np.asarray(array) for tensor, array in zip(program.result_tensors, results, strict=True)}
    return found
