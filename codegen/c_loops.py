"""Loops: which statements share one, so that the fewest passes are made over a row, and what is stored between them.

Statements are taken in order; each joins the first loop over an index of its own that is not before what it needs. It
may share a loop with what it reads only if it reads what the loop has just computed: its row and not another. Within a
loop the same is done again for the remaining indices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from codegen.c_products import Product, factors_to_store, product_of
from codegen.c_program import (
    EXPENSIVE,
    LONG,
    Access,
    Reading,
    cost,
    domain,
    is_alone,
    is_pointwise,
    reads,
    summed,
)
from codegen.ops import Contract, Labels, Reduce
from codegen.program import Program, Statement
from derive.indices import Index


@dataclass(eq=False)
class Task:
    """A statement that is computed in loops: its indices, outermost first, and what it reads.

    A product of matrices has only those indices of it, each step of which is a product of its own.
    """

    statement: Statement
    order: Labels
    over: Labels
    accesses: list[Access]
    product: Product | None = None
    path: list[Loop] = field(default_factory=list)
    bound: list[Index] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.statement.name

    @property
    def labels(self) -> Labels:
        return self.statement.labels

    def depth(self, label: Index) -> int:
        """Return how many loops are around that over an index, or in which all of them are at once."""
        return self.bound.index(label) if label in self.bound else len(self.path)

    @property
    def start(self) -> int:
        """The depth of the outermost loop that is summed over, or of all loops where none is."""
        return min((self.depth(label) for label in self.over), default=len(self.path))

    @property
    def is_product(self) -> bool:
        """Whether it adds up products in loops over more than two indices."""
        return isinstance(self.statement.op, Contract) and len(self.order) > 2


@dataclass(eq=False)
class Loop:
    """A loop over an index, and what is done in it: loops and tasks without further indices."""

    size: Expr
    tasks: list[Task] = field(default_factory=list)
    children: list[Loop | Task] = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True)
class Nest:
    """The loops of a program."""

    reading: Reading
    tasks: tuple[Task, ...]
    children: tuple[Loop | Task, ...]

    @property
    def by_name(self) -> dict[str, Task]:
        return {task.name: task for task in self.tasks}


def plan_loops(program: Program) -> Nest:
    """Return the loops.

    An expensive value that more than one of them needs is stored by the first, and a factor of a product of matrices
    before it.
    """
    stored = frozenset(program.results)
    while True:
        nest = _nest(program, stored)
        more = _factors(nest) or _needed_twice(nest) or _needed_again(nest)
        if not more:
            return nest
        stored |= more


def _nest(program: Program, stored: frozenset[str]) -> Nest:
    reading = Reading(program, stored)
    needed = _needed(program, reading)
    tasks = [
        _task(statement, reading)
        for statement in program.statements
        if statement.name in needed and not reading.is_written_out(statement.name)
    ]
    tasks = _early(tasks)
    return Nest(reading, tuple(tasks), tuple(_share(tasks)))


def _task(statement: Statement, reading: Reading) -> Task:
    """Return a task; what is read here and there, or looked for, is summed or searched result by result."""
    accesses = reading.accesses(statement)
    product = product_of(statement, reading)
    if product is not None:
        return Task(statement, product.outer, (), accesses, product)
    order, over = domain(statement), summed(statement)
    is_search = isinstance(statement.op, Reduce) and statement.op.function == "argmax"
    if is_search or (over and any(None in access.places for access in accesses)):
        order = (*statement.labels, *over)
    return Task(statement, order, over, accesses)


def _early(tasks: list[Task]) -> list[Task]:
    """Return the tasks in an order in which what needs no further sums comes as early as it can."""
    levels: dict[str, int] = {}
    for task in tasks:
        levels[task.name] = max((levels.get(access.name, -1) + 1 for access in task.accesses), default=0)
    return sorted(tasks, key=lambda task: levels[task.name])


def _needed(program: Program, reading: Reading) -> set[str]:
    needed = set(program.results)
    for statement in reversed(program.statements):
        if statement.name in needed:
            needed.update(access.name for access in reads(statement))
    return needed


def _factors(nest: Nest) -> frozenset[str]:
    """Return the factors of products of matrices that are not in memory."""
    products = [task.product for task in nest.tasks if task.product is not None]
    return frozenset(name for product in products for name in factors_to_store(product, nest.reading))


def _needed_twice(nest: Nest) -> frozenset[str]:
    """Return an expensive value that is written out in several loops, that with the most expensive parts first."""
    places: dict[str, set[tuple[int, ...]]] = {}
    for task in nest.tasks:
        for access in nest.reading.written_out(task.statement):
            if access.places and None not in access.places and isinstance(nest.reading.values[access.name], Statement):
                depths = [task.bound.index(place) for place in access.places if place in task.bound]
                where = tuple(id(loop) for loop in task.path[: max(depths, default=-1) + 1])
                places.setdefault(access.name, set()).add(where)
    repeated = [name for name, found in places.items() if len(found) > 1 and len(_labels(nest, name)) > 0]
    for name in repeated:
        value = nest.reading.values[name]
        assert isinstance(value, Statement)
        if cost(value) >= EXPENSIVE:
            return frozenset({name})
    return frozenset()


def _needed_again(nest: Nest) -> frozenset[str]:
    """Return the longest value that a product of matrices computes again for each row or column of the other."""
    found: dict[str, int] = {}
    for task in filter(lambda task: task.is_product, nest.tasks):
        for access in nest.reading.written_out(task.statement):
            depths = [task.bound.index(place) for place in access.places if place in task.bound]
            outside = task.bound[: max(depths, default=0)]
            if access.places and None not in access.places and any(each not in access.places for each in outside):
                found[access.name] = nest.reading.whole_cost(access.name)
    longest = max(found, key=lambda name: found[name], default=None)
    return frozenset({longest}) if longest is not None and found[longest] >= LONG else frozenset()


def _labels(nest: Nest, name: str) -> Labels:
    return nest.reading.values[name].labels


def _share(tasks: Sequence[Task]) -> list[Loop | Task]:
    """Put tasks into loops, as few as can be."""
    groups: list[Loop | Task] = []
    group_of: dict[str, int] = {}
    for task in tasks:
        remaining = [label for label in task.order if label not in task.bound]
        needs = {group_of[access.name] for access in task.accesses if access.name in group_of}
        place = None
        if remaining and not is_alone(task.statement):
            for at in range(max(needs, default=0), len(groups)):
                group = groups[at]
                if isinstance(group, Loop):
                    label = _label_in(task, group, remaining)
                    if label is not None:
                        place = at
                        task.bound.append(label)
                        break
        if place is None:
            place = len(groups)
            if remaining:
                groups.append(Loop(remaining[0].size))
                task.bound.append(remaining[0])
            else:
                groups.append(task)
        group = groups[place]
        if isinstance(group, Loop):
            group.tasks.append(task)
            task.path.append(group)
        group_of[task.name] = place
    for group in groups:
        if isinstance(group, Loop):
            group.children = _share(group.tasks)
    return groups


def _label_in(task: Task, group: Loop, remaining: Sequence[Index]) -> Index | None:
    """Return the index of a task that may run in a loop, None where there is none."""
    if any(is_alone(other.statement) for other in group.tasks):
        return None
    depth = len(task.bound)
    fitting = [label for label in remaining if label.size == group.size and _may_be_outside(task, label, remaining)]
    made = {other.name: other for other in group.tasks}
    own = [label for label in fitting if all(_reads_its_row(access, label, made, depth) for access in task.accesses)]
    if task.is_product and any(_adds_up(other, depth) for other in group.tasks):
        return None
    own = [label for label in own if label not in task.over or not any(other.is_product for other in group.tasks)]
    shared = [label for label in own if _shares(task, label, group, depth) and not _jumps(task, label, remaining)]
    return next((label for label in (*shared, *own) if label in shared or label == remaining[0]), None)


def _jumps(task: Task, label: Index, remaining: Sequence[Index]) -> bool:
    """Whether a loop over an index, taken before its turn, leaves loops inside that go from row to row of an array."""
    inside = {other for other in remaining if other != label}
    return label != remaining[0] and any(
        access.places[-1:] == (label,) and inside.intersection(access.places) for access in task.accesses
    )


def _may_be_outside(task: Task, label: Index, remaining: Sequence[Index]) -> bool:
    """Whether a loop over an index may be outside of those over the remaining ones."""
    if label not in task.over:
        return True
    left = [other for other in remaining if other not in task.over]
    if isinstance(task.statement.op, Reduce) and task.statement.op.function == "argmax":
        return not left and label == remaining[0]
    return len(left) <= 1 and not (left and task.is_product)


def _adds_up(task: Task, depth: int) -> bool:
    return len(task.bound) > depth and task.bound[depth] in task.over


def _reads_its_row(access: Access, label: Index, made: dict[str, Task], depth: int) -> bool:
    """Whether what is read of a task in the same loop is what the loop has just computed."""
    task = made.get(access.name)
    if task is None:
        return True
    own = task.bound[depth]
    return own in task.labels and access.places[task.labels.index(own)] == label


def _shares(task: Task, label: Index, group: Loop, depth: int) -> bool:
    """Whether a task reads an array along the same axis as another in the loop, or what the loop computes."""
    known = {other.name for other in group.tasks}
    axes = {
        (access.name, axis)
        for other in group.tasks
        for access in other.accesses
        for axis, place in enumerate(access.places)
        if place == other.bound[depth]
    }
    return any(
        access.name in known or (access.name, axis) in axes
        for access in task.accesses
        for axis, place in enumerate(access.places)
        if place == label
    )


def common(first: Task, second: Task) -> int:
    """Return how many loops two tasks share."""
    shared = 0
    for one, other in zip(first.path, second.path, strict=False):
        if one is not other:
            break
        shared += 1
    return shared


@dataclass(frozen=True)
class Storage:
    """Where a value lies: the labels of its array, none for a variable; in the place of which result, if of one."""

    labels: Labels
    result: str | None = None


def plan_storage(program: Program, nest: Nest) -> dict[str, Storage]:
    """Return where the values that tasks compute lie; what is used up by a result takes its place."""
    readers: dict[str, list[Task]] = {task.name: [] for task in nest.tasks}
    for task in nest.tasks:
        for name in {access.name for access in task.accesses if access.name in readers}:
            readers[name].append(task)
    storage: dict[str, Storage] = {}
    taken: set[str] = set()
    for task in nest.tasks:
        if task.name in program.results:
            storage[task.name] = Storage(task.labels, task.name)
            continue
        if is_alone(task.statement):
            storage[task.name] = Storage(task.labels)
            continue
        depth = min([task.start, *(common(task, reader) for reader in readers[task.name])])
        labels = tuple(label for label in task.labels if task.depth(label) >= depth)
        place = _place(program, task, readers[task.name], taken, nest) if labels else None
        if place is not None:
            taken.add(place)
            storage[task.name] = Storage(task.labels, place)
        else:
            storage[task.name] = Storage(labels)
    return storage


def _place(program: Program, task: Task, readers: Sequence[Task], taken: set[str], nest: Nest) -> str | None:
    """Return the result that is computed from a value number by number and after all else that needs it."""
    order = {each.name: place for place, each in enumerate(_in_order(nest.children))}
    last = max(readers, key=lambda reader: order[reader.name])
    value = nest.reading.values[last.name]
    if last.name not in program.results or last.name in taken or not isinstance(value, Statement):
        return None
    if not is_pointwise(value) or value.kind != task.statement.kind:
        return None
    if not _is_same(task, last):
        return None
    shared = common(task, last)
    if any(common(reader, last) > shared and not _is_same(task, reader) for reader in readers):
        return None
    return last.name


def _is_same(task: Task, reader: Task) -> bool:
    """Whether a reader reads the element at its own place, the axes in the order of its own."""
    places = {access.places for access in reader.accesses if access.name == task.name}
    return places == {reader.labels} and len(reader.labels) == len(task.labels)


def _in_order(children: Sequence[Loop | Task]) -> Iterator[Task]:
    for child in children:
        if isinstance(child, Task):
            yield child
        else:
            yield from _in_order(child.children)
