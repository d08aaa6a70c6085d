"""Folding: the value of a definition is put in the place of what it is made of, where that leaves it shorter.

``fold`` offers what one definition makes of a polynomial, by each of the generators that it can be solved for; what may
not be taken - what cancels, what overflows, what is not defined where the original was - is told here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import sympy
from sympy import Add, Expr, Pow, Rational, S, Symbol

from derive.budget import tick
from derive.canonical import canonical
from derive.costs import cost
from derive.definitions import Definition, replace_elements
from derive.facts import unify
from derive.indices import Element
from derive.normal_form import Normaliser
from derive.polynomials import Polynomial, TooLargeError, accumulate, exponentials, expression
from derive.signs import is_nonnegative, is_positive
from derive.solving import Generator, Scope, solve
from derive.sums import IndexSum, free_indices, has, nodes, substitute, tensors_in
from derive.trials import Trials

#: A sum whose definitions, put in, cost more than this is not looked at any longer.
MOST_INSERTED = 40.0
#: What a definition says of an atom is looked at if it has at most so many times the terms that there are.
MOST_OTHERS = 3


def fold(
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
            folded = None if folded is None else use_known_sums(normaliser, folded, definitions)
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


def cancels(expr: Expr, definition: Definition) -> set[Expr]:
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


def grows_again(normaliser: Normaliser, poly: Polynomial, definition: Definition) -> set[Expr]:
    """The exponentials that multiply a value divided by them, alone or in a sum as it stands below the line.

    x / (1 + e^u) has vanished where e^u overflows.
    """
    sums = [power.base for power in nodes(definition.body, Pow) if power.exp.is_negative and power.base.is_Add]
    inside = [term for total in sums for term in total.args if isinstance(term, sympy.exp)]
    found: set[Expr] = set()
    for monomial in poly:
        own = any(isinstance(atom, Element) and atom.tensor == definition.tensor and e > 0 for atom, e in monomial)
        divided = any(isinstance(atom, Add) and has(atom, sympy.exp) for atom, exponent in monomial if exponent < 0)
        if own and not divided:
            exps = [atom.func(atom.args[0] * exponent) for atom, exponent in exponentials(monomial)]
            factors = [atom for atom, exponent in monomial if isinstance(atom, Add) and exponent > 0]
            exps += [term for total in factors for term in total.args if isinstance(term, sympy.exp)]
            found |= {each for each in exps if any(unify(term, each, {}) is not None for term in inside)}
        for atom, _ in monomial if inside else ():
            if isinstance(atom, IndexSum) and definition.tensor in tensors_in(atom):
                found |= grows_again(normaliser, normaliser.polynomial(atom.body), definition)
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


def use_known_sums(normaliser: Normaliser, poly: Polynomial, definitions: tuple[Definition, ...]) -> Polynomial:
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
    if not defined or not tensors_in(total) <= defined.keys() or not _trials(definitions).is_constant(total):
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


@lru_cache(maxsize=100)
def _trials(definitions: tuple[Definition, ...]) -> Trials:
    """Numbers at which everything that is defined has a value."""
    targets = [definition.target for definition in definitions]
    return Trials(targets[-1], targets[:-1], definitions, count=1, most=1)


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
