"""Starts `python -m MODULE` by a fork of `fork_server`: a process of its own, without a second of imports.

    process = start(Call("vq_tui", ["status"], environment, cwd), preload=COMMANDS)           # to be used like a Popen
    out, err = process.communicate(timeout=60)

What the interpreter and the libraries read from the environment while they load cannot be changed after a fork: a call
whose environment differs there is a real start, and so is every call with `VQ_FORKS=0`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.fork_server import LONGEST, Call, lead
from vq_tui.app import PROFILE

REPOSITORY = Path(__file__).resolve().parents[1]
READ_AT_IMPORT = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TEXTUAL", "PSYCOPG_", "AIOHTTP_", "TYPER_")
"""Beginnings of the names of variables that are read while modules load."""


@dataclass(frozen=True)
class Preload:
    """What a server imports, packages whole, and the variables that it imports them with."""

    modules: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


COMMANDS = Preload(("vq_tui.entry", "vq_tui.commands", "actions"))
CONSOLE = Preload(("vq_tui", "screens", "actions", "tests.fakes"), tuple(PROFILE.items()))


class Server:
    """One server with the modules of one kind of call imported; it ends when this process does."""

    def __init__(self, preload: Preload, environment: Mapping[str, str]) -> None:
        self.lasting = _lasting(environment)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LONGEST)
        command = [sys.executable, "-m", "tests.fork_server", *preload.modules]
        variables = {**dict(preload.variables), **environment}
        with theirs:
            self._process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env=variables,
            )

    def start(self, call: Call, streams: tuple[int, int, int]) -> tuple[int, socket.socket]:
        """Fork for the call; its pid, and the connection on which its end is reported."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            message = json.dumps(asdict(call)).encode()
            socket.send_fds(self._control, [message], [theirs.fileno(), *streams])
        return _number(ours, None), ours


class Forked:
    """A process that a server forked, with as much of `Popen` as the tests use."""

    def __init__(self, server: Server, call: Call, stdin: int, stdout: int, stderr: int) -> None:
        self.args = [call.module, *call.words]
        self.returncode: int | None = None
        self.stdout, out = _reader(stdout)
        self.stderr, err = _reader(stderr)
        with open(os.devnull) as nothing:
            read = nothing.fileno() if stdin == subprocess.DEVNULL else stdin
            self.pid, self._connection = server.start(call, (read, out, err))
        for pipe, descriptor in ((self.stdout, out), (self.stderr, err)):
            if pipe is not None:
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        self.wait()

    def poll(self) -> int | None:
        """The exit code as Popen gives it, None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code, -n after signal n."""
        if self.returncode is None:
            try:
                status = _number(self._connection, timeout)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self.returncode = os.waitstatus_to_exitcode(status)
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All of both outputs, read until their ends, and the end of the process."""
        end = None if timeout is None else time.monotonic() + timeout
        parts: dict[int, str] = {}
        pipes = [pipe for pipe in (self.stdout, self.stderr) if pipe is not None and not pipe.closed]
        threads = [threading.Thread(target=_read, args=(pipe, parts), daemon=True) for pipe in pipes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(None if end is None else max(end - time.monotonic(), 0))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if end is None else max(end - time.monotonic(), 0))
        return parts.get(id(self.stdout), ""), parts.get(id(self.stderr), "")

    def send_signal(self, number: int) -> None:
        """Signal it unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


Process = subprocess.Popen[str] | Forked

_servers: dict[Preload, Server] = {}


def start(
    call: Call,
    *,
    preload: Preload,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Process:
    """The call as a process of its own: forked where that makes no difference. Standard input is a descriptor."""
    if os.environ.get("VQ_FORKS") != "0":
        server = _servers.get(preload)
        if server is None:
            server = _servers[preload] = Server(preload, call.environment)
        if server.lasting == _lasting(call.environment):
            return Forked(server, call, stdin, stdout, stderr)
    return really_start(call, stdin=stdin, stdout=stdout, stderr=stderr)


def really_start(
    call: Call,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> "subprocess.Popen[str]":
    """The call as a new interpreter."""
    return subprocess.Popen(
        [sys.executable, "-m", call.module, *call.words],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
        encoding="utf-8",
        cwd=call.cwd,
        env=call.environment,
        preexec_fn=lambda: lead(call),
    )


def _lasting(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_IMPORT)}


def _number(connection: socket.socket, timeout: float | None) -> int:
    connection.settimeout(timeout)
    data = connection.recv(4, socket.MSG_WAITALL)
    if len(data) != 4:
        raise RuntimeError("the fork server has ended")
    return int.from_bytes(data, "big")


def _reader(kind: int) -> tuple[IO[str] | None, int]:
    """Where the output is read here, and the descriptor that the process gets."""
    if kind != subprocess.PIPE:
        return None, kind
    ours, theirs = os.pipe()
    return open(ours, encoding="utf-8"), theirs


def _read(pipe: IO[str], parts: dict[int, str]) -> None:
    parts[id(pipe)] = pipe.read()
    pipe.close()
