"""The frame every screen shares: band, body, one line of words, keys; asking for text and for a challenge key.

A page draws rows from what it knows (`body`), says which of its actions make sense now (`possible`) and never does
input or output itself: it asks the desk through workers and gets answers back as method calls.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult

from screens import small
from screens.asking import said
from screens.band import band, live
from screens.cells import BLANK, ROLES, Row
from screens.foot import foot
from screens.glyphs import DOWN
from screens.keymap import SCOPES
from screens.registry import Action, bindings, of
from screens.scene import Scene
from screens.thin import ThinCompositor
from screens.widgets.lines import Lines
from screens.working import Working

ALONE_SECONDS = 15.0
REST_SECONDS = 3.0
"""At rest a page is drawn whole that seldom, where nothing new has it drawn sooner."""

COMMON = ("all.attach", "all.roll-back", "all.palette", "all.help")
"""Keys of every page that its footer names; help and the palette know the rest."""


class Page(Working):
    """One screen of the console."""

    BINDINGS = bindings("all")
    COMPONENT_CLASSES = {f"lines--{role}" for role in ROLES}
    AUTO_FOCUS = None
    ESCAPE_TO_MINIMIZE = False
    SCOPE: ClassVar[str] = "reading"

    def __init__(self) -> None:
        super().__init__()
        self._compositor = ThinCompositor()
        self._painted = 0.0
        self._frame: list[Lines] = []
        self._note_rows = 1

    # what a page draws --------------------------------------------------------------------------
    def body(self, width: int, height: int) -> Sequence[Row]:
        """The rows of the page."""
        raise NotImplementedError

    def heading(self) -> tuple[str, ...]:
        """Words in the band after the environment."""
        return ()

    def tail(self) -> tuple[str, ...]:
        """Words at the right of the band; the least important first."""
        scene = self.shell.scene
        now = self.shell.clock.now()
        return (live(scene.snapshot, now, self.shell.identity.interval), f"{now:%H:%M:%S}Z")

    def idle_note(self, width: int) -> Row:
        """The line above the keys while nothing is said or asked there."""
        return BLANK

    def tells_trouble(self) -> bool:
        """Whether the page itself says what stands between this session and the record."""
        return False

    def possible(self, action: Action) -> bool:
        """Whether this action makes sense on this page now; rights are judged elsewhere."""
        return action.scope != "list"

    def about_service(self) -> str:
        """The service this page is about; empty where it is about none, or all."""
        return ""

    def scene_changed(self, scene: Scene) -> None:
        """Something new is known."""
        self.repaint()

    def plain(self) -> str:
        """What `y` copies and `w` writes: the page as text, unless it knows better."""
        return "\n".join(line.plain.rstrip() for line in self.body(self.size.width - 2, 500)).rstrip() + "\n"

    # frame --------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        """Five rows of the frame; the entry line comes when it is first needed."""
        identity = self.shell.identity
        yield Lines(lambda width, _: [band(identity, self.heading(), self.tail(), width)], id="band").add_class(
            f"-{identity.colour}"
        )
        yield Lines(self.body, id="body")
        yield Lines(lambda width, _: self.note(width), id="note")
        yield Lines(lambda width, _: [foot(self.footer_actions(), self.shell.keys, width)], id="foot")
        yield Lines(lambda width, height: small.rows(self.app.size, width, height), id="small")

    def note(self, width: int) -> list[Row]:
        """What is said above the keys: one line, or as many as the words need."""
        question = self.question()
        if self._words is not None:
            return [*said(*self._words[:2], width), *([question] if question else [])]
        scene = self.shell.scene
        trouble = "" if self.tells_trouble() else scene.trouble
        waiting = f"{scene.waiting}: 'vq-tui audit import'" if scene.waiting else ""
        if question is None and (trouble or waiting):
            words = "; ".join(filter(None, (trouble, waiting)))
            return said(f"{DOWN} {words}", "down" if trouble else "warn", width)
        return [question or self.idle_note(width)]

    def repaint(self) -> None:
        """Draw again what changed."""
        if self.is_mounted:
            self._painted = self.shell.clock.monotonic()
            self._frame = self._frame or list(self.query_children(Lines))
            self._make_room()
            for lines in self._frame:
                lines.repaint()

    def _make_room(self) -> None:
        """As many lines for the note as it has; a page that is being left has lost it already."""
        self.set_class(self._words is not None, "-said")
        rows = len(self.note(max(1, self.size.width - 2)))
        if rows != self._note_rows:
            self._note_rows = rows
            for lines in self._frame:
                if lines.id == "note":
                    lines.styles.height = rows

    def tick(self) -> None:
        """Each second the clock of the band moves; at rest the rest is drawn seldom, the clock too if nobody types."""
        now = self.shell.clock.monotonic()
        if self._words is not None and now > self._words[2]:
            self._words = None
        elif self.at_rest() and now - self._painted < REST_SECONDS:
            if self._frame and now - self.shell.typed_at < ALONE_SECONDS:
                self._frame[0].repaint()  # the band
            return
        self.repaint()

    def at_rest(self) -> bool:
        """Whether nothing on the page counts seconds."""
        return False

    def on_resize(self, event: events.Resize) -> None:
        """A window below 80x24 shows one line about it; nothing can be decided there."""
        self.cramped = small.too_small(event.size)
        self.set_class(self.cramped, "-cramped")
        self.call_after_refresh(self.repaint)

    def on_screen_resume(self) -> None:
        """Seen again: a question has to be read again."""
        if self.challenge is not None:
            self.challenge.rearm()
        self.repaint()

    # actions --------------------------------------------------------------------------
    def allowed(self, action: Action) -> bool:
        """Whether the action works here and now; keys, footer, help and palette all ask this."""
        if action.fixed:
            return True
        if not self.shell.is_open:
            return False
        if self.cramped or (action.writes and self.shell.identity.read_only):
            return False
        if self.asking_text or self.asking_key:
            return action.id == "all.leave"
        if action.id == "all.attach":
            return self.shell.scene.active is not None and self.possible(action)
        return self.possible(action)

    def actions_now(self) -> list[Action]:
        """All actions that work here and now, in the order of the registry."""
        now = [action for action in of(*SCOPES[self.SCOPE]) if self.allowed(action)]
        if not self.shell.identity.read_only:
            return now
        return [replace(one, verb="rollback plan") if one.id == "all.roll-back" else one for one in now]

    def footer_actions(self) -> list[Action]:
        """The actions the footer names: the way out, what belongs to this page, then the few keys of every page."""
        now = sorted((action for action in self.actions_now() if action.foot), key=lambda action: action.foot)
        own = [action for action in now if action.scope != "all"]
        common = [action for action in now if action.id in COMMON]
        return [*(action for action in now if action.id == "all.leave"), *own, *common]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual asks before every key and every run of an action."""
        known = next((one for one in of(*SCOPES[self.SCOPE]) if one.method == action), None)
        return True if known is None else self.allowed(known)

    def action_roll_back(self) -> None:
        """The emergency screen of the service that is looked at; where there are several, they are offered first."""
        services, about = self.shell.desk.rollback_services, self.about_service()
        own = next((one for one in services if about == one or about.startswith(f"{one} ")), None)
        if own is not None:
            self.shell.open("screens.rollback:RollbackPage", own)
        elif len(services) > 1:
            self.shell.open("screens.which:WhichPage")
        else:
            self.shell.open("screens.rollback:RollbackPage")

    def action_history(self) -> None:
        self.shell.open("screens.history:HistoryPage")

    def action_drill(self) -> None:
        self.shell.open("screens.drill:DrillPage")

    def action_attach(self) -> None:
        if self.shell.scene.active is not None:
            self.shell.open("screens.run:RunPage", self.shell.scene.active.id)

    def action_palette(self) -> None:
        self.shell.open("screens.palette:PalettePage", self)

    def action_help(self) -> None:
        self.shell.open("screens.help:HelpPage", self)

    def action_quit(self) -> None:
        self.app.exit(return_code=0)

    def action_leave(self) -> None:
        """One step back: first out of a question, then out of the page."""
        if not self.stop_asking():
            self.shell.back()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.plain())
        key = self.key("all.write")
        self.say(f"sent to the terminal; if nothing was copied, {key} writes a file", "dim")

    def action_write(self) -> None:
        self.fetch(
            self.shell.save(self.SCOPE, self.plain()), lambda path: self.say(f"written to {path}", "ok"), "write"
        )

    def action_up(self) -> None:
        self.move(-1)

    def action_down(self) -> None:
        self.move(1)

    def action_page_up(self) -> None:
        self.move_page(-1)

    def action_page_down(self) -> None:
        self.move_page(1)

    def action_move(self, delta: int) -> None:
        self.move(delta)

    def action_move_page(self, delta: int) -> None:
        self.move_page(delta)

    def action_first(self) -> None:
        self.move(-(10**9))

    def action_last(self) -> None:
        self.move(10**9)

    def move(self, delta: int) -> None:
        """Move the pointer or the view by lines."""

    def move_page(self, pages: int) -> None:
        """Move by what fits on the page."""
        self.move(pages * max(1, self.size.height - 8))
