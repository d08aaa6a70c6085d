"""Index arithmetic from the text to the code: convolutions, pools, shifts, by definition and against torch and JAX."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from identities.case import Case, Twin
from identities.convolution import CASES
from numpy.testing import assert_allclose, assert_array_equal

import codegen
import derive
from codegen.verification import compare_numbers
from derive.derivation import CheckFailedError
from derive.errors import DefinitionError, InputError, UnsupportedError
from derive.evaluation import Assignment
from derive.gradients import parameters_of
from derive.indices import Element, Index, Tensor
from derive.parsing import parse_equation, parse_operation
from derive.printing import definition_text, latex_text
from derive.sums import substitute

Array = np.ndarray
RECORDS = [name for name, operation in derive.catalogue().items() if operation.record.group == "convolution"]

#: Typed definitions, the shapes of their inputs, and their whole numbers.
CONV1D = "y[n,o,t] = sum(x[n,c,s*t + d*r - p]*w[o,c,r], c, r) + b[o]"
CONV2D = "y[n,o,h,k] = sum(x[n,c,s*h + d*r - p,s*k + d*q - p]*w[o,c,r,q], c, r, q) + b[o]"
PADDED_MAX = "y[n,c,t] = max(x[n,c,s*t + r - p], r)"
TYPED: list[tuple[str, tuple[tuple[int, ...], ...], Mapping[str, int]]] = [
    (CONV1D, ((2, 3, 11), (5, 3, 4), (5,)), {"s": 1, "d": 1, "p": 0}),
    (CONV1D, ((2, 3, 11), (5, 3, 4), (5,)), {"s": 3, "d": 2, "p": 2}),
    (CONV1D, ((2, 3, 1), (5, 3, 1), (5,)), {"s": 2, "d": 3, "p": 0}),
    (CONV1D, ((1, 1, 2), (1, 1, 5), (1,)), {"s": 2, "d": 1, "p": 3}),
    (CONV2D, ((2, 3, 7, 5), (2, 3, 3, 2), (2,)), {"s": 2, "d": 1, "p": 1}),
    ("y[n,o,t] = sum(x[n,c,t + r]*w[o,c,r], c, r)", ((2, 3, 7), (5, 3, 4)), {}),
    ("y[n,o,t] = sum(x[n,c,2*t + r]*w[o,c,r], c, r)", ((2, 3, 9), (5, 3, 4)), {}),
    ("y[t] = sum(x[t - r]*w[r], r)", ((5,), (3,)), {}),
    ("y[t] = sum(x[t + 2*r - 1]*w[r], r)", ((7,), (3,)), {}),
    ("y[n,c,t] = sum(x[n,c,s*t + r], r)/R", ((2, 3, 11),), {"s": 2, "R": 3}),
    ("y[n,c,t] = mean(x[n,c,s*t + r], r)", ((2, 3, 11),), {"s": 3, "R": 2}),
    (PADDED_MAX, ((2, 3, 7),), {"s": 2, "p": 1, "R": 3}),
    ("y[n,t] = x[n,t - 1]", ((2, 5),), {}),
    ("y[n,t] = x[n,t + 3]", ((2, 5),), {}),
    ("y[n,t] = x[n,t - 7]", ((2, 5),), {}),
    ("y[n,t] = x[n,t] - x[n,t - 1]", ((2, 5),), {}),
    ("y[n,i] = x[n,I - 1 - i]", ((2, 5),), {}),
    ("y[n,p] = x[n,1 - p]", ((3, 2),), {}),
    ("y[n,t] = x[n,2*t] + x[n,2*t + 1]", ((2, 7),), {}),
    ("y[t] = x[t]*[t - a >= 0]", ((5,),), {"a": 2}),
    ("y[n,t] = tanh(x[n,t - 1])*x[n,t]", ((2, 5),), {}),
    ("y[t] = sum(x[t,t + r], r)/R", ((5, 6),), {"R": 2}),
    (PADDED_MAX, ((2, 3, 7),), {"s": 3, "p": 2, "R": 3}),
    ("y[n,h,k] = max(x[n,s*h + r,s*k + q], r, q)", ((2, 7, 8),), {"s": 1, "R": 3, "Q": 2}),
    ("y[n,h,k] = max(x[n,s*h + r - p,2*k + q - p], r, q)", ((2, 7, 8),), {"s": 3, "R": 3, "Q": 2, "p": 1}),
    ("y[n,h,k] = max(x[n,h + 2*r,3*k + 2*q], q, r)", ((2, 7, 8),), {"R": 3, "Q": 2}),
    ("y[h,k,l] = max(x[2*h + r,k + q,2*l + v], r, q, v)", ((5, 4, 6),), {"R": 3, "Q": 2, "V": 2}),
    ("y[t] = max(x[t,2*t + r], r)", ((3, 8),), {"R": 3}),
    ("y[n,c,t] = v[c]*max(x[n,2*t + r], r)", ((3,), (2, 7)), {"R": 3}),
    ("y[n,t] = max(w[r]*x[n,2*t + r], r)", ((3,), (2, 7)), {}),
    ("y[n,t] = z[n,argmax(x[n,2*t + r], r)]", ((2, 3), (2, 7)), {}),
    ("h[n,t] = sum(x[n,t + r], r); y[n,u] = max(h[n,2*u + v], v)", ((2, 9),), {"R": 3, "V": 2}),
]
IDS = [f"{text} {dict(numbers)}" for text, _, numbers in TYPED]


def draw(shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def by_definition(
    operation: derive.Operation, arrays: Sequence[Array], numbers: Mapping[str, int], shape: Any
) -> Array:
    """The output element by element, by the evaluation that knows nothing of windows."""
    sizes: dict[Any, int] = {symbol: numbers[symbol.name] for symbol in operation.parameters}
    for tensor, array in zip((*operation.inputs, operation.output.tensor), (*arrays, np.empty(shape)), strict=True):
        sizes |= {size: extent for size, extent in zip(tensor.sizes, array.shape, strict=True) if size.is_Symbol}
    for extent in operation.extents:
        known = {symbol: sizes[symbol] for symbol in extent.span.free_symbols | extent.step.free_symbols}
        sizes.setdefault(extent.size, int(extent.span.xreplace(known)) // int(extent.step.xreplace(known)) + 1)
    values = {
        tensor: {where: array[where] for where in np.ndindex(array.shape)}
        for tensor, array in zip(operation.inputs, arrays, strict=True)
    }
    here = Assignment(sizes, values, {each.tensor: each for each in operation.definitions})
    target = operation.output.target
    found = [float(here.value(target, dict(zip(target.indices, where, strict=True)))) for where in np.ndindex(shape)]
    return np.array(found).reshape(shape)


# -- by definition, and by differences -------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "shapes", "numbers"), TYPED, ids=IDS)
def test_the_output_is_that_of_the_definition(
    text: str, shapes: tuple[tuple[int, ...], ...], numbers: Mapping[str, int]
) -> None:
    operation, arrays = derive.operation(text), draw(shapes)
    output = codegen.forward(operation)(*arrays, **numbers)
    expected = by_definition(operation, arrays, numbers, output.shape)
    assert_allclose(output, expected, atol=1e-12)
    if len({*np.ravel(output)}) > 1:  # The test can fail: another array has another output.
        other = by_definition(operation, draw(shapes, 1), numbers, output.shape)
        assert not np.allclose(output, other)


@pytest.mark.parametrize(("text", "shapes", "numbers"), TYPED, ids=IDS)
def test_the_gradients_are_the_slopes(
    text: str, shapes: tuple[tuple[int, ...], ...], numbers: Mapping[str, int]
) -> None:
    arrays, step = draw(shapes), 1e-6
    output, pullback = codegen.vjp(text, *arrays, **numbers)
    upstream = np.random.default_rng(2).standard_normal(output.shape)
    run = codegen.forward(text)
    for place, gradient in enumerate(pullback(upstream)):
        assert gradient.shape == arrays[place].shape
        slopes = np.zeros_like(gradient)
        for where in np.ndindex(gradient.shape):
            sides = []
            for sign in (step, -step):
                moved = [array.copy() for array in arrays]
                moved[place][where] += sign
                sides.append(np.sum(run(*moved, **numbers) * upstream))
            slopes[where] = (sides[0] - sides[1]) / (2 * step)
        assert_allclose(gradient, slopes, atol=1e-7)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_holds_against_everything_that_the_command_looks_at(name: str) -> None:
    assert compare_numbers(derive.find(name)).holds


# -- torch and JAX ---------------------------------------------------------------------------------------------------


def torch_forward() -> dict[str, Callable[..., Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracles]'")
    functional = torch.nn.functional
    return {
        "conv1d": lambda x, w, b, s, d, p: functional.conv1d(x, w, b, s, p, d),
        "conv2d": lambda x, w, b, s, d, p: functional.conv2d(x, w, b, s, p, d),
        "depthwise-conv1d": lambda x, w, b, s, d, p: functional.conv1d(x, w[:, None], b, s, p, d, groups=len(b)),
        "avg-pool1d": lambda x, R, s: functional.avg_pool1d(x, R, s),
        "avg-pool2d": lambda x, R, Q, s: functional.avg_pool2d(x, (R, Q), s),
        "max-pool1d": lambda x, R, s: functional.max_pool1d(x, R, s),
        "max-pool2d": lambda x, R, Q, s: functional.max_pool2d(x, (R, Q), s),
        "shift": lambda x: functional.pad(x, (1, 0))[:, :-1],
        "difference": lambda x: torch.diff(x, dim=1, prepend=torch.zeros_like(x[:, :1])),
        "reverse": lambda x: torch.flip(x, (1,)),
    }


def jax_forward() -> dict[str, Callable[..., Any]]:
    jax = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[oracles]'")
    jax.config.update("jax_enable_x64", True)
    lax, jnp = jax.lax, jax.numpy

    def convolve(x: Any, w: Any, s: int, d: int, p: int, groups: int = 1) -> Any:
        axes = x.ndim - 2
        settings = {"rhs_dilation": (d,) * axes, "feature_group_count": groups}
        return lax.conv_general_dilated(x, w, (s,) * axes, [(p, p)] * axes, **settings)

    def pool(x: Any, sizes: tuple[int, ...], s: int, largest: bool) -> Any:
        start, fold = (-jnp.inf, lax.max) if largest else (0.0, lax.add)
        steps = (1, 1, *(s for _ in sizes))
        return lax.reduce_window(x, start, fold, (1, 1, *sizes), steps, "VALID")

    return {
        "conv1d": lambda x, w, b, s, d, p: convolve(x, w, s, d, p) + b[:, None],
        "conv2d": lambda x, w, b, s, d, p: convolve(x, w, s, d, p) + b[:, None, None],
        "depthwise-conv1d": lambda x, w, b, s, d, p: convolve(x, w[:, None], s, d, p, len(b)) + b[:, None],
        "avg-pool1d": lambda x, R, s: pool(x, (R,), s, False) / R,
        "avg-pool2d": lambda x, R, Q, s: pool(x, (R, Q), s, False) / (R * Q),
        "max-pool1d": lambda x, R, s: pool(x, (R,), s, True),
        "max-pool2d": lambda x, R, Q, s: pool(x, (R, Q), s, True),
        "shift": lambda x: jnp.pad(x, ((0, 0), (1, 0)))[:, :-1],
        "difference": lambda x: jnp.diff(x, axis=1, prepend=jnp.zeros_like(x[:, :1])),
        "reverse": lambda x: jnp.flip(x, 1),
    }


#: Shapes of inputs by record; windows that do not fit evenly are among the whole numbers.
SHAPES = {
    "conv1d": ((2, 3, 13), (5, 3, 4), (5,)),
    "conv2d": ((2, 3, 11, 13), (5, 3, 2, 4), (5,)),
    "depthwise-conv1d": ((2, 3, 13), (3, 4), (3,)),
    "avg-pool1d": ((2, 3, 11),),
    "avg-pool2d": ((2, 3, 11, 7),),
    "max-pool1d": ((2, 3, 11),),
    "max-pool2d": ((2, 3, 11, 7),),
    "shift": ((3, 7),),
    "difference": ((3, 7),),
    "reverse": ((3, 7),),
}
CONVOLUTION = [{"s": s, "d": d, "p": p} for s, d, p in product((1, 2, 3), (1, 2), (0, 1, 2))]
POOL1 = [{"R": size, "s": s} for size, s in product((1, 2, 3), (1, 2, 3))]
POOL2 = [{"R": r, "Q": q, "s": s} for r, q, s in product((1, 2, 3), (1, 3), (1, 2, 3))]
NUMBERS = {name: CONVOLUTION if "conv" in name else [{}] for name in SHAPES}
NUMBERS |= {"avg-pool1d": POOL1, "max-pool1d": POOL1, "avg-pool2d": POOL2, "max-pool2d": POOL2}


def test_every_record_has_a_row_here() -> None:
    assert set(SHAPES) == set(RECORDS)


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHAPES)
def test_torch_says_the_same(name: str) -> None:
    forward = torch_forward()[name]
    import torch

    for numbers in NUMBERS[name]:
        arrays = [np.round(array, 1) for array in draw(SHAPES[name])]  # With ties, for the pools.
        output, pullback = codegen.vjp(name, *arrays, **numbers)
        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        expected = forward(*tensors, **numbers)
        assert_allclose(output, expected.detach().numpy(), atol=1e-12)
        upstream = np.random.default_rng(1).standard_normal(output.shape)
        gradients = torch.autograd.grad(expected, tensors, torch.tensor(upstream))
        for ours, theirs in zip(pullback(upstream), gradients, strict=True):
            assert_allclose(ours, theirs.numpy(), atol=1e-11)


def output_and_gradients(run: Callable[..., Any], arrays: Any, upstream: Any) -> tuple[Any, Any]:
    """What JAX makes of a forward pass; compiled as a whole it takes a third of the time."""
    import jax

    output, pullback = jax.vjp(run, *arrays)
    return output, pullback(upstream)


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHAPES)
def test_jax_says_the_same(name: str) -> None:
    forward = jax_forward()[name]
    import jax

    for numbers in NUMBERS[name][:: max(1, len(NUMBERS[name]) // 4)]:
        arrays = draw(SHAPES[name])
        output, pullback = codegen.vjp(name, *arrays, **numbers)
        upstream = np.random.default_rng(1).standard_normal(output.shape)
        run = partial(forward, **numbers)
        expected, gradients = jax.jit(partial(output_and_gradients, run))(tuple(arrays), upstream)
        assert_allclose(output, expected, atol=1e-12)
        for ours, other in zip(pullback(upstream), gradients, strict=True):
            assert_allclose(ours, other, atol=1e-11)


# -- arrays of every kind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDS)
def test_float32_stays_and_nothing_is_written_to(name: str) -> None:
    arrays = [array.astype(np.float32) for array in draw(SHAPES[name])]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    output, pullback = codegen.vjp(name, *arrays)
    upstream = np.ones_like(output)
    upstream.flags.writeable = False
    gradients = pullback(upstream)
    assert {array.dtype for array in (output, *gradients)} == {np.dtype(np.float32)}
    assert output.flags.writeable and all(gradient.flags.writeable for gradient in gradients)
    for array, copy in zip(arrays, copies, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("name", RECORDS)
def test_strided_turned_and_foreign_arrays(name: str) -> None:
    arrays = draw(SHAPES[name])
    plain, pullback = codegen.vjp(name, *arrays)
    upstream = np.random.default_rng(1).standard_normal(plain.shape)
    for change in (
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a[..., ::-1].copy()[..., ::-1],
        np.asfortranarray,
        lambda a: a.astype(">f8"),
    ):
        output, other = codegen.vjp(name, *map(change, arrays))
        assert_allclose(output, plain, atol=1e-12)
        for ours, expected in zip(other(change(upstream)), pullback(upstream), strict=True):
            assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("name", RECORDS)
def test_no_samples_make_no_output(name: str) -> None:
    first, *others = draw(SHAPES[name])
    output, pullback = codegen.vjp(name, first[:0], *others)
    assert output.shape[0] == 0
    gradients = pullback(np.zeros_like(output))
    assert [gradient.shape for gradient in gradients] == [first[:0].shape, *(other.shape for other in others)]
    assert not any(gradient.any() for gradient in gradients)


def test_the_first_of_equal_maxima_has_the_gradient() -> None:
    x = np.array([[[1.0, 1.0, 0.0, 2.0, 2.0]]])
    (gradient,) = codegen.vjp("max-pool1d", x, R=2, s=1)[1](np.ones((1, 1, 4)))
    assert_array_equal(gradient, [[[1, 1, 0, 2, 0]]])


def test_a_maximum_of_zeros_around_an_axis_has_no_gradient() -> None:
    x = -np.ones((1, 1, 3))
    output, pullback = codegen.vjp(PADDED_MAX, x, s=1, p=1, R=2)
    assert_array_equal(output, [[[0, -1, -1, 0]]])
    assert_array_equal(pullback(np.ones_like(output))[0], [[[0 + 1, 1, 0]]])


@pytest.mark.parametrize(("R", "Q", "s"), [(2, 2, 2), (3, 3, 2), (2, 3, 1), (3, 2, 4), (1, 1, 1), (1, 4, 2)])
@pytest.mark.parametrize("whole", [False, True])
def test_pools_as_they_are_written_by_hand(R: int, Q: int, s: int, whole: bool) -> None:
    """Each number goes to the first of the largest of its window, whether windows overlap or not."""
    rng = np.random.default_rng(R + 10 * Q + 100 * s)
    x = rng.integers(0, 3, (2, 3, 9, 8)).astype(float) if whole else rng.standard_normal((2, 3, 9, 8))
    y, pullback = codegen.vjp("max-pool2d", x, R=R, Q=Q, s=s)
    dy = rng.standard_normal(y.shape)
    expected = np.zeros_like(x)
    for n, c, h, k in np.ndindex(y.shape):
        window = x[n, c, s * h : s * h + R, s * k : s * k + Q]
        r, q = np.unravel_index(window.argmax(), window.shape)
        expected[n, c, s * h + r, s * k + q] += dy[n, c, h, k]
    assert_allclose(pullback(dy)[0], expected, rtol=1e-13, atol=1e-14)
    shifted = np.roll(expected, 1, axis=2)
    assert not np.allclose(pullback(dy)[0], shifted)


@pytest.mark.parametrize("shift", ["t - 1", "t + 1"])
def test_a_gradient_at_moved_places_is_0_beyond_its_own_axis(shift: str) -> None:
    """The largest number of a window is the 0 outside of the axis, whose gradient goes nowhere: to no other place."""
    text = f"y[t] = x[{shift}]; z[u] = max(y[u + v - 1], v)"
    x, step = -np.array([1.0, 2.0, 3.0, 4.0]), 1e-6
    z, pullback = codegen.vjp(text, x, V=2)
    dz = np.arange(1.0, z.size + 1)
    run = codegen.forward(text)
    slopes = [np.sum((run(x + along, V=2) - run(x - along, V=2)) * dz) / (2 * step) for along in step * np.eye(4)]
    assert_allclose(pullback(dz)[0], slopes, atol=1e-8)
    assert_allclose(slopes, [3, 4, 0, 0] if shift == "t - 1" else [0, 2, 3, 0], atol=1e-8)


def test_an_infinite_upstream_gradient_stays_where_it_belongs() -> None:
    (dx,) = codegen.backward("max-pool1d")([[[np.inf, 1.0]]], x=[[[1.0, 2.0, 4.0, 3.0]]])
    assert_array_equal(dx, [[[0.0, np.inf, 1.0, 0.0]]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_what_is_added_up_at_places_keeps_its_dtype(dtype: Any) -> None:
    t = np.array([2, 0, 2])
    (dw,) = codegen.backward("y[n] = w[t[n]]")(np.array([1, 2, 4], dtype), w=np.zeros(3, dtype), t=t)
    assert dw.dtype == dtype
    assert_array_equal(dw, [2, 0, 5])
    (dw,) = codegen.backward("y[n] = w[t[n],u[n]]")(
        np.array([1, 2, 4], dtype), w=np.zeros((3, 2), dtype), t=t, u=t // 2
    )
    assert dw.dtype == dtype
    assert_array_equal(dw, [[2, 0], [0, 0], [0, 5]])
    (dx,) = codegen.backward("max-pool1d")(np.ones((1, 1, 3), dtype), x=np.eye(1, 4, 2, dtype)[None], R=2, s=1)
    assert dx.dtype == dtype
    assert_array_equal(dx, [[[1, 0, 2, 0]]])


@pytest.mark.parametrize(
    "text", ["y = sum(w[t[n]]*[x[n] > 0], n)", "y = sum(w[t[n]]*[t[n] > 1], n)", "y = sum(w[t[n]], n)"]
)
def test_what_is_added_up_at_places_may_be_a_mask_or_a_number(text: str) -> None:
    saved = {"w": np.zeros(4, np.float32), "t": np.array([1, 2, 1]), "x": np.array([1, -1, 2], np.float32)}
    run = codegen.backward(text, ["w"])
    (dw,) = run(np.float32(2), **{name: saved[name] for name in run.saved})
    assert dw.dtype == np.float32
    assert_array_equal(dw, [0, 4 if "t[n] > 1" not in text else 0, 2 if "x" not in text else 0, 0])


def test_the_code_of_a_pool_s_backward_pass_searches_once_and_adds_at_once() -> None:
    body = codegen.backward("max-pool2d").source.split('"""')[-1]
    assert "np.add.at" not in body  # Along several axes it takes several times as long.
    assert body.count("_first_largest") == 1
    assert body.count("_add_chosen") == 1


