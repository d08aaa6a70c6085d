"""Calls that come again are a look into a dictionary; what differs from them is checked as if for the first time."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import codegen
import derive
from codegen.c_compiler import find_compiler
from codegen.numpy_function import NumpyFunction
from codegen.repeating import FEW, FORM, KEPT, PLACED, Repeating, repeated
from derive.errors import InputError

TARGETS = ["numpy", *(["c"] if find_compiler() is not None else [])]
RNG = np.random.default_rng(0)
X, SMALL, ROW = RNG.standard_normal((2, 3, 5)), RNG.standard_normal((4, 5)).astype(np.float32), np.ones(5)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the operations whose arguments were looked at one by one."""
    names: list[str] = []
    fit = NumpyFunction.fit

    def counted(self: NumpyFunction, values: Sequence[Any]) -> list[Any]:
        names.append(self.operation.name)
        return fit(self, values)

    monkeypatch.setattr(NumpyFunction, "fit", counted)
    return names


IMAGES, KERNEL = RNG.standard_normal((2, 3, 8, 8)), RNG.standard_normal((4, 3, 2, 2))
#: Calls that are kept: an operation, its arguments, and by name the others.
KEPT_CALLS: dict[str, tuple[str, tuple[Any, ...], Mapping[str, Any]]] = {
    "arrays": ("softmax", (X,), {}),
    "labels": ("softmax-cce-sparse", (X[0], np.array([0, 4, 2])), {}),
    "several outputs": ("lstm-cell", (X[0], X[0], X[0], *RNG.standard_normal((2, 5, 4, 5)), np.ones((4, 5))), {}),
    "what is broadcast": ("mul", (X, ROW), {}),
    "a setting left out": ("elu", (X,), {}),
    "a setting left out, of arrays": ("layer-norm", (X, ROW, ROW), {}),
    "a setting by name": ("elu", (SMALL,), {"a": 0.5}),
    "a setting in turn": ("elu", (SMALL, 0.5), {}),
    "a setting as an array": ("elu", (SMALL, np.array(0.5)), {}),
    "a setting as a number of NumPy": ("elu", (SMALL, np.float64(0.5)), {}),
    "a whole number in the place of a setting": ("elu", (SMALL, 2), {}),
    "arrays of whole numbers": ("softmax", (np.arange(6).reshape(2, 3),), {}),
    "arrays of whole numbers, axes in turn": ("softmax", (np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),), {}),
    "arrays in columns": ("softmax", (np.asfortranarray(X[0]),), {}),
    "the other byte order": ("softmax", (X.astype(X.dtype.newbyteorder()),), {}),
    "strides left out": ("conv2d", (IMAGES, KERNEL, np.ones(4)), {}),
    "strides by name": ("conv2d", (IMAGES, KERNEL, np.ones(4)), {"s": 2, "p": 1}),
    "strides in turn": ("max-pool2d", (IMAGES, 2, 2, 2), {}),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", KEPT_CALLS)
def test_a_call_is_checked_once(case: str, target: str, checked: list[str]) -> None:
    name, values, options = KEPT_CALLS[case]
    run, pullback = codegen.forward(name, target=target), codegen.backward(name, target=target)
    found = []
    for _ in range(3):
        output, saved = run.with_saved(*values, **options)
        outputs = output if isinstance(output, tuple) else (output,)
        gradients = pullback(*(np.ones_like(each) for each in outputs), **saved)
        found.append([*outputs, *np.atleast_1d(run(*values, **options)), *saved.values(), *gradients])
    assert len(checked) <= 3, "with_saved, the backward pass and the call, each once"
    for one in found[1:]:
        for mine, first in zip(one, found[0], strict=True):
            assert_array_equal(mine, first)
            assert np.asarray(mine).dtype == np.asarray(first).dtype


@pytest.mark.parametrize("target", TARGETS)
def test_arrays_of_several_shapes_take_turns(target: str, checked: list[str]) -> None:
    run = codegen.forward("tanh", target=target)
    shapes = [(1, extent) for extent in range(11, 11 + KEPT)]
    for _ in range(3):
        for shape in shapes:
            assert run(np.full(shape, 0.25)).shape == shape
    assert len(checked) == KEPT
    run(np.zeros((1, 11 + KEPT)))
    run(np.zeros((1, 12)))
    assert len(checked) == KEPT + 1, "the newest ones are kept"


