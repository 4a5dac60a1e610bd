"""A long list read page by page: only a few pages are held, however long the history is."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from actions.model.record import RunPage, RunQuery
from actions.model.run import Run

PAGE = 200
HELD = 12


class PagedRuns:
    """Runs by position, newest first. `get` never waits; what is missing is named by `wanted` and read by `read`."""

    def __init__(self, ask: Callable[[RunQuery], Awaitable[RunPage]], query: RunQuery) -> None:
        self._ask = ask
        self._query = query
        self.total: int | None = None
        self._starts: list[str | None] = [None]
        self._pages: OrderedDict[int, tuple[Run, ...]] = OrderedDict()

    def get(self, index: int) -> Run | None:
        """The run at that position, if its page is held."""
        page = self._pages.get(index // PAGE)
        if page is None or index % PAGE >= len(page):
            return None
        self._pages.move_to_end(index // PAGE)
        return page[index % PAGE]

    def wanted(self, first: int, last: int) -> int | None:
        """The nearest page to read so that these positions can be shown; None when they can."""
        for page in range(first // PAGE, last // PAGE + 1):
            known = self.total is None or page * PAGE < self.total
            if page not in self._pages and known:
                return min(page, len(self._starts) - 1)
        return None

    async def read(self, page: int) -> None:
        """Read one page; its successor's start becomes known."""
        found = await self._ask(self._query.model_copy(update={"before": self._starts[page], "limit": PAGE}))
        if page == 0:
            self.total = found.total
        self._pages[page] = found.runs
        if len(found.runs) == PAGE and page == len(self._starts) - 1:
            self._starts.append(found.runs[-1].id)
        elif len(found.runs) < PAGE:
            self.total = page * PAGE + len(found.runs)
        while len(self._pages) > HELD:
            self._pages.popitem(last=False)
