"""What a call means: a function, an elementwise operation inside a formula, or an operation on whole tensors."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple

from sympy import Rational

from derive.indices import Tensor
from derive.operation import Operation
from derive.tokens import Span, Text
from derive.trees import Access, Call, Comparison, Literal, Name, Statement, Terms, Tree
from derive.vocabulary import FUNCTIONS, MATRIX_FUNCTIONS, SCALAR_FUNCTIONS, WRITTEN, suggest

Lookup = Callable[[str], Operation | None]


class WholeCall(NamedTuple):
    """``p = softmax(z)``: an operation applied to whole tensors; ``targets`` are the names of its outputs."""

    operation: Operation
    arguments: tuple[Name, ...]
    targets: tuple[str, ...]
    at: Span

    def named(self) -> list[tuple[str, Span, Tensor]]:
        """The names in a call, with their places and what the operation calls them; the targets come last."""
        pairs = zip(self.arguments, self.operation.inputs, strict=True)
        named = [(argument.name, argument.at, tensor) for argument, tensor in pairs]
        outputs = (output.tensor for output in self.operation.outputs)
        return [*named, *((target, self.at, tensor) for target, tensor in zip(self.targets, outputs, strict=True))]

    def leading(self) -> list[tuple[str, Span, Tensor]]:
        """Those of them that have the operation's leading axes."""
        return [named for named in self.named() if self.operation.leads(named[2])]


class Words(NamedTuple):
    """Where operations are looked up, and the names to suggest for a misspelt one."""

    lookup: Lookup | None = None
    known: Iterable[str] = ()

    def find(self, name: str, arguments: int | None = None) -> Operation | None:
        """Return the operation of a name, None where there is none; called with so many arguments where that is said.

        Settings that a call leaves out have their own numbers.
        """
        if self.lookup is None:
            return None
        found = self.lookup(name)
        if found is None and "_" in name:
            found = self.lookup(name.replace("_", "-"))
        return found if found is None or arguments is None else found.called_with(arguments)


def check_call(source: Text, words: Words, letters: Container[str], tree: Call) -> None:
    """Check that a function is known, may stand inside a formula, and has the arguments it needs.

    Raises:
        DefinitionError: it is not known, may not, or has not.
    """
    name, count = tree.name, len(tree.arguments)
    if name in FUNCTIONS:
        shapes = {"where": count == 3, "delta": count == 2, "diff": count == 2, "sum": count >= 2, "mean": count >= 2}
        shapes |= dict.fromkeys(MATRIX_FUNCTIONS, count == 3)
        second = tree.arguments[1] if count > 1 else None
        if name in ("max", "argmax") and isinstance(second, Name) and second.name in letters:
            shapes[name] = count == 2 or name == "max"
        arguments = SCALAR_FUNCTIONS[name].arguments if name in SCALAR_FUNCTIONS else ("", "")
        if not shapes.get(name, count == len(arguments)):
            written = WRITTEN.get(name) or f"{name}({', '.join(arguments)})"
            raise source.mistake(tree.at, f"{name} has the wrong number of arguments", f"write {written}")
        _check_entries(source, tree)
        if name == "min" and isinstance(second, Name) and second.name in letters:
            expected = f"write -max(-x, {second.name}) for the minimum over {second.name}"
            raise source.mistake(tree.at, "min takes two numbers", expected)
        if name == "where" and not isinstance(tree.arguments[0], Comparison):
            expected = "expected a comparison, as in where(x[n] > 0, x[n], 0)"
            raise source.mistake(tree.arguments[0].at, "this is not a condition", expected)
        return
    operation = words.find(name, count)
    if operation is None:
        callable_names = (*FUNCTIONS, *(known.replace("-", "_") for known in words.known))
        catalogue = ", and the operations of `derive list`" if words.known else ""
        expected = suggest(name, callable_names) or f"the functions are {', '.join(FUNCTIONS)}{catalogue}"
        raise source.mistake(tree.name_at, f"unknown function {name}", expected)
    _check_entries(source, tree)
    if not operation.is_elementwise:
        formula = next((each for each in tree.arguments if not isinstance(each, Name)), None)
        if formula is not None and not any(isinstance(part, Access) for part in formula.walk()):
            problem = f"{name} takes whole tensors by their names, and this is a formula"
            raise source.mistake(formula.at, problem, "give it a name in a definition before this one")
        names = ", ".join(tensor.name for tensor in operation.inputs)
        problem = f"{name} works on whole tensors, not inside a formula"
        results = ", ".join(output.tensor.name for output in operation.outputs)
        expected = f"give it a definition of its own, without indices: {results} = {name}({names})"
        raise source.mistake(tree.name_at, problem, expected)
    check_single_output(source, tree, operation)
    check_argument_count(source, tree, operation)


def _check_entries(source: Text, tree: Call) -> None:
    """Check that elements are taken of an inverse, by a row and a column, and of nothing else that is called."""
    wanted = 2 * (tree.name == "inv")
    if len(tree.entries) == wanted:
        return
    if wanted and not tree.entries:
        problem = "an inverse is a matrix, not a number"
    elif wanted:
        problem = f"an element of an inverse has 2 indices, not {len(tree.entries)}"
    else:
        problem = f"{tree.name}(...) is a number and has no elements"
    written = WRITTEN.get(tree.name) or f"{tree.name}(x[n])"
    raise source.mistake(tree.at, problem, f"write {written}")


