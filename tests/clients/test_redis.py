"""Both halves of the Redis client against a real server."""

import pytest
from pydantic import SecretStr

from actions.clients.redis import RedisReader, RedisWriter
from actions.model.errors import Ambiguous, ConfigError, Refused, Unreachable
from tests.faults.proxy import FaultProxy
from tests.servers import SECRET, Server, redis_running

PASSWORD = SecretStr(SECRET)


async def test_figures(redis_server: Server) -> None:
    reader = RedisReader(redis_server.url, password=PASSWORD)
    status = await reader.status()
    assert status.version[0].isdigit() and status.role == "primary" and status.latency_ms > 0
    assert status.memory_bytes > 100_000 and not status.limit_is_set
    assert status.clients >= 1 and (status.replicas, status.replica_lag, status.link_up) == (0, None, None)
    assert not status.append_only and status.snapshot_ok and not status.loading
    await reader.close()


async def test_hits_and_evictions_are_counted() -> None:
    with redis_running("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru") as server:
        writer = RedisWriter(server.url, password=PASSWORD)
        for number in range(60):
            await writer.command("SET", f"k{number}", "x" * 100_000)
        await writer.command("GET", "k59")
        await writer.command("GET", "nothing")
        reader = RedisReader(server.url, password=PASSWORD)
        status = await reader.status()
        assert (status.hits, status.misses) == (1, 1)
        assert status.evicted > 10 and status.limit_is_set and status.memory_limit == 3 * 1024 * 1024
        await reader.close()
        await writer.close()


async def test_lag_of_a_real_replica(redis_server: Server) -> None:
    options = ("--replicaof", "127.0.0.1", str(redis_server.port), "--masterauth", SECRET)
    with redis_running(*options) as replica:
        reader = RedisReader(replica.url, password=PASSWORD)
        primary = RedisReader(redis_server.url, password=PASSWORD)
        status = await reader.status()
        while not status.link_up:
            status = await reader.status()
        assert status.role == "replica" and status.replica_lag is not None
        seen = await primary.status()
        assert seen.replicas == 1
        await reader.close()
        await primary.close()


async def test_an_increment_whose_answer_is_lost_reaches_the_server_once(redis_server: Server) -> None:
    """Row 49: no resend; the outcome is ambiguous and a probe shows that it took effect once."""
    async with FaultProxy(("127.0.0.1", redis_server.port)) as proxy:
        writer = RedisWriter(f"redis://127.0.0.1:{proxy.port}/0", password=PASSWORD, timeout=1)
        await writer.command("DEL", "tickets")
        received = len(proxy.seen_down)
        # Let the PING before the write be answered, and nothing after it.
        proxy.down.limit_data = received + len(b"+PONG\r\n") + 1
        with pytest.raises(Ambiguous, match="INCR is lost"):
            await writer.command("INCR", "tickets")
        assert proxy.seen_up.count(b"INCR") == 1
        proxy.down.clear()
        assert await writer.command("GET", "tickets") == b"1"
        assert proxy.seen_up.count(b"INCR") == 1
        await writer.close()


async def test_a_write_into_silence_is_ambiguous_and_sent_once(redis_server: Server) -> None:
    async with FaultProxy(("127.0.0.1", redis_server.port)) as proxy:
        writer = RedisWriter(f"redis://127.0.0.1:{proxy.port}/0", password=PASSWORD, timeout=1)
        await writer.command("SET", "silent", "0")
        received = len(proxy.seen_down)
        proxy.down.reset_peer = received + len(b"+PONG\r\n") + 1
        with pytest.raises(Ambiguous):
            await writer.command("INCR", "silent")
        assert proxy.seen_up.count(b"INCR") == 1
        await writer.close()


async def test_a_write_that_never_left_is_unreachable() -> None:
    writer = RedisWriter("redis://127.0.0.1:1/0", timeout=1)
    with pytest.raises(Unreachable, match="INCR was not sent"):
        await writer.command("INCR", "x")
    await writer.close()


async def test_silence_is_bounded_and_the_reader_recovers(redis_server: Server) -> None:
    async with FaultProxy(("127.0.0.1", redis_server.port)) as proxy:
        reader = RedisReader(f"redis://127.0.0.1:{proxy.port}/0", password=PASSWORD, timeout=0.5)
        await reader.status()
        proxy.down.blackhole = True
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 s|Timeout"):
            await reader.status()
        proxy.down.clear()
        assert (await reader.status()).clients >= 1
        await reader.close()


@pytest.mark.parametrize("inline", [True, False])
async def test_a_wrong_password_is_refused_and_never_shown(redis_server: Server, inline: bool) -> None:
    address = f"127.0.0.1:{redis_server.port}/0"
    if inline:
        reader = RedisReader(f"redis://:wr0ngCanary@{address}")
    else:
        reader = RedisReader(f"redis://{address}", password=SecretStr("wr0ngCanary"))
    with pytest.raises(Refused, match="password or user was refused") as caught:
        await reader.status()
    assert "Canary" not in f"{caught.value!s} {caught.value!r} {reader.where}"
    await reader.close()


def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigError):
        RedisReader("redis://host:port/0")
