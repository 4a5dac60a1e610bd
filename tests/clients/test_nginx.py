"""Running nginx: what was begun is not left behind."""

import asyncio
from pathlib import Path

import psutil
import pytest

from actions.clients import nginx_runners
from actions.clients.nginx import NginxReader, NginxWriter
from actions.ledger.locks import FileLock, held_descriptors, is_locked
from actions.model.errors import Unreachable
from actions.model.workloads import NginxTraffic


@pytest.fixture
def hanging(tmp_path: Path) -> NginxTraffic:
    """A binary that writes its process id and never ends."""
    binary = tmp_path / "nginx"
    binary.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/made && mv {tmp_path}/made {tmp_path}/pid\nexec sleep 600\n")
    binary.chmod(0o755)
    paths = {"directory": tmp_path, "include": tmp_path / "a.conf", "configuration": tmp_path / "nginx.conf"}
    return NginxTraffic(url="http://127.0.0.1:1", binary=str(binary), **paths)  # type: ignore[arg-type]


async def pid_of(settings: NginxTraffic) -> int:
    async with asyncio.timeout(10):
        while not (settings.directory / "pid").exists():
            await asyncio.sleep(0.01)
    return int((settings.directory / "pid").read_text())


async def test_a_command_that_is_broken_off_ends(hanging: NginxTraffic) -> None:
    task = asyncio.create_task(NginxReader(hanging).test(hanging.configuration))
    pid = await pid_of(hanging)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)


async def test_a_command_that_takes_too_long_ends(hanging: NginxTraffic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx_runners, "COMMAND_SECONDS", 1.0)
    with pytest.raises(Unreachable, match="did not end within 1 s"):
        await NginxReader(hanging).test(hanging.configuration)
    assert not psutil.pid_exists(await pid_of(hanging))


async def test_the_child_that_reloads_keeps_the_lock_while_it_works(hanging: NginxTraffic) -> None:
    """Who died meanwhile leaves the lock to it: nobody starts beside an orphan that still changes something."""
    path = hanging.directory / "target.lock"
    lock = FileLock(path)
    lock.acquire()
    task = asyncio.create_task(NginxWriter(hanging).reload(held_descriptors()))
    await pid_of(hanging)
    lock.release()
    assert is_locked(path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_locked(path)
