"""How an array is brought under another in NumPy: ``.T``, ``[:, None]``, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable

from codegen.passes import Axes, broadcasts
from codegen.program import Labels


def align_text(axes: Axes, target: Axes, *, all_axes: bool = False) -> str:
    """Return what follows an array of these axes so that it broadcasts to the target; ``all_axes``: the leading too.

    Example:
        >>> from derive.indices import Index, size
        >>> n, k, j = (Index(letter, size(letter.upper())) for letter in "nkj")
        >>> align_text((n,), (n, k)), align_text((k, n), (n, k)), align_text((n, k), (n, j, k))
        ('[:, None]', '.T', '[:, None]')
        >>> align_text((n, None), (n,)), align_text((k,), (n, k))
        ('[:, 0]', '')
    """
    if broadcasts(axes, target) and not (all_axes and len(axes) < len(target)):
        return ""
    squeezed = subscript(":" if axis is not None else "0" for axis in axes) if None in axes else ""
    labels = tuple(axis for axis in axes if axis is not None)
    wanted = tuple(axis for axis in target if axis is not None and axis in labels)
    wanted += tuple(label for label in labels if label not in wanted)
    present = [axis if axis in labels else None for axis in target]
    while present and present[0] is None and not all_axes:
        present.pop(0)
    inserted = subscript(":" if axis is not None else "None" for axis in present) if None in present else ""
    return squeezed + transpose_text(labels, wanted) + inserted


def transpose_text(labels: Labels, wanted: Labels) -> str:
    """Return the transposition that puts labels in the wanted order.

    Example:
        >>> from derive.indices import Index, size
        >>> b, n, k = (Index(letter, size(letter.upper())) for letter in "bnk")
        >>> transpose_text((b, n, k), (b, k, n)), transpose_text((b, n, k), (k, b, n)), transpose_text((n, k), (n, k))
        ('.swapaxes(-1, -2)', '.transpose(2, 0, 1)', '')
    """
    if labels == wanted:
        return ""
    if len(labels) == 2:
        return ".T"
    if labels[:-2] == wanted[:-2]:
        return ".swapaxes(-1, -2)"
    return f".transpose({', '.join(str(labels.index(label)) for label in wanted)})"


def subscript(entries: Iterable[str]) -> str:
    """Return an index in square brackets, less the slices at its end that go without saying."""
    parts = list(entries)
    while parts and parts[-1] == ":":
        parts.pop()
    return f"[{', '.join(parts)}]" if parts else ""
