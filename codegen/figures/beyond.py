"""The numbers of a trace with 60 digits and exponents without end, where those of double precision do not reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from derive.definitions import Definition
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.indices import Tensor
from derive.operation import Operation
from derive.precision import UndefinedError, context

Array = NDArray[Any]
#: So many entries at most are computed again.
MOST = 500
#: Numbers between these two are shown as those of double precision.
SMALLEST, LARGEST = 1e-300, 1e300


def beyond(
    operation: Operation, inputs: Mapping[Tensor, Array], definitions: Iterable[Definition]
) -> dict[Tensor, Array] | None:
    """Return what is defined in terms of inputs, entry by entry; None where there are too many entries.

    An entry that is not defined is nan. One that double precision has no number for is one of 60 digits, in an array
    of objects.

    Args:
        operation: whose inputs they are.
        inputs: by tensor, with the upstream gradients where definitions name them.
        definitions: in the order of computation.

    Example:
        >>> from derive.catalogue import find
        >>> from codegen.figures.texts import numbers
        >>> operation = find("a = exp(x); y = log(-a)")
        >>> found = beyond(operation, {operation.inputs[0]: np.array(1000.0)}, operation.definitions)
        >>> [(tensor.name, numbers(array)) for tensor, array in found.items()]
        [('a', '1.97e+434'), ('y', 'undefined')]
    """
    definitions = tuple(definitions)
    assignment = assigned(operation, inputs, definitions)
    if assignment is None:
        return None
    found: dict[Tensor, Array] = {}
    count = 0
    for definition in definitions:
        places = list(assignment.places(definition.indices))
        count += len(places)
        if count > MOST:
            return None
        entries = [_entry(assignment, definition, place) for place in places]
        is_plain = all(type(entry) is float for entry in entries)
        array = np.empty(len(entries), float if is_plain else object)
        array[:] = entries
        found[definition.tensor] = array.reshape([assignment.extent(index) for index in definition.indices])
    return found


def assigned(
    operation: Operation, inputs: Mapping[Tensor, Array], definitions: Iterable[Definition] = ()
) -> Assignment | None:
    """Return what expressions can be evaluated at; None where the arrays have other axes than the tensors.

    Example:
        >>> from derive.catalogue import find
        >>> operation = find("y = x**2")
        >>> here = assigned(operation, {operation.inputs[0]: np.array(3.0)}, operation.definitions)
        >>> int(here.value(operation.output.target))
        9
    """
    sizes: dict[Symbol, int] = {}
    for tensor, array in inputs.items():
        if np.ndim(array) != len(tensor.sizes) or np.size(array) > MOST:
            return None
        sizes |= {
            own: extent for own, extent in zip(tensor.sizes, np.shape(array), strict=True) if isinstance(own, Symbol)
        }
    if not set(operation.sizes) <= set(sizes):
        return None
    values = {
        tensor: {place: _exactly(entry) for place, entry in np.ndenumerate(array)} for tensor, array in inputs.items()
    }
    return Assignment(sizes, values, {each.tensor: each for each in definitions})


def _exactly(entry: Any) -> Any:
    return int(entry) if isinstance(entry, int | np.integer) else context.mpf(float(entry))


def _entry(assignment: Assignment, definition: Definition, place: Any) -> Any:
    try:
        value = assignment.value(definition.target, place)
    except (ArithmeticError, UndefinedError, InputError):
        return float("nan")
    return float(value) if value == 0 or SMALLEST < abs(value) < LARGEST else value
