r"""Definitions without overflow: exponentials shifted by the largest exponent, logarithms carried through names.

Three rewritings, for any operation:

- in :math:`\sum_j e^{a_j}` and every other :math:`e^{a_k}` beside it, :math:`e^{a} = e^{m} e^{a - m}` with
  :math:`m = \max_j a_j`. Where the factors :math:`e^m` cancel, or come out of a logarithm, the form is taken;
- a product :math:`[c]\, e^{a}` is the exponential of a where c holds and of :math:`-\infty` elsewhere, so that a causal
  mask's rows are shifted by the largest of what they see;
- the logarithm of a name whose definition is a product or quotient of exponentials is expanded, so that
  :math:`\log p_k = a_k - m - \log \sum_j e^{a_j - m}` is never the logarithm of a number that underflowed.

A form is proved equal to the definition before it is used; where that fails, the definition stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sympy
from sympy import Add, Expr, Mul, Pow, S

from derive.definitions import Definition, inline
from derive.functions import Where
from derive.indicators import Bracket
from derive.indices import Element, Tensor
from derive.letters import letters_by_size
from derive.operation import Operation
from derive.proof import is_zero
from derive.shifting import shift_exponentials, split_logarithm
from derive.sums import IndexSum, has, nodes, rewrite

#: What stands for minus infinity until a form is proved: what holds for every number in its place holds in the limit.
LOWEST = Tensor("-oo")


def stable_definitions(operation: Operation) -> tuple[Definition, ...]:
    """Return definitions that compute what the operation's compute, without overflow where that can be had.

    The operation's own names are all defined, in its order; new names come before the definition that uses them.

    Example:
        >>> from derive.catalogue import find
        >>> from derive.printing import definition_text
        >>> for definition in stable_definitions(find("softmax")):
        ...     print(definition.target, "=", definition_text(definition.body))
        row_max[n] = max(x[n,k], k)
        exps[n,k] = exp(x[n,k] - row_max[n])
        total[n] = sum(exps[n,k], k)
        y[n,k] = exps[n,k]/total[n]
    """
    return stabilise(operation.definitions, operation)


def stabilise(
    definitions: tuple[Definition, ...], operation: Operation, known: tuple[Definition, ...] = ()
) -> tuple[Definition, ...]:
    """Return definitions of the same names, without overflow where that can be had; the gradients' as well.

    Args:
        known: what was computed before: the logarithm of such a name is expanded as that of the definitions' own.
    """
    taken = {tensor.name for tensor in operation.inputs} | {d.tensor.name for d in operation.definitions}
    letters = letters_by_size(operation)
    made: list[Definition] = []
    rewritten: list[Definition] = []
    helpers: list[Definition] = []
    for definition in definitions:
        masked = replace(definition, body=rewrite(definition.body, _put_mask_in_exponent))
        body = _expand_logarithms(masked.body, [*known, *made])
        stable = shift_exponentials(Definition(definition.target, _put_quotients_in(body, known)), taken, letters)
        if len(stable) == 1:
            stable = shift_exponentials(Definition(definition.target, body), taken, letters)
        inner = definitions[: definitions.index(definition)]
        ways = (rewritten, (*helpers, *stable[:-1])), ((*known, *inner), (*known, *made, *stable[:-1]))
        if stable == [masked] or not any(_is_same(masked, stable[-1], *way) for way in ways):
            stable = [definition]
        if stable != [definition]:
            rewritten.append(masked)
            helpers += stable
        made += stable
        taken |= {each.tensor.name for each in stable if not each.tensor.role}
    made = [replace(each, body=rewrite(each.body, _put_lowest_in)) for each in made]
    return guard_absent(tuple(made), operation.record.absent)


def _put_mask_in_exponent(node: Expr) -> Expr | None:
    """[c] e^a as e^(a where c holds, LOWEST elsewhere)."""
    if not isinstance(node, Mul):
        return None
    masks = [factor for factor in node.args if isinstance(factor, Bracket)]
    exps = [factor for factor in node.args if isinstance(factor, sympy.exp)]
    if len(masks) != 1 or len(exps) != 1:
        return None
    rest = [factor for factor in node.args if factor not in (*masks, *exps)]
    return Mul(sympy.exp(Where(masks[0], exps[0].args[0], LOWEST())), *rest)


def _put_lowest_in(node: Expr) -> Expr | None:
    return S.NegativeInfinity if isinstance(node, Element) and node.tensor == LOWEST else None


def _is_same(
    own: Definition, stable: Definition, rewritten: Sequence[Definition], helpers: Sequence[Definition]
) -> bool:
    """Whether the stable form is proved equal to the definition, the names of the definitions given put in."""
    if stable.body == own.body:
        return True
    return is_zero(inline(own.body, tuple(rewritten)) - inline(stable.body, tuple(helpers)))


def guard_absent(definitions: tuple[Definition, ...], absent: Mapping[str, str]) -> tuple[Definition, ...]:
    """Keep what a label of 0 makes irrelevant from becoming infinite: t log(p) and t / p are 0 where t is.

    In every product with a factor t[i], the logarithms and denominators that p[i] stands in become those of 1: p[i] is
    replaced by ``where(t[i] = 0, 1, p[i])`` there and stays as it is everywhere else. A factor 1 - t[i] does as t[i]
    does where it is 0: (1 - t) log(1 - p) is 0 where t is 1.

    Args:
        absent: by the name of p, the name of t.

    Example:
        >>> from derive.catalogue import find
        >>> (loss,) = guard_absent(find("cce").definitions, {"p": "t"})
        >>> loss.body
        -sum(t[n,k]*log(where(t[n,k] == 0, 1, p[n,k])), n, k)/N
    """
    if not absent:
        return definitions

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Mul):
            return None
        bases = [factor.base if isinstance(factor, Pow) and factor.exp.is_positive else factor for factor in node.args]
        weights = [weight for weight in map(_line, bases) if weight is not None]
        return Mul(*(_guard(factor, weights, absent) for factor in node.args)) if weights else None

    return tuple(Definition(each.target, rewrite(each.body, change)) for each in definitions)


def _line(expr: Expr) -> tuple[Element, Expr, Expr] | None:
    """An element and numbers a and b where the expression is ``a + b element``."""
    constant, rest = expr.as_coeff_Add()
    slope, element = rest.as_coeff_Mul()
    return (element, constant, slope) if isinstance(element, Element) else None


def _guard(expr: Expr, weights: Sequence[tuple[Element, Expr, Expr]], absent: Mapping[str, str]) -> Expr:
    """A factor, or a sum of products that is one, with what is not looked at put to what is harmless."""
    if isinstance(expr, (Add, Mul)):
        return expr.func(*(_guard(part, weights, absent) for part in expr.args))
    inner = expr.args[0] if isinstance(expr, (sympy.log, Pow)) else None
    if isinstance(expr, Pow) and isinstance(inner, sympy.log):
        return Pow(_guard(inner, weights, absent), expr.exp)
    line = _line(inner) if isinstance(inner, Expr) else None
    if line is None or not (isinstance(expr, sympy.log) or expr.exp.is_negative):
        return expr
    element, constant, slope = line
    for label, at_0, by_label in weights:
        if absent.get(element.tensor.name) == label.tensor.name and element.indices == label.indices:
            guarded = Where(Bracket("=", label, -at_0 / by_label), (1 - constant) / slope, element)
            return expr.func(constant + slope * guarded, *expr.args[1:])
    return expr


# -- logarithms -------------------------------------------------------------------------------------------------------


def _expand_logarithms(body: Expr, definitions: list[Definition]) -> Expr:
    """Expand log(e^a b) and log(v[...]) where v is defined so, so that no exponential is taken back."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, sympy.log):
            return None
        argument = node.args[0]
        expanded = _logarithm(argument, definitions) if isinstance(argument, Element) else split_logarithm(node)
        return _logarithm_of_quotient(argument, definitions) if expanded is None else expanded

    result: Expr = rewrite(body, change)
    return body if result == body else rewrite(result, _take_minus_out)


