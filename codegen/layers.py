"""Layers with the interface of those that people write by hand: one class, built from operations; the rest is data.

``forward`` sets and returns ``output``; ``backward`` takes the upstream gradient, and sets and returns the gradients of
the inputs and of the layer's own parameters. Nothing here knows the formula of a particular layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sympy import Expr

from codegen.runtime import backward, forward
from derive.catalogue import find
from derive.errors import InputError
from derive.indices import Tensor
from derive.record import Operation

Array = NDArray[Any]


class Layer:
    """An operation that keeps its parameters and what its backward pass needs.

    What the operation calls ``x`` is the attribute ``x`` of the layer, and its gradient ``dx``, unless ``names`` says
    what the layer calls it; the only differentiable input that is not a parameter is called ``inputs`` without saying.

    Args:
        operation: a catalogue name, a definition's text or an ``Operation``.
        forms: operations that take the same inputs with other numbers of axes, such as sparse labels in the place of
            one-hot ones; each call uses the first that its arguments fit.
        parameters: by name, the inputs that the layer keeps; ``forward`` takes the others. A parameter may have
            leading axes of size 1 that the operation's input has not.
        names: by the operation's name of a tensor, the layer's.
        backward_takes: the tensors that ``backward`` takes when it is given several arrays and not an upstream
            gradient; those of ``forward`` where it is not said.

    Shapes: those of the operation; a gradient has the shape of what it is the gradient of.

    Raises:
        InputError: an unknown name; arrays that do not fit the operation; ``backward`` before ``forward``.

    Example:
        >>> layer = Layer("y[n,k] = sum(x[n,d]*w[d,k], d)", parameters={"w": [[1.0, 2.0], [3.0, 4.0]]})
        >>> layer.forward([[1.0, 10.0]])
        array([[31., 42.]])
        >>> dinputs, dw = layer.backward([[1.0, 0.0]])
        >>> dinputs
        array([[1., 3.]])
        >>> dw is layer.dw
        True
    """

    def __init__(
        self,
        operation: str | Operation,
        *forms: str | Operation,
        parameters: Mapping[str, ArrayLike] | None = None,
        names: Mapping[str, str] | None = None,
        backward_takes: tuple[str, ...] = (),
    ) -> None:
        self._forms = tuple(find(form) for form in (operation, *forms))
        first = self._forms[0]
        self._kept = tuple(first.input(name).name for name in parameters or ())
        self._taken = tuple(tensor.name for tensor in first.inputs if tensor.name not in self._kept)
        self._backward_takes = backward_takes or self._taken
        self._names = dict(names or {})
        differentiable = [tensor.name for tensor in first.differentiable if tensor.name in self._taken]
        if len(differentiable) == 1:
            self._names.setdefault(differentiable[0], "inputs")
        self._last: tuple[Operation, Mapping[str, Array]] | None = None
        for name, value in (parameters or {}).items():
            setattr(self, self._called(name), np.asarray(value))

    def __repr__(self) -> str:
        kept = "".join(f", {self._called(name)} {np.shape(self._kept_array(name))}" for name in self._kept)
        return f"Layer({' or '.join(form.name for form in self._forms)}{kept})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        first = self._forms[0]
        gradients = {f"d{self._called(tensor.name)}" for tensor in first.differentiable}
        values = {"output", *map(self._called, self._taken), *self._names.values()}
        step = "backward" if name in gradients else "forward" if name in values else ""
        raise AttributeError(f"{first.name} has no {name}" + (f" yet: {step} sets it" if step else ""))

    @property
    def parameters(self) -> dict[str, Array]:
        """The arrays that the layer keeps, by the operation's names."""
        return {name: self._kept_array(name) for name in self._kept}

    def forward(self, *arguments: ArrayLike) -> Any:
        """Compute the operation; set and return ``output``.

        The arguments are the operation's inputs in its order, less the parameters. They are referred to, not copied,
        and never written to.
        """
        given = self._by_name(self._taken, arguments, "forward")
        operation = self._form_for(given)
        arrays = self._fit(operation, given)
        self.output, saved = forward(operation).with_saved(*(arrays[tensor.name] for tensor in operation.inputs))
        self._last = operation, saved
        shown = {**{name: arrays[name] for name in self._taken}, **saved}
        for name in shown.keys() - set(self._kept):
            if name in self._names or name in self._taken:
                setattr(self, self._called(name), shown[name])
        return self.output

    def backward(self, *dvalues: ArrayLike) -> Any:
        """Set and return the gradients of the inputs and the parameters: an array, or a tuple of several.

        Takes the upstream gradient, which may be left out where the output is one number: it is 1 then. A loss may
        be given what its ``backward_takes`` names in its place, and needs no ``forward`` then.
        """
        operation, saved, output = self._restated(dvalues) if len(dvalues) > 1 else self._stored()
        upstream = self._upstream(operation, dvalues if len(dvalues) == 1 else (), output)
        gradients = []
        for tensor, gradient in zip(operation.differentiable, backward(operation)(upstream, **saved), strict=True):
            if tensor.name in self._kept:
                gradient = np.reshape(gradient, np.shape(self._kept_array(tensor.name)))
            setattr(self, f"d{self._called(tensor.name)}", gradient)
            gradients.append(gradient)
        return gradients[0] if len(gradients) == 1 else tuple(gradients)

    def _called(self, name: str) -> str:
        return self._names.get(name, name)

    def _shown(self, name: str) -> str:
        called = self._called(name)
        return name if called == name else f"{name} ({called})"

    def _kept_array(self, name: str) -> Array:
        return np.asarray(getattr(self, self._called(name)))

    def _by_name(self, names: tuple[str, ...], values: tuple[ArrayLike, ...], verb: str) -> dict[str, Array]:
        if len(values) != len(names):
            expected = ", ".join(map(self._shown, names))
            raise InputError(f"{self._forms[0].name}: {verb} takes {expected}, and was given {len(values)} arguments")
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}

    def _form_for(self, given: Mapping[str, Array]) -> Operation:
        """Return the first form whose tensors have as many axes as the arrays given."""
        ranks = [{name: tensors_of(form)[name].rank for name in given} for form in self._forms]
        for form, rank in zip(self._forms, ranks, strict=True):
            if form.is_elementwise or all(array.ndim == rank[name] for name, array in given.items()):
                return form
        for name, array in given.items():
            if all(array.ndim != rank[name] for rank in ranks):
                takes = " and ".join(f"{form.name} takes {axes_text(tensors_of(form)[name])}" for form in self._forms)
                raise InputError(f"{self._shown(name)} has {array.ndim} axes; {takes}")
        return self._forms[0]

    def _fit(self, operation: Operation, given: Mapping[str, Array]) -> dict[str, Array]:
        """Return the arrays given and the parameters, as the operation takes them."""
        kept = {name: without_leading_ones(value, operation.input(name)) for name, value in self.parameters.items()}
        return fit_arrays(operation, {**given, **kept}, self._shown)

    def _stored(self) -> tuple[Operation, Mapping[str, Array], Array]:
        if self._last is None:
            raise InputError(f"{self._forms[0].name}: backward needs what forward keeps; call forward first")
        return *self._last, np.asarray(self.output)

    def _restated(self, values: tuple[ArrayLike, ...]) -> tuple[Operation, Mapping[str, Array], Array]:
        """Return the operation, what its backward pass needs and an output of the dtype, from values given to it."""
        given = self._by_name(self._backward_takes, values, "backward")
        operation = self._form_for(given)
        if operation.output.tensor.rank != 0 or operation.is_elementwise:
            raise InputError(
                f"{operation.name}: backward takes the upstream gradient, and was given {len(values)} arrays"
            )
        arrays = self._fit(operation, given)
        if set(backward(operation).saved) <= arrays.keys():
            one = np.ones((), np.result_type(*(array for array in arrays.values() if array.dtype.kind == "f")))
            return operation, {name: arrays[name] for name in backward(operation).saved}, one
        output, saved = forward(operation).with_saved(*(arrays[tensor.name] for tensor in operation.inputs))
        return operation, saved, np.asarray(output)

    def _upstream(self, operation: Operation, given: tuple[ArrayLike, ...], output: Array) -> Array:
        if not given and output.ndim:
            raise InputError(f"{operation.name}: backward needs the upstream gradient, of shape {output.shape}")
        value = given[0] if given else 1.0
        upstream = np.asarray(value)
        if upstream.dtype.kind != "f" or not isinstance(value, np.ndarray | np.generic):
            upstream = upstream.astype(output.dtype)
        for axis, (mine, other) in enumerate(zip(upstream.shape, output.shape, strict=False)):
            if mine != other:
                raise InputError(
                    f"{operation.name}: axis {axis} of the upstream gradient has size {mine} and of the output {other}"
                )
        if upstream.ndim != output.ndim:
            raise InputError(
                f"{operation.name}: the upstream gradient has {upstream.ndim} axes and the output {output.ndim}"
            )
        return upstream


