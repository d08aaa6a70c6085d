"""What there is to check in a module: classes, pairs of functions, and functions of torch, found by their names."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from codegen.checking.state import Replay
from codegen.checking.subjects import (
    CONTEXT_NAMES,
    CannotError,
    ClassSubject,
    PairSubject,
    Subject,
    TorchSubject,
    arguments_of,
)

#: Methods of arrays that return the same numbers.
SAME_NUMBERS = ("reshape", "astype", "copy", "squeeze")
FORWARD_METHODS = (
    "forward forward_pass forward_propagation feedforward feed_forward fwd fprop __call__ call calculate apply "
    "activate loss cost compute_loss calculate_loss function fn forward_prop activation compute f"
).split()
BACKWARD_METHODS = (
    "backward backward_pass backprop backward_propagation backpropagate backpropagation bwd bprop back grad gradient "
    "gradients derivative prime deriv delta back_prop compute_gradient vjp df"
).split()
_AFTER = "backward_pass|backward|backprop|bwd|back|gradient|grads|grad|prime|derivative|deriv|vjp|der"
_SUFFIX = re.compile(rf"^(?P<base>.+?)_?(?:{_AFTER})_?$", re.I)
_PREFIX = re.compile(r"^(?:backward|backprop|grad|gradient|derivative|deriv|vjp|bwd|d)_?(?P<base>.+)$", re.I)
_FORWARD = ("{0}", "{0}_forward", "forward_{0}", "{0}_fwd", "{0}Forward", "{0}_forward_pass", "{0}_fn", "{0}_func")


def subjects_in(namespace: Mapping[str, Any], module: str) -> list[Subject]:
    """Return what can be checked of the names that a module defines, in the order of its text."""
    own = {name: value for name, value in namespace.items() if _is_own(value, module)}
    replay = Replay(namespace)
    found = [*_classes(own, replay), *_pairs(own, replay), *_losses_with_gradients(own, replay)]
    return sorted(found, key=_line)


def class_subject(kind: type, replay: Replay) -> Subject | None:
    """Return a class as what is checked; None where it has not both passes."""
    if _is_torch_function(kind):
        return _torch_subject(kind, replay)
    forward = next((name for name in FORWARD_METHODS if _is_written(kind, name)), None)
    backward = next((name for name in BACKWARD_METHODS if _is_written(kind, name)), None)
    if forward is None or backward is None:
        return None
    statics = [isinstance(inspect.getattr_static(kind, name), staticmethod) for name in (forward, backward)]
    functions = (getattr(kind, forward), getattr(kind, backward))
    if all(statics):
        return pair_subject(kind.__name__, *functions, replay)
    constructor = arguments_of(inspect.getattr_static(kind, "__init__"), 1) if "__init__" in vars_of(kind) else []
    skips = [0 if static else 1 for static in statics]
    if not statics[0] and not list(inspect.signature(functions[0]).parameters):
        raise CannotError(f"{kind.__name__}.{forward} takes no self")
    arguments = [arguments_of(function, skip) for function, skip in zip(functions, skips, strict=True)]
    return ClassSubject(
        kind.__name__,
        forward,
        backward,
        constructor,
        arguments[0],
        arguments[1],
        replay,
        source_of(functions[1]),
        source_of(functions[0]),
        kind=kind,
    )


def pair_subject(
    name: str, forward: Callable[..., Any], backward: Callable[..., Any], replay: Replay, own: bool = False
) -> PairSubject:
    """Return two functions as what is checked."""
    first = arguments_of(forward)
    context = bool(first) and first[0].name in CONTEXT_NAMES
    skip = 1 if context else 0
    return PairSubject(
        name, forward.__name__, backward.__name__, [], first[skip:], [] if own else arguments_of(backward, skip),
        replay, source_of(backward), source_of(forward), functions=(forward, backward), context=context, own=own,
        returns=tuple(returned_names(source_of(forward))),
    )  # fmt: skip


def vars_of(kind: type) -> set[str]:
    """Return the names that a class and the user's classes above it define."""
    return {name for each in kind.__mro__ if each is not object for name in vars(each)}


