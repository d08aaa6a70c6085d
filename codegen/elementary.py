"""Elementwise functions: the names they have in a program, and forms of expressions that do not overflow.

A program says ``exp``; each target has a table of how that is written. The rewriting here is about numbers, not about
formulas: ``log(1 + exp(u))`` overflows where its value does not, and ``where`` evaluates the branch that it does not
choose, so that this must be given an argument that it can take.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sympy
from sympy import Add, Expr, Function, Mul, Pow

from codegen.factoring import pull_deltas
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket
from derive.indices import Element, Index, Node, Tensor
from derive.sums import Binder, tensors_in


class Sigmoid(Function):
    """``1/(1 + exp(-x))``, without overflow."""


class LogAddExp(Function):
    """``log(exp(a) + exp(b))``, without overflow."""


class Expm1(Function):
    """``exp(x) - 1``, right for small x too."""


class Log1p(Function):
    """``log(1 + x)``, right for small x too."""


class SoftplusTail(Function):
    """``log(1 + exp(-abs(x)))``, what ``log(1 + exp(x))`` is beyond ``max(x, 0)``."""


class NormalCdf(Function):
    """``(1 + erf(x/sqrt(2)))/2``, the distribution function of the standard normal distribution."""


class AddedLast(Function):
    """``a + b``, the terms of a added up before: they may cancel to less than b is."""

    is_real = True


class InTurn(Function):
    """``a*b**n``, the factors multiplied in turn: where a vanishes, the power of b alone may overflow."""

    is_real = True


#: By the name in a program, the node that stands for the function in an expression.
FUNCTIONS: Mapping[str, type[Expr]] = MappingProxyType(
    {
        "exp": sympy.exp,
        "log": sympy.log,
        "tanh": sympy.tanh,
        "erf": sympy.erf,
        "abs": sympy.Abs,
        "sign": sympy.sign,
        "sin": sympy.sin,
        "cos": sympy.cos,
        "tan": sympy.tan,
        "sinh": sympy.sinh,
        "cosh": sympy.cosh,
        "arctan": sympy.atan,
        "arcsin": sympy.asin,
        "arccos": sympy.acos,
        "floor": sympy.floor,
        "ceil": sympy.ceiling,
        "sigmoid": Sigmoid,
        "logaddexp": LogAddExp,
        "expm1": Expm1,
        "log1p": Log1p,
        "softplus_tail": SoftplusTail,
        "normal_cdf": NormalCdf,
        "maximum": Maximum,
        "minimum": Minimum,
    }
)
FUNCTION_NAMES: Mapping[type[Expr], str] = MappingProxyType({node: name for name, node in FUNCTIONS.items()})
RELATIONS: Mapping[str, str] = MappingProxyType(
    {">": "greater", ">=": "greater_equal", "=": "equal", "!=": "not_equal"}
)


def prepare(expr: Expr) -> Expr:
    """Return an expression of the same value that can be computed as it stands, with no overflow on the way.

    Example:
        >>> x = Tensor("x")()
        >>> prepare(sympy.log(1 + sympy.exp(x))).func.__name__
        'LogAddExp'
    """
    if isinstance(expr, Index | Tensor) or not isinstance(expr, Expr) or not expr.args:
        return expr
    if isinstance(expr, Where):
        condition, chosen, other = map(prepare, expr.args)
        return pull_deltas(Where(condition, _guard(chosen, condition, True), _guard(other, condition, False)))
    arguments = [argument if isinstance(argument, Index) else prepare(argument) for argument in expr.args]
    if any(new is not old for new, old in zip(arguments, expr.args, strict=True)):
        expr = expr.func(*arguments)
    rule = _STABLE_FORMS.get(expr.func)
    return rule(expr) if rule is not None else expr


def _prepare_log(expr: Expr) -> Expr:
    inner = expr.args[0]
    if isinstance(inner, sympy.cosh):
        return LogAddExp(inner.args[0], -inner.args[0]) - sympy.log(2)
    if not isinstance(inner, Add):
        return expr
    if len(inner.args) == 2:
        exponents = [_exponent(term) for term in inner.args]
        if all(exponent is not None for exponent in exponents) and any(tensors_in(e) for e in exponents):
            return LogAddExp(*sorted(exponents, key=lambda exponent: (exponent != 0, sympy.default_sort_key(exponent))))
    return Log1p(inner - 1) if 1 in inner.args else expr


def _exponent(term: Expr) -> Expr | None:
    """Return u where the term is exp(u): 0 where it is 1."""
    if isinstance(term, sympy.exp):
        return term.args[0]
    return sympy.Integer(0) if term == 1 else None


def _prepare_add(expr: Expr) -> Expr:
    """Write ``c*exp(u) - c`` as ``c*expm1(u)``, and ``c*erf(u) + c`` by the normal distribution's function."""
    shared = _share_tail(expr)
    if shared is not None:
        return shared
    constant, rest = expr.as_coeff_Add()
    if constant == 0:
        return expr
    for term in Add.make_args(rest):
        coefficient, factor = term.as_coeff_Mul()
        if not tensors_in(factor):
            continue
        if coefficient == -constant and isinstance(factor, sympy.exp):
            return Add(rest - term, coefficient * Expm1(factor.args[0]))
        if coefficient == constant and isinstance(factor, sympy.erf):
            return Add(rest - term, 2 * constant * NormalCdf(sympy.sqrt(2) * factor.args[0]))
    return expr