def tensors_of(operation: Operation) -> dict[str, Tensor]:
    """Return the operation's inputs and defined tensors by name."""
    defined = (definition.tensor for definition in operation.definitions)
    return {tensor.name: tensor for tensor in (*operation.inputs, *defined)}


def axes_text(tensor: Tensor) -> str:
    """Return how many axes a tensor has and what they are called, as in ``2 (N, K)``."""
    return f"{tensor.rank} ({', '.join(map(str, tensor.sizes))})" if tensor.rank else "a single number"


def without_leading_ones(array: Array, tensor: Tensor) -> Array:
    """Return the array without the leading axes of size 1 that the tensor has not."""
    extra = array.ndim - tensor.rank
    return array.reshape(array.shape[extra:]) if extra > 0 and set(array.shape[:extra]) == {1} else array


def fit_arrays(operation: Operation, given: Mapping[str, Array], shown: Callable[[str], str]) -> dict[str, Array]:
    """Return arrays as the operation takes them, once they are known to fit it.

    Whole numbers given for real ones get the dtype of the real ones beside them; an array that fits is returned itself.

    Raises:
        InputError: an array's number of axes, a size, a label or the kind of its numbers does not fit.
    """
    tensors = tensors_of(operation)
    real = [array.dtype for name, array in given.items() if array.dtype.kind == "f" and tensors[name].values is None]
    dtype = np.result_type(*real) if real else np.dtype(np.float64)
    arrays = {}
    for name, array in given.items():
        whole = array.dtype.kind in "biu"
        if tensors[name].values is not None and array.dtype.kind not in "iu":
            raise InputError(
                f"{operation.name}: {shown(name)} holds labels, which are whole numbers, not {array.dtype}"
            )
        if not whole and array.dtype.kind != "f":
            raise InputError(f"{operation.name}: {shown(name)} holds real numbers, not {array.dtype}")
        arrays[name] = array.astype(dtype) if whole and tensors[name].values is None else array
    if operation.is_elementwise:
        check_broadcast(operation, arrays, shown)
    else:
        check_sizes(operation, arrays, shown)
    return arrays


