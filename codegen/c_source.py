"""A program as the text of C functions, one for float and one for double."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sympy import Expr, Integer, Symbol, prod

from codegen.c_functions import FUNCTIONS, LIBRARY, PRECISIONS, Precision, helper_texts, names_of_functions
from codegen.c_loops import Loop, Nest, Storage, Task, common, plan_loops, plan_storage
from codegen.c_numbers import (
    AND,
    ATOM,
    COMPARE,
    EQUAL,
    PRODUCT,
    SUM,
    TERNARY,
    UNARY,
    number_text,
    whole_text,
)
from codegen.c_program import is_alone, positions_of, simplify
from codegen.naming import Names
from codegen.program import (
    INTEGER,
    MASK,
    REAL,
    AddWindows,
    Argument,
    Arrange,
    Broadcast,
    Cast,
    Constant,
    Contract,
    Copy,
    Flip,
    Form,
    Gather,
    Identity,
    Labels,
    Map,
    Operand,
    Position,
    Program,
    Reduce,
    Scatter,
    Shift,
    Stack,
    Statement,
    SumTo,
    Windows,
)
from derive.indices import Index

INDENT = "    "
#: The longest line of code, and the longest part of an expression that is not given a name.
WIDTH, PART = 110, 72
KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while work threads "
    "ptrdiff_t size_t uint32_t uint64_t memcpy main bits number INFINITY NAN y0 y1 yn j0 j1 jn gamma exp log".split()
)
#: Whole numbers: positions, labels, sizes.
WHOLE = "ptrdiff_t"
OPERATORS = {
    "greater": (">", COMPARE),
    "greater_equal": (">=", COMPARE),
    "equal": ("==", EQUAL),
    "not_equal": ("!=", EQUAL),
}


class Text(NamedTuple):
    """A piece of an expression: how tightly it binds, and in how many loops it must stand."""

    text: str
    level: int = ATOM
    depth: int = 0

    def part(self, level: int) -> str:
        """Return the text in brackets unless it binds as tightly as this."""
        return self.text if self.level >= level else f"({self.text})"


@dataclass(eq=False)
class Block:
    """The lines of a loop's body, the variables that they declare, and where elements of values are found."""

    loop: Loop | None = None
    lines: list[str] = field(default_factory=list)
    memo: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    variable: str = ""


class CNames(Names):
    """Identifiers that are none of C's words."""

    def _free(self, name: str, numbered: bool = False) -> str:
        name = re.sub(r"[^0-9A-Za-z_]", lambda found: f"u{ord(found[0]):x}", name)
        if name in KEYWORDS or name in FUNCTIONS or name in names_of_functions():
            name = f"{name}_"
        return super()._free(name, numbered)

    def new(self, name: str) -> str:
        """Return a name that nothing else has."""
        return self._free(name)


@dataclass(frozen=True)
class CFunction:
    """The text of one function, and what it is called with, in this order.

    Attributes:
        sizes: the sizes and whole numbers.
        arguments: the places of the program's arguments that it takes.
        results: the labels and kinds of the arrays that it writes.
        work: the sizes of what it needs besides, in numbers and in whole numbers.
    """

    name: str
    text: str
    precision: Precision
    sizes: tuple[Symbol, ...]
    arguments: tuple[int, ...]
    results: tuple[tuple[Labels, str], ...]
    work: tuple[Expr, Expr]


