"""Reads MathML back as numbers, by what a person sees of it; it knows nothing of the writer.

Rows are flattened: an ``mrow`` is not seen, brackets are. The formula is translated into the terminal's text, which
``formula_reader`` reads. A name is found among the names that there are: letters, accents and leading subscripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.etree import ElementTree

from formula_reader import Meaning, Number, PlainReader, World

from derive.precision import context

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "λ": "lam", "μ": "mu", "σ": "sigma", "τ": "tau",
    "ρ": "rho", "θ": "theta", "φ": "phi", "Φ": "Phi", "κ": "kappa",
}  # fmt: skip
#: Names that are written with the same letter.
SPELLINGS = {"lambda": "lam", "epsilon": "eps", "varepsilon": "eps"}
ACCENTS = {"^": "hat", "~": "tilde", "ˇ": "check", "˙": "dot"}
SIGNS = {"−": "-", "\u2062": " ", "·": "·", "[": " [", "…": ""}
TIMES, APPLY = "\u2062", "\u2061"


@dataclass
class SeenWorld(World):
    """A world in which names are as they are seen, what stands outside of an axis is 0, and there are matrices."""

    matrices: dict[str, Any] = field(default_factory=dict)

    def over(self, letter: str, body: Meaning) -> list[Number]:
        extent = self.extents[letter] if letter in self.extents else self.extents[letter.rstrip("0123456789")]
        return [body(self.at({letter: place})) for place in range(extent)]

    def at(self, places: Mapping[str, int]) -> SeenWorld:
        return SeenWorld(self.values, self.extents, self.sizes, {**self.places, **places}, self.matrices)

    def named(self, name: str, where: tuple[Number, ...] = ()) -> Number:
        if name in self.matrices:
            return self.matrices[name](self, *map(int, where))
        if name in self.values:
            return self.values[name].get(tuple(map(int, where)), 0)
        return super().named(name, where)


class Token(NamedTuple):
    """A leaf or a layout that is seen as one thing."""

    tag: str
    text: str
    element: ElementTree.Element


def seen_name(name: str) -> str:
    """Return a name without what is not seen of it: ``x_hat`` is seen as ``xhat``, ``lambda`` and ``lam`` as one."""
    return "".join(SPELLINGS.get(part, part) for part in name.split("_"))


def flat(element: ElementTree.Element) -> list[Token]:
    if element.tag in ("math", "mrow"):
        return [token for child in element for token in flat(child)]
    if element.tag == "mspace":
        return []
    return [Token(element.tag, element.text or "", element)]


class Translator:
    """Translates MathML into the terminal's text.

    Attributes:
        ranks: the number of axes of each name, as it is seen.
        matrices: what stands for a matrix function in the text, and how it is computed.
    """

    def __init__(self, tokens: list[Token], ranks: Mapping[str, int], matrices: dict[str, Any]) -> None:
        self.tokens, self.ranks, self.matrices = tokens, ranks, matrices
        self.place = 0

    def inner(self, *elements: ElementTree.Element) -> str:
        tokens = [token for element in elements for token in flat(element)]
        return Translator(tokens, self.ranks, self.matrices).until()

    def next_is(self, text: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place].text == text

    def until(self, end: str = "") -> str:
        text = ""
        while self.place < len(self.tokens) and not (end and self.next_is(end)):
            text += self.piece()
        return text

    def piece(self) -> str:
        self.place += 1
        tag, text, element = self.tokens[self.place - 1]
        if tag == "mi" and self.next_is(APPLY):
            return self.function(text, "")
        match tag:
            case "mi" | "mover":
                return self.named(element, [])
            case "mn":
                return text
            case "mo" if text == "{":
                return self.cases()
            case "mo" if text == "|":
                return " abs(" if element.get("form") == "prefix" else ")"
            case "mo":
                return SIGNS.get(text, text)
            case "mfrac":
                return f"(({self.inner(element[0])})/({self.inner(element[1])}))"
            case "msqrt":
                return f"sqrt({self.inner(*element)})"
            case "msub":
                return self.subscripted(element[0], element[1])
            case "msup":
                return self.raised(element[0], None, element[1])
            case "msubsup":
                return self.raised(element[0], element[1], element[2])
            case "munderover" | "munder":
                word = {"∑": "sum", "max": "max", "arg\u2009max": "argmax"}[element[0].text or ""]
                letters = "".join(leaf.text or "" for leaf in element[1].iter()).partition("=")[0].split(",")
                return "".join(f" {word}_{letter} " for letter in letters)
        raise AssertionError(f"a person does not know what {tag} means")

    def raised(self, base: ElementTree.Element, below: ElementTree.Element | None, above: ElementTree.Element) -> str:
        exponent = self.inner(above)
        if base.tag == "mi" and self.next_is(APPLY):
            return self.function(base.text or "", exponent)
        if base.tag == "mi" and base.text == "e" and below is None:
            return f" exp({exponent})"
        if above.tag == "mi" and above.text == "out":
            return self.named(base, [] if below is None else self.parts(below), "out")
        text = self.inner(base) if below is None else self.subscripted(base, below)
        return f"{text}^({exponent})"

    def subscripted(self, base: ElementTree.Element, below: ElementTree.Element) -> str:
        parts = self.parts(below)
        tokens = flat(base)
        if len(tokens) == 3 and [tokens[0].text, tokens[2].text] == ["(", ")"] and tokens[1].tag in ("msup", "msubsup"):
            return f" {self.matrix(tokens[1].element, 'inverse')}[{','.join(parts)}]"
        return (
            f" δ[{','.join(parts)}]"
            if base.text == "δ" and base.tag == "mi" and len(parts) == 2
            else self.named(base, parts)
        )

    def parts(self, below: ElementTree.Element) -> list[str]:
        parts: list[list[Token]] = [[]]
        depth = 0
        for token in flat(below):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
            if token.text == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(token)
        return [Translator(part, self.ranks, self.matrices).until().strip() for part in parts]

    def named(self, base: ElementTree.Element, parts: list[str], ending: str = "") -> str:
        """Find the name that is seen, by its letters and what of the subscripts is more than it has axes."""
        word = self.word(base)
        for name, rank in self.ranks.items():
            own = len(parts) - rank
            if own >= 0 and word + "".join(parts[:own]) + ending == name:
                return f" {name}[{','.join(parts[own:])}]" if rank else f" {name}"
        return f" {word}{''.join(parts)}"

    def word(self, base: ElementTree.Element) -> str:
        if base.tag == "mrow":
            assert len(base) == 1, "a name is one word"
            return self.word(base[0])
        if base.tag == "mover":
            inner, sign = base
            word = self.word(inner)
            if sign.text != "¯":
                return word + ACCENTS[sign.text or ""]
            is_long = sign.get("stretchy") == "true"
            return f"{word}bar" if is_long and inner.tag == "mi" and len(inner.text or "") == 1 else f"d{word}"
        assert base.tag == "mi", f"{base.tag} is no name"
        text = base.text or ""
        return GREEK.get(text, SPELLINGS.get(text, text))

    def function(self, name: str, exponent: str) -> str:
        self.place += 1
        inside = self.bracketed()
        if name == "det":
            (token,) = inside[1:-1]
            text = f" {self.matrix(token.element, 'determinant')}"
        elif inside:
            inner = inside[1:-1] if inside[0].text == "(" else inside
            text = f" {name}({Translator(inner, self.ranks, self.matrices).until()})"
        else:
            text = f" {name}({self.piece()})"
        return text + (f"^({exponent})" if exponent else "")

    def bracketed(self) -> list[Token]:
        """Take what stands in brackets or bars here, with these; nothing where none are opened."""
        depth, start = 0, self.place
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            is_bar = token.text == "|" and token.tag == "mo"
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
            depth += (1 if token.element.get("form") == "prefix" else -1) if is_bar else 0
            if depth == 0 and self.place == start:
                return []
            self.place += 1
            if depth == 0:
                return self.tokens[start : self.place]
        raise AssertionError("a bracket is not closed")

    def cases(self) -> str:
        (first, second), self.place = self.tokens[self.place].element, self.place + 1
        condition = first[1]
        assert condition[0].tag == "mtext", "a condition is said in words"
        assert [leaf.tag for leaf in second[1]] == ["mtext"]
        return f" where({self.inner(*condition[1:])}, {self.inner(*first[0])}, {self.inner(*second[0])})"

    # ---- matrices ----

    def matrix(self, element: ElementTree.Element, what: str) -> str:
        """Give a matrix function a name of its own, and say how it is computed."""
        if what == "inverse":
            assert "".join(leaf.text or "" for leaf in element[-1].iter()) == "−1"
        base = element[0] if element.tag in ("msup", "msub", "msubsup") else element
        below = element[1] if element.tag in ("msub", "msubsup") else None
        entry = self.entry(base, below)

        def compute(world: SeenWorld, *where: int) -> Number:
            rows = context.matrix(entry(world))
            return context.inverse(rows)[where] if where else context.det(rows)

        name = f"M{len(self.matrices)}"
        self.matrices[name] = compute
        return name

    def entry(self, base: ElementTree.Element, below: ElementTree.Element | None) -> Any:
        if base.tag == "msub":
            base, below = base[0], base[1]
        batch = [] if below is None else self.parts(below)
        tokens = flat(base)
        if tokens[0].text == "[":
            body = PlainReader(self.inner(*(token.element for token in tokens[1:-1]))).whole()
            row, column = batch
            return lambda world: [
                [body(world.at({row: i, column: j})) for j in range(world.extents[column])]
                for i in range(world.extents[row])
            ]
        name = self.word(base)
        meanings = [PlainReader(part).whole() for part in batch]

        def rows(world: SeenWorld) -> list[list[Number]]:
            place = tuple(int(meaning(world)) for meaning in meanings)
            count = world.values[name].shape[-1]
            return [[world.named(name, (*place, i, j)) for j in range(count)] for i in range(count)]

        return rows


def read_mathml(text: str, world: World, ranks: Mapping[str, int]) -> Number:
    """Read the content of a ``math`` element."""
    matrices: dict[str, Any] = {}
    plain = Translator(flat(ElementTree.fromstring(f"<math>{text}</math>")), ranks, matrices).until()
    seen = SeenWorld(world.values, world.extents, world.sizes, world.places, matrices)
    return PlainReader(re.sub(r"\s+", " ", plain)).whole()(seen)
