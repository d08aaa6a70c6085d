"""How fast generated code is beside an expert's NumPy, teaching notebooks, torch and JAX.

Run: ``python tests/benchmarks/speed.py [words of names ...] [--size small middle large] [--dtype float32 float64]
[--threads 1] [--rounds R] [--only backward] [--keep FILE] [--write FILE] [--plot FILE]``.
``NumPy`` is what ``codegen`` returns, which checks its arguments, ``file`` the functions of the generated file alone,
and ``expert`` such functions written by hand. All that a row compares is run once a round, in another order each time,
and the fastest round of each counts: one in which other work has the processor, or the kernel puts memory together for
huge pages, says nothing of the code. With one thread what is counted is the processor's time. What ``--keep`` names has
the rows of earlier runs, so that a table can be measured in several.

Columns of what is not installed (torch, JAX, a C compiler) are left out. With the GNU C library the allocator is told
to keep memory that is freed, as it does by itself in a long run: else it is the order of the columns that decides which
of them waits for the kernel to clear pages.

``moved`` is the floor: the bytes that a row must read and write at least, over the bandwidth measured at its size. The
memory is the peak that tracemalloc saw of forward and backward pass together, in arrays of the input's size.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contestants import by_hand, contestants, ours
from experts import NOTEBOOKS
from keeping import FIELDS, keep, kept
from rows import ROWS, Random, Row, jax, torch

import codegen
from codegen.c_compiler import find_compiler, flags
from codegen.loading import load_function

#: The variable by which a process that was prepared for measuring knows that it was, and how many threads it has.
PREPARED = "DERIVEGEN_BENCHMARK_THREADS"
THREADS = os.environ.get(PREPARED, "1")
SIZES = {"small": (8, 10), "middle": (512, 1000), "large": (8192, 4000)}
DTYPES = ("float32", "float64")
COLUMNS = ("NumPy", "file", "C", "expert", "notebooks", "torch", "JAX")
#: What one round lasts at least, so that short calls are told from the clock's noise.
SHORTEST = 1e-3
clock = time.process_time if THREADS == "1" else time.perf_counter


# ---- the process ----


def prepare(threads: int) -> None:
    """Begin again with what has to be known before NumPy is there: one core, the libraries' threads, malloc's memory.

    The packages are then this checkout's own, wherever they are installed.
    """
    if PREPARED in os.environ:
        if torch is not None:
            torch.set_num_threads(threads)
        return
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    wanted = {PREPARED: str(threads), "PYTHONPATH": os.pathsep.join(filter(None, paths)), "JAX_PLATFORMS": "cpu"}
    wanted |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    wanted |= dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(1 << 30))
    if threads > 1:
        wanted["DERIVEGEN_CFLAGS"] = os.environ.get("DERIVEGEN_CFLAGS", "") + " -fopenmp"
    else:
        wanted["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        if hasattr(os, "sched_setaffinity"):  # JAX has threads of its own.
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)


# ---- measuring ----


@dataclass
class Measured:
    """What was measured of one row: seconds by column, peaks of memory in arrays of the size, and the floor."""

    row: Row
    size: str
    dtype: str
    floor: float
    bandwidth: float
    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)

    def ratio(self, others: Sequence[str], own: str) -> float | None:
        """Return how many times as long the fastest of others takes."""
        known = [self.seconds[name] for name in others if name in self.seconds]
        return min(known) / self.seconds[own] if known and own in self.seconds else None


def check(row: Row, results: dict[str, Any], dtype: str) -> None:
    """Hold the gradients against each other: what is not right is not fast."""
    gradients = {name: np.asarray(result[1][0]) for name, result in results.items()}
    first = gradients["NumPy"]
    for name, gradient in gradients.items():
        error = np.max(np.abs(gradient - first)) / np.max(np.abs(first))
        limit = 1e-4 if dtype == "float32" or name == "expert" else 1e-10
        assert error < limit, f"{row.name}: {name} is off by {error}"


def measure(row: Row, size: str, dtype: str, options: argparse.Namespace) -> Measured:
    n, k = SIZES[size]
    speed = bandwidth(size, dtype)
    found = Measured(row, size, dtype, row.moved * n * k * np.dtype(dtype).itemsize / speed, speed)
    entered = contestants(row, *SIZES[size], dtype, is_large=size == "large")
    entered = {name: each for name, each in entered.items() if name not in options.without}
    check(row, {name: each.both() for name, each in entered.items()}, dtype)
    calls = {name: each.call(options.only == "backward") for name, each in entered.items()}
    repeats, lasts = {}, {}
    for name, call in calls.items():
        lasts[name] = timed(call, 1)
        repeats[name] = max(1, int(SHORTEST / max(lasts[name], 1e-7)))
    order = np.random.default_rng(0)
    for turn in range(options.rounds):
        for name, call in order.permutation(list(calls.items())):  # Each leaves other numbers in the cache.
            if lasts[name] > 2 and name in found.seconds:  # Once is enough of what takes so long.
                continue
            skipped = 16 * (turn * 53 % 256)
            found.seconds[name] = min(timed(call, repeats[name], skipped), found.seconds.get(name, np.inf))
    for name in ("NumPy", "expert"):
        if name in calls:
            found.peaks[name] = peak(entered[name].both) / (n * k * np.dtype(dtype).itemsize)
    return found


def timed(call: Callable[[], Any], repeats: int, skipped: int = 0) -> float:
    """Return the seconds of a call; what is skipped shifts its arrays in memory, and with that what they share."""
    shift = bytearray(1024 + skipped)
    start = clock()
    for _ in range(repeats):
        result = call()
    seconds = (clock() - start) / repeats
    del result, shift
    return seconds


def peak(call: Callable[[], Any]) -> float:
    """Return the most bytes that were taken while a call ran."""
    tracemalloc.start()
    result = call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return float(most)


_BANDWIDTHS: dict[tuple[str, str], float] = {}


def bandwidth(size: str, dtype: str) -> float:
    """Return the bytes a second that adding two arrays of a size into a third one moves."""
    if (size, dtype) not in _BANDWIDTHS:
        first, second, third = (np.ones(SIZES[size], dtype) for _ in range(3))
        repeats = max(1, int(2e7 / first.nbytes))
        best = min(timed(lambda: np.add(first, second, out=third), repeats) for _ in range(15))
        _BANDWIDTHS[size, dtype] = 3 * first.nbytes / best
    return _BANDWIDTHS[size, dtype]


# ---- what is shown ----


def shown(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def table(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield the table of one size and dtype."""
    first = measured[0]
    unit, factor = ("µs", 1e6) if first.size == "small" else ("ms", 1e3)
    columns = [name for name in COLUMNS if any(name in each.seconds for each in measured)]
    n, k = SIZES[first.size]
    speed = max(each.bandwidth for each in measured) / 1e9
    yield f"### {first.size}, {n} x {k}, {first.dtype}: {unit} of the fastest round; {speed:.1f} GB/s"
    yield ""
    heads = [
        "operation",
        *columns,
        "framework / C",
        "NumPy / expert",
        "file / expert",
        "moved",
        "C / moved",
        "memory",
        "expert's",
    ]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for each in measured:
        own, numpy_ratio = each.seconds.get("C"), each.ratio(["NumPy"], "expert")
        cells = [shown(each.seconds[name] * factor if name in each.seconds else None) for name in columns]
        cells += [shown(each.ratio(["torch", "JAX"], "C")), shown(numpy_ratio), shown(each.ratio(["file"], "expert"))]
        is_bound = bool(each.row.moved) and each.size != "small"
        cells += [shown(each.floor * factor if is_bound else None)]
        cells += [shown(own / each.floor if own and is_bound else None)]
        cells += [shown(each.peaks.get(name)) if each.size != "small" else "" for name in ("NumPy", "expert")]
        yield f"| {' | '.join([each.row.name, *cells])} |"
    yield ""


