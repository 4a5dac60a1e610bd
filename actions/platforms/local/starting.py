"""Starting and ending the supervisor of a state directory from outside."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from actions.model.errors import VqError
from actions.platforms.local.launch import plain_environment
from actions.platforms.local.log_files import open_log, tail
from actions.platforms.local.record_store import RecordStore
from actions.platforms.local.supervisor import LOCK

START_SECONDS = 20
END_SECONDS = 20


def start_supervisor(directory: Path) -> None:
    """Have a supervisor serve `directory`, outside of any session and terminal. Raises VqError with its last words."""
    log = directory / "logs" / "supervisor.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    output = open_log(log)
    command = [sys.executable, "-P", "-m", "actions.platforms.local.supervisor", str(directory)]
    try:
        code = subprocess.run(
            command,
            env=plain_environment(),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise VqError(
            f"the process supervisor of {directory} did not start within {START_SECONDS} s; see {log}"
        ) from error
    finally:
        os.close(output)
    if code != 0:
        raise VqError(f"the process supervisor of {directory} did not start: {' '.join(tail(log, 2))}")


def serving(directory: Path) -> bool:
    """Whether a supervisor holds the directory, answering or not."""
    path = directory / LOCK
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def end_supervisor(directory: Path) -> None:
    """Wait until the supervisor is gone, asking with SIGTERM and then killing it; then end whatever it left behind."""
    _signal(directory, signal.SIGTERM)
    if not _gone(directory, END_SECONDS):
        _signal(directory, signal.SIGKILL)
        if not _gone(directory, END_SECONDS):
            raise VqError(f"the process supervisor of {directory} does not end")
    RecordStore(directory).end_survivors()


def _signal(directory: Path, number: signal.Signals) -> None:
    if not serving(directory):
        return
    text = (directory / LOCK).read_text().strip()
    if text.isdecimal() and psutil.pid_exists(int(text)):
        os.kill(int(text), number)  # the lock is held, so the pid in it is the holder's


def _gone(directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while serving(directory):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
