"""From definitions in index notation to a program: every index becomes an axis that it is aligned with.

Broadcasting is a missing index; it is handled here once, by the labels of operands. Sums of products become
contractions, a delta with an array of positions becomes indexing, and a sum is distributed only where that keeps an
array from growing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sympy import Add, Expr, Integer, Mul, Pow, Symbol

from codegen.arithmetic import build_product, build_sum, with_sign
from codegen.building import Builder, sorted_labels, union_labels
from codegen.elementary import FUNCTION_NAMES, RELATIONS, AddedLast, InTurn, is_constant, prepare
from codegen.factoring import factor_sums, spread_number
from codegen.finishing import Binding, finish
from codegen.fitting import named_positions
from codegen.indexing import plan_indexing
from codegen.leading import fits_any_rank
from codegen.maxima import search_of
from codegen.ops import Broadcast, Constant, Gather, Identity, Invert, Labels, Map, Operand, Position, Reduce
from codegen.ops import Determinant as DeterminantOf
from codegen.passes import improve
from codegen.positions import build_rows, find_rows, split_rows
from codegen.products import Positions, find_choice, find_scatter, is_index_expression, split_product, spread
from codegen.program import INTEGER, NUMBER, REAL, Argument, InternalError, Program
from codegen.summing import Summing
from codegen.window_plans import needs_windows
from derive.definitions import Definition
from derive.errors import UnsupportedError
from derive.extents import Extent
from derive.functions import Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.sums import IndexArgmax, IndexMax, IndexSum, Partial, free_indices, has


def lower(
    definitions: Sequence[Definition],
    arguments: Sequence[Tensor],
    results: Sequence[Tensor],
    *,
    like: Mapping[Tensor, Tensor] | None = None,
    numbers: Collection[Tensor] = (),
    leading: Symbol | None = None,
    parameters: Collection[Symbol] = (),
    extents: Sequence[Extent] = (),
    positions: Positions = MappingProxyType({}),
    origins: Mapping[Tensor, frozenset[str]] = MappingProxyType({}),
) -> Program:
    """Return the program that computes tensors from arguments.

    Args:
        definitions: in order of computation.
        arguments, results: tensors; a result is an argument or defined.
        like: by result, the argument to whose shape it is summed after broadcasting.
        numbers: arguments that may be Python's numbers, which have no dtype of their own.
        leading: the size of a first axis in the place of which arrays have any number of axes. They are made one axis
            first where a statement needs that.
        parameters: whole numbers that are given besides; the program takes those that it needs.
        extents: sizes that follow from others.
        positions: by size, a position that is there, whatever the definitions name.
        origins: by argument, the names of what it was computed from before.

    Raises:
        InternalError: a body has a derivative that was not carried out, or a tensor that is not there.
        UnsupportedError: index arithmetic in a tensor's place, or a function that NumPy has not.
    """
    whole = tuple(parameters), tuple(extents)
    named = {size: last for size, (last, _) in named_positions(each.body for each in definitions).items()}
    there = {size: max(named.get(size, -1), positions.get(size, -1)) for size in (*named, *positions)}

    def lowered(leading: Symbol | None) -> Program:
        run = Lowering(arguments, numbers, leading, extents, there, origins)
        return _lowered(run, definitions, results, like or {}, *whole)

    if leading is not None:
        program = lowered(leading)
        if fits_any_rank(program, leading):
            return program
    program = lowered(None)
    return program if leading is None else replace(program, leading=leading, flattens=True)


def _lowered(
    lowering: Lowering,
    definitions: Sequence[Definition],
    results: Sequence[Tensor],
    like: Mapping[Tensor, Tensor],
    parameters: tuple[Symbol, ...],
    extents: tuple[Extent, ...],
) -> Program:
    for definition in definitions:
        lowering.define(definition)
    names: list[str] = []
    for tensor in results:
        shaped = lowering.binding(like[tensor]) if tensor in like else None
        names.append(finish(lowering.builder, tensor, lowering.binding(tensor), names, shaped).name)
    builder = lowering.builder
    program = improve(
        Program(
            builder.arguments,
            builder.statements,
            tuple(names),
            tuple(results),
            leading=lowering.leading,
            parameters=parameters,
            extents=extents,
        )
    )
    return replace(program, parameters=tuple(each for each in parameters if program.needs(each)))


class Lowering(Summing):
    """One run: the builder, the tensors known so far, and a rule for every kind of node."""

    def __init__(
        self,
        arguments: Sequence[Tensor],
        numbers: Collection[Tensor] = (),
        leading: Symbol | None = None,
        extents: Sequence[Extent] = (),
        positions: Positions = MappingProxyType({}),
        origins: Mapping[Tensor, frozenset[str]] = MappingProxyType({}),
    ) -> None:
        self.leading = leading
        built = []
        for place, tensor in enumerate(arguments):
            labels = tuple(Index(f"axis{axis}", extent) for axis, extent in enumerate(tensor.sizes))
            kind = NUMBER if tensor in numbers else REAL if tensor.values is None else INTEGER
            built.append(Argument(f"@{place}", tensor, labels, kind, origins.get(tensor, frozenset())))
        self.builder = Builder(built)
        self.extents = tuple(extents)
        self.scope = {each.tensor: Binding(Operand(each.name, each.labels), each.labels) for each in built}
        self.positions = positions
        self._cache: dict[tuple[Expr, Labels], Operand] = {}

    def define(self, definition: Definition) -> None:
        """Compute a definition's body and keep it under its tensor."""
        operand = self.lower(prepare(definition.body), definition.indices)
        self.builder.call(operand, definition.tensor)
        self.scope[definition.tensor] = Binding(operand, definition.indices)

    def binding(self, tensor: Tensor) -> Binding:
        if tensor not in self.scope:
            raise InternalError(f"{tensor.name} is neither an argument nor defined before it is used")
        return self.scope[tensor]

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
        if needs_windows(where, [label.size for label in binding.operand.labels]):
            return self.lower_windows(expr, binding.operand, where, want)
        if all(isinstance(place, Index) for place in where) and len(set(where)) == len(where):
            return Operand(binding.operand.name, tuple(where))
        return self.gather(expr, binding.operand, where, want)

    def gather(self, expr: Expr, operand: Operand, where: Sequence[Expr], want: Labels) -> Operand:
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
                name = expr.tensor.name if isinstance(expr, Element) else "an inverse"
                what = f"index arithmetic in {name}[...]"
                raise UnsupportedError(f"NumPy code for {what} can not be generated")
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
            found = self.lower_search(search_of(expr, want), want)
            if found is not None:
                return found
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

    def _lower_in_turn(self, expr: InTurn, want: Labels) -> Operand:
        value, base, exponent = expr.args
        operands = [self.lower(value, want), *[self.lower(base, want)] * int(exponent)]
        return self.builder.emit(Map("mul"), operands, union_labels(operands, want), REAL)

    def _lower_added_last(self, expr: AddedLast, want: Labels) -> Operand:
        first, last = expr.args
        terms = sorted((self._term(term, want) for term in Add.make_args(first)), key=lambda term: -term[0])
        signs, operands = zip(*terms, (1, self.lower(last, want)), strict=True)
        return self.builder.map("add", operands, want, signs)

    def _lower_max(self, expr: IndexMax, want: Labels) -> Operand:
        body, bound = expr.opened(want)
        operand = self.lower(body, (*want, *bound))
        over = [index for index in bound if index in operand.labels]
        return self.builder.reduce("max", operand, over) if over else operand

    def _matrix(self, expr: MatrixFunction, want: Labels) -> tuple[Operand, Index, Index]:
        """Return a matrix function's matrix, with its row and column."""
        entry, row, column = expr.opened(want)
        operand = self.builder.cast(self.lower(entry, (*want, row, column)))
        batch = tuple(label for label in operand.labels if label not in (row, column))
        if {row, column} <= set(operand.labels):
            return operand, row, column
        return self._spread(operand, (*batch, row, column)), row, column

    def _lower_inverse(self, expr: Inverse, want: Labels) -> Operand:
        operand, row, column = self._matrix(expr, want)
        batch = tuple(label for label in operand.labels if label not in (row, column))
        value = self.builder.emit(Invert(), (operand,), (*batch, column, row), REAL)
        where = (*batch, expr.row, expr.column)
        if all(isinstance(place, Index) for place in where) and len(set(where)) == len(where):
            return Operand(value.name, where)
        return self.gather(expr, value, where, want)

    def _lower_determinant(self, expr: MatrixFunction, want: Labels) -> Operand:
        operand, row, column = self._matrix(expr, want)
        labels = tuple(label for label in operand.labels if label not in (row, column))
        function = "logdet" if isinstance(expr, LogDeterminant) else "det"
        return self.builder.emit(DeterminantOf(function, (row, column)), (operand,), labels, REAL)

    def _lower_product(self, expr: Expr, want: Labels) -> Operand:
        rows = find_rows(expr, self.positions) if has(expr, Delta) else None
        if rows is not None:
            return build_rows(self.builder, rows, want, self.lower)
        return with_sign(self.builder, self.product(expr, want))

    def product(self, expr: Expr, want: Labels) -> tuple[int, Operand]:
        """Return the sign and value of a product, quotient or power."""
        constant, powers = split_product(spread_number(expr))
        choice = find_choice(powers)
        if choice is not None:
            rest = Mul(*(factor**power for factor, power in powers if factor != choice))
            values = [rest * value for value in (choice.chosen, choice.other)]
            chosen = self._lower_where(Where(choice.condition, *values), want)
            return build_product(self.builder, [chosen], [], constant, want)
        return self.sum_of_product(constant, powers, (), want)

    def _lower_add(self, expr: Expr, want: Labels) -> Operand:
        expr = factor_sums(expr)
        if not isinstance(expr, Add):
            return self.lower(expr, want)
        if has(expr, Delta):
            rows, parts = find_rows(expr, self.positions), split_rows(expr, self.positions)
            if rows is not None:
                return build_rows(self.builder, rows, want, self.lower)
            rows = find_rows(parts[0], self.positions) if parts is not None else None
            if rows is not None and parts is not None:
                return build_rows(self.builder, rows, want, self.lower, self.lower(parts[1], want))
        terms = [part for term in Add.make_args(expr) for part in spread(term)]
        scattered = [term for term in terms if find_scatter(split_product(term)[1], ())]
        plain = [self._term(term, want) for term in terms if term not in scattered]
        if not scattered:
            return build_sum(self.builder, plain, want)
        base = self.builder.cast(build_sum(self.builder, plain, want)) if plain else None
        if base is None or set(base.labels) != free_indices(expr):
            labels = sorted_labels(sorted(free_indices(expr), key=lambda index: index.name), want)
            base = self._spread(base, labels) if base is not None else None
        else:
            labels = base.labels
        for term in scattered:
            base = self.scatter(*split_product(term), (), labels, base)
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
        return self.builder.emit(Broadcast(), (operand,), labels, REAL)

    def _lower_sum(self, expr: IndexSum, want: Labels) -> Operand:
        rows = find_rows(expr, self.positions) if has(expr, Delta) else None
        if rows is not None:
            return build_rows(self.builder, rows, want, self.lower)
        body, bound = expr.opened(want)
        return with_sign(self.builder, self.sum_of_product(*split_product(body), bound, want))


_RULES: dict[Any, Callable[[Lowering, Any, Labels], Operand]] = {
    Element: Lowering._lower_element,
    Index: Lowering._lower_index_as_number,
    IndexArgmax: Lowering._lower_index_as_number,
    Delta: Lowering._lower_delta,
    Bracket: Lowering._lower_bracket,
    Where: Lowering._lower_where,
    Add: Lowering._lower_add,
    Mul: Lowering._lower_product,
    Pow: Lowering._lower_product,
    IndexSum: Lowering._lower_sum,
    IndexMax: Lowering._lower_max,
    InTurn: Lowering._lower_in_turn,
    AddedLast: Lowering._lower_added_last,
    Inverse: Lowering._lower_inverse,
    Determinant: Lowering._lower_determinant,
    LogDeterminant: Lowering._lower_determinant,
}
