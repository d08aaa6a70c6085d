"""Huge, tiny, equal and zero inputs: values and gradients, in float32 and float64, against at least 50 digits.

A finite number has to come out finite, off by no more than ``ULPS`` roundings of itself and of what one rounding of
each input makes of it: that is its condition, and no code can do better. What is asked of rows and of losses is looser
by ``ULPS`` roundings of 1, the size of the gradient that comes in: ``p - t`` and ``y (dy - sum dy y)`` can't be told
better from a saved p or y. Nothing is asked where the definition has no value, where the value is beyond the dtype's
range, and of a gradient at a kink.

The witness shares nothing with the engine but the meaning of its nodes: it evaluates the definition, number by number,
and differentiates it backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import codegen
import derive
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket, Delta, Element, Index
from derive.record import Operation
from derive.stability import guard_absent
from derive.sums import IndexMax, IndexSum

#: Roundings that a result may be off by, of its own size and of the effect of one in each input.
ULPS = 16
#: Digits carried: what is left of 1 by the smallest number of float64 still has more than 50.
DIGITS = 450
context = mpmath.mp.clone()
context.dps = DIGITS

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
#: The gradients that come in, in turn.
UPSTREAM = (1.0, -2.0, 0.5)

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


# -- the witness ------------------------------------------------------------------------------------------------------


class UndefinedError(ArithmeticError):
    """The definition has no value here."""


class Number:
    """A value, and by which numbers it moves, each with its partial derivative."""

    __slots__ = ("grad", "moves", "parents", "value")

    def __init__(self, value: Any, *parents: tuple[Number, Any], moves: bool = False) -> None:
        self.value = value
        self.parents = tuple(parent for parent in parents if parent[0].moves)
        self.moves = moves or bool(self.parents)
        self.grad = context.zero


FUNCTIONS: dict[Any, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    sympy.exp: (context.exp, lambda x, y: y),
    sympy.log: (context.log, lambda x, y: 1 / x),
    sympy.sinh: (context.sinh, lambda x, y: context.cosh(x)),
    sympy.cosh: (context.cosh, lambda x, y: context.sinh(x)),
    sympy.tanh: (context.tanh, lambda x, y: 4 / (context.exp(x) + context.exp(-x)) ** 2),
    sympy.erf: (context.erf, lambda x, y: 2 / context.sqrt(context.pi) * context.exp(-x * x)),
    sympy.Abs: (abs, lambda x, y: context.sign(x)),
}
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class Tape:
    """The definitions at one sample of inputs, evaluated, with what is needed to go back."""

    def __init__(self, operation: Operation, arrays: Mapping[str, np.ndarray]) -> None:
        self.definitions = {d.tensor: d for d in guard_absent(operation.definitions, operation.record.absent)}
        self.sizes: dict[Any, int] = {}
        self.numbers: dict[Any, Number | int] = {}
        self.numbered: list[Number] = []
        self.is_kink = False
        for tensor in operation.inputs:
            array = arrays[tensor.name]
            self.sizes |= dict(zip(tensor.sizes, array.shape, strict=True))
            for place in np.ndindex(array.shape):
                number = array[place].item()
                moves = tensor in operation.differentiable
                whole = tensor.values is not None
                self.numbers[tensor, place] = int(number) if whole else Number(context.mpf(number), moves=moves)

    def new(self, value: Any, *parents: tuple[Number, Any]) -> Number:
        number = Number(value, *parents)
        self.numbered.append(number)
        return number

    def whole(self, expr: Any, places: Mapping[Index, int]) -> int:
        """A size or a position."""
        if isinstance(expr, Index):
            return places[expr]
        if isinstance(expr, Element):
            found = self.numbers[expr.tensor, tuple(self.whole(index, places) for index in expr.indices)]
            assert isinstance(found, int)
            return found
        return int(expr.xreplace(self.sizes))

    def over(self, node: Any, places: Mapping[Index, int]) -> Iterator[Number]:
        for where in product(*(range(self.whole(index.size, {})) for index in node.bound)):
            yield self.at(node.body, {**places, **dict(zip(node.bound, where, strict=True))})

    def holds(self, bracket: Bracket, places: Mapping[Index, int]) -> bool:
        left, right = self.at(bracket.left, places), self.at(bracket.right, places)
        self.is_kink |= left.value == right.value and bool(left.moves or right.moves)
        return RELATIONS[bracket.relation](left.value, right.value)

    def largest(self, numbers: list[Number], turn: int = 1) -> Number:
        first = max(numbers, key=lambda number: turn * number.value)
        self.is_kink |= any(n is not first and n.value == first.value and (n.moves or first.moves) for n in numbers)
        return first

    def at(self, expr: Any, places: Mapping[Index, int]) -> Number:
        """The number that an expression stands for."""
        if isinstance(expr, Element):
            key = expr.tensor, tuple(self.whole(index, places) for index in expr.indices)
            if key not in self.numbers:
                definition = self.definitions[expr.tensor]
                self.numbers[key] = self.at(definition.body, dict(zip(definition.indices, key[1], strict=True)))
            found = self.numbers[key]
            assert isinstance(found, Number)
            return found
        if isinstance(expr, sympy.Rational):
            return Number(context.mpf(int(expr.p)) / int(expr.q))
        if isinstance(expr, sympy.Float | sympy.NumberSymbol):
            return Number(context.mpf(expr.evalf(DIGITS)))
        if isinstance(expr, sympy.Symbol):
            return Number(context.mpf(self.sizes[expr]))
        if isinstance(expr, Delta):
            return Number(context.mpf(self.whole(expr.left, places) == self.whole(expr.right, places)))
        if isinstance(expr, Bracket):
            return Number(context.mpf(self.holds(expr, places)))
        if isinstance(expr, Where):
            return self.at(expr.chosen if self.holds(expr.condition, places) else expr.other, places)
        if isinstance(expr, IndexSum):
            return self.total(list(self.over(expr, places)))
        if isinstance(expr, IndexMax):
            return self.largest(list(self.over(expr, places)))
        arguments = [self.at(argument, places) for argument in expr.args]
        if isinstance(expr, sympy.Add):
            return self.total(arguments)
        if isinstance(expr, Maximum | Minimum):
            return self.largest(arguments, 1 if isinstance(expr, Maximum) else -1)
        if isinstance(expr, sympy.Mul):
            result = arguments[0]
            for factor in arguments[1:]:
                result = self.new(result.value * factor.value, (result, factor.value), (factor, result.value))
            return result
        if isinstance(expr, sympy.Pow):
            return self.power(*arguments)
        (inner,), (function, slope) = arguments, FUNCTIONS[expr.func]
        if expr.func is sympy.log and inner.value <= 0:
            raise UndefinedError
        self.is_kink |= expr.func is sympy.Abs and inner.value == 0
        value = function(inner.value)
        return self.new(value, (inner, slope(inner.value, value)))

    def total(self, terms: list[Number]) -> Number:
        return self.new(sum((term.value for term in terms), context.zero), *((term, 1) for term in terms))

    def power(self, base: Number, exponent: Number) -> Number:
        a, b = base.value, exponent.value
        whole = context.isint(b)
        if (a == 0 and b < 0) or (a < 0 and not whole) or (a <= 0 and exponent.moves):
            raise UndefinedError
        if a == 0 and b < 1 and b != 0 and base.moves:
            self.is_kink = True
            return Number(context.zero)
        power = (lambda e: a ** int(e)) if whole and abs(b) < 1000 else (lambda e: a**e)
        steps = [(base, b * power(b - 1))] if b != 0 and base.moves else []
        return self.new(power(b), *steps, *([(exponent, power(b) * context.log(a))] if exponent.moves else []))

    def back(self, upstream: Mapping[Number, float]) -> None:
        """Give every number its gradient."""
        for number, gradient in upstream.items():
            number.grad += gradient
        for number in reversed(self.numbered):
            for parent, partial in number.parents:
                parent.grad += number.grad * partial


Found = dict[str, dict[tuple[int, ...], Any]]


def exact(operation: Operation, arrays: Mapping[str, np.ndarray]) -> Found | None:
    """By name and place the output, called "", and the gradients where there is no kink; None where it is undefined."""
    tape = Tape(operation, arrays)
    output = operation.output
    shape = tuple(tape.whole(size, {}) for size in output.tensor.sizes)
    places = [dict(zip(output.indices, where, strict=True)) for where in np.ndindex(shape)]
    try:
        numbers = {tuple(place.values()): tape.at(output.target, place) for place in places}
    except UndefinedError:
        return None
    found: Found = {"": {place: number.value for place, number in numbers.items()}}
    if not tape.is_kink:
        tape.back({number: upstream(place) for place, number in numbers.items()})
        for tensor in operation.differentiable:
            found[tensor.name] = {
                place: tape.numbers[tensor, place].grad for place in np.ndindex(arrays[tensor.name].shape)
            }
    return found


def upstream(place: tuple[int, ...]) -> float:
    return UPSTREAM[sum(place) % len(UPSTREAM)]


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
