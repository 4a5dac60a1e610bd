"""The program in a pseudo-terminal, its screen read by a terminal emulator, every byte kept."""

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
import pyte

from tests.fork_server import Call, lead
from tests.forking import CONSOLE, Process, start

PATIENCE = 60.0


class Session:
    """One console in a terminal of `columns` x `rows`. Read continuously, unless `stall` stops the reader."""

    def __init__(
        self,
        words: list[str],
        environment: Mapping[str, str],
        *,
        columns: int = 80,
        rows: int = 24,
        argv: list[str] | None = None,
        ignore_hangup: bool = False,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self._lock = threading.Lock()
        self._reading = threading.Event()
        self._reading.set()
        self._gone = threading.Event()
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        call = Call("vq_tui", words, dict(environment), str(Path.cwd()), terminal=True, ignore_hangup=ignore_hangup)
        self.process: Process
        if argv is None:
            self.process = start(call, preload=CONSOLE, stdin=slave, stdout=slave, stderr=slave)
        else:
            self.process = subprocess.Popen(
                argv, stdin=slave, stdout=slave, stderr=slave, env=call.environment, preexec_fn=lambda: lead(call)
            )
        self._slave = slave
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.hang_up()

    def _read(self) -> None:
        while not self._gone.is_set():
            self._reading.wait()
            try:
                if self._gone.is_set() or not select.select([self.master], [], [], 0.1)[0]:
                    continue
                data = os.read(self.master, 65_536)
            except (OSError, ValueError):
                return
            with self._lock:
                self.raw += data
                self._stream.feed(data)

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        with self._lock:
            return "\n".join(self.screen.display)

    def keys(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the window."""
        with self._lock:
            self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def until(self, shown: str | Callable[[str], bool], seconds: float = PATIENCE) -> str:
        """Wait until the screen shows it; fails with the screen otherwise."""
        held = (lambda text: shown in text) if isinstance(shown, str) else shown
        end = time.monotonic() + seconds
        while not held(self.text):
            assert self.process.poll() is None, f"the program ended with {self.process.returncode}:\n{self.text}"
            assert time.monotonic() < end, f"never shown: {shown}\n{self.text}"
            time.sleep(0.02)
        return self.text

    def stall(self) -> None:
        """Nobody reads the terminal any more."""
        self._reading.clear()

    def flow(self) -> None:
        """The link is back."""
        self._reading.set()

    def hang_up(self) -> None:
        """The terminal is gone, as when a connection drops.

        The reader has ended before: the numbers of closed descriptors are given to whatever is opened next.
        """
        if self._gone.is_set():
            return
        self._gone.set()
        self._reading.set()
        self._thread.join()
        for descriptor in (self._slave, self.master):
            os.close(descriptor)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end of the program, and until all it wrote was read; return its exit code."""
        code = self.process.wait(seconds)
        quiet = 0
        while quiet < 3:
            try:
                quiet = 0 if select.select([self.master], [], [], 0.05)[0] else quiet + 1
            except (OSError, ValueError):
                break
        return code

    def processor_seconds(self) -> float:
        """Processor time the program used so far."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)

    def restored(self) -> bool:
        """Whether echo and lines are as before, and the alternate screen was left."""
        now = termios.tcgetattr(self._slave)
        entered, left = self.raw.rfind(b"\x1b[?1049h"), self.raw.rfind(b"\x1b[?1049l")
        return now[3] == self.before[3] and left > entered


def environment(home: Path, **more: str) -> dict[str, str]:
    """A quiet environment for the program: a home of its own, UTF-8, 256 colours."""
    hidden = ("VQ_TUI_", "XDG_", "SSH_", "SUDO_", "NO_COLOR", "COLORTERM", "LC_", "TEXTUAL")
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"} | more
