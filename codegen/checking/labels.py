"""Labels in two forms, class numbers and one-hot rows: both passes have to take the same ones, and mean the same."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import Layout, make_case
from codegen.checking.observing import Observation, run_pass
from codegen.checking.plans import VALUE_FILL, Plan
from codegen.checking.readings import first_line
from codegen.checking.report import Finding
from codegen.checking.roles import is_label
from codegen.checking.values import FIRST, IDS, ONE_HOT

Array = NDArray[Any]


def same_losses(subject: Any, first: Layout, second: Layout, seed: int) -> Iterator[Finding]:
    """Yield whether a loss is another one for the same labels as class numbers and as one-hot rows."""
    case, other = (make_case(subject, layout, FIRST, seed) for layout in (first, second))
    pairs = {(a.kind, b.kind): name for name, a in first.forward.items() if (b := second.forward[name]) != a}
    name = pairs.get((IDS, ONE_HOT)) or pairs.get((ONE_HOT, IDS))
    if name is None or "K" not in (*first.forward[name].axes, *second.forward[name].axes):
        return
    rows = second if (IDS, ONE_HOT) in pairs else first
    axis = rows.forward[name].axes.index("K")
    other.arguments.update({key: value for key, value in case.arguments.items() if key != name})
    labels = case.arguments[name]
    other.arguments[name] = (
        np.moveaxis(np.eye(FIRST["K"])[labels], -1, axis) if rows is second else labels.argmax(axis=axis)
    )
    other.thing, other.parameters = case.thing, case.parameters
    losses = case.output(), other.output()
    if losses[0].shape != losses[1].shape or not np.allclose(*losses, rtol=1e-6):
        message = "the loss of the same labels is another one as class numbers and as one-hot rows"
        yield Finding("", "forward-differs", message, f"{losses[0].flat[0]:.6g}", f"{losses[1].flat[0]:.6g}")


def refused_by_forward(layout: Layout, plan: Plan, base: Observation) -> Iterator[Finding]:
    """Yield that a forward pass raises for labels that its backward pass takes in the place of the same labels.

    That the gradients are the same for both forms of the labels shows that both are meant to be taken.
    """
    case, subject = base.case, base.case.subject
    first = base.passes[plan][0].gathered.gradients
    for name in {fill.which for _, fill in plan.fills if fill.kind == VALUE_FILL and is_label(fill.which)}:
        labels = _otherwise(layout, name, case.arguments[name])
        if labels is None or not first:
            continue
        twin = copy.copy(case)
        twin.arguments = {**case.arguments, name: labels}
        again = run_pass(twin, plan, base.upstreams[0], case.forward())
        now = again.gathered.gradients
        if again.error is not None or now.keys() != first.keys():
            continue
        if not all(_alike(now[key].value, given.value) for key, given in first.items()):
            continue
        try:
            twin.forward()
        except Exception as error:
            if not _is_refusal(error):
                words = "one-hot labels" if labels.ndim > np.ndim(case.arguments[name]) else "class numbers as labels"
                told = f"{type(error).__name__}: {first_line(str(error))}"
                message = f"with {words}, which {subject.backward_name} takes, {subject.forward_name} raises {told}"
                yield Finding("", "crash", message)


def _otherwise(layout: Layout, name: str, labels: Array) -> Array | None:
    """The same labels in the other form; None where there is none."""
    spec = layout.forward.get(name)
    rows = next((each.axes for each in layout.forward.values() if each.is_differentiable), ())
    if spec is None or "K" not in rows:
        return None
    axis = rows.index("K")
    if spec.kind == IDS and labels.ndim == len(rows) - 1:
        return np.asarray(np.moveaxis(np.eye(FIRST["K"])[labels], -1, axis))
    return np.asarray(labels.argmax(axis=axis)) if spec.kind == ONE_HOT and labels.ndim == len(rows) else None


def _alike(now: Array, then: Array) -> bool:
    return now.shape == then.shape and np.allclose(now, then, rtol=1e-9, atol=1e-12)


def _is_refusal(error: Exception) -> bool:
    """Whether a line of the user's raises the exception on purpose."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    return linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip().startswith("raise")
