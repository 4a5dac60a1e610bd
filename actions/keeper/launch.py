"""Starting and ending the keeper from a console or a command."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

from actions.config import ledger_directory, load
from actions.ledger import open_reader, open_writer
from actions.ledger.locks import FileLock
from actions.model.errors import Refused, VerifyFailed
from actions.model.record import KeeperFacts
from actions.model.waiting import Deadline, until

__all__ = ["keeper_facts", "ledger_directory", "start_keeper", "stop_keeper"]

START_SECONDS = 30.0
STOP_SECONDS = 15.0
LOG = "keeper.log"
START_LOCK = "keeper-start.lock"
_LAST = 400


def keeper_facts(ledger: Path) -> KeeperFacts:
    """Whether a keeper is at work; none is where there is no ledger. Raises LedgerError on a damaged one. Blocking."""
    if not ledger.exists():
        return KeeperFacts(alive=False)
    reader = open_reader(ledger)
    try:
        return reader.keeper()
    finally:
        reader.close()


async def start_keeper(ledger: Path, config: Path) -> KeeperFacts:
    """Start one unless one is at work; returns once it is. Raises ConfigError, VerifyFailed with the end of its log."""
    await asyncio.to_thread(load, config)
    facts = await asyncio.to_thread(_made, ledger)
    if facts.alive:
        return facts
    lock = FileLock(ledger / START_LOCK)  # who asks at the same time waits here, instead of starting a second one
    await asyncio.to_thread(lambda: lock.acquire(patience=2 * START_SECONDS))
    try:
        facts = await asyncio.to_thread(keeper_facts, ledger)
        return facts if facts.alive else await _started(ledger, config)
    finally:
        lock.release()


async def _started(ledger: Path, config: Path) -> KeeperFacts:
    asked = datetime.now(UTC)
    await asyncio.to_thread(_spawn, ledger, config)
    try:
        return await until(
            lambda: asyncio.to_thread(keeper_facts, ledger),
            # The row may still be of a keeper that has gone; only a sign of life from now on tells who holds the lock.
            lambda seen: seen.alive and seen.beat_at is not None and seen.beat_at >= asked,
            Deadline(START_SECONDS),
            lambda seen: "it shows no sign of life" if seen.alive else "it does not hold its lock",
        )
    except VerifyFailed as error:
        said = (ledger / LOG).read_text(errors="replace")[-_LAST:].strip() if (ledger / LOG).exists() else ""
        raise VerifyFailed(f"the keeper did not start: {error.message} {said}".strip()) from error


async def stop_keeper(ledger: Path) -> KeeperFacts:
    """End the one that is at work and wait until its lock is free. Nothing happens when none is."""
    told: set[int | None] = set()

    async def look() -> KeeperFacts:
        facts = await asyncio.to_thread(keeper_facts, ledger)
        if facts.alive and facts.pid not in told:  # another one may have been waiting for the place
            _terminate(ledger, facts)
            told.add(facts.pid)
        return facts

    return await until(
        look,
        lambda seen: not seen.alive,
        Deadline(STOP_SECONDS),
        lambda seen: f"process {seen.pid} is still there",
    )


def _made(ledger: Path) -> KeeperFacts:
    writer = open_writer(ledger)
    try:
        return writer.keeper()
    finally:
        writer.close()


def _spawn(ledger: Path, config: Path) -> None:
    """A fresh interpreter in its own session that forks once more, so that it is nobody's child."""
    descriptor = os.open(ledger / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    words = ["--detach", "--ledger", str(ledger.absolute()), "--config", str(config.absolute())]
    try:
        subprocess.run(
            [sys.executable, "-P", "-m", "actions.keeper.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            check=True,
            timeout=START_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise VerifyFailed(f"the keeper's process did not start: see {ledger / LOG}") from error
    finally:
        os.close(descriptor)


def _terminate(ledger: Path, facts: KeeperFacts) -> None:
    """SIGTERM to the process that really is a keeper; a number that was given to another one is left alone."""
    try:
        words = psutil.Process(facts.pid).cmdline() if facts.pid else []
    except psutil.Error:
        words = []
    if facts.pid is None or not any("keeper" in word for word in words):
        raise Refused(f"a keeper holds {ledger} but its process is not on this host ({facts.host}): end it there")
    os.kill(facts.pid, signal.SIGTERM)
