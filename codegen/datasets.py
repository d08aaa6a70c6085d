"""Data to train on: points of spirals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: How far the angles of points stray.
NOISE = 0.2


def spiral(
    points: int = 100, classes: int = 3, seed: int | np.random.RandomState = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the points of spirals that wind around one another, and the number of the spiral of each.

    The radius of class c grows from 0 to 1 and the angle 2.5 t, t from 4 c to 4 (c + 1), with normal noise on t.

    Args:
        points: of each class.
        classes: how many spirals.
        seed: of the noise; from a ``RandomState``, since its numbers are the same in every version of NumPy.

    Example:
        >>> x, t = spiral(100, 3, seed=39)
        >>> x.shape, t.shape, [int(number) for number in t[[0, 100, 200]]]
        ((300, 2), (300,), [0, 1, 2])
    """
    random = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    rows: list[NDArray[Any]] = []
    for number in range(classes):
        angle = 2.5 * (np.linspace(4 * number, 4 * (number + 1), points) + NOISE * random.randn(points))
        radius = np.linspace(0, 1, points)
        rows.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(rows), np.repeat(np.arange(classes), points)
