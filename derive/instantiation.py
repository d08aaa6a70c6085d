"""An operation's definitions for given tensors: sizes replaced, names and letters kept apart from those around."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from derive.errors import InputError
from derive.indices import Element, Index, Tensor
from derive.record import Definition, Operation
from derive.sums import all_indices, fresh_index


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or the name with the first number that makes it free.

    Example:
        >>> free_name("w", {"x"}), free_name("w", {"w", "w2"})
        ('w', 'w3')
    """
    number, stem = 2, name
    while name in taken:
        name = f"{stem}{number}"
        number += 1
    return name


@dataclass(frozen=True)
class Instance:
    """An operation's definitions for given tensors, intermediates first.

    Attributes:
        definitions: the operation's, in its order.
        tensors: what became of each of the operation's tensors.
        translate: turns any expression about the operation's tensors into one about the given ones.
    """

    definitions: tuple[Definition, ...]
    tensors: Mapping[Tensor, Tensor]
    translate: Callable[[Expr], Expr]


def instantiate(
    operation: Operation,
    arguments: Mapping[str, Tensor],
    target: str,
    taken: Collection[str] = (),
    letters: Mapping[str, Expr] | None = None,
    written: Mapping[str, tuple[Index, ...]] | None = None,
    output: Tensor | None = None,
) -> Instance:
    """Return the definitions of ``target = operation(arguments)``.

    Shapes:
        Each argument has the axes of its input; an elementwise operation takes tensors of one shape, and scalars.

    Args:
        arguments: a tensor for each of the operation's inputs, by the input's name.
        target: the name of the output.
        taken: names that no intermediate may have.
        letters: index letters that are in use, each with the size it runs over.
        written: the indices a tensor is usually written with, by its name; they are used where they can be.
        output: what the output becomes, where its sizes do not all follow from those of the arguments.

    Raises:
        InputError: an argument is missing or has axes or sizes that do not fit.

    Example:
        >>> from derive.indices import size
        >>> from derive.vocabulary import scalar_operation
        >>> n = Index("n", size("N")); x = Tensor("x", (size("N"),))
        >>> instantiate(scalar_operation("tanh"), {"x": x}, "y", written={"x": (n,)}).definitions[0].body
        tanh(x[n])
    """
    sizes = _fit_arguments(operation, arguments)
    if output is not None:
        own = operation.output.tensor.sizes
        sizes |= {extent.size: output.sizes[own.index(extent.size)] for extent in operation.extents}
    letters, written = dict(letters or {}), dict(written or {})
    names = {*taken, target, *(tensor.name for tensor in arguments.values())}
    own_letters = {index.name for index in _indices_of(operation)}
    shape: tuple[Expr, ...] = ()
    if operation.is_elementwise:
        shape = max((tensor.sizes for tensor in arguments.values()), key=len, default=())
    tensors = {tensor: arguments[tensor.name] for tensor in operation.inputs}
    for definition in operation.definitions:
        is_output = definition is operation.output
        name = target if is_output else free_name(definition.tensor.name, {*names, *letters, *own_letters})
        names.add(name)
        extents = tuple(sizes.get(extent, extent) for extent in definition.tensor.sizes)
        tensors[definition.tensor] = Tensor(name, extents + shape)
    translate = _Translation(tensors, sizes, _Letters(letters, names))
    usual = {tensor: written.get(actual.name, ()) for tensor, actual in tensors.items()}
    if shape:
        translate.lift(shape, next((indices for indices in reversed(usual.values()) if len(indices) == len(shape)), ()))
    else:
        for tensor in reversed(tensors):
            translate.letters.wish(usual_indices(reversed(operation.definitions), tensor), usual[tensor])
    for index in _indices_of(operation):
        translate(index)
    definitions = tuple(Definition(translate(d.target), translate(d.body)) for d in operation.definitions)
    return Instance(definitions, tensors, translate)


def _fit_arguments(operation: Operation, arguments: Mapping[str, Tensor]) -> dict[Expr, Expr]:
    """Match the inputs' sizes with the arguments'."""
    sizes: dict[Expr, Expr] = {}
    shapes = {arguments[tensor.name].sizes for tensor in operation.inputs if tensor.name in arguments}
    for tensor in operation.inputs:
        if tensor.name not in arguments:
            raise InputError(f"{operation.name} needs a tensor for its input {tensor.name}")
        actual = arguments[tensor.name]
        if operation.is_elementwise:
            if len(shapes - {()}) > 1:
                given = ", ".join(describe(argument) for argument in arguments.values())
                raise InputError(f"{operation.name} takes tensors of one shape, and scalars, and was given {given}")
            continue
        if actual.rank != tensor.rank or (actual.values is None) != (tensor.values is None):
            raise InputError(
                f"{operation.name} takes {describe(tensor)} and was given {describe(actual)}; they do not fit"
            )
        for mine, given in zip((*tensor.sizes, tensor.values), (*actual.sizes, actual.values), strict=True):
            if mine is None:
                continue
            known = sizes.setdefault(mine, given) if isinstance(mine, Symbol) else mine
            if known != given:
                raise InputError(
                    f"{operation.name} takes {describe(tensor)}, where {mine} is {known} already, "
                    f"and was given {describe(actual)}; the sizes {known} and {given} do not fit"
                )
    return sizes


