"""How nginx is run: on this host, or in a container that mounts the configuration directory.

Fixed arguments, never through a shell, and every call has a deadline.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from actions.clients import nginx_configuration, nginx_pid
from actions.clients.docker.errors import EngineError
from actions.clients.docker.reader import DockerReader
from actions.clients.nginx_configuration import Configuration, NotUnderstood
from actions.clients.nginx_pid import Running
from actions.model.base import Fact
from actions.model.errors import Unreachable
from actions.model.fair_timeout import fair_timeout
from actions.model.text import clean
from actions.model.workloads import NginxTraffic

COMMAND_SECONDS = 10.0
DUMP_LIMIT = 8 * 1024 * 1024
LEARN_SECONDS = 1.0
"""So often at most nginx is asked for its pid file while no master is found."""


class Output(Fact):
    """Exit code and cleaned output of one command; `cut` when it printed more than is taken."""

    code: int
    text: str
    cut: bool = False


class Runner(Protocol):
    """Where nginx runs."""

    async def run(self, *arguments: str, whole: bool = False, keep: tuple[int, ...] = ()) -> Output:
        """Run nginx with these arguments; the output is shortened and cleaned unless it is wanted `whole`.

        A child on this host is given the descriptors in `keep`: locks that hold until it has ended.
        """
        ...

    async def test_text(self, text: str) -> Output | None:
        """Test a configuration that stands in no file that stays; None where nginx could not read it."""
        ...

    async def master_pid(self) -> Running:
        """Pid of the master as this host sees it."""
        ...

    def inside(self, path: Path) -> str:
        """`path`, as nginx sees it."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class LocalRunner:
    """nginx on this host."""

    def __init__(self, settings: NginxTraffic) -> None:
        self._settings = settings
        self._pid_file: Path | None = None
        self._missed = -LEARN_SECONDS

    async def run(self, *arguments: str, whole: bool = False, keep: tuple[int, ...] = ()) -> Output:
        """Run the configured binary. Raises Unreachable when it cannot be started or does not end in time."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._settings.binary,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=keep,
            )
        except OSError as error:
            raise Unreachable(f"cannot run '{self._settings.binary}': {error.strerror}; check 'binary'") from None
        try:
            async with fair_timeout(COMMAND_SECONDS):
                printed, _ = await process.communicate()
        except TimeoutError:
            raise Unreachable(f"nginx {arguments[-1]} did not end within {COMMAND_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:  # too late, or whoever asked was broken off
                process.kill()
                await process.wait()
        return _output(process.returncode or 0, printed, whole)

    async def test_text(self, text: str) -> Output | None:
        """From a file without a name, which only this child can read."""
        with tempfile.TemporaryFile() as stream:
            stream.write(text.encode())
            stream.flush()
            return await self.run("-t", "-q", "-c", f"/dev/fd/{stream.fileno()}", keep=(stream.fileno(),))

    async def master_pid(self) -> Running:
        """From the pid file, whose name is remembered: nginx is asked for it again only where it names no master."""
        if self._pid_file is not None:
            found = await asyncio.to_thread(nginx_pid.running, self._pid_file)
            if found.pid is not None or time.monotonic() - self._missed < LEARN_SECONDS:
                return found
        try:
            self._pid_file = await self._learn()
        except NotUnderstood as error:
            return Running(pid=None, why=f"its pid file is not known: {error.message}")
        found = await asyncio.to_thread(nginx_pid.running, self._pid_file)
        if found.pid is None:
            self._missed = time.monotonic()
        return found

    def inside(self, path: Path) -> str:
        """The same path: nginx runs on this host."""
        return str(path)

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    async def _learn(self) -> Path:
        """From the files themselves: to print them, nginx would leave an empty pid file where it does not run."""
        try:
            found = await asyncio.to_thread(nginx_configuration.from_disk, self._settings.configuration)
        except NotUnderstood:
            found = await understood(await dumped(self, self._settings))
        if named := nginx_pid.named_pid_file(found, self._settings.prefix):
            return named
        version = await self.run("-V", whole=True)
        return nginx_pid.pid_file(found, self._settings.prefix, version.text)


class ContainerRunner:
    """nginx as the main process of a container on a Docker Engine of this host."""

    def __init__(self, settings: NginxTraffic) -> None:
        self._settings = settings
        self._container = settings.container or ""
        self._engine = DockerReader(settings.docker_host, timeout=COMMAND_SECONDS)

    async def run(self, *arguments: str, whole: bool = False, keep: tuple[int, ...] = ()) -> Output:
        """Run nginx inside the container, without a terminal. Raises Unreachable when it does not end in time."""
        with self._named():
            code, printed = await self._engine.execute(self._container, [self._settings.binary, *arguments])
        return _output(code, printed, whole)

    async def test_text(self, text: str) -> Output | None:
        """Not asked: the container sees no file of ours, and looking writes none into its directory."""
        return None

    async def master_pid(self) -> Running:
        """The container's main process as the engine reports it."""
        with self._named():
            state = (await self._engine.container(self._container))["State"]
        if not state.get("Running"):
            return Running(pid=None, why=f"container '{self._container}' is not running")
        return Running(pid=int(state["Pid"]))

    def inside(self, path: Path) -> str:
        """`path` below the mounted directory, as the container sees it, whatever links lead there."""
        directory = self._settings.directory
        mounted = self._settings.container_directory or directory
        for here, whole in ((directory, path), (directory.resolve(), path.parent.resolve() / path.name)):
            if whole.is_relative_to(here):
                return str(mounted / whole.relative_to(here))
        return str(path)

    async def close(self) -> None:
        """Give the connections to the engine back."""
        await self._engine.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (EngineError, Unreachable) as error:
            raise Unreachable(f"nginx container '{self._container}': {error.message}; is it running?") from None


def place(runner: Runner, settings: NginxTraffic, configuration: Path) -> list[str]:
    """The arguments that name prefix and configuration."""
    prefix = ["-p", str(settings.prefix)] if settings.prefix else []
    return [*prefix, "-c", runner.inside(configuration)]


async def dumped(runner: Runner, settings: NginxTraffic) -> Output:
    """What `nginx -T` prints."""
    return await runner.run(*place(runner, settings, settings.configuration), "-T", "-q", whole=True)


async def understood(dump: Output) -> Configuration:
    """What `nginx -T` printed, parsed. Raises NotUnderstood."""
    if dump.cut:
        raise NotUnderstood(f"the configuration is longer than {DUMP_LIMIT >> 20} MB")
    return await asyncio.to_thread(nginx_configuration.from_dump, dump.text)


def _output(code: int, printed: bytes, whole: bool) -> Output:
    if whole:
        text = printed[:DUMP_LIMIT].decode("utf-8", "replace")
        return Output(code=code, text=text, cut=len(printed) > DUMP_LIMIT)
    return Output(code=code, text=clean(printed, multiline=True, lines=20))
