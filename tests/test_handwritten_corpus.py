"""The corpus of handwritten backward passes is what it says: the right ones are right, the wrong ones are wrong."""

from __future__ import annotations

import importlib.util
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from handwritten.corpus.case import RIGHT, SIZES, Case, load, needs_torch, right_text, values_of
from handwritten.corpus.cases import BY_TARGET, CASES
from handwritten.corpus.mistake import KINDS, Mistake, conventions, from_tables, mistake_of
from handwritten.corpus.observing import observations, observe, true_gradients
from handwritten.corpus.shows import differs, disagrees_with_itself, has_another_result, pair_of, shown
from handwritten.corpus.systematic import RULES, by_rule, is_wrong, really_wrong

import derive

HAS_TORCH = importlib.util.find_spec("torch") is not None
CHECKED = [case for case in CASES if HAS_TORCH or not needs_torch(case)]
TABLE = list(from_tables())
#: The rules are looked at in all they do on these, which stand for the styles.
SAMPLE = ("DenseLayer", "ActivationSoftmax", "LayerNorm", "HuberLoss", "SoftmaxWithLoss", "attention", "gelu", "Affine")


@pytest.fixture(params=CHECKED, ids=lambda case: case.target)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


# -- the right ones ---------------------------------------------------------------------------------------------------


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
        assert np.all(np.isfinite(seen.out)), seen.world
        for name, gradient in seen.grads.items():
            assert np.all(np.isfinite(gradient)), (seen.world, name)
            np.testing.assert_array_equal(gradient, seen.again[name], err_msg=f"{seen.world} {name}")
            if seen.world == "float32":
                assert gradient.dtype == np.float32, name


def test_there_are_enough_in_enough_styles() -> None:
    assert len(CASES) == len(BY_TARGET) >= 40
    assert len({case.style for case in CASES}) >= 6
    assert {case.file for case in CASES} == {path.name for path in RIGHT.glob("*.py")}
    assert {case.operation for case in CASES} - {None} <= set(derive.catalogue())


# -- the wrong ones ---------------------------------------------------------------------------------------------------


def test_there_are_enough_mistakes_of_every_target_and_kind() -> None:
    assert len({mistake.text for mistake in TABLE}) == len(TABLE) >= 250
    assert {mistake.case.target for mistake in TABLE} == set(BY_TARGET)
    kinds = Counter(kind for mistake in TABLE for kind in mistake.kinds)
    # A kink is a convention; the rest of the documented kinds are mistakes.
    assert set(kinds) == KINDS - {"kink"}
    assert min(kinds.values()) >= 2, kinds


def test_mistakes_are_wrong_in_the_way_they_say(case: Case) -> None:
    right = observations(case, load(right_text(case.file), case.file))
    for mistake in (each for each in TABLE if each.case is case):
        pair = pair_of(mistake, right)
        assert differs(pair), f"{mistake.name} is no mistake"
        assert shown(pair), f"{mistake.name} shows none of {sorted(mistake.kinds)}"


@pytest.mark.parametrize("name", ["DenseLayer", "GELU", "softmax", "CategoricalCrossEntropy"])
def test_a_mistake_of_a_value_disagrees_with_differences(name: str) -> None:
    values = {"sign", "factor", "missing-term", "diagonal", "upstream-ignored"}
    some = [each for each in TABLE if each.case is named(name) and values.issuperset(each.kinds)]
    assert some
    assert all(disagrees_with_itself(mistake) for mistake in some)


def test_a_forward_that_is_another_function_needs_the_operation_to_be_known() -> None:
    consistent = [
        mistake
        for mistake in TABLE
        if mistake.kinds == ("forward-differs",) and mistake.case.name == "gelu" and not disagrees_with_itself(mistake)
    ]
    assert len(consistent) == 2
    assert all(mistake.case.operation and has_another_result(pair_of(mistake)) for mistake in consistent)


@pytest.mark.parametrize("name", SAMPLE)
def test_mistakes_by_rule_are_wrong_in_the_way_they_say(name: str) -> None:
    case = named(name)
    right = observations(case, load(right_text(case.file), case.file))
    made = list(really_wrong(case))
    assert len({mistake.origin for mistake in made}) >= 3
    for mistake in made:
        assert shown(pair_of(mistake, right)), (mistake.origin, mistake.name)


def test_every_rule_makes_mistakes() -> None:
    made = {mistake.origin for case in CASES for mistake in by_rule(case)}
    assert made == {rule.__name__ for rule in RULES}


def test_conventions_differ_at_a_kink_alone() -> None:
    pairs = [pair_of(mistake) for mistake in conventions()]
    assert pairs
    assert all(shown(pair) for pair in pairs)


# -- the tables and the looks can say no ------------------------------------------------------------------------------


def test_a_change_that_changes_nothing_is_no_mistake() -> None:
    case = named("ActivationTanh")
    same = mistake_of(case.target, ("value", "1 - self.output**2", "1.0 - self.output * self.output"))
    assert not is_wrong(same, observations(case, load(right_text(case.file), case.file)))


def test_a_mistake_of_another_kind_is_not_shown() -> None:
    wrong = mistake_of(named("DenseLayer").target, ("factor", "np.dot(dvalues,", "-np.dot(dvalues,"))
    assert shown(pair_of(wrong))
    for kind in ("dtype", "mutates-upstream", "accumulates", "not-finite", "shape", "tie", "upstream-ignored"):
        assert not shown(pair_of(replace(wrong, kinds=(kind,)))), kind


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("sign", "no such text", ""), "occurs 0 times"),
        (("sign", "dvalues", ""), "occurs 4 times"),
        (("wrong", "np.dot(dvalues", ""), "no diagnosis is called wrong"),
        (("sign", "np.dot(dvalues"), "texts in pairs"),
    ],
)
def test_a_row_that_cannot_be_applied_is_an_error(row: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mistake_of(named("DenseLayer").target, row)


def test_a_mistake_is_named_by_its_target_and_its_change() -> None:
    mistake = mistake_of(named("Exp").target, ("sign", "grad_output * result", "-grad_output * result"))
    assert isinstance(mistake, Mistake)
    assert mistake.name == "torch_functions.py:Exp: grad_output * result -> -grad_output * result"
