"""Claims as users type them: verdicts, assumptions, conditions, kinks, steps, and what is said of wrong input."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

import derive
from derive import DefinitionError, Index, IndexSum, InputError, Tensor, prove, size
from derive.budget import OutOfTimeError
from derive.claims import _conditions
from derive.derivation import CheckFailedError
from derive.exposition import claim_text
from derive.problems import Problem
from derive.proof import PROVED, REFUTED, UNDECIDED, Proof, UnsoundError
from derive.sums import tensors_in

SOFTMAX_CCE = ["p = softmax(z)", "L = cce(p, t)"]
ROWS = "sum(t[n,k], k) = 1"
K = size("K")
k, j = Index("k", K), Index("j", K)
A = Tensor("a", (K,))

#: where, claim, its false twin, given
CLAIMS = [
    (SOFTMAX_CCE, "diff(L, z[n,k]) = (p[n,k] - t[n,k])/N", "diff(L, z[n,k]) = p[n,k] - t[n,k]", [ROWS]),
    ([], "tan(x + pi/2) = -1/tan(x)", "tan(x + pi/2) = 1/tan(x)", []),
    (["a = x + pi/2", "y = tan(a)"], "y = -cos(x)/sin(x)", "y = cos(x)/sin(x)", []),
    (["p = softmax(z)"], "sum(p[n,k], k) = 1", "sum(p[n,k], n) = 1", []),
    (
        ["p = softmax(z)"],
        "diff(p[n,k], z[m,j]) = delta(n,m)*p[n,k]*(delta(k,j) - p[n,j])",
        "diff(p[n,k], z[m,j]) = p[n,k]*(delta(k,j) - p[n,j])",
        [],
    ),
    (["p = softmax(z)"], "diff(p[n,k]**2, z[n,j]) = 2*p[n,k]**2*(delta(k,j) - p[n,j])",
     "diff(p[n,k]**2, z[n,j]) = 2*p[n,k]*(delta(k,j) - p[n,j])", []),
    (SOFTMAX_CCE, "diff(L, p[n,k]) = -t[n,k]/(N*p[n,k])", "diff(L, p[n,k]) = t[n,k]/(N*p[n,k])", []),
    (
        SOFTMAX_CCE,
        "diff(diff(L, z[n,k]), z[m,j]) = delta(n,m)*p[n,k]*(delta(k,j) - p[n,j])/N",
        "diff(diff(L, z[n,k]), z[m,j]) = delta(n,m)*p[n,k]*(delta(k,j) - p[n,j])",
        [ROWS],
    ),
    (["y = sigmoid(x)"], "diff(y, x) = y*(1 - y)", "diff(y, x) = 1 - y**2", []),
    (["y = relu(x)"], "diff(y, x) = [x > 0]", "diff(y, x) = 1", []),
    ([], "sum(delta(i,j), j) = 1", "sum(delta(i,j), j) = 2", []),
    ([], "abs(x[n]) = x[n]", "abs(x[n]) = -x[n]", ["x[n] >= 0"]),
    ([], "abs(x[n] - 1) = x[n] - 1", "abs(x[n] - 1) = 1 - x[n]", ["1 < x[n]"]),
    ([], "abs(x[n]*(1 - x[n])) = x[n] - x[n]**2", "abs(x[n]*(1 - x[n])) = x[n]", ["0 < x[n]", "x[n] < 1"]),
    ([], "a[n]**2 = b[n]**2", "a[n]**2 = b[n]", ["a[n] = -b[n]"]),
    (
        ["y[n,k] = sum(x[n,d]*w[d,k], d)"],
        "sum(y[n,k]**2, k) = sum(x[n,d]**2, d)",
        "sum(y[n,k]**2, k) = sum(x[n,d], d)**2",
        ["sum(w[d,k]*w[e,k], k) = delta(d,e)"],
    ),
    (["m = mean(x[n], n)"], "mean((x[n] - m)**2, n) = mean(x[n]**2, n) - m**2",
     "mean((x[n] - m)**2, n) = mean(x[n]**2, n) + m**2", []),
]  # fmt: skip


@pytest.mark.parametrize(("where", "claim", "twin", "given"), CLAIMS)
def test_a_claim_is_proved_and_its_twin_refuted(where: list[str], claim: str, twin: str, given: list[str]) -> None:
    proof = prove(claim, where, given)
    assert (proof.verdict, proof.assumptions, proof.counterexample) == (PROVED, tuple(given), None)
    refuted = prove(twin, where, given)
    assert refuted.verdict == REFUTED
    assert refuted.counterexample is not None
    assert refuted.counterexample.left != refuted.counterexample.right
    for fact in given:
        without = prove(claim, where, [each for each in given if each != fact])
        assert without.verdict != PROVED


@pytest.mark.parametrize(("where", "claim", "twin", "given"), CLAIMS)
def test_steps_hold(where: list[str], claim: str, twin: str, given: list[str]) -> None:
    for text in (claim, twin):
        proof = prove(text, where, given)
        proof.check()
        assert str(proof).startswith(proof.verdict)
        assert r"\begin{align*}" in proof.latex()
        if proof.verdict == PROVED and proof.steps:
            assert proof.steps[-1].after in (0, *(step.after for step in proof.steps[:-1]), proof.left, proof.right)


def test_a_wrong_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = prove("diff(L, z[n,k]) = (p[n,k] - t[n,k])/N", SOFTMAX_CCE, [ROWS])
    (*rest, last) = proof.steps
    wrong = (*rest, derive.Step(last.rule, last.left, last.before, 2 * last.after))
    monkeypatch.setattr("derive.exposition.steps_of", lambda proof: wrong)
    with pytest.raises(CheckFailedError, match="does not hold"):
        proof.check()


# -- what is said beside the verdict ----------------------------------------------------------------------------------


def test_the_assumption_is_found() -> None:
    proof = prove("diff(L, z[n,k]) = (p[n,k] - t[n,k])/N", SOFTMAX_CCE)
    assert (proof.verdict, proof.needed) == (REFUTED, (ROWS,))
    assert f"it would hold given {ROWS}" in str(proof)
    assert prove("diff(L, z[n,k]) = 2*(p[n,k] - t[n,k])/N", SOFTMAX_CCE).needed == ()


@pytest.mark.parametrize(
    ("claim", "needed"),
    [
        ("sqrt(x[n]**2) = x[n]", ("x[n] >= 0",)),
        ("abs(x) = -x", ("x <= 0",)),
        ("sqrt(c**2*sum(x[n]**2, n)) = c*sqrt(sum(x[n]**2, n))", ("c >= 0",)),
        ("sqrt(x**2) = 2*x", ()),
    ],
)
def test_a_sign_that_is_lacking_is_found(claim: str, needed: tuple[str, ...]) -> None:
    proof = prove(claim)
    assert (proof.verdict, proof.needed) == (REFUTED, needed)
    for fact in needed:
        assert prove(claim, given=[fact]).verdict == PROVED


@pytest.mark.parametrize(
    ("claim", "twin"),
    [
        ("abs(x*y) = abs(x)*abs(y)", "abs(x*y) = abs(x)*y"),
        ("sign(x*y) = sign(x)*sign(y)", "sign(x*y) = sign(x) + sign(y)"),
        ("abs(x**3*y) = abs(x)**3*abs(y)", "abs(x**3*y) = x**3*abs(y)"),
        ("[x*y > 0] = [x > 0]*[y > 0] + [x < 0]*[y < 0]", "[x*y > 0] = [x > 0]*[y > 0]"),
        ("[x*y = 0] = 1 - [x != 0]*[y != 0]", "[x*y = 0] = [x = 0]*[y = 0]"),
        ("max(c*(a - b), 0) + max(c*(b - a), 0) = abs(c)*abs(a - b)", "max(c*(a - b), 0) = max(c, 0)*max(a - b, 0)"),
    ],
)
def test_the_sign_of_a_product_is_its_factors(claim: str, twin: str) -> None:
    assert prove(claim).verdict == PROVED
    assert prove(twin).verdict == REFUTED


def test_conditions_are_said_once() -> None:
    """Of a definition and its instance, of a root and what is under it, one is said."""
    where = ["v[n] = mean(x[n,k]**2, k)", "s[n] = sqrt(v[n] + e)", "y[n,k] = x[n,k]/s[n]"]
    assert prove("y[i,k]*s[i] = x[i,k]", where).conditions == ("e + v[n] > 0",)


def test_a_fact_that_is_not_needed_is_named() -> None:
    proof = prove("sum(p[n,k], k) = 1", ["p = softmax(z)"], ["sum(t[n,k], k) = 1"])
    assert (proof.verdict, proof.assumptions, proof.unused) == (PROVED, (), ("sum(t[n,k], k) = 1",))
    assert "without need of sum(t[n,k], k) = 1" in str(proof)


@pytest.mark.parametrize(
    ("claim", "given", "looked"),
    [
        ("1/x = 1/x", [], 1),
        ("sum(p[n,k]/x[n], k) = 1/x[n]", ["sum(p[n,k], k) = 1"], 1),
        ("x/x = 1", ["sum(p[n,k], k) = 1"], 2),
    ],
)
def test_conditions_are_looked_for_once_unless_a_fact_was_spared(
    claim: str, given: list[str], looked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(problem: Problem) -> tuple[str, ...]:
        calls.append(problem)
        return _conditions(problem)

    monkeypatch.setattr("derive.claims._conditions", counted)
    proof = prove(claim, given=given)
    assert (proof.verdict, bool(proof.unused)) == (PROVED, looked == 2)
    assert len(calls) == looked


@pytest.mark.parametrize(
    ("claim", "conditions"),
    [
        ("x/x = 1", ("x != 0",)),
        ("x**2/x = x", ("x != 0",)),
        ("exp(log(x)) = x", ("x > 0",)),
        ("sqrt(x)**2 = x", ("x >= 0",)),
        ("log(a*b) = log(a) + log(b)", ("a > 0", "b > 0")),
        ("log(exp(x)) = x", ()),
        ("1/(1 + exp(-x)) = 1 - 1/(1 + exp(x))", ()),
        ("x/sqrt(1 + x**2) = 1/sqrt(1 + x**2)*x", ()),
        ("sum(a[k], k)/sum(a[k], k) = 1", ("sum(a[k], k) != 0",)),
        ("sum(log(a[k]**2), k) = 2*sum(log(a[k]), k)", ("a[k] > 0",)),
        ("where(x > 0, log(x), 0) = where(x <= 0, 0, log(x))", ()),
        ("x/abs(x) = abs(x)/x", ("x != 0",)),
        ("(x**2 - 1)/(x - 1) = x + 1", ("x - 1 != 0",)),
        ("1/(1/x) = x", ("x != 0",)),
        ("(a/b)/(c/d) = a*d/(b*c)", ("b != 0", "d != 0", "c != 0")),
        ("sigmoid(log(p/(1 - p))) = p", ("p > 0", "p < 1")),
        ("diff(a**x, a) = x*a**(x - 1)", ("a > 0",)),
        ("log(x**2) = log(x**2)*1", ("x != 0",)),
    ],
)
def test_where_it_is_defined_is_said(claim: str, conditions: tuple[str, ...]) -> None:
    proof = prove(claim)
    assert (proof.verdict, proof.conditions) == (PROVED, conditions)
    assert ("wherever" in str(proof)) == bool(conditions)


def test_conditions_that_facts_make_true_are_not_said() -> None:
    assert prove("log(x**2) = 2*log(x)", given=["x > 0"]).conditions == ()
    assert prove("t[n,k]/sum(t[n,j], j) = t[n,k]", given=[ROWS]).conditions == ()


@pytest.mark.parametrize(
    ("where", "claim", "kinks"),
    [
        (["y = relu(x)"], "diff(y, x) = [x >= 0]", ("x = 0",)),
        (["y = abs(x - 2)"], "diff(y, x) = where(x >= 2, 1, -1)", ("x = 2",)),
        (["y = max(a, b)"], "diff(y, a) = [a >= b]", ("a = b",)),
    ],
)
def test_what_fails_only_at_a_kink_says_so(where: list[str], claim: str, kinks: tuple[str, ...]) -> None:
    proof = prove(claim, where)
    assert (proof.verdict, proof.kinks, proof.needed) == (REFUTED, kinks, ())
    assert str(proof).startswith("refuted, but only at a kink")


def test_a_place_where_nothing_is_differentiated_is_no_kink() -> None:
    proof = prove("sign(x)**2 = 1")
    assert str(proof).startswith("refuted, but only where x = 0")
    assert "convention" not in str(proof)
    assert prove("sum(x[n], n) = sum(x[n], n) + [N = 1]").kinks == ("N = 1",)


def test_numbers_are_shown_with_the_digits_that_tell_them_apart() -> None:
    found = prove("pi = 3.14159265358979").counterexample
    assert found is not None
    assert found.left != found.right


def test_facts_about_one_element_are_put_together() -> None:
    assert prove("abs(y) = y", given=["x = y", "x > 0"]).verdict == PROVED
    assert prove("x = 1", given=["y = 1", "x = y"]).verdict == PROVED
    with pytest.raises(InputError, match="both about t"):
        prove("abs(t) = t", given=["t = a*b", "t >= 0"])


def test_a_kink_s_place_is_said_with_letters() -> None:
    refuted = derive.prove("where(sum(x[k]**2, k) = 7, 0, 1) = 1")
    assert refuted.kinks == ("7 - sum(x[k]**2, k) = 0",)


@pytest.mark.parametrize("far", ["", "a[3000]*"])
@pytest.mark.parametrize("other", ["0", "j"])
def test_what_a_delta_looks_away_from_is_not_divided_by(far: str, other: str) -> None:
    """Over one denominator the values for i = j would drop out: a delta times (a[i] - a[j]) is 0."""
    left = f"1/((a[i] - a[{other}])*(a[{other}] - z)) + 1/((a[{other}] - z)*(z - a[i]))"
    right = f"-1/((z - a[i])*(a[i] - a[{other}]))"
    wrong = derive.prove(f"{far}where(i = {other}, 5, {left}) = {far}where(i = {other}, 7, {right})")
    assert wrong.verdict == REFUTED
    assert derive.prove(f"{left} = {right}").verdict == PROVED


@pytest.mark.parametrize("claim", ["x[i]*delta(i, 7)*y[i] = 0", "x[i]*[i > 20] = 0", "x[i]*[i >= 4] = x[i]*[i >= 5]"])
def test_sizes_are_large_enough_for_what_an_index_is_compared_with(claim: str) -> None:
    assert derive.prove(claim).verdict == REFUTED


def test_many_places_are_drawn_and_not_listed() -> None:
    """Of 6 million places few are looked at, and the array is printed in part."""
    refuted = derive.prove("a[2500]*a[i]*b[i,j] = a[2500]*a[i]*c[i,j]", seconds=5)
    assert refuted.verdict == REFUTED and refuted.counterexample is not None
    assert len(refuted.text()) < 5000
    assert "..." in refuted.text() and len(refuted.counterexample.numbers["a"]) == 2501


def test_what_fails_elsewhere_too_is_no_matter_of_a_kink() -> None:
    assert prove("diff(y, x) = [x > -1]", ["y = relu(x)"]).kinks == ()
    assert prove("diff(y, x) = x", ["y = relu(x)"]).kinks == ()


@pytest.mark.parametrize("given", [["a[n] = b[n]", "b[n] = c[n]"], ["b[n] = c[n]", "a[n] = b[n]"]])
def test_the_order_of_equalities_does_not_matter(given: list[str]) -> None:
    assert prove("a[n] = c[n]", given=given).verdict == PROVED
    assert prove("a[n] = 2*c[n]", given=given).verdict == REFUTED


@pytest.mark.parametrize(
    "given",
    [
        ["x > 0", "x < 1/10000"],
        ["x >= 1", "x <= 1"],
        ["x > 1/5", "x < 4/5"],
        ["x >= 1/10"],
        ["x > 1000"],
        ["0 <= x", "x <= 1"],
        ["1/3 <= x"],
    ],
)
def test_bounds_may_be_narrow_or_far(given: list[str]) -> None:
    assert prove("abs(x) = x", given=given).verdict == PROVED
    assert prove("abs(x) = -x", given=given).verdict == REFUTED


def test_a_fact_about_what_is_defined_is_about_its_definition() -> None:
    claim, where = "sum(p[n,k]*x[k], k, n) = sum(x[k], k)", ["p = softmax(z)"]
    assert prove(claim, where, ["sum(p[n,k], n) = 1"]).assumptions == ("sum(p[n,k], n) = 1",)
    assert prove(claim, where).verdict == REFUTED


def test_nothing_is_proved_where_there_is_no_number() -> None:
    """The logarithm has no value there, so that nothing is said of its derivative."""
    assert prove("diff(log(x), x) = -1/abs(x)").needed == ()
    assert prove("diff(log(x), x) = -1/abs(x)", given=["x <= 0"]).verdict == UNDECIDED
    assert prove("x = y", given=["sum(a[k], k) = 1", "a[k] = 0"]).verdict == UNDECIDED


def test_numbers_are_those_that_facts_allow() -> None:
    proof = prove("x = y", given=["x > 1", "y < 1/2", "z[n] = 2*x"])
    assert proof.counterexample is not None
    assert float(proof.counterexample.values["x"]) > 1
    assert float(proof.counterexample.values["y"]) < 0.5


def test_contradictory_facts_prove_nothing() -> None:
    proof = prove("sum(t[n,k], k) = 3", given=[ROWS, "sum(t[n,k], k) = 2"])
    assert proof.verdict == UNDECIDED
    assert "satisfy the facts" in str(proof)


def test_time_is_limited() -> None:
    hard = " + ".join(f"tanh(x{place}*exp(y{place}))**3" for place in range(8))
    proof = prove(f"exp({hard})/(1 + ({hard})**6) = 1/(1 + ({hard})**6)*exp({hard}) + 0*x", seconds=0.2)
    assert proof.verdict in (PROVED, UNDECIDED)
    with pytest.raises(InputError, match="time limit"):
        prove("x = x", seconds=0)


@pytest.mark.parametrize("is_late", [False, True])
def test_what_was_tried_to_its_end_is_not_tried_again(is_late: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The normal form is given more time only where there was too little; what is undecided is so either way."""
    calls = []

    def unseen(*arguments: object) -> bool:
        calls.append(arguments)
        if is_late:
            raise OutOfTimeError("over")
        return False

    monkeypatch.setattr("derive.proof.vanishes", unseen)
    proof = prove("tanh(x) = 2/(1 + exp(-2*x)) - 1")
    assert proof.verdict == UNDECIDED
    assert ("the normal form, with more time: stopped for want of time" in proof.tried) == is_late
    assert len(calls) == (3 if is_late else 2)  # Besides case by case.


