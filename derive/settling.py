"""What reading a text leaves open: ranks in whole-operation calls, labels in comparisons, the sizes of forms."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from derive.calls import WholeCall
from derive.indices import Tensor
from derive.scopes import Scope
from derive.size_names import SizeNames, leading_size
from derive.sizes import Place, count_of_indices
from derive.trees import Access, Call, Name, Tree


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
    naming = SizeNames(scope)
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
        for name, at, tensor in call.named():
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


def _is_open(scope: Scope, call: WholeCall) -> bool:
    return any(name not in scope.ranks for name, _, _ in call.leading())


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
            leading = call.leading()
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
    least = {name: tensor.rank for call in calls for name, _, tensor in call.leading()}
    for _ in range(len(calls) + 1):
        before = dict(least)
        for call in calls:
            if call.operation.is_elementwise:
                names = [argument.name for argument in call.arguments if argument.name in least]
                names = [*(names or [call.arguments[0].name]), *call.targets]
                own = dict.fromkeys(names, 0)
            else:
                own = {name: tensor.rank for name, _, tensor in call.leading()}
            more = max(least.get(name, 0) - rank for name, rank in own.items())
            least.update({name: rank + more for name, rank in own.items() if rank + more})
        if least == before:
            break
    for call in calls:
        for name, at, _ in call.leading():
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
    for name, at, tensor in call.named():
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
