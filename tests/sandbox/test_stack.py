"""The embedded stack as a stranger meets it."""

import asyncio
import os
import shutil
import signal
import tomllib
import urllib.request
import uuid
from typing import Any

import psycopg
import pytest

from actions.clients.router import RouterWriter
from actions.clients.supervisor import SupervisorReader
from actions.model.environment import Settings
from actions.model.errors import UnknownNameError
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from actions.sandbox.layout import Layout
from tests.sandbox.conftest import ask, process, processes_of, wait_for


def test_it_is_up_with_one_colour_serving_and_one_warm(sandbox: SandboxFacts) -> None:
    assert (sandbox.serving, sandbox.version, sandbox.standby, sandbox.standby_version) == (
        "blue",
        "2.4.1",
        "green",
        "2.4.0",
    )
    for url, version, colour in (
        (sandbox.url, "2.4.1", "blue"),
        (sandbox.colours["blue"], "2.4.1", "blue"),
        (sandbox.colours["green"], "2.4.0", "green"),
    ):
        for path in ("/health", "/health/ready", "/health/live"):
            code, body, headers = ask(url + path)
            assert (code, body["status"], body["version"], body["colour"]) == (200, "ok", version, colour)
            assert (headers["x-version"], headers["x-colour"]) == (version, colour)
    status = stack.status(sandbox.directory)
    assert (status.state, status.version, status.faults) == ("up", "2.4.1", ())


def test_up_again_changes_nothing(sandbox: SandboxFacts) -> None:
    before = {one.name: one.pid for one in stack.status(sandbox.directory).processes}
    again = stack.up(sandbox.directory)
    assert not again.started and again.ports == sandbox.ports
    assert {one.name: one.pid for one in stack.status(sandbox.directory).processes} == before


def test_joining_and_serving_a_queue(sandbox: SandboxFacts) -> None:
    name = f"q-{uuid.uuid4().hex[:8]}"
    assert ask(f"{sandbox.url}/api/queues", {"name": name})[:2][0] == 201
    positions = []
    for user in ("ada", "ben"):
        code, body, _ = ask(f"{sandbox.url}/api/sessions", {"action": "join", "queue": name, "user": user})
        assert code == 201
        positions.append((body["ticket"], body["position"]))
    assert positions == [(1, 1), (2, 2)]
    assert ask(f"{sandbox.url}/api/sessions", {"action": "serve", "queue": name})[1]["session"]["ticket"] == 1
    row = next(one for one in ask(f"{sandbox.url}/api/queues")[1]["queues"] if one["name"] == name)
    assert (row["length"], row["tickets"], row["served"]) == (1, 2, 1)
    ask(f"{sandbox.url}/api/sessions", {"action": "serve", "queue": name})
    assert ask(f"{sandbox.url}/api/sessions", {"action": "serve", "queue": name})[1]["session"] is None


def test_a_token_seen_before_changes_nothing(sandbox: SandboxFacts) -> None:
    join = {"action": "join", "queue": "tax", "user": "ada", "token": uuid.uuid4().hex}
    assert "ticket" in ask(f"{sandbox.url}/api/sessions", join)[1]
    assert ask(f"{sandbox.url}/api/sessions", join)[1]["repeated"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "join", "queue": "nowhere", "user": "ada"}, 404),
        ({"action": "serve", "queue": "nowhere"}, 404),
        ({"action": "dance", "queue": "tax"}, 422),
        ({"action": "join", "queue": "tax", "user": "\x1b[31m"}, 422),
        ({"queue": "tax"}, 422),
    ],
)
def test_a_wrong_request_is_told_so_with_version_and_colour(
    sandbox: SandboxFacts, body: dict[str, str], code: int
) -> None:
    found, answer, headers = ask(f"{sandbox.url}/api/sessions", body)
    assert found == code and answer["error"] and headers["x-version"] == "2.4.1"


def test_metrics_are_prometheus_text(sandbox: SandboxFacts) -> None:
    with urllib.request.urlopen(f"{sandbox.url}/metrics") as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines())
    assert lines['vq_build_info{version="2.4.1",colour="blue"}'] == "1"
    assert float(lines["process_resident_memory_bytes"]) > 1e6 and float(lines["vq_queues"]) >= 8


def test_the_monitoring_role_reads_and_cannot_write(sandbox: SandboxFacts) -> None:
    password = sandbox.passwords["vq_monitor"].read_text().strip()
    with psycopg.connect(sandbox.postgres, password=password, autocommit=True) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        assert tables is not None and tables[0] >= 5
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("insert into queues (name) values ('x')")


def test_everything_is_private_and_no_secret_is_on_a_command_line_or_in_the_configuration(
    sandbox: SandboxFacts,
) -> None:
    layout = Layout(sandbox.directory)
    assert sandbox.directory.stat().st_mode & 0o777 == 0o700
    secrets = [path.read_text().strip() for path in sandbox.passwords.values()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in sandbox.directory.rglob("*") if path.is_file())
    exposed = [sandbox.config.read_text(), *processes_of(sandbox.directory)]
    exposed += [path.read_text(errors="replace") for path in layout.logs.iterdir()]
    exposed += [path.read_text() for path in (sandbox.directory / "specs").iterdir()]
    assert not [text for text in exposed for secret in secrets if secret in text]


