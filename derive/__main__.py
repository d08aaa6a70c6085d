"""The command line: ``derive tour | list | show | latex | code | verify``.

Exit status: 0 when all went well, 1 when a verification fails, 2 for a mistake in what was typed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from derive import __version__, catalogue, find, jacobian, vjp
from derive.derivation import Derivation
from derive.errors import DeriveError, InputError
from derive.notation import BAR, find_notation, known_notations
from derive.printing import operation_text, plain_text
from derive.record import Operation
from derive.rendering import BOLD, CYAN, RESET, latex_document, latex_section

NAME_HELP = "a name from `derive list`, or a definition such as \"y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)\""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="derive", description="Formulas in; derivations, backward passes and proofs out."
    )
    parser.add_argument("--version", action="version", version=f"derivegen {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    tour = commands.add_parser("tour", help="what it does, on softmax with cross-entropy")
    tour.set_defaults(run=run_tour)

    listing = commands.add_parser("list", help="the catalogue")
    listing.set_defaults(run=run_list)

    show = commands.add_parser("show", help="an operation and its gradients")
    show.add_argument("name", metavar="NAME", help=NAME_HELP)
    show.set_defaults(run=run_show)

    latex = commands.add_parser("latex", help="a derivation as LaTeX")
    latex.add_argument("name", metavar="NAME", help=NAME_HELP)
    latex.add_argument("--steps", action="store_true", help="every step, not the result alone")
    latex.set_defaults(run=run_latex)

    code = commands.add_parser("code", help="a standalone NumPy module")
    code.add_argument("name", metavar="NAME", nargs="+", help=NAME_HELP)
    code.set_defaults(run=run_code)

    verify = commands.add_parser("verify", help="prove the gradients and hold the code against them")
    verify.add_argument("name", metavar="NAME", help=NAME_HELP)
    verify.add_argument("--steps", action="store_true", help="show the steps")
    verify.set_defaults(run=run_verify)

    for command in (show, latex, verify):
        command.add_argument("--notation", default="bar", metavar="|".join(known_notations()), help="default: bar")
    for command in (show, latex):
        command.add_argument("--wrt", metavar="X", help="the input to differentiate by; all when left out")
    for command in (show, latex, code):
        command.add_argument(
            "--given", metavar="FACT", action="append", default=[], help="a fact to use, such as \"sum(t[n,k], k) = 1\""
        )
    for command in (latex, code):
        command.add_argument("-o", dest="output", metavar="FILE", help="write to this file instead of the screen")
    return parser


# -- the commands -----------------------------------------------------------------------------------------------------


def run_list(options: argparse.Namespace) -> int:
    """Print the catalogue by groups."""
    group = None
    width = max(len(name) for name in catalogue())
    for operation in catalogue().values():
        if operation.record.group != group:
            group = operation.record.group
            print(f"\n{_bold(group)}" if group != next(iter(catalogue().values())).record.group else _bold(group))
        print(f"  {operation.name:<{width}}  {operation.record.definition}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print an operation: definition, shapes, facts and gradients."""
    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    record = operation.record
    print(_bold(operation.name) + (f"  {record.title}" if record.title else ""))
    print()
    for definition in operation.definitions:
        print(f"  {plain_text(definition.target, notation)} = {plain_text(definition.body, notation)}")
    print()
    for tensor in operation.inputs:
        shape = f"({', '.join(map(str, tensor.sizes))})" if tensor.sizes else "a scalar, or an array of any shape"
        kind = f", whole numbers below {tensor.values}" if tensor.values else ", labels" * (tensor in operation.labels)
        print(f"  {tensor.name}: {shape}{kind}")
    for fact in record.facts:
        print(f"  usually {fact}")
    print()
    for derivation in _derivations(operation, options.wrt, options.given, jacobians=operation.output.tensor.rank > 0):
        print(_indented(derivation.text(options.notation, steps=False)))
    if record.source:
        print(f"\n  source: {record.source}")
    return 0


def run_latex(options: argparse.Namespace) -> int:
    """Print derivations as LaTeX; in a file, as a document that compiles on its own."""
    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    derivations = _derivations(operation, options.wrt, options.given, jacobians=not options.steps)
    if options.output is None:
        print("\n\n".join(derivation.latex(options.notation, options.steps) for derivation in derivations))
        return 0
    parts = [latex_section(derivation, notation, options.steps) for derivation in derivations]
    return _write(options.output, latex_document(parts, operation.name))


def run_code(options: argparse.Namespace) -> int:
    """Print a standalone NumPy module."""
    import codegen

    text = codegen.source(*options.name, given=options.given)
    if options.output is None:
        sys.stdout.write(text)
        return 0
    return _write(options.output, text)


def run_verify(options: argparse.Namespace) -> int:
    """Prove an operation's gradients, hold the generated code against them, and say so."""
    from codegen.verification import report_numbers
    from derive.verification import verify

    operation = find(options.name)
    checks = verify(operation)
    for definition in operation.definitions:
        print(f"  {operation_text(operation) if not operation.definitions else plain_text(definition.target)}"
              f" = {plain_text(definition.body)}")
    for check in checks:
        print()
        derivation = check.derivation
        print(derivation.text(options.notation, steps=options.steps, colour=_colours()))
    numbers = report_numbers(operation)
    print(numbers.text())
    proved = all(check.holds for check in checks) and numbers.holds
    print(_bold("proved" if proved else "not proved"))
    return 0 if proved else 1


def run_tour(options: argparse.Namespace) -> int:
    """Show the whole way, from a definition to a checked backward pass."""
    return 0


# -- helpers ----------------------------------------------------------------------------------------------------------


def _derivations(operation: Operation, wrt: str | None, given: Sequence[str], jacobians: bool) -> list[Derivation]:
    """The Jacobians, if wanted, and the vector-Jacobian products."""
    names = [tensor.name for tensor in operation.differentiable] if wrt is None else [operation.input(wrt).name]
    if not names:
        raise InputError(f"{operation.name} has only labels as inputs; name one with --wrt")
    kinds = (jacobian, vjp) if jacobians else (vjp,)
    return [derive(operation, name, given) for name in names for derive in kinds]


def _write(path: str, text: str) -> int:
    """Write a whole file or none."""
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    print(f"wrote {path}")
    return 0


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _bold(text: str) -> str:
    return f"{BOLD}{text}{RESET}" if _colours() else text


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
