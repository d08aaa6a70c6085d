"""Source text made into functions."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from codegen.numpy_source import FunctionSource


def load_function(source: FunctionSource) -> Callable[..., Any]:
    """Return the function of a text; tracebacks show its lines."""
    filename = f"<derivegen {source.name} {abs(hash(source.text)):x}>"
    linecache.cache[filename] = (len(source.module), None, source.module.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"derivegen.{source.name}"}
    exec(compile(source.module, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace[source.name]
    return function
