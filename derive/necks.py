"""Names for what a definition computes on the way: in relu(x w + b) everything goes through z = x w + b.

Where all inputs of a definition enter through one sum of products, that sum gets a name of its own. The chain rule then
has a factor to print for it, and the generated code computes it once.

So do a mean from which deviations are taken, the root, the divisor or the logarithm's argument that their squares are
summed in, and their quotient: in g (x - mean(x)) / sqrt(mean((x - mean(x))**2) + eps) they are mu, sigma and xhat.
Without names the squares would be multiplied out, and mean(x**2) - mean(x)**2 loses its digits where the mean is large.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S

from derive.canonical import canonical, structure_key
from derive.definitions import Definition
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.matrices import MatrixFunction
from derive.operation import Operation
from derive.sums import IndexArgmax, IndexMax, IndexSum, free_indices, has, nodes, rewrite, tensors_in

#: Names a textbook gives to what is computed on the way.
NAMES = ("z", "u", "v", "s", "h", "q", "r")
#: Those of a mean from which deviations are taken, and of what their squares are summed in.
CENTRES, SPREADS = ("mu", "nu", "mu1", "mu2", "mu3"), ("sigma", "tau", "sigma1", "sigma2", "sigma3")
#: What a part is replaced by to see what is left: of a number something might have no value, as log(1 - 1).
STAND_IN = sympy.Dummy("part", positive=True)
#: What a sum of products does not contain.
FUNCTIONS = (sympy.Function, Maximum, Minimum, Where, Bracket, Delta, IndexMax, IndexArgmax, MatrixFunction)


def name_necks(operation: Operation) -> Operation:
    """Return the operation with a name for each definition's neck, if it has one.

    Example:
        >>> from derive.parsing import parse_operation
        >>> neuron = parse_operation("y = max(x0*w0 + x1*w1 + b, 0)")
        >>> [definition.target for definition in name_necks(neuron).definitions]
        [z, y]
    """
    taken = {tensor.name for tensor in (*operation.inputs, *(d.tensor for d in operation.definitions))}
    taken |= {str(size) for size in operation.sizes} | _letters(operation)
    made: list[Definition] = []
    for definition in _with_deviations(operation.definitions, taken):
        neck = find_neck(definition)
        name = next((name for name in NAMES if name not in taken), None)
        if neck is None or name is None:
            made.append(definition)
            continue
        taken.add(name)
        sign = -1 if neck.could_extract_minus_sign() else 1
        indices = tuple(index for index in definition.indices if index in free_indices(neck))
        target = Tensor(name, tuple(index.size for index in indices))(*indices)
        made.append(Definition(target, sign * neck))
        made.append(Definition(definition.target, definition.body.xreplace({neck: sign * target})))
    return operation if len(made) == len(operation.definitions) else replace(operation, definitions=tuple(made))


def _letters(operation: Operation) -> set[str]:
    return {index.name for definition in operation.definitions for index in nodes(definition.body, Index)}


class _Found(NamedTuple):
    """Something that is to have a name: what it is, what it may be called, and how the name is put into a body."""

    value: Expr
    names: tuple[str, ...]
    put: Callable[[Element], Expr]


def _with_deviations(definitions: Iterable[Definition], taken: set[str]) -> list[Definition]:
    """The definitions, each after those of the means, the spreads and the quotients of deviations by them."""
    made: list[Definition] = []
    centres: dict[str, Definition] = {}
    spreads: set[str] = set()
    for definition in definitions:
        for centre in centres.values():
            body = _with_total(definition.body, *_scaled_total(centre.body), centre.target)
            definition = Definition(definition.target, body)
        while True:
            found = _find_centre(definition) or _find_spread(definition, centres)
            found = found or _find_quotient(definition, centres, spreads)
            free = free_indices(found.value) if found is not None else frozenset()
            name = next((name for name in found.names if name not in taken), None) if found is not None else None
            if found is None or name is None or not free <= set(definition.indices):
                break
            taken.add(name)
            indices = tuple(index for index in definition.indices if index in free)
            target = Tensor(name, tuple(index.size for index in indices))(*indices)
            made.append(Definition(target, found.value))
            if found.names == CENTRES:
                centres[name] = made[-1]
            elif found.names == SPREADS:
                spreads.add(name)
            definition = Definition(definition.target, found.put(target))
        made.append(definition)
    return made


def _find_centre(definition: Definition) -> _Found | None:
    """A total from which deviations are taken whose squares, or products, are summed."""
    for total in sorted(nodes(definition.body, IndexSum), key=structure_key):
        for term in (each for deviation in _deviations(total) for each in deviation.args):
            scale, inner = _scaled_total(term)
            if inner is not None and not free_indices(term) & set(total.bound):
                return _Found(scale * inner, CENTRES, partial(_with_total, definition.body, scale, inner))
    return None


def _scaled_total(term: Expr) -> tuple[Expr, IndexSum | None]:
    """A total, and the number or size before it without its sign; no total where there is something else."""
    factors = Mul.make_args(-term if term.could_extract_minus_sign() else term)
    totals = [factor for factor in factors if isinstance(factor, IndexSum)]
    scale = Mul(*(factor for factor in factors if factor not in totals))
    return scale, totals[0] if len(totals) == 1 and not tensors_in(scale) else None


def _with_total(body: Expr, scale: Expr, total: Expr | None, target: Element) -> Expr:
    """The body with a name in the place of a total, whatever letter that is summed over."""
    same = None if total is None else canonical(total)
    changed: Expr = rewrite(
        body, lambda node: target / scale if isinstance(node, IndexSum) and canonical(node) == same else None
    )
    return changed


def _find_spread(definition: Definition, centres: Collection[str]) -> _Found | None:
    """A root, a divisor or a logarithm's argument in which squares of deviations from a named mean are summed."""
    body = definition.body
    for inside in _strained(body):
        named = any(_is_deviation(each, centres) for total in nodes(inside, IndexSum) for each in _deviations(total))
        if named and tensors_in(body.xreplace({inside: S.One})):
            powers = [power for power in nodes(body, Pow) if power.base == inside]
            root = Rational(1, 2) if any(not power.exp.is_Integer for power in powers) else S.One
            return _Found(inside**root, SPREADS, partial(_with_root, body, inside, root))
    return None


