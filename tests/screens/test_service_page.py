"""The page of a service: its log is that of an instance that is there, however slow the sources are."""

import asyncio

import pytest

from actions.model.errors import Unreachable
from actions.model.views import SlotView
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open

LONG = "ERROR POST /api/queues/7/join 500 " + " ".join(f"word-{at}" for at in range(60)) + " THE-END"


def renamed(slots: tuple[SlotView, ...], suffix: str) -> tuple[SlotView, ...]:
    """The same slots after a recreate."""

    def anew(slot: SlotView) -> SlotView:
        assert slot.facts is not None
        ones = tuple(
            one.model_copy(update={"id": one.id + suffix, "name": one.name + suffix}) for one in slot.facts.instances
        )
        return slot.model_copy(update={"facts": slot.facts.model_copy(update={"instances": ones})})

    return tuple(map(anew, slots))


async def again(running: Console, seconds: float = 5.0) -> None:
    running.clock.advance(seconds)
    running.app.page.ask()  # type: ignore[union-attr]
    await running.settle()


async def test_after_a_recreate_the_log_is_that_of_what_took_its_place(
    console: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("LOG api-blue-1", "GET /api/queues")

        async def tail(service: str, slot: str, instance: str, lines: int = 200) -> tuple[str, ...]:
            if instance.endswith("-new"):
                return ("12:00 INFO the new one",)
            raise Unreachable(f"no such container: {instance}")

        monkeypatch.setattr(running.desk, "log_tail", tail)
        await again(running)
        world.slots = renamed(world.slots, "-new")
        await again(running)
        await running.shows("›api-blue-1-new", "LOG api-blue-1-new", "the new one", "api-blue-1 is gone")
        assert "no such container" not in running.text and "GET /api/queues" not in running.text


async def test_while_the_platform_is_silent_the_log_stays_with_its_age(
    console: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("LOG api-blue-1", "GET /api/queues")

        async def silent(*_: object, **__: object) -> tuple[str, ...]:
            raise Unreachable("docker did not answer in 5 s")

        monkeypatch.setattr(running.desk, "log_tail", silent)
        world.slots = tuple(one.model_copy(update={"facts": None, "error": "silent"}) for one in world.slots)
        await again(running, 30)
        await running.shows("as of 30 s ago", "GET /api/queues", "docker did not answer")
        assert "is gone" not in running.text


async def test_the_log_of_a_colour_without_traffic_says_so(console: Open, world: World) -> None:
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("LOG api-blue-1")
        assert "gets no traffic" not in running.text
        blue, green = world.slots
        world.slots = (blue.model_copy(update={"share": 0.0}), green.model_copy(update={"share": 1.0}))
        await again(running)
        await running.shows("LOG api-blue-1  gets no traffic")


async def test_a_question_under_way_is_not_asked_again_and_answers_late(
    console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked = asyncio.Event(), []
    async with console() as running:

        async def slow(service: str, slot: str, instance: str, lines: int = 200) -> tuple[str, ...]:
            asked.append(instance)
            await over.wait()
            return (f"slow log of {instance}",)

        monkeypatch.setattr(running.desk, "log_tail", slow)
        await running.press("down", "enter")
        await running.shows("LOG api-blue-1", "reading")
        for _ in range(3):
            await again(running)
        assert asked == ["blue-1"]
        await running.press("tab")
        await running.shows("LOG api-blue-2")
        assert asked == ["blue-1", "blue-2"], "another instance is another question"
        over.set()
        await running.shows("slow log of blue-2")
        assert "slow log of blue-1" not in running.text


async def test_a_long_line_is_read_whole_and_exported_whole(console: Open, world: World) -> None:
    world.log = (*facts.log_lines(), LONG)
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("ERROR POST")
        assert "THE-END" not in running.text
        assert running.app.page is not None and LONG in running.app.page.plain().splitlines()
        await running.press("enter")
        await running.shows("log api-blue-1", "word-30", "THE-END")
        assert LONG in running.app.page.plain().splitlines()
        await running.press("escape")
        await running.shows("FIGURES")


async def test_a_filter_that_finds_nothing_says_how_far_it_looked(console: Open, world: World) -> None:
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("LOG api-blue-1")
        await running.press("slash")
        await running.until(lambda: running.app.focused is not None)
        await running.press(*"nowhere", "enter")
        await running.shows(f"none in the last {len(world.log)} lines")


async def test_the_export_has_every_instance_with_its_message_and_id(console: Open, world: World) -> None:
    blue, green = world.slots
    assert blue.facts is not None
    first, *rest = blue.facts.instances
    first = first.model_copy(update={"name": "a-name-longer-than-any-column-of-the-page", "message": "m" * 250})
    world.slots = (
        blue.model_copy(update={"facts": blue.facts.model_copy(update={"instances": (first, *rest)})}),
        green,
    )
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("FIGURES")
        assert running.app.page is not None
        text = running.app.page.plain()
        assert first.name in text and first.message in text and "blue-1" in text
        assert "✗ error rate  7.2 %  limit 1 %" in text and "all instances: error 288" in text
