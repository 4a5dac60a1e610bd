"""The router, in this process, before two small servers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actions.platforms.local.httpd import HttpError, bind_loopback
from actions.sandbox.router import Router
from actions.sandbox.router_table import RouterTable, first_table, save_table


class Colour:
    """A server that answers with its name; the path `/hold` waits, `/chunks` has a body of unknown length."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[bytes] = []
        self.held = asyncio.Event()
        self.go = asyncio.Event()
        self.die_next = False

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if self.die_next:
                    self.die_next = False
                    return
                body = await self._body(head, reader)
                self.seen.append(head.split(b"\r\n")[0] + b" " + body)
                if b" /hold " in head:
                    self.held.set()
                    await self.go.wait()
                if b" /chunks " in head:
                    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    for piece in (b"one", b"two" * 50_000):
                        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    writer.write(b"0\r\n\r\n")
                else:
                    answer = self.name.encode() + b":" + body
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        if b"chunked" in head:
            raw = await reader.readuntil(b"0\r\n\r\n")
            return b"chunked %d" % len(raw)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return await reader.readexactly(int(line.split(b":")[1]))
        return b""


class Bench:
    """Router, table and both colours."""

    def __init__(self, table: RouterTable, colours: dict[str, Colour], port: int) -> None:
        self.table = table
        self.colours = colours
        self.port = port

    async def ask(self, path: str = "/", method: str = "GET", body: bytes = b"") -> bytes:
        """The whole answer on a fresh connection."""
        extra = b"content-length: %d\r\n" % len(body) if body else b""
        request = f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".encode() + extra + b"\r\n" + body
        return await self.raw(request)

    async def raw(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer

    def switch(self, generation: str, expected: str | None = None, **weights: float) -> None:
        self.table.change({"weights": weights, "generation": generation, "expected_generation": expected})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        colours, targets = {}, {}
        for name in ("blue", "green"):
            colours[name] = Colour(name)
            server = await asyncio.start_server(colours[name].connected, "127.0.0.1", 0)
            stack.callback(server.close)
            targets[name] = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        save_table(tmp_path / "router.json", first_table(targets, "blue"))
        table = RouterTable(tmp_path / "router.json")
        listener = bind_loopback(0)
        port = listener.getsockname()[1]
        server = await asyncio.start_server(Router(table).connected, sock=listener)
        stack.callback(server.close)
        yield Bench(table, colours, port)


async def test_everything_goes_to_the_serving_colour_and_names_the_generation(bench: Bench) -> None:
    answer = await bench.ask("/x", "POST", b"hello")
    assert answer.endswith(b"blue:hello") and b"x-generation: first\r\n" in answer
    assert bench.table.requests == {"blue": 1, "green": 0}


async def test_shares_are_exact(bench: Bench) -> None:
    bench.switch("canary", blue=0.9, green=0.1)
    answers = [(await bench.ask()).rsplit(b"\r\n")[-1] for _ in range(100)]
    assert Counter(answers) == {b"blue:": 90, b"green:": 10}


async def test_a_request_under_way_finishes_where_it_is(bench: Bench) -> None:
    slow = asyncio.create_task(bench.ask("/hold"))
    await bench.colours["blue"].held.wait()
    bench.switch("flip", "first", blue=0, green=1)
    assert bench.table.in_flight == {"blue": 1, "green": 0}
    assert (await bench.ask()).endswith(b"green:")
    bench.colours["blue"].go.set()
    answer = await slow
    assert answer.endswith(b"blue:") and b"x-generation: first" in answer
    assert bench.table.in_flight == {"blue": 0, "green": 0} and bench.table.errors == {"blue": 0, "green": 0}


async def test_a_kept_connection_follows_the_switch(bench: Bench) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    for generation, colour in (("one", "green"), ("two", "blue")):
        bench.switch(generation, **{colour: 1.0})
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"x-generation: " + generation.encode() in head
        assert await reader.readexactly(len(colour) + 1) == colour.encode() + b":"
    writer.close()


async def test_changes_are_guarded_idempotent_and_durable(bench: Bench, tmp_path: Path) -> None:
    bench.switch("g1", "first", green=1)
    bench.switch("g1", "first", green=1)
    for arguments in (("g2", "first"), ("first", None)):
        with pytest.raises(HttpError) as refusal:
            bench.switch(*arguments, blue=1)
        assert refusal.value.status == 409
    for weights in ({"blue": 0.5}, {"red": 1}, {"blue": 2, "green": -1}, {"blue": float("nan"), "green": 1}):
        with pytest.raises(HttpError) as refusal:
            bench.switch("g3", **weights)
        assert refusal.value.status == 422
    again = RouterTable(tmp_path / "router.json")
    assert again.generation == "g1" and again.choose() == "green"


async def test_bodies_of_unknown_length_pass_in_both_directions(bench: Bench) -> None:
    sent = (
        b"POST /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    assert (await bench.raw(sent)).endswith(b"blue:chunked 15")
    answer = await bench.ask("/chunks")
    assert answer.count(b"two") == 50_000 and answer.endswith(b"0\r\n\r\n")


async def test_a_dead_colour_is_a_502_and_counted(bench: Bench) -> None:
    bench.table.targets["blue"] = "127.0.0.1:1"
    answer = await bench.ask()
    assert answer.startswith(b"HTTP/1.1 502") and b"x-generation" in answer
    assert bench.table.errors["blue"] == 1 and bench.table.in_flight["blue"] == 0


@pytest.mark.parametrize(("method", "status"), [("GET", b"200"), ("POST", b"502")])
async def test_only_a_read_is_asked_again_when_a_kept_connection_was_dead(
    bench: Bench, method: str, status: bytes
) -> None:
    await bench.ask()  # leaves a connection to blue behind
    bench.colours["blue"].die_next = True
    answer = await bench.ask("/again", method, b"x" if method == "POST" else b"")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert sum(b"/again" in line for line in bench.colours["blue"].seen) == (1 if method == "GET" else 0)


async def test_contradictory_framing_is_refused(bench: Bench) -> None:
    for framing in (b"content-length: 3\r\ntransfer-encoding: chunked", b"content-length: 3\r\ncontent-length: 4"):
        answer = await bench.raw(b"POST / HTTP/1.1\r\nhost: x\r\n" + framing + b"\r\n\r\nabc")
        assert answer.startswith(b"HTTP/1.1 400")
    assert bench.colours["blue"].seen == []
