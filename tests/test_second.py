"""Second derivatives: of every loss of the catalogue against differences of its gradient, of every other operation too.

Every comparison is made a second time with a formula that is a little wrong, and has to fail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sympy import Expr, Mul, preorder_traversal
from thorough import sweep

import codegen
import derive
from codegen.lowering import lower
from codegen.verification import DRAWS, POSITIVE, USUAL, draw_inputs, largest_difference, outputs_of
from derive.__main__ import main
from derive.chain import keep_names
from derive.derivation import CheckFailedError, Derivation
from derive.errors import ImpossibleError, InputError
from derive.hessian_products import hessian_product
from derive.indices import Element
from derive.operation import Operation
from derive.second_derivatives import hessian, hvp, jvp
from derive.sums import free_indices

Array = np.ndarray
STEP, TOLERANCE = 1e-5, 1e-5
LOSSES = [each.name for each in derive.catalogue().values() if each.is_loss]
OTHERS = [each.name for each in derive.catalogue().values() if not each.is_loss and each.differentiable]
LAYERS = (
    "z[n,k] = sum(x[n,d]*w[d,k], d) + b[k]; h[n,k] = tanh(z[n,k]); u = dense(h, q, c); L = softmax_cce_sparse(u, t)"
)
LAYER_NORM = """
m[n] = mean(x[n,j], j); c[n,k] = x[n,k] - m[n]; s[n] = sqrt(mean(c[n,j]**2, j) + 1e-5)
y[n,k] = c[n,k]/s[n]*g[k] + b[k]
"""
ATTENTION = """
a[i,j] = sum(q[i,d]*k[j,d], d)/sqrt(D); p[i,j] = exp(a[i,j])/sum(exp(a[i,l]), l); y[i,c] = sum(p[i,j]*v[j,c], j)
"""
#: Of cells with many weights, so many inputs are differentiated by; a Jacobian is written out of so many definitions.
MOST_INPUTS, MOST_DEFINITIONS = 3, 6
ROWS = "sum(t[n,k], k) = 1"


def relative(found: Sequence[Array], expected: Sequence[Array]) -> float:
    assert all(np.shape(one) == np.shape(other) for one, other in zip(found, expected, strict=True))
    return largest_difference(found, expected)


def moved(inputs: Sequence[Array], places: Sequence[int], directions: Sequence[Array], step: float) -> list[Array]:
    arrays = list(inputs)
    for place, direction in zip(places, directions, strict=True):
        arrays[place] = arrays[place] + step * direction
    return arrays


def gradients(operation: Operation, wrt: Sequence[str], inputs: Sequence[Array]) -> tuple[Array, ...]:
    """The first derivatives of a loss by its derived backward pass."""
    _, saved = codegen.forward(operation).with_saved(*inputs, wrt=wrt)
    return codegen.backward(operation, wrt=wrt)(1.0, **saved)


def differences(
    operation: Operation, wrt: Sequence[str], inputs: Sequence[Array], along: Sequence[Array]
) -> list[Array]:
    """How the gradient changes along directions, by central differences."""
    places = [operation.inputs.index(operation.input(name)) for name in wrt]
    after, before = (gradients(operation, wrt, moved(inputs, places, along, step)) for step in (STEP, -STEP))
    return [(one - other) / (2 * STEP) for one, other in zip(after, before, strict=True)]


def spoilt(expr: Expr) -> Expr:
    """The expression with its first element's factor doubled: wrong, and as well formed as before."""
    free = free_indices(expr)
    elements = [each for each in preorder_traversal(expr) if isinstance(each, Element) and free_indices(each) <= free]
    element = next(iter(elements), None)
    return expr + 1 if element is None else expr.xreplace({element: Mul(2, element)})


def drawn(operation: Operation, generator: np.random.Generator) -> list[np.ndarray]:
    """Inputs at which the outputs are finite, with one leading axis where there may be several."""
    for interval in (USUAL, *POSITIVE):
        for _ in range(DRAWS):
            inputs = draw_inputs(operation, generator, 0, interval)
            with np.errstate(all="ignore"):
                found = outputs_of(operation, codegen.forward(operation)(*inputs))
            if all(np.all(np.isfinite(output)) for output in found):
                return inputs
    raise AssertionError(f"no inputs were found at which {operation.name} is finite")


# ---- losses ----