def test_a_layer_has_strides_as_settings() -> None:
    x, w, b = draw(SHAPES["conv1d"])
    layer = codegen.layers.Layer("conv1d", parameters={"w": w, "b": b}, settings={"s": 2, "p": 1})
    output = layer.forward(x)
    assert_allclose(output, codegen.forward("conv1d")(x, w, b, s=2, p=1))
    dinputs, *_ = layer.backward(np.ones_like(output))
    assert dinputs.shape == x.shape


def test_a_module_runs_with_numpy_alone() -> None:
    names = ("conv2d", "avg-pool1d", "max-pool2d", "shift")
    namespace: dict[str, Any] = {}
    exec(codegen.source(*names), namespace)
    x, w, b = draw(SHAPES["conv2d"])
    assert_allclose(namespace["conv2d_forward"](x, w, b, 2, p=1), codegen.forward("conv2d")(x, w, b, s=2, p=1))
    output = namespace["max_pool2d_forward"](x)
    assert_allclose(namespace["max_pool2d_backward"](output, x), codegen.backward("max-pool2d")(output, x=x)[0])


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "numbers", "problem"),
    [
        ("conv1d", {"s": 0}, "conv1d: s is at least 1, and was given as 0"),
        ("conv1d", {"d": 0}, "conv1d: d is at least 1, and was given as 0"),
        ("conv1d", {"p": -1}, "conv1d: p is at least 0, and was given as -1"),
        ("conv1d", {"s": 1.5}, "conv1d: s is a whole number, not 1.5"),
        ("conv1d", {"s": True}, "conv1d: s is a whole number, not True"),
        ("conv1d", {"d": 5}, "there is no place for index t: the windows are larger than what they lie on"),
        ("max-pool1d", {"R": 0}, "max-pool1d: R is at least 1"),
        ("max-pool1d", {"R": 12}, "there is no place for index t"),
        ("max-pool1d", {"q": 1}, "max-pool1d has no setting q; its settings are: R, s"),
    ],
)
def test_whole_numbers_that_do_not_fit_are_refused(name: str, numbers: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        codegen.forward(name)(*draw(SHAPES[name]), **numbers)


def test_a_whole_number_without_a_default_must_be_given() -> None:
    with pytest.raises(InputError, match="nothing was said of s, R"):
        codegen.forward("y[n,c,t] = max(x[n,c,s*t + r], r)")(np.ones((1, 1, 4)))


def test_an_upstream_gradient_of_another_size_is_refused() -> None:
    backward = codegen.backward("max-pool1d")
    with pytest.raises(InputError, match=r"index t has 2 places \(M = 5, R = 2, s = 2\), and an array has 3"):
        backward(np.ones((1, 1, 3)), x=np.ones((1, 1, 5)))


@pytest.mark.parametrize(
    ("text", "caret", "problem"),
    [
        ("y[n] = x[n/2]", "n/2", "an index is a whole number, and a quotient need not be"),
        ("y[n,k] = x[n*k]", "n*k", "indices are multiplied with each other here"),
        ("y[n] = x[n**2]", "n**2", "a power can not stand in an index's place"),
        ("y[n] = x[n + 1.5]", "1.5", "an index is a whole number"),
        ("y[n] = x[n - b] + b[n]", "b]", "b is a tensor, and index arithmetic takes indices and whole numbers"),
        ("y[n,t] = sum(x[n,r - t], r)", "t]", "nothing tells how far t runs"),
        ("y[n,t] = b[n]", "t]", "nothing tells the size of t"),
    ],
)
def test_index_arithmetic_that_is_none_is_shown(text: str, caret: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem) as caught:
        derive.operation(text)
    assert caught.value.offset == text.index(caret)


def test_arithmetic_on_labels_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="arithmetic on labels"):
        derive.operation("y[n] = x[t[n] + 1]")


