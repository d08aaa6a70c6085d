"""Time limits: hard work stops in time, what was stopped leaves nothing wrong behind, and hard input is not slow."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any

import pytest
import sympy
from expressions import A, K, N, X, j, k, m, n
from sympy import Add, Integer, Mul, exp, log, sqrt, tanh

import codegen
import derive
from derive.budget import OutOfTimeError, tick, within
from derive.differentiation import differentiate
from derive.errors import InputError
from derive.evaluation import Assignment
from derive.factoring import factors_of
from derive.functions import Maximum
from derive.indices import Index, Tensor
from derive.normal_form import Normaliser
from derive.polynomials import Polynomial, TooLargeError, expression, factor_rational, power_of_terms, rational_power
from derive.proof import PROVED, REFUTED, UNDECIDED, prove_equal
from derive.rewriting import simplify
from derive.sampling import sample
from derive.sums import IndexMax, IndexSum
from derive.vanishing import vanishes

V = [Tensor(f"v{place}")() for place in range(12)]
u, v, w = V[:3]
#: Longer than any machine takes to notice that the time is over.
LATE = 10.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds that pass one at every look at the clock, so that work can be stopped at any place of it."""
    seconds = count()
    monkeypatch.setattr("derive.budget.monotonic", lambda: next(seconds))


# -- limits -----------------------------------------------------------------------------------------------------------


def test_without_a_limit_nothing_stops() -> None:
    tick()
    with within(None):
        tick()


def test_the_work_stops_when_the_time_is_over() -> None:
    with within(1000):
        tick()
    with pytest.raises(OutOfTimeError, match="the 0 s allowed are over"), within(0):
        tick()


def test_a_limit_ends_with_its_block() -> None:
    with pytest.raises(OutOfTimeError), within(0):
        tick()
    tick()
    with pytest.raises(ZeroDivisionError), within(0):
        raise ZeroDivisionError
    tick()


@pytest.mark.parametrize(("outer", "inner", "over"), [(0, 1000, 0), (1000, 0, 0), (0, None, 0), (None, 0, 0)])
def test_of_limits_inside_each_other_the_earlier_holds(outer: float | None, inner: float | None, over: float) -> None:
    with within(outer), within(inner), pytest.raises(OutOfTimeError, match=f"the {over} s"):
        tick()


def test_after_an_inner_limit_the_outer_holds() -> None:
    with within(1000):
        with pytest.raises(OutOfTimeError), within(0):
            tick()
        tick()
    with within(0):
        with within(1000), pytest.raises(OutOfTimeError):
            tick()
        with pytest.raises(OutOfTimeError):
            tick()


@pytest.mark.parametrize("seconds", [-1, math.nan, "1", True, [1]])
def test_what_is_no_length_of_time_is_refused(seconds: Any) -> None:
    with pytest.raises(InputError, match="a time limit is a number of seconds"), within(seconds):
        pass


def test_an_infinite_limit_is_none() -> None:
    with within(math.inf):
        tick()


def test_a_limit_belongs_to_its_thread() -> None:
    stopped: dict[str, bool] = {}
    started, seen = threading.Event(), threading.Event()

    def work(name: str, limit: AbstractContextManager[None], first: threading.Event, then: threading.Event) -> None:
        with limit:
            first.set()
            then.wait(LATE)
            try:
                tick()
                stopped[name] = False
            except OutOfTimeError:
                stopped[name] = True

    limited = threading.Thread(target=work, args=("limited", within(0), started, seen))
    free = threading.Thread(target=work, args=("free", nullcontext(), seen, started))
    limited.start()
    free.start()
    tick()
    limited.join()
    free.join()
    assert stopped == {"limited": True, "free": False}


# -- hard input stops in time -----------------------------------------------------------------------------------------


def normalise(expr: Any) -> Polynomial:
    return Normaliser(generators=True).polynomial(expr)


def cycle(length: int) -> Any:
    """A sum over many indices that its surroundings hardly tell apart."""
    rows = [Index(f"n{place}", N) for place in range(length)]
    columns = [Index(f"k{place}", K) for place in range(length)]
    pairs = [(row, columns[(place + step) % length]) for place, row in enumerate(rows) for step in (0, 1, 3)]
    return IndexSum(Mul(*(X[pair] for pair in pairs)), *rows, *columns)


