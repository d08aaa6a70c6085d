"""The commands ``derive verify`` and ``derive prove``: gradients and claims are decided, and the verdict is printed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from derive import find, prove
from derive.derivation import Derivation
from derive.errors import InputError
from derive.notation import find_notation
from derive.options import SECONDS
from derive.printing import plain_text
from derive.proof import PROVED, REFUTED, UNDECIDED
from derive.pullback import inputs_of
from derive.rendering import count_of_lines
from derive.terminal import bold, colours, indented, plain_line

if TYPE_CHECKING:
    from codegen.verification import Numbers
    from derive.verification import GradientCheck

#: What a shell is told of a claim; 2 is for mistakes in what was typed.
EXIT_STATUS = {PROVED: 0, REFUTED: 1, UNDECIDED: 3}


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
    print(bold(operation.name) + (f"  {operation.record.title}" if operation.record.title else ""))
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
    print(bold("proved" if holds else "NOT proved"))
    return 0 if holds else 1


def _run_claim(options: argparse.Namespace) -> int:
    """Hold a hand-derived gradient against the derived one."""
    from derive.gradient_claims import check_claim

    find_notation(options.notation)
    seconds = options.seconds or SECONDS
    check = check_claim(options.name, options.wrt, options.claim, options.given, seconds, options.output)
    print(check.text(options.notation))
    if options.steps:
        print(f"\n{check.derivation.text(options.notation, colour=colours())}")
    return EXIT_STATUS[check.verdict]


def run_prove(options: argparse.Namespace) -> int:
    """Decide an equation and say what came out."""
    find_notation(options.notation)
    proof = prove(options.claim, options.where, options.given, options.seconds or SECONDS)
    print(proof.text(options.notation, options.steps, colours()))
    return EXIT_STATUS[proof.verdict]


def _print_check(check: GradientCheck, options: argparse.Namespace) -> None:
    from derive.verification import scope_text

    derivation = check.derivation
    scope = scope_text(list(map(str, derivation.operation.sizes)), check.proof.conditions)
    print(bold(derivation.title))
    if options.steps:
        print(indented(derivation.text(options.notation, colour=colours())))
    print(indented(plain_line(derivation, options.notation)))
    print(f"  {count_of_lines(derivation)} steps, both sides of each evaluated at random values: equal")
    print(f"  {check.proof.verdict}: it is the derivative of the whole expression, {scope}{_except_kinks(derivation)}")
    for simplification in check.simplifications:
        shorter = simplification.derivation
        print(f"\n  given {simplification.fact}:")
        print(indented(plain_line(shorter, options.notation), 4))
        print(f"    {simplification.proof.verdict} under this assumption, {scope}")
        if simplification.without.counterexample is not None:
            print("    without it refuted: the shorter form (left) and the derived one (right) differ")
            print(indented(simplification.without.counterexample.text(), 6))


def _print_numbers(numbers: Numbers) -> None:
    print(bold("generated code, float64"))
    for comparison in numbers.comparisons:
        verdict = "agrees" if comparison.holds else "DIFFERS"
        where = f", {comparison.sizes}" if comparison.sizes else ""
        print(f"  {verdict} with {comparison.what}{where}: largest difference {comparison.difference:.1e}")
    for size, ratio in numbers.ratios:
        print(f"  time of the separate backward passes over the combined one, {size}: {ratio:.2f}")


def _except_kinks(derivation: Derivation) -> str:
    """What is said of the places where there may be no derivative: max(x, 0) takes a side's there, abs(x) neither's."""
    from derive.verification import has_kinks

    said = "; at a kink or tie, where there may be none, its value is a convention"
    return said if has_kinks(derivation.operation) else ""
