"""From definitions in index notation to a program: every index becomes an axis that it is aligned with.

Broadcasting is a missing index; it is handled here once, by the labels of operands. Sums of products become
contractions, a delta with an array of positions becomes indexing, and a sum is distributed only where that keeps an
array from growing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow

from codegen.arithmetic import build_product, build_sum, with_sign
from codegen.building import Builder, sorted_labels
from codegen.contraction import Factor, build_contraction
from codegen.elementary import FUNCTION_NAMES, RELATIONS, is_constant, prepare
from codegen.indexing import plan_indexing
from codegen.passes import improve
from codegen.program import (
    INTEGER,
    NUMBER,
    REAL,
    Argument,
    Arrange,
    Broadcast,
    Constant,
    Copy,
    Gather,
    Identity,
    InternalError,
    Labels,
    Operand,
    Position,
    Program,
    Reduce,
    Scatter,
    Statement,
    SumTo,
)
from derive.errors import InputError, UnsupportedError
from derive.functions import Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.record import Definition
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices, substitute

#: A factor and whether it multiplies (1) or divides (-1).
Power = tuple[Expr, int]


def lower(
    definitions: Sequence[Definition],
    arguments: Sequence[Tensor],
    results: Sequence[Tensor],
    *,
    absent: Mapping[str, str] | None = None,
    like: Mapping[Tensor, Tensor] | None = None,
) -> Program:
    """Return the program that computes tensors from arguments.

    Args:
        definitions: in order of computation.
        arguments, results: tensors; a result is an argument or defined.
        absent: by argument's name, the argument whose zeros make it irrelevant.
        like: by result, the argument to whose shape it is summed after broadcasting.

    Raises:
        InternalError: a body has a derivative that was not carried out, or a tensor that is not there.
        UnsupportedError: index arithmetic in a tensor's place, or a function that NumPy has not.
    """
    lowering = Lowering(arguments, absent or {})
    for definition in definitions:
        lowering.define(definition)
    names: list[str] = []
    for tensor in results:
        names.append(lowering.finish(tensor, names, (like or {}).get(tensor)).name)
    program = Program(lowering.builder.arguments, lowering.builder.statements, tuple(names), tuple(results))
    return improve(program)


@dataclass(frozen=True)
class Binding:
    """The value of a tensor, its labels among the indices that stand for the tensor's axes."""

    operand: Operand
    indices: Labels


