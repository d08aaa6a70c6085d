"""The command line: ``derive tour | list | show | latex | code | verify``.

Exit status: 0 when all went well, 1 when a verification fails, 2 for a mistake in what was typed.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sympy

from derive import __version__, catalogue, find, jacobian, vjp
from derive.derivation import Derivation
from derive.errors import DeriveError, InputError
from derive.functions import Maximum, Minimum, Where
from derive.indices import Bracket
from derive.notation import find_notation, known_notations
from derive.printing import plain_text
from derive.record import Operation
from derive.rendering import BOLD, RESET, latex_document, latex_section
from derive.sums import IndexArgmax, IndexMax

if TYPE_CHECKING:
    from codegen.verification import Numbers
    from derive.verification import GradientCheck

NAME_HELP = 'a name from `derive list`, or a definition such as "y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.stdout is None:
        print("derive: standard output is closed; there is nowhere to write", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal that has no ȳ shows a question mark.
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"derive: cannot write: {error.strerror}", file=sys.stderr)
        return 2
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
            "--given", metavar="FACT", action="append", default=[], help='a fact to use, such as "sum(t[n,k], k) = 1"'
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
    for name in _wrt_names(operation, options.wrt):
        for derive in _kinds(operation, steps=False):
            print(_indented(plain_line(derive(operation, name, options.given), options.notation)))
            for fact in record.facts if not options.given else ():
                shorter = derive(operation, name, [fact])
                if shorter.assumptions:
                    print(f"      given {fact}:  {plain_line(shorter, options.notation)}")
    if record.source:
        print(f"\n  source: {record.source}")
    return 0


def run_latex(options: argparse.Namespace) -> int:
    """Print derivations as LaTeX; in a file, as a document that compiles on its own."""
    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    derivations = [
        derive(operation, name, options.given)
        for name in _wrt_names(operation, options.wrt)
        for derive in _kinds(operation, options.steps)
    ]
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
    """Prove an operation's gradients, hold the generated code against numbers, and say what came out."""
    from derive.verification import verify

    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    print(_bold(operation.name) + (f"  {operation.record.title}" if operation.record.title else ""))
    for definition in operation.definitions:
        print(f"  {plain_text(definition.target, notation)} = {plain_text(definition.body, notation)}")
    checks = verify(operation)
    for check in checks:
        print()
        _print_check(check, options)
    from codegen.verification import compare_numbers

    numbers = compare_numbers(operation)
    print()
    _print_numbers(numbers)
    holds = all(check.holds for check in checks) and numbers.holds
    print()
    print(_bold("proved" if holds else "NOT proved"))
    return 0 if holds else 1


def _print_check(check: GradientCheck, options: argparse.Namespace) -> None:
    derivation = check.derivation
    sizes = _for_every_size(derivation.operation)
    print(_bold(derivation.title))
    if options.steps:
        print(_indented(derivation.text(options.notation, colour=_colours())))
    print(_indented(plain_line(derivation, options.notation)))
    print(f"  {len(derivation.steps)} steps, both sides of each evaluated at random values: equal")
    print(f"  {check.proof.verdict}: it is the derivative of the whole expression, {sizes}{_except_kinks(derivation)}")
    for simplification in check.simplifications:
        shorter = simplification.derivation
        print(f"\n  given {simplification.fact}:")
        print(_indented(plain_line(shorter, options.notation), 4))
        print(f"    {simplification.proof.verdict} under this assumption, {sizes}")
        if simplification.without.counterexample is not None:
            print("    without it refuted: the shorter form (left) and the derived one (right) differ")
            print(_indented(simplification.without.counterexample.text(), 6))


def _print_numbers(numbers: Numbers) -> None:
    print(_bold("generated code, float64"))
    for comparison in numbers.comparisons:
        verdict = "agrees" if comparison.holds else "DIFFERS"
        print(f"  {verdict} with {comparison.what}: largest difference {comparison.difference:.1e}")
    for size, ratio in numbers.ratios:
        print(f"  time of the separate backward passes over the combined one, {size}: {ratio:.2f}")


def run_tour(options: argparse.Namespace) -> int:
    """Show the whole way, from a definition to a checked backward pass."""
    from codegen.tour import tour_lines

    for line in tour_lines(_bold):
        print(line)
    print(f"\n{_bold('derive verify softmax-cce')}")
    status: int = main(["verify", "softmax-cce"])
    print(f"\n{_bold('Your turn')}")
    command = _as_called()
    print(f'  {command} show "y[n,k] = x[n,k] / sqrt(sum(x[n,j]**2, j))"')
    print(f"  {command} latex softmax --wrt x --steps -o softmax.tex")
    print(f"  {command} code softmax-cce dense relu -o layers.py")
    return status


# -- helpers ----------------------------------------------------------------------------------------------------------


def _wrt_names(operation: Operation, wrt: str | None) -> list[str]:
    """The inputs to differentiate by: the one named, or all that are not labels."""
    names = [tensor.name for tensor in operation.differentiable] if wrt is None else [operation.input(wrt).name]
    if not names:
        raise InputError(f"{operation.name} has only labels as inputs; there is nothing to differentiate by")
    return names


def _kinds(operation: Operation, steps: bool) -> tuple[Callable[..., Derivation], ...]:
    """What to derive: a loss's derivative; otherwise the product with the upstream gradient, and without steps both."""
    if operation.output.tensor.rank == 0 and not operation.is_elementwise:
        return (jacobian,)
    return (vjp,) if steps else (jacobian, vjp)


def _write(path: str, text: str) -> int:
    """Write a whole file or none."""
    target = Path(path).resolve()
    try:
        if target.exists() and not target.is_file():  # A device or a pipe is written to, not replaced.
            target.write_text(text, encoding="utf-8")
            return 0
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


def _as_called() -> str:
    """What to type for this command: its name where the shell finds it, otherwise its path."""
    called = Path(sys.argv[0])
    if called.name != "derive" or shutil.which("derive") == str(called):
        return "derive" if called.name == "derive" else "python -m derive"
    return os.path.relpath(called)


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _bold(text: str) -> str:
    return f"{BOLD}{text}{RESET}" if _colours() else text


def _indented(text: str, columns: int = 2) -> str:
    return "\n".join(f"{' ' * columns}{line}".rstrip() for line in text.splitlines())


def plain_line(derivation: Derivation, notation: str) -> str:
    """The result of a derivation as one line."""
    written = find_notation(notation, derivation.operation)
    return f"{plain_text(derivation.target, written)} = {plain_text(derivation.result, written)}"


def _except_kinks(derivation: Derivation) -> str:
    """What is said of the places where there is no derivative."""
    kinks = (Maximum, Minimum, Where, Bracket, IndexMax, IndexArgmax, sympy.Abs, sympy.sign)
    if not any(definition.body.atoms(*kinks) for definition in derivation.operation.definitions):
        return ""
    return "; at a kink or tie it is one of the sides'"


def _for_every_size(operation: Operation) -> str:
    names = [str(symbol) for symbol in operation.sizes]
    return f"for every {' and '.join(names)}" if names else "for every value"


if __name__ == "__main__":
    sys.exit(main())
