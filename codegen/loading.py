"""Source text made into functions."""

from __future__ import annotations

import linecache
import weakref
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from codegen.numpy_source import FunctionSource

_NUMBERS = count(1)
#: Files of functions that are no more. They leave ``linecache`` at the next load and not in the middle of a garbage
#: collection, for that may come while ``linecache.checkcache`` goes through its entries, which ends in a KeyError.
_GONE: deque[str] = deque()


def load_function(source: FunctionSource) -> Callable[..., Any]:
    """Return the function of a text; tracebacks show its lines."""
    while _GONE:
        linecache.cache.pop(_GONE.popleft(), None)
    filename = f"<derivegen {source.name} {next(_NUMBERS)}>"
    linecache.cache[filename] = (len(source.module), None, source.module.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"derivegen.{source.name}"}
    exec(compile(source.module, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace[source.name]
    weakref.finalize(function, _GONE.append, filename)
    return function
