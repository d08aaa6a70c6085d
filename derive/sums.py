"""Nodes that bind indices - sum, maximum, position of a maximum - and substitution that never captures.

The binders take part in SymPy's ``subs`` and ``xreplace`` through the substitution of this module, so that these are
safe too; SymPy's own ``Sum`` captures silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Integer

from derive.budget import tick
from derive.errors import InputError
from derive.indices import Element, Index, Node, Tensor, one_object

#: Letters a textbook takes when it needs another index beside the first, by what they usually count.
RELATED_LETTERS = ("nmrq", "kjli", "ijkl", "tsur", "dcef", "stur", "cdef", "jkil", "mnrq", "lkji", "oprq")


class Binder(Node):
    """A node whose first argument is a body and whose other arguments are the indices bound in it."""

    is_real = True

    def __new__(cls, body: Any, *bound: Index) -> Expr:
        cls.check_bound(bound)
        return one_object(cls, sympy.sympify(body), *bound)

    @classmethod
    def check_bound(cls, bound: tuple[Index, ...]) -> None:
        """Refuse what can not be bound."""
        if not bound:
            raise InputError(f"{cls.__name__} needs at least one index")
        for index in bound:
            if not isinstance(index, Index):
                raise InputError(f"{cls.__name__} binds indices, not {index}")
        twice = next((index for place, index in enumerate(bound) if index in bound[:place]), None)
        if twice is not None:
            raise InputError(f"{cls.__name__} was given the index {twice.name} twice")

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def bound(self) -> tuple[Index, ...]:
        return tuple(self.args[1:])

    def opened(self, taken: Iterable[Index]) -> tuple[Expr, tuple[Index, ...]]:
        """Return the body and bound indices, renamed so that none of ``taken`` is among them."""
        taken_names = {index.name for index in taken} | {index.name for index in free_indices(self)}
        names: dict[Expr, Expr] = {}
        bound = []
        for index in self.bound:
            new = index
            if index.name in taken_names:
                inner = {i.name for i in all_indices(self.body)} | parameters_in(self.body)
                new = fresh_index(index, taken_names | inner | {i.name for i in self.bound})
                names[index] = new
            taken_names.add(new.name)
            bound.append(new)
        return substitute(self.body, names), tuple(bound)

    def _eval_subs(self, old: Any, new: Any) -> Expr:
        return self._mapped(lambda part: part.subs(old, new), {old: new})

    def _xreplace(self, rule: Any) -> tuple[Expr, bool]:
        if self in rule:
            return rule[self], True
        if not isinstance(rule, Mapping):
            body, changed = self.body._xreplace(rule)
            return (type(self)(body, *self.bound), True) if changed else (self, False)
        live = {old: new for old, new in rule.items() if not free_indices(old) & set(self.bound)}
        result = self._mapped(lambda part: part.xreplace(live), live)
        return result, result != self

    def _mapped(self, change: Callable[[Expr], Expr], rule: Mapping[Any, Any]) -> Expr:
        """Change the body and the bound indices' sizes; what mentions a bound index does not occur outside of here."""
        if any(free_indices(old) & set(self.bound) for old in rule):
            return self
        body, bound = self.opened(frozenset().union(*(free_indices(sympy.sympify(new)) for new in rule.values())))
        return type(self)(change(body), *map(change, bound))


class IndexSum(Binder):
    r"""The sum :math:`\sum_{i, j, \dots} e` over the whole range of each bound index.

    A sum of a sum is one sum over both indices. The order of the bound indices carries no meaning and is kept sorted.

    Example:
        >>> from derive.indices import Tensor, size
        >>> K = size("K"); k = Index("k", K); p = Tensor("p", (K,))
        >>> IndexSum(p[k], k)
        sum(p[k], k)
        >>> IndexSum(p[k], k).subs(p[k], 1)
        sum(p[k], k)
    """

    def __new__(cls, body: Any, *bound: Index) -> Expr:
        cls.check_bound(bound)
        body = sympy.sympify(body)
        if body == 0:
            return Integer(0)
        if isinstance(body, IndexSum):
            inner, inner_bound = body.opened(bound)
            return cls(inner, *bound, *inner_bound)
        return super().__new__(cls, body, *sorted(bound, key=lambda index: index.name))

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


class IndexMax(Binder):
    """The maximum of the body over the whole range of each bound index."""

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


