"""Forward and backward passes in C: NumPy arrays in, fresh NumPy arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Integer, Symbol

from codegen.c_calls import ARRAY, SINGLE, WHOLE, Call, plain
from codegen.c_compiler import load_library
from codegen.c_precisions import DOUBLE, FLOAT, Precision
from codegen.c_program import ENTRY
from codegen.c_saving import plan_passes
from codegen.c_source import CFunction, c_file, c_functions
from codegen.docstrings import backward_docstring, forward_docstring
from codegen.helpers import LOADED
from codegen.keeping import cached, operation_key
from codegen.numpy_function import NumpyFunction, no_inverse
from codegen.ops import Constant, SumTo
from codegen.program import INTEGER, NUMBER, Program
from codegen.programs import backward_program, forward_program, function_name, kept_tensors
from codegen.repeating import PLACED, Run, Signature
from codegen.runtime import Backward, Forward, Given, Plan
from derive.errors import InputError
from derive.extents import Extent
from derive.notation import BAR, Notation
from derive.operation import Operation
from derive.pullback import Pullback, pull_back

Array = NDArray[Any]
#: By the letters that NumPy has for them, the two types of numbers.
PRECISIONS: Mapping[str, Precision] = {"f": FLOAT, "d": DOUBLE}


class CProgram:
    """A program in C: its two functions, and how they are called with arrays.

    Attributes:
        operation: whose pass it is.
        program: what it computes.
    """

    def __init__(
        self, operation: Operation, program: Program, name: str, comment: Sequence[str], notation: Notation = BAR
    ) -> None:
        self.operation, self.program, self.comment = operation, program, comment
        self._is_elementwise = operation.is_elementwise
        made = c_functions(program, name, comment, self._is_elementwise, notation, operation.sizes)
        self.functions = {function.precision.name: function for function in made}
        arguments = program.arguments
        statements = {statement.name: statement for statement in program.statements}
        places = {argument.name: place for place, argument in enumerate(arguments)}
        made_by = [statements[result] for result in program.results]
        self._sum_to = [places[each.operands[1].name] if isinstance(each.op, SumTo) else None for each in made_by]
        constants = [each.op.value for each in program.statements if isinstance(each.op, Constant)]
        self._divisors = [value for value in constants if value.free_symbols]
        self._real = [at for at, each in enumerate(arguments) if each.tensor.values is None and each.kind != NUMBER]
        self._is_number = [argument.kind == NUMBER for argument in arguments]
        self._is_array = [
            not is_number if self._is_elementwise else bool(argument.labels)
            for argument, is_number in zip(arguments, self._is_number, strict=True)
        ]
        self._ranks = [each.tensor.rank - 1 if operation.leads(each.tensor) else None for each in arguments]
        self._kinds = [
            ARRAY if is_array else WHOLE if argument.kind == INTEGER else SINGLE
            for argument, is_array in zip(arguments, self._is_array, strict=True)
        ]
        self._leads = [operation.leads(tensor) for tensor in program.result_tensors]
        self._axes = [each.tensor.sizes for each in arguments]
        if self._is_elementwise:
            self._axes = [() if is_number else (ENTRY.size,) for is_number in self._is_number]

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
            InputError: the numbers are of a type that C has not, a size that is 0 is divided by, or a matrix has no
                inverse.
        """
        call, taken, shape, given = self._prepared(arrays)
        return self._shaped(self._told(call.run, call)(taken), shape, given)

    def again(self, arrays: Sequence[Any], results: Sequence[Any]) -> Run:
        """Return what gives the results of arrays like these: at once, where they are handed over as they are."""
        call, taken, *_ = self._prepared(arrays)
        if not self._are_handed_over(arrays, taken):
            count = len(taken)
            numbers = arrays[count:]
            return lambda values: self.run([*values[:count], *numbers])
        again = replace(call, results=tuple((result.shape, result.dtype) for result in results))
        return self._told(again.repeated(), again)

    def _are_handed_over(self, arrays: Sequence[Any], taken: Sequence[Array]) -> bool:
        """Whether C takes the arrays, and no copies of them."""
        return all(
            kind != ARRAY or (array.size == own.size and np.may_share_memory(array, own))
            for array, own, kind in zip(arrays, taken, self._kinds, strict=False)
        )

    def _prepared(self, arrays: Sequence[Any]) -> tuple[Call, list[Array], tuple[int, ...], list[Array]]:
        """Return a call, what it takes, the shape of single numbers or the leading axes, and the arrays."""
        count = len(self._axes)
        given = [np.asarray(array) for array in arrays[:count]]
        precision = self._precision(given)
        flat, shape = self._entries(given) if self._is_elementwise else self._flattened(given)
        call = self._call(self.functions[precision.name], self._sizes(flat, arrays[count:]))
        return call, self._taken(flat, precision), shape, given

    def _told(self, run: Run, call: Call) -> Run:
        """Return a function of arrays that says which operation has a matrix without an inverse."""
        if not call.may_fail:
            return run

        def tell(arrays: Sequence[Any]) -> Any:
            try:
                return run(arrays)
            except np.linalg.LinAlgError as error:
                raise no_inverse(self.operation, error) from None

        return tell

    def _precision(self, arrays: Sequence[Array]) -> Precision:
        dtypes = {arrays[place].dtype for place in self._real} or {np.dtype(float)}
        dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
        if dtype.char not in PRECISIONS:
            raise InputError(f"{self.operation.name}: target c takes float32 and float64, not {dtype}")
        return PRECISIONS[dtype.char]

    def _entries(self, arrays: Sequence[Array]) -> tuple[list[Array], tuple[int, ...]]:
        """Return arrays of any shapes, broadcast, as one axis; settings stay as they are."""
        many = [array for array, is_number in zip(arrays, self._is_number, strict=True) if not is_number]
        shape = np.broadcast_shapes(*(array.shape for array in many)) if many else ()
        found = []
        for place, array in enumerate(arrays):
            if not self._is_number[place]:
                array = (array if array.shape == shape else np.broadcast_to(array, shape)).reshape(-1)
            elif array.ndim:
                name = self.program.arguments[place].tensor.name
                raise InputError(
                    f"{self.operation.name}: {name} has shape {array.shape}; with target c it is one number"
                )
            found.append(array)
        return found, shape

    def _flattened(self, arrays: Sequence[Array]) -> tuple[list[Array], tuple[int, ...]]:
        """Return the arrays with one leading axis in the place of all."""
        leading: tuple[int, ...] = ()
        found = []
        for array, rank in zip(arrays, self._ranks, strict=True):
            if rank is not None:
                count = array.ndim - rank
                leading = array.shape[:count]
                if count != 1:
                    array = array.reshape(math.prod(leading), *array.shape[count:])
            found.append(array)
        return found, leading

    def _sizes(self, arrays: Sequence[Array], numbers: Sequence[int]) -> dict[Expr, int]:
        known: dict[Expr, int] = dict(zip(self.program.parameters, numbers, strict=True))
        for axes, array in zip(self._axes, arrays, strict=True):
            known.update(zip(axes, array.shape, strict=True))
        for extent in self.program.extents:
            self._follow(extent, known)
        if 0 in known.values():
            self._check_divisors(known)
        return known

    @staticmethod
    def _follow(extent: Extent, known: dict[Expr, int]) -> None:
        if extent.size not in known and extent.span.free_symbols | extent.step.free_symbols <= known.keys():
            known[extent.size] = value_of(extent.span, known) // value_of(extent.step, known) + 1

    def _check_divisors(self, sizes: Mapping[Expr, int]) -> None:
        """Refuse what Python refuses, too: a number that is divided by a size that is 0."""
        for value in self._divisors:
            found = value.xreplace({symbol: Integer(sizes[symbol]) for symbol in value.free_symbols})
            if not found.is_finite:
                raise InputError(f"{self.operation.name}: it divides by a size that is 0 here")

    def _call(self, function: CFunction, sizes: Mapping[Expr, int]) -> Call:
        precision = function.precision.name
        real, whole = np.dtype(precision[0]), np.dtype(np.intp)
        results = [(tuple(value_of(label.size, sizes) for label in labels), kind) for labels, kind in function.results]
        needed = [(size, dtype) for size, dtype in zip(function.work, (real, whole), strict=True) if size != 0]
        return Call(
            self._called[precision],
            precision,
            tuple(sizes[symbol] for symbol in function.sizes),
            tuple((place, self._kinds[place]) for place in function.arguments),
            tuple((shape, whole if kind == INTEGER else real) for shape, kind in results),
            tuple(((value_of(size, sizes),), dtype) for size, dtype in needed),
            function.may_fail,
        )

    def _taken(self, arrays: Sequence[Array], precision: Precision) -> list[Array]:
        """Return arrays as C takes them, those that are not so copied."""
        dtypes = [np.dtype(np.intp if each.kind == INTEGER else precision.name[0]) for each in self.program.arguments]
        return [
            plain(array, dtype) if kind == ARRAY else array
            for array, dtype, kind in zip(arrays, dtypes, self._kinds, strict=True)
        ]

    def _shaped(self, results: Sequence[Array], leading: tuple[int, ...], given: Sequence[Array]) -> tuple[Any, ...]:
        """Return the results with the shapes that belong to them."""
        found = []
        for result, like, leads in zip(results, self._sum_to, self._leads, strict=True):
            if self._is_elementwise:
                result = result.reshape(leading) if result.ndim else result
                result = result if like is None else LOADED["_sum_to"](result, given[like].shape)
            elif leads and len(leading) != 1:
                result = result.reshape((*leading, *result.shape[1:]))
            found.append(result)
        return tuple(found)


