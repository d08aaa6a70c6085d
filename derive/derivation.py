"""Derivations: the steps from a definition to its Jacobian or vector-Jacobian product, each one an equation.

A step says ``left = after``, obtained from ``left = before`` by a named rule. Steps that share their left side are one
chain of equalities. Every step can be checked by numbers that the engine's rules had no part in (``check``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import cycle

from sympy import Add, Expr, Integer

from derive.definitions import Definition
from derive.errors import EngineError, InputError
from derive.evaluation import Assignment
from derive.facts import Fact
from derive.gradient_operations import derived_element, gradient_operation, holds_under_facts
from derive.indices import Element, Tensor
from derive.letters import disjoint, natural_element
from derive.notation import find_notation
from derive.operation import Operation
from derive.precision import UndefinedError, context
from derive.sampling import impose, sample
from derive.sums import IndexSum, Partial, free_indices, rewrite

#: Sizes at which steps are checked, distinct so that no two axes are mistaken for each other.
CHECK_SIZES = (2, 3, 4, 2, 3)
#: The same where there are more of them, and an array of all would be large.
SMALL_SIZES = (2, 3, 2, 1)
#: Values drawn until a derivation is defined at them, and places at which a step is evaluated.
ATTEMPTS = 100
MOST_PLACES = 40


class CheckFailedError(EngineError):
    """A printed step is not an equality: a defect of the engine, never of the input."""


@dataclass(frozen=True)
class Step:
    """``left = before`` becomes ``left = after`` by the rule.

    Attributes:
        rule: the rule's name.
        note: what the rule used, such as the definition folded back; may be empty.
    """

    rule: str
    left: Expr
    before: Expr
    after: Expr
    note: str = ""


def check_step(step: Step, assignment: Assignment, generator: random.Random, title: str) -> None:
    """Compare the sides of a step at many places.

    Raises:
        CheckFailedError: they differ.
        UndefinedError: a side has no value.
    """
    sides = (step.left, step.before, step.after)
    indices = sorted(frozenset().union(*map(free_indices, sides)), key=lambda index: index.name)
    for places in assignment.some_places(indices, MOST_PLACES, generator):
        values = [assignment.value(side, places) for side in sides]
        scale = 1 + max(abs(value) for value in values)
        if max(abs(value - values[0]) for value in values) > scale * context.mpf(10) ** -10:
            shown = ", ".join(context.nstr(value, 8) for value in values)
            raise CheckFailedError(f"the step '{step.rule}' of {title} does not hold: {shown}")


@dataclass(frozen=True)
class Derivation:
    """A derived equation ``target = result`` and the steps that lead to it.

    Attributes:
        title: what is derived.
        operation: of which operation.
        target: the left side: a partial derivative or an element of a gradient.
        steps: in reading order.
        result: the shortest form found.
        assumptions: the given facts that were used, as texts; without them the result need not hold.
        named: gradients of intermediates that the result is written by, in the order of computation; none where it is
            short enough to be written out.
    """

    title: str
    operation: Operation
    target: Expr
    steps: tuple[Step, ...]
    result: Expr
    assumptions: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = field(default=(), repr=False)
    named: tuple[Definition, ...] = ()

    def as_operation(self) -> Operation:
        """Return the operation that computes what was derived: ``find`` makes it of a derivation, too.

        Its inputs are those of the operation, and the upstream gradient where the result has it; the intermediates
        that the result uses keep their names.

        Raises:
            InputError: the result holds under given facts alone; it says nothing of what is around them.

        Example:
            >>> from derive.printing import operation_text
            >>> from derive.pullback import vjp
            >>> print(operation_text(vjp("sigmoid", "x").as_operation()))
            y = 1/(1 + exp(-x)); dx = dy*y*(1 - y)
        """
        if self.assumptions:
            raise holds_under_facts(self.title, self.assumptions)
        definition = Definition(derived_element(self.operation, self.target), self.result)
        return gradient_operation(self.operation, [definition], f"{self.operation.name}-gradient", self.title)

    def latex(self, notation: str = "bar", steps: bool = True) -> str:
        """Return an ``align*`` block that LaTeX and KaTeX accept; ``steps=False`` gives the result alone."""
        from derive.rendering import render_latex

        return render_latex(self, find_notation(notation, self.operation), steps)

    def markdown(self, notation: str = "bar", steps: bool = True) -> str:
        """Return the derivation as Markdown with display formulas."""
        from derive.rendering import render_markdown

        return render_markdown(self, find_notation(notation, self.operation), steps)

    def text(self, notation: str = "bar", steps: bool = True, colour: bool = False) -> str:
        """Return the derivation for a terminal."""
        from derive.rendering import render_text

        return render_text(self, find_notation(notation, self.operation), steps, colour=colour)

    def _repr_latex_(self) -> str:
        return self.latex()

    def __str__(self) -> str:
        return self.text()

    def check(self, seed: int = 0) -> None:
        """Evaluate both sides of every step at random values, derivatives by central differences.

        Raises:
            CheckFailedError: two sides differ.
            InputError: no values were found at which the operation is defined.
        """
        generator = random.Random(seed)
        for _ in range(ATTEMPTS):
            try:
                self._check_at(self.assignment(generator), generator)
            except UndefinedError:
                continue
            return
        raise CheckFailedError(f"no values were found at which every step of {self.title} is defined")

    def _check_at(self, assignment: Assignment, generator: random.Random) -> None:
        """Compare the sides of every step, and of what the derivation says in the end, at many places."""
        conclusion = Step("conclusion", self.target, self.target, self.result)
        for step in (*self.steps, conclusion):
            check_step(step, assignment, generator, self.title)

    def assignment(self, generator: random.Random) -> Assignment:
        """Random values for everything the steps mention, the assumptions satisfied."""
        operation = self.operation
        symbols = (*operation.sizes, *operation.parameters)
        extents = CHECK_SIZES if len(symbols) < len(CHECK_SIZES) else SMALL_SIZES
        sizes = dict(zip(symbols, cycle(extents), strict=False))
        for _ in range(ATTEMPTS):
            drawn = [*operation.inputs, *operation.upstreams]
            values = sample(drawn, sizes, generator, operation.record.domain)
            definitions = {definition.tensor: definition for definition in operation.definitions}
            for tensor in (*operation.inputs, *definitions):
                if operation.gradient_of(tensor) not in drawn:
                    definitions[operation.gradient_of(tensor)] = _gradient_definition(operation, tensor)
            assignment = Assignment(sizes, values, definitions)
            try:
                if not impose(self.facts, assignment):
                    continue
                for output in operation.outputs:
                    assignment.value(output.target, {index: 0 for index in output.indices})
            except UndefinedError:
                continue
            return assignment
        raise InputError(f"no values were found at which {operation.name} is defined, so no step of it was checked")


class Derivations(tuple[Derivation, ...]):
    """Derivations of one operation; a notebook shows their results as formulas under one another."""

    __slots__ = ()

    def latex(self, notation: str = "bar") -> str:
        """Return the results as one ``align*`` block that LaTeX and KaTeX accept."""
        from derive.rendering import render_results

        return render_results(self, find_notation(notation, self[0].operation)) if self else ""

    def text(self, notation: str = "bar") -> str:
        """Return the results for a terminal, a line or more for each."""
        return "\n".join(each.text(notation, steps=False) for each in self)

    def _repr_latex_(self) -> str:
        return self.latex()

    def __str__(self) -> str:
        return self.text()


def by_itself(derivation: Derivation) -> Derivation:
    r"""Return what is derived of a loss with its gradient with respect to itself, 1, put in; any other as it is.

    The backward pass of a loss begins with :math:`\bar L = 1`, so that a reader need not carry it along.

    Example:
        >>> from derive.pullback import by_parts
        >>> part, *_ = by_parts("softmax-cce-sparse")
        >>> print(by_itself(part).text(steps=False))
        z̄[n,k] = (p[n,k] - δ[k,t[n]]) / N
    """
    operation = derivation.operation
    if not operation.is_loss:
        return derivation
    upstreams = operation.upstreams

    def change(node: Expr) -> Expr | None:
        return Integer(1) if isinstance(node, Element) and node.tensor in upstreams else None

    def put_in(expr: Expr) -> Expr:
        made: Expr = rewrite(expr, change)
        return made

    steps = tuple(replace(s, before=put_in(s.before), after=put_in(s.after)) for s in derivation.steps)
    return replace(derivation, steps=steps, result=put_in(derivation.result))


def _gradient_definition(operation: Operation, tensor: Tensor) -> Definition:
    """The gradient by its meaning: what comes in times the total derivative, summed over the outputs."""
    here = natural_element(operation, tensor)
    terms = []
    for output in operation.outputs:
        where = disjoint(output.indices, here.indices)
        upstream = operation.upstream(output.tensor)(*where)
        if output.tensor == tensor:
            terms.append(operation.upstream(tensor)(*here.indices))
        elif tensor in operation.feeding(output.tensor):
            body = upstream * Partial(output.tensor(*where), here)
            terms.append(IndexSum(body, *where) if where else body)
    return Definition(operation.gradient_of(tensor)(*here.indices), Add(*terms))
