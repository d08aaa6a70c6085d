"""The catalogue against two witnesses that share nothing with its rules and lowering.

The forward pass is held against the definition evaluated number by number in high precision, and the backward pass
against JAX's automatic differentiation of the emitted forward pass, run under ``jax.numpy``.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_catalogue import NAMES, inputs_of

import codegen
import derive
from codegen.verification import outputs_of
from derive.evaluation import Assignment
from derive.operation import Operation
from derive.precision import context
from derive.stability import guard_absent

SIZES = (5, 3, 7)
#: Units in the last place of float64 that a value may be off, beside the largest number in the result.
FORWARD_ULPS, BACKWARD_ULPS = 64, 512
#: Emitted forward passes that do what ``jax.numpy`` has not, and what.
NOT_FOR_JAX = {
    **dict.fromkeys(("conv1d", "conv2d", "depthwise-conv1d"), "strided views"),
    **dict.fromkeys(("avg-pool1d", "avg-pool2d", "max-pool1d", "max-pool2d"), "strided views"),
    **dict.fromkeys(("shift", "difference", "rotary", "crammer-singer"), "assignment to a part of an array"),
}
#: Emitted forward passes that JAX runs step by step and does not compile as a whole, and why.
NOT_COMPILED = {
    **dict.fromkeys(("log-cosh", "multivariate-normal-nll"), "a Python number is made of one of JAX's"),
    "masked-attention": "compiled without optimisation it has infinities where step by step it has none",
}


def exact_outputs(operation: Operation, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs by the definition, evaluated in 60 digits at the given numbers."""
    sizes: dict[Any, int] = {
        symbol: int(operation.record.defaults.get(symbol.name, "2")) for symbol in operation.parameters
    }
    for tensor, array in zip(operation.inputs, inputs, strict=True):
        sizes.update(zip(tensor.sizes, array.shape, strict=True))
    for extent in operation.extents:
        sizes[extent.size] = int(extent.span.xreplace(sizes)) // int(extent.step.xreplace(sizes)) + 1
    values = {
        tensor: {
            where: context.mpf(float(array[where])) if tensor.values is None else int(array[where])
            for where in np.ndindex(array.shape)
        }
        for tensor, array in zip(operation.inputs, inputs, strict=True)
    }
    definitions = guard_absent(operation.definitions, operation.record.absent)
    here = Assignment(sizes, values, {definition.tensor: definition for definition in definitions})
    found = []
    for definition in operation.outputs:
        shape = tuple(int(size.xreplace(sizes)) for size in definition.tensor.sizes)
        output = np.zeros(shape)
        for where in np.ndindex(shape):
            output[where] = float(here.value(definition.target, dict(zip(definition.indices, where, strict=True))))
        found.append(output)
    return found


def assert_within_ulps(ours: Any, exact: Any, ulps: int) -> None:
    scale = np.max(np.abs(exact), initial=np.finfo(float).tiny)
    assert_allclose(ours, exact, rtol=0, atol=ulps * np.finfo(float).eps * scale)


def scalar_inputs(name: str) -> list[np.ndarray]:
    """Inputs whose ranks are those of the definition: single numbers for an elementwise operation."""
    operation = derive.find(name)
    inputs = inputs_of(name, SIZES)
    return [array[(0,) * array.ndim] if operation.is_elementwise else array for array in inputs]


@pytest.mark.parametrize("name", NAMES)
def test_the_forward_pass_is_the_definition(name: str) -> None:
    inputs = [np.asarray(array) for array in scalar_inputs(name)]
    operation = derive.find(name)
    whole = {symbol.name: 2 for symbol in operation.parameters if symbol.name not in operation.record.defaults}
    ours = outputs_of(operation, codegen.forward(name)(*inputs, **whole))
    for output, exact in zip(ours, exact_outputs(operation, inputs), strict=True):
        assert_within_ulps(output, exact, FORWARD_ULPS)
        if np.any(exact):
            with pytest.raises(AssertionError):
                assert_within_ulps(output * (1 + 1e-12), exact, FORWARD_ULPS)


def for_jax(source: str) -> str:
    """The text of a module with JAX's functions: its arrays are not written to, and its np.prod takes no tuple."""
    source = source.replace("import numpy as np", "import math\nimport jax.numpy as np")
    source = source.replace("np.prod(", "math.prod(")
    source = re.sub(r"^( +)(np\..*), out=(\w+)\)$", r"\1\3 = \2)", source, flags=re.MULTILINE)
    return re.sub(r", out=\w+\)", ")", source)


@pytest.mark.oracle
@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_FOR_JAX])
def test_the_backward_pass_is_what_jax_makes_of_the_forward_pass(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[oracles]'")
    jax.config.update("jax_enable_x64", True)
    operation = derive.find(name)
    inputs = inputs_of(name, SIZES)
    namespace: dict[str, Any] = {}
    exec(for_jax(codegen.source(name)), namespace)
    namespace |= {"_erf": jax.scipy.special.erf, "_sigmoid": jax.nn.sigmoid}  # Ours write to arrays.
    run = namespace[f"{name.replace('-', '_')}_forward"]
    places = [operation.inputs.index(tensor) for tensor in operation.differentiable]

    def backward(moving: Any, upstream: Any) -> Any:
        return jax.vjp(output_of, *moving)[1](upstream)

    def output_of(*moving: Any) -> Any:
        values = [jax.numpy.asarray(array) for array in inputs]
        for place, value in zip(places, moving, strict=True):
            values[place] = value
        result = run(*values)
        return result[: len(operation.outputs)] if isinstance(result, tuple) else (result,)

    output, pull = codegen.vjp(name, *inputs)
    rng = np.random.default_rng(3)
    upstream = tuple(np.asarray(rng.standard_normal(np.shape(each))) for each in outputs_of(operation, output))
    by_jax = backward if name in NOT_COMPILED else jax.jit(backward)
    theirs = by_jax(tuple(inputs[place] for place in places), tuple(map(jax.numpy.asarray, upstream)))
    for gradient, other in zip(pull(*upstream), theirs, strict=True):
        assert_within_ulps(gradient, np.asarray(other), BACKWARD_ULPS)
        if np.any(gradient):
            with pytest.raises(AssertionError):
                assert_within_ulps(gradient * (1 + 1e-10), np.asarray(other), BACKWARD_ULPS)
