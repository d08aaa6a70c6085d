"""What is read from the texts of passes and from values that are given, before any layout is tried."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.roles import is_label
from codegen.checking.subjects import Subject
from codegen.checking.values import FIRST, GIVEN, NUMBER, Spec

Array = NDArray[Any]
#: What is a small number.
SMALL = 1e-3


def small_numbers(source: str) -> list[float]:
    """Return the small numbers in a text, such as are added below a root or a logarithm.

    Example:
        >>> small_numbers("np.log(p + 1e-7) / 2e-1 + 0.00001")
        [1e-07, 1e-05]
    """
    found = re.findall(r"(?<![\w.])(?:\d+(?:\.\d*)?e-\d+|0\.000\d+)", source)
    return [float(each) for each in found if float(each) < SMALL]


def is_guarded(source: str) -> bool:
    """Whether a small number is added below a logarithm, which keeps it from what it is not defined for.

    Example:
        >>> is_guarded("loss = -np.log(p[i] + 1e-9).mean()"), is_guarded("loss = np.log(p) + 1e-9")
        (True, False)
    """
    for node in ast.walk(parsed(source)):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "log"
        if not is_call or not isinstance(node, ast.Call) or not node.args:
            continue
        argument = node.args[0]
        if isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
            added = ast.unparse(argument.right)
            if small_numbers(added) or re.search(r"eps|tiny|small|delta", added):
                return True
    return False


def documented_axes(source: str) -> dict[str, tuple[str, ...]]:
    """Return the shapes that a function's docstring gives its arguments, where their letters are sizes that are known.

    A letter may stand twice, as that of a square matrix, and an axis may be a number or a product, such as ``3*K``.

    Example:
        >>> lines = ["def f(x, w, n):", " 'Args:", " x: data of shape (N, D)", " w : (D, M)", " n: an (int)'"]
        >>> documented_axes("\\n".join(lines).replace("'", 3 * "'"))
        {'x': ('N', 'D'), 'w': ('D', 'M')}
    """
    functions = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.FunctionDef)]
    text = ast.get_docstring(functions[0]) if functions else None
    found: dict[str, tuple[str, ...]] = {}
    for name, inside in re.findall(r"^[ \t-]*(\w+) ?:[^(\n]*\(([^()\n]*)\)", text or "", re.MULTILINE):
        words = [word.replace(" ", "") for word in inside.strip().rstrip(",").split(",")]
        axes = tuple("N" if word == "..." else word for word in words)
        has_letter = not all(axis.isdigit() for axis in axes)
        if has_letter and all(factor in FIRST or factor.isdigit() for axis in axes for factor in axis.split("*")):
            found.setdefault(name, axes)
    return found


def compared_strings(subject: Subject) -> dict[str, list[str]]:
    """Return the strings that the passes compare names and attributes with: those that an argument may be."""
    found: dict[str, list[str]] = {}
    for source in (subject.forward_source, subject.source):
        for node in ast.walk(parsed(source)):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.In):
                continue
            name = getattr(node.left, "id", getattr(node.left, "attr", ""))
            for each in ast.walk(node.comparators[0]):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and name:
                    found.setdefault(name, []).append(each.value)
    return {name: list(dict.fromkeys(words)) for name, words in found.items()}


def counts_axes(subject: Subject) -> bool:
    """Whether a backward pass reshapes to rows, whatever comes before them, or counts with the number of axes."""
    for node in ast.walk(parsed(subject.source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            sizes = [ast.unparse(each) for each in node.args]
            if len(sizes) == 2 and sizes[0] == "-1" and not sizes[1].isdigit():
                return True
        if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Attribute) and node.left.attr == "ndim":
            return True
    return False


def is_one_line(source: str) -> bool:
    """Whether a function does nothing but return an expression.

    Example:
        >>> is_one_line("def f(x):\\n    return x * (1 - x)"), is_one_line("def f(x):\\n    s = x\\n    return s")
        (True, False)
    """
    functions = [each for each in parsed(source).body if isinstance(each, ast.FunctionDef)]
    body = functions[0].body if functions else []
    told = [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return len(told) == 1 and isinstance(told[0], ast.Return)


def parsed(source: str) -> ast.Module:
    """Return the syntax tree of a function's text; an empty one where there is none."""
    try:
        return ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return ast.Module([], [])


def given_specs(name: str, value: Any) -> list[Spec]:
    """Return what a value that is given may be: numbers that are moved a little from draw to draw, or as they are.

    Labels are left as they are; whole numbers are numbers where the forward pass takes them so.
    """
    if not isinstance(value, np.ndarray):
        return [Spec(NUMBER, number=value)]
    axes = tuple(map(str, value.shape))
    as_it_is = Spec(NUMBER, axes, number=value.copy())
    moved = Spec(GIVEN, axes, number=value.astype(float) if value.dtype.kind in "iuf" else value)
    if value.dtype.kind == "f":
        return [as_it_is] if is_label(name) and _is_distribution(value) else [moved]
    return [moved, as_it_is] if value.dtype.kind in "iu" and not is_label(name) else [as_it_is]


def _is_distribution(value: Array) -> bool:
    """Whether an array holds 0 and 1 alone, or rows that sum to 1: moved, it would be no labels any more."""
    if not value.size or not value.ndim:
        return False
    return bool(np.isin(value, (0.0, 1.0)).all() or np.allclose(value.sum(axis=-1), 1.0))


def first_line(text: str) -> str:
    """Return the first line of a text, cut where it is long."""
    line = re.split(r"[\r\n]", text.strip(), maxsplit=1)[0]
    return line if len(line) <= 160 else f"{line[:157]}..."