class Writer:
    """The lines of one function's body."""

    def __init__(self, program: Program, nest: Nest, precision: Precision) -> None:
        self.program, self.precision = program, precision
        self.nest = nest
        self.values = program.values
        self.names = CNames(program)
        self.storage: dict[str, Storage] = plan_storage(program, nest)
        self.tasks = self.nest.by_name
        self.uses = program.uses
        self.blocks = [Block()]
        self.at: dict[Task, dict[Index, Text]] = {task: {} for task in self.nest.tasks}
        self.scalars: dict[str, str] = {}
        self._accumulators: dict[str, str] = {}
        self._variables: dict[str, list[str]] = {}
        self._unsafe = 0
        self._arrays: dict[str, str] = {}
        self._work: dict[str, list[tuple[str, Labels]]] = {REAL: [], INTEGER: []}
        for task in self.nest.tasks:
            self._name_array(task)

    # ---- where values lie ----

    def _name_array(self, task: Task) -> None:
        storage = self.storage[task.name]
        if storage.result is not None:
            self._arrays[task.name] = self.names.of(storage.result)
        elif storage.labels:
            self._arrays[task.name] = self.names.of(task.name)
            kind = INTEGER if task.statement.kind == INTEGER else REAL
            self._work[kind].append((self.names.of(task.name), storage.labels))

    def size(self, extent: Expr) -> str:
        return self.whole(extent).text

    def whole(self, value: Expr) -> Text:
        """Return a whole number made of sizes."""
        return Text(*whole_text(value, self.names.of_size))

    def _flat(self, labels: Labels, places: Sequence[Text]) -> str:
        text, level = "", ATOM
        for label, place in zip(labels, places, strict=True):
            if not text:
                text, level = place.text, place.level
                continue
            before = text if level >= PRODUCT else f"({text})"
            text, level = f"{before} * {self.whole(label.size).part(UNARY)} + {place.part(PRODUCT)}", SUM
        return text

    def _cell(self, array: str, labels: Labels, places: Sequence[Text]) -> Text:
        depth = max((place.depth for place in places), default=0)
        if not labels:
            return Text(f"*{array}", UNARY, 0)
        return Text(f"{array}[{self._flat(labels, places)}]", ATOM, depth)

    def _stored(self, task: Task, places: Sequence[Text]) -> Text:
        """Return the cell of memory of an element of a value that a task computes."""
        storage = self.storage[task.name]
        own = [place for label, place in zip(task.labels, places, strict=True) if label in storage.labels]
        return self._cell(self._arrays[task.name], storage.labels, own)

    # ---- expressions ----

    def element(self, name: str, places: Sequence[Text]) -> Text:
        """Return an element of a value at places given by texts."""
        value = self.values[name]
        key = (name, tuple(place.text for place in places))
        for depth, block in enumerate(self.blocks):
            if key in block.memo:
                return Text(block.memo[key], ATOM, depth)
        if isinstance(value, Argument):
            array = self.names.of(name)
            return self._cell(array, value.labels, places) if value.labels else Text(array)
        if name in self.tasks:
            return self._computed(self.tasks[name], places)
        text = self.expression(value, dict(zip(value.labels, places, strict=True)))
        return self._named(name, value, key, text)

    def _computed(self, task: Task, places: Sequence[Text]) -> Text:
        if task.name in self.scalars:
            return Text(self.scalars[task.name], ATOM, task.start)
        cell = self._stored(task, places)
        loops = [block.loop for block in self.blocks[1:]]
        shared = 0
        for own, other in zip(task.path, loops, strict=False):
            if own is not other:
                break
            shared += 1
        return cell._replace(depth=max(cell.depth, shared))

    def _named(self, name: str, value: Statement, key: tuple[str, tuple[str, ...]], text: Text) -> Text:
        """Give a part of an expression a name where it stands twice, further out, or is long."""
        here = len(self.blocks) - 1
        is_plain = isinstance(value.op, Constant | Position) or re.fullmatch(r"[\w.]+(\[[^][]*\])?", text.text)
        is_repeated = self.uses[name] > 1 or len(text.text) > PART
        if is_plain or self._unsafe or not (is_repeated or text.depth < here):
            return text
        variable = self.names.of(name)
        if any(variable in block.declared for block in self.blocks):
            return text
        block = self.blocks[text.depth]
        block.lines += self._declaration(value.kind, variable, text.text)
        block.declared.add(variable)
        block.memo[key] = variable
        return Text(variable, ATOM, text.depth)

    def _type(self, kind: str) -> str:
        return {INTEGER: WHOLE, MASK: "int"}.get(kind, self.precision.name)

    def _declaration(self, kind: str, variable: str, text: str) -> list[str]:
        return broken(f"const {self._type(kind)} {variable} = {text};")

    def operand(self, operand: Operand, at: dict[Index, Text]) -> Text:
        return self.element(operand.name, [at[label] for label in operand.labels])

    def real(self, operand: Operand, at: dict[Index, Text]) -> Text:
        """Return an operand as a real number."""
        text = self.operand(operand, at)
        if self.values[operand.name].kind in (MASK, INTEGER):
            return Text(f"({self.precision.name}){text.part(UNARY)}", UNARY, text.depth)
        return text

    def constant(self, value: Expr, is_whole: bool = False) -> Text:
        if is_whole:
            return self.whole(value)
        return Text(*number_text(value, self.precision, self.names.of_size))

    def expression(self, statement: Statement, at: dict[Index, Text]) -> Text:
        """Return the text of a pointwise value at indices that texts stand for."""
        op, operands = statement.op, statement.operands
        if isinstance(op, Constant):
            return self.constant(op.value)
        if isinstance(op, Position):
            return at[statement.labels[0]]
        if isinstance(op, Identity):
            first, second = (at[label] for label in statement.labels)
            depth = max(first.depth, second.depth)
            return Text(f"{first.part(SUM)} == {second.part(SUM)} ? {self._one()} : {self._zero()}", TERNARY, depth)
        if isinstance(op, Map):
            return self._map(statement, op, at)
        if isinstance(op, Broadcast | Arrange | Copy | SumTo):
            return self.operand(operands[0], at)
        if isinstance(op, Cast):
            return self.real(operands[0], at)
        if isinstance(op, Gather):
            return self.element(operands[0].name, self._places(op.where, operands[1:], at))
        if isinstance(op, Scatter):
            return self._chosen(op, statement, at)
        if isinstance(op, Stack):
            return self._stacked(op, statement, at)
        return self._moved(statement, at)

    def _one(self) -> str:
        return f"1.0{self.precision.literal}"

    def _zero(self) -> str:
        return f"0.0{self.precision.literal}"

    def _places(
        self, where: Sequence[Index | int | None], positions: Sequence[Operand], at: dict[Index, Text]
    ) -> list[Text]:
        return [
            at[place]
            if isinstance(place, Index)
            else self.operand(place, at)
            if isinstance(place, Operand)
            else Text(str(place))
            for place in positions_of(where, positions)
        ]

    def _map(self, statement: Statement, op: Map, at: dict[Index, Text]) -> Text:
        function, operands = op.function, statement.operands
        kinds = [self.values[operand.name].kind for operand in operands]
        is_whole = INTEGER in kinds and function != "where"
        parts = []
        for place, operand in enumerate(operands):
            value = self.values[operand.name]
            if is_whole and isinstance(value, Statement) and isinstance(value.op, Constant):
                parts.append(self.constant(value.op.value, is_whole=True))
            elif statement.kind in (MASK, INTEGER) or (function == "where" and place == 0):
                parts.append(self.operand(operand, at))
            else:
                parts.append(self.real(operand, at))
        depth = max(part.depth for part in parts)
        if function == "div":
            divisor = self.values[operands[1].name]
            if isinstance(divisor, Statement) and isinstance(divisor.op, Constant) and divisor.op.value.is_number:
                inverse = self.constant(1 / divisor.op.value)
                return self._function("mul", [parts[0], inverse], ())._replace(depth=depth)
        return self._function(function, parts, op.signs)._replace(depth=depth)

    def _function(self, function: str, parts: list[Text], signs: Sequence[int]) -> Text:
        if function == "add":
            return self._sum(parts, signs or (1,) * len(parts))
        if function == "mul":
            first, *others = parts
            return Text(" * ".join([first.part(PRODUCT), *(each.part(UNARY) for each in others)]), PRODUCT)
        if function == "div":
            return Text(f"{parts[0].part(PRODUCT)} / {parts[1].part(UNARY)}", PRODUCT)
        if function == "neg":
            inner = parts[0].part(UNARY)
            return Text(f"-({inner})" if inner.startswith("-") else f"-{inner}", UNARY)
        if function in OPERATORS:
            sign, level = OPERATORS[function]
            return Text(f"{parts[0].part(SUM)} {sign} {parts[1].part(SUM)}", level)
        if function == "where":
            return Text(f"{parts[0].part(EQUAL)} ? {parts[1].part(AND)} : {parts[2].part(AND)}", TERNARY)
        if function == "clip":
            x, low, high = (part.part(SUM) for part in parts)
            return Text(f"{x} < {low} ? {low} : ({x} > {high} ? {high} : {x})", TERNARY)
        if function == "full_like":
            return parts[1]
        if function == "square" and parts[0].level == ATOM and len(parts[0].text) < 24:
            return Text(f"{parts[0].text} * {parts[0].text}", PRODUCT)
        if function == "logaddexp" and parts[0].text == self._zero():
            return Text(f"softplus{self.precision.suffix}({parts[1].text})")
        called = ", ".join(part.text for part in parts)
        if function in LIBRARY:
            return Text(f"{LIBRARY[function]}{self.precision.literal}({called})")
        return Text(f"{function}{self.precision.suffix}({called})")

    @staticmethod
    def _sum(parts: Sequence[Text], signs: Sequence[int]) -> Text:
        text = ""
        for sign, part in zip(signs, parts, strict=True):
            if text:
                text += f" {'-' if sign < 0 else '+'} {part.part(PRODUCT)}"
            else:
                text = part.part(SUM) if sign > 0 else f"-{part.part(UNARY)}"
        return Text(text, SUM)

    def _chosen(self, op: Scatter, statement: Statement, at: dict[Index, Text]) -> Text:
        """Return a base, and at certain places what is added to it."""
        operands = list(statement.operands)
        base = self.real(operands.pop(0), at) if op.has_base else Text(self._zero())
        value, *positions = operands
        conditions, depth = [], base.depth
        seen: dict[Index, Text] = {}
        inner = dict(at)
        for label, place in zip(statement.labels, positions_of(op.where, positions), strict=True):
            own = at[label]
            if isinstance(place, Index):
                if place in seen:
                    conditions.append(f"{own.part(SUM)} == {seen[place].part(SUM)}")
                seen[place] = inner[place] = own
                other = own
            else:
                other = self.operand(place, at) if isinstance(place, Operand) else Text(str(place))
                conditions.append(f"{own.part(SUM)} == {other.part(SUM)}")
            depth = max(depth, own.depth, other.depth)
        added = self.real(value, inner)
        depth = max(depth, added.depth)
        total = self._sum([base, added], (1, 1)) if op.has_base else added
        if not conditions:
            return total._replace(depth=depth)
        return Text(f"{' && '.join(conditions)} ? {total.part(AND)} : {base.part(AND)}", TERNARY, depth)

    def _stacked(self, op: Stack, statement: Statement, at: dict[Index, Text]) -> Text:
        along = at[op.along]
        parts = [self.real(operand, at) for operand in statement.operands]
        depth = max(along.depth, *(part.depth for part in parts))
        text = parts[-1].part(AND)
        for place in range(len(parts) - 2, -1, -1):
            text = f"{along.part(SUM)} == {place} ? {parts[place].part(AND)} : {text}"
            text = f"({text})" if place else text
        return Text(text, TERNARY, depth)

    def _moved(self, statement: Statement, at: dict[Index, Text]) -> Text:
        """Return an element of what is shifted, turned round or looked at through windows; 0 outside of it."""
        op, (source,) = statement.op, statement.operands
        if isinstance(op, Flip):
            place = at[op.along]
            turned = Text(f"{self.whole(op.along.size).part(SUM)} - 1 - {place.part(PRODUCT)}", SUM, place.depth)
            return self.element(source.name, [turned if label == op.along else at[label] for label in source.labels])
        axes: Sequence[Index | Form]
        if isinstance(op, Shift):
            place = at[op.along]
            offset = self.whole(op.offset)
            moved = Text(f"{place.part(SUM)} + {offset.part(UNARY)}", SUM, place.depth)
            places = [moved if label == op.along else at[label] for label in source.labels]
            bounds = [(moved, op.along.size)]
        else:
            assert isinstance(op, Windows)
            axes = op.axes
            places = [at[axis] if isinstance(axis, Index) else self._position(axis, at) for axis in axes]
            sizes = [label.size for label in self.values[source.name].labels]
            bounds = [
                (place, size) for axis, place, size in zip(axes, places, sizes, strict=True) if isinstance(axis, Form)
            ]
        self._unsafe += 1  # Nothing may be read before it is known to be there.
        inner = self.element(source.name, places)
        self._unsafe -= 1
        depth = max(inner.depth, *(place.depth for place, _ in bounds))
        inside = " && ".join(f"{place.text} >= 0 && {place.text} < {self.size(size)}" for place, size in bounds)
        zero = "0" if statement.kind in (INTEGER, MASK) else self._zero()
        return Text(f"{inside} ? {inner.part(AND)} : {zero}", TERNARY, depth)

    def _position(self, form: Form, at: dict[Index, Text]) -> Text:
        """Return the place on an axis that a window's indices stand for."""
        terms, signs = [], []
        for run in form.runs:
            step, place = run.step, at[run.index]
            sign = -1 if step.could_extract_minus_sign() else 1
            size = sign * step
            shown = place if size == 1 else Text(f"{place.part(PRODUCT)} * {self.whole(size).part(UNARY)}", PRODUCT)
            terms.append(shown._replace(depth=place.depth))
            signs.append(sign)
        if form.start != 0:
            sign = -1 if form.start.could_extract_minus_sign() else 1
            terms.append(self.whole(sign * form.start))
            signs.append(sign)
        order = sorted(range(len(terms)), key=lambda place: -signs[place])
        text = self._sum([terms[place] for place in order], [signs[place] for place in order])
        return text._replace(depth=max(term.depth for term in terms))

    # ---- loops ----

    def lines(self) -> list[str]:
        """Return the body."""
        self._children(self.nest.children)
        return self.blocks[0].lines

    def _children(self, children: Sequence[Loop | Task]) -> None:
        for child in children:
            if isinstance(child, Loop):
                self._loop(child)
            else:
                self._leaf(child)

    @property
    def _lines(self) -> list[str]:
        return self.blocks[-1].lines

    def _variable(self, loop: Loop, depth: int) -> str:
        """Return the variable of a loop, called after an index of it; loops beside each other may have the same."""
        names = [task.bound[depth].name for task in loop.tasks]
        name = next((name for name in names if len(name) == 1), names[0]).lstrip("_")
        used = {block.variable for block in self.blocks}
        known = self._variables.setdefault(name, [])
        for variable in known:
            if variable not in used:
                return variable
        known.append(self.names.new(name))
        return known[-1]

    def _loop(self, loop: Loop) -> None:
        depth = len(self.blocks) - 1
        for task in loop.tasks:
            if is_alone(task.statement) and depth == 0:
                self._fill(task)
            if task.start == depth and task.over:
                self._start(task)
        inner = [task for task in loop.tasks if self._is_partial(task) and len(task.path) == depth + 1]
        for task in inner:
            self._lines.append(f"{self.precision.name} {self._partial(task)} = {self._zero()};")
        variable = self._variable(loop, depth)
        for task in loop.tasks:
            self.at[task][task.bound[depth]] = Text(variable, ATOM, depth + 1)
        block = Block(loop, variable=variable)
        self.blocks.append(block)
        self._children(loop.children)
        self.blocks.pop()
        head = f"for ({WHOLE} {variable} = 0; {variable} < {self.size(loop.size)}; {variable}++)"
        self._lines.extend(self._pragmas(loop, depth))
        if len(block.lines) == 1 and not block.lines[0].startswith(("for", "#", "if")):
            self._lines.extend([head, INDENT + block.lines[0]])
        else:
            body = [line if line.startswith("#") else INDENT + line for line in block.lines]
            self._lines.extend([f"{head} {{", *body, "}"])
        for task in inner:
            self._lines.append(f"{self._accumulator(task)} += {self._partial(task)};")
        for task in loop.tasks:
            if task.start == depth and task.over:
                self._finish(task)

    def _pragmas(self, loop: Loop, depth: int) -> list[str]:
        clauses: dict[str, list[str]] = {}
        for task in loop.tasks:
            if task.bound[depth] in task.over and not self._inner(task):
                op = task.statement.op
                kind = "largest" if isinstance(op, Reduce) and op.function == "max" else "+"
                inner = self._is_partial(task) and len(task.path) == depth + 1
                name = self._partial(task) if inner else self._accumulator(task)
                clauses.setdefault(kind, []).append(name)
        shown = "".join(f" reduction({kind}: {', '.join(names)})" for kind, names in clauses.items())
        simd = loop.is_innermost and not any(self._is_serial(task, depth) for task in loop.tasks)
        if depth == 0 and self._may_be_shared_out(loop):
            return [f"#pragma omp parallel for{' simd' if simd else ''}{shown}"]
        return [f"#pragma omp simd{shown}"] if simd else []

    def _is_serial(self, task: Task, depth: int) -> bool:
        """Whether the steps of a loop must follow each other."""
        op = task.statement.op
        is_place = isinstance(op, Reduce) and op.function == "argmax"
        return is_alone(task.statement) or (is_place and task.bound[depth] in task.over)

    def _may_be_shared_out(self, loop: Loop) -> bool:
        """Whether threads may share the steps of an outermost loop: none writes where another does."""
        for task in loop.tasks:
            storage, label = self.storage[task.name], task.bound[0]
            if self._is_serial(task, 0) or (label in task.over and self._inner(task)):
                return False
            if storage.labels and label in task.labels and label not in storage.labels:
                return False
        return True

    # ---- sums and maxima ----

    def _inner(self, task: Task) -> Labels:
        """The indices of a result that run inside of those that it is summed over: it is summed where it is stored."""
        return tuple(label for label in task.labels if task.depth(label) > task.start)

    def _is_wide(self, task: Task) -> bool:
        """Whether a sum runs over all of the outermost loop, and is kept in double."""
        op = task.statement.op
        is_sum = isinstance(op, Contract) or (isinstance(op, Reduce) and op.function == "sum")
        return is_sum and bool(task.over) and task.start == 0 and not self._inner(task) and not task.labels

    def _is_partial(self, task: Task) -> bool:
        """Whether the innermost loop has a sum of its own."""
        return self._is_wide(task) and len(task.path) > 1

    def _variable_of(self, task: Task) -> str:
        if task.name not in self._arrays:
            self.scalars[task.name] = self._accumulators[task.name] = self.names.of(task.name)
        if task.name not in self._accumulators:
            own = "" if self.storage[task.name].result in (None, task.name) else self.names.of(task.name)
            op = task.statement.op
            stem = "largest" if isinstance(op, Reduce) and op.function == "max" else "sum"
            stem = "best" if isinstance(op, Reduce) and op.function == "argmax" else stem
            self._accumulators[task.name] = own or self.names.new(f"{self._arrays[task.name]}_{stem}")
        return self._accumulators[task.name]

    def _accumulator(self, task: Task) -> str:
        name = self._variable_of(task)
        return self._derived(name, "all") if self._is_wide(task) else name

    def _partial(self, task: Task) -> str:
        return self._derived(self._variable_of(task), "row")

    def _derived(self, name: str, end: str) -> str:
        key = f"{name}_{end}"
        if key not in self._variables:
            self._variables[key] = [self.names.new(key)]
        return self._variables[key][0]

    def _start(self, task: Task) -> None:
        """Declare or fill what a task adds up in."""
        op = task.statement.op
        is_max = isinstance(op, Reduce) and op.function == "max"
        initial = "-INFINITY" if is_max else self._zero()
        if self._inner(task):
            outer = {label: at for label, at in self.at[task].items() if label in task.labels}
            self._fill_with(task, task.labels, outer, lambda at: Text(initial))
            return
        name = self._accumulator(task)
        if isinstance(op, Reduce) and op.function == "argmax":
            self._lines.append(f"{WHOLE} {name} = 0;")
            self._lines.append(f"{self.precision.name} {self._derived(name, 'value')} = -INFINITY;")
        elif self._is_wide(task):
            self._lines.append(f"double {name} = 0.0;")
        else:
            self._lines.append(f"{self._type(task.statement.kind)} {name} = {initial};")

    def _finish(self, task: Task) -> None:
        """Keep what has been added up."""
        if self._inner(task):
            return
        name = self._variable_of(task)
        if self._is_wide(task):
            cast = "" if self.precision.name == "double" else "(float)"
            self._lines.append(f"const {self.precision.name} {name} = {cast}{self._accumulator(task)};")
        if task.name in self._arrays:
            places = [self.at[task][label] for label in task.labels]
            self._lines.append(f"{self._stored(task, places).text} = {name};")
            self.blocks[-1].memo[(task.name, tuple(place.text for place in places))] = name

    def _leaf(self, task: Task) -> None:
        """Write what is done for one element."""
        at, op = self.at[task], task.statement.op
        if is_alone(task.statement):
            if not task.path:
                self._fill(task)
            self._add(task)
        elif isinstance(op, Reduce):
            self._reduce(task, op)
        elif isinstance(op, Contract):
            parts = [self.real(operand, at) for operand in task.statement.operands]
            self._accumulate(task, Text(" * ".join(part.part(UNARY) for part in parts), PRODUCT))
        else:
            self._store(task)

    def _target(self, task: Task) -> str:
        if self._inner(task):
            return self._stored(task, [self.at[task][label] for label in task.labels]).text
        return self._partial(task) if self._is_partial(task) else self._accumulator(task)

    def _accumulate(self, task: Task, text: Text) -> None:
        self._lines.extend(broken(f"{self._target(task)} += {text.text};"))

    def _reduce(self, task: Task, op: Reduce) -> None:
        text = self.real(task.statement.operands[0], self.at[task])
        if op.function == "sum":
            self._accumulate(task, text)
            return
        target = self._target(task)
        if op.function == "max":
            self._lines.extend(broken(f"{target} = maximum{self.precision.suffix}({text.text}, {target});"))
            return
        best = self._derived(self._accumulator(task), "value")
        value = self.names.new("value")
        self._lines.extend(self._declaration(REAL, value, text.text))
        place = self._flat(op.over, [self.at[task][label] for label in op.over])
        self._lines.append(f"if ({value} > {best} || ({value} != {value} && {best} == {best})) {{")
        self._lines.extend([f"{INDENT}{best} = {value};", f"{INDENT}{target} = {place};", "}"])

    def _store(self, task: Task) -> None:
        statement, at = task.statement, self.at[task]
        places = [at[label] for label in task.labels]
        text = self._written(statement, at)
        cell = self._stored(task, places) if task.name in self._arrays else None
        readers = [other for other in self.nest.tasks if any(a.name == task.name for a in other.accesses)]
        is_read_here = any(common(task, other) == len(task.path) for other in readers)
        if cell is None or (is_read_here and text.level != ATOM):
            own = self._arrays.get(task.name) != self.names.of(task.name)
            variable = self.names.of(task.name) if own else self.names.new(self._at_place(task))
            self._lines.extend(self._declaration(statement.kind, variable, text.text))
            self.blocks[-1].memo[(task.name, tuple(place.text for place in places))] = variable
            self.blocks[-1].declared.add(variable)
            text = Text(variable)
            if cell is None:
                self.scalars[task.name] = variable
        if cell is not None:
            self._lines.extend(broken(f"{cell.text} = {text.text};"))

    def _written(self, statement: Statement, at: dict[Index, Text]) -> Text:
        if statement.kind == MASK or (statement.kind == INTEGER):
            return self.expression(statement, at)
        return self.expression(statement, at)

    def _at_place(self, task: Task) -> str:
        variable = self.blocks[-1].variable
        return f"{self.names.of(task.name)}_{variable}" if variable else f"{self.names.of(task.name)}_value"

    # ---- what is added at places that are computed ----

    def _fill(self, task: Task) -> None:
        """Write the base that is added to."""
        statement, op = task.statement, task.statement.op
        if isinstance(op, Scatter) and op.has_base:
            base = statement.operands[0]
            self._fill_with(task, task.labels, {}, lambda at: self.real(base, at))
        else:
            self._fill_with(task, task.labels, {}, lambda at: Text(self._zero()))

    def _fill_with(self, task: Task, labels: Labels, known: dict[Index, Text], value) -> None:  # type: ignore[no-untyped-def]
        """Fill the array of a task in loops over the labels that are not known."""
        at = dict(known)
        loops = []
        for label in labels:
            if label not in at:
                loop = Loop(label.size)
                stand_in = Task(task.statement, task.order, task.over, [])
                stand_in.bound = [*[label] * (len(self.blocks) - 1), label]
                loop.tasks = [stand_in]
                variable = self._variable(loop, len(self.blocks) - 1)
                at[label] = Text(variable, ATOM, len(self.blocks))
                self.blocks.append(Block(loop, variable=variable))
                loops.append((label, variable))
        text = value(at)
        cell = self._stored(task, [at[label] for label in labels])
        self._lines.extend(broken(f"{cell.text} = {text.text};"))
        for label, variable in reversed(loops):
            block = self.blocks.pop()
            head = f"for ({WHOLE} {variable} = 0; {variable} < {self.size(label.size)}; {variable}++)"
            if len(block.lines) == 1:
                self._lines.extend([head, INDENT + block.lines[0]])
            else:
                self._lines.extend([f"{head} {{", *(INDENT + line for line in block.lines), "}"])

    def _add(self, task: Task) -> None:
        """Add a number to its place."""
        statement, op, at = task.statement, task.statement.op, self.at[task]
        if isinstance(op, AddWindows):
            places = [at[axis] if isinstance(axis, Index) else self._position(axis, at) for axis in op.axes]
            inside = " && ".join(
                f"{place.text} >= 0 && {place.text} < {self.size(label.size)}"
                for axis, place, label in zip(op.axes, places, op.at, strict=True)
                if isinstance(axis, Form)
            )
            value = self.real(statement.operands[0], at)
            cell = self._stored(task, places)
            self._lines.append(f"if ({inside})")
            self._lines.extend(INDENT + line for line in broken(f"{cell.text} += {value.text};"))
            return
        assert isinstance(op, Scatter)
        first, *positions = statement.operands[op.has_base :]
        cell = self._stored(task, self._places(op.where, positions, at))
        self._lines.extend(broken(f"{cell.text} += {self.real(first, at).text};"))

    # ---- the function ----

    def work(self) -> list[str]:
        """Return the lines that share out the memory that the caller gives."""
        lines = []
        for kind, name in ((REAL, "work"), (INTEGER, "places")):
            before: Expr | None = None
            for array, labels in self._work[kind]:
                start = name if before is None else f"{name} + {self.whole(before).part(SUM)}"
                lines.append(f"{self._type(kind)} *restrict {array} = {start};")
                extent = _extent(labels)
                before = extent if before is None else before + extent
        return lines

    def work_size(self, kind: str) -> Expr:
        return sum((_extent(labels) for _, labels in self._work[kind]), Integer(0))