def _classes(own: Mapping[str, Any], replay: Replay) -> Iterator[Subject]:
    for value in own.values():
        if isinstance(value, type):
            subject = class_subject(value, replay)
            if subject is not None:
                yield subject


def _pairs(own: Mapping[str, Any], replay: Replay) -> Iterator[Subject]:
    functions = {name: value for name, value in own.items() if inspect.isfunction(value)}
    lower = {name.lower(): name for name in functions}
    for name, backward in functions.items():
        forward = _forward_of(name, lower)
        if forward is not None and forward != name:
            short = re.sub(r"_forward(_pass)?(?=_|$)|^forward_(pass_)?", "", forward) or forward
            yield pair_subject(short, functions[forward], backward, replay)


def _forward_of(name: str, lower: Mapping[str, str]) -> str | None:
    """Return the name of the function that one is the backward pass of."""
    if name.lower() in ("backward", "backprop", "backward_pass", "gradient", "grad"):
        return next((lower[each] for each in ("forward", "forward_pass", "loss", "f") if each in lower), None)
    for word, other in (("backward", "forward"), ("backprop", "forward"), ("bprop", "fprop"), ("bwd", "fwd")):
        found = lower.get(name.lower().replace(word, other))
        if found is not None and found != name:
            return found
    for pattern in (_SUFFIX, _PREFIX):
        match = pattern.match(name)
        if match:
            base = match["base"].lower().strip("_")
            for form in _FORWARD:
                found = lower.get(form.format(base).lower()) or lower.get("_" + form.format(base).lower())
                if found is not None and found != name:
                    return found
    return None


def _losses_with_gradients(own: Mapping[str, Any], replay: Replay) -> Iterator[Subject]:
    """Functions that return a loss and its gradients together."""
    for name, value in own.items():
        if inspect.isfunction(value) and ("loss" in name.lower() or "_and_grad" in name.lower()):
            returned = returned_names(source_of(value))
            if len(returned) > 1 and all(re.match(r"(?:d|grad)", each, re.I) for each in returned[1:]):
                yield pair_subject(name, value, value, replay, own=True)


def returned_names(source: str) -> list[str]:
    """Return the names in the last return of a function's text; an empty name for what has none.

    Example:
        >>> returned_names("def f(x):\\n    dx = x\\n    return dx, 2 * x, self.db")
        ['dx', '', 'db']
        >>> returned_names("def f(x):\\n    return dx.reshape(x.shape), x.sum()")
        ['dx', '']
    """
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return []
    last = [node for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    if not last:
        return []
    value = max(last, key=lambda node: node.lineno).value
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return [_name(part) for part in parts if part is not None]


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_NUMBERS:
        return _name(node.func.value)
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_own(value: Any, module: str) -> bool:
    return (isinstance(value, type) or inspect.isfunction(value)) and getattr(value, "__module__", None) == module


def _is_written(kind: type, name: str) -> bool:
    """Whether a class has a method that does more than to refuse."""
    method = inspect.getattr_static(kind, name, None)
    if isinstance(method, staticmethod | classmethod):
        method = method.__func__
    if not inspect.isfunction(method):
        return False
    try:
        tree = ast.parse(textwrap.dedent(source_of(method)))
    except SyntaxError:
        return True
    body = getattr(tree.body[0], "body", []) if tree.body else []
    return any(not _is_empty(statement) for statement in body) or not body


def _is_empty(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass | ast.Raise):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_torch_function(kind: type) -> bool:
    return any(each.__module__.startswith("torch.autograd") for each in kind.__mro__[1:])


def _torch_subject(kind: Any, replay: Replay) -> Subject:
    forward, backward = kind.forward, kind.backward
    return TorchSubject(
        kind.__name__, "forward", "backward", [], _after_context(forward), _after_context(backward),
        replay, source_of(backward), source_of(forward), kind=kind, torch=import_module("torch"),
    )  # fmt: skip


def _after_context(function: Callable[..., Any]) -> list[Any]:
    return arguments_of(function, 1)


def source_of(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _line(subject: Subject) -> int:
    thing: Any = getattr(subject, "kind", None) or getattr(subject, "functions", (None,))[0]
    try:
        return inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):
        return 0
