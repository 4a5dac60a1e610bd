"""One drill without a person: wait until the trouble shows, roll back, wait for the verdict, score, mend."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from actions.model.errors import VerifyFailed
from actions.model.plan import RollbackRequest
from actions.model.record import Drill

if TYPE_CHECKING:
    from actions.desk.operator import Operator

LONGER = 4.0
"""The detection may take so many times its budget before the drill is given up."""


async def rehearse(desk: "Operator", name: str, say: Callable[[str], None]) -> Drill:
    """Carry out the drill `name`; whatever happens after the injection, it is ended and mended."""
    scenario = next((one for one in desk.scenarios() if one.id == name), None)
    await desk.snapshot()  # the watch is on before anything is broken
    drill = await desk.start_drill(name)
    say(f"drill {name}: {scenario.story if scenario else ''}")
    try:
        say("waiting until the trouble shows")
        await _detected(desk, drill, LONGER * (scenario.detected_seconds if scenario else 15.0))
        service = scenario.service if scenario else None
        request = RollbackRequest(environment=desk.environment_name, service=service)
        offer = await desk.offer(request)
        reason = offer.plan.reason if offer.plan else ""
        submitted = await desk.submit(request.model_copy(update={"reason": f"drill {name}: {reason}"}))
        say("rolling back")
        async for view in desk.follow(submitted.run_id):
            if view.run.state.terminal:
                break
    finally:
        ended = await asyncio.shield(asyncio.ensure_future(desk.end_drill(drill.id)))
    return ended


async def _detected(desk: "Operator", drill: Drill, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            async for _ in desk.snapshots():
                now = next((one for one in await desk.drills() if one.id == drill.id), drill)
                if "detected" in now.points:
                    return
    except TimeoutError:
        raise VerifyFailed(f"drill '{drill.scenario}': the trouble did not show within {seconds:.0f} s") from None
