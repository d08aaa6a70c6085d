"""Numbers for expressions: every index a loop, every value a high-precision number, nothing clever.

It is the independent witness of the engine: steps are checked with it, claims are refuted with it. A derivative is
evaluated by a central difference, not by the engine's own rules.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from derive.budget import tick
from derive.environment import Numbers, Position, slot
from derive.evaluators import evaluator, extent_of, position_of
from derive.indices import Element, Index
from derive.precision import Number, context

Places = Mapping[Index, int]


class Assignment(Numbers):
    """Numbers for sizes and tensors; defined tensors are computed when asked for.

    Example:
        >>> from derive.indices import Tensor, size
        >>> from derive.sums import IndexSum
        >>> K = size("K"); k = Index("k", K); p = Tensor("p", (K,))
        >>> here = Assignment({K: 2}, {p: {(0,): 1, (1,): 5}})
        >>> int(here.value(IndexSum(p[k] ** 2, k)))
        26
    """

    def value(self, expr: Any, places: Places | None = None) -> Number:
        """Return the number an expression stands for, its free indices at the given places.

        Raises:
            UndefinedError: there is no real number.
        """
        tick()
        return context.mpf(evaluator(expr)(self, _env(places or {})))

    def extent(self, index: Index) -> int:
        """The number of values an index takes."""
        return extent_of(index)(self)

    def position(self, element: Element, places: Places) -> Position:
        """The position of an element."""
        return position_of(element)(self, _env(places))

    def places(self, indices: Iterable[Index]) -> Iterable[dict[Index, int]]:
        """Every assignment of positions to the indices."""
        indices = tuple(indices)
        for where in product(*(range(self.extent(index)) for index in indices)):
            tick()
            yield dict(zip(indices, where, strict=True))

    def some_places(
        self, indices: Iterable[Index], most: int, generator: random.Random, telling: Iterable[int] = ()
    ) -> list[dict[Index, int]]:
        """At most so many assignments of positions: all of them in order, or some that are drawn.

        Every second one is drawn from the first positions, the last and the telling ones, where indices meet.

        Example:
            >>> from derive.indices import size
            >>> K = size("K"); j, k = Index("j", K), Index("k", K)
            >>> len(Assignment({K: 100_000}, {}).some_places([j, k], 3, random.Random(0)))
            3
        """
        indices = tuple(indices)
        extents = [self.extent(index) for index in indices]
        count = math.prod(extents)
        if count <= most:
            return list(self.places(indices))
        axes: list[list[Sequence[int]]] = [[range(extent) for extent in extents]]
        axes.append([sorted({0, 1, extent - 1, *telling} & set(range(extent))) for extent in extents])
        found: dict[Position, None] = {}
        for turn in range(2 * most):
            found[tuple(generator.choice(axis) for axis in axes[turn % 2])] = None
        return [dict(zip(indices, where, strict=True)) for where in list(found)[:most]]


def _env(places: Places) -> dict[str, int]:
    return {slot(index): place for index, place in places.items()}
