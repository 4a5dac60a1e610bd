"""The heartbeat of an executor, from a thread of its own so that a busy step does not look like a dead one."""

import logging
import threading
from collections.abc import Callable

from actions.ledger.writer import LedgerWriter
from actions.model.errors import VqError

INTERVAL_SECONDS = 5.0

log = logging.getLogger(__name__)


class Heartbeat:
    """Beats until stopped. Calls `lost`, once and from its own thread, when the lease has passed to another one."""

    def __init__(
        self,
        ledger: LedgerWriter,
        run_id: str,
        fence: int,
        lost: Callable[[], None],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._fence = fence
        self._lost = lost
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                if not self._ledger.heartbeat(self._run_id, fence=self._fence):
                    self._lost()
                    return
            except VqError as error:
                log.warning("heartbeat not written: %s", error.message)
