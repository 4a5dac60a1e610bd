"""Twenty who ask for the same rollback at once get one run; all the others are attached to it."""

import asyncio
from contextlib import AsyncExitStack

from actions.model.plan import RollbackRequest
from actions.model.words import RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.commands.test_rollback_command import roll_back
from tests.conftest import Cli
from tests.desk.test_desk import ended, operator_of

REQUEST = RollbackRequest(environment="sandbox", service="api", reason="errors")
CONSOLES, EACH, COMMANDS = 4, 5, 3


async def test_twenty_at_once_are_one_run(stack_up: SandboxFacts) -> None:
    await asyncio.to_thread(stack.break_, stack_up.directory, "bad-release")
    async with AsyncExitStack() as opened:
        desks = [await opened.enter_async_context(operator_of(stack_up)) for _ in range(CONSOLES)]
        asked = await asyncio.gather(*(desk.submit(REQUEST) for desk in desks for _ in range(EACH)))
        assert len({one.run_id for one in asked}) == 1
        assert [one.created for one in asked].count(True) == 1 and len(asked) == 20
        assert await ended(desks[0], asked[0].run_id) is RunState.SUCCEEDED
        late = await desks[-1].submit(REQUEST)
        assert (late.run_id, late.created) == (asked[0].run_id, False)


async def test_processes_that_ask_at_once_are_one_run(cli: Cli, stack_up: SandboxFacts) -> None:
    await asyncio.to_thread(stack.break_, stack_up.directory, "bad-release")
    asking = (asyncio.to_thread(roll_back, cli, stack_up, "--wait") for _ in range(COMMANDS))
    asked = [one.json for one in await asyncio.gather(*asking)]
    assert len({one["run"] for one in asked}) == 1, asked
    assert [one["created"] for one in asked].count(True) == 1
    assert {one["state"] for one in asked} == {"succeeded"}
