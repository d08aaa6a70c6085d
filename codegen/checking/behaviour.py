"""What passes do beside computing: what they write to, what they need, and whether a second pass gives the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import Case
from codegen.checking.gathering import Gathered, Given, gather, held
from codegen.checking.observing import Pass, copies, run_pass
from codegen.checking.plans import OUTPUT_FILL, OWN_FILL, UPSTREAM_FILL, VALUE_FILL, Plan, step_rate
from codegen.checking.readings import first_line
from codegen.checking.report import Finding
from codegen.checking.state import Path, arrays_in, can_put, path_text, put
from codegen.checking.subjects import Outcome

Array = NDArray[Any]
MUTATIONS = {UPSTREAM_FILL: "mutates-upstream", VALUE_FILL: "mutates-input"}
GLOBALS = re.compile(r"'(batch_?size|n_?samples|num_?samples|n_?batch|m|n|samples)'", re.I)
RESETS = re.compile(r"zero|reset|clear|init_grad|clean", re.I)


def mutations(case: Case, plan: Plan, upstream: list[Any]) -> Iterator[Finding]:
    """Yield what the passes write to that is not theirs."""
    passed = case.passed()
    kept = {name: np.array(value) for name, value in passed.items() if isinstance(value, np.ndarray)}
    thing = case.fresh()
    case.subject.replay.start()
    outcome = case.subject.run(thing, passed)
    written = [name for name, old in kept.items() if not _same(passed[name], old)]
    for name in written:
        yield Finding("", "mutates-input", f"the forward pass writes to its argument {name}")
    outputs = [np.array(each) for each in outcome.outputs]
    before = held(outcome.holder)
    arguments = plan.arguments(case, outcome, copies(upstream))
    originals = {name: np.array(value) for name, value in arguments.items() if isinstance(value, np.ndarray)}
    returned = case.subject.pull(outcome, arguments)
    fills = dict(plan.fills)
    for name, old in originals.items():
        if not _same(arguments[name], old):
            kind = MUTATIONS.get(fills[name].kind, "mutates-cache")
            what = "the upstream gradient" if fills[name].kind == UPSTREAM_FILL else "what it is given as"
            yield Finding("", kind, f"the backward pass writes to {what} {name}; copy it first: {name}.copy()")
    for name, old in kept.items():
        if name not in written and not _same(passed[name], old):
            yield Finding(
                "", "mutates-input", f"the backward pass writes to {name}, which was passed to the forward pass"
            )
    if any(not _same(new, old) for new, old in zip(outcome.outputs, outputs, strict=True)):
        yield Finding("", "mutates-cache", "the backward pass writes to what the forward pass returned")
    else:
        for path in _changed(case, plan, outcome.holder, before, returned):
            yield Finding(
                "", "mutates-cache", f"the backward pass writes to {path_text(path)}, which the forward pass stored"
            )


def _changed(
    case: Case, plan: Plan, holder: Any, before: Mapping[Path, tuple[int, Array]], returned: Any
) -> list[Path]:
    """Stored arrays that a backward pass wrote to, without gradients and without parameters that it updates."""
    if holder is None:
        return []
    parameters = {path for paths in case.paths.values() for path in paths} if step_rate(case, plan) else set()
    gathered = gather(case, plan, Outcome([], holder=holder), before, None)
    gradient = {given.label for given in gathered.gradients.values()}
    return [
        path
        for path, array in arrays_in(holder)
        if path in before
        and before[path][0] == id(array)
        and not _same(array, before[path][1])
        and path not in parameters
        and path_text(path) not in gradient
    ]


def _twice(case: Case, plan: Plan, upstream: list[Any], emptied: frozenset[str]) -> tuple[Outcome, Pass, Pass]:
    """Run forward once and backward twice, with the same random numbers.

    Args:
        emptied: the labels of gradients that are set to 0 between the two.
    """
    outcome = case.forward()
    case.subject.replay.start()
    first = run_pass(case, plan, upstream, outcome)
    for path, array in list(arrays_in(outcome.holder)) if emptied else ():
        if path_text(path) in emptied and can_put(outcome.holder, path):
            put(outcome.holder, path, np.zeros_like(array))
    case.subject.replay.start()
    return outcome, first, run_pass(case, plan, upstream, outcome)


def _adds(case: Case, plan: Plan, upstream: list[Any], name: str, given: Given) -> bool:
    """Whether a second pass gives what the first gave once the first one's gradient is set to 0."""
    _, _, again = _twice(case, plan, upstream, frozenset({given.label}))
    now = again.gathered.gradients.get(name)
    if now is None or now.value.shape != given.value.shape:
        return False
    return np.allclose(now.value, given.value, rtol=1e-7, atol=1e-10)