@pytest.mark.parametrize("name", LOSSES)
def test_hessian_vector_product_is_the_change_of_the_gradient(name: str) -> None:
    operation = derive.find(name)
    generator = np.random.default_rng(3)
    inputs = drawn(operation, generator)
    wrt = [tensor.name for tensor in operation.differentiable]
    along = [generator.standard_normal(np.shape(inputs[operation.inputs.index(t)])) for t in operation.differentiable]
    expected = differences(operation, wrt, inputs, along)
    run = codegen.hvp(operation)
    found = run(*along, *inputs)
    found = found if isinstance(found, tuple) else (found,)
    assert relative(found, expected) < TOLERANCE
    derived = hessian_product(operation)
    errors = []
    for place, spoiled in enumerate(derived.definitions):
        wrong = list(derived.definitions)
        wrong[place] = replace(spoiled, body=spoilt(spoiled.body))
        program = lower(wrong, (*derived.directions, *operation.inputs), derived.results, numbers=operation.settings)
        twin = codegen.hessians.numpy_function(program, "twin", ["Wrong."])
        with np.errstate(all="ignore"):
            twins = codegen.loading.load_function(twin)(*run.fit([*along, *inputs]))
        errors.append(relative(twins if isinstance(twins, tuple) else (twins,), expected))
    assert np.nanmax(errors) > 100 * TOLERANCE


@pytest.mark.parametrize("name", LOSSES)
def test_hessian_is_symmetric_and_gives_the_product(name: str) -> None:
    """Every block, mixed ones too: the block times a direction is that block's part of the product."""
    operation = derive.find(name)
    generator = np.random.default_rng(5)
    inputs = drawn(operation, generator)
    names = [tensor.name for tensor in operation.differentiable]
    for first, second in product(names, names):
        block = codegen.hessian(operation, first, second)(*inputs)
        rank = operation.input(first).rank
        other = operation.input(second).rank
        axes = (*range(other, block.ndim), *range(other))
        assert_allclose(block, codegen.hessian(operation, second, first)(*inputs).transpose(axes), atol=1e-12)
        along = [generator.standard_normal(block.shape[rank:])]
        place = operation.inputs.index(operation.input(second))
        after, before = (
            gradients(operation, [first], moved(inputs, [place], along, step))[0] for step in (STEP, -STEP)
        )
        found = np.tensordot(block, along[0], axes=np.ndim(along[0]))
        assert relative([found], [(after - before) / (2 * STEP)]) < TOLERANCE


@pytest.mark.parametrize("name", ["softmax-cce", "softmax-cce-sparse", "bce-logits", "gaussian-nll", "cce", "mse"])
@pytest.mark.parametrize("derived_by", [hessian, hvp])
def test_steps_of_second_derivatives_are_equations(name: str, derived_by: Any) -> None:
    derivation = derived_by(name, derive.find(name).differentiable[0].name)
    derivation.check()
    assert derivation.steps[-1].after == derivation.result
    with pytest.raises(CheckFailedError):
        replace(derivation, result=spoilt(derivation.result)).check()


