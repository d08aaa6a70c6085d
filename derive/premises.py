"""What is given: an equation about a sum, an equation for every element of a tensor, or between what its values lie."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr, Mul, Rational, S

from derive.definitions import Definition, inline
from derive.errors import InputError
from derive.facts import Fact, Requirement
from derive.indices import Element, Index, Tensor
from derive.intervals import End, Interval
from derive.signs import is_positive
from derive.sums import IndexSum, free_indices, tensors_in


@dataclass(frozen=True)
class Equality:
    """``element = value`` for every value of the element's indices.

    Attributes:
        definition: the element and what it equals.
        text: as it was given.
    """

    definition: Definition
    text: str


@dataclass(frozen=True)
class Sign:
    """Every value of a tensor is larger, or smaller, than a number.

    Attributes:
        relation: ``">"``, ``">="``, ``"<"`` or ``"<="``.
    """

    tensor: Tensor
    relation: str
    bound: Rational
    text: str

    @property
    def is_lower(self) -> bool:
        return self.relation in (">", ">=")


Premise = Fact | Equality | Sign


def make_premise(relation: str, left: Expr, right: Expr, text: str) -> Premise:
    """Return what an equation or inequality states.

    Raises:
        InputError: it is nothing that can be used.

    Example:
        >>> x = Tensor("x")
        >>> make_premise("<", S.Zero, x(), "0 < x").relation
        '>'
    """
    if relation != "=":
        return _sign(relation, left, right, text)
    for side, other in ((left, right), (right, left)):
        factor, total = _one_sum(side)
        if total is not None and not free_indices(other) - free_indices(total):
            return Fact(total, other / factor, text)
    for side, other in ((left, right), (right, left)):
        is_new = _is_general(side) and side.tensor not in tensors_in(other)
        if is_new and free_indices(other) <= free_indices(side):
            return Equality(Definition(side, other), text)
    expected = "such as sum(t[n,k], k) = 1, a[n] = 2*b[n] or x[n] > 0"
    raise InputError(f"the fact {text!r} is of no kind that can be used; expected a sum or an element, {expected}")


def _one_sum(expr: Expr) -> tuple[Expr, IndexSum | None]:
    """The sum that an expression is, and the number and sizes that it is multiplied with."""
    factors = Mul.make_args(expr)
    sums = [factor for factor in factors if isinstance(factor, IndexSum)]
    others = [factor for factor in factors if not isinstance(factor, IndexSum)]
    constant = all(not tensors_in(other) and not free_indices(other) for other in others)
    if len(sums) == 1 and constant and (is_positive(Mul(*others)) or is_positive(-Mul(*others))):
        return Mul(*others), sums[0]
    return S.One, None


def _is_general(expr: Expr) -> bool:
    """Whether it is an element with distinct indices, so that what is said of it is said of all."""
    if not isinstance(expr, Element):
        return False
    return all(isinstance(index, Index) for index in expr.indices) and len(set(expr.indices)) == len(expr.indices)


def _sign(relation: str, left: Expr, right: Expr, text: str) -> Sign:
    turned = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
    for side, number, sense in ((left, right, relation), (right, left, turned[relation])):
        if _is_general(side) and number.is_Rational:
            if side.tensor.values is not None:
                raise InputError(f"the fact {text!r} is about labels, which are whole numbers from 0 anyway")
            return Sign(side.tensor, sense, number, text)
    raise InputError(f"the fact {text!r} must compare a tensor's elements with a number, such as x[n] > 0")


def settled(premises: Iterable[Premise], definitions: Iterable[Definition] = ()) -> tuple[Premise, ...]:
    """Return facts as they can be used together: an equation between two elements defines the one that may be.

    Raises:
        InputError: a fact gives a tensor that is defined a value or a sign, two facts speak of one element, equations
            go round in a circle, or nothing lies between two bounds.
    """
    premises = tuple(premises)
    bounded = intervals_of(premises)
    taken = {definition.tensor for definition in definitions} | bounded.keys()
    result = tuple(_turned(each, taken) if isinstance(each, Equality) else each for each in premises)
    said: dict[Tensor, str] = {each.tensor: each.text for each in result if isinstance(each, Sign)}
    defined = {definition.tensor for definition in definitions}
    for premise in result:
        if isinstance(premise, Fact):
            continue
        tensor = premise.tensor if isinstance(premise, Sign) else premise.definition.tensor
        if tensor in defined:
            what = "is defined by other tensors; say it of them"
            raise InputError(f"the fact {premise.text!r} is about {tensor.name}, which {what}")
        if isinstance(premise, Equality):
            if tensor in said:
                both = f"{said[tensor]!r} and {premise.text!r}"
                raise InputError(f"the facts {both} are both about {tensor.name}; say one of them of another name")
            said[tensor] = premise.text
    for tensor, interval in bounded.items():
        if interval.is_empty:
            raise InputError(f"nothing satisfies both {' and '.join(interval.texts(tensor.name))}")
    equalities_of(result)
    return result


def _turned(premise: Equality, taken: Collection[Tensor]) -> Equality:
    """The equation the other way round where its left side is spoken of elsewhere and its right side is free."""
    left, right = premise.definition.target, premise.definition.body
    if left.tensor not in taken or not _is_general(right) or right.tensor in taken:
        return premise
    same = set(left.indices) == set(right.indices)
    return Equality(Definition(right, left), premise.text) if same else premise


def intervals_of(premises: Iterable[Premise]) -> dict[Tensor, Interval]:
    """Between which numbers the values of tensors are given to lie.

    Example:
        >>> x = Tensor("x")
        >>> facts = [Sign(x, ">", S.Zero, "x > 0"), Sign(x, "<", S.One, "x < 1")]
        >>> intervals_of(facts)[x].texts("x")
        ('x > 0', 'x < 1')
    """
    found: dict[Tensor, Interval] = {}
    for premise in premises:
        if isinstance(premise, Sign):
            end = End(premise.bound, strict=len(premise.relation) == 1)
            found[premise.tensor] = found.get(premise.tensor, Interval()).narrowed(end, premise.is_lower)
    return found


def equalities_of(premises: Iterable[Premise]) -> tuple[Definition, ...]:
    """The equations about elements as definitions, each after those that it uses.

    Raises:
        InputError: they go round in a circle.
    """
    waiting = {p.definition.tensor: p for p in premises if isinstance(p, Equality)}
    ordered: list[Definition] = []
    while waiting:
        ready = [tensor for tensor, each in waiting.items() if not tensors_in(each.definition.body) & waiting.keys()]
        if not ready:
            texts = " and ".join(repr(each.text) for each in waiting.values())
            raise InputError(f"the facts {texts} go round in a circle; solve them for one of their names")
        ordered += [waiting.pop(tensor).definition for tensor in ready]
    return tuple(ordered)


def with_equalities(expr: Expr, premises: Iterable[Premise]) -> Expr:
    """Put in what elements are given to equal."""
    return inline(expr, equalities_of(premises))


def with_signs(expr: Expr, premises: Iterable[Premise]) -> Expr:
    """Put in for every tensor with a sign what has that sign whatever it is made of, as far as there is such a form."""
    return inline(expr, holding(intervals_of(premises)))


def holding(intervals: Mapping[Tensor, Interval]) -> tuple[Definition, ...]:
    """Definitions by which tensors take just the values in their intervals, as something free takes all.

    Example:
        >>> (definition,) = holding({Tensor("x"): Interval(low=End(S.Zero, strict=True))})
        >>> definition.body
        exp(_x)
    """
    made = []
    for tensor in sorted(intervals, key=lambda tensor: tensor.word):
        where = tuple(Index(f"_r{axis}", size) for axis, size in enumerate(tensor.sizes))
        value = intervals[tensor].holding(Tensor(f"_{tensor.name}", tensor.sizes, role=tensor.role)(*where))
        if value is not None:
            made.append(Definition(tensor(*where), value))
    return tuple(made)


def requirements_of(
    premises: Iterable[Premise], definitions: Iterable[Definition] = ()
) -> tuple[Fact | Requirement, ...]:
    """What numbers must satisfy for the facts about sums to hold: equations in what nothing defines."""
    premises, definitions = tuple(premises), tuple(definitions)
    result: list[Fact | Requirement] = []
    for fact in premises:
        if isinstance(fact, Fact):
            sides = (with_equalities(inline(side, definitions), premises) for side in (fact.left, fact.right))
            left, right = sides
            is_sum = isinstance(left, IndexSum)
            result.append(Fact(left, right, fact.text) if is_sum else Requirement(left, right))
    return tuple(result)


def facts_of(premises: Iterable[Premise], definitions: Iterable[Definition] = ()) -> tuple[Fact, ...]:
    """The facts about sums as rewriting rules, with everything else that is given, and definitions, put in.

    What is no sum any more then is left out: it can not be looked for.

    Example:
        >>> facts_of([Sign(Tensor("x"), ">", S.Zero, "x > 0")])
        ()
    """
    premises, definitions = tuple(premises), tuple(definitions)
    result = []
    for fact in premises:
        if isinstance(fact, Fact):
            sides = [inline(side, definitions) for side in (fact.left, fact.right)]
            left, right = (with_signs(with_equalities(side, premises), premises) for side in sides)
            if isinstance(left, IndexSum):
                result.append(Fact(left, right, fact.text))
    return tuple(result)
