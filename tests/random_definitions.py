"""Random definitions in index notation, for the code generator: every choice is drawn from one seed."""

from __future__ import annotations

import random

import sympy
from lowering_cases import D, K, N, T
from sympy import Expr, Integer, Rational

from derive.definitions import Definition
from derive.functions import Maximum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.sums import IndexArgmax, IndexMax, IndexSum

LETTERS = {N: "nm", K: "kj", D: "di", T: "ts"}
INDICES = [Index(letter, extent) for extent, letters in LETTERS.items() for letter in letters]
SMALL = {N: 3, K: 2, D: 5, T: 4}
REAL = [
    Tensor("a", (N, K)),
    Tensor("b", (K,)),
    Tensor("c", (K, N)),
    Tensor("g", (N, D)),
    Tensor("h", (D, K)),
    Tensor("q", (N, T, D)),
    Tensor("r"),
    Tensor("u", (N,)),
    Tensor("z", (N, N)),
    Tensor("w", (K, K)),
]
WHOLE = [
    Tensor("l", (N,), values=K),
    Tensor("e", (N, T), values=D),
    Tensor("o", (), values=N),
    Tensor("p", (T,), values=N),
]


class Maker:
    """Random expressions; every choice is drawn from one source, so that a failure can be told again by its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tensors = list(REAL)

    def place(self, extent: Expr, scope: list[Index]) -> Expr:
        pick, chance = self.random.choice, self.random.random()
        known = [index for index in scope if index.size == extent]
        if chance < 0.04:
            bound = pick([index for index in INDICES if index.size == extent])
            return IndexArgmax(self.element([index for index in scope if index != bound] + [bound] * 3), bound)
        fitting = [
            tensor
            for tensor in WHOLE
            if tensor.values == extent and all(any(i.size == size for i in scope) for size in tensor.sizes)
        ]
        if chance < 0.25 and fitting:
            tensor = pick(fitting)
            return tensor(*(pick([i for i in scope if i.size == size]) for size in tensor.sizes))
        return pick(known) if known else Integer(self.random.randrange(SMALL[extent]))

    def element(self, scope: list[Index]) -> Element:
        tensor = self.random.choice(self.tensors)
        return tensor(*(self.place(extent, scope) for extent in tensor.sizes))

    def expression(self, scope: list[Index], depth: int) -> Expr:
        if depth == 0 or self.random.random() < 0.15:
            return self.element(scope)
        kinds = [
            *[self.total] * 4, *[self.product] * 4, *[self.sum] * 5, *[self.delta] * 2,
            self.quotient, self.largest, self.choice, self.bracket, self.function, self.scaled,
        ]  # fmt: skip
        return self.random.choice(kinds)(scope, depth - 1)

    def sum(self, scope: list[Index], depth: int) -> Expr:
        return self.expression(scope, depth) + self.random.choice([1, -1]) * self.expression(scope, depth)

    def product(self, scope: list[Index], depth: int) -> Expr:
        return self.expression(scope, depth) * self.expression(scope, depth)

    def quotient(self, scope: list[Index], depth: int) -> Expr:
        return self.expression(scope, depth) / (2 + self.expression(scope, depth) ** 2)

    def total(self, scope: list[Index], depth: int) -> Expr:
        bound = self.random.sample(INDICES, self.random.choice([1, 1, 2]))
        inner = [index for index in scope if index not in bound] + bound * 2
        return IndexSum(self.expression(inner, depth), *bound)

    def largest(self, scope: list[Index], depth: int) -> Expr:
        bound = self.random.choice(INDICES)
        return IndexMax(self.expression([index for index in scope if index != bound] + [bound] * 2, depth), bound)

    def delta(self, scope: list[Index], depth: int) -> Expr:
        extent = self.random.choice(list(SMALL))
        return Delta(self.place(extent, scope), self.place(extent, scope)) * self.expression(scope, depth)

    def condition(self, scope: list[Index]) -> Expr:
        return Bracket(self.random.choice([">", ">="]), self.element(scope), 0)

    def choice(self, scope: list[Index], depth: int) -> Expr:
        return Where(self.condition(scope), self.expression(scope, depth), self.expression(scope, depth))

    def bracket(self, scope: list[Index], depth: int) -> Expr:
        return self.condition(scope) * self.expression(scope, depth)

    def function(self, scope: list[Index], depth: int) -> Expr:
        inner = self.expression(scope, depth)
        return self.random.choice([sympy.tanh(inner), Maximum(inner, 0), sympy.Abs(inner)])

    def scaled(self, scope: list[Index], depth: int) -> Expr:
        return self.random.choice([1 / N, sympy.sqrt(K), Rational(1, 3), Integer(2), 3 / (N * K)]) * self.expression(
            scope, depth
        )

    def definitions(self) -> list[Definition]:
        """Return one definition, or one that uses another."""
        made = []
        if self.random.random() < 0.6:
            indices = self.random.sample(INDICES, self.random.choice([1, 2, 2]))
            middle = Tensor("M", tuple(index.size for index in indices))
            made.append(Definition(middle(*indices), self.expression(list(indices), self.random.choice([1, 2, 3]))))
            self.tensors = [*[middle] * 6, *REAL]
        indices = self.random.sample(INDICES, self.random.choice([0, 1, 1, 2, 2, 3]))
        result = Tensor("Y", tuple(index.size for index in indices))
        made.append(Definition(result(*indices), self.expression(list(indices), self.random.choice([1, 2, 3, 4]))))
        return made
