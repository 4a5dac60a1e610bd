"""Every fault is real, seen, and mended."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from actions.clients.processes import ProcessState
from actions.clients.supervisor import SupervisorReader
from actions.model.errors import UnknownNameError
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts
from actions.sandbox.fault_kinds import KINDS
from tests.sandbox.conftest import ask, process, wait_for


@pytest.fixture
def broken(sandbox: SandboxFacts) -> Iterator[Callable[[str], float]]:
    """Inject a fault; afterwards it is mended and the stack is as it was."""
    since = ask(f"{sandbox.traffic}/state")[1]["until"]

    def inject(kind: str) -> float:
        fault = stack.break_(sandbox.directory, kind)
        assert fault.kind == kind and fault.observed
        assert [one.kind for one in stack.status(sandbox.directory).faults] == [kind]
        assert stack.break_(sandbox.directory, kind) == fault  # breaking twice is breaking once
        return float(since)

    yield inject
    assert len(stack.mend(sandbox.directory)) == 1
    status = stack.status(sandbox.directory)
    assert (status.state, status.version, status.faults) == ("up", "2.4.1", ())
    assert {one.release for one in status.processes if one.release} == {"2.4.1", "2.4.0"}
    wait_for(lambda: ask(f"{sandbox.url}/health")[0], lambda code: code == 200, 60)
    assert ask(f"{sandbox.traffic}/audit")[1]["lost_writes"] == 0
    assert stack.mend(sandbox.directory) == ()


def traffic(sandbox: SandboxFacts, since: float, satisfied: Callable[[Any], bool]) -> Any:
    return wait_for(lambda: ask(f"{sandbox.traffic}/state?since={since}")[1], satisfied)


def test_bad_release(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    since = broken("bad-release")
    code, body, headers = ask(f"{sandbox.url}/health")
    assert (code, body["status"], headers["x-version"]) == (503, "down", "2.4.2")
    assert ask(f"{sandbox.url}/health/live")[0] == 200
    status = stack.status(sandbox.directory)
    warm = next(one for one in status.processes if one.release == "2.4.1")
    assert status.version == "2.4.2" and ask(sandbox.colours[warm.labels["colour"]] + "/health/ready")[0] == 200
    traffic(sandbox, since, lambda state: state["failed"] > 0)


def test_slow_release(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    since = broken("slow-release")
    state = traffic(sandbox, since, lambda state: state["latency_ms"]["p95"] > 500)
    assert state["failed"] == 0


def test_errors(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    since = broken("errors")
    assert ask(f"{sandbox.url}/health")[0] == 200
    codes = [ask(f"{sandbox.url}/api/queues")[0] for _ in range(100)]
    assert codes.count(500) in range(2, 9)
    traffic(sandbox, since, lambda state: state["failed"] >= 2)


def test_crash_loop(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    broken("crash-loop")
    serving = process(sandbox, f"api-{stack.status(sandbox.directory).serving}")
    assert serving.state is ProcessState.CRASH_LOOPING and serving.release == "2.4.5" and serving.restarts >= 2


def test_memory_leak(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    broken("memory-leak")
    name = f"api-{stack.status(sandbox.directory).serving}"
    first = process(sandbox, name).memory_bytes
    wait_for(lambda: process(sandbox, name).memory_bytes, lambda now: now > first + 2_000_000)


@pytest.mark.parametrize(("kind", "check"), [("dead-postgres", "postgres"), ("dead-redis", "redis")])
def test_dead_dependency(sandbox: SandboxFacts, broken: Callable[[str], float], kind: str, check: str) -> None:
    since = broken(kind)
    code, body, _ = ask(f"{sandbox.url}/health")
    assert code == 503 and body["checks"][check]["status"] == "down" and body["checks"][check]["error"]
    assert ask(f"{sandbox.url}/health/live")[0] == 200
    traffic(sandbox, since, lambda state: state["failed"] > 0)
    assert process(sandbox, check).state is ProcessState.STOPPED
    if kind == "dead-postgres":
        assert ask(f"{sandbox.traffic}/audit")[0] == 503  # unknown is not zero


def test_stuck_connections(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    broken("stuck-connections")
    password = sandbox.passwords["vq_monitor"].read_text().strip()
    with psycopg.connect(sandbox.postgres, password=password) as connection:  # by its reserved connections
        row = connection.execute("select count(*), max(now() - xact_start) from pg_stat_activity").fetchone()
    assert row is not None and row[0] > 30 and row[1].total_seconds() > 0
    with pytest.raises(psycopg.OperationalError, match=r"reserved|too many"):
        psycopg.connect(
            sandbox.postgres.replace("vq_monitor", "vq"), password=sandbox.passwords["vq"].read_text().strip()
        )


def test_lost_router(sandbox: SandboxFacts, broken: Callable[[str], float]) -> None:
    since = broken("lost-router")
    state = traffic(sandbox, since, lambda state: state["downtime"]["down_now"])
    assert "no answer" in state["last_failure"]["reason"]
    assert ask(sandbox.colours["blue"] + "/health")[0] == 200
    status = stack.status(sandbox.directory)
    assert (status.state, status.serving, status.router) == ("partly", None, None)


def test_every_kind_has_a_test_and_an_unknown_one_lists_them(sandbox: SandboxFacts) -> None:
    with pytest.raises(UnknownNameError) as error:
        stack.break_(sandbox.directory, "meteor")
    assert all(kind in str(error.value) for kind in KINDS)
    tested = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert set(KINDS) - {"dead-postgres", "dead-redis"} <= tested
    names = {one.name for one in asyncio.run(SupervisorReader(sandbox.directory).list()).processes}
    assert "stuck-client" not in names


def test_a_bad_release_behind_a_lost_router_is_mended_in_one_go(sandbox: SandboxFacts) -> None:
    for kind in ("bad-release", "lost-router"):
        stack.break_(sandbox.directory, kind)
    assert stack.mend(sandbox.directory) == ("bad-release", "lost-router")
    status = stack.status(sandbox.directory)
    assert (status.state, status.version, status.faults) == ("up", "2.4.1", ())
