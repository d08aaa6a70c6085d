"""Random index expressions, their values, and true and false equations made of them.

One generator serves two drivers: Hypothesis, which shrinks what fails, and a seeded ``random.Random`` for long runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import permutations
from typing import Any, Protocol, TypeVar

import sympy
from hypothesis import strategies as st
from sympy import Add, Expr, Integer, Mul, Pow, Rational

from derive.evaluation import Assignment
from derive.functions import Maximum, Minimum, Where
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor, size
from derive.precision import UndefinedError, context
from derive.sampling import sample
from derive.sums import Binder, IndexArgmax, IndexMax, IndexSum, all_indices, free_indices, substitute, tensors_in

N, K = size("N"), size("K")
n, m = Index("n", N), Index("m", N)
i, j, k, l = (Index(letter, K) for letter in "ijkl")
X, Y = Tensor("x", (N, K)), Tensor("y", (N, K))
A, B, W = Tensor("a", (K,)), Tensor("b", (N,)), Tensor("w", (K, K))
S, LABELS = Tensor("s"), Tensor("t", (N,), values=K)
TENSORS = (X, Y, A, B, W, S)
SIZES = {N: 2, K: 3}
FREE = (n, k)

Item = TypeVar("Item")


class Source(Protocol):
    """Where choices come from."""

    def pick(self, items: Sequence[Item]) -> Item: ...


class Seeded:
    """Choices of a seeded generator."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)

    def pick(self, items: Sequence[Item]) -> Item:
        return self.random.choice(items)


