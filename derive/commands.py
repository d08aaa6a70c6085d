"""What each command of the command line does; ``derive.__main__`` reads what was typed."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from derive import find, hessian, hvp, jacobian, prove, vjp
from derive.catalogue import matching, nearest_word, records
from derive.derivation import Derivation
from derive.errors import InputError
from derive.files import write_whole
from derive.indices import INCOMING, Tensor
from derive.notation import Notation, find_notation
from derive.options import SECONDS
from derive.printing import leading_note, plain_text, shape_text
from derive.proof import PROVED, REFUTED, UNDECIDED
from derive.pullback import by_parts, inputs_of, is_long
from derive.record import Operation
from derive.rendering import BOLD, RESET, count_of_lines, latex_document, latex_section

if TYPE_CHECKING:
    from codegen.verification import Numbers
    from derive.verification import GradientCheck

#: What a shell is told of a claim; 2 is for mistakes in what was typed.
EXIT_STATUS = {PROVED: 0, REFUTED: 1, UNDECIDED: 3}


def run_list(options: argparse.Namespace) -> int:
    """Print the catalogue by groups, or what of it has all the words in its name, group or title."""
    chosen = matching(options.word) if options.word else list(records().values())
    if not chosen:
        lacking = [word for word in options.word if not matching([word])]
        near = [each for word in lacking if (each := nearest_word(word))]
        meant = f"; did you mean {' and '.join(near)}?" if near else ""
        raise InputError(f"no operation has {' and '.join(options.word)} in its name, group or title{meant}")
    width = max(len(record.name) for record in chosen)
    for place, (group, members) in enumerate(groupby(chosen, key=lambda record: record.group)):
        print(f"{chr(10) * bool(place)}{_bold(group)}")
        for record in members:
            first, *others = map(str.strip, record.definition.replace("\n", ";").strip("; ").split(";"))
            print(f"  {record.name:<{width}}  {first}")
            for line in others:
                print(f"  {'':<{width}}  {line}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print an operation: definition, shapes, facts and gradients."""
    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    record = operation.record
    gradients = list(_gradient_lines(operation, options))  # What was typed wrongly is said before anything is printed.
    print(_bold(operation.name) + (f"  {record.title}" if record.title else ""))
    print()
    for definition in operation.definitions:
        print(f"  {plain_text(definition.target, notation)} = {plain_text(definition.body, notation)}")
    print()
    for tensor in operation.inputs:
        print(f"  {tensor.name}: {_input_text(operation, tensor)}")
    for symbol in operation.parameters:
        default = record.defaults.get(symbol.name)
        print(f"  {symbol}: a whole number{f', {default} where it is left out' if default else ''}")
    for line in _output_lines(operation, notation):
        print(f"  {line}")
    if operation.leading is not None:
        print(f"  {leading_note(operation)}")
    for fact in record.facts:
        print(f"  usually {fact}")
    print()
    for line in gradients:
        print(_indented(line))
    if record.source:
        print(f"\n  source: {record.source}")
    return 0


def _gradient_lines(operation: Operation, options: argparse.Namespace) -> Iterator[str]:
    """The gradients, each by itself; those of a large operation by its parts."""
    _check_together(options)
    names = _wrt_names(operation, options.wrt)
    parts = _parts_to_show(operation, names, options)
    if parts is not None:
        facts = operation.record.facts if not options.given else ()
        by_fact = {fact: {each.target: each for each in by_parts(operation, names, [fact])} for fact in facts}
        for part in parts:
            yield plain_line(part, options.notation)
            for fact, others in by_fact.items():
                shorter = others.get(part.target)
                if shorter is not None and shorter.assumptions:
                    yield f"    given {fact}:  {plain_line(shorter, options.notation)}"
        return
    for name in names:
        for derive in _kinds(operation, False, options.output):
            yield plain_line(derive(operation, name, options.given), options.notation)
            for fact in operation.record.facts if not options.given else ():
                shorter = derive(operation, name, [fact])
                if shorter.assumptions:
                    yield f"    given {fact}:  {plain_line(shorter, options.notation)}"


def _parts_to_show(
    operation: Operation, names: Sequence[str], options: argparse.Namespace
) -> tuple[Derivation, ...] | None:
    """The backward pass by its parts where it is asked for so, or is too long to be read otherwise."""
    parts = by_parts(operation, names, options.given)
    return parts if options.parts or (options.output is None and is_long(operation, parts)) else None


def _input_text(operation: Operation, tensor: Tensor) -> str:
    """What an input is: its shape, and what else there is to say."""
    if tensor in operation.settings:
        return f"a number, {operation.record.defaults[tensor.name]} where it is left out"
    one = "a scalar, or an array of any shape" if operation.is_elementwise else "a scalar"
    shape = shape_text(operation, tensor) if tensor.sizes else one
    if tensor.values is not None:
        return f"{shape}, whole numbers below {tensor.values}"
    return f"{shape}, data" if tensor in operation.labels else shape


