"""Which letter an index gets: the ones a reader has met, and fresh ones that a textbook would choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from sympy import Expr

from derive.definitions import Definition
from derive.index_arithmetic import is_form
from derive.indices import Element, Index, Tensor
from derive.operation import Operation
from derive.sums import all_indices, fresh_index, nodes, tensors_in


def letters_by_size(operation: Operation) -> dict[Expr, tuple[str, ...]]:
    """The index letters of an operation by size, in the order met."""
    met: dict[Expr, dict[str, None]] = {}
    for definition in operation.definitions:
        inner = sorted(all_indices(definition.body) - set(definition.indices), key=lambda index: index.name)
        for index in (*definition.indices, *inner):
            met.setdefault(index.size, {})[index.name] = None
    return {size: tuple(names) for size, names in met.items()}


def natural_element(operation: Operation, tensor: Tensor) -> Element:
    """The element of a tensor with the letters a reader expects: its definition's, or those of its first use."""
    for definition in operation.definitions:
        if definition.tensor == tensor:
            return definition.target
    for definition in operation.definitions:
        if tensor in tensors_in(definition.body) and tensor in _natural_elements(definition):
            return _natural_elements(definition)[tensor]
    letters = letters_by_size(operation)
    taken: list[Index] = []
    for extent in tensor.sizes:
        usual = "k" if extent.is_Integer else str(extent).lower()
        first = letters.get(extent, (usual,))[0]
        taken.append(fresh_index(Index(first, extent), taken))
    return tensor(*taken)


@lru_cache(maxsize=1000)
def _natural_elements(definition: Definition) -> dict[Tensor, Element]:
    """By tensor, the element of a definition's body with different indices that is nearest to the definition's own."""
    found: dict[Tensor, Element] = {}
    for element in sorted(nodes(definition.body, Element), key=_by_distance_from(definition)):
        plain = all(isinstance(index, Index) for index in element.indices)
        if plain and len(set(element.indices)) == len(element.indices):
            found.setdefault(element.tensor, element)
    return found


def _by_distance_from(definition: Definition) -> Callable[[Element], tuple[int, str]]:
    """Sort elements: those with most of the output's own indices first."""
    own = set(definition.indices)
    return lambda element: (-len(own & set(element.indices)), "".join(str(index) for index in element.indices))


def reserved_letters(operation: Operation) -> frozenset[str]:
    """Return the letters that an operation with index arithmetic uses: in forms they would be mistaken for another.

    Example:
        >>> from derive.catalogue import find
        >>> reserved_letters(find("softmax")), sorted(reserved_letters(find("shift")))
        (frozenset(), ['n', 't'])
    """
    bodies = [definition.body for definition in operation.definitions]
    if not any(is_form(where) for body in bodies for each in nodes(body, Element) for where in each.indices):
        return frozenset()
    letters = {name for names in letters_by_size(operation).values() for name in names}
    return frozenset(letters | {symbol.name for symbol in operation.parameters})


def disjoint(indices: Iterable[Index], taken: Iterable[Index], reserved: Iterable[str] = ()) -> tuple[Index, ...]:
    """The indices, with other letters where one is taken; no new letter is a reserved one.

    Example:
        >>> from derive.indices import size
        >>> n, k = Index("n", size("N")), Index("k", size("K"))
        >>> [index.name for index in disjoint((n, k), (n,))]
        ['m', 'k']
    """
    indices = tuple(indices)
    names = {index.name for index in taken}
    result: list[Index] = []
    for place, index in enumerate(indices):
        later = {other.name for other in indices[place + 1 :]} if index.name in names else set()
        new = fresh_index(index, names | later | set(reserved)) if index.name in names else index
        names.add(new.name)
        result.append(new)
    return tuple(result)
