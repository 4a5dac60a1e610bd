"""The history says what is so, wherever the pointer stands, and what is exported of it is runs."""

import pytest

from actions.model.errors import LedgerError
from actions.model.words import RunState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open
from tests.screens.test_lists import many


async def test_a_run_that_ended_is_shown_as_ended_wherever_the_pointer_is(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("H")
        await running.shows("► running")
        await running.press("down")
        await running.shows("2 of 2")
        world.show(facts.ended_view())
        running.app.feed.hurry()
        await running.until(lambda: "running" not in running.text)
        await running.shows("2 of 2")


async def test_new_runs_wait_above_for_whoever_reads_further_down(console: Open, world: World) -> None:
    world.runs = many(5)
    async with console() as running:
        await running.press("H", "down")
        await running.shows("2 of 5", "reason 1")
        world.runs = (facts.run(RunState.SUCCEEDED, id="02" + "0" * 24, reason="the newest"), *world.runs)
        running.app.feed.hurry()
        await running.shows("new runs, home shows them   2 of 5", "reason 1")
        await running.press("home")
        await running.shows("1 of 6", "the newest")


async def test_a_first_read_that_failed_says_why_and_is_tried_again(console: Open, world: World) -> None:
    async with console() as running:
        await running.shows("RUNNING nothing")
        world.ledger_error = LedgerError("database is locked")
        await running.press("H")
        await running.until(lambda: " database is locked" in running.text.splitlines()[3])
        world.ledger_error, world.changes = None, ()
        running.app.feed.hurry()
        await running.shows("1 of 1", "succeeded")
        assert "locked" not in running.text


async def test_what_is_written_are_all_runs_and_nothing_else(
    console: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.runs = many(700)
    async with console() as running:
        saved = []

        async def save(name: str, text: str) -> str:
            saved.append(text)
            return "/tmp/history.txt"

        monkeypatch.setattr(running.app, "save", save)
        await running.press("H")
        await running.shows("1 of 700")
        await running.press("w")
        await running.shows("written to /tmp/history.txt")
        *lines, total = saved[0].splitlines()
        assert len(lines) == 700 and total == "700 of 700 runs"
        assert lines[699].endswith("reason 699") and world.runs[699].id in lines[699]
        assert running.app.page is not None
        copied = running.app.page.plain()
        assert "reading" not in copied and copied.endswith("200 of 700 runs\n")
