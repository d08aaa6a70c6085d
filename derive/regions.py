r"""Where an expression is defined, some of its tensors have signs: :math:`\log p` needs :math:`p > 0`.

An equation is about the places where both sides are defined. There a number that must be positive may be written as an
exponential, one between 0 and 1 as a logistic function; what the logarithms of such numbers have in common is then
seen by the normal form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import sympy
from sympy import Expr, Pow, Rational, S

from derive.demands import demands
from derive.indices import Element, Index, Tensor, extent
from derive.inequalities import contradict
from derive.normal_form import Normaliser
from derive.polynomials import ONE, Polynomial, TooLargeError, scale
from derive.record import Definition
from derive.signs import is_positive
from derive.sums import Binder, free_indices, rewrite, tensors_in

#: How many factors of unknown sign a product may have.
MOST_FACTORS = 3


class Known(NamedTuple):
    """``form > 0``, or ``form >= 0`` where it is not strict."""

    form: Polynomial
    strict: bool


class End(NamedTuple):
    """The least or the largest value; a strict one is not taken."""

    value: Rational
    strict: bool


@dataclass
class Range:
    """Between which numbers a value lies."""

    low: End | None = None
    high: End | None = None

    def narrow(self, end: End, is_low: bool) -> None:
        """Take in one more end."""
        old = self.low if is_low else self.high
        if old is not None and old.value == end.value:
            end = End(end.value, old.strict or end.strict)
        elif old is not None and (old.value > end.value) == is_low:
            end = old
        if is_low:
            self.low = end
        else:
            self.high = end

    def holding(self, free: Expr) -> Expr | None:
        """What takes all the values in the range, and no other, as something free takes all; None without a form."""
        if self.low is not None and self.high is not None:
            if self.low.value >= self.high.value or not (self.low.strict and self.high.strict):
                return None
            return self.low.value + (self.high.value - self.low.value) / (1 + sympy.exp(-free))
        one = self.low or self.high
        if one is None:
            return None
        distance = sympy.exp(free) if one.strict else free**2
        return one.value + distance if self.low else one.value - distance


def ranges(normaliser: Normaliser, expr: Expr) -> tuple[Definition, ...]:
    """Return definitions by which an expression's tensors take just the values at which it is defined.

    Each says of a tensor, with something free, what its elements are. A tensor is left out where no range is seen,
    or not the same for every element of it that is mentioned, and where a fact speaks of it.

    Example:
        >>> from derive.indices import Tensor
        >>> q = Tensor("q")()
        >>> for definition in ranges(Normaliser(generators=True), sympy.log(q / (1 - q))):
        ...     print(definition.target, "=", definition.body)
        q = 1/(1 + exp(-_q))
    """
    expr = _apart(normaliser, expr)
    free = free_indices(expr)
    found = _of_elements(_known(normaliser, expr))
    named = frozenset().union(*(tensors_in(fact.left) | tensors_in(fact.right) for fact in normaliser.facts))
    result = []
    for tensor in sorted(tensors_in(expr) - named, key=lambda tensor: tensor.name):
        common = _common_range(tensor, expr, found, free)
        where = tuple(Index(f"_r{axis}", size) for axis, size in enumerate(tensor.sizes))
        value = common.holding(Tensor(f"_{tensor.name}", tensor.sizes)(*where)) if common is not None else None
        if value is not None:
            result.append(Definition(tensor(*where), value))
    return tuple(result)


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


def _known(normaliser: Normaliser, expr: Expr) -> list[Known]:
    """What is not negative where the expression is defined: the factors of what must not be, as far as that is seen."""
    # A negative base is allowed where its exponent happens to be a whole number.
    bases = {power.base for power in expr.atoms(Pow) if not power.exp.is_number}
    waiting: list[Known] = []
    for relation, part, guards in demands(expr):
        if guards or relation == "!=" or (relation == ">=" and part in bases):
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
    if not forms or len(forms) > MOST_FACTORS or (len(forms) > 1 and not product_.strict):
        return
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


def _of_elements(known: Iterable[Known]) -> dict[Element, Range]:
    """The ranges of single elements: from a x + b > 0."""
    found: dict[Element, Range] = {}
    for form, strict in known:
        rest = dict(form)
        constant = rest.pop(ONE, S.Zero)
        if len(rest) != 1:
            continue
        ((monomial, coefficient),) = rest.items()
        atom, exponent = next(iter(monomial)) if len(monomial) == 1 else (None, S.Zero)
        if not isinstance(atom, Element) or exponent != 1 or atom.tensor.values is not None:
            continue
        found.setdefault(atom, Range()).narrow(End(-constant / coefficient, strict), bool(coefficient > 0))
    return found


# -- putting it in ----------------------------------------------------------------------------------------------------


def _common_range(tensor: Tensor, expr: Expr, ranges: Mapping[Element, Range], free: frozenset[Index]) -> Range | None:
    """The range in which every element of a tensor lies that an expression mentions; None where there is none."""
    found: Range | None = None
    for element in (each for each in expr.atoms(Element) if each.tensor == tensor):
        covering = [range_ for known, range_ in ranges.items() if _covers(known, element, free)]
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
