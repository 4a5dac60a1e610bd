"""Every figure of a service can be looked at, however small the window."""

from actions.model.health import Figure
from actions.model.words import Gate
from tests.fakes import facts
from tests.fakes.desk import World
from tests.screens.conftest import Open


def with_figures(world: World, count: int) -> None:
    fine = [Figure(name=f"figure {at:02}", value=float(at), limit=99, gate=Gate.PASS) for at in range(count - 1)]
    figures = (*fine, Figure(name="the worst", value=100.0, limit=99, gate=Gate.FAIL))
    api = facts.api().model_copy(update={"figures": figures})
    world.snapshot = facts.snapshot().model_copy(update={"services": (api,)})


async def test_eleven_figures_fit_on_a_small_window_once_asked_for(console: Open, world: World) -> None:
    with_figures(world, 11)
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("the worst", "more; i shows them")
        await running.press("i")
        await running.shows("FIGURES  all 11", "the worst", *(f"figure {at:02}" for at in range(10)))
        await running.press("i")
        await running.shows("LOG", "INSTANCES")


async def test_more_than_fit_are_scrolled_to(console: Open, world: World) -> None:
    with_figures(world, 40)
    async with console() as running:
        await running.press("down", "enter")
        await running.shows("more; i shows them")
        await running.press("i")
        await running.shows("FIGURES  1 to", "of 40", "✗ the worst")
        assert "figure 38" not in running.text
        await running.press(*["pagedown"] * 3)
        await running.shows("figure 38", "of 40")
        await running.press("home")
        await running.shows("✗ the worst", "FIGURES  1 to")
