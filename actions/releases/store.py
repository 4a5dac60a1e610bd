"""What releases, procedures and steps ask of the ledger; the ledger's reader and writer satisfy these protocols."""

from pathlib import Path
from typing import Protocol

from actions.model.plan import LeftBehind, Release
from actions.model.record import ChangeNote, Drill
from actions.model.run import Executor, Run


class ReleaseReader(Protocol):
    """Reads what became of releases. Blocking: call it off the event loop."""

    def releases(self, environment: str, service: str) -> tuple[Release, ...]:
        """Every release seen of that service, newest `last_seen` first."""
        ...


class FactsReader(ReleaseReader, Protocol):
    """What planning a rollback reads beside the platforms. Blocking."""

    @property
    def directory(self) -> Path:
        """The state directory of the ledger."""
        ...

    def left_behind(self, environment: str, service: str) -> dict[str, LeftBehind]:
        """By reference, the releases that a rollback has left and that did not earn good again since."""
        ...

    def past_seconds(
        self, environment: str, service: str, procedure: str = "rollback", limit: int = 20
    ) -> tuple[float, ...]:
        """Seconds of past succeeded runs, newest first."""
        ...

    def active(self, environment: str) -> Run | None:
        """The run that holds the environment."""
        ...

    def executor(self, run_id: str) -> Executor:
        """Who carries that run out."""
        ...

    def drills(self, environment: str, limit: int = 100) -> tuple[Drill, ...]:
        """Past rehearsals, newest first."""
        ...


class ReleaseWriter(ReleaseReader, Protocol):
    """Also keeps what was observed. A release is identified by environment, service and reference."""

    def save_release(self, release: Release, *, lift: bool = False) -> None:
        """Insert or replace the row of that environment, service and reference. Bad stays bad unless `lift`."""
        ...

    def note_change(self, note: ChangeNote) -> None:
        """One line of "what changed lately"."""
        ...
