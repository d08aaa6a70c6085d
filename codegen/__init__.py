"""The numeric half: NumPy functions and modules made from operations and their derived backward passes.

>>> import codegen
>>> output, pullback = codegen.vjp("y[n] = sum(a[n,i]**2, i)", [[1.0, 2.0]])
>>> pullback([1.0])
(array([[2., 4.]]),)
"""

from importlib import import_module
from typing import Any

from codegen import layers
from codegen.c_memory import release_memory
from codegen.checking import check
from codegen.documents import report
from codegen.layers import LayerKind
from codegen.networks import network
from codegen.runtime import vjp
from codegen.targets import backward, forward, hessian, hvp, source

__all__ = [
    "backward",
    "check",
    "forward",
    "hessian",
    "hvp",
    "layers",
    "network",
    "release_memory",
    "report",
    "source",
    "vjp",
]

#: What draws waits for matplotlib, which takes time to import; few need what trains.
LATER = ("figures", "optimisers", "training")


def __getattr__(name: str) -> Any:
    """Return a kind of layer (``codegen.Conv2d`` is ``codegen.layers.Conv2d``) or a part that is imported when used."""
    if name in LATER:
        return import_module(f"codegen.{name}")
    found = getattr(layers, name, None) if name[:1].isupper() else None
    if not isinstance(found, LayerKind):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found
