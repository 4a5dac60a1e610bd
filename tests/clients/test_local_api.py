"""Talking to a helper process of this host: what was sent, what was lost, and what came back wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actions.clients import local_api
from actions.clients.local_api import LocalApi, LocalApiWriter
from actions.model.errors import Ambiguous, ConfigError, Refused, Stale, UnknownNameError, Unreachable

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1}'


@asynccontextmanager
async def helper(path: Path, answer: bytes, hold: bool = False) -> AsyncIterator[list[bytes]]:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(65_536))
        writer.write(answer)
        await writer.drain()
        if hold:
            await reader.read()
        writer.close()

    with local_api.reachable(path) as name:
        server = await asyncio.start_unix_server(serve, name)
    async with server:
        yield asked


def api(path: Path, timeout: float = 5.0) -> LocalApiWriter:
    return LocalApiWriter(f"unix://{path}", what="helper", timeout=timeout)


async def test_a_read_and_a_write(tmp_path: Path) -> None:
    async with helper(tmp_path / "s", OK) as asked:
        assert await api(tmp_path / "s").read("/x?lines=3") == {"a": 1}
        assert await api(tmp_path / "s").write("PUT", "/x", {"b": "é"}) == {"a": 1}
    assert asked[0].startswith(b"GET /x?lines=3 HTTP/1.1\r\n") and b"PUT /x HTTP/1.1" in asked[1]
    assert asked[1].endswith(b'{"b": "\\u00e9"}')


async def test_a_socket_in_a_deep_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    async with helper(deep / "s", OK):
        assert await api(deep / "s").read("/") == {"a": 1}


async def test_nobody_there_is_unreachable_also_for_a_write(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        await api(tmp_path / "none").write("PUT", "/x", {})


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"\x1b[31mnonsense\r\n\r\n"])
async def test_a_lost_answer_is_ambiguous_for_a_write_only(tmp_path: Path, answer: bytes) -> None:
    async with helper(tmp_path / "s", answer):
        with pytest.raises(Ambiguous, match="lost"):
            await api(tmp_path / "s").write("POST", "/x", {})
        with pytest.raises(Unreachable):
            await api(tmp_path / "s").read("/x")


async def test_a_late_answer_is_ambiguous_for_a_write_only(tmp_path: Path) -> None:
    async with helper(tmp_path / "s", b"HTTP/1.1 200 OK\r\n", hold=True):
        with pytest.raises(Ambiguous, match=r"within 0\.1 s"):
            await api(tmp_path / "s", 0.1).write("POST", "/x", {})
        with pytest.raises(Unreachable, match=r"within 0\.1 s"):
            await api(tmp_path / "s", 0.1).read("/x")


async def test_an_answer_without_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_api, "BODY_LIMIT", 100)
    async with helper(tmp_path / "s", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000):
        with pytest.raises(Unreachable, match="larger than 100"):
            await api(tmp_path / "s").read("/x")


@pytest.mark.parametrize(("status", "kind"), [(404, UnknownNameError), (409, Stale), (422, Refused)])
async def test_what_the_helper_refuses(tmp_path: Path, status: int, kind: type[Exception]) -> None:
    text = f'HTTP/1.1 {status} No\r\n\r\n{{"error": "because\\u001b[31m"}}'
    async with helper(tmp_path / "s", text.encode()):
        with pytest.raises(kind, match=r"helper: because") as raised:
            await api(tmp_path / "s").write("PUT", "/x", {})
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("address", ["http://example.org", "http://127.0.0.1:x"])
def test_only_addresses_of_this_host(address: str) -> None:
    with pytest.raises(ConfigError):
        LocalApi(address, what="x")
