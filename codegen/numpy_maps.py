"""Elementwise functions of expressions, put together as they stand: SymPy rearranges nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sympy import Add, Expr, Integer, Mul, Pow
from sympy.core.symbol import Str

from codegen.elementary import FUNCTIONS, RELATIONS
from codegen.numpy_printer import (
    ATOM,
    PRODUCT,
    FullLike,
    Square,
    SquareRoot,
    Text,
    level_of,
    negated,
    numpy_text,
    postfix,
)
from codegen.ops import Constant, Map
from codegen.program import NUMBER, REAL, Argument, Statement
from derive.functions import Where
from derive.indicators import Bracket
from derive.indices import Node

SYMBOLS = {name: symbol for symbol, name in RELATIONS.items()}


def build_map(op: Map, operands: Sequence[Expr]) -> Expr:
    """Return an elementwise expression as it stands; SymPy rearranges nothing."""
    function = op.function
    if function == "add":
        signs = op.signs or (1,) * len(operands)
        return Add(*(x if s > 0 else negated(x) for s, x in zip(signs, operands, strict=True)), evaluate=False)
    if function == "mul":
        return Mul(*(part for factor in operands for part in _flat_factors(factor)), evaluate=False)
    if function in SYMBOLS:
        return Expr.__new__(Bracket, Str(SYMBOLS[function]), *operands)
    if function == "square":
        (base,) = operands
        is_name = isinstance(base, Text) and re.fullmatch(r"\w+", base.text)
        return Mul(base, base, evaluate=False) if is_name else Square(base, evaluate=False)
    build = _BUILD.get(function)
    if build is not None:
        return build(*operands)
    node = FUNCTIONS[function]
    if issubclass(node, Node):
        return Expr.__new__(node, *operands)
    return node(*operands, evaluate=False)


def filled_branch(statement: Statement, values: Mapping[str, Argument | Statement]) -> int | None:
    """Return which operand of a choice between an array and a whole number is the number, None in other statements.

    It is written as a floating one, which makes floats of an array of integers and leaves other dtypes as they are.
    """
    if not isinstance(statement.op, Map) or statement.op.function != "where" or not statement.labels:
        return None
    branches = [values[operand.name] for operand in statement.operands[1:]]
    whole = [
        place
        for place, value in enumerate(branches, 1)
        if isinstance(value, Statement) and isinstance(value.op, Constant) and value.op.value.is_Integer
    ]
    return whole[0] if len(whole) == 1 and all(value.kind in (REAL, NUMBER) for value in branches) else None


def _flat_factors(factor: Expr) -> tuple[Expr, ...]:
    """Return the factors of a product without a sign: ``a * (b / c)`` is written ``a * b / c``."""
    return factor.args if isinstance(factor, Mul) and level_of(factor) == PRODUCT else (factor,)


def _infix(above: Expr, sign: str, below: Expr) -> Expr:
    left = numpy_text(above) if level_of(above) == ATOM else f"({numpy_text(above)})"
    return Text(f"{left} {sign} {postfix(below)}", PRODUCT)


_BUILD: Mapping[str, Callable[..., Expr]] = {
    "div": lambda above, below: Mul(above, Pow(below, Integer(-1), evaluate=False), evaluate=False),
    "neg": negated,
    "pow": lambda base, exponent: Pow(base, exponent, evaluate=False),
    "sqrt": lambda base: SquareRoot(base, evaluate=False),
    "where": lambda *operands: Expr.__new__(Where, *operands),
    "clip": lambda *operands: Text(f"np.clip({', '.join(map(numpy_text, operands))})"),
    "floor_divide": lambda above, below: _infix(above, "//", below),
    "remainder": lambda above, below: _infix(above, "%", below),
    "full_like": lambda array, number: FullLike(array, number, evaluate=False),
}
