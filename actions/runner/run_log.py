"""The log of a run's executor: one private file in the run's folder, appended to by every executor of the run."""

import os
from pathlib import Path
from typing import BinaryIO

from actions.ledger.place import private_directory
from actions.model.errors import VqError

LOG = "executor.log"
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def open_run_log(ledger_dir: Path, run_id: str) -> BinaryIO:
    """The log, open for appending, its folder made. Raises VqError when the disk or the rights do not allow it."""
    try:
        path = private_directory(ledger_dir / "runs" / run_id) / LOG
        return os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "ab"
        )
    except OSError as error:
        why = f"{error.strerror}: '{error.filename}'"
        raise VqError(f"no executor could be started for run {run_id}: {why}; nothing was touched") from error
