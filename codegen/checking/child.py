"""The process in which a user's file is run: it checks what the file defines and writes a line a target.

``python -m codegen.checking.child REQUEST RESULTS``: both are files; the results are lines of JSON.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import sys
import time
import types
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from codegen.checking.examining import Options, examine
from codegen.checking.readings import first_line
from codegen.checking.report import CANNOT, Target
from codegen.checking.styles import subjects_in
from codegen.checking.subjects import CannotError, Subject

MODULE = "checked_file"
#: How much of the time limit the targets may take together.
SHARE = 0.9


def main(request_path: str, results_path: str) -> int:
    """Carry out a request."""
    request = json.loads(Path(request_path).read_text("utf-8"))
    with Path(results_path).open("a", encoding="utf-8") as results:

        def write(line: Mapping[str, Any]) -> None:
            results.write(json.dumps(line) + "\n")
            results.flush()

        with redirect_stdout(io.StringIO()):
            _check(request, write)
    return 0


def _check(request: Mapping[str, Any], write: Any) -> None:
    path = Path(request["file"])
    try:
        module = load(path)
    except BaseException as error:  # Whatever the file raises, an exit too, is told.
        line = _line_of(error, path)
        write({"failed": f"{path.name}{line} raises {type(error).__name__}: {first_line(str(error))}"})
        return
    try:
        found = chosen(subjects_in(vars(module), MODULE), request["name"])
    except CannotError as error:
        write({"failed": str(error)})
        return
    options = Options(request["seed"], request["operation"], request["args"], request["shapes"])
    write({"targets": [each.name for each in found], "defined": defined(vars(module))})
    unknown = _unknown(request, found)
    if unknown:
        write({"failed": unknown})
        return
    stop = time.monotonic() + SHARE * request["seconds"]
    for place, subject in enumerate(found):
        seconds = max(stop - time.monotonic(), 0.1) / (len(found) - place) ** 0.5
        write({"target": _in_time(subject, options, seconds).to_dict()})


def _unknown(request: Mapping[str, Any], found: list[Subject]) -> str:
    """What is said of arguments that nothing has; nothing where there are none."""
    known = list(dict.fromkeys(each.name for subject in found for each in (*subject.constructor, *subject.forward)))
    for option in ("args", "shapes"):
        for name in request[option]:
            if found and name not in known:
                return f"--{option} gives {name}, and nothing that is checked takes it; there are {', '.join(known)}"
    return ""


class _OutOfTime(BaseException):
    """A target has used its share of the time; no handler of exceptions stops it."""


def _in_time(subject: Subject, options: Options, seconds: float) -> Target:
    """Examine a target, and stop where it takes more than its share of the time."""

    def ring(number: int, frame: Any) -> None:
        raise _OutOfTime

    if not hasattr(signal, "setitimer"):
        return examine(subject, options)
    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return examine(subject, options)
    except _OutOfTime:
        return Target(
            subject.name, None, CANNOT, needs=f"it took more than {seconds:.2g} seconds, its share of the time"
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


class Fresh(SourceFileLoader):
    """Loads a file as it stands: code compiled before may be of another text that is as long and of the same second."""

    def get_code(self, fullname: str) -> types.CodeType:
        code: types.CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def load(path: Path) -> types.ModuleType:
    """Run a file and return its module; what it imports from its own folder is found."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path)]
    loader = Fresh(MODULE, str(path)) if path.suffix == ".py" else None
    spec = importlib.util.spec_from_file_location(MODULE, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module


def chosen(subjects: list[Subject], name: str | None) -> list[Subject]:
    """Return the subjects of a name; a function's pair is found by either name."""
    if name is None:
        return subjects
    return [
        each
        for each in subjects
        if name in (each.name, each.forward_name, each.backward_name)
        and (name == each.name or name not in ("forward", "backward"))
    ]


def defined(namespace: Mapping[str, Any]) -> list[str]:
    """Return the names of the classes and functions that a module defines."""
    return [name for name, value in namespace.items() if getattr(value, "__module__", None) == MODULE]


def _line_of(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}," if line else ""


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    # Threads that the file left running are not waited for.
    os._exit(status)
