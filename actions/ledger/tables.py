"""The tables, in SQLAlchemy Core's words so that PostgreSQL can hold them too.

Instants are text in one fixed UTC form, so they sort. Structured values are canonical JSON text. `run.number` gives the
order of arrival, which no jump of the wall clock can change.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, text

from actions.model.words import ACTIVE_STATES

SCHEMA_VERSION = 2
"""Number of the present format; `migrations` leads there from every earlier one."""

metadata = MetaData()
# Written out, not bound as parameters, so that a query with the same words can use the small partial index.
ACTIVE = text("state IN ({})".format(", ".join(f"'{state.value}'" for state in sorted(ACTIVE_STATES))))

meta = Table("meta", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))

run = Table(
    "run",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("procedure", String, nullable=False),
    Column("procedure_version", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("service", String, nullable=False),
    Column("target", String, nullable=False),
    Column("state", String, nullable=False),
    Column("level", String, nullable=False),
    Column("from_version", String),
    Column("to_version", String),
    Column("reason", Text, nullable=False),
    Column("operator", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("started_at", String),
    Column("ended_at", String),
    Column("seconds", Float),
    Column("drill", Boolean, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("search", Text, nullable=False),
    Column("several_executors", Boolean, nullable=False, server_default=text("0")),
    Column("broke_glass", Boolean, nullable=False, server_default=text("0")),
)
Index("run_by_filter", run.c.environment, run.c.state, run.c.procedure, run.c.drill)
Index("run_by_age", run.c.environment, run.c.number)
Index("run_by_outcome", run.c.environment, run.c.service, run.c.procedure, run.c.state, run.c.number, run.c.seconds)
Index("run_by_text", run.c.environment, run.c.search)

plan = Table(
    "plan",
    metadata,
    Column("run_id", String, ForeignKey("run.id"), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("request", Text, nullable=False),
    Column("config_path", String, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String, ForeignKey("run.id"), nullable=False),
    Column("step", Integer),
    Column("attempt", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
)
Index("event_by_run", event.c.run_id, event.c.seq)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("resource", String, primary_key=True),
    Column("run_id", String, nullable=False),
    Column("token", Integer, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_start", Integer, nullable=False),
    Column("boot_id", String, nullable=False),
    Column("host", String, nullable=False),
    Column("acquired_at", String, nullable=False),
    Column("beat_at", String, nullable=False),
    Column("beat_monotonic", Float, nullable=False),
)

gate = Table(
    "gate",
    metadata,
    Column("id", String, primary_key=True),
    Column("run_id", String, ForeignKey("run.id"), nullable=False),
    Column("step", Integer),
    Column("question", Text, nullable=False),
    Column("choices", Text, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("answer", String),
    Column("answered_by", String),
    Column("answered_at", String),
)
Index("gate_by_run", gate.c.run_id)

command = Table(
    "command",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", String, ForeignKey("run.id"), nullable=False),
    Column("command", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String, nullable=False),
    Column("taken_at", String),
)
Index("command_by_run", command.c.run_id, command.c.taken_at)

release = Table(
    "release",
    metadata,
    Column("environment", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("last_seen", String, nullable=False),
    Column("body", Text, nullable=False),
)
Index("release_by_age", release.c.environment, release.c.service, release.c.last_seen)

change_note = Table(
    "change_note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment", String, nullable=False),
    Column("body", Text, nullable=False),
)
Index("change_by_environment", change_note.c.environment, change_note.c.id)

keeper = Table(
    "keeper",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("pid_start", Integer, nullable=False),
    Column("boot_id", String, nullable=False),
    Column("host", String, nullable=False),
    Column("since", String, nullable=False),
    Column("beat_at", String, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment", String, nullable=False),
    Column("run_id", String),
    Column("channel", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", String, nullable=False),
    Column("sent_at", String),
    Column("error", Text, nullable=False),
)
Index("notice_by_sent", notice.c.sent_at, notice.c.id)

drill = Table(
    "drill",
    metadata,
    Column("id", String, primary_key=True),
    Column("environment", String, nullable=False),
    Column("started_at", String, nullable=False),
    Column("body", Text, nullable=False),
)
Index("drill_by_environment", drill.c.environment, drill.c.started_at)


def one_active_run(dialect: str) -> Index:
    """The index that lets a target have one active run, in the words of that dialect: naming one loads all of it."""
    known = next((index for index in run.indexes if index.name == "one_active_run"), None)
    where: dict[str, Any] = {f"{dialect}_where": ACTIVE}
    return known or Index("one_active_run", run.c.target, unique=True, **where)


def now() -> datetime:
    """The wall clock, aware, in UTC. Order never depends on it."""
    return datetime.now(UTC)


def instant(at: datetime) -> str:
    """An instant in the one stored form."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def parse_instant(stored: str | None) -> datetime | None:
    """The instant that `instant` stored."""
    return None if stored is None else datetime.fromisoformat(stored)
