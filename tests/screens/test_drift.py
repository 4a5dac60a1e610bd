"""Drift is accepted where it refuses: by a key that asks anew, says what is given up, and draws another key."""

import pytest

from actions.model.health import Check
from actions.model.plan import Level, Plan, RollbackOffer, RollbackRequest
from actions.model.words import Gate
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open

REASON = "traffic as configured: the generated include was edited by hand: look who changed it"
SHOWN = "the generated include was edited by hand"
REPLACED = "the edit by hand is replaced, kept as .active.conf.prev-…"


def accepting(level: Level = Level.EMERGENCY) -> Plan:
    """The plan of whoever accepts it: another one than without drift."""
    plan = facts.plan(level)
    phases = tuple(
        phase.model_copy(
            update={
                "steps": tuple(
                    step.model_copy(update={"params": {"change": {"details": [REPLACED]}}})
                    if step.kind == "switch-traffic"
                    else step
                    for step in phase.steps
                )
            }
        )
        for phase in plan.phases
    )
    return plan.model_copy(update={"phases": phases, "moves": (*plan.moves, REPLACED)})


def refused() -> RollbackOffer:
    advice = "look who changed it; accept the drift to go on from what is observed"
    drift = Check(id="drift", title="traffic as configured", gate=Gate.FAIL, evidence="edited by hand", advice=advice)
    checks = (*facts.checks(), drift)
    readiness = facts.readiness().model_copy(update={"checks": checks, "gate": Gate.FAIL.value})
    said = f"{REASON}; to accept it: 'vq-tui rollback --last-good --accept-drift'"
    return facts.offer(plan=None, refusal=said, drift=REASON, readiness=readiness)


@pytest.fixture
def drifted(world: World) -> World:
    world.offer = refused()
    world.accepted = refused().model_copy(update={"plan": accepting(), "refusal": "", "drift": ""})
    return world


async def test_a_key_accepts_drift_and_the_plan_says_what_is_given_up(console: Open, drifted: World) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows(SHOWN, "d accepts that and asks anew", "d accept drift")
        assert running.app.page is not None and running.app.page.challenge is None
        await running.press("d")
        await running.shows(f"drift    accepted: {REPLACED}", "to roll back production")
        assert "accept drift" not in running.text, "it is accepted"
        await running.press(running.challenge.key)
        await running.shows("executor 4121 alive")
        [(_, request, digest)] = running.written
        assert isinstance(request, RollbackRequest) and request.accept_drift
        assert digest == accepting().digest != facts.plan().digest


async def test_looking_again_takes_it_back(console: Open, drifted: World) -> None:
    async with console() as running:
        await running.press("R")
        await running.shows(SHOWN)
        await running.press("d")
        await running.shows("to roll back production")
        await running.press("u")
        await running.shows(SHOWN, "d accept drift")
        assert running.app.page is not None and running.app.page.challenge is None
        await running.press("escape", "R")
        await running.shows(SHOWN)
        assert running.written == []


async def test_a_chosen_release_accepts_it_too_and_its_name_is_typed(console: Open, drifted: World) -> None:
    drifted.accepted = refused().model_copy(update={"plan": accepting(Level.MANUAL), "refusal": "", "drift": ""})
    async with console() as running:
        running.app.open("screens.chosen:ChosenPage", "api", "2.4.0")
        await running.shows(SHOWN, "d accepts that", "d accept drift")
        await running.press("d")
        await running.shows(f"drift    accepted: {REPLACED}", "then type 2.4.0")
        assert running.written == []


async def test_nobody_who_may_only_look_is_offered_it(console: Open, drifted: World) -> None:
    async with console(read_only=True) as running:
        await running.press("R")
        await running.settle()
        assert "accepts that" not in running.text and "accept drift" not in running.text


async def test_another_refusal_is_not_accepted_away(console: Open, world: World) -> None:
    world.offer = facts.offer(plan=None, refusal="permissions: may not reload")
    async with console() as running:
        await running.press("R")
        await running.shows("permissions: may not reload")
        assert "accept" not in running.text
        await running.press("d")
        assert [call for call in running.desk.calls if call[0] == "offer"] and running.written == []
