"""What is wrong with a formula that somebody derived by hand, in words.

Formulas are made of the claimed one by undoing one mistake at a time; those that agree with the derived formula in
numbers are held against it by the prover, and only what it proves is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from sympy import Add, Expr, Mul, Pow, S

from derive.assumptions import Letters, needed_facts, sums_to_one
from derive.canonical import readable
from derive.costs import cost
from derive.definitions import Definition, inline
from derive.differentiation import differentiate
from derive.facts import Fact
from derive.indicators import Delta
from derive.indices import Element, Index, Tensor
from derive.mistakes import mistakes
from derive.premises import Premise
from derive.printing import definition_text
from derive.proof import PROVED, prove_equal
from derive.rewriting import simplify
from derive.slips import KINDS, Mistake, Slope, factor_words
from derive.sums import IndexSum, free_indices, nodes, rewrite, substitute, tensors_in
from derive.trials import Trials

#: What is found: something that is wrong, or something that has to be assumed for the formula to be right.
MISTAKE, ASSUMPTION = "mistake", "assumption"
#: How much is said at most.
MOST_FINDINGS = 3
#: A missing factor that costs more to read is no explanation.
LONGEST_FACTOR = 10.0


@dataclass(frozen=True)
class Finding:
    """What is said of a formula.

    Attributes:
        kind: ``MISTAKE`` or ``ASSUMPTION``.
    """

    kind: str
    words: str

    def __str__(self) -> str:
        return self.words


def diagnose(
    claimed: Expr, derived: Expr, definitions: Iterable[Definition] = (), facts: Iterable[Fact] = ()
) -> tuple[Finding, ...]:
    """Say what is wrong with a claimed formula, best first; nothing where it is right or nothing was found.

    Every sentence is proved: with what it says mended, the claimed formula is the derived one.

    Args:
        claimed: free indices that the derived formula has not are sums that were forgotten.
        definitions: of the names that both may use.
        facts: equations that are given.

    Example:
        >>> x = Tensor("x")()
        >>> print(*diagnose(-3 * x**2, 3 * x**2), *diagnose(2 * x, x), sep="; ")
        the sign is wrong; the factor 2 is too many
    """
    return _Diagnosis(claimed, derived, tuple(definitions), tuple(facts)).findings()


def assumption(premise: Premise) -> Finding:
    """Say that a formula is true under an assumption.

    Example:
        >>> from derive.catalogue import find, parse_fact
        >>> print(assumption(parse_fact("sum(t[n,k], k) = 1", find("cce"))))
        true when every row of t sums to 1: sum(t[n,k], k) = 1
    """
    subject = _summed(premise) if isinstance(premise, Fact) else ""
    return Finding(ASSUMPTION, f"true when {subject}{premise.text}")


def _summed(fact: Fact) -> str:
    """What sums to what in words, where a fact says that of rows, columns or everything."""
    element = fact.left.body if isinstance(fact.left, IndexSum) else None
    if isinstance(element, Element) and all(isinstance(index, Index) for index in element.indices):
        summed = [index in fact.left.bound for index in element.indices]
        name = element.tensor.name
        subject = {
            (False, True): f"every row of {name}",
            (True, False): f"every column of {name}",
            (True,) * len(summed): name if len(summed) == 1 else f"all of {name}",
        }.get(tuple(summed))
        if subject is not None and not tensors_in(fact.right):
            return f"{subject} sums to {definition_text(fact.right)}: "
    return ""


def is_assumption(findings: tuple[Finding, ...]) -> bool:
    """Whether what is wrong with a formula is only that it needs an assumption: that is what is said first."""
    return bool(findings) and findings[0].kind == ASSUMPTION


class _Diagnosis:
    def __init__(
        self, claimed: Expr, derived: Expr, definitions: tuple[Definition, ...], facts: tuple[Fact, ...]
    ) -> None:
        self.claimed, self.derived = claimed, derived
        self.definitions, self.facts = definitions, facts
        self.free = tuple(sorted(free_indices(derived), key=lambda index: index.name))
        self.slopes = tuple(_slopes(definitions))
        self.letters = Letters((derived, claimed, *(definition.body for definition in definitions))).by_size

    def findings(self) -> tuple[Finding, ...]:
        if self._holds(self.claimed, self.facts):
            return ()
        needed = needed_facts(self.claimed, self.derived, self.definitions, self.facts)
        usual = [fact for fact in needed if fact.right.is_number and fact.right != 0]
        if usual:
            return tuple(map(assumption, usual[:MOST_FINDINGS]))
        tacit = tuple(fact for fact in sums_to_one(self.derived, self.definitions) if self._can_hold(fact))
        for more in ((), *((fact,) for fact in tacit)):
            found = self._mistakes(more) or self._restrictions(more) or self._diagonal(more)
            if found is not None:
                return (found,)
        found = self._symmetric()
        if found is not None:
            return (found,)
        missing = self._remainder(tacit)
        zero = tuple(assumption(fact) for fact in needed if fact.right == 0)
        return (*(() if missing is None else (missing,)), *zero[:1])

    def _remainder(self, tacit: tuple[Fact, ...]) -> Finding | None:
        """What is missing; under what is tacitly assumed only where it can not be said in one term without."""
        plain = min(self._remainders(()), key=lambda each: each[0], default=None)
        if plain is not None and not plain[2].has(Add):
            return plain[1]
        others = (found for fact in tacit for found in self._remainders((fact,)))
        best = min((*others, *((plain,) if plain else ())), key=lambda each: each[0], default=None)
        return None if best is None else best[1]

    def _can_hold(self, fact: Fact) -> bool:
        """Whether a fact does not contradict the given ones."""
        return bool(Trials(S.Zero, [self.derived], self.definitions, (*self.facts, fact), count=1).trials)

    def _holds(self, expr: Expr, facts: tuple[Fact, ...]) -> bool:
        return prove_equal(expr, self.derived, self.definitions, facts).verdict == PROVED

    # -- one mistake, or one and a constant factor --------------------------------------------------------------------

    def _mistakes(self, more: tuple[Fact, ...]) -> Finding | None:
        """One mistake, or one and a constant factor beside it."""
        facts = (*self.facts, *more)
        trials = Trials(self.derived, [self.claimed], self.definitions, facts)
        whole = trials.constant(self.claimed)
        if whole is not None and self._holds(whole * self.claimed, facts):
            return self._under(factor_words(whole, self.claimed), more)
        single: list[Mistake] = []
        double: list[tuple[Mistake, Expr]] = []
        for mistake in self._candidates():
            factor = trials.constant(mistake.mended)
            if factor == 1:
                single.append(mistake)
            elif factor is not None:
                double.append((mistake, factor))
        for mistake in sorted(single, key=lambda each: KINDS.index(each.kind)):
            if self._holds(mistake.mended, facts):
                return self._under(mistake.words, more)
        double.sort(key=lambda pair: KINDS.index(pair[0].kind))
        for mistake, factor in double[:MOST_FINDINGS]:
            if self._holds(factor * mistake.mended, facts):
                return self._under(f"{mistake.words}; besides, {factor_words(factor, mistake.mended)}", more)
        return None

    def _candidates(self) -> Iterable[Mistake]:
        """The mistakes, each mended formula once, with the words of the kind that is said first."""
        found: dict[Expr, Mistake] = {}
        for mistake in mistakes(self.claimed, self.free, self._tensors(), self.slopes):
            known = found.get(mistake.mended)
            if known is None or KINDS.index(mistake.kind) < KINDS.index(known.kind):
                found[mistake.mended] = mistake
        return found.values()

    def _under(self, words: str, more: tuple[Fact, ...]) -> Finding:
        """A mistake; where the formula without it needs an assumption, that too."""
        return Finding(MISTAKE, f"{words}; then it is {assumption(more[0])}" if more else words)

    def _tensors(self) -> tuple[Tensor, ...]:
        sides = (self.claimed, self.derived, *(definition.body for definition in self.definitions))
        found = frozenset().union(*map(tensors_in, sides)) | {definition.tensor for definition in self.definitions}
        return tuple(found)

    # -- where it is true ---------------------------------------------------------------------------------------------

    def _restrictions(self, more: tuple[Fact, ...]) -> Finding | None:
        """The indices that have to be equal for the formula to be true: it is a diagonal of the derived one."""
        facts = (*self.facts, *more)
        pairs = [(left, right) for left, right in combinations(self.free, 2) if left.size == right.size]
        deltas = {pair: Delta(*pair) for pair in pairs if self.derived.has(Delta(*pair))}
        for count in range(1, len(deltas) + 1):
            for chosen in combinations(deltas, count):
                same = {right: left for left, right in chosen}
                sides = substitute(self.claimed, same), substitute(self.derived, same)
                if prove_equal(*sides, self.definitions, facts).verdict != PROVED:
                    continue
                where = " and ".join(f"{left.name} = {right.name}" for left, right in chosen)
                factor = Mul(*(deltas[pair] for pair in chosen))
                if self._holds(factor * self.claimed, facts):
                    words = f"true only where {where}: the factor {definition_text(factor)} is missing"
                else:
                    words = f"true only where {where}: it is the diagonal, and the other entries are missing"
                return self._under(words, more)
        return None

    def _diagonal(self, more: tuple[Fact, ...]) -> Finding | None:
        """Whether a product with the upstream gradient has the diagonal of the Jacobian alone."""
        facts = (*self.facts, *more)
        by_size = {index.size: index for index in self.free}
        met: list[tuple[Element, Element]] = []

        def change(node: Expr) -> Expr | None:
            if not isinstance(node, Element) or not node.tensor.role or len(by_size) != len(self.free):
                return None
            own = tuple(by_size.get(size, index) for size, index in zip(node.tensor.sizes, node.indices, strict=True))
            if own != node.indices:
                met.append((node, node.tensor(*own)))
            return node * Mul(*(Delta(index, kept) for index, kept in zip(node.indices, own, strict=True)))

        alone: Expr = rewrite(self.derived, change)
        if not met or prove_equal(self.claimed, alone, self.definitions, facts).verdict != PROVED:
            return None
        other, own = met[0]
        pairs = zip(other.indices, own.indices, strict=True)
        where = " and ".join(f"{index} != {kept}" for index, kept in pairs if index != kept)
        words = (
            f"it has the diagonal of the Jacobian alone: what {definition_text(other)} adds where {where} is missing"
        )
        return self._under(words, more)

    def _symmetric(self) -> Finding | None:
        """A matrix that has to be symmetric for the formula to be true."""
        full = inline(self.claimed, self.definitions), inline(self.derived, self.definitions)
        for tensor in sorted(tensors_in(full[0]) | tensors_in(full[1]), key=lambda each: each.name):
            if tensor.rank != 2 or len(set(tensor.sizes)) != 1 or tensor.values is not None or tensor.role:
                continue

            def change(node: Expr, tensor: Tensor = tensor) -> Expr | None:
                if not isinstance(node, Element) or node.tensor != tensor:
                    return None
                return (node.tensor(*node.indices) + node.tensor(*reversed(node.indices))) / 2

            left, right = (rewrite(side, change) for side in full)
            if prove_equal(left, right, (), self.facts).verdict == PROVED:
                element = Letters((*full, *(each.body for each in self.definitions))).element(tensor)
                turned = tensor(*reversed(element.indices))
                what = f"{definition_text(element)} = {definition_text(turned)}"
                return Finding(ASSUMPTION, f"true when {tensor.name} is symmetric: {what}")
        return None

    # -- what is left -------------------------------------------------------------------------------------------------

    def _remainders(self, more: tuple[Fact, ...]) -> Iterator[tuple[float, Finding, Expr]]:
        """A factor or a term by which the formulas differ, where that is short, after what it costs to read."""
        facts = (*self.facts, *more)
        if self.claimed == 0 or self.derived == 0 or not free_indices(self.claimed) <= set(self.free):
            return
        for above, below, what in ((self.derived, self.claimed, "factor"), (self.claimed, self.derived, "division by")):
            factor = self._short(above / below, facts)
            longest = min(LONGEST_FACTOR, cost(self.derived) - 1)
            if cost(factor) > longest or _is_odd(factor):
                continue
            if self._holds(self.claimed * factor if what == "factor" else self.claimed / factor, facts):
                named = self._named(factor) if what == "factor" else ""
                yield cost(factor), self._under(f"the {what} {definition_text(factor)} is missing{named}", more), factor
        term = self._short(self.derived - self.claimed, facts)
        alone = len(Add.make_args(term)) == 1 and _divisors(term) <= _divisors(self.derived)
        if alone and cost(term) < cost(self.derived) and self._holds(self.claimed + term, facts):
            yield cost(term), self._under(f"the term {definition_text(term)} is missing", more), term

    def _short(self, expr: Expr, facts: tuple[Fact, ...]) -> Expr:
        """The shortest form, by the names that the formulas use."""
        used = tensors_in(self.claimed) | tensors_in(self.derived)
        names = tuple(definition for definition in self.definitions if definition.tensor in used)
        short = simplify(expr, names, self.free, facts).result
        return readable(short, self.letters, frozenset(index.name for index in self.free))

    def _named(self, factor: Expr) -> str:
        """Say so where a factor is the derivative of a name that is computed elementwise."""
        for slope in self.slopes:
            where = self._elsewhere(factor, slope.value.indices)
            if where is not None:
                same, value, by = (substitute(each, where) for each in (slope.derivative, slope.value, slope.element))
                if prove_equal(factor, same, self.definitions, self.facts).verdict == PROVED:
                    return f": the derivative of {definition_text(value)} by {definition_text(by)}"
        return ""

    def _elsewhere(self, factor: Expr, indices: tuple[Index, ...]) -> dict[Expr, Expr] | None:
        """What stands for some indices in a factor; None where its indices do not fit."""
        free = sorted(free_indices(factor), key=lambda index: index.name)
        chosen: dict[Expr, Expr] = {}
        for own in indices:
            fits = [index for index in free if index.size == own.size and index not in chosen.values()]
            if not fits:
                return None
            chosen[own] = own if own in fits else fits[0]
        return chosen


def _slopes(definitions: Iterable[Definition]) -> Iterator[Slope]:
    """The derivatives of the names that are computed elementwise, numbers left out."""
    definitions = tuple(definitions)
    for definition in definitions:
        for element in sorted(nodes(definition.body, Element), key=str):
            if element.indices != definition.indices or element.tensor.values is not None or element.tensor.role:
                continue
            derivative = differentiate(definition.body, element)
            short = simplify(derivative, definitions, definition.indices).result
            if not short.has(Delta) and not short.is_number:
                yield Slope(definition.target, element, short)


def _is_odd(factor: Expr) -> bool:
    """Whether a factor has a sum of terms below a line, or a quotient by a tensor in one: it explains nothing."""
    inside = [power for total in nodes(factor, Add) for power in nodes(total, Pow)]
    quotients = [power for power in inside if power.exp.could_extract_minus_sign() and tensors_in(power.base)]
    return bool(quotients) or any(isinstance(base, Add) for base in _divisors(factor))


def _divisors(expr: Expr) -> set[Expr]:
    """What an expression divides by."""
    return {power.base for power in nodes(expr, Pow) if power.exp.could_extract_minus_sign()}
