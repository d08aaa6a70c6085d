"""Huge, tiny, equal and zero inputs: values and gradients, in float32 and float64, against at least 50 digits.

A finite number has to come out finite, off by no more than ``ULPS`` roundings of itself and of what one rounding of
each input makes of it: that is its condition, and no code can do better. What is asked of rows and of losses is looser
by ``ULPS`` roundings of 1, the size of the gradient that comes in: ``p - t`` and ``y (dy - sum dy y)`` can't be told
better from a saved p or y. Nothing is asked where the definition has no value, where the value is beyond the dtype's
range, and of a gradient at a kink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from tape import Found, context, exact, upstream

import codegen
import derive
from derive.operation import Operation

#: Roundings that a result may be off by, of its own size and of the effect of one in each input.
ULPS = 16
GROUPS = ("arithmetic", "activations", "normalisation", "losses")
NAMES = tuple(name for name, each in derive.catalogue().items() if each.is_elementwise or each.record.group in GROUPS)
#: What people type, beside the catalogue.
TYPED = (
    "p = softmax(z); H[n] = -sum(p[n,k]*log(p[n,k]), k)",
    "p = sigmoid(z); L = -mean(t[n]*(1 - p[n])**2*log(p[n]) + (1 - t[n])*p[n]**2*log(1 - p[n]), n)",
    "y = x*sigmoid(x)",
    "L = -mean(t[n,k]*log(sigmoid(z[n,k])) + (1 - t[n,k])*log(1 - sigmoid(z[n,k])), n, k)",
)

#: What single numbers are tried, both signs of each: exponentials and squares overflow, and vanish, in both dtypes.
SINGLE = (0.0, 2.0**-100, 0.5, 20.0, 800.0, 2.0**27, 2.0**100)
#: What only float64 can hold.
DOUBLE = (2.0**-600, 2.0**600)
#: What stands in rows: usual, equal, almost equal, far apart, huge, tiny, zero.
ROWS = (
    (1.0, -2.0, 0.5),
    (3.0, 3.0, 3.0),
    (4096.0, 4097.0, 4095.0),
    (800.0, -800.0, 0.0),
    (-20.0, 20.0, 20.0),
    (2.0**40, -(2.0**41), 2.0**40),
    (2.0**-100, 0.0, -(2.0**-100)),
    (0.0, 0.0, 0.0),
)
#: Elementwise operations of which only what is asked of rows holds, and why. In one dtype each must fail the rest.
TO_A_ROUNDING_OF_1 = {
    "sigmoid": "1 - y, by the saved output",
    "tanh": "1 - y**2, by the saved output",
    "gelu": "1 + erf(u) for u far below 0",
    "gelu-tanh": "1 + tanh(u) for u far below 0",
}
SMALL_SQUARES = "squares of numbers below 1e-19 vanish in float32"
ROUNDED_PRODUCTS = "roundings of large scalar products of vectors that are almost equal"
#: What is not right, and why. Each must fail.
KNOWN = {
    ("norm", "float32"): SMALL_SQUARES,
    ("cosine-similarity", "float32"): SMALL_SQUARES,
    ("info-nce", "float32"): ROUNDED_PRODUCTS,
    ("info-nce", "float64"): ROUNDED_PRODUCTS,
    ("swish", "float32"): "1 - s where s is almost 1, times x**2",
    ("swish", "float64"): "1 - s where s is almost 1, times x**2",
}


# -- the samples ------------------------------------------------------------------------------------------------------


@cache
def samples(name: str) -> tuple[dict[str, np.ndarray], ...]:
    """Inputs that both dtypes hold, then those that float64 alone does."""
    operation = derive.find(name)
    return tuple(_singles(operation) if operation.is_elementwise else (_row(operation, row) for row in ROWS))


def _singles(operation: Operation) -> Iterator[dict[str, np.ndarray]]:
    free = [tensor.name for tensor in operation.inputs if tensor not in operation.settings]
    settings = {tensor.name: _setting(operation, tensor.name) for tensor in operation.settings}
    points = [sign * size for size in (*SINGLE, *DOUBLE) for sign in ((1, -1) if size else (1,))]
    for numbers in product(*(points for _ in free[:2]), *((0.5,) for _ in free[2:])):
        yield {each: np.array(number) for each, number in zip(free, numbers, strict=True)} | settings


def _setting(operation: Operation, name: str) -> np.ndarray:
    return np.array(float(operation.record.defaults[name]), np.float32).astype(float)


def _row(operation: Operation, row: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The row, moved on by one from sample to sample and from input to input; what has a domain is put into it."""
    arrays: dict[str, np.ndarray] = {}
    size = 3 if max(tensor.rank for tensor in operation.inputs) <= 2 else 2
    for number, tensor in enumerate(operation.inputs):
        shape = tuple(size for _ in tensor.sizes)
        turn = np.add.reduce(np.indices(shape), axis=0, dtype=int) if shape else np.array(0)
        if tensor in operation.settings:
            arrays[tensor.name] = _setting(operation, tensor.name)
        elif tensor.values is not None:
            arrays[tensor.name] = (turn + 1) % size
        else:
            values = np.array(row)[(turn + number) % len(row)]
            low, high = operation.record.domain.get(tensor.name, (-np.inf, np.inf))
            low, high = 2.0**-100 if low > 0 else low, np.inf if high > 1 else high
            arrays[tensor.name] = np.clip(values, low, high).astype(np.float32).astype(float)
    return arrays


