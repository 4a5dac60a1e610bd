"""Read-only: no action works, because no writing object exists."""

import inspect

import pytest

from actions.model.errors import ReadOnlyError
from actions.model.run import Executor
from screens.desk_protocol import Operator, Viewer, operator_of
from screens.page import Page
from screens.registry import ACTIONS, Level
from tests.fakes import facts
from tests.fakes.desk import FakeViewer, World
from tests.screens.conftest import Console, Open

WRITING = {name for name in vars(Operator) if not name.startswith("_")} - set(vars(Viewer))
PAGES = {
    "home": "screens.home:HomePage", "rollback": "screens.rollback:RollbackPage", "chosen": "screens.chosen:ChosenPage",
    "run": "screens.run:RunPage", "service": "screens.service:ServicePage", "history": "screens.history:HistoryPage",
    "drill": "screens.drill:DrillPage", "releases": "screens.releases:ReleasesPage",
}  # fmt: skip
ARGUMENTS = {"chosen": ("api", "2.4.0"), "run": (facts.RUN,), "service": ("api",), "releases": ("api",)}


def test_a_viewer_has_no_method_that_writes() -> None:
    steering = {"command", "answer", "resume", "take_over", "close_run"}
    assert {"prepare", "submit", "start_keeper", "stop_keeper", "start_drill", "end_drill"} | steering == WRITING
    assert not WRITING & {name for name, _ in inspect.getmembers(FakeViewer())}
    with pytest.raises(ReadOnlyError):
        operator_of(FakeViewer())


async def on_page(running: Console, scope: str) -> Page:
    if scope != "home":
        running.app.open(PAGES[scope], *ARGUMENTS.get(scope, ()))
    await running.until(lambda: running.app.page is not None and scope == running.app.page.SCOPE)
    await running.settle()
    assert running.app.page is not None
    return running.app.page


@pytest.mark.parametrize("scope", PAGES)
async def test_no_action_that_writes_is_shown_or_works_on_any_page(console: Open, world: World, scope: str) -> None:
    world.show(facts.run_view())
    world.executor = Executor(state="dead")
    world.operator = "ana"
    writes = [action for action in ACTIONS if action.writes]
    assert len(writes) >= 15
    async with console(read_only=True) as running:
        page = await on_page(running, scope)
        assert "READ-ONLY" in running.text
        for action in writes:
            assert page.check_action(action.method, ()) is not True or action.scope not in ("all", scope), action.id
            assert not page.allowed(action) and action not in page.footer_actions()
        before = running.app.page
        for action in writes:
            if action.key and action.key not in {one.key for one in page.actions_now()}:
                await running.pilot.press(action.key)
            if hasattr(page, f"action_{action.method}"):
                await page.run_action(f"screen.{action.method}")
        for letter in "ABCEGJKMNSTUWXYZ":
            running.clock.pass_seconds(1)
            await running.pilot.press(letter)
        await running.settle()
        assert running.app.page is before
        assert running.desk.calls == [] or {call[0] for call in running.desk.calls} == {"offer"}


@pytest.mark.parametrize(("scope", "key"), [("drill", "s"), ("run", "p")])
async def test_a_key_that_would_change_something_is_answered(console: Open, world: World, scope: str, key: str) -> None:
    world.show(facts.run_view())
    async with console(read_only=True) as running:
        await on_page(running, scope)
        await running.press("j")
        assert "nothing can be changed" not in running.text
        await running.press(key)
        await running.shows("read-only session: nothing can be changed here")


async def test_the_plan_of_a_rollback_can_be_looked_at_and_not_confirmed(console: Open) -> None:
    async with console(read_only=True) as running:
        await running.press("R")
        await running.shows("2.4.0", "moves", "READ-ONLY: this session cannot start it")
        assert running.app.page is not None and running.app.page.challenge is None
        assert {call[0] for call in running.desk.calls} <= {"offer"}


async def test_calling_an_action_directly_finds_no_object_to_write_with(console: Open, world: World) -> None:
    world.show(facts.run_view())
    async with console(read_only=True) as running:
        page = await on_page(running, "run")
        for name in ("pause",):
            with pytest.raises(ReadOnlyError):
                getattr(page, f"action_{name}")()


async def test_the_palette_and_help_do_not_name_them(console: Open) -> None:
    async with console(read_only=True) as running:
        await running.press("colon")
        await running.shows("history")
        assert "roll back" not in running.text and "start keeper" not in running.text
        await running.press("escape", "question_mark")
        await running.shows("READ-ONLY: what would change something is not listed")
        assert "start keeper" not in running.text and "pause" not in running.text


async def test_every_other_action_still_works(console: Open) -> None:
    looks = [action for action in ACTIONS if not action.writes and action.level is Level.LOOK]
    assert {"all.history", "service.filter", "history.filter", "run.detach"} <= {action.id for action in looks}
    async with console(read_only=True) as running:
        await running.press("H")
        await running.shows("PRODUCTION   READ-ONLY   history")
        await running.press("escape", "D")
        await running.shows("EARLIER DRILLS")
