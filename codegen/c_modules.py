"""Second derivatives in C, and files that stand alone: the text of an operation's functions in C."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.c_compiler import FLAGS
from codegen.c_runtime import CFunctionOfArrays, CProgram, passes_in_c
from codegen.c_source import CFunction, c_file
from codegen.docstrings import module_docstring
from codegen.hessians import Hessian, HessianVector, SecondPass, losses_of
from codegen.hessians import hvp as hessian_vector
from codegen.keeping import operation_key
from codegen.runtime import Given
from derive.errors import InputError
from derive.notation import BAR, find_notation
from derive.operation import Operation
from derive.pullback import pull_back


class CSecondFunction(CFunctionOfArrays):
    """What second derivatives in C share."""

    def __init__(self, made: SecondPass) -> None:
        self.set_program(CProgram(made.operation, made.program, made.name, made.docstring), made.name)
        self.wrt, self.assumptions = made.wrt, made.assumptions


class CHessianVector(CSecondFunction, HessianVector):
    """The Hessian of a loss times directions, in C."""


class CHessian(CSecondFunction, Hessian):
    """The Hessian of a loss in C."""


def c_module(
    operations: Sequence[Operation],
    given: Given | None = None,
    notation: str = BAR.name,
    wrt: Sequence[str] | None = None,
    hvp: Sequence[str] = (),
) -> str:
    """Return a C file with the forward and backward passes of operations; ``codegen.source`` says what is in it.

    Raises:
        InputError: there are none, or two of one name.
    """
    operations = list({operation_key(operation): operation for operation in operations}.values())
    if not operations:
        raise InputError("source needs the name of one operation at least")
    functions: list[CFunction] = []
    twice = [hvp] if isinstance(hvp, str) else list(hvp)
    losses = losses_of(operations, twice)
    for operation in operations:
        facts = operation.record.assumed if given is None else given
        for made in passes_in_c(pull_back(operation, wrt, facts), find_notation(notation, operation)):
            functions += made.functions.values()
        if operation in losses:
            functions += hessian_vector(operation, twice, facts, CHessianVector).in_c.functions.values()
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            stem = name.rpartition("_")[0]
            raise InputError(f"two different operations would be called {stem} in one file; give one another name")
    return c_file(functions, c_comment(operations))


def c_comment(operations: Sequence[Operation]) -> list[str]:
    """Return what stands at the top of a file."""
    first, *others = module_docstring(operations)
    return [
        first.replace("NumPy", "C"),
        "",
        "Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name",
        "that ends with _f takes float, one with _d double. Compile with",
        "",
        f"    cc {' '.join(FLAGS)} -c file.c",
        "",
        "and with -fopenmp in the place of -fopenmp-simd where threads are wanted.",
        *others,
    ]
