"""What a keeper does, round after round: one watch an environment, the outbox, its own sign of life."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from traceback import format_exception

from actions.config import load
from actions.health import Poller
from actions.keeper.release_watch import ReleaseWatch
from actions.ledger import open_writer
from actions.ledger.locks import FileLock
from actions.ledger.writer import LedgerWriter
from actions.model.environment import Environment, Settings
from actions.model.errors import Busy, VqError
from actions.model.supervised import Supervised, describe
from actions.notices.outbox import deliver
from actions.platforms.access import Access, WriteAccess
from actions.releases.upkeep import EVERY_SECONDS, FIRST_SECONDS, keep_up
from actions.runner.redaction import Redactor, secrets_of

LOCK = "keeper.lock"
ROUND_SECONDS = 5.0
LEAST_INTERVAL = 5.0
"""An unattended keeper looks at most so often, whatever interval the consoles use."""


class Keeping:
    """The keeper of one ledger. Elected by a lock that the kernel gives back when its process is gone."""

    def __init__(self, ledger: Path, config: Path, say: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._config = config
        self._say = say
        self._stopped = asyncio.Event()
        self._unbeaten = ""
        self._read: tuple[int, int] | None = None
        """The stamp of the configuration, taken before it was read: a change while it is read is seen."""

    def stop(self) -> None:
        """End soon; may be called from a signal handler of the loop."""
        self._stopped.set()

    async def run(self) -> None:
        """Keep until stopped. Raises Busy when another keeper is at work."""
        self._read = self._stamp()
        settings = load(self._config)
        writer = await asyncio.to_thread(open_writer, self._ledger)
        lock = FileLock(self._ledger / LOCK)
        try:
            lock.acquire(patience=0.2)
        except Busy:
            raise Busy(f"a keeper is already at work on {self._ledger}") from None
        try:
            await asyncio.to_thread(writer.beat_keeper)
            self._say(f"keeping {', '.join(settings.environments) or 'nothing'} of {self._config}")
            while not self._stopped.is_set():
                settings = await self._until_changed(settings, writer)
            self._say("ended")
        finally:
            lock.release()
            await asyncio.to_thread(writer.close)

    async def _until_changed(self, settings: Settings, writer: LedgerWriter) -> Settings:
        """Watch under these settings until the file changes or the end comes; returns the settings to go on with."""
        watches = [
            asyncio.create_task(self._watch(name, one, writer), name=name)
            for name, one in settings.environments.items()
        ]
        watches += [
            asyncio.create_task(self._tidy(name, one, writer), name=f"upkeep {name}")
            for name, one in settings.environments.items()
            if not one.read_only
        ]
        environments = tuple(settings.environments.values())
        outbox = Supervised(
            "delivering notices",
            lambda: self._deliver(writer, settings.environments),
            words=partial(_described, environments),
            report=partial(self._report, environments),
            changed=lambda problem: self._say(problem or "notices are delivered again"),
        )
        outbox.start()
        try:
            while not await self._wait(ROUND_SECONDS):
                await self._beat(writer)
                stamp = self._stamp()
                if stamp != self._read:
                    self._read = stamp
                    try:
                        return load(self._config)
                    except VqError as error:
                        self._say(f"the changed configuration is not used: {error.message}")
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(outbox.stop(), *watches, return_exceptions=True)
        return settings

    async def _watch(self, name: str, environment: Environment, writer: LedgerWriter) -> None:
        """Observe one environment for ever. Its troubles are said and survived, so that they never stop the others."""
        slow = environment.model_copy(update={"interval": max(environment.interval, LEAST_INTERVAL)})
        while True:
            try:
                await self._observe(name, slow, writer)
            except Exception as error:  # noqa: BLE001 - one environment's bug must not end the watch of the others
                redactor = await asyncio.to_thread(lambda: Redactor(secrets_of(environment)))
                self._say(f"{name}: {redactor.failure(error)}; beginning again")
                if not isinstance(error, VqError):
                    self._say(redactor.text("".join(format_exception(error)).rstrip(), multiline=True))
            await self._wait(ROUND_SECONDS)

    async def _observe(self, name: str, environment: Environment, writer: LedgerWriter) -> None:
        """Observe one environment with clients made for it; they are closed however this ends."""
        async with AsyncExitStack() as stack:
            access = Access(name, environment)
            stack.push_async_callback(access.close)
            poller = Poller(name, environment, access)
            stack.push_async_callback(poller.close)
            releases = ReleaseWatch(access, writer, "keeper", partial(self._tell, name))
            stack.callback(releases.end)
            async for snapshot in poller.snapshots():
                try:
                    await releases.observe(snapshot)
                except VqError as error:
                    self._say(f"{name}: {error.message}")

    async def _tidy(self, name: str, environment: Environment, writer: LedgerWriter) -> None:
        """Do what is due outside of runs, again and again. Its troubles are said and survived, as those of a watch."""
        pause = FIRST_SECONDS
        while not await self._wait(pause):
            pause = EVERY_SECONDS
            access = WriteAccess(name, environment)
            try:
                for line in await keep_up(access, writer, "keeper"):
                    self._say(f"{name}: {line}")
            except Exception as error:  # noqa: BLE001 - a bug here must not end the watch
                redactor = await asyncio.to_thread(lambda: Redactor(secrets_of(environment)))
                self._say(f"{name}: nothing was tidied: {redactor.failure(error)}")
            finally:
                await access.close()

    async def _beat(self, writer: LedgerWriter) -> None:
        """Say that this keeper lives. A ledger that cannot take it now may do so the next time: that is said, once."""
        try:
            await asyncio.to_thread(writer.beat_keeper)
        except Exception as error:  # noqa: BLE001 - a keeper that cannot say that it lives goes on watching
            words = describe(error)
            if words != self._unbeaten:
                self._say(f"no sign of life: {words}")
            self._unbeaten = words
        else:
            if self._unbeaten:
                self._say("the ledger takes the sign of life again")
            self._unbeaten = ""

    def _report(self, environments: tuple[Environment, ...], _text: str, error: BaseException) -> None:
        """Where an error of this program came from. What is no fault of it has been said already."""
        if not isinstance(error, VqError):
            lines = "".join(format_exception(error)).rstrip()
            self._say(_redactor(environments).text(lines, multiline=True))

    def _tell(self, name: str, text: str) -> None:
        self._say(f"{name}: {text}")

    async def _deliver(self, writer: LedgerWriter, environments: dict[str, Environment]) -> None:
        """Deliver what waits, round after round; a fault in one notice ends neither the keeper nor its watches."""
        while not await self._wait(ROUND_SECONDS):
            sent = await deliver(writer, environments)
            if sent:
                self._say(f"{sent} notices delivered")

    async def _wait(self, seconds: float) -> bool:
        """Whether the end came within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            return False
        return True

    def _stamp(self) -> tuple[int, int] | None:
        try:
            facts = self._config.stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_ino


def _redactor(environments: tuple[Environment, ...]) -> Redactor:
    return Redactor(tuple(secret for one in environments for secret in secrets_of(one)))


def _described(environments: tuple[Environment, ...], error: BaseException) -> str:
    """An error in words, without the secrets of these environments."""
    return _redactor(environments).failure(error)
