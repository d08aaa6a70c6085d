"""Diagnoses: each mistake in a formula is named, whatever the formula is, and what is said is true."""

from __future__ import annotations

import pytest
from sympy import Expr, Integer, Rational, exp, log, sqrt, tanh
from thorough import sweep

from derive.canonical import canonical
from derive.catalogue import find, parse_fact
from derive.derivation import Derivation
from derive.diagnosis import assumption, diagnose, is_assumption
from derive.indicators import Bracket, Delta
from derive.indices import Element, Index, Tensor, size
from derive.misreadings import mended_texts
from derive.mistakes import mistakes
from derive.proof import PROVED, prove_equal
from derive.pullback import jacobian, vjp
from derive.slips import KINDS, SUM, Setting, factor_words, slips, stands_in
from derive.sums import IndexSum, free_indices, tensors_in
from derive.trials import Trials

N, K, D = size("N"), size("K"), size("D")
n, m, j, k, d, i = Index("n", N), Index("m", N), Index("j", K), Index("k", K), Index("d", D), Index("i", K)
X, Y, W, S = Tensor("x", (N, K)), Tensor("y", (N, K)), Tensor("w", (K, K)), Tensor("s", (N,))
A, B = Tensor("a", (K,)), Tensor("b", (K,))
x, y, u = (Tensor(name)() for name in "xyu")

#: What is derived, what is claimed, and what is wrong with it.
FOUND: list[tuple[str, Expr, Expr, str]] = [
    ("sign", X[n, k], -X[n, k], "the sign is wrong"),
    ("two", 2 * x * y, x * y, "the factor 2 is missing"),
    ("a half", x * y, 2 * x * y, "the factor 2 is too many"),
    ("minus two", -2 * x, x, "the sign is wrong and the factor 2 is missing"),
    ("three quarters", Rational(3, 4) * x, x, "the factor 3/4 is missing"),
    ("one over N", X[n, k] / N, X[n, k], "the factor 1/N is missing"),
    ("N", X[n, k], X[n, k] / N, "the factor 1/N is too many"),
    ("another size", X[n, k] / N, X[n, k] / K, "the factor K/N is missing"),
    ("the square of a size", X[n, k] / N, X[n, k] / N**2, "the factor 1/N is too many"),
    ("a term's sign", x - y, x + y, "the sign of the term y is wrong"),
    ("a term's sign inside", x * (1 - y), x * (1 + y), "the sign of the term y is wrong"),
    ("a term's factor", x + 2 * y, x + y, "the factor 2 is missing in the term y"),
    ("a sign in a function", exp(-x) * y, exp(x) * y, "the sign in exp(x) is wrong"),
    ("a term too many", x + y, x + y + u, "the term u is too many"),
    ("a term missing", x * y - u, x * y, "the term -u is missing"),
    ("a power", x**3 + y, x**2 + y, "an exponent is wrong: x**2 is written where x**3 is meant"),
    ("upside down", x / y, y / x, "a fraction is upside down: y/x is written where x/y is meant"),
    ("a derivative", x / y, x * log(y), "log(y) is written where its derivative 1/y is meant"),
    (
        "a hyperbolic derivative",
        u * (1 - tanh(x) ** 2),
        u * tanh(x),
        "tanh(x) is written where its derivative 1 - tanh(x)**2 is meant",
    ),
    ("a factor", x * y * u, x * y, "the factor u is missing"),
    ("a factor too many", x * y, x * y * u, "the factor u is too many"),
    ("a division", x / u, x, "the division by u is missing"),
    ("a division too many", x, x / u, "the division by u is too many"),
    ("a name", x * y**2, u * y**2, "u is written where x is meant"),
    (
        "transposed",
        IndexSum(W[k, j] * A[j], j),
        IndexSum(W[j, k] * A[j], j),
        "the indices of w[j,k] are transposed: w[k,j] is meant",
    ),
    ("an index", W[k, j] * A[j], W[k, j] * A[k], "an index is wrong: a[k] is written where a[j] is meant"),
    ("exchanged", W[k, j] * A[j], W[j, k] * A[k], "the indices j and k are exchanged"),
    ("a stray letter", A[k] * B[k], A[i] * B[k], "an index is wrong: i is written where k is meant"),
    (
        "a forgotten sum",
        IndexSum(X[n, k] * S[n], n),
        X[n, k] * S[n],
        "the sum over n is missing: sum(s[n]*x[n,k], n) is meant",
    ),
    (
        "two forgotten sums",
        IndexSum(X[n, k], n, k),
        X[n, k],
        "the sum over k and n is missing: sum(x[n,k], n, k) is meant",
    ),
    (
        "a sum in a factor",
        A[k] * IndexSum(A[j] * B[j], j),
        A[k] * A[k] * B[k],
        "the sum over k is missing: sum(a[j]*b[j], j) is meant",
    ),
    ("a sum too many", A[k] * B[k], A[k] * IndexSum(B[j], j), "the sum over j is too many: b[k] is meant"),
    (
        "outside a sum",
        IndexSum(A[j] * B[j], j) + B[k],
        B[k] * IndexSum(A[j], j) + B[k],
        "b[k] belongs inside the sum: sum(a[j]*b[j], j) is meant",
    ),
    ("a delta", Delta(j, k) * A[k], A[k], "true only where j = k: the factor delta(k, j) is missing"),
    ("a delta in a term", A[k] * (Delta(j, k) - A[j]), A[k] * (1 - A[j]), "the factor delta(k, j) is missing beside 1"),
    ("a delta too many", A[k] * B[j], A[k] * B[j] * Delta(j, k), "the factor delta(k, j) is too many"),
    ("a term with a delta", A[k] * (Delta(j, k) - A[j]), -A[k] * A[j], "the term delta(k, j)*a[j] is missing"),
    (
        "the diagonal",
        A[k] * (Delta(j, k) - A[j]),
        A[k] * (1 - A[k]),
        "true only where j = k: it is the diagonal, and the other entries are missing",
    ),
    ("a comparison", Bracket(">", x, 0) * y, Bracket("<", x, 0) * y, "[x < 0] is written where [x > 0] is meant"),
    ("an assumption", A[k] * IndexSum(B[j], j), A[k], "true when b sums to 1: sum(b[j], j) = 1"),
    (
        "symmetric",
        IndexSum((W[k, j] + W[j, k]) * A[j], j),
        2 * IndexSum(W[k, j] * A[j], j),
        "true when w is symmetric: w[k,j] = w[j,k]",
    ),
    (
        "two at once",
        IndexSum(X[n, k], n) / N,
        -X[n, k],
        "the sum over n is missing: sum(-x[n,k], n) is meant; besides, the sign is wrong and the factor 1/N is missing",
    ),
]


