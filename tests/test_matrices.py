"""Inverse, solve, determinants, trace and quadratic form: rules, code, proofs, mistakes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import codegen
import derive
from derive import operation, prove
from derive.canonical import canonical
from derive.derivation import Derivation
from derive.differentiation import differentiate
from derive.errors import DefinitionError, DeriveError, InputError
from derive.evaluation import Assignment
from derive.indices import Index, Tensor, size
from derive.matrices import Determinant, Inverse, LogDeterminant, matrix
from derive.matrix_rules import of_simpler_matrices
from derive.operation import Operation
from derive.parsing import parse_expression
from derive.precision import UndefinedError, eliminate
from derive.printing import definition_text, latex_text, operation_text, plain_text
from derive.proof import PROVED, REFUTED
from derive.sums import IndexSum, Partial, substitute

A = "a[p,q], p, q"
TEXTS = {
    "inverse": f"y[i,j] = inv({A})[i,j]",
    "inverses": "y[n,i,j] = inv(a[n,p,q], p, q)[i,j]",
    "one element": f"y = sum(inv({A})[i,i], i)",
    "determinant": f"y = det({A})",
    "determinants": "y[n] = det(a[n,p,q], p, q)",
    "log-determinant": f"y = logdet({A})",
    "log-determinants": "y[n] = logdet(a[n,p,q], p, q)",
    "solve": f"x[i] = sum(inv({A})[i,j]*b[j], j)",
    "solve transposed": f"x[i] = sum(inv({A})[j,i]*b[j], j)",
    "solve columns": f"x[i,k] = sum(inv({A})[i,j]*b[j,k], j)",
    "solve rows": f"x[n,i] = sum(inv({A})[i,j]*b[n,j], j)",
    "solve a batch": "x[n,i] = sum(inv(a[n,p,q], p, q)[i,j]*b[n,j], j)",
    "solve a batch of columns": "x[n,i,k] = sum(inv(a[n,p,q], p, q)[i,j]*b[n,j,k], j)",
    "solve a batch for one": "x[n,i] = sum(inv(a[n,p,q], p, q)[i,j]*b[j], j)",
    "solve a batch of products": "x[n,i] = sum(inv(a[n,p,q], p, q)[i,j]*b[n,j]*abs(c[n,j]), j)",
    "many right sides": f"x[n,i,k] = sum(inv({A})[i,j]*b[n,j,k], j)",
    "sandwich": f"y = sum(b[i]*inv({A})[i,j]*c[j], i, j)",
    "two inverses": f"y[i,k] = sum(inv({A})[i,j]*inv(c[p,q], p, q)[j,k], j)",
    "of a sum": "y = logdet(sum(x[n,p]*x[n,q], n) + 3*delta(p,q), p, q)",
    "of a name": "c[i,j] = sum(x[n,i]*x[n,j], n) + 3*delta(i,j); y[i] = sum(inv(c[p,q], p, q)[i,j]*b[j], j)",
    "trace": "y = sum(a[i,i], i)",
    "quadratic form": "y = sum(x[i]*a[i,j]*x[j], i, j)",
}
SIZES = {"N": 5, "K": 3, "P": 4, "I": 4}


def draw(op: Operation, sizes: dict[str, int] = SIZES, dtype: Any = np.float64) -> list[np.ndarray]:
    """Random inputs; the matrices among them are far from singular, and not symmetric."""
    rng, inputs = np.random.default_rng(7), []
    for tensor in op.inputs:
        shape = [sizes[str(extent)] for extent in tensor.sizes]
        numbers = rng.uniform(-1, 1, shape)
        if len(shape) >= 2 and shape[-1] == shape[-2]:
            numbers += 3 * np.eye(shape[-1])
        inputs.append(numbers.astype(dtype))
    return inputs


def differences(op: Operation, inputs: list[np.ndarray], upstream: np.ndarray, place: int) -> np.ndarray:
    """The gradient by central differences."""
    result = np.zeros_like(inputs[place])
    for at in np.ndindex(result.shape):
        sides = []
        for step in (1e-6, -1e-6):
            moved = [array.copy() for array in inputs]
            moved[place][at] += step
            sides.append(np.sum(codegen.forward(op)(*moved) * upstream))
        result[at] = (sides[0] - sides[1]) / 2e-6
    return result


@pytest.mark.parametrize("name", TEXTS)
def test_gradients_are_those_of_differences(name: str) -> None:
    op = operation(TEXTS[name])
    inputs = draw(op)
    output, pullback = codegen.vjp(op, *inputs)
    upstream = np.random.default_rng(1).normal(size=np.shape(output))
    for wrt, gradient in zip(pullback.wrt, pullback(upstream), strict=True):
        place = [tensor.name for tensor in op.inputs].index(wrt)
        expected = differences(op, inputs, upstream, place)
        assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)
        assert not np.allclose(gradient, -expected), "a twin with the other sign would pass"


@pytest.mark.parametrize("name", TEXTS)
def test_the_forward_pass_and_gradients_transpose_each_other(name: str) -> None:
    """<J v, u> = <v, Jᵀ u> along a random direction."""
    op = operation(TEXTS[name])
    inputs = draw(op)
    rng = np.random.default_rng(2)
    directions = [rng.normal(size=array.shape) for array in inputs]
    output, pullback = codegen.vjp(op, *inputs)
    upstream = rng.normal(size=np.shape(output))
    step = 1e-6
    above, below = (
        codegen.forward(op)(*(array + sign * step * way for array, way in zip(inputs, directions, strict=True)))
        for sign in (1, -1)
    )
    forwards = np.sum((above - below) / (2 * step) * upstream)
    backwards = sum(np.sum(g * way) for g, way in zip(pullback(upstream), directions, strict=True))
    assert_allclose(forwards, backwards, rtol=1e-6)


NUMPY = {
    "inverse": np.linalg.inv,
    "inverses": np.linalg.inv,
    "one element": lambda a: np.trace(np.linalg.inv(a)),
    "determinant": np.linalg.det,
    "determinants": np.linalg.det,
    "log-determinant": lambda a: np.linalg.slogdet(a).logabsdet,
    "log-determinants": lambda a: np.linalg.slogdet(a).logabsdet,
    "solve": np.linalg.solve,
    "solve transposed": lambda a, b: np.linalg.solve(a.T, b),
    "solve columns": np.linalg.solve,
    "solve rows": lambda a, b: np.stack([np.linalg.solve(a, row) for row in b]),
    "solve a batch": lambda a, b: np.stack([np.linalg.solve(*pair) for pair in zip(a, b, strict=True)]),
    "solve a batch of columns": np.linalg.solve,
    "solve a batch for one": lambda a, b: np.stack([np.linalg.solve(one, b) for one in a]),
    "solve a batch of products": lambda a, b, c: np.linalg.solve(a, (b * abs(c))[:, :, None])[:, :, 0],
    "many right sides": lambda a, b: np.stack([np.linalg.solve(a, one) for one in b]),
    "sandwich": lambda b, a, c: b @ np.linalg.solve(a, c),
    "two inverses": lambda a, c: np.linalg.inv(c @ a),
    "trace": np.trace,
    "quadratic form": lambda x, a: x @ a @ x,
}


# At N = I = K the axes can not be told apart by their sizes: NumPy must not take a batch of vectors for a matrix.
@pytest.mark.parametrize("sizes", [SIZES, dict.fromkeys(SIZES, 3), dict.fromkeys(SIZES, 1)], ids=["apart", "3", "1"])
@pytest.mark.parametrize("name", NUMPY)
def test_the_forward_pass_is_numpys(name: str, sizes: dict[str, int]) -> None:
    op = operation(TEXTS[name])
    inputs = dict(zip((tensor.name for tensor in op.inputs), draw(op, sizes), strict=True))
    ordered = [inputs[key] for key in (("b", "a", "c") if name == "sandwich" else sorted(inputs, key=_numpys_order))]
    assert_allclose(codegen.forward(op)(*inputs.values()), NUMPY[name](*ordered), rtol=1e-10)


def _numpys_order(name: str) -> tuple[bool, str]:
    return name not in ("x", "a"), "" if name == "x" else name


@pytest.mark.parametrize("name", TEXTS)
def test_inputs_of_any_layout(name: str) -> None:
    """Non-contiguous, read-only and big-endian arrays, and float32, which stays what it is."""
    op = operation(TEXTS[name])
    inputs = draw(op)
    strided = [np.repeat(array[..., None], 2, axis=-1)[..., 0] for array in inputs]
    swapped = [array.astype(">f8") for array in inputs]
    for array in strided:
        array.flags.writeable = False
    output, pullback = codegen.vjp(op, *inputs)
    upstream = np.ones(np.shape(output))
    for others in (strided, swapped):
        again, other_pullback = codegen.vjp(op, *others)
        assert_allclose(again, output, rtol=1e-12)
        for first, second in zip(pullback(upstream), other_pullback(upstream), strict=True):
            assert_allclose(first, second, rtol=1e-10, atol=1e-12)
    small, small_pullback = codegen.vjp(op, *(array.astype(np.float32) for array in inputs))
    assert np.asarray(small).dtype == np.float32
    assert_allclose(small, output, rtol=1e-4, atol=1e-5)
    assert all(np.asarray(g).dtype == np.float32 for g in small_pullback(upstream.astype(np.float32)))


@pytest.mark.parametrize("name", ["inverses", "determinants", "log-determinants", "solve a batch", "solve rows"])
def test_no_matrices_give_no_results(name: str) -> None:
    op = operation(TEXTS[name])
    inputs = draw(op, {**SIZES, "N": 0})
    output, pullback = codegen.vjp(op, *inputs)
    assert np.shape(output)[0] == 0
    for array, gradient in zip(inputs, pullback(np.ones(np.shape(output))), strict=True):
        assert gradient.shape == array.shape


def test_a_matrix_without_rows_has_determinant_1() -> None:
    empty = np.ones((0, 0))
    assert codegen.forward("det")(empty) == 1
    assert codegen.forward("logdet")(empty) == 0
    assert codegen.forward("inv")(empty).shape == (0, 0)


# ---- code ----

CODE = {
    "solve": (["return np.linalg.solve(a, b)"], ["db = np.linalg.solve(a.T, dx)", "da = db[:, None] * (-x)"]),
    "solve columns": (["return np.linalg.solve(a, b)"], ["db = np.linalg.solve(a.T, dx)", "da = -db @ x.T"]),
    "solve a batch": (["np.linalg.solve(a, b[..., None])[..., 0]"], ["np.linalg.solve(a.swapaxes(-1, -2)"]),
    "solve transposed": (["np.linalg.solve(a.T, b)"], ["db = np.linalg.solve(a, dx)"]),
    "inverse": (["return np.linalg.inv(a)"], ["return -(y.T @ dy) @ y.T"]),
    "log-determinant": (["return np.linalg.slogdet(a)[1]"], ["return (dy * np.linalg.inv(a)).T"]),
    "trace": (["return a.trace()"], ["return dy * np.eye(n_i, dtype=a.dtype)"]),
    "quadratic form": ([], ["dx = (a @ x + x @ a) * dy", "da = dy * x[:, None] * x"]),
    "of a name": (["np.linalg.solve(c, b)"], ["db = np.linalg.solve(c.T, dy)"]),
}


@pytest.mark.parametrize("name", CODE)
def test_code_is_what_one_would_write(name: str) -> None:
    passes = codegen.forward(TEXTS[name]).source, codegen.backward(TEXTS[name]).source
    for text, lines in zip(passes, CODE[name], strict=True):
        for line in lines:
            assert line in text, text


@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith("solve") and name[6:] != "a batch for one"])
def test_solving_takes_no_inverse(name: str) -> None:
    for text in (codegen.forward(TEXTS[name]).source, codegen.backward(TEXTS[name]).source):
        assert "np.linalg.inv(" not in text
        assert "np.linalg.solve(" in text


def test_a_gradient_that_is_solved_for_is_solved_for_once() -> None:
    assert codegen.backward(TEXTS["solve"]).source.count("np.linalg.solve(") == 1


@pytest.mark.parametrize(
    ("call", "arrays"),
    [
        ("inv", [np.zeros((2, 2))]),
        ("inv", [np.array([[1.0, 2.0], [2.0, 4.0]])]),
        ("solve", [np.ones((3, 3)), np.ones(3)]),
    ],
)
def test_a_singular_matrix_is_refused(call: str, arrays: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match=f"{call}: a matrix has no inverse"):
        codegen.forward(call)(*arrays)


def test_a_singular_matrix_has_a_determinant() -> None:
    assert codegen.forward("det")(np.ones((2, 2))) == 0
    with pytest.raises(InputError, match="det: a matrix has no inverse"):
        codegen.vjp("det", np.zeros((2, 2)))[1](1.0)


def test_a_matrix_that_is_not_square_is_refused() -> None:
    with pytest.raises(InputError, match="inv"):
        codegen.forward("inv")(np.ones((2, 3)))


# ---- text ----


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_printed_parses_to_the_same(name: str) -> None:
    op = operation(TEXTS[name])
    again = operation(operation_text(op))
    assert [canonical_text(each.body) for each in again.definitions] == [
        canonical_text(each.body) for each in op.definitions
    ]


def canonical_text(expr: Any) -> str:
    return definition_text(expr)


a, X = Tensor("a", (size("I"), size("I"))), Tensor("x", (size("N"), size("I")))
stack = Tensor("s", (size("N"), size("I"), size("I")))
n = Index("n", size("N"))
i, j, k, l, p, q = (Index(letter, size("I")) for letter in "ijklpq")
WRITTEN = [
    (Inverse(matrix(a[p, q], p, q), i, j), "(a⁻¹)[i,j]", r"\left(a^{-1}\right)_{i,j}"),
    (Inverse(matrix(stack[n, p, q], p, q), i, j), "(s[n]⁻¹)[i,j]", r"\left(s_{n}^{-1}\right)_{i,j}"),
    (
        Inverse(matrix(a[q, p], p, q), i, j),
        "([a[q,p]]_pq⁻¹)[i,j]",
        r"\left(\left[a_{q,p}\right]_{p,q}^{-1}\right)_{i,j}",
    ),
    (LogDeterminant(matrix(a[p, q], p, q)), "log(|det(a)|)", r"\log\left|\det\left(a\right)\right|"),
]


@pytest.mark.parametrize(("expr", "plain", "latex"), WRITTEN)
def test_how_it_is_written(expr: Any, plain: str, latex: str) -> None:
    assert plain_text(expr) == plain
    assert latex_text(expr) == latex


@pytest.mark.parametrize(
    ("text", "problem", "caret"),
    [
        ("y = inv(a[i,j], i, j)", "an inverse is a matrix, not a number", "    ^^^^^^^^^^^^^^^^^"),
        ("y[i] = inv(a[p,q], p, q)[i]", "an element of an inverse has 2 indices, not 1", "       ^"),
        ("y[i] = det(a[p,q], p, q)[i,i]", "det(...) is a number and has no elements", "       ^"),
        ("y[i] = exp(x[i])[i]", "exp(...) is a number and has no elements", "       ^"),
        ("y = det(a[i,j], i)", "det has the wrong number of arguments", "    ^"),
        ("y = det(a[i,j], i, i)", "det was given the index i twice", "    ^"),
        ("y = det(a[i,j], i, 2)", "det runs over indices, and this is not an index", "                   ^"),
        ("y[k] = det(a[i,k], i, j) + b[j]", "does not depend on it", "       ^"),
        ("y = inv(a[p,q], p, q)[0,1]", "a number can not address an element of an inverse yet", "    "),
        ("y[i,j] = inw(a[p,q], p, q)[i,j]", "unknown function inw", "         ^^^"),
        ("y[i,j] = (a[i,j] + 1)[i,j]", "this has no meaning in a definition", "         ^"),
    ],
)
def test_a_mistake_is_shown_with_its_place(text: str, problem: str, caret: str) -> None:
    with pytest.raises(DeriveError) as caught:
        operation(text)
    lines = str(caught.value).splitlines()
    assert problem in lines[0]
    assert lines[1] == f"  {text}"
    assert lines[2].startswith(f"  {caret}")


def test_a_tensor_that_is_not_square_is_refused() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_expression("1 + det(x[n,i], n, i)", {"x": X})
    assert "size" in str(caught.value).splitlines()[0]
    assert "^" in str(caught.value).splitlines()[2]


@pytest.mark.parametrize("whole", ["y = inv(a)", "x = solve(a, b)", "d = logdet(a)", "d = det(a)", "d = trace(a)"])
def test_whole_calls_read_as_the_catalogues(whole: str) -> None:
    name = whole.split("= ")[1].split("(")[0]
    op = operation(whole)
    inputs = draw(op, dict.fromkeys(map(str, op.sizes), 3))
    assert_array_equal(codegen.forward(op)(*inputs), codegen.forward(name)(*inputs))


# ---- proofs ----

PAIRS = [
    (f"diff(logdet({A}), a[k,l]) = inv({A})[l,k]", f"diff(logdet({A}), a[k,l]) = inv({A})[k,l]", ()),
    (
        f"diff(inv({A})[i,j], a[k,l]) = -inv({A})[i,k]*inv({A})[l,j]",
        f"diff(inv({A})[i,j], a[k,l]) = -inv({A})[i,l]*inv({A})[k,j]",
        (),
    ),
    (f"diff(det({A}), a[k,l]) = det({A})*inv({A})[l,k]", f"diff(det({A}), a[k,l]) = inv({A})[l,k]", ()),
    (f"sum(a[i,j]*inv({A})[j,k], j) = delta(i,k)", f"sum(a[j,i]*inv({A})[j,k], j) = delta(i,k)", ()),
    (f"sum(inv({A})[i,j]*a[j,k], j) = delta(i,k)", f"sum(inv({A})[i,j]*a[k,j], j) = delta(i,k)", ()),
    (f"logdet({A}) = log(abs(det({A})))", f"logdet({A}) = abs(log(abs(det({A}))))", ()),
    ("sum(a[i,j]*x[j], j) = b[i]", "sum(a[j,i]*x[j], j) = b[i]", ("x = solve(a, b)",)),
    (
        f"diff(y, b[k]) = x[k] + sum(inv({A})[i,k]*b[i], i)",
        "diff(y, b[k]) = 2*x[k]",
        ("x = solve(a, b)", "y = sum(b[i]*x[i], i)"),
    ),
    (
        "diff(y, x[k]) = sum((a[k,j] + a[j,k])*x[j], j)",
        "diff(y, x[k]) = 2*sum(a[k,j]*x[j], j)",
        ("y = sum(x[i]*a[i,j]*x[j], i, j)",),
    ),
    (
        "diff(L, m[k]) = -sum((inv(c[p,q], p, q)[k,i] + inv(c[p,q], p, q)[i,k])*(x[n,i] - m[i]), n, i)/2",
        "diff(L, m[k]) = -sum(inv(c[p,q], p, q)[k,i]*(x[n,i] - m[i]), n, i)",
        ("L = sum((x[n,i] - m[i])*inv(c[p,q], p, q)[i,j]*(x[n,j] - m[j]), n, i, j)/2",),
    ),
    ("det(a[j,i], i, j) = det(a[i,j], i, j)", "det(a[j,i], i, j) = -det(a[i,j], i, j)", ()),
    ("inv(a[j,i], i, j)[k,l] = inv(a[i,j], i, j)[l,k]", "inv(a[j,i], i, j)[k,l] = inv(a[i,j], i, j)[k,l]", ()),
    ("det(2*a[i,j], i, j) = 2**I*det(a[i,j], i, j)", "det(2*a[i,j], i, j) = 2*det(a[i,j], i, j)", ()),
    ("det(-a[n,i,j]*c[n], i, j) = (-c[n])**I*det(a[n,i,j], i, j)", "det(-a[i,j], i, j) = -det(a[i,j], i, j)", ()),
    (
        "inv(r[i]*a[i,j]*s[j]*c, i, j)[k,l] = inv(a[i,j], i, j)[k,l]/(c*s[k]*r[l])",
        "inv(r[i]*a[i,j]*s[j]*c, i, j)[k,l] = inv(a[i,j], i, j)[k,l]/(c*s[l]*r[k])",
        (),
    ),
    (
        "det(sum(a[i,k]*b[k,j], k), i, j) = det(a[i,j], i, j)*det(b[i,j], i, j)",
        "det(sum(a[i,k]*b[k,j], k), i, j) = det(a[i,j], i, j) + det(b[i,j], i, j)",
        (),
    ),
    (
        "det(sum(a[n,i,k]*b[k,m]*c[m,j], k, m), i, j) = det(a[n,i,j], i, j)*det(b[i,j], i, j)*det(c[i,j], i, j)",
        "det(sum(a[n,i,k]*b[k,m]*c[m,j], k, m), i, j) = det(a[n,i,j], i, j)*det(b[i,j], i, j)",
        (),
    ),
    (
        "inv(sum(a[i,k]*b[k,j], k), i, j)[m,n] = sum(inv(b[i,j], i, j)[m,k]*inv(a[i,j], i, j)[k,n], k)",
        "inv(sum(a[i,k]*b[k,j], k), i, j)[m,n] = sum(inv(a[i,j], i, j)[m,k]*inv(b[i,j], i, j)[k,n], k)",
        (),
    ),
    (f"inv(inv({A})[k,l], k, l)[m,n] = a[m,n]", f"inv(inv({A})[k,l], k, l)[m,n] = a[n,m]", ()),
    (f"det(inv({A})[k,l], k, l) = 1/det({A})", f"det(inv({A})[k,l], k, l) = det({A})", ()),
    (f"logdet(inv({A})[l,k], k, l) = -logdet({A})", f"logdet(inv({A})[l,k], k, l) = logdet({A})", ()),
    ("det(delta(i,j)*c, i, j) + 0*x[i] = c**I", "det(delta(i,j)*c, i, j) + 0*x[i] = c", ()),
]


@pytest.mark.parametrize(("claim", "twin", "where"), PAIRS)
def test_a_claim_is_proved_and_its_twin_refuted(claim: str, twin: str, where: tuple[str, ...]) -> None:
    assert prove(claim, where=where).verdict == PROVED
    assert prove(twin, where=where).verdict == REFUTED


@pytest.mark.parametrize(("middle", "is_taken_apart"), [("I", True), ("K", False)])
def test_a_product_over_another_size_is_not_taken_apart(middle: str, is_taken_apart: bool) -> None:
    """Of A with more rows than columns there is no determinant; that of A B is 0."""
    rows, inner = size("I"), size(middle)
    i, j, k = Index("i", rows), Index("j", rows), Index("k", inner)
    first, second = Tensor("a", (rows, inner)), Tensor("b", (inner, rows))
    found = of_simpler_matrices(Determinant(matrix(IndexSum(first[i, k] * second[k, j], k), i, j)))
    assert (found is not None and len(found.atoms(Determinant)) == 2) == is_taken_apart


def test_a_proof_says_where_there_is_an_inverse() -> None:
    assert f"det({A}) != 0" in str(prove(f"sum(a[i,j]*inv({A})[j,k], j) = delta(i,k)"))


@pytest.mark.parametrize("name", ["inv", "solve", "solve-columns", "det", "logdet", "multivariate-normal-nll"])
def test_the_catalogues_steps_hold(name: str) -> None:
    for tensor in derive.find(name).differentiable:
        derivation: Derivation = derive.vjp(name, tensor.name)
        derivation.check()


# ---- rules, by numbers ----


def numbers(seed: int) -> Assignment:
    rng = random.Random(seed)
    entries = {(row, column): rng.uniform(-1, 1) + 3 * (row == column) for row in range(3) for column in range(3)}
    return Assignment({size("I"): 3}, {a: entries})


@pytest.mark.parametrize("expr", [Inverse(matrix(a[p, q], p, q), i, j), LogDeterminant(matrix(a[p, q], p, q))])
def test_derivatives_and_second_derivatives_are_limits_of_differences(expr: Any) -> None:
    here, where = numbers(3), {i: 0, j: 1, k: 2, l: 0, p: 1, q: 2}
    once = differentiate(expr, a[k, l])
    twice = differentiate(once, a[p, q])
    for whole, derived in ((Partial(expr, a[k, l]), once), (Partial(once, a[p, q]), twice)):
        expected = here.value(whole, where)
        assert abs(expected - here.value(derived, where)) < 1e-12
        assert abs(expected) > 1e-6


def test_evaluation_agrees_with_the_defining_equation_and_knows_singular_matrices() -> None:
    here = numbers(4)
    for row in range(3):
        for column in range(3):
            product = IndexSum(a[i, k] * Inverse(matrix(a[p, q], p, q), k, j), k)
            assert abs(here.value(product, {i: row, j: column}) - (row == column)) < 1e-50
    with pytest.raises(UndefinedError):
        eliminate([[1, 2], [2, 4]], [[1], [0]])
    assert eliminate([[1, 2], [2, 4]], None)[0] == 0


def test_indices_that_arrive_are_not_captured() -> None:
    element = Inverse(matrix(a[p, q], p, q), i, j)
    moved = substitute(element, {i: q, j: p})
    assert canonical(moved) == canonical(Inverse(matrix(a[k, l], k, l), q, p))
    stacked = substitute(Inverse(matrix(stack[n, p, q] * a[k, p], p, q), i, j), {k: p})
    assert canonical(stacked) == canonical(Inverse(matrix(stack[n, i, j] * a[p, i], i, j), i, j))


def test_a_matrix_is_square() -> None:
    with pytest.raises(InputError, match="needs a square matrix"):
        matrix(X[n, i], n, i)


# ---- other people's ----


@pytest.mark.parametrize("name", ["inv", "solve", "solve-columns", "det", "logdet", "trace", "quadratic-form"])
def test_gradients_are_torchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    functions = {
        "inv": torch.linalg.inv,
        "solve": torch.linalg.solve,
        "solve-columns": torch.linalg.solve,
        "det": torch.linalg.det,
        "logdet": lambda m: torch.linalg.slogdet(m).logabsdet,
        "trace": torch.trace,
        "quadratic-form": lambda x, m: x @ m @ x,
    }
    inputs = draw(derive.find(name))
    output, pullback = codegen.vjp(name, *inputs)
    upstream = np.random.default_rng(4).normal(size=np.shape(output))
    tensors = [torch.tensor(array, requires_grad=True) for array in inputs]
    theirs = functions[name](*tensors)
    theirs.backward(torch.tensor(upstream))
    assert_allclose(output, theirs.detach().numpy(), rtol=1e-10)
    for tensor, gradient in zip(tensors, pullback(upstream), strict=True):
        assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_the_normal_distribution_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    x, m, root = rng.normal(size=(7, 3)), rng.normal(size=3), rng.normal(size=(3, 3))
    c = root @ root.T + np.eye(3)
    loss, pullback = codegen.vjp("multivariate-normal-nll", x, m, c)
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, m, c)]
    theirs = -torch.distributions.MultivariateNormal(tensors[1], tensors[2]).log_prob(tensors[0]).mean()
    theirs.backward()
    assert_allclose(loss, theirs.item(), rtol=1e-12)
    gradients = pullback()
    for tensor, gradient in zip(tensors[:2], gradients[:2], strict=True):
        assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    # Theirs goes through Cholesky's factor and is that of symmetric changes.
    theirs_of_c = tensors[2].grad.numpy()
    assert_allclose(gradients[2] + gradients[2].T, theirs_of_c + theirs_of_c.T, rtol=1e-8, atol=1e-10)
