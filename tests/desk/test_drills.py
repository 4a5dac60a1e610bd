"""Rehearsals at the desk: the very same rollback, clock points as they happened, a score, a mended stack."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions.config import load
from actions.desk import open_operator
from actions.drills.score import POINTS
from actions.model.environment import Environment, Settings
from actions.model.errors import Busy, Refused, UnknownNameError
from actions.model.identity import new_id
from actions.model.plan import RollbackRequest
from actions.model.record import Drill
from actions.model.words import RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli
from tests.desk.test_desk import ended, operator_of

REQUEST = RollbackRequest(environment="sandbox", service="api")


def test_an_unattended_drill_is_scored_from_its_clock_points(cli: Cli, stack_up: SandboxFacts) -> None:
    said = cli("--config", stack_up.config, "drill", "bad-release", "--auto", "--json", timeout=170)
    assert said.code == 0, said
    found = said.json
    assert found["passed"] is True
    assert 0 < found["score"] <= 100
    points = found["drill"]["points"]
    assert sorted(points, key=points.__getitem__) == list(POINTS), "every point was measured, in its order"
    assert found["seconds_since_injected"]["recovered"] > 0
    assert found["run"]["state"] == "succeeded"
    assert found["run"]["drill"] is True
    assert found["run"]["lost_writes"] == 0
    assert stack.status(stack_up.directory).faults == ()
    listed = cli("--config", stack_up.config, "drill", "list", "--json").json
    assert [one["scenario"] for one in listed["drills"]] == ["bad-release"]


async def test_a_drill_by_hand_may_be_ended_at_another_console(stack_up: SandboxFacts) -> None:
    async with operator_of(stack_up) as desk:
        snapshots = desk.snapshots()
        await anext(snapshots)
        drill = await desk.start_drill("bad-release")
        assert "injected" in drill.points
        with pytest.raises(Busy, match="bad-release"):
            await desk.start_drill("errors")

        async with asyncio.timeout(60):
            async for _ in snapshots:
                (open_one,) = await desk.drills()
                if "detected" in open_one.points:
                    break
        await desk.offer(REQUEST)
        submitted = await desk.submit(REQUEST)
        assert await ended(desk, submitted.run_id) is RunState.SUCCEEDED
        await snapshots.aclose()  # type: ignore[attr-defined]

    async with operator_of(stack_up) as other:
        closed = await other.end_drill(drill.id)
        assert closed.run_id == submitted.run_id
        assert closed.passed is True
        assert sorted(closed.points, key=closed.points.__getitem__) == list(POINTS)
        assert (await other.end_drill(drill.id)).score == closed.score, "ending twice changes nothing"
        assert [note.kind for note in await other.changes(10)].count("drill") == 2
    assert (await asyncio.to_thread(stack.status, stack_up.directory)).faults == ()


async def test_a_drill_nobody_acted_in_is_failed_and_mended(stack_up: SandboxFacts) -> None:
    async with operator_of(stack_up) as desk:
        drill = await desk.start_drill("bad-release")
        closed = await desk.end_drill(drill.id)
        assert closed.passed is False
        assert any("did not end succeeded" in remark for remark in closed.remarks)
    assert (await asyncio.to_thread(stack.status, stack_up.directory)).version == "2.4.1"


async def test_drills_are_for_drill_environments_only(tmp_path: Path, stack_up: SandboxFacts) -> None:
    for environment in (Environment(drill=True), Environment(sandbox=stack_up.directory)):
        settings = Settings(ledger=tmp_path / "other", environments={"production": environment})
        desk = open_operator(settings, tmp_path / "x.toml", "production")
        await desk.start()
        assert desk.scenarios() == ()
        with pytest.raises(Refused, match="not for drills"):
            await desk.start_drill("bad-release")
        await desk.close()
    assert load(stack_up.config).environments["sandbox"].drill
    async with operator_of(stack_up) as desk:
        with pytest.raises(UnknownNameError, match="crash-loop"):
            await desk.start_drill("nothing")


async def test_watch_and_operator_may_write_clock_points_at_once(stack_up: SandboxFacts) -> None:
    """Each reads, adds and saves; what one saved while the other was at it must stay."""
    async with operator_of(stack_up) as desk:
        drill = Drill(
            id=new_id(), environment="sandbox", scenario="errors", operator="mira", started_at=datetime.now(UTC)
        )
        desk.writer.save_drill(drill)
        await desk._call(desk.rehearsals.begin())
        at = datetime.now(UTC)
        await asyncio.gather(*(desk._call(desk.rehearsals._point(drill, name, at)) for name in POINTS))
        (kept,) = await desk.drills()
        assert set(kept.points) == set(POINTS)
        ended = kept.model_copy(update={"ended_at": at})
        desk.writer.save_drill(ended)
        await desk._call(desk.rehearsals._point(drill, "decided", datetime.now(UTC)))
        assert await desk.drills() == (ended,), "nothing opens an ended drill again"
