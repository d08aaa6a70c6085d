"""Predictions of a network: what goes into its loss, how it is computed, and how many samples' classes are right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.runtime import Forward, forward
from derive.definitions import needed_definitions
from derive.errors import InputError
from derive.indices import Tensor
from derive.operation import Operation

Array = NDArray[Any]


def prediction_of(network: Operation, loss: Operation | None) -> Tensor | None:
    """Return what goes into the loss, or what comes out where there is none; None where the loss is all there is."""
    count = len(network.definitions) - (len(loss.definitions) if loss is not None else 0)
    return network.definitions[count - 1].tensor if count else None


def predicting(network: Operation, prediction: Tensor) -> Forward:
    """Return the forward pass up to a prediction."""
    needed = needed_definitions(network.definitions, [prediction])
    used = network.feeding(prediction)
    inputs = tuple(tensor for tensor in network.inputs if tensor in used)
    return forward(replace(network, definitions=needed, inputs=inputs, listed=()))


def class_axis(forms: Iterable[Operation], targets: Sequence[str], prediction: Tensor | None) -> int | None:
    """Return the axis of a prediction that classes stand on, counted from the last; None where labels are no classes.

    Args:
        forms: the network with the labels as class numbers, as rows, or with both.
        targets: the labels' names.
    """
    for tensor in (form.input(name) for form in forms for name in targets):
        if prediction is not None and tensor.values in prediction.sizes:
            return prediction.sizes.index(tensor.values) - prediction.rank
    return None


def part_that_is_right(scores: Array, labels: ArrayLike, axis: int, in_rows: bool, title: str) -> float:
    """Return the part of the samples whose largest score is that of their class.

    Args:
        axis: the one of the scores that the classes stand on.
        in_rows: whether the labels are no class numbers and have that axis, too.
        title: of what scored.

    Raises:
        InputError: the labels do not fit.

    Example:
        >>> part_that_is_right(np.array([[0.1, 0.9], [0.8, 0.2]]), [1, 1], -1, False, "scores")
        0.5
    """
    classes = np.asarray(labels)
    if in_rows:
        classes = classes.argmax(axis=axis)
    best, count = scores.argmax(axis=axis), scores.shape[axis]
    if classes.shape != best.shape or not np.all((classes >= 0) & (classes < count)):
        expected = f"class numbers below {count}, of shape {best.shape}"
        raise InputError(f"{title}: labels are {expected}, or a row of {count} for each")
    return float(np.mean(best == classes))
