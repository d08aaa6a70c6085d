"""Taking out what terms have in common, where that saves a contraction or an array of deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

from sympy import Add, Expr, Integer, Mul

from derive.functions import Where
from derive.indicators import Delta
from derive.indices import Index
from derive.sums import IndexSum, free_indices, substitute


def factor_sums(expr: Expr) -> Expr:
    """Return a sum in which sums of products with a common factor are one.

    ``sum(a[n,k]*w[k,d], k) + sum(b[n,k]*w[k,d], k) = sum((a[n,k] + b[n,k])*w[k,d], k)``: one matrix product for two.
    It is done where nothing grows: what is added has the same indices.

    Example:
        >>> from derive.indices import Tensor, size
        >>> N, K, D = size("N"), size("K"), size("D")
        >>> n, k, d = Index("n", N), Index("k", K), Index("d", D)
        >>> a, b, w = Tensor("a", (N, K)), Tensor("b", (N, K)), Tensor("w", (K, D))
        >>> factor_sums(IndexSum(a[n, k] * w[k, d], k) - IndexSum(b[n, k] * w[k, d], k))
        sum(w[k,d]*(a[n,k] - b[n,k]), k)
    """
    terms = list(Add.make_args(expr))
    for place, first in enumerate(terms):
        for other in range(place + 1, len(terms)):
            merged = _merge(first, terms[other])
            if merged is not None:
                rest = [term for at, term in enumerate(terms) if at not in (place, other)]
                return factor_sums(Add(merged, *rest))
    return expr


def spread_number(expr: Expr) -> Expr:
    """Return a product with its number in a factor that is a sum, where each of the sum's terms has a number anyway.

    Example:
        >>> from derive.indices import Tensor
        >>> a, b, c = (Tensor(name)() for name in "abc")
        >>> spread_number(c * (2 * a + 3 * b) / 2), spread_number(c * (2 * a + b) / 2)
        ((a + 3*b/2)*c, (2*a + b)*c/2)
    """
    if not isinstance(expr, Mul):
        return expr
    numbers = [factor for factor in expr.args if factor.is_number]
    sums = [factor for factor in expr.args if isinstance(factor, Add)]
    number = Mul(*numbers)
    if abs(number) == 1 or len(sums) != 1:
        return expr
    terms = [Mul.make_args(term) for term in sums[0].args]
    if any(term.is_number for term in sums[0].args) or not all(_number_in(term) for term in terms):
        return expr
    rest = [factor for factor in expr.args if factor not in numbers and factor != sums[0]]
    return Mul(*rest, Add(*(Mul(number, *term) for term in terms)))


def _number_in(factors: Sequence[Expr]) -> bool:
    """Whether a product has a number beside its sign."""
    return abs(Mul(*(factor for factor in factors if factor.is_number))) != 1


def _merge(first: Expr, second: Expr) -> Expr | None:
    """Return two terms as one sum over what they have in common, None where that does not save anything."""
    one, two = _split_sum(first), _split_sum(second)
    if one is None or two is None:
        return None
    (outer_one, sum_one), (outer_two, sum_two) = one, two
    body_one, bound = sum_one.opened(free_indices(first) | free_indices(second))
    for names in _renamings(sum_two, bound):
        body_two = substitute(sum_two.body, names)
        common = [factor for factor in Mul.make_args(body_one) if factor in Mul.make_args(body_two)]
        for factor in common:
            rest_one = Mul(outer_one, *_without(Mul.make_args(body_one), [factor]))
            rest_two = Mul(outer_two, *_without(Mul.make_args(body_two), [factor]))
            own, indices = free_indices(factor), free_indices(rest_one)
            is_contraction = own & indices & set(bound) and own - indices and indices - own
            if is_contraction and indices == free_indices(rest_two):
                return IndexSum(Mul(factor, Add(rest_one, rest_two), evaluate=False), *bound)
    return None


def _split_sum(term: Expr) -> tuple[Expr, IndexSum] | None:
    """Return a term as a product with one sum."""
    factors = Mul.make_args(term)
    sums = [factor for factor in factors if isinstance(factor, IndexSum)]
    return (Mul(*_without(factors, sums)), sums[0]) if len(sums) == 1 else None


def _without(factors: Sequence[Expr], taken: Iterable[Expr]) -> list[Expr]:
    taken = list(taken)
    return [factor for factor in factors if factor not in taken]


def _renamings(total: IndexSum, bound: Sequence[Index]) -> Iterator[dict[Expr, Expr]]:
    """Yield the ways to call a sum's indices like others of the same sizes."""
    if len(total.bound) == len(bound) <= 4:
        for order in permutations(bound):
            if all(own.size == new.size for own, new in zip(total.bound, order, strict=True)):
                yield dict(zip(total.bound, order, strict=True))


def pull_deltas(expr: Where) -> Expr:
    """Return a choice with the deltas that both branches have in front of it, where a sum can collapse on them.

    A choice between 1 and 0 is its condition.

    Example:
        >>> from derive.indices import Tensor, size
        >>> from derive.indicators import Bracket
        >>> i, j, x = Index("i", size("N")), Index("j", size("N")), Tensor("x", (size("N"),))
        >>> pull_deltas(Where(Bracket(">", x[i], 0), Delta(i, j), x[i] * Delta(i, j)))
        delta(i, j)*where(x[i] > 0, 1, x[i])
    """
    common = common_deltas(expr)
    if not common:
        return expr.condition if expr.args[1:] == (1, 0) else expr
    rest = _strip(expr, common)
    return Mul(*common, pull_deltas(rest) if isinstance(rest, Where) else rest)


def common_deltas(expr: Expr) -> frozenset[Expr]:
    """Return the deltas that every term of an expression has as a factor."""
    if isinstance(expr, Delta):
        return frozenset((expr,))
    if isinstance(expr, Mul):
        return frozenset().union(*map(common_deltas, expr.args))
    branches = expr.args[1:] if isinstance(expr, Where) else expr.args if isinstance(expr, Add) else ()
    found = [common_deltas(branch) for branch in branches if branch != 0]
    return frozenset.intersection(*found) if found else frozenset()


def _strip(expr: Expr, deltas: frozenset[Expr]) -> Expr:
    if expr in deltas:
        return Integer(1)
    if isinstance(expr, Where):
        return Where(expr.condition, *(_strip(branch, deltas) for branch in expr.args[1:]))
    return expr.func(*(_strip(part, deltas) for part in expr.args)) if isinstance(expr, Mul | Add) else expr
