"""Real PostgreSQL and Redis from the wheels, for tests of clients and probes. Nothing is left behind."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from actions.sandbox.binaries import postgres_program, redis_server

SECRET = "c4nary/Pa55+word"
"""Password of both servers; no message may ever show it."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.05)


@dataclass
class Server:
    """One running server."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]
    options: list[str] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """As superuser, without password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def redis_running(*options: str) -> Iterator[Server]:
    """A Redis with a password."""
    directory = Path(tempfile.mkdtemp(prefix="vq-redis-"))
    port = free_port()
    words = [str(redis_server()), "--port", str(port), "--dir", str(directory), "--save", "", "--requirepass", SECRET]
    process = subprocess.Popen([*words, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(port, directory, process)
    try:
        wait_for(lambda: _listens(port))
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def postgres_running() -> Iterator[Server]:
    """A PostgreSQL with a password for `postgres` and a plain role `plain` without rights to see others."""
    directory = Path(tempfile.mkdtemp(prefix="vq-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
    (directory / "pw").write_text(SECRET)
    (directory / "pw").chmod(0o644)
    data, port = directory / "data", free_port()
    initdb = [str(postgres_program("initdb")), "-D", str(data), "-U", "postgres", "--auth=scram-sha-256"]
    initdb += [f"--pwfile={directory / 'pw'}", "--no-sync", "--locale=C", "--encoding=UTF8"]
    subprocess.run(initdb, check=True, user=user, cwd=directory, stdout=subprocess.DEVNULL)
    options = ["-c", f"port={port}", "-c", f"unix_socket_directories={directory}", "-c", "fsync=off"]
    options += ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=20"]
    process = subprocess.Popen(
        [str(postgres_program("postgres")), "-D", str(data), *options],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(port, directory, process)
    try:
        wait_for(lambda: _answers(server))
        with psycopg.connect(server.dsn, password=SECRET, autocommit=True) as connection:
            connection.execute(f"create role plain login password '{SECRET}'")
        yield server
    finally:
        process.send_signal(2)  # fast shutdown: open sessions do not hold it up
        process.wait(30)
        shutil.rmtree(directory)


@contextmanager
def standby_running(primary: Server) -> Iterator[Server]:
    """A hot standby that streams from `primary`."""
    directory = Path(tempfile.mkdtemp(prefix="vq-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={SECRET}"
    copy = [str(postgres_program("pg_basebackup")), "-D", str(directory / "data"), "-R", "-d", source, "--no-sync"]
    subprocess.run([*copy, "--checkpoint=fast"], check=True, user=user, cwd=directory)
    port = free_port()
    options = ["-c", f"port={port}", "-c", f"unix_socket_directories={directory}", "-c", "fsync=off"]
    options += ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=20"]
    process = subprocess.Popen(
        [str(postgres_program("postgres")), "-D", str(directory / "data"), *options],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(port, directory, process)
    try:
        wait_for(lambda: _answers(server))
        yield server
    finally:
        process.send_signal(2)
        process.wait(30)
        shutil.rmtree(directory)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answers(server: Server) -> bool:
    try:
        psycopg.connect(server.dsn, password=SECRET, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
