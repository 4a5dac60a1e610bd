"""One embedded stack for each module that asks for it, in a directory with an unfriendly name."""

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from actions.clients.processes import ProcessFacts
from actions.clients.supervisor import SupervisorReader
from actions.model.waiting import Deadline, until
from actions.platforms.local.child import SUPERVISED_IN
from actions.sandbox import stack
from actions.sandbox.facts import SandboxFacts

UNFRIENDLY = "state of 'Mira' \"x\" [%s] é #1"


def processes_of(directory: Path) -> list[str]:
    """Every process that has to do with a state directory: by command line, working directory or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.cwd(), process.environ().get(SUPERVISED_IN, "")]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(directory) in word for word in words):
            found.append(f"{process.pid} {' '.join(process.cmdline())}")
    return found


def ask(url: str, body: dict[str, str] | None = None) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers (lower case) of one request; a POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:
            return answer.status, json.load(answer), {key.lower(): value for key, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), {key.lower(): value for key, value in error.headers.items()}


def wait_for(observe: Callable[[], Any], satisfied: Callable[[Any], bool], seconds: float = 60) -> Any:
    """Poll a plain function until it is satisfied."""

    async def look() -> Any:
        return await asyncio.to_thread(observe)

    return asyncio.run(until(look, satisfied, Deadline(seconds), str))


def runs(pid: int) -> bool:
    """Whether it does; a zombie that nobody collects does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def process(sandbox: SandboxFacts, name: str) -> ProcessFacts:
    """One process of the stack, read now."""
    return asyncio.run(SupervisorReader(sandbox.directory).process(name))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxFacts]:
    """A stack that is up; afterwards nothing of it may be left."""
    directory = tmp_path_factory.mktemp("sandbox") / UNFRIENDLY
    try:
        yield stack.up(directory)
    finally:
        stack.down(directory)
    assert not directory.exists()
    assert processes_of(directory) == []
