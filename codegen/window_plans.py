"""What is viewed through windows, and what is added up where windows lie, as it is read off index expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sympy import Expr

from codegen.ops import Flip, Form, Labels, Op, Operand, Run, Shift, Windows
from codegen.products import Power
from derive.affine import bounds, is_never_negative, is_position, solutions
from derive.extents import Extent
from derive.index_arithmetic import is_form, join_form, split_form
from derive.indicators import Delta
from derive.indices import Element, Index, extent
from derive.sums import IndexArgmax, IndexSum, all_indices, free_indices, nodes


class Plan(NamedTuple):
    """How an element is viewed through windows.

    Attributes:
        axes: for each axis of the tensor its index, or a form.
        picks: by label of the windows, what is picked along it where that is not the label's own index.
    """

    axes: tuple[Index | Form, ...]
    picks: dict[Index, Expr]


def needs_windows(where: Iterable[Expr], sizes: Iterable[Expr]) -> bool:
    """Whether an index expression is a form, or an index that runs over another size than the axis has."""
    return any(
        is_form(place) or (isinstance(place, Index) and place.size != size)
        for place, size in zip(where, sizes, strict=True)
    )


def plan_windows(where: Sequence[Expr], sizes: Sequence[Expr], extents: Iterable[Extent] = ()) -> Plan | None:
    """Return the windows through which an element is viewed, None where an index expression is not affine.

    Of a form's indices those come first whose sizes follow from others: the places at which windows lie.
    """
    derived = {known.size for known in extents}
    picks: dict[Index, Expr] = {}
    seen: set[Index] = set()

    def label(node: Expr, count: Expr) -> Index:
        """The index that stands for a node: itself, unless it is none, or has an axis already."""
        if isinstance(node, Index) and node not in seen:
            seen.add(node)
            return node
        own = Index(f"_p{len(picks)}", count)
        picks[own] = node
        return own

    axes: list[Index | Form] = []
    for place, size in zip(where, sizes, strict=True):
        if not is_form(place) and not (isinstance(place, Index) and place.size != size):
            axes.append(label(place, size))
            continue
        parts = split_form(place)
        if parts is None:
            return None
        counts = {node: node.bound[0].size if isinstance(node, IndexArgmax) else extent(node) for node in parts[0]}
        if not all(counts.values()):
            return None
        nodes = sorted(counts, key=lambda node: (counts[node] not in derived, str(counts[node]), str(node)))
        runs = [Run(label(node, counts[node]), parts[0][node]) for node in nodes]
        axes.append(Form(parts[1], tuple(runs)))
    return Plan(tuple(axes), picks)


def op_of(plan: Plan, sizes: Sequence[Expr]) -> tuple[Op, Labels]:
    """Return the operation that makes the view, and the labels that its operand is used with."""
    forms = [(axis, size) for axis, size in zip(plan.axes, sizes, strict=True) if isinstance(axis, Form)]
    labels = tuple(
        axis if isinstance(axis, Index) else Index(f"_w{place}", size)
        for place, (axis, size) in enumerate(zip(plan.axes, sizes, strict=True))
    )
    if len(forms) == 1 and len(forms[0][0].runs) == 1:
        (form, size), (run,) = forms[0], forms[0][0].runs
        along = tuple(axis if isinstance(axis, Index) else run.index for axis in plan.axes)
        if run.index.size == size and run.step == 1:
            return Shift(run.index, form.start), along
        if run.index.size == size and run.step == -1 and form.start == size - 1:
            return Flip(run.index), along
    return Windows(plan.axes), labels


def has_few_places(op: Op, over: Collection[Index], extents: Iterable[Extent]) -> bool:
    """Whether some indices are those of the places within windows, of which there are few, and not where these lie."""
    if type(op) is not Windows:
        return False
    derived = {known.size for known in extents}
    groups = [{run.index for run in axis.runs} for axis in op.axes if isinstance(axis, Form)]
    lie_on = [group for group in groups if group & set(over)]
    inside = set(over) <= set().union(*lie_on)
    return inside and all(any(index.size in derived for index in group - set(over)) for group in lie_on)


class Target(NamedTuple):
    """A delta that says where windows are added up: ``index = form``, the form's indices being summed over."""

    index: Index
    form: Expr


