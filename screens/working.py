"""Asking the desk: beside the loop's keys, for answers that come back as method calls. `Page` draws the rest."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from textual.worker import Worker, WorkerState

from actions.model.errors import ReadOnlyError, VqError
from screens.asking import Asking

T = TypeVar("T")


class Told(Exception):
    """An error that is no VqError, and was told on a page already: its cause and traceback are for the log alone."""


class Working(Asking):
    """A screen that reads through the desk, and asks it for changes."""

    @property
    def is_seen(self) -> bool:
        """Whether this page is the one that is seen; Textual's `is_current` holds for the page just below it, too."""
        return self.shell.screen is self

    def fetch(self, work: Coroutine[Any, Any, T], then: Callable[[T], None], group: str) -> None:
        """Await `work` beside the loop's keys and hand its result to `then`; a newer fetch of the group replaces it."""

        async def job() -> None:
            then(await work)

        self.run_worker(job(), group=group, exclusive=True, exit_on_error=False)

    def act(self, work: Coroutine[Any, Any, T], then: Callable[[T], None]) -> None:
        """As `fetch`, for writes: leaving the page does not cancel what was asked for."""

        async def job() -> None:
            try:
                result = await work
            except VqError as error:
                self.failed("act", error)
            except Exception as error:
                self.failed("act", error)
                raise Told from error
            else:
                then(result)
            finally:
                self.shell.feed.hurry()

        self.app.run_worker(job(), group="act", exit_on_error=False)

    def failed(self, group: str, error: BaseException) -> None:
        """What was asked for did not come: one line, on the page that is on show."""
        role = "warn" if isinstance(error, ReadOnlyError) else "down"
        (self if self.is_seen else self.shell).say(one_line(error), role)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed says so on the page; it never ends the console."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.failed(event.worker.group, event.worker.error)


def one_line(error: BaseException) -> str:
    """The one line a person sees; errors of our own making are named as such."""
    if isinstance(error, VqError):
        return error.message
    return f"an error of this console, not of the system: {type(error).__name__}: {error}"