def _stepped(first: Pass) -> bool:
    """Whether a backward pass updated parameters, so that a second one starts from others."""
    return any(given.label.startswith("the step of") for given in first.gathered.gradients.values())


def repeats(case: Case, plan: Plan, upstream: list[Any]) -> Iterator[Finding]:
    """Yield what a second backward pass after one forward pass does otherwise."""
    if plan.takes_rate:
        return
    outcome, first, second = _twice(case, plan, upstream, frozenset())
    if second.error is not None or first.error is not None or _stepped(first):
        return
    for name, given in first.gathered.gradients.items():
        now = second.gathered.gradients.get(name)
        if now is None and given.kept:
            held_now = dict(arrays_in(outcome.holder))
            same = [array for path, array in held_now.items() if path_text(path) == given.label]
            if not same or _same(same[0], given.value):
                continue
            value = same[0]
        elif now is None:
            continue
        else:
            value = now.value
        if value.shape == given.value.shape and np.allclose(value, given.value, rtol=1e-9, atol=1e-12, equal_nan=True):
            continue
        if given.kept and _adds(case, plan, upstream, name, given):
            resets = any(RESETS.search(name) for name in dir(outcome.holder) if not name.startswith("__"))
            yield Finding(
                given.label,
                "accumulates",
                "a second backward pass adds to the gradient of the first"
                + ("; a method resets it" if resets else ", and no method resets it"),
                convention=resets,
            )
        else:
            yield Finding(
                given.label,
                "mutates-cache",
                "a second backward pass after the same forward pass gives another gradient",
            )


def two_forwards(case: Case, other: Case, plan: Plan, upstream: list[Any], first: Gathered) -> Iterator[Finding]:
    """Yield what a second forward pass does to the first one's result or to the backward pass after it.

    Args:
        other: a case of the same shapes.
        first: the gradients of ``other`` after one forward pass.
    """
    thing = case.fresh()
    case.subject.replay.start()
    one = case.subject.run(thing, case.passed())
    outputs = [np.array(each) for each in one.outputs]
    case.subject.replay.start()
    two = case.subject.run(thing, other.passed())
    if any(not _same(new, old) for new, old in zip(one.outputs, outputs, strict=True)):
        yield Finding("", "mutates-cache", "a second forward pass writes to the result of the first")
        return
    if plan.takes_rate or any(fill.kind in (OUTPUT_FILL, OWN_FILL) for _, fill in plan.fills):
        return
    again = run_pass(other, plan, upstream, two)
    for name, given in first.gradients.items():
        now = again.gathered.gradients.get(name)
        if now is not None and not (
            now.value.shape == given.value.shape and np.allclose(now.value, given.value, rtol=1e-7)
        ):
            yield Finding(given.label, "mutates-cache", "after two forward passes the gradient is not the second one's")


def crash(case: Case, plan: Plan, error: Exception, runs_when_equal: bool) -> Finding:
    """Return what an exception of a backward pass says."""
    told = f"{type(error).__name__}: {first_line(str(error))}"
    name = case.subject.backward_name
    lacks = "'NoneType'" in str(error) or ("has no attribute" in str(error) and "module" not in str(error))
    if isinstance(error, AttributeError) and lacks and "numpy." not in str(error):
        return Finding("", "not-stored", f"{name} needs what the forward pass does not store: {told}")
    if isinstance(error, NameError):
        return Finding(
            "",
            "not-stored" if GLOBALS.search(str(error)) else "crash",
            f"{name} needs a name that there is not: {told}",
        )
    if isinstance(error, TypeError) and "NoneType" in str(error):
        return Finding("", "not-stored", f"{name} uses what the forward pass left as None: {told}")
    if runs_when_equal and re.search(r"matmul|aligned|mat1", str(error)):
        what = "a matrix is transposed, or two matrices are exchanged"
        return Finding("", "transpose", f"{name} runs only where all sizes are equal: {what}: {told}")
    return Finding("", "crash", f"{name} raises {told}")


def dtypes(gathered: Gathered, case: Case) -> Iterator[Finding]:
    """Yield gradients that are not of the dtype of what they are gradients of."""
    for name, given in gathered.gradients.items():
        wanted = np.asarray(case.values[name]).dtype
        if given.value.dtype != wanted and wanted.kind == "f" and given.value.ndim:
            yield Finding(
                given.label,
                "dtype",
                f"the gradient is {given.value.dtype} where {name} is {wanted}",
                expected=str(wanted),
                found=str(given.value.dtype),
            )


def _same(new: Any, old: Array) -> bool:
    return np.shape(new) == old.shape and np.array_equal(np.asarray(new), old, equal_nan=old.dtype.kind == "f")
