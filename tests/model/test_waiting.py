"""A wait ends by what is seen or by its deadline, never by one look that went nowhere."""

import pytest

from actions.model.errors import Refused, Unreachable, VerifyFailed
from actions.model.waiting import Deadline, until

Looks = list[str | Exception]


async def waited(looks: Looks, told: list[str], seconds: float = 20) -> str:
    async def observe() -> str:
        one = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(one, Exception):
            raise one
        return one

    return await until(observe, lambda one: one == "up", Deadline(seconds), str, every=0.001, lost=told.append)


async def test_one_silent_look_is_not_the_verdict() -> None:
    """The engine or the cluster fell silent for a moment: the good release must not be taken back for that."""
    told: list[str] = []
    silent = Unreachable("no answer")
    assert await waited(["starting", silent, silent, "starting", silent, "up"], told) == "up"
    assert told == ["no answer", "no answer"]


async def test_silence_until_the_deadline_fails_with_its_reason() -> None:
    with pytest.raises(VerifyFailed, match="not observed within 0 s: the cluster does not answer"):
        await waited([Unreachable("the cluster does not answer")], [], seconds=0.05)


async def test_other_errors_end_the_wait_at_once() -> None:
    with pytest.raises(Refused, match="no right"):
        await waited([Refused("no right"), "up"], [])
