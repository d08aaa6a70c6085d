"""A program as the text of a NumPy function, and functions as the text of a module that imports NumPy alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sympy import Expr, Integer, Symbol

from codegen.docstrings import wrapped
from codegen.elementary import FUNCTIONS
from codegen.helpers import HELPERS, helpers_in
from codegen.naming import Names
from codegen.numpy_expressions import Renderer
from codegen.numpy_maps import build_map
from codegen.numpy_printer import ROWS, numpy_text, postfix, split_sign
from codegen.ops import Constant, Map, Position, Scatter
from codegen.passes import for_numpy
from codegen.program import REAL, Argument, Program, Statement
from codegen.reuse import MINUS, OPERATORS, PLUS, Reuse, Step
from derive.extents import Extent
from derive.indices import Tensor
from derive.notation import BAR, Notation

#: Longest line, and how deep brackets may be nested in one.
WIDTH, DEPTH = 88, 4
INDENT = "    "


@dataclass(frozen=True)
class FunctionSource:
    """The text of one function, the helpers that it calls, and its arguments in the program's order."""

    name: str
    text: str
    helpers: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def module(self) -> str:
        """The text of a module with this function and its helpers alone."""
        return module_source([self])


class Body:
    """The lines of a function's body."""

    def __init__(self, program: Program, notation: Notation) -> None:
        self.program = program
        self._notation = notation
        self._uses = program.uses
        self._taken = {statement.into for statement in program.statements}
        inline = frozenset(s.name for s in program.statements if self._may_inline(s))
        self.inline = self._without_readers(self._shortened(inline))
        self.renderer = self._new_renderer(self.inline)

    def _new_renderer(self, inline: frozenset[str]) -> Renderer:
        return Renderer(self.program, Names(self.program, self._notation), inline)

    def _may_inline(self, statement: Statement) -> bool:
        """What is used once and has no name of its own; numbers and positions always."""
        if isinstance(statement.op, Constant | Position):
            return statement.name not in self.program.results
        is_own = statement.tensor is not None or statement.name in self.program.results
        keeps_place = isinstance(statement.op, Scatter) or statement.into or statement.name in self._taken
        return self._uses[statement.name] == 1 and not is_own and not keeps_place

    def _shortened(self, inline: frozenset[str]) -> frozenset[str]:
        """Give names to parts of lines that are too long or too deep, the largest part of each first."""
        pending = [statement for statement in self.program.statements if statement.name not in inline]
        while pending:
            statement = pending.pop()
            while any(is_unreadable(line) for line in self._lines(statement, self._new_renderer(inline))):
                parts = self._inlined_parts(statement, inline)
                if not parts:
                    break
                renderer = self._new_renderer(inline)
                part = max(parts, key=lambda part: len(renderer.text(part)))
                inline -= {part.name}
                pending.append(part)
        return self._inlined_again(inline)

    def _without_readers(self, inline: frozenset[str]) -> frozenset[str]:
        """Give names to sums that read an array which could be written over if they came first."""
        while found := Reuse(self.program, inline).in_the_way():
            inline -= found
        return inline

    def _inlined_again(self, inline: frozenset[str]) -> frozenset[str]:
        """Take back names that were not needed after all, once smaller parts had theirs."""
        for statement in self.program.statements:
            if statement.name not in inline and self._may_inline(statement):
                wider = inline | {statement.name}
                renderer = self._new_renderer(wider)
                user = next(s for s in self.program.statements if statement.name in {o.name for o in s.operands})
                while user.name in wider:
                    user = next(s for s in self.program.statements if user.name in {o.name for o in s.operands})
                if not any(is_unreadable(line) for line in self._lines(user, renderer)):
                    inline = wider
        return inline

    def _inlined_parts(self, statement: Statement, inline: frozenset[str]) -> list[Statement]:
        values, parts, stack = self.program.values, [], [operand.name for operand in statement.operands]
        while stack:
            part = values[stack.pop()]
            if isinstance(part, Statement) and part.name in inline:
                stack += [operand.name for operand in part.operands]
                if not isinstance(part.op, Constant | Position):
                    parts.append(part)
        return parts

    def _lines(self, statement: Statement, renderer: Renderer) -> list[str]:
        """Return a statement's lines, indented."""
        name = renderer.names.of(statement.name)
        if isinstance(statement.op, Scatter):
            lines = self._scatter(statement, statement.op, name, renderer)
        elif statement.into is not None:
            lines = [self._augmented(statement, name, renderer)]
        else:
            lines = self._computed(statement, name, renderer)
        return [INDENT + line for line in lines]

    def _computed(self, statement: Statement, name: str, renderer: Renderer) -> list[str]:
        """Return the lines that compute a value, in the memory of another where that is free."""
        reuse = Reuse(self.program, renderer.inline)
        step = reuse.step(statement)
        if step is None:
            return [f"{name} = {renderer.text(statement)}"]
        base = reuse.values[step.base.name]
        assert isinstance(base, Statement)
        is_named = base.name not in renderer.inline
        lines = [] if is_named else self._computed(base, name, renderer)
        return [*lines, *in_place(statement, step, name, renderer.names.of(base.name) if is_named else name, renderer)]

    def _scatter(self, statement: Statement, op: Scatter, name: str, renderer: Renderer) -> list[str]:
        operands = list(statement.operands)
        base = operands.pop(0) if op.has_base else None
        value, *positions = operands
        is_array = bool(value.labels) and self.program.values[value.name].kind == REAL
        several = len(op.where) > 1
        if op.repeats and base is None and is_array and several and renderer.names_every_place(op.where, positions):
            where = renderer.index_text(op.where, positions)
            shown = numpy_text(renderer.operand(value, renderer.region(op.where, positions)))
            return [f"{name} = _added_at(({where}), {shown}, {renderer.shape(statement.labels)})"]
        lines = []
        if base is None:
            lines.append(f"{name} = {renderer.filled(statement.labels, Integer(0))}")
        elif statement.into is None:
            lines.append(f"{name} = {postfix(renderer.operand(base, statement.labels))}.copy()")
        index = renderer.index_text(op.where, positions)
        shown = renderer.operand(value, renderer.region(op.where, positions))
        if op.repeats:
            where = f"np.s_[{index}]" if ":" in index.split(", ") else (f"({index})" if ", " in index else index)
            return [*lines, f"np.add.at({name}, {where}, {numpy_text(shown)})"]
        if base is None:
            return [*lines, f"{name}[{index}] = {numpy_text(shown)}"]
        sign, positive = split_sign(shown)
        return [*lines, f"{name}[{index}] {'-' if sign < 0 else '+'}= {numpy_text(positive)}"]

    def _augmented(self, statement: Statement, name: str, renderer: Renderer) -> str:
        assert isinstance(statement.op, Map)
        others = [operand for operand in statement.operands if operand.name != statement.into]
        shown = [renderer.operand(operand, statement.axes) for operand in others]
        factor: Expr = shown[0] if len(shown) == 1 else build_map(Map("mul"), shown)
        return f"{name} {'*' if statement.op.function == 'mul' else '/'}= {numpy_text(factor)}"

    def lines(self) -> list[str]:
        """Return the body: sizes, statements, the return."""
        renderer, program = self.renderer, self.program
        shown = [statement for statement in program.statements if statement.name not in self.inline]
        lines = [line for statement in shown for line in self._lines(statement, renderer)]
        names = [renderer.names.of(name) for name in program.results]
        shapes, names = self._with_shapes(names)
        start = f"{INDENT}{names[0]} = " if names else ""
        is_last = len(names) == 1 and bool(shown) and shown[-1].name == program.results[0]
        returned = f"{INDENT}return {lines[-1].removeprefix(start)}" if is_last and lines[-1].startswith(start) else ""
        if returned and (len(returned) <= WIDTH or len(lines[-1]) > WIDTH):
            lines[-1] = returned
        else:
            lines.append(f"{INDENT}return {', '.join(names)}")
        return [part for line in (*shapes, *self._size_lines(), *lines) for part in broken_line(line)]

    def _with_shapes(self, results: list[str]) -> tuple[list[str], list[str]]:
        """Return the lines that make all leading axes one, and the results with their own shapes again."""
        program, names = self.program, self.renderer.names
        if not program.flattens:
            return [], results
        leading = [argument for argument in program.arguments if program.leads(argument.tensor)]
        models = {tensor: _model(tensor, leading) for tensor in program.result_tensors if program.leads(tensor)}
        several = len(set(models.values())) > 1
        shapes = {
            model: names.of_shape(names.of(model.name) if several else "") for model in dict.fromkeys(models.values())
        }
        shown = list(results)
        for place, tensor in enumerate(program.result_tensors):
            if tensor in models:
                model = models[tensor]
                rest, shape = model.tensor.rank - 1, shapes[model]
                if model.tensor.sizes != tensor.sizes:
                    shape += f"[:-{rest}]" if rest else ""
                    shape += f" + {results[place]}.shape[1:]" if tensor.rank > 1 else ""
                shown[place] = f"{results[place]}.reshape({shape})"
        lines = [f"{INDENT}{shape} = {names.of(model.name)}.shape" for model, shape in shapes.items()]
        for argument in leading:
            name, rest = names.of(argument.name), argument.tensor.rank - 1
            kept = "" if not rest else f", {name}.shape[-1]" if rest == 1 else f", *{name}.shape[-{rest}:]"
            lines.append(f"{INDENT}{name} = {name}.reshape(-1{kept})")
        return lines, shown

    def _size_lines(self) -> list[str]:
        """Return the lines that read the sizes, from as few arguments as will do."""
        lines: list[str] = []
        derived: list[str] = []
        names = self.renderer.names
        told = [extent for extent in self.program.extents if self.program.source_of(extent.size) is None]
        for extent in reversed(told):  # What one follows from may follow from those before it.
            if extent.size in self.renderer.sizes:
                derived.insert(0, f"{INDENT}{names.of_size(extent.size)} = {self._counted(extent)}")
        needed = [size for size in self.renderer.sizes if size not in {extent.size for extent in told}]
        while needed:
            telling = {each: len(set(each.tensor.sizes) & set(needed)) for each in self.program.arguments}
            argument = max(telling, key=lambda each: (telling[each], each.kind == REAL))
            name, extents = names.of(argument.name), argument.tensor.sizes
            if not self.program.flattens and self.program.leads(argument.tensor):
                lines += [self._size_line(argument, size) for size in needed if size in extents]
            elif len(extents) > 1 and len(set(extents)) == len(extents) and set(extents) <= set(needed):
                lines.append(f"{INDENT}{', '.join(map(names.of_size, extents))} = {name}.shape")
            else:
                found = sorted((extent for extent in needed if extent in extents), key=extents.index)
                lines += [f"{INDENT}{names.of_size(size)} = {name}.shape[{extents.index(size)}]" for size in found]
            needed = [extent for extent in needed if extent not in extents]
        return [*lines, *derived]

    def _size_line(self, argument: Argument, size: Symbol) -> str:
        """Return the line that reads a size from an argument with any number of leading axes."""
        names, rank = self.renderer.names, argument.tensor.rank
        name, axis = names.of(argument.name), argument.tensor.sizes.index(size) - rank
        first = f"[..., {', '.join('0' * (rank - 1))}]" if rank > 1 else ""
        text = f"{name}.shape[{axis}]" if axis > -rank else f"{name}{first}.size"
        return f"{INDENT}{names.of_size(size)} = {text}"

    def _counted(self, extent: Extent) -> str:
        """Return how many steps fit into a span, and the first place."""
        if extent.step == 1:
            return numpy_text(self.renderer.size(extent.span + 1))
        span, step = self.renderer.size(extent.span), numpy_text(self.renderer.size(extent.step))
        return f"{postfix(span)} // {step} + 1"


