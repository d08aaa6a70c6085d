"""A gradient that is wrong, beside what is right, in several worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.observing import PULLED, Observation, compare

Array = NDArray[Any]


@dataclass
class Evidence:
    """A gradient in one world.

    Attributes:
        observation: all that was seen there.
        name: what it is the gradient of.
        found: what the code gives.
        truth, bound: what is right, and how exactly that is known.
        reduction: what the gradient stands for.
        other: the gradient for another upstream gradient, and what is right for that.
    """

    observation: Observation
    name: str
    found: Array
    truth: Array
    bound: Array
    reduction: str
    other: tuple[Array, Array] | None = None

    @property
    def matrix(self) -> Array:
        """The Jacobian, the outputs' entries first."""
        return self.observation.slopes[self.name].matrix

    @property
    def weights(self) -> Array:
        """What the Jacobian is contracted with."""
        size = self.matrix.shape[0]
        if self.reduction == PULLED:
            return self.observation.upstream()
        return np.full(size, 1 / size if self.reduction == "mean" else 1.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what it is the gradient of."""
        return tuple(np.shape(self.observation.case.values[self.name]))

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(self.observation.outputs[0].shape)

    @property
    def has_one_output(self) -> bool:
        return len(self.observation.outputs) == 1

    def agrees(self, predicted: Array | None) -> bool:
        """Whether a supposed mistake gives what the code gives, in this world."""
        if predicted is None or predicted.shape != self.found.shape:
            return False
        if not np.isfinite(predicted).all():
            return False
        if self.bound.shape == predicted.shape:
            return self.is_settled and compare(self.found, predicted, self.bound) is None
        if not np.isfinite(self.bound).all():
            return False
        largest = float(np.max(self.bound, initial=0.0))
        scale = float(np.max(np.abs(self.truth), initial=0.0))
        return largest < 1e-4 * scale and compare(self.found, predicted, np.full(predicted.shape, largest)) is None

    @property
    def is_settled(self) -> bool:
        """Whether the right gradient is known in enough entries, and exactly enough there, to tell mistakes apart."""
        scale = float(np.max(np.abs(self.truth[np.isfinite(self.bound)]), initial=0.0))
        return float(np.mean(self.bound <= 1e-4 * scale + 1e-8)) > 0.25 if self.bound.size else False

    @property
    def is_wrong(self) -> bool:
        return self.found.shape != self.truth.shape or compare(self.found, self.truth, self.bound) is not None


def explained(evidence: Sequence[Evidence], predict: Any) -> bool:
    """Whether a supposed mistake explains a gradient in every world, and says something in one of them."""
    with np.errstate(all="ignore"):
        return all(each.agrees(predict(each)) for each in evidence)
