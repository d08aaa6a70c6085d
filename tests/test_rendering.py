"""Pages of derivations: exact texts, widths, and the two engines that must accept the LaTeX, where installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sympy
from sympy import Expr, exp, sqrt
from test_printing import TEXTS

from derive.definitions import Definition
from derive.derivation import Derivation, Step
from derive.facts import Fact
from derive.indicators import Delta
from derive.indices import Index, Tensor, size
from derive.latex import latex_text
from derive.layout import LATEX_LINE, broken_text, display_width, latex_width, latex_words
from derive.notation import BAR, LEIBNIZ, NOTEBOOK, Notation, find_notation
from derive.operation import Operation
from derive.record import Record
from derive.rendering import latex_document, latex_section, render_latex, render_markdown, render_text
from derive.sums import IndexSum, Partial

N, K = size("N"), size("K")
n, m, k, j, l = (Index(name, N if name in "nm" else K) for name in "nmkjl")
x, y = Tensor("x", (N, K)), Tensor("y", (N, K))
up, down = y.gradient(), x.gradient()
below = IndexSum(exp(x[n, j]), j)
SOFTMAX = Operation((Definition(y[n, k], exp(x[n, k]) / below),), (x,), Record("softmax", ""))
ROWS_SUM_TO_ONE = Fact(IndexSum(y[n, k], k), sympy.Integer(1), "sum(y[n,k], k) = 1")


def jacobian() -> Derivation:
    left = Partial(y[n, k], x[m, l])
    rows = [
        ("definition", Partial(exp(x[n, k]) / below, x[m, l]), ""),
        ("quotient rule",
         (Partial(exp(x[n, k]), x[m, l]) * below - exp(x[n, k]) * Partial(below, x[m, l])) / below**2, ""),
        ("derivative of an element",
         Delta(n, m) * (Delta(k, l) * exp(x[n, k]) * below - exp(x[n, k]) * exp(x[n, l])) / below**2, ""),
        ("fold back", Delta(n, m) * y[n, k] * (Delta(k, l) - y[n, l]), "y[n,k] is the softmax"),
    ]  # fmt: skip
    return Derivation("softmax: Jacobian", SOFTMAX, left, chain(left, rows), rows[-1][1])


def chain(left: Expr, rows: list[tuple[str, Expr, str]]) -> tuple[Step, ...]:
    steps, before = [], left
    for rule, after, note in rows:
        steps.append(Step(rule, left, before, after, note))
        before = after
    return tuple(steps)


def product(**changes: Any) -> Derivation:
    left = down[n, k]
    rows = [
        ("chain rule", IndexSum(up[m, j] * Partial(y[m, j], x[n, k]), m, j), ""),
        ("the delta collapses the sum", y[n, k] * (up[n, k] - IndexSum(up[n, j] * y[n, j], j)), ""),
    ]
    given: dict[str, Any] = {
        "title": "softmax: gradient", "operation": SOFTMAX, "target": left, "steps": chain(left, rows),
        "result": rows[-1][1],
    }  # fmt: skip
    return Derivation(**{**given, **changes})


def wide() -> Derivation:
    variance, eps = Tensor("variance", (N,)), Tensor("eps")()
    left = down[n, k]
    term = up[n, k] * IndexSum(up[n, j] * y[n, j], j) / sqrt(variance[n] + eps)
    long = sum((term * y[n, k] ** power for power in range(2, 8)), x[n, k])
    fraction = long / (1 + exp(x[n, k]))
    steps = chain(left, [("expansion", long, ""), ("division", fraction, "")])
    return Derivation("wide", SOFTMAX, left, steps, fraction)


DERIVATIONS = {"jacobian": jacobian(), "product": product(), "wide": wide()}
NOTATIONS = [BAR, LEIBNIZ, find_notation("notebook", SOFTMAX)]


# ---- the terminal ----


def test_text_of_a_derivation() -> None:
    assert render_text(product()) == "\n".join([
        "softmax: gradient",
        "",
        "  y[n,k] = exp(x[n,k]) / (sum_j exp(x[n,j]))",
        "",
        "  x̄[n,k] = sum_m sum_j ȳ[m,j] ∂y[m,j]/∂x[n,k]      chain rule",
        "         = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])   the delta collapses the sum",
    ])  # fmt: skip


def test_a_long_left_side_stands_alone_and_a_long_line_is_broken() -> None:
    assert render_text(jacobian()).split("\n\n")[2] == "\n".join([
        "  ∂y[n,k]/∂x[m,l]",
        "    = ∂(exp(x[n,k]) / (sum_j exp(x[n,j])))/∂x[m,l]   definition",
        "    = (∂exp(x[n,k])/∂x[m,l] sum_j exp(x[n,j]) - exp(x[n,k]) ∂(sum_j exp(x[n,j]))/∂x[m,l])",
        "        / (sum_j exp(x[n,j]))²                       quotient rule",
        "    = δ[n,m] (δ[k,l] exp(x[n,k]) sum_j exp(x[n,j]) - exp(x[n,k]) exp(x[n,l]))",
        "        / (sum_j exp(x[n,j]))²                       derivative of an element",
        "    = δ[n,m] y[n,k] (δ[k,l] - y[n,l])                fold back: y[n,k] is the softmax",
    ])  # fmt: skip


def test_the_result_alone_is_one_line() -> None:
    assert render_text(product(), steps=False) == "x̄[n,k] = y[n,k] (ȳ[n,k] - sum_j ȳ[n,j] y[n,j])"


def test_assumptions_are_said_at_the_end() -> None:
    given = product(assumptions=("sum(y[n,k], k) = 1", "no row is empty"), facts=(ROWS_SUM_TO_ONE,))
    assert render_text(given).endswith("\n\n  given that sum_k y[n,k] = 1 and no row is empty")
    assert render_text(given, steps=False).endswith("\ngiven that sum_k y[n,k] = 1 and no row is empty")
    assert render_markdown(given).endswith("\n\ngiven that $\\sum_{k=1}^{K} y_{n,k} = 1$ and $\\text{no row is empty}$")
    assert r"\text{given that } \sum_{k=1}^{K} y_{n,k} = 1 \text{ and } \text{no row is empty}" in render_latex(given)


def test_a_result_that_no_step_states_is_stated_at_the_end() -> None:
    other = product(result=y[n, k])
    assert render_text(other).endswith("  x̄[n,k] = y[n,k]" + " " * 34 + "result")
    assert render_latex(other).endswith("\\bar{x}_{n,k} &= y_{n,k} && \\text{result}\n\\end{align*}")


def test_a_step_that_starts_elsewhere_shows_where() -> None:
    left = down[n, k]
    steps = (Step("insert", left, up[n, k] * y[n, k], y[n, k] * up[n, k] / 2),)
    text = render_text(product(steps=steps, result=steps[0].after))
    assert text.endswith("  x̄[n,k] = ȳ[n,k] y[n,k]\n         = ȳ[n,k] y[n,k] / 2   insert")


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda notation: notation.name)
@pytest.mark.parametrize("name", DERIVATIONS)
@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_terminal(name: str, notation: Notation, width: int) -> None:
    lines = render_text(DERIVATIONS[name], notation, width=width).splitlines()
    assert max(map(display_width, lines)) <= width


def test_colour_marks_the_title_and_the_rules_alone() -> None:
    coloured = render_text(product(), colour=True)
    assert "\x1b[1msoftmax: gradient\x1b[0m" in coloured
    assert "\x1b[36mchain rule\x1b[0m" in coloured
    plain = coloured
    for code in ("\x1b[1m", "\x1b[36m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert plain == render_text(product())
    assert "\x1b" not in render_text(product())


# ---- LaTeX and Markdown ----


def test_latex_of_a_derivation() -> None:
    assert render_latex(product()) == "\n".join([
        r"\begin{align*}",
        r"\bar{x}_{n,k} &= \sum_{m=1}^{N} \sum_{j=1}^{K} \bar{y}_{m,j}\, \frac{\partial y_{m,j}}{\partial x_{n,k}}"
        r" && \text{chain rule} \\",
        r"&= y_{n,k}\left(\bar{y}_{n,k} - \sum_{j=1}^{K} \bar{y}_{n,j}\, y_{n,j}\right)"
        r" && \text{the delta collapses the sum}",
        r"\end{align*}",
    ])  # fmt: skip


def test_latex_of_the_result_alone() -> None:
    assert render_latex(product(), LEIBNIZ, steps=False) == "\n".join([
        r"\begin{align*}",
        r"\frac{\partial L}{\partial x_{n,k}} &= y_{n,k}\left(\frac{\partial L}{\partial y_{n,k}}"
        r" - \sum_{j=1}^{K} \frac{\partial L}{\partial y_{n,j}}\, y_{n,j}\right)",
        r"\end{align*}",
    ])  # fmt: skip


def test_latex_of_two_blocks_leaves_room_between_them() -> None:
    both = product(steps=jacobian().steps + product().steps)
    assert render_latex(both).count("[1ex]") == 1
    assert render_latex(both).count(r"\begin{align*}") == 1


def test_a_short_note_stands_beside_its_rule() -> None:
    assert r"&& \text{fold back: $y_{n,k}$ is the softmax}" in render_latex(jacobian())


def test_a_wide_derivation_is_broken_and_its_rules_stand_at_the_margin() -> None:
    text = render_latex(wide())
    assert r"\tag*{expansion}" in text
    assert r"& \tag*{division}" in text
    assert text.count(r"&\quad + ") >= 1
    assert r"\frac{1}{1 + e^{x_{n,k}}}\left(\begin{aligned} & \frac{\bar{y}_{n,k}" in text


def test_a_row_counts_positions_as_the_whole_derivation_does() -> None:
    left = down[n, k]
    steps = chain(left, [("one", IndexSum(x[n, j], j), ""), ("two", IndexSum(x[n, j], j) + x[0, k] - x[0, k + 1], "")])
    text = render_latex(product(steps=steps, result=steps[-1].after))
    assert text.count(r"\sum_{j=0}^{K - 1}") == 2
    assert "=1}" not in text


def test_markdown_numbers_the_steps() -> None:
    assert render_markdown(product()) == "\n\n".join([
        "## softmax: gradient",
        r"$$y_{n,k} = \frac{e^{x_{n,k}}}{\sum_{j=1}^{K} e^{x_{n,j}}}$$",
        "1. chain rule",
        r"   $$\bar{x}_{n,k} = \sum_{m=1}^{N} \sum_{j=1}^{K} \bar{y}_{m,j}\,"
        r" \frac{\partial y_{m,j}}{\partial x_{n,k}}$$",
        "2. the delta collapses the sum",
        r"   $$\bar{x}_{n,k} = y_{n,k}\left(\bar{y}_{n,k} - \sum_{j=1}^{K} \bar{y}_{n,j}\, y_{n,j}\right)$$",
        "The result:",
        r"$$\bar{x}_{n,k} = y_{n,k}\left(\bar{y}_{n,k} - \sum_{j=1}^{K} \bar{y}_{n,j}\, y_{n,j}\right)$$",
    ])  # fmt: skip
    assert render_markdown(product(), NOTEBOOK.bound_to(SOFTMAX), steps=False) == (
        r"$$\mathrm{dinputs}_{n,k} = y_{n,k}\left(\mathrm{dvalues}_{n,k}"
        r" - \sum_{j=1}^{K} \mathrm{dvalues}_{n,j}\, y_{n,j}\right)$$"
    )


def test_a_document_stands_alone() -> None:
    text = latex_document(["first", "second"], "50% of A & B")
    assert text.startswith("\\documentclass[a4paper,10pt]{article}\n")
    assert r"\section*{50\% of A \& B}" in text
    assert "first\n\nsecond" in text
    assert text.endswith("\\end{document}\n")
    assert text.isascii()


# ---- layout ----


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a + b", 10, ["a + b"]),
        ("a b (c + d) - e f + g", 13, ["a b (c + d)", "- e f + g"]),
        ("f(a + b + c + d)", 8, ["f(a + b", "+ c + d)"]),
        ("-a - b", 3, ["-a", "- b"]),
        ("indivisible", 4, ["indivisible"]),
        ("a = b", 3, ["a = b"]),
    ],
)
def test_where_a_line_is_broken(text: str, width: int, lines: list[str]) -> None:
    assert broken_text(text, width) == lines


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("y[n,k] is 50% of x_0", r"$y_{n,k}$ is 50\% of x\_0"),
        ("x0[n] and gamma[k]", r"$x_{0,n}$ and $\gamma_{k}$"),
        ("a < b & {c} # $d ~ e^2 \\", r"a $<$ b \& \{c\} \# \$d \textasciitilde  e\textasciicircum 2 \textbackslash "),
        ("δ ≥ ∂, naïve, 名", r"$\delta$ $\geq$ $\partial$, na\"{i}ve, U+540D"),
        ("Größe, où, façade", r"Gr\"{o}{\ss}e, o\`{u}, fa\c{c}ade"),
    ],
)
def test_prose_in_latex(text: str, latex: str) -> None:
    assert latex_words(text) == latex
    assert latex_words(text).isascii()


def test_width_of_a_fraction_and_of_scripts() -> None:
    assert latex_width(r"\frac{a + b}{c}") == pytest.approx(latex_width("a + b") + 0.8)
    assert latex_width("x_{n}^{2}") == pytest.approx(latex_width("x_{n}"))
    assert latex_width("x_{n}") < latex_width("xn")


# ---- the engines ----


def every_formula() -> list[str]:
    pages = [
        render_latex(derivation, notation, steps)
        for derivation in DERIVATIONS.values()
        for notation in NOTATIONS
        for steps in (True, False)
    ]
    named = [Tensor(name, (N,)).gradient()[n] for name in ("x_hat", "w_out", "_x", "é", "名", "batch_mean", "Ω", "h2o")]
    expressions = [row[0] for row in TEXTS] + named
    return pages + [latex_text(expr, notation) for expr in expressions for notation in NOTATIONS]


def test_pdflatex_accepts_every_formula(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    formulas = every_formula()
    parts = [text if text.startswith(r"\begin{align*}") else f"\\[{text}\\]" for text in formulas]
    parts += [latex_section(derivation, BAR) for derivation in DERIVATIONS.values()]
    (tmp_path / "page.tex").write_text(latex_document(parts, "every formula: δ, x_0"), "utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout, done.stdout
    assert (tmp_path / "page.pdf").stat().st_size > 10_000


def test_the_estimated_width_is_near_the_measured_one(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    formulas = [row[3] for row in TEXTS if "cases" not in row[3]]
    boxes = "\n".join(rf"\sbox\one{{$\displaystyle {text}$}}\typeout{{WIDTH \the\wd\one}}" for text in formulas)
    (tmp_path / "w.tex").write_text(
        rf"\documentclass{{article}}\usepackage{{amsmath}}\newsavebox\one\begin{{document}}{boxes}\end{{document}}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "w.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=240, check=False,
    )  # fmt: skip
    measured = [float(line.split()[1].removesuffix("pt")) / 5 for line in done.stdout.splitlines() if "WIDTH" in line]
    assert len(measured) == len(formulas)
    for text, width in zip(formulas, measured, strict=True):
        assert latex_width(text) == pytest.approx(width, rel=0.35, abs=2), text
    assert max(measured) < LATEX_LINE


def test_katex_accepts_every_formula_in_its_strict_mode() -> None:
    folder = os.environ.get("KATEX_DIR")
    if shutil.which("node") is None or not folder:
        pytest.skip("node is not installed, or KATEX_DIR does not name the folder of a katex package")
    program = """
        const katex = require(process.argv[1]);
        for (const text of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
            try { katex.renderToString(text, {displayMode: true, strict: 'error', throwOnError: true}); }
            catch (error) { console.log(text + '\\n  ' + error.message); }
        }
    """
    done = subprocess.run(
        ["node", "-e", program, str(Path(folder).resolve())],
        input=json.dumps(every_formula()), capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    assert done.stdout == ""
