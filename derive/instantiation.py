"""An operation's definitions for given tensors: sizes replaced, names and letters kept apart from those around."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Mul, Symbol

from derive.definitions import Definition
from derive.errors import InputError
from derive.indicators import Delta
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.sums import Binder, all_indices, fresh_index


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
    targets: Sequence[str],
    taken: Collection[str] = (),
    letters: Mapping[str, Expr] | None = None,
    written: Mapping[str, tuple[Index, ...]] | None = None,
    outputs: Sequence[Tensor] = (),
) -> Instance:
    """Return the definitions of ``targets = operation(arguments)``.

    Shapes:
        Each argument has the axes of its input; an elementwise operation takes tensors of one shape, and scalars. In
        the place of a leading axis may be any number of axes, the same ones in all arguments.

    Args:
        arguments: a tensor for each of the operation's inputs, by the input's name.
        targets: the names of the outputs.
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
        >>> instantiate(scalar_operation("tanh"), {"x": x}, ["y"], written={"x": (n,)}).definitions[0].body
        tanh(x[n])
    """
    sizes, leading = _fit_arguments(operation, arguments)
    for output, here in zip(operation.outputs, outputs, strict=False):
        told = output.tensor.sizes
        sizes |= {
            each.size: here.sizes[told.index(each.size) - len(told)] for each in operation.extents if each.size in told
        }
    letters, written = dict(letters or {}), dict(written or {})
    names = {*taken, *targets, *(tensor.name for tensor in arguments.values())}
    called = dict(zip((output.tensor for output in operation.outputs), targets, strict=True))
    own_letters = {index.name for index in _indices_of(operation)}
    shape: tuple[Expr, ...] = ()
    if operation.is_elementwise:
        shape = max((tensor.sizes for tensor in arguments.values()), key=len, default=())
    tensors = {tensor: arguments[tensor.name] for tensor in operation.inputs}
    for definition in operation.definitions:
        name = called.get(definition.tensor)
        name = name or free_name(definition.tensor.name, {*names, *letters, *own_letters})
        names.add(name)
        own = definition.tensor.sizes
        extents = leading if operation.leads(definition.tensor) else ()
        extents += tuple(sizes.get(extent, extent) for extent in own[operation.leads(definition.tensor) :])
        tensors[definition.tensor] = Tensor(name, extents + shape)
    translate = _Translation(tensors, sizes, _Letters(letters, names), operation.leading, leading)
    usual = {tensor: written.get(actual.name, ()) for tensor, actual in tensors.items()}
    if shape:
        translate.lift(shape, next((indices for indices in reversed(usual.values()) if len(indices) == len(shape)), ()))
    else:
        for tensor in reversed(tensors):
            own_indices, given = usual_indices(reversed(operation.definitions), tensor), usual[tensor]
            if own_indices and given and operation.leads(tensor) and len(leading) != 1:
                translate.wish(own_indices[0], given[: len(leading)])
                own_indices, given = own_indices[1:], given[len(leading) :]
            translate.letters.wish(own_indices, given)
    for index in _indices_of(operation):
        translate.spread(index)
    definitions = tuple(Definition(translate(d.target), translate(d.body)) for d in operation.definitions)
    return Instance(definitions, tensors, translate)


def _fit_arguments(operation: Operation, arguments: Mapping[str, Tensor]) -> tuple[dict[Expr, Expr], tuple[Expr, ...]]:
    """Match the inputs' sizes with the arguments', and find the axes that stand where the leading ones are."""
    sizes: dict[Expr, Expr] = {}
    leading: tuple[Expr, ...] | None = None
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
        own, given_sizes = tensor.sizes, actual.sizes
        if operation.leads(tensor) and actual.rank >= tensor.rank - 1:
            count = actual.rank - tensor.rank + 1
            here, own, given_sizes = given_sizes[:count], own[1:], given_sizes[count:]
            leading = here if leading is None else leading
            if here != leading:
                shown = " and ".join(f"({', '.join(map(str, axes))})" for axes in (leading, here))
                raise InputError(f"{operation.name} was given {describe(actual)}; the leading axes {shown} do not fit")
        if len(own) != len(given_sizes) or (actual.values is None) != (tensor.values is None):
            raise InputError(
                f"{operation.name} takes {describe(tensor)} and was given {describe(actual)}; they do not fit"
            )
        for mine, given in zip((*own, tensor.values), (*given_sizes, actual.values), strict=True):
            if mine is None:
                continue
            known = sizes.setdefault(mine, given) if isinstance(mine, Symbol) else mine
            if known != given:
                raise InputError(
                    f"{operation.name} takes {describe(tensor)}, where {mine} is {known} already, "
                    f"and was given {describe(actual)}; the sizes {known} and {given} do not fit"
                )
    if operation.leading is not None and leading is not None:
        sizes[operation.leading] = Mul(*leading)
    return sizes, leading or ()


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
    """The operation's indices: the outputs' first, then in the order of the definitions."""
    found: dict[Index, None] = {}
    for definition in (*operation.outputs, *operation.intermediates):
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
    """Replaces tensors, indices and sizes at once; letters stay distinct, so nothing is captured.

    An index over the leading axes becomes one for each of the axes that stand in their place.
    """

    def __init__(
        self,
        tensors: Mapping[Tensor, Tensor],
        sizes: Mapping[Expr, Expr],
        letters: _Letters,
        leading: Symbol | None,
        axes: tuple[Expr, ...],
    ) -> None:
        self.tensors, self.sizes, self.letters = tensors, sizes, letters
        self.leading, self.axes = leading, axes
        self.indices: dict[Index, tuple[Index, ...]] = {}
        self.wishes: dict[Index, tuple[Index, ...]] = {}
        self.lifted: tuple[Index, ...] = ()

    def wish(self, index: Index, usual: tuple[Index, ...]) -> None:
        """Wish that the axes over which an index runs be written with these indices; the first wish counts."""
        self.wishes.setdefault(index, usual)

    def spread(self, index: Index) -> tuple[Index, ...]:
        """Return what an index becomes: one index, or one for each axis in the place of the leading ones."""
        if index not in self.indices:
            if index.size == self.leading and len(self.axes) != 1:
                usual = self.wishes.get(index, ())
                named = usual if len(usual) == len(self.axes) else (index,) * len(self.axes)
                pairs = zip(named, self.axes, strict=True)
                self.indices[index] = tuple(self.letters.choose(Index(i.name, extent), extent) for i, extent in pairs)
            else:
                self.indices[index] = (self.letters.choose(index, self.sizes.get(index.size, index.size)),)
        return self.indices[index]

    def places(self, indices: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what stands on the axes on which these stood."""
        return tuple(
            new for where in indices for new in (self.spread(where) if isinstance(where, Index) else (self(where),))
        )

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
            (index,) = self.spread(expr)
            return index
        if isinstance(expr, Element):
            tensor = self.tensors[expr.tensor]
            where = self.places(expr.indices)
            return Element(tensor, *where, *(self.lifted if tensor.rank > len(where) else ()))
        if isinstance(expr, Binder):
            bound, body = self.places(expr.bound), self(expr.body)
            return type(expr)(body, *bound) if bound else body
        if isinstance(expr, Delta):
            sides = [self.places((side,)) for side in expr.args]
            if len(sides[0]) != len(sides[1]):
                raise InputError(f"{expr} takes one position on the leading axes; that needs one leading axis")
            return Mul(*(Delta(left, right) for left, right in zip(*sides, strict=True)))
        if isinstance(expr, Symbol):
            return self.sizes.get(expr, expr)
        if not isinstance(expr, sympy.Basic) or not expr.args:
            return expr
        return expr.func(*(self(argument) for argument in expr.args))
