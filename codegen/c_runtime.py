"""Forward and backward passes in C: NumPy arrays in, fresh NumPy arrays out."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol

from codegen.c_compiler import FLAGS, load_library
from codegen.c_precisions import DOUBLE, FLOAT, Precision
from codegen.c_program import ENTRY
from codegen.c_saving import plan_passes
from codegen.c_source import CFunction, c_file, c_functions
from codegen.docstrings import backward_docstring, forward_docstring, module_docstring
from codegen.fitting import Fitting
from codegen.helpers import LOADED
from codegen.program import INTEGER, NUMBER, Argument, Constant, Labels, Program, SumTo
from codegen.program_checks import extremes
from codegen.runtime import (
    Backward,
    Forward,
    Given,
    NumpyFunction,
    backward_program,
    cached,
    forward_program,
    function_name,
    kept_tensors,
    operation_key,
)
from codegen.whole_numbers import WholeNumbers
from derive.errors import InputError
from derive.extents import Extent
from derive.indices import Tensor
from derive.pullback import Pullback, pull_back
from derive.record import Operation

Array = NDArray[Any]
#: By what NumPy calls them, the two types of numbers.
PRECISIONS: Mapping[str, Precision] = {"float32": FLOAT, "float64": DOUBLE}
#: Settings and scalars, and whole numbers, as ctypes calls them.
NUMBERS = {"float": ctypes.c_float, "double": ctypes.c_double}


class CProgram:
    """A program in C: its two functions, and how they are called with arrays.

    Attributes:
        operation: whose pass it is.
        program: what it computes.
    """

    def __init__(self, operation: Operation, program: Program, name: str, comment: Sequence[str]) -> None:
        self.operation, self.program, self.comment = operation, program, comment
        made = c_functions(program, name, comment, operation.is_elementwise)
        self.functions = {function.precision.name: function for function in made}
        statements = {statement.name: statement for statement in program.statements}
        self._sum_to = [
            statements[result].operands[1].name if isinstance(statements[result].op, SumTo) else None
            for result in program.results
        ]
        self._places = {argument.name: place for place, argument in enumerate(program.arguments)}
        self._divisors = [statement.op.value for statement in program.statements if isinstance(statement.op, Constant)]
        self._divisors = [value for value in self._divisors if value.free_symbols]

    @property
    def source(self) -> str:
        """The text of a file with these functions alone."""
        return c_file(list(self.functions.values()))

    @cached_property
    def _called(self) -> dict[str, Callable[..., None]]:
        library = load_library(self.source)
        return {key: getattr(library, function.name) for key, function in self.functions.items()}

    def run(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them.

        Raises:
            InputError: the numbers are of a type that C has not, or a size that is 0 is divided by.
        """
        count = len(self.program.arguments)
        given, numbers = list(arrays[:count]), arrays[count:]
        precision = self._precision(given)
        function = self.functions[precision.name]
        dtype = np.dtype(precision.name if precision.name == "double" else np.float32)
        shape: tuple[int, ...] = ()
        flat = [np.asarray(array) for array in given]
        if self.operation.is_elementwise:
            flat, shape = self._entries(flat)
        else:
            flat, shape = self._flattened(flat)
        sizes = self._sizes(flat, numbers)
        self._check_divisors(sizes)
        return self._call(function, dtype, flat, shape, sizes, given)

    def _precision(self, arrays: Sequence[Any]) -> Precision:
        real = [
            array.dtype
            for argument, array in zip(self.program.arguments, arrays, strict=True)
            if argument.tensor.values is None and argument.kind != NUMBER
        ] or [np.dtype(float)]
        dtype = np.result_type(*real)
        if str(dtype) not in PRECISIONS:
            raise InputError(f"{self.operation.name}: target c takes float32 and float64, not {dtype}")
        return PRECISIONS[str(dtype)]

    def _entries(self, arrays: list[Array]) -> tuple[list[Array], tuple[int, ...]]:
        """Return arrays of any shapes, broadcast, as one axis; settings stay as they are."""
        many = [
            array for argument, array in zip(self.program.arguments, arrays, strict=True) if argument.kind != NUMBER
        ]
        shape = np.broadcast_shapes(*(array.shape for array in many)) if many else ()
        found = []
        for argument, array in zip(self.program.arguments, arrays, strict=True):
            if argument.kind == NUMBER:
                if array.ndim:
                    name = argument.tensor.name
                    raise InputError(
                        f"{self.operation.name}: {name} has shape {array.shape}; with target c it is one number"
                    )
                found.append(array)
            else:
                found.append(np.broadcast_to(array, shape).reshape(-1))
        return found, shape

    def _flattened(self, arrays: list[Array]) -> tuple[list[Array], tuple[int, ...]]:
        """Return the arrays with one leading axis in the place of all."""
        leading: tuple[int, ...] = ()
        found = []
        for argument, array in zip(self.program.arguments, arrays, strict=True):
            if self._leads(argument.tensor):
                count = array.ndim - argument.tensor.rank + 1
                leading = array.shape[:count]
                array = array.reshape(math.prod(leading), *array.shape[count:])
            found.append(array)
        return found, leading

    def _leads(self, tensor: Tensor) -> bool:
        return self.operation.leads(tensor)

    def _sizes(self, arrays: Sequence[Array], numbers: Sequence[int]) -> dict[Expr, int]:
        known: dict[Expr, int] = dict(zip(self.program.parameters, numbers, strict=True))
        for argument, array in zip(self.program.arguments, arrays, strict=True):
            labels = argument.tensor.sizes
            if self.operation.is_elementwise:
                labels = () if argument.kind == NUMBER else (ENTRY.size,)
            known.update(zip(labels, array.shape, strict=True))
        for extent in self.program.extents:
            self._follow(extent, known)
        return known

    @staticmethod
    def _follow(extent: Extent, known: dict[Expr, int]) -> None:
        if extent.size not in known and extent.span.free_symbols | extent.step.free_symbols <= known.keys():
            known[extent.size] = value_of(extent.span, known) // value_of(extent.step, known) + 1

    def _check_divisors(self, sizes: Mapping[Expr, int]) -> None:
        """Refuse what Python refuses, too: a number that is divided by a size that is 0."""
        if 0 in sizes.values():
            for value in self._divisors:
                found = value.xreplace({symbol: Integer(sizes[symbol]) for symbol in value.free_symbols})
                if not found.is_finite:
                    raise InputError(f"{self.operation.name}: it divides by a size that is 0 here")

    def _call(
        self,
        function: CFunction,
        dtype: np.dtype[Any],
        arrays: Sequence[Array],
        leading: tuple[int, ...],
        sizes: Mapping[Expr, int],
        given: Sequence[Any],
    ) -> tuple[Any, ...]:
        kept: list[Array] = []

        def pointer(array: Array) -> ctypes.c_void_p:
            kept.append(array)
            return ctypes.c_void_p(array.ctypes.data)

        called: list[Any] = [ctypes.c_ssize_t(value_of(symbol, sizes)) for symbol in function.sizes]
        for place in function.arguments:
            argument = self.program.arguments[place]
            own = np.dtype(np.intp) if argument.kind == INTEGER else dtype
            if self._is_array(argument):
                called.append(pointer(np.ascontiguousarray(arrays[place], dtype=own)))
            elif argument.kind == INTEGER:
                called.append(ctypes.c_ssize_t(int(arrays[place])))
            else:
                called.append(NUMBERS[function.precision.name](float(arrays[place])))
        results = []
        for labels, kind in function.results:
            shape = self._shape(labels, sizes)
            results.append(np.empty(shape, np.dtype(np.intp) if kind == INTEGER else dtype))
            called.append(pointer(results[-1]))
        for needed, own in zip(function.work, (dtype, np.dtype(np.intp)), strict=True):
            if needed != 0:
                called.append(pointer(np.empty(value_of(needed, sizes), own)))
        self._called[function.precision.name](*called)
        return tuple(self._shaped(place, result, leading, given) for place, result in enumerate(results))

    def _is_array(self, argument: Argument) -> bool:
        return argument.kind != NUMBER if self.operation.is_elementwise else bool(argument.labels)

    @staticmethod
    def _shape(labels: Labels, sizes: Mapping[Expr, int]) -> tuple[int, ...]:
        return tuple(value_of(label.size, sizes) for label in labels)

    def _shaped(self, place: int, result: Array, leading: tuple[int, ...], given: Sequence[Any]) -> Any:
        """Return a result with the shape that belongs to it."""
        tensor, like = self.program.result_tensors[place], self._sum_to[place]
        if self.operation.is_elementwise:
            result = result.reshape(leading) if result.ndim else result
            return result if like is None else LOADED["_sum_to"](result, np.shape(given[self._places[like]]))
        if self._leads(tensor):
            return result.reshape(*leading, *result.shape[1:])
        return result


