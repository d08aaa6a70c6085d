"""What is typed after a command's name, read: a mistake in it is told in one line and ends with status 2."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from derive.vocabulary import nearest

#: How long a claim is tried where nothing else is said.
SECONDS = 10.0


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line, without the usage of the whole command.

    Example:
        >>> parser = Parser(prog="derive show")
        >>> _ = parser.add_argument("--steps", action="store_true")
        >>> parser.unknown(["--setps", "3"])
        'there is no option --setps; did you mean --steps?'
    """

    def error(self, message: str) -> NoReturn:
        """Print the message and where to read what is expected; end with status 2."""
        print(f"{self.prog}: {message}; `{self.prog} --help` shows what may be typed", file=sys.stderr)
        sys.exit(2)

    def knows(self, typed: str) -> bool:
        """Return whether what is typed is an option, or the beginning of a long one."""
        name = typed.partition("=")[0]
        return any(option == name or (name[2:] and option.startswith(name)) for option in self._option_string_actions)

    def unknown(self, rest: Sequence[str]) -> str:
        """Return what is to be said of arguments that no option takes."""
        option = next((each.partition("=")[0] for each in rest if each.startswith("-") and each != "-"), None)
        if option is None:
            loose = "a formula with spaces is one argument: put it in quotes"
            return f"unrecognized arguments: {' '.join(rest)}; {loose}"
        near = nearest(option, (name for name in self._option_string_actions if name.startswith("--")))
        return f"there is no option {option}" + (f"; did you mean {near}?" if near else "")


def seconds(text: str) -> float:
    """Return a number of seconds above 0 that was typed.

    Raises:
        argparse.ArgumentTypeError: it is none.

    Example:
        >>> seconds("2.5")
        2.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, not {text!r}")
    return number


def whole_number(text: str) -> int:
    """Return a whole number of at least 0 that was typed.

    Raises:
        argparse.ArgumentTypeError: it is none, or has more than nine digits.

    Example:
        >>> whole_number("12")
        12
    """
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, not {text!r}")
    return int(text)