# -- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size", "span", "step"),
    [
        (CONV1D, "T", "M + 2*p - d*(R - 1) - 1", "s"),
        ("y[t] = sum(x[t - r]*w[r], r)", "T", "M + R - 2", "1"),
        ("y[t] = x[3*t + 1]", "T", "M - 2", "3"),
        ("y[t] = x[2*t] + x[2*t + 1]", "T", "M - 2", "2"),
    ],
)
def test_how_far_an_index_runs(text: str, size: str, span: str, step: str) -> None:
    operation = derive.operation(text)
    (extent,) = operation.extents
    names = {symbol.name: symbol for symbol in (*operation.sizes, *operation.parameters)}
    expected = eval(span, {}, names) if names else 0
    assert (extent.size.name, (extent.span - expected).expand(), str(extent.step)) == (size, 0, step)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [(CONV1D, "s d p"), ("y[n,c,t] = sum(x[n,c,s*t + r], r)/R", "s R"), ("y[n,t] = x[n,t - 1]", "")],
)
def test_the_whole_numbers_of_an_operation(text: str, parameters: str) -> None:
    assert " ".join(symbol.name for symbol in derive.operation(text).parameters) == parameters


# -- derivations -----------------------------------------------------------------------------------------------------

VJPS = {
    ("y[n,o,t] = sum(x[n,c,t + r]*w[o,c,r], c, r)", "x"): "x̄[n,c,m] = sum_r sum_o ȳ[n,o,m - r] w[o,c,r]",
    ("y[n,o,t] = sum(x[n,c,t + r]*w[o,c,r], c, r)", "w"): "w̄[o,c,r] = sum_n sum_t ȳ[n,o,t] x[n,c,t + r]",
    ("conv1d", "x"): "x̄[n,c,m] = sum_t sum_o ȳ[n,o,t] sum_r δ[m,s t + d r - p] w[o,c,r]",
    ("conv1d", "w"): "w̄[o,c,r] = sum_n sum_t ȳ[n,o,t] x[n,c,s t + d r - p]",
    ("avg-pool1d", "x"): "x̄[n,c,m] = (1/R) sum_t ȳ[n,c,t] sum_r δ[m,s t + r]",
    ("max-pool1d", "x"): "x̄[n,c,m] = sum_t δ[m,s t + argmax_r x[n,c,s t + r]] ȳ[n,c,t]",
    ("shift", "x"): "x̄[n,t] = ȳ[n,t + 1]",
    ("difference", "x"): "x̄[n,t] = ȳ[n,t] - ȳ[n,t + 1]",
    ("reverse", "x"): "x̄[n,t] = ȳ[n,T - t - 1]",
}


