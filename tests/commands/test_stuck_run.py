"""A run that waits for a person: told to go on with --wait, it is waited for, and judged by what then became of it."""

import asyncio
from pathlib import Path

import pytest

from actions.ledger import open_reader
from actions.model.errors import ExitCode
from actions.model.waiting import Deadline, until
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


class Stuck:
    """A run whose executor was killed half way, and whose configuration no executor can read until it is `mended`."""

    def __init__(self, cli: Cli, facts: SandboxFacts, run_id: str) -> None:
        self.cli, self.facts, self.run_id = cli, facts, run_id
        self.good = facts.config.read_text()
        self.mine = facts.config.with_name("mine.toml")
        self.mine.write_text(self.good)
        self.mine.chmod(0o600)
        facts.config.write_text("[environments.sandbox]\nno_such_key = 1\n")

    def mend(self) -> None:
        self.facts.config.write_text(self.good)

    def tell(self, *words: str) -> tuple[int, str]:
        said = self.cli("--config", self.mine, "runs", words[0], self.run_id, *words[1:], "--wait", "--json")
        return said.code, said.json["state"]


@pytest.fixture
def stuck(cli: Cli, stack_up: SandboxFacts) -> Stuck:
    stack.break_(stack_up.directory, "bad-release")
    words = ("--config", stack_up.config, "rollback", "--last-good", "--yes", "--json")
    run_id = cli(*words, VQ_CRASH_AT="router.after-switch").json["run"]
    ledger: Path = stack_up.config.parent / "ledger"

    async def look() -> str:
        with open_reader(ledger) as reader:
            return reader.executor(run_id).state

    asyncio.run(until(look, lambda seen: seen == "dead", Deadline(30), str))
    found = Stuck(cli, stack_up, run_id)
    assert found.tell("resume") == (ExitCode.NEEDS_OPERATOR, "needs-operator")
    return found


def test_the_report_says_what_it_failed_of(stuck: Stuck) -> None:
    """No step failed: its executor found a configuration that it could not read."""
    failure = stuck.cli("--config", stuck.mine, "runs", "show", stuck.run_id, "--json").json["failure"]
    assert failure["step"] is None and "no_such_key" in failure["text"]
    assert failure["text"] in stuck.cli("--config", stuck.mine, "runs", "show", stuck.run_id).out


def test_resume_waits_for_the_verdict(stuck: Stuck) -> None:
    stuck.mend()
    assert stuck.tell("resume") == (0, "succeeded")
    assert stack.status(stuck.facts.directory).version == "2.4.1"


def test_status_check_is_not_well_while_a_run_waits(stuck: Stuck) -> None:
    said = stuck.cli("--config", stuck.mine, "status", "--check", "--json")
    assert said.code == ExitCode.FAILED
    assert any("needs a person" in one for one in said.json["problems"])
    assert said.json["active"]["run"] == stuck.run_id
    assert said.json["last"] is None, "the run under way is not the last one as well"


def test_back_out_waits_until_all_is_undone(stuck: Stuck) -> None:
    stuck.mend()
    assert stuck.tell("back-out") == (ExitCode.FAILED, "undone")
    assert stack.status(stuck.facts.directory).version == "2.4.2"


def test_an_executor_that_comes_and_goes_again_is_told_at_once(stuck: Stuck) -> None:
    assert stuck.tell("resume") == (ExitCode.NEEDS_OPERATOR, "needs-operator")
    with open_reader(stuck.facts.config.parent / "ledger") as reader:
        locks = [event for event in reader.events(stuck.run_id) if event.kind == "lock-acquired"]
    assert len(locks) == 3, "the second resume was waited for as well"


def test_a_run_that_nobody_carries_out_is_not_waited_for_for_ever(cli: Cli, stack_up: SandboxFacts) -> None:
    stack.break_(stack_up.directory, "bad-release")
    words = ("--config", stack_up.config, "rollback", "--last-good", "--yes", "--wait")
    said = cli(*words, VQ_CRASH_AT="router.after-switch")
    assert said.code == ExitCode.NEEDS_OPERATOR
    assert f"nobody carries it out; then: vq-tui --config {stack_up.config} runs resume" in said.out
