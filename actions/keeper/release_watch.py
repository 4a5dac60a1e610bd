"""Watching which releases serve, of every managed service of one environment: also those made by others."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from actions.keeper.instance_watch import InstanceWatch
from actions.ledger.locks import FileLock
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy, Unreachable, VqError
from actions.model.fair_timeout import fair_timeout
from actions.model.health import Snapshot
from actions.model.plan import Release
from actions.model.platform import Artefact, WorkloadFacts
from actions.model.record import ChangeNote, RunQuery
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.words import Verdict
from actions.platforms.access import Access
from actions.releases.observe import observe

READ_SECONDS = 5.0
LOOK_SECONDS, REST_SECONDS = 4.5, 9.0
"""Snapshots that follow sooner are not looked at: asking the platforms costs more than reading health. At rest, with
only good releases serving and health as it was, it costs half of that; a gap of 15 s would lose soak."""

SHARED_SECONDS = 7.0
"""At rest, what health observed of the platforms that lately is not asked for again."""

SAVE_SECONDS = 12.0
"""A row whose verdict is unchanged is written that seldom; an observer may be away 15 s before soak is lost."""

OWN_NOTE = timedelta(minutes=3)
LOCK = "watch.lock"

Key = tuple[str, str]
T = TypeVar("T")
log = logging.getLogger(__name__)


class ReleaseWatch:
    """Observes on each snapshot. Of all keepers and consoles on one ledger only the holder of `watch.lock` does.

    `say` is told, once, when the releases of a service cannot be judged, and why.
    """

    def __init__(
        self, access: Access, writer: LedgerWriter, seen_by: str, say: Callable[[str], None] = log.info
    ) -> None:
        self._access = access
        self._writer = writer
        self._seen_by = seen_by
        self._lock = FileLock(writer.directory / f"{access.name}.{LOCK}")
        self._looked = -LOOK_SECONDS
        self._looked_at = datetime.now(UTC)
        self._health: frozenset[tuple[str, str | None, str]] = frozenset()
        self._instances = InstanceWatch()
        self._rows: dict[Key, Release] = {}
        self._saved: dict[Key, float] = {}
        self._serving: dict[str, frozenset[str]] = {}
        self._say = say
        self._said: dict[str, str] = {}
        self._writing = asyncio.Lock()

    async def observe(self, snapshot: Snapshot) -> None:
        """Take in one snapshot. Nothing is judged while a run changes the environment. Raises LedgerError."""
        if not self.due(snapshot) or not self._elected():
            return
        began, within = time.monotonic(), SHARED_SECONDS if self._at_rest(snapshot) else 0.0
        active, lately = await asyncio.to_thread(self._runs_now)
        if lately:
            self._instances.forget()
            within = 0.0
        if active:
            return
        self._looked, self._looked_at, self._health = began, datetime.now(UTC), _health(snapshot)
        services = self._access.environment.services.items()
        watched = [
            name
            for name, one in services
            if isinstance(one, HttpService | PostgresService | RedisService) and self._access.slots(name)
        ]
        done = await asyncio.gather(*(self._watch(name, snapshot, within) for name in watched), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one

    def due(self, snapshot: Snapshot) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked >= (REST_SECONDS if self._at_rest(snapshot) else LOOK_SECONDS)

    def _at_rest(self, snapshot: Snapshot) -> bool:
        """Whether nothing soaks, nothing bad serves, and every service is as it was at the last look."""
        serving = [self._rows.get((service, one)) for service, refs in self._serving.items() for one in refs]
        good = bool(serving) and all(one and one.verdict is Verdict.GOOD for one in serving)
        return good and _health(snapshot) == self._health

    async def _watch(self, service: str, snapshot: Snapshot, within: float) -> None:
        """One service; what is silent or hangs there keeps no other from being judged."""
        try:
            served = await self._served(service, within)
        except _Unclear as unclear:
            self._say_once(service, f"{service}: no release is judged, {unclear.message}")
            return
        self._say_once(service, "")
        async with self._writing:
            await asyncio.to_thread(self._judge, service, served, snapshot)

    def _say_once(self, service: str, text: str) -> None:
        if text and self._said.get(service) != text:
            self._say(text)
        self._said[service] = text

    def _runs_now(self) -> tuple[bool, bool]:
        """Whether a run is under way, and whether one of ours may have changed instances since the last look."""
        active = self._writer.active(self._access.name) is not None
        newest = self._writer.runs(RunQuery(environment=self._access.name, limit=1)).runs
        return active, bool(newest) and (newest[0].ended_at is None or newest[0].ended_at > self._looked_at)

    def _note_instances(self, service: str, slots: dict[str, WorkloadFacts]) -> None:
        for kind, text in self._instances.changes(service, slots):
            now = datetime.now(UTC)
            note = ChangeNote(environment=self._access.name, at=now, kind=kind, subject=service, text=text, by="seen")
            self._writer.note_change(note)

    def end(self) -> None:
        """Let another one watch."""
        self._lock.release()

    def _elected(self) -> bool:
        if self._lock.descriptor is None:
            try:
                self._lock.acquire(patience=0)
            except Busy:
                return False
        return True

    async def _served(self, service: str, within: float) -> dict[str, Artefact]:
        """Artefacts that get traffic now, by reference. Raises _Unclear when that cannot be told of all of them."""
        names = list(self._access.slots(service))
        looks = asyncio.gather(*(_within(self._access.observe(service, name, within)) for name in names))
        traffic, slots = await asyncio.gather(_within(self._access.observe_traffic(service, within)), looks)
        seen = {name: one for name, one in zip(names, slots, strict=True) if isinstance(one, WorkloadFacts)}
        async with self._writing:
            await asyncio.to_thread(self._note_instances, service, seen)
        if isinstance(traffic, VqError):
            raise _Unclear(traffic.message)
        shares = traffic.shares if traffic is not None else dict.fromkeys(names, 1.0)
        # A standby says nothing about the release that serves, even by its silence.
        served = [_standing(name, one) for name, one in zip(names, slots, strict=True) if shares.get(name, 0.0) > 0]
        if not served:
            raise _Unclear("no slot gets any traffic")
        return {one.reference: one for one in served}

    def _judge(self, service: str, served: dict[str, Artefact], snapshot: Snapshot) -> None:
        kept = self._writer.releases(self._access.name, service)
        previous = tuple(self._newer(service, one) for one in kept)
        changed = observe(
            self._access.name,
            service,
            served,
            snapshot.service(service),
            previous,
            self._access.environment.policy,
            datetime.now(UTC),
            self._seen_by,
            self._writer.left_behind(self._access.name, service),
        )
        before = {one.reference: one for one in kept}
        for one in changed:
            self._keep(service, one, before.get(one.reference))
        if changed:
            self._note(service, served, bool(kept))

    def _newer(self, service: str, kept: Release) -> Release:
        """What was seen since the row was written, unless somebody judged it meanwhile."""
        mine = self._rows.get((service, kept.reference))
        return mine if mine is not None and mine.verdict is kept.verdict and mine.last_seen > kept.last_seen else kept

    def _keep(self, service: str, seen: Release, before: Release | None) -> None:
        key = (service, seen.reference)
        self._rows[key] = seen
        old = time.monotonic() - self._saved.get(key, -SAVE_SECONDS) >= SAVE_SECONDS
        if before is None or before.verdict is not seen.verdict or old:
            self._writer.save_release(seen)
            self._saved[key] = time.monotonic()

    def _note(self, service: str, served: dict[str, Artefact], known: bool) -> None:
        """A line of "what changed lately" when others serve than a moment ago, and no run of ours has said so."""
        now, before = frozenset(served), self._serving.get(service)
        self._serving[service] = now
        if before == now or (before is None and not known):
            return
        at = datetime.now(UTC)
        lately = self._writer.changes(self._access.name, 20)
        versions = ", ".join(sorted(one.version for one in served.values()))
        text = f"{service}: release {versions} is live"
        for note in lately:
            if note.subject == service and (note.text == text or (at - note.at < OWN_NOTE and note.kind == "rollback")):
                return
            if note.subject == service and note.kind in ("release", "rollback"):
                break
        if before is None and not any(note.subject == service for note in lately):
            return
        note = ChangeNote(environment=self._access.name, at=at, kind="release", subject=service, text=text, by="seen")
        self._writer.note_change(note)


def _health(snapshot: Snapshot) -> frozenset[tuple[str, str | None, str]]:
    return frozenset((one.service, one.version, one.state.value) for one in snapshot.services)


class _Unclear(VqError):
    """Nobody can tell which release serves."""


async def _within(answer: Awaitable[T]) -> T | VqError:
    """The answer, or why there is none: health shows the source as silent as well."""
    try:
        async with fair_timeout(READ_SECONDS):
            return await answer
    except TimeoutError:
        return Unreachable(f"no answer within {READ_SECONDS:.0f} s")
    except VqError as error:
        return error


def _standing(slot: str, facts: WorkloadFacts | VqError) -> Artefact:
    if isinstance(facts, VqError):
        raise _Unclear(f"{slot}: {facts.message}")
    if facts.rolling or facts.current is None:
        raise _Unclear(f"{slot} runs no single release{f': {facts.rolling}' if facts.rolling else ''}")
    return facts.current
