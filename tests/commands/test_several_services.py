"""Several services that can go back: nothing is guessed, each is named, and health is shown all the same."""

import tomllib
from pathlib import Path

import pytest

from actions.model.errors import ExitCode
from actions.sandbox.config_file import _toml
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


@pytest.fixture
def two(stack_up: SandboxFacts) -> Path:
    """The stack's configuration with `api` a second time, as `web`."""
    data = tomllib.loads(stack_up.config.read_text())
    services = data["environments"]["sandbox"]["services"]
    services["web"] = services["api"]
    stack_up.config.write_text(_toml(data))
    return stack_up.config


def test_status_shows_health_and_the_way_back_of_each(cli: Cli, two: Path) -> None:
    said = cli("--config", two, "status", "--json")
    assert said.code == 0, said
    assert {"api", "web", "postgres", "redis", "host"} <= {one["service"] for one in said.json["services"]}
    assert said.json["readiness"] is None
    assert "ways_back" in said.json["readiness_note"]
    assert {one["service"]: one["gate"] for one in said.json["ways_back"]}["api"] == "pass"
    assert [one["service"] for one in said.json["ways_back"]] == ["api", "web"]
    lines = cli("--config", two, "status").out
    assert "ROLLBACK READINESS of api: READY to 2.4.0" in lines
    assert "ROLLBACK READINESS of web: NOT READY" in lines
    assert "RUNNING  nothing" in lines


def test_status_of_one_service_is_about_that_one(cli: Cli, two: Path) -> None:
    said = cli("--config", two, "status", "--service", "api", "--json")
    assert said.code == 0, said
    assert {one["service"] for one in said.json["services"]} == {"api", "api queues", "api router"}
    assert said.json["readiness"]["service"] == "api"
    assert said.json["readiness_note"] == ""
    unknown = cli("--config", two, "status", "--service", "nothing", "--json")
    assert unknown.code == ExitCode.UNKNOWN_NAME
    assert "api" in unknown.json["error"]["message"]


def test_readiness_is_of_all_of_them_or_of_the_one_that_is_named(cli: Cli, two: Path) -> None:
    every = cli("--config", two, "readiness", "--check", "--json")
    assert every.code == ExitCode.FAILED, "web has no release to go back to"
    assert (every.json["service"], every.json["gate"], every.json["ready"]) == (None, "fail", False)
    assert [(one["service"], one["ready"]) for one in every.json["services"]] == [("api", True), ("web", False)]
    one = cli("--config", two, "readiness", "--service", "api", "--check", "--json")
    assert (one.code, one.json["service"], one.json["ready"]) == (0, "api", True)


def test_a_rollback_without_a_name_says_which_there_are_and_touches_nothing(cli: Cli, two: Path) -> None:
    said = cli("--config", two, "rollback", "--last-good", "--yes", "--json")
    assert said.code == ExitCode.UNKNOWN_NAME
    assert "name one: api, web" in said.json["error"]["message"]
    assert cli("--config", two, "runs", "--json").json["total"] == 0
    planned = cli("--config", two, "rollback", "--plan", "--service", "api", "--json")
    assert (planned.code, planned.json["plan"]["service"]) == (0, "api")
