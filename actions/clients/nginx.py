"""One nginx, where it runs: on this host, or in a container that mounts the configuration directory.

The reading half looks at processes and tests configurations; the writing half reloads. Both run `nginx` itself with
fixed arguments, never through a shell, and every call has a deadline.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from actions.model.base import Fact
from actions.model.environment import NginxTraffic
from actions.model.errors import Unreachable
from actions.model.text import clean

if TYPE_CHECKING:
    import docker

COMMAND_SECONDS = 10.0
DUMP_LIMIT = 8 * 1024 * 1024
_PID_LINE = re.compile(r"^\s*pid\s+([^;\s]+)\s*;", re.MULTILINE)


class Output(Fact):
    """Exit code and cleaned output of one command."""

    code: int
    text: str


class Master(Fact):
    """The master process, the workers that accept connections, and how many old ones still finish requests.

    `pid` None means it does not run.
    """

    pid: int | None
    workers: tuple[int, ...] = ()
    draining: int = 0


class Runner(Protocol):
    """Where nginx runs."""

    async def run(self, *arguments: str, whole: bool = False) -> Output:
        """Run nginx with these arguments; the output is shortened and cleaned unless it is wanted `whole`."""
        ...

    async def master_pid(self) -> int | None:
        """Pid of the master as this host sees it."""
        ...

    def inside(self, path: Path) -> str:
        """`path`, as nginx sees it."""
        ...


class LocalRunner:
    """nginx on this host."""

    def __init__(self, settings: NginxTraffic) -> None:
        self._settings = settings

    async def run(self, *arguments: str, whole: bool = False) -> Output:
        """Run the configured binary. Raises Unreachable when it cannot be started or does not end in time."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._settings.binary,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise Unreachable(f"cannot run '{self._settings.binary}': {error.strerror}; check 'binary'") from None
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                printed, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Unreachable(f"nginx {arguments[-1]} did not end within {COMMAND_SECONDS:.0f} s") from None
        return Output(code=process.returncode or 0, text=_text(printed, whole))

    async def master_pid(self) -> int | None:
        """From the pid file that the configuration names, if that process is alive."""
        return await asyncio.to_thread(self._read_pid)

    def inside(self, path: Path) -> str:
        """The same path: nginx runs on this host."""
        return str(path)

    def _read_pid(self) -> int | None:
        prefix = self._settings.prefix or Path("/")
        try:
            named = _PID_LINE.search(self._settings.configuration.read_text("utf-8", "replace"))
            path = prefix / (named[1] if named else "run/nginx.pid")
            pid = int(path.read_text().strip())
        except (OSError, ValueError):
            return None
        return pid if _is_nginx(pid, Path(self._settings.binary).name) else None


class ContainerRunner:
    """nginx as the main process of a container on a Docker Engine of this host."""

    def __init__(self, settings: NginxTraffic) -> None:
        self._settings = settings
        self._container = settings.container or ""

    async def run(self, *arguments: str, whole: bool = False) -> Output:
        """Run nginx inside the container, without a terminal. Raises Unreachable when the engine does not answer."""
        return await asyncio.to_thread(self._execute, [self._settings.binary, *arguments], whole)

    async def master_pid(self) -> int | None:
        """The container's main process as the engine reports it."""
        return await asyncio.to_thread(self._main_process)

    def inside(self, path: Path) -> str:
        """`path` below the mounted directory, as the container sees it."""
        mounted = self._settings.container_directory or self._settings.directory
        if path.is_relative_to(self._settings.directory):
            return str(mounted / path.relative_to(self._settings.directory))
        return str(path)

    def _execute(self, command: list[str], whole: bool) -> Output:
        with self._engine() as client:
            job = client.exec_create(self._container, command, tty=False)
            printed = client.exec_start(job["Id"])
            code = client.exec_inspect(job["Id"])["ExitCode"]
        return Output(code=int(code), text=_text(printed, whole))

    def _main_process(self) -> int | None:
        with self._engine() as client:
            state = client.inspect_container(self._container)["State"]
        return int(state["Pid"]) if state.get("Running") else None

    @contextmanager
    def _engine(self) -> "Iterator[docker.APIClient]":
        import docker
        import requests

        try:
            client = docker.APIClient(base_url=self._settings.docker_host, timeout=int(COMMAND_SECONDS))
            try:
                yield client
            finally:
                client.close()
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise Unreachable(f"nginx container '{self._container}': {clean(error)}; is it running?") from None


class NginxReader:
    """Looks at one nginx: processes and configuration tests."""

    def __init__(self, settings: NginxTraffic) -> None:
        self._settings = settings
        self._runner: Runner = ContainerRunner(settings) if settings.container else LocalRunner(settings)

    def inside(self, path: Path) -> str:
        """`path`, as nginx sees it."""
        return self._runner.inside(path)

    async def master(self) -> Master:
        """The master and how many old workers still finish their requests."""
        pid = await self._runner.master_pid()
        return await asyncio.to_thread(_family, pid) if pid else Master(pid=None)

    async def dump(self, configuration: Path) -> Output:
        """`nginx -T`: tests this file and prints everything it includes, uncleaned; changes nothing."""
        return await self._runner.run(*self.place(configuration), "-T", "-q", whole=True)

    async def test(self, configuration: Path) -> Output:
        """`nginx -t` of this file; changes nothing."""
        return await self._runner.run(*self.place(configuration), "-t", "-q")

    def place(self, configuration: Path) -> list[str]:
        """The arguments that name prefix and configuration."""
        prefix = ["-p", str(self._settings.prefix)] if self._settings.prefix else []
        return [*prefix, "-c", self.inside(configuration)]


class NginxWriter(NginxReader):
    """Also reloads."""

    async def reload(self) -> Output:
        """`nginx -s reload`. Exit code 0 does not mean that the configuration is live: observe the generation."""
        return await self._runner.run(*self.place(self._settings.configuration), "-s", "reload")


def _text(printed: bytes, whole: bool) -> str:
    if whole:
        return printed[:DUMP_LIMIT].decode("utf-8", "replace")
    return clean(printed, multiline=True, lines=20)


def _family(master: int) -> Master:
    accepting, draining = [], 0
    try:
        children = psutil.Process(master).children()
    except psutil.Error:
        children = []
    for child in children:
        try:
            title = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if "is shutting down" in title:
            draining += 1
        elif "worker process" in title:
            accepting.append(child.pid)
    return Master(pid=master, workers=tuple(accepting), draining=draining)


def _is_nginx(pid: int, binary: str) -> bool:
    """Whether a master runs under that pid: a pid file outlives its process, and pids are used again."""
    try:
        process = psutil.Process(pid)
        return binary in process.name() or "nginx: master" in " ".join(process.cmdline())
    except psutil.Error:
        return False
