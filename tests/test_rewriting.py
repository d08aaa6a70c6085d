"""The shortest form: shorter, never another value, and defined wherever the original was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sympy
from expressions import (
    FREE,
    LABELS,
    SIZES,
    A,
    B,
    K,
    Maker,
    N,
    S,
    Seeded,
    W,
    X,
    Y,
    assignment,
    i,
    is_small,
    j,
    k,
    m,
    n,
    value_at,
)
from sympy import Add, Expr, Mul, Rational, exp, log, sqrt, tanh
from thorough import sweep

from derive.canonical import canonical
from derive.catalogue import find
from derive.costs import cost
from derive.definitions import Definition
from derive.derivation import CheckFailedError, Derivation
from derive.differentiation import differentiate
from derive.evaluation import Assignment
from derive.facts import Fact
from derive.functions import Maximum, Minimum
from derive.indicators import Bracket, Delta
from derive.indices import Index, Tensor, size
from derive.normal_form import Normaliser
from derive.precision import context
from derive.printing import definition_text
from derive.proof import PROVED, REFUTED, is_zero, prove_equal
from derive.pullback import jacobian, vjp
from derive.quotients import multiply_in
from derive.rewriting import simplify
from derive.sums import IndexSum, free_indices, nodes, substitute

F, G = Tensor("f", (N, K)), Tensor("g", (K,))
u, v, w, y = (Tensor(name)() for name in ("u", "v", "w0", "y0"))


def folded(expr: Expr, target: Expr, body: Expr) -> Expr:
    return simplify(expr, (Definition(target, body),)).result


# -- generated --------------------------------------------------------------------------------------------------------


def assert_same_value(expr: Expr, results: list[Expr], definition: Definition, seed: int) -> None:
    """Compare at many places; what is defined everywhere must stay so."""
    for domain in ((-2.0, 2.0), (0.0, 1.5)):
        drawn = assignment(seed, None, domain)
        here = Assignment(drawn.sizes, drawn.values, {definition.tensor: definition})
        indices = sorted(free_indices(expr).union(*map(free_indices, results)), key=lambda index: index.name)
        everywhere = list(here.places(indices))
        expected = [value_at(expr, here, places) for places in everywhere]
        for result in results:
            for places, one in zip(everywhere, expected, strict=True):
                two = value_at(result, here, places)
                if one is not None and two is not None:
                    assert abs(one - two) <= context.mpf(10) ** -20 * (1 + abs(one)), f"{expr} is not {result}"
                own_is_defined = all(value_at(F[n, k], here, at) is not None for at in here.places(FREE))
                if None not in expected and own_is_defined:
                    assert two is not None, f"{expr} is defined and {result} is not"


@pytest.mark.parametrize("start", sweep(range(0, 300, 20), lambda start: start < 100))
def test_the_shortest_form_has_the_same_value(start: int) -> None:
    for seed in range(start, start + 20):
        source = Seeded(f"simplify {seed}")
        maker = Maker(source, smooth=source.pick([True, False]))
        body = maker.expression(3)
        where = {n: source.pick([n, sympy.Integer(0)]), k: source.pick([k, LABELS[n], sympy.Integer(0)])}
        part = source.pick(
            [
                substitute(body, where),
                IndexSum(substitute(body, {k: j}) * A[j], j),
                exp(body),
                body**2,
                sqrt(1 + body**2),
                1 / (1 + body**2),
                Add(*Mul.make_args(body)),
                differentiate(body, X[n, k]),
                IndexSum(differentiate(body, X[m, j]) * Y[n, k], n, k),
            ]
        )
        outer = maker.expression(2)
        expr = source.pick([part, part * outer, part + outer])
        if is_small(expr, 250) and is_small(body, 120):
            definition = Definition(F[n, k], body)
            short = simplify(expr, (definition,), prefer=FREE)
            assert_same_value(expr, [short.contracted, short.result], definition, seed)


@pytest.mark.parametrize("seed", range(60))
def test_the_shortest_form_costs_no_more_than_the_first(seed: int) -> None:
    expr = Maker(Seeded(f"cost {seed}")).expression(3)
    if is_small(expr, 80):
        short = simplify(expr)
        assert cost(short.result) <= cost(short.contracted)


# -- folding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "body", "expected"),
    [
        (exp(-u) / (1 + exp(-u)) ** 2, 1 / (1 + exp(-u)), y * (1 - y)),
        (1 - tanh(u) ** 2, tanh(u), 1 - y**2),
        (exp(u) / (1 + exp(u)), log(1 + exp(u)), None),
        (u / sqrt(u**2 + v), sqrt(u**2 + v), u / y),
        ((u**2 + v) ** Rational(3, 2), sqrt(u**2 + v), y**3),
        (exp(3 * u), exp(u), y**3),
    ],
)
def test_a_derivative_is_written_by_the_operation_s_own_output(expr: Expr, body: Expr, expected: Expr | None) -> None:
    result = folded(expr, y, body)
    assert cost(result) <= cost(expr)
    if expected is not None:
        assert result == expected


def test_softmax_is_folded_through_its_sum() -> None:
    body = exp(X[n, k]) / IndexSum(exp(X[n, j]), j)
    expr = IndexSum(differentiate(body, X[m, i]) * Y[n, k], n, k)
    result = folded(expr, F[n, k], body)
    assert not result.atoms(exp)


@pytest.mark.parametrize(
    ("expr", "body"),
    [
        (2 * (u * v + w + 1), (u * v + w + 1) ** 2),
        (tanh(u * v + w + exp(u)), (u * v + w + exp(u)) ** 2),
        ((u * v + w) ** 3, (u * v + w) ** 2),
        (u * v + w + exp(v), (u * v + w + exp(v)) ** 4),
        (u * v + w + exp(v), (u * v + w + exp(v)) ** Rational(2, 3)),
    ],
)
def test_no_root_is_taken_of_what_may_be_negative(expr: Expr, body: Expr) -> None:
    """With y = a^2, a is not sqrt(y)."""
    result = folded(expr, y, body)
    scalars = [each.tensor for each in (u, v, w)]
    here = Assignment({}, {t: {(): context.mpf(value)} for t, value in zip(scalars, (-1, 2, -3), strict=True)})
    here.definitions[y.tensor] = Definition(y, body)
    expected = value_at(expr, here, {})
    assert expected is not None
    assert abs(here.value(result) - expected) < 1e-20


@pytest.mark.parametrize(
    ("expr", "body"),
    [
        (tanh(u + exp(v) + v**3 + w), (u + exp(v) + v**3 + w) * w),
        (exp(u * exp(v) * tanh(w)), u * exp(v) * tanh(w) * v),
        (IndexSum(tanh(A[j] + exp(A[j]) * B[n] + 1) * X[n, j], j), (A[k] + exp(A[k]) * B[n] + 1) * G[k]),
    ],
)
def test_nothing_is_divided_by_that_may_vanish(expr: Expr, body: Expr) -> None:
    """With y = a b, a is not y / b where b is 0; and so inside of functions and sums."""
    target = F[n, k] if free_indices(body) else y
    result = folded(expr, target, body)
    assert target.tensor not in {element.tensor for element in result.atoms(type(u))}


@pytest.mark.parametrize("expr", [1 / sqrt(u**2 + v), u / (u**2 + v)])
def test_what_vanishes_with_a_divisor_that_was_there_may_be_divided_by(expr: Expr) -> None:
    result = folded(expr, y, sqrt(u**2 + v))
    assert y in result.atoms(type(y))


def test_another_instance_s_divisor_is_no_licence() -> None:
    """1/s[0] may not come from a divisor s[n]^2 beside it."""
    body = sqrt(B[n] ** 2 + S())
    result = simplify(1 / (B[n] ** 2 + S()), (Definition(Tensor("r", (N,))[n], body),)).result
    assert {element.indices for element in result.atoms(type(u)) if element.tensor.name == "r"} <= {(n,)}


def test_the_form_is_left_alone_where_it_is_too_large() -> None:
    factors = [Add(*(Tensor(f"v{place}")() for place in range(start, start + 12))) for start in range(0, 60, 12)]
    product = Mul(*(factor + Delta(n, m) for factor in factors))
    assert simplify(product).result is not None


def test_a_division_by_zero_is_left_alone() -> None:
    expr = 1 / (u / (u + v) + v / (u + v) - 1 + Delta(n, m) - Delta(m, n))
    assert simplify(expr).result.is_finite is not True


# -- contraction ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (IndexSum(Delta(j, k) * A[j], j), A[k]),
        (IndexSum(Delta(j, k) * (A[j] - IndexSum(A[i], i)), j), A[k] - IndexSum(A[i], i)),
        (IndexSum(Delta(n, m) * Delta(j, k) * X[m, j], m, j), X[n, k]),
        (IndexSum(Delta(k, LABELS[n]) * A[k], k), A[LABELS[n]]),
        (2 * A[k] * B[n] - 2 * A[k] * S(), 2 * A[k] * (B[n] - S())),
    ],
)
def test_deltas_are_contracted_and_common_factors_taken_out(expr: Expr, expected: Expr) -> None:
    result = simplify(expr, prefer=(n, k)).result
    assert cost(result) == cost(expected)
    assert_same_value(expr, [result], Definition(F[n, k], X[n, k]), 3)


def test_a_product_is_not_multiplied_out_where_no_delta_asks_for_it() -> None:
    expr = IndexSum((A[j] - S()) ** 2 * (B[n] + A[j]), j)
    assert canonical(simplify(expr).result) == canonical(expr)


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [
        (u * (1 - u), exp(u) / (1 + exp(u)) ** 2),
        (Y[n, k] * (X[n, k] - IndexSum(A[j], j)), Y[n, k] * X[n, k] - Y[n, k] * IndexSum(A[j], j)),
        (u**2, u * v * u),
        (IndexSum(A[k], k), IndexSum(W[j, k], j, k)),
        (Bracket(">", u, 0), tanh(u)),
    ],
)
def test_what_reads_shorter_costs_less(shorter: Expr, longer: Expr) -> None:
    assert cost(shorter) < cost(longer)


# -- derivations made of it -------------------------------------------------------------------------------------------

OPERATIONS = [
    "softmax",
    "softmax-cce",
    "softmax-cce-sparse",
    "y[n,k] = (x[n,k] - mean(x[n,j], j)) / sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + e)",
    "s[n] = sqrt(mean((x[n,j] - mean(x[n,i], i))**2, j) + e); y[n,k] = (x[n,k] - mean(x[n,j], j)) / s[n]",
    "r[n] = sqrt(mean(x[n,j]**2, j) + e); y[n,k] = g[k] * x[n,k] / r[n]",
    "y[n] = log(sum(exp(x[n,k]), k))",
    "m[n] = max(x[n,k], k); y[n,k] = x[n,k] - m[n]",
    "p[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j); L = sum(p[n,k]**2 * x[n,k], n, k)",
    "y[i,j] = sum(x[i,k] * x[j,k], k)",
    "y[n,d] = w[t[n],d]; L = sum(y[n,d]**2, n, d)",
    "y[n] = x[n,0] * x[n,1]",
]


@pytest.mark.parametrize("text", OPERATIONS)
@pytest.mark.parametrize("derive", [vjp, jacobian])
def test_every_step_of_a_derivation_holds(text: str, derive: Callable[..., Derivation]) -> None:
    operation = find(text)
    for tensor in operation.differentiable:
        derive(operation, tensor.name).check()


@pytest.mark.parametrize("text", [OPERATIONS[place] for place in (0, 2, 4, 9, 11)])
def test_a_wrong_step_and_a_wrong_result_are_caught(text: str) -> None:
    operation = find(text)
    derivation = vjp(operation, operation.differentiable[0].name)
    wrong: list[Callable[[Expr], Expr]] = [lambda e: 2 * e + 1, lambda e: e + 1, lambda e: 1 - e]  # A side may be 0.
    for place, step in enumerate(derivation.steps):
        change = wrong[place % len(wrong)]
        changed = replace(step, after=change(step.after)) if place % 2 else replace(step, before=change(step.before))
        steps = (*derivation.steps[:place], changed, *derivation.steps[place + 1 :])
        with pytest.raises(CheckFailedError):
            replace(derivation, steps=steps).check()
    for change in wrong:
        with pytest.raises(CheckFailedError, match="conclusion"):
            replace(derivation, steps=(), result=change(derivation.result)).check()


def test_an_error_at_one_place_alone_is_caught() -> None:
    """A Jacobian that is wrong where both pairs of indices are equal, and nowhere else."""
    derivation = jacobian("softmax", "x")
    assert set(SIZES) == {N, K}
    (first, second), (third, fourth) = derivation.target.body.indices, derivation.target.element.indices
    wrong = derivation.result + Delta(first, third) * Delta(second, fourth) * Delta(first, 0) * Delta(second, 0)
    with pytest.raises(CheckFailedError, match="conclusion"):
        replace(derivation, result=wrong).check()


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (u * (v / u + w), v + u * w),
        (u * (1 - u) * (v / u + (v - 1) / (1 - u)), v - u),
        (u * (u - 1) * (v / u + (v - 1) / (1 - u)), u - v),
        (u**2 * (v / u**2 + w / u) / y, (v + u * w) / y),
        (exp(w) * u * (v / u + w), exp(w) * (v + u * w)),
        (IndexSum(G[k] * (X[n, k] / G[k] + 1), k), IndexSum(X[n, k], k) + IndexSum(G[k], k)),
    ],
)
def test_denominators_that_a_factor_takes_away_are_taken_away(expr: Expr, expected: Expr) -> None:
    short = simplify(expr).result
    assert is_zero(short - expected)
    assert cost(short) <= cost(expected)
    assert not is_zero(short - 2 * expected)


@pytest.mark.parametrize("expr", [u * (v / w + y), (1 - u) * (v / (1 + u) + w), exp(u) * (v / u + w)])
def test_denominators_that_no_factor_takes_away_stay(expr: Expr) -> None:
    assert multiply_in(expr) == expr


# -- factors that say nothing beside others ---------------------------------------------------------------------------

ABOVE, BELOW = Bracket(">", u, 0), Bracket("<", u, 0)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (2 * ABOVE * Maximum(u, 0), 2 * Maximum(u, 0)),
        (v * Bracket(">=", u, 0) * Maximum(u, 0) ** 3, v * Maximum(u, 0) ** 3),
        (Bracket(">", 3 * u * exp(v), 0) * Maximum(u, 0), Maximum(u, 0)),
        (BELOW * Minimum(u, 0), Minimum(u, 0)),
        (sympy.sign(u * sqrt(1 + v**2)), sympy.sign(u)),
        (u * sympy.sign(u), sympy.Abs(u)),
    ],
)
def test_a_factor_that_says_nothing_is_left_out(expr: Expr, expected: Expr) -> None:
    assert simplify(expr).result == expected
    assert prove_equal(expr, expected).verdict == PROVED


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        (ABOVE * Maximum(u, 1), Maximum(u, 1)),
        (Bracket(">", u, 1) * Maximum(u, 0), Maximum(u, 0)),
        (BELOW * Maximum(u, 0), Maximum(u, 0)),
        (ABOVE * Minimum(u, 0), Minimum(u, 0)),
        (ABOVE * Maximum(v, 0), Maximum(v, 0)),
        (Bracket(">", u * v, 0) * Maximum(u, 0), Maximum(u, 0)),
        (sympy.sign(u * sympy.Abs(v)), sympy.sign(u)),
        (sympy.sign(u * v) / v, sympy.sign(u) / v),
    ],
)
def test_a_factor_that_says_something_stays(expr: Expr, wrong: Expr) -> None:
    assert canonical(simplify(expr).result) != canonical(wrong)
    assert prove_equal(expr, wrong).verdict == REFUTED


def test_a_sum_that_is_a_factor_with_either_sign_is_taken_out() -> None:
    expr = v * exp(w) * (u - y) + tanh(w) * (y - u)
    taken, kept = (u - y) * (v * exp(w) - tanh(w)), v * exp(w) * (u - y) + tanh(w) * (y + u)
    assert is_zero(simplify(expr).result - taken)
    assert cost(simplify(expr).result) == cost(taken)
    assert is_zero(simplify(kept).result - kept)
    assert not is_zero(simplify(kept).result - (u - y) * (v * exp(w) + tanh(w)))


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (IndexSum(X[n, k] * X[m, k], k) - IndexSum(Y[n, k] * X[m, k], k), IndexSum((X[n, k] - Y[n, k]) * X[m, k], k)),
        (IndexSum(X[n, k], k) + 2 * IndexSum(Y[n, k], k), IndexSum(X[n, k] + 2 * Y[n, k], k)),
    ],
)
def test_sums_of_one_range_with_a_factor_in_common_are_one(expr: Expr, expected: Expr) -> None:
    result = canonical(simplify(expr).result)
    assert result == canonical(expected)
    assert prove_equal(expr, result).verdict == PROVED
    assert prove_equal(expr, 2 * result).verdict == REFUTED


def test_sums_whose_sum_would_be_a_larger_array_stay_apart() -> None:
    for expr in (
        IndexSum(W[j, k] * X[n, k] * A[j], k) + IndexSum(X[n, k] * X[m, k], k),
        IndexSum(W[j, k] * A[k], k) + IndexSum(W[k, j] * A[k], k),
    ):
        assert len(nodes(simplify(expr).result, IndexSum)) == 2


def test_other_ways_are_tried_as_long_as_they_help() -> None:
    derived = jacobian("L = -mean(t[n]*log(sigmoid(s[n])) + (1 - t[n])*log(1 - sigmoid(s[n])), n)", "s").result
    assert definition_text(derived) == "(1/(1 + exp(-s[n])) - t[n])/N"


def test_what_was_read_for_one_form_is_not_read_again_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two expressions with a part in common: the part is read once; where facts are given, what they did is seen."""
    read: list[Expr] = []
    rule = Normaliser._rule
    monkeypatch.setattr(Normaliser, "_rule", lambda self, expr: read.append(expr) or rule(self, expr))
    here = Index("k_once", size("K_once"))
    x = Tensor("x_once", (here.size,))
    part = IndexSum(x[here] ** 3 * sympy.exp(x[here]), here)
    first, second = simplify(part + 1).result, simplify(part + 2).result
    assert second - first == 1
    assert read.count(part) == 1
    fact = Fact(part, sympy.Integer(1), "the sum is 1")
    assert simplify(part + 3, facts=[fact]).facts == (fact,)
    assert simplify(part + 4, facts=[fact]).facts == (fact,)
    assert simplify(part + 5).facts == ()
