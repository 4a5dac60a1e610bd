"""A standing pin is on the screens where somebody decides, with the whole command that lifts it."""

from actions.model.platform import StandingPin
from screens.pin_rows import pin_rows
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open

LIFT = "vq-tui --env production pin lift --service api"
PIN = StandingPin(
    service="api",
    file="/srv/shop/docker-compose.override.yml",
    image="sha256:" + "1" * 64,
    version="2.4.0",
    read=True,
    lift=LIFT,
    deploy="docker compose up -d api",
)


def pinned(world: World, **changes: object) -> None:
    pin = PIN.model_copy(update=changes)
    world.readiness = facts.readiness(pins=(pin,))
    first, *rest = world.slots
    assert first.facts is not None
    world.slots = (first.model_copy(update={"facts": first.facts.model_copy(update={"pin": pin})}), *rest)
    world.offer = world.offer.model_copy(update={"readiness": world.readiness})


def squeezed(text: str) -> str:
    return " ".join(text.split())


async def test_home_service_and_releases_show_it(console: Open, world: World) -> None:
    pinned(world)
    async with console(size=(160, 40)) as running:
        assert "deploys stay on 2.4.0" in running.text and LIFT in running.text
        for key in ("j", "enter"):
            await running.press(key)
        assert "deploys stay on 2.4.0" in running.text and LIFT in running.text


async def test_a_deploy_that_waits_is_said(console: Open, world: World) -> None:
    pinned(world, blocks="docker-compose.yml changed since")
    async with console(size=(160, 40)) as running:
        assert "docker-compose.yml changed since" in running.text


async def test_the_command_is_whole_in_the_smallest_window(console: Open, world: World) -> None:
    pinned(world, blocks="docker-compose.yml changed since")
    async with console(size=(80, 24)) as running:
        right = " ".join(line[43:].strip() for line in running.text.splitlines())
        assert LIFT in squeezed(right), running.text


def test_the_command_is_whole_in_a_narrow_column() -> None:
    rows = pin_rows(PIN, 36)
    assert squeezed(" ".join(one.plain for one in rows)).endswith(LIFT)
    assert all(len(one.plain.rstrip()) <= 36 for one in rows)
