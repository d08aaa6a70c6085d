"""Elements of values as C expressions: read from memory, held by a variable, or written out where they are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sympy import Expr

from codegen.c_cells import Cells
from codegen.c_functions import LIBRARY
from codegen.c_loops import Nest, Task
from codegen.c_numbers import (
    AND,
    ATOM,
    EQUAL,
    PRODUCT,
    SUM,
    TERNARY,
    UNARY,
    is_whole,
    number_text,
)
from codegen.c_precisions import Precision
from codegen.c_program import positions_of
from codegen.c_systems import may_fail
from codegen.c_texts import OPERATORS, PART, WHOLE, Block, Text, negated, sum_text
from codegen.ops import (
    Arrange,
    Broadcast,
    Cast,
    Constant,
    Copy,
    Flip,
    Form,
    Gather,
    Identity,
    Map,
    Operand,
    Position,
    Scatter,
    Shift,
    Stack,
    SumTo,
    Windows,
)
from codegen.program import INTEGER, MASK, Argument, Program, Statement
from derive.indices import Index
from derive.notation import BAR, Notation


class Expressions(Cells):
    """The texts of elements of values, at places and in loops that are being written."""

    def __init__(self, program: Program, nest: Nest, precision: Precision, notation: Notation = BAR) -> None:
        super().__init__(program, nest, notation)
        self.precision = precision
        self.values = program.values
        self.tasks = nest.by_name
        self.uses = program.uses
        self.blocks = [Block()]
        self.at: dict[Task, dict[Index, Text]] = {task: {} for task in nest.tasks}
        self.scalars: dict[str, str] = {}
        self._accumulators: dict[str, str] = {}
        self._variables: dict[str, list[str]] = {}
        self._unsafe = 0
        #: The variable that says whether a matrix has no inverse.
        self.failed = self.names.new("is_singular") if may_fail(program) else ""

    def element(self, name: str, places: Sequence[Text]) -> Text:
        """Return an element of a value at places given by texts, to stand where the writing is."""
        return self._settled(self._element(name, places), len(self.blocks) - 1)

    def _element(self, name: str, places: Sequence[Text]) -> Text:
        """Return an element of a value, which may be a part of something that gets a name further out."""
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
        """Give a part of an expression a name where it stands twice or is long; what may stand further out waits."""
        is_short = isinstance(value.op, Constant) and (value.op.value.is_number or is_whole(value.op.value))
        is_plain = is_short or isinstance(value.op, Position) or re.fullmatch(r"[\w.]+(\[[^][]*\])?", text.text)
        is_repeated = self.uses[name] > 1 and not any(place.isdecimal() for place in key[1])
        if is_plain or self._unsafe:
            return text
        waiting = text._replace(element=key)
        return self._declared(waiting) if is_repeated or len(text.text) > PART else waiting

    def _settled(self, text: Text, depth: int) -> Text:
        """Return what may stand further out than in so many loops by its name, and anything else as it is."""
        return self._declared(text) if text.element is not None and text.depth < depth else text._replace(element=None)

    def _declared(self, text: Text) -> Text:
        """Give an element a name, as far out as it may stand."""
        assert text.element is not None
        key, text = text.element, text._replace(element=None)
        variable = self.names.of(key[0])
        if any(variable in block.declared for block in self.blocks):
            return text
        block = self.blocks[text.depth]
        block.lines.append(self._declaration(self.values[key[0]].kind, variable, text.text))
        block.declared.add(variable)
        block.memo[key] = variable
        return Text(variable, ATOM, text.depth)

    def _type(self, kind: str) -> str:
        return {INTEGER: WHOLE, MASK: "int"}.get(kind, self.precision.name)

    def _declaration(self, kind: str, variable: str, text: str) -> str:
        return f"const {self._type(kind)} {variable} = {text};"

    def operand(self, operand: Operand, at: dict[Index, Text]) -> Text:
        return self.element(operand.name, [at[label] for label in operand.labels])

    def _whole_operand(self, operand: Operand, at: dict[Index, Text]) -> Text:
        """Return an operand as a whole number."""
        value = self.values[operand.name]
        if isinstance(value, Statement) and isinstance(value.op, Constant):
            return self.whole(value.op.value)
        return self.operand(operand, at)

    def _part(self, operand: Operand, at: dict[Index, Text]) -> Text:
        """Return an operand as a part of something that may stand further out."""
        return self._element(operand.name, [at[label] for label in operand.labels])

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
            if first.text == second.text:
                return Text(self._one(), ATOM, depth)
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
        return [self._place(place, at) for place in positions_of(where, positions)]

    def _place(self, place: Index | int | Operand, at: dict[Index, Text]) -> Text:
        if isinstance(place, Index):
            return at[place]
        return self._whole_operand(place, at) if isinstance(place, Operand) else Text(str(place))

    def _map(self, statement: Statement, op: Map, at: dict[Index, Text]) -> Text:
        function, operands = op.function, statement.operands
        kinds = [self.values[operand.name].kind for operand in operands]
        is_whole = (INTEGER in kinds or statement.kind == INTEGER) and function != "where"
        wholes, parts = (MASK, INTEGER), []
        for place, operand in enumerate(operands):
            value = self.values[operand.name]
            if is_whole and isinstance(value, Statement) and isinstance(value.op, Constant):
                parts.append(self.constant(value.op.value, is_whole=True))
            elif kinds[place] in wholes and statement.kind not in wholes and not (function == "where" and place == 0):
                parts.append(self.real(operand, at))
            else:
                parts.append(self._part(operand, at))
        depth = max(part.depth for part in parts)
        parts = [self._settled(part, depth) for part in parts]
        if is_whole and function in OPERATORS and parts[0].text == parts[1].text:
            return Text("1" if function in ("equal", "greater_equal") else "0", ATOM, depth)
        if function == "div":
            divisor = self.values[operands[1].name]
            if isinstance(divisor, Statement) and isinstance(divisor.op, Constant) and divisor.op.value.is_number:
                inverse = self.constant(1 / divisor.op.value)
                return self._function("mul", [parts[0], inverse], ())._replace(depth=depth)
        return self._function(function, parts, op.signs)._replace(depth=depth)

    def _function(self, function: str, parts: list[Text], signs: Sequence[int]) -> Text:
        if function == "add":
            return sum_text(parts, signs or (1,) * len(parts))
        if function == "mul":
            first, *others = parts
            return Text(" * ".join([first.part(PRODUCT), *(each.part(UNARY) for each in others)]), PRODUCT)
        if function == "div":
            return Text(f"{parts[0].part(PRODUCT)} / {parts[1].part(UNARY)}", PRODUCT)
        if function == "neg":
            return negated(parts[0])
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
                if place in seen and seen[place].text != own.text:
                    conditions.append(f"{own.part(SUM)} == {seen[place].part(SUM)}")
                seen[place] = inner[place] = own
                other = own
            else:
                other = self._place(place, at)
                if own.text != other.text:
                    conditions.append(f"{own.part(SUM)} == {other.part(SUM)}")
            depth = max(depth, own.depth, other.depth)
        added = self.real(value, inner)
        depth = max(depth, added.depth)
        sign = -1 if op.has_base and added.level == UNARY and added.text.startswith("-") else 1
        if conditions:
            chosen = added.text[1:] if sign < 0 else added.part(AND)
            added = Text(f"{' && '.join(conditions)} ? {chosen} : {self._zero()}", TERNARY)
        total = sum_text([base, added], (1, sign)) if op.has_base else added
        return total._replace(depth=depth)

    def _stacked(self, op: Stack, statement: Statement, at: dict[Index, Text]) -> Text:
        along = at[op.along]
        if along.text.isdecimal():
            return self.real(statement.operands[int(along.text)], at)
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
        text = sum_text([terms[place] for place in order], [signs[place] for place in order])
        return text._replace(depth=max(term.depth for term in terms))
