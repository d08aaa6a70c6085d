"""The place that an operation is drawn at: values as a person gives them, made into arrays or refused in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.figures.beyond import assigned
from codegen.figures.samples import sampled
from derive.catalogue import parse_fact
from derive.errors import InputError
from derive.facts import Fact
from derive.indices import Tensor
from derive.operation import Operation
from derive.sums import free_indices, tensors_in

Array = NDArray[Any]
#: Sides of a fact that differ by less hold: values are typed with some digits.
NEAR = 1e-6


def arrays_of(operation: Operation, values: Mapping[str, Any]) -> dict[str, Array]:
    """Return the inputs that values are given for as arrays of double precision, labels as whole numbers.

    Settings and whole numbers of the operation are left out.

    Raises:
        InputError: a name is unknown, something is no array of finite numbers, or the operation's facts do not hold.

    Example:
        >>> from derive.catalogue import find
        >>> arrays_of(find("mul"), {"a": 2, "b": [1, 2]})
        {'a': array(2.), 'b': array([1., 2.])}
        >>> arrays_of(find("mul"), {"a": [[1, 2], [3]]})
        Traceback (most recent call last):
            ...
        derive.errors.InputError: mul: expected a number, or rows of equally many, for a, not [[1, 2], [3]]
    """
    tensors = {tensor.name: tensor for tensor in operation.inputs if tensor not in operation.settings}
    others = {each.name for each in (*operation.settings, *operation.parameters)}
    if unknown := [name for name in values if name not in tensors.keys() | others]:
        also = f", its settings {', '.join(sorted(others))}" if others else ""
        raise InputError(
            f"{operation.name} has no input {', '.join(unknown)}; its inputs are {', '.join(tensors)}{also}"
        )
    found = {name: _array(operation, tensors[name], value) for name, value in values.items() if name in tensors}
    for fact in operation.record.facts:
        _check(operation, parse_fact(fact, operation), {tensors[name]: array for name, array in found.items()})
    return found


def completed(operation: Operation, values: Mapping[str, Any], seed: int = 0) -> tuple[dict[str, Any], list[str]]:
    """Return values with those of the inputs that are missing, which are drawn, and the names of these.

    Raises:
        InputError: as ``arrays_of`` and ``sampled``.

    Example:
        >>> from derive.catalogue import find
        >>> values, drawn = completed(find("y[n] = sum(a[n,k]*b[k], k)"), {"a": [[1, 2, 3]]})
        >>> values["b"].shape, drawn
        ((3,), ['b'])
    """
    given = arrays_of(operation, values)
    missing = [tensor for tensor in operation.inputs if tensor not in operation.settings and tensor.name not in given]
    if not missing:
        return dict(values), []
    sizes: dict[Any, int] = {}
    for tensor in operation.inputs:
        if tensor.name in given and given[tensor.name].ndim == len(tensor.sizes):
            sizes |= dict(zip(tensor.sizes, given[tensor.name].shape, strict=True))
    drawn = sampled(operation, seed, {own: extent for own, extent in sizes.items() if own in operation.sizes})
    names = [tensor.name for tensor in missing]
    return {**{name: drawn[name] for name in names}, **values}, names


def _array(operation: Operation, tensor: Tensor, value: Any) -> Array:
    try:
        array = np.asarray(value, None if tensor.values is not None else float)
        is_right = array.dtype.kind in "iuf" and bool(np.isfinite(array).all())
    except (TypeError, ValueError, OverflowError):
        is_right = False
    if not is_right:
        shown = repr(value)
        expected = "whole numbers" if tensor.values is not None else "a number, or rows of equally many,"
        raise InputError(
            f"{operation.name}: expected {expected} for {tensor.name}, not "
            f"{shown if len(shown) < 60 else shown[:57] + '...'}"
        )
    return array


def _check(operation: Operation, fact: Fact, given: Mapping[Tensor, Array]) -> None:
    """Refuse values that a fact does not hold for; one that names what is not given is not looked at."""
    whole = {tensor: given[tensor] for tensor in operation.inputs if tensor in given}
    here = assigned(operation, whole)
    if here is None or not (tensors_in(fact.left) | tensors_in(fact.right)) <= set(given):
        return
    try:
        for place in here.places(sorted(free_indices(fact.left) | free_indices(fact.right), key=str)):
            left, right = float(here.value(fact.left, place)), float(here.value(fact.right, place))
            if abs(left - right) > NEAR * max(1.0, abs(right)):
                where = ", ".join(f"{index.name} = {at}" for index, at in place.items())
                raise InputError(
                    f"{operation.name} takes for granted that {fact.text}, and at {where} the left side is {left:g}; "
                    "give values for which it holds"
                )
    except ArithmeticError:
        return
