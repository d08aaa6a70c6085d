"""The traps of printing NumPy code, each seen once; and the printer's table, row by row."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from lowering_cases import CASES, Case
from numpy.testing import assert_allclose, assert_array_equal
from sympy import Float, Integer, Rational, Symbol, exp, log, sqrt

import codegen
import derive
from codegen.c_compiler import find_compiler
from codegen.elementary import FUNCTIONS, prepare
from codegen.helpers import HELPERS, LOADED
from codegen.numpy_maps import build_map
from codegen.numpy_printer import ROWS, NumpyText, Text, negated, numpy_text
from codegen.ops import Map
from derive.functions import Where
from derive.indicators import Bracket
from derive.indices import Tensor

pytestmark = pytest.mark.filterwarnings("error")
a, b, c = Text("a"), Text("b"), Text("c")
x = Tensor("x")()


def text(function: str, *operands: sympy.Expr, signs: tuple[int, ...] = ()) -> str:
    return numpy_text(build_map(Map(function, signs), operands))


def sum_of(*operands: sympy.Expr, signs: tuple[int, ...] = ()) -> sympy.Expr:
    return build_map(Map("add", signs), operands)


# ---- the table ----


@pytest.mark.parametrize("name", ROWS)
def test_every_printed_name_is_there(name: str) -> None:
    printed = ROWS[name]
    if printed.startswith("np."):
        assert callable(getattr(np, printed.removeprefix("np.")))
    else:
        assert callable(LOADED[printed])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_row_fires(name: str) -> None:
    operands = [a, b] if name in ("maximum", "minimum", "logaddexp") else [a]
    assert text(name, *operands) == f"{ROWS[FUNCTIONS[name].__name__]}({', '.join(numpy_text(o) for o in operands)})"


def test_no_row_is_dead() -> None:
    made = {
        type(build_map(Map(name), [a, b] if name in ("maximum", "minimum", "logaddexp") else [a])) for name in FUNCTIONS
    }
    others = {"Where", "Square", "SquareRoot", "FullLike", "CopyOf", "SumToShape"}
    assert {kind.__name__ for kind in made} | others == set(ROWS)


# ---- text ----

TEXTS = [
    (text("div", Integer(1), a), "1 / a"),
    (text("div", a, b), "a / b"),
    (text("div", a, text_product := build_map(Map("mul"), [b, c])), "a / (b * c)"),
    (text("mul", a, text_product), "a * b * c"),
    (text("mul", a, sum_of(b, c)), "a * (b + c)"),
    (text("mul", sum_of(a, b), c), "(a + b) * c"),
    (numpy_text(sum_of(a, b, signs=(1, -1))), "a - b"),
    (numpy_text(sum_of(a, sum_of(b, c), signs=(1, -1))), "a - (b + c)"),
    (numpy_text(sum_of(a, negated(b))), "a - b"),
    (text("neg", sum_of(a, b)), "-(a + b)"),
    (text("square", a), "a * a"),
    (text("square", sum_of(a, b)), "np.square(a + b)"),
    (text("mul", a, a, a), "a * a * a"),
    (text("sqrt", a), "np.sqrt(a)"),
    (text("pow", a, b), "a**b"),
    (text("pow", sum_of(a, b), Rational(1, 3)), "(a + b) ** (1 / 3)"),
    (text("pow", a, Float("0.3")), "a**0.3"),
    (text("greater", a, Integer(0)), "a > 0"),
    (text("mul", a, build_map(Map("greater"), [b, c])), "a * (b > c)"),
    (text("where", build_map(Map("not_equal"), [a, b]), Integer(1), c), "np.where(a != b, 1, c)"),
    (numpy_text(Text("x @ w", 30)), "x @ w"),
    (text("mul", a, Text("x @ w", 30)), "a * (x @ w)"),
    (text("mul", Rational(1, 2), a), "0.5 * a"),
    (text("mul", Rational(2, 3), a), "2 / 3 * a"),
    (numpy_text(sqrt(2)), "2**0.5"),
    (numpy_text(sqrt(Symbol("D"))), "D**0.5"),
    (numpy_text(1 / sqrt(Symbol("D"))), "1 / D**0.5"),
    (numpy_text(2 * sympy.pi), "2 * np.pi"),
    (numpy_text(-sympy.oo), "-np.inf"),
    (numpy_text(Integer(-1000000000)), "-1e9"),
    (numpy_text(Integer(1234567)), "1234567"),
    (numpy_text(Rational(1, 100000)), "1e-5"),
    (numpy_text(Rational(44715, 1000000)), "0.044715"),
    (numpy_text(Float("1e-12")), "1e-12"),
    (numpy_text(sympy.E), "np.e"),
    (numpy_text(sympy.EulerGamma), "0.5772156649015329"),
]


@pytest.mark.parametrize(("found", "expected"), TEXTS, ids=[expected for _, expected in TEXTS])
def test_text_of_an_expression(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize(("found", "expected"), TEXTS, ids=[expected for _, expected in TEXTS])
def test_text_means_what_python_reads(found: str, expected: str) -> None:
    rng = np.random.default_rng(1)
    names = {name: rng.uniform(0.5, 1.5, (3, 3)) for name in ("a", "b", "c", "x", "w")}
    value = eval(found, {"np": np, "D": 4, **names})
    assert np.all(np.isfinite(value)) or "inf" in found


# ---- the traps ----

TRAPS = {
    "no generator for a sum": "y[n] = sum(x[n,k]*w[k], k)",
    "no ternary for a delta": "y[n,k] = x[n,k] - delta(k, t[n])",
    "no power of -1": "y = 1/x",
    "no power of 3": "y = x**3",
    "no widening root": "y = sqrt(2)*x",
    "no widening constant": "y[n,k] = x[n,k]/sqrt(K) + log(2)",
    "four factors": "y = sum(a[i,j]*b[j,k]*c[k,l]*d[l,i], i, j, k, l)",
}


def made_of(definition: str) -> str:
    lines = codegen.forward(definition).source.splitlines()
    return "\n".join(lines[lines.index('    """', 1) + 1 :])


