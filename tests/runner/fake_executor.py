"""The executor's own process with fakes in place of configuration and platforms; everything else is real."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from actions.ledger.locks import held_descriptors
from actions.ledger.writer import LedgerWriter
from actions.model.environment import Environment
from actions.model.platform import Evidence
from actions.model.words import RunState
from actions.runner import executor, process
from actions.runner.execute import execute
from actions.runner.heartbeat import Heartbeat
from actions.runner.orders import Orders
from actions.steps.contract import StepContext
from tests.runner.world import Effect, FakeMeasures, World, steps_of


class Child(Effect):
    """Has a child do the work, which keeps the lock while it works."""

    kind = "child"

    async def act(self, context: StepContext) -> Evidence:
        wait = f"until [ -e {self.world.flag('go')} ]; do sleep 0.02; done"
        subprocess.Popen(["/bin/sh", "-c", wait], pass_fds=held_descriptors(), stdin=subprocess.DEVNULL)
        self.world.flag("child").touch()
        while not self.world.flag("go").exists():
            await asyncio.sleep(0.02)
        return await super().act(context)


def carry(ledger: LedgerWriter, run_id: str, token: int, _handler: logging.Handler) -> RunState:
    world = World(Path(os.environ["VQ_TEST_WORLD"]))

    async def run() -> RunState:
        loop = asyncio.get_running_loop()
        beats: list[Heartbeat] = []

        def ready(orders: Orders) -> None:
            orders.listen()
            beats.append(Heartbeat(ledger, run_id, token, lambda: cast(None, loop.call_soon_threadsafe(orders.lose))))
            beats[0].start()

        try:
            return await execute(
                run_id,
                ledger,
                Environment(),
                steps_of(world) | {"child": Child(world)},
                cast(Any, None),
                cast(Any, None),
                cast(Any, FakeMeasures()),
                fence=token,
                ready=ready,
            )
        finally:
            beats[0].stop()

    return asyncio.run(run())


if __name__ == "__main__":
    process._with_configuration = carry  # type: ignore[assignment]
    sys.exit(executor.main(sys.argv[1:]))
