"""Decision regions: what class a network gives each point of the plane, and the points it was trained on."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from codegen.figures.picture import Picture
from codegen.figures.style import CLASSES, INK, new_figure, styled
from codegen.networks import Network
from derive.errors import InputError

#: So many points of a grid along each axis, and how far it reaches beyond the data.
GRID, MARGIN = 300, 0.08
#: How light the regions are, from 0, black, to 1: in grey the first ones differ in this, the others in their hatching.
LIGHTNESS = (0.68, 0.86, 0.77, 0.94)
#: How much red, green and blue count in grey, and how much of its colour the hatching has.
GREY, HATCHING = (0.299, 0.587, 0.114), 0.9


def regions(network: Network, x: ArrayLike, labels: ArrayLike) -> Picture:
    """Draw the class that a network gives each point of the plane, with points and their classes on it.

    Args:
        network: it takes two numbers, samples in rows, and ends with a loss of classes.
        x: (N, 2)
        labels: (N,), the classes as numbers.

    Raises:
        InputError: the network has no classes or more than ten, or the data are not points of a plane.

    Example:
        >>> from codegen.networks import network
        >>> net = network("dense(2,2) > softmax > cce", seed=0)
        >>> regions(net, [[0.0, 1.0], [1.0, 0.0]], [0, 1]).title
        'Decision regions'
    """
    points, classes = np.asarray(x, dtype=float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError(f"regions are drawn for points of a plane, of shape (N, 2), not {points.shape}")
    if classes.shape != points.shape[:1] or classes.dtype.kind not in "iu":
        raise InputError("the labels of regions are class numbers, one for each point")
    accuracy = network.accuracy(points, classes)
    across, up = (_grid(column) for column in points.T)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    scores = network.forward(plane)
    count = scores.shape[-1]
    if count > len(CLASSES):
        raise InputError(
            f"regions are drawn of at most {len(CLASSES)} classes, which can be told apart, and the network has {count}"
        )
    given = scores.argmax(axis=-1).reshape(len(up), len(across))
    looks = CLASSES[:count]
    colours = [look["color"] for look in looks]
    edges = np.arange(count + 1) - 0.5
    with styled():
        figure = new_figure(6.4, 5.4)
        axis = figure.subplots()
        axis.grid(False)
        shades = [_as_light(colour, wanted) for colour, wanted in zip(colours, cycle(LIGHTNESS), strict=False)]
        hatches = [look["hatch"] or None for look in looks]
        filled = axis.contourf(across, up, given, levels=edges, colors=shades, hatches=hatches)
        filled.set_edgecolor([_lightened(colour, HATCHING) for colour in colours])  # Of the hatching.
        filled.set_linewidth(0.0)
        for number in range(count - 1):
            if given.min() <= number < given.max():  # There is a border.
                axis.contour(across, up, given <= number, levels=[0.5], colors=INK, linewidths=0.8)
        for number, colour in enumerate(colours):
            own = points[classes == number]
            marker: Any = looks[number]["marker"]
            axis.scatter(
                own[:, 0],
                own[:, 1],
                s=22,
                color=colour,
                marker=marker,
                edgecolors="white",
                linewidths=0.5,
                label=str(number),
            )
        axis.set_aspect("equal")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(5))
        axis.set_xlabel("$x_0$")
        axis.set_ylabel("$x_1$")
        axis.set_title(f"Decision regions, accuracy {accuracy:.1%}")
        axis.legend(title="class", loc="upper left", bbox_to_anchor=(1, 1))
    shares = ", ".join(f"class {number} {np.mean(given == number):.0%}" for number in range(count))
    told = f"{len(points)} points of {count} classes in the plane, {accuracy:.1%} of them in the region of their class"
    return Picture(figure, "Decision regions", f"{told}. Of the area drawn: {shares}.")


def _grid(values: Any) -> Any:
    low, high = values.min(), values.max()
    beyond = MARGIN * (high - low) or 1.0
    return np.linspace(low - beyond, high + beyond, GRID)


def _as_light(colour: str, wanted: float) -> Any:
    """A colour with so much white that it is as light as wanted."""
    own = float(np.dot(GREY, to_rgb(colour)))
    return _lightened(colour, (1 - wanted) / (1 - own))


def _lightened(colour: str, shade: float) -> Any:
    return tuple(1 - shade * (1 - part) for part in to_rgb(colour))
