"""Absurd answers cost bounded time and bytes, and are told apart."""

import asyncio
import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from actions.clients import names
from actions.clients.http import Answer, HttpReader, Trouble
from actions.model.errors import ConfigError
from actions.model.text import MARK
from tests.faults.proxy import FaultProxy
from tests.hostile_http import BadServer, bad_server
from tests.hostile_http import answer as ok

DATA = Path(__file__).parent / "data"
CANARY = "Bearer c4nary-t0ken-value"


@pytest.fixture
async def server() -> AsyncIterator[BadServer]:
    async with bad_server() as one:
        yield one


async def ask(server: BadServer, path: str, **options: object) -> Answer:
    reader = HttpReader(server.url, **{"timeout": 1.0, **options})
    try:
        return await reader.get(path)
    finally:
        await reader.close()


async def test_a_good_answer(server: BadServer) -> None:
    answer = await ask(server, "/health")
    assert answer.good and answer.status == 200 and answer.json() == {"status": "ok", "version": "2.4.1"}
    assert answer.header("x-VERSION") == "2.4.1" and answer.path == "/health" and 0 < answer.seconds < 1
    request = server.requests[0]
    assert (request.method, request.headers["user-agent"]) == ("GET", "vq-tui")


@pytest.mark.parametrize(
    ("path", "trouble", "status"),
    [
        ("/drip", Trouble.TIMEOUT, None),
        ("/drip-head", Trouble.TIMEOUT, None),
        ("/silence", Trouble.TIMEOUT, None),
        ("/endless", Trouble.TOO_LARGE, 200),
        ("/large", Trouble.TOO_LARGE, 200),
        ("/bomb", Trouble.TOO_LARGE, 200),
        ("/torn", Trouble.PROTOCOL, 200),
        ("/not-gzip", Trouble.PROTOCOL, 200),
        ("/brotli", Trouble.PROTOCOL, 200),
        ("/metadata", Trouble.REDIRECT, 302),
        ("/elsewhere", Trouble.REDIRECT, 307),
        ("/half", Trouble.RESET, None),
        ("/nothing", Trouble.RESET, None),
        ("/garbage", Trouble.PROTOCOL, None),
        ("/many-headers", Trouble.PROTOCOL, None),
    ],
)
async def test_absurd_answers(server: BadServer, path: str, trouble: Trouble, status: int | None) -> None:
    reader = HttpReader(server.url, timeout=1.0)
    began = time.monotonic()
    answer = await reader.get(path)
    assert (answer.trouble, answer.status) == (trouble, status), answer
    assert not answer.good and answer.reason and len(answer.reason) < 300
    assert time.monotonic() - began < 5
    assert server.asked(path) == 1
    assert (await reader.get("/health")).good  # and the reader goes on working
    await reader.close()


async def test_a_gzip_bomb_takes_little_memory(server: BadServer) -> None:
    reader = HttpReader(server.url, timeout=2.0)
    await reader.get("/health")
    tracemalloc.start()
    answer = await reader.get("/bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.trouble is Trouble.TOO_LARGE and peak < 8 * 1024 * 1024
    await reader.close()


async def test_compressed_answers_are_read(server: BadServer) -> None:
    assert (await ask(server, "/zipped")).json() == {"status": "ok"}
    assert (await ask(server, "/deflated")).text() == "deflated"


PLAIN = ("UTF-8", "utf8", "none", "binary", "text/html", "identity", "")


@pytest.mark.parametrize("coding", [*PLAIN, "UTF-8, gzip", "gzip", "x-gzip", "deflate"])
async def test_what_is_no_compression_is_passed_over(server: BadServer, coding: str) -> None:
    body = b'{"status":"UP"}'
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    sent = gzip.compress(body) if coding.endswith("gzip") else body
    sent = bare.compress(body) + bare.flush() if coding == "deflate" else sent
    server.answers["/coded"] = lambda: ok(sent, Content_Encoding=coding)
    answer = await ask(server, "/coded")
    assert answer.good and answer.body == body, answer


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "gzip, gzip", "compress"])
async def test_a_compression_that_was_not_asked_for_is_named(server: BadServer, coding: str) -> None:
    server.answers["/coded"] = lambda: ok(b"whatever", Content_Encoding=coding)
    answer = await ask(server, "/coded")
    assert answer.trouble is Trouble.PROTOCOL and f"'{coding}'" in answer.reason


async def test_a_healthy_answer_that_calls_its_text_a_coding(server: BadServer) -> None:
    server.answers["/health"] = lambda: (DATA / "answer-content-encoding-utf8.http").read_bytes()
    answer = await ask(server, "/health")
    assert answer.good and answer.json() == {"status": "UP"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"X-Foo : c4nary", "the header 'X-Foo' has a space before its colon"),
        (b"X Foo: c4nary", "the header 'X Foo'"),
        (b"X-Foo: a\x00c4nary", "the header 'X-Foo'"),
        (b"nothing c4nary", "the header line 'nothing' has no colon"),
        (b": c4nary", "the header ''"),
    ],
)
async def test_a_header_that_is_not_allowed_is_named_without_its_value(
    server: BadServer, line: bytes, words: str
) -> None:
    server.answers["/health"] = lambda: b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n"
    answer = await ask(server, "/health")
    assert answer.trouble is Trouble.PROTOCOL and words in answer.reason and "c4nary" not in answer.reason
    server.answers["/health"] = lambda: (DATA / "answer-space-before-colon.http").read_bytes()
    assert "'X-Foo'" in (await ask(server, "/health")).reason


