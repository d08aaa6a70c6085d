"""Products of matrices in C: which contractions are calls of one function, and that it is right for every layout."""

from __future__ import annotations

import ctypes
import functools
import re

import numpy as np
import pytest

import codegen
from codegen import c_compiler
from codegen.c_functions import helper_texts
from codegen.c_precisions import DOUBLE, FLOAT, Precision
from derive.catalogue import operation

needs_compiler = pytest.mark.skipif(c_compiler.find_compiler() is None, reason="no C compiler")
#: Rows, columns, depth: nothing, less than a tile, a tile, one more, and more than is packed at once.
SIZES = [
    (0, 3, 2),
    (3, 0, 2),
    (3, 2, 0),
    (1, 1, 1),
    (5, 7, 3),
    (6, 32, 128),
    (7, 33, 129),
    (13, 40, 300),
    (200, 65, 131),
]
#: How factors lie in memory: by rows or by columns, and as parts of larger arrays.
LAYOUTS = ["ab", "aB", "Ab", "AB", "parts"]


@functools.cache
def library() -> ctypes.CDLL:
    """Return ``matmul`` for both types of numbers."""
    size, array = "ptrdiff_t", "*restrict"
    parts = ["#include <stddef.h>\n"]
    for precision in (FLOAT, DOUBLE):
        end, real = precision.suffix, precision.name
        call = f"matmul{end}(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, c, c_row)"
        head = (
            f"void product{end}({size} rows, {size} columns, {size} depth, const {real} {array} a, {size} a_row, "
            f"{size} a_column, const {real} {array} b, {size} b_row, {size} b_column, {real} {array} c, {size} c_row)"
        )
        parts += [*helper_texts(call, precision), f"{head}\n{{\n    {call};\n}}\n"]
    return c_compiler.load_library("\n".join(parts))


