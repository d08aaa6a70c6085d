"""A limit on the time that work may take: whoever waits sets it, and the work looks at it as it goes.

The engine calls ``tick`` wherever it may be long. What it hands to SymPy in one piece cannot be interrupted and is
kept small instead. Work that was stopped leaves nothing half done behind: it may be tried again with more time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import NamedTuple

from derive.errors import DeriveError, InputError


class OutOfTimeError(DeriveError):
    """The time allowed is over."""


class _Limit(NamedTuple):
    deadline: float
    seconds: float


_limit: ContextVar[_Limit | None] = ContextVar("limit", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Allow so many seconds for what is done inside; of limits inside each other the earliest holds.

    A limit belongs to the thread, or the task, that set it: others go on without one.

    Args:
        seconds: None sets no limit beside those around this one.

    Raises:
        InputError: this is not a length of time.
        OutOfTimeError: the time is over; raised by the work, at a call of ``tick``.

    Example:
        >>> with within(60):
        ...     tick()
        >>> with within(60), within(0):
        ...     tick()
        Traceback (most recent call last):
        derive.budget.OutOfTimeError: the 0 s allowed are over
    """
    token = _limit.set(_earliest(seconds))
    try:
        yield
    finally:
        _limit.reset(token)


def _earliest(seconds: float | None) -> _Limit | None:
    outer = _limit.get()
    if seconds is None:
        return outer
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise InputError(f"a time limit is a number of seconds from 0 on, or None; not {seconds!r}")
    own = _Limit(monotonic() + seconds, seconds)
    return own if outer is None or own.deadline < outer.deadline else outer


def tick() -> None:
    """Go on, or raise if the time is over; without a limit this costs next to nothing.

    Raises:
        OutOfTimeError: the time is over.

    Example:
        >>> tick()
    """
    limit = _limit.get()
    if limit is not None and monotonic() >= limit.deadline:
        raise OutOfTimeError(f"the {limit.seconds:g} s allowed are over")