def value_of(expr: Expr, sizes: Mapping[Expr, int]) -> int:
    """Return the value of an expression of sizes."""
    if isinstance(expr, Symbol):
        return sizes[expr]
    return int(expr.xreplace({symbol: Integer(sizes[symbol]) for symbol in expr.free_symbols}))


class CFunctionOfArrays:
    """What the passes in C share: checks as in NumPy, and the C text in the place of NumPy's."""

    def _set(self: Any, in_c: CProgram, name: str) -> None:
        operation, program = in_c.operation, in_c.program
        self.operation, self.program, self._in_c = operation, program, in_c
        self.source = self.module = in_c.source
        self.__name__ = self.__qualname__ = name
        self.__doc__ = "\n".join(in_c.comment)
        self._tensors = tuple(argument.tensor for argument in program.arguments)
        self._fitting = Fitting(operation, self._tensors, extremes(program))
        self._numbers = WholeNumbers(operation, program) if program.parameters or operation.extents else None
        self.parameters = tuple(symbol.name for symbol in program.parameters)
        self._allowed = tuple(dict.fromkeys((*operation.record.defaults, *self.parameters)))

    def __repr__(self: Any) -> str:
        return str(NumpyFunction.__repr__(self)).replace("NumPy", "C")

    def run(self: Any, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them, as a tuple."""
        found: tuple[Any, ...] = self._in_c.run(arrays)
        return found


class CForward(CFunctionOfArrays, Forward):
    """The forward pass in C."""

    def __init__(self, operation: Operation) -> None:
        program = forward_program(operation, ())
        self._set(forward_in_c(operation, program), function_name(operation, "forward"))

    def with_saved(self, *inputs: Any, **options: Any) -> tuple[Any, dict[str, Array]]:
        """Return the output, of several a tuple, and by name what the backward pass in C needs.

        The options are settings, and those of ``backward``: another pass may need other values.
        """
        settings = {name: options.pop(name) for name in self._allowed if name in options}
        arrays = self.fit(self.complete(inputs, settings))
        backward = backward_pass(self.operation, **options)
        given = dict(zip((*(tensor.name for tensor in self._tensors), *self.parameters), arrays, strict=True))
        results = backward.keeping.run(arrays)
        tensors = backward.keeping.program.result_tensors
        made = dict(zip((tensor.name for tensor in tensors), results, strict=True))
        count = len(self.operation.outputs)
        output = results[0] if count == 1 else results[:count]
        return output, {name: {**given, **made}[name] for name in backward.saved}


class CBackward(CFunctionOfArrays, Backward):
    """The backward pass in C.

    Attributes:
        keeping: the forward pass that returns, after the outputs, what this one needs.
    """

    def __init__(self, pullback: Pullback) -> None:
        self.keeping, in_c = passes_in_c(pullback)
        self._set(in_c, function_name(pullback.operation, "backward"))
        upstreams = len(pullback.upstreams)
        self.saved = (*(tensor.name for tensor in self._tensors[upstreams:]), *self.parameters)
        self.results = tuple(tensor.name for tensor in pullback.results)
        self.assumptions = pullback.assumptions


def backward_pass(
    operation: Operation, wrt: Sequence[str] | None = None, given: Given = (), *, fuse: bool = True
) -> CBackward:
    """Return the backward pass of an operation in C, made once."""
    facts = tuple(given) if not isinstance(given, str) else given
    inputs = None if wrt is None else tuple([wrt] if isinstance(wrt, str) else wrt)
    key = ("backward in c", operation_key(operation), inputs, facts, fuse)
    return cached(key, lambda: CBackward(pull_back(operation, inputs, facts, fuse)))


def passes_in_c(pullback: Pullback) -> tuple[CProgram, CProgram]:
    """Return the forward pass that keeps what the backward pass needs, and that."""
    operation = pullback.operation
    kept = kept_tensors(operation, [tensor.name for tensor in pullback.saved])
    taken = {tensor.name for tensor in (*operation.inputs, *(each.tensor for each in operation.definitions))}
    planned = plan_passes(forward_program(operation, kept), backward_program(pullback), kept, taken)
    return forward_in_c(operation, planned.forward), backward_in_c(pullback, planned.backward)


def forward_in_c(operation: Operation, program: Program) -> CProgram:
    """Return a forward pass in C."""
    comment = forward_docstring(operation, operation.inputs, program.result_tensors, program.parameters)
    return CProgram(operation, program, function_name(operation, "forward"), comment)


def backward_in_c(pullback: Pullback, program: Program) -> CProgram:
    """Return a backward pass in C."""
    comment = backward_docstring(
        pullback.operation,
        pullback.gradients,
        [argument.tensor for argument in program.arguments],
        pullback.results,
        pullback.assumptions,
        program.parameters,
    )
    return CProgram(pullback.operation, program, function_name(pullback.operation, "backward"), comment)


def c_module(operations: Sequence[Operation], given: Given = ()) -> str:
    """Return a C file with the forward and backward passes of operations.

    Raises:
        InputError: there are none, or two of one name.
    """
    operations = list({operation_key(operation): operation for operation in operations}.values())
    if not operations:
        raise InputError("source needs the name of one operation at least")
    functions: list[CFunction] = []
    for operation in operations:
        for made in passes_in_c(pull_back(operation, None, given)):
            functions += made.functions.values()
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            stem = name.rpartition("_")[0]
            raise InputError(f"two different operations would be called {stem} in one file; give one another name")
    return c_file(functions, c_comment(operations))


def c_comment(operations: Sequence[Operation]) -> list[str]:
    """Return what stands at the top of a file."""
    first, *others = module_docstring(operations)
    return [
        first.replace("NumPy", "C"),
        "",
        "Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name",
        "that ends with _f takes float, one with _d double. Compile with",
        "",
        f"    cc {' '.join(FLAGS)} -c file.c",
        "",
        "and with -fopenmp in the place of -fopenmp-simd where threads are wanted.",
        *others,
    ]
