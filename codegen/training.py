"""Training of a network: gradients, steps of an optimiser, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from codegen.networks import Network
from codegen.optimisers import Optimiser
from derive.errors import InputError

#: So many times at most the loss and the accuracy are written down.
MOST_ENTRIES = 500


@dataclass
class History:
    """What came of training: after so many steps, the loss and the accuracy.

    Attributes:
        steps: how many steps had been made, from 0 to all of them.
        losses: of the whole data.
        accuracies: the same, empty where there are no classes.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)


#: What is told of progress: how many steps there have been, the loss, and the accuracy where there is one.
Report = Callable[[int, float, float | None], None]


def train(
    network: Network,
    x: ArrayLike,
    *labels: ArrayLike,
    optimiser: Optimiser,
    epochs: int,
    report: Report | None = None,
) -> History:
    """Change a network's parameters by the gradients of its loss over the whole data, a step an epoch.

    Args:
        network: it ends with a loss.
        x, labels: the data, as its ``loss`` takes them.
        optimiser: what makes the steps.
        epochs: how many.
        report: is called with what is written down, some hundred times at most.

    Raises:
        InputError: arrays that do not fit, or the loss is no longer a number.

    Example:
        >>> from codegen.networks import network
        >>> from codegen.optimisers import SGD
        >>> net = network("dense(1,1) > mse", seed=0)
        >>> history = train(net, [[1.0], [2.0]], [[3.0], [5.0]], optimiser=SGD(0.1), epochs=500)
        >>> print(net.parameters["w1"].round(2), net.parameters["b1"].round(2), f"{history.losses[-1]:.4f}")
        [[2.]] [1.] 0.0000
    """
    if not callable(getattr(optimiser, "step", None)):
        raise InputError(f"optimiser makes the steps: SGD(0.1), Momentum(0.1), Adam(0.05), and not {optimiser!r}")
    if not isinstance(epochs, Integral) or epochs < 0:
        raise InputError(f"epochs is a whole number of at least 0, not {epochs!r}")
    history = History()
    every = max(1, epochs // MOST_ENTRIES)
    for epoch in range(epochs + 1):
        with np.errstate(all="ignore"):  # What overflows is said once, below.
            loss = float(network.loss(x, *labels))
        if not math.isfinite(loss):
            raise InputError(f"after {epoch} steps the loss is no longer a number; a smaller rate may help")
        if epoch % every == 0 or epoch == epochs:
            accuracy = network.accuracy(x, *labels) if network.has_classes else None
            history.steps.append(epoch)
            history.losses.append(loss)
            if accuracy is not None:
                history.accuracies.append(accuracy)
            if report is not None:
                report(epoch, loss, accuracy)
        if epoch < epochs:
            with np.errstate(all="ignore"):
                optimiser.step(network.parameters, network.backward())
    return history