def in_place(statement: Statement, step: Step, name: str, base: str, renderer: Renderer) -> list[str]:
    """Return the lines that do a step in the memory of a name: ``y = np.divide(x, n, out=x)`` or ``x /= n``."""
    assert isinstance(statement.op, Map)
    function = statement.op.function
    start = f"{name} = " if name != base else ""
    if not step.others:
        row = "np.sqrt" if function == "sqrt" else ROWS[FUNCTIONS[function].__name__]
        return [f"{start}{row}({base}, out={base})"]
    shown = [(sign, renderer.operand(operand, statement.axes)) for sign, operand in step.others]
    if function == "mul" and len(shown) > 1:
        shown = [(1, build_map(Map("mul"), [factor for _, factor in shown]))]
    lines = []
    if step.is_right:
        row = "np.divide" if function == "div" else "np.subtract"
        lines.append(f"{start}{row}({numpy_text(shown[0][1])}, {base}, out={base})")
        shown, start = shown[1:], ""
    for sign, expr in shown:
        inner, positive = split_sign(expr) if function == "add" else (1, expr)
        sign_of, full = OPERATORS.get(function, PLUS if sign * inner > 0 else MINUS)
        text = numpy_text(positive)
        lines.append(f"{name} {sign_of} {text}" if not start else f"{start}{full}({base}, {text}, out={base})")
        start = ""
    return lines


