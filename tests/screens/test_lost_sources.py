"""A source that was lost keeps its last values, labelled with their age; nothing of it is shown as well (rule 3)."""

import pytest

from actions.model.errors import LedgerError
from actions.model.health import Check
from actions.model.words import Gate
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open

DAMAGED = LedgerError(
    "the ledger in /var/lib/vq-tui is damaged: run 'vq-tui audit verify', then restore it from a backup"
)


async def lost(running: Console, world: World) -> None:
    world.ledger_error = DAMAGED
    running.app.feed.hurry()
    await running.shows("the ledger in /var/lib/vq-tui is damaged")


async def test_a_ledger_lost_under_an_open_console_is_never_nothing_happened(console: Open, world: World) -> None:
    async with console() as running:
        await running.shows("RUNNING nothing", "watcher")
        await lost(running, world)
        await running.shows("RUNNING not known", "? as of 0 s ago", "restore it from a backup")
        assert "RUNNING nothing" not in running.text and "nothing is on record" not in running.text
        assert "12 m  release" in running.text, "the last values stay"
        assert "▲ api" in running.text, "health does not come from the ledger"
        running.clock.pass_seconds(60)
        await running.settle()
        assert "restore it from a backup" in running.text, "what is wrong stays on the page"


async def test_a_way_back_that_was_ready_is_not_while_the_record_is_in_trouble(console: Open, world: World) -> None:
    async with console() as running:
        await running.shows("● READY  to 2.4.0")
        world.trouble = "the ledger in /var/lib/vq-tui is gone since it was read last: put it back"
        running.app.feed.hurry()
        await running.shows("? UNKNOWN  as of", "was READY")
        assert "● READY" not in running.text
        world.trouble = ""
        running.app.feed.hurry()
        await running.shows("● READY  to 2.4.0")


async def test_a_ledger_that_comes_back_is_shown_as_before(console: Open, world: World) -> None:
    async with console() as running:
        await lost(running, world)
        world.ledger_error = None
        running.app.feed.hurry()
        await running.shows("RUNNING nothing", "LAST rollback")
        assert "as of" not in running.text and "damaged" not in running.text


async def test_a_console_opened_on_a_damaged_ledger_says_so(console: Open, world: World) -> None:
    world.ledger_error = DAMAGED
    journal = Check(id="journal", title="journal", gate=Gate.FAIL, evidence="damaged", advice="restore it")
    good = Check(id="good", title="a release to go back to", gate=Gate.INCONCLUSIVE, evidence="not known")
    world.readiness = facts.readiness(checks=(good, journal), gate="fail", reason="damaged", to=None)
    async with console(read_only=True) as running:
        await running.shows("✗ NOT READY  where to is not known", "restore it from a backup", "▲ api")
        for words in ("RUNNING nothing", "no run on record", "nothing is on record", "● READY"):
            assert words not in running.text, words


async def test_the_rollback_screen_does_not_call_the_lock_free_and_says_why_it_cannot_act(
    console: Open, world: World
) -> None:
    world.readiness = facts.readiness(checks=(), gate="fail", reason="damaged")
    async with console() as running:
        await lost(running, world)
        await running.press("R")
        await running.shows("lock not known", "✗ the ledger in /var/lib/vq-tui is damaged", "nothing was touched")
        assert "lock free" not in running.text and "to roll back" not in running.text
        assert running.text.count("is damaged") == 1, "it is said once"


# a run that is followed --------------------------------------------------------------------
async def test_a_journal_that_cannot_be_read_is_labelled_and_read_again(
    console: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.run.AGAIN_SECONDS", 0.01)
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g")
        await running.shows("executor 4121 alive", "00:07 of")
        world.ledger_error = DAMAGED
        running.desk.touch()
        await running.shows("? as of 0 s ago, since then not known")
        running.clock.advance(20)
        running.app.feed.hurry()
        await running.shows("? as of 20 s ago, since then not known", "executor not known", "00:07 of")
        assert "executor 4121 alive" not in running.text
        world.ledger_error = None
        world.show(facts.ended_view())
        await running.shows("OUTCOME", "● succeeded in 11 s")
        assert "as of" not in running.text


async def test_who_carries_a_run_out_is_asked_apart_from_its_journal(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        asked = running.desk.executor

        async def cannot(_: str) -> None:
            raise LedgerError("the ledger is busy")

        running.desk.executor = cannot  # type: ignore[method-assign,assignment]
        await running.press("g")
        await running.shows("executor not known", "switch traffic")
        running.desk.executor = asked  # type: ignore[method-assign]
        world.show(facts.ended_view())
        running.desk.touch()
        await running.shows("OUTCOME", "● succeeded in 11 s")


async def test_a_run_that_is_nowhere_is_said_where_it_was_asked_for(console: Open) -> None:
    async with console() as running:
        running.app.open("screens.run:RunPage", "NOPE")
        await running.shows("no run 'NOPE'")
        await running.press("escape")
        running.app.open("screens.detail:DetailPage", "NOPE")
        await running.shows("no run 'NOPE'")
        assert "reading" not in running.text


async def test_the_detail_of_a_run_that_goes_on_is_read_again(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console() as running:
        await running.press("g")
        await running.shows("executor 4121 alive")
        await running.press("enter")
        await running.shows("► running")
        world.show(facts.ended_view())
        running.app.feed.hurry()
        await running.shows("● succeeded   11 s")


async def test_leaving_a_run_that_has_ended_does_not_say_that_it_goes_on(console: Open, world: World) -> None:
    world.show(facts.ended_view())
    async with console() as running:
        running.app.open("screens.run:RunPage", facts.RUN)
        await running.shows("OUTCOME")
        await running.press("d")
        await running.shows("HEALTH")
        assert "goes on" not in running.text
