"""A run that was paused says so wherever it is met, with who paused it and the command that carries on."""

import asyncio
from collections.abc import Iterator

import pytest

from actions.ledger import open_reader
from actions.model.errors import ExitCode
from actions.model.identity import short_id
from actions.model.waiting import Deadline, until
from actions.model.words import RunState
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


def reaches(facts: SandboxFacts, run_id: str, executor: str, state: RunState) -> None:
    async def look() -> tuple[str, RunState]:
        with open_reader(facts.config.parent / "ledger") as reader:
            return reader.executor(run_id).state, reader.run(run_id).state

    asyncio.run(until(look, lambda seen: seen == (executor, state), Deadline(30), str))


@pytest.fixture
def paused(cli: Cli, stack_up: SandboxFacts) -> Iterator[str]:
    """Paused by jo, its executor alive: the one before died early, so that the pause was there before this one."""
    stack.break_(stack_up.directory, "bad-release")
    words = ("--config", stack_up.config)
    run_id = cli(*words, "rollback", "--last-good", "--yes", "--json", VQ_CRASH_AT="3").json["run"]
    reaches(stack_up, run_id, "dead", RunState.RUNNING)
    gone = cli(*words, "runs", "show", run_id).out
    assert f"nobody carries it out; then: vq-tui --config {stack_up.config} runs resume {short_id(run_id)}" in gone
    assert cli(*words, "runs", "pause", run_id, SSH_USER="jo").code == 0
    assert cli(*words, "runs", "resume", run_id).code == 0
    reaches(stack_up, run_id, "alive", RunState.PAUSED)
    yield run_id
    assert cli(*words, "runs", "resume", run_id, "--wait", "--json").json["state"] == "succeeded"


def test_it_is_shown_as_paused_and_not_as_left(cli: Cli, stack_up: SandboxFacts, paused: str) -> None:
    shown = cli("--config", stack_up.config, "runs", "show", paused).out
    on = f"vq-tui --config {stack_up.config} runs resume {short_id(paused)} carries on"
    assert f"  paused by jo; {on}" in shown
    assert "executor  alive" in shown
    assert "nobody" not in shown


def test_a_rollback_that_is_attached_to_it_says_so(cli: Cli, stack_up: SandboxFacts, paused: str) -> None:
    said = cli("--config", stack_up.config, "rollback", "--last-good", "--yes")
    assert said.code == ExitCode.NEEDS_OPERATOR, said
    assert f"paused by jo; vq-tui --config {stack_up.config} runs resume {short_id(paused)}" in said.out
    assert "is under way" not in said.out
