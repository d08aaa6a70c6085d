"""From a text to an operation or an expression.

The text is read into trees (``derive.syntax``), the trees' names are understood (``derive.meanings``), and then the
expressions are made here. Text is never evaluated: every expression is put together from nodes of a closed set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sympy import Expr, Symbol

from derive.building import Builder
from derive.calls import Lookup, WholeCall, Words
from derive.definitions import Definition, needed_definitions
from derive.errors import InputError
from derive.extents import free_parameters
from derive.indices import Tensor
from derive.instantiation import Instance
from derive.leading import find_misuse
from derive.meanings import understand_definitions, understand_expressions
from derive.operation import Operation
from derive.premises import Premise, make_premise
from derive.printing import definition_text
from derive.record import Record
from derive.scopes import Scope
from derive.settling import settle
from derive.sums import tensors_in
from derive.syntax import read_definitions, read_fact, read_sides
from derive.tokens import Text
from derive.trees import Statement, Tree

#: What a default may be: it stands in a function's signature as it is.
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?")


def parse_operation(
    text: str,
    name: str | None = None,
    lookup: Lookup | None = None,
    record: Record | None = None,
    known: Iterable[str] = (),
    merged_sizes: bool = False,
) -> Operation:
    """Return the operation that a text defines.

    Args:
        text: definitions separated by ``;`` or ends of lines. The last one is the output, unless a list of names
            after it says which are: ``m = a + b; d = a - b; m, d``.
        name: the operation's name; without one it has the name of its output.
        lookup: finds an operation that the text calls by its name.
        record: what else is said of the operation. What the records of the operations that the text calls say of
            its inputs - labels, facts, domain, defaults, absent - is added.
        known: names to suggest where the text calls an operation that there is not.
        merged_sizes: whether a size may be written as the capital of any index that runs over it, not only of the
            first one met. It is for printed text, whose order is not the one in which its sizes were named.

    Raises:
        DefinitionError: the text has a mistake; it is shown with a caret under it.
        InputError: the record speaks of inputs that the text has not.

    Example:
        >>> softmax = parse_operation("y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)")
        >>> softmax.sizes, softmax.inputs[0].rank
        ((N, K), 2)
    """
    source = _read_text(text)
    statements, listed = read_definitions(source)
    scope = Scope(source, Words(lookup, known))
    understand_definitions(scope, statements, outputs=listed)
    settled = settle(scope, merged_sizes)
    builder = Builder(scope, settled)
    definitions: list[Definition] = []
    instances = []
    for number, statement in enumerate(statements):
        if number in scope.calls:
            call = scope.calls[number]
            instances.append((call, builder.call(call, definitions)))
            definitions.extend(instances[-1][1].definitions)
        elif number not in scope.stated:
            definitions.append(builder.definition(statement.name, statement.indices, statement.right))
        if settled.leading is not None:
            _check_leading(source, statement, definitions, settled.leading)
    last = [statement for number, statement in enumerate(statements) if number not in scope.stated][-1]
    outputs = tuple(name.name for name in listed or last.targets)
    computed = [definition.tensor for definition in definitions if definition.tensor.name in outputs]
    definitions = list(needed_definitions(definitions, computed))  # A call may have given more results than are used.
    inputs = tuple(settled.tensors[input_name] for input_name in scope.inputs)
    remaining = frozenset().union(*(tensors_in(definition.body) for definition in definitions))
    for used, at in scope.used.items():
        if settled.tensors[used] not in remaining:
            raise source.mistake(at, f"{used} drops out of the definition", "nothing depends on it: take it out")
    if record is None:
        record = Record(name or "-".join(outputs), text)
    elif name is not None and name != record.name:
        raise InputError(f"the record is called {record.name}, not {name}; give the name once")
    check_record(record, inputs, definitions)
    for call, instance in instances:
        record = _carry_over(record, call, instance, inputs, scope.words)
    by_name = {tensor.name: tensor for tensor in inputs}
    ordered = tuple(by_name[input_name] for input_name in record.inputs) if record.inputs else inputs
    ordered = tuple(sorted(ordered, key=lambda tensor: tensor.name in record.defaults))
    listed_names = () if outputs == (definitions[-1].tensor.name,) else outputs
    operation = Operation(tuple(definitions), ordered, record, listed_names, leading=settled.leading)
    _check_extents(scope, operation)
    return operation


def _check_leading(source: Text, statement: Statement, definitions: list[Definition], leading: Symbol) -> None:
    """Check that what a statement stands for can be done with any number of leading axes."""
    for definition in definitions:
        problem = find_misuse(definition, leading)
        if problem is not None:
            expected = "write an index for each axis everywhere"
            raise source.mistake(statement.at, problem, expected)


def _check_extents(scope: Scope, operation: Operation) -> None:
    """Check that something tells how far every index on the left runs: an axis of an input, or an affine form."""
    told = {extent.size for extent in operation.extents}.union(
        *((*tensor.sizes, tensor.values) for tensor in operation.inputs)
    )
    for definition in operation.definitions:
        for index in definition.indices:
            if index.size not in told and not index.size.is_Integer and index.name in scope.letters:
                problem = f"nothing tells how far {index.name} runs: the forms that it stands in do not say it"
                expected = f"expected a form such as x[s*{index.name} + r], or an input with an axis of that size"
                raise scope.source.mistake(scope.letters[index.name], problem, expected)


def parse_expression(
    text: str,
    tensors: Mapping[str, Tensor],
    lookup: Lookup | None = None,
    known: Iterable[str] = (),
    parameters: Iterable[str] = (),
) -> Expr:
    """Return the expression that a text over known tensors stands for; its free indices are those it does not bind.

    Args:
        tensors: the tensors, by the names that they have in the text.
        lookup, known: where operations are looked up, and the names to suggest for a misspelt one.
        parameters: the names of whole numbers, and of sizes; another name in index arithmetic is an index.

    Raises:
        DefinitionError: the text has a mistake; it is shown with a caret under it.

    Example:
        >>> from derive.indices import size
        >>> parse_expression("sum(t[n,k], k)", {"t": Tensor("t", (size("N"), size("K")))})
        sum(t[n,k], k)
    """
    return _parse_sides(text, 1, tensors, Words(lookup, known), parameters)[0]


def parse_equation(
    text: str,
    tensors: Mapping[str, Tensor],
    lookup: Lookup | None = None,
    known: Iterable[str] = (),
    parameters: Iterable[str] = (),
) -> tuple[Expr, Expr]:
    """Return both sides of an equation over known tensors; a letter means the same index on both sides.

    The arguments are those of `parse_expression`.

    Raises:
        DefinitionError: the text has a mistake; it is shown with a caret under it.

    Example:
        >>> from derive.indices import size
        >>> parse_equation("sum(t[n,k], k) = 1", {"t": Tensor("t", (size("N"), size("K")))})
        (sum(t[n,k], k), 1)
    """
    left, right = _parse_sides(text, 2, tensors, Words(lookup, known), parameters)
    return left, right


def parse_premise(
    text: str,
    tensors: Mapping[str, Tensor],
    lookup: Lookup | None = None,
    known: Iterable[str] = (),
    parameters: Iterable[str] = (),
) -> Premise:
    """Return the fact that a text states of known tensors.

    The arguments are those of `parse_expression`.

    Raises:
        DefinitionError: the text has a mistake; it is shown with a caret under it.
        InputError: it is of no kind that can be used.

    Example:
        >>> from derive.indices import size
        >>> parse_premise("x[n] > 0", {"x": Tensor("x", (size("N"),))}).relation
        '>'
    """
    source = _read_text(text)
    fact = read_fact(source)
    left, right = _build(source, [fact.left, fact.right], tensors, Words(lookup, known), parameters)
    return make_premise(fact.sign, left, right, text)


def _read_text(text: str) -> Text:
    if not isinstance(text, str):
        raise InputError(f"a definition is a text, such as 'y[n] = max(x[n], 0)', not {type(text).__name__}")
    return Text(text)


def _parse_sides(
    text: str, sides: int, tensors: Mapping[str, Tensor], words: Words, parameters: Iterable[str]
) -> list[Expr]:
    source = _read_text(text)
    return _build(source, read_sides(source, sides), tensors, words, parameters)


def _build(
    source: Text, trees: list[Tree], tensors: Mapping[str, Tensor], words: Words, parameters: Iterable[str]
) -> list[Expr]:
    """What trees stand for; a letter that is free in several is one index in all of them."""
    scope = Scope(source, words, tensors, parameters)
    understand_expressions(scope, trees)
    settled = settle(scope)
    return Builder(scope, settled).sides(*trees)


def check_record(record: Record, inputs: Iterable[Tensor], definitions: Iterable[Definition]) -> None:
    """Check that a record speaks of the operation's own inputs.

    Raises:
        InputError: it names something else, or does not name every input where it orders them.
    """
    inputs, definitions = tuple(inputs), tuple(definitions)
    names = [tensor.name for tensor in inputs]
    tensors = [*names, *(definition.tensor.name for definition in definitions)]
    said = {"inputs": (record.inputs, names), "labels": (record.labels, names), "domain": (record.domain, names)}
    parameters = {symbol.name for symbol in free_parameters(inputs, [(each.target, each.body) for each in definitions])}
    said["defaults"] = (tuple(record.defaults), [*names, *parameters])
    said["absent"] = ((*record.absent, *record.absent.values()), tensors)
    said["learned"] = (tuple(record.learned), names)
    sizes = {str(size) for tensor in inputs for size in tensor.sizes}
    letters = tuple(letter for argument in record.arguments.values() for letter in argument.split())
    said["arguments"] = (letters, [*names, *parameters, *sizes])
    for field, (mentioned, allowed) in said.items():
        for name in mentioned:
            if name not in allowed:
                known = ", ".join(names) or "none"
                raise InputError(f"{record.name}: {field} names {name}, which is no input; the inputs are {known}")
    for name in parameters & record.defaults.keys():
        if not record.defaults[name].isdecimal():
            raise InputError(f"{record.name}: {name} is a whole number, and its default is {record.defaults[name]}")
    for name, text in record.defaults.items():
        if not NUMBER.fullmatch(text):
            raise InputError(f"{record.name}: the default of {name} must be a number such as 0.5, not {text!r}")
    for tensor in inputs:
        if tensor.name in record.defaults and (tensor.rank or tensor.values is not None):
            raise InputError(f"{record.name}: {tensor.name} has a default, so it must be a real number without axes")
    for tensor in inputs:
        _check_start(record, tensor)
    if record.inputs and sorted(record.inputs) != sorted(names):
        raise InputError(f"{record.name}: inputs must name each of {', '.join(names)} once")


def _check_start(record: Record, tensor: Tensor) -> None:
    """Check that an input that is said to be learned can be, and starts as a number or as normal numbers."""
    start = record.learned.get(tensor.name)
    if start is None:
        return
    if tensor.values is not None or tensor.name in {*record.labels, *record.defaults}:
        raise InputError(f"{record.name}: {tensor.name} is data, so it can not be learned")
    if start != "normal" and not NUMBER.fullmatch(start):
        raise InputError(f"{record.name}: {tensor.name} starts as a number or as 'normal', not as {start!r}")


def _carry_over(
    record: Record, call: WholeCall, instance: Instance, inputs: tuple[Tensor, ...], words: Words
) -> Record:
    """Add what the record of an operation that is called says of tensors that are inputs here too."""
    said = call.operation.record
    names = {mine.name: here.name for mine, here in instance.tensors.items()}
    own = {tensor.name for tensor in inputs}
    labels = [names[label] for label in said.labels if names[label] in own and names[label] not in record.labels]
    domain = {names[name]: interval for name, interval in said.domain.items() if names[name] in own}
    defaults = {names[name]: number for name, number in said.defaults.items() if names[name] in own}
    absent = {names[name]: names[label] for name, label in said.absent.items()}
    learned = {names[name]: start for name, start in said.learned.items() if names[name] in own - {*record.labels}}
    facts = []
    for fact in said.facts if not call.operation.is_elementwise else ():
        tensors = {tensor.name: tensor for tensor in instance.tensors}
        sides = [instance.translate(side) for side in parse_equation(fact, tensors, words.lookup, words.known)]
        if {tensor.name for side in sides for tensor in tensors_in(side)} <= own:
            facts.append(" = ".join(map(definition_text, sides)))
    return replace(
        record,
        labels=(*record.labels, *dict.fromkeys(labels)),
        facts=(*record.facts, *(fact for fact in facts if fact not in record.facts)),
        domain={**domain, **record.domain},
        defaults={**defaults, **record.defaults},
        absent={**absent, **record.absent},
        learned={**learned, **record.learned},
    )
