"""Loops and statements of C: where sums start and end, and what is written to memory."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer

from codegen.c_loops import Loop, Task, common
from codegen.c_numbers import (
    ATOM,
    PRODUCT,
    SUM,
    UNARY,
)
from codegen.c_products import extent_of
from codegen.c_program import is_alone
from codegen.c_systems import SYSTEMS, Factors
from codegen.c_texts import INDENT, WHOLE, Block, Text, assignment
from codegen.c_whole import WholeArrays
from codegen.ops import AddChosen, AddWindows, Contract, Determinant, Form, Labels, Reduce, Scatter, Solve, Stack
from codegen.program import INTEGER, REAL
from derive.indices import Index


class Writer(WholeArrays):
    """The lines of one function's body."""

    def lines(self) -> list[str]:
        """Return the body."""
        self._children(self.nest.children)
        if self.failed:
            return [f"int {self.failed} = 0;", *self.blocks[0].lines, f"return {self.failed};"]
        return self.blocks[0].lines

    def _children(self, children: Sequence[Loop | Task]) -> None:
        for child in children:
            if isinstance(child, Loop):
                self._loop(child)
            else:
                self._leaf(child)

    def _stacks(self, loop: Loop, depth: int) -> bool:
        """Whether all that a loop does is to stack parts along its index: they are written one after the other."""
        return loop.children == loop.tasks and all(
            isinstance(task.statement.op, Stack) and task.statement.op.along == task.bound[depth] for task in loop.tasks
        )

    def _part_by_part(self, loop: Loop, depth: int) -> None:
        for place in range(int(loop.size)):
            for task in loop.tasks:
                self.at[task][task.bound[depth]] = Text(str(place))
                self._leaf(task)

    def _loop(self, loop: Loop) -> None:
        depth = len(self.blocks) - 1
        if self._stacks(loop, depth):
            self._part_by_part(loop, depth)
            return
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
        is_innermost = all(isinstance(child, Task) or self._stacks(child, depth + 1) for child in loop.children)
        simd = is_innermost and not any(self._is_serial(task, depth) for task in loop.tasks)
        if depth == 0 and self._may_be_shared_out(loop):
            return [f"#pragma omp parallel for{' simd' if simd else ''}{shown}"]
        return [f"#pragma omp simd{shown}"] if simd else []

    def _is_serial(self, task: Task, depth: int) -> bool:
        """Whether the steps of a loop are not done side by side."""
        op = task.statement.op
        is_place = isinstance(op, Reduce) and op.function == "argmax"
        is_call = is_alone(task.statement) or task.product is not None or isinstance(op, SYSTEMS)
        return is_call or (is_place and task.bound[depth] in task.over)

    def _may_be_shared_out(self, loop: Loop) -> bool:
        """Whether threads may share the steps of an outermost loop: none writes where another does."""
        for task in loop.tasks:
            storage, label = self.storage[task.name], task.bound[0]
            if (self._is_serial(task, 0) and task.product is None) or (label in task.over and self._inner(task)):
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
        if task.product is not None:
            self._multiply(task, task.product)
        elif isinstance(op, Factors):
            self._factor(task)
        elif isinstance(op, Solve):
            self._solve(task)
        elif is_alone(task.statement):
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
        self._lines.append(f"{self._target(task)} += {text.text};")

    def _reduce(self, task: Task, op: Reduce) -> None:
        text = self.real(task.statement.operands[0], self.at[task])
        if op.function == "sum":
            self._accumulate(task, text)
            return
        target = self._target(task)
        if op.function == "max":
            self._lines.append(f"{target} = maximum{self.precision.suffix}({text.text}, {target});")
            return
        best = self._derived(self._accumulator(task), "value")
        value = self.names.new("value")
        self._lines.append(self._declaration(REAL, value, text.text))
        place = self._flat(op.over, [self.at[task][label] for label in op.over])
        self._lines.append(f"if ({value} > {best} || ({value} != {value} && {best} == {best})) {{")
        self._lines.extend([f"{INDENT}{best} = {value};", f"{INDENT}{target} = {place};", "}"])

    def _store(self, task: Task) -> None:
        statement, at = task.statement, self.at[task]
        places = [at[label] for label in task.labels]
        text = self._determinant(task) if isinstance(statement.op, Determinant) else self.expression(statement, at)
        cell = self._stored(task, places) if task.name in self._arrays else None
        readers = [other for other in self.nest.tasks if any(a.name == task.name for a in other.accesses)]
        is_read_here = any(common(task, other) == len(task.path) for other in readers)
        if cell is None or (is_read_here and text.level != ATOM):
            own = self._arrays.get(task.name) != self.names.of(task.name)
            variable = self.names.of(task.name) if own else self.names.new(self._at_place(task))
            self._lines.append(self._declaration(statement.kind, variable, text.text))
            self.blocks[-1].memo[(task.name, tuple(place.text for place in places))] = variable
            self.blocks[-1].declared.add(variable)
            text = Text(variable)
            if cell is None:
                self.scalars[task.name] = variable
        if cell is not None:
            self._lines.append(assignment(cell.text, text))

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

    def _add(self, task: Task) -> None:
        """Add a number to its place."""
        statement, op, at = task.statement, task.statement.op, self.at[task]
        if isinstance(op, AddWindows):
            places = [at[axis] if isinstance(axis, Index) else self._position(axis, at) for axis in op.axes]
            conditions = [
                f"{place.text} >= 0 && {place.text} < {self.size(label.size)}"
                for axis, place, label in zip(op.axes, places, op.at, strict=True)
                if isinstance(axis, Form)
            ]
            if isinstance(op, AddChosen):
                number = self._flat(op.picked, [at[label] for label in op.picked])
                conditions.insert(0, f"{self._whole_operand(statement.operands[1], at).part(SUM)} == {number}")
            inside = " && ".join(conditions)
            value = self.real(statement.operands[0], at)
            cell = self._stored(task, places)
            self._lines.append(f"if ({inside})")
            self._lines.append(f"{INDENT}{cell.text} += {value.text};")
            return
        assert isinstance(op, Scatter)
        first, *positions = statement.operands[op.has_base :]
        cell = self._stored(task, self._places(op.where, positions, at))
        self._lines.append(f"{cell.text} += {self.real(first, at).text};")

    # ---- the function ----

    def work(self) -> list[str]:
        """Return the lines that share out the memory that the caller gives."""
        lines = []
        for kind, name in ((REAL, "work"), (INTEGER, "places")):
            before: Expr | None = None
            for array, labels in self._work[kind]:
                start = name if before is None else f"{name} + {self.whole(before).part(SUM)}"
                lines.append(f"{self._type(kind)} *restrict {array} = {start};")
                extent = extent_of(labels)
                before = extent if before is None else before + extent
        return lines

    def work_size(self, kind: str) -> Expr:
        return sum((extent_of(labels) for _, labels in self._work[kind]), Integer(0))
