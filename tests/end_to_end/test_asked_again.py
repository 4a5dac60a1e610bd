"""An executor is killed, and instead of resuming its run a person asks for a rollback: the service serves afterwards,
nothing healthy is left or marked, and no run is in the way."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.config import load
from actions.desk import open_operator
from actions.desk.operator import Operator
from actions.model.errors import Refused
from actions.model.plan import Release, RollbackRequest
from actions.model.record import Submitted
from actions.model.waiting import Deadline, until
from actions.model.words import RunState, Verdict
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.docker.project import ComposeProject, ask
from tests.end_to_end.sweeping import variables
from tests.end_to_end.test_crash_sweep import ALSO_GOOD, GOOD, project

__all__ = ["project"]

pytestmark = pytest.mark.timeout(600)
PATIENCE = 150.0

EMBEDDED = ("act.4.before", "verify.6.before")
"""Before the switch, and while the service is validated after it; right after the switch: see `desk/test_again.py`."""


@asynccontextmanager
async def operator(config: Path, environment: str) -> AsyncIterator[Operator]:
    desk = open_operator(load(config), config, environment)
    await desk.start()
    try:
        yield desk
    finally:
        await desk.close()


async def asked(desk: Operator, request: RollbackRequest) -> Submitted:
    """Ask, as often as a busy engine is too slow for a plan: nothing was begun then."""

    async def answer() -> Submitted | Refused:
        try:
            return await desk.submit(request)
        except Refused as error:
            return error

    submitted = await until(answer, lambda one: isinstance(one, Submitted), Deadline(PATIENCE), str)
    assert isinstance(submitted, Submitted)
    return submitted


async def killed(desk: Operator, request: RollbackRequest, point: str) -> str:
    """A run whose executor died at that point."""
    with variables(VQ_CRASH_AT=point):
        run_id = (await asked(desk, request)).run_id

    async def look() -> tuple[str, RunState]:
        return (await desk.executor(run_id)).state, (await desk.run(run_id)).run.state

    await until(look, lambda seen: seen[0] == "dead", Deadline(PATIENCE), str, every=0.02)
    return run_id


async def ended(desk: Operator, submitted: Submitted) -> RunState:
    async def look() -> RunState:
        return (await desk.run(submitted.run_id)).run.state

    return await until(look, lambda state: state.terminal, Deadline(PATIENCE), str, every=0.02)


def verdicts(releases: tuple[Release, ...]) -> dict[str, Verdict]:
    return {one.version: one.verdict for one in releases}


def bad_again(desk: Operator, facts: SandboxFacts) -> None:
    """The stack as it was, its release of before good and 2.4.2 new and broken."""
    stack.mend(facts.directory)
    for one in desk.writer.releases("sandbox", "api"):
        good = {"verdict": Verdict.GOOD, "verdict_at": datetime.now(UTC)}
        desk.writer.save_release(one.model_copy(update=good), lift=True)
    stack.break_(facts.directory, "bad-release")


async def test_on_the_embedded_stack(stack_up: SandboxFacts) -> None:
    request = RollbackRequest(environment="sandbox", service="api")
    async with operator(stack_up.config, "sandbox") as desk:
        for point in EMBEDDED:
            await asyncio.to_thread(bad_again, desk, stack_up)
            first = await killed(desk, request, point)
            again = await asked(desk, request)
            assert (again.run_id, again.created, again.resumed) == (first, False, True), point
            assert await ended(desk, again) is RunState.SUCCEEDED, point
            seen = await asyncio.to_thread(stack.status, stack_up.directory)
            assert seen.version == "2.4.1", point
            assert verdicts(await desk.releases("api"))["2.4.1"] is not Verdict.BAD, point


@pytest.fixture
def shop(project: ComposeProject) -> ComposeProject:
    """One replica of 2.4.1, a candidate; 2.4.0 is good."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed")
    project.write(ALSO_GOOD)
    project.up()
    return project


def remember(desk: Operator, project: ComposeProject) -> None:
    now = datetime.now(UTC)
    for version, verdict, age in ((GOOD, Verdict.GOOD, 1), (ALSO_GOOD, Verdict.CANDIDATE, 0)):
        seen = {"first_seen": now - timedelta(hours=age), "last_seen": now - timedelta(hours=age), "verdict_at": now}
        named: dict[str, Any] = {"environment": "shop", "service": "api", "version": version, "verdict": verdict}
        desk.writer.save_release(Release(**named, **seen, reference=image_of(project, version)))


def image_of(project: ComposeProject, version: str) -> str:
    from tests.docker import images

    return str(project.engine.inspect_image(f"{images.REPOSITORY}:{version}")["Id"])


@pytest.mark.machine("docker")
@pytest.mark.parametrize(
    ("point", "closed"), [("stop", False), ("stop", True), ("remove", True), ("create", True)], ids=str
)
async def test_on_a_real_engine(shop: ComposeProject, point: str, closed: bool) -> None:
    """Asked again the run goes on; with that run closed by hand, another one goes all the way."""
    request = RollbackRequest(environment="shop", service="api")
    async with operator(shop.config, "shop") as desk:
        await asyncio.to_thread(remember, desk, shop)
        first = await killed(desk, request, f"compose.{point}.after")
        if closed:
            await desk.close_run(first, "somebody believed that nothing was done")
        again = await asked(desk, request)
        assert (again.run_id == first, again.resumed) == (not closed, not closed)
        assert await ended(desk, again) is RunState.SUCCEEDED
        assert verdicts(await desk.releases("api")) == {GOOD: Verdict.GOOD, ALSO_GOOD: Verdict.BAD}
    assert await asyncio.to_thread(ask, shop.url + "/health") == GOOD
    running = [one for one in shop.containers() if one["State"]["Running"]]
    assert [one["HostConfig"]["RestartPolicy"]["Name"] for one in running] == ["always"]
    assert not [one for one in shop.containers() if one["State"]["Status"] == "created"]
