"""How one operation is spoken of in a document: its language, its notation, and what is derived and proved of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from sympy import Expr

from codegen.documents.model import Block, Display, Formula, Line, Piece, Section
from codegen.documents.phrases import say
from codegen.phrases import phrase
from derive.derivation import Derivation, by_itself
from derive.facts import Fact
from derive.indices import Tensor
from derive.networks import called
from derive.notation import BAR, find_notation
from derive.operation import Operation
from derive.pullback import by_parts, is_long
from derive.sums import Partial
from derive.typesetting import counted_from
from derive.verification import GradientCheck, verify

#: What is told, in a line, while a document is made.
Told = Callable[[str], None]


class Wording:
    """What the parts of a document on one operation share.

    Attributes:
        label: what files of pictures are called after.
        notation: how gradients and choices are written, in the language.
        first: the number that the whole document counts positions from: 0 where any of it computes with them.
        checks: the gradients, each proved; they are made when they are asked for.
    """

    def __init__(
        self, operation: Operation, language: str = "en", notation: str = BAR.name, told: Told | None = None
    ) -> None:
        self.told = told
        self.operation, self.language = operation, language
        self.label = re.sub(r"\W+", "-", called(operation))
        choice = (phrase("if", language), phrase("otherwise", language))
        self.notation = replace(find_notation(notation, operation), choice=choice)

    @cached_property
    def first(self) -> int:
        return counted_from(*self.expressions())

    def expressions(self) -> Iterator[Expr]:
        """What is written of an operation: the definitions, and the gradients step by step."""
        yield from (each.body for each in self.operation.definitions)
        for derivation in self.derivations:
            yield derivation.result
            yield from (step.after for step in derivation.steps)

    @cached_property
    def checks(self) -> tuple[GradientCheck, ...]:
        self.tell("Proof")
        return verify(self.operation)

    @cached_property
    def parts(self) -> tuple[Derivation, ...]:
        """The gradients of a long operation with those of intermediates by name; none where it is short."""
        parts = by_parts(self.operation) if self.operation.differentiable else ()
        return tuple(map(by_itself, parts)) if is_long(self.operation, parts) else ()

    @cached_property
    def derivations(self) -> Sequence[Derivation]:
        """The gradients that are shown step by step."""
        if not self.operation.differentiable:
            return ()
        return self.parts or [check.derivation for check in self.checks]

    def say(self, text: str, **places: Piece | Line | str) -> Line:
        return say(text, self.language, **places)

    def tell(self, heading: str) -> None:
        """Tell whoever waits what is made now."""
        if self.told is not None:
            self.told(f"{called(self.operation)}: {phrase(heading, self.language)}")

    def section(self, heading: str, blocks: Iterator[Block] | Sequence[Block]) -> Section:
        self.tell(heading)
        return Section(self.say(heading), tuple(blocks))

    def formula(self, *sides: Expr) -> Formula:
        """A formula, counted from where the whole document is."""
        return Formula(sides, self.notation, self.first)

    def name(self, tensor: Tensor) -> Formula:
        """A tensor by its name alone."""
        return self.formula(Tensor(tensor.name, role=tensor.role)())

    def fact(self, fact: Fact) -> Formula:
        return self.formula(fact.left, fact.right)

    def target(self, derivation: Derivation) -> Expr:
        """What is derived; a loss that is told by its parts has all of its gradients in their notation."""
        target = derivation.target
        if self.parts and isinstance(target, Partial):
            element = target.element
            return self.operation.gradient_of(element.tensor)(*element.indices)
        return target

    def result(self, derivation: Derivation) -> Display:
        """What is derived."""
        return Display(self.formula(self.target(derivation), derivation.result))