def _extent(labels: Labels) -> Expr:
    return prod([label.size for label in labels])


def broken(line: str) -> list[str]:
    """Break a line that is too long before an operator that stands in few brackets.

    Example:
        >>> broken("x = a + b;")
        ['x = a + b;']
    """
    if len(line) <= WIDTH:
        return [line]
    best: tuple[int, int] | None = None
    depth = 0
    for place, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        if re.match(r" (?:[-+*/?:]|&&) ", line[place:]) and len(line) // 4 < place < WIDTH:
            key = (depth, abs(place - WIDTH))
            best = min(best, (key[0], place)) if best and best[0] < depth else (depth, place)
    if best is None:
        return [line]
    place = best[1]
    return [line[:place], *broken(INDENT + line[place + 1 :])]


def c_functions(program: Program, name: str, comment: Sequence[str], is_elementwise: bool) -> list[CFunction]:
    """Return functions of a program's arguments, one for each precision.

    Args:
        program: what they compute.
        name: what they are called, without the end that tells their precision.
        comment: the lines above them.
        is_elementwise: whether they take any number of single numbers.

    Raises:
        UnsupportedError: the program has what C code can not be generated for.
    """
    program = simplify(program, is_elementwise)
    nest = plan_loops(program)
    return [_function(Writer(program, nest, precision), name, comment) for precision in PRECISIONS]


