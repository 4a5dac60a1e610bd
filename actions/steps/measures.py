"""What a run cost its users, measured while it ran. A figure that nobody could measure is None, never 0."""

import asyncio
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import JsonValue

from actions.clients.http import HttpReader
from actions.model.environment import Environment
from actions.model.errors import VqError
from actions.model.services import HttpService
from actions.steps.witness import Tally, Witness

STATE_SECONDS = 3.0
AUDIT_SECONDS = 8.0
"""Stopping waits for nobody longer than this; what did not answer by then is unknown."""


class Measures:
    """Started by the executor before the first step, stopped after the last; one a process, also after a resume.

    `since` is when the run began, so that users' counters cover a run whose executor died in between. Starting and
    stopping never fail a run: a source that cannot be read leaves its figures unknown, and `problems` says why.
    """

    def __init__(self, environment: Environment, service: str, since: datetime | None = None) -> None:
        self._service = environment.services.get(service)
        self._since = (since or datetime.now(UTC)).timestamp()
        self._witness: Witness | None = None
        self._whole = since is None
        self.problems: list[str] = []

    async def start(self) -> None:
        """Begin asking the outside address."""
        self._whole = self._whole or time.time() - self._since < 2.0
        if isinstance(self._service, HttpService):
            witness = Witness(self._service)
            try:
                await witness.start()
            except VqError as error:
                self.problems.append(error.message)
            else:
                self._witness = witness

    async def so_far(self) -> dict[str, JsonValue]:
        """Downtime, failed requests, requests and users affected until now; not final, and no problem is noted."""
        noted = list(self.problems)
        users = await self._users()
        self.problems = noted
        tally = self._witness.tally if self._witness is not None and self._whole else None
        return _from_users(users, tally) if users is not None else _from_own(tally)

    async def stop(self) -> dict[str, JsonValue]:
        """End asking. Figures: seconds, downtime_seconds, failed_requests, requests, lost_writes, users_affected.

        Users' own counters are preferred where the service has a witness; `measured_by` says whose figures these are.
        """
        ended = time.time()
        tally, users, lost = await asyncio.gather(self._own(), self._users(), self._lost_writes())
        figures = _from_users(users, tally) if users is not None else _from_own(tally if self._whole else None)
        if figures["failed_requests"] and figures["downtime_seconds"] is None:
            self.problems.append("how long requests were lost: their counter says how many, and no probe saw one")
        return {
            "seconds": round(ended - self._since, 3),
            **figures,
            "lost_writes": lost,
            "probe_requests": tally.asked if tally else None,
            "probe_failed": tally.failed if tally else None,
            "probe_downtime_seconds": round(tally.downtime(), 3) if tally else None,
            "probe_last_failure": tally.last_failure or None if tally else None,
            "problems": list[JsonValue](self.problems),
        }

    async def _own(self) -> Tally | None:
        return await self._witness.stop() if self._witness is not None else None

    async def _users(self) -> dict[str, JsonValue] | None:
        if not isinstance(self._service, HttpService) or self._service.witness is None:
            return None
        return await self._read(self._service.witness.state, STATE_SECONDS, f"?since={self._since:.3f}")

    async def _lost_writes(self) -> int | None:
        witness = self._service.witness if isinstance(self._service, HttpService) else None
        if witness is None or witness.audit is None:
            return None
        # All writes ever acknowledged: one from before the run can be lost during it as well.
        found = await self._read(witness.audit, AUDIT_SECONDS)
        lost = found.get("lost_writes") if found else None
        return lost if isinstance(lost, int) else None

    async def _read(self, url: str, timeout: float, query: str = "") -> dict[str, JsonValue] | None:
        """The JSON object at `url`; None with a problem noted otherwise."""
        parts = urlsplit(url)
        try:
            http = HttpReader(f"{parts.scheme}://{parts.netloc}", timeout=timeout)
        except VqError as error:
            self.problems.append(error.message)
            return None
        try:
            answer = await http.get(f"{parts.path or '/'}{query}")
        finally:
            await http.close()
        content = answer.json() if answer.good else None
        if not isinstance(content, dict):
            self.problems.append(f"{url}: {answer.reason}")
            return None
        return content


def _from_users(state: dict[str, JsonValue], tally: Tally | None) -> dict[str, JsonValue]:
    """The users' own figures. Lost requests without a second of downtime contradict each other: the probe decides."""
    failed, requests = state.get("failed"), state.get("requests")
    downtime = state.get("downtime")
    seconds = downtime.get("total_seconds") if isinstance(downtime, dict) else downtime
    if failed and not seconds:
        seconds = (round(tally.downtime(), 3) if tally else None) or None
    affected = state.get("users_affected")
    if affected is None and failed == 0 and isinstance(requests, int) and requests > 0:
        affected = 0
    return {
        "downtime_seconds": seconds,
        "failed_requests": failed,
        "requests": requests,
        "users_affected": affected,
        "measured_by": "users",
    }


def _from_own(tally: Tally | None) -> dict[str, JsonValue]:
    if tally is None or tally.asked == 0:
        names = ("downtime_seconds", "failed_requests", "requests", "users_affected")
        return {**dict.fromkeys(names), "measured_by": "nobody"}
    return {
        "downtime_seconds": round(tally.downtime(), 3),
        "failed_requests": tally.failed,
        "requests": tally.asked,
        "users_affected": None,
        "measured_by": "probe",
    }
