"""How a Viewer answers: small readings of the ledger, the platforms and the logs."""

import asyncio
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from actions.clients.blocking import aside
from actions.config import ledger_directory
from actions.desk.ledger_door import LedgerDoor, either
from actions.model.environment import Environment
from actions.model.errors import UnknownNameError, Unreachable, VqError
from actions.model.fair_timeout import fair_timeout
from actions.model.plan import RollbackRequest
from actions.model.run import RunView
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.text import clean
from actions.model.views import LogCounts, Scenario, SlotView
from actions.platforms.access import Access

if TYPE_CHECKING:
    from actions.desk.watching import Watching
    from actions.model.way_back import RollbackFacts

__all__ = ["follow", "ledger_directory", "ledger_words", "log_counts", "log_tail", "managed", "scenarios", "slots"]

LOG_LINES = 500
LOG_BYTES = 256 * 1024
LOG_SECONDS = 5.0
TAIL_SECONDS = 2 * LOG_SECONDS
"""For the one log that somebody reads: a slow platform may take its own deadlines."""

FOLLOW_SECONDS = 1.0
"""A follower looks at least so often, whatever the ledger says about news."""

_KINDS = {
    "error": re.compile(
        r"\b(error|exception|traceback|fatal|panic|critical)\b|\bHTTP/\d(\.\d)?\" 5\d\d\b", re.IGNORECASE
    ),
    "performance": re.compile(
        r"\b(slow|timed? ?out|timeout|latency|deadlock|too many connections|oom)\b", re.IGNORECASE
    ),
    "security": re.compile(
        r"\b(unauthori[sz]ed|forbidden|denied|authentication failed|invalid (password|token)|csrf|injection)\b"
        r"|\bHTTP/\d(\.\d)?\" 40[13]\b",
        re.IGNORECASE,
    ),
}


def ledger_words(door: LedgerDoor) -> str:
    """What is wrong with the ledger, with its place and what to do."""
    if door.directory.exists():
        return door.note
    return f"{door.note}; expected in {door.directory}, made by the first run or by 'vq-tui keeper start'"


def managed(access: Access) -> tuple[str, ...]:
    """Services whose releases are managed here, in the order of the configuration."""
    kinds = (HttpService, PostgresService, RedisService)
    return tuple(
        name for name, one in access.environment.services.items() if isinstance(one, kinds) and access.slots(name)
    )


def scenarios(environment: Environment) -> tuple[Scenario, ...]:
    """Rehearsals that may be started in this environment: only on an embedded stack that is marked for drills."""
    from actions.drills.scenarios import SCENARIOS

    return SCENARIOS if environment.drill and environment.sandbox is not None else ()


async def slots(watching: "Watching", request: RollbackRequest) -> tuple[SlotView, ...]:
    """Slots as in the kept facts."""
    if request.service is not None and request.service not in managed(watching.access):
        return ()
    facts = await watching.way_back.facts(request)
    shares = facts.shares
    return tuple(
        SlotView(slot=one.slot, share=shares.get(one.slot), facts=one.workload, error=one.error) for one in facts.slots
    )


async def log_tail(access: Access, service: str, slot: str, instance: str, lines: int) -> tuple[str, ...]:
    """Last lines of one instance, cleaned by its driver. Raises Unreachable where that never answers."""
    if service not in managed(access):
        raise UnknownNameError(
            f"no service '{service}' with instances; there are: {', '.join(managed(access)) or 'none'}"
        )
    try:
        async with fair_timeout(TAIL_SECONDS):
            return await access.workload(service, slot).log_tail(instance, lines)
    except TimeoutError:
        raise Unreachable(f"{slot} {instance}: no log within {TAIL_SECONDS:.0f} s") from None


async def log_counts(watching: "Watching", request: RollbackRequest) -> LogCounts:
    """Counts over the recent lines of every instance and configured log file.

    What cannot be read is named: a log, and a slot whose instances nobody knows.
    """
    service = request.service or ""
    settings = watching.access.environment.services.get(service)
    if settings is None:
        raise UnknownNameError(f"no service '{service}'; configured: {', '.join(watching.access.environment.services)}")
    readings = []
    unread: list[str] = []
    if service in managed(watching.access):
        facts = await watching.way_back.facts(request)
        unread = [f"{one.slot}: {one.error or 'no answer'}" for one in facts.slots if one.workload is None]
        readings = [_instance_log(watching.access, facts, slot, name) for slot, name in _instances(facts)]
    if isinstance(settings, HttpService):
        readings += [_file_log(path) for path in settings.logs]
    lines: list[str] = []
    for read, problem in await asyncio.gather(*readings):
        lines += read
        unread += [problem] if problem else []
    return count(service, lines, tuple(unread))


def count(service: str, lines: list[str], unread: tuple[str, ...] = ()) -> LogCounts:
    """Lines of each kind; one line may be of several kinds. Pure."""
    found = {kind: sum(1 for line in lines if pattern.search(line)) for kind, pattern in _KINDS.items()}
    return LogCounts(service=service, lines=len(lines), unread=unread, **found)


def _instances(facts: "RollbackFacts") -> list[tuple[str, str]]:
    return [(slot.slot, one.id) for slot in facts.slots if slot.workload for one in slot.workload.instances]


async def _instance_log(access: Access, facts: "RollbackFacts", slot: str, instance: str) -> tuple[list[str], str]:
    try:
        async with fair_timeout(LOG_SECONDS):
            return list(await access.workload(facts.service, slot).log_tail(instance, LOG_LINES)), ""
    except TimeoutError:
        return [], f"{slot} {instance}: no answer within {LOG_SECONDS:.0f} s"
    except VqError as error:
        return [], f"{slot} {instance}: {error.message}"


async def _file_log(path: Path) -> tuple[list[str], str]:
    """A file on a dead network disk hangs in the system: it is read aside, and costs one thread however often asked."""
    try:
        async with fair_timeout(LOG_SECONDS):
            return await aside(("log", path), lambda: _tail(path)), ""
    except TimeoutError:
        return [], f"{path}: no answer within {LOG_SECONDS:.0f} s"
    except OSError as error:
        return [], f"{path}: {error.strerror}"


def _tail(path: Path) -> list[str]:
    """The last lines. Opened without waiting: a pipe that nobody writes to is refused, as all that is no plain file."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no plain file")
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_BYTES))
        return clean(file.read(LOG_BYTES), multiline=True, lines=100_000).split("\n")[-LOG_LINES:]


async def follow(door: LedgerDoor, run_id: str, put: Callable[[RunView], None]) -> None:
    """Hand over the run as it stands and after every change, until it has ended for good."""
    last: RunView | None = None
    with door.attended():
        while True:
            news = door.changed.waiter()
            view = await door.demand(lambda ledger: ledger.view(run_id))
            if view != last:
                put(view)
                last = view
            if not view.run.state.active:
                return
            await either(news, FOLLOW_SECONDS)