@pytest.mark.parametrize(
    ("derivation", "expected"),
    [
        (
            hessian("softmax-cce", "z"),
            "∂²L/∂z[n,k]∂z[m,j] = (δ[n,m] (δ[k,j] p[n,k] - p[n,k] p[n,j]) / N) sum_l t[n,l]",
        ),
        (
            hessian("softmax-cce", "z", given=[ROWS]),
            "∂²L/∂z[n,k]∂z[m,j] = δ[n,m] (δ[k,j] p[n,k] - p[n,k] p[n,j]) / N\ngiven that sum_k t[n,k] = 1",
        ),
        (hessian("softmax-cce-sparse", "z"), "∂²L/∂z[n,k]∂z[m,j] = δ[n,m] (δ[k,j] p[n,k] - p[n,k] p[n,j]) / N"),
        (
            hvp("softmax-cce-sparse", "z"),
            "sum_m sum_j v[m,j] ∂²L/∂z[n,k]∂z[m,j] = p[n,k] (v[n,k] - sum_j p[n,j] v[n,j]) / N",
        ),
        (hessian("mse", "y"), "∂²L/∂y[n,k]∂y[m,j] = 2 δ[n,m] δ[k,j] / (N K)"),
        (hessian("cce", "p"), "∂²L/∂p[n,k]∂p[m,j] = δ[n,m] δ[k,j] t[n,k] / (N p[n,k]²)"),
        (hessian("bce-logits", "z"), "∂²L/∂z[n,k]∂z[m,j] = δ[n,m] δ[k,j] p[n,k] (1 - p[n,k]) / (N K)"),
        (
            hessian("y[n,k] = sum(x[n,d]*w[d,k], d); L = least_squares(y, t)", "w"),
            "∂²L/∂w[d,k]∂w[c,j] = 2 δ[k,j] sum_n x[n,d] x[n,c]",
        ),
        (
            hessian("gaussian-nll", "mu", "var"),
            "∂²L/∂mu[n,k]∂var[m,j] = -δ[n,m] δ[k,j] (mu[n,k] - t[n,k]) / (N K var[n,k]²)",
        ),
        (derive.jacobian(derive.vjp("sigmoid", "x"), "x"), "∂x̄/∂x = ȳ y (1 - y) (1 - 2 y)"),
        (derive.jacobian(derive.vjp("tanh", "x"), "x"), "∂x̄/∂x = -2 ȳ y (1 - y²)"),
        (
            derive.jacobian(derive.vjp("logsumexp", "a"), "a"),
            "∂ā[n,i]/∂a[m,j] = δ[n,m] ȳ[n] exp(a[n,i] - y[n]) (δ[i,j] - exp(a[n,j] - y[n]))",
        ),
        (
            derive.vjp(derive.vjp("softmax", "x"), "x"),
            "x̃[n,k] = x̄[n,k] (v[n,k] - sum_j v[n,j] y[n,j]) - y[n,k] sum_j x̄[n,j] v[n,j]",
        ),
        (derive.vjp(derive.vjp("softmax", "x"), "dy"), "ẏ[n,k] = y[n,k] (v[n,k] - sum_j v[n,j] y[n,j])"),
        (jvp("softmax", "x"), "sum_m sum_j v[m,j] ∂y[n,k]/∂x[m,j] = y[n,k] (v[n,k] - sum_j v[n,j] y[n,j])"),
        (jvp("logsumexp", "a"), "sum_m sum_i v[m,i] ∂y[n]/∂a[m,i] = sum_i v[n,i] exp(a[n,i] - y[n])"),
        (derive.vjp(derive.vjp("dense", "w"), "x"), "x̃[n,d] = sum_k ȳ[n,k] v[d,k]"),
    ],
    ids=lambda value: value.title if isinstance(value, Derivation) else "",
)
def test_second_derivatives_are_as_short_as_people_write_them(derivation: Derivation, expected: str) -> None:
    assert " ".join(derivation.text(steps=False).split()) == " ".join(expected.split())
    derivation.check()


def test_names_of_second_derivatives_in_every_notation() -> None:
    derivation = derive.jacobian(derive.vjp("tanh", "x"), "x")
    assert derivation.text("leibniz", steps=False) == "∂²L/∂x∂x = -2 ∂L/∂y y (1 - y²)"
    assert derivation.text("notebook", steps=False) == "∂dx/∂x = -2 dy y (1 - y²)"
    assert r"\frac{\partial^{2} L}{\partial x\, \partial x} &= -2 " in derivation.latex("leibniz", steps=False)
    assert r"\frac{\partial \bar{x}}{\partial x} &= -2 \bar{y}\, y" in derivation.latex(steps=False)
    assert r"\tilde{x} &= " in derive.vjp(derive.vjp("tanh", "x"), "x").latex(steps=False)
    assert r"\dot{y} &= " in derive.vjp(derive.vjp("tanh", "x"), "dy").latex(steps=False)


# ---- derivations as operations ----


@pytest.mark.parametrize("most", sweep([1, MOST_INPUTS], lambda most: most == 1))
@pytest.mark.parametrize("name", OTHERS)
def test_every_gradient_can_be_differentiated(name: str, most: int) -> None:
    """The change of v times the gradient along a direction, by the derived second derivative and by differences."""
    operation = derive.find(name)
    generator = np.random.default_rng(7)
    names = [tensor.name for tensor in operation.differentiable]
    for place, wrt in enumerate(names[:most]):
        once = derive.pull_back(operation, [wrt], name_cost=keep_names).as_operation()
        inputs = drawn(once, generator)
        run = codegen.forward(once)
        v = generator.standard_normal(np.shape(run(*inputs)))
        for again in dict.fromkeys((wrt, names[(place + 1) % len(names)])):
            _, saved = run.with_saved(*inputs, wrt=again)
            (found,) = codegen.backward(once, wrt=again)(v, **saved)
            at = once.inputs.index(once.input(again))
            along = generator.standard_normal(np.shape(inputs[at]))
            after, before = (np.sum(v * run(*moved(inputs, [at], [along], step))) for step in (STEP, -STEP))
            slope, scale = (after - before) / (2 * STEP), 1 + np.sum(np.abs(found * along))
            assert abs(np.sum(found * along) - slope) < TOLERANCE * scale, f"by {wrt} and {again}"
            if np.any(found):
                assert abs(1.01 * np.sum(found * along) - slope) > TOLERANCE * abs(slope)


