"""The console in its terminal: signals, a lost terminal, crashes, files (textual-facts 3.5)."""

import asyncio
import signal
import sys
from typing import Any

from textual import events

from actions.model.errors import VqError
from screens.shell import Shell
from vq_tui.commands.crash import write_crash_file
from vq_tui.files import save_text
from vq_tui.hangup import HangUpWatch
from vq_tui.memory import Tidier

INTERNAL = 70
CLOSE_SECONDS = 3.0
SWITCH_SECONDS = 0.001
"""How long the desk's thread may compute while a key waits: a key takes several turns, and each may wait that long."""


class VqConsole(Shell):
    """`Shell` with everything that touches the machine."""

    opening_words = ""
    _watch_terminal: HangUpWatch | None = None
    last_words = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._tidier = Tidier()

    async def on_mount(self) -> None:
        """Leave cleanly on SIGTERM, SIGHUP and SIGINT, and when the terminal is gone.

        Textual calls the shell's own `on_mount` itself: called from here too, all of it would be there twice.
        """
        if self.opening_words:
            self.say(self.opening_words, "warn")
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()

        def leave(code: int) -> None:
            loop.call_soon_threadsafe(self.exit, None, code)

        watch = self._watch_terminal = HangUpWatch(sys.__stdin__.fileno() if sys.__stdin__ else 0, leave)
        watch.start()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda received, _: watch.leave_with(128 + received))

    def exit(self, result: Any = None, return_code: int = 0, message: Any = None) -> None:
        """Leave; whatever hangs then (a dead disk in a thread) does not keep the process."""
        super().exit(result, return_code, message)
        if self._watch_terminal is not None:
            self._watch_terminal.leaving(return_code)

    def _opened(self) -> None:
        """Everything is loaded."""
        super()._opened()
        self._tidier.begin()
        sys.setswitchinterval(SWITCH_SECONDS)

    async def on_event(self, event: events.Event) -> None:
        """Every key passes here first."""
        if isinstance(event, events.Key):
            self._tidier.typed()
        await super().on_event(event)

    def _tick(self) -> None:
        super()._tick()
        self._tidier.tick()

    async def on_unmount(self) -> None:
        """Give the desk back; what runs goes on without this process."""
        if self._desk is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.desk.close()
            except (TimeoutError, VqError) as error:
                self.log.warning(f"the desk did not close: {error!r}")
        if self._watch_terminal is not None:
            self._watch_terminal.done()

    async def save(self, name: str, text: str) -> str:
        """Write text to a new private file and return its path."""
        return await asyncio.to_thread(save_text, f"{self.identity.name}-{name}", text, self.clock.now())

    def _handle_exception(self, error: Exception) -> None:
        """An error of our own: a crash file and one line, never a traceback with values on the screen."""
        self._return_code = INTERNAL
        if self._watch_terminal is not None:
            self._watch_terminal.leaving(INTERNAL)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        if not self.last_words:
            where = write_crash_file(error, sys.argv[1:])
            self.last_words = f"vq-tui: internal error ({type(error).__name__}); runs go on; the details are in {where}"
        self._close_messages_no_wait()
