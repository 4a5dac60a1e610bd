"""An emergency on a host without processor time: asked for while hogs and onlookers take it all, it is carried out."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from benchmarks.hogs import hogs
from tests.commands.test_rollback_command import roll_back
from tests.conftest import Cli
from tests.desk.test_desk import operator_of

HOGS_A_CORE = 2
LONGEST_SECONDS = 120
PATIENCE_SECONDS = 400
"""Longest until a command has to end; the test waits for its outcome, whatever the host is busy with besides."""


@asynccontextmanager
async def looking_on(cli: Cli, facts: SandboxFacts) -> AsyncIterator[None]:
    """A console's desk that follows health, and a loop of `status`, as long as the block lasts."""
    over = asyncio.Event()

    async def asking() -> None:
        while not over.is_set():
            await asyncio.to_thread(cli, "--config", facts.config, "status", "--json", timeout=PATIENCE_SECONDS)

    async def following() -> None:
        async with operator_of(facts) as desk:
            async for _ in desk.snapshots():
                if over.is_set():
                    return

    tasks = [asyncio.create_task(work()) for work in (asking, following)]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*tasks)


@pytest.mark.timeout(900)
async def test_an_emergency_is_carried_out_on_a_busy_host(cli: Cli, stack_up: SandboxFacts) -> None:
    await asyncio.to_thread(stack.break_, stack_up.directory, "bad-release")
    with hogs(HOGS_A_CORE * (os.cpu_count() or 1), LONGEST_SECONDS):
        async with looking_on(cli, stack_up):
            said = await asyncio.to_thread(roll_back, cli, stack_up, "--wait", timeout=PATIENCE_SECONDS)
    assert said.code == 0, (said.out, said.err)
    assert (said.json["state"], said.json["to"]) == ("succeeded", "2.4.1")
    assert (await asyncio.to_thread(stack.status, stack_up.directory)).version == "2.4.1"
