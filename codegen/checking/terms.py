"""Mistakes in one place of the derived gradient: a term left out, a sign, a factor, a power, a sum that is none.

Every mistake is made in the derived formula, evaluated with the numbers of a world, and held against what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational

import derive
from codegen.checking.axes import Diagnosis
from codegen.checking.evidence import Evidence
from codegen.checking.recognition import Match, Recognised
from derive.errors import DeriveError
from derive.evaluation import Assignment
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.precision import UndefinedError
from derive.printing import definition_text
from derive.sums import Binder, IndexSum, nodes

Edit = tuple[str, str, Expr]
#: Places that a mistake has to explain first, and in all.
FEW, MANY = 2, 12
#: How many mistakes are tried.
MOST_EDITS = 400
#: Orders of size of an array's axes that a mistake may be seen in: where arrays are larger it is not looked for.
LARGEST = 2000


def diagnose_terms(recognised: Recognised, name: str, evidence: Sequence[Evidence]) -> Diagnosis | None:
    """Return the one mistake in the derived gradient that gives what was found in every world; None if none does."""
    wrt = recognised.input_of(name)
    own = [each for each in evidence if each.found.shape == each.shape and each.found.size]
    if wrt is None or len(own) < len(evidence) or not all(np.isfinite(each.found).all() for each in own):
        return None
    try:
        derivation = derive.vjp(recognised.match.operation, wrt)
        worlds = [_World(recognised.match, wrt, each, derivation.target) for each in own]
        for kind, words, expr in islice(edits(derivation.result), MOST_EDITS):
            if all(world.gives(expr, FEW) for world in worlds) and all(world.gives(expr, MANY) for world in worlds):
                return Diagnosis(kind, words)
    except (DeriveError, ValueError):
        return None
    return None


class _World:
    """The numbers of one world, as the evaluator takes them."""

    def __init__(self, match: Match, wrt: str, evidence: Evidence, target: Expr) -> None:
        operation = match.operation
        seen = evidence.observation
        arrays = match.arrays(seen)
        tensors = [tensor for tensor in operation.inputs if tensor.name in match.names]
        output = seen.outputs[0]
        upstream = np.asarray(seen.upstreams[0][0]) if evidence.reduction == "pulled" else np.ones(())
        if operation.is_elementwise and evidence.reduction != "pulled":
            upstream = np.ones(output.shape)
        self.elementwise = operation.is_elementwise
        self.tensors, self.arrays, self.operation, self.match = tensors, arrays, operation, match
        self.upstream = upstream
        found = evidence.found.T if wrt in match.turned else evidence.found
        tensor = operation.input(wrt)
        self.found = found.reshape(np.shape(dict(zip([t.name for t in tensors], arrays, strict=True))[wrt]))
        if not self.elementwise and operation.leads(tensor):
            self.found = self.found.reshape(-1, *self.found.shape[self.found.ndim - tensor.rank + 1 :])
        if max(array.size for array in arrays) > LARGEST:
            raise ValueError("too large")
        self.scale = float(np.abs(self.found).max(initial=0.0))
        self.indices = list(target.indices) if isinstance(target, Element) else []
        self.order = np.random.default_rng(5).permutation(self.found.size)
        self.assignments: dict[int, Assignment] = {}

    def gives(self, expr: Expr, count: int) -> bool:
        """Whether an expression gives what the code gives, at some places."""
        for flat_place in self.order[:count]:
            where = tuple(int(each) for each in np.unravel_index(int(flat_place), self.found.shape))
            assignment = self._assignment(where if self.elementwise else None)
            places = {} if self.elementwise else dict(zip(self.indices, where, strict=True))
            try:
                value = float(assignment.value(expr, places))
            except (UndefinedError, DeriveError, ArithmeticError, TypeError, ValueError, KeyError):
                return False
            if abs(value - float(self.found[where])) > 1e-7 * max(self.scale, 1e-12) + 1e-11:
                return False
        return True

    def _assignment(self, where: tuple[int, ...] | None) -> Assignment:
        key = -1 if where is None else int(np.ravel_multi_index(where, self.found.shape))
        if key not in self.assignments:
            self.assignments[key] = self._made(where)
        return self.assignments[key]

    def _made(self, where: tuple[int, ...] | None) -> Assignment:
        operation = self.operation
        values: dict[Tensor, dict[tuple[int, ...], Any]] = {}
        sizes: dict[Any, int] = {}
        pairs = [*zip(self.tensors, self.arrays, strict=True), (operation.upstreams[0], self.upstream)]
        for tensor, array in pairs:
            if where is not None:
                full = np.broadcast_to(array, self.found.shape) if array.ndim <= self.found.ndim else array
                values[tensor] = {(): float(full[where])}
                continue
            flat = array.reshape(-1, *array.shape[array.ndim - tensor.rank + 1 :]) if operation.leads(tensor) else array
            flat = flat.reshape(flat.shape[: tensor.rank]) if flat.ndim > tensor.rank else flat
            number = int if tensor.values is not None else float
            values[tensor] = {place: number(flat[place]) for place in np.ndindex(flat.shape)}
            sizes |= {size: extent for size, extent in zip(tensor.sizes, flat.shape, strict=True) if size.is_Symbol}
        for tensor in operation.settings:
            values[tensor] = {(): float(self.match.numbers[tensor.name])}
        for symbol in operation.parameters:
            sizes[symbol] = int(self.match.numbers[symbol.name])
        self._derived(operation, sizes)
        for tensor, _ in pairs:
            if tensor.values is not None and tensor.values.is_Symbol and tensor.values not in sizes:
                sizes[tensor.values] = int(max(values[tensor].values())) + 1
        return Assignment(sizes, values, {each.tensor: each for each in operation.definitions})

    def _derived(self, operation: Operation, sizes: dict[Any, int]) -> None:
        """Sizes that follow from others are not known here."""
        if any(extent.size not in sizes for extent in operation.extents):
            raise ValueError("sizes that are not of an input's axis")


# -- mistakes ---------------------------------------------------------------------------------------------------------


def edits(expr: Expr) -> Iterator[Edit]:
    """Yield the formulas that one mistake makes of a right one, with the kind and words.

    Example:
        >>> x, y = Tensor("x")(), Tensor("y")()
        >>> [words for _, words, _ in edits(x + y)][2:4]
        ['the term x is missing', 'the term y is missing']
    """
    yield from _everywhere(expr)
    places = list(_places(expr))
    for make in (_terms, _signs, _factors, _powers, _constants, _sums, _brackets, _functions):
        for part, rebuild in places:
            for kind, words, new in make(part):
                whole = _whole(rebuild, new)
                if whole is not None and whole != expr:
                    yield kind, words, whole


def _everywhere(expr: Expr) -> Iterator[Edit]:
    """A tensor left out wherever it stands."""
    for tensor in sorted({each.tensor for each in nodes(expr, Element)}, key=str):
        elements = {each: Integer(1) for each in nodes(expr, Element) if each.tensor == tensor}
        yield "missing-term", f"the factor {tensor.name} is missing everywhere", expr.xreplace(elements)


def _places(expr: Expr) -> Iterator[tuple[Expr, Callable[[Expr], Expr]]]:
    waiting: list[tuple[Expr, Callable[[Expr], Expr]]] = [(expr, lambda new: new)]
    for part, rebuild in waiting:
        yield part, rebuild
        if isinstance(part, Element | Delta | Bracket):
            continue
        for place, argument in enumerate(part.args):
            if isinstance(argument, Expr) and not isinstance(argument, Index | sympy.Number | sympy.Symbol):
                waiting.append((argument, _rebuilder(part, place, rebuild)))


def _rebuilder(part: Expr, place: int, rebuild: Callable[[Expr], Expr]) -> Callable[[Expr], Expr]:
    return lambda new: rebuild(part.func(*part.args[:place], new, *part.args[place + 1 :]))


def _whole(rebuild: Callable[[Expr], Expr], part: Expr) -> Expr | None:
    try:
        whole = rebuild(part)
    except (ZeroDivisionError, TypeError, ValueError, DeriveError):
        return None
    return None if whole.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) else whole


def _said(expr: Expr) -> str:
    text = definition_text(expr)
    return text if len(text) < 90 else "that"


def _terms(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Add):
        for term in part.args:
            yield "missing-term", f"the term {_said(term)} is missing", part - term
        for term in part.args:
            if len(part.args) > 2:
                yield "missing-term", f"only the term {_said(term)} is there", term


def _signs(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Add):
        for term in part.args:
            yield "sign", f"the sign of the term {_said(term)} is wrong", part - 2 * term


def _factors(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Mul):
        for factor in part.args:
            is_number = not factor.atoms(Element, Bracket, Delta)
            kind = "factor" if is_number else "missing-mask" if isinstance(factor, Bracket) else "missing-term"
            if isinstance(factor, Pow) and factor.exp.is_negative:
                yield kind, f"the division by {_said(1 / factor)} is missing", part / factor
            elif factor != -1:
                yield kind, f"the factor {_said(factor)} is missing", part / factor


def _powers(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Pow) and part.exp.is_number:
        for exponent in (1, 2, 3, -1, -2, -3, Rational(1, 2), Rational(-1, 2), Rational(-3, 2)):
            if exponent != part.exp:
                yield "missing-term", f"{_said(part)} is written as {_said(part.base**exponent)}", part.base**exponent
    if isinstance(part, Element):
        yield "missing-term", f"{_said(part)} is squared", part**2
        yield "missing-term", f"the factor {_said(part)} is too many or is divided by", 1 / part


def _constants(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Add):
        for term in part.args:
            for number in (2, Rational(1, 2), 3):
                yield "factor", f"the term {_said(term)} is multiplied by {number}", part + (number - 1) * term
        for term in part.args:
            if term.is_number:
                yield "missing-term", f"{_said(part)} has 1 - or + the wrong way round", part - 2 * term
    if isinstance(part, Mul):
        for size in sorted(part.free_symbols, key=str):
            if size.is_Symbol and not isinstance(size, Index):
                yield "factor", f"the size {size} stands in a term once too often or not at all", part * size


def _sums(part: Expr) -> Iterator[Edit]:
    if isinstance(part, IndexSum):
        extent = Mul(*(index.size for index in part.bound))
        yield "reduction", f"{_said(part)} is a mean where a sum is right", part / extent
        yield "missing-sum", f"the sum {_said(part)} is missing: only one of its terms is there", _unbound(part)
        yield "reduction", f"{_said(part)} is a sum where a mean is right", part * extent


def _unbound(part: Expr) -> Expr:
    """The body of a sum at the place of the row: its bound index is the free one of the same size."""
    free = [index for index in sorted(part.free_symbols, key=str) if isinstance(index, Index)]
    body = part.body if hasattr(part, "body") else part.args[0]
    for bound in part.bound:
        others = [index for index in free if index.size == bound.size and index not in part.bound]
        if others:
            body = derive.substitute(body, {bound: others[0]})
    return body


def _brackets(part: Expr) -> Iterator[Edit]:
    if isinstance(part, Bracket):
        yield "missing-mask", f"the mask {_said(part)} is missing", Integer(1)
        yield "missing-mask", f"the mask {_said(part)} is the wrong way round", 1 - part
    if isinstance(part, Delta):
        yield "missing-term", f"{_said(part)} is missing", Integer(0)
    if isinstance(part, derive.Where):
        first, second = part.args[-2:]
        yield "missing-mask", f"{_said(first)} stands in both cases of {_said(part)}", first
        yield "missing-mask", f"{_said(second)} stands in both cases of {_said(part)}", second
        yield "sign", f"the second case of {_said(part)} has the wrong sign", part.func(*part.args[:-1], -second)
        yield "sign", f"the first case of {_said(part)} has the wrong sign", part.func(*part.args[:-2], -first, second)


def _functions(part: Expr) -> Iterator[Edit]:
    if isinstance(part, sympy.Function) and not isinstance(part, Binder) and len(part.args) == 1:
        argument = part.args[0]
        yield "missing-term", f"{_said(argument)} stands for {_said(part)}", argument
        yield "sign", f"{_said(part)} has an argument of the wrong sign", part.func(-argument)
    if isinstance(part, sympy.exp):
        yield "missing-term", f"{_said(part)} is missing", Integer(1)
