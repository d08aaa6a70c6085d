"""The pictures of a report: the graph of the computation, and the curve of a function of one number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codegen.documents.model import Block, Paragraph, Picture
from codegen.documents.phrases import say
from derive.errors import InputError
from derive.notation import Notation
from derive.operation import Operation


def pictures(operation: Operation, label: str, language: str, notation: Notation) -> Iterator[Block]:
    """Yield the pictures of an operation, each after a line that says what it shows."""
    from codegen import figures
    from codegen.figures.samples import sampled
    from codegen.figures.slopes import only_input

    values = None
    if not operation.parameters and all(tensor.rank == 0 for tensor in operation.inputs):
        values = sampled(operation)
    text = "The graph of the computation: values go forward, gradients come back."
    yield Paragraph(say(text, language))
    yield _picture(f"{label}-graph", figures.graph(operation, values, notation=notation, caption="", language=language))
    try:
        only_input(operation)
    except InputError:
        return
    yield Paragraph(say("The function and its derivative.", language))
    yield _picture(f"{label}-curve", figures.curve(operation, language=language))


def _picture(name: str, picture: Any) -> Picture:
    def draw(kind: str) -> bytes:
        return bytes(picture.svg().encode() if kind == "svg" else picture.png())

    return Picture(name, picture.alt, draw)
