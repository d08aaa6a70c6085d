"""What the names of a text mean: which are indices, tensors, labels and sizes, and which axes have one size.

The trees are read twice. The first reading finds the indices (bare names in brackets), the second how each tensor is
used. What is left open then - ranks in whole-operation calls, the names of sizes - is settled by ``derive.settling``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from derive.calls import (
    WholeCall,
    Words,
    check_argument_count,
    check_bound,
    check_call,
    check_hyphen,
    check_targets,
    check_whole_numbers,
    with_numbers,
    written_number,
)
from derive.forms import check_form, check_letters, find_names, is_arithmetic, is_form, names_in, single_index
from derive.indices import Tensor
from derive.record import Operation
from derive.sizes import Place, SizeClasses, count_of_indices
from derive.tokens import Span, Text
from derive.trees import Access, Call, Comparison, Factors, Literal, Name, Power, Statement, Terms, Tree
from derive.vocabulary import (
    BINDING,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    RESERVED,
    SCALAR_FUNCTIONS,
    WRITTEN,
    scalar_operation,
    suggest,
)


class Scope:
    """The names of a text, as far as reading it tells.

    Attributes:
        given: the tensors of an expression's surroundings; None where the text itself is a list of definitions.
        given_parameters: the whole numbers and sizes of its surroundings, by name.
        letters: the indices, each with the place where it is met first; targets are read first.
        parameters: the whole numbers of index arithmetic, each with the place where it is met first.
        calls: the whole-operation calls by the number of their statement.
        defined, used: tensors by name, with the number of the definition and the place.
        ranks: tensors by name, with the number of axes and the place that says so.
        labels: integer tensors, with the place where one stands in an index.
        sizes: which axes and indices have one size.
        size_uses: bare capital names, which must be sizes.
        positions: the largest integer that stands on an axis.
        standing: the indices that stand on an axis.
        forms: the axes on which arithmetic stands, with the place and the index that it only shifts, if it does.
        running: the indices that stand in arithmetic.
        written: the indices with which a tensor is written first, by its name.
        stated: sizes that the text states, ``Q = 4``, by the number of their statement.
        leads: axes that stand for all leading ones because nothing tells how many there are.
        is_problem: whether it is a claim's text, in which derivatives may stand and a definition may go unused.
    """

    def __init__(
        self,
        source: Text,
        words: Words,
        given: Mapping[str, Tensor] | None = None,
        given_parameters: Iterable[str] = (),
    ) -> None:
        self.source, self.words, self.given = source, words, given
        self.given_parameters = frozenset(given_parameters)
        self.letters: dict[str, Span] = {}
        self.parameters: dict[str, Span] = {}
        self.calls: dict[int, WholeCall] = {}
        self.defined: dict[str, tuple[int, Span]] = {}
        self.used: dict[str, Span] = {}
        self.ranks: dict[str, tuple[int, Span]] = {}
        self.labels: dict[str, Span] = {}
        self.sizes = SizeClasses(source)
        self.comparisons: list[Comparison] = []
        self.size_uses: list[Name] = []
        self.positions: dict[Place, tuple[int, Span]] = {}
        self.standing: dict[Place, set[str]] = {}
        self.forms: list[tuple[Place, Span, str | None]] = []
        self.running: set[str] = set()
        self.written: dict[str, tuple[str, ...]] = {}
        self.stated: dict[int, int] = {}
        self.is_problem = given is not None
        self.leads: dict[Place, Span] = {}
        self._named: set[str] = set(given or ())
        self._statement = -1

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs, in the order in which they are met."""
        return [name for name in self.used if name not in self.defined]

    # First reading: targets, indices, whole calls.

    def read_problem(self, statements: list[Statement], sides: list[Tree]) -> None:
        """Find out what every name of definitions and of equations about what they define means.

        Raises:
            DefinitionError: a name is used in two ways, or defined by itself or too late.
        """
        self.is_problem = True
        self.read_definitions(statements, sides)
        self._statement = len(statements)
        for side in sides:
            self._read(side)

    def read_definitions(
        self, statements: list[Statement], more: Sequence[Tree] = (), outputs: Sequence[Name] = ()
    ) -> None:
        """Find out what every name of the definitions means; indices may stand in more trees.

        Args:
            outputs: the names that are listed as outputs; where there are none, the last definition is the output.

        Raises:
            DefinitionError: a name is used in two ways, a size is not known, a definition is not used.
        """
        for number, statement in enumerate(statements):
            if not may_state_size(statement):
                self._read_target(number, statement)
        self._find_letters([*(statement.right for statement in statements), *more])
        for number, statement in enumerate(statements):
            if may_state_size(statement):
                self._read_size_or_target(number, statement)
        for number, statement in enumerate(statements):
            call = self._read_whole_call(statement)
            if call is not None:
                self.calls[number] = call
                self._named |= {argument.name for argument in call.arguments}
        check_letters(self.source, self.letters, self.parameters, self._named)
        for number, statement in enumerate(statements):
            self._statement = number
            if number in self.stated:
                continue
            if number in self.calls:
                for argument in self.calls[number].arguments:
                    self._use(argument.name, argument.at)
            else:
                self.set_rank(statement.name, len(statement.indices), statement.name_at)
                self._read(statement.right)
                self._check_indices(statement)
        if not self.is_problem:
            self._check_outputs(outputs)
            self._check_all_needed(statements, outputs)

    def _check_outputs(self, outputs: Sequence[Name]) -> None:
        """Check that what is listed as outputs is defined, each once."""
        known = f"what is defined here is {', '.join(self.defined)}"
        for place, output in enumerate(outputs):
            name = output.name
            if name in self.defined:
                if any(other.name == name for other in outputs[:place]):
                    raise self.source.mistake(output.at, f"{name} is listed twice", "list each output once")
            elif name in self.used:
                problem = f"{name} is an input, so it can not be an output"
                raise self.source.mistake(output.at, problem, f"list what is defined: {', '.join(self.defined)}")
            else:
                raise self.source.mistake(output.at, f"{name} is not defined", suggest(name, self.defined) or known)

    def _check_all_needed(self, statements: list[Statement], outputs: Sequence[Name]) -> None:
        """Check that every definition is an output or used; of a call's results one that is will do."""
        definitions = [each for number, each in enumerate(statements) if number not in self.stated]
        wanted = {output.name for output in outputs or definitions[-1].targets}
        for statement in definitions:
            if not any(target.name in self.used or target.name in wanted for target in statement.targets):
                name = statement.name
                problem, expected = f"{name} is defined and never used", "use it in a later definition, or take it out"
                if outputs:
                    problem = f"nothing depends on {name}: it is no output, and none is computed from it"
                    expected = f"list it as an output too, or take it out; the outputs are {', '.join(sorted(wanted))}"
                raise self.source.mistake(statement.name_at, problem, expected)

    def read_expressions(self, trees: list[Tree]) -> None:
        """Find out what the names of expressions over the given tensors mean.

        Raises:
            DefinitionError: a name is used in two ways, or not known.
        """
        self._find_letters(trees)
        check_letters(self.source, self.letters, self.parameters, self._named)
        for name, tensor in (self.given or {}).items():
            self.ranks[name] = (tensor.rank, Span(0, 1))
            for axis, extent in enumerate(tensor.sizes):
                self.sizes.fix(Place("axis", name, axis), extent, Span(0, 1))
            if tensor.values is not None:
                self.labels[name] = Span(0, 1)
                self.sizes.fix(Place("values", name), tensor.values, Span(0, 1))
        for tree in trees:
            self._read(tree)

    def _read_size_or_target(self, number: int, statement: Statement) -> None:
        """Read ``Q = 4``, which states the size of the index q where there is one, and defines a number otherwise."""
        letter = statement.name.lower()
        if letter not in self.letters:
            self._read_target(number, statement)
            return
        value = statement.right.value if isinstance(statement.right, Literal) else None
        if value is None or not value.is_integer or value < 1:
            problem = f"{statement.name} is the size of index {letter}, and this is no size"
            raise self.source.mistake(statement.right.at, problem, f"expected a whole number: {statement.name} = 4")
        self.stated[number] = int(value)
        self.sizes.fix(Place("index", letter), value, statement.at)

    def _read_target(self, number: int, statement: Statement) -> None:
        for target in statement.targets:
            name, at = target.name, target.at
            self._check_tensor_name(name, at)
            if name in self.defined:
                raise self.source.mistake(at, f"{name} is defined twice", "give the second definition another name")
            self.defined[name] = (number, at)
            self._named.add(name)
        name = statement.name
        if statement.indices:
            self.written[name] = tuple(index.name for index in statement.indices)
        for axis, index in enumerate(statement.indices):
            self._meet_letter(index)
            self.sizes.unite(Place("axis", name, axis), Place("index", index.name), index.at)
            self.standing[Place("axis", name, axis)] = {index.name}

    def _read_whole_call(self, statement: Statement) -> WholeCall | None:
        right = statement.right
        call = self._find_whole_call(statement, right) if statement.is_bare and isinstance(right, Call) else None
        if call is None and statement.also:
            problem = "several names on the left take one operation with several outputs on the right"
            expected = "write a definition for each, or call an operation on whole tensors: h, c = lstm_cell(...)"
            raise self.source.mistake(statement.left_at, problem, expected)
        return call

    def _find_whole_call(self, statement: Statement, right: Call) -> WholeCall | None:
        arguments = tuple(argument for argument in right.arguments if isinstance(argument, Name))
        names = [argument.name for argument in arguments]
        written = {place: written_number(argument) for place, argument in enumerate(right.arguments)}
        numbers = {place: number for place, number in written.items() if number is not None}
        if len(arguments) + len(numbers) != len(right.arguments):
            return None
        if numbers and (right.name in FUNCTIONS or not arguments):
            return None
        if right.name in SCALAR_FUNCTIONS and len(arguments) == len(SCALAR_FUNCTIONS[right.name].arguments):
            if any(name in RESERVED or (name[0].isupper() and name not in self._named) for name in names):
                return None
            operation: Operation | None = scalar_operation(right.name)
        else:
            operation = self.words.find(right.name, len(right.arguments))
        if operation is None or (right.name in FUNCTIONS and len(arguments) != len(operation.inputs)):
            return None
        check_argument_count(self.source, right, operation)
        operation = with_numbers(self.source, right, operation, numbers)
        check_targets(self.source, statement, operation)
        check_whole_numbers(self.source, right, operation)
        for argument in arguments:
            self._check_tensor_name(argument.name, argument.at)
        return WholeCall(operation, arguments, tuple(target.name for target in statement.targets), right.at)

    def _find_letters(self, trees: list[Tree]) -> None:
        """Find the names that are indices, then put them into the order in which they are met anywhere."""
        targets = dict(self.letters)
        parts = [part for tree in trees for part in tree.walk()]
        self._named |= {part.name for part in parts if isinstance(part, Access)}
        indices, others = find_names(parts, targets)
        for index in indices:
            self._meet_letter(index)
        for other in others:
            if self.given is not None and other.name not in self.given_parameters:
                self._meet_letter(other)
                continue
            self._check_tensor_name(other.name, other.at)
            self.parameters.setdefault(other.name, other.at)
        met = [part for part in parts if isinstance(part, Name) and part.name in self.letters]
        self.letters = targets | {part.name: part.at for part in reversed(met) if part.name not in targets}
        order = [*targets, *dict.fromkeys(part.name for part in met)]
        self.letters = {letter: self.letters[letter] for letter in order}

    def _meet_letter(self, index: Name) -> None:
        name = index.name
        if name in RESERVED:
            raise self.source.mistake(index.at, f"{name} is taken and can not be an index", "write another letter")
        if name.upper().lower() != name or name.upper() == name or not name.upper().isidentifier():
            expected = "an index is written in lower case, and its size in capitals"
            raise self.source.mistake(index.at, f"{name} can not be an index", expected)
        self.letters.setdefault(name, index.at)

    def _check_tensor_name(self, name: str, at: Span) -> None:
        if name in RESERVED:
            kind = "a number" if name == "pi" else "a function"
            raise self.source.mistake(at, f"{name} is {kind} and can not name a tensor", "give the tensor another name")

    # Second reading: how every name is used.

    def _read(self, tree: Tree) -> None:
        """Read a part that stands for a number."""
        match tree:
            case Name():
                self._read_name(tree)
            case Access():
                self._read_access(tree)
            case Call():
                self._read_call(tree)
            case Comparison():
                self.comparisons.append(tree)
                for side in (tree.left, tree.right):
                    if self.is_index(side):
                        self._read_index(side)
                    else:
                        self._read(side)
            case Terms() | Factors() | Power():
                if isinstance(tree, Terms):
                    check_hyphen(self.source, self.words, tree)
                for child in tree.children():
                    self._read(child)

    def _read_name(self, tree: Name) -> None:
        name = tree.name
        if name in self.letters:
            problem = f"{name} is an index in this text, so it can not stand for a number too"
            expected = (
                f"write an input with its values, such as at[{name}] for 0, 1, 2, ..., or name the number otherwise"
            )
            raise self.source.mistake(tree.at, problem, expected)
        if name in RESERVED and name != "pi":
            written = WRITTEN.get(name, f"{name}(x[n])")
            raise self.source.mistake(tree.at, f"{name} is a function", f"write it with its arguments: {written}")
        if name == "pi" or name in self.parameters:
            return
        if name[0].isupper() and name not in self._named:
            self.size_uses.append(tree)
            return
        self._use(name, tree.at)
        self.set_rank(name, 0, tree.at)

    def _read_access(self, tree: Access) -> None:
        at = Span(tree.at.offset, len(tree.name))
        self._check_tensor_name(tree.name, at)
        self._use(tree.name, at)
        self.set_rank(tree.name, len(tree.entries), tree.at)
        letters = tuple(entry.name for entry in tree.entries if isinstance(entry, Name))
        if len(set(letters)) == len(tree.entries):
            self.written.setdefault(tree.name, letters)
        for axis, entry in enumerate(tree.entries):
            here, there = Place("axis", tree.name, axis), self._read_index(entry)
            if isinstance(entry, Name):
                self.standing.setdefault(here, set()).add(entry.name)
            elif is_arithmetic(entry):
                self.forms.append((here, entry.at, single_index(entry, self.letters)))
            if there is not None:
                self.sizes.unite(here, there, entry.at)
            elif isinstance(entry, Literal):
                self.sizes.find(here)
                position = int(entry.value)
                if position >= self.positions.get(here, (0, entry.at))[0]:
                    self.positions[here] = (position, entry.at)

    def _read_call(self, tree: Call) -> None:
        check_call(self.source, self.words, self.letters, tree)
        if tree.name == "delta":
            left, right = (self._read_index(argument) for argument in tree.arguments)
            if left is not None and right is not None:
                self.sizes.unite(left, right, tree.at)
        elif self.is_binder(tree):
            for index in tree.arguments[1:]:
                check_bound(self.source, self.letters, self.free_letters(tree.arguments[0]), tree, index)
            self._read(tree.arguments[0])
            if tree.name in MATRIX_FUNCTIONS:
                self._read_matrix(tree)
        elif tree.name == "diff":
            self._read_derivative(tree)
        else:
            for argument in tree.arguments:
                self._read(argument)

    def _read_matrix(self, tree: Call) -> None:
        """A matrix function's matrix is square, and what addresses an element runs over the same size."""
        _, row, column = tree.arguments
        rows = Place("index", row.name) if isinstance(row, Name) else None
        for entry in tree.entries:
            if isinstance(entry, Literal):
                expected = f"expected an index, as in {WRITTEN['inv']}"
                raise self.source.unsupported(
                    entry.at, "a number can not address an element of an inverse yet", expected
                )
        for place, at in ((self._read_index(index), index.at) for index in (column, *tree.entries)):
            if rows is not None and place is not None:
                self.sizes.unite(rows, place, at)

    def _read_derivative(self, tree: Call) -> None:
        if not self.is_problem:
            expected = "a derivative stands in a claim: diff(y[n,k], x[n,j]) = ..."
            raise self.source.unsupported(tree.at, "an operation is not defined by a derivative yet", expected)
        body, element = tree.arguments
        if not isinstance(element, Access | Name) or (isinstance(element, Name) and element.name in self.letters):
            expected = f"expected an element such as x[n,j]: {WRITTEN['diff']}"
            raise self.source.mistake(element.at, "a derivative is taken by an element of a tensor", expected)
        self._read(body)
        self._read(element)

    def _check_indices(self, statement: Statement) -> None:
        """Check that every index on the right is on the left or bound, and that none on the left is only bound."""
        left = {index.name for index in statement.indices}
        self._check_bound_or_left(statement.right, left)
        free = self.free_letters(statement.right)
        for part in statement.right.walk():
            bound = part.arguments[1:] if isinstance(part, Call) and self.is_binder(part) else ()
            for index in bound:
                if isinstance(index, Name) and index.name not in free and index.name in left:
                    shown = self.shown(index.name)
                    problem = f"index {shown} is on the left, and on the right it is only bound here"
                    expected = f"take {shown} off the left, or let another letter be bound"
                    raise self.source.mistake(index.at, problem, expected)

    def _check_bound_or_left(self, tree: Tree, known: set[str]) -> None:
        """Check that every index is among the known ones, or bound by the call that it stands in."""
        if isinstance(tree, Name) and tree.name in self.letters and tree.name not in known:
            problem = f"index {self.shown(tree.name)} is neither on the left nor bound by a sum"
            letters = ", ".join(map(self.shown, sorted(known)))
            expected = f"the indices known here are {letters}" if known else "no index is known here"
            raise self.source.mistake(tree.at, problem, expected)
        if isinstance(tree, Call) and self.is_binder(tree):
            bound = {index.name for index in tree.arguments[1:] if isinstance(index, Name)}
            self._check_bound_or_left(tree.arguments[0], known | bound)
            for entry in tree.entries:
                self._check_bound_or_left(entry, known)
        else:
            for child in tree.children():
                self._check_bound_or_left(child, known)

    def _read_index(self, tree: Tree) -> Place | None:
        """Read a part that stands in an index's place, and return what has the size it runs over."""
        match tree:
            case Name(name=name):
                return Place("index", name)
            case Literal():
                check_form(self.source, tree, self.letters)
                return None
            case Access(name=name):
                self.labels.setdefault(name, tree.at)
                self._read_access(tree)
                return Place("values", name)
            case Call(name="argmax", arguments=arguments):
                self._read_call(tree)
                return Place("index", arguments[1].name) if isinstance(arguments[1], Name) else None
            case Terms(parts=((-1, Literal()),)):
                raise self.source.mistake(tree.at, "an index is not negative", "positions are counted from 0")
            case Terms() | Factors() | Power():
                return self._read_form(tree)
        expected = "expected an index, an integer, a label such as t[n], or argmax(x[n,k], k)"
        raise self.source.mistake(tree.at, "this can not stand in an index's place", expected)

    def _read_form(self, tree: Tree) -> Place | None:
        """Read index arithmetic; nothing has its size."""
        check_form(self.source, tree, self.letters)
        for part in tree.walk():
            if isinstance(part, Call):
                self._read_call(part)
        self.running |= {name.name for name in names_in(tree)} & self.letters.keys()
        self.size_uses += [name for name in names_in(tree) if name.name not in {*self.letters, *self.parameters}]
        return None

    def _use(self, name: str, at: Span) -> None:
        if self.given is not None and name not in self.given:
            known = ", ".join(self.given)
            expected = suggest(name, self.given) or f"the names here are {known}"
            raise self.source.mistake(at, f"unknown name {name}", expected)
        number, _ = self.defined.get(name, (-1, at))
        if name in self.defined and number == self._statement:
            raise self.source.mistake(at, f"{name} is defined by itself", "use inputs and earlier definitions only")
        if number > self._statement:
            raise self.source.mistake(at, f"{name} is used before it is defined", "put its definition first")
        self.used.setdefault(name, at)

    def set_rank(self, name: str, rank: int, at: Span) -> None:
        before, _ = self.ranks.setdefault(name, (rank, at))
        if before != rank:
            problem = f"{name} stands with {count_of_indices(rank)} here and with {count_of_indices(before)} elsewhere"
            raise self.source.mistake(at, problem, "expected one index for each of its axes everywhere")

    # What the rest of the parser asks.

    def shown(self, letter: str) -> str:
        """Return an index as it is written in the text."""
        return "..." if letter == self.source.leading else letter

    def is_binder(self, tree: Call) -> bool:
        """Whether a call binds indices; ``max`` does where its second argument is an index."""
        if tree.name in BINDING:
            return True
        second = tree.arguments[1] if tree.name == "max" and len(tree.arguments) >= 2 else None
        return isinstance(second, Name) and second.name in self.letters

    def free_letters(self, tree: Tree) -> set[str]:
        """The indices that a tree does not bind."""
        if isinstance(tree, Name):
            return {tree.name} & self.letters.keys()
        if isinstance(tree, Call) and self.is_binder(tree):
            bound = {index.name for index in tree.arguments[1:] if isinstance(index, Name)}
            return (self.free_letters(tree.arguments[0]) - bound).union(*map(self.free_letters, tree.entries))
        return set().union(*map(self.free_letters, tree.children()))

    def is_index(self, tree: Tree) -> bool:
        """Whether one side of a comparison is an index and not a number."""
        if isinstance(tree, Access):
            return tree.name in self.labels
        if is_arithmetic(tree):
            return is_form(tree, self.letters)
        return (isinstance(tree, Name) and tree.name in self.letters) or (
            isinstance(tree, Call) and tree.name == "argmax"
        )

    def sides_are_indices(self, tree: Comparison) -> tuple[bool, bool]:
        """Which sides of a comparison are indices; an integer is one beside one."""
        left, right = self.is_index(tree.left), self.is_index(tree.right)
        whole = [isinstance(side, Literal) and bool(side.value.is_integer) for side in (tree.left, tree.right)]
        return left or (right and whole[0]), right or (left and whole[1])


def may_state_size(statement: Statement) -> bool:
    """Whether a statement is of the form ``Q = ...``, with the capital of what may be an index."""
    return statement.is_bare and not statement.also and statement.name.isupper()
