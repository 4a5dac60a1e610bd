"""What was asked for ends somewhere else than where it was asked: behind another page, after leaving, with an error."""

import asyncio

import pytest

from actions.model.errors import Refused, VqError
from actions.model.record import Submitted
from screens.drill import DrillPage
from screens.run import RunPage
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open


async def asked(running: Console) -> asyncio.Event:
    """The challenge key was pressed; the answer comes once the event is set."""
    go = asyncio.Event()
    submit = running.desk.submit  # type: ignore[attr-defined]

    async def slow(*given: object) -> Submitted:
        await go.wait()
        answer: Submitted = await submit(*given)
        return answer

    running.desk.submit = slow  # type: ignore[attr-defined]
    await running.press("R")
    await running.shows("to roll back production")
    await running.press(running.challenge.key)
    await running.shows("asked for; waiting")
    assert "look again" not in running.text, "that would hide what is waited for, and ask anew"
    return go


async def test_a_refusal_after_leaving_is_said_where_one_is(console: Open, world: World) -> None:
    world.submitted = Refused("precondition failed: green is not warm")
    async with console() as running:
        go = await asked(running)
        await running.press("escape")
        await running.shows("HEALTH")
        go.set()
        await running.shows("the rollback was NOT started: precondition failed: green is not warm")


async def test_a_refusal_behind_help_is_said_on_help_and_stands_below_it(console: Open, world: World) -> None:
    world.submitted = Refused("precondition failed: green is not warm")
    async with console() as running:
        go = await asked(running)
        await running.press("question_mark")
        await running.shows("keys of rollback")
        go.set()
        await running.shows("the rollback was NOT started: precondition failed: green is not warm", "keys of rollback")
        await running.press("escape")
        await running.shows("✗ precondition failed: green is not warm", "looks again and asks anew")


async def test_a_start_after_leaving_is_said_with_the_key_that_attaches(console: Open) -> None:
    async with console() as running:
        go = await asked(running)
        await running.press("escape")
        await running.shows("HEALTH")
        go.set()
        await running.shows("the rollback has started; g attaches to run")
        await running.shows("g attach")
        await running.press("g")
        await running.shows("executor 4121")


async def test_a_start_behind_another_page_takes_no_page_away_and_one_step_back_is_the_run(console: Open) -> None:
    async with console() as running:
        go = await asked(running)
        await running.press("f")
        await running.shows("plan: roll back api")
        go.set()
        await running.shows("the rollback has started; g attaches to run", "plan: roll back api")
        await running.press("escape")
        await running.until(lambda: isinstance(running.app.page, RunPage))
        await running.press("escape")
        await running.shows("HEALTH")


async def test_an_error_of_another_kind_ends_the_waiting_and_claims_nothing(console: Open) -> None:
    async with console() as running:

        async def full(*_: object) -> Submitted:
            raise OSError(28, "No space left on device", "/ledger/runs/X")

        running.desk.submit = full  # type: ignore[attr-defined]
        await running.press("R")
        await running.shows("to roll back production")
        await running.press(running.challenge.key)
        await running.shows("[Errno 28] No space", "whether a run was recorded is not known", "u looks again")
        assert "waiting for the run" not in running.text and "NOT started" not in running.text
        await running.press("u")
        await running.shows("to roll back production")
        assert running.challenge.key


@pytest.mark.parametrize("failure", [Refused("it has ended"), OSError("it has ended")])
async def test_what_failed_is_said_on_the_page_that_is_seen(console: Open, world: World, failure: Exception) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g")
        await running.shows("executor 4121")
        go = asyncio.Event()

        async def slow(*_: object) -> None:
            await go.wait()
            raise failure

        running.desk.command = slow  # type: ignore[attr-defined]
        await running.press("p", "question_mark")
        await running.shows("keys of run")
        go.set()
        await running.shows(
            "keys of run", "it has ended" if isinstance(failure, VqError) else "an error of this console"
        )


async def test_a_drill_that_begins_leaves_alone_the_page_that_was_opened_meanwhile(console: Open, world: World) -> None:
    world.drills = ()
    async with console() as running:
        go, start = asyncio.Event(), running.desk.start_drill  # type: ignore[attr-defined]

        async def slow(scenario: str) -> object:
            await go.wait()
            return await start(scenario)

        running.desk.start_drill = slow  # type: ignore[attr-defined]
        await running.press("D", "s")
        await running.press(running.challenge.key, "R")
        await running.shows("to roll back production")
        go.set()
        await running.shows("drill bad-release has begun", "D shows the clock", "to roll back production")
        await running.press("escape")
        await running.until(lambda: isinstance(running.app.page, DrillPage))
        await running.shows("CLOCK")
