"""A loss as a function of one prediction: a single one, with its target fixed."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer

from derive.definitions import Definition, inline
from derive.indicators import Delta
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.sums import Binder, IndexSum


def of_one_prediction(operation: Operation) -> tuple[Operation, str] | None:
    """Return a loss of one prediction, all sizes 1, and what its target is; None where there is no such thing.

    It is there where one array of predictions is compared with one of targets, place by place. The target is the
    largest one of the record's interval, or 0.

    Example:
        >>> from derive.catalogue import find
        >>> found, told = of_one_prediction(find("mse"))
        >>> found.output.body, told
        (y**2, 't = 0')
        >>> of_one_prediction(find("cce")) is None  # Its targets sum to 1.
        True
    """
    tensors = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    wanted = [tensor for tensor in operation.differentiable if tensor in tensors]
    if len(operation.outputs) != 1 or len(tensors) != 2 or len(wanted) != 1 or operation.output.tensor.sizes:
        return None
    (prediction,), (target,) = wanted, [tensor for tensor in tensors if tensor not in wanted]
    record = operation.record
    if not prediction.sizes or prediction.sizes != target.sizes or record.facts or operation.parameters:
        return None
    number = Integer(int(record.domain.get(target.name, (0, 0))[1]))
    alone = Tensor(prediction.name)
    body = _alone(inline(operation.output.body, operation.definitions[:-1]), {prediction: alone(), target: number})
    if body is None:
        return None
    output = Definition(operation.output.target, body)
    inputs = tuple(alone if tensor == prediction else tensor for tensor in operation.inputs if tensor != target)
    told = f"{target.name} = {number}"
    title = f"{operation.name} of one prediction, {told}"
    record = replace(
        record, title=title, domain={name: at for name, at in record.domain.items() if name != target.name}
    )
    return replace(operation, definitions=(output,), inputs=inputs, record=record, listed=(), leading=None), told


def _alone(expr: Expr, values: dict[Tensor, Expr]) -> Expr | None:
    """An expression where every axis has one place; None where it asks for more than sums."""
    if isinstance(expr, Element):
        return values.get(expr.tensor, expr)
    if isinstance(expr, IndexSum):
        return _alone(expr.body, values)
    if isinstance(expr, Binder | Delta | Index):
        return None
    if expr.is_Symbol:
        return Integer(1)
    if not expr.args:
        return expr
    parts = [_alone(part, values) for part in expr.args]
    return None if any(part is None for part in parts) else expr.func(*parts)
