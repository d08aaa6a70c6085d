"""What was made for an operation is kept, so that it is made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from derive.operation import Operation

#: So many functions are kept, those asked for last.
MOST_KEPT = 1000
_CACHE: OrderedDict[Any, Any] = OrderedDict()
_CACHE_LOCK = Lock()


def operation_key(operation: Operation) -> Any:
    """Return what two operations share whose code is the same."""
    record = operation.record
    said = record.name, record.title, record.source, record.labels, operation.listed, operation.leading
    numbers = operation.parameters, operation.extents
    mappings = (record.absent, record.defaults, operation.gradients)
    return operation.definitions, operation.inputs, *said, *numbers, *(tuple(sorted(each.items())) for each in mappings)


def cached(key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made for a key before, or make it; of two threads that make it, both get the first one's."""
    with _CACHE_LOCK:
        if key in _CACHE:
            _CACHE.move_to_end(key)
            return _CACHE[key]
    made = make()
    with _CACHE_LOCK:
        made = _CACHE.setdefault(key, made)
        _CACHE.move_to_end(key)
        if len(_CACHE) > MOST_KEPT:
            _CACHE.popitem(last=False)
    return made
