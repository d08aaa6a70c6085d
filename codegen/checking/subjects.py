"""What is checked, behind one interface: make it, run it forward, run it backward."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.roles import gradient_names
from codegen.checking.state import Path, Replay, arrays_in, can_put, duplicate, is_tensor, numbers_in

Array = NDArray[Any]
#: Attributes that hold the result of a forward pass which returns nothing, in the order of preference.
OUTPUT_NAMES = "output outputs out loss y Y z Z a A value result h probs p predictions".split()
CONTEXT_NAMES = ("ctx", "context")


class ForwardError(Exception):
    """The forward pass raises, whatever it is given; the text says what."""


class CannotError(Exception):
    """It cannot be checked; the text says what is needed."""


@dataclass(frozen=True)
class Argument:
    """An argument of a function of the user's."""

    name: str
    required: bool
    default: Any = None


@dataclass
class Outcome:
    """What a forward pass gave.

    Attributes:
        outputs: the arrays that it returned or left.
        cache: what it returned beside them.
        holder: the object with its state; of functions, the cache.
        returned: what the call returned.
        named: what it returned for the backward pass, which takes it by the same name.
    """

    outputs: list[Array]
    cache: Any = None
    holder: Any = None
    returned: Any = None
    fresh: dict[Path, Array] = field(default_factory=dict)
    named: Mapping[str, Any] = field(default_factory=dict)