@pytest.mark.parametrize(("text", "wrt"), VJPS, ids=[f"{text} {wrt}" for text, wrt in VJPS])
def test_derivations_read_like_a_textbook(text: str, wrt: str) -> None:
    assert derive.vjp(text, wrt).text(steps=False) == VJPS[text, wrt]


@pytest.mark.parametrize("text", [*RECORDS, *dict.fromkeys(text for text, _, _ in TYPED)])
def test_every_step_is_an_equation_and_a_moved_result_is_none(text: str) -> None:
    for tensor in derive.find(text).differentiable:
        for derivation in (derive.vjp(text, tensor.name), derive.jacobian(text, tensor.name)):
            derivation.check()
        derivation = derive.vjp(text, tensor.name)
        with pytest.raises(CheckFailedError):
            replace(derivation, steps=(), result=derivation.result + 1).check()


@pytest.mark.parametrize("text", ["conv1d", "shift", "difference"])
def test_a_gradient_one_place_off_is_rejected(text: str) -> None:
    derivation = derive.vjp(text, "x")
    (index,) = (index for index in derivation.target.indices[-1:] if isinstance(index, Index))
    with pytest.raises(CheckFailedError):
        replace(derivation, steps=(), result=substitute(derivation.result, {index: index + 1})).check()


