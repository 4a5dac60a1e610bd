"""An engine that is slow, breaks off, goes away or forbids; the client that asks it."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.errors import Conflict, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Ambiguous, ConfigError, Unreachable, VerifyFailed
from actions.model.words import Gate, ProbeState
from actions.model.workloads import Tls
from actions.platforms.compose import driver
from tests.docker.conftest import RUN, Service
from tests.docker.project import HOST, until
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.machine("docker")
Make = Callable[..., Service]
KEY = f"{RUN}.3"
SOCKET = Path("/var/run/docker.sock")


@pytest.fixture
async def proxy(tmp_path: Path) -> Any:
    """A wire to the engine that can be spoilt."""
    async with FaultProxy(SOCKET, listen=tmp_path / "engine.sock") as one:
        yield one


@pytest.fixture
def behind(proxy: FaultProxy, make_service: Make, releases: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Service:
    """A running container whose drivers reach the engine over the wire."""
    monkeypatch.setattr(driver, "READ_SECONDS", 3.0)
    service = make_service(host=f"unix://{proxy.listen}", stop_timeout=1)
    service.run(releases["1.1.0"])
    return service


def made(service: Service) -> list[dict[str, Any]]:
    """Containers that carry this step's key."""
    return list(service.engine.containers(all=True, filters={"label": f"vq-tui.step={KEY}"}))


# Row 17: the engine did it, its answer was cut off. Row 16: it answers too late.


@pytest.mark.parametrize("fault", ["cut", "late"])
async def test_lost_answer_of_a_create_is_adopted(fault: str, behind: Service, proxy: FaultProxy, undo: Path) -> None:
    change = await behind.plan("1.0.0")
    await behind.changer.protect(change, KEY, undo)
    spoilt = asyncio.create_task(spoil(proxy, b"/containers/create", fault))
    impatient(behind)
    with pytest.raises(Ambiguous, match="its answer was lost"):
        await behind.changer.act(change, KEY, undo, behind.said.append)
    await spoilt
    await asyncio.to_thread(until, lambda: bool(made(behind)))
    proxy.down.clear()
    probe = await behind.changer.probe(change, KEY, undo)
    assert probe.state is ProbeState.PARTIAL and proxy.seen_up.count(b"POST /v1.41/containers/create?") == 1
    impatient(behind, 20)
    await behind.changer.act(change, KEY, undo, behind.said.append)
    await behind.verify(change)
    assert len(made(behind)) == 1 and proxy.seen_up.count(b"POST /v1.41/containers/create?") == 1


async def test_slow_stop_is_ambiguous_and_is_gone_on_from(behind: Service, proxy: FaultProxy, undo: Path) -> None:
    change = await behind.plan("1.0.0")
    await behind.changer.protect(change, KEY, undo)
    spoilt = asyncio.create_task(spoil(proxy, b"/stop?", "late"))
    impatient(behind, 3)
    with pytest.raises(Ambiguous):
        await behind.changer.act(change, KEY, undo, behind.said.append)
    await spoilt
    proxy.down.clear()
    assert (await behind.changer.probe(change, KEY, undo)).state is ProbeState.PARTIAL
    impatient(behind, 20)
    await behind.back(change, undo)
    assert behind.all() == {behind.name: "running"}


def impatient(service: Service, seconds: float = 3.0) -> None:
    """How long its writes wait for an answer."""
    writer = service.changer._writer
    writer.timeout = writer._connection.timeout = seconds


async def spoil(proxy: FaultProxy, request: bytes, fault: str) -> None:
    """Lose what the engine answers to the first request of that kind."""
    await proxy.until_up(request)
    if fault == "cut":
        proxy.down.reset_peer = 0
    else:
        proxy.down.blackhole = True


# Row 18: nobody answers in the middle of it.


async def test_engine_away_during_the_proof_is_never_success(behind: Service, proxy: FaultProxy, undo: Path) -> None:
    change = await behind.plan("1.0.0")
    await behind.act(change, undo)
    await proxy.refuse()
    proxy.drop()
    with pytest.raises((VerifyFailed, Unreachable), match="no socket|not proved"):
        await behind.verify(change, seconds=1)
    assert (await behind.changer.probe(change, KEY, undo)).state is ProbeState.UNKNOWN
    waiting = asyncio.create_task(behind.verify(change))
    await asyncio.to_thread(
        until, lambda: behind.said[-1].startswith(("Docker Engine at", "the engine does not answer"))
    )
    await proxy.accept()
    assert "answers 200 as 1.0.0" in (await waiting).text


async def test_way_back_waits_for_the_engine(behind: Service, proxy: FaultProxy, undo: Path) -> None:
    change = await behind.plan("1.0.0")
    await behind.act(change, undo)
    await behind.verify(change)
    await proxy.refuse()
    proxy.drop()
    waiting = asyncio.create_task(behind.back(change, undo))
    await asyncio.to_thread(until, lambda: any("the way back" in one and "waits" in one for one in behind.said))
    await proxy.accept()
    await waiting
    assert behind.all() == {behind.name: "running"}
    await proxy.refuse()
    proxy.drop()
    with pytest.raises(Unreachable):
        await behind.back(change, undo, seconds=0.5)


