"""Second derivatives in C: the numbers of the NumPy functions, for every loss of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_c_target import WARNINGS, cases, compile_together, differences, needs_compiler
from thorough import sweep

import codegen
from codegen.c_modules import CHessian, CHessianVector
from codegen.repeating import Repeating
from derive.__main__ import main
from derive.catalogue import find, records
from derive.errors import InputError
from derive.operation import Operation

#: Losses run every time: those that are soon derived, of each kind one.
SOME = (
    "cce-sparse softmax-cce softmax-cce-sparse bce-logits gaussian-nll mse mae huber multiclass-hinge det logdet "
    "quadratic-form multivariate-normal-nll"
).split()
OTHERS = [name for name in records() if find(name).is_loss and name not in SOME]
#: Losses with several inputs, labels, inverses, and none of them.
FEW = ("mse", "softmax-cce-sparse", "linear-softmax-cce", "multivariate-normal-nll", "logdet")
FLAGS = ("-std=c99", "-O0", "-fopenmp-simd", *WARNINGS)


def wrong(made: Any, expected: Any, given: Sequence[Any], dtype: type) -> list[str]:
    """Say what differs between two functions in one dtype."""
    arrays = [array.astype(dtype) if array.dtype.kind == "f" else array for array in map(np.asarray, given)]
    with np.errstate(all="ignore"):
        try:
            right = expected(*arrays)
        except InputError as error:
            with pytest.raises(InputError, match=re.escape(str(error))):
                made(*arrays)
            return []
        found = made(*arrays)
    ours, theirs = (each if isinstance(each, tuple) else (each,) for each in (found, right))
    return [f"{dtype.__name__} {said}" for said in differences("product", ours, theirs, dtype)]


def directions(operation: Operation, inputs: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    places = [operation.inputs.index(tensor) for tensor in operation.differentiable]
    return [np.asarray(rng.uniform(0.5, 1, np.shape(inputs[place]))) for place in places]


@needs_compiler
@pytest.mark.parametrize("names", sweep([SOME, OTHERS], lambda names: names is SOME), ids=["some", "others"])
def test_products_of_every_loss_are_numpys(names: list[str], rng: np.random.Generator) -> None:
    """Compiled in one file, with every warning an error."""
    products = {name: codegen.hvp(name, target="c") for name in names}
    compile_together([each.in_c for each in products.values()], FLAGS)
    found = []
    for name, made in products.items():
        operation, expected = find(name), codegen.hvp(name)
        assert (made.wrt, made.assumptions) == (expected.wrt, expected.assumptions)
        for inputs in cases(operation, rng):
            given = [*directions(operation, inputs, rng), *inputs]
            for dtype in (np.float32, np.float64):
                shapes = [np.shape(each) for each in given]
                found += [f"{name} {shapes} {said}" for said in wrong(made, expected, given, dtype)]
    assert not found, "\n".join(found)


@needs_compiler
@pytest.mark.parametrize(
    ("name", "wrt", "line", "turned"),
    [
        ("softmax-cce", "z", "(v[n * K + k] - dot)", "(v[n * K + k] + dot)"),
        ("multivariate-normal-nll", "c", "- t6[p * n_i + q]", "+ t6[p * n_i + q]"),
        ("logdet", "a", "= -", "= "),
    ],
)
def test_a_flipped_sign_is_noticed(name: str, wrt: str, line: str, turned: str, rng: np.random.Generator) -> None:
    operation, made = find(name), codegen.hvp(name, wrt, target="c")
    kept = made.in_c.__dict__.get("_called")
    made._repeating = Repeating(made.signature)  # Calls of the text as it was would be made again.

    def change(text: str) -> str:
        assert line in text
        return text.replace(line, turned)

    try:
        compile_together([made.in_c], ("-std=c99", "-O0", "-fopenmp-simd"), change)
        inputs = next(cases(operation, rng))
        along = rng.uniform(0.5, 1, np.shape(inputs[operation.inputs.index(operation.input(wrt))]))
        assert wrong(made, codegen.hvp(name, wrt), [along, *inputs], np.float32)
    finally:
        made.in_c.__dict__["_called"] = kept
        made._repeating = Repeating(made.signature)


@needs_compiler
@pytest.mark.parametrize("name", FEW)
def test_hessians_are_numpys(name: str, rng: np.random.Generator) -> None:
    operation = find(name)
    first, *_, last = [operation.differentiable[0], *operation.differentiable]
    made, expected = (codegen.hessian(name, first.name, last.name, target=target) for target in ("c", "numpy"))
    assert isinstance(made, CHessian) and not isinstance(expected, CHessian)
    compile_together([made.in_c], FLAGS)
    for inputs in cases(operation, rng):
        for dtype in (np.float32, np.float64):
            assert not wrong(made, expected, inputs, dtype)


@needs_compiler
def test_facts_and_one_input_of_several() -> None:
    fact = "sum(t[n,k], k) = 1"
    v, z, t = np.array([[1.0, 0, 0]]), np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 1.0, 0.0]])
    made, general = codegen.hvp("softmax-cce", "z", [fact], target="c"), codegen.hvp("softmax-cce", ["z"], target="c")
    assert made.assumptions and not general.assumptions and made.source != general.source
    assert_allclose(made(v, z, t), codegen.hvp("softmax-cce", "z")(v, z, t), rtol=1e-14)
    with pytest.raises(InputError, match="softmax-cce takes v, z, t"):
        made(v, z)
    with pytest.raises(InputError, match="float32 and float64"):
        made(*(each.astype(np.float16) for each in (v, z, t)))


@needs_compiler
def test_a_matrix_without_an_inverse_is_refused() -> None:
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    for target in ("numpy", "c"):
        with pytest.raises(InputError, match="logdet: a matrix has no inverse"):
            codegen.hvp("logdet", target=target)(np.eye(2), a)


def test_files_have_the_products_of_losses_that_have_the_input(capsys: pytest.CaptureFixture[str]) -> None:
    text = codegen.source("softmax-cce", "dense", hvp=["z"], target="c")
    assert text.count("void softmax_cce_hvp_") == 2 and "dense_hvp" not in text and "dense_backward_d(" in text
    assert "hv[n,k] = p[n,k]*(v[n,k] - sum(p[n,j]*v[n,j], j))" in text
    assert isinstance(codegen.hvp("softmax-cce", ["z"], target="c"), CHessianVector)
    with pytest.raises(InputError, match="dense is no loss"):
        codegen.source("dense", hvp=["x"], target="c")
    with pytest.raises(InputError, match="unknown target 'fortran'"):
        codegen.hvp("mse", target="fortran")
    assert main(["code", "mse", "--hvp", "y", "--target", "c"]) == 0
    assert "void mse_hvp_d(" in capsys.readouterr().out
