"""The names of sizes: every class of axes that are equally long has the capital of a letter, or a whole number."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer, Symbol

from derive.calls import WholeCall
from derive.errors import DefinitionError
from derive.indices import Index, size
from derive.operation import Operation
from derive.scopes import Scope
from derive.sizes import Place
from derive.sums import all_indices, fresh_index
from derive.tokens import Span

#: Letters for an axis on which no index of the text stands, because only labels point into it.
SPARE_LETTERS = "kvmcdijlpqrsabuwxyzfghot"
#: Letters for an axis on which no index of the text stands, because only index arithmetic does.
FORM_LETTERS = "mluvhgijkqabcdefoprstwxyzn"


def leading_size(operation: Operation, axis: int, count: int) -> Symbol:
    """Return what stands for one of the axes in the place of an operation's leading ones."""
    assert operation.leading is not None, "only asked of an operation that has some"
    return operation.leading if count == 1 else Symbol(f"{operation.leading}.{axis}")


class SizeNames:
    """Gives every class of places a size: the capital of a letter, a known size, or a whole number."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.class_letters: dict[Place, str] = {}
        self.spare: set[Place] = set()

    def name_all(self) -> None:
        scope, classes = self.scope, self.scope.sizes
        for letter, at in scope.letters.items():
            place = Place("index", letter)
            fixed = classes.fixed_at(place)
            if scope.given is not None and fixed is None and letter not in scope.running:
                raise self._no_size(letter, at)
            if scope.given is None and fixed is not None and fixed.place.kind != "index":
                problem = f"{fixed.place} has size {fixed.size}, and {letter} runs over {letter.upper()}"
                expected = f"say so, {letter.upper()} = {fixed.size}, or write whole numbers on that axis"
                raise scope.source.mistake(at, f"index {letter} is used with two sizes: {problem}", expected)
            self.class_letters.setdefault(classes.find(place), self._letter_of_size(letter))
        if scope.given is not None:
            return
        for letter in self.class_letters.values():
            capital = letter.upper()
            if capital in scope.ranks:
                problem = f"{capital} is the size of index {letter}, so it can not name a tensor too"
                raise scope.source.mistake(scope.ranks[capital][1], problem, "name the tensor or the index otherwise")
        for number, call in scope.calls.items():
            self._name_from_call(number, call)
        for number, call in scope.calls.items():
            self._name_under_windows(number, call)
        self._name_the_rest()
        if not self.scope.is_problem:
            self._check_inputs_tell_sizes()

    def _letter_of_size(self, letter: str) -> str:
        """The letter whose capital is an index's size: ``q1`` is another index over Q where that is a known size."""
        stem = letter.rstrip("0123456789")
        known = self.scope.given_parameters
        return stem if stem.upper() in known and letter.upper() not in known else letter

    def _name_from_call(self, number: int, call: WholeCall) -> None:
        """Sizes that no index of the text runs over take the letters of the operation that is called."""
        for definition in (*call.operation.outputs, *call.operation.intermediates):
            bound = sorted(all_indices(definition.body) - set(definition.indices), key=lambda index: index.name)
            for index in (*definition.indices, *bound):
                for extent in self._extents(call, index):
                    self._name_class(Place("size", extent.name, number), (index.name,))
        if call.operation.is_elementwise:
            for axis in range(self.scope.ranks[call.targets[0]][0]):
                self._name_class(Place("axis", call.targets[0], axis), "nkij"[axis % 4 :])

    def _extents(self, call: WholeCall, index: Index) -> list[Symbol]:
        """The sizes of the axes that an index of the operation runs over here."""
        if index.size != call.operation.leading:
            return [index.size] if isinstance(index.size, Symbol) else []
        name, _, tensor = call.leading()[0]
        count = self.scope.ranks[name][0] - tensor.rank + 1
        return [leading_size(call.operation, axis, count) for axis in range(count)]

    def _name_under_windows(self, number: int, call: WholeCall) -> None:
        """Axes on which windows of a called operation lie have letters, though no index runs over them."""
        spans = [extent.span.free_symbols for extent in call.operation.extents]
        for extent in (each for tensor in call.operation.inputs for each in tensor.sizes):
            if isinstance(extent, Symbol) and any(extent in span for span in spans):
                self._name_class(Place("size", extent.name, number), (extent.name.lower(), *FORM_LETTERS))

    def _name_class(self, place: Place, letters: Sequence[str]) -> None:
        root = self.scope.sizes.find(place)
        if root not in self.class_letters and root not in self.scope.sizes.fixed:
            self.class_letters[root] = self._free_letter(letters)

    def _free_letter(self, letters: Sequence[str]) -> str:
        """Return the first of some letters that is not an index or a tensor, and whose capital is not a tensor."""
        names = self.scope.ranks
        taken = {*self.scope.letters, *self.class_letters.values(), *names, *map(str.lower, names)}
        taken |= self.scope.parameters.keys()
        free = [letter for letter in letters if letter not in taken]
        return free[0] if free else fresh_index(Index(letters[0], Integer(1)), taken).name

    def _name_the_rest(self) -> None:
        """An axis with nothing but whole numbers has the size they need; one with labels alone takes a spare letter."""
        classes = self.scope.sizes
        for place, _, _ in self.scope.forms:
            if place.name not in self.scope.defined:
                self._name_class(place, FORM_LETTERS)
                if self.class_letters[classes.find(place)] not in self.scope.letters:
                    self.spare.add(classes.find(place))
        for place, (position, at) in self.scope.positions.items():
            fixed = classes.fixed_at(place)
            if fixed is not None and fixed.size <= position:
                problem = f"{place} has size {fixed.size}, and {position} is not one of its positions"
                raise self.scope.source.mistake(at, problem, "positions are counted from 0")
        for name, (rank, _) in self.scope.ranks.items():
            for axis in range(rank):
                place = Place("axis", name, axis)
                root = classes.find(place)
                if root in self.class_letters or root in classes.fixed:
                    continue
                members = classes.members(place)
                if any(member.kind == "values" for member in members):
                    self._name_class(place, SPARE_LETTERS)
                    self.spare.add(root)
                else:
                    largest = max(self.scope.positions.get(member, (0, None))[0] for member in members)
                    classes.fix(place, Integer(largest + 1), Span(0, 1))

        for name, at in self.scope.labels.items():
            root = classes.find(Place("values", name))
            if root not in self.class_letters and root not in classes.fixed:
                problem = f"nothing tells how many values {name} can have: it points into no axis"
                raise self.scope.source.mistake(
                    at, problem, f"expected an input with such an axis, such as x[{name}[n]]"
                )

    def _check_inputs_tell_sizes(self) -> None:
        inputs = set(self.scope.inputs)
        for root, letter in self.class_letters.items():
            if root in self.scope.sizes.fixed:
                continue
            members = self.scope.sizes.members(root)
            if any(member.kind == "index" and member.name in self.scope.running for member in members):
                continue  # Its size is given, or told by the forms; that is seen when they are there.
            if any(member.kind == "size" and self._is_derived(member) for member in members):
                continue
            if not any(member.kind == "axis" and member.name in inputs for member in members):
                raise self._no_size(letter, self.scope.letters.get(letter, Span(0, 1)))

    def _is_derived(self, place: Place) -> bool:
        """Whether a called operation tells a size from those of its inputs."""
        operation = self.scope.calls[place.number].operation
        return any(extent.size.name == place.name for extent in operation.extents)

    def _no_size(self, letter: str, at: Span) -> DefinitionError:
        letter = self.scope.shown(letter)
        problem = f"nothing tells the size of {letter}: it stands on no axis of an input"
        expected = f"expected an input with an axis of that size, such as x[{letter}]"
        return self.scope.source.mistake(at, problem, expected)

    def size_of(self, place: Place) -> Expr:
        fixed = self.scope.sizes.fixed_at(place)
        return size(self.class_letters[self.scope.sizes.find(place)].upper()) if fixed is None else fixed.size

    def letters(self) -> dict[str, Expr]:
        """The letters with their sizes: those of the text first, then those that calls brought along."""
        typed = {letter: self.size_of(Place("index", letter)) for letter in self.scope.letters}
        brought = {letter: self.size_of(root) for root, letter in self.class_letters.items() if letter not in typed}
        return typed | brought

    def sizes_by_name(self) -> dict[str, Expr]:
        """The sizes that a text may use."""
        if self.scope.given is not None:
            extents = [extent for tensor in self.scope.given.values() for extent in (*tensor.sizes, tensor.values)]
            told = self.scope.sizes.fixed
            windows = {letter.upper(): self.size_of(r) for r, letter in self.class_letters.items() if r not in told}
            return windows | {extent.name: extent for extent in extents if isinstance(extent, Symbol)}
        named = {root: letter for root, letter in self.class_letters.items() if root not in self.spare}
        return {letter.upper(): self.size_of(root) for root, letter in named.items()}

    def explain_no_size(self, name: str, sizes: dict[str, Expr]) -> tuple[str, str]:
        """Why a bare capital name is not a size, and what is."""
        letter, classes = name.lower(), self.scope.sizes
        known = f"the sizes here are {', '.join(sizes)}" if sizes else "there are no sizes here"
        if letter not in self.scope.letters or letter.upper() != name:
            expected = f"{known}; the name of a scalar begins with a small letter"
            return f"{name} is not a size here: no index {letter} stands in the text", expected
        used = self.size_of(Place("index", letter))
        first = self.class_letters[classes.find(Place("index", letter))]
        if self.scope.given is not None:
            return f"{name} is not a size here: index {letter} runs over {used}", f"write {used} for {name}"
        return f"{name} is not a size here: {self._why_one_size(first, letter)} size {used}", f"write {used} for {name}"

    def _why_one_size(self, first: str, second: str) -> str:
        for place in self.scope.sizes.members(Place("index", first)):
            if place.kind == "axis" and {first, second} <= self.scope.standing.get(place, set()):
                return f"{first} and {second} stand on one axis of {place.name}, so both have"
        return f"{first} and {second} have one"