PUSHED = [name for name in OTHERS if len(derive.find(name).definitions) <= MOST_DEFINITIONS]


@pytest.mark.parametrize("name", PUSHED)
def test_jacobian_vector_product_is_adjoint_to_the_vector_jacobian_product(name: str) -> None:
    """<J v, u> = <v, J^T u>: both sides are derived on ways of their own, and no step is finite."""
    operation = derive.find(name)
    generator = np.random.default_rng(11)
    for wrt in (tensor.name for tensor in operation.differentiable):
        pushed = derive.find(jvp(operation, wrt))
        direction, *inputs = drawn(pushed, generator)
        change = codegen.forward(pushed)(direction, *inputs)
        upstream = generator.standard_normal(np.shape(change))
        _, saved = codegen.forward(operation).with_saved(*inputs, wrt=wrt)
        (gradient,) = codegen.backward(operation, wrt=wrt)(upstream, **saved)
        assert_allclose(np.sum(change * upstream), np.sum(direction * gradient), rtol=1e-10, atol=1e-12)
        if np.any(change):
            assert abs(np.sum(1.01 * change * upstream) - np.sum(direction * gradient)) > 1e-10


@pytest.mark.parametrize(
    ("text", "wrt", "expected"),
    [
        ("conv1d", "x", "sum(v[n,c,s*t + d*r - p]*w[o,c,r], r, c)"),
        ("conv1d", "w", "sum(v[o,c,r]*x[n,c,s*t + d*r - p], r, c)"),
        ("conv1d", "b", "v[o]"),
        ("avg-pool2d", "x", "sum(v[n,c,s*h + r,s*k + q], r, q)/(Q*R)"),
        ("max-pool1d", "x", "v[n,c,s*t + argmax(x[n,c,s*t + r], r)]"),
        ("y[t] = sum(x[t - r]*w[r], r)", "x", "sum(v[t - r]*w[r], r)"),
    ],
)
def test_a_window_s_change_is_a_window_of_the_change(text: str, wrt: str, expected: str) -> None:
    derivation = jvp(text, wrt)
    assert str(derivation.result) == expected
    derivation.check()
    with pytest.raises(CheckFailedError):
        replace(derivation, result=spoilt(derivation.result)).check()


@pytest.mark.parametrize("name", ["conv1d", "conv2d", "depthwise-conv1d", "max-pool2d"])
@pytest.mark.parametrize("numbers", [{}, {"s": 2}], ids=str)
def test_the_change_of_windows_along_a_direction(name: str, numbers: dict[str, int]) -> None:
    """The sizes follow from the windows, also where the change itself says nothing of them: that along b."""
    operation = derive.find(name)
    numbers = numbers if "pool" in name else {**numbers, "p": 1, "d": 1}
    inputs = drawn(operation, np.random.default_rng(13))
    for place, tensor in enumerate(operation.differentiable):
        direction = np.random.default_rng(17).standard_normal(np.shape(inputs[place]))
        change = codegen.forward(jvp(operation, tensor.name))(direction, *inputs, **numbers)
        run = codegen.forward(operation)
        after, before = (run(*moved(inputs, [place], [direction], step), **numbers) for step in (STEP, -STEP))
        assert change.shape == after.shape
        assert_allclose(change, (after - before) / (2 * STEP), atol=1e-6)
        assert not np.allclose(1.01 * change, (after - before) / (2 * STEP), atol=1e-6)


@pytest.mark.parametrize("text", [LAYER_NORM, ATTENTION], ids=["layer norm", "attention"])
@pytest.mark.parametrize("derived_by", [derive.jacobian, derive.vjp])
def test_large_operations_are_derived_twice_with_their_names(text: str, derived_by: Any) -> None:
    first = derive.find(text).inputs[0].name
    derivation = derived_by(derive.vjp(text, first), first)
    intermediates = {each.tensor for each in derive.find(text).intermediates}
    assert intermediates & derive.sums.tensors_in(derivation.result)
    derivation.check()
    with pytest.raises(CheckFailedError):
        replace(derivation, result=spoilt(derivation.result)).check()