class Drawn:
    """Choices of Hypothesis, from a wide range: from a narrow one it mostly takes the first."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.draw = draw

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.draw(st.integers(0, 9999)) % len(items)]


# -- expressions ------------------------------------------------------------------------------------------------------


class Maker:
    """Makes random expressions.

    Args:
        source: of the choices.
        smooth: leave out what has kinks or jumps.
    """

    def __init__(self, source: Source, smooth: bool = False) -> None:
        self.source = source
        self.smooth = smooth

    def index(self, extent: Expr, scope: Sequence[Index], depth: int = 0) -> Expr:
        """An index expression over a size."""
        choices: list[Any] = [index for index in scope if index.size == extent] * 3
        choices.append(Integer(0))
        if extent == K:
            choices.append(LABELS[self.index(N, scope)])
            if depth > 0 and not self.smooth:
                bound = self.fresh(K, scope)
                choices.append(IndexArgmax(self.expression(depth - 1, (*scope, bound)), bound))
        return self.source.pick(choices)

    def fresh(self, extent: Expr, scope: Sequence[Index]) -> Index:
        """A name for a bound index; one that is taken may be taken again, which hides the outer one."""
        letters = "ijkl" if extent == K else "nmr"
        return Index(self.source.pick(letters), extent)

    def element(self, scope: Sequence[Index], depth: int = 0) -> Expr:
        tensor = self.source.pick(TENSORS)
        return tensor(*(self.index(extent, scope, depth) for extent in tensor.sizes))

    def expression(self, depth: int, scope: Sequence[Index] = FREE) -> Expr:
        """An expression whose free indices are in scope."""
        if depth <= 0:
            return self.source.pick([self.element, self.element, self.element, self.number])(scope)
        kinds = [self.addition, self.product, self.product, self.total, self.total, self.function, self.quotient]
        kinds += [self.delta, self.element]
        if not self.smooth:
            kinds += [self.kink, self.choice, self.indicator, self.largest, self.root]
        return self.source.pick(kinds)(scope, depth)

    def number(self, scope: Sequence[Index] = ()) -> Expr:
        return self.source.pick([Integer(1), Integer(2), Integer(-1), Rational(1, 2), Integer(3), N, K])

    def addition(self, scope: Sequence[Index], depth: int) -> Expr:
        return self.expression(depth - 1, scope) + self.number() * self.expression(depth - 1, scope)

    def product(self, scope: Sequence[Index], depth: int) -> Expr:
        return self.expression(depth - 1, scope) * self.expression(depth - 1, scope)

    def total(self, scope: Sequence[Index], depth: int) -> Expr:
        bound = [self.fresh(self.source.pick([N, K, K]), scope) for _ in range(self.source.pick([1, 1, 2]))]
        bound = list(dict.fromkeys(bound))
        return IndexSum(self.expression(depth - 1, (*scope, *bound)), *bound)

    def largest(self, scope: Sequence[Index], depth: int) -> Expr:
        bound = self.fresh(K, scope)
        return IndexMax(self.expression(depth - 1, (*scope, bound)), bound)

    def function(self, scope: Sequence[Index], depth: int) -> Expr:
        inner = self.expression(depth - 1, scope)
        return self.source.pick(
            [
                sympy.exp,
                sympy.exp,
                sympy.tanh,
                sympy.erf,
                lambda e: sympy.log(1 + e**2),
                lambda e: sympy.log(sympy.exp(e)),
            ]
        )(sympy.tanh(inner) if self.source.pick([True, False]) else inner)

    def quotient(self, scope: Sequence[Index], depth: int) -> Expr:
        below = self.expression(depth - 1, scope)
        return self.expression(depth - 1, scope) / self.source.pick([below, 1 + below**2, 1 + sympy.exp(below)])

    def root(self, scope: Sequence[Index], depth: int) -> Expr:
        base = self.expression(depth - 1, scope)
        power = self.source.pick([Rational(1, 2), Rational(-1, 2), Rational(3, 2), Rational(1, 3)])
        return self.source.pick([base, base**2, 1 + base**2, sympy.Abs(base)]) ** power

    def kink(self, scope: Sequence[Index], depth: int) -> Expr:
        left, right = self.expression(depth - 1, scope), self.expression(self.source.pick([0, depth - 1]), scope)
        kind = self.source.pick([Maximum, Minimum, None, None])
        return kind(left, right) if kind else self.source.pick([sympy.Abs, sympy.sign])(left)

    def choice(self, scope: Sequence[Index], depth: int) -> Expr:
        condition = self.indicator(scope, 1)
        chosen, other = self.expression(depth - 1, scope), self.expression(depth - 1, scope)
        return Where(condition, chosen, other) if isinstance(condition, Bracket) else chosen

    def indicator(self, scope: Sequence[Index], depth: int) -> Expr:
        left, right = self.expression(depth - 1, scope), self.expression(0, scope)
        return Bracket(self.source.pick([">", ">=", "<", "<=", "=", "!="]), left, right)

    def delta(self, scope: Sequence[Index], depth: int) -> Expr:
        extent = self.source.pick([N, K])
        indicator = Delta(self.index(extent, scope), self.index(extent, scope))
        return indicator * self.expression(depth - 1, scope)


class FieldMaker(Maker):
    """Makes random expressions of the forms that losses, activations and norms have."""

    def expression(self, depth: int, scope: Sequence[Index] = FREE) -> Expr:
        if depth > 0 and self.source.pick([True, True, False]):
            kinds = [self.softmax, self.log_sum_exp, self.sigmoid, self.centred, self.variance, self.normed, self.mean]
            kinds += [self.cross_entropy, self.softplus]
            return self.source.pick(kinds)(scope, depth)
        return super().expression(depth, scope)

    def below(self, scope: Sequence[Index], depth: int, over: Index) -> Expr:
        """An expression that depends on an index, as long as chance does not have it otherwise."""
        inner = self.expression(depth - 1, (*scope, over))
        return inner if over in free_indices(inner) else inner + self.source.pick([A[over], X[0, over]])

    def over(self, scope: Sequence[Index]) -> Index:
        """An index that none in scope hides."""
        taken = {index.name for index in scope}
        return Index(next(letter for letter in ("j", "i", "l", "u", "v", "w", "u2", "u3") if letter not in taken), K)

    def softmax(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        body = self.below(scope, depth, over)
        at = substitute(body, {over: self.index(K, scope)})
        return sympy.exp(at) / IndexSum(sympy.exp(body), over)

    def log_sum_exp(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        return sympy.log(IndexSum(sympy.exp(self.below(scope, depth, over)), over))

    def sigmoid(self, scope: Sequence[Index], depth: int) -> Expr:
        return 1 / (1 + sympy.exp(-self.expression(depth - 1, scope)))

    def softplus(self, scope: Sequence[Index], depth: int) -> Expr:
        return sympy.log(1 + sympy.exp(self.expression(depth - 1, scope)))

    def mean(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        return IndexSum(self.below(scope, depth, over), over) / K

    def centred(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        body = self.below(scope, depth, over)
        return substitute(body, {over: self.index(K, scope)}) - IndexSum(body, over) / K

    def variance(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        body = self.below(scope, depth, over)
        inner = self.over((*scope, over))
        return IndexSum((body - IndexSum(substitute(body, {over: inner}), inner) / K) ** 2, over) / K

    def normed(self, scope: Sequence[Index], depth: int) -> Expr:
        over = self.over(scope)
        body = self.below(scope, depth, over)
        square = self.source.pick([IndexSum(body**2, over), IndexSum(body**2, over) / K, 1 + IndexSum(body**2, over)])
        return substitute(body, {over: self.index(K, scope)}) / sympy.sqrt(square)

    def cross_entropy(self, scope: Sequence[Index], depth: int) -> Expr:
        over, other = self.over(scope), self.over((*scope, self.over(scope)))
        logit = self.source.pick([A[over], X[0, over], W[over, 0]])
        softmax = sympy.exp(logit) / IndexSum(sympy.exp(substitute(logit, {over: other})), other)
        weight = self.source.pick([Y[0, over], A[over], softmax])
        return -IndexSum(weight * sympy.log(softmax), over)


def is_small(expr: Expr, most: int = 120) -> bool:
    """Whether an expression has few enough nodes to be evaluated quickly."""
    return sum(1 for _ in sympy.preorder_traversal(expr)) <= most


@st.composite
def index_expressions(draw: Callable[..., Any], depth: int = 3, smooth: bool = False) -> Expr:
    """Expressions over the tensors above, free in n and k at most: small ones that shrink, and any by a seed."""
    source = Drawn(draw) if draw(st.integers(0, 3)) == 3 else Seeded(draw(st.integers(0, 10**9)))
    expr = Maker(source, smooth).expression(max(1, depth - source.pick([0, 0, 0, 1, 2])))
    return expr if is_small(expr) else X[n, k] * Y[n, k]


@st.composite
def choices(draw: Callable[..., Any]) -> Source:
    """A source of further choices."""
    return Drawn(draw)


# -- values -----------------------------------------------------------------------------------------------------------


def assignment(
    seed: int,
    sizes: dict[Any, int] | None = None,
    domain: tuple[float, float] = (-2.0, 2.0),
    more: Iterable[Expr] = (),
) -> Assignment:
    """Random numbers for every tensor, their gradients' tensors included, and for those of more expressions."""
    sizes = sizes or SIZES
    known = {*TENSORS, LABELS, *(tensor.gradient() for tensor in TENSORS)}
    everything = [*known, *(frozenset().union(*map(tensors_in, more)) - known)]
    lines = {tensor.name: domain for tensor in everything}
    return Assignment(dict(sizes), sample(everything, sizes, random.Random(seed), lines))


