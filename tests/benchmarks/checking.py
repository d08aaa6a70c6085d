"""How often the checker is right about backward passes written by hand: the corpus, right and wrong, put to it.

Run: ``python tests/benchmarks/checking.py [words of targets ...] [--seeds K] [--every N] [--rules N] [--workers W]
[--write docs/checking_measured.md]``. The right ones are checked file by file, with every seed; each wrong one by its
name, in a file that has that one mistake. A wrong one is caught if its verdict is "wrong"; its diagnosis is right if
the first finding is of a kind that its row names. What is not as it should be is listed. The status is 1 if a right one
is called wrong.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handwritten.corpus.case import Case
    from handwritten.corpus.mistake import Mistake

COMMAND = "python tests/benchmarks/checking.py {options} --write docs/checking_measured.md"
CAUGHT, DIAGNOSED = 0.99, 0.85
STYLES = {
    "attributes": "classes with their results in attributes",
    "returns": "classes that return their gradients",
    "dictionaries": "classes with dictionaries of parameters and gradients",
    "loss": "losses of predictions and labels",
    "combined": "activation and loss in one class",
    "pair": "pairs of functions with a cache",
    "derivative": "functions and their derivatives",
    "torch": "torch.autograd.Function",
}


@dataclass(frozen=True)
class Job:
    """A text that is put to the checker: a file of right ones, or one wrong one."""

    file: str
    text: str
    name: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Said:
    """What the checker said of one target: the verdict, the kinds it found, what it wrote, how long the job took."""

    name: str
    verdict: str
    operation: str | None
    kinds: tuple[str, ...]
    message: str
    seconds: float
    #: The gradients that were held against derivatives.
    checked: tuple[str, ...] = ()


def check(job: Job) -> list[Said]:
    """Write the text of a job to a file of its name and check that."""
    from codegen import check as put_to_the_checker

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / job.file
        path.write_text(job.text, "utf-8")
        target = f"{path}:{job.name}" if job.name else str(path)
        try:
            targets: Sequence[Any] = put_to_the_checker(target, seed=job.seed).targets
        except Exception as error:
            # That the checker itself fails is a result too: it is counted as what cannot be checked.
            return [Said(job.name, "cannot", None, (), f"{type(error).__name__}: {error}", time.perf_counter() - start)]
    seconds = time.perf_counter() - start
    return [said(target, seconds) for target in targets]


def said(target: Any, seconds: float) -> Said:
    kinds = tuple(finding.kind for finding in target.findings)
    messages = [f"{finding.kind} {finding.gradient}: {finding.message}" for finding in target.findings]
    first = messages[0] if messages else target.needs
    return Said(
        target.name, target.verdict, target.operation, kinds, " ".join(first.split()), seconds, tuple(target.checked)
    )


def checked(jobs: Sequence[Job], workers: int) -> Iterator[list[Said]]:
    """Yield what is said of every job, in order."""
    if workers == 1:
        yield from map(check, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(check, jobs)


def of(case: Case, found: Iterable[Said]) -> Said:
    """Return what was said of a case; it may be called by its name or by that of either function."""
    found = list(found)
    if len(found) == 1 and found[0].name in ("", case.name):
        return found[0]
    names = {case.name, f"{case.name}_forward", f"{case.name}_backward", f"{case.name}_grad"}
    for each in found:
        if names & set(each.name.replace("/", " ").replace(",", " ").split()):
            return each
    return Said(case.name, "cannot", None, (), "not found", 0.0)


# -- right and wrong --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Right:
    case: Case
    seed: int
    said: Said

    @property
    def style(self) -> str:
        return self.case.style


@dataclass(frozen=True)
class Wrong:
    mistake: Mistake
    said: Said

    @property
    def style(self) -> str:
        return self.mistake.case.style

    @property
    def caught(self) -> bool:
        return self.said.verdict == "wrong"

    @property
    def diagnosed(self) -> bool:
        return self.caught and self.said.kinds[:1] != () and self.said.kinds[0] in self.mistake.kinds

    @property
    def mentioned(self) -> bool:
        return self.caught and bool(set(self.said.kinds) & set(self.mistake.kinds))


def right_ones(cases: Sequence[Case], seeds: int, workers: int) -> tuple[list[Right], dict[str, float]]:
    """Return what is said of the right ones, and how long each file took, at the median of the seeds."""
    from handwritten.corpus.case import right_text

    files = sorted({case.file for case in cases})
    jobs = [Job(file, right_text(file), seed=seed) for file in files for seed in range(seeds)]
    results: list[Right] = []
    seconds: dict[str, list[float]] = {file: [] for file in files}
    for job, found in zip(jobs, checked(jobs, workers), strict=True):
        seconds[job.file] += [max((each.seconds for each in found), default=0.0)]
        for case in (each for each in cases if each.file == job.file):
            result = Right(case, job.seed, of(case, found))
            results.append(result)
            if is_partial(result):
                print(f"right, but of {list(case.grads)} only {list(result.said.checked)} checked: {case.target}")
            if result.said.verdict != "right":
                print(
                    f"right, but {result.said.verdict}: {case.target} seed {job.seed}: {result.said.message}",
                    flush=True,
                )
    return results, {file: statistics.median(times) for file, times in seconds.items()}


def wrong_ones(mistakes: Sequence[Mistake], workers: int) -> list[Wrong]:
    """Return what is said of the wrong ones; those that are missed or called by another name are printed."""
    jobs = [Job(each.case.file, each.text, each.case.name) for each in mistakes]
    results: list[Wrong] = []
    for mistake, found in zip(mistakes, checked(jobs, workers), strict=True):
        result = Wrong(mistake, of(mistake.case, found))
        results.append(result)
        if not result.diagnosed:
            print(complaint(result), flush=True)
    return results


def complaint(result: Wrong) -> str:
    what = "another diagnosis" if result.caught else f"missed, {result.said.verdict}"
    kinds = f"{' or '.join(result.mistake.kinds)}, not {', '.join(result.said.kinds) or 'nothing'}"
    return f"{what}: {result.mistake.name} [{result.mistake.origin}] ({kinds}) {result.said.message}"


# -- figures ----------------------------------------------------------------------------------------------------------


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f}%)" if whole else "none"


def count(results: Iterable[Any], holds: Callable[[Any], bool]) -> int:
    return sum(map(holds, results))


def summary(rights: list[Right], wrongs: list[Wrong], conventions: list[Wrong]) -> list[str]:
    caught = [each for each in wrongs if each.caught]
    diagnosed = count(caught, lambda each: each.diagnosed)
    mentioned = count(caught, lambda each: each.mentioned)
    known = [each for each in rights if each.case.operation]
    reported = count(conventions, lambda each: each.said.verdict == "right" and "kink" in each.said.kinds)
    seeds = len({each.seed for each in rights})
    return [
        f"right ones called right: {share(count(rights, lambda each: each.said.verdict == 'right'), len(rights))}, "
        f"in {seeds} seed{'s' if seeds > 1 else ''}",
        f"of these with a gradient left out: {count(rights, is_partial)}",
        f"false alarms: {share(count(rights, lambda each: each.said.verdict == 'wrong'), len(rights))}",
        f"right ones that cannot be checked: {share(count(rights, is_left_open), len(rights))}",
        f"operations recognised: {share(count(known, is_recognised), len(known))}",
        f"wrong ones caught: {share(len(caught), len(wrongs))} (bound {CAUGHT:.0%})",
        f"missed: {share(len(wrongs) - len(caught), len(wrongs))}, "
        f"of these called right: {count(wrongs, lambda each: each.said.verdict == 'right')}",
        f"caught ones with the right diagnosis first: {share(diagnosed, len(caught))} (bound {DIAGNOSED:.0%})",
        f"caught ones with the right diagnosis among all: {share(mentioned, len(caught))}",
        f"conventions reported as such: {share(reported, len(conventions))}",
    ]


def is_left_open(result: Right) -> bool:
    return result.said.verdict == "cannot"


def is_partial(result: Right) -> bool:
    return result.said.verdict == "right" and len(result.said.checked) < len(result.case.grads)


def is_recognised(result: Right) -> bool:
    # One-hot and sparse labels, rows and columns: variants of an operation have its name before a dash.
    found, expected = result.said.operation or "", result.case.operation or ""
    return found == expected or found in (f"{expected}-sparse", f"{expected}-columns")


def table(title: str, key: Callable[[Wrong], str], wrongs: list[Wrong]) -> list[str]:
    """Return a table of the wrong ones, a row for each key."""
    rows = [f"| {title} | wrong | caught | missed | right diagnosis |", "|---|---|---|---|---|"]
    for name, group in groupby(sorted(wrongs, key=key), key=key):
        members = list(group)
        caught = [each for each in members if each.caught]
        diagnosed = share(count(caught, lambda each: each.diagnosed), len(caught))
        rows.append(f"| {name} | {len(members)} | {len(caught)} | {len(members) - len(caught)} | {diagnosed} |")
    return rows


def origin(result: Wrong) -> str:
    return "tables" if result.mistake.origin == "table" else "rules"


def style(result: Wrong) -> str:
    return STYLES[result.style]


def machine() -> str:
    return f"Python {sys.version.split()[0]}, {len(os.sched_getaffinity(0))} cores"


def chosen_text(options: argparse.Namespace) -> str:
    """Say which mistakes were taken."""
    tables = "All mistakes of the tables" if options.every == 1 else f"One in {options.every} mistakes of the tables"
    made = f"one in {options.rules} of those made by rule" if options.rules > 1 else "all that are made by rule"
    return f"{tables}{f' and {made}' if options.rules else ''} were put to it."


def page(
    rights: list[Right],
    wrongs: list[Wrong],
    conventions: list[Wrong],
    seconds: dict[str, float],
    options: argparse.Namespace,
) -> str:
    used = {"--seeds": options.seeds, "--every": options.every, "--rules": options.rules}
    lines = [
        "# What the checker finds",
        "",
        f"`derive check` is put to {len({each.case.target for each in rights})} right implementations in "
        f"{len({each.style for each in rights})} styles and to {len(wrongs)} wrong ones,",
        "each of which is a right one with one mistake. They lie in `tests/handwritten/corpus`: the mistakes in tables",
        "of what is replaced, and in rules that negate, halve, transpose, forget and so on.",
        chosen_text(options),
        "That the right ones are right and the wrong ones wrong is tested there by central differences that have",
        "nothing of the checker. The page is written by",
        "",
        "```sh",
        COMMAND.format(options=" ".join(f"{name} {value}" for name, value in used.items())),
        "```",
        "",
        f"on {machine()}:",
        "",
        *(f"- {text}" for text in summary(rights, wrongs, conventions)),
        "",
        "A diagnosis is right if the first finding is of a kind that is right for the mistake. The tables name a",
        "mistake by the first of these kinds.",
        "",
        "## By kind",
        "",
        *table("kind", lambda each: each.mistake.kinds[0], wrongs),
        "",
        "## By style",
        "",
        *table("style", style, wrongs),
        "",
        "## By origin",
        "",
        *table("origin", origin, wrongs),
        "",
        "## How long a file takes",
        "",
        "| file | implementations | seconds |",
        "|---|---|---|",
    ]
    counts = {file: len({each.case.target for each in rights if each.case.file == file}) for file in seconds}
    lines += [f"| `{file}` | {counts[file]} | {seconds[file]:.1f} |" for file in sorted(seconds)]
    return "\n".join([*lines, "", *missed_section(rights, wrongs)]).rstrip() + "\n"


def missed_section(rights: list[Right], wrongs: list[Wrong]) -> list[str]:
    open_ones = sorted({f"{each.case.target}: {each.said.verdict}" for each in rights if each.said.verdict != "right"})
    missed = [f"`{each.mistake.name}`: {each.said.verdict}" for each in wrongs if not each.caught]
    lines = ["## What is not as it should be", ""]
    lines += [f"- right, but {text}" for text in open_ones] + [f"- missed: {text}" for text in missed]
    return [*lines, *([] if open_ones or missed else ["Nothing."]), ""]


# -- the command ------------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("words", nargs="*", help="only targets whose name has one of these words")
    parser.add_argument("--seeds", type=int, default=2, help="how many seeds the right ones are checked with")
    parser.add_argument("--rules", type=int, default=0, help="also every Nth mistake that is made by rule")
    parser.add_argument("--every", type=int, default=1, help="only every Nth mistake of the tables")
    parser.add_argument("--workers", type=int, default=1, help="how many checks run at a time")
    parser.add_argument("--no-wrong", action="store_true", help="only the right ones")
    parser.add_argument("--write", type=Path, help="the page to write")
    return parser.parse_args()


def chosen_mistakes(cases: Sequence[Case], options: argparse.Namespace) -> list[Mistake]:
    from handwritten.corpus.mistake import from_tables
    from handwritten.corpus.systematic import systematic

    if options.no_wrong:
        return []
    mistakes = [each for each in from_tables() if each.case in cases]
    known = {each.text for each in mistakes}
    made = [each for each in systematic(tuple(cases)) if each.text not in known] if options.rules else []
    return mistakes[:: options.every] + made[:: options.rules or 1]


def main() -> int:
    options = arguments()
    # The checker and the corpus of this clone, whatever is installed.
    sys.path[:0] = map(str, (Path(__file__).parents[2], Path(__file__).parents[1]))
    from handwritten.corpus.cases import CASES
    from handwritten.corpus.mistake import conventions

    cases = [case for case in CASES if not options.words or any(word in case.target for word in options.words)]
    rights, seconds = right_ones(cases, options.seeds, options.workers)
    wrongs = wrong_ones(chosen_mistakes(cases, options), options.workers)
    others = [] if options.no_wrong else [each for each in conventions() if each.case in cases]
    reported = [Wrong(each, of(each.case, check(Job(each.case.file, each.text, each.case.name)))) for each in others]
    print("\n".join([*summary(rights, wrongs, reported), machine()]))
    for file, took in seconds.items():
        print(f"{took:6.2f} s  {file}")
    if options.write:
        options.write.write_text(page(rights, wrongs, reported, seconds, options), "utf-8")
    return 1 if any(each.said.verdict == "wrong" for each in rights) else 0


if __name__ == "__main__":
    sys.exit(main())
