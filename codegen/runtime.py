"""NumPy functions of operations, made from the derived backward pass; and modules that stand alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.docstrings import backward_docstring, forward_docstring, module_docstring
from codegen.fitting import Fitting, broadcast_shape, has_no_entries
from codegen.loading import load_function as load_function
from codegen.lowering import lower
from codegen.naming import safe_identifier
from codegen.numpy_source import FunctionSource, module_source, numpy_function
from codegen.program import Program
from codegen.program_checks import extremes
from codegen.scalar_functions import make_scalar_function
from codegen.whole_numbers import WholeNumbers
from codegen.whole_numbers import default_numbers as default_numbers
from derive.catalogue import find
from derive.errors import InputError
from derive.facts import Fact
from derive.indices import Tensor
from derive.pullback import Pullback, pull_back
from derive.record import Operation
from derive.stability import stable_definitions

Array = NDArray[Any]
Given = Iterable[str | Fact]


class NumpyFunction:
    """A function made from a program: it checks what it is given, and shows its source.

    Attributes:
        operation: whose pass it is.
        source: the text a person reads.
        module: a module with the function that imports NumPy alone.
    """

    def __init__(self, operation: Operation, program: Program, source: FunctionSource) -> None:
        self.operation = operation
        self.program = program
        self.text = source
        self.source = source.text
        self.module = source.module
        self.__name__ = source.name
        self.__qualname__ = source.name
        loaded = load_function(source)
        self.__doc__ = loaded.__doc__
        self._run = make_scalar_function(program) if operation.is_elementwise else loaded
        self._tensors = tuple(argument.tensor for argument in program.arguments)
        self._fitting = Fitting(operation, self._tensors, extremes(program))
        self._numbers = WholeNumbers(operation, program) if program.parameters or operation.extents else None
        self.parameters = tuple(symbol.name for symbol in program.parameters)

    def __repr__(self) -> str:
        names = [*(self._fitting.shown(tensor) for tensor in self._tensors), *self.parameters]
        return f"<NumPy function {self.__name__}({', '.join(names)})>"

    def fit(self, values: Sequence[Any]) -> list[Any]:
        """Return the arguments as arrays that fit, and whole numbers after them.

        Raises:
            InputError: they do not.
        """
        if self._numbers is None:
            return list(self._fitting.fit(values))
        count = len(self._tensors)
        arrays = self._fitting.fit(values[:count])
        return [*arrays, *self._numbers.fit(values[count:], arrays)]

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them, as a tuple."""
        is_empty = has_no_entries(arrays[: len(self._tensors)])
        found = self._run_on_nothing(arrays) if is_empty else self._called(arrays)
        return found if isinstance(found, tuple) else (found,)

    def _called(self, arrays: Sequence[Any]) -> Any:
        if not self.parameters:
            return self._run(*arrays)
        return self._run(**dict(zip(self.text.arguments, arrays, strict=True)))

    def _run_on_nothing(self, arrays: Sequence[Any]) -> Any:
        """Run where an array is empty: the mean of nothing is not a number, and nobody need be warned of it."""
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                return self._called(arrays)
            except ZeroDivisionError:
                raise InputError(f"{self.operation.name}: it divides by a size that is 0 here") from None


class Forward(NumpyFunction):
    """The forward pass of an operation; called with the inputs, it returns the output."""

    def __init__(self, operation: Operation) -> None:
        program = forward_program(operation, ())
        super().__init__(operation, program, _forward_source(operation, program))
        self._allowed = tuple(dict.fromkeys((*operation.record.defaults, *self.parameters)))

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        return self.run(self.fit(self._all(inputs, settings)))[0]

    def with_saved(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Array]]:
        """Return the output, and by name what the backward pass needs.

        The options are settings, and those of ``backward``: another pass may need other values.
        """
        settings = {name: options.pop(name) for name in self._allowed if name in options}
        arrays = self.fit(self._all(inputs, settings))
        wanted = backward(self.operation, **options).saved
        given = dict(zip((*(tensor.name for tensor in self._tensors), *self.parameters), arrays, strict=True))
        kept = _kept_tensors(self.operation, wanted)
        output, *extra = self._keeping(kept).run(arrays)
        made = {self.operation.output.tensor.name: output, **dict(zip((t.name for t in kept), extra, strict=True))}
        return output, {name: {**given, **made}[name] for name in wanted}

    def _all(self, inputs: Sequence[Any], settings: Mapping[str, Any]) -> Sequence[Any]:
        """Return the inputs with the settings that are given by name or left out."""
        operation = self.operation
        unknown = next((name for name in settings if name not in self._allowed), None)
        if unknown is not None:
            known = ", ".join(self._allowed) or "none"
            raise InputError(f"{operation.name} has no setting {unknown}; its settings are: {known}")
        names = [*(tensor.name for tensor in self._tensors), *self.parameters]
        rest = names[len(inputs) :]
        numbers = {**default_numbers(operation), **settings}
        missing = [name for name in rest if name not in numbers]
        if missing or len(inputs) > len(names) or not set(settings) <= set(rest):
            count = len(inputs) + len(settings)
            told = (
                f"; nothing was said of {', '.join(missing)}"
                if missing and set(missing) <= set(self.parameters)
                else ""
            )
            raise InputError(f"{operation.name} takes {', '.join(names)} and was given {count} arguments{told}")
        return [*inputs, *(numbers[name] for name in rest)]

    def _keeping(self, kept: tuple[Tensor, ...]) -> NumpyFunction:
        """Return the pass that returns intermediates too."""
        if not kept:
            return self
        key = ("keeping", _key(self.operation), kept)
        return _cached(key, lambda: _function(self.operation, forward_program(self.operation, kept)))


