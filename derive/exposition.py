"""A proof in steps: the derivatives, each side in its shortest form, and where these differ, the difference to zero.

Every step is an equation that can be evaluated, as those of a derivation are, and is printed by the same renderers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from sympy import Expr, Integer

from derive.canonical import canonical, readable
from derive.chain import collecting
from derive.counterexamples import assignments
from derive.definitions import Definition, inline
from derive.derivation import CheckFailedError, Derivation, Step, check_step
from derive.derivatives import Derivatives, as_operation
from derive.differentiation import with_totals
from derive.evaluation import Assignment
from derive.facts import Fact
from derive.indices import Tensor
from derive.letters import letters_by_size
from derive.normal_form import Normaliser
from derive.notation import Notation, find_notation
from derive.polynomials import TooLargeError
from derive.precision import UndefinedError
from derive.premises import Premise, Sign, equalities_of, facts_of, intervals_of, requirements_of, with_equalities
from derive.printing import definition_text, latex_text, plain_text
from derive.proof import PROVED, REFUTED, Proof
from derive.rendering import BOLD, RESET, render_latex, render_markdown, render_text
from derive.rewriting import simplify
from derive.sums import Partial, free_indices, has, rewrite, tensors_in
from derive.vanishing import vanishes

INSERT, DEFINITIONS = "insert the derivatives", "put the definitions in"


def steps_of(proof: Proof) -> tuple[Step, ...]:
    """Return the steps of a proof; of what is not proved, those that bring each side to its shortest form."""
    return _steps(proof.left, proof.right, proof.verdict == PROVED, proof.definitions, proof.premises)


@lru_cache(maxsize=64)
def _steps(
    left: Expr, right: Expr, proved: bool, definitions: tuple[Definition, ...], premises: tuple[Premise, ...]
) -> tuple[Step, ...]:
    exposition = _Exposition(left, right, definitions, premises)
    letters = letters_by_size(as_operation(definitions))
    taken = frozenset(index.name for index in free_indices(left) | free_indices(right))
    taken |= {tensor.name for definition in definitions for tensor in tensors_in(definition.body)}

    def named(step: Step) -> Step:
        before, after = (readable(side, letters, taken) for side in (step.before, step.after))
        return Step(step.rule, step.left, step.left if step.before == step.left else before, after, step.note)

    after = [step for step in map(named, exposition.after(proved)) if _shows_something(step)]
    return (*exposition.before, *after)


def _shows_something(step: Step) -> bool:
    """Whether a reader sees what a step changes."""
    return plain_text(step.before) != plain_text(step.after)


class _Exposition:
    """The steps, as they are found.

    Attributes:
        before: the steps that carry out the derivatives.
    """

    def __init__(
        self, left: Expr, right: Expr, definitions: tuple[Definition, ...], premises: tuple[Premise, ...]
    ) -> None:
        self.typed, self.definitions, self.premises = (left, right), definitions, premises
        self.facts = facts_of((each for each in premises if not isinstance(each, Sign)), definitions)
        derivatives = Derivatives(definitions)
        self.sides = [derivatives.carry_out(side) for side in self.typed]
        self.before = derivatives.steps

    def after(self, proved: bool) -> Iterator[Step]:
        """Yield the steps after the derivatives."""
        chosen = [self.shortened(side) for side in self.sides]
        through = proved and canonical(chosen[0]) != canonical(chosen[1])
        if through:
            chosen = [self.shortened(inline(side, self.definitions)) for side in self.sides]
        for typed, side, short in zip(self.typed, self.sides, chosen, strict=True):
            yield from self._chain(typed, side, short, through)
        if proved and canonical(chosen[0]) != canonical(chosen[1]):
            yield from self._in_normal_form(chosen)

    def _in_normal_form(self, shown: list[Expr]) -> Iterator[Step]:
        """Both sides written out by exponentials and indicators; where that is not one form, their difference."""
        normaliser = Normaliser(generators=True, facts=self.facts)
        sides = [with_equalities(inline(side, self.definitions), self.premises) for side in self.sides]
        try:
            plain = [normaliser.expression(side) for side in sides]
        except (TooLargeError, ZeroDivisionError):
            plain = []
        if plain and plain[0] == plain[1]:
            for typed, here, form in zip(self.typed, shown, plain, strict=True):
                if here != form:
                    yield Step("written out", typed, here, form)
        else:
            yield from self._difference(*sides)

    def _chain(self, typed: Expr, side: Expr, short: Expr, through_definitions: bool) -> Iterator[Step]:
        """One side, from how it was typed to its shortest form."""
        here = typed
        if side != here:
            known = any(step.left == typed and step.after == side for step in self.before)
            if not known:
                yield Step(INSERT, typed, here, side)
            here = side
        put_in = with_equalities(inline(here, self.definitions) if through_definitions else here, self.premises)
        if put_in != here:
            yield Step(DEFINITIONS, typed, here, put_in)
            here = put_in
        plain = simplify(here, () if through_definitions else self.definitions).result if self.facts else short
        if plain not in (here, short):
            yield Step(collecting(here), typed, here, plain)
            here = plain
        if short != here:
            used = ", ".join(fact.text for fact in self.facts)
            yield Step("given" if used else collecting(here), typed, here, short, used)

    def _difference(self, left: Expr, right: Expr) -> Iterator[Step]:
        """The difference of the sides, multiplied out and then over one denominator."""
        typed = self.typed[0] - self.typed[1]
        normaliser = Normaliser(generators=True, facts=self.facts)
        here = left - right
        if here != typed:
            yield Step(DEFINITIONS, typed, typed, here)
        try:
            plain = normaliser.expression(here)
        except (TooLargeError, ZeroDivisionError):
            plain = here
        if plain != here:
            yield Step("multiply out", typed, here, plain)
        if plain != 0:
            signs = ", ".join(premise.text for premise in self.premises if isinstance(premise, Sign))
            rule = "over one denominator" if vanishes(normaliser, plain) else "case by case, where both are defined"
            yield Step("given" if signs else rule, typed, plain, Integer(0), signs)

    def shortened(self, side: Expr) -> Expr:
        put_in = with_equalities(side, self.premises)
        return simplify(put_in, self.definitions, sorted(free_indices(side), key=str), self.facts).result


# -- checks -----------------------------------------------------------------------------------------------------------


def check_proof(proof: Proof, seed: int = 0) -> None:
    """Evaluate both sides of every step at random values that satisfy the facts.

    Raises:
        CheckFailedError: two sides differ: a defect of the engine.
    """
    steps, generator = steps_of(proof), random.Random(seed)
    known = {definition.tensor: definition for definition in proof.definitions}
    known |= {definition.tensor: definition for definition in equalities_of(proof.premises)}
    sides = (proof.left, proof.right, *(definition.body for definition in known.values()))
    steps = tuple(replace(step, **_evaluable(step, proof.definitions)) for step in steps)
    facts = requirements_of(proof.premises, proof.definitions)
    for drawn in assignments(sides, facts, generator, True, intervals_of(proof.premises), known):
        here = Assignment(drawn.sizes, drawn.values, known)
        try:
            for step in steps:
                check_step(step, here, generator, claim_text(proof))
        except UndefinedError:
            continue
        return
    raise CheckFailedError(f"no values were found at which every step of {claim_text(proof)} is defined")


def _evaluable(step: Step, definitions: tuple[Definition, ...]) -> dict[str, Expr]:
    """The sides of a step with derivatives of derivatives written so that the evaluation takes them to be total."""

    def change(node: Expr) -> Expr | None:
        return with_totals(node, definitions) if isinstance(node, Partial) and has(node.body, Partial) else None

    return {name: rewrite(getattr(step, name), change) for name in ("left", "before", "after")}


# -- print ------------------------------------------------------------------------------------------------------------


def claim_text(proof: Proof) -> str:
    """The claim in the definition language."""
    return f"{definition_text(proof.left)} = {definition_text(proof.right)}"


def render_proof_text(proof: Proof, notation: str = "bar", steps: bool = True, colour: bool = False) -> str:
    """Return the verdict, what it rests on, and the steps, for a terminal."""
    written = _notation(proof, notation)

    def write(expr: Expr) -> str:
        return plain_text(expr, written)

    verdict = verdict_line(proof, write)
    parts = [f"{BOLD}{verdict}{RESET}" if colour else verdict]
    parts += [f"  {line}" for line in remarks(proof)]
    if proof.counterexample is not None:
        parts += [f"  {line}" for line in proof.counterexample.text().splitlines()]
    if steps and proof.steps:
        parts += ["", render_text(_derivation(proof), written, colour=colour)]
    elif steps and proof.verdict == PROVED:
        parts.append("  the sides are the same as they stand")
    return "\n".join(parts)


def verdict_line(proof: Proof, write: Callable[[Expr], str]) -> str:
    """Return the verdict in words: for which sizes it holds, and given what."""
    if proof.verdict != PROVED:
        if not proof.kinks:
            return proof.verdict
        where = "at a kink" if _is_differentiated(proof) else f"where {' or '.join(proof.kinks)}"
        return f"{proof.verdict}, but only {where}"
    sizes = _sizes(proof)
    line = f"proved for every {' and '.join(sizes)}" if sizes else "proved"
    texts = {
        fact.text: f"{write(fact.left)} = {write(fact.right)}" for fact in proof.premises if isinstance(fact, Fact)
    }
    given = " and ".join(texts.get(text, text) for text in proof.assumptions)
    return f"{line}, given {given}" if given else line


def _is_differentiated(proof: Proof) -> bool:
    return any(has(expr, Partial) for expr in (proof.left, proof.right, *(each.body for each in proof.definitions)))


def remarks(proof: Proof) -> Iterator[str]:
    """Yield what is to be said beside the verdict."""
    if proof.conditions:
        yield f"wherever {' and '.join(proof.conditions)}"
    if proof.unused:
        yield f"without need of {' and '.join(proof.unused)}"
    if proof.kinks and _is_differentiated(proof):
        yield f"it holds but where {' or '.join(proof.kinks)}: at a kink the derivative is a matter of convention"
    if proof.needed:
        yield f"it would hold given {', or given '.join(proof.needed)}"
    if proof.tried:
        yield "tried:"
        yield from (f"  {what}" for what in proof.tried)


def render_proof_latex(proof: Proof, notation: str = "bar") -> str:
    """Return the steps as one ``align*`` block, headed by the claim where it is not proved."""
    written = _notation(proof, notation)
    steps = render_latex(_derivation(proof), written)
    if proof.verdict == PROVED:
        return steps
    opening, ending = r"\begin{align*}" + "\n", "\n" + r"\end{align*}"
    claim = rf"{_claim_latex(proof, written, '&')} && \text{{{proof.verdict}}}"
    rest = " \\\\[1ex]\n" + steps.removeprefix(opening) if proof.steps else ending
    return f"{opening}{claim}{rest}"


def _claim_latex(proof: Proof, notation: Notation, mark: str = "") -> str:
    """The claim, with the sign that the verdict gives it."""
    sign = {PROVED: "=", REFUTED: r"\neq"}.get(proof.verdict, r"\overset{?}{=}")
    return f"{latex_text(proof.left, notation)} {mark}{sign} {latex_text(proof.right, notation)}"


def render_proof_markdown(proof: Proof, notation: str = "bar") -> str:
    r"""Return the claim, the verdict and the steps as Markdown; the steps come to the claim, which is not repeated.

    Example:
        >>> from derive.claims import prove
        >>> print(render_proof_markdown(prove("sum(p[k], k) = 1", ["p = softmax(z)"])).split("##")[0].rstrip())
        $$\sum_{k=1}^{K} p_{k} = 1$$
        <BLANKLINE>
        **proved for every K**
    """
    written = _notation(proof, notation)
    claim = f"$${_claim_latex(proof, written)}$$"
    lines = [claim, f"**{verdict_line(proof, lambda expr: f'${latex_text(expr, written)}$')}**", *remarks(proof)]
    if proof.counterexample is not None:
        lines.append(f"```\n{proof.counterexample.text()}\n```")
    return "\n\n".join([*lines, render_markdown(_derivation(proof), written, result=False)] if proof.steps else lines)


def _notation(proof: Proof, name: str) -> Notation:
    return find_notation(name, as_operation(proof.definitions, _tensors(proof)) if proof.definitions else None)


def _derivation(proof: Proof) -> Derivation:
    """The proof as a derivation of its left side; what is not proved ends where its last step does."""
    steps = steps_of(proof)
    operation = as_operation(proof.definitions, _tensors(proof))
    facts = tuple(premise for premise in proof.premises if isinstance(premise, Fact))
    target, result = proof.left, proof.right
    if proof.verdict != PROVED:
        target, result = (steps[-1].left, steps[-1].after) if steps else (proof.left, proof.left)
    title = "the steps" if proof.verdict == PROVED else "both sides, as far as they go"
    return Derivation(title, operation, target, steps, result, proof.assumptions, facts)


def _tensors(proof: Proof) -> frozenset[Tensor]:
    bodies = [definition.body for definition in proof.definitions]
    return frozenset().union(*map(tensors_in, (proof.left, proof.right, *bodies)))


def _sizes(proof: Proof) -> list[str]:
    """The sizes in the order of the tensors' axes."""
    met: dict[str, None] = {}
    for tensor in (*(definition.tensor for definition in proof.definitions), *sorted(_tensors(proof), key=str)):
        met.update((str(extent), None) for extent in tensor.sizes if extent.is_Symbol)
    rest = sorted(str(symbol) for side in (proof.left, proof.right) for symbol in side.free_symbols)
    return list(dict.fromkeys((*met, *rest)))
