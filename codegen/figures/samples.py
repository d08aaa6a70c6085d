"""Numbers to draw an operation at where nobody gave any: short ones that can be checked by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Symbol

from derive.catalogue import parse_fact
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.operation import Operation
from derive.precision import UndefinedError
from derive.sampling import impose, sample

#: How large an axis is drawn, one that counts samples aside: there is one of these.
SIZE = 4
#: How often numbers are drawn until the facts hold.
ATTEMPTS = 20


def sampled(operation: Operation, seed: int = 0, extents: Mapping[Symbol, int] | None = None) -> dict[str, Any]:
    """Return arrays for the inputs, in their domains and so that the record's facts hold; settings are left out.

    Args:
        operation: what they are for.
        seed: of what is drawn.
        extents: sizes that are known.

    Raises:
        InputError: no such numbers were found, or the operation has whole numbers that only a person can choose.

    Example:
        >>> from derive.catalogue import find
        >>> {name: array.shape for name, array in sampled(find("softmax-cce")).items()}
        {'z': (1, 4), 't': (1, 4)}
    """
    if operation.parameters:
        names = ", ".join(symbol.name for symbol in operation.parameters)
        raise InputError(f"{operation.name}: nothing was said of {names}")
    tensors = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    first = {tensor.sizes[0] for tensor in tensors if len(tensor.sizes) > 1}
    sizes = {symbol: 1 if symbol in first & set(_samples(operation)) else SIZE for symbol in operation.sizes}
    sizes |= extents or {}
    facts = [parse_fact(fact, operation) for fact in operation.record.facts]
    generator = random.Random(seed)
    for attempt in range(2 * ATTEMPTS):
        values = sample(operation.inputs, sizes, generator, operation.record.domain, positive=attempt >= ATTEMPTS)
        assignment = Assignment(sizes, values, {each.tensor: each for each in operation.definitions})
        if impose(facts, assignment) and _is_defined(operation, assignment):
            return {tensor.name: _array(tensor, sizes, assignment.values[tensor]) for tensor in tensors}
    told = " and ".join(operation.record.facts) or "it is defined"
    raise InputError(f"{operation.name}: no numbers were found for which {told}; give some with --at")


def _is_defined(operation: Operation, assignment: Assignment) -> bool:
    """Whether every entry of every output has a value here."""
    try:
        for output in operation.outputs:
            for place in assignment.places(output.indices):
                assignment.value(output.target, place)
    except UndefinedError:
        return False
    return True


def _samples(operation: Operation) -> list[Symbol]:
    """Sizes of axes along which samples stand: all leading ones, or those called N."""
    return [size for size in operation.sizes if size in (operation.leading, Symbol("N")) or str(size) == "N"]


def _array(tensor: Any, sizes: Any, numbers: Any) -> Any:
    shape = tuple(int(extent.xreplace(sizes)) for extent in tensor.sizes)
    kind = int if tensor.values is not None else float
    array = np.zeros(shape, kind)
    for place, number in numbers.items():
        array[place] = kind(number)
    return array
