"""Small passes from program to program; the verifier runs after each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import sympy

from codegen.ops import Constant, Gather, Labels, Map, Operand, Reduce, Scatter
from codegen.program import NUMBER, REAL, Argument, Program, Statement
from codegen.program_checks import verify
from codegen.splitting import split_sums
from derive.indices import Index

Axes = tuple[Index | None, ...]


def improve(program: Program) -> Program:
    """Return the program without what is not used, with its layout decided."""
    program = remove_unused(program)
    for improvement in PASSES:
        program = verify(remove_unused(improvement(program)))
    return program


def for_numpy(program: Program) -> Program:
    """Return a program with fewer passes over memory where each operation is one."""
    for improvement in FOR_NUMPY:
        program = verify(remove_unused(improvement(program)))
    return program


def remove_unused(program: Program) -> Program:
    """Drop statements that no result needs."""
    needed = set(program.results)
    kept: list[Statement] = []
    for statement in reversed(program.statements):
        if statement.name in needed:
            kept.append(statement)
            needed.update(operand.name for operand in statement.operands)
    return program.with_statements(reversed(kept))


def share_sums(program: Program) -> Program:
    """Divide a sum by its number of terms where both the sum and the mean are wanted."""
    sums = {
        (statement.operands[0].name, _over(statement)): statement
        for statement in program.statements
        if isinstance(statement.op, Reduce) and statement.op.function == "sum"
    }
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement.op, Reduce) and statement.op.function == "mean":
            total = sums.get((statement.operands[0].name, _over(statement)))
            if total is not None:
                terms = sympy.prod([label.size for label in statement.op.over])
                if total not in statements:
                    statements.append(total)
                divisor = Statement(f"{statement.name}/", Constant(terms), (), (), NUMBER)
                operands = (Operand(total.name, statement.labels), Operand(divisor.name))
                statements += [divisor, replace(statement, op=Map("div"), operands=operands)]
                continue
        if statement not in statements:
            statements.append(statement)
    return program.with_statements(statements)


def _over(statement: Statement) -> tuple[int, ...]:
    labels = statement.operands[0].labels
    assert isinstance(statement.op, Reduce)
    return tuple(labels.index(label) for label in statement.op.over)


def keep_axes(program: Program) -> Program:
    """Let what was reduced keep its axis with size 1 where everything that uses it wants to broadcast it back.

    ``total`` in ``e / total`` is then ``e.sum(axis=1, keepdims=True)`` and not ``e.sum(axis=1)[:, None]``.
    """
    patterns: dict[str, Axes] = {}
    for statement in program.statements:
        pattern = None if statement.name in program.results else _natural_axes(statement, patterns)
        if pattern is not None:
            patterns[statement.name] = pattern
    users: dict[str, list[tuple[Statement, Operand]]] = {}
    for statement in program.statements:
        for operand in statement.operands:
            users.setdefault(operand.name, []).append((statement, operand))
    axes: dict[str, Axes] = {}
    for statement in reversed(program.statements):
        pattern = patterns.get(statement.name)
        fits = pattern is not None and all(
            _sums_everything(program, user)
            or broadcasts(renamed(pattern, statement.labels, operand.labels), _target(user, operand, axes[user.name]))
            for user, operand in users[statement.name]
        )
        axes[statement.name] = pattern if pattern is not None and fits else statement.labels
    return program.with_statements(
        replace(statement, kept=axes[statement.name]) if axes[statement.name] != statement.labels else statement
        for statement in program.statements
    )


def _sums_everything(program: Program, user: Statement) -> bool:
    """Whether a use adds up all there is, where an axis of size 1 counts for nothing and ``[..., 0]`` is spared."""
    is_sum = isinstance(user.op, Reduce) and user.op.function in ("sum", "mean", "max")
    return program.leading is not None and is_sum and not user.labels


def _target(user: Statement, operand: Operand, axes: Axes) -> Axes:
    """Return the axes that a use broadcasts an operand to, none where it takes it as it is."""
    if isinstance(user.op, Gather) and user.op.along and operand == user.operands[1]:
        return user.op.along_axes
    return axes if isinstance(user.op, Map) else ()


def _natural_axes(statement: Statement, patterns: dict[str, Axes]) -> Axes | None:
    """Return the axes with the reduced ones kept, None where nothing was reduced or nothing is left."""
    op = statement.op
    if not statement.labels:
        return None
    if isinstance(op, Reduce):
        if op.function == "argmax" and len(op.over) > 1:
            return None
        return tuple(None if label in op.over else label for label in statement.operands[0].labels)
    if isinstance(op, Gather) and op.along:
        return op.along_axes
    if isinstance(op, Map):
        arrays = [operand for operand in statement.operands if operand.labels]
        found = {
            renamed(patterns[operand.name], _own_labels(patterns[operand.name]), operand.labels)
            if operand.name in patterns
            else None
            for operand in arrays
        }
        return found.pop() if len(found) == 1 else None
    return None


def _own_labels(axes: Axes) -> Labels:
    return tuple(axis for axis in axes if axis is not None)


def renamed(axes: Axes, own: Labels, new: Labels) -> Axes:
    """Return axes with a value's own labels replaced by those of a use of it."""
    names = dict(zip(own, new, strict=True))
    return tuple(None if axis is None else names[axis] for axis in axes)


