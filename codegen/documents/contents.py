"""What a report says of an operation: definition, gradients with their derivations, proof, pictures, code, source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from sympy import Expr

from codegen.documents.model import (
    Block,
    Chain,
    Display,
    Document,
    Fold,
    Line,
    Listing,
    Paragraph,
    Piece,
    Section,
    Steps,
    Table,
    Verbatim,
    Words,
    words,
)
from codegen.documents.phrases import reason
from codegen.documents.pictures import pictures
from codegen.documents.proofs import proof
from codegen.documents.wording import Told, Wording
from codegen.modules import source
from codegen.phrases import SEPARATORS
from derive.catalogue import parse_fact
from derive.derivation import Derivation, by_itself
from derive.facts import Fact
from derive.indices import INCOMING, Index, Tensor, size
from derive.letters import letters_by_size
from derive.networks import called
from derive.operation import Operation
from derive.printing import shape_text
from derive.pullback import by_parts
from derive.rendering import Line as Right
from derive.rendering import blocks_of, count_of_lines
from derive.sums import Partial

#: A name, or an element of a tensor, as the engine writes it in the note of a step.
_ELEMENT = re.compile(r"([^\W\d]\w*)(?:\[(\w+(?:,\w+)*)\])?")


def document(
    operations: Sequence[Operation], language: str, notation: str = "bar", told: Told | None = None
) -> Document:
    """Return the report on some operations; with several, each has a section of its own.

    ``told`` is called with what is made next, as proofs may take long.
    """
    different = list(dict.fromkeys(operations))
    titles = list(map(called, different))
    contents = [Contents(operation, language, notation, told) for operation in different]
    labels = [each.label for each in contents]
    for place, each in enumerate(contents):
        if labels[place] in labels[:place]:  # Two definitions may define one name.
            each.label = f"{labels[place]}-{place + 1}"
    start = min((each.first for each in contents), default=1)
    for each in contents:
        each.first = start
    if len(contents) == 1:
        return Document(titles[0], language, tuple(contents[0].blocks()))
    sections = tuple(Section(words(title), tuple(each.blocks())) for title, each in zip(titles, contents, strict=True))
    return Document(", ".join(titles), language, sections)


class Contents(Wording):
    """What is to be said of one operation, in pieces."""

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of a report, in reading order."""
        yield from self.title()
        yield self.section("Definition", self.definition())
        yield self.section("Pictures", pictures(self.operation, self.label, self.language, self.notation))
        yield self.section("Gradients", self.gradients())
        if self.operation.differentiable:
            yield self.section("Proof", proof(self))
        yield self.section("Code", self.code())
        if self.operation.record.source:
            yield self.section("Source", [Paragraph(words(f"{self.operation.record.source}."))])

    # -- definition --

    def title(self) -> Iterator[Block]:
        """What the operation is, as its record says it."""
        title = self.operation.record.title
        if title and title != called(self.operation):
            yield Paragraph(words(f"{title[:1].upper()}{title[1:]}."))

    def definition(self) -> Iterator[Block]:
        operation = self.operation
        yield from self.definitions()
        yield self.inputs()
        yield from self.outputs()
        if operation.leading is not None:
            letter, *_ = letters_by_size(operation)[operation.leading]
            places = {"letter": self.formula(Index(letter, operation.leading)), "size": self.formula(operation.leading)}
            yield Paragraph(self.say("{letter} runs over all leading axes, {size} positions together.", **places))
        for text in operation.record.facts:
            yield Paragraph(self.say("Usually {fact}.", fact=self.fact(parse_fact(text, operation))))

    def definitions(self) -> Iterator[Block]:
        """The definitions, each on a line of its own."""
        for each in self.operation.definitions:
            yield Display(self.formula(each.target, each.body))

    def inputs(self) -> Table:
        """The inputs, their shapes and what else there is to say of them."""
        operation, record = self.operation, self.operation.record
        rows = [(self.code_line(each.name), self.shape(each), self.role(each)) for each in operation.inputs]
        for symbol in operation.parameters:
            default = record.defaults.get(symbol.name)
            note = self.say("a whole number")
            if default:
                comma, *_ = SEPARATORS[self.language]
                note += (Words(comma), *self.say("{default} where it is left out", default=str(default)))
            rows.append((self.code_line(symbol.name), self.say("a number"), note))
        heads = (self.say("input"), self.say("shape"), ())
        width = 3 if any(note for *_, note in rows) else 2  # No column for what is not said of any.
        return Table(heads[:width], tuple(row[:width] for row in rows))

    def outputs(self) -> Iterator[Block]:
        """What there is to say of several outputs, and of the gradients that come in through them."""
        operation = self.operation
        if len(operation.outputs) == 1:
            return
        comma, *_ = SEPARATORS[self.language]
        names: Line = ()
        for output in operation.outputs:
            names += (*((Words(comma),) if names else ()), Verbatim(output.tensor.name))
        yield Paragraph(self.say("Outputs: {names}.", names=names))
        for tensor in operation.upstreams:
            if tensor.role == INCOMING:
                indices = operation.output_called(tensor.name).indices
                whole = Tensor(tensor.name, tensor.sizes).gradient()
                text = "{part} is what comes in through {name} alone, {whole} its whole gradient."
                part, whole_gradient = (self.formula(each(*indices)) for each in (tensor, whole))
                yield Paragraph(self.say(text, part=part, name=Verbatim(tensor.name), whole=whole_gradient))

    def code_line(self, text: str) -> Line:
        return (Verbatim(text),)

    def shape(self, tensor: Tensor) -> Line:
        if tensor in self.operation.settings:
            return self.say("a number")
        if self.operation.is_elementwise:
            return self.say("any")
        return words(shape_text(self.operation, tensor)) if tensor.rank else self.say("a number")

    def role(self, tensor: Tensor) -> Line:
        """What else there is to say of an input."""
        defaults = self.operation.record.defaults
        if tensor.name in defaults:
            return self.say("{default} where it is left out", default=str(defaults[tensor.name]))
        if tensor.values is not None:
            return self.say("whole numbers from 0 to {last}", last=f"{tensor.values} - 1")
        return self.say("data: no gradient is derived") if tensor in self.operation.labels else ()

    # -- gradients --

    def gradients(self) -> Iterator[Block]:
        if not self.operation.differentiable:
            yield Paragraph(self.say("There is no input to differentiate by."))
            return
        yield from map(Paragraph, self.upstreams())
        if self.parts:
            yield Paragraph(self.say("The backward pass by its parts: gradients of intermediates keep their names."))
        for derivation in self.derivations:
            heading = self.say("Gradient with respect to {name}", name=self.formula(source_of(derivation.target)))
            yield Section(heading, tuple(self.gradient(derivation)))

    def upstreams(self) -> Iterator[Line]:
        operation = self.operation
        if operation.is_loss:
            yield self.say("A loss is differentiated by itself: there is no upstream gradient.")
            return
        for tensor in operation.upstreams:
            if tensor.role != INCOMING:
                text = "{gradient} is the upstream gradient: that of the loss with respect to the output {name}."
                yield self.say(text, gradient=self.name(tensor), name=self.name(Tensor(tensor.name)))

    def gradient(self, derivation: Derivation) -> Iterator[Block]:
        yield from (Display(self.formula(each.target, each.body)) for each in derivation.named)
        yield self.result(derivation)
        for fact, shorter in self.shorter:
            if shorter.target == derivation.target:
                yield Paragraph(self.say("Given {fact}:", fact=self.fact(fact)))
                yield self.result(shorter)
        if derivation.steps:
            count = count_of_lines(derivation)
            text = "Derivation in {count} steps" if count > 1 else "Derivation in one step"
            yield Fold(self.say(text, count=str(count)), (self.steps(derivation),))

    @cached_property
    def shorter(self) -> list[tuple[Fact, Derivation]]:
        """What is shorter where the record's facts hold, and the fact that it needs."""
        if not self.parts:
            made = [each for check in self.checks for each in check.simplifications]
            return [(parse_fact(each.fact, self.operation), each.derivation) for each in made]
        facts = [parse_fact(text, self.operation) for text in self.operation.record.facts]
        return [
            (fact, by_itself(part))
            for fact in facts
            for part in by_parts(self.operation, given=[fact])
            if part.assumptions
        ]

    def steps(self, derivation: Derivation, read: Callable[[str], Piece] | None = None) -> Steps:
        """The steps of a derivation, with the reasons in the language; ``read`` says how what they name is shown."""
        chains = [
            Chain(block.left, tuple((line.right, self.reason(line, read or self.read)) for line in block.lines))
            for block in blocks_of(derivation)
        ]
        return Steps(tuple(chains), self.notation, self.first)

    def reason(self, line: Right, read: Callable[[str], Piece]) -> Line:
        parts = [reason(text, self.language, read) for text in (line.rule, line.note) if text]
        return (
            parts[0]
            if len(parts) == 1
            else (*parts[0], Words(SEPARATORS[self.language][2]), *parts[1])
            if parts
            else ()
        )

    def read(self, text: str) -> Piece:
        """Return what a step's note names, such as an element, as a formula."""
        match = _ELEMENT.fullmatch(text)
        if match is None:
            return Words(text)
        indices = [Index(name, size(name.upper())) for name in match[2].split(",")] if match[2] else []
        return self.formula(Tensor(match[1], tuple(index.size for index in indices))(*indices))

    # -- code --

    def code(self) -> Iterator[Block]:
        yield Paragraph(self.say("Forward and backward pass in NumPy, as one module that stands alone."))
        yield Listing(source(self.operation))


def source_of(target: Expr) -> Expr:
    """Return the name of what a derivative or a gradient is taken by."""
    return Tensor((target.element if isinstance(target, Partial) else target).tensor.name)()
