r"""What a user asks for: the Jacobian, the vector-Jacobian product, and the backward pass over all inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from derive.catalogue import find, parse_fact
from derive.chain import Chain, Insertion, NameCost, Sensitivity, any_name, keep_products
from derive.costs import cost
from derive.definitions import Definition
from derive.derivation import Derivation, Derivations
from derive.errors import InputError
from derive.facts import Fact
from derive.gradient_operations import gradient_operation, holds_under_facts
from derive.indices import Tensor
from derive.operation import Derived, Operation
from derive.stability import stabilise
from derive.sums import tensors_in

Given = Iterable[str | Fact]

#: So many derivations, and backward passes, are kept: those of the catalogue, asked for in turn, and more.
MOST_KEPT = 1000

#: A gradient through so many definitions is always written out.
FEW_DEFINITIONS = 4
#: A longer one, by the costs of its parts, is written by the names of intermediates' gradients.
LONGEST = 30.0


@dataclass(frozen=True)
class Pullback:
    """The backward pass: definitions of gradients in the order of computation.

    Attributes:
        operation: whose backward pass it is.
        upstreams: the gradients that come in, in the order of the outputs.
        gradients: as they are derived; each body uses inputs, forward values and gradients defined before it.
        definitions: the same as they are computed, without overflow.
        results: the gradients that are wanted.
        saved: the forward values needed, for their numbers or for their shapes.
        assumptions: given facts that were used.
        derivations: of each of the gradients, with steps.
        insertions: gradients of intermediates that were put into others because the whole gets cheaper.
    """

    operation: Operation
    upstreams: tuple[Tensor, ...]
    gradients: tuple[Definition, ...]
    definitions: tuple[Definition, ...]
    results: tuple[Tensor, ...]
    saved: tuple[Tensor, ...]
    assumptions: tuple[str, ...] = ()
    derivations: Derivations = field(default_factory=Derivations, repr=False)
    insertions: tuple[Insertion, ...] = field(default=(), repr=False)

    def _repr_latex_(self) -> str:
        return self.derivations.latex()

    def as_operation(self) -> Operation:
        """Return the operation that computes the last of the gradients, by the others and those of intermediates.

        What is derived of it keeps these names: this is the way for what is too large to be written as one formula.

        Raises:
            InputError: the gradients hold under given facts alone.

        Example:
            >>> [str(each.target) for each in pull_back("dense", ["x", "w"]).as_operation().definitions]
            ['dx[n,d]', 'dw[d,k]']
        """
        name = f"{self.operation.name}-gradient"
        if self.assumptions:
            raise holds_under_facts(f"gradient of {self.operation.name}", self.assumptions)
        return gradient_operation(self.operation, self.gradients, name)


def jacobian(op: str | Operation | Derived, wrt: str, given: Given = (), output: str | None = None) -> Derivation:
    r"""Derive the partial derivatives :math:`\partial y_o / \partial x_i` of the output by one input.

    Args:
        op: a catalogue name, a definition's text, an operation, or a derivation's result.
        wrt: the input's name.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.
        output: the name of the output, where there are several.

    Raises:
        InputError: no such input, output or operation; there are several outputs and none is named.
        ImpossibleError: the input holds integers.

    Example:
        >>> print(jacobian("softmax", "x").text(steps=False))
        ∂y[n,k]/∂x[m,j] = δ[n,m] y[n,k] (δ[k,j] - y[n,j])
    """
    operation = find(op)
    tensor = operation.input(wrt)
    return _derivation(operation, tensor, _facts(operation, given), operation.output_called(output))


def vjp(op: str | Operation | Derived, wrt: str, given: Given = ()) -> Derivation:
    r"""Derive the vector-Jacobian product :math:`\bar x_i = \sum_o \bar y_o \, \partial y_o / \partial x_i`.

    Of several outputs each adds its sum, with the gradient that comes in through it.

    Args, raises: as ``jacobian``.

    Example:
        >>> print(vjp("softmax", "x").text(steps=False))
        x̄[n,k] = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])
    """
    operation = find(op)
    tensor = operation.input(wrt)
    return _derivation(operation, tensor, _facts(operation, given))


def _facts(operation: Operation, given: Given | None) -> tuple[Fact, ...]:
    if isinstance(given, str):
        raise InputError(f"given takes a list of facts; write [{given!r}]")
    return tuple(fact if isinstance(fact, Fact) else parse_fact(fact, operation) for fact in given or ())


@lru_cache(maxsize=MOST_KEPT)
def _derivation(
    operation: Operation, tensor: Tensor, facts: tuple[Fact, ...], output: Definition | None = None
) -> Derivation:
    """Derive the Jacobian of an output, or the vector-Jacobian product."""
    chain = _short_chain(operation, tensor, facts, output)
    steps = tuple(step for own in chain.sensitivities.values() for step in own.steps)
    facts = tuple(dict.fromkeys(fact for own in chain.sensitivities.values() for fact in own.facts))
    own = chain.sensitivities[tensor]
    several = f"{output.tensor.name} in " if output is not None and len(operation.outputs) > 1 else ""
    what = "vector-Jacobian product" if output is None else "Jacobian"
    return Derivation(
        f"{what} of {several}{operation.name} with respect to {tensor.name}",
        operation,
        own.left,
        steps,
        own.value,
        tuple(fact.text for fact in facts),
        facts,
        _gradients(operation, [each for each in chain.sensitivities.values() if each is not own]),
    )


def _short_chain(operation: Operation, tensor: Tensor, facts: tuple[Fact, ...], output: Definition | None) -> Chain:
    """The chain rule with the gradients of intermediates put in, unless that is too long to be read."""
    if output is None and len(operation.definitions) > FEW_DEFINITIONS:
        named = Chain(operation, (tensor,), facts)
        if sum(cost(each.value) for each in named.sensitivities.values()) > LONGEST:
            return named
    return Chain(operation, (tensor,), facts, output, explicit=True)


def is_long(operation: Operation, parts: Iterable[Derivation]) -> bool:
    """Whether an operation's gradients are better read with those of its intermediates by name.

    Example:
        >>> [is_long(find(name), by_parts(name)) for name in ("layer-norm", "lstm-cell")]
        [False, True]
    """
    return len(operation.definitions) > FEW_DEFINITIONS and sum(cost(part.result) for part in parts) > LONGEST


def _gradients(operation: Operation, sensitivities: Iterable[Sensitivity]) -> tuple[Definition, ...]:
    return tuple(
        Definition(operation.gradient_of(own.tensor)(*own.element.indices), own.value) for own in sensitivities
    )


def by_parts(op: str | Operation | Derived, wrt: Sequence[str] | None = None, given: Given = ()) -> Derivations:
    """Derive the gradients of several inputs at once, those of intermediates by name, a derivation for each.

    This is how the backward pass is computed: what is used more than once has a name, what is not is put in where that
    is shorter.

    Args, raises: as ``pull_back``.

    Example:
        >>> for part in by_parts("attention", ["q", "k"]):
        ...     print(part.text(steps=False))
        p̄[n,i,j] = sum_e ȳ[n,i,e] v[n,j,e]
        s̄[n,i,j] = p[n,i,j] (p̄[n,i,j] - sum_l p̄[n,i,l] p[n,i,l])
        q̄[n,i,d] = (1/sqrt(D)) sum_j s̄[n,i,j] k[n,j,d]
        k̄[n,j,d] = (1/sqrt(D)) sum_i s̄[n,i,j] q[n,i,d]
    """
    return pull_back(op, wrt, given).derivations


def pull_back(
    op: str | Operation | Derived,
    wrt: Sequence[str] | None = None,
    given: Given = (),
    fuse: bool = True,
    name_cost: NameCost | None = None,
) -> Pullback:
    """Derive the backward pass over the named inputs, all differentiable ones when left out.

    Args:
        op, wrt, given: as for ``vjp``, with several inputs.
        fuse: derive the operation as one where that is shorter; otherwise definition by definition.
        name_cost: what it costs to keep the gradient of an intermediate by name; below 0 the name is worth something.
            ``derive.chain.keep_names`` is right for what will be derived again. What is derived of a gradient keeps
            the names of matrix products when this is left out.

    Raises:
        InputError: no such input; there is nothing to differentiate by.

    Example:
        >>> [tensor.name for tensor in pull_back("softmax").saved]
        ['y']
    """
    operation = find(op)
    names = [wrt] if isinstance(wrt, str) else wrt
    tensors = inputs_of(operation) if names is None else tuple(operation.input(name) for name in names)
    if not tensors:
        raise InputError("name one input at least to differentiate by")
    usual = keep_products if operation.gradients else any_name
    return _pulled_back(operation, tensors, _facts(operation, given), fuse, name_cost or usual)


@lru_cache(maxsize=MOST_KEPT)
def _pulled_back(
    operation: Operation, tensors: tuple[Tensor, ...], facts: tuple[Fact, ...], fuse: bool, name_cost: NameCost
) -> Pullback:
    chain = Chain(operation, tensors, facts, fuse=fuse, name_cost=name_cost)
    gradients = _gradients(operation, chain.sensitivities.values())
    definitions = stabilise(gradients, operation, operation.definitions)
    used: set[Tensor] = set().union(*(tensors_in(definition.body) for definition in definitions))
    return Pullback(
        operation,
        operation.upstreams,
        gradients,
        definitions,
        tuple(map(operation.gradient_of, tensors)),
        _saved(operation, tensors, used),
        tuple(dict.fromkeys(fact.text for own in chain.sensitivities.values() for fact in own.facts)),
        Derivations(_part(operation, own) for own in chain.sensitivities.values()),
        tuple(chain.insertions),
    )


def inputs_of(operation: Operation) -> tuple[Tensor, ...]:
    """Return the inputs to differentiate by.

    Raises:
        InputError: there are none.

    Example:
        >>> inputs_of(find("softmax-cce"))
        (z,)
    """
    if not operation.differentiable:
        why = "all of them are labels" if operation.inputs else "it has none at all"
        raise InputError(f"{operation.name} has no input to differentiate by: {why}")
    return operation.differentiable


def _part(operation: Operation, own: Sensitivity) -> Derivation:
    title = f"gradient of {own.tensor.name} in {operation.name}"
    texts = tuple(fact.text for fact in own.facts)
    return Derivation(title, operation, own.left, tuple(own.steps), own.value, texts, own.facts)


def _saved(operation: Operation, wrt: Sequence[Tensor], used: set[Tensor]) -> tuple[Tensor, ...]:
    """The forward values whose numbers are used, and the inputs whose shapes nothing else tells.

    Labels come last, and after them what may be left out.
    """
    forward = (*operation.inputs, *(definition.tensor for definition in operation.definitions))
    needed = [tensor for tensor in forward if tensor in used]
    told = set().union(*(tensor.sizes for tensor in (*operation.upstreams, *needed)))
    for tensor in wrt:
        if tensor not in needed and (operation.sums_to(tensor) or not set(tensor.sizes) <= told):
            needed.append(tensor)
            told |= set(tensor.sizes)
    return tuple(
        sorted((t for t in forward if t in needed), key=lambda t: (t in operation.labels) + (t in operation.settings))
    )