class Chosen(NamedTuple):
    """Deltas that say that each value is added up at one place of its window.

    Attributes:
        targets: what the deltas tell.
        places: by position of a maximum in their forms, the label that the places of a window have along there.
        number: the numbers of the places.
    """

    targets: Mapping[Expr, Target]
    places: Mapping[Expr, Index]
    number: Operand


def find_windows(powers: Sequence[Power], bound: Labels) -> dict[Expr, Target]:
    """Return the deltas that tell a free index by a form of bound ones, each of which stands in one of them alone."""
    return find_forms(powers, bound, (Index,))


def find_forms(powers: Sequence[Power], bound: Labels, kinds: tuple[type[Expr], ...]) -> dict[Expr, Target]:
    """Return the deltas that tell a free index by a form of bound ones and of other nodes, each in one alone."""
    found: dict[Expr, Target] = {}
    running: set[Expr] = set()
    for factor, power in powers:
        if not isinstance(factor, Delta) or power < 0 or not any(map(is_form, factor.args)):
            continue
        for index, form in solutions(factor):
            nodes = (split_form(form) or ({}, form))[0]
            if index in bound or any(index == target.index for target in found.values()):
                continue
            plain = {node for node in nodes if isinstance(node, Index)}
            if (
                nodes
                and all(isinstance(node, kinds) for node in nodes)
                and plain <= set(bound)
                and not {*nodes} & running
            ):
                found[factor] = Target(index, form)
                running |= {*nodes}
                break
    others = [factor for factor, _ in powers if isinstance(factor, Delta) and factor not in found]
    if any(free_indices(other) & running for other in others):
        return {}
    return found


def tells_windows(total: IndexSum, bound: Labels) -> bool:
    """Whether a sum that is a factor under a sum has a delta that tells where windows of both lie."""
    inside = {*bound, *total.bound}
    for delta in nodes(total.body, Delta):
        for index, form in solutions(delta) if any(map(is_form, delta.args)) else ():
            found = (split_form(form) or ({}, form))[0]
            if index not in inside and all(isinstance(node, Index) for node in found):
                return True
    return False


def spread_out(powers: Sequence[Power], bound: Labels) -> tuple[list[Power], Labels]:
    """Write elements as sums with a delta where windows of them would be larger than both what they lie on and the sum.

    In ``w[m - 2*t]`` under a sum over t nearly every place is outside of w: it is ``sum(w[r]*delta(m, 2*t + r), r)``.
    """
    result: list[Power] = []
    taken = {index for factor, _ in powers for index in all_indices(factor)}
    for factor, power in powers:
        if isinstance(factor, Element) and power > 0:
            places: list[Expr] = list(factor.indices)
            for axis, (place, size) in enumerate(zip(factor.indices, factor.tensor.sizes, strict=True)):
                if _is_sparse(place, bound):
                    own = Index(f"_r{len(taken)}", size)
                    taken.add(own)
                    bound = (*bound, own)
                    result.append((Delta(own, place), 1))
                    places[axis] = own
            factor = Element(factor.tensor, *places)
        result.append((factor, power))
    return result, bound


def _is_sparse(place: Expr, bound: Labels) -> bool:
    parts = split_form(place) if is_form(place) else None
    if parts is None or not all(isinstance(node, Index) for node in parts[0]):
        return False
    coefficients = parts[0].items()
    outer = [step for node, step in coefficients if node not in bound and abs(step) == 1]
    inner = [step for node, step in coefficients if node in bound and abs(step) != 1]
    return any(is_never_negative(-step * other) for step in inner for other in outer)


def fits(form: Expr, size: Expr, extents: Iterable[Extent]) -> bool:
    """Whether a form is a position of an axis of that size, by what is known of the sizes that follow from it."""
    if is_position(form, size):
        return True
    parts = split_form(form) if is_form(form) else None
    if parts is None:
        return False
    coefficients, constant = parts
    for known in extents:
        for index in [node for node in coefficients if isinstance(node, Index) and node.size == known.size]:
            if coefficients[index] == known.step:
                rest = {node: step for node, step in coefficients.items() if node != index}
                reach = bounds(join_form(rest, constant))
                if reach is not None and is_never_negative(reach[0]):
                    return is_never_negative(size - 1 - known.span - reach[1])
    return False
