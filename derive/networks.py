"""Networks as text, ``dense(2,64) > relu > dense(64,3) > softmax > cce``: layers in sequence are one operation.

What stands in brackets are sizes and settings of the layer. The operation has symbolic sizes, so that of these it
takes the settings alone: a stride, a slope.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sympy import Expr

from derive.arguments import learned_inputs, read_arguments, read_literals
from derive.columns import in_one_convention
from derive.composition import INTERMEDIATE_NAMES, compose
from derive.errors import InputError
from derive.indices import TARGETS, Tensor
from derive.instantiation import free_name
from derive.operation import Operation
from derive.parsing import parse_equation
from derive.printing import shape_text
from derive.sums import tensors_in
from derive.vocabulary import RESERVED

#: What stands between two layers.
ARROW = ">"
#: What data are called that come into a network.
DATA = "x"
EXAMPLE = "dense(2,64) > relu > dense(64,3) > softmax > cce"
#: An operation's name, and what stands in brackets behind it.
NAMED = re.compile(r"([^\W\d][\w-]*)\s*(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Stage:
    """A layer of a network as it is typed.

    Attributes:
        text: as it is typed.
        operation: the name or the definition's text.
        sizes: what stands in its brackets by position.
        named: what stands there by name.
    """

    text: str
    operation: str
    sizes: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1000)
def is_network(text: str) -> bool:
    """Whether a text is that of a network: layers with ``>`` between them, or one with its sizes in brackets.

    Example:
        >>> [is_network(text) for text in ("dense > relu", "dense(2,3)", "dense", "y = max(x, 0)", "y[n] = [x[n] > 0]")]
        [True, True, False, False, False]
    """
    parts = _split(text, ARROW)
    if len(parts) == 1:
        return re.match(r"\s*[^\W\d][\w-]*\s*\(", text) is not None and len(_split(text, "=")) == 1
    return all(not part.strip() or _is_stage(part) for part in parts)


def read_stages(text: str) -> list[Stage]:
    """Return the layers of a network's text.

    Raises:
        InputError: a place is empty, a bracket is not closed, or what stands in brackets are no numbers.

    Example:
        >>> [(stage.operation, stage.sizes, stage.named) for stage in read_stages("conv2d(3, 16, kernel=3) > relu")]
        [('conv2d', (3, 16), {'kernel': 3}), ('relu', (), {})]
    """
    parts = [part.strip() for part in _split(text, ARROW)]
    if not all(parts):
        where = "before the first" if not parts[0] else "after the last" if not parts[-1] else "between two"
        raise InputError(f"{text!r}: nothing stands {where} {ARROW}; a network is written {EXAMPLE!r}")
    return [_read_stage(part) for part in parts]


def network_operation(
    operations: Sequence[Operation], kept: Sequence[Collection[str]], title: str = "", name: str = "network"
) -> Operation:
    """Return the operation of a network: its tensors are named as people name them, and its data has no gradient.

    What its loss says of usual labels is taken for granted in its code.

    The data is x. The parameters have the number of their layer behind their own name, as have the results after it:
    w1, b1, z1, h1, w2, b2, z2. What goes into a loss, and what comes out, has the name that the operation gives it.

    Args:
        operations: the layers, the first to be computed first.
        kept: for each, its inputs that are parameters.
        title: what to say of it; by the names of the operations where nothing is said.

    Raises:
        InputError: an output does not fit the input it feeds.

    Example:
        >>> from derive.catalogue import find
        >>> found = network_operation([find("dense"), find("relu"), find("mse")], [["w", "b"], [], []])
        >>> for definition in found.record.definition.split("; "):
        ...     print(definition)
        z1[...,k] = sum(x[...,d]*w1[d,k], d) + b1[k]
        y[...,k] = max(z1[...,k], 0)
        L = sum((y[...,k] - t[...,k])**2, ..., k)/(N*K)
    """
    for loss in operations[:-1]:
        if loss.is_loss:
            raise InputError(
                f"{loss.name} makes one number of everything that comes in, so it stands last in a network"
            )
    operations = [*operations[:-1], *map(prediction_first, operations[-1:])]
    names = name_tensors(operations, kept)
    operation = compose(*in_one_convention(operations, kept), name=name, names=names)
    record = replace(operation.record, title=title or f" {ARROW} ".join(each.name for each in operations))
    data = [tensor.name for tensor in operation.differentiable if tensor.name == DATA]
    if any(kept) and data:  # A step of training needs no gradient of the data.
        record = replace(record, labels=(*record.labels, *data))
    others = {DATA, *(called[each] for called, own in zip(names, kept, strict=True) for each in own)}
    assumed = tuple(fact for fact in record.facts if not _spoken_of(fact, operation) & others)
    return replace(operation, record=replace(record, assumed=assumed))


def prediction_first(operation: Operation) -> Operation:
    """Return a loss whose prediction comes before its labels; the inputs of a typed one are in the order of its text.

    Example:
        >>> from derive.catalogue import find
        >>> [each.name for each in prediction_first(find("L = -sum(t[n,k]*log(p[n,k]), n, k)")).inputs]
        ['p', 't']
    """
    if not operation.is_loss or all(tensor.name in TARGETS for tensor in operation.inputs):
        return operation
    inputs = sorted(operation.inputs, key=lambda each: (each in operation.settings, each.name in TARGETS))
    return replace(operation, inputs=tuple(inputs))


def _spoken_of(fact: str, operation: Operation) -> set[str]:
    """Return the names of the inputs that a fact speaks of."""
    sides = parse_equation(fact, {tensor.name: tensor for tensor in operation.inputs})
    return {tensor.name for side in sides for tensor in tensors_in(side)}


def called(operation: Operation) -> str:
    """Return what an operation is called: its name, or the layers of a network that has none of its own.

    Example:
        >>> from derive.catalogue import find
        >>> called(find("softmax")), called(find("dense(2, 4) > relu"))
        ('softmax', 'dense > relu')
    """
    title = operation.record.title
    return title if f" {ARROW} " in title else operation.name


def read_network(text: str, lookup: Callable[[str], Operation]) -> Operation:
    """Return the operation that a network's text describes; ``lookup`` finds that of a layer.

    Raises:
        InputError: a mistake in the text.
    """
    operations: list[Operation] = []
    shapes: list[dict[str, tuple[int, ...]]] = []
    for stage in read_stages(text):
        operation = lookup(stage.operation)
        shapes.append({})
        if stage.sizes or stage.named:
            numbers = read_arguments(operation, stage.sizes, stage.named)
            operation = with_settings(operation, numbers)
            told = {size: numbers[size.name] for size in operation.sizes if size.name in numbers}
            for tensor in learned_inputs(operation):
                shapes[-1][tensor.name] = tuple(int(size.subs(told)) for size in tensor.sizes)
        operations.append(operation)
    kept = [[each.name for each in learned_inputs(operation)] for operation in operations]
    network = network_operation(operations, kept)
    names = name_tensors(operations, kept)
    check_shapes(network, {called[name]: own[name] for called, own in zip(names, shapes, strict=True) for name in own})
    return network


def check_shapes(network: Operation, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that parameters have one extent on all axes of one size.

    Raises:
        InputError: they have not, or not as many axes as the network's parameters have.
    """
    known: dict[Expr, tuple[int, str]] = {}
    for name, shape in shapes.items():
        tensor = network.input(name)
        if tensor.rank != len(shape):
            raise InputError(f"{network.record.title}: {name} is {shape_text(network, tensor)}, not of shape {shape}")
        for size, extent in zip(tensor.sizes, shape, strict=True):
            before, other = known.setdefault(size, (extent, name))
            if before != extent:
                told = f"{other} has shape {shapes[other]} and {name} {shape}"
                raise InputError(f"{network.record.title}: layers do not fit one another: {told}")


