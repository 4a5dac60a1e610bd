"""An emergency rollback on a host without processor time, while others look on: from the call to its end.

24 hogs a core, three loops of `status --json`, four consoles and a keeper; the baseline is the same rollback at rest.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from actions.sandbox import stack
from benchmarks.hogs import hogs
from benchmarks.place import PROGRAM, Place
from benchmarks.table import Figure

HOGS_A_CORE = 24
LONGEST_SECONDS = 150
CONSOLES, LOOPS = 4, 3

_LOOP = "import subprocess, sys\nwhile True: subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)"
_CONSOLE = "import pty, sys; pty.spawn(sys.argv[1:], lambda fd: __import__('os').read(fd, 65536))"


def measure(place: Place) -> list[Figure]:
    """The same emergency at rest and on the busy host; it has to succeed on both."""
    config = str(place.stack().config)
    rest = _rolled_back(place, config)
    with onlookers(place, config), hogs(HOGS_A_CORE * (os.cpu_count() or 1), LONGEST_SECONDS):
        time.sleep(10)  # until the load is there, as somebody meets it
        load, busy = os.getloadavg()[0], _rolled_back(place, config)
    return [Figure("rollback --last-good, busy host", busy, "s", None, rest, note=f"succeeded at load {load:.0f}")]


def _rolled_back(place: Place, config: str) -> float:
    stack.break_(place.stack().directory, "bad-release")
    began = time.monotonic()
    run = place.call("--config", config, "rollback", "--last-good", "--yes", "--wait", "--json")
    seconds = time.monotonic() - began
    stack.mend(place.stack().directory)
    if run["state"] != "succeeded":
        raise RuntimeError(f"the rollback ended as {run['state']}")
    return seconds


@contextlib.contextmanager
def onlookers(place: Place, config: str) -> Iterator[None]:
    """Consoles in terminals, loops of `status`, and a keeper, for the length of the block."""
    looking = [*PROGRAM, "--config", config]
    words = [[sys.executable, "-c", _LOOP, *looking, "status", "--json"] for _ in range(LOOPS)]
    words += [[sys.executable, "-c", _CONSOLE, *looking] for _ in range(CONSOLES)]
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    place.call("--config", config, "keeper", "start", "--json")
    started = [subprocess.Popen(one, env=place.environment, start_new_session=True, **quiet) for one in words]
    try:
        yield
    finally:
        for one in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, 9)
            one.wait()
        place.call("--config", config, "keeper", "stop", "--json")