def _model(tensor: Tensor, arguments: Sequence[Argument]) -> Argument:
    """Return the argument that a result has the shape of, or the first one if it has only leading axes in common."""
    return next((argument for argument in arguments if argument.tensor.sizes == tensor.sizes), arguments[0])


def broken_line(line: str) -> list[str]:
    """Break a line that is too long after the bracket that its last one closes, as the formatter does.

    Brackets with nothing in them are not broken, but those before them.

    Example:
        >>> broken_line("    result = function(" + ", ".join(["an_argument"] * 6) + ")")[1].strip()
        'an_argument, an_argument, an_argument, an_argument, an_argument, an_argument'
        >>> broken_line("    result = function(" + ", ".join(["an_argument"] * 6) + ").mean()")[-1].strip()
        ').mean()'
    """
    if len(line) <= WIDTH or line[-1] not in ")]":
        return [line]
    start, end = _last_brackets(line, len(line))
    if start + 2 == end and ")" in line[:start]:
        start, end = _last_brackets(line, line.rindex(")", 0, start) + 1)
    indent = line[: len(line) - len(line.lstrip())]
    inside = f"{indent}{INDENT}{line[start + 1 : end - 1]}"
    parts = _at_commas(line[start + 1 : end - 1])
    last = f"{indent}{line[end - 1 :]}"
    if len(inside) > WIDTH and len(parts) > 1:
        return [line[: start + 1], *(f"{indent}{INDENT}{part}," for part in parts), last]
    return [line[: start + 1], inside, last]


