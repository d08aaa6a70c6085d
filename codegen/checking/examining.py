"""One target examined: worlds are drawn, its gradients held against derivatives, and what differs is explained."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from codegen.checking import behaviour, corners
from codegen.checking.axes import Diagnosis
from codegen.checking.calling import of_the_output, order_of_returned
from codegen.checking.cases import Layout, make_case
from codegen.checking.diagnosis import diagnose
from codegen.checking.evidence import Evidence
from codegen.checking.forwards import repair_forward
from codegen.checking.judging import evidence_of, example, gradients, held_against, softened
from codegen.checking.labels import refused_by_forward, same_losses
from codegen.checking.layouts import find_layout, longer_layouts, other_layouts
from codegen.checking.observing import PULLED, SUM, Observation, observe, reductions, run_pass
from codegen.checking.plans import Plan
from codegen.checking.readings import first_line, is_guarded
from codegen.checking.recognition import Recognised, fitting, recognise
from codegen.checking.repairs import repair
from codegen.checking.report import CANNOT, RIGHT, WRONG, Finding, Target
from codegen.checking.settings import setting_layouts
from codegen.checking.subjects import CannotError, ForwardError, Subject
from codegen.checking.terms import diagnose_terms
from codegen.checking.values import EQUAL, FIRST, PROBABILITIES, REAL, SECOND, THIRD
from codegen.checking.words import no_gradients, settings_words, unassigned

#: Seconds for the Jacobian of one world.
SECONDS = 0.5
#: How many gradients are looked for what is missing of.
MOST_SEARCHES = 4


@dataclass
class Options:
    """What the caller says beside the target."""

    seed: int = 0
    operation: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass
class Choice:
    """How a backward pass is called and what its gradients stand for."""

    plan: Plan
    reduction: str
    wrong: dict[str, Evidence]
    right: list[str]


def examine(subject: Subject, options: Options) -> Target:
    """Return what is found of one target."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return Examination(subject, options).run()
    except CannotError as error:
        return Target(subject.name, None, CANNOT, needs=str(error))
    except Exception as error:  # Whatever the user's code raises is told.
        told = f"{type(error).__name__}: {first_line(str(error))}"
        return Target(subject.name, None, CANNOT, needs=f"the code raises {told}")


