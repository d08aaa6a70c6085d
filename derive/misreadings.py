"""What somebody may have meant whose claim about a gradient makes no sense, or is about another gradient."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import combinations, permutations

from sympy import S

from derive.definitions import Definition
from derive.diagnosis import MISTAKE, Finding
from derive.errors import DefinitionError, InputError
from derive.facts import Fact
from derive.gradients import SUBSCRIPT, ClaimedGradient, read_gradient
from derive.operation import Operation
from derive.premises import Premise
from derive.proof import PROVED, prove_equal
from derive.pullback import pull_back
from derive.sums import Partial
from derive.tokens import replace_names

#: An element with two indices or more, and the letters of one.
ACCESS = re.compile(r"(\w+)\[([^\[\]]*,[^\[\]]*)\]")


def mended_texts(text: str) -> Iterator[tuple[str, str]]:
    """Yield texts in which two letters are exchanged, or two indices of one element, or one is another letter.

    Each comes with what was done, in words.

    Example:
        >>> next(mended_texts("x[i]*dy[j]"))
        ('the gradient is transposed: i and j are exchanged', 'x[j]*dy[i]')
    """
    found = list(ACCESS.finditer(text))
    letters = sorted({letter.strip() for each in SUBSCRIPT.finditer(text) for letter in each[2].split(",")})
    for one, two in combinations([letter for letter in letters if letter.isidentifier()], 2):
        yield f"the gradient is transposed: {one} and {two} are exchanged", replace_names(text, {one: two, two: one})
    for access in found:
        own = [letter.strip() for letter in access[2].split(",")]
        for other in permutations(own):
            if list(other) != own:
                new = f"{access[1]}[{','.join(other)}]"
                words = f"the indices of {access[0]} are transposed: {new} is meant"
                yield words, text[: access.start()] + new + text[access.end() :]
    for access in found:
        own = [letter.strip() for letter in access[2].split(",")]
        for place in range(len(own)):
            for letter in letters:
                if letter != own[place]:
                    new = f"{access[1]}[{','.join([*own[:place], letter, *own[place + 1 :]])}]"
                    words = f"an index is wrong: {access[0]} is written where {new} is meant"
                    yield words, text[: access.start()] + new + text[access.end() :]


def explain(
    op: str | Operation, wrt: str | None, text: str, given: Iterable[Iterable[Premise]] = ((),)
) -> tuple[Finding, ClaimedGradient] | None:
    """Say what is wrong with a claim whose indices do not fit, where mending one element makes it right.

    Args:
        given: facts, under which the mended claim may be right; each choice is tried in turn.

    Example:
        >>> print(explain("dense", "x", "sum(dy[n,k]*w[k,d], k)")[0])
        the indices of w[k,d] are transposed: w[d,k] is meant
    """
    right: list[tuple[Finding, ClaimedGradient]] = []
    for words, mended in mended_texts(text):
        try:
            read = read_gradient(op, wrt, mended)
        except (DefinitionError, InputError):
            continue
        for facts in given:
            proof = prove_equal(read.claimed, read.derived, read.definitions, facts)
            if proof.verdict == PROVED:
                under = f"; then it is true given {' and '.join(proof.assumptions)}" if proof.assumptions else ""
                right.append((Finding(MISTAKE, words + under), read))
                break
    return min(right, key=lambda pair: pair[1].is_renamed, default=None)


def other_gradient(read: ClaimedGradient, facts: Iterable[Fact] = ()) -> Finding | None:
    """Say so where the claimed gradient is that of another name on the way to the input.

    Example:
        >>> print(other_gradient(read_gradient("softmax-cce", "z", "-t[n,k]/(N*p[n,k])")))
        this is the gradient of p, not of z
    """
    operation, upstreams = read.derivation.operation, read.derivation.operation.upstreams
    element = read.target.element if isinstance(read.target, Partial) else read.target
    if isinstance(read.target, Partial) and (len(upstreams) > 1 or upstreams[0].rank):
        return None
    tensor = operation.input(element.tensor.name)
    gradients = pull_back(operation, [tensor.name], fuse=False).gradients
    definitions = (*operation.definitions, *gradients)
    if isinstance(read.target, Partial):
        definitions = (*operation.definitions, Definition(upstreams[0](), S.One), *gradients)
    for other in gradients:
        if other.tensor.name != tensor.name and other.tensor.sizes == tensor.sizes:
            value = other.tensor(*element.indices)
            if prove_equal(read.claimed, value, definitions, tuple(facts)).verdict == PROVED:
                return Finding(MISTAKE, f"this is the gradient of {other.tensor.name}, not of {tensor.name}")
    return None
