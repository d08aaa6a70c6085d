"""NumPy functions of second derivatives: a loss's Hessian times a direction, and the Hessian of a small one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from codegen.docstrings import hessian_docstring, hvp_docstring
from codegen.keeping import cached, operation_key
from codegen.lowering import lower
from codegen.numpy_function import NumpyFunction
from codegen.numpy_source import numpy_function
from codegen.program import Program
from codegen.programs import function_name, lowering_of
from codegen.runtime import Given
from derive.catalogue import find
from derive.definitions import Definition, needed_definitions
from derive.derivation import Derivation
from derive.gradient_operations import derived_element
from derive.hessian_products import HessianProduct, hessian_product
from derive.leading import leading_of
from derive.operation import Operation
from derive.second_derivatives import Op, find_loss
from derive.second_derivatives import hessian as derive_hessian
from derive.stability import stabilise
from derive.sums import tensors_in

Made = TypeVar("Made")


@dataclass(frozen=True)
class SecondPass:
    """What second derivatives are computed by, in whatever language: a program, what it is called, what it says.

    Attributes:
        wrt: the names of the inputs.
        assumptions: the given facts that it rests on.
    """

    operation: Operation
    program: Program
    name: str
    docstring: list[str]
    wrt: tuple[str, ...]
    assumptions: tuple[str, ...]


def product_pass(product: HessianProduct, wrt: tuple[str, ...]) -> SecondPass:
    """Return what computes the Hessian of a loss times directions: its arguments are these and then the inputs."""
    operation = replace(product.operation, leading=leading_of(product.operation, product.definitions))
    arguments = (*product.directions, *operation.inputs)
    program = lower(product.definitions, arguments, product.results, **lowering_of(operation))
    said = product.products, product.directions, arguments, product.results, product.assumptions
    docstring = hvp_docstring(operation, *said, program.parameters)
    return SecondPass(operation, program, function_name(operation, "hvp"), docstring, wrt, product.assumptions)


def hessian_pass(operation: Operation, derivation: Derivation, wrt: tuple[str, ...]) -> SecondPass:
    """Return what computes a Hessian that was derived."""
    made = Definition(derived_element(derivation.operation, derivation.target), derivation.result)
    needed = needed_definitions(operation.definitions, tensors_in(made.body))
    definitions = stabilise((*needed, made), operation)
    operation = replace(operation, leading=leading_of(operation, definitions))
    program = lower(definitions, operation.inputs, (made.tensor,), **lowering_of(operation))
    docstring = hessian_docstring(operation, made, derivation.assumptions, program.parameters)
    return SecondPass(operation, program, function_name(operation, "hessian"), docstring, wrt, derivation.assumptions)


class SecondFunction(NumpyFunction):
    """Second derivatives as a function of NumPy arrays.

    Attributes:
        wrt: the names of the inputs that it differentiates by.
        assumptions: the given facts that it rests on.
    """

    def __init__(self, made: SecondPass) -> None:
        text = numpy_function(made.program, made.name, made.docstring, defaults=made.operation.record.defaults)
        super().__init__(made.operation, made.program, text)
        self.wrt, self.assumptions = made.wrt, made.assumptions


class HessianVector(SecondFunction):
    """The Hessian of a loss times a direction: ``f(v, *inputs)``; with several inputs a direction for each comes first.

    Attributes:
        wrt: the names of the inputs whose directions it takes, and whose products it returns.
        assumptions: the given facts that it rests on.
    """

    def __call__(self, /, *arrays: Any, **settings: Any) -> Any:
        found = self.results_of(arrays, settings)
        return found[0] if len(self.wrt) == 1 else found


class Hessian(SecondFunction):
    """The second derivatives of a loss as one array: ``f(*inputs)``, the axes of the first input before the second's.

    Attributes:
        assumptions: the given facts that it rests on.
    """

    def __call__(self, /, *inputs: Any, **settings: Any) -> Any:
        return self.results_of(inputs, settings)[0]


def hvp(loss: Op, wrt: str | Sequence[str] | None, given: Given, make: Callable[[SecondPass], Made]) -> Made:
    """Return what ``make`` makes of a Hessian-vector product; ``codegen.hvp`` says what is taken and given."""
    names = [wrt] if isinstance(wrt, str) else wrt
    inputs = tuple(tensor.name for tensor in find(loss).differentiable) if names is None else tuple(names)
    operation = find_loss(loss, f"codegen.backward(derive.vjp(..., {(*inputs, 'x')[0]!r}))", *inputs)
    facts = tuple(given) if not isinstance(given, str) else given
    key = ("hvp", make, operation_key(operation), inputs, facts)
    made: Made = cached(key, lambda: make(product_pass(hessian_product(operation, inputs, facts), inputs)))
    return made


def hessian(loss: Op, wrt: str, wrt2: str | None, given: Given, make: Callable[[SecondPass], Made]) -> Made:
    """Return what ``make`` makes of a Hessian; ``codegen.hessian`` says what is taken and given."""
    second = f"derive.jacobian(derive.vjp(..., {wrt!r}), {wrt2 or wrt!r})"
    operation = find_loss(loss, f"codegen.forward({second})", wrt, wrt2 or wrt)
    facts = tuple(given) if not isinstance(given, str) else given
    key = ("hessian", make, operation_key(operation), wrt, wrt2, facts)
    both = (wrt, wrt2 or wrt)
    made: Made = cached(key, lambda: make(hessian_pass(operation, derive_hessian(operation, wrt, wrt2, facts), both)))
    return made


def losses_of(operations: Sequence[Operation], wrt: Sequence[str]) -> list[Operation]:
    """Return of which operations a file has products by some inputs: the losses that have these.

    Where there is none, it is all of them, so that what is wrong is said of the first.
    """
    if not wrt:
        return []
    losses = [each for each in operations if each.is_loss and set(wrt) <= {tensor.name for tensor in each.inputs}]
    return losses or list(operations)
