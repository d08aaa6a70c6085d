r"""How names are written: a letter, its accents and subscripts, as LaTeX and for a terminal.

A name such as ``x_hat2`` is read once, into words; each style writes the words in its own manner.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega varepsilon vartheta varphi varrho varsigma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
#: Names that stand for a Greek letter: spelt out, shortened as programs do, or typed as the letter itself.
GREEK_NAMES: Mapping[str, str] = {
    **{name: rf"\{name}" for name in GREEK},
    **dict(zip("αβγδεζηθικλμνξπρστυφχψω", (rf"\{name}" for name in GREEK[:23]), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", (rf"\{name}" for name in GREEK[-11:]), strict=True)),
    "eps": r"\varepsilon",
    "lam": r"\lambda",
}
#: The last part of a name such as ``x_hat`` that is an accent over the rest, and the end of one such as ``xhat``.
ACCENTS = {"hat": r"\hat", "tilde": r"\tilde", "bar": r"\bar", "check": r"\check", "dot": r"\dot"}
LONG_BAR = r"\overline"
#: Combining marks of letters such as ``é``, by the accent that TeX has for them.
MARKS = {
    "\u0300": r"\grave", "\u0301": r"\acute", "\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar",
    "\u0306": r"\breve", "\u0307": r"\dot", "\u0308": r"\ddot", "\u030c": r"\check",
}  # fmt: skip
MACRON, OVERLINE = "\u0304", "\u0305"


@dataclass(frozen=True)
class Word:
    """A letter, a Greek letter, a number or a word as it stands in a formula, under its accents.

    Attributes:
        accents: as they are spelt out, the innermost first.
    """

    text: str
    accents: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it is made of digits."""
        return self.text.isdecimal() and self.text.isascii()

    @property
    def is_single(self) -> bool:
        """Whether it is one letter or digit with nothing over it."""
        is_letter = len(self.text) == 1 and self.text.isascii() and self.text.isalnum()
        return not self.accents and (is_letter or self.text in GREEK_NAMES)

    @property
    def tex(self) -> str:
        """The word as LaTeX; over a letter ``bar`` is a long bar, since the short one is that of gradients."""
        plain = replace(self, accents=())
        base = self.text if plain.is_single or self.is_number else upright(self.text)
        base = GREEK_NAMES.get(self.text, base)
        for place, accent in enumerate(self.accents):
            is_long = accent == "bar" and place == 0 and plain.is_single
            base = f"{LONG_BAR if is_long else ACCENTS[accent]}{{{base}}}"
        return base


def written_name(name: str) -> tuple[Word, tuple[Word, ...]]:
    """Return a name as it is written in formulas: the letter or word, and what of the name becomes a subscript.

    Example:
        >>> written_name("x_hat_2")
        (Word(text='x', accents=('hat',)), (Word(text='2', accents=()),))
    """
    first, *rest = name.split("_")
    if not first or not all(rest):
        return Word(name), ()
    base, *subscripts = _words_in(first)
    for part in rest:
        if part in ACCENTS and not subscripts:
            base = Word(base.text, (*base.accents, part))
        else:
            subscripts += _words_in(part)
    return base, tuple(subscripts)


def _words_in(part: str) -> list[Word]:
    """Return a part of a name: the word, and the number that it ends with."""
    letters = part.rstrip("0123456789")
    if letters not in ("", part) and part not in GREEK_NAMES and not any(each.isdigit() for each in letters):
        return [*_words_in(letters), Word(part[len(letters) :])]
    for accent in ACCENTS:
        letter = part.removesuffix(accent)
        is_letter = len(letter) == 1 and letter.isascii() and letter.isalpha()
        if letter != part and (letter in GREEK_NAMES or is_letter):
            return [Word(letter, (accent,))]
    return [Word(part)]


def latex_name(name: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a name as LaTeX: the letter or word, and what of the name becomes a subscript.

    Example:
        >>> latex_name("x0"), latex_name("gamma"), latex_name("w_out"), latex_name("x_hat")
        (('x', ('0',)), ('\\gamma', ()), ('w', ('\\mathrm{out}',)), ('\\hat{x}', ()))
        >>> latex_name("xhat"), latex_name("sigmahat2"), latex_name("xbar")
        (('\\hat{x}', ()), ('\\hat{\\sigma}', ('2',)), ('\\overline{x}', ()))
    """
    base, subscripts = written_name(name)
    return base.tex, tuple(word.tex for word in subscripts)


def upright(word: str) -> str:
    r"""Return a word in upright letters, safe for TeX.

    Example:
        >>> print(upright("dL_dz"))
        \mathrm{dL\_dz}
    """
    return rf"\mathrm{{{''.join(map(_latex_character, unicodedata.normalize('NFC', word)))}}}"


def _latex_character(character: str) -> str:
    """Return TeX's way to write a letter: neither pdflatex nor KaTeX takes any letter of any alphabet in a formula."""
    if character == "_":
        return r"\_"
    if character.isascii() and character.isalnum():
        return character
    if character in GREEK_NAMES:
        return GREEK_NAMES[character]
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in MARKS:
        return f"{MARKS[parts[1]]}{{{parts[0]}}}"
    return f"U{ord(character):04X}"


def subscripted(base: str, subscripts: tuple[str, ...]) -> str:
    """Return LaTeX with its subscripts joined by commas.

    Example:
        >>> subscripted("x", ("0", "n"))
        'x_{0,n}'
    """
    return f"{base}_{{{','.join(subscripts)}}}" if subscripts else base


def barred(name: str) -> str:
    """Return a name with a bar over its letters, for a terminal.

    Example:
        >>> barred("y") == "ȳ", len(barred("logits"))
        (True, 12)
    """
    letters = name.rstrip("0123456789")
    mark = MACRON if len(letters) == 1 else OVERLINE
    over = "".join(letter + mark for letter in letters)
    return unicodedata.normalize("NFC", over) + name[len(letters) :]


def accented(name: str) -> str:
    """Return a name such as ``x_dot`` with its accent over the letter, for a terminal.

    Example:
        >>> accented("y_dot"), accented("x_tilde"), accented("logits_dot")
        ('ẏ', 'x̃', 'logits_dot')
    """
    letter, _, accent = name.partition("_")
    mark = next((mark for mark, word in MARKS.items() if word == ACCENTS.get(accent)), None)
    return unicodedata.normalize("NFC", letter + mark) if mark and len(letter) == 1 else name


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts ``x2`` before ``x10``.

    Example:
        >>> sorted(["x10", "x2", "b"], key=natural_key)
        ['b', 'x2', 'x10']
    """
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part)
