"""A layer with the interface of those that people write by hand: one class, built from operations.

``forward`` sets and returns ``output``, a tuple where the operation has several; ``backward`` takes the upstream
gradient, and sets and returns the gradients of the inputs and of the layer's own parameters. Nothing here knows the
formula of a particular layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.runtime import BoundPullback, backward, vjp
from codegen.whole_numbers import default_numbers
from derive.catalogue import find
from derive.errors import InputError
from derive.indices import Tensor
from derive.operation import Operation
from derive.printing import shape_text

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
        settings: by name, the numbers that inputs have which may be left out, where not the operation's own.

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
        settings: Mapping[str, float] | None = None,
    ) -> None:
        self._forms = tuple(find(form) for form in (operation, *forms))
        self._shapes = tuple(shapes_of(form) for form in self._forms)
        first = self._forms[0]
        self._kept = tuple(first.input(name).name for name in parameters or ())
        self._settings = {**default_numbers(first), **(settings or {})}
        self._numbers = tuple(symbol.name for symbol in first.parameters)
        allowed = dict.fromkeys((*first.record.defaults, *self._numbers))
        unknown = next((name for name in self._settings if name not in allowed), None)
        if unknown is not None:
            known = ", ".join(allowed) or "none"
            raise InputError(f"{first.name} has no setting {unknown}; its settings are: {known}")
        own = {*self._kept, *self._settings}
        self._taken = tuple(tensor.name for tensor in first.inputs if tensor.name not in own)
        self._backward_takes = backward_takes or self._taken
        for name in self._backward_takes:
            if name not in self._shapes[0]:
                raise InputError(f"{first.name} has no {name!r} that its backward pass could take")
        self._names = dict(names or {})
        differentiable = [tensor.name for tensor in first.differentiable if tensor.name in self._taken]
        if len(differentiable) == 1:
            self._names.setdefault(differentiable[0], "inputs")
        for name in (*self._taken, *self._kept):
            if hasattr(type(self), self._called(name)) or self._called(name) == "output":
                raise InputError(
                    f"{first.name}: a layer has a use of its own for {name!r}; give it another name in names"
                )
        self._pullback: BoundPullback | None = None
        for name, value in (parameters or {}).items():
            setattr(self, self._called(name), np.asarray(value))

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            """Say that parameters may be set under the names that the layer calls them."""

    def __repr__(self) -> str:
        kept = "".join(f", {self._called(name)} {np.shape(self._parameter(name))}" for name in self._kept)
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
        return {name: self._parameter(name) for name in self._kept}

    @property
    def forms(self) -> tuple[Operation, ...]:
        """The operation, and the others that take the same inputs with other numbers of axes."""
        return self._forms

    @property
    def settings(self) -> dict[str, float]:
        """The numbers of inputs that may be left out, and the whole numbers, by the operation's names."""
        return dict(self._settings)

    def forward(self, *arguments: ArrayLike) -> Any:
        """Compute the operation; set and return ``output``.

        The arguments are the operation's inputs in its order, less the parameters. They are referred to, not copied,
        and never written to.
        """
        given = self._by_name(self._taken, arguments, "forward")
        operation = form_for(self._forms, self._shapes, given)
        values = {**given, **self._settings, **self._fitted_parameters(operation)}
        numbers = {name: self._settings[name] for name in self._numbers if name in self._settings}
        self.output, self._pullback = vjp(operation, *(values[tensor.name] for tensor in operation.inputs), **numbers)
        shown = {**given, **{name: value for name, value in self._pullback.saved.items() if name in self._names}}
        for name in shown.keys() - set(self._kept):
            setattr(self, self._called(name), shown[name])
        return self.output

    def backward(self, *dvalues: ArrayLike) -> Any:
        """Set and return the gradients of the inputs and the parameters: an array, or a tuple of several.

        Takes the upstream gradient, which may be left out where the output is one number: it is 1 then. Of several
        outputs each has one, in their order; None stands for that of an output that no loss depends on. A loss may
        be given what its ``backward_takes`` names in its place, and needs no ``forward`` then.
        """
        count = len(self._forms[0].outputs)
        pullback = self._restated(dvalues) if len(dvalues) > 1 and count == 1 else self._pullback
        if pullback is None:
            raise InputError(f"{self._forms[0].name}: backward needs what forward keeps; call forward first")
        upstream = dvalues if len(dvalues) == 1 or count > 1 else ()
        gradients = []
        for name, gradient in zip(pullback.wrt, pullback(*upstream), strict=True):
            if name in self._kept:
                gradient = np.reshape(gradient, np.shape(self._parameter(name)))
            setattr(self, f"d{self._called(name)}", gradient)
            gradients.append(gradient)
        return gradients[0] if len(gradients) == 1 else tuple(gradients)

    def _called(self, name: str) -> str:
        return self._names.get(name, name)

    def _parameter(self, name: str) -> Array:
        return np.asarray(getattr(self, self._called(name)))

    def _by_name(self, names: tuple[str, ...], values: tuple[ArrayLike, ...], verb: str) -> dict[str, ArrayLike]:
        if len(values) != len(names):
            expected = ", ".join(names)
            raise InputError(f"{self._forms[0].name}: {verb} takes {expected} and was given {len(values)} arguments")
        return dict(zip(names, values, strict=True))

    def _fitted_parameters(self, operation: Operation) -> dict[str, Array]:
        """Return the parameters without the leading axes of size 1 that the operation's inputs have not."""
        if operation.is_elementwise:
            return self.parameters
        fitted = {}
        for name, array in self.parameters.items():
            tensor = operation.input(name)
            extra = 0 if operation.leads(tensor) else max(0, array.ndim - tensor.rank)
            fitted[name] = array.reshape(array.shape[extra:]) if set(array.shape[:extra]) <= {1} else array
        return fitted

    def _restated(self, values: tuple[ArrayLike, ...]) -> BoundPullback:
        """Return the backward pass of a loss at values that are given to it, with no forward pass before."""
        first = self._forms[0]
        if first.is_elementwise or first.output.tensor.rank:
            raise InputError(f"{first.name}: backward takes one upstream gradient and was given {len(values)} arrays")
        given = self._by_name(self._backward_takes, values, "backward")
        operation = form_for(self._forms, self._shapes, given)
        known = {**given, **self._settings, **self._fitted_parameters(operation)}
        compute = backward(operation)
        if known.keys() >= set(compute.saved):
            return BoundPullback(compute, {name: np.asarray(known[name]) for name in compute.saved}, 0.0)
        missing = [tensor.name for tensor in operation.inputs if tensor.name not in known]
        if missing:
            needs = ", ".join(compute.saved)
            raise InputError(f"{operation.name}: backward takes {needs}, and has no {missing[0]} to compute them from")
        return vjp(operation, *(known[tensor.name] for tensor in operation.inputs))[1]