def _function(writer: Writer, name: str, comment: Sequence[str]) -> CFunction:
    program, precision = writer.program, writer.precision
    body = writer.lines()
    body = [*writer.work(), *body]
    names, text = writer.names, "\n".join(body)
    symbols = _symbols(program)
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
    notes = [*comment]
    if work[0] != 0:
        notes += ["", f"work: memory for {writer.size(work[0])} numbers."]
    if work[1] != 0:
        notes += ["", f"places: memory for {writer.size(work[1])} whole numbers."]
    head = _signature(f"void {name}{precision.suffix}", parameters)
    indented = [line if line.startswith("#") else INDENT + line for line in body]
    lines = [*_comment(notes), *head, "{", *indented, "}"]
    return CFunction(
        f"{name}{precision.suffix}", "\n".join(lines) + "\n", precision, sizes, tuple(arguments), tuple(results), work
    )


def _symbols(program: Program) -> list[Symbol]:
    found: dict[Symbol, None] = {}
    for value in (*program.arguments, *program.statements):
        for label in value.labels:
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
    return list(found)


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
    wrapped: list[str] = []
    for line in lines:
        shown = line.replace("*/", "* /").replace("/*", "/ *")
        own = shown[: len(shown) - len(shown.lstrip())] + INDENT
        wrapped += textwrap.wrap(
            shown, WIDTH, subsequent_indent=own, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return [f"/* {wrapped[0]}", *(f" * {line}".rstrip() for line in wrapped[1:]), " */"]


HEAD = """\
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
"""


def c_file(functions: Sequence[CFunction], comment: Sequence[str] = ()) -> str:
    """Return a file that stands alone: the functions, and before them what they call."""
    parts = ["\n".join(_comment(comment)) + "\n"] if comment else []
    parts.append(HEAD)
    for precision in PRECISIONS:
        own = [function.text for function in functions if function.precision is precision]
        parts += helper_texts("\n".join(own), precision)
        parts += own
    return "\n".join(parts)