def test_forms_in_latex() -> None:
    assert latex_text(derive.find("conv1d").output.body) == (
        r"\sum_{r=0}^{R - 1} \sum_{c=0}^{C - 1} x_{n,c,s\, t + d\, r - p}\, w_{o,c,r} + b_{o}"
    )


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_printed_is_read_again(name: str) -> None:
    operation = derive.find(name)
    again = derive.operation(operation.record.definition)
    assert again.definitions == operation.definitions
    printed = f"{operation.output.target} = {definition_text(operation.output.body)}"
    assert derive.operation(printed).output == again.output
    tensors: dict[str, Tensor] = {tensor.name: tensor for tensor in (*operation.inputs, operation.output.tensor)}
    tensors |= {f"d{name}": tensor.gradient() for name, tensor in tensors.items()}
    for tensor in operation.differentiable:
        derivation = derive.vjp(operation, tensor.name)
        text = f"{definition_text(derivation.target)} = {definition_text(derivation.result)}"
        target, result = parse_equation(text, tensors, parameters=parameters_of(operation))
        assert (target, definition_text(result)) == (derivation.target, definition_text(derivation.result))


# -- proofs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_claim_about_forms_is_proved(case: Case) -> None:
    proof = derive.prove(case.claim, where=case.where, given=case.given)
    assert proof.verdict == "proved", proof.tried
    assert set(proof.assumptions) == set(case.assumptions)
    proof.check()


