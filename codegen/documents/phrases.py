"""Phrases as lines of a document: formulas put in, lists, and the reasons of steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from codegen.documents.model import Line, Piece, Words
from codegen.phrases import PHRASES, PLACE, SEPARATORS, phrase


def say(text: str, language: str, **places: Piece | Line | str) -> Line:
    """Return a phrase in a language as a line, its places filled.

    Example:
        >>> from codegen.documents.model import Verbatim
        >>> say("Gradient with respect to {name}", "de", name=Verbatim("x"))
        (Words(text='Gradient nach '), Verbatim(text='x'))
    """
    pieces: list[Piece] = []
    for place, part in enumerate(PLACE.split(phrase(text, language))):
        put_in = places[part] if place % 2 else part
        pieces += [Words(put_in)] if isinstance(put_in, str) else put_in if isinstance(put_in, tuple) else [put_in]
    return tuple(piece for piece in pieces if piece != Words(""))


def listed(parts: list[Line], language: str) -> Line:
    """Return a list of lines as one: a, b and c.

    Example:
        >>> listed([(Words("a"),), (Words("b"),), (Words("c"),)], "fr")
        (Words(text='a'), Words(text=', '), Words(text='b'), Words(text=' et '), Words(text='c'))
    """
    comma, last, _ = SEPARATORS[language]
    line: Line = ()
    for place, part in enumerate(parts):
        sign = "" if not place else last if place == len(parts) - 1 else comma
        line += (Words(sign), *part) if sign else part
    return line


def reason(text: str, language: str, read: Callable[[str], Piece] = Words) -> Line:
    """Return what the engine says of a step in a language: rules separated by commas.

    A name or an element that is put in is read by ``read``; a text that the table does not have stays as it is.

    Example:
        >>> from codegen.documents.model import Verbatim
        >>> reason("sum rule, derivative of log", "de", Verbatim)
        (Words(text='Summenregel'), Words(text=', '), Words(text='Ableitung von '), Words(text='log'))
    """
    parts = [_known(part, language, read) for part in text.split(", ")]
    if None in parts:
        return _known(text, language, read) or (read(text),)
    line: Line = ()
    for part in filter(None, parts):
        line += (Words(SEPARATORS[language][0]), *part) if line else part
    return line


def _known(text: str, language: str, read: Callable[[str], Piece]) -> Line | None:
    """Return the phrase that a text is, or that it is with something put in."""
    if text in PHRASES:
        return say(text, language)
    for template, pattern in _patterns():
        if match := pattern.fullmatch(text):
            put_in = {
                name: Words(part) if name == "function" else read(part) for name, part in match.groupdict().items()
            }
            return say(template, language, **put_in)
    return None


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the phrases that have places, with what finds them in a text."""
    found = []
    for text in PHRASES:
        if "{" in text:
            parts = [
                re.escape(part) if place % 2 == 0 else f"(?P<{part}>.+)" for place, part in enumerate(PLACE.split(text))
            ]
            found.append((text, re.compile("".join(parts))))
    return found
