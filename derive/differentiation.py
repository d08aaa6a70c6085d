r"""Differentiation by named rules, one level at a time.

``Partial(e, x[m,l])`` is a derivative not carried out yet. ``advance`` carries every one in an expression one named
rule further, as a person writes a line; ``differentiate`` goes to the end. The derivative of an element is a delta:
:math:`\partial x_{n,k} / \partial x_{m,l} = \delta_{n,m} \delta_{k,l}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow

from derive.budget import tick
from derive.definitions import Definition, inline
from derive.errors import ImpossibleError, UnsupportedError
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element
from derive.matrices import Determinant, Inverse, LogDeterminant, MatrixFunction
from derive.sums import (
    IndexArgmax,
    IndexMax,
    IndexSum,
    Partial,
    free_indices,
    has,
    nodes,
    rewrite,
    substitute,
    tensors_in,
)

#: The rules of an element, and of a sum with one term that varies.
ELEMENT_RULE, CONSTANTS_RULE = "derivative of an element", "constants drop out"

#: A rule returns the derivative with the inner derivatives left as Partial.
Rule = Callable[[Any, Element], Expr]


def differentiate(expr: Expr, element: Element, quotients: bool = True) -> Expr:
    """Return the derivative of an expression with respect to one element, deltas included.

    Args:
        quotients: use the quotient rule; without it a quotient is a product with a negative power.

    Example:
        >>> from derive.indices import Index, Tensor, size
        >>> from derive.printing import definition_text
        >>> K = size("K"); j, k = Index("j", K), Index("k", K); x = Tensor("x", (K,))
        >>> definition_text(differentiate(sympy.exp(x[k]), x[j]))
        'delta(k, j)*exp(x[k])'

    Raises:
        ImpossibleError: the element is an integer, a label.
    """
    result: Expr = Partial(expr, element)
    while has(result, Partial):
        result, _ = advance(result, quotients)
    return result


def close(expr: Expr, definitions: Iterable[Definition] = ()) -> Expr:
    r"""Carry out every derivative and put every definition in: what is left is made of inputs alone.

    A derivative is total: with :math:`p = p(z)`, that of :math:`L(p)` by :math:`z` goes through :math:`p`; that by
    :math:`p` looks at what comes after it.

    Raises:
        ImpossibleError: a derivative by a label.

    Example:
        >>> from derive.indices import Tensor
        >>> x, y = Tensor("x"), Tensor("y")
        >>> close(Partial(y(), x()), [Definition(y(), sympy.tanh(x()))])
        1 - tanh(x)**2
    """
    plain: tuple[Definition, ...] = ()
    for definition in definitions:
        plain = (*plain, Definition(definition.target, _carried_out(definition.body, plain)))
    return inline(_carried_out(expr, plain), plain)


def _carried_out(expr: Expr, definitions: tuple[Definition, ...]) -> Expr:
    """The expression without derivatives, in which some definitions may have been put in."""
    return expr if not has(expr, Partial) else rewrite(expr, lambda node: _total(node, definitions))


def _total(node: Expr, definitions: tuple[Definition, ...]) -> Expr | None:
    if not isinstance(node, Partial):
        return None
    through = tuple(definition for definition in definitions if definition.tensor != node.element.tensor)
    return differentiate(inline(node.body, through), node.element)


def with_totals(expr: Expr, definitions: tuple[Definition, ...]) -> Expr:
    """Write derivatives so that evaluation by differences takes them to be total: definitions put in inside of them.

    Of a derivative of a derivative the inner one is carried out.
    """

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Partial):
            return None
        through = tuple(each for each in definitions if each.tensor != node.element.tensor)
        return Partial(inline(_carried_out(node.body, definitions), through), node.element)

    result: Expr = rewrite(expr, change)
    return result


def advance(expr: Expr, quotients: bool = True) -> tuple[Expr, tuple[str, ...]]:
    """Carry every derivative one rule further.

    Derivatives of elements wait until nothing else is left, so that they are taken in one step.

    Returns:
        the expression and the names of the rules used, in the order met.
    """
    names: dict[str, None] = {}
    waiting = _only_elements(expr)
    return _advance(expr, names, waiting, quotients), tuple(names)


def _only_elements(expr: Expr) -> bool:
    return all(isinstance(partial.body, Element) for partial in nodes(expr, Partial))


def _advance(expr: Any, names: dict[str, None], elements: bool, quotients: bool) -> Any:
    if isinstance(expr, Partial):
        return _step(expr.body, expr.element, names, elements, quotients)
    if not isinstance(expr, Expr) or not expr.args or not has(expr, Partial):
        return expr
    return expr.func(*(_advance(argument, names, elements, quotients) for argument in expr.args))


def _step(body: Expr, element: Element, names: dict[str, None], elements: bool, quotients: bool) -> Expr:
    """One derivative, one rule further; sums and constant factors are passed through on the way."""
    tick()
    if element.tensor.values is not None:
        raise ImpossibleError(f"{element.tensor.name} holds integers; there is no derivative with respect to it")
    if element.tensor not in tensors_in(body):
        return Integer(0)
    if isinstance(body, Element):
        if not elements:
            return Partial(body, element)
        names[ELEMENT_RULE] = None
        return differentiate_element(body, element)
    if isinstance(body, Add):
        varying = [term for term in body.args if element.tensor in tensors_in(term)]
        names["sum rule" if len(varying) > 1 else CONSTANTS_RULE] = None
        return Add(*(_step(term, element, names, elements, quotients) for term in body.args))
    if isinstance(body, IndexSum):
        names["sum rule"] = None
        inner, bound = body.opened(free_indices(element))
        return IndexSum(_step(inner, element, names, elements, quotients), *bound)
    if isinstance(body, Mul):
        varying = [factor for factor in body.args if element.tensor in tensors_in(factor)]
        if len(varying) < len(body.args):
            constant = Mul(*(factor for factor in body.args if factor not in varying))
            return Mul(constant, _step(Mul(*varying), element, names, elements, quotients))
    name, rule = _rule_for(body, quotients)
    if name:
        names[name] = None
    return rule(body, element)


def _rule_for(body: Expr, quotients: bool) -> tuple[str, Rule]:
    if isinstance(body, Mul):
        return (
            ("quotient rule", differentiate_quotient)
            if quotients and _denominator(body) != 1
            else ("product rule", differentiate_product)
        )
    for kind, (name, rule) in RULES.items():
        if isinstance(body, kind):
            return name, rule
    raise UnsupportedError(f"there is no rule to differentiate {type(body).__name__}")


# -- the rules --------------------------------------------------------------------------------------------------------


def differentiate_element(body: Element, element: Element) -> Expr:
    r""":math:`\partial x_{n,k} / \partial x_{m,l} = \delta_{n,m} \delta_{k,l}`."""
    if body.tensor != element.tensor:
        return Integer(0)
    return Mul(*(Delta(own, other) for own, other in zip(body.indices, element.indices, strict=True)))


def differentiate_product(body: Mul, element: Element) -> Expr:
    """(a b)' = a' b + a b'."""
    terms = []
    for place, factor in enumerate(body.args):
        others = body.args[:place] + body.args[place + 1 :]
        terms.append(Mul(Partial(factor, element), *others) if element.tensor in tensors_in(factor) else Integer(0))
    return Add(*terms)


