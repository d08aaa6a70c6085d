"""A gradient that somebody derived by hand, held against the derived one: a verdict, and what is wrong in words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sympy import Expr

from derive.budget import OutOfTimeError, within
from derive.canonical import canonical
from derive.catalogue import catalogue, find
from derive.claims import prove
from derive.derivation import Derivation
from derive.diagnosis import Finding, assumption, diagnose, is_assumption
from derive.errors import DefinitionError, InputError
from derive.facts import Fact
from derive.gradients import ClaimedGradient, names_of, parameters_of, read_gradient
from derive.misreadings import explain, other_gradient
from derive.notation import find_notation
from derive.operation import Operation
from derive.parsing import parse_premise
from derive.premises import Equality, Premise, Sign, facts_of, with_equalities
from derive.printing import definition_text, latex_text
from derive.proof import PROVED, REFUTED, UNDECIDED, Proof, prove_equal

#: Time for a diagnosis where the proof has left none.
LEAST_SECONDS = 0.1

#: A word of a text.
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class ClaimCheck:
    """A claimed gradient held against the derived one.

    Attributes:
        derivation: the derived gradient with its steps.
        name: the left side, as it is typed.
        claimed, derived: the right sides with the same letters; nothing is claimed where the text makes no sense.
        proof: that they are equal, or not; None where the text makes no sense.
        needed: facts, as texts, under each of which the claim is true.
        diagnosis: what is wrong, in words, best first.
        problem: why the text makes no sense.
    """

    derivation: Derivation
    name: str
    claimed: Expr | None
    derived: Expr
    proof: Proof | None
    needed: tuple[str, ...] = ()
    diagnosis: tuple[str, ...] = ()
    problem: str = ""

    @property
    def verdict(self) -> str:
        """``"proved"``, ``"refuted"`` or ``"undecided"``; what makes no sense is not true."""
        return REFUTED if self.proof is None else self.proof.verdict

    @property
    def holds(self) -> bool:
        """Whether the claim was proved."""
        return self.verdict == PROVED

    def text(self, notation: str = "bar") -> str:
        """Return what was claimed, what is derived, the verdict and what is wrong, for a terminal."""
        lines = [f"derived: {self.name} = {definition_text(self.derived)}"]
        if self.claimed is not None:
            lines.insert(0, f"claimed: {self.name} = {definition_text(self.claimed)}")
        lines += self._verdict_lines(notation)
        return "\n".join([*lines, *self._names_given("\n".join(lines))])

    def _names_given(self, shown: str) -> list[str]:
        """What the names stand for that are shown and were not typed, but given to what is computed on the way."""
        operation = self.derivation.operation
        typed = set(NAME.findall(operation.record.definition))
        mentioned = set(NAME.findall(shown)) - typed
        given = [definition for definition in operation.intermediates if definition.tensor.name in mentioned]
        return [f"where {definition_text(each.target)} = {definition_text(each.body)}" for each in given]

    def __str__(self) -> str:
        return self.text()

    def markdown(self, notation: str = "bar") -> str:
        """Return the claim and the derived gradient as formulas, and the verdict, as Markdown."""
        written = find_notation(notation, self.derivation.operation)
        sides = [("claimed", self.claimed), ("derived", self.derived)]
        left = latex_text(self.derivation.target, written)
        parts = [f"{word}: ${left} = {latex_text(side, written)}$" for word, side in sides if side is not None]
        verdict, *others = self._verdict_lines(notation)
        parts.append(f"**{verdict}**")
        return "\n\n".join([*parts, *(["```text\n" + "\n".join(others) + "\n```"] if others else [])])

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _verdict_lines(self, notation: str) -> list[str]:
        if self.proof is None:
            return [f"the claim makes no sense: {self.problem}", *(f"  {words}" for words in self.diagnosis)]
        if self.verdict != REFUTED or self.proof.kinks:
            return [*replace(self.proof, needed=()).text(notation, steps=False).splitlines(), *self._words()]
        found = self.proof.counterexample
        numbers = "" if found is None else found.text(left="claimed", right="derived")
        shown = [f"  {line}" for line in numbers.splitlines()]
        if self.needed:
            return [f"true given {', or given '.join(self.needed)}; without it refuted:", *shown]
        return [REFUTED, *self._words(), *shown]

    def _words(self) -> list[str]:
        return [f"  {words}" for words in self.diagnosis]


def check_claim(
    op: str | Operation,
    wrt: str | None,
    claim: str,
    given: Iterable[str | Premise] = (),
    seconds: float = 10.0,
    output: str | None = None,
) -> ClaimCheck:
    """Hold a hand-derived gradient against the derived one; where they differ, say what is wrong.

    Args:
        op: a catalogue name, a definition's text or an operation.
        wrt: the input's name; may be left out where the claim says it.
        claim: an expression, or an equation with the gradient on its left: ``"dz[i,j] = (p[i,j] - t[i,j])/N"``,
            ``"diff(y[n,k], x[n,j]) = ..."``. The gradient of ``y`` is called ``dy``.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.
        seconds: how long to try.
        output: the output's name, where there are several and the claim is about the Jacobian of one.

    Raises:
        DefinitionError: a mistake in the text, shown with a caret.
        InputError: no such operation, input or output, or the claim is about something else.

    Example:
        >>> check_claim("sigmoid", "x", "y*(1 - y)").verdict
        'proved'
        >>> check_claim("mse", "y", "2*(y[n,k] - t[n,k])/N").diagnosis
        ('the factor 1/K is missing',)
        >>> check_claim("softmax-cce", "z", "(p[n,k] - t[n,k])/N").needed
        ('sum(t[n,k], k) = 1',)
    """
    operation = find(op)
    if isinstance(given, (str, Fact, Equality, Sign)):
        raise InputError(f"given takes a list of facts; write [{given!r}]")
    premises = tuple(_premise(each, operation) if isinstance(each, str) else each for each in given)
    try:
        read = read_gradient(operation, wrt, claim, output)
    except DefinitionError as error:
        usual = tuple(_premise(text, operation) for text in operation.record.facts)
        found = explain(operation, wrt, claim, (premises, (*premises, *usual)))
        if found is None:
            raise
        finding, mended = found
        nothing = ClaimCheck(mended.derivation, mended.name, None, mended.derived, None)
        return replace(nothing, diagnosis=(finding.words,), problem=error.problem)
    deadline = time.monotonic() + seconds
    proof = _proof(read, premises, seconds)
    check = ClaimCheck(read.derivation, read.name, read.claimed, read.derived, proof)
    if proof.verdict == PROVED or proof.kinks:
        return check
    try:
        with within(max(deadline - time.monotonic(), LEAST_SECONDS)):
            findings = _findings(read, premises)
            needed = _needed(read, premises, proof)
            signs = [p for text in proof.needed if isinstance(p := _premise(text, operation), Sign)]
            likely = [sign for sign in signs if sign.is_lower or not findings]  # Who assumes negative numbers?
            findings = tuple(map(assumption, likely)) or findings
            words = tuple(finding.words for finding in findings)
            return replace(check, needed=needed if is_assumption(findings) else (), diagnosis=words)
    except OutOfTimeError:
        return replace(check, needed=proof.needed)


def _proof(read: ClaimedGradient, premises: tuple[Premise, ...], seconds: float) -> Proof:
    """Prove a claim, or refute it. What holds whatever the names on the way stand for needs no definition of them."""
    by_names = prove_equal(read.claimed, read.derived, seconds=seconds / 4)
    if by_names.verdict == PROVED and not by_names.conditions and not premises:
        return by_names
    whole = prove((read.claimed, read.derived), read.definitions, premises, seconds)
    return by_names if whole.verdict == UNDECIDED and by_names.verdict == PROVED else whole


def _premise(text: str, operation: Operation) -> Premise:
    """What a text says of an operation's tensors."""
    return parse_premise(text, names_of(operation), catalogue().get, catalogue(), parameters_of(operation))


def _needed(read: ClaimedGradient, premises: tuple[Premise, ...], proof: Proof) -> tuple[str, ...]:
    """The record's facts and those found, under each of which the claim is true."""
    operation = read.derivation.operation
    found: dict[Premise | tuple[Expr, Expr], str] = {}
    for text in (*operation.record.facts, *proof.needed):
        premise = _premise(text, operation)
        said = (canonical(premise.left), premise.right) if isinstance(premise, Fact) else premise
        sides = (read.claimed, read.derived, read.definitions, (*premises, premise))
        if said not in found and (text in proof.needed or prove_equal(*sides).verdict == PROVED):
            found[said] = text
    return tuple(found.values())


def _findings(read: ClaimedGradient, premises: tuple[Premise, ...]) -> tuple[Finding, ...]:
    """What is wrong, in words; elements that are given to equal something are written as that."""
    facts = facts_of(premises)
    claimed, derived = (with_equalities(side, premises) for side in (read.claimed, read.derived))
    definitions = tuple(replace(each, body=with_equalities(each.body, premises)) for each in read.definitions)
    found = diagnose(claimed, derived, definitions, facts)
    if found:
        return found
    other = other_gradient(read, facts)
    return () if other is None else (other,)
