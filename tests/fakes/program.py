"""The real console on a fake desk, as a process: `python -m tests.fakes.program [live|crash|running]`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from actions.model.errors import VqError
from actions.model.health import Snapshot
from actions.model.plan import Readiness
from actions.model.words import HealthState
from tests.fakes import facts
from tests.fakes.desk import FakeOperator


class LiveDesk(FakeOperator):
    """Ten services that change with every snapshot."""

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        tick = 0
        while True:
            tick += 1
            now = datetime.now(UTC)
            yield Snapshot(
                environment="production",
                sequence=tick,
                at=now,
                services=tuple(self._one(at, tick, now) for at in range(10)),
            )
            await asyncio.sleep(self.environment.interval)

    def _one(self, at: int, tick: int, now: datetime) -> object:
        trend = tuple(float((tick * 7 + at * 3 + back) % 40) for back in range(20))
        words = f"3/3  2.4.1   {20 + (tick * 7 + at * 11) % 60} ms"
        return facts.health(f"svc-{at}", HealthState.OK, "ok", words, trend=trend, observed_at=now, attempted_at=now)

    async def readiness(self, service: str | None = None) -> Readiness:
        return facts.readiness(at=datetime.now(UTC))


class CrashingDesk(FakeOperator):
    """Answers something no screen can draw."""

    async def readiness(self, service: str | None = None) -> Readiness:
        return facts.readiness(checks=("hunter2 is no check",))


class RunningDesk(FakeOperator):
    """A rollback is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.world.show(facts.run_view())


def main() -> int:
    from vq_tui.app import run_console
    from vq_tui.glance import Glance

    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    desk = {"live": LiveDesk, "crash": CrashingDesk, "running": RunningDesk}.get(kind, FakeOperator)()
    try:
        return run_console(Glance.of(desk), lambda: desk)
    except VqError as error:
        sys.stderr.write(error.message + "\n")
        return int(error.code)


if __name__ == "__main__":
    sys.exit(main())
