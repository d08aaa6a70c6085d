"""The change of one place in the user's own backward pass that makes it right: the mistake, with its line.

A change is kept only if it makes a wrong gradient right in every world in which it was seen.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.axes import Diagnosis
from codegen.checking.cases import Case
from codegen.checking.evidence import Evidence
from codegen.checking.observing import compare, run_pass, taken
from codegen.checking.plans import Plan
from codegen.checking.rewrites import rewrites
from codegen.checking.state import arrays_in, is_tensor
from codegen.checking.subjects import ClassSubject, PairSubject, Subject, TorchSubject

Array = NDArray[Any]
#: Seconds that changes are tried for, of what stands there and of what is missing.
SECONDS, MORE_SECONDS = 1.5, 4.0
#: Seconds that a change is looked for which mends other gradients too.
EXTRA_SECONDS = 0.7
#: More names than this are not put in.
MOST_NAMES = 24


def repair(
    evidence: Sequence[Evidence],
    plan: Plan,
    more: bool,
    known: list[tuple[Diagnosis, Subject]],
    others: Sequence[Evidence],
    search: bool = True,
) -> Diagnosis | None:
    """Return the change of the backward pass that makes a gradient right in every world; None where none is found.

    Args:
        more: whether to look for what is missing, which takes longer, and not for what stands there and is wrong.
        known: the changes that were found for other gradients, which are tried first; what is found is added.
        others: the other gradients that are wrong: a change that mends them too is looked for a little longer.
        search: whether others are tried too.
    """
    for diagnosis, changed_subject in known:
        if all(_is_right(changed_subject, plan, each) for each in evidence):
            return diagnosis
    if not search:
        return None
    subject = evidence[0].observation.case.subject
    function = backward_function(subject)
    tree = syntax_tree(function)
    loops = tree is not None and any(isinstance(node, ast.While) for node in ast.walk(tree))
    if tree is None or function is None or function.__closure__ or loops:
        return None
    names = _names(tree, evidence[0].observation.case, evidence[0].observation.outcome.holder)
    offset = function.__code__.co_firstlineno - 1
    shapes = _Shapes(subject, function, evidence[0], plan)
    names = [name for name in names if shapes.of(name) is not None]
    stop = time.monotonic() + (MORE_SECONDS if more else SECONDS)
    first: tuple[Diagnosis, Subject] | None = None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for change in rewrites(tree, names, more, shapes.may_be, filter(shapes.is_mask, names)):
            if time.monotonic() > stop:
                break
            changed = compiled(change.tree, function)
            if changed is None:
                continue
            twin = with_backward(subject, changed)
            if all(_is_right(twin, plan, each) for each in evidence) and _keeps(twin, plan, evidence[0]):
                found = Diagnosis(change.kind, on_line(change.words, offset)), twin
                if all(_is_right(twin, plan, each) for each in others):
                    first = found
                    break
                stop = min(stop, time.monotonic() + EXTRA_SECONDS) if first is None else stop
                first = first or found
    if first is None:
        return None
    known.append(first)
    return first[0]


class _Shapes:
    """The shapes of what stands in a function, from its variables at its end."""

    def __init__(self, subject: Subject, function: Any, evidence: Evidence, plan: Plan) -> None:
        self.space: dict[str, Any] = {}
        self.function = function
        code, old = function.__code__, sys.gettrace()

        def trace(frame: Any, event: str, argument: Any) -> Any:
            if frame.f_code is not code:
                return None
            if event == "return":
                self.space = dict(frame.f_locals)
            return trace

        sys.settrace(trace)
        try:
            run_pass(evidence.observation.case, plan, evidence.observation.upstreams[0])
        finally:
            sys.settrace(old)
        self.known: dict[str, tuple[int, ...] | None] = {}
        self.values: dict[str, Array] = {}

    def of(self, text: str) -> tuple[int, ...] | None:
        """Return the shape of an expression of the function's; None where it has none, or is no number."""
        if text not in self.known:
            self.known[text] = self._found(text)
        return self.known[text]

    def _found(self, text: str) -> tuple[int, ...] | None:
        try:
            value = eval(compile(text, "<part>", "eval"), self.function.__globals__, dict(self.space))
            value = value.detach().numpy() if is_tensor(value) else value
            kind = np.asarray(value).dtype.kind
        except Exception:  # It is not known at the end of the function.
            return None
        if kind not in "fiub" or isinstance(value, tuple | list):
            return None
        self.values[text] = np.asarray(value)
        return tuple(np.shape(value))

    def is_mask(self, name: str) -> bool:
        """Whether a variable holds 0 and one other number, or truth values."""
        value = self.values.get(name)
        if value is None or value.ndim == 0:
            return False
        others = np.unique(value[value != 0])
        return value.dtype.kind == "b" or (len(others) == 1 and bool((value == 0).any()))

    def may_be(self, own: str, name: str) -> bool:
        """Whether one may be multiplied by the other without a change of its shape, as far as that is known."""
        first, second = self.of(own), self.of(name)
        if first is None or second is None:
            return first is not None or own not in self.known
        try:
            return np.broadcast_shapes(first, second) == first
        except ValueError:
            return False