def arguments_of(function: Callable[..., Any], skip: int = 0) -> list[Argument]:
    """Return the arguments of a function that can be named, without the first ``skip``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip:]
    except (TypeError, ValueError) as error:
        raise CannotError(f"its signature cannot be read: {error}") from None
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    return [Argument(each.name, each.default is each.empty, each.default) for each in named]


@dataclass
class Subject(ABC):
    """A forward and a backward pass to check.

    Attributes:
        name: what to call it.
        forward_name, backward_name: of the methods or functions.
        constructor, forward, backward: the arguments.
        replay: sets the random numbers.
        source, forward_source: the texts of the backward and the forward pass, to read names from.
        cache_name: the argument of the backward pass that is what the forward pass stored, whatever it is called.
    """

    name: str
    forward_name: str
    backward_name: str
    constructor: list[Argument]
    forward: list[Argument]
    backward: list[Argument]
    replay: Replay
    source: str = ""
    forward_source: str = ""
    cache_name: str = ""

    def make(self, settings: Mapping[str, Any]) -> Any:
        """Return a new object, or None where there is none."""
        return None

    @abstractmethod
    def run(self, thing: Any, arguments: Mapping[str, Any]) -> Outcome:
        """Run the forward pass."""

    @abstractmethod
    def pull(self, outcome: Outcome, arguments: Mapping[str, Any]) -> Any:
        """Run the backward pass; return what it returns."""

    def parameters(self, thing: Any) -> dict[Path, Array]:
        """Return the arrays of real numbers that an object holds before its first forward pass."""
        return {
            path: array
            for path, array in arrays_in(thing)
            if array.dtype.kind == "f" and array.ndim and array.size and can_put(thing, path)
        }

    def settings(self, thing: Any) -> dict[str, float]:
        """Return the numbers that an object holds."""
        return {str(path[-1]): number for path, number in numbers_in(thing)}

    @property
    def is_derivative(self) -> bool:
        """Whether the backward pass is named as a derivative, which need not take an upstream gradient."""
        return False


@dataclass
class ClassSubject(Subject):
    """A class with a forward and a backward method."""

    kind: type = object
    instance: Any = None
    is_guess: bool = False

    def make(self, settings: Mapping[str, Any]) -> Any:
        self.replay.start()
        if self.instance is not None:
            return duplicate(self.instance)
        return self.kind(**settings)

    def run(self, thing: Any, arguments: Mapping[str, Any]) -> Outcome:
        before = dict(arrays_in(thing))
        returned = getattr(thing, self.forward_name)(**arguments)
        found = _arrays(returned)
        takes_cache = any("cache" in each.name.lower() for each in self.backward)
        cache = None
        if takes_cache and isinstance(returned, tuple) and len(returned) > 1:
            found, cache = _arrays(returned[:-1]), returned[-1]
        after = {path: array for path, array in arrays_in(thing) if before.get(path) is not array}
        if not found:
            found = self._left(thing, after, arguments)
        return Outcome(found, cache, thing, returned, after)

    def _left(self, thing: Any, after: Mapping[Path, Array], passed: Mapping[str, Any]) -> list[Array]:
        for name in OUTPUT_NAMES:
            value = getattr(thing, name, None)
            if isinstance(value, np.ndarray) or (isinstance(value, float | np.floating) and not callable(value)):
                return [np.asarray(value)]
        given = [value for value in passed.values() if isinstance(value, np.ndarray)]
        others = [array for array in after.values() if not any(array is each for each in given)]
        if not others:
            raise ForwardError(f"{self.forward_name} returns nothing and leaves no output in an attribute")
        if len(others) == 1 and others[0].dtype.kind == "f":
            self.is_guess = True
            return others
        raise CannotError(
            f"{self.forward_name} returns no array and leaves none in an attribute called {', '.join(OUTPUT_NAMES[:3])}"
            "; return the output"
        )

    def pull(self, outcome: Outcome, arguments: Mapping[str, Any]) -> Any:
        return getattr(outcome.holder, self.backward_name)(**arguments)


@dataclass
class PairSubject(Subject):
    """A function and the function of its gradient; what the first one returns last may be a cache."""

    functions: tuple[Callable[..., Any], Callable[..., Any]] = (min, max)
    context: bool = False
    own: bool = False
    returns: tuple[str, ...] = ()

    def run(self, thing: Any, arguments: Mapping[str, Any]) -> Outcome:
        if self.context:
            context = Context()
            returned = self.functions[0](context, **arguments)
            return Outcome(_arrays(returned), context, context, returned, dict(arrays_in(context)))
        returned = self.functions[0](**arguments)
        if self.own:
            return Outcome(_arrays(returned[0]), None, None, returned)
        if isinstance(returned, tuple) and len(returned) > 1 and self._ends_in_cache(returned[-1]):
            cache = returned[-1]
            return Outcome(_arrays(returned[:-1]), cache, cache, returned, dict(arrays_in([cache])))
        named = self._handed_on(returned)
        if named:
            outputs = [each for name, each in zip(self.returns, returned, strict=True) if name not in named]
            return Outcome(_arrays(outputs), returned, None, returned, named=named)
        return Outcome(_arrays(returned), returned, None, returned)

    def _handed_on(self, returned: Any) -> dict[str, Any]:
        """Return by name what is returned after the output, and taken by the backward pass under the same name.

        What the backward pass takes the gradient of is an output too.
        """
        if not isinstance(returned, tuple) or len(returned) != len(self.returns):
            return {}
        own = {each.name for each in self.forward}
        taken = {each.name for each in self.backward} - own
        outputs = {word for each in self.backward for word in gradient_names(each.name)}
        pairs = zip(self.returns[1:], returned[1:], strict=True)
        return {name: value for name, value in pairs if name in taken and name not in outputs}

    def pull(self, outcome: Outcome, arguments: Mapping[str, Any]) -> Any:
        if self.own:
            rest = outcome.returned[1:]
            return rest[0] if len(rest) == 1 else rest
        if self.context:
            return self.functions[1](outcome.cache, **arguments)
        return self.functions[1](**arguments)

    def _ends_in_cache(self, last: Any) -> bool:
        """Whether what the forward pass returned last is what the backward pass takes, which may have any name."""
        if self.takes_cache:
            return True
        known = {each.name for each in self.forward}
        others = [each.name for each in self.backward[1:] if each.required and each.name not in known]
        named = next(iter(others), "") if len(others) == 1 else ""
        if named and (not isinstance(last, np.ndarray | float | int) or self.returns[-1:] == (named,)):
            self.cache_name = named
        return bool(self.cache_name)

    @property
    def takes_cache(self) -> bool:
        """Whether the backward pass takes what the forward pass returned last."""
        known = {each.name for each in self.forward}
        return any(is_cache(each.name) and each.name not in known for each in self.backward)

    @property
    def is_derivative(self) -> bool:
        return not any(word in self.backward_name.lower() for word in ("backward", "backprop", "vjp", "bwd"))


class Context:
    """What functions with a context store in: ``save_for_backward`` and attributes."""

    def save_for_backward(self, *values: Any) -> None:
        """Store values."""
        self.saved_tensors = values

    def mark_non_differentiable(self, *values: Any) -> None:
        """Do nothing: what has no gradient is seen from its dtype."""

    @property
    def saved_values(self) -> Any:
        """What was stored, as some call it."""
        return self.saved_tensors

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """Every gradient is wanted."""
        return (True,) * 32


@dataclass
class TorchSubject(Subject):
    """A ``torch.autograd.Function``."""

    kind: Any = None
    torch: Any = None

    def _tensors(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._tensor(value) for name, value in arguments.items()}

    def _tensor(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        tensor = self.torch.from_numpy(value.copy())
        return tensor.requires_grad_() if tensor.is_floating_point() else tensor

    def run(self, thing: Any, arguments: Mapping[str, Any]) -> Outcome:
        self.torch.manual_seed(0)
        tensors = self._tensors(arguments)
        returned = self.kind.apply(*tensors.values())
        outputs = [each for each in (returned if isinstance(returned, tuple) else (returned,)) if is_tensor(each)]
        return Outcome([each.detach().numpy() for each in outputs], (tensors, outputs), None, returned)

    def pull(self, outcome: Outcome, arguments: Mapping[str, Any]) -> Any:
        tensors, outputs = outcome.cache
        grown = [value for value in tensors.values() if is_tensor(value) and value.requires_grad]
        flowing = [each for each in outputs if each.requires_grad]
        upstream = [
            self.torch.from_numpy(np.asarray(each)).reshape(out.shape)
            for each, out in zip(arguments.values(), flowing, strict=False)
        ]
        found = self.torch.autograd.grad(flowing, grown, upstream, retain_graph=True, allow_unused=True)
        return tuple(None if each is None else each.detach().numpy() for each in found)


def is_cache(name: str) -> bool:
    """Whether an argument is what the forward pass stored."""
    plain = name.lower().strip("_")
    return "cache" in plain or plain in ("ctx", "context", "saved", "memory", "stored", "tape", "residuals", "saved_")


def _arrays(returned: Any) -> list[Array]:
    """Return the arrays of real numbers in what was returned."""
    parts: Sequence[Any] = returned if isinstance(returned, tuple | list) else [returned]
    parts = [each.detach().numpy() if is_tensor(each) else each for each in parts]
    return [
        np.asarray(each)
        for each in parts
        if isinstance(each, np.ndarray | float | np.floating) and np.asarray(each).dtype.kind == "f"
    ]
