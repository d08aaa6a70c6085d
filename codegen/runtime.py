"""NumPy functions of operations, made from the derived backward pass."""

from __future__ import annotations

import math
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from codegen.blocks import Blockwise, takes_many_steps
from codegen.docstrings import backward_docstring, forward_docstring
from codegen.fitting import Fitting, broadcast_shape, has_no_entries, named_positions
from codegen.loading import load_function as load_function
from codegen.lowering import lower
from codegen.naming import safe_identifier
from codegen.numpy_source import FunctionSource, numpy_function
from codegen.program import MATRIX_OPERATIONS, Program
from codegen.program_checks import extremes, positions_taken
from codegen.scalar_functions import make_scalar_function
from codegen.whole_numbers import WholeNumbers
from codegen.whole_numbers import default_numbers as default_numbers
from derive.catalogue import find
from derive.errors import InputError
from derive.facts import Fact
from derive.indices import Tensor
from derive.notation import BAR, Notation
from derive.pullback import Pullback, pull_back
from derive.record import Derived, Operation, needed_definitions
from derive.stability import stable_definitions

Array = NDArray[Any]
Given = Iterable[str | Fact]
#: What ``backward`` takes beside the operation.
PASSES = ("wrt", "given", "fuse")


class NumpyFunction:
    """A function made from a program: it checks what it is given, and shows its source.

    Attributes:
        operation: whose pass it is.
        source: the text a person reads.
        module: a module with the function that imports NumPy alone.
    """

    def __init__(self, operation: Operation, program: Program, source: FunctionSource) -> None:
        self.text = source
        self.source = source.text
        self.module = source.module
        self.__name__ = source.name
        self.__qualname__ = source.name
        loaded = load_function(source)
        self.__doc__ = loaded.__doc__
        self._run: Callable[..., Any] = make_scalar_function(program) if operation.is_elementwise else loaded
        if operation.is_elementwise and takes_many_steps(program):
            self._run = Blockwise(self._run)
        self.set_checks(operation, program)

    def set_checks(self, operation: Operation, program: Program) -> None:
        """Keep what is asked at each call: to ask the operation again takes longer than to add thousands of numbers."""
        self.operation, self.program = operation, program
        self._tensors = tuple(argument.tensor for argument in program.arguments)
        uses_matrices = any(isinstance(each.op, MATRIX_OPERATIONS) for each in program.statements)
        remembers = not uses_matrices and not program.parameters
        self._fitting = Fitting(operation, self._tensors, extremes(program), positions_taken(program), remembers)
        self._numbers = WholeNumbers(operation, program) if program.parameters or operation.extents else None
        self.parameters = tuple(symbol.name for symbol in program.parameters)
        self._allowed = tuple(dict.fromkeys((*operation.record.defaults, *self.parameters)))
        self._words = (*(tensor.word for tensor in self._tensors), *self.parameters)
        self._names = (*(tensor.name for tensor in self._tensors), *self.parameters)
        self._defaults = default_numbers(operation)
        self._is_elementwise = operation.is_elementwise
        self._uses_matrices, self._count = uses_matrices, len(operation.outputs)

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

    def run_checked(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of values of the same shapes and dtypes as before, with nothing left to check."""
        found = self._run(*values)
        return found if isinstance(found, tuple) else (found,)

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them, as a tuple."""
        own = arrays[: len(self._tensors)]
        if self._uses_matrices:
            self._check_matrices(own)
        is_empty = has_no_entries(own)
        try:
            found = self._run_on_nothing(arrays) if is_empty else self._called(arrays)
        except np.linalg.LinAlgError as error:
            raise InputError(
                f"{self.operation.name}: a matrix has no inverse ({str(error).lower()}); expected one whose "
                "determinant is not 0"
            ) from None
        return found if isinstance(found, tuple) else (found,)

    def _called(self, arrays: Sequence[Any]) -> Any:
        if not self.parameters:
            return self._run(*arrays)
        return self._run(**dict(zip(self.text.arguments, arrays, strict=True)))

    def complete(self, values: Sequence[Any], settings: Mapping[str, Any]) -> Sequence[Any]:
        """Return the values with the settings and whole numbers that are given by name or left out.

        Raises:
            InputError: there are too few or too many, or no such setting.
        """
        names = self._words
        if len(values) == len(names) and not settings:
            return values
        operation = self.operation
        self.check_settings(settings)
        rest = names[len(values) :]
        numbers = {**self._defaults, **settings}
        missing = [name for name in rest if name not in numbers]
        if missing or len(values) > len(names) or not set(settings) <= set(rest):
            count = len(values) + len(settings)
            told = (
                f"; nothing was said of {', '.join(missing)}"
                if missing and set(missing) <= set(self.parameters)
                else ""
            )
            raise InputError(f"{operation.name} takes {', '.join(names)} and was given {count} arguments{told}")
        return [*values, *(numbers[name] for name in rest)]

    def check_settings(self, names: Iterable[str]) -> None:
        """Refuse a name that is none of the operation's settings and whole numbers.

        Raises:
            InputError: there is one; the text says which there are and how they are given.
        """
        unknown = next((name for name in names if name not in self._allowed), None)
        if unknown is None:
            return
        numbers = {**dict.fromkeys(self.parameters, 1), **default_numbers(self.operation)}
        whole = ", whole numbers" if set(self._allowed) == set(self.parameters) else ""
        given = ", ".join(f"{name}={numbers[name]}" for name in self._allowed)
        known = f"{', '.join(self._allowed)}{whole}; give them by name: {given}" if self._allowed else "none"
        raise InputError(f"{self.operation.name} has no setting {unknown}; its settings are: {known}")

    def _check_matrices(self, arrays: Sequence[Array]) -> None:
        """Refuse the one real dtype that NumPy's linear algebra has not."""
        if any(array.dtype == np.float16 for array in arrays):
            raise InputError(
                f"{self.operation.name}: NumPy has no linear algebra of float16; give it float32 or float64"
            )

    def _run_on_nothing(self, arrays: Sequence[Any]) -> Any:
        """Run where an array is empty: the mean of nothing is not a number, and nobody need be warned of it."""
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                has_leading = self.program.leading is not None and not self.parameters
                return self._run_flat(arrays) if has_leading or self.program.flattens else self._called(arrays)
            except ZeroDivisionError:
                raise InputError(f"{self.operation.name}: it divides by a size that is 0 here") from None

    def _run_flat(self, arrays: Sequence[Any]) -> Any:
        """Run with one leading axis in the place of all: their size can not be told where there are no entries."""
        program, flat = self.program, []
        leading: tuple[int, ...] = ()
        for argument, array in zip(program.arguments, arrays, strict=False):
            if program.leads(argument.tensor):
                count = array.ndim - argument.tensor.rank + 1
                leading = array.shape[:count]
                array = array.reshape(math.prod(leading), *array.shape[count:])
            flat.append(array)
        found = self._flat(*flat, *arrays[len(flat) :])
        results = found if isinstance(found, tuple) else (found,)
        return tuple(
            result.reshape(*leading, *result.shape[1:]) if program.leads(tensor) else result
            for tensor, result in zip(program.result_tensors, results, strict=True)
        )

    @cached_property
    def _flat(self) -> Callable[..., Any]:
        return load_function(
            numpy_function(replace(self.program, leading=None, flattens=False), "flat", ["One leading axis."])
        )


class Runs(Protocol):
    """What runs on arrays that fit."""

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]: ...

    def run_checked(self, values: Sequence[Any]) -> tuple[Any, ...]: ...


