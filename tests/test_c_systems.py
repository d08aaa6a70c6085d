"""Inverses, solutions and determinants in C: NumPy's numbers, each matrix factored once, none without inverse."""

from __future__ import annotations

import contextlib
import ctypes
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_c_target import WARNINGS, Pair, attach, needs_compiler
from test_matrices import SIZES, TEXTS
from test_matrices import draw as draw_plainly

import codegen
from codegen import c_compiler
from derive import operation
from derive.catalogue import find
from derive.errors import InputError
from derive.operation import Operation

MATRIX_TEXTS = {name: text for name, text in TEXTS.items() if "inv(" in text or "det(" in text}
MORE = {
    "both ways": "y[i] = sum(inv(a[p,q], p, q)[i,j]*b[j], j) + sum(inv(a[p,q], p, q)[j,i]*c[j], j)",
    "batch in the middle": "x[n,i] = sum(inv(a[p,n,q], p, q)[i,j]*b[n,j], j)",
    "one batch, three uses": "y[n] = logdet(a[n,p,q], p, q) + sum(b[n,i]*inv(a[n,p,q], p, q)[i,j]*b[n,j], i, j)",
    "one batch, two loops": (
        "s[i] = sum(inv(a[n,p,q], p, q)[i,j]*b[n,j], j, n); x[n,i] = sum(inv(a[n,p,q], p, q)[i,j]*(b[n,j] + s[j]), j)"
    ),
    "matrices that are sums": "y[n] = logdet(sum(x[n,k,p]*x[n,k,q], k) + 3*delta(p,q), p, q)",
    "in the place of a result": "y[n,i] = max(sum(inv(a[n,p,q], p, q)[i,j]*b[n,j], j), 0)",
    "a power": "y[n] = det(a[n,p,q], p, q)**2 + sum(inv(a[n,p,q], p, q)[i,i], i)",
    "diagonals": "y[i] = inv(a[p,q], p, q)[i,i]",
    "a fixed matrix": "x[n,i] = sum(inv(2*delta(p,q) + 1/I, p, q)[i,j]*b[n,j], j)",
    "exponentials": "x[n,i] = sum(inv(a[n,p,q] + 4*delta(p,q), p, q)[i,j]*exp(b[n,j]), j)",
}
ALL = {**MATRIX_TEXTS, **MORE}
EXTENTS = {"apart": SIZES, "3": dict.fromkeys(SIZES, 3), "1": dict.fromkeys(SIZES, 1)} | {
    f"{size} = 0": {**SIZES, size: 0} for size in SIZES
}
EXTENTS["no equations"] = {**SIZES, "P": 0, "I": 0}
FAST = ("-std=c99", "-O1", "-fopenmp-simd", *WARNINGS)


def draw(op: Operation, sizes: dict[str, int], dtype: Any = np.float64) -> list[np.ndarray]:
    """Matrices that have an inverse, and of which rows must be swapped, in each of a batch others."""
    return [turned(array, 1) for array in draw_plainly(op, sizes, dtype)]


def turned(array: np.ndarray, places: int) -> np.ndarray:
    if array.ndim > 2 and array.size:
        return np.stack([turned(each, places + at) for at, each in enumerate(array)])
    return np.roll(array, places, axis=0) if array.ndim == 2 else array


@cache
def pairs() -> dict[str, Pair]:
    found = {name: Pair(operation(text, f"case{place}")) for place, (name, text) in enumerate(ALL.items())}
    attach(list(found.values()), FAST)
    return found


@needs_compiler
@pytest.mark.parametrize("sizes", EXTENTS.values(), ids=EXTENTS)
def test_results_are_numpys(sizes: dict[str, int], rng: np.random.Generator) -> None:
    found = []
    for name, pair in pairs().items():
        for dtype in (np.float32, np.float64):
            inputs = draw(pair.operation, sizes, dtype)
            found += [f"{name}, {dtype.__name__}: {said}" for said in pair.compare(inputs, dtype, rng)]
    assert not found, "\n".join(found)


