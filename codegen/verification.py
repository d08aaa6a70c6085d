"""Generated code against numbers: central differences, the separate backward pass, layers written by hand, and time."""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from codegen.layer_kinds import summed_sizes
from codegen.targets import backward, forward
from codegen.whole_numbers import default_numbers
from derive.catalogue import parse_fact
from derive.errors import InputError
from derive.indices import Element, Tensor
from derive.operation import Operation
from derive.printing import definition_text
from derive.pullback import pull_back
from derive.record import Record
from derive.sums import tensors_in

Array = NDArray[Any]

#: Relative error allowed of a central difference with this step, in float64.
STEP, TOLERANCE = 1e-6, 1e-6
#: Relative difference allowed between two ways to compute the same in float64.
EXACT = 1e-11
#: Where inputs are drawn from: the usual interval, then intervals in which more is defined.
USUAL, POSITIVE = (-2.0, 2.0), ((0.1, 2.0), (0.1, 0.9), (1.1, 3.0))
#: Leading axes, where there may be any number.
SEVERAL = (2, 3)
#: How often inputs are drawn from an interval before the next one is tried.
DRAWS = 5
#: How many of the labels are 0, as most are in one-hot rows.
LABELS_ABSENT = 0.3
#: The sizes timed: the notebooks' 3 by 3, and one where arithmetic counts.
TIMED_SIZES = (3, 300)
#: The most numbers an array may have that is timed.
LARGEST_TIMED = 100_000


@dataclass(frozen=True)
class Comparison:
    """A line of the report: what was compared, the largest difference, what is allowed of it, and at what sizes."""

    what: str
    difference: float
    allowed: float
    sizes: str

    @property
    def holds(self) -> bool:
        """Whether the difference is a number and small enough."""
        return bool(self.difference <= self.allowed)


@dataclass(frozen=True)
class Numbers:
    """The numeric half of a verification."""

    comparisons: tuple[Comparison, ...]
    ratios: tuple[tuple[str, float], ...]

    @property
    def holds(self) -> bool:
        """Whether every comparison does."""
        return all(comparison.holds for comparison in self.comparisons)


def compare_numbers(operation: Operation, seed: int = 0) -> Numbers:
    """Hold an operation's generated backward pass against everything that can tell it wrong, and time it.

    Example:
        >>> from derive import find
        >>> compare_numbers(find("softmax-cce")).holds
        True
    """
    with np.errstate(all="ignore"):  # What is not finite is told by the comparison.
        return _compared(operation, np.random.default_rng(seed))


def _compared(operation: Operation, generator: np.random.Generator) -> Numbers:
    inputs = draw_defined(operation, generator)
    fused = backward(operation)
    output, saved = forward(operation).with_saved(*inputs)
    upstream = draw_upstream(operation, output, generator)
    gradients = fused(*upstream, **saved)
    difference = _against_differences(operation, inputs, upstream, gradients)
    comparisons = [Comparison("central differences", difference, TOLERANCE, shown_sizes(operation, inputs))]
    ratios = []
    if len(pull_back(operation).definitions) < len(pull_back(operation, fuse=False).definitions):
        for extent in timed_sizes(operation):
            comparison, ratio = _against_separate(operation, draw_inputs(operation, generator, extent), generator)
            comparisons.append(comparison)
            ratios.append(ratio)
    by_hand = _against_handwritten(operation, generator)
    return Numbers((*comparisons, *by_hand), tuple(ratios))


def timed_sizes(operation: Operation) -> tuple[int, ...]:
    """The sizes to time at, so that no array is larger than is good for a quick look."""
    rank = max(len(tensor.sizes) for tensor in (*operation.inputs, *(d.tensor for d in operation.definitions)))
    if rank == 0:
        return TIMED_SIZES[:1]
    return tuple(dict.fromkeys(min(extent, int(LARGEST_TIMED ** (1 / rank))) for extent in TIMED_SIZES))


def shown_sizes(operation: Operation, inputs: Sequence[Array]) -> str:
    """Return the sizes of arrays as a text such as ``N = 2 x 3, K = 5``; empty where all are single numbers."""
    found: dict[Symbol, str] = {}
    for tensor, array in zip(operation.inputs, inputs, strict=True):
        shape = np.shape(array)
        for place, size in enumerate(tensor.sizes):
            several = shape[: len(shape) - len(tensor.sizes) + 1] if place == 0 else (shape[place - len(tensor.sizes)],)
            found.setdefault(size, " x ".join(map(str, several)))
    return ", ".join(f"{size} = {extent}" for size, extent in found.items() if size.is_Symbol)


def draw_defined(operation: Operation, generator: np.random.Generator) -> list[Array]:
    """Draw inputs at which the output is finite: from the record's intervals, or else from numbers above 0."""
    for interval in (USUAL, *POSITIVE):
        for _ in range(DRAWS):
            inputs = draw_inputs(operation, generator, 0, interval, SEVERAL)
            with np.errstate(all="ignore"):
                outputs = outputs_of(operation, forward(operation)(*inputs))
            if all(np.all(np.isfinite(output)) for output in outputs):
                return inputs
    raise InputError(f"no inputs were found at which {operation.name} is finite, so its code was not run")