def _denominator(body: Mul) -> Expr:
    return Mul(*(Pow(f.base, -f.exp) for f in body.args if isinstance(f, Pow) and f.exp.is_negative))


def differentiate_quotient(body: Mul, element: Element) -> Expr:
    """(a / b)' = (a' b - a b') / b^2."""
    below = _denominator(body)
    above = body * below
    return (Partial(above, element) * below - above * Partial(below, element)) / below**2


def differentiate_power(body: Pow, element: Element) -> Expr:
    """(a^r)' = r a^(r-1) a'."""
    base, exponent = body.args
    if element.tensor in tensors_in(exponent):
        return body * (Partial(exponent, element) * sympy.log(base) + exponent * Partial(base, element) / base)
    return exponent * Pow(base, exponent - 1) * Partial(base, element)


def differentiate_scalar_function(body: Expr, element: Element) -> Expr:
    """f(a)' = f'(a) a', SymPy knowing f'."""
    return body.fdiff(1) * Partial(body.args[0], element)


def differentiate_abs(body: Expr, element: Element) -> Expr:
    """|a|' = sign(a) a', with sign(0) = 0."""
    return sympy.sign(body.args[0]) * Partial(body.args[0], element)


def differentiate_maximum(body: Maximum, element: Element) -> Expr:
    """max(a, b)' = [a > b] a' + [a <= b] b': the second's at a tie."""
    first = Bracket(">", body.left, body.right) * Partial(body.left, element)
    return first + Bracket("<=", body.left, body.right) * _partial(body.right, element)


