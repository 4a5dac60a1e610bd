"""Runs for tests of the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from actions.ledger.locks import lock_path, locked
from actions.ledger.writer import LedgerWriter
from actions.model.plan import Plan
from actions.model.run import EventKind, Run
from actions.model.words import RunState
from tests.ledger.plans import make_plan, request


def submit(ledger: LedgerWriter, plan: Plan | None = None, key: str | None = None, **more: Any) -> str:
    return ledger.submit(
        plan or make_plan(), request(key), operator="anna", origin="tests", config_path=Path("/etc/x.toml"), **more
    ).run_id


def finished(ledger: LedgerWriter, state: RunState = RunState.SUCCEEDED, events: int = 3) -> str:
    """A run that was carried out without an executor of its own."""
    run_id = submit(ledger)
    with locked(lock_path(ledger.directory, "demo/api")):
        token = ledger.acquire(run_id, actor="tests")
        ledger.transition(run_id, RunState.RUNNING, fence=token, actor="tests")
        for number in range(events):
            ledger.append(run_id, EventKind.PROGRESS, body={"text": f"line {number}"}, fence=token, actor="tests")
        ledger.finish(run_id, state, {"downtime_seconds": 0.0}, fence=token, actor="tests", seconds=1.5)
    return run_id


def past_runs(count: int) -> list[tuple[Run, Plan]]:
    """Ended runs of the past, oldest first, all of one plan."""
    plan = make_plan()
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    states = [RunState.SUCCEEDED, RunState.SUCCEEDED, RunState.UNDONE, RunState.FAILED]
    runs = []
    for number in range(count):
        at = begin + timedelta(minutes=number)
        runs.append(
            Run(
                id=f"01PAST{number:020d}",
                procedure="rollback",
                procedure_version="1",
                environment="demo" if number % 10 else "other",
                service="api",
                target="demo/api",
                state=states[number % 4],
                level="emergency",
                from_version=f"2.{number % 50}",
                to_version=f"2.{number % 50 - 1}",
                reason=f"incident {number}: errors after the release",
                operator=("anna", "ben", "carla")[number % 3],
                origin="console",
                created_at=at,
                started_at=at,
                ended_at=at + timedelta(seconds=20),
                seconds=20.0 + number % 7,
                drill=number % 5 == 0,
            )
        )
    return [(run, plan) for run in runs]