def test_the_configuration_is_ready_to_use(sandbox: SandboxFacts) -> None:
    settings = Settings.model_validate(tomllib.loads(sandbox.config.read_text()))
    environment = settings.environments["sandbox"]
    assert environment.sandbox == sandbox.directory and set(environment.services) >= {"api", "postgres", "redis"}


def test_notices_are_captured(sandbox: SandboxFacts) -> None:
    assert ask(sandbox.notices, {"text": "rolled back"})[0] == 200
    assert ask(f"{sandbox.traffic}/notices")[1]["notices"][-1]["body"] == {"text": "rolled back"}
    assert "rolled back" in (sandbox.directory / "notices.jsonl").read_text()


def test_switching_under_traffic_loses_no_request_and_no_write(sandbox: SandboxFacts) -> None:
    def traffic() -> Any:
        return ask(f"{sandbox.traffic}/state?since={since}")[1]

    async def flip(colour: str) -> None:
        router = RouterWriter(sandbox.admin)
        state = await router.state()
        await router.switch({colour: 1.0}, generation=uuid.uuid4().hex, expected=state.generation)

    since = ask(f"{sandbox.traffic}/state")[1]["until"]
    for number, colour in enumerate(("green", "blue") * 3, start=1):
        asyncio.run(flip(colour))
        wait_for(traffic, lambda state, sent=15 * number: state["requests"] >= sent)
    state = traffic()
    assert state["failed"] == 0 and state["downtime"]["total_seconds"] == 0 and set(state["versions"]) >= {"2.4.0"}
    audit = ask(f"{sandbox.traffic}/audit")[1]
    assert audit["acknowledged_writes"] > 0 and audit["lost_writes"] == 0


def test_a_lost_write_is_found(sandbox: SandboxFacts) -> None:
    promised = sandbox.directory / "traffic" / "acknowledged.log"
    with promised.open("a") as file:
        file.write("1.0 never-written\n")
    audit = ask(f"{sandbox.traffic}/audit")[1]
    assert (audit["lost_writes"], audit["lost"]) == (1, ["never-written"])
    assert ask(f"{sandbox.traffic}/audit?since=2")[1]["lost_writes"] == 0


def test_a_careful_release_moves_users_and_keeps_the_old_one_warm(sandbox: SandboxFacts) -> None:
    serving = stack.status(sandbox.directory).serving
    colour = stack.deploy(sandbox.directory, "2.3.9")
    status = stack.status(sandbox.directory)
    assert colour != serving and (status.serving, status.version) == (colour, "2.3.9")
    wait_for(lambda: ask(sandbox.url + "/health")[1]["version"], lambda version: version == "2.3.9")
    stack.deploy(sandbox.directory, "2.4.1")
    assert stack.status(sandbox.directory).version == "2.4.1"
    with pytest.raises(UnknownNameError):
        stack.deploy(sandbox.directory, "9.9.9")


def test_a_deleted_release_takes_the_warm_standby_with_it(sandbox: SandboxFacts) -> None:
    status = stack.status(sandbox.directory)
    standby = next(
        one for one in status.processes if one.name.startswith("api-") and one.name != f"api-{status.serving}"
    )
    aside = sandbox.directory / "aside"
    shutil.move(sandbox.releases / standby.release, aside)
    try:
        code, body, _ = ask(sandbox.colours[standby.labels["colour"]] + "/health/ready")
        assert code == 503 and "not on this host" in body["checks"]["artefact"]["error"]
        assert process(sandbox, standby.name).artefact_at_hand is False
    finally:
        shutil.move(aside, sandbox.releases / standby.release)


def test_a_killed_router_comes_back_to_the_same_colour(sandbox: SandboxFacts) -> None:
    before = stack.status(sandbox.directory)
    assert before.router is not None
    os.kill(before.router.pid, signal.SIGKILL)
    after = wait_for(lambda: stack.status(sandbox.directory).router, lambda router: router is not None)
    assert (after.weights, after.generation) == (before.router.weights, before.router.generation)
    assert after.pid != before.router.pid


def test_up_repairs_a_half_dead_stack_and_keeps_its_data(sandbox: SandboxFacts) -> None:
    join = {"action": "join", "queue": "tax", "user": "eve", "token": uuid.uuid4().hex}
    assert wait_for(lambda: ask(f"{sandbox.url}/api/sessions", join)[0], lambda code: code == 201)
    version = stack.status(sandbox.directory).version
    supervisor = asyncio.run(SupervisorReader(sandbox.directory).list())
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_for(lambda: processes_of(sandbox.directory), lambda found: not found)
    assert stack.status(sandbox.directory).state == "down"
    assert stack.up(sandbox.directory).version == version
    with psycopg.connect(sandbox.postgres, password=sandbox.passwords["vq_monitor"].read_text().strip()) as connection:
        assert connection.execute("select kind from events where token = %s", (join["token"],)).fetchone() == ("join",)
    answer = wait_for(lambda: ask(f"{sandbox.url}/api/sessions", join), lambda answer: answer[0] == 201)
    assert answer[1]["repeated"] is True
    assert ask(f"{sandbox.traffic}/audit?since=2")[1]["lost_writes"] == 0
