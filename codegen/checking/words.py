"""What is said of layouts that were tried, and of gradients that could not be assigned."""

from __future__ import annotations

from codegen.checking.cases import Case, Layout
from codegen.checking.subjects import Subject


def settings_words(old: Layout, new: Layout) -> str:
    before, after = {**old.constructor, **old.forward}, {**new.constructor, **new.forward}
    return ", ".join(f"{name}={spec.number!r}" for name, spec in after.items() if before.get(name) != spec)


def unassigned(subject: Subject, case: Case) -> str:
    names = ", ".join(case.differentiable)
    return (
        f"{subject.backward_name} returns more than the gradients of {names}, and names do not tell what of; "
        "call codegen.check(forward=..., backward=...) with a dictionary of gradients"
    )


def no_gradients(subject: Subject, case: Case) -> str:
    names, first = ", ".join(case.differentiable), next(iter(case.differentiable), "x")
    return (
        f"{subject.backward_name} returns no gradient of {names} and leaves none in an attribute; return them in the "
        f"order of what they are gradients of, or leave them in attributes with names such as d{first}"
    )