def broadcasts(axes: Axes, target: Axes) -> bool:
    """Whether an array of these axes broadcasts to the target as it is.

    Example:
        >>> from derive.indices import size
        >>> n, k = Index("n", size("N")), Index("k", size("K"))
        >>> broadcasts((n, None), (n, k)), broadcasts((k,), (n, k)), broadcasts((n,), (n, k))
        (True, True, False)
    """
    if len(axes) > len(target):
        return False
    return all(axis is None or axis == goal for axis, goal in zip(reversed(axes), reversed(target), strict=False))


def share_terms(program: Program) -> Program:
    """Let a sum that has all terms of another one add to it: ``x - row_max - log(total)`` to ``x - row_max``."""
    sums: list[Statement] = []
    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement.op, Map) and statement.op.function == "add":
            for known in reversed(sums):
                rest = _beyond(known, statement) if len(known.operands) < len(statement.operands) else None
                if rest is not None:
                    signs, operands = zip(*rest, strict=True)
                    statement = replace(statement, op=Map("add", signs), operands=operands)
                    break
            sums.append(statement)
        statements.append(statement)
    return program.with_statements(statements)


def _beyond(known: Statement, statement: Statement) -> list[tuple[int, Operand]] | None:
    """Return a sum as another and the terms that it has beyond it, None if it has not all terms of that."""
    rest = _terms(statement)
    names: dict[Index, Index] = {}
    for sign, term in _terms(known):
        found = next((each for each in rest if each[0] == sign and each[1].name == term.name), None)
        if found is None:
            return None
        rest.remove(found)
        for own, other in zip(term.labels, found[1].labels, strict=True):
            if names.setdefault(own, other) != other:
                return None
    labels = tuple(names[label] for label in known.labels)
    return [(1, Operand(known.name, labels)), *rest] if labels == statement.labels else None


def _terms(statement: Statement) -> list[tuple[int, Operand]]:
    assert isinstance(statement.op, Map)
    signs = statement.op.signs or (1,) * len(statement.operands)
    return list(zip(signs, statement.operands, strict=True))


def share_tails(program: Program) -> Program:
    """Let ``log(1 + exp(x))`` and ``log(1 + exp(-x))`` share what is costly: ``max(x, 0)`` and ``max(-x, 0)`` with it.

    The tail of both is ``log(1 + exp(-abs(x)))``.
    """
    values = program.values
    found = {each.operands[1].name: each for each in program.statements if _is_softplus(each, values)}
    tails: dict[str, str] = {}
    for name in found:
        value = values[name]
        if isinstance(value, Statement) and _is_map(value, "neg") and value.operands[0].name in found:
            tails |= dict.fromkeys((name, value.operands[0].name), value.operands[0].name)
    statements: list[Statement] = []
    made: dict[str, Operand] = {}
    for statement in program.statements:
        source = tails.get(statement.operands[1].name) if _is_softplus(statement, values) else None
        if source is None:
            statements.append(statement)
            continue
        zero, own = statement.operands
        if source not in made:
            operand = Operand(source, own.labels)
            tail = Statement(f"{source}tail", Map("softplus_tail"), (operand,), own.labels, REAL)
            statements.append(tail)
            made[source] = Operand(tail.name, own.labels)
        above = Statement(f"{statement.name}>", Map("maximum"), (own, zero), own.labels, REAL)
        terms = (Operand(made[source].name, own.labels), Operand(above.name, own.labels))
        statements += [above, replace(statement, op=Map("add", (1, 1)), operands=terms)]
    return program.with_statements(statements)


def _is_map(statement: Statement, function: str) -> bool:
    return isinstance(statement.op, Map) and statement.op.function == function


def _is_softplus(statement: Statement, values: Mapping[str, Argument | Statement]) -> bool:
    if not _is_map(statement, "logaddexp"):
        return False
    first = values[statement.operands[0].name]
    is_zero = isinstance(first, Statement) and isinstance(first.op, Constant) and first.op.value == 0
    return is_zero and statement.operands[1].labels == statement.labels