def head(options: argparse.Namespace) -> Iterator[str]:
    """Yield what was measured on and with what."""
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    versions += [f"torch {torch.__version__}"] if torch is not None else []
    versions += [f"JAX {jax.__version__}"] if jax is not None else []
    what = "backward alone" if options.only else "forward and backward together"
    threads = f"{THREADS} thread{'s' if THREADS != '1' else ''}"
    yield f"{_processor()}, {os.cpu_count()} cores; {threads}, {what}, {options.rounds} rounds"
    yield ""
    yield ", ".join(versions) + (f"; {find_compiler()} {' '.join(flags())}" if find_compiler() else "; no C compiler")
    yield ""


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))


def beside_notebooks() -> Iterator[str]:
    """Yield how softmax's backward pass does beside a loop over Jacobians, and two operations beside one."""
    random = Random("float32")
    x, dy = random.normal(1024, 1000), random.normal(1024, 1000)
    loop = by_hand(NOTEBOOKS["softmax"], [x], [dy]).prepare()
    slow = timed(loop, 1)
    for target in ("numpy", "c") if find_compiler() else ("numpy",):
        forward, backward = codegen.forward("softmax", target=target), codegen.backward("softmax", target=target)
        _, saved = forward.with_saved(x)
        assert np.allclose(backward(dy, **saved)[0], loop()[1][0], atol=1e-6)
        again = partial(backward, dy, **saved)
        fast = min(timed(again, 5) for _ in range(7))
        yield f"Backward pass of softmax, 1024 x 1000: {slow / fast:.0f} times as fast in {target} as a Jacobian a row."
    z, t = random.normal(3, 3), random.one_hot(3, 3)
    row = next(row for row in ROWS if row.name == "softmax-cce")
    together, apart = ours(row, [z, t], [np.float32(1)], "numpy").prepare(), _apart(z, t)
    assert np.allclose(together()[1][0], apart(), atol=1e-6)
    p = codegen.forward("softmax")(z)
    ratio = min(timed(apart, 100) for _ in range(7)) / min(timed(together, 100) for _ in range(7))
    yield f"Softmax and cross-entropy, 3 x 3, backward: together {ratio:.1f} times as fast as one after the other."
    ratio = _functions_apart(p, t)
    yield f"The same of the generated file's functions alone: {ratio:.1f} times; the notebooks print 2.16 and 3.65."
    yield ""