def _put_quotients_in(body: Expr, definitions: tuple[Definition, ...]) -> Expr:
    """Put in what divides by a sum of exponentials, beside an exponential: ``v^2 e^a`` would be 0 times infinity."""
    quotients = {each.tensor: each for each in definitions if any(map(_divides, Mul.make_args(each.body)))}

    def insert(node: Expr) -> Expr | None:
        known = isinstance(node, Element) and node.tensor in quotients
        return quotients[node.tensor].at(*node.indices) if known else None

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Mul) or not any(isinstance(factor, sympy.exp) for factor in node.args):
            return None
        return Mul(*(rewrite(factor, insert) if isinstance(factor, (Pow, Element)) else factor for factor in node.args))

    return rewrite(body, change) if quotients else body


def _divides(factor: Expr) -> bool:
    """Whether a factor is one over a sum of exponentials, or over a power of it."""
    totals = nodes(factor.base, IndexSum) if isinstance(factor, Pow) and factor.exp.is_negative else set()
    return any(has(total.body, sympy.exp) for total in totals)


def _take_minus_out(node: Expr) -> Expr | None:
    """A sum over an index of negative terms as minus the sum of positive ones."""
    terms = Add.make_args(node.body) if isinstance(node, IndexSum) else ()
    negative = all(term.as_coeff_Mul()[0] < 0 for term in terms)
    return -IndexSum(Add(*(-term for term in terms)), *node.bound) if terms and negative else None


