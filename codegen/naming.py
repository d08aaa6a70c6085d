"""Names for a program's values: those of the operation, and telling ones for what has none."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from types import MappingProxyType

from sympy import Rational, Symbol

from codegen.helpers import HELPERS
from codegen.ops import Constant, Contract, Gather, Identity, Map, Operand, Position, Reduce, Scatter, Shift, Windows
from codegen.program import MASK, Program, Statement
from derive.indices import Tensor
from derive.notation import BAR, Notation

RESERVED = frozenset({"np", "float", "range", *HELPERS})
#: Letters that a reader takes for a 1 or a 0.
LIKE_NUMBERS = frozenset({"I", "O", "l"})
#: What an elementwise function makes is called after the function and what it was made of.
STEMS: Mapping[str, str] = MappingProxyType(
    {
        "exp": "exps",
        "log": "logs",
        "square": "squares",
        "sqrt": "root",
        "where": "chosen",
        "softplus_tail": "tail",
        "abs": "size",
        "floor_divide": "row",
        "remainder": "column",
    }
)


class Names:
    """Identifiers for the values and sizes of one program, given when they are first asked for.

    Arguments, results and definitions have theirs from the start, so that no temporary takes one.
    """

    def __init__(self, program: Program, notation: Notation = BAR) -> None:
        self.program = program
        self._notation = notation
        self._values = program.values
        self._taken: set[str] = set(RESERVED)
        self._names: dict[str, str] = {}
        self._sizes: dict[Symbol, str] = {}
        for argument in program.arguments:
            self._names[argument.name] = self._free(self.identifier(argument.tensor))
        for parameter in program.parameters:
            self._sizes[parameter] = self._free(safe_identifier(parameter.name))
        for name, tensor in zip(program.results, program.result_tensors, strict=True):
            if name not in self._names:
                self._names[name] = self._free(self.identifier(tensor))
        self._owners = memory_owners(program)
        for statement in reversed(program.statements):
            owner = self._owners[statement.name]
            if statement.name in self._names:
                self._names.setdefault(owner, self._names[statement.name])
        for statement in program.statements:
            owner = self._owners[statement.name]
            if statement.tensor is not None and owner not in self._names:
                self._names[owner] = self._free(self.identifier(statement.tensor))

    def identifier(self, tensor: Tensor) -> str:
        """Return the name of a tensor as a Python identifier."""
        return safe_identifier(self._notation.word(tensor))

    def of(self, name: str) -> str:
        """Return the identifier of a value."""
        name = self._owners.get(name, name)
        if name not in self._names:
            statement = self._values[name]
            assert isinstance(statement, Statement)
            hint = self._hint(statement)
            repeated = hint in self._taken and not hint.endswith("_")
            self._names[name] = self._free("t" if repeated else hint, numbered=repeated or hint == "t")
        return self._names[name]

    def of_size(self, size: Symbol) -> str:
        """Return the variable that holds a size."""
        if size not in self._sizes:
            name = str(size)
            self._sizes[size] = self._free(f"n_{name.lower()}" if name in LIKE_NUMBERS else safe_identifier(name))
        return self._sizes[size]

    def of_shape(self, name: str = "") -> str:
        """Return a variable for the shape that results take on, that of a named argument where there are several."""
        return self._free(f"{name}_shape" if name else "shape")

    def _free(self, name: str, numbered: bool = False) -> str:
        candidate, number = f"{name}1" if numbered else name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}{number}" if numbered else f"{name}_{number}"
        self._taken.add(candidate)
        return candidate

    def _hint(self, statement: Statement) -> str:
        op = statement.op
        if isinstance(op, Constant):
            base, exponent = op.value.as_base_exp()
            return f"root_{self.of_size(base)}" if base.is_Symbol and exponent == Rational(1, 2) else "t"
        if isinstance(op, Reduce):
            return self._reduction_hint(op, statement)
        if isinstance(op, Contract):
            return "dot" if len(statement.labels) < 2 else "product"
        if isinstance(op, Gather):
            return "picked"
        if isinstance(op, Scatter):
            return "spread"
        if isinstance(op, Windows):
            return "windows" if type(op) is Windows else "added"
        if isinstance(op, Shift):
            return "shifted"
        if isinstance(op, Position):
            return "positions"
        if isinstance(op, Identity):
            return "identity"
        return self._map_hint(op, statement) if isinstance(op, Map) else "t"

    def _reduction_hint(self, op: Reduce, statement: Statement) -> str:
        source = self._values[statement.operands[0].name]
        is_product = isinstance(source, Statement) and isinstance(source.op, Map) and source.op.function == "mul"
        rows = len(statement.labels) == 1 and statement.operands[0].labels[0] == statement.labels[0]
        if op.function == "sum":
            return "dot" if is_product else ("row_sum" if rows else "total")
        return {"mean": "mean", "max": "row_max" if rows else "peak", "argmax": "best"}[op.function]

    def _map_hint(self, op: Map, statement: Statement) -> str:
        if statement.kind == MASK:
            return "mask"
        if op.function == "add":
            return self._sum_hint(op, statement)
        if op.function in ("mul", "div"):
            if op.function == "div" and not statement.labels:
                return "scale"
            return "scaled" if len({operand.labels for operand in statement.operands}) > 1 else "t"
        if op.function in ("neg", "pow", "full_like"):
            return "t"
        described = self._short_name(statement.operands[0]) if len(statement.operands) == 1 else None
        return f"{op.function.split('_')[-1]}_{described}" if described else STEMS.get(op.function, f"{op.function}s")

    def _sum_hint(self, op: Map, statement: Statement) -> str:
        if op.signs != (1, -1):
            return "t"
        subtracted = self._values[statement.operands[1].name]
        if isinstance(subtracted, Statement) and isinstance(subtracted.op, Reduce):
            return {"mean": "centered", "max": "shifted"}.get(subtracted.op.function, "difference")
        return "difference"

    def _short_name(self, operand: Operand) -> str | None:
        name = self._names.get(operand.name)
        return name if name is not None and len(name) <= 8 else None


def memory_owners(program: Program) -> dict[str, str]:
    """Return for every statement the first one whose memory it lies in: they share a variable."""
    owners: dict[str, str] = {}
    for statement in program.statements:
        owners[statement.name] = statement.name if statement.into is None else owners[statement.into]
    return owners


def safe_identifier(name: str) -> str:
    """Return a name as an identifier that is no keyword.

    Example:
        >>> safe_identifier("softmax-cce"), safe_identifier("lambda"), safe_identifier("2d")
        ('softmax_cce', 'lambda_', '_2d')
    """
    text = re.sub(r"\W+", "_", name)
    text = text if text and not text[0].isdigit() else f"_{text}"
    return f"{text}_" if keyword.iskeyword(text) else text
