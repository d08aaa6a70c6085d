r"""Polynomials with expressions as their atoms: the arithmetic that the normal form stands on.

A polynomial is a dictionary from monomials to rational coefficients, a monomial a set of (atom, rational exponent).
Nothing here knows what an atom means.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy
from sympy import Add, Expr, Integer, Mul, Rational, S

from derive.budget import tick
from derive.canonical import structure_key
from derive.errors import UnsupportedError
from derive.indicators import Bracket, Delta
from derive.signs import is_positive

Monomial = frozenset[tuple[Expr, Rational]]
Polynomial = dict[Monomial, Rational]

ONE: Monomial = frozenset()
#: Past this many monomials a distributed form is no longer a help.
LARGEST = 20_000
#: Past this many a function of them is not made: SymPy looks at the sign of each, and nothing can stop it.
LARGEST_ARGUMENT = 400
#: Numbers of more bits are no help either.
MOST_BITS = 100_000
#: Of larger numbers only the primes below a bound are looked for.
FACTORED_BITS = 80
LARGEST_PRIME = 2**15


class TooLargeError(UnsupportedError):
    """The distributed form of an expression has more terms than can be handled."""


def single(atom: Expr, exponent: Rational = S.One) -> Polynomial:
    """Return the polynomial of one atom."""
    return {frozenset(((atom, exponent),)): S.One}


def number(value: Rational) -> Polynomial:
    """Return the polynomial of a number."""
    return {} if value == 0 else {ONE: value}


def accumulate(result: Polynomial, poly: Polynomial, factor: Rational) -> None:
    """Add a multiple of a polynomial to another in place."""
    for monomial, coefficient in poly.items():
        accumulate_term(result, monomial, coefficient if factor == 1 else coefficient * factor)
    check_size(len(result))


def accumulate_term(result: Polynomial, monomial: Monomial, coefficient: Rational) -> None:
    """Add a term to a polynomial in place."""
    before = result.get(monomial)
    total = coefficient if before is None else before + coefficient
    if total:
        result[monomial] = total
    elif before is not None:
        del result[monomial]


def check_size(terms: int) -> None:
    """Refuse what has too many terms.

    Raises:
        TooLargeError: it has.
        OutOfTimeError: the time is over.
    """
    tick()
    if terms > LARGEST:
        raise TooLargeError(f"the distributed form has more than {LARGEST} terms")


def add(*polynomials: Polynomial) -> Polynomial:
    """Add polynomials."""
    result: Polynomial = {}
    for poly in polynomials:
        accumulate(result, poly, S.One)
    return result


def scale(poly: Polynomial, factor: Rational) -> Polynomial:
    """Multiply a polynomial by a number."""
    return {} if factor == 0 else {monomial: coefficient * factor for monomial, coefficient in poly.items()}


def exponentials(monomial: Monomial) -> Monomial:
    """Return the exponentials of a monomial, with their powers."""
    return frozenset((a, e) for a, e in monomial if isinstance(a, sympy.exp))


def expression(poly: Polynomial) -> Expr:
    """Return the polynomial as an expression."""
    terms = []
    for monomial, coefficient in poly.items():
        tick()
        terms.append(coefficient * Mul(*(atom**exponent for atom, exponent in monomial)))
    return Add(*terms)


def short_expression(poly: Polynomial) -> Expr:
    """Return the polynomial as an expression that a function may be applied to.

    Raises:
        TooLargeError: it has too many terms.
    """
    if len(poly) > LARGEST_ARGUMENT:
        raise TooLargeError(f"the argument of a function has more than {LARGEST_ARGUMENT} terms")
    return expression(poly)


def order(monomial: Monomial) -> str:
    """A text to sort monomials by."""
    return ",".join(sorted(f"{structure_key(atom)}^{exponent}" for atom, exponent in monomial))


def split_content(poly: Polynomial, positive: bool) -> tuple[Rational, Monomial, Polynomial]:
    """Return (number, monomial, rest) with ``poly = number * monomial * rest`` and rest as plain as can be.

    The rest has integer coefficients without a common divisor and no negative exponents: one form for a ratio. Its
    sign is told from itself alone, so that polynomials with the same ratio have the same rest. Where indicators stand,
    what divides some terms alone stays: 5 [x = 0] + [x != 0]/x is not (5 x [x = 0] + [x != 0])/x, where x is 0.

    Args:
        positive: take out only what is known to be positive, as a root must.
    """
    lowest: dict[Expr, Rational] = {}
    exponents: dict[Expr, list[Rational]] = {}
    guarded = any(isinstance(atom, (Bracket, Delta)) for monomial in poly for atom, _ in monomial)
    for monomial in poly:
        for atom, exponent in monomial:
            exponents.setdefault(atom, []).append(exponent)
    for atom, found in exponents.items():
        tick()
        everywhere = len(found) == len(poly)
        least = min(found) if everywhere else S.Zero if guarded else min(*found, S.Zero)
        if least != 0 and (is_positive(atom) or not positive):
            lowest[atom] = least
    content = common_number(poly)
    rest = {divide(monomial, lowest): coefficient / content for monomial, coefficient in poly.items()}
    if rest and not positive and rest[min(rest, key=order)] < 0:
        content, rest = -content, scale(rest, S.NegativeOne)
    return content, frozenset(lowest.items()), rest


def split_shared(poly: Polynomial, positive: bool) -> tuple[Rational, Monomial, Polynomial]:
    """As ``split_content``, but take out only factors that every term has, as a person would."""
    shared = {atom: e for atom, e in common_factors(poly).items() if is_positive(atom) or not positive}
    return S.One, frozenset(shared.items()), {divide(monomial, shared): c for monomial, c in poly.items()}


def common_number(poly: Polynomial) -> Rational:
    """The greatest positive rational that divides every coefficient into an integer."""
    numerators = [abs(coefficient.p) for coefficient in poly.values()]
    denominators = [coefficient.q for coefficient in poly.values()]
    return Rational(sympy.igcd(*numerators, 0), sympy.ilcm(*denominators, 1)) if poly else S.One


def is_typed_decimal(number: Rational) -> bool:
    """Whether a fraction is shorter as the decimal that it is: 1.702 and not 851/500, but 1/2.

    Example:
        >>> is_typed_decimal(Rational("1.702")), is_typed_decimal(Rational(1, 2)), is_typed_decimal(Rational(1, 3))
        (True, False, False)
    """
    if number.is_Integer or any(prime not in (2, 5) for prime in sympy.factorint(number.q, limit=10)):
        return False
    text = repr(abs(float(number)))
    return len(text) < len(f"{abs(number.p)}/{number.q}") and Rational(text) == abs(number)


def readable_number(poly: Polynomial) -> Rational:
    """The number to take out of a polynomial: what divides its coefficients, decimals left as they are."""
    plain = {monomial: c for monomial, c in poly.items() if not is_typed_decimal(c)}
    if len(plain) < len(poly) and len({abs(c) for c in poly.values()}) > 1:
        return common_number(plain)
    return common_number(poly)


def common_factors(poly: Polynomial) -> dict[Expr, Rational]:
    """The factors of every term, with the exponent they share."""
    first, *others = (dict(monomial) for monomial in poly or {ONE: S.One})
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


def number_power(base: Rational, exponent: Rational) -> Polynomial:
    """A positive number to a rational power, its roots as powers of primes: 12^(1/2) = 2 3^(1/2)."""
    result: Rational = S.One
    factors: dict[Expr, Rational] = {}
    for prime, times in factor_rational(base):
        total = times * exponent
        whole = sympy.floor(total)
        result *= rational_power(Integer(prime), whole)
        if total != whole:
            factors[Integer(prime)] = total - whole
    return {frozenset(factors.items()): result}


def factor_rational(value: Rational) -> list[tuple[int, int]]:
    """The primes of a positive rational number and how often each divides it; a large factor may be no prime."""
    powers = _factor_integer(value.p)
    for prime, times in _factor_integer(value.q).items():
        powers[prime] = powers.get(prime, 0) - times
    return sorted((prime, times) for prime, times in powers.items() if prime != 1)


def _factor_integer(value: int) -> dict[int, int]:
    tick()
    if value.bit_length() <= FACTORED_BITS:
        return dict(sympy.factorint(value))
    return dict(sympy.factorint(value, limit=LARGEST_PRIME, use_rho=False, use_pm1=False, use_ecm=False))


def rational_power(base: Rational, exponent: Rational) -> Rational:
    """A rational number to a whole power.

    Raises:
        TooLargeError: it has too many digits.
    """
    if max(base.p.bit_length(), base.q.bit_length(), 1) * abs(int(exponent)) > MOST_BITS and abs(base) != 1:
        raise TooLargeError(f"a number has more than {MOST_BITS} bits")
    return base**exponent


def power_of_terms(base: Polynomial, times: int) -> Polynomial:
    """A whole power of a polynomial of whose atoms nothing is known: exponents become one integer, a digit each.

    Example:
        >>> from sympy import symbols
        >>> x, y = symbols("x y")
        >>> expression(power_of_terms(add(single(x), single(y)), 2))
        x**2 + 2*x*y + y**2
    """
    if len(base) > 1:
        check_size(times + 1)  # It has no fewer terms than the power of a sum of two.
    atoms = sorted({atom for monomial in base for atom, _ in monomial}, key=structure_key)
    grain = sympy.ilcm(1, *(exponent.q for monomial in base for _, exponent in monomial))
    denominator = sympy.ilcm(1, *(coefficient.q for coefficient in base.values()))
    rows = [[int(dict(monomial).get(atom, S.Zero) * grain) for atom in atoms] for monomial in base]
    lowest = [min(column) for column in zip(*rows, strict=True)]
    widths = [(max(column) - low) * times + 1 for column, low in zip(zip(*rows, strict=True), lowest, strict=True)]
    packed = [
        (_pack([exponent - low for exponent, low in zip(row, lowest, strict=True)], widths), int(value * denominator))
        for row, value in zip(rows, base.values(), strict=True)
    ]
    result = _binomial(packed, times) if len(packed) == 2 else {0: 1}
    for _ in range(times if len(packed) != 2 else 0):
        product: dict[int, int] = {}
        for place, value in result.items():
            tick()
            for other, factor in packed:
                product[place + other] = product.get(place + other, 0) + value * factor
        result = {place: value for place, value in product.items() if value}
        check_size(len(result))
    unpacked: Polynomial = {}
    for place, value in result.items():
        tick()
        exponents = (
            Rational(digit + low * times, grain) for digit, low in zip(_unpack(place, widths), lowest, strict=True)
        )
        monomial = frozenset((atom, e) for atom, e in zip(atoms, exponents, strict=True) if e)
        unpacked[monomial] = Rational(value, denominator**times)
    return unpacked


def _binomial(terms: list[tuple[int, int]], times: int) -> dict[int, int]:
    """The power of a sum of two terms, each a place and a coefficient."""
    (first, one), (second, other) = terms
    value = other**times
    result = {}
    for turn in range(times + 1):
        tick()
        result[turn * first + (times - turn) * second] = value
        value = value * (times - turn) * one // ((turn + 1) * other)
    return result


def _pack(digits: list[int], widths: list[int]) -> int:
    place = 0
    for digit, width in zip(digits, widths, strict=True):
        place = place * width + digit
    return place


def _unpack(place: int, widths: list[int]) -> list[int]:
    digits = []
    for width in reversed(widths):
        place, digit = divmod(place, width)
        digits.append(digit)
    return digits[::-1]
