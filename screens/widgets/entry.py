"""One line to type into. Words that confirm something are typed by hand: paste is refused (rule 1)."""

import time
from collections.abc import Callable

from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

BURST_CHARACTERS = 4
BURST_SECONDS = 0.06
"""More characters than a hand can type in this time were pasted by a terminal without bracketed paste."""


class Entry(Input):
    """A compact input; `typed_only` refuses pasted text in every form a terminal can deliver it."""

    BINDINGS = [
        Binding("up", "screen.move(-1)", show=False, id="entry.up"),
        Binding("down", "screen.move(1)", show=False, id="entry.down"),
        Binding("pageup", "screen.move_page(-1)", show=False, id="entry.page-up"),
        Binding("pagedown", "screen.move_page(1)", show=False, id="entry.page-down"),
    ]

    class PasteRefused(Message):
        """Text was pasted where it must be typed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.typed_only = False
        self.monotonic: Callable[[], float] = time.monotonic
        self._typed_at: list[float] = []

    def _on_paste(self, event: events.Paste) -> None:
        if self.typed_only:
            event.stop()
            event.prevent_default()
            self._refuse()

    def action_paste(self) -> None:
        """Paste what was copied inside this program."""
        if self.typed_only:
            self._refuse()
        else:
            super().action_paste()

    async def _on_key(self, event: events.Key) -> None:
        if self.typed_only and event.is_printable:
            now = self.monotonic()
            self._typed_at = [at for at in self._typed_at if now - at < BURST_SECONDS] + [now]
            if len(self._typed_at) >= BURST_CHARACTERS:
                event.stop()
                event.prevent_default()
                self._refuse()

    def _refuse(self) -> None:
        self.value = ""
        self.post_message(self.PasteRefused())
