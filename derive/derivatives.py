"""Derivatives in a claim, carried out by the chain rule: what is defined keeps its name, so that results stay short."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr

from derive.chain import Chain
from derive.definitions import Definition, inline, needed_definitions
from derive.derivation import Step
from derive.differentiation import differentiate
from derive.errors import DeriveError
from derive.indices import Element, Tensor
from derive.operation import Operation
from derive.record import Record
from derive.rewriting import simplify
from derive.sums import Partial, rewrite, substitute, tensors_in


class Derivatives:
    """Derivatives through definitions; each pair of tensors is derived once.

    Attributes:
        steps: that lead to them.
    """

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = tuple(definitions)
        self.steps: list[Step] = []
        self._known: dict[tuple[Tensor, Tensor], tuple[Element, Element, Expr] | None] = {}

    def carry_out(self, expr: Expr) -> Expr:
        """Return an expression with every derivative replaced by what it is.

        Example:
            >>> import sympy
            >>> x, y = Tensor("x"), Tensor("y")
            >>> Derivatives([Definition(y(), sympy.exp(x()))]).carry_out(Partial(y(), x()))
            y
        """
        result: Expr = rewrite(expr, self._derivative)
        return result

    def _derivative(self, node: Expr) -> Expr | None:
        if not isinstance(node, Partial):
            return None
        body, element = node.body, node.element
        if isinstance(body, Element) and any(each.tensor == body.tensor for each in self.definitions):
            value = self._by_chain_rule(body, element)
            if value is not None:
                return value
        through = tuple(each for each in self.definitions if each.tensor != element.tensor)
        return simplify(differentiate(inline(body, through), element), self.definitions).result

    def _by_chain_rule(self, body: Element, element: Element) -> Expr | None:
        key = body.tensor, element.tensor
        if key not in self._known:
            self._known[key] = self._derive(*key)
        found = self._known[key]
        if found is None:
            return None
        of, by, value = found
        names = dict(zip((*of.indices, *by.indices), (*body.indices, *element.indices), strict=True))
        result: Expr = substitute(value, names)
        return result

    def _derive(self, of: Tensor, by: Tensor) -> tuple[Element, Element, Expr] | None:
        """The derivative of an element of one tensor by one of the other; None where there is no such chain."""
        between = [definition for definition in self.definitions if definition.tensor != by]
        operation = as_operation(needed_definitions(between, {of}), {of})
        if by not in operation.inputs:
            return None
        try:
            chain = Chain(operation, (by,), (), operation.output, explicit=True)
        except DeriveError:
            return None
        self.steps += [step for own in chain.sensitivities.values() for step in own.steps]
        own = chain.sensitivities[by]
        return own.left.body, own.left.element, own.value


def as_operation(definitions: Iterable[Definition], tensors: Iterable[Tensor] = ()) -> Operation:
    """Return definitions as an operation whose inputs are what they, and what else is named, do not define."""
    definitions = tuple(definitions)
    mentioned = set(tensors).union(*(tensors_in(definition.body) for definition in definitions))
    inputs = mentioned - {definition.tensor for definition in definitions}
    ordered = sorted(inputs, key=lambda tensor: (tensor.name, tensor.role))
    return Operation(definitions, tuple(ordered), Record("claim", ""))
