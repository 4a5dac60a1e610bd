"""`status`, and what `--check` calls well."""

from actions.model.errors import ExitCode
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


def test_check_wants_a_way_back_as_well(cli: Cli, stack_up: SandboxFacts) -> None:
    """All services are well, and none of their releases is known to be good any more: a new ledger."""
    text = stack_up.config.read_text()
    ledger = str(stack_up.config.parent / "ledger")
    stack_up.config.write_text(text.replace(ledger, f"{ledger}-new"))
    said = cli("--config", stack_up.config, "status", "--check", "--json")
    assert said.code == ExitCode.FAILED
    assert "rollback readiness of api fail" in said.json["problems"]
    assert said.json["ok"] is False


def test_what_is_wrong_is_said_once(cli: Cli, stack_up: SandboxFacts) -> None:
    stack.break_(stack_up.directory, "dead-redis")
    [redis] = [line for line in cli("--config", stack_up.config, "status").out.split("\n") if " redis " in line]
    words = redis.split("  ")
    assert len([one for one in words if one.strip()]) == len({one.strip() for one in words if one.strip()}), redis
    assert "down" in redis


def test_a_run_has_one_form_everywhere(cli: Cli, stack_up: SandboxFacts) -> None:
    stack.break_(stack_up.directory, "bad-release")
    run = cli("--config", stack_up.config, "rollback", "--last-good", "--yes", "--wait", "--json").json
    listed = cli("--config", stack_up.config, "runs", "--json").json["runs"][0]
    last = cli("--config", stack_up.config, "status", "--json").json["last"]
    assert listed == last
    assert {name: run[name] for name in listed} == listed
    assert (listed["run"], listed["from"], listed["to"]) == (run["run"], "2.4.2", "2.4.1")


def test_a_reason_with_control_bytes_reaches_no_terminal(cli: Cli, stack_up: SandboxFacts) -> None:
    words = ("rollback", "--plan", "--reason", "errors \x1b]0;owned\x07 and \x1b[2J more")
    said = cli("--config", stack_up.config, *words)
    assert said.code == 0, said
    assert "errors" in said.out
    assert not {"\x1b", "\x07"} & set(said.out)
    assert "\x1b" not in cli("--config", stack_up.config, *words, "--json").json["plan"]["reason"]
