"""Is an equation true for all sizes and values? Proved by the normal form, or refuted with numbers.

Both sides are brought to the prover's normal form; if the difference vanishes they are equal wherever both are defined.
Otherwise values are looked for at which the sides differ. Neither found is "undecided". Before "proved" is said, both
sides are evaluated at random values; a disagreement there is a defect of the engine and an error, never a verdict.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sympy import Expr, sympify

from derive.affine import is_whole
from derive.budget import OutOfTimeError, within
from derive.cases import where_defined
from derive.contractions import stands_at
from derive.counterexamples import Counterexample, Question, assignments
from derive.definitions import Definition, inline
from derive.demands import Demand, demands
from derive.derivation import Step
from derive.derivatives import Derivatives
from derive.differentiation import close, with_totals
from derive.errors import EngineError, InputError
from derive.evaluation import Assignment
from derive.functions import Where
from derive.indicators import Bracket
from derive.normal_form import Normaliser
from derive.precision import UndefinedError, context
from derive.premises import (
    Equality,
    Premise,
    Sign,
    equalities_of,
    facts_of,
    holding,
    intervals_of,
    requirements_of,
    settled,
    with_equalities,
    with_signs,
)
from derive.regions import regions
from derive.sums import Partial, free_indices, has, nodes, rewrite, tensors_in
from derive.vanishing import ONE_CASE, vanishes

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
#: A derivative taken by differences is right to so many digits, and is looked at at so many places.
DERIVATIVE_TOLERANCE = context.mpf(10) ** -8
DERIVATIVE_PLACES = 4

#: Seconds for a look whether the normal form agrees that an equation is refuted.
A_LOOK = 1.0
#: What is done with more time only if it was stopped: it would find no more.
NORMAL_FORM = "the normal form of the difference"

Result = TypeVar("Result")


class UnsoundError(EngineError):
    """The normal form says equal and numbers say different: a defect of the engine."""


@dataclass(frozen=True)
class Proof:
    """A verdict on ``left = right``.

    Attributes:
        verdict: ``"proved"``, ``"refuted"`` or ``"undecided"``.
        assumptions: the given facts that the proof used, as texts.
        counterexample: the numbers of a refutation.
        definitions, premises: what the sides are about, and the facts that were used.
        tried: what was tried where nothing was decided.
        conditions: where both sides are defined, such as ``x[n] != 0``; what always holds is left out.
        kinks: equations such as ``x[n] = 0``, outside of which a refuted equation holds.
        needed: texts of facts, under each of which a refuted equation would be proved.
        unused: given facts that a proof did without.
    """

    left: Expr
    right: Expr
    verdict: str
    assumptions: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    definitions: tuple[Definition, ...] = ()
    premises: tuple[Premise, ...] = ()
    tried: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the proof; for what is not proved, the steps that bring each side to its shortest form."""
        from derive.exposition import steps_of

        return steps_of(self)

    def check(self, seed: int = 0) -> None:
        """Evaluate both sides of every step at random values, derivatives by central differences.

        Raises:
            CheckFailedError: two sides differ.
        """
        from derive.exposition import check_proof

        check_proof(self, seed)

    def text(self, notation: str = "bar", steps: bool = True, colour: bool = False) -> str:
        """Return the verdict for a terminal, with its steps or without them."""
        from derive.exposition import render_proof_text

        return render_proof_text(self, notation, steps, colour)

    def latex(self, notation: str = "bar") -> str:
        """Return the steps as an ``align*`` block that LaTeX and KaTeX accept."""
        from derive.exposition import render_proof_latex

        return render_proof_latex(self, notation)

    def markdown(self, notation: str = "bar") -> str:
        """Return the verdict and its steps as Markdown with display formulas."""
        from derive.exposition import render_proof_markdown

        return render_proof_markdown(self, notation)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __str__(self) -> str:
        return self.text(steps=False)


def prove_equal(
    left: Expr,
    right: Expr,
    definitions: tuple[Definition, ...] = (),
    facts: Iterable[Premise] = (),
    seed: int = 0,
    seconds: float | None = None,
    asked: Iterable[Demand] = (),
) -> Proof:
    """Decide whether two expressions are equal for all sizes, free indices and values that satisfy the facts.

    Args:
        definitions: of names that the sides use; derivatives go through them.
        seconds: how long to try; without it, as long as it takes.
        asked: what must hold besides for both sides to be defined, as they were typed.

    Raises:
        InputError: a side is no expression, or a fact is about a tensor that is defined.
        UnsoundError: the engine contradicts itself.

    Example:
        >>> from derive.indices import Tensor
        >>> from sympy import exp
        >>> x = Tensor("x")()
        >>> prove_equal(1 / (1 + exp(-x)), 1 - 1 / (1 + exp(x))).verdict
        'proved'
    """
    left, right, premises = _checked(left), _checked(right), settled(facts, definitions)
    return _Attempt(left, right, tuple(definitions), premises, seed, seconds, tuple(asked)).decide()


