"""The supervisor program: `python -m actions.platforms.local.supervisor DIR [--foreground]`.

One per state directory, held by a lock. It reads the records below DIR, runs what is wanted, and takes requests on
`DIR/supervisor.sock`. Without `--foreground` the command returns once the socket answers: 0 when this or another
supervisor serves DIR, 1 with one line on stderr otherwise.
"""

import asyncio
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from actions.clients.processes import ProcessFacts, ProcessRecord, SupervisorFacts
from actions.clients.supervisor import SOCKET
from actions.model.errors import VqError
from actions.platforms.local.child import Child
from actions.platforms.local.control import Control
from actions.platforms.local.httpd import bind_unix, serve
from actions.platforms.local.log_files import bound_log
from actions.platforms.local.record_store import RecordStore
from actions.platforms.local.usage import UsageTable

LOCK = "supervisor.lock"


class Supervisor:
    """All processes of one state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = RecordStore(directory)
        self.children: dict[str, Child] = {}
        self.started_at = time.time()
        self.usage = UsageTable()
        self.ending = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, name: str) -> asyncio.Lock:
        """Changes of one process happen one after the other."""
        return self._locks.setdefault(name, asyncio.Lock())

    def begin(self) -> None:
        """End survivors of a killed supervisor and start what is wanted."""
        self.store.end_survivors()
        for record in self.store.load():
            child = self.children[record.spec.name] = Child(record, self.directory)
            if record.wanted:
                child.start()
        self.note()

    async def measure(self) -> None:
        """Have memory and processor time of all processes measured; returns soon, whatever that takes."""
        await self.usage.refresh(frozenset(child.pid for child in self.children.values() if child.pid is not None))

    def facts_of(self, child: Child) -> ProcessFacts:
        """One process, with what was last measured of it."""
        return child.facts(self.usage.of(child.pid))

    def facts(self) -> SupervisorFacts:
        """Everything as it is now, with what was last measured."""
        processes = tuple(self.facts_of(child) for _, child in sorted(self.children.items()))
        return SupervisorFacts(
            pid=os.getpid(), started_at=self.started_at, directory=self.directory, processes=processes
        )

    def keep(self, record: ProcessRecord) -> None:
        """Make a change durable before it takes effect."""
        self.store.save(record)
        if record.spec.name not in self.children:
            self.children[record.spec.name] = Child(record, self.directory)

    def note(self) -> None:
        """Write down which processes run now."""
        self.store.note_children(self.children.values())

    def reap(self) -> None:
        """SIGCHLD: some process ended."""
        ended = [child for child in self.children.values() if child.reap()]
        if ended:
            self.note()

    async def tend(self) -> None:
        """Keep logs bounded until the end."""
        while not self.ending.is_set():
            for child in self.children.values():
                bound_log(child.log)
            try:
                await asyncio.wait_for(self.ending.wait(), 20)
            except TimeoutError:
                continue

    async def end(self) -> None:
        """Stop everything, all at once."""
        await asyncio.gather(*(child.stop() for child in self.children.values()))
        await self.usage.close()
        self.note()


async def _run(directory: Path, ready: int | None) -> None:
    supervisor = Supervisor(directory)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGCHLD, supervisor.reap)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.ending.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    supervisor.begin()
    path = directory / SOCKET
    server = await serve(bind_unix(path), Control(supervisor).answer)
    if ready is not None:
        os.write(ready, b"ready")
        os.close(ready)
    await supervisor.tend()
    await supervisor.end()
    server.close()
    path.unlink(missing_ok=True)


def _hold(directory: Path) -> bool:
    """Take the lock of the directory for the life of this process; False when another supervisor has it."""
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return True


def _serve(directory: Path, ready: int | None) -> int:
    if not _hold(directory):
        sys.stderr.write(f"another supervisor serves {directory}\n")
        return 0
    try:
        asyncio.run(_run(directory, ready))
    except (VqError, OSError) as error:
        sys.stderr.write(f"supervisor of {directory}: {error}\n")
        return 1
    return 0


def _detach(directory: Path) -> int:
    """Fork before anything runs, so that the supervisor belongs to no one; wait until it is ready or has ended."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(reading)
        os._exit(_serve(directory, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        if pipe.read() == b"ready":
            return 0
    return os.waitstatus_to_exitcode(os.wait()[1])


def main(arguments: list[str]) -> int:
    """The command."""
    directories = [Path(word).absolute() for word in arguments if not word.startswith("--")]
    if len(directories) != 1 or not directories[0].is_dir():
        sys.stderr.write("usage: supervisor DIR [--foreground]; DIR must exist\n")
        return 2
    os.umask(0o077)
    os.chdir(directories[0])
    if "--foreground" in arguments:
        return _serve(directories[0], None)
    return _detach(directories[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