class IndexArgmax(Binder):
    """The first position at which the body is largest: an index expression, so it may stand in an index's place.

    Raises:
        InputError: there is more than one index.
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, body: Any, *bound: Index) -> Expr:
        if len(bound) != 1:
            raise InputError(f"the position of a maximum is taken over one index, not {len(bound)}; nest them")
        return super().__new__(cls, body, *bound)

    @property
    def extent(self) -> Expr:
        return self.bound[0].size


class Partial(Node):
    r"""The partial derivative :math:`\partial e / \partial x_{m,l}`, not carried out yet."""

    is_real = True

    def __new__(cls, body: Any, element: Element) -> Partial:
        if not isinstance(element, Element):
            raise InputError(f"a derivative is taken with respect to an element of a tensor, not {element}")
        return one_object(cls, sympy.sympify(body), element)

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def element(self) -> Element:
        return self.args[1]


@lru_cache(maxsize=100_000)
def free_indices(expr: sympy.Basic) -> frozenset[Index]:
    """Return the free indices of an expression.

    Example:
        >>> from derive.indices import Tensor, size
        >>> n, k = Index("n", size("N")), Index("k", size("K")); x = Tensor("x", (size("N"), size("K")))
        >>> free_indices(IndexSum(x[n, k], k)) == {n}
        True
    """
    if isinstance(expr, Index):
        return frozenset((expr,))
    inner: frozenset[Index] = frozenset().union(*map(free_indices, expr.args)) if expr.args else frozenset()
    return inner - frozenset(expr.bound) if isinstance(expr, Binder) else inner


@lru_cache(maxsize=100_000)
def all_indices(expr: sympy.Basic) -> frozenset[Index]:
    """Return every index that occurs in an expression, free or bound."""
    if isinstance(expr, Index):
        return frozenset((expr,))
    return frozenset().union(*map(all_indices, expr.args)) if expr.args else frozenset()


@lru_cache(maxsize=100_000)
def parameters_in(expr: sympy.Basic) -> frozenset[str]:
    """Return the names of the whole numbers that index arithmetic is given in an expression: no index has them."""
    return frozenset(symbol.name for symbol in expr.free_symbols if not symbol.is_positive)


@lru_cache(maxsize=100_000)
def tensors_in(expr: sympy.Basic) -> frozenset[Tensor]:
    """Return the tensors whose elements occur in an expression."""
    if isinstance(expr, Tensor):
        return frozenset((expr,))
    return frozenset().union(*map(tensors_in, expr.args)) if expr.args else frozenset()


@lru_cache(maxsize=100_000)
def kinds_in(expr: sympy.Basic) -> frozenset[type]:
    """Return the classes that an expression's nodes are instances of."""
    own = frozenset(type(expr).__mro__)
    return own.union(*map(kinds_in, expr.args)) if expr.args else own


def has(expr: sympy.Basic, *kinds: type) -> bool:
    """Whether an expression has a node of one of the classes.

    Example:
        >>> from derive.indices import size
        >>> from derive.indicators import Delta
        >>> j, k = Index("j", size("K")), Index("k", size("K"))
        >>> has(2 * Delta(j, k), Delta), has(2 * Delta(j, k), IndexSum)
        (True, False)
    """
    return not kinds_in(expr).isdisjoint(kinds)


def nodes(expr: sympy.Basic, *kinds: type) -> set[Any]:
    """Return an expression's nodes of some classes, as ``expr.atoms(*kinds)`` does, but looking only where they are."""
    found: set[Any] = set()
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        if node in found or not has(node, *kinds):
            continue
        if isinstance(node, kinds):
            found.add(node)
        waiting += node.args
    return found


def fresh_index(index: Index, taken: Iterable[str | Index]) -> Index:
    """Return an index over the same size whose name is not taken, with a letter a textbook would choose.

    Example:
        >>> from derive.indices import size
        >>> fresh_index(Index("k", size("K")), {"k"}).name
        'j'
    """
    names = {name.name if isinstance(name, Index) else name for name in taken}
    if index.name not in names:
        return index
    for letters in RELATED_LETTERS:
        if letters[0] == index.name[0]:
            for letter in letters:
                if letter not in names:
                    return index.renamed(letter)
    stem = index.name.rstrip("0123456789")
    number = 1
    while f"{stem}{number}" in names:
        number += 1
    return index.renamed(f"{stem}{number}")


def substitute(expr: Any, mapping: Mapping[Expr, Expr]) -> Any:
    """Replace free indices by index expressions at once, renaming bound indices that would capture them.

    Example:
        >>> from derive.indices import Tensor, size
        >>> N = size("N"); i, k = Index("i", N), Index("k", N); z = Tensor("z", (N, N))
        >>> substitute(IndexSum(z[i, k], k), {i: k})
        sum(z[k,j], j)
    """
    if not mapping or not isinstance(expr, sympy.Basic):
        return expr
    if isinstance(expr, Index):
        return mapping.get(expr, expr)
    free = free_indices(expr)
    if free.isdisjoint(mapping):
        return expr
    tick()
    live = {old: new for old, new in mapping.items() if old in free and new is not old}
    if not live:
        return expr
    if isinstance(expr, Binder):
        arriving: set[Index] = set()
        for new in live.values():
            arriving |= free_indices(new)
        body, bound = expr.opened(arriving)
        return type(expr)(substitute(body, live), *bound)
    return expr.func(*(substitute(argument, live) for argument in expr.args))


def mapped(expr: Any, change: Callable[[Any], Any]) -> Any:
    """Return the expression with its arguments changed: itself, and not built anew, where none of them changes."""
    arguments = [change(argument) for argument in expr.args]
    if all(new is old for new, old in zip(arguments, expr.args, strict=True)):
        return expr
    return expr.func(*arguments)


def rewrite(expr: Any, change: Callable[[Expr], Expr | None]) -> Any:
    """Apply ``change`` to every node once, from the leaves up; None leaves a node as it is.

    What ``change`` returns may have no free index that the node had not, so that nothing can be captured.
    """
    if not isinstance(expr, sympy.Basic):
        return expr
    tick()
    if expr.args and not isinstance(expr, (Index, Tensor)):
        arguments = [
            argument if isinstance(argument, (Index, Tensor)) else rewrite(argument, change) for argument in expr.args
        ]
        if any(new is not old for new, old in zip(arguments, expr.args, strict=True)):
            rebuilt = expr.func(*arguments)
            if type(rebuilt) is not type(expr):  # It collapsed, perhaps into something that was changed already.
                return rebuilt
            expr = rebuilt
    changed = change(expr) if isinstance(expr, Expr) else None
    return expr if changed is None else changed


def rename_tensors(expr: Any, names: Mapping[Tensor, Tensor]) -> Any:
    """Replace tensors by tensors of the same rank."""
    if isinstance(expr, Tensor):
        return names.get(expr, expr)
    if not isinstance(expr, sympy.Basic) or not expr.args or not (tensors_in(expr) & names.keys()):
        return expr
    return mapped(expr, lambda argument: rename_tensors(argument, names))
