"""Makes expressions of trees whose names are understood: every node of the result comes from a closed set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sympy
from sympy import Add, Expr, Integer, Mul, Pow

from derive.calls import WholeCall
from derive.definitions import Definition
from derive.demands import Demand, demands_of_power
from derive.functions import Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, parameter
from derive.instantiation import Instance, instantiate, usual_indices
from derive.limits import Limits
from derive.matrices import Determinant, matrix
from derive.scopes import Scope
from derive.settling import Settled
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, all_indices, free_indices, fresh_index
from derive.trees import Access, Call, Comparison, Factors, Literal, Name, Power, Terms, Tree
from derive.vocabulary import MATRIX_FUNCTIONS, SCALAR_FUNCTIONS


class Surroundings(NamedTuple):
    """What is known at a place: indices by their letter in the text, and the letters that none may have anew."""

    indices: Mapping[str, Index]
    letters: frozenset[str]


def surround(indices: Mapping[str, Index]) -> Surroundings:
    """Return surroundings with these free indices."""
    return Surroundings(indices, frozenset(index.name for index in indices.values()))


class Builder:
    """Makes expressions of trees whose names are understood.

    Attributes:
        demands: what must hold for the expressions made to be defined; SymPy cancels some of it, so that ``x/x`` is 1
            as soon as it is made.
    """

    def __init__(self, scope: Scope, settled: Settled) -> None:
        self.scope, self.source = scope, scope.source
        self.tensors, self.sizes = settled.tensors, settled.sizes
        self.letters = dict(settled.letters)
        self.made: dict[str, Expr] = {}
        self.limits = Limits(scope.source)
        self.demands: list[Demand] = []

    def definition(self, name: str, indices: tuple[Name, ...], right: Tree) -> Definition:
        free = {index.name: self.index_called(index.name) for index in indices}
        return Definition(self.tensors[name](*free.values()), self.whole(right, surround(free)))

    def call(self, call: WholeCall, before: list[Definition]) -> Instance:
        """Return the definitions that a whole-operation call stands for."""
        names = (tensor.name for tensor in call.operation.inputs)
        arguments = {name: self.tensors[a.name] for name, a in zip(names, call.arguments, strict=True)}
        written = {tensor.name: usual_indices(before, tensor) for tensor in arguments.values()}
        for name in (*call.targets, *written):
            letters = self.scope.written.get(name, ())
            written[name] = written.get(name) or tuple(self.index_called(letter) for letter in letters)
        taken = {*self.tensors, *(definition.tensor.name for definition in before)}
        outputs = [self.tensors[target] for target in call.targets]
        made = instantiate(call.operation, arguments, call.targets, taken, self.letters, written, outputs)
        for definition in made.definitions:
            for index in all_indices(definition.body) | set(definition.indices):
                self.letters.setdefault(index.name, index.size)
        return made

    def whole(self, tree: Tree, free: Surroundings) -> Expr:
        """Return the number that one side of a definition or equation stands for."""
        result = self.number(tree, free)
        self.limits.check_growth(result, tree)
        return result

    def sides(self, *trees: Tree) -> list[Expr]:
        """Return what the sides of an equation stand for; a letter that is free in several is one index in all."""
        letters = frozenset().union(*map(self.scope.free_letters, trees))
        free = surround({letter: self.index_called(letter) for letter in self.scope.letters if letter in letters})
        return [self.whole(tree, free) for tree in trees]

    def index_called(self, letter: str) -> Index:
        return Index(letter, self.letters[letter])

    def number(self, tree: Tree, free: Surroundings) -> Expr:
        """Return the number that a tree stands for where the indices ``free`` are known."""
        try:
            result = self._number(tree, free)
        except OverflowError:
            raise self.limits.too_large(tree) from None
        if result.is_number:
            self.limits.check_constant(result, tree)
        return result

    def _number(self, tree: Tree, free: Surroundings) -> Expr:
        match tree:
            case Literal(value=value):
                return value
            case Name(name="pi"):
                return sympy.pi
            case Name(name=name):
                return self.named(name)
            case Access(name=name):
                if name in self.scope.labels:
                    problem = f"{name} holds labels (it stands in an index), so it is no number to compute with"
                    raise self.source.mistake(tree.at, problem, "give the labels and the numbers two names")
                return self.element(tree, free)
            case Terms(parts=parts):
                return Add(*(sign * self.number(part, free) for sign, part in parts))
            case Factors(parts=parts):
                return Mul(*(factor for sign, part in parts for factor in self.factors(sign, part, free)))
            case Power():
                return self.power(tree, free)
            case Comparison():
                return self.comparison(tree, free, as_delta=True)
            case Call():
                return self.apply(tree, free)
        raise self.source.mistake(tree.at, "this has no meaning in a definition")

    def named(self, name: str) -> Expr:
        """Return the scalar, the whole number or the size of a name."""
        if name in self.tensors:
            return self.tensors[name]()
        return parameter(name) if name in self.scope.parameters else self.sizes[name]

    def element(self, tree: Access, free: Surroundings) -> Expr:
        return Element(self.tensors[tree.name], *(self.index(entry, free) for entry in tree.entries))

    def factors(self, sign: int, tree: Tree, free: Surroundings) -> list[Expr]:
        """Return what is multiplied; a product in a product is taken apart, so that SymPy expands no number in it."""
        match tree:
            case Factors(parts=parts):
                if sign == -1:  # What divides a divisor multiplies, and must not be 0 all the same.
                    self.demands += [Demand("!=", self.number(part, free)) for inner, part in parts if inner == -1]
                return [factor for inner, part in parts for factor in self.factors(sign * inner, part, free)]
            case Terms(parts=((-1, part),)):
                return [Integer(-1), *self.factors(sign, part, free)]
        value = self.number(tree, free)
        if sign == 1:
            return [value]
        if self.limits.is_zero(value):
            raise self.source.mistake(tree.at, "division by zero", "the part after / is 0 whatever the inputs are")
        self.demands.append(Demand("!=", value))
        return [Pow(value, -1)]

    def power(self, tree: Power, free: Surroundings) -> Expr:
        base, exponent = self.number(tree.base, free), self.number(tree.exponent, free)
        if self.limits.is_zero(base) and exponent.is_negative:
            raise self.source.mistake(tree.at, "division by zero", "a negative power of 0")
        self.limits.check_power(base, exponent, tree)
        self.demands += demands_of_power(base, exponent)
        result = Pow(base, exponent)
        self.limits.check_growth(result, tree)
        return result

    def comparison(self, tree: Comparison, free: Surroundings, as_delta: bool) -> Expr:
        """Return a bracket; an equation of two indices is a delta, except where a bracket is needed."""
        are_indices = self.scope.sides_are_indices(tree)
        left, right = (
            self.index(side, free) if is_index else self.number(side, free)
            for side, is_index in zip((tree.left, tree.right), are_indices, strict=True)
        )
        if as_delta and all(are_indices) and tree.relation in ("=", "!="):
            return Delta(left, right) if tree.relation == "=" else 1 - Delta(left, right)
        return Bracket(tree.relation, left, right)

    def apply(self, tree: Call, free: Surroundings) -> Expr:
        name, arguments = tree.name, tree.arguments
        if name == "delta":
            return Delta(*(self.index(argument, free) for argument in arguments))
        if name == "argmax":
            problem = "argmax is a position, not a number to compute with"
            raise self.source.mistake(tree.at, problem, "it can stand in an index: x[n, argmax(x[n,k], k)]")
        if self.scope.is_binder(tree):
            inside, bound = self.bind(tree, free)
            body = self.number(arguments[0], inside)
            if name in MATRIX_FUNCTIONS:
                return self.matrix_function(tree, matrix(body, *bound), free)
            left = [index for index in bound if index in free_indices(body)]
            if name == "max":
                return IndexMax(body, *left) if left else body
            counted = left if name == "mean" else [index for index in bound if index not in left]
            total = IndexSum(body, *left) if left else body
            return total * Mul(*(index.size ** (-1 if name == "mean" else 1) for index in counted))
        if name == "where" and isinstance(arguments[0], Comparison):
            condition = self.comparison(arguments[0], free, as_delta=False)
            chosen = self.guarded(arguments[1], free, condition, holds=True)
            return Where(condition, chosen, self.guarded(arguments[2], free, condition, holds=False))
        values = [self.number(argument, free) for argument in arguments]
        for value in values:
            self.limits.check_growth(value, tree)
        if name == "diff":
            return Partial(*values)
        if name in SCALAR_FUNCTIONS:
            self.limits.check_argument(name, values[0], tree)
            if name in ("log", "sqrt"):
                self.demands.append(Demand(">" if name == "log" else ">=", values[0]))
            result = SCALAR_FUNCTIONS[name].make(*values)
        else:
            operation = self.scope.words.find(name, len(values))
            assert operation is not None, "the scope has found it before"
            inputs = (tensor() for tensor in operation.inputs)
            result = replace_at_once(operation.body(), dict(zip(inputs, values, strict=True)))
            self.limits.check_growth(result, tree)
        self.limits.check_real(result, tree)
        return result

    def matrix_function(self, tree: Call, of: Expr, free: Surroundings) -> Expr:
        """Return an element of an inverse, or a determinant; an inverse demands that there is one."""
        if tree.name != "det":
            self.demands.append(Demand("!=", Determinant(of)))
        result: Expr = MATRIX_FUNCTIONS[tree.name](of, *(self.index(entry, free) for entry in tree.entries))
        return result

    def guarded(self, tree: Tree, free: Surroundings, condition: Expr, holds: bool) -> Expr:
        """Return one of a choice's values; what it demands is demanded only where it is chosen."""
        before = len(self.demands)
        value = self.number(tree, free)
        if condition == int(not holds):  # It is never chosen.
            del self.demands[before:]
        elif isinstance(condition, Bracket):
            inside = [each._replace(guards=((condition, holds), *each.guards)) for each in self.demands[before:]]
            self.demands[before:] = inside
        return value

    def bind(self, tree: Call, free: Surroundings) -> tuple[Surroundings, list[Index]]:
        """Return the indices known inside a binder, and those it binds, renamed where their names are taken."""
        inside, letters, bound = dict(free.indices), free.letters, []
        for argument in tree.arguments[1:]:
            assert isinstance(argument, Name), "the scope has checked it"
            index = self.index_called(argument.name)
            if index.name in letters:
                index = self.another(index, letters)
            inside[argument.name] = index
            letters |= {index.name}
            bound.append(index)
        return Surroundings(inside, letters), bound

    def another(self, index: Index, around: frozenset[str]) -> Index:
        """Return an index over the same size with another letter; one that was made before is used again."""
        for letter, extent in self.made.items():
            if extent == index.size and letter not in around:
                return index.renamed(letter)
        other = fresh_index(index, around | self.letters.keys() | self.tensors.keys())
        self.letters[other.name] = self.made[other.name] = other.size
        return other

    def index(self, tree: Tree, free: Surroundings) -> Expr:
        """Return what stands in an index's place."""
        match tree:
            case Name(name=name):
                return free.indices[name] if name in free.indices else self.named(name)
            case Terms(parts=parts):
                return Add(*(sign * self.index(part, free) for sign, part in parts))
            case Factors(parts=parts):
                return sympy.expand_mul(Mul(*(self.index(part, free) for _, part in parts)))
            case Literal(value=value):
                return value
            case Access():
                return self.element(tree, free)
            case Call():
                inside, bound = self.bind(tree, free)
                return IndexArgmax(self.number(tree.arguments[0], inside), *bound)
        raise self.source.mistake(tree.at, "this can not stand in an index's place")


def replace_at_once(expr: Any, values: Mapping[Expr, Expr]) -> Any:
    """Replace scalars by expressions at once in an expression that binds nothing."""
    if expr in values:
        return values[expr]
    if not isinstance(expr, sympy.Basic) or not expr.args:
        return expr
    return expr.func(*(replace_at_once(argument, values) for argument in expr.args))