async def test_a_redirect_is_never_followed_and_names_where_it_points(server: BadServer) -> None:
    answer = await ask(server, "/metadata")
    assert "169.254.169.254" in answer.reason and "not followed" in answer.reason
    assert len(server.requests) == 1


async def test_hostile_text_is_cleaned(server: BadServer) -> None:
    answer = await ask(server, "/hostile")
    for text in (answer.text(), answer.header("X-Version") or ""):
        assert MARK in text
        assert not any(character in text for character in "\x00\x07\x1b\x9b\u202e")
    assert (await ask(server, "/deep")).json() is None


async def test_hostile_json_is_cleaned_in_keys_and_values(server: BadServer) -> None:
    server.answers["/json"] = lambda: ok(b'{"k\\u001b[1m":["\\u202ev"]}')
    assert (await ask(server, "/json")).json() == {f"k{MARK}": [f"{MARK}v"]}


async def test_refused_reset_and_unknown_names(server: BadServer) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        refused = await HttpReader(f"http://127.0.0.1:{one.getsockname()[1]}").get("/")
    assert (refused.trouble, refused.detail) == (Trouble.REFUSED, "connection refused")
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        proxy.down.reset_peer = 5
        assert (await HttpReader(proxy.url).get("/health")).trouble is Trouble.RESET
    unknown = await HttpReader("http://no-such-host.invalid").get("/")
    assert unknown.trouble is Trouble.NAME and "no-such-host.invalid" in unknown.reason


async def test_a_hanging_name_lookup_is_bounded_and_costs_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def hang(host: str, *_: object, **__: object) -> list[object]:
        calls.append(host)
        time.sleep(1.5)
        return []

    monkeypatch.setattr(names.socket, "getaddrinfo", hang)
    reader = HttpReader("http://hanging.example", timeout=0.2)
    answers = await asyncio.gather(*(reader.get("/") for _ in range(20)))
    assert {answer.trouble for answer in answers} == {Trouble.TIMEOUT}
    assert calls == ["hanging.example"]


async def test_a_name_that_leads_to_a_metadata_address_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 0))]
    monkeypatch.setattr(names.socket, "getaddrinfo", lambda *_, **__: found)
    answer = await HttpReader("http://inside.example").get("/")
    assert answer.trouble is Trouble.FORBIDDEN and "link-local" in answer.reason


async def test_proxies_of_the_environment_are_ignored(server: BadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bad_server() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        answer = await ask(server, "/health", headers={"Authorization": SecretStr(CANARY)})
        assert answer.good and proxy.requests == []
    assert server.requests[0].headers["authorization"] == CANARY


async def test_secrets_stay_out_of_answers_and_messages(server: BadServer) -> None:
    server.answers["/echo"] = lambda: (
        f"HTTP/1.1 302 Found\r\nLocation: http://evil/?q={CANARY}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    reader = HttpReader(server.url, headers={"Authorization": SecretStr(CANARY)}, timeout=0.3)
    seen = [await reader.get(path) for path in ("/echo", "/drip", "/garbage", "/nothing")]
    assert "c4nary" not in " ".join(f"{answer.reason} {answer.detail}" for answer in seen)
    assert "c4nary" not in repr(reader) and "c4nary" not in repr(vars(reader))
    with pytest.raises(ConfigError) as caught:
        HttpReader("http://user:c4nary-pass@host/")
    assert "c4nary" not in str(caught.value)


async def test_only_one_origin_is_ever_asked(server: BadServer) -> None:
    reader = HttpReader(server.url)
    assert (await reader.get(f"{server.url}/health")).good
    for path in ("http://169.254.169.254/", "https://127.0.0.1/", "health", "@evil/"):
        with pytest.raises(ConfigError):
            await reader.get(path)
    assert len(server.requests) == 1
    await reader.close()


async def test_connections_are_kept_and_a_closed_one_is_replaced(server: BadServer) -> None:
    reader = HttpReader(server.url)
    for _ in range(5):
        assert (await reader.get("/health")).good
    assert server.connections == 1
    assert (await reader.get("/health", fresh=True)).good
    assert server.connections == 2
    assert (await reader.get("/close-after")).good
    assert (await reader.get("/health")).good
    await reader.close()


async def test_a_kept_connection_that_breaks_is_no_outage(server: BadServer) -> None:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        reader = HttpReader(proxy.url)
        assert (await reader.get("/health")).good
        proxy.up.reset_peer = 0  # open connections break at the next byte
        proxy.down.clear()
        first = asyncio.create_task(reader.get("/health"))
        while proxy.accepted == 1:
            await asyncio.sleep(0.01)
        proxy.up.clear()
        await first
        assert (await reader.get("/health")).good
        await reader.close()


async def test_many_timeouts_do_not_use_up_the_connections(server: BadServer) -> None:
    reader = HttpReader(server.url, timeout=0.1)
    for _ in range(5):
        answers = await asyncio.gather(*(reader.get("/silence") for _ in range(8)))
        assert {answer.trouble for answer in answers} == {Trouble.TIMEOUT}
    assert (await reader.get("/health")).good
    await reader.close()
