"""Short ways to say how an implementation of a common style is called."""

from __future__ import annotations

from typing import Any

from handwritten.corpus.case import Case

X = {"x": "normal N D"}
DENSE = {"x": "normal N D", "w": "normal D K", "b": "normal K"}
DX = {"x": "dinputs"}


def layer(file: str, name: str, operation: str | None, values: Any = X, grads: Any = DX, **more: Any) -> Case:
    """A class with forward and backward whose results are in attributes or are returned."""
    return Case(file, name, "attributes", operation, values, ("x",), grads, **more)


def module(name: str, operation: str | None, values: Any = X, grads: Any = None, **more: Any) -> Case:
    return Case("cached_modules.py", name, "returns", operation, values, ("x",), grads or {"x": "return"}, **more)


def loss(file: str, name: str, operation: str | None, labels: str, place: str = "dinputs", **more: Any) -> Case:
    """A loss of predictions p and labels t whose backward takes both again."""
    values = {"p": "normal N K", "t": labels} | more.pop("values", {})
    given = {"backward": ("p", "t"), "worlds": ()} | more
    return Case(file, name, "loss", operation, values, ("p", "t"), {"p": place}, **given)


def pair(file: str, name: str, operation: str | None, values: dict[str, str], *grads: str, **more: Any) -> Case:
    inputs = more.pop("inputs", tuple(values))
    place = {grads[0]: "return"} if len(grads) == 1 else {grad: at for at, grad in enumerate(grads)}
    return Case(file, name, "pair", operation, values, inputs, place, backward=("u", "cache"), **more)


def derivative(name: str, operation: str | None) -> Case:
    return Case("derivatives.py", name, "derivative", operation, X, ("x",), {"x": "return"}, backward=("x",))


def graph(name: str, operation: str | None, values: dict[str, str], **more: Any) -> Case:
    names = tuple(values)
    grads = {"x": "return"} if len(names) == 1 else {each: at for at, each in enumerate(names)}
    return Case("tensor_ops.py", name, "returns", operation, values, names, grads, **more)


def habit(name: str, operation: str | None, values: Any, grads: Any, **more: Any) -> Case:
    given = {"inputs": ("x",)} | more
    return Case("more_habits.py", name, "returns", operation, values, grads=grads, **given)


def torch(name: str, operation: str | None, values: dict[str, str], *grads: str, **more: Any) -> Case:
    places = {grad: "grad" for grad in grads}
    return Case("torch_functions.py", name, "torch", operation, values, tuple(values), places, **more)


def lesson(name: str, operation: str | None, values: Any, grads: Any, **more: Any) -> Case:
    given = {"inputs": ("x",)} | more
    return Case("lessons.py", name, "attributes", operation, values, grads=grads, **given)