#: What may be wrong with the functions, and where it shows.
WRONG = {
    "no row is swapped": ("if (best != k)", "if (0 && best != k)", "solve"),
    "the right side's rows are not swapped": ("if (swaps[k] != k)", "if (0 && swaps[k] != k)", "solve"),
    "the transpose is not solved for": ("solve_transposed_f(n_i", "solve_f(n_i", "both ways"),
    "rows are swapped in the wrong order": ("k = n - 1; k >= 0; k--", "k = 0; k < n; k++", "both ways"),
    "U is divided by in the place of L": ("(n, a, n, 1, 1,", "(n, a, n, 1, 0,", "solve"),
    "L is divided by in the place of U": ("(n, a, 1, n, 0,", "(n, a, 1, n, 1,", "both ways"),
    "the sign of swaps is lost": (": -a[k * n + k]", ": a[k * n + k]", "det"),
    "one factor for all of a batch": ("factors + ", "factors + 0 * ", "one batch, two loops"),
    "one set of swaps for all of a batch": ("swaps + ", "swaps + 0 * ", "one batch, two loops"),
}


@needs_compiler
@pytest.mark.parametrize(("line", "turned", "name"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_function_is_noticed(line: str, turned: str, name: str, rng: np.random.Generator) -> None:
    pair = Pair(operation(ALL[name], "case") if name in ALL else find(name))
    source = pair.forward.source + pair.backward.source
    assert line in source

    def change(text: str) -> str:
        return text.replace(line, turned)

    attach([pair], ("-std=c99", "-O1", "-fopenmp-simd"), change)
    inputs = draw(pair.operation, SIZES)
    with contextlib.suppress(InputError):
        assert list(pair.compare(inputs, np.float32, rng))


# ---- what is in the text ----


def bodies(text: str) -> dict[str, str]:
    """Return the bodies of the passes for float, by their name."""
    found = re.finditer(r"^(?:int|void) (\w+_(?:forward|backward|hvp)_f)\(.*?^}", text, re.DOTALL | re.MULTILINE)
    return {each[1]: each[0] for each in found}


@pytest.mark.parametrize("name", ["multivariate-normal-nll", MORE["both ways"], MORE["one batch, three uses"]])
def test_a_matrix_is_factored_once_in_a_pass(name: str) -> None:
    for body in bodies(codegen.source(name, target="c")).values():
        assert body.count("factor_f(") == 1
        assert body.count("solve") + body.count("determinant") + body.count("log_f") > 0


def test_two_matrices_are_factored_each() -> None:
    body = bodies(codegen.source(TEXTS["two inverses"], target="c"))["y_forward_f"]
    assert body.count("factor_f(") == 2
    assert len(set(re.findall(r"restrict (swaps\w*) =", body))) == 2


def test_a_file_has_the_functions_that_it_calls_and_a_pass_that_may_fail_says_so() -> None:
    text = codegen.source("det", target="c")
    assert "solve_f(" in text and "solve_transposed_f(" not in text and "malloc" not in text
    assert "void det_forward_f(" in text and "int det_backward_f(" in text
    assert "1 if a matrix has no inverse" in text and text.count("return is_singular;") == 4
    assert not re.search(r"\b(factor|solve)_[fd]\(", codegen.source("softmax", "dense", target="c"))


# ---- matrices without an inverse ----


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
REGULAR = np.array([[0.0, 1.0], [2.0, 1.0]])


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_without_an_inverse_is_refused_as_by_numpy(dtype: Any) -> None:
    given = SINGULAR.astype(dtype), np.ones(2, dtype)
    for name in ("inv", "solve"):
        arrays = given[: len(find(name).inputs)]
        with pytest.raises(InputError) as expected:
            codegen.forward(name)(*arrays)
        for _ in range(2):
            with pytest.raises(InputError) as found:
                codegen.forward(name, target="c")(*arrays)
            assert str(found.value) == str(expected.value)
    with pytest.raises(InputError, match="a matrix has no inverse"):
        codegen.backward("logdet", target="c")(dtype(1), a=given[0])
    regular = codegen.forward("solve", target="c")(REGULAR.astype(dtype), given[1])
    assert_allclose(regular, [0, 1])


@needs_compiler
def test_one_of_a_batch_is_enough() -> None:
    run = codegen.forward(TEXTS["solve a batch"], target="c")
    several = np.stack([REGULAR, REGULAR, REGULAR])
    assert_allclose(run(several, np.ones((3, 2))), [[0, 1]] * 3)
    for place in range(3):
        wrong = several.copy()
        wrong[place] = SINGULAR
        with pytest.raises(InputError, match="a matrix has no inverse"):
            run(wrong, np.ones((3, 2)))
    with pytest.raises(InputError, match="a matrix has no inverse"):
        codegen.forward("solve-columns", target="c")(SINGULAR, np.ones((2, 0)))


@needs_compiler
def test_determinants_of_such_a_matrix_are_zero() -> None:
    for a in (SINGULAR, np.zeros((3, 3)), np.zeros((0, 0)), REGULAR):
        with np.errstate(all="ignore"):
            expected = codegen.forward("det")(a), codegen.forward("logdet")(a)
        assert_array_equal(codegen.forward("det", target="c")(a), expected[0])
        assert_allclose(codegen.forward("logdet", target="c")(a), expected[1], rtol=1e-15)


@needs_compiler
def test_a_caller_in_c_is_told() -> None:
    function = c_compiler.load_library(codegen.source("inv", target="c")).inv_forward_d
    y, work, places = np.empty((2, 2)), np.empty(4), np.empty(2, np.intp)
    for a, expected in ((SINGULAR, 1), (REGULAR, 0), (np.full((2, 2), np.nan), 0)):
        pointers = [ctypes.c_void_p(each.ctypes.data) for each in (a, y, work, places)]
        assert function(ctypes.c_ssize_t(2), *pointers) == expected


# ---- numbers that are hard ----


@needs_compiler
def test_the_largest_number_of_a_column_is_divided_by() -> None:
    """Without it, 1e-20 would swallow the other numbers: the answer would be [0, 1]."""
    a = np.array([[1e-20, 1.0], [1.0, 1.0]])
    assert_allclose(codegen.forward("solve", target="c")(a, np.array([1.0, 2.0])), [1, 1], rtol=1e-15)


@needs_compiler
@pytest.mark.parametrize("count", [1, 2, 5, 31, 64, 65, 130])
@pytest.mark.parametrize("columns", [1, 3, 150])
def test_large_systems_are_solved(count: int, columns: int, rng: np.random.Generator) -> None:
    """What is left of the right side is what rounding leaves, forwards and for the matrix transposed."""
    a, b = rng.normal(size=(count, count)), rng.normal(size=(count, columns))
    x, saved = codegen.forward("solve-columns", target="c").with_saved(a, b)
    _, db = codegen.backward("solve-columns", target="c")(b, **saved)
    for matrix, solution in ((a, x), (a.T, db)):
        small = 1e-15 * count * np.abs(matrix).max() * np.abs(solution).max()
        assert np.abs(matrix @ solution - b).max() <= 4 * small
        assert np.abs(matrix.T @ solution - b).max() > 4 * small or count == 1


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_part_of_a_determinant_overflows(dtype: Any) -> None:
    large = dtype(1e30 if dtype is np.float32 else 1e300)
    run = codegen.forward("det", target="c")
    for numbers, expected in (
        ([large, large, 1 / large, 1 / large], 1),
        ([1 / large, 1 / large, -large, large], -1),
        ([large, large, 1, 1], np.inf),
        ([large, large, -1, 1], -np.inf),
        ([1 / large, 1 / large, 1, 1], 0),
        ([np.nan, 1, 1, 1], np.nan),
    ):
        assert_allclose(run(np.diag(np.array(numbers, dtype))), expected, rtol=1e-5)


@needs_compiler
def test_nan_in_a_matrix_reaches_every_solution(rng: np.random.Generator) -> None:
    run, inverse = codegen.forward("solve", target="c"), codegen.forward("inv", target="c")
    for place in np.ndindex(4, 4):
        a = rng.normal(size=(4, 4))
        a[place] = np.nan
        assert np.isnan(run(a, np.ones(4))).all() and np.isnan(inverse(a)).all()
        assert np.isnan(codegen.forward("det", target="c")(a))


@needs_compiler
def test_float16_is_refused() -> None:
    with pytest.raises(InputError, match="target c takes float32 and float64, not float16"):
        codegen.forward("inv", target="c")(np.eye(2, dtype=np.float16))
