"""Every operation of the catalogue, in numbers: a new record is taken up by these tests without a word more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from thorough import sweep

import codegen
import derive
from codegen.verification import (
    STEP,
    TOLERANCE,
    compare_numbers,
    draw_inputs,
    known_values,
    outputs_of,
    separate_passes,
    time_ratio,
)
from derive.errors import InputError

NAMES = tuple(derive.catalogue())
#: The sizes of an operation's axes, in their order: distinct primes, all 1, one of each.
SIZES = [(5, 3, 7), (1, 1, 1), (1, 3, 2), (3, 1, 2)]


def inputs_of(name: str, sizes: tuple[int, ...], dtype: Any = np.float64) -> list[np.ndarray]:
    """Random inputs with the axes as long as said, in turn; those of an elementwise operation broadcast."""
    operation = derive.find(name)
    rng = np.random.default_rng(7)
    if operation.is_elementwise:
        domain = operation.record.domain
        own = [tensor for tensor in operation.inputs if tensor not in operation.settings]
        arrays = [
            rng.uniform(*domain.get(tensor.name, (-2, 2)), sizes[place % 2 : 2]).astype(dtype)
            for place, tensor in enumerate(own)
        ]
        return arrays + [np.array(float(operation.record.defaults[t.name]), dtype) for t in operation.settings]
    if operation.extents:  # Windows have to fit into their axes.
        return [array.astype(dtype) for array in draw_inputs(operation, rng, 0)]
    extents = dict(zip(operation.sizes, cycle((*sizes, *sizes[:1])), strict=False))
    cut = []
    for tensor, array in zip(operation.inputs, draw_inputs(operation, rng, max(sizes)), strict=True):
        part = array[tuple(slice(0, int(extent.xreplace(extents))) for extent in tensor.sizes)]
        cut.append(part % int(tensor.values.xreplace(extents)) if tensor.values is not None else part.astype(dtype))
    return cut


def gradients(name: str, inputs: list[np.ndarray], upstream: Any) -> tuple[np.ndarray, ...]:
    _, pullback = codegen.vjp(name, *inputs)
    return pullback(*upstream)


def forward_of(name: str) -> Callable[[list[np.ndarray]], tuple[Any, ...]]:
    """The forward pass, its outputs as a tuple, of a single one too."""
    operation, run = derive.find(name), codegen.forward(name)
    return lambda inputs: outputs_of(operation, run(*inputs))


def outputs(name: str, inputs: list[np.ndarray]) -> tuple[Any, ...]:
    return forward_of(name)(inputs)


def paired(values: Any, upstream: list[np.ndarray]) -> Any:
    """The sum of the products of outputs with their upstream gradients."""
    return sum(np.sum(value * each) for value, each in zip(values, upstream, strict=True))


def upstream_for(name: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [np.asarray(rng.standard_normal(np.shape(y)), np.asarray(y).dtype) for y in outputs(name, inputs)]


def central_differences(name: str, inputs: list[np.ndarray], upstream: list[np.ndarray]) -> list[np.ndarray]:
    operation, forward = derive.find(name), forward_of(name)
    found = []
    for tensor in operation.differentiable:
        place = operation.inputs.index(tensor)
        numeric = np.zeros(np.shape(inputs[place]))
        for where in np.ndindex(numeric.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = list(inputs)
                moved[place] = np.array(inputs[place])
                moved[place][where] += step
                sides.append(paired(forward(moved), upstream))
            numeric[where] = (sides[0] - sides[1]) / (2 * STEP)
        found.append(numeric)
    return found


#: Windows are drawn with axes that they fit into, once: they have no axes of these sizes.
SIZED = [
    pytest.param(name, sizes, id=f"{name}-sizes{place}")
    for name in NAMES
    for place, sizes in enumerate(SIZES[:1] if derive.find(name).extents else SIZES)
]


def test_operations_that_are_not_drawn_by_size_are_differentiated_once() -> None:
    drawn = {name: len({str(inputs_of(name, sizes)) for sizes in SIZES}) for name in NAMES}
    asked = [param.values[0] for param in SIZED]
    assert {name: asked.count(name) for name in NAMES if drawn[name] == 1} == {
        name: 1 for name in NAMES if derive.find(name).extents
    }


@pytest.mark.parametrize(("name", "sizes"), sweep(SIZED, lambda given: given.values[1] in SIZES[:2]))
def test_the_gradients_agree_with_central_differences_and_their_mutants_do_not(
    name: str, sizes: tuple[int, ...]
) -> None:
    inputs = inputs_of(name, sizes)
    upstream = upstream_for(name, inputs)
    for ours, numeric in zip(
        gradients(name, inputs, upstream), central_differences(name, inputs, upstream), strict=True
    ):
        assert ours.shape == numeric.shape
        assert_allclose(ours, numeric, rtol=TOLERANCE, atol=TOLERANCE)
        if np.any(np.abs(numeric) > 0.01):
            with pytest.raises(AssertionError):
                assert_allclose(1.0005 * ours, numeric, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_the_dot_product_identity(name: str) -> None:
    """<J v, u> = <v, J^T u>, with J v from a difference along v."""
    inputs = inputs_of(name, (5, 3, 7))
    operation = derive.find(name)
    upstream = upstream_for(name, inputs)
    rng = np.random.default_rng(11)
    for tensor, gradient in zip(operation.differentiable, gradients(name, inputs, upstream), strict=True):
        place = operation.inputs.index(tensor)
        direction = rng.standard_normal(np.shape(inputs[place]))
        sides = []
        for step in (STEP, -STEP):
            moved = list(inputs)
            moved[place] = inputs[place] + step * direction
            sides.append(paired(outputs(name, moved), upstream))
        along = (sides[0] - sides[1]) / (2 * STEP)
        assert_allclose(along, np.sum(direction * gradient), rtol=1e-6, atol=1e-8)


def assert_close_in_single_precision(ours: Any, exact: Any) -> None:
    assert_allclose(ours, exact, rtol=2e-5, atol=2e-6 * max(1.0, float(np.max(np.abs(exact)))))


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_stays_and_agrees_with_double(name: str) -> None:
    double = inputs_of(name, (5, 3, 7))
    single = inputs_of(name, (5, 3, 7), np.float32)
    for output, exact in zip(outputs(name, single), outputs(name, double), strict=True):
        assert np.asarray(output).dtype == np.float32
        assert_close_in_single_precision(output, exact)
    upstream = upstream_for(name, single)
    for ours, exact in zip(
        gradients(name, single, upstream),
        gradients(name, double, [u.astype(np.float64) for u in upstream]),
        strict=True,
    ):
        assert ours.dtype == np.float32
        assert_close_in_single_precision(ours, exact)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_not_written_to_and_results_are_not_the_arguments(name: str) -> None:
    inputs = inputs_of(name, (5, 3, 7))
    for array in inputs:
        array.setflags(write=False)
    upstream = upstream_for(name, inputs)
    for array in upstream:
        array.setflags(write=False)
    found = gradients(name, inputs, upstream)
    for gradient in found:
        assert not any(np.shares_memory(gradient, array) for array in (*inputs, *upstream))
    for place, gradient in enumerate(found):
        assert not any(np.shares_memory(gradient, other) for other in found[place + 1 :])


@pytest.mark.parametrize("name", NAMES)
def test_memory_layout_and_byte_order_do_not_matter(name: str) -> None:
    inputs = inputs_of(name, (5, 3, 7))
    upstream = upstream_for(name, inputs)
    strange = [np.array(array, array.dtype.newbyteorder(">"), order="F") for array in inputs]
    strided = [np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array for array in inputs]
    expected = gradients(name, inputs, upstream)
    for others in (strange, strided):
        for ours, exact in zip(gradients(name, others, upstream), expected, strict=True):
            assert_allclose(ours, exact, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_emitted_module_computes_what_the_functions_compute(name: str) -> None:
    """For elementwise operations this holds the lambdified function against its emitted twin."""
    namespace: dict[str, Any] = {}
    exec(codegen.source(name), namespace)
    inputs = inputs_of(name, (5, 3, 7))
    stem = name.replace("-", "_")
    operation = derive.find(name)
    emitted = namespace[f"{stem}_forward"](*inputs)
    output, saved = codegen.forward(name).with_saved(*inputs)
    backward = codegen.backward(name)
    inner = [d.tensor.name for d in operation.intermediates if d.tensor.name in saved]
    emitted = emitted if isinstance(emitted, tuple) else (emitted,)
    assert len(emitted) == len(operation.outputs) + len(inner)
    for ours, text in zip(outputs_of(operation, output), emitted, strict=False):
        assert_allclose(text, ours, rtol=1e-14, atol=1e-15)
    upstream = upstream_for(name, inputs)
    from_text = namespace[f"{stem}_backward"](*upstream, *(saved[key] for key in backward.saved))
    from_text = from_text if isinstance(from_text, tuple) else (from_text,)
    for ours, text in zip(backward(*upstream, **saved), from_text, strict=True):
        assert_allclose(text, ours, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_report_of_numbers_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegen.verification.TIMED_SIZES", (3, 9))
    monkeypatch.setattr("codegen.verification.time_ratio", partial(time_ratio, rounds=1, seconds=0.0))
    assert compare_numbers(derive.find(name), seed=5).holds


@pytest.mark.parametrize("name", [name for name in NAMES if derive.find(name).intermediates])
def test_one_after_the_other_gives_what_the_fused_pass_gives(name: str) -> None:
    operation = derive.find(name)
    inputs = inputs_of(name, (5, 3, 7))
    upstream = upstream_for(name, inputs)
    apart = separate_passes(operation)(known_values(operation, inputs), upstream)
    unfused = codegen.backward(name, fuse=False)
    _, saved = codegen.forward(name).with_saved(*inputs, fuse=False)
    for ours, one, other in zip(gradients(name, inputs, upstream), apart, unfused(*upstream, **saved), strict=True):
        assert_allclose(one, ours, rtol=1e-12, atol=1e-14)
        assert_allclose(other, ours, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_softmax_cce_is_right_at_huge_logits(dtype: Any, rows: int, classes: int) -> None:
    rng = np.random.default_rng(rows + classes)
    logits = rng.choice([-1e4, 0.0, 1e4], (rows, classes)).astype(dtype)
    ids = rng.integers(0, classes, rows)
    hot = np.eye(classes, dtype=dtype)[ids]
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss, gradient = -np.mean(logs[np.arange(rows), ids]), (np.exp(logs) - hot) / rows
    for name, labels in (("softmax-cce", hot), ("softmax-cce-sparse", ids)):
        output, pullback = codegen.vjp(name, logits, labels)
        (found,) = pullback(dtype(1.0))
        assert_allclose(output, loss, rtol=1e-6)
        assert_allclose(found, gradient, rtol=1e-6, atol=1e-7)
        assert (np.asarray(output).dtype, found.dtype) == (dtype, dtype)
    assert_allclose(codegen.forward("softmax")(logits), np.exp(logs), rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_and_losses_of_logits_are_right_at_huge_ones(dtype: Any) -> None:
    """Values and gradients at numbers whose exponentials overflow or vanish, with no warning on the way."""
    x = np.array([-1e4, -300.0, 0.0, 300.0, 1e4], dtype)
    sigmoid, positive = np.array([0, 0, 0.5, 1, 1]), np.maximum(x, 0)
    expected = {
        "sigmoid": (sigmoid, [0, 0, 0.25, 0, 0]),
        "softplus": (positive + np.array([0, 0, np.log(2), 0, 0]), sigmoid),
        "silu": (positive, sigmoid),
        "gelu": (positive, sigmoid),
        "leaky-relu": (np.where(x > 0, x, x / 100), [0.01, 0.01, 0.01, 1, 1]),
        "identity": (x, np.ones(5)),
    }
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for name, (value, slope) in expected.items():
            output, pullback = codegen.vjp(name, x)
            (found,) = pullback(np.ones_like(x))
            assert (output.dtype, found.dtype) == (dtype, dtype), name
            assert_allclose(output, value, rtol=1e-6, atol=1e-30, err_msg=name)
            assert_allclose(found, slope, rtol=1e-6, atol=1e-30, err_msg=name)
        for label, loss in ((0.0, positive), (1.0, positive - x)):
            output, pullback = codegen.vjp("bce-logits", x[None], np.full((1, 5), label, dtype))
            (found,) = pullback()
            assert_allclose(output, np.mean(loss + np.array([0, 0, np.log(2), 0, 0])), rtol=1e-6)
            assert_allclose(found, (sigmoid - label)[None] / 5, rtol=1e-6, atol=1e-30)
        logs, pullback = codegen.vjp("log-softmax", x[None])
        assert_allclose(logs, (x - 1e4)[None], rtol=1e-6)
        assert_allclose(pullback(np.ones((1, 5), dtype))[0], [[1, 1, 1, 1, -4]], rtol=1e-6)
        total, pullback = codegen.vjp("logsumexp", x[None])
        assert_allclose(total, [1e4], rtol=1e-6)
        assert_allclose(pullback(np.ones(1, dtype))[0], [[0, 0, 0, 0, 1]], rtol=1e-6, atol=1e-30)


def test_losses_do_not_look_at_what_a_label_takes_away() -> None:
    sure, labels = np.array([[0.0, 1.0, 0.25]]), np.array([[0.0, 1.0, 1.0]])
    with np.errstate(all="raise"):
        loss, pullback = codegen.vjp("bce", sure, labels)
        assert_allclose(loss, np.log(4) / 3)
        assert_allclose(pullback()[0], [[1 / 3, -1 / 3, -4 / 3]])
        loss, pullback = codegen.vjp("kl", sure, np.array([[0.0, 0.5, 0.5]]))
        assert_allclose(loss, np.log(0.5) + 0.5 * np.log(4))
        assert_allclose(pullback()[0], [[0, -0.5, -2]])
        loss, pullback = codegen.vjp("poisson-nll", sure, np.array([[0.0, 2.0, 0.0]]))
        assert_allclose(loss, 1.25 / 3)
        assert_allclose(pullback()[0], [[1 / 3, -1 / 3, 1 / 3]])
    with np.errstate(divide="ignore"):
        assert codegen.forward("bce")(sure, 1 - labels) == np.inf


def test_cross_entropy_does_not_look_at_a_class_without_label() -> None:
    p, t = np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    loss, pullback = codegen.vjp("cce", p, t)
    assert_allclose(loss, -np.log(0.75) / 2)
    assert_allclose(pullback(1.0)[0], [[-0.5, 0.0], [0.0, -0.5 / 0.75]])


def test_a_given_fact_changes_the_code_and_is_stated() -> None:
    shorter = codegen.backward("softmax-cce", given=["sum(t[n,k], k) = 1"])
    assert "(p - t)" in shorter.source
    assert "sum(t[n,k], k) = 1" in shorter.source
    assert "t.sum" not in shorter.source
    assert "t.sum" in codegen.backward("softmax-cce").source


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("dense", [np.ones((3, 4)), np.ones((5, 2)), np.ones(2)], ["dense", "4", "5", "axis 1 of x", "axis 0 of w"]),
        ("softmax-cce", [np.ones((3, 4)), np.ones((3, 5))], ["softmax-cce", "4", "5"]),
        ("softmax-cce-sparse", [np.ones((2, 4)), np.array([0, 4])], ["softmax-cce-sparse", "t", "4"]),
        ("softmax-cce-sparse", [np.ones((2, 4)), np.array([0, -1])], ["softmax-cce-sparse", "t", "-1"]),
        ("softmax", [np.ones(())], ["softmax", "x", "0", "1 or more"]),
        ("mul", [np.ones(3), np.ones(4)], ["mul", "3", "4"]),
        ("dense", [np.ones((3, 4))], ["dense", "x, w, b", "1"]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, inputs: list[np.ndarray], said: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        codegen.forward(name)(*inputs)
    for word in said:
        assert word in str(refused.value)


def test_the_report_says_at_what_sizes_it_took_the_time() -> None:
    assert [size for size, _ in compare_numbers(derive.find("silu")).ratios] == ["a single number"]
    assert [size for size, _ in compare_numbers(derive.find("bce-logits")).ratios] == ["3 x 3", "300 x 300"]
