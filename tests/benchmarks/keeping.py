"""What ``speed.py`` measured, kept in a file, so that a table can be measured in several runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: What is kept of a row, beside its name.
FIELDS = ("size", "dtype", "floor", "bandwidth", "seconds", "peaks")


def keep(measured: Iterable[Any], path: Path) -> None:
    """Put rows into a file; those of the same name, size and dtype that are there already are replaced."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    for each in measured:
        key = f"{each.row.name} {each.size} {each.dtype}"
        known[key] = {"name": each.row.name, **{name: getattr(each, name) for name in FIELDS}}
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


def kept(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, each with its name and the fields."""
    return list(json.loads(path.read_text("utf-8")).values()) if path.is_file() else []
