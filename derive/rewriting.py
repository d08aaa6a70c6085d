"""The shortest form: contract, factor, and fold back into names that are already there.

Several forms of one expression are made - as it stands, multiplied out, each with the definitions' outputs folded in -
and the one that costs least to read and to compute is taken. All are equal by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Add, Expr, Mul, Pow, Rational, S, Symbol

from derive.absorbing import absorbed, with_plain_signs
from derive.budget import tick
from derive.canonical import canonical, structure_key
from derive.costs import cost
from derive.facts import Fact, unify
from derive.indices import Element, Index
from derive.normal_form import Normaliser
from derive.polynomials import (
    Monomial,
    Polynomial,
    TooLargeError,
    accumulate,
    common_factors,
    divide,
    expression,
    readable_number,
    scale,
)
from derive.quotients import multiply_in, over_one_line
from derive.record import Definition, replace_elements
from derive.signs import is_nonnegative, is_positive
from derive.solving import Generator, Scope, solve
from derive.sums import IndexSum, free_indices, has, nodes, rewrite, substitute, tensors_in

#: Of more terms, multiplied out, no short form is looked for where there is one already.
MOST_TERMS = 60
#: A sum whose definitions, put in, cost more than this is not looked at any longer.
MOST_INSERTED = 40.0


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
        >>> from derive.indices import Delta, Tensor, size
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
    others = [form for way in _other_ways(best.result) for form in _forms(way, definitions, prefer, facts)]
    for other in (form for form in others if cost(form.result) < cost(best.result)):
        contracted = other.contracted if best.folded is None else best.contracted
        used = tuple(dict.fromkeys((*best.facts, *other.facts)))
        best = Simplified(contracted, other.result, other.folded or best.folded, used)
    return best


def _other_ways(expr: Expr) -> list[Expr]:
    """Equal expressions, with factors multiplied into quotients and with quotients put over one line."""
    return [other for other in (multiply_in(expr), over_one_line(expr)) if other != expr]


def _forms(
    expr: Expr, definitions: tuple[Definition, ...], prefer: tuple[Index, ...], facts: tuple[Fact, ...]
) -> list[Simplified]:
    """The expression as it stands and multiplied out, each with what makes it shorter folded in."""
    found: list[Simplified] = []
    for distribute in (False, True):
        normaliser = Normaliser(distribute=distribute, prefer=prefer, facts=facts)
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
    return found


def _fold_repeatedly(
    normaliser: Normaliser, poly: Polynomial, plain: Expr, definitions: tuple[Definition, ...]
) -> tuple[Expr, Definition | None]:
    """Fold as long as the form gets shorter; return it and the definition that helped last."""
    short, used = plain, None
    known = _use_known_sums(normaliser, poly, definitions)
    if known != poly:
        poly, short = known, arrange(normaliser, known)
        used = next(each for each in definitions if each.tensor in tensors_in(plain))
    kept = short, used
    while True:
        options = [
            (cost(arranged), place, arranged, folded, definition)
            for place, definition in enumerate(definitions)
            for folded in _fold(normaliser, poly, definition, definitions)
            for arranged in (arrange(normaliser, folded),)
            if not _cancels(arranged, definition) - _cancels(short, definition)
        ]
        if not options:
            return kept
        least, _, arranged, folded, definition = min(options, key=lambda option: option[:2])
        if least >= cost(short):
            return kept
        short, poly, used = arranged, folded, definition
        if not any(_grows_again(poly, each) for each in definitions):
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
        others = monomial - _exps(monomial)
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


def _exps(monomial: Monomial) -> Monomial:
    return frozenset((a, e) for a, e in monomial if isinstance(a, sympy.exp))


def _divided_inside(monomial: Monomial) -> Monomial:
    """Bring exponentials that divide a sum of exponentials into it: sum_j v_j e^(a_j - y), which does not overflow."""
    below = [(atom, exponent) for atom, exponent in _exps(monomial) if exponent < 0]
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
    exps = sorted(_exps(monomial), key=lambda pair: structure_key(pair[0]))
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
    if isinstance(atom, IndexSum) and any(isinstance(factor, Add) for factor in Mul.make_args(atom.body)):
        body = Mul(*(_polish(normaliser, factor) for factor in Mul.make_args(atom.body)))
        return canonical(IndexSum(body, *atom.bound))
    return atom


# -- folding ----------------------------------------------------------------------------------------------------------

#: What a definition says of an atom is looked at if it has at most so many times the terms that there are.
MOST_OTHERS = 3


def _fold(
    normaliser: Normaliser, poly: Polynomial, definition: Definition, definitions: tuple[Definition, ...]
) -> Iterator[Polynomial]:
    """The polynomial with one of the definition's generators expressed by the definition's own name."""
    present = frozenset().union(*(tensors_in(atom) for monomial in poly for atom, _ in monomial))
    used = tensors_in(definition.body)
    if used and not used & present:
        return
    body = normaliser.polynomial(definition.body)
    needed = frozenset(definition.indices)
    plain = all(isinstance(atom, (Element, Symbol)) for monomial in poly for atom, _ in monomial)
    scope = Scope(needed, present, MOST_OTHERS * len(poly) if plain else None)
    for generator in solve(normaliser, body, definition.target, scope):
        if not tensors_in(generator.atom) <= present:
            continue
        try:
            folded = _Substitution(normaliser, generator).apply(poly)
            folded = None if folded is None else _use_known_sums(normaliser, folded, definitions)
        except (ZeroDivisionError, TooLargeError):
            continue
        if folded is None or (generator.subtracts and len(folded) > len(poly)):
            continue
        if generator.subtracts and _mixes(folded, definition) - _mixes(poly, definition):
            continue  # What y = a + f is made of is not to be had from y - a: nothing may be left of f.
        if _is_defined_where(normaliser, folded, poly, definition):
            yield folded


def _mixes(poly: Polynomial, definition: Definition) -> set[Expr]:
    """The sums of terms inside a polynomial's atoms that have the definition's value beside another tensor."""
    inner = {part for monomial in poly for atom, _ in monomial for part in nodes(atom, Add)}
    return {part for part in inner if definition.tensor in tensors_in(part) and len(tensors_in(part)) > 1}


def _cancels(expr: Expr, definition: Definition) -> set[Expr]:
    """The differences of the definition's value and what it is made of: x - y loses all digits where y is almost x."""
    parts = tensors_in(definition.body) - {definition.tensor}
    found = set()
    for total in _sums_outside_functions(expr):
        polynomial = [term for term in total.args if not has(term, sympy.Function, IndexSum)]
        own = {_sign(term) for term in polynomial if tensors_in(term) == {definition.tensor}}
        others = {_sign(term) for term in polynomial if tensors_in(term) and tensors_in(term) <= parts}
        if own and others and len(own | others) > 1:
            found.add(total)
    return found


