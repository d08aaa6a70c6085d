"""A definition's text as tokens: names, numbers, operators and brackets, each with its place in the text.

Everything that is wrong on this level is said on this level: characters without a meaning, words that can not be names,
brackets that do not match, a value or an operator that is missing.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from derive.errors import DefinitionError, UnsupportedError

LONGEST_TEXT = 10_000
LONGEST_NUMBER = 309
MOST_TOKENS = 2_000


class Span(NamedTuple):
    """A stretch of the text."""

    offset: int
    length: int


class Token(NamedTuple):
    """A word of the text; ``kind`` is name, number, operator, comparison, open, close, comma or separator."""

    kind: str
    text: str
    at: Span


class Text:
    """A text that knows how to complain about a stretch of itself.

    Example:
        >>> print(Text("y = sigmod(x)").mistake(Span(4, 6), "unknown function 'sigmod'"))
        unknown function 'sigmod'
          y = sigmod(x)
              ^^^^^^
    """

    def __init__(self, text: str) -> None:
        self.leading = ""  # the letter for which ... stands, once the text is read
        self.text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")

    def mistake(self, at: Span, problem: str, expected: str = "") -> DefinitionError:
        return DefinitionError(problem, self.text, at.offset, at.length, expected)

    def unsupported(self, at: Span, problem: str, expected: str = "") -> UnsupportedError:
        return UnsupportedError(str(self.mistake(at, problem, expected)))


PATTERN = re.compile(
    r"""(?P<space>[^\S\n]+)
      | (?P<separator>[;\n])
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<comparison><=|>=|==|!=|[<>=])
      | (?P<ellipsis>\.\.\.)
      | (?P<meaningless>//|:=|->)
      | (?P<operator>\*\*|[-+*/])
      | (?P<open>[(\[])
      | (?P<close>[)\]])
      | (?P<comma>,)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
CLOSING = {"(": ")", "[": "]"}
#: Letters that ``...`` stands for, the first that a text does not use itself.
LEADING_LETTERS = "nbmrspqhujfghvcdeikltwaoxyz"
#: Calls that may run over ``...``.
OVER_LEADING = ("sum", "mean", "max")

#: What people write that has no meaning here, and what to write for it.
INSTEAD = {
    "^": "write a power as x**2",
    "'": "a definition holds no strings",
    '"': "a definition holds no strings",
    ".": "a definition has no attributes or methods",
    ":": "write an index on each axis, as in x[n,k], not a slice",
    ":=": "write a definition of its own: name = ...",
    "@": "write a matrix product as sum(a[i,k]*b[k,j], k)",
    "//": "write a division as a/b",
    "{": "brackets are ( ) and [ ]",
    "}": "brackets are ( ) and [ ]",
    "&": "write a product of comparisons: [a > b]*[c > d]",
    "|": "write a maximum of comparisons: max([a > b], [c > d])",
    "!": "write a comparison as [a != b]",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "·": "write *",
    "×": "write *",
    "−": "write -",
    "÷": "write /",
    "²": "write a power as x**2",
    "³": "write a power as x**3",
}  # fmt: skip
WORDS_INSTEAD = {
    "and": "write a product of comparisons: [a > b]*[c > d]",
    "or": "write a maximum of comparisons: max([a > b], [c > d])",
    "not": "turn the comparison round",
    "if": "write where(a > b, chosen, other)",
    "else": "write where(a > b, chosen, other)",
    "lambda": "name it otherwise: lam, for instance",
}
NOT_FINITE = {"nan", "inf", "infinity"}


def read_tokens(source: Text) -> list[Token]:
    """Return the tokens of a text.

    Raises:
        DefinitionError: a character or word has no meaning, or the text is too long.

    Example:
        >>> [token.text for token in read_tokens(Text("y[n] = 2*x[n]"))]
        ['y', '[', 'n', ']', '=', '2', '*', 'x', '[', 'n', ']']
    """
    if len(source.text) > LONGEST_TEXT:
        problem = f"the text has {len(source.text)} characters; at most {LONGEST_TEXT} are read"
        raise Text(source.text[:60]).mistake(Span(0, 60), problem, "split it into several operations")
    tokens = []
    for match in PATTERN.finditer(source.text):
        kind, word, at = str(match.lastgroup), match.group(), Span(match.start(), len(match.group()))
        if kind == "space":
            continue
        if kind in ("other", "meaningless"):
            shown = word if word.isprintable() else f"U+{ord(word):04X}"
            raise source.mistake(at, f"{shown} has no meaning in a definition", INSTEAD.get(word, ""))
        if kind == "name":
            word = _read_name(source, word, at)
        if kind == "number":
            _check_number(source, word, at)
        tokens.append(Token(kind, word, at))
    if len(tokens) > MOST_TOKENS:
        problem = f"the text has {len(tokens)} words and signs; at most {MOST_TOKENS} are read"
        raise source.mistake(tokens[MOST_TOKENS].at, problem, "split it into several operations")
    return _name_leading(source, tokens)


def _name_leading(source: Text, tokens: list[Token]) -> list[Token]:
    """Put a letter in the place of each ``...``, one that the text does not use itself, and note it."""
    if not any(token.kind == "ellipsis" for token in tokens):
        return tokens
    used = {token.text for token in tokens if token.kind == "name"}
    used |= {first.text.lower() for first, second in pairwise(tokens) if second.text == "["}
    source.leading = next((letter for letter in LEADING_LETTERS if letter not in used), "leading")
    opened: list[Token | None] = []
    read = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        if token.kind == "open":
            opened.append(before)
        elif token.kind == "close" and opened:
            opened.pop()
        elif token.kind == "ellipsis":
            _check_leading(source, token, before, tokens[place + 1 : place + 2], opened[-1] if opened else None)
            token = Token("name", source.leading, token.at)
        read.append(token)
    return read


def _check_leading(source: Text, token: Token, before: Token | None, after: list[Token], owner: Token | None) -> None:
    """Check that ``...`` stands first in a tensor's brackets, or among what a sum runs over."""
    owner_name = owner.text if owner is not None and owner.kind == "name" else ""
    alone = bool(after) and after[0].text in (",", "]", ")")
    if before is not None and before.text == "[" and owner_name and alone:
        return
    if before is not None and before.text == "," and owner_name in OVER_LEADING and alone:
        return
    in_brackets = before is not None and before.text == "," and bool(after) and after[0].text in (",", "]")
    if in_brackets and owner_name and owner_name not in OVER_LEADING:
        problem, expected = "... stands behind another index", f"the leading axes come first: {owner_name}[...,k]"
        if owner_name == "argmax":
            problem, expected = "argmax does not run over leading axes", "give every axis an index of its own"
        raise source.mistake(token.at, problem, expected)
    expected = "... stands for all leading axes, first in brackets, x[...,k], or in what a sum runs over: sum(e, ...)"
    raise source.mistake(token.at, "... has no place here", expected)


def _read_name(source: Text, word: str, at: Span) -> str:
    name = unicodedata.normalize("NFKC", word)
    if not name.isidentifier() or not word.isidentifier():
        raise source.mistake(at, f"{word} is not a name", "a name has letters, and digits after the first letter")
    if name.startswith("_"):
        raise source.mistake(at, f"the name {word} begins with an underscore", "a name begins with a letter")
    if keyword.iskeyword(name):
        raise source.mistake(at, f"{word} is a word of Python, not a name", WORDS_INSTEAD.get(name, ""))
    if name.casefold() in NOT_FINITE:
        raise source.mistake(at, f"{word} is not a number here", "every number of a definition is finite and real")
    return name


def _check_number(source: Text, word: str, at: Span) -> None:
    following = source.text[at.offset + at.length : at.offset + at.length + 2]
    if following[:1] in ("j", "J") and not following[1:].isalnum():
        raise source.mistake(Span(at.offset, at.length + 1), f"{word}j is not real", "every number here is real")
    if following[:1].isalpha() or following[:1] == "_":
        problem = f"there is no operator between {word} and what follows"
        raise source.mistake(at, problem, "write a product with *, as in 2*x")
    digits, _, exponent = word.lower().partition("e")
    if len(digits) > LONGEST_NUMBER or len(exponent) > 4 or abs(int(exponent or 0)) > 300:
        expected = f"expected at most {LONGEST_NUMBER} digits and an exponent between -300 and 300"
        raise source.mistake(at, "this number is too long, too large or too small", expected)


def split_statements(source: Text, tokens: list[Token]) -> list[list[Token]]:
    """Split the tokens at ``;`` and at ends of lines, and check that brackets match.

    A line goes on where it stands inside brackets, where it ends in an operator and where the next begins with one.

    Raises:
        DefinitionError: a bracket is not closed or not open.
    """
    statements: list[list[Token]] = [[]]
    opened: list[Token] = []
    for place, token in enumerate(tokens):
        if token.kind == "separator":
            if token.text == ";" and opened:
                break
            if token.text == ";" or not (opened or _goes_on(statements[-1], tokens[place + 1 :])):
                statements.append([])
            continue
        statements[-1].append(token)
        if token.kind == "open":
            opened.append(token)
        elif token.kind == "close":
            if not opened:
                raise source.mistake(token.at, f"{token.text} closes nothing", "there is no open bracket before it")
            if CLOSING[opened[-1].text] != token.text:
                problem = f"{token.text} closes nothing: the {opened[-1].text} before it is still open"
                expected = f"close {opened[-1].text} with {CLOSING[opened[-1].text]} first"
                raise source.mistake(token.at, problem, expected)
            opened.pop()
    if opened:
        problem = f"{opened[-1].text} is not closed"
        raise source.mistake(opened[-1].at, problem, f"expected a {CLOSING[opened[-1].text]} after it")
    return [statement for statement in statements if statement]


def _goes_on(before: list[Token], after: list[Token]) -> bool:
    if not before:
        return False
    following = next((token for token in after if token.text != "\n"), None)
    joining = ("operator", "comparison", "comma")
    return before[-1].kind in joining or (following is not None and following.kind in joining)


def check_order(source: Text, tokens: list[Token]) -> None:
    """Check that values and operators take turns and that commas and brackets stand where they may.

    Raises:
        DefinitionError: a value or an operator is missing, or a comma stands outside arguments and indices.
    """
    inside: list[str] = []
    before: Token | None = None
    value_before = False
    for token in tokens:
        if value_before:
            value_before = _check_after_value(source, token, before, inside)
        elif token.kind in ("name", "number"):
            value_before = True
        elif token.kind == "open":
            inside.append("group" if token.text == "(" else "comparison")
        elif token.kind != "operator" or token.text not in ("+", "-"):
            raise _missing_value(source, before, token)
        before = token
    if not value_before:
        raise _missing_value(source, before, None)


def _check_after_value(source: Text, token: Token, before: Token | None, inside: list[str]) -> bool:
    """Check a token that stands after a value, keep ``inside`` up to date, and say whether a value still ends there."""
    if token.kind in ("operator", "comparison"):
        return False
    if token.kind == "close":
        inside.pop()
        return True
    if token.kind == "comma":
        if not inside or inside[-1] not in ("arguments", "indices"):
            raise source.mistake(token.at, "a comma has no place here", "commas stand between arguments and indices")
        return False
    is_element = token.text == "[" and before is not None and before.text == ")"
    if token.kind == "open" and before is not None and (before.kind == "name" or is_element):
        inside.append("arguments" if token.text == "(" else "indices")
        return False
    last = "" if before is None else before.text
    problem = f"there is no operator between {last} and {token.text}"
    one_pair = last == "]" and token.text == "["
    expected = "write all indices in one pair of brackets: x[n,k]" if one_pair else "write a product with *, as in 2*x"
    raise source.mistake(token.at, problem, expected)


def _missing_value(source: Text, before: Token | None, token: Token | None) -> DefinitionError:
    if token is None:
        at, where = (before.at if before else Span(0, 1)), f"after {before.text}" if before else "here"
    elif before is None:
        at, where = token.at, f"before {token.text}"
    else:
        at, where = token.at, f"between {before.text} and {token.text}"
    expected = "expected a number, a name or a call, such as x[n,k] or exp(x[n,k])"
    return source.mistake(at, f"a value is missing {where}", expected)


def replace_names(text: str, names: Mapping[str, str]) -> str:
    """Return the text with names replaced; all else stays as it is.

    Example:
        >>> replace_names("sum(t[n,k], k) = 1", {"t": "t2"})
        'sum(t2[n,k], k) = 1'
    """
    return "".join(
        names.get(unicodedata.normalize("NFKC", match.group()), match.group())
        if match.lastgroup == "name"
        else match.group()
        for match in PATTERN.finditer(text)
    )
