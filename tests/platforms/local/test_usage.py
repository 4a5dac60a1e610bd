"""One look at the host serves all who ask, and nobody waits for it: what was measured before is given with its age."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from actions.clients.processes import ProcessRecord, ProcessSpec
from actions.clients.supervisor import SupervisorReader
from actions.model.waiting import Deadline, until
from actions.platforms.local import usage
from actions.platforms.local.control import Control
from actions.platforms.local.httpd import Request, bind_unix, serve
from actions.platforms.local.supervisor import SOCKET, Supervisor
from actions.platforms.local.usage import Usage, UsageTable, measured

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input(); print(len(bytes(8_000_000)))'])"


class Host:
    """Counts looks; each takes until the test lets it go."""

    def __init__(self) -> None:
        self.looks = 0
        self.go = threading.Event()

    def measure(self, pids: frozenset[int]) -> Mapping[int, Usage]:
        self.looks += 1
        assert self.go.wait(30)
        return {pid: Usage(1_000 * self.looks, 1.0, float(self.looks)) for pid in pids}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(usage, "WAIT_SECONDS", 0.01)
    return Host()


async def test_a_slow_look_holds_nobody_up_and_is_made_once(host: Host) -> None:
    table = UsageTable(host.measure)
    await asyncio.gather(*(table.refresh(frozenset({1, 2})) for _ in range(50)))
    assert host.looks == 1 and table.of(1) is None  # not yet known is not zero
    host.go.set()
    await table.close()
    assert (found := table.of(1)) is not None and found.memory_bytes == 1_000
    await table.refresh(frozenset({1, 2}))
    assert host.looks == 1  # measured just now
    await table.refresh(frozenset({1, 3}))
    await table.close()
    assert host.looks == 2 and table.of(3) is not None and table.of(2) is None


async def test_what_a_process_started_counts_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as parent:

        async def look() -> int:
            found = await asyncio.to_thread(measured, frozenset({parent.pid}))
            alone = await asyncio.to_thread(_alone, parent.pid)
            return found[parent.pid].memory_bytes - alone

        await until(look, lambda more: more > 2_000_000, Deadline(30), str)
        parent.communicate(b"\n")
    assert measured(frozenset({parent.pid})) == {}


def _alone(pid: int) -> int:
    return int(usage.psutil.Process(pid).memory_info().rss)


async def test_the_supervisor_answers_while_its_look_at_the_host_does_not_come_back(tmp_path: Path, host: Host) -> None:
    """Forty at once are answered, with no figures instead of none of the answers."""
    supervisor = Supervisor(tmp_path)
    supervisor.usage = UsageTable(host.measure)
    supervisor.keep(ProcessRecord(spec=ProcessSpec(name="one", argv=("true",)), wanted=False))
    server = await serve(bind_unix(tmp_path / SOCKET), Control(supervisor).answer)
    try:
        answers = await asyncio.gather(*(SupervisorReader(tmp_path).list() for _ in range(40)))
        assert all(one.process("one") is not None for one in answers) and host.looks == 1
    finally:
        host.go.set()
        await supervisor.usage.close()
        server.close()


async def test_who_has_given_up_waiting_is_not_answered(tmp_path: Path) -> None:
    """A queue of requests nobody waits for any more is passed over; a change is carried out all the same."""
    handled: list[str] = []

    async def handle(request: Request) -> str:
        handled.append(request.method)
        return "done"

    server = await serve(bind_unix(tmp_path / SOCKET), handle)
    try:
        for method in ("GET", "POST"):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET))
            writer.write(f"{method} / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
            writer.write_eof()
            writer.close()
        await _until(lambda: "POST" in handled)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.readuntil(b"done")
        writer.close()
    finally:
        server.close()
    assert handled == ["POST", "GET"]


async def _until(held: Callable[[], bool]) -> None:
    async def look() -> bool:
        return held()

    await until(look, bool, Deadline(20), str, every=0.01)
