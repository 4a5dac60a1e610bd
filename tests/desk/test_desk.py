"""The desk on the embedded stack: what screens are promised of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actions.config import load
from actions.desk import open_operator, open_viewer
from actions.desk.operator import Operator
from actions.desk.viewer import Viewer
from actions.model.environment import Environment, Settings
from actions.model.errors import Busy, LedgerError, ReadOnlyError, Refused, Stale, UnknownNameError
from actions.model.plan import Level, RollbackRequest
from actions.model.record import RunQuery
from actions.model.services import HttpService
from actions.model.way_back import RollbackFacts
from actions.model.words import Command, RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts

REQUEST = RollbackRequest(environment="sandbox", service="api")


@asynccontextmanager
async def operator_of(facts: SandboxFacts) -> AsyncIterator[Operator]:
    desk = open_operator(load(facts.config), facts.config, "sandbox")
    await desk.start()
    try:
        yield desk
    finally:
        await desk.close()


async def broken(facts: SandboxFacts) -> None:
    await asyncio.to_thread(stack.break_, facts.directory, "bad-release")


async def ended(desk: Viewer, run_id: str) -> RunState:
    async for view in desk.follow(run_id):
        if view.run.state.terminal:
            return view.run.state
    raise AssertionError("the run was left before its end")


async def test_a_rollback_as_the_console_does_it(stack_up: SandboxFacts) -> None:
    await broken(stack_up)
    async with operator_of(stack_up) as desk:
        offer = await desk.offer(REQUEST)
        assert offer.plan is not None
        request = REQUEST.model_copy(update={"reason": offer.plan.reason, "key": "one press"})
        shown = (await desk.offer(request)).plan
        assert shown is not None
        both = await asyncio.gather(
            desk.submit(request, expected_digest=shown.digest), desk.submit(request, expected_digest=shown.digest)
        )
        assert {one.run_id for one in both} == {both[0].run_id}
        assert sorted(one.created for one in both) == [False, True]
        assert await ended(desk, both[0].run_id) is RunState.SUCCEEDED
        found = await desk.runs(RunQuery(environment="sandbox"))
        assert (found.total, found.runs[0].operator) == (1, desk.operator)
        assert await desk.active() is None


async def test_another_desk_sees_all_of_it_while_it_runs(stack_up: SandboxFacts) -> None:
    """Re-attach: a desk that knows nothing shows every step, and each change soon after it was committed."""
    await broken(stack_up)
    async with operator_of(stack_up) as desk:
        other = open_viewer(load(stack_up.config), stack_up.config, "sandbox")
        await other.start()
        submitted = await desk.submit(REQUEST)
        late: list[float] = []
        async for view in other.follow(submitted.run_id):
            late.append(time.time() - view.events[-1].at.timestamp())
            if view.run.state.terminal:
                break
        assert [step.state for step in view.steps] == ["done"] * len(view.steps)
        assert len(late) > 3, "it was followed, not only seen at its end"
        await other.close()


async def test_a_plan_that_moved_is_stale_and_nothing_is_touched(stack_up: SandboxFacts) -> None:
    async with operator_of(stack_up) as desk:
        offer = await desk.offer(REQUEST)
        assert offer.plan is not None
        await broken(stack_up)
        with pytest.raises(Stale, match="look at the plan again"):
            await desk.submit(REQUEST, expected_digest=offer.plan.digest)
        assert (await desk.runs(RunQuery(environment="sandbox"))).total == 0


async def test_a_request_for_another_place_while_one_runs_is_told_who_holds_it(stack_up: SandboxFacts) -> None:
    await broken(stack_up)
    async with operator_of(stack_up) as desk:
        first = await desk.submit(REQUEST)
        other = RollbackRequest(environment="sandbox", service="api", to="2.3.9", level=Level.MANUAL)
        try:
            await desk.submit(other)
        except (Busy, Refused):
            pass  # Refused: the first one was so quick that the other release is no way back any more
        else:
            raise AssertionError("two rollbacks to different releases were both accepted at once")
        assert await ended(desk, first.run_id) is RunState.SUCCEEDED


async def test_commands_reach_a_run_and_stand_in_its_journal(stack_up: SandboxFacts) -> None:
    await broken(stack_up)
    async with operator_of(stack_up) as desk:
        submitted = await desk.submit(REQUEST)
        await desk.command(submitted.run_id, Command.NOTE, "customers told")
        assert await ended(desk, submitted.run_id) is RunState.SUCCEEDED
        view = await desk.run(submitted.run_id)
        assert any(event.kind == "note" and event.actor == desk.operator for event in view.events)
        with pytest.raises(Refused, match="ended"):
            await desk.resume(submitted.run_id)


async def test_looking_around(stack_up: SandboxFacts) -> None:
    async with operator_of(stack_up) as desk:
        snapshot = await desk.snapshot()
        assert snapshot.service("api") is not None
        serves, stands_by = sorted(await desk.slots("api"), key=lambda one: -(one.share or 0.0))
        assert (serves.share, stands_by.share) == (1.0, 0.0)
        assert serves.facts is not None
        assert serves.facts.current is not None
        assert serves.facts.current.version == "2.4.1"
        assert isinstance(await desk.log_tail("api", serves.slot, serves.facts.instances[0].id, 20), tuple)
        assert (await desk.log_counts("api")).unread == ()
        counts = await desk.log_counts("postgres")
        assert counts.lines > 0
        assert counts.unread == ()
        assert await desk.slots("host") == ()
        with pytest.raises(UnknownNameError):
            await desk.log_tail("host", "main", "x")
        assert all(one.evidence for one in await desk.doctor())


async def test_an_offer_is_there_before_the_key_is_pressed(stack_up: SandboxFacts) -> None:
    """Once the console is open, asking for the offer reads no platform: it is there while the platform hangs."""
    async with operator_of(stack_up) as desk:
        snapshots = desk.snapshots()
        await anext(snapshots)
        first = await desk.offer(REQUEST)

        async def hangs(request: RollbackRequest) -> RollbackFacts:
            await asyncio.Event().wait()
            raise AssertionError

        desk.watching.way_back._gather = hangs
        async with asyncio.timeout(5):
            again = await desk.offer(REQUEST.model_copy(update={"reason": "pressed"}))
        assert first.plan is not None
        assert again.plan is not None
        assert (again.plan.reason, again.plan.pins) == ("pressed", first.plan.pins)
        await snapshots.aclose()  # type: ignore[attr-defined]


async def test_without_a_ledger_a_viewer_shows_health_and_an_empty_history(tmp_path: Path) -> None:
    settings = Settings(ledger=tmp_path / "ledger", environments={"production": Environment(interval=0.5)})
    viewer = open_viewer(settings, tmp_path / "vq-tui.toml", "production")
    await viewer.start()
    try:
        assert "no ledger yet" in viewer.ledger_note
        assert (await viewer.runs(RunQuery())).total == 0
        assert await viewer.active() is None
        assert await viewer.changes() == ()
        assert not (await viewer.keeper()).alive
        with pytest.raises(LedgerError, match="no ledger yet"):
            await viewer.run("X")
        assert not (tmp_path / "ledger").exists(), "looking creates nothing"

        operator = open_operator(settings, tmp_path / "vq-tui.toml", "production")
        await operator.start()
        await operator.close()
        assert (await viewer.runs(RunQuery())).total == 0
        assert viewer.ledger_note == ""
    finally:
        await viewer.close()


async def test_closing_is_bounded_while_sources_hang(tmp_path: Path) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    service = HttpService(url=f"http://127.0.0.1:{port}", timeout=60)
    environment = Environment(services={"api": service}, interval=0.5)
    settings = Settings(ledger=tmp_path / "ledger", environments={"production": environment})
    viewer = open_viewer(settings, tmp_path / "vq-tui.toml", "production")
    await viewer.start()
    snapshots = viewer.snapshots()
    await anext(snapshots)
    async with asyncio.timeout(20):
        await viewer.close()
    assert [one async for one in snapshots] == []
    server.close()


def test_what_is_not_configured_is_refused_by_name(tmp_path: Path) -> None:
    looking = Settings(environments={"production": Environment(read_only=True)})
    with pytest.raises(UnknownNameError, match="production"):
        open_viewer(looking, tmp_path / "x.toml", "staging")
    with pytest.raises(ReadOnlyError, match="read_only"):
        open_operator(looking, tmp_path / "x.toml", "production")