def test_an_operation_of_a_derivation_is_an_ordinary_one() -> None:
    once = derive.vjp("softmax", "x").as_operation()
    assert [tensor.name for tensor in once.inputs] == ["x", "dy"]
    assert [str(each.target) for each in once.definitions] == ["y[n,k]", "dx[n,k]"]
    typed = derive.operation(derive.printing.operation_text(once))
    assert [each.body for each in typed.definitions] == [each.body for each in once.definitions]
    third = derive.jacobian(derive.jacobian(once, "x"), "x")
    third.check()
    assert third.result != 0


def test_gradients_of_a_loss_take_the_upstream_gradient_only_where_they_mention_it() -> None:
    assert [t.name for t in derive.jacobian("mse", "y").as_operation().inputs] == ["y", "t"]
    assert [t.name for t in derive.vjp("mse", "y").as_operation().inputs] == ["y", "t", "dL"]


def test_names_of_gradients_keep_clear_of_those_that_are_there() -> None:
    once = derive.find(derive.vjp("y[n] = x[n]**3*dy[n]*v[n]", "x"))
    assert [tensor.name for tensor in once.inputs] == ["x", "dy", "v", "dy2"]
    twice = derive.vjp(once, "x")
    assert str(twice.result) == "6*dy[n]*dy2[n]*u[n]*v[n]*x[n]"
    twice.check()


def test_a_gradient_under_a_fact_is_not_differentiated() -> None:
    """On sum(p) = 1 this gradient is 2, and around it it is not: its derivative is not that of 2."""
    text, fact = "L = sum(sum(p[n,k], k)**2, n)", "sum(p[n,k], k) = 1"
    first = derive.jacobian(text, "p", given=[fact])
    assert first.result == 2
    with pytest.raises(InputError, match="given sum"):
        derive.jacobian(first, "p")
    second = hessian(text, "p", given=[fact])
    assert second.text(steps=False) == "∂²L/∂p[n,k]∂p[m,j] = 2 δ[n,m]"
    second.check()


# ---- what is refused, and what is said ----


@pytest.mark.parametrize("op", ["layer-norm", "y[n] = x[n]**3", derive.operation("y[n] = x[n]**3")])
@pytest.mark.parametrize("ask", [hessian, hvp, codegen.hvp, codegen.hessian, hessian_product])
def test_the_advice_to_who_asks_no_loss_for_a_hessian_works(ask: Any, op: Any) -> None:
    with pytest.raises(InputError) as refused:
        ask(op, "x")
    for advice in str(refused.value).split("; use ")[1].split(" or "):
        eval(advice, {"codegen": codegen, "derive": derive})


def test_what_is_no_operation_to_type_is_not_made_up() -> None:
    with pytest.raises(InputError, match=r"derive\.jvp\(\.\.\., 'x'\)"):
        hvp(derive.vjp("relu", "x"), "x")
    with pytest.raises(InputError, match="layer-norm has no input 'q'"):
        codegen.hvp("layer-norm", "q")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: hessian("softmax", "x"), InputError, "derive.jacobian(derive.vjp('softmax', 'x'), 'x')"),
        (lambda: hvp("relu", "x"), InputError, "relu is no loss"),
        (lambda: codegen.hvp("dense"), InputError, "dense is no loss"),
        (lambda: hessian("mse", "q"), InputError, "its inputs are y, t"),
        (lambda: hessian("mse", "y", "q"), InputError, "its inputs are y, t"),
        (lambda: hessian("softmax-cce-sparse", "t"), ImpossibleError, "integers"),
        (lambda: codegen.hvp("mse")(1.0), InputError, "v, y, t"),
        (lambda: codegen.hvp("mse")(np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))), InputError, "3"),
    ],
)
def test_mistakes_are_told(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as refused:
        call()
    assert said in str(refused.value)


def test_a_loss_with_kinks_says_that_it_is_derived_off_them() -> None:
    assert hessian("mae", "y").title.endswith("off its kinks")
    assert "kinks" not in hessian("mse", "y").title
    assert "kinks" not in hessian("L = sum(where(m[n] > 0, x[n]**2, 0), n)", "x").title
    assert hessian("L = sum(where(x[n] > 0, x[n]**2, 0), n)", "x").title.endswith("off its kinks")


# ---- code ----


def test_product_of_several_layers_is_what_people_write() -> None:
    """Forward, backward and their tangents, each matrix product once, no array larger than those of the layers."""
    run = codegen.hvp(LAYERS, ["w", "q"])
    assert run.source.count(" @ ") == 11
    assert "einsum" not in run.source
    assert "z_dot = x @ v_w" in run.source
    operation = derive.find(LAYERS)
    generator = np.random.default_rng(0)
    inputs = drawn(operation, generator)
    places = [operation.inputs.index(operation.input(name)) for name in ("w", "q")]
    along = [generator.standard_normal(inputs[place].shape) for place in places]
    assert relative(run(*along, *inputs), differences(operation, ["w", "q"], inputs, along)) < TOLERANCE


def test_products_keep_float32_and_leave_arrays_alone() -> None:
    z, v = np.array([[1e4, 0.0, -1e4]], np.float32), np.array([[1.0, 2.0, 3.0]], np.float32)
    kept = z.copy(), v.copy()
    with np.errstate(all="raise", under="ignore"):
        found = codegen.hvp("softmax-cce-sparse")(v, z, np.array([0]))
    assert found.dtype == np.float32
    assert_allclose(found, 0, atol=1e-6)
    assert_allclose((z, v), kept, atol=0)


def test_products_do_not_look_at_what_a_label_takes_away() -> None:
    p, t = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])
    with np.errstate(all="raise"):
        assert_allclose(codegen.hvp("cce")(np.ones((1, 2)), p, t), [[1, 0]])


