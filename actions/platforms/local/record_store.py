"""What the supervisor keeps on disk: one durable record a process, and who runs right now for after a crash."""

import contextlib
import json
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
from pydantic import ValidationError

from actions.clients.processes import ProcessRecord
from actions.model.errors import VqError
from actions.model.files import sync_directory, write_durably
from actions.platforms.local.child import SUPERVISED_IN, Child

GRACE_SECONDS = 3.0


class RecordStore:
    """The directories `specs/` and `logs/` and the file `children.json` below one state directory."""

    def __init__(self, directory: Path) -> None:
        self._specs = directory / "specs"
        self._children = directory / "children.json"
        for folder in (directory, self._specs, directory / "logs"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def load(self) -> list[ProcessRecord]:
        """All records. Raises VqError that names the file when one is damaged."""
        records = []
        for path in sorted(self._specs.glob("*.json")):
            try:
                records.append(ProcessRecord.model_validate_json(path.read_bytes()))
            except ValidationError as error:
                raise VqError(
                    f"{path} is damaged ({error.errors()[0]['msg']}): remove it and set the process up again"
                ) from error
        return records

    def save(self, record: ProcessRecord) -> None:
        """Make a record durable before it takes effect."""
        write_durably(self._specs / f"{record.spec.name}.json", record.model_dump_json(indent=1).encode())

    def remove(self, name: str) -> None:
        """Forget a record."""
        _remove(self._specs / f"{name}.json")

    def note_children(self, children: Iterable[Child]) -> None:
        """Write down which processes run, so that a supervisor started after a crash finds survivors."""
        running = [
            {"pid": child.pid, "created": child.created, "signal": child.record.spec.death_signal}
            for child in children
            if child.pid is not None
        ]
        write_durably(self._children, json.dumps(running).encode())

    def end_survivors(self) -> None:
        """End processes of a supervisor that was killed: those written down, and whatever they started."""
        survivors = self._marked()
        if self._children.exists():
            for entry in json.loads(self._children.read_bytes()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(entry["pid"])
                    if process.create_time() == entry["created"]:  # else the pid has another owner by now
                        survivors |= {process, *process.children(recursive=True)}
                        process.send_signal(signal.Signals[entry["signal"]])
        for process in (alive := _alive(survivors, GRACE_SECONDS)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if alive := _alive(alive, GRACE_SECONDS):
            raise VqError(f"processes {[process.pid for process in alive]} of an earlier supervisor do not end")
        _remove(self._children)

    def _marked(self) -> set[psutil.Process]:
        """Processes that carry the mark of this directory, told to end."""
        marked = set()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(SUPERVISED_IN) == str(self._children.parent):
                    process.terminate()
                    marked.add(process)
        return marked


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def _alive(processes: Iterable[psutil.Process], seconds: float) -> set[psutil.Process]:
    """Those that still run after at most `seconds`. A zombie has ended, also where nobody collects it."""
    deadline = time.monotonic() + seconds
    alive = {process for process in processes if _runs(process)}
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = {process for process in alive if _runs(process)}
    return alive


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
