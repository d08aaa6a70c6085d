"""Neighbours in a network whose backward passes are one: which they are, and what is saved by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codegen.summaries import LayerRow
from derive.chain import Insertion
from derive.networks import ARROW
from derive.operation import Operation
from derive.sums import tensors_in


@dataclass(frozen=True)
class Fusion:
    """Two neighbours whose backward passes are one: the layers, whose gradient goes into whose, and what it costs."""

    layers: tuple[str, ...]
    insertion: Insertion

    def __str__(self) -> str:
        users = " and ".join(tensor.name for tensor in self.insertion.users)
        what = f"gradient of {self.insertion.tensor.name} put into that of {users}"
        costs = f"cost {self.insertion.together:g} instead of {self.insertion.separate:g}"
        return f"{f' {ARROW} '.join(self.layers)}: {what}: {costs}"


def fusions_of(network: Operation, rows: Sequence[LayerRow], insertions: Iterable[Insertion]) -> Iterator[Fusion]:
    """Yield what was fused in a network, in the order of the insertions.

    Args:
        network: composed of the layers.
        rows: a row for each layer.
        insertions: the gradients that were put into others.
    """
    owners = {each.tensor: place for place, row in enumerate(rows) for each in row.definitions}
    for insertion in insertions:
        users = {owners[each.tensor] for each in network.definitions if insertion.tensor in tensors_in(each.body)}
        places = sorted({owners[insertion.tensor], *users})
        yield Fusion(tuple(rows[place].name for place in places), insertion)
