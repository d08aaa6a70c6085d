r"""Scalar functions by their generators: exponentials, logarithms of what has no factors, and comparisons with 0.

An exponential of a sum is a product of exponentials, a hyperbolic tangent a quotient of them, and whatever has a kink
is made of :math:`[d > 0]` and :math:`[d = 0]`, where the sign of d is chosen once: :math:`[-d > 0]` is
:math:`1 - [d > 0] - [d = 0]`.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Integer, Pow, Rational, S

from derive.affine import is_whole, positive_form
from derive.algebra import Algebra, collected
from derive.canonical import canonical
from derive.functions import HalfTangent, Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.polynomials import (
    ONE,
    Monomial,
    Polynomial,
    add,
    expression,
    factor_rational,
    number,
    scale,
    short_expression,
    single,
)
from derive.signs import absolute as magnitude
from derive.signs import is_nonnegative, is_positive

#: The sign of a product of so many factors is taken by theirs.
MOST_SIGNS = 3


class Generators(Algebra):
    """The rules for scalar functions; those beside ``exp`` are the prover's alone."""

    def read_exp(self, expr: Expr) -> Polynomial:
        result: Polynomial = {ONE: S.One}
        for monomial, coefficient in self.polynomial(expr.args[0]).items():
            result = self.multiply(result, self._exp_of_term(monomial, coefficient))
        return result

    def _exp_of_term(self, monomial: Monomial, coefficient: Rational) -> Polynomial:
        if len(monomial) == 1:
            ((atom, exponent),) = monomial
            if isinstance(atom, sympy.log) and exponent == 1:
                return self.polynomial(Pow(atom.args[0], coefficient))
        value = sympy.exp(expression({monomial: S.One}))
        if isinstance(value, sympy.exp):
            return single(value, coefficient)
        return self.power(self.polynomial(value), coefficient)

    def read_log(self, expr: Expr) -> Polynomial:
        """log(2 p a^2 r) = log(2) + log(p) + 2 log|a| + log(r) for p > 0."""
        argument = expr.args[0]
        absolute = isinstance(argument, sympy.Abs)
        poly = self.polynomial(argument.args[0] if absolute else argument)
        content, common, rest = self.content(poly, positive=not absolute, squares=not absolute)
        if not rest or (len(rest) == 1 and rest.get(ONE, S.Zero) < 0):
            return single(expr)
        result: Polynomial = {}
        for atom, exponent in common:
            result = add(result, scale(self._log_of_atom(magnitude(atom) if absolute else atom), exponent))
        for prime, times in factor_rational(abs(content)):
            result = add(result, scale(single(sympy.log(prime)), Integer(times)))
        return result if rest == {ONE: S.One} else add(result, self._log_of_rest(rest, absolute))

    def _log_of_atom(self, atom: Expr) -> Polynomial:
        if isinstance(atom, sympy.exp):
            return self.polynomial(atom.args[0])
        if isinstance(atom, sympy.Abs):
            return single(canonical(sympy.log(atom)))
        return self._evaluated(sympy.log(atom))

    def _log_of_rest(self, rest: Polynomial, absolute: bool) -> Polynomial:
        """The logarithm of what has no positive factors; of one atom's power, it is a multiple of the atom's."""
        if len(rest) == 1:
            ((monomial, coefficient),) = rest.items()
            if len(monomial) == 1 and coefficient == 1:
                ((atom, exponent),) = monomial
                return scale(single(canonical(sympy.log(magnitude(atom) if absolute else atom))), exponent)
        body = short_expression(rest)
        return self._evaluated(sympy.log(magnitude(body) if absolute else body))

    def _evaluated(self, value: Expr) -> Polynomial:
        """A function of normal arguments: an atom, unless SymPy knows better."""
        if isinstance(value, sympy.Function):
            return single(canonical(value))
        coefficient, function = value.as_coeff_Mul()
        return scale(single(canonical(function)), coefficient) if function.is_Function else self.polynomial(value)

    def read_hyperbolic(self, expr: Expr) -> Polynomial:
        """cosh and sinh by exponentials."""
        grows, falls = sympy.exp(expr.args[0]), sympy.exp(-expr.args[0])
        return self.polynomial((grows + falls) / 2 if isinstance(expr, sympy.cosh) else (grows - falls) / 2)

    def read_circular(self, expr: Expr) -> Polynomial:
        """sin u = 2 t/(1 + t^2), cos u = (1 - t^2)/(1 + t^2) and tan u = 2 t/(1 - t^2) for t = tan(u/2)."""
        coefficient, common, rest = self.content(self.polynomial(expr.args[0]), positive=False)
        sign = S.NegativeOne if coefficient < 0 else S.One
        inside = self.multiply({common: abs(coefficient)}, rest)
        half = single(HalfTangent(short_expression(inside)))
        square = self.power(half, Integer(2))
        below = add({ONE: S.One}, scale(square, S.NegativeOne if isinstance(expr, sympy.tan) else S.One))
        if isinstance(expr, sympy.cos):
            above = add({ONE: S.One}, scale(square, S.NegativeOne))
        else:
            above = scale(half, 2 * sign)
        return self.multiply(above, self.power(below, S.NegativeOne))

    def read_arccosine(self, expr: Expr) -> Polynomial:
        return self.polynomial(sympy.pi / 2 - sympy.asin(expr.args[0]))

    def read_tanh(self, expr: Expr) -> Polynomial:
        square = sympy.exp(2 * expr.args[0])
        return self.polynomial((square - 1) * Pow(square + 1, -1))

    def read_erf(self, expr: Expr) -> Polynomial:
        coefficient, common, rest = self.content(self.polynomial(expr.args[0]), positive=False)
        sign = S.NegativeOne if coefficient < 0 else S.One
        inside = self.multiply({common: abs(coefficient)}, rest)
        return scale(self._evaluated(sympy.erf(short_expression(inside))), sign)

    def read_abs(self, expr: Expr) -> Polynomial:
        return self._absolute(self.polynomial(expr.args[0]))

    def _absolute(self, argument: Polynomial) -> Polynomial:
        return add(scale(self._positive_part(argument), Integer(2)), scale(argument, S.NegativeOne))

    def power_as_atom(self, base: Polynomial, exponent: Rational) -> Polynomial:
        """As in general; but what is an absolute value, 2 d [d > 0] - d, is one again."""
        of_indicators = self.power_of_indicators(base, exponent)
        if of_indicators is not None:
            return of_indicators
        argument = self._absolute_argument(base) if self.generators else None
        return super().power_as_atom(base, exponent) if argument is None else self.absolute_power(argument, exponent)

    def power_of_indicators(self, base: Polynomial, exponent: Rational) -> Polynomial | None:
        values = self._values(base) if self.generators else {}
        return self._power_of_values(values, exponent) if values else None

    def _values(self, poly: Polynomial) -> dict[Monomial, Rational]:
        """What a polynomial in [d > 0] and [d = 0] alone is where neither holds, and where each does; else nothing."""
        brackets = {atom for monomial in poly for atom, _ in monomial}
        if not all(isinstance(atom, Bracket) and atom.relation in (">", "=") for atom in brackets):
            return {}
        bodies = {(atom.left, atom.right) for atom in brackets}
        if len(bodies) != 1 or any(len(monomial) > 1 or any(e != 1 for _, e in monomial) for monomial in poly):
            return {}
        neither = poly.get(ONE, S.Zero)
        return {ONE: neither} | {monomial: neither + c for monomial, c in poly.items() if monomial != ONE}

    def _power_of_values(self, values: dict[Monomial, Rational], exponent: Rational) -> Polynomial:
        """A power, value by value; where it is not defined it is what it is elsewhere."""
        powers = {
            where: self.power(number(value), exponent)
            for where, value in values.items()
            if value > 0 or (value == 0 and exponent > 0) or (value < 0 and exponent.is_Integer)
        }
        if not powers:
            raise ZeroDivisionError("a power that is nowhere defined")
        otherwise = powers.get(ONE, next(iter(powers.values())))
        result = otherwise
        for where, power in powers.items():
            if where != ONE:
                result = add(result, self.multiply({where: S.One}, add(power, scale(otherwise, S.NegativeOne))))
        return result

    def _absolute_argument(self, poly: Polynomial) -> Polynomial | None:
        """The d of a polynomial that is |d|."""
        for bracket in {atom for monomial in poly for atom, _ in monomial if isinstance(atom, Bracket)}:
            argument = {m: -c for m, c in poly.items() if (bracket, S.One) not in m}
            if len(argument) * 2 == len(poly) and self._absolute(argument) == poly:
                return argument
        return None

    def absolute_power(self, argument: Polynomial, exponent: Rational) -> Polynomial:
        """|a|^e, factor by factor."""
        argument = self._absolute_argument(argument) or argument
        content, common, rest = self.content(argument, positive=False)
        factors = [(magnitude(atom), power * exponent) for atom, power in common]
        if len(rest) > 1:
            factors.append((magnitude(canonical(short_expression(rest))), exponent))
        result = self.multiply(self.settle(collected(factors)), self.power(number(abs(content)), exponent))
        return result if rest else self.power({}, exponent)

    def read_maximum(self, expr: Maximum) -> Polynomial:
        return add(self.polynomial(expr.right), self._positive_part(self.polynomial(expr.left - expr.right)))

    def read_minimum(self, expr: Minimum) -> Polynomial:
        above = self._positive_part(self.polynomial(expr.right - expr.left))
        return add(self.polynomial(expr.right), scale(above, S.NegativeOne))

    def _positive_part(self, difference: Polynomial) -> Polynomial:
        """d [d > 0]; as d - d [-d > 0] where the sign is turned, for d [d = 0] = 0."""
        turned, above, _ = self.compare(difference)
        inside = self.multiply(difference, above)
        return add(difference, scale(inside, S.NegativeOne)) if turned else inside

    def read_sign(self, expr: Expr) -> Polynomial:
        """[a > 0] - [-a > 0]."""
        turned, above, level = self.compare(self.polynomial(expr.args[0]))
        value = add(scale(above, Integer(2)), level, number(S.NegativeOne))
        return scale(value, S.NegativeOne) if turned else value

    def read_where(self, expr: Where) -> Polynomial:
        return self.polynomial(expr.condition * expr.chosen + (1 - expr.condition) * expr.other)

    def read_bracket(self, expr: Bracket) -> Polynomial:
        """All comparisons by [d > 0] and [d = 0]: [-d > 0] = 1 - [d > 0] - [d = 0]."""
        if is_whole(expr.left - expr.right):
            return self._read_whole(expr)
        turned, above, level = self.compare(self.polynomial(expr.left - expr.right))
        if turned:
            above = add(number(S.One), scale(above, S.NegativeOne), scale(level, S.NegativeOne))
        return {
            ">": above,
            ">=": add(above, level),
            "=": level,
            "!=": add(number(S.One), scale(level, S.NegativeOne)),
        }[expr.relation]

    def _read_whole(self, expr: Bracket) -> Polynomial:
        """Comparisons of whole numbers by [d > 0], where d > 0 is d >= 1, and by deltas."""
        one = number(S.One)
        if expr.relation in ("=", "!="):
            level = self.polynomial(Delta(expr.left, expr.right))
            return level if expr.relation == "=" else add(one, scale(level, S.NegativeOne))
        difference = expr.left - expr.right + (1 if expr.relation == ">=" else 0)
        sign, form = positive_form(difference)
        if form.is_Integer:
            return number(form)
        above = single(Bracket(">", expression(self.polynomial(form)), 0))
        return above if sign > 0 else add(one, scale(above, S.NegativeOne))

    def compare(self, difference: Polynomial) -> tuple[bool, Polynomial, Polynomial]:
        """Whether the sign of d was turned for its one form, then [d > 0] and [d = 0]."""
        argument = self._absolute_argument(difference)
        if argument is not None:
            zero = self.compare(argument)[2]
            return False, add(number(S.One), scale(zero, S.NegativeOne)), zero
        content, common, rest = self.content(difference, positive=False)
        kept = {atom: _sign_exponent(exponent) for atom, exponent in common if not is_positive(atom)}
        if self.generators and all(exponent.is_Integer for exponent in kept.values()):
            factors = [single(atom, exponent) for atom, exponent in kept.items()] + ([rest] if len(rest) > 1 else [])
            if 1 < len(factors) <= MOST_SIGNS:
                return self._compare_product(content, factors)
        body = expression(self.multiply({frozenset(kept.items()): S.One}, rest))
        zero = {atom: min(exponent, S.One) for atom, exponent in kept.items()}
        if is_positive(body) or is_positive(-body) or body.is_nonzero:
            level = number(S.Zero)
        elif body == 0:
            level = number(S.One)
        else:
            level = single(Bracket("=", expression(self.multiply({frozenset(zero.items()): S.One}, rest)), 0))
        if is_nonnegative(-body):
            above = number(S.Zero)
        elif is_nonnegative(body):
            above = add(number(S.One), scale(level, S.NegativeOne))
        else:
            above = single(Bracket(">", body, 0))
        return content < 0, above, level

    def _compare_product(self, content: Rational, factors: list[Polynomial]) -> tuple[bool, Polynomial, Polynomial]:
        """The sign of a product by those of its factors: [d > 0] = (s + s^2)/2 for the sign s, the factors' product."""
        sign, nonzero = number(S.One), number(S.One)
        for factor in factors:
            turned, above, level = self.compare(factor)
            own = add(scale(above, Integer(2)), level, number(S.NegativeOne))
            sign = self.multiply(sign, scale(own, S.NegativeOne) if turned else own)
            nonzero = self.multiply(nonzero, add(number(S.One), scale(level, S.NegativeOne)))
        above = scale(add(sign, nonzero), Rational(1, 2))
        return bool(content < 0), above, add(number(S.One), scale(nonzero, S.NegativeOne))


def _sign_exponent(exponent: Rational) -> Rational:
    """The least exponent with which a factor has the same sign: odd 1, even 2."""
    return exponent if not exponent.is_Integer else S.One if exponent % 2 else Integer(2)