@pytest.mark.parametrize(
    ("case", "twin"), [pytest.param(c, t, id=f"{c.name}: {t.mistake}") for c in CASES for t in c.twins]
)
def test_its_twin_is_refuted(case: Case, twin: Twin) -> None:
    proof = derive.prove(twin.claim, where=case.where, given=case.given)
    assert proof.verdict == "refuted", proof.tried
    assert proof.counterexample is not None


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("sum(delta(t,0)*p[t + 1,k], t, k) = 1", ("sum(p[n,k], k) = 1",)),
        ("sum(p[n - 1,k], k) = 1", ("sum(p[n,k], k) = 1",)),
        ("sign(x[n - 1]) = 1", ("x[n] > 0",)),
        ("sum(x[t - 1], t) = sum(x[t], t)", ()),
        ("sum(delta(m, s*t)*x[m], t, m) = sum(x[m], m)", ()),
        ("x[t - 1]*z[t] = x[t]*z[t + 1]", ()),
    ],
)
def test_nothing_is_proved_that_fails_at_an_end(claim: str, given: tuple[str, ...]) -> None:
    assert derive.prove(claim, given=given).verdict != "proved"


def test_an_element_outside_of_its_axis_is_0_and_a_position_outside_is_none() -> None:
    (x,) = derive.find("shift").inputs
    n, t = derive.find("shift").output.indices
    here = Assignment({n.size: 1, t.size: 2}, {x: {(0, 0): 3, (0, 1): 5}})
    values = [[here.value(x[n, t + offset], {n: 0, t: place}) for place in (0, 1)] for offset in (-1, 0, 1)]
    assert values == [[0, 3], [3, 5], [5, 0]]
    with pytest.raises(ArithmeticError, match="no element"):
        here.value(Element(x, n, 2), {n: 0})