def form_for(
    forms: Sequence[Operation], shapes: Sequence[Mapping[str, Tensor]], given: Mapping[str, ArrayLike]
) -> Operation:
    """Return the first form whose tensors have as many axes as the arrays given, the first of all if there is one.

    Args:
        forms: operations that take the same inputs with other numbers of axes.
        shapes: of each, its tensors by name.
        given: arrays by name.

    Raises:
        InputError: there are several, and none has.
    """
    if len(forms) == 1:
        return forms[0]
    try:
        axes = {name: np.ndim(value) for name, value in given.items()}
    except ValueError:  # rows of different lengths, which the operation refuses by name
        return forms[0]
    for form, tensors in zip(forms, shapes, strict=True):
        if _fits(form, tensors, axes):
            return form
    takes = " or ".join(
        f"{form.name} takes {', '.join(f'{name} {shape_text(form, tensors[name])}' for name in axes)}"
        for form, tensors in zip(forms, shapes, strict=True)
    )
    given_axes = " and ".join(f"{name} has {count} axes" for name, count in axes.items())
    raise InputError(f"{forms[0].name}: {given_axes}; {takes}")


def shapes_of(operation: Operation) -> dict[str, Tensor]:
    """Return the operation's inputs and the tensors that it defines, by name."""
    defined = (definition.tensor for definition in operation.definitions)
    return {tensor.name: tensor for tensor in (*operation.inputs, *defined)}


def _fits(form: Operation, tensors: Mapping[str, Tensor], axes: Mapping[str, int]) -> bool:
    """Whether tensors have as many axes as arrays; of leading axes each may have any number, and all the same one."""
    more = {count - tensors[name].rank for name, count in axes.items() if form.leads(tensors[name])}
    fixed = all(tensors[name].rank == count for name, count in axes.items() if not form.leads(tensors[name]))
    return fixed and len(more) <= 1 and all(count >= -1 for count in more)
