"""What a report says of proofs: the verdict on each gradient, its shorter forms, and the numbers of the code."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Float, Integer

from codegen.documents.model import Block, Line, Listing, Paragraph, Table, Verbatim, words
from codegen.documents.phrases import listed
from codegen.documents.wording import Wording
from codegen.phrases import phrase
from codegen.verification import compare_numbers
from derive.catalogue import parse_fact
from derive.proof import PROVED
from derive.rendering import count_of_lines
from derive.verification import GradientCheck, has_kinks

#: What is said of the steps of a derivation.
_EACH = "{count}, each equal at random values"


def proof(wording: Wording) -> Iterator[Block]:
    """Yield what is proved of the gradients, and what their code was held against."""
    text = "Each result is proved to be the derivative of the whole expression, not of examples."
    if all(check.proof.verdict == PROVED for check in wording.checks):
        yield Paragraph(wording.say(text))
    head = tuple(map(wording.say, ("gradient", "verdict", "holds for", "steps")))
    yield Table(head, tuple(_check_row(wording, check) for check in wording.checks))
    if has_kinks(wording.operation):
        yield Paragraph(
            wording.say(
                "At a kink or a tie, where there may be no derivative, the value of the result is a convention."
            )
        )
    for check in wording.checks:
        yield from _simplifications(wording, check)
    yield Paragraph(wording.say("The generated code, in double precision, against numbers:"))
    head = tuple(map(wording.say, ("compared with", "sizes", "largest error", "allowed")))
    yield Table(head, tuple(_comparisons(wording)))


def _check_row(wording: Wording, check: GradientCheck) -> tuple[Line, ...]:
    text = "{count} in one derivation, each equal at random values" if wording.parts else _EACH
    count = wording.say(text, count=str(count_of_lines(check.derivation)))
    return (
        (wording.formula(wording.target(check.derivation)),),
        wording.say(check.proof.verdict),
        _scope(wording, check),
        count,
    )


def _scope(wording: Wording, check: GradientCheck) -> Line:
    """For what a gradient is proved: for every size, and wherever it is defined."""
    language = wording.language
    sizes: list[Line] = [(wording.formula(each),) for each in wording.operation.sizes]
    conditions: list[Line] = [(Verbatim(text),) for text in check.proof.conditions]
    line = wording.say("every {sizes}", sizes=listed(sizes, language)) if sizes else wording.say("every value")
    if conditions:
        line = wording.say("{scope} where {conditions}", scope=line, conditions=listed(conditions, language))
    return line


def _simplifications(wording: Wording, check: GradientCheck) -> Iterator[Block]:
    for each in check.simplifications:
        fact = wording.fact(parse_fact(each.fact, wording.operation))
        yield Paragraph(
            wording.say("Given {fact} this is {verdict}:", fact=fact, verdict=wording.say(each.proof.verdict))
        )
        yield wording.result(each.derivation)
        if (found := each.without.counterexample) is not None:
            yield Paragraph(
                wording.say("Without this assumption it is refuted: the two forms differ at these numbers.")
            )
            left, right, at = (phrase(name, wording.language) for name in ("shorter form", "derived form", "at"))
            yield Listing(found.text(left, right, at), "text")


def _comparisons(wording: Wording) -> Iterator[tuple[Line, ...]]:
    for each in compare_numbers(wording.operation).comparisons:
        sizes = words(each.sizes.replace(" x ", " × ")) if each.sizes else wording.say("a single number")
        numbers = [
            wording.formula(Float(f"{number:.1e}") if number else Integer(0))
            for number in (each.difference, each.allowed)
        ]
        yield wording.say(each.what), sizes, *((number,) for number in numbers)
