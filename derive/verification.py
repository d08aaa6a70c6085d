"""The gradients of an operation, each checked step by step and proved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from sympy import Add, Expr, Pow

from derive.catalogue import find
from derive.chain import keep_names
from derive.claims import gradient_conditions
from derive.definitions import Definition, inline
from derive.derivation import Derivation
from derive.differentiation import differentiate
from derive.indices import Element, Tensor
from derive.kinks import KINKED
from derive.letters import disjoint
from derive.necks import FUNCTIONS
from derive.operation import Operation
from derive.proof import PROVED, Proof, prove_equal
from derive.pullback import jacobian, pull_back, vjp
from derive.rendering import count_of_lines
from derive.sums import IndexSum, Partial, has, nodes, substitute, tensors_in


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
        proof: that the result equals the derivative of the operation written as one expression; its conditions say
            where the operation and its gradients are defined.
        simplifications: the shorter forms under the record's facts.
    """

    derivation: Derivation
    proof: Proof
    simplifications: tuple[Simplification, ...]

    @property
    def holds(self) -> bool:
        """Whether everything stated was proved."""
        return all(p.verdict == PROVED for p in (self.proof, *(s.proof for s in self.simplifications)))

    def markdown(self, notation: str = "bar") -> str:
        """Return the gradient, its shorter forms and the verdicts as Markdown with display formulas."""
        derivation = self.derivation
        steps = f"{count_of_lines(derivation)} steps, both sides of each equal at random values"
        scope = scope_text([f"${size}$" for size in derivation.operation.sizes], self.proof.conditions)
        parts = [derivation.markdown(notation, steps=False), f"**{self.proof.verdict}** {scope}; {steps}"]
        for each in self.simplifications:
            parts += [
                each.derivation.markdown(notation, steps=False),
                f"**{each.proof.verdict}** under this assumption",
            ]
            if each.without.counterexample is not None:
                parts += ["without it refuted:", f"```text\n{each.without.counterexample.text()}\n```"]
        return "\n\n".join(parts)

    def _repr_markdown_(self) -> str:
        return self.markdown()


def scope_text(sizes: Sequence[str], conditions: Sequence[str]) -> str:
    """Return for what a gradient is proved: for every size, and wherever it is defined.

    Example:
        >>> scope_text(["N", "K"], []), scope_text([], ["x != 0"]), scope_text([], [])
        ('for every N and K', 'wherever x != 0', 'for every value')
    """
    parts = [f"for every {' and '.join(sizes)}"] if sizes else []
    parts += [f"wherever {' and '.join(conditions)}"] if conditions else []
    return ", ".join(parts) or "for every value"