async def test_act_without_an_engine_changes_nothing(behind: Service, proxy: FaultProxy, undo: Path) -> None:
    change = await behind.plan("1.0.0")
    await behind.changer.protect(change, KEY, undo)
    await proxy.refuse()
    proxy.drop()
    with pytest.raises(Unreachable, match="is Docker installed and running"):
        await behind.changer.act(change, KEY, undo, behind.said.append)
    assert behind.all() == {behind.name: "running"} and not made(behind)


# The client: every way in which asking can fail.


async def test_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    async def words(host: str) -> str:
        reader = DockerReader(host, timeout=1)
        with pytest.raises(Unreachable) as raised:
            await reader.info()
        await reader.close()
        return raised.value.message

    assert "is Docker installed and running" in await words(f"unix://{tmp_path}/none.sock")
    assert "start the Docker daemon" in await words("tcp://127.0.0.1:1")
    silent = await asyncio.start_unix_server(lambda _r, _w: None, tmp_path / "silent.sock")
    assert "no answer in time" in await words(f"unix://{tmp_path}/silent.sock")
    silent.close()


async def test_socket_without_rights_names_the_cure(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody without rights")
    import docker  # noqa: F401 - what is imported after giving up the rights may be unreadable
    import requests.adapters  # noqa: F401

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65_534)
        os.setuid(65_534)
        try:
            asyncio.new_event_loop().run_until_complete(DockerReader(HOST, timeout=1).info())
            os.write(writing, b"answered")
        except BaseException as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    said = await asyncio.to_thread(os.read, reading, 10_000)
    await asyncio.to_thread(os.waitpid, child, 0)
    os.close(reading)
    assert b"no right to use /var/run/docker.sock" in said and b"group" in said


async def test_dripping_and_huge_answers_end(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    from actions.clients.docker.bounded import BoundedClient

    reader = DockerReader(f"unix://{proxy.listen}", timeout=1)
    assert (await reader.info())["ID"]
    proxy.down.bandwidth = 400
    with pytest.raises(Unreachable, match="in time"):
        await reader.info()
    proxy.down.clear()
    monkeypatch.setattr(BoundedClient, "limit", 100)
    with pytest.raises(Unreachable, match="larger than 100 bytes"):
        await reader.info()
    await reader.close()


async def test_missing_and_taken_are_told_apart(engine: Any, make_service: Make, releases: dict[str, str]) -> None:
    service = make_service()
    service.run(releases["1.0.0"], wait=False)
    reader, writer = DockerReader(HOST), DockerWriter(HOST)
    with pytest.raises(Missing):
        await reader.container("vqt-none")
    with pytest.raises(Missing):
        await writer.create("vqt-none", {"Image": "vqt-none:1"})
    with pytest.raises(Conflict):
        await writer.create(service.name, {"Image": releases["1.0.0"]})
    await reader.close()
    await writer.close()


async def test_rights_are_found_out_without_changing_anything(
    engine: Any, make_service: Make, releases: dict[str, str], tmp_path: Path
) -> None:
    before = {one["Id"] for one in engine.containers(all=True)}
    service = make_service()
    (check,) = await service.reader.permissions()
    assert check.gate is Gate.PASS
    filtering = await asyncio.start_unix_server(only_get, tmp_path / "get.sock")
    limited = make_service(host=f"unix://{tmp_path}/get.sock")
    (check,) = await limited.reader.permissions()
    assert check.gate is Gate.FAIL and "403" in check.evidence and "proxy" in check.advice
    gone = make_service(host=f"unix://{tmp_path}/none.sock")
    (check,) = await gone.reader.permissions()
    assert check.gate is Gate.FAIL and "no socket" in check.evidence
    filtering.close()
    assert {one["Id"] for one in engine.containers(all=True)} <= before


async def only_get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A filtering proxy: the version is told, writes are forbidden."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
        get = head.startswith(b"GET")
        body = b'{"ApiVersion":"1.41"}' if get else b"<html>403 Forbidden</html>"
        status = b"200 OK" if get else b"403 Forbidden"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


async def test_over_tcp_with_tls_and_a_client_certificate(tmp_path: Path) -> None:
    from tests.docker.certificates import authority, context, pair

    ca = authority(tmp_path / "ca.pem")
    server, client = pair(tmp_path, "server", ca), pair(tmp_path, "client", ca)
    other = authority(tmp_path / "other.pem")
    relay = await asyncio.start_server(to_engine, "127.0.0.1", 0, ssl=context(server, tmp_path / "ca.pem"))
    port = relay.sockets[0].getsockname()[1]
    tls = Tls(ca=tmp_path / "ca.pem", certificate=client[0], key=client[1])
    reader = DockerReader(f"tcp://127.0.0.1:{port}", tls, timeout=5)
    assert (await reader.info())["ID"]
    await reader.close()
    assert other
    wrong = DockerReader(f"tcp://127.0.0.1:{port}", tls.model_copy(update={"ca": tmp_path / "other.pem"}), timeout=5)
    with pytest.raises(Unreachable, match="certificate"):
        await wrong.info()
    absent = DockerReader(f"tcp://127.0.0.1:{port}", Tls(ca=tmp_path / "none.pem"), timeout=5)
    with pytest.raises(ConfigError, match="none.pem|TLS"):
        await absent.info()
    relay.close()


async def to_engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    far_reader, far_writer = await asyncio.open_unix_connection(SOCKET)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            sink.write(chunk)
            await sink.drain()
        sink.close()

    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)
