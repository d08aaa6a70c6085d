"""Phrases changed for reading: a sign taken out of a sum, a last factor out of a fraction.

Here too is what the writers ask of a phrase: whether a derivative is a higher one, and whether a matrix has a name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sympy import Expr

from derive.indices import Element, Tensor
from derive.notation import Notation
from derive.phrases import ONE, Phrase, Signed
from derive.reading import arrange, ordered_terms
from derive.sums import Partial, free_indices


def is_higher(partial: Phrase, notation: Notation) -> bool:
    """Whether a derivative is one of a derivative: of one not carried out, or of a gradient written as a quotient."""
    body = partial.parts[0]
    is_gradient = isinstance(body, Element) and notation.gradient_of(body.tensor) is not None
    return isinstance(body, Partial) or (is_gradient and notation.is_quotient)


def unfolded(body: Expr, *elements: Expr) -> tuple[Expr, ...]:
    """Return what a derivative of a derivative is of, and the elements by which, the first one first."""
    return unfolded(body.body, body.element, *elements) if isinstance(body, Partial) else (body, *elements)


@lru_cache(maxsize=20_000)
def signs_outside(phrase: Phrase) -> Phrase:
    """Take a minus out of a sum and of what holds it, for reading: the sum of -x is minus the sum of x."""
    if phrase.kind == "addition":
        terms = []
        for negative, inner in phrase.parts:
            changed = signs_outside(inner)
            turned = changed.kind == "negation"
            terms.append(Signed(negative != turned, changed.parts[0] if turned else changed))
        is_turned = any(new.negative != old.negative for new, old in zip(terms, phrase.parts, strict=True))
        return Phrase("addition", ordered_terms(terms) if is_turned else tuple(terms))
    signed = {"index_sum": 1, "negation": 1, "product": len(phrase.parts), "fraction": 2}.get(phrase.kind, 0)
    changed_parts = [signs_outside(arrange(part)) for part in phrase.parts[:signed]]
    turned_parts = [part.kind == "negation" for part in changed_parts]
    if not any(turned_parts):
        return phrase
    bare = [part.parts[0] if turned else part for part, turned in zip(changed_parts, turned_parts, strict=True)]
    if phrase.kind == "negation":
        return arrange(bare[0])
    turned_phrase = Phrase(phrase.kind, (*bare, *phrase.parts[signed:]), phrase.word)
    return Phrase("negation", (turned_phrase,)) if sum(turned_parts) % 2 else turned_phrase


def split_fraction(last_kinds: frozenset[str], additions: bool = False) -> Callable[[Phrase], Phrase]:
    """Return a change of phrases that takes signs out of sums, and a last factor out of a fraction.

    The latter gives (1/N) times a sum instead of the sum over N.

    It is done where the line has only sizes and numbers below it; for a bracketed addition, where ``additions`` asks
    for it, with a number below the line and another factor above it, and where a fraction would stand on a fraction.
    """

    def change(phrase: Phrase) -> Phrase:
        phrase = signs_outside(phrase)
        if phrase.kind != "fraction":
            return phrase
        above, below = map(arrange, phrase.parts)
        factors = above.parts if above.kind == "product" else (above,)
        last = arrange(factors[-1])
        is_addition = additions and last.kind == "addition"
        stands_out = (len(factors) > 1 and below.kind == "number") or has_fraction(last)
        if not (is_addition and stands_out) and not (last.kind in last_kinds and is_extent(below)):
            return phrase
        others = factors[:-1]
        rest = Phrase("product", others) if len(others) > 1 else arrange(others[0]) if others else ONE
        return Phrase("product", (Phrase("fraction", (rest, below)), last))

    return change


def has_fraction(phrase: Phrase) -> bool:
    """Whether a fraction stands in a phrase, not counting those in functions and exponents."""
    if phrase.kind == "addition":
        return any(has_fraction(term.phrase) for term in phrase.parts)
    return phrase.kind == "fraction" or (
        phrase.kind == "product" and any(has_fraction(arrange(p)) for p in phrase.parts)
    )


def is_extent(phrase: Phrase) -> bool:
    """Whether a phrase is made of numbers and sizes alone."""
    if phrase.kind in ("product", "power", "root"):
        return all(is_extent(arrange(part)) for part in phrase.parts)
    return phrase.kind in ("number", "symbol", "constant")


def named_matrix(phrase: Phrase) -> Element | None:
    """Return a matrix that is a whole tensor, or one of a batch, by its name and the batch's indices; else None."""
    entry, row, column = phrase.parts[:3]
    if not isinstance(entry, Element) or entry.indices[-2:] != (row, column):
        return None
    batch = entry.indices[:-2]
    if any({row, column} & free_indices(where) for where in batch):
        return None
    tensor = entry.tensor
    return Tensor(tensor.name, tensor.sizes[:-2], role=tensor.role)(*batch)
