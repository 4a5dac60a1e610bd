"""The kinds of fault: each is real, and is seen before it counts as injected."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from actions.clients.processes import ProcessState
from actions.model.errors import UnknownNameError, VqError
from actions.model.identity import new_id
from actions.model.waiting import Deadline
from actions.sandbox.deployment import Deployment
from actions.sandbox.parts import stuck_spec
from actions.sandbox.waits import fetch, quiet

SEEN_SECONDS = 15.0
LEAKED_BYTES = 4 * 1024 * 1024
Action = Callable[[Deployment], Awaitable[str]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault. `act` breaks the stack and returns what was seen of it. `release` is set for a bad release."""

    name: str
    title: str
    act: Action
    release: str = ""
    process: str = ""


def _release(name: str, version: str, title: str, see: Callable[[Deployment, str], Awaitable[str]]) -> Kind:
    async def act(deployment: Deployment) -> str:
        colour = await deployment.deploy(version, careful=False)
        return await see(deployment, colour)

    return Kind(name, title, act, release=version)


def _down(name: str, process: str, title: str) -> Kind:
    async def act(deployment: Deployment) -> str:
        facts = await deployment.supervisor.stop(process, key=f"fault-{new_id()}", seconds=0)
        return f"{process} was killed and stays down ({facts.state})"

    return Kind(name, title, act, process=process)


async def _unwell(deployment: Deployment, colour: str) -> str:
    async def complaint() -> str:
        health = await _health(deployment, colour)
        return f"{colour} still says it is well" if health == "ok" else ""

    await quiet(complaint, Deadline(SEEN_SECONDS))
    return f"{colour} serves and fails its health check"


async def _health(deployment: Deployment, colour: str) -> str:
    base = f"http://127.0.0.1:{deployment.layout.ports().model_dump()[colour]}"
    try:
        await fetch(base, "/health", what=f"api-{colour}")
    except VqError as error:
        return error.message
    return "ok"


async def _serves(deployment: Deployment, colour: str) -> str:
    version = (await deployment.releases())[colour]
    return f"{colour} serves {version}"


async def _loops(deployment: Deployment, colour: str) -> str:
    async def complaint() -> str:
        facts = await deployment.supervisor.process(f"api-{colour}")
        return "" if facts.state is ProcessState.CRASH_LOOPING else f"{facts.name} is {facts.state} so far"

    await quiet(complaint, Deadline(SEEN_SECONDS))
    return f"api-{colour} ends again and again"


async def _grows(deployment: Deployment, colour: str) -> str:
    async def memory() -> int:
        return (await deployment.supervisor.process(f"api-{colour}")).memory_bytes or 0

    first = await memory()

    async def complaint() -> str:
        now = await memory()
        return "" if first and now > first + LEAKED_BYTES else f"api-{colour} holds {now} bytes"

    await quiet(complaint, Deadline(SEEN_SECONDS))
    return f"api-{colour} grew by more than {LEAKED_BYTES // 1024 // 1024} MiB"


async def _stick(deployment: Deployment) -> str:
    await deployment.supervisor.replace(stuck_spec(deployment.layout), key=f"fault-{new_id()}")
    layout = deployment.layout

    async def complaint() -> str:
        dsn, password = layout.dsn("vq_monitor"), layout.secret("vq_monitor")
        async with await psycopg.AsyncConnection.connect(dsn, password=password, connect_timeout=3) as connection:
            row = await (await connection.execute(_BLOCKED)).fetchone()
        if row is None or not row[0]:
            return "nobody is blocked"
        try:
            other = await psycopg.AsyncConnection.connect(
                layout.dsn("vq"), password=layout.secret("vq"), connect_timeout=3
            )
        except psycopg.OperationalError:
            return ""  # as it should be: no connection is left
        await other.close()
        return "connections are left"

    await quiet(complaint, Deadline(SEEN_SECONDS))
    return "a client holds open transactions and every free connection"


_BLOCKED = "select count(*) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"

KINDS = {
    kind.name: kind
    for kind in (
        _release("bad-release", "2.4.2", "a release that fails its health check", _unwell),
        _release("slow-release", "2.4.3", "a release that takes 0.7 s an answer", _serves),
        _release("errors", "2.4.4", "a release that fails one request in twenty", _serves),
        _release("crash-loop", "2.4.5", "a release that ends soon after each start", _loops),
        _release("memory-leak", "2.4.6", "a release that grows by 4 MiB a second", _grows),
        _down("dead-postgres", "postgres", "PostgreSQL killed and kept down"),
        _down("dead-redis", "redis", "Redis killed and kept down"),
        Kind("stuck-connections", "a client that fills PostgreSQL", _stick, process="stuck-client"),
        _down("lost-router", "router", "the router killed and kept down"),
    )
}


def find(name: str) -> Kind:
    """The kind of that name. Raises UnknownNameError that lists them."""
    if name not in KINDS:
        raise UnknownNameError(f"unknown fault {name!r}; known: {', '.join(KINDS)}")
    return KINDS[name]
