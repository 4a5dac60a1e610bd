"""Words and questions on a page: a line of text, or a challenge key. One at a time; `esc` always takes it back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.containers import Horizontal
from textual.screen import Screen

from screens.cells import BLANK, Row, row, wrap
from screens.decision import SETTLE_SECONDS, Challenge, Press
from screens.keymap import shown, single_keys, writing_keys
from screens.widgets.lines import Lines

if TYPE_CHECKING:
    from screens.shell import Shell

WORDS_SECONDS = 12.0
MOST_WORDS = 4
"""Lines above the keys that words may take."""


@dataclass
class TextQuestion:
    """What is being typed, and who gets it."""

    label: str
    done: Callable[[str], None]
    changed: Callable[[str], None] | None
    enter: bool


class Asking(Screen[None]):
    """A screen that says words above its keys and asks questions there. `Page` draws the rest."""

    SCOPE: ClassVar[str] = "reading"
    OPENS_TYPING: ClassVar[bool] = False
    """Whether an entry line opens with the page: keys that come before it belong there."""

    def __init__(self) -> None:
        super().__init__()
        self._settled_at = float("-inf")
        self._opening = self.OPENS_TYPING
        self._kept: list[events.Key] = []
        self.cramped = False
        self.challenge: Challenge | None = None
        self._words: tuple[str, str, float] | None = None
        self._inline: tuple[str, Callable[[], None]] | None = None
        self._text: TextQuestion | None = None

    @cached_property
    def shell(self) -> "Shell":
        """The app, by its own type."""
        return cast("Shell", self.app)

    def repaint(self) -> None:
        """Draw again what changed."""
        raise NotImplementedError

    # keys before their time ----------------------------------------------------------------------
    def came_by_itself(self, now: float) -> None:
        """This page took the place of another without a key: keys of the next half second were meant for that one."""
        self._settled_at = now + SETTLE_SECONDS

    def holds(self, event: events.Key) -> bool:
        """Whether a key goes no further, judged before anything else sees it: too early here, or typed into a line."""
        if event.key.startswith("ctrl+") or event.key in ("escape", self.shell.keys["all.leave"]):
            return False
        if self.shell.clock.monotonic() < self._settled_at:
            self.say("too early: this page has only just come; read it, then press the key again", "dim")
            return True
        if self._opening and (event.is_printable or event.key in ("enter", "backspace")):
            self._kept.append(event)
            return True
        if event.is_forwarded and event.is_printable and self._text is not None and self.focused is not None:
            self._into_entry([event])  # pressed before the line was open, and on its way since
            return True
        return False

    def _into_entry(self, keys: list[events.Key]) -> None:
        """Keys that were pressed for the entry line, in their order."""
        for key in sorted(keys, key=lambda one: one.time):
            if self.focused is not None:
                self.focused._forward_event(events.Key(key.key, key.character))

    def key(self, action_id: str) -> str:
        """The key of an action as it is written on the screen; with a key that was moved, that one."""
        return shown(self.shell.keys[action_id])

    # words --------------------------------------------------------------------------
    def say(self, text: str, role: str = "text") -> None:
        """Words above the keys, for a while."""
        self._words = (text, role, self.shell.clock.monotonic() + WORDS_SECONDS)
        self.repaint()

    def unsay(self) -> None:
        """Take back what was said."""
        self._words = None
        self.repaint()

    # questions --------------------------------------------------------------------------

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
        )

    def draw_challenge(self) -> Challenge:
        """A new key that nothing on this page uses."""
        self.challenge = Challenge(self.shell.clock, single_keys(self.SCOPE, self.shell.keys), self.shell.random)
        return self.challenge

    def ask_key(self, words: str, yes: Callable[[], None]) -> None:
        """Ask for a challenge key in the line above the keys."""
        self.draw_challenge()
        self._inline = (words, yes)
        self._words = None
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
        if self.asking_text or event.key in ("escape", "ctrl+q", self.shell.keys["all.leave"]):
            return
        if self.challenge is None:
            self._say_read_only(event)
            return
        if self.cramped:
            event.stop()
            return
        press = self.challenge.press(event.character or event.key)
        if press is Press.CONFIRMED:
            event.stop()
            event.prevent_default()
            self.confirmed()
            return
        if press is not Press.OTHER or self.asking_key:
            event.stop()
            event.prevent_default()
        elif event.key in self.active_bindings:  # beside a question in its body, the keys of a page work
            return
        right = (event.character or "").upper() == self.challenge.key
        self.say(_WHY[press] if right else f"{_name(event)} is not {self.challenge.key}: nothing happened", "dim")

    def _say_read_only(self, event: events.Key) -> None:
        """A key that would change something elsewhere is answered, not ignored."""
        writing = writing_keys(self.SCOPE, self.shell.keys) & {event.key, event.character}
        if writing and self.shell.identity.read_only and not self.cramped and event.key not in self.active_bindings:
            self.say("read-only session: nothing can be changed here", "dim")

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
        replacing: bool = False,
    ) -> None:
        """Open the entry line. With `enter` false, Enter does nothing: words that confirm are only ever typed.

        With `replacing`, what is typed takes the place of `value`; a cursor key first goes on from it.
        """
        self._text = TextQuestion(label, done, changed, enter)
        self._words = None
        self._opening = True
        opening = self._open_entry(value, typed_only, replacing)
        self.run_worker(opening, group="entry", exclusive=True, exit_on_error=False)

    async def _open_entry(self, value: str, typed_only: bool, replacing: bool) -> None:
        from textual.widgets.input import Selection

        from screens.widgets.entry import Entry

        if not self.query("#ask"):
            label = Lines(lambda *_: [self._label()], id="ask-label")
            await self.mount(Horizontal(label, Entry(id="entry"), id="ask"), before="#foot")
        entry = self.query_one("#entry", Entry)
        entry.typed_only, entry.monotonic = typed_only, self.shell.clock.monotonic
        entry.value = value
        entry.selection = Selection(0 if replacing else len(value), len(value))
        if self._text is not None:
            self.query_one("#ask-label").styles.width = len(self._text.label) + 4
            self.add_class("-asking")
            self.set_focus(entry)
            self._changed()
            kept, self._kept, self._opening = self._kept, [], False
            self._into_entry(kept)

    def _label(self) -> Row:
        return row((f" {self._text.label if self._text else ''} ", "dim"), ("› ", "key"))

    def _close_entry(self) -> None:
        self._text, self._opening, self._kept = None, False, []
        self.remove_class("-asking")
        self.set_focus(None)

    def _changed(self) -> None:
        self.refresh_bindings()
        self.repaint()

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
        self.say("pasted text is refused here: type it", "warn")


def said(text: str, role: str, width: int) -> list[Row]:
    """Words above the keys, whole: what to do stands at their end."""
    return [row((line, role)) for line in wrap(text, width)[:MOST_WORDS]] or [BLANK]


def _name(event: events.Key) -> str:
    """A key as it is spoken of."""
    visible = event.character is not None and event.is_printable and not event.character.isspace()
    return event.character or event.key if visible else event.key


_WHY = {
    Press.EARLY: "too early: read the screen, then press the key again",
    Press.REPEATED: "that was a repeat: let go, wait a moment, press the key once",
    Press.OTHER: "",
}
