"""Which axes and indices have one size: classes of places, joined as a text is read, and named at its end."""

from __future__ import annotations

from typing import NamedTuple

from sympy import Expr

from derive.tokens import Span, Text


class Place(NamedTuple):
    """Something that has a size: an index, an axis of a tensor, the values of labels, a size of a called operation."""

    kind: str
    name: str
    number: int = 0

    def __str__(self) -> str:
        if self.kind == "axis":
            return f"axis {self.number + 1} of {self.name}"
        if self.kind == "values":
            return f"the axis that {self.name} points into"
        return f"{self.kind} {self.name}"


class Fixed(NamedTuple):
    """A size that is known beforehand, and which place has it."""

    size: Expr
    place: Place


class SizeClasses:
    """Disjoint sets of places; each set has one size."""

    def __init__(self, source: Text) -> None:
        self.source = source
        self.parents: dict[Place, Place] = {}
        self.fixed: dict[Place, Fixed] = {}

    def find(self, place: Place) -> Place:
        """Return the place that stands for the class of ``place``."""
        self.parents.setdefault(place, place)
        root = place
        while self.parents[root] != root:
            root = self.parents[root]
        while self.parents[place] != root:
            self.parents[place], place = root, self.parents[place]
        return root

    def members(self, place: Place) -> list[Place]:
        root = self.find(place)
        return [other for other in self.parents if self.find(other) == root]

    def fixed_at(self, place: Place) -> Fixed | None:
        return self.fixed.get(self.find(place))

    def fix(self, place: Place, size: Expr, at: Span, owner: Place | None = None) -> None:
        """State the size of a place.

        Raises:
            DefinitionError: its class has another size.
        """
        root, new = self.find(place), Fixed(size, owner or place)
        old = self.fixed.setdefault(root, new)
        if old.size != size:
            raise self.source.mistake(at, *self._two_sizes(place, old, new))

    def unite(self, left: Place, right: Place, at: Span) -> None:
        """State that two places have one size.

        Raises:
            DefinitionError: both sizes are known and differ.
        """
        first, second = self.find(left), self.find(right)
        if first == second:
            return
        old, new = self.fixed.get(first), self.fixed.pop(second, None)
        if old is not None and new is not None and old.size != new.size:
            raise self.source.mistake(at, *self._two_sizes(left if left.kind == "index" else right, new, old))
        self.parents[second] = first
        if new is not None:
            self.fixed.setdefault(first, new)

    def _two_sizes(self, place: Place, old: Fixed, new: Fixed) -> tuple[str, str]:
        problem = f"{old.place} has size {old.size}, {new.place} has size {new.size}"
        if place.kind == "index":
            return f"index {place.name} is used with two sizes: {problem}", "write another index for one of them"
        return f"two sizes stand where there must be one: {problem}", "expected axes of one size"


def count_of_indices(rank: int) -> str:
    """Return "no index", "1 index", "2 indices"."""
    return f"{rank or 'no'} {'index' if rank <= 1 else 'indices'}"
