"""The values of all steps of an operation at one place, and the gradients of a loss by each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.figures.beyond import beyond
from codegen.figures.places import arrays_of
from codegen.numpy_function import NumpyFunction
from codegen.programs import backward_program, backward_source, forward_program, forward_source
from derive.definitions import Definition
from derive.errors import InputError
from derive.indices import Tensor
from derive.operation import Operation
from derive.printing import plain_text
from derive.pullback import Pullback, pull_back
from derive.sums import tensors_in

Array = NDArray[Any]


@dataclass(frozen=True)
class Trace:
    """Numbers of an operation's tensors.

    Attributes:
        values: of inputs and of what is defined.
        gradients: of those that can be differentiated by.
        remarks: what is not defined here, or beyond double precision, in sentences.
    """

    values: Mapping[Tensor, Array]
    gradients: Mapping[Tensor, Array]
    remarks: tuple[str, ...] = ()

    def is_undefined(self, tensor: Tensor) -> bool:
        """Return whether the value of a tensor is not defined, or some of its entries are not."""
        return _has_nan(self.values[tensor])


def trace(operation: Operation, values: Mapping[str, Any]) -> Trace:
    """Compute every step of an operation forward and backward; the upstream gradients are ones.

    Where a step has no number of double precision, all of them are computed with more digits.

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
    needed = [tensor.name for tensor in operation.inputs if tensor not in operation.settings]
    found = arrays_of(operation, values)  # Of double precision, labels apart: a picture of integers is one of numbers.
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(f"{operation.name}: nothing was said of {', '.join(missing)}")
    settings = {name: value for name, value in values.items() if name not in needed}
    given = [found[name] for name in needed]
    complete = run.complete(given, settings)
    inputs = dict(zip(operation.inputs, complete, strict=False))
    pullback = pull_back(operation, fuse=False)
    with np.errstate(all="ignore"):  # It is said in the picture.
        results = run.run(run.fit(complete))
        known = {**inputs, **dict(zip(program.result_tensors, results, strict=True))}
        gradients = _gradients(pullback, known, complete)
    traced = Trace({tensor: np.asarray(value) for tensor, value in known.items()}, gradients)
    if all(_is_finite(array) for array in (*traced.values.values(), *gradients.values())):
        return traced
    return _told(operation, _again(operation, pullback, traced) or traced)


def _is_finite(array: Array) -> bool:
    return array.dtype != object and bool(np.isfinite(array).all())


def _again(operation: Operation, pullback: Pullback, traced: Trace) -> Trace | None:
    """The numbers with more digits; None where there are too many."""
    names = {symbol for definition in operation.definitions for symbol in definition.body.free_symbols}
    if names & set(operation.parameters):
        return None
    inputs = {tensor: traced.values[tensor] for tensor in operation.inputs}
    values = beyond(operation, inputs, operation.definitions)
    if values is None:
        return None
    ones = {tensor: np.ones(values[each.tensor].shape) for each, tensor in _upstreams(pullback)}
    computed = beyond(operation, {**inputs, **ones}, (*operation.definitions, *pullback.gradients))
    if computed is None:
        return None
    gradients = {tensor: computed[own] for own, tensor in _whole(operation).items() if own in computed}
    outputs = {each.tensor: ones[tensor] for each, tensor in _upstreams(pullback)}
    return Trace({**inputs, **values}, {**outputs, **gradients})


def _told(operation: Operation, traced: Trace) -> Trace:
    """The trace with what is to be said of numbers that are none of double precision."""
    remarks = []
    traced = replace(traced, gradients=_masked(operation, traced))
    bodies = {each.tensor: plain_text(each.body) for each in operation.definitions}
    arrays = (*traced.values.values(), *traced.gradients.values())
    is_beyond = any(array.dtype == object for array in arrays)
    undefined = "Not defined here, or too large" if is_beyond else "Not defined here"
    if wrong := [tensor for tensor in bodies if traced.is_undefined(tensor)]:
        remarks.append(f"{undefined}: {wrong[0].name} = {bodies[wrong[0]]}.")
    elif lost := [tensor.name for tensor, array in traced.gradients.items() if _has_nan(array)]:
        remarks.append(f"{undefined}: the gradient of {', '.join(lost)}.")
    if is_beyond:
        remarks.append("Some numbers are beyond double precision, and were computed with 60 digits.")
    elif any(np.isinf(array).any() for array in arrays if array.dtype.kind == "f"):
        remarks.append("Some numbers are too large for double precision, and shown as ∞.")
    return replace(traced, remarks=tuple(remarks))


def _masked(operation: Operation, traced: Trace) -> dict[Tensor, Array]:
    """The gradients without those by what only leads to values that are not defined."""
    masks = {tensor: _undefined(array) for tensor, array in traced.values.items()}
    found = dict(traced.gradients)
    for definition in reversed(operation.definitions):
        mask = masks[definition.tensor]
        for tensor in tensors_in(definition.body) & found.keys():
            own = mask if mask.shape == masks[tensor].shape else np.full(masks[tensor].shape, mask.any())
            masks[tensor] = masks[tensor] | own
            found[tensor] = np.where(own, np.nan, found[tensor])
    return found


def _has_nan(array: Array) -> bool:
    return bool(_undefined(array).any())


def _upstreams(pullback: Pullback) -> list[tuple[Definition, Tensor]]:
    return list(zip(pullback.operation.outputs, pullback.upstreams, strict=True))


def _whole(operation: Operation) -> dict[Tensor, Tensor]:
    """By their gradients, the tensors of an operation."""
    tensors = (*operation.inputs, *(definition.tensor for definition in operation.definitions))
    return {operation.gradient_of(tensor): tensor for tensor in tensors}


def _gradients(pullback: Pullback, values: Mapping[Tensor, Any], given: Any) -> dict[Tensor, Array]:
    operation = pullback.operation
    whole = _whole(operation)
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


def _undefined(array: Array) -> NDArray[np.bool_]:
    """Return where there is no number; one beyond double precision is one."""
    with np.errstate(all="ignore"):
        found: NDArray[np.bool_] = np.isnan(array.astype(float))
    return found
