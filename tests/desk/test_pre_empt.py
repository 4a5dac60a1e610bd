"""R10: a rollback does not wait for a forward run; it tells it to leave and sees that it has left."""

import asyncio
from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.ledger.locks import lock_path, locked
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy, UsageError
from actions.model.plan import Preemptible, RollbackRequest
from actions.model.record import CommandRow
from actions.model.run import EventKind
from actions.model.waiting import Deadline, until
from actions.model.words import Command, RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.desk.test_desk import ended, operator_of
from tests.ledger.plans import make_plan

REQUEST = RollbackRequest(environment="sandbox", service="api", reason="errors")


def begin_update(ledger: LedgerWriter, config: Path, preemptible: Preemptible = Preemptible.BACK_OUT) -> str:
    """An update that holds the environment, as its executor would have recorded it."""
    names = {"procedure": "update", "environment": "sandbox", "target": "sandbox", "title": "update"}
    plan = make_plan(preemptible=preemptible, **names)
    request = RollbackRequest(environment="sandbox", service="api", reason="new release", key="update-1")
    return ledger.submit(plan, request, operator="jo", origin="here", config_path=config).run_id


async def told(ledger: LedgerWriter, run_id: str) -> CommandRow:
    async def look() -> tuple[CommandRow, ...]:
        return await asyncio.to_thread(ledger.pending_commands, run_id)

    return (await until(look, bool, Deadline(30), lambda _: "nothing was said to the update"))[0]


async def test_a_running_update_is_handed_over_visibly(stack_up: SandboxFacts) -> None:
    await asyncio.to_thread(stack.break_, stack_up.directory, "bad-release")
    with open_writer(stack_up.config.parent / "ledger") as ledger:
        update = begin_update(ledger, stack_up.config)
        async with operator_of(stack_up) as desk:
            with locked(lock_path(ledger.directory, "sandbox")):
                fence = ledger.acquire(update, actor="executor")
                ledger.transition(update, RunState.RUNNING, fence=fence, actor="executor")
                ledger.heartbeat(update, fence=fence)
                submitting = asyncio.create_task(desk.submit(REQUEST))
                command = await told(ledger, update)
                assert command.command in (Command.ABORT, Command.BACK_OUT)
                assert "pre-empted" in command.reason
                assert not submitting.done(), "the rollback waits until the update has left"
                ledger.finish(update, RunState.ABORTED, fence=fence, actor="executor", reason=command.reason)
            submitted = await submitting
            assert submitted.created
            assert await ended(desk, submitted.run_id) is RunState.SUCCEEDED
        assert ledger.run(update).state is RunState.ABORTED


async def test_a_forward_run_that_does_not_leave_is_named(
    stack_up: SandboxFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from actions.desk import hand_over

    monkeypatch.setattr(hand_over, "HAND_OVER_SECONDS", 0.5)
    with open_writer(stack_up.config.parent / "ledger") as ledger:
        update = begin_update(ledger, stack_up.config)
        async with operator_of(stack_up) as desk:
            with locked(lock_path(ledger.directory, "sandbox")):
                fence = ledger.acquire(update, actor="executor")
                ledger.transition(update, RunState.RUNNING, fence=fence, actor="executor")
                ledger.heartbeat(update, fence=fence)
                with pytest.raises(Busy, match="told to leave") as caught:
                    await desk.submit(REQUEST)
                assert caught.value.run_id == update
                ledger.finish(update, RunState.ABORTED, fence=fence, actor="executor")


@pytest.mark.parametrize("preemptible", [Preemptible.NEVER, Preemptible.ABORT])
async def test_a_run_whose_plan_does_not_allow_it_is_left_alone(
    stack_up: SandboxFacts, preemptible: Preemptible
) -> None:
    """A key press never breaks into a restore or a migration; a person who means it backs it out."""
    with open_writer(stack_up.config.parent / "ledger") as ledger:
        update = begin_update(ledger, stack_up.config, preemptible)
        async with operator_of(stack_up) as desk:
            with locked(lock_path(ledger.directory, "sandbox")):
                fence = ledger.acquire(update, actor="executor")
                ledger.transition(update, RunState.RUNNING, fence=fence, actor="executor")
                ledger.append(update, EventKind.INTENT, step=2, body={"key": "k"}, fence=fence, actor="executor")
                ledger.heartbeat(update, fence=fence)
                with pytest.raises(Busy) as caught:
                    await desk.submit(REQUEST)
                assert caught.value.run_id == update and ledger.pending_commands(update) == ()
                assert ledger.run(update).state is RunState.RUNNING
                ledger.append(update, EventKind.UNDONE, step=2, fence=fence, actor="executor")
                ledger.finish(update, RunState.ABORTED, fence=fence, actor="executor")


async def test_a_run_that_was_put_right_by_hand_is_closed_with_what_was_done(stack_up: SandboxFacts) -> None:
    with open_writer(stack_up.config.parent / "ledger") as ledger:
        update = begin_update(ledger, stack_up.config)
        with locked(lock_path(ledger.directory, "sandbox")):
            fence = ledger.acquire(update, actor="executor")
            ledger.transition(update, RunState.RUNNING, fence=fence, actor="executor")
            ledger.finish(update, RunState.NEEDS_OPERATOR, fence=fence, actor="executor", reason="stuck")
        async with operator_of(stack_up) as desk:
            with pytest.raises(UsageError, match="reason"):
                await desk.close_run(update, " ")
            await desk.close_run(update, "started green by hand")
            assert await desk.active() is None
            view = await desk.run(update)
        assert not view.run.state.active
        assert any("started green by hand" in str(event.body) for event in view.events)
