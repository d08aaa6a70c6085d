"""The names of a text as far as reading it tells: what each is, where it stands, and which axes have one size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from derive.calls import WholeCall, Words
from derive.forms import is_arithmetic, is_form
from derive.indices import Tensor
from derive.sizes import Place, SizeClasses, count_of_indices
from derive.tokens import Span, Text
from derive.trees import Access, Call, Comparison, Literal, Name, Tree
from derive.vocabulary import BINDING, RESERVED, suggest


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
        named: what is the name of a tensor, as far as was seen.
        statement: the number of the statement that is read.
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
        self.named: set[str] = set(given or ())
        self.statement = -1

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs, in the order in which they are met."""
        return [name for name in self.used if name not in self.defined]

    def meet_letter(self, index: Name) -> None:
        """Keep a name as an index.

        Raises:
            DefinitionError: it can be none.
        """
        name = index.name
        if name in RESERVED:
            raise self.source.mistake(index.at, f"{name} is taken and can not be an index", "write another letter")
        if name.upper().lower() != name or name.upper() == name or not name.upper().isidentifier():
            expected = "an index is written in lower case, and its size in capitals"
            raise self.source.mistake(index.at, f"{name} can not be an index", expected)
        self.letters.setdefault(name, index.at)

    def check_tensor_name(self, name: str, at: Span) -> None:
        """Check that a name may be a tensor's.

        Raises:
            DefinitionError: it is the name of a function or a number.
        """
        if name in RESERVED:
            kind = "a number" if name == "pi" else "a function"
            raise self.source.mistake(at, f"{name} is {kind} and can not name a tensor", "give the tensor another name")

    def use(self, name: str, at: Span) -> None:
        """Keep that a tensor is used in the statement that is read.

        Raises:
            DefinitionError: it is not known there, or not yet.
        """
        if self.given is not None and name not in self.given:
            known = ", ".join(self.given)
            expected = suggest(name, self.given) or f"the names here are {known}"
            raise self.source.mistake(at, f"unknown name {name}", expected)
        number, _ = self.defined.get(name, (-1, at))
        if name in self.defined and number == self.statement:
            raise self.source.mistake(at, f"{name} is defined by itself", "use inputs and earlier definitions only")
        if number > self.statement:
            raise self.source.mistake(at, f"{name} is used before it is defined", "put its definition first")
        self.used.setdefault(name, at)

    def set_rank(self, name: str, rank: int, at: Span) -> None:
        """Keep how many axes a tensor has.

        Raises:
            DefinitionError: it stood with another number of indices.
        """
        before, _ = self.ranks.setdefault(name, (rank, at))
        if before != rank:
            problem = f"{name} stands with {count_of_indices(rank)} here and with {count_of_indices(before)} elsewhere"
            raise self.source.mistake(at, problem, "expected one index for each of its axes everywhere")

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
