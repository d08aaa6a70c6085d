"""Both passes of an operation for data of which a fact holds, and for any: which of them is right, the data says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from codegen.runtime import Backward, BoundPullback, Forward, Given, backward, forward
from derive.catalogue import parse_fact
from derive.definitions import Definition
from derive.errors import InputError
from derive.facts import Fact
from derive.indices import Tensor
from derive.operation import Operation
from derive.record import Record
from derive.sums import free_indices, tensors_in

#: How far numbers may be from a fact and still satisfy it.
NEAR = 1e-6


class UsualPasses:
    """An operation's passes: shorter ones for usual data, where there are such, and those for any.

    Args:
        operation: the operation.
        wrt: the inputs whose gradients are wanted.
        usual: facts that are used for data that satisfy them.
        given: facts that are taken for granted, whatever the data, and then alone.

    Example:
        >>> from derive.catalogue import find
        >>> passes = UsualPasses(find("softmax-cce"), ["z"], ["sum(t[n,k], k) = 1"])
        >>> for labels in ([[1.0, 0.0]], [[1.0, 1.0]]):
        ...     output, pullback = passes.run({"z": [[0.0, 0.0]], "t": labels})
        ...     print(pullback()[0], pullback.backward.assumptions)
        [[-0.5  0.5]] ('sum(t[n,k], k) = 1',)
        [[0. 0.]] ()
    """

    def __init__(
        self, operation: Operation, wrt: Sequence[str], usual: Sequence[str] = (), given: Given | None = None
    ) -> None:
        if isinstance(given, str):
            raise InputError(f"given takes a list of facts; write [{given!r}]")
        self.operation = operation
        self.wrt = tuple(wrt)
        self.given = tuple(usual if given is None else given)
        self._deviations = [deviation(operation, parse_fact(text, operation)) for text in usual if given is None]

    def run(self, values: Mapping[str, ArrayLike]) -> tuple[Any, BoundPullback]:
        """Return the output and the backward pass at inputs by name, the shorter one where they are as usual.

        Raises:
            InputError: the inputs do not fit.
        """
        given = self.given if self.are_usual(values) else ()
        inputs = (values[tensor.name] for tensor in self.operation.inputs)
        output, saved = self._forward.with_saved(*inputs, wrt=self.wrt, given=given)
        return output, BoundPullback(self.backward if given == self.given else self._general, saved, output)

    def are_usual(self, values: Mapping[str, ArrayLike]) -> bool:
        """Whether inputs satisfy the usual facts about them."""
        for check in self._deviations:
            rest = check(*(values[tensor.name] for tensor in check.operation.inputs))
            if not np.all(np.abs(rest) <= NEAR):
                return False
        return True

    @cached_property
    def backward(self) -> Backward:
        """The backward pass for usual data."""
        return backward(self.operation, self.wrt, self.given)

    @cached_property
    def _general(self) -> Backward:
        return backward(self.operation, self.wrt)

    @cached_property
    def _forward(self) -> Forward:
        return forward(self.operation)


def deviation(operation: Operation, fact: Fact) -> Forward:
    """Return the function of the tensors that a fact speaks of, which is 0 where the fact holds.

    Example:
        >>> from derive.catalogue import find
        >>> deviation(find("cce"), parse_fact("sum(t[n,k], k) = 1", find("cce")))([[1.0, 0.5]])
        array([0.5])
    """
    indices = sorted(free_indices(fact.left), key=str)
    target = Tensor("rest", tuple(index.size for index in indices))
    inputs = tuple(tensor for tensor in operation.inputs if tensor in _tensors(fact))
    definition = Definition(target(*indices), fact.left - fact.right)
    return forward(Operation((definition,), inputs, Record(operation.name, fact.text), leading=operation.leading))


def _tensors(fact: Fact) -> set[Tensor]:
    return set(tensors_in(fact.left) | tensors_in(fact.right))
