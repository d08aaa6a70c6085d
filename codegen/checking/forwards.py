"""The change of one place in the user's forward pass that makes it the operation that it is called after."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from codegen.checking.observing import Observation
from codegen.checking.recognition import SAME, Match
from codegen.checking.repairs import compiled, forward_function, on_line, replace_subject, syntax_tree
from codegen.checking.rewrites import rewrites
from codegen.checking.subjects import ClassSubject, Outcome, PairSubject, Subject, TorchSubject
from derive.errors import DeriveError

SECONDS = 1.0


def repair_forward(worlds: list[Observation], match: Match) -> tuple[str, str] | None:
    """Return the change that makes a forward pass compute an operation in every world: its kind, and words."""
    subject = worlds[0].case.subject
    function = forward_function(subject)
    tree = syntax_tree(function)
    if tree is None or function.__closure__:
        return None
    stop = time.monotonic() + SECONDS
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for change in rewrites(tree, [], False):
            if time.monotonic() > stop:
                return None
            changed = compiled(change.tree, function)
            twin = with_forward(subject, changed) if changed is not None else None
            if twin is not None and all(_computes(twin, match, each) for each in worlds):
                return change.kind, on_line(change.words, function.__code__.co_firstlineno - 1)
    return None


def _computes(subject: Subject, match: Match, seen: Observation) -> bool:
    try:
        outcome = replace_subject(seen.case, subject).forward()
        return match.difference(replace(seen, outcome=outcome)) <= SAME
    except (DeriveError, ValueError, ArithmeticError, TypeError, LookupError, AttributeError):
        return False
    except Exception:  # What was changed does not run.
        return False


def with_forward(subject: Subject, function: Callable[..., Any]) -> Subject | None:
    """Return a subject with another forward pass; None where that cannot be."""
    if isinstance(subject, PairSubject):
        return replace(subject, functions=(function, subject.functions[1]))
    if isinstance(subject, TorchSubject):
        kind = type(subject.name, (subject.kind,), {subject.forward_name: staticmethod(function)})
        return replace(subject, kind=kind)
    if isinstance(subject, ClassSubject):
        twin = _Changed(**vars(subject))
        twin.changed = function
        return twin
    return None


class _Changed(ClassSubject):
    """A class whose forward pass is replaced by a function."""

    changed: Callable[..., Any]

    def run(self, thing: Any, arguments: Any) -> Outcome:
        """Run the function in the place of the method."""
        kind = type(thing.__class__.__name__, (thing.__class__,), {self.forward_name: self.changed})
        thing.__class__ = kind
        return super().run(thing, arguments)
