"""A release that takes requests and answers none is the very thing to roll back from, not a reason to refuse it."""

import os
import signal
from collections.abc import Iterator

import pytest

from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


@pytest.fixture
def hanging(stack_up: SandboxFacts) -> Iterator[SandboxFacts]:
    """The process that serves users stands still, with every connection open."""
    stack.break_(stack_up.directory, "errors")
    seen = stack.status(stack_up.directory)
    pid = next(one.pid for one in seen.processes if one.name == f"api-{seen.serving}")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield stack_up
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_release_that_hangs_is_rolled_back_from(cli: Cli, hanging: SandboxFacts) -> None:
    said = cli("--config", hanging.config, "rollback", "--last-good", "--yes", "--wait", "--json")
    assert said.code == 0, said
    assert (said.json["state"], said.json["to"]) == ("succeeded", "2.4.1")
    assert stack.status(hanging.directory).version == "2.4.1"
