"""What the journal costs a step: a plan of steps that do nothing, carried out with a real ledger and without any."""

import asyncio
import time
from pathlib import Path
from typing import Any, cast

from actions.ledger import open_writer
from actions.model.environment import Environment
from actions.model.plan import Plan
from actions.model.platform import Evidence
from actions.model.words import RunState
from actions.runner.execute import execute
from actions.runner.session import hold
from actions.steps.contract import Step, StepContext
from benchmarks.place import Place
from benchmarks.table import Figure
from tests.ledger.plans import make_plan, request, step
from tests.runner.world import FakeMeasures

STEPS, ROUNDS = 100, 5


class Nothing(Step):
    """A step with every part and no effect."""

    kind = "nothing"

    async def protect(self, context: StepContext) -> Evidence | None:
        return Evidence(text="nothing to keep")

    async def act(self, context: StepContext) -> Evidence:
        return Evidence(text="nothing done")

    async def verify(self, context: StepContext) -> Evidence:
        return Evidence(text="nothing to see")


def journalled(directory: Path, plan: Plan) -> float:
    """Seconds of the whole run with its ledger."""
    ledger = open_writer(directory)
    try:
        run_id = ledger.submit(plan, request(), operator="b", origin="b", config_path=Path("/none")).run_id

        async def carry() -> RunState:
            nobody, measures = cast(Any, None), cast(Any, FakeMeasures())
            with hold(ledger, run_id) as token:
                return await execute(
                    run_id, ledger, Environment(), {"nothing": Nothing()}, nobody, nobody, measures, fence=token
                )

        began = time.perf_counter()
        if asyncio.run(carry()) is not RunState.SUCCEEDED:
            raise RuntimeError("the run of empty steps did not succeed")
        return time.perf_counter() - began
    finally:
        ledger.close()


def bare(plan: Plan) -> float:
    """Seconds of the same calls in the same order, nothing written."""

    async def carry() -> None:
        kind, context = Nothing(), cast(StepContext, None)
        for _ in plan.steps:
            for part in (kind.check, kind.protect, kind.act, kind.verify):
                await part(context)

    began = time.perf_counter()
    asyncio.run(carry())
    return time.perf_counter() - began


def measure(place: Place) -> list[Figure]:
    """Best of a few rounds, a step; with the file system of the scratch directory."""
    plan = make_plan(step(1, "lock", changes=False), *(step(2 + n, "nothing") for n in range(STEPS)))
    seconds = [journalled(place.directory / f"journal-{n}", plan) - bare(plan) for n in range(ROUNDS)]
    return [Figure("journal, a step", 1000 * min(seconds) / STEPS, "ms", 5, note=f"best of {ROUNDS}, {STEPS} steps")]
