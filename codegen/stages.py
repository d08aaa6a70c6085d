"""The layers of a network: made from their texts with parameters that are drawn, or taken as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from codegen.layer import Layer
from codegen.layers import kind_of
from derive.errors import InputError
from derive.networks import EXAMPLE, Stage, read_stages
from derive.operation import Operation

#: What a layer is given as.
Part = str | Operation | Layer


def make_layers(parts: Sequence[Part | list[Part]], seed: Any, dtype: DTypeLike) -> list[Layer]:
    """Return the layers that a network is said to have, in their order.

    Args:
        parts: a network's text, texts of layers, definitions, operations, layers, or lists of such.
        seed: a generator that the parameters are drawn from, or the seed of one.
        dtype: of the parameters that are made.

    Raises:
        InputError: there is no layer, one stands twice, or something is none; the seed or the dtype is wrong.

    Example:
        >>> [layer.forms[0].name for layer in make_layers(["dense(2,3) > relu", "y = x**2"], 0, float)]
        ['dense', 'relu', 'y']
    """
    _check_dtype(dtype)
    generator = _generator(seed)
    made: list[Layer] = []
    for each in parts:
        own = each if isinstance(each, list | tuple) else [each]
        made += [layer for part in own for layer in _made(part, generator, dtype)]
    if len(set(map(id, made))) < len(made):
        raise InputError("a layer stands twice in the network, which has one gradient for each; make a second layer")
    if not made:
        raise InputError(f"a network needs one layer at least, such as {EXAMPLE!r}")
    return made


def _check_dtype(dtype: DTypeLike) -> None:
    try:
        is_real = np.dtype(dtype).kind == "f"
    except TypeError:
        is_real = False
    if not is_real:
        raise InputError(f"parameters are real numbers, of dtype float32 or float64, not {dtype!r}")


def _generator(seed: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise InputError(f"seed is a whole number of at least 0, or a generator, not {seed!r}") from None


def _made(part: str | Operation | Layer, generator: np.random.Generator, dtype: DTypeLike) -> list[Layer]:
    """Return the layers of a text, or of what is one layer."""
    if isinstance(part, Layer):
        return [part]
    if isinstance(part, str):
        return [_made_stage(stage, generator, dtype) for stage in read_stages(part)]
    if isinstance(part, Operation):
        return [Layer(part)]
    raise InputError(f"expected a layer's name, definition, Operation or Layer, not {type(part).__name__}")


def _made_stage(stage: Stage, generator: np.random.Generator, dtype: DTypeLike) -> Layer:
    return kind_of(stage.operation)(*stage.sizes, seed=generator, dtype=dtype, **stage.named)
