"""Where values lie in C: the arrays of results and of memory to work in, and the cells of an array."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from codegen.c_loops import Nest, Storage, Task, plan_storage
from codegen.c_numbers import ATOM, PRODUCT, SUM, UNARY, whole_text
from codegen.c_systems import Factors
from codegen.c_texts import CNames, Text
from codegen.ops import Labels
from codegen.program import INTEGER, REAL, Program
from derive.notation import BAR, Notation


class Cells:
    """The memory of a program's values: an array for each that is stored, with the text of each of its cells.

    Attributes:
        swaps: by the name of factors, the array of the swaps of rows.
    """

    def __init__(self, program: Program, nest: Nest, notation: Notation = BAR) -> None:
        self.program, self.nest = program, nest
        self.names = CNames(program, notation)
        self.storage: dict[str, Storage] = plan_storage(program, nest)
        self._arrays: dict[str, str] = {}
        self._work: dict[str, list[tuple[str, Labels]]] = {REAL: [], INTEGER: []}
        self.swaps: dict[str, str] = {}
        for task in nest.tasks:
            self._name_array(task)

    def _name_array(self, task: Task) -> None:
        storage = self.storage[task.name]
        if storage.result is not None:
            self._arrays[task.name] = self.names.of(storage.result)
        elif storage.labels:
            self._arrays[task.name] = self.names.of(task.name)
            kind = INTEGER if task.statement.kind == INTEGER else REAL
            self._work[kind].append((self.names.of(task.name), storage.labels))
        if isinstance(task.statement.op, Factors):
            self.swaps[task.name] = self.names.new("swaps")
            self._work[INTEGER].append((self.swaps[task.name], storage.labels[:-1]))

    def size(self, extent: Expr) -> str:
        return self.whole(extent).text

    def whole(self, value: Expr) -> Text:
        """Return a whole number made of sizes."""
        return Text(*whole_text(value, self.names.of_size))

    def _flat(self, labels: Labels, places: Sequence[Text]) -> str:
        text, level = "", ATOM
        for label, place in zip(labels, places, strict=True):
            if not text:
                text, level = place.text, place.level
                continue
            size = self.whole(label.size)
            before = f"{text if level >= PRODUCT else f'({text})'} * {size.part(UNARY)}"
            before = {"0": "", "1": size.part(SUM)}.get(text, before)
            if before and place.text == "0":
                text, level = before, SUM if text == "1" else PRODUCT
                continue
            text, level = (f"{before} + {place.part(PRODUCT)}", SUM) if before else (place.text, place.level)
        return text

    def _cell(self, array: str, labels: Labels, places: Sequence[Text]) -> Text:
        depth = max((place.depth for place in places), default=0)
        if not labels:
            return Text(f"*{array}", UNARY, 0)
        return Text(f"{array}[{self._flat(labels, places)}]", ATOM, depth)

    def _stored(self, task: Task, places: Sequence[Text]) -> Text:
        """Return the cell of memory of an element of a value that a task computes."""
        storage = self.storage[task.name]
        own = [place for label, place in zip(task.labels, places, strict=True) if label in storage.labels]
        return self._cell(self._arrays[task.name], storage.labels, own)