def fits(arrays: Mapping[str, np.ndarray], dtype: str) -> bool:
    return all(np.array_equal(array.astype(dtype), array) for array in arrays.values())


# -- the check --------------------------------------------------------------------------------------------------------

Pass = Callable[..., tuple[Any, tuple[Any, ...]]]


def generated(name: str) -> Pass:
    """The generated code as a function of the upstream gradient and the inputs: the output and the gradients."""

    def run(arrays: Mapping[str, Any], incoming: Any) -> tuple[Any, tuple[Any, ...]]:
        output, pullback = codegen.vjp(name, *arrays.values())
        return output, pullback(incoming)

    return run


@cache
def wanted(name: str) -> tuple[Found | None, ...]:
    operation = derive.find(name)
    return tuple(exact(operation, arrays) for arrays in samples(name))


def computed(name: str, run: Pass, dtype: str) -> Iterator[tuple[int, Found]]:
    """The numbers of every sample that the dtype holds; those of single numbers are computed as arrays."""
    operation = derive.find(name)
    places = [place for place, arrays in enumerate(samples(name)) if fits(arrays, dtype)]
    names = ["", *(tensor.name for tensor in operation.differentiable)]
    if operation.is_elementwise:
        stacked = {
            tensor.name: np.stack([samples(name)[place][tensor.name] for place in places]).astype(dtype)
            for tensor in operation.inputs
            if tensor not in operation.settings
        }
        settings = {tensor.name: _setting(operation, tensor.name).astype(dtype) for tensor in operation.settings}
        output, gradients = run(stacked | settings, np.full(len(places), upstream(()), dtype))
        for at, place in enumerate(places):
            yield place, {each: {(): array[at]} for each, array in zip(names, (output, *gradients), strict=True)}
        return
    for place in places:
        arrays = {
            each: array.astype(dtype if array.dtype.kind == "f" else int)
            for each, array in samples(name)[place].items()
        }
        shape = operation.output.tensor.rank * (next(iter(arrays.values())).shape[:1])
        incoming = np.array([upstream(where) for where in np.ndindex(shape)], dtype).reshape(shape)
        output, gradients = run(arrays, incoming)
        yield (
            place,
            {
                each: {where: array[where] for where in np.ndindex(np.shape(array))}
                for each, array in zip(names, map(np.asarray, (output, *gradients)), strict=True)
            },
        )


def check(name: str, dtype: str, run: Pass, strict: bool) -> list[str]:
    """What is wrong with a pass: a line for every number."""
    info = np.finfo(dtype)
    eps, limit, least = float(info.eps), float(info.max), float(info.smallest_normal)
    wrong, seen = [], 0
    with np.errstate(all="ignore"):
        results = list(computed(name, run, dtype))
    for at, found in results:
        exact_here = wanted(name)[at]
        if exact_here is None:
            continue
        for each, values in exact_here.items():
            for place, number in values.items():
                if abs(number) > limit:
                    continue
                seen += 1
                ours = float(found[each][place])
                allowed = ULPS * (eps * (abs(number) + (not strict)) + least)
                if np.isfinite(ours) and abs(ours - number) <= allowed:
                    continue
                if not np.isfinite(ours) or abs(ours - number) > allowed + ULPS * moved(name, at, each, place, eps):
                    inputs = {
                        key: np.vectorize("{:.4g}".format)(array).tolist() for key, array in samples(name)[at].items()
                    }
                    wrong.append(f"{each or 'output'}{list(place)} at {inputs}: {ours:.17g}, not {float(number):.17g}")
    assert seen
    return wrong


def moved(name: str, at: int, each: str, place: tuple[int, ...], eps: float) -> Any:
    """What a rounding of each input makes of a number, all together."""
    return sum(effects(name, at, eps).get((each, place), ()), context.zero)


@cache
def effects(name: str, at: int, eps: float) -> dict[tuple[str, tuple[int, ...]], list[Any]]:
    operation = derive.find(name)
    here, found = wanted(name)[at], {}
    for tensor in operation.inputs:
        if tensor.values is None:
            for where in np.ndindex(samples(name)[at][tensor.name].shape):
                array = samples(name)[at][tensor.name].copy()
                array[where] *= 1 + eps
                near = exact(operation, {**samples(name)[at], tensor.name: array}) if array[where] else None
                for each, values in (near or {}).items():
                    for place, number in values.items():
                        if each in here:
                            found.setdefault((each, place), []).append(abs(number - here[each][place]))
    return found


DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*NAMES, *TYPED])
def test_extreme_inputs(name: str, dtype: str, request: pytest.FixtureRequest) -> None:
    if (name, dtype) in KNOWN:
        request.applymarker(pytest.mark.xfail(reason=KNOWN[name, dtype], raises=AssertionError, strict=True))
    wrong = check(name, dtype, generated(name), is_strict(name))
    assert not wrong, "\n".join(wrong)


def is_strict(name: str) -> bool:
    return derive.find(name).is_elementwise and name not in TO_A_ROUNDING_OF_1


@pytest.mark.parametrize("name", TO_A_ROUNDING_OF_1)
def test_what_is_right_to_a_rounding_of_1_alone_is_no_better(name: str) -> None:
    wrong = [[len(check(name, dtype, generated(name), strict)) for dtype in DTYPES] for strict in (True, False)]
    assert wrong[0] > wrong[1]


def test_every_definition_has_values_at_most_of_its_samples() -> None:
    for name in NAMES:
        found = wanted(name)
        assert sum(each is not None for each in found) > len(found) / 3, name


# -- mutants: what people write first ---------------------------------------------------------------------------------


def naive_softmax(x: Any) -> Any:
    exps = np.exp(x)
    return exps / exps.sum(axis=-1, keepdims=True)


def naive_sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def naive_layer_norm(x: Any, g: Any, b: Any, eps: Any) -> Any:
    mean = x.mean(axis=1, keepdims=True)
    return g * (x - mean) / np.sqrt((x * x).mean(axis=1, keepdims=True) - mean * mean + eps) + b


def naive_bce(z: Any, t: Any) -> Any:
    p = naive_sigmoid(z)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def sech_squared(x: Any) -> Any:
    return 1 / np.cosh(x) ** 2


#: Forms that are right on paper: of the output, or of one gradient by its name.
NAIVE: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("softmax", "", naive_softmax),
    ("log-softmax", "", lambda x: np.log(naive_softmax(x))),
    ("logsumexp", "", lambda a: np.log(np.exp(a).sum(axis=-1))),
    ("softplus", "", lambda x: np.log(1 + np.exp(x))),
    ("softplus", "x", lambda dy, x: dy * np.exp(x) / (1 + np.exp(x))),
    ("sigmoid", "x", lambda dy, x: dy * np.exp(-x) * naive_sigmoid(x) ** 2),
    ("silu", "x", lambda dy, x: dy * (x + 1 - x * naive_sigmoid(x)) * naive_sigmoid(x)),
    ("elu", "", lambda x, a: np.where(x > 0, x, a * (np.exp(x) - 1))),
    ("elu", "x", lambda dy, x, a: np.where(x > 0, dy, dy * (a * np.expm1(np.minimum(x, 0)) + a))),
    ("selu", "", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))),
    ("div", "b", lambda dy, a, b: -dy * a / (b * b)),
    ("gelu-tanh", "", lambda x: x * naive_sigmoid((8 / np.pi) ** 0.5 * (x + 0.044715 * x**3)) + 0 * x**3),
    ("log-cosh", "", lambda y, t: np.log(np.cosh(y - t)).mean()),
    ("layer-norm", "", naive_layer_norm),
    ("softmax-cce-sparse", "", lambda z, t: -np.log(naive_softmax(z)[np.arange(len(t)), t]).mean()),
    ("bce-logits", "", naive_bce),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "result", "form"), NAIVE)
def test_a_form_that_is_right_on_paper_alone_is_told(
    name: str, result: str, form: Callable[..., Any], dtype: str
) -> None:
    right = generated(name)
    place = [tensor.name for tensor in derive.find(name).differentiable].index(result) if result else 0

    def run(arrays: Mapping[str, Any], incoming: Any) -> tuple[Any, tuple[Any, ...]]:
        output, gradients = right(arrays, incoming)
        if not result:
            return form(*arrays.values()), gradients
        return output, (*gradients[:place], form(incoming, *arrays.values()), *gradients[place + 1 :])

    told = [line for line in check(name, dtype, run, is_strict(name)) if line.startswith((result or "output") + "[")]
    assert told


@pytest.mark.parametrize("name", ["exp", "softsign", "softmax", "log-cosh"])
def test_some_roundings_too_many_are_told(name: str) -> None:
    right = generated(name)

    def run(arrays: Mapping[str, Any], incoming: Any) -> tuple[Any, tuple[Any, ...]]:
        output, gradients = right(arrays, incoming)
        return output * (1 + 1e-13), gradients

    assert check(name, "float64", run, is_strict(name))
