r"""Where an expression is defined, some of its tensors have signs: :math:`\log p` needs :math:`p > 0`.

An equation is about the places where both sides are defined. There a number that must be positive may be written as an
exponential, one between 0 and 1 as a logistic function; what the logarithms of such numbers have in common is then
seen by the normal form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

import sympy
from sympy import Expr, Rational, S

from derive.demands import demands
from derive.indices import Element, Index, Tensor, extent
from derive.inequalities import contradict
from derive.intervals import End, Interval
from derive.normal_form import Normaliser
from derive.polynomials import ONE, Polynomial, TooLargeError, scale
from derive.signs import is_positive
from derive.sums import Binder, free_indices, nodes, rewrite, tensors_in

#: How many factors of unknown sign a product may have.
MOST_FACTORS = 3


class Known(NamedTuple):
    """``form > 0``, or ``form >= 0`` where it is not strict."""

    form: Polynomial
    strict: bool


def regions(normaliser: Normaliser, *sides: Expr) -> dict[Tensor, Interval]:
    """Return between which numbers tensors lie wherever all sides are defined.

    A tensor is left out where no interval is seen, or not the same for every element of it that is mentioned, and
    where a fact speaks of it.

    Example:
        >>> q = Tensor("q")()
        >>> regions(Normaliser(generators=True), sympy.log(q / (1 - q)))[q.tensor].texts("q")
        ('q > 0', 'q < 1')
    """
    apart = [_apart(normaliser, side) for side in sides]
    free = frozenset().union(*map(free_indices, apart))
    found = _of_elements(_known(normaliser, apart))
    elements = frozenset().union(*(nodes(side, Element) for side in apart))
    named = frozenset().union(*(tensors_in(fact.left) | tensors_in(fact.right) for fact in normaliser.facts))
    result = {}
    for tensor in sorted({element.tensor for element in elements} - named, key=lambda tensor: tensor.word):
        common = _common_interval([each for each in elements if each.tensor == tensor], found, free)
        if common is not None:
            result[tensor] = common
    return result


def _apart(normaliser: Normaliser, expr: Expr) -> Expr:
    """The expression with a name of its own for each bound index."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Binder):
            return None
        body, bound = normaliser.open(node)
        return type(node)(_apart(normaliser, body), *bound)

    result: Expr = rewrite(expr, change)
    return result


# -- what is known ----------------------------------------------------------------------------------------------------


def _known(normaliser: Normaliser, sides: Iterable[Expr]) -> list[Known]:
    """What is not negative where the sides are defined: the factors of what must not be, as far as that is seen."""
    waiting: list[Known] = []
    for relation, part, guards, exponent in (demand for side in sides for demand in demands(side)):
        if guards or relation == "!=" or exponent is not None:  # A letter's exponent may be whole.
            continue
        try:
            waiting.append(Known(normaliser.polynomial(part), relation == ">"))
        except (TooLargeError, ZeroDivisionError):
            continue
    known = [each for each in waiting if len(each.form) > 1]
    for each in waiting * 2:
        known += [one for one in _factors(normaliser, each, known) if one not in known]
    return known


def _factors(normaliser: Normaliser, product_: Known, known: Iterable[Known]) -> Iterator[Known]:
    """The factors of a product that is positive, with the only signs that they can have."""
    coefficient, common, rest = normaliser.content(product_.form, positive=False)
    odd = [atom for atom, exponent in common if not is_positive(atom) and exponent % 2 == 1]
    if any(not exponent.is_Integer for atom, exponent in common if not is_positive(atom)):
        return
    forms = [normaliser.polynomial(atom) for atom in odd] + ([rest] if rest != {ONE: S.One} else [])
    even = [atom for atom, exponent in common if not is_positive(atom) and exponent % 2 == 0]
    if not forms or len(forms) > MOST_FACTORS or ((len(forms) > 1 or even) and not product_.strict):
        return  # Where a factor is 0, nothing is known of the others.
    settled = [(each.form, 1) for each in known if each.strict]
    possible = [
        signs
        for signs in product((1, -1), repeat=len(forms))
        if sympy.sign(coefficient) * sympy.prod(signs) > 0
        and not contradict([*settled, *zip(forms, signs, strict=True)])
    ]
    if len(possible) == 1:
        for form, sign in zip(forms, possible[0], strict=True):
            yield Known(scale(form, Rational(sign)), product_.strict)


def _of_elements(known: Iterable[Known]) -> dict[Element, Interval]:
    """The intervals of single elements: from a x + b > 0."""
    found: dict[Element, Interval] = {}
    for form, strict in known:
        rest = dict(form)
        constant = rest.pop(ONE, S.Zero)
        if len(rest) != 1:
            continue
        ((monomial, coefficient),) = rest.items()
        atom, exponent = next(iter(monomial)) if len(monomial) == 1 else (None, S.Zero)
        if not isinstance(atom, Element) or exponent != 1 or atom.tensor.values is not None:
            continue
        end = End(-constant / coefficient, strict)
        found[atom] = found.get(atom, Interval()).narrowed(end, bool(coefficient > 0))
    return found


# -- putting it in ----------------------------------------------------------------------------------------------------


def _common_interval(
    elements: Iterable[Element], intervals: Mapping[Element, Interval], free: frozenset[Index]
) -> Interval | None:
    """The interval in which all of these elements of one tensor lie; None where there is none."""
    found: Interval | None = None
    for element in elements:
        covering = [interval for known, interval in intervals.items() if _covers(known, element, free)]
        if not covering or (found is not None and covering[0] != found):
            return None
        found = covering[0]
    return found


def _covers(known: Element, element: Element, free: frozenset[Index]) -> bool:
    """Whether what is known of an element, for every value of its bound indices, is known of another one."""
    if known.tensor != element.tensor:
        return False
    taken: dict[Expr, Expr] = {}
    for own, other, axis in zip(known.indices, element.indices, known.tensor.sizes, strict=True):
        if isinstance(own, Index) and own not in free:
            at_a_position = other.is_Integer or extent(other) == axis
            if own.size != axis or not at_a_position or taken.setdefault(own, other) != other:
                return False
        elif own != other:
            return False
    return True