def _share_tail(expr: Expr) -> Expr | None:
    """Write ``(1 - t)*log(1 + exp(u)) + t*log(1 + exp(-u))`` as ``max(u, 0) - t*u + log(1 + exp(-abs(u)))``.

    It is done where the factors of both logarithms add up to a number: one of them is computed in the place of two, and
    none where that number is 0, for ``log(1 + exp(u)) - log(1 + exp(-u))`` is u.
    """
    found: dict[Expr, list[Expr]] = {}
    for term in expr.args:
        for factor in Mul.make_args(term):
            if isinstance(factor, LogAddExp) and factor.args[0] == 0:
                found.setdefault(factor.args[1], []).append(term)
    for u in found:
        if -u not in found or u.could_extract_minus_sign():
            continue
        own, other = (Add(*(term / LogAddExp(0, each) for term in found[each])) for each in (u, -u))
        rest = Add(*(term for term in expr.args if term not in (*found[u], *found[-u])))
        number = (own + other).expand()
        if number == 0:
            return Add(rest, Mul(own, u))
        if number.is_number:
            above = Maximum(u, sympy.Integer(0)) - Mul(other / number, u)
            return Add(rest, number * AddedLast(above, SoftplusTail(u)))
    return None


def _prepare_pow(expr: Expr) -> Expr:
    exponent = expr.args[1]
    u = _logistic(expr)
    return Sigmoid(-u) ** -exponent if u is not None else expr


def _logistic(factor: Expr) -> Expr | None:
    """Return u where the factor is ``(1 + exp(u))**-n``."""
    if not isinstance(factor, Pow) or not (factor.args[1].is_Integer and factor.args[1] < 0):
        return None
    base = factor.args[0]
    if not isinstance(base, Add) or len(base.args) != 2 or 1 not in base.args:
        return None
    other = base.args[1] if base.args[0] == 1 else base.args[0]
    return other.args[0] if isinstance(other, sympy.exp) and tensors_in(other) else None


def _prepare_mul(expr: Expr) -> Expr:
    """Write ``exp(u)*sigmoid(-u)**n`` as ``sigmoid(u)*sigmoid(-u)**(n-1)``: the exponential alone may overflow.

    A factor that is a sum with such exponentials takes in as many sigmoids as they need.
    """
    grown = _prepare_growing(expr)
    if grown is not None:
        return grown
    for factor in expr.args:
        base, power = factor.as_base_exp()
        if not isinstance(base, Sigmoid) or not power.is_Integer or power < 1:
            continue
        u = -base.args[0]
        rest = [other for other in expr.args if other is not factor]
        for place, other in enumerate(rest):
            terms = Add.make_args(other)
            degrees = [degree for term in terms if (degree := _degree(term, u)) is not None]
            degree = max(degrees, default=0)
            if len(degrees) == len(terms) and 0 < degree <= power:
                absorbed = Add(*(_absorb(t, u, d, degree) for t, d in zip(terms, degrees, strict=True)))
                others = rest[:place] + rest[place + 1 :]
                return prepare(Mul(*others, absorbed, Sigmoid(-u) ** (power - degree)))
    return expr


