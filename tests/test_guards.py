"""What stands under a condition is looked at only where that holds: no step loses it, and no verdict is wrong."""

from __future__ import annotations

import pytest

from derive import check_claim, prove, vjp
from derive.__main__ import main
from derive.errors import DefinitionError
from derive.printing import definition_text
from derive.proof import PROVED, REFUTED

#: Claims that are false where a guard holds alone, which few numbers meet; and true ones beside them.
PAIRS = [
    ("1/where(x = 0, 5, 1/x) = x", "where(x = 0, 5, 1/x)**2 = where(x = 0, 25, 1/x**2)", "x = y**2 - 2"),
    ("sign(where(x = 0, 5, 1/x)) = sign(x)", "sign(where(x = 0, 0, 1/x)) = sign(x)", "x = y**2 - 2"),
    ("1/where(a[k] = 0, 5, 1/a[k]) = a[k]", "where(a[k] = 0, 0, a[k]) = a[k]", "a[k] = exp(b[k]) - 2"),
    (
        "[where(x > 0, 1/x, 5) > 0] = [x*where(x > 0, 1, 5*x) > 0]",
        "[where(x > 0, 1/x, 5) > 0] = 1",
        "x = y**2 - 2",
    ),
    ("x[t+p]/where(p = 0, 5, 1/p) = x[t+p]*p", "x[t+p]*where(p = 0, 0, p) = x[t+p]*p", ""),
    ("[p > 0]*x[t+p] = x[t+p]", "[p >= 0]*x[t+p] = x[t+p]", ""),
    (
        "sum(delta(t,m-1)*inv(a[t,i,j], i, j)[k,p]*a[t,p,l], t, p) = delta(k,l)",
        "sum(inv(a[t,i,j], i, j)[k,p]*a[t,p,l], p) = delta(k,l)",
        "",
    ),
    (
        "sum(x[t]*where(t >= 1, inv(a[t-1,i,j], i, j)[k,q]*a[t-1,q,l], 0), q) = x[t]*delta(k,l)",
        "x[t]*where(t >= 1, logdet(a[t-1,i,j], i, j), 0) = where(t >= 1, x[t]*logdet(a[t-1,i,j], i, j), 0)",
        "",
    ),
    ("inv(x[i]*delta(i,j), i, j)[k,l] = x[l]*delta(k,l)", "inv(x[i]*delta(i,j), i, j)[k,l] = delta(k,l)/x[l]", ""),
    ("det(b[i,j]*delta(i,j), i, j) = 1", "det(b[j,i]*delta(i,j), j, i) = det(b[i,j]*delta(i,j), i, j)", ""),
    (
        "det(a[i,j] + delta(i,j)*x[i], i, j) = det(a[j,i] - delta(i,j)*x[j], i, j)",
        "det(a[i,j] + delta(i,j)*x[i], i, j) = det(a[j,i] + delta(i,j)*x[j], i, j)",
        "",
    ),
    ("diff(y[m], x[t]) = delta(t,m+1)", "diff(y[m], x[t]) = delta(t,m-1)", "y[m] = sum(delta(t,m-1)*x[t], t) + z[m]"),
]


@pytest.mark.parametrize(("false", "true", "where"), PAIRS)
def test_nothing_false_is_proved(false: str, true: str, where: str) -> None:
    assert prove(false, where=[where] if where else []).verdict != PROVED
    assert prove(true, where=[where] if where else []).verdict == PROVED


def test_a_whole_number_may_be_0() -> None:
    assert prove("[p > 0]*x[t+p] = x[t+p]").verdict == REFUTED


def test_deltas_that_turn_into_one_another_come_to_an_end() -> None:
    shifted = vjp("y[m] = sum(delta(t,m-1)*x[t], t) + z[m]", "x")
    assert definition_text(shifted.result) == "dy[t + 1]"
    assert definition_text(vjp("y[m] = x[m-1] + z[m]", "x").result) == "dy[m + 1]"


@pytest.mark.parametrize(
    ("op", "claim"),
    [("sigmoid", "y[n-1]*(1 - y[n-1])"), ("sigmoid", "y[0]*(1 - y[0])"), ("relu", "[x[n+1] > 0]")],
)
def test_other_elements_are_not_read_as_the_same(op: str, claim: str) -> None:
    with pytest.raises(DefinitionError, match="stands with 1 index here"):
        check_claim(op, None, claim)
    assert check_claim("sigmoid", None, "y[n]*(1 - y[n])").verdict == PROVED


@pytest.mark.parametrize("claim", ["dy[b]*x[a]", "x[a]*dy[b]"])
def test_letters_of_one_size_are_not_guessed(claim: str) -> None:
    square = "y[i] = sum(w[i,j]*x[j], j) + x[i]"
    with pytest.raises(DefinitionError, match="open which is which"):
        check_claim(square, "w", claim)
    assert check_claim(square, "w", f"dw[b,a] = {claim}").verdict == PROVED
    assert check_claim(square, "w", f"dw[a,b] = {claim}").verdict == REFUTED


def test_what_goes_round_in_circles_is_a_defect_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def endless(*arguments: object) -> object:
        return endless(*arguments)

    monkeypatch.setattr("derive.claims.prove_equal", endless)
    assert main(["prove", "x = x"]) == 70
    assert "a defect of derivegen" in capsys.readouterr().err