@pytest.mark.parametrize(("derived", "claimed", "words"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_a_mistake_is_named(derived: Expr, claimed: Expr, words: str) -> None:
    assert diagnose(claimed, derived)[0].words == words
    assert diagnose(derived, derived) == ()


NOTHING = [
    ("right in other words", (x + y) ** 2, x**2 + 2 * x * y + y**2),
    ("nothing like it", exp(x) * y + log(y) / u, tanh(u) - x / (1 + y**2)),
    ("zero", x * y, Integer(0)),
]


@pytest.mark.parametrize(("derived", "claimed"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING])
def test_nothing_is_said_where_nothing_is_known(derived: Expr, claimed: Expr) -> None:
    assert diagnose(claimed, derived) == ()


def test_at_most_three_things_are_said() -> None:
    total = IndexSum(A[k], k)
    claimed, derived = total**3, 6 * total**2 - 11 * total + 6
    found = diagnose(claimed, derived)
    assert tuple(map(str, found)) == tuple(
        f"true when a sums to {value}: sum(a[k], k) = {value}" for value in (1, 2, 3)
    )
    assert is_assumption(found)
    assert not is_assumption(())


DERIVED = [vjp("softmax", "x"), jacobian("softmax", "x"), vjp("dense", "w"), jacobian("cce", "p"), vjp("tanh", "x")]


@pytest.mark.parametrize(
    "derivation",
    sweep(
        [pytest.param(derivation, id=derivation.title) for derivation in DERIVED],
        lambda given: given.values[0] in DERIVED[2:4],
    ),
)
def test_made_mistakes_are_named_again(derivation: Derivation) -> None:
    """Every eleventh mistake that can be undone is made, in the derived formula, and has a name."""
    derived, operation = derivation.result, derivation.operation
    tensors = tensors_in(derived) | set(operation.inputs)
    free = sorted(free_indices(derivation.target), key=str)
    made = [mistake.mended for mistake in mistakes(derived, free, tensors)][::11]
    wrong = [f for f in made if f != 0 and prove_equal(f, derived, operation.definitions).verdict != PROVED]
    named = [claimed for claimed in wrong if diagnose(claimed, derived, operation.definitions)]
    assert len(wrong) >= 4
    assert len(named) >= 0.7 * len(wrong)


def test_facts_given_are_used() -> None:
    operation = find("softmax-cce")
    derived = jacobian(operation, "z").result
    row, column = sorted(free_indices(derived), key=lambda index: -ord(index.name[0]))
    p, t = operation.definitions[0].tensor, operation.input("t")
    rows = parse_fact("sum(t[n,k], k) = 1", operation)
    claimed = p(row, column) - t(row, column)
    (found,) = diagnose(claimed, derived, operation.definitions, [rows])
    assert found.words == "the factor 1/N is missing"
    assert diagnose(claimed / row.size, derived, operation.definitions, [rows]) == ()
    (found,) = diagnose(claimed, derived, operation.definitions)
    assert found.words == f"the factor 1/N is missing; then it is {assumption(rows)}"
    assert not is_assumption((found,)), "a mistake beside an assumption is a mistake"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum(t[n,k], k) = 1", "true when every row of t sums to 1"),
        ("sum(t[n,k], n) = 0", "true when every column of t sums to 0"),
        ("sum(t[n,k], n, k) = N", "true when all of t sums to N"),
        ("sum(t[n,k]**2, k) = 1", "true when"),
    ],
)
def test_an_assumption_in_words(text: str, words: str) -> None:
    separator = " " if words.endswith("when") else ": "
    assert assumption(parse_fact(text, find("cce"))).words == f"{words}{separator}{text}"


