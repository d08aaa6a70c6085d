"""What arrays to call a function with: kinds of values, sizes by letter, and random draws of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
REAL, PROBABILITIES, IDS, ONE_HOT, BINARY, SIGNS = "real", "probabilities", "ids", "one-hot", "binary", "signs"
SIZE, NUMBER, FLAG, GIVEN = "size", "number", "flag", "given"
#: What has a derivative, what is an array and has none, and what is no array.
DIFFERENTIABLE, LABELLING = (REAL, PROBABILITIES, GIVEN), (IDS, ONE_HOT, BINARY, SIGNS)
#: How far values that are given are moved, relative to themselves, where several draws of them are needed.
MOVED = 0.1

#: Sizes by letter, all those that meet in one layout different: a transposed matrix then does not fit.
FIRST = {"N": 3, "D": 6, "K": 4, "T": 5, "C": 2, "O": 5, "H": 4, "W": 6, "R": 3, "V": 7, "E": 6, "F": 4, "J": 5,
         "M": 2, "S": 7, "I": 6, "L": 5, "P": 2, "Q": 3, "G": 2, "1": 1, "K4": 16}  # fmt: skip
SECOND = {"N": 5, "D": 4, "K": 2, "T": 3, "C": 1, "O": 2, "H": 6, "W": 4, "R": 3, "V": 8, "E": 2, "F": 3, "J": 3,
          "M": 2, "S": 4, "I": 4, "L": 3, "P": 3, "Q": 2, "G": 1, "1": 1, "K4": 8}  # fmt: skip
#: As the first, and images of other proportions.
THIRD = {**FIRST, "H": 4, "W": 8}
SINGLE = {**FIRST, "N": 1}
EQUAL = {**dict.fromkeys(FIRST, 4), "1": 1, "K4": 4}
#: Values keep this far from 0, where many functions have a kink.
FARTHEST, NEAREST = 2.0, 0.06


@dataclass(frozen=True)
class Spec:
    """A kind of value and its axes, by their letters.

    Attributes:
        kind: one of the words above.
        axes: the letters of its axes; of a size, the one letter.
        below: of ids, the letter of the size that they are below.
        along: of one-hot labels, the axis of the classes.
        number: of a number or another setting, its value.
    """

    kind: str
    axes: tuple[str, ...] = ()
    below: str = ""
    number: Any = 0.0
    along: int = -1

    @property
    def is_differentiable(self) -> bool:
        return self.kind in DIFFERENTIABLE

    def draw(self, sizes: Mapping[str, int], generator: np.random.Generator) -> Any:
        """Return a value of this kind.

        Example:
            >>> Spec(IDS, ("N",), below="K").draw({"N": 4, "K": 1}, np.random.default_rng(0))
            array([0, 0, 0, 0])
        """
        if self.kind == SIZE:
            return sizes[self.axes[0]]
        if self.kind == NUMBER:
            return self.number
        if self.kind == GIVEN:
            return self.number * (1 + MOVED * generator.uniform(-1, 1, np.shape(self.number)))
        if self.kind == FLAG:
            return True
        shape = tuple(extent(letter, sizes) for letter in self.axes)
        return _DRAWS[self.kind](self, shape, sizes, generator)


def extent(letter: str, sizes: Mapping[str, int]) -> int:
    """Return the size that a letter stands for; a number stands for itself, and a product for that of its factors.

    Example:
        >>> extent("3*K", {"K": 4})
        12
    """
    return math.prod(int(each) if each.isdigit() else sizes[each] for each in letter.split("*"))


def real_values(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Return numbers on both sides of 0 and not close to it, no two of which are close to each other."""
    count = int(np.prod(shape))
    grid = np.linspace(NEAREST, FARTHEST, max(count, 2))[:count]
    step = (FARTHEST - NEAREST) / max(count - 1, 1)
    sizes = grid + generator.uniform(-0.2, 0.2, count) * min(step, NEAREST)
    signs = np.where(np.arange(count) % 2 == generator.integers(2), 1.0, -1.0)
    return np.asarray(generator.permutation(sizes * signs).reshape(shape))


def _real(spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    return real_values(shape, generator)


def _probabilities(
    spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator
) -> Array:
    return generator.uniform(0.05, 0.95, shape)


def _ids(spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    """Ids of which one occurs twice where there is more than one."""
    ids = generator.integers(0, extent(spec.below, sizes), shape)
    flat = ids.reshape(-1)
    if flat.size > 1:
        flat[-1] = flat[0]
    return ids


def _one_hot(spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    axis = spec.along % len(shape)
    ids = generator.integers(0, shape[axis], tuple(n for place, n in enumerate(shape) if place != axis))
    return np.moveaxis(np.eye(shape[axis])[ids], -1, axis)


def _binary(spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    return generator.integers(0, 2, shape).astype(float)


def _signs(spec: Spec, shape: tuple[int, ...], sizes: Mapping[str, int], generator: np.random.Generator) -> Array:
    return generator.choice([-1.0, 1.0], shape)


_DRAWS = {
    REAL: _real,
    PROBABILITIES: _probabilities,
    IDS: _ids,
    ONE_HOT: _one_hot,
    BINARY: _binary,
    SIGNS: _signs,
}