def check_broadcast(operation: Operation, arrays: Mapping[str, Array], shown: Callable[[str], str]) -> None:
    """Refuse arrays whose shapes do not broadcast."""
    known: dict[int, tuple[str, int]] = {}
    for name, array in arrays.items():
        for back, extent in enumerate(reversed(array.shape), start=1):
            other, size = known.setdefault(back, (name, extent)) if extent != 1 else (name, extent)
            if size != extent:
                raise InputError(
                    f"{operation.name}: axis {array.ndim - back} of {shown(name)} has size {extent} and "
                    f"axis {arrays[other].ndim - back} of {shown(other)} has size {size}; they do not broadcast"
                )


def check_sizes(operation: Operation, arrays: Mapping[str, Array], shown: Callable[[str], str]) -> None:
    """Refuse arrays whose axes do not have the operation's sizes, and labels that a size does not admit."""
    tensors = tensors_of(operation)
    known: dict[Expr, tuple[str, int]] = {}
    for name, array in arrays.items():
        tensor = tensors[name]
        if array.ndim != tensor.rank:
            raise InputError(f"{operation.name}: {shown(name)} has {array.ndim} axes; it takes {axes_text(tensor)}")
        for axis, (size, extent) in enumerate(zip(tensor.sizes, array.shape, strict=True)):
            here = f"axis {axis} of {shown(name)}"
            there, other = known.setdefault(size, (here, int(size) if size.is_Integer else extent))
            if extent != other:
                raise InputError(
                    f"{operation.name}: {here} has size {extent} and {there} has size {other}; both are {size}"
                )
    for name, array in arrays.items():
        size = tensors[name].values
        if size is not None and array.size and size in known:
            there, extent = known[size]
            check_labels(operation.name, shown(name), array, there, extent)


