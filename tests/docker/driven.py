"""The drivers of a Compose project, carried as a runner carries them."""

from datetime import datetime
from pathlib import Path
from typing import Any

from actions.config import load
from actions.model.platform import Change, Holding
from actions.model.services import HttpService
from actions.model.waiting import Deadline
from actions.model.workloads import ComposeWorkload
from actions.platforms.access import WriteAccess
from actions.platforms.compose.driver import workload_upkeep
from tests.docker.conftest import RUN
from tests.docker.project import ComposeProject


class Driven:
    """The drivers of a project, as its own configuration makes them."""

    def __init__(self, project: ComposeProject) -> None:
        environment = load(project.config).environments["shop"]
        self.access = WriteAccess("shop", environment)
        self.reader = self.access.workload("api", "main")
        self.changer = self.access.workload_changer("api", "main")
        service = environment.services["api"]
        assert isinstance(service, HttpService) and isinstance(service.workload, ComposeWorkload)
        self.settings = service.workload
        self.said: list[str] = []
        self.data: list[dict[str, Any]] = []

    async def plan(self, to: str) -> tuple[Change, ...]:
        facts = await self.reader.observe()
        return await self.reader.plan_change(facts, next(one for one in facts.at_hand if one.version == to))

    async def carry_out(self, changes: tuple[Change, ...], undo: Path, run: str = RUN) -> None:
        for number, change in enumerate(changes, 1):
            key = f"{run}.{number}"
            for evidence in (
                await self.changer.check(change),
                await self.changer.protect(change, key, undo),
                await self.changer.act(change, key, undo, self.said.append),
                await self.changer.verify(change, key, Deadline(60), self.said.append),
            ):
                self.said.append(evidence.text)
                self.data.append(evidence.data)

    async def tidy(self, now: datetime) -> tuple[str, ...]:
        """Remove what is over at that time, with a ledger that knows nothing."""
        upkeep = workload_upkeep(self.settings)
        try:
            return await upkeep.tidy(Holding(), now)
        finally:
            await upkeep.close()

    async def back(self, changes: tuple[Change, ...], undo: Path) -> None:
        for number, change in reversed(list(enumerate(changes, 1))):
            await self.changer.undo(change, f"{RUN}.{number}", undo, Deadline(60), self.said.append)
