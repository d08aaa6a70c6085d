"""Generated NumPy code and memory: which arrays are never made, what is written over, and what never is."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import evaluate

import codegen
from codegen.blocks import BLOCK, Blockwise
from codegen.loading import load_function
from codegen.passes import for_numpy
from codegen.programs import forward_program, kept_tensors
from codegen.verification import draw_inputs
from derive.catalogue import catalogue, find
from derive.errors import InputError

EXTENTS = {"N": 3, "K": 5, "D": 2, "Q": 4, "J": 5}


def code_of(definition: str) -> str:
    return str(codegen.forward(definition).source).split('"""')[2]


def drawn(definition: str) -> dict[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    tensors = codegen.forward(definition).operation.inputs
    return {tensor: rng.standard_normal([EXTENTS[str(size)] for size in tensor.sizes]) for tensor in tensors}


# ---- what is computed, and how ----

LINES = {
    "y[n] = sum(a[n,k]*b[n,k], k)": "return np.vecdot(a, b)",
    "y[n] = sum(a[n,k]**2, k)": "return np.vecdot(a, a)",
    "y[n] = sum(a[n,k]*b[n,k]*c[n,k], k)": "return np.vecdot(a * b, c)",
    "y[n] = mean(a[n,k]*b[n,k], k)": "return np.vecdot(a, b) / K",
    "L = sum(a[n,k]*b[n,k], n, k)": "return np.vdot(a, b)",
    "y[k] = sum(a[n,k]*b[n,k], n)": 'return np.einsum("nk,nk->k", a, b)',
    "y[n,k] = a[n,k]*sum(a[n,j]*b[n,j], j)": "return a * np.vecdot(a, b, keepdims=True)",
    "y[n,d] = sum(a[n,q,k]*b[d,q,k], q, k)": "return np.tensordot(a, b, axes=([1, 2], [1, 2]))",
    "y[n,q,k] = sum(a[n,d]*b[d,q,k], d)": "return np.tensordot(a, b, axes=1)",
    "e[n,k] = exp(x[n,k]); y[n,k] = e[n,k]/sum(e[n,j], j)": (
        "return np.divide(e, e.sum(axis=1, keepdims=True), out=e)"
    ),
    "e[n,k] = exp(x[n,k]); y[n,k] = e[n,k] - e[n,k]**2": "return np.subtract(e, e * e, out=e)",
    # What reads an array that is written over comes first, or in the first line.
    "e[n,k] = exp(x[n,k]); y[n,k] = (e[n,k] - mean(e[n,j], j) - x[n,k]*sum(e[n,j]*x[n,j], j))/(1 + sum(e[n,j], j))": (
        "np.subtract(e, x * np.vecdot(x, e, keepdims=True), out=e)\n    y -= row_sum / K\n    y /= 1 + row_sum"
    ),
    # What is subtracted or divides is written over as well: NumPy sees that of the left side alone.
    "y[n,k] = a[n,k] - exp(a[n,k])": "y = np.exp(a)\n    np.subtract(a, y, out=y)\n    return y",
    "y[n,k] = a[n,k] - sum(a[n,j], j) - exp(a[n,k])": "np.subtract(a, y, out=y)\n    y -= a.sum(",
    "y[n,k] = exp(a[n,k]) - tanh(a[n,k])": "return np.exp(a) - np.tanh(a)",
    "y[n,k] = a[n,k] - b[n,k]*c[n,k]": "return a - b * c",
    "y[n,k] = a[n,k]/log(2 + a[n,k]**2)": "np.divide(a, y, out=y)\n    return y",
    # What is read later is not written over, and neither is what was given.
    "e[n,k] = exp(x[n,k]); y[n,k] = e[n,k]/sum(e[n,j], j); u[n,k] = y[n,k]*e[n,k]": "y = e / e.sum(",
    "y[n,k] = x[n,k]/sum(x[n,j], j)": "return x / x.sum(axis=1, keepdims=True)",
    # Nothing is written into a narrower dtype, and no float into an array that may be one of integers.
    "e[n,k] = exp(x[n,k]); y[n,k] = e[n,k]*w[k]": "return w * e",
    "d[n,k] = 3*x[n,k]; y[n,k] = d[n,k] - mean(d[n,j], j)": "return d - d.mean(axis=1, keepdims=True)",
    "L = sum(t[n,k]*(z[n,k] - log(sum(exp(z[n,j]), j))), n, k)": (
        "return np.vdot(t, shifted) - (t.sum(axis=1, keepdims=True) * np.log(total)).sum()"
    ),
    # What may have the same sign stays together: apart, both may be large where their difference is small.
    "L = sum(t[n,k]*(z[n,k] - log(1 + s[n]**2)), n, k)": "np.vdot(t, z - np.log1p(s * s)[:, None])",
    "L = sum(t[n,k]*(z[n,k] - max(z[n,j], j) - log(1 + s[n]**2)), n, k)": "np.vdot(t, z - z.max(axis=1, keepdims=True)",
    "L = sum(t[n,k]*(z[n,k] - max(z[n,j], j) - log(sum(exp(z[n,j]), j))), n, k)": "shifted - row_max - np.log(total)",
    # NumPy takes the memory of what stands on the left, and not of what a scalar on the left meets.
    "L = mean(a[n,k], n, k); y[n,k] = L*(a[n,k] - b[n,k])": "return (a - b) * L",
    "y[n,k] = 3*exp(a[n,k])": "return 3 * np.exp(a)",
    "L = sum(t[n,k]*log(where(t[n,k] > 0, p[n,k]**2, 1)), n, k)": "np.log(logs, out=logs)",
    "L = mean(t[n,k]*log(where(t[n,k] > 0, p[n,k]**2, 1)), n, k)": "np.log(logs, out=logs)\n    return np.vdot(",
    "y = mean(t[n,k] + log(where(t[n,k] > 0, p[n,k]**2, 1)), n, k)": "(t + np.log(np.where(t > 0, p * p, 1.0)))",
    "p[n] = sigmoid(z[n]); y[n] = a[n]*log(p[n]) + b[n]*log(1 - p[n])": "tail_z = _softplus_tail(z)",
}


@pytest.mark.parametrize("definition", LINES)
def test_code_is_what_an_expert_writes_and_right(definition: str) -> None:
    run = codegen.forward(definition)
    assert LINES[definition] in code_of(definition)
    arrays = drawn(definition)
    before = {tensor: array.copy() for tensor, array in arrays.items()}
    found, expected = run(*arrays.values()), evaluate(run.operation.definitions, arrays)
    for output, result in zip(run.operation.outputs, found if isinstance(found, tuple) else (found,), strict=True):
        assert_allclose(result, expected[output.tensor], rtol=1e-12)
        with pytest.raises(AssertionError):
            assert_allclose(result + 1e-6, expected[output.tensor], rtol=1e-12)
    for tensor, array in arrays.items():
        assert_array_equal(array, before[tensor])


def test_a_file_takes_whole_numbers_and_wider_dtypes() -> None:
    """A call converts what it is given; a function in a file of its own is given whatever there is."""
    softmax = load_function(codegen.forward("softmax").text)
    assert_allclose(softmax(np.array([[0, 0]])), [[0.5, 0.5]])
    product = load_function(codegen.forward("e[n,k] = exp(x[n,k]); y[n,k] = e[n,k]*w[k]").text)
    assert product(np.ones((2, 3), np.float32), np.ones(3)).dtype == np.float64
    cce = load_function(codegen.backward("cce").text)
    assert_allclose(cce(1, np.array([[2, 4]]), np.array([[0, 1]])), [[0, -0.25]])
    assert cce(np.float32(1), *np.ones((2, 3, 4), np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", catalogue())
def test_passes_for_numpy_change_nothing_the_second_time(name: str) -> None:
    operation = find(name)
    program = for_numpy(forward_program(operation, kept_tensors(operation, [])))
    assert for_numpy(program).statements == program.statements


def test_the_backward_pass_of_softmax_takes_one_array_beside_its_result() -> None:
    run = codegen.backward("softmax")
    dy = np.ones((1000, 500))
    run(dy, y=dy)
    tracemalloc.start()
    run(dy, y=dy)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dy.nbytes <= most < 1.2 * dy.nbytes


@pytest.mark.parametrize(("name", "most"), [("cce", 1.3), ("bce-logits", 2.1), ("softmax", 2.1)])
def test_a_forward_pass_takes_no_more_arrays_than_an_expert_s(name: str, most: float) -> None:
    """In arrays of the input's size: blocks are small beside it, and what is only returned is made last."""
    z = np.linspace(-3, 3, 2_000_000).reshape(1000, 2000)
    inputs = [z, (z > 0).astype(float)][: len(find(name).inputs)]
    run = codegen.forward(name)
    run.with_saved(*inputs)
    tracemalloc.start()
    run.with_saved(*inputs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert z.nbytes * (most - 1) < peak < z.nbytes * most


@pytest.mark.parametrize("name", catalogue())
def test_one_array_given_in_several_places_does_what_copies_of_it_do(name: str) -> None:
    """Nothing is written over that is read again under another name; what is given may not be written to at all."""
    operation = find(name)
    first = draw_inputs(operation, np.random.default_rng(0), 4)
    labels = [array for tensor, array in zip(operation.inputs, first, strict=True) if tensor.values is not None]
    shared = {array.shape: array for array in reversed(first) if not any(array is each for each in labels)}
    inputs = [array if any(array is each for each in labels) else shared[array.shape] for array in first]
    for array in inputs:
        array.flags.writeable = False
    run, pullback = codegen.forward(operation), codegen.backward(operation)
    with np.errstate(all="ignore"):
        output, saved = run.with_saved(*inputs)
        copied, _ = run.with_saved(*(array.copy() for array in inputs))
        outputs = output if isinstance(output, tuple) else (output,)
        known = {np.shape(value): value for value in (*outputs, *saved.values()) if np.asarray(value).dtype == float}
        for value in known.values():
            np.asarray(value).flags.writeable = False
        upstream = [known[np.shape(each)] for each in outputs]
        gradients = [pullback(*upstream, **saved) for _ in range(2)]
        kept = {key: np.copy(value) for key, value in saved.items()}
        gradients.append(pullback(*map(np.copy, upstream), **kept))
    for own, other in zip(outputs, copied if isinstance(copied, tuple) else (copied,), strict=True):
        assert_array_equal(own, other)
    for own, again, other in zip(*gradients, strict=True):
        assert_array_equal(own, again)
        assert_array_equal(own, other)


# ---- blocks ----


@pytest.mark.parametrize("size", [0, 1, 2 * BLOCK - 1, 2 * BLOCK, 3 * BLOCK + 5])
def test_blocks_change_no_number(size: int) -> None:
    def plain(x: Any, scale: Any) -> tuple[Any, ...]:
        return np.exp(x) * scale, x > 0

    x, scale = np.linspace(-3, 3, size).reshape(size, 1), np.array(2.0)
    for found, expected in zip(Blockwise(plain)(x, scale), plain(x, scale), strict=True):
        assert found.dtype == expected.dtype
        assert_array_equal(found, expected)


def test_what_is_summed_over_all_numbers_is_not_taken_in_blocks() -> None:
    def summed(x: Any) -> tuple[Any, ...]:
        return (np.sum(x),)

    assert Blockwise(summed)(np.ones(3 * BLOCK)) == (3 * BLOCK,)


@pytest.mark.parametrize("change", [lambda x: x.T, lambda x: x[:, ::2], lambda x: x[:1]])
def test_arrays_that_lie_otherwise_are_taken_whole(change: Callable[[Any], Any]) -> None:
    run = codegen.forward("gelu")
    x = change(np.linspace(-3, 3, 4 * BLOCK).reshape(256, -1))
    assert_allclose(run(x), run(x.copy()), rtol=1e-15)


# ---- checks that are remembered ----


def test_a_call_after_one_that_fitted_is_checked() -> None:
    run, pullback = codegen.forward("softmax-cce-sparse"), codegen.backward("softmax-cce-sparse")
    z, t = np.zeros((2, 3)), np.array([0, 2])
    loss, saved = run.with_saved(z, t)
    again, _ = run.with_saved(z, t)
    assert loss == again
    with pytest.raises(InputError, match="labels run from 0 to 2"):
        run.with_saved(z, np.array([0, 3]))
    with pytest.raises(InputError, match=r"labels run from 0 to 2"):
        run(z, np.array([-1, 0]))
    with pytest.raises(InputError, match=r"index k|axes"):
        pullback(np.float64(1), **{**saved, "p": np.zeros(3)})
    with pytest.raises(InputError, match="real numbers"):
        run(z.astype(complex), t)
    assert run(z.tolist(), t) == loss


def test_options_that_are_changed_after_a_call_are_seen() -> None:
    run = codegen.forward("softmax-cce")
    facts = ["sum(t[n,k], k) = 1"]
    z, t = np.zeros((2, 3)), np.eye(2, 3)
    first = run.with_saved(z, t, given=facts)[1]
    facts.clear()
    assert run.with_saved(z, t, given=facts)[1].keys() == run.with_saved(z, t)[1].keys()
    assert first.keys() == {"p", "t"}


def test_a_setting_that_was_left_out_is_not_remembered_in_the_place_of_another() -> None:
    run = codegen.forward("rms-norm")
    x, g = np.full((2, 3), 1e-3), np.ones(3)
    plain = [run.with_saved(x, g)[0] for _ in range(2)]
    assert_array_equal(*plain)
    other = run.with_saved(x, g, eps=1.0)[0]
    assert np.abs(other).max() < 0.1 * np.abs(plain[0]).max()
    assert_array_equal(run.with_saved(x, g, np.array(1.0))[0], other)
    assert_array_equal(run.with_saved(x, g)[0], plain[0])
    narrow = run.with_saved(x.astype(np.float32), g.astype(np.float32))[0]
    assert narrow.dtype == np.float32
    assert_allclose(narrow, plain[0], rtol=1e-6)


def test_what_a_call_with_a_setting_asked_for_is_not_remembered_for_one_without() -> None:
    run = codegen.forward("rms-norm")
    x, g = np.ones((2, 3)), np.ones(3)
    every = run.with_saved(x, g)[1].keys()
    assert run.with_saved(x, g)[1].keys() == every
    one = run.with_saved(x, g, eps=np.array(1.0), wrt="g")[1].keys()
    assert one < every
    assert run.with_saved(x, g)[1].keys() == every
    assert run.with_saved(x, g, np.array(1.0))[1].keys() == every
    assert run.with_saved(x, g, wrt="g")[1].keys() == one


def test_threads_do_not_get_what_others_asked_for() -> None:
    """Each of two threads has its own options and shapes; what is remembered of one is nothing to the other."""
    run = codegen.forward("softmax-cce-sparse")
    failures: list[str] = []

    def call(extent: int) -> None:
        z, t = np.zeros((2, extent)), np.array([0, extent - 1])
        for _ in range(300):
            loss, saved = run.with_saved(z, t)
            if not np.isclose(loss, np.log(extent)) or saved["p"].shape != z.shape:
                failures.append("wrong values")
            try:
                run(z, np.array([0, extent]))
            except InputError:
                continue
            failures.append("a label that is no position was taken")

    threads = [threading.Thread(target=call, args=(extent,)) for extent in (3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
