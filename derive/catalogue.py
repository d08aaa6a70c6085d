"""The catalogue: operations by name, parsed from the library's records when first asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from derive.errors import InputError
from derive.facts import Fact
from derive.library import GROUPS
from derive.necks import name_necks
from derive.networks import is_network, read_network
from derive.operation import Derived, Operation
from derive.parsing import parse_operation, parse_premise
from derive.problems import Problem, parse_problem
from derive.record import Record
from derive.vocabulary import nearest, without_marks

#: What looks like a name, and not like a definition.
NAME = re.compile(r"\w[\w-]*")
#: A word of a name, as in ``CrossEntropyLoss``.
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
#: A word of a title long enough to be meant.
SAID = re.compile(r"\w{3,}")
#: So many operations at most are named where somebody may have meant one of them.
MOST_MEANT = 12


@cache
def records() -> Mapping[str, Record]:
    """Return the library's records by name, group by group."""
    return {record.name: record for records_of_group in GROUPS for record in records_of_group}


@cache
def _named(name: str) -> Operation | None:
    """The operation of a name; in a text, where a hyphen is a minus, ``cce_sparse`` stands for ``cce-sparse``."""
    record = records().get(name) or records().get(name.replace("_", "-"))
    return None if record is None else parse_operation(record.definition, lookup=_named, record=record, known=records())


class Catalogue(Mapping[str, Operation]):
    """The operations by name; each is parsed when it is first looked up."""

    def __getitem__(self, name: str) -> Operation:
        operation = _named(name)
        if operation is None:
            raise KeyError(name)
        return operation

    def __iter__(self) -> Iterator[str]:
        return iter(records())

    def __len__(self) -> int:
        return len(records())


def catalogue() -> Catalogue:
    """Return the catalogue, a mapping from names to operations.

    Example:
        >>> catalogue()["relu"].record.definition
        'y = max(x, 0)'
    """
    return Catalogue()


@lru_cache(maxsize=1000)
def operation(text: str, name: str | None = None) -> Operation:
    """Return the operation that a definition's text describes.

    What an outer function is applied to gets a name: ``relu(x*w + b)`` is computed through ``z = x*w + b``.

    Args:
        text: a definition such as ``"y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)"``; several are separated by ``;``.
        name: what to call it.

    Raises:
        DefinitionError: a mistake in the text, shown with a caret.
        InputError: it is no definition, such as a name of the catalogue, which ``find`` takes.

    Example:
        >>> operation("y[n] = sum(a[n,i]**2, i)").inputs
        (a,)
    """
    if isinstance(text, str) and NAME.fullmatch(text.strip()):
        takes = "derive.operation takes a definition, such as 'y[n] = max(x[n], 0)'"
        known = _named(text.strip())
        hint = f"derive.find({known.name!r}) gives the catalogue's" if known else _hint(text)
        raise InputError(f"{text!r} is not a definition: it has no =; {takes}; {hint}")
    return name_necks(parse_operation(text, name, _named, known=records()))


#: What stands in formulas and in no name.
FORMULA = re.compile(r"[*/+^()\[\]]|\s-|-\s|^\s*\d")


def _hint(name: str) -> str:
    """What may have been meant by a name that there is not: one that is near, or those that such words are said of."""
    near = nearest(name, records())
    if near:
        return f"did you mean {near!r}?"
    if FORMULA.search(name):
        return f"a formula has a name before it: 'y = {name.strip()}'"
    meant = matching(WORD.findall(name))
    if 0 < len(meant) <= MOST_MEANT:
        return f"did you mean {' or '.join(record.name for record in meant)}?"
    return "`derive list` shows the names; a definition has an '='"


def matching(words: Iterable[str]) -> list[Record]:
    """Return the records that have all the words, or parts of words, in their names, groups or titles.

    Example:
        >>> [record.name for record in matching(["batch", "norm"])]
        ['batch-norm']
    """
    plain = [without_marks(word) for word in words]
    return [record for record in records().values() if plain and all(word in _said(record) for word in plain)]


def nearest_word(word: str) -> str | None:
    """Return the word said of an operation that is nearest to one that is said of none; None where none is near."""
    return nearest(word, sorted({said for record in records().values() for said in SAID.findall(_said(record))}))


def _said(record: Record) -> str:
    return without_marks(f"{record.name} {record.group} {record.title}")


def parse_fact(text: str, op: Operation) -> Fact:
    """Return the fact that an equation about an operation's tensors states.

    Raises:
        DefinitionError: a mistake in the text.
        InputError: the left side is nothing that can be looked for.

    Example:
        >>> parse_fact("sum(t[n,k], k) = 1", find("cce")).right
        1
    """
    tensors = {tensor.name: tensor for tensor in (*op.inputs, *(definition.tensor for definition in op.definitions))}
    parameters = [parameter.name for parameter in op.parameters]
    fact = parse_premise(text, tensors, _named, records(), parameters)
    if not isinstance(fact, Fact):
        raise InputError(f"the fact {text!r} must have a sum on one side, such as sum(t[n,k], k) = 1")
    return fact


def parse_claim(claim: str, where: Iterable[str] = (), given: Iterable[str] = ()) -> Problem:
    """Return what a claim, definitions and facts say together; the catalogue's operations may be called in them.

    Raises:
        DefinitionError: a mistake in a text.
        InputError: a fact is of no kind that can be used.

    Example:
        >>> parse_claim("sum(p[n,k], k) = 1", ["p = softmax(z)"]).definitions[0].target
        p[n,k]
    """
    return parse_problem(where, given, claim, _named, records())


@lru_cache(maxsize=1000)
def _network(text: str) -> Operation:
    return read_network(text, find)


def find(op: str | Operation | Derived) -> Operation:
    """Return the operation for a catalogue name, a definition's text, an operation or a derivation's result.

    Layers with ``>`` between them are a network, one operation: ``"dense(2,64) > relu > dense(64,3) > softmax > cce"``.

    Raises:
        InputError: there is no operation of that name.
        DefinitionError: a mistake in the text.
    """
    if isinstance(op, Operation):
        return op
    if not isinstance(op, str):  # To ask whether an object has a protocol's methods takes long.
        if isinstance(op, Derived):
            return op.as_operation()
        raise InputError(f"expected a catalogue name, a definition's text or an Operation, not {type(op).__name__}")
    if is_network(op):
        return _network(op)
    if "=" in op:
        return operation(op)
    found = _named(op.strip())
    if found is None:
        raise InputError(f"there is no operation called {op!r}; {_hint(op)}")
    return found
