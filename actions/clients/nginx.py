"""One nginx: its processes, its configuration, tests of it, and reloads.

The reading half looks and tests; only the writing half reloads.
"""

import asyncio
from pathlib import Path

import psutil

from actions.clients.nginx_runners import ContainerRunner, LocalRunner, Output, Runner, dumped, place
from actions.model.base import Fact
from actions.model.workloads import NginxTraffic


class Master(Fact):
    """The master process, the workers that accept connections, and how many old ones still finish requests.

    `pid` None means that none was found, for the reason `why`; nginx may answer all the same. Unless its processes were
    `seen`, no worker listed means nothing: an engine on another host, or another pid namespace, names processes that
    cannot be looked at from here.
    """

    pid: int | None
    why: str = ""
    seen: bool = False
    workers: tuple[int, ...] = ()
    draining: int = 0


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
        found = await self._runner.master_pid()
        return await asyncio.to_thread(_family, found.pid) if found.pid else Master(pid=None, why=found.why)

    async def dump(self) -> Output:
        """`nginx -T`: tests the configuration and prints all its files, uncleaned; changes nothing."""
        return await dumped(self._runner, self._settings)

    async def test(self, configuration: Path) -> Output:
        """`nginx -t` of this file; changes nothing."""
        return await self._runner.run(*self.place(configuration), "-t", "-q")

    async def test_text(self, text: str) -> Output | None:
        """`nginx -t` of this text; changes and leaves nothing. None where nginx runs in a container."""
        return await self._runner.test_text(text)

    def place(self, configuration: Path) -> list[str]:
        """The arguments that name prefix and configuration."""
        return place(self._runner, self._settings, configuration)

    async def close(self) -> None:
        """Give connections back."""
        await self._runner.close()


class NginxWriter(NginxReader):
    """Also reloads."""

    async def reload(self, keep: tuple[int, ...] = ()) -> Output:
        """`nginx -s reload`. Exit code 0 does not mean that the configuration is live: observe the generation.

        The locks whose descriptors are in `keep` hold as long as this child works, also when we are gone.
        """
        return await self._runner.run(*self.place(self._settings.configuration), "-s", "reload", keep=keep)


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
