"""Memory that results in C lie in is given out again when nobody holds them, and never before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import codegen
from codegen.c_compiler import find_compiler
from codegen.c_memory import ALIGNMENT, KEPT, SMALLEST, KeptMemory, new_array

FLOAT = np.dtype(np.float32)
SHAPE = (SMALLEST // 1024, 256)


@pytest.fixture
def kept() -> Iterator[KeptMemory]:
    memory = KeptMemory(4 * SMALLEST)
    yield memory
    memory.clear()


def place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_what_is_freed_is_given_out_again(kept: KeptMemory) -> None:
    first = new_array(SHAPE, FLOAT, kept)
    where = place(first)
    assert where % ALIGNMENT == 0 and first.flags.writeable and first.dtype == FLOAT and first.shape == SHAPE
    del first
    assert kept.size == SMALLEST + ALIGNMENT
    assert place(new_array(SHAPE, FLOAT, kept)) == where


def test_a_view_keeps_the_memory(kept: KeptMemory) -> None:
    first = new_array(SHAPE, FLOAT, kept)
    view = first.reshape(-1)[3:10]
    view[...] = 7
    del first
    other = new_array(SHAPE, FLOAT, kept)
    other[...] = 1
    assert not np.shares_memory(other, view) and np.all(view == 7)
    del view
    assert kept.size == SMALLEST + ALIGNMENT


def test_no_more_is_kept_than_the_limit(kept: KeptMemory) -> None:
    arrays = [new_array(SHAPE, FLOAT, kept) for _ in range(6)]
    del arrays
    assert 0 < kept.size <= kept.limit
    kept.clear()
    assert kept.size == 0
    assert new_array(SHAPE, FLOAT, KeptMemory(0)).base is None


def test_small_arrays_are_those_of_numpy(kept: KeptMemory) -> None:
    assert new_array((3, 4), FLOAT, kept).base is None
    assert new_array((0, 4), FLOAT, kept).shape == (0, 4)


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
def test_results_of_two_calls_do_not_overlap() -> None:
    forward = codegen.forward("softmax", target="c")
    x = np.random.default_rng(0).standard_normal(SHAPE, np.float32)
    first = forward(x)
    copied = first.copy()
    second = forward(2 * x)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, copied)
    del first, second
    assert KEPT.size >= SMALLEST
    codegen.release_memory()
    assert KEPT.size == 0