def _with_root(body: Expr, inside: Expr, root: Rational, target: Element) -> Expr:
    powers = {power: target ** (power.exp / root) for power in nodes(body, Pow) if power.base == inside}
    changed: Expr = body.xreplace(powers | {inside: target ** (1 / root)})
    return changed


def _find_quotient(definition: Definition, centres: Collection[str], spreads: Collection[str]) -> _Found | None:
    """A deviation from a named mean over a named spread, beside something else."""
    for product in sorted(nodes(definition.body, Mul), key=structure_key):
        above = [factor for factor in product.args if isinstance(factor, Add) and _is_deviation(factor, centres)]
        below = [Pow(*factor.as_base_exp()) for factor in product.args if _is_named(factor.as_base_exp()[0], spreads)]
        if len(above) == len(below) == 1 and below[0].exp == -1 and definition.body != product:
            value = above[0] * below[0]
            inputs = (tensor.name for tensor in tensors_in(above[0]) if tensor.name not in centres)
            return _Found(value, (f"{min(inputs)}hat",), partial(_with_quotient, definition.body, product, value))
    return None


def _with_quotient(body: Expr, product: Expr, value: Expr, target: Element) -> Expr:
    changed: Expr = body.xreplace({product: product / value * target})
    return changed


def _is_deviation(total: Expr, centres: Collection[str]) -> bool:
    """Whether something is subtracted from a named mean, or it from something."""
    return len(total.args) == 2 and any(_is_named(term, centres) or _is_named(-term, centres) for term in total.args)


def _is_named(expr: Expr, names: Collection[str]) -> bool:
    return isinstance(expr, Element) and expr.tensor.name in names


def _strained(body: Expr) -> list[Expr]:
    """The bases of roots and divisors and the arguments of logarithms, in an order of their own."""
    powers = {power.base for power in nodes(body, Pow) if not (power.exp.is_Integer and power.exp.is_positive)}
    return sorted(powers | {each.args[0] for each in nodes(body, sympy.log)}, key=structure_key)


def _deviations(total: IndexSum) -> list[Add]:
    """The sums of terms that a total multiplies with each other, or with themselves."""
    factors = [factor.as_base_exp() for factor in Mul.make_args(total.body)]
    sums = [(base, exponent) for base, exponent in factors if isinstance(base, Add) and exponent.is_positive]
    return sorted((base for base, _ in sums), key=structure_key) if sum(e for _, e in sums) >= 2 else []


def find_neck(definition: Definition) -> Expr | None:
    """Return the sum of products of several tensors through which all of a definition's inputs enter."""
    body = definition.body
    for part in sorted(nodes(body, Add), key=structure_key):
        elsewhere = has(body.xreplace({part: STAND_IN}), Element)
        is_body = part in sympy.Mul.make_args(body)
        if (
            free_indices(part) <= set(definition.indices)
            and not elsewhere
            and not is_body
            and _is_sum_of_products(part)
        ):
            return part
    return None


def _is_sum_of_products(expr: Expr) -> bool:
    whole = all(power.exp.is_Integer and power.exp.is_positive for power in nodes(expr, sympy.Pow))
    return whole and len(tensors_in(expr)) > 1 and not has(expr, *FUNCTIONS)
