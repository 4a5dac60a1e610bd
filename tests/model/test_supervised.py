"""Background work that fails is shown, logged, and begins again."""

import asyncio
import logging
from typing import Any

import pytest

from actions.model.errors import LedgerError
from actions.model.supervised import Supervised


class Work:
    """Raises `errors` one after the other, then runs until cancelled."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.begun = 0
        self.lives = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        self.begun += 1
        if self.errors:
            error = self.errors.pop(0)
            if error is None:
                return
            raise error
        self.lives.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def supervised(work: Work, **more: Any) -> Supervised:
    return Supervised("watch", work, **({"first_pause": 0.0, "longest_pause": 0.0, "settled": 0.0} | more))


@pytest.mark.parametrize("error", [KeyError("service"), LedgerError("the disk is full"), asyncio.CancelledError()])
async def test_work_that_fails_begins_again_and_the_failure_is_shown(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    work, said = Work(error, error), list[str]()
    task = supervised(work, changed=said.append)
    with caplog.at_level(logging.ERROR):
        task.start()
        async with asyncio.timeout(10):
            await work.lives.wait()
            while task.problem:
                await asyncio.sleep(0)
    assert work.begun == 3 and task.running
    assert said[0].startswith("watch stopped: ") and said[-1] == ""
    assert caplog.records and caplog.records[0].exc_info is not None
    await task.stop()
    assert work.cancelled and not task.running


async def test_what_is_no_fault_of_the_system_is_called_a_fault_of_the_program() -> None:
    said: list[str] = []
    work = Work(KeyError("x"), LedgerError("full"))
    task = supervised(work, changed=said.append)
    task.start()
    async with asyncio.timeout(10):
        await work.lives.wait()
    await task.stop()
    assert "KeyError" in said[0] and "of this program" in said[0]
    assert "watch stopped: full" in said


async def test_the_problem_stays_while_the_work_goes_on_failing() -> None:
    work = Work(*[KeyError("x")] * 1_000)
    task = supervised(work, longest_pause=0.01)
    task.start()
    async with asyncio.timeout(10):
        while work.begun < 3:
            await asyncio.sleep(0)
    assert task.problem and task.running
    await task.stop()


async def test_pauses_grow_and_work_that_lives_is_not_started_twice() -> None:
    pauses: list[float] = []
    work = Work(*[KeyError("x")] * 4)
    task = supervised(work, first_pause=1.0, longest_pause=4.0)
    with pytest.MonkeyPatch.context() as patch:

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        patch.setattr("actions.model.supervised.asyncio.sleep", sleep)
        task.start()
        task.start()
        async with asyncio.timeout(10):
            await work.lives.wait()
    assert pauses == [1.0, 2.0, 4.0, 4.0] and work.begun == 5
    await task.stop()


async def test_work_that_returns_has_ended() -> None:
    task = supervised(Work(None))
    task.start()
    async with asyncio.timeout(10):
        await task.ended()
    assert not task.running and task.problem == ""


async def test_stop_before_start_and_twice() -> None:
    task = supervised(Work())
    await task.stop()
    task.start()
    await task.stop()
    await task.stop()
    assert not task.running