class Examination:
    """The worlds of one target, one after the other."""

    def __init__(self, subject: Subject, options: Options) -> None:
        self.subject, self.options = subject, options
        self.findings: list[Finding] = []
        self.recognised: Recognised | None = None
        self.plan: Plan | None = None
        self.searched = 0
        self.repairs: list[tuple[Diagnosis, Subject]] = []
        self.softened = False
        self.wrong: dict[str, Evidence] = {}

    def run(self) -> Target:
        """Return the verdict."""
        try:
            layout = find_layout(self.subject, self.options.args, self.options.shapes)
        except ForwardError as error:
            kind = "not-stored" if re.search("AttributeError|leaves no output", str(error)) else "crash"
            return Target(self.subject.name, None, WRONG, (Finding("", kind, str(error)),))
        base = self.observe("generic", layout, FIRST, self.options.seed + 11)
        working = {plan: passes for plan, passes in base.passes.items() if passes[0].error is None}
        if not working:
            return self._crashed(base, layout)
        choice = self._choose(base, list(working))
        if choice is None:
            raise CannotError(no_gradients(self.subject, base.case))
        self.plan = choice.plan
        worlds = [base, *self._more(layout, choice)]
        self.recognised = recognise(worlds, self.options.operation, self.subject.name)
        self.softened = is_guarded(self.subject.forward_source)
        self._judge(worlds, choice)
        clean = all(each.convention for each in self.findings)
        self.findings.extend(order_of_returned(self.subject, base, choice.plan))
        if choice.right and not choice.wrong:
            self.findings.extend(of_the_output(self.subject, choice.plan))
        self._behave(base, layout, choice)
        if clean:
            self._corners(worlds, layout, choice)
        return self._target(worlds, choice)

    def observe(
        self,
        world: str,
        layout: Layout,
        sizes: Mapping[str, int],
        seed: int,
        chosen: tuple[Plan, ...] = (),
        least: float = 1.0,
    ) -> Observation:
        """Return what is seen in a world."""
        case = make_case(self.subject, layout, sizes, seed)
        return observe(world, case, seed, SECONDS, least, chosen)

    # -- how it is called ---------------------------------------------------------------------------------------------

    def _choose(self, base: Observation, working: list[Plan]) -> Choice | None:
        """The way of calling that makes most gradients right; of several the likeliest."""
        best: tuple[tuple[int, int], Choice] | None = None
        for plan in working:
            found = gradients(base, plan)
            if not found:
                continue
            for reduction in reductions(base, plan, {name: given.value for name, given in found.items()}):
                wrong, right = held_against(base, plan, reduction)
                rank = (len(wrong) - len(right) if wrong else -1000 - len(right), 0)
                if best is None or rank < best[0]:
                    best = rank, Choice(plan, reduction, wrong, right)
        return None if best is None else best[1]

    def _more(self, layout: Layout, choice: Choice) -> Iterator[Observation]:
        """Worlds of other sizes, or of other values where those do not fit."""
        for world, sizes, seed in (("other sizes", SECOND, 23), ("other values", THIRD, 37)):
            try:
                seen = self.observe(world, layout, sizes, self.options.seed + seed, (choice.plan,))
            except Exception:  # The forward pass does not take these sizes.
                continue
            yield seen

    def _crashed(self, base: Observation, layout: Layout) -> Target:
        plan, passes = next(iter(base.passes.items()))
        error = passes[0].error
        if error is None:
            raise CannotError("its backward pass gives nothing")
        runs = False
        try:
            equal = self.observe("equal sizes", layout, EQUAL, self.options.seed + 5, (plan,))
            runs = equal.passes[plan][0].error is None
        except Exception:  # The forward pass itself does not take equal sizes.
            runs = False
        finding = behaviour.crash(base.case, plan, error, runs)
        columns = {name: (FIRST["D"], 1) for name, spec in layout.forward.items() if spec.axes == ("D", "N")}
        if columns and not self.options.shapes:
            return self._of_one_column(columns, finding)
        return Target(self.subject.name, None, WRONG, (finding,))

    def _of_one_column(self, shapes: Mapping[str, tuple[int, ...]], finding: Finding) -> Target:
        """What is found with one column, where the backward pass raises with several."""
        try:
            found = Examination(self.subject, replace(self.options, shapes=shapes)).run()
        except CannotError:
            found = Target(self.subject.name, None, CANNOT)
        if found.verdict != RIGHT:
            return Target(self.subject.name, None, WRONG, (finding,))
        told = f"it is right for one sample, a column; with several, {finding.message}"
        return replace(found, findings=(*found.findings, replace(finding, message=told, convention=True)))

    # -- values -------------------------------------------------------------------------------------------------------

    def _judge(self, worlds: list[Observation], choice: Choice) -> None:
        """Hold the gradients of ordinary worlds against the derivatives, and say what is wrong with them."""
        base = worlds[0]
        wrong: dict[str, list[Evidence]] = {}
        for seen in worlds:
            passed = seen.passes[choice.plan]
            error = passed[0].error
            if error is not None:
                self._add(behaviour.crash(seen.case, choice.plan, error, False), f"in a world of {seen.world}")
                continue
            bad, _ = held_against(seen, choice.plan, choice.reduction)
            self.wrong = self.wrong or bad
            for name in bad:
                wrong.setdefault(name, [])
        more = [*worlds, *self._of_any_sign(base.case.layout, choice)] if wrong else worlds
        for name in wrong:
            evidence = self._evidences(more, choice, name)
            if evidence:
                self._explain(name, evidence, base, choice)
        if choice.reduction == SUM and base.outputs[0].size > 1 and not wrong and base.case.layout.labels:
            label = next(iter(gradients(base, choice.plan).values())).label
            message = "it is the gradient of the sum of the samples' losses; many take that of their mean"
            self.findings.append(Finding(label, "reduction", message, convention=True))

    def _of_any_sign(self, layout: Layout, choice: Choice) -> Iterator[Observation]:
        """A world of numbers of any sign in the place of probabilities, where the operation takes them as well."""
        names = [name for name, spec in layout.forward.items() if spec.kind == PROBABILITIES]
        if not names or self.recognised is None or not self.recognised.matched:
            return
        for name in names:
            layout = layout.with_spec(name, replace(layout.forward[name], kind=REAL))
        try:
            seen = self.observe("numbers of any sign", layout, FIRST, self.options.seed + 41, (choice.plan,))
        except Exception:  # The forward pass does not take them.
            return
        if seen.passes[choice.plan][0].error is None and fitting(self.recognised, [seen]) is self.recognised:
            yield seen

    def _explain(self, name: str, evidence: list[Evidence], base: Observation, choice: Choice) -> None:
        given = gradients(base, choice.plan)
        label = given[name].label if name in given else f"d{name}"
        shown = next((each for each in evidence if each.is_wrong), evidence[0])
        softening = softened(self.subject, evidence)
        if softening:
            self.softened = True
            self.findings.append(Finding(label, "value", softening, *example(shown), convention=True))
            return
        found = self._diagnosed(name, evidence)
        expected, got = example(shown) if found.kind != "forward-differs" else ("", "")
        formula, line = self.recognised.formula(name) if self.recognised else ("", "")
        self.findings.append(Finding(label, found.kind, found.message, expected, got, formula=formula, line=line))

    def _diagnosed(self, name: str, evidence: list[Evidence]) -> Diagnosis:
        """The simplest explanation: of the gradient, of the forward pass, of a line, of the derived formula."""
        named = self._named(name, evidence) if self.recognised is not None and not self.recognised.matched else ""
        if named:
            told = f"it is right for {named}; the forward pass computes another function"
            return Diagnosis("forward-differs", told)
        found = diagnose(evidence)
        if found is not None and found.certain:
            return found
        known = fitting(self.recognised, [each.observation for each in evidence])
        return (
            self._mended(evidence, False)
            or (diagnose_terms(known, name, evidence) if known else None)
            or self._mended(evidence, True)
            or found
            or corners.unexplained(evidence)
        )

    def _mended(self, evidence: list[Evidence], more: bool) -> Diagnosis | None:
        """The line that makes it right; looked for of a few gradients only, as that takes time."""
        if self.plan is None:
            return None
        self.searched += 1
        here = [each for each in self.wrong.values() if each.observation is evidence[0].observation]
        others = [each for each in here if each.name != evidence[0].name]
        return repair(evidence, self.plan, more, self.repairs, others, self.searched <= MOST_SEARCHES)

    def _named(self, name: str, evidence: list[Evidence]) -> str:
        """The operation that the subject is called after, if a gradient is of that."""
        seen = [(each.observation, each.found, each.reduction == PULLED) for each in evidence]
        return self.recognised.gradient_of(name, seen) if self.recognised is not None else ""

    # -- behaviour ----------------------------------------------------------------------------------------------------

    def _behave(self, base: Observation, layout: Layout, choice: Choice) -> None:
        plan, upstream = choice.plan, base.upstreams[0]
        first = base.passes[plan][0].gathered
        self.findings.extend(behaviour.dtypes(first, base.case))
        self.findings[:0] = behaviour.mutations(base.case, plan, upstream)
        written = any(each.kind.startswith("mutates") for each in self.findings)
        for finding in behaviour.repeats(base.case, plan, upstream):
            if not (written and finding.kind == "mutates-cache"):
                self.findings.append(finding)
        try:
            other = make_case(self.subject, layout, FIRST, self.options.seed + 91)
            other.thing, other.parameters = base.case.thing, base.case.parameters
            fresh = run_pass(other, plan, upstream)
        except Exception:  # These values do not fit.
            return
        if fresh.error is None and not written:
            self.findings.extend(behaviour.two_forwards(base.case, other, plan, upstream, fresh.gathered))

    # -- corners ------------------------------------------------------------------------------------------------------

    def _corners(self, worlds: list[Observation], layout: Layout, choice: Choice) -> None:
        seen = corners.Corners(self, worlds[0], layout, choice)
        for finding in seen.findings():
            if not any(each.kind == finding.kind and each.gradient == finding.gradient for each in self.findings):
                self.findings.append(finding)
        for changed in setting_layouts(self.subject, layout):
            if not any(not each.convention for each in self.findings):
                self._other(changed, choice, settings_words(layout, changed), True)
        for other in other_layouts(self.subject, layout):
            if not any(not each.convention for each in self.findings):
                apart = list(same_losses(self.subject, layout, other, self.options.seed + 59))
                self.findings.extend(apart)
                if not apart:
                    self._other(other, choice, corners.layout_words(layout, other), corners.is_strict(layout, other))
        if not any(not each.convention for each in self.findings):
            self.findings.extend(refused_by_forward(layout, choice.plan, worlds[0]))
        for longer in longer_layouts(self.subject, layout):
            if not any(not each.convention for each in self.findings):
                self._other(longer, choice, "inputs with one more axis", True)

    def _other(self, layout: Layout, choice: Choice, words: str, strict: bool) -> None:
        """Another kind of labels, numbers of any sign, or other settings."""
        seen = self.observe(words, layout, FIRST, self.options.seed + 53)
        working = [plan for plan, passes in seen.passes.items() if passes[0].error is None]
        chosen = self._choose(seen, working)
        error = next(iter(seen.passes.values()))[0].error
        if chosen is None and error is not None:
            found = behaviour.crash(seen.case, choice.plan, error, False)
            self._add(found, f"with {seen.world}, which its forward pass takes")
        elif chosen is not None and chosen.wrong:
            name, evidence = next(iter(chosen.wrong.items()))
            self._explain(name, [evidence], seen, chosen)
            last = self.findings.pop()
            if not (last.convention and self.softened):
                self._add(replace(last, convention=last.convention or not strict), f"with {seen.world}")

    def _add(self, finding: Finding, where: str) -> None:
        self.findings.append(replace(finding, message=f"{where}: {finding.message}" if where else finding.message))

    # -- the verdict --------------------------------------------------------------------------------------------------

    def _forward(self, worlds: list[Observation], choice: Choice) -> list[Finding]:
        """What is said of a forward pass that is not the operation that it is called after."""
        if self.recognised is None:
            return []
        match, wrong = self.recognised.match, any(not each.convention for each in self.findings)
        for near in self.recognised.nearest:
            change = repair_forward(worlds, near)
            if change is not None:
                told = f"the forward pass is {near.operation.name} but for one place, {change[1]}"
                scaled = near.operation.is_loss and not wrong and change[0] in ("reduction", "factor")
                return [Finding("", "reduction" if scaled else "forward-differs", told, convention=scaled)]
        named = [name for name in choice.right if self.recognised.input_of(name)]
        same = all(self._named(name, self._evidences(worlds, choice, name)) for name in named)
        if named and same and not self.recognised.findings:
            told = f"the gradients are those of {match.operation.name}, and the forward pass computes another function"
            return [Finding("", "forward-differs", told)]
        unexplained = any(each.kind == "value" and each.message.startswith("it differs") for each in self.findings)
        if wrong and unexplained and not self.recognised.findings and not self.recognised.is_scaled(worlds):
            told = (
                f"the forward pass does not compute {match.operation.name}, and the backward pass is not its derivative"
            )
            return [Finding("", "forward-differs", told)]
        return self.recognised.findings

    def _evidences(self, worlds: list[Observation], choice: Choice, name: str) -> list[Evidence]:
        return [each for seen in worlds if (each := evidence_of(seen, choice.plan, choice.reduction, name))]

    def _target(self, worlds: list[Observation], choice: Choice) -> Target:
        base = worlds[0]
        if self.recognised is not None and not self.recognised.matched:
            self.findings = [*self._forward(worlds, choice), *self.findings]
        if base.passes[choice.plan][0].gathered.unknown and all(each.convention for each in self.findings):
            raise CannotError(unassigned(self.subject, base.case))
        findings = sorted(self.findings, key=lambda each: each.convention)
        verdict = WRONG if any(not each.convention for each in findings) else RIGHT
        operation = self.recognised.name if self.recognised and self.recognised.matched else None
        given = gradients(base, choice.plan)
        labels = tuple(each.label for each in given.values())
        without = tuple(name for name in base.case.differentiable if name not in given)
        return Target(
            self.subject.name, operation, verdict, tuple(_without_repeats(findings)), labels, unchecked=without
        )


def _without_repeats(findings: list[Finding]) -> Iterator[Finding]:
    met = set()
    for finding in findings:
        key = (finding.gradient, finding.kind, finding.message)
        if key not in met:
            met.add(key)
            yield finding
