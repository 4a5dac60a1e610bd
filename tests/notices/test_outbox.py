"""Row 55 in the small: a dead channel costs an attempt, is said beside the notice, and never more."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter
from actions.model.environment import Environment, Notices, Webhook
from actions.model.workloads import SecretSource
from actions.notices.outbox import deliver


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[LedgerWriter]:
    with open_writer(tmp_path / "ledger") as writer:
        yield writer


class Receiver:
    """A webhook that keeps what it gets and answers with `status`."""

    def __init__(self, status: int) -> None:
        self.bodies: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/canary-in-the-path"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver(200)
    yield found
    found.server.shutdown()
    found.server.server_close()


def environments(**webhooks: Webhook) -> dict[str, Environment]:
    return {"production": Environment(notices=Notices(webhooks=webhooks))}


def later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


async def test_a_notice_arrives_once(ledger: LedgerWriter, receiver: Receiver) -> None:
    ledger.queue_notice("production", None, "oncall", "rolled back", {"state": "succeeded"})
    configured = environments(oncall=Webhook(url=receiver.url))
    assert await deliver(ledger, configured, now=later) == 1
    assert await deliver(ledger, configured, now=later) == 0
    assert len(receiver.bodies) == 1
    assert b'"text": "rolled back"' in receiver.bodies[0]
    assert ledger.notices(unsent_only=True) == ()


async def test_who_delivers_all_leaves_new_ones_to_the_runs_own_executor(
    ledger: LedgerWriter, receiver: Receiver
) -> None:
    ledger.queue_notice("production", "RUN1", "oncall", "rolled back", {})
    configured = environments(oncall=Webhook(url=receiver.url))
    assert await deliver(ledger, configured) == 0
    assert await deliver(ledger, configured, run_id="OTHER") == 0
    assert await deliver(ledger, configured, run_id="RUN1") == 1


async def test_a_run_delivers_its_own_however_many_others_wait(ledger: LedgerWriter, receiver: Receiver) -> None:
    for number in range(120):
        ledger.queue_notice("production", None, "oncall", f"older {number}", {})
    ledger.queue_notice("production", "RUN1", "oncall", "rolled back", {})
    assert await deliver(ledger, environments(oncall=Webhook(url=receiver.url)), run_id="RUN1") == 1
    assert len(receiver.bodies) == 1 and b"rolled back" in receiver.bodies[0]


async def test_a_dead_channel_is_kept_for_later_and_does_not_keep_the_others(
    ledger: LedgerWriter, receiver: Receiver
) -> None:
    ledger.queue_notice("production", None, "dead", "a", {})
    ledger.queue_notice("production", None, "oncall", "b", {})
    dead = Webhook(url="http://127.0.0.1:9/hook", timeout=1)
    assert await deliver(ledger, environments(dead=dead, oncall=Webhook(url=receiver.url)), now=later) == 1
    (left,) = ledger.notices(unsent_only=True)
    assert (left.channel, left.attempts) == ("dead", 1)
    assert "cannot be reached" in left.error
    assert ledger.due_notices() == ()


async def test_a_silent_channel_is_left_within_the_bound(ledger: LedgerWriter) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ledger.queue_notice("production", None, "oncall", "a", {})
    url = f"http://127.0.0.1:{port}/"
    try:
        async with asyncio.timeout(30):
            sent = await deliver(ledger, environments(oncall=Webhook(url=url, timeout=60)), seconds=0.3, now=later)
    finally:
        server.close()
    assert sent == 0
    assert "no answer within" in ledger.notices(unsent_only=True)[0].error


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_a_refusing_channel_is_a_failed_attempt(ledger: LedgerWriter, status: int) -> None:
    receiver = Receiver(status)
    ledger.queue_notice("production", None, "oncall", "a", {})
    try:
        assert await deliver(ledger, environments(oncall=Webhook(url=receiver.url)), now=later) == 0
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
    assert str(status) in ledger.notices(unsent_only=True)[0].error


async def test_the_address_of_a_channel_is_in_no_error(ledger: LedgerWriter, tmp_path: Path) -> None:
    secret = tmp_path / "hook"
    secret.write_text("http://127.0.0.1:9/services/T0/canary-in-the-path\n")
    secret.chmod(0o600)
    ledger.queue_notice("production", None, "oncall", "a", {})
    await deliver(ledger, environments(oncall=Webhook(secret_url=SecretSource(file=secret))), now=later)
    ledger.queue_notice("production", None, "gone", "b", {})
    await deliver(ledger, environments(), now=later)
    errors = " ".join(one.error for one in ledger.notices(unsent_only=True))
    assert "canary" not in errors
    assert "no longer configured" in errors
