"""What a run cost is measured; what nobody measured is unknown, never 0."""

import asyncio
import json

import pytest

from actions.model.environment import Environment
from actions.model.services import HttpService, Witness
from actions.steps.measures import Measures, _from_users
from actions.steps.witness import Tally
from tests.platforms.fake import environment, front


async def counters(state: object, audit: object, asked: list[str]) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        asked.append(path)
        body = json.dumps(state if path.startswith("/state") else audit).encode()
        status = b"200 OK" if body != b"null" else b"503 No"
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


async def asked_for(measures: Measures, count: int) -> None:
    async with asyncio.timeout(10):
        while measures._witness is None or measures._witness.tally.asked < count:
            await asyncio.sleep(0.02)


async def test_own_witness_counts_what_failed_and_for_how_long(world):
    async with front(world) as addresses:
        measures = Measures(environment(addresses, world), "api")
        await measures.start()
        await asked_for(measures, 6)
        world.endpoint_status = 500
        await asked_for(measures, 12)
        so_far = await measures.so_far()
        assert so_far["failed_requests"] >= 4 and so_far["measured_by"] == "probe" and "lost_writes" not in so_far
        world.endpoint_status = 200
        await asked_for(measures, 18)
        figures = await measures.stop()
    assert figures["measured_by"] == "probe" and figures["requests"] >= 18
    assert 4 <= figures["failed_requests"] <= 8 and figures["downtime_seconds"] > 0.15
    assert figures["lost_writes"] is None and figures["users_affected"] is None


async def test_users_counters_are_preferred_and_asked_since_the_run_began(world):
    asked: list[str] = []
    server = await counters(
        {"requests": 500, "failed": 0, "downtime": {"total_seconds": 0.0}}, {"lost_writes": 0}, asked
    )
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with front(world) as addresses, server:
        settings = environment(addresses, world)
        service = settings.services["api"].model_copy(
            update={"witness": Witness(state=f"{base}/state", audit=f"{base}/audit")}
        )
        measures = Measures(settings.model_copy(update={"services": {"api": service}}), "api")
        await measures.start()
        assert (await measures.so_far())["requests"] == 500
        figures = await measures.stop()
    assert (figures["failed_requests"], figures["requests"], figures["lost_writes"]) == (0, 500, 0)
    assert figures["users_affected"] == 0 and figures["measured_by"] == "users"
    assert {path.partition("=")[0] for path in asked} == {"/state?since", "/audit"}, "every write ever is audited"


async def test_an_audit_that_cannot_be_made_is_unknown_and_says_why(world):
    server = await counters({"requests": 5, "failed": 1, "downtime": {"total_seconds": 0.0}}, None, [])
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        service = HttpService(url="http://127.0.0.1:1", witness=Witness(state=f"{base}/state", audit=f"{base}/audit"))
        figures = await Measures(Environment(services={"api": service}), "api").stop()
    assert figures["lost_writes"] is None and "503" in figures["problems"][0]
    assert figures["users_affected"] is None


async def test_without_any_source_every_figure_is_unknown():
    figures = await Measures(Environment(), "api").stop()
    assert figures["measured_by"] == "nobody"
    assert all(figures[name] is None for name in ("downtime_seconds", "failed_requests", "requests", "lost_writes"))


def test_every_lost_request_counts_until_the_next_good_answer():
    assert round(Tally(outcomes=[(0.0, True), (0.1, False), (0.2, True)]).downtime(), 3) == 0.1
    every_second = [(at / 20, at % 2 == 0) for at in range(200)]
    assert round(Tally(failed=100, outcomes=every_second).downtime(), 1) == 4.9
    tally = Tally(outcomes=[(0.0, True), (0.1, False), (0.2, False), (0.4, True), (0.5, False), (0.6, False)])
    assert round(tally.downtime(), 3) == 0.4


@pytest.mark.parametrize(("downtime", "tally", "expected"), [
    (0.0, Tally(asked=4, failed=2, outcomes=[(0.0, True), (0.1, False), (0.2, False), (0.4, True)]), 0.3),
    (0.0, Tally(asked=1, outcomes=[(0.0, True)]), None),
    (0.0, None, None),
    (2.5, None, 2.5),
])  # fmt: skip
def test_lost_requests_are_never_shown_beside_no_downtime(downtime, tally, expected):
    figures = _from_users({"failed": 182, "requests": 900, "downtime": {"total_seconds": downtime}}, tally)
    assert (figures["failed_requests"], figures["downtime_seconds"]) == (182, expected)
