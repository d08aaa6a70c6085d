"""The command ``derive report``: a document on operations, in a file of the format that its ending names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from derive.errors import InputError


def add_report(verbs: Any) -> None:
    """Add the command to a parser."""
    report = verbs.add_parser(
        "report",
        help="a document: definitions, derivations, proofs, code and pictures",
        description="Writes a document on operations: HTML that needs nothing else, Markdown, LaTeX or a notebook.",
    )
    report.add_argument("name", metavar="NAME", nargs="+", help="a name from `derive list`, or a definition")
    report.add_argument(
        "-o", dest="file", metavar="FILE", help="where to: a name that ends in .html, .md, .tex or .ipynb"
    )
    report.add_argument("--language", default="en", metavar="en|de|zh|fr", help="of the words (default: en)")
    report.add_argument("--notation", default="bar", metavar="bar|leibniz|notebook", help="default: bar")
    report.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Write a report; return the exit status."""
    from codegen.documents import check_format, report

    if options.file is None:
        raise InputError("name the file to write: -o report.html, or a name that ends in .md, .tex or .ipynb")
    check_format(options.file)
    if not Path(options.file).absolute().parent.is_dir():
        raise InputError(f"cannot write {options.file}: there is no folder {Path(options.file).parent}")
    told = _tell if sys.stderr.isatty() else None
    try:
        made = report(*options.name, language=options.language, notation=options.notation, told=told)
    finally:
        if told is not None:
            told("")
    for path in made.save(options.file):
        print(f"wrote {path}")
    return 0


def _tell(text: str) -> None:
    """Show a line on standard error in place of the one before, shortened to what a terminal has; none clears it."""
    shown = f"{text[:76]} …" if len(text) > 76 else f"{text} …" if text else ""
    print(f"\r\033[K{shown}", end="", file=sys.stderr, flush=True)
