"""Sums of products as contractions: which factors hang together, what is distributed, where labels say what to add."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Add, Expr, Pow, Symbol

from codegen.arithmetic import build_product, build_sum, with_sign
from codegen.building import sorted_labels
from codegen.contraction import Factor, build_contraction
from codegen.elementary import is_constant
from codegen.leading import leads
from codegen.ops import Labels, Operand, Scatter
from codegen.products import (
    Positions,
    Power,
    collapse_delta,
    components,
    find_scatter,
    find_sum_to_distribute,
    split_product,
)
from codegen.program import REAL
from codegen.window_plans import find_windows, spread_out
from codegen.windowing import Windowing
from derive.indices import Element, Index
from derive.sums import free_indices, substitute


class Summing(Windowing):
    """The part of a lowering that has to do with sums of products.

    Attributes:
        leading: the size that stands for any number of leading axes.
        positions: by size, the largest position that something is known to stand at.
    """

    leading: Symbol | None
    positions: Positions

    def sum_of_product(
        self, constant: Expr, powers: Sequence[Power], bound: Labels, want: Labels
    ) -> tuple[int, Operand]:
        """Return the sign and value of a product summed over indices."""
        if constant == 0:
            return 1, self.builder.constant(constant)
        powers, bound = spread_out(powers, bound)
        collapsed = collapse_delta(powers, bound, self.positions)
        if collapsed is not None:
            factor, powers, bound = collapsed
            return self.sum_of_product(constant * factor, powers, bound, want)
        opened = self.open_inner_sum(powers, bound, want)
        if opened is not None:
            factor, powers, bound = opened
            return self.sum_of_product(constant * factor, powers, bound, want)
        to_distribute = find_sum_to_distribute(powers, bound)
        if to_distribute is not None:
            return self._distribute(to_distribute, constant, powers, bound, want)
        targets = find_windows(powers, bound)
        if targets:
            return 1, self.add_windows(constant, powers, bound, want, targets)
        chosen = self.find_chosen(powers, bound)
        if chosen is not None:
            return 1, self.add_chosen(constant, powers, bound, want, chosen)
        if find_scatter(powers, bound):
            free = {index for factor, _ in powers for index in free_indices(factor)} - set(bound)
            labels = sorted_labels(sorted(free, key=lambda index: index.name), want)
            return 1, self.scatter(constant, powers, bound, labels, None)
        inside = [(factor, power) for factor, power in powers if free_indices(factor) & set(bound)]
        outside = [found for found in powers if found not in inside]
        for index in bound:
            if not any(index in free_indices(factor) for factor, _ in inside):
                constant *= index.size
        above = [self.lower_power(factor, want) for factor, power in outside if power > 0]
        below = self._divisors(powers, outside, want)
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
            inner = free_indices(base)
            if exponent == 2 and len(inner) == 1 and not leads(tuple(inner), self.leading):
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

    def _divisors(self, powers: Sequence[Power], outside: Sequence[Power], want: Labels) -> list[Operand]:
        """What a product is divided by; some more than once, one time after the other.

        The square of a small number vanishes, the number does not. What is divided must not be larger than the number's
        array: two passes over a small one make up for one over a large one.
        """
        largest = {index for factor, _ in outside for index in free_indices(factor)}
        is_fraction = any(power > 0 for _, power in powers)
        divisors: list[Operand] = []
        for factor in (factor for factor, power in outside if power < 0):
            base, exponent = factor.as_base_exp()
            if is_fraction and isinstance(base, Element) and exponent in (2, 3) and free_indices(base) >= largest:
                divisors += [self.lower(base, want)] * int(exponent)
            else:
                divisors.append(self.lower_power(factor, want))
        return divisors

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
            terms.append(self.sum_of_product(constant * factor, [*others, *parts], bound, want))
        return 1, build_sum(self.builder, terms, want)

    def scatter(
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
        rest += self.insides(at)
        positions = [self.position(at[label], label.size, inner) for label in labels if label in at]
        running = {label for position in positions for label in position.labels} & set(bound)
        remaining = tuple(index for index in bound if index not in running)
        sign, value = self.sum_of_product(constant, rest, remaining, inner)
        if sign < 0 and base is not None and not running:
            value = self.builder.map("neg", [value], inner)  # What is added is taken away: no work of its own.
        else:
            value = with_sign(self.builder, (sign, value))
        places = [at.get(label, label) for label in labels]
        where = tuple(place if isinstance(place, Index) else None for place in places)
        op = Scatter(where, base is not None, repeats=bool(running))
        operands = [*([base] if base is not None else []), value, *positions]
        return self.builder.emit(op, operands, labels, REAL)
