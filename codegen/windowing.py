"""Elements at affine forms as views through windows, and sums of deltas with forms as windows added up.

``x[n, s*t + r]`` is a view of x with an axis for t and one for r. Its adjoint, a sum over t and r with the factor
``delta(m, s*t + r)``, adds windows up along the axis of m.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from sympy import Expr, Integer, Mul

from codegen.arithmetic import with_sign
from codegen.building import Builder, sorted_labels
from codegen.maxima import Search, search_of
from codegen.ops import AddChosen, AddWindows, Cast, Labels, Operand, Reduce, Windows
from codegen.products import Power, split_product
from codegen.program import INTEGER, REAL
from codegen.window_plans import Chosen, Target, find_forms, fits, has_few_places, op_of, plan_windows, tells_windows
from derive.affine import within
from derive.errors import UnsupportedError
from derive.extents import Extent
from derive.index_arithmetic import is_form, split_form
from derive.indices import Element, Index
from derive.sums import IndexArgmax, IndexSum, free_indices, rewrite, substitute


class Windowing(ABC):
    """The part of a lowering that has to do with windows.

    Attributes:
        builder: what is built.
        extents: sizes that follow from others.
    """

    builder: Builder
    extents: tuple[Extent, ...]

    @abstractmethod
    def sum_of_product(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels
    ) -> tuple[int, Operand]:
        """Return the sign and value of a product summed over indices."""

    @abstractmethod
    def gather(self, expr: Element, operand: Operand, where: Sequence[Expr], want: Labels) -> Operand:
        """Return the elements of a value at indices, numbers and positions."""

    @abstractmethod
    def lower(self, expr: Expr, want: Labels = ()) -> Operand:
        """Return the value of an expression."""

    @abstractmethod
    def lower_index(self, expr: Expr, want: Labels = ()) -> Operand:
        """Return an index expression as integers."""

    def lower_windows(self, expr: Element, operand: Operand, where: Sequence[Expr], want: Labels) -> Operand:
        """Return an element at affine forms as a view through windows, and what is picked from it."""
        sizes = [label.size for label in operand.labels]
        plan = plan_windows(where, sizes, self.extents)
        if plan is None:
            raise UnsupportedError(f"NumPy code for index arithmetic in {expr.tensor.name}[...] can not be generated")
        op, used = op_of(plan, sizes)
        labels = op.labels if isinstance(op, Windows) else used
        view = self.builder.emit(op, (Operand(operand.name, used),), labels, self.builder.kind(operand))
        if not plan.picks:
            return view
        return self.gather(expr, view, [plan.picks.get(label, label) for label in view.labels], want)

    def lower_search(self, search: Search, want: Labels) -> Operand | None:
        """Return a position of the first of the largest numbers in windows of few places, None where it is none."""
        position = self._numbers_of_largest(search, want)
        if position is None:
            return None
        if search.below != 1:
            position = self.builder.integers("floor_divide", [position, self.builder.constant(search.below)], want)
        if search.at > 0:
            count = self.builder.constant(search.bound[search.at].size)
            position = self.builder.integers("remainder", [position, count], want)
        return position

    def _numbers_of_largest(self, search: Search, want: Labels) -> Operand | None:
        """Return the numbers that the first of the largest have among the places of their windows.

        All the places are gone through once, and that tells the positions along all of a window's axes.
        """
        body = search.body
        if not isinstance(body, Element) or not any(map(is_form, body.indices)):
            return None
        operand = self.lower(body, (*want, *search.bound))
        found = self.builder.statement(operand)
        if found is None or not self.builder.is_windows(operand):
            return None
        over = {own for own, label in zip(found.labels, operand.labels, strict=True) if label in search.bound}
        if len(over) < len(search.bound) or not has_few_places(found.op, over, self.extents):
            return None
        labels = tuple(label for label in operand.labels if label not in search.bound)
        return self.builder.emit(Reduce("argmax", search.bound), (operand,), labels, INTEGER)

    def open_inner_sum(
        self, powers: Sequence[Power], bound: Labels, want: Labels
    ) -> tuple[Expr, list[Power], Labels] | None:
        """Join a sum that is a factor and has a delta with a form to the outer sum: both tell where windows lie."""
        for place, (factor, power) in enumerate(powers):
            if isinstance(factor, IndexSum) and power > 0 and tells_windows(factor, bound):
                others = [each for at, each in enumerate(powers) if at != place]
                taken = {index for each, _ in others for index in free_indices(each)} | {*bound, *want}
                body, own = factor.opened(taken)
                number, parts = split_product(body)
                return number, [*others, *parts], (*bound, *own)
        return None

    def add_windows(
        self,
        constant: Expr,
        powers: Sequence[Power],
        bound: Labels,
        want: Labels,
        targets: Mapping[Expr, Target],
    ) -> Operand:
        """Add up a product with deltas ``delta(m, s*t + r)`` along the axes of what they tell."""
        forms: dict[Index, Expr] = {target.index: target.form for target in targets.values()}
        running = [index for index in bound if any(index in free_indices(form) for form in forms.values())]
        constant, rest, at = self._moved(constant, powers, bound, want, targets)
        plan = plan_windows([forms.get(index, index) for index in at], [index.size for index in at], self.extents)
        assert plan is not None, "a form is affine"
        op = AddWindows(plan.axes, at)
        remaining = tuple(index for index in bound if index not in running)
        value = self._array_of(self.sum_of_product(constant, rest, remaining, op.labels))
        return self.builder.emit(op, (value,), at, REAL)

    def find_chosen(self, powers: Sequence[Power], bound: Labels) -> Chosen | None:
        """Return where a product is added up if that is at the largest number of each window, None if it is not."""
        targets = find_forms(powers, bound, (Index, IndexArgmax))
        nodes = [node for target in targets.values() for node in (split_form(target.form) or ({}, 0))[0]]
        rows = [node for node in nodes if isinstance(node, IndexArgmax)]
        if not rows or any(target.index in free_indices(row) for target in targets.values() for row in rows):
            return None
        searches = [search_of(row, bound) for row in rows]
        if sorted(search.at for search in searches) != list(range(len(searches[0].bound))):
            return None
        numbers = {self._numbers_of_largest(search, bound) for search in searches}
        (number,) = numbers if len(numbers) == 1 else (None,)
        around = {index for factor, _ in powers for index in free_indices(factor)} - set(bound)
        around |= {node for node in nodes if isinstance(node, Index)}
        if number is None or not set(number.labels) <= around:
            return None
        places: dict[Expr, Index] = {
            row: Index(f"_c{search.at}", search.bound[search.at].size)
            for row, search in zip(rows, searches, strict=True)
        }
        return Chosen(targets, places, number)

    def add_chosen(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels, chosen: Chosen
    ) -> Operand:
        """Add up a product with deltas ``delta(m, s*t + argmax(x[s*t + r], r))`` along the axes of what they tell."""
        targets, places = chosen.targets, chosen.places

        def at_places(form: Expr) -> Expr:
            result: Expr = rewrite(form, lambda node: places.get(node))
            return result

        forms = {target.index: at_places(target.form) for target in targets.values()}
        constant, rest, at = self._moved(constant, powers, bound, want, targets)
        plan = plan_windows([forms.get(index, index) for index in at], [index.size for index in at], self.extents)
        assert plan is not None, "a form is affine"
        op = AddChosen(plan.axes, at, tuple(sorted(places.values(), key=lambda index: index.name)))
        along = tuple(label for label in op.labels if label not in op.picked)
        remaining = tuple(index for index in bound if index not in along)
        value = self._array_of(self.sum_of_product(constant, rest, remaining, along))
        return self.builder.emit(op, (value, chosen.number), at, REAL)

    def _moved(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels, targets: Mapping[Expr, Target]
    ) -> tuple[Expr, list[Power], Labels]:
        """Return a product without the deltas that tell indices, with what these tell in it, and its free indices."""
        forms: dict[Index, Expr] = {target.index: target.form for target in targets.values()}
        rest: list[Power] = []
        for factor, power in powers:
            if factor not in targets:
                number, parts = split_product(substitute(factor, dict(forms)) ** power)
                constant *= number
                rest += parts
        free = {index for factor, _ in powers for index in free_indices(factor)} - set(bound)
        return constant, rest, sorted_labels(sorted(free, key=lambda index: index.name), want)

    def _array_of(self, signed: tuple[int, Operand]) -> Operand:
        """Return a value as an array in the dtype of the inputs."""
        value = with_sign(self.builder, signed)
        if not value.labels or self.builder.kind(value) != REAL:
            value = self.builder.emit(Cast(), (value,), value.labels, REAL)
        return value

    def position(self, place: Expr, size: Expr, want: Labels) -> Operand:
        """Return positions; those outside of the axis, where nothing is added, are moved into it."""
        position = self.lower_index(place, want)
        if not is_form(place) or fits(place, size, self.extents):
            return position
        least, most = self.builder.constant(Integer(0)), self.builder.constant(size - 1)
        return self.builder.integers("clip", [position, least, most], want)

    def insides(self, at: Mapping[Index, Expr]) -> list[Power]:
        """Return the brackets that are 0 where a form is outside of the axis that it tells a place of."""
        forms = [(label, place) for label, place in at.items() if is_form(place)]
        beyond = [within(place, label.size) for label, place in forms if not fits(place, label.size, self.extents)]
        return [(bracket, 1) for inside in beyond for bracket in Mul.make_args(inside) if bracket != 1]