def scale_before_adding(program: Program) -> Program:
    """Let a number multiply what others are added to: ``dz = p * c; dz[at] -= c`` and not ``dz[at] -= 1; dz *= c``.

    The base, which would be copied, is gone through once and not twice.
    """
    uses, values = program.uses, program.values
    statements: list[Statement] = []
    for statement in program.statements:
        parts = _scaled(statement, values, uses)
        statements += [statement] if parts is None else parts
    return program.with_statements(statements)


def _scaled(
    statement: Statement, values: Mapping[str, Argument | Statement], uses: Mapping[str, int]
) -> list[Statement] | None:
    """Return a scattered sum times numbers as the sum of what is multiplied by them, None where it is none."""
    large = [operand for operand in statement.operands if operand.labels]
    scatter = values[large[0].name] if len(large) == 1 else None
    if not isinstance(scatter, Statement) or not isinstance(scatter.op, Scatter) or not scatter.op.has_base:
        return None
    is_scale = isinstance(statement.op, Map) and statement.op.function in ("mul", "div")
    if not is_scale or not large[0].labels == scatter.labels == statement.labels:
        return None
    assert isinstance(statement.op, Map)
    if statement.op.function == "div" and statement.operands[0] != large[0]:
        return None
    base, value, *positions = scatter.operands
    scales = [operand for operand in statement.operands if operand is not large[0]]
    if uses[scatter.name] > 1 or not isinstance(values[base.name], Argument) or base.labels != scatter.labels:
        return None
    made = [replace(statement, name=f"{statement.name}~", tensor=None, into=None, operands=(base, *scales))]
    number = values[value.name]
    is_one = isinstance(number, Statement) and isinstance(number.op, Constant) and abs(number.op.value) == 1
    if statement.op.function == "mul" and is_one and len(scales) == 1:
        added = scales[0]
        if isinstance(number, Statement) and isinstance(number.op, Constant) and number.op.value == -1:
            made.append(Statement(f"{statement.name}-", Map("neg"), (added,), (), values[added.name].kind))
            added = Operand(made[-1].name)
    else:
        labels = tuple(value.labels)
        made.append(Statement(f"{statement.name}+", statement.op, (value, *scales), labels, REAL))
        added = Operand(made[-1].name, labels)
    operands = (Operand(made[0].name, statement.labels), added, *positions)
    scatter = replace(scatter, name=statement.name, tensor=statement.tensor, operands=operands, into=made[0].name)
    return [*made, scatter]


def reuse_scattered(program: Program) -> Program:
    """Let numbers be added into a fresh base where it lies, and what follows take that memory: ``dz /= N``."""
    uses, values = program.uses, program.values
    statements: list[Statement] = []
    for statement in program.statements:
        for operand in _reusable(statement):
            value = values[operand.name]
            fits = operand.labels == statement.labels == statement.axes and uses[operand.name] == 1
            if isinstance(value, Statement) and fits and statement.into is None:
                adds = isinstance(statement.op, Scatter) and not (value.is_view or isinstance(value.op, Constant))
                if adds or isinstance(value.op, Scatter):
                    statement = replace(statement, into=operand.name)
        statements.append(statement)
    return program.with_statements(statements)


def _reusable(statement: Statement) -> tuple[Operand, ...]:
    """Return the operands that an operation can be done in the memory of."""
    op = statement.op
    if isinstance(op, Scatter):
        return statement.operands[: op.has_base]
    if isinstance(op, Map) and op.function in ("mul", "div"):
        return statement.operands if op.function == "mul" else statement.operands[:1]
    return ()


def return_last(program: Program) -> Program:
    """Let what is computed from the arguments alone, and only returned, come last: its memory is not taken before.

    ``p = sigmoid(z)``, which a loss's backward pass needs and the loss does not, comes after the loss.
    """
    uses, values = program.uses, program.values
    late = {
        statement.name
        for statement in program.statements
        if statement.name in program.results
        and uses[statement.name] == 1
        and isinstance(statement.op, Map)
        and statement.into is None
        and all(isinstance(values[operand.name], Argument) for operand in statement.operands)
    }
    ordered = sorted(program.statements, key=lambda statement: statement.name in late)
    return program.with_statements(ordered)


PASSES: tuple[Callable[[Program], Program], ...] = (share_sums, keep_axes, reuse_scattered)
#: Passes for NumPy, where every operation goes through memory; in C it is the loops that save it.
FOR_NUMPY: tuple[Callable[[Program], Program], ...] = (
    share_terms,
    share_tails,
    split_sums,
    scale_before_adding,
    return_last,
)
