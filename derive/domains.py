"""Domain conditions: where both sides of an equation are defined, said in words that leave out what always holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sympy
from sympy import Add, Expr, Mul, Pow

from derive.canonical import structure_key
from derive.definitions import Definition, inline
from derive.demands import Demand
from derive.facts import unify
from derive.functions import Where
from derive.indicators import Bracket
from derive.indices import Element, Index, Tensor
from derive.intervals import Interval
from derive.normal_form import Normaliser
from derive.polynomials import TooLargeError
from derive.premises import holding
from derive.printing import definition_text
from derive.regions import regions
from derive.signs import is_nonnegative, is_positive
from derive.sums import nodes

#: What holds where a comparison does not.
OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "!=", "!=": "="}


def conditions(
    wanted: Iterable[Demand],
    close: Callable[[Expr], Expr],
    normaliser: Normaliser,
    definitions: Iterable[Definition] = (),
    sides: Iterable[Expr] = (),
) -> tuple[str, ...]:
    """Return the demands that do not hold by themselves, as texts such as ``p[n,k] > 0``.

    Args:
        close: puts definitions in, so that ``exp(z[n,k])`` is seen to be positive whatever it is called.
        normaliser: of the prover, with the given facts.
        definitions: of names that the demands mention.
        sides: of the equation. What is asked of every element of a tensor in them is said as an interval.

    Example:
        >>> x = Tensor("x")()
        >>> conditions([Demand(">", x), Demand("!=", 1 + x**2)], lambda expr: expr, Normaliser(generators=True))
        ('x > 0',)
    """
    definitions = tuple(definitions)
    wanted = dict.fromkeys(_plain(demand, definitions) for demand in wanted)
    closed = [close(expr) for expr in (*sides, *(demand.expression() for demand in wanted))]
    around = regions(normaliser, *closed)
    left = [demand for demand in wanted if not _holds(demand, close, normaliser)]
    beyond = [
        demand for demand in left if not _holds(demand, lambda expr: inline(close(expr), holding(around)), normaliser)
    ]
    texts = [text for tensor in around if len(beyond) < len(left) for text in _texts(around[tensor], tensor, closed)]
    general = [demand for demand in beyond if not any(_is_instance(demand, each) for each in beyond if each != demand)]
    return tuple(dict.fromkeys([*texts, *map(_text, _merged(general))]))


def _texts(interval: Interval, tensor: Tensor, mentioning: Iterable[Expr]) -> tuple[str, ...]:
    """What an interval says of a tensor, with the letters of an element that is mentioned."""
    elements = {element for expr in mentioning for element in nodes(expr, Element) if element.tensor == tensor}
    general = [element for element in elements if all(isinstance(index, Index) for index in element.indices)]
    return interval.texts(definition_text(min(general or elements, key=structure_key)))


def _is_instance(demand: Demand, other: Demand) -> bool:
    """Whether a demand is another one at some indices, or asks for less."""
    stronger = other.relation in (demand.relation, ">") and not other.guards
    if not stronger or unify(other.body, demand.body, {}) is None:
        return False
    again = other.relation == demand.relation and unify(demand.body, other.body, {}) is not None
    return not again or structure_key(other.body) < structure_key(demand.body)


def _merged(wanted: list[Demand]) -> list[Demand]:
    """What must be at least zero and must not be zero is positive."""
    relations: dict[tuple[Expr, object], set[str]] = {}
    for demand in wanted:
        relations.setdefault((demand.body, demand.guards), set()).add(demand.relation)
    both = {key for key, asked in relations.items() if asked == {">=", "!="}}
    merged = [demand._replace(relation=">") if (demand.body, demand.guards) in both else demand for demand in wanted]
    return list(dict.fromkeys(merged))


def _plain(demand: Demand, definitions: Iterable[Definition]) -> Demand:
    """The demand on what is inside: an absolute value or a root is not zero where what it is of is not."""
    body = demand.body
    for definition in definitions:
        if isinstance(body, Element) and body.tensor == definition.tensor:
            inside = definition.at(*body.indices)
            body = inside if isinstance(inside, (Pow, sympy.Abs)) else body
    if demand.relation in ("!=", ">") and isinstance(body, sympy.Abs):
        return _plain(demand._replace(relation="!=", body=body.args[0]), definitions)
    if demand.relation == ">" and isinstance(body, Pow) and body.exp.is_even:
        return _plain(demand._replace(relation="!=", body=body.base), definitions)
    number, rest = body.as_coeff_Mul()
    if number not in (0, 1) and (number > 0 or demand.relation == "!=") and rest != 1:
        return _plain(demand._replace(body=rest), definitions)
    if demand.exponent is not None and demand.relation == ">=":  # A power of 0 may be a division by 0.
        return _plain(demand._replace(relation=">"), definitions)
    if demand.relation == "!=" and isinstance(body, Pow) and body.exp.is_positive:
        return _plain(demand._replace(body=body.base), definitions)
    return demand


def _holds(demand: Demand, close: Callable[[Expr], Expr], normaliser: Normaliser) -> bool:
    """Whether a demand is seen to hold for all values."""
    if any(_follows(demand, guard, holds) for guard, holds in demand.guards):
        return True
    body = close(demand.body)
    forms = [demand.body, body]
    try:
        if normaliser.sees_positive(body):
            return True
        forms.append(normaliser.expression(body))
    except (TooLargeError, ZeroDivisionError):
        pass
    if any(map(is_positive, forms)):
        return True
    if demand.relation == ">=":
        return any(map(is_nonnegative, forms))
    return demand.relation == "!=" and any(_is_not_zero(form) for form in forms)


def _is_not_zero(expr: Expr) -> bool:
    if isinstance(expr, Mul):
        return all(map(_is_not_zero, expr.args))
    if isinstance(expr, Pow):
        return _is_not_zero(expr.base)
    if isinstance(expr, Where):
        return _is_not_zero(expr.chosen) and _is_not_zero(expr.other)
    return bool(expr.is_nonzero) or is_positive(expr) or (isinstance(expr, Add) and is_positive(-expr))


def _follows(demand: Demand, guard: Bracket, holds: bool) -> bool:
    """Whether a demand is what a condition says, or less."""
    relation = guard.relation if holds else OPPOSITE[guard.relation]
    difference = guard.left - guard.right
    if relation in ("<", "<="):
        relation, difference = {"<": ">", "<=": ">="}[relation], -difference
    if relation == "!=":
        return demand.relation == "!=" and difference in (demand.body, -demand.body)
    enough = {">": (">", ">=", "!="), ">=": (">=",)}.get(relation, ())
    return difference == demand.body and demand.relation in enough


def _text(demand: Demand) -> str:
    text = f"{definition_text(demand.body)} {demand.relation} 0"
    for guard, holds in demand.guards:
        text += f" where {'' if holds else 'not '}{definition_text(guard)}"
    return text