def product(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """Write a product of matrices, which may be transposed or parts of others, to a part of an array."""
    precision: Precision = FLOAT if c.dtype == np.float32 else DOUBLE
    arguments: list[object] = [ctypes.c_ssize_t(each) for each in (*c.shape, a.shape[1])]
    for array, count in ((a, 2), (b, 2), (c, 1)):
        arguments.append(ctypes.c_void_p(array.ctypes.data))
        arguments += [ctypes.c_ssize_t(each // array.itemsize) for each in array.strides[:count]]
    getattr(library(), f"product{precision.suffix}")(*arguments)


def matrices(layout: str, sizes: tuple[int, int, int], dtype: type, rng: np.random.Generator) -> list[np.ndarray]:
    """Return two factors of a layout, of small whole numbers, so that their product is exact in every order."""
    rows, columns, depth = sizes
    made = []
    for name, shape in (("a", (rows, depth)), ("b", (depth, columns))):
        larger = (shape[0] + 3, shape[1] + 2) if layout == "parts" else shape
        whole = rng.integers(-8, 9, larger).astype(dtype)
        made.append(np.asarray(whole, order="F" if name.upper() in layout else "C")[: shape[0], : shape[1]])
    return made


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_is_exact_in_every_layout_and_writes_nowhere_else(layout, dtype, rng):
    for sizes in SIZES:
        a, b = matrices(layout, sizes, dtype, rng)
        around = np.full((sizes[0] + 1, sizes[1] + 3), 77, dtype)
        product(a, b, around[: sizes[0], : sizes[1]])
        expected = np.full_like(around, 77)
        expected[: sizes[0], : sizes[1]] = a @ b
        np.testing.assert_array_equal(around, expected, err_msg=str(sizes))


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_a_number_stays_in_its_row_and_column(dtype, wrong, rng):
    """The zeros that fill up a tile are multiplied with nothing that is used."""
    a, b = matrices("aB", (13, 40, 30), dtype, rng)
    a[12, 29] = wrong
    made = np.empty((13, 40), dtype)
    product(a, b, made)
    with np.errstate(invalid="ignore"):
        expected = a @ b
    np.testing.assert_array_equal(np.isfinite(made), np.isfinite(expected))
    np.testing.assert_array_equal(made[:12], expected[:12])


def calls(name: str, part: str) -> list[str]:
    """Return the sizes that products in an operation's pass are called with."""
    text = codegen.source(name, target="c")
    body = text[text.index(f"void {name.replace('-', '_')}_{part}_f") :].partition("\n}")[0]
    return [re.sub(r"\s+", " ", found) for found in re.findall(r"matmul_f\(([^,]*, [^,]*, [^,]*), ", body)]


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [
        ("dense", ["N, K, D"], ["N, D, K", "D, K, N"]),
        ("dense-columns", ["K, N, D"], ["D, N, K", "K, D, N"]),
        ("attention", ["n_i, J, D", "n_i, E, J"], ["n_i, J, E", "J, E, n_i", "n_i, D, J", "J, D, n_i"]),
        ("linear-mse", ["N, K, D"], ["N, D, K", "D, K, N"]),
        # One product for all gates, which are one axis of 4 K in memory.
        ("lstm-cell", ["N, 4 * K, J", "N, 4 * K, D"], ["N, D, 4 * K", "N, J, 4 * K", "D, 4 * K, N", "J, 4 * K, N"]),
        # Windows are not written to memory, and neither is what is added up in them.
        ("conv2d", [], []),
        # Nothing is multiplied but vectors.
        ("softmax", [], []),
        ("outer", [], []),
    ],
)
def test_products_of_matrices_are_calls(name, forward, backward):
    assert calls(name, "forward") == forward
    assert calls(name, "backward") == backward


@pytest.mark.parametrize("name", ["lstm-cell", "gru-cell", "swiglu", "linear-mse", "multi-head-attention"])
def test_no_product_of_matrices_computes_its_factors_again(name):
    """Nothing is chosen or divided in a loop that adds up products, where one is left."""
    text = codegen.source(name, target="c")
    backward = text[text.index(f"void {name.replace('-', '_')}_backward_f") :].partition("\n}")[0]
    loops = re.findall(r"reduction\(\+: .*\)\n.*\n((?: +[^}#]*;\n)+)", backward)
    assert "matmul_f(" in backward and not any("?" in loop or "/" in loop for loop in loops)


#: Typed operations, and the sizes of the products in their forward passes.
TYPED = {
    "axes that are one": ("y[n,t,h,e] = sum(x[n,t,a,c]*w[a,c,h,e], a, c)", ["N * T, E * H, A * C"]),
    "axes that are apart": ("y[n,h,t,e] = sum(x[n,t,d]*w[h,d,e], d)", ["T, E, D"]),
    "sums in another order": ("y[n,k] = sum(x[n,a,c]*w[c,a,k], a, c)", []),
    "the other factor first": ("y[n,k] = sum(w[d,k]*x[n,d], d)", ["N, K, D"]),
    "factors that are functions": ("y[n,k] = sum(max(x[n,d], 0)*exp(w[k,d]), d)", ["N, K, D"]),
    "a matrix with itself": ("y[i,j] = sum(x[i,d]*x[j,d], d)", ["n_i, n_i, D"]),
    "three factors": ("y[n,k] = sum(x[n,d]*w[d,k]*v[d], d)", ["N, K, D"]),
    "a matrix and a vector": ("y[n] = sum(x[n,d]*w[d], d)", []),
}


@needs_compiler
@pytest.mark.parametrize(("text", "sizes"), TYPED.values(), ids=TYPED.keys())
def test_typed_products_give_numpys_numbers(text, sizes, rng):
    own = operation(text)
    shape = {size: place + 2 for place, size in enumerate(own.sizes)}
    inputs = [rng.uniform(-1, 1, [int(size.xreplace(shape)) for size in each.sizes]) for each in own.inputs]
    output, saved = codegen.forward(own, target="c").with_saved(*inputs)
    expected, values = codegen.forward(own).with_saved(*inputs)
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-12)
    upstream = rng.uniform(-1, 1, np.shape(output))
    ours, theirs = codegen.backward(own, target="c")(upstream, **saved), codegen.backward(own)(upstream, **values)
    for made, right in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(made, right, rtol=1e-12, atol=1e-12)
    source = codegen.forward(own, target="c").source
    assert re.findall(r"matmul_f\(([^,]*, [^,]*, [^,]*), ", source.partition("\nvoid ")[2]) == sizes
