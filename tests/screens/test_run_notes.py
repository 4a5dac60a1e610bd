"""The line above the keys of a run names what leads on, by keys that work in this session."""

import pytest

from actions.model.run import EventKind, Executor
from actions.model.words import RunState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open

STALE = "the plan is stale: blue moved"


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.UNDONE, RunState.ABORTED])
async def test_a_run_that_did_not_get_there_says_what_can_be_done_next(
    console: Open, world: World, state: RunState
) -> None:
    failed = facts.event(20, 6.2, EventKind.FAILED, 2, error=STALE)
    world.show(facts.run_view(state, (failed,), ended_at=facts.NOW, seconds=7.0))
    async with console(keys={"list.open": "f9"}) as running:
        running.app.open("screens.run:RunPage", facts.RUN)
        await running.shows(f"{state.value}; R looks again and plans anew, f9 shows all of this run", STALE)
        await running.press("R")
        await running.shows("to roll back production")


async def test_a_run_that_is_over_is_not_told_as_having_no_record(console: Open, world: World) -> None:
    world.runs = ()
    world.show(facts.ended_view())
    async with console() as running:
        running.app.open("screens.run:RunPage", facts.RUN)
        await running.shows("succeeded in 11 s", "no other run like it on record")


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_read_only_session_is_told_no_key_that_does_nothing_there(
    console: Open, world: World, read_only: bool
) -> None:
    world.show(facts.run_view())
    world.executor = Executor(state="dead", pid=4121)
    async with console(read_only=read_only) as running:
        await running.press("g")
        await running.shows("its executor is dead")
        assert ("c carries on" in running.text) is not read_only
