"""What was down before a rollback began is no reason to go back to the release that was left."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actions.model.errors import VerifyFailed
from actions.model.run import Event, EventKind
from actions.model.services import PostgresService, RedisService
from actions.steps.registry import registry
from tests.steps.running import RUN, context, planned


def done(step, evidence):
    """The journal's line of a step that is done."""
    body = {"text": evidence.text, "data": evidence.data}
    at, fixed = datetime.now(UTC), {"attempt": 1, "fence": 14, "actor": "executor", "previous": "", "hash": ""}
    return Event(seq=step.id, run_id=RUN, step=step.id, kind=EventKind.DONE, at=at, body=body, **fixed)


def with_data(access, **services):
    access.environment = access.environment.model_copy(update={"services": access.environment.services | services})
    return access


async def journalled(access, ledger, world, folder):
    """Conditions checked and journalled, then users moved; the contexts of the two steps that follow."""
    plan = await planned(access, ledger)
    steps = {one.kind: one for one in plan.steps}
    checking = context(access, ledger, plan, steps["check-conditions"], folder)
    checked = await registry["check-conditions"].verify(checking)
    ledger.journal.append(done(steps["check-conditions"], checked))
    world.shares = {"blue": 0.0, "green": 1.0}
    return checked, *(context(access, ledger, plan, steps[kind], folder) for kind in ("validate", "record-verdict"))


DEAD = {
    "db": PostgresService(dsn="postgresql://x@127.0.0.1:1/x", timeout=1),
    "cache": RedisService(url="redis://127.0.0.1:1", timeout=1),
}


async def test_a_database_that_was_down_already_does_not_undo_the_rollback(access, ledger, world, tmp_path):
    opened = with_data(access, **DEAD)
    checked, validating, recording = await journalled(opened, ledger, world, tmp_path)
    assert (
        checked.data["failing"] == ["db", "cache"] and "failing before anything was touched: db, cache" in checked.text
    )
    found = await registry["validate"].verify(validating)
    assert "3 of 5 checks pass; FAIL as before the rollback: db: " in found.text and "127.0.0.1:1" in found.text
    ledger.journal.append(done(validating.step, found))
    await registry["record-verdict"].act(recording)
    assert str(ledger.queued[0]["text"]).endswith("failing as before the rollback: db, cache")


async def test_one_that_fails_only_now_does(access, ledger, world, tmp_path):
    opened = with_data(access, cache=DEAD["cache"])
    _, validating, _ = await journalled(opened, ledger, world, tmp_path)
    with_data(access, **DEAD)
    with pytest.raises(VerifyFailed, match="1 of 5 checks fail: db: "):
        await registry["validate"].verify(replace(validating, environment=access.environment))


async def test_the_service_itself_is_never_excused(access, ledger, world, tmp_path):
    opened = with_data(access, **DEAD)
    _, validating, _ = await journalled(opened, ledger, world, tmp_path)
    world.endpoint_status = 500
    with pytest.raises(VerifyFailed, match="2 of 5 checks fail: /api/queues"):
        await registry["validate"].verify(validating)
