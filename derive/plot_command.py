"""The command ``derive plot``: draws a computation graph, a curve or a Jacobian into a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from derive.catalogue import find
from derive.check_command import read_args
from derive.errors import InputError
from derive.notation import find_notation, known_notations
from derive.options import whole_number

KINDS = ("graph", "curve", "jacobian")


def add_plot(verbs: Any) -> None:
    """Add the command to a parser."""
    plot = verbs.add_parser(
        "plot",
        help="a picture: a computation graph, a curve with its derivative, a Jacobian",
        description="Draws an operation: as a curve where it is a function of one number, or a loss of "
        "single predictions, as a graph otherwise.",
    )
    plot.add_argument("name", metavar="NAME", help="a name from `derive list`, or a definition")
    plot.add_argument("-o", dest="file", metavar="FILE", help="an .svg or .png file (default: NAME.svg)")
    plot.add_argument("--kind", choices=KINDS, help="what to draw")
    plot.add_argument(
        "--at",
        metavar="NAME=VALUE,...",
        default="",
        help='values of inputs: "x=[1, 2], w=0.5" (default: what is not given is drawn)',
    )
    plot.add_argument("--wrt", metavar="X", help="the input that a Jacobian is by")
    plot.add_argument("--steps", action="store_true", help="a graph after each step back, in files FILE-0, FILE-1, ...")
    plot.add_argument("--seed", type=whole_number, default=0, metavar="S", help="of what is drawn (default: 0)")
    plot.add_argument("--notation", default="bar", metavar="|".join(known_notations()), help="default: bar")
    plot.set_defaults(run=run_plot)


def run_plot(options: argparse.Namespace) -> int:
    """Draw; return the exit status."""
    from codegen import figures
    from codegen.figures.graphs import CAPTION
    from codegen.figures.picture import check_format
    from codegen.figures.places import completed
    from codegen.figures.samples import sampled

    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    kind = options.kind or ("graph" if options.steps or options.at else _usual_kind(operation))
    path = Path(f"{operation.name}.svg" if options.file is None else options.file)
    check_format(path)
    if options.steps and kind != "graph":
        raise InputError(f"--steps is of a graph, and this is a {kind}; leave out one of them")
    if options.wrt and kind != "jacobian":
        raise InputError(f"--wrt is of a Jacobian, and this is a {kind}; add --kind jacobian")
    if options.at and kind == "curve":
        raise InputError("--at is of a graph or a Jacobian; a curve shows an operation at all places")
    values, drawn = read_args(options.at, "--at") or None, ""
    if values is not None:
        values, names = completed(operation, values, options.seed)
        drawn = f"Drawn, as --at does not give them: {', '.join(names)}." if names else ""
    if kind == "curve":
        pictures = [figures.curve(operation)]
    elif kind == "jacobian":
        pictures = [figures.jacobian(operation, values, wrt=options.wrt, seed=options.seed)]
    else:
        if values is None and not any(tensor.sizes for tensor in operation.inputs):
            values = sampled(operation, options.seed)
        caption = "\n".join(filter(None, [CAPTION, drawn]))
        if options.steps:
            pictures = figures.backward_steps(operation, values, notation=notation, caption=caption)
        else:
            pictures = [figures.graph(operation, values, notation=notation, caption=caption)]
    for place, picture in enumerate(pictures):
        target = path.with_stem(f"{path.stem}-{place}") if options.steps else path
        picture.save(target)
        print(f"wrote {target}")
    print(" ".join(filter(None, [pictures[-1].alt, drawn])))
    return 0


def _usual_kind(operation: Any) -> str:
    """A curve of a function of one number and of a loss of single predictions, a graph of anything else."""
    from codegen.figures.losses import of_one_prediction

    tensors = [tensor for tensor in operation.inputs if tensor not in operation.settings]
    is_function = operation.is_elementwise and len(tensors) == 1 and len(operation.outputs) == 1
    return "curve" if is_function or of_one_prediction(operation) else "graph"
