"""Worlds of other precisions: single ones, whose gradients stay single, and large values, held against long doubles."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from codegen.checking.cases import Case
from codegen.checking.observing import Pass, run_pass
from codegen.checking.plans import Plan
from codegen.checking.report import Finding
from codegen.checking.state import arrays_in, can_put, duplicate, put
from codegen.checking.subjects import Outcome, TorchSubject
from codegen.checking.values import REAL

Array = NDArray[Any]
#: What values are multiplied by: exponentials then overflow, by themselves or of products.
LARGE = (700.0, 25.0)


def converted(case: Case, dtype: DTypeLike) -> Case:
    """Return a case whose arrays of real numbers have another dtype."""
    twin = copy.copy(case)
    twin.arguments = {name: _as(value, dtype) for name, value in case.arguments.items()}
    twin.parameters = {name: _as(value, dtype) for name, value in case.parameters.items()}
    twin.thing = duplicate(case.thing)
    for path, array in list(arrays_in(twin.thing)):
        if array.dtype == np.float64 and array.ndim and can_put(twin.thing, path):
            put(twin.thing, path, array.astype(dtype))
    for name, paths in case.paths.items():
        for path in paths:
            put(twin.thing, path, twin.parameters[name].copy())
    return twin


def _as(value: Any, dtype: DTypeLike) -> Any:
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


def single(case: Case, plan: Plan, upstream: list[Any]) -> Iterator[Finding]:
    """Yield the gradients that are not of single precision where all that comes in and the output are."""
    twin = converted(case, np.float32)
    outcome = twin.forward()
    if any(each.dtype != np.float32 for each in outcome.outputs):
        return
    given = [each.astype(np.float32) if isinstance(each, np.ndarray) else np.float32(each) for each in upstream]
    passed = run_pass(twin, plan, given, outcome)
    if passed.error is not None:
        return
    for name, gradient in passed.gathered.gradients.items():
        if gradient.value.dtype != np.float32 and gradient.value.ndim:
            yield Finding(
                gradient.label,
                "dtype",
                f"the gradient is {gradient.value.dtype} where {name}, the upstream gradient and the output are single",
                expected="float32",
                found=str(gradient.value.dtype),
            )


def large(case: Case, plan: Plan, seed: int, formula: Any) -> Iterator[Finding]:
    """Yield what is not finite with large values, where the same code with long doubles gives finite numbers.

    Args:
        formula: gives the derived formula and the generated line for a value's name.
    """
    names = [name for name in case.layout.differentiable if case.layout.forward[name].kind == REAL]
    if not names:
        return
    for scale in LARGE:
        found = list(_at_scale(case, plan, seed, names, scale, formula))
        yield from found
        if found:
            return


def _at_scale(case: Case, plan: Plan, seed: int, names: list[str], scale: float, formula: Any) -> Iterator[Finding]:
    twin = copy.copy(case)
    twin.arguments = {k: scale * v if k in names else v for k, v in case.arguments.items()}
    outcome, passed = _passes(twin, plan, seed, np.float64)
    bad_output = any(not np.isfinite(each).all() for each in outcome.outputs)
    bad = [name for name, given in passed.gathered.gradients.items() if not np.isfinite(given.value).all()]
    if not bad_output and not bad:
        return
    if isinstance(case.subject, TorchSubject):
        return  # There are no long doubles.
    try:
        fine, long = _passes(converted(twin, np.longdouble), plan, seed, np.longdouble)
    except Exception:  # The code does not take long doubles: nothing is known.
        return
    if any(not _fits(each) for each in fine.outputs):
        return
    told = f"with values in the {'hundreds' if scale > 100 else 'tens'}"
    for name in bad:
        right = long.gathered.gradients.get(name)
        if right is not None and _fits(right.value):
            given = passed.gathered.gradients[name]
            place = tuple(int(each) for each in np.argwhere(~np.isfinite(given.value))[0])
            text, line = formula(name)
            yield Finding(
                given.label, "not-finite", f"{told} it is not finite, where the derivative is",
                f"{float(right.value[place]):.6g} at {list(place)}", f"{given.value[place]}", False, text, line,
            )  # fmt: skip
    if bad_output:
        yield Finding("", "not-finite", f"{told} the output of the forward pass is not finite, where the function is")


def _passes(case: Case, plan: Plan, seed: int, dtype: DTypeLike) -> tuple[Outcome, Pass]:
    outcome = case.forward()
    generator = np.random.default_rng(seed)
    upstream: list[Any] = []
    for each in outcome.outputs:
        drawn = generator.uniform(0.4, 1.8, each.shape)
        upstream.append(np.asarray(drawn, dtype=dtype) if each.ndim else np.asarray(drawn, dtype=dtype)[()])
    return outcome, run_pass(case, plan, upstream, outcome)


def _fits(array: Array) -> bool:
    """Whether numbers are finite, and would be as float64 too."""
    return bool((np.abs(array) < np.finfo(np.float64).max).all())
