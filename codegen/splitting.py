"""Sums of a difference as a difference of sums, where that spares an array and loses no digits.

``sum_nk t (s - b)`` with ``s = x - max(x)`` and ``b = log(total)`` needs an array of the differences;
``sum_nk t s - sum_n (sum_k t) b`` needs none. Apart from their order, the additions are the same numbers': s is never
above 0 and b, the logarithm of a sum in which the largest exponential is 1, never below, so that ``|s| + |b|`` is
``|s - b|`` and no sum of the parts is larger than that of the wholes. Where that is not known, nothing is split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.ops import Map, Operand, Reduce
from codegen.program import REAL, Argument, Program, Statement

Values = Mapping[str, Argument | Statement]


def split_sums(program: Program) -> Program:
    """Return a program in which sums of ``t (s - b)`` over everything are differences of two sums."""
    values, uses = program.values, program.uses
    statements: list[Statement] = []
    for statement in program.statements:
        parts = _parts(statement, values, uses)
        statements += [_turned(statement, statements, uses)] if parts is None else parts
    return program.with_statements(statements)


def _parts(statement: Statement, values: Values, uses: Mapping[str, int]) -> list[Statement] | None:
    """Return what computes a sum as a difference of two, None where it is not to be split."""
    if not isinstance(statement.op, Reduce) or statement.op.function != "sum" or statement.labels:
        return None
    product = _once(statement.operands[0], values, uses, "mul")
    if product is None or len(product.operands) != 2:
        return None
    weights, difference = product.operands
    inner = _once(difference, values, uses, "add")
    if inner is None or len(inner.operands) != 2:
        weights, difference = difference, weights
        inner = _once(difference, values, uses, "add")
    if inner is None or inner.op != Map("add", (1, -1)) or weights.labels != product.labels:
        return None
    below, above = inner.operands
    row = values[above.name]
    is_smaller = below.labels == inner.labels == product.labels and set(above.labels) < set(inner.labels)
    if not is_smaller or not isinstance(row, Statement) or not _have_opposite_signs(below, above, values):
        return None
    names = dict(zip(product.labels, statement.operands[0].labels, strict=True))
    weights, below, above = (each.relabelled(names) for each in (weights, below, above))
    over = tuple(label for label in weights.labels if label not in above.labels)
    name = statement.name
    weight = Statement(f"{name}w", Reduce("sum", over), (weights,), above.labels, REAL, kept=row.kept)
    rows = (Operand(weight.name, above.labels), above)
    scaled = Statement(f"{name}r", Map("mul"), rows, above.labels, REAL, kept=row.kept)
    first = Statement(f"{name}a", Reduce("sum", above.labels), (Operand(scaled.name, above.labels),), (), REAL)
    whole = Statement(f"{name}p", Map("mul"), (weights, below), weights.labels, REAL)
    second = Statement(f"{name}b", Reduce("sum", weights.labels), (Operand(whole.name, weights.labels),), (), REAL)
    total = replace(statement, op=Map("add", (1, -1)), operands=(Operand(second.name), Operand(first.name)))
    return [whole, second, weight, scaled, first, total]


def _once(operand: Operand, values: Values, uses: Mapping[str, int], function: str) -> Statement | None:
    """Return the statement that makes an operand, if that is a function of numbers and nothing else reads it."""
    found = values[operand.name]
    is_map = isinstance(found, Statement) and isinstance(found.op, Map) and found.op.function == function
    return found if isinstance(found, Statement) and is_map and uses[found.name] == 1 else None


def _have_opposite_signs(below: Operand, above: Operand, values: Values) -> bool:
    """Whether the first is ``x - max(x)``, and the second the logarithm of the sum of its exponentials."""
    shifted, logarithm = values[below.name], values[above.name]
    if not isinstance(shifted, Statement) or shifted.op != Map("add", (1, -1)):
        return False
    source, largest = shifted.operands[0], values[shifted.operands[1].name]
    is_shifted = (
        isinstance(largest, Statement)
        and isinstance(largest.op, Reduce)
        and largest.op.function == "max"
        and largest.operands[0].name == source.name
        and source.labels == shifted.labels
    )
    if not is_shifted or not isinstance(logarithm, Statement) or logarithm.op != Map("log"):
        return False
    total = values[logarithm.operands[0].name]
    if not isinstance(total, Statement) or not isinstance(total.op, Reduce) or total.op.function != "sum":
        return False
    exps = values[total.operands[0].name]
    is_exponential = isinstance(exps, Statement) and exps.op == Map("exp") and exps.operands[0].name == shifted.name
    assert isinstance(largest, Statement) and isinstance(largest.op, Reduce)
    return is_exponential and _summed(total) == _summed(largest)


def _summed(statement: Statement) -> tuple[int, ...]:
    """Return which axes of its operand a reduction goes over."""
    assert isinstance(statement.op, Reduce)
    labels = statement.operands[0].labels
    return tuple(sorted(labels.index(label) for label in statement.op.over))


def _turned(statement: Statement, before: list[Statement], uses: Mapping[str, int]) -> Statement:
    """Return ``-((b - a) / n)`` as ``(a - b) / n``: what it reads is changed among the statements before."""
    if statement.op != Map("neg") or statement.labels:
        return statement
    known = {each.name: each for each in before}
    scaled = known.get(statement.operands[0].name)
    if scaled is None or scaled.op != Map("div") or uses[scaled.name] != 1:
        return statement
    inner = known.get(scaled.operands[0].name)
    if inner is None or inner.op != Map("add", (1, -1)) or inner.labels or uses[inner.name] != 1:
        return statement
    before[before.index(inner)] = replace(inner, operands=inner.operands[::-1])
    before.remove(scaled)
    return replace(statement, op=scaled.op, operands=scaled.operands)