def value_of(expr: Expr, sizes: Mapping[Expr, int]) -> int:
    """Return the value of an expression of sizes."""
    if isinstance(expr, Symbol):
        return sizes[expr]
    return int(expr.xreplace({symbol: Integer(sizes[symbol]) for symbol in expr.free_symbols}))


class CFunctionOfArrays:
    """What the passes in C share: checks as in NumPy, and the C text in the place of NumPy's."""

    signature: Signature = PLACED

    def set_program(self: Any, in_c: CProgram, name: str) -> None:
        operation, program = in_c.operation, in_c.program
        self.in_c = in_c
        self.set_checks(operation, program)
        self.source = self.module = in_c.source
        self.__name__ = self.__qualname__ = name
        self.__doc__ = "\n".join(in_c.comment)

    def __repr__(self: Any) -> str:
        return str(NumpyFunction.__repr__(self)).replace("NumPy", "C")

    def run(self: Any, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results of arrays that fit, and whole numbers after them, as a tuple."""
        found: tuple[Any, ...] = self.in_c.run(arrays)
        return found

    def again(self: Any, arrays: Sequence[Any], results: Sequence[Any]) -> Run:
        """Return what gives the results of arrays like these, none of them empty, with nothing left to check."""
        found: Run = self.in_c.again(arrays, results)
        return found


class CForward(CFunctionOfArrays, Forward):
    """The forward pass in C."""

    def __init__(self, operation: Operation) -> None:
        program = forward_program(operation, ())
        self.set_program(forward_in_c(operation, program), function_name(operation, "forward"))

    def _plan(self, passes: Mapping[str, Any]) -> Plan:
        made = backward_pass(self.operation, **passes)
        tensors = made.keeping.program.result_tensors
        return made.saved, tuple(tensor.name for tensor in tensors), made.keeping


class CBackward(CFunctionOfArrays, Backward):
    """The backward pass in C.

    Attributes:
        keeping: the forward pass that returns, after the outputs, what this one needs.
    """

    def __init__(self, pullback: Pullback) -> None:
        self.keeping, in_c = passes_in_c(pullback)
        self.set_program(in_c, function_name(pullback.operation, "backward"))
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


def passes_in_c(pullback: Pullback, notation: Notation = BAR) -> tuple[CProgram, CProgram]:
    """Return the forward pass that keeps what the backward pass needs, and that."""
    operation = pullback.operation
    kept = kept_tensors(operation, [tensor.name for tensor in pullback.saved])
    taken = {tensor.name for tensor in (*operation.inputs, *(each.tensor for each in operation.definitions))}
    planned = plan_passes(forward_program(operation, kept), backward_program(pullback), kept, taken)
    return forward_in_c(operation, planned.forward), backward_in_c(pullback, planned.backward, notation)


def forward_in_c(operation: Operation, program: Program) -> CProgram:
    """Return a forward pass in C."""
    comment = forward_docstring(operation, operation.inputs, program.result_tensors, program.parameters)
    return CProgram(operation, program, function_name(operation, "forward"), comment)


def backward_in_c(pullback: Pullback, program: Program, notation: Notation = BAR) -> CProgram:
    """Return a backward pass in C."""
    comment = backward_docstring(
        pullback.operation,
        pullback.gradients,
        [argument.tensor for argument in program.arguments],
        pullback.results,
        pullback.assumptions,
        program.parameters,
        notation,
    )
    return CProgram(pullback.operation, program, function_name(pullback.operation, "backward"), comment, notation)
