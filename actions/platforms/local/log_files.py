"""Logs of supervised processes: appended by the child, bounded by the supervisor, read from the end."""

import os
import shutil
from pathlib import Path

SIZE_LIMIT = 8 * 1024 * 1024
TAIL_LIMIT = 512 * 1024


def open_log(path: Path) -> int:
    """A descriptor that appends to the log, 0600, created when absent."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def bound_log(path: Path) -> None:
    """Keep a log below its limit: copied to `.1` and emptied in place, since the child keeps it open for appending."""
    if path.exists() and path.stat().st_size > SIZE_LIMIT:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        os.truncate(path, 0)


def tail(path: Path, lines: int) -> list[str]:
    """The last `lines` lines, at most half a megabyte of them; empty when nothing was logged."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_LIMIT))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:]
