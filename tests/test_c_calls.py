"""Calls in C that are remembered: arrays that lie otherwise than those of the call before are handed over anew."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import codegen
from codegen import c_calls, c_pointers
from codegen.c_compiler import find_compiler
from derive.errors import InputError

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler")


def unaligned(array: Any) -> Any:
    room = np.zeros(array.nbytes + 1, np.uint8)
    moved = room[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


#: How the second call's arrays lie.
CHANGES: dict[str, Callable[[Any], Any]] = {
    "copied": lambda a: a.copy(),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "in columns": lambda a: np.asfortranarray(a),
    "with gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "one row again and again": lambda a: np.broadcast_to(a[:1], a.shape),
    "unaligned": unaligned,
    "of another precision": lambda a: a.astype(np.float32),
    "of the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "of another shape": lambda a: a[:2],
    "with more axes": lambda a: np.stack([a, 2 * a]),
    "a list": lambda a: a.tolist(),
    "nothing": lambda a: a[:0],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("name", ["softmax", "layer-norm", "gelu", "elu"])
def test_what_is_given_after_a_remembered_call_is_looked_at(name: str, change: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 5))
    more = [rng.standard_normal(5) for tensor in codegen.forward(name).operation.inputs[1:3] if tensor.rank]
    run, pullback = codegen.forward(name, target="c"), codegen.backward(name, target="c")
    for _ in range(2):
        pullback(dy, **run.with_saved(x, *more)[1])
    own, upstream = change(x), change(dy)
    if isinstance(own, np.ndarray) and own.dtype == np.float32:
        more = [each.astype(np.float32) for each in more]
    for _ in range(2):
        output, saved = run.with_saved(own, *more)
        gradients = pullback(upstream, **saved)
        expected, back = codegen.vjp(name, own, *more)
        assert_allclose(output, expected, rtol=1e-5 if output.dtype == np.float32 else 1e-13, atol=1e-6)
        assert output.dtype == expected.dtype
        assert output.shape == expected.shape
        for mine, theirs in zip(gradients, back(upstream), strict=True):
            assert_allclose(mine, theirs, rtol=1e-4 if mine.dtype == np.float32 else 1e-12, atol=1e-6)
            assert mine.shape == theirs.shape


def test_labels_of_a_remembered_call_are_looked_at() -> None:
    run = codegen.forward("softmax-cce-sparse", target="c")
    z, t = np.eye(2, 3), np.array([0, 2])
    first = [run.with_saved(z, t)[0] for _ in range(2)]
    assert_allclose(run.with_saved(z, t.astype(np.int8))[0], first[0])
    assert_allclose(run.with_saved(z[:, ::-1], 2 - t)[0], first[1])
    with pytest.raises(InputError, match="labels run from 0 to 2"):
        run.with_saved(z, np.array([0, 3]))


def test_results_of_remembered_calls_share_nothing() -> None:
    run = codegen.forward("relu", target="c")
    x = np.linspace(-1, 1, 1 << 18)
    outputs = [run.with_saved(x)[0] for _ in range(3)]
    before = outputs[0].copy()
    run(-x)
    assert not any(np.shares_memory(one, other) for one in outputs for other in outputs if one is not other)
    assert_allclose(outputs[0], before)


@pytest.mark.parametrize("change", [change for name, change in CHANGES.items() if name != "a list"])
def test_where_arrays_lie_is_what_numpy_says(change: Callable[[Any], Any]) -> None:
    arrays = [change(np.arange(12.0).reshape(3, 4)), np.zeros(()), np.zeros((0, 3), np.int8)]
    places = [array.ctypes.data for array in arrays]
    for found in (c_pointers.read_pointers, c_pointers.asked_pointers):
        assert [each.value for each in found(arrays)] == places


def test_addresses_are_read_where_they_are_found_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert c_pointers.are_readable()
    monkeypatch.setattr(c_pointers, "_HEAD", object.__basicsize__ + 8)
    assert not c_pointers.are_readable()
    monkeypatch.undo()
    monkeypatch.setattr("sys.implementation", SimpleNamespace(name="another"))
    assert not c_pointers.are_readable()


def test_where_addresses_are_not_read_numpy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_calls, "pointers", c_pointers.asked_pointers)
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    assert_allclose(codegen.forward("elu", target="c")(x, 2.0), codegen.forward("elu")(x, 2.0))


def test_what_a_function_works_in_is_one_calls_own() -> None:
    small = c_calls.Work([((c_calls.KEPT_WORK // 8,), np.dtype("d"))])
    first, second = small.take(), small.take()
    assert not np.shares_memory(first[0][0], second[0][0])
    assert first[1][0].value == first[0][0].ctypes.data
    small.give_back(first)
    assert small.take() is first
    large = c_calls.Work([((c_calls.KEPT_WORK // 8 + 1,), np.dtype("d"))])
    taken = large.take()
    large.give_back(taken)
    assert large.take() is not taken
