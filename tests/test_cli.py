"""The command line as its user meets it: output, files, mistakes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import derive
from derive.__main__ import main

ROOT = Path(__file__).resolve().parents[1]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = main(arguments)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_list_shows_every_operation_with_its_formula(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "list")
    assert status == 0
    shown = " ".join(out.split())
    for name, operation in derive.catalogue().items():
        assert f" {name} {' '.join(operation.record.definition.replace(';', ' ').split())}" in shown


def test_list_shows_what_has_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "list", "Labels", "logits")
    assert status == 0
    assert "softmax-cce-sparse" in out and "\n  cce " not in out
    status, out, err = run(capsys, "list", "softmax", "nonsense")
    assert (status, out) == (2, "")
    assert "no operation has softmax and nonsense in its name, group or title" in err


def test_pages_writes_a_page_an_operation_into_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, _ = run(capsys, "pages", str(tmp_path), "relu", "y[n] = sum(a[n,i]**3, i)")
    assert (status, sorted(os.listdir(tmp_path))) == (0, ["relu.md", "y.md"])
    assert "def y_backward(dy, a):" in (tmp_path / "y.md").read_text()
    assert run(capsys, "pages", str(tmp_path / "new"), "relu")[0] == 0 and (tmp_path / "new" / "relu.md").exists()
    status, _, err = run(capsys, "pages", str(tmp_path / "none" / "deeper"), "relu")
    assert status == 2 and "cannot make the folder" in err and not (tmp_path / "none").exists()


def test_show_gives_the_gradients_and_what_a_fact_makes_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "show", "softmax-cce")
    assert status == 0
    assert "  ∂L/∂z[n,k] = (p[n,k] sum_j t[n,j] - t[n,k]) / N\n" in out
    assert "given sum(t[n,k], k) = 1:  ∂L/∂z[n,k] = (p[n,k] - t[n,k]) / N\n" in out


def test_show_takes_a_definition(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "show", "y[n,k] = x[n,k] / sqrt(sum(x[n,j]**2, j))")
    assert status == 0
    assert "x̄[n,k] = (ȳ[n,k] - y[n,k] sum_j ȳ[n,j] y[n,j]) / sqrt(sum_j x[n,j]²)" in out


def test_a_name_reaches_python_as_given(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "latex", "dense", "--wrt", "w", "--notation", "notebook")
    assert r"\mathrm{dweights}" in out
    assert out.count("align*") == 4


def test_latex_in_a_file_is_a_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "softmax.tex"
    status, out, _ = run(capsys, "latex", "softmax", "--steps", "-o", str(target))
    assert (status, out) == (0, f"wrote {target}\n")
    text = target.read_text("utf-8")
    assert text.startswith(r"\documentclass")
    assert text.rstrip().endswith(r"\end{document}")
    assert "quotient rule" in text


@pytest.mark.parametrize(("name", "kinked"), [("causal-attention", False), ("relu", True), ("max", True)])
def test_kinks_are_spoken_of_where_there_are_any(name: str, kinked: bool, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "verify", name)
    assert ("at a kink or tie, where there may be none, its value is a convention" in out) == kinked


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("y = sqrt(abs(x))", "wherever x != 0"),
        ("y[n] = log(x[n])", "for every N, wherever x[n] > 0"),
        ("y = sqrt(x**2 + 1)", "for every value"),
        ("softmax-cce", "for every N and K"),
    ],
)
def test_what_is_proved_is_said_where_it_is_defined(name: str, scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "verify", name)[1].splitlines()
    (verdict,) = [line for line in lines if "it is the derivative of the whole expression" in line]
    assert verdict.split(", ", 1)[1].split(";")[0] == scope


def test_a_dash_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "code", "softmax", "-o", "-") == run(capsys, "code", "softmax")
    assert run(capsys, "latex", "softmax", "-o", "-")[1].startswith(r"\documentclass")
    assert not list(tmp_path.iterdir())


def test_code_in_a_file_is_what_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "layers.py"
    _, printed, _ = run(capsys, "code", "softmax", "dense")
    status, _, _ = run(capsys, "code", "softmax", "dense", "-o", str(target))
    assert status == 0
    assert target.read_text("utf-8") == printed
    compile(printed, "layers.py", "exec")


@pytest.mark.parametrize("target", ["numpy", "c"])
def test_code_in_a_notation(capsys: pytest.CaptureFixture[str], target: str) -> None:
    _, out, _ = run(capsys, "code", "dense", "--target", target, "--notation", "notebook")
    assert all(word in out for word in ("dvalues", "dinputs", "dweights", "dbiases")) and "dy" not in out
    _, out, _ = run(capsys, "code", "dense", "--target", target, "--notation", "leibniz")
    assert all(word in out for word in ("dL_dy", "dL_dx", "dL_dw", "dL_db")) and "dinputs" not in out
    status, _, err = run(capsys, "code", "dense", "--target", target, "--notation", "newton")
    assert status == 2 and "unknown notation 'newton'" in err


@pytest.mark.parametrize("where", ["missing/x.tex", "."])
def test_a_file_that_cannot_be_written_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "latex", "relu", "-o", where)
    assert (status, out) == (2, "")
    assert err.startswith(f"derive: cannot write {where}: ")
    assert os.listdir(tmp_path) == []


def test_a_mistake_leaves_an_old_file_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "old.tex"
    target.write_text("old", "utf-8")
    assert run(capsys, "latex", "softmax", "--wrt", "w", "-o", str(target))[0] == 2
    assert target.read_text("utf-8") == "old"
    assert os.listdir(tmp_path) == ["old.tex"]


def test_verify_proves_the_simplification_and_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "verify", "softmax-cce")
    assert status == 0
    assert "∂L/∂z[n,k] = (p[n,k] sum_j t[n,j] - t[n,k]) / N" in out
    assert "given sum(t[n,k], k) = 1:\n    ∂L/∂z[n,k] = (p[n,k] - t[n,k]) / N" in out
    assert "without it refuted" in out
    assert re.search(r"time of the separate backward passes over the combined one, 3 x 3: \d+\.\d\d", out)
    assert "agrees with the layer written by hand" in out
    assert "DIFFERS" not in out
    assert out.endswith("\nproved\n")
    assert "quotient rule" not in out
    assert "quotient rule" in run(capsys, "verify", "softmax-cce", "--steps")[1]


def test_verify_fails_when_the_code_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import codegen

    right = codegen.backward

    def wrong(*arguments: Any, **named: Any) -> object:
        function = right(*arguments, **named)

        class Wrong:
            saved = function.saved

            def __call__(self, upstream: object, **saved: object) -> tuple[object, ...]:
                return tuple(1.0005 * gradient for gradient in function(upstream, **saved))

        return Wrong()

    monkeypatch.setattr("codegen.verification.backward", wrong)
    status, out, _ = run(capsys, "verify", "softmax")
    assert status == 1
    assert "DIFFERS with central differences" in out
    assert out.endswith("\nNOT proved\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "sofmax"], "there is no operation called 'sofmax'; did you mean 'softmax'?"),
        (["show", "softmax", "--wrt", "q"], "softmax has no input 'q'; its inputs are x"),
        (["show", "softmax", "--given", "sum(q[n,k], k) = 1"], "unknown name q"),
        (["show", "softmax", "--parts", "--output", "y"], "--parts and --output do not go together"),
        (["latex", "mse", "--hessian", "--parts"], "--hessian and --parts do not go together"),
        (["show", "y", "=", "x"], "put it in quotes"),
        (["show", "LayerNorm"], "did you mean 'layer-norm'?"),
        (["show", "logistic"], "there is no operation called 'logistic'; did you mean sigmoid?"),
        (["show", "CrossEntropyLoss"], "did you mean cce or cce-sparse or softmax-cce or "),
        (["list", "nrom"], "no operation has nrom in its name, group or title; did you mean norm?"),
        (["show", "y = 1"], "y has no input to differentiate by: it has none at all"),
        (["code", "y = 1"], "y has no input to differentiate by: it has none at all"),
        (["verify", "y = 1"], "y has no input to differentiate by: it has none at all"),
        (["verify", "y[n] = log(-x[n]**2)"], "no values were found at which y is defined"),
        (["verify", "mse", "--wrt", "y", "--claim", "dy == y"], "write ="),
        (["prove", "x == y"], "write ="),
        (["latex", "softmax", "-o", ""], "'' names no file"),
        (["pages", ""], "'' is no folder"),
        (["pages", "README.md"], "'README.md' is no folder"),
        (["show", "y[n = 3"], "is not closed"),
        (["show", "y[n] = x[m]"], "index m is neither on the left nor bound by a sum"),
        (["code", "y[n] = x[n]/0"], "division by zero"),
        (["show", "y = __import__('os')"], "^"),
        (["show", "x*w + b"], "a formula has a name before it: 'y = x*w + b'"),
        (["show", "c - log(a/b)"], "a formula has a name before it: 'y = c - log(a/b)'"),
        (["show", "softmax(x)"], "give what comes out a name: 'y = softmax(x)'"),
        (["show", ""], "there is no operation called ''"),
        (["show", "y[n] = x[n] + x[n,k]"], "2 indices"),
        (["latex", "softmax", "--wrt", "w"], "softmax has no input 'w'; its inputs are x"),
        (["latex", "softmax", "--notation", "newton"], "unknown notation 'newton'"),
        (["latex", "cce-sparse", "--wrt", "t"], "t holds integers"),
        (["code", "softmax-cce", "--given", "sum(q[n,k], k) = 1"], "q"),
        (["code"], "NAME"),
        (["differentiate"], "there is no command 'differentiate'"),
        (["shwo"], "there is no command 'shwo'; did you mean show?"),
        ([], "COMMAND"),
        (["latex", "softmax", "--setps"], "derive latex: there is no option --setps; did you mean --steps?"),
        (["show", "softmax", "--digits", "3"], "derive show: there is no option --digits"),
        (["--nope"], "derive: there is no option --nope; `derive --help`"),
        (["--versoin"], "derive: there is no option --versoin; did you mean --version?"),
        (["pages"], "derive pages: the following arguments are required: FOLDER; `derive pages --help`"),
        (["show", "softmax", "--wrt"], "argument --wrt: expected one argument"),
        (["hessian", "mse", "--and", ""], "--and '' names the second input"),
        (["hessian", "mse", "--wrt", "y", "--and", ""], "mse has no input ''"),
        (["verify", "mse", "--seconds", "3"], "--seconds go with --claim"),
        (["verify", "mse", "--claim", "1", "--seconds", "x"], "a number of seconds above 0, not 'x'"),
        (["prove", "x = x", "--where", ""], "where takes definitions, and one of them is empty"),
        (["prove", "x = x", "--given", " "], "given takes facts, and one of them is empty"),
        (["pages", "made", "sofmax"], "did you mean 'softmax'?"),
        (["check", ""], "there is no file"),
        (["check", "made.py", "--seconds", "0"], "a number of seconds above 0, not '0'"),
        (["plot", "softmax", "-o", ""], "is no name for a picture"),
        (["plot", "relu", "--at", "x='a'"], "relu: expected a number, or rows of equally many, for x, not 'a'"),
        (["plot", "softmax", "--at", "x=[[1, 2], [3]]"], "softmax: expected a number, or rows of equally many, for x"),
        (["plot", "relu", "--kind", "jacobian", "--at", "x=None"], "relu: expected a number"),
        (["plot", "relu", "--at", "x=1, q=2"], "relu has no input q; its inputs are x"),
        (["plot", "relu", "--at", "x=1, x=2"], "--at is NAME=VALUE"),
        (["train", "--hidden", "999999999"], "a number of neurons from 1 to 100000"),
        (["train", "dense(2,3) > relu", "-o", "made"], "has to end with a loss of classes"),
    ],
)
def test_a_mistake_gets_one_message_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    there = os.listdir()
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err and "usage:" not in err
    assert os.listdir() == there


def test_the_module_runs_and_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m derive list | head -n 1"
    finished = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stderr == ""
    assert finished.stdout == "arithmetic\n"


def test_no_colour_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in run(capsys, "show", "softmax")[1]


def test_the_tour_goes_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "tour")
    assert status == 0
    for name in ("multiplication", "sum", "rectified linear unit", "softmax", "cross-entropy", "dense layer"):
        assert name in out
    before, after = map(float, re.findall(r"loss before (\S+), after (\S+)", out)[0])
    assert after < before
    assert "\nproved\n" in out
