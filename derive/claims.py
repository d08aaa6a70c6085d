"""What a user asks of the prover: is this equation true, where and under which assumptions, and if not, why not?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import sympy
from sympy import Expr, S

from derive.assumptions import Letters, needed_facts
from derive.budget import OutOfTimeError, within
from derive.canonical import canonical, structure_key
from derive.catalogue import catalogue, parse_claim
from derive.definitions import Definition
from derive.demands import Demand, demands
from derive.differentiation import close, differentiate
from derive.domains import conditions
from derive.errors import InputError
from derive.extents import least_sizes
from derive.facts import Fact
from derive.indices import Element, Index, Tensor
from derive.kinks import KINKED, jumps, kinks
from derive.letters import disjoint
from derive.normal_form import Normaliser
from derive.operation import Operation
from derive.parsing import parse_equation, parse_premise
from derive.premises import Premise, Sign, facts_of, with_equalities, with_signs
from derive.printing import definition_text
from derive.problems import Problem
from derive.proof import PROVED, REFUTED, Proof, prove_equal, without_choices
from derive.sums import Partial, has, nodes, tensors_in
from derive.trials import FEW_PLACES, Trials

#: Seconds for each of the things that are said beside a verdict.
BESIDE = 5.0

#: Of how many tensors signs are tried.
MOST_SIGNS = 4

Claim = str | tuple[Expr, Expr]
Where = Iterable[str | Definition | Operation]
Given = Iterable[str | Premise]


def prove(
    claim: Claim | sympy.Basic, where: Where = (), given: Given = (), seconds: float = 10.0, seed: int = 0
) -> Proof:
    r"""Decide an equation for all sizes, all positions of its free indices and all values.

    Equality means: equal wherever both sides are defined; ``Proof.conditions`` says where that is. ``diff(L, z[n,k])``
    in a claim is the total derivative through the definitions.

    Args:
        claim: ``"LEFT = RIGHT"``, a pair of expressions made of the project's nodes, or ``sympy.Eq`` of them.
        where: definitions of names in the claim: texts, also whole operations such as ``"p = softmax(z)"``.
        given: facts: about a sum, ``"sum(t[n,k], k) = 1"``; every element, ``"a[n] = 2*b[n]"``; a sign, ``"x[n] > 0"``.
        seconds: how long to try.
        seed: of the numbers that the sides are held against.

    Raises:
        DefinitionError: a mistake in a text, shown with a caret.
        InputError: a fact of no kind that can be used, an argument of another type.
        UnsoundError: the engine contradicts itself: a defect, never a verdict.

    Example:
        >>> softmax = ["p = softmax(z)", "L = cce(p, t)"]
        >>> print(prove("diff(L, z[n,k]) = (p[n,k] - t[n,k])/N", softmax, ["sum(t[n,k], k) = 1"]))
        proved for every N and K, given sum_k t[n,k] = 1
        >>> prove("sum(a[k]**2, k) = sum(a[k], k)**2").verdict
        'refuted'
    """
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not seconds > 0:
        raise InputError(f"seconds is a time limit, a number above 0, not {seconds!r}")
    for name, value in (("where", where), ("given", given)):
        if isinstance(value, (str, Definition, Operation, Premise)):
            raise InputError(f"{name} takes a list; write [{value!r}]")
    problem = _problem(claim, list(where), list(given))
    deadline = time.monotonic() + seconds
    question = (problem.left, problem.right, problem.definitions, problem.premises)
    proof = prove_equal(*question, seed, seconds, problem.demands)

    def while_time(work: Callable[[Problem], tuple[str, ...]], otherwise: tuple[str, ...] = ()) -> tuple[str, ...]:
        try:
            with within(max(0.0, min(deadline - time.monotonic(), BESIDE))):
                return work(problem)
        except OutOfTimeError:
            return otherwise

    if proof.verdict == PROVED:
        conditions = while_time(_conditions, proof.conditions)
        unused = tuple(each.text for each in problem.premises if each.text not in proof.assumptions)
        if unused and while_time(lambda problem: _conditions(replace(problem, premises=())), conditions) != conditions:
            unused = ()  # They make it hold in more places.
        return replace(proof, conditions=conditions, unused=unused)
    if proof.verdict == REFUTED:
        proof = replace(proof, kinks=while_time(_kinks))
        return proof if proof.kinks else replace(proof, needed=while_time(_needed))
    return proof


def _problem(claim: Any, where: list[Any], given: list[Any]) -> Problem:
    """What is asked. Texts are read together; beside expressions they are read over the tensors of those."""
    for what, texts in (("where takes definitions", where), ("given takes facts", given)):
        if any(isinstance(each, str) and not each.strip() for each in texts):
            raise InputError(f"{what}, and one of them is empty")
    for each in where:
        if not isinstance(each, (str, Definition, Operation)):
            raise InputError(f"where takes definitions such as 'p = softmax(z)', not {type(each).__name__}")
    for each in given:
        if not isinstance(each, (str, Premise)):
            raise InputError(f"given takes facts such as 'sum(t[n,k], k) = 1', not {type(each).__name__}")
    if isinstance(claim, str) and all(isinstance(each, str) for each in where):
        return parse_claim(claim, where, [each if isinstance(each, str) else each.text for each in given])
    if any(isinstance(each, str) for each in where):
        what = "texts beside a claim that is a text, expressions beside expressions"
        raise InputError(f"a definition in where is a text here, and another one or the claim is an expression; {what}")
    definitions: list[Definition] = []
    for each in where:
        definitions += each.definitions if isinstance(each, Operation) else [each]
    sides = None if isinstance(claim, str) else _sides(claim)
    mentioned = [side for definition in definitions for side in (definition.target, definition.body)]
    tensors = {tensor.name: tensor for expr in (*mentioned, *(sides or ())) for tensor in tensors_in(expr)}
    symbols = {symbol.name for expr in (*mentioned, *(sides or ())) for symbol in expr.free_symbols}
    surroundings = tensors, catalogue().get, catalogue(), symbols
    left, right = sides or parse_equation(claim, *surroundings)
    premises = [parse_premise(each, *surroundings) if isinstance(each, str) else each for each in given]
    return Problem(tuple(definitions), tuple(premises), left, right)


def _sides(claim: Any) -> tuple[Expr, Expr]:
    if isinstance(claim, (sympy.logic.boolalg.BooleanTrue, sympy.logic.boolalg.BooleanFalse)):
        raise InputError("SymPy has decided this equation already; give the two sides as a pair")
    sides = claim.args if isinstance(claim, sympy.Equality) else claim
    if not isinstance(sides, (tuple, list)) or len(sides) != 2:
        what = f"a text such as 'sum(p[n,k], k) = 1' or a pair of expressions, not {type(claim).__name__}"
        raise InputError(f"a claim is {what}")
    if any(isinstance(side, str) for side in sides):
        raise InputError("write the claim as one text, LEFT = RIGHT")
    left, right = map(sympy.sympify, sides)
    return left, right


# -- what is said beside the verdict ----------------------------------------------------------------------------------


def _closed(expr: Expr, problem: Problem) -> Expr:
    plain = close(expr, problem.definitions)
    return with_signs(with_equalities(plain, problem.premises), problem.premises)


def _conditions(problem: Problem) -> tuple[str, ...]:
    sides = (problem.left, problem.right)
    typed = (*sides, *(definition.body for definition in problem.definitions))
    wanted = [*problem.demands, *(demand for expr in typed for demand in demands(expr))]
    wanted += [Demand("!=", each) for each in sorted(set(_jumps(problem, typed)), key=structure_key)]
    if any(has(expr, Partial) for expr in typed):
        wanted += _of_derivatives(problem, wanted)
    normaliser = Normaliser(generators=True, facts=facts_of(problem.premises, problem.definitions))
    found = conditions(wanted, lambda expr: _closed(expr, problem), normaliser, problem.definitions, sides)
    return (*found, *_least_sizes(sides))


def gradient_conditions(operation: Operation) -> tuple[str, ...]:
    """Return where an operation and its gradients are defined, as ``prove`` says it; what always holds is left out.

    Each definition and its derivative by what it is made of are looked at by themselves.

    Example:
        >>> from derive.catalogue import find
        >>> gradient_conditions(find("y = sqrt(abs(x))")), gradient_conditions(find("softmax"))
        (('x != 0',), ())
    """
    definitions = operation.definitions
    moving = set(operation.differentiable)
    wanted: list[Demand] = []
    for definition in definitions:
        sources = [tensor for tensor in sorted(tensors_in(definition.body), key=str) if tensor in moving]
        derivatives = [differentiate(definition.body, _anywhere(tensor, definition)) for tensor in sources]
        typed = [*demands(definition.body)]
        wanted += [*typed, *(Demand("!=", each) for each in jumps(definition.body) if moving & tensors_in(each))]
        if sources:
            moving.add(definition.tensor)
        bodies = {canonical(demand.body): demand for demand in typed}
        for demand in (each for derivative in derivatives for each in demands(derivative) if not each.guards):
            same = bodies.get(canonical(demand.body))
            wanted += [same._replace(relation=demand.relation)] if same is not None else []
    return conditions(wanted, lambda expr: close(expr, definitions), Normaliser(generators=True), definitions)


def _anywhere(tensor: Tensor, definition: Definition) -> Element:
    """An element of a tensor whose indices a definition does not have."""
    return tensor(*disjoint(tuple(Index("i", size) for size in tensor.sizes), definition.indices))


def _jumps(problem: Problem, typed: Iterable[Expr]) -> Iterator[Expr]:
    """Yield at whose zeros what is differentiated jumps, where that can depend on what it is differentiated by."""
    defined = {definition.tensor for definition in problem.definitions}
    for partial in (each for expr in typed for each in nodes(expr, Partial)):
        by = {partial.element.tensor}
        yield from (
            each for each in jumps(close(partial.body, problem.definitions)) if by & (defined | tensors_in(each))
        )


def _of_derivatives(problem: Problem, typed: list[Demand]) -> Iterator[Demand]:
    """What derivatives demand beyond what is differentiated: a root has none at 0."""
    known = {canonical(_closed(demand.body, problem)): demand for demand in typed}
    for partial in (each for side in (problem.left, problem.right) for each in nodes(side, Partial)):
        for demand in demands(_closed(partial, problem)):
            same = known.get(canonical(demand.body))
            if same is not None and not demand.guards:
                yield same._replace(relation=demand.relation)


def _least_sizes(sides: Iterable[Expr]) -> Iterator[str]:
    """How large sizes must be for the positions that are written as numbers."""
    least = least_sizes(map(without_choices, sides))
    yield from (f"{size} >= {number}" for size, number in sorted(least.items(), key=str) if number > 1)


def _kinks(problem: Problem) -> tuple[str, ...]:
    left, right = _closed(problem.left, problem), _closed(problem.right, problem)
    if not has(left, *KINKED) and not has(right, *KINKED):
        return ()
    return kinks(Normaliser(generators=True, facts=facts_of(problem.premises, problem.definitions)), left - right)


def _needed(problem: Problem) -> tuple[str, ...]:
    facts = tuple(premise for premise in problem.premises if isinstance(premise, Fact))
    sides = (problem.left, problem.right)
    left, right = (with_equalities(close(side, problem.definitions), problem.premises) for side in sides)
    claim = {canonical(left), canonical(right)}
    found = [
        fact.text
        for fact in needed_facts(left, right, problem.definitions, facts)
        if {canonical(fact.left), canonical(fact.right)} != claim and _suffices(problem, fact)
    ]  # That a claim needs itself says nothing.
    return tuple(found or _needed_signs(left, right, problem))


def _suffices(problem: Problem, premise: Premise) -> bool:
    question = (problem.left, problem.right, problem.definitions, (*problem.premises, premise))
    return prove_equal(*question, asked=problem.demands).verdict == PROVED


def _needed_signs(left: Expr, right: Expr, problem: Problem) -> Iterator[str]:
    """The signs of one tensor, under which two sides are equal; the sides are given with definitions put in."""
    said = {premise.tensor for premise in problem.premises if isinstance(premise, Sign)}
    tensors = [tensor for tensor in tensors_in(left) | tensors_in(right) if tensor.values is None]
    letters = Letters((*(definition.body for definition in problem.definitions), problem.left, problem.right))
    for tensor in sorted(set(tensors) - said, key=str)[:MOST_SIGNS]:
        element = definition_text(letters.element(tensor))
        for relation, line in ((">=", (0.0, 2.0)), ("<=", (-2.0, 0.0))):
            trials = Trials(S.Zero, [left, right], count=1, most=FEW_PLACES, lines={tensor.name: line})
            is_zero = trials.agree(left)
            if is_zero or not trials.agree(left - right):
                continue
            sign = Sign(tensor, relation, S.Zero, f"{element} {relation} 0")
            if _suffices(problem, sign):
                yield sign.text
