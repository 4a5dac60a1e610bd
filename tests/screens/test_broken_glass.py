"""While the ledger refuses, the decision names the way out; afterwards pages say what is not in the record yet."""

from actions.model.errors import LedgerError
from actions.model.health import Check
from actions.model.words import Gate
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open

DAMAGED = LedgerError("the ledger in /var/lib/vq-tui is damaged")
WAITS = "2 runs made under broken glass wait"


async def test_a_refusal_for_the_ledgers_sake_names_the_way_out(console: Open, world: World) -> None:
    world.ledger_error = DAMAGED
    async with console() as running:
        await running.press("R")
        await running.shows(
            "is damaged", "in an emergency: vq-tui --env production rollback --to VERSION", "--break-glass"
        )


async def test_a_refused_confirmation_goes_on_naming_it(console: Open, world: World) -> None:
    world.submitted = DAMAGED
    async with console() as running:
        await running.press("R")
        await running.press(running.challenge.key.lower())
        await running.shows("is damaged", "--break-glass")
        running.app.feed.hurry()
        await running.settle()
        assert "--break-glass" in running.text


async def test_a_journal_that_cannot_be_written_is_such_a_refusal_and_another_is_not(
    console: Open, world: World
) -> None:
    journal = Check(id="journal", title="journal writable", gate=Gate.FAIL, evidence="no right to write")
    world.offer = facts.offer().model_copy(
        update={"plan": None, "refusal": "journal writable: no right", "readiness": facts.readiness(checks=(journal,))}
    )
    async with console() as running:
        await running.press("R")
        await running.shows("journal writable: no right", "--break-glass")
        world.offer = facts.offer().model_copy(update={"plan": None, "refusal": "no way back"})
        await running.press("u")
        await running.shows("no way back")
        assert "--break-glass" not in running.text


async def test_runs_that_wait_to_be_brought_in_stay_on_the_page(console: Open, world: World) -> None:
    world.waiting = WAITS
    async with console() as running:
        await running.shows(f"{WAITS}: 'vq-tui audit import'")
        world.trouble = "the ledger in /var/lib/vq-tui cannot be written: it is read-only here"
        running.app.feed.hurry()
        await running.shows("it is read-only here; 2", "broken glass wait: 'vq-tui audit import'")
        world.trouble = world.waiting = ""
        running.app.feed.hurry()
        await running.settle()
        assert "broken glass" not in running.text
