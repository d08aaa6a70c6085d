"""Functions of elementwise operations, made with SymPy's ``lambdify`` and the project's printer.

Shared values are those of the program, so that nothing is computed twice; ``lambdify`` is told of them and looks for
none itself: its own search hoists bound terms out of sums. What is used once has no name, so that NumPy sees that its
memory is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy import Symbol

from codegen.helpers import LOADED
from codegen.naming import Names
from codegen.numpy_expressions import Renderer
from codegen.numpy_printer import NumpyText
from codegen.ops import Constant
from codegen.program import Program


def make_scalar_function(program: Program) -> Callable[..., Any]:
    """Return a function of arrays of any shapes that broadcast; it returns a tuple of the results.

    The program's arguments are single numbers; NumPy broadcasts what is done to them.
    """
    names = Names(program)
    uses = program.uses
    inline = frozenset(
        statement.name
        for statement in program.statements
        if statement.name not in program.results and (isinstance(statement.op, Constant) or uses[statement.name] == 1)
    )
    renderer = Renderer(program, names, inline)
    arguments = [Symbol(names.of(argument.name)) for argument in program.arguments]
    shared = [
        (Symbol(names.of(statement.name)), renderer.render(statement))
        for statement in program.statements
        if statement.name not in inline
    ]
    results = tuple(Symbol(names.of(name)) for name in program.results)
    function: Callable[..., Any] = sympy.lambdify(
        arguments,
        results,
        modules=[{"np": np, **LOADED}],
        printer=NumpyText,
        cse=lambda expressions: (shared, expressions),
        docstring_limit=0,
    )
    return function
