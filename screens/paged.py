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
        self._newest: str | None = None
        self._pages: OrderedDict[int, tuple[Run, ...]] = OrderedDict()
        self._old: set[int] = set()

    def get(self, index: int) -> Run | None:
        """The run at that position, if its page is held."""
        page = self._pages.get(index // PAGE)
        if page is None or index % PAGE >= len(page):
            return None
        self._pages.move_to_end(index // PAGE)
        return page[index % PAGE]

    def wanted(self, first: int, last: int) -> int | None:
        """A page to read so that these positions can be shown; None when they can. The first is read first."""
        if self.total is None:
            return 0
        pages = [page for page in range(first // PAGE, last // PAGE + 1) if page * PAGE < self.total]
        return next((page for page in pages if page not in self._pages or page in self._old), None)

    def outdate(self) -> None:
        """Something changed: what is held is shown until it was read again, each run in its place."""
        self._old = set(self._pages)

    def held(self) -> list[Run]:
        """Every run that is held, newest first."""
        return [run for page in sorted(self._pages) for run in self._pages[page]]

    async def every(self, most: int) -> list[Run]:
        """The newest `most` runs, read now and not held."""
        found: list[Run] = []
        while len(found) < most:
            place = {"upto": self._newest, "offset": len(found), "limit": PAGE}
            page = await self._ask(self._query.model_copy(update=place))
            found += page.runs
            if len(page.runs) < PAGE:
                break
        return found[:most]

    async def read(self, page: int) -> None:
        """Read one page, by its place below what was the newest run when the first was read."""
        place = {"upto": self._newest, "offset": page * PAGE, "limit": PAGE}
        found = await self._ask(self._query.model_copy(update=place))
        if self._newest is None:
            self.total = found.total
            self._newest = found.runs[0].id if found.runs else None
        elif len(found.runs) < PAGE:
            self.total = page * PAGE + len(found.runs)
        self._pages[page] = found.runs
        self._old.discard(page)
        while len(self._pages) > HELD:
            self._pages.popitem(last=False)
