"""Real PostgreSQL, Redis and Valkey of several versions, and PgBouncer. Nothing is left behind."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.ports import free_port
from tests.real_programs import pgbouncer, postgres_programs, redis_program

SECRET = "c4nary/Pa55+word"
"""Password of both servers; no message may ever show it."""


def _port_with_bus() -> int:
    """A free port whose cluster bus, 10000 above, is free as well."""
    while True:
        port = free_port()
        with socket.socket() as bus:
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        return port


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
    programs: Path = Path()

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
def redis_running(*options: str, version: str = "valkey-9.1") -> Iterator[Server]:
    """A Redis, or its kin, with a password."""
    directory = Path(tempfile.mkdtemp(prefix="vq-redis-"))
    port = _port_with_bus()
    words = [
        str(redis_program(version)),
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(directory),
        "--save",
        "",
        "--requirepass",
        SECRET,
    ]
    process = subprocess.Popen([*words, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(port, directory, process)
    try:
        wait_for(lambda: _listens(port))
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def sentinel_running(version: str, watched: Server) -> Iterator[Server]:
    """A Sentinel that watches one server."""
    directory = Path(tempfile.mkdtemp(prefix="vq-redis-"))
    port = free_port()
    lines = [f"port {port}", f"dir {directory}", f"sentinel monitor main 127.0.0.1 {watched.port} 1"]
    configuration = directory / "sentinel.conf"
    configuration.write_text("\n".join([*lines, f"sentinel auth-pass main {SECRET}\n"]))
    words = [str(redis_program(version)), str(configuration), "--sentinel"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(port, directory, process)
    try:
        wait_for(lambda: _listens(port))
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def postgres_running(version: str = "18") -> Iterator[Server]:
    """A PostgreSQL with a password for all roles: `postgres`, `monitor`, `app`, and `plain`, which sees no others."""
    directory = Path(tempfile.mkdtemp(prefix="vq-pg-"))
    user = _unprivileged(directory)
    (directory / "pw").write_text(SECRET)
    (directory / "pw").chmod(0o644)
    initdb = [str(postgres_programs(version) / "initdb"), "-D", str(directory / "data"), "-U", "postgres"]
    initdb += [f"--pwfile={directory / 'pw'}", "--auth=scram-sha-256", "--no-sync", "--locale=C", "--encoding=UTF8"]
    subprocess.run(initdb, check=True, user=user, cwd=directory, stdout=subprocess.DEVNULL)
    with _postgres(version, directory, user) as server:
        with psycopg.connect(server.dsn, password=SECRET, autocommit=True) as connection:
            for role in ("plain", "monitor", "app"):
                connection.execute(f"create role {role} login password '{SECRET}'")
            connection.execute("grant pg_monitor to monitor")
        yield server


@contextmanager
def standby_running(primary: Server, version: str = "18") -> Iterator[Server]:
    """A hot standby that streams from `primary`."""
    directory = Path(tempfile.mkdtemp(prefix="vq-pg-"))
    user = _unprivileged(directory)
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={SECRET}"
    copy = [str(primary.programs / "pg_basebackup"), "-D", str(directory / "data"), "-R", "-d", source, "--no-sync"]
    subprocess.run([*copy, "--checkpoint=fast"], check=True, user=user, cwd=directory)
    with _postgres(version, directory, user) as server:
        yield server


@contextmanager
def pgbouncer_running(configuration: str, users: dict[str, str]) -> Iterator[int]:
    """A PgBouncer with this configuration, which names `{port}` and `{users}`; gives its port."""
    directory = Path(tempfile.mkdtemp(prefix="vq-pgb-"))
    user = _unprivileged(directory)
    port, program = free_port(), pgbouncer()
    assert program is not None
    (directory / "users.txt").write_text("".join(f'"{name}" "{secret}"\n' for name, secret in users.items()))
    (directory / "pgbouncer.ini").write_text(configuration.format(port=port, users=directory / "users.txt"))
    directory.chmod(0o755)
    words = [program, "--quiet", str(directory / "pgbouncer.ini")]
    process = subprocess.Popen(words, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(directory)


@contextmanager
def _postgres(version: str, directory: Path, user: str | None) -> Iterator[Server]:
    programs, port = postgres_programs(version), free_port()
    settings = {"port": port, "unix_socket_directories": directory, "listen_addresses": "127.0.0.1", "fsync": "off"}
    settings |= {"max_connections": 20, "max_prepared_transactions": 4, "shared_buffers": "16MB"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(directory / "data"), *options],
        user=user,
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(port, directory, process, programs)
    try:
        wait_for(lambda: _answers(server))
        yield server
    finally:
        process.send_signal(2)  # fast shutdown: open sessions do not hold it up
        process.wait(30)
        shutil.rmtree(directory)


def _unprivileged(directory: Path) -> str | None:
    """The user to run as, whom the directory then belongs to: PostgreSQL and PgBouncer refuse to run as root."""
    if os.geteuid() != 0:
        return None
    os.chown(directory, pwd.getpwnam("nobody").pw_uid, -1)
    return "nobody"


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