def _checked(side: Any) -> Expr:
    """A side as an expression.

    Raises:
        InputError: it is none; a text is not read here.
    """
    if isinstance(side, (Expr, int)) and not isinstance(side, bool):
        return sympify(side)
    raise InputError(
        f"a side of an equation is an expression made of the project's nodes, not {type(side).__name__}; "
        "derive.prove takes a text"
    )


class _Attempt:
    """One equation, on its way to a verdict."""

    def __init__(
        self,
        left: Expr,
        right: Expr,
        definitions: tuple[Definition, ...],
        premises: tuple[Premise, ...],
        seed: int,
        seconds: float | None,
        asked: tuple[Demand, ...],
    ) -> None:
        self.left, self.right, self.definitions, self.premises = left, right, definitions, premises
        self.seed, self.seconds, self.asked = seed, seconds, asked
        self.tried: list[str] = []
        self.stopped: set[str] = set()
        self.conditions: tuple[str, ...] = ()
        self.compared = False

    def decide(self) -> Proof:
        try:
            with within(self.seconds):
                self.sides = tuple(close(side, self.definitions) for side in (self.left, self.right))
                self.needs = tuple(dict.fromkeys(close(need, self.definitions) for need in self._needs()))
                return self._decide()
        except OutOfTimeError:
            self.tried.append("the time was over")
            return self._verdict(UNDECIDED)

    def _decide(self) -> Proof:
        found = self._phase("numbers at small sizes", 0.25, lambda: self._hunt(thorough=False))
        used = self._phase(NORMAL_FORM, 0.4, self._prove, A_LOOK)
        if used is None and found is None and self.definitions:
            used = self._phase("definition by definition", 0.4, self._prove_by_names)
        if used is None and found is None and NORMAL_FORM in self.stopped:
            used = self._phase("the normal form, with more time", 0.4, self._prove)
        if found is None and (used is None or not self.compared):
            found = self._phase("more numbers", 0.6, lambda: self._hunt(thorough=True))
        if used is None and found is None:
            used = self._phase("case by case", 1.0, lambda: self._prove(by_cases=True))
        if found is not None and used is not None:
            raise UnsoundError(f"the normal forms agree and the numbers do not:\n{found.text()}")
        if found is not None:
            return self._verdict(REFUTED, counterexample=found)
        if not self.compared:
            facts = " and satisfy the facts" if self.premises else ""
            self.tried.append(f"numbers at which both sides are defined{facts}: none found to hold them against")
        if used is None or not self.compared:
            return self._verdict(UNDECIDED)
        self._check_derivatives()
        return self._verdict(PROVED, used)

    def _phase(
        self, what: str, share: float, work: Callable[[], Result | None], most: float | None = None
    ) -> Result | None:
        """Try something for a share of the time, and note that it was tried."""
        limit = None if self.seconds is None else share * self.seconds
        try:
            with within(limit), within(most):
                result = work()
        except OutOfTimeError:
            self.stopped.add(what)
            self.tried.append(f"{what}: stopped for want of time")
            return None
        if result is None:
            self.tried.append(f"{what}: nothing found")
        return result

    def _verdict(
        self, verdict: str, used: tuple[Premise, ...] = (), counterexample: Counterexample | None = None
    ) -> Proof:
        texts = tuple(premise.text for premise in used)
        tried = tuple(self.tried) if verdict == UNDECIDED else ()
        conditions = self.conditions if verdict == PROVED else ()
        about = (self.definitions, used, tried, conditions)
        return Proof(self.left, self.right, verdict, texts, counterexample, *about)

    # -- the phases ---------------------------------------------------------------------------------------------------

    def _needs(self) -> Iterator[Expr]:
        """What must have a value besides the sides: what was typed, what is defined and what is differentiated."""
        bodies = [definition.body for definition in self.definitions if not has(definition.body, Partial)]
        for demand in (*self.asked, *(each for body in bodies for each in demands(body))):
            yield demand.expression()
        typed = (self.left, self.right, *(definition.body for definition in self.definitions))
        for partial in (partial for expr in typed for partial in nodes(expr, Partial)):
            yield partial.body
            for bracket in nodes(close(partial.body, self.definitions), Bracket):
                difference = bracket.left - bracket.right
                if bracket.relation in ("=", "!=") and not is_whole(difference):
                    # At a single place no rule tells the derivative of a choice.
                    yield Demand("!=", difference).expression()

    def _hunt(self, thorough: bool) -> Counterexample | None:
        left, right = (with_equalities(side, self.premises) for side in self.sides)
        question = Question(
            left,
            right,
            requirements_of(self.premises, self.definitions),
            intervals_of(self.premises),
            tuple(self._definitions()),
            tuple(with_equalities(need, self.premises) for need in self.needs),
        )
        for found in question.compare(random.Random(self.seed), thorough):
            if found is not None:
                return found
            self.compared = True
        return None

    def _definitions(self) -> list[Definition]:
        """What must have a value: everything that is defined, but by derivatives."""
        plain = [definition for definition in self.definitions if not has(definition.body, Partial)]
        known = {definition.tensor for definition in plain}
        unknown = {definition.tensor for definition in self.definitions} - known
        return [
            Definition(each.target, with_equalities(each.body, self.premises))
            for each in plain
            if not tensors_in(each.body) & unknown
        ]

    def _prove(self, by_cases: bool = False) -> tuple[Premise, ...] | None:
        """The facts that were needed to see that the sides are equal; None where that was not seen."""
        if self._vanishes((), by_cases) is not None:
            return ()
        used = self._vanishes(self.premises, by_cases) if self.premises else None
        for premise in used or ():
            fewer = tuple(each for each in used or () if each != premise)
            if fewer and self._vanishes(fewer, by_cases) is not None:
                used = fewer
        return used

    def _prove_by_names(self) -> tuple[Premise, ...] | None:
        """As ``_prove``, with names kept: definitions are put in one after the other, the last one first.

        What is equal whatever the names stand for is equal for what they do stand for.
        """
        derivatives = Derivatives(self.definitions)
        whole, named = self.sides, tuple(derivatives.carry_out(side) for side in (self.left, self.right))
        try:
            for definition in reversed(self.definitions):
                self.sides = named
                used = self._prove()
                if used is not None:
                    return used
                named = tuple(inline(side, (definition,)) for side in named)
        finally:
            self.sides = whole
        return None

    def _vanishes(self, premises: tuple[Premise, ...], by_cases: bool) -> tuple[Premise, ...] | None:
        """Whether the difference vanishes under facts: those used, as far as that is seen."""
        given = [with_signs(with_equalities(each, premises), premises) for each in (*self.sides, *self.needs)]
        facts = facts_of(premises, self.definitions)
        around = regions(Normaliser(generators=True, facts=facts), *given)
        for intervals in ({}, around) if around else ({},):
            normaliser = Normaliser(generators=True, facts=facts)
            left, right, *needs = (inline(each, holding(intervals)) for each in given)
            case = where_defined(normaliser, left, right, *needs) if by_cases else ONE_CASE
            if vanishes(normaliser, left - right, case) and self._positions_are_there(normaliser):
                found = intervals.items()
                self.conditions = tuple(text for tensor, interval in found for text in interval.texts(tensor.word))
                break
        else:
            return None
        names = {fact.text for fact in normaliser.used_facts}
        return tuple(each for each in premises if isinstance(each, (Equality, Sign)) or each.text in names)

    def _positions_are_there(self, normaliser: Normaliser) -> bool:
        """Whether every number that was taken for a position of a size is one wherever both sides are defined."""
        plain = [without_choices(side) for side in self.sides]
        return all(any(stands_at(side, *used) for side in plain) for used in normaliser.used_positions)

    def _check_derivatives(self) -> None:
        """Hold both sides against each other with derivatives taken by differences.

        Raises:
            UnsoundError: they differ.
        """
        if not any(has(side, Partial) for side in (self.left, self.right)):
            return
        sides = [with_totals(side, self.definitions) for side in (self.left, self.right)]
        given = equalities_of(self.premises)
        by_tensor = {definition.tensor: definition for definition in (*given, *self.definitions)}
        indices = sorted(free_indices(self.left) | free_indices(self.right), key=lambda index: index.name)
        everything = (*sides, *(definition.body for definition in by_tensor.values()))
        facts, generator = requirements_of(self.premises, self.definitions), random.Random(self.seed)
        bounds = intervals_of(self.premises)
        drawn = next(assignments(everything, facts, generator, False, bounds, by_tensor), None)
        if drawn is None:
            return
        here = Assignment(drawn.sizes, drawn.values, by_tensor)
        for places in list(here.places(indices))[:DERIVATIVE_PLACES]:
            try:
                first, second = (here.value(side, places) for side in sides)
            except (UndefinedError, ZeroDivisionError):
                continue
            if abs(first - second) > DERIVATIVE_TOLERANCE * (1 + abs(first) + abs(second)):
                shown = " and ".join(context.nstr(value, 12) for value in (first, second))
                raise UnsoundError(f"the derivatives agree and their differences do not: {shown}")


def without_choices(expr: Expr) -> Expr:
    """An expression without the values of its choices, of which only one is looked at."""
    result: Expr = rewrite(expr, lambda node: node.condition if isinstance(node, Where) else None)
    return result


def is_zero(expr: Expr) -> bool:
    """Whether the normal form of an expression vanishes.

    Example:
        >>> from derive.indices import Tensor
        >>> x = Tensor("x")()
        >>> is_zero((x + 1) ** 2 - x**2 - 2 * x - 1), is_zero(x - 1)
        (True, False)
    """
    return vanishes(Normaliser(generators=True), expr)
