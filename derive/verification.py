"""The gradients of an operation, each checked step by step and proved."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Pow

from derive.catalogue import find
from derive.derivation import Derivation
from derive.differentiation import differentiate
from derive.indices import Element, Tensor
from derive.letters import disjoint
from derive.necks import FUNCTIONS
from derive.proof import PROVED, Proof, prove_equal
from derive.pullback import jacobian, vjp
from derive.record import Definition, Operation, inline
from derive.sums import IndexSum, Partial, substitute, tensors_in


@dataclass(frozen=True)
class Simplification:
    """What a gradient becomes under a fact: proved with the fact, and what is known without it."""

    fact: str
    derivation: Derivation
    proof: Proof
    without: Proof


@dataclass(frozen=True)
class GradientCheck:
    """One input's gradient: derived, its steps checked by numbers, its result proved for all sizes.

    Attributes:
        proof: that the result equals the derivative of the operation written as one expression.
        simplifications: the shorter forms under the record's facts.
    """

    derivation: Derivation
    proof: Proof
    simplifications: tuple[Simplification, ...]

    @property
    def holds(self) -> bool:
        """Whether everything stated was proved."""
        return all(p.verdict == PROVED for p in (self.proof, *(s.proof for s in self.simplifications)))


def verify(op: str | Operation) -> tuple[GradientCheck, ...]:
    """Derive, check and prove the gradient with respect to every differentiable input.

    A loss is differentiated by itself; another operation by its vector-Jacobian product.

    Raises:
        InputError: no such operation.
        CheckFailedError: a printed step does not hold: a defect of the engine.

    Example:
        >>> (check,) = verify("softmax-cce")
        >>> check.holds, [s.fact for s in check.simplifications]
        (True, ['sum(t[n,k], k) = 1'])
    """
    operation = find(op)
    return tuple(_check(operation, tensor) for tensor in operation.differentiable)


def _check(operation: Operation, tensor: Tensor) -> GradientCheck:
    derive = jacobian if operation.is_loss else vjp
    derivation = derive(operation, tensor.name)
    derivation.check()
    simplifications = []
    for text in operation.record.facts:
        shorter = derive(operation, tensor.name, given=[text])
        if shorter.facts:
            shorter.check()
            claim = (shorter.result, derivation.result, operation.definitions)
            simplifications.append(
                Simplification(text, shorter, prove_equal(*claim, facts=shorter.facts), prove_equal(*claim))
            )
    return GradientCheck(derivation, _proof(operation, derivation), tuple(simplifications))


def _proof(operation: Operation, derivation: Derivation) -> Proof:
    """Prove that the result is the derivative of the operation.

    Definitions that hold no function and do not stand in the result are first kept as names, the derivative being
    carried through them by the chain rule: what is equal whatever a name stands for is equal. Where that does not do,
    everything is put in.
    """
    if not isinstance(derivation.target, Partial):
        kept = [d for d in operation.definitions if _is_polynomial(d) and d.tensor not in tensors_in(derivation.result)]
        put_in = tuple(definition for definition in operation.definitions if definition not in kept)
        if kept and put_in:
            proof = prove_equal(derivation.result, chained_derivative(operation, derivation.target), put_in)
            if proof.verdict == PROVED:
                return proof
    return prove_equal(derivation.result, whole_derivative(operation, derivation.target), operation.definitions)


def _is_polynomial(definition: Definition) -> bool:
    """Whether a definition adds and multiplies, and does nothing else."""
    powers = definition.body.atoms(Pow)
    return not definition.body.atoms(*FUNCTIONS) and all(p.exp.is_Integer and p.exp.is_positive for p in powers)


def chained_derivative(operation: Operation, target: Element) -> Expr:
    """The gradient that ``target`` names by the chain rule over the definitions, nothing simplified and no name left.

    It has the gradients that come in, and the local derivatives of the definitions as the rules give them.
    """
    known: dict[Tensor, tuple[Element, Expr]] = {}
    outputs = {definition.tensor for definition in operation.outputs}
    source = next(t for t in operation.inputs if t.gradient() == target.tensor)
    for definition in (*reversed(operation.definitions), None):
        tensor = source if definition is None else definition.tensor
        here = source(*target.indices) if definition is None else definition.target
        terms: list[Expr] = [operation.upstream(tensor)(*here.indices)] if tensor in outputs else []
        for user in operation.definitions:
            if tensor in tensors_in(user.body):
                where = disjoint(user.indices, here.indices)
                element, gradient = known[user.tensor]
                there = substitute(gradient, dict(zip(element.indices, where, strict=True)))
                term = there * differentiate(user.at(*where), here)
                terms.append(IndexSum(term, *where) if where else term)
        known[tensor] = here, Add(*terms)
    return known[source][1]


def whole_derivative(operation: Operation, target: Expr) -> Expr:
    """The derivative that ``target`` names, of the outputs written as one expression each, nothing simplified."""
    if isinstance(target, Partial):
        return differentiate(inline(target.body, operation.definitions), target.element)
    tensor = next(each for each in operation.inputs if operation.gradient_of(each) == target.tensor)
    element = Element(tensor, *target.indices)
    terms = []
    for output in operation.outputs:
        where = disjoint(output.indices, element.indices)
        upstream = operation.upstream(output.tensor)(*where)
        derivative = upstream * differentiate(inline(output.tensor(*where), operation.definitions), element)
        terms.append(IndexSum(derivative, *where) if where else derivative)
    return Add(*terms)