def test_out_of_time_is_no_verdict_of_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*arguments: object) -> None:
        raise OutOfTimeError("over")

    monkeypatch.setattr("derive.proof.vanishes", late)
    proof = prove("tanh(x) = tanh(x) + y - y*1")
    assert proof.verdict == PROVED or "stopped for want of time" in str(proof)
    proof = prove("tanh(x) = 2/(1 + exp(-2*x)) - 1")
    assert proof.verdict == UNDECIDED
    assert "stopped for want of time" in str(proof)


def test_derivatives_are_held_against_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rule of differentiation can not prove anything: both sides are differentiated by numbers too."""
    from derive.differentiation import RULES

    name, rule = RULES[sympy.tanh]
    monkeypatch.setitem(RULES, sympy.tanh, (name, lambda body, element: 2 * rule(body, element)))
    for given in ([], ["y > 0"], ["y = 2*u"], ["sum(a[k], k) = 1"]):
        with pytest.raises(UnsoundError, match="differences"):
            prove("diff(tanh(x), x) = 2*(1 - tanh(x)**2)", given=given)


# -- expressions in place of texts ------------------------------------------------------------------------------------


def test_expressions_are_taken_too() -> None:
    assert prove((IndexSum(A[k], k), IndexSum(A[j], j))).verdict == PROVED
    assert prove(sympy.Eq(IndexSum(A[k], k) * 2, IndexSum(2 * A[k], k), evaluate=False)).verdict == PROVED
    assert prove((IndexSum(A[k], k), 1), given=["sum(a[k], k) = 1"]).assumptions == ("sum(a[k], k) = 1",)
    fact = derive.parse_fact("sum(t[n,k], k) = 1", derive.find("cce"))
    t = derive.find("cce").input("t")
    claim = (IndexSum(t(*fact.left.atoms(derive.Element).pop().indices), *fact.left.bound), sympy.Integer(1))
    assert prove(claim, given=[fact]).verdict == PROVED
    softmax = derive.find("softmax")
    (definition,) = softmax.definitions
    y = definition.target
    assert prove((IndexSum(y, y.indices[1]), sympy.Integer(1)), where=[softmax]).verdict == PROVED
    assert prove("sum(y[n,k], k) = 1", where=[definition]).verdict == PROVED
    assert prove("sum(y[n,k], k) = 2", where=[definition]).verdict == REFUTED


def test_sizes_of_expressions_are_kept() -> None:
    """What is one size stays one, whatever letters stand for it."""
    b = Tensor("b", (K,))
    claim = (IndexSum(A[j] + b[k], j, k), K * (IndexSum(A[j], j) + IndexSum(b[k], k)))
    for given in ([], ["sum(a[k], k) = 1"]):
        assert prove(claim, given=given).verdict == PROVED


def test_a_defect_is_no_mistake_of_the_user(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from derive.__main__ import DEFECT, main

    monkeypatch.setattr("derive.proof.vanishes", lambda *arguments: True)
    assert main(["prove", "x = y"]) == DEFECT
    assert "please report it" in capsys.readouterr().err


def test_proofs_can_be_compared() -> None:
    first, second = (prove("sum(a[k], k) = a[0]") for _ in range(2))
    assert isinstance(first, Proof)
    assert first == second
    assert claim_text(first) == "sum(a[k], k) = a[0]"


# -- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "where", "given", "message"),
    [
        ("", [], [], "there is no claim"),
        ("x + 1", [], [], "it has no ="),
        ("x = ", [], [], "nothing stands on the right of ="),
        ("x == 1", [], [], "write ="),
        ("x = y = z", [], [], "this is a second ="),
        ("x = 1; y = 1", [], [], "this is a second claim"),
        ("x > 1", [], [], "> has no place here"),
        ("p = 1", ["p = softmax(z)"], [], "z has too few indices"),
        ("p[n] = 1", ["p = softmx(z)"], [], "did you mean softmax?"),
        ("p[n,k] = 1", ["p[n,k]"], [], "this is not a definition"),
        ("p[n] = 1", ["p[n] = q[n]", "q[n] = x[n]"], [], "q is used before it is defined"),
        ("x = 1", [], ["x != 0"], "!= has no place here"),
        ("x = y", [], ["x*y = 1"], "of no kind that can be used"),
        ("x[n] = 1", [], ["x[0] > 0"], "must compare a tensor's elements with a number"),
        ("p[n] = 1", ["p[n] = x[n]"], ["p[n] = 2"], "about p, which is defined"),
        ("x = 1", [], ["x > 0", "x < 0"], "nothing satisfies both x > 0 and x < 0"),
        ("x = 1", [], ["x > 0", "x = 2*y"], "both about x; say one of them of another name"),
        ("x[t[n]] = 1", [], ["t[n] > 0"], "labels"),
        ("diff(y, 2) = 1", ["y = exp(x)"], [], "by an element of a tensor"),
        ("diff(y[n], n) = 1", ["y[n] = exp(x[n])"], [], "by an element of a tensor"),
        ("diff(y) = 1", ["y = exp(x)"], [], "wrong number of arguments"),
        ("__import__('os') = 1", [], [], "begins with an underscore"),
    ],
)
def test_a_mistake_is_shown(claim: str, where: list[str], given: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        prove(claim, where, given)
    assert message in str(caught.value)


def test_a_mistake_is_shown_in_its_own_line() -> None:
    with pytest.raises(DefinitionError) as caught:
        prove("p[n,k] = 1", ["p = softmax(z)", "q[n] = exp(r[n]"], [ROWS])
    assert str(caught.value).splitlines()[1:3] == ["  q[n] = exp(r[n]", "            ^"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x = y", "x = z"), "where takes a list"),
        (("x = y", [], "sum(a[k], k) = 1"), "given takes a list"),
        ((5,), "a claim is a text"),
        (((1, 2, 3),), "a claim is a text"),
        ((("x", "y"),), "write the claim as one text"),
        ((sympy.true,), "SymPy has decided"),
        (("x = y", [5]), "where takes definitions"),
        (("x = y", [], [5]), "given takes facts"),
        (((A[k], A[k]), ["a[k] = b[k]"]), "texts beside a claim that is a text"),
        (("x = y", [], ["a = 2*b", "b = a"]), "go round in a circle"),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prove(*arguments)


def test_an_operation_is_not_defined_by_a_derivative() -> None:
    with pytest.raises(derive.UnsupportedError, match="not defined by a derivative"):
        derive.operation("y[n] = diff(x[n]**2, x[n])")


def test_a_tensor_may_be_called_diff() -> None:
    assert prove("diff[n]**2 = (x[n] - t[n])**2", ["diff[n] = x[n] - t[n]"]).verdict == PROVED


# -- what is easily proved though it is false, or refuted though it is true --------------------------------------------

SAFE_QUOTIENT = ["y = where(x = 0, 1, (exp(x) - 1)/x)"]


@pytest.mark.parametrize(
    "claim",
    [
        # Where a factor is 0, a product that must not be negative says nothing of the others.
        "sqrt(x**2*y + 2*x*y + y) + abs(y) = sqrt(x**2*y + 2*x*y + y) + y",
        "sqrt(y*x**2 - 34/3*x*y + 289/9*y) + abs(y) = sqrt(y*x**2 - 34/3*x*y + 289/9*y) + y",
        # With K = 1 there is no position 1, and the sum over the delta is 0.
        "sum(delta(k,1)*exp(x[k]),k)*sum(delta(k,1)*exp(-x[k]),k)*sum(u[l,m,n],l,m,n) = sum(u[l,m,n],l,m,n)",
        "sum(delta(k,1)*exp(x[k]),k)*sum(delta(k,1)*exp(-x[k]),k)*where(y>0,x[1],1) = where(y>0,x[1],1)",
    ],
)
def test_what_fails_at_few_places_is_not_proved(claim: str) -> None:
    assert prove(claim).verdict != PROVED


def test_a_position_that_both_sides_ask_for_is_one() -> None:
    proof = prove("sum(delta(k,1)*x[k], k) = x[1]")
    assert (proof.verdict, proof.conditions) == (PROVED, ("K >= 2",))
    assert prove("sum(delta(k,1)*x[k], k) = x[0]").verdict == REFUTED


@pytest.mark.parametrize("fact", ["(K-1)*sum(t[k],k) = 0", "(K-1)*sum(t[k],k) = K - 1", "(N-K)*sum(t[k],k)*b[n] = 0"])
def test_a_fact_is_not_divided_by_what_may_be_zero(fact: str) -> None:
    with pytest.raises(InputError):
        prove("sum(t[k], k) = 0", given=[fact])


@pytest.mark.parametrize(
    ("claim", "where"),
    [
        ("diff(y,x) = where(x = 0, 0, exp(x)/x - (exp(x)-1)/x**2)", SAFE_QUOTIENT),
        ("diff(y,x) = where(x = 0, 1/2, exp(x)/x - (exp(x)-1)/x**2)", SAFE_QUOTIENT),
        ("diff(y,x) = [x != 0]", ["y = where(x = 0, 0, x)"]),
        ("diff(y,x) = [x = 0]", ["y = x*[x = 0]"]),
        ("diff([x > 0], x) = 0", []),
        ("diff([x >= 0], x) = 0", []),
        ("diff(sign(x), x) = 0", []),
        ("diff(y,x) = 0", ["y = where(x > 0, 1, 0)"]),
        ("diff(y,x) = where(x > 0, 1, a)", ["y = leaky_relu(x, a)"]),
        ("diff(diff(relu(x), x), x) = 0", []),
    ],
)
def test_no_rule_tells_the_derivative_at_a_single_place_of_a_choice(claim: str, where: list[str]) -> None:
    proof = prove(claim, where)
    assert (proof.verdict, proof.conditions) == (PROVED, ("x != 0",))
    assert prove(f"{claim} + x", where).verdict == REFUTED


@pytest.mark.parametrize(
    ("claim", "twin"),
    [
        ("[exp(-100*x) > 0] = 1", "[exp(-100*x) > 1] = 1"),
        ("[sigmoid(60*x) < 1] = 1", "[sigmoid(60*x) < 1/2] = 1"),
        ("where(exp(-100*x**2) > 0, y, 0) = y", "where(exp(-100*x**2) > 1/2, y, 0) = y"),
        (
            "(exp(1000*x)+1)**2 - exp(2000*x) - 2*exp(1000*x) = 1",
            "(exp(1000*x)+1)**2 - exp(2000*x) - 2*exp(1000*x) = 2",
        ),
    ],
)
def test_what_lies_close_together_is_told_apart_or_left_alone(claim: str, twin: str) -> None:
    assert prove(claim).verdict == PROVED
    assert prove(twin).verdict == REFUTED


@pytest.mark.parametrize(
    ("claim", "condition"),
    [
        ("sqrt(x)*sqrt(x) = abs(x)", "x >= 0"),
        ("exp(log(x)) = abs(x)", "x > 0"),
        ("x + log(y) - log(y) = x*sign(y)", "y > 0"),
        ("x**2/x = where(x = 0, 7, x)", "x != 0"),
    ],
)
def test_what_was_typed_and_cancelled_is_asked_for(claim: str, condition: str) -> None:
    proof = prove(claim)
    assert (proof.verdict, proof.conditions) == (PROVED, (condition,))
    assert prove(f"{claim} + 1").verdict == REFUTED


def test_a_sign_is_needed_of_the_whole_tensor() -> None:
    assert prove("abs(x[0]) + abs(x[1]) = x[0] + x[1]").needed == ("x[k] >= 0",)


def test_what_fails_on_half_the_line_is_no_kink() -> None:
    assert prove("[max(x,0) = 0] = 0").kinks == ()


def test_a_deep_network_is_proved_definition_by_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything put in, down to the input x, it is too large; with names kept, x does not occur."""
    where = [
        "z1 = dense(x, w1, b1); h1 = gelu(z1); z2 = dense(h1, w2, b2); h2 = relu(z2); z3 = dense(h2, w3, b3)",
        "p = softmax(z3); L = cce(p, t); g3[n,m] = (p[n,m] - t[n,m])/N",
        "g2[n,k] = sum(g3[n,m]*w3[k,m], m)*[z2[n,k] > 0]",
    ]
    given = ["sum(t[n,m], m) = 1"]
    whole = derive.proof.vanishes

    def vanishes(normaliser: Any, expr: Any, *case: Any) -> bool:
        return "x" not in {tensor.name for tensor in tensors_in(expr)} and whole(normaliser, expr, *case)

    monkeypatch.setattr("derive.proof.vanishes", vanishes)
    proof = prove("diff(L, w2[j,k]) = sum(h1[n,j]*g2[n,k], n)", where, given, seconds=60)
    assert (proof.verdict, proof.assumptions) == (PROVED, tuple(given))
    monkeypatch.setattr("derive.claims.BESIDE", 0.1)  # What is said beside a verdict is not looked at.
    wrong = prove("diff(L, w2[j,k]) = sum(h1[n,j]*g2[n,k], n)/N", where, given, seconds=60)
    assert wrong.verdict == REFUTED


@pytest.mark.parametrize(
    ("claim", "twin"),
    [
        ("diff(y*[x > 0], y) = [x > 0]", "diff(y*[x > 0], y) = [x < 0]"),
        ("diff(max(x, 0), x) = [x > 0]", "diff(max(x, 0), x) = 1"),
        ("diff(abs(x), x) = sign(x)", "diff(abs(x), x) = -sign(x)"),
        ("diff(x*[x**2 + 1 > 0], x) = 1", "diff(x*[x**2 - 1 > 0], x) = 1"),
    ],
)
def test_no_place_is_left_out_where_nothing_jumps(claim: str, twin: str) -> None:
    proof = prove(claim)
    assert (proof.verdict, proof.conditions) == (PROVED, ())
    assert prove(twin).verdict == REFUTED