def _prepare_growing(expr: Expr) -> Expr | None:
    """Write ``v*(a + c*x**n)`` as ``a*v + c*(v*x*x...)`` where v may vanish: infinity times 0 is not a number.

    All of a, c and n are positive numbers, so that nothing cancels; v has a difference as a factor.
    """
    for factor in expr.args:
        constant, rest = factor.as_coeff_Add()
        coefficient, power = rest.as_coeff_Mul()
        base, exponent = power.as_base_exp()
        grows = isinstance(base, Element) and exponent in (2, 3, 4) and constant > 0 and coefficient > 0
        others = [other for other in expr.args if other is not factor]
        if grows and any(map(_is_difference, others)):
            vanishing = Mul(*(other for other in others if not is_constant(other)))
            number = Mul(*(other for other in others if is_constant(other)))
            return number * Add(constant * vanishing, coefficient * InTurn(vanishing, base, exponent))
    return None


def _is_difference(factor: Expr) -> bool:
    constant, rest = factor.as_coeff_Add()
    return bool(constant > 0 and rest.as_coeff_Mul()[0] < 0)


def _degree(term: Expr, u: Expr) -> int | None:
    """Return how often the term has exp(u) as a factor; None where it is some other power of it."""
    for factor in Mul.make_args(term):
        if isinstance(factor, sympy.exp):
            ratio = factor.args[0] / u
            if ratio.is_number:
                return int(ratio) if ratio.is_Integer and ratio > 0 else None
    return 0


def _absorb(term: Expr, u: Expr, degree: int, available: int) -> Expr:
    """Return ``term*sigmoid(-u)**available`` without the exponential of the term."""
    rest = Mul(*(f for f in Mul.make_args(term) if not (isinstance(f, sympy.exp) and (f.args[0] / u).is_number)))
    return rest * Sigmoid(u) ** degree * Sigmoid(-u) ** (available - degree)


_STABLE_FORMS = {sympy.log: _prepare_log, Add: _prepare_add, Pow: _prepare_pow, Mul: _prepare_mul}


def _guard(expr: Expr, condition: Bracket, chosen: bool) -> Expr:
    """Give functions that may fail the argument 1 where the branch is not chosen."""
    if isinstance(expr, Element | Binder | Index) or not expr.args or not tensors_in(expr):
        return expr
    if isinstance(expr, Where | Bracket):
        return expr
    arguments = [_guard(part, condition, chosen) if isinstance(part, Expr) else part for part in expr.args]
    if not _may_fail(expr):
        return expr.func(*arguments) if arguments != list(expr.args) else expr
    first = arguments[0]
    is_bound = condition.relation in (">", ">=") and condition.left == first and condition.right.is_number
    if isinstance(expr, sympy.exp | Expm1) and is_bound and not chosen:
        return expr.func(Minimum(first, condition.right), *arguments[1:])
    guarded = Where(condition, first, 1) if chosen else Where(condition, 1, first)
    return expr.func(guarded, *arguments[1:])


def _may_fail(expr: Expr) -> bool:
    if isinstance(expr, Pow):
        return bool(tensors_in(expr.args[0])) and not (expr.args[1].is_Integer and expr.args[1] > 0)
    return isinstance(expr, sympy.exp | sympy.log | Log1p | Expm1 | sympy.sinh | sympy.cosh | sympy.asin | sympy.acos)


def is_constant(expr: Expr) -> bool:
    """Whether an expression has numbers and sizes only.

    Example:
        >>> is_constant(2 * sympy.sqrt(sympy.Symbol("D"))), is_constant(Tensor("x")() + 1)
        (True, False)
    """
    return not expr.has(Node)
