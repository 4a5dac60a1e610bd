"""History: every run there was. A virtual list; a key never waits for the ledger."""

from actions.model.record import RunQuery
from actions.model.run import Run
from actions.model.words import RunState
from screens.cells import BLANK, Row, ends, fit, row
from screens.history_rows import header, history_row, history_text
from screens.paged import PagedRuns
from screens.picker import PickerPage
from screens.registry import bindings
from screens.scene import Scene
from screens.working import one_line

_WORDS = {"state", "drill", "procedure"}
_STATES = [one.value for one in RunState]
MOST_WRITTEN = 10_000
_DRILL = {"yes": True, "no": False}


class HistoryPage(PickerPage):
    """Runs, newest first."""

    SCOPE = "history"
    BINDINGS = bindings("history")
    ABOVE = 2

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.runs: PagedRuns | None = None
        self.problem = ""
        self._newest: tuple[str, str] | None = None
        self._behind = False
        self._busy = False

    def on_mount(self) -> None:
        """Read the first page."""
        self._newest = newest(self.shell.scene)
        self.begin()

    def begin(self) -> None:
        """Read anew with the filter as it stands."""
        query = parse(self.words).model_copy(update={"environment": self.shell.identity.name})
        self.runs = PagedRuns(self.shell.desk.runs, query)
        self.at = self.top = 0
        self._behind = self._busy = False
        self._read()

    def _read(self) -> None:
        """Read what is missing or old, unless that is under way; with another filter, what is under way is void."""
        if not self._busy:
            self._busy = True
            self.fetch(self._reading(), lambda _: None, "history")

    async def _reading(self) -> None:
        runs = self.runs
        while runs is not None and (page := runs.wanted(max(0, self.top - 50), self.top + 100)) is not None:
            await runs.read(page)
            self.problem = ""
            self.repaint()
        self._busy = False
        self.refresh_bindings()

    def failed(self, group: str, error: BaseException) -> None:
        """Said where the runs would stand, and tried again with the next news."""
        if group != "history":
            super().failed(group, error)
            return
        self._busy, self.problem = False, one_line(error)
        self.repaint()

    def scene_changed(self, scene: Scene) -> None:
        """What changed is read again in its place; a new run comes on top unless the operator reads further down."""
        before, self._newest = self._newest, newest(scene)
        if self._newest != before and self.runs is not None:
            self.runs.outdate()
            self._behind = self._behind or (before is not None and before[:1] != (self._newest or ())[:1])
        if self._behind and self.at == 0 and not self.asking_text:
            self.begin()
        elif self.problem or (self.runs is not None and self.runs.wanted(self.top, self.top + 100) is not None):
            self._read()
        super().scene_changed(scene)

    def heading(self) -> tuple[str, ...]:
        return ("history",)

    def above(self, width: int) -> list[Row]:
        return [BLANK, header(width)]

    def count(self) -> int:
        return self.runs.total or 0 if self.runs is not None else 0

    def empty(self) -> str:
        if self.runs is None or self.runs.total is None:
            return self.problem or "reading"
        return "no run matches" if self.words else "no run on record"

    def entry(self, index: int, width: int) -> Row:
        run = self.runs.get(index) if self.runs is not None else None
        if run is None:
            return row((fit(self.problem or "reading", width), "faint"))
        return history_row(run, self.shell.clock.now(), width)

    def idle_note(self, width: int) -> Row:
        run = self.under()
        left = row((run.reason if run else "", "dim"))
        if self.words:
            left = row(("filter ", "dim"), (f"{self.words}   ", "bright")) + left
        if self.problem and self.count():
            left = row(("? not read again: ", "warn"), (self.problem, "dim"))
        where = f"{self.at + 1:,} of {self.count():,}" if self.count() else ""
        if self._behind and where:
            where = f"new runs, {self.key('list.first')} shows them   {where}"
        return ends(left, row((where, "dim")), width)

    def moved(self) -> None:
        self.top = max(min(self.top, self.at), self.at - self.size.height + 6, 0)
        if self._behind and self.at == 0:
            self.begin()
        elif self.runs is not None and self.runs.wanted(self.top, self.top + 100) is not None:
            self._read()

    def plain(self) -> str:
        """The runs that are held; `w` reads the others first."""
        return history_text(self.runs.held(), self.count()) if self.runs is not None else ""

    def action_write(self) -> None:
        """Every run that matches, to a file."""
        self.fetch(self._whole(), lambda path: self.say(f"written to {path}", "ok"), "write")

    async def _whole(self) -> str:
        runs = self.runs
        found = await runs.every(MOST_WRITTEN) if runs is not None else []
        return await self.shell.save(self.SCOPE, history_text(found, self.count()))

    def under(self) -> Run | None:
        """The run under the pointer."""
        return self.runs.get(self.at) if self.runs is not None else None

    def opened(self, index: int) -> None:
        run = self.under()
        if run is not None:
            page = "screens.run:RunPage" if run.state.active else "screens.detail:DetailPage"
            self.shell.open(page, run.id)

    def action_filter(self) -> None:
        """Words in id, reason, versions, who; or `state:failed drill:yes procedure:rollback`."""
        self.ask_text("filter", self.words, self._filtered)

    def _filtered(self, words: str) -> None:
        problem = misunderstood(words)
        if problem:
            self.say(f"{problem}; the filter stays as it was", "warn")
            return
        self.words = words
        self.begin()


def newest(scene: Scene) -> tuple[str, str] | None:
    """The run that is or was under way last, and how it stands."""
    run = scene.active or scene.last
    return (run.id, run.state.value) if run else None


def misunderstood(words: str) -> str:
    """What of the filter means nothing, and what would; empty when all is understood."""
    for word in words.split():
        name, _, value = word.partition(":")
        if name == "drill" and value and value not in _DRILL:
            return f"'{word}' means nothing: drill is yes or no"
        unknown = [one for one in value.split(",") if one not in _STATES] if name == "state" and value else []
        if unknown:
            return f"no state '{unknown[0]}'; there are: {', '.join(_STATES)}"
    return ""


def parse(words: str) -> RunQuery:
    """A query from the words of the filter."""
    named: dict[str, str] = {}
    free = []
    for word in words.split():
        name, colon, value = word.partition(":")
        if colon and name in _WORDS and value:
            named[name] = value
        else:
            free.append(word)
    drill = _DRILL.get(named.get("drill", ""))
    states = tuple(named["state"].split(",")) if "state" in named else ()
    return RunQuery(procedure=named.get("procedure"), states=states, drill=drill, text=" ".join(free))
