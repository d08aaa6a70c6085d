"""Reads printed formulas back as numbers, by the rules that a person reads them with; it knows nothing of the printer.

Three languages: the definition language through Python's grammar, the terminal's text through a small grammar of its
own, and LaTeX through a translation into the terminal's text. A lost bracket gives another number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from derive.precision import context

Number = Any
Meaning = Callable[["World"], Number]

FUNCTIONS: dict[str, Callable[..., Number]] = {
    "exp": context.exp,
    "log": lambda u: context.log(u) if u > 0 else _undefined(),
    "sqrt": lambda u: context.sqrt(u) if u >= 0 else _undefined(),
    "sin": context.sin,
    "cos": context.cos,
    "tan": context.tan,
    "sinh": context.sinh,
    "cosh": context.cosh,
    "tanh": context.tanh,
    "erf": context.erf,
    "abs": abs,
    "sign": context.sign,
    "max": max,
    "min": min,
}
RELATIONS: dict[str, Callable[[Number, Number], bool]] = {
    ">": lambda a, b: a > b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
    "≥": lambda a, b: a >= b, "≤": lambda a, b: a <= b, "=": lambda a, b: a == b, "==": lambda a, b: a == b,
    "≠": lambda a, b: a != b, "!=": lambda a, b: a != b,
}  # fmt: skip


def _undefined() -> Number:
    raise ZeroDivisionError("not defined here")


@dataclass
class World:
    """Numbers for the names, sizes for the index letters, and where each index stands."""

    values: Mapping[str, Mapping[tuple[int, ...], Number]]
    extents: Mapping[str, int]
    sizes: Mapping[str, int]
    places: dict[str, int] = field(default_factory=dict)

    def over(self, letter: str, body: Meaning) -> list[Number]:
        return [
            body(World(self.values, self.extents, self.sizes, {**self.places, letter: place}))
            for place in range(self.extents[letter.rstrip("0123456789")])
        ]

    def named(self, name: str, where: tuple[Number, ...] = ()) -> Number:
        if not where and name in self.places:
            return self.places[name]
        if not where and name in self.sizes:
            return self.sizes[name]
        if not where and name in ("pi", "π"):
            return context.pi
        return self.values[name][tuple(int(place) for place in where)]


def power(base: Number, exponent: Number) -> Number:
    if base < 0 and exponent != int(exponent):
        return _undefined()
    return context.mpf(base) ** (int(exponent) if exponent == int(exponent) else exponent)


# ---- the definition language ----


def read_definition(text: str, world: World) -> Number:
    return _by_grammar(ast.parse(text, mode="eval").body, world)


def _by_grammar(node: ast.expr, world: World) -> Number:
    def value(inner: ast.expr) -> Number:
        return _by_grammar(inner, world)

    match node:
        case ast.Constant(value=number):
            return context.mpf(str(number))
        case ast.Name(id=name):
            return world.named(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            a, b = value(left), value(right)
            return {
                ast.Add: lambda: a + b,
                ast.Sub: lambda: a - b,
                ast.Mult: lambda: a * b,
                ast.Div: lambda: context.mpf(a) / b,
                ast.Pow: lambda: power(a, b),
            }[type(operator)]()
        case ast.Subscript(value=ast.Name(id=name), slice=where):
            indices = where.elts if isinstance(where, ast.Tuple) else [where]
            return world.named(name, tuple(map(value, indices)))
        case ast.List(elts=[ast.Compare() as comparison]):
            return int(value(comparison))
        case ast.Compare(left=left, ops=[relation], comparators=[right]):
            signs = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
            return RELATIONS[signs[type(relation)]](value(left), value(right))
        case ast.Call(func=ast.Name(id="sum"), args=[body, *letters]):
            return _sum_over([letter.id for letter in letters if isinstance(letter, ast.Name)], body, world)
        case ast.Call(func=ast.Name(id="max" | "argmax" as name), args=[body, ast.Name(id=letter)]) if (
            letter.rstrip("0123456789") in world.extents
        ):
            values = world.over(letter, lambda here: _by_grammar(body, here))
            return max(values) if name == "max" else values.index(max(values))
        case ast.Call(func=ast.Name(id="where"), args=[condition, chosen, other]):
            return value(chosen) if value(condition) else value(other)
        case ast.Call(func=ast.Name(id="delta"), args=[left, right]):
            return int(value(left) == value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*map(value, arguments))
    raise AssertionError(f"not in the definition language: {ast.unparse(node)}")


def _sum_over(letters: list[str], body: ast.expr, world: World) -> Number:
    if not letters:
        return _by_grammar(body, world)
    return sum(world.over(letters[0], lambda here: _sum_over(letters[1:], body, here)))


# ---- the terminal's text ----

SUPERSCRIPTS = {ord(sign): digit for sign, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}
TOKEN = re.compile(r"(?:sum|max|argmax)_\w+|\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-zȳπδ][A-Za-z0-9]*\[?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\S")


class PlainReader:
    """Recursive descent: an addition of terms, a term of factors and slashes, a sum that takes in its term's rest."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        self.place = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.next
        assert token and (not expected or token == expected), f"{expected or 'more'} expected at {self.tokens}"
        self.place += 1
        return token

    def whole(self) -> Meaning:
        meaning = self.addition()
        assert not self.next, f"{self.next} is left over of {self.tokens}"
        return meaning

    def addition(self) -> Meaning:
        negative = self.next == "-"
        if negative:
            self.take()
        terms = [(-1 if negative else 1, self.term())]
        while self.next in ("+", "-"):
            terms.append((1 if self.take() == "+" else -1, self.term()))
        return lambda world: sum(sign * term(world) for sign, term in terms)

    def term(self) -> Meaning:
        meaning = self.factor()
        while self.next and self.next not in (")", "]", ",", "+", "-", ">", "<", "≥", "≤", "=", "≠"):
            sign = self.take() if self.next in ("/", "·") else "·"
            meaning = self._combined(meaning, sign, self.factor())
        return meaning

    @staticmethod
    def _combined(left: Meaning, sign: str, right: Meaning) -> Meaning:
        return (lambda w: context.mpf(left(w)) / right(w)) if sign == "/" else (lambda w: left(w) * right(w))

    def factor(self) -> Meaning:
        word, _, letter = self.next.partition("_")
        if letter and word in ("sum", "max", "argmax"):
            self.take()
            body = self.term()
            combine = {"sum": sum, "max": max, "argmax": lambda values: values.index(max(values))}[word]
            return lambda world: combine(world.over(letter, body))
        return self.raised(self.atom())

    def raised(self, base: Meaning) -> Meaning:
        if self.next and self.next[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹":
            exponent = int(self.take().translate(SUPERSCRIPTS))
            return lambda world: power(base(world), exponent)
        if self.next == "^":
            self.take()
            above = self.atom()
            return lambda world: power(base(world), above(world))
        return base

    def atom(self) -> Meaning:
        token = self.take()
        if token == "(":
            inner = self.addition()
            self.take(")")
            return inner
        if token == "[":
            left, relation, right = self.addition(), self.take(), self.addition()
            self.take("]")
            return lambda world: int(RELATIONS[relation](left(world), right(world)))
        if token[0].isdigit():
            return lambda world: context.mpf(token)
        if token.endswith("["):
            where = self.listed("]")
            if token == "δ[":
                return lambda world: int(where[0](world) == where[1](world))
            return lambda world: world.named(token[:-1], tuple(index(world) for index in where))
        if self.next == "(" and (token in FUNCTIONS or token == "where"):
            self.take()
            return self.call(token)
        assert token[0].isalpha(), f"{token} where a value belongs in {self.tokens}"
        return lambda world: world.named(token)

    def call(self, name: str) -> Meaning:
        if name == "where":
            left, relation, right = self.addition(), self.take(), self.addition()
            self.take(",")
            chosen, other = self.listed(")")
            return lambda w: chosen(w) if RELATIONS[relation](left(w), right(w)) else other(w)
        arguments = self.listed(")")
        return lambda world: FUNCTIONS[name](*(argument(world) for argument in arguments))

    def listed(self, end: str) -> list[Meaning]:
        parts = [self.addition()]
        while self.next == ",":
            self.take()
            parts.append(self.addition())
        self.take(end)
        return parts


def read_plain(text: str, world: World) -> Number:
    return PlainReader(text).whole()(world)


# ---- LaTeX ----

COMMANDS = {
    r"\left(": "(", r"\right)": ")", r"\left[": " [", r"\right]": "]", r"\,": " ", r"\cdot": "·", r"\pi": "π",
    r"\geq": "≥", r"\leq": "≤", r"\neq": "≠", r"\exp": "exp", r"\min": "min",
}  # fmt: skip
LATEX_TOKEN = re.compile(r"\\left\W|\\right\W|\\begin\{cases\}|\\end\{cases\}|\\[A-Za-z]+\*?|\\.|.", re.DOTALL)


class LatexTranslator:
    """Translates LaTeX into the terminal's text: groups become brackets, subscripts positions."""

    def __init__(self, text: str) -> None:
        self.tokens = LATEX_TOKEN.findall(text)
        self.place = 0

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def group(self) -> str:
        assert self.take() == "{"
        inner = self.until("}")
        self.take()
        return inner

    def word(self) -> str:
        assert self.take() == "{"
        text = ""
        while (token := self.take()) != "}":
            text += token if token.isalpha() else ""
        return text

    def until(self, *ends: str) -> str:
        text = ""
        while self.place < len(self.tokens) and self.tokens[self.place] not in ends:
            text += self.piece()
        return text

    def script(self, sign: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place] == sign:
            self.take()
            return self.group()
        return None

    def piece(self) -> str:
        token = self.take()
        if token == r"\frac":
            return f"(({self.group()})/({self.group()}))"
        if token == r"\sqrt":
            return f"sqrt({self.group()})"
        if token in (r"\sum", r"\max", r"\operatorname*"):
            word = {r"\sum": "sum", r"\max": "max"}.get(token) or self.word()
            letter = self.script("_")
            self.script("^")
            return word if letter is None else f"{word}_{letter.partition('=')[0].strip()} "
        if token in (r"\log", r"\tanh", r"\operatorname"):
            return self.function(token[1:] if token != r"\operatorname" else self.word())
        if token == r"\begin{cases}":
            return self.cases()
        if token == r"\bar":
            return self.element("d" + self.group().strip())
        if token == r"\delta":
            return self.element("δ")
        if token in (r"\left|", r"\right|"):
            return " abs(" if token == r"\left|" else ")"
        if token == "e" and self.tokens[self.place] == "^":
            exponent = self.script("^")
            return f"exp({exponent})"
        if token == "^":
            self.place -= 1
            return f"^({self.script('^')})"
        if token.isalpha():
            return self.element(token)
        return COMMANDS.get(token, token)

    def element(self, name: str) -> str:
        where = self.script("_")
        return f" {name}[{where}]" if where is not None else f" {name}"

    def function(self, name: str) -> str:
        exponent = self.script("^")
        while self.tokens[self.place] == " ":
            self.take()
        argument = self.piece()
        if argument == "(":
            argument = self.until(r"\right)")
            self.take()
        return f" {name}({argument})" + (f"^({exponent})" if exponent else "")

    def cases(self) -> str:
        chosen = self.until("&")
        self.take()
        self.skip_words()
        condition = self.until("\\\\")
        self.take()
        other = self.until("&")
        self.take()
        self.skip_words()
        self.until(r"\end{cases}")
        self.take()
        return f" where({condition}, {chosen}, {other})"

    def skip_words(self) -> None:
        while self.take() != "}":
            pass


def read_latex(text: str, world: World) -> Number:
    translator = LatexTranslator(text)
    return read_plain(translator.until(), world)
