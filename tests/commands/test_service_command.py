"""One service in full from the command line: the same as on its page in the console."""

from actions.model.errors import ExitCode
from actions.sandbox.facts import SandboxFacts
from tests.conftest import Cli


def test_a_service_with_its_instances_figures_and_log(cli: Cli, stack_up: SandboxFacts) -> None:
    said = cli("--config", stack_up.config, "service", "api", "--logs", "5", "--json")
    assert said.code == 0, said
    found = said.json
    assert found["health"]["state"] in ("ok", "degraded")
    assert {"latency", "error rate"} <= {one["name"] for one in found["health"]["figures"]}
    slots = {one["slot"]: one for one in found["slots"]}
    serving = next(one for one in slots.values() if one["share"] == 1.0)
    assert serving["facts"]["instances"][0]["version"] == "2.4.1"
    assert found["log_counts"]["unread"] == []
    assert found["log"]["slot"] == serving["slot"], "the log is that of the instance that serves"
    assert found["log"]["error"] == ""
    written = cli("--config", stack_up.config, "service", "postgres", "--logs", "5", "--json").json
    assert 0 < len(written["log"]["lines"]) <= 5

    standby = next(one for one in slots.values() if one["share"] == 0.0)
    one = standby["facts"]["instances"][0]["id"]
    other = cli("--config", stack_up.config, "service", "api", "--instance", one, "--json").json
    assert (other["log"]["slot"], other["log"]["instance"]) == (standby["slot"], one)


def test_the_same_for_people(cli: Cli, stack_up: SandboxFacts) -> None:
    said = cli("--config", stack_up.config, "service", "api", "--logs", "3")
    assert said.code == 0, said
    for words in ("INSTANCES", "100 %", "2.4.1", "FIGURES", "latency", "limit", "LOG  error "):
        assert words in said.out, words


def test_a_service_without_instances_has_figures_and_no_log(cli: Cli, stack_up: SandboxFacts) -> None:
    found = cli("--config", stack_up.config, "service", "host", "--json").json
    assert found["health"]["figures"]
    assert (found["slots"], found["log"]) == ([], None)


def test_status_knows_the_same_names(cli: Cli, stack_up: SandboxFacts) -> None:
    every = [one["service"] for one in cli("--config", stack_up.config, "status", "--json").json["services"]]
    assert {"api", "queues", "router"} <= set(every)
    one = cli("--config", stack_up.config, "status", "--service", "queues", "--json")
    assert one.code == 0, one
    assert [found["service"] for found in one.json["services"]] == ["queues"]
    told = {cli("--config", stack_up.config, *words, "foo").line for words in (["service"], ["status", "--service"])}
    assert len(told) == 1, told
    assert told.pop().endswith(f"there are: {', '.join(every)}")


def test_what_is_not_there_is_named_with_what_is(cli: Cli, stack_up: SandboxFacts) -> None:
    for words, known in ((("nothing",), "api"), (("api", "--instance", "nobody"), "there are:")):
        said = cli("--config", stack_up.config, "service", *words, "--json")
        assert said.code == ExitCode.UNKNOWN_NAME, said
        assert known in said.json["error"]["message"]