def outputs_of(operation: Operation, output: Any) -> tuple[Any, ...]:
    """Return what a forward pass returns as a tuple, of a single output too."""
    return output if len(operation.outputs) > 1 else (output,)


def draw_upstream(operation: Operation, output: Any, generator: np.random.Generator) -> list[Array]:
    """Draw an upstream gradient for each output."""
    return [np.asarray(generator.standard_normal(np.shape(each))) for each in outputs_of(operation, output)]


def draw_inputs(
    operation: Operation,
    generator: np.random.Generator,
    extent: int,
    interval: tuple[float, float] = USUAL,
    leading: tuple[int, ...] | None = None,
) -> list[Array]:
    """Draw inputs; all sizes are ``extent``, or distinct primes where it is 0; leading axes may be said."""
    sizes = draw_sizes(operation, extent)
    inputs: list[Array] = []
    for tensor in operation.inputs:
        shape = tuple(int(size.xreplace(sizes)) for size in tensor.sizes)
        if leading is not None and operation.leads(tensor):
            shape = (*leading, *shape[1:])
        if tensor in operation.settings and tensor.name not in operation.record.domain:
            inputs.append(np.array(float(operation.record.defaults[tensor.name])))
        elif tensor.values is not None:
            inputs.append(generator.integers(0, int(tensor.values.xreplace(sizes)), shape))
        else:
            low, high = operation.record.domain.get(tensor.name, interval)
            values = generator.uniform(low, high, shape)
            if tensor in operation.labels and tensor not in operation.settings and low <= 0:
                values[generator.random(shape) < LABELS_ABSENT] = 0.0
            if extent and operation.record.learned.get(tensor.name) == "normal":
                # As large as they start: many terms summed would saturate an exponential.
                values /= math.sqrt(math.prod(int(size.xreplace(sizes)) for size in summed_sizes(operation, tensor)))
            inputs.append(values)
    return inputs


def draw_sizes(operation: Operation, all_of: int) -> dict[Symbol, int]:
    """Return sizes, all of them ``all_of`` or distinct primes where it is 0, such that windows fit into their axes."""
    primes = (5, 3, 7, 2, 11, 13)
    sizes = {symbol: all_of or primes[place % len(primes)] for place, symbol in enumerate(operation.sizes)}
    numbers = default_numbers(operation)
    known: dict[Symbol, Any] = {symbol: int(numbers.get(symbol.name, 2)) for symbol in operation.parameters}
    given = {size for tensor in operation.inputs for size in tensor.sizes}
    lie_on = [size for size in sizes if size in given and any(e.span.coeff(size) == 1 for e in operation.extents)]
    while not _follow(operation, sizes, known):
        for size in lie_on:
            sizes[size] += 1
    return sizes


def _follow(operation: Operation, sizes: dict[Symbol, int], known: Mapping[Symbol, Any]) -> bool:
    """Put in the sizes that follow from others; whether windows fit into all of their axes."""
    for extent in operation.extents:
        span = int(extent.span.xreplace({**sizes, **known}))
        if span < 0:
            return False
        sizes[extent.size] = span // int(extent.step.xreplace(dict(known))) + 1
    return True


