"""A phrase, a kind with parts, and the order in which a textbook lists what has a name."""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import Expr, Number

from derive.indices import Element, Index
from derive.names import natural_key
from derive.sums import Binder, free_indices


class Phrase(NamedTuple):
    """A kind, the parts of it, and a word where the kind has one (a number's digits, a function's name)."""

    kind: str
    parts: tuple[Any, ...] = ()
    word: str = ""


class Signed(NamedTuple):
    """One term of an addition."""

    negative: bool
    phrase: Phrase


ONE = Phrase("number", word="1")
#: Index letters in the order in which a textbook lists them: the first letter of a family before its followers; the
#: leading axes, which are written ..., come before all.
INDEX_LETTERS = ".bnmrqphiwkjldctsuefgoavxyz"
#: Names that do not stand in the order of the alphabet: weights follow the data, keys the queries.
NAME_PLACES = {"q": "k0", "k": "k1", "w": "~", "W": "~", "weights": "~"}


def index_key(index: Expr) -> tuple[Any, ...]:
    """Return a key that sorts what stands in indices' places: indices by their letters, numbers, then arithmetic."""
    if not isinstance(index, Index):
        return (1, ()) if index.is_number else (2, tuple(sorted(map(index_key, free_indices(index)))))
    return 0, letter_key(index.name)


def letter_key(name: str) -> tuple[Any, ...]:
    """Return a key that sorts indices and sizes as a textbook lists them, N before K."""
    place = INDEX_LETTERS.find(name[0].lower())
    return place if place >= 0 else len(INDEX_LETTERS), natural_key(name)


def element_key(element: Element) -> tuple[Any, ...]:
    """Return a key that sorts elements: gradients first, then by the tensor's name, then by the indices."""
    name = element.tensor.name
    stem = name.rstrip("0123456789")
    place = natural_key(NAME_PLACES.get(stem, stem) + name[len(stem) :])
    return not element.tensor.role, place, element.tensor.role, tuple(map(index_key, element.indices))


def digits(number: Number) -> str:
    """Return a number that is not negative as a person writes it.

    Example:
        >>> from sympy import Float, Integer
        >>> digits(Float("0.044715")), digits(Float("1e-8")), digits(Integer(3))
        ('0.044715', '1e-8', '3')
    """
    if number.is_Integer:
        return str(number)
    text = repr(float(number)).replace("e-0", "e-").replace("e+", "e")
    return text.removesuffix(".0") if "e" in text else text


def reading_bound(binder: Binder) -> tuple[Index, ...]:
    """Return the bound indices in the order in which a textbook lists them."""
    return tuple(sorted(binder.bound, key=index_key))