def check_bound(source: Text, letters: Container[str], free: Container[str], tree: Call, index: Tree) -> None:
    """Check what a call runs over: an index, once, and for a maximum one that its first argument depends on.

    Args:
        letters: the indices of the text.
        free: those that the first argument depends on.

    Raises:
        DefinitionError: it is none.
    """
    if not isinstance(index, Name):
        problem = f"{tree.name} runs over indices, and this is not an index"
        raise source.mistake(index.at, problem, f"expected bare names, as in {WRITTEN['sum']}")
    if index.name not in letters:
        problem = f"{index.name} is not an index: it stands in no brackets"
        inside = {part.name for part in tree.arguments[0].walk() if isinstance(part, Name)}
        known = sorted(name for name in inside if name in letters)
        expected = f"expected one of {', '.join(known)}" if known else "expected an index of the first argument"
        raise source.mistake(index.at, problem, expected)
    if tree.name in ("max", "argmax", *MATRIX_FUNCTIONS) and index.name not in free:
        problem = f"{tree.name} runs over index {index.name}, and its first argument does not depend on it"
        raise source.mistake(tree.at, problem, f"write {index.name} in it, or give the number another name")
    if sum(isinstance(other, Name) and other.name == index.name for other in tree.arguments[1:]) > 1:
        problem = f"{tree.name} was given the index {index.name} twice"
        raise source.mistake(tree.at, problem, "name each index once")


def check_argument_count(source: Text, tree: Call, operation: Operation) -> None:
    """Check that an operation is given as many arguments as it has inputs.

    Raises:
        DefinitionError: it is not.
    """
    expected = len(operation.inputs)
    if len(tree.arguments) != expected:
        names = ", ".join(tensor.name for tensor in operation.inputs)
        problem = f"{tree.name} takes {expected} argument{'s' * (expected != 1)}, not {len(tree.arguments)}"
        raise source.mistake(tree.at, problem, f"expected {tree.name}({names})")


def written_number(tree: Tree) -> Rational | None:
    """Return the number that an argument is, ``-1`` among them; None where it is no number."""
    if isinstance(tree, Literal):
        return tree.value
    if isinstance(tree, Terms) and len(tree.parts) == 1:
        ((sign, part),) = tree.parts
        return sign * part.value if isinstance(part, Literal) else None
    return None


def with_numbers(source: Text, tree: Call, operation: Operation, numbers: Mapping[int, Rational]) -> Operation:
    """Return an operation that is called on whole tensors with the numbers that it is given for some of them.

    Raises:
        DefinitionError: a number stands where an array is wanted.
    """
    for place in numbers:
        tensor = operation.inputs[place]
        if tensor.rank or tensor.values is not None:
            what = "labels" if tensor.values is not None else "an array"
            problem = f"{tensor.name} of {tree.name} is {what}, and a number is given for it"
            raise source.mistake(tree.arguments[place].at, problem, "give it a name, and whoever calls it an array")
    return operation.given({operation.inputs[place]: number for place, number in numbers.items()})


def check_single_output(source: Text, tree: Call, operation: Operation) -> None:
    """Check that an operation inside a formula stands for one number.

    Raises:
        DefinitionError: it has several outputs.
    """
    if len(operation.outputs) > 1:
        names = ", ".join(tensor.name for tensor in operation.inputs)
        results = ", ".join(output.tensor.name for output in operation.outputs)
        problem = f"{tree.name} has several outputs, {operation.output_names}, so it is no number in a formula"
        raise source.mistake(
            tree.name_at, problem, f"give it a definition of its own: {results} = {tree.name}({names})"
        )


def check_targets(source: Text, statement: Statement, operation: Operation) -> None:
    """Check that an operation called on whole tensors is given as many names as it has outputs.

    Raises:
        DefinitionError: it is not.
    """
    given, outputs = len(statement.targets), operation.outputs
    if given != len(outputs):
        call = statement.right
        assert isinstance(call, Call)
        has = f"has {len(outputs)} outputs, {operation.output_names}" if len(outputs) > 1 else "has one output"
        stand = f"{given} names stand" if given > 1 else "one name stands"
        names = ", ".join(output.tensor.name for output in outputs)
        problem = f"{call.name} {has}, and {stand} on the left"
        raise source.mistake(statement.left_at, problem, f"write one name for each: {names} = {call.name}(...)")


def check_whole_numbers(source: Text, tree: Call, operation: Operation) -> None:
    """Check that an operation needs no whole number that the call can not give, and no size that it does not show.

    Raises:
        UnsupportedError: it does.
    """
    hidden = {extent.size for extent in operation.extents} - {
        size for each in operation.outputs for size in each.tensor.sizes
    }
    lacking = [symbol.name for symbol in (*operation.parameters, *sorted(hidden, key=str))]
    if lacking:
        problem = f"{tree.name} is given {', '.join(lacking)} beside its arrays, and a call can not give it"
        raise source.unsupported(tree.at, problem, f"write the definition of {tree.name} out")


def check_hyphen(source: Text, words: Words, tree: Terms) -> None:
    """Refuse ``softmax-cce(z, t)``: in a formula the hyphen is a minus.

    Raises:
        DefinitionError: a difference is written that is an operation's name.
    """
    for (_, left), (sign, right) in zip(tree.parts, tree.parts[1:], strict=False):
        if not (sign == -1 and isinstance(left, Name) and isinstance(right, Call)):
            continue
        if words.find(f"{left.name}-{right.name}") is not None:
            at = Span(left.at.offset, right.at.offset + len(right.name) - left.at.offset)
            expected = f"write {left.name}_{right.name}(...)"
            raise source.mistake(at, "the hyphen in an operation's name reads as a minus", expected)