class Lowering:
    """One run: the builder, the tensors known so far, and a rule for every kind of node."""

    def __init__(self, arguments: Sequence[Tensor], absent: Mapping[str, str]) -> None:
        built = []
        for place, tensor in enumerate(arguments):
            labels = tuple(Index(f"axis{axis}", extent) for axis, extent in enumerate(tensor.sizes))
            built.append(Argument(f"@{place}", tensor, labels, REAL if tensor.values is None else INTEGER))
        self.builder = Builder(built)
        self.scope = {argument.tensor: Binding(Operand(argument.name, argument.labels), argument.labels) for argument in built}
        self._cache: dict[tuple[Expr, Labels], Operand] = {}
        by_name = {tensor.name: tensor for tensor in arguments if not tensor.role}
        for name, label in absent.items():
            if name in by_name and label in by_name:
                self._replace_absent(by_name[name], by_name[label])

    def _replace_absent(self, tensor: Tensor, label: Tensor) -> None:
        """Let 1 stand for what is not looked at."""
        if tensor.sizes != label.sizes:
            raise InputError(f"{tensor.name} is absent where {label.name} is 0, so both need the same axes")
        operand, indices = self.scope[tensor].operand, self.scope[tensor].indices
        zeros = self.builder.map("equal", [Operand(self.scope[label].operand.name, indices), self.builder.constant(Integer(0))])
        safe = self.builder.map("where", [zeros, self.builder.constant(Integer(1)), operand])
        self.builder.call(safe, tensor)
        self.scope[tensor] = Binding(safe, indices)

    def define(self, definition: Definition) -> None:
        """Compute a definition's body and keep it under its tensor."""
        operand = self.lower(prepare(definition.body), definition.indices)
        self.builder.call(operand, definition.tensor)
        self.scope[definition.tensor] = Binding(operand, definition.indices)

    def binding(self, tensor: Tensor) -> Binding:
        if tensor not in self.scope:
            raise InternalError(f"{tensor.name} is neither an argument nor defined before it is used")
        return self.scope[tensor]

    # ---- results ----

    def finish(self, tensor: Tensor, others: Sequence[str], like: Tensor | None) -> Operand:
        """Return a tensor as a result: all its axes in order, in the dtype of the inputs, in memory of its own."""
        binding = self.binding(tensor)
        builder, operand, labels = self.builder, binding.operand, binding.indices
        roots = {self._root(name) for name in others}
        builder.release(operand, tensor)
        if not labels and builder.kind(operand) == NUMBER:
            operand = self._filled(operand, like)
        else:
            operand = operand if builder.kind(operand) == NUMBER or tensor.values is not None else builder.cast(operand)
            if set(operand.labels) != set(labels):
                operand = builder.emit(Broadcast(), (operand,), labels, REAL)
            elif self._root(operand.name) is None or self._root(operand.name) in roots:
                operand = builder.emit(Copy(), (operand,), labels, builder.kind(operand))
            elif operand.labels != labels:
                operand = builder.emit(Arrange(), (operand,), labels, builder.kind(operand))
            if like is not None:
                operand = builder.emit(SumTo(), (operand, self.binding(like).operand), (), REAL)
        while operand.name in others:
            operand = builder.emit(Copy(), (operand,), labels, builder.kind(operand))
        builder.call(operand, tensor)
        return operand

    def _filled(self, number: Operand, like: Tensor | None) -> Operand:
        """Return a number as an array of no axes, or of the shape of an argument where all may be arrays."""
        arguments = self.builder.arguments
        if not arguments or any(argument.labels for argument in arguments):
            return self.builder.cast(number)
        shaped = arguments[0].tensor if like is None else like
        return self.builder.map("full_like", [self.binding(shaped).operand, number])

    def _root(self, name: str) -> str | None:
        """Return the statement whose memory a value lies in, None for an argument's."""
        value = self.builder.values[name]
        while isinstance(value, Statement) and value.is_view:
            value = self.builder.values[value.operands[0].name]
        return value.name if isinstance(value, Statement) else None

    # ---- expressions ----

    def lower(self, expr: Expr, want: Labels = ()) -> Operand:
        """Return the value of an expression, its axes in the order of ``want`` where there is a choice."""
        key = (expr, want)
        if key not in self._cache:
            self._cache[key] = self._lower(expr, want)
        return self._cache[key]

    def _lower(self, expr: Expr, want: Labels) -> Operand:
        if is_constant(expr):
            return self.builder.constant(expr)
        rule = _RULES.get(type(expr))
        if rule is not None:
            return rule(self, expr, want)
        if expr.func in FUNCTION_NAMES:
            operands = [self.lower(argument, want) for argument in expr.args]
            return self.builder.map(FUNCTION_NAMES[expr.func], operands, want)
        if isinstance(expr, Partial):
            raise InternalError("a derivative that was not carried out has reached the code generator")
        raise UnsupportedError(f"NumPy code for {type(expr).__name__} can not be generated")

    def _lower_element(self, expr: Element, want: Labels) -> Operand:
        binding = self.binding(expr.tensor)
        places = dict(zip(binding.indices, expr.indices, strict=True))
        where = [places[label] for label in binding.operand.labels]
        if all(isinstance(place, Index) for place in where) and len(set(where)) == len(where):
            return Operand(binding.operand.name, tuple(where))
        return self._gather(expr, binding.operand, where, want)

    def _gather(self, expr: Element, operand: Operand, where: Sequence[Expr], want: Labels) -> Operand:
        places: list[Index | int | None] = []
        positions: list[Operand] = []
        for place in where:
            if isinstance(place, Index):
                places.append(place)
            elif place.is_Integer:
                places.append(int(place))
            elif isinstance(place, Element | IndexArgmax):
                position = self.lower_index(place, want)
                found = self.builder.statement(position)
                if found is not None and isinstance(found.op, Constant):
                    places.append(int(found.op.value))
                else:
                    places.append(None)
                    positions.append(position)
            else:
                raise UnsupportedError(f"index arithmetic in {expr.tensor.name}[...] is not served by the code generator")
        source = Operand(operand.name, self.builder.values[operand.name].labels)
        others = [place for place in places if isinstance(place, Index)]
        if len(positions) == 1 and len(others) == len(places) - 1 and set(positions[0].labels) == set(others):
            found = self.builder.statement(positions[0])
            is_position_of_maximum = found is not None and isinstance(found.op, Reduce)
            if others and (is_position_of_maximum or len(places) > 2):
                return self._emit_gather(Gather(tuple(places), along=True), source, positions, tuple(others))
        labels = plan_indexing(places, positions).labels
        return self._emit_gather(Gather(tuple(places)), source, positions, labels)

    def _emit_gather(self, op: Gather, source: Operand, positions: Sequence[Operand], labels: Labels) -> Operand:
        """The source's own labels only name its axes, so that they must not meet those of the positions."""
        renamed = tuple(Index(f"_{axis}", label.size) for axis, label in enumerate(source.labels))
        kind = self.builder.kind(source)
        return self.builder.emit(op, (Operand(source.name, renamed), *positions), labels, kind)

    def lower_index(self, expr: Expr, want: Labels = ()) -> Operand:
        """Return an index expression as integers."""
        if isinstance(expr, Index):
            return self.builder.emit(Position(), (), (expr,), INTEGER)
        if is_constant(expr):
            return self.builder.constant(expr)
        if isinstance(expr, Element) and expr.tensor.values is not None:
            return self._lower_element(expr, want)
        if isinstance(expr, IndexArgmax):
            body, bound = expr.opened(want)
            operand = self.lower(body, (*want, *bound))
            over = [index for index in bound if index in operand.labels]
            return self.builder.reduce("argmax", operand, over) if over else self.builder.constant(Integer(0))
        if isinstance(expr, Add):
            signs = tuple(-1 if term.could_extract_minus_sign() else 1 for term in expr.args)
            terms = [self.lower_index(sign * term, want) for sign, term in zip(signs, expr.args, strict=True)]
            order = sorted(range(len(terms)), key=lambda place: -signs[place])
            return self.builder.integers("add", [terms[at] for at in order], want, tuple(signs[at] for at in order))
        if isinstance(expr, Mul):
            return self.builder.integers("mul", [self.lower_index(factor, want) for factor in expr.args], want)
        raise UnsupportedError(f"{type(expr).__name__} can not stand in an index's place in generated code")

    def _lower_index_as_number(self, expr: Expr, want: Labels) -> Operand:
        return self.builder.cast(self.lower_index(expr, want))

    def _lower_delta(self, expr: Delta, want: Labels) -> Operand:
        if isinstance(expr.left, Index) and isinstance(expr.right, Index) and expr.left.size == expr.right.size:
            return self.builder.emit(Identity(), (), sorted_labels((expr.left, expr.right), want), REAL)
        return self.builder.map("equal", [self.lower_index(side, want) for side in expr.args], want)

    def _lower_bracket(self, expr: Bracket, want: Labels) -> Operand:
        sides = [expr.left, expr.right]
        are_positions = all(is_index_expression(side) for side in sides)
        operands = [self.lower_index(side, want) if are_positions else self.lower(side, want) for side in sides]
        return self.builder.map(RELATIONS[expr.relation], operands, want)

    def _lower_where(self, expr: Where, want: Labels) -> Operand:
        return self.builder.map("where", [self.lower(part, want) for part in expr.args], want)

    def _lower_max(self, expr: IndexMax, want: Labels) -> Operand:
        body, bound = expr.opened(want)
        operand = self.lower(body, (*want, *bound))
        over = [index for index in bound if index in operand.labels]
        return self.builder.reduce("max", operand, over) if over else operand

    def _lower_pow(self, expr: Pow, want: Labels) -> Operand:
        return self._lower_product(expr, want)

    def _lower_product(self, expr: Expr, want: Labels) -> Operand:
        return with_sign(self.builder, self.product(expr, want))

    def product(self, expr: Expr, want: Labels) -> tuple[int, Operand]:
        """Return the sign and value of a product, quotient or power."""
        return self._sum_of_product(*split_product(expr), (), want)

    def _lower_add(self, expr: Expr, want: Labels) -> Operand:
        terms = Add.make_args(expr)
        scattered = [term for term in terms if find_scatter(split_product(term)[1], ())]
        plain = [self._term(term, want) for term in terms if term not in scattered]
        if not scattered:
            return build_sum(self.builder, plain, want)
        base = build_sum(self.builder, plain, want) if plain else None
        if base is None or set(base.labels) != free_indices(expr):
            labels = sorted_labels(sorted(free_indices(expr), key=lambda index: index.name), want)
            base = self._spread(base, labels) if base is not None else None
        else:
            labels = base.labels
        for term in scattered:
            base = self._scatter(*split_product(term), (), labels, base)
        assert base is not None
        return base

    def _term(self, expr: Expr, want: Labels) -> tuple[int, Operand]:
        if isinstance(expr, Mul | Pow):
            return self.product(expr, want)
        if is_constant(expr) and expr.could_extract_minus_sign():
            return -1, self.lower(-expr, want)
        return 1, self.lower(expr, want)

    def _spread(self, operand: Operand, labels: Labels) -> Operand:
        if set(operand.labels) == set(labels):
            return operand
        operand = operand if self.builder.kind(operand) == NUMBER else self.builder.cast(operand)
        return self.builder.emit(Broadcast(), (operand,), labels, REAL)

    def _lower_sum(self, expr: IndexSum, want: Labels) -> Operand:
        body, bound = expr.opened(want)
        return with_sign(self.builder, self._sum_of_product(*split_product(body), bound, want))

    # ---- sums of products ----

    def _sum_of_product(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels
    ) -> tuple[int, Operand]:
        """Return the sign and value of a product summed over indices."""
        if constant == 0:
            return 1, self.builder.constant(constant)
        collapsed = collapse_delta(powers, bound)
        if collapsed is not None:
            factor, powers, bound = collapsed
            return self._sum_of_product(constant * factor, powers, bound, want)
        to_distribute = find_sum_to_distribute(powers, bound)
        if to_distribute is not None:
            return self._distribute(to_distribute, constant, powers, bound, want)
        if find_scatter(powers, bound):
            free = {index for factor, _ in powers for index in free_indices(factor)} - set(bound)
            labels = sorted_labels(sorted(free, key=lambda index: index.name), want)
            return 1, self._scatter(constant, powers, bound, labels, None)
        inside = [(factor, power) for factor, power in powers if free_indices(factor) & set(bound)]
        outside = [found for found in powers if found not in inside]
        for index in bound:
            if not any(index in free_indices(factor) for factor, _ in inside):
                constant *= index.size
        above = [self.lower_power(factor, want) for factor, power in outside if power > 0]
        below = [self.lower_power(factor, want) for factor, power in outside if power < 0]
        for component in components(inside, bound):
            times, value = self._contract(component, bound, want)
            constant *= times
            above.append(value)
        return build_product(self.builder, above, below, constant, want)

    def _contract(self, powers: Sequence[Power], bound: Labels, want: Labels) -> tuple[Expr, Operand]:
        """Return the sum over indices of factors that hang together by them, and what to multiply it by."""
        own = [index for index in bound if any(index in free_indices(factor) for factor, _ in powers)]
        if len(powers) == 1 and powers[0][1] > 0:
            base, exponent = powers[0][0].as_base_exp()
            if exponent == 2 and len(free_indices(base)) == 1:
                powers = [(base, 1), (base, 1)]
        factors = []
        for factor, power in powers:
            operand = self.lower_power(factor, (*want, *bound))
            factors.append(Factor([operand], []) if power > 0 else Factor([], [operand]))
        present = {label for factor in factors for label in factor.labels}
        times = sympy.prod([index.size for index in own if index not in present])
        return times, build_contraction(self.builder, factors, [index for index in own if index in present], want)

    def lower_power(self, expr: Expr, want: Labels) -> Operand:
        """Return a factor: a power of a value by multiplications and square roots where that will do."""
        if not isinstance(expr, Pow):
            return self.lower(expr, want)
        base, exponent = expr.args
        if is_constant(exponent) and exponent.is_Rational and exponent > 0 and exponent.q <= 2 and exponent <= 8:
            operand, whole = self.lower(base, want), int(exponent)
            parts = [self._whole_power(operand, whole, want)] if whole else []
            if exponent.q == 2:
                parts.append(self.builder.map("sqrt", [operand], want))
            return parts[0] if len(parts) == 1 else self.builder.map("mul", parts, want)
        return self.builder.map("pow", [self.lower(base, want), self.lower(exponent, want)], want)

    def _whole_power(self, operand: Operand, power: int, want: Labels) -> Operand:
        if power == 1:
            return operand
        if power % 2 == 0:
            return self.builder.map("square", [self._whole_power(operand, power // 2, want)], want)
        others = [operand, operand] if power == 3 else [self._whole_power(operand, power - 1, want)]
        return self.builder.map("mul", [operand, *others], want)

    def _distribute(
        self, place: int, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels
    ) -> tuple[int, Operand]:
        others = [power for at, power in enumerate(powers) if at != place]
        terms = []
        for term in Add.make_args(powers[place][0]):
            factor, parts = split_product(term)
            terms.append(self._sum_of_product(constant * factor, [*others, *parts], bound, want))
        return 1, build_sum(self.builder, terms, want)

    def _scatter(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, labels: Labels, base: Operand | None
    ) -> Operand:
        """Add a product with deltas ``delta(k, t[n])`` to a base, at the places where they are not zero."""
        targets = find_scatter(powers, bound)
        at = {index: place for index, place in targets.values()}
        rest: list[Power] = []
        for factor, power in powers:
            if factor not in targets:
                number, parts = split_product(substitute(factor, at) ** power)
                constant *= number
                rest += parts
        inner = (*labels, *bound)
        positions = [self.lower_index(at[label], inner) for label in labels if label in at]
        running = {label for position in positions for label in position.labels} & set(bound)
        remaining = tuple(index for index in bound if index not in running)
        value = with_sign(self.builder, self._sum_of_product(constant, rest, remaining, inner))
        where = tuple(None if label in at else label for label in labels)
        op = Scatter(where, base is not None, repeats=bool(running))
        operands = [*([base] if base is not None else []), value, *positions]
        return self.builder.emit(op, operands, labels, REAL)


def split_product(expr: Expr) -> tuple[Expr, list[Power]]:
    """Return the constant of a product, and its other factors with whether they multiply or divide.

    Example:
        >>> x = Tensor("x")()
        >>> split_product(3 * x / sympy.sqrt(x + 1))
        (3, [(x, 1), (sqrt(x + 1), -1)])
    """
    constant: Expr = Integer(1)
    powers: list[Power] = []
    for factor in Mul.make_args(expr):
        if is_constant(factor):
            constant *= factor
        elif isinstance(factor, Pow) and factor.args[1].is_number and factor.args[1].could_extract_minus_sign():
            powers.append((Pow(factor.args[0], -factor.args[1]), -1))
        else:
            powers.append((factor, 1))
    return constant, powers


def is_index_expression(expr: Expr) -> bool:
    """Whether an expression is an integer that counts positions: an index, a label, arithmetic on these."""
    if isinstance(expr, Index | IndexArgmax) or expr.is_Integer or (isinstance(expr, sympy.Symbol)):
        return True
    if isinstance(expr, Element):
        return expr.tensor.values is not None
    return isinstance(expr, Add | Mul) and all(map(is_index_expression, expr.args))


def collapse_delta(powers: Sequence[Power], bound: Labels) -> tuple[Expr, list[Power], Labels] | None:
    """Return constant, factors and bound indices without a delta that has a bound index on one side, None if none has.

    ``sum(delta(k, i)*a[k], k) = a[i]``
    """
    for place, (factor, power) in enumerate(powers):
        if not isinstance(factor, Delta) or power < 0:
            continue
        for index, other in ((factor.left, factor.right), (factor.right, factor.left)):
            if isinstance(index, Index) and index in bound and index not in free_indices(other):
                constant: Expr = Integer(1)
                rest: list[Power] = []
                for at, (each, sign) in enumerate(powers):
                    if at != place:
                        number, parts = split_product(substitute(each, {index: other}) ** sign)
                        constant *= number
                        rest += parts
                return constant, rest, tuple(each for each in bound if each != index)
    return None


def delta_target(factor: Expr, bound: Labels) -> tuple[Index, Expr] | None:
    """Return a free index and the array of positions it must equal, where the factor is such a delta."""
    if isinstance(factor, Delta):
        for index, other in ((factor.left, factor.right), (factor.right, factor.left)):
            if isinstance(index, Index) and index not in bound and not isinstance(other, Index):
                if index not in free_indices(other) and not is_constant(other):
                    return index, other
    return None


def find_scatter(powers: Sequence[Power], bound: Labels) -> dict[Expr, tuple[Index, Expr]]:
    """Return the deltas that pin a free index to an array of positions, with that index and those positions."""
    found: dict[Expr, tuple[Index, Expr]] = {}
    for factor, power in powers:
        target = delta_target(factor, bound) if power > 0 else None
        if target is not None:
            pinned = {index for index, _ in found.values()} | {target[0]}
            running = set().union(*(free_indices(place) for _, place in (*found.values(), target)))
            if len(pinned) == len(found) + 1 and not running & pinned:
                found[factor] = target
    return found


def find_sum_to_distribute(powers: Sequence[Power], bound: Labels) -> int | None:
    """Return the place of a sum that is better summed term by term, if there is one.

    It is where a delta in it collapses the outer sum, or where its terms together have more indices than any of them
    and than any other factor: the array of all of them would be larger than what it is made of.
    """
    for place, (factor, power) in enumerate(powers):
        if power < 0 or not isinstance(factor, Add) or not free_indices(factor) & set(bound):
            continue
        terms = [split_product(term)[1] for term in factor.args]
        if any(collapses(term, bound) for term in terms):
            return place
        indices = [free_indices(term) for term in factor.args]
        others = [free_indices(other) for at, (other, _) in enumerate(powers) if at != place]
        if not any(free_indices(factor) <= known for known in (*indices, *others)):
            return place
    return None


def collapses(powers: Iterable[Power], bound: Labels) -> bool:
    """Whether a term has a delta of two plain indices, one of them bound."""
    return any(
        power > 0
        and isinstance(factor, Delta)
        and all(isinstance(side, Index) for side in factor.args)
        and any(side in bound for side in factor.args)
        for factor, power in powers
    )


def components(powers: Sequence[Power], bound: Labels) -> list[list[Power]]:
    """Return factors in groups that share no bound index: the sum of their product is the product of their sums."""
    groups: list[tuple[set[Index], list[Power]]] = []
    for power in powers:
        own = set(free_indices(power[0])) & set(bound)
        joined = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        groups.append((own.union(*(g[0] for g in joined)), [*(p for g in joined for p in g[1]), power]))
    return [group for _, group in groups]


_RULES: dict[Any, Callable[[Lowering, Any, Labels], Operand]] = {
    Element: Lowering._lower_element,
    Index: Lowering._lower_index_as_number,
    IndexArgmax: Lowering._lower_index_as_number,
    Delta: Lowering._lower_delta,
    Bracket: Lowering._lower_bracket,
    Where: Lowering._lower_where,
    Add: Lowering._lower_add,
    Mul: Lowering._lower_product,
    Pow: Lowering._lower_pow,
    IndexSum: Lowering._lower_sum,
    IndexMax: Lowering._lower_max,
}