class Backward(NumpyFunction):
    """The backward pass of an operation: ``f(upstream, **saved)`` returns a tuple of gradients.

    Attributes:
        saved: the names of the forward values that it needs.
        results: the names of the inputs whose gradients it returns.
        assumptions: the given facts that it rests on.
    """

    def __init__(self, pullback: Pullback) -> None:
        program = backward_program(pullback)
        super().__init__(pullback.operation, program, _backward_source(pullback, program))
        self.saved = (*(tensor.name for tensor in pullback.saved), *self.parameters)
        self.results = tuple(tensor.name for tensor in pullback.results)
        self.assumptions = pullback.assumptions

    def __call__(self, upstream: Any, /, **saved: Any) -> tuple[Any, ...]:
        name = self.operation.name
        saved = {**{key: n for key, n in default_numbers(self.operation).items() if key in self.saved}, **saved}
        if saved.keys() != set(self.saved):
            unknown = [key for key in saved if key not in self.saved]
            missing = [key for key in self.saved if key not in saved]
            problem = f"does not take {', '.join(unknown)}" if unknown else f"needs {', '.join(missing)}"
            raise InputError(
                f"{name}: the backward pass {problem}; it takes the upstream gradient and "
                f"{', '.join(self.saved) or 'nothing else'}"
            )
        arrays = self.fit([upstream, *(saved[key] for key in self.saved)])
        if self.operation.is_elementwise and self.saved:
            expected = broadcast_shape(arrays[1:])
            if arrays[0].shape != expected:
                raise InputError(f"{name}: the upstream gradient has shape {arrays[0].shape} and the output {expected}")
        return self.run(arrays)


@dataclass(frozen=True)
class BoundPullback:
    """The backward pass at one place: it takes the upstream gradient alone.

    Attributes:
        wrt: the names of the inputs whose gradients it returns.
    """

    backward: Backward
    saved: dict[str, Array]
    output: Any

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.backward.results

    def __call__(self, upstream: Any = None) -> tuple[Any, ...]:
        """Return the gradients; the upstream gradient is 1 where it is left out and the output is one number."""
        shape, name = np.shape(self.output), self.backward.operation.name
        if upstream is None:
            if shape:
                raise InputError(f"{name}: the output has shape {shape}; the pullback needs an upstream gradient of it")
            upstream = np.ones((), self._dtype)
        elif np.shape(upstream) != shape:
            raise InputError(f"{name}: the upstream gradient has shape {np.shape(upstream)} and the output {shape}")
        return self.backward(upstream, **self.saved)

    @cached_property
    def _dtype(self) -> Any:
        return np.asarray(self.output).dtype


def forward(op: str | Operation) -> Forward:
    r"""Return the forward pass as a NumPy function of the inputs in the definition's order.

    Exponentials under a sum are shifted by their maximum where that cancels, and no logarithm is taken of what they
    underflowed to; what no shift can help is computed as it is written.

    Args:
        op: a catalogue name, a definition's text or an ``Operation``.

    Shapes: those of the definition; an elementwise operation takes arrays of any shapes that broadcast. Settings, such
        as a slope, are numbers; they come last or by name, and may be left out.

    Raises:
        InputError: an unknown name; when called, arrays that do not fit.
        UnsupportedError: the definition needs what NumPy code can not be generated for.

    Example:
        >>> forward("softmax")([[0.0, 0.0]])
        array([[0.5, 0.5]])
    """
    operation = find(op)
    return _cached(("forward", _key(operation)), lambda: Forward(operation))


def backward(
    op: str | Operation, wrt: Sequence[str] | None = None, given: Given = (), *, fuse: bool = True
) -> Backward:
    r"""Return the backward pass: a NumPy function of the upstream gradient and, by name, the values it needs.

    No Jacobian is built and no sample is looped over. ``.saved`` lists the names.

    Args:
        op: a catalogue name, a definition's text or an ``Operation``.
        wrt: the inputs to differentiate by, all differentiable ones when left out.
        given: facts that may be used, such as ``"sum(t[n,k], k) = 1"``.
        fuse: derive the operation as one where that is shorter.

    Raises:
        InputError: an unknown name; when called, arrays that do not fit.
        ImpossibleError: a derivative by integers is asked for.

    Example:
        >>> backward("mul").saved
        ('a', 'b')
        >>> da, db = backward("mul")(1.0, a=2.0, b=3.0)
        >>> float(da), float(db)
        (3.0, 2.0)
    """
    operation, facts = find(op), tuple(given) if not isinstance(given, str) else given
    inputs = None if wrt is None else tuple([wrt] if isinstance(wrt, str) else wrt)
    key = ("backward", _key(operation), inputs, facts, fuse)
    return _cached(key, lambda: Backward(pull_back(operation, inputs, facts, fuse)))


