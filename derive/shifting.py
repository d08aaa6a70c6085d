r"""Sums of exponentials without overflow: every exponent less the largest of them.

In :math:`\sum_j e^{a_j} + b` the shift is :math:`m = \max(\max_j a_j, 0)`, as :math:`b = b e^0`, so that the sum is
:math:`e^m (\sum_j e^{a_j - m} + b e^{-m})`. Every term beside the sum is shifted so: one that is no exponential
counts as one whose exponent is 0.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Add, Expr, Mul, Pow, S

from derive.canonical import readable, structure_key
from derive.definitions import Definition
from derive.facts import unify
from derive.functions import Maximum
from derive.indices import Index, Tensor
from derive.normal_form import Normaliser
from derive.rewriting import arrange
from derive.sums import IndexMax, IndexSum, free_indices, nodes, rewrite, substitute, tensors_in


def shift_exponentials(
    definition: Definition, taken: set[str], letters: dict[Expr, tuple[str, ...]]
) -> list[Definition]:
    """The definition in terms of shifted exponentials, with what defines them; itself where that is no help."""
    totals = sorted(nodes(definition.body, IndexSum), key=lambda total: (total.body.is_Mul, structure_key(total)))
    for total in totals:
        exponent = _exponent(total)
        for whole in () if exponent is None else (total, *_sums_with(total, definition.body)):
            found = _shift(definition, whole, total, taken, letters)
            if found is not None:
                names = {each.tensor.name for each in found}
                return [*found[:-1], *shift_exponentials(found[-1], taken | names, letters)]
    return [definition]


def _exponent(total: IndexSum) -> Expr | None:
    """The a of a sum of e^a, or of w e^a, over indices that a depends on and that nothing else bounds."""
    exps = [factor for factor in Mul.make_args(total.body) if isinstance(factor, sympy.exp)]
    if len(exps) != 1:
        return None
    exponent: Expr = exps[0].args[0]
    return exponent if set(total.bound) <= free_indices(exponent) else None


def _sums_with(total: IndexSum, body: Expr) -> list[Expr]:
    """The sums of several terms of which one is the total, or a multiple of it."""
    found = [each for each in nodes(body, Add) if any(total in Mul.make_args(term) for term in each.args)]
    return sorted(found, key=structure_key)


def _peak(term: Expr) -> Expr:
    """The exponent that a term is to be shifted by: a number's is 0, a sum's the largest of what it adds up."""
    factors = Mul.make_args(term)
    inner = next((factor for factor in factors if isinstance(factor, IndexSum) and _exponent(factor) is not None), None)
    if inner is not None:
        return IndexMax(_exponent(inner), *inner.bound)
    exps = [factor for factor in factors if isinstance(factor, sympy.exp)]
    return exps[0].args[0] if len(exps) == 1 else S.Zero


def _shifted(term: Expr, shift: Expr) -> Expr:
    """The term times ``exp(-shift)``, which is put into the exponential that it is shifted by."""
    for factor in Mul.make_args(term):
        rest = term / factor
        if isinstance(factor, IndexSum) and _exponent(factor) is not None:
            return rest * IndexSum(_shifted(factor.body, shift), *factor.bound)
        if isinstance(factor, sympy.exp):
            return rest * sympy.exp(factor.args[0] - shift)
    return term * sympy.exp(-shift)


def _shift(
    definition: Definition, whole: Expr, total: IndexSum, taken: set[str], letters: dict[Expr, tuple[str, ...]]
) -> list[Definition] | None:
    """The definition with the exponentials of a total shifted, and the whole sum that it is a term of; None if no help.

    What is left may have the exponential of a term beside it less the shift: that is never above 1.
    """
    exponent = _exponent(total)
    beside = [term for term in Add.make_args(whole) if total not in Mul.make_args(term)]
    rows = tuple(sorted(free_indices(whole), key=lambda i: _place(i, definition.indices)))
    along = _own_letters(total.bound, [index for index in definition.indices if index not in rows])
    where = tuple(sorted((*rows, *along.values()), key=lambda i: _place(i, definition.indices)))
    names = [_unused(name, taken) for name in ("row_max" if rows else "largest", "exps", "total")]
    largest, exps, sums = (
        Tensor(name, tuple(index.size for index in indices))
        for name, indices in zip(names, (rows, where, rows), strict=True)
    )
    shift = largest(*rows)
    peaks = [_peak(term) for term in beside]
    peak = IndexMax(exponent, *total.bound)
    for other in dict.fromkeys(peaks):
        peak = Maximum(peak, other)
    shifted = substitute(exps(*where), {own: bound for bound, own in along.items()})
    summed = IndexSum(total.body.xreplace({sympy.exp(exponent): shifted}), *total.bound)
    rest = Add(*(_shifted(term, shift) for term in beside))
    value_of_whole = (whole - Add(*beside)).xreplace({total: summed}) + rest
    made = [
        Definition(shift, readable(peak, letters)),
        Definition(exps(*where), sympy.exp(substitute(exponent, along) - shift)),
        Definition(sums(*rows), readable(value_of_whole, letters)),
    ]
    inner = [each.body if isinstance(each, IndexMax) else each for each in peaks]
    harmless = [each - shift for each in inner]

    def shift_sum(node: Expr) -> Expr | None:
        binding = unify(whole, node, {}) if isinstance(node, type(whole)) else None
        value: Expr | None = None if binding is None else substitute(sums(*rows) * sympy.exp(shift), binding)
        return value

    def shift_exponential(node: Expr) -> Expr | None:
        binding = unify(exponent, node.args[0], {}) if isinstance(node, sympy.exp) else None
        if binding is None or not set(rows) <= {*binding, *definition.indices}:
            return None
        places = {**binding, **{own: binding.get(bound, bound) for bound, own in along.items()}}
        value: Expr = substitute(exps(*where), places) * sympy.exp(substitute(shift, binding))
        return value

    # Sums before the exponentials inside them, logarithms after both.
    body = definition.body
    for change in (shift_sum, shift_exponential, split_logarithm):
        body = rewrite(body, change)
    normaliser = Normaliser(distribute=False, prefer=definition.indices)
    body = readable(arrange(normaliser, normaliser.polynomial(body)), letters)
    shifts = (each.args[0] for each in nodes(body, sympy.exp) if largest in tensors_in(each))
    left_over = any(all(unify(each, exponent, {}) is None for each in harmless) for exponent in shifts)
    return None if left_over else [*made, Definition(definition.target, body)]


def _own_letters(bound: tuple[Index, ...], free: list[Index]) -> dict[Index, Index]:
    """For each bound index the output's own index over the same size, if there is one to spare."""
    own: dict[Index, Index] = {}
    for index in bound:
        own[index] = next((i for i in free if i.size == index.size and i not in own.values()), index)
    return own


def _place(index: Index, order: tuple[Index, ...]) -> tuple[int, str]:
    return (order.index(index) if index in order else len(order)), index.name


def _unused(name: str, taken: Iterable[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def split_logarithm(node: Expr) -> Expr | None:
    """log(e^m s / r) = m + log(s) - log(r), for positive s and r."""
    if not isinstance(node, sympy.log):
        return None
    factors = Mul.make_args(node.args[0])
    exps = [factor for factor in factors if isinstance(factor, sympy.exp)]
    if not exps and not any(isinstance(factor, Pow) and factor.base.is_positive for factor in factors):
        return None
    terms = [factor.args[0] for factor in exps]
    rest = []
    for factor in factors:
        if isinstance(factor, Pow) and factor.base.is_positive:
            terms.append(factor.exp * sympy.log(factor.base))
        elif not isinstance(factor, sympy.exp):
            rest.append(factor)
    return Add(*terms, sympy.log(Mul(*rest)))
