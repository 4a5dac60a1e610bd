"""Further facts of the ledger: the time line, gates, the keeper, notices, drills, the audit's result."""

from datetime import datetime

from pydantic import JsonValue

from actions.model.base import Fact
from actions.model.run import Run


class ChangeNote(Fact):
    """One line of "what changed lately". `kind`: release, rollback, config, restart, scale, drill, fault …"""

    environment: str
    at: datetime
    kind: str
    subject: str
    text: str
    by: str = ""
    run_id: str | None = None


class GateRow(Fact):
    """A question a run asks; `answer` None means it still waits. Answers are durable before the run goes on."""

    id: str
    run_id: str
    step: int | None
    question: str
    choices: tuple[str, ...]
    opened_at: datetime
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


class CommandRow(Fact):
    """What an operator told a run; `taken_at` None means the executor has not seen it yet."""

    id: int
    run_id: str
    command: str
    by: str
    reason: str
    at: datetime
    taken_at: datetime | None = None


class Submitted(Fact):
    """Answer to a request: the run that carries it out. `created` False means it was already there: attach to it.

    `took_over` names the forward run that had to leave for it, and how that ended. `resumed` says that the run had lost
    its executor, and goes on; `brought` that it has just succeeded, and that nothing is wrong with what it brought.
    """

    run_id: str
    created: bool
    took_over: str = ""
    resumed: bool = False
    brought: bool = False


class KeeperFacts(Fact):
    """The keeper that observes while no console is open. `alive` is decided by its lock and its process."""

    alive: bool
    pid: int | None = None
    host: str = ""
    since: datetime | None = None
    beat_at: datetime | None = None


EVERY = "*"
"""In the place of a channel's name: every channel of the environment, known only when the notice is delivered."""


class Notice(Fact):
    """One message of the outbox. `sent_at` None means it is still to be delivered. `channel` may be `EVERY`."""

    id: int
    environment: str
    run_id: str | None
    channel: str
    text: str
    body: dict[str, JsonValue]
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    sent_at: datetime | None = None
    error: str = ""


class Drill(Fact):
    """One rehearsal: its scenario, clock points and score."""

    id: str
    environment: str
    scenario: str
    operator: str
    started_at: datetime
    ended_at: datetime | None = None
    run_id: str | None = None
    points: dict[str, datetime] = {}
    score: int | None = None
    passed: bool | None = None
    remarks: tuple[str, ...] = ()


class AuditReport(Fact):
    """Result of walking the hash chain. `first_bad` is the sequence number where it breaks."""

    intact: bool
    events: int
    head: str
    first_bad: int | None = None
    problem: str = ""


class RunQuery(Fact):
    """Filter of the history. `text` looks in id, reason, versions, person.

    `before` is a run id: older only. `upto` is one too: itself and older, so that places stay when new runs come;
    `offset` skips that many of them.
    """

    environment: str | None = None
    procedure: str | None = None
    states: tuple[str, ...] = ()
    text: str = ""
    drill: bool | None = None
    before: str | None = None
    upto: str | None = None
    offset: int = 0
    limit: int = 100


class RunPage(Fact):
    """One page of the history, newest first. `total` counts all that match;"""

    runs: tuple[Run, ...]
    total: int
