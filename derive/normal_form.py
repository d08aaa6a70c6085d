r"""The normal form: an expression as a polynomial whose atoms are elements, indicators, functions and sums.

Sums are pulled apart into independent factors with canonical bound indices, deltas are contracted, exponentials are
split (:math:`e^{a+b} = e^a e^b`), roots and quotients are atoms with a fractional or negative exponent. Two expressions
with the same polynomial are equal for all sizes and values; the converse is made as true as is cheap.

``generators=True`` is the prover's form: hyperbolic, piecewise and logarithmic functions are expressed by their
generators and everything is distributed. Without it, the form serves the printer: functions stay as they were written,
and with ``distribute=False`` a product is multiplied out only where a delta makes that worthwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S

from derive.affine import is_outside
from derive.algebra import mentions_delta
from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.contractions import Contractions
from derive.facts import Fact
from derive.functions import Maximum, Minimum, Where, without_numbers
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor
from derive.matrices import Determinant, IndexArray, Inverse, LogDeterminant
from derive.matrix_rules import of_simpler_matrices, transposed
from derive.polynomials import (
    ONE,
    Polynomial,
    add,
    common_factors,
    divide,
    expression,
    number,
    order,
    short_expression,
    single,
)
from derive.signs import is_positive
from derive.sums import IndexArgmax, IndexMax, IndexSum, free_indices, nodes, tensors_in


class Normaliser(Contractions):
    """Turns expressions into polynomials; remembers what it has seen and which facts it used.

    Args:
        generators: express functions by their generators (the prover's form).
        distribute: multiply every product out.
        prefer: indices to keep when a free delta makes two indices one, best first.
        facts: equations to rewrite with, from left to right.
        known: what normalisers of the same arguments have seen, to which this one adds.
    """

    def __init__(
        self,
        generators: bool = False,
        distribute: bool = True,
        prefer: Iterable[Index] = (),
        facts: Iterable[Fact] = (),
        known: dict[Expr, Polynomial] | None = None,
    ) -> None:
        super().__init__(generators, distribute, prefer)
        self.facts = {_solved_for_a_sum(fact): fact for fact in facts}
        self._known: dict[Expr, Polynomial] = {} if known is None else known
        self._rules: dict[type, Callable[[Any], Polynomial]] = {
            Add: self._add,
            Mul: self._mul,
            Pow: self._pow,
            sympy.exp: self.read_exp,
            IndexSum: self.read_index_sum,
            IndexMax: self._index_max,
            IndexArray: self._index_array,
            IndexArgmax: self._index_argmax,
            Element: self._element,
            Delta: self._delta,
            Where: self._choice,
            Bracket: self._comparison,
        }
        if generators:
            self._rules |= {
                sympy.log: self.read_log,
                sympy.sin: self.read_circular,
                sympy.cos: self.read_circular,
                sympy.tan: self.read_circular,
                sympy.acos: self.read_arccosine,
                sympy.sinh: self.read_hyperbolic,
                sympy.cosh: self.read_hyperbolic,
                sympy.tanh: self.read_tanh,
                sympy.erf: self.read_erf,
                sympy.Abs: self.read_abs,
                sympy.sign: self.read_sign,
                Maximum: self.read_maximum,
                Minimum: self.read_minimum,
                Where: self._read_choice,
                Bracket: self.read_bracket,
                Inverse: self.read_matrix_function,
                Determinant: self.read_matrix_function,
                LogDeterminant: lambda expr: self.polynomial(sympy.log(sympy.Abs(Determinant(expr.matrix)))),
            }

    # -- the way in and out -------------------------------------------------------------------------------------------

    def polynomial(self, expr: Any) -> Polynomial:
        """Return the expression's polynomial."""
        known = self._known.get(expr)
        if known is None:
            tick()
            known = self._known[expr] = self._rule(expr)
        return known

    def expression(self, expr: Any) -> Expr:
        """Return the expression rebuilt from its polynomial."""
        return expression(self.polynomial(expr))

    def _rule(self, expr: Any) -> Polynomial:
        if isinstance(expr, (Rational, sympy.Float)):
            return number(Rational(expr))
        rule = self._rules.get(type(expr))
        return rule(expr) if rule else self._opaque(expr)

    def _opaque(self, expr: Expr) -> Polynomial:
        """An atom whose arguments are in normal form themselves."""
        if isinstance(expr, (Index, Tensor)) or not expr.args:
            return single(expr)
        rebuild = short_expression if isinstance(expr, sympy.Function) else expression
        arguments = [rebuild(self.polynomial(a)) if isinstance(a, Expr) else a for a in expr.args]
        rebuilt = canonical(expr.func(*arguments))
        return single(rebuilt) if type(rebuilt) is type(expr) else self.polynomial(rebuilt)

    # -- arithmetic ---------------------------------------------------------------------------------------------------

    def _add(self, expr: Add) -> Polynomial:
        return add(*(self.polynomial(term) for term in expr.args))

    def _mul(self, expr: Mul) -> Polynomial:
        result: Polynomial = {ONE: S.One}
        for factor in expr.args:
            result = self.multiply(result, self.factor(factor))
        return result

    def factor(self, expr: Expr) -> Polynomial:
        """A factor's polynomial; a sum of terms stays one atom where multiplying out is not wanted."""
        poly = self.polynomial(expr)
        if self.distribute or len(poly) < 2 or mentions_delta(poly):
            return poly
        return self.power_as_atom(poly, S.One)

    def _pow(self, expr: Pow) -> Polynomial:
        base, exponent = expr.args
        if not exponent.is_number:
            exponent = self.expression(exponent)
        if exponent.is_Rational:
            if isinstance(base, sympy.Abs) and self.generators:
                return self.absolute_power(self.polynomial(base.args[0]), exponent)
            return self.power(self.polynomial(base), exponent)
        if not exponent.is_number and (is_positive(base) or self.sees_positive(base)):
            return self.polynomial(sympy.exp(exponent * sympy.log(base)))
        return self._opaque(expr)

    def sees_positive(self, expr: Expr) -> bool:
        """Whether every factor of the normal form is positive: 1 - 1/(1 + e) is e/(1 + e) for e = exp(x)."""
        if not self.generators:
            return False
        content, _, rest = self.content(self.polynomial(expr), positive=True)
        return bool(content > 0) and rest == {ONE: S.One}

    # -- indices ------------------------------------------------------------------------------------------------------

    def _element(self, expr: Element) -> Polynomial:
        indices = [
            self.expression(where) if where.args and not isinstance(where, Index) else where for where in expr.indices
        ]
        element = Element(expr.tensor, *indices)
        if any(where.is_Integer and where.is_negative for where in indices):
            return {}  # Only a form can have become a negative number.
        if any(is_outside(where, size) for where, size in zip(indices, expr.tensor.sizes, strict=True)):
            return {}
        if self.generators:
            for place, where in enumerate(indices):
                if isinstance(where, IndexArgmax):
                    body, bound = self.open(where)
                    if body == Element(expr.tensor, *indices[:place], *bound, *indices[place + 1 :]):
                        return self.polynomial(IndexMax(body, *bound))
        return single(element)

    def _choice(self, expr: Where) -> Polynomial:
        """What both values have leaves a choice: where(c, delta a, delta b) = delta where(c, a, b).

        So does a value beside 0, where(c, a, 0) = [c] a, but only if it is defined everywhere: the choice may be there
        to look away from it where it is not.
        """
        values = [self.polynomial(expr.chosen), self.polynomial(expr.other)]
        if isinstance(expr.condition, Bracket) and not values[1] and len(values[0]) == 1:
            ((monomial, coefficient),) = values[0].items()
            if all(_is_defined_everywhere(atom, exponent) for atom, exponent in monomial):
                return self.multiply(self.polynomial(expr.condition), {monomial: coefficient})
        deltas = {a: e for a, e in common_factors(values[0] | values[1]).items() if isinstance(a, Delta)}
        if not deltas:
            return self._opaque(expr)
        inside = [expression({divide(monomial, deltas): c for monomial, c in value.items()}) for value in values]
        rest = self.polynomial(Where(self.expression(expr.condition), *inside))
        return self.multiply({frozenset(deltas.items()): S.One}, rest)

    def _read_choice(self, expr: Where) -> Polynomial:
        """A choice by its condition as a factor, but where a matrix has an inverse only if the condition holds."""
        places = free_indices(expr.condition)
        if any(free_indices(each) & places for each in nodes(expr, Inverse, LogDeterminant)):
            return self._opaque(expr)
        return self.read_where(expr)

    def _comparison(self, expr: Bracket) -> Polynomial:
        """A number is compared with no sum and no extremum that has a number: [x + 3 > 0] = [x > -3]."""
        plain = without_numbers(expr)
        return self._opaque(plain) if isinstance(plain, Bracket) else self.polynomial(plain)

    def _delta(self, expr: Delta) -> Polynomial:
        rebuilt = Delta(self.expression(expr.left), self.expression(expr.right))
        return single(rebuilt) if isinstance(rebuilt, Delta) else self.polynomial(rebuilt)

    def _index_max(self, expr: IndexMax) -> Polynomial:
        """What does not depend on the bound index leaves the maximum: max_j (c + s a_j) = c + s max_j a_j for s > 0."""
        body, bound = self.open(expr)
        outside, factor, inside = self._split_extremum(body, frozenset(bound))
        if not inside:
            return outside
        nested = only_atom(inside) if self.generators else None
        if isinstance(nested, IndexMax):
            within, more = self.open(nested)
            inside, bound = self.polynomial(within), (*bound, *more)
        return add(outside, self.multiply(factor, single(canonical(IndexMax(expression(inside), *bound)))))

    def _index_argmax(self, expr: IndexArgmax) -> Polynomial:
        """A shift and a positive factor do not move the maximum; that of a constant is attained first at 0."""
        body, bound = self.open(expr)
        _, _, inside = self._split_extremum(body, frozenset(bound))
        return single(canonical(IndexArgmax(expression(inside), *bound))) if inside else {}

    def _index_array(self, expr: IndexArray) -> Polynomial:
        body, bound = self.open(expr)
        return single(canonical(IndexArray(self.expression(body), *bound)))

    def read_matrix_function(self, expr: Inverse | Determinant) -> Polynomial:
        """What is computed of a matrix, by what is computed of simpler ones."""
        poly = self._opaque(expr)
        atom = only_atom(poly)
        if not isinstance(atom, (Inverse, Determinant)):
            return poly
        plainer = of_simpler_matrices(atom)
        if plainer is not None:
            return self.polynomial(plainer)
        other = only_atom(self._opaque(transposed(atom)))
        return poly if other is None else single(min(atom, other, key=structure_key))

    def _split_extremum(self, body: Expr, live: frozenset[Index]) -> tuple[Polynomial, Polynomial, Polynomial]:
        """Return (c, s, a) with body = c + s a, and c and s > 0 independent of the live indices."""
        outside, inside = _split_by(self.polynomial(body), live)
        if not inside or not self.generators:
            return outside, number(S.One), inside
        content, common, rest = self.content(inside, positive=True)
        fixed = frozenset((atom, exponent) for atom, exponent in common if not free_indices(atom) & live)
        moving = {common - fixed: S.One}
        return outside, {fixed: content}, self.multiply(moving, rest)


def _solved_for_a_sum(fact: Fact) -> Fact:
    """The fact about a sum of one product: sum(a + b) = c as sum(a) = c - sum(b), sum(a s) = c as sum(a) = c / s."""
    poly = Normaliser(generators=True).polynomial(fact.left)
    for monomial in sorted(poly, key=order):
        for total in (atom for atom, exponent in monomial if isinstance(atom, IndexSum) and exponent == 1):
            factor = divide(monomial, {total: S.One})
            everything = free_indices(total) == free_indices(fact.left)
            if everything and all(is_positive(atom) for atom, _ in factor):
                others = {other: c for other, c in poly.items() if other != monomial}
                return Fact(total, (fact.right - expression(others)) / expression({factor: poly[monomial]}), fact.text)
    return fact


def _is_defined_everywhere(expr: Expr, exponent: Expr = S.One) -> bool:
    """Whether a power is a number whatever its tensors hold: made of sums, products and whole powers alone."""
    if not tensors_in(expr):
        return True
    if not (exponent.is_Integer and exponent > 0):
        return False
    if isinstance(expr, Element):
        return all(isinstance(where, Index) for where in expr.indices)
    if isinstance(expr, Pow):
        return _is_defined_everywhere(*expr.args)
    inner = (expr.body,) if isinstance(expr, IndexSum) else expr.args
    return isinstance(expr, (Add, Mul, IndexSum)) and all(map(_is_defined_everywhere, inner))


def _split_by(poly: Polynomial, live: frozenset[Index]) -> tuple[Polynomial, Polynomial]:
    outside: Polynomial = {}
    inside: Polynomial = {}
    for monomial, coefficient in poly.items():
        touched = any(free_indices(atom) & live for atom, _ in monomial)
        (inside if touched else outside)[monomial] = coefficient
    return outside, inside


def only_atom(poly: Polynomial) -> Expr | None:
    """The atom that a polynomial is, if it is one."""
    if len(poly) != 1:
        return None
    ((monomial, coefficient),) = poly.items()
    alone = coefficient == 1 and len(monomial) == 1
    return next((atom for atom, exponent in monomial if exponent == 1 and alone), None)
