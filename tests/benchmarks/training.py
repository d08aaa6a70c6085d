"""How fast a step of training is: a network's generated module beside NumPy written by hand and torch's eager mode.

Run: ``python tests/benchmarks/training.py [--batch 300] [--hidden 64] [--dtype float32] [--rounds R]``. A step is the
forward pass, the loss, the gradients of all parameters of ``dense(2,64) > relu > dense(64,3) > softmax > cce``, and the
parameters changed by gradient descent. The contestants take turns, in another order each round, and the fastest round
of each counts; one thread, and what is counted is the processor's time. ``network`` is ``codegen.network``, which
checks what it is given and whether labels sum to 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from rows import torch
from speed import SHORTEST, prepare, timed

import codegen
from codegen.datasets import spiral
from codegen.optimisers import SGD

CLASSES = 3
#: So small that the numbers of the rounds stay alike.
RATE = 1e-6
Step = Callable[[], Any]


def by_hand(x: Any, t: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Step:
    """The step as a careful engineer writes it."""

    def step() -> Any:
        z1 = x @ w1 + b1
        h1 = np.maximum(z1, 0)
        z2 = h1 @ w2 + b2
        z2 -= z2.max(axis=1, keepdims=True)
        p = np.exp(z2)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        z2 -= np.log(total)
        loss = -np.vdot(t, z2) / len(x)
        dz2 = (p - t) / len(x)
        dw2 = h1.T @ dz2
        db2 = dz2.sum(axis=0)
        dz1 = dz2 @ w2.T
        dz1 *= z1 > 0
        gradients = x.T @ dz1, dz1.sum(axis=0), dw2, db2
        for parameter, gradient in zip((w1, b1, w2, b2), gradients, strict=True):
            parameter -= RATE * gradient
        return loss, *gradients

    return step


def generated(text: str, x: Any, t: Any, *parameters: Any) -> Step:
    """The step by the functions of a generated module alone."""
    module: dict[str, Any] = {}
    exec(compile(text, "<network>", "exec"), module)
    forward, backward = module["network_forward"], module["network_backward"]
    w2 = parameters[2]

    def step() -> Any:
        loss, z1, h1, p = forward(x, *parameters, t)
        gradients = backward(1.0, w2, z1, h1, p, x, t)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= RATE * gradient
        return loss, *gradients

    return step


def by_torch(x: Any, t: Any, *parameters: Any) -> Step:
    """The step in torch's eager mode; its labels are class numbers, which is what it is fastest with."""
    x, classes = torch.from_numpy(x), torch.from_numpy(t.argmax(axis=1))
    leaves = [torch.from_numpy(each).requires_grad_() for each in parameters]
    optimiser = torch.optim.SGD(leaves, lr=RATE)

    def step() -> Any:
        w1, b1, w2, b2 = leaves
        optimiser.zero_grad()
        hidden = torch.relu(torch.addmm(b1, x, w1))
        loss = torch.nn.functional.cross_entropy(torch.addmm(b2, hidden, w2), classes)
        loss.backward()
        optimiser.step()
        return loss.detach(), *(leaf.grad for leaf in leaves)

    return step


def measure(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Return the seconds of the fastest round of each."""
    seconds = dict.fromkeys(steps, np.inf)
    repeats = {name: max(1, int(SHORTEST / timed(step, 10))) for name, step in steps.items()}
    order = np.random.default_rng(0)
    for turn in range(rounds):
        for name in order.permutation(list(steps)):
            seconds[name] = min(seconds[name], timed(steps[name], repeats[name], 16 * (turn * 53 % 256)))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=300, help="points, a multiple of 3 (default: 300)")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    prepare(1)
    text = f"dense(2,{options.hidden}) > relu > dense({options.hidden},{CLASSES}) > softmax > cce"
    network = codegen.network(text, seed=0, dtype=options.dtype)
    points, labels = spiral(options.batch // CLASSES, CLASSES, seed=0)
    x, t = points.astype(options.dtype), np.eye(CLASSES, dtype=options.dtype)[labels]

    def own() -> list[Any]:
        return [parameter.copy() for parameter in network.parameters.values()]

    optimiser = SGD(RATE)

    def checked() -> Any:
        loss, gradients = network.loss(x, t), network.backward()
        optimiser.step(network.parameters, gradients)
        return loss, *gradients.values()

    steps = {"by hand": by_hand(x, t, *own()), "file": generated(network.source(), x, t, *own()), "network": checked}
    if torch is not None:
        steps["torch"] = by_torch(x, t, *own())
    expected = steps["by hand"]()
    for name, step in steps.items():  # What is not right is not fast.
        for mine, right in zip(step(), expected, strict=True):
            np.testing.assert_allclose(np.asarray(mine), right, rtol=1e-3, atol=1e-6, err_msg=name)
    seconds = measure(steps, options.rounds)
    print(f"{text}, batch {len(x)}, {options.dtype}, one thread")
    for name, each in seconds.items():
        print(f"  {name:<8} {each * 1e6:7.1f} us   {each / seconds['by hand']:.3f} of that by hand")
    if "torch" in seconds:
        print(f"  torch takes {seconds['torch'] / seconds['file']:.2f} times as long as the file")


if __name__ == "__main__":
    main()