@pytest.mark.parametrize(
    ("factor", "claimed", "words"),
    [
        (Integer(-1), x, "the sign is wrong"),
        (Rational(-1, 2), 4 * x, "the sign is wrong and the factor 2 is too many"),
        (1 / N, X[n, k], "the factor 1/N is missing"),
        (N, X[n, k] / N, "the factor 1/N is too many"),
        (N, X[n, k] / K, "the factor N is missing"),
        (K / N, X[n, k] / K, "the factor K/N is missing"),
        (Rational(1, 2), 2 * x - 2 * y, "the factor 2 is too many"),
        (Rational(1, 3), 2 * x, "the factor 1/3 is missing"),
    ],
)
def test_a_constant_factor_in_words(factor: Expr, claimed: Expr, words: str) -> None:
    assert factor_words(factor, claimed) == words


def test_what_stands_in_a_formula() -> None:
    assert stands_in(Integer(2), 6 * x)
    assert not stands_in(Integer(4), 6 * x)
    assert stands_in(1 / N, X[n, k] / N**2)
    assert not stands_in(1 / N, X[n, k] * N)


# -- the parts --------------------------------------------------------------------------------------------------------


def test_mended_formulas_use_no_index_that_is_not_there() -> None:
    derived = vjp("softmax", "x")
    free = free_indices(derived.target)
    for mistake in mistakes(derived.result, free, tensors_in(derived.result)):
        assert mistake.kind in KINDS
        assert mistake.words
        assert free_indices(mistake.mended) <= free, mistake.words
        assert mistake.mended != derived.result


def test_a_sum_is_put_around_a_part_without_capture() -> None:
    part = A[k] * IndexSum(W[k, j], j)
    setting = Setting(frozenset((k,)), (), (), (), True)
    summed = [slip.mended for slip in slips(part, setting) if slip.kind == SUM]
    inside = IndexSum(W[i, j], j)
    whole, first, second = IndexSum(A[i] * inside, i), IndexSum(A[i], i) * IndexSum(W[k, j], j), IndexSum(inside, i)
    assert set(map(canonical, summed)) == {canonical(total) for total in (whole, first, A[k] * second)}


