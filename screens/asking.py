"""Questions on a page: a line of text, or a challenge key. One at a time, and `esc` always takes it back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.containers import Horizontal

from screens.cells import Row, row
from screens.decision import Challenge, Press
from screens.keymap import single_keys
from screens.widgets.lines import Lines

if TYPE_CHECKING:
    from screens.page import Page


@dataclass
class TextQuestion:
    """What is being typed, and who gets it."""

    label: str
    done: Callable[[str], None]
    changed: Callable[[str], None] | None
    enter: bool


class Asking:
    """Mixed into `Page`."""

    challenge: Challenge | None = None
    _inline: tuple[str, Callable[[], None]] | None = None
    _text: TextQuestion | None = None

    @property
    def asking_text(self) -> bool:
        """Whether keys go into the entry line."""
        return self._text is not None

    @property
    def asking_key(self) -> bool:
        """Whether the line above the keys asks for a challenge key."""
        return self._inline is not None

    def question(self) -> Row | None:
        """The challenge as one line."""
        if self._inline is None or self.challenge is None:
            return None
        return row(
            ("press ", "text"),
            (f" {self.challenge.key} ", "badge"),
            (f" {self._inline[0]}", "bright"),
            ("   esc leaves", "dim"),
        )

    def draw_challenge(self) -> Challenge:
        """A new key that nothing on this page uses."""
        page = cast("Page", self)
        self.challenge = Challenge(page.shell.clock, single_keys(page.SCOPE, page.shell.keys), page.shell.random)
        return self.challenge

    def ask_key(self, words: str, yes: Callable[[], None]) -> None:
        """Ask for a challenge key in the line above the keys."""
        self.draw_challenge()
        self._inline = (words, yes)
        cast("Page", self)._words = None
        self._changed()

    def confirmed(self) -> None:
        """The challenge key was pressed. Pages with a challenge of their own override this."""
        if self._inline is not None:
            yes = self._inline[1]
            self._inline = self.challenge = None
            self._changed()
            yes()

    def on_key(self, event: events.Key) -> None:
        """While a challenge stands, every key is judged before any binding sees it."""
        page = cast("Page", self)
        if (
            self.challenge is None
            or self.asking_text
            or event.key in ("escape", "ctrl+q", page.shell.keys["all.leave"])
        ):
            return
        if page.cramped:
            event.stop()
            return
        press = self.challenge.press(event.character or event.key)
        if press is Press.CONFIRMED:
            event.stop()
            event.prevent_default()
            self.confirmed()
        elif press is not Press.OTHER or self.asking_key:
            event.stop()
            event.prevent_default()
            if (event.character or "").upper() == self.challenge.key:
                page.say(_WHY[press], "dim")

    def stop_asking(self) -> bool:
        """Take the question back; False when there was none."""
        if self._inline is None and self._text is None:
            return False
        if self._inline is not None:
            self._inline = self.challenge = None
        if self._text is not None:
            self._close_entry()
        self._changed()
        return True

    def ask_text(
        self,
        label: str,
        value: str,
        done: Callable[[str], None],
        *,
        typed_only: bool = False,
        changed: Callable[[str], None] | None = None,
        enter: bool = True,
    ) -> None:
        """Open the entry line. With `enter` false, Enter does nothing: words that confirm are only ever typed."""
        self._text = TextQuestion(label, done, changed, enter)
        page = cast("Page", self)
        page._words = None
        page.run_worker(self._open_entry(value, typed_only), group="entry", exclusive=True, exit_on_error=False)

    async def _open_entry(self, value: str, typed_only: bool) -> None:
        from screens.widgets.entry import Entry

        page = cast("Page", self)
        if not page.query("#ask"):
            label = Lines(lambda *_: [self._label()], id="ask-label")
            await page.mount(Horizontal(label, Entry(id="entry"), id="ask"), before="#foot")
        entry = page.query_one("#entry", Entry)
        entry.typed_only, entry.monotonic = typed_only, page.shell.clock.monotonic
        entry.value = value
        entry.cursor_position = len(value)
        if self._text is not None:
            page.query_one("#ask-label").styles.width = len(self._text.label) + 4
            page.add_class("-asking")
            entry.focus()
            self._changed()

    def _label(self) -> Row:
        return row((f" {self._text.label if self._text else ''} ", "dim"), ("› ", "key"))

    def _close_entry(self) -> None:
        self._text = None
        page = cast("Page", self)
        page.remove_class("-asking")
        page.set_focus(None)

    def _changed(self) -> None:
        page = cast("Page", self)
        page.refresh_bindings()
        page.repaint()

    def on_input_changed(self, event: Any) -> None:
        """Typing goes to whoever asked."""
        event.stop()
        if self._text is not None and self._text.changed is not None:
            self._text.changed(event.value)

    def on_input_submitted(self, event: Any) -> None:
        """Enter ends the line, where Enter may."""
        event.stop()
        if self._text is not None and self._text.enter:
            done = self._text.done
            self._close_entry()
            self._changed()
            done(event.value.strip())

    def on_entry_paste_refused(self) -> None:
        """Say why the entry is empty again."""
        self.say_beside("pasted text is refused here: type it")

    def say_beside(self, text: str) -> None:
        """Words while the entry line hides the usual place for them."""
        cast("Page", self).say(text, "warn")


_WHY = {
    Press.EARLY: "too early: read the screen, then press the key again",
    Press.REPEATED: "that was a repeat: let go, wait a moment, press the key once",
    Press.OTHER: "",
}
