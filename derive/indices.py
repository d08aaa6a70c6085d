"""Indices with symbolic sizes, tensor elements, and the two indicators: Kronecker delta and Iverson bracket.

Everything is a scalar SymPy expression. A size is a positive integer symbol, an index a symbol that runs over a size,
and ``x[n, k]`` one real number of a tensor. What may stand in an index's place is an *index expression*: an index, an
integer, an element of an integer tensor (``z[n, t[n]]``), a position of a maximum, or integer arithmetic on these.
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
#: The comparisons that are turned round, and the signs of a difference for which each of the others holds.
TURNED = {"<": ">", "<=": ">="}
SIGNS = {">": (1,), ">=": (0, 1), "=": (0,), "!=": (-1, 1)}


def size(name: str) -> Symbol:
    """Return the size called ``name``: a positive integer symbol, the extent of an axis.

    Example:
        >>> size("N").is_positive and size("N").is_integer
        True
    """
    return Symbol(name, integer=True, positive=True)


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


@lru_cache(maxsize=10_000)
def _index(name: Str, extent: Expr) -> Index:
    """One object an index: indices are looked up so often that comparing their parts would be felt."""
    return Expr.__new__(Index, name, extent)


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
        return _index(name if isinstance(name, Str) else Str(name), sympy.sympify(extent))

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
        return sympy.Basic.__new__(
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
        return Expr.__new__(cls, tensor, *map(sympy.sympify, where))

    @property
    def tensor(self) -> Tensor:
        return self.args[0]

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1:])

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


def _constant_difference(left: Expr, right: Expr) -> Expr | None:
    difference = left - right
    return difference if difference.is_Integer else None


class Delta(Node):
    r"""The Kronecker delta :math:`\delta_{ij} = [i = j]` of two index expressions.

    Example:
        >>> n, k = Index("n", size("N")), Index("k", size("N"))
        >>> Delta(n, n), Delta(n, n + 1), Delta(k, n) == Delta(n, k)
        (1, 0, True)
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, left: Any, right: Any) -> Expr:
        left, right = sympy.sympify(left), sympy.sympify(right)
        difference = _constant_difference(left, right)
        if difference is not None:
            return Integer(1) if difference == 0 else Integer(0)
        first, second = sorted((left, right), key=sympy.default_sort_key)
        return Expr.__new__(cls, first, second)

    @property
    def left(self) -> Expr:
        return self.args[0]

    @property
    def right(self) -> Expr:
        return self.args[1]

    def _eval_power(self, exponent: Expr) -> Expr | None:
        return self if exponent.is_positive else None


def _sign_of_number(number: Expr) -> int | None:
    """The sign of a real number; None for what is not one."""
    if not number.is_comparable:
        return 0 if number.is_zero else None
    return int(sympy.sign(number)) if not number.is_zero else 0


class Bracket(Node):
    r"""The Iverson bracket: :math:`[a > b]` is 1 where the comparison holds and 0 where it does not.

    ``relation`` is one of ``>``, ``>=``, ``=``, ``!=``; ``<`` and ``<=`` are turned round.

    Example:
        >>> x = Tensor("x")()
        >>> Bracket("<", 0, x), Bracket(">", 2, 1)
        ([x > 0], 1)
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, relation: str | Str, left: Any, right: Any) -> Expr:
        name = relation.name if isinstance(relation, Str) else relation
        left, right = sympy.sympify(left), sympy.sympify(right)
        if name in TURNED:
            name, left, right = TURNED[name], right, left
        if name not in SIGNS:
            raise InputError(f"unknown comparison {name!r}; expected one of > >= < <= = !=")
        difference = left - right
        sign = _sign_of_number(difference)
        if sign is not None:
            return Integer(1 if sign in SIGNS[name] else 0)
        if name in ("=", "!="):
            left, right = sorted((left, right), key=sympy.default_sort_key, reverse=True)
        return Expr.__new__(cls, Str(name), left, right)

    @property
    def relation(self) -> str:
        return str(self.args[0].name)

    @property
    def left(self) -> Expr:
        return self.args[1]

    @property
    def right(self) -> Expr:
        return self.args[2]

    def _eval_power(self, exponent: Expr) -> Expr | None:
        return self if exponent.is_positive else None
