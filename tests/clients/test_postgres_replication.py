"""Replication of two real servers: what is dead or hidden is never a lag of 0."""

import asyncio
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from actions.clients.postgres import PostgresReader
from actions.clients.postgres_figures import PostgresSizes, PostgresStatus
from actions.health.judge import verdict
from actions.health.probes.postgres import WORDS, postgres_figures
from actions.model.services import PostgresThresholds
from actions.model.words import Gate, HealthState
from tests.servers import SECRET, Server, postgres_running, standby_running

PASSWORD = SecretStr(SECRET)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary and the standby that streams from it."""
    with postgres_running() as primary, standby_running(primary) as standby:
        with psycopg.connect(primary.dsn, password=SECRET, autocommit=True) as one:
            one.execute("create table replayed (id int)")
        yield primary, standby


async def seen(server: Server, wanted: Callable[[PostgresStatus], bool], role: str = "postgres") -> PostgresStatus:
    reader = PostgresReader(server.dsn.replace("postgres@", f"{role}@"), password=PASSWORD)
    try:
        async with asyncio.timeout(30):
            while not wanted(status := await reader.status()):
                await asyncio.sleep(0.05)
        return status
    finally:
        await reader.close()


def gates(status: PostgresStatus) -> dict[str, Gate]:
    return {one.name: one.gate for one in postgres_figures(status, PostgresSizes(), PostgresThresholds())}


async def test_both_ends_of_a_replication_that_works(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    first = await seen(primary, lambda one: one.replication_lag is not None)
    assert (first.replicas, first.standby, first.receiving) == (1, False, None)
    second = await seen(standby, lambda one: one.receiving is True and one.replication_lag == 0)
    assert second.standby and gates(second)["wal receiver"] is Gate.PASS


async def test_a_role_that_may_not_see_replicas_is_not_told_that_they_are_up_to_date(
    pair: tuple[Server, Server],
) -> None:
    primary, standby = pair
    first = await seen(primary, lambda one: one.replicas == 1, "plain")
    assert first.replication_lag is None and gates(first)["replication lag"] is Gate.INCONCLUSIVE
    second = await seen(standby, lambda one: one.standby, "plain")
    assert second.replication_lag is None and second.receiving is None
    assert gates(second)["replication lag"] is gates(second)["wal receiver"] is Gate.INCONCLUSIVE


async def test_a_standby_whose_primary_is_dead_is_not_up_to_date(pair: tuple[Server, Server]) -> None:
    """It has replayed all it ever received, and that stays true for hours."""
    primary, standby = pair
    await seen(standby, lambda one: one.receiving is True)
    primary.process.send_signal(2)
    primary.process.wait(30)
    status = await seen(standby, lambda one: one.receiving is False)
    assert status.replication_lag is not None and status.replication_lag > 0
    figures = postgres_figures(status, PostgresSizes(), PostgresThresholds())
    assert gates(status)["wal receiver"] is Gate.FAIL and verdict(figures, WORDS)[0] is HealthState.DEGRADED
