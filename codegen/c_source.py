"""A program as the text of C functions, one for float and one for double."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Symbol

from codegen.c_functions import helper_texts
from codegen.c_loops import plan_loops
from codegen.c_precisions import PRECISIONS, Precision
from codegen.c_program import simplify
from codegen.c_texts import INDENT, WHOLE, WIDTH, broken
from codegen.c_writer import Writer
from codegen.docstrings import wrapped
from codegen.ops import Constant, Labels, Shift, Windows
from codegen.program import INTEGER, REAL, Program
from derive.notation import BAR, Notation


@dataclass(frozen=True)
class CFunction:
    """The text of one function, and what it is called with, in this order.

    Attributes:
        sizes: the sizes and whole numbers.
        arguments: the places of the program's arguments that it takes.
        results: the labels and kinds of the arrays that it writes.
        work: the sizes of what it needs besides, in numbers and in whole numbers.
        may_fail: whether it returns if a matrix has no inverse.
    """

    name: str
    text: str
    precision: Precision
    sizes: tuple[Symbol, ...]
    arguments: tuple[int, ...]
    results: tuple[tuple[Labels, str], ...]
    work: tuple[Expr, Expr]
    may_fail: bool = False


def c_functions(
    program: Program,
    name: str,
    comment: Sequence[str],
    is_elementwise: bool,
    notation: Notation = BAR,
    sizes: Sequence[Symbol] = (),
) -> list[CFunction]:
    """Return functions of a program's arguments, one for each precision.

    Args:
        program: what they compute.
        name: what they are called, without the end that tells their precision.
        comment: the lines above them.
        is_elementwise: whether they take any number of single numbers.
        notation: what gradients are called.
        sizes: the order of those that are arguments; others come after them.
    """
    program = simplify(program, is_elementwise)
    nest = plan_loops(program)
    writers = [Writer(program, nest, precision, notation) for precision in PRECISIONS]
    order = _symbols(program, sizes)
    return [_function(writer, name, comment, is_elementwise, order) for writer in writers]


def _function(
    writer: Writer, name: str, comment: Sequence[str], is_elementwise: bool, symbols: Sequence[Symbol]
) -> CFunction:
    program, precision = writer.program, writer.precision
    body = writer.lines()
    body = [*writer.work(), *body]
    names, text = writer.names, "\n".join(body)
    sizes = tuple(symbol for symbol in symbols if _mentions(text, names.of_size(symbol)))
    parameters = [f"{WHOLE} {names.of_size(symbol)}" for symbol in sizes]
    arguments = []
    for place, argument in enumerate(program.arguments):
        shown = names.of(argument.name)
        if _mentions(text, shown):
            arguments.append(place)
            kind = writer._type(argument.kind)
            parameters.append(f"const {kind} *restrict {shown}" if argument.labels else f"{kind} {shown}")
    results = []
    for result in program.results:
        value = writer.values[result]
        parameters.append(f"{writer._type(value.kind)} *restrict {names.of(result)}")
        results.append((value.labels, value.kind))
    work = writer.work_size(REAL), writer.work_size(INTEGER)
    parameters += [f"{precision.name} *restrict work"] if work[0] != 0 else []
    parameters += [f"{WHOLE} *restrict places"] if work[1] != 0 else []
    first = PRECISIONS[0]
    notes = [*comment] if precision is first else [f"{name}{first.suffix} in {precision.name}."]
    if is_elementwise and precision is first:
        notes += ["", f"{parameters[0].split()[-1]}: how many entries each array has."]
    if work[0] != 0 and precision is first:
        notes += ["", f"work: memory for {writer.size(work[0])} numbers."]
    if work[1] != 0 and precision is first:
        notes += ["", f"places: memory for {writer.size(work[1])} whole numbers."]
    if writer.failed and precision is first:
        notes += ["", "The value is 1 if a matrix has no inverse, and the results are of no use then; 0 otherwise."]
    head = _signature(f"{'int' if writer.failed else 'void'} {name}{precision.suffix}", parameters)
    indented = [part for line in body for part in ([line] if line.startswith("#") else broken(INDENT + line))]
    lines = [*_comment(notes), *head, "{", *indented, "}"]
    return CFunction(
        f"{name}{precision.suffix}",
        "\n".join(lines) + "\n",
        precision,
        sizes,
        tuple(arguments),
        tuple(results),
        work,
        bool(writer.failed),
    )


def _symbols(program: Program, first: Sequence[Symbol]) -> list[Symbol]:
    """Return a program's sizes, those that are said first in their order."""
    found: dict[Symbol, None] = {}
    labels = [label for argument in program.arguments for label in argument.labels]
    labels += [label for statement in program.statements for label in statement.labels]
    for label in labels:
        found.update(dict.fromkeys(sorted(label.size.free_symbols, key=str)))
    for statement in program.statements:
        for operand in statement.operands:
            for label in operand.labels:
                found.update(dict.fromkeys(sorted(label.size.free_symbols, key=str)))
        if isinstance(statement.op, Constant):
            found.update(dict.fromkeys(sorted(statement.op.value.free_symbols, key=str)))
        if isinstance(statement.op, Shift):
            found.update(dict.fromkeys(sorted(statement.op.offset.free_symbols, key=str)))
        if isinstance(statement.op, Windows):
            found.update(dict.fromkeys(sorted(statement.op.sizes, key=str)))
            for label in statement.op.indices():
                found.update(dict.fromkeys(sorted(label.size.free_symbols, key=str)))
    found.update(dict.fromkeys(program.parameters))
    return [*(symbol for symbol in first if symbol in found), *(symbol for symbol in found if symbol not in first)]


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _signature(start: str, parameters: Sequence[str]) -> list[str]:
    line = f"{start}({', '.join(parameters)})"
    if len(line) <= WIDTH:
        return [line]
    lines = [f"{start}("]
    for place, parameter in enumerate(parameters):
        shown = parameter + (")" if place == len(parameters) - 1 else ",")
        if len(lines[-1]) + len(shown) < WIDTH and place:
            lines[-1] += f" {shown}"
        elif place:
            lines.append(2 * INDENT + shown)
        else:
            lines[-1] += shown
    return lines


def _comment(lines: Sequence[str]) -> list[str]:
    safe = [line.replace("*/", "* /").replace("/*", "/ *") for line in lines]
    first, *others = [part for line in safe for part in wrapped(line, WIDTH)]
    if not others:
        return [f"/* {first} */"]
    return [f"/* {first}", *(f" * {line}".rstrip() for line in others), " */"]


#: The headers, and the names for which they are needed.
HEADERS = {
    "math.h": r"INFINITY|NAN|(copysign|sqrt|cbrt|pow|exp|log|(a?(sin|cos|tan)h?)|ceil|rint|trunc|ldexp|f\w+)f?\(",
    "stddef.h": r"ptrdiff_t",
    "stdint.h": r"u?int\d+_t",
    "string.h": r"mem\w+\(",
}


def c_file(functions: Sequence[CFunction], comment: Sequence[str] = ()) -> str:
    """Return a file that stands alone: the functions, and before them what they call."""
    parts = ["\n".join(_comment(comment)) + "\n"] if comment else []
    code = []
    for precision in PRECISIONS:
        own = [function.text for function in functions if function.precision is precision]
        code += [*helper_texts("\n".join(own), precision), *own]
    bare = re.sub(r"(?s)/\*.*?\*/", "", "\n".join(code))
    needed = [header for header, names in HEADERS.items() if re.search(rf"\b({names})", bare)]
    parts.append("".join(f"#include <{header}>\n" for header in needed))
    return "\n".join([*parts, *code])
