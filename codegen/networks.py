"""Networks: layers in sequence as one operation, with its parameters, its loss and its gradients by name.

The backward pass is derived of the whole. Where the gradient of what one layer hands to the next is put into the one
before it, because that is cheaper, the two layers are computed back as one: that softmax followed by cross-entropy
collapses is found so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from codegen.fusions import Fusion, fusions_of
from codegen.layer import Layer, form_for, shapes_of
from codegen.predictions import class_axis, part_that_is_right, predicting, prediction_of
from codegen.runtime import BoundPullback, Forward, Given
from codegen.stages import Part, make_layers
from codegen.summaries import LayerRow, layer_rows, markdown_table, plain_table
from codegen.targets import NUMPY, source
from codegen.usual import UsualPasses
from derive.errors import InputError
from derive.indices import Tensor
from derive.networks import ARROW, DATA, check_shapes, name_tensors, network_operation, with_settings
from derive.notation import BAR
from derive.operation import Operation

Array = NDArray[Any]


def network(
    *layers: Part | list[Part],
    seed: int | np.random.Generator | None = None,
    dtype: DTypeLike = np.float64,
    wrt: Sequence[str] | None = None,
    given: Given | None = None,
) -> Network:
    """Return the network of layers in sequence; the last may be a loss.

    Args:
        layers: as one text with ``>`` between them, or each by itself: a catalogue name with its sizes in brackets, a
            definition's text, an operation, or a layer with its parameters. Sizes are given by position or by name.
        seed: a generator that the parameters are drawn from, or the seed of one.
        dtype: of the parameters, in which everything is computed: data of another dtype is converted.
        wrt: what ``backward`` returns the gradients of, such as ``["x", "w1"]``; the parameters where it is left out.
        given: facts that are taken for granted. Where it is left out, what the loss's record says of usual labels is
            used with labels that satisfy it, and the general formula with others.

    Raises:
        InputError: a mistake in a text; layers that do not fit one another.

    Example:
        >>> net = network("dense(2,8) > relu > dense(8,3) > softmax > cce", seed=0)
        >>> print(f"{net.loss([[1.0, 2.0], [-1.0, 0.5]], [0, 2]):.4f}")
        1.0986
        >>> {name: gradient.shape for name, gradient in net.backward().items()}
        {'w1': (2, 8), 'b1': (8,), 'w2': (8, 3), 'b2': (3,)}
        >>> print(net.log)
        softmax > cce: gradient of p put into that of z2: cost 11.75 instead of 18.5
        relu > dense: gradient of h1 put into that of z1: cost 7.25 instead of 9.25
    """
    return Network(make_layers(layers, seed, dtype), wrt, given)


class Network:
    """Layers in sequence as one operation; ``network`` makes one, and ``print`` shows its layers as a table.

    ``backward`` reads the arrays that the last ``loss`` was given, or the last ``forward`` where there is no loss, the
    parameters among them; its gradients are wrong where one of them was changed in place in between.

    Attributes:
        operation: what it computes; the tensors are called x, w1, b1, z1, h1, w2, ..., and as the loss calls them.
        parameters: the arrays by name; they are used as they are at each call.
        gradients: by name, what ``backward`` returned last.
        wrt: what ``backward`` returns the gradients of.
    """

    def __init__(self, layers: Sequence[Layer], wrt: Sequence[str] | None = None, given: Given | None = None) -> None:
        *before, last = [[with_settings(form, layer.settings) for form in layer.forms] for layer in layers]
        chains = [[*(forms[0] for forms in before), form] for form in last]
        kept = [list(layer.parameters) for layer in layers]
        self._layers = tuple(chains[0])
        self._forms = tuple(_assuming(network_operation(chain, kept), given) for chain in chains)
        self._shapes = tuple(shapes_of(form) for form in self._forms)
        self.operation = operation = self._forms[0]
        self.parameters: dict[str, Array] = {}
        for layer, names in zip(layers, name_tensors(chains[0], kept), strict=True):
            for name, array in layer.parameters.items():
                self.parameters[names[name]] = _fitted(array, self._shapes[0][names[name]])
        self._names = dict.fromkeys(self.parameters).keys()
        self._targets = tuple(tensor.name for tensor in operation.inputs if tensor.name not in (DATA, *self.parameters))
        self._check_inputs()
        check_shapes(operation, {name: array.shape for name, array in self.parameters.items()})
        trained = [*self.parameters] or [tensor.name for tensor in operation.differentiable]
        wanted = trained if wrt is None else [wrt] if isinstance(wrt, str) else wrt
        if not isinstance(wanted, Sequence) or not all(isinstance(name, str) for name in wanted):
            raise InputError(f"wrt takes names of inputs, such as ['x', 'w1'], not {wrt!r}")
        self.wrt = tuple(operation.input(name).name for name in wanted)
        self._passes = tuple(UsualPasses(form, self.wrt, form.record.assumed, given) for form in self._forms)
        self.gradients: dict[str, Array] = {}
        self._pullback: BoundPullback | None = None

    def __repr__(self) -> str:
        kept = "".join(f", {name} {array.shape}" for name, array in self.parameters.items())
        return f"Network({self.operation.record.title}{kept})"

    def __str__(self) -> str:
        return plain_table(self._title, self._rows)

    def _repr_markdown_(self) -> str:
        return markdown_table(self._title, self._rows)

    @property
    def _title(self) -> str:
        count = sum(array.size for array in self.parameters.values())
        return f"{self.operation.record.title}: {count} parameters"

    @property
    def _rows(self) -> list[LayerRow]:
        shapes = {name: array.shape for name, array in self.parameters.items()}
        return layer_rows(self.operation, self._layers, shapes)

    def as_operation(self) -> Operation:
        """Return what it computes, so that a network stands wherever an operation does."""
        return self.operation

    def forward(self, x: ArrayLike) -> Array:
        """Return the predictions: what goes into the loss, or what comes out where there is none.

        Raises:
            InputError: the array does not fit.
        """
        if not self.has_loss:
            return self._run({DATA: x})
        if self._predicting is None:
            raise InputError(f"{self.operation.record.title} has no layer before its loss, so there are no predictions")
        values = {DATA: self._converted(x), **self._known_parameters()}
        found: Array = self._predicting(*(values[tensor.name] for tensor in self._predicting.operation.inputs))
        return found

    def loss(self, x: ArrayLike, *labels: ArrayLike) -> Any:
        """Return the loss of predictions against labels, and keep what ``backward`` needs.

        Labels are class numbers or rows wherever the loss takes both.

        Raises:
            InputError: there is no loss; arrays that do not fit.
        """
        if not self.has_loss:
            raise InputError(f"{self.operation.record.title} has no loss; end it with one, such as {ARROW} mse")
        if len(labels) != len(self._targets):
            takes = ", ".join((DATA, *self._targets))
            raise InputError(f"network: loss takes {takes} and was given {1 + len(labels)} arguments")
        if np.size(x) == 0:
            raise InputError(f"network: there are no samples to have a loss, for {DATA} has shape {np.shape(x)}")
        return self._run({DATA: x, **dict(zip(self._targets, labels, strict=True))})

    def backward(self, *upstream: ArrayLike) -> dict[str, Array]:
        """Return the gradients by name, and keep them in ``gradients``.

        Takes the gradient of the output, which is 1 where it is left out after ``loss``.

        Raises:
            InputError: nothing was computed before, or the gradient does not fit.
        """
        if self._pullback is None:
            raise InputError(
                f"network: backward needs what {'loss' if self.has_loss else 'forward'} keeps; call it first"
            )
        self.gradients = dict(zip(self._pullback.wrt, self._pullback(*map(self._converted, upstream)), strict=True))
        return self.gradients

    def accuracy(self, x: ArrayLike, labels: ArrayLike) -> float:
        """Return the part of the samples whose largest prediction is that of their class.

        Raises:
            InputError: the labels are no classes, or do not fit.
        """
        if self._classes is None:
            raise InputError(f"{self.operation.record.title}: there is no accuracy, for its labels are no classes")
        form = form_for(self._forms, self._shapes, {DATA: x, self._targets[0]: labels})
        in_rows = form.input(self._targets[0]).values is None
        return part_that_is_right(self.forward(x), labels, self._classes, in_rows, self.operation.record.title)

    def source(self, notation: str = BAR.name, target: str = NUMPY) -> str:
        """Return both passes as a module of NumPy alone, or as C; it says which facts of labels it takes for granted.

        Example:
            >>> print(network("dense(2,3) > softmax > cce").source().splitlines()[-4].strip())
            dz1 = (p - t) * (dL / N)
        """
        return source(self.operation, wrt=self.wrt, notation=notation, target=target)

    @property
    def has_loss(self) -> bool:
        """Whether it ends with a loss."""
        return self._layers[-1].is_loss

    @property
    def samples_last(self) -> bool:
        """Whether samples stand in columns: the last axis of the data is no parameter's, and the first one is."""
        axes = self.operation.input(DATA).sizes
        known = {size for name in self.parameters for size in self.operation.input(name).sizes}
        return len(axes) == 2 and axes[0] in known and axes[1] not in known

    @property
    def has_classes(self) -> bool:
        """Whether labels are classes, so that there is an accuracy."""
        return self._classes is not None

    @cached_property
    def fusions(self) -> tuple[Fusion, ...]:
        """The neighbours whose backward passes are one, from the loss back."""
        return tuple(fusions_of(self.operation, self._rows, self._passes[0].backward.insertions))

    @property
    def log(self) -> str:
        """What was fused and why, a line each."""
        return "\n".join(map(str, self.fusions))

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _run(self, values: Mapping[str, ArrayLike]) -> Any:
        form = form_for(self._forms, self._shapes, values) if len(values) > 1 else self.operation
        passes = next(each for each in self._passes if each.operation is form)
        given = dict(values)
        for name in values:
            if form.input(name).values is None:
                given[name] = self._converted(values[name])
        output, self._pullback = passes.run({**given, **self._known_parameters()})
        return output

    def _converted(self, data: ArrayLike) -> ArrayLike:
        """Return data in the dtype of the parameters; what is no number is left to be refused."""
        array = np.asarray(data)
        dtype = np.result_type(*self.parameters.values()) if self.parameters else array.dtype
        return array if array.dtype == dtype or array.dtype.kind not in "fiub" else array.astype(dtype)

    def _known_parameters(self) -> Mapping[str, Array]:
        """Return the parameters, which a user may have changed.

        Raises:
            InputError: one is missing, or one too many.
        """
        if self.parameters.keys() != self._names:
            given = ", ".join(self.parameters) or "none"
            raise InputError(f"network: its parameters are {', '.join(self._names)}, and there are {given}")
        return self.parameters

    @cached_property
    def _prediction(self) -> Tensor | None:
        return prediction_of(self.operation, self._layers[-1] if self.has_loss else None)

    @cached_property
    def _predicting(self) -> Forward | None:
        return None if self._prediction is None else predicting(self.operation, self._prediction)

    @cached_property
    def _classes(self) -> int | None:
        return class_axis(self._forms, self._targets, self._prediction)

    def _check_inputs(self) -> None:
        """Refuse layers that take more than what the one before hands on; the last, a loss, takes labels."""
        title, operation = self.operation.record.title, self.operation
        if DATA not in (tensor.name for tensor in operation.inputs):
            raise InputError(f"{title}: nothing comes in, for all that the first layer takes are its parameters")
        last = self._layers[-1]
        count = len(last.inputs) - len(last.settings) - 1 if self.has_loss else 0
        labels = [tensor.name for tensor in operation.inputs[len(operation.inputs) - count :]]
        stray = [name for name in self._targets if name not in labels]
        if stray:
            told = f"nothing in a network gives {', '.join(stray)}; a layer takes one array, that of the layer before"
            raise InputError(f"{title}: {told}")


def _assuming(operation: Operation, given: Given | None) -> Operation:
    """Return an operation whose code takes what is given for granted, and nothing else if something is."""
    if given is None or isinstance(given, str):
        return operation
    texts = tuple(each if isinstance(each, str) else each.text for each in given)
    return replace(operation, record=replace(operation.record, assumed=texts))


def _fitted(array: Array, tensor: Tensor) -> Array:
    """Return a parameter without the leading axes of size 1 that the operation's input has not."""
    extra = max(0, array.ndim - tensor.rank)
    return array.reshape(array.shape[extra:]) if set(array.shape[:extra]) <= {1} else array
