"""A network as a table: its layers, what each computes, and its parameters with their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from derive.definitions import Definition
from derive.latex import latex_text
from derive.operation import Operation
from derive.printing import plain_text
from derive.sums import tensors_in

HEADS = ("layer", "computes", "parameters")


class LayerRow(NamedTuple):
    """A layer of a network: its name, its definitions there, and its parameters' shapes."""

    name: str
    definitions: tuple[Definition, ...]
    parameters: Mapping[str, tuple[int, ...]]

    @property
    def told(self) -> str:
        """The parameters with their shapes."""
        return ", ".join(f"{name} {shape}" for name, shape in self.parameters.items())


def layer_rows(
    network: Operation, layers: Sequence[Operation], shapes: Mapping[str, tuple[int, ...]]
) -> list[LayerRow]:
    """Return a row for each layer.

    Args:
        network: composed of the layers.
        layers: by themselves, in their order.
        shapes: of the network's parameters.
    """
    rows, start = [], 0
    for layer in layers:
        own = network.definitions[start : start + len(layer.definitions)]
        start += len(own)
        used = frozenset().union(*(tensors_in(each.body) for each in own))
        met = {tensor.name for tensor in used}
        rows.append(LayerRow(layer.name, own, {name: shape for name, shape in shapes.items() if name in met}))
    return rows


def plain_table(title: str, rows: Sequence[LayerRow]) -> str:
    """Return a table for a terminal, a line a definition, with a title above it."""
    lines = [HEADS]
    for row in rows:
        for place, each in enumerate(row.definitions):
            formula = f"{plain_text(each.target)} = {plain_text(each.body)}"
            lines.append((row.name, formula, row.told) if place == 0 else ("", formula, ""))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    shown = [f"{name:<{widths[0]}}  {formula:<{widths[1]}}  {told}".rstrip() for name, formula, told in lines]
    return "\n".join([title, *shown])


def markdown_table(title: str, rows: Sequence[LayerRow]) -> str:
    """Return a table for a notebook, which shows formulas."""
    lines = [f"**{title}**", "", f"| {' | '.join(HEADS)} |", "|:---|:---|:---|"]
    for row in rows:
        formulas = [f"${latex_text(each.target)} = {latex_text(each.body)}$" for each in row.definitions]
        shown = "<br>".join(formulas).replace("|", r"\vert ")
        lines.append(f"| {row.name} | {shown} | {row.told} |")
    return "\n".join(lines)