class GradientChecks(tuple[GradientCheck, ...]):
    """The checked gradients of an operation; a notebook shows them under one another."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return "\n\n".join(each.markdown() for each in self)


def verify(op: str | Operation) -> GradientChecks:
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
    conditions = gradient_conditions(operation)
    return GradientChecks(_check(operation, tensor, conditions) for tensor in operation.differentiable)


def has_kinks(operation: Operation) -> bool:
    """Whether there are places without a derivative; a comparison of indices, as in a mask, makes none.

    Example:
        >>> has_kinks(find("relu")), has_kinks(find("softmax"))
        (True, False)
    """
    bodies = [definition.body for definition in operation.definitions]
    return any(tensors_in(kinked) for body in bodies for kinked in nodes(body, *KINKED))


def _check(operation: Operation, tensor: Tensor, conditions: tuple[str, ...]) -> GradientCheck:
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
    proof = replace(_proof(operation, derivation), conditions=conditions)
    return GradientCheck(derivation, proof, tuple(simplifications))


def _proof(operation: Operation, derivation: Derivation) -> Proof:
    """Prove that the result is the derivative of the operation.

    A gradient is proved name by name: that of each intermediate to be what the chain rule makes of the gradients before
    it, then the result to be what these give. Where that does not do, everything is put in.
    """
    if not isinstance(derivation.target, Partial):
        proof = _proof_by_names(operation, derivation)
        if proof is not None:
            return proof
    definitions = (*operation.definitions, *derivation.named)
    return prove_equal(derivation.result, whole_derivative(operation, derivation.target), definitions)


def _proof_by_names(operation: Operation, derivation: Derivation) -> Proof | None:
    """Prove a gradient from those of all intermediates; None where that was not seen."""
    source = next(each.name for each in operation.inputs if operation.gradient_of(each) == derivation.target.tensor)
    gradients = pull_back(operation, [source], name_cost=keep_names).gradients
    names = frozenset(gradient.tensor for gradient in gradients)
    proofs = [_part_proof(operation, gradient, names) for gradient in gradients]
    kept = {gradient.tensor for gradient in derivation.named}
    put_in = tuple(gradient for gradient in gradients[:-1] if gradient.tensor not in kept)
    known = {gradient.tensor: gradient for gradient in gradients}
    for target, value in (*((d.target, d.body) for d in derivation.named), (derivation.target, derivation.result)):
        gradient = known.get(target.tensor)
        proofs.append(_tried(value, gradient.at(*target.indices), put_in) if gradient is not None else None)
    found = [proof for proof in proofs if proof is not None and proof.verdict == PROVED]
    if len(found) < len(proofs):
        return None
    return found[-1]


def _part_proof(operation: Operation, gradient: Definition, names: frozenset[Tensor]) -> Proof | None:
    """Prove a gradient from those with names; None where that was not seen.

    Forward values are kept as names where that does: what is equal whatever a name stands for is equal.
    """
    value, derivative = gradient.body, chained_derivative(operation, gradient.target, names)
    present = tensors_in(value) | tensors_in(derivative)
    functions = [d for d in operation.definitions if not _is_polynomial(d)]
    written = [d for d in operation.definitions if d in functions or d.tensor in tensors_in(value)]
    ways = ([d for d in functions if d.tensor in present], [d for d in written if d.tensor in present], written)
    for put_in in dict.fromkeys(map(tuple, ways)):
        proof = _tried(value, derivative, put_in)
        if proof.verdict == PROVED:
            return proof
    return None


@lru_cache(maxsize=256)
def _tried(value: Expr, derivative: Expr, put_in: tuple[Definition, ...]) -> Proof:
    """A proof, or what became of it; the gradients of several inputs share parts."""
    return prove_equal(value, derivative, put_in)


def _is_polynomial(definition: Definition) -> bool:
    """Whether a definition adds and multiplies, and does nothing else."""
    powers = nodes(definition.body, Pow)
    return not has(definition.body, *FUNCTIONS) and all(p.exp.is_Integer and p.exp.is_positive for p in powers)


def chained_derivative(operation: Operation, target: Element, named: Collection[Tensor] = ()) -> Expr:
    """The gradient that ``target`` names by the chain rule over the definitions, nothing simplified.

    It has the gradients that come in and those that are named, and the local derivatives of the definitions as the
    rules give them; no other name is left.
    """
    known: dict[Tensor, tuple[Element, Expr]] = {}
    outputs = {definition.tensor for definition in operation.outputs}
    forward = (*operation.inputs, *(definition.tensor for definition in operation.definitions))
    source = next(tensor for tensor in forward if operation.gradient_of(tensor) == target.tensor)
    targets = [definition.target for definition in reversed(operation.definitions)]
    later = takewhile(lambda each: each.tensor != source, targets)
    for here in (*later, source(*target.indices)):
        tensor = here.tensor
        gradient = operation.gradient_of(tensor)
        if tensor != source and gradient in named:
            known[tensor] = here, gradient(*here.indices)
            continue
        terms: list[Expr] = [operation.upstream(tensor)(*here.indices)] if tensor in outputs else []
        for user in operation.definitions:
            if tensor in tensors_in(user.body):
                where = disjoint(user.indices, here.indices)
                element, value = known[user.tensor]
                there = substitute(value, dict(zip(element.indices, where, strict=True)))
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
