"""How an array is brought under another in NumPy: ``.T``, ``[:, None]``, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Symbol

from codegen.leading import leads
from codegen.ops import Labels
from codegen.passes import Axes, broadcasts


def align_text(axes: Axes, target: Axes, *, all_axes: bool = False, any_rank: Symbol | None = None) -> str:
    """Return what follows an array of these axes so that it broadcasts to the target.

    Args:
        axes, target: those of the array, and those that it is brought under.
        all_axes: whether it must have every axis of the target, the first ones too.
        any_rank: the size of a first axis that stands for any number of axes.

    Example:
        >>> from derive.indices import Index, size
        >>> n, k, j = (Index(letter, size(letter.upper())) for letter in "nkj")
        >>> align_text((n,), (n, k)), align_text((k, n), (n, k)), align_text((n, k), (n, j, k))
        ('[:, None]', '.T', '[:, None]')
        >>> align_text((n, None), (n,)), align_text((k,), (n, k))
        ('[:, 0]', '')
        >>> align_text((n,), (n, k), any_rank=n.size), align_text((n, k), (n, j, k), any_rank=n.size)
        ('[..., None]', '[..., None, :]')
    """
    is_any = leads(axes, any_rank)
    if broadcasts(axes, target) and not (all_axes and len(axes) < len(target)):
        return ""
    squeezed = subscript((":" if axis is not None else "0" for axis in axes), is_any) if None in axes else ""
    labels = tuple(axis for axis in axes if axis is not None)
    wanted = tuple(axis for axis in target if axis is not None and axis in labels)
    wanted += tuple(label for label in labels if label not in wanted)
    present = [axis if axis in labels else None for axis in target]
    while present and present[0] is None and not all_axes:
        present.pop(0)
    inserted = subscript((":" if axis is not None else "None" for axis in present), is_any) if None in present else ""
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


def subscript(entries: Iterable[str], is_any: bool = False) -> str:
    """Return an index in square brackets, less the slices that go without saying.

    Where the first axis stands for any number of axes, ``...`` stands for it and for the slices after it.
    """
    parts = list(entries)
    if is_any:
        while parts and parts[0] == ":":
            parts.pop(0)
        return f"[{', '.join(['...', *parts])}]" if parts else ""
    while parts and parts[-1] == ":":
        parts.pop()
    return f"[{', '.join(parts)}]" if parts else ""
