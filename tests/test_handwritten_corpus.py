"""The corpus of handwritten backward passes is what it says: the right ones are right, the wrong ones are wrong."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from handwritten.corpus.case import RIGHT, SIZES, Case, load, needs_torch, right_text, values_of
from handwritten.corpus.cases import CASES
from handwritten.corpus.observing import observations, observe, true_gradients

HAS_TORCH = importlib.util.find_spec("torch") is not None
CHECKED = [case for case in CASES if HAS_TORCH or not needs_torch(case)]


@pytest.fixture(params=CHECKED, ids=lambda case: case.target)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def test_right_ones_are_right_by_differences(case: Case) -> None:
    module = load(right_text(case.file), case.file)
    for number, varied in enumerate(case.varied()):
        values = values_of(varied, number, SIZES)
        seen = observe(varied, module, "usual", values)
        assert seen.error is None
        for name, expected in true_gradients(varied, module, values).items():
            assert np.any(np.abs(expected) > 1e-3), f"the upstream gradient of {name} shows nothing"
            np.testing.assert_allclose(seen.grads[name], expected, rtol=1e-5, atol=1e-7, err_msg=name)


def test_right_ones_behave(case: Case) -> None:
    for seen in observations(case, load(right_text(case.file), case.file)):
        assert seen.error is None, seen.world
        assert not seen.written, seen.world
        for name, gradient in seen.grads.items():
            assert np.all(np.isfinite(gradient)), (seen.world, name)
            np.testing.assert_array_equal(gradient, seen.again[name], err_msg=f"{seen.world} {name}")
            if seen.world == "float32":
                assert gradient.dtype == np.float32, name


def test_there_are_enough_in_enough_styles() -> None:
    assert len(CASES) == len({case.target for case in CASES}) >= 40
    assert len({case.style for case in CASES}) >= 6
    assert {case.file for case in CASES} == {path.name for path in RIGHT.glob("*.py")}
