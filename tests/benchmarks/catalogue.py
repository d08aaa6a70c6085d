"""How long the catalogue takes: for each operation, deriving its backward pass and generating its code.

Run: ``python tests/benchmarks/catalogue.py [NAME ...]``. A line an operation, the slowest last. Derived is the
backward pass with its steps, all gradients at once; generated is the module with the forward and the backward pass,
derivation included. Nothing is kept from one to the other that a user's process would not keep. The bounds are those
the project holds itself to: 1 s an operation and 60 s for all of them; nothing fails here, since machines are noisy.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import sympy

import codegen
import derive

EACH, ALL = 1.0, 60.0


def seconds_of(name: str) -> tuple[float, float]:
    """The seconds it takes to derive an operation's gradients, and to generate its module."""
    operation = derive.find(name)
    start = time.perf_counter()
    derive.by_parts(operation)
    derived = time.perf_counter()
    codegen.source(operation)
    return derived - start, time.perf_counter() - derived


def main(names: Sequence[str]) -> None:
    started = time.perf_counter()
    rows = [(*seconds_of(name), name) for name in names or derive.catalogue()]
    total = time.perf_counter() - started
    print(f"{os.cpu_count()} cores, one used; Python {sys.version.split()[0]}, SymPy {sympy.__version__}")
    print(f"{'operation':<28} {'derive':>8} {'generate':>8} {'together':>8}")
    for derived, generated, name in sorted(rows, key=lambda row: row[0] + row[1]):
        late = "   over the bound" if derived + generated > EACH else ""
        print(f"{name:<28} {derived:8.3f} {generated:8.3f} {derived + generated:8.3f}{late}")
    print(f"{len(rows)} operations in {total:.1f} s (bound {ALL:.0f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
