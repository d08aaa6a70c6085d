"""What reading a text leaves open: ranks in whole-operation calls, labels in comparisons, the names of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Symbol

from derive.calls import WholeCall
from derive.errors import DefinitionError
from derive.indices import Index, Tensor, size
from derive.record import Operation
from derive.scopes import Scope
from derive.sizes import Place, count_of_indices
from derive.sums import all_indices, fresh_index
from derive.syntax import Access, Call, Name, Tree
from derive.tokens import Span

#: Letters for an axis on which no index of the text stands, because only labels point into it.
SPARE_LETTERS = "kvmcdijlpqrsabuwxyzfghot"
#: Letters for an axis on which no index of the text stands, because only index arithmetic does.
FORM_LETTERS = "mluvhgijkqabcdefoprstwxyzn"


@dataclass(frozen=True)
class Settled:
    """The tensors of a text by name, the letters of its indices, the sizes by name, and the one of leading axes."""

    tensors: dict[str, Tensor]
    letters: dict[str, Expr]
    sizes: dict[str, Expr]
    leading: Symbol | None = None


def settle(scope: Scope, merged_sizes: bool = False) -> Settled:
    """Decide what a text that has been read leaves open, and make its tensors.

    With ``merged_sizes`` a size may be written as the capital of any of the indices that run over it.

    Raises:
        DefinitionError: ranks or sizes do not fit, or nothing tells a size.
    """
    _settle_ranks(scope)
    _settle_labels(scope)
    for number, call in scope.calls.items():
        _join_call(scope, number, call)
    leading = _join_leading(scope)
    _settle_forms(scope)
    naming = _Naming(scope)
    naming.name_all()
    tensors = dict(scope.given or {})
    for name, (rank, _) in scope.ranks.items():
        if name not in tensors:
            values = naming.size_of(Place("values", name)) if name in scope.labels else None
            extents = tuple(naming.size_of(Place("axis", name, axis)) for axis in range(rank))
            tensors[name] = Tensor(name, extents, values)
    extent = None if leading is None else naming.size_of(leading)
    is_any = isinstance(extent, Symbol)
    if is_any and leading is not None:
        _check_leading(scope, leading)
    settled = Settled(tensors, naming.letters(), naming.sizes_by_name(), extent if is_any else None)
    for use in scope.size_uses:
        letter = use.name.lower()
        if merged_sizes and use.name not in settled.sizes and letter in scope.letters:
            settled.sizes[use.name] = naming.size_of(Place("index", letter))
        if use.name not in settled.sizes:
            raise scope.source.mistake(use.at, *naming.explain_no_size(use.name, settled.sizes))
    return settled


def _settle_ranks(scope: Scope) -> None:
    """A call hands ranks on: an elementwise one that of its arguments, one with leading axes how many those are.

    Where nothing tells how many leading axes there are, they stay leading axes; any other rank not told is 0.
    """
    elementwise = [call for call in scope.calls.values() if call.operation.is_elementwise]
    for call in scope.calls.values():
        for name, at, tensor in _tensors_of(call):
            if not call.operation.is_elementwise and not call.operation.leads(tensor):
                scope.set_rank(name, tensor.rank, at)
    _hand_ranks_on(scope)
    while any(_is_open(scope, call) for call in scope.calls.values()):
        _keep_leading(scope)
        _hand_ranks_on(scope)
    for call in elementwise:
        ranks = []
        for argument in call.arguments:
            scope.ranks.setdefault(argument.name, (0, argument.at))
            ranks.append(scope.ranks[argument.name][0])
            if ranks[-1] == 0 and argument.name[0].isupper() and argument.name not in scope.defined:
                expected = "write it with a small letter, or tell its axes in another definition"
                raise scope.source.mistake(argument.at, f"{argument.name} is a scalar with a capital name", expected)
        for argument, rank in zip(call.arguments, ranks, strict=True):
            if rank not in (0, max(ranks)):
                problem = f"{argument.name} has {rank} axes, another argument of {call.operation.name} {max(ranks)}"
                expected = "expected tensors of one shape, and scalars; write indices for anything else"
                raise scope.source.mistake(argument.at, problem, expected)
        for target in call.targets:
            scope.set_rank(target, max(ranks), call.at)


def _tensors_of(call: WholeCall) -> list[tuple[str, Span, Tensor]]:
    """The names in a call, with their places and what the operation calls them; the targets come last."""
    pairs = zip(call.arguments, call.operation.inputs, strict=True)
    named = [(argument.name, argument.at, tensor) for argument, tensor in pairs]
    outputs = (output.tensor for output in call.operation.outputs)
    return [*named, *((target, call.at, tensor) for target, tensor in zip(call.targets, outputs, strict=True))]


def _leading_of(call: WholeCall) -> list[tuple[str, Span, Tensor]]:
    return [named for named in _tensors_of(call) if call.operation.leads(named[2])]


def _is_open(scope: Scope, call: WholeCall) -> bool:
    return any(name not in scope.ranks for name, _, _ in _leading_of(call))


def _hand_ranks_on(scope: Scope) -> None:
    changed = True
    while changed:
        before = len(scope.ranks)
        for call in scope.calls.values():
            if call.operation.is_elementwise:
                known = [scope.ranks[a.name][0] for a in call.arguments if a.name in scope.ranks]
                told = [scope.ranks[target][0] for target in call.targets if target in scope.ranks]
                rank = max(known, default=0) or max(told, default=0)
                receivers = [*call.targets] if any(known) else [*call.targets, call.arguments[0].name]
                for name in receivers:
                    if rank and name not in scope.ranks:
                        scope.set_rank(name, rank, call.at)
                continue
            leading = _leading_of(call)
            for count in [scope.ranks[name][0] - tensor.rank for name, _, tensor in leading if name in scope.ranks][:1]:
                for name, at, tensor in leading:
                    if tensor.rank + count < tensor.rank - 1:
                        needed = f"{count_of_indices(tensor.rank - 1)} at least"
                        expected = f"{call.operation.name} needs {needed} on {tensor.name}"
                        raise scope.source.mistake(at, f"{name} has too few indices", expected)
                    scope.set_rank(name, tensor.rank + count, at)
        changed = len(scope.ranks) > before


def _keep_leading(scope: Scope) -> None:
    """Give the tensors of calls of which nothing tells the leading axes the least ranks that leave each call one."""
    calls = [call for call in scope.calls.values() if call.operation.is_elementwise or _is_open(scope, call)]
    least = {name: tensor.rank for call in calls for name, _, tensor in _leading_of(call)}
    for _ in range(len(calls) + 1):
        before = dict(least)
        for call in calls:
            if call.operation.is_elementwise:
                names = [argument.name for argument in call.arguments if argument.name in least]
                names = [*(names or [call.arguments[0].name]), *call.targets]
                own = dict.fromkeys(names, 0)
            else:
                own = {name: tensor.rank for name, _, tensor in _leading_of(call)}
            more = max(least.get(name, 0) - rank for name, rank in own.items())
            least.update({name: rank + more for name, rank in own.items() if rank + more})
        if least == before:
            break
    for call in calls:
        for name, at, _ in _leading_of(call):
            scope.set_rank(name, least[name], at)
            scope.leads[Place("axis", name, 0)] = at


def _join_leading(scope: Scope) -> Place | None:
    """Make all leading axes of a text one; return a place that has their size, None where there are none."""
    places = dict(scope.leads)
    if scope.source.leading in scope.letters:
        places = {Place("index", scope.source.leading): scope.letters[scope.source.leading], **places}
    if scope.is_problem or not places:
        return None
    first, *others = places
    for place in others:
        scope.sizes.unite(first, place, places[place])
    return first


def _check_leading(scope: Scope, leading: Place) -> None:
    """Check that nothing but ``...`` stands for the leading axes, and that they come first."""
    classes = scope.sizes
    root = classes.find(leading)
    for letter, at in scope.letters.items():
        if letter != scope.source.leading and classes.find(Place("index", letter)) == root:
            problem = f"index {letter} runs over the leading axes, and these are written ..."
            raise scope.source.mistake(at, problem, f"write ... for {letter}, or an index for each axis everywhere")
    for place, (_, at) in scope.positions.items():
        if classes.find(place) == root:
            problem = f"{place.name} has leading axes, on which no one position can be taken"
            raise scope.source.mistake(at, problem, "write ... there, or an index for each axis everywhere")
    for name, at in scope.labels.items():
        if classes.find(Place("values", name)) == root:
            problem = f"{name} would point into the leading axes, which may be several"
            raise scope.source.mistake(at, problem, "write an index for each axis everywhere")


def _settle_labels(scope: Scope) -> None:
    """A tensor compared with an index or a label for equality is a label tensor; then the sizes of both are one."""
    for call in scope.calls.values():
        for argument, tensor in zip(call.arguments, call.operation.inputs, strict=True):
            if tensor.values is not None:
                scope.labels.setdefault(argument.name, argument.at)
    equalities = [comparison for comparison in scope.comparisons if comparison.relation in ("=", "!=")]
    changed = True
    while changed:
        changed = False
        for comparison in equalities:
            for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
                if isinstance(side, Access) and scope.is_index(other) and side.name not in scope.labels:
                    scope.labels[side.name] = side.at
                    changed = True
    for comparison in equalities:
        left, right = _place_of(comparison.left), _place_of(comparison.right)
        if left and right and scope.is_index(comparison.left) and scope.is_index(comparison.right):
            scope.sizes.unite(left, right, comparison.at)
    for name, at in scope.labels.items():
        if name in scope.defined:
            problem = f"{name} stands in an index and is defined here as a real number"
            raise scope.source.mistake(at, problem, "expected an input, or argmax(x[n,k], k) in the index itself")
    for call in scope.calls.values():
        for argument, tensor in zip(call.arguments, call.operation.inputs, strict=True):
            if argument.name in scope.labels and tensor.values is None:
                problem = f"{argument.name} holds labels, and {call.operation.name} takes real numbers in its place"
                raise scope.source.mistake(argument.at, problem, "give the labels and the numbers two names")


def _settle_forms(scope: Scope) -> None:
    """An index that is only shifted, ``x[t - 1]``, runs over the axis itself where nothing else tells either size."""
    for here, at, letter in scope.forms:
        if letter is not None:
            there = Place("index", letter)
            is_open = not scope.sizes.fixed_at(here) and not any(p.kind == "index" for p in scope.sizes.members(here))
            axes = [place for place in scope.sizes.members(there) if place.kind != "index"]
            is_told = scope.sizes.fixed_at(there) or any(place.name not in scope.defined for place in axes)
            if is_open or not is_told:
                scope.sizes.unite(here, there, at)


def _place_of(tree: Tree) -> Place | None:
    match tree:
        case Name(name=name):
            return Place("index", name)
        case Access(name=name):
            return Place("values", name)
        case Call(name="argmax", arguments=(_, Name(name=name))):
            return Place("index", name)
    return None


def _join_call(scope: Scope, number: int, call: WholeCall) -> None:
    """Join the sizes of an operation's inputs and output with those of the tensors it is given."""
    operation = call.operation
    if operation.is_elementwise:
        for argument in call.arguments:
            for axis in range(scope.ranks[argument.name][0]):
                for target in call.targets:
                    scope.sizes.unite(Place("axis", target, axis), Place("axis", argument.name, axis), argument.at)
        return
    for name, at, tensor in _tensors_of(call):
        extents: tuple[Expr, ...] = tensor.sizes
        if operation.leads(tensor):
            count = scope.ranks[name][0] - tensor.rank + 1
            extents = tuple(leading_size(operation, axis, count) for axis in range(count)) + extents[1:]
        places = [(Place("axis", name, axis), extent) for axis, extent in enumerate(extents)]
        if tensor.values is not None:
            places.append((Place("values", name), tensor.values))
        for place, extent in places:
            if isinstance(extent, Symbol):
                scope.sizes.unite(place, Place("size", extent.name, number), at)
            else:
                scope.sizes.fix(place, extent, at)


def leading_size(operation: Operation, axis: int, count: int) -> Symbol:
    """Return what stands for one of the axes in the place of an operation's leading ones."""
    assert operation.leading is not None, "only asked of an operation that has some"
    return operation.leading if count == 1 else Symbol(f"{operation.leading}.{axis}")


class _Naming:
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
            self.class_letters.setdefault(classes.find(place), letter)
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
        name, _, tensor = _leading_of(call)[0]
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