def _output_lines(operation: Operation, notation: Notation) -> Iterator[str]:
    """What there is to say of several outputs: their names, and what comes in through those that feed others."""
    if len(operation.outputs) > 1:
        yield f"outputs: {', '.join(output.tensor.name for output in operation.outputs)}"
    for tensor in operation.upstreams:
        if tensor.role == INCOMING:
            part = notation.plain_gradient(tensor.name, incoming=True)
            whole = notation.plain_gradient(tensor.name)
            yield f"{part} is what comes in through {tensor.name} alone, {whole} its whole gradient"


def run_hessian(options: argparse.Namespace) -> int:
    """Print second derivatives of a loss, block by block, and the product of each with a direction."""
    operation = find(options.name)
    find_notation(options.notation)
    facts = () if options.given else operation.record.facts
    for place, derivation in enumerate(_second_derivatives(operation, options, options.given)):
        if options.steps:
            print("\n" * bool(place) + derivation.text(options.notation, colour=_colours()))
        else:
            print("\n" * bool(place) + _bold(derivation.title))
            print(_indented(derivation.text(options.notation, steps=False)))
        for fact in facts:
            shorter = _second_derivatives(operation, options, [fact])[place]
            if shorter.assumptions:
                print(_indented(shorter.text(options.notation, steps=False)))
    return 0


def _second_derivatives(operation: Operation, options: argparse.Namespace, given: Iterable[str]) -> list[Derivation]:
    """The Hessian and its product with a direction, by each input or the one named; or the mixed block of two."""
    also = getattr(options, "also", None)
    if also is not None:
        if options.wrt is None:
            raise InputError(f"--and {also!r} names the second input of a mixed block; name the first one with --wrt")
        return [hessian(operation, options.wrt, also, given)]
    names = _wrt_names(operation, options.wrt)
    return [derive(operation, name, given=given) for name in names for derive in (hessian, hvp)]


def run_latex(options: argparse.Namespace) -> int:
    """Print derivations as LaTeX; in a file, as a document that compiles on its own."""
    operation = find(options.name)
    find_notation(options.notation)
    _check_together(options)
    names = _wrt_names(operation, options.wrt)
    derivations: Sequence[Derivation]
    if options.hessian:
        derivations = _second_derivatives(operation, options, options.given)
    elif (parts := _parts_to_show(operation, names, options)) is not None:
        derivations = parts
    else:
        kinds = _kinds(operation, options.steps, options.output)
        derivations = [derive(operation, name, options.given) for name in names for derive in kinds]
    if options.file is None:
        print("\n\n".join(derivation.latex(options.notation, options.steps) for derivation in derivations))
        return 0
    sections: list[str] = []
    for place, each in enumerate(derivations):  # What was defined in the section before is not defined again.
        is_new = place == 0 or each.operation != derivations[place - 1].operation
        sections.append(latex_section(each, find_notation(options.notation, each.operation), options.steps, is_new))
    return _write(options.file, latex_document(sections, operation.name))


def run_code(options: argparse.Namespace) -> int:
    """Print a standalone NumPy module, or a C file."""
    import codegen

    if options.general and options.given:
        raise InputError("--general takes nothing for granted, and --given a fact; use one of them")
    text = codegen.source(
        *options.name,
        wrt=options.wrt or None,
        given=() if options.general else options.given or None,
        hvp=options.hvp,
        target=options.target,
        notation=options.notation,
    )
    if options.file is None:
        sys.stdout.write(text)
        return 0
    return _write(options.file, text)


def run_pages(options: argparse.Namespace) -> int:
    """Write the catalogue's pages into a folder."""
    from codegen.pages import operation_page, pages

    chosen = [(find(name).name, operation_page(find(name))) for name in options.name]
    folder = find_folder(options.folder, "write the pages")
    for name, text in chosen if options.name else pages():
        _write(str(folder / f"{name}.md"), text)
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Prove an operation's gradients, hold the generated code against numbers, and say what came out."""
    from derive.verification import verify

    if options.claim is not None:
        return _run_claim(options)
    if any(getattr(options, name) not in (None, []) for name in ("wrt", "output", "given", "seconds")):
        with_claim = "--wrt, --output, --given and --seconds go with --claim"
        raise InputError(f"{with_claim}; without a claim every gradient is verified")
    operation = find(options.name)
    notation = find_notation(options.notation, operation)
    inputs_of(operation)
    checks = verify(operation)
    print(_bold(operation.name) + (f"  {operation.record.title}" if operation.record.title else ""))
    for definition in operation.definitions:
        print(f"  {plain_text(definition.target, notation)} = {plain_text(definition.body, notation)}")
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


