"""What a backward pass in C is given: what takes memory to keep and little to compute again is computed again.

Writing an array and reading it back takes longer than an exponential of each of its numbers. So a value of the forward
pass that the backward pass needs, and that is a function of single numbers of inputs and of values with fewer indices,
is not kept: these are, sums and maxima of rows, and the backward pass computes it from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from codegen.c_program import cost, is_pointwise, reads
from codegen.naming import Names
from codegen.ops import Constant, Gather, Operand, Windows
from codegen.passes import remove_unused
from codegen.program import Argument, Program, Statement
from derive.indices import Index, Tensor

#: The most that an element may cost that is computed again; an addition costs 1.
MOST = 100
#: The most that an element of an output may cost beyond what is computed anyway, for it not to be read back.
FEW = 10


@dataclass(frozen=True)
class Passes:
    """The two programs; the forward pass returns the outputs and then what it keeps."""

    forward: Program
    backward: Program
    kept: tuple[Tensor, ...]


def plan_passes(forward: Program, backward: Program, kept: Iterable[Tensor], taken: Iterable[str]) -> Passes:
    """Return programs that keep less.

    Args:
        forward: returns the outputs and ``kept``.
        backward: takes these.
        kept: intermediate values.
        taken: names that no value may be given.
    """
    kept = tuple(kept)
    if forward.parameters or forward.extents:
        return Passes(forward, backward, kept)
    splicing = _Splicing(forward, set(taken))
    outputs = len(forward.results) - len(kept)
    results = dict(zip(kept, forward.results[outputs:], strict=True))
    for tensor, name in results.items():
        argument = next((each for each in backward.arguments if each.tensor == tensor), None)
        parts = splicing.parts(name) if argument is not None else None
        if argument is not None and parts is not None:
            backward = splicing.spliced(backward, argument, parts)
    for tensor, name in zip(forward.result_tensors[:outputs], forward.results[:outputs], strict=True):
        argument = next((each for each in backward.arguments if each.tensor == tensor), None)
        parts = splicing.parts(name) if argument is not None else None
        if argument is not None and parts is not None and splicing.is_there(backward, parts):
            backward = splicing.spliced(backward, argument, parts)
    found = tuple(each.tensor for each in backward.arguments)
    remaining = {tensor: name for tensor, name in results.items() if tensor in found} | splicing.rows
    forward = replace(
        forward,
        results=(*forward.results[:outputs], *remaining.values()),
        result_tensors=(*forward.result_tensors[:outputs], *remaining),
    )
    return Passes(remove_unused(forward), backward, tuple(remaining))


class _Splicing:
    """Statements of a forward program put into a backward program in the place of an argument."""

    def __init__(self, forward: Program, taken: set[str]) -> None:
        self.forward, self.values = forward, forward.values
        self.names, self.taken = Names(forward), taken
        self.rows: dict[Tensor, str] = {}

    def parts(self, name: str) -> list[str] | None:
        """Return the values that one is computed from, each after what it needs itself; None where it must be kept."""
        value = self.values[name]
        assert isinstance(value, Statement)
        rank = len(value.labels)
        found: dict[str, None] = {}
        total, waiting = 0, [name]
        while waiting:
            current = self.values[waiting.pop()]
            if current.name in found:
                continue
            found[current.name] = None
            if not isinstance(current, Statement):
                continue
            is_row = 0 < len(current.labels) < rank
            if is_row and not isinstance(current.op, Constant) and current.name != name:
                continue
            if not is_pointwise(current) or isinstance(current.op, Gather | Windows):
                return None
            total += cost(current)
            waiting += [access.name for access in reads(current)]
        order = [*(argument.name for argument in self.forward.arguments), *(s.name for s in self.forward.statements)]
        return sorted(found, key=order.index) if total <= MOST else None

    def is_there(self, backward: Program, parts: list[str]) -> bool:
        """Whether a backward program is given all that parts are made of, and computes what is expensive of them."""
        given = {argument.tensor for argument in backward.arguments}
        present = {statement.name for statement in backward.statements}
        more = 0
        for name in parts:
            value = self.values[name]
            if isinstance(value, Argument):
                if value.tensor not in given:
                    return False
            elif f"forward {name}" not in present:
                more += cost(value) if is_pointwise(value) else MOST
        return more < FEW

    def spliced(self, backward: Program, given: Argument, parts: list[str]) -> Program:
        """Return the backward program with the parts in the place of an argument."""
        arguments = [each for each in backward.arguments if each is not given]
        statements: list[Statement] = []
        known = {argument.tensor: argument.name for argument in arguments}
        present = {statement.name for statement in backward.statements}
        renamed: dict[str, str] = {}
        rank = len(given.labels)
        for name in parts:
            value = self.values[name]
            if isinstance(value, Argument) or 0 < len(value.labels) < rank:
                tensor: Tensor = value.tensor if isinstance(value, Argument) else self._row(value)
                if tensor not in known:
                    known[tensor] = f"forward {name}"
                    labels = tuple(Index(f"axis{axis}", size) for axis, size in enumerate(tensor.sizes))
                    arguments.append(Argument(known[tensor], tensor, labels, value.kind))
                renamed[name] = known[tensor]
                continue
            renamed[name] = f"forward {name}"
            if renamed[name] not in present:
                statements.append(_renamed(value, renamed, renamed[name]))
        last = {given.name: renamed[parts[-1]]}
        rest = [_renamed(statement, last, statement.name) for statement in backward.statements]
        order = [f"forward {statement.name}" for statement in self.forward.statements]
        before = [statement for statement in rest if statement.name in order]
        after = [statement for statement in rest if statement.name not in order]
        first = sorted([*before, *statements], key=lambda statement: order.index(statement.name))
        return replace(backward, arguments=tuple(arguments), statements=(*first, *after))

    def _row(self, value: Statement) -> Tensor:
        """Return the tensor that a value of the forward pass is handed on as."""
        for tensor, name in self.rows.items():
            if name == value.name:
                return tensor
        own_tensor = value.tensor
        if own_tensor is None or own_tensor.role:
            word, number = self.names.of(value.name), 1
            own = word
            while own in self.taken:
                number += 1
                own = f"{word}_{number}"
            own_tensor = Tensor(own, tuple(label.size for label in value.labels))
        self.taken.add(own_tensor.name)
        self.rows[own_tensor] = value.name
        return own_tensor


def _renamed(statement: Statement, names: dict[str, str], name: str) -> Statement:
    operands = tuple(Operand(names.get(each.name, each.name), each.labels) for each in statement.operands)
    into = None if statement.into is None else names.get(statement.into, statement.into)
    return replace(statement, name=name, operands=operands, into=into)
