"""Text that an operator asked to keep, in a new file that nobody else can read."""

import os
from datetime import datetime
from pathlib import Path

from platformdirs import user_state_path

from actions.model.errors import VqError


def save_text(name: str, text: str, now: datetime) -> str:
    """Write `text` beside the shell's directory, or where that is not writable in the state directory; the path it got.

    Never overwrites: a second file of the same second gets a number. Raises VqError when neither place takes it.
    """
    stem = f"vq-tui-{name}-{now:%Y%m%dT%H%M%SZ}"
    problem: OSError | None = None
    for folder in (Path.cwd(), user_state_path("vq-tui")):
        try:
            return str(_write(folder, stem, text))
        except OSError as error:
            problem = error
    raise VqError(f"the file could not be written: {problem.strerror if problem else 'no place'}; y copies instead")


def _write(folder: Path, stem: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(1, 100):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.txt"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    raise FileExistsError(17, "a hundred files of this second exist")
