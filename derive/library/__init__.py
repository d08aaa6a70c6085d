"""The records of the catalogue's operations: data only, a file a group; every file here is found and taken up.

A file has ``RECORDS``, and ``PLACE``, a number that says where its group stands in the catalogue.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from derive.record import Record


def _groups() -> tuple[tuple[Record, ...], ...]:
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return tuple(module.RECORDS for module in sorted(modules, key=lambda module: (module.PLACE, module.__name__)))


#: The records of each file, in the catalogue's order.
GROUPS = _groups()
