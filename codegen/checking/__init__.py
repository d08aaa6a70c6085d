"""Checks backward passes that were written by hand: which gradient is wrong, by what, and what is right."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from codegen.checking.examining import Options, examine
from codegen.checking.report import KINDS, Finding, Report, Target
from codegen.checking.running import TIMEOUT, check_file
from codegen.checking.state import Replay
from codegen.checking.styles import class_subject, pair_subject
from codegen.checking.subjects import CannotError, ClassSubject, Subject
from derive.errors import InputError

__all__ = ["KINDS", "Finding", "Report", "Target", "check"]


def check(
    target: Any = None,
    *,
    forward: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    operation: str | None = None,
    seed: int = 0,
    args: Mapping[str, Any] | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    timeout: float = TIMEOUT,
) -> Report:
    r"""Hold a backward pass that was written by hand against derivatives, and say what is wrong with it.

    Its gradients are held against the numeric derivative of its own forward pass, contracted with a random upstream
    gradient :math:`u`: :math:`\partial \langle u, f(x) \rangle / \partial x`. An operation of the catalogue that the
    forward pass computes is recognised from its values; the derived formula and the generated line are then given.

    Args:
        target: a path ``"FILE.py"`` or ``"FILE.py:NAME"``, whose file is run in a process of its own; a class with
            ``forward`` and ``backward``, or an object of it; or a pair of functions. Classes and functions are called
            in this process.
        forward: called with the inputs and parameters by name; it returns the output, or the output and a cache.
        backward: called with the upstream gradient, and by name with what it takes of the inputs, the parameters and
            ``cache``; it returns a dictionary of gradients by name, or a tuple in the order of inputs and parameters.
        inputs, parameters: arrays by name; arrays of floats are what gradients are checked of.
        operation: the name of the operation that it is meant to be, or a network's text.
        seed: of what is drawn.
        args: values of arguments by name that are not to be guessed.
        shapes: shapes of arguments by name that are not to be guessed.
        timeout: seconds for a file.

    Raises:
        InputError: there is nothing to check, or what is given does not go together.

    Example:
        >>> import numpy as np
        >>> report = check(
        ...     forward=lambda x: np.tanh(x),
        ...     backward=lambda upstream, x: {"x": upstream * (1 - np.tanh(x))},
        ...     inputs={"x": np.array([[0.3, -0.7], [1.1, 0.2]])},
        ... )
        >>> report.targets[0].verdict, report.targets[0].operation
        ('wrong', 'tanh')
        >>> print(report.targets[0].findings[0].formula)
        x̄ = ȳ (1 - y²)
    """
    if isinstance(target, str | os.PathLike):
        path = os.fspath(target)
        return check_file(path, operation=operation, seed=seed, args=args, shapes=shapes, timeout=timeout)
    given = {**(inputs or {}), **(parameters or {})}
    subject = _subject(target, forward, backward)
    states = np.random.get_state(), random.getstate()
    try:
        found = examine(subject, Options(seed, operation, {**(args or {}), **given}, shapes or {}))
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
    return Report((found,))


def _subject(target: Any, forward: Any, backward: Any) -> Subject:
    replay = Replay({})
    try:
        if target is None and callable(forward) and callable(backward):
            return pair_subject("<given>", forward, backward, replay)
        if isinstance(target, type) and (subject := class_subject(target, replay)) is not None:
            return subject
        if isinstance(target, tuple) and len(target) == 2 and all(map(callable, target)):
            return pair_subject(target[0].__name__, *target, replay)
        if not callable(target) and (subject := class_subject(type(target), replay)) is not None:
            if isinstance(subject, ClassSubject):
                subject = replace(subject, constructor=[], instance=target)
            return subject
    except CannotError as error:
        raise InputError(str(error)) from None
    raise InputError(
        "codegen.check takes a path, a class with forward and backward or an object of it, a pair of functions, or "
        f"forward= and backward=, not {target!r}"
    )
