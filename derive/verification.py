"""The gradients of an operation, each checked step by step and proved."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr

from derive.catalogue import find
from derive.derivation import Derivation
from derive.differentiation import differentiate
from derive.indices import Element, Tensor
from derive.letters import disjoint
from derive.proof import PROVED, Proof, prove_equal
from derive.pullback import jacobian, vjp
from derive.record import Operation, inline
from derive.sums import IndexSum, Partial


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
    whole = whole_derivative(operation, derivation.target)
    simplifications = []
    for text in operation.record.facts:
        shorter = derive(operation, tensor.name, given=[text])
        if shorter.facts:
            shorter.check()
            claim = (shorter.result, derivation.result, operation.definitions)
            simplifications.append(
                Simplification(text, shorter, prove_equal(*claim, facts=shorter.facts), prove_equal(*claim))
            )
    return GradientCheck(
        derivation, prove_equal(derivation.result, whole, operation.definitions), tuple(simplifications)
    )


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
