"""What ``speed.py`` runs: an operation as generated code, by an expert, as in notebooks, in torch and in JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from experts import EXPERTS, LOOPS, NOTEBOOKS, Passes
from rows import Random, Row, jax, jnp, torch

import codegen
from codegen.c_compiler import find_compiler
from codegen.loading import load_function
from codegen.numpy_function import NumpyFunction


@dataclass(frozen=True)
class Contestant:
    """Forward and backward pass together, and the backward pass alone after a forward pass that was run before."""

    both: Callable[[], Any]
    prepare: Callable[[], Callable[[], Any]]

    def call(self, only_backward: bool) -> Callable[[], Any]:
        return self.prepare() if only_backward else self.both


def contestants(row: Row, n: int, k: int, dtype: str, *, is_large: bool) -> dict[str, Contestant]:
    """Return what is run, by column; at large sizes without loops over samples, which would take minutes."""
    inputs = row.draw(Random(dtype), n, k)
    operation = codegen.forward(row.name).operation
    output, _ = codegen.forward(row.name).with_saved(*inputs)
    outputs = output if isinstance(output, tuple) else (output,)
    random = Random(dtype, 1)
    upstream = [np.ones((), dtype) if operation.is_loss else random.normal(*np.shape(each)) for each in outputs]
    found = {"NumPy": ours(row, inputs, upstream, "numpy"), "file": _file(row, inputs, upstream)}
    if find_compiler() is not None:
        found["C"] = ours(row, inputs, upstream, "c")
    found["expert"] = by_hand(EXPERTS[row.name], inputs, upstream)
    if row.name in NOTEBOOKS and not (is_large and row.name in LOOPS):
        found["notebooks"] = by_hand(NOTEBOOKS[row.name], inputs, upstream)
    if torch is not None:
        found["torch"] = _torch(row, inputs, upstream)
    if jax is not None:
        found["JAX"] = _jax(row, inputs, upstream)
    return found


def ours(row: Row, inputs: Sequence[Any], upstream: Sequence[Any], target: str) -> Contestant:
    forward = codegen.forward(row.name, target=target)
    backward = codegen.backward(row.name, given=row.given, target=target)

    def both() -> Any:
        output, saved = forward.with_saved(*inputs, given=row.given)
        return output, backward(*upstream, **saved)

    def prepare() -> Callable[[], Any]:
        output, saved = forward.with_saved(*inputs, given=row.given)
        return lambda: (output, backward(*upstream, **saved))

    return Contestant(both, prepare)


def _file(row: Row, inputs: Sequence[Any], upstream: Sequence[Any]) -> Contestant:
    """The generated functions as a file has them, called as one writes it: ``y, p = forward(x); backward(dy, p)``."""
    made, backward = codegen.forward(row.name), codegen.backward(row.name, given=row.given)
    wanted, names, keeping = made._plan({"given": row.given})
    assert isinstance(keeping, NumpyFunction)
    values = made.fit(made.complete(inputs, {}))
    known = dict(zip((each.name for each in made.operation.inputs), values, strict=True))
    known |= {f"upstream{place}": each for place, each in enumerate(upstream)}
    outputs = [each.tensor.name for each in made.operation.outputs]
    arguments = ", ".join(each.name for each in made.operation.inputs)
    taken = ", ".join([*(f"upstream{place}" for place in range(len(upstream))), *wanted])
    gradients = f"backward({taken})" if len(backward.results) > 1 else f"(backward({taken}),)"
    kept = f"({', '.join(outputs)}), {gradients}"
    text = [
        "def both():",
        f"    {', '.join(names)} = forward({arguments})",
        f"    return {kept}",
        "def prepare():",
        f"    {', '.join(names)} = forward({arguments})",
        f"    return lambda: ({kept})",
    ]
    namespace = known | {"forward": load_function(keeping.text), "backward": load_function(backward.text)}
    exec("\n".join(text), namespace)
    return Contestant(namespace["both"], namespace["prepare"])


def by_hand(passes: Passes, inputs: Sequence[Any], upstream: Sequence[Any]) -> Contestant:
    forward, backward = passes

    def both() -> Any:
        output, saved = forward(*inputs)
        return output, backward(*upstream, *saved)

    def prepare() -> Callable[[], Any]:
        output, saved = forward(*inputs)
        return lambda: (output, backward(*upstream, *saved))

    return Contestant(both, prepare)


def _torch(row: Row, inputs: Sequence[Any], upstream: Sequence[Any]) -> Contestant:
    tensors = [torch.from_numpy(each) for each in inputs]
    wanted = [each.requires_grad_() for each in tensors[: row.differentiable]]
    given = [torch.from_numpy(each) for each in upstream]

    def both() -> Any:
        output = row.torch(*tensors)
        return output, torch.autograd.grad(output, wanted, given)

    def prepare() -> Callable[[], Any]:
        output = row.torch(*tensors)
        return lambda: (output, torch.autograd.grad(output, wanted, given, retain_graph=True))

    return Contestant(both, prepare)


def _jax(row: Row, inputs: Sequence[Any], upstream: Sequence[Any]) -> Contestant:
    jax.config.update("jax_enable_x64", any(np.asarray(each).dtype == np.float64 for each in inputs))
    arrays = [jnp.asarray(each) for each in inputs]
    given = tuple(jnp.asarray(each) for each in upstream)
    count = row.differentiable

    def forward(arrays: Any) -> Any:
        return jax.vjp(lambda *own: row.jax(*own, *arrays[count:]), *arrays[:count])

    def pulled(pull: Any, given: Any) -> Any:
        return pull(given if len(given) > 1 else given[0])

    def together(arrays: Any, given: Any) -> Any:
        output, pull = forward(arrays)
        return output, pulled(pull, given)

    compiled = jax.jit(together)

    def prepare() -> Callable[[], Any]:
        (output, pull), backward = jax.jit(forward)(arrays), jax.jit(pulled)
        return lambda: (output, jax.block_until_ready(backward(pull, given)))

    return Contestant(lambda: jax.block_until_ready(compiled(arrays, given)), prepare)
