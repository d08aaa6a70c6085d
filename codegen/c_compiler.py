"""C text made into a library by the system's compiler, kept in a cache and loaded."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from derive.errors import InputError

#: What a compiler is told. Nothing here changes what infinities and NaN do; docs/decisions/0014-c-target.md has the
#: measured gain of each.
FLAGS = (
    "-std=c99",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",
)
#: What is added on processors with registers of 512 bits, which gcc and clang do not fill by themselves.
WIDE_FLAGS = ("-mprefer-vector-width=512",)
#: Compilers that are tried, after that which CC names.
COMPILERS = ("cc", "gcc", "clang")
#: More flags, such as -fopenmp, for the user to give.
MORE_FLAGS = "DERIVEGEN_CFLAGS"
SECONDS = 300


class CompilerError(InputError):
    """There is no C compiler, or none that takes what it is given."""


def flags() -> tuple[str, ...]:
    """Return the flags in force."""
    wide = WIDE_FLAGS if platform.machine().lower() in ("x86_64", "amd64") else ()
    return (*FLAGS, *wide, *shlex.split(os.environ.get(MORE_FLAGS, "")))


def compilers() -> list[tuple[str, ...]]:
    """Return the commands that are tried, in order."""
    named = tuple(shlex.split(os.environ.get("CC", "")))
    return list(dict.fromkeys([*([named] if named else []), *((name,) for name in COMPILERS)]))


def find_compiler() -> str | None:
    """Return the first compiler that is there."""
    return next((found for command in compilers() if (found := shutil.which(command[0])) is not None), None)


def cache_folder() -> Path:
    """Return the folder that compiled libraries are kept in."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache"
    return base / "derivegen"


def load_library(text: str) -> ctypes.CDLL:
    """Return the library of a C file, compiled if it was not before.

    Raises:
        CompilerError: no compiler is there, or none takes the text; it says what was tried.
    """
    return _load(text, flags(), tuple(compilers()), cache_folder())


@lru_cache(maxsize=1024)
def _load(text: str, flags: tuple[str, ...], commands: tuple[tuple[str, ...], ...], folder: Path) -> ctypes.CDLL:
    failures: list[str] = []
    for command in commands:
        where = shutil.which(command[0])
        if where is None:
            failures.append(f"{command[0]}: not found")
            continue
        try:
            return ctypes.CDLL(str(_compiled(text, (where, *command[1:]), flags, folder)))
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{shlex.join([where, *command[1:], *flags])}: {_reason(error)}")
    tried = "\n".join(f"  {failure}" for failure in failures)
    raise CompilerError(
        f"target c needs a C compiler, and none of those tried made a library:\n{tried}\n"
        "Install one, or name it in the environment variable CC; flags may be added in " + MORE_FLAGS
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said = (error.stderr or "").strip().splitlines()
        return "\n    ".join([f"exit status {error.returncode}", *said[:6]])
    return str(error)


def _compiled(text: str, command: tuple[str, ...], flags: tuple[str, ...], folder: Path) -> Path:
    """Return the file of the library: one that is there, or a new one, which appears whole or not at all."""
    parts = [text, *command, *flags, _version(command), _machine()]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    library = folder / f"{key}.so"
    if library.is_file():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as made:
        source, result = Path(made) / f"{key}.c", Path(made) / library.name
        source.write_text(text, "utf-8")
        arguments = [*command, *flags, "-shared", "-fPIC", str(source), "-o", str(result), "-lm"]
        subprocess.run(arguments, check=True, capture_output=True, text=True, errors="replace", timeout=SECONDS)
        os.replace(source, folder / source.name)
        os.replace(result, library)
    return library


@lru_cache(maxsize=16)
def _version(command: tuple[str, ...]) -> str:
    """Return what a compiler says of itself."""
    told = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
    )
    return told.stdout


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what tells this processor from others: a cache may be shared by machines."""
    return "\n".join([platform.platform(), platform.machine(), *_processor()])


def _processor() -> Iterator[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        yield platform.processor()
        return
    yield from dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))
