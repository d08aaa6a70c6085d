r"""The forward pass without overflow: exponentials shifted by the largest exponent, logarithms carried through names.

Two rewritings, for any operation:

- in :math:`\sum_j e^{a_j}` and every other :math:`e^{a_k}` beside it, :math:`e^{a} = e^{m} e^{a - m}` with
  :math:`m = \max_j a_j`. Where the factors :math:`e^m` cancel, or come out of a logarithm, the form is taken;
- the logarithm of a name whose definition is a product or quotient of exponentials is expanded, so that
  :math:`\log p_k = a_k - m - \log \sum_j e^{a_j - m}` is never the logarithm of a number that underflowed.

The result is proved equal to the definition before it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import Add, Expr, Mul, Pow

from derive.canonical import structure_key
from derive.errors import DeriveError
from derive.facts import unify
from derive.indices import Element, Index, Tensor
from derive.letters import letters_by_size
from derive.normal_form import Normaliser
from derive.proof import is_zero
from derive.record import Definition, Operation, inline
from derive.rewriting import arrange
from derive.sums import IndexMax, IndexSum, free_indices, rewrite, substitute, tensors_in
from derive.canonical import readable


def stable_definitions(operation: Operation) -> tuple[Definition, ...]:
    """Return definitions that compute what the operation's compute, without overflow where that can be had.

    The operation's own names are all defined, in its order; new names come before the definition that uses them.

    Example:
        >>> from derive.catalogue import find
        >>> for definition in stable_definitions(find("softmax")):
        ...     print(definition.target, "=", definition.body)
        row_max[n] = max(x[n,j], j)
        exps[n,k] = exp(x[n,k] - row_max[n])
        total[n] = sum(exps[n,j], j)
        y[n,k] = exps[n,k]/total[n]
    """
    taken = {tensor.name for tensor in operation.inputs} | {d.tensor.name for d in operation.definitions}
    made: list[Definition] = []
    letters = letters_by_size(operation)
    for definition in operation.definitions:
        body = _expand_logarithms(definition.body, made)
        shifted = _shift_exponentials(Definition(definition.target, body), taken, letters)
        made += shifted
        taken |= {each.tensor.name for each in shifted}
    result = tuple(made)
    _prove_same(operation, result)
    return result


def _prove_same(operation: Operation, definitions: tuple[Definition, ...]) -> None:
    for own in operation.definitions:
        (stable,) = (each for each in definitions if each.tensor == own.tensor)
        if stable.body != own.body:
            before = inline(own.body, operation.definitions)
            after = inline(stable.body, definitions)
            if not is_zero(before - after):
                raise DeriveError(
                    f"{operation.name}: the stable form of {own.tensor.name} could not be proved equal to its definition"
                )


# -- exponentials -----------------------------------------------------------------------------------------------------


def _shift_exponentials(
    definition: Definition, taken: set[str], letters: dict[Expr, tuple[str, ...]]
) -> list[Definition]:
    """The definition in terms of shifted exponentials, with what defines them; itself where that is no help."""
    for total in sorted(definition.body.atoms(IndexSum), key=structure_key):
        exponent = _exponent(total)
        if exponent is not None:
            found = _shift(definition, total, exponent, taken, letters)
            if found is not None:
                return found
    return [definition]


def _exponent(total: IndexSum) -> Expr | None:
    """The a of a sum of e^a over one index that a depends on and that nothing else bounds."""
    if not isinstance(total.body, sympy.exp) or len(total.bound) != 1:
        return None
    exponent: Expr = total.body.args[0]
    return exponent if total.bound[0] in free_indices(exponent) else None


def _shift(
    definition: Definition, total: IndexSum, exponent: Expr, taken: set[str], letters: dict[Expr, tuple[str, ...]]
) -> list[Definition] | None:
    (bound,) = total.bound
    rows = tuple(sorted(free_indices(total), key=lambda i: _place(i, definition.indices)))
    along = next((i for i in definition.indices if i.size == bound.size and i not in rows), bound)
    where = tuple(sorted((*rows, along), key=lambda i: _place(i, definition.indices)))
    names = [_unused(name, taken) for name in ("row_max" if rows else "largest", "exps", "total")]
    largest, exps, sums = (
        Tensor(name, tuple(index.size for index in indices))
        for name, indices in zip(names, (rows, where, rows), strict=True)
    )
    shift = largest(*rows)
    made = [
        Definition(shift, readable(IndexMax(exponent, bound), letters)),
        Definition(exps(*where), sympy.exp(substitute(exponent, {bound: along}) - shift)),
        Definition(
            sums(*rows), readable(IndexSum(exps(*(bound if index == along else index for index in where)), bound), letters)
        ),
    ]

    def change(node: Expr) -> Expr | None:
        if isinstance(node, IndexSum):
            binding = unify(total, node, {})
            if binding is not None:
                value: Expr = substitute(sums(*rows) * sympy.exp(shift), binding)
                return value
        if isinstance(node, sympy.exp):
            binding = unify(exponent, node.args[0], {})
            if binding is not None:
                value = substitute(exps(*where), {along: binding.get(bound, bound), **_without(binding, bound)})
                return value * sympy.exp(substitute(shift, binding))
        if isinstance(node, sympy.log):
            return _logarithm_of_product(node.args[0])
        return None

    body = _rewrite_outside_first(definition.body, change)
    normaliser = Normaliser(distribute=False, prefer=definition.indices)
    body = readable(arrange(normaliser, normaliser.polynomial(body)), letters)
    left_over = any(largest in tensors_in(exp_) for exp_ in body.atoms(sympy.exp))
    return None if left_over else [*made, Definition(definition.target, body)]


def _without(binding: dict[Index, Expr], index: Index) -> dict[Index, Expr]:
    return {old: new for old, new in binding.items() if old != index}


def _rewrite_outside_first(expr: Expr, change) -> Expr:  # type: ignore[no-untyped-def]
    """Rewrite sums before the exponentials inside them, logarithms after both."""
    sums_done = rewrite(expr, lambda node: change(node) if isinstance(node, IndexSum) else None)
    exps_done = rewrite(sums_done, lambda node: change(node) if isinstance(node, sympy.exp) else None)
    result: Expr = rewrite(exps_done, lambda node: change(node) if isinstance(node, sympy.log) else None)
    return result


def _place(index: Index, order: tuple[Index, ...]) -> tuple[int, str]:
    return (order.index(index) if index in order else len(order)), index.name


def _unused(name: str, taken: Iterable[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


# -- logarithms -------------------------------------------------------------------------------------------------------


def _expand_logarithms(body: Expr, definitions: list[Definition]) -> Expr:
    """Expand log(v[...]) where v is defined by exponentials, so that no exponential is taken back."""

    def change(node: Expr) -> Expr | None:
        if isinstance(node, sympy.log) and isinstance(node.args[0], Element):
            return _logarithm(node.args[0], definitions)
        return None

    result: Expr = rewrite(body, change)
    return result


def _logarithm(element: Element, definitions: list[Definition]) -> Expr | None:
    """The logarithm of a defined element without the exponentials of its definition; None if there are none."""
    definition = next((each for each in definitions if each.tensor == element.tensor), None)
    if definition is None:
        return None
    terms = []
    helped = False
    for factor in Mul.make_args(definition.at(*element.indices)):
        base, power = (factor.base, factor.exp) if isinstance(factor, Pow) else (factor, sympy.Integer(1))
        inner = base.args[0] if isinstance(base, sympy.exp) else None
        if inner is None and isinstance(base, Element):
            inner = _logarithm(base, definitions)
        helped = helped or inner is not None
        terms.append(power * (sympy.log(base) if inner is None else inner))
    return Add(*terms) if helped else None


def _logarithm_of_product(product: Expr) -> Expr | None:
    """log(e^m s) = m + log(s)."""
    factors = Mul.make_args(product)
    exps = [factor for factor in factors if isinstance(factor, sympy.exp)]
    rest = [factor for factor in factors if not isinstance(factor, sympy.exp)]
    if not exps:
        return None
    return Add(*(factor.args[0] for factor in exps), sympy.log(Mul(*rest)))
