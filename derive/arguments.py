"""What a layer is made with: its sizes and settings, by the names that a person knows them by."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from sympy import Expr

from derive.errors import InputError
from derive.indices import Tensor
from derive.operation import Operation


def learned_inputs(operation: Operation) -> list[Tensor]:
    """Return the inputs that a layer of an operation keeps, in their order."""
    return [tensor for tensor in operation.differentiable if tensor.name in operation.record.learned]


def sizes_of_parameters(operation: Operation) -> list[Expr]:
    """Return the sizes that the parameters of an operation's layer have, in the operation's order."""
    symbols = {symbol for tensor in learned_inputs(operation) for size in tensor.sizes for symbol in size.free_symbols}
    return [size for size in operation.sizes if size in symbols]


def arguments_of(operation: Operation) -> dict[str, tuple[str, ...]]:
    """Return by what an argument is called the sizes and settings that it stands for, in the order of both.

    Those that must be given come first, as long as the record has no other order.

    Example:
        >>> from derive.catalogue import find
        >>> arguments_of(find("max-pool2d")), arguments_of(find("huber"))
        ({'window': ('R', 'Q'), 'stride': ('s',)}, {'d': ('d',)})
    """
    record = operation.record
    own = {name: tuple(letters.split()) for name, letters in record.arguments.items()}
    told = {letter for letters in own.values() for letter in letters}
    needed = [size.name for size in sizes_of_parameters(operation)]
    needed += [symbol.name for symbol in operation.parameters if symbol.name not in record.defaults]
    rest = [name for name in (*needed, *record.defaults) if name not in told]
    return {**own, **{name: (name,) for name in rest}}


def read_arguments(operation: Operation, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sizes and settings that are given, by the operation's names.

    Raises:
        InputError: there is no argument of that name, or one is missing, or no whole number of at least 1.

    Example:
        >>> from derive.catalogue import find
        >>> read_arguments(find("conv2d"), (3, 16, (3, 5)), {"padding": 1})
        {'C': 3, 'O': 16, 'R': 3, 'Q': 5, 'p': 1}
    """
    known, settings = arguments_of(operation), operation.record.defaults
    needed = [name for name, letters in known.items() if not settings.keys() >= set(letters)]
    in_order = [*operation.record.arguments] or needed
    values = {**dict(zip(in_order, given, strict=False)), **named}
    fits = len(given) <= len(in_order) and not named.keys() & set(in_order[: len(given)])
    if not fits or not known.keys() >= values.keys() or not values.keys() >= set(needed):
        expected = ", ".join(needed) or "no sizes"
        may = ", ".join(name for name in known if name not in needed)
        told = ", ".join([*map(str, given), *(f"{name}={value}" for name, value in named.items())]) or "none"
        raise InputError(
            f"{operation.name}: the layer takes {expected}{f', and as settings {may},' if may else ''} and was "
            f"given {told}"
        )
    numbers: dict[str, Any] = {}
    for name, value in values.items():
        letters = known[name]
        each = value if isinstance(value, tuple | list) else (value,) * len(letters)
        if len(each) != len(letters):
            expected = "one number" if len(letters) == 1 else f"one number or {len(letters)}"
            raise InputError(f"{operation.name}: {name} is {expected}, not {value!r}")
        numbers |= dict(zip(letters, each, strict=True))
        for letter, number in zip(letters, each, strict=True):
            if letter not in settings and (not isinstance(number, Integral) or number < 1):
                raise InputError(f"{operation.name}: {name} is a whole number of at least 1, not {number!r}")
    return numbers


def read_literals(text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what stands in the brackets of a call, by position and by name; it is parsed and never evaluated.

    Raises:
        ValueError: the values are no numbers, texts, tuples and the like.

    Example:
        >>> read_literals("3, 16, kernel=(3, 5)")
        ((3, 16), {'kernel': (3, 5)})
    """
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or any(each.arg is None for each in call.keywords):
            raise ValueError(f"{text!r} is not what stands in the brackets of one call")
        names = [each.arg for each in call.keywords]
        if twice := [str(name) for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise ValueError(f"{text!r} names {', '.join(twice)} twice")
        named = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
        return tuple(map(ast.literal_eval, call.args)), named
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{text!r}: {error}") from None
