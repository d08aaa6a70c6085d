"""A program as a function of NumPy arrays: it checks what it is given, runs the generated text, and shows it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.blocks import Blockwise, takes_many_steps
from codegen.fitting import Fitting, has_no_entries
from codegen.loading import load_function
from codegen.numpy_source import FunctionSource, numpy_function
from codegen.ops import MATRIX_OPERATIONS
from codegen.program import Program
from codegen.program_checks import extremes, positions_taken
from codegen.repeating import FORM, Repeating, Run, Signature, repeated
from codegen.scalar_functions import make_scalar_function
from codegen.whole_numbers import WholeNumbers, default_numbers
from derive.errors import InputError
from derive.operation import Operation

Array = NDArray[Any]


def no_inverse(operation: Operation, error: np.linalg.LinAlgError) -> InputError:
    """Return what is said of a matrix that can not be solved with."""
    problem = f"a matrix has no inverse ({str(error).lower()}); expected one whose determinant is not 0"
    return InputError(f"{operation.name}: {problem}")


class NumpyFunction:
    """A function made from a program: it checks what it is given, and shows its source.

    Attributes:
        operation: whose pass it is.
        source: the text a person reads.
        module: a module with the function that imports NumPy alone.
        signature: what tells arrays from others for which a call is another one.
    """

    signature: Signature = FORM

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
        self._fitting = Fitting(operation, self._tensors, extremes(program), positions_taken(program))
        self._repeating = Repeating(self.signature)
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

    def results_of(self, values: Sequence[Any], settings: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the results of arguments as they are given, checked.

        Raises:
            InputError: they do not fit.
        """
        found: tuple[Any, ...] | None = self._repeating.call(values, settings)
        if found is not None:
            return found
        given = self.complete(values, settings)
        arrays = self.fit(given)
        results = self.run(arrays)
        self.keep(self._repeating, values, settings, given, arrays, lambda: self.again(arrays, results))
        return results

    def keep(
        self,
        calls: Repeating,
        values: Sequence[Any],
        options: Mapping[str, Any],
        given: Sequence[Any],
        arrays: Sequence[Any],
        make: Callable[[], Run],
    ) -> None:
        """Keep a call that went well among others.

        Args:
            calls: the others.
            values, options: what it was given.
            given: the values, and after them what was left out or given by name.
            arrays: what was made of these.
            make: returns what is to be done with arrays like these.
        """
        own, numbers = arrays[: len(self._tensors)], given[len(self._tensors) :]
        if not has_no_entries(own) and all(type(number) is int for number in numbers):
            bounds = self._fitting.bounds(own)
            calls.keep(values, options, lambda: repeated(values, given, arrays, bounds, make()))

    def again(self, arrays: Sequence[Any], results: Sequence[Any]) -> Run:
        """Return what gives the results of arrays like these, none of them empty, with nothing left to check."""
        if self.parameters or self._uses_matrices:
            numbers = arrays[len(self._tensors) :]
            return lambda values: self.run([*values[: len(self._tensors)], *numbers])
        run = self._run

        def call(values: Sequence[Any]) -> tuple[Any, ...]:
            found = run(*values)
            return found if type(found) is tuple else (found,)

        return call

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them, as a tuple."""
        own = arrays[: len(self._tensors)]
        if self._uses_matrices:
            self._check_matrices(own)
        is_empty = has_no_entries(own)
        try:
            found = self._run_on_nothing(arrays) if is_empty else self._called(arrays)
        except np.linalg.LinAlgError as error:
            raise no_inverse(self.operation, error) from None
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
