"""What a notebook shows of a value without a call: formulas, in exactly one form, so that no front end disagrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_documents import balanced

import codegen
import derive
from derive.verification import verify

FORMS = ("_repr_html_", "_repr_markdown_", "_repr_latex_")
SHOWN: dict[str, tuple[Callable[[], Any], str]] = {
    "operation": (lambda: derive.find("dense"), r"y_{n,k} &= \sum_{d=1}^{D}"),
    "derivation": (lambda: derive.vjp("softmax", "x"), r"\bar{x}_{n,k} &= "),
    "parts": (lambda: derive.by_parts("attention", ["q"]), r"\bar{q}_{n,i,d} &= \frac{1}{\sqrt{D}}"),
    "pullback": (lambda: derive.pull_back("dense"), r"\bar{b}_{k} &= \sum_{n=1}^{N} \bar{y}_{n,k}"),
    "hessian": (lambda: derive.hessian("mse", "y"), r"\frac{\partial^{2}"),
    "proof": (lambda: derive.prove("sigmoid(x) = 1 - sigmoid(-x)"), "**proved**"),
    "refutation": (lambda: derive.prove("sum(x[i], i) = 1"), r"\neq"),
    "claim": (lambda: derive.check_claim("mse", "y", "2*(y[n,k] - t[n,k])/N"), "**refuted**"),
    "checks": (lambda: verify("softmax-cce"), "**proved** for every $N$ and $K$; 15 steps"),
    "element": (lambda: derive.find("dense").output.target, "y_{n,k}"),
    "report": (lambda: codegen.report("relu"), "<math"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_shows_itself_in_one_form(name: str) -> None:
    make, part = SHOWN[name]
    value = make()
    forms = [form for form in FORMS if hasattr(value, form)]
    assert len(forms) == 1, f"{forms} may say different things"
    text = getattr(value, forms[0])()
    assert part in text
    if forms != ["_repr_html_"]:
        assert balanced(text)


def test_a_plain_tuple_shows_nothing() -> None:
    assert not any(hasattr(tuple(derive.by_parts("dense")), form) for form in FORMS)


def test_parts_are_a_tuple_still() -> None:
    parts = derive.by_parts("dense")
    assert isinstance(parts, tuple) and len(parts) == 3
    assert str(parts).splitlines()[-1] == "b̄[k] = sum_n ȳ[n,k]"
    assert derive.by_parts("attention", ["q"]).latex("leibniz").count(r"\partial L") > 3


def test_what_was_given_is_said_once() -> None:
    text = derive.by_parts("softmax-cce", given=["sum(t[n,k], k) = 1"]).latex()
    assert text.count(r"\text{given that } \sum_{k=1}^{K} t_{n,k} = 1") == 1
    assert "given" not in derive.by_parts("softmax-cce").latex()


def test_a_false_claim_is_told_with_its_numbers() -> None:
    wrong = derive.check_claim("mse", "y", "2*(y[n,k] - t[n,k])/N").markdown()
    right = derive.check_claim("mse", "y", "2*(y[n,k] - t[n,k])/(N*K)").markdown()
    assert "the factor 1/K is missing" in wrong and "```text" in wrong
    assert "**proved" in right and "missing" not in right


@pytest.mark.parametrize(("claim", "is_true"), [("exp(x)*exp(y) = exp(x + y)", True), ("exp(x)*y = exp(x*y)", False)])
def test_a_proof_ends_with_its_steps_and_does_not_repeat_its_claim(claim: str, is_true: bool) -> None:
    proof = derive.prove(claim)
    shown = proof.markdown()
    head, *steps = shown.split("\n\n## ")
    assert ("**proved**" in head) == is_true and bool(steps) == bool(proof.steps)
    assert "The result" not in shown and shown.count(head.splitlines()[0] + "\n\n") == 1
