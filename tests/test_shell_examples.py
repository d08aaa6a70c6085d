"""The commands in the documentation print what stands below them.

In a block ``console`` a line that begins with ``$ derive`` is run, in an empty folder for each page, the commands of a
page one after the other; the lines up to the next command are what it prints. A line ``...`` stands for any lines, and
at the end of a line it stands for the rest of it. Where no lines follow, all that is asked is that the command goes
well.
Files that a page works on are shown on a page: a block of Python below a line that ends with the file's name. What
needs more than files, such as a record that is not there, stands in a block ``shell-session`` and is not run.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from derive.__main__ import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`(\w+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
ANYTHING = "..."


@dataclass(frozen=True)
class Example:
    """A command, as it was typed, and the lines that stand below it."""

    command: str
    expected: tuple[str, ...]


def examples_in(text: str) -> list[Example]:
    """Return a page's commands in their order; a backslash at the end of a line continues it."""
    found: list[Example] = []
    for block in BLOCK.findall(text):
        lines = block.replace("\\\n", "").splitlines()
        starts = [place for place, line in enumerate(lines) if line.startswith(PROMPT)]
        for start, end in pairwise([*starts, len(lines)]):
            found.append(Example(lines[start].removeprefix(PROMPT), tuple(lines[start + 1 : end])))
    return found


def files_in(text: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return dict(FILE.findall(text))


def agrees(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Whether lines are those expected, blank ones at the end apart."""
    pattern = "".join(map(_pattern, _lines(expected)))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _pattern(line: str) -> str:
    """Return the regular expression of a line."""
    if line == ANYTHING:
        return r"(?:.*\n)*"
    start = line.removesuffix(f" {ANYTHING}")
    return re.escape(start) + (" .*\n" if start != line else "\n")


def _lines(lines: tuple[str, ...] | list[str]) -> list[str]:
    stripped = [line.strip() if line.strip() == ANYTHING else line.rstrip() for line in lines]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Run a command of ``derive``; return its exit status and what it prints: its output, or else its error."""
    name, *arguments = shlex.split(command)
    assert name == "derive", f"only derive is run here, not {command!r}"
    try:
        status = main(arguments)
    except SystemExit as stopped:  # What argparse refuses; it has said why.
        status = int(stopped.code or 0)
    shown = capsys.readouterr()
    return status, (shown.out or shown.err).splitlines()


def holds(example: Example, status: int, printed: list[str]) -> bool:
    """Whether a command did what the page says."""
    return agrees(example.expected, printed) if _lines(example.expected) else status == 0


SHOWN = {name: text for page in PAGES for name, text in files_in(page.read_text("utf-8")).items()}
WITH_EXAMPLES = [page for page in PAGES if examples_in(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_commands_print_what_stands_below_them(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in SHOWN.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for example in examples_in(page.read_text("utf-8")):
        status, printed = run(example.command, capsys)
        assert holds(example, status, printed), "\n".join([f"$ {example.command} prints", *printed])


PAGE = """\
With this `small.py`:

```python
x = 1
```

```console
$ derive show "y[n] = \\
sum(a[n,i]**2, i)"
y

  y[n] = sum_i a[n,i]²
...
  ā[n,i] = 2 ȳ[n] a[n,i]
```
"""


def test_examples_are_found() -> None:
    (example,) = examples_in(PAGE)
    assert example.command == 'derive show "y[n] = sum(a[n,i]**2, i)"'
    assert example.expected == ("y", "", "  y[n] = sum_i a[n,i]²", "...", "  ā[n,i] = 2 ȳ[n] a[n,i]")
    assert files_in(PAGE) == {"small.py": "x = 1\n"}
    assert SHOWN and len(WITH_EXAMPLES) >= 3


def test_a_false_example_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = examples_in(PAGE)
    status, printed = run(example.command, capsys)
    assert holds(example, status, printed)
    (false,) = examples_in(PAGE.replace("2 ȳ", "ȳ"))
    assert not holds(false, status, printed)
    assert not holds(example, status, [*printed, "something else"])
    assert not holds(Example(example.command, example.expected[:1]), status, printed)
    for line, true in (("a ...", True), ("a b ...", True), ("b ...", False), ("a b c ...", False)):
        assert agrees((line, "d"), ["a b c", "d"]) is true


def test_a_command_of_which_nothing_is_said_must_go_well(capsys: pytest.CaptureFixture[str]) -> None:
    for command, goes_well in (("derive show relu", True), ("derive show nonsense", False), ("derive shows", False)):
        assert holds(Example(command, ()), *run(command, capsys)) is goes_well


def test_other_commands_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="only derive"):
        run("ls", capsys)