def value_at(expr: Expr, here: Assignment, places: dict[Index, int]) -> Any:
    """The number of an expression, or None where it has none."""
    try:
        return here.value(expr, places)
    except (UndefinedError, ZeroDivisionError, OverflowError):
        return None


def differs(first: Expr, second: Expr, seed: int = 0, sizes: dict[Any, int] | None = None) -> str:
    """Where two expressions have different numbers, as a text; empty where they never have."""
    for domain in ((-2.0, 2.0), (0.0, 1.5)):
        here = assignment(seed, sizes, domain, (first, second))
        indices = sorted(free_indices(first) | free_indices(second), key=lambda index: index.name)
        for places in here.places(indices):
            one, two = value_at(first, here, places), value_at(second, here, places)
            if one is None or two is None:
                continue
            if abs(one - two) > context.mpf(10) ** -20 * (1 + abs(one) + abs(two)):
                return f"at {places}: {context.nstr(one, 12)} and {context.nstr(two, 12)}"
    return ""


def less_defined(first: Expr, second: Expr, seed: int = 0) -> str:
    """Where the first expression has a number and the second has none."""
    for domain in ((-2.0, 2.0), (0.0, 1.5)):
        here = assignment(seed, None, domain, (first, second))
        for places in here.places(sorted(free_indices(first) | free_indices(second), key=lambda index: index.name)):
            if value_at(first, here, places) is not None and value_at(second, here, places) is None:
                return f"at {places}"
    return ""


# -- the same in other words ------------------------------------------------------------------------------------------


