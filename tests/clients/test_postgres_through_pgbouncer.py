"""A look through PgBouncer leaves the server's session as it was: it belongs to the application's next transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from actions.clients.postgres import PostgresReader
from actions.model.environment import Environment
from actions.model.errors import Unreachable
from actions.model.services import PostgresService
from actions.model.workloads import SecretSource
from actions.releases.schema import read_schemas
from actions.steps.reach import reach
from tests.conftest import Cli
from tests.servers import SECRET, Server, pgbouncer_running, postgres_running, wait_for

pytestmark = [pytest.mark.machine("pgbouncer")]

CONFIGURATION = """
[databases]
transaction = host=127.0.0.1 port={server} dbname=postgres user=app password={secret}
transaction_each = host=127.0.0.1 port={server} dbname=postgres
session = host=127.0.0.1 port={server} dbname=postgres user=app password={secret} pool_mode=session
statement = host=127.0.0.1 port={server} dbname=postgres user=app password={secret} pool_mode=statement
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {{port}}
unix_socket_dir =
auth_type = plain
auth_file = {{users}}
pool_mode = transaction
default_pool_size = 1
"""
"""One server session for each pool, so that whatever a look leaves behind is what the application gets next."""

CONSOLE = """
default_environment = "production"
[environments.production]
band = "red"
[environments.production.services.postgres]
kind = "postgres"
dsn = "postgresql://{user}@127.0.0.1:{port}/{database}"
password = {{ file = "{secret}" }}
"""
LEFT = """
    select current_setting('application_name'), current_setting('transaction_read_only'),
        current_setting('statement_timeout'), current_setting('lock_timeout'),
        (select string_agg(name, ', ') from pg_settings
            where source = 'session' and name not in ('application_name', 'transaction_read_only')),
        (select count(*) from pg_prepared_statements), (select count(*) from pg_class where relpersistence = 't'),
        (select count(*) from pg_locks where locktype = 'advisory')
"""
CLEAN = ("", "off", "0", "0", None, 0, 0, 0)
POOLS = ("transaction", "transaction_each", "session", "statement")
PASSWORD = SecretStr(SECRET)


@pytest.fixture(scope="module")
def pooled() -> Iterator[tuple[Server, int]]:
    """A server and the PgBouncer before it."""
    with postgres_running() as server:
        with psycopg.connect(server.dsn, password=SECRET, autocommit=True) as one:
            one.execute("create table t2 (id int); grant all on t2 to app, monitor, plain")
            one.execute("grant pg_monitor to app")
            for number in range(5):
                one.execute(f"create table business_{number} (id int)")
        configuration = CONFIGURATION.format(server=server.port, secret=SECRET)
        with pgbouncer_running(configuration, dict.fromkeys(("app", "monitor"), SECRET)) as port:
            yield server, port


def dsn(port: int, pool: str) -> str:
    """As the console connects: in the pool of its own role where each role has one, else in the application's."""
    return f"postgresql://monitor@127.0.0.1:{port}/{pool}"


def application(port: int, pool: str, user: str = "app") -> "psycopg.Connection[tuple[object, ...]]":
    """A client that sets nothing."""
    address = f"host=127.0.0.1 port={port} dbname={pool} user={user} application_name=''"
    return psycopg.connect(address, password=SECRET, autocommit=True, prepare_threshold=None, connect_timeout=20)


def works(port: int, pool: str) -> None:
    """The application writes, and whoever gets the console's session finds nothing of it."""
    users = ("app", "monitor") if pool == "transaction_each" else ("app",)
    for user in users:
        with application(port, pool, user) as one:
            assert one.execute("insert into t2 values (1)").rowcount == 1
            assert one.execute(LEFT).fetchone() == CLEAN


@pytest.fixture(params=POOLS)
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def reader(pooled: tuple[Server, int], pool: str) -> AsyncIterator[PostgresReader]:
    opened = PostgresReader(dsn(pooled[1], pool), password=PASSWORD, timeout=10)
    yield opened
    await opened.close()


async def _refused(reader: PostgresReader) -> None:
    with pytest.raises(Unreachable):
        await reader.scalar("insert into t2 values (2)")


async def _setting(reader: PostgresReader) -> None:
    with suppress(Unreachable):  # a pool of statements refuses any transaction
        await reader.scalar("select set_config('statement_timeout', '1', false)")


LOOKS: dict[str, Callable[[PostgresReader], Awaitable[object]]] = {
    "status": PostgresReader.status,
    "sizes": PostgresReader.sizes,
    "tables": PostgresReader.tables,
    "refused": _refused,
    "setting": _setting,
}


@pytest.mark.parametrize("look", sorted(LOOKS))
async def test_the_application_works_after_a_look(
    pooled: tuple[Server, int], pool: str, reader: PostgresReader, look: str
) -> None:
    port = pooled[1]
    works(port, pool)
    for _ in range(2):
        await LOOKS[look](reader)
    works(port, pool)  # while the console is still there: in a session pool it gave its place back
    await reader.close()
    works(port, pool)


async def test_the_application_works_after_a_look_that_was_given_up(pooled: tuple[Server, int]) -> None:
    server, port = pooled
    reader = PostgresReader(dsn(port, "transaction"), password=PASSWORD, timeout=1)
    with pytest.raises(Unreachable):
        await reader.scalar("select pg_sleep(60)")
    await reader.close()
    works(port, "transaction")
    hasty = PostgresReader(dsn(port, "transaction"), password=PASSWORD, timeout=20)
    asked = asyncio.create_task(hasty.scalar("select pg_sleep(60)"))
    with psycopg.connect(server.dsn, password=SECRET, autocommit=True) as one:
        sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"

        def sleeps() -> bool:
            return one.execute(f"{sleeping} and pid <> pg_backend_pid()").fetchone() == (1,)

        await asyncio.to_thread(wait_for, sleeps)
    asked.cancel()
    with suppress(asyncio.CancelledError, Unreachable):
        await asked
    await hasty.close()
    works(port, "transaction")


async def test_the_application_works_after_the_checks_of_a_rollback(
    pooled: tuple[Server, int], tmp_path: Path, pool: str
) -> None:
    port = pooled[1]
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    service = PostgresService(
        dsn=dsn(port, pool), password=SecretSource(file=secret), timeout=10, schema_query="select count(*) from t2"
    )
    assert (await reach("postgres", service)).gate == "pass"
    schemas, note = await read_schemas(Environment(services={"postgres": service}))
    assert set(schemas) == ({"postgres"} if pool != "statement" else set()), note
    works(port, pool)


@pytest.mark.parametrize("pool", ["transaction", "session"])
def test_the_application_works_after_a_look_of_the_program(
    pooled: tuple[Server, int], tmp_path: Path, cli: Cli, pool: str
) -> None:
    port = pooled[1]
    secret, config = tmp_path / "secret", tmp_path / "vq-tui.toml"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    config.write_text(CONSOLE.format(user="monitor", port=port, database=pool, secret=secret))
    works(port, pool)
    said = cli("--config", config, "--read-only", "status", "--json")
    services = {one["service"]: one for one in said.json["services"]}
    assert services["postgres"]["state"] == "ok", said
    works(port, pool)
