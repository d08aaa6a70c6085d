"""What NumPy's indexing gives: the order of the axes of ``x[:, rows, columns]`` and of what is assigned to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.ops import Labels, Operand
from derive.indices import Index

Place = Index | int | None


@dataclass(frozen=True)
class Indexing:
    """How an array is indexed.

    Attributes:
        entries: for each axis ``:`` (None), a number, or the labels of the array of positions; one label alone is
            an ``arange`` unless an operand is there.
        operands: by axis, the operand that holds the positions.
        together: the labels that the arrays of positions have together.
        labels: those of the result.
    """

    entries: tuple[Labels | int | None, ...]
    operands: tuple[Operand | None, ...]
    together: Labels
    labels: Labels


def plan_indexing(where: Sequence[Place], positions: Sequence[Operand]) -> Indexing:
    """Return how to index an array; an index that also occurs in an array of positions runs along with it.

    Example:
        >>> from derive.indices import size
        >>> n, k = Index("n", size("N")), Index("k", size("K"))
        >>> plan = plan_indexing((n, None), (Operand("t", (n,)),))
        >>> plan.entries, plan.labels
        (((n,), (n,)), (n,))
        >>> plan_indexing((k, None), (Operand("t", (n,)),)).labels
        (k, n)
    """
    given = iter(positions)
    operands = tuple(next(given) if place is None else None for place in where)
    together: dict[Index, None] = {}
    for operand in positions:
        together.update(dict.fromkeys(operand.labels))
    plain = [place for place in where if isinstance(place, Index)]
    together.update(dict.fromkeys(place for place in plain if plain.count(place) > 1))
    entries: list[Labels | int | None] = []
    for place, positions_here in zip(where, operands, strict=True):
        if positions_here is not None:
            entries.append(positions_here.labels)
        elif isinstance(place, Index):
            entries.append((place,) if place in together else None)
        else:
            entries.append(place)
    labels = _labels(where, entries, tuple(together), bool(positions))
    return Indexing(tuple(entries), operands, tuple(together), labels)


def _labels(where: Sequence[Place], entries: Sequence[Labels | int | None], together: Labels, arrays: bool) -> Labels:
    """The axes of the arrays of positions come where these stand if they stand together, and else first."""
    slices = {axis: place for axis, place in enumerate(where) if entries[axis] is None and isinstance(place, Index)}
    if not together and not arrays:
        return tuple(slices.values())
    others = [axis for axis, entry in enumerate(entries) if entry is not None]
    adjacent = others[-1] - others[0] == len(others) - 1
    first = others[0] if adjacent else 0
    before = [label for axis, label in slices.items() if axis < first]
    after = [label for axis, label in slices.items() if axis >= first]
    return (*before, *together, *after)
