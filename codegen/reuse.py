"""Which statements take the memory of values that nothing needs any more, and how that is written.

NumPy sees by itself that a nameless array of an expression is free, but not that a name's is, and not where something
smaller is broadcast to the array: ``exps / total`` takes fresh memory. An expert writes
``np.divide(exps, total, out=exps)``, and ``dx /= sigma[:, None]`` in a line of its own. So does this.

Memory is taken only where no dtype gets narrower and no float is written into an integer: what the other operands are
computed from is part of what the array is computed from, and it is floating or they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from codegen.leading import leads
from codegen.numpy_maps import filled_branch
from codegen.ops import Contract, Gather, Map, Operand, Reduce
from codegen.program import MASK, REAL, Argument, Program, Statement

#: By the function of a statement, how it is done in place, and its NumPy function.
OPERATORS = {"mul": ("*=", "np.multiply"), "div": ("/=", "np.divide")}
PLUS, MINUS = ("+=", "np.add"), ("-=", "np.subtract")
#: Functions of one number that always give a floating one, and that NumPy can do in place.
IN_PLACE = frozenset({"exp", "log", "tanh", "sqrt", "sin", "cos", "expm1", "log1p"})
FLOATING = IN_PLACE | frozenset(
    "div sigmoid logaddexp erf softplus_tail normal_cdf sinh cosh tan arctan arcsin arccos".split()
)


@dataclass(frozen=True)
class Step:
    """What is done in place.

    Attributes:
        base: the operand whose memory is taken.
        others: what the base meets, one after the other, with their signs in a sum; none for a function of one number.
        is_right: whether the base is what the first of the others is divided by, or what is subtracted from it.
    """

    base: Operand
    others: tuple[tuple[int, Operand], ...]
    is_right: bool = False


class Reuse:
    """What is known of the memory of a program's values, given which of them have no names."""

    def __init__(self, program: Program, inline: frozenset[str]) -> None:
        self.program, self.inline, self.values = program, inline, program.values

    def step(self, statement: Statement) -> Step | None:
        """Return how a statement is done in the memory of an operand, None where it takes fresh memory."""
        if not isinstance(statement.op, Map) or not self._is_plain(statement) or statement.into is not None:
            return None
        for place in self._bases(statement.op, len(statement.operands)):
            base = statement.operands[place]
            rest = [each for at, each in enumerate(statement.operands) if at != place]
            if self._may_take(statement, base, rest) and self._pays(statement, base, rest):
                return Step(base, tuple(self._others(statement, base)), _is_right(statement.op, place))
        return None

    def _others(self, statement: Statement, base: Operand) -> list[tuple[int, Operand]]:
        """Return what a base meets in order, with its sign: what reads the base first, for it is written over."""
        assert isinstance(statement.op, Map)
        signs = statement.op.signs or (1,) * len(statement.operands)
        place = next(at for at, each in enumerate(statement.operands) if each.name == base.name)
        others = [(signs[at], each) for at, each in enumerate(statement.operands) if at != place]
        is_subtracted = _is_right(statement.op, place)
        others.sort(key=lambda other: (is_subtracted and other[0] < 0, not self._reads(other[1].name, base.name)))
        return others

    def in_the_way(self) -> set[str]:
        """Return sums and the like without a name that must have one first, so that what they read can be taken."""
        found: set[str] = set()
        for statement in self.program.statements:
            if isinstance(statement.op, Map) and self._is_plain(statement) and statement.into is None:
                for place in self._bases(statement.op, len(statement.operands)):
                    base = statement.operands[place]
                    rest = [each for at, each in enumerate(statement.operands) if at != place]
                    if self._may_take(statement, base, rest) and self._is_free_after(base, statement):
                        reduced = [self._reduced(late) for late in self._late_readers(base, statement)]
                        found |= {each for each in reduced if each is not None} if None not in reduced else set()
            found |= {each.name for each in self._summed(statement) if self._would_be_done_in_place(each)}
        return found

    def _summed(self, statement: Statement) -> Sequence[Operand]:
        """Return the factors of a sum of products, of which no array is made."""
        if isinstance(statement.op, Reduce) and statement.op.function in ("sum", "mean"):
            terms = self.values[statement.operands[0].name]
            if isinstance(terms, Statement) and terms.op == Map("mul") and terms.name in self.inline:
                return terms.operands
        return statement.operands if isinstance(statement.op, Contract) else ()

    def _would_be_done_in_place(self, operand: Operand) -> bool:
        """Whether a nameless function of one number would be done in the memory of its argument if it had a name."""
        value = self.values[operand.name]
        if not isinstance(value, Statement) or value.name not in self.inline or not isinstance(value.op, Map):
            return False
        named = Reuse(self.program, self.inline - {value.name})
        return value.op.function in IN_PLACE and named.step(value) is not None

    def is_dead(self, base: Operand, statement: Statement) -> bool:
        """Whether a value has a name that nothing reads once a statement has taken its memory."""
        return self._is_free_after(base, statement) and not self._late_readers(base, statement)

    def _is_free_after(self, base: Operand, statement: Statement) -> bool:
        """Whether no line after that of a statement reads a value with a name, and nothing else lies in its memory."""
        value = self.values[base.name]
        if not isinstance(value, Statement) or value.name in self.inline or value.name in self.program.results:
            return False
        if not isinstance(value.op, Map | Contract) or value.name in self._held:
            return False
        return self._last_reader[value.name] == self._reader(statement)

    def _late_readers(self, base: Operand, statement: Statement) -> list[Statement]:
        """Return what reads a value in lines of the same statement that come after its memory was taken."""
        root = self._reader(statement)
        assert isinstance(statement.op, Map)
        others = [operand.name for _, operand in self._others(statement, base)]
        early = set(others if statement.op.function == "mul" else others[:1])
        return [
            user
            for user in self.program.statements
            if user is not statement
            and base.name in {operand.name for operand in user.operands}
            and self._reader(user) == root
            and self._entry(user, statement) not in early
        ]

    def _entry(self, part: Statement, statement: Statement) -> str | None:
        """Return the operand of a statement that a nameless part of it is in, None where it is in none."""
        while part.name in self.inline:
            user = self._users[part.name]
            if user is statement:
                return part.name
            part = user
        return None

    def _reduced(self, part: Statement) -> str | None:
        """Return what has fewer axes than what it reads, the part itself or what it is in, None if there is nothing."""
        while part.name in self.inline:
            if isinstance(part.op, Reduce) and part.labels:
                return part.name
            part = self._users[part.name]
        return None

    def _reads(self, name: str, other: str) -> bool:
        """Whether a value is another, or is computed from it without a name between them."""
        value = self.values[name]
        if name == other:
            return True
        inner = value.operands if isinstance(value, Statement) and name in self.inline else ()
        return any(self._reads(operand.name, other) for operand in inner)

    def _bases(self, op: Map, count: int) -> Sequence[int]:
        """Return the places of the operands whose memory a function can be done in."""
        if op.function == "mul":
            return range(count)
        if op.function == "div":
            return (0, 1)
        if op.function in IN_PLACE:
            return (0,)
        if op.function != "add":
            return ()
        signs = op.signs or (1,) * count
        added = [at for at, sign in enumerate(signs) if sign > 0]
        return [*added, *(at for at, sign in enumerate(signs) if sign < 0)] if added else ()

    def _may_take(self, statement: Statement, base: Operand, others: Sequence[Operand]) -> bool:
        value = self.values[base.name]
        if not isinstance(value, Statement) or not isinstance(value.op, Map | Contract) or not self._is_plain(value):
            return False
        if base.labels != statement.labels or base.name in {other.name for other in others}:
            return False
        assert isinstance(statement.op, Map)
        is_floating = self._is_floating[base.name]
        gives_floats = statement.op.function in FLOATING or any(self._is_floating[other.name] for other in others)
        is_wide = all(self._sources[other.name] <= self._sources[base.name] for other in others)
        return is_wide and (is_floating or not gives_floats)

    def _pays(self, statement: Statement, base: Operand, others: Sequence[Operand]) -> bool:
        """Whether NumPy would take fresh memory: for a name's, and for an expression's that something smaller meets."""
        if base.name not in self.inline:
            return self.is_dead(base, statement)
        inner = self.values[base.name]
        assert isinstance(inner, Statement)
        assert isinstance(statement.op, Map)
        if statement.op.function in IN_PLACE:  # A function of one number takes fresh memory, whatever it is given.
            return statement.name not in self.inline and self._is_made_of_arrays(inner)
        if not isinstance(inner.op, Map):  # A product of matrices is free, but not to NumPy where a mask meets it.
            return any(self.values[other.name].kind == MASK for other in others)
        deeper = self.step(inner)
        if deeper is not None:
            return True
        if _is_right(statement.op, statement.operands.index(base)):  # NumPy takes the memory of the left side alone.
            return self._others(statement, base)[0][1].name not in self.inline or statement.op.function == "div"
        is_broadcast = any(other.labels and other.labels != statement.labels for other in others)
        return is_broadcast and any(operand.labels == inner.labels for operand in inner.operands)

    def _is_made_of_arrays(self, value: Statement) -> bool:
        """Whether a nameless value is made number by number of arrays of its size: of sums, it is small beside them."""
        found = [self.values[operand.name] for operand in value.operands if operand.labels == value.labels]
        inner = [each for each in found if isinstance(each, Statement) and each.name in self.inline]
        is_pointwise = all(isinstance(each.op, Gather) or self._is_made_of_arrays(each) for each in inner)
        return isinstance(value.op, Map) and bool(found) and is_pointwise

    def _is_plain(self, statement: Statement) -> bool:
        """Whether a value is an array of real numbers with all its axes; without axes it may be a number of NumPy's."""
        is_array = len(statement.labels) > leads(statement.labels, self.program.any_rank)
        return is_array and statement.kind == REAL and statement.kept is None

    def _reader(self, statement: Statement) -> str:
        """Return the statement with a name that another is written in."""
        while statement.name in self.inline:
            statement = self._users[statement.name]
        return statement.name

    @cached_property
    def _users(self) -> dict[str, Statement]:
        return {operand.name: user for user in self.program.statements for operand in user.operands}

    @cached_property
    def _last_reader(self) -> dict[str, str]:
        """By a value's name, the last of the statements with names in which it is read."""
        order = {each.name: place for place, each in enumerate(self.program.statements)}
        last: dict[str, str] = {}
        for user in self.program.statements:
            reader = self._reader(user)
            for operand in user.operands:
                if order[reader] >= order.get(last.get(operand.name, ""), -1):
                    last[operand.name] = reader
        return last

    @cached_property
    def _held(self) -> set[str]:
        """Values that another lies in the memory of, or takes it."""
        views = {each.operands[0].name for each in self.program.statements if each.is_view}
        return views | {each.into for each in self.program.statements if each.into is not None}

    @cached_property
    def _sources(self) -> dict[str, frozenset[str]]:
        """By a value's name, the inputs whose dtypes decide on its own."""
        found: dict[str, frozenset[str]] = {}
        for value in self.values.values():
            if isinstance(value, Statement):
                found[value.name] = frozenset().union(*(found[operand.name] for operand in value.operands))
            else:
                found[value.name] = (value.origins or frozenset({value.name})) if value.kind == REAL else frozenset()
        return found

    @cached_property
    def _is_floating(self) -> dict[str, bool]:
        """Whether a value is floating even if whole numbers are given; gradients that come in are."""
        found: dict[str, bool] = {}
        for value in self.values.values():
            if isinstance(value, Argument):
                found[value.name] = bool(value.tensor.role)
                continue
            op = value.op
            is_function = isinstance(op, Map) and op.function in FLOATING
            is_mean = isinstance(op, Reduce) and op.function == "mean"
            is_filled = filled_branch(value, self.values) is not None
            found[value.name] = (
                is_function or is_mean or is_filled or any(found[operand.name] for operand in value.operands)
            )
        return found


def _is_right(op: Map, place: int) -> bool:
    """Whether an operand is a divisor or is subtracted."""
    return place == 1 if op.function == "div" else bool(op.signs) and op.signs[place] < 0