# -- calls -----------------------------------------------------------------------------------------------------------

NETWORK = "h = conv1d(x, w, b); g = relu(h); y = max_pool1d(g)"


def test_called_operations_have_their_own_numbers_and_sizes() -> None:
    operation = derive.operation(NETWORK)
    assert [extent.size.name for extent in operation.extents] == ["T", "S"]
    x, w, b = draw(SHAPES["conv1d"])
    hidden = np.maximum(codegen.forward("conv1d")(x, w, b), 0)
    assert_allclose(codegen.forward(operation)(x, w, b), codegen.forward("max-pool1d")(hidden))
    assert compare_numbers(operation).holds


def test_a_composition_is_the_same() -> None:
    composed = derive.compose("conv1d", "relu")
    arrays = draw(SHAPES["conv1d"])
    assert_allclose(codegen.forward(composed)(*arrays), np.maximum(codegen.forward("conv1d")(*arrays), 0))
    pooled = derive.compose("conv1d", "relu", "max-pool1d")
    hidden = np.maximum(codegen.forward("conv1d")(*arrays), 0)
    assert_allclose(codegen.forward(pooled)(*arrays), codegen.forward("max-pool1d")(hidden))


def test_two_convolutions_have_windows_of_two_sizes() -> None:
    x, w, b = draw(SHAPES["conv1d"])
    v, e = draw(((7, 5, 2), (7,)), 1)
    output = codegen.forward("h = conv1d(x, w, b); y = conv1d(h, v, e)")(x, w, b, v, e)
    assert_allclose(output, codegen.forward("conv1d")(codegen.forward("conv1d")(x, w, b), v, e))


def test_a_call_that_can_not_give_a_whole_number_is_refused() -> None:
    given = {"pool": derive.operation("y[n,c,t] = max(x[n,c,s*t + r], r)")}
    with pytest.raises(UnsupportedError, match="pool is given s, R beside its arrays"):
        parse_operation("y = pool(x)", lookup=given.get)
