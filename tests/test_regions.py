"""Where an expression is defined, tensors have ranges; and only there, and only those."""

from __future__ import annotations

import pytest
from expressions import LABELS, A, B, K, X, j, k, n
from sympy import Expr, exp, log, sqrt

from derive.functions import Where
from derive.indicators import Bracket
from derive.indices import Tensor
from derive.normal_form import Normaliser
from derive.premises import holding
from derive.proof import PROVED, REFUTED, prove_equal
from derive.regions import regions
from derive.sums import IndexMax, IndexSum

p, q, c = (Tensor(name)() for name in "pqc")


def seen(expr: Expr) -> dict[str, str]:
    return {str(each.target): str(each.body) for each in holding(regions(Normaliser(generators=True), expr))}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (log(p), {"p": "exp(_p)"}),
        (log(-p), {"p": "-exp(_p)"}),
        (log(2 * p - 3), {"p": "exp(_p) + 3/2"}),
        (sqrt(p - 1), {"p": "_p**2 + 1"}),
        (log(p) + sqrt(p - 1), {"p": "_p**2 + 1"}),
        (log(p - 1) + sqrt(p - 1), {"p": "exp(_p) + 1"}),
        (log(p / (1 - p)), {"p": "1/(1 + exp(-_p))"}),
        (log(p) + sqrt(1 - p), {"p": "exp(_p)"}),  # 1 is taken and 0 is not: by the one end alone
        (log(p) + log(3 - p), {"p": "3/(1 + exp(-_p))"}),
        (log(p) + log(p * q), {"p": "exp(_p)", "q": "exp(_q)"}),
        (log(A[k]), {"a[_r0]": "exp(_a[_r0])"}),
        (IndexSum(A[k] * log(A[k]), k), {"a[_r0]": "exp(_a[_r0])"}),
        (IndexSum(log(A[j]), j) + A[k] + A[0] + A[LABELS[n]], {"a[_r0]": "exp(_a[_r0])"}),
        (IndexMax(log(A[j]), j) * A[k], {"a[_r0]": "exp(_a[_r0])"}),
    ],
)
def test_a_range_is_seen(expr: Expr, expected: dict[str, str]) -> None:
    assert seen(expr) == expected


@pytest.mark.parametrize(
    "expr",
    [
        p,
        exp(p),
        log(1 + p**2),
        log(p * q),
        log(p + q),
        1 / p,
        p**c,
        Where(Bracket(">", p, 0), log(p), 0),
        # of one element nothing is known of the others
        log(A[k]) + IndexSum(A[j], j),
        log(A[k]) + IndexSum(A[k] ** 2, k),
        log(A[0]) + A[k],
        log(A[LABELS[n]]) + A[k],
        IndexSum(log(X[n, j]), j) + X[0, k],
        IndexSum(log(A[k] + B[n]), k),
    ],
)
def test_a_range_is_not_imagined(expr: Expr) -> None:
    assert seen(expr) == {}


@pytest.mark.parametrize(
    ("left", "right", "false"),
    [
        (log(q / (1 - q)), log(q) - log(1 - q), log(q) + log(1 - q)),
        (log((1 - q) / p) + log(p * q), log(1 - q) + log(q), log(1 - q) - log(q)),
        (sqrt((p - 1) ** 2) * log(p - 1), (p - 1) * log(p - 1), (1 - p) * log(p - 1)),
        (sqrt(A[k] ** 2) * IndexSum(log(A[j]), j), IndexSum(A[k] * log(A[j]), j), IndexSum(A[j] * log(A[j]), j)),
        ((p**3) ** (sqrt(1) / 3), p, -p),
    ],
)
def test_what_holds_where_it_is_defined_is_proved(left: Expr, right: Expr, false: Expr) -> None:
    assert prove_equal(left, right).verdict == PROVED
    assert prove_equal(left, false).verdict == REFUTED


def test_what_is_defined_elsewhere_too_is_refuted_there() -> None:
    assert prove_equal(sqrt(A[k] ** 2) + log(A[0]), A[k] + log(A[0])).verdict == REFUTED
    assert prove_equal(log(A[k]) + IndexSum(sqrt(A[j] ** 2), j), log(A[k]) + IndexSum(A[j], j)).verdict == REFUTED
    assert prove_equal(sqrt(p**2) * K, p * K).verdict == REFUTED
