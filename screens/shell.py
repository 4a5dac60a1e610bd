"""The app below the screens: it holds the desk, the clock, the keys and the scene, opens pages, and moves time.

Everything that touches the terminal, signals or files is in `vq_tui`; this class runs in any test.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from actions.model.errors import VqError
from screens import theme
from screens.band import Identity
from screens.clock import Clock, SystemClock
from screens.desk_protocol import Operator, Viewer, operator_of
from screens.home import HomePage
from screens.keymap import effective
from screens.page import Page
from screens.scene import Scene
from screens.working import Told, one_line

if TYPE_CHECKING:
    from screens.feed import Feed

WATCH_AGAIN_SECONDS = 5.0
MOST_EARLY = 16
"""Keys that are kept while the desk opens, which takes a moment."""


class Shell(App[None]):
    """The console without its terminal.

    The first frame needs `identity` alone; `opening` then makes the desk on a thread, with all that has to be imported
    and read for it. What it raises ends the console and is left in `failed`: a wrong configuration opens nothing.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = Path(__file__).parent / "console.tcss"
    TITLE = "vq-tui"

    def __init__(
        self,
        identity: Identity,
        opening: Callable[[], Viewer],
        *,
        clock: Clock | None = None,
        theme_name: str = theme.DEFAULT,
        ascii_only: bool = False,
        keys: Mapping[str, str] | None = None,
        source: random.Random | None = None,
    ) -> None:
        self._theme = theme.load(theme_name)
        super().__init__(ansi_color=True if self._theme.ansi else None)
        self.clock: Clock = clock or SystemClock()
        self.ascii_only = ascii_only
        self.moved = dict(keys or {})
        self.keys = effective(self.moved)
        self.random = source or random.SystemRandom()
        self.identity = identity
        self.failed: VqError | None = None
        self._opening = opening
        self._desk: Viewer | None = None
        self._feed: Feed | None = None
        self._early: list[events.Key] = []
        self.typed_at = self.clock.monotonic()
        self.register_theme(self._theme)
        self.theme = self._theme.name

    @property
    def scene(self) -> Scene:
        """The last known state of everything; nothing is known before the desk is open."""
        return self._feed.scene if self._feed is not None else Scene()

    @property
    def is_open(self) -> bool:
        """Whether the desk answers; keys pressed before that are kept until it does."""
        return self._feed is not None

    @property
    def desk(self) -> Viewer:
        """The reading half of the action layer. Raises VqError while it is being opened."""
        if self._desk is None:
            raise VqError("the console is still opening")
        return self._desk

    @property
    def feed(self) -> "Feed":
        """What keeps the scene up to date. Raises VqError while the desk is being opened."""
        if self._feed is None:
            raise VqError("the console is still opening")
        return self._feed

    @property
    def operator(self) -> Operator:
        """The writing half of the desk. Raises ReadOnlyError."""
        return operator_of(self.desk)

    @property
    def page(self) -> Page | None:
        """The page on show."""
        return self.screen if isinstance(self.screen, Page) else None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The style sheet's own variables, so that it loads under any theme."""
        return self._theme.variables

    def get_loading_widget(self) -> Widget:
        """A still label: an animated one costs 100 kB/s (textual-facts 3.6)."""
        return Widget()

    def get_default_screen(self) -> Page:
        """Home is the root."""
        return HomePage()

    async def on_mount(self) -> None:
        """The frame is there; everything else fills in."""
        self.set_keymap(self.moved)
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._begin)

    async def on_event(self, event: events.Event) -> None:
        """Keys pressed before the desk is open, but for those that leave, work once it is: fingers do not wait."""
        if isinstance(event, events.Key):
            self.typed_at = self.clock.monotonic()
        if isinstance(event, events.Key) and not self.is_open and not event.key.startswith("ctrl+"):
            if len(self._early) < MOST_EARLY:
                self._early.append(events.Key(event.key, event.character))
                self.say("opening; the key works in a moment", "dim")
            return
        if isinstance(event, events.Key) and self.page is not None and self.page.holds(event):
            return
        await super().on_event(event)

    def _begin(self) -> None:
        self.run_worker(self._start(), group="start", exit_on_error=False)

    async def _start(self) -> None:
        try:
            self._desk = await asyncio.to_thread(self._opening)
        except VqError as error:
            self.failed = error
            self.exit(return_code=int(error.code))
            return
        await self._begin_to_watch()

    async def _begin_to_watch(self) -> None:
        """Start the desk and watch, or say why it cannot start yet; either way the keys work from now on."""
        problem = ""
        try:
            await self.desk.start()
        except VqError as error:
            problem = f"{error.message}; it is tried again"
        if not self.is_open:
            self._opened()
        if problem:
            self.say(problem, "down")
            self.set_timer(WATCH_AGAIN_SECONDS, lambda: self._watch("start", self._begin_to_watch()))
            return
        self._watch("health", self.feed.watch_health())
        self._watch("ledger", self.feed.watch_ledger())

    def _opened(self) -> None:
        """The desk is there and answers, and all modules are loaded."""
        from screens.feed import Feed

        self._feed = Feed(self.desk, self._scene_changed, self.clock)
        if self._early and self.page is not None:
            self.page.unsay()
        for key in self._early:
            self.post_message(key)
        self._early.clear()
        self.identity = Identity.of(self.desk)
        if self.page is not None:
            self.page.repaint()

    def _watch(self, group: str, work: Coroutine[None, None, None]) -> None:
        self.run_worker(work, group=group, exit_on_error=False)

    def open(self, target: str, *arguments: Any) -> None:
        """Show a page named `module:Class`; its module is imported on first use."""
        module, _, name = target.partition(":")
        kind = getattr(import_module(module), name)
        if self.page is not None and type(self.page) is kind and arguments == getattr(self.page, "arguments", ()):
            return
        page = kind(*arguments)
        page.arguments = arguments
        self.push_screen(page)

    def replace(self, target: str, *arguments: Any) -> None:
        """Show a page in the place of the one on show, so that one step back skips it."""
        module, _, name = target.partition(":")
        page = getattr(import_module(module), name)(*arguments)
        page.arguments = arguments
        page.came_by_itself(self.clock.monotonic())
        self.switch_screen(page)

    def back(self) -> None:
        """One step back; home stays."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def leave(self, kind: type[Page]) -> None:
        """Back past every page of that kind: an earlier one in the place of this one would be taken for it."""
        self.back()
        while isinstance(self.page, kind):
            self.back()

    def go_home(self) -> None:
        """All steps back."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def say(self, text: str, role: str = "text") -> None:
        """One line on whatever page is on show."""
        if self.page is not None:
            self.page.say(text, role)

    async def save(self, name: str, text: str) -> str:
        """Write text to a file and return its path; the terminal program knows how."""
        raise VqError("this console cannot write files")

    def change_theme(self, name: str) -> None:
        """Change the colours now. Raises ConfigError."""
        self._theme = theme.load(name)
        self.register_theme(self._theme)
        self.theme = self._theme.name
        self.call_after_refresh(self._tick)

    def action_help_quit(self) -> None:
        """ctrl+c: copying belongs to the terminal; say how to leave."""
        self.say("ctrl+q leaves the console; what runs goes on without it", "dim")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed says so; it never ends the console, and watching begins again."""
        if event.state is not WorkerState.ERROR or event.worker.error is None or isinstance(event.worker.error, Told):
            return
        if not self.is_open and isinstance(event.worker.error, Exception):
            self._handle_exception(event.worker.error)
            return
        self.say(one_line(event.worker.error), "down")
        again = {"health": self.feed.watch_health, "ledger": self.feed.watch_ledger}.get(event.worker.group)
        if again is not None:
            self.set_timer(WATCH_AGAIN_SECONDS, lambda: self._watch(event.worker.group, again()))

    def _tick(self) -> None:
        if self.page is not None:
            self.page.tick()

    def _scene_changed(self, scene: Scene) -> None:
        if self.page is not None:
            self.page.scene_changed(scene)
