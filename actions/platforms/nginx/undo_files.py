"""What one switch needs for its way back: two files in the folder of its run, and nothing else anywhere."""

import json
from pathlib import Path
from typing import Any

from actions.model.errors import VerifyFailed
from actions.model.files import write_durably


class UndoFiles:
    """The include of before, and what was observed before nginx was reloaded."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self.include = folder / f"nginx-include-{key}"
        self._state = folder / f"nginx-state-{key}.json"

    def keep(self, content: bytes, log_length: int | None) -> None:
        """Write both files."""
        write_durably(self.include, content)
        self._write({"error_log_offset": log_length})

    def before(self) -> bytes:
        """The include of before. Raises VerifyFailed when it is gone."""
        try:
            return self.include.read_bytes()
        except OSError as error:
            raise VerifyFailed(f"the include of before cannot be read from {self.include}: {error.strerror}") from None

    def remember_workers(self, workers: tuple[int, ...] | None) -> None:
        """The workers from before the reload; None when they could not be seen."""
        self._write(self._read() | {"old_workers": None if workers is None else list(workers)})

    def old_workers(self) -> frozenset[int] | None:
        """The workers from before the reload; None when they could not be seen, or are not known any more."""
        found = self._read().get("old_workers")
        return None if found is None else frozenset(map(int, found))

    def log_length(self) -> int | None:
        """Where the error log ended before the switch; None when it could not be read."""
        found = self._read().get("error_log_offset")
        return None if found is None else int(found)

    def of_this_run(self, key: str) -> bool:
        """Whether another switch of the same run has this key."""
        return any(one.name == f"nginx-include-{key}" for one in self._folder.glob("nginx-include-*"))

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._state.read_text())
        except (
            FileNotFoundError
        ):  # a run of an earlier version wrote it elsewhere; without it the proof only takes longer
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, state: dict[str, Any]) -> None:
        write_durably(self._state, json.dumps(state).encode())
