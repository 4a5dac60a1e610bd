"""A rehearsal by hand from the command line: how it goes on and how it is closed are said at its begin."""

from actions.model.errors import ExitCode
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


def test_what_comes_next_is_said_and_an_end_needs_a_begin(cli: Cli, stack_up: SandboxFacts) -> None:
    words = ("--config", stack_up.config, "drill", "bad-release")
    none = cli(*words, "--end", "--json")
    assert none.code == ExitCode.REFUSED, none
    assert "bad-release" in none.json["error"]["message"]

    begun = cli(*words)
    assert begun.code == 0, begun
    program = f"vq-tui --config {stack_up.config}"
    assert f"{program} rollback --last-good" in begun.out
    assert f"{program} drill bad-release --end" in begun.out
    ended = cli(*words, "--end", "--json")
    assert ended.code == ExitCode.FAILED, "nobody acted"
    assert ended.json["drill"]["ended_at"]