def test_trials_tell_apart_and_find_ratios() -> None:
    trials = Trials(X[n, k] / N, [X[n, k]])
    (first, second) = trials.trials
    assert first.assignment.sizes != second.assignment.sizes
    assert trials.agree(2 * X[n, k] / (N + N))
    assert not trials.agree(X[n, k] / K)
    ratios = trials.ratios(X[n, k])
    assert ratios is not None
    assert [float(1 / ratio) for ratio in ratios] == [trial.assignment.sizes[N] for trial in trials.trials]
    assert trials.ratios(X[n, k] ** 2) is None
    assert trials.ratios(log(-(X[n, k] ** 2) - 1)) is None


M = size("M")
#: Four sizes, of which any two pairs have one product in every trial, turned upside down.
FOUR = IndexSum(Tensor("r", (N, K, D, M))(n, k, d, Index("l", M)), Index("l", M))


@pytest.mark.parametrize(
    "constant",
    [
        Integer(1),
        Integer(-7),
        Rational(3, 7),
        N,
        1 / K,
        Rational(-2, 3) * K / N,
        N**2 / K,
        N * K,
        1 / (N * K * D),
        M * D,
    ],
)
def test_a_constant_factor_is_found(constant: Expr) -> None:
    assert Trials(constant * FOUR, [FOUR]).constant(FOUR) == constant
    assert Trials(FOUR, [FOUR]).constant(constant * FOUR) == 1 / constant


@pytest.mark.parametrize("factor", [sqrt(2), sqrt(N), N**3, A[k], exp(A[0]), Rational(1, 1001), Integer(0)])
def test_what_is_no_constant_of_a_formula_is_not_taken_for_one(factor: Expr) -> None:
    assert Trials(factor * FOUR, [FOUR]).constant(FOUR) is None


def test_trials_need_values_at_which_the_reference_is_defined() -> None:
    assert not Trials(log(-exp(x))).trials
    assert not Trials(log(-exp(x))).agree(log(-exp(x)))
    positive = Trials(log(x) + Element(A, Integer(2)))
    assert all(trial.assignment.sizes[K] >= 3 for trial in positive.trials)
    assert len(positive.trials) == 2


def test_trials_keep_to_intervals() -> None:
    assert not Trials(x, [u]).agree(sqrt(x**2))
    assert Trials(x, [u], lines={"x": (0.0, 1.0)}).agree(sqrt(x**2))
    assert not Trials(x, [u], lines={"u": (0.0, 1.0)}).agree(sqrt(x**2))


def test_trials_satisfy_facts() -> None:
    fact = parse_fact("sum(t[n,k], k) = 1", find("cce"))
    left = fact.left
    assert Trials(left, (), (), [fact]).agree(Integer(1))
    assert not Trials(left).agree(Integer(1))


def test_texts_are_mended_one_element_at_a_time() -> None:
    found = dict(mended_texts("sum(dy[n, k]*w[k,d], k)"))
    assert found["the indices of w[k,d] are transposed: w[d,k] is meant"] == "sum(dy[n, k]*w[d,k], k)"
    assert found["an index is wrong: w[k,d] is written where w[n,d] is meant"] == "sum(dy[n, k]*w[n,d], k)"
    assert list(mended_texts("y*(1 - y)")) == []


@pytest.mark.parametrize("op", ["mse", "cce", "softmax-cce-sparse", "L = sum((w*x[n] - t[n])**2, n)"])
def test_a_loss_makes_one_number_of_all_that_comes_in(op: str) -> None:
    assert find(op).is_loss


@pytest.mark.parametrize("op", ["softmax", "relu", "dense", "mul", "L = (w*x - t)**2", "L[n] = (y[n] - t[n])**2"])
def test_what_is_applied_to_elements_or_has_axes_is_no_loss_whatever_its_name(op: str) -> None:
    assert not find(op).is_loss