def differentiate_minimum(body: Minimum, element: Element) -> Expr:
    """min(a, b)' = [a < b] a' + [a >= b] b': the second's at a tie."""
    first = Bracket("<", body.left, body.right) * Partial(body.left, element)
    return first + Bracket(">=", body.left, body.right) * _partial(body.right, element)


def differentiate_where(body: Where, element: Element) -> Expr:
    """where(c, a, b)' = where(c, a', b')."""
    return Where(body.condition, _partial(body.chosen, element), _partial(body.other, element))


def differentiate_index_max(body: IndexMax, element: Element) -> Expr:
    """(max_i a_i)' = a_j' with j the first position of the maximum; of several indices the first in order."""
    inner, (first, *rest) = body.opened(free_indices(element))
    values = IndexMax(inner, *rest) if rest else inner
    return Partial(substitute(values, {first: IndexArgmax(values, first)}), element)


def differentiate_inverse(body: Inverse, element: Element) -> Expr:
    r""":math:`\partial (M^{-1})_{ij} = -\sum_{p,q} (M^{-1})_{ip}\, \partial M_{pq}\, (M^{-1})_{qj}`."""
    entry, row, column = body.opened(free_indices(element))
    left, right = Inverse(body.matrix, body.row, row), Inverse(body.matrix, column, body.column)
    return -IndexSum(left * Partial(entry, element) * right, row, column)


def differentiate_log_determinant(body: MatrixFunction, element: Element) -> Expr:
    r""":math:`\partial \log\lvert\det M\rvert = \sum_{p,q} (M^{-1})_{qp}\, \partial M_{pq}`: Jacobi's formula."""
    entry, row, column = body.opened(free_indices(element))
    return IndexSum(Inverse(body.matrix, column, row) * Partial(entry, element), row, column)


def differentiate_determinant(body: Determinant, element: Element) -> Expr:
    r""":math:`\partial \det M = \det M\, \partial \log\lvert\det M\rvert`, where M has an inverse."""
    return body * differentiate_log_determinant(body, element)


def differentiate_constant(body: Expr, element: Element) -> Expr:
    """An indicator is constant wherever it has a derivative."""
    return Integer(0)


def _partial(body: Expr, element: Element) -> Expr:
    return Partial(body, element) if element.tensor in tensors_in(body) else Integer(0)


#: Functions of a number whose derivative SymPy knows.
SMOOTH = (
    *(sympy.exp, sympy.log, sympy.erf, sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan),
    *(sympy.sinh, sympy.cosh, sympy.tanh),
)
RULES: dict[Any, tuple[str, Rule]] = {
    Pow: ("power rule", differentiate_power),
    **{node: (f"derivative of {node.__name__}", differentiate_scalar_function) for node in SMOOTH},
    sympy.Abs: ("derivative of the absolute value", differentiate_abs),
    Maximum: ("derivative of a maximum", differentiate_maximum),
    Minimum: ("derivative of a minimum", differentiate_minimum),
    Where: ("derivative of a choice", differentiate_where),
    IndexMax: ("derivative of a maximum over an index", differentiate_index_max),
    Inverse: ("derivative of an inverse", differentiate_inverse),
    Determinant: ("derivative of a determinant", differentiate_determinant),
    LogDeterminant: ("derivative of a log-determinant", differentiate_log_determinant),
    sympy.sign: ("", differentiate_constant),
    Delta: ("", differentiate_constant),
    Bracket: ("", differentiate_constant),
    IndexArgmax: ("", differentiate_constant),
}
