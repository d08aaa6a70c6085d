r"""The normal form: an expression as a polynomial whose atoms are elements, indicators, functions and sums.

A polynomial is a dictionary from monomials to rational coefficients, a monomial a set of (atom, rational exponent).
Sums are pulled apart into independent factors with canonical bound indices, deltas are contracted, exponentials are
split (:math:`e^{a+b} = e^a e^b`), roots and quotients are atoms with a fractional or negative exponent. Two expressions
with the same polynomial are equal for all sizes and values; the converse is made as true as is cheap.

``generators=True`` is the prover's form: hyperbolic, piecewise and logarithmic functions are expressed by their
generators and everything is distributed. Without it, the form serves the printer: functions stay as they were written,
and with ``distribute=False`` a product is multiplied out only where a delta makes that worthwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, S

from derive.canonical import canonical, structure_key
from derive.errors import UnsupportedError
from derive.facts import Fact
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.sums import Binder, IndexArgmax, IndexMax, IndexSum, free_indices, substitute

Monomial = frozenset[tuple[Expr, Rational]]
Polynomial = dict[Monomial, Rational]

ONE: Monomial = frozenset()
#: Past this many monomials a distributed form is no longer a help.
LARGEST = 20_000


class TooLargeError(UnsupportedError):
    """The distributed form of an expression has more terms than can be handled."""


class Normaliser:
    """Turns expressions into polynomials; remembers what it has seen and which facts it used.

    Args:
        generators: express functions by their generators (the prover's form).
        distribute: multiply every product out.
        prefer: indices to keep when a free delta makes two indices one, best first.
        facts: equations to rewrite with, from left to right.
    """

    def __init__(
        self,
        generators: bool = False,
        distribute: bool = True,
        prefer: Iterable[Index] = (),
        facts: Iterable[Fact] = (),
    ) -> None:
        self.generators = generators
        self.distribute = distribute or generators
        self.prefer = tuple(prefer)
        self.facts = tuple(facts)
        self.used_facts: dict[Fact, None] = {}
        self._known: dict[Expr, Polynomial] = {}
        self._fresh = count()
        self._rules: dict[type, Callable[[Any], Polynomial]] = {
            Add: self._add,
            Mul: self._mul,
            Pow: self._pow,
            sympy.exp: self._exp,
            IndexSum: self._index_sum,
            IndexMax: self._index_max,
            IndexArgmax: self._index_argmax,
            Element: self._element,
            Delta: self._delta,
        }
        if generators:
            self._rules |= {
                sympy.log: self._log,
                sympy.tanh: self._tanh,
                sympy.erf: self._erf,
                sympy.Abs: self._abs,
                sympy.sign: self._sign,
                Maximum: self._maximum,
                Minimum: self._minimum,
                Where: self._where,
                Bracket: self._bracket,
            }

    # -- the way in and out -------------------------------------------------------------------------------------------

    def polynomial(self, expr: Any) -> Polynomial:
        """Return the expression's polynomial."""
        known = self._known.get(expr)
        if known is None:
            known = self._known[expr] = self._rule(expr)
        return known

    def expression(self, expr: Any) -> Expr:
        """Return the expression rebuilt from its polynomial."""
        return expression(self.polynomial(expr))

    def _rule(self, expr: Any) -> Polynomial:
        if isinstance(expr, Rational):
            return {ONE: expr} if expr != 0 else {}
        rule = self._rules.get(type(expr))
        return rule(expr) if rule else self._opaque(expr)

    def _opaque(self, expr: Expr) -> Polynomial:
        """An atom whose arguments are in normal form themselves."""
        if isinstance(expr, (Index, Tensor)) or not expr.args:
            return _atom(expr)
        arguments = [self.expression(a) if isinstance(a, Expr) else a for a in expr.args]
        rebuilt = canonical(expr.func(*arguments))
        return _atom(rebuilt) if type(rebuilt) is type(expr) else self.polynomial(rebuilt)

    # -- arithmetic ---------------------------------------------------------------------------------------------------

    def _add(self, expr: Add) -> Polynomial:
        return add(*(self.polynomial(term) for term in expr.args))

    def _mul(self, expr: Mul) -> Polynomial:
        result: Polynomial = {ONE: S.One}
        for factor in expr.args:
            result = self.multiply(result, self._factor(factor))
        return result

    def _factor(self, expr: Expr) -> Polynomial:
        """A factor's polynomial; a sum of terms stays one atom where multiplying out is not wanted."""
        poly = self.polynomial(expr)
        if self.distribute or len(poly) < 2 or _mentions_delta(poly):
            return poly
        return self._as_atom(poly, S.One)

    def multiply(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """Multiply two polynomials."""
        if len(left) * len(right) > LARGEST:
            raise TooLargeError(f"the distributed form has more than {LARGEST} terms")
        result: Polynomial = {}
        for first, a in left.items():
            for second, b in right.items():
                _accumulate(result, self._product(first, second), a * b)
        return result

    def _product(self, first: Monomial, second: Monomial) -> Polynomial:
        if not first or not second:
            return {first or second: S.One}
        factors: dict[Expr, Rational] = dict(first)
        for atom, exponent in second:
            factors[atom] = factors.get(atom, S.Zero) + exponent
        return self._settle(factors)

    def _settle(self, factors: dict[Expr, Rational]) -> Polynomial:
        """Turn factors into a polynomial: indicators are idempotent, numbers and sums of terms do not stay powers."""
        coefficient: Rational = S.One
        kept: dict[Expr, Rational] = {}
        expand: list[tuple[Expr, int]] = []
        for atom, exponent in factors.items():
            if exponent == 0:
                continue
            if isinstance(atom, (Delta, Bracket)) and exponent > 0:
                exponent = S.One
            elif atom.is_Rational and exponent >= 1:
                coefficient *= atom ** sympy.floor(exponent)
                exponent -= sympy.floor(exponent)
            elif isinstance(atom, Add) and exponent >= 1 and (self.distribute or _has_delta(atom)):
                expand.append((atom, int(sympy.floor(exponent))))
                exponent -= sympy.floor(exponent)
            if exponent != 0:
                kept[atom] = exponent
        if self.generators and _vanishes(kept):
            return {}
        merged = self._merge_free_deltas(kept)
        result: Polynomial = {frozenset(kept.items()): coefficient} if merged is None else merged
        if merged is not None and coefficient != 1:
            result = scale(result, coefficient)
        for atom, times in expand:
            for _ in range(times):
                result = self.multiply(result, self.polynomial(atom))
        return result

    def _merge_free_deltas(self, factors: dict[Expr, Rational]) -> Polynomial | None:
        """Use delta(i, j) f(j) = delta(i, j) f(i) so that one of the two indices is left in the other factors."""
        for atom in sorted((a for a in factors if isinstance(a, Delta)), key=structure_key):
            kept, dropped = self._preferred(atom)
            if not isinstance(dropped, Index):
                continue
            others = {a: e for a, e in factors.items() if a != atom and dropped in free_indices(a)}
            if not others:
                continue
            result: Polynomial = {frozenset((a, e) for a, e in factors.items() if a not in others): S.One}
            for other, exponent in others.items():
                moved = self.polynomial(substitute(other, {dropped: kept}))
                if not moved and exponent < 0:
                    return None
                result = self.multiply(result, self.power(moved, exponent))
            return result
        return None

    def _preferred(self, delta: Delta) -> tuple[Expr, Expr]:
        """The side to keep and the side to replace."""

        def rank(side: Expr) -> tuple[bool, int, str]:
            place = self.prefer.index(side) if side in self.prefer else len(self.prefer)
            return isinstance(side, Index), place, structure_key(side)

        kept, dropped = sorted((delta.left, delta.right), key=rank)
        return kept, dropped

    def power(self, base: Polynomial, exponent: Rational) -> Polynomial:
        """Raise a polynomial to a rational power."""
        if exponent == 1:
            return base
        if not base:
            if exponent > 0:
                return {}
            raise ZeroDivisionError("a quotient by an expression that is zero")
        if len(base) == 1:
            return self._monomial_power(base, exponent)
        if exponent.is_Integer and exponent > 1 and self.distribute:
            result = base
            for _ in range(int(exponent) - 1):
                result = self.multiply(result, base)
            return result
        return self._as_atom(base, exponent)

    def _monomial_power(self, base: Polynomial, exponent: Rational) -> Polynomial:
        ((monomial, coefficient),) = base.items()
        if exponent.is_Integer:
            return scale(self._settle({a: e * exponent for a, e in monomial}), coefficient**exponent)
        outside: dict[Expr, Rational] = {}
        inside: list[Expr] = []
        for atom, power in sorted(monomial, key=lambda pair: structure_key(pair[0])):
            if atom.is_positive:
                outside[atom] = power * exponent
            elif power.is_Integer and power % 2 == 0:
                outside[sympy.Abs(atom)] = power * exponent
            else:
                inside.append(atom**power)
        if coefficient < 0 and inside:
            inside.append(S.NegativeOne)
        if inside:
            body = Mul(*inside)
            outside[body] = outside.get(body, S.Zero) + exponent
        result = self._settle(outside)
        if coefficient < 0 and not inside:
            return self.multiply(result, {frozenset(((coefficient, exponent),)): S.One})
        return self.multiply(result, _number_power(abs(coefficient), exponent))

    def _as_atom(self, base: Polynomial, exponent: Rational) -> Polynomial:
        """A power of a sum of terms, its content taken out: (2 a b + 2 a c)^e = 2^e a^e (b + c)^e."""
        positive = not exponent.is_Integer
        coefficient, common, rest = (
            split_content(base, positive) if self.generators else split_shared(base, positive)
        )
        outside = self._monomial_power({common: coefficient}, exponent)
        return self.multiply(outside, {frozenset(((canonical(expression(rest)), exponent),)): S.One})

    def _pow(self, expr: Pow) -> Polynomial:
        base, exponent = expr.args
        if not exponent.is_Rational:
            return self.polynomial(sympy.exp(exponent * sympy.log(base))) if base.is_positive else self._opaque(expr)
        return self.power(self.polynomial(base), exponent)

    # -- functions ----------------------------------------------------------------------------------------------------

    def _exp(self, expr: Expr) -> Polynomial:
        result: Polynomial = {ONE: S.One}
        for monomial, coefficient in self.polynomial(expr.args[0]).items():
            result = self.multiply(result, self._exp_of_term(monomial, coefficient))
        return result

    def _exp_of_term(self, monomial: Monomial, coefficient: Rational) -> Polynomial:
        if len(monomial) == 1:
            ((atom, exponent),) = monomial
            if isinstance(atom, sympy.log) and exponent == 1:
                return self.power(self.polynomial(atom.args[0]), coefficient)
        atom = sympy.exp(expression({monomial: S.One}))
        return {frozenset(((atom, coefficient),)): S.One}

    def _log(self, expr: Expr) -> Polynomial:
        argument = self.polynomial(expr.args[0])
        if not argument:
            return _atom(expr)
        coefficient, common, rest = split_content(argument, positive=True)
        if not all(atom.is_positive for atom, _ in common):
            return _atom(canonical(sympy.log(expression(argument))))
        result: Polynomial = {}
        for atom, exponent in common:
            inner = self.polynomial(atom.args[0]) if isinstance(atom, sympy.exp) else _atom(sympy.log(atom))
            result = add(result, scale(inner, exponent))
        if coefficient != 1:
            for prime, times in _factor_rational(coefficient):
                result = add(result, scale(_atom(sympy.log(prime)), Integer(times)))
        if rest != {ONE: S.One}:
            result = add(result, _atom(canonical(sympy.log(expression(rest)))))
        return result

    def _tanh(self, expr: Expr) -> Polynomial:
        square = sympy.exp(2 * expr.args[0])
        return self.polynomial((square - 1) * Pow(square + 1, -1))

    def _erf(self, expr: Expr) -> Polynomial:
        coefficient, common, rest = split_content(self.polynomial(expr.args[0]), positive=False)
        sign = S.NegativeOne if coefficient < 0 else S.One
        argument = self.multiply({common: abs(coefficient)}, rest)
        return scale(_atom(canonical(sympy.erf(expression(argument)))), sign)

    def _abs(self, expr: Expr) -> Polynomial:
        return self.polynomial(expr.args[0] * sympy.sign(expr.args[0]))

    def _sign(self, expr: Expr) -> Polynomial:
        argument = expr.args[0]
        return self.polynomial(Bracket(">", argument, 0) - Bracket(">", -argument, 0))

    def _maximum(self, expr: Maximum) -> Polynomial:
        return self.polynomial(expr.right + (expr.left - expr.right) * Bracket(">", expr.left, expr.right))

    def _minimum(self, expr: Minimum) -> Polynomial:
        return self.polynomial(expr.right + (expr.left - expr.right) * Bracket("<", expr.left, expr.right))

    def _where(self, expr: Where) -> Polynomial:
        return self.polynomial(expr.condition * expr.chosen + (1 - expr.condition) * expr.other)

    def _bracket(self, expr: Bracket) -> Polynomial:
        """All comparisons by [d > 0] and [d = 0], with d's sign chosen once: [-d > 0] = 1 - [d > 0] - [d = 0]."""
        difference = self.polynomial(expr.left - expr.right)
        if not difference or set(difference) == {ONE}:
            return self.polynomial(Bracket(expr.relation, difference.get(ONE, S.Zero), 0))
        coefficient, common, rest = split_content(difference, positive=False)
        kept = {atom: exponent for atom, exponent in common if not atom.is_positive}
        body = expression(self.multiply({frozenset(kept.items()): S.One}, rest))
        above, level = _atom(Bracket(">", body, 0)), _atom(Bracket("=", body, 0))
        below = add({ONE: S.One}, scale(above, S.NegativeOne), scale(level, S.NegativeOne))
        return {
            ">": above if coefficient > 0 else below,
            ">=": add(above if coefficient > 0 else below, level),
            "=": level,
            "!=": add({ONE: S.One}, scale(level, S.NegativeOne)),
        }[expr.relation]

    # -- indices ------------------------------------------------------------------------------------------------------

    def _element(self, expr: Element) -> Polynomial:
        indices = [self.expression(where) if where.args and not isinstance(where, Index) else where
                   for where in expr.indices]
        return _atom(Element(expr.tensor, *indices))

    def _delta(self, expr: Delta) -> Polynomial:
        rebuilt = Delta(self.expression(expr.left), self.expression(expr.right))
        return _atom(rebuilt) if isinstance(rebuilt, Delta) else self.polynomial(rebuilt)

    def _index_max(self, expr: IndexMax) -> Polynomial:
        """Terms without the bound index leave the maximum: max_j (a_j + c) = c + max_j a_j."""
        body, bound = self._open(expr)
        outside, inside = _split_by(self.polynomial(body), frozenset(bound))
        return add(outside, _atom(canonical(IndexMax(expression(inside), *bound)))) if inside else outside

    def _index_argmax(self, expr: IndexArgmax) -> Polynomial:
        body, bound = self._open(expr)
        _, inside = _split_by(self.polynomial(body), frozenset(bound))
        return _atom(canonical(IndexArgmax(expression(inside), *bound)))

    def _open(self, binder: Binder) -> tuple[Expr, tuple[Index, ...]]:
        """The body with bound indices that occur nowhere else."""
        fresh = [index.renamed(f"_u{next(self._fresh)}") for index in binder.bound]
        return substitute(binder.body, dict(zip(binder.bound, fresh, strict=True))), tuple(fresh)

    def _index_sum(self, expr: IndexSum) -> Polynomial:
        body, bound = self._open(expr)
        poly = self._factor(body)
        return add(*(scale(self._sum_monomial(m, frozenset(bound)), c) for m, c in poly.items()))

    def _sum_monomial(self, monomial: Monomial, live: frozenset[Index]) -> Polynomial:
        """Sum one monomial over the live indices: contract deltas, take constants out, split independent factors."""
        for atom, _ in sorted(monomial, key=lambda pair: structure_key(pair[0])):
            if isinstance(atom, Delta):
                for index, other in ((atom.left, atom.right), (atom.right, atom.left)):
                    if index in live and index not in free_indices(other):
                        return self._contract(monomial, atom, index, other, live)
        opened, extra = self._open_inner_sums(monomial, live)
        if extra:
            return add(*(scale(self._sum_monomial(m, live | extra), c) for m, c in opened.items()))
        factors, result = self._split(monomial, live)
        for component, bound in factors:
            result = self.multiply(result, self._component(component, bound))
        return result

    def _contract(
        self, monomial: Monomial, delta: Delta, index: Index, other: Expr, live: frozenset[Index]
    ) -> Polynomial:
        """sum_i delta(i, e) f(i) = f(e)."""
        result: Polynomial = {ONE: S.One}
        for atom, exponent in monomial:
            if atom != delta:
                moved = self.polynomial(substitute(atom, {index: other}))
                result = self.multiply(result, self.power(moved, exponent))
        rest = live - {index}
        if not rest:
            return result
        return add(*(scale(self._sum_monomial(m, rest), c) for m, c in result.items()))

    def _open_inner_sums(self, monomial: Monomial, live: frozenset[Index]) -> tuple[Polynomial, frozenset[Index]]:
        """Sums that depend on a live index, as a factor, join the outer sum with fresh indices."""
        result: Polynomial = {ONE: S.One}
        extra: set[Index] = set()
        for atom, exponent in monomial:
            if self.generators and isinstance(atom, IndexSum) and exponent.is_Integer and exponent > 0 and free_indices(atom) & live:
                for _ in range(int(exponent)):
                    body, bound = self._open(atom)
                    extra |= set(bound)
                    result = self.multiply(result, self._factor(body))
            else:
                result = self.multiply(result, {frozenset(((atom, exponent),)): S.One})
        return result, frozenset(extra)

    def _split(
        self, monomial: Monomial, live: frozenset[Index]
    ) -> tuple[list[tuple[list[tuple[Expr, Rational]], frozenset[Index]]], Polynomial]:
        """The independent sums of a monomial, and what stands outside of them all."""
        components: list[tuple[list[tuple[Expr, Rational]], frozenset[Index]]] = []
        outside: Polynomial = {ONE: S.One}
        unused = set(live)
        for atom, exponent in monomial:
            touched = free_indices(atom) & live
            if not touched:
                outside = self.multiply(outside, {frozenset(((atom, exponent),)): S.One})
                continue
            unused -= touched
            joined = [(atom, exponent)]
            apart = []
            for factors, bound in components:
                if bound & touched:
                    joined += factors
                    touched |= bound
                else:
                    apart.append((factors, bound))
            components = [*apart, (joined, touched)]
        for index in unused:
            outside = self.multiply(outside, self.polynomial(index.size))
        return components, outside

    def _component(self, factors: list[tuple[Expr, Rational]], bound: frozenset[Index]) -> Polynomial:
        for fact in self.facts:
            found = fact.match(factors, bound)
            if found is not None:
                self.used_facts[fact] = None
                value, rest, left = found
                inner = self.multiply(self.polynomial(value), {frozenset(rest): S.One})
                return add(*(scale(self._sum_monomial(m, left), c) for m, c in inner.items())) if left else inner
        body = Mul(*(atom**exponent for atom, exponent in factors))
        return _atom(canonical(IndexSum(body, *sorted(bound, key=lambda index: index.name))))


def clear_denominators(normaliser: Normaliser, poly: Polynomial) -> Polynomial:
    """Multiply by every denominator that is a sum of terms until none is left.

    The result vanishes exactly when ``poly`` does, wherever the denominators are not zero.
    """
    while True:
        lowest: dict[Expr, Rational] = {}
        for monomial in poly:
            for atom, exponent in monomial:
                if isinstance(atom, Add) and exponent < lowest.get(atom, S.Zero):
                    lowest[atom] = exponent
        if not lowest:
            return poly
        atom = min(lowest, key=structure_key)
        poly = normaliser.multiply(poly, {frozenset(((atom, -lowest[atom]),)): S.One})


# -- polynomials ------------------------------------------------------------------------------------------------------


def _atom(expr: Expr) -> Polynomial:
    return {frozenset(((expr, S.One),)): S.One}


def _accumulate(result: Polynomial, poly: Polynomial, factor: Rational) -> None:
    for monomial, coefficient in poly.items():
        total = result.get(monomial, S.Zero) + coefficient * factor
        if total == 0:
            result.pop(monomial, None)
        else:
            result[monomial] = total


def add(*polynomials: Polynomial) -> Polynomial:
    """Add polynomials."""
    result: Polynomial = {}
    for poly in polynomials:
        _accumulate(result, poly, S.One)
    if len(result) > LARGEST:
        raise TooLargeError(f"the distributed form has more than {LARGEST} terms")
    return result


def scale(poly: Polynomial, factor: Rational) -> Polynomial:
    """Multiply a polynomial by a number."""
    return {} if factor == 0 else {monomial: coefficient * factor for monomial, coefficient in poly.items()}


def expression(poly: Polynomial) -> Expr:
    """Return the polynomial as an expression."""
    return Add(*(coefficient * Mul(*(a**e for a, e in monomial)) for monomial, coefficient in poly.items()))


def order(monomial: Monomial) -> str:
    """A text to sort monomials by."""
    return ",".join(sorted(f"{structure_key(atom)}^{exponent}" for atom, exponent in monomial))


def split_content(poly: Polynomial, positive: bool) -> tuple[Rational, Monomial, Polynomial]:
    """Return (number, monomial, rest) with ``poly = number * monomial * rest`` and rest as plain as can be.

    The rest has integer coefficients without a common divisor and no negative exponents: one form for a ratio.

    Args:
        positive: take out only what is known to be positive, as a root must.
    """
    lowest: dict[Expr, Rational] = {}
    for atom in {atom for monomial in poly for atom, _ in monomial}:
        least = min(dict(monomial).get(atom, S.Zero) for monomial in poly)
        if least != 0 and (atom.is_positive or not positive):
            lowest[atom] = least
    number = common_number(poly)
    if poly and not positive and poly[min(poly, key=order)] < 0:
        number = -number
    rest = scale({divide(monomial, lowest): c for monomial, c in poly.items()}, 1 / number)
    return number, frozenset(lowest.items()), rest


def split_shared(poly: Polynomial, positive: bool) -> tuple[Rational, Monomial, Polynomial]:
    """As ``split_content``, but take out only factors that every term has, as a person would."""
    shared = {atom: e for atom, e in common_factors(poly).items() if atom.is_positive or not positive}
    return S.One, frozenset(shared.items()), {divide(monomial, shared): c for monomial, c in poly.items()}


def common_number(poly: Polynomial) -> Rational:
    """The greatest positive rational that divides every coefficient into an integer."""
    numerators = [abs(coefficient.p) for coefficient in poly.values()]
    denominators = [coefficient.q for coefficient in poly.values()]
    return Rational(sympy.igcd(*numerators, 0), sympy.ilcm(*denominators, 1)) if poly else S.One


def common_factors(poly: Polynomial) -> dict[Expr, Rational]:
    """The factors of every term, with the exponent they share."""
    first, *others = (dict(monomial) for monomial in poly)
    common: dict[Expr, Rational] = {}
    for atom, exponent in first.items():
        exponents = [exponent, *(other.get(atom, S.Zero) for other in others)]
        if all(e > 0 for e in exponents):
            common[atom] = min(exponents)
        elif all(e < 0 for e in exponents):
            common[atom] = max(exponents)
    return common


def divide(monomial: Monomial, divisor: Mapping[Expr, Rational]) -> Monomial:
    """Divide a monomial by factors."""
    factors = dict(monomial)
    for atom, exponent in divisor.items():
        factors[atom] = factors.get(atom, S.Zero) - exponent
    return frozenset((a, e) for a, e in factors.items() if e != 0)


def _split_by(poly: Polynomial, live: frozenset[Index]) -> tuple[Polynomial, Polynomial]:
    outside: Polynomial = {}
    inside: Polynomial = {}
    for monomial, coefficient in poly.items():
        touched = any(free_indices(atom) & live for atom, _ in monomial)
        (inside if touched else outside)[monomial] = coefficient
    return outside, inside


def _has_delta(expr: Expr) -> bool:
    return bool(expr.atoms(Delta))


def _mentions_delta(poly: Polynomial) -> bool:
    return any(_has_delta(atom) for monomial in poly for atom, _ in monomial)


def _vanishes(factors: dict[Expr, Rational]) -> bool:
    """[d > 0] [d = 0] = 0, and d [d = 0] = 0 where d is one atom."""
    for atom in factors:
        if isinstance(atom, Bracket) and atom.relation == "=":
            if Bracket(">", atom.left, atom.right) in factors:
                return True
            body = atom.left - atom.right
            if factors.get(body, S.Zero) > 0:
                return True
    return False


def _number_power(number: Rational, exponent: Rational) -> Polynomial:
    result: Rational = S.One
    factors: dict[Expr, Rational] = {}
    for prime, times in _factor_rational(number):
        total = times * exponent
        whole = sympy.floor(total)
        result *= Integer(prime) ** whole
        if total != whole:
            factors[Integer(prime)] = total - whole
    return {frozenset(factors.items()): result}


def _factor_rational(number: Rational) -> list[tuple[int, int]]:
    powers: dict[int, int] = dict(sympy.factorint(number.p))
    for prime, times in sympy.factorint(number.q).items():
        powers[prime] = powers.get(prime, 0) - times
    return sorted((prime, times) for prime, times in powers.items() if prime != 1)
