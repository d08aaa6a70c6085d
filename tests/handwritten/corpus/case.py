"""How one implementation of the corpus is run: a record of its arguments, and the passes it gives."""

from __future__ import annotations

import sys
import types
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

RIGHT = Path(__file__).parent / "right"
#: Distinct, so that no mistake hides in sizes that agree.
SIZES = {"N": 3, "D": 4, "K": 5, "T": 6, "S": 2, "C": 2, "O": 5, "H": 6, "W": 8, "R": 3, "V": 9, "4K": 20}
Values = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One right implementation and how it is called.

    ``values`` says what every argument and parameter is made of ("normal N D"); ``inputs`` names the arguments of
    forward and ``backward`` those of backward, where ``u`` is the upstream gradient, ``cache`` what forward returned
    beside its result, ``out`` its result and ``.name`` an attribute. ``grads`` says where the gradient of a value is:
    an attribute, a path with a dot, a position, or ``return`` for the result itself. ``parameters`` says which
    attribute holds a value, ``init`` what the constructor takes. A row of ``variants`` replaces some of these.
    """

    file: str
    name: str
    style: str
    operation: str | None
    values: Mapping[str, str]
    inputs: tuple[str, ...]
    grads: Mapping[str, str | int]
    backward: tuple[str, ...] = ("u",)
    parameters: Mapping[str, str] = field(default_factory=dict)
    init: tuple[Any, ...] = ()
    variants: tuple[Mapping[str, Any], ...] = ()
    #: Worlds in which the implementation is run beside the usual ones: ``ties``, ``large``.
    worlds: tuple[str, ...] = ("ties", "large")

    @property
    def target(self) -> str:
        return f"{self.file}:{self.name}"

    @property
    def seed(self) -> int:
        return zlib.crc32(self.target.encode())

    def varied(self) -> Iterator[Case]:
        """Yield the case itself and with each of its variants."""
        yield self
        for variant in self.variants:
            changed: dict[str, Any] = dict(vars(self)) | {"variants": ()}
            for key, value in variant.items():
                changed[key] = dict(changed[key]) | value if key in ("values", "parameters") else value
            yield Case(**changed)


# -- values -----------------------------------------------------------------------------------------------------------


def array(spec: str, sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    """Make an array from "KIND AXIS AXIS ...", with the sizes of the axes."""
    kind, *axes = spec.split()
    shape = tuple(sizes[axis] if axis in sizes else int(axis) for axis in axes)
    name, _, bound = kind.partition(":")
    if name == "ids":
        return rng.integers(sizes[bound], size=shape)
    if name == "onehot":
        return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
    return MAKERS[name](shape, rng)


def simplex(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    numbers = rng.uniform(0.1, 1, size=shape)
    return numbers / numbers.sum(axis=-1, keepdims=True)


MAKERS: dict[str, Callable[[tuple[int, ...], np.random.Generator], Any]] = {
    "normal": lambda shape, rng: rng.normal(size=shape),
    "wide": lambda shape, rng: 3 * rng.normal(size=shape),
    "positive": lambda shape, rng: rng.uniform(0.5, 2, size=shape),
    "interval": lambda shape, rng: rng.uniform(0.1, 0.9, size=shape),
    "bits": lambda shape, rng: rng.integers(2, size=shape).astype(float),
    "weights": lambda shape, rng: rng.uniform(0.2, 1, size=shape),
    "simplex": simplex,
}


def values_of(case: Case, seed: int, sizes: Mapping[str, int]) -> Values:
    rng = np.random.default_rng([case.seed, seed])
    return {name: array(spec, sizes, rng) for name, spec in case.values.items()}


# -- running ----------------------------------------------------------------------------------------------------------


def load(text: str, file: str) -> types.ModuleType:
    """Run the text of an implementation as a module of its own."""
    module = types.ModuleType(f"corpus_{Path(file).stem}")
    module.__file__ = file
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def right_text(file: str) -> str:
    return (RIGHT / file).read_text("utf-8")


def needs_torch(case: Case) -> bool:
    return case.style == "torch"


class Passes:
    """A case's forward and backward pass over some values; each object runs forward once."""

    def __init__(self, case: Case, module: types.ModuleType, values: Values) -> None:
        self.case, self.module, self.values = case, module, values
        self.cache: Any = None
        self.subject = self._subject()
        np.random.seed(7)

    def _subject(self) -> Any:
        case = self.case
        if case.style in ("pair", "derivative"):
            return None
        kind = getattr(self.module, case.name)
        if case.style == "torch":
            return kind
        # A constructor given as parameters takes copies: nothing that the class does changes what it is run on.
        subject = kind(*(self.values[part] if isinstance(part, str) else part for part in case.init))
        for name, path in case.parameters.items():
            write(subject, path, self.values[name])
        return subject

    def forward(self) -> Any:
        arguments = [self.values[name] if isinstance(name, str) else name for name in self.case.inputs]
        if self.case.style == "pair":
            self.out, self.cache = getattr(self.module, f"{self.case.name}_forward")(*arguments)
        elif self.case.style == "derivative":
            self.out = getattr(self.module, self.case.name)(*arguments)
        elif self.case.style == "torch":
            self.out = self.torch_forward(arguments)
            return self.out.detach().numpy()
        else:
            result = self.subject.forward(*arguments)
            self.out = self.subject.output if result is None else result
        return self.out

    def backward(self, upstream: Any) -> dict[str, Any]:
        style = self.case.style
        if style == "torch":
            return self.torch_backward(upstream)
        arguments = [self.argument(name, upstream) for name in self.case.backward]
        if style == "pair":
            result = getattr(self.module, f"{self.case.name}_backward")(*arguments)
        elif style == "derivative":
            result = getattr(self.module, f"{self.case.name}_grad")(*arguments)
            return {name: upstream * result for name in self.case.grads}
        else:
            result = self.subject.backward(*arguments)
        return {name: self.found(result, place) for name, place in self.case.grads.items()}

    def argument(self, name: str, upstream: Any) -> Any:
        if name == "u":
            return upstream
        if name == "cache":
            return self.cache
        if name == "out":
            return self.out
        return read(self.subject, name[1:]) if name.startswith(".") else self.values[name]

    def found(self, result: Any, place: str | int) -> Any:
        if place == "return":
            return result
        if isinstance(place, int) or isinstance(result, dict):
            return result[place]
        return read(self.subject, place)

    def torch_forward(self, arguments: list[Any]) -> Any:
        torch = sys.modules["torch"]
        self.leaves = {}
        for name, value in zip(self.case.inputs, arguments, strict=True):
            self.leaves[name] = torch.from_numpy(value).requires_grad_(name in self.case.grads)
        return self.subject.apply(*self.leaves.values())

    def torch_backward(self, upstream: Any) -> dict[str, Any]:
        torch = sys.modules["torch"]
        # The leaves' own gradients add up by torch's own rule; what one pass gives is asked for here.
        wanted = [self.leaves[name] for name in self.case.grads]
        given = torch.as_tensor(upstream)
        found = torch.autograd.grad(self.out, wanted, given, retain_graph=True)
        return {name: grad.detach().numpy() for name, grad in zip(self.case.grads, found, strict=True)}

    def stored(self) -> dict[str, Any]:
        """Return the arrays that forward left behind, by the place they are in."""
        kept = self.cache if self.case.style == "pair" else getattr(self.subject, "__dict__", {})
        grads = {place for place in self.case.grads.values() if isinstance(place, str)}
        return {path: value for path, value in arrays("", kept) if path.strip(".") not in grads}


def arrays(path: str, kept: Any) -> Iterator[tuple[str, Any]]:
    """Yield every array inside tuples, lists and dictionaries, with where it is."""
    if isinstance(kept, np.ndarray):
        yield path, kept
    elif isinstance(kept, Mapping):
        for key, value in kept.items():
            yield from arrays(f"{path}.{key}", value)
    elif isinstance(kept, list | tuple):
        for number, value in enumerate(kept):
            yield from arrays(f"{path}.{number}", value)


def read(subject: Any, path: str) -> Any:
    for part in path.split("."):
        subject = subject[part] if isinstance(subject, dict) else getattr(subject, part)
    return subject


def write(subject: Any, path: str, value: Any) -> None:
    *first, last = path.split(".")
    holder = read(subject, ".".join(first)) if first else subject
    if isinstance(holder, dict):
        holder[last] = value
    else:
        setattr(holder, last, value)
