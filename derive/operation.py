"""An operation: definitions in index notation, and what follows from them and from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol, runtime_checkable

from sympy import Expr, Integer, Rational, Symbol

from derive.definitions import Definition, inline
from derive.errors import InputError
from derive.extents import Extent, derived_extents, free_parameters
from derive.indices import Tensor
from derive.record import Record
from derive.sums import all_indices, tensors_in

#: What the direction is called in which a gradient is differentiated; the first that is free.
DIRECTIONS = ("v", "u", "r", "s", "e", "f", "direction")


@dataclass(frozen=True)
class Operation:
    """An operation in index notation: inputs, named intermediates, one output or several.

    Attributes:
        definitions: in order of computation; each body uses the inputs and the definitions before it.
        inputs: the input tensors in the order of the arguments.
        record: what was said of it; ``record.definition`` is the text a person typed.
        listed: the names of the outputs in their order; where it is empty, the last definition is the output.
        gradients: of an operation that computes a gradient, by name, the name of what it is the gradient of.
        leading: the size that stands for all leading axes together, written ``...``: the array of such a tensor may
            have any number of axes in the place of its first one, as if they had been made one.
    """

    definitions: tuple[Definition, ...]
    inputs: tuple[Tensor, ...]
    record: Record
    listed: tuple[str, ...] = ()
    gradients: Mapping[str, str] = field(default_factory=dict)
    leading: Symbol | None = None

    def __hash__(self) -> int:
        return hash((self.definitions, self.inputs))  # A record has mappings, which have no hash.

    def _repr_latex_(self) -> str:
        from derive.rendering import render_definitions

        return render_definitions(self)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def outputs(self) -> tuple[Definition, ...]:
        """What it returns, in this order."""
        if not self.listed:
            return self.definitions[-1:]
        by_name = {definition.tensor.name: definition for definition in self.definitions}
        return tuple(by_name[name] for name in self.listed)

    @property
    def output(self) -> Definition:
        """The only output.

        Raises:
            InputError: there are several.
        """
        if len(self.outputs) > 1:
            raise InputError(f"{self.name} has several outputs, {self.output_names}; one of them must be named")
        return self.outputs[0]

    @property
    def output_names(self) -> str:
        """The outputs' names as words: ``h and c``."""
        *others, last = (definition.tensor.name for definition in self.outputs)
        return f"{', '.join(others)} and {last}" if others else last

    def output_called(self, name: str | None) -> Definition:
        """Return the output of that name, the only one where no name is given.

        Raises:
            InputError: there is none, or there are several and none is named.
        """
        for definition in self.outputs:
            if definition.tensor.name == name:
                return definition
        if name is not None:
            kind = "output is" if len(self.outputs) == 1 else "outputs are"
            raise InputError(f"{self.name} has no output {name!r}; its {kind} {self.output_names}")
        return self.output

    @property
    def intermediates(self) -> tuple[Definition, ...]:
        """The definitions that are no outputs."""
        outputs = self.outputs
        return tuple(definition for definition in self.definitions if definition not in outputs)

    def upstream(self, output: Tensor) -> Tensor:
        """Return the gradient that comes in through an output.

        It is the whole gradient of an output that no other output is computed from; of one that is, it is a part.
        """
        return output.incoming() if self.feeds_output(output) else self.gradient_of(output)

    @property
    def upstreams(self) -> tuple[Tensor, ...]:
        """The gradients that come in, in the order of the outputs."""
        return tuple(self.upstream(definition.tensor) for definition in self.outputs)

    def feeds_output(self, tensor: Tensor) -> bool:
        """Whether an output other than the tensor itself is computed from it."""
        others = [each.tensor for each in self.outputs if each.tensor != tensor]
        return any(tensor in self.feeding(other) for other in others)

    def feeding(self, *tensors: Tensor) -> frozenset[Tensor]:
        """Return the tensors that some are computed from, these included."""
        needed = set(tensors)
        for definition in reversed(self.definitions):
            if definition.tensor in needed:
                needed |= tensors_in(definition.body)
        return frozenset(needed)

    @property
    def sizes(self) -> tuple[Symbol, ...]:
        """The sizes of the inputs' and definitions' axes, in the order met."""
        met: dict[Symbol, None] = {}
        for tensor in (*self.inputs, *(definition.tensor for definition in self.definitions)):
            for extent in (*tensor.sizes, tensor.values):
                if isinstance(extent, Symbol):
                    met[extent] = None
        return tuple(met)

    def leads(self, tensor: Tensor) -> bool:
        """Whether the first axis of a tensor stands for all leading axes of an array."""
        return self.leading is not None and tensor.sizes[:1] == (self.leading,)

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The whole numbers that are given with the inputs: strides, dilations, paddings, and sizes of windows."""
        return _parameters(self.definitions, self.inputs, self.record.definition, tuple(self.record.defaults))

    @property
    def extents(self) -> tuple[Extent, ...]:
        """How the sizes follow that no axis of an input has."""
        return _extents(self.definitions, self.inputs)

    @property
    def labels(self) -> tuple[Tensor, ...]:
        """Inputs that are data: integers, named as labels by the record, or with a number of their own."""
        data = {*self.record.labels, *self.record.defaults}
        return tuple(t for t in self.inputs if t.values is not None or t.name in data)

    @property
    def settings(self) -> tuple[Tensor, ...]:
        """Inputs that may be left out, the last ones: each is one number."""
        return tuple(tensor for tensor in self.inputs if tensor.name in self.record.defaults)

    @property
    def differentiable(self) -> tuple[Tensor, ...]:
        """The inputs a backward pass returns gradients of."""
        return tuple(tensor for tensor in self.inputs if tensor not in self.labels)

    @property
    def is_elementwise(self) -> bool:
        """Whether it maps scalars to a scalar, and so may be applied to elements of tensors of any shape."""
        return all(tensor.rank == 0 for tensor in (*self.inputs, *(d.tensor for d in self.definitions)))

    @property
    def broadcasts(self) -> bool:
        """Whether it is applied to several arrays, whose shapes need not be the same."""
        return self.is_elementwise and len(self.inputs) - len(self.settings) > 1

    def sums_to(self, tensor: Tensor) -> bool:
        """Whether the gradient of an input must be summed over the axes along which it was broadcast."""
        return self.broadcasts or (self.is_elementwise and tensor in self.settings)

    @property
    def is_loss(self) -> bool:
        """Whether it makes one number of everything that comes in, so that its gradient needs no upstream gradient.

        An operation with several outputs is none: which of them a loss depends on, and how, comes from outside.
        An elementwise operation is none, though it is written with numbers alone: ``L = (w*x - t)**2`` may be applied
        to the elements of tensors of any shape, and then gives as many numbers as come in. Nothing but its letters
        tells it from ``y = a*b``, and letters say nothing.
        """
        return len(self.outputs) == 1 and self.output.tensor.rank == 0 and not self.is_elementwise

    def input(self, name: str) -> Tensor:
        """Return the input called ``name``.

        Raises:
            InputError: there is none.
        """
        for tensor in self.inputs:
            if tensor.name == name:
                return tensor
        known = ", ".join(tensor.name for tensor in self.inputs)
        raise InputError(f"{self.name} has no input {name!r}; its inputs are {known}")

    def gradient_of(self, tensor: Tensor) -> Tensor:
        r"""Return what the gradient with respect to one of the operation's tensors is called.

        An operation that computes a gradient has other names for its own, so that nobody reads a bar over a bar. What
        comes in for the output is a direction :math:`v`; what goes back to a gradient that came in is the tangent
        :math:`\dot y = \partial y / \partial x \, v`; all others have a tilde.

        Example:
            >>> x, y = Tensor("x"), Tensor("dx")
            >>> plain = Operation((Definition(y(), x() ** 2),), (x,), Record("square", ""))
            >>> plain.gradient_of(x).role, replace(plain, gradients={"dx": "x"}).gradient_of(x)
            ('gradient', x_tilde)
        """
        if not self.gradients:
            return tensor.gradient()
        known = {each.name for each in (*self.inputs, *(definition.tensor for definition in self.definitions))}
        if tensor in {definition.tensor for definition in self.outputs}:
            letters = {index.name for each in self.definitions for index in all_indices(each.body)}
            name = next(name for name in DIRECTIONS if name not in known | letters)
        elif tensor.name in self.gradients:
            name = f"{self.gradients[tensor.name]}_dot"
        else:
            name = f"{tensor.name}_tilde"
        while name in known:
            name += "_"
        return Tensor(name, tensor.sizes)

    def body(self) -> Expr:
        """Return the output's body with every intermediate replaced by its definition."""
        return inline(self.output.body, self.definitions)

    def called_with(self, count: int) -> Operation:
        """Return the operation of its first ``count`` inputs, settings and whole numbers after them at their own.

        It is the operation itself where there is nothing to leave out.
        """
        whole = {each: Integer(self.record.defaults[each.name]) for each in self.parameters if self._has_default(each)}
        if whole:
            definitions = tuple(replace(each, body=each.body.xreplace(whole)) for each in self.definitions)
            kept = {name: n for name, n in self.record.defaults.items() if name not in {each.name for each in whole}}
            return replace(self, definitions=definitions, record=replace(self.record, defaults=kept)).called_with(count)
        left_out = self.inputs[max(count, len(self.inputs) - len(self.settings)) :]
        if not left_out:
            return self
        return self.given({tensor: Rational(self.record.defaults[tensor.name]) for tensor in left_out})

    def with_defaults(self, numbers: Mapping[str, str]) -> Operation:
        """Return the operation with other numbers for settings and whole numbers that are left out.

        Example:
            >>> from derive.catalogue import find
            >>> find("leaky-relu").with_defaults({"a": "0.1"}).called_with(1).output.body
            where(x > 0, x, 0.1*x)
        """
        return replace(self, record=replace(self.record, defaults={**self.record.defaults, **numbers}))

    def given(self, values: Mapping[Tensor, Rational]) -> Operation:
        """Return the operation with numbers in the place of some inputs, which it no longer has.

        Example:
            >>> from derive.catalogue import find
            >>> leaky = find("leaky-relu")
            >>> leaky.given({leaky.input("a"): Rational(1, 10)}).output.body
            where(x > 0, x, 0.1*x)
        """
        numbers = tuple(Definition(tensor(), value) for tensor, value in values.items())
        names = {tensor.name for tensor in values}
        kept = {name: number for name, number in self.record.defaults.items() if name not in names}
        record = replace(
            self.record,
            defaults=kept,
            inputs=tuple(name for name in self.record.inputs if name not in names),
            labels=tuple(name for name in self.record.labels if name not in names),
            domain={name: interval for name, interval in self.record.domain.items() if name not in names},
        )
        definitions = tuple(replace(each, body=inline(each.body, numbers)) for each in self.definitions)
        inputs = tuple(tensor for tensor in self.inputs if tensor not in values)
        return replace(self, definitions=definitions, inputs=inputs, record=record)

    def _has_default(self, symbol: Symbol) -> bool:
        return symbol.name in self.record.defaults

    def renamed(self, name: str) -> Operation:
        return replace(self, record=replace(self.record, name=name))


@runtime_checkable
class Derived(Protocol):
    """What has been derived of an operation and can be derived again, as an operation."""

    def as_operation(self) -> Operation:
        """Return the operation that computes it."""
        ...


@lru_cache(maxsize=1000)
def _parameters(
    definitions: tuple[Definition, ...], inputs: tuple[Tensor, ...], text: str, first: tuple[str, ...]
) -> tuple[Symbol, ...]:
    return free_parameters(inputs, [(each.target, each.body) for each in definitions], text, first)


@lru_cache(maxsize=1000)
def _extents(definitions: tuple[Definition, ...], inputs: tuple[Tensor, ...]) -> tuple[Extent, ...]:
    return derived_extents(inputs, [(each.target, each.body) for each in definitions])