def describe(tensor: Tensor) -> str:
    """Return a tensor with its sizes, such as ``x[N,K]``, and what it holds where that is not real numbers.

    Example:
        >>> from derive.indices import size
        >>> describe(Tensor("t", (size("N"),), values=size("K")))
        't[N] (labels below K)'
    """
    shape = f"[{','.join(map(str, tensor.sizes))}]" if tensor.sizes else " (a scalar)"
    return f"{tensor.name}{shape}" + ("" if tensor.values is None else f" (labels below {tensor.values})")


def usual_indices(definitions: Iterable[Definition], tensor: Tensor) -> tuple[Index, ...]:
    """Return the distinct indices with which a tensor is written: free ones if it can be, otherwise the first met."""
    first: tuple[Index, ...] = ()
    for definition in definitions:
        for part in (definition.target, *sympy.preorder_traversal(definition.body)):
            if isinstance(part, Element) and part.tensor == tensor:
                found = tuple(index for index in part.indices if isinstance(index, Index))
                if len(set(found)) == tensor.rank:
                    if set(found) <= set(definition.indices):
                        return found
                    first = first or found
    return first


def _indices_of(operation: Operation) -> list[Index]:
    """The operation's indices: the output's first, then in the order of the definitions."""
    found: dict[Index, None] = {}
    for definition in (operation.output, *operation.intermediates):
        inner = sorted(all_indices(definition.body), key=lambda index: index.name)
        found.update(dict.fromkeys((*definition.indices, *inner)))
    return list(found)


class _Letters:
    """Chooses letters for indices so that one letter means one size, and two indices have two letters."""

    def __init__(self, letters: dict[str, Expr], names: Collection[str]) -> None:
        self.letters, self.names = letters, names
        self.wishes: dict[Index, str] = {}
        self.chosen: set[str] = set()

    def wish(self, indices: tuple[Index, ...], usual: tuple[Index, ...]) -> None:
        """Wish that these indices be called as the usual ones; the first wish counts."""
        for index, other in zip(indices, usual, strict=False):
            if other.name not in self.wishes.values():
                self.wishes.setdefault(index, other.name)

    def choose(self, index: Index, extent: Expr) -> Index:
        wish = self.wishes.get(index, index.name)
        taken = {letter for letter, of in self.letters.items() if of != extent} | self.chosen | set(self.names)
        taken |= set(self.wishes.values()) - {wish}
        taken |= {name.lower() for name in self.names} - self.letters.keys()
        known = [letter for letter, of in self.letters.items() if of == extent]
        free = [letter for letter in (wish, index.name, *known) if letter not in taken]
        letter = free[0] if free else fresh_index(index, taken).name
        self.letters.setdefault(letter, extent)
        self.chosen.add(letter)
        return Index(letter, extent)


class _Translation:
    """Replaces tensors, indices and sizes at once; letters stay distinct, so nothing is captured."""

    def __init__(self, tensors: Mapping[Tensor, Tensor], sizes: Mapping[Expr, Expr], letters: _Letters) -> None:
        self.tensors, self.sizes, self.letters = tensors, sizes, letters
        self.indices: dict[Index, Index] = {}
        self.lifted: tuple[Index, ...] = ()

    def lift(self, shape: tuple[Expr, ...], usual: tuple[Index, ...]) -> None:
        """Give every element of a tensor of this shape an index for each of its axes."""
        indices = []
        for axis, extent in enumerate(shape):
            known = [letter for letter, of in self.letters.letters.items() if of == extent]
            free = [letter for letter in known if letter not in self.letters.chosen]
            name = usual[axis].name if usual else (free or ["i"])[0]
            indices.append(self.letters.choose(Index(name, extent), extent))
        self.lifted = tuple(indices)

    def __call__(self, expr: Any) -> Any:
        if isinstance(expr, Index):
            if expr not in self.indices:
                self.indices[expr] = self.letters.choose(expr, self.sizes.get(expr.size, expr.size))
            return self.indices[expr]
        if isinstance(expr, Element):
            tensor = self.tensors[expr.tensor]
            lifted = self.lifted if tensor.rank > expr.tensor.rank else ()
            return Element(tensor, *(self(where) for where in expr.indices), *lifted)
        if isinstance(expr, Symbol):
            return self.sizes.get(expr, expr)
        if not isinstance(expr, sympy.Basic) or not expr.args:
            return expr
        return expr.func(*(self(argument) for argument in expr.args))
