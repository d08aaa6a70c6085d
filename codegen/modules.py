"""Modules that stand alone: the text of an operation's functions, which imports NumPy and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.docstrings import module_docstring
from codegen.hessians import HessianVector, losses_of
from codegen.hessians import hvp as hessian_vector
from codegen.keeping import operation_key
from codegen.numpy_source import FunctionSource, module_source
from codegen.programs import forward_program, forward_source, kept_tensors
from codegen.runtime import Given, backward
from derive.catalogue import find
from derive.errors import InputError
from derive.notation import BAR, find_notation
from derive.operation import Derived, Operation


def source(
    *ops: str | Operation | Derived,
    wrt: Sequence[str] | None = None,
    given: Given | None = None,
    hvp: Sequence[str] = (),
    notation: str = BAR.name,
) -> str:
    """Return a module of NumPy alone; ``codegen.source`` says what it takes and what is in it."""
    operations = list({operation_key(operation): operation for operation in map(find, ops)}.values())
    if not operations:
        raise InputError("source needs the name of one operation at least")
    functions: list[FunctionSource] = []
    twice = [hvp] if isinstance(hvp, str) else list(hvp)
    losses = losses_of(operations, twice)
    for operation in operations:
        facts = operation.record.assumed if given is None else given
        pass_back = backward(operation, wrt, facts)
        kept = kept_tensors(operation, pass_back.saved)
        functions.append(forward_source(operation, forward_program(operation, kept)))
        functions.append(pass_back.in_notation(find_notation(notation, operation)))
        if operation in losses:
            functions.append(hessian_vector(operation, twice, facts, HessianVector).text)
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two different operations would be called {name} in one module; give one another name")
    return module_source(functions, module_docstring(operations))
