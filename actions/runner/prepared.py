"""An executor that is started before its run is known, so that its libraries load while the plan is still made.

It is given the run by one line on a socket and answers with another. Until then it holds no lock, no ledger and no
client; it ends by itself when its starter closes the socket or dies, and after `WAIT_SECONDS`.
"""

import os
import select
import socket
import subprocess
from pathlib import Path

from actions.runner.run_log import open_run_log

WAIT_SECONDS = 900.0
"""Longest a prepared executor waits for its run; a decision that takes longer gets an executor of its own then."""

TAKEN_SECONDS = 20.0
"""Longest until a prepared executor has to answer that it took the run; it may still be loading its libraries."""

_TAKEN = b"taken\n"
_LONGEST_LINE = 200


class PreparedExecutor:
    """The starter's end. One run at most is given, and it counts as given only once the process has said so."""

    def __init__(self, starter: socket.socket, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self._socket = starter
        self._process = process

    @classmethod
    def start(cls, command: list[str], variables: dict[str, str]) -> "PreparedExecutor":
        """Start the process. Raises OSError when it cannot be started."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env=variables,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        return cls(ours, process)

    @property
    def waiting(self) -> bool:
        """Whether the process is there, loading or waiting for its run."""
        if self._socket.fileno() < 0:
            return False
        ended, _, _ = select.select([self._socket], [], [], 0)
        return not ended

    def give(self, run_id: str, seconds: float = TAKEN_SECONDS) -> bool:
        """Hand the run over; blocks until it is taken. False when it was not: another executor is to be started.

        Should a process that was only slow take it all the same, the target's lock lets one of the two work.
        """
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(f"{run_id}\n".encode())
            return self._socket.recv(len(_TAKEN), socket.MSG_WAITALL) == _TAKEN
        except OSError:
            return False
        finally:
            self.close()

    def close(self) -> None:
        """Let the process end, unless it took a run; safe to call again."""
        self._socket.close()
        if self._process is not None:
            self._process.poll()


def take_run(ledger_dir: Path, seconds: float = WAIT_SECONDS) -> str:
    """The executor's end: the run it was given, its output in the run's log from now on; empty when there is none.

    Raises VqError when the log cannot be opened.
    """
    with socket.socket(fileno=os.dup(0)) as starter:
        run_id = _read_line(starter, seconds)
        if not run_id:
            return ""
        with open_run_log(ledger_dir, run_id) as log, Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        starter.sendall(_TAKEN)
    return run_id


def _read_line(starter: socket.socket, seconds: float) -> str:
    """One whole line from the starter; empty when it has left, and after `seconds`."""
    ready, _, _ = select.select([starter], [], [], seconds)
    line = starter.recv(_LONGEST_LINE).decode("ascii", "replace") if ready else ""
    return line.strip() if line.endswith("\n") else ""