def large_assignment() -> Assignment:
    return Assignment({N: 60, K: 60}, sample([X], {N: 60, K: 60}, random.Random(0)))


HARD: dict[str, Callable[[], Any]] = {
    "products": lambda: normalise(Add(*V[:10]) ** 6 / Mul(*(V[0] + each for each in V[1:6]))),
    "powers": lambda: power_of_terms(normalise(1 + u + u**2 + v), 3000),
    "quotients": lambda: vanishes(
        Normaliser(generators=True), Add(*(1 / (u * each + place) for place, each in enumerate(V[1:]))) ** 2 - 1
    ),
    "names": lambda: normalise(cycle(8)),
    "numbers": lambda: large_assignment().value(IndexSum(X[n, k] * X[m, k] * X[n, j] * X[m, j], k, j, n, m)),
    "short forms": lambda: [simplify(Add(*V[:7]) ** 4 * (u + v * place) / (w + place)) for place in range(10_000)],
    "factors": lambda: [factors_of(normalise(u**place * v + w**3 + 1)) for place in range(10_000)],
    "derivatives": lambda: [differentiate(tanh(Add(*V) * place) ** 3, u) for place in range(2, 10**6)],
    "definitions": lambda: [
        derive.vjp(f"y[n,k] = exp({size}*x[n,k])/sum(exp(x[n,j]), j)", "x") for size in range(2, 10**6)
    ],
}


@pytest.mark.parametrize("name", HARD)
def test_hard_work_stops_in_time(name: str) -> None:
    """Each would go on for minutes at least, most for ever."""
    with pytest.raises(OutOfTimeError), within(0.3):
        HARD[name]()


def test_a_hard_claim_is_undecided_in_time() -> None:
    hard = Add(*(1 / (u * each + place) for place, each in enumerate(V[1:]))) ** 2
    expanded = sympy.expand(hard)
    proof = prove_equal(hard, expanded, seconds=0.001)
    assert proof.verdict == UNDECIDED
    assert any("time" in what for what in proof.tried)
    assert prove_equal(hard, expanded, seconds=60).verdict == PROVED


# -- what was stopped leaves nothing wrong behind ---------------------------------------------------------------------


def stopped_ever_later(work: Callable[[], Any]) -> Any:
    """What work gives that was stopped again and again, each time a little later."""
    stops, seconds = 0, 1
    while True:
        try:
            with within(seconds):
                result = work()
        except OutOfTimeError:
            stops, seconds = stops + 1, seconds + 1 + seconds // 8
        else:
            assert stops > 5, "it was hardly stopped"
            return result


