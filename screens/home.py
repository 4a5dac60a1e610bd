"""Home: is it healthy, what changed, what is running, what comes next, what can I do."""

from collections.abc import Sequence

from textual import events

from screens.cells import Row, row
from screens.glyphs import HAIR
from screens.home_rows import Home, home_rows, in_order, run_line
from screens.page import Page
from screens.registry import Action, bindings
from screens.widgets.lines import Lines

UNDO_SECONDS = 5.0
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class HomePage(Page):
    """The root of the console."""

    SCOPE = "home"
    BINDINGS = bindings("list", "home")

    def __init__(self) -> None:
        super().__init__()
        self.pointer: str | None = None
        self._letters: dict[str, str] = {}
        self._keeper_at: float | None = None

    def compose(self):  # type: ignore[no-untyped-def]
        """The frame with one line more: what runs."""
        frame = list(super().compose())
        yield from frame[:3]
        yield Lines(lambda width, _: [run_line(self._home(), width)], id="runs")
        yield from frame[3:]

    def heading(self) -> tuple[str, ...]:
        return (self.shell.identity.product,)

    def tail(self) -> tuple[str, ...]:
        return (f"{self.shell.identity.host} · {self.shell.identity.operator}", *super().tail())

    def body(self, width: int, height: int) -> Sequence[Row]:
        return home_rows(self._home(), width, height)

    def idle_note(self, width: int) -> Row:
        if self._letters:
            return row(("press a letter to go there, any other key to stay", "dim"))
        return row((HAIR * width, "hair"))

    def footer_actions(self) -> list[Action]:
        return sorted((action for action in self.actions_now() if action.foot), key=lambda action: action.foot)

    def at_rest(self) -> bool:
        return self.shell.scene.active is None and self.challenge is None

    def possible(self, action: Action) -> bool:
        if action.id == "all.leave":
            return bool(self._letters) or self.pointer is not None
        if action.id == "home.keeper":
            keeper = self.shell.scene.keeper
            return self._keeper_undo() or (keeper is not None and not keeper.alive)
        return action.scope != "list" or self.shell.scene.snapshot is not None

    def move(self, delta: int) -> None:
        """Move the pointer over the services."""
        snapshot = self.shell.scene.snapshot
        if snapshot is None or not snapshot.services:
            return
        names = [one.service for one in in_order(snapshot.services, self.shell.clock.now(), self.size.height - 12)]
        at = (names.index(self.pointer) if self.pointer in names else -1 if delta > 0 else len(names)) + delta
        self.pointer = names[max(0, min(len(names) - 1, at))]
        self.repaint()

    def action_open(self) -> None:
        """Attach to the run under way, or open the service under the pointer."""
        if self.pointer is not None:
            self.shell.open("screens.service:ServicePage", self.pointer)
        elif self.shell.scene.active is not None:
            self.action_attach()
        else:
            self.move(1)

    def action_leave(self) -> None:
        """Home is the root: only the pointer and the letters go."""
        if not self.stop_asking():
            self.pointer = None
            self._letters = {}
            self.repaint()

    def action_jump(self) -> None:
        """Draw a letter on every place that can be gone to."""
        scene = self.shell.scene
        places = [f"service {one.service}" for one in (scene.snapshot.services if scene.snapshot else ())]
        places += [f"run {change.run_id}" for change in scene.changes or () if change.run_id]
        if scene.last is not None and scene.active is None:
            places.append(f"run {scene.last.id}")
        self._letters = dict(zip(dict.fromkeys(places), LETTERS, strict=False))
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """A letter of the jump, or leave it."""
        if not self._letters:
            return
        event.stop()
        event.prevent_default()
        place = next((place for place, letter in self._letters.items() if letter == event.character), None)
        self._letters = {}
        self.repaint()
        if place is not None:
            kind, _, name = place.partition(" ")
            self.go(kind, name)

    def go(self, kind: str, name: str) -> None:
        """Open a place by its kind and name."""
        self.shell.open("screens.service:ServicePage" if kind == "service" else "screens.run:RunPage", name)

    def action_keeper(self) -> None:
        """Start the keeper; for a moment the same key takes that back."""
        operator = self.shell.operator
        if self._keeper_undo():
            self._keeper_at = None
            self.act(operator.stop_keeper(), lambda _: self.say("keeper stopped again", "ok"))
        else:
            self.act(operator.start_keeper(), self._keeper_started)

    def _keeper_started(self, _: object) -> None:
        self._keeper_at = self.shell.clock.monotonic()
        key = self.key("home.keeper")
        self.say(f"keeper started; {key} within {UNDO_SECONDS:.0f} s takes that back", "ok")

    def _keeper_undo(self) -> bool:
        return self._keeper_at is not None and self.shell.clock.monotonic() - self._keeper_at <= UNDO_SECONDS

    def action_quit(self) -> None:
        self.app.exit(return_code=0)

    def plain(self) -> str:
        return super().plain() + run_line(self._home(), self.size.width - 2).plain + "\n"

    def _home(self) -> Home:
        keeper_key = "" if self.shell.identity.read_only else self.key("home.keeper")
        return Home(self.shell.scene, self.shell.clock.now(), self.pointer, self._letters, keeper_key)
