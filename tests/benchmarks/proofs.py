"""How long the prover takes over the identities of the field, and what it says: every case, and every false twin.

Run: ``python tests/benchmarks/proofs.py [words of names ...] [--seconds S] [--write docs/proofs.md]``. It prints a
table, and with ``--write`` also writes the page. The bounds are those the project holds itself to: a median of 0.3 s a
case and 2 s at most. Machines are noisy, so that nothing fails by its time; a verdict that is not the expected one ends
the command with status 1.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import sympy

from derive import prove
from derive.printing import latex_text
from derive.proof import PROVED, REFUTED, Counterexample, Proof

if TYPE_CHECKING:
    from identities import Case, Twin

COMMAND = "python tests/benchmarks/proofs.py --write docs/proofs.md"
MEDIAN, MOST = 0.3, 2.0
#: A counterexample's values are shown if they take no more letters.
ROOM = 72


@dataclass(frozen=True)
class Run:
    """One claim, what the prover said of it and how long that took."""

    case: Case
    twin: Twin | None
    proof: Proof
    seconds: float

    @property
    def claim(self) -> str:
        return self.twin.claim if self.twin else self.case.claim

    @property
    def is_expected(self) -> bool:
        return self.proof.verdict == (REFUTED if self.twin else PROVED)

    @property
    def name(self) -> str:
        return f"  not: {self.twin.mistake}" if self.twin else self.case.name


def cases() -> tuple[Case, ...]:
    """The identities; their package lies beside this folder, where only pytest finds it by itself."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from identities import CASES

    return CASES


def run(case: Case, twin: Twin | None, seconds: float) -> Run:
    given = case.given if twin is None or twin.given is None else twin.given
    claim = case.claim if twin is None else twin.claim
    start = time.perf_counter()
    proof = prove(claim, where=case.where, given=given, seconds=seconds)
    return Run(case, twin, proof, time.perf_counter() - start)


def runs(cases: Iterable[Case], seconds: float) -> Iterator[Run]:
    prove("x = x")
    for case in cases:
        yield run(case, None, seconds)
        for twin in case.twins:
            yield run(case, twin, seconds)


# -- the terminal -----------------------------------------------------------------------------------------------------


def line(done: Run) -> str:
    mark = " " if done.is_expected else "!"
    given = f"   given {', '.join(done.proof.assumptions)}" if done.proof.assumptions else ""
    return f"{mark} {done.proof.verdict:9} {done.seconds:6.2f}  {done.name:60}  {done.claim}{given}"


def summary(all_runs: list[Run]) -> list[str]:
    lines = []
    for what, some in (("cases", [r for r in all_runs if not r.twin]), ("twins", [r for r in all_runs if r.twin])):
        times = [each.seconds for each in some]
        right = sum(each.is_expected for each in some)
        longest = max(some, key=lambda each: each.seconds)
        lines.append(
            f"{what}: {right} of {len(some)} {'proved' if what == 'cases' else 'refuted'}, "
            f"median {statistics.median(times):.2f} s (bound {MEDIAN}), "
            f"longest {max(times):.2f} s (bound {MOST:.0f}): {longest.case.name}"
        )
    return lines


def machine() -> str:
    return f"Python {sys.version.split()[0]}, SymPy {sympy.__version__}, {len(os.sched_getaffinity(0))} cores"


# -- the page ---------------------------------------------------------------------------------------------------------


def page(all_runs: list[Run]) -> str:
    by_case = [list(group) for _, group in groupby(all_runs, key=lambda each: each.case)]
    lines = [
        "# What the prover proves",
        "",
        "Each identity is proved for every size, and each false twin, which differs by a mistake that people make, is",
        "refuted with numbers. The page is written by",
        "",
        "```sh",
        COMMAND,
        "```",
        "",
        f"on {machine()}:",
        "",
        *(f"- {text}" for text in summary(all_runs)),
        "",
        "How to read the claims: [the index notation](index_notation.md). `diff(L, z[n,k])` is the total derivative",
        "through the definitions. An equation is about the places where both of its sides are defined; where that is",
        "not everywhere, the conditions are stated.",
        "",
    ]
    for group, members in groupby(by_case, key=lambda case_runs: case_runs[0].case.group):
        several = list(members)
        lines += [f"## {group[0].upper()}{group[1:]}", "", "| identity | verdict | given | seconds |"]
        lines += ["|---|---|---|---|", *(row(first) for first, *_ in several), ""]
        for first, *twins in several:
            lines += section(first, twins)
    return "\n".join(lines).rstrip() + "\n"


def row(done: Run) -> str:
    given = ", ".join(f"`{fact}`" for fact in done.proof.assumptions)
    return f"| {done.case.name} | {done.proof.verdict} | {given} | {done.seconds:.2f} |"


def section(done: Run, twins: list[Run]) -> list[str]:
    proof = done.proof
    lines = [f"### {done.case.name[0].upper()}{done.case.name[1:]}", ""]
    lines += ["```text", *done.case.where, *([""] if done.case.where else []), done.claim, "```", ""]
    lines += [f"$${latex_text(proof.left)} = {latex_text(proof.right)}$$", ""]
    said = f"{proof.verdict.capitalize()} in {done.seconds:.2f} s"
    if proof.assumptions:
        said += f", given {' and '.join(f'`{fact}`' for fact in proof.assumptions)}"
    if proof.conditions:
        said += f", where {' and '.join(f'`{text}`' for text in proof.conditions)}"
    return [*lines, f"{said}.", "", "Mistakes:", "", *map(item, twins), ""]


def item(done: Run) -> str:
    text = f"- `{done.claim}` ({done.twin.mistake if done.twin else ''})"
    found = done.proof.counterexample
    if found is None:
        return f"{text}: {done.proof.verdict}"
    given = done.twin.given if done.twin else None
    without = " without what is given" if given == () and done.case.given else ""
    needed = f"; true if {' or '.join(f'`{fact}`' for fact in done.proof.needed)}" if done.proof.needed else ""
    return f"{text}: refuted{without} {short(found)}{needed}"


def short(found: Counterexample) -> str:
    """A counterexample in one line: the values only where they are few."""
    values = ", ".join(f"{name} = {text}" for name, text in found.values.items())
    where = ", ".join(f"{name} = {number}" for name, number in (found.sizes | found.place).items())
    shown = ", ".join(part for part in (where, values if len(values) <= ROOM else "") if part)
    return f"at {shown}: {rounded(found.left)}, not {rounded(found.right)}"


def rounded(number: str) -> str:
    return f"{float(number):.6g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("words", nargs="*", help="only cases whose name or group has one of these words")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to try each")
    parser.add_argument("--write", type=Path, help="the page to write")
    options = parser.parse_args()
    chosen = [
        case
        for case in cases()
        if not options.words or any(word in f"{case.name} {case.group}" for word in options.words)
    ]
    if not chosen:
        parser.error("no case has such a name")
    all_runs = []
    for done in runs(chosen, options.seconds):
        print(line(done), flush=True)
        all_runs.append(done)
    print(machine())
    print("\n".join(summary(all_runs)))
    if options.write:
        options.write.write_text(page(all_runs), "utf-8")
    return 0 if all(done.is_expected for done in all_runs) else 1


if __name__ == "__main__":
    sys.exit(main())