def _grows_again(poly: Polynomial, definition: Definition) -> set[Expr]:
    """The exponentials that multiply a value divided by them: x / (1 + e^u) has vanished where e^u overflows."""
    sums = [power.base for power in nodes(definition.body, Pow) if power.exp.is_negative and power.base.is_Add]
    inside = [term for total in sums for term in total.args if isinstance(term, sympy.exp)]
    found: set[Expr] = set()
    for monomial in poly:
        own = any(isinstance(atom, Element) and atom.tensor == definition.tensor and e > 0 for atom, e in monomial)
        divided = any(isinstance(atom, Add) and has(atom, sympy.exp) for atom, exponent in monomial if exponent < 0)
        if own and not divided:
            exps = [atom.func(atom.args[0] * exponent) for atom, exponent in _exps(monomial)]
            found |= {each for each in exps if any(unify(term, each, {}) is not None for term in inside)}
    return found


def _sums_outside_functions(expr: Expr) -> Iterator[Add]:
    if isinstance(expr, Add):
        yield expr
    if not isinstance(expr, (sympy.Function, Element)):
        for part in expr.args:
            yield from _sums_outside_functions(part) if isinstance(part, Expr) else ()


def _sign(term: Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


class _Substitution:
    """Replaces every instance of a generator, whatever its indices; the sums in its value stay as they are."""

    def __init__(self, normaliser: Normaliser, generator: Generator) -> None:
        self.normaliser = normaliser
        self.generator = generator
        self.kept = nodes(generator.value, IndexSum)
        self.inside_functions = generator.atom not in nodes(generator.value, type(generator.atom))
        self.found = False

    def apply(self, poly: Polynomial) -> Polynomial | None:
        """Return the polynomial with the generator replaced; None where it does not occur."""
        result = self._replace(poly)
        return result if self.found else None

    def _replace(self, poly: Polynomial) -> Polynomial:
        return replace_powers(self.normaliser, poly, self._power)

    def _power(self, atom: Expr, exponent: Rational) -> Polynomial | None:
        """What stands for a power; None for itself."""
        binding = unify(self.generator.atom, atom, {})
        whole = (exponent / self.generator.exponent).is_Integer
        if binding is not None and (whole or is_nonnegative(atom)):
            self.found = True
            value = self.normaliser.polynomial(substitute(self.generator.value, binding))
            return self.normaliser.power(value, exponent / self.generator.exponent)
        if isinstance(atom, IndexSum) and not any(unify(kept, atom, {}) is not None for kept in self.kept):
            before, self.found = self.found, False
            body = self._replace(self.normaliser.polynomial(atom.body))
            inside, self.found = self.found, self.found or before
            if inside:
                replaced = self.normaliser.polynomial(IndexSum(expression(body), *atom.bound))
                return self.normaliser.power(replaced, exponent)
        if isinstance(atom, sympy.Function) and self.inside_functions:
            before, self.found = self.found, False
            arguments = [expression(self._replace(self.normaliser.polynomial(a))) for a in atom.args]
            inside, self.found = self.found, self.found or before
            if inside:
                return self.normaliser.power(self.normaliser.polynomial(atom.func(*arguments)), exponent)
        return None


def replace_powers(
    normaliser: Normaliser, poly: Polynomial, change: Callable[[Expr, Rational], Polynomial | None]
) -> Polynomial:
    """Put polynomials in the place of some powers of atoms; those for which there is None stay."""
    total: Polynomial = {}
    for monomial, coefficient in poly.items():
        tick()
        changed = {pair: new for pair in monomial if (new := change(*pair)) is not None}
        product: Polynomial = {monomial.difference(changed): coefficient}
        for new in changed.values():
            product = normaliser.multiply(product, new)
        accumulate(total, product, S.One)
    return total


def _use_known_sums(normaliser: Normaliser, poly: Polynomial, definitions: tuple[Definition, ...]) -> Polynomial:
    """Replace sums of defined values that are the same whatever the inputs: softmax's rows sum to 1."""

    def known_power(atom: Expr, exponent: Rational) -> Polynomial | None:
        value = known_sum(atom, definitions) if isinstance(atom, IndexSum) else None
        return None if value is None else normaliser.power(normaliser.polynomial(value), exponent)

    return replace_powers(normaliser, poly, known_power)


@lru_cache(maxsize=1000)
def known_sum(total: IndexSum, definitions: tuple[Definition, ...]) -> Expr | None:
    """Return what a sum of defined values is, if that depends on sizes alone.

    Definitions are put in one after the other, the last one first, until that is seen: of a layer deep in a network
    nobody has to know what came before it.

    Example:
        >>> from derive.catalogue import find
        >>> softmax = find("softmax").output
        >>> known_sum(IndexSum(softmax.target, softmax.indices[1]), (softmax,))
        1
    """
    defined = {definition.tensor: definition for definition in definitions}
    if not tensors_in(total) <= defined.keys():
        return None
    sum_: Expr = total
    for definition in reversed(definitions):
        if definition.tensor not in tensors_in(sum_):
            continue
        sum_ = replace_elements(sum_, definition)
        if cost(sum_) > MOST_INSERTED:
            return None
        try:
            poly = Normaliser(generators=True).polynomial(sum_)
        except (TooLargeError, ZeroDivisionError):
            return None
        if not any(tensors_in(atom) or free_indices(atom) for monomial in poly for atom, _ in monomial):
            return expression(poly)
    return None


def _is_defined_where(normaliser: Normaliser, folded: Polynomial, poly: Polynomial, definition: Definition) -> bool:
    """Whether the folded form is defined wherever the original was: nothing may vanish below a line that did not."""
    before = _demands(expression(poly))
    divisors = {base for what, base in before if what == "nonzero"}
    for what, base in _demands(expression(folded)) - before:
        own = isinstance(base, Element) and base.tensor == definition.tensor and what == "nonzero"
        if own and any(_vanishes_with(normaliser, definition, base, divisor) for divisor in divisors):
            continue
        if not is_positive(base):
            return False
    return True


def _demands(expr: Expr) -> set[tuple[str, Expr]]:
    """What must be said of parts of an expression for it to be defined."""
    found = {("positive", function.args[0]) for function in nodes(expr, sympy.log)}
    for power in nodes(expr, Pow):
        if not power.exp.is_Integer:
            found.add(("nonnegative", power.base))
        if not power.exp.is_nonnegative:
            found.add(("nonzero", power.base))
    return found


def _vanishes_with(normaliser: Normaliser, definition: Definition, element: Element, divisor: Expr) -> bool:
    """Whether the definition is a positive power of the divisor at the element's indices: both vanish together."""
    body = definition.body
    base = body.base if isinstance(body, Pow) and body.exp.is_positive else body
    binding = unify(canonical(normaliser.expression(base)), divisor, {})
    return binding is not None and [binding.get(index) for index in definition.indices] == list(element.indices)
