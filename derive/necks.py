"""Names for what a definition computes on the way: in relu(x w + b) everything goes through z = x w + b.

Where all inputs of a definition enter through one sum of products, that sum gets a name of its own. The chain rule then
has a factor to print for it, and the generated code computes it once.
"""

from __future__ import annotations

from dataclasses import replace

import sympy
from sympy import Add, Expr

from derive.canonical import structure_key
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index, Tensor
from derive.matrices import MatrixFunction
from derive.record import Definition, Operation
from derive.sums import IndexArgmax, IndexMax, free_indices, tensors_in

#: Names a textbook gives to what is computed on the way.
NAMES = ("z", "u", "v", "s", "h", "q", "r")
#: What a sum of products does not contain.
FUNCTIONS = (sympy.Function, Maximum, Minimum, Where, Bracket, Delta, IndexMax, IndexArgmax, MatrixFunction)


def name_necks(operation: Operation) -> Operation:
    """Return the operation with a name for each definition's neck, if it has one.

    Example:
        >>> from derive.parsing import parse_operation
        >>> neuron = parse_operation("y = max(x0*w0 + x1*w1 + b, 0)")
        >>> [definition.target for definition in name_necks(neuron).definitions]
        [z, y]
    """
    taken = {tensor.name for tensor in (*operation.inputs, *(d.tensor for d in operation.definitions))}
    taken |= {str(size) for size in operation.sizes} | _letters(operation)
    made: list[Definition] = []
    for definition in operation.definitions:
        neck = find_neck(definition)
        name = next((name for name in NAMES if name not in taken), None)
        if neck is None or name is None:
            made.append(definition)
            continue
        taken.add(name)
        sign = -1 if neck.could_extract_minus_sign() else 1
        indices = tuple(index for index in definition.indices if index in free_indices(neck))
        target = Tensor(name, tuple(index.size for index in indices))(*indices)
        made.append(Definition(target, sign * neck))
        made.append(Definition(definition.target, definition.body.xreplace({neck: sign * target})))
    return operation if len(made) == len(operation.definitions) else replace(operation, definitions=tuple(made))


def _letters(operation: Operation) -> set[str]:
    return {index.name for definition in operation.definitions for index in definition.body.atoms(Index)}


def find_neck(definition: Definition) -> Expr | None:
    """Return the sum of products of several tensors through which all of a definition's inputs enter."""
    body = definition.body
    for part in sorted(body.atoms(Add), key=structure_key):
        elsewhere = body.xreplace({part: sympy.Integer(1)}).atoms(Element)
        is_body = part in sympy.Mul.make_args(body)
        if (
            free_indices(part) <= set(definition.indices)
            and not elsewhere
            and not is_body
            and _is_sum_of_products(part)
        ):
            return part
    return None


def _is_sum_of_products(expr: Expr) -> bool:
    whole = all(power.exp.is_Integer and power.exp.is_positive for power in expr.atoms(sympy.Pow))
    return whole and len(tensors_in(expr)) > 1 and not expr.atoms(*FUNCTIONS)