def renamed(expr: Any, source: Source) -> Any:
    """The expression with other names for its bound indices, in another order."""
    if isinstance(expr, (Index, Tensor)) or not isinstance(expr, sympy.Basic) or not expr.args:
        return expr
    if isinstance(expr, Binder):
        body = renamed(expr.body, source)
        taken = {index.name for index in free_indices(expr)}
        bound: list[Index] = []
        for index in expr.bound:
            names = [name for name in ("i", "j", "k", "l", "p", "q", "u") if name not in taken]
            bound.append(index.renamed(source.pick(names)))
            taken.add(bound[-1].name)
        marked = {old: old.renamed(f"mark{place}") for place, old in enumerate(expr.bound)}
        body = substitute(substitute(body, marked), dict(zip(marked.values(), bound, strict=True)))
        order = source.pick(list(permutations(bound))) if isinstance(expr, IndexSum) else tuple(bound)
        return type(expr)(body, *order)
    return expr.func(*(renamed(argument, source) for argument in expr.args))


class Disguise:
    """Rewrites an expression by rules that every pupil knows, so that it looks different and is the same."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __call__(self, expr: Expr, times: int = 3) -> Expr:
        expr = renamed(expr, self.source)
        for _ in range(times):
            expr = self.somewhere(expr)
        return expr

    def somewhere(self, expr: Any) -> Any:
        """Apply a rule at a random place."""
        inner = [
            place
            for place, argument in enumerate(expr.args)
            if isinstance(argument, Expr) and not isinstance(argument, Index) and argument.args
        ]
        if isinstance(expr, (Element, Delta, IndexArgmax)):
            return expr
        if isinstance(expr, Where):
            inner.remove(0)
        if inner and self.source.pick([True, True, False]):
            place = self.source.pick(inner)
            if isinstance(expr, Pow) and place == 1:
                return self.here(expr)
            arguments = list(expr.args)
            arguments[place] = self.somewhere(arguments[place])
            return expr.func(*arguments)
        return self.here(expr)

    def here(self, expr: Expr) -> Expr:
        if isinstance(expr, Bracket):
            return self.bracket(expr)
        rules: list[Callable[[Expr], Expr]] = [self.times_over, self.plus_minus, self.square_root, self.unit_sum]
        if isinstance(expr, IndexSum):
            rules += [self.split_sum, self.reversed_sum] * 3
        if isinstance(expr, Mul):
            rules += [self.distribute] * 5
        if isinstance(expr, sympy.exp):
            rules += [self.shift_exponent] * 4
        if isinstance(expr, sympy.tanh):
            rules += [self.tanh_by_exp] * 3
        if isinstance(expr, (Maximum, Minimum)):
            rules += [self.swap_extremum] * 3
        if isinstance(expr, IndexMax):
            rules += [self.shift_maximum] * 3
        return self.source.pick(rules)(expr)

    def positive(self) -> Expr:
        u = self.source.pick([S(), X[n, k], A[k], B[n]])
        return self.source.pick([sympy.exp(u), 1 + u**2, 1 + sympy.exp(u), K, N])

    def times_over(self, expr: Expr) -> Expr:
        """e = e p / p, multiplied out."""
        thing = self.positive()
        return Mul(Add(*(term * thing for term in Add.make_args(expr))), Pow(thing, -1))

    def plus_minus(self, expr: Expr) -> Expr:
        """e = (e + u)^2 / ... is too wild; e = (e + u) - u with u in another shape."""
        u = self.source.pick([S(), X[n, k], A[k]])
        return (expr + sympy.tanh(u)) - (1 - 2 / (1 + sympy.exp(2 * u)))

    def square_root(self, expr: Expr) -> Expr:
        """e = e sqrt(p)^2 / p."""
        u = self.source.pick([S(), X[n, k], A[k]])
        return expr * Pow(1 + u**2, Rational(1, 2)) * Pow(1 + u**2, Rational(-3, 2)) * (1 + u**2)

    def unit_sum(self, expr: Expr) -> Expr:
        """e times the sum of a softmax."""
        own = Index("soft", K)
        other = Index("soft2", K)
        return expr * IndexSum(sympy.exp(A[own]) / IndexSum(sympy.exp(A[other]), other), own)

    def split_sum(self, expr: IndexSum) -> Expr:
        return Add(*(IndexSum(term, *expr.bound) for term in Add.make_args(sympy.expand_mul(expr.body, deep=False))))

    def reversed_sum(self, expr: IndexSum) -> Expr:
        """sum_i f(i) = sum_i sum_j delta(i, j) f(j)."""
        first = expr.bound[0]
        taken = {index.name for index in all_indices(expr)}
        other = first.renamed(next(name for name in ("mirror", "mirror2", "mirror3", "mirror4") if name not in taken))
        return IndexSum(Delta(first, other) * substitute(expr.body, {first: other}), *expr.bound, other)

    def distribute(self, expr: Expr) -> Expr:
        return sympy.expand_mul(expr, deep=False)

    def shift_exponent(self, expr: Expr) -> Expr:
        u = self.source.pick([S(), X[n, k], A[k]])
        return sympy.exp(expr.args[0] - u) * sympy.exp(u)

    def tanh_by_exp(self, expr: Expr) -> Expr:
        return 2 / (1 + sympy.exp(-2 * expr.args[0])) - 1

    def swap_extremum(self, expr: Expr) -> Expr:
        """max(a, b) = a + b - min(a, b)."""
        other = Minimum if isinstance(expr, Maximum) else Maximum
        return expr.left + expr.right - other(expr.right, expr.left)

    def shift_maximum(self, expr: IndexMax) -> Expr:
        u = self.source.pick([S(), B[n]])
        body, bound = expr.opened(free_indices(u))
        return IndexMax(2 * body + 2 * u, *bound) / 2 - u

    def bracket(self, expr: Bracket) -> Expr:
        turned = {">": "<=", ">=": "<", "=": "!=", "!=": "="}
        return 1 - Bracket(turned[expr.relation], expr.left, expr.right)


class Mutation:
    """Changes one thing in an expression, so that it looks the same and is different."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __call__(self, expr: Expr) -> Expr:
        return self.somewhere(expr)

    def somewhere(self, expr: Any) -> Any:
        inner = [
            place
            for place, argument in enumerate(() if isinstance(expr, Element) else expr.args)
            if isinstance(argument, Expr) and not isinstance(argument, Index)
        ]
        if inner and self.source.pick([True, True, True, False]):
            place = self.source.pick(inner)
            arguments = list(expr.args)
            arguments[place] = self.somewhere(arguments[place])
            try:
                return expr.func(*arguments)
            except Exception:
                return self.here(expr)
        return self.here(expr)

    def here(self, expr: Any) -> Any:
        if isinstance(expr, sympy.Integer):
            return expr + 1
        rules: list[Callable[[Any], Any]] = [lambda e: -e, lambda e: 2 * e, lambda e: e + 1]
        if isinstance(expr, Element):
            rules += [self.other_index, self.other_tensor] * 2
        if isinstance(expr, Delta):
            return Integer(1)
        if isinstance(expr, (Add, Mul)) and len(expr.args) > 1:
            rules += [self.drop] * 2
        return self.source.pick(rules)(expr)

    def other_index(self, expr: Element) -> Expr:
        where = list(expr.indices)
        for place, extent in enumerate(expr.tensor.sizes):
            where[place] = self.source.pick(
                [index for index in (*FREE, i, j) if index.size == extent and index in FREE]
            )
        return expr.tensor(*where)

    def other_tensor(self, expr: Element) -> Expr:
        same = [tensor for tensor in TENSORS if tensor.sizes == expr.tensor.sizes]
        return self.source.pick(same or [expr.tensor])(*expr.indices)

    def drop(self, expr: Expr) -> Expr:
        kept = list(expr.args)
        kept.remove(self.source.pick(kept))
        return expr.func(*kept)


def rebuilt(expr: Any) -> Any:
    """The expression put together anew: SymPy leaves some of its own products nested."""
    if isinstance(expr, (Index, Tensor)) or not isinstance(expr, sympy.Basic) or not expr.args:
        return expr
    return expr.func(*(rebuilt(argument) for argument in expr.args))


def has_no_value(expr: Expr) -> bool:
    """Whether SymPy has found that an expression is no real number anywhere: 1/0 or the root of -1 was written."""
    return bool(expr.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I))


def somewhere_undefined(expr: Expr, seed: int = 0) -> bool:
    """Whether an expression has no number at some place of those that ``less_defined`` looks at."""
    for domain in ((-2.0, 2.0), (0.0, 1.5)):
        here = assignment(seed, None, domain, (expr,))
        for places in here.places(sorted(free_indices(expr), key=lambda index: index.name)):
            if value_at(expr, here, places) is None:
                return True
    return False
