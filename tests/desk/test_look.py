"""What a desk reads of logs: every one within its deadline, and none that was not read passes for clean."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actions.desk import look
from actions.model.errors import Unreachable
from actions.model.plan import RollbackRequest
from actions.model.services import HttpService
from actions.model.views import LogCounts
from actions.model.workloads import AddressWorkload
from tests.releases.making import facts, slot

REQUEST = RollbackRequest(environment="production", service="api")


class Access:
    """One service with two slots and these log files."""

    def __init__(self, *logs: Path) -> None:
        place = AddressWorkload(url="http://127.0.0.1:1")
        service = HttpService(url="http://127.0.0.1:1", workload=place, logs=logs)
        self.environment = SimpleNamespace(services={"api": service})

    def slots(self, _: str) -> tuple[str, ...]:
        return ("blue", "green")

    def workload(self, _service: str, slot: str) -> Any:
        async def log_tail(instance: str, _: int) -> tuple[str, ...]:
            return (f"{slot} {instance} ERROR one", "fine")

        return SimpleNamespace(log_tail=log_tail)


async def counted(*slots: Any, logs: tuple[Path, ...] = ()) -> LogCounts:
    async def known(_: RollbackRequest) -> Any:
        return facts(*slots, releases=())

    watching: Any = SimpleNamespace(access=Access(*logs), way_back=SimpleNamespace(facts=known))
    return await look.log_counts(watching, REQUEST)


async def test_a_slot_that_does_not_answer_is_named_and_not_counted_as_clean(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("ERROR two\n")
    silent = slot("green", None, workload=None, error="the engine did not answer")
    found = await counted(slot("blue", "2.4.1"), silent, logs=(log,))
    assert found.unread == ("green: the engine did not answer",)
    assert found.error == 2
    nothing = await counted(silent.model_copy(update={"slot": "blue"}), silent)
    assert (nothing.lines, len(nothing.unread)) == (0, 2)


async def test_a_pipe_among_the_logs_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = await asyncio.wait_for(counted(slot("blue", "2.4.1"), logs=(pipe, tmp_path / "absent")), 5)
    assert found.unread == (f"{pipe}: no plain file", f"{tmp_path / 'absent'}: No such file or directory")


async def test_a_log_that_hangs_costs_one_thread_and_nobody_else_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a dead network disk: the system call never returns. What the threads of the desk do goes on."""
    entered, over = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def hangs(path: Path) -> list[str]:
        entered.append(path)
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result()
        return []

    monkeypatch.setattr(look, "_tail", hangs)
    monkeypatch.setattr(look, "LOG_SECONDS", 0.02)
    log = tmp_path / "api.log"
    try:
        for _ in range(3 * (os.cpu_count() or 1) + 12):
            assert (await counted(slot("blue", "2.4.1"), logs=(log,))).unread == (f"{log}: no answer within 0 s",)
        assert entered == [log]
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 10) == "free"
    finally:
        over.set()


async def test_a_driver_that_never_answers_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    access: Any = Access()

    class Hanging:
        async def log_tail(self, *_: object) -> tuple[str, ...]:
            await asyncio.Event().wait()
            return ()

    monkeypatch.setattr(access, "workload", lambda *_: Hanging())
    monkeypatch.setattr(look, "TAIL_SECONDS", 0.01)
    with pytest.raises(Unreachable, match="blue-0: no log within"):
        await look.log_tail(access, "api", "blue", "blue-0", 10)