def _run_claim(options: argparse.Namespace) -> int:
    """Hold a hand-derived gradient against the derived one."""
    from derive.gradient_claims import check_claim

    find_notation(options.notation)
    seconds = options.seconds or SECONDS
    check = check_claim(options.name, options.wrt, options.claim, options.given, seconds, options.output)
    print(check.text(options.notation))
    if options.steps:
        print(f"\n{check.derivation.text(options.notation, colour=_colours())}")
    return EXIT_STATUS[check.verdict]


def run_prove(options: argparse.Namespace) -> int:
    """Decide an equation and say what came out."""
    find_notation(options.notation)
    proof = prove(options.claim, options.where, options.given, options.seconds or SECONDS)
    print(proof.text(options.notation, options.steps, _colours()))
    return EXIT_STATUS[proof.verdict]


def run_pairs(options: argparse.Namespace) -> int:
    """Print the canonical pairs of activations and losses."""
    from derive.pairs import pairs_lines

    for line in pairs_lines(_bold):
        print(line)
    return 0


def _print_check(check: GradientCheck, options: argparse.Namespace) -> None:
    from derive.verification import scope_text

    derivation = check.derivation
    scope = scope_text(list(map(str, derivation.operation.sizes)), check.proof.conditions)
    print(_bold(derivation.title))
    if options.steps:
        print(_indented(derivation.text(options.notation, colour=_colours())))
    print(_indented(plain_line(derivation, options.notation)))
    print(f"  {count_of_lines(derivation)} steps, both sides of each evaluated at random values: equal")
    print(f"  {check.proof.verdict}: it is the derivative of the whole expression, {scope}{_except_kinks(derivation)}")
    for simplification in check.simplifications:
        shorter = simplification.derivation
        print(f"\n  given {simplification.fact}:")
        print(_indented(plain_line(shorter, options.notation), 4))
        print(f"    {simplification.proof.verdict} under this assumption, {scope}")
        if simplification.without.counterexample is not None:
            print("    without it refuted: the shorter form (left) and the derived one (right) differ")
            print(_indented(simplification.without.counterexample.text(), 6))


def _print_numbers(numbers: Numbers) -> None:
    print(_bold("generated code, float64"))
    for comparison in numbers.comparisons:
        verdict = "agrees" if comparison.holds else "DIFFERS"
        where = f", {comparison.sizes}" if comparison.sizes else ""
        print(f"  {verdict} with {comparison.what}{where}: largest difference {comparison.difference:.1e}")
    for size, ratio in numbers.ratios:
        print(f"  time of the separate backward passes over the combined one, {size}: {ratio:.2f}")


def run_tour(options: argparse.Namespace) -> int:
    """Show the whole way, from a definition to a checked backward pass."""
    from codegen.tour import tour_lines

    for line in tour_lines(_bold):
        print(line)
    print(f"\n{_bold('derive verify softmax-cce')}")
    status = run_verify(
        argparse.Namespace(
            name="softmax-cce", notation="bar", steps=False, claim=None, wrt=None, output=None, given=[], seconds=None
        )
    )
    print(f"\n{_bold('Your turn')}")
    command = _as_called()
    print(f'  {command} show "y[n,k] = x[n,k] / sqrt(sum(x[n,j]**2, j))"')
    print(f"  {command} latex softmax --wrt x --steps -o softmax.tex")
    print(f"  {command} code softmax-cce dense relu -o layers.py")
    return status


# -- helpers ----------------------------------------------------------------------------------------------------------


def _wrt_names(operation: Operation, wrt: str | None) -> list[str]:
    """The inputs to differentiate by: the one named, or all that are not labels."""
    return [tensor.name for tensor in inputs_of(operation)] if wrt is None else [operation.input(wrt).name]


def _check_together(options: argparse.Namespace) -> None:
    """Check that what is asked for is one thing: second derivatives, parts, or the Jacobian of one output."""
    named = [f"--{option}" for option in ("hessian", "parts", "output") if getattr(options, option, False)]
    if len(named) > 1:
        raise InputError(f"{' and '.join(named)} do not go together; give one of them")


def _kinds(operation: Operation, steps: bool, output: str | None) -> tuple[Callable[..., Derivation], ...]:
    """What to derive: a loss's derivative; otherwise the product with the upstream gradient, and without steps both.

    Of several outputs each has its Jacobian; where an output is named, its Jacobian alone is meant.
    """
    if output is not None or operation.is_loss:
        return (partial(jacobian, output=operation.output_called(output).tensor.name),)
    jacobians = [partial(jacobian, output=each.tensor.name) for each in operation.outputs]
    return (vjp,) if steps else (*jacobians, vjp)


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


def _write(path: str, text: str) -> int:
    """Write a whole file or none; ``-`` is standard output."""
    if path == "-":
        sys.stdout.write(text)
        return 0
    write_whole(path, text)
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
    """What is said of the places where there may be no derivative: max(x, 0) takes a side's there, abs(x) neither's."""
    from derive.verification import has_kinks

    return (
        "; at a kink or tie, where there may be none, its value is a convention"
        if has_kinks(derivation.operation)
        else ""
    )
