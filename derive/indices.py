"""Indices with symbolic sizes, tensor elements, and the two indicators: Kronecker delta and Iverson bracket.

Everything is a scalar SymPy expression. A size is a positive integer symbol, an index a symbol that runs over a size,
and ``x[n, k]`` one real number of a tensor. What may stand in an index's place is an *index expression*: an index, an
integer, an element of an integer tensor (``z[n, t[n]]``), a position of a maximum, or an *affine form* of these, such
as ``x[s*t + r - p]``. An element that a form addresses outside of its axis is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Symbol
from sympy.core.symbol import Str

from derive.errors import InputError

#: The gradient of ``y`` is the tensor ``y`` with the first role; how it is written is the notation's business. What of
#: the gradient of an output comes in from outside has the second, where another output is computed from that output.
GRADIENT, INCOMING = "gradient", "incoming"
#: What labels are called: in a difference they are what is taken away.
TARGETS = ("t", "target", "targets", "label", "labels", "y_true")
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


def split_form(expr: Expr) -> tuple[dict[Expr, Expr], Expr] | None:
    """Return what an affine form multiplies by which node, and its constant; None where it is no such form.

    Example:
        >>> t, s = Index("t", size("T")), parameter("s")
        >>> split_form(s * (t + 1) - 2)
        ({t: s}, s - 2)
    """
    if isinstance(expr, Node):
        return {expr: Integer(1)}, Integer(0)
    if not expr.has(Node):
        return {}, expr
    coefficients: dict[Expr, Expr] = {}
    constant: Expr = Integer(0)
    if isinstance(expr, Add):
        parts: list[tuple[Expr, Expr]] = [(Integer(1), term) for term in expr.args]
    elif isinstance(expr, Mul):
        moving = [factor for factor in expr.args if factor.has(Node)]
        if len(moving) != 1:
            return None
        parts = [(Mul(*(factor for factor in expr.args if factor is not moving[0])), moving[0])]
    else:
        return None
    for times, part in parts:
        inner = split_form(part)
        if inner is None:
            return None
        constant += times * inner[1]
        for node, coefficient in inner[0].items():
            coefficients[node] = coefficients.get(node, Integer(0)) + times * coefficient
    kept = {node: sympy.expand(coefficient) for node, coefficient in coefficients.items()}
    return {node: coefficient for node, coefficient in kept.items() if coefficient != 0}, sympy.expand(constant)


def is_form(expr: Expr) -> bool:
    """Whether an index expression is arithmetic, so that it may stand for a place outside of the axis."""
    return isinstance(expr, (Add, Mul, Symbol)) and not isinstance(expr, Node)


def join_form(coefficients: Mapping[Expr, Expr], constant: Expr) -> Expr:
    """Return the affine form with these coefficients and this constant."""
    return Add(*(coefficient * node for node, coefficient in coefficients.items()), constant)


def _balanced(left: Expr, right: Expr) -> tuple[Expr, Expr] | None:
    """The one way to write an equation of two forms, so that equal deltas are one object; None where none solves it.

    An index that stands alone on its side is solved for: ``m = s*t + r`` for m.
    """
    parts = split_form(left - right)
    if parts is None:
        return left, right
    coefficients, constant = parts
    if not coefficients:
        return left, right
    whole = [int(coefficient) for coefficient in coefficients.values() if coefficient.is_Integer]
    if len(whole) == len(coefficients) and constant.is_Integer:
        common = gcd(*whole)
        if int(constant) % common:
            return None
        coefficients = {node: coefficient / common for node, coefficient in coefficients.items()}
        constant /= common
    positive = [node for node, coefficient in coefficients.items() if not coefficient.could_extract_minus_sign()]
    negative = [node for node in coefficients if node not in positive]
    leads = [node for node, coefficient in coefficients.items() if isinstance(node, Index) and abs(coefficient) == 1]
    if leads:

        def key(node: Expr) -> tuple[int, str]:
            return len(positive if node in positive else negative), str(node.args[0])

        lead = min(leads, key=key)
        rest = {node: -coefficient / coefficients[lead] for node, coefficient in coefficients.items() if node != lead}
        return lead, join_form(rest, -constant / coefficients[lead])
    first = min(coefficients, key=sympy.default_sort_key)
    sign = 1 if first in positive else -1
    side = positive if first in positive else negative
    above = {node: sign * coefficients[node] for node in side}
    below = {node: -sign * coefficients[node] for node in coefficients if node not in above}
    return join_form(above, Integer(0)), join_form(below, -sign * constant)


class Delta(Node):
    r"""The Kronecker delta :math:`\delta_{ij} = [i = j]` of two index expressions.

    Example:
        >>> n, k = Index("n", size("N")), Index("k", size("N"))
        >>> Delta(n, n), Delta(n, n + 1), Delta(k, n) == Delta(n, k)
        (1, 0, True)
        >>> Delta(n - 1, k) == Delta(n, k + 1), Delta(2 * n, 2 * k + 1)
        (True, 0)
    """

    is_integer = True
    is_nonnegative = True

    def __new__(cls, left: Any, right: Any) -> Expr:
        left, right = sympy.sympify(left), sympy.sympify(right)
        difference = left - right
        if difference.is_Integer:
            return Integer(1) if difference == 0 else Integer(0)
        if is_form(left) or is_form(right):
            sides = _balanced(left, right)
            if sides is None:
                return Integer(0)
            left, right = sides
        first, second = sorted((left, right), key=sympy.default_sort_key)
        return one_object(cls, first, second)

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
        return one_object(cls, Str(name), left, right)

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
