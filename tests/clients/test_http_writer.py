"""A write is sent once; what is not known afterwards is said (rows 16, 17 for HTTP)."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from actions.clients.http import HttpReader, HttpWriter, Trouble
from actions.model.errors import Ambiguous, Unreachable
from tests.faults.proxy import FaultProxy
from tests.hostile_http import BadServer, answer, bad_server


@pytest.fixture
async def server() -> AsyncIterator[BadServer]:
    async with bad_server() as one:
        one.answers["/hook"] = lambda: answer(b"taken", "202 Accepted")
        yield one


async def test_an_answer_is_returned_also_a_refusing_one(server: BadServer) -> None:
    writer = HttpWriter(server.url, timeout=2)
    taken = await writer.post("/hook", b"{}")
    assert (taken.status, taken.body) == (202, b"taken")
    assert (await writer.put("/nowhere", b"{}")).status == 404
    redirected = await writer.post("/metadata", b"{}")
    assert redirected.trouble is Trouble.REDIRECT and not redirected.good
    assert [one.method for one in server.requests] == ["POST", "PUT", "POST"]
    assert server.requests[0].headers["content-type"] == "application/json"


async def test_nothing_sent_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="nothing was sent"):
        await HttpWriter("http://127.0.0.1:1", timeout=1).post("/hook", b"{}")
    with pytest.raises(Unreachable, match="does not resolve"):
        await HttpWriter("http://no-such-host.invalid", timeout=2).post("/hook", b"{}")


@pytest.mark.parametrize("fault", ["cut", "reset", "silence"])
async def test_a_lost_answer_is_ambiguous_and_nothing_is_sent_again(server: BadServer, fault: str) -> None:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        if fault == "cut":
            proxy.down.limit_data = 0
        elif fault == "reset":
            proxy.down.reset_peer = 0
        else:
            proxy.down.blackhole = True
        with pytest.raises(Ambiguous, match="may have taken effect"):
            await HttpWriter(proxy.url, timeout=1).post("/hook", b"{}")
    assert server.asked("/hook") == 1


async def test_concealed_addresses_stay_out_of_every_message(server: BadServer) -> None:
    hidden = HttpWriter(f"{server.url}/services/T0/c4nary", timeout=0.3, conceal=True)
    seen = [str(await hidden.post("", b"{}"))]
    for url in ("http://127.0.0.1:1/services/c4nary", f"{server.url}/silence/c4nary"):
        server.answers["/silence/c4nary"] = lambda: b""
        with pytest.raises((Unreachable, Ambiguous)) as caught:
            await HttpWriter(url, timeout=0.3, conceal=True, headers={"X": SecretStr("c4nary-too")}).post("", b"{}")
        seen.append(f"{caught.value} {caught.value!r}")
    assert "c4nary" not in " ".join(seen)


def test_a_reader_has_no_way_to_write() -> None:
    assert not any(hasattr(HttpReader, name) for name in ("post", "put", "send", "delete", "patch", "request"))