def test_no_generator_no_ternary_no_loop() -> None:
    for definition in TRAPS.values():
        assert not re.search(r"\b(for|if|lambda|Sum|KroneckerDelta)\b", made_of(definition))


def test_powers_are_products() -> None:
    assert made_of(TRAPS["no power of -1"]) == "    return 1 / x"
    assert made_of(TRAPS["no power of 3"]) == "    return x * x * x"
    assert made_of("y = x**4").count("**") == 0
    assert made_of("y = x**(-2)") == "    return 1 / (x * x)"


@pytest.mark.parametrize("name", ["no widening root", "no widening constant", "no power of 3", "no power of -1"])
def test_float32_stays(name: str) -> None:
    run = codegen.forward(TRAPS[name])
    rank = run.operation.inputs[0].rank
    assert run(np.ones((3, 5)[:rank] or (3,), np.float32)).dtype == np.float32


def test_a_constant_keeps_its_shape() -> None:
    (gradient,) = codegen.backward("y[n] = sum(x[n,k], k)")(np.ones(3, np.float32), x=np.ones((3, 5), np.float32))
    assert_array_equal(gradient, np.ones((3, 5)))
    assert gradient.dtype == np.float32
    _, pullback = codegen.vjp("y = abs(sign(x))", np.ones((3, 5), np.float32))
    (gradient,) = pullback(np.ones((3, 5), np.float32))
    assert_array_equal(gradient, np.zeros((3, 5)))
    assert gradient.dtype == np.float32


def test_several_factors_are_multiplied_in_a_good_order() -> None:
    """Pair by pair: four factors in one einsum would be a loop over all four indices."""
    assert made_of(TRAPS["four factors"]) == "    return (a @ b * (c @ d).T).sum()"


