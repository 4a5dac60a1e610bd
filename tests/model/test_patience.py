"""Time in which this process could not run is not held against the other side; one that is only slow is asked again."""

import asyncio
import threading
import time

import pytest

from actions.model.errors import Slow, Unreachable
from actions.model.patience import fair_timeout, tried
from actions.model.waiting import Deadline, until


async def test_an_answer_that_came_while_this_process_stood_still_is_taken() -> None:
    """The loop is held for five times the limit; the answer arrives meanwhile."""
    loop, answer = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def answering() -> None:
        loop.call_soon_threadsafe(answer.set_result, "answered")

    async with fair_timeout(0.1):
        threading.Thread(target=answering).start()
        time.sleep(0.5)
        assert await answer == "answered"


async def test_who_does_not_answer_is_left_all_the_same() -> None:
    with pytest.raises(TimeoutError):
        async with fair_timeout(0.05):
            await asyncio.Event().wait()


async def test_no_time_at_all_ends_at_once() -> None:
    with pytest.raises(TimeoutError):
        async with fair_timeout(0.0):
            await asyncio.Event().wait()


class Source:
    """Gives these answers one after the other: an exception is raised, None hangs."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


@pytest.mark.parametrize("first", [None, Slow("no answer within 5 s")], ids=["hangs", "says it is slow"])
async def test_a_slow_source_gets_another_try(first: Exception | None) -> None:
    source = Source(first, "here")
    assert await tried(source, 0.05, Deadline(30)) == "here"
    assert source.asked == 2


async def test_a_refusal_is_final() -> None:
    source = Source(Unreachable("connection refused"), "here")
    with pytest.raises(Unreachable, match="refused"):
        await tried(source, 1.0, Deadline(30))
    assert source.asked == 1


async def test_one_that_never_answers_is_slow_when_its_budget_ends() -> None:
    source = Source(*[None] * 50)
    with pytest.raises(Slow):
        await tried(source, 0.02, Deadline(0.2))
    assert source.asked >= 1


async def test_a_wait_for_a_condition_looks_at_what_came_while_this_process_stood_still() -> None:
    loop, answer = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    async def observe() -> str:
        threading.Thread(target=lambda: loop.call_soon_threadsafe(answer.set_result, "here")).start()
        time.sleep(0.5)
        return str(await answer)

    assert await until(observe, lambda seen: seen == "here", Deadline(0.1), str) == "here"
