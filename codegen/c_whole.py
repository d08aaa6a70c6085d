"""What C does with whole arrays: they are filled, and matrices multiplied, factored and solved for by calls."""

from __future__ import annotations

from collections.abc import Callable

from codegen.c_expressions import Expressions
from codegen.c_loops import Loop, Task
from codegen.c_numbers import ATOM
from codegen.c_products import Product, extent_of, step
from codegen.c_systems import is_solved, is_transposed
from codegen.c_texts import INDENT, WHOLE, Block, Text
from codegen.ops import Labels, Operand, Solve
from derive.indices import Index


class WholeArrays(Expressions):
    """The lines that fill arrays, and those that call functions of matrices."""

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

    def _fill_with(
        self, task: Task, labels: Labels, known: dict[Index, Text], value: Callable[[dict[Index, Text]], Text]
    ) -> None:
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
        self._lines.append(f"{cell.text} = {text.text};")
        for label, variable in reversed(loops):
            block = self.blocks.pop()
            head = f"for ({WHOLE} {variable} = 0; {variable} < {self.size(label.size)}; {variable}++)"
            if len(block.lines) == 1:
                self._lines.extend([head, INDENT + block.lines[0]])
            else:
                self._lines.extend([f"{head} {{", *(INDENT + line for line in block.lines), "}"])

    # ---- products ----

    def _multiply(self, task: Task, product: Product) -> None:
        """Write the call that multiplies matrices."""
        rows, columns, depth = product.rows, product.columns, product.depth
        left, a = self._matrix(product.left, task)
        right, b = self._matrix(product.right, task)
        result, c = self._matrix(Operand(task.name, task.labels), task)
        sizes = [extent_of(run) for run in (rows, columns, depth)]
        steps = [step(rows, a), step(depth, a)], [step(depth, b), step(columns, b)], [step(rows, c)]
        parts = [*map(self.size, sizes)]
        for array, own in zip((left, right, result), steps, strict=True):
            parts += [array, *map(self.size, own)]
        self._lines.append(f"matmul{self.precision.suffix}({', '.join(parts)});")

    def _matrix(self, operand: Operand, task: Task) -> tuple[str, Labels]:
        """Return where a matrix begins in an array, and the labels of the array as the product calls them."""
        labels = operand.labels
        array = self.names.of(operand.name)
        if operand.name in self.tasks:
            maker = self.tasks[operand.name]
            array, kept = self._arrays[operand.name], self.storage[operand.name].labels
            labels = tuple(label for label, own in zip(labels, maker.labels, strict=True) if own in kept)
        start = self._flat(labels, [self.at[task].get(label, Text("0")) for label in labels])
        return array if start == "0" else f"{array} + {start}", labels

    # ---- systems of equations ----

    def _factor(self, task: Task) -> None:
        """Write a matrix into the memory of its factors, and the call that makes them of it."""
        (matrix,) = task.statement.operands
        known = {label: self.at[task][label] for label in task.order}
        self._fill_with(task, task.labels, known, lambda at: self.real(matrix, at))
        call = f"factor{self.precision.suffix}({', '.join(self._factored(Operand(task.name, task.labels), task))})"
        self._lines.append(f"{self.failed} |= {call};" if is_solved(self.program, task.name) else f"{call};")

    def _solve(self, task: Task) -> None:
        """Write the right sides into the memory of the solutions, and the call that makes these of them."""
        statement, op = task.statement, task.statement.op
        assert isinstance(op, Solve)
        factors, right = statement.operands
        (equation,), (unknown,) = op.over, op.unknown
        known = {label: self.at[task][label] for label in task.order}
        self._fill_with(task, task.labels, known, lambda at: self.real(right, {**at, equation: at[unknown]}))
        own, _ = self._matrix(Operand(task.name, task.labels), task)
        columns = extent_of(task.labels[task.labels.index(unknown) + 1 :])
        extent, *parts = self._factored(factors, task)
        name = "solve_transposed" if is_transposed(statement) else "solve"
        called = ", ".join([extent, self.size(columns), *parts, own])
        self._lines.append(f"{name}{self.precision.suffix}({called});")

    def _determinant(self, task: Task) -> Text:
        (factors,) = task.statement.operands
        return Text(f"determinant{self.precision.suffix}({', '.join(self._factored(factors, task))})")

    def _factored(self, factors: Operand, task: Task) -> list[str]:
        """Return the size of a matrix, where its factors begin, and where the swaps of its rows do."""
        array, labels = self._matrix(factors, task)
        rows = labels[:-1]
        start = self._flat(rows, [self.at[task].get(label, Text("0")) for label in rows])
        swaps = self.swaps[factors.name]
        return [self.size(labels[-1].size), array, swaps if start == "0" else f"{swaps} + {start}"]
