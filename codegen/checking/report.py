"""What a check found: verdicts and findings, as text for a person and as JSON for a machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

#: The kinds of findings, each with what it says. The command's JSON uses these words and no others.
KINDS: Mapping[str, str] = {
    "factor": "the gradient is a constant, or a size, times the right one",
    "sign": "the gradient, or a term of it, has the wrong sign",
    "transpose": "a matrix stands transposed, or the factors of a product are exchanged",
    "missing-sum": "a sum over an axis along which the value was broadcast is missing",
    "missing-mask": "the gradient flows through where the forward pass lets nothing through",
    "diagonal": "the diagonal of the Jacobian stands for the Jacobian",
    "missing-term": "a term, or a factor inside of a term, is missing or is another",
    "clip": "the forward pass clips and the backward pass does not, or the other way round",
    "upstream-ignored": "the gradient does not depend on the upstream gradient, or not in proportion to it",
    "reduction": "a mean stands for a sum, or a sum for a mean",
    "axis": "a sum or mean is taken over the wrong axis",
    "repeated-ids": "of ids that occur several times only one is counted",
    "tie": "where several values are the largest, their gradients add up to more or less than the upstream gradient",
    "kink": "the value at a kink: which side's derivative it is, or that it lies between neither",
    "mutates-upstream": "the upstream gradient that was passed is written to",
    "mutates-input": "an input that was passed is written to",
    "mutates-cache": "what forward stored or returned is written to, so that a second pass differs",
    "not-stored": "backward needs what forward does not store",
    "shape": "the gradient has another shape than what it is the gradient of",
    "dtype": "the gradient has another dtype than what it is the gradient of",
    "accumulates": "a second backward pass adds to the gradient of the first",
    "not-finite": "the gradient is not finite where the derivative is",
    "crash": "an exception is raised",
    "forward-differs": "the forward pass computes another function than its name, or its backward pass, says",
    "value": "the gradient is wrong, and no single mistake that is known explains it",
}

RIGHT, WRONG, CANNOT = "right", "wrong", "cannot"
#: What a shell is told.
EXIT_STATUS = {RIGHT: 0, WRONG: 1, CANNOT: 2}
BOLD, RED, GREEN, YELLOW, RESET = "\033[1m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"
COLOURS = {RIGHT: GREEN, WRONG: RED, CANNOT: YELLOW}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        gradient: the name of the gradient, as the code has it where it has one; empty where none is meant.
        kind: a word of ``KINDS``.
        message: what is wrong, in words, with the smallest example found.
        expected: the right value at the place that is shown, or what was expected.
        found: what the code gives there.
        convention: whether this is another convention and no mistake.
        formula: the derived formula, where the operation was recognised.
        line: the generated line that computes it, with the operation's letters.
    """

    gradient: str
    kind: str
    message: str
    expected: str = ""
    found: str = ""
    convention: bool = False
    formula: str = ""
    line: str = ""


@dataclass(frozen=True)
class Target:
    """What was checked, and the verdict.

    Attributes:
        name: of the class or of the pair of functions.
        operation: the catalogue's name of the operation that the forward pass computes, or None.
        verdict: ``"right"``, ``"wrong"`` or ``"cannot"``.
        findings: mistakes first, conventions after them.
        checked: the gradients that were held against derivatives.
        needs: what is needed where it cannot be checked.
        unchecked: the arguments and parameters of which no gradient was found in what the backward pass gives.
    """

    name: str
    operation: str | None
    verdict: str
    findings: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()
    needs: str = ""
    unchecked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON says of it."""
        return asdict(self)

    def text(self, colour: bool = False) -> str:
        """Return the lines a person reads: the verdict, then a line for each finding."""
        paint = (lambda text, *codes: f"{''.join(codes)}{text}{RESET}") if colour else (lambda text, *codes: text)
        known = f"  ({self.operation})" if self.operation else ""
        head = f"{paint(self.verdict, BOLD, COLOURS[self.verdict]):<7} {paint(self.name, BOLD)}{known}"
        lines = [head]
        if self.checked:
            lines[0] += f"  checked: {', '.join(self.checked)}"
        if self.unchecked:
            lines[0] += f"; not checked: {', '.join(self.unchecked)}"
        if self.needs:
            lines.append(f"  {self.needs}")
        for finding in _merged(self.findings):
            lines.extend(_finding_lines(finding, paint))
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What a check found of all its targets.

    Example:
        >>> report = Report((Target("relu", "relu", "right", (), ("x",)),))
        >>> print(report.text())
        right   relu  (relu)  checked: x
        >>> report.exit_status
        0
    """

    targets: tuple[Target, ...] = field(default=())

    @property
    def exit_status(self) -> int:
        """0 where all is right, 1 where something is wrong, 2 where nothing is and something cannot be checked."""
        verdicts = {target.verdict for target in self.targets}
        worst = next((verdict for verdict in (WRONG, CANNOT) if verdict in verdicts), RIGHT)
        return EXIT_STATUS[worst if self.targets else CANNOT]

    def to_dict(self) -> dict[str, Any]:
        return {"targets": [target.to_dict() for target in self.targets]}

    def to_json(self) -> str:
        """Return the report as JSON; its kinds are those of ``KINDS``."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def text(self, colour: bool = False) -> str:
        """Return the report as a person reads it."""
        return "\n".join(target.text(colour) for target in self.targets)

    def __str__(self) -> str:
        return self.text()


def _finding_lines(finding: Finding, paint: Any) -> list[str]:
    kind = f"convention, {finding.kind}" if finding.convention else finding.kind
    where = f"{finding.gradient}: " if finding.gradient else ""
    lines = [f"  {paint(kind, BOLD)}: {where}{finding.message}"]
    if finding.expected:
        lines.append(f"    expected {finding.expected}; found {finding.found}")
    if finding.formula:
        lines.append(f"    derived   {finding.formula}")
    for place, line in enumerate(finding.line.splitlines()):
        lines.append(f"    {'generated' if not place else '':<9} {line}")
    return lines


def _merged(findings: Sequence[Finding]) -> Iterator[Finding]:
    """One finding for all the gradients of which the same line is wrong."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        own = "" if re.search(r"\bline \d+: ", finding.message) else finding.gradient
        groups.setdefault((finding.kind, finding.message, str(finding.convention), own), []).append(finding)
    for group in groups.values():
        names = ", ".join(dict.fromkeys(each.gradient for each in group if each.gradient))
        yield replace(group[0], gradient=names)


def target_from(data: Mapping[str, Any]) -> Target:
    """Return the target that JSON describes."""
    findings = tuple(Finding(**each) for each in data["findings"])
    return Target(
        **{**data, "findings": findings, "checked": tuple(data["checked"]), "unchecked": tuple(data["unchecked"])}
    )
