"""A thread that notices a lost terminal and sees to it that the process ends, even when the event loop is stuck.

When nobody reads the terminal, Textual's writer blocks the loop; a timer would be stuck with it (textual-facts 3.5).
"""

import contextlib
import os
import select
import termios
import threading
from collections.abc import Callable
from typing import Any

DEADLINE_SECONDS = 5.0
LOOK_MILLISECONDS = 500
HANGUP = 129


class HangUpWatch(threading.Thread):
    """Watches one descriptor for hang-up. `leave` asks the program to end with a code; after a deadline it is ended."""

    def __init__(self, descriptor: int, leave: Callable[[int], None]) -> None:
        super().__init__(name="hang-up watch", daemon=True)
        self._descriptor = descriptor
        self._leave = leave
        self._code: int | None = None
        self._asked = threading.Event()
        self._done = threading.Event()

    def leave_with(self, code: int) -> None:
        """End the program with this code; safe in a signal handler."""
        if self._code is None:
            self._code = code
            self._asked.set()
            with contextlib.suppress(RuntimeError):  # the loop has ended already: so does the program
                self._leave(code)

    def done(self) -> None:
        """The program is ending by itself."""
        self._done.set()

    def run(self) -> None:
        """Look for a hang-up until there is one or the program ends."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        while not self._done.is_set() and not self._asked.is_set():
            if any(
                event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(LOOK_MILLISECONDS)
            ):
                self.leave_with(HANGUP)
        if self._asked.is_set() and not self._done.wait(DEADLINE_SECONDS):
            self._end()
        elif self._asked.is_set():
            threading.Event().wait(DEADLINE_SECONDS)  # a daemon thread: gone with the process unless that hangs
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(termios.error, OSError):  # a terminal that is gone has nothing to give back
            termios.tcsetattr(self._descriptor, termios.TCSANOW, _cooked(termios.tcgetattr(self._descriptor)))
        os._exit(self._code if self._code is not None else HANGUP)


def _cooked(settings: list[Any]) -> list[Any]:
    """Terminal settings with echo, lines and signals, as a shell expects them."""
    settings[0] |= termios.ICRNL
    settings[1] |= termios.OPOST
    settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
    return settings
