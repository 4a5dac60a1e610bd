"""An emergency asked for twice: what was begun goes on, and nothing healthy is gone back from."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actions.desk.again import before, goes_on, just_brought, meanwhile
from actions.ledger import open_writer
from actions.ledger.locks import lock_path, locked
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Refused, Unreachable
from actions.model.health import ServiceHealth
from actions.model.run import UNDECIDED, EventKind
from actions.model.waiting import Deadline, until
from actions.model.way_back import RollbackFacts
from actions.model.words import HealthState, RunState, Verdict
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.commands.test_rollback_command import executor_ends, ledger_of, roll_back
from tests.conftest import Cli
from tests.ledger.plans import make_plan
from tests.releases.making import HEALTHY, ILL, facts, release, request, slot, traffic


class Desk:
    """As much of a desk as it takes to judge a request: a ledger, and the health that is seen in the end."""

    def __init__(self, directory: Path) -> None:
        self.writer: LedgerWriter = open_writer(directory)
        self.environment_name = "production"
        self.health: ServiceHealth | None = None
        self.watching = SimpleNamespace(first_snapshot=self._snapshot)

    async def _snapshot(self, *, complete: bool) -> Any:
        if self.health is None:
            raise Unreachable("nothing came in")
        return SimpleNamespace(service=lambda name: self.health)

    def brought(self, state: RunState | None, *, undecided: bool = False) -> str:
        """A rollback to 2.4.0 that ended just now; with None its executor died."""
        plan = make_plan(environment="production", target="production", to_version="2.4.0", to_reference="ref:2.4.0")
        asked = request(service="api")
        run = self.writer.submit(plan, asked, operator="mira", origin="here", config_path=Path("/none")).run_id
        with locked(lock_path(self.writer.directory, "production")):
            fence = self.writer.acquire(run, actor="executor")
            self.writer.transition(run, RunState.RUNNING, fence=fence, actor="executor")
            if undecided:
                body = {"text": "neither side answers", UNDECIDED: True}
                self.writer.append(run, EventKind.NOTE, body=body, fence=fence, actor="executor")
            if state is not None:
                self.writer.finish(run, state, fence=fence, actor="executor")
        return run


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "ledger")
    yield made
    made.writer.close()


def world(health: ServiceHealth = HEALTHY, *, ago: float = 30.0, serving: str = "2.4.0") -> RollbackFacts:
    at = datetime.now(UTC) + timedelta(seconds=ago)
    return facts(
        slot("blue", serving, "2.3.9"),
        slot("green", "2.3.9"),
        releases=(release("2.4.0"), release("2.3.9", days=9)),
        shares=traffic(blue=1.0, green=0.0),
        health=health,
        at=at,
    )


async def judged(desk: Desk, seen: RollbackFacts, to: str | None = None) -> str:
    """The run that answers a request whose plan nobody saw; empty when one of its own may go."""
    run = await just_brought(desk, request(to), seen)  # type: ignore[arg-type]
    return run.id if run is not None else ""


async def test_what_a_rollback_just_brought_is_not_left_without_a_fault(desk: Desk) -> None:
    run = desk.brought(RunState.SUCCEEDED)
    assert await judged(desk, world()) == run


async def test_it_is_left_by_name_with_a_fault_or_later(desk: Desk) -> None:
    desk.brought(RunState.SUCCEEDED)
    assert await judged(desk, world(), to="2.3.9") == ""
    assert await judged(desk, world(ILL)) == ""
    assert await judged(desk, world(ago=61)) == ""
    assert await judged(desk, world(serving="2.4.9")) == "", "another release was deployed since"


async def test_a_few_slow_answers_are_no_reason_to_leave_what_was_just_proved(desk: Desk) -> None:
    run = desk.brought(RunState.SUCCEEDED)
    slow = HEALTHY.model_copy(update={"state": HealthState.DEGRADED, "word": "slow", "latency_ms": 700.0})
    assert await judged(desk, world(slow)) == run


async def test_what_hangs_is_waited_for_before_it_is_called_well(desk: Desk) -> None:
    desk.brought(RunState.SUCCEEDED)
    unknown = HEALTHY.model_copy(update={"state": HealthState.UNKNOWN, "word": "unknown"})
    assert await judged(desk, world(unknown)) != ""
    desk.health = HEALTHY.model_copy(update={"state": HealthState.DOWN, "word": "down"})
    assert await judged(desk, world(unknown)) == ""


async def test_a_rollback_that_was_undone_has_brought_nothing(desk: Desk) -> None:
    desk.brought(RunState.FAILED)
    assert await judged(desk, world()) == ""


async def test_what_a_run_that_nobody_carries_out_brought_is_not_left_either(desk: Desk) -> None:
    run = desk.brought(None)
    with pytest.raises(Refused, match=f"'vq-tui runs resume {run[-6:]}'"):
        await judged(desk, world())


async def test_asked_again_after_a_crash_the_same_run_goes_on_and_nothing_healthy_is_left(
    cli: Cli, stack_up: SandboxFacts
) -> None:
    """The executor dies right after the switch; the emergency is asked for again, and then once more."""
    await asyncio.to_thread(stack.break_, stack_up.directory, "bad-release")
    first = roll_back(cli, stack_up, VQ_CRASH_AT="router.after-switch").json
    assert await executor_ends(stack_up, first["run"]) == "dead"
    again = roll_back(cli, stack_up, "--wait")
    assert again.code == 0, again
    assert f"run {first['run'][-6:]} had lost its executor: it goes on" in again.err
    found = again.json
    assert (found["run"], found["state"], found["created"], found["resumed"]) == (
        first["run"],
        "succeeded",
        False,
        True,
    )

    more = roll_back(cli, stack_up, "--wait")
    assert more.code == 0 and (more.json["run"], more.json["to"]) == (first["run"], "2.4.1"), more
    assert (more.json["created"], more.json["brought"]) == (False, True)
    assert "nothing is wrong with it" in more.err and "(--to VERSION)" in more.err
    with open_writer(ledger_of(stack_up)) as ledger:
        verdicts = {one.version: one.verdict for one in ledger.releases("sandbox", "api")}
    assert verdicts["2.4.1"] is Verdict.GOOD and verdicts["2.4.2"] is Verdict.BAD

    async def serves() -> str | None:
        return (await asyncio.to_thread(stack.status, stack_up.directory)).version

    await until(serves, lambda seen: seen == "2.4.1", Deadline(10), str)


async def test_a_run_that_waits_for_a_person_is_taken_over_by_proving_what_it_brought(desk: Desk) -> None:
    run = desk.brought(RunState.NEEDS_OPERATOR)
    assert await judged(desk, world()) == run


@pytest.mark.parametrize("to", [None, "2.4.0", "ref:2.4.0"])
async def test_an_undecided_run_goes_on_when_the_same_is_asked_for_again(desk: Desk, to: str | None) -> None:
    """It stopped because neither side answered: no request is refused because of it."""
    run = desk.brought(RunState.NEEDS_OPERATOR, undecided=True)
    found = await before(desk, request(to, service="api"))  # type: ignore[arg-type]
    assert found is not None and found[0].id == run
    assert goes_on(desk, found[0])  # type: ignore[arg-type]
    assert await before(desk, request("2.3.9", service="api")) is None  # type: ignore[arg-type]


async def test_a_run_that_needs_a_person_for_another_reason_is_not_gone_on_with(desk: Desk) -> None:
    desk.brought(RunState.NEEDS_OPERATOR)
    assert await before(desk, request(service="api")) is None  # type: ignore[arg-type]


async def test_a_run_that_others_made_while_this_one_was_planned_answers_it(desk: Desk) -> None:
    since = datetime.now(UTC)
    run = desk.brought(RunState.SUCCEEDED)
    asked = request(service="api").model_copy(update={"environment": "production"})
    found = await meanwhile(desk, asked, since)  # type: ignore[arg-type]
    assert found is not None and found.id == run
    assert await meanwhile(desk, asked, datetime.now(UTC)) is None  # type: ignore[arg-type]
    assert await meanwhile(desk, asked.model_copy(update={"to": "2.3.9"}), since) is None  # type: ignore[arg-type]
