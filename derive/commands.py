"""What the commands do that show and write what is derived; ``derive.__main__`` reads what was typed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from derive import find, hessian, hvp, jacobian, vjp
from derive.catalogue import matching, nearest_word, records
from derive.derivation import Derivation
from derive.errors import InputError
from derive.indices import INCOMING, Tensor
from derive.notation import Notation, find_notation
from derive.operation import Operation
from derive.printing import leading_note, plain_text, shape_text
from derive.pullback import by_parts, inputs_of, is_long
from derive.rendering import latex_document, latex_section
from derive.terminal import as_called, bold, colours, find_folder, indented, plain_line, write_file
from derive.verify_command import run_verify


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
        print(f"{chr(10) * bool(place)}{bold(group)}")
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
    print(bold(operation.name) + (f"  {record.title}" if record.title else ""))
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
        print(indented(line))
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
            print("\n" * bool(place) + derivation.text(options.notation, colour=colours()))
        else:
            print("\n" * bool(place) + bold(derivation.title))
            print(indented(derivation.text(options.notation, steps=False)))
        for fact in facts:
            shorter = _second_derivatives(operation, options, [fact])[place]
            if shorter.assumptions:
                print(indented(shorter.text(options.notation, steps=False)))
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
    return write_file(options.file, latex_document(sections, operation.name))


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
    return write_file(options.file, text)


def run_pages(options: argparse.Namespace) -> int:
    """Write the catalogue's pages into a folder."""
    from codegen.pages import operation_page, pages

    chosen = [(find(name).name, operation_page(find(name))) for name in options.name]
    folder = find_folder(options.folder, "write the pages")
    for name, text in chosen if options.name else pages():
        write_file(str(folder / f"{name}.md"), text)
    return 0


def run_pairs(options: argparse.Namespace) -> int:
    """Print the canonical pairs of activations and losses."""
    from derive.pairs import pairs_lines

    for line in pairs_lines(bold):
        print(line)
    return 0


def run_tour(options: argparse.Namespace) -> int:
    """Show the whole way, from a definition to a checked backward pass."""
    from codegen.tour import tour_lines

    for line in tour_lines(bold):
        print(line)
    print(f"\n{bold('derive verify softmax-cce')}")
    status = run_verify(
        argparse.Namespace(
            name="softmax-cce", notation="bar", steps=False, claim=None, wrt=None, output=None, given=[], seconds=None
        )
    )
    print(f"\n{bold('Your turn')}")
    command = as_called()
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