def _against_differences(
    operation: Operation, inputs: Sequence[Array], upstream: Sequence[Array], gradients: Sequence[Array]
) -> float:
    """The largest difference from central differences of the generated forward pass, relative to the gradient."""
    run = forward(operation)
    worst = []
    for tensor, gradient in zip(operation.differentiable, gradients, strict=True):
        place = operation.inputs.index(tensor)
        numeric = np.zeros(np.shape(inputs[place]))
        for where in np.ndindex(numeric.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = list(inputs)
                moved[place] = np.array(inputs[place])
                moved[place][where] += step
                outputs = outputs_of(operation, run(*moved))
                sides.append(sum(np.sum(each * u) for each, u in zip(outputs, upstream, strict=True)))
            numeric[where] = (sides[0] - sides[1]) / (2 * STEP)
        worst.append(largest_difference([gradient], [numeric]))
    return float(np.max(worst))


def _against_separate(
    operation: Operation, inputs: Sequence[Array], generator: np.random.Generator
) -> tuple[Comparison, tuple[str, float]]:
    """The combined backward pass against those of the definitions, one after the other, in values and in time."""
    known = known_values(operation, inputs)
    upstream = [generator.standard_normal(np.shape(known[output.tensor])) for output in operation.outputs]
    upstream = [np.asarray(each) for each in upstream]
    combined = backward(operation)
    named = {tensor.name: array for tensor, array in known.items()}
    fitted = combined.fit([*upstream, *(named[name] for name in combined.saved)])
    separate = separate_passes(operation)
    first, second = combined.run(fitted), separate(known, upstream)
    difference = largest_difference(first, second)
    size = " x ".join(str(extent) for extent in np.shape(inputs[0])) or "a single number"
    ratio = time_ratio(lambda: separate(known, upstream), lambda: combined.run(fitted))
    what = "the definitions' own backward passes in turn"
    return Comparison(what, difference, EXACT, shown_sizes(operation, inputs)), (size, ratio)


def largest_difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """Return the largest difference beside the largest number, NaN if one is; of nothing it is 0."""
    worst = [0.0]
    for first, second in zip(ours, theirs, strict=True):
        scale = 1 + np.max(np.abs(second), initial=0.0)
        worst.append(float(np.max(np.abs(first - second), initial=0.0) / scale))
    return float(np.max(worst))


def known_values(operation: Operation, inputs: Sequence[Array]) -> dict[Tensor, Array]:
    """The inputs and every forward value, each definition computed by its own function."""
    known: dict[Tensor, Array] = dict(zip(operation.inputs, inputs, strict=True))
    for definition, part in zip(operation.definitions, parts(operation), strict=True):
        known[definition.tensor] = np.asarray(forward(part)(*(known[tensor] for tensor in part.inputs)))
    return known


def parts(operation: Operation) -> list[Operation]:
    """The operation's definitions, each as an operation of its own."""
    labels = {tensor.name for tensor in operation.labels}
    found = []
    for definition in operation.definitions:
        inputs = tuple(sorted(tensors_in(definition.body), key=lambda tensor: tensor.name))
        record = Record(
            name=definition.tensor.name,
            definition=definition_text(definition.body),
            labels=tuple(tensor.name for tensor in inputs if tensor.name in labels),
            absent={p: t for p, t in operation.record.absent.items() if {p, t} <= {i.name for i in inputs}},
        )
        found.append(Operation((definition,), inputs, record, leading=operation.leading))
    return found


def separate_passes(operation: Operation) -> Callable[[Mapping[Tensor, Array], Sequence[Array]], tuple[Array, ...]]:
    """Return the backward pass that calls one function a definition, the last definition first."""
    passes = [(part, backward(part)) for part in reversed(parts(operation)) if part.differentiable]

    def run(known: Mapping[Tensor, Array], upstream: Sequence[Array]) -> tuple[Array, ...]:
        gradients: dict[Tensor, Array] = dict(zip((each.tensor for each in operation.outputs), upstream, strict=True))
        values = {tensor.name: array for tensor, array in known.items()}
        for part, pass_back in passes:
            arrays = (gradients[part.output.tensor], *(values[name] for name in pass_back.saved))
            for tensor, gradient in zip(part.differentiable, pass_back.run(arrays), strict=True):
                gradients[tensor] = gradients[tensor] + gradient if tensor in gradients else gradient
        return tuple(gradients[tensor] for tensor in operation.differentiable)

    return run


def time_ratio(slow: Callable[[], Any], fast: Callable[[], Any], rounds: int = 7, seconds: float = 0.002) -> float:
    """Return the time of one over the time of the other: the median of ratios taken in alternation."""
    ratios = []
    calls = max(1, int(seconds / max(_time(fast, 3), 1e-7)))
    for _ in range(rounds):
        ratios.append(_time(slow, calls) / _time(fast, calls))
    return float(np.median(ratios))


def _time(call: Callable[[], Any], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def _against_handwritten(operation: Operation, generator: np.random.Generator) -> list[Comparison]:
    """The layers written by hand that the tests use, where the tests are at hand: in a clone."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "tests" / "handwritten" / "by_operation.py").is_file():
        return []
    written = _import_from(root, "tests.handwritten.by_operation").GRADIENTS.get(operation.name)
    if written is None:
        return []
    inputs = satisfy_facts(operation, draw_inputs(operation, generator, 0))
    output, saved = forward(operation).with_saved(*inputs)
    upstream = draw_upstream(operation, output, generator)
    ours, theirs = backward(operation)(*upstream, **saved), written(inputs, *upstream)
    difference = largest_difference(ours, theirs)
    return [Comparison("the layer written by hand", difference, EXACT, shown_sizes(operation, inputs))]


def _import_from(root: Path, name: str) -> Any:
    sys.path.insert(0, str(root))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(root))


def satisfy_facts(operation: Operation, inputs: Sequence[Array]) -> list[Array]:
    """Scale the inputs so that the facts hold that say what a tensor's sum over an axis is."""
    scaled = list(inputs)
    for text in operation.record.facts:
        fact = parse_fact(text, operation)
        if isinstance(fact.left.body, Element) and fact.right.is_number:
            place = operation.inputs.index(fact.left.body.tensor)
            axes = tuple(axis for axis, index in enumerate(fact.left.body.indices) if index in fact.left.bound)
            scaled[place] = scaled[place] * float(fact.right) / scaled[place].sum(axis=axes, keepdims=True)
    return scaled