def test_matrices_without_an_inverse_are_refused_again_and_again() -> None:
    run = codegen.forward("inv")
    for _ in range(2):
        np.testing.assert_allclose(run(2 * np.eye(3)), np.eye(3) / 2)
        with pytest.raises(InputError, match="no inverse"):
            run(np.zeros((3, 3)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("dtype", "extent", "wrong"),
    [
        ("i1", 200, -1),
        ("i1", 5, -1),
        ("i1", 5, 5),
        ("u1", 5, 255),
        ("i2", 300, -300),
        ("i8", 5, -(2**63)),
        ("u8", 5, 5),
    ],
)
def test_labels_are_looked_at_in_each_call(dtype: str, extent: int, wrong: int, target: str) -> None:
    run = codegen.forward("embedding", target=target)
    w, right = np.arange(2.0 * extent).reshape(extent, 2), np.array([0, min(extent, 127) - 1, 1], dtype)
    for turn in range(4):
        ids = np.resize(right, (3, FEW + 1)[turn % 2])
        assert_array_equal(run(w, ids), w[ids.astype(int)])
        with pytest.raises(InputError, match="labels run from 0"):
            run(w, np.append(ids[1:], np.array(wrong, dtype)))
        with pytest.raises(InputError, match="labels run from 0"):
            run(w, np.append(np.array(wrong, dtype), ids[1:]))


@pytest.mark.parametrize("target", TARGETS)
def test_values_that_look_alike_are_told_apart(target: str) -> None:
    run, x = codegen.forward("elu", target=target), np.array([-1.0, -2.0])
    for _ in range(2):
        for factor in (0.5, 2.0, 1, 3, 0.0, -0.0, np.float64(4), np.array(5.0)):
            expected = float(factor) * np.expm1(x)
            for found in (run(x, factor), run(x, a=factor), run.with_saved(x, a=factor)[0]):
                np.testing.assert_allclose(found, expected, rtol=1e-15)
                assert_array_equal(np.signbit(found), np.signbit(expected))
    with pytest.raises(InputError, match="real numbers"):
        run(x, "1")
    with pytest.raises(InputError, match="no setting b"):
        run(x, b=1.0)


@pytest.mark.parametrize("target", TARGETS)
def test_whole_numbers_are_told_apart_and_checked(target: str) -> None:
    run = codegen.forward("max-pool2d", target=target)
    for _ in range(2):
        assert run(IMAGES, 2, 2, 2).shape == (2, 3, 4, 4)
        assert run(IMAGES, 2, 2, 1).shape == (2, 3, 7, 7)
        assert run(IMAGES, s=np.int64(1)).shape == run(IMAGES, 2, 2, np.int64(1)).shape == (2, 3, 7, 7)
        assert run(IMAGES, 2, 2, np.int64(2)).shape == (2, 3, 4, 4)
        for wrong in (True, 1.0, 0, "1"):
            with pytest.raises(InputError, match="s is"):
                run(IMAGES, 2, 2, wrong)
            with pytest.raises(InputError, match="s is"):
                run(IMAGES, s=wrong)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", KEPT_CALLS)
def test_nothing_is_shared_with_the_calls_before(case: str, target: str) -> None:
    """What a user does to results, and to what is saved, is nothing to later calls."""
    name, values, options = KEPT_CALLS[case]
    run = codegen.forward(name, target=target)
    calls = [run.with_saved(*values, **options) for _ in range(2)]
    before = [np.array(each) for each in calls[0][1].values()]
    for output, saved in calls:
        for each in (*(output if isinstance(output, tuple) else (output,)), *saved.values()):
            if isinstance(each, np.ndarray) and not any(np.shares_memory(each, own) for own in values):
                each[...] = 7
    for mine, first in zip(run.with_saved(*values, **options)[1].values(), before, strict=True):
        assert_array_equal(mine, first)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", KEPT_CALLS)
def test_arrays_of_calls_that_are_kept_are_let_go(case: str, target: str) -> None:
    name, values, options = KEPT_CALLS[case]
    run, pullback = codegen.forward(name, target=target), codegen.backward(name, target=target)
    given = [value.copy(order="K") if isinstance(value, np.ndarray) else value for value in values]
    output, saved = run.with_saved(*given, **options)
    dy = [np.ones_like(each) for each in (output if isinstance(output, tuple) else (output,))]
    pullback(*dy, **saved)
    run(*given, **options)
    held = [weakref.ref(each) for each in (*given, *dy, *saved.values()) if isinstance(each, np.ndarray)]
    del given, output, saved, dy
    gc.collect()
    assert not [each for each in held if each() is not None]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_not_kept_is_prepared_once(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = codegen.forward("softmax", target=target)
    monkeypatch.setattr(type(run), "again", lambda *_: pytest.fail("it is prepared to be called again"))
    for values in (X.tolist(), np.ma.masked_array(X), np.zeros((0, 2))):
        run(values)


def test_a_call_with_nothing_is_not_kept(checked: list[str]) -> None:
    run = codegen.forward("softmax")
    for _ in range(2):
        assert run(np.zeros((0, 3))).shape == (0, 3)
    assert len(checked) == 2


@pytest.mark.parametrize("target", TARGETS)
def test_threads_compute_what_they_would_alone(target: str) -> None:
    """What a function works in belongs to one call at a time."""
    name, failures = "lstm-cell", []
    run, pullback = codegen.forward(name, target=target), codegen.backward(name, target=target)

    def both(seed: int) -> list[Any]:
        rng = np.random.default_rng(seed)
        x, h, c, dy, dc = rng.standard_normal((5, 3, 16))
        output, saved = run.with_saved(x, h, c, *rng.standard_normal((2, 16, 4, 16)), np.ones((4, 16)))
        return [*output, *pullback(dy, dc, **saved)]

    expected = {seed: both(seed) for seed in range(4)}

    def call(seed: int) -> None:
        for _ in range(100):
            if not all(map(np.array_equal, both(seed), expected[seed])):
                failures.append(seed)

    threads = [threading.Thread(target=call, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# ---- the dictionary itself ----


def test_what_may_change_is_not_kept() -> None:
    calls, x = Repeating(), np.zeros(2)
    unkept: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((x,), {"wrt": ["x"]}),
        ((x,), {"wrt": (["x"],)}),
        ((x,), {"a": np.ones(1)}),
        ((x,), {"a": 0.0}),
        (([0.0, 0.0],), {}),
        ((np.ma.masked_array(x),), {}),
        ((None,), {}),
        ((True,), {}),
    ]
    for values, options in unkept:
        calls.keep(values, options, lambda: list)
        assert calls.call(values, options) is None
    calls.keep((x,), {"wrt": ("x",)}, lambda: list)
    assert calls.call((x,), {"wrt": ("x",)}) is not None
    assert calls.call((x,)) is None


def test_the_other_types_of_equal_options_are_others() -> None:
    calls, x = Repeating(), np.zeros(2)
    calls.keep((x,), {"fuse": True}, lambda: list)
    assert calls.call((x,), {"fuse": True}) is not None
    assert calls.call((x,), {"fuse": 1}) is None
    assert calls.call((x,), {"fuse": np.ones(1)}) is None


def test_how_arrays_lie_is_asked_where_it_matters() -> None:
    x = np.zeros((2, 3))
    others = [
        np.asfortranarray(x),
        np.zeros((2, 6))[:, ::2],
        np.frombuffer(bytes(49), "u1")[1:].view("d").reshape(2, 3),
    ]
    for other in others:
        assert FORM(x) == FORM(other)
        assert PLACED(x) != PLACED(other)


def test_no_more_is_kept_than_said() -> None:
    calls = Repeating()
    for extent in range(2 * KEPT):
        calls.keep((np.zeros(extent),), {}, lambda: list)
    assert len(calls._found) == KEPT
    assert calls.call((np.zeros(0),)) is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "spoil",
    [lambda dy, s: (dy[:1], s), lambda dy, s: (None, s), lambda dy, s: (dy.astype(complex), s), lambda dy, s: (dy, {})],
)
def test_a_wrong_call_of_a_backward_pass_after_a_right_one(target: str, spoil: Callable[..., Any]) -> None:
    pullback = codegen.backward("elu", target=target)
    dy, saved = np.ones((2, 3)), codegen.forward("elu", target=target).with_saved(X[0, :2, :3])[1]
    for _ in range(2):
        pullback(dy, **saved)
        upstream, rest = spoil(dy, saved)
        with pytest.raises(InputError):
            pullback(upstream, **rest)
    with pytest.raises(InputError, match="takes one upstream gradient"):
        pullback(**saved)


def test_a_repeated_call_takes_what_was_left_out_anew() -> None:
    call = repeated([1.0], [1.0, 2.0], [np.array(1.0), np.array(2.0)], [], list)
    first, second = call([3.0]), call([4.0])
    assert (first, second) == ([3.0, 2.0], [4.0, 2.0])
    assert first[1] is not second[1]


# ---- finding the operation of a call ----


class Asked(type):
    """What may not be asked whether an object is one of its own."""

    def __instancecheck__(cls, instance: Any) -> bool:
        raise AssertionError("asked")


def test_a_name_is_found_without_asking_for_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an object has a protocol's methods takes many times as long as a call."""
    module = import_module("derive.catalogue")
    monkeypatch.setattr(module, "Derived", Asked("Derived", (), {}))
    assert derive.find("relu") is derive.find(derive.find("relu"))
    with pytest.raises(AssertionError, match="asked"):
        derive.find(SimpleNamespace())
    monkeypatch.undo()
    with pytest.raises(InputError, match="expected a catalogue name, a definition's text or an Operation, not list"):
        derive.find(["relu"])