def on_line(words: str, offset: int) -> str:
    """Lines are counted from the beginning of the file."""
    head, _, rest = words.partition(": ")
    return f"line {int(head.removeprefix('line ')) + offset}: {rest}"


def _is_right(subject: Subject, plan: Plan, evidence: Evidence) -> bool:
    """Whether a subject gives the right gradient in a world."""
    seen = evidence.observation
    case = replace_subject(seen.case, subject)
    try:
        passed = run_pass(case, plan, seen.upstreams[0])
    except Exception:  # What was changed does not run.
        return False
    given = passed.gathered.gradients.get(evidence.name)
    if given is None or passed.error is not None or given.value.dtype.kind not in "fc":
        return False
    if given.value.shape != evidence.truth.shape:
        return False
    return compare(given.value, evidence.truth, evidence.bound) is None


def _keeps(subject: Subject, plan: Plan, evidence: Evidence) -> bool:
    """Whether the gradients that were right are still right."""
    seen = evidence.observation
    before = seen.passes[plan][0].gathered.gradients
    after = run_pass(replace_subject(seen.case, subject), plan, seen.upstreams[0]).gathered.gradients
    for name, given in before.items():
        if name == evidence.name or name not in seen.slopes:
            continue
        truth, bound = seen.truth(name, evidence.reduction, 0, taken(plan) or None)
        was_right = given.value.shape == truth.shape and compare(given.value, truth, bound) is None
        now = after.get(name)
        if was_right and (
            now is None or now.value.shape != truth.shape or compare(now.value, truth, bound) is not None
        ):
            return False
    return True


def replace_subject(case: Case, subject: Subject) -> Case:
    """Return a case with another subject."""
    twin = copy.copy(case)
    twin.subject = subject
    return twin


def backward_function(subject: Subject) -> Any:
    """Return the function of a subject's backward pass, as it was written."""
    if isinstance(subject, PairSubject):
        return None if subject.own else subject.functions[1]
    kind = getattr(subject, "kind", None)
    function = inspect.getattr_static(kind, subject.backward_name, None) if kind is not None else None
    return function.__func__ if isinstance(function, staticmethod | classmethod) else function


def forward_function(subject: Subject) -> Any:
    """Return the function of a subject's forward pass, as it was written."""
    if isinstance(subject, PairSubject):
        return subject.functions[0]
    kind = getattr(subject, "kind", None)
    function = inspect.getattr_static(kind, subject.forward_name, None) if kind is not None else None
    return function.__func__ if isinstance(function, staticmethod | classmethod) else function


def with_backward(subject: Subject, function: Callable[..., Any]) -> Subject:
    """Return a subject with another backward pass."""
    if isinstance(subject, PairSubject):
        return replace(subject, functions=(subject.functions[0], function))
    if isinstance(subject, TorchSubject):
        return replace(
            subject, kind=type(subject.name, (subject.kind,), {subject.backward_name: staticmethod(function)})
        )
    if isinstance(subject, ClassSubject):
        return _Repaired(**{**vars(subject), "changed": function})
    return subject


class _Repaired(ClassSubject):
    """A class whose backward pass is replaced by a function."""

    def __init__(self, changed: Callable[..., Any], **given: Any) -> None:
        super().__init__(**given)
        self.changed = changed

    def pull(self, outcome: Any, arguments: Mapping[str, Any]) -> Any:
        return self.changed(outcome.holder, **arguments)


def syntax_tree(function: Any) -> ast.Module | None:
    """The syntax tree of a function, without decorators."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    tree.body[0].decorator_list = []
    return tree


def compiled(tree: ast.Module, function: Any) -> Callable[..., Any] | None:
    """The function of a changed tree; the user's own code is run anyhow, and this is that code with one change."""
    assert isinstance(tree.body[0], ast.FunctionDef)
    space: dict[str, Any] = {}
    try:
        exec(compile(tree, "<changed>", "exec"), function.__globals__, space)
    except (SyntaxError, ValueError, TypeError):
        return None
    made: Callable[..., Any] = space[tree.body[0].name]
    return made


def _names(tree: ast.Module, case: Case, holder: Any) -> list[str]:
    """Variables of the function, then attributes of the object, which may stand in a repaired line."""
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    first = function.args.args[0].arg if function.args.args else ""
    found: dict[str, None] = {}
    arguments = [each.arg for each in function.args.args]
    skipped = {first} if isinstance(case.subject, ClassSubject) else set()
    for name in (*arguments, *_assigned(function)):
        if name not in skipped and name not in ("cache", "ctx", "context"):
            found[name] = None
    if isinstance(case.subject, ClassSubject) and holder is not None:
        for path, _ in arrays_in(holder):
            if len(path) == 1 and isinstance(path[0], str):
                found[f"{first}.{path[0]}"] = None
            elif len(path) == 2:
                key = path[1] if isinstance(path[1], int) else repr(path[1])
                found[f"{first}.{path[0]}[{key}]"] = None
    return list(found)[:MOST_NAMES]


def _assigned(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
