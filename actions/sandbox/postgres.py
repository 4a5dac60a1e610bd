"""Making the PostgreSQL cluster and the application's database in it."""

import contextlib
import ctypes
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from actions.model.errors import VqError
from actions.platforms.local.launch import launch, plain_environment, unprivileged_user
from actions.platforms.local.log_files import open_log, tail
from actions.sandbox.binaries import postgres_program
from actions.sandbox.layout import DATABASE, Layout

INITDB_SECONDS = 60
_IPC_RMID = 0


def make_cluster(layout: Layout) -> None:
    """initdb, once. A directory half made by an interrupted attempt is made anew. Raises VqError with the log's end."""
    data, partial = layout.postgres / "data", layout.postgres / "data.partial"
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(partial, ignore_errors=True)
    user = unprivileged_user()
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(layout.postgres, account.pw_uid, account.pw_gid)
    password = layout.secrets / "postgres"
    options = ["--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    options += ["--no-sync", "--no-instructions", "--wal-segsize=4", f"--pgdata={partial}"]
    log = layout.logs / "initdb.log"
    output = open_log(log)
    try:
        process = launch(
            [str(postgres_program("initdb")), *options], plain_environment(), layout.postgres, output, user=user
        )
        code = process.wait(INITDB_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise VqError(f"initdb could not run{_as(user)}: {error}; see {log}") from error
    finally:
        os.close(output)
    if code != 0:
        raise VqError(f"initdb failed{_as(user)}: {' '.join(tail(log, 3))}; see {log}")
    partial.rename(data)


def _as(user: str | None) -> str:
    return f" as user {user}" if user else ""


def make_database(layout: Layout) -> None:
    """Roles, database and schema; what exists already stays. Raises psycopg.Error."""
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