#: What a backward pass needs by name, the names of what the pass that keeps it returns, and that pass.
Plan = tuple[tuple[str, ...], tuple[str, ...], Runs]


class Forward(NumpyFunction):
    """The forward pass of an operation; called with the inputs, it returns the output, of several a tuple."""

    def __init__(self, operation: Operation) -> None:
        program = forward_program(operation, ())
        super().__init__(operation, program, forward_source(operation, program))
        self._found: tuple[dict[str, Any], Plan] | None = None  # The options of the last call, and what they ask for.

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        if not settings and self._fitting.knows(inputs):
            return _one_or_all(self.run_checked(inputs))
        return _one_or_all(self.run(self.fit(self.complete(inputs, settings))))

    def with_saved(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Array]]:
        """Return the output, of several a tuple, and by name what the backward pass needs.

        The options are settings, and those of ``backward``: another pass may need other values.
        """
        arrays, found = self._fitting.with_rest(inputs), self._found
        if found is not None and options == found[0] and self._fitting.knows(arrays):
            wanted, made, keeping = found[1]
            results = keeping.run_checked(arrays)
        else:
            passes, settings = self.divided(options)
            arrays = self.fit(self.complete(inputs, settings))
            wanted, made, keeping = plan = self._plan(passes)
            kept = {name: tuple(value) if isinstance(value, list) else value for name, value in passes.items()}
            self._found = kept, plan
            if not settings:
                self._fitting.remember_rest(inputs, arrays)
            results = keeping.run(arrays)
        known = dict(zip((*self._names, *made), (*arrays, *results), strict=True))
        return _one_or_all(results[: self._count]), {name: known[name] for name in wanted}

    def _plan(self, passes: Mapping[str, Any]) -> Plan:
        wanted = backward(self.operation, **passes).saved
        kept = kept_tensors(self.operation, wanted)
        outputs = [output.tensor for output in self.operation.outputs]
        return wanted, tuple(tensor.name for tensor in (*outputs, *kept)), self._keeping(kept)

    def divided(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options of ``backward``, and the settings; a name that is neither is refused as a setting."""
        settings = {name: value for name, value in options.items() if name in self._allowed or name not in PASSES}
        return {name: value for name, value in options.items() if name not in settings}, settings

    def _keeping(self, kept: tuple[Tensor, ...]) -> NumpyFunction:
        """Return the pass that returns intermediates too."""
        if not kept:
            return self
        key = ("keeping", operation_key(self.operation), kept)
        return cached(key, lambda: _function(self.operation, forward_program(self.operation, kept)))


class Backward(NumpyFunction):
    """The backward pass of an operation: ``f(*upstream, **saved)`` returns a tuple of gradients.

    There is one upstream gradient for each output, in their order; None stands for that of an output that no loss
    depends on.

    Attributes:
        saved: the names of the forward values that it needs.
        results: the names of the inputs whose gradients it returns.
        assumptions: the given facts that it rests on.
        insertions: the gradients of intermediates that it computes as parts of others.
    """

    def __init__(self, pullback: Pullback) -> None:
        program = backward_program(pullback)
        super().__init__(pullback.operation, program, backward_source(pullback, program))
        self._pullback = pullback
        self.saved = (*(tensor.name for tensor in pullback.saved), *self.parameters)
        self.results = tuple(tensor.name for tensor in pullback.results)
        self.assumptions = pullback.assumptions
        self.insertions = pullback.insertions

    def __call__(self, *upstream: Any, **saved: Any) -> tuple[Any, ...]:
        if len(upstream) == self._count and saved.keys() == set(self.saved):
            values = [*upstream, *map(saved.__getitem__, self.saved)]
            if self._fitting.knows(values):
                return self.run_checked(values)
        self._check_count(upstream)
        saved = {**{key: n for key, n in self._defaults.items() if key in self.saved}, **saved}
        if saved.keys() != set(self.saved):
            name = self.operation.name
            unknown = [key for key in saved if key not in self.saved]
            missing = [key for key in self.saved if key not in saved]
            problem = f"does not take {', '.join(unknown)}" if unknown else f"needs {', '.join(missing)}"
            takes = "the upstream gradient" if len(upstream) == 1 else f"{len(upstream)} upstream gradients"
            raise InputError(
                f"{name}: the backward pass {problem}; it takes {takes} and {', '.join(self.saved) or 'nothing else'}"
            )
        kept = [saved[key] for key in self.saved]
        given = upstream if all(each is not None for each in upstream) else self._filled(upstream, kept)
        arrays = self.fit([*given, *kept])
        if self._is_elementwise and self.saved:
            self._check_shapes(arrays)
        return self.run(arrays)

    def in_notation(self, notation: Notation) -> FunctionSource:
        """Return the text with gradients called otherwise."""
        return self.text if notation == BAR else backward_source(self._pullback, self.program, notation)

    def _check_count(self, upstream: Sequence[Any]) -> None:
        outputs = self.operation.outputs
        if len(upstream) == len(outputs) and any(each is not None for each in upstream):
            return
        names = ", ".join(tensor.word for tensor in self.operation.upstreams)
        if len(upstream) == len(outputs):
            raise InputError(f"{self.operation.name}: no upstream gradient is given; one of {names} at least is needed")
        expected = "one upstream gradient" if len(outputs) == 1 else f"{len(outputs)} upstream gradients"
        raise InputError(
            f"{self.operation.name}: the backward pass takes {expected} before the values that it is given by name, "
            f"{names}, and was given {len(upstream)}"
        )

    def _filled(self, upstream: Sequence[Any], kept: Sequence[Any]) -> list[Any]:
        """Return the upstream gradients with zeros for those that are None; the sizes are told by the other arrays."""
        fitted = dict(zip(self._tensors, (*upstream, *kept), strict=True))
        shapes = {tensor: np.shape(value) for tensor, value in fitted.items() if value is not None}
        real = [np.asarray(v) for t, v in fitted.items() if v is not None and t.values is None]
        dtype = np.result_type(*real) if any(array.dtype.kind == "f" for array in real) else np.dtype(float)
        sizes = {size: extent for t, shape in shapes.items() for size, extent in zip(t.sizes, shape, strict=False)}
        return [
            np.zeros(self._shape_of(output.tensor, shapes, sizes), dtype) if given is None else given
            for output, given in zip(self.operation.outputs, upstream, strict=True)
        ]

    def _shape_of(
        self, output: Tensor, shapes: Mapping[Tensor, tuple[int, ...]], sizes: Mapping[Expr, int]
    ) -> tuple[int, ...]:
        if self.operation.is_elementwise:
            inputs = [shapes[tensor] for tensor in self._feeding(output) if tensor in shapes]
            return np.broadcast_shapes(*(inputs or shapes.values()))
        unknown = [str(size) for size in output.sizes if not size.is_Integer and size not in sizes]
        if unknown:
            what = f"the size {unknown[0]} of {output.name}"
            raise InputError(f"{self.operation.name}: nothing that was given tells {what}; give zeros in place of None")
        return tuple(int(size) if size.is_Integer else sizes[size] for size in output.sizes)

    def _feeding(self, output: Tensor) -> list[Tensor]:
        """Return the arrays given that an output of an operation on single numbers has the shape of."""
        feeding = self.operation.feeding(output)
        inputs = [tensor for tensor in self.operation.inputs if tensor in feeding]
        known = set(inputs) <= set(self._tensors)
        every = [tensor for tensor in self._tensors if not tensor.role]
        return inputs if known and self.operation.broadcasts else every

    def _check_shapes(self, arrays: Sequence[Array]) -> None:
        """Check that the upstream gradients of an operation on single numbers have the shapes of the outputs."""
        known = dict(zip(self._tensors, arrays, strict=True))
        for output, array in zip(self.operation.outputs, arrays, strict=False):
            expected = broadcast_shape(known[tensor] for tensor in self._feeding(output.tensor))
            if array.shape != expected:
                raise InputError(_wrong_shape(self.operation, output.tensor, array.shape, expected))


@dataclass(frozen=True)
class BoundPullback:
    """The backward pass at one place: it takes the upstream gradients alone, one for each output.

    Attributes:
        wrt: the names of the inputs whose gradients it returns.
    """

    backward: Backward
    saved: dict[str, Array]
    output: Any

    @property
    def wrt(self) -> tuple[str, ...]:
        return self.backward.results

    def __call__(self, *upstream: Any) -> tuple[Any, ...]:
        """Return the gradients.

        The upstream gradient is 1 where it is left out and the only output is one number. Of several outputs, None
        stands for that of an output that no loss depends on.
        """
        operation = self.backward.operation
        if len(self._outputs) == 1 and all(given is None for given in upstream[:1]):
            shape = np.shape(self.output)
            if shape:
                problem = f"the output has shape {shape}; the pullback needs an upstream gradient of it"
                raise InputError(f"{operation.name}: {problem}")
            return self.backward(np.ones((), self._dtype), **self.saved)
        self.backward._check_count(upstream)
        filled = []
        for definition, output, given in zip(operation.outputs, self._outputs, upstream, strict=True):
            if given is None:
                given = np.zeros(np.shape(output), self._dtype)
            elif np.shape(given) != np.shape(output):
                raise InputError(_wrong_shape(operation, definition.tensor, np.shape(given), np.shape(output)))
            filled.append(given)
        return self.backward(*filled, **self.saved)

    @property
    def _outputs(self) -> tuple[Any, ...]:
        return self.output if len(self.backward.operation.outputs) > 1 else (self.output,)

    @cached_property
    def _dtype(self) -> Any:
        return np.asarray(self._outputs[0]).dtype


def forward(op: str | Operation | Derived) -> Forward:
    """Return the forward pass in NumPy; ``codegen.forward`` says what it takes and gives."""
    operation = find(op)
    return cached(("forward", operation_key(operation)), lambda: Forward(operation))


def backward(
    op: str | Operation | Derived, wrt: Sequence[str] | None = None, given: Given = (), *, fuse: bool = True
) -> Backward:
    """Return the backward pass in NumPy; ``codegen.backward`` says what it takes and gives."""
    operation, facts = find(op), tuple(given) if not isinstance(given, str) else given
    inputs = None if wrt is None else tuple([wrt] if isinstance(wrt, str) else wrt)
    key = ("backward", operation_key(operation), inputs, facts, fuse)
    return cached(key, lambda: Backward(pull_back(operation, inputs, facts, fuse)))


def vjp(op: str | Operation | Derived, *inputs: Any, **settings: Any) -> tuple[Any, BoundPullback]:
    r"""Return the output and a function from the upstream gradient to the inputs' gradients, as ``jax.vjp`` does.

    Several outputs are a tuple, and the function takes an upstream gradient for each.
    Labels and settings are data and have no gradient; ``pullback.wrt`` names the inputs that have one.

    Raises:
        InputError: an unknown name of an operation or a setting, or arrays that do not fit.

    Example:
        >>> output, pullback = vjp("mul", 2.0, 3.0)
        >>> float(output), [float(gradient) for gradient in pullback(10.0)]
        (6.0, [30.0, 20.0])
    """
    operation = find(op)
    run = forward(operation)
    run.check_settings(settings)
    output, saved = run.with_saved(*inputs, **settings)
    return output, BoundPullback(backward(operation), saved, output)


# ---- programs ----


def forward_program(operation: Operation, kept: tuple[Tensor, ...]) -> Program:
    """Return the program of the stable forward pass; ``kept`` are intermediates that it returns too.

    Raises:
        InputError: the operation has no inputs, so that nothing tells a dtype.
    """
    if not operation.inputs:
        raise InputError(f"{operation.name} has no inputs: it is a number, and there is no function to make of it")
    results = (*(output.tensor for output in operation.outputs), *kept)
    definitions = needed_definitions(stable_definitions(operation), results)
    return lower(definitions, operation.inputs, results, **lowering_of(operation))


def backward_program(pullback: Pullback) -> Program:
    """Return the program of the backward pass: its arguments are the upstream gradients and the saved values."""
    operation = pullback.operation
    inputs = {operation.gradient_of(tensor): tensor for tensor in operation.inputs if operation.sums_to(tensor)}
    like = {result: inputs[result] for result in pullback.results if result in inputs}
    arguments = (*pullback.upstreams, *pullback.saved)
    origins = {tensor: _origins(operation, tensor) for tensor in pullback.saved}
    outputs = zip(operation.outputs, pullback.upstreams, strict=True)
    origins |= {upstream: _origins(operation, output.tensor) for output, upstream in outputs}
    return lower(
        pullback.definitions, arguments, pullback.results, like=like, origins=origins, **lowering_of(operation)
    )


def _origins(operation: Operation, tensor: Tensor) -> frozenset[str]:
    """Return the names of the real inputs that a tensor is computed from: their dtypes decide on its own."""
    real = [each for each in operation.inputs if each.values is None and each not in operation.settings]
    return frozenset(each.name for each in operation.feeding(tensor) if each in real)


def lowering_of(operation: Operation) -> dict[str, Any]:
    """Return what the lowering must know of an operation beside its definitions."""
    named = named_positions(each.body for each in operation.definitions)
    return {
        "numbers": operation.settings,
        "leading": operation.leading,
        "parameters": operation.parameters,
        "extents": operation.extents,
        "positions": {size: last for size, (last, _) in named.items()},
    }


def kept_tensors(operation: Operation, saved: Sequence[str]) -> tuple[Tensor, ...]:
    """Return the intermediates among the values that a backward pass needs."""
    return tuple(d.tensor for d in operation.intermediates if d.tensor.name in saved)


# ---- functions ----


def _one_or_all(results: tuple[Any, ...]) -> Any:
    return results[0] if len(results) == 1 else results


def _wrong_shape(operation: Operation, output: Tensor, given: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return what is said of an upstream gradient that has not the shape of its output."""
    word, of = ("", "") if len(operation.outputs) == 1 else (f" {operation.upstream(output).word}", f" {output.name}")
    return f"{operation.name}: the upstream gradient{word} has shape {given} and the output{of} {expected}"


def function_name(operation: Operation, suffix: str) -> str:
    """Return what a generated function is called."""
    name = operation.name
    if not re.fullmatch(r"[\w-]{1,40}", name):
        name = operation.outputs[0].tensor.name
    return f"{safe_identifier(name)}_{suffix}"


def forward_source(operation: Operation, program: Program) -> FunctionSource:
    """Return the text of the forward pass."""
    docstring = forward_docstring(operation, operation.inputs, program.result_tensors, program.parameters)
    name = function_name(operation, "forward")
    return numpy_function(program, name, docstring, defaults=operation.record.defaults)


def backward_source(pullback: Pullback, program: Program, notation: Notation = BAR) -> FunctionSource:
    """Return the text of the backward pass."""
    arguments = [argument.tensor for argument in program.arguments]
    docstring = backward_docstring(
        pullback.operation,
        pullback.gradients,
        arguments,
        pullback.results,
        pullback.assumptions,
        program.parameters,
        notation,
    )
    name = function_name(pullback.operation, "backward")
    return numpy_function(program, name, docstring, pullback.operation.record.defaults, notation)


def _function(operation: Operation, program: Program) -> NumpyFunction:
    return NumpyFunction(operation, program, forward_source(operation, program))


#: So many functions are kept, those asked for last.
MOST_KEPT = 1000
_CACHE: OrderedDict[Any, Any] = OrderedDict()
_CACHE_LOCK = Lock()


def operation_key(operation: Operation) -> Any:
    """Return what two operations share whose code is the same."""
    record = operation.record
    said = record.name, record.title, record.source, record.labels, operation.listed, operation.leading
    numbers = operation.parameters, operation.extents
    mappings = (record.absent, record.defaults, operation.gradients)
    return operation.definitions, operation.inputs, *said, *numbers, *(tuple(sorted(each.items())) for each in mappings)


def cached(key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made for a key before, or make it; of two threads that make it, both get the first one's."""
    with _CACHE_LOCK:
        if key in _CACHE:
            _CACHE.move_to_end(key)
            return _CACHE[key]
    made = make()
    with _CACHE_LOCK:
        made = _CACHE.setdefault(key, made)
        _CACHE.move_to_end(key)
        if len(_CACHE) > MOST_KEPT:
            _CACHE.popitem(last=False)
    return made
