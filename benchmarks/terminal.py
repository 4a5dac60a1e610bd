"""A program in a pseudo-terminal, as fast as can be: its bytes with the time they came, nothing emulated."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import psutil

PATIENCE = 60.0


class Terminal:
    """One program on a terminal of 80x24. `bytes_at` are (monotonic time, total bytes so far, chunk)."""

    def __init__(self, argv: list[str], environment: Mapping[str, str]) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.total = 0
        self._news = threading.Condition()
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

        def prepare() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # even where nohup started this

        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=dict(environment), preexec_fn=prepare
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._thread.join(5)
        os.close(self.master)

    def _read(self) -> None:
        while True:
            try:
                if not select.select([self.master], [], [], 0.5)[0]:
                    if self.process.poll() is not None:
                        return
                    continue
                data = os.read(self.master, 65_536)
            except OSError:
                return
            now = time.perf_counter()
            with self._news:
                self.chunks.append((now, data))
                self.total += len(data)
                self._news.notify_all()

    def keys(self, text: str) -> float:
        """Press keys; returns when."""
        now = time.perf_counter()
        os.write(self.master, text.encode())
        return now

    def until(self, held: Callable[[bytes], bool], since: int = 0) -> float:
        """When all that came since chunk number `since` first fulfilled `held`. Raises TimeoutError with the bytes."""
        end = time.perf_counter() + PATIENCE
        seen, taken, at = bytearray(), since, 0.0
        with self._news:
            while True:
                while taken < len(self.chunks):
                    at, data = self.chunks[taken]
                    seen += data
                    taken += 1
                    if held(bytes(seen)):
                        return at
                if not self._news.wait(0.5) and taken == len(self.chunks):
                    ended = self.process.poll() is not None
                    if ended or time.perf_counter() > end:
                        words = "the program ended" if ended else "it never came"
                        raise TimeoutError(f"{words}; the last bytes: {bytes(seen)[-1000:]!r}")

    def shows(self, text: str, since: int = 0) -> float:
        """When `text` was first written in one piece."""
        return self.until(lambda seen: text.encode() in seen, since)

    def answer(self, text: str, quiet: float = 0.15) -> float:
        """Press keys on a still screen and return the seconds until the first byte that answers."""
        self.still(quiet)
        with self._news:
            since = len(self.chunks)
        pressed = self.keys(text)
        return self.until(bool, since) - pressed

    def still(self, seconds: float) -> None:
        """Wait until nothing came for that long."""
        end = time.perf_counter() + PATIENCE
        while True:
            with self._news:
                last = self.chunks[-1][0] if self.chunks else self.began
            rest = last + seconds - time.perf_counter()
            if rest <= 0:
                return
            if time.perf_counter() > end:
                raise TimeoutError("the screen never came to rest")
            time.sleep(rest)

    def usage(self) -> tuple[float, float]:
        """Processor seconds used so far, and megabytes held now."""
        seen = psutil.Process(self.process.pid)
        used = seen.cpu_times()
        return used.user + used.system, seen.memory_info().rss / 1e6


def environment(home: Path, **more: str) -> dict[str, str]:
    """What programs under measurement get: a home of their own, tmux's terminal, byte code kept in `home`."""
    hidden = ("VQ_TUI_", "XDG_", "NO_COLOR", "COLORTERM", "LC_", "TEXTUAL", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    home.mkdir(exist_ok=True, parents=True)
    given = {"HOME": str(home), "TERM": "tmux-256color", "LANG": "C.UTF-8", "PYTHONPYCACHEPREFIX": str(home / "pyc")}
    return kept | given | more


@contextlib.contextmanager
def scratch():  # type: ignore[no-untyped-def]
    """A directory of a measurement's own, gone afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="vqb-", ignore_cleanup_errors=True) as name:
        yield Path(name)
