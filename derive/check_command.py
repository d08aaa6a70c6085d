"""The command ``derive check``: reads what was typed, has a file checked, and prints the report."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from typing import Any

from derive.arguments import read_literals
from derive.errors import InputError
from derive.options import seconds, whole_number

#: What is said before a file is run; on standard error, so that the report alone is on standard output.
SAYING = "running {} in a process of its own, with a time limit of {:g} s"


def add_check(verbs: Any) -> None:
    """Add the command to a parser."""
    check = verbs.add_parser(
        "check",
        help="hold a backward pass written by hand against derivatives; runs the file",
        description="Runs FILE in a process of its own and holds its backward passes against derivatives. "
        "Exit status: 0 all right, 1 something is wrong, 2 something cannot be checked.",
    )
    check.add_argument("target", metavar="FILE[:NAME]", help="a Python file, and the class or function that is meant")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.add_argument("--seed", type=whole_number, default=0, metavar="S", help="of what is drawn (default: 0)")
    check.add_argument(
        "--as",
        dest="operation",
        metavar="OPERATION",
        help="what it is meant to be: a name from `derive list`, or a network",
    )
    check.add_argument("--args", metavar="NAME=VALUE,...", default="", help='values of arguments: "n_inputs=4, axis=1"')
    check.add_argument("--shapes", metavar="NAME=SHAPE,...", default="", help='shapes of arguments: "x=3x4, w=4x2"')
    check.add_argument("--seconds", type=seconds, default=60.0, metavar="S", help="the time limit (default: 60)")
    check.set_defaults(run=run_check)


def run_check(options: argparse.Namespace) -> int:
    """Check a file; return the exit status."""
    from codegen.checking import check
    from codegen.checking.running import split
    from derive.catalogue import find
    from derive.networks import is_network

    operation = options.operation
    if operation is not None and not is_network(operation):
        if "=" in operation:
            raise InputError(f"--as takes a name from `derive list` or a network, not a definition: {operation!r}")
        operation = find(operation).name
    elif operation is not None:
        find(operation)  # A mistake in it is said before anything is run.
    path, _ = split(options.target)
    args, shapes = read_args(options.args), read_shapes(options.shapes)
    print(SAYING.format(path, options.seconds), file=sys.stderr)
    report = check(
        options.target, operation=operation, seed=options.seed, args=args, shapes=shapes, timeout=options.seconds
    )
    print(report.to_json() if options.json else report.text(sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return report.exit_status


def read_args(text: str, option: str = "--args") -> dict[str, Any]:
    """Return the values that a text gives: ``n=4, axis=-1`` as literals, which are parsed and not evaluated.

    Raises:
        InputError: the text is not of this form.

    Example:
        >>> read_args("n_inputs=4, kernel=(3, 2), mode='train'")
        {'n_inputs': 4, 'kernel': (3, 2), 'mode': 'train'}
    """
    told = f"{option} is NAME=VALUE, separated by commas, the values numbers, texts, tuples or lists, not {text!r}"
    try:
        nameless, named = read_literals(text)
    except ValueError:
        raise InputError(told) from None
    if nameless:
        raise InputError(told)
    return named


def read_shapes(text: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a text gives.

    Raises:
        InputError: the text is not of this form.

    Example:
        >>> read_shapes("x=3x4, b=4")
        {'x': (3, 4), 'b': (4,)}
    """
    shapes = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = re.fullmatch(r"(\w+)\s*=\s*(\d+(?:x\d+)*)", part)
        sizes = tuple(map(int, match[2].split("x"))) if match else ()
        if match is None or min(sizes) < 1 or math.prod(sizes) > 100_000:
            raise InputError(f"--shapes is NAME=SHAPE, separated by commas, such as x=3x4, b=4, not {part!r}")
        shapes[match[1]] = sizes
    return shapes