def with_settings(operation: Operation, numbers: Mapping[str, Any]) -> Operation:
    """Return an operation with those of the numbers for its own that it can be given or that may be left out."""
    own = {*operation.record.defaults, *(symbol.name for symbol in operation.parameters)}
    told = {name: str(number) for name, number in numbers.items() if name in own}
    return operation.with_defaults(told) if told else operation


def name_tensors(operations: Sequence[Operation], kept: Sequence[Collection[str]]) -> list[dict[str, str]]:
    """Choose what a network calls the tensors of each layer that have not the layer's own names there.

    Example:
        >>> from derive.catalogue import find
        >>> name_tensors([find("dense"), find("relu"), find("mse")], [["w", "b"], [], []])
        [{'w': 'w1', 'b': 'b1', 'x': 'x', 'y': 'z1'}, {'y': 'y'}, {}]
    """
    taken = {DATA, *RESERVED}
    names: list[dict[str, str]] = []
    number = count = 0
    for place, (operation, own) in enumerate(zip(operations, kept, strict=True)):
        called: dict[str, str] = {}
        if own:
            number, count = number + 1, 0
        for name in own:
            called[name] = free_name(f"{name}{number}", taken)
            taken.add(called[name])
        if place == 0:
            called |= {tensor.name: DATA for tensor in _fed(operation, own)[:1]}
        following = operations[place + 1 :]
        if following:
            result = _prediction(following) if len(following) == 1 else None
            if result is None or result in taken:
                letter = INTERMEDIATE_NAMES[min(count, len(INTERMEDIATE_NAMES) - 1)]
                result = free_name(f"{letter}{number}", taken)
            count += 1
            called[operation.outputs[0].tensor.name] = result
            taken.add(result)
        names.append(called)
    return names


def _fed(operation: Operation, own: Collection[str]) -> list[Tensor]:
    """Return the inputs that are neither parameters nor settings."""
    return [tensor for tensor in operation.inputs if tensor.name not in own and tensor not in operation.settings]


def _prediction(following: Sequence[Operation]) -> str | None:
    """Return what a loss calls the prediction that it is fed, if it is one that takes labels beside it."""
    (last,) = following
    first = last.inputs[0].name if last.inputs else None
    return first if last.is_loss and len(last.inputs) - len(last.settings) > 1 else None


def _is_stage(part: str) -> bool:
    return len(_split(part, "=")) > 1 or NAMED.fullmatch(part.strip()) is not None


def _read_stage(text: str) -> Stage:
    if len(_split(text, "=")) > 1:
        return Stage(text, text)
    match = NAMED.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is no layer: expected a name, a definition, or a name with sizes, as dense(2, 64)")
    name, inside = match.groups()
    try:
        sizes, named = read_literals(inside or "")
    except ValueError:
        sizes, named = (None,), {}
    if not all(_is_number(each) for value in (*sizes, *named.values()) for each in _parts(value)):
        raise InputError(
            f"{text}: in the brackets stand sizes and settings, which are numbers: {name}(2, 64), {name}(a=0.1); "
            f"to apply it to an array, give what comes out a name: 'y = {text.strip()}'"
        )
    return Stage(text, name, sizes, named)


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _split(text: str, sign: str) -> list[str]:
    """Split a text at a sign that stands outside of brackets and is no part of ``>=``, ``<=``, ``!=`` or ``==``."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(rf"[([{{]|[)\]}}]|(?<![<>!=]){sign}(?!=)", text):
        if match[0] == sign and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
        depth += (match[0] in "([{") - (match[0] in ")]}")
    return [*parts, text[start:]]
