"""A thread that notices a lost terminal and sees to it that the process ends, even when the loop or a thread is stuck.

When nobody reads the terminal, Textual's writer blocks the loop; a timer would be stuck with it (textual-facts 3.5).
"""

import contextlib
import os
import select
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

DEADLINE_SECONDS = 5.0
LOOK_MILLISECONDS = 500
HANGUP = 129
GIVE_BACK = b"\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[0m\r\n"
"""The screen as it was, a cursor, no paste and mouse reports: for a terminal that the program did not give back."""


class HangUpWatch(threading.Thread):
    """Watches one descriptor for hang-up. `leave` asks the program to end with a code; after a deadline it is ended."""

    def __init__(self, descriptor: int, leave: Callable[[int], None]) -> None:
        super().__init__(name="hang-up watch", daemon=True)
        self._descriptor = descriptor
        self._leave = leave
        self._code: int | None = None
        self._left_at: float | None = None
        self._told = threading.Event()
        self._done = threading.Event()

    def leave_with(self, code: int) -> None:
        """End the program with this code, also one that is leaving already; safe in a signal handler."""
        if not self._told.is_set():
            self._code = code
            self._told.set()
            with contextlib.suppress(RuntimeError):  # the loop has ended already: so does the program
                self._leave(code)

    def leaving(self, code: int) -> None:
        """The program was asked to end and does so by itself; what hangs in there has the deadline."""
        if self._code is None:
            self._code, self._left_at = code, time.monotonic()

    def done(self) -> None:
        """The program has let go of everything: what is left to end are its threads."""
        self._done.set()

    def run(self) -> None:
        """Look for a hang-up until there is one or the program ends."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        while not self._done.is_set() and not self._told.is_set():
            if any(
                event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(LOOK_MILLISECONDS)
            ):
                self.leave_with(HANGUP)
            elif self._left_at is not None and time.monotonic() - self._left_at > DEADLINE_SECONDS:
                self._end()
                return
        if self._told.is_set() and not self._done.wait(DEADLINE_SECONDS):
            self._end()
        elif self._code is not None:
            threading.Event().wait(DEADLINE_SECONDS)  # a daemon thread: gone with the process unless that hangs
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(termios.error, OSError):  # a terminal that is gone has nothing to give back
            termios.tcsetattr(self._descriptor, termios.TCSANOW, _cooked(termios.tcgetattr(self._descriptor)))
            if not self._done.is_set() and select.select([], [self._descriptor], [], 0)[1]:
                os.write(self._descriptor, GIVE_BACK)
        os._exit(self._code if self._code is not None else HANGUP)


def _cooked(settings: list[Any]) -> list[Any]:
    """Terminal settings with echo, lines and signals, as a shell expects them."""
    settings[0] |= termios.ICRNL
    settings[1] |= termios.OPOST
    settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
    return settings
