"""Carrying runs out with the fakes: in this process, or in one of their own."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter
from actions.model import crash
from actions.model.environment import Environment
from actions.model.plan import OnFailure, Plan
from actions.model.words import Command, RunState
from actions.runner.execute import execute
from actions.runner.orders import Orders
from actions.runner.session import hold
from tests.ledger.plans import make_plan, request, step
from tests.runner.world import FakeMeasures, World, steps_of


class Crash(BaseException):
    """A process that is no more: nothing below it catches this."""


def standard_plan(**more: Any) -> Plan:
    """A lock, an effect in one go, one in two, one more, and a look from outside."""
    return make_plan(
        step(1, "lock", changes=False),
        step(2, "effect"),
        step(3, "two-parts"),
        step(4, "observe", changes=False, params=more.pop("look", {})),
        step(5, "effect", params=more.pop("last", {})),
        **more,
    )


SLOTS = (2, 3, 5)


class Bench:
    """A ledger and a world in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "ledger"
        self.world = World(directory / "world")
        self.ledger: LedgerWriter = open_writer(self.directory)

    def submit(self, plan: Plan | None = None, key: str | None = None, **more: Any) -> str:
        return self.ledger.submit(
            plan or standard_plan(), request(key), operator="anna", origin="tests", config_path=Path("/none"), **more
        ).run_id

    async def carry(
        self,
        run_id: str,
        *,
        version: str | None = None,
        ready: Callable[[Orders], None] | None = None,
        measures: FakeMeasures | None = None,
        environment: Environment | None = None,
        at_deadline: OnFailure = OnFailure.WARN,
    ) -> RunState:
        with hold(self.ledger, run_id) as token:
            return await execute(
                run_id,
                self.ledger,
                environment or Environment(),
                steps_of(self.world),
                cast(Any, None),
                cast(Any, None),
                cast(Any, measures or FakeMeasures()),
                fence=token,
                procedure_version=version,
                at_deadline=at_deadline,
                ready=ready,
            )

    def run(self, run_id: str, **more: Any) -> RunState:
        return asyncio.run(self.carry(run_id, **more))

    def resume(self, run_id: str, **more: Any) -> RunState:
        """Go on as a person wants it."""
        self.ledger.command(run_id, Command.RESUME, by="ben")
        return self.run(run_id, **more)

    def crash(self, run_id: str, at: Callable[[int, str], bool], **more: Any) -> bool:
        """Carry out until `at` (number from 0, name) says die; whether it died."""
        seen = -1

        def hook(name: str) -> None:
            nonlocal seen
            seen += 1
            if at(seen, name):
                raise Crash(name)

        with hooked(hook):
            try:
                self.run(run_id, **more)
            except Crash:
                return True
        return False

    def until_ended(self, run_id: str, tries: int = 6) -> RunState:
        """Start executors until the run needs none."""
        for _ in range(tries):
            state = self.ledger.run(run_id).state
            if state.terminal:
                return state
            self.run(run_id)
        return self.ledger.run(run_id).state

    def close(self) -> None:
        self.ledger.close()


@contextmanager
def hooked(hook: Callable[[str], None]) -> Iterator[None]:
    crash.set_hook(hook)
    try:
        yield
    finally:
        crash.set_hook(None)
