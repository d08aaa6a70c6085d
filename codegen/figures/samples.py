"""Numbers to draw an operation at where nobody gave any: short ones that can be checked by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from derive.catalogue import parse_fact
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.indices import Tensor
from derive.record import Operation
from derive.sampling import impose, sample

#: How large an axis is drawn, one that counts samples aside: there is one of these.
SIZE = 4
#: How often numbers are drawn until the facts hold.
ATTEMPTS = 20


def sampled(operation: Operation, seed: int = 0) -> dict[str, Any]:
    """Return arrays for the inputs, in their domains and so that the record's facts hold; settings are left out.

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
    facts = [parse_fact(fact, operation) for fact in operation.record.facts]
    generator = random.Random(seed)
    for _ in range(ATTEMPTS):
        values = sample(operation.inputs, sizes, generator, operation.record.domain)
        assignment = Assignment(sizes, values, {each.tensor: each for each in operation.definitions})
        if impose(facts, assignment):
            return {tensor.name: _array(tensor, sizes, assignment.values[tensor]) for tensor in tensors}
    raise InputError(f"{operation.name}: no numbers were found for which {' and '.join(operation.record.facts)}")


def read_values(operation: Operation, values: Mapping[str, Any]) -> tuple[list[NDArray[Any]], dict[str, Any]]:
    """Return arrays for the inputs, in their order, and the settings and whole numbers that are given beside them.

    Numbers are of double precision, labels apart: a picture of integers is one of numbers.

    Raises:
        InputError: a name too many or too few, or a value that is neither a number nor an array of numbers.

    Example:
        >>> from derive.catalogue import find
        >>> read_values(find("huber"), {"y": [1, 2], "t": [0, 0], "d": 0.5})
        ([array([1., 2.]), array([0., 0.])], {'d': 0.5})
    """
    tensors = {tensor.name: tensor for tensor in operation.inputs if tensor not in operation.settings}
    known = {tensor.name for tensor in operation.inputs} | {symbol.name for symbol in operation.parameters}
    for name in values:
        if name not in known:
            operation.input(name)  # Says that there is none, and which there are.
    missing = [name for name in tensors if name not in values]
    if missing:
        raise InputError(f"{operation.name}: nothing was said of {', '.join(missing)}")
    arrays = [_numbers(operation, tensor, values[name]) for name, tensor in tensors.items()]
    return arrays, {name: value for name, value in values.items() if name not in tensors}


def _numbers(operation: Operation, tensor: Tensor, value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:  # Rows of several lengths.
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or not array.size:
        raise InputError(f"{operation.name}: {tensor.name} is a number or an array of numbers, not {value!r}")
    return array if tensor.values is not None else array.astype(float)


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
