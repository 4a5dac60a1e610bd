"""What a process is at its start: `python -m tests.what_it_is exit 3`, and the ends that a program can take."""

import json
import os
import random
import signal
import sys
import tempfile
import threading
from typing import Any


def facts() -> dict[str, Any]:
    """All that a program could find out about how it was started."""
    return {
        "words": sys.argv[1:],
        "file": sys.argv[0],
        "main": sys.modules["__main__"].__name__ == __name__,
        "path": sys.path,
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "temporary": tempfile.gettempdir(),
        "leader": os.getsid(0) == os.getpid(),
        "group": os.getpgid(0) == os.getpid(),
        "terminal": _terminal(),
        "streams": [_stream(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "same": (sys.stdin, sys.stdout, sys.stderr) == (sys.__stdin__, sys.__stdout__, sys.__stderr__),
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],  # without that of the listing
        "signals": {number.name: str(signal.getsignal(number)) for number in signal.valid_signals() - _UNNAMED},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "threads": len(os.listdir("/proc/self/task")),
        "main thread": threading.current_thread() is threading.main_thread(),
        "daemon": threading.current_thread().daemon,
        "mask": _mask(),
    }


_UNNAMED = {number for number in signal.valid_signals() if not isinstance(number, signal.Signals)}


def _terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _mask() -> int:
    old = os.umask(0)
    os.umask(old)
    return old


def _stream(stream: Any) -> list[Any]:
    return [
        stream.encoding,
        stream.errors,
        stream.line_buffering,
        stream.write_through,
        stream.newlines,
        type(stream.buffer).__name__,
        stream.fileno(),
        stream.isatty(),
    ]


def main(how: str, number: str = "0") -> int:
    """Print the facts, then end as asked."""
    print(json.dumps(facts() if how != "random" else random.random()), flush=True)
    if how == "signal":
        os.kill(os.getpid(), int(number))
        signal.pause()
    if how == "raise":
        raise ValueError(number)
    if how == "read":
        print(json.dumps(sys.stdin.read()))
    if how == "late":
        sys.stdout.write("not flushed by the program")
        os.close(1)
    return int(number)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
