"""The emitted C of the whole catalogue under the address and undefined-behaviour sanitizers, and under valgrind.

Every operation's passes run in float and in double on odd prime sizes, on size 1 and with each size 0, and are compared
with NumPy's; so are the products of losses' Hessians with directions. ``python tests/benchmarks/sanitizers.py
[--valgrind] [NAME ...]``; it needs a C compiler. Valgrind takes half a minute an operation, and says what lies outside
of arrays or is branched on without having been written.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
SANITIZE = ("-std=c99", "-O0", "-g", "-fopenmp-simd", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
DEBUG = ("-std=c99", "-O1", "-g", "-fopenmp-simd")
INSIDE = "DERIVEGEN_SANITIZED"


def run(names: Sequence[str], flags: tuple[str, ...]) -> None:
    """Compile the passes of operations in one file, run them, and compare."""
    import numpy as np
    import test_c_second as second
    import test_c_target as target

    rng, several = np.random.default_rng(0), [target.Pair(target.find(name)) for name in names]
    target.attach(several, flags)
    for pair in several:
        for inputs in target.cases(pair.operation, rng):
            for dtype in (np.float32, np.float64):
                # Valgrind has no long double, so that numbers may differ; there the memory alone is looked at.
                wrong = list(pair.compare(inputs, dtype, rng))
                assert not wrong or flags is DEBUG, (pair.operation.name, wrong)
    losses = [pair.operation for pair in several if pair.operation.is_loss]
    for operation in losses:
        made, expected = (target.codegen.hvp(operation, target=each) for each in ("c", "numpy"))
        target.compile_together([made.in_c], flags)
        for inputs in target.cases(operation, rng):
            given = [*second.directions(operation, inputs, rng), *inputs]
            for dtype in (np.float32, np.float64):
                wrong = second.wrong(made, expected, given, dtype)
                assert not wrong or flags is DEBUG, (operation.name, wrong)
    print(f"{len(several)} operations, twice {len(losses)}: clean")


def sanitizer_runtime(compiler: str) -> str | None:
    """Return the address sanitizer's library, which must be loaded before Python, None where there is none."""
    asked = [compiler, "-print-file-name=libasan.so"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return found if Path(found).is_file() else None


def again(names: Sequence[str], *, valgrind: bool = False) -> subprocess.CompletedProcess[str]:
    """Run this file in a process that the sanitizers or valgrind watch."""
    from codegen.c_compiler import find_compiler

    compiler = find_compiler()
    assert compiler is not None, "there is no C compiler"
    watch: list[str] = []
    environment = {**os.environ, INSIDE: "valgrind" if valgrind else "sanitizers", "ASAN_OPTIONS": "detect_leaks=0"}
    if valgrind:
        watch = ["valgrind", "--error-exitcode=0", "--leak-check=no", "--num-callers=6", "-q"]
        environment |= {"PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1"}
    else:
        environment["LD_PRELOAD"] = sanitizer_runtime(compiler) or ""
    command = [*watch, sys.executable, __file__, *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def reports(log: str) -> list[str]:
    """Return what valgrind says about the functions of the generated library: what names one of their files."""
    found, report = [], []
    for line in [*log.splitlines(), "== "]:
        text = line.split("== ", 1)[-1].strip()
        if text:
            report.append(text)
            continue
        if any(part in each for each in report for part in ("_backward_", "_forward_", "_hvp_")):
            found.append("\n".join(report))
        report = []
    return found


def main() -> int:
    """Run every operation that C serves, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--valgrind", action="store_true", help="under valgrind instead, which is slow")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args()
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]
    if INSIDE in os.environ:
        run(options.name, DEBUG if os.environ[INSIDE] == "valgrind" else SANITIZE)
        return 0
    from derive.catalogue import records

    names = options.name or list(records())
    done = again(names, valgrind=options.valgrind)
    wrong = reports(done.stderr) if options.valgrind else []
    print(done.stdout.strip(), *wrong, done.stderr[-4000:] if done.returncode else "", sep="\n")
    return 1 if done.returncode or wrong or "clean" not in done.stdout else 0


if __name__ == "__main__":
    sys.exit(main())
