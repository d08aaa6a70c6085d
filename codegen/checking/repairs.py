"""The change of one place in the user's own backward pass that makes it right: the mistake, with its line.

A change is kept only if it makes a wrong gradient right in every world in which it was seen.
"""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checking.cases import Case
from codegen.checking.diagnosis import Diagnosis
from codegen.checking.evidence import Evidence
from codegen.checking.observing import compare, run_pass
from codegen.checking.plans import Plan
from codegen.checking.rewrites import rewrites
from codegen.checking.state import arrays_in
from codegen.checking.subjects import ClassSubject, PairSubject, Subject, TorchSubject

Array = NDArray[Any]
#: Seconds that changes are tried for, of what stands there and of what is missing.
SECONDS, MORE_SECONDS = 0.8, 1.5
#: More names than this are not put in.
MOST_NAMES = 24


def repair(evidence: Sequence[Evidence], plan: Plan, more: bool) -> Diagnosis | None:
    """Return the change of the backward pass that makes a gradient right in every world; None where none is found.

    Args:
        more: whether to look for what is missing, which takes longer, and not for what stands there and is wrong.
    """
    subject = evidence[0].observation.case.subject
    function = backward_function(subject)
    tree = _tree(function)
    if tree is None or function is None or function.__closure__:
        return None
    names = _names(tree, evidence[0].observation.case, evidence[0].observation.outcome.holder)
    offset = function.__code__.co_firstlineno - 1
    stop = time.monotonic() + (MORE_SECONDS if more else SECONDS)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for change in rewrites(tree, names, more):
            if time.monotonic() > stop:
                return None
            changed = _compiled(change.tree, function)
            if changed is not None and all(_is_right(with_backward(subject, changed), plan, each) for each in evidence):
                return Diagnosis(change.kind, _on_line(change.words, offset))
    return None


def _on_line(words: str, offset: int) -> str:
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
        return replace(subject, kind=type(subject.name, (subject.kind,), {subject.backward_name: staticmethod(function)}))
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


def _tree(function: Any) -> ast.Module | None:
    """The syntax tree of a function, without decorators."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    tree.body[0].decorator_list = []
    return tree


def _compiled(tree: ast.Module, function: Any) -> Callable[..., Any] | None:
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
    """Variables of the function and attributes of the object, which may stand in a repaired line."""
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    first = function.args.args[0].arg if function.args.args else ""
    found: dict[str, None] = {}
    if isinstance(case.subject, ClassSubject) and holder is not None:
        for path, _ in arrays_in(holder):
            if len(path) == 1 and isinstance(path[0], str):
                found[f"{first}.{path[0]}"] = None
            elif len(path) == 2:
                key = path[1] if isinstance(path[1], int) else repr(path[1])
                found[f"{first}.{path[0]}[{key}]"] = None
    arguments = [each.arg for each in function.args.args]
    skipped = {first} if isinstance(case.subject, ClassSubject) else set()
    for name in (*arguments, *_assigned(function)):
        if name not in skipped and name not in ("cache", "ctx", "context"):
            found[name] = None
    return list(found)[:MOST_NAMES]


def _assigned(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def forget_sources() -> None:
    """Read files again that are written anew."""
    linecache.checkcache()
