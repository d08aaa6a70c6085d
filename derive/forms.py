"""Arithmetic on indices as it is written: what may stand in ``x[n, s*t + d*r - p]``, and what its names are."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from derive.tokens import Span, Text
from derive.trees import Access, Call, Comparison, Factors, Literal, Name, Power, Terms, Tree
from derive.vocabulary import BINDING

EXPECTED = "expected a sum of indices and whole numbers, each times a whole number, as in x[n, s*t + r - p]"


def is_arithmetic(tree: Tree) -> bool:
    """Whether what stands in an index's place is arithmetic."""
    return isinstance(tree, Terms | Factors | Power)


def names_in(tree: Tree) -> Iterator[Name]:
    """Yield the bare names of arithmetic."""
    if isinstance(tree, Name):
        yield tree
    elif is_arithmetic(tree):
        for child in tree.children():
            yield from names_in(child)


def is_form(tree: Tree, letters: Container[str]) -> bool:
    """Whether a number that is written could be a form: arithmetic on names and whole numbers, an index among them."""
    return is_arithmetic(tree) and _is_plain(tree) and any(name.name in letters for name in names_in(tree))


def _is_plain(tree: Tree) -> bool:
    if is_arithmetic(tree):
        return all(map(_is_plain, tree.children()))
    return isinstance(tree, Name | Literal) or (isinstance(tree, Call) and tree.name == "argmax")


def find_names(parts: Sequence[Tree], known: Container[str]) -> tuple[list[Name], list[Name]]:
    """Return the names that are indices, by standing alone in an index's place or by being bound, and the others.

    Args:
        parts: every part of the trees.
        known: the indices on the left of definitions.
    """
    places = [place for part in parts for place in _places_of(part)]
    summed = {name for part in parts if isinstance(part, Call) and part.name in BINDING for name in _bound(part)}
    worked = [name for place in places if is_arithmetic(place) for name in names_in(place)]
    summed |= {name for part in parts if isinstance(part, Call) and part.name == "max" for name in _run_over(part)}
    sides = [side for part in parts if isinstance(part, Comparison) for side in (part.left, part.right)]
    compared = [name for side in sides if is_arithmetic(side) and _is_plain(side) for name in names_in(side)]
    indices = [place for place in places if isinstance(place, Name)]
    indices += [name for name in (*worked, *compared) if name.name in summed]
    letters = {name.name for name in indices}
    beside = [name for side in sides if is_form(side, _Either(letters, known)) for name in names_in(side)]
    others = [name for name in (*worked, *beside) if name.name not in letters and name.name not in known]
    return indices, [name for name in others if not name.name[0].isupper()]


class _Either:
    """What is in one of two containers."""

    def __init__(self, first: Container[str], second: Container[str]) -> None:
        self.first, self.second = first, second

    def __contains__(self, name: object) -> bool:
        return name in self.first or name in self.second


def _places_of(part: Tree) -> tuple[Tree, ...]:
    if isinstance(part, Access):
        return part.entries
    if isinstance(part, Call):
        return (*(part.arguments if part.name == "delta" else ()), *part.entries)
    return ()


def _bound(call: Call) -> set[str]:
    return {argument.name for argument in call.arguments[1:] if isinstance(argument, Name)}


def _run_over(call: Call) -> set[str]:
    """The names after the first argument of a maximum that stand in index arithmetic of the first."""
    inside = call.arguments[0].walk() if call.arguments else ()
    places = [place for part in inside for place in _places_of(part) if is_arithmetic(place)]
    return _bound(call) & {name.name for place in places for name in names_in(place)}


def single_index(tree: Tree, letters: Container[str]) -> str | None:
    """Return the index of a form that only shifts or reverses it: ``t - 1``, ``I - 1 - i``."""
    terms = tree.parts if isinstance(tree, Terms) else ()
    moving = [part for _, part in terms if any(name.name in letters for name in names_in(part))]
    found = moving[0] if len(moving) == 1 else None
    return found.name if isinstance(found, Name) and _is_plain(tree) else None


def check_form(source: Text, tree: Tree, letters: Container[str]) -> None:
    """Check that arithmetic in an index's place is affine: sums of indices times whole numbers.

    Raises:
        DefinitionError: it is not.
        UnsupportedError: it is arithmetic on labels.
    """
    match tree:
        case Literal(value=value):
            if not value.is_integer:
                raise source.mistake(tree.at, "an index is a whole number", "expected an index or an integer")
        case Access():
            problem = "arithmetic on labels is not supported"
            raise source.unsupported(tree.at, problem, "expected indices and whole numbers beside them")
        case Power():
            raise source.mistake(tree.at, "a power can not stand in an index's place", EXPECTED)
        case Factors(parts=parts):
            divisor = next((part for sign, part in parts if sign < 0), None)
            if divisor is not None:
                raise source.mistake(tree.at, "an index is a whole number, and a quotient need not be", EXPECTED)
            if sum(any(name.name in letters for name in names_in(part)) for _, part in parts) > 1:
                raise source.mistake(tree.at, "indices are multiplied with each other here", EXPECTED)
        case Name():
            pass
        case Call(name="argmax"):
            return
        case Terms():
            pass
        case _:
            raise source.mistake(tree.at, "this can not stand in an index's place", EXPECTED)
    for child in tree.children():
        check_form(source, child, letters)


def check_letters(
    source: Text, letters: Mapping[str, Span], parameters: Mapping[str, Span], tensors: Container[str]
) -> None:
    """Check that no index and no whole number of index arithmetic has the name of a tensor.

    Raises:
        DefinitionError: one has.
    """
    for letter, at in letters.items():
        if letter in tensors:
            problem = f"{letter} is used as an index and as a tensor"
            raise source.mistake(at, problem, f"write {letter}[...] for its elements, or name one otherwise")
    for name, at in parameters.items():
        if name in tensors:
            problem = f"{name} is a tensor, and index arithmetic takes indices and whole numbers"
            raise source.mistake(at, problem, "name the whole number otherwise")
