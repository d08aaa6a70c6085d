"""The command ``derive train``: trains a network on points of spirals, says how it goes, and draws what came of it."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from derive.errors import InputError
from derive.options import whole_number
from derive.terminal import find_folder

#: What the network is called that is trained when no other is named.
SPIRAL = "spiral"
#: Its text, but for the number of its neurons.
NETWORK = "dense(2,{hidden}) > relu > dense({hidden},3) > softmax > cce"
HIDDEN = 256
#: More than any spiral needs, and few enough for the memory of any machine.
MOST_HIDDEN = 100_000
#: By an optimiser's name, the rate and the decay that suit the spirals.
RATES = {"sgd": (1.0, 0.0), "momentum": (0.2, 0.0), "adam": (0.05, 1e-3)}
#: So many characters long is the bar, and so many lines are printed where there is none.
BAR, LINES = 30, 10


def add_train(verbs: Any) -> None:
    """Add the command to a parser."""
    train = verbs.add_parser(
        "train",
        help="train a network on three spirals of 100 points",
        description="Trains a network on three spirals of 100 points and prints its loss and accuracy.",
    )
    train.add_argument(
        "network",
        metavar="NETWORK",
        nargs="?",
        default=SPIRAL,
        help=f'spiral, or a network such as "{NETWORK.format(hidden=64)}" (default: spiral)',
    )
    train.add_argument("--epochs", type=whole_number, default=2000, metavar="E", help="steps (default: 2000)")
    train.add_argument(
        "--hidden", type=whole_number, metavar="H", help=f"neurons of spiral's hidden layer (default: {HIDDEN})"
    )
    train.add_argument("--optimiser", choices=RATES, default="adam", help="default: adam")
    train.add_argument("--rate", type=_rate, metavar="R", help="of the first step (default: what suits the spirals)")
    train.add_argument("--seed", type=whole_number, default=0, metavar="S", help="of data and weights (default: 0)")
    train.add_argument("-o", dest="folder", metavar="FOLDER", help="draw curves and decision regions into this folder")
    train.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    """Train a network; return the exit status."""
    from codegen import network
    from codegen.datasets import spiral
    from codegen.optimisers import SGD, Adam, Momentum
    from codegen.training import train

    if options.hidden is not None and options.network != SPIRAL:
        raise InputError("--hidden goes with spiral; the sizes of another network stand in its text")
    hidden = HIDDEN if options.hidden is None else options.hidden
    if not 1 <= hidden <= MOST_HIDDEN:
        raise InputError(f"--hidden is a number of neurons from 1 to {MOST_HIDDEN}, not {hidden}")
    text = NETWORK.format(hidden=hidden) if options.network == SPIRAL else options.network
    x, labels = spiral(seed=options.seed)
    net = network(text, seed=options.seed)
    if net.samples_last:
        raise InputError(f"{text}: the points of the spirals stand in rows; give layers for that, such as dense(2,64)")
    if not net.has_classes:
        raise InputError(f"{text}: the spirals are three classes, so the network has to end with a loss of classes")
    net.loss(x, labels)  # What does not fit is said before anything is printed, or a folder made.
    folder = None if options.folder is None else find_folder(options.folder, "draw")
    rate, decay = RATES[options.optimiser]
    optimiser = {"sgd": SGD, "momentum": Momentum, "adam": Adam}[options.optimiser](options.rate or rate, decay)
    print(f"{text}\n{len(x)} points of 3 spirals, {optimiser}")
    print(net.log)
    start = time.perf_counter()
    show = _bar if sys.stderr.isatty() else _lines
    history = train(net, x, labels, optimiser=optimiser, epochs=options.epochs, report=show(options.epochs))
    seconds = time.perf_counter() - start
    if history.losses[-1] > history.losses[0]:
        print("the loss is larger than it was at first; a smaller --rate may help", file=sys.stderr)
    print(f"loss {history.losses[-1]:.4f}  accuracy {history.accuracies[-1]:.1%}  {seconds:.1f} s")
    if folder is not None:
        from codegen.figures.curves import curves
        from codegen.figures.regions import regions

        _draw(folder, {"curves": curves(history)})
        _draw(folder, {"regions": regions(net, x, labels)})
    return 0


def _draw(folder: Path, pictures: Mapping[str, Any]) -> None:
    """Save pictures by name, each as SVG and as PNG."""
    for name, picture in pictures.items():
        for kind in (".svg", ".png"):
            path = folder / f"{name}{kind}"
            picture.save(path)
            print(f"wrote {path}")


def _bar(epochs: int) -> Callable[[int, float, float | None], None]:
    """Return what draws a bar on standard error, over and over in one line."""

    def report(epoch: int, loss: float, accuracy: float | None) -> None:
        done = BAR * epoch // max(1, epochs)
        told = "" if accuracy is None else f"  accuracy {accuracy:.1%}"
        line = f"\r{'█' * done}{'░' * (BAR - done)} {epoch:>{len(str(epochs))}}/{epochs}  loss {loss:.4f}{told}  "
        print(line, end="\n" if epoch == epochs else "", file=sys.stderr, flush=True)

    return report


def _lines(epochs: int) -> Callable[[int, float, float | None], None]:
    """Return what prints a line now and then."""
    last = -math.inf

    def report(epoch: int, loss: float, accuracy: float | None) -> None:
        nonlocal last
        if epoch - last >= epochs / LINES or epoch in (0, epochs):
            last = epoch
            told = "" if accuracy is None else f"  accuracy {accuracy:.1%}"
            print(f"epoch {epoch:>{len(str(epochs))}}  loss {loss:.4f}{told}")

    return report


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text!r}")
    return rate
