"""The shortest form: contract, factor, and fold back into names that are already there.

Several forms of one expression are made - as it stands, multiplied out, each with the definitions' outputs folded in -
and the one that costs least to read and to compute is taken. All are equal by construction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Add, Expr, Mul, S

from derive.absorbing import absorbed, with_plain_signs
from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.costs import cost
from derive.definitions import Definition
from derive.facts import Fact
from derive.folding import cancels, fold, grows_again, use_known_sums
from derive.indices import Index
from derive.normal_form import Normaliser
from derive.polynomials import (
    Monomial,
    Polynomial,
    TooLargeError,
    accumulate,
    common_factors,
    divide,
    exponentials,
    readable_number,
    scale,
)
from derive.quotients import multiply_in, over_one_line
from derive.sums import IndexSum, free_indices, has, rewrite, substitute, tensors_in

#: Of more terms, multiplied out, no short form is looked for where there is one already.
MOST_TERMS = 60
#: So many polynomials are remembered by the indices that are kept; of more, all are found anew.
MOST_KNOWN = 20_000


@dataclass(frozen=True)
class Simplified:
    """A short form and how it came about.

    Attributes:
        contracted: after the deltas are gone and common factors are out, before anything is folded.
        result: the shortest form.
        folded: the definition that was folded back into its own name, if one was.
        facts: the given equations that were used.
    """

    contracted: Expr
    result: Expr
    folded: Definition | None
    facts: tuple[Fact, ...]


def simplify(
    expr: Expr, definitions: Iterable[Definition] = (), prefer: Iterable[Index] = (), facts: Iterable[Fact] = ()
) -> Simplified:
    """Return the shortest form found.

    Args:
        definitions: names that may be folded back, such as the operation's own output.
        prefer: indices to keep where a delta makes two equal.
        facts: equations that may be used.

    Example:
        >>> from derive.indices import Tensor, size
        >>> from derive.indicators import Delta
        >>> K = size("K"); j, k = Index("j", K), Index("k", K); p = Tensor("p", (K,))
        >>> simplify(IndexSum(Delta(j, k) * p[j], j)).result
        p[k]
    """
    return _shortest(rewrite(expr, absorbed), tuple(definitions), tuple(prefer), tuple(facts))


@lru_cache(maxsize=2000)
def _shortest(
    expr: Expr, definitions: tuple[Definition, ...], prefer: tuple[Index, ...], facts: tuple[Fact, ...]
) -> Simplified:
    forms = _forms(expr, definitions, prefer, facts)
    if not forms:
        return Simplified(expr, expr, None, ())
    best = min(forms, key=lambda form: cost(form.result))
    seen = {best.result}
    while True:
        ways = [way for way in _other_ways(best.result) if way not in seen]
        seen.update(ways)
        others = [form for way in ways for form in _forms(way, definitions, prefer, facts)]
        other = min(others, key=lambda form: cost(form.result), default=best)
        if cost(other.result) >= cost(best.result):
            return best
        contracted = other.contracted if best.folded is None else best.contracted
        used = tuple(dict.fromkeys((*best.facts, *other.facts)))
        best = Simplified(contracted, other.result, other.folded or best.folded, used)


def _other_ways(expr: Expr) -> list[Expr]:
    """Equal expressions, with factors multiplied into quotients and with quotients put over one line."""
    return [other for other in (multiply_in(expr), over_one_line(expr)) if other != expr]


def _forms(
    expr: Expr, definitions: tuple[Definition, ...], prefer: tuple[Index, ...], facts: tuple[Fact, ...]
) -> list[Simplified]:
    """The expression as it stands and multiplied out, each with what makes it shorter folded in."""
    found: list[Simplified] = []
    for distribute in (False, True):
        known = None if facts else _known(distribute, prefer)  # Which facts were used is not remembered.
        normaliser = Normaliser(distribute=distribute, prefer=prefer, facts=facts, known=known)
        try:
            poly = normaliser.polynomial(expr)
            if len(poly) > MOST_TERMS and any(len(poly) > cost(form.result) for form in found):
                continue
            plain = arrange(normaliser, poly)
            short, folded = _fold_repeatedly(normaliser, poly, plain, definitions)
        except (TooLargeError, ZeroDivisionError):
            continue
        plain, short = (with_plain_signs(form, definitions) for form in (plain, short))
        found.append(Simplified(plain, short, folded, tuple(normaliser.used_facts)))
        if not any(has(atom, Add) for monomial in poly for atom, _ in monomial):
            break  # There is nothing to multiply out.
    return found


def _known(distribute: bool, prefer: tuple[Index, ...]) -> dict[Expr, Polynomial]:
    """The polynomials found so far: definitions, and parts of what is simplified, come again and again."""
    known = _known_by(distribute, prefer)
    if len(known) > MOST_KNOWN:
        known.clear()
    return known


@lru_cache(maxsize=100)
def _known_by(distribute: bool, prefer: tuple[Index, ...]) -> dict[Expr, Polynomial]:
    return {}


def _fold_repeatedly(
    normaliser: Normaliser, poly: Polynomial, plain: Expr, definitions: tuple[Definition, ...]
) -> tuple[Expr, Definition | None]:
    """Fold as long as the form gets shorter; return it and the definition that helped last."""
    short, used = plain, None
    known = use_known_sums(normaliser, poly, definitions)
    if known != poly:
        poly, short = known, arrange(normaliser, known)
        used = next(each for each in definitions if each.tensor in tensors_in(plain))
    kept = short, used
    while True:
        options = [
            (cost(arranged), place, arranged, folded, definition)
            for place, definition in enumerate(definitions)
            for folded in fold(normaliser, poly, definition, definitions)
            for arranged in (arrange(normaliser, folded),)
            if not cancels(arranged, definition) - cancels(short, definition)
        ]
        if not options:
            return kept
        least, _, arranged, folded, definition = min(options, key=lambda option: option[:2])
        if least >= cost(short):
            return kept
        short, poly, used = arranged, folded, definition
        if not any(grows_again(normaliser, poly, each) for each in definitions):
            kept = short, used


# -- factoring --------------------------------------------------------------------------------------------------------


def arrange(normaliser: Normaliser, poly: Polynomial) -> Expr:
    """Return a polynomial as an expression with common factors taken out."""
    tick()
    if not poly:
        return S.Zero
    if len(poly) == 1:
        ((monomial, coefficient),) = poly.items()
        monomial, known = _known_quotients(_divided_inside(monomial))
        others = monomial - exponentials(monomial)
        return coefficient * Mul(*(_polish(normaliser, a) ** e for a, e in others), _quotient(monomial), *known)
    common = common_factors(poly)
    if common:
        number = readable_number(poly)
        if all(coefficient < 0 for coefficient in poly.values()):
            number = -number
        rest = scale({divide(monomial, common): c for monomial, c in poly.items()}, 1 / number)
        outside = arrange(normaliser, {frozenset(common.items()): number})
        return Mul(outside, arrange(normaliser, rest))
    return _arrange_terms(normaliser, poly)


def _known_quotients(monomial: Monomial) -> tuple[Monomial, list[Expr]]:
    """What is left of a monomial, and quotients that have a shorter form.

    e^u / (1 + e^u) is the logistic function of u, sinh u / cosh u the hyperbolic tangent.
    """
    powers, known = dict(monomial), []
    for atom, exponent in monomial:
        if isinstance(atom, sympy.cosh):
            above, short = sympy.sinh(*atom.args), sympy.tanh(*atom.args)
        elif isinstance(atom, Add) and len(atom.args) == 2 and isinstance(atom - 1, sympy.exp):
            above = atom - 1
            short = 1 / (1 + sympy.exp(-above.args[0]))
        else:
            continue
        if exponent < 0 and powers.get(above) == -exponent:
            known.append(short**-exponent)
            del powers[atom], powers[above]
    return (frozenset(powers.items()), known) if known else (monomial, known)


def _divided_inside(monomial: Monomial) -> Monomial:
    """Bring exponentials that divide a sum of exponentials into it: sum_j v_j e^(a_j - y), which does not overflow."""
    below = [(atom, exponent) for atom, exponent in exponentials(monomial) if exponent < 0]
    for atom, exponent in sorted(monomial, key=lambda pair: structure_key(pair[0])):
        if below and exponent == 1 and isinstance(atom, IndexSum):
            body, bound = atom.opened(free_indices(Mul(*(each for each, _ in below))))
            exps = [factor for factor in Mul.make_args(body) if isinstance(factor, sympy.exp)]
            if exps:
                exponent_inside = Add(
                    *(each.args[0] for each in exps), *(each.args[0] * power for each, power in below)
                )
                others = (factor for factor in Mul.make_args(body) if factor not in exps)
                inside = Mul(sympy.exp(exponent_inside), *others)
                return (monomial - {(atom, exponent), *below}) | {(canonical(IndexSum(inside, *bound)), exponent)}
    return monomial


def _quotient(monomial: Monomial) -> Expr:
    """The exponentials of a monomial, e^a / e^b written as e^(a - b)."""
    exps = sorted(exponentials(monomial), key=lambda pair: structure_key(pair[0]))
    if len(exps) > 1 and any(exponent < 0 for _, exponent in exps):
        return sympy.exp(Add(*(atom.args[0] * exponent for atom, exponent in exps)))
    return Mul(*(atom**exponent for atom, exponent in exps))


def _with_sums_whole(normaliser: Normaliser, poly: Polynomial) -> Polynomial:
    """The polynomial with terms that make up a sum, a factor of another term, as that sum: d a + d for d = b + c."""
    for total in sorted({a for m in poly for a, e in m if isinstance(a, Add) and e == 1}, key=structure_key):
        parts = normaliser.polynomial(total)
        if len(parts) > 1 and all(part in poly for part in parts):
            ratios = {poly[part] / coefficient for part, coefficient in parts.items()}
            if len(ratios) == 1:
                rest = {monomial: c for monomial, c in poly.items() if monomial not in parts}
                accumulate(rest, {frozenset({(total, S.One)}): ratios.pop()}, S.One)
                return rest
    return poly


def _arrange_terms(normaliser: Normaliser, poly: Polynomial) -> Expr:
    """Take out the factor that saves most; go on with what has it and what has it not."""
    whole = _with_sums_whole(normaliser, poly)
    if whole != poly:
        return arrange(normaliser, whole)
    joined = _with_a_joined_sum(normaliser, poly)
    if joined is not None:
        return joined
    terms = [arrange(normaliser, {monomial: coefficient}) for monomial, coefficient in poly.items()]
    plain = Add(*terms)
    savings: dict[tuple[Expr, bool], float] = {}
    for monomial in poly:
        for atom, exponent in monomial:
            key = atom, bool(exponent > 0)
            savings[key] = savings.get(key, -cost(atom)) + cost(atom)
    shared = [key for key, saved in savings.items() if saved > 0]
    if not shared:
        return plain
    atom, positive = max(shared, key=lambda key: (savings[key], structure_key(key[0])))
    having = {m: c for m, c in poly.items() if any(a == atom and (e > 0) == positive for a, e in m)}
    if len(having) == len(poly):
        return plain
    rest = {m: c for m, c in poly.items() if m not in having}
    factored = _with_sum_outside(arrange(normaliser, having) + arrange(normaliser, rest))
    return factored if cost(factored) < cost(plain) else plain


def _with_a_joined_sum(normaliser: Normaliser, poly: Polynomial) -> Expr | None:
    """Sums of one range whose bodies share a factor, or are values, as one sum: sum p x - sum t x = sum (p - t) x."""
    groups: dict[tuple[Monomial, tuple[Expr, ...]], list[IndexSum]] = {}
    for monomial in poly:
        sums = [atom for atom, exponent in monomial if isinstance(atom, IndexSum) and exponent == 1]
        if len(sums) == 1:
            others = monomial - {(sums[0], S.One)}
            groups.setdefault((others, tuple(index.size for index in sums[0].bound)), []).append(sums[0])
    for (others, _), sums in groups.items():
        if len(sums) < 2:
            continue
        monomials = [others | {(each, S.One)} for each in sums]
        inside: Polynomial = {}
        for monomial, each in zip(monomials, sums, strict=True):
            body = substitute(each.body, dict(zip(each.bound, sums[0].bound, strict=True)))
            accumulate(inside, normaliser.polynomial(body), poly[monomial])
        if _is_one_array(inside):
            number = readable_number(inside)
            body = arrange(normaliser, scale(inside, 1 / number))
            one = number * Mul(arrange(normaliser, {others: S.One}), canonical(IndexSum(body, *sums[0].bound)))
            rest = {monomial: c for monomial, c in poly.items() if monomial not in monomials}
            return one + arrange(normaliser, rest)
    return None


def _is_one_array(poly: Polynomial) -> bool:
    """Whether terms are sums of values, or have a factor in common beside such: none is an outer product.

    Matrices that a vector is multiplied by are not added up first: that takes longer.
    """
    common = common_factors(poly)
    terms = [divide(monomial, common) for monomial in poly]
    if not common and any(sum(exponent for _, exponent in term) != 1 for term in terms):
        return False
    indices = frozenset().union(*(free_indices(atom) for term in terms for atom, _ in term))
    if common and frozenset().union(*map(free_indices, common)) < indices:
        return False
    return all(not term or any(free_indices(atom) == indices for atom, _ in term) for term in terms)


def _with_sum_outside(total: Expr) -> Expr:
    """Take a sum that is a factor of every term, in one as a - b and in another as b - a, out of them."""
    first, *others = [Mul.make_args(term) for term in Add.make_args(total)]
    for factor in (each for each in first if others and isinstance(each, Add)):
        rest = [Mul(*(each for each in first if each is not factor))]
        for factors in others:
            sign = next((sign for sign in (1, -1) if sign * factor in factors), None)
            if sign is None:
                break
            rest.append(sign * Mul(*(each for each in factors if each != sign * factor)))
        else:
            return Mul(factor, Add(*rest))
    return total


def _polish(normaliser: Normaliser, atom: Expr) -> Expr:
    """Take common factors out inside an atom as well."""
    if isinstance(atom, Add):
        return arrange(normaliser, normaliser.polynomial(atom))
    if not isinstance(atom, IndexSum):
        return atom
    factors = Mul.make_args(atom.body)
    exps = {factor for factor in factors if isinstance(factor, sympy.exp)}
    divides = len(exps) > 1 and any(factor.args[0].as_coeff_Mul()[0] < 0 for factor in exps)
    if divides or any(isinstance(factor, Add) for factor in factors):
        others = [_polish(normaliser, factor) for factor in factors if not divides or factor not in exps]
        quotient = sympy.exp(Add(*(factor.args[0] for factor in exps))) if divides else S.One
        return canonical(IndexSum(Mul(quotient, *others), *atom.bound))
    return atom
