"""Making the PostgreSQL cluster and the application's database in it."""

import contextlib
import ctypes
import os
import pwd
import shutil
from pathlib import Path

import psycopg
from psycopg import sql

from actions.clients.processes import ProcessSpec, ProcessState, RestartPolicy
from actions.clients.supervisor import SupervisorWriter
from actions.model.errors import UnknownNameError, VqError
from actions.model.identity import new_id
from actions.model.waiting import Deadline, until
from actions.platforms.local.launch import unprivileged_user
from actions.platforms.local.log_files import tail
from actions.sandbox.binaries import postgres_program
from actions.sandbox.layout import DATABASE, Layout

INITDB_SECONDS = 60
_IPC_RMID = 0


async def make_cluster(layout: Layout, supervisor: SupervisorWriter) -> None:
    """initdb, once, under the supervisor so that it cannot outlive it. Raises VqError with the end of its log.

    What an interrupted attempt left half made is made anew.
    """
    data, partial = layout.postgres / "data", layout.postgres / "data.partial"
    if (data / "PG_VERSION").exists():
        return
    with contextlib.suppress(UnknownNameError):
        await supervisor.remove("initdb", key=f"up-{new_id()}")
    shutil.rmtree(partial, ignore_errors=True)
    user = unprivileged_user()
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(layout.postgres, account.pw_uid, account.pw_gid)
    await supervisor.replace(_initdb_spec(layout, partial, user), key=f"up-{new_id()}")
    facts = await until(
        lambda: supervisor.process("initdb"),
        lambda facts: facts.state is not ProcessState.RUNNING,
        Deadline(INITDB_SECONDS),
        lambda _: "initdb still works",
        every=0.03,
    )
    await supervisor.remove("initdb", key=f"up-{new_id()}")
    if facts.exit_code != 0:
        raise VqError(f"initdb failed: {facts.reason}; {' '.join(tail(facts.log, 3))}; see {facts.log}")
    partial.rename(data)


def _initdb_spec(layout: Layout, target: Path, user: str | None) -> ProcessSpec:
    options = ["--username=postgres", f"--pwfile={layout.secrets / 'postgres'}", "--auth=scram-sha-256"]
    options += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=4"]
    return ProcessSpec(
        name="initdb",
        argv=(str(postgres_program("initdb")), *options, f"--pgdata={target}"),
        cwd=layout.postgres,
        user=user,
        restart=RestartPolicy.NEVER,
    )


def make_database(layout: Layout) -> None:
    """Roles, database and schema; what exists already stays. Raises VqError."""
    try:
        _make_database(layout)
    except psycopg.Error as error:
        raise VqError(f"the database of the embedded stack cannot be set up: {str(error).strip()}") from error


def _make_database(layout: Layout) -> None:
    with _connect(layout, "postgres") as connection:
        connection.execute(
            "set log_min_error_statement = panic"
        )  # a failing statement must not put a password in the log
        roles = {str(row[0]) for row in connection.execute("select rolname from pg_roles")}
        for role in {"vq", "vq_monitor"} - roles:
            connection.execute(
                sql.SQL("create role {} login password {}").format(sql.Identifier(role), layout.secret(role))
            )
        connection.execute("grant pg_monitor, pg_read_all_data, pg_use_reserved_connections to vq_monitor")
        if connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("create database {} owner vq").format(sql.Identifier(DATABASE)))
    schema = (Path(__file__).parent / "schema.sql").read_bytes()
    with psycopg.connect(layout.dsn("vq"), password=layout.secret("vq"), connect_timeout=5) as connection:
        connection.execute(schema)


def _connect(layout: Layout, database: str) -> "psycopg.Connection[tuple[object, ...]]":
    dsn = layout.dsn("postgres", database)
    return psycopg.connect(dsn, password=layout.secret("postgres"), connect_timeout=5, autocommit=True)


def answers(layout: Layout) -> bool:
    """Whether PostgreSQL takes connections now."""
    try:
        with _connect(layout, "postgres"):
            return True
    except psycopg.OperationalError:
        return False


def release_shared_memory(layout: Layout) -> None:
    """Give back the small System V segment of a server that was killed. Only for a server that is gone."""
    with contextlib.suppress(FileNotFoundError):
        lines = (layout.postgres / "data" / "postmaster.pid").read_text().splitlines()
        words = lines[6].split() if len(lines) > 6 else []
        if len(words) == 2 and words[1].isdecimal():
            ctypes.CDLL(None).shmctl(int(words[1]), _IPC_RMID, None)
