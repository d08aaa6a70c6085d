"""How fast the generated code is beside torch and JAX: forward and backward together, one thread, float32.

Run: ``python tests/benchmarks/speed.py [words of names ...] [--large] [--rounds R] [--write FILE]``. All that a row
compares is run in turn, once a round, on one core, and the fastest round of each counts: a round in which the kernel
puts memory together for huge pages takes several times as long, and says nothing of the code. What is counted is the
processor's time, not the clock's. Without torch or JAX their columns are empty; without a C compiler the C column is.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
if hasattr(os, "sched_setaffinity"):  # JAX has threads of its own.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402

import codegen  # noqa: E402
from codegen.c_compiler import find_compiler, flags  # noqa: E402

try:
    import torch
    import torch.nn.functional as nn

    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    import jax
    import jax.numpy as jnp
except ImportError:
    jax = None

MIDDLE, LARGE = (512, 1000), (8192, 4000)
#: What the acceptance asks of C in rows that memory bounds, at the large size.
WANTED = 2.0
Call = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """An operation, its inputs, and the same function of the differentiable ones in torch and JAX."""

    name: str
    draw: Callable[[np.random.Generator, int, int], list[np.ndarray]]
    torch: Callable[..., Any]
    jax: Callable[..., Any]
    differentiable: int = 1


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)


def _one_hot(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    labels = np.zeros((n, k), np.float32)
    labels[np.arange(n), rng.integers(0, k, n)] = 1
    return labels


def _jax_layer_norm(x: Any, g: Any, b: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return g * centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + b


def _jax_rms_norm(x: Any, g: Any) -> Any:
    return g * x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-5)


ROWS = (
    Row(
        "softmax-cce",
        lambda rng, n, k: [_normal(rng, n, k), _one_hot(rng, n, k)],
        lambda z, t: nn.cross_entropy(z, t),
        lambda z, t: -(t * jax.nn.log_softmax(z)).sum() / len(z),
    ),
    Row(
        "softmax-cce-sparse",
        lambda rng, n, k: [_normal(rng, n, k), rng.integers(0, k, n)],
        lambda z, t: nn.cross_entropy(z, t),
        lambda z, t: -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean(),
    ),
    Row(
        "softmax",
        lambda rng, n, k: [_normal(rng, n, k)],
        lambda x: nn.softmax(x, -1),
        lambda x: jax.nn.softmax(x),
    ),
    Row(
        "gelu",
        lambda rng, n, k: [_normal(rng, n, k)],
        lambda x: nn.gelu(x),
        lambda x: jax.nn.gelu(x, approximate=False),
    ),
    Row("silu", lambda rng, n, k: [_normal(rng, n, k)], lambda x: nn.silu(x), lambda x: jax.nn.silu(x)),
    Row(
        "layer-norm",
        lambda rng, n, k: [_normal(rng, n, k), _normal(rng, k), _normal(rng, k)],
        lambda x, g, b: nn.layer_norm(x, x.shape[-1:], g, b, 1e-5),
        _jax_layer_norm,
        3,
    ),
    Row(
        "rms-norm",
        lambda rng, n, k: [_normal(rng, n, k), _normal(rng, k)],
        lambda x, g: nn.rms_norm(x, x.shape[-1:], g, 1e-5),
        _jax_rms_norm,
        2,
    ),
    Row(
        "bce-logits",
        lambda rng, n, k: [_normal(rng, n, k), (rng.random((n, k)) < 0.3).astype(np.float32)],
        lambda z, t: nn.binary_cross_entropy_with_logits(z, t),
        lambda z, t: (jax.nn.softplus(z) - z * t).mean(),
    ),
)


def contestants(row: Row, n: int, k: int) -> dict[str, Call]:
    """Return what is run: each gives the output and the gradients."""
    rng = np.random.default_rng(0)
    inputs = row.draw(rng, n, k)
    is_loss = codegen.forward(row.name).operation.is_loss
    upstream = np.ones((), np.float32) if is_loss else _normal(rng, n, k)
    found: dict[str, Call] = {"NumPy": _ours(row, inputs, upstream, "numpy")}
    if find_compiler() is not None:
        found["C"] = _ours(row, inputs, upstream, "c")
    if torch is not None:
        found["torch"] = _torch(row, inputs, upstream)
    if jax is not None:
        found["JAX"] = _jax(row, inputs, upstream)
    return found


def _ours(row: Row, inputs: Sequence[np.ndarray], upstream: np.ndarray, target: str) -> Call:
    forward, backward = codegen.forward(row.name, target=target), codegen.backward(row.name, target=target)

    def run() -> Any:
        output, saved = forward.with_saved(*inputs)
        return output, backward(upstream, **saved)

    return run


def _torch(row: Row, inputs: Sequence[np.ndarray], upstream: np.ndarray) -> Call:
    tensors = [torch.from_numpy(each) for each in inputs]
    wanted = [each.requires_grad_() for each in tensors[: row.differentiable]]
    given = torch.from_numpy(upstream)

    def run() -> Any:
        output = row.torch(*tensors)
        return output, torch.autograd.grad(output, wanted, given)

    return run


def _jax(row: Row, inputs: Sequence[np.ndarray], upstream: np.ndarray) -> Call:
    arrays, given = [jnp.asarray(each) for each in inputs], jnp.asarray(upstream)
    count = row.differentiable

    def both(arrays: Any, given: Any) -> Any:
        output, pull = jax.vjp(lambda *own: row.jax(*own, *arrays[count:]), *arrays[:count])
        return output, pull(given)

    compiled = jax.jit(both)
    return lambda: jax.block_until_ready(compiled(arrays, given))


def check(results: dict[str, Any]) -> None:
    """Hold the gradients against each other: what is not right is not fast."""
    gradients = {name: np.asarray(result[1][0]) for name, result in results.items()}
    first = next(iter(gradients.values()))
    for name, gradient in gradients.items():
        error = np.max(np.abs(gradient - first)) / np.max(np.abs(first))
        assert error < 1e-4, f"{name} is off by {error}"


def measure(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each in every round, run in turn."""
    check({name: call() for name, call in calls.items()})
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            result = call()
            times[name].append(time.process_time() - start)
            del result
    return times


