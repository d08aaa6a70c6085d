"""NumPy functions of operations, made from the derived backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from sympy import Expr

from codegen.fitting import broadcast_shape
from codegen.keeping import cached, operation_key
from codegen.numpy_function import Array, NumpyFunction
from codegen.numpy_source import FunctionSource
from codegen.program import Program
from codegen.programs import backward_program, backward_source, forward_program, forward_source, kept_tensors
from codegen.repeating import NO_OPTIONS, Repeating, Run, with_kept
from derive.catalogue import find
from derive.errors import InputError
from derive.facts import Fact
from derive.indices import Tensor
from derive.notation import BAR, Notation
from derive.operation import Derived, Operation
from derive.pullback import Pullback, pull_back

Given = Iterable[str | Fact]
#: What ``backward`` takes beside the operation.
PASSES = ("wrt", "given", "fuse")


class Runs(Protocol):
    """What runs on arrays that fit."""

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]: ...

    def again(self, arrays: Sequence[Any], results: Sequence[Any]) -> Run: ...


#: What a backward pass needs by name, the names of what the pass that keeps it returns, and that pass.
Plan = tuple[tuple[str, ...], tuple[str, ...], Runs]


class Forward(NumpyFunction):
    """The forward pass of an operation; called with the inputs, it returns the output, of several a tuple."""

    def __init__(self, operation: Operation) -> None:
        program = forward_program(operation, ())
        super().__init__(operation, program, forward_source(operation, program))

    def set_checks(self, operation: Operation, program: Program) -> None:
        super().set_checks(operation, program)
        self._saving = Repeating(self.signature)  # The calls of ``with_saved``.

    def __call__(self, /, *inputs: Any, **settings: Any) -> Any:
        return _one_or_all(self.results_of(inputs, settings))

    def with_saved(self, /, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Array]]:
        """Return the output, of several a tuple, and by name what the backward pass needs.

        The options are settings, and those of ``backward``: another pass may need other values.
        """
        found: tuple[Any, dict[str, Array]] | None = self._saving.call(inputs, options)
        if found is not None:
            return found
        passes, settings = self.divided(options)
        given = self.complete(inputs, settings)
        arrays = self.fit(given)
        wanted, made, keeping = self._plan(passes)
        results = keeping.run(arrays)
        places = {name: place for place, name in enumerate((*self._names, *made))}
        kept = [(name, places[name]) for name in wanted]
        count = self._count
        again = partial(keeping.again, arrays, results)
        self.keep(self._saving, inputs, options, given, arrays, lambda: with_kept(again(), count, kept))
        return with_kept(lambda _: results, count, kept)(arrays)

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

    def __call__(self, /, *upstream: Any, **saved: Any) -> tuple[Any, ...]:
        is_whole = tuple(saved) == self.saved
        if not is_whole and saved.keys() == set(self.saved):
            saved, is_whole = {name: saved[name] for name in self.saved}, True
        values = (*upstream, *saved.values())
        found: tuple[Any, ...] | None = self._repeating.call(values) if is_whole else None
        if found is not None:
            return found
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
        filled = upstream if all(each is not None for each in upstream) else self._filled(upstream, kept)
        given = [*filled, *kept]
        arrays = self.fit(given)
        if self._is_elementwise and self.saved:
            self._check_shapes(arrays)
        results = self.run(arrays)
        if is_whole:
            self.keep(self._repeating, values, NO_OPTIONS, given, arrays, lambda: self.again(arrays, results))
        return results

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


def vjp(op: str | Operation | Derived, /, *inputs: Any, **settings: Any) -> tuple[Any, BoundPullback]:
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


def _one_or_all(results: tuple[Any, ...]) -> Any:
    return results[0] if len(results) == 1 else results


def _wrong_shape(operation: Operation, output: Tensor, given: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return what is said of an upstream gradient that has not the shape of its output."""
    word, of = ("", "") if len(operation.outputs) == 1 else (f" {operation.upstream(output).word}", f" {output.name}")
    return f"{operation.name}: the upstream gradient{word} has shape {given} and the output{of} {expected}"


def _function(operation: Operation, program: Program) -> NumpyFunction:
    return NumpyFunction(operation, program, forward_source(operation, program))