def test_a_module_has_the_product_beside_the_passes() -> None:
    text = codegen.source("softmax-cce", "dense", hvp=["z"])
    assert [line.split("(")[0] for line in text.splitlines() if line.startswith("def ")] == [
        "def softmax_cce_forward",
        "def softmax_cce_backward",
        "def softmax_cce_hvp",
        "def dense_forward",
        "def dense_backward",
    ]
    with pytest.raises(InputError, match="no loss"):
        codegen.source("dense", hvp=["x"])


@pytest.mark.parametrize("target", ["numpy", "c"])
def test_what_a_function_takes_is_said(target: str) -> None:
    """Whole numbers too, and what ``...`` stands for."""
    loss = "y[n,t] = sum(x[n,s*t + r - p]*w[r], r); L = sum(y[n,t]**4, n, t)"
    for run in (codegen.hvp(loss, ["w"], target=target), codegen.hessian(loss, "w", target=target)):
        said = run.__doc__.partition("Args:")[2].partition("Returns:")[0]
        names = re.findall(r"^ *(\w+):", said, re.MULTILINE)
        assert names == [*(each for each in "v" if "_hvp" in run.__name__), "x", "w", "s", "p"]
    leading = codegen.hvp("softmax-cce", ["z"], target=target).__doc__
    assert "(..., K)" in leading and "n runs over all leading axes" in leading


# ---- the command line ----


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["hessian", "softmax-cce"], 0, "∂²L/∂z[n,k]∂z[m,j] = δ[n,m] (δ[k,j] p[n,k] - p[n,k] p[n,j]) / N"),
        (["hessian", "softmax-cce"], 0, "given that sum_k t[n,k] = 1"),
        (["hessian", "mse", "--steps"], 0, "= ∂ȳ[n,k]/∂y[m,j]"),
        (
            ["hessian", "gaussian-nll", "--wrt", "mu", "--and", "var"],
            0,
            "Hessian of gaussian-nll with respect to mu and var",
        ),
        (["hessian", "mae"], 0, "off its kinks"),
        (["latex", "mse", "--hessian"], 0, r"\frac{\partial^{2} L}{\partial y_{n,k}\, \partial y_{m,j}} &= "),
        (["code", "softmax-cce-sparse", "--hvp", "z"], 0, "def softmax_cce_sparse_hvp(v, z, t):"),
        (["hessian", "softmax"], 2, "derive.jacobian(derive.vjp('softmax', 'x'), 'x')"),
        (["hessian", "mse", "--and", "y"], 2, "--wrt"),
        (["hessian", "mse", "--wrt", "q"], 2, "its inputs are y, t"),
        (["code", "dense", "--hvp", "w"], 2, "dense is no loss"),
        (["code", "layer-norm", "--hvp", "x"], 2, "use codegen.backward(derive.vjp('layer-norm', 'x'))"),
    ],
)
def test_command_line(arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == status
    written = capsys.readouterr()
    assert said in (written.err if status else written.out)
