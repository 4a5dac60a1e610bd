"""Redis 6.2 to 8.2 and Valkey 9.1: a server is what it is, and answering PING is not yet serving keys."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from actions.clients.redis import RedisReader, RedisWriter
from actions.clients.redis_info import RedisStatus
from actions.health.probes.redis import redis_figures, redis_verdict
from actions.model.services import RedisService, RedisThresholds
from actions.model.words import Gate, HealthState
from actions.model.workloads import SecretSource
from actions.steps.reach import reach
from tests.faults.proxy import FaultProxy
from tests.real_programs import REDIS_VERSIONS
from tests.servers import SECRET, Server, redis_running, sentinel_running

pytestmark = pytest.mark.xdist_group("redis-versions")
PASSWORD = SecretStr(SECRET)
SLOTS = 16_384
CALM = RedisThresholds(latency_ms=60_000)
Version = tuple[str, Server]


@pytest.fixture
async def writer(redis_version: Version) -> AsyncIterator[RedisWriter]:
    opened = RedisWriter(redis_version[1].url, password=PASSWORD)
    yield opened
    await opened.close()


@pytest.fixture(scope="module", params=REDIS_VERSIONS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A node of a cluster that has no slots yet: its state is fail."""
    with redis_running("--cluster-enabled", "yes", version=request.param) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> SecretSource:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return SecretSource(file=path)


async def look(url: str, **options: object) -> RedisStatus:
    reader = RedisReader(url, **({"password": PASSWORD, "timeout": 20} | options))
    try:
        return await reader.status()
    finally:
        await reader.close()


def judged(status: RedisStatus) -> tuple[HealthState, str]:
    return redis_verdict(status, redis_figures(status, None, CALM))


async def test_every_figure_of_a_lone_server_is_read_under_its_own_name(redis_version: Version) -> None:
    name, server = redis_version
    status = await look(server.url)
    product, _, version = name.partition("-")
    assert status.product == product.capitalize() and (status.version or "").startswith(version)
    absent = {field for field, value in vars(status).items() if value is None}
    assert absent == {"replica_lag", "link_up", "cluster_ok"}
    assert (status.role, status.cluster, status.refused) == ("primary", False, "")
    assert judged(status) == (HealthState.OK, "ok")


async def test_a_server_that_never_saved_proves_no_persistence_until_it_does(
    redis_version: Version, writer: RedisWriter
) -> None:
    before = await look(redis_version[1].url)
    assert before.saved is False and before.snapshot_ok
    await writer.command("BGSAVE")
    async with asyncio.timeout(30):
        while not (await look(redis_version[1].url)).saved:
            await asyncio.sleep(0.02)
    figures = redis_figures(await look(redis_version[1].url), None, CALM)
    assert {one.name: one.gate for one in figures}["persistence"] is Gate.PASS


async def test_a_user_who_may_only_ping_and_ask_info_sees_a_healthy_server(
    redis_version: Version, writer: RedisWriter
) -> None:
    await writer.command("ACL", "SETUSER", "mon", "on", "nopass", "+ping", "+info")
    url = redis_version[1].url.replace("/0", "/3")  # nor may it select a database
    status = await look(url, username="mon", password=None)
    assert judged(status) == (HealthState.OK, "ok") and status.clients is not None


async def test_a_user_who_may_only_ping_is_told_that_nothing_can_be_read(
    redis_version: Version, writer: RedisWriter
) -> None:
    await writer.command("ACL", "SETUSER", "blind", "on", "nopass", "+ping")
    status = await look(redis_version[1].url, username="blind", password=None)
    assert judged(status) == (HealthState.UNKNOWN, "unread")
    assert "permissions" in status.refused and status.memory_bytes is None


async def test_a_look_sends_each_command_once_and_no_other(redis_version: Version) -> None:
    async with FaultProxy(("127.0.0.1", redis_version[1].port)) as proxy:
        reader = RedisReader(f"redis://127.0.0.1:{proxy.port}/0", password=PASSWORD, timeout=20)
        await reader.status()
        await reader.status()
        await reader.close()
        words = proxy.seen_up.split(b"\r\n")
        sent = [words[at + 2].decode() for at, word in enumerate(words) if word.startswith(b"*") and word[1:].isdigit()]
        assert sent == ["AUTH", "CLIENT", "PING", "INFO", "PING", "INFO"]


async def test_a_cluster_without_slots_is_down_until_they_are_assigned(cluster: Server, secret: SecretSource) -> None:
    service = RedisService(url=cluster.url, password=secret, timeout=20)
    status = await look(cluster.url)
    assert judged(status) == (HealthState.DOWN, "failing") and "0 of 16384 slots" in status.cluster_words
    assert (await reach("cache", service)).gate is Gate.FAIL
    writer = RedisWriter(cluster.url, password=PASSWORD, timeout=20)
    await writer.command("CLUSTER", "ADDSLOTS", *range(SLOTS))
    async with asyncio.timeout(30):
        while not (await look(cluster.url)).cluster_ok:
            await asyncio.sleep(0.05)
    assert judged(await look(cluster.url)) == (HealthState.OK, "ok")
    assert (await reach("cache", service)).gate is Gate.PASS
    await writer.command("ACL", "SETUSER", "mon", "on", "nopass", "+ping", "+info")
    unread = await look(cluster.url, username="mon", password=None)
    assert judged(unread) == (HealthState.UNKNOWN, "unread")  # nobody told that it serves
    await writer.close()


async def test_a_sentinel_is_no_server_of_data(redis_version: Version, secret: SecretSource) -> None:
    name, watched = redis_version
    with sentinel_running(name, watched) as sentinel:
        status = await look(sentinel.url, password=None)
        assert status.role == "sentinel" and judged(status) == (HealthState.UNKNOWN, "sentinel")
        checked = await reach("cache", RedisService(url=sentinel.url, timeout=20))
        assert checked.gate is Gate.INCONCLUSIVE and "Sentinel" in checked.evidence
