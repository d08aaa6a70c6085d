"""What the commands print and write: bold and indented text in a terminal, formulas in one line, files and folders."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from derive.derivation import Derivation
from derive.errors import InputError
from derive.files import write_whole
from derive.notation import find_notation
from derive.printing import plain_text
from derive.rendering import BOLD, RESET


def find_folder(text: str, what: str) -> Path:
    """Return a folder, made where there is none in one that is there; ``what`` is to be done in it.

    Raises:
        InputError: it is none, or can not be made.
    """
    folder = Path(text)
    if not text or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{text!r} is no folder; name one to {what} into")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {text}: {error.strerror}") from error
    return folder


def write_file(path: str, text: str) -> int:
    """Write a whole file or none; ``-`` is standard output."""
    if path == "-":
        sys.stdout.write(text)
        return 0
    write_whole(path, text)
    print(f"wrote {path}")
    return 0


def as_called() -> str:
    """What to type for this command: its name where the shell finds it, otherwise its path."""
    called = Path(sys.argv[0])
    if called.name != "derive" or shutil.which("derive") == str(called):
        return "derive" if called.name == "derive" else "python -m derive"
    return os.path.relpath(called)


def colours() -> bool:
    """Whether standard output shows colours: it is a terminal, and nobody asked for none."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def bold(text: str) -> str:
    """Return text that is bold in a terminal."""
    return f"{BOLD}{text}{RESET}" if colours() else text


def indented(text: str, columns: int = 2) -> str:
    r"""Return text with its lines set in.

    Example:
        >>> indented("a\n\nb")
        '  a\n\n  b'
    """
    return "\n".join(f"{' ' * columns}{line}".rstrip() for line in text.splitlines())


def plain_line(derivation: Derivation, notation: str) -> str:
    """The result of a derivation as one line."""
    written = find_notation(notation, derivation.operation)
    return f"{plain_text(derivation.target, written)} = {plain_text(derivation.result, written)}"
