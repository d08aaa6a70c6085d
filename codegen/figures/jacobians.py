"""The Jacobian of an operation at one place, as a map of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from numpy.typing import NDArray

from codegen.figures.picture import Picture
from codegen.figures.places import arrays_of
from codegen.figures.samples import sampled
from codegen.figures.style import INK, new_figure, styled
from codegen.figures.texts import name, number
from codegen.runtime import vjp
from derive.catalogue import find
from derive.errors import InputError
from derive.operation import Derived, Operation
from derive.pullback import inputs_of

Array = NDArray[Any]
#: Of so many rows and columns at most the numbers are written into the cells, and the entries at the axes.
MOST_WRITTEN, MOST_NAMED = 12, 32
#: The side of a cell in inches, with a number and without.
CELL, SMALL_CELL = 0.56, 0.42
#: A Jacobian has at most so many entries in a picture.
MOST_ENTRIES = 250_000


def jacobian(
    op: str | Operation | Derived, values: Mapping[str, Any] | None = None, *, wrt: str | None = None, seed: int = 0
) -> Picture:
    """Draw the partial derivatives of all entries of the output, a row each, by all entries of an input.

    Args:
        op: a catalogue name, a definition's text, an operation, or what was derived of one.
        values: by the names of the inputs; drawn where they are left out.
        wrt: the input to differentiate by; the first one when left out.
        seed: of what is drawn.

    Raises:
        InputError: there are several outputs, values do not fit, or there are too many entries for a picture.

    Example:
        >>> print(jacobian("softmax", {"x": [[0.0, 0.0]]}).alt)  # doctest: +NORMALIZE_WHITESPACE
        Jacobian of softmax by x, 2 entries of y by 2 of x, from −0.25 to 0.25, at x = [[0.0, 0.0]]. Row by row:
        0.25, −0.25; −0.25, 0.25.
    """
    operation = find(op)
    tensors = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    chosen = inputs_of(operation)[0] if wrt is None else operation.input(wrt)
    output = operation.output.tensor
    given = dict(sampled(operation, seed) if values is None else values)
    found = arrays_of(operation, given)
    missing = [tensor.name for tensor in tensors if tensor.name not in found]
    if missing:
        raise InputError(f"{operation.name}: nothing was said of {', '.join(missing)}")
    arrays = [found[tensor.name] for tensor in tensors]
    given = {name: value for name, value in given.items() if name not in found}
    place = ", ".join(f"{tensor.name} = {array.tolist()}" for tensor, array in zip(tensors, arrays, strict=True))
    with np.errstate(all="ignore"):
        matrix = matrix_of(operation, arrays, given, chosen.name)
        value = np.asarray(vjp(operation, *arrays, **given)[0])
    if not (np.isfinite(matrix).all() and np.isfinite(value).all()):
        raise InputError(f"{operation.name}: its Jacobian is not defined, or too large, at {place}; choose another one")
    shapes = [value.shape, arrays[tensors.index(chosen)].shape]
    rows, columns = matrix.shape
    with styled():
        side = CELL if max(rows, columns) <= MOST_WRITTEN else SMALL_CELL
        figure = new_figure(1.6 + side * max(5, min(columns, 20)), 1.2 + side * max(4, min(rows, 20)))
        axes = figure.subplots()
        largest = float(np.abs(matrix).max()) or 1.0
        norm = TwoSlopeNorm(0.0, -largest, largest)
        image = axes.imshow(matrix, cmap="cividis", norm=norm, aspect="auto" if max(rows, columns) > 20 else "equal")
        figure.colorbar(image, ax=axes, shrink=0.9)
        axes.grid(False)
        axes.set_title(rf"$\partial\,${name(output)}$\,/\,\partial\,${name(chosen)}  of {operation.name}")
        for axis, tensor, shape in zip((axes.yaxis, axes.xaxis), (output, chosen), shapes, strict=True):
            labels = [_entry(tensor.name, place, shape) for place in np.ndindex(*shape)]
            if len(labels) <= MOST_NAMED:
                axis.set_ticks(range(len(labels)), labels)
            axis.set_label_text("")
        if columns > 6 or len(chosen.name) > 2 or len([extent for extent in shapes[1] if extent > 1]) > 1:
            axes.tick_params(axis="x", rotation=90)
        if max(rows, columns) <= MOST_WRITTEN:
            for (row, column), entry in np.ndenumerate(matrix):
                colour = INK if entry > 0.25 * largest else "white"
                axes.text(
                    column,
                    row,
                    number(entry, 2),
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=8,
                )
    alt = (
        f"Jacobian of {operation.name} by {chosen.name}, {rows} entries of {output.name} by {columns} of "
        f"{chosen.name}, from {number(matrix.min())} to {number(matrix.max())}, at {place}."
    )
    if max(rows, columns) <= MOST_WRITTEN:
        alt += f" Row by row: {'; '.join(', '.join(number(entry, 2) for entry in row) for row in matrix)}."
    return Picture(figure, f"Jacobian of {operation.name}", alt)


def matrix_of(operation: Operation, arrays: list[Array], settings: Mapping[str, Any], wrt: str) -> Array:
    """Return the Jacobian with the entries of the output and of the input in a row each.

    Example:
        >>> matrix_of(find("y[n] = sum(a[n,i]**2, i)"), [np.array([[1.0, 2.0]])], {}, "a")
        array([[2., 4.]])
    """
    output, pullback = vjp(operation, *arrays, **settings)
    shape = np.shape(output)
    place = pullback.wrt.index(wrt) if wrt in pullback.wrt else 0
    rows = []
    for at in np.ndindex(*shape):
        upstream = np.zeros(shape)
        upstream[at] = 1.0
        rows.append(np.asarray(pullback(upstream)[place]).reshape(-1))
        if len(rows) * rows[0].size > MOST_ENTRIES:
            raise InputError(
                f"{operation.name}: its Jacobian has too many entries for a picture; give it less to work on"
            )
    if not rows or not rows[0].size:
        raise InputError(f"{operation.name}: its Jacobian has no entries here; give it arrays that are not empty")
    return np.array(rows)


def _entry(tensor: str, place: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What an entry is called; axes with one place are left out."""
    where = [str(at) for at, extent in zip(place, shape, strict=True) if extent > 1]
    return f"{tensor}[{', '.join(where)}]" if where else tensor
