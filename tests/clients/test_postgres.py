"""The reading half of PostgreSQL against a real server."""

import asyncio
import time

import psycopg
import pytest
from pydantic import SecretStr

from actions.clients.postgres import PostgresReader
from actions.model.errors import ConfigError, Unreachable
from tests.faults.proxy import FaultProxy
from tests.servers import SECRET, Server

PASSWORD = SecretStr(SECRET)


async def test_figures_of_a_busy_server(postgres_server: Server) -> None:
    reader = PostgresReader(postgres_server.dsn, password=PASSWORD)
    with psycopg.connect(postgres_server.dsn, password=SECRET) as one:
        one.execute("create table if not exists busy (id int)")
        one.commit()
        one.execute("lock table busy")
        other = psycopg.connect(postgres_server.dsn, password=SECRET)
        waiting = asyncio.create_task(asyncio.to_thread(other.execute, "lock table busy"))
        status = await reader.status()
        while status.blocked == 0:
            status = await reader.status()
        assert status.blocked == 1
        assert status.connections == 3 and status.maximum_connections == 20
        assert status.longest_transaction is not None and 0 < status.longest_transaction < 60
        assert (status.standby, status.replicas, status.replication_lag) == (False, 0, None)
        assert status.sees_all and status.version[:2].isdigit() and status.latency_ms > 0
        one.rollback()
        await waiting
        other.close()
    await reader.close()


async def test_sizes_and_invalid_indexes(postgres_server: Server) -> None:
    with psycopg.connect(postgres_server.dsn, password=SECRET, autocommit=True) as one:
        one.execute("create table if not exists pairs (id int)")
        one.execute("insert into pairs values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            one.execute("create unique index concurrently pairs_once on pairs (id)")
        reader = PostgresReader(postgres_server.dsn, password=PASSWORD)
        sizes = await reader.sizes()
        one.execute("drop table pairs")
    assert sizes.invalid_indexes == 1 and sizes.size_bytes > 1_000_000 and sizes.wraparound_age > 0
    assert sizes.tables >= 1
    await reader.close()


async def test_a_role_without_rights_gets_no_invented_figures(postgres_server: Server) -> None:
    reader = PostgresReader(postgres_server.dsn.replace("postgres@", "plain@"), password=PASSWORD)
    with psycopg.connect(postgres_server.dsn, password=SECRET) as one:
        one.execute("select 1")
        status = await reader.status()
    assert not status.sees_all and status.longest_transaction is None and status.blocked is None
    assert status.connections >= 2
    await reader.close()


async def test_the_session_is_named_and_reads_only(postgres_server: Server) -> None:
    reader = PostgresReader(postgres_server.dsn, password=PASSWORD)
    assert await reader.scalar("select current_setting('application_name')") == "vq-tui"
    with pytest.raises(Unreachable, match="read-only transaction"):
        await reader.scalar("create table forbidden (id int)")
    with pytest.raises(Unreachable, match=r"no answer within|statement timeout"):
        await reader.scalar("select pg_sleep(30)")
    assert await reader.scalar("select E'a\\x1b]0;x\\x07b'") == "a\ufffdb"
    await reader.close()


async def test_one_connection_is_kept_and_replaced_when_the_server_drops_it(postgres_server: Server) -> None:
    reader = PostgresReader(postgres_server.dsn, password=PASSWORD)
    first = await reader.scalar("select pg_backend_pid()")
    assert await reader.scalar("select pg_backend_pid()") == first
    with psycopg.connect(postgres_server.dsn, password=SECRET) as one:
        one.execute("select pg_terminate_backend(%s)", (first,))
    with pytest.raises(Unreachable):
        await reader.scalar("select 1")
    assert await reader.scalar("select pg_backend_pid()") != first
    await reader.close()


async def test_a_silent_server_costs_the_timeout_and_not_more(postgres_server: Server) -> None:
    async with FaultProxy(("127.0.0.1", postgres_server.port)) as proxy:
        reader = PostgresReader(
            f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres", password=PASSWORD, timeout=0.5
        )
        assert await reader.scalar("select 1") == 1
        proxy.down.blackhole = True
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
            await reader.status()
        assert time.monotonic() - began < 3
        proxy.down.clear()
        assert await reader.scalar("select 1") == 1
        await reader.close()


async def test_a_server_that_is_silent_from_the_start(postgres_server: Server) -> None:
    async with FaultProxy(("127.0.0.1", postgres_server.port)) as proxy:
        proxy.down.blackhole = True
        dsn = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
        reader = PostgresReader(dsn, password=PASSWORD, timeout=0.5)
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
            await reader.status()
        proxy.drop()
        proxy.down.clear()
        reader = PostgresReader(dsn, password=PASSWORD, timeout=10)
        assert (await reader.status()).maximum_connections == 20
        await reader.close()


@pytest.mark.parametrize("form", ["password", "inline", "keywords"])
async def test_a_wrong_password_is_named_and_never_shown(postgres_server: Server, form: str) -> None:
    wrong = "wr0ng/Canary+"
    if form == "password":
        reader = PostgresReader(postgres_server.dsn, password=SecretStr(wrong))
    elif form == "inline":
        address = f"127.0.0.1:{postgres_server.port}/postgres"
        reader = PostgresReader(f"postgresql://postgres:wr0ng%2FCanary%2B@{address}")
    else:
        reader = PostgresReader(f"host=127.0.0.1 port={postgres_server.port} user=postgres password={wrong}")
    with pytest.raises(Unreachable, match="password authentication failed") as caught:
        await reader.status()
    for text in (
        str(caught.value),
        repr(caught.value),
        repr(caught.value.__context__ and ""),
        repr(vars(reader)["_secrets"]),
    ):
        assert "Canary" not in text


async def test_refused_and_unreadable() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/"):
        await PostgresReader("postgresql://u@127.0.0.1:1/x").status()
    with pytest.raises(ConfigError, match="not a connection string") as caught:
        PostgresReader("host=x passwort=hunter2222")
    assert "hunter2222" not in str(caught.value)
