"""Indices with symbolic sizes, tensors, and their elements.

Everything is a scalar SymPy expression. A size is a positive integer symbol, an index a symbol that runs over a size,
and ``x[n, k]`` one real number of a tensor. What may stand in an index's place is an *index expression*: an index, an
integer, an element of an integer tensor (``z[n, t[n]]``), a position of a maximum, or an *affine form* of these, such
as ``x[s*t + r - p]``. An element that a form addresses outside of its axis is 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol
from sympy.core.symbol import Str

from derive.errors import InputError

#: The gradient of ``y`` is the tensor ``y`` with the first role; how it is written is the notation's business. What of
#: the gradient of an output comes in from outside has the second, where another output is computed from that output.
GRADIENT, INCOMING = "gradient", "incoming"
#: What labels are called: in a difference they are what is taken away.
TARGETS = ("t", "target", "targets", "label", "labels", "y_true")


def size(name: str) -> Symbol:
    """Return the size called ``name``: a positive integer symbol, the extent of an axis.

    Example:
        >>> size("N").is_positive and size("N").is_integer
        True
    """
    return Symbol(name, integer=True, positive=True)


def parameter(name: str) -> Symbol:
    """Return the whole number called ``name`` that index arithmetic is given: a stride, a dilation, a padding.

    Example:
        >>> parameter("s").is_nonnegative, parameter("s").is_positive
        (True, None)
    """
    return Symbol(name, integer=True, nonnegative=True)


@lru_cache(maxsize=200_000, typed=True)
def _made(kind: Any, *parts: Any) -> Any:
    return sympy.Basic.__new__(kind, *parts)


def one_object(kind: Any, *parts: Any) -> Any:
    """Return the node of these parts, the same object whenever it is asked for.

    Nodes are looked up so often that comparing equal ones part by part would be felt; one object is equal at once.
    """
    return _made(kind, *parts)


class Node(Expr):
    """What the project's expressions share: real, commutative, opaque to SymPy's rewriting."""

    is_commutative = True

    def _eval_simplify(self, **options: Any) -> Expr:
        return self

    def _eval_derivative(self, symbol: Any) -> Expr:
        raise InputError(
            f"SymPy's diff does not know indices; use derive.differentiate or derive.jacobian for {type(self).__name__}"
        )

    def _sympystr(self, printer: Any) -> str:
        from derive.printing import definition_text

        return definition_text(self)

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        from derive.printing import latex_text

        inner = latex_text(self)
        return inner if exp is None else rf"\left({inner}\right)^{{{exp}}}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self._latex(None)}$"


class Index(Node):
    """An index: a name and the size it runs over, ``0 <= i < size``.

    Two indices are the same when name and size are.

    Example:
        >>> k = Index("k", size("K"))
        >>> k.name, k.size
        ('k', K)
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, name: str | Str, extent: Expr) -> Index:
        return one_object(cls, name if isinstance(name, Str) else Str(name), sympy.sympify(extent))

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def size(self) -> Expr:
        return self.args[1]

    def renamed(self, name: str) -> Index:
        return Index(name, self.size)


class Tensor(sympy.Basic):
    """A named array with one symbolic size an axis; no axes make it a scalar.

    ``values`` is the size its entries index when it is an integer tensor (labels, ids), otherwise ``None``. ``role``
    is ``"gradient"`` for the gradient of the scalar loss with respect to the tensor of that name, and ``"incoming"``
    for the part of it that does not come through the operation's other outputs.

    Example:
        >>> N, K = size("N"), size("K")
        >>> n, z, t = Index("n", N), Tensor("z", (N, K)), Tensor("t", (N,), values=K)
        >>> z[n, t[n]]
        z[n,t[n]]
    """

    def __new__(
        cls,
        name: str | Str,
        sizes: tuple[Expr, ...] | sympy.Tuple = (),
        values: Expr | None = None,
        role: str | Str = "",
    ) -> Tensor:
        return one_object(
            cls,
            name if isinstance(name, Str) else Str(name),
            sympy.Tuple(*sizes),
            Integer(0) if values is None else sympy.sympify(values),
            role if isinstance(role, Str) else Str(role),
        )

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def word(self) -> str:
        """The name as one word: ``dy`` is the gradient of ``y``, ``dy_out`` what of it comes in from outside."""
        return {GRADIENT: f"d{self.name}", INCOMING: f"d{self.name}_out"}.get(self.role, self.name)

    @property
    def sizes(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def values(self) -> Expr | None:
        """The size that the entries index, or None for a tensor of real numbers."""
        return None if self.args[2] == 0 else self.args[2]

    @property
    def role(self) -> str:
        return str(self.args[3].name)

    @property
    def rank(self) -> int:
        return len(self.sizes)

    def gradient(self) -> Tensor:
        """The tensor of the loss's derivatives with respect to this one, of the same shape."""
        return Tensor(self.name, self.sizes, role=GRADIENT)

    def incoming(self) -> Tensor:
        """The tensor of the derivatives with respect to this one as an output, other outputs held."""
        return Tensor(self.name, self.sizes, role=INCOMING)

    def __getitem__(self, where: Any) -> Element:
        return Element(self, *(where if isinstance(where, tuple) else (where,)))

    def __call__(self, *where: Any) -> Element:
        return Element(self, *where)

    def _sympystr(self, printer: Any) -> str:
        return self.name

    _sympyrepr = _sympystr


class Element(Node):
    """One number of a tensor, ``x[n, k]``; a scalar is an element without indices.

    Raises:
        InputError: the number of indices is not the tensor's number of axes.
    """

    is_real = True

    def __new__(cls, tensor: Tensor, *where: Any) -> Element:
        if len(where) != tensor.rank:
            raise InputError(
                f"{tensor.name} has {tensor.rank} axes and was given {len(where)} indices; write one index an axis"
            )
        return one_object(cls, tensor, *map(sympy.sympify, where))

    @property
    def tensor(self) -> Tensor:
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1:])

    def sort_key(self, order: Any = None) -> Any:
        """SymPy's key; what is aimed at comes after what aims: |y - t| and not |t - y|, which are one and the same."""
        kind, *rest = super().sort_key(order)
        level, place, name = kind
        return ((level, place + (self.tensor.name in TARGETS), name), *rest)

    def _eval_is_integer(self) -> bool | None:
        return True if self.tensor.values is not None else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.tensor.values is not None else None


def extent(where: Expr) -> Expr | None:
    """Return the size an index expression runs over, or None where it has none of its own (an integer).

    Example:
        >>> extent(Index("k", size("K")))
        K
    """
    if isinstance(where, Index):
        return where.size
    if isinstance(where, Element):
        return where.tensor.values
    own = getattr(where, "extent", None)
    return own if isinstance(own, Expr) else None
