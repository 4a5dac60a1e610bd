"""What a run costs its users is told while it runs, and only when it changed."""

import asyncio
from typing import Any

import pytest

from actions.model.run import EventKind
from actions.model.words import RunState
from actions.runner import counting
from tests.runner.carrying import Bench, standard_plan
from tests.runner.journal_checker import check_journal
from tests.runner.test_execute import wait_for
from tests.runner.world import FakeMeasures


class Losing(FakeMeasures):
    """Users lose requests until `failed` stays what it is."""

    failed = 0
    asked = 0

    async def so_far(self) -> dict[str, Any]:
        self.asked += 1
        return {"downtime_seconds": 0.1 * self.failed, "failed_requests": self.failed, "requests": self.asked}


async def test_figures_are_in_the_journal_while_the_run_works(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "EVERY_SECONDS", 0.02)
    measures = Losing()
    run_id = bench.submit(standard_plan(look={"wait": True}))

    def told() -> list[object]:
        events = bench.ledger.events(run_id)
        return [one.body["failed_requests"] for one in events if one.kind is EventKind.MEASURED]

    async def until_told(expected: list[object]) -> None:
        async with asyncio.timeout(20):
            while await asyncio.to_thread(told) != expected:
                await asyncio.sleep(0.01)

    task = asyncio.create_task(bench.carry(run_id, measures=measures))
    await wait_for(bench, "began-4")
    await until_told([0])
    measures.failed = 3
    await until_told([0, 3])
    asked = measures.asked
    async with asyncio.timeout(20):
        while measures.asked < asked + 5:
            await asyncio.sleep(0.01)
    assert told() == [0, 3], "what did not change is not told again"
    assert bench.ledger.run(run_id).state is RunState.RUNNING
    bench.world.flag("go").touch()
    assert await asyncio.wait_for(task, 20) is RunState.SUCCEEDED
    check_journal(bench.ledger, bench.world)
