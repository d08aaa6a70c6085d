"""Source text made into functions."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any

from codegen.numpy_source import FunctionSource

_NUMBERS = count(1)


def load_function(source: FunctionSource) -> Callable[..., Any]:
    """Return the function of a text; tracebacks show its lines."""
    filename = f"<derivegen {source.name} {next(_NUMBERS)}>"
    linecache.cache[filename] = (len(source.module), None, source.module.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"derivegen.{source.name}"}
    exec(compile(source.module, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace[source.name]
    weakref.finalize(function, linecache.cache.pop, filename, None)
    return function