S2 = IndexSum((X[n, k] - IndexSum(X[n, j], j) / K) ** 2, k)
EXPRESSIONS = {
    "layer norm": (X[n, k] - IndexSum(X[n, j], j) / K) / sqrt(S2 / K + 1),
    "softmax": exp(A[k]) / IndexSum(exp(A[j]), j) * (IndexSum(exp(A[j]) * A[j], j) - A[k]),
    "tanh": tanh(u + v) * (1 + exp(2 * u) * exp(2 * v)) / (u + v * tanh(u)),
    "kinks": Maximum(Maximum(u, v), Maximum(v, w)) * abs(u - v) + log(abs(u * v) ** 3),
    "maxima": IndexMax(2 * X[n, k] + A[k] + u, k) * IndexSum(IndexSum(X[n, k], n) ** 2, k),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("generators", [True, False])
def test_a_normaliser_that_was_stopped_goes_on_rightly(clock: None, name: str, generators: bool) -> None:
    expr, normaliser = EXPRESSIONS[name], Normaliser(generators=generators)
    assert stopped_ever_later(lambda: normaliser.expression(expr)) == Normaliser(generators=generators).expression(expr)


def test_evaluation_that_was_stopped_goes_on_rightly(clock: None) -> None:
    operation = derive.find("p[n,k] = exp(x[n,k])/sum(exp(x[n,j]), j); y[n] = sum(p[n,k]**2, k)")
    definitions = {definition.tensor: definition for definition in operation.definitions}
    values = sample(operation.inputs, dict(zip(operation.sizes, (2, 3), strict=True)), random.Random(0))
    sizes = dict(zip(operation.sizes, (2, 3), strict=True))
    here = Assignment(sizes, dict(values), definitions)
    target, places = operation.output.target, {operation.output.indices[0]: 1}
    found = stopped_ever_later(lambda: here.value(target, places))
    assert found == Assignment(sizes, values, definitions).value(target, places)


@pytest.mark.parametrize("verdict", [PROVED, REFUTED])
def test_verdicts_after_a_stop_are_right(clock: None, verdict: str) -> None:
    softmax = [exp(A[k] + shift) / IndexSum(exp(A[j] + shift), j) for shift in (0, u)]
    left, right = softmax[0], softmax[1] * (1 if verdict == PROVED else 2)
    for seconds in (1, 10, 100, 1000):
        assert prove_equal(left, right, seconds=seconds).verdict in (UNDECIDED, verdict)
    assert prove_equal(left, right).verdict == verdict


def test_a_derivation_and_code_that_were_stopped_come_out_the_same(clock: None) -> None:
    text = "p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j); y[n] = log(sum(p[n,k]*w[k], k))"
    derived = stopped_ever_later(lambda: derive.vjp(text, "z").text())
    source = stopped_ever_later(lambda: codegen.source(text))
    assert derived == derive.vjp(text, "z").text()
    assert source == codegen.source(text)


# -- hard input is not slow -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "y = (x + 1)**30",
        "y = (a + b + c + d)**12/(a + b)",
        f"y = max({' + '.join(f'x{place}*w{place}' for place in range(40))} + b, 0)",
    ],
)
def test_long_operations_are_derived_and_proved_in_time(clock: None, text: str) -> None:
    """Seconds are looks at the clock here, of which these took millions."""
    operation = derive.find(text)
    tensor = operation.differentiable[0]
    with within(100_000):
        derivation = derive.vjp(operation, tensor.name)
        whole = operation.output.tensor.gradient()() * differentiate(operation.body(), tensor())
        assert vanishes(
            Normaliser(generators=True), derive.definitions.inline(derivation.result, operation.definitions) - whole
        )
        assert not vanishes(Normaliser(generators=True), 2 * derivation.result - whole)


@pytest.mark.parametrize("times", [0, 1, 2, 5])
@pytest.mark.parametrize("base", [u, u + 1, u / 2 - v, u + v + 1 / w, sqrt(w) * u - w + sympy.Rational(1, 3)])
def test_a_power_of_terms_is_their_product(base: Any, times: int) -> None:
    terms = normalise(base)
    assert expression(power_of_terms(terms, times)) == sympy.expand(base**times)


def test_a_power_in_which_terms_cancel() -> None:
    terms = normalise(u**2 + 2 * u - 2)
    assert len(power_of_terms(terms, 2)) == len(sympy.expand((u**2 + 2 * u - 2) ** 2).args) == 4


@pytest.mark.parametrize("expr", [(u + 1) ** 100_000, (u**3 + v + 1) ** 30_000, (u + v) ** 15_000 * (u + w) ** 15_000])
def test_a_power_with_too_many_terms_is_refused_at_once(clock: None, expr: Any) -> None:
    with within(100_000), pytest.raises(TooLargeError):
        normalise(expr)


def test_a_number_with_too_many_digits_is_not_made() -> None:
    for base in (Integer(3), sympy.Rational(-2, 3)):
        with pytest.raises(TooLargeError):
            rational_power(base, Integer(10**9))
        assert rational_power(base, Integer(5)) == base**5
    assert rational_power(Integer(-1), Integer(10**9 + 1)) == -1


def test_a_large_number_is_factored_as_far_as_is_cheap() -> None:
    prime, other = 10**30 + 57, 10**40 + 121
    with within(LATE):
        found = dict(factor_rational(sympy.Rational(12 * prime * other, 7)))
    assert found == {2: 2, 3: 1, 7: -1, prime * other: 1}
    assert dict(factor_rational(Integer(10**9 + 7) * (10**9 + 9))) == {10**9 + 7: 1, 10**9 + 9: 1}


def test_a_division_of_a_high_degree_is_left_and_a_proof_does_without() -> None:
    power = (2 * u + 3 * v) ** 400
    assert (
        prove_equal(power / (u + v), power * (u + 2 * v) / (u**2 + 3 * u * v + 2 * v**2), seconds=60).verdict == PROVED
    )
    assert prove_equal(power / (u + v), power / (u + 2 * v), seconds=60).verdict == REFUTED
