"""The parent's side of a check: the user's file is run in another process, with a time limit, and never here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from codegen.checking.report import CANNOT, Report, Target, target_from
from derive.errors import InputError
from derive.vocabulary import nearest

#: Seconds that a check may take.
TIMEOUT = 60.0


def check_file(
    text: str,
    *,
    operation: str | None = None,
    seed: int = 0,
    args: Mapping[str, Any] | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    timeout: float = TIMEOUT,
) -> Report:
    """Run a file in a process of its own and return what is found of its classes and functions.

    Args:
        text: the file's path, or ``FILE.py:NAME``.

    Raises:
        InputError: there is no such file or name, it cannot be run, or there is nothing in it to check.
    """
    path, name = split(text)
    request = {
        "file": str(path.resolve()), "name": name, "operation": operation, "seed": seed, "args": dict(args or {}),
        "seconds": timeout,
        "shapes": {key: list(value) for key, value in (shapes or {}).items()},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        results.touch()
        Path(folder, "request").write_text(json.dumps(request), "utf-8")
        ended = _run([str(Path(folder, "request")), str(results)], path, timeout)
        lines = [json.loads(line) for line in results.read_text("utf-8").splitlines() if line.endswith("}")]
    return _report(lines, ended, path, name)


def split(text: str) -> tuple[Path, str | None]:
    """Return the path and the name of ``FILE.py:NAME``.

    Raises:
        InputError: there is no such file, or it is no Python file.
    """
    path, name = Path(text), None
    if not path.exists() and ":" in text:
        first, name = text.rsplit(":", 1)
        path = Path(first)
    if not path.is_file() or name == "":
        missing = f"no name stands after {first}:" if name == "" else f"there is no file {text and path!s}"
        raise InputError(f"{missing}; derive check takes FILE.py or FILE.py:NAME")
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file: its name does not end in .py")
    return path, name


def _run(arguments: list[str], path: Path, timeout: float) -> str:
    """Run the child; return how it ended, in words, where it did not end well."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "codegen.checking.child", *arguments]
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        # A session of its own: what the file starts ends with it.
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment,
            cwd=path.resolve().parent, start_new_session=True,
        )  # fmt: skip
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            return f"it took more than {timeout:g} seconds"
        finally:
            _end(child)
        said.seek(0)
        last = said.read().strip().splitlines()[-1:] or ["no message"]
    return f"its process ended with status {status}: {last[0]}" if status else ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _report(lines: list[dict[str, Any]], ended: str, path: Path, name: str | None) -> Report:
    for line in lines:
        if "failed" in line:
            raise InputError(line["failed"])
    announced = next((line for line in lines if "targets" in line), None)
    if announced is None:
        advice = "what a file does beside defining classes and functions belongs under if __name__ == '__main__'"
        raise InputError(f"{path.name} was not run to its end: {ended or 'it ended its process'}; {advice}")
    if not announced["targets"]:
        raise InputError(_nothing(path, name, announced["defined"]))
    found = [target_from(line["target"]) for line in lines if "target" in line]
    missing = announced["targets"][len(found) :]
    told = ended or "its process ended early"
    return Report((*found, *(Target(each, None, CANNOT, needs=f"not checked: {told}") for each in missing)))


def _nothing(path: Path, name: str | None, known: list[str]) -> str:
    styles = "a class with forward and backward, functions f_forward and f_backward, or f and f_grad"
    if name is None:
        told = f"there is nothing to check in {path.name}; looked for {styles}"
        return f"{told}; codegen.check(forward=..., backward=...) takes any style"
    near = nearest(name, known)
    hint = f"did you mean {near!r}?" if near and near != name else f"looked for {styles}"
    return f"there is no {name} to check in {path.name}; {hint}"
