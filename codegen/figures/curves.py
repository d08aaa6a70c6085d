"""Curves of training: the loss, and the accuracy where there are classes, over the steps."""

from __future__ import annotations

from matplotlib.ticker import MaxNLocator

from codegen.figures.picture import Picture
from codegen.figures.style import line, new_figure, styled
from codegen.training import History
from derive.errors import InputError


def curves(history: History) -> Picture:
    """Draw the loss over the steps, and below it the accuracy.

    Raises:
        InputError: there is nothing to draw.

    Example:
        >>> curves(History([0, 100], [1.1, 0.2], [0.3, 0.9])).alt
        'Loss from 1.100 at the start to 0.200 after 100 steps; accuracy from 30.0% to 90.0%.'
    """
    if not history.steps:
        raise InputError("there is no training to draw; train the network first")
    rows = [("loss", history.losses)] + ([("accuracy", history.accuracies)] if history.accuracies else [])
    with styled():
        figure = new_figure(7, 2.6 * len(rows) + 0.4)
        axes = figure.subplots(len(rows), sharex=True, squeeze=False)[:, 0]
        for place, (axis, (name, values)) in enumerate(zip(axes, rows, strict=True)):
            axis.plot(history.steps, values, **line(place, markers=len(values) == 1))
            axis.set_ylabel(name)
            axis.set_xlim(history.steps[0], max(history.steps[-1], history.steps[0] + 1))
            axis.annotate(
                f"{values[-1]:.1%}" if name == "accuracy" else f"{values[-1]:.3g}",
                (history.steps[-1], values[-1]),
                xytext=(5, 0),
                textcoords="offset points",
                verticalalignment="center",
                annotation_clip=False,
            )
        axes[0].set_ylim(bottom=0)
        if history.accuracies:
            axes[1].set_ylim(0, 1.02)
            axes[1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes[-1].set_xlabel("step")
        axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[0].set_title("Training")
    return Picture(figure, "Loss and accuracy" if history.accuracies else "Loss", _told(history))


def _told(history: History) -> str:
    first, last, steps = history.losses[0], history.losses[-1], history.steps[-1]
    told = f"Loss from {first:.3f} at the start to {last:.3f} after {steps} steps"
    if history.accuracies:
        told += f"; accuracy from {history.accuracies[0]:.1%} to {history.accuracies[-1]:.1%}"
    return f"{told}."