def test_logarithm_of_one_plus_exponential_does_not_overflow() -> None:
    run = codegen.forward("y = log(1 + exp(u))")
    assert made_of("y = log(1 + exp(u))") == "    return _softplus(u)"
    assert_allclose(run(np.array([-1000.0, 0.0, 1000.0])), [0.0, np.log(2), 1000.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_does_not_overflow(dtype: type) -> None:
    points = np.array([-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4], dtype)
    expected = [float(1 / (1 + mpmath.exp(-mpmath.mpf(float(point))))) for point in points]
    for definition in ("y = 1/(1 + exp(-x))", "y = exp(x)/(1 + exp(x))"):
        found = codegen.forward(definition)(points)
        assert found.dtype == dtype
        assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


def test_silu_and_its_gradient_at_the_ends() -> None:
    points = np.array([-1e4, -50.0, 0.0, 50.0, 1e4])
    output, pullback = codegen.vjp("y = x/(1 + exp(-x))", points)
    assert_allclose(output, [0.0, -50 / (1 + np.exp(50)), 0.0, 50.0, 1e4], rtol=1e-14, atol=0)
    (gradient,) = pullback(np.ones(5))
    assert np.all(np.isfinite(gradient))
    assert_allclose(gradient[[0, 2, 4]], [0.0, 0.5, 1.0], atol=1e-15)


def test_the_branch_not_chosen_does_not_warn() -> None:
    points = np.array([-2.0, 0.0, 3.0, 1e4, -1e4])
    for definition, expected in (
        ("y = where(x > 0, log(x), 0)", np.where(points > 0, np.log(np.maximum(points, 1e-300)), 0)),
        ("y = where(x > 0, 1/x, x)", [-2.0, 0.0, 1 / 3, 1e-4, -1e4]),
        ("y = where(x > 0, sqrt(x), x)", [-2.0, 0.0, np.sqrt(3), 100.0, -1e4]),
        ("y = where(x > 0, x, exp(x) - 1)", [np.expm1(-2), 0.0, 3.0, 1e4, -1.0]),
        ("y = where(x > 1, x, exp(x))", [np.exp(-2), 1.0, 3.0, 1e4, 0.0]),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_allclose(codegen.forward(definition)(points), expected, rtol=1e-14)


def test_small_differences_are_not_lost() -> None:
    assert_allclose(codegen.forward("y = exp(x) - 1")(np.array([1e-12])), [1e-12], rtol=1e-11)
    assert_allclose(codegen.forward("y = 2*exp(x) - 2")(np.array([1e-12])), [2e-12], rtol=1e-11)
    assert_allclose(codegen.forward("y = log(1 + x)")(np.array([1e-12])), [1e-12], rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmax_at_large_logits(dtype: type, scale: float) -> None:
    logits = (scale * np.array([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-1.0, -1.0, 1.0]])).astype(dtype)
    exact = [[mpmath.exp(mpmath.mpf(float(value))) for value in row] for row in logits]
    expected = [[float(value / sum(row)) for value in row] for row in exact]
    found = codegen.forward("softmax")(logits)
    assert found.dtype == dtype
    assert_allclose(found, expected, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=np.finfo(dtype).tiny)


# ---- rewriting of expressions ----

FORMS = [
    (log(1 + exp(x)), "LogAddExp(0, x)"),
    (log(exp(2 * x) + exp(x)), "LogAddExp"),
    (log(1 + x), "Log1p"),
    (exp(x) - 1, "Expm1"),
    (1 - exp(x), "Expm1"),
    (1 / (1 + exp(-x)), "Sigmoid"),
    (exp(x) / (1 + exp(x)), "Sigmoid"),
    (exp(-x) / (1 + exp(-x)) ** 2, "Sigmoid"),
    ((1 + (1 + x) * exp(-x)) / (1 + exp(-x)) ** 2, "Sigmoid"),
]


@pytest.mark.parametrize(("expr", "expected"), FORMS, ids=lambda value: str(value))
def test_prepared_forms_have_no_exponential_left(expr: sympy.Expr, expected: str) -> None:
    prepared = prepare(expr)
    kinds = {type(part).__name__ for part in sympy.preorder_traversal(prepared)}
    assert expected.split("(")[0] in kinds
    assert "exp" not in kinds


@pytest.mark.parametrize("expr", [log(2 + exp(x)), exp(x) + 1, 1 / (2 + exp(x)), log(x), exp(x) - 2])
def test_other_forms_are_left_alone(expr: sympy.Expr) -> None:
    assert prepare(expr) == expr


def test_a_guard_stands_only_where_a_branch_may_fail() -> None:
    condition = Bracket(">", x, 0)
    assert prepare(Where(condition, x, 2 * x)) == Where(condition, x, 2 * x)
    assert prepare(Where(condition, log(x), x)) == Where(condition, log(Where(condition, x, 1)), x)


# ---- helpers ----


def test_erf_is_right_to_two_units_in_the_last_place() -> None:
    points = np.concatenate(
        [np.linspace(-7, 7, 4001), np.logspace(-300, 0, 301), [0.9999999999999999, 1.0, 1.0000000000000002]]
    )
    expected = np.array([float(mpmath.erf(float(point))) for point in points])
    assert np.max(np.abs(LOADED["_erf"](points) - expected) / np.spacing(np.abs(expected) + 1e-300)) <= 2
    assert_array_equal(LOADED["_erf"](np.array([np.inf, -np.inf, 0.0])), [1.0, -1.0, 0.0])
    assert np.isnan(LOADED["_erf"](np.nan))
    narrow = points.astype(np.float32)
    expected = np.array([float(mpmath.erf(float(point))) for point in narrow])
    assert LOADED["_erf"](narrow).dtype == np.float32
    assert_allclose(LOADED["_erf"](narrow), expected, rtol=4e-7, atol=1e-37)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_tail_of_softplus_is_right_to_three_units_in_the_last_place(dtype: type) -> None:
    x = np.concatenate([np.linspace(-90, 90, 2001), np.linspace(-1, 1, 2001), [1e-6, -1e-6]]).astype(dtype)
    expected = np.array([float(mpmath.log1p(mpmath.exp(-abs(mpmath.mpf(float(each)))))) for each in x])
    tail = LOADED["_softplus_tail"]
    units = np.spacing(expected.astype(dtype)).astype(float)
    assert np.max(np.abs(tail(x) - expected) / units) <= 3
    assert np.max(np.abs(np.log(1 + np.exp(-np.abs(x))) - expected) / units) > 100  # Without what is put back.
    assert tail(x).dtype == dtype
    assert_array_equal(tail(np.array([np.inf, -np.inf, np.nan], dtype)), np.array([0, 0, np.nan], dtype))


def test_a_function_by_blocks_takes_what_numpy_s_do() -> None:
    cdf, x = LOADED["_normal_cdf"], np.linspace(-4, 4, 60_000).reshape(3, 20_000)
    assert_array_equal(cdf(x), [cdf(row[None])[0] for row in x])
    assert_array_equal(cdf(x.T), cdf(x).T)
    assert_allclose(cdf(np.array([[-1, 0, 2]])), [[0.15865525393145707, 0.5, 0.9772498680518208]], rtol=1e-14)
    for number in (np.float16(1), np.float32(1), 1.0, 1):
        assert np.shape(cdf(number)) == ()
        assert cdf(number).dtype == (number.dtype if isinstance(number, np.floating) else float)
    assert cdf(np.zeros((0, 3))).shape == (0, 3)


def test_a_confident_prediction_keeps_its_small_loss() -> None:
    """``max(z, 0) - t*z`` cancels, and what is left is added after that: 2e-9 beside 20 would be gone."""
    loss = codegen.forward("bce-logits")
    for dtype in (np.float32, np.float64):
        z, t = np.array([[20.0, -20.0]], dtype), np.array([[1.0, 0.0]], dtype)
        assert_allclose(loss(z, t), np.log1p(np.exp(-20.0)), rtol=4 * np.finfo(dtype).eps)
        assert_allclose(loss(z, 1 - t), 20.0, rtol=1e-7)
    assert "np.maximum(z, 0) - z * t + _softplus_tail(z)" in loss.text.text
    weighted = codegen.forward("L = sum(w*t[n]*log(1 + exp(-z[n])) + (1 - t[n])*log(1 + exp(z[n])), n)")
    assert "np.maximum(-z, 0)" in weighted.text.text  # The factors add up to no number.
    assert_allclose(weighted(1.0, np.array([0.0, 1.0]), np.array([-20.0, 20.0])), 2 * np.log1p(np.exp(-20.0)))


@pytest.mark.parametrize("target", ["numpy", "c"])
@pytest.mark.parametrize(
    ("factors", "value"),
    [
        (("1", "-1"), "z"), (("-a", "a"), "-a*z"), (("a", "1 - a"), None), (("2", "2"), None), (("3", "-1"), None),
        (("a", "b"), None), (("a - b", "b - a"), "(a - b)*z"), (("-1/3", "1"), None),
    ],
)  # fmt: skip
def test_any_multiples_of_both_logarithms_are_added_up(
    factors: tuple[str, str], value: str | None, target: str, rng: np.random.Generator
) -> None:
    """And other terms with them; where one takes the other away, u is left and no 0."""
    if target == "c" and find_compiler() is None:
        pytest.skip("no C compiler")
    own, other = factors
    text = f"y = ({own})*log(1 + exp(z)) + ({other})*log(1 + exp(-z)) + z**2"
    run = codegen.forward(text, target=target)
    z = np.array([-40.0, -3.0, -0.5, 0.0, 1.5, 40.0])
    numbers = {"a": rng.normal(size=6), "b": rng.normal(size=6), "z": z}
    given = [numbers[tensor.name] for tensor in run.operation.inputs]
    by_hand = eval(own, dict(numbers)) * np.logaddexp(0, z) + eval(other, dict(numbers)) * np.logaddexp(0, -z) + z**2
    assert_allclose(run(*given), by_hand, rtol=1e-12, atol=1e-12)
    if value is not None:
        assert "exp" not in codegen.forward(text).text.text.split('"""')[-1]
        assert_allclose(run(*given), eval(value, dict(numbers)) + z**2, rtol=1e-12)
    with pytest.raises(AssertionError):
        assert_allclose(run(*given), by_hand + 1e-6, rtol=1e-12, atol=1e-12)


def test_the_gradient_by_the_labels_of_a_sigmoid_s_loss_is_not_zero() -> None:
    z = np.array([[1.0, -2.0]])
    (dt,) = codegen.backward("bce-logits", wrt=["t"])(1.0, z=z)
    assert_allclose(dt, -z / 2)


def test_what_is_left_of_a_formula_without_a_part_need_have_no_value() -> None:
    assert_allclose(codegen.forward("y[n] = max(log(1 - sigmoid(z[n])), -1)")(np.array([-1.0, 3.0])), [-0.31326169, -1])


def test_an_input_may_be_called_self() -> None:
    run, pullback = codegen.forward("y = self*op"), codegen.backward("y = self*op")
    _, saved = run.with_saved(2.0, 3.0)
    assert [float(each) for each in pullback(1.0, **saved)] == [3.0, 2.0]


def test_the_loss_of_a_margin_stays_above_zero() -> None:
    """``log(1 + exp(-z))`` is not ``log(1 + exp(z)) - z``, which is 0 from z = 37 on."""
    assert_allclose(codegen.forward("y = log(1 + exp(-z))")(np.array([40.0, -40.0])), [4.248354255291589e-18, 40.0])


def test_the_coefficients_of_erf_are_those_of_their_source() -> None:
    numbers = [float(number) for number in re.findall(r"^    (-?[\d.e-]+),$", HELPERS["_erf"], re.MULTILINE)]
    with mpmath.workdps(50):
        near = mpmath.chebyfit(lambda u: mpmath.erf(mpmath.sqrt(u)) / mpmath.sqrt(u), [0, 1], 12)

        def scaled(t: mpmath.mpf) -> mpmath.mpf:
            point = 3 * (1 + t) / (1 - t)
            return mpmath.erfc(point) * mpmath.exp(point * point)

        far = mpmath.chebyfit(scaled, [-mpmath.mpf(1) / 2, mpmath.mpf(1) / 3], 16)
    assert_allclose(numbers[:28], [float(number) for number in (*near, *far)], rtol=1e-12)
    above, below = numbers[28:33], numbers[33:]  # The fit for float32: its own error, in double.
    for x in np.linspace(1e-3, 3.92, 300):
        assert_allclose(x * np.polyval(above, x * x) / np.polyval(below, x * x), float(mpmath.erf(x)), rtol=5e-8)


@pytest.mark.parametrize(
    ("shape", "full"), [((3, 4), (3, 4)), ((4,), (3, 4)), ((3, 1), (3, 4)), ((), (3, 4)), ((1, 1), (3, 4)), ((), ())]
)
def test_sum_to_undoes_broadcasting(shape: tuple[int, ...], full: tuple[int, ...]) -> None:
    gradient = np.arange(float(np.prod(full))).reshape(full)
    found = LOADED["_sum_to"](gradient, shape)
    assert np.shape(found) == shape
    other = np.random.default_rng(0).normal(size=shape)
    assert_allclose(np.sum(found * other), np.sum(gradient * np.broadcast_to(other, full)))


# ---- the printer beside SymPy's own ----


def test_the_printer_is_lambdifys() -> None:
    point, size = sympy.symbols("x n")
    run = sympy.lambdify([point, size], point**2 / sqrt(size) + exp(point), printer=NumpyText, modules=[{"np": np}])
    assert_allclose(run(np.array([1.0, 2.0]), 4), np.array([0.5, 2.0]) + np.exp([1.0, 2.0]))


# ---- the formatter ----


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_lines_are_short(case: Case) -> None:
    assert max(map(len, case.source().module.splitlines())) <= 88


def test_the_formatter_changes_nothing(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or shutil.which("ruff", path=Path(sys.executable).parent)
    if ruff is None:
        pytest.skip("ruff is not installed")
    modules = [case.source().module for case in CASES]
    modules += [codegen.source(name) for name in derive.catalogue()]
    modules += ["import numpy as np\n\n\n" + "\n\n".join(HELPERS.values())]
    for place, module in enumerate(modules):
        (tmp_path / f"{place}.py").write_text(module, "utf-8")
    done = subprocess.run([ruff, "format", "--isolated", "--diff", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
