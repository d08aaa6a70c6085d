"""What is said of how a backward pass is called, and of the order of what it returns."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.checking.observing import Observation
from codegen.checking.plans import OUTPUT_FILL, Plan
from codegen.checking.report import Finding
from codegen.checking.subjects import PairSubject, Subject


def of_the_output(subject: Subject, plan: Plan) -> Iterator[Finding]:
    """Yield that a derivative which is right is one of the output, under the name of what went in."""
    arguments = {each.name for each in subject.forward}
    for name, fill in plan.fills:
        if fill.kind == OUTPUT_FILL and name in arguments:
            own, back = subject.forward_name, subject.backward_name
            told = f"it is right for the output of {own}, to be called as {back}({own}({name})), not for {name}"
            yield Finding("", "value", told, convention=True)


def order_of_returned(subject: Subject, base: Observation, plan: Plan) -> Iterator[Finding]:
    """Yield that a function returns its gradients in another order than that of what they are gradients of."""
    named = base.passes[plan][0].gathered.order
    wanted = [name for name in base.case.layout.differentiable if name in named]
    plain = isinstance(subject, PairSubject) or not base.case.parameters
    if plain and named != wanted and len(named) == len(base.case.differentiable):
        order, arguments = ", ".join(named), ", ".join(wanted)
        told = f"the gradients are returned in the order of {order}, where the arguments are {arguments}"
        yield Finding("", "shape", told, arguments, order)
