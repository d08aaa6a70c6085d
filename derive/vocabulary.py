"""The words of the text form: its functions, and the names that they take away from tensors and indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import NamedTuple

import sympy
from sympy import Expr, Rational

from derive.definitions import Definition
from derive.functions import Maximum, Minimum, without_cotangents
from derive.indices import Tensor
from derive.matrices import Determinant, Inverse, LogDeterminant
from derive.operation import Operation
from derive.record import Record


class ScalarFunction(NamedTuple):
    """A function of numbers: the names of its arguments, and what makes the expression."""

    arguments: tuple[str, ...]
    make: Callable[..., Expr]


def square_root(argument: Expr) -> Expr:
    return sympy.Pow(argument, Rational(1, 2))


def tangent(argument: Expr) -> Expr:
    return without_cotangents(sympy.tan(argument))


SCALAR_FUNCTIONS = {
    "exp": ScalarFunction(("x",), sympy.exp),
    "log": ScalarFunction(("x",), sympy.log),
    "sqrt": ScalarFunction(("x",), square_root),
    "sin": ScalarFunction(("x",), sympy.sin),
    "cos": ScalarFunction(("x",), sympy.cos),
    "tan": ScalarFunction(("x",), tangent),
    "asin": ScalarFunction(("x",), sympy.asin),
    "acos": ScalarFunction(("x",), sympy.acos),
    "atan": ScalarFunction(("x",), sympy.atan),
    "sinh": ScalarFunction(("x",), sympy.sinh),
    "cosh": ScalarFunction(("x",), sympy.cosh),
    "tanh": ScalarFunction(("x",), sympy.tanh),
    "erf": ScalarFunction(("x",), sympy.erf),
    "abs": ScalarFunction(("x",), sympy.Abs),
    "sign": ScalarFunction(("x",), sympy.sign),
    "max": ScalarFunction(("a", "b"), Maximum),
    "min": ScalarFunction(("a", "b"), Minimum),
}
#: Functions of a matrix; their arguments are its entry, and the indices of its rows and columns.
MATRIX_FUNCTIONS = {"inv": Inverse, "det": Determinant, "logdet": LogDeterminant}
#: How the functions that are not of numbers alone are written.
WRITTEN = {
    "sum": "sum(x[n,k], k)",
    "mean": "mean(x[n,k], k)",
    "argmax": "argmax(x[n,k], k)",
    "where": "where(x[n] > 0, x[n], 0)",
    "delta": "delta(i, j)",
    "diff": "diff(y[n,k], x[n,j])",
    "inv": "inv(a[i,j], i, j)[k,l]",
    "det": "det(a[i,j], i, j)",
    "logdet": "logdet(a[i,j], i, j)",
    "max": "max(a, b), or max(x[n,k], k) over an index",
}
#: Functions whose arguments after the first are the indices that they bind (max too, where its second is an index).
BINDING = ("sum", "mean", "argmax", *MATRIX_FUNCTIONS)
FUNCTIONS = tuple({**SCALAR_FUNCTIONS, **WRITTEN})
#: Functions where they are called, which may name tensors all the same: tables of sines are called ``sin``.
NOT_RESERVED = ("diff", *MATRIX_FUNCTIONS, "sin", "cos", "tan", "asin", "acos", "atan")
RESERVED = frozenset((*FUNCTIONS, "pi")) - frozenset(NOT_RESERVED)


def scalar_operation(name: str) -> Operation:
    """Return the elementwise operation that a function of numbers is.

    Example:
        >>> scalar_operation("tanh").is_elementwise
        True
    """
    function = SCALAR_FUNCTIONS[name]
    inputs = tuple(Tensor(argument) for argument in function.arguments)
    definition = Definition(Tensor("y")(), function.make(*(tensor() for tensor in inputs)))
    return Operation((definition,), inputs, Record(name, f"y = {name}({', '.join(function.arguments)})"))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is nearest, capitals, hyphens and underscores aside; None where none is near.

    Example:
        >>> nearest("LayerNorm", ["softmax", "layer-norm"])
        'layer-norm'
    """
    plain = {without_marks(each): each for each in reversed(list(known))}  # Of words alike the first one counts.
    close = get_close_matches(without_marks(word), list(reversed(plain)), n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def without_marks(word: str) -> str:
    """Return a word in small letters without hyphens and underscores.

    Example:
        >>> without_marks("Cross-Entropy")
        'crossentropy'
    """
    return word.lower().replace("-", "").replace("_", "")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" for the nearest known word, or nothing.

    Example:
        >>> suggest("sigmod", ["exp", "sigmoid"])
        'did you mean sigmoid?'
    """
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""
