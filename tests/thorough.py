"""What the suite runs every time of a long sweep, and what it runs only when it is asked for everything.

``pytest`` takes every record, every formula and every kind of mistake at least once, in a few minutes; ``pytest
--thorough`` takes all the draws, and the second and third of a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def sweep(values: Iterable[Any], every_time: Callable[[Any], bool]) -> list[Any]:
    """The values of a parameter, or several as ``pytest.param``; those not run every time are marked ``thorough``."""
    return [value if every_time(value) else _asked_for(value) for value in values]


def _asked_for(value: Any) -> Any:
    if hasattr(value, "marks"):  # pytest.param has made it.
        return pytest.param(*value.values, id=value.id, marks=[*value.marks, pytest.mark.thorough])
    return pytest.param(value, marks=pytest.mark.thorough)