def _last_brackets(line: str, end: int) -> tuple[int, int]:
    """Return where the bracket opens that is closed just before a place, and that place."""
    depth, start = 0, end
    while start == end or depth:
        start -= 1
        depth += (line[start] in ")]") - (line[start] in "([")
    return start, end


def _at_commas(text: str) -> list[str]:
    """Return the parts between the commas that stand in no brackets and no quotation marks."""
    parts, depth, is_quoted = [""], 0, False
    for character in text:
        depth += (character in "([") - (character in ")]")
        is_quoted ^= character == '"'
        if character == "," and not depth and not is_quoted:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def is_unreadable(line: str) -> bool:
    depth = deepest = 0
    for character in line:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    return len(line) > WIDTH or deepest > DEPTH


def numpy_function(
    program: Program,
    name: str,
    docstring: Sequence[str],
    defaults: Mapping[str, str] = MappingProxyType({}),
    notation: Notation = BAR,
) -> FunctionSource:
    """Return the text of a function of the program's arguments.

    Args:
        program: what it computes.
        name: what it is called.
        docstring: its lines.
        defaults: by the name of a tensor, the number that it has where it is left out.
        notation: what gradients are called.
    """
    body = Body(for_numpy(program), notation)
    lines = body.lines()
    arguments = [body.renderer.names.of(each.name) for each in program.arguments]
    arguments += [body.renderer.names.of_size(each) for each in program.parameters]
    told = ["" if each.tensor.role else _default(each.tensor.name, defaults) for each in program.arguments]
    told += [_default(each.name, defaults) for each in program.parameters]
    names = sorted(map("".join, zip(arguments, told, strict=True)), key=lambda argument: "=" in argument)
    text = "\n".join([*_signature(name, names), *docstring_lines(docstring), *lines]) + "\n"
    return FunctionSource(name, text, helpers_in(text), tuple(arguments))


def _default(name: str, defaults: Mapping[str, str]) -> str:
    """Return what follows an argument in the signature where it may be left out."""
    return f"={defaults[name]}" if name in defaults else ""


def _signature(name: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines of a ``def``, broken as the formatter breaks it."""
    line = f"def {name}({', '.join(arguments)}):"
    if len(line) <= WIDTH:
        return [line]
    inner = f"{INDENT}{', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return [f"def {name}(", inner, "):"]
    return [f"def {name}(", *(f"{INDENT}{argument}," for argument in arguments), "):"]


def docstring_lines(lines: Sequence[str], indent: str = INDENT) -> list[str]:
    """Return a docstring's lines, long ones broken; whatever they say, the docstring ends where it should."""
    safe = [each.replace("\\", "\\\\").replace('"""', "'''") for each in lines]
    first, *others = [part for line in safe for part in wrapped(line, WIDTH - len(indent))]
    if not others:
        apart = " " if first.endswith('"') else ""
        return [f'{indent}"""{first}{apart}"""']
    return [f'{indent}"""{first}', *(f"{indent}{line}".rstrip() for line in others), f'{indent}"""']


def module_source(functions: Iterable[FunctionSource], docstring: Sequence[str] = ()) -> str:
    """Return the text of a module that imports NumPy, if it calls it, and nothing else; each helper is there once."""
    functions = list(functions)
    needed = {helper for function in functions for helper in function.helpers}
    parts = ["\n".join(docstring_lines(docstring, "")) + "\n"] if docstring else []
    texts = [*(HELPERS[helper] for helper in HELPERS if helper in needed), *(function.text for function in functions)]
    if any("np." in text for text in texts):
        parts.append("import numpy as np\n" if texts[0].startswith("def ") else "import numpy as np")
    return "\n\n".join(["\n".join(parts), *texts] if parts else texts)
