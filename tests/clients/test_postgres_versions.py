"""Figures of PostgreSQL 15 to 18: what is under way is not broken, what is left behind is seen."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from pydantic import SecretStr

from actions.clients.postgres import PostgresReader
from actions.clients.postgres_figures import PostgresStatus
from actions.health.probes.postgres import postgres_figures, postgres_summary
from actions.model.services import PostgresThresholds
from actions.model.words import Gate
from tests.servers import SECRET, Server

pytestmark = pytest.mark.xdist_group("postgres-versions")
PASSWORD = SecretStr(SECRET)
AT_ONCE = PostgresThresholds(longest_transaction=0.001)
"""A limit that every open transaction exceeds."""
Version = tuple[str, Server]


@pytest.fixture
async def reader(postgres_version: Version) -> AsyncIterator[PostgresReader]:
    """Reads as the monitoring role does."""
    dsn = postgres_version[1].dsn.replace("postgres@", "monitor@")
    opened = PostgresReader(dsn, password=PASSWORD, timeout=20)
    yield opened
    await opened.close()


def session(server: Server, user: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(server.dsn.replace("postgres@", f"{user}@"), password=SECRET, autocommit=True)


@contextmanager
def open_transaction(server: Server, statement: str) -> Iterator[None]:
    with session(server) as connection:
        connection.execute("begin isolation level repeatable read")
        connection.execute(statement)
        try:
            yield
        finally:
            connection.rollback()


@contextmanager
def command(server: Server, statement: str) -> Iterator[None]:
    """A statement that waits in a session of its own, and is cancelled in the end."""
    with session(server) as connection:
        running = asyncio.get_running_loop().run_in_executor(None, _run, connection, statement)
        try:
            yield
        finally:
            connection.cancel_safe()
            running.cancel()


def _run(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.QueryCanceled:
        return


async def seen(reader: PostgresReader, wanted: Callable[[PostgresStatus], bool]) -> PostgresStatus:
    async with asyncio.timeout(30):
        while not wanted(status := await reader.status()):
            await asyncio.sleep(0.02)
    return status


async def test_the_monitoring_role_reads_every_figure(postgres_version: Version, reader: PostgresReader) -> None:
    status, sizes = await reader.status(), await reader.sizes()
    assert status.version is not None and status.version.split(".")[0] == postgres_version[0]
    assert status.sees_all and not status.unread and not sizes.unread
    absent = {name for name, value in (vars(status) | vars(sizes)).items() if value is None}
    assert absent == {
        *("longest_by", "dump", "index_phase", "prepared_name"),  # nothing of these is there
        *("replication_lag", "receiving"),  # and no replica
    }
    judged = {one.name for one in postgres_figures(status, sizes, PostgresThresholds()) if one.gate is Gate.PASS}
    assert {"connections", "longest transaction", "blocked sessions", "wraparound age", "invalid indexes"} <= judged


@pytest.mark.parametrize(
    "statement",
    [
        "create index concurrently big_i on big (id)",
        "reindex index concurrently big_ready",
        "reindex table concurrently big",
        "drop index concurrently big_ready",
    ],
)
async def test_an_index_that_is_being_built_or_dropped_is_not_invalid(
    postgres_version: Version, reader: PostgresReader, statement: str
) -> None:
    _, server = postgres_version
    with session(server) as one:
        one.execute("create table big (id int, note text)")
        one.execute("create index big_ready on big (id)")
        try:
            # Waits for the older transaction that read the table, with its index invalid meanwhile.
            with open_transaction(server, "select count(*) from big"), command(server, statement):
                await seen(reader, lambda _: _invalid(one) > 0)
                sizes, status = await reader.sizes(), await reader.status()
                assert sizes.invalid_indexes == 0
                if not statement.startswith("drop"):
                    assert (status.blocked, status.index_builds) == (0, 1)
                    assert status.index_phase is not None and status.index_phase.startswith("waiting for")
            if statement.startswith("create"):
                assert (await reader.sizes()).invalid_indexes == 1  # cancelled: it stays behind, and is seen
        finally:
            one.execute("drop table big")


def _invalid(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = connection.execute("select count(*) from pg_index where not indisvalid").fetchone()
    assert row is not None and isinstance(row[0], int)
    return row[0]


async def test_the_parent_of_an_index_on_only_is_not_invalid_for_ever(
    postgres_version: Version, reader: PostgresReader
) -> None:
    with session(postgres_version[1]) as one:
        one.execute("create table parted (id int, d date) partition by range (d)")
        one.execute("create table parted_1 partition of parted for values from ('2026-01-01') to ('2027-01-01')")
        one.execute("create index parted_d on only parted (d)")
        assert _invalid(one) == 1
        assert (await reader.sizes()).invalid_indexes == 0
        one.execute("drop table parted")


async def test_a_prepared_transaction_that_nobody_ends_is_seen(
    postgres_version: Version, reader: PostgresReader
) -> None:
    with session(postgres_version[1]) as one:
        one.execute("create table t2 (id int)")
        one.execute("begin; insert into t2 values (9); prepare transaction 'left'")
        status = await reader.status()
        assert (status.prepared, status.prepared_name) == (1, "left")
        assert status.longest_transaction == 0  # no session has it any more
        figures = postgres_figures(status, await reader.sizes(), AT_ONCE)
        assert {one.name: one.gate for one in figures}["prepared transactions"] is Gate.FAIL
        assert "prepared tx" in postgres_summary(status, figures)
        one.execute("rollback prepared 'left'")
        one.execute("drop table t2")
    assert (await reader.status()).prepared == 0


async def test_a_long_dump_is_named_and_is_no_slow_transaction(
    postgres_version: Version, reader: PostgresReader
) -> None:
    _, server = postgres_version
    with session(server) as one:
        one.execute("create table slow_to_dump (id int)")
        with open_transaction(server, "lock table slow_to_dump"):
            dump = subprocess.Popen(
                [str(server.programs / "pg_dump"), "-d", server.dsn, "-f", "/dev/null"],
                env={"PGPASSWORD": SECRET},
                stderr=subprocess.DEVNULL,
            )
            status = await seen(reader, lambda status: (status.dump or 0) > AT_ONCE.longest_transaction)
            figures = {one.name: one for one in postgres_figures(status, await reader.sizes(), AT_ONCE)}
            assert figures["dump"].gate is Gate.PASS and figures["longest transaction"].gate is Gate.FAIL
            assert "pg_dump" in postgres_summary(status, tuple(figures.values()))
        dump.wait(60)
        one.execute("drop table slow_to_dump")


async def test_the_longest_transaction_has_a_name(postgres_version: Version, reader: PostgresReader) -> None:
    _, server = postgres_version
    with session(server) as one:
        one.execute("set application_name = 'reporting'")
        one.execute("begin")
        status = await seen(reader, lambda status: status.longest_by == "reporting")
        figures = postgres_figures(status, await reader.sizes(), AT_ONCE)
        assert "reporting" in postgres_summary(status, figures)
        one.rollback()


async def test_without_track_activities_no_transaction_is_called_short(
    postgres_version: Version, reader: PostgresReader
) -> None:
    with session(postgres_version[1]) as one:
        one.execute("set track_activities = off")
        one.execute("begin")
        one.execute("select 1")
        status = await reader.status()
        assert status.longest_transaction is None and status.sees_all
        one.rollback()
