"""Processes that only take processor time, each in a session of its own, as `setsid` makes it.

Schedulers share the processor by session, so that hogs of one session together count as one. None outlives its bound,
even when whoever started it is killed.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

_BURN = "import signal, sys; signal.alarm(int(sys.argv[1]))\nwhile True: pass"


@contextlib.contextmanager
def hogs(count: int, seconds: int) -> Iterator[None]:
    """Have `count` of them run during the block, and no longer than `seconds`."""
    started = [
        subprocess.Popen([sys.executable, "-S", "-c", _BURN, str(seconds)], start_new_session=True)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()
