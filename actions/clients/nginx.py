"""One nginx, where it runs: on this host, or in a container that mounts the configuration directory.

The reading half looks at processes and tests configurations; the writing half reloads. Both run `nginx` itself with
fixed arguments, never through a shell, and every call has a deadline.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

from actions.clients.docker.errors import EngineError
from actions.clients.docker.reader import DockerReader
from actions.model.base import Fact
from actions.model.environment import NginxTraffic
from actions.model.errors import Unreachable
from actions.model.text import clean

COMMAND_SECONDS = 10.0
DUMP_LIMIT = 8 * 1024 * 1024
_PID_LINE = re.compile(r"^[ \t]*+pid\s++([^;\s]++)\s*+;", re.MULTILINE)


class Output(Fact):
    """Exit code and cleaned output of one command."""

    code: int
    text: str


class Master(Fact):
    """The master process, the workers that accept connections, and how many old ones still finish requests.

    `pid` None means it does not run. Unless its processes were `seen`, no worker listed means nothing: an engine on
    another host, or another pid namespace, names processes that cannot be looked at from here.
    """

    pid: int | None
    seen: bool = False
    workers: tuple[int, ...] = ()
    draining: int = 0


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

    async def master_pid(self) -> int | None:
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
            async with asyncio.timeout(COMMAND_SECONDS):
                printed, _ = await process.communicate()
        except TimeoutError:
            raise Unreachable(f"nginx {arguments[-1]} did not end within {COMMAND_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:  # too late, or whoever asked was broken off
                process.kill()
                await process.wait()
        return Output(code=process.returncode or 0, text=_text(printed, whole))

    async def test_text(self, text: str) -> Output | None:
        """From a file without a name, which only this child can read."""
        with tempfile.TemporaryFile() as stream:
            stream.write(text.encode())
            stream.flush()
            return await self.run("-t", "-q", "-c", f"/dev/fd/{stream.fileno()}", keep=(stream.fileno(),))

    async def master_pid(self) -> int | None:
        """From the pid file that the configuration names, if that process is alive."""
        return await asyncio.to_thread(self._read_pid)

    def inside(self, path: Path) -> str:
        """The same path: nginx runs on this host."""
        return str(path)

    async def close(self) -> None:
        """Nothing is kept open between calls."""

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
        self._engine = DockerReader(settings.docker_host, timeout=COMMAND_SECONDS)

    async def run(self, *arguments: str, whole: bool = False, keep: tuple[int, ...] = ()) -> Output:
        """Run nginx inside the container, without a terminal. Raises Unreachable when it does not end in time."""
        with self._named():
            code, printed = await self._engine.execute(self._container, [self._settings.binary, *arguments])
        return Output(code=code, text=_text(printed, whole))

    async def test_text(self, text: str) -> Output | None:
        """Not asked: the container sees no file of ours, and looking writes none into its directory."""
        return None

    async def master_pid(self) -> int | None:
        """The container's main process as the engine reports it."""
        with self._named():
            state = (await self._engine.container(self._container))["State"]
        return int(state["Pid"]) if state.get("Running") else None

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

    async def test_text(self, text: str) -> Output | None:
        """`nginx -t` of this text; changes and leaves nothing. None where nginx runs in a container."""
        return await self._runner.test_text(text)

    def place(self, configuration: Path) -> list[str]:
        """The arguments that name prefix and configuration."""
        prefix = ["-p", str(self._settings.prefix)] if self._settings.prefix else []
        return [*prefix, "-c", self.inside(configuration)]

    async def close(self) -> None:
        """Give connections back."""
        await self._runner.close()


class NginxWriter(NginxReader):
    """Also reloads."""

    async def reload(self, keep: tuple[int, ...] = ()) -> Output:
        """`nginx -s reload`. Exit code 0 does not mean that the configuration is live: observe the generation.

        The locks whose descriptors are in `keep` hold as long as this child works, also when we are gone (row 5).
        """
        return await self._runner.run(*self.place(self._settings.configuration), "-s", "reload", keep=keep)


def _text(printed: bytes, whole: bool) -> str:
    if whole:
        return printed[:DUMP_LIMIT].decode("utf-8", "replace")
    return clean(printed, multiline=True, lines=20)


def _family(master: int) -> Master:
    accepting, draining = [], 0
    try:
        process = psutil.Process(master)
        if "nginx: master" not in " ".join(process.cmdline()):  # a number of another host, or of another process by now
            return Master(pid=master)
        children = process.children()
    except psutil.Error:
        return Master(pid=master)
    for child in children:
        try:
            title = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if "is shutting down" in title:
            draining += 1
        elif "worker process" in title:
            accepting.append(child.pid)
    return Master(pid=master, seen=True, workers=tuple(accepting), draining=draining)


def _is_nginx(pid: int, binary: str) -> bool:
    """Whether a master runs under that pid: a pid file outlives its process, and pids are used again."""
    try:
        process = psutil.Process(pid)
        return binary in process.name() or "nginx: master" in " ".join(process.cmdline())
    except psutil.Error:
        return False
