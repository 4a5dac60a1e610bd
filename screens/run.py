"""A run, live: attach to it, steer it, detach from it. Losing this screen changes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from textual import events

from actions.model.errors import VqError
from actions.model.identity import short_id
from actions.model.record import GateRow, RunQuery
from actions.model.run import Executor, RunView
from actions.model.words import Command, RunState
from screens.cells import Row, row
from screens.glyphs import ARROW
from screens.keymap import ANSWERS
from screens.page import Page
from screens.registry import Action, bindings
from screens.run_note import note_row, usual_seconds
from screens.run_rows import Live, run_rows
from screens.scene import Scene
from screens.steers import starting, steers

MOST_ROWS = 2_000
AGAIN_SECONDS = 1.0
"""How soon a journal that could not be read is read again."""


class RunPage(Page):
    """The same screen for every kind of run, under way or over."""

    SCOPE = "run"
    BINDINGS = bindings("list", "run")

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.view: RunView | None = None
        self.executor: Executor | None = None
        self.gate: GateRow | None = None
        self.usual: float | None = None
        self.top = 0
        self.problem = ""
        self.lost: datetime | None = None
        self._beside_asked = False
        self._told = ""

    # what is shown --------------------------------------------------------------------------
    def heading(self) -> tuple[str, ...]:
        if self.view is None:
            return (f"run {short_id(self.run_id)}",)
        run = self.view.run
        drill = ("drill",) if run.drill and not self.shell.identity.drill else ()
        return (
            f"{run.procedure} {short_id(run.id)[-3:]}",
            f"{run.from_version or '?'} {ARROW} {run.to_version or '?'}",
            *drill,
        )

    def about_service(self) -> str:
        return self.view.run.service if self.view is not None else ""

    def tail(self) -> tuple[str, ...]:
        now = super().tail()[-1:]
        if self.view is None or (self.view.run.state.terminal and self.view.run.state is not RunState.NEEDS_OPERATOR):
            return now
        if self._starting():
            return ("executor starts", *now)
        if self.executor is None:
            return ("executor not known", *now)
        pid = f" {self.executor.pid}" if self.executor.pid and not self.shell.identity.drill else ""
        return (f"executor{pid} {self.executor.state}", *now)

    def body(self, width: int, height: int) -> Sequence[Row]:
        if self.view is None:
            return [row(), row(f"  {self.problem or 'reading the journal'}")]
        return run_rows(self._live(self.view), width, height)

    def _live(self, view: RunView) -> Live:
        return Live(
            view, self.executor, self.shell.scene.snapshot, self.shell.clock.now(), self.usual, self.gate, self.top,
            self.lost, self.problem,
        )  # fmt: skip

    def idle_note(self, width: int) -> Row:
        if self.view is None:
            return row()
        keys = {action.id: self.key(action.id) for action in self.actions_now()}
        return note_row(self.view.run, self.executor, keys, starting=self._starting())

    def _starting(self) -> bool:
        """Whether the run was asked for a moment ago, so that its executor is on its way."""
        return self.view is not None and starting(self.view.run, self.executor, self.shell.clock.now())

    def plain(self) -> str:
        from screens.detail import detail_text

        return detail_text(self.view, self.shell.clock.now()) if self.view else ""

    # following --------------------------------------------------------------------------
    def on_mount(self) -> None:
        """Attach."""
        self.run_worker(self._follow(), group="follow", exclusive=True, exit_on_error=False)
        self.run_worker(self._usual(), group="usual", exclusive=True, exit_on_error=False)

    async def _follow(self) -> None:
        """Until the run has ended for good; a journal that cannot be read is tried again, and its age is shown."""
        while self.view is None or self.view.run.state.active:
            try:
                async for view in self.shell.desk.follow(self.run_id):
                    self._heard(view)
            except VqError as error:
                self._lost(error)
            else:
                if self.lost is None:
                    break
            await asyncio.sleep(AGAIN_SECONDS)
        self.shell.feed.hurry()

    def _heard(self, view: RunView) -> None:
        moved = self.view is not None and self.view.run.state is not view.run.state
        self.view, self.lost, self.problem = view, None, ""
        if moved and self._told and self._words is not None and self._words[0] == self._told:
            self.unsay()  # what it was told to do, it does: its state says so
        self._ask_beside()
        self.refresh_bindings()
        self.repaint()

    def _lost(self, error: VqError) -> None:
        self.problem = error.message
        self.lost = self.lost or self.shell.clock.now()
        self.repaint()

    def _ask_beside(self) -> None:
        if not self._beside_asked:
            self.fetch(self._beside(), lambda _: None, "beside")
        self._beside_asked = True

    async def _beside(self) -> None:
        """Who carries it out, and what it asks. What cannot be told leaves the rest of the page as it is."""
        self._beside_asked = False
        active = self.view is not None and self.view.run.state.active
        try:
            executor = await self.shell.desk.executor(self.run_id) if active else None
            gates = await self.shell.desk.gates(self.run_id) if active else ()
        except VqError:
            self.executor = None  # the band says that it is not known; why, the page says of the journal
        else:
            self.executor, self.gate = executor, next((gate for gate in gates if gate.answer is None), None)
        self.refresh_bindings()
        self.repaint()

    async def _usual(self) -> None:
        run = (await self.shell.desk.run(self.run_id)).run
        query = RunQuery(environment=run.environment, procedure=run.procedure, states=("succeeded",), limit=20)
        self.usual = usual_seconds(run, (await self.shell.desk.runs(query)).runs)
        self.repaint()

    def scene_changed(self, scene: Scene) -> None:
        if self.view is not None and self.view.run.state.active:
            self._ask_beside()
        super().scene_changed(scene)

    # steering --------------------------------------------------------------------------
    @property
    def paused(self) -> bool:
        """Whether it waits to be told to go on."""
        return self.view is not None and self.view.run.state is RunState.PAUSED

    def actions_now(self) -> list[Action]:
        ended = self.view is not None and not self.view.run.state.active
        verbs = ({"run.pause": "go on"} if self.paused else {}) | ({"run.detach": "close"} if ended else {})
        return [replace(one, verb=verbs.get(one.id, one.verb)) for one in super().actions_now()]

    def footer_actions(self) -> list[Action]:
        asking = self.asking_key or self.asking_text  # else "detach" is the way out that is named
        return [action for action in super().footer_actions() if asking or action.id != "all.leave"]

    def possible(self, action: Action) -> bool:
        if action.scope == "list":
            return action.id != "list.open" or self.view is not None
        if action.id in ("run.detach", "all.attach", "all.roll-back") or action.scope == "all":
            active = self.shell.scene.active
            if action.id == "all.attach":
                return active is not None and active.id != self.run_id
            return action.id != "all.roll-back" or active is None or active.procedure != "rollback"
        if self.view is None or not self.view.run.state.active:
            return False
        return self._steers(action, self.view)

    def _steers(self, action: Action, view: RunView) -> bool:
        if action.id == "run.take-over":
            return view.run.operator != self.shell.identity.operator
        if action.id == "run.answer":
            return self.gate is not None
        return steers(action.id, view, self.executor, starting=self._starting())

    def action_pause(self) -> None:
        """Pause; the same key goes on."""
        if self.paused:
            self._tell(Command.RESUME, "told: it goes on")
        else:
            words = f"told: it pauses before its next step; {self.key('run.pause')} takes that back"
            self._tell(Command.PAUSE, words)

    def action_back_out(self) -> None:
        self.ask_key("undoes what this run has done", lambda: self._tell(Command.BACK_OUT, "told: it backs out"))

    def action_abort(self) -> None:
        self.ask_key("stops this run; nothing was changed yet", lambda: self._tell(Command.ABORT, "told: it stops"))

    def action_take_over(self) -> None:
        owner = self.view.run.operator if self.view else ""
        self.ask_key(f"takes this run over from {owner}", lambda: self._command(Command.TAKE_OVER, "", "it is yours"))

    def action_carry_on(self) -> None:
        def yes() -> None:
            self.act(self.shell.operator.resume(self.run_id), lambda _: self.say("an executor was started again", "ok"))

        self.ask_key("carries this run on where it stopped", yes)

    def action_end_executor(self) -> None:
        """Another executor takes the place of one that is stopped or hangs."""
        pid = f" (process {self.executor.pid})" if self.executor is not None and self.executor.pid else ""

        def yes() -> None:
            work = self.shell.operator.take_over(self.run_id, "it did not move", stop=True)
            self.act(work, lambda _: self.say("that executor was ended; another carries on", "ok"))

        self.ask_key(f"ends the executor{pid} and carries on", yes)

    def action_close(self) -> None:
        """End a run that was put right by hand: say what was done, then confirm."""

        def done(words: str) -> None:
            if words:
                self.ask_key("ends this run as it stands now", lambda: self._close(words))
            else:
                self.say("not closed: say what was done by hand, and how it stands now", "warn")

        self.ask_text("what was done by hand", "", done)

    def _close(self, words: str) -> None:
        self.act(
            self.shell.operator.close_run(self.run_id, words), lambda _: self.say("closed; its end is on record", "ok")
        )

    def action_note(self) -> None:
        """A line into the journal."""
        self.ask_text("note", "", lambda text: self._command(Command.NOTE, text, "noted") if text else None)

    def action_detach(self) -> None:
        active = self.view is None or self.view.run.state.active
        self.shell.leave(RunPage)
        if active:
            self.shell.say("detached; the run goes on", "dim")

    def action_open(self) -> None:
        """Everything about this run."""
        self.shell.open("screens.detail:DetailPage", self.run_id)

    def move(self, delta: int) -> None:
        self.top = max(0, min(self.top + delta, MOST_ROWS))
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Numbers answer the question of the run."""
        choices = self.gate.choices if self.gate is not None and not self.shell.identity.read_only else ()
        number = int(event.character) if event.character in tuple(ANSWERS) else 0
        if number and number <= len(choices) and self.challenge is None and not self.asking_text and not self.cramped:
            event.stop()
            event.prevent_default()
            self._ask_answer(choices[number - 1])

    def _ask_answer(self, choice: str) -> None:
        gate = self.gate

        def yes() -> None:
            if gate is not None:
                self.act(
                    self.shell.operator.answer(self.run_id, gate.id, choice),
                    lambda _: self.say(f"answered: {choice}", "ok"),
                )

        self.ask_key(f"answers: {choice}", yes)

    def _tell(self, command: Command, words: str) -> None:
        """A command that changes the state; its words are true until it has."""
        before = self.view.run.state if self.view else None

        def told(_: object) -> None:
            if self.view is None or self.view.run.state is before:
                self._told = words
                self.say(words, "ok")

        self.act(self.shell.operator.command(self.run_id, command, ""), told)

    def _command(self, command: Command, reason: str, words: str) -> None:
        self.act(self.shell.operator.command(self.run_id, command, reason), lambda _: self.say(words, "ok"))
