"""NumPy functions of second derivatives: a loss's Hessian times a direction, and the Hessian of a small one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from codegen.docstrings import hessian_docstring, hvp_docstring
from codegen.keeping import cached, operation_key
from codegen.lowering import lower
from codegen.numpy_function import NumpyFunction
from codegen.numpy_source import numpy_function
from codegen.programs import function_name, lowering_of
from codegen.runtime import Given
from derive.catalogue import find
from derive.definitions import Definition, needed_definitions
from derive.gradient_operations import derived_element
from derive.hessian_products import HessianProduct, hessian_product
from derive.leading import leading_of
from derive.operation import Operation
from derive.second_derivatives import Op, find_loss
from derive.second_derivatives import hessian as derive_hessian
from derive.stability import stabilise
from derive.sums import tensors_in


class HessianVector(NumpyFunction):
    """The Hessian of a loss times a direction: ``f(v, *inputs)``; with several inputs a direction for each comes first.

    Attributes:
        wrt: the names of the inputs whose directions it takes, and whose products it returns.
        assumptions: the given facts that it rests on.
    """

    def __init__(self, product: HessianProduct, wrt: tuple[str, ...]) -> None:
        operation = replace(product.operation, leading=leading_of(product.operation, product.definitions))
        arguments = (*product.directions, *operation.inputs)
        program = lower(product.definitions, arguments, product.results, **lowering_of(operation))
        docstring = hvp_docstring(
            operation, product.products, product.directions, arguments, product.results, product.assumptions
        )
        name, defaults = function_name(operation, "hvp"), operation.record.defaults
        super().__init__(operation, program, numpy_function(program, name, docstring, defaults=defaults))
        self.wrt = wrt
        self.assumptions = product.assumptions

    def __call__(self, *arrays: Any, **settings: Any) -> Any:
        found = self.results_of(arrays, settings)
        return found[0] if len(self.wrt) == 1 else found


class Hessian(NumpyFunction):
    """The second derivatives of a loss as one array: ``f(*inputs)``, the axes of the first input before the second's.

    Attributes:
        assumptions: the given facts that it rests on.
    """

    def __init__(self, operation: Operation, wrt: str, wrt2: str | None, given: Given) -> None:
        derivation = derive_hessian(operation, wrt, wrt2, given)
        made = Definition(derived_element(derivation.operation, derivation.target), derivation.result)
        needed = needed_definitions(operation.definitions, tensors_in(made.body))
        definitions = stabilise((*needed, made), operation)
        operation = replace(operation, leading=leading_of(operation, definitions))
        program = lower(definitions, operation.inputs, (made.tensor,), **lowering_of(operation))
        docstring = hessian_docstring(operation, made, derivation.assumptions)
        name, defaults = function_name(operation, "hessian"), operation.record.defaults
        super().__init__(operation, program, numpy_function(program, name, docstring, defaults=defaults))
        self.assumptions = derivation.assumptions

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        return self.results_of(inputs, settings)[0]


def hvp(loss: Op, wrt: str | Sequence[str] | None = None, given: Given = ()) -> HessianVector:
    r"""Return the Hessian-vector product :math:`\sum_j \partial^2 L / \partial x_i \partial x_j \, v_j` as a function.

    The Hessian is never built, and the forward pass is part of it. With several inputs the function takes a direction
    for each and returns a product for each: the whole Hessian, mixed blocks included.

    Args:
        loss: a catalogue name, a definition's text, an operation or a derivation's result.
        wrt: the inputs to differentiate by, all differentiable ones when left out.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.

    Raises:
        InputError: no such operation or input; it is no loss; when called, arrays that do not fit.

    Example:
        >>> product = hvp("softmax-cce-sparse")
        >>> product([[1.0, 0.0]], [[0.0, 0.0]], [1])
        array([[ 0.25, -0.25]])
    """
    names = [wrt] if isinstance(wrt, str) else wrt
    inputs = tuple(tensor.name for tensor in find(loss).differentiable) if names is None else tuple(names)
    operation = find_loss(loss, f"codegen.backward(derive.vjp(..., {(*inputs, 'x')[0]!r}))", *inputs)
    facts = tuple(given) if not isinstance(given, str) else given
    key = ("hvp", operation_key(operation), inputs, facts)
    return cached(key, lambda: HessianVector(hessian_product(operation, inputs, facts), inputs))


def hessian(loss: Op, wrt: str, wrt2: str | None = None, given: Given = ()) -> Hessian:
    r"""Return the Hessian :math:`\partial^2 L / \partial x_i \partial w_j` as a function of the inputs.

    It has as many entries as two inputs multiplied: for small cases. ``hvp`` is for large ones.

    Args, raises: as ``derive.hessian``.

    Example:
        >>> hessian("mse", "y")([[3.0, 1.0]], [[0.0, 0.0]])[0, 0]
        array([[1., 0.]])
    """
    second = f"derive.jacobian(derive.vjp(..., {wrt!r}), {wrt2 or wrt!r})"
    operation = find_loss(loss, f"codegen.forward({second})", wrt, wrt2 or wrt)
    facts = tuple(given) if not isinstance(given, str) else given
    key = ("hessian", operation_key(operation), wrt, wrt2, facts)
    return cached(key, lambda: Hessian(operation, wrt, wrt2, facts))