def floor(n: int, k: int) -> float:
    """The seconds that a copy into a new array of this size takes: what reading and writing one array costs."""
    array = np.ones((n, k), np.float32)
    found = []
    for _ in range(7):
        start = time.process_time()
        array.copy()
        found.append(time.process_time() - start)
    return min(found)


def lines(rows: Sequence[Row], size: tuple[int, int], rounds: int, without: Sequence[str]) -> Iterator[str]:
    """Yield a table for one size."""
    names = ["NumPy", "C", "torch", "JAX"]
    yield f"### {size[0]} x {size[1]}, milliseconds of the fastest round; a copy takes {floor(*size) * 1e3:.2f}"
    yield ""
    yield f"| operation | {' | '.join(names)} | the faster framework / C | NumPy / C |"
    yield "|---" * (len(names) + 3) + "|"
    for row in rows:
        calls = contestants(row, *size)
        times = measure({name: call for name, call in calls.items() if name not in without}, rounds)
        shown = [f"{min(times[name]) * 1e3:.2f}" if name in times else "" for name in names]
        ratios = [_against(times, ["torch", "JAX"]), _against(times, ["NumPy"])]
        yield f"| {' | '.join([row.name, *shown, *ratios])} |"
    yield ""


def _against(times: dict[str, list[float]], others: Sequence[str]) -> str:
    known = [name for name in others if name in times]
    if "C" not in times or not known:
        return ""
    return f"{min(min(times[name]) for name in known) / min(times['C']):.2f}"


def head(rounds: int) -> Iterator[str]:
    """Yield what was measured on and with what."""
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    versions += [f"torch {torch.__version__}"] if torch is not None else []
    versions += [f"JAX {jax.__version__}"] if jax is not None else []
    yield f"{_processor()}, {os.cpu_count()} cores; one thread, float32, forward and backward, {rounds} rounds"
    yield ""
    yield ", ".join(versions) + (f"; {find_compiler()} {' '.join(flags())}" if find_compiler() else "; no C compiler")
    yield ""


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="rows whose names have one of these words; all when left out")
    parser.add_argument("--large", action="store_true", help=f"{LARGE} too, which takes minutes and 2 GB")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--without", action="append", default=[], help="a column to leave out, such as NumPy")
    parser.add_argument("--write", type=Path, help="a file to write the tables to")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.words or any(word in row.name for word in options.words)]
    text = []
    for line in head(options.rounds):
        print(line)
        text.append(line)
    for size in (MIDDLE, *([LARGE] if options.large else [])):
        for line in lines(rows, size, options.rounds, options.without):
            print(line, flush=True)
            text.append(line)
    if options.write is not None:
        options.write.write_text("\n".join(text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
