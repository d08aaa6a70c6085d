"""What the public functions refuse: which operation, which index, both sizes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import codegen
from derive.errors import DefinitionError, ImpossibleError, InputError

REFUSED = {
    "too few arguments": (
        lambda: codegen.forward("dense")(np.ones((2, 3))),
        "dense takes x, w, b and was given 1 arguments",
    ),
    "two sizes": (
        lambda: codegen.forward("dense")(np.ones((5, 4)), np.ones((3, 7)), np.ones(7)),
        "dense: index d has size 4 (axis 1 of x) and 3 (axis 0 of w)",
    ),
    "another rank": (
        lambda: codegen.forward("dense")(np.float64(4.0), np.ones((3, 7)), np.ones(7)),
        "dense: x has 0 axes; it takes 1 or more (..., D)",
    ),
    "a scalar wanted": (
        lambda: codegen.backward("cce")(np.ones(3), p=np.ones((3, 2)), t=np.ones((3, 2))),
        "cce: the upstream gradient dL has 1 axes; it takes none: one number",
    ),
    "shapes that do not broadcast": (
        lambda: codegen.forward("mul")(np.ones((2, 3)), np.ones(4)),
        "mul: sizes 3 (axis 1 of a) and 4 (axis 0 of b) do not broadcast",
    ),
    "a label too large": (
        lambda: codegen.forward("cce-sparse")(np.full((3, 4), 0.25), [0, 1, 4]),
        "cce-sparse: t[2] is 4, and index k has size 4 (axis 1 of p): labels run from 0 to 3",
    ),
    "a negative label": (
        lambda: codegen.backward("softmax-cce-sparse")(1.0, p=np.full((3, 4), 0.25), t=[0, -1, 1]),
        "softmax-cce-sparse: t[1] is -1, and index k has size 4 (axis 1 of p): labels run from 0 to 3",
    ),
    "labels that are not whole": (
        lambda: codegen.forward("cce-sparse")(np.full((3, 4), 0.25), [0.0, 1.0, 2.0]),
        "cce-sparse: t holds labels, which are whole numbers, not float64",
    ),
    "words": (lambda: codegen.forward("relu")(["a", "b"]), "relu: x holds real numbers, not <U1"),
    "rows of different lengths": (
        lambda: codegen.forward("softmax")([[1.0, 2.0], [3.0]]),
        "softmax: x is no array: its rows have different lengths",
    ),
    "an unknown saved name": (
        lambda: codegen.backward("softmax")(np.ones((2, 3)), x=np.ones((2, 3))),
        "softmax: the backward pass does not take x; it takes the upstream gradient and y",
    ),
    "a missing saved name": (
        lambda: codegen.backward("softmax-cce")(1.0, p=np.ones((2, 3))),
        "softmax-cce: the backward pass needs t; it takes the upstream gradient and p, t",
    ),
    "an upstream gradient of another shape": (
        lambda: codegen.vjp("softmax", np.ones((2, 3)))[1](np.ones((2, 4))),
        "softmax: the upstream gradient has shape (2, 4) and the output (2, 3)",
    ),
    "an elementwise upstream gradient of another shape": (
        lambda: codegen.backward("relu")(np.ones(3), x=np.ones((2, 3))),
        "relu: the upstream gradient has shape (3,) and the output (2, 3)",
    ),
    "no upstream gradient": (
        lambda: codegen.vjp("softmax", np.ones((2, 3)))[1](),
        "softmax: the output has shape (2, 3); the pullback needs an upstream gradient of it",
    ),
    "no operation": (lambda: codegen.source(), "source needs the name of one operation at least"),
    "a size that is 0 and is divided by": (
        lambda: codegen.forward("y[n,k] = 2*x[n,k]/N")(np.ones((0, 3))),
        "y: it divides by a size that is 0 here",
    ),
    "a position that is not there": (
        lambda: codegen.forward("y[n,k] = x[n,k]*x[n,3]")(np.ones((4, 2))),
        "y: x[n,3] stands at position 3, counted from 0, and index k has size 2 (axis 1 of x)",
    ),
    "a position that is not there, backward": (
        lambda: codegen.backward("y[n,k] = x[n,k]*x[n,3]")(np.ones((4, 2)), x=np.ones((4, 2))),
        "y: x[n,3] stands at position 3, counted from 0, and index k has size 2 (axis 1 of the upstream gradient dy)",
    ),
    "a position that is not there, second derivative": (
        lambda: codegen.hvp("L = sum(x[n,k]**2*x[n,3]**2, n, k)")(np.ones((4, 2)), np.ones((4, 2))),
        "L: x[n,3] stands at position 3, counted from 0, and index k has size 2 (axis 1 of v)",
    ),
    "a position that is not there, of an intermediate": (
        lambda: codegen.vjp("p = softmax(x); y[n] = p[n,3]", np.ones((4, 2))),
        "y: p[n,3] stands at position 3, counted from 0, and index k has size 2 (axis 1 of x)",
    ),
    "a position that is not there, on an axis of a layer": (
        lambda: codegen.layers.Layer("y[n,k] = x[n,k]*w[2]*w[k]", parameters={"w": [1.0, 2.0]}).forward([[1.0, 2.0]]),
        "y: w[2] stands at position 2, counted from 0, and index k has size 2 (axis 1 of x)",
    ),
    "a position that is not there, on an empty axis": (
        lambda: codegen.forward("y[n,k] = x[n,k]*x[n,0]")(np.ones((4, 0))),
        "y: x[n,0] stands at position 0, counted from 0, and index k has size 0 (axis 1 of x)",
    ),
    "a position that is not there, among windows": (
        lambda: codegen.forward("a[n,t] = sum(x[n,2*t+r]*w[r], r); y[n] = a[n,3]")(np.ones((2, 6)), np.ones(2)),
        "y: a[n,3] stands at position 3, counted from 0, and index t has 3 places (M = 6, R = 2)",
    ),
    "another fixed size": (
        lambda: codegen.forward("y[n] = x[n,3]")(np.ones((4, 2))),
        "y: axis 1 of x has size 2, and its definition says 4",
    ),
    "two operations of one name": (
        lambda: codegen.source("y = 2*x", "y = 3*x"),
        "two different operations would be called y_forward in one module; give one another name",
    ),
    "an unknown name": (
        lambda: codegen.forward("softmx"),
        "there is no operation called 'softmx'; did you mean 'softmax'?",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_what_and_where(case: str) -> None:
    call, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize("extent", [4, 5])
def test_the_last_position_and_those_before_it_are_there(extent: int) -> None:
    x = np.arange(2.0 * extent).reshape(2, extent)
    assert_array_equal(codegen.forward("y[n,k] = x[n,k] + x[n,3]")(x), x + x[:, 3:4])
    (dx,) = codegen.backward("y[n,k] = x[n,k] + x[n,3]")(x)
    expected = x.copy()
    expected[:, 3] += x.sum(axis=1)
    assert_array_equal(dx, expected)


@pytest.mark.parametrize("extent", [2, 3, 4, 5])
def test_a_sum_with_a_delta_of_a_position_that_may_not_be_there(extent: int) -> None:
    """It is the number there, and 0 where there is none: no element names the position."""
    w = np.arange(1.0, extent + 1)
    expected = w[3] ** 2 if extent > 3 else 0.0
    assert codegen.forward("y = sum(delta(k,3)*w[k]*w[k], k)")(w) == expected
    if extent > 3:
        (dw,) = codegen.backward("y = sum(delta(k,3)*w[k]*w[k], k)")(1.0, w=w)
        assert_array_equal(dw, np.where(np.arange(extent) == 3, 2 * w, 0.0))
    else:  # The derivative is written with w[3].
        with pytest.raises(InputError, match="position 3, counted from 0, and index k has size"):
            codegen.backward("y = sum(delta(k,3)*w[k]*w[k], k)")(1.0, w=w)


def test_other_refusals() -> None:
    with pytest.raises(DefinitionError):
        codegen.forward("y = sigmod(x)")
    with pytest.raises(ImpossibleError):
        codegen.backward("cce-sparse", wrt=["t"])
