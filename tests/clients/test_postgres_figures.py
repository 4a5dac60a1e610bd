"""A figure that cannot be read is absent, whatever the reason, and takes no other figure with it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from actions.clients import postgres
from actions.clients.postgres import PostgresReader
from actions.clients.postgres_figures import CHEAP, COSTLY, Expression, sizes_of, status_of
from actions.health.probes.data_verdict import data_verdict
from actions.health.probes.postgres import WORDS, postgres_figures
from actions.model.services import PostgresThresholds
from actions.model.words import Gate, HealthState
from tests.servers import SECRET, Server

GOOD: dict[str, Any] = {
    "version": "18.6",
    "maximum_connections": 100,
    "connections": 41,
    "sees_all": True,
    "longest_transaction": Decimal("2.5"),
    "longest_by": "reporting",
    "dump": Decimal(3),
    "blocked": 0,
    "index_builds": 1,
    "index_phase": "building index",
    "prepared": 1,
    "oldest_prepared": Decimal(4),
    "prepared_name": "left",
    "standby": True,
    "replicas": 1,
    "replication_lag": Decimal(0),
    "receiver": "streaming",
}
FIELDS = {"receiver": "receiving"}
ODD = (None, b"", (), ..., float("nan"), float("inf"))


@pytest.fixture
async def reader(postgres_server: Server) -> AsyncIterator[PostgresReader]:
    opened = PostgresReader(postgres_server.dsn, password=SecretStr(SECRET), timeout=20)
    yield opened
    await opened.close()


def test_good_values_are_taken() -> None:
    assert set(GOOD) == set(CHEAP)
    status = vars(status_of(1.0, GOOD, {}))
    assert all(status[FIELDS.get(name, name)] is not None for name in GOOD)


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_an_odd_value_is_no_figure(name: str, value: object) -> None:
    status = vars(status_of(1.0, GOOD | {name: value}, {}))
    if name == "sees_all":  # nobody says that all sessions are shown
        assert not status["sees_all"] and status["longest_transaction"] is None and status["blocked"] is None
        return
    assert status.pop(FIELDS.get(name, name)) is None
    assert None not in status.values()


@pytest.mark.parametrize("name", sorted(COSTLY))
@pytest.mark.parametrize("value", (*ODD, -1, True, "5"), ids=repr)
def test_an_odd_size_is_no_figure(name: str, value: object) -> None:
    sizes = vars(sizes_of(dict.fromkeys(COSTLY, 5) | {name: value}, {}))
    assert sizes.pop(name) is None and None not in sizes.values()


@pytest.mark.parametrize("name", sorted(CHEAP))
async def test_a_figure_that_the_server_refuses_is_absent_with_its_reason(
    reader: PostgresReader, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(postgres, "CHEAP", CHEAP | {name: Expression("(select 1 from pg_stat_nothing)")})
    status = await reader.status()
    assert set(status.unread) == {name} and "pg_stat_nothing" in status.unread[name]
    if name != "sees_all":
        assert getattr(status, FIELDS.get(name, name)) is None
    assert (status.version is None, status.connections is None) == (name == "version", name == "connections")
    again = await reader.status()  # one query again, without the figure that is refused
    assert set(again.unread) == {name}
    for figure in postgres_figures(status, sizes_of(dict.fromkeys(COSTLY, 5), {}), PostgresThresholds()):
        if "pg_stat_nothing" in figure.label:
            assert figure.value in (None, "not known") and figure.gate is Gate.INCONCLUSIVE


@pytest.mark.parametrize("name", sorted(COSTLY))
async def test_a_size_that_the_server_refuses_is_absent_with_its_reason(
    reader: PostgresReader, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(postgres, "COSTLY", COSTLY | {name: Expression("(select 1 from pg_stat_nothing)")})
    sizes = vars(await reader.sizes())
    assert sizes.pop(name) is None and None not in sizes.values()
    assert set(sizes["unread"]) == {name}


async def test_a_size_that_takes_too_long_costs_no_other_figure(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "COSTLY", {**COSTLY, "size_bytes": Expression("(select 1 from pg_sleep(60))")})
    reader = PostgresReader(postgres_server.dsn, password=SecretStr(SECRET), timeout=2)
    sizes = vars(await reader.sizes())
    assert sizes.pop("size_bytes") is None and None not in sizes.values()
    await reader.close()


async def test_a_right_that_was_taken_away_is_no_outage(postgres_server: Server) -> None:
    with psycopg.connect(postgres_server.dsn, password=SECRET, autocommit=True) as one:
        one.execute("revoke select on pg_stat_replication from public")
        try:
            opened = PostgresReader(postgres_server.dsn.replace("postgres@", "plain@"), password=SecretStr(SECRET))
            status = await opened.status()
            await opened.close()
        finally:
            one.execute("grant select on pg_stat_replication to public")
    assert set(status.unread) == {"replicas", "replication_lag"} and status.connections is not None
    figures = {one.name: one for one in postgres_figures(status, sizes_of({}, {}), PostgresThresholds())}
    assert figures["replication lag"].gate is Gate.INCONCLUSIVE
    assert "permission denied" in figures["replication lag"].label


async def test_text_of_a_database_without_an_encoding_is_read(postgres_server: Server) -> None:
    with psycopg.connect(postgres_server.dsn, password=SECRET, autocommit=True) as one:
        one.execute("create database bare encoding 'SQL_ASCII' template template0")
    reader = PostgresReader(f"{postgres_server.dsn[:-8]}bare", password=SecretStr(SECRET), timeout=20)
    assert (await reader.status()).version is not None
    assert await reader.scalar("select '41'") == "41"
    await reader.close()


def test_a_server_of_which_nothing_can_be_read_is_not_well() -> None:
    nothing = postgres_figures(status_of(1.0, {}, {}), sizes_of({}, {}), PostgresThresholds())
    assert data_verdict(nothing, WORDS) == (HealthState.UNKNOWN, "unread")