def vjp(op: str | Operation, *inputs: Any, **settings: Any) -> tuple[Any, BoundPullback]:
    r"""Return the output and a function from the upstream gradient to the inputs' gradients, as ``jax.vjp`` does.

    Labels and settings are data and have no gradient; ``pullback.wrt`` names the inputs that have one.

    Raises:
        InputError: an unknown name, or arrays that do not fit.

    Example:
        >>> output, pullback = vjp("mul", 2.0, 3.0)
        >>> float(output), [float(gradient) for gradient in pullback(10.0)]
        (6.0, [30.0, 20.0])
    """
    operation = find(op)
    output, saved = forward(operation).with_saved(*inputs, **settings)
    return output, BoundPullback(backward(operation), saved, output)


def source(*ops: str | Operation, given: Given = ()) -> str:
    """Return a module with the forward and backward passes of operations; it imports NumPy alone.

    A forward function returns, after the output, what the backward function needs beside inputs and output.

    Raises:
        InputError: an unknown name, or none.

    Example:
        >>> print(source("mul").partition("def mul_forward")[2].splitlines()[-1])
            return da, db
    """
    operations = list({_key(operation): operation for operation in map(find, ops)}.values())
    if not operations:
        raise InputError("source needs the name of one operation at least")
    functions: list[FunctionSource] = []
    for operation in operations:
        pass_back = backward(operation, given=given)
        kept = _kept_tensors(operation, pass_back.saved)
        functions.append(_forward_source(operation, forward_program(operation, kept)))
        functions.append(pass_back.text)
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two different operations would be called {name} in one module; give one another name")
    return module_source(functions, module_docstring(operations))


# ---- programs ----


def forward_program(operation: Operation, kept: tuple[Tensor, ...]) -> Program:
    """Return the program of the stable forward pass; ``kept`` are intermediates that it returns too."""
    results = (operation.output.tensor, *kept)
    return lower(
        stable_definitions(operation),
        operation.inputs,
        results,
        numbers=operation.settings,
        parameters=operation.parameters,
        extents=operation.extents,
    )


def backward_program(pullback: Pullback) -> Program:
    """Return the program of the backward pass: its arguments are the upstream gradient and the saved values."""
    operation = pullback.operation
    inputs = {tensor.gradient(): tensor for tensor in operation.inputs if operation.sums_to(tensor)}
    like = {result: inputs[result] for result in pullback.results if result in inputs}
    arguments = (pullback.upstream, *pullback.saved)
    return lower(
        pullback.definitions,
        arguments,
        pullback.results,
        like=like,
        numbers=operation.settings,
        parameters=operation.parameters,
        extents=operation.extents,
    )


def _kept_tensors(operation: Operation, saved: Sequence[str]) -> tuple[Tensor, ...]:
    return tuple(d.tensor for d in operation.intermediates if d.tensor.name in saved)


# ---- functions ----


def function_name(operation: Operation, suffix: str) -> str:
    """Return what a generated function is called."""
    name = operation.name
    if not re.fullmatch(r"[\w-]{1,40}", name):
        name = operation.output.tensor.name
    return f"{safe_identifier(name)}_{suffix}"


def _forward_source(operation: Operation, program: Program) -> FunctionSource:
    docstring = forward_docstring(operation, operation.inputs, program.result_tensors, program.parameters)
    name = function_name(operation, "forward")
    return numpy_function(program, name, docstring, defaults=operation.record.defaults)


def _backward_source(pullback: Pullback, program: Program) -> FunctionSource:
    arguments = [argument.tensor for argument in program.arguments]
    docstring = backward_docstring(
        pullback.operation,
        pullback.gradients,
        arguments,
        pullback.results,
        pullback.assumptions,
        program.parameters,
    )
    name = function_name(pullback.operation, "backward")
    return numpy_function(program, name, docstring, defaults=pullback.operation.record.defaults)


def _function(operation: Operation, program: Program) -> NumpyFunction:
    return NumpyFunction(operation, program, _forward_source(operation, program))


_CACHE: dict[Any, Any] = {}


def _key(operation: Operation) -> Any:
    record = operation.record
    said = tuple(sorted(record.absent.items())), tuple(sorted(record.defaults.items()))
    return operation.definitions, operation.inputs, record.name, record.title, record.source, record.labels, said


def _cached(key: Any, make: Callable[[], Any]) -> Any:
    if key not in _CACHE:
        _CACHE[key] = make()
    return _CACHE[key]
