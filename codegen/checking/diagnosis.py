"""What is wrong with a gradient: mistakes that people make, done to the right gradient and held against the wrong one.

A mistake is named only if it explains the gradient in every world in which it was seen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.axes import Diagnosis, contributions, diagnose_axes, diagnose_shape
from codegen.checking.evidence import Evidence, explained
from codegen.checking.observing import DIAGONAL, PULLED
from codegen.checking.repairs import backward_function, forward_function

Array = NDArray[Any]
Predict = Callable[[Evidence], Array | None]
#: Numbers that a gradient is multiplied by by mistake.
NUMBERS = ((2.0, "2"), (0.5, "1/2"), (4.0, "4"), (0.25, "1/4"), (3.0, "3"), (1 / 3, "1/3"))
#: How exactly a factor has to be the same in every entry.
SAME = 1e-5


def diagnose(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """Return the simplest mistake that explains a gradient in every world; None where there is none."""
    for look in (
        diagnose_shape,
        _sign,
        _repeated,
        _ignored,
        _factor,
        _transposed,
        _diagonal,
        _mask,
        _passed_through,
        diagnose_axes,
        _summed,
        _entries,
    ):
        with np.errstate(all="ignore"):
            found = look(evidence)
        if found is not None:
            return found
    return None


# -- the whole gradient -----------------------------------------------------------------------------------------------


def _sign(evidence: Sequence[Evidence]) -> Diagnosis | None:
    if explained(evidence, lambda e: -e.truth):
        return Diagnosis("sign", "the sign is wrong: it is -1 times the right gradient")
    return None


def _ignored(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """A gradient that is the same for every upstream gradient, or not in proportion to it."""
    pulled = [each for each in evidence if each.reduction == PULLED and each.other is not None]
    if len(pulled) < len(evidence) or not pulled:
        return None

    def is_same(e: Evidence) -> bool:
        other = e.other[0] if e.other is not None else e.found
        return (
            other.shape == e.found.shape and np.allclose(e.found, other, rtol=1e-9, atol=1e-12) and bool(e.found.any())
        )

    if all(is_same(each) for each in pulled):
        if explained(evidence, lambda e: (np.ones(len(e.matrix)) @ e.matrix).reshape(e.shape)):
            return Diagnosis(
                "upstream-ignored", "the upstream gradient is ignored: it is the gradient of the sum of the outputs"
            )
        return Diagnosis("upstream-ignored", "the upstream gradient is ignored: another one gives the same gradient")
    for power, words in ((2, "squared"), (-1, "divided by")):
        if explained(evidence, lambda e, power=power: (e.weights**power @ e.matrix).reshape(e.shape)):
            return Diagnosis("factor", f"the upstream gradient is {words} where it is multiplied by")
    return None


def _repeated(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """Right in the rows of ids that occur once, wrong in those of ids that occur several times."""
    seen = 0
    for e in evidence:
        ids = [each for each in e.observation.case.arguments.values() if _is_ids(each)]
        if not ids or e.found.shape != e.truth.shape or e.found.ndim < 2:
            return None
        counts = np.bincount(ids[0].reshape(-1), minlength=len(e.truth))
        if len(counts) != len(e.truth):
            return None
        rows = np.array([np.allclose(f, t, rtol=1e-6, atol=1e-9) for f, t in zip(e.found, e.truth, strict=True)])
        if not rows[counts < 2].all():
            return None
        seen += int((~rows[counts > 1]).sum())
    if not seen:
        return None
    return Diagnosis(
        "repeated-ids", "of an id that occurs several times not every occurrence counts; np.add.at adds them all up"
    )


def _is_ids(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def _factor(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """A constant factor, or one that is made of sizes."""
    ratios = [_ratio(each) for each in evidence]
    if any(ratio is None for ratio in ratios):
        return None
    numbers = [float(ratio) for ratio in ratios if ratio is not None]
    parameter = evidence[0].name in evidence[0].observation.case.parameters
    loss = all(each.size == 1 for each in evidence[0].observation.outputs)
    for text, is_size, values in _constants(evidence):
        if np.allclose(numbers, values, rtol=SAME, atol=0):
            if values[0] == -1.0:
                return Diagnosis("sign", "the sign is wrong: it is -1 times the right gradient")
            spread = parameter and text.startswith("1/") and all(contributions(each) is not None for each in evidence)
            kind = "reduction" if is_size and not loss and spread else "factor"
            return Diagnosis(kind, f"it is {text} times the right gradient{_remedy(text, is_size, loss)}")
    if np.allclose(numbers, numbers[0], rtol=SAME, atol=0):
        return Diagnosis("factor", f"it is {numbers[0]:.6g} times the right gradient")
    shown = ", ".join(f"{number:.6g}" for number in numbers)
    return Diagnosis(
        "factor", f"it is a number times the right gradient, and which one depends on the sizes or values: {shown}"
    )


def _remedy(text: str, is_size: bool, loss: bool) -> str:
    if not is_size:
        return ""
    if text.startswith("1/"):
        return "; it is divided by a size that the forward pass does not divide by" if not loss else ""
    return f"; the division by {text} is missing" if loss else ""


def _ratio(e: Evidence) -> float | None:
    if e.found.shape != e.truth.shape or not np.isfinite(e.found).all():
        return None
    known = np.isfinite(e.bound)
    square = float((e.truth[known] ** 2).sum())
    if not square:
        return None
    ratio = float((e.found[known] * e.truth[known]).sum() / square)
    return ratio if ratio and abs(ratio) > 1e-9 and e.agrees(ratio * e.truth) else None


def _constants(evidence: Sequence[Evidence]) -> Iterator[tuple[str, bool, list[float]]]:
    """Factors with their names and their values in each world."""
    count = len(evidence)
    yield "-1", False, [-1.0] * count
    for number, text in NUMBERS:
        yield text, False, [number] * count
        yield f"-{text}", False, [-number] * count
    for text, sizes in _sizes(evidence):
        yield text, True, sizes
        yield f"1/({text})" if " " in text else f"1/{text}", True, [1 / size for size in sizes]
        for number, words in ((2.0, "2"), (0.5, "1/2"), (-1.0, "-1")):
            yield f"{words} times {text}", True, [number * size for size in sizes]
            yield f"{words} over {text}", True, [number / size for size in sizes]
    for name, value in _global_numbers(evidence[0]).items():
        for words, sizes in (("1", [1.0] * count), *_sizes(evidence)):
            yield f"{words} over the global {name}", False, [size / value for size in sizes]
            yield f"the global {name} over {words}", False, [value / size for size in sizes]
    for name in sorted(set.intersection(*(set(_numbers(each)) for each in evidence))):
        values = [_numbers(each)[name] for each in evidence]
        for text, changed in ((name, values), (f"1 - {name}", [1 - value for value in values])):
            if all(changed) and set(changed) != {1.0}:
                yield text, False, changed
                yield f"1/({text})", False, [1 / each for each in changed]


def _global_numbers(e: Evidence) -> dict[str, float]:
    """Numbers outside of the passes that they use, such as a size of batches."""
    subject, found = e.observation.case.subject, {}
    for function in (backward_function(subject), forward_function(subject)):
        known, code = getattr(function, "__globals__", {}), getattr(function, "__code__", None)
        for name in code.co_names if code is not None else ():
            if isinstance(known.get(name), int | float) and not isinstance(known[name], bool) and known[name]:
                found[name] = float(known[name])
    return found


def _numbers(e: Evidence) -> dict[str, float]:
    case = e.observation.case
    passed = {k: float(v) for k, v in case.arguments.items() if isinstance(v, float | int) and not isinstance(v, bool)}
    return {**case.subject.settings(case.thing), **passed}


def _sizes(evidence: Sequence[Evidence]) -> Iterator[tuple[str, list[float]]]:
    """Sizes of axes of the arrays, and products of two, by what they are."""
    single: dict[str, list[float]] = {}
    names = [
        n for n, value in evidence[0].observation.case.values.items() if isinstance(value, np.ndarray) and value.ndim
    ]
    first = next(iter(names), "")
    for name in [first, *(n for n in names if n != first)]:
        arrays = [each.observation.case.values.get(name) for each in evidence]
        if any(not isinstance(each, np.ndarray) for each in arrays):
            continue
        for axis in range(min(each.ndim for each in arrays if each is not None)):
            values = [float(each.shape[axis]) for each in arrays if each is not None]
            if values not in single.values() and set(values) != {1.0}:
                words = "the number of samples" if name == first and axis == 0 else f"the size of axis {axis} of {name}"
                single[words] = values
    for axis in range(min(len(each.output_shape) for each in evidence)):
        values = [float(each.output_shape[axis]) for each in evidence]
        if values not in single.values() and set(values) != {1.0}:
            single[f"the size of axis {axis} of the output"] = values
    yield from single.items()
    for (left, first_values), (right, second_values) in itertools.combinations(single.items(), 2):
        yield f"{left} times {right}", [a * b for a, b in zip(first_values, second_values, strict=True)]
    for parts in itertools.combinations(single.items(), 3):
        products = [math.prod(each) for each in zip(*(values for _, values in parts), strict=True)]
        yield " times ".join(words for words, _ in parts), products
    for words, values in single.items():
        yield f"the square root of {words}", [value**0.5 for value in values]
    for (left, first_values), (right, second_values) in itertools.permutations(single.items(), 2):
        yield f"{left} over {right}", [a / b for a, b in zip(first_values, second_values, strict=True)]


def _transposed(evidence: Sequence[Evidence]) -> Diagnosis | None:
    for axes in itertools.combinations(range(min(each.truth.ndim for each in evidence)), 2):
        if explained(evidence, lambda e, axes=axes: np.swapaxes(e.truth, *axes)):
            return Diagnosis("transpose", f"its axes {axes[0]} and {axes[1]} are exchanged")
    return None


def _square(e: Evidence) -> bool:
    return e.matrix.shape[0] == e.matrix.shape[1]


def _diagonal(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """The diagonal of the Jacobian, where the Jacobian has more."""
    if not all(_square(each) for each in evidence):
        return None
    if all(np.allclose(each.matrix, np.diag(np.diagonal(each.matrix)), atol=1e-7) for each in evidence):
        return None
    if explained(evidence, lambda e: (e.weights * np.diagonal(e.matrix)).reshape(e.shape)) or (
        evidence[0].reduction == DIAGONAL and all(not each.is_wrong for each in evidence)
    ):
        return Diagnosis(
            "diagonal", "it is the upstream gradient times the diagonal of the Jacobian; the other entries are not 0"
        )
    if explained(evidence, lambda e: ((e.matrix - np.diag(np.diagonal(e.matrix))).T @ e.weights).reshape(e.shape)):
        return Diagnosis("diagonal", "the diagonal of the Jacobian is missing")
    if explained(evidence, lambda e: (e.matrix @ e.weights).reshape(e.shape)):
        return Diagnosis(
            "transpose", "it is the Jacobian times the upstream gradient, where the transposed one is right"
        )
    return None


def _mask(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """Right where it flows, and not 0 where nothing flows."""

    def open_where(e: Evidence) -> Array:
        return np.abs(e.truth) > 1e-9 + 8 * np.where(np.isfinite(e.bound), e.bound, 0)

    seen = [each for each in evidence if each.found.shape == each.truth.shape and (~open_where(each)).any()]
    if not seen:
        return None
    shaped = all(each.found.shape == each.truth.shape for each in evidence)
    if shaped and any(open_where(each).any() for each in evidence):
        if explained(evidence, lambda e: np.where(open_where(e), e.truth, e.found)) and any(e.is_wrong for e in seen):
            return Diagnosis(
                "missing-mask", "a mask is missing: it is not 0 where the forward pass lets nothing through"
            )
        square = all(_square(e) for e in evidence)
        if square and explained(evidence, lambda e: np.where(open_where(e), 0, e.weights.reshape(e.shape))):
            return Diagnosis("missing-mask", "the mask is the wrong way round")
    return None


def _passed_through(evidence: Sequence[Evidence]) -> Diagnosis | None:
    if not all(_square(each) for each in evidence):
        return None
    if explained(evidence, lambda e: e.weights.reshape(e.shape)):
        if any(_is_masked(each) for each in evidence):
            return Diagnosis("missing-mask", "the upstream gradient is passed on everywhere: the mask is missing")
        return Diagnosis(
            "missing-term", "the upstream gradient is passed on as it is: the function's derivative is missing"
        )
    if explained(evidence, lambda e: np.divide(e.weights.reshape(e.shape), e.truth / e.weights.reshape(e.shape))):
        return Diagnosis("factor", "it is divided by the function's derivative, where it is multiplied by it")
    return None


def _is_masked(e: Evidence) -> bool:
    """Whether the right gradient is 0, or what is passed on, in some entries and not in others."""
    truth, passed = e.truth.reshape(-1), e.weights
    nothing, same = np.isclose(truth, 0, atol=1e-8), np.isclose(truth, passed, rtol=1e-6)
    return bool(nothing.any() or same.any()) and not bool((nothing | same).all() and not nothing.any())


def _summed(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """Every entry holds the sum of all; of a batch, only one sample counts."""
    if explained(evidence, lambda e: np.broadcast_to(e.truth.sum(), e.found.shape)):
        return Diagnosis("axis", "every entry is the sum of all entries of the right gradient")
    for axis in range(min(each.truth.ndim for each in evidence)):
        for reduce, words in ((np.sum, "sum"), (np.mean, "mean")):

            def predict(e: Evidence, axis: int = axis, reduce: Any = reduce) -> Array:
                return np.broadcast_to(reduce(e.truth, axis=axis, keepdims=True), e.truth.shape)

            if explained(evidence, predict):
                return Diagnosis("axis", f"it is the {words} over axis {axis} of the right gradient")
    return None


def _entries(evidence: Sequence[Evidence]) -> Diagnosis | None:
    """What one sample, or the first output alone, contributes."""
    for place, words in ((0, "first"), (-1, "last")):

        def predict(e: Evidence, place: int = place) -> Array | None:
            if not e.has_one_output or not e.output_shape or e.output_shape[0] < 2:
                return None
            kept = np.zeros(e.output_shape)
            kept[place] = 1
            return ((e.weights * kept.reshape(-1)) @ e.matrix).reshape(e.shape)

        if explained(evidence, predict):
            return Diagnosis("missing-sum", f"only the {words} sample counts: the sum over the samples is missing")
    return None
