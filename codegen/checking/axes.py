"""Sums over axes that are missing or others, and gradients of another shape than what they are gradients of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codegen.checking.evidence import Evidence, explained

Array = NDArray[Any]


class Diagnosis(NamedTuple):
    """A kind, and words."""

    kind: str
    message: str
    certain: bool = True


def diagnose_shape(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """A gradient of another shape: turned, not summed, summed over another axis, or with axes of size 1."""
    if not any(each.found.shape != each.truth.shape for each in evidence):
        return None
    first = next(each for each in evidence if each.found.shape != each.truth.shape)
    told = f"it has the shape {_shown(first.found.shape)}, and what it is the gradient of {_shown(first.shape)}"
    if all(each.found.size == each.truth.size for each in evidence):
        if explained(evidence, lambda e: e.truth.T if e.truth.T.shape == e.found.shape else None):
            return Diagnosis("transpose", f"it is transposed: {told}")
        if explained(evidence, lambda e: e.truth.reshape(e.found.shape)):
            return Diagnosis("shape", f"its values are right, but {told}")
    found = diagnose_axes(evidence)
    if found is not None:
        return Diagnosis(found.kind, f"{found.message}; {told}")
    for each in evidence:
        if each.found.ndim < each.truth.ndim and each.found.size < each.truth.size:
            for axes in _subsets(each.truth.ndim):
                if explained(evidence, lambda e, axes=axes: _reduced(e.truth, axes, np.sum, e.found.shape)):
                    return Diagnosis("axis", f"it is summed over {_axes_words(axes)}, which it must not be; {told}")
                if explained(evidence, lambda e, axes=axes: _reduced(e.truth, axes, np.mean, e.found.shape)):
                    if all(_is_constant(e.truth, axes) for e in evidence):
                        what = f"it is not spread over {_axes_words(axes)}, along which every entry is the same"
                        return Diagnosis("shape", f"{what}; {told}")
                    return Diagnosis("axis", f"it is averaged over {_axes_words(axes)}, which it must not be; {told}")
    return Diagnosis("shape", told, certain=False)


def _reduced(array: Array, axes: tuple[int, ...], reduce: Any, shape: tuple[int, ...]) -> Array | None:
    if max(axes, default=0) >= array.ndim:
        return None
    reduced = np.asarray(reduce(array, axis=axes)) if axes else array
    return reduced.reshape(shape) if reduced.size == math.prod(shape) else None


def _is_constant(array: Array, axes: tuple[int, ...]) -> bool:
    """Whether an array is the same all along some of its axes."""
    return bool(np.allclose(array, array.mean(axis=axes, keepdims=True), rtol=1e-6, atol=1e-9))


def _subsets(rank: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, rank + 1):
        yield from itertools.combinations(range(rank), count)


def contributions(e: Evidence) -> Array | None:
    """What each entry of the output contributes to the gradient of what was broadcast; None where nothing was."""
    if not e.has_one_output or (np.abs(e.matrix) > 1e-9).sum(axis=1).max(initial=0) > 1:
        return None
    return np.asarray((e.weights[:, None] * e.matrix).sum(axis=1).reshape(e.output_shape))


def diagnose_axes(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """A sum over an axis that is missing, is another one, or is a mean."""
    found = [contributions(each) for each in evidence]
    parts = [each for each in found if each is not None and each.ndim]
    if len(parts) < len(found):
        return None
    by_id = {id(e): c for e, c in zip(evidence, parts, strict=True)}
    rank = min(each.ndim for each in parts)
    right = next(
        (
            axes
            for axes in ((), *_subsets(rank))
            if all(_fits(_reduced(by_id[id(e)], axes, np.sum, e.shape), e.truth, e.bound) for e in evidence)
        ),
        None,
    )
    if right is None:
        return None
    for axes in ((), *_subsets(rank)):
        for reduce in (np.sum, np.mean):
            if axes == right and reduce is np.sum:
                continue

            def predict(e: Evidence, axes: tuple[int, ...] = axes, reduce: Any = reduce) -> Array | None:
                own = by_id[id(e)]
                return None if own is None else _reduced(own, axes, reduce, e.found.shape)

            if explained(evidence, predict):
                return _axes_diagnosis(axes, right, reduce is np.mean and bool(axes))
    return None


def _axes_diagnosis(axes: tuple[int, ...], right: tuple[int, ...], is_mean: bool) -> Diagnosis:
    wanted = _axes_words(right) if right else "no axis"
    if set(axes) < set(right):
        what = f"the sum over {_axes_words(tuple(sorted(set(right) - set(axes))))} is missing"
        return Diagnosis("missing-sum", f"{what}; it was broadcast along it in the forward pass")
    if axes == right and is_mean:
        return Diagnosis("reduction", f"it is a mean over {wanted} where the sum is right")
    kind = "axis" if len(axes) == len(right) else "reduction"
    return Diagnosis(
        kind, f"it is {'averaged' if is_mean else 'summed'} over {_axes_words(axes)} where {wanted} is right"
    )


def _fits(predicted: Array | None, truth: Array, bound: Array) -> bool:
    return predicted is not None and bool(np.allclose(predicted, truth, rtol=1e-6, atol=1e-8 + 8 * _largest(bound)))


def _largest(bound: Array) -> float:
    return float(np.max(bound[np.isfinite(bound)], initial=0.0))


def _axes_words(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
