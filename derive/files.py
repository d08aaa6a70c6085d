"""Files, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from derive.errors import InputError


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a whole file or none: what stood there before stays until the new file is complete.

    Raises:
        InputError: no file is named, or it cannot be written.
    """
    if not str(path):
        raise InputError("'' names no file to write")
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(path).resolve()
    try:
        if target.exists() and not target.is_file():  # A device or a pipe is written to, not replaced.
            target.write_bytes(data)
            return
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
