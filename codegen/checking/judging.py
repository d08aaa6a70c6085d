"""Gradients held against what is right, in one world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.evidence import Evidence
from codegen.checking.observing import JACOBIAN, Observation, compare, is_known, taken
from codegen.checking.plans import Plan
from codegen.checking.readings import SMALL, small_numbers
from codegen.checking.subjects import Subject

Array = NDArray[Any]
#: How much more than a small number of the forward pass a gradient may differ where that is left out.
MOST_SOFTENED = 30.0


def gradients(seen: Observation, plan: Plan, which: int = 0) -> dict[str, Any]:
    """Return the gradients of a pass by what they are gradients of."""
    return {name: given for name, given in seen.passes[plan][which].gathered.gradients.items() if name in seen.slopes}


def held_against(seen: Observation, plan: Plan, reduction: str) -> tuple[dict[str, Evidence], list[str]]:
    """Return the gradients that are wrong, and the names of those that are right."""
    wrong, right = {}, []
    for name in gradients(seen, plan):
        evidence = evidence_of(seen, plan, reduction, name)
        if evidence is None:
            continue
        if evidence.is_wrong:
            wrong[name] = evidence
        else:
            right.append(name)
    return wrong, right


def evidence_of(seen: Observation, plan: Plan, reduction: str, name: str) -> Evidence | None:
    """Return a gradient beside what is right; None where one of them is not known."""
    given = gradients(seen, plan).get(name)
    if given is None:
        return None
    truth, bound = seen.truth(name, reduction, 0, taken(plan) or None)
    found = _without_ones(seen, name, given.value)
    if reduction == JACOBIAN:
        found = _as_jacobian(found, truth)
    if not is_known(bound):
        return None
    other = gradients(seen, plan, 1).get(name)
    pair = (other.value, seen.truth(name, reduction, 1, taken(plan) or None)[0]) if other is not None else None
    return Evidence(seen, name, found, truth, bound, reduction, pair)


def _without_ones(seen: Observation, name: str, found: Array) -> Array:
    """A gradient in the shape of its value, where that shape was guessed and they differ in axes of size 1 alone."""
    layout, shape = seen.case.layout, np.shape(seen.case.values[name])
    guessed = name in layout.forward or any(spec.is_differentiable for spec in layout.constructor.values())
    alike = [size for size in shape if size != 1] == [size for size in found.shape if size != 1]
    return found.reshape(shape) if guessed and alike else found


def _as_jacobian(found: Array, truth: Array) -> Array:
    """A returned Jacobian as a matrix, the outputs first; of a batch, the blocks of the samples."""
    if found.size == truth.size:
        return found.reshape(truth.shape)
    return found


def softened(subject: Subject, evidence: Sequence[Evidence]) -> str:
    """Return what is said of a gradient that a small number of the forward pass's is left out of; nothing if none is.

    A number such as 1e-7 that is added below a logarithm or a root changes the derivative by little, and many leave it
    out; what is wrong by as little for another reason is a mistake.
    """
    held = subject.settings(evidence[0].observation.case.thing).values()
    small = [*small_numbers(subject.forward_source), *(number for number in held if 0 < number < SMALL)]
    if not small or any(each.found.shape != each.truth.shape for each in evidence):
        return ""
    away = max(float(np.max(np.abs(e.found - e.truth), initial=0) / np.max(np.abs(e.truth))) for e in evidence)
    if not away <= MOST_SOFTENED * max(small):
        return ""
    return f"it differs by {away:.1g} of the largest entry, as {max(small):g} of the forward pass is left out of it"


def example(evidence: Evidence) -> tuple[str, str]:
    """Return the right and the found value at the place where they differ most."""
    if evidence.found.shape != evidence.truth.shape:
        return f"shape {evidence.truth.shape}", f"shape {evidence.found.shape}"
    at = compare(evidence.found, evidence.truth, evidence.bound)
    if at is None:
        return "", ""
    where = f" at {list(at.place)}" if at.place else ""
    return f"{at.expected:.6g}{where}", f"{at.found:.6g}"