def _functions_apart(p: Any, t: Any) -> float:
    """Return how much longer the functions of two operations take than that of the combined one."""
    names = ("softmax", "cce", "softmax-cce")
    made = [codegen.backward(name, given=row.given) for name in names for row in ROWS if row.name == name]
    softmax, cce, both = (load_function(each.text) for each in made)
    one = np.float32(1)
    assert np.allclose(softmax(cce(one, p, t), p), both(one, p, t), atol=1e-6)
    slow = min(timed(lambda: softmax(cce(one, p, t), p), 300) for _ in range(15))
    return slow / min(timed(lambda: both(one, p, t), 300) for _ in range(15))


def _apart(z: Any, t: Any) -> Callable[[], Any]:
    p, first = codegen.vjp("softmax", z)
    _, second = codegen.vjp("cce", p, t)
    return lambda: first(second(np.float32(1))[0])[0]


def known_rows(path: Path, size: str, dtype: str) -> list[Measured]:
    """Return the rows of a size and dtype that a file keeps, in their order."""
    found = {each["name"]: each for each in kept(path) if (each["size"], each["dtype"]) == (size, dtype)}
    return [Measured(row, *(found[row.name][name] for name in FIELDS)) for row in ROWS if row.name in found]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="rows whose names have one of these words; all when left out")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["small", "middle"], help="which are measured")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=["float32"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=["backward"], help="the backward pass alone")
    parser.add_argument("--without", nargs="+", default=[], choices=COLUMNS[1:], help="columns to leave out")
    parser.add_argument("--keep", type=Path, help="a file of rows measured before, for the tables to have them too")
    parser.add_argument("--write", type=Path, help="a file to write the tables to")
    parser.add_argument("--plot", type=Path, help="a file, such as speed.svg, to draw the tables in")
    options = parser.parse_args()
    prepare(options.threads)
    rows = [row for row in ROWS if not options.words or any(word in row.name for word in options.words)]
    text: list[str] = []

    def say(lines: Iterator[str]) -> None:
        for line in lines:
            print(line, flush=True)
            text.append(line)

    say(head(options))
    every: list[list[Measured]] = []
    for size in SIZES:
        for dtype in DTYPES:
            measured: list[Measured] = []
            for row in rows if size in options.size and dtype in options.dtype else ():
                measured.append(measure(row, size, dtype, options))
                print(f"  {row.name}", file=sys.stderr, flush=True)
                if options.keep is not None:
                    keep(measured[-1:], options.keep)
            every.append(measured if options.keep is None else known_rows(options.keep, size, dtype))
            if every[-1]:
                say(table(every[-1]))
    if not options.words:
        say(beside_notebooks())
    if options.write is not None:
        options.write.write_text("\n".join(text), "utf-8")
    if options.plot is not None:
        from drawing import draw

        draw([each for each in every if each and each[0].dtype == DTYPES[0]], options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
