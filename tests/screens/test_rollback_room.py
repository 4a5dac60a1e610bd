"""What the emergency screen says when there is more to say than room: nothing is cut without a word."""

from actions.model.errors import LedgerError
from actions.model.health import Check
from actions.model.words import Gate
from screens.rollback_rows import Decision, fitting_rows
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open

ADVICE = "look at the engine with docker info and again with vq-tui doctor before going on with this"


def doubtful(count: int) -> tuple[Check, ...]:
    return tuple(
        Check(
            id=f"c{at}", title=f"check number {at}", gate=Gate.INCONCLUSIVE, evidence=f"no answer {at}", advice=ADVICE
        )
        for at in range(count)
    )


def decision(*checks: Check) -> Decision:
    offer = facts.offer()
    offer = offer.model_copy(update={"readiness": offer.readiness.model_copy(update={"checks": checks})})
    return Decision(offer, None, facts.snapshot(), facts.NOW, "errors 7.2 %", {"plan": "f", "reason": "r"})


def lines(checks: tuple[Check, ...], height: int) -> list[str]:
    return [line.plain for line in fitting_rows(decision(*checks), 76, height)]


def test_advice_goes_before_any_check_does() -> None:
    checks = doubtful(5)
    said = lines(checks, 16)
    assert len(said) <= 16 and not any("docker info" in line for line in said)
    assert sum("check number" in line for line in said) == 5 and not any("more not sure" in line for line in said)
    assert any("docker info" in line for line in lines(checks, 40))


def test_checks_without_room_are_counted_with_the_key_that_shows_them_and_the_reason_stays() -> None:
    said = lines(doubtful(12), 16)
    assert len(said) <= 16 and "errors 7.2 %" in said[-1] and said[-1].startswith("reason")
    shown = sum("check number" in line for line in said)
    assert 0 < shown < 12
    assert any(f"and {12 - shown} more not sure; f shows them" in line for line in said)


def test_what_failed_is_never_hidden_behind_what_is_not_sure() -> None:
    failed = Check(id="schema", title="schema fits", gate=Gate.FAIL, evidence="schema 43, 2.4.0 takes 41 to 42")
    said = lines((*doubtful(12), failed), 16)
    assert any("schema fits" in line for line in said)


def test_in_the_lowest_window_the_reason_still_stands() -> None:
    assert lines(doubtful(12), 5)[-1].startswith("reason")


async def test_the_full_plan_shows_every_doubt_whole(console: Open, world: World) -> None:
    ready = facts.readiness(checks=doubtful(12), gate="inconclusive")
    world.offer = facts.offer(readiness=ready)
    async with console() as running:
        await running.press("R")
        await running.shows("more not sure; f shows them", "to roll back production", "reason")
        await running.press("f")
        await running.shows("CHECKS THAT DO NOT PASS", "check number 0", ADVICE[:60])
        assert running.app.page is not None and "check number 11" in running.app.page.plain()
        assert "switch traffic" in running.app.page.plain()


async def test_what_copies_and_what_writes_the_decision_work_on_it(console: Open) -> None:
    saved: list[str] = []

    async def save(name: str, text: str) -> str:
        saved.append(text)
        return f"/tmp/{name}.txt"

    async with console(keys={"all.write": "f5"}) as running:
        running.app.save = save  # type: ignore[method-assign]
        await running.press("R")
        await running.shows("to roll back production")
        await running.press("y")
        await running.shows("if nothing was copied, f5 writes a file")
        await running.press("f5")
        await running.shows("written to /tmp/rollback.txt")
        assert "traffic blue → green" in saved[0]


async def test_another_version_is_offered_without_a_plan_where_one_service_can_go_back(
    console: Open, world: World
) -> None:
    world.offer = world.ways[""] = LedgerError("the ledger is damaged")
    async with console() as running:
        await running.press("R")
        await running.shows("✗ the ledger is damaged", "v chooses another version")
        await running.press("v")
        await running.shows("releases of api")


async def test_another_version_is_not_offered_where_nobody_can_tell_of_what(console: Open, world: World) -> None:
    world.offer, world.services = LedgerError("the ledger is damaged"), ("api", "web")
    world.ways = {name: facts.readiness(service=name) for name in world.services}
    async with console() as running:
        running.app.open("screens.rollback:RollbackPage")
        await running.shows("✗ the ledger is damaged")
        assert "other version" not in running.text and "another version" not in running.text
