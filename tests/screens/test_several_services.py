"""Several services that can go back: home shows each, `R` offers them worst first, a service's own page names it."""

import pytest

from actions.model.errors import Unreachable
from actions.model.health import Snapshot
from actions.model.plan import RollbackRequest
from actions.model.words import HealthState
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Console, Open


@pytest.fixture
def world() -> World:
    services = (
        facts.api(errors=0.0),
        facts.health("mail", HealthState.OK, "ok", "1/1"),
        facts.health("web", HealthState.DOWN, "down", "0/2"),
        facts.health("postgres", HealthState.OK, "ok", "8/100 conn", kind="postgres"),
    )
    snapshot = Snapshot(environment="production", sequence=7, at=facts.before(seconds=1), services=services)
    ways = {name: facts.readiness(service=name) for name in ("api", "web")}
    blocked = facts.readiness(service="mail", gate="fail", reason="the image is gone", to=None)
    return World(services=("api", "mail", "web"), ways={**ways, "mail": blocked}, snapshot=snapshot)


def place(running: Console, words: str) -> int:
    """The line on which these words stand."""
    return next(at for at, line in enumerate(running.text.split("\n")) if words in line)


async def test_home_shows_the_way_back_of_each_the_worst_first(console: Open) -> None:
    async with console() as running:
        await running.shows("✗ web   ● READY to 2.4.0", "● mail  ✗ NOT READY", "● api   ● READY to 2.4.0")
        assert place(running, "✗ web   ●") < place(running, "● mail  ✗") < place(running, "● api   ●")


async def test_one_whose_way_back_cannot_be_read_says_so_and_hides_no_other(console: Open, world: World) -> None:
    world.ways["web"] = Unreachable("no answer from host-b")
    async with console() as running:
        await running.shows("✗ web   ? UNKNOWN  no answer", "● api   ● READY to 2.4.0")


async def test_fifty_services_are_counted_where_they_do_not_fit(console: Open, world: World) -> None:
    world.services = tuple(f"svc-{at:02}" for at in range(50))
    world.ways = {name: facts.readiness(service=name) for name in world.services}
    async with console() as running:
        await running.shows("? svc-00  ● READY", "ready")
        shown = sum(f"svc-{at:02}  ● READY" in running.text for at in range(50))
        assert f"and {50 - shown} ready" in running.text


async def test_r_on_home_offers_them_and_the_chosen_one_is_rolled_back(console: Open) -> None:
    async with console() as running:
        await running.shows("READY")
        await running.press("R")
        await running.shows("roll back which service?", "✗ web   ● READY to 2.4.0 in about 11 s")
        assert "›✗ web" in running.text, "the worst is under the pointer"
        await running.press("enter")
        await running.shows("emergency rollback of web", "to roll back production")
        await running.press(running.challenge.key)
        await running.until(lambda: bool(running.written))
        request = running.written[0][1]
        assert isinstance(request, RollbackRequest)
        assert request.service == "web"


async def test_another_version_of_the_chosen_service_can_be_asked_for(console: Open) -> None:
    async with console() as running:
        await running.shows("READY")
        await running.press("R", "down", "down", "enter")
        await running.shows("emergency rollback of api", "to roll back production")
        await running.press("v")
        await running.shows("releases of api")


async def test_r_on_the_page_of_a_service_is_about_that_service(console: Open) -> None:
    async with console() as running:
        await running.shows("READY")
        await running.press("down", "enter")
        await running.shows("api", "FIGURES")
        await running.press("R")
        await running.shows("emergency rollback of api", "to roll back production")


async def test_r_on_the_page_of_a_database_offers_the_services(console: Open) -> None:
    async with console() as running:
        await running.shows("READY")
        await running.press(*["down"] * 4, "enter")
        await running.shows("postgres", "LOG")
        await running.press("R")
        await running.shows("roll back which service?")
        assert "● postgres" not in running.text
