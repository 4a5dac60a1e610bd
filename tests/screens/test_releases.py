"""The releases: read again while they are looked at, and what is not known about them is said."""

import asyncio

from actions.model.errors import LedgerError
from actions.model.words import Verdict
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open


async def listed(running: Console) -> None:
    await running.press("R")
    await running.shows("to roll back production")
    await running.press("v")
    await running.shows("releases of api", "serving")


async def test_they_are_read_again_when_something_is_new_and_when_they_are_seen_again(
    console: Open, world: World
) -> None:
    async with console() as running:
        await listed(running)
        await running.shows("2.3.8         good")
        world.releases = tuple(
            one.model_copy(update={"verdict": Verdict.BAD}) if one.version == "2.3.8" else one for one in world.releases
        )
        world.changes = ()
        running.app.feed.hurry()
        await running.shows("2.3.8         bad")
        await running.press("question_mark")
        world.offer = facts.offer(readiness=facts.readiness(current=facts.releases()[1], to=None), others=())
        await running.press("escape")
        await running.until(lambda: any("2.4.0" in line and "serving" in line for line in running.text.splitlines()))
        assert "can be chosen" not in running.text


async def test_where_the_offer_fails_that_is_said_and_asked_again(console: Open, world: World) -> None:
    offer, world.offer = world.offer, LedgerError("the ledger is locked")
    async with console() as running:
        await running.press("colon", *"releases", "enter")
        await running.shows("? what could be gone back to is not known: the ledger is locked", "2.4.0")
        await running.press("down", "enter")
        await running.shows("what could be gone back to is not known: the ledger is locked")
        assert "still asking" not in running.text
        world.offer = offer
        running.app.page.ask()  # type: ignore[union-attr]
        await running.shows("can be chosen")
        running.clock.pass_seconds(60)
        running.app._tick()
        await running.until(lambda: "not known" not in running.text)


async def test_a_question_under_way_is_not_asked_twice(console: Open) -> None:
    asked, over = [], asyncio.Event()
    async with console() as running:

        async def slow(service: str) -> tuple[object, ...]:
            asked.append(service)
            await over.wait()
            return facts.releases()

        running.desk.releases = slow  # type: ignore[method-assign,assignment]
        await running.press("colon", *"releases", "enter")
        for _ in range(3):
            running.app.page.ask()  # type: ignore[union-attr]
            await running.settle()
        assert asked == ["api"]
        over.set()
        await running.shows("2.4.0")
