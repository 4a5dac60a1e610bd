"""History: every run there was (A1, R12). A virtual list; a key never waits for the ledger."""

from actions.model.record import RunQuery
from actions.model.run import Run
from actions.model.words import RunState
from screens.cells import BLANK, Row, ends, fit, row
from screens.history_rows import header, history_row
from screens.paged import PagedRuns
from screens.picker import PickerPage
from screens.registry import bindings
from screens.scene import Scene

_WORDS = {"state", "drill", "procedure"}
_STATES = [one.value for one in RunState]
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
        self._newest: tuple[str, str] | None = None

    def on_mount(self) -> None:
        """Read the first page."""
        self.begin()

    def begin(self) -> None:
        """Read anew with the filter as it stands."""
        query = parse(self.words).model_copy(update={"environment": self.shell.identity.name})
        self.runs = PagedRuns(self.shell.desk.runs, query)
        self.at = self.top = 0
        self._read()

    def _read(self) -> None:
        self.run_worker(self._reading(), group="history", exclusive=True, exit_on_error=False)

    async def _reading(self) -> None:
        runs = self.runs
        while runs is not None and (page := runs.wanted(max(0, self.top - 50), self.top + 100)) is not None:
            await runs.read(page)
            self.repaint()
        self.refresh_bindings()

    def scene_changed(self, scene: Scene) -> None:
        """A new or ended run belongs on top, unless the operator reads further down."""
        newest = scene.active or scene.last
        key = (newest.id, newest.state.value) if newest else None
        if key != self._newest and self.at == 0 and not self.asking_text:
            if self._newest is not None:
                self.begin()
            self._newest = key
        super().scene_changed(scene)

    def heading(self) -> tuple[str, ...]:
        return ("history",)

    def above(self, width: int) -> list[Row]:
        return [BLANK, header(width)]

    def count(self) -> int:
        return self.runs.total or 0 if self.runs is not None else 0

    def empty(self) -> str:
        if self.runs is None or self.runs.total is None:
            return "reading"
        return "no run matches" if self.words else "no run on record"

    def entry(self, index: int, width: int) -> Row:
        run = self.runs.get(index) if self.runs is not None else None
        if run is None:
            return row((fit("reading", width), "faint"))
        return history_row(run, self.shell.clock.now(), width)

    def idle_note(self, width: int) -> Row:
        run = self.under()
        left = row((run.reason if run else "", "dim"))
        if self.words:
            left = row(("filter ", "dim"), (f"{self.words}   ", "bright")) + left
        where = f"{self.at + 1:,} of {self.count():,}" if self.count() else ""
        return ends(left, row((where, "dim")), width)

    def moved(self) -> None:
        self.top = max(min(self.top, self.at), self.at - self.size.height + 6, 0)
        if self.runs is not None and self.runs.wanted(self.top, self.top + 100) is not None:
            self._read()

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
