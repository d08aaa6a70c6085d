"""What the names of a text mean: which are indices, tensors, labels and sizes, and which axes have one size.

The trees are read twice. The first reading finds the indices (bare names in brackets), the second (``derive.uses``) how
each tensor is used. What is left open then - ranks in whole-operation calls, the names of sizes - is settled by
``derive.settling``.
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.calls import (
    WholeCall,
    check_argument_count,
    check_targets,
    check_whole_numbers,
    with_numbers,
    written_number,
)
from derive.forms import check_letters, find_names
from derive.operation import Operation
from derive.scopes import Scope
from derive.sizes import Place
from derive.tokens import Span
from derive.trees import Access, Call, Literal, Name, Statement, Tree
from derive.uses import check_indices, read_use
from derive.vocabulary import FUNCTIONS, RESERVED, SCALAR_FUNCTIONS, scalar_operation, suggest


def understand_definitions(
    scope: Scope, statements: list[Statement], more: Sequence[Tree] = (), outputs: Sequence[Name] = ()
) -> None:
    """Find out what every name of the definitions means; indices may stand in more trees.

    Args:
        outputs: the names that are listed as outputs; where there are none, the last definition is the output.

    Raises:
        DefinitionError: a name is used in two ways, a size is not known, a definition is not used.
    """
    for number, statement in enumerate(statements):
        if not may_state_size(statement):
            _read_target(scope, number, statement)
    _find_letters(scope, [*(statement.right for statement in statements), *more])
    for number, statement in enumerate(statements):
        if may_state_size(statement):
            _read_size_or_target(scope, number, statement)
    for number, statement in enumerate(statements):
        call = _read_whole_call(scope, statement)
        if call is not None:
            scope.calls[number] = call
            scope.named |= {argument.name for argument in call.arguments}
    check_letters(scope.source, scope.letters, scope.parameters, scope.named)
    for number, statement in enumerate(statements):
        scope.statement = number
        if number in scope.stated:
            continue
        if number in scope.calls:
            for argument in scope.calls[number].arguments:
                scope.use(argument.name, argument.at)
        else:
            scope.set_rank(statement.name, len(statement.indices), statement.name_at)
            read_use(scope, statement.right)
            check_indices(scope, statement)
    if not scope.is_problem:
        _check_outputs(scope, outputs)
        _check_all_needed(scope, statements, outputs)


def understand_problem(scope: Scope, statements: list[Statement], sides: list[Tree]) -> None:
    """Find out what every name of definitions and of equations about what they define means.

    Raises:
        DefinitionError: a name is used in two ways, or defined by itself or too late.
    """
    scope.is_problem = True
    understand_definitions(scope, statements, sides)
    scope.statement = len(statements)
    for side in sides:
        read_use(scope, side)


def understand_expressions(scope: Scope, trees: list[Tree]) -> None:
    """Find out what the names of expressions over the given tensors mean.

    Raises:
        DefinitionError: a name is used in two ways, or not known.
    """
    _find_letters(scope, trees)
    check_letters(scope.source, scope.letters, scope.parameters, scope.named)
    for name, tensor in (scope.given or {}).items():
        scope.ranks[name] = (tensor.rank, Span(0, 1))
        for axis, extent in enumerate(tensor.sizes):
            scope.sizes.fix(Place("axis", name, axis), extent, Span(0, 1))
        if tensor.values is not None:
            scope.labels[name] = Span(0, 1)
            scope.sizes.fix(Place("values", name), tensor.values, Span(0, 1))
    for tree in trees:
        read_use(scope, tree)


def _read_target(scope: Scope, number: int, statement: Statement) -> None:
    for target in statement.targets:
        name, at = target.name, target.at
        scope.check_tensor_name(name, at)
        if name in scope.defined:
            raise scope.source.mistake(at, f"{name} is defined twice", "give the second definition another name")
        scope.defined[name] = (number, at)
        scope.named.add(name)
    name = statement.name
    if statement.indices:
        scope.written[name] = tuple(index.name for index in statement.indices)
    for axis, index in enumerate(statement.indices):
        scope.meet_letter(index)
        scope.sizes.unite(Place("axis", name, axis), Place("index", index.name), index.at)
        scope.standing[Place("axis", name, axis)] = {index.name}


def _read_size_or_target(scope: Scope, number: int, statement: Statement) -> None:
    """Read ``Q = 4``, which states the size of the index q where there is one, and defines a number otherwise."""
    letter = statement.name.lower()
    if letter not in scope.letters:
        _read_target(scope, number, statement)
        return
    value = statement.right.value if isinstance(statement.right, Literal) else None
    if value is None or not value.is_integer or value < 1:
        problem = f"{statement.name} is the size of index {letter}, and this is no size"
        raise scope.source.mistake(statement.right.at, problem, f"expected a whole number: {statement.name} = 4")
    scope.stated[number] = int(value)
    scope.sizes.fix(Place("index", letter), value, statement.at)


def _find_letters(scope: Scope, trees: list[Tree]) -> None:
    """Find the names that are indices, then put them into the order in which they are met anywhere."""
    targets = dict(scope.letters)
    parts = [part for tree in trees for part in tree.walk()]
    scope.named |= {part.name for part in parts if isinstance(part, Access)}
    indices, others = find_names(parts, targets)
    for index in indices:
        scope.meet_letter(index)
    for other in others:
        if scope.given is not None and other.name not in scope.given_parameters:
            scope.meet_letter(other)
            continue
        scope.check_tensor_name(other.name, other.at)
        scope.parameters.setdefault(other.name, other.at)
    met = [part for part in parts if isinstance(part, Name) and part.name in scope.letters]
    scope.letters = targets | {part.name: part.at for part in reversed(met) if part.name not in targets}
    order = [*targets, *dict.fromkeys(part.name for part in met)]
    scope.letters = {letter: scope.letters[letter] for letter in order}


def _read_whole_call(scope: Scope, statement: Statement) -> WholeCall | None:
    right = statement.right
    call = _find_whole_call(scope, statement, right) if statement.is_bare and isinstance(right, Call) else None
    if call is None and statement.also:
        problem = "several names on the left take one operation with several outputs on the right"
        expected = "write a definition for each, or call an operation on whole tensors: h, c = lstm_cell(...)"
        raise scope.source.mistake(statement.left_at, problem, expected)
    return call


def _find_whole_call(scope: Scope, statement: Statement, right: Call) -> WholeCall | None:
    arguments = tuple(argument for argument in right.arguments if isinstance(argument, Name))
    names = [argument.name for argument in arguments]
    written = {place: written_number(argument) for place, argument in enumerate(right.arguments)}
    numbers = {place: number for place, number in written.items() if number is not None}
    if len(arguments) + len(numbers) != len(right.arguments):
        return None
    if numbers and (right.name in FUNCTIONS or not arguments):
        return None
    if right.name in SCALAR_FUNCTIONS and len(arguments) == len(SCALAR_FUNCTIONS[right.name].arguments):
        if any(name in RESERVED or (name[0].isupper() and name not in scope.named) for name in names):
            return None
        operation: Operation | None = scalar_operation(right.name)
    else:
        operation = scope.words.find(right.name, len(right.arguments))
    if operation is None or (right.name in FUNCTIONS and len(arguments) != len(operation.inputs)):
        return None
    check_argument_count(scope.source, right, operation)
    operation = with_numbers(scope.source, right, operation, numbers)
    check_targets(scope.source, statement, operation)
    check_whole_numbers(scope.source, right, operation)
    for argument in arguments:
        scope.check_tensor_name(argument.name, argument.at)
    return WholeCall(operation, arguments, tuple(target.name for target in statement.targets), right.at)


def _check_outputs(scope: Scope, outputs: Sequence[Name]) -> None:
    """Check that what is listed as outputs is defined, each once."""
    known = f"what is defined here is {', '.join(scope.defined)}"
    for place, output in enumerate(outputs):
        name = output.name
        if name in scope.defined:
            if any(other.name == name for other in outputs[:place]):
                raise scope.source.mistake(output.at, f"{name} is listed twice", "list each output once")
        elif name in scope.used:
            problem = f"{name} is an input, so it can not be an output"
            raise scope.source.mistake(output.at, problem, f"list what is defined: {', '.join(scope.defined)}")
        else:
            raise scope.source.mistake(output.at, f"{name} is not defined", suggest(name, scope.defined) or known)


def _check_all_needed(scope: Scope, statements: list[Statement], outputs: Sequence[Name]) -> None:
    """Check that every definition is an output or used; of a call's results one that is will do."""
    definitions = [each for number, each in enumerate(statements) if number not in scope.stated]
    wanted = {output.name for output in outputs or definitions[-1].targets}
    for statement in definitions:
        if not any(target.name in scope.used or target.name in wanted for target in statement.targets):
            name = statement.name
            problem, expected = f"{name} is defined and never used", "use it in a later definition, or take it out"
            if outputs:
                problem = f"nothing depends on {name}: it is no output, and none is computed from it"
                expected = f"list it as an output too, or take it out; the outputs are {', '.join(sorted(wanted))}"
            raise scope.source.mistake(statement.name_at, problem, expected)


def may_state_size(statement: Statement) -> bool:
    """Whether a statement is of the form ``Q = ...``, with the capital of what may be an index."""
    return statement.is_bare and not statement.also and statement.name.isupper()
