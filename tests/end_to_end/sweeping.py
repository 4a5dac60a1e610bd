"""Kills real executors at named crash points, has others go on, and asks the world what became of it."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from actions.config import load
from actions.ledger import open_writer
from actions.model.errors import VqError
from actions.model.plan import Level, Plan, RollbackRequest
from actions.model.waiting import Deadline, until
from actions.model.words import RunState, Verdict
from actions.platforms.access import Access
from actions.procedures.rollback import plan_rollback
from actions.releases.gather import gather
from actions.runner.launch import launch
from actions.runner.steer import AT_WORK, resume
from tests.runner.journal_checker import check_journal

ALL = os.environ.get("VQ_SWEEP") == "all"
"""Every crash point, instead of those of the drivers."""

SIDES = ("before", "after") if ALL else ("after",)
"""Of calls to the engine, see `chosen`."""

KILLS = 3
"""Executors of one run that die; after more than three in a row a person is asked."""

Start = Callable[[Path, str], None]
DRIVERS = ("local.", "router.", "compose.")


class Theatre(Protocol):
    """A place where rollbacks happen. `look` is what users and the platform show; the two judgements assert."""

    config: Path
    environment: str

    def target(self) -> str:
        """The version to go to from here."""

    def look(self) -> Any:
        """The world now."""

    def rolled_back(self, before: Any, run_id: str, target: str) -> None:
        """Asserts that the run brought `target`, wholly, each effect once."""

    def as_before(self, before: Any, run_id: str) -> None:
        """Asserts that nothing of the run is left, each effect and each way back once at most."""


@dataclass
class Sweep:
    """One ledger, one run after the other.

    `outcome` is how a run ends that nobody kills. `died` are the points killed at, `missed` those not met again,
    `otherwise` those after which the run ended in another way; the world must then be as before all the same.
    """

    theatre: Theatre
    outcome: RunState
    folder: Path
    died: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)

    async def every(self, *, since: str = "") -> None:
        """Kill at the points that an undisturbed run passes from `since` on; then judge the journal as a whole.

        Each run is killed a few times, far apart: executor after executor goes on where the one before it died.
        """
        points = await self.record()
        picked = chosen(points, since)
        rounds = -(-len(picked) // KILLS)
        for number in range(rounds):
            await self.round(picked[number::rounds], self.folder / f"passed-{number}")
        again, self.missed = self.missed, []  # not come to, because that run ended before: one more try, each alone
        for number, point in enumerate(again):
            await self.round([point], self.folder / f"passed-again-{number}")
        with open_writer(load(self.theatre.config).ledger) as ledger:
            check_journal(ledger)
        told = f"{len(points)} crash points, killed at {len(self.died)} of {len(picked)} in {rounds} runs"
        print(f"{self.outcome.value}: {told}; not met again: {self.missed}; ended otherwise: {self.otherwise}")
        assert len(self.died) >= 0.9 * len(picked), self.missed
        assert len(self.otherwise) <= 0.3 * rounds, f"only on a starved machine: {self.otherwise}"

    async def record(self) -> list[str]:
        """The crash points of a run that is left alone, as `NAME#2` for the second passing."""
        for attempt in range(3):
            log = self.folder / f"passed-undisturbed-{attempt}"
            if await self._run([], log) is self.outcome:
                return passed(log)
        raise AssertionError(f"a run that nobody killed never ended as {self.outcome.value}")

    async def round(self, points: list[str], log: Path) -> None:
        """One run whose executors die at `points`, one after the other, and the one that ends it."""
        try:
            ended = await self._run(points, log)
        except AssertionError as error:
            raise AssertionError(f"killed at {points}: {error}") from error
        if ended is not self.outcome:
            self.otherwise.append(str(points))

    async def _run(self, points: list[str], log: Path) -> RunState:
        """One run, killed at `points`, gone on with; its end, which the world bears out."""
        before = await asyncio.to_thread(self.theatre.look)
        target = await asyncio.to_thread(self.theatre.target)
        with open_writer(load(self.theatre.config).ledger) as ledger:
            run_id = await self._submit(ledger, target, f"killed at {', '.join(points)}")
            start = launch
            for number, point in enumerate(points):
                if ledger.run(run_id).state.active:
                    await self._killed(ledger, run_id, start, point, log.with_name(f"{log.name}-{number}"))
                    start = resume
                else:
                    self.missed.append(point)
            if ledger.run(run_id).state.active:
                with variables(VQ_CRASH_LOG=str(log)):
                    await asyncio.to_thread(start, ledger.directory, run_id)
                await _left(ledger, run_id)
            run = ledger.run(run_id)
        if run.state is RunState.SUCCEEDED:
            await asyncio.to_thread(self.theatre.rolled_back, before, run_id, target)
        else:
            assert run.state in (RunState.UNDONE, RunState.FAILED), (run.state, run.reason)
            await asyncio.to_thread(self.theatre.as_before, before, run_id)
        return run.state

    async def _killed(self, ledger: Any, run_id: str, start: Start, point: str, log: Path) -> None:
        """Start an executor that dies at `point`, and wait until it did, or ended the run without coming there."""
        with variables(VQ_CRASH_LOG=str(log), VQ_CRASH_AT=point):
            await asyncio.to_thread(start, ledger.directory, run_id)
        await _left(ledger, run_id, lambda: point in passed(log))
        if point in passed(log):
            assert passed(log)[-1] == point, f"it lived on after {point}"
            self.died.append(point)
        else:
            self.missed.append(point)

    async def _submit(self, ledger: Any, target: str, reason: str) -> str:
        """Plan and submit as a desk does, as soon as there is a plan: right after a change not all answer at once."""
        name, settings = self.theatre.environment, load(self.theatre.config)
        request = RollbackRequest(environment=name, service="api", to=target, level=Level.MANUAL, reason=reason)
        self._forgive(ledger)
        access = Access(name, settings.environments[name])

        async def plan() -> Plan | VqError:
            try:
                return plan_rollback(request, await gather(access, ledger, request=request))
            except VqError as error:
                return error

        try:
            made = await until(plan, lambda one: isinstance(one, Plan), Deadline(30), str)
        finally:
            await access.close()
        more = {"operator": "mira", "origin": "sweep", "config_path": self.theatre.config}
        return str(ledger.submit(made, request, **more).run_id)

    def _forgive(self, ledger: Any) -> None:
        """What was left is bad from then on; here it is gone back to in the next round."""
        for release in ledger.releases(self.theatre.environment, "api"):
            good = {"verdict": Verdict.GOOD, "verdict_at": datetime.now(UTC)}
            ledger.save_release(release.model_copy(update=good), lift=True)


async def _left(ledger: Any, run_id: str, died: Callable[[], bool] = lambda: False) -> None:
    """Until the run has ended or its executor died, and nobody holds its lock."""

    async def look() -> tuple[str, RunState, bool]:
        return ledger.executor(run_id).state, ledger.run(run_id).state, died()

    def over(seen: tuple[str, RunState, bool]) -> bool:
        executor, state, gone = seen
        return executor not in AT_WORK and (gone or state.terminal or state is RunState.NEEDS_OPERATOR)

    await until(look, over, Deadline(90), str, every=0.02)


def chosen(points: list[str], since: str) -> list[str]:
    """Those from the first that begins with `since`: all, or the drivers' own.

    Of a call to the engine that is the end: its begin leaves the same world as the end of the call before it.
    """
    first = next(number for number, point in enumerate(points) if point.startswith(since))
    engine = re.compile(r"compose\..*\.before#")
    return [point for point in points[first:] if ALL or (point.startswith(DRIVERS) and not engine.match(point))]


def passed(log: Path) -> list[str]:
    """Names of the crash points in a log, numbered among their like."""
    seen: Counter[str] = Counter()
    lines = log.read_text().splitlines() if log.exists() else []
    return [f"{name}#{seen[name]}" for name in lines if seen.update([name]) is None]


@contextmanager
def variables(**more: str) -> Iterator[None]:
    """Environment variables for processes started within."""
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


def once_each(found: list[str]) -> set[str]:
    """The set of these keys. Raises AssertionError when one is there twice."""
    assert len(found) == len(set(found)), f"an effect happened twice: {found}"
    return set(found)