def check_labels(operation: str, name: str, labels: Array, axis: str, extent: int) -> None:
    """Refuse labels that are not positions of an axis of that size; a negative one would count from its end."""
    wrong = (labels < 0) | (labels >= extent)
    if wrong.any():
        place = tuple(int(i[0]) for i in np.nonzero(wrong))
        where = f"{name}[{', '.join(map(str, place))}]"
        raise InputError(
            f"{operation}: {where} is {labels[place]}, but {axis} has size {extent}: labels run from 0 to {extent - 1}"
        )


@dataclass(frozen=True)
class Parameter:
    """What a layer starts with: an array of normal numbers of this spread, of the sizes its maker was given, or 1."""

    shape: tuple[str, ...]
    spread: float = 0.0


@dataclass(frozen=True)
class LayerKind:
    """A row of the table of layers; called with its sizes it makes a layer.

    Attributes:
        operations: the operation and its other forms.
        names: by the operation's name of a tensor, the layer's.
        sizes: what the maker's arguments are called.
        parameters: by the operation's name, what the layer keeps.
        backward_takes: as in ``Layer``.
    """

    operations: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    backward_takes: tuple[str, ...] = ()

    def __call__(
        self,
        *sizes: int,
        seed: int | np.random.Generator | None = None,
        dtype: DTypeLike = np.float64,
        **named_sizes: int,
    ) -> Layer:
        """Make a layer of these sizes, its parameters drawn from the generator or from one of this seed."""
        extents = {**dict(zip(self.sizes, sizes, strict=False)), **named_sizes}
        if len(sizes) + len(named_sizes) != len(self.sizes) or extents.keys() != set(self.sizes):
            expected = ", ".join(self.sizes) or "no sizes"
            given = ", ".join([*map(str, sizes), *(f"{name}={extent}" for name, extent in named_sizes.items())])
            raise InputError(f"{self.operations[0]}: the layer takes {expected} and was given {given or 'none'}")
        generator = np.random.default_rng(seed)
        parameters = {}
        for name, start in self.parameters.items():
            shape = [extents.get(axis, 1) for axis in start.shape]
            values = start.spread * generator.standard_normal(shape) if start.spread else np.zeros(shape)
            parameters[name] = values.astype(dtype)
        return Layer(*self.operations, parameters=parameters, names=self.names, backward_takes=self.backward_takes)


Dense = LayerKind(
    ("dense",),
    names={"x": "inputs", "w": "weights", "b": "biases"},
    sizes=("n_inputs", "n_neurons"),
    parameters={"w": Parameter(("n_inputs", "n_neurons"), spread=0.01), "b": Parameter(("1", "n_neurons"))},
)
ReLU = LayerKind(("relu",))
Softmax = LayerKind(("softmax",))
CategoricalCrossEntropy = LayerKind(("cce", "cce-sparse"))
SoftmaxCategoricalCrossEntropy = LayerKind(
    ("softmax-cce", "softmax-cce-sparse"), names={"p": "probabilities"}, backward_takes=("p", "t")
)