def _logarithm_of_quotient(argument: Expr, definitions: Iterable[Definition]) -> Expr | None:
    """The logarithm over one denominator: log(1 - 1 / (1 + e^-z)) = -log(1 + e^z); None where a part may be negative.

    A name in it is replaced by its definition. ``log(1 + e^-z)`` is no quotient: for a large z it is not z - z.
    """
    values = {each.tensor: each for each in definitions}

    def insert(node: Expr) -> Expr | None:
        known = isinstance(node, Element) and node.tensor in values
        return values[node.tensor].at(*node.indices) if known else None

    inserted: Expr = rewrite(argument, insert)
    if not has(inserted, sympy.exp):
        return None
    for form in (inserted, sympy.together(inserted, deep=False)):
        factors = Mul.make_args(form)
        is_quotient = form == inserted or any(isinstance(each, Pow) and each.exp.is_negative for each in factors)
        if form != argument and is_quotient and all(_is_positive_power(factor) for factor in factors):
            return Add(*(_logarithm_of_power(factor) for factor in factors))
    return None


def _is_positive_power(factor: Expr) -> bool:
    return bool(factor.base.is_positive if isinstance(factor, Pow) else factor.is_positive)


def _logarithm_of_power(factor: Expr) -> Expr:
    """The logarithm of a positive number to a power: the exponent times that of the base."""
    if isinstance(factor, sympy.exp):
        return factor.args[0]
    return factor.exp * sympy.log(factor.base) if isinstance(factor, Pow) else sympy.log(factor)


def _logarithm(element: Element, definitions: list[Definition]) -> Expr | None:
    """The logarithm of a defined element without the exponentials of its definition; None if there are none."""
    definition = next((each for each in definitions if each.tensor == element.tensor), None)
    if definition is None:
        return None
    terms: list[Expr] = []
    others: list[Expr] = []
    for factor in Mul.make_args(definition.at(*element.indices)):
        base, power = (factor.base, factor.exp) if isinstance(factor, Pow) else (factor, sympy.Integer(1))
        inner = base.args[0] if isinstance(base, sympy.exp) else None
        if inner is None and isinstance(base, Element):
            inner = _logarithm(base, definitions)
        if inner is None:
            others.append(factor)
        else:
            terms.append(power * inner)
    return Add(*terms, _logarithm_of_rest(others)) if terms else None


def _logarithm_of_rest(factors: list[Expr]) -> Expr:
    """The logarithm of a product whose factors may be negative: taken apart no further than log(1/a) = -log(a)."""
    product = Mul(*factors)
    if isinstance(product, Pow) and product.exp.is_odd:
        return product.exp * sympy.log(product.base)
    return sympy.log(product)
