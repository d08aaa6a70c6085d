r"""Products of a loss's Hessian with directions, definition by definition: what code computes.

With the gradients of a loss :math:`\bar x` and directions :math:`v`, the number :math:`s = \sum_i v_i \bar x_i` has the
gradient :math:`\sum_j \partial^2 L / \partial x_i \partial x_j \, v_j`. It is pulled back like any other, with all
names that the forward and the backward pass have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer

from derive.catalogue import find
from derive.chain import keep_names
from derive.definitions import Definition, inline, needed_definitions
from derive.gradient_operations import gradient_operation
from derive.indices import Element, Tensor
from derive.instantiation import free_name
from derive.operation import Operation
from derive.pullback import Given, pull_back
from derive.second_derivatives import Op, find_loss
from derive.stability import stabilise
from derive.sums import IndexSum, all_indices, rewrite, tensors_in


@dataclass(frozen=True)
class HessianProduct:
    """The product of a loss's Hessian with directions.

    Attributes:
        operation: the loss.
        directions: one an input, of its shape.
        products: as they are derived, after the gradients that they use; each body uses inputs, forward values and
            what is defined before it.
        definitions: all of it from the inputs on as it is computed, without overflow.
        results: the products, one an input.
        assumptions: given facts that were used.
    """

    operation: Operation
    directions: tuple[Tensor, ...]
    products: tuple[Definition, ...]
    definitions: tuple[Definition, ...]
    results: tuple[Tensor, ...]
    assumptions: tuple[str, ...] = ()


def hessian_product(loss: Op, wrt: str | Sequence[str] | None = None, given: Given = ()) -> HessianProduct:
    """Derive the product of a loss's Hessian by some inputs, all differentiable ones when left out, with directions.

    With several inputs, the mixed blocks are part of the Hessian.

    Raises:
        InputError: no such operation or input; it is no loss.

    Example:
        >>> product = hessian_product("softmax-cce-sparse")
        >>> product.directions, product.products[-1].target
        ((v,), hv[n,k])
        >>> product.products[-1].body
        (v[n,k] - sum(p[n,j]*v[n,j], j))*p[n,k]/N
    """
    names = [wrt] if isinstance(wrt, str) else wrt
    first = (*(names or [tensor.name for tensor in find(loss).differentiable]), "x")[0]
    operation = find_loss(loss, f"derive.jvp(..., {first!r}) or derive.vjp(derive.vjp(..., {first!r}), {first!r})")
    once = pull_back(operation, names, name_cost=keep_names)
    gradients = [_at(definition, once.upstreams[0]) for definition in once.gradients]
    backward = gradient_operation(operation, gradients, f"{operation.name}-gradient")
    tensors = [next(each for each in operation.inputs if each.gradient() == result) for result in once.results]
    along, directions = _along(backward, tensors)
    second = pull_back(along, [tensor.name for tensor in tensors], given)
    results = _results(along, tensors)
    products = _without_aliases(
        [_renamed(_at(each, second.upstreams[0]), results) for each in second.gradients], results
    )
    safe = _without_aliases([_renamed(_at(each, second.upstreams[0]), results) for each in second.definitions], results)
    used = frozenset().union(*(tensors_in(each.body) for each in products))
    needed = needed_definitions(along.definitions, used)
    return HessianProduct(
        operation,
        directions,
        (*(each for each in needed if each.tensor.name in backward.gradients), *products),
        (*stabilise(needed, along), *safe),
        tuple(results.values()),
        second.assumptions,
    )


def _without_aliases(definitions: Sequence[Definition], results: dict[Tensor, Tensor]) -> tuple[Definition, ...]:
    """The definitions with what is another name for an element put in."""
    kept: list[Definition] = []
    aliases: list[Definition] = []
    for definition in definitions:
        plain = Definition(definition.target, inline(definition.body, tuple(aliases)))
        alias = isinstance(plain.body, Element) and plain.tensor not in results.values()
        (aliases if alias else kept).append(plain)
    return tuple(kept)


def _at(definition: Definition, upstream: Tensor) -> Definition:
    """A gradient where the one that comes in is 1."""

    def change(node: Expr) -> Expr | None:
        return Integer(1) if isinstance(node, Element) and node.tensor == upstream else None

    return Definition(definition.target, rewrite(definition.body, change))


def _along(backward: Operation, tensors: Sequence[Tensor]) -> tuple[Operation, tuple[Tensor, ...]]:
    """The operation that multiplies gradients with directions and adds everything up, and the directions."""
    taken = {each.name for each in (*backward.inputs, *(definition.tensor for definition in backward.definitions))}
    taken |= {index.name for definition in backward.definitions for index in all_indices(definition.body)}
    directions, terms = [], []
    for tensor in tensors:
        name = free_name("v" if len(tensors) == 1 else f"v_{tensor.name}", taken)
        taken.add(name)
        gradient = next(
            each for each in backward.definitions if backward.gradients.get(each.tensor.name) == tensor.name
        )
        direction = Tensor(name, tensor.sizes)
        directions.append(direction)
        term = direction(*gradient.indices) * gradient.target
        terms.append(IndexSum(term, *gradient.indices) if gradient.indices else term)
    total = Tensor(free_name("slope", taken))
    definitions = (*backward.definitions, Definition(total(), Add(*terms)))
    return replace(backward, definitions=definitions, inputs=(*directions, *backward.inputs)), tuple(directions)


def _results(along: Operation, tensors: Sequence[Tensor]) -> dict[Tensor, Tensor]:
    """What the products are called, by what they are as gradients."""
    taken = {each.name for each in (*along.inputs, *(definition.tensor for definition in along.definitions))}
    names = ["hv"] if len(tensors) == 1 else [f"hv_{tensor.name}" for tensor in tensors]
    return {
        along.gradient_of(tensor): Tensor(free_name(name, taken), tensor.sizes)
        for tensor, name in zip(tensors, names, strict=True)
    }


def _renamed(definition: Definition, names: dict[Tensor, Tensor]) -> Definition:
    def change(node: Expr) -> Expr | None:
        return names[node.tensor](*node.indices) if isinstance(node, Element) and node.tensor in names else None

    return Definition(rewrite(definition.target, change), rewrite(definition.body, change))
