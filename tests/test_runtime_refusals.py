"""What the public functions refuse: which operation, which index, both sizes."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_other_refusals() -> None:
    with pytest.raises(DefinitionError):
        codegen.forward("y = sigmod(x)")
    with pytest.raises(ImpossibleError):
        codegen.backward("cce-sparse", wrt=["t"])
